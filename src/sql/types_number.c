// Types, numbers and truth values written as text, as DuckDB 1.4 reads them.
//
// How: a decimal number is split into digits, point and exponent first; a whole number is then
// taken from the digits before the (moved) point, and rounded by the one behind it, so nothing is
// lost on the way through a double.

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "base/numeric.h"
#include "sql/types_text.h"

#define DIGITS_MAX 400  // Longer numbers are cut behind this many significant digits.

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

typedef struct decimal {
    bool negative;
    uint32_t digit_count;
    char digits[DIGITS_MAX];  // Without leading zeros.
    int64_t point;            // The value is 0.DIGITS * 10^point.
} decimal;

// Takes digits with single underscores between them; false when an underscore stands elsewhere.
static bool take_digits(mr_span *in, decimal *d, bool fraction, bool *ret_any) {
    bool was_digit = false;
    for (; in->bytes > 0; in->data++, in->bytes--) {
        char c = in->data[0];
        if (c == '_') {
            if (!was_digit || in->bytes == 1 || !isdigit((uint8_t)in->data[1])) {
                return false;
            }
            was_digit = false;
            continue;
        }
        if (!isdigit((uint8_t)c)) {
            break;
        }
        was_digit = true;
        *ret_any = true;
        if (d->digit_count > 0 || c != '0') {
            d->point += !fraction;
            if (d->digit_count < DIGITS_MAX) {
                d->digits[d->digit_count++] = c;
            }
        } else {
            d->point -= fraction;
        }
    }
    return true;
}

static bool take_exponent(mr_span *in, decimal *d) {
    if (in->bytes == 0 || (in->data[0] != 'e' && in->data[0] != 'E')) {
        return true;
    }
    in->data++, in->bytes--;
    bool negative = in->bytes > 0 && in->data[0] == '-';
    if (in->bytes > 0 && (in->data[0] == '-' || in->data[0] == '+')) {
        in->data++, in->bytes--;
    }
    decimal exponent = {.point = 0};
    bool any = false;
    if (!take_digits(in, &exponent, /* fraction= */ false, &any) || !any ||
        exponent.digit_count > 9) {
        return false;
    }
    int64_t value = 0;
    for (uint32_t i = 0; i < exponent.digit_count; i++) {
        value = value * 10 + (exponent.digits[i] - '0');
    }
    d->point += negative ? -value : value;
    return true;
}

static bool decimal_parse(mr_span in, decimal *ret) {
    ret->negative = false;
    ret->digit_count = 0;
    ret->point = 0;
    if (in.bytes > 0 && (in.data[0] == '-' || in.data[0] == '+')) {
        ret->negative = in.data[0] == '-';
        in.data++, in.bytes--;
    }
    bool any = false;
    if (!take_digits(&in, ret, /* fraction= */ false, &any)) {
        return false;
    }
    if (in.bytes > 0 && in.data[0] == '.') {
        in.data++, in.bytes--;
        if (!take_digits(&in, ret, /* fraction= */ true, &any)) {
            return false;
        }
    }
    return any && take_exponent(&in, ret) && in.bytes == 0;
}

// "0x1F" and "0b101", without a sign.
static bool parse_based(mr_span in, uint64_t base, uint64_t max, int64_t *ret) {
    uint64_t value = 0;
    bool was_digit = false;
    for (size_t i = 2; i < in.bytes; i++) {
        int digit = hex_digit(in.data[i]);
        if (in.data[i] == '_' && was_digit && i + 1 < in.bytes) {
            was_digit = false;
            continue;
        }
        if (digit < 0 || (uint64_t)digit >= base || value > max / base) {
            return false;
        }
        value = value * base + (uint64_t)digit;
        was_digit = true;
        if (value > max) {
            return false;
        }
    }
    *ret = (int64_t)value;
    return was_digit;
}

bool mr_types_number_integer(mr_span in, int64_t min, int64_t max, int64_t *ret) {
    in = mr_span_trim(in);
    int64_t plain;
    if (in.bytes > 0 && in.data[0] != '+' && mr_text_parse_int64(in, &plain)) {
        *ret = plain;
        return plain >= min && plain <= max;
    }
    if (in.bytes > 2 && in.data[0] == '0' && (in.data[1] == 'x' || in.data[1] == 'X')) {
        return parse_based(in, 16, (uint64_t)max, ret);
    }
    if (in.bytes > 2 && in.data[0] == '0' && (in.data[1] == 'b' || in.data[1] == 'B')) {
        return parse_based(in, 2, (uint64_t)max, ret);
    }
    decimal d;
    if (!decimal_parse(in, &d)) {
        return false;
    }
    if (d.digit_count == 0 || d.point < 0) {
        *ret = 0;
        return true;
    }
    if (d.point > 19) {
        return false;
    }
    __int128 value = 0;
    for (int64_t i = 0; i < d.point; i++) {
        value = value * 10 + (i < d.digit_count ? d.digits[i] - '0' : 0);
    }
    value += d.point < d.digit_count && d.digits[d.point] >= '5';
    value = d.negative ? -value : value;
    if (value < min || value > max) {
        return false;
    }
    *ret = (int64_t)value;
    return true;
}

// "inf", "infinity", "nan" behind a sign.
static bool parse_special(mr_span in, double *ret) {
    bool negative = in.bytes > 0 && in.data[0] == '-';
    if (in.bytes > 0 && (in.data[0] == '-' || in.data[0] == '+')) {
        in.data++, in.bytes--;
    }
    if (mr_span_equal_nocase(in, MR_SPAN("inf")) || mr_span_equal_nocase(in, MR_SPAN("infinity"))) {
        *ret = negative ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    *ret = (double)NAN;
    return mr_span_equal_nocase(in, MR_SPAN("nan"));
}

bool mr_types_number_double(mr_span in, double *ret) {
    in = mr_span_trim(in);
    if (in.bytes > 1 && in.data[0] == '+' && in.data[1] == '-') {  // As DuckDB, which drops the +.
        in.data++, in.bytes--;
    }
    if (in.bytes < 300 && mr_text_parse_double(in, ret)) {
        return true;
    }
    decimal d;
    if (!decimal_parse(in, &d)) {
        return parse_special(in, ret);
    }
    if (d.digit_count == 0 || d.point < -400) {
        *ret = d.negative ? -0.0 : 0.0;
        return true;
    }
    char plain[DIGITS_MAX + 40];
    int bytes = snprintf(plain, sizeof(plain), "%s0.%.*se%lld", d.negative ? "-" : "",
                         (int)d.digit_count, d.digits, (long long)d.point);
    if (!mr_text_parse_double((mr_span){plain, (size_t)bytes}, ret)) {  // Too large for a double.
        *ret = d.negative ? -(double)INFINITY : (double)INFINITY;
    }
    return true;
}

bool mr_types_number_bool(mr_span in, bool *ret) {
    static const char *const words[2][5] = {{"false", "f", "no", "n", "0"},
                                            {"true", "t", "yes", "y", "1"}};
    for (int value = 0; value < 2; value++) {
        for (size_t i = 0; i < MR_COUNT(words[0]); i++) {
            if (mr_span_equal_nocase(in, mr_span_of(words[value][i]))) {
                *ret = value != 0;
                return true;
            }
        }
    }
    return false;
}

bool mr_types_number_numeric(mr_span in, mr_type type, mr_int128 *ret) {
    __int128 value;
    if (!mr_numeric_parse(in, type.precision, type.scale, &value)) {
        return false;
    }
    *ret = value;
    return true;
}
