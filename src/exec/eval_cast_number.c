// Eval, casts between numbers, and to and from boolean.
//
// DuckDB's meaning: a double becomes the nearest integer, halves to the even one; a numeric is
// rounded, halves away from 0; a value out of range fails its row. How: values of numerics that fit
// 64 bits (nearly all) take a way of their own.

#include <math.h>

#include "base/numeric.h"
#include "exec/eval_cast.h"

#define DOUBLE_EXACT ((int64_t)1 << 53)  // Whole numbers below it are doubles, and so are …
#define POWER_EXACT  22                  // … the powers of ten up to this one.

// Both the value and what it is rounded to must be in range, as in DuckDB for the lower end.
static bool double_fits(double value, double min, double max, int64_t *ret) {
    double nearest = rint(value);
    if (!(value >= min && nearest < max)) {  // Also NaN.
        return false;
    }
    *ret = (int64_t)nearest;
    return true;
}

static bool double_to_int16(double x, int16_t *to) {
    int64_t value = 0;
    bool fits = double_fits(x, -0x1p15, 0x1p15, &value);
    *to = (int16_t)value;
    return fits;
}

static bool double_to_int32(double x, int32_t *to) {
    int64_t value = 0;
    bool fits = double_fits(x, -0x1p31, 0x1p31, &value);
    *to = (int32_t)value;
    return fits;
}

static bool double_to_float(double x, float *to) {
    *to = (float)x;
    return isfinite(*to) || !isfinite(x);
}

static bool int64_to_int16(int64_t x, int16_t *to) {
    *to = (int16_t)x;
    return *to == x;
}

static bool int64_to_int32(int64_t x, int32_t *to) {
    *to = (int32_t)x;
    return *to == x;
}

// ---- numeric -----------------------------------------------------------------------------------

static bool whole_to_numeric(int64_t x, mr_type type, mr_int128 *to) {
    __int128 value = 0;
    bool fits = mr_numeric_rescale(x, /* scale= */ 0, type.scale, type.precision, &value);
    *to = value;
    return fits;
}

static bool numeric_to_numeric(__int128 x, mr_type from, mr_type type, mr_int128 *to) {
    __int128 value = 0;
    bool fits = mr_numeric_rescale(x, from.scale, type.scale, type.precision, &value);
    *to = value;
    return fits;
}

static bool numeric_to_int64(__int128 x, mr_type from, int64_t *to) {
    __int128 value = 0;
    bool fits = mr_numeric_rescale(x, from.scale, /* to_scale= */ 0, MR_NUMERIC_DIGITS_MAX, &value);
    *to = (int64_t)value;
    return fits && *to == value;
}

static bool numeric_to_int32(__int128 x, mr_type from, int32_t *to) {
    int64_t value;
    return numeric_to_int64(x, from, &value) && int64_to_int32(value, to);
}

static bool numeric_to_int16(__int128 x, mr_type from, int16_t *to) {
    int64_t value;
    return numeric_to_int64(x, from, &value) && int64_to_int16(value, to);
}

