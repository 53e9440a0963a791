// JSON decoder: what is a row, what is bad, and why. Each case runs in every way json_show has.

#include <stdio.h>
#include <string.h>

#include "unit/codec/json_show.h"

#include "runner.h"

#define SHOW(spec, input) json_show_text(spec, input)

TEST(json, decodes_all_types) {
    EXPECT_STR(SHOW("b:bool i:int l:bigint d:double s:text t:timestamptz w:timestamp e:date",
                    "{\"b\":true,\"i\":-7,\"l\":9007199254740993,\"d\":1.25,\"s\":\"x\","
                    "\"t\":\"2026-01-01T00:00:00.5Z\",\"w\":\"2026-01-01 00:00:00\","
                    "\"e\":\"2026-01-02\"}\n"
                    "{\"b\":false,\"i\":0,\"l\":-1,\"d\":3,\"s\":\"\",\"t\":null,\"w\":null,"
                    "\"e\":null}"),
               "true,-7,9007199254740993,1.25,\"x\",1767225600500000,1767225600000000,20455\n"
               "false,0,-1,3,\"\",-,-,-\n");
}

TEST(json, missing_and_null_fields_are_null) {
    EXPECT_STR(SHOW("a:int b:text", "{\"a\":1}\n{\"b\":\"x\"}\n{}\n{\"a\":null,\"b\":null}\n"
                                    "{\"a\":2,\"b\":\"y\"}\n{\"a\":1}\n{}\n"),
               "1,-\n-,\"x\"\n-,-\n-,-\n2,\"y\"\n1,-\n-,-\n");
}

TEST(json, required_fields_must_be_there) {
    EXPECT_STR(SHOW("a:int! b:text", "{\"a\":1}\n{\"b\":\"x\"}\n{\"a\":null}\n{\"a\":2}"),
               "1,-\n!null: a is missing\n!null: a is null\n2,-\n");
}

TEST(json, event_time_is_always_required) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_fields fields = json_show_fields("t:timestamptz", &arena);
    fields.event_time = 0;
    mr_json *json = NULL;
    REQUIRE_OK(mr_json_open(&fields, MR_JSON_BEST, &json, &cx));
    mr_span input = MR_SPAN("{\"t\":null}\n{\"t\":\"2026-01-01\"}\n");
    mr_hold *hold = json_show_hold(input);
    mr_records records = {.base = hold->buffer, .bytes = input.bytes, .offset_first = 1000};
    mr_decoded decoded;
    EXPECT_OK(mr_json_decode(json, &records, hold, &decoded, &cx));
    EXPECT_EQ(decoded.bad_count, 1);
    EXPECT_STR(decoded.bad[0].reason, "null: t is null");
    EXPECT_EQ(decoded.bad[0].offset, 1000);
    EXPECT(decoded.bad[0].raw == hold->buffer);
    EXPECT_EQ(decoded.bad[0].raw_bytes, 10);
    EXPECT_EQ(decoded.batches[0].origin->offsets[0], 1011);
    EXPECT_EQ(decoded.batches[0].origin->starts[0], 11);
    EXPECT_EQ(decoded.batches[0].origin->lengths[0], 18);
    EXPECT(decoded.batches[0].origin->base == hold->buffer);
    EXPECT(decoded.batches[0].hold == hold);
    mr_json_close(json);
    mr_hold_unref(hold);
    mr_arena_release(&arena);
}

// ---- reliability §4, row 1: malformed ----------------------------------------------------------

