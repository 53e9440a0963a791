// JSON decoder: the types beyond the plain ones, and lists and structs of any.

#include <stdio.h>
#include <string.h>

#include "codec/json_decode.h"
#include "unit/codec/json_show.h"

#include "runner.h"

#define SHOW(spec, input) json_show_text(spec, input)

TEST(json_types, smallint_and_real) {
    EXPECT_STR(SHOW("a:smallint b:real",
                    "{\"a\":-32768,\"b\":0.1}\n{\"a\":32767,\"b\":1}\n{\"a\":1e2,\"b\":-3.5e38}\n"
                    "{\"a\":32768,\"b\":1}\n{\"a\":1.5,\"b\":1}\n{\"a\":null,\"b\":16777217}\n"
                    "{\"a\":\"1\",\"b\":1}\n{\"a\":-7.0,\"b\":1e-50}\n{\"a\":1,\"b\":true}\n"
                    "{\"a\":-7,\"b\":3.4028234e38}\n"),
               "-32768,0.1\n32767,1.0\n!overflow: b does not fit real: -3.5e38\n"
               "!overflow: a does not fit smallint: 32768\n"
               "!wrong_type: a is no whole number: 1.5\n-,16777216.0\n"
               "!wrong_type: a is a string\n-7,0.0\n!wrong_type: b is a boolean\n"
               "-7,3.4028235e+38\n");
}

TEST(json_types, numerics_are_exact_from_the_digits) {
    EXPECT_STR(SHOW("a:numeric(6,2)",
                    "{\"a\":1}\n{\"a\":1.5}\n{\"a\":-1.25}\n{\"a\":1.005}\n{\"a\":-1.005}\n"
                    "{\"a\":1.004999999999999999999999999}\n{\"a\":9999.99}\n{\"a\":9999.995}\n"
                    "{\"a\":10000}\n{\"a\":1e3}\n{\"a\":12.5e1}\n{\"a\":1e-5}\n{\"a\":0}\n"
                    "{\"a\":-0.001}\n{\"a\":\"12.345\"}\n{\"a\":\" 7 \"}\n{\"a\":\"x\"}\n"
                    "{\"a\":\"12345.6\"}\n{\"a\":true}\n{\"a\":[1]}\n{\"a\":null}\n"
                    "{\"a\":\"\\u0031\"}\n{\"a\":\"\"}\n"),
               "1.00\n1.50\n-1.25\n1.01\n-1.01\n1.00\n9999.99\n"
               "!overflow: a does not fit numeric(6,2): 9999.995\n"
               "!overflow: a does not fit numeric(6,2): 10000\n1000.00\n125.00\n0.00\n0.00\n0.00\n"
               "12.35\n7.00\n!wrong_type: a is no number: \"x\"\n"
               "!overflow: a does not fit numeric(6,2): \"12345.6\"\n"
               "!wrong_type: a is a boolean\n!wrong_type: a is an array\n-\n1.00\n"
               "!wrong_type: a is no number: \"\"\n");
    EXPECT_STR(SHOW("a:numeric(38,10) b:numeric(3,3)",
                    "{\"a\":9007199254740993.1234567891,\"b\":0.5}\n"
                    "{\"a\":1234567890123456789012345678,\"b\":-0.125}\n"
                    "{\"a\":12345678901234567890123456789,\"b\":0}\n"
                    "{\"a\":0.00000000004,\"b\":0.9994}\n{\"a\":123456789012345678,\"b\":1}\n"
                    "{\"a\":999999999999999999,\"b\":0.001}\n"),
               "9007199254740993.1234567891,.500\n1234567890123456789012345678.0000000000,-.125\n"
               "!overflow: a does not fit numeric(38,10): 12345678901234567890123456789\n"
               "0.0000000000,.999\n!overflow: b does not fit numeric(3,3): 1\n"
               "999999999999999999.0000000000,.001\n");
}

