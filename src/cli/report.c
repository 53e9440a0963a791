// Report: how errors and messages look. Part of cli.h.
//
//   error: no column "usr_id" in table "events"
//     at sql/retail.sql:14:9
//     SELECT usr_id FROM events;
//            ^
//   hint: Did you mean "user_id"?
//   in: opening pipeline "retail"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define LINE_BYTES_MAX 200

static void add_source_line(const mr_error *error, uint32_t column, mr_text *out) {
    const char *source = error->place.source;
    if (source == NULL || error->place.offset < 0) {
        return;
    }
    const char *at = source + error->place.offset;
    const char *start = at;
    while (start > source && start[-1] != '\n') {
        start--;
    }
    size_t bytes = strcspn(start, "\n");
    if (bytes == 0 || bytes > LINE_BYTES_MAX) {
        return;
    }
    mr_text_addf(out, "  | %.*s\n  | %*s^\n", (int)bytes, start, (int)column - 1, "");
}

void mr_report_format(const mr_error *error, mr_text *out) {
    mr_text_addf(out, "error: %s\n", error->text);
    uint32_t line;
    uint32_t column;
    if (mr_error_line_column(&error->place, &line, &column)) {
        mr_text_addf(out, "  at %s:%u:%u\n", error->place.file == NULL ? "?" : error->place.file,
                     line, column);
        add_source_line(error, column, out);
    } else if (error->place.file != NULL) {
        mr_text_addf(out, "  at %s\n", error->place.file);
    }
    if (error->hint[0] != '\0') {
        mr_text_addf(out, "hint: %s\n", error->hint);
    }
    for (uint32_t i = 0; i < error->context_count; i++) {
        mr_text_addf(out, "in: %s\n", error->context[i]);
    }
}

void mr_report_error(mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, NULL);
    mr_report_format(&cx->error, &out);
    if (mr_plat_env(cx->plat, "MILLRACE_DEBUG") != NULL && cx->error.site_file != NULL) {
        mr_text_addf(&out, "raised: %s:%d\n", cx->error.site_file, cx->error.site_line);
    }
    if (mr_stream_write(MR_STDERR, mr_text_span(&out), cx) != MR_OK) {
        mr_text_clear(&out);  // Standard error is gone: nothing to tell anyone.
    }
    mr_text_release(&out);
}

void mr_report_say(mr_cx *cx, const char *format, ...) {
    char line[2048];
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    size_t count = (size_t)MR_MIN(MR_MAX(bytes, 0), (int)sizeof line - 1);
    if (mr_stream_write(MR_STDERR, (mr_span){line, count}, cx) != MR_OK) {
        return;
    }
}

void mr_report_print(mr_cx *cx, const mr_text *text) {
    if (mr_stream_write(MR_STDOUT, mr_text_span(text), cx) != MR_OK) {
        return;
    }
}

void mr_report_note(mr_cx *cx, const mr_text *text) {
    if (mr_stream_write(MR_STDERR, mr_text_span(text), cx) != MR_OK) {
        return;
    }
}
