// Agg: sum and avg.
//
// Whole numbers add up in 128 bits, so that only a result that does not fit is an error, whatever
// the order of rows. Doubles add up in double-double (each step's rounding error is kept beside the
// sum), so that results agree to 1e-12 however rows are spread over workers and epochs. Source:
// Neumaier 1974, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen".

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/numeric.h"
#include "exec/agg_table.h"

// ---- whole numbers -----------------------------------------------------------------------------

typedef struct integer_state {
    uint64_t low;
    int64_t high;
    int64_t rows;  // 0: the sum is NULL.
} integer_state;
_Static_assert(sizeof(integer_state) == 24, "as saved");

static void integer_init(void *state) {
    *(integer_state *)state = (integer_state){.rows = 0};
}

static inline void integer_add(integer_state *state, uint64_t low, int64_t high) {
    uint64_t sum;
    bool carry = __builtin_add_overflow(state->low, low, &sum);
    state->low = sum;
    state->high = (int64_t)((uint64_t)state->high + (uint64_t)high + carry);
}

#define ADD_INTEGERS(ctype)                                  \
    do {                                                     \
        const ctype *values = in->data;                      \
        uint32_t mask = in->kind == MR_CONST ? 0u : ~0u;     \
        MR_AGG_EACH(integer_state, {                         \
            int64_t x = values[row & mask];                  \
            integer_add(state, (uint64_t)x, x < 0 ? -1 : 0); \
            state->rows++;                                   \
        });                                                  \
    } while (0)

static mr_code integer_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                              const uint32_t *rows, uint32_t count, mr_cx *cx) {
    const mr_vector *in = input->value;
    (void)cx;
    if (in->type.id == MR_INT16) {
        ADD_INTEGERS(int16_t);
    } else if (in->type.id == MR_INT32) {
        ADD_INTEGERS(int32_t);
    } else if (in->type.id == MR_INT64) {
        ADD_INTEGERS(int64_t);
    } else {
        mr_assert(in->type.id == MR_NULLTYPE);
    }
    return MR_OK;
}

static mr_code integer_merge(void *into, const void *from, mr_cx *cx) {
    (void)cx;
    const integer_state *more = from;
    integer_add(into, more->low, more->high);
    ((integer_state *)into)->rows += more->rows;
    return MR_OK;
}

static mr_code integer_result(const void *state, const mr_agg_call *call, mr_vector *out,
                              uint32_t row, mr_cx *cx) {
    (void)call;
    const integer_state *sum = state;
    out->int64s[row] = (int64_t)sum->low;
    if (sum->rows == 0) {
        mr_agg_result_null(out, row);
    } else if (sum->high != ((int64_t)sum->low < 0 ? -1 : 0)) {
        double about = (double)sum->high * 0x1p64 + (double)sum->low;
        return mr_fail(cx, MR_E_VALUE, "Sum double precision values: sum(x::double precision).",
                       "sum of %" PRId64 " values (about %.6g) does not fit in bigint", sum->rows,
                       about);
    }
    return MR_OK;
}

static void integer_save(const void *state, mr_text *out) {
    mr_agg_save_fixed(state, sizeof(integer_state), out);
}

static mr_code integer_load(void *state, mr_span *in, mr_cx *cx) {
    return mr_agg_load_fixed(state, sizeof(integer_state), in, cx);
}

const mr_agg mr_agg_sum_int64 = {
    .name = "sum",
    .file = __FILE__,
    .state_bytes = sizeof(integer_state),
    .init = integer_init,
    .update = integer_update,
    .merge = integer_merge,
    .result = integer_result,
    .save = integer_save,
    .load = integer_load,
};

// ---- numeric -----------------------------------------------------------------------------------

// 192 bits: 2^64 values of 38 digits fit, so only the result can be too large.
typedef struct numeric_state {
    uint64_t low;
    uint64_t middle;
    int64_t high;
    int64_t rows;
} numeric_state;
_Static_assert(sizeof(numeric_state) == 32, "as saved");

static void numeric_init(void *state) {
    *(numeric_state *)state = (numeric_state){.rows = 0};
}

static inline void numeric_add(numeric_state *state, uint64_t low, uint64_t middle, int64_t high) {
    uint64_t sum;
    uint64_t carry = __builtin_add_overflow(state->low, low, &sum);
    state->low = sum;
    uint64_t carried = __builtin_add_overflow(state->middle, middle, &sum);
    carried += __builtin_add_overflow(sum, carry, &sum);
    state->middle = sum;
    state->high = (int64_t)((uint64_t)state->high + (uint64_t)high + carried);
}

static mr_code numeric_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                              const uint32_t *rows, uint32_t count, mr_cx *cx) {
    (void)cx;
    const mr_vector *in = input->value;
    if (in->type.id == MR_NULLTYPE) {
        return MR_OK;
    }
    mr_assert(in->type.id == MR_NUMERIC);
    uint32_t mask = in->kind == MR_CONST ? 0u : ~0u;
    MR_AGG_EACH(numeric_state, {
        __int128 x = in->numerics[row & mask];
        numeric_add(state, (uint64_t)x, (uint64_t)(x >> 64), x < 0 ? -1 : 0);
        state->rows++;
    });
    return MR_OK;
}

