// GROUP BY: the AGGREGATE node, its window, and everything above it rewritten to read its columns.
//
// How: list, HAVING and DISTINCT keys are bound over FROM's columns first. Then each expression is
// searched top-down for a group key (by structure), a window column or an aggregate; a column that
// is none of these is not grouped. Below the aggregate, keys and arguments are projected to plain
// columns.

#include <string.h>

#include "sql/select.h"

typedef struct group_build {
    const mr_select *q;
    mr_plan *plan;          // What is grouped.
    const mr_schema *from;  // Names of FROM, for messages.
    mr_window window;
    bool windowed;
    mr_expr **keys;  // Over FROM's columns; those of the window left out.
    uint32_t key_count;
    mr_bind_aggregate *aggregates;
    uint32_t aggregate_count;
    mr_plan *aggregate;
    mr_code code;  // First failure of the rewrite.
} group_build;

// ---- keys ------------------------------------------------------------------------------------

// Which columns an expression reads: bit 0 those of the window, bit 1 others.
static uint32_t window_reads(const mr_plan *plan, const mr_expr *expr) {
    if (expr->kind == MR_EXPR_COLUMN) {
        return mr_select_window_part(plan, expr->column) != 0 ? 1 : 2;
    }
    uint32_t sides = 0;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        sides |= window_reads(plan, expr->args[i]);
    }
    return sides;
}

static bool holds_aggregate(const mr_expr *expr) {
    if (expr->kind == MR_EXPR_COLUMN) {
        return expr->column >= MR_BIND_AGGREGATE;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (holds_aggregate(expr->args[i])) {
            return true;
        }
    }
    return false;
}

// Adds a key unless it is there. Keys of window columns alone only say that there is a window.
static mr_code add_key(group_build *g, mr_expr *key) {
    mr_cx *cx = g->q->s->cx;
    if (holds_aggregate(key)) {
        return mr_fail_at(cx, MR_E_UNSUPPORTED, key->place, /* hint= */ NULL,
                          "aggregate cannot stand in GROUP BY");
    }
    if (key->kind == MR_EXPR_CONST) {
        return MR_OK;
    }
    uint32_t reads = window_reads(g->plan, key);
    if (reads == 1) {
        g->windowed = g->windowed || key->kind == MR_EXPR_COLUMN;
        return MR_OK;
    }
    if (reads == 3) {
        return mr_fail_at(cx, MR_E_UNSUPPORTED, key->place,
                          "Group by window_start, window_end and the other column by itself.",
                          "key mixes the window with other columns");
    }
    for (uint32_t i = 0; i < g->key_count; i++) {
        if (mr_expr_equal(g->keys[i], key)) {
            return MR_OK;
        }
    }
    g->keys[g->key_count++] = key;
    return MR_OK;
}

static mr_code bind_keys(group_build *g, mr_bind *b, const PgQuery__SelectStmt *ast,
                         const mr_select_list *list) {
    g->keys = MR_NEW_ARRAY(g->q->s->cx->arena, mr_expr *, ast->n_group_clause + 1);
    b->clause = "GROUP BY";
    mr_code code = MR_OK;
    bool failed = false;
    for (size_t i = 0; i < ast->n_group_clause; i++) {
        const mr_ast *item = ast->group_clause[i];
        mr_expr *key = NULL;
        code = MR_OK;
        if (item->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
            code = mr_fail_at(g->q->s->cx, MR_E_UNSUPPORTED, mr_session_place_of(g->q->s, item),
                              "Write one INSERT for each set.",
                              "ROLLUP, CUBE and GROUPING SETS are not supported");
        } else {
            code = mr_select_named(b, item, list, &key);
        }
        code = code == MR_OK ? add_key(g, key) : code;
        if (code != MR_OK) {
            failed = true;
            mr_session_report(g->q->s, code);
        }
    }
    b->clause = NULL;
    return failed ? mr_session_fail_silently(g->q->s) : MR_OK;
}

// ---- below the aggregate ---------------------------------------------------------------------

static mr_code unbounded(const group_build *g, mr_place place) {
    bool window = false;
    for (uint32_t c = 0; c < g->plan->schema->count; c++) {
        window = window || mr_select_window_part(g->plan, c) != 0;
    }
    return mr_fail_at(g->q->s->cx, MR_E_LIMIT, place,
                      window ? "Add window_start, window_end to GROUP BY."
                             : "Select FROM tumble(table, time, size) or hop(…) and group by "
                               "window_start, window_end; or say unbounded = true.",
                      "state of GROUP BY without a window grows without bound");
}

