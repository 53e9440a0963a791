// Agg: finds the implementation of a call; what aggregates share.

#include "exec/agg.h"

#include <string.h>

#include "exec/agg_table.h"

const mr_agg *mr_agg_find(const mr_agg_call *call, mr_type argument) {
    switch (call->fn) {
    case MR_AGG_COUNT_STAR: return &mr_agg_count_star;
    case MR_AGG_COUNT: return &mr_agg_count_argument;
    case MR_AGG_SUM_INT64: return &mr_agg_sum_int64;
    case MR_AGG_SUM_FLOAT64: return &mr_agg_sum_float64;
    case MR_AGG_AVG_FLOAT64: return &mr_agg_sum_avg;
    case MR_AGG_MIN: return mr_agg_extreme_find(argument.id, /* greatest= */ false);
    case MR_AGG_MAX: return mr_agg_extreme_find(argument.id, /* greatest= */ true);
    case MR_AGG_APPROX_COUNT_DISTINCT: return &mr_agg_distinct_approx;
    case MR_AGG_ID_COUNT: break;
    }
    mr_assert(false);
    return NULL;
}

void mr_agg_save_fixed(const void *state, uint32_t bytes, mr_text *out) {
    memcpy(mr_text_grow(out, bytes), state, bytes);
}

mr_code mr_agg_load_fixed(void *state, uint32_t bytes, mr_span *in, mr_cx *cx) {
    if (in->bytes < bytes) {
        return mr_fail(cx, MR_E_CORRUPT, /* hint= */ NULL, "state of an aggregate is cut short");
    }
    memcpy(state, in->data, bytes);
    in->data += bytes;
    in->bytes -= bytes;
    return MR_OK;
}

void mr_agg_result_null(mr_vector *out, uint32_t row) {
    mr_assert(out->valid != NULL);
    mr_bits_clear(out->valid, row);
}
