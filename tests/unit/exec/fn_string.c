// Fn, strings: answers of DuckDB 1.4.4, edges first. tests/diff/eval_duckdb.py has the random rows.

#include "eval_make.h"
#include "runner.h"

TEST(fn_string, edges) {
    static const make_answer answers[] = {
        {"ascii('')", "0"},
        {"unicode('')", "-1"},
        {"ord('\u00e9')", "233"},
        {"chr(0) = chr(0)", "true"},
        {"chr(-1)", "!expression: no character has the code point -1"},
        {"chr(55296)", "!expression: no character has the code point 55296"},
        {"chr(1114112)", "!expression: no character has the code point 1114112"},
        {"translate('abcabc', 'aab', 'xyz')", "xzcxzc"},
        {"translate('a\u00e9b', '\u00e9a', '\u6f22')", "\u6f22"
                                                       "b"},
        {"levenshtein('\u00e9', 'e')", "2"},  // Bytes, as DuckDB's.
        {"levenshtein('', 'abc')", "3"},
        {"initcap('o''neil van-der 3RD \u00c9T\u00c9')", "O'Neil Van-Der 3rd \u00c9t\u00e9"},
        {"hex(-1)", "FFFFFFFFFFFFFFFF"},
        {"hex(0)", "0"},
        {"to_hex(255)", "FF"},
        {"bin(0)", "0"},
        {"hex(unhex('abc'))", "0ABC"},
        {"unhex('zz')", "!expression: \"zz\" is not a text of hexadecimal digits"},
        {"decode('abc', 'hex')", "!expression: odd number of hexadecimal digits: \"abc\""},
        {"decode('abc', 'utf8')", "!expression: format \"utf8\" is neither 'hex' nor 'base64'"},
        {"decode(unhex('C3'))", "!expression: bytes are not UTF-8"},
        {"decode(from_base64('YW=J'))", "a"},
        {"from_base64('YWJjZA')", "!expression: \"YWJjZA\" is not base64"},
        {"from_base64('YQ==YQ==')", "!expression: \"YQ==YQ==\" is not base64"},
        {"from_base64('Y===')", "!expression: \"Y===\" is not base64"},
        {"url_decode('a%20b+c%zz%C3%A9%4')", "a b+c%zz\u00e9%4"},
        {"url_decode('%C3')", "!expression: \"%C3\" does not decode to UTF-8"},
        {"url_encode('a b/\u00e9~_-.!*()''')", "a%20b%2F%C3%A9~_-.%21%2A%28%29%27"},
        {"md5(NULL::text)", "NULL"},
    };
    make_expect(answers, MR_COUNT(answers));
}

TEST(fn_string, levenshtein_of_long_texts_fails_the_row) {
    static const make_answer answers[] = {
        {"levenshtein(repeat('a', 40000), repeat('b', 40000))",
         "!expression: texts of 40000 and 40000 bytes are too long for levenshtein"},
    };
    make_expect(answers, MR_COUNT(answers));
}
