// Fn, regular expressions: answers of DuckDB 1.4.4, edges first; patterns that are kept, malformed,
// or too slow. tests/diff/eval_duckdb.py has the random rows.

#include "eval_make.h"
#include "runner.h"

TEST(fn_regex, edges) {
    static const make_answer answers[] = {
        {"regexp_matches(E'a\\nb', 'a.b')", "false"},
        {"regexp_matches(E'a\\nb', 'a.b', 's')", "true"},
        {"regexp_matches(E'a\\nb', '^b', 'm')", "false"},
        {"regexp_matches(E'a\\nb', '(?m)^b')", "true"},
        {"regexp_matches(E'a\\n', 'a$')", "false"},
        {"regexp_matches('a.c', 'a.', 'l')", "true"},
        {"regexp_matches('abc', 'a.', 'l')", "false"},
        {"regexp_matches('\u00c9', '\u00e9', 'i')", "true"},
        {"regexp_matches('\u00e9', '\\w')", "false"},
        {"regexp_matches('', '')", "true"},
        {"'abc' ~ 'b'", "false"},  // The whole text, as DuckDB's.
        {"'aBc' ~* 'ab.'", "true"},
        {"'abc' !~ 'b'", "true"},
        {"'abc' SIMILAR TO 'a(b|c)c'", "true"},
        {"'abc' NOT SIMILAR TO 'a'", "true"},
        {"regexp_extract('abc', '(x)?b', 1)", ""},
        {"regexp_extract('abc', 'x')", ""},
        {"regexp_extract('abc', '(b)(c)', 3)", ""},
        {"regexp_extract('abc', 'b', -1)",
         "!expression: group -1 of a regular expression is not one of 0 to 9"},
        {"regexp_replace('baac', 'a*', '-', 'g')", "-b-c-"},
        {"regexp_replace('a\u00e9c', '', '-', 'g')", "-a-\u00e9-c-"},
        {"regexp_replace('abcabc', '(b)', '<\\1\\0>', 'g')", "a<bb>ca<bb>c"},
        {"regexp_replace('abcabc', '(b)', '<\\2>', 'g')", "abcabc"},
        {"regexp_replace('abcabc', 'b', '\\x', 'g')", "acac"},
        {"regexp_replace('abcabc', 'b', '\\x')", "abcabc"},
        {"regexp_replace('aBc', 'b', '$0', 'i')", "a$0c"},
        {"regexp_matches('abc', '(')",
         "!expression: regular expression \"(\": missing closing parenthesis at byte 1"},
        {"regexp_matches(NULL, 'a')", "NULL"},
    };
    make_expect(answers, MR_COUNT(answers));
}

// The row fails, soon, and the next row is searched as if nothing had been.
TEST(fn_regex, endless_patterns_fail_their_row) {
    static const make_answer answers[] = {
        {"regexp_matches(repeat('a', 60) || 'b', '^(a+)+$')",
         "!expression: regular expression \"^(a+)+$\" gives up on "
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\": match limit exceeded"},
        {"regexp_matches(repeat('ab', 10000), '^(ab)*$')", "true"},
        {"regexp_matches(repeat('a', 60), '^(a+)+$')", "true"},
    };
    make_expect(answers, MR_COUNT(answers));
}

// More patterns than are kept, from a column, twice.
TEST(fn_regex, patterns_from_columns_are_kept_and_dropped) {
    make *m = make_new(MAKE_FLAT);
    mr_eval *eval = make_eval(m, "regexp_replace(u || '17', n || '|' || u || 'c|abc', '#')");
    REQUIRE(eval != NULL);
    for (int i = 0; i < 40; i++) {
        for (uint32_t row = 0; row < 6; row++) {
            m->columns[0].int32s[row] = row == 0 ? i : (int32_t)row + 1;
        }
        const char *first = i == 17 ? "x#" : i == 1 ? "x#7" : i == 7 ? "x1#" : "x17";
        EXPECT_STR(make_run(m, eval, (uint32_t[]){0, 4}, 2),
                   mr_arena_printf(&m->arena, "%s|#17", first));
    }
    mr_eval_close(eval);
    make_free(m);
}

TEST(fn_regex, options_are_checked_at_once) {
    make *m = make_new(MAKE_FLAT);
    EXPECT(make_eval(m, "regexp_matches(s, 'a', 'g')") == NULL);
    EXPECT_STR(m->cx.error.text, "option g is for regexp_replace only");
    EXPECT(make_eval(m, "regexp_replace(s, 'a', 'b', 'z')") == NULL);
    EXPECT_STR(m->cx.error.text, "unknown option \"z\" of a regular expression");
    EXPECT(make_eval(m, "regexp_matches(s, 'a', u)") == NULL);
    EXPECT_STR(m->cx.error.text, "options of a regular expression are not a literal");
    make_free(m);
}
