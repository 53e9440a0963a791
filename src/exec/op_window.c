// Window: one row for each window that a row belongs to, with window_start and window_end appended.
//
// Only for queries that look at single rows with their windows; a GROUP BY over windows never makes
// these rows (panes.h). Rows come out window by window, so each output batch shares the input's
// vectors. State: none.

#include "exec/op.h"

#include <string.h>

static mr_code window_push(mr_op *op, uint32_t port, const mr_batch *in, mr_cx *cx) {
    mr_assert(port == 0);
    const mr_window *window = &op->plan->window.window;
    const mr_vector *times = &in->columns[window->time_column];
    uint32_t count = in->column_count;
    int64_t steps = (window->size_us + window->slide_us - 1) / window->slide_us;
    for (int64_t step = 0; step < steps; step++) {
        mr_vector *columns = mr_arena_raw(cx->arena, (count + 2) * sizeof *columns);
        memcpy(columns, in->columns, count * sizeof *columns);
        mr_vector *start = &columns[count];
        mr_vector *end = &columns[count + 1];
        *start = mr_vector_flat(cx->arena, op->plan->schema->columns[count].type, in->rows);
        *end = mr_vector_flat(cx->arena, op->plan->schema->columns[count + 1].type, in->rows);
        uint32_t *kept = mr_arena_raw(cx->arena, in->sel_count * sizeof *kept);
        uint32_t kept_count = 0;
        for (uint32_t i = 0; i < in->sel_count; i++) {
            uint32_t row = mr_batch_row(in, i);
            if (mr_vector_is_null(times, row)) {
                continue;
            }
            int64_t time = times->int64s[mr_vector_at(times, row)];
            int64_t at = (mr_floor_div(time, window->slide_us) - step) * window->slide_us;
            if (time < at + window->size_us) {
                start->int64s[row] = at;
                end->int64s[row] = at + window->size_us;
                kept[kept_count++] = row;
            }
        }
        mr_batch out = mr_batch_narrow(in, kept, kept_count);
        out.columns = columns;
        out.column_count = count + 2;
        MR_TRY(mr_op_emit(op, &out, cx));
    }
    return MR_OK;
}

const mr_op_type mr_op_window = {
    .name = "window",
    .file = __FILE__,
    .size = sizeof(mr_op),
    .push = window_push,
};
