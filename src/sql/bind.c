// Bind: constants, columns, casts, CASE and boolean logic; calls are in bind_call.c, operators in
// bind_operator.c.
//
// How: one recursive walk; every node comes back typed, and each caller casts its arguments to what
// it needs. Depth is bounded by the parser.

#include "sql/bind.h"

#include <string.h>

#include "base/civil.h"
#include "base/numeric.h"

// ---- columns ---------------------------------------------------------------------------------

// The nearest of all names in scope.
static const char *column_hint(const mr_bind *b, const char *table, const char *name,
                               mr_place place) {
    if (place.source != NULL && place.source[place.offset] == '"') {
        return mr_arena_printf(b->s->cx->arena,
                               "Double quotes enclose names; text stands in single ones: '%s'.",
                               name);
    }
    size_t capacity = 0;
    for (uint32_t t = 0; t < b->scope->table_count; t++) {
        capacity += b->scope->tables[t].column_count;
    }
    const char **names = MR_NEW_ARRAY(b->s->cx->arena, const char *, capacity + 1);
    const char *hint = NULL;
    for (int pass = 0; pass < 2 && hint == NULL;
         pass++) {  // First the table meant, then the others.
        size_t count = 0;
        for (uint32_t t = 0; t < b->scope->table_count; t++) {
            const mr_scope_table *from = &b->scope->tables[t];
            bool meant = table == NULL || strcmp(from->name, table) == 0;
            for (uint32_t c = 0; c < from->column_count && meant == (pass == 0); c++) {
                names[count++] = from->columns[c].name;
            }
        }
        hint = mr_session_hint(b->s, name, names, count);
    }
    return hint;
}

static mr_code no_table(const mr_bind *b, const char *table, mr_place place) {
    const char **names = MR_NEW_ARRAY(b->s->cx->arena, const char *, b->scope->table_count + 1);
    for (uint32_t t = 0; t < b->scope->table_count; t++) {
        names[t] = b->scope->tables[t].name;
    }
    const char *hint = mr_session_hint(b->s, table, names, b->scope->table_count);
    if (hint == NULL && b->scope->table_count > 0) {
        mr_text all;
        mr_text_init(&all, b->s->cx->arena);
        for (uint32_t t = 0; t < b->scope->table_count; t++) {
            mr_text_addf(&all, "%s%s", t == 0 ? "FROM has: " : ", ", names[t]);
        }
        mr_text_add_char(&all, '.');
        hint = mr_text_string(&all);
    }
    return mr_fail_at(b->s->cx, MR_E_NAME, place, hint, "\"%s\" is not in FROM", table);
}

static mr_code no_column(const mr_bind *b, const char *table, const char *name, mr_place place) {
    const char *hint = column_hint(b, table, name, place);
    mr_code code;
    if (b->params != NULL) {
        code =
            mr_fail_at(b->s->cx, MR_E_NAME, place, hint, "function has no parameter \"%s\"", name);
    } else if (b->scope->table_count == 0) {
        code =
            mr_fail_at(b->s->cx, MR_E_NAME, place, hint, "column \"%s\" cannot stand here", name);
    } else {
        const char *from = table != NULL                ? table
                           : b->scope->table_count == 1 ? b->scope->tables[0].name
                                                        : "";
        code = from[0] == '\0'
                   ? mr_fail_at(b->s->cx, MR_E_NAME, place, hint, "no column \"%s\" in FROM", name)
                   : mr_fail_at(b->s->cx, MR_E_NAME, place, hint, "no column \"%s\" in \"%s\"",
                                name, from);
    }
    return code;
}

