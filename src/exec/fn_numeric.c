// Fn, numbers: arithmetic of smallint, real and numeric.
//
// DuckDB's meaning, as fn_number.c has it for the other numbers. The binder has brought the terms
// of a numeric sum to one scale and has said how many digits its result may have; one that has more
// fails its row. How: a value is 128 bits wide, but nearly all of them fit 64, and these are
// multiplied and divided as such. Also: mr_fn_.

#include <math.h>
#include <stdlib.h>

#include "base/numeric.h"
#include "exec/fn_loop.h"

// clang-format off
#define INTEGER16(ID, SIGN, VALUE) \
    void mr_fn_##ID(mr_fn_call *call) { \
        MR_FN_EACH2(call, mr_eval_call_live(call), int16_t, int16_t, int16_t, { \
            const int32_t value = (VALUE); \
            out[row] = (int16_t)value; \
            if (out[row] != value) { mr_fn_fail_range(call, row, SIGN); } \
        }); \
    }
#define DIVIDE16(ID, SIGN, VALUE) \
    void mr_fn_##ID(mr_fn_call *call) { \
        MR_FN_EACH2(call, mr_eval_call_live(call), int16_t, int16_t, int16_t, { \
            const int32_t value = y == 0 ? 0 : (VALUE); \
            out[row] = (int16_t)value; \
            if (y == 0) { mr_eval_call_null(call, row); } \
            else if (out[row] != value) { mr_fn_fail_range(call, row, SIGN); } \
        }); \
    }
#define SINGLE16(ID, NAME, VALUE) \
    void mr_fn_##ID(mr_fn_call *call) { \
        MR_FN_EACH1(call, mr_eval_call_live(call), int16_t, int16_t, { \
            const int32_t value = (VALUE); \
            out[row] = (int16_t)value; \
            if (out[row] != value) { mr_fn_fail_range(call, row, NAME); } \
        }); \
    }
#define FLOAT2(ID, EXPR) \
    void mr_fn_##ID(mr_fn_call *call) { \
        MR_FN_EACH2(call, mr_eval_call_dense(call), float, float, float, out[row] = (EXPR)); \
    }
#define FLOAT1(ID, EXPR) \
    void mr_fn_##ID(mr_fn_call *call) { \
        MR_FN_EACH1(call, mr_eval_call_dense(call), float, float, out[row] = (EXPR)); \
    }

INTEGER16(ADD_INT16, "+", x + y)
INTEGER16(SUB_INT16, "-", x - y)
INTEGER16(MUL_INT16, "*", x * y)
DIVIDE16(IDIV_INT16, "//", x / y)
DIVIDE16(MOD_INT16, "%", x % y)
SINGLE16(NEG_INT16, "-", -x)
SINGLE16(ABS_INT16, "abs", x < 0 ? -x : x)
FLOAT2(ADD_FLOAT32, x + y)
FLOAT2(SUB_FLOAT32, x - y)
FLOAT2(MUL_FLOAT32, x * y)
FLOAT2(DIV_FLOAT32, x / y)
FLOAT2(MOD_FLOAT32, fmodf(x, y))
FLOAT1(NEG_FLOAT32, -x)
FLOAT1(ABS_FLOAT32, fabsf(x))
FLOAT1(ROUND_FLOAT32, roundf(x))
FLOAT1(FLOOR_FLOAT32, floorf(x))
FLOAT1(CEIL_FLOAT32, ceilf(x))
FLOAT1(TRUNC_FLOAT32, truncf(x))
// clang-format on

// As of doubles: scaled by a power of ten, rounded, scaled back. In double, as DuckDB: a real times
// 10^9 has lost the digits that should come back.
static float round_digits(float value, int32_t digits) {
    double power = pow(10, fabs((double)digits));  // abs() has no answer for the least digits.
    double scaled =
        digits < 0 ? round((double)value / power) * power : round((double)value * power) / power;
    float rounded = (float)scaled;
    return isfinite(rounded) ? rounded : digits < 0 ? 0 : value;
}

void mr_fn_ROUND_DIGITS_FLOAT32(mr_fn_call *call) {
    MR_FN_EACH2(call, mr_eval_call_live(call), float, int32_t, float,
                out[row] = round_digits(x, y));
}

// ---- numeric -----------------------------------------------------------------------------------

static inline bool is_word(__int128 value) {
    return value == (int64_t)value;
}

// The least value that a result of the call's type is too large for.
static __int128 limit_of(const mr_fn_call *call) {
    return mr_numeric_pow10(call->out->type.precision);
}

// A sum of two values below 10^38 is below 2^127.
#define NUMERIC_SUM(ID, SIGN, OP)                                                     \
    void mr_fn_##ID(mr_fn_call *call) {                                               \
        const __int128 limit = limit_of(call);                                        \
        MR_FN_EACH2(call, mr_eval_call_live(call), mr_int128, mr_int128, mr_int128, { \
            const __int128 value = x OP y;                                            \
            out[row] = value;                                                         \
            if (value >= limit || value <= -limit) {                                  \
                mr_fn_fail_range(call, row, SIGN);                                    \
            }                                                                         \
        });                                                                           \
    }
NUMERIC_SUM(ADD_NUMERIC, "+", +)
NUMERIC_SUM(SUB_NUMERIC, "-", -)

void mr_fn_MUL_NUMERIC(mr_fn_call *call) {
    const __int128 limit = limit_of(call);
    MR_FN_EACH2(call, mr_eval_call_live(call), mr_int128, mr_int128, mr_int128, {
        __int128 value = 0;
        bool fits = true;
        if (is_word(x) && is_word(y)) {
            value = (__int128)(int64_t)x * (int64_t)y;
        } else {
            fits = mr_numeric_mul(x, y, &value);
        }
        out[row] = value;
        if (!fits || value >= limit || value <= -limit) {
            mr_fn_fail_range(call, row, "*");
        }
    });
}

