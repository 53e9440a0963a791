// Loops of kernels over numbers. For fn_number.c and fn_math.c.

#pragma once

#include "exec/fn.h"

// Loops over one or two FLAT or CONST arguments: BODY sees x (and y) and sets out[row].
#define MR_FN_EACH1(call, wanted, A, R, BODY)                         \
    do {                                                              \
        const mr_eval_rows rows_ = (wanted);                          \
        const A *restrict a_ = (call)->args[0].data;                  \
        R *restrict out = (call)->out->data;                          \
        uint32_t mask_ = (call)->args[0].kind == MR_CONST ? 0u : ~0u; \
        for (uint32_t i_ = 0; i_ < rows_.count; i_++) {               \
            uint32_t row = mr_eval_row(rows_, i_);                    \
            const A x = a_[row & mask_];                              \
            BODY;                                                     \
        }                                                             \
    } while (0)

#define MR_FN_EACH2(call, wanted, A, B, R, BODY)               \
    do {                                                       \
        const mr_eval_rows rows_ = (wanted);                   \
        const A *restrict a_ = (call)->args[0].data;           \
        const B *restrict b_ = (call)->args[1].data;           \
        R *restrict out = (call)->out->data;                   \
        bool const_a_ = (call)->args[0].kind == MR_CONST;      \
        bool const_b_ = (call)->args[1].kind == MR_CONST;      \
        if (rows_.sel == NULL && !const_a_ && !const_b_) {     \
            for (uint32_t row = 0; row < rows_.count; row++) { \
                const A x = a_[row];                           \
                const B y = b_[row];                           \
                BODY;                                          \
            }                                                  \
        } else if (rows_.sel == NULL && const_b_) {            \
            const B y = b_[0];                                 \
            for (uint32_t row = 0; row < rows_.count; row++) { \
                const A x = a_[row];                           \
                BODY;                                          \
            }                                                  \
        } else {                                               \
            uint32_t mask_a_ = const_a_ ? 0u : ~0u;            \
            uint32_t mask_b_ = const_b_ ? 0u : ~0u;            \
            for (uint32_t i_ = 0; i_ < rows_.count; i_++) {    \
                uint32_t row = mr_eval_row(rows_, i_);         \
                const A x = a_[row & mask_a_];                 \
                const B y = b_[row & mask_b_];                 \
                BODY;                                          \
            }                                                  \
        }                                                      \
    } while (0)

// The row fails: "bigint out of range: 1 << 70", or "…: abs(x)" for one argument.
void mr_fn_fail_range(mr_fn_call *call, uint32_t row, const char *sign);