typedef struct renumbering {
    mr_arena *arena;
    const uint32_t *map;
} renumbering;

static void renumber_part(void *self, mr_expr **part) {
    const renumbering *r = self;
    *part = mr_expr_renumber(r->arena, *part, r->map);
}

// The plan below with its window taken out; renumbers keys and arguments to it.
static mr_code take_window(group_build *g) {
    mr_session *s = g->q->s;
    mr_arena *arena = s->cx->arena;
    uint32_t *map = MR_NEW_ARRAY(arena, uint32_t, g->plan->schema->count);
    if (!mr_select_strip_window(arena, g->plan, &g->plan, &g->window, map)) {
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, g->plan->place,
                          "Put conditions on window_start and window_end into HAVING, and "
                          "expressions of them into the SELECT list.",
                          "window's columns are used below its GROUP BY");
    }
    for (uint32_t i = 0; i < g->key_count; i++) {
        g->keys[i] = mr_expr_renumber(arena, g->keys[i], map);
    }
    for (uint32_t i = 0; i < g->aggregate_count; i++) {
        mr_bind_aggregate_parts(&g->aggregates[i], renumber_part, &(renumbering){arena, map});
    }
    return MR_OK;
}

static void check_part(void *self, mr_expr **part) {
    group_build *g = self;
    if (g->code == MR_OK && (window_reads(g->plan, *part) & 1) != 0) {
        g->code = mr_fail_at(g->q->s->cx, MR_E_UNSUPPORTED, (*part)->place,
                             "Use window_start and window_end outside of aggregates.",
                             "window's columns cannot stand in an aggregate");
    }
}

static mr_code check_arguments(group_build *g) {
    for (uint32_t i = 0; i < g->aggregate_count; i++) {
        mr_bind_aggregate_parts(&g->aggregates[i], check_part, g);
    }
    return g->code;
}

// Index of an expression among those to be projected, added when new.
static uint32_t place_expr(mr_expr **exprs, uint32_t *count, mr_expr *expr) {
    for (uint32_t i = 0; i < *count; i++) {
        if (mr_expr_equal(exprs[i], expr)) {
            return i;
        }
    }
    exprs[*count] = expr;
    return (*count)++;
}

static mr_agg_call make_call(mr_arena *arena, const mr_bind_aggregate *agg, mr_expr **exprs,
                             uint32_t *count) {
    mr_agg_call call = {.fn = agg->fn,
                        .column = -1,
                        .second = -1,
                        .filter = -1,
                        .distinct = agg->distinct,
                        .parameter = agg->parameter,
                        .type = agg->type,
                        .place = agg->place};
    if (agg->arg != NULL) {
        call.column = (int32_t)place_expr(exprs, count, agg->arg);
        call.argument = agg->arg->type;
    }
    if (agg->second != NULL) {
        call.second = (int32_t)place_expr(exprs, count, agg->second);
    }
    if (agg->filter != NULL) {
        call.filter = (int32_t)place_expr(exprs, count, agg->filter);
    }
    mr_agg_order *orders = MR_NEW_ARRAY(arena, mr_agg_order, agg->order_count);
    for (uint32_t i = 0; i < agg->order_count; i++) {
        orders[i] = (mr_agg_order){.column = place_expr(exprs, count, agg->orders[i].expr),
                                   .descending = agg->orders[i].descending,
                                   .nulls_first = agg->orders[i].nulls_first};
    }
    call.orders = orders;
    call.order_count = agg->order_count;
    return call;
}

// PROJECT of what the aggregate reads, and the AGGREGATE over it.
static void make_aggregate(group_build *g, mr_place place) {
    mr_arena *arena = g->q->s->cx->arena;
    size_t most = 1 + g->key_count;
    for (uint32_t i = 0; i < g->aggregate_count; i++) {
        most += 3 + (size_t)g->aggregates[i].order_count;
    }
    mr_expr **exprs = MR_NEW_ARRAY(arena, mr_expr *, most);
    uint32_t count = 0;
    mr_window window = g->windowed ? g->window : (mr_window){.kind = MR_WINDOW_NONE};
    if (g->windowed) {
        mr_expr *time = mr_expr_column(arena, g->plan->schema, window.time_column, place);
        window.time_column = place_expr(exprs, &count, time);
    }
    uint32_t *keys = MR_NEW_ARRAY(arena, uint32_t, g->key_count);
    for (uint32_t i = 0; i < g->key_count; i++) {
        keys[i] = place_expr(exprs, &count, g->keys[i]);
    }
    mr_agg_call *calls = MR_NEW_ARRAY(arena, mr_agg_call, g->aggregate_count);
    for (uint32_t i = 0; i < g->aggregate_count; i++) {
        calls[i] = make_call(arena, &g->aggregates[i], exprs, &count);
    }
    mr_plan *input = count == 0 ? g->plan : mr_node_project(arena, g->plan, exprs, NULL, count);
    mr_plan *plan = mr_node_new(arena, MR_PLAN_AGGREGATE, input, place);
    plan->aggregate.window = window;
    plan->aggregate.keys = keys;
    plan->aggregate.key_count = g->key_count;
    plan->aggregate.calls = calls;
    plan->aggregate.call_count = g->aggregate_count;
    plan->aggregate.allowed_lateness_us = g->q->rules.allowed_lateness_us;
    plan->aggregate.unbounded = !g->windowed;
    mr_node_settle(arena, plan);
    g->aggregate = plan;
}