mr_code mr_bind_column(const mr_bind *b, const char *table, const char *name, mr_place place,
                       uint32_t *ret) {
    const mr_scope_table *found = NULL;
    bool table_seen = false;
    for (uint32_t t = 0; t < b->scope->table_count; t++) {
        const mr_scope_table *from = &b->scope->tables[t];
        if (table != NULL && strcmp(from->name, table) != 0) {
            continue;
        }
        table_seen = true;
        for (uint32_t c = 0; c < from->column_count; c++) {
            if (strcmp(from->columns[c].name, name) != 0 ||
                (table == NULL && from->columns[c].merged)) {
                continue;
            }
            if (found != NULL) {
                const char *hint =
                    found == from
                        ? "Give one of them another name with AS."
                        : mr_arena_printf(b->s->cx->arena, "Write \"%s.%s\" or \"%s.%s\".",
                                          found->name, name, from->name, name);
                return mr_fail_at(b->s->cx, MR_E_NAME, place, hint, "column \"%s\" is ambiguous",
                                  name);
            }
            found = from;
            *ret = from->columns[c].column;
        }
    }
    if (found != NULL) {
        return MR_OK;
    }
    return table != NULL && !table_seen ? no_table(b, table, place)
                                        : no_column(b, table, name, place);
}

// Is there a column of that name, in the table of that name?
static bool has_column(const mr_bind *b, const char *table, const char *name) {
    for (uint32_t t = 0; t < b->scope->table_count; t++) {
        const mr_scope_table *from = &b->scope->tables[t];
        for (uint32_t c = 0; c < from->column_count; c++) {
            if ((table == NULL || strcmp(from->name, table) == 0) &&
                strcmp(from->columns[c].name, name) == 0) {
                return true;
            }
        }
    }
    return false;
}

// table.column, column.field, table.column.field and so on: a table of FROM comes first.
static mr_code bind_column_ref(mr_bind *b, const PgQuery__ColumnRef *ast, mr_expr **ret) {
    mr_place place = mr_session_place(b->s, ast->location);
    for (size_t i = 0; i < ast->n_fields; i++) {
        if (mr_ast_string(ast->fields[i]) == NULL) {
            return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, place, "Name the column.",
                              "* cannot stand in an expression");
        }
    }
    const char *first = mr_ast_string(ast->fields[0]);
    const char *second = ast->n_fields > 1 ? mr_ast_string(ast->fields[1]) : NULL;
    bool struct_first =
        second != NULL && !has_column(b, first, second) && has_column(b, NULL, first);
    bool qualified = second != NULL && !struct_first;
    uint32_t column;
    MR_TRY(mr_bind_column(b, qualified ? first : NULL, qualified ? second : first, place, &column));
    *ret = mr_expr_column(b->s->cx->arena, b->scope->schema, column, place);
    for (size_t i = qualified ? 2 : 1; i < ast->n_fields; i++) {
        MR_TRY(mr_bind_nested_field(b->s, *ret, mr_ast_string(ast->fields[i]), ret));
    }
    return MR_OK;
}

// ---- constants -------------------------------------------------------------------------------

// A number with a point is a NUMERIC of just its digits, one with an exponent a double; a whole one
// over bigint is a NUMERIC too.
static bool decimal_literal(mr_span text, mr_type *ret_type, __int128 *ret) {
    uint32_t digits = 0, behind = 0;
    bool point = false;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if (c >= '0' && c <= '9') {
            digits++;
            behind += point;
        } else if (c == '.') {
            point = true;
        } else if (c != '-' && c != '+') {
            return false;
        }
    }
    if (digits == 0 || digits > MR_NUMERIC_DIGITS_MAX) {
        return false;
    }
    *ret_type =
        point ? MR_NUMERIC((uint8_t)digits, (uint8_t)behind) : MR_NUMERIC(MR_NUMERIC_DIGITS_MAX, 0);
    return mr_numeric_parse(text, ret_type->precision, behind, ret);
}

