// Batch: rows as columns, at most MR_BATCH_ROWS_MAX, with a selection and hidden columns.
//
// A batch is borrowed during a call. To keep it longer, mr_batch_ref it: it shares one `hold`, the
// refcounted memory of the source chunk it came from. The batch is the only
// refcounted thing in exec.
//
//   columns[c]  vectors of `rows` values        sel  the rows that count, ascending (NULL = all)
//   watermark   per row: greatest event time of earlier rows of its partition - delay
//               (microseconds; INT64_MIN = none yet). NULL behind an aggregate.
//   change      per row: +1 insert, -1 retract. NULL = all inserts (the only case at present).
//   origin      where rows came from, for bad and late tables. NULL behind an aggregate.

#pragma once

#include "column/vector.h"

#define MR_BATCH_ROWS_MAX 2048

// Refcounted memory of one source chunk: its bytes, its vectors, its dictionaries.
typedef struct mr_hold {
    atomic_uint refs;
    mr_arena arena;       // Vectors and unescaped strings; owner thread only.
    char *buffer;         // Input bytes, padded by MR_HOLD_PADDING readable bytes.
    size_t buffer_bytes;  // Capacity without padding.
    mr_dict **dicts;      // Referenced dictionaries, unref'd with the hold.
    uint32_t dict_count;
    uint32_t dict_capacity;
    void (*recycle)(struct mr_hold *, void *);  // When refs reach 0; NULL = free. Any thread.
    void *recycle_arg;
} mr_hold;

#define MR_HOLD_PADDING 64

typedef struct mr_origin {
    const char *topic;         // Topic or file path.
    int32_t partition;         // Kafka partition, or file number.
    uint32_t partition_index;  // Dense index among the source's partitions.
    const int64_t *offsets;    // Per row: Kafka offset, or byte offset of the line.
    const char *base;          // Raw record of a row: base + starts[row], lengths[row] bytes.
    const uint32_t *starts;
    const uint32_t *lengths;
} mr_origin;

typedef struct mr_batch {
    uint32_t rows;
    uint32_t column_count;
    mr_vector *columns;
    const uint32_t *sel;
    uint32_t sel_count;  // Rows that count: rows when sel is NULL.
    const int64_t *watermark;
    const int8_t *change;
    // Per row: of the keys of the keyed operator it is on its way to, or NULL.
    const mr_hash128 *hashes;
    const mr_origin *origin;
    mr_hold *hold;  // NULL: memory is the caller's, the batch cannot be kept.
} mr_batch;

// A hold with refs 1; buffer of at least buffer_bytes (+ padding, zeroed behind).
mr_hold *mr_hold_new(size_t buffer_bytes);
void mr_hold_ref(mr_hold *hold);
void mr_hold_unref(mr_hold *hold);
void mr_hold_reset(mr_hold *hold, size_t buffer_bytes);  // For reuse by its owner: refs = 1 again.
void mr_hold_add_dict(mr_hold *hold, mr_dict *dict);     // Takes a reference, once per dict.

// A batch without columns data for a schema, vectors zeroed, all rows selected; memory from arena.
mr_batch mr_batch_new(mr_arena *arena, uint32_t column_count, uint32_t rows);
// The same columns seen through another selection (count rows, ascending, memory of the caller).
mr_batch mr_batch_narrow(const mr_batch *in, const uint32_t *sel, uint32_t count);
// Rows of a batch in any order and number, side by side in new vectors (strings are views into the
// old ones); memory from arena, the hold is shared. count <= MR_BATCH_ROWS_MAX
mr_batch mr_batch_take(const mr_batch *in, const uint32_t *rows, uint32_t count, mr_arena *arena);
void mr_batch_ref(const mr_batch *batch);
void mr_batch_unref(const mr_batch *batch);
static inline uint32_t mr_batch_row(const mr_batch *b, uint32_t i) {
    return b->sel ? b->sel[i] : i;
}
