// Eval, casts: loops and failures that the kernels of all families share. For eval_cast*.c.

#pragma once

#include "exec/eval_node.h"

// Says which value did not convert, and to what.
void mr_eval_cast_fail(mr_fn_call *call, uint32_t row);
// Kernels between numbers and booleans: eval_cast_number.c. NULL = no such cast.
mr_fn_kernel mr_eval_cast_number(mr_type_id from, mr_type_id to);

// eval_cast_json.c: kernels of every type but TEXT to JSON, TEXT to JSON, JSON to single values.
void mr_eval_cast_to_json(mr_fn_call *call);
void mr_eval_cast_text_json(mr_fn_call *call);
void mr_eval_cast_from_json(mr_fn_call *call);
// Appends a row's value, not NULL, as JSON; a text becomes a string.
void mr_eval_cast_put_json(const mr_vector *v, uint32_t row, const mr_zone *zone, mr_arena *arena,
                           mr_text *out);
// eval_cast_nested.c: LIST, STRUCT, TEXT or JSON to a LIST or STRUCT.
void mr_eval_cast_list(mr_fn_call *call);
void mr_eval_cast_struct(mr_fn_call *call);

// Conversions that never fail: EXPR of x, over all rows.
#define MR_CAST_ALWAYS(name, from, to, EXPR)                              \
    static void name(mr_fn_call *call) {                                  \
        const from *in = call->args[0].data;                              \
        uint32_t mask = call->args[0].kind == MR_CONST ? 0u : UINT32_MAX; \
        to *out = call->out->data;                                        \
        mr_eval_rows rows = mr_eval_call_dense(call);                     \
        for (uint32_t i = 0; i < rows.count; i++) {                       \
            uint32_t row = mr_eval_row(rows, i);                          \
            const from x = in[row & mask];                                \
            out[row] = (EXPR);                                            \
        }                                                                 \
    }
// Conversions that may: FITS of x, writing *to.
#define MR_CAST_CHECKED(name, from, to_type, FITS)                \
    static void name(mr_fn_call *call) {                          \
        const from *in = call->args[0].data;                      \
        to_type *out = call->out->data;                           \
        mr_eval_rows rows = mr_eval_call_live(call);              \
        for (uint32_t i = 0; i < rows.count; i++) {               \
            uint32_t row = mr_eval_row(rows, i);                  \
            const from x = in[mr_vector_at(&call->args[0], row)]; \
            to_type *to = &out[row];                              \
            *to = (to_type){0};                                   \
            if (!(FITS)) {                                        \
                mr_eval_cast_fail(call, row);                     \
            }                                                     \
        }                                                         \
    }
