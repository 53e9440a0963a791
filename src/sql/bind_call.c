// Calls: scalar functions by overload, words that stand for others, inlined functions. Aggregates
// are in bind_aggregate.c.
//
// Why refuse volatile functions: a replay after a crash must give the same rows again.

#include <string.h>

#include "sql/bind.h"
#include "sql/function_type.h"

#define INLINE_NODES_MAX 5000

// Names that stand for a row of the table.
static const struct {
    const char *name;
    const char *row;
} aliases[] = {
    {"pow", "power"},
    {"ceiling", "ceil"},
    {"char_length", "length"},
    {"character_length", "length"},
    {"len", "length"},
    {"substr", "substring"},
    {"btrim", "trim"},
    {"position", "strpos"},
    {"instr", "strpos"},
    {"ucase", "upper"},
    {"lcase", "lower"},
    {"prefix", "starts_with"},
    {"suffix", "ends_with"},
    {"ord", "unicode"},
    {"to_hex", "hex"},
    {"to_binary", "bin"},
    {"from_hex", "unhex"},
    {"base64", "to_base64"},
    {"editdist3", "levenshtein"},
    {"regexp_like", "regexp_matches"},
    {"string_split_regex", "regexp_split_to_array"},
    {"str_split_regex", "regexp_split_to_array"},
    {"str_split", "string_split"},
    {"split", "string_split"},
    {"string_to_array", "string_split"},
    {"array_length", "length"},
    {"cardinality", "length"},
    {"array_contains", "list_contains"},
    {"list_has", "list_contains"},
    {"array_has", "list_contains"},
    {"array_position", "list_position"},
    {"list_indexof", "list_position"},
    {"array_indexof", "list_position"},
    {"array_extract", "list_extract"},
    {"list_element", "list_extract"},
    {"element_at", "list_extract"},
    {"array_slice", "list_slice"},
    {"array_concat", "list_concat"},
    {"array_cat", "list_concat"},
    {"list_cat", "list_concat"},
    {"array_append", "list_append"},
    {"array_push_back", "list_append"},
    {"array_reverse", "list_reverse"},
    {"array_sort", "list_sort"},
    {"array_reverse_sort", "list_reverse_sort"},
    {"list_to_string", "array_to_string"},
    {"list_pack", "list_value"},
    {"json_extract", "->"},
    {"json_extract_path", "->"},
    {"json_extract_string", "->>"},
    {"json_extract_path_text", "->>"},
    {"mod", "%"},
    {"list_pack", "list_value"},
    {"list_element", "list_extract"},
    {"array_extract", "list_extract"},
    {"array_slice", "list_slice"},
    {"add", "+"},
    {"subtract", "-"},
    {"multiply", "*"},
    {"divide", "//"},
    {"greatest_common_divisor", "gcd"},
    {"least_common_multiple", "lcm"},
    {"datepart", "date_part"},
    {"extract", "date_part"},
    {"datetrunc", "date_trunc"},
    {"datediff", "date_diff"},
    {"datesub", "date_sub"},
    {"make_timestamp_ms", "epoch_ms"},
    {"mean", "avg"},
    {"approx_distinct", "approx_count_distinct"},
    {"countif", "count_if"},
    {"every", "bool_and"},
    {"stddev", "stddev_samp"},
    {"variance", "var_samp"},
    {"argmin", "arg_min"},
    {"argmax", "arg_max"},
    {"min_by", "arg_min"},
    {"max_by", "arg_max"},
    {"listagg", "string_agg"},
    {"group_concat", "string_agg"},
    {"list", "array_agg"},
    {"quantile", "quantile_disc"},
    {"percentile_cont", "quantile_cont"},
    {"percentile_disc", "quantile_disc"},
};

static const char *const volatile_functions[] = {
    "random",    "gen_random_uuid", "uuid",    "clock_timestamp", "statement_timestamp",
    "timeofday", "nextval",         "setseed", "pg_sleep",
};