static const char *const malformed[] = {
    "{\"a\":1,}",
    "{\"a\":1",
    "{\"a\":1]",
    "{\"a\":}",
    "{\"a\"}",
    "{\"a\" 1}",
    "{a:1}",
    "{'a':1}",
    "{\"a\":1}}",
    "{\"a\":1} x",
    "{\"a\":1}{\"a\":2}",
    "[{\"a\":1}]",
    "1",
    "null",
    "\"x\"",
    "[]",
    "{",
    "}",
    "{\"a",
    "{\"a\":\"b",
    "{\"q\":tru}",
    "{\"q\":nul}",
    "{\"q\":truex}",
    "{\"q\":01}",
    "{\"q\":-}",
    "{\"q\":1.}",
    "{\"q\":.5}",
    "{\"q\":+1}",
    "{\"q\":1e}",
    "{\"q\":1e+}",
    "{\"q\":1.e5}",
    "{\"q\":NaN}",
    "{\"q\":Infinity}",
    "{\"q\":0x10}",
    "{\"q\":1_0}",
    "{\"q\":\"\\x\"}",
    "{\"q\":\"\\u12\"}",
    "{\"q\":\"\\u12g4\"}",
    "{\"q\":\"\\\"}",
    "{\"q\":\"\x01\"}",
    "{\"q\":\"a\tb\"}",
    "{\"q\":[1,]}",
    "{\"q\":[,1]}",
    "{\"q\":[1 2]}",
    "{\"q\":{]}",
    "{\"q\":[}]}",
    "{,}",
    "{\"q\":1 \"a\":2}",
    "{\"q\":1/**/}",
    "{\"q\":\v1}",
    "{\"a\":1,,\"b\":2}",
    "{\"a\"::1}",
    "{\"a\":1:2}",

    "{\"q\":- 1}",
    "{\"q\":1 .5}",
    "{\"q\":--1}",
};

TEST(json, malformed_records_are_bad_and_neighbours_good) {
    for (size_t i = 0; i < MR_COUNT(malformed); i++) {
        char input[256];
        snprintf(input, sizeof(input), "{\"a\":1}\n%s\n{\"a\":2}\n", malformed[i]);
        const char *shown = SHOW("a:int", input);
        bool good = strncmp(shown, "1\n!bad_json: ", 13) == 0;
        const char *last = strchr(shown + 2, '\n');
        if (!EXPECT(good && last != NULL && strcmp(last, "\n2\n") == 0)) {
            printf("  %s gives\n%s", malformed[i], shown);
        }
    }
}

TEST(json, says_what_is_wrong_and_where) {
    EXPECT_STR(SHOW("a:int", "{\"a\":1"), "!bad_json: record ends early at byte 7\n");
    EXPECT_STR(SHOW("a:int", "{\"a\":1 x}"), "!bad_json: expected , or } at byte 8\n");
    EXPECT_STR(SHOW("a:int", "[1]"), "!bad_json: not an object at byte 1\n");
    EXPECT_STR(SHOW("a:int", "{\"b\":\"\\q\"}"), "!bad_json: unknown escape at byte 7\n");
    EXPECT_STR(SHOW("a:int", "{\"a\":1} {"), "!bad_json: more text behind the object at byte 9\n");
}

TEST(json, an_unbalanced_quote_anywhere_harms_no_neighbour) {
    const char *record = "{\"a\": 5, \"s\": \"x\\\"y\", \"n\": [1, {\"m\": \"z\"}]}";
    size_t bytes = strlen(record);
    for (size_t at = 0; at <= bytes; at++) {
        char input[512];
        snprintf(input, sizeof(input),
                 "{\"a\": 1, \"s\": \"p\"}\n%.*s\"%s\n{\"a\": 2, \"s\": \"q\"}\n", (int)at, record,
                 record + at);
        const char *shown = SHOW("a:int s:text", input);
        const char *second = strchr(shown, '\n') + 1;
        const char *third = strchr(second, '\n') + 1;
        // Inside the text an odd quote cannot be balanced again.
        if (!EXPECT(strncmp(shown, "1,\"p\"\n", 6) == 0 && *second == '!' &&
                    strcmp(third, "2,\"q\"\n") == 0)) {
            printf("  at %zu: %s", at, shown);
        }
    }
}