static mr_code bind_number(mr_bind *b, const char *text, mr_place place, mr_expr **ret) {
    mr_arena *arena = b->s->cx->arena;
    int64_t whole;
    double value;
    mr_type type;
    __int128 decimal;
    if (mr_text_parse_int64(mr_span_of(text), &whole)) {
        *ret = mr_expr_constant(arena, MR_TYPE(MR_INT64), &whole, place);
    } else if (decimal_literal(mr_span_of(text), &type, &decimal)) {
        *ret = mr_expr_constant(arena, type, &decimal, place);
    } else if (mr_text_parse_double(mr_span_of(text), &value)) {
        *ret = mr_expr_constant(arena, MR_TYPE(MR_FLOAT64), &value, place);
    } else {
        return mr_fail_at(b->s->cx, MR_E_VALUE, place, /* hint= */ NULL,
                          "number %s is out of range", text);
    }
    (*ret)->literal = true;
    return MR_OK;
}

static mr_code bind_const(mr_bind *b, const PgQuery__AConst *ast, mr_expr **ret) {
    mr_arena *arena = b->s->cx->arena;
    mr_place place = mr_session_place(b->s, ast->location);
    switch (ast->isnull ? PG_QUERY__A__CONST__VAL__NOT_SET : ast->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        *ret = mr_expr_constant(arena, MR_TYPE(MR_INT32), &(int32_t){ast->ival->ival}, place);
        (*ret)->literal = true;
        return MR_OK;
    case PG_QUERY__A__CONST__VAL_FVAL: return bind_number(b, ast->fval->fval, place, ret);
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        *ret = mr_expr_constant(arena, MR_TYPE(MR_BOOL), &(uint8_t){ast->boolval->boolval != 0},
                                place);
        return MR_OK;
    case PG_QUERY__A__CONST__VAL_SVAL:
        *ret = mr_expr_text(arena, mr_span_of(ast->sval->sval), place);
        return MR_OK;
    case PG_QUERY__A__CONST__VAL_BSVAL:
        return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, place, "Write a number or a text.",
                          "bit strings are not supported");
    case PG_QUERY__A__CONST__VAL__NOT_SET:
    default: *ret = mr_expr_constant(arena, MR_TYPE(MR_NULLTYPE), NULL, place); return MR_OK;
    }
}

// ---- casts -----------------------------------------------------------------------------------

// INTERVAL '5' SECOND: the unit is in the type's modifier, as a bit of PostgreSQL's.
static mr_code interval_unit(mr_bind *b, const PgQuery__TypeName *name, const char **ret) {
    static const struct {
        int32_t bit;
        const char *unit;
    } unit_bits[] = {{1, "month"}, {2, "year"},    {3, "day"},
                     {10, "hour"}, {11, "minute"}, {12, "second"}};
    *ret = NULL;
    const mr_ast *modifier = name->n_typmods == 0 ? NULL : name->typmods[0];
    if (modifier == NULL || modifier->node_case != PG_QUERY__NODE__NODE_A_CONST ||
        modifier->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL) {
        return MR_OK;
    }
    int32_t mask = modifier->a_const->ival->ival;
    for (size_t i = 0; i < MR_COUNT(unit_bits); i++) {
        if (mask == 1 << unit_bits[i].bit) {
            *ret = unit_bits[i].unit;
            return MR_OK;
        }
    }
    return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, mr_session_place(b->s, name->location),
                      "Write the units in the text: interval '1 day 2 hours'.",
                      "this form of interval is not supported");
}