static const char *const date_fields[] = {
    "year",          "quarter",         "month",       "week",  "day",      "hour", "minute",
    "second",        "millisecond",     "microsecond", "dow",   "isodow",   "doy",  "isoyear",
    "decade",        "century",         "millennium",  "epoch", "yearweek", "era",  "timezone",
    "timezone_hour", "timezone_minute",
};

const char *mr_bind_row_name(const char *name) {
    for (size_t i = 0; i < MR_COUNT(aliases); i++) {
        if (strcmp(aliases[i].name, name) == 0) {
            return aliases[i].row;
        }
    }
    return name;
}

// ---- overloads -------------------------------------------------------------------------------

static bool takes_any(const mr_fn_row *row) {
    return strcmp(row->name, "||") == 0 || strcmp(row->name, "concat") == 0 ||
           strcmp(row->name, "concat_ws") == 0;
}

static mr_type row_type(const mr_fn_row *row, uint32_t arg) {
    return MR_TYPE(row->args[MR_MIN(arg, row->arg_count - 1)]);
}

static bool takes_count(const mr_fn_row *row, uint32_t count) {
    return (row->flags & MR_FN_VARIADIC) != 0 ? count >= row->arg_count : count == row->arg_count;
}

// A literal leans towards the type of what it stands next to.
static uint32_t row_cost(const mr_fn_row *row, mr_expr *const *args, uint32_t count) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        mr_type to = row_type(row, i);
        uint32_t cost = to.id == MR_TYPE_COUNT ? 1 : mr_types_cost(args[i], to);  // Any type.
        if (cost >= MR_CAST_NEVER && takes_any(row)) {
            cost = 1000;
        }
        bool literal = cost > 0 && args[i]->kind == MR_EXPR_CONST &&
                       (args[i]->type.id == MR_TEXT || args[i]->type.id == MR_NULLTYPE);
        for (uint32_t k = 0; k < count && literal; k++) {
            if (k != i && args[k]->type.id == to.id) {
                cost = 1;
            }
        }
        sum += MR_MIN(cost, (uint32_t)MR_CAST_NEVER);
    }
    return sum;
}

static void print_types(mr_text *out, const mr_fn_row *row) {
    mr_text_addf(out, "%s(", row->name);
    for (uint32_t i = 0; i < row->arg_count; i++) {
        bool any = row->args[i] == MR_TYPE_COUNT;
        mr_text_addf(out, "%s%s", i == 0 ? "" : ", ",
                     any ? "any" : mr_type_name(MR_TYPE(row->args[i])));
    }
    mr_text_add(out, (row->flags & MR_FN_VARIADIC) != 0 ? ", …)" : ")");
}

// "upper(text) exists." for a function whose arguments do not fit.
static mr_code no_overload(mr_session *s, const char *name, mr_expr *const *args, uint32_t count,
                           mr_place place) {
    mr_text got, rows;
    mr_text_init(&got, s->cx->arena);
    mr_text_init(&rows, s->cx->arena);
    for (uint32_t i = 0; i < count; i++) {
        mr_text_add(&got, i == 0 ? "" : ", ");
        mr_type_print(args[i]->type, &got);
    }
    uint32_t listed = 0;
    for (size_t i = 0; i < MR_FN_ID_COUNT; i++) {
        const mr_fn_row *row = &mr_function_table[i];
        if (strcmp(row->name, name) == 0 && listed < 6) {
            mr_text_add(&rows, listed++ == 0 ? "There is " : ", ");
            print_types(&rows, row);
        }
    }
    mr_text_add(&rows, ". Cast the argument, as in x::text.");
    if (strchr("+-*/%|~&<>#", name[0]) != NULL) {
        const char *hint =
            count == 2 && (args[0]->type.id == MR_TEXT) != (args[1]->type.id == MR_TEXT)
                ? "Cast the text, as in x::int."
                : NULL;
        return mr_fail_at(s->cx, MR_E_TYPE, place, hint, "no operator %s for (%s)", name,
                          mr_text_string(&got));
    }
    return mr_fail_at(s->cx, MR_E_TYPE, place, mr_text_string(&rows), "no function %s(%s)", name,
                      mr_text_string(&got));
}

