// Vector: construction, hashing, equality. Printing is in vector_print.c.
//
// How hashing works: every value becomes 64 bits (an integer itself, a string its XXH3 hash), which
// are mixed with what the row's hash holds. One loop per type, without a branch on validity where
// there are no NULLs. Key groups are made from these hashes: they must not change between versions.

#include "column/vector.h"

#include <string.h>

#include "column/interval.h"

mr_vector mr_vector_flat(mr_arena *arena, mr_type type, uint32_t rows) {
    void *data = mr_arena_raw(arena, mr_type_bytes(type) * rows);
    return (mr_vector){.type = type, .kind = MR_FLAT, .data = data};
}

uint64_t *mr_vector_own_valid(mr_vector *vector, mr_arena *arena, uint32_t rows) {
    size_t count = vector->kind == MR_CONST ? 1 : rows;
    size_t words = mr_bits_words(count);
    uint64_t *valid = mr_arena_raw(arena, words * sizeof(uint64_t));
    if (vector->valid == NULL) {
        mr_bits_fill(valid, count);
    } else if (words > 0) {
        memcpy(valid, vector->valid, words * sizeof(uint64_t));
    }
    vector->valid = valid;
    return valid;
}

mr_vector mr_vector_null(mr_arena *arena, mr_type type) {
    mr_vector ret = {.type = type, .kind = MR_CONST};
    ret.data = mr_arena_alloc(arena, mr_type_bytes(type));
    if (mr_type_is_string(type)) {
        ret.strs[0].data = "";
    }
    ret.valid = mr_arena_alloc(arena, sizeof(uint64_t));
    return ret;
}

// ---- hashing -----------------------------------------------------------------------------------

#define HASH_NULL 0x4E554C4C4E554C4Cu

static inline uint64_t hash_mix(uint64_t bits, uint64_t hash, uint64_t seed) {
    return mr_hash_u64(bits, hash + seed);
}

static inline uint64_t hash_mix_null(uint64_t hash, uint64_t seed) {
    return mr_hash_u64(HASH_NULL, ~(hash + seed));
}

static inline uint64_t hash_double(double value) {
    if (value == 0) {
        return 0;
    }
    if (value != value) {
        return 0x7FF8000000000000u;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline uint64_t hash_str(mr_str value, uint64_t seed) {
    return mr_hash_bytes(value.data, value.bytes, seed);
}

static inline uint64_t hash_numeric(mr_int128 value, uint64_t seed) {
    return mr_hash_u64((uint64_t)value, mr_hash_u64((uint64_t)(value >> 64), seed));
}

// By its length, as it is compared.
static inline uint64_t hash_interval(mr_interval value, uint64_t seed) {
    return hash_numeric(mr_interval_length_us(value), seed);
}

static inline uint64_t hash_uuid(mr_uuid value, uint64_t seed) {
    return mr_hash_u64(value.low, mr_hash_u64(value.high, seed));
}

// A loop per type; BITS is an expression of `data`, `row` and `seed`.
#define HASH_LOOPS(name, ctype, BITS)                                                          \
    static void hash_##name(const mr_vector *v, const uint32_t *sel, uint32_t count,           \
                            uint64_t seed, uint64_t *hashes) {                                 \
        const ctype *data = v->data;                                                           \
        if (v->valid == NULL && sel == NULL) {                                                 \
            for (uint32_t row = 0; row < count; row++) {                                       \
                hashes[row] = hash_mix((BITS), hashes[row], seed);                             \
            }                                                                                  \
        } else if (v->valid == NULL) {                                                         \
            for (uint32_t i = 0; i < count; i++) {                                             \
                uint32_t row = sel[i];                                                         \
                hashes[row] = hash_mix((BITS), hashes[row], seed);                             \
            }                                                                                  \
        } else {                                                                               \
            for (uint32_t i = 0; i < count; i++) {                                             \
                uint32_t row = sel != NULL ? sel[i] : i;                                       \
                hashes[row] = mr_bits_get(v->valid, row) ? hash_mix((BITS), hashes[row], seed) \
                                                         : hash_mix_null(hashes[row], seed);   \
            }                                                                                  \
        }                                                                                      \
    }

HASH_LOOPS(bools, uint8_t, (uint64_t)data[row])
HASH_LOOPS(int16s, int16_t, (uint64_t)(int64_t)data[row])
HASH_LOOPS(int32s, int32_t, (uint64_t)(int64_t)data[row])
HASH_LOOPS(int64s, int64_t, (uint64_t)data[row])
HASH_LOOPS(numerics, mr_int128, hash_numeric(data[row], seed))
HASH_LOOPS(uuids, mr_uuid, hash_uuid(data[row], seed))
HASH_LOOPS(float32s, float, hash_double((double)data[row]))
HASH_LOOPS(float64s, double, hash_double(data[row]))
HASH_LOOPS(strs, mr_str, hash_str(data[row], seed))
HASH_LOOPS(intervals, mr_interval, hash_interval(data[row], seed))

// Every code that occurs is hashed once a call. The dictionary's count belongs to its owner's
// thread, so the cache is filled as codes come by.
static void hash_dict(const mr_vector *v, const uint32_t *sel, uint32_t count, uint64_t seed,
                      uint64_t *hashes) {
    uint64_t known[MR_DICT_CAPACITY / 64] = {0};
    uint64_t cache[MR_DICT_CAPACITY];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = sel != NULL ? sel[i] : i;
        if (v->valid != NULL && !mr_bits_get(v->valid, row)) {
            hashes[row] = hash_mix_null(hashes[row], seed);
            continue;
        }
        uint32_t code = v->codes[row];
        if (!mr_bits_get(known, code)) {
            cache[code] = hash_str(v->dict->values[code], seed);
            mr_bits_set(known, code);
        }
        hashes[row] = hash_mix(cache[code], hashes[row], seed);
    }
}

