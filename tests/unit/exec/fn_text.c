// Fn, text: answers of DuckDB 1.4.4, edges first. tests/diff/eval_duckdb.py has the random rows.

#include "eval_make.h"
#include "runner.h"

typedef struct answer {
    const char *expression;
    const char *value;
} answer;

// The first row's value; the expressions are of constants.
static void expect_first(const answer *answers, size_t count) {
    make *m = make_new(MAKE_FLAT);
    uint32_t first[] = {0};
    for (size_t i = 0; i < count; i++) {
        mr_eval *eval = make_eval(m, answers[i].expression);
        if (!EXPECT(eval != NULL)) {
            EXPECT_STR(m->cx.error.text, answers[i].expression);
            continue;
        }
        EXPECT_STR(make_run(m, eval, first, 1), answers[i].value);
        mr_eval_close(eval);
    }
    make_free(m);
}

TEST(fn_text, case_and_trimming) {
    static const answer answers[] = {
        {"upper('stra\u00dfe \u00e9a')", "STRA\u1e9eE \u00c9A"},
        {"lower('\u00c0\u00c9X')", "\u00e0\u00e9x"},
        {"trim('  a b  ')", "a b"},
        {"trim(E'\\t a')", "\t a"},  // Spaces only.
        {"ltrim('xxax', 'x')", "ax"},
        {"rtrim('abxyx', 'xy')", "ab"},
        {"trim('xa\u00e9x\u00e9', '\u00e9x')", "a"},
        {"trim('abc', '')", "abc"},
        {"reverse('a\u00e9\u6f22')", "\u6f22\u00e9a"},
    };
    expect_first(answers, MR_COUNT(answers));
}

TEST(fn_text, lengths_count_characters) {
    static const answer answers[] = {
        {"length('a\u00e9\u6f22\U0001F600')", "4"},
        {"strlen('a\u00e9\u6f22')", "6"},
        {"strpos('a\u00e9bc', 'b')", "3"},
        {"strpos('abc', '')", "1"},
        {"strpos('abc', 'z')", "0"},
    };
    expect_first(answers, MR_COUNT(answers));
}

TEST(fn_text, substring_positions) {
    static const answer answers[] = {
        {"substring('hello', 0, 3)", "he"},
        {"substring('hello', -3, 2)", "ll"},
        {"substring('hello', 2)", "ello"},
        {"substring('hello', 0)", "hello"},
        {"substring('hello', -10)", "hello"},
        {"substring('hello', -10, 7)", "he"},
        {"substring('hello', 2, -1)", "h"},
        {"substring('hello', -2, -2)", "el"},
        {"substring('hello', 9)", ""},
        {"substring('a\u00e9\u6f22x', 2, 2)", "\u00e9\u6f22"},
        {"left('hello', -2)", "hel"},
        {"right('hello', -2)", "llo"},
        {"left('hello', 2)", "he"},
        {"right('a\u00e9\u6f22', 2)", "\u00e9\u6f22"},
        {"left('hello', -9)", ""},
        {"right('hello', 99)", "hello"},
        {"substring('hello', 1, 9223372036854775807)", "hello"},
    };
    expect_first(answers, MR_COUNT(answers));
}

TEST(fn_text, putting_together_and_apart) {
    static const answer answers[] = {
        {"concat('a', NULL, 'b')", "ab"},
        {"'a' || NULL::text", "NULL"},
        {"concat_ws('-', 'a', NULL, 'b')", "a-b"},
        {"concat_ws(NULL, 'a')", "NULL"},
        {"replace('aaa', '', 'b')", "aaa"},
        {"replace('aXbX', 'X', 'yy')", "ayybyy"},
        {"split_part('a,b,c', ',', 2)", "b"},
        {"split_part('a,b,c', ',', -1)", "c"},
        {"split_part('a,b,c', ',', 0)", ""},
        {"split_part('a,b,c', ',', 9)", ""},
        {"split_part('a,b,c', ',', -9)", ""},
        {"split_part('abc', '', 1)", "a"},
        {"lpad('ab', 5, 'xy')", "xyxab"},
        {"rpad('ab', 5, 'xy')", "abxyx"},
        {"lpad('abcdef', 3, 'x')", "abc"},
        {"lpad('ab', 5, '')", "!expression: nothing to fill the text up with"},
        {"repeat('ab', -1)", ""},
        {"length(repeat('a', 1048576))", "1048576"},
        {"repeat('a', 1048577)", "!expression: text of more than 1 MiB"},
        {"replace(repeat('a', 600000), 'a', 'bb')", "!expression: text of more than 1 MiB"},
    };
    expect_first(answers, MR_COUNT(answers));
}