// The types a call's arguments are cast to, and its result's.
static bool call_types(mr_session *s, const mr_fn_row *row, const mr_bind_args *call,
                       mr_function_types *types) {
    mr_type *args = MR_NEW_ARRAY(s->cx->arena, mr_type, call->count);
    *types = (mr_function_types){
        .args = args, .exprs = call->args, .count = call->count, .result = MR_TYPE(row->result)};
    types->casts = MR_NEW_ARRAY(s->cx->arena, mr_type, call->count);
    for (uint32_t i = 0; i < call->count; i++) {
        args[i] = call->args[i]->type;
        types->casts[i] = row_type(row, i);
    }
    return (row->flags & MR_FN_TYPED) == 0 || mr_function_type(row, types, s->cx->arena);
}

// The cheapest overload that fits; of equal ones the first. -1 = none.
static int32_t choose_row(mr_session *s, const mr_bind_args *call, mr_function_types *ret_types) {
    uint32_t best_cost = MR_CAST_NEVER;
    int32_t best = -1;
    for (uint32_t i = 0; i < MR_FN_ID_COUNT; i++) {
        const mr_fn_row *row = &mr_function_table[i];
        if (strcmp(row->name, call->name) != 0 || call->count == 0 ||
            !takes_count(row, call->count)) {
            continue;
        }
        uint32_t cost = row_cost(row, call->args, call->count);
        mr_function_types types;
        if (cost < best_cost && call_types(s, row, call, &types)) {
            best_cost = cost;
            best = (int32_t)i;
            *ret_types = types;
        }
    }
    return best;
}

mr_code mr_bind_function(mr_session *s, const mr_bind_args *call, mr_expr **ret) {
    mr_function_types types;
    int32_t best = choose_row(s, call, &types);
    if (best < 0) {
        return no_overload(s, call->name, call->args, call->count, call->place);
    }
    const mr_fn_row *row = &mr_function_table[best];
    if (types.hint != NULL) {
        return mr_fail_at(s->cx, MR_E_TYPE, call->place, types.hint, "%s of %s %s", call->name,
                          mr_type_text(call->args[0]->type, s->cx->arena), types.problem);
    }
    mr_expr *expr = mr_expr_new(s->cx->arena, MR_EXPR_CALL, types.result, call->place);
    expr->fn = (mr_fn_id)best;
    expr->arg_count = call->count;
    expr->args = MR_NEW_ARRAY(s->cx->arena, mr_expr *, call->count);
    for (uint32_t i = 0; i < call->count; i++) {
        mr_cast_how how = takes_any(row) ? MR_CAST_EXPLICIT : MR_CAST_IMPLICIT;
        MR_TRY(mr_types_cast(s, call->args[i], types.casts[i], how, &expr->args[i]));
    }
    *ret = expr;
    return MR_OK;
}

// ---- inlined functions -----------------------------------------------------------------------

typedef struct inline_self {
    mr_expr **args;
} inline_self;

static mr_expr *inline_param(void *self, const mr_expr *column) {
    return ((const inline_self *)self)->args[column->column];
}

static uint32_t count_nodes(const mr_expr *expr) {
    uint32_t sum = 1;
    for (uint32_t i = 0; i < expr->arg_count && sum <= INLINE_NODES_MAX; i++) {
        sum += count_nodes(expr->args[i]);
    }
    return sum;
}