static uint64_t hash_const_bits(const mr_vector *v, uint64_t seed) {
    switch (v->type.id) {
    case MR_BOOL: return v->bools[0];
    case MR_INT16: return (uint64_t)(int64_t)v->int16s[0];
    case MR_INT32:
    case MR_DATE: return (uint64_t)(int64_t)v->int32s[0];
    case MR_INT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: return (uint64_t)v->int64s[0];
    case MR_NUMERIC: return hash_numeric(v->numerics[0], seed);
    case MR_UUID: return hash_uuid(v->uuids[0], seed);
    case MR_FLOAT32: return hash_double((double)v->float32s[0]);
    case MR_FLOAT64: return hash_double(v->float64s[0]);
    case MR_TEXT:
    case MR_BYTES:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT: return hash_str(v->strs[0], seed);
    case MR_INTERVAL: return hash_interval(v->intervals[0], seed);
    case MR_NULLTYPE:
    case MR_TYPE_COUNT: break;
    }
    return HASH_NULL;
}

static void hash_const(const mr_vector *v, const uint32_t *sel, uint32_t count, uint64_t seed,
                       uint64_t *hashes) {
    bool null = mr_vector_is_null(v, /* row= */ 0) || v->type.id == MR_NULLTYPE;
    uint64_t bits = null ? 0 : hash_const_bits(v, seed);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = sel != NULL ? sel[i] : i;
        hashes[row] = null ? hash_mix_null(hashes[row], seed) : hash_mix(bits, hashes[row], seed);
    }
}

void mr_vector_hash(const mr_vector *vector, const uint32_t *sel, uint32_t count, uint64_t seed,
                    uint64_t *hashes) {
    if (vector->kind == MR_CONST || vector->type.id == MR_NULLTYPE) {
        hash_const(vector, sel, count, seed, hashes);
        return;
    }
    if (vector->kind == MR_DICT) {
        hash_dict(vector, sel, count, seed, hashes);
        return;
    }
    switch (vector->type.id) {
    case MR_BOOL: hash_bools(vector, sel, count, seed, hashes); break;
    case MR_INT16: hash_int16s(vector, sel, count, seed, hashes); break;
    case MR_INT32:
    case MR_DATE: hash_int32s(vector, sel, count, seed, hashes); break;
    case MR_INT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: hash_int64s(vector, sel, count, seed, hashes); break;
    case MR_NUMERIC: hash_numerics(vector, sel, count, seed, hashes); break;
    case MR_UUID: hash_uuids(vector, sel, count, seed, hashes); break;
    case MR_FLOAT32: hash_float32s(vector, sel, count, seed, hashes); break;
    case MR_FLOAT64: hash_float64s(vector, sel, count, seed, hashes); break;
    case MR_TEXT:
    case MR_BYTES:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT: hash_strs(vector, sel, count, seed, hashes); break;
    case MR_INTERVAL: hash_intervals(vector, sel, count, seed, hashes); break;
    case MR_NULLTYPE:
    case MR_TYPE_COUNT: mr_assert(false); break;
    }
}

// ---- equality ----------------------------------------------------------------------------------

static bool same_value(const mr_vector *a, uint32_t i, const mr_vector *b, uint32_t k) {
    switch (a->type.id) {
    case MR_BOOL: return a->bools[i] == b->bools[k];
    case MR_INT16: return a->int16s[i] == b->int16s[k];
    case MR_INT32:
    case MR_DATE: return a->int32s[i] == b->int32s[k];
    case MR_INT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: return a->int64s[i] == b->int64s[k];
    case MR_NUMERIC: return a->numerics[i] == b->numerics[k];
    case MR_UUID: return memcmp(&a->uuids[i], &b->uuids[k], sizeof(mr_uuid)) == 0;
    case MR_FLOAT32:
        return hash_double((double)a->float32s[i]) == hash_double((double)b->float32s[k]);
    case MR_FLOAT64: return hash_double(a->float64s[i]) == hash_double(b->float64s[k]);
    case MR_INTERVAL: return mr_interval_compare(a->intervals[i], b->intervals[k]) == 0;
    case MR_TEXT:
    case MR_BYTES:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT:
    case MR_NULLTYPE:
    case MR_TYPE_COUNT: break;
    }
    mr_assert(false);
    return false;
}

bool mr_vector_same(const mr_vector *a, uint32_t row_a, const mr_vector *b, uint32_t row_b) {
    mr_assert(a->type.id == b->type.id);
    bool null_a = mr_vector_is_null(a, row_a);
    bool null_b = mr_vector_is_null(b, row_b);
    if (null_a || null_b || a->type.id == MR_NULLTYPE) {
        return null_a == null_b;
    }
    if (!mr_type_is_string(a->type)) {
        return same_value(a, mr_vector_at(a, row_a), b, mr_vector_at(b, row_b));
    }
    if (a->kind == MR_DICT && b->kind == MR_DICT && a->dict == b->dict) {
        return a->codes[row_a] == b->codes[row_b];
    }
    mr_str left = mr_vector_str(a, row_a);
    mr_str right = mr_vector_str(b, row_b);
    return left.bytes == right.bytes &&
           (left.bytes == 0 || memcmp(left.data, right.data, left.bytes) == 0);
}