TEST(fn_text, like) {
    static const answer answers[] = {
        {"'' LIKE ''", "true"},
        {"'abc' LIKE 'a%'", "true"},
        {"'abc' LIKE '%b%'", "true"},
        {"'abc' LIKE 'a_c'", "true"},
        {"'a\u00e9c' LIKE 'a_c'", "true"},
        {"'abcabd' LIKE '%ab_'", "true"},
        {"'aXbXc' LIKE 'a%X%c%'", "true"},
        {"'abc' LIKE 'ab'", "false"},
        {"'\u00c9' ILIKE '\u00e9'", "true"},
        {"'a\\b' LIKE 'a\\b'", "true"},  // No escape unless one is named.
        {"'a%c' LIKE 'a!%c' ESCAPE '!'", "true"},
        {"'abc' LIKE 'a!%c' ESCAPE '!'", "false"},
        {"'a' LIKE 'a' ESCAPE ''", "true"},
        {"'abc' LIKE 'ab!' ESCAPE '!'",
         "!expression: LIKE pattern \"ab!\" ends in its escape character"},
        {"'ab' LIKE 'ab!' ESCAPE '!'", "false"},
        {"'a' LIKE 'a' ESCAPE 'xx'", "!expression: escape \"xx\" of LIKE is more than one byte"},
    };
    expect_first(answers, MR_COUNT(answers));
}

TEST(fn_text, casts_from_text) {
    static const answer answers[] = {
        {"try_cast(concat('1.5') AS integer)", "2"},
        {"concat('2.5')::integer", "3"},
        {"concat('-2.5')::integer", "-3"},
        {"concat('1e3')::integer", "1000"},
        {"concat('123456.78e-2')::integer", "1235"},
        {"concat('1_000')::integer", "1000"},
        {"concat(' 0x1F ')::integer", "31"},
        {"concat('0b101')::integer", "5"},
        {"try_cast(concat('1__0') AS integer)", "NULL"},
        {"try_cast(concat('1e') AS integer)", "NULL"},
        {"concat('2147483647.4')::integer", "2147483647"},
        {"try_cast(concat('2147483647.5') AS integer)", "NULL"},
        {"concat('-9223372036854775808')::bigint", "-9223372036854775808"},
        {"try_cast(concat('9223372036854775808') AS bigint)", "NULL"},
        {"concat('1_000.5')::double precision", "1000.5"},
        {"concat('1e400')::double precision", "inf"},
        {"concat('1e-400')::double precision", "0.0"},
        {"concat('-Infinity')::double precision", "-inf"},
        {"try_cast(concat('1d') AS double precision)", "NULL"},
        {"concat('Yes')::boolean", "true"},
        {"try_cast(concat('on') AS boolean)", "NULL"},
        {"concat('2026-1-31 what follows')::date", "2026-01-31"},
        {"try_cast(concat('2026-02-30') AS date)", "NULL"},
        {"concat('2026-01-01T10:00:00+05:30')::timestamptz", "2026-01-01 04:30:00+00"},
        {"concat('2026-01-01T10:00:00+05:30')::timestamp", "2026-01-01 10:00:00"},
        {"try_cast(concat('2026-01-01 25:00:00') AS timestamp)", "NULL"},
        {"concat('1 month 2 days 03:04:05.5')::interval", "1 month 2 days 03:04:05.5"},
    };
    expect_first(answers, MR_COUNT(answers));
}
