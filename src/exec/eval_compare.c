// Eval, comparison: =, <>, <, <=, >, >=, IS [NOT] DISTINCT FROM, for every type.
//
// DuckDB's order: NaN equals NaN and is greater than every other number; texts compare by bytes;
// intervals compare as microseconds with months of 30 days and days of 24 hours; lists and structs
// value by value (equal ones have equal bytes).
// How: one loop per type and comparison, over all rows where most are selected, without a branch.

#include "column/interval.h"
#include "column/nested.h"
#include "column/uuid.h"
#include "exec/eval_node.h"

// A loop for FLAT and CONST arguments; EXPR is of x and y.
#define COMPARE_LOOP(ctype, EXPR)                                           \
    do {                                                                    \
        const ctype *a = call->args[0].data;                                \
        const ctype *b = call->args[1].data;                                \
        uint8_t *out = call->out->bools;                                    \
        mr_eval_rows rows = mr_eval_call_dense(call);                       \
        if (rows.sel == NULL && call->args[1].kind == MR_CONST) {           \
            const ctype y = b[0];                                           \
            for (uint32_t row = 0; row < rows.count; row++) {               \
                const ctype x = a[row];                                     \
                out[row] = (EXPR);                                          \
            }                                                               \
            break;                                                          \
        }                                                                   \
        uint32_t mask_a = call->args[0].kind == MR_CONST ? 0u : UINT32_MAX; \
        uint32_t mask_b = call->args[1].kind == MR_CONST ? 0u : UINT32_MAX; \
        for (uint32_t i = 0; i < rows.count; i++) {                         \
            uint32_t row = mr_eval_row(rows, i);                            \
            const ctype x = a[row & mask_a];                                \
            const ctype y = b[row & mask_b];                                \
            out[row] = (EXPR);                                              \
        }                                                                   \
    } while (0)

// clang-format off
#define COMPARE_KERNELS(name, ctype, EQ, LT, LE) \
    static void name##_eq(mr_fn_call *call) { COMPARE_LOOP(ctype, EQ(x, y)); } \
    static void name##_ne(mr_fn_call *call) { COMPARE_LOOP(ctype, !(EQ(x, y))); } \
    static void name##_lt(mr_fn_call *call) { COMPARE_LOOP(ctype, LT(x, y)); } \
    static void name##_le(mr_fn_call *call) { COMPARE_LOOP(ctype, LE(x, y)); } \
    static void name##_gt(mr_fn_call *call) { COMPARE_LOOP(ctype, LT(y, x)); } \
    static void name##_ge(mr_fn_call *call) { COMPARE_LOOP(ctype, LE(y, x)); }
// clang-format on

#if defined(__clang__)  // Of booleans on purpose: a loop without branches.
#pragma clang diagnostic ignored "-Wbitwise-instead-of-logical"
#endif
#define PLAIN_EQ(x, y) ((x) == (y))
#define PLAIN_LT(x, y) ((x) < (y))
#define PLAIN_LE(x, y) ((x) <= (y))
// x != x only for NaN. NaN = NaN; x < NaN for every other x.
#define DOUBLE_EQ(x, y) (((x) == (y)) | (((x) != (x)) & ((y) != (y))))
#define DOUBLE_LT(x, y) (((x) < (y)) | (((x) == (x)) & ((y) != (y))))
#define DOUBLE_LE(x, y) (((x) <= (y)) | ((y) != (y)))
#define UUID_EQ(x, y)   (((x).high == (y).high) & ((x).low == (y).low))
#define UUID_LT(x, y)   (mr_uuid_compare(x, y) < 0)
#define UUID_LE(x, y)   (!UUID_LT(y, x))

COMPARE_KERNELS(bools, uint8_t, PLAIN_EQ, PLAIN_LT, PLAIN_LE)
COMPARE_KERNELS(int16s, int16_t, PLAIN_EQ, PLAIN_LT, PLAIN_LE)
COMPARE_KERNELS(numerics, mr_int128, PLAIN_EQ, PLAIN_LT, PLAIN_LE)
COMPARE_KERNELS(uuids, mr_uuid, UUID_EQ, UUID_LT, UUID_LE)
COMPARE_KERNELS(float32s, float, DOUBLE_EQ, DOUBLE_LT, DOUBLE_LE)
COMPARE_KERNELS(int32s, int32_t, PLAIN_EQ, PLAIN_LT, PLAIN_LE)
COMPARE_KERNELS(int64s, int64_t, PLAIN_EQ, PLAIN_LT, PLAIN_LE)
COMPARE_KERNELS(float64s, double, DOUBLE_EQ, DOUBLE_LT, DOUBLE_LE)

// ---- strings and intervals ---------------------------------------------------------------------

static inline int str_compare(mr_str a, mr_str b) {
    return mr_span_compare((mr_span){a.data, a.bytes}, (mr_span){b.data, b.bytes});
}

