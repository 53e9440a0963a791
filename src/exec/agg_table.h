// Agg, inside: the rows of the table of aggregates, by file. For agg*.c.

#pragma once

#include "exec/agg.h"

// Rows of an input and the states they go to, as an update has them.
typedef struct mr_agg_rows {
    uint8_t *const *bases;
    uint32_t offset;
    const uint32_t *rows;  // NULL = 0 .. count-1.
    uint32_t count;
} mr_agg_rows;

// Does the statements for each row that is not NULL, with `row` and `state` (of type T).
#define MR_AGG_EACH(T, ...)                                               \
    do {                                                                  \
        const uint64_t *valid_ = in->kind == MR_CONST ? NULL : in->valid; \
        if (in->kind == MR_CONST && mr_vector_is_null(in, 0)) {           \
            break;                                                        \
        }                                                                 \
        if (valid_ == NULL && rows == NULL) {                             \
            for (uint32_t row = 0; row < count; row++) {                  \
                T *state = (T *)(void *)(bases[row] + offset);            \
                __VA_ARGS__;                                              \
            }                                                             \
        } else if (valid_ == NULL) {                                      \
            for (uint32_t i_ = 0; i_ < count; i_++) {                     \
                uint32_t row = rows[i_];                                  \
                T *state = (T *)(void *)(bases[i_] + offset);             \
                __VA_ARGS__;                                              \
            }                                                             \
        } else {                                                          \
            for (uint32_t i_ = 0; i_ < count; i_++) {                     \
                uint32_t row = rows != NULL ? rows[i_] : i_;              \
                if (mr_bits_get(valid_, row)) {                           \
                    T *state = (T *)(void *)(bases[i_] + offset);         \
                    __VA_ARGS__;                                          \
                }                                                         \
            }                                                             \
        }                                                                 \
    } while (0)

extern const mr_agg mr_agg_count_star;
extern const mr_agg mr_agg_count_argument;
extern const mr_agg mr_agg_sum_int64;
extern const mr_agg mr_agg_sum_float64;
extern const mr_agg mr_agg_sum_avg;
extern const mr_agg mr_agg_sum_numeric;
extern const mr_agg mr_agg_distinct_approx;
extern const mr_agg mr_agg_logic_truth;
extern const mr_agg mr_agg_logic_bits;
extern const mr_agg mr_agg_kept_first;
extern const mr_agg mr_agg_kept_last;
extern const mr_agg mr_agg_kept_any;
extern const mr_agg mr_agg_kept_arg_min;
extern const mr_agg mr_agg_kept_arg_max;
extern const mr_agg mr_agg_moment_one;
extern const mr_agg mr_agg_moment_two;
extern const mr_agg mr_agg_bag_string;
extern const mr_agg mr_agg_bag_array;
extern const mr_agg mr_agg_bag_median;
extern const mr_agg mr_agg_bag_cont;
extern const mr_agg mr_agg_bag_disc;
extern const mr_agg mr_agg_bag_mode;
extern const mr_agg mr_agg_sketch_quantile;
extern const mr_agg mr_agg_set_distinct;
const mr_agg *mr_agg_extreme_find(mr_type_id type, bool greatest);

// Whether a row that an aggregate keeps, its key in order and its value, has sizes of 32 bits.
// errors MR_E_LIMIT
mr_code mr_agg_check_row(uint64_t key_bytes, uint64_t value_bytes, mr_cx *cx);

// State bytes of fixed size as they are: save, and load with a check of the length.
void mr_agg_save_fixed(const void *state, uint32_t bytes, mr_text *out);
mr_code mr_agg_load_fixed(void *state, uint32_t bytes, mr_span *in, mr_cx *cx);
void mr_agg_result_null(mr_vector *out, uint32_t row);
