// Batch: construction, narrowing, references.

#include "column/batch.h"

mr_batch mr_batch_new(mr_arena *arena, uint32_t column_count, uint32_t rows) {
    mr_assert(rows <= MR_BATCH_ROWS_MAX);
    return (mr_batch){
        .rows = rows,
        .column_count = column_count,
        .columns = MR_NEW_ARRAY(arena, mr_vector, column_count),
        .sel_count = rows,
    };
}

mr_batch mr_batch_narrow(const mr_batch *in, const uint32_t *sel, uint32_t count) {
    mr_assert(count <= in->sel_count);
    mr_assert(count == 0 || sel[count - 1] < in->rows);
    mr_batch out = *in;
    out.sel = sel;
    out.sel_count = count;
    return out;
}

void mr_batch_ref(const mr_batch *batch) {
    mr_assert(batch->hold != NULL);  // Memory of a caller cannot be kept.
    mr_hold_ref(batch->hold);
}

void mr_batch_unref(const mr_batch *batch) {
    mr_assert(batch->hold != NULL);
    mr_hold_unref(batch->hold);
}
