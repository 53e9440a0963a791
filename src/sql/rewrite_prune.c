// Pruning: columns that nobody reads are left out, from the scan up, and with them LEFT JOINs that
// can neither drop nor double a row; projections and filters are merged.
//
// How: nodes are in order, inputs first. Going down, each node marks what it needs of its input;
// the marks of all users add up, so a shared node keeps what any of them reads. Going up, each node
// is rebuilt over its new input with a map from old columns to new ones.

#include <string.h>

#include "sql/rewrite.h"

typedef struct prune_node {
    bool *needed;    // Columns that users read.
    uint32_t *map;   // Old column -> new one, UINT32_MAX = left out.
    mr_plan *now;    // The rebuilt node.
    uint32_t users;  // Nodes and roots that read it.
} prune_node;

typedef struct prune {
    mr_arena *arena;
    mr_rewrite_set *set;
    prune_node *nodes;
} prune;

// ---- down: what is needed --------------------------------------------------------------------

static void mark_list(bool *needed, const uint32_t *columns, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        needed[columns[i]] = true;
    }
}

static void mark_aggregate(const mr_plan *plan, bool *below) {
    if (plan->aggregate.window.kind != MR_WINDOW_NONE) {
        below[plan->aggregate.window.time_column] = true;
    }
    mark_list(below, plan->aggregate.keys, plan->aggregate.key_count);
    for (uint32_t i = 0; i < plan->aggregate.call_count; i++) {
        const mr_agg_call *call = &plan->aggregate.calls[i];
        if (call->column >= 0) {
            below[call->column] = true;
        }
        if (call->second >= 0) {
            below[call->second] = true;
        }
        if (call->filter >= 0) {
            below[call->filter] = true;
        }
        for (uint32_t k = 0; k < call->order_count; k++) {
            below[call->orders[k].column] = true;
        }
    }
}

// A LEFT JOIN on the table's primary key gives each row once, whatever it finds: when nobody reads
// a column of the table, it gives its input. Its keys count as read all the same: a record in which
// one of them is damaged is bad, whatever else the query shows.
static bool join_does_nothing(const prune *p, const mr_plan *plan, const bool *needed) {
    int32_t primary_key = p->set->primary_keys[plan->join.table];
    if (!plan->join.left || plan->join.residue != NULL || primary_key < 0) {
        return false;
    }
    for (uint32_t c = plan->input->schema->count; c < plan->schema->count; c++) {
        if (needed[c]) {
            return false;
        }
    }
    for (uint32_t k = 0; k < plan->join.key_count; k++) {
        if (plan->join.table_keys[k] == (uint32_t)primary_key) {
            return true;
        }
    }
    return false;
}

static void mark_join(const mr_plan *plan, const bool *needed, bool *below) {
    uint32_t inputs = plan->input->schema->count;
    for (uint32_t c = 0; c < inputs; c++) {
        below[c] = below[c] || needed[c];
    }
    mark_list(below, plan->join.input_keys, plan->join.key_count);
}

// Marks in `below` what plan needs of its input so that users get `needed`. A join's residue is
// added to needed itself.
static void mark_needs(const mr_plan *plan, bool *needed, bool *below) {
    uint32_t inputs = plan->input->schema->count;
    switch (plan->kind) {
    case MR_PLAN_PROJECT:
        for (uint32_t c = 0; c < plan->schema->count; c++) {
            if (needed[c]) {
                mr_expr_mark_columns(plan->project.exprs[c], below);
            }
        }
        return;
    case MR_PLAN_JOIN:
        if (plan->join.residue != NULL) {
            mr_expr_mark_columns(plan->join.residue, needed);
        }
        mark_join(plan, needed, below);
        return;
    case MR_PLAN_AGGREGATE: mark_aggregate(plan, below); return;
    case MR_PLAN_FILTER: mr_expr_mark_columns(plan->filter.predicate, below); break;
    case MR_PLAN_LATE: below[plan->late.window.time_column] = true; break;
    case MR_PLAN_WINDOW: below[plan->window.window.time_column] = true; break;
    case MR_PLAN_DISTINCT:
        mark_list(below, plan->distinct.keys, plan->distinct.key_count);
        if (plan->distinct.ttl_us != INT64_MAX && plan->input->event_time >= 0) {
            below[plan->input->event_time] = true;  // First seen: an event time.
        }
        break;
    case MR_PLAN_SCAN:
    case MR_PLAN_KIND_COUNT: mr_assert(false);
    }
    for (uint32_t c = 0; c < inputs; c++) {
        below[c] = below[c] || needed[c];
    }
}

