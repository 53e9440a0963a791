// Numeric: limits, rounding and text by hand, and as DuckDB 1.4.4 casts; tests/diff/numeric.py
// compares with Python's decimal on random numbers.

#include "base/numeric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

#define NONE "refused"

// The number as the type holds it, or NONE, in `out`.
static const char *parsed(const char *in, uint32_t digits, uint32_t scale, mr_text *out) {
    __int128 value;
    size_t bytes = strlen(in);
    char *exact = malloc(bytes + 1);  // A read past the bytes is seen under ASan.
    memcpy(exact, in, bytes);
    bool good = mr_numeric_parse((mr_span){exact, bytes}, digits, scale, &value);
    free(exact);
    mr_text_clear(out);
    if (good) {
        mr_numeric_print(value, scale, out);
    }
    return good ? mr_text_string(out) : NONE;
}

TEST(numeric, powers_are_powers) {
    __int128 power = 1;
    for (uint32_t n = 0; n <= MR_NUMERIC_SCALE_MAX; n++, power *= 10) {
        EXPECT(mr_numeric_pow10(n) == power);
        EXPECT(mr_numeric_fits(power - 1, n) && mr_numeric_fits(1 - power, n));
        EXPECT(!mr_numeric_fits(power, n) && !mr_numeric_fits(-power, n));
        if (n == MR_NUMERIC_SCALE_MAX) {
            break;
        }
    }
    __int128 smallest = (__int128)((unsigned __int128)1 << 127);
    EXPECT(!mr_numeric_fits(smallest, 38));
}

TEST(numeric, text_is_read_as_duckdb_casts_it) {
    static const struct {
        const char *in;
        uint32_t digits, scale;
        const char *out;
    } cases[] = {
        {"1e3", 10, 2, "1000.00"},
        {".5", 10, 2, "0.50"},
        {"5.", 10, 2, "5.00"},
        {".", 10, 2, NONE},
        {"", 10, 2, NONE},
        {"  ", 10, 2, NONE},
        {"-", 10, 2, NONE},
        {"+5", 10, 2, "5.00"},
        {" 5\t", 10, 2, "5.00"},
        {"5 5", 10, 2, NONE},
        {"--5", 10, 2, NONE},
        {"1.005", 10, 2, "1.01"},
        {"-1.005", 10, 2, "-1.01"},
        {"0.00499999", 10, 2, "0.00"},
        {"-0.001", 10, 2, "0.00"},
        {"1.5e-1", 10, 2, "0.15"},
        {"25E-1", 10, 0, "3"},
        {"12345678.99", 10, 2, "12345678.99"},
        {"123456789.99", 10, 2, NONE},
        {"99999999.999", 10, 2, NONE},
        {"99999999.994", 10, 2, "99999999.99"},
        {"1e-400", 10, 2, "0.00"},
        {"1e400", 10, 2, NONE},
        {"0e400", 10, 2, "0.00"},
        {"1e99999999999999999999", 10, 2, NONE},
        {"1e-99999999999999999999", 10, 2, "0.00"},
        {"nan", 10, 2, NONE},
        {"0x10", 10, 2, NONE},
        {"1e", 10, 2, NONE},
        {"1e+", 10, 2, NONE},
        {"1e+2", 10, 2, "100.00"},
        {"1e2.5", 10, 2, NONE},
        {"1.2.3", 10, 2, NONE},
        {"00012.5", 4, 1, "12.5"},
        {"0000000000000000000000000000000000000000000000000000000000001.5", 4, 1, "1.5"},
        {"1.00000000000000000000000000000000000000000000000000000000009", 4, 1, "1.0"},
        {"9.96", 2, 1, NONE},
        {"0.5", 3, 3, "0.500"},
        {"1", 3, 3, NONE},
        {"99999999999999999999999999999999999999", 38, 0, "99999999999999999999999999999999999999"},
        {"-99999999999999999999999999999999999999.4", 38, 0,
         "-99999999999999999999999999999999999999"},
        {"99999999999999999999999999999999999999.5", 38, 0, NONE},
        {"100000000000000000000000000000000000000", 38, 0, NONE},
        {"0.00000000000000000000000000000000000001", 38, 38,
         "0.00000000000000000000000000000000000001"},
        // Rounded once: DuckDB rounds 4.9 and then 5 where there is an exponent.
        {"4.99999999999999999999e-1", 2, 0, "0"},
        {"4999999999999999999999999999999999999999999999e-46", 2, 0, "0"},
        {"5000000000000000000000000000000000000000000000e-46", 2, 0, "1"},
    };
    mr_text out;
    mr_text_init(&out, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        EXPECT_STR(parsed(cases[i].in, cases[i].digits, cases[i].scale, &out), cases[i].out);
    }
    mr_text_release(&out);
}

