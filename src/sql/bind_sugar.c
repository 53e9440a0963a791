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
    return expr->kind == MR_EXPR_CONST && expr->type.id == MR_TEXT && !mr_expr_is_null(expr);
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

// ---- times -------------------------------------------------------------------------------------

// Functions that are fields of date_part.
static const struct {
    const char *name;
    const char *field;
} fields[] = {
    {"dayofweek", "dow"},
    {"weekday", "dow"},
    {"dayofmonth", "day"},
    {"dayofyear", "doy"},
    {"weekofyear", "week"},
    {"yearweek", "yearweek"},
    {"era", "era"},
    {"timezone_hour", "timezone_hour"},
    {"timezone_minute", "timezone_minute"},
};

static bool is_time(const mr_expr *expr) {
    return expr->type.id == MR_DATE || expr->type.id == MR_TIMESTAMP ||
           expr->type.id == MR_TIMESTAMPTZ;
}

// timezone('zone', time): the zone is read here, since only the platform has its rules.
static mr_code bind_timezone(mr_bind *b, const mr_bind_args *call, mr_expr **ret) {
    mr_session *s = b->s;
    mr_expr *name = call->args[0];
    if (!is_text_constant(name)) {
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, name->place,
                          "Write it as 'Europe/Berlin'; choose between zones by CASE.",
                          "zone of AT TIME ZONE is not a literal");
    }
    mr_str text = mr_vector_str(&name->constant, 0);
    const char *zone_name = mr_arena_copy(s->cx->arena, text.data, text.bytes);
    const mr_zone *zone = NULL;
    if (!mr_span_equal_nocase(mr_span_of(zone_name), MR_SPAN("UTC"))) {
        mr_code code =
            s->env->zone == NULL ? MR_E_NAME : s->env->zone(s->env->self, zone_name, &zone, s->cx);
        if (code != MR_OK) {
            return mr_fail_at(s->cx, MR_E_NAME, name->place, "Write it as 'Europe/Berlin'.",
                              "no time zone \"%s\"", zone_name);
        }
    }
    MR_TRY(mr_bind_function(s, call, ret));
    (*ret)->zone = zone;
    return MR_OK;
}

// make_timestamp(year, month, day, hour, minute, second) is a date and a time; make_timestamptz is
// the same on the wall clock of the session's zone, or of a seventh argument.
static mr_code bind_make(mr_bind *b, const mr_bind_args *call, mr_expr **ret) {
    mr_expr *parts[2], *zoned[2];
    MR_TRY(call_of(b, "make_date", call->args, 3, &parts[0]));
    MR_TRY(call_of(b, "make_time", call->args + 3, 3, &parts[1]));
    MR_TRY(call_of(b, "+", parts, 2, ret));
    if (call->count == 7) {
        zoned[0] = call->args[6];
        zoned[1] = *ret;
        return bind_timezone(b, &(mr_bind_args){"timezone", zoned, 2, call->place}, ret);
    }
    if (strcmp(call->name, "make_timestamptz") == 0) {
        return mr_types_cast(b->s, *ret, MR_TYPE(MR_TIMESTAMPTZ), MR_CAST_IMPLICIT, ret);
    }
    return MR_OK;
}

// A format with %z gives a moment, others a wall clock.
static mr_code bind_strptime(mr_bind *b, const mr_bind_args *call, mr_expr **ret) {
    const mr_expr *format = call->args[1];
    if (!is_text_constant(format)) {
        return MR_OK;
    }
    mr_str text = mr_vector_str(&format->constant, 0);
    bool zoned = memmem(text.data, text.bytes, "%z", 2) != NULL;
    const char *name = !zoned                                ? call->name
                       : strcmp(call->name, "strptime") == 0 ? "strptime_zoned"
                                                             : "try_strptime_zoned";
    return mr_bind_function(b->s, &(mr_bind_args){name, call->args, 2, call->place}, ret);
}

// age(time) is counted up to the start of today.
static mr_code bind_age(mr_bind *b, const mr_bind_args *call, mr_expr **ret) {
    mr_expr *args[2] = {NULL, call->args[0]};
    args[0] = mr_expr_new(b->s->cx->arena, MR_EXPR_NOW, MR_TYPE(MR_TIMESTAMPTZ), call->place);
    MR_TRY(mr_types_cast(b->s, args[0], MR_TYPE(MR_DATE), MR_CAST_EXPLICIT, &args[0]));
    return call_of(b, "age", args, 2, ret);
}

static mr_code bind_time(mr_bind *b, const mr_bind_args *call, mr_expr **ret) {
    const char *name = call->name;
    mr_expr **args = call->args;
    if (call->count >= 6 && call->count <= 7 && strncmp(name, "make_timestamp", 14) == 0) {
        return bind_make(b, call, ret);
    }
    if (call->count == 2 && strcmp(name, "timezone") == 0) {
        return bind_timezone(b, call, ret);
    }
    if (call->count == 2 && (strcmp(name, "strptime") == 0 || strcmp(name, "try_strptime") == 0)) {
        return bind_strptime(b, call, ret);
    }
    if (call->count == 2 && strcmp(name, "strftime") == 0 && is_time(args[1])) {
        mr_expr *turned[2] = {args[1], args[0]};
        return call_of(b, name, turned, 2, ret);
    }
    if (call->count == 2 && strcmp(name, "date_add") == 0) {
        return call_of(b, "+", args, 2, ret);
    }
    if (call->count == 1 && strcmp(name, "age") == 0) {
        return bind_age(b, call, ret);
    }
    if (call->count == 0 && (strcmp(name, "today") == 0 || strcmp(name, "current_date") == 0)) {
        *ret = mr_expr_new(b->s->cx->arena, MR_EXPR_NOW, MR_TYPE(MR_TIMESTAMPTZ), call->place);
        return mr_types_cast(b->s, *ret, MR_TYPE(MR_DATE), MR_CAST_EXPLICIT, ret);
    }
    for (size_t i = 0; i < MR_COUNT(fields) && call->count == 1; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            mr_expr *parts[2] = {text_of(b, fields[i].field, call->place), args[0]};
            return call_of(b, "date_part", parts, 2, ret);
        }
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
    MR_TRY(bind_math(b, call, ret));
    return *ret != NULL ? MR_OK : bind_time(b, call, ret);
}
