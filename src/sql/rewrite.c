// Rewrite of one insert's chain: filters down, DISTINCT below projections, the late test.
//
// How: the chain is an array from the scan up. A node moves down by swapping with the one below it,
// which is allowed while both have the same number of users: what others share stays shared. Then
// the chain is rebuilt from the bottom. The late test comes once, above the scan and the filters on
// it, where the query has event-time state.

#include "sql/rewrite.h"

#include <string.h>

typedef struct chain {
    mr_arena *arena;
    mr_plan *nodes[MR_NODE_DEEP_MAX + 8];  // From the scan up.
    uint32_t uses[MR_NODE_DEEP_MAX + 8];
    uint32_t count;
} chain;

// ---- filters ---------------------------------------------------------------------------------

typedef struct substitute_self {
    mr_arena *arena;
    const mr_plan *project;
    bool plain;  // Every column read is a plain column or constant below.
} substitute_self;

static mr_expr *substitute(void *self, const mr_expr *column) {
    substitute_self *t = self;
    mr_expr *below = t->project->project.exprs[column->column];
    t->plain = t->plain && (below->kind == MR_EXPR_COLUMN || below->kind == MR_EXPR_CONST);
    return below;
}

static bool reads_from(const mr_expr *expr, uint32_t first) {
    if (expr->kind == MR_EXPR_COLUMN) {
        return expr->column >= first;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (reads_from(expr->args[i], first)) {
            return true;
        }
    }
    return false;
}

// The predicate as it reads below a node, or NULL when it must stay above.
static mr_expr *predicate_below(mr_arena *arena, mr_expr *predicate, const mr_plan *node) {
    switch (node->kind) {
    case MR_PLAN_PROJECT: {
        substitute_self self = {.arena = arena, .project = node, .plain = true};
        mr_expr *below = mr_expr_replace(arena, predicate, substitute, &self);
        return self.plain ? below : NULL;
    }
    case MR_PLAN_JOIN:
    case MR_PLAN_WINDOW:
        return reads_from(predicate, node->input->schema->count) ? NULL : predicate;
    case MR_PLAN_SCAN:
    case MR_PLAN_LATE:
    case MR_PLAN_FILTER:
    case MR_PLAN_DISTINCT:
    case MR_PLAN_AGGREGATE: return NULL;
    case MR_PLAN_KIND_COUNT: break;
    }
    mr_assert(false);
}

// Moves the filter at `at` below the next node that is no filter; false when it must stay.
static bool push_filter(chain *c, uint32_t at) {
    mr_plan *filter = c->nodes[at];
    uint32_t to = at - 1;
    while (to > 0 && c->nodes[to]->kind == MR_PLAN_FILTER && !c->nodes[to]->filter.bad) {
        to--;
    }
    if (to == 0 || c->uses[to] != c->uses[at]) {
        return false;
    }
    mr_expr *predicate = predicate_below(c->arena, filter->filter.predicate, c->nodes[to]);
    if (predicate == NULL) {
        return false;
    }
    mr_plan *moved = MR_NEW(c->arena, mr_plan);
    *moved = *filter;
    moved->filter.predicate = predicate;
    memmove(&c->nodes[to + 1], &c->nodes[to], sizeof(c->nodes[0]) * (at - to));
    c->nodes[to] = moved;  // Uses are equal on the way.
    return true;
}

// ---- DISTINCT --------------------------------------------------------------------------------

static bool push_distinct(chain *c, uint32_t at) {
    const mr_plan *distinct = c->nodes[at], *project = c->nodes[at - 1];
    if (project->kind != MR_PLAN_PROJECT || c->uses[at] != c->uses[at - 1]) {
        return false;
    }
    uint32_t count = distinct->distinct.key_count;
    uint32_t *keys = MR_NEW_ARRAY(c->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        const mr_expr *below = project->project.exprs[distinct->distinct.keys[i]];
        if (below->kind != MR_EXPR_COLUMN) {
            return false;
        }
        keys[i] = below->column;
    }
    mr_plan *moved = MR_NEW(c->arena, mr_plan);
    *moved = *distinct;
    moved->distinct.keys = keys;
    c->nodes[at] = c->nodes[at - 1];
    c->nodes[at - 1] = moved;
    return true;
}