// ---- up: rebuilt nodes -----------------------------------------------------------------------

static uint32_t *map_all(const prune *p, const uint32_t *columns, uint32_t count,
                         const uint32_t *map) {
    uint32_t *mapped = MR_NEW_ARRAY(p->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        mapped[i] = map[columns[i]];
        mr_assert(mapped[i] != UINT32_MAX);
    }
    return mapped;
}

static void rebuild_scan(const prune *p, const mr_plan *plan, prune_node *node) {
    uint32_t count = plan->schema->count, kept = 0;
    mr_schema *schema = MR_NEW(p->arena, mr_schema);
    schema->columns = MR_NEW_ARRAY(p->arena, mr_column, count);
    bool any = false;
    for (uint32_t c = 0; c < count; c++) {
        const mr_column *column = &plan->schema->columns[c];
        node->needed[c] = node->needed[c] || column->required || plan->event_time == (int32_t)c;
        any = any || node->needed[c];
    }
    node->needed[0] = node->needed[0] || !any;  // A decoder is asked for something.
    for (uint32_t c = 0; c < count; c++) {
        node->map[c] = node->needed[c] ? kept : UINT32_MAX;
        if (node->needed[c]) {
            schema->columns[kept++] = plan->schema->columns[c];
        }
    }
    schema->count = kept;
    node->now->schema = schema;
    node->now->event_time = plan->event_time < 0 ? -1 : (int32_t)node->map[plan->event_time];
}

// How often the columns of the input are read, in all exprs together.
static void count_reads(const mr_expr *expr, uint32_t *reads) {
    if (expr->kind == MR_EXPR_COLUMN) {
        reads[expr->column]++;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        count_reads(expr->args[i], reads);
    }
}

typedef struct inline_self {
    const mr_plan *below;
} inline_self;

static mr_expr *inline_column(void *self, const mr_expr *column) {
    return ((const inline_self *)self)->below->project.exprs[column->column];
}

// Takes a projection below into this one when nobody else reads it and nothing is computed twice.
static void merge_projects(const prune *p, mr_plan *plan, uint32_t below_users) {
    mr_plan *below = plan->input;
    if (below->kind != MR_PLAN_PROJECT || below_users != 1) {
        return;
    }
    uint32_t *reads = MR_NEW_ARRAY(p->arena, uint32_t, below->schema->count);
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        count_reads(plan->project.exprs[c], reads);
    }
    for (uint32_t c = 0; c < below->schema->count; c++) {
        mr_expr_kind kind = below->project.exprs[c]->kind;
        bool free_of_cost = kind == MR_EXPR_COLUMN || kind == MR_EXPR_CONST;
        if (reads[c] > 1 && !free_of_cost) {
            return;
        }
    }
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        plan->project.exprs[c] = mr_expr_replace(p->arena, plan->project.exprs[c], inline_column,
                                                 &(inline_self){.below = below});
    }
    plan->input = below->input;
}

static bool does_nothing(const mr_plan *plan) {
    if (plan->schema->count != plan->input->schema->count) {
        return false;
    }
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        const mr_expr *expr = plan->project.exprs[c];
        if (expr->kind != MR_EXPR_COLUMN || expr->column != c) {
            return false;
        }
    }
    return true;
}

static void rebuild_project(const prune *p, const mr_plan *plan, prune_node *node,
                            const prune_node *input) {
    uint32_t count = plan->schema->count, kept = 0;
    mr_expr **exprs = MR_NEW_ARRAY(p->arena, mr_expr *, count);
    const char **names = MR_NEW_ARRAY(p->arena, const char *, count);
    for (uint32_t c = 0; c < count; c++) {
        node->map[c] = node->needed[c] ? kept : UINT32_MAX;
        if (node->needed[c]) {
            names[kept] = plan->schema->columns[c].name;
            exprs[kept++] = mr_expr_renumber(p->arena, plan->project.exprs[c], input->map);
        }
    }
    node->now = mr_node_project(p->arena, input->now, exprs, names, kept);
    node->now->place = plan->place;
    merge_projects(p, node->now, input->users);
    mr_node_settle(p->arena, node->now);
}

