// Order: see order.h.

#include "exec/order.h"

#include <stdlib.h>

void mr_order_release(mr_order *order) {
    mr_heap_free(order->runs);
    mr_heap_free(order->places);
    *order = (mr_order){.by_row = order->by_row};
}

void mr_order_clear(mr_order *order) {
    order->run_count = 0;
    order->place_count = 0;
}

static void note_places(mr_order *order, const mr_batch *batch) {
    uint64_t need = order->place_count + batch->sel_count;
    if (need > order->place_capacity) {
        order->place_capacity = MR_MAX(need, order->place_capacity * 2);
        order->places =
            mr_heap_resize(order->places, order->place_capacity * sizeof(*order->places));
    }
    for (uint32_t i = 0; i < batch->sel_count; i++) {
        order->places[order->place_count++] =
            batch->origin == NULL ? 0 : batch->origin->offsets[mr_batch_row(batch, i)];
    }
}

void mr_order_note(mr_order *order, uint64_t claim, uint64_t row_first, const mr_batch *batch) {
    if (batch->sel_count == 0) {
        return;
    }
    if (order->by_row) {
        mr_assert(order->place_count == row_first);
        note_places(order, batch);
    }
    if (order->run_count > 0 && order->runs[order->run_count - 1].claim == claim) {
        return;
    }
    if (order->run_count == order->run_capacity) {
        order->run_capacity = MR_MAX(order->run_capacity * 2, 16u);
        order->runs = mr_heap_resize(order->runs, order->run_capacity * sizeof(*order->runs));
    }
    order->runs[order->run_count++] = (mr_order_run){claim, row_first};
}

// ---- merging ---------------------------------------------------------------------------------

// A run of one part, as far as it was not appended yet.
typedef struct piece {
    uint64_t claim;
    const mr_order_part *part;
    uint64_t first;
    uint64_t end;
} piece;

static int compare_pieces(const void *a, const void *b) {
    const piece *left = a, *right = b;
    if (left->claim != right->claim) {
        return left->claim < right->claim ? -1 : 1;
    }
    return (left->part > right->part) - (left->part < right->part);
}

static uint32_t pieces_make(const mr_order_part *parts, uint32_t count, piece *ret) {
    uint32_t made = 0;
    for (uint32_t p = 0; p < count; p++) {
        const mr_order *order = parts[p].order;
        for (uint32_t r = 0; r < order->run_count; r++) {
            uint64_t end =
                r + 1 < order->run_count ? order->runs[r + 1].row_first : parts[p].rows->row_count;
            ret[made++] = (piece){order->runs[r].claim, &parts[p], order->runs[r].row_first, end};
        }
    }
    qsort(ret, made, sizeof(*ret), compare_pieces);
    return made;
}

// The piece whose next row stands first in the partition; NULL when none has a row.
static piece *next_of(piece *pieces, uint32_t count) {
    piece *least = NULL;
    for (uint32_t i = 0; i < count; i++) {
        piece *one = &pieces[i];
        if (one->first < one->end &&
            (least == NULL ||
             one->part->order->places[one->first] < least->part->order->places[least->first])) {
            least = one;
        }
    }
    return least;
}

// One chunk's rows, from several owners: as many at a time as a batch takes. What each owner gives
// to a batch stands together in it, and `sel` brings all of it in order.
static void merge_chunk(piece *pieces, uint32_t count, mr_rows *step, mr_rows *out,
                        mr_arena *scratch) {
    uint64_t *begin = MR_NEW_ARRAY(scratch, uint64_t, count);
    uint32_t *at = MR_NEW_ARRAY(scratch, uint32_t, count);
    piece **from = MR_NEW_ARRAY(scratch, piece *, MR_BATCH_ROWS_MAX);
    uint32_t *sel = MR_NEW_ARRAY(scratch, uint32_t, MR_BATCH_ROWS_MAX);
    for (;;) {
        for (uint32_t i = 0; i < count; i++) {
            begin[i] = pieces[i].first;
        }
        uint32_t rows = 0;
        for (piece *one; rows < MR_BATCH_ROWS_MAX && (one = next_of(pieces, count)) != NULL;) {
            one->first++;
            from[rows++] = one;
        }
        if (rows == 0) {
            return;
        }
        mr_rows_clear(step);
        for (uint32_t i = 0; i < count; i++) {
            at[i] = (uint32_t)step->row_count;
            mr_rows_append_range(step, pieces[i].part->rows, begin[i], pieces[i].first - begin[i]);
        }
        for (uint32_t r = 0; r < rows; r++) {
            sel[r] = at[from[r] - pieces]++;
        }
        mr_batch batch;
        mr_rows_batch(step, 0, rows, scratch, &batch);
        batch.sel = sel;
        mr_rows_append(out, &batch);
    }
}

void mr_order_merge(const mr_order_part *parts, uint32_t count, mr_rows *out, mr_arena *scratch) {
    uint32_t most = 0;
    for (uint32_t p = 0; p < count; p++) {
        most += parts[p].order->run_count;
    }
    piece *pieces = MR_NEW_ARRAY(scratch, piece, most);
    uint32_t made = pieces_make(parts, count, pieces);
    mr_rows step;
    mr_rows_init(&step, out->schema);
    for (uint32_t i = 0, next; i < made; i = next) {
        for (next = i + 1; next < made && pieces[next].claim == pieces[i].claim;) {
            next++;
        }
        if (next - i > 1 && pieces[i].part->order->by_row) {
            mr_arena chunk;
            mr_arena_init(&chunk);
            merge_chunk(pieces + i, next - i, &step, out, &chunk);
            mr_arena_release(&chunk);
            continue;
        }
        for (uint32_t p = i; p < next; p++) {
            mr_rows_append_range(out, pieces[p].part->rows, pieces[p].first,
                                 pieces[p].end - pieces[p].first);
        }
    }
    mr_rows_release(&step);
}
