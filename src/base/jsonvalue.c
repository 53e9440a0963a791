// Jsonvalue: see jsonvalue.h.
//
// How: one recursive descent that checks and skips; walking the items of a container skips each
// value the same way, so a walk over all of a text costs its bytes times its depth.

#include "base/jsonvalue.h"

#include <string.h>

#include "base/utf8.h"

typedef struct cursor {
    const char *at;
    const char *end;
    uint32_t depth;
} cursor;

static void skip_space(cursor *c) {
    while (c->at < c->end &&
           (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) {
        c->at++;
    }
}

static bool take(cursor *c, char wanted) {
    bool there = c->at < c->end && *c->at == wanted;
    c->at += there;
    return there;
}

static bool is_digit(const cursor *c) {
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static bool skip_digits(cursor *c) {
    bool any = is_digit(c);
    while (is_digit(c)) {
        c->at++;
    }
    return any;
}

static bool take_word(cursor *c, const char *word, bool any_case) {
    size_t bytes = strlen(word);
    mr_span here = {c->at, bytes}, wanted = {word, bytes};
    if ((size_t)(c->end - c->at) < bytes ||
        !(any_case ? mr_span_equal_nocase(here, wanted) : mr_span_equal(here, wanted))) {
        return false;
    }
    c->at += bytes;
    return true;
}

static bool skip_number(cursor *c) {
    (void)take(c, '-');
    if (take_word(c, "infinity", true) || take_word(c, "inf", true) || take_word(c, "nan", true)) {
        return true;
    }
    if (!take(c, '0') && !skip_digits(c)) {
        return false;
    }
    if (is_digit(c)) {  // A leading zero.
        return false;
    }
    if (take(c, '.') && !skip_digits(c)) {
        return false;
    }
    if (take(c, 'e') || take(c, 'E')) {
        (void)(take(c, '+') || take(c, '-'));
        return skip_digits(c);
    }
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The four digits behind \u, or -1.
static int32_t hex4(const char *at, const char *end) {
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = at + i < end ? hex_digit(at[i]) : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static bool skip_string(cursor *c) {
    if (!take(c, '"')) {
        return false;
    }
    while (c->at < c->end && *c->at != '"') {
        if ((uint8_t)*c->at < 0x20) {
            return false;
        }
        if (*c->at != '\\') {
            c->at++;
            continue;
        }
        c->at++;
        if (c->at == c->end || strchr("\"\\/bfnrtu", *c->at) == NULL || *c->at == '\0') {
            return false;
        }
        if (*c->at == 'u') {
            if (hex4(c->at + 1, c->end) < 0) {
                return false;
            }
            c->at += 4;
        }
        c->at++;
    }
    return take(c, '"');
}

static bool skip_value(cursor *c);

static bool skip_container(cursor *c, char close) {
    c->at++;
    for (;;) {
        skip_space(c);
        if (take(c, close)) {
            return true;
        }
        if (close == '}') {
            if (!skip_string(c)) {
                return false;
            }
            skip_space(c);
            if (!take(c, ':')) {
                return false;
            }
        }
        if (!skip_value(c)) {
            return false;
        }
        skip_space(c);
        if (!take(c, ',')) {
            return take(c, close);
        }
    }
}

static bool skip_value(cursor *c) {
    skip_space(c);
    if (c->at == c->end || c->depth == MR_JSONVALUE_DEEP_MAX) {
        return false;
    }
    c->depth++;
    bool fits;
    switch (*c->at) {
    case '{': fits = skip_container(c, '}'); break;
    case '[': fits = skip_container(c, ']'); break;
    case '"': fits = skip_string(c); break;
    case 't': fits = take_word(c, "true", false); break;
    case 'f': fits = take_word(c, "false", false); break;
    case 'n': fits = take_word(c, "null", false) || skip_number(c); break;
    default: fits = skip_number(c); break;
    }
    c->depth--;
    return fits;
}

bool mr_jsonvalue_check(mr_span text) {
    cursor c = {.at = text.data, .end = text.data + text.bytes};
    if (!skip_value(&c)) {
        return false;
    }
    skip_space(&c);
    return c.at == c.end;
}

mr_span mr_jsonvalue_trim(mr_span value) {
    cursor c = {.at = value.data, .end = value.data + value.bytes};
    skip_space(&c);
    while (c.end > c.at && strchr(" \t\r\n", c.end[-1]) != NULL && c.end[-1] != '\0') {
        c.end--;
    }
    return (mr_span){c.at, (size_t)(c.end - c.at)};
}

mr_jsonvalue_kind mr_jsonvalue_kind_of(mr_span value) {
    value = mr_jsonvalue_trim(value);
    mr_assert(value.bytes > 0);
    switch (value.data[0]) {
    case '{': return MR_JSONVALUE_OBJECT;
    case '[': return MR_JSONVALUE_ARRAY;
    case '"': return MR_JSONVALUE_STRING;
    case 't': return MR_JSONVALUE_TRUE;
    case 'f': return MR_JSONVALUE_FALSE;
    case 'n':
        return mr_span_equal(value, MR_SPAN("null")) ? MR_JSONVALUE_NULL : MR_JSONVALUE_NUMBER;
    default: return MR_JSONVALUE_NUMBER;
    }
}

mr_span mr_jsonvalue_inside(mr_span value) {
    value = mr_jsonvalue_trim(value);
    mr_assert(value.bytes >= 2);
    return (mr_span){value.data + 1, value.bytes - 2};
}

bool mr_jsonvalue_next(mr_span *inside, mr_span *ret_key, mr_span *ret_value) {
    cursor c = {.at = inside->data, .end = inside->data + inside->bytes};
    skip_space(&c);
    if (c.at == c.end) {
        return false;
    }
    if (ret_key != NULL) {
        const char *key = c.at;
        bool fits = skip_string(&c);
        mr_assert(fits);
        *ret_key = (mr_span){key, (size_t)(c.at - key)};
        skip_space(&c);
        fits = take(&c, ':');
        mr_assert(fits);
        skip_space(&c);
    }
    const char *value = c.at;
    bool fits = skip_value(&c);
    mr_assert(fits);
    *ret_value = (mr_span){value, (size_t)(c.at - value)};
    skip_space(&c);
    (void)take(&c, ',');
    *inside = (mr_span){c.at, (size_t)(c.end - c.at)};
    return true;
}

static void put_code_point(uint32_t code, mr_text *out) {
    char bytes[4];
    mr_text_add_bytes(out, bytes, mr_utf8_put(code, bytes));
}

// Appends what \uXXXX at `at` (behind the u) stands for; returns the bytes it takes.
static size_t unescape_unicode(const char *at, const char *end, mr_text *out) {
    uint32_t code = (uint32_t)hex4(at, end);
    size_t used = 4;
    if (code >= 0xD800 && code < 0xDC00 && end - at >= 10 && at[4] == '\\' && at[5] == 'u') {
        uint32_t low = (uint32_t)hex4(at + 6, end);
        if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            used = 10;
        }
    }
    put_code_point(code >= 0xD800 && code < 0xE000 ? 0xFFFD : code, out);
    return used;
}

void mr_jsonvalue_unescape(mr_span string, mr_text *out) {
    mr_assert(string.bytes >= 2 && string.data[0] == '"');
    const char *at = string.data + 1, *end = string.data + string.bytes - 1;
    while (at < end) {
        const char *slash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((slash == NULL ? end : slash) - at);
        mr_text_add_bytes(out, at, plain);
        at += plain;
        if (at == end) {
            return;
        }
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
        char c = at[1];
        at += 2;
        if (c == 'u') {
            at += unescape_unicode(at, end, out);
        } else {
            const char *known = strchr(from, c);
            mr_text_add_char(out, known == NULL ? c : to[known - from]);
        }
    }
}

void mr_jsonvalue_minify(mr_span value, mr_text *out) {
    bool quoted = false;
    for (size_t i = 0; i < value.bytes; i++) {
        char c = value.data[i];
        if (quoted && c == '\\') {
            mr_text_add_char(out, c);
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            continue;
        }
        mr_text_add_char(out, value.data[i]);
    }
}

mr_span mr_jsonvalue_get(mr_span object, const char *name) {
    mr_span inside = mr_jsonvalue_inside(object), key, value, ret = {NULL, 0};
    mr_text text;
    mr_text_init(&text, /* arena= */ NULL);
    while (mr_jsonvalue_next(&inside, &key, &value)) {
        mr_text_clear(&text);
        mr_jsonvalue_unescape(key, &text);
        if (mr_span_is(mr_text_span(&text), name)) {
            ret = value;
        }
    }
    mr_text_release(&text);
    return ret;
}

const char *mr_jsonvalue_field(mr_span object, const char *name, mr_arena *arena) {
    mr_span value = mr_jsonvalue_get(object, name);
    if (value.bytes == 0 || mr_jsonvalue_kind_of(value) == MR_JSONVALUE_NULL) {
        return "";
    }
    const char *text = mr_jsonvalue_text(value, arena);
    return text != NULL ? text : mr_arena_copy(arena, value.data, value.bytes);
}

const char *mr_jsonvalue_text(mr_span value, mr_arena *arena) {
    if (value.bytes == 0 || mr_jsonvalue_kind_of(value) != MR_JSONVALUE_STRING) {
        return NULL;
    }
    mr_text text;
    mr_text_init(&text, arena);
    mr_jsonvalue_unescape(value, &text);
    return mr_text_string(&text);
}

const char *const *mr_jsonvalue_texts(mr_span list, mr_arena *arena) {
    bool there = list.bytes > 0 && mr_jsonvalue_kind_of(list) == MR_JSONVALUE_ARRAY;
    mr_span inside = there ? mr_jsonvalue_inside(list) : (mr_span){"", 0}, counted = inside, value;
    size_t count = 0;
    while (mr_jsonvalue_next(&counted, /* ret_key= */ NULL, &value)) {
        count++;
    }
    const char **ret = MR_NEW_ARRAY(arena, const char *, count + 1);
    for (size_t i = 0; mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &value); i++) {
        const char *text = mr_jsonvalue_text(value, arena);
        ret[i] = text == NULL ? "" : text;
    }
    return ret;
}
