// JSON numbers, the rest: doubles of any length (Eisel-Lemire), integers however written, epoch
// times.
//
// All take text of valid grammar (number_end found its end) that is followed by a byte which cannot
// belong to a number.

#include "codec/json_number.h"

#include <math.h>
#include <stdlib.h>

#include "codec/json_decode.h"
#include "codec/json_pow5.h"

// digits * 10^exponent. whole: nothing but an integer was written.
typedef struct number_parts {
    uint64_t digits;  // The first 19 significant ones.
    int64_t exponent;
    bool negative;
    bool whole;
    bool cut;  // Digits other than zero were dropped.
} number_parts;

// Appends digits to parts; returns how many there were. Those past 19 significant ones are dropped.
static uint32_t number_add_digits(const char *at, number_parts *parts, bool fraction) {
    uint32_t count = 0;
    for (; at[count] >= '0' && at[count] <= '9'; count++) {
        if (parts->digits < 1000000000000000000u) {
            parts->digits = parts->digits * 10 + (uint64_t)(at[count] - '0');
            parts->exponent -= fraction;
        } else {
            parts->cut |= at[count] != '0';
            parts->exponent += !fraction;
        }
    }
    return count;
}

static number_parts number_split(const char *at) {
    number_parts parts = {.whole = true};
    parts.negative = *at == '-';
    at += parts.negative;
    at += number_add_digits(at, &parts, /* fraction= */ false);
    if (*at == '.') {
        parts.whole = false;
        at += 1 + number_add_digits(at + 1, &parts, /* fraction= */ true);
    }
    if ((*at | 0x20) == 'e') {
        parts.whole = false;
        bool negative = at[1] == '-';
        at += at[1] == '-' || at[1] == '+' ? 2 : 1;
        int64_t exponent = 0;
        for (; *at >= '0' && *at <= '9'; at++) {
            exponent = MR_MIN(exponent * 10 + (*at - '0'), 1000000000000);
        }
        parts.exponent += negative ? -exponent : exponent;
    }
    return parts;
}

// digits * 10^power as a double, when the 128-bit product decides it. Source: Lemire 2021, section
// 7; with this range of powers the result is never subnormal and never too large.
static bool number_lemire(uint64_t digits, int32_t power, double *ret) {
    mr_assert(digits != 0 && power >= POW5_MIN && power <= POW5_MAX);
    const uint64_t *pow5 = number_pow5[power - POW5_MIN];
    int zeros = __builtin_clzll(digits);
    digits <<= zeros;
    unsigned __int128 product = (unsigned __int128)digits * pow5[0];
    uint64_t high = (uint64_t)(product >> 64);
    uint64_t low = (uint64_t)product;
    if ((high & 0x1FF) == 0x1FF) {
        uint64_t more = (uint64_t)(((unsigned __int128)digits * pow5[1]) >> 64);
        low += more;
        high += low < more;
    }
    if (low == UINT64_MAX && (power < -27 || power > 55)) {
        return false;
    }
    int top = (int)(high >> 63);
    uint64_t mantissa = high >> (top + 9);
    int64_t exponent = (((152170 + 65536) * power) >> 16) + 63 + top - zeros + 1023;
    if (low <= 1 && power >= -4 && power <= 23 && (mantissa & 3) == 1 &&
        mantissa << (top + 9) == high) {
        mantissa &= ~(uint64_t)1;  // Exactly between two doubles: to the even one.
    }
    mantissa += mantissa & 1;
    mantissa >>= 1;
    if (mantissa >= (uint64_t)1 << 53) {
        mantissa = (uint64_t)1 << 52;
        exponent++;
    }
    mr_assert(exponent > 0 && exponent < 2047);
    uint64_t bits = (mantissa & ~((uint64_t)1 << 52)) | ((uint64_t)exponent << 52);
    memcpy(ret, &bits, sizeof(bits));
    return true;
}

bool mr_json_number_double(const char *at, double *ret) {
    number_parts parts = number_split(at);
    double value = 0;
    if (parts.digits == 0) {
        // "-0" is an integer, and integers have one zero.
        *ret = parts.negative && !parts.whole ? -0.0 : 0.0;
        return true;
    }
    bool decided = false;
    if (parts.exponent >= POW5_MIN && parts.exponent <= POW5_MAX) {
        decided = number_lemire(parts.digits, (int32_t)parts.exponent, &value);
        if (decided && parts.cut) {
            // Right if the dropped digits, at most one more in the last place, change nothing.
            double above;
            decided =
                number_lemire(parts.digits + 1, (int32_t)parts.exponent, &above) && above == value;
        }
    }
    if (!decided) {
        value = fabs(strtod(at, NULL));
        if (isinf(value)) {
            return false;
        }
    }
    *ret = parts.negative ? -value : value;
    return true;
}

json_whole mr_json_number_int(const char *at, int64_t *ret) {
    number_parts parts = number_split(at);
    uint64_t limit = (uint64_t)INT64_MAX + parts.negative;
    if (parts.digits == 0) {
        *ret = 0;
        return JSON_WHOLE;
    }
    for (; parts.exponent < 0; parts.exponent++) {
        // Where digits were dropped, some of them stand behind the point.
        if (parts.cut || parts.digits % 10 != 0) {
            return JSON_WHOLE_NOT;
        }
        parts.digits /= 10;
    }
    for (; parts.exponent > 0; parts.exponent--) {
        if (parts.digits > limit / 10) {
            return JSON_WHOLE_TOO_LARGE;
        }
        parts.digits *= 10;
    }
    if (parts.cut) {
        return JSON_WHOLE_NOT;  // Nineteen digits before the point, and something behind it.
    }
    if (parts.digits > limit) {
        return JSON_WHOLE_TOO_LARGE;
    }
    *ret = (int64_t)(parts.negative ? 0 - parts.digits : parts.digits);
    return JSON_WHOLE;
}

bool mr_json_number_time(const char *at, int64_t unit_us, int64_t *ret) {
    number_parts parts = number_split(at);
    __int128 value = (__int128)parts.digits * unit_us;
    if (parts.digits == 0) {
        *ret = 0;
        return true;
    }
    value = parts.negative ? -value : value;
    for (; parts.exponent > 0; parts.exponent--) {
        value *= 10;
        if (value > INT64_MAX || value < -INT64_MAX) {
            return false;
        }
    }
    if (parts.exponent < -30) {
        parts.exponent = -30;  // Less than a microsecond already.
    }
    // Digits are cut towards the past, as they are in text.
    bool cut = parts.cut;
    for (; parts.exponent < 0; parts.exponent++) {
        cut |= value % 10 != 0;
        value /= 10;
    }
    value -= cut && parts.negative;
    if (value >= INT64_MAX || value <= -INT64_MAX) {
        return false;
    }
    *ret = (int64_t)value;
    return true;
}
