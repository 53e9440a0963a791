// Late: the one lateness test of a query, before its first stateful operator.
//
// A row is late when every window it belongs to is closed for the row's own watermark (greatest
// event time of earlier rows of its partition - delay) and allowed_lateness: then it goes to the
// source's late table only. A row that missed some of its windows counts in the others, and is
// listed with the missed ones. Without windows (DISTINCT over the event time) late means behind the
// watermark. State: none; the decision is a property of the data, the same for any batch size and
// number of workers.

#include "exec/op.h"

typedef struct late_row {
    uint32_t row;
    int64_t time_us;
    int64_t watermark_us;
    int64_t missed_from;  // First and one past the last of the missed windows' starts.
    int64_t missed_to;
} late_row;

// Lists a row in the late table: its columns and why.
static void late_put(mr_op *op, const mr_batch *in, const late_row *late, mr_cx *cx) {
    const mr_window *window = &op->plan->late.window;
    mr_text windows;
    mr_text_init(&windows, cx->arena);
    for (int64_t start = late->missed_from; start < late->missed_to; start += window->slide_us) {
        mr_text_add(&windows, windows.bytes > 0 ? ", " : "");
        mr_civil_print_iso(&windows, start);
    }
    int64_t lateness_ms = (late->watermark_us - late->time_us) / 1000;
    mr_op_late_why why = {.reason = "late",
                          .windows = mr_text_string(&windows),
                          .query = op->plan->late.query,
                          .watermark_us = &late->watermark_us,
                          .lateness_ms = &lateness_ms};
    mr_op_put_late(&op->env->asides[op->source].late, in, late->row, &why, cx->arena);
}

// True when the row is late for all its windows; what it missed is in *late.
static bool late_test(const mr_plan *plan, late_row *late) {
    const mr_window *window = &plan->late.window;
    int64_t closed_end = late->watermark_us - plan->late.allowed_lateness_us;
    if (window->kind == MR_WINDOW_NONE) {
        late->missed_from = late->missed_to = 0;
        return late->time_us < closed_end;
    }
    int64_t slide = window->slide_us;
    int64_t last = mr_floor_div(late->time_us, slide) * slide;
    int64_t first = mr_floor_div(late->time_us - window->size_us, slide) * slide + slide;
    int64_t open = mr_floor_div(closed_end - window->size_us, slide) * slide + slide;
    late->missed_from = first;
    late->missed_to = MR_MIN(MR_MAX(open, first), last + slide);
    return open > last;
}

static mr_code late_push(mr_op *op, uint32_t port, const mr_batch *in, mr_cx *cx) {
    mr_assert(port == 0 && in->watermark != NULL && in->origin != NULL);
    const mr_plan *plan = op->plan;
    const mr_vector *times = &in->columns[plan->event_time];
    uint32_t *kept = NULL;  // Made when the first late row is met.
    uint32_t count = 0;
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        int64_t watermark = in->watermark[row];
        int64_t time = times->int64s[mr_vector_at(times, row)];
        // A row not behind its watermark is on time for every window: each ends after the row's
        // time.
        bool on_time = watermark == INT64_MIN || time >= watermark - plan->late.allowed_lateness_us;
        if (MR_UNLIKELY(!on_time)) {
            late_row late = {.row = row, .time_us = time, .watermark_us = watermark};
            bool all = late_test(plan, &late);
            if (all || late.missed_from < late.missed_to) {
                late_put(op, in, &late, cx);
            }
            if (all && kept == NULL) {
                kept = mr_arena_raw(cx->arena, in->sel_count * sizeof *kept);
                for (; count < i; count++) {
                    kept[count] = mr_batch_row(in, count);
                }
            }
            if (all) {
                continue;
            }
        }
        if (kept != NULL) {
            kept[count++] = row;
        }
    }
    if (kept == NULL) {
        return mr_op_emit(op, in, cx);
    }
    mr_batch out = mr_batch_narrow(in, kept, count);
    return mr_op_emit(op, &out, cx);
}

const mr_op_type mr_op_late = {
    .name = "late",
    .file = __FILE__,
    .size = sizeof(mr_op),
    .push = late_push,
};
