// Sugar: calls and operators whose meaning is another expression, by family.
//
// Why: a rewrite here needs no kernel, and optimises and prints as what it is.

#include <math.h>
#include <string.h>

#include "sql/bind.h"

static mr_expr *text_of(mr_bind *b, const char *text, mr_place place) {
    return mr_expr_text(b->s->cx->arena, mr_span_of(text), place);
}

static bool is_text_constant(const mr_expr *expr) {
    return expr->kind == MR_EXPR_CONST && expr->type.id == MR_TEXT;
}

static mr_code call_of(mr_bind *b, const char *name, mr_expr **args, uint32_t count,
                       mr_expr **ret) {
    return mr_bind_function(b->s, &(mr_bind_args){name, args, count, args[0]->place}, ret);
}

// ---- regular expressions -----------------------------------------------------------------------

// Functions whose last argument may be options, and the place of it.
static const struct {
    const char *name;
    uint32_t options_at;
} patterns[] = {
    {"regexp_matches", 2}, {"regexp_full_match", 2},  {"regexp_split_to_array", 2},
    {"regexp_extract", 3}, {"regexp_extract_all", 3}, {"regexp_replace", 3},
};

typedef struct pattern_options {
    bool ignore_case;
    bool literal;
    bool dot_newline;
    bool all;
} pattern_options;

static mr_code read_options(mr_bind *b, const mr_expr *expr, bool replaces, pattern_options *ret) {
    if (!is_text_constant(expr)) {
        return mr_fail_at(b->s->cx, MR_E_TYPE, expr->place, "Write them as 'i'.",
                          "options of a regular expression are not a literal");
    }
    mr_str text = mr_vector_str(&expr->constant, 0);
    for (uint32_t i = 0; i < text.bytes; i++) {
        switch (text.data[i]) {
        case 'c': ret->ignore_case = false; break;
        case 'i': ret->ignore_case = true; break;
        case 'l': ret->literal = true; break;
        case 'm':
        case 'n':
        case 'p': ret->dot_newline = false; break;
        case 's': ret->dot_newline = true; break;
        case ' ':
        case '\t':
        case '\n': break;
        case 'g':
            if (replaces) {
                ret->all = true;
                break;
            }
            return mr_fail_at(b->s->cx, MR_E_VALUE, expr->place, "Leave it out.",
                              "option g is for regexp_replace only");
        default:
            return mr_fail_at(b->s->cx, MR_E_VALUE, expr->place,
                              "There are c, i (case), l (literal), m, n, p, s (newlines) and g.",
                              "unknown option \"%c\" of a regular expression", text.data[i]);
        }
    }
    return MR_OK;
}

// The pattern with options in front of it, as (?i).
static mr_code add_options(mr_bind *b, const pattern_options *options, mr_expr **pattern) {
    if (options->literal) {
        MR_TRY(call_of(b, "regexp_escape", pattern, 1, pattern));
    }
    if (!options->ignore_case && !options->dot_newline) {
        return MR_OK;
    }
    const char *prefix = options->ignore_case ? options->dot_newline ? "(?is)" : "(?i)" : "(?s)";
    if (is_text_constant(*pattern)) {
        mr_str text = mr_vector_str(&(*pattern)->constant, 0);
        *pattern = text_of(
            b, mr_arena_printf(b->s->cx->arena, "%s%.*s", prefix, (int)text.bytes, text.data),
            (*pattern)->place);
        return MR_OK;
    }
    mr_expr *parts[2] = {text_of(b, prefix, (*pattern)->place), *pattern};
    return call_of(b, "||", parts, 2, pattern);
}

static mr_code bind_pattern(mr_bind *b, const mr_bind_args *call, uint32_t options_at,
                            mr_expr **ret) {
    bool replaces = strcmp(call->name, "regexp_replace") == 0;
    pattern_options options = {.all = false};
    MR_TRY(read_options(b, call->args[options_at], replaces, &options));
    MR_TRY(add_options(b, &options, &call->args[1]));
    return call_of(b, options.all ? "regexp_replace_all" : call->name, call->args, options_at, ret);
}

mr_code mr_bind_sugar_match(mr_bind *b, const char *sign, mr_expr **args, mr_expr **ret) {
    if (strchr(sign, '*') != NULL) {
        MR_TRY(add_options(b, &(pattern_options){.ignore_case = true}, &args[1]));
    }
    MR_TRY(call_of(b, "regexp_full_match", args, 2, ret));
    if (sign[0] == '!') {
        *ret = mr_expr_unary(b->s->cx->arena, MR_EXPR_NOT, *ret);
    }
    return MR_OK;
}

// ---- mathematics -------------------------------------------------------------------------------

static mr_code bind_math(mr_bind *b, const mr_bind_args *call, mr_expr **ret) {
    if (call->count == 0 && strcmp(call->name, "pi") == 0) {
        *ret = mr_expr_constant(b->s->cx->arena, MR_TYPE(MR_FLOAT64), &(double){M_PI}, call->place);
        return MR_OK;
    }
    if (call->count == 1 && strcmp(call->name, "log") == 0) {
        return call_of(b, "log10", call->args, 1, ret);
    }
    return MR_OK;
}

// ---- all ---------------------------------------------------------------------------------------

mr_code mr_bind_sugar(mr_bind *b, const mr_bind_args *call, mr_expr **ret) {
    for (size_t i = 0; i < MR_COUNT(patterns); i++) {
        if (strcmp(patterns[i].name, call->name) == 0 &&
            call->count == patterns[i].options_at + 1) {
            return bind_pattern(b, call, patterns[i].options_at, ret);
        }
    }
    return bind_math(b, call, ret);
}
