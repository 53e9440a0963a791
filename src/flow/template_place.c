// Template, places: where in the file a byte of a YAML text stands, for errors that point at it.

#include <string.h>

#include "flow/template_node.h"

// Where a scalar that begins here ends, as far as quotes tell.
static size_t scalar_end(const char *source, size_t at, size_t bytes) {
    char quote = source[at];
    if (quote != '"' && quote != '\'') {
        return bytes;
    }
    for (size_t i = at + 1; i < bytes; i++) {
        if (quote == '"' && source[i] == '\\') {
            i++;
        } else if (source[i] == quote) {
            return i;
        }
    }
    return bytes;
}

// YAML may have folded, indented or escaped the text, so the template itself is looked for in the
// file: the same one, counted from the scalar's beginning.
mr_place mr_template_place(mr_span text, mr_place place, size_t at) {
    if (place.source == NULL || place.offset < 0 || text.bytes == 0) {
        return place;
    }
    size_t from = MR_MIN(at, text.bytes - 1);
    while (from > 0 && !(text.data[from] == '{' && text.data[from - 1] == '{')) {
        from--;
    }
    if (from == 0) {
        return place;
    }
    from--;
    size_t bytes = MR_MIN(at + 1, text.bytes) - from;  // "{{ … x": up to the place.
    size_t before = 0;
    for (size_t i = 0; i < from; i++) {
        before += i + bytes <= text.bytes && memcmp(text.data + i, text.data + from, bytes) == 0;
    }
    size_t source_bytes = strlen(place.source);
    size_t begin = (size_t)place.offset;
    size_t end = begin < source_bytes ? scalar_end(place.source, begin, source_bytes) : begin;
    for (size_t i = begin; i + bytes <= end; i++) {
        if (memcmp(place.source + i, text.data + from, bytes) == 0 && before-- == 0) {
            place.offset = (int32_t)(i + (MR_MIN(at, text.bytes - 1) - from));
            return place;
        }
    }
    return place;
}
