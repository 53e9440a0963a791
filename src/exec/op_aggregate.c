// Aggregate: a worker's part of a GROUP BY in the running epoch.
//
// Two-phase: rows are added to panes of the worker's own, which stay small and in the cache; at the
// epoch's end the driver merges the workers' panes into the operator's state, writes them into the
// commit record, and emits what is due. So few or skewed groups idle no core, and replay is merging
// again. State: panes of one epoch.

#include "exec/op.h"

typedef struct op_aggregate {
    mr_op base;
    mr_panes panes;
} op_aggregate;

static mr_code aggregate_open(mr_op *base, mr_cx *cx) {
    return mr_panes_init(&((op_aggregate *)base)->panes, base->plan, base->env->seed, cx);
}

static mr_code aggregate_push(mr_op *base, uint32_t port, const mr_batch *in, mr_cx *cx) {
    mr_assert(port == 0);
    return mr_panes_update(&((op_aggregate *)base)->panes, in, cx);
}

static void aggregate_close(mr_op *base) {
    mr_panes_release(&((op_aggregate *)base)->panes);
}

mr_panes *mr_op_aggregate_panes(mr_op *base) {
    mr_assert(base->type == &mr_op_aggregate);
    return &((op_aggregate *)base)->panes;
}

const mr_op_type mr_op_aggregate = {
    .name = "aggregate",
    .file = __FILE__,
    .size = sizeof(op_aggregate),
    .open = aggregate_open,
    .push = aggregate_push,
    .close = aggregate_close,
};