static mr_code bind_cast(mr_bind *b, const PgQuery__TypeCast *ast, mr_expr **ret) {
    mr_session *s = b->s;
    mr_type to;
    MR_TRY(mr_types_from_name(s, ast->type_name, &to));
    mr_expr *arg;
    MR_TRY(mr_bind_expr(b, ast->arg, &arg));
    mr_cast_how how = MR_CAST_EXPLICIT;
    for (uint32_t i = 0; i < s->try_cast_count; i++) {
        how = s->try_casts[i] == s->base + ast->location ? MR_CAST_TRY : how;
    }
    if (to.id == MR_INTERVAL) {
        const char *unit;
        MR_TRY(interval_unit(b, ast->type_name, &unit));
        if (unit != NULL && arg->kind == MR_EXPR_CONST && arg->type.id == MR_TEXT) {
            mr_str number = mr_vector_str(&arg->constant, 0);
            const char *text =
                mr_arena_printf(s->cx->arena, "%.*s %s", (int)number.bytes, number.data, unit);
            arg = mr_expr_text(s->cx->arena, mr_span_of(text), arg->place);
        }
    }
    return mr_types_cast(s, arg, to, how, ret);
}

// ---- logic -----------------------------------------------------------------------------------

mr_code mr_bind_condition(mr_bind *b, const mr_ast *ast, mr_expr **ret) {
    mr_expr *expr;
    MR_TRY(mr_bind_expr(b, ast, &expr));
    if (expr->type.id != MR_BOOL && expr->type.id != MR_NULLTYPE) {
        return mr_fail_at(b->s->cx, MR_E_TYPE, expr->place, "Compare it with something.",
                          "condition is %s, not boolean", mr_type_name(expr->type));
    }
    return mr_types_cast(b->s, expr, MR_TYPE(MR_BOOL), MR_CAST_IMPLICIT, ret);
}

mr_code mr_bind_list(mr_bind *b, mr_ast *const *asts, size_t count, mr_expr ***ret) {
    mr_expr **list = MR_NEW_ARRAY(b->s->cx->arena, mr_expr *, count + 1);
    for (size_t i = 0; i < count; i++) {
        MR_TRY(mr_bind_expr(b, asts[i], &list[i]));
    }
    *ret = list;
    return MR_OK;
}

static mr_code bind_bool(mr_bind *b, const PgQuery__BoolExpr *ast, mr_expr **ret) {
    mr_arena *arena = b->s->cx->arena;
    mr_expr **args = MR_NEW_ARRAY(arena, mr_expr *, ast->n_args + 1);
    for (size_t i = 0; i < ast->n_args; i++) {
        MR_TRY(mr_bind_condition(b, ast->args[i], &args[i]));
    }
    if (ast->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR) {
        *ret = mr_expr_unary(arena, MR_EXPR_NOT, args[0]);
        return MR_OK;
    }
    bool and = ast->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR;
    *ret = mr_expr_join(arena, and? MR_EXPR_AND : MR_EXPR_OR, args, mr_u32(ast->n_args));
    return MR_OK;
}

static mr_code bind_null_test(mr_bind *b, const PgQuery__NullTest *ast, mr_expr **ret) {
    mr_expr *arg;
    MR_TRY(mr_bind_expr(b, ast->arg, &arg));
    if (arg->type.id == MR_NULLTYPE) {
        MR_TRY(mr_types_cast(b->s, arg, MR_TYPE(MR_INT32), MR_CAST_IMPLICIT, &arg));
    }
    *ret = mr_expr_unary(b->s->cx->arena, MR_EXPR_IS_NULL, arg);
    if (ast->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL) {
        *ret = mr_expr_unary(b->s->cx->arena, MR_EXPR_NOT, *ret);
    }
    return MR_OK;
}

static mr_code bind_bool_test(mr_bind *b, const PgQuery__BooleanTest *ast, mr_expr **ret) {
    static const struct {
        mr_expr_kind kind;
        bool not ;
    } forms[] = {
        [PG_QUERY__BOOL_TEST_TYPE__IS_TRUE] = {MR_EXPR_IS_TRUE, false},
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE] = {MR_EXPR_IS_TRUE, true},
        [PG_QUERY__BOOL_TEST_TYPE__IS_FALSE] = {MR_EXPR_IS_FALSE, false},
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE] = {MR_EXPR_IS_FALSE, true},
        [PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN] = {MR_EXPR_IS_NULL, false},
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN] = {MR_EXPR_IS_NULL, true},
    };
    mr_assert((size_t)ast->booltesttype < MR_COUNT(forms));
    mr_expr *arg;
    MR_TRY(mr_bind_condition(b, ast->arg, &arg));
    *ret = mr_expr_unary(b->s->cx->arena, forms[ast->booltesttype].kind, arg);
    if (forms[ast->booltesttype].not ) {
        *ret = mr_expr_unary(b->s->cx->arena, MR_EXPR_NOT, *ret);
    }
    return MR_OK;
}