void mr_fn_MOD_NUMERIC(mr_fn_call *call) {
    MR_FN_EACH2(call, mr_eval_call_live(call), mr_int128, mr_int128, mr_int128, {
        if (y == 0) {
            out[row] = 0;
            mr_eval_call_null(call, row);
        } else if (is_word(x) && is_word(y) && y != -1) {
            out[row] = (int64_t)x % (int64_t)y;
        } else {
            out[row] = y == -1 ? 0 : x % y;
        }
    });
}

void mr_fn_NEG_NUMERIC(mr_fn_call *call) {
    MR_FN_EACH1(call, mr_eval_call_dense(call), mr_int128, mr_int128, out[row] = -x);
}

void mr_fn_ABS_NUMERIC(mr_fn_call *call) {
    MR_FN_EACH1(call, mr_eval_call_dense(call), mr_int128, mr_int128, out[row] = x < 0 ? -x : x);
}

typedef enum cut_how { CUT_ROUND, CUT_FLOOR, CUT_CEIL, CUT_TRUNC } cut_how;

// value / unit as a whole number.
static __int128 cut(__int128 value, __int128 unit, cut_how how) {
    __int128 whole = value / unit, rest = value % unit;
    switch (how) {
    case CUT_ROUND: {
        __int128 half = rest < 0 ? -rest : rest;
        bool away = half >= unit - half;
        return whole + (away ? (value < 0 ? -1 : 1) : 0);
    }
    case CUT_FLOOR: return whole - (rest < 0);
    case CUT_CEIL: return whole + (rest > 0);
    case CUT_TRUNC: return whole;
    }
    return whole;
}

static void cut_whole(mr_fn_call *call, cut_how how) {
    const uint32_t scale = call->args[0].type.scale;
    const __int128 unit = mr_numeric_pow10(scale);
    MR_FN_EACH1(call, mr_eval_call_live(call), mr_int128, mr_int128,
                out[row] = scale == 0 ? x : cut(x, unit, how));
}

void mr_fn_ROUND_NUMERIC(mr_fn_call *call) {
    cut_whole(call, CUT_ROUND);
}

void mr_fn_FLOOR_NUMERIC(mr_fn_call *call) {
    cut_whole(call, CUT_FLOOR);
}

void mr_fn_CEIL_NUMERIC(mr_fn_call *call) {
    cut_whole(call, CUT_CEIL);
}

void mr_fn_TRUNC_NUMERIC(mr_fn_call *call) {
    cut_whole(call, CUT_TRUNC);
}

// The digits are those of the result's scale; fewer than none cut in front of the point, and all of
// a number's digits in front of it leave 0.
static void cut_digits(mr_fn_call *call, cut_how how) {
    const mr_type from = call->args[0].type;
    const int32_t before = from.precision - from.scale;
    MR_FN_EACH2(call, mr_eval_call_live(call), mr_int128, int32_t, mr_int128, {
        if (y >= from.scale) {
            out[row] = x;
        } else if (y >= 0) {
            out[row] = cut(x, mr_numeric_pow10((uint32_t)(from.scale - y)), how);
        } else if (y <= -before) {
            out[row] = 0;
        } else {
            __int128 unit = mr_numeric_pow10((uint32_t)(from.scale - y));
            out[row] = cut(x, unit, how) * mr_numeric_pow10((uint32_t)-y);
            if (!mr_numeric_fits(out[row], MR_NUMERIC_DIGITS_MAX)) {
                mr_fn_fail_range(call, row, "round");
            }
        }
    });
}

void mr_fn_ROUND_DIGITS_NUMERIC(mr_fn_call *call) {
    cut_digits(call, CUT_ROUND);
}

void mr_fn_TRUNC_DIGITS_NUMERIC(mr_fn_call *call) {
    cut_digits(call, CUT_TRUNC);
}

// ---- greatest and least ------------------------------------------------------------------------

// Of any type, by the order that comparisons have.
static void pick(mr_fn_call *call, bool greatest) {
    mr_eval_rows rows = mr_eval_call_live(call);
    size_t bytes = mr_type_bytes(call->out->type);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        const mr_vector *best = NULL;
        for (uint32_t arg = 0; arg < call->arg_count; arg++) {
            const mr_vector *v = &call->args[arg];
            if (v->type.id == MR_NULLTYPE || mr_vector_is_null(v, row)) {
                continue;
            }
            int order = best == NULL ? 0 : mr_eval_compare_order(v, best, row);
            best = best == NULL || (greatest ? order > 0 : order < 0) ? v : best;
        }
        if (best == NULL) {
            mr_eval_call_null(call, row);
        } else if (mr_type_is_string(best->type)) {
            call->out->strs[row] = mr_vector_str(best, row);
        } else {
            memcpy(call->out->bools + bytes * row, best->bools + bytes * mr_vector_at(best, row),
                   bytes);
        }
    }
}

#define PICKS(TYPE)                                \
    void mr_fn_GREATEST_##TYPE(mr_fn_call *call) { \
        pick(call, /* greatest= */ true);          \
    }                                              \
    void mr_fn_LEAST_##TYPE(mr_fn_call *call) {    \
        pick(call, /* greatest= */ false);         \
    }
PICKS(BOOL)
PICKS(INT16)
PICKS(NUMERIC)
PICKS(FLOAT32)
PICKS(BYTES)
PICKS(UUID)
PICKS(TIME)
PICKS(INTERVAL)
PICKS(JSON)
PICKS(LIST)
PICKS(STRUCT)