static double numeric_to_double(__int128 x, mr_type from) {
    if (x < DOUBLE_EXACT && x > -DOUBLE_EXACT && from.scale <= POWER_EXACT) {
        static const double powers[POWER_EXACT + 1] = {
            1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
            1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
        return (double)(int64_t)x / powers[from.scale];  // One rounding, so the nearest double.
    }
    return mr_numeric_to_double(x, from.scale);
}

static bool double_to_numeric(double x, mr_type type, mr_int128 *to) {
    __int128 value = 0;
    bool fits = mr_numeric_from_double(x, type.precision, type.scale, &value);
    *to = value;
    return fits;
}

// The scaled value is a float again, as in DuckDB.
static bool float_to_numeric(float x, mr_type type, mr_int128 *to) {
    double power = (double)mr_numeric_pow10(type.scale);
    double limit = (double)mr_numeric_pow10(type.precision);
    double scaled = round((double)x * power);
    if (!(scaled > -limit && scaled < limit)) {  // Also NaN.
        return false;
    }
    *to = (__int128)(float)scaled;
    return true;
}

#define FROM (call->args[0].type)
#define TYPE (call->out->type)

MR_CAST_ALWAYS(bool_to_int16, uint8_t, int16_t, x)
MR_CAST_ALWAYS(bool_to_int32, uint8_t, int32_t, x)
MR_CAST_ALWAYS(bool_to_int64, uint8_t, int64_t, x)
MR_CAST_CHECKED(bool_to_numeric, uint8_t, mr_int128, whole_to_numeric(x, TYPE, to))
MR_CAST_ALWAYS(bool_to_float32, uint8_t, float, x)
MR_CAST_ALWAYS(bool_to_float64, uint8_t, double, x)

MR_CAST_ALWAYS(int16_to_bool, int16_t, uint8_t, x != 0)
MR_CAST_ALWAYS(int16_to_int32, int16_t, int32_t, x)
MR_CAST_ALWAYS(int16_to_int64, int16_t, int64_t, x)
MR_CAST_CHECKED(int16_to_numeric, int16_t, mr_int128, whole_to_numeric(x, TYPE, to))
MR_CAST_ALWAYS(int16_to_float32, int16_t, float, x)
MR_CAST_ALWAYS(int16_to_float64, int16_t, double, x)

MR_CAST_ALWAYS(int32_to_bool, int32_t, uint8_t, x != 0)
MR_CAST_CHECKED(int32_to_int16, int32_t, int16_t, int64_to_int16(x, to))
MR_CAST_ALWAYS(int32_to_int64, int32_t, int64_t, x)
MR_CAST_CHECKED(int32_to_numeric, int32_t, mr_int128, whole_to_numeric(x, TYPE, to))
MR_CAST_ALWAYS(int32_to_float32, int32_t, float, (float)x)
MR_CAST_ALWAYS(int32_to_float64, int32_t, double, x)

MR_CAST_ALWAYS(int64_to_bool, int64_t, uint8_t, x != 0)
MR_CAST_CHECKED(cast_int64_to_int16, int64_t, int16_t, int64_to_int16(x, to))
MR_CAST_CHECKED(cast_int64_to_int32, int64_t, int32_t, int64_to_int32(x, to))
MR_CAST_CHECKED(int64_to_numeric, int64_t, mr_int128, whole_to_numeric(x, TYPE, to))
MR_CAST_ALWAYS(int64_to_float32, int64_t, float, (float)x)
MR_CAST_ALWAYS(int64_to_float64, int64_t, double, (double)x)

MR_CAST_ALWAYS(numeric_to_bool, mr_int128, uint8_t, x != 0)
MR_CAST_CHECKED(cast_numeric_to_int16, mr_int128, int16_t, numeric_to_int16(x, FROM, to))
MR_CAST_CHECKED(cast_numeric_to_int32, mr_int128, int32_t, numeric_to_int32(x, FROM, to))
MR_CAST_CHECKED(cast_numeric_to_int64, mr_int128, int64_t, numeric_to_int64(x, FROM, to))
MR_CAST_CHECKED(cast_numeric, mr_int128, mr_int128, numeric_to_numeric(x, FROM, TYPE, to))
// Rows without a meaning may hold more digits than a numeric has, so only live ones are looked at.
MR_CAST_CHECKED(numeric_to_float32, mr_int128, float,
                (*to = (float)numeric_to_double(x, FROM), true))
MR_CAST_CHECKED(numeric_to_float64, mr_int128, double, (*to = numeric_to_double(x, FROM), true))

MR_CAST_ALWAYS(float32_to_bool, float, uint8_t, x != 0)
MR_CAST_CHECKED(float32_to_int16, float, int16_t, double_to_int16((double)x, to))
MR_CAST_CHECKED(float32_to_int32, float, int32_t, double_to_int32((double)x, to))
MR_CAST_CHECKED(float32_to_int64, float, int64_t, double_fits((double)x, -0x1p63, 0x1p63, to))
MR_CAST_CHECKED(float32_to_numeric, float, mr_int128, float_to_numeric(x, TYPE, to))
MR_CAST_ALWAYS(float32_to_float64, float, double, (double)x)

MR_CAST_ALWAYS(float64_to_bool, double, uint8_t, x != 0)
MR_CAST_CHECKED(float64_to_int16, double, int16_t, double_to_int16(x, to))
MR_CAST_CHECKED(float64_to_int32, double, int32_t, double_to_int32(x, to))
MR_CAST_CHECKED(float64_to_int64, double, int64_t, double_fits(x, -0x1p63, 0x1p63, to))
MR_CAST_CHECKED(float64_to_numeric, double, mr_int128, double_to_numeric(x, TYPE, to))
MR_CAST_CHECKED(float64_to_float32, double, float, double_to_float(x, to))

mr_fn_kernel mr_eval_cast_number(mr_type_id from, mr_type_id to) {
    static const mr_fn_kernel kernels[MR_TYPE_COUNT][MR_TYPE_COUNT] = {
        [MR_BOOL] = {[MR_INT16] = bool_to_int16,
                     [MR_INT32] = bool_to_int32,
                     [MR_INT64] = bool_to_int64,
                     [MR_NUMERIC] = bool_to_numeric,
                     [MR_FLOAT32] = bool_to_float32,
                     [MR_FLOAT64] = bool_to_float64},
        [MR_INT16] = {[MR_BOOL] = int16_to_bool,
                      [MR_INT32] = int16_to_int32,
                      [MR_INT64] = int16_to_int64,
                      [MR_NUMERIC] = int16_to_numeric,
                      [MR_FLOAT32] = int16_to_float32,
                      [MR_FLOAT64] = int16_to_float64},
        [MR_INT32] = {[MR_BOOL] = int32_to_bool,
                      [MR_INT16] = int32_to_int16,
                      [MR_INT64] = int32_to_int64,
                      [MR_NUMERIC] = int32_to_numeric,
                      [MR_FLOAT32] = int32_to_float32,
                      [MR_FLOAT64] = int32_to_float64},
        [MR_INT64] = {[MR_BOOL] = int64_to_bool,
                      [MR_INT16] = cast_int64_to_int16,
                      [MR_INT32] = cast_int64_to_int32,
                      [MR_NUMERIC] = int64_to_numeric,
                      [MR_FLOAT32] = int64_to_float32,
                      [MR_FLOAT64] = int64_to_float64},
        [MR_NUMERIC] = {[MR_BOOL] = numeric_to_bool,
                        [MR_INT16] = cast_numeric_to_int16,
                        [MR_INT32] = cast_numeric_to_int32,
                        [MR_INT64] = cast_numeric_to_int64,
                        [MR_NUMERIC] = cast_numeric,
                        [MR_FLOAT32] = numeric_to_float32,
                        [MR_FLOAT64] = numeric_to_float64},
        [MR_FLOAT32] = {[MR_BOOL] = float32_to_bool,
                        [MR_INT16] = float32_to_int16,
                        [MR_INT32] = float32_to_int32,
                        [MR_INT64] = float32_to_int64,
                        [MR_NUMERIC] = float32_to_numeric,
                        [MR_FLOAT64] = float32_to_float64},
        [MR_FLOAT64] = {[MR_BOOL] = float64_to_bool,
                        [MR_INT16] = float64_to_int16,
                        [MR_INT32] = float64_to_int32,
                        [MR_INT64] = float64_to_int64,
                        [MR_NUMERIC] = float64_to_numeric,
                        [MR_FLOAT32] = float64_to_float32},
    };
    return kernels[from][to];
}
