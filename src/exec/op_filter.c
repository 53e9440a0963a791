// Filter: passes on the rows for which a predicate is TRUE; NULL counts as not TRUE.
//
// Why: WHERE, HAVING and CHECK all end here, so it must be cheap. No row is moved: the predicate
// narrows the batch's selection, and later operators read through that selection. A CHECK sends
// rows for which the condition is FALSE to the bad table (NULL passes, as SQL says). State: none.
// Row order: kept.

#include "exec/op.h"

typedef struct op_filter {
    mr_op base;          // First member, so that an mr_op * can be cast to op_filter *.
    mr_eval *predicate;  // Compiled in open; BOOL.
} op_filter;

static mr_code filter_open(mr_op *base, mr_cx *cx) {
    op_filter *op = (op_filter *)base;
    const mr_plan *plan = base->plan;
    MR_TRY(mr_eval_compile(plan->filter.predicate, plan->input->schema, &base->env->eval,
                           &op->predicate, cx));
    mr_assert(mr_eval_type(op->predicate).id == MR_BOOL);  // The binder has already proved it.
    return MR_OK;
}

static mr_code check_push(op_filter *op, const mr_batch *in, mr_cx *cx) {
    mr_eval_failures failures = {0};
    mr_vector holds;
    MR_TRY(mr_eval_vector(op->predicate, in, &holds, &failures, cx));
    mr_batch sound;
    MR_TRY(mr_op_reject(&op->base, in, &failures, &sound, cx));
    mr_eval_failures broken = {.rows = mr_arena_raw(cx->arena, in->rows * sizeof(uint32_t)),
                               .reasons = mr_arena_raw(cx->arena, in->rows * sizeof(char *))};
    for (uint32_t i = 0; i < sound.sel_count; i++) {
        uint32_t row = mr_batch_row(&sound, i);
        if (!mr_vector_is_null(&holds, row) && holds.bools[mr_vector_at(&holds, row)] == 0) {
            broken.rows[broken.count] = row;
            broken.reasons[broken.count++] = op->base.plan->filter.reason;
        }
    }
    mr_batch out;
    MR_TRY(mr_op_reject(&op->base, &sound, &broken, &out, cx));
    return mr_op_emit(&op->base, &out, cx);
}

static mr_code filter_push(mr_op *base, uint32_t port, const mr_batch *in, mr_cx *cx) {
    op_filter *op = (op_filter *)base;
    mr_assert(port == 0);
    if (base->plan->filter.bad) {
        return check_push(op, in, cx);
    }
    uint32_t *kept;
    uint32_t count;
    mr_eval_failures failures = {0};
    MR_TRY(mr_eval_select(op->predicate, in, &kept, &count, &failures, cx));
    mr_batch sound;
    MR_TRY(mr_op_reject(base, in, &failures, &sound, cx));
    if (count == in->sel_count) {
        return mr_op_emit(base, in, cx);
    }
    mr_batch out = mr_batch_narrow(in, kept, count);
    return mr_op_emit(base, &out, cx);
}

static void filter_close(mr_op *base) {
    mr_eval_close(((op_filter *)base)->predicate);
}

const mr_op_type mr_op_filter = {
    .name = "filter",
    .file = __FILE__,
    .size = sizeof(op_filter),
    .open = filter_open,
    .push = filter_push,
    .close = filter_close,
};
