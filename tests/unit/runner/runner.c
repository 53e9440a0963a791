// The runner's own checks: that equal values pass and unlike ones are told apart.

#include "runner.h"

#include <stdint.h>

TEST(runner, compares_integers_across_signs) {
    EXPECT_EQ((uint64_t)UINT64_MAX, UINT64_MAX);
    EXPECT_EQ((uint8_t)3, 3);
    EXPECT_EQ(-1, (int64_t)-1);
    EXPECT(MR_TEST_VALUE(-1).integer != MR_TEST_VALUE(UINT64_MAX).integer);
}

TEST(runner, compares_text_floats_pointers_and_bytes) {
    int x = 0;
    EXPECT_STR("abc", "abc");
    EXPECT_EQ(0.5, 0.5f);
    EXPECT_EQ(&x, &x);
    EXPECT_EQ((void *)NULL, 0);
    EXPECT_BYTES("ab", "ab", 2);
    EXPECT_OK(x);
}
