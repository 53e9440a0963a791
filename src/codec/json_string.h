// JSON strings and literals, validated to their end; included by json_rows_*.c only.

#pragma once

#include "base/utf8.h"
#include "codec/json_scan.h"

static inline int rows_hex(const char *at) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        char lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9') {
            value = value * 16 + (c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            value = value * 16 + (lower - 'a' + 10);
        } else {
            return -1;
        }
    }
    return value;
}

typedef struct rows_fault {
    const char *word;
    const char *text;
    const char *at;
} rows_fault;

// Behind an escape that starts at `at` (a backslash), or NULL.
static const char *rows_escape(const char *at, rows_fault *fault) {
    if (at[1] != 'u') {
        if (at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL) {
            return at + 2;
        }
        *fault = (rows_fault){MR_REASON_BAD_JSON, "unknown escape", at};
        return NULL;
    }
    int unit = rows_hex(at + 2);
    if (unit < 0) {
        *fault = (rows_fault){MR_REASON_BAD_JSON, "malformed \\u escape", at};
        return NULL;
    }
    if (unit < 0xD800 || unit > 0xDFFF) {
        return at + 6;
    }
    // A high half and a low one make a character; alone they are none.
    int low = unit < 0xDC00 && at[6] == '\\' && at[7] == 'u' ? rows_hex(at + 8) : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
        *fault = (rows_fault){MR_REASON_BAD_UTF8, "lone surrogate", at};
        return NULL;
    }
    return at + 12;
}

// The closing quote of a string whose first byte behind the quote is `at`; NULL and *fault when it
// is not valid. The rest of a string that is not plain ASCII.
static __attribute__((noinline)) const char *rows_string_rest(const char *at, const char *first,
                                                              bool high, rows_fault *fault) {
    while (*at != '"') {
        if (*at != '\\') {
            *fault = (rows_fault){MR_REASON_BAD_JSON, "control character in a string", at};
            return NULL;
        }
        at = rows_escape(at, fault);
        if (at == NULL) {
            return NULL;
        }
        at = scan_string(at, &high);
    }
    if (high && !mr_utf8_valid(first, (size_t)(at - first))) {
        *fault = (rows_fault){MR_REASON_BAD_UTF8, "string is not UTF-8", first};
        return NULL;
    }
    return at;
}

// The same, with *escaped set when it has a backslash.
static inline const char *rows_string(const char *at, bool *escaped, rows_fault *fault) {
    bool high = false;
    const char *stop = scan_string(at, &high);
    *escaped = *stop == '\\';
    if (MR_LIKELY(*stop == '"' && !high)) {
        return stop;
    }
    return rows_string_rest(stop, at, high, fault);
}

static inline const char *rows_literal(const char *at, json_kind *kind) {
    uint32_t word;
    memcpy(&word, at, 4);
    if (word == 0x65757274u) {  // true
        *kind = JSON_TRUE;
        return at + 4;
    }
    if (word == 0x6C6C756Eu) {  // null
        *kind = JSON_NULL;
        return at + 4;
    }
    if (word == 0x736C6166u && at[4] == 'e') {  // fals
        *kind = JSON_FALSE;
        return at + 5;
    }
    return NULL;
}