static mr_code bind_inline(mr_bind *b, const mr_inline *fn, const mr_bind_args *call,
                           mr_expr **ret) {
    mr_expr **args = call->args;
    uint32_t count = call->count;
    mr_place place = call->place;
    if (fn->external != NULL) {
        return mr_bind_library(b->s, fn, call, ret);
    }
    if (fn->body == NULL) {
        return mr_session_fail_silently(b->s);
    }
    if (count != fn->params.count) {
        return mr_fail_at(b->s->cx, MR_E_TYPE, place, /* hint= */ NULL,
                          "function %s takes %u argument%s, not %u", fn->name, fn->params.count,
                          fn->params.count == 1 ? "" : "s", count);
    }
    uint32_t nodes = count_nodes(fn->body);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(
            mr_types_cast(b->s, args[i], fn->params.columns[i].type, MR_CAST_IMPLICIT, &args[i]));
        nodes = MR_MAX(nodes, nodes + count_nodes(args[i]));
    }
    *ret = mr_expr_replace(b->s->cx->arena, fn->body, inline_param, &(inline_self){args});
    if (nodes > INLINE_NODES_MAX || count_nodes(*ret) > INLINE_NODES_MAX) {
        return mr_fail_at(b->s->cx, MR_E_LIMIT, place, "Compute parts of it in views.",
                          "expression of function %s is too large", fn->name);
    }
    return MR_OK;
}

// ---- words that stand for others -------------------------------------------------------------

// The word of date_part and date_trunc, in lower case and singular; it must be a literal.
static mr_code date_field(mr_bind *b, mr_expr *word, mr_place place, const char **ret) {
    if (word->kind != MR_EXPR_CONST || word->type.id != MR_TEXT) {
        return mr_fail_at(b->s->cx, MR_E_TYPE, place, "Write it as 'hour'.",
                          "unit of time is not a literal");
    }
    mr_str text = mr_vector_str(&word->constant, 0);
    mr_span in = {text.data, text.bytes};
    for (size_t i = 0; i < MR_COUNT(date_fields); i++) {
        mr_span name = mr_span_of(date_fields[i]);
        bool plural = in.bytes == name.bytes + 1 && (in.data[name.bytes] | 32) == 's';
        if (mr_span_equal_nocase(plural ? (mr_span){in.data, name.bytes} : in, name)) {
            *ret = date_fields[i];
            return MR_OK;
        }
    }
    const char *given = mr_arena_copy(b->s->cx->arena, in.data, in.bytes);
    return mr_fail_at(b->s->cx, MR_E_NAME, word->place,
                      mr_session_hint(b->s, given, date_fields, MR_COUNT(date_fields)),
                      "unknown unit of time \"%s\"", given);
}

static mr_code bind_date_part(mr_bind *b, const char *field, mr_expr *time, mr_place place,
                              mr_expr **ret) {
    if (strcmp(field, "epoch") == 0) {
        return mr_bind_function(b->s, &(mr_bind_args){"epoch", &time, 1, place}, ret);
    }
    mr_expr *word = mr_expr_text(b->s->cx->arena, mr_span_of(field), place);
    return mr_bind_function(b->s, &(mr_bind_args){"date_part", (mr_expr *[]){word, time}, 2, place},
                            ret);
}

static bool is_clock_field(const char *field) {
    static const char *const fields[] = {"hour", "minute", "second", "millisecond", "microsecond"};
    for (size_t i = 0; i < MR_COUNT(fields); i++) {
        if (strcmp(fields[i], field) == 0) {
            return true;
        }
    }
    return false;
}

// DuckDB gives a date for units of days and more, unless the time has a zone.
static mr_code bind_date_trunc(mr_bind *b, const char *field, const mr_bind_args *call,
                               mr_expr **ret) {
    static const char *const parts[] = {"epoch", "dow", "isodow", "doy", "isoyear"};
    for (size_t i = 0; i < MR_COUNT(parts); i++) {
        if (strcmp(parts[i], field) == 0) {
            return mr_fail_at(b->s->cx, MR_E_NAME, call->args[0]->place,
                              "Use year, quarter, month, week, day, hour, minute or second.",
                              "a time cannot be cut to \"%s\"", field);
        }
    }
    bool clock = is_clock_field(field);
    if (clock && call->args[1]->type.id == MR_DATE) {
        MR_TRY(mr_types_cast(b->s, call->args[1], MR_TYPE(MR_TIMESTAMP), MR_CAST_IMPLICIT,
                             &call->args[1]));
    }
    MR_TRY(mr_bind_function(b->s, call, ret));
    return clock || (*ret)->type.id != MR_TIMESTAMP
               ? MR_OK
               : mr_types_cast(b->s, *ret, MR_TYPE(MR_DATE), MR_CAST_EXPLICIT, ret);
}

