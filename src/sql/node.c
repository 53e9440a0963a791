// Node: building plan nodes; see node.h.

#include "sql/node.h"

#include <string.h>

#define NAME_BYTES_MAX 60
#define CONJUNCTS_MAX  32  // Longer conditions are not worth taking apart.

mr_plan *mr_node_new(mr_arena *arena, mr_plan_kind kind, mr_plan *input, mr_place place) {
    mr_assert((kind == MR_PLAN_SCAN) == (input == NULL));
    mr_plan *plan = MR_NEW(arena, mr_plan);
    plan->kind = kind;
    plan->input = input;
    plan->id = input == NULL ? 0 : input->id + 1;
    plan->place = place;
    plan->event_time = -1;
    return plan;
}

static mr_schema *schema_new(mr_arena *arena, uint32_t count) {
    mr_schema *schema = MR_NEW(arena, mr_schema);
    schema->columns = MR_NEW_ARRAY(arena, mr_column, count);
    schema->count = count;
    return schema;
}

// The input's columns and more behind them, to be filled.
static mr_schema *schema_extended(mr_arena *arena, const mr_schema *input, uint32_t more) {
    mr_schema *schema = schema_new(arena, input->count + more);
    if (input->count > 0) {
        memcpy(schema->columns, input->columns, sizeof(mr_column) * input->count);
    }
    return schema;
}

static void name_window(mr_schema *schema, uint32_t column) {
    schema->columns[column] =
        (mr_column){.name = "window_start", .type = MR_TYPE(MR_TIMESTAMPTZ), .required = true};
    schema->columns[column + 1] =
        (mr_column){.name = "window_end", .type = MR_TYPE(MR_TIMESTAMPTZ), .required = true};
}

static mr_type window_type(const mr_plan *plan, const mr_window *window) {
    return plan->input->schema->columns[window->time_column].type;
}

// Names and types of joined columns are set by whoever builds the join; a rebuilt one keeps them.
static const mr_schema *settled_schema(mr_arena *arena, const mr_plan *plan) {
    switch (plan->kind) {
    case MR_PLAN_LATE:
    case MR_PLAN_FILTER:
    case MR_PLAN_DISTINCT: return plan->input->schema;
    case MR_PLAN_WINDOW: {
        uint32_t count = plan->input->schema->count;
        mr_schema *schema = schema_extended(arena, plan->input->schema, 2);
        name_window(schema, count);
        schema->columns[count].type = window_type(plan, &plan->window.window);
        schema->columns[count + 1].type = schema->columns[count].type;
        return schema;
    }
    case MR_PLAN_AGGREGATE: {
        bool windowed = plan->aggregate.window.kind != MR_WINDOW_NONE;
        uint32_t at = windowed ? 2 : 0;
        mr_schema *schema =
            schema_new(arena, at + plan->aggregate.key_count + plan->aggregate.call_count);
        if (windowed) {
            name_window(schema, 0);
            schema->columns[0].type = window_type(plan, &plan->aggregate.window);
            schema->columns[1].type = schema->columns[0].type;
        }
        for (uint32_t i = 0; i < plan->aggregate.key_count; i++) {
            schema->columns[at++] = plan->input->schema->columns[plan->aggregate.keys[i]];
        }
        for (uint32_t i = 0; i < plan->aggregate.call_count; i++) {
            const mr_agg_call *call = &plan->aggregate.calls[i];
            const char *arg =
                call->column < 0 ? "*" : plan->input->schema->columns[call->column].name;
            schema->columns[at++] =
                (mr_column){.name = mr_arena_printf(arena, "%s(%s)",
                                                    mr_function_aggregates[call->fn].name, arg),
                            .type = call->type};
        }
        return schema;
    }
    case MR_PLAN_SCAN:
    case MR_PLAN_PROJECT:
    case MR_PLAN_JOIN: return plan->schema;
    case MR_PLAN_KIND_COUNT: break;
    }
    mr_assert(false);
}

void mr_node_settle(mr_arena *arena, mr_plan *plan) {
    plan->schema = settled_schema(arena, plan);
    mr_assert(plan->schema != NULL);
    if (plan->kind == MR_PLAN_SCAN) {
        return;
    }
    plan->event_time = -1;
    for (uint32_t c = 0; c < plan->schema->count && plan->event_time < 0; c++) {
        if (mr_node_is_time(plan, c)) {
            plan->event_time = (int32_t)c;
        }
    }
}

