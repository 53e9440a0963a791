// Fn, mathematics: answers of DuckDB 1.4.4, edges first. tests/diff/eval_duckdb.py has the random
// rows.

#include "eval_make.h"
#include "runner.h"

TEST(fn_math, edges) {
    static const make_answer answers[] = {
        {"sin('inf'::double precision)", "!expression: sin(inf) is not defined"},
        {"asin(2)", "!expression: asin(2.0) is not defined"},
        {"atanh(1)", "inf"},
        {"acosh(0)", "nan"},
        {"cot(0)", "!expression: cot(0.0) is not defined"},
        {"even(-2.1)", "-4.0"},
        {"even(0)", "0.0"},
        {"log(2, 8)", "3.0"},
        {"log(1, 8)", "!expression: cannot take the logarithm of 8.0 to base 1.0"},
        {"log(100)", "2.0"},
        {"fmod(-5, 3)", "1.0"},
        {"fmod(5, 0)", "nan"},
        {"7.0e0 // 0", "NULL"},
        {"round(-15, -1)", "-20"},
        {"trunc(-15, -1)", "-10"},
        {"round(2147483647, -1)", "!expression: integer out of range: 2147483647 round -1"},
        {"round(9223372036854775807, -19)", "!expression: bigint out of range: "
                                            "9223372036854775807 round -19"},
        {"trunc(5, -20)", "0"},
        {"1 << 30", "1073741824"},
        {"1 << 31", "!expression: integer out of range: 1 << 31"},
        {"0 << 40", "0"},
        {"9223372036854775807 << 0", "9223372036854775807"},
        {"-1 << 1", "!expression: integer out of range: -1 << 1"},
        {"-5 >> 1", "-3"},
        {"5 >> 64", "0"},
        {"5 >> -1", "0"},
        {"gcd(-9223372036854775807 - 1, -1)", "1"},
        {"gcd(-9223372036854775807 - 1, 0)",
         "!expression: bigint out of range: -9223372036854775808 gcd 0"},
        {"lcm(0, 5)", "0"},
        {"lcm(9223372036854775807, 2)",
         "!expression: bigint out of range: 9223372036854775807 lcm 2"},
        {"factorial(20)", "2432902008176640000"},
        {"factorial(21)", "!expression: bigint out of range: factorial(21)"},
        {"factorial(-1)", "1"},
        {"bit_count(-1)", "32"},
        {"~5 & 255", "250"},
    };
    make_expect(answers, MR_COUNT(answers));
}
