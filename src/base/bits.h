// Bits: bitmaps of 64-bit words, bit i of word i/64. A set bit in a validity map means "not NULL".

#pragma once

#include <string.h>

#include "base/check.h"

static inline size_t mr_bits_words(size_t count) {
    return (count + 63) / 64;
}
static inline bool mr_bits_get(const uint64_t *bits, size_t i) {
    return (bits[i >> 6] >> (i & 63)) & 1;
}
static inline void mr_bits_set(uint64_t *bits, size_t i) {
    bits[i >> 6] |= (uint64_t)1 << (i & 63);
}
static inline void mr_bits_clear(uint64_t *bits, size_t i) {
    bits[i >> 6] &= ~((uint64_t)1 << (i & 63));
}
static inline void mr_bits_put(uint64_t *bits, size_t i, bool value) {
    uint64_t mask = (uint64_t)1 << (i & 63);
    bits[i >> 6] = (bits[i >> 6] & ~mask) | (value ? mask : 0);
}
// Sets the first count bits, clears the rest of the last word.
static inline void mr_bits_fill(uint64_t *bits, size_t count) {
    size_t whole = count / 64;
    memset(bits, 0xFF, whole * 8);
    if (count % 64 != 0) {
        bits[whole] = ((uint64_t)1 << (count % 64)) - 1;
    }
}
// Makes count bits from `first` on alike.
static inline void mr_bits_put_run(uint64_t *bits, size_t first, size_t count, bool value) {
    size_t end = first + count;
    for (; first < end && first % 64 != 0; first++) {
        mr_bits_put(bits, first, value);
    }
    for (; end - first >= 64; first += 64) {
        bits[first / 64] = value ? UINT64_MAX : 0;
    }
    for (; first < end; first++) {
        mr_bits_put(bits, first, value);
    }
}
static inline size_t mr_bits_count(const uint64_t *bits, size_t count) {
    size_t sum = 0;
    for (size_t w = 0; w < count / 64; w++) {
        sum += (size_t)__builtin_popcountll(bits[w]);
    }
    if (count % 64 != 0) {
        uint64_t mask = ((uint64_t)1 << (count % 64)) - 1;
        sum += (size_t)__builtin_popcountll(bits[count / 64] & mask);
    }
    return sum;
}