TEST(json_types, uuids_times_bytes_and_intervals_are_strings) {
    EXPECT_STR(SHOW("u:uuid t:time",
                    "{\"u\":\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\",\"t\":\"12:34:56\"}\n"
                    "{\"u\":\"{A0EEBC999C0B4EF8BB6D6BB9BD380A11}\",\"t\":\"1:2:3.5\"}\n"
                    "{\"u\":\"a0eebc99\",\"t\":\"12:34:56\"}\n{\"u\":5,\"t\":null}\n"
                    "{\"u\":null,\"t\":\"24:00:00\"}\n{\"u\":null,\"t\":\"25:00\"}\n"
                    "{\"u\":null,\"t\":5}\n{\"t\":\"\\u0031:00\"}\n"),
               "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,12:34:56\n"
               "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,01:02:03.5\n"
               "!wrong_type: u is no uuid: \"a0eebc99\"\n!wrong_type: u is a number\n"
               "-,24:00:00\n!bad_time: t is \"25:00\"\n!wrong_type: t is a number\n-,01:00:00\n");
    EXPECT_STR(
        SHOW("b:bytea i:interval",
             "{\"b\":\"a\\\\x00\\\\xfFz\",\"i\":\"1 day 02:00:00\"}\n{\"b\":\"\",\"i\":null}\n"
             "{\"b\":\"\\\\x0\",\"i\":null}\n{\"b\":\"\xC3\xA9\",\"i\":null}\n"
             "{\"b\":1,\"i\":null}\n{\"b\":\"a\\\\\",\"i\":null}\n{\"i\":\"soon\"}\n"
             "{\"i\":[]}\n"),
        "a\\x00\\xFFz,1 day 02:00:00\n,-\n!wrong_type: b is no bytea text: \"\\\\x0\"\n"
        "!wrong_type: b is no bytea text: \"??\"\n!wrong_type: b is a number\n"
        "!wrong_type: b is no bytea text: \"a\\\\\"\n"
        "!bad_time: i is no interval: \"soon\"\n!wrong_type: i is an array\n");
}

TEST(json_types, json_is_any_value_without_white_space) {
    EXPECT_STR(
        SHOW("j:json", "{\"j\":{\"a\" : [ 1 ,\t2.50, {} , [ ] ] , \"b\":null}}\n{\"j\": \"x y\" }\n"
                       "{\"j\":\"\\u0041\\/\\n\\\"\\u00e9\"}\n{\"j\":1.50}\n{\"j\":true}\n"
                       "{\"j\":null}\n{}\n{\"j\":[]}\n{\"j\":{\"k\\u0041\":\"\\u0041\"}}\n"
                       "{\"j\":[1,]}\n{\"j\":[\"a\nb\"]}\n{\"j\":{\"a\":1}}\n"
                       "{\"j\":123456789012345678901234567890}\n"),
        "{\"a\":[1,2.50,{},[]],\"b\":null}\n\"x y\"\n\"A/\\n\\\"\xC3\xA9\"\n1.50\ntrue\n-\n-\n"
        "[]\n{\"kA\":\"A\"}\n!bad_json: expected a value at byte 9\n"
        "!bad_json: record ends early at byte 9\n!bad_json: not an object at byte 1\n"
        "{\"a\":1}\n123456789012345678901234567890\n");
}

TEST(json_types, lists) {
    EXPECT_STR(SHOW("a:int[] b:text[]",
                    "{\"a\":[1,2,null],\"b\":[\"x\",\"a b\",\"\",null,\"\\u0041,\"]}\n"
                    "{\"a\":[ ],\"b\":[ \"y\" , \"z\" ]}\n{\"a\":null}\n{}\n{\"a\":[1,\"2\"]}\n"
                    "{\"a\":5}\n{\"a\":{\"x\":1}}\n{\"a\":[[1]]}\n{\"a\":[1.5]}\n"
                    "{\"a\":[1,2],\"b\":[]}\n{\"a\":[3000000000]}\n{\"b\":[1]}\n"),
               "[1, 2, NULL],[x, a b, '', NULL, 'A,']\n[],[y, z]\n-,-\n-,-\n"
               "!wrong_type: a[1] is a string\n!wrong_type: a is a number\n"
               "!wrong_type: a is an object\n!wrong_type: a[0] is an array\n"
               "!wrong_type: a[0] is no whole number: 1.5\n[1, 2],[]\n"
               "!overflow: a[0] does not fit integer: 3000000000\n!wrong_type: b[0] is a number\n");
}

