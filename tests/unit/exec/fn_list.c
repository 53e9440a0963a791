// Fn, lists: answers of DuckDB 1.4.4, edges first. tests/diff/eval_duckdb.py has the random rows.

#include "eval_make.h"
#include "runner.h"

TEST(fn_list, elements) {
    static const make_answer answers[] = {
        {"list_value(1, NULL, 3)", "[1, NULL, 3]"},
        {"list_value(1, 2.5e0)", "[1.0, 2.5]"},
        {"len(string_split('a,b,,c', ','))", "4"},
        {"array_length(list_value(1, 2))", "2"},
        {"list_contains(list_value(1, NULL), 2)", "false"},
        {"list_contains(list_value(1, NULL), NULL)", "NULL"},
        {"list_position(list_value(1, NULL), NULL)", "2"},
        {"list_position(list_value(1, 2), 5)", "NULL"},
        {"list_extract(list_value(1, 2, 3), 0)", "NULL"},
        {"list_extract(list_value(1, 2, 3), -3)", "1"},
        {"list_extract(list_value(1, 2, 3), -4)", "NULL"},
        {"list_extract(list_value(1, 2, 3), 9223372036854775807)", "NULL"},
        {"list_slice(list_value(1, 2, 3, 4), -2, -1)", "[3, 4]"},
        {"list_slice(list_value(1, 2, 3, 4), -9, 2)", "[1, 2]"},
        {"list_slice(list_value(1, 2, 3, 4), 3, 2)", "[]"},
        {"list_concat(list_value(1), NULL)", "[1]"},
        {"list_append(list_value(1), NULL)", "[1, NULL]"},
        {"list_prepend(1, list_value(2))", "[1, 2]"},
        {"list_sort(list_value(3, 1, NULL, 2))", "[1, 2, 3, NULL]"},
        {"list_reverse_sort(list_value(3, 1, NULL, 2))", "[3, 2, 1, NULL]"},
        {"list_sort(list_value('nan'::double precision, 1))", "[1.0, nan]"},
        {"list_sum(list_value(9223372036854775807, 1))",
         "!expression: bigint out of range: list_sum"},
        {"list_sum(list_value(NULL::int))", "NULL"},
        {"list_avg(list_value(1, 2, NULL))", "1.5"},
        {"flatten(list_value(list_value(1), NULL, list_value(NULL, 2)))", "[1, NULL, 2]"},
        {"array_to_string(list_value('a', NULL, 'b'), '-')", "a-b"},
        {"array_to_string(list_value(NULL::text), '-')", "NULL"},
        {"list_max(list_value('a', 'B'))", "a"},
    };
    make_expect(answers, MR_COUNT(answers));
}

TEST(fn_list, texts) {
    static const make_answer answers[] = {
        {"string_split('', ',')", "['']"},
        {"string_split('a\u00e9c', '')", "[a, \u00e9, c]"},
        {"string_split('abc', NULL)", "[abc]"},
        {"regexp_split_to_array('a1b22c', '\\d+')", "[a, b, c]"},
        {"regexp_split_to_array('1a1', '1')", "['', a, '']"},
        {"regexp_split_to_array('a\u00e9c', '')", "[a, \u00e9, c]"},
        {"regexp_extract_all('aBab', 'b', 0, 'i')", "[B, b]"},
        {"regexp_extract_all('ab', '')", "['', '', '']"},
        {"regexp_extract_all('ab', '(a)|b', 1)", "[a, NULL]"},
        {"regexp_extract_all('ab', '(a)', 2)",
         "!expression: the pattern has 1 groups, and not a group 2"},
        {"json_keys('{\"a\":{\"x\":1},\"\\u00e9\":2}')", "[a, \u00e9]"},
        {"json_keys('[1]')", "[]"},
        {"json_keys('{')", "!expression: \"{\" is not JSON"},
    };
    make_expect(answers, MR_COUNT(answers));
}

TEST(fn_list, columns) {
    make *m = make_new(MAKE_FLAT);
    EXPECT_STR(make_text(m, "list_value(n, k)"),
               "[1, 10]|[-2, -20]|[NULL, NULL]|[0, 0]|[2147483647, 9223372036854775807]|[7, 70]");
    EXPECT_STR(make_text(m, "list_max(string_split(s, 'b'))"), "c| \u00c9"
                                                               "a |NULL||12|c");
    make_free(m);
}
