// Check: asserts that stay on, checked arithmetic, small arithmetic helpers.
//
// Why: an assert states what the programmer promised; input never reaches one. Arithmetic on sizes
// that come from outside goes through the checked forms and ends in MR_E_LIMIT, never in a wrap.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Prints the broken promise with its place and aborts; restart is from the last commit.
_Noreturn void mr_check_failed(const char *expression, const char *file, int line);

#define mr_assert(expression)                      \
    (__builtin_expect(!!(expression), 1) ? (void)0 \
                                         : mr_check_failed(#expression, __FILE__, __LINE__))

#ifdef MR_DEBUG
#define mr_assert_slow(expression) mr_assert(expression)
#else
#define mr_assert_slow(expression) ((void)sizeof(expression))
#endif

#define MR_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MR_LIKELY(x)    __builtin_expect(!!(x), 1)
#define MR_UNLIKELY(x)  __builtin_expect(!!(x), 0)
#define MR_MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MR_MAX(a, b)    ((a) > (b) ? (a) : (b))

// Each returns true when the result fits in *ret, false (and *ret undefined) when it overflows.
#define mr_add_fits(a, b, ret) (!__builtin_add_overflow((a), (b), (ret)))
#define mr_sub_fits(a, b, ret) (!__builtin_sub_overflow((a), (b), (ret)))
#define mr_mul_fits(a, b, ret) (!__builtin_mul_overflow((a), (b), (ret)))

// Narrowing that asserts: for values already known to fit.
static inline uint32_t mr_u32(uint64_t value) {
    mr_assert(value <= UINT32_MAX);
    return (uint32_t)value;
}
static inline int32_t mr_i32(int64_t value) {
    mr_assert(value >= INT32_MIN && value <= INT32_MAX);
    return (int32_t)value;
}

// Rounds up to a power-of-two multiple.
static inline size_t mr_align_up(size_t value, size_t power) {
    return (value + power - 1) & ~(power - 1);
}
// Smallest power of two >= value; value 1 .. 2^63.
static inline uint64_t mr_pow2_up(uint64_t value) {
    return value <= 1 ? 1 : (uint64_t)1 << (64 - __builtin_clzll(value - 1));
}
// Floor division for possibly negative a; b > 0.
static inline int64_t mr_floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}
// Bytes of the host's order are stored little-endian everywhere in millrace's own files.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "millrace runs on little-endian hosts");