TEST(json_types, structs_take_fields_in_any_order) {
    EXPECT_STR(SHOW("s:struct(a:int,b:text,c:struct(d:double,e:int[]))",
                    "{\"s\":{\"a\":1,\"b\":\"x\",\"c\":{\"d\":0.5,\"e\":[1,2]}}}\n"
                    "{\"s\":{\"c\":{\"e\":[3],\"d\":1},\"b\":\"y\",\"a\":2}}\n"
                    "{\"s\":{\"b\":\"z\"}}\n{\"s\":{}}\n{\"s\":{ } }\n"
                    "{\"s\":{\"x\":[1,{\"a\":9}],\"a\":3,\"y\":null}}\n{\"s\":null}\n"
                    "{\"s\":{\"a\":1,\"a\":4,\"b\":\"q\"}}\n{\"s\":{\"\\u0061\":5,\"c\":null}}\n"
                    "{\"s\":{\"c\":{\"e\":[1,true]}}}\n{\"s\":[1]}\n{\"s\":{\"c\":5}}\n"
                    "{\"s\":{\"c\":{\"d\":1e999}}}\n{\"s\":\"x\"}\n"
                    "{\"s\":{\"a\":\"x\",\"a\":4}}\n{\"s\":{\"a\":\"x\"}}\n{\"s\":{\"a\":{}}}\n"),
               "{'a': 1, 'b': x, 'c': {'d': 0.5, 'e': [1, 2]}}\n"
               "{'a': 2, 'b': y, 'c': {'d': 1.0, 'e': [3]}}\n{'a': NULL, 'b': z, 'c': NULL}\n"
               "{'a': NULL, 'b': NULL, 'c': NULL}\n{'a': NULL, 'b': NULL, 'c': NULL}\n"
               "{'a': 3, 'b': NULL, 'c': NULL}\n-\n{'a': 4, 'b': q, 'c': NULL}\n"
               "{'a': 5, 'b': NULL, 'c': NULL}\n!wrong_type: s.c.e[1] is a boolean\n"
               "!wrong_type: s is an array\n!wrong_type: s.c is a number\n"
               "!overflow: s.c.d does not fit double precision: 1e999\n!wrong_type: s is a string\n"
               "!wrong_type: s.a is a string\n!wrong_type: s.a is a string\n"
               "!wrong_type: s.a is an object\n");
    EXPECT_STR(SHOW("l:struct(a:numeric(4,1),j:json,u:uuid,t:timestamptz,d:date,k:bool)[]",
                    "{\"l\":[{\"a\":1.25,\"j\":[ 1 ],\"u\":\"a0eebc999c0b4ef8bb6d6bb9bd380a11\","
                    "\"t\":\"2026-01-01T00:00:00Z\",\"d\":\"2026-01-02\",\"k\":true},null,{}]}\n"
                    "{\"l\":[{\"d\":\"soon\"}]}\n"),
               "[{'a': 1.3, 'j': '[1]', 'u': a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11, "
               "'t': '2026-01-01 00:00:00+00', 'd': 2026-01-02, 'k': true}, NULL, "
               "{'a': NULL, 'j': NULL, 'u': NULL, 't': NULL, 'd': NULL, 'k': NULL}]\n"
               "!bad_time: l[0].d is \"soon\"\n");
}

TEST(json_types, a_struct_of_many_fields_in_reverse) {
    char spec[2048] = "s:struct(";
    char input[4096] = "{\"s\":{";
    char wanted[4096] = "{";
    for (int i = 0; i < 50; i++) {
        snprintf(spec + strlen(spec), 32, "%sf%d:int", i == 0 ? "" : ",", i);
        snprintf(input + strlen(input), 32, "%s\"f%d\":%d", i == 0 ? "" : ",", 49 - i, 49 - i);
        snprintf(wanted + strlen(wanted), 32, "%s'f%d': %d", i == 0 ? "" : ", ", i, i);
    }
    snprintf(spec + strlen(spec), 32, ")");
    snprintf(input + strlen(input), 32, "}}\n");
    snprintf(wanted + strlen(wanted), 32, "}\n");
    EXPECT_STR(SHOW(spec, input), wanted);
}

TEST(json_types, a_nested_value_may_span_lines_in_framed_records) {
    mr_text out;
    mr_text_init(&out, NULL);
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_fields fields = json_show_fields("a:int[] j:json", &arena);
    mr_json *json = NULL;
    REQUIRE_OK(mr_json_open(&fields, MR_JSON_BEST, &json, &cx));
    mr_span input = MR_SPAN("{\"a\":[1,\n2],\n\"j\":{\"k\"\n:\r\n[\n]}}\n");
    static const uint32_t starts[] = {0, 0, 0};
    const uint32_t lengths[] = {(uint32_t)input.bytes - 1, (uint32_t)input.bytes - 1,
                                (uint32_t)input.bytes - 1};
    static const int64_t offsets[] = {1, 2, 3};
    mr_hold *hold = json_show_hold(input);
    mr_records records = {.base = hold->buffer,
                          .bytes = input.bytes,
                          .starts = starts,
                          .lengths = lengths,
                          .offsets = offsets,
                          .count = 3};
    mr_decoded decoded;
    EXPECT_OK(mr_json_decode(json, &records, hold, &decoded, &cx));
    json_show_decoded(&decoded, &fields, &out);
    EXPECT_STR(mr_text_string(&out), "[1, 2],{\"k\":[]}\n[1, 2],{\"k\":[]}\n[1, 2],{\"k\":[]}\n");
    mr_json_close(json);
    mr_hold_unref(hold);
    mr_arena_release(&arena);
    mr_text_release(&out);
}

// Text with a piece repeated: "[[[", "]]]".
static void add_times(mr_text *out, const char *piece, int times) {
    for (int i = 0; i < times; i++) {
        mr_text_add(out, piece);
    }
}

