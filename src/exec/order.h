// Order: puts the rows that several workers collected together in the order of their source.
//
// Why: who reads a topic relies on the order of its partition, at least by key, however many
// workers filled it; they take the next chunk of any partition in turn. How: a worker notes which
// of its rows came of which chunk, by the number of the claim; an epoch's rows are merged by that.
// Behind a DISTINCT a chunk's rows are spread over the owners of their keys, so there each row's
// place in its partition is noted too. Memory is the heap's. Threads: the owner's of the rows.

#pragma once

#include "column/rows.h"

typedef struct mr_order_run {
    uint64_t claim;
    uint64_t row_first;  // Up to the next run's, or the end.
} mr_order_run;

typedef struct mr_order {
    bool by_row;
    mr_order_run *runs;
    uint32_t run_count, run_capacity;
    int64_t *places;  // By row; none unless by_row.
    uint64_t place_count, place_capacity;
} mr_order;

// One worker's rows; runs by ascending claims need not be next to each other, but are in order.
typedef struct mr_order_part {
    const mr_rows *rows;
    const mr_order *order;
} mr_order_part;

void mr_order_release(mr_order *order);
void mr_order_clear(mr_order *order);  // Keeps the memory.
// The selected rows of a batch stand in the rows from row_first on.
void mr_order_note(mr_order *order, uint64_t claim, uint64_t row_first, const mr_batch *batch);
// Appends the rows of all parts to out. Parts agree on by_row.
void mr_order_merge(const mr_order_part *parts, uint32_t count, mr_rows *out, mr_arena *scratch);
