// Fn, JSON: answers of DuckDB 1.4.4, edges first. tests/diff/eval_duckdb.py has the random rows.

#include "eval_make.h"
#include "runner.h"

TEST(fn_json, paths) {
    static const make_answer answers[] = {
        {"'{\"a\":{\"b\":[1,2]}}' -> '$.a.b[-1]'", "2"},
        {"'{\"a\":{\"b\":[1,2]}}' -> '$.a.b[#-2]'", "1"},
        {"'{\"a\":{\"b\":[1,2]}}' -> '$.a.b[2]'", "NULL"},
        {"'{\"a\":{\"b\":[1,2]}}' -> '$.a.b[-3]'", "NULL"},
        {"'{\"a.b\":1}' -> 'a.b'", "1"},  // One key.
        {"'{\"a b\":1}' -> '$.\"a b\"'", "1"},
        {"'{\"a\\\"b\":1}' -> '$.\"a\\\"b\"'", "1"},
        {"'{\"a/b\":1}' -> '/a~1b'", "1"},
        {"'{\"\":1}' -> '/'", "1"},
        {"'{\"0\":5}' -> 0", "NULL"},
        {"'{\"0\":5}' -> '/0'", "5"},
        {"'[1,2,3]' -> '0'", "NULL"},
        {"json_extract('[1,2,3]', -1)", "3"},
        {"'{\"a\":1}' -> ''", "{\"a\":1}"},
        {"'{\"\\u0061\":1,\"a\":2}' -> 'a'", "1"},  // The first of equal keys.
        {"'{\"a\":{\"b\":2}}' -> 'a' ->> 'b'", "2"},
        {"'{\"a\":[{\"b\":2}]}' #>> '{a,0,b}'", "2"},
        {"'{\"a\":1}' -> '$.'",
         "!expression: \"$.\" is not a path into JSON such as '$.a[0]', without *"},
        {"'{\"a\":[1]}' -> '$.a[*]'",
         "!expression: \"$.a[*]\" is not a path into JSON such as '$.a[0]', without *"},
        {"'{\"a\":[1]}' -> '$a'",
         "!expression: \"$a\" is not a path into JSON such as '$.a[0]', without *"},
        {"'{\"a\":1}' #> 'a'", "!expression: \"a\" is not a path into JSON such as '{a,0}'"},
    };
    make_expect(answers, MR_COUNT(answers));
}

TEST(fn_json, values_are_printed_as_duckdb_prints_them) {
    static const make_answer answers[] = {
        {"json(' { \"a\" : [ 1.50 , 1e3, -0, 1e-7 ,1e22, 0.00001 ] } ')",
         "{\"a\":[1.5,1000.0,0,1e-7,1e22,0.00001]}"},
        {"json('[12345678901234567890123, 1e400, [1,],]')", "[12345678901234567890123,1e400,[1]]"},
        {"json('\"\\u00e9\\n\\u0001\\/\"')", "\"\u00e9\\n\\u0001/\""},
        {"'{\"a\":\"\\ud83d\\ude00\"}' ->> 'a'", "\U0001F600"},
        {"'{\"a\":null}' ->> 'a'", "NULL"},
        {"'{\"a\":null}' -> 'a'", "null"},
        {"'{\"a\":[ 1 ]}' ->> 'a'", "[1]"},
        {"json_value('{\"a\":\"x\"}', '$.a')", "\"x\""},
        {"json_value('{\"a\":[1]}', '$.a')", "NULL"},
        {"json_quote(E'a\"\\n')", "\"a\\\"\\n\""},
    };
    make_expect(answers, MR_COUNT(answers));
}

TEST(fn_json, what_is_json) {
    static const make_answer answers[] = {
        {"'{\"a\":1' -> 'a'", "!expression: \"{\"a\":1\" is not JSON"},
        {"'' ->> 'a'", "!expression: \"\" is not JSON"},
        {"json_valid('[1,]')", "true"},  // As DuckDB.
        {"json_valid('[,]')", "false"},
        {"json_valid('1 2')", "false"},
        {"json_valid('01')", "false"},
        {"json_valid('\"\\ud800\"')", "false"},
        {"json_valid('\"\\x\"')", "false"},
        {"json_valid('-')", "false"},
        {"json_valid(E'\"\\n\"')", "false"},
        {"json_valid('-Infinity')", "true"},
        {"json_valid(repeat('[', 1000) || repeat(']', 1000))", "true"},
        {"json_valid(repeat('[', 100000))", "false"},
        {"json_valid('\"')", "false"},
        {"json_valid('\"\\')", "false"},
        {"json_valid('{\"a\"')", "false"},
        {"json_valid('{\"a\":')", "false"},
        {"json_type('18446744073709551615')", "UBIGINT"},
        {"json_type('18446744073709551616')", "DOUBLE"},
        {"json_type('-9223372036854775808')", "BIGINT"},
        {"json_type('-9223372036854775809')", "DOUBLE"},
        {"json_type('{\"a\":1}', '$.b')", "NULL"},
        {"json_array_length('{\"a\":1}')", "0"},
        {"json_exists('{\"a\":null}', '$.a')", "true"},
    };
    make_expect(answers, MR_COUNT(answers));
}
