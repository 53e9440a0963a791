// Operators: arithmetic by the function table, comparisons, LIKE, IN, BETWEEN, NULLIF.

#include <string.h>

#include "sql/bind.h"

static const struct {
    const char *sign;
    mr_compare compare;
} comparisons[] = {
    {"=", MR_CMP_EQ},  {"<>", MR_CMP_NE}, {"!=", MR_CMP_NE}, {"<", MR_CMP_LT},
    {"<=", MR_CMP_LE}, {">", MR_CMP_GT},  {">=", MR_CMP_GE},
};

mr_code mr_bind_compare(mr_session *s, mr_compare compare, mr_expr *left, mr_expr *right,
                        mr_expr **ret) {
    mr_expr *sides[2] = {left, right};
    mr_type type;
    MR_TRY(mr_types_common(s, sides, 2, "comparison", &type));
    MR_TRY(mr_types_cast_all(s, sides, 2, type));
    *ret = mr_expr_compare(s->cx->arena, compare, sides[0], sides[1]);
    return MR_OK;
}

static mr_code unknown_operator(mr_bind *b, const char *sign, mr_place place) {
    static const struct {
        const char *sign;
        const char *hint;
    } hints[] = {
        {"==", "Write =."},
        {"#", "Write xor(a, b)."},
    };
    for (size_t i = 0; i < MR_COUNT(hints); i++) {
        if (strcmp(hints[i].sign, sign) == 0) {
            return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, place, hints[i].hint,
                              "operator %s is not supported", sign);
        }
    }
    return mr_fail_at(b->s->cx, MR_E_NAME, place, /* hint= */ NULL, "unknown operator %s", sign);
}