static void rebuild_join(const prune *p, const mr_plan *plan, prune_node *node,
                         const prune_node *input) {
    uint32_t inputs = plan->input->schema->count, now = input->now->schema->count;
    mr_schema *schema = MR_NEW(p->arena, mr_schema);
    schema->columns = MR_NEW_ARRAY(p->arena, mr_column, now + plan->join.table_column_count);
    memcpy(schema->columns, input->now->schema->columns, sizeof(mr_column) * now);
    mr_plan *join = node->now;
    join->join.table_columns = MR_NEW_ARRAY(p->arena, uint32_t, plan->join.table_column_count);
    join->join.table_column_count = 0;
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        if (c < inputs) {
            node->map[c] = input->map[c];
            continue;
        }
        node->map[c] = UINT32_MAX;
        if (node->needed[c]) {
            uint32_t at = join->join.table_column_count++;
            join->join.table_columns[at] = plan->join.table_columns[c - inputs];
            node->map[c] = now + at;
            schema->columns[now + at] = plan->schema->columns[c];
        }
    }
    schema->count = now + join->join.table_column_count;
    join->schema = schema;
    join->join.input_keys = map_all(p, plan->join.input_keys, plan->join.key_count, input->map);
    if (plan->join.residue != NULL) {
        join->join.residue = mr_expr_renumber(p->arena, plan->join.residue, node->map);
    }
}

static void rebuild_aggregate(const prune *p, const mr_plan *plan, mr_plan *now,
                              const uint32_t *map) {
    if (plan->aggregate.window.kind != MR_WINDOW_NONE) {
        now->aggregate.window.time_column = map[plan->aggregate.window.time_column];
    }
    now->aggregate.keys = map_all(p, plan->aggregate.keys, plan->aggregate.key_count, map);
    now->aggregate.calls = MR_NEW_ARRAY(p->arena, mr_agg_call, plan->aggregate.call_count);
    for (uint32_t i = 0; i < plan->aggregate.call_count; i++) {
        mr_agg_call call = plan->aggregate.calls[i];
        call.column = call.column < 0 ? -1 : (int32_t)map[call.column];
        call.second = call.second < 0 ? -1 : (int32_t)map[call.second];
        call.filter = call.filter < 0 ? -1 : (int32_t)map[call.filter];
        mr_agg_order *orders = MR_NEW_ARRAY(p->arena, mr_agg_order, call.order_count);
        for (uint32_t k = 0; k < call.order_count; k++) {
            orders[k] = call.orders[k];
            orders[k].column = map[orders[k].column];
        }
        call.orders = orders;
        now->aggregate.calls[i] = call;
    }
}

// Two filters of one query, one upon the other, become one.
static void merge_filters(const prune *p, mr_plan *plan, uint32_t below_users) {
    mr_plan *below = plan->input;
    if (below->kind != MR_PLAN_FILTER || below_users != 1 || below->filter.bad ||
        plan->filter.bad) {
        return;
    }
    mr_expr *a = below->filter.predicate, *b = plan->filter.predicate;
    uint32_t first = a->kind == MR_EXPR_AND ? a->arg_count : 1;
    mr_expr **parts = MR_NEW_ARRAY(p->arena, mr_expr *, first + 1);
    for (uint32_t i = 0; i < first; i++) {
        parts[i] = a->kind == MR_EXPR_AND ? a->args[i] : a;
    }
    parts[first] = b;
    plan->filter.predicate = mr_expr_join(p->arena, MR_EXPR_AND, parts, first + 1);
    plan->place = below->place;
    plan->input = below->input;
}

// Columns of the result follow from those of the input: the same, then `more` new ones.
static void map_through(prune_node *node, const prune_node *input, uint32_t inputs, uint32_t more) {
    memcpy(node->map, input->map, sizeof(*node->map) * inputs);
    for (uint32_t c = 0; c < more; c++) {
        node->map[inputs + c] = input->now->schema->count + c;
    }
}

