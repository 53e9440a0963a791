// Eval, casts: texts of lists and structs taken apart; see eval_cast_split.h.
//
// As DuckDB reads "[a, 'b, c', [1]]" and "{'a': 1, b: x}": quotes of either kind may stand
// anywhere, a backslash counts inside of them only, and brackets of three kinds nest.

#include "exec/eval_cast_split.h"

#include <string.h>

typedef struct scanner {
    char quote;     // That is open, or 0.
    int32_t depth;  // Of brackets.
    bool wrong;     // More brackets closed than opened.
} scanner;

// Bytes that the text at `at` takes as one step.
static size_t scan_step(scanner *s, const char *at, const char *end) {
    char c = *at;
    if (s->quote != '\0') {
        if (c == '\\' && at + 1 < end) {
            return 2;
        }
        s->quote = c == s->quote ? '\0' : s->quote;
        return 1;
    }
    if (c == '"' || c == '\'') {
        s->quote = c;
    } else if (c == '[' || c == '{' || c == '(') {
        s->depth++;
    } else if (c == ']' || c == '}' || c == ')') {
        s->wrong |= --s->depth < 0;
    }
    return 1;
}

bool mr_eval_cast_split_next(mr_span *in, bool keys, mr_span *ret_part, char *ret_stop) {
    scanner s = {.quote = '\0'};
    const char *at = in->data, *end = in->data + in->bytes;
    *ret_stop = '\0';
    while (at < end) {
        bool outside = s.quote == '\0' && s.depth == 0;
        if (outside && (*at == ',' || (keys && *at == ':'))) {
            *ret_stop = *at;
            break;
        }
        at += scan_step(&s, at, end);
    }
    *ret_part = mr_span_trim((mr_span){in->data, (size_t)(at - in->data)});
    at += at < end;
    *in = (mr_span){at, (size_t)(end - at)};
    return s.quote == '\0' && s.depth == 0 && !s.wrong;
}

bool mr_eval_cast_split_is_null(mr_span part) {
    return mr_span_equal_nocase(part, MR_SPAN("null"));
}

void mr_eval_cast_split_unquote(mr_span part, mr_text *out) {
    scanner s = {.quote = '\0'};
    const char *at = part.data, *end = part.data + part.bytes;
    while (at < end) {
        char was = s.quote;
        size_t step = scan_step(&s, at, end);
        bool marks = s.depth == 0 && (was != s.quote);  // A quote that opens or closes.
        bool escaped = s.depth == 0 && step == 2;
        if (!marks) {
            mr_text_add_bytes(out, at + escaped, step - escaped);
        }
        at += step;
    }
}
