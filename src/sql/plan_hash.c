// Hashes of sub-plans: equal as long as the state an operator keeps still means the same.
//
// How: columns are hashed by what they are, not by where they stand, so that another query that
// reads one more column of the source changes nothing here. A projection keeps no state and only
// passes its columns' hashes on. Sinks, and options of sources that do not say which records are
// read, are left out.

#include <string.h>

#include "sql/plan_pass.h"

typedef struct hash_pass {
    mr_pipeline *pipeline;
    uint64_t **columns;  // By node: the hash of each column of its output.
} hash_pass;

static uint64_t hash_text(const char *text, uint64_t seed) {
    return text == NULL ? mr_hash_u64(0, seed) : mr_hash_bytes(text, strlen(text), seed);
}

static uint64_t hash_expr(const mr_expr *expr, const uint64_t *columns) {
    if (expr->kind == MR_EXPR_COLUMN) {
        return columns[expr->column];
    }
    mr_expr own = *expr;
    own.arg_count = 0;
    uint64_t hash = mr_expr_hash(&own);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        hash = mr_hash_u64(hash_expr(expr->args[i], columns), hash);
    }
    return hash;
}

static uint64_t hash_window(const mr_window *window, const uint64_t *columns, uint64_t hash) {
    hash = mr_hash_u64((uint64_t)window->kind, hash);
    if (window->kind == MR_WINDOW_NONE) {
        return hash;
    }
    hash = mr_hash_u64((uint64_t)window->size_us, hash);
    hash = mr_hash_u64((uint64_t)window->slide_us, hash);
    return mr_hash_u64(columns[window->time_column], hash);
}

static uint64_t hash_list(const uint32_t *list, uint32_t count, const uint64_t *columns,
                          uint64_t hash) {
    hash = mr_hash_u64(count, hash);
    for (uint32_t i = 0; i < count; i++) {
        hash = mr_hash_u64(columns[list[i]], hash);
    }
    return hash;
}

// Which records a source reads, and how they are taken apart.
static uint64_t hash_source(const mr_plan_source *source) {
    static const char *const identity[] = {"topic", "path", "format"};
    uint64_t hash = hash_text(source->name, hash_text(source->type->name, 0));
    for (size_t i = 0; i < MR_COUNT(identity); i++) {
        hash = hash_text(mr_option_find(&source->options, identity[i]), hash);
    }
    return hash;
}

static uint64_t hash_scan(hash_pass *p, mr_plan *plan, uint64_t hash) {
    const mr_plan_source *source = &p->pipeline->sources[plan->scan.source];
    hash = mr_hash_u64(source->hash, hash);
    hash = mr_hash_u64((uint64_t)source->watermark_us, hash);
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        const mr_field *field = &source->fields.items[c];
        uint64_t column = hash_text(field->name, hash);
        column = hash_text(field->path, column);
        column = mr_hash_u64((uint64_t)field->from, column);
        column = mr_hash_u64((uint64_t)field->time_format, column);
        p->columns[plan->id][c] = mr_type_hash(field->type, column);
    }
    return hash;
}

static uint64_t hash_join(hash_pass *p, mr_plan *plan, const uint64_t *below, uint64_t hash) {
    const mr_plan_table *table = &p->pipeline->tables[plan->join.table];
    uint64_t *columns = p->columns[plan->id];
    uint32_t inputs = plan->input->schema->count;
    hash = mr_hash_u64(plan->join.left, hash_text(table->name, hash));
    hash = hash_list(plan->join.input_keys, plan->join.key_count, below, hash);
    for (uint32_t k = 0; k < plan->join.key_count; k++) {
        hash = hash_text(table->schema.columns[plan->join.table_keys[k]].name, hash);
    }
    memcpy(columns, below, sizeof(*columns) * inputs);
    for (uint32_t c = 0; c < plan->join.table_column_count; c++) {
        const mr_column *column = &table->schema.columns[plan->join.table_columns[c]];
        columns[inputs + c] = mr_type_hash(column->type, hash_text(column->name, hash));
    }
    return plan->join.residue == NULL ? hash
                                      : mr_hash_u64(hash_expr(plan->join.residue, columns), hash);
}

// What older versions did not have leaves the hash as it was when it is not used.
static uint64_t hash_call(const mr_agg_call *call, const uint64_t *below, uint64_t hash) {
    hash = hash_text(mr_function_aggregates[call->fn].id, hash);
    hash = mr_hash_u64(call->column < 0 ? 0 : below[call->column], hash);
    hash = mr_hash_u64(call->filter < 0 ? 0 : below[call->filter], hash);
    if (call->second >= 0 || call->distinct) {
        hash = mr_hash_u64(call->second < 0 ? call->distinct : below[call->second], hash);
    }
    if (call->parameter != NULL) {
        uint64_t value = hash;
        mr_vector_hash(call->parameter, /* sel= */ NULL, 1, /* seed= */ 0, &value);
        hash = mr_hash_u64(value, hash);
    }
    for (uint32_t i = 0; i < call->order_count; i++) {
        const mr_agg_order *order = &call->orders[i];
        hash = mr_hash_u64(below[order->column], hash);
        hash = mr_hash_u64((uint64_t)order->descending << 1 | order->nulls_first, hash);
    }
    return hash;
}

