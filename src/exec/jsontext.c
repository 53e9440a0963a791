// Jsontext: see jsontext.h.

#include "exec/jsontext.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define DEPTH_MAX 1000

typedef struct walk {
    const char *at;
    const char *end;
    bool plain;  // What was walked over so far is as it would be printed.
    uint32_t depth;
} walk;

static void skip_space(walk *w) {
    while (w->at < w->end &&
           (*w->at == ' ' || *w->at == '\n' || *w->at == '\t' || *w->at == '\r')) {
        w->at++;
        w->plain = false;
    }
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// ---- scalars -----------------------------------------------------------------------------------

static bool hex4(const char *at, const char *end, uint32_t *ret) {
    *ret = 0;
    for (int i = 0; i < 4; i++) {
        int digit = at + i < end ? mr_fn_hex_digit(at[i]) : -1;
        if (digit < 0) {
            return false;
        }
        *ret = *ret << 4 | (uint32_t)digit;
    }
    return true;
}

// The code point of \uXXXX, or of two that make one; at stands behind the u. 0 bytes: malformed.
static size_t escape_bytes(const char *at, const char *end, uint32_t *ret) {
    uint32_t low;
    if (!hex4(at, end, ret) || (*ret >= 0xDC00 && *ret < 0xE000)) {
        return 0;
    }
    if (*ret < 0xD800 || *ret >= 0xE000) {
        return 4;
    }
    if (end - at < 10 || at[4] != '\\' || at[5] != 'u' || !hex4(at + 6, end, &low) ||
        low < 0xDC00 || low >= 0xE000) {
        return 0;
    }
    *ret = 0x10000 + ((*ret - 0xD800) << 10) + (low - 0xDC00);
    return 10;
}

static bool skip_string(walk *w) {
    w->at++;
    while (w->at < w->end && *w->at != '"') {
        if ((uint8_t)*w->at < 0x20) {
            return false;
        }
        if (*w->at++ != '\\') {
            continue;
        }
        w->plain = false;
        if (w->at == w->end) {
            return false;
        }
        char c = *w->at++;
        uint32_t code_point;
        size_t bytes = c == 'u' ? escape_bytes(w->at, w->end, &code_point) : 0;
        if (c == 'u' ? bytes == 0 : c == '\0' || strchr("\"\\/bfnrt", c) == NULL) {
            return false;
        }
        w->at += bytes;
    }
    if (w->at == w->end) {
        return false;
    }
    w->at++;
    return true;
}

static uint32_t skip_digits(walk *w) {
    const char *start = w->at;
    while (w->at < w->end && is_digit(*w->at)) {
        w->at++;
    }
    return (uint32_t)(w->at - start);
}

static bool skip_word(walk *w, const char *word) {
    size_t bytes = strlen(word);
    if ((size_t)(w->end - w->at) < bytes ||
        !mr_span_equal_nocase((mr_span){w->at, bytes}, (mr_span){word, bytes})) {
        return false;
    }
    w->at += bytes;
    return true;
}

static bool skip_number(walk *w) {
    const char *start = w->at;
    w->at += *w->at == '-';
    if (w->at < w->end && (*w->at | 0x20) == 'i') {
        return skip_word(w, "infinity") || skip_word(w, "inf");
    }
    if (w->at < w->end && (*w->at | 0x20) == 'n') {
        return skip_word(w, "nan");
    }
    const char *whole = w->at;
    uint32_t digits = skip_digits(w), behind = 0;
    if (digits == 0 || (digits > 1 && *whole == '0')) {
        return false;
    }
    bool point = w->at < w->end && *w->at == '.';
    if (point) {
        w->at++;
        behind = skip_digits(w);
        if (behind == 0) {
            return false;
        }
    }
    bool exponent = w->at < w->end && (*w->at | 0x20) == 'e';
    if (exponent) {
        w->at++;
        w->at += w->at < w->end && (*w->at == '+' || *w->at == '-');
        if (skip_digits(w) == 0) {
            return false;
        }
    }
    // Doubles that are surely printed as they stand: few digits, none of them needless.
    bool small = *whole == '0' && behind > 3;
    bool usual = digits + behind <= 15 && !small && (behind == 1 || w->at[-1] != '0');
    bool minus_zero = !point && digits == 1 && *whole == '0' && whole > start;
    w->plain = w->plain && !exponent && (!point || usual) && !minus_zero;
    return true;
}

// ---- values ------------------------------------------------------------------------------------

static bool skip_value(walk *w);

// From the opening bracket to behind the closing one.
static bool skip_nested(walk *w, char close) {
    if (++w->depth > DEPTH_MAX) {
        return false;
    }
    w->at++;
    for (bool first = true;; first = false) {
        skip_space(w);
        if (w->at == w->end) {
            return false;
        }
        if (*w->at == close) {
            w->plain = w->plain && (first || w->at[-1] != ',');  // DuckDB lets a last comma be.
            w->at++;
            w->depth--;
            return true;
        }
        if (close == '}') {
            if (*w->at != '"' || !skip_string(w)) {
                return false;
            }
            skip_space(w);
            if (w->at == w->end || *w->at++ != ':') {
                return false;
            }
            skip_space(w);
        }
        if (!skip_value(w)) {
            return false;
        }
        skip_space(w);
        if (w->at == w->end || (*w->at != ',' && *w->at != close)) {
            return false;
        }
        w->at += *w->at == ',';
    }
}

static bool skip_literal(walk *w, const char *word) {
    size_t bytes = strlen(word);
    if ((size_t)(w->end - w->at) < bytes || memcmp(w->at, word, bytes) != 0) {
        return false;
    }
    w->at += bytes;
    return true;
}

static bool skip_value(walk *w) {
    if (w->at == w->end) {
        return false;
    }
    switch (*w->at) {
    case '{': return skip_nested(w, '}');
    case '[': return skip_nested(w, ']');
    case '"': return skip_string(w);
    case 't': return skip_literal(w, "true");
    case 'f': return skip_literal(w, "false");
    case 'n': return skip_literal(w, "null") || skip_word(w, "nan");
    case 'N': return skip_word(w, "nan");
    case 'i':
    case 'I': return skip_word(w, "infinity") || skip_word(w, "inf");
    default: return (is_digit(*w->at) || *w->at == '-') && skip_number(w);
    }
}

bool mr_jsontext_check(mr_str text, mr_span *ret_value, bool *ret_plain) {
    walk w = {.at = text.data, .end = text.data + text.bytes, .plain = true};
    skip_space(&w);
    w.plain = true;  // What stands around the value does not matter.
    const char *start = w.at;
    if (!skip_value(&w)) {
        return false;
    }
    *ret_plain = w.plain;
    *ret_value = (mr_span){start, (size_t)(w.at - start)};
    skip_space(&w);
    return w.at == w.end;
}

bool mr_jsontext_next(mr_span value, const char **at, mr_span *key, mr_span *element) {
    walk w = {.at = *at, .end = value.data + value.bytes};
    *key = (mr_span){.data = ""};
    w.at += w.at == value.data || *w.at == ',';  // The opening bracket, or behind the last one.
    skip_space(&w);
    if (*w.at == '}' || *w.at == ']') {
        return false;
    }
    if (*value.data == '{') {
        const char *start = w.at;
        (void)skip_string(&w);
        *key = (mr_span){start, (size_t)(w.at - start)};
        skip_space(&w);
        w.at++;
        skip_space(&w);
    }
    const char *start = w.at;
    (void)skip_value(&w);
    *element = (mr_span){start, (size_t)(w.at - start)};
    skip_space(&w);
    *at = w.at;
    return true;
}

// ---- printing ----------------------------------------------------------------------------------

void mr_jsontext_unescape(mr_span raw, mr_text *out) {
    const char *at = raw.data + 1, *end = raw.data + raw.bytes - 1;
    while (at < end) {
        const char *sign = memchr(at, '\\', (size_t)(end - at));
        const char *stop = sign == NULL ? end : sign;
        mr_text_add_bytes(out, at, (size_t)(stop - at));
        if (sign == NULL) {
            break;
        }
        char c = sign[1];
        at = sign + 2;
        if (c == 'u') {
            uint32_t code_point;
            char utf8[4];
            at += escape_bytes(at, end, &code_point);
            mr_text_add_bytes(out, utf8, mr_utf8_put(code_point, utf8));
            continue;
        }
        const char *place = strchr("b\bf\fn\nr\rt\t", c);
        mr_text_add_char(out, place == NULL ? c : place[1]);
    }
}

void mr_jsontext_quote(mr_span text, mr_text *out) {
    mr_text_add_char(out, '"');
    for (size_t i = 0; i < text.bytes; i++) {
        uint8_t c = (uint8_t)text.data[i];
        if (c == '"' || c == '\\') {
            mr_text_add_char(out, '\\');
            mr_text_add_char(out, (char)c);
        } else if (c >= 0x20) {
            mr_text_add_char(out, (char)c);
        } else if (c == 0 || strchr("\b\f\n\r\t", c) == NULL) {
            mr_text_addf(out, "\\u%04X", c);
        } else {
            mr_text_add_char(out, '\\');
            mr_text_add_char(out, "btn\vfr"[c - '\b']);
        }
    }
    mr_text_add_char(out, '"');
}

static void print_string(mr_span raw, mr_text *out) {
    if (memchr(raw.data, '\\', raw.bytes) == NULL) {
        mr_text_add_bytes(out, raw.data, raw.bytes);
        return;
    }
    mr_text plain = {.data = NULL};
    mr_jsontext_unescape(raw, &plain);
    mr_jsontext_quote(mr_text_span(&plain), out);
    mr_text_release(&plain);
}

// The shortest digits that read back as the value, placed as yyjson places them.
static void print_double(double value, mr_text *out) {
    char digits[40];
    for (int precision = 0; precision < 17; precision++) {
        double back;
        int bytes = snprintf(digits, sizeof(digits), "%.*e", precision, value);
        if (mr_text_parse_double((mr_span){digits, (size_t)bytes}, &back) && back == value) {
            break;
        }
    }
    char *at = digits;
    if (*at == '-') {
        mr_text_add_char(out, *at++);
    }
    char *sign = strchr(at, 'e');
    int point = 1;
    for (int64_t e = 0; sign != NULL; sign = NULL) {
        (void)mr_text_parse_int64(mr_span_of(sign[1] == '+' ? sign + 2 : sign + 1), &e);
        point += (int)e;
        *sign = '\0';
    }
    char *dot = strchr(at, '.');
    if (dot != NULL) {
        memmove(dot, dot + 1, strlen(dot));
    }
    int count = (int)strlen(at);
    if (value == 0) {
        mr_text_add(out, "0.0");
    } else if (point > 0 && point <= 21) {
        mr_text_addf(out, "%.*s", MR_MIN(point, count), at);
        for (int i = count; i < point; i++) {
            mr_text_add_char(out, '0');
        }
        mr_text_addf(out, ".%s", count > point ? at + point : "0");
    } else if (point > -6 && point <= 0) {
        mr_text_add(out, "0.");
        for (int i = point; i < 0; i++) {
            mr_text_add_char(out, '0');
        }
        mr_text_add(out, at);
    } else {
        mr_text_addf(out, "%c%s%se%d", at[0], count > 1 ? "." : "", at + 1, point - 1);
    }
}

static void print_number(mr_span raw, mr_text *out) {
    bool whole = true;
    for (size_t i = 0; i < raw.bytes; i++) {
        whole = whole && (is_digit(raw.data[i]) || raw.data[i] == '-');
    }
    double value;
    if (whole) {
        bool minus_zero = raw.bytes == 2 && raw.data[0] == '-' && raw.data[1] == '0';
        mr_text_add_bytes(out, raw.data + minus_zero, raw.bytes - minus_zero);
    } else if (mr_text_parse_double(raw, &value) && isfinite(value)) {
        print_double(value, out);
    } else {
        mr_text_add_bytes(out, raw.data, raw.bytes);  // NaN, Infinity, or beyond the doubles.
    }
}

void mr_jsontext_print(mr_span raw, mr_text *out) {
    char first = *raw.data;
    if (first == '"') {
        print_string(raw, out);
    } else if (first == '{' || first == '[') {
        const char *at = raw.data;
        mr_span key, element;
        mr_text_add_char(out, first);
        for (bool any = false; mr_jsontext_next(raw, &at, &key, &element); any = true) {
            mr_text_add(out, any ? "," : "");
            if (key.bytes > 0) {
                print_string(key, out);
                mr_text_add_char(out, ':');
            }
            mr_jsontext_print(element, out);
        }
        mr_text_add_char(out, first == '{' ? '}' : ']');
    } else if (is_digit(first) || (first == '-' && is_digit(raw.data[1]))) {
        print_number(raw, out);
    } else {
        mr_text_add_bytes(out, raw.data, raw.bytes);
    }
}