TEST(json, a_record_cut_anywhere_harms_no_neighbour) {
    const char *record =
        "{\"a\": -15, \"s\": \"x\\u00e9y\", \"d\": 1.5e3, \"n\": [true, {\"m\": null}]}";
    size_t bytes = strlen(record);
    for (size_t cut = 1; cut < bytes; cut++) {
        char input[512];
        snprintf(input, sizeof(input), "%s\n%.*s\n%s\n", record, (int)cut, record, record);
        const char *shown = SHOW("a:int s:text d:double", input);
        if (!EXPECT(strncmp(shown, "-15,\"x\xC3\xA9y\",1500\n!bad_json: ", 27) == 0 &&
                    strcmp(strrchr(shown, '!'), strstr(shown, "!bad_json")) == 0)) {
            printf("  cut at %zu: %s", cut, shown);
        }
    }
}

// ---- row 2: UTF-8 ------------------------------------------------------------------------------

TEST(json, text_that_is_not_utf8_is_bad) {
    static const char *const bad[] = {"\xFF",
                                      "\x80",
                                      "\xC3",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF0\x80\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xE2\x82",
                                      "\xF0\x9F\x98",
                                      "\\ud83d",
                                      "\\ude00",
                                      "\\ud83dx",
                                      "\\ud83d\\u0041",
                                      "\\ud83d\\ud83d",
                                      "\\uDFFF\\uD800"};
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        for (int place = 0; place < 3; place++) {
            static const char *const before[] = {"{\"a\":\"x", "{\"a\":\"x\",\"q\":\"",
                                                 "{\"a\":\"x\",\"k"};
            static const char *const behind[] = {"x\",\"b\":1}", "\"}", "\":1}"};
            char record[128];
            char input[256];
            snprintf(record, sizeof(record), "%s%s%s", before[place], bad[i], behind[place]);
            snprintf(input, sizeof(input), "{\"a\":\"1\"}\n%s\n{\"a\":\"2\"}\n", record);
            const char *shown = SHOW("a:text", input);
            const char *last = strchr(shown + 4, '\n');
            if (!EXPECT(strncmp(shown, "\"1\"\n!bad_utf8: ", 15) == 0 && last != NULL &&
                        strcmp(last, "\n\"2\"\n") == 0)) {
                printf("  %s gives\n%s", record, shown);
            }
        }
    }
}

