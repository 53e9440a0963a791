// Aggregates: which row of the table a call means, its arguments, ORDER BY, DISTINCT and FILTER.
// Also: mr_bind_is_aggregate
//
// Result: a column MR_BIND_AGGREGATE + index that GROUP BY (select_group.c) resolves later.

#include <string.h>

#include "sql/bind.h"

bool mr_bind_is_aggregate(const char *name) {
    for (size_t i = 0; i < MR_AGG_ID_COUNT; i++) {
        if (strcmp(mr_function_aggregates[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void mr_bind_aggregate_parts(mr_bind_aggregate *agg, void (*visit)(void *self, mr_expr **part),
                             void *self) {
    mr_expr **parts[] = {&agg->arg, &agg->second, &agg->filter};
    for (size_t i = 0; i < MR_COUNT(parts); i++) {
        if (*parts[i] != NULL) {
            visit(self, parts[i]);
        }
    }
    for (uint32_t i = 0; i < agg->order_count; i++) {
        visit(self, &agg->orders[i].expr);
    }
}

static mr_code check_place(mr_bind *b, const PgQuery__FuncCall *ast, const char *name,
                           mr_place place) {
    mr_cx *cx = b->s->cx;
    if (b->clause != NULL) {
        return mr_fail_at(cx, MR_E_UNSUPPORTED, place,
                          strcmp(b->clause, "WHERE") == 0 ? "Put the condition into HAVING." : NULL,
                          "aggregate %s cannot stand in %s", name, b->clause);
    }
    if (ast->n_args == 0 && !ast->agg_star) {
        return mr_fail_at(cx, MR_E_TYPE, place, /* hint= */ NULL, "%s needs an argument", name);
    }
    return MR_OK;
}

// ---- the row -----------------------------------------------------------------------------------

static uint32_t argument_cost(const mr_expr *arg, mr_type_id to) {
    if (arg == NULL || to == MR_NULLTYPE) {
        return (arg == NULL) == (to == MR_NULLTYPE) ? 0 : MR_CAST_NEVER;
    }
    return to == MR_TYPE_COUNT || arg->type.id == to ? 0 : mr_types_cost(arg, MR_TYPE(to));
}

static mr_code no_aggregate(mr_bind *b, const char *name, const mr_bind_aggregate *agg) {
    mr_cx *cx = b->s->cx;
    if (agg->arg == NULL) {
        return mr_fail_at(cx, MR_E_TYPE, agg->place, /* hint= */ NULL, "%s(*) is not a function",
                          name);
    }
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < MR_AGG_ID_COUNT; i++) {
        const mr_agg_row *row = &mr_function_aggregates[i];
        if (strcmp(row->name, name) == 0 && row->arg != MR_NULLTYPE) {
            uint32_t count = row->second == MR_NULLTYPE ? 1 : 2;
            least = MR_MIN(least, count);
            most = MR_MAX(most, count);
        }
    }
    uint32_t given = agg->second == NULL ? 1 : 2;
    if (given < least || given > most) {
        return mr_fail_at(cx, MR_E_TYPE, agg->place, /* hint= */ NULL, "%s takes %s", name,
                          most == 1 ? "one argument" : "two arguments");
    }
    return mr_fail_at(cx, MR_E_TYPE, agg->arg->place, "Cast the argument.",
                      "no aggregate %s(%s%s%s)", name, mr_type_text(agg->arg->type, cx->arena),
                      agg->second == NULL ? "" : ", ",
                      agg->second == NULL ? "" : mr_type_text(agg->second->type, cx->arena));
}

// An argument as its row wants it; the same id with other parameters is left as it is.
static mr_code cast_argument(mr_bind *b, mr_expr **arg, mr_type_id to) {
    if (*arg == NULL || (*arg)->type.id == to) {
        return MR_OK;
    }
    mr_type type = to != MR_TYPE_COUNT              ? MR_TYPE(to)
                   : (*arg)->type.id == MR_NULLTYPE ? MR_TYPE(MR_TEXT)
                                                    : (*arg)->type;
    return mr_types_cast(b->s, *arg, type, MR_CAST_IMPLICIT, arg);
}

static mr_type result_type(const mr_agg_row *row, mr_type arg, mr_arena *arena) {
    switch ((int)row->result) {
    case MR_NULLTYPE: return arg;
    case MR_LIST: return mr_type_list(arg, arena);
    case MR_NUMERIC: return MR_NUMERIC(MR_NUMERIC_DIGITS_MAX, arg.scale);
    default: return MR_TYPE(row->result);
    }
}

static mr_code take_parameter(mr_bind *b, const char *name, mr_bind_aggregate *agg) {
    const mr_expr *second = agg->second;
    if (second->kind != MR_EXPR_CONST || mr_vector_is_null(&second->constant, 0)) {
        return mr_fail_at(b->s->cx, MR_E_TYPE, second->place, /* hint= */ NULL,
                          "second argument of %s is not a constant", name);
    }
    if (second->type.id == MR_FLOAT64 &&
        !(second->constant.float64s[0] >= 0 && second->constant.float64s[0] <= 1)) {
        return mr_fail_at(b->s->cx, MR_E_VALUE, second->place, "Write it as 0.95.",
                          "quantile is not between 0 and 1");
    }
    agg->parameter = &second->constant;
    agg->second = NULL;
    return MR_OK;
}

static mr_code choose_row(mr_bind *b, const char *name, mr_bind_aggregate *agg) {
    uint32_t best_cost = MR_CAST_NEVER;
    const mr_agg_row *best = NULL;
    for (uint32_t i = 0; i < MR_AGG_ID_COUNT; i++) {
        const mr_agg_row *row = &mr_function_aggregates[i];
        if (strcmp(row->name, name) != 0) {
            continue;
        }
        uint32_t cost = argument_cost(agg->arg, row->arg);
        uint32_t more = argument_cost(agg->second, row->second);
        cost = cost >= MR_CAST_NEVER || more >= MR_CAST_NEVER ? MR_CAST_NEVER : cost + more;
        if (cost < best_cost) {
            best_cost = cost;
            best = row;
            agg->fn = (mr_agg_id)i;
        }
    }
    if (best == NULL) {
        return no_aggregate(b, name, agg);
    }
    MR_TRY(cast_argument(b, &agg->arg, best->arg));
    MR_TRY(cast_argument(b, &agg->second, best->second));
    if ((best->flags & MR_AGG_PARAMETER) != 0) {
        MR_TRY(take_parameter(b, name, agg));
    }
    agg->type = agg->arg == NULL ? MR_TYPE(best->result)
                                 : result_type(best, agg->arg->type, b->s->cx->arena);
    return MR_OK;
}

// ---- ORDER BY and DISTINCT ---------------------------------------------------------------------

static mr_code bind_orders(mr_bind *b, const PgQuery__FuncCall *ast, mr_bind_aggregate *agg) {
    agg->orders = MR_NEW_ARRAY(b->s->cx->arena, mr_bind_order, ast->n_agg_order);
    for (size_t i = 0; i < ast->n_agg_order; i++) {
        const PgQuery__SortBy *sort = ast->agg_order[i]->sort_by;
        mr_bind_order *order = &agg->orders[agg->order_count];
        MR_TRY(mr_bind_expr(b, sort->node, &order->expr));
        order->descending = sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
        order->nulls_first = sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST;
        if (order->expr->kind == MR_EXPR_CONST) {
            continue;  // Orders nothing.
        }
        agg->order_count++;
    }
    return MR_OK;
}

// quantile(q) WITHIN GROUP (ORDER BY x) is quantile(x, q).
static mr_code within_group(mr_bind *b, const char *name, mr_bind_aggregate *agg) {
    mr_cx *cx = b->s->cx;
    if (agg->order_count != 1 || agg->second != NULL) {
        return mr_fail_at(cx, MR_E_UNSUPPORTED, agg->place, "Write it as quantile_cont(x, 0.5).",
                          "%s … WITHIN GROUP takes one argument and one order", name);
    }
    mr_bind_order order = agg->orders[0];
    agg->order_count = 0;
    agg->second = agg->arg;
    agg->arg = order.expr;
    if (order.descending) {
        mr_expr *one;
        MR_TRY(mr_types_cast(b->s, agg->second, MR_TYPE(MR_FLOAT64), MR_CAST_IMPLICIT, &one));
        if (one->kind != MR_EXPR_CONST || mr_vector_is_null(&one->constant, 0)) {
            return mr_fail_at(cx, MR_E_TYPE, one->place, /* hint= */ NULL,
                              "argument of %s is not a constant", name);
        }
        double rest = 1 - one->constant.float64s[0];
        agg->second = mr_expr_constant(cx->arena, MR_TYPE(MR_FLOAT64), &rest, one->place);
    }
    return MR_OK;
}

// Of an aggregate that does not care about order or repetition, these are only words.
static mr_code settle_order(mr_bind *b, const char *name, mr_bind_aggregate *agg) {
    bool ordered = (mr_function_aggregates[agg->fn].flags & MR_AGG_ORDERED) != 0;
    static const mr_agg_id insensitive[] = {
        MR_AGG_MIN,       MR_AGG_MAX,
        MR_AGG_BOOL_AND,  MR_AGG_BOOL_OR,
        MR_AGG_BIT_AND,   MR_AGG_BIT_OR,
        MR_AGG_FIRST,     MR_AGG_LAST,
        MR_AGG_ANY_VALUE, MR_AGG_APPROX_COUNT_DISTINCT,
    };
    for (size_t i = 0; i < MR_COUNT(insensitive); i++) {
        agg->distinct = agg->distinct && agg->fn != insensitive[i];
    }
    if (!ordered) {
        agg->order_count = 0;
    }
    if (agg->distinct && (agg->second != NULL || agg->arg == NULL)) {
        return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, agg->place,
                          "Make rows distinct in a view below: SELECT DISTINCT ON (…).",
                          "%s(DISTINCT …) is not supported", name);
    }
    for (uint32_t i = 0; agg->distinct && i < agg->order_count; i++) {
        if (!mr_expr_equal(agg->orders[i].expr, agg->arg)) {
            return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, agg->orders[i].expr->place,
                              "Order by the argument itself.",
                              "ORDER BY of %s(DISTINCT …) is not its argument", name);
        }
    }
    return MR_OK;
}

// ---- the call ----------------------------------------------------------------------------------

static bool same_expr(const mr_expr *a, const mr_expr *b) {
    return (a == NULL) == (b == NULL) && (a == NULL || mr_expr_equal(a, b));
}

static bool same_aggregate(const mr_bind_aggregate *a, const mr_bind_aggregate *b) {
    if (a->fn != b->fn || a->distinct != b->distinct || a->order_count != b->order_count ||
        (a->parameter == NULL) != (b->parameter == NULL) || !same_expr(a->arg, b->arg) ||
        !same_expr(a->second, b->second) || !same_expr(a->filter, b->filter)) {
        return false;
    }
    for (uint32_t i = 0; i < a->order_count; i++) {
        if (a->orders[i].descending != b->orders[i].descending ||
            a->orders[i].nulls_first != b->orders[i].nulls_first ||
            !mr_expr_equal(a->orders[i].expr, b->orders[i].expr)) {
            return false;
        }
    }
    return a->parameter == NULL || mr_vector_same(a->parameter, 0, b->parameter, 0);
}

// Adds an aggregate, or finds the equal one; returns its index.
static uint32_t add_aggregate(mr_bind *b, const mr_bind_aggregate *agg) {
    for (uint32_t i = 0; i < b->aggregate_count; i++) {
        if (same_aggregate(&b->aggregates[i], agg)) {
            return i;
        }
    }
    if (b->aggregate_count == b->aggregate_capacity) {
        uint32_t capacity = MR_MAX(8u, 2 * b->aggregate_capacity);
        mr_bind_aggregate *more = MR_NEW_ARRAY(b->s->cx->arena, mr_bind_aggregate, capacity);
        if (b->aggregate_count > 0) {
            memcpy(more, b->aggregates, sizeof(*more) * b->aggregate_count);
        }
        b->aggregates = more;
        b->aggregate_capacity = capacity;
    }
    b->aggregates[b->aggregate_count] = *agg;
    return b->aggregate_count++;
}

static mr_code bind_parts(mr_bind *b, const PgQuery__FuncCall *ast, const char *name,
                          mr_bind_aggregate *agg) {
    if (ast->n_args > 2) {
        return mr_fail_at(b->s->cx, MR_E_TYPE, agg->place, /* hint= */ NULL,
                          "%s takes at most two arguments", name);
    }
    if (ast->n_args > 0) {
        MR_TRY(mr_bind_expr(b, ast->args[0], &agg->arg));
    }
    if (ast->n_args > 1) {
        MR_TRY(mr_bind_expr(b, ast->args[1], &agg->second));
    }
    MR_TRY(bind_orders(b, ast, agg));
    return ast->agg_filter == NULL ? MR_OK : mr_bind_condition(b, ast->agg_filter, &agg->filter);
}

mr_code mr_bind_aggregate_call(mr_bind *b, const PgQuery__FuncCall *ast, const char *name,
                               mr_expr **ret) {
    mr_bind_aggregate agg = {.place = mr_session_place(b->s, ast->location),
                             .distinct = ast->agg_distinct};
    MR_TRY(check_place(b, ast, name, agg.place));
    b->clause = "an aggregate";  // None inside another.
    mr_code code = bind_parts(b, ast, name, &agg);
    b->clause = NULL;
    MR_TRY(code);
    if (ast->agg_within_group) {
        MR_TRY(within_group(b, name, &agg));
    }
    MR_TRY(choose_row(b, name, &agg));
    MR_TRY(settle_order(b, name, &agg));
    mr_expr *column = mr_expr_new(b->s->cx->arena, MR_EXPR_COLUMN, agg.type, agg.place);
    column->column = MR_BIND_AGGREGATE + add_aggregate(b, &agg);
    *ret = column;
    return MR_OK;
}
