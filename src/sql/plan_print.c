// Printing a pipeline: EXPLAIN and golden tests. Stable: the same plan gives the same text.

#include <inttypes.h>

#include "sql/plan.h"

static const char *const kind_names[] = {
    [MR_PLAN_SCAN] = "scan",     [MR_PLAN_LATE] = "late",
    [MR_PLAN_FILTER] = "filter", [MR_PLAN_PROJECT] = "project",
    [MR_PLAN_JOIN] = "join",     [MR_PLAN_DISTINCT] = "distinct",
    [MR_PLAN_WINDOW] = "window", [MR_PLAN_AGGREGATE] = "aggregate",
};
_Static_assert(MR_COUNT(kind_names) == MR_PLAN_KIND_COUNT, "every kind has its name");

static const char *const mode_names[] = {
    [MR_MODE_APPEND] = "append", [MR_MODE_UPDATE] = "update", [MR_MODE_COMPLETE] = "complete"};

typedef struct printer {
    const mr_pipeline *pipeline;
    bool *printed;  // By id: a shared node is printed once.
    mr_text *out;
} printer;

const char *mr_plan_kind_name(mr_plan_kind kind) {
    mr_assert((unsigned)kind < MR_PLAN_KIND_COUNT);
    return kind_names[kind];
}

static void print_window(mr_text *out, const mr_window *window, const mr_schema *input) {
    bool hop = window->kind == MR_WINDOW_HOP;
    mr_text_addf(out, "%s %s ", hop ? "hop" : "tumble", input->columns[window->time_column].name);
    mr_text_add_duration(out, window->size_us);
    if (hop) {
        mr_text_add(out, " by ");
        mr_text_add_duration(out, window->slide_us);
    }
}

static void print_columns(mr_text *out, const uint32_t *columns, uint32_t count,
                          const mr_schema *schema) {
    for (uint32_t i = 0; i < count; i++) {
        mr_text_addf(out, "%s%s", i == 0 ? "" : ", ", schema->columns[columns[i]].name);
    }
}

static void print_option_duration(mr_text *out, const char *word, int64_t us) {
    if (us >= 0) {
        mr_text_addf(out, ", %s ", word);
        mr_text_add_duration(out, us);
    }
}

static void print_scan(const printer *p, const mr_plan *plan) {
    const mr_plan_source *source = &p->pipeline->sources[plan->scan.source];
    mr_text_addf(p->out, "%s (%s): ", source->name, source->type->name);
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        const mr_column *column = &plan->schema->columns[c];
        mr_text_addf(p->out, "%s%s ", c == 0 ? "" : ", ", column->name);
        mr_type_print(column->type, p->out);
        mr_text_add(p->out, column->required ? " not null" : "");
    }
    if (source->has_watermark) {
        mr_text_addf(p->out, "; time %s", plan->schema->columns[plan->event_time].name);
        print_option_duration(p->out, "delay", source->watermark_us);
        print_option_duration(p->out, "idle", source->idle_timeout_us);
        print_option_duration(p->out, "future", source->max_future_skew_us);
        print_option_duration(p->out, "emit", source->emit_timeout_us);
    }
}

static void print_project(const printer *p, const mr_plan *plan) {
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        mr_text one;
        mr_text_init(&one, p->out->arena);
        mr_expr_print(plan->project.exprs[c], plan->input->schema, &one);
        mr_text_addf(p->out, "%s%s", c == 0 ? "" : ", ", mr_text_string(&one));
        if (!mr_span_is(mr_text_span(&one), plan->schema->columns[c].name)) {
            mr_text_addf(p->out, " AS %s", plan->schema->columns[c].name);
        }
        mr_text_release(&one);
    }
}

static void print_join(const printer *p, const mr_plan *plan) {
    const mr_plan_table *table = &p->pipeline->tables[plan->join.table];
    mr_text_addf(p->out, "%s%s ON ", plan->join.left ? "left " : "", table->name);
    for (uint32_t k = 0; k < plan->join.key_count; k++) {
        mr_text_addf(p->out, "%s%s = %s.%s", k == 0 ? "" : " AND ",
                     plan->input->schema->columns[plan->join.input_keys[k]].name, table->name,
                     table->schema.columns[plan->join.table_keys[k]].name);
    }
    if (plan->join.residue != NULL) {
        mr_text_add(p->out, " AND ");
        mr_expr_print(plan->join.residue, plan->schema, p->out);
    }
    if (plan->join.table_column_count > 0) {
        mr_text_add(p->out, ": ");
        print_columns(p->out, plan->join.table_columns, plan->join.table_column_count,
                      &table->schema);
    }
}

// What stands behind the first argument of an aggregate.
static void print_call_rest(const printer *p, const mr_agg_call *call, const mr_schema *input) {
    if (call->second >= 0) {
        mr_text_addf(p->out, ", %s", input->columns[call->second].name);
    }
    if (call->parameter != NULL) {
        mr_text_add(p->out, ", ");
        mr_vector_print(call->parameter, 0, /* zone= */ NULL, p->out);
    }
    for (uint32_t i = 0; i < call->order_count; i++) {
        const mr_agg_order *order = &call->orders[i];
        mr_text_addf(p->out, "%s%s%s%s", i == 0 ? " order by " : ", ",
                     input->columns[order->column].name, order->descending ? " desc" : "",
                     order->nulls_first ? " nulls first" : "");
    }
}

