// Test runner: tests that register themselves, checks that print what they saw.
//
// Why: a runner that forks for each test cannot be used under ThreadSanitizer, so this one is ours
// and runs everything in one process. A failed check is counted and the test goes on; a test that
// cannot go on says REQUIRE. After each test the open descriptors are counted: a leak is a failure.
//
//   TEST(filter, drops_rows_whose_predicate_is_null) { EXPECT_EQ(out.rows, 2); }
//   build/unit T=filter      runs the tests whose "suite.name" holds "filter"
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct mr_test {
    const char *suite;
    const char *name;
    void (*run)(void);
    struct mr_test *next;
} mr_test;

// One value of a comparison. Integers of every type fit in 128 bits, so signs never mislead.
typedef struct mr_test_value {
    enum { MR_TEST_INT, MR_TEST_FLOAT, MR_TEST_POINTER } kind;
    __int128 integer;
    double real;
    const void *pointer;
} mr_test_value;

typedef struct mr_test_site {
    const char *file;
    int line;
    const char *left;  // The source text of both sides.
    const char *right;
} mr_test_site;

void mr_test_register(mr_test *test);
bool mr_test_check(mr_test_site at, bool ok);
bool mr_test_equal(mr_test_site at, mr_test_value left, mr_test_value right);
bool mr_test_text(mr_test_site at, const char *left, const char *right);
bool mr_test_code(mr_test_site at, int code);
bool mr_test_bytes(mr_test_site at, const void *left, const void *right, size_t bytes);

static inline mr_test_value mr_test_of_int(__int128 value) {
    return (mr_test_value){.kind = MR_TEST_INT, .integer = value};
}
static inline mr_test_value mr_test_of_float(double value) {
    return (mr_test_value){.kind = MR_TEST_FLOAT, .real = value};
}
static inline mr_test_value mr_test_of_pointer(const volatile void *value) {
    return (mr_test_value){.kind = MR_TEST_POINTER, .pointer = (const void *)value};
}

// clang-format off
#define MR_TEST_VALUE(x) _Generic((x), \
    bool: mr_test_of_int, char: mr_test_of_int, signed char: mr_test_of_int, \
    unsigned char: mr_test_of_int, short: mr_test_of_int, unsigned short: mr_test_of_int, \
    int: mr_test_of_int, unsigned int: mr_test_of_int, long: mr_test_of_int, \
    unsigned long: mr_test_of_int, long long: mr_test_of_int, unsigned long long: mr_test_of_int, \
    __int128: mr_test_of_int, float: mr_test_of_float, double: mr_test_of_float, \
    default: mr_test_of_pointer)(x)
#define MR_TEST_AT(a, b) ((mr_test_site){__FILE__, __LINE__, a, b})

#define TEST(suite_, name_) \
    static void test_##suite_##_##name_(void); \
    __attribute__((constructor)) static void register_##suite_##_##name_(void) { \
        static mr_test test = {#suite_, #name_, test_##suite_##_##name_, NULL}; \
        mr_test_register(&test); \
    } \
    static void test_##suite_##_##name_(void)

// Each is also an expression: true when the check held.
#define EXPECT(cond) mr_test_check(MR_TEST_AT(#cond, NULL), (cond))
#define EXPECT_EQ(a, b) mr_test_equal(MR_TEST_AT(#a, #b), MR_TEST_VALUE(a), MR_TEST_VALUE(b))
#define EXPECT_STR(a, b) mr_test_text(MR_TEST_AT(#a, #b), (a), (b))
#define EXPECT_BYTES(a, b, n) mr_test_bytes(MR_TEST_AT(#a, #b), (a), (b), (n))
#define EXPECT_OK(code) mr_test_code(MR_TEST_AT(#code, NULL), (int)(code))
// Ends the test: for what makes no sense to go on after. Only in the body of a TEST.
#define REQUIRE(cond) do { if (!EXPECT(cond)) { return; } } while (0)
#define REQUIRE_OK(code) do { if (!EXPECT_OK(code)) { return; } } while (0)
// clang-format on