static void rebuild(chain *c) {
    for (uint32_t i = 1; i < c->count; i++) {
        c->nodes[i] = mr_node_over(c->arena, c->nodes[i], c->nodes[i - 1]);
    }
}

static void push_down(chain *c) {
    bool moved = true;
    while (moved) {
        moved = false;
        for (uint32_t i = 1; i < c->count && !moved; i++) {
            const mr_plan *node = c->nodes[i];
            if (node->kind == MR_PLAN_FILTER && !node->filter.bad) {
                moved = push_filter(c, i);
            } else if (node->kind == MR_PLAN_DISTINCT) {
                moved = push_distinct(c, i);
            }
        }
        rebuild(c);
    }
}

// ---- the late test ---------------------------------------------------------------------------

// The first windowed aggregate of the chain, or NULL.
static const mr_plan *first_window(const chain *c) {
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->nodes[i]->kind == MR_PLAN_AGGREGATE &&
            c->nodes[i]->aggregate.window.kind != MR_WINDOW_NONE) {
            return c->nodes[i];
        }
    }
    return NULL;
}

// Rows that the windows above still take may be older than the watermark by a window's length; keys
// that hold the event time must live as long.
static bool bound_distinct(chain *c, const mr_plan *aggregate) {
    bool found = false;
    for (uint32_t i = 1; i < c->count && c->nodes[i]->kind != MR_PLAN_AGGREGATE; i++) {
        mr_plan *node = c->nodes[i];
        if (node->kind != MR_PLAN_DISTINCT || node->distinct.ttl_us != -1) {
            continue;
        }
        found = true;
        if (aggregate != NULL) {
            mr_plan *copy = MR_NEW(c->arena, mr_plan);
            *copy = *node;
            copy->distinct.ttl_us =
                aggregate->aggregate.window.size_us + aggregate->aggregate.allowed_lateness_us;
            c->nodes[i] = copy;
        }
    }
    return found;
}

static void add_late(chain *c, const char *query) {
    const mr_plan *aggregate = first_window(c);
    bool distinct = bound_distinct(c, aggregate);
    if (aggregate == NULL && !distinct) {
        return;
    }
    uint32_t at = 1;
    while (at < c->count && c->nodes[at]->kind == MR_PLAN_FILTER) {
        at++;
    }
    mr_plan *below = c->nodes[at - 1];
    mr_assert(below->event_time >=
              0);  // A window's time and a DISTINCT by time come from the scan's.
    mr_plan *late = mr_node_new(c->arena, MR_PLAN_LATE, below, below->place);
    late->late.window = (mr_window){.kind = MR_WINDOW_NONE};
    if (aggregate != NULL) {
        late->late.window = aggregate->aggregate.window;
        late->late.allowed_lateness_us = aggregate->aggregate.allowed_lateness_us;
    }
    late->late.window.time_column = (uint32_t)below->event_time;
    late->late.query = query;
    mr_node_settle(c->arena, late);
    memmove(&c->nodes[at + 1], &c->nodes[at], sizeof(c->nodes[0]) * (c->count - at));
    c->nodes[at] = late;
    c->count++;
    rebuild(c);
}

mr_plan *mr_rewrite_chain(const mr_rewrite_set *set, mr_plan *root, const char *query) {
    chain c = {.arena = set->arena};
    for (const mr_plan *plan = root; plan != NULL; plan = plan->input) {
        c.count++;
    }
    mr_assert(c.count <= MR_NODE_DEEP_MAX + 4);
    uint32_t at = c.count;
    for (mr_plan *plan = root; plan != NULL; plan = plan->input) {
        c.nodes[--at] = plan;
        c.uses[at] = set->uses[plan->id];
    }
    push_down(&c);
    add_late(&c, query);
    return c.nodes[c.count - 1];
}