TEST(numeric, scales_change_exactly_or_round_halves_away_from_0) {
    __int128 value = 77;
    EXPECT(mr_numeric_rescale(12345, 2, 1, 10, &value) && value == 1235);
    EXPECT(mr_numeric_rescale(-12345, 2, 1, 10, &value) && value == -1235);
    EXPECT(mr_numeric_rescale(12344, 2, 1, 10, &value) && value == 1234);
    EXPECT(mr_numeric_rescale(-12344, 2, 1, 10, &value) && value == -1234);
    EXPECT(mr_numeric_rescale(12345, 2, 5, 10, &value) && value == 12345000);
    EXPECT(mr_numeric_rescale(12345, 2, 2, 5, &value) && value == 12345);
    EXPECT(mr_numeric_rescale(5, 38, 37, 1, &value) && value == 1);
    value = 77;
    EXPECT(!mr_numeric_rescale(12345, 2, 5, 7, &value) && value == 77);
    EXPECT(!mr_numeric_rescale(12345, 2, 2, 4, &value) && value == 77);
    EXPECT(!mr_numeric_rescale(995, 2, 1, 2, &value) && value == 77);
    EXPECT(!mr_numeric_rescale(mr_numeric_pow10(38) - 1, 0, 38, 38, &value) && value == 77);
    EXPECT(!mr_numeric_rescale(mr_numeric_pow10(37), 0, 2, 38, &value) && value == 77);
}

TEST(numeric, sums_and_products_keep_38_digits) {
    __int128 most = mr_numeric_pow10(38) - 1;
    __int128 value = 77;
    EXPECT(mr_numeric_add(most, -most, &value) && value == 0);
    EXPECT(mr_numeric_add(most - 1, 1, &value) && value == most);
    EXPECT(mr_numeric_mul(mr_numeric_pow10(19), -(mr_numeric_pow10(19) - 1), &value) &&
           value == -(mr_numeric_pow10(38) - mr_numeric_pow10(19)));
    value = 77;
    EXPECT(!mr_numeric_add(most, 1, &value) && value == 77);
    EXPECT(!mr_numeric_add(-most, -most, &value) && value == 77);
    EXPECT(!mr_numeric_mul(mr_numeric_pow10(19), mr_numeric_pow10(19), &value) && value == 77);
    EXPECT(!mr_numeric_mul(most, most, &value) && value == 77);
    EXPECT(!mr_numeric_mul(most, -2, &value) && value == 77);
}

TEST(numeric, doubles_come_and_go_as_in_duckdb) {
    static const struct {
        double in;
        uint32_t digits, scale;
        const char *out;  // As DuckDB casts the double.
    } cases[] = {
        {1.005, 10, 2, "1.00"},
        {2.675, 10, 2, "2.68"},
        {0.285, 10, 2, "0.28"},
        {2.5, 10, 0, "3"},
        {-2.5, 10, 0, "-3"},
        {0.49999999999999994, 10, 0, "0"},
        {1e20, 38, 10, "100000000000000001988.4624838656"},
        {0.1, 38, 37, "0.1000000000000000042420637374017961984"},
        {123456789.123456789, 38, 20, "123456789.12345678584020467712"},
        {99.995, 4, 2, NONE},
        {NAN, 10, 2, NONE},
        {INFINITY, 38, 0, NONE},
        {1e38, 38, 0, NONE},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        __int128 value;
        mr_text out;
        mr_text_init(&out, NULL);
        if (mr_numeric_from_double(cases[i].in, cases[i].digits, cases[i].scale, &value)) {
            mr_numeric_print(value, cases[i].scale, &out);
        } else {
            mr_text_add(&out, NONE);
        }
        EXPECT_STR(mr_text_string(&out), cases[i].out);
        mr_text_release(&out);
    }
    __int128 value;
    EXPECT(mr_numeric_from_float(0.1f, 10, 9, &value) && value == 100000000);
    EXPECT_EQ(mr_numeric_to_double(12345, 2), 123.45);
    EXPECT_EQ(mr_numeric_to_double(-5, 38), -5e-38);
    EXPECT_EQ(mr_numeric_to_double(mr_numeric_pow10(38) - 1, 0), 1e38);
    EXPECT_EQ(mr_numeric_to_double(((__int128)1 << 53) + 1, 0), 9007199254740992.0);
    EXPECT_EQ(mr_numeric_to_float(16777217, 0), 16777216.0f);
    EXPECT_EQ(mr_numeric_to_float(123456789, 8), 1.23456789f);
}
