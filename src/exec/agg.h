// Aggregate: a mergeable state of fixed size, one row of a table a function.
//
// Life of a state: init, then update from rows (many states at once: states[group of row]), merge
// of another state of the same call (associative and commutative, so workers and epochs may be
// merged in any order), result. `save` and `load` are its form in the commit record; release frees
// what a state holds outside its fixed bytes (HyperLogLog registers, the bytes of a text). States
// are aligned to 8; a zeroed state is an inited one. The order of two updates of one group never
// matters beyond the last bits of a double.

#pragma once

#include "column/batch.h"
#include "column/rows.h"
#include "sql/plan.h"

// What a call reads of a batch.
typedef struct mr_agg_input {
    const mr_agg_call *call;
    const mr_vector *value;          // NULL: count(*).
    const mr_vector *second;         // NULL: none.
    const mr_vector *const *orders;  // call->order_count of them.
    const mr_origin *origin;         // Where rows came from; NULL behind an aggregate.
} mr_agg_input;

typedef struct mr_agg {
    const char *name;
    const char *file;
    uint32_t state_bytes;  // Multiple of 8.
    void (*init)(void *state);
    // For i in 0 .. count-1: row rows[i] of the input (row i when rows is NULL) goes to
    // bases[i] + offset. NULL values are skipped here.
    mr_code (*update)(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                      const uint32_t *rows, uint32_t count, mr_cx *cx);
    mr_code (*merge)(void *into, const void *from, mr_cx *cx);
    // Writes the result as row `row` of a flat vector of the call's type. A NULL result clears the
    // row's bit, so out->valid must be the vector's own map (mr_vector_own_valid). Text is copied
    // into cx->arena. errors MR_E_VALUE when a sum does not fit its type.
    mr_code (*result)(const void *state, const mr_agg_call *call, mr_vector *out, uint32_t row,
                      mr_cx *cx);
    void (*save)(const void *state, mr_text *out);
    // Reads what save wrote from *in (advanced) into an inited state.  errors MR_E_CORRUPT
    mr_code (*load)(void *state, mr_span *in, mr_cx *cx);
    void (*release)(void *state);              // NULL when a state holds nothing else.
    size_t (*extra_bytes)(const void *state);  // Heap behind the state, for budgets; NULL = 0.
} mr_agg;

// The implementation of a call; by its function, its argument's type, and whether it is DISTINCT.
const mr_agg *mr_agg_find(const mr_agg_call *call);
