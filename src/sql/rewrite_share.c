// Sharing: equal operators over equal inputs become one node, so queries of a file share their
// work.

#include <string.h>

#include "sql/rewrite.h"

static bool same_uint32s(const uint32_t *a, const uint32_t *b, uint32_t count) {
    return count == 0 || memcmp(a, b, sizeof(*a) * count) == 0;
}

static bool same_window(const mr_window *a, const mr_window *b) {
    return a->kind == b->kind && a->size_us == b->size_us && a->slide_us == b->slide_us &&
           a->time_column == b->time_column;
}

static bool same_join(const mr_plan *a, const mr_plan *b) {
    return a->join.table == b->join.table && a->join.left == b->join.left &&
           a->join.key_count == b->join.key_count &&
           a->join.table_column_count == b->join.table_column_count &&
           same_uint32s(a->join.input_keys, b->join.input_keys, a->join.key_count) &&
           same_uint32s(a->join.table_keys, b->join.table_keys, a->join.key_count) &&
           same_uint32s(a->join.table_columns, b->join.table_columns, a->join.table_column_count) &&
           (a->join.residue == NULL) == (b->join.residue == NULL) &&
           (a->join.residue == NULL || mr_expr_equal(a->join.residue, b->join.residue));
}

static bool same_project(const mr_plan *a, const mr_plan *b) {
    if (a->schema->count != b->schema->count) {
        return false;
    }
    for (uint32_t c = 0; c < a->schema->count; c++) {
        if (strcmp(a->schema->columns[c].name, b->schema->columns[c].name) != 0 ||
            !mr_expr_equal(a->project.exprs[c], b->project.exprs[c])) {
            return false;
        }
    }
    return true;
}

static bool same_call(const mr_agg_call *x, const mr_agg_call *y) {
    if (x->fn != y->fn || x->column != y->column || x->second != y->second ||
        x->filter != y->filter || x->distinct != y->distinct || x->order_count != y->order_count ||
        (x->parameter == NULL) != (y->parameter == NULL)) {
        return false;
    }
    for (uint32_t i = 0; i < x->order_count; i++) {
        const mr_agg_order *a = &x->orders[i], *b = &y->orders[i];
        if (a->column != b->column || a->descending != b->descending ||
            a->nulls_first != b->nulls_first) {
            return false;
        }
    }
    return x->parameter == NULL || mr_vector_same(x->parameter, 0, y->parameter, 0);
}

static bool same_aggregate(const mr_plan *a, const mr_plan *b) {
    if (!same_window(&a->aggregate.window, &b->aggregate.window) ||
        a->aggregate.key_count != b->aggregate.key_count ||
        a->aggregate.call_count != b->aggregate.call_count ||
        a->aggregate.allowed_lateness_us != b->aggregate.allowed_lateness_us ||
        !same_uint32s(a->aggregate.keys, b->aggregate.keys, a->aggregate.key_count)) {
        return false;
    }
    for (uint32_t i = 0; i < a->aggregate.call_count; i++) {
        const mr_agg_call *x = &a->aggregate.calls[i], *y = &b->aggregate.calls[i];
        if (!same_call(x, y)) {
            return false;
        }
    }
    return true;
}

// Same operator over the same input? The query a late test names does not count.
static bool same_node(const mr_plan *a, const mr_plan *b) {
    if (a->kind != b->kind || a->input != b->input) {
        return false;
    }
    switch (a->kind) {
    case MR_PLAN_SCAN:
        return a->scan.source == b->scan.source && a->schema->count == b->schema->count;
    case MR_PLAN_LATE:
        return same_window(&a->late.window, &b->late.window) &&
               a->late.allowed_lateness_us == b->late.allowed_lateness_us;
    case MR_PLAN_FILTER:
        return a->filter.bad == b->filter.bad &&
               mr_expr_equal(a->filter.predicate, b->filter.predicate);
    case MR_PLAN_PROJECT: return same_project(a, b);
    case MR_PLAN_JOIN: return same_join(a, b);
    case MR_PLAN_DISTINCT:
        return a->distinct.key_count == b->distinct.key_count &&
               a->distinct.ttl_us == b->distinct.ttl_us &&
               same_uint32s(a->distinct.keys, b->distinct.keys, a->distinct.key_count);
    case MR_PLAN_WINDOW: return same_window(&a->window.window, &b->window.window);
    case MR_PLAN_AGGREGATE: return same_aggregate(a, b);
    case MR_PLAN_KIND_COUNT: break;
    }
    mr_assert(false);
}

static void set_add(mr_rewrite_set *set, mr_plan *plan) {
    if (set->count == set->capacity) {
        uint32_t capacity = MR_MAX(32u, 2 * set->capacity);
        mr_plan **nodes = MR_NEW_ARRAY(set->arena, mr_plan *, capacity);
        uint32_t *uses = MR_NEW_ARRAY(set->arena, uint32_t, capacity);
        if (set->count > 0) {
            memcpy(nodes, set->nodes, sizeof(*nodes) * set->count);
            memcpy(uses, set->uses, sizeof(*uses) * set->count);
        }
        set->nodes = nodes;
        set->uses = uses;
        set->capacity = capacity;
    }
    plan->id = set->count;
    set->uses[set->count] = 1;
    set->nodes[set->count++] = plan;
}

mr_plan *mr_rewrite_share(mr_rewrite_set *set, mr_plan *root) {
    mr_plan *input = root->input == NULL ? NULL : mr_rewrite_share(set, root->input);
    mr_plan *plan = MR_NEW(set->arena, mr_plan);
    *plan = *root;  // The set's own: ids are set, and a late test may get another name.
    plan->input = input;
    for (uint32_t i = 0; i < set->count; i++) {
        mr_plan *other = set->nodes[i];
        if (!same_node(other, plan)) {
            continue;
        }
        if (plan->kind == MR_PLAN_LATE && strcmp(other->late.query, plan->late.query) != 0) {
            other->late.query =
                mr_arena_printf(set->arena, "%s, %s", other->late.query, plan->late.query);
        }
        set->uses[i]++;
        return other;
    }
    set_add(set, plan);
    return plan;
}
