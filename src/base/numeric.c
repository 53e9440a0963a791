// Numeric: exact decimals; see numeric.h.
//
// How: magnitudes are worked on as unsigned 128-bit integers, and no step leaves 38 digits, which
// an __int128 holds with room for one more bit. Doubles that a single exact division does not give
// go through text, whose reading the C library rounds correctly.

#include "base/numeric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 numeric_size;  // A magnitude.

#define P(n)    ((__int128)1e##n)
#define HIGH(n) ((__int128)10000000000000000000u * P(n))  // 10^(19 + n); n <= 19.
static const __int128 numeric_powers[MR_NUMERIC_SCALE_MAX + 1] = {
    P(0),     P(1),     P(2),     P(3),     P(4),     P(5),     P(6),     P(7),
    P(8),     P(9),     P(10),    P(11),    P(12),    P(13),    P(14),    P(15),
    P(16),    P(17),    P(18),    HIGH(0),  HIGH(1),  HIGH(2),  HIGH(3),  HIGH(4),
    HIGH(5),  HIGH(6),  HIGH(7),  HIGH(8),  HIGH(9),  HIGH(10), HIGH(11), HIGH(12),
    HIGH(13), HIGH(14), HIGH(15), HIGH(16), HIGH(17), HIGH(18), HIGH(19)};
#undef HIGH
#undef P

__int128 mr_numeric_pow10(uint32_t n) {
    mr_assert(n <= MR_NUMERIC_SCALE_MAX);
    return numeric_powers[n];
}

static numeric_size size_of(__int128 value) {
    return value < 0 ? 0 - (numeric_size)value : (numeric_size)value;
}

bool mr_numeric_fits(__int128 value, uint32_t digits) {
    return size_of(value) < (numeric_size)mr_numeric_pow10(digits);
}

// Takes the last `count` digits off, rounding halves up.
static numeric_size round_off(numeric_size size, uint32_t count) {
    numeric_size unit = (numeric_size)mr_numeric_pow10(count);
    return size / unit + (size % unit >= unit - unit / 2);
}

static bool give(numeric_size size, bool negative, uint32_t digits, __int128 *ret) {
    if (size >= (numeric_size)mr_numeric_pow10(digits)) {
        return false;
    }
    *ret = negative ? -(__int128)size : (__int128)size;
    return true;
}

bool mr_numeric_rescale(__int128 value, uint32_t scale, uint32_t to_scale, uint32_t to_digits,
                        __int128 *ret) {
    numeric_size size = size_of(value);
    if (to_scale < scale) {
        return give(round_off(size, scale - to_scale), value < 0, to_digits, ret);
    }
    numeric_size unit = (numeric_size)mr_numeric_pow10(to_scale - scale);
    if (size > (numeric_size)mr_numeric_pow10(MR_NUMERIC_SCALE_MAX) / unit) {
        return false;
    }
    return give(size * unit, value < 0, to_digits, ret);
}

bool mr_numeric_add(__int128 a, __int128 b, __int128 *ret) {
    __int128 sum;
    if (!mr_add_fits(a, b, &sum) || !mr_numeric_fits(sum, MR_NUMERIC_SCALE_MAX)) {
        return false;
    }
    *ret = sum;
    return true;
}

bool mr_numeric_mul(__int128 a, __int128 b, __int128 *ret) {
    __int128 product;
    if (!mr_mul_fits(a, b, &product) || !mr_numeric_fits(product, MR_NUMERIC_SCALE_MAX)) {
        return false;
    }
    *ret = product;
    return true;
}

// ---- text --------------------------------------------------------------------------------------

#define EXPONENT_MAX 1000000  // Larger ones change nothing any more: 0, or too large.

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The parts of a number's text.
typedef struct numeric_text {
    const char *digits;  // From the first digit or point on.
    const char *end;     // Behind the last one.
    int64_t whole;       // Digits in front of the point.
    int64_t exponent;
    bool negative;
} numeric_text;

static bool take_exponent(const char *at, const char *end, int64_t *ret) {
    bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    if (at == end) {
        return false;
    }
    int64_t value = 0;
    for (; at < end; at++) {
        if (!is_digit(*at)) {
            return false;
        }
        value = MR_MIN(value * 10 + (*at - '0'), EXPONENT_MAX);
    }
    *ret = negative ? -value : value;
    return true;
}

static bool split(mr_span in, numeric_text *ret) {
    in = mr_span_trim(in);
    const char *at = in.data;
    const char *end = in.data + in.bytes;
    *ret = (numeric_text){.negative = at < end && *at == '-'};
    at += at < end && (*at == '-' || *at == '+');
    ret->digits = at;
    while (at < end && is_digit(*at)) {
        at++;
    }
    ret->whole = at - ret->digits;
    int64_t count = ret->whole;
    if (at < end && *at == '.') {
        for (at++; at < end && is_digit(*at); at++) {
            count++;
        }
    }
    ret->end = at;
    if (count == 0) {
        return false;
    }
    return at == end || ((*at == 'e' || *at == 'E') && take_exponent(at + 1, end, &ret->exponent));
}

