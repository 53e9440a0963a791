// Fn, mathematics: angles, whole-number functions, bits.
//
// Meaning is DuckDB's: what is undefined fails the row, what IEEE 754 gives as infinite or NaN is
// given. Also: mr_fn_.

#include <math.h>

#include "exec/fn_loop.h"

// ---- doubles -----------------------------------------------------------------------------------

// clang-format off
#define DOUBLE1(ID, R, EXPR) \
    void mr_fn_##ID(mr_fn_call *call) { \
        MR_FN_EACH1(call, mr_eval_call_dense(call), double, R, out[row] = (EXPR)); \
    }
DOUBLE1(ATAN, double, atan(x))
DOUBLE1(SINH, double, sinh(x))
DOUBLE1(COSH, double, cosh(x))
DOUBLE1(TANH, double, tanh(x))
DOUBLE1(ASINH, double, asinh(x))
DOUBLE1(ACOSH, double, acosh(x))
DOUBLE1(DEGREES, double, x * (180 / M_PI))
DOUBLE1(RADIANS, double, x * (M_PI / 180))
DOUBLE1(ISINF, bool, isinf(x) != 0)

#define DOUBLE2(ID, EXPR) \
    void mr_fn_##ID(mr_fn_call *call) { \
        MR_FN_EACH2(call, mr_eval_call_dense(call), double, double, double, out[row] = (EXPR)); \
    }
DOUBLE2(ATAN2, atan2(x, y))
DOUBLE2(FMOD, x - y * floor(x / y))
DOUBLE2(FDIV, floor(x / y))
// clang-format on

// One double where WRONG values fail the row.
#define PARTIAL1(ID, NAME, WRONG, EXPR)                                  \
    void mr_fn_##ID(mr_fn_call *call) {                                  \
        MR_FN_EACH1(call, mr_eval_call_live(call), double, double, {     \
            out[row] = (WRONG) ? 0 : (EXPR);                             \
            if (WRONG) {                                                 \
                mr_eval_call_fail(call, row, NAME "(%s) is not defined", \
                                  mr_eval_call_value(call, 0, row));     \
            }                                                            \
        });                                                              \
    }
PARTIAL1(SIN, "sin", isinf(x), sin(x))
PARTIAL1(COS, "cos", isinf(x), cos(x))
PARTIAL1(TAN, "tan", isinf(x), tan(x))
PARTIAL1(COT, "cot", isinf(x) || x == 0, 1 / tan(x))
PARTIAL1(ASIN, "asin", x<-1 || x> 1, asin(x))
PARTIAL1(ACOS, "acos", x<-1 || x> 1, acos(x))
PARTIAL1(ATANH, "atanh", x<-1 || x> 1, atanh(x))

// Away from 0 to the next even number.
static double even(double x) {
    double value = x >= 0 ? ceil(x) : -ceil(-x);
    if (floor(value / 2) * 2 != value) {
        value += x >= 0 ? 1 : -1;
    }
    return value;
}

void mr_fn_EVEN(mr_fn_call *call) {
    MR_FN_EACH1(call, mr_eval_call_dense(call), double, double, out[row] = even(x));
}

void mr_fn_LOG_BASE(mr_fn_call *call) {
    MR_FN_EACH2(call, mr_eval_call_live(call), double, double, double, {
        bool wrong = x <= 0 || y <= 0 || x == 1;
        out[row] = wrong ? 0 : log10(y) / log10(x);
        if (wrong) {
            mr_eval_call_fail(call, row, "cannot take the logarithm of %s to base %s",
                              mr_eval_call_value(call, 1, row), mr_eval_call_value(call, 0, row));
        }
    });
}

// As DuckDB: scaled by a power of ten, cut, scaled back; where that leaves the doubles, the value
// itself.
static double trunc_digits(double value, int32_t digits) {
    double power = pow(10, digits < 0 ? -(double)digits : digits);
    double cut = digits < 0 ? trunc(value / power) * power : trunc(value * power) / power;
    return isfinite(cut) ? cut : value;
}

void mr_fn_TRUNC_DIGITS(mr_fn_call *call) {
    MR_FN_EACH2(call, mr_eval_call_live(call), double, int32_t, double,
                out[row] = trunc_digits(x, y));
}

// ---- whole numbers -----------------------------------------------------------------------------

// clang-format off
#define WHOLE1(ID, A, R, EXPR) \
    void mr_fn_##ID(mr_fn_call *call) { \
        MR_FN_EACH1(call, mr_eval_call_dense(call), A, R, out[row] = (EXPR)); \
    }
WHOLE1(SIGN_INT64, int64_t, int32_t, (x > 0) - (x < 0))
WHOLE1(BIT_COUNT_INT32, int32_t, int32_t, __builtin_popcount((uint32_t)x))
WHOLE1(BIT_COUNT_INT64, int64_t, int32_t, __builtin_popcountll((uint64_t)x))
WHOLE1(BIT_NOT_INT32, int32_t, int32_t, ~x)
WHOLE1(BIT_NOT_INT64, int64_t, int64_t, ~x)

#define WHOLE2(ID, T, EXPR) \
    void mr_fn_##ID(mr_fn_call *call) { \
        MR_FN_EACH2(call, mr_eval_call_dense(call), T, T, T, out[row] = (EXPR)); \
    }
