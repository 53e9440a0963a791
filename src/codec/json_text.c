// JSON text: escapes, and values as text in the way DuckDB casts JSON to text.
//
// That is: no white space between tokens, strings with the escapes that JSON demands and no others,
// numbers with a point or an exponent printed anew (alone in the form of SQL, inside a container in
// that of JSON), other numbers as they stand.

#include "codec/json_decode.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "codec/json_number.h"

static uint32_t text_hex(const char *at) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        value = value * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

size_t mr_json_text_unescape(const char *data, size_t bytes, char *ret) {
    static const char letters[] = "bfnrt";
    static const char meant[] = "\b\f\n\r\t";
    char *to = ret;
    const char *end = data + bytes;
    while (data < end) {
        if (*data != '\\') {
            *to++ = *data++;
            continue;
        }
        char c = data[1];
        if (c != 'u') {
            const char *letter = strchr(letters, c);
            *to++ = letter == NULL ? c : meant[letter - letters];
            data += 2;
            continue;
        }
        uint32_t unit = text_hex(data + 2);
        data += 6;
        if (unit >= 0xD800 && unit < 0xDC00) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (text_hex(data + 2) - 0xDC00);
            data += 6;
        }
        to += mr_utf8_put(unit, to);
    }
    return (size_t)(to - ret);
}

void mr_json_text_quote(const char *data, size_t bytes, mr_text *out) {
    static const char hex[] = "0123456789abcdef";
    mr_text_reserve(out, bytes + 2);
    mr_text_add_char(out, '"');
    size_t from = 0;
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)data[i];
        if (MR_LIKELY(c >= 0x20 && c != '"' && c != '\\')) {
            continue;
        }
        mr_text_add_bytes(out, data + from, i - from);
        from = i + 1;
        char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        size_t length = 2;
        switch (c) {
        case '"':
        case '\\': escape[1] = (char)c; break;
        case '\b': escape[1] = 'b'; break;
        case '\f': escape[1] = 'f'; break;
        case '\n': escape[1] = 'n'; break;
        case '\r': escape[1] = 'r'; break;
        case '\t': escape[1] = 't'; break;
        default: length = 6; break;
        }
        mr_text_add_bytes(out, escape, length);
    }
    mr_text_add_bytes(out, data + from, bytes - from);
    mr_text_add_char(out, '"');
}

// A number of valid grammar.
static void text_number(const char *start, const char *end, json_print form, mr_text *out) {
    bool real = false;
    for (const char *at = start; at < end; at++) {
        real |= number_goes_on(*at);
    }
    double value = 0;
    if (real && mr_json_number_double(start, &value)) {
        char digits[32];
        mr_text_add_bytes(out, digits, mr_json_print_double(value, form, digits));
    } else if (!real && end - start == 2 && start[0] == '-' && start[1] == '0') {
        mr_text_add_char(out, '0');
    } else {
        mr_text_add_bytes(out, start, (size_t)(end - start));
    }
}

// The end of the string whose opening quote is at `at`.
static const char *text_string_end(const char *at) {
    for (at++; *at != '"'; at++) {
        at += *at == '\\';
    }
    return at + 1;
}

void mr_json_text_value(const char *start, const char *end, mr_text *out) {
    char *scratch = NULL;
    const char *at = start;
    while (at < end) {
        if (*at == '"') {
            const char *close = text_string_end(at) - 1;
            if (scratch == NULL) {
                scratch = mr_heap_raw((size_t)(end - start));
            }
            size_t bytes = mr_json_text_unescape(at + 1, (size_t)(close - at) - 1, scratch);
            mr_json_text_quote(scratch, bytes, out);
            at = close + 1;
        } else if (*at == '-' || (*at >= '0' && *at <= '9')) {
            const char *stop = number_end(at);
            text_number(at, stop, at == start ? JSON_PRINT_SQL : JSON_PRINT_JSON, out);
            at = stop;
        } else {
            if (*at != ' ' && *at != '\t' && *at != '\n' && *at != '\r') {
                mr_text_add_char(out, *at);
            }
            at++;
        }
    }
    mr_heap_free(scratch);
}