// Calls whose meaning is another expression. *ret stays NULL when name is none of them.
static mr_code bind_sugar(mr_bind *b, const mr_bind_args *call, mr_expr **ret) {
    const char *name = call->name;
    mr_expr **args = call->args;
    uint32_t count = call->count;
    mr_place place = call->place;
    mr_session *s = b->s;
    const char *field;
    if (count == 0 && (strcmp(name, "now") == 0 || strcmp(name, "transaction_timestamp") == 0 ||
                       strcmp(name, "get_current_timestamp") == 0)) {
        *ret = mr_expr_new(s->cx->arena, MR_EXPR_NOW, MR_TYPE(MR_TIMESTAMPTZ), place);
        return MR_OK;
    }
    if (count == 2 && strcmp(name, "date_part") == 0) {
        MR_TRY(date_field(b, args[0], place, &field));
        return bind_date_part(b, field, args[1], place, ret);
    }
    if (count == 2 && strcmp(name, "date_trunc") == 0) {
        MR_TRY(date_field(b, args[0], place, &field));
        args[0] = mr_expr_text(s->cx->arena, mr_span_of(field), args[0]->place);
        return bind_date_trunc(b, field, call, ret);
    }
    bool whole = count == 1 && mr_type_is_integer(args[0]->type);
    if (whole && (strcmp(name, "round") == 0 || strcmp(name, "trunc") == 0)) {
        *ret = args[0];
        return MR_OK;
    }
    if (count == 3 && strcmp(name, "date_bin") == 0) {
        return mr_bind_function(s, &(mr_bind_args){"time_bucket", args, count, place}, ret);
    }
    // Spark's meaning for a text, DuckDB's for a number.
    if (count == 1 && strcmp(name, "to_timestamp") == 0 && args[0]->type.id == MR_TEXT) {
        return mr_types_cast(s, args[0], MR_TYPE(MR_TIMESTAMPTZ), MR_CAST_EXPLICIT, ret);
    }
    if (strcmp(name, "list_value") == 0) {
        return mr_bind_nested_list(s, call, ret);
    }
    if (count == 2 && strcmp(name, "ifnull") == 0) {
        mr_type type;
        MR_TRY(mr_types_common(s, args, 2, "ifnull", &type));
        MR_TRY(mr_types_cast_all(s, args, 2, type));
        *ret = mr_expr_new(s->cx->arena, MR_EXPR_COALESCE, type, place);
        (*ret)->args = args;
        (*ret)->arg_count = 2;
        return MR_OK;
    }
    MR_TRY(mr_bind_sugar(b, call, ret));
    for (size_t i = 0; i < MR_COUNT(date_fields) && count == 1 && *ret == NULL; i++) {
        if (strcmp(date_fields[i], name) == 0 && strcmp(name, "epoch") != 0) {
            return bind_date_part(b, date_fields[i], args[0], place, ret);
        }
    }
    return MR_OK;
}

// ---- calls -----------------------------------------------------------------------------------

