// Shortest: printing of doubles and floats; see shortest.h.
//
// How: most doubles in data are short decimals: the shortest n with value * 10^n whole is found by
// trying. The others go through printf with 15 to 17 digits until one reads back; fifteen always
// survive in a normal double, so shorter forms are those less zeros. A float has 6 to 9.

#include "base/shortest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int put_u64(uint64_t value, char *ret) {
    char reversed[20];
    int count = 0;
    do {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (int i = 0; i < count; i++) {
        ret[i] = reversed[count - 1 - i];
    }
    return count;
}

static void drop_zeros(mr_shortest *ret) {
    while (ret->count > 1 && ret->digits[ret->count - 1] == '0') {
        ret->count--;
    }
}

// A decimal of at most 15 digits: unique if it reads back, which one exact division shows.
static bool take_short(double value, mr_shortest *ret) {
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10};
    if (!(value >= 1e-5 && value < 1e15)) {
        return false;
    }
    for (size_t scale = 0; scale < MR_COUNT(powers); scale++) {
        double scaled = nearbyint(value * powers[scale]);
        if (scaled >= 1e15) {
            return false;
        }
        if (scaled / powers[scale] == value) {
            ret->count = put_u64((uint64_t)scaled, ret->digits);
            ret->point = ret->count - (int)scale;
            return true;
        }
    }
    return false;
}

// The digits of "1.234e-5".
static void take_text(const char *text, mr_shortest *ret) {
    const char *at = text;
    ret->count = 0;
    for (; *at != 'e'; at++) {
        if (*at != '.') {
            ret->digits[ret->count++] = *at;
        }
    }
    int exponent = 0;
    for (const char *digit = at + 2; *digit != '\0'; digit++) {
        exponent = exponent * 10 + (*digit - '0');
    }
    ret->point = (at[1] == '-' ? -exponent : exponent) + 1;
}

void mr_shortest_double(double value, mr_shortest *ret) {
    mr_assert(isfinite(value) && value > 0);
    if (!take_short(value, ret)) {
        char text[40];
        // Those near zero have fewer digits to begin with.
        for (int precision = value < 1e-300 ? 0 : 14; precision <= 16; precision++) {
            double back;
            snprintf(text, sizeof(text), "%.*e", precision, value);
            if (precision == 16 ||
                (mr_text_parse_double(mr_span_of(text), &back) && back == value)) {
                break;
            }
        }
        take_text(text, ret);
    }
    drop_zeros(ret);
}

// Whether digits are nearer to this float than to any other. What lies in the middle of two reads
// back by rounding to even, and DuckDB prints more digits then.
static bool reads_back(const char *text, float value) {
    double exact = 0;
    bool read = mr_text_parse_double(mr_span_of(text), &exact);
    mr_assert(read);
    double above = ((double)value + (double)nextafterf(value, INFINITY)) / 2;
    double below = ((double)value + (double)nextafterf(value, 0)) / 2;
    return strtof(text, NULL) == value && exact != above && exact != below;
}

void mr_shortest_float(float value, mr_shortest *ret) {
    mr_assert(isfinite(value) && value > 0);
    char text[40];
    for (int precision = value < 1e-30f ? 0 : 5; precision <= 8; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, (double)value);
        if (precision == 8 || reads_back(text, value)) {
            break;
        }
    }
    take_text(text, ret);
    drop_zeros(ret);
}

// ---- forms -------------------------------------------------------------------------------------

static void print_plain(const mr_shortest *d, mr_text *out) {
    char text[48];
    char *to = text;
    mr_assert(d->point > -20 && d->point <= 21);
    int i = 0;
    for (; i < d->point; i++) {
        *to++ = i < d->count ? d->digits[i] : '0';
    }
    if (d->point <= 0) {
        *to++ = '0';
    }
    *to++ = '.';
    for (int zeros = d->point; zeros < 0; zeros++) {
        *to++ = '0';
    }
    if (i >= d->count) {
        *to++ = '0';
    }
    for (; i < d->count; i++) {
        *to++ = d->digits[i];
    }
    mr_text_add_bytes(out, text, (size_t)(to - text));
}

// "1.5e-7"; padded: "1.5e-07" and "1e+16".
static void print_scientific(const mr_shortest *d, bool padded, mr_text *out) {
    mr_text_add_char(out, d->digits[0]);
    if (d->count > 1) {
        mr_text_add_char(out, '.');
        mr_text_add_bytes(out, d->digits + 1, (size_t)d->count - 1);
    }
    int exponent = d->point - 1;
    const char *sign = exponent < 0 ? "-" : padded ? "+" : "";
    mr_text_addf(out, padded ? "e%s%02d" : "e%s%d", sign, abs(exponent));
}

static void print_text(const mr_shortest *d, mr_text *out) {
    if (d->point < -3 || d->point > 16) {
        print_scientific(d, /* padded= */ true, out);
    } else {
        print_plain(d, out);
    }
}

static void print_json(const mr_shortest *d, mr_text *out) {
    if (d->point <= -6 || d->point > 21) {
        print_scientific(d, /* padded= */ false, out);
    } else {
        print_plain(d, out);
    }
}

// What has no digits; true when it was that. Prints the sign of the others.
static bool print_odd(double value, mr_text *out) {
    if (value != value) {
        mr_text_add(out, "nan");
        return true;
    }
    if (signbit(value)) {
        mr_text_add_char(out, '-');
    }
    if (value == 0) {
        mr_text_add(out, "0.0");
        return true;
    }
    if (isinf(value)) {
        mr_text_add(out, "inf");
        return true;
    }
    return false;
}

void mr_shortest_print_double(double value, mr_text *out) {
    mr_shortest digits;
    if (!print_odd(value, out)) {
        mr_shortest_double(fabs(value), &digits);
        print_text(&digits, out);
    }
}

void mr_shortest_print_float(float value, mr_text *out) {
    mr_shortest digits;
    if (!print_odd((double)value, out)) {
        mr_shortest_float(fabsf(value), &digits);
        print_text(&digits, out);
    }
}

void mr_shortest_json_double(double value, mr_text *out) {
    mr_assert(isfinite(value));
    mr_shortest digits;
    if (!print_odd(value, out)) {
        mr_shortest_double(fabs(value), &digits);
        print_json(&digits, out);
    }
}

void mr_shortest_json_float(float value, mr_text *out) {
    mr_assert(isfinite(value));
    mr_shortest digits;
    if (!print_odd((double)value, out)) {
        mr_shortest_float(fabsf(value), &digits);
        print_json(&digits, out);
    }
}
