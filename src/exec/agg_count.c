// Agg: count(*) and count(x). State: the number of rows.

#include "exec/agg_table.h"

typedef struct count_state {
    int64_t rows;
} count_state;

static void count_init(void *state) {
    ((count_state *)state)->rows = 0;
}

static mr_code star_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                           const uint32_t *rows, uint32_t count, mr_cx *cx) {
    const mr_vector *in = input->value;
    (void)in, (void)rows, (void)cx;
    for (uint32_t i = 0; i < count; i++) {
        ((count_state *)(void *)(bases[i] + offset))->rows++;
    }
    return MR_OK;
}

static mr_code count_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                            const uint32_t *rows, uint32_t count, mr_cx *cx) {
    const mr_vector *in = input->value;
    (void)cx;
    if (in->type.id != MR_NULLTYPE) {
        MR_AGG_EACH(count_state, (void)row, state->rows++);
    }
    return MR_OK;
}

static mr_code count_merge(void *into, const void *from, mr_cx *cx) {
    (void)cx;
    ((count_state *)into)->rows += ((const count_state *)from)->rows;
    return MR_OK;
}

static mr_code count_result(const void *state, const mr_agg_call *call, mr_vector *out,
                            uint32_t row, mr_cx *cx) {
    (void)call, (void)cx;
    out->int64s[row] = ((const count_state *)state)->rows;
    return MR_OK;
}

static void count_save(const void *state, mr_text *out) {
    mr_agg_save_fixed(state, sizeof(count_state), out);
}

static mr_code count_load(void *state, mr_span *in, mr_cx *cx) {
    MR_TRY(mr_agg_load_fixed(state, sizeof(count_state), in, cx));
    if (((count_state *)state)->rows < 0) {
        return mr_fail(cx, MR_E_CORRUPT, /* hint= */ NULL, "stored count is negative");
    }
    return MR_OK;
}

#define COUNT(name_, update_)                                                                    \
    {                                                                                            \
        .name = name_, .file = __FILE__, .state_bytes = sizeof(count_state), .init = count_init, \
        .update = update_, .merge = count_merge, .result = count_result, .save = count_save,     \
        .load = count_load,                                                                      \
    }
const mr_agg mr_agg_count_star = COUNT("count(*)", star_update);
const mr_agg mr_agg_count_argument = COUNT("count", count_update);
