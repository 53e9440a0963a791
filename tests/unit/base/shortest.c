// Shortest: digits read back and are as few as can be; forms are DuckDB's. tests/diff/print.py
// compares random values with DuckDB.

#include "base/shortest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

TEST(shortest, reads_back_and_is_shortest) {
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
    uint64_t seed = 424242;
    mr_text out;
    mr_text_init(&out, NULL);
    for (int i = 0; i < 40000; i++) {
        uint64_t bits = next_random(&seed);
        double value;
        if (i % 2 == 0) {
            memcpy(&value, &bits, 8);
        } else {
            value = (double)(bits % 100000000) / powers[i % 9];
        }
        if (!isfinite(value)) {
            continue;
        }
        mr_text_clear(&out);
        mr_shortest_json_double(value, &out);
        const char *text = mr_text_string(&out);
        char shortest[64];
        for (int precision = 0; precision <= 16; precision++) {
            snprintf(shortest, sizeof(shortest), "%.*e", precision, value);
            if (strtod(shortest, NULL) == value) {
                break;
            }
        }
        size_t digits = 0, wanted = 0;
        const char *at = text + strspn(text, "-0.");
        size_t trailing = 0;
        for (; *at != '\0' && *at != 'e'; at++) {
            digits += *at != '.';
            trailing = *at == '0' ? trailing + 1 : *at == '.' ? trailing : 0;
        }
        for (at = shortest; *at != 'e'; at++) {
            wanted += *at >= '0' && *at <= '9';
        }
        if (!EXPECT(out.bytes <= 32 && strtod(text, NULL) == value &&
                    (value == 0 || digits - trailing == wanted ||
                     (digits - trailing < wanted && wanted == 1)))) {
            printf("%.17g prints as %s, shortest %s\n", value, text, shortest);
            break;
        }
    }
    mr_text_release(&out);
}

TEST(shortest, json_looks_as_duckdb_writes_it) {
    static const struct {
        double value;
        const char *text;
    } cases[] = {{1, "1.0"},
                 {-0.0, "-0.0"},
                 {100, "100.0"},
                 {1e16, "10000000000000000.0"},
                 {1.2345678901234568e20, "123456789012345680000.0"},
                 {1e21, "1e21"},
                 {1234567890123456.8, "1234567890123456.8"},
                 {0.0001, "0.0001"},
                 {0.00001, "0.00001"},
                 {1.5e-6, "0.0000015"},
                 {1e-7, "1e-7"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e308"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {-12.5, "-12.5"}};
    mr_text out;
    mr_text_init(&out, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_text_clear(&out);
        mr_shortest_json_double(cases[i].value, &out);
        EXPECT_STR(mr_text_string(&out), cases[i].text);
    }
    mr_text_release(&out);
}

// Every text was printed by DuckDB 1.4.4 for the same value.
TEST(shortest, floats_look_as_duckdb_prints) {
    static const struct {
        float value;
        const char *text;
    } cases[] = {{0.1f, "0.1"},
                 {1.0f / 3, "0.33333334"},
                 {1e10f, "10000000000.0"},
                 {1e15f, "1000000000000000.0"},
                 {1e16f, "1e+16"},
                 {123456789.0f, "123456790.0"},
                 {16777216.0f, "16777216.0"},
                 {49310728.0f, "49310728.0"},  // 49310730 is as near to the next one.
                 {1e-4f, "0.0001"},
                 {1e-5f, "1e-05"},
                 {0.00012345f, "0.00012345"},
                 {3.4028235e38f, "3.4028235e+38"},
                 {1e-45f, "1e-45"},
                 {-0.0f, "-0.0"},
                 {NAN, "nan"},
                 {-INFINITY, "-inf"}};
    mr_text out;
    mr_text_init(&out, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_text_clear(&out);
        mr_shortest_print_float(cases[i].value, &out);
        EXPECT_STR(mr_text_string(&out), cases[i].text);
    }
    mr_text_clear(&out);
    mr_shortest_json_float(3.4028235e38f, &out);
    EXPECT_STR(mr_text_string(&out), "3.4028235e38");
    mr_text_release(&out);
}
