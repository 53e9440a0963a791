// Agg: bool_and, bool_or, count_if, bit_and, bit_or, bit_xor. State: how many rows, and what of
// them.

#include "exec/agg_table.h"

// ---- truth values ------------------------------------------------------------------------------

typedef struct truth_state {
    int64_t rows;
    int64_t true_rows;
} truth_state;

static void truth_init(void *state) {
    *(truth_state *)state = (truth_state){.rows = 0};
}

static mr_code truth_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                            const uint32_t *rows, uint32_t count, mr_cx *cx) {
    (void)cx;
    const mr_vector *in = input->value;
    if (in->type.id == MR_NULLTYPE) {
        return MR_OK;
    }
    uint32_t mask = in->kind == MR_CONST ? 0u : ~0u;
    MR_AGG_EACH(truth_state, {
        state->rows++;
        state->true_rows += in->bools[row & mask] != 0;
    });
    return MR_OK;
}

static mr_code truth_merge(void *into, const void *from, mr_cx *cx) {
    (void)cx;
    ((truth_state *)into)->rows += ((const truth_state *)from)->rows;
    ((truth_state *)into)->true_rows += ((const truth_state *)from)->true_rows;
    return MR_OK;
}

static mr_code truth_result(const void *base, const mr_agg_call *call, mr_vector *out, uint32_t row,
                            mr_cx *cx) {
    (void)cx;
    const truth_state *state = base;
    bool all = state->true_rows == state->rows;
    if (call->fn == MR_AGG_COUNT_IF) {
        out->int64s[row] = state->true_rows;
    } else {
        out->bools[row] = call->fn == MR_AGG_BOOL_AND ? all : state->true_rows > 0;
    }
    if (state->rows == 0) {
        mr_agg_result_null(out, row);
    }
    return MR_OK;
}

static void truth_save(const void *state, mr_text *out) {
    mr_agg_save_fixed(state, sizeof(truth_state), out);
}

static mr_code truth_load(void *state, mr_span *in, mr_cx *cx) {
    return mr_agg_load_fixed(state, sizeof(truth_state), in, cx);
}

const mr_agg mr_agg_logic_truth = {
    .name = "bool_and",
    .file = __FILE__,
    .state_bytes = sizeof(truth_state),
    .init = truth_init,
    .update = truth_update,
    .merge = truth_merge,
    .result = truth_result,
    .save = truth_save,
    .load = truth_load,
};

// ---- bits --------------------------------------------------------------------------------------

typedef struct bits_state {
    int64_t rows;
    uint64_t all;  // Those set in every value,
    uint64_t any;  // in one,
    uint64_t odd;  // in an odd number of them.
} bits_state;

static void bits_init(void *state) {
    *(bits_state *)state = (bits_state){.rows = 0};
}

static inline void bits_add(bits_state *state, int64_t rows, uint64_t all, uint64_t any,
                            uint64_t odd) {
    state->all = state->rows == 0 ? all : state->all & all;
    state->any |= any;
    state->odd ^= odd;
    state->rows += rows;
}

static mr_code bits_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                           const uint32_t *rows, uint32_t count, mr_cx *cx) {
    (void)cx;
    const mr_vector *in = input->value;
    if (in->type.id == MR_NULLTYPE) {
        return MR_OK;
    }
    uint32_t mask = in->kind == MR_CONST ? 0u : ~0u;
    MR_AGG_EACH(bits_state, {
        uint64_t x = (uint64_t)in->int64s[row & mask];
        bits_add(state, 1, x, x, x);
    });
    return MR_OK;
}

static mr_code bits_merge(void *into, const void *from, mr_cx *cx) {
    (void)cx;
    const bits_state *more = from;
    if (more->rows > 0) {
        bits_add(into, more->rows, more->all, more->any, more->odd);
    }
    return MR_OK;
}

static mr_code bits_result(const void *base, const mr_agg_call *call, mr_vector *out, uint32_t row,
                           mr_cx *cx) {
    (void)cx;
    const bits_state *state = base;
    uint64_t bits = call->fn == MR_AGG_BIT_AND  ? state->all
                    : call->fn == MR_AGG_BIT_OR ? state->any
                                                : state->odd;
    out->int64s[row] = (int64_t)bits;
    if (state->rows == 0) {
        mr_agg_result_null(out, row);
    }
    return MR_OK;
}

static void bits_save(const void *state, mr_text *out) {
    mr_agg_save_fixed(state, sizeof(bits_state), out);
}

static mr_code bits_load(void *state, mr_span *in, mr_cx *cx) {
    return mr_agg_load_fixed(state, sizeof(bits_state), in, cx);
}

const mr_agg mr_agg_logic_bits = {
    .name = "bit_and",
    .file = __FILE__,
    .state_bytes = sizeof(bits_state),
    .init = bits_init,
    .update = bits_update,
    .merge = bits_merge,
    .result = bits_result,
    .save = bits_save,
    .load = bits_load,
};
