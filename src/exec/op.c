// Operator: making, emitting, and setting rows aside; see op.h.

#include "exec/op.h"

#include <string.h>

#include "plat/plat.h"

const mr_op_type *mr_op_find(mr_plan_kind kind) {
    switch (kind) {
#define MR_OP_CASE(kind, type) \
    case MR_PLAN_##kind: return &type;
        MR_OPS(MR_OP_CASE)
#undef MR_OP_CASE
    case MR_PLAN_KIND_COUNT: break;
    }
    mr_check_failed("a plan node has an operator", __FILE__, __LINE__);
}

void mr_op_lap_begin(mr_op_env *env, mr_op_lap *ret, mr_cx *cx) {
    *ret = (mr_op_lap){0};
    if (env->measured) {
        ret->outer_ns = env->nested_ns;
        env->nested_ns = 0;
        ret->began_ns = mr_clock_monotonic_ns(cx->plat);
    }
}

int64_t mr_op_lap_end(mr_op_env *env, const mr_op_lap *lap, mr_cx *cx) {
    if (!env->measured) {
        return 0;
    }
    int64_t total_ns = mr_clock_monotonic_ns(cx->plat) - lap->began_ns;
    int64_t own_ns = total_ns - env->nested_ns;
    env->nested_ns = lap->outer_ns + total_ns;
    return own_ns;
}

static mr_code push_measured(mr_op *op, uint32_t port, const mr_batch *in, mr_cx *cx) {
    mr_op_lap lap;
    mr_op_lap_begin(op->env, &lap, cx);
    mr_code code = op->type->push(op, port, in, cx);
    op->busy_ns += mr_op_lap_end(op->env, &lap, cx);
    return code;
}

static uint32_t source_of(const mr_plan *plan) {
    while (plan->kind != MR_PLAN_SCAN) {
        plan = plan->input;
    }
    return plan->scan.source;
}

mr_code mr_op_new(const mr_plan *plan, mr_op_env *env, mr_op **ret, mr_cx *cx) {
    const mr_op_type *type = mr_op_find(plan->kind);
    mr_op *op = mr_arena_alloc(cx->arena, type->size);
    op->type = type;
    op->push = env->measured ? push_measured : type->push;
    op->plan = plan;
    op->env = env;
    op->source = source_of(plan);
    if (type->open != NULL) {
        MR_TRY(type->open(op, cx));
    }
    *ret = op;
    return MR_OK;
}

void mr_op_close(mr_op *op) {
    if (op->type->close != NULL) {
        op->type->close(op);
    }
}

void mr_op_add_consumer(mr_op *op, mr_op *consumer, mr_arena *arena) {
    mr_op **more = MR_NEW_ARRAY(arena, mr_op *, op->consumer_count + 1);
    if (op->consumer_count > 0) {
        memcpy(more, op->consumers, op->consumer_count * sizeof *more);
    }
    more[op->consumer_count++] = consumer;
    op->consumers = more;
}

mr_code mr_op_emit(mr_op *op, const mr_batch *batch, mr_cx *cx) {
    if (batch->sel_count == 0) {
        return MR_OK;
    }
    op->rows_out += batch->sel_count;
    for (uint32_t c = 0; c < op->consumer_count; c++) {
        mr_op *consumer = op->consumers[c];
        consumer->rows_in += batch->sel_count;
        MR_TRY(consumer->push(consumer, 0, batch, cx));
    }
    return MR_OK;
}

static mr_column bad_columns[] = {
    {"raw", {.id = MR_BYTES}, false},       {"topic", {.id = MR_TEXT}, false},
    {"partition", {.id = MR_INT32}, false}, {"offset", {.id = MR_INT64}, false},
    {"reason", {.id = MR_TEXT}, false},
};
const mr_schema mr_op_bad_schema = {bad_columns, MR_COUNT(bad_columns)};

static const mr_column late_columns[] = {
    {"_watermark", {.id = MR_TIMESTAMPTZ}, false},
    {"_lateness_ms", {.id = MR_INT64}, false},  // How far behind the watermark the event time was.
    {"_reason", {.id = MR_TEXT}, false},        // "late", or "future".
    {"_windows", {.id = MR_TEXT}, false},       // Starts of the windows that it missed.
    {"_query", {.id = MR_TEXT}, false},
    {"_topic", {.id = MR_TEXT}, false},
    {"_partition", {.id = MR_INT32}, false},
    {"_offset", {.id = MR_INT64}, false},
    {"_raw", {.id = MR_BYTES}, false},  // The record as it came, for `millrace replay`.
};