mr_plan *mr_node_over(mr_arena *arena, const mr_plan *plan, mr_plan *input) {
    mr_plan *copy = MR_NEW(arena, mr_plan);
    *copy = *plan;
    copy->input = input;
    mr_node_settle(arena, copy);
    return copy;
}

bool mr_node_is_time(const mr_plan *plan, uint32_t column) {
    switch (plan->kind) {
    case MR_PLAN_SCAN: return plan->event_time == (int32_t)column;
    case MR_PLAN_LATE:
    case MR_PLAN_FILTER:
    case MR_PLAN_DISTINCT: return mr_node_is_time(plan->input, column);
    case MR_PLAN_JOIN:
        return column < plan->input->schema->count && mr_node_is_time(plan->input, column);
    case MR_PLAN_WINDOW:
        return column >= plan->input->schema->count || mr_node_is_time(plan->input, column);
    case MR_PLAN_PROJECT: {
        const mr_expr *expr = plan->project.exprs[column];
        return expr->kind == MR_EXPR_COLUMN && mr_node_is_time(plan->input, expr->column);
    }
    case MR_PLAN_AGGREGATE: return plan->aggregate.window.kind != MR_WINDOW_NONE && column < 2;
    case MR_PLAN_KIND_COUNT: break;
    }
    mr_assert(false);
}

const char *mr_node_expr_text(mr_arena *arena, const mr_expr *expr, const mr_schema *schema) {
    mr_text text;
    mr_text_init(&text, arena);
    mr_expr_print(expr, schema, &text);
    return mr_text_string(&text);
}

mr_plan *mr_node_project(mr_arena *arena, mr_plan *input, mr_expr **exprs, const char *const *names,
                         uint32_t count) {
    mr_place place = count == 0 ? input->place : exprs[0]->place;
    mr_plan *plan = mr_node_new(arena, MR_PLAN_PROJECT, input, place);
    mr_schema *schema = schema_new(arena, count);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = names == NULL ? NULL : names[i];
        if (name == NULL) {
            name = mr_node_expr_text(arena, exprs[i], input->schema);
            name = strlen(name) > NAME_BYTES_MAX ? mr_arena_printf(arena, "expression %u", i + 1)
                                                 : name;
        }
        bool column = exprs[i]->kind == MR_EXPR_COLUMN;
        schema->columns[i] =
            (mr_column){.name = name,
                        .type = exprs[i]->type,
                        .required = column && input->schema->columns[exprs[i]->column].required};
    }
    plan->schema = schema;
    plan->project.exprs = exprs;
    mr_node_settle(arena, plan);
    return plan;
}

mr_plan *mr_node_filter(mr_arena *arena, mr_plan *input, mr_expr *predicate) {
    mr_assert(predicate->type.id == MR_BOOL);
    mr_plan *plan = mr_node_new(arena, MR_PLAN_FILTER, input, predicate->place);
    plan->filter.predicate = predicate;
    mr_node_settle(arena, plan);
    return plan;
}

mr_plan *mr_node_filter_all(mr_arena *arena, mr_plan *input, mr_expr *predicate) {
    if (predicate->kind != MR_EXPR_AND || predicate->arg_count > CONJUNCTS_MAX) {
        return mr_node_filter(arena, input, predicate);
    }
    for (uint32_t i = 0; i < predicate->arg_count; i++) {
        input = mr_node_filter_all(arena, input, predicate->args[i]);
    }
    return input;
}

mr_plan *mr_node_extend(mr_arena *arena, mr_plan *input, mr_expr *const *exprs, uint32_t count,
                        uint32_t *ret_columns) {
    uint32_t first = input->schema->count, more = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool plain = exprs[i]->kind == MR_EXPR_COLUMN;
        ret_columns[i] = plain ? exprs[i]->column : first + more++;
    }
    if (more == 0) {
        return input;
    }
    mr_expr **all = MR_NEW_ARRAY(arena, mr_expr *, first + more);
    const char **names = MR_NEW_ARRAY(arena, const char *, first + more);
    for (uint32_t c = 0; c < first; c++) {
        all[c] = mr_expr_column(arena, input->schema, c, input->place);
        names[c] = input->schema->columns[c].name;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (ret_columns[i] >= first) {
            all[ret_columns[i]] = exprs[i];
        }
    }
    return mr_node_project(arena, input, all, names, first + more);
}

const mr_plan *mr_node_scan(const mr_plan *plan) {
    while (plan->input != NULL) {
        plan = plan->input;
    }
    mr_assert(plan->kind == MR_PLAN_SCAN);
    return plan;
}
