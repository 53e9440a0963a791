// Batch: construction, narrowing, references.

#include "column/batch.h"

#include <string.h>

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

// ---- rows in another order
// -----------------------------------------------------------------------

static void *take_array(const void *from, size_t width, const uint32_t *rows, uint32_t count,
                        mr_arena *arena) {
    if (from == NULL) {
        return NULL;
    }
    char *to = mr_arena_raw(arena, width * MR_MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        memcpy(to + width * i, (const char *)from + width * rows[i], width);
    }
    return to;
}

static mr_vector take_vector(const mr_vector *in, const uint32_t *rows, uint32_t count,
                             mr_arena *arena) {
    mr_vector out = *in;
    if (in->kind == MR_CONST || in->type.id == MR_NULLTYPE) {
        return out;
    }
    size_t width = in->kind == MR_DICT ? sizeof(uint32_t) : mr_type_bytes(in->type);
    out.data = take_array(in->data, width, rows, count, arena);
    if (in->valid != NULL) {
        out.valid = mr_arena_raw(arena, mr_bits_words(MR_MAX(count, 1u)) * sizeof(uint64_t));
        for (uint32_t i = 0; i < count; i++) {
            mr_bits_put(out.valid, i, mr_bits_get(in->valid, rows[i]));
        }
    }
    return out;
}

mr_batch mr_batch_take(const mr_batch *in, const uint32_t *rows, uint32_t count, mr_arena *arena) {
    mr_assert(count <= MR_BATCH_ROWS_MAX);
    mr_batch out = *in;
    out.rows = out.sel_count = count;
    out.sel = NULL;
    out.columns = mr_arena_raw(arena, MR_MAX(in->column_count, 1u) * sizeof *out.columns);
    for (uint32_t c = 0; c < in->column_count; c++) {
        out.columns[c] = take_vector(&in->columns[c], rows, count, arena);
    }
    out.watermark = take_array(in->watermark, sizeof *in->watermark, rows, count, arena);
    out.change = take_array(in->change, sizeof *in->change, rows, count, arena);
    out.hashes = take_array(in->hashes, sizeof *in->hashes, rows, count, arena);
    if (in->origin != NULL) {
        mr_origin *origin = MR_NEW(arena, mr_origin);
        *origin = *in->origin;
        origin->offsets = take_array(origin->offsets, sizeof(int64_t), rows, count, arena);
        origin->starts = take_array(origin->starts, sizeof(uint32_t), rows, count, arena);
        origin->lengths = take_array(origin->lengths, sizeof(uint32_t), rows, count, arena);
        out.origin = origin;
    }
    return out;
}
