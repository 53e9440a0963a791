// Tests that must fail, one for each kind of check; tests/selftest/run reads what they print.

#include "runner.h"

#include <fcntl.h>
#include <stdint.h>

TEST(selftest, check) {
    EXPECT(1 + 1 == 3);
}

TEST(selftest, signs) {
    EXPECT_EQ(-1, UINT64_MAX);
}

TEST(selftest, text) {
    EXPECT_STR("left", "right");
}

TEST(selftest, bytes) {
    EXPECT_BYTES("abc", "abd", 3);
}

TEST(selftest, code) {
    REQUIRE_OK(7);
    EXPECT(!"REQUIRE_OK must end the test");
}

TEST(selftest, leak) {
    EXPECT(open("/dev/null", O_RDONLY) >= 0);
}

TEST(selftest, passes) {
    EXPECT_EQ((uint8_t)255, 255L);
}
