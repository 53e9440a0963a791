// Agg: finds the implementation of a call; what aggregates share.

#include "exec/agg.h"

#include <inttypes.h>
#include <string.h>

#include "exec/agg_table.h"

const mr_agg *mr_agg_find(const mr_agg_call *call) {
    if (call->distinct) {
        return &mr_agg_set_distinct;
    }
    switch (call->fn) {
    case MR_AGG_COUNT_STAR: return &mr_agg_count_star;
    case MR_AGG_COUNT: return &mr_agg_count_argument;
    case MR_AGG_COUNT_IF:
    case MR_AGG_BOOL_AND:
    case MR_AGG_BOOL_OR: return &mr_agg_logic_truth;
    case MR_AGG_BIT_AND:
    case MR_AGG_BIT_OR:
    case MR_AGG_BIT_XOR: return &mr_agg_logic_bits;
    case MR_AGG_SUM_INT64: return &mr_agg_sum_int64;
    case MR_AGG_SUM_NUMERIC:
    case MR_AGG_AVG_NUMERIC: return &mr_agg_sum_numeric;
    case MR_AGG_SUM_FLOAT64: return &mr_agg_sum_float64;
    case MR_AGG_AVG_FLOAT64: return &mr_agg_sum_avg;
    case MR_AGG_MIN: return mr_agg_extreme_find(call->argument.id, /* greatest= */ false);
    case MR_AGG_MAX: return mr_agg_extreme_find(call->argument.id, /* greatest= */ true);
    case MR_AGG_APPROX_COUNT_DISTINCT: return &mr_agg_distinct_approx;
    case MR_AGG_ARG_MIN: return &mr_agg_kept_arg_min;
    case MR_AGG_ARG_MAX: return &mr_agg_kept_arg_max;
    case MR_AGG_FIRST: return &mr_agg_kept_first;
    case MR_AGG_LAST: return &mr_agg_kept_last;
    case MR_AGG_ANY_VALUE: return &mr_agg_kept_any;
    case MR_AGG_VAR_SAMP:
    case MR_AGG_VAR_POP:
    case MR_AGG_STDDEV_SAMP:
    case MR_AGG_STDDEV_POP: return &mr_agg_moment_one;
    case MR_AGG_COVAR_SAMP:
    case MR_AGG_COVAR_POP:
    case MR_AGG_CORR: return &mr_agg_moment_two;
    case MR_AGG_STRING_AGG:
    case MR_AGG_STRING_AGG_COMMA: return &mr_agg_bag_string;
    case MR_AGG_ARRAY_AGG: return &mr_agg_bag_array;
    case MR_AGG_MEDIAN: return &mr_agg_bag_median;
    case MR_AGG_QUANTILE_CONT: return &mr_agg_bag_cont;
    case MR_AGG_QUANTILE_DISC: return &mr_agg_bag_disc;
    case MR_AGG_MODE: return &mr_agg_bag_mode;
    case MR_AGG_APPROX_QUANTILE: return &mr_agg_sketch_quantile;
    case MR_AGG_ID_COUNT: break;
    }
    mr_assert(false);
    return NULL;
}

mr_code mr_agg_check_row(uint64_t key_bytes, uint64_t value_bytes, mr_cx *cx) {
    const uint64_t most = UINT32_MAX - 16;
    if (key_bytes <= most && value_bytes <= most - key_bytes) {
        return MR_OK;
    }
    return mr_fail(cx, MR_E_LIMIT, "Shorten its values, or what it is ordered by.",
                   "a row of an aggregate has %" PRIu64 " bytes, more than 4 GiB",
                   key_bytes + value_bytes);
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
