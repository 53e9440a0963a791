// Error: filling and reading the call context's error; see error.h and cx.h.
//
// Also: mr_cx_

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cx.h"
#include "base/utf8.h"

static const char *const code_texts[] = {
#define MR_CODE_TEXT(name, text) [MR_##name] = text,
    MR_CODES(MR_CODE_TEXT)
#undef MR_CODE_TEXT
};

_Static_assert(MR_COUNT(code_texts) == MR_CODE_COUNT, "every code has its words");

const char *mr_error_code_text(mr_code code) {
    mr_assert((unsigned)code < MR_CODE_COUNT);
    return code_texts[code];
}

bool mr_error_line_column(const mr_place *place, uint32_t *ret_line, uint32_t *ret_column) {
    if (place->source == NULL || place->offset < 0) {
        return false;
    }
    uint32_t line = 1, column = 1;
    for (int32_t i = 0; i < place->offset && place->source[i] != '\0'; i++) {
        unsigned char byte = (unsigned char)place->source[i];
        if (byte == '\n') {
            line++;
            column = 1;
        } else if ((byte & 0xC0) != 0x80) {  // Bytes inside a character do not count.
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
    return true;
}

void mr_cx_init(mr_cx *cx, mr_arena *arena, mr_plat *plat) {
    *cx = (mr_cx){.arena = arena, .plat = plat, .error = {.place = MR_NOWHERE}};
}

// What is told is UTF-8, whatever name or line it quotes: a database takes nothing else.
static void put_text(char *ret, size_t ret_bytes, const char *text) {
    (void)mr_utf8_copy(ret, ret_bytes, (mr_span){text, strlen(text)});
}

mr_code mr_error_set(mr_cx *cx, mr_code code, mr_error_site site, const char *format, ...) {
    mr_assert(code != MR_OK);
    // Formatted aside: the arguments may be parts of the error that is being replaced.
    char text[MR_ERROR_TEXT_BYTES + 4];
    char hint[MR_ERROR_TEXT_BYTES + 4];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(hint, sizeof(hint), "%s", site.hint == NULL ? "" : site.hint);

    mr_error *error = &cx->error;
    error->code = code;
    error->flags = 0;
    error->place = site.place;
    put_text(error->text, sizeof(error->text), text);
    put_text(error->hint, sizeof(error->hint), hint);
    error->context_count = 0;
    error->site_file = site.file;
    error->site_line = site.line;
    return code;
}

mr_code mr_error_in(mr_cx *cx, mr_code code, const char *format, ...) {
    mr_error *error = &cx->error;
    if (code == MR_OK || error->context_count == MR_ERROR_CONTEXT_MAX) {
        return code;
    }
    char text[sizeof(error->context[0]) + 4];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    put_text(error->context[error->context_count], sizeof(error->context[0]), text);
    error->context_count++;
    return code;
}

mr_code mr_error_flag(mr_cx *cx, mr_code code, uint32_t flags) {
    if (code != MR_OK) {
        cx->error.flags |= flags;
    }
    return code;
}