static uint64_t hash_aggregate(hash_pass *p, mr_plan *plan, const uint64_t *below, uint64_t hash) {
    uint64_t *columns = p->columns[plan->id];
    hash = hash_window(&plan->aggregate.window, below, hash);
    hash = mr_hash_u64((uint64_t)plan->aggregate.allowed_lateness_us, hash);
    hash = hash_list(plan->aggregate.keys, plan->aggregate.key_count, below, hash);
    for (uint32_t i = 0; i < plan->aggregate.call_count; i++) {
        hash = hash_call(&plan->aggregate.calls[i], below, hash);
    }
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        columns[c] = mr_hash_u64(c, hash);
    }
    return hash;
}

static void hash_node(hash_pass *p, mr_plan *plan) {
    uint64_t *columns = p->columns[plan->id];
    const uint64_t *below = plan->input == NULL ? NULL : p->columns[plan->input->id];
    uint32_t inputs = plan->input == NULL ? 0 : plan->input->schema->count;
    uint64_t hash = plan->input == NULL ? 0 : plan->input->hash;
    if (plan->kind == MR_PLAN_PROJECT) {
        for (uint32_t c = 0; c < plan->schema->count; c++) {
            columns[c] = hash_expr(plan->project.exprs[c], below);
        }
        plan->hash = hash;
        return;
    }
    hash = hash_text(mr_plan_kind_name(plan->kind), hash);
    switch (plan->kind) {
    case MR_PLAN_SCAN: plan->hash = hash_scan(p, plan, hash); return;
    case MR_PLAN_JOIN: plan->hash = hash_join(p, plan, below, hash); return;
    case MR_PLAN_AGGREGATE: plan->hash = hash_aggregate(p, plan, below, hash); return;
    case MR_PLAN_LATE:
        hash = hash_window(&plan->late.window, below, hash);
        hash = mr_hash_u64((uint64_t)plan->late.allowed_lateness_us, hash);
        break;
    case MR_PLAN_FILTER: hash = mr_hash_u64(hash_expr(plan->filter.predicate, below), hash); break;
    case MR_PLAN_DISTINCT:
        hash = hash_list(plan->distinct.keys, plan->distinct.key_count, below, hash);
        hash = mr_hash_u64((uint64_t)plan->distinct.ttl_us, hash);
        break;
    case MR_PLAN_WINDOW: hash = hash_window(&plan->window.window, below, hash); break;
    case MR_PLAN_PROJECT:
    case MR_PLAN_KIND_COUNT: mr_assert(false);
    }
    memcpy(columns, below, sizeof(*columns) * inputs);
    for (uint32_t c = inputs; c < plan->schema->count; c++) {
        columns[c] = mr_hash_u64(c - inputs, hash);
    }
    plan->hash = hash;
}

// The names, types and values of what an insert gets; what rows it gets is in the plan's hash.
static uint64_t hash_insert(const hash_pass *p, const mr_plan_insert *insert) {
    uint64_t hash = mr_hash_u64((uint64_t)insert->mode, insert->root->hash);
    const mr_schema *schema = insert->root->schema;
    for (uint32_t c = 0; c < schema->count; c++) {
        hash = mr_hash_u64(p->columns[insert->root->id][c], hash);
    }
    hash = mr_hash_u64(mr_schema_hash(schema), hash);
    for (uint32_t k = 0; k < insert->conflict_key_count; k++) {
        hash = mr_hash_u64(insert->conflict_keys[k], hash);
    }
    return hash;
}

void mr_plan_hash(mr_pipeline *pipeline) {
    hash_pass p = {.pipeline = pipeline};
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        pipeline->sources[s].hash = hash_source(&pipeline->sources[s]);
    }
    p.columns = MR_NEW_ARRAY(pipeline->arena, uint64_t *, pipeline->plan_count);
    for (uint32_t i = 0; i < pipeline->plan_count; i++) {
        mr_plan *plan = pipeline->plans[i];
        p.columns[i] = MR_NEW_ARRAY(pipeline->arena, uint64_t, plan->schema->count + 1);
        hash_node(&p, plan);
    }
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        pipeline->inserts[i].hash = hash_insert(&p, &pipeline->inserts[i]);
    }
}