static void rebuild(const prune *p, const mr_plan *plan, prune_node *node) {
    mr_plan *now = MR_NEW(p->arena, mr_plan);
    *now = *plan;
    node->now = now;
    if (plan->kind == MR_PLAN_SCAN) {
        rebuild_scan(p, plan, node);
        return;
    }
    const prune_node *input = &p->nodes[plan->input->id];
    uint32_t inputs = plan->input->schema->count;
    now->input = input->now;
    switch (plan->kind) {
    case MR_PLAN_PROJECT: rebuild_project(p, plan, node, input); return;
    case MR_PLAN_JOIN:
        if (join_does_nothing(p, plan, node->needed)) {  // skip_join leaves it out.
            map_through(node, input, inputs, 0);
            return;
        }
        rebuild_join(p, plan, node, input);
        break;
    case MR_PLAN_AGGREGATE:
        rebuild_aggregate(p, plan, now, input->map);
        for (uint32_t c = 0; c < plan->schema->count; c++) {
            node->map[c] = c;
        }
        break;
    case MR_PLAN_FILTER:
        now->filter.predicate = mr_expr_renumber(p->arena, plan->filter.predicate, input->map);
        map_through(node, input, inputs, 0);
        merge_filters(p, now, input->users);
        break;
    case MR_PLAN_LATE:
        now->late.window.time_column = input->map[plan->late.window.time_column];
        map_through(node, input, inputs, 0);
        break;
    case MR_PLAN_WINDOW:
        now->window.window.time_column = input->map[plan->window.window.time_column];
        map_through(node, input, inputs, 2);
        break;
    case MR_PLAN_DISTINCT:
        now->distinct.keys = map_all(p, plan->distinct.keys, plan->distinct.key_count, input->map);
        map_through(node, input, inputs, 0);
        break;
    case MR_PLAN_SCAN:
    case MR_PLAN_KIND_COUNT: mr_assert(false);
    }
    mr_node_settle(p->arena, now);
}

// Puts a node's input in its place.
static void skip_node(const prune *p, uint32_t index) {
    prune_node *node = &p->nodes[index];
    prune_node *below = &p->nodes[p->set->nodes[index]->input->id];
    if (node->now->input == below->now) {
        below->users += node->users - 1;
        node->users = below->users;
    }
    node->now = node->now->input;
}

static void skip_join(const prune *p, uint32_t index) {
    const mr_plan *plan = p->set->nodes[index];
    prune_node *node = &p->nodes[index];
    if (plan->kind == MR_PLAN_JOIN && join_does_nothing(p, plan, node->needed)) {
        for (uint32_t c = plan->input->schema->count; c < plan->schema->count; c++) {
            node->map[c] = UINT32_MAX;
        }
        skip_node(p, index);
    }
}

// Leaves out projections that only pass their input on. Names count at the root alone.
static void skip_project(const prune *p, uint32_t index, bool root) {
    const mr_plan *now = p->nodes[index].now;
    if (now->kind == MR_PLAN_PROJECT && !root && does_nothing(now)) {
        skip_node(p, index);
    }
}

void mr_rewrite_prune(mr_rewrite_set *set, mr_plan **roots, uint32_t root_count) {
    prune p = {.arena = set->arena, .set = set};
    p.nodes = MR_NEW_ARRAY(set->arena, prune_node, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        mr_assert(set->nodes[i]->id == i);
        uint32_t columns = set->nodes[i]->schema->count;
        p.nodes[i].needed = MR_NEW_ARRAY(set->arena, bool, columns + 1);
        p.nodes[i].map = MR_NEW_ARRAY(set->arena, uint32_t, columns + 1);
    }
    bool *is_root = MR_NEW_ARRAY(set->arena, bool, set->count);
    for (uint32_t i = 0; i < root_count; i++) {
        prune_node *node = &p.nodes[roots[i]->id];
        memset(node->needed, true, roots[i]->schema->count);
        node->users++;
        is_root[roots[i]->id] = true;
    }
    for (uint32_t i = set->count; i-- > 0;) {
        mr_plan *plan = set->nodes[i];
        if (plan->input != NULL) {
            mark_needs(plan, p.nodes[i].needed, p.nodes[plan->input->id].needed);
            p.nodes[plan->input->id].users++;
        }
    }
    for (uint32_t i = 0; i < set->count; i++) {
        rebuild(&p, set->nodes[i], &p.nodes[i]);
        skip_join(&p, i);
        skip_project(&p, i, is_root[i]);
    }
    for (uint32_t i = 0; i < root_count; i++) {
        roots[i] = p.nodes[roots[i]->id].now;
    }
}
