// Types, folding: constants of numbers as constants of another number type.
//
// How: whole and decimal numbers go by way of a 128-bit integer and its scale, so that nothing is
// lost; floats become the nearest whole number (halves to the even one), as casts of exec do.

#include "sql/types_fold.h"

#include <math.h>
#include <string.h>

#include "base/numeric.h"

// The value of a whole or decimal number.
static bool take_exact(const mr_vector *from, __int128 *ret, uint32_t *ret_scale) {
    *ret_scale = 0;
    switch ((int)from->type.id) {
    case MR_INT16: *ret = from->int16s[0]; return true;
    case MR_INT32: *ret = from->int32s[0]; return true;
    case MR_INT64: *ret = from->int64s[0]; return true;
    case MR_NUMERIC: *ret = from->numerics[0], *ret_scale = from->type.scale; return true;
    default: return false;
    }
}

static bool put_whole(__int128 value, mr_type to, void *ret) {
    switch ((int)to.id) {
    case MR_INT16: memcpy(ret, &(int16_t){(int16_t)value}, 2); return value == (int16_t)value;
    case MR_INT32: memcpy(ret, &(int32_t){(int32_t)value}, 4); return value == (int32_t)value;
    default: memcpy(ret, &(int64_t){(int64_t)value}, 8); return value == (int64_t)value;
    }
}

static bool put_double(double value, mr_type to, void *ret) {
    if (to.id == MR_FLOAT64) {
        memcpy(ret, &value, sizeof(value));
        return true;
    }
    float narrow = (float)value;
    memcpy(ret, &narrow, sizeof(narrow));
    return isfinite(narrow) || !isfinite(value);
}

static bool fold_exact(__int128 value, uint32_t scale, mr_type to, void *ret) {
    if (mr_type_is_float(to)) {
        return put_double(mr_numeric_to_double(value, scale), to, ret);
    }
    __int128 scaled;
    bool numeric = to.id == MR_NUMERIC;
    if (!mr_numeric_rescale(value, scale, numeric ? to.scale : 0,
                            numeric ? to.precision : MR_NUMERIC_DIGITS_MAX, &scaled)) {
        return false;
    }
    if (numeric) {
        memcpy(ret, &scaled, sizeof(scaled));
        return true;
    }
    return put_whole(scaled, to, ret);
}

bool mr_types_fold(const mr_vector *from, mr_type to, void *ret) {
    __int128 value = 0;
    uint32_t scale;
    if (!mr_type_is_numeric(from->type) || !mr_type_is_numeric(to)) {
        return false;
    }
    if (take_exact(from, &value, &scale)) {
        return fold_exact(value, scale, to, ret);
    }
    double real = from->type.id == MR_FLOAT32 ? (double)from->float32s[0] : from->float64s[0];
    if (mr_type_is_float(to)) {
        return put_double(real, to, ret);
    }
    if (to.id == MR_NUMERIC && from->type.id == MR_FLOAT32) {
        return false;  // Rounded as a float: exec's.
    }
    if (to.id == MR_NUMERIC) {
        bool fits = mr_numeric_from_double(real, to.precision, to.scale, &value);
        memcpy(ret, &value, sizeof(value));
        return fits;
    }
    // Both the value and what it is rounded to must be in range, as in exec's cast.
    double above = to.id == MR_INT16 ? 0x1p15 : to.id == MR_INT32 ? 0x1p31 : 0x1p63;
    double nearest = rint(real);
    return real >= -above && nearest < above && put_whole((int64_t)nearest, to, ret);
}