WHOLE2(BIT_AND_INT32, int32_t, x & y)
WHOLE2(BIT_AND_INT64, int64_t, x & y)
WHOLE2(BIT_OR_INT32, int32_t, x | y)
WHOLE2(BIT_OR_INT64, int64_t, x | y)
WHOLE2(BIT_XOR_INT32, int32_t, x ^ y)
WHOLE2(BIT_XOR_INT64, int64_t, x ^ y)
// Bits moved out of the number leave 0, as does a negative distance.
WHOLE2(SHIFT_RIGHT_INT32, int32_t, y < 0 || y > 31 ? 0 : x >> y)
WHOLE2(SHIFT_RIGHT_INT64, int64_t, y < 0 || y > 63 ? 0 : x >> y)
// clang-format on

static bool shift_left(int64_t x, int64_t by, uint32_t bits, int64_t *ret) {
    if (x < 0 || by < 0) {
        return false;
    }
    if (x == 0 || by == 0) {
        *ret = x;
        return true;
    }
    if (by >= bits - 1 || x >= (int64_t)1 << (bits - 1 - by)) {
        return false;
    }
    *ret = x << by;
    return true;
}

#define SHIFT_LEFT(ID, T, BITS)                               \
    void mr_fn_##ID(mr_fn_call *call) {                       \
        MR_FN_EACH2(call, mr_eval_call_live(call), T, T, T, { \
            int64_t shifted = 0;                              \
            if (!shift_left(x, y, BITS, &shifted)) {          \
                mr_fn_fail_range(call, row, "<<");            \
            }                                                 \
            out[row] = (T)shifted;                            \
        });                                                   \
    }
SHIFT_LEFT(SHIFT_LEFT_INT32, int32_t, 32)
SHIFT_LEFT(SHIFT_LEFT_INT64, int64_t, 64)

static uint64_t magnitude(int64_t x) {
    return x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
}

static uint64_t common_divisor(int64_t x, int64_t y) {
    uint64_t a = magnitude(x), b = magnitude(y);
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void mr_fn_GCD(mr_fn_call *call) {
    MR_FN_EACH2(call, mr_eval_call_live(call), int64_t, int64_t, int64_t, {
        uint64_t gcd = common_divisor(x, y);
        out[row] = gcd > INT64_MAX ? 0 : (int64_t)gcd;
        if (gcd > INT64_MAX) {
            mr_fn_fail_range(call, row, "gcd");
        }
    });
}

void mr_fn_LCM(mr_fn_call *call) {
    MR_FN_EACH2(call, mr_eval_call_live(call), int64_t, int64_t, int64_t, {
        uint64_t gcd = common_divisor(x, y);
        uint64_t lcm = 0;
        bool fits = gcd == 0 || mr_mul_fits(magnitude(x), magnitude(y) / gcd, &lcm);
        fits = fits && lcm <= INT64_MAX;
        out[row] = fits ? (int64_t)lcm : 0;
        if (!fits) {
            mr_fn_fail_range(call, row, "lcm");
        }
    });
}

void mr_fn_FACTORIAL(mr_fn_call *call) {
    MR_FN_EACH1(call, mr_eval_call_live(call), int32_t, int64_t, {
        int64_t product = 1;
        for (int32_t i = 2; i <= MR_MIN(x, 20); i++) {
            product *= i;
        }
        out[row] = product;
        if (x > 20) {
            mr_fn_fail_range(call, row, "factorial");
        }
    });
}

// Digits before the point only: a whole number has none behind it. Halves go away from 0.
static bool cut_whole(int64_t x, int32_t digits, bool nearest, int64_t *ret) {
    *ret = x;
    if (digits >= 0) {
        return true;
    }
    if (digits < -19) {
        *ret = 0;
        return true;
    }
    __int128 power = 1;
    for (int32_t i = digits; i < 0; i++) {
        power *= 10;
    }
    __int128 value = (__int128)x + (nearest ? x < 0 ? -power / 2 : power / 2 : 0);
    value = value / power * power;
    if (value < INT64_MIN || value > INT64_MAX) {
        return false;
    }
    *ret = (int64_t)value;
    return true;
}

#define CUT_WHOLE(ID, T, NAME, NEAREST)                                           \
    void mr_fn_##ID(mr_fn_call *call) {                                           \
        MR_FN_EACH2(call, mr_eval_call_live(call), T, int32_t, T, {               \
            int64_t cut = 0;                                                      \
            bool fits = cut_whole(x, y, NEAREST, &cut) && (int64_t)(T)cut == cut; \
            out[row] = fits ? (T)cut : 0;                                         \
            if (!fits) {                                                          \
                mr_fn_fail_range(call, row, NAME);                                \
            }                                                                     \
        });                                                                       \
    }
CUT_WHOLE(ROUND_INT32_DIGITS, int32_t, "round", true)
CUT_WHOLE(ROUND_INT64_DIGITS, int64_t, "round", true)
CUT_WHOLE(TRUNC_INT32_DIGITS, int32_t, "trunc", false)
CUT_WHOLE(TRUNC_INT64_DIGITS, int64_t, "trunc", false)
