// Scan: the entrance of a source's rows; the driver pushes decoded batches in, with their
// watermarks.
//
// State: none.

#include "exec/op.h"

static mr_code scan_push(mr_op *op, uint32_t port, const mr_batch *in, mr_cx *cx) {
    mr_assert(port == 0 && in->column_count == op->plan->schema->count);
    return mr_op_emit(op, in, cx);
}

const mr_op_type mr_op_scan = {
    .name = "scan",
    .file = __FILE__,
    .size = sizeof(mr_op),
    .push = scan_push,
};