static mr_code numeric_merge(void *into, const void *from, mr_cx *cx) {
    (void)cx;
    const numeric_state *more = from;
    numeric_add(into, more->low, more->middle, more->high);
    ((numeric_state *)into)->rows += more->rows;
    return MR_OK;
}

static mr_code numeric_result(const void *base, const mr_agg_call *call, mr_vector *out,
                              uint32_t row, mr_cx *cx) {
    const numeric_state *state = base;
    __int128 sum = (__int128)((unsigned __int128)state->middle << 64 | state->low);
    bool fits = state->high == ((int64_t)state->middle < 0 ? -1 : 0);
    if (state->rows == 0) {
        mr_agg_result_null(out, row);
    } else if (call->fn == MR_AGG_AVG_NUMERIC) {
        double total = fits ? mr_numeric_to_double(sum, call->argument.scale)
                            : ((double)state->high * 0x1p128 + (double)(unsigned __int128)sum) /
                                  pow(10, call->argument.scale);
        out->float64s[row] = total / (double)state->rows;
    } else if (!fits || !mr_numeric_fits(sum, MR_NUMERIC_DIGITS_MAX)) {
        return mr_fail(cx, MR_E_VALUE, "Sum double precision values: sum(x::double precision).",
                       "sum of %" PRId64 " values does not fit in %d digits", state->rows,
                       MR_NUMERIC_DIGITS_MAX);
    } else {
        out->numerics[row] = sum;
    }
    return MR_OK;
}

static void numeric_save(const void *state, mr_text *out) {
    mr_agg_save_fixed(state, sizeof(numeric_state), out);
}

static mr_code numeric_load(void *state, mr_span *in, mr_cx *cx) {
    return mr_agg_load_fixed(state, sizeof(numeric_state), in, cx);
}

const mr_agg mr_agg_sum_numeric = {
    .name = "sum",
    .file = __FILE__,
    .state_bytes = sizeof(numeric_state),
    .init = numeric_init,
    .update = numeric_update,
    .merge = numeric_merge,
    .result = numeric_result,
    .save = numeric_save,
    .load = numeric_load,
};

// ---- doubles -----------------------------------------------------------------------------------

typedef struct double_state {
    double sum;
    double error;  // What rounding has taken from sum so far.
    int64_t rows;
} double_state;
_Static_assert(sizeof(double_state) == 24, "as saved");

static void double_init(void *state) {
    *(double_state *)state = (double_state){.rows = 0};
}

// sum + x exactly, as the nearest double and the rest (Knuth's two-sum, without a branch).
static inline void double_add(double_state *state, double x) {
    double sum = state->sum + x;
    double part = sum - state->sum;
    state->error += (state->sum - (sum - part)) + (x - part);
    state->sum = sum;
}

static mr_code double_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                             const uint32_t *rows, uint32_t count, mr_cx *cx) {
    const mr_vector *in = input->value;
    (void)cx;
    if (in->type.id == MR_NULLTYPE) {
        return MR_OK;
    }
    mr_assert(in->type.id == MR_FLOAT64);
    const double *values = in->data;
    uint32_t mask = in->kind == MR_CONST ? 0u : ~0u;
    MR_AGG_EACH(double_state, {
        double_add(state, values[row & mask]);
        state->rows++;
    });
    return MR_OK;
}

static mr_code double_merge(void *into, const void *from, mr_cx *cx) {
    (void)cx;
    double_state *sum = into;
    const double_state *more = from;
    double_add(sum, more->sum);
    sum->error += more->error;
    sum->rows += more->rows;
    return MR_OK;
}

// An infinite or NaN sum has an error part without meaning.
static double double_total(const double_state *state) {
    return isfinite(state->sum) ? state->sum + state->error : state->sum;
}

static mr_code double_result(const void *state, const mr_agg_call *call, mr_vector *out,
                             uint32_t row, mr_cx *cx) {
    (void)call, (void)cx;
    const double_state *sum = state;
    out->float64s[row] = double_total(sum);
    if (sum->rows == 0) {
        mr_agg_result_null(out, row);
    }
    return MR_OK;
}

static mr_code avg_result(const void *state, const mr_agg_call *call, mr_vector *out, uint32_t row,
                          mr_cx *cx) {
    (void)call, (void)cx;
    const double_state *sum = state;
    out->float64s[row] = sum->rows == 0 ? 0 : double_total(sum) / (double)sum->rows;
    if (sum->rows == 0) {
        mr_agg_result_null(out, row);
    }
    return MR_OK;
}

static void double_save(const void *state, mr_text *out) {
    mr_agg_save_fixed(state, sizeof(double_state), out);
}

static mr_code double_load(void *state, mr_span *in, mr_cx *cx) {
    return mr_agg_load_fixed(state, sizeof(double_state), in, cx);
}

#define DOUBLES(name_, result_)                                                                    \
    {                                                                                              \
        .name = name_, .file = __FILE__, .state_bytes = sizeof(double_state), .init = double_init, \
        .update = double_update, .merge = double_merge, .result = result_, .save = double_save,    \
        .load = double_load,                                                                       \
    }
const mr_agg mr_agg_sum_float64 = DOUBLES("sum", double_result);
const mr_agg mr_agg_sum_avg = DOUBLES("avg", avg_result);
