// JSON numbers, the short way: what nearly all numbers are, inline; json_number.c has the rest.

#pragma once

#include <string.h>

#include "column/type.h"

static const double number_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint64_t number_powers_u64[] = {1,
                                             10,
                                             100,
                                             1000,
                                             10000,
                                             100000,
                                             1000000,
                                             10000000,
                                             100000000,
                                             1000000000,
                                             10000000000u,
                                             100000000000u,
                                             1000000000000u,
                                             10000000000000u,
                                             100000000000000u,
                                             1000000000000000u,
                                             10000000000000000u,
                                             100000000000000000u,
                                             1000000000000000000u,
                                             10000000000000000000u};

// How many of the eight bytes from the lowest on are digits. word = text ^ "00000000".
static inline unsigned number_run(uint64_t word) {
    uint64_t other = ((word + 0x7676767676767676u) | word) & 0x8080808080808080u;
    return other == 0 ? 8 : (unsigned)__builtin_ctzll(other) >> 3;
}

// The value of eight digits, first digit in the lowest byte.
static inline uint64_t number_eight(uint64_t word) {
    word = (word * 2561) >> 8;
    word = ((word & 0x00FF00FF00FF00FFu) * 6553601) >> 16;
    return ((word & 0x0000FFFF0000FFFFu) * 42949672960001u) >> 32;
}

// Reads digits at `at`, appending them to *value, which wraps past 19 of them. Returns their count.
static inline uint32_t number_digits(const char *at, uint64_t *value) {
    uint32_t count = 0;
    for (;;) {
        uint64_t word;
        memcpy(&word, at + count, 8);
        word ^= 0x3030303030303030u;
        unsigned run = number_run(word);
        if (run == 0) {
            return count;
        }
        *value = *value * number_powers_u64[run] + number_eight(word << (64 - 8 * run));
        count += run;
        if (MR_LIKELY(run < 8)) {
            return count;
        }
    }
}

static inline bool number_goes_on(char c) {
    return c == '.' || (c | 0x20) == 'e';
}

// An integer of at most 18 digits. Returns its end, or NULL for anything else.
static inline __attribute__((always_inline)) const char *number_short_int(const char *at,
                                                                          int64_t *ret) {
    bool negative = *at == '-';
    at += negative;
    uint64_t value = 0;
    uint32_t count = number_digits(at, &value);
    if (MR_UNLIKELY(count - 1 > 17 || (*at == '0' && count > 1) || number_goes_on(at[count]))) {
        return NULL;
    }
    *ret = negative ? -(int64_t)value : (int64_t)value;
    return at + count;
}

// A number without exponent whose digits fit a double exactly. Returns its end, or NULL.
// One division by an exact power of ten is correctly rounded (Clinger).
static inline __attribute__((always_inline)) const char *number_short_double(const char *at,
                                                                             double *ret) {
    bool negative = *at == '-';
    at += negative;
    uint64_t value = 0;
    uint32_t whole = number_digits(at, &value);
    if (MR_UNLIKELY(whole - 1 > 17 || (*at == '0' && whole > 1))) {
        return NULL;
    }
    at += whole;
    if (*at != '.') {
        if (MR_UNLIKELY(number_goes_on(*at) || value > ((uint64_t)1 << 53) ||
                        (negative && value == 0))) {
            return NULL;
        }
        *ret = negative ? -(double)value : (double)value;
        return at;
    }
    uint32_t part = number_digits(at + 1, &value);
    at += 1 + part;
    if (MR_UNLIKELY(part - 1 > 17 || whole + part > 18 || value > ((uint64_t)1 << 53) ||
                    (*at | 0x20) == 'e')) {
        return NULL;
    }
    double result = (double)value / number_powers[part];
    *ret = negative ? -result : result;
    return at;
}

// A number of at most 18 digits and no exponent as a NUMERIC of this type, when nothing is to be
// rounded and it fits. Returns its end, or NULL.
static inline const char *number_short_numeric(const char *at, mr_type type, mr_int128 *ret) {
    bool negative = *at == '-';
    at += negative;
    bool zero = *at == '0';  // Takes no digit in front of the point.
    uint64_t value = 0;
    uint32_t whole = number_digits(at, &value);
    uint32_t part = 0;
    if (MR_UNLIKELY(whole - 1 > 17 || (zero && whole > 1))) {
        return NULL;
    }
    at += whole;
    if (*at == '.') {
        part = number_digits(at + 1, &value);
        at += 1 + part;
        if (MR_UNLIKELY(part - 1 > 17)) {
            return NULL;
        }
    }
    if (MR_UNLIKELY(whole + part > 18 || part > type.scale || type.scale - part > 18 ||
                    whole - zero > (uint32_t)(type.precision - type.scale) ||
                    (*at | 0x20) == 'e')) {
        return NULL;
    }
    // Below 10^36.
    __int128 result = (__int128)value * (int64_t)number_powers_u64[type.scale - part];
    *ret = negative ? -result : result;
    return at;
}

// The end of a number, or NULL when it is none: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]?
// [0-9]+)?
static inline const char *number_end(const char *at) {
    uint64_t unused = 0;
    at += *at == '-';
    uint32_t count = number_digits(at, &unused);
    if (count == 0 || (*at == '0' && count > 1)) {
        return NULL;
    }
    at += count;
    if (*at == '.') {
        count = number_digits(at + 1, &unused);
        if (count == 0) {
            return NULL;
        }
        at += 1 + count;
    }
    if ((*at | 0x20) == 'e') {
        at += at[1] == '-' || at[1] == '+' ? 2 : 1;
        count = number_digits(at, &unused);
        if (count == 0) {
            return NULL;
        }
        at += count;
    }
    return at;
}