static mr_code unknown_function(mr_bind *b, const char *name, mr_place place) {
    if (mr_session_suspects(b->s, name)) {
        return mr_session_fail_silently(b->s);
    }
    static const char *const windows[] = {"tumble", "hop", "session", "cumulate"};
    for (size_t i = 0; i < MR_COUNT(windows); i++) {
        if (strcmp(windows[i], name) == 0) {
            return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, place,
                              "Write it in FROM: FROM tumble(table, time, interval '1 minute').",
                              "%s is not a function of a row", name);
        }
    }
    const char *names[MR_FN_ID_COUNT + MR_AGG_ID_COUNT + MR_COUNT(aliases)];
    size_t count = 0;
    for (size_t i = 0; i < MR_FN_ID_COUNT; i++) {
        names[count++] = mr_function_table[i].name;
    }
    for (size_t i = 0; i < MR_AGG_ID_COUNT; i++) {
        names[count++] = mr_function_aggregates[i].name;
    }
    for (size_t i = 0; i < MR_COUNT(aliases); i++) {
        names[count++] = aliases[i].name;
    }
    const char *hint = mr_session_hint_map(b->s, name, &b->s->functions);
    hint = hint != NULL ? hint : mr_session_hint(b->s, name, names, count);
    return mr_fail_at(b->s->cx, MR_E_NAME, place, hint, "unknown function \"%s\"", name);
}

static mr_code call_checks(mr_bind *b, const PgQuery__FuncCall *ast, const char *name,
                           mr_place place) {
    if (ast->over != NULL) {
        return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, place,
                          "Use GROUP BY over tumble or hop, or DISTINCT ON (keys).",
                          "%s(…) OVER is not supported yet", name);
    }
    for (size_t i = 0; i < MR_COUNT(volatile_functions); i++) {
        if (strcmp(volatile_functions[i], name) == 0) {
            return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, place,
                              "A replay would give other rows; now() is the epoch's stored time.",
                              "%s() is refused in a stream", name);
        }
    }
    for (size_t i = 0; i < ast->n_args; i++) {
        if (ast->args[i]->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
            return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, place, "Give arguments by position.",
                              "named arguments are not supported");
        }
    }
    return MR_OK;
}

static bool is_scalar(const char *row) {
    for (size_t i = 0; i < MR_FN_ID_COUNT; i++) {
        if (strcmp(mr_function_table[i].name, row) == 0) {
            return true;
        }
    }
    return false;
}

mr_code mr_bind_call(mr_bind *b, const PgQuery__FuncCall *ast, mr_expr **ret) {
    const char *name = mr_ast_name(ast->funcname, ast->n_funcname);
    mr_place place = mr_session_place(b->s, ast->location);
    MR_TRY(call_checks(b, ast, name, place));
    const char *row = mr_bind_row_name(name);
    const mr_inline *inlined = mr_session_find(&b->s->functions, name);
    if (inlined == NULL && mr_bind_is_aggregate(row)) {
        return mr_bind_aggregate_call(b, ast, row, ret);
    }
    if (ast->agg_star || ast->agg_distinct || ast->agg_filter != NULL) {
        return mr_fail_at(b->s->cx, MR_E_TYPE, place, /* hint= */ NULL, "%s is not an aggregate",
                          name);
    }
    mr_expr **args;
    uint32_t count = mr_u32(ast->n_args);
    MR_TRY(mr_bind_list(b, ast->args, count, &args));
    mr_bind_args call = {.name = row, .args = args, .count = count, .place = place};
    if (inlined != NULL) {
        return bind_inline(b, inlined, &call, ret);
    }
    *ret = NULL;
    MR_TRY(bind_sugar(b, &call, ret));
    if (*ret != NULL) {
        return MR_OK;
    }
    mr_code code = is_scalar(row) ? mr_bind_function(b->s, &call, ret) : MR_E_TYPE;
    if (code != MR_E_TYPE) {
        return code;
    }
    // No kernel for it, or none for these types: DuckDB may have one.
    mr_error error = b->s->cx->error;
    call.name = name;
    MR_TRY(mr_bind_external(b->s, &call, ret));
    if (*ret != NULL) {
        return MR_OK;
    }
    if (!is_scalar(row)) {
        return unknown_function(b, name, place);
    }
    b->s->cx->error = error;
    return code;
}
