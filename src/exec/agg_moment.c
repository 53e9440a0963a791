// Agg: variance, standard deviation, covariance and correlation.
//
// State: count, means and summed products of deviations, which stay accurate where sums of squares
// cancel, and merge. Source: Welford 1962; Chan, Golub and LeVeque, "Updating Formulae and a
// Pairwise Algorithm for Computing Sample Variances", 1979. One value is a pair with itself.

#include <math.h>

#include "exec/agg_table.h"

typedef struct moment_state {
    double count;
    double mean_x;
    double mean_y;
    double xx;  // Sum of (x - mean_x)^2,
    double yy;
    double xy;  // of (x - mean_x) (y - mean_y).
} moment_state;
_Static_assert(sizeof(moment_state) == 48, "as saved");

static void moment_init(void *state) {
    *(moment_state *)state = (moment_state){.count = 0};
}

static inline void moment_add(moment_state *state, double x, double y) {
    state->count++;
    double dx = x - state->mean_x, dy = y - state->mean_y;
    state->mean_x += dx / state->count;
    state->mean_y += dy / state->count;
    state->xx += dx * (x - state->mean_x);
    state->yy += dy * (y - state->mean_y);
    state->xy += dx * (y - state->mean_y);
}

static mr_code one_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                          const uint32_t *rows, uint32_t count, mr_cx *cx) {
    (void)cx;
    const mr_vector *in = input->value;
    if (in->type.id == MR_NULLTYPE) {
        return MR_OK;
    }
    uint32_t mask = in->kind == MR_CONST ? 0u : ~0u;
    MR_AGG_EACH(moment_state, {
        double x = in->float64s[row & mask];
        state->count++;
        double dx = x - state->mean_x;
        state->mean_x += dx / state->count;
        state->xx += dx * (x - state->mean_x);
    });
    return MR_OK;
}

static mr_code two_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                          const uint32_t *rows, uint32_t count, mr_cx *cx) {
    (void)cx;
    const mr_vector *in = input->value, *second = input->second;
    if (in->type.id == MR_NULLTYPE || second->type.id == MR_NULLTYPE) {
        return MR_OK;
    }
    uint32_t mask = in->kind == MR_CONST ? 0u : ~0u;
    MR_AGG_EACH(moment_state, {
        if (!mr_vector_is_null(second, row)) {
            moment_add(state, in->float64s[row & mask],
                       second->float64s[mr_vector_at(second, row)]);
        }
    });
    return MR_OK;
}

static mr_code moment_merge(void *base, const void *from, mr_cx *cx) {
    (void)cx;
    moment_state *into = base;
    const moment_state *more = from;
    if (into->count == 0 || more->count == 0) {
        *into = into->count == 0 ? *more : *into;
        return MR_OK;
    }
    double count = into->count + more->count;
    double dx = more->mean_x - into->mean_x, dy = more->mean_y - into->mean_y;
    double weight = into->count * (more->count / count);
    into->xx += more->xx + dx * dx * weight;
    into->yy += more->yy + dy * dy * weight;
    into->xy += more->xy + dx * dy * weight;
    into->mean_x += dx * (more->count / count);
    into->mean_y += dy * (more->count / count);
    into->count = count;
    return MR_OK;
}

static double moment_value(const moment_state *state, mr_agg_id fn) {
    double sample = state->count - 1;
    switch ((int)fn) {
    case MR_AGG_VAR_SAMP: return state->xx / sample;
    case MR_AGG_VAR_POP: return state->xx / state->count;
    case MR_AGG_STDDEV_SAMP: return sqrt(state->xx / sample);
    case MR_AGG_STDDEV_POP: return sqrt(state->xx / state->count);
    case MR_AGG_COVAR_SAMP: return state->xy / sample;
    case MR_AGG_COVAR_POP: return state->xy / state->count;
    default: return state->xy / (sqrt(state->xx) * sqrt(state->yy));
    }
}

static mr_code moment_result(const void *base, const mr_agg_call *call, mr_vector *out,
                             uint32_t row, mr_cx *cx) {
    (void)cx;
    const moment_state *state = base;
    bool sample = call->fn == MR_AGG_VAR_SAMP || call->fn == MR_AGG_STDDEV_SAMP ||
                  call->fn == MR_AGG_COVAR_SAMP;
    out->float64s[row] = moment_value(state, call->fn);
    if (state->count < (sample ? 2 : 1)) {
        mr_agg_result_null(out, row);
    }
    return MR_OK;
}

static void moment_save(const void *state, mr_text *out) {
    mr_agg_save_fixed(state, sizeof(moment_state), out);
}

static mr_code moment_load(void *state, mr_span *in, mr_cx *cx) {
    return mr_agg_load_fixed(state, sizeof(moment_state), in, cx);
}

#define MOMENT(id, name_)                    \
    const mr_agg mr_agg_moment_##id = {      \
        .name = name_,                       \
        .file = __FILE__,                    \
        .state_bytes = sizeof(moment_state), \
        .init = moment_init,                 \
        .update = id##_update,               \
        .merge = moment_merge,               \
        .result = moment_result,             \
        .save = moment_save,                 \
        .load = moment_load,                 \
    };

MOMENT(one, "variance")
MOMENT(two, "covariance")