// ---- above the aggregate ---------------------------------------------------------------------

typedef struct group_rewrite {
    group_build *g;
    mr_expr **keys;  // As bound: over FROM's columns.
    mr_plan *from;   // FROM's plan, with its WINDOW node.
} group_rewrite;

static mr_expr *output_column(const group_rewrite *r, uint32_t column, mr_place place) {
    return mr_expr_column(r->g->q->s->cx->arena, r->g->aggregate->schema, column, place);
}

static mr_expr *rewrite(group_rewrite *r, mr_expr *expr) {
    group_build *g = r->g;
    uint32_t first = g->windowed ? 2 : 0;
    for (uint32_t i = 0; i < g->key_count; i++) {
        if (mr_expr_equal(r->keys[i], expr)) {
            return output_column(r, first + i, expr->place);
        }
    }
    if (expr->kind != MR_EXPR_COLUMN) {
        mr_expr *copy = MR_NEW(g->q->s->cx->arena, mr_expr);
        *copy = *expr;
        copy->args = MR_NEW_ARRAY(g->q->s->cx->arena, mr_expr *, expr->arg_count);
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            copy->args[i] = rewrite(r, expr->args[i]);
        }
        return copy;
    }
    if (expr->column >= MR_BIND_AGGREGATE) {
        return output_column(r, first + g->key_count + (expr->column - MR_BIND_AGGREGATE),
                             expr->place);
    }
    uint32_t part = mr_select_window_part(r->from, expr->column);
    if (g->windowed && part != 0) {
        return output_column(r, part == MR_WINDOW_START ? 0 : 1, expr->place);
    }
    mr_session *s = g->q->s;
    mr_code code =
        mr_fail_at(s->cx, MR_E_NAME, expr->place,
                   "Add it to GROUP BY, or put it into an aggregate, such as max(x).",
                   "column \"%s\" is not in GROUP BY", g->from->columns[expr->column].name);
    mr_session_report(s, code);
    g->code = code;
    return expr;
}

mr_code mr_select_group(const mr_select *q, const PgQuery__SelectStmt *ast, mr_select_input *in,
                        mr_bind *b, mr_select_list *list) {
    mr_session *s = q->s;
    group_build g = {.q = q, .plan = in->plan, .from = in->plan->schema};
    MR_TRY(bind_keys(&g, b, ast, list));
    mr_expr *having = NULL;
    if (ast->having_clause != NULL) {
        MR_TRY(mr_bind_condition(b, ast->having_clause, &having));
    }
    g.aggregates = b->aggregates;
    g.aggregate_count = b->aggregate_count;
    mr_place place = ast->n_group_clause > 0  ? mr_session_place_of(s, ast->group_clause[0])
                     : b->aggregate_count > 0 ? b->aggregates[0].place
                                              : mr_session_place_of(s, ast->having_clause);
    if (!g.windowed && !q->rules.unbounded) {
        return unbounded(&g, place);
    }
    group_rewrite r = {.g = &g, .from = in->plan};
    r.keys = MR_NEW_ARRAY(s->cx->arena, mr_expr *, g.key_count);
    if (g.key_count > 0) {
        memcpy(r.keys, g.keys, sizeof(*r.keys) * g.key_count);
    }
    if (g.windowed) {
        MR_TRY(check_arguments(&g));
        MR_TRY(take_window(&g));
    }
    make_aggregate(&g, place);
    in->plan = g.aggregate;
    if (having != NULL) {
        having = rewrite(&r, having);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        list->items[i].expr = rewrite(&r, list->items[i].expr);
    }
    if (g.code != MR_OK) {
        return mr_session_fail_silently(s);
    }
    if (having != NULL) {
        in->plan = mr_node_filter_all(s->cx->arena, in->plan, having);
    }
    return MR_OK;
}
