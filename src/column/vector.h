// Vector: one column of a batch.
//
// Three kinds. FLAT: one value a row. CONST: values[0] for every row. DICT (TEXT only): codes[row]
// into an append-only dictionary, so that string work is done once a distinct value.
// Validity: `valid` NULL = no NULLs; else bit row set = not NULL (CONST: bit 0). The value behind a
// NULL is unspecified but readable (a code within capacity, an mr_str whose bytes are readable).
// Memory: borrowed; it lives in the arena or hold of whoever made the batch.

#pragma once

#include "base/bits.h"
#include "base/civil.h"
#include "base/hash.h"
#include "column/type.h"

// A string value: a view. Bytes need not be NUL-terminated.
typedef struct mr_str {
    const char *data;
    uint32_t bytes;
    uint32_t unused;  // Zero, so that values can be compared and hashed as memory of a struct.
} mr_str;
_Static_assert(sizeof(mr_str) == 16, "mr_str is two words");

#define MR_DICT_CAPACITY 4096

// Append-only. Only its owner adds; any thread may read values below a count it was handed through
// a batch (hand-over orders memory). Values never move. Freed when the last reference is dropped.
typedef struct mr_dict {
    atomic_uint refs;
    uint32_t count;   // Owner's; others use what their batch says.
    uint64_t id;      // Unique in the process, for memo tables keyed by dictionary.
    mr_arena arena;   // Bytes of the values.
    uint32_t *slots;  // Owner's hash table: code + 1.
    mr_str values[MR_DICT_CAPACITY];
} mr_dict;

typedef enum mr_vector_kind { MR_FLAT, MR_CONST, MR_DICT } mr_vector_kind;

typedef struct mr_vector {
    mr_type type;
    mr_vector_kind kind;
    uint64_t *valid;
    union {
        void *data;
        uint8_t *bools;
        int16_t *int16s;
        int32_t *int32s;  // INT32, DATE
        int64_t *int64s;  // INT64, TIME, TIMESTAMP, TIMESTAMPTZ
        mr_int128 *numerics;
        float *float32s;
        double *float64s;
        mr_str *strs;  // TEXT, BYTES, JSON, LIST, STRUCT
        mr_uuid *uuids;
        mr_interval *intervals;
        uint32_t *codes;  // DICT
    };
    mr_dict *dict;  // DICT only; kept alive by the batch's hold.
} mr_vector;

mr_dict *mr_dict_new(void);  // refs = 1
void mr_dict_ref(mr_dict *dict);
void mr_dict_unref(mr_dict *dict);
// The code of a value, added when new (bytes are copied). False when the dictionary is full.
bool mr_dict_code(mr_dict *dict, mr_str value, uint32_t *ret_code);

// A flat vector of rows values in arena: data not zeroed; valid NULL.
mr_vector mr_vector_flat(mr_arena *arena, mr_type type, uint32_t rows);
// Gives the vector its own all-valid map (copying the present one) so that NULLs can be marked.
uint64_t *mr_vector_own_valid(mr_vector *vector, mr_arena *arena, uint32_t rows);
// A constant NULL of a type.
mr_vector mr_vector_null(mr_arena *arena, mr_type type);

static inline bool mr_vector_is_null(const mr_vector *v, uint32_t row) {
    return v->valid != NULL && !mr_bits_get(v->valid, v->kind == MR_CONST ? 0 : row);
}
// Index of a row's value in the data array (not for DICT).
static inline uint32_t mr_vector_at(const mr_vector *v, uint32_t row) {
    return v->kind == MR_CONST ? 0 : row;
}
static inline mr_str mr_vector_str(const mr_vector *v, uint32_t row) {
    return v->kind == MR_DICT ? v->dict->values[v->codes[row]] : v->strs[mr_vector_at(v, row)];
}
// Adds each selected row's hash of this column into hashes[row] (mixes with what is there, so that
// columns chain); NULL has a hash of its own; -0.0 hashes as 0.0 and all NaN alike. Equal values of
// equal type hash alike in every kind of vector. sel NULL = rows 0 .. count-1.
void mr_vector_hash(const mr_vector *vector, const uint32_t *sel, uint32_t count, uint64_t seed,
                    uint64_t *hashes);
// True when both values are equal or both NULL (NaN equals NaN).
bool mr_vector_same(const mr_vector *a, uint32_t row_a, const mr_vector *b, uint32_t row_b);
// One value as DuckDB prints it in CSV ("" for NULL is up to the caller). zone: for timestamptz.
void mr_vector_print(const mr_vector *vector, uint32_t row, const mr_zone *zone, mr_text *out);