mr_schema mr_op_late_schema(const mr_schema *source, mr_arena *arena) {
    uint32_t count = source->count + (uint32_t)MR_COUNT(late_columns);
    mr_column *columns = MR_NEW_ARRAY(arena, mr_column, count);
    memcpy(columns, source->columns, source->count * sizeof *columns);
    memcpy(columns + source->count, late_columns, sizeof late_columns);
    return (mr_schema){columns, count};
}

// A vector of one value; NULL where there is none.
static mr_vector constant(mr_type_id type, const void *value) {
    static const uint64_t zeros[4] = {0};  // As value and as validity.
    mr_vector v = {.type = MR_TYPE(type), .kind = MR_CONST};
    v.data = (void *)(value == NULL ? zeros : value);
    v.valid = value == NULL ? (uint64_t *)zeros : NULL;
    return v;
}

static mr_vector constant_text(mr_str *text, const char *value) {
    *text = (mr_str){.data = value, .bytes = value == NULL ? 0 : (uint32_t)strlen(value)};
    return constant(MR_TEXT, value == NULL ? NULL : text);
}

void mr_op_put_bad(mr_rows *bad, const mr_origin *origin, uint32_t row, const char *reason) {
    mr_str raw = {0};
    mr_str texts[2];
    if (origin != NULL) {
        raw = (mr_str){.data = origin->base + origin->starts[row], .bytes = origin->lengths[row]};
    }
    bool known = origin != NULL;
    mr_vector columns[] = {constant(MR_BYTES, known ? &raw : NULL),
                           constant_text(&texts[0], known ? origin->topic : NULL),
                           constant(MR_INT32, known ? &origin->partition : NULL),
                           constant(MR_INT64, known ? &origin->offsets[row] : NULL),
                           constant_text(&texts[1], reason)};
    mr_batch one = {.rows = 1, .column_count = 5, .columns = columns, .sel_count = 1};
    mr_rows_append(bad, &one);
}

void mr_op_put_late(mr_rows *late, const mr_batch *in, uint32_t row, const mr_op_late_why *why,
                    mr_arena *arena) {
    uint32_t count = late->schema->count;
    mr_assert(in->column_count + MR_COUNT(late_columns) == count);
    mr_vector *columns = mr_arena_raw(arena, count * sizeof *columns);
    memcpy(columns, in->columns, in->column_count * sizeof *columns);
    const mr_origin *origin = in->origin;
    mr_str texts[4];
    mr_str raw = {.data = origin->base + origin->starts[row], .bytes = origin->lengths[row]};
    mr_vector *extra = columns + in->column_count;
    extra[0] = constant(MR_TIMESTAMPTZ, why->watermark_us);
    extra[1] = constant(MR_INT64, why->lateness_ms);
    extra[2] = constant_text(&texts[0], why->reason);
    extra[3] = constant_text(&texts[1], why->windows);
    extra[4] = constant_text(&texts[2], why->query);
    extra[5] = constant_text(&texts[3], origin->topic);
    extra[6] = constant(MR_INT32, &origin->partition);
    extra[7] = constant(MR_INT64, &origin->offsets[row]);
    extra[8] = constant(MR_BYTES, &raw);
    mr_batch out = {
        .rows = in->rows, .column_count = count, .columns = columns, .sel_count = in->rows};
    mr_rows_append_row(late, &out, row);
}

mr_code mr_op_reject(mr_op *op, const mr_batch *in, const mr_eval_failures *failures, mr_batch *ret,
                     mr_cx *cx) {
    if (failures->count == 0) {
        *ret = *in;
        return MR_OK;
    }
    mr_rows *bad = &op->env->asides[op->source].bad;
    uint32_t *kept = mr_arena_raw(cx->arena, in->sel_count * sizeof *kept);
    uint32_t count = 0;
    uint32_t next = 0;  // Failures are in row order, as the selection is.
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        if (next < failures->count && failures->rows[next] == row) {
            mr_op_put_bad(bad, in->origin, row, failures->reasons[next++]);
        } else {
            kept[count++] = row;
        }
    }
    mr_assert(next == failures->count);
    *ret = mr_batch_narrow(in, kept, count);
    return MR_OK;
}
