// Agg: approx_quantile.
//
// State: a histogram with buckets whose width grows with the value: bucket k holds what lies in
// (g^(k-1), g^k] with g = 1.01, so a quantile is within 0.5 % of the true one whatever the data.
// Times have buckets of a second, dates of a day. Buckets are counts, so the result does not depend
// on the order of rows or merges, as a t-digest's would.
// Source: Masson, Rim and Lee, "DDSketch", VLDB 2019.

#include <math.h>
#include <string.h>

#include "base/numeric.h"
#include "exec/agg_table.h"

#define GROWTH     1.01
#define KEY_NAN    INT64_MAX
#define KEY_ENDS   (INT64_MAX - 1)  // Infinite.
#define KEY_MIDDLE 100000           // Added to a bucket's number, so that it is positive.

typedef struct bucket {
    int64_t key;
    int64_t count;
} bucket;

typedef struct sketch_state {
    bucket *buckets;  // Heap; sorted by key.
    uint32_t count;
    uint32_t capacity;
    int64_t rows;
} sketch_state;

static void sketch_init(void *state) {
    *(sketch_state *)state = (sketch_state){.rows = 0};
}

static void sketch_add(sketch_state *state, int64_t key, int64_t count) {
    uint32_t low = 0, high = state->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (state->buckets[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    state->rows += count;
    if (low < state->count && state->buckets[low].key == key) {
        state->buckets[low].count += count;
        return;
    }
    if (state->count == state->capacity) {
        state->capacity = MR_MAX(16u, 2 * state->capacity);
        state->buckets = mr_heap_resize(state->buckets, state->capacity * sizeof(bucket));
    }
    memmove(&state->buckets[low + 1], &state->buckets[low], (state->count - low) * sizeof(bucket));
    state->buckets[low] = (bucket){key, count};
    state->count++;
}

// 0 for 0; else the bucket of the magnitude, with the value's sign.
static int64_t key_of_double(double value) {
    if (isnan(value)) {
        return KEY_NAN;
    }
    double magnitude = fabs(value);
    int64_t key = magnitude == 0     ? 0
                  : isinf(magnitude) ? KEY_ENDS
                                     : (int64_t)ceil(log(magnitude) / log(GROWTH)) + KEY_MIDDLE;
    return value < 0 ? -key : key;
}

static double double_of_key(int64_t key) {
    if (key == KEY_NAN) {
        return NAN;
    }
    int64_t magnitude = key < 0 ? -key : key;
    double value = magnitude == 0 ? 0
                   : magnitude == KEY_ENDS
                       ? INFINITY
                       : 2 * pow(GROWTH, (double)(magnitude - KEY_MIDDLE)) / (GROWTH + 1);
    return key < 0 ? -value : value;
}

static int64_t key_of(const mr_vector *in, uint32_t at) {
    switch ((int)in->type.id) {
    case MR_INT16: return key_of_double(in->int16s[at]);
    case MR_INT32: return key_of_double(in->int32s[at]);
    case MR_INT64: return key_of_double((double)in->int64s[at]);
    case MR_FLOAT32: return key_of_double((double)in->float32s[at]);
    case MR_FLOAT64: return key_of_double(in->float64s[at]);
    case MR_NUMERIC: return key_of_double(mr_numeric_to_double(in->numerics[at], in->type.scale));
    case MR_DATE: return in->int32s[at];
    default: return mr_floor_div(in->int64s[at], MR_SECOND_US);
    }
}

static mr_code sketch_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                             const uint32_t *rows, uint32_t count, mr_cx *cx) {
    (void)cx;
    const mr_vector *in = input->value;
    if (in->type.id == MR_NULLTYPE) {
        return MR_OK;
    }
    uint32_t mask = in->kind == MR_CONST ? 0u : ~0u;
    MR_AGG_EACH(sketch_state, sketch_add(state, key_of(in, row & mask), 1));
    return MR_OK;
}

static mr_code sketch_merge(void *into, const void *from, mr_cx *cx) {
    (void)cx;
    const sketch_state *more = from;
    for (uint32_t i = 0; i < more->count; i++) {
        sketch_add(into, more->buckets[i].key, more->buckets[i].count);
    }
    return MR_OK;
}

static void store_double(double value, mr_vector *out, uint32_t row) {
    switch ((int)out->type.id) {
    case MR_INT16:
        out->int16s[row] = (int16_t)MR_MAX(MR_MIN(rint(value), 32767.0), -32768.0);
        break;
    case MR_INT32:
        out->int32s[row] = (int32_t)MR_MAX(MR_MIN(rint(value), 0x7FFFFFFFp0), -0x80000000p0);
        break;
    case MR_INT64:
        out->int64s[row] = value >= 0x1p63   ? INT64_MAX
                           : value < -0x1p63 ? INT64_MIN
                                             : (int64_t)rint(value);
        break;
    case MR_FLOAT32: out->float32s[row] = (float)value; break;
    case MR_NUMERIC: {
        __int128 scaled = 0;
        if (!mr_numeric_from_double(value, out->type.precision, out->type.scale, &scaled)) {
            mr_agg_result_null(out, row);
        }
        out->numerics[row] = scaled;
        break;
    }
    default: out->float64s[row] = value; break;
    }
}

static mr_code sketch_result(const void *base, const mr_agg_call *call, mr_vector *out,
                             uint32_t row, mr_cx *cx) {
    (void)cx;
    const sketch_state *state = base;
    if (state->rows == 0) {
        mr_agg_result_null(out, row);
        return MR_OK;
    }
    // The place of the exact quantile: as quantile_disc's.
    double rows = (double)state->rows;
    int64_t behind = (int64_t)floor(rows - rows * call->parameter->float64s[0]);
    int64_t place = MR_MAX(state->rows - behind, (int64_t)1) - 1;
    int64_t seen = 0;
    uint32_t i = 0;
    while (i + 1 < state->count && seen + state->buckets[i].count <= place) {
        seen += state->buckets[i++].count;
    }
    int64_t key = state->buckets[i].key;
    if (call->type.id == MR_DATE) {
        out->int32s[row] = (int32_t)key;
    } else if (call->type.id == MR_TIME || call->type.id == MR_TIMESTAMP ||
               call->type.id == MR_TIMESTAMPTZ) {
        out->int64s[row] = key * MR_SECOND_US;
    } else {
        store_double(double_of_key(key), out, row);
    }
    return MR_OK;
}

static void sketch_save(const void *base, mr_text *out) {
    const sketch_state *state = base;
    mr_agg_save_fixed(&state->count, sizeof state->count, out);
    mr_text_add_bytes(out, state->buckets, state->count * sizeof(bucket));
}

static mr_code sketch_load(void *state, mr_span *in, mr_cx *cx) {
    uint32_t count;
    MR_TRY(mr_agg_load_fixed(&count, sizeof count, in, cx));
    for (uint32_t i = 0; i < count; i++) {
        bucket one;
        MR_TRY(mr_agg_load_fixed(&one, sizeof one, in, cx));
        if (one.count <= 0) {
            return mr_fail(cx, MR_E_CORRUPT, /* hint= */ NULL, "stored count is not positive");
        }
        sketch_add(state, one.key, one.count);
    }
    return MR_OK;
}

static void sketch_release(void *state) {
    mr_heap_free(((sketch_state *)state)->buckets);
    sketch_init(state);
}

static size_t sketch_extra(const void *state) {
    return ((const sketch_state *)state)->capacity * sizeof(bucket);
}

const mr_agg mr_agg_sketch_quantile = {
    .name = "approx_quantile",
    .file = __FILE__,
    .state_bytes = sizeof(sketch_state),
    .init = sketch_init,
    .update = sketch_update,
    .merge = sketch_merge,
    .result = sketch_result,
    .save = sketch_save,
    .load = sketch_load,
    .release = sketch_release,
    .extra_bytes = sketch_extra,
};
