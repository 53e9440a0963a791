// Fn, numbers: answers of DuckDB 1.4.4, edges first. tests/diff/eval_duckdb.py has the random rows.

#include "eval_make.h"
#include "runner.h"

typedef struct answer {
    const char *expression;
    const char *rows;
} answer;

static void expect_answers(const answer *answers, size_t count) {
    for (make_kind kind = MAKE_FLAT; kind <= MAKE_DICT; kind++) {
        make *m = make_new(kind);
        for (size_t i = 0; i < count; i++) {
            EXPECT_STR(make_text(m, answers[i].expression), answers[i].rows);
        }
        make_free(m);
    }
}

TEST(fn_number, arithmetic) {
    static const answer answers[] = {
        {"n // 2", "0|-1|NULL|0|1073741823|3"},
        {"7 // n", "7|-3|NULL|NULL|0|1"},
        {"n % 4", "1|-2|NULL|0|3|3"},
        {"n / 2", "0.5|-1.0|NULL|0.0|1073741823.5|3.5"},
        {"n / 0", "inf|-inf|NULL|nan|inf|inf"},
        {"n % 0", "NULL|NULL|NULL|NULL|NULL|NULL"},
        {"x % 1", "0.5|-0.5|NULL|0.0|nan|0.0"},
        {"x * 1e10", "15000000000.0|-5000000000.0|NULL|0.0|nan|inf"},
        {"abs(n - 1)", "0|3|NULL|1|2147483646|6"},
        {"sign(x)", "1|-1|NULL|0|0|1"},
    };
    expect_answers(answers, MR_COUNT(answers));
}

TEST(fn_number, the_least_integer) {
    static const answer answers[] = {
        {"(-2147483647 - 1) // n", "-2147483648|1073741824|NULL|NULL|-1|-306783378"},
        {"(n * 0 - 2147483647 - 1) // -1",
         "!expression: integer out of range: -2147483648 // -1|"
         "!expression: integer out of range: -2147483648 // -1|NULL|"
         "!expression: integer out of range: -2147483648 // -1|"
         "!expression: integer out of range: 0 * 0|"
         "!expression: integer out of range: -2147483648 // -1"},
    };
    make *m = make_new(MAKE_FLAT);
    EXPECT_STR(make_text(m, answers[0].expression), answers[0].rows);
    uint32_t sel[] = {0};
    static const char *const failing[][2] = {
        {"(n * 0 - 2147483647 - 1) // -1", "!expression: integer out of range: -2147483648 // -1"},
        {"(n * 0 - 2147483647 - 1) % -1", "!expression: integer out of range: -2147483648 % -1"},
        {"-(n * 0 - 2147483647 - 1)", "!expression: integer out of range: -(-2147483648)"},
        {"abs(n * 0 - 2147483647 - 1)", "!expression: integer out of range: abs(-2147483648)"},
    };
    for (size_t i = 0; i < MR_COUNT(failing); i++) {
        mr_eval *eval = make_eval(m, failing[i][0]);
        REQUIRE(eval != NULL);
        EXPECT_STR(make_run(m, eval, sel, 1), failing[i][1]);
        mr_eval_close(eval);
    }
    make_free(m);
}

TEST(fn_number, rounding) {
    static const answer answers[] = {
        {"round(x)", "2.0|-1.0|NULL|0.0|nan|1e+300"},
        {"round(x, 400)", "1.5|-0.5|NULL|0.0|nan|1e+300"},
        {"round(x, -400)", "0.0|0.0|NULL|0.0|0.0|0.0"},
        {"floor(x)", "1.0|-1.0|NULL|0.0|nan|1e+300"},
        {"ceil(x + 0.75)", "3.0|1.0|NULL|1.0|nan|1e+300"},
        {"trunc(x)", "1.0|-0.0|NULL|0.0|nan|1e+300"},
        {"round(2.567e0, 2)", "2.57|2.57|2.57|2.57|2.57|2.57"},
        {"x::bigint", "2|0|NULL|0|!expression: cannot cast nan to bigint|"
                      "!expression: cannot cast 1e+300 to bigint"},
    };
    expect_answers(answers, MR_COUNT(answers));
}

TEST(fn_number, roots_and_logarithms_fail_out_of_their_range) {
    static const answer answers[] = {
        {"sqrt(x - 1.5)",
         "0.0|!expression: cannot take the square root of a negative number|NULL|"
         "!expression: cannot take the square root of a negative number|nan|1e+150"},
        {"ln(x)", "0.4054651081081644|!expression: cannot take the logarithm of a negative number|"
                  "NULL|!expression: cannot take the logarithm of zero|nan|690.7755278982137"},
        {"log2(n)",
         "0.0|!expression: cannot take the logarithm of a negative number|NULL|"
         "!expression: cannot take the logarithm of zero|30.999999999328193|2.807354922057604"},
        {"power(n, 2)", "1.0|4.0|NULL|0.0|4.6116860141324206e+18|49.0"},
        {"isnan(x)", "false|false|NULL|false|true|false"},
        {"isfinite(x * 1e10)", "true|true|NULL|true|false|false"},
    };
    expect_answers(answers, MR_COUNT(answers));
}

TEST(fn_number, greatest_and_least_pass_over_null) {
    static const answer answers[] = {
        {"greatest(n, 3)", "3|3|3|3|2147483647|7"},
        {"least(n, k)", "1|-20|NULL|0|2147483647|7"},
        {"greatest(x, 2)", "2.0|2.0|2.0|2.0|nan|1e+300"},
        {"least(x, 2)", "1.5|-0.5|2.0|0.0|2.0|2.0"},
        {"greatest(s, u)", "x|b|c||abc|abc"},
        {"least(s, u, 'b')", "abc| \xC3\x89"
                             "a |b||12|abc"},
        {"greatest(NULL::integer, NULL::integer)", "NULL|NULL|NULL|NULL|NULL|NULL"},
    };
    expect_answers(answers, MR_COUNT(answers));
}