// ---- CASE and coalesce -----------------------------------------------------------------------

static mr_code bind_case(mr_bind *b, const PgQuery__CaseExpr *ast, mr_expr **ret) {
    mr_session *s = b->s;
    mr_arena *arena = s->cx->arena;
    mr_place place = mr_session_place(s, ast->location);
    uint32_t pairs = mr_u32(ast->n_args);
    mr_expr **results = MR_NEW_ARRAY(arena, mr_expr *, pairs + 1);
    mr_expr **whens = MR_NEW_ARRAY(arena, mr_expr *, pairs);
    for (uint32_t i = 0; i < pairs; i++) {
        const PgQuery__CaseWhen *when = ast->args[i]->case_when;
        if (ast->arg == NULL) {
            MR_TRY(mr_bind_condition(b, when->expr, &whens[i]));
        } else {
            mr_expr *subject, *value;
            MR_TRY(mr_bind_expr(b, ast->arg, &subject));
            MR_TRY(mr_bind_expr(b, when->expr, &value));
            MR_TRY(mr_bind_compare(s, MR_CMP_EQ, subject, value, &whens[i]));
        }
        MR_TRY(mr_bind_expr(b, when->result, &results[i]));
    }
    results[pairs] = mr_expr_constant(arena, MR_TYPE(MR_NULLTYPE), NULL, place);
    if (ast->defresult != NULL) {
        MR_TRY(mr_bind_expr(b, ast->defresult, &results[pairs]));
    }
    mr_type type;
    MR_TRY(mr_types_common(s, results, pairs + 1, "CASE", &type));
    MR_TRY(mr_types_cast_all(s, results, pairs + 1, type));
    mr_expr *expr = mr_expr_new(arena, MR_EXPR_CASE, type, place);
    expr->arg_count = 2 * pairs + 1;
    expr->args = MR_NEW_ARRAY(arena, mr_expr *, expr->arg_count);
    for (uint32_t i = 0; i < pairs; i++) {
        expr->args[2 * i] = whens[i];
        expr->args[2 * i + 1] = results[i];
    }
    expr->args[2 * pairs] = results[pairs];
    *ret = expr;
    return MR_OK;
}

static mr_code bind_coalesce(mr_bind *b, const PgQuery__CoalesceExpr *ast, mr_expr **ret) {
    mr_expr **args;
    uint32_t count = mr_u32(ast->n_args);
    MR_TRY(mr_bind_list(b, ast->args, count, &args));
    mr_type type;
    MR_TRY(mr_types_common(b->s, args, count, "coalesce", &type));
    MR_TRY(mr_types_cast_all(b->s, args, count, type));
    mr_expr *expr =
        mr_expr_new(b->s->cx->arena, MR_EXPR_COALESCE, type, mr_session_place(b->s, ast->location));
    expr->args = args;
    expr->arg_count = count;
    *ret = expr;
    return MR_OK;
}

static mr_code bind_min_max(mr_bind *b, const PgQuery__MinMaxExpr *ast, mr_expr **ret) {
    mr_expr **args;
    uint32_t count = mr_u32(ast->n_args);
    bool greatest = ast->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST;
    MR_TRY(mr_bind_list(b, ast->args, count, &args));
    mr_type type;
    MR_TRY(mr_types_common(b->s, args, count, greatest ? "greatest" : "least", &type));
    MR_TRY(mr_types_cast_all(b->s, args, count, type));
    return mr_bind_function(b->s,
                            &(mr_bind_args){greatest ? "greatest" : "least", args, count,
                                            mr_session_place(b->s, ast->location)},
                            ret);
}