TEST(json, escapes_are_resolved) {
    EXPECT_STR(
        SHOW("a:text", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"}"),
        "\"\\\"\\\\/\\b\\f\\n\\r\\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"\n");
    EXPECT_STR(SHOW("a:text", "{\"a\":\"\xC3\xA9\\u0000\xF0\x9F\x98\x80\"}"),
               "\"\xC3\xA9\\u0000\xF0\x9F\x98\x80\"\n");
}

// ---- row 3: numbers ----------------------------------------------------------------------------

TEST(json, integers_that_do_not_fit_are_overflow) {
    EXPECT_STR(SHOW("a:int",
                    "{\"a\":2147483647}\n{\"a\":-2147483648}\n{\"a\":2147483648}\n"
                    "{\"a\":-2147483649}\n{\"a\":12345678901234567890}\n{\"a\":-0}\n{\"a\":1e999}\n"
                    "{\"a\":2147483648.0}\n"),
               "2147483647\n-2147483648\n!overflow: a does not fit integer: 2147483648\n"
               "!overflow: a does not fit integer: -2147483649\n"
               "!overflow: a does not fit integer: 12345678901234567890\n0\n"
               "!overflow: a does not fit integer: 1e999\n"
               "!overflow: a does not fit integer: 2147483648.0\n");
    EXPECT_STR(SHOW("a:bigint",
                    "{\"a\":9223372036854775807}\n{\"a\":-9223372036854775808}\n"
                    "{\"a\":9223372036854775808}\n{\"a\":1e40}\n{\"a\":-9223372036854775809}\n"
                    "{\"a\":18446744073709551616}\n{\"a\":9223372036854775808.0}\n"),
               "9223372036854775807\n-9223372036854775808\n"
               "!overflow: a does not fit bigint: 9223372036854775808\n"
               "!overflow: a does not fit bigint: 1e40\n"
               "!overflow: a does not fit bigint: -9223372036854775809\n"
               "!overflow: a does not fit bigint: 18446744073709551616\n"
               "!overflow: a does not fit bigint: 9223372036854775808.0\n");
}

TEST(json, integers_take_whole_numbers_however_written) {
    EXPECT_STR(SHOW("a:int", "{\"a\":3.0}\n{\"a\":1e2}\n{\"a\":3.5}\n{\"a\":-0.0}\n{\"a\":-2.5}\n"
                             "{\"a\":0.4}\n{\"a\":1E+1}\n{\"a\":10e-1}\n"),
               "3\n100\n!wrong_type: a is no whole number: 3.5\n0\n"
               "!wrong_type: a is no whole number: -2.5\n!wrong_type: a is no whole number: 0.4\n"
               "10\n1\n");
}

TEST(json, doubles_are_never_infinite) {
    EXPECT_STR(
        SHOW("a:double", "{\"a\":1e999}\n{\"a\":-1e309}\n{\"a\":1.7976931348623157e308}\n"
                         "{\"a\":1e-400}\n{\"a\":-0.0}\n{\"a\":-0}\n{\"a\":NaN}\n"
                         "{\"a\":123456789012345678901234567890}\n{\"a\":0.1}\n"),
        "!overflow: a does not fit double precision: 1e999\n"
        "!overflow: a does not fit double precision: -1e309\n1.7976931348623157e+308\n0\n-0\n0\n"
        "!bad_json: expected a value at byte 6\n1.2345678901234568e+29\n"
        "0.10000000000000001\n");
}

TEST(json, a_million_digits_are_one_number) {
    mr_text input;
    mr_text_init(&input, NULL);
    mr_text_add(&input, "{\"a\":");
    memset(mr_text_grow(&input, 1000000), '7', 1000000);
    mr_text_add(&input, "}\n{\"a\":0.");
    memset(mr_text_grow(&input, 1000000), '3', 1000000);
    mr_text_add(&input, "}\n{\"a\":1}\n");
    const char *shown = json_show("a:double", mr_text_span(&input), true);
    EXPECT_STR(shown, "!overflow: a does not fit double precision: "
                      "7777777777777777777777777777777777777777\n0.33333333333333331\n1\n");
    mr_text_release(&input);
}

// ---- row 4: depth ------------------------------------------------------------------------------

TEST(json, nesting_is_capped) {
    for (int depth = MR_NESTING_MAX - 2; depth <= MR_NESTING_MAX + 1; depth++) {
        mr_text input;
        mr_text_init(&input, NULL);
        mr_text_add(&input, "{\"a\":1,\"q\":");
        for (int i = 0; i < depth; i++) {
            mr_text_add(&input, i % 2 == 0 ? "[" : "{\"x\":");
        }
        mr_text_add(&input, "0");
        for (int i = depth - 1; i >= 0; i--) {
            mr_text_add(&input, i % 2 == 0 ? "]" : "}");
        }
        mr_text_add(&input, "}\n{\"a\":2}\n");
        const char *shown = json_show("a:int", mr_text_span(&input), true);
        bool fits = depth + 1 <= MR_NESTING_MAX;
        EXPECT(strncmp(shown, fits ? "1\n2\n" : "!too_deep: nested deeper than 64", 4) == 0);
        EXPECT_STR(shown + strlen(shown) - 2, "2\n");
        mr_text_release(&input);
    }
    static char deep[1000000];
    memset(deep, '[', sizeof(deep));
    memcpy(deep, "{\"a\":", 5);
    const char *shown = json_show("a:int", (mr_span){deep, sizeof(deep)}, true);
    EXPECT_STR(shown, "!too_deep: nested deeper than 64 at byte 69\n");
}

// ---- row 5: keys -------------------------------------------------------------------------------

TEST(json, the_last_of_equal_keys_wins) {
    EXPECT_STR(SHOW("a:int b:int",
                    "{\"a\":1,\"a\":2}\n{\"a\":\"x\",\"a\":2}\n{\"a\":2,\"a\":null}\n"
                    "{\"a\":2,\"a\":\"x\"}\n{\"a\":1,\"b\":3,\"\\u0061\":4}\n"
                    "{\"a\":{\"a\":7},\"a\":5}\n"),
               "2,-\n2,-\n-,-\n!wrong_type: a is a string\n4,3\n5,-\n");
}

TEST(json, keys_come_in_any_order_and_escaped) {
    EXPECT_STR(SHOW("id:int name:text", "{\"id\":1,\"name\":\"a\"}\n{\"name\":\"b\",\"id\":2}\n"
                                        "{\"\\u0069d\":3,\"n\\u0061me\":\"c\"}\n"
                                        "{ \"name\" : \"d\" , \"x\" : [ ] , \"id\" : 4 }\n"
                                        "{\"ID\":5,\"Name\":\"e\",\"i\":6,\"idx\":7,\"\":8}\n"
                                        "{\"id\":6,\"name\":\"a\"}\n"),
               "1,\"a\"\n2,\"b\"\n3,\"c\"\n4,\"d\"\n-,-\n6,\"a\"\n");
}

TEST(json, paths_reach_nested_fields) {
    EXPECT_STR(
        SHOW("x:int@$.a.b y:text@$.a.c.d w:int@$.\"k.l\"",
             "{\"a\":{\"b\":1,\"c\":{\"d\":\"q\"}},\"k.l\":9}\n"
             "{\"a\":{\"c\":{\"d\":\"r\"},\"b\":2}}\n{\"a\":5}\n{\"a\":{\"c\":5}}\n{\"b\":1}\n"
             "{\"x\":{\"a\":{\"b\":3}}}\n{\"a\":[{\"b\":3}]}\n{\"a\":{\"b\":1},\"a\":{\"b\":2}}\n"),
        "1,\"q\",9\n2,\"r\",-\n-,-,-\n-,-,-\n-,-,-\n-,-,-\n-,-,-\n2,-,-\n");
    // A field may be wanted, and what is inside it too: a type then fails one of the two.
    EXPECT_STR(SHOW("x:int@$.a.b z:text@$.a",
                    "{\"a\":{\"b\":1}}\n{\"a\":\"s\"}\n{\"a\":null}\n{\"a\":[1]}\n"),
               "!wrong_type: z is an object\n-,\"s\"\n-,-\n!wrong_type: z is an array\n");
}

TEST(json, two_columns_may_read_one_key) {
    EXPECT_STR(SHOW("a:int b:bigint@$.a c:double@$.a",
                    "{\"a\":1}\n{\"a\":2.5}\n{\"a\":3.0}\n{\"a\":null}\n{}\n{\"a\":4000000000}\n"),
               "1,1,1\n!wrong_type: a is no whole number: 2.5\n3,3,3\n-,-,-\n-,-,-\n"
               "!overflow: a does not fit integer: 4000000000\n");
}

TEST(json, arrays_and_objects_guide_by_shape_only) {
    EXPECT_STR(SHOW("a:int b:int",
                    "{\"q\":[1,2],\"a\":1,\"b\":2}\n{\"q\":[1,2,3],\"a\":1,\"b\":2}\n"
                    "{\"q\":[],\"a\":1,\"b\":2}\n{\"q\":[1,[2]],\"a\":1,\"b\":2}\n"
                    "{\"q\":[{\"a\":7}],\"a\":1,\"b\":2}\n{\"a\":[1],\"b\":2}\n"
                    "{\"q\":[1,2],\"a\":3,\"b\":4}\n{\"q\":[1,2,\"a\":1,\"b\":2}\n"),
               "1,2\n1,2\n1,2\n1,2\n1,2\n!wrong_type: a is an array\n3,4\n"
               "!bad_json: expected , or ] at byte 14\n");
}

// ---- row 6: schema drift
// -------------------------------------------------------------------------

TEST(json, a_changed_type_is_bad) {
    EXPECT_STR(
        SHOW("i:int", "{\"i\":\"12\"}\n{\"i\":true}\n{\"i\":{}}\n{\"i\":[]}\n"),
        "!wrong_type: i is a string\n!wrong_type: i is a boolean\n!wrong_type: i is an object\n"
        "!wrong_type: i is an array\n");
    EXPECT_STR(
        SHOW("b:bool", "{\"b\":\"true\"}\n{\"b\":1}\n{\"b\":{}}\n"),
        "!wrong_type: b is a string\n!wrong_type: b is a number\n!wrong_type: b is an object\n");
    EXPECT_STR(SHOW("d:double", "{\"d\":\"1\"}\n{\"d\":false}\n"),
               "!wrong_type: d is a string\n!wrong_type: d is a boolean\n");
    EXPECT_STR(SHOW("t:timestamptz", "{\"t\":1767225600}\n{\"t\":true}\n"),
               "!wrong_type: t is a number\n!wrong_type: t is a boolean\n");
}

TEST(json, text_takes_strings_only) {
    EXPECT_STR(
        SHOW("s:text", "{\"s\":1}\n{\"s\":1.50}\n{\"s\":\"1\"}\n{\"s\":true}\n{\"s\":false}\n"
                       "{\"s\":{ \"a\" : [ 1 , 2.0 ] }}\n{\"s\":[]}\n{\"s\":\"\"}\n"),
        "!wrong_type: s is a number\n!wrong_type: s is a number\n\"1\"\n"
        "!wrong_type: s is a boolean\n!wrong_type: s is a boolean\n!wrong_type: s is an object\n"
        "!wrong_type: s is an array\n\"\"\n");
}

// ---- row 7: size -------------------------------------------------------------------------------

TEST(json, a_hundred_thousand_fields_are_read) {
    mr_text input;
    mr_text_init(&input, NULL);
    mr_text_add(&input, "{\"a\":1");
    for (int i = 0; i < 100000; i++) {
        mr_text_addf(&input, ",\"field_%d\":\"%d\"", i, i);
    }
    mr_text_add(&input, ",\"b\":2}\n{\"a\":3}\n");
    EXPECT_STR(json_show("a:int b:int", mr_text_span(&input), true), "1,2\n3,-\n");
    mr_text_release(&input);
}

TEST(json, a_huge_string_is_a_view) {
    mr_text input;
    mr_text_init(&input, NULL);
    mr_text_add(&input, "{\"q\":\"");
    memset(mr_text_grow(&input, 20000000), 'x', 20000000);
    mr_text_add(&input, "\",\"a\":1}\n{\"a\":3}\n");
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_fields fields = json_show_fields("q:text a:int", &arena);
    mr_json *json = NULL;
    REQUIRE_OK(mr_json_open(&fields, MR_JSON_BEST, &json, &cx));
    mr_hold *hold = json_show_hold(mr_text_span(&input));
    mr_records records = {.base = hold->buffer, .bytes = input.bytes};
    mr_decoded decoded;
    EXPECT_OK(mr_json_decode(json, &records, hold, &decoded, &cx));
    EXPECT_EQ(decoded.row_count, 2);
    EXPECT_EQ(mr_vector_str(&decoded.batches[0].columns[0], 0).bytes, 20000000);
    EXPECT(hold->arena.bytes < 4 << 20);
    mr_json_close(json);
    mr_hold_unref(hold);
    mr_arena_release(&arena);
    mr_text_release(&input);
}

// ---- row 8: NUL, BOM, CRLF, blanks
// ---------------------------------------------------------------

TEST(json, blank_lines_crlf_and_a_missing_last_newline) {
    EXPECT_STR(SHOW("a:int", "\n\r\n{\"a\":1}\r\n   \t\r\n\n{\"a\":2} \r\n{\"a\":3}\r\n {\"a\":4}"),
               "1\n2\n3\n4\n");
    EXPECT_STR(SHOW("a:int", ""), "");
    EXPECT_STR(SHOW("a:int", "\n\n"), "");
    EXPECT_STR(SHOW("a:int", "{\"a\":1}\r"), "1\n");
}

TEST(json, a_bom_is_skipped_at_the_start_only) {
    EXPECT_STR(json_show("a:int", MR_SPAN("\xEF\xBB\xBF{\"a\":1}\n\xEF\xBB\xBF{\"a\":2}\n"), false),
               "1\n!bad_json: not an object at byte 1\n");
    // A message is a document of its own.
    mr_text out;
    mr_text_init(&out, NULL);
    EXPECT_STR(json_show_one("a:int", MR_SPAN("\xEF\xBB\xBF{\"a\":1}\n\xEF\xBB\xBF{\"a\":2}\n"),
                             MR_JSON_BEST, true, &out),
               "1\n2\n");
    mr_text_release(&out);
}

TEST(json, nul_is_kept_in_strings_and_nowhere_else) {
    EXPECT_STR(SHOW("a:text", "{\"a\":\"x\\u0000y\"}"), "\"x\\u0000y\"\n");
    EXPECT_STR(json_show("a:text",
                         MR_SPAN("{\"a\":\"x\0y\"}\n{\"a\":\"z\"\0}\n\0\n{\"a\":\"1\"}\n"), true),
               "!bad_json: control character in a string at byte 8\n"
               "!bad_json: expected , or } at byte 9\n!bad_json: not an object at byte 1\n\"1\"\n");
}

TEST(json, framed_records_may_hold_newlines_and_be_empty) {
    char buffer[] = "{\n \"a\" : 1\n}#\n#{\"a\":\n\n2}\n#{\"a\":\"x\ny\"}#\n \n#{\"a\":3}";
    mr_hold *hold = json_show_hold((mr_span){buffer, sizeof(buffer) - 1});
    uint32_t starts[8], lengths[8];
    int64_t offsets[8];
    uint32_t count = 0;
    uint32_t from = 0;
    for (uint32_t i = 0; i < sizeof(buffer); i++) {
        if (buffer[i] == '#' || buffer[i] == '\0') {
            starts[count] = from;
            lengths[count] = i - from;
            offsets[count] = 100 + count;
            count++;
            from = i + 1;
        }
    }
    lengths[1] = 0;  // A tombstone.
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_fields fields = json_show_fields("a:int", &arena);
    mr_json *json = NULL;
    REQUIRE_OK(mr_json_open(&fields, MR_JSON_BEST, &json, &cx));
    mr_records records = {.base = hold->buffer,
                          .bytes = sizeof(buffer) - 1,
                          .starts = starts,
                          .lengths = lengths,
                          .offsets = offsets,
                          .count = count};
    mr_decoded decoded;
    EXPECT_OK(mr_json_decode(json, &records, hold, &decoded, &cx));
    EXPECT_EQ(decoded.row_count, 3);
    EXPECT_EQ(decoded.record_count, 4);
    EXPECT_EQ(decoded.bad_count, 1);
    EXPECT_STR(decoded.bad[0].reason, "bad_json: control character in a string at byte 8");
    EXPECT_EQ(decoded.bad[0].offset, 103);
    EXPECT_EQ(decoded.bad[0].record, 2);
    EXPECT_EQ(decoded.batches[0].columns[0].int32s[2], 3);
    EXPECT_EQ(decoded.batches[0].origin->offsets[1], 102);
    EXPECT_EQ(decoded.batches[0].origin->offsets[2], 105);
    mr_json_close(json);
    mr_hold_unref(hold);
    mr_arena_release(&arena);
}
