// Errortext: see errortext.h.

#include "base/errortext.h"

#include <string.h>

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

void mr_errortext_format(const mr_error *error, mr_text *out) {
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
