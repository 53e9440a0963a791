// JSON numbers: parsing and printing of doubles against the C library.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json_decode.h"
#include "codec/json_number.h"

#include "runner.h"

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// Both ways give what strtod gives, to the bit.
static bool number_agrees(const char *digits) {
    char text[512] = {0};
    snprintf(text, sizeof(text), "%s,", digits);
    double expected = strtod(text, NULL);
    double value = 0;
    bool fits = mr_json_number_double(text, &value);
    if (fits != (bool)!isinf(expected) || (fits && memcmp(&value, &expected, 8) != 0)) {
        printf("%s: %.17g, strtod %.17g\n", digits, value, expected);
        return false;
    }
    double quick = 0;
    const char *end = number_short_double(text, &quick);
    if (end != NULL && (end != text + strlen(digits) || memcmp(&quick, &expected, 8) != 0)) {
        printf("%s: short form %.17g, strtod %.17g\n", digits, quick, expected);
        return false;
    }
    return number_end(text) == text + strlen(digits);
}

TEST(json_number, doubles_are_the_nearest) {
    uint64_t seed = 88172645463325252u;
    char text[128];
    for (int i = 0; i < 300000; i++) {
        uint64_t digits = next_random(&seed) >> (next_random(&seed) % 64);
        int exponent = (int)(next_random(&seed) % 141) - 70;
        switch (i % 5) {
        case 0: snprintf(text, sizeof(text), "%llu", (unsigned long long)digits); break;
        case 1:
            snprintf(text, sizeof(text), "%llu.%03u", (unsigned long long)(digits >> 20),
                     (unsigned)(digits % 1000));
            break;
        case 2:
            snprintf(text, sizeof(text), "%llue%d", (unsigned long long)digits, exponent);
            break;
        case 3:
            snprintf(text, sizeof(text), "-%llu.%llue%d", (unsigned long long)digits % 1000,
                     (unsigned long long)digits, exponent);
            break;
        default: {
            // The digits of a double, too many of them.
            uint64_t bits = next_random(&seed);
            double value;
            memcpy(&value, &bits, 8);
            snprintf(text, sizeof(text), "%.*e", i / 5 % 25, isfinite(value) ? value : 1.5);
            break;
        }
        }
        if (!EXPECT(number_agrees(text))) {
            return;
        }
    }
}

TEST(json_number, hard_doubles) {
    static const char *const hard[] = {
        "9007199254740993",
        "9007199254740993.0",
        "9007199254740992.999999999999999999999999",
        "9007199254740993.00000000000000000000000001",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "7.2057594037927933e16",
        "1e23",
        "8.5e22",
        "0.1",
        "0.3",
        "123456789012345678",
        "1234567890123456789",
        "12345678901234567890",
        "0.000000000000000000000000000000000001",
        "1000000000000000000000000000000000000000000000000",
        "6.02214076e23",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "0e99999999999",
        "1e-99999999999",
        "0.5e0",
    };
    for (size_t i = 0; i < MR_COUNT(hard); i++) {
        EXPECT(number_agrees(hard[i]));
    }
}

TEST(json_number, integers_agree_with_strtoll) {
    uint64_t seed = 1234567;
    for (int i = 0; i < 100000; i++) {
        int64_t expected = (int64_t)next_random(&seed) >> (next_random(&seed) % 64);
        char text[64] = {0};
        int bytes = snprintf(text, sizeof(text), "%lld}", (long long)expected);
        int64_t value = 0;
        if (!EXPECT(mr_json_number_int(text, &value) == JSON_WHOLE && value == expected)) {
            return;
        }
        const char *end = number_short_int(text, &value);
        if (!EXPECT(end == NULL || (end == text + bytes - 1 && value == expected))) {
            return;
        }
    }
}

TEST(json_number, integers_are_exact_however_written) {
    static const struct {
        const char *text;
        json_whole whole;
        int64_t value;
    } cases[] = {
        {"3.0}", JSON_WHOLE, 3},
        {"-30e-1}", JSON_WHOLE, -3},
        {"1e2}", JSON_WHOLE, 100},
        {"-0.0}", JSON_WHOLE, 0},
        {"0e999}", JSON_WHOLE, 0},
        {"0.00e-99999999999}", JSON_WHOLE, 0},
        {"9007199254740993.0}", JSON_WHOLE, 9007199254740993},
        {"9223372036854775807.000}", JSON_WHOLE, INT64_MAX},
        {"-9223372036854775808.0}", JSON_WHOLE, INT64_MIN},
        {"922337203685477580.7e1}", JSON_WHOLE, INT64_MAX},
        {"1000000000000000000000e-3}", JSON_WHOLE, 1000000000000000000},
        {"12.5}", JSON_WHOLE_NOT, 0},
        {"1e-1}", JSON_WHOLE_NOT, 0},
        {"1e-99999999999}", JSON_WHOLE_NOT, 0},
        {"3.0000000000000000000000001}", JSON_WHOLE_NOT, 0},
        {"1234567890123456789.5}", JSON_WHOLE_NOT, 0},
        {"1234567890123456789.00000000000000000001}", JSON_WHOLE_NOT, 0},
        {"9223372036854775808}", JSON_WHOLE_TOO_LARGE, 0},
        {"-9223372036854775809.0}", JSON_WHOLE_TOO_LARGE, 0},
        {"1e19}", JSON_WHOLE_TOO_LARGE, 0},
        {"1e99999999999}", JSON_WHOLE_TOO_LARGE, 0},
        {"123456789012345678901}", JSON_WHOLE_TOO_LARGE, 0},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        int64_t value = 0;
        EXPECT_EQ(mr_json_number_int(cases[i].text, &value), cases[i].whole);
        EXPECT_EQ(value, cases[i].value);
    }
}