static void print_aggregate(const printer *p, const mr_plan *plan) {
    const mr_schema *input = plan->input->schema;
    if (plan->aggregate.window.kind != MR_WINDOW_NONE) {
        print_window(p->out, &plan->aggregate.window, input);
        if (plan->aggregate.allowed_lateness_us > 0) {
            print_option_duration(p->out, "lateness", plan->aggregate.allowed_lateness_us);
        }
    } else {
        mr_text_add(p->out, "unbounded");
    }
    if (plan->aggregate.key_count > 0) {
        mr_text_add(p->out, "; by ");
        print_columns(p->out, plan->aggregate.keys, plan->aggregate.key_count, input);
    }
    for (uint32_t i = 0; i < plan->aggregate.call_count; i++) {
        const mr_agg_call *call = &plan->aggregate.calls[i];
        mr_text_addf(p->out, "%s%s(%s%s", i == 0 ? "; " : ", ",
                     mr_function_aggregates[call->fn].name, call->distinct ? "distinct " : "",
                     call->column < 0 ? "*" : input->columns[call->column].name);
        print_call_rest(p, call, input);
        mr_text_add_char(p->out, ')');
        if (call->filter >= 0) {
            mr_text_addf(p->out, " where %s", input->columns[call->filter].name);
        }
    }
}

static void print_late(const printer *p, const mr_plan *plan) {
    if (plan->late.window.kind == MR_WINDOW_NONE) {
        mr_text_add(p->out, "behind the watermark");
    } else {
        print_window(p->out, &plan->late.window, plan->input->schema);
        if (plan->late.allowed_lateness_us > 0) {
            print_option_duration(p->out, "lateness", plan->late.allowed_lateness_us);
        }
    }
    mr_text_addf(p->out, " for %s", plan->late.query);
}

static void print_distinct(const printer *p, const mr_plan *plan) {
    print_columns(p->out, plan->distinct.keys, plan->distinct.key_count, plan->input->schema);
    if (plan->distinct.ttl_us == INT64_MAX) {
        mr_text_add(p->out, "; unbounded");
    } else if (plan->distinct.ttl_us < 0) {
        mr_text_add(p->out, "; until the watermark");
    } else {
        mr_text_add(p->out, "; for ");
        mr_text_add_duration(p->out, plan->distinct.ttl_us);
    }
}

static void print_content(const printer *p, const mr_plan *plan) {
    switch (plan->kind) {
    case MR_PLAN_SCAN: print_scan(p, plan); return;
    case MR_PLAN_LATE: print_late(p, plan); return;
    case MR_PLAN_FILTER:
        if (plan->filter.bad) {
            mr_text_add(p->out, "else bad: ");
        }
        mr_expr_print(plan->filter.predicate, plan->schema, p->out);
        return;
    case MR_PLAN_PROJECT: print_project(p, plan); return;
    case MR_PLAN_JOIN: print_join(p, plan); return;
    case MR_PLAN_DISTINCT: print_distinct(p, plan); return;
    case MR_PLAN_WINDOW: print_window(p->out, &plan->window.window, plan->input->schema); return;
    case MR_PLAN_AGGREGATE: print_aggregate(p, plan); return;
    case MR_PLAN_KIND_COUNT: break;
    }
    mr_assert(false);
}

static void print_chain(printer *p, const mr_plan *plan) {
    uint32_t depth = 1;
    for (; plan != NULL; plan = plan->input, depth++) {
        mr_text_addf(p->out, "%*s", (int)(2 * depth), "");
        if (p->printed[plan->id]) {
            mr_text_addf(p->out, "#%u as above\n", plan->id);
            return;
        }
        p->printed[plan->id] = true;
        mr_text_addf(p->out, "#%u ", plan->id);
        mr_plan_print_node(p->pipeline, plan, p->out);
        mr_text_add_char(p->out, '\n');
    }
}

void mr_plan_print_node(const mr_pipeline *pipeline, const mr_plan *plan, mr_text *out) {
    printer p = {.pipeline = pipeline, .out = out};
    mr_text_addf(out, "%s ", mr_plan_kind_name(plan->kind));
    print_content(&p, plan);
}

void mr_plan_print_insert(const mr_plan_insert *insert, mr_text *out) {
    mr_text_addf(out, "%s (%s), %s", insert->table, insert->type->name, mode_names[insert->mode]);
    if (insert->trigger_us > 0) {
        mr_text_add(out, ", every ");
        mr_text_add_duration(out, insert->trigger_us);
    }
    if (insert->conflict_key_count > 0) {
        mr_text_add(out, ", keys ");
        print_columns(out, insert->conflict_keys, insert->conflict_key_count, insert->root->schema);
    }
}

void mr_plan_print(const mr_pipeline *pipeline, mr_text *out) {
    printer p = {.pipeline = pipeline, .out = out};
    p.printed = MR_NEW_ARRAY(pipeline->arena, bool, pipeline->plan_count + 1);
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        mr_plan_print_insert(&pipeline->inserts[i], out);
        mr_text_add_char(out, '\n');
        print_chain(&p, pipeline->inserts[i].root);
    }
}
