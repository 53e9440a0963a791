// Report: how errors and messages are shown. Part of cli.h.

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/errortext.h"
#include "cli/cli.h"

void mr_report_error(mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, NULL);
    mr_errortext_format(&cx->error, &out);
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

void mr_report_line(void *self, const char *line) {
    const char *before = self == NULL ? "" : self;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    mr_text text;
    mr_text_init(&text, &arena);
    mr_text_addf(&text, "%s%s\n", before, line);
    mr_report_note(&cx, &text);
    mr_arena_release(&arena);
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
