// Fn, numbers: arithmetic, rounding, logarithms, greatest and least.
//
// DuckDB's meaning: integer overflow fails the row; / is always of doubles and follows IEEE 754
// (1 / 0 is infinite, 0 / 0 NaN); // and % of integers by 0 give NULL.
// How: loops over all rows where most are selected; overflow is collected without a branch, and
// only a batch that has some is looked through again. Also: mr_fn_.

#include <math.h>

#include "exec/fn_loop.h"

void mr_fn_fail_range(mr_fn_call *call, uint32_t row, const char *sign) {
    const char *type = mr_type_name(call->out->type);
    if (call->arg_count == 1) {
        mr_eval_call_fail(call, row, "%s out of range: %s(%s)", type, sign,
                          mr_eval_call_value(call, 0, row));
        return;
    }
    mr_eval_call_fail(call, row, "%s out of range: %s %s %s", type,
                      mr_eval_call_value(call, 0, row), sign, mr_eval_call_value(call, 1, row));
}

// clang-format off
#define INTEGER2(ID, T, SIGN, FITS) \
    void mr_fn_##ID(mr_fn_call *call) { \
        mr_eval_rows rows = mr_eval_call_dense(call); \
        bool bad = false; \
        MR_FN_EACH2(call, rows, T, T, T, bad |= !FITS(x, y, &out[row])); \
        if (bad) { \
            rows = mr_eval_call_live(call); \
            MR_FN_EACH2(call, rows, T, T, T, { \
                if (!FITS(x, y, &out[row])) { mr_fn_fail_range(call, row, SIGN); } \
            }); \
        } \
    }
#define DOUBLE2(ID, EXPR) \
    void mr_fn_##ID(mr_fn_call *call) { \
        MR_FN_EACH2(call, mr_eval_call_dense(call), double, double, double, out[row] = (EXPR)); \
    }
#define DOUBLE1(ID, R, EXPR) \
    void mr_fn_##ID(mr_fn_call *call) { \
        MR_FN_EACH1(call, mr_eval_call_dense(call), double, R, out[row] = (EXPR)); \
    }

INTEGER2(ADD_INT32, int32_t, "+", mr_add_fits)
INTEGER2(ADD_INT64, int64_t, "+", mr_add_fits)
DOUBLE2(ADD_FLOAT64, x + y)
INTEGER2(SUB_INT32, int32_t, "-", mr_sub_fits)
INTEGER2(SUB_INT64, int64_t, "-", mr_sub_fits)
DOUBLE2(SUB_FLOAT64, x - y)
INTEGER2(MUL_INT32, int32_t, "*", mr_mul_fits)
INTEGER2(MUL_INT64, int64_t, "*", mr_mul_fits)
DOUBLE2(MUL_FLOAT64, x * y)
DOUBLE2(DIV_FLOAT64, x / y)
DOUBLE2(MOD_FLOAT64, fmod(x, y))

// Division: by 0 NULL; the least value by -1 does not fit.
#define DIVIDE(ID, T, MIN, SIGN, EXPR) \
    void mr_fn_##ID(mr_fn_call *call) { \
        mr_eval_rows rows = mr_eval_call_live(call); \
        MR_FN_EACH2(call, rows, T, T, T, { \
            out[row] = 0; \
            if (y == 0) { mr_eval_call_null(call, row); } \
            else if (y == -1 && x == (MIN)) { mr_fn_fail_range(call, row, SIGN); } \
            else { out[row] = (EXPR); } \
        }); \
    }
DIVIDE(IDIV_INT32, int32_t, INT32_MIN, "//", x / y)
DIVIDE(IDIV_INT64, int64_t, INT64_MIN, "//", x / y)
DIVIDE(MOD_INT32, int32_t, INT32_MIN, "%", x % y)
DIVIDE(MOD_INT64, int64_t, INT64_MIN, "%", x % y)

void mr_fn_IDIV_FLOAT64(mr_fn_call *call) {
    MR_FN_EACH2(call, mr_eval_call_live(call), double, double, double, {
        out[row] = x / y;
        if (y == 0) {
            mr_eval_call_null(call, row);
        }
    });
}

// One integer: VALUE of x; the least value has no counterpart.
#define INTEGER1(ID, T, MIN, NAME, VALUE) \
    void mr_fn_##ID(mr_fn_call *call) { \
        mr_eval_rows rows = mr_eval_call_live(call); \
        MR_FN_EACH1(call, rows, T, T, { \
            out[row] = x == (MIN) ? 0 : (VALUE); \
            if (x == (MIN)) { mr_fn_fail_range(call, row, NAME); } \
        }); \
    }
INTEGER1(NEG_INT32, int32_t, INT32_MIN, "-", -x)
INTEGER1(NEG_INT64, int64_t, INT64_MIN, "-", -x)
INTEGER1(ABS_INT32, int32_t, INT32_MIN, "abs", x < 0 ? -x : x)
INTEGER1(ABS_INT64, int64_t, INT64_MIN, "abs", x < 0 ? -x : x)
DOUBLE1(NEG_FLOAT64, double, -x)
DOUBLE1(ABS_FLOAT64, double, fabs(x))
DOUBLE1(SIGN_FLOAT64, int32_t, (x > 0) - (x < 0))
DOUBLE1(ROUND, double, round(x))
DOUBLE1(FLOOR, double, floor(x))
DOUBLE1(CEIL, double, ceil(x))
DOUBLE1(TRUNC, double, trunc(x))
DOUBLE1(CBRT, double, cbrt(x))
DOUBLE1(EXP, double, exp(x))
DOUBLE1(ISNAN, bool, x != x)
DOUBLE1(ISFINITE, bool, x - x == 0)
DOUBLE2(POWER, pow(x, y))
// clang-format on

