// JSON scan: the few loops over bytes, in the form of the processor the including file is for.
//
// json_rows_avx2.c and json_rows_neon.c define MR_JSON_SCAN_AVX2 or MR_JSON_SCAN_NEON; without,
// eight bytes at a time in plain C. All may read up to 32 bytes past what they were asked for: JSON
// text is followed by MR_HOLD_PADDING readable bytes.

#pragma once

#include <string.h>

#include "codec/json_decode.h"

#if defined(MR_JSON_SCAN_AVX2)
#include <immintrin.h>
#elif defined(MR_JSON_SCAN_NEON)
#include <arm_neon.h>
#endif

#define SCAN_BYTES(byte) ((uint64_t)(byte)*0x0101010101010101u)

static inline uint64_t scan_load(const char *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

// The first byte at or behind `at` that ends the plain part of a string: a quote, a backslash or a
// control character. Sets *high when a byte of 0x80 or more stands before it.
#if defined(MR_JSON_SCAN_AVX2)
static inline const char *scan_string(const char *at, bool *high) {
    const __m256i quote = _mm256_set1_epi8('"');
    const __m256i slash = _mm256_set1_epi8('\\');
    const __m256i space = _mm256_set1_epi8(0x1F);
    for (;; at += 32) {
        __m256i in = _mm256_loadu_si256((const __m256i *)(const void *)at);
        __m256i stop = _mm256_or_si256(_mm256_cmpeq_epi8(in, quote), _mm256_cmpeq_epi8(in, slash));
        stop = _mm256_or_si256(stop, _mm256_cmpeq_epi8(_mm256_min_epu8(in, space), in));
        uint32_t found = (uint32_t)_mm256_movemask_epi8(stop);
        uint32_t above = (uint32_t)_mm256_movemask_epi8(in);
        if (MR_LIKELY(found != 0)) {
            *high |= (above & (_blsmsk_u32(found) >> 1)) != 0;
            return at + _tzcnt_u32(found);
        }
        *high |= above != 0;
    }
}
#elif defined(MR_JSON_SCAN_NEON)
static inline const char *scan_string(const char *at, bool *high) {
    for (;; at += 16) {
        uint8x16_t in = vld1q_u8((const uint8_t *)at);
        uint8x16_t stop = vorrq_u8(vceqq_u8(in, vdupq_n_u8('"')), vceqq_u8(in, vdupq_n_u8('\\')));
        stop = vorrq_u8(stop, vcltq_u8(in, vdupq_n_u8(0x20)));
        uint8x16_t above = vcgeq_u8(in, vdupq_n_u8(0x80));
        // Four bits a byte.
        uint64_t found =
            vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(stop), 4)), 0);
        uint64_t set =
            vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(above), 4)), 0);
        if (MR_LIKELY(found != 0)) {
            *high |= (set & ((found & (0 - found)) - 1)) != 0;
            return at + (__builtin_ctzll(found) >> 2);
        }
        *high |= set != 0;
    }
}
#else
static inline const char *scan_string(const char *at, bool *high) {
    for (;; at += 8) {
        uint64_t in = scan_load(at);
        uint64_t quote = in ^ SCAN_BYTES('"');
        uint64_t slash = in ^ SCAN_BYTES('\\');
        // The lowest bit set is exact; a borrow can only reach bytes behind a hit.
        uint64_t found = ((quote - SCAN_BYTES(1)) & ~quote) | ((slash - SCAN_BYTES(1)) & ~slash) |
                         ((in - SCAN_BYTES(0x20)) & ~in);
        found &= SCAN_BYTES(0x80);
        uint64_t above = in & SCAN_BYTES(0x80);
        if (found != 0) {
            *high |= (above & ((found & (0 - found)) - 1)) != 0;
            return at + (__builtin_ctzll(found) >> 3);
        }
        *high |= above != 0;
    }
}
#endif

// True when the bytes at `at` are the node's gap.
#if defined(MR_JSON_SCAN_AVX2)
static inline bool scan_gap(const char *at, const json_node *node) {
    __m256i in = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i gap = _mm256_loadu_si256((const __m256i *)(const void *)node->gap);
    uint32_t equal = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(in, gap));
    if ((~equal & (uint32_t)node->gap_mask) != 0) {
        return false;
    }
    if (MR_LIKELY(node->gap_bytes <= 32)) {
        return true;
    }
    in = _mm256_loadu_si256((const __m256i *)(const void *)(at + 32));
    gap = _mm256_loadu_si256((const __m256i *)(const void *)(node->gap + 32));
    equal = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(in, gap));
    return (~equal & (uint32_t)(node->gap_mask >> 32)) == 0;
}
#else
static inline bool scan_gap(const char *at, const json_node *node) {
    uint32_t i = 0;
    for (; i + 8 <= node->gap_bytes; i += 8) {
        if (scan_load(at + i) != scan_load(node->gap + i)) {
            return false;
        }
    }
    uint32_t rest = node->gap_bytes - i;
    if (rest == 0) {
        return true;
    }
    return ((scan_load(at + i) ^ scan_load(node->gap + i)) << (64 - 8 * rest)) == 0;
}
#endif