TEST(json_types, nesting_is_capped_in_json_columns_too) {
    for (int depth = 63; depth <= 64; depth++) {
        mr_arena arena = {0};
        mr_text input, wanted, spec;
        mr_text_init(&input, &arena);
        mr_text_init(&wanted, &arena);
        mr_text_init(&spec, &arena);
        mr_text_add(&input, "{\"a\":");
        add_times(&input, "[", depth);
        add_times(&input, "]", depth);
        mr_text_add(&input, "}\n");
        if (depth == 63) {
            add_times(&wanted, "[", depth);
            add_times(&wanted, "]", depth);
            mr_text_add(&wanted, "\n");
        } else {
            mr_text_add(&wanted, "!too_deep: nested deeper than 64 at byte 69\n");
        }
        EXPECT_STR(SHOW("a:json", mr_text_string(&input)), mr_text_string(&wanted));
        EXPECT_STR(SHOW("b:json@$.a", mr_text_string(&input)), mr_text_string(&wanted));
        mr_text_add(&spec, "a:int");
        add_times(&spec, "[]", depth);
        EXPECT_STR(SHOW(mr_text_string(&spec), mr_text_string(&input)),
                   depth == 63 ? mr_text_string(&wanted)
                               : "not opened: column \"a\" nests deeper than 64\n");
        mr_arena_release(&arena);
    }
}

TEST(json_types, paths_reach_elements) {
    EXPECT_STR(
        SHOW("x:int@$.a[0].b y:text@$.a[2] z:int@$.m[1][0] w:json@$.a",
             "{\"a\":[{\"b\":1},2,\"s\"],\"m\":[[1],[2,3]]}\n{\"a\":[{\"b\":4}],\"m\":[]}\n"
             "{\"a\":[],\"m\":[5]}\n{\"a\":{\"b\":1},\"m\":[[],[7]]}\n{}\n"
             "{\"a\":[{\"b\":\"x\"}]}\n{\"a\":[[],1,2]}\n{\"a\":[{\"c\":[1,2,3]},1,\"t\"]}\n"),
        "1,\"s\",2,[{\"b\":1},2,\"s\"]\n4,-,-,[{\"b\":4}]\n-,-,-,[]\n-,-,7,{\"b\":1}\n"
        "-,-,-,-\n!wrong_type: x is a string\n!wrong_type: y is a number\n"
        "-,\"t\",-,[{\"c\":[1,2,3]},1,\"t\"]\n");
    EXPECT_STR(SHOW("x:int@$[0]", "{}\n"),
               "not opened: path \"$[0]\" of column \"x\" is not understood\n");
    EXPECT_STR(SHOW("x:int@$.a[x]", "{}\n"),
               "not opened: path \"$.a[x]\" of column \"x\" is not understood\n");
    EXPECT_STR(SHOW("x:int@$.a[-1]", "{}\n"),
               "not opened: path \"$.a[-1]\" of column \"x\" is not understood\n");
    EXPECT_STR(SHOW("x:int@$.a[99999999999]", "{}\n"),
               "not opened: path \"$.a[99999999999]\" of column \"x\" is not understood\n");
}

TEST(json_types, two_columns_may_read_one_nested_value) {
    EXPECT_STR(SHOW("a:int[] b:json@$.a c:int@$.a[1]",
                    "{\"a\":[1,2]}\n{\"a\":[3, 4]}\n{\"a\":[]}\n{\"a\":1}\n{\"a\":null}\n"),
               "[1, 2],[1,2],2\n[3, 4],[3,4],4\n[],[],-\n!wrong_type: a is a number\n-,-,-\n");
}

// Guided after the first record: the decoder must have learned the shape, containers and all.
TEST(json_types, nested_columns_are_guided) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_fields fields = json_show_fields("a:int[] s:struct(x:int) j:json n:numeric(9,2)", &arena);
    mr_json *json = NULL;
    REQUIRE_OK(mr_json_open(&fields, MR_JSON_BEST, &json, &cx));
    mr_text input;
    mr_text_init(&input, &arena);
    for (int i = 0; i < 100; i++) {
        mr_text_addf(&input, "{\"a\":[%d,2],\"s\":{\"x\":%d},\"j\":{\"k\":[1]},\"n\":1.5}\n", i, i);
    }
    mr_hold *hold = json_show_hold(mr_text_span(&input));
    mr_records records = {.base = hold->buffer, .bytes = input.bytes};
    mr_decoded decoded;
    EXPECT_OK(mr_json_decode(json, &records, hold, &decoded, &cx));
    EXPECT_EQ(decoded.row_count, 100);
    EXPECT_EQ(json->stamp, 1);  // Records that went the general way.
    mr_json_close(json);
    mr_hold_unref(hold);
    mr_arena_release(&arena);
}
