// JSON text: escapes resolved, and written.

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
