// JSON printing of doubles: the fewest digits that read back to the same double.
//
// Most doubles in data are short decimals: the shortest n with value * 10^n whole is found by
// trying. The others go through printf with 15 to 17 digits until one reads back.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/json_decode.h"
#include "codec/json_number.h"

// Digits and where the point goes: 0.d1d2d3... * 10^point.
typedef struct print_digits {
    char digits[24];
    int count;
    int point;
} print_digits;

static int print_u64(uint64_t value, char *ret) {
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

// A decimal of at most 15 digits: unique if it reads back, which one exact division shows.
static bool print_short(double value, print_digits *ret) {
    if (!(value >= 1e-5 && value < 1e15)) {
        return false;
    }
    for (int scale = 0; scale <= 10; scale++) {
        double scaled = nearbyint(value * number_powers[scale]);
        if (scaled >= 1e15) {
            return false;
        }
        if (scaled / number_powers[scale] == value) {
            ret->count = print_u64((uint64_t)scaled, ret->digits);
            ret->point = ret->count - scale;
            return true;
        }
    }
    return false;
}

static bool print_reads_as(const char *text, double value) {
    double read = 0;
    return mr_json_number_double(text, &read) && read == value;
}

static void print_long(double value, print_digits *ret) {
    char text[40];
    // Those near zero have fewer digits to begin with.
    for (int precision = value < 1e-300 ? 0 : 14; precision <= 16; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, value);
        if (precision == 16 || print_reads_as(text, value)) {
            break;
        }
    }
    const char *at = text;
    ret->count = 0;
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') {
            ret->digits[ret->count++] = *at;
        }
    }
    int exponent = 0;
    for (const char *digit = at + 2; *digit != '\0'; digit++) {
        exponent = exponent * 10 + (*digit - '0');
    }
    ret->point = (at[1] == '-' ? -exponent : exponent) + 1;
}

static size_t print_scientific(const print_digits *d, char *to) {
    char *start = to;
    *to++ = d->digits[0];
    if (d->count > 1) {
        *to++ = '.';
        memcpy(to, d->digits + 1, (size_t)d->count - 1);
        to += d->count - 1;
    }
    int exponent = d->point - 1;
    *to++ = 'e';
    if (exponent < 0) {
        *to++ = '-';
    }
    to += print_u64((uint64_t)abs(exponent), to);
    return (size_t)(to - start);
}

static size_t print_plain(const print_digits *d, char *to) {
    char *start = to;
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
    return (size_t)(to - start);
}

size_t mr_json_print_double(double value, char *ret) {
    mr_assert(isfinite(value));
    char *to = ret;
    if (signbit(value)) {
        *to++ = '-';
        value = -value;
    }
    if (value == 0) {
        memcpy(to, "0.0", 3);
        return (size_t)(to + 3 - ret);
    }
    print_digits d;
    if (!print_short(value, &d)) {
        print_long(value, &d);
    }
    while (d.count > 1 && d.digits[d.count - 1] == '0') {
        d.count--;
    }
    bool scientific = d.point <= -6 || d.point > 21;
    to += scientific ? print_scientific(&d, to) : print_plain(&d, to);
    return (size_t)(to - ret);
}