static bool known_sign(const char *sign) {
    for (size_t i = 0; i < MR_FN_ID_COUNT; i++) {
        if (strcmp(mr_function_table[i].name, sign) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_match(const char *sign) {
    return strcmp(sign, "~") == 0 || strcmp(sign, "~*") == 0 || strcmp(sign, "!~") == 0 ||
           strcmp(sign, "!~*") == 0;
}

static mr_code bind_plain(mr_bind *b, const PgQuery__AExpr *ast, mr_expr **ret) {
    const char *sign = mr_ast_name(ast->name, ast->n_name);
    mr_place place = mr_session_place(b->s, ast->location);
    mr_expr *args[2] = {NULL, NULL};
    uint32_t count = 0;
    if (ast->lexpr != NULL) {
        MR_TRY(mr_bind_expr(b, ast->lexpr, &args[count++]));
    }
    MR_TRY(mr_bind_expr(b, ast->rexpr, &args[count++]));
    for (size_t i = 0; i < MR_COUNT(comparisons) && count == 2; i++) {
        if (strcmp(comparisons[i].sign, sign) == 0) {
            return mr_bind_compare(b->s, comparisons[i].compare, args[0], args[1], ret);
        }
    }
    if (count == 1 && strcmp(sign, "+") == 0 && mr_type_is_numeric(args[0]->type)) {
        *ret = args[0];
        return MR_OK;
    }
    if (strcmp(sign, "^") == 0 || strcmp(sign, "**") == 0) {
        return mr_bind_function(b->s, &(mr_bind_args){"power", args, count, place}, ret);
    }
    if (count == 2 && is_match(sign)) {
        return mr_bind_sugar_match(b, sign, args, ret);
    }
    if (!known_sign(sign) || strncmp(sign, "~~", 2) == 0) {
        return unknown_operator(b, sign, place);
    }
    if (count == 2 && strcmp(sign, "*") == 0 && args[1]->type.id == MR_INTERVAL) {
        return mr_bind_function(
            b->s, &(mr_bind_args){sign, (mr_expr *[]){args[1], args[0]}, 2, place}, ret);
    }
    if (count == 2 && strcmp(sign, "+") == 0 &&
        (args[0]->type.id == MR_INTERVAL || args[1]->type.id == MR_DATE) &&
        args[1]->type.id != MR_INTERVAL) {  // interval + time, int or time + date
        return mr_bind_function(
            b->s, &(mr_bind_args){sign, (mr_expr *[]){args[1], args[0]}, 2, place}, ret);
    }
    return mr_bind_function(b->s, &(mr_bind_args){sign, args, count, place}, ret);
}

// x LIKE y [ESCAPE z]; the operator's name says which form: ~~, !~~, ~~*, !~~*.
static mr_code bind_like(mr_bind *b, const PgQuery__AExpr *ast, mr_expr **ret) {
    const char *sign = mr_ast_name(ast->name, ast->n_name);
    bool not = sign[0] == '!';
    bool fold = strchr(sign, '*') != NULL;
    mr_place place = mr_session_place(b->s, ast->location);
    mr_expr *args[3] = {NULL, NULL, NULL};
    MR_TRY(mr_bind_expr(b, ast->lexpr, &args[0]));
    const mr_ast *right = ast->rexpr;
    bool escape = right->node_case == PG_QUERY__NODE__NODE_FUNC_CALL &&
                  right->func_call->n_args == 2 &&
                  strcmp(mr_ast_name(right->func_call->funcname, right->func_call->n_funcname),
                         "like_escape") == 0;
    if (escape) {
        MR_TRY(mr_bind_expr(b, right->func_call->args[0], &args[1]));
        MR_TRY(mr_bind_expr(b, right->func_call->args[1], &args[2]));
        MR_TRY(mr_bind_function(
            b->s, &(mr_bind_args){fold ? "ilike_escape" : "like_escape", args, 3, place}, ret));
    } else {
        MR_TRY(mr_bind_expr(b, right, &args[1]));
        MR_TRY(mr_bind_function(b->s, &(mr_bind_args){fold ? "~~*" : "~~", args, 2, place}, ret));
    }
    if (not ) {
        *ret = mr_expr_unary(b->s->cx->arena, MR_EXPR_NOT, *ret);
    }
    return MR_OK;
}

// x SIMILAR TO y is x ~ y, as DuckDB reads it: the pattern is a regular expression.
static mr_code bind_similar(mr_bind *b, const PgQuery__AExpr *ast, mr_expr **ret) {
    const PgQuery__FuncCall *right = ast->rexpr->func_call;  // similar_to_escape(y [, escape])
    mr_expr *args[2];
    MR_TRY(mr_bind_expr(b, ast->lexpr, &args[0]));
    MR_TRY(mr_bind_expr(b, right->args[0], &args[1]));
    if (right->n_args > 1) {
        return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, mr_session_place(b->s, ast->location),
                          "Write \\ before the character in the pattern.",
                          "ESCAPE of SIMILAR TO is not supported");
    }
    return mr_bind_sugar_match(b, mr_ast_name(ast->name, ast->n_name), args, ret);
}

static mr_code bind_in(mr_bind *b, const PgQuery__AExpr *ast, mr_expr **ret) {
    mr_session *s = b->s;
    const PgQuery__List *list = ast->rexpr->list;
    uint32_t count = mr_u32(list->n_items) + 1;
    mr_expr **all = MR_NEW_ARRAY(s->cx->arena, mr_expr *, count);
    MR_TRY(mr_bind_expr(b, ast->lexpr, &all[0]));
    for (uint32_t i = 1; i < count; i++) {
        MR_TRY(mr_bind_expr(b, list->items[i - 1], &all[i]));
    }
    mr_type type;
    MR_TRY(mr_types_common(s, all, count, "IN", &type));
    MR_TRY(mr_types_cast_all(s, all, count, type));
    mr_expr **equal = MR_NEW_ARRAY(s->cx->arena, mr_expr *, count);
    for (uint32_t i = 1; i < count; i++) {
        equal[i - 1] = mr_expr_compare(s->cx->arena, MR_CMP_EQ, all[0], all[i]);
    }
    *ret = mr_expr_join(s->cx->arena, MR_EXPR_OR, equal, count - 1);
    if (strcmp(mr_ast_name(ast->name, ast->n_name), "<>") == 0) {
        *ret = mr_expr_unary(s->cx->arena, MR_EXPR_NOT, *ret);
    }
    return MR_OK;
}

static mr_code bind_between(mr_bind *b, const PgQuery__AExpr *ast, mr_expr **ret) {
    mr_session *s = b->s;
    const PgQuery__List *bounds = ast->rexpr->list;
    mr_expr *value, *low, *high, *parts[2];
    MR_TRY(mr_bind_expr(b, ast->lexpr, &value));
    MR_TRY(mr_bind_expr(b, bounds->items[0], &low));
    MR_TRY(mr_bind_expr(b, bounds->items[1], &high));
    MR_TRY(mr_bind_compare(s, MR_CMP_GE, value, low, &parts[0]));
    MR_TRY(mr_bind_compare(s, MR_CMP_LE, value, high, &parts[1]));
    *ret = mr_expr_join(s->cx->arena, MR_EXPR_AND, parts, 2);
    if (ast->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN) {
        *ret = mr_expr_unary(s->cx->arena, MR_EXPR_NOT, *ret);
    }
    return MR_OK;
}

// nullif(a, b) is CASE WHEN a = b THEN NULL ELSE a END.
static mr_code bind_nullif(mr_bind *b, const PgQuery__AExpr *ast, mr_expr **ret) {
    mr_arena *arena = b->s->cx->arena;
    mr_expr *left, *right, *equal;
    MR_TRY(mr_bind_expr(b, ast->lexpr, &left));
    MR_TRY(mr_bind_expr(b, ast->rexpr, &right));
    MR_TRY(mr_bind_compare(b->s, MR_CMP_EQ, left, right, &equal));
    if (left->type.id == MR_NULLTYPE) {
        left = equal->args[0];
    }
    mr_expr *expr = mr_expr_new(arena, MR_EXPR_CASE, left->type, left->place);
    expr->arg_count = 3;
    expr->args = MR_NEW_ARRAY(arena, mr_expr *, 3);
    expr->args[0] = equal;
    expr->args[1] = mr_expr_constant(arena, left->type, NULL, left->place);
    expr->args[2] = left;
    *ret = expr;
    return MR_OK;
}

static mr_code bind_distinct(mr_bind *b, const PgQuery__AExpr *ast, mr_expr **ret) {
    mr_expr *left, *right;
    MR_TRY(mr_bind_expr(b, ast->lexpr, &left));
    MR_TRY(mr_bind_expr(b, ast->rexpr, &right));
    bool distinct = ast->kind == PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT;
    return mr_bind_compare(b->s, distinct ? MR_CMP_DISTINCT : MR_CMP_NOT_DISTINCT, left, right,
                           ret);
}

mr_code mr_bind_operator(mr_bind *b, const PgQuery__AExpr *ast, mr_expr **ret) {
    switch ((int)ast->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP: return bind_plain(b, ast, ret);
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE: return bind_like(b, ast, ret);
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR: return bind_similar(b, ast, ret);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN: return bind_in(b, ast, ret);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN: return bind_between(b, ast, ret);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF: return bind_nullif(b, ast, ret);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT: return bind_distinct(b, ast, ret);
    default:
        return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, mr_session_place(b->s, ast->location),
                          "Use LIKE, IN, BETWEEN or a plain comparison.",
                          "this comparison is not supported");
    }
}
