// Agg: approx_count_distinct, a HyperLogLog sketch a group (hll.h).
//
// Equal values hash alike in every kind of vector: -0.0 as 0.0, all NaN alike, intervals by their
// length. A DICT vector's values are hashed once a code and call.

#include <string.h>

#include "column/interval.h"
#include "exec/agg_table.h"
#include "exec/hll.h"

static void distinct_init(void *state) {
    *(mr_hll *)state = (mr_hll){.memory = NULL};
}

static inline uint64_t hash_str(mr_str value) {
    return mr_hll_hash_bytes(value.bytes > 0 ? value.data : "", value.bytes);
}

static inline uint64_t hash_double(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bits = value == 0 ? 0 : bits;
    return mr_hll_hash_u64(value != value ? 0x7FF8000000000000u : bits);
}

static uint64_t hash_interval(mr_interval value) {
    mr_int128 us = mr_interval_length_us(value);
    return mr_hll_hash_bytes(&us, sizeof(us));
}

// Registers of many groups do not fit a cache, so a few rows are hashed and their lines asked for
// before the first of them is touched.
#define PENDING 32

typedef struct pending {
    uint32_t count;
    mr_hll *states[PENDING];
    uint64_t hashes[PENDING];
} pending;

static void flush(pending *p) {
    for (uint32_t i = 0; i < p->count; i++) {
        mr_hll_add(p->states[i], p->hashes[i]);
    }
    p->count = 0;
}

// The bytes of a string lie where its record was read, perhaps by another core: they are asked for
// some rows ahead of the one that is hashed.
#define TEXT_AHEAD 12

static inline mr_str ask_ahead(const mr_str *values, uint32_t row, uint32_t last, mr_str x) {
    __builtin_prefetch(values[MR_MIN(row + TEXT_AHEAD, last)].data);
    return x;
}

static inline void offer(pending *p, mr_hll *state, uint64_t hash) {
    if (mr_hll_append(state, hash)) {
        return;
    }
    mr_hll_prefetch(state, hash);
    p->states[p->count] = state;
    p->hashes[p->count++] = hash;
    if (p->count == PENDING) {
        flush(p);
    }
}

static void update_dict(uint8_t *const *bases, uint32_t offset, const mr_vector *in,
                        const uint32_t *rows, uint32_t count) {
    uint64_t known[MR_DICT_CAPACITY / 64] = {0};
    uint64_t hashes[MR_DICT_CAPACITY];
    pending p = {.count = 0};
    MR_AGG_EACH(mr_hll, {
        uint32_t code = in->codes[row];
        if (!mr_bits_get(known, code)) {
            hashes[code] = hash_str(in->dict->values[code]);
            mr_bits_set(known, code);
        }
        offer(&p, state, hashes[code]);
    });
    flush(&p);
}

#define ADD_ALL(ctype, HASH)                             \
    do {                                                 \
        const ctype *values = in->data;                  \
        uint32_t mask = in->kind == MR_CONST ? 0u : ~0u; \
        MR_AGG_EACH(mr_hll, {                            \
            const ctype x = values[row & mask];          \
            offer(&p, state, HASH);                      \
        });                                              \
    } while (0)

static inline uint64_t hash_words(uint64_t high, uint64_t low) {
    return mr_hll_hash_u64(low ^ mr_hll_hash_u64(high));
}

static mr_code distinct_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                               const uint32_t *rows, uint32_t count, mr_cx *cx) {
    const mr_vector *in = input->value;
    (void)cx;
    if (in->kind == MR_DICT) {
        update_dict(bases, offset, in, rows, count);
        return MR_OK;
    }
    uint32_t last = in->kind == MR_CONST || count == 0 ? 0
                    : rows != NULL                     ? rows[count - 1]
                                                       : count - 1;
    pending p = {.count = 0};
    switch (in->type.id) {
    case MR_BOOL: ADD_ALL(uint8_t, mr_hll_hash_u64(x)); break;
    case MR_INT16: ADD_ALL(int16_t, mr_hll_hash_u64((uint64_t)(int64_t)x)); break;
    case MR_INT32:
    case MR_DATE: ADD_ALL(int32_t, mr_hll_hash_u64((uint64_t)(int64_t)x)); break;
    case MR_INT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: ADD_ALL(int64_t, mr_hll_hash_u64((uint64_t)x)); break;
    case MR_NUMERIC: ADD_ALL(mr_int128, hash_words((uint64_t)(x >> 64), (uint64_t)x)); break;
    case MR_UUID: ADD_ALL(mr_uuid, hash_words(x.high, x.low)); break;
    case MR_FLOAT32: ADD_ALL(float, hash_double((double)x)); break;
    case MR_FLOAT64: ADD_ALL(double, hash_double(x)); break;
    case MR_TEXT:
    case MR_BYTES:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT: ADD_ALL(mr_str, hash_str(ask_ahead(values, row, last, x))); break;
    case MR_INTERVAL: ADD_ALL(mr_interval, hash_interval(x)); break;
    case MR_NULLTYPE: break;
    case MR_TYPE_COUNT: mr_assert(false); break;
    }
    flush(&p);
    return MR_OK;
}

static mr_code distinct_merge(void *into, const void *from, mr_cx *cx) {
    (void)cx;
    mr_hll_merge(into, from);
    return MR_OK;
}

static mr_code distinct_result(const void *state, const mr_agg_call *call, mr_vector *out,
                               uint32_t row, mr_cx *cx) {
    (void)call, (void)cx;
    out->int64s[row] = mr_hll_count(state);
    return MR_OK;
}

static void distinct_save(const void *state, mr_text *out) {
    mr_hll_save(state, out);
}

static mr_code distinct_load(void *state, mr_span *in, mr_cx *cx) {
    return mr_hll_load(state, in, cx);
}

static void distinct_release(void *state) {
    mr_hll_release(state);
}

static size_t distinct_extra(const void *state) {
    return mr_hll_bytes(state);
}

const mr_agg mr_agg_distinct_approx = {
    .name = "approx_count_distinct",
    .file = __FILE__,
    .state_bytes = sizeof(mr_hll),
    .init = distinct_init,
    .update = distinct_update,
    .merge = distinct_merge,
    .result = distinct_result,
    .save = distinct_save,
    .load = distinct_load,
    .release = distinct_release,
    .extra_bytes = distinct_extra,
};
