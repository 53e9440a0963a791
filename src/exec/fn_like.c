// Fn, LIKE: patterns of % (any text) and _ (any character), with and without case and escapes.
//
// How: a pattern of % alone is cut into pieces that are searched as bytes. Else the classic loop
// with one place to return to, the last %: linear for usual patterns, quadratic at worst.
// Characters compare by code point; ILIKE lowers both sides as lower() does. Also: mr_fn_.

#include <string.h>

#include "base/utf8.h"
#include "exec/fn.h"

typedef struct like {
    bool ignore_case;
    uint32_t escape;  // 0 = none.
} like;

// One element of a pattern.
typedef struct element {
    enum { LIKE_CHAR, LIKE_ANY, LIKE_MANY, LIKE_BROKEN } kind;
    uint32_t code_point;
} element;

static uint32_t take_char(const like *how, const char **at, const char *end) {
    uint32_t code_point;
    *at += mr_utf8_get(*at, end, &code_point);
    return how->ignore_case ? mr_utf8_lower(code_point) : code_point;
}

static element take_element(const like *how, const char **at, const char *end) {
    uint32_t raw;
    size_t bytes = mr_utf8_get(*at, end, &raw);
    if (how->escape != 0 && raw == how->escape) {
        *at += bytes;
        if (*at == end) {
            return (element){.kind = LIKE_BROKEN};  // Escapes nothing.
        }
        return (element){.kind = LIKE_CHAR, .code_point = take_char(how, at, end)};
    }
    if (raw == '%' || raw == '_') {
        *at += bytes;
        return (element){.kind = raw == '%' ? LIKE_MANY : LIKE_ANY};
    }
    return (element){.kind = LIKE_CHAR, .code_point = take_char(how, at, end)};
}

// False with *ret_broken when the pattern ends in its escape character and the text gets there.
static bool like_match(const like *how, mr_str s, mr_str pattern, bool *ret_broken) {
    const char *at = s.data, *end = s.data + s.bytes;
    const char *want = pattern.data, *want_end = pattern.data + pattern.bytes;
    const char *retry_want = NULL, *retry_at = NULL;  // Behind the last %, and where it stood.
    for (;;) {
        if (want == want_end && at == end) {
            return true;
        }
        const char *next = want;
        element e = want < want_end ? take_element(how, &next, want_end)
                                    : (element){.kind = LIKE_CHAR, .code_point = UINT32_MAX};
        if (e.kind == LIKE_BROKEN) {
            *ret_broken = at < end;
            return false;
        }
        if (e.kind == LIKE_MANY) {
            retry_want = want = next;
            retry_at = at;
            continue;
        }
        if (at < end) {
            const char *behind = at;
            uint32_t c = take_char(how, &behind, end);
            if (e.kind == LIKE_ANY || e.code_point == c) {
                at = behind;
                want = next;
                continue;
            }
        }
        if (retry_want == NULL || retry_at == end) {
            return false;
        }
        (void)take_char(how, &retry_at, end);
        at = retry_at;
        want = retry_want;
    }
}

// A pattern whose only sign is %: its pieces in their order, the first and the last at the ends.
// Bytes are enough, since no character's bytes are found inside another's.
static bool like_pieces(mr_str s, mr_str pattern) {
    const char *want = pattern.data, *want_end = pattern.data + pattern.bytes;
    const char *at = s.data, *end = s.data + s.bytes;
    for (bool first = true;; first = false) {
        const char *sign = memchr(want, '%', (size_t)(want_end - want));
        size_t bytes = (size_t)((sign == NULL ? want_end : sign) - want);
        if (bytes > (size_t)(end - at)) {
            return false;
        }
        if (sign == NULL) {
            return (!first || bytes == s.bytes) && memcmp(end - bytes, want, bytes) == 0;
        }
        const char *found = first ? (memcmp(at, want, bytes) == 0 ? at : NULL)
                                  : memmem(at, (size_t)(end - at), want, bytes);
        if (found == NULL) {
            return false;
        }
        at = found + bytes;
        want = sign + 1;
    }
}

static bool is_pieces(const like *how, uint32_t arg_count, mr_str pattern) {
    return !how->ignore_case && arg_count == 2 &&
           (pattern.bytes == 0 || memchr(pattern.data, '_', pattern.bytes) == NULL);
}

// The escape character of a row: at most one; false (and the row fails) when there are more.
static bool escape_of(mr_fn_call *call, uint32_t row, like *how) {
    how->escape = 0;
    mr_str escape = mr_vector_str(&call->args[2], row);
    if (escape.bytes == 0) {
        return true;
    }
    if (escape.bytes == 1) {
        how->escape = (uint8_t)escape.data[0];
        return true;
    }
    mr_eval_call_fail(call, row, "escape %s of LIKE is more than one byte",
                      mr_eval_call_quote(call, escape));
    return false;
}

static void like_all(mr_fn_call *call, like how) {
    mr_eval_rows rows = mr_eval_call_live(call);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        mr_str s = mr_vector_str(&call->args[0], row);
        mr_str pattern = mr_vector_str(&call->args[1], row);
        bool broken = false;
        call->out->bools[row] = 0;
        if (is_pieces(&how, call->arg_count, pattern)) {
            call->out->bools[row] = like_pieces(s, pattern);
            continue;
        }
        if (call->arg_count == 3 && !escape_of(call, row, &how)) {
            continue;
        }
        call->out->bools[row] = like_match(&how, s, pattern, &broken);
        if (broken) {
            mr_eval_call_fail(call, row, "LIKE pattern %s ends in its escape character",
                              mr_eval_call_quote(call, pattern));
        }
    }
}

// clang-format off
void mr_fn_LIKE(mr_fn_call *call) { like_all(call, (like){.ignore_case = false}); }
void mr_fn_ILIKE(mr_fn_call *call) { like_all(call, (like){.ignore_case = true}); }
void mr_fn_LIKE_ESCAPE(mr_fn_call *call) { like_all(call, (like){.ignore_case = false}); }
void mr_fn_ILIKE_ESCAPE(mr_fn_call *call) { like_all(call, (like){.ignore_case = true}); }
// clang-format on