static inline bool str_equal(mr_str a, mr_str b) {
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

#define ORDER(a, b, LT) (LT(a, b) ? -1 : LT(b, a))
#define ORDER_AT(field, LT) \
    ORDER(a->field[mr_vector_at(a, row)], b->field[mr_vector_at(b, row)], LT)

int mr_eval_compare_order(const mr_vector *a, const mr_vector *b, uint32_t row) {
    switch (a->type.id) {
    case MR_BOOL: return ORDER_AT(bools, PLAIN_LT);
    case MR_INT16: return ORDER_AT(int16s, PLAIN_LT);
    case MR_INT32:
    case MR_DATE: return ORDER_AT(int32s, PLAIN_LT);
    case MR_INT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: return ORDER_AT(int64s, PLAIN_LT);
    case MR_NUMERIC: return ORDER_AT(numerics, PLAIN_LT);
    case MR_FLOAT32: return ORDER_AT(float32s, DOUBLE_LT);
    case MR_FLOAT64: return ORDER_AT(float64s, DOUBLE_LT);
    case MR_UUID: return ORDER_AT(uuids, UUID_LT);
    case MR_INTERVAL:
        return mr_interval_compare(a->intervals[mr_vector_at(a, row)],
                                   b->intervals[mr_vector_at(b, row)]);
    case MR_LIST:
    case MR_STRUCT: {
        mr_str x = mr_vector_str(a, row), y = mr_vector_str(b, row);
        return mr_nested_compare(a->type, (mr_span){x.data, x.bytes}, (mr_span){y.data, y.bytes});
    }
    case MR_TEXT:
    case MR_BYTES:
    case MR_JSON: return str_compare(mr_vector_str(a, row), mr_vector_str(b, row));
    case MR_NULLTYPE:
    case MR_TYPE_COUNT: break;
    }
    return 0;
}

static bool holds(mr_compare compare, int order) {
    switch (compare) {
    case MR_CMP_EQ:
    case MR_CMP_NOT_DISTINCT: return order == 0;
    case MR_CMP_NE:
    case MR_CMP_DISTINCT: return order != 0;
    case MR_CMP_LT: return order < 0;
    case MR_CMP_LE: return order <= 0;
    case MR_CMP_GT: return order > 0;
    case MR_CMP_GE: return order >= 0;
    }
    return false;
}

static void compare_slow(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_live(call);
    mr_compare compare = call->node->compare;
    bool equality = compare == MR_CMP_EQ || compare == MR_CMP_NE;
    if (equality && call->args[0].type.id != MR_INTERVAL) {
        for (uint32_t i = 0; i < rows.count; i++) {
            uint32_t row = mr_eval_row(rows, i);
            bool equal =
                str_equal(mr_vector_str(&call->args[0], row), mr_vector_str(&call->args[1], row));
            call->out->bools[row] = equal == (compare == MR_CMP_EQ);
        }
        return;
    }
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        call->out->bools[row] =
            holds(compare, mr_eval_compare_order(&call->args[0], &call->args[1], row));
    }
}

// ---- IS [NOT] DISTINCT FROM --------------------------------------------------------------------

static void compare_distinct(mr_fn_call *call) {
    const mr_vector *a = &call->args[0], *b = &call->args[1];
    mr_eval_rows rows = mr_eval_call_live(call);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        bool null_a = a->type.id == MR_NULLTYPE || mr_vector_is_null(a, row);
        bool null_b = b->type.id == MR_NULLTYPE || mr_vector_is_null(b, row);
        bool same = null_a || null_b ? null_a == null_b : mr_eval_compare_order(a, b, row) == 0;
        call->out->bools[row] = same == (call->node->compare == MR_CMP_NOT_DISTINCT);
    }
}

// A comparison of two NULLs without a type: strict, so never reached with rows.
static void compare_none(mr_fn_call *call) {
    (void)call;
}

#define KERNEL_ROW(name) \
    { name##_eq, name##_ne, name##_lt, name##_le, name##_gt, name##_ge }

mr_fn_kernel mr_eval_compare_kernel(mr_type type, mr_compare compare) {
    static const mr_fn_kernel kernels[8][6] = {
        KERNEL_ROW(bools),    KERNEL_ROW(int32s),   KERNEL_ROW(int64s), KERNEL_ROW(float64s),
        KERNEL_ROW(float32s), KERNEL_ROW(numerics), KERNEL_ROW(uuids),  KERNEL_ROW(int16s),
    };
    if (compare == MR_CMP_DISTINCT || compare == MR_CMP_NOT_DISTINCT) {
        return compare_distinct;
    }
    switch (type.id) {
    case MR_BOOL: return kernels[0][compare];
    case MR_INT32:
    case MR_DATE: return kernels[1][compare];
    case MR_INT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: return kernels[2][compare];
    case MR_FLOAT64: return kernels[3][compare];
    case MR_FLOAT32: return kernels[4][compare];
    case MR_NUMERIC: return kernels[5][compare];
    case MR_UUID: return kernels[6][compare];
    case MR_INT16: return kernels[7][compare];
    case MR_TEXT:
    case MR_BYTES:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT:
    case MR_INTERVAL: return compare_slow;
    case MR_NULLTYPE: return compare_none;
    case MR_TYPE_COUNT: break;
    }
    mr_assert(false);
    return NULL;
}