static mr_code bind_value_function(mr_bind *b, const PgQuery__SQLValueFunction *ast,
                                   mr_expr **ret) {
    mr_session *s = b->s;
    mr_place place = mr_session_place(s, ast->location);
    mr_expr *now = mr_expr_new(s->cx->arena, MR_EXPR_NOW, MR_TYPE(MR_TIMESTAMPTZ), place);
    switch ((int)ast->op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP: *ret = now; return MR_OK;
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
        return mr_types_cast(s, now, MR_TYPE(MR_DATE), MR_CAST_EXPLICIT, ret);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
        return mr_types_cast(s, now, MR_TYPE(MR_TIMESTAMP), MR_CAST_EXPLICIT, ret);
    default:
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place,
                          "Use now(), current_date or localtimestamp.",
                          "this value is not supported in a stream");
    }
}

static mr_code bind_param(mr_bind *b, const PgQuery__ParamRef *ast, mr_expr **ret) {
    mr_place place = mr_session_place(b->s, ast->location);
    if (b->params == NULL || ast->number < 1 || (uint32_t)ast->number > b->params->count) {
        return mr_fail_at(b->s->cx, MR_E_NAME, place,
                          b->params == NULL ? "Write ${NAME} for a value from outside." : NULL,
                          "no parameter $%d", ast->number);
    }
    *ret = mr_expr_column(b->s->cx->arena, b->params, (uint32_t)ast->number - 1, place);
    return MR_OK;
}

mr_code mr_bind_expr(mr_bind *b, const mr_ast *ast, mr_expr **ret) {
    mr_place place = mr_session_place_of(b->s, ast);
    switch (ast == NULL ? 0 : (int)ast->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF: return bind_column_ref(b, ast->column_ref, ret);
    case PG_QUERY__NODE__NODE_A_CONST: return bind_const(b, ast->a_const, ret);
    case PG_QUERY__NODE__NODE_TYPE_CAST: return bind_cast(b, ast->type_cast, ret);
    case PG_QUERY__NODE__NODE_FUNC_CALL: return mr_bind_call(b, ast->func_call, ret);
    case PG_QUERY__NODE__NODE_A_EXPR: return mr_bind_operator(b, ast->a_expr, ret);
    case PG_QUERY__NODE__NODE_BOOL_EXPR: return bind_bool(b, ast->bool_expr, ret);
    case PG_QUERY__NODE__NODE_NULL_TEST: return bind_null_test(b, ast->null_test, ret);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return bind_bool_test(b, ast->boolean_test, ret);
    case PG_QUERY__NODE__NODE_CASE_EXPR: return bind_case(b, ast->case_expr, ret);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR: return bind_coalesce(b, ast->coalesce_expr, ret);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: return bind_min_max(b, ast->min_max_expr, ret);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        return bind_value_function(b, ast->sqlvalue_function, ret);
    case PG_QUERY__NODE__NODE_PARAM_REF: return bind_param(b, ast->param_ref, ret);
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, place,
                          "Join the table, or select from it in FROM.",
                          "sub-selects in expressions are not supported");
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, place, "Texts compare by their bytes.",
                          "COLLATE is not supported");
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: return mr_bind_nested_array(b, ast->a_array_expr, ret);
    case PG_QUERY__NODE__NODE_ROW_EXPR: return mr_bind_nested_row(b, ast->row_expr, ret);
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
        return mr_bind_nested_access(b, ast->a_indirection, ret);
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
        return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, place, "Write the value.",
                          "DEFAULT is not supported");
    default:
        return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, place, /* hint= */ NULL,
                          "this kind of expression is not supported");
    }
}