bool mr_numeric_parse(mr_span in, uint32_t digits, uint32_t scale, __int128 *ret) {
    numeric_text text;
    if (!split(in, &text)) {
        return false;
    }
    const numeric_size tenth = (numeric_size)mr_numeric_pow10(MR_NUMERIC_SCALE_MAX - 1);
    numeric_size size = 0;
    // How many digits are taken; the one behind them rounds.
    int64_t left = text.whole + text.exponent + scale;
    for (const char *at = text.digits; at < text.end && left >= 0; at++) {
        if (*at == '.') {
            continue;
        }
        uint32_t digit = (uint32_t)(*at - '0');
        if (left-- == 0) {
            size += digit >= 5;
            break;
        }
        if (size >= tenth) {
            return false;
        }
        size = size * 10 + digit;
    }
    for (; left > 0 && size > 0; left--) {
        if (size >= tenth) {
            return false;
        }
        size *= 10;
    }
    return give(size, text.negative, digits, ret);
}

#define TEXT_BYTES_MAX (MR_NUMERIC_SCALE_MAX + 3)  // Sign, a 0, the point, digits.

// Writes a magnitude so that it ends at `end`; returns where it begins.
static char *write_back(numeric_size size, uint32_t scale, char *end) {
    char *at = end;
    // Nineteen digits at a time, since 128-bit division is slow.
    const numeric_size unit = (numeric_size)mr_numeric_pow10(19);
    uint64_t part = 0;
    for (uint32_t i = 0; i <= scale || size > 0 || part > 0; i++) {
        if (i % 19 == 0) {
            part = (uint64_t)(size % unit);
            size /= unit;
        }
        if (i == scale && scale > 0) {
            *--at = '.';
        }
        *--at = (char)('0' + part % 10);
        part /= 10;
    }
    return at;
}

void mr_numeric_print(__int128 value, uint32_t scale, mr_text *out) {
    char buffer[TEXT_BYTES_MAX];
    char *end = buffer + sizeof(buffer);
    mr_assert(scale <= MR_NUMERIC_SCALE_MAX);
    mr_assert(mr_numeric_fits(value, MR_NUMERIC_SCALE_MAX));
    char *at = write_back(size_of(value), scale, end);
    if (value < 0) {
        *--at = '-';
    }
    mr_text_add_bytes(out, at, (size_t)(end - at));
}

// ---- doubles -----------------------------------------------------------------------------------

// A magnitude as "123e-2" for the C library; ret has room for 48 bytes. Returns its start.
static const char *write_exact(__int128 value, uint32_t scale, char *ret) {
    mr_assert(scale <= MR_NUMERIC_SCALE_MAX && mr_numeric_fits(value, MR_NUMERIC_SCALE_MAX));
    char *end = ret + MR_NUMERIC_SCALE_MAX;
    const char tail[5] = {'e', '-', (char)('0' + scale / 10), (char)('0' + scale % 10), '\0'};
    memcpy(end, tail, sizeof(tail));
    return write_back(size_of(value), /* scale= */ 0, end);
}

double mr_numeric_to_double(__int128 value, uint32_t scale) {
    if (size_of(value) <= (numeric_size)1 << 53 && scale <= 22) {
        // Both exact, so that the quotient is rounded once.
        return (double)(int64_t)value / (double)mr_numeric_pow10(scale);
    }
    char text[48];
    double size = 0;
    bool read = mr_text_parse_double(mr_span_of(write_exact(value, scale, text)), &size);
    mr_assert(read);
    return value < 0 ? -size : size;
}

float mr_numeric_to_float(__int128 value, uint32_t scale) {
    if (size_of(value) <= (numeric_size)1 << 24 && scale <= 10) {
        return (float)(int64_t)value / (float)mr_numeric_pow10(scale);
    }
    char text[48];
    float size = strtof(write_exact(value, scale, text), NULL);
    return value < 0 ? -size : size;
}

static bool from_rounded(double value, uint32_t digits, __int128 *ret) {
    if (!(fabs(value) < (double)mr_numeric_pow10(digits))) {
        return false;  // NaN too.
    }
    return give(size_of((__int128)value), value < 0, digits, ret);
}

bool mr_numeric_from_double(double value, uint32_t digits, uint32_t scale, __int128 *ret) {
    return from_rounded(round(value * (double)mr_numeric_pow10(scale)), digits, ret);
}

bool mr_numeric_from_float(float value, uint32_t digits, uint32_t scale, __int128 *ret) {
    double scaled = round((double)value * (double)mr_numeric_pow10(scale));
    return from_rounded((double)(float)scaled, digits, ret);
}