// As DuckDB: scaled by a power of ten, rounded, scaled back; where that leaves the doubles, the
// value itself (digits behind the point) or 0 (before it).
static double round_digits(double value, int32_t digits) {
    if (digits < 0) {
        double power = pow(10, -(double)digits);
        double rounded = round(value / power) * power;
        return isfinite(rounded) ? rounded : 0;
    }
    double power = pow(10, digits);
    double rounded = round(value * power) / power;
    return isfinite(rounded) ? rounded : value;
}

void mr_fn_ROUND_DIGITS(mr_fn_call *call) {
    MR_FN_EACH2(call, mr_eval_call_live(call), double, int32_t, double,
                out[row] = round_digits(x, y));
}

void mr_fn_SQRT(mr_fn_call *call) {
    MR_FN_EACH1(call, mr_eval_call_live(call), double, double, {
        out[row] = x < 0 ? 0 : sqrt(x);
        if (x < 0) {
            mr_eval_call_fail(call, row, "cannot take the square root of a negative number");
        }
    });
}

static void logarithm(mr_fn_call *call, double (*function)(double)) {
    MR_FN_EACH1(call, mr_eval_call_live(call), double, double, {
        out[row] = x <= 0 ? 0 : function(x);
        if (x <= 0) {
            mr_eval_call_fail(call, row, "cannot take the logarithm of %s",
                              x == 0 ? "zero" : "a negative number");
        }
    });
}

void mr_fn_LN(mr_fn_call *call) {
    logarithm(call, log);
}

void mr_fn_LOG10(mr_fn_call *call) {
    logarithm(call, log10);
}

void mr_fn_LOG2(mr_fn_call *call) {
    logarithm(call, log2);
}

// ---- greatest and least ------------------------------------------------------------------------

// Is x (not NULL) to be taken instead of the best so far? NaN is the greatest double.
#define PICK_LOOP(ctype, BETTER)                                   \
    do {                                                           \
        for (uint32_t i = 0; i < rows.count; i++) {                \
            uint32_t row = mr_eval_row(rows, i);                   \
            bool any = false;                                      \
            ctype best = 0;                                        \
            for (uint32_t arg = 0; arg < call->arg_count; arg++) { \
                if (call->args[arg].type.id == MR_NULLTYPE ||      \
                    mr_vector_is_null(&call->args[arg], row)) {    \
                    continue;                                      \
                }                                                  \
                const ctype x = MR_FN_ARG(call, arg, ctype, row);  \
                best = !any || (BETTER) ? x : best;                \
                any = true;                                        \
            }                                                      \
            ((ctype *)call->out->data)[row] = best;                \
            if (!any) {                                            \
                mr_eval_call_null(call, row);                      \
            }                                                      \
        }                                                          \
    } while (0)

static void pick_text(mr_fn_call *call, bool greatest) {
    mr_eval_rows rows = mr_eval_call_live(call);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        bool any = false;
        for (uint32_t arg = 0; arg < call->arg_count; arg++) {
            const mr_vector *v = &call->args[arg];
            if (v->type.id == MR_NULLTYPE || mr_vector_is_null(v, row)) {
                continue;
            }
            mr_str x = mr_vector_str(v, row), best = call->out->strs[row];
            int order =
                mr_span_compare((mr_span){x.data, x.bytes}, (mr_span){best.data, best.bytes});
            if (!any || (greatest ? order > 0 : order < 0)) {
                call->out->strs[row] = x;
            }
            any = true;
        }
        if (!any) {
            mr_eval_call_null(call, row);
        }
    }
}

// clang-format off
#define PICKS(SUFFIX, ctype, GREATER, LESS) \
    void mr_fn_GREATEST_##SUFFIX(mr_fn_call *call) { \
        mr_eval_rows rows = mr_eval_call_live(call); \
        PICK_LOOP(ctype, GREATER); \
    } \
    void mr_fn_LEAST_##SUFFIX(mr_fn_call *call) { \
        mr_eval_rows rows = mr_eval_call_live(call); \
        PICK_LOOP(ctype, LESS); \
    }
// clang-format on

PICKS(INT32, int32_t, x > best, x < best)
PICKS(INT64, int64_t, x > best, x < best)
PICKS(FLOAT64, double, x > best || x != x, x < best || best != best)
PICKS(DATE, int32_t, x > best, x < best)
PICKS(TIMESTAMP, int64_t, x > best, x < best)
PICKS(TIMESTAMPTZ, int64_t, x > best, x < best)

void mr_fn_GREATEST_TEXT(mr_fn_call *call) {
    pick_text(call, /* greatest= */ true);
}

void mr_fn_LEAST_TEXT(mr_fn_call *call) {
    pick_text(call, /* greatest= */ false);
}
