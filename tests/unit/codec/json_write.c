// JSON writer: values, NULLs, selections; what it writes, the decoder reads.

#include <math.h>
#include <string.h>

#include "unit/codec/json_show.h"

#include "runner.h"

TEST(json_write, writes_what_the_decoder_reads) {
    const char *input = "{\"b\":true,\"i\":-7,\"l\":-9223372036854775808,\"d\":1.25,\"s\":"
                        "\"a\\\"\\\\\\n\\u0001\xC3\xA9\","
                        "\"t\":\"2026-01-01T00:00:00.500Z\",\"w\":\"2026-01-01T12:00:00.123456\","
                        "\"e\":\"2026-01-02\"}\n"
                        "{\"b\":null,\"i\":null,\"l\":null,\"d\":null,\"s\":null,\"t\":null,\"w\":"
                        "null,\"e\":null}\n"
                        "{\"b\":false,\"i\":2147483647,\"l\":0,\"d\":-1e21,\"s\":\"\",\"t\":"
                        "\"1969-12-31T23:59:59Z\","
                        "\"w\":\"2026-01-01T12:00:00\",\"e\":\"1969-12-31\"}\n";
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_fields fields = json_show_fields(
        "b:bool i:int l:bigint d:double s:text t:timestamptz w:timestamp e:date", &arena);
    mr_json *json = NULL;
    REQUIRE_OK(mr_json_open(&fields, MR_JSON_BEST, &json, &cx));
    mr_hold *hold = json_show_hold(mr_span_of(input));
    mr_records records = {.base = hold->buffer, .bytes = strlen(input)};
    mr_decoded decoded;
    EXPECT_OK(mr_json_decode(json, &records, hold, &decoded, &cx));
    REQUIRE(decoded.row_count == 3);
    mr_schema schema = {MR_NEW_ARRAY(&arena, mr_column, fields.count), fields.count};
    for (uint32_t i = 0; i < fields.count; i++) {
        schema.columns[i] = (mr_column){.name = fields.items[i].name, .type = fields.items[i].type};
    }
    mr_text out;
    mr_text_init(&out, &arena);
    mr_json_write(&schema, &decoded.batches[0], true, &out);
    EXPECT_STR(mr_text_string(&out), input);
    mr_text_clear(&out);
    uint32_t sel[] = {1};
    mr_batch narrow = mr_batch_narrow(&decoded.batches[0], sel, 1);
    mr_json_write(&schema, &narrow, false, &out);
    EXPECT_STR(mr_text_string(&out), "{}\n");
    mr_json_close(json);
    mr_hold_unref(hold);
    mr_arena_release(&arena);
}

TEST(json_write, nan_and_infinities_are_null) {
    mr_arena arena = {0};
    double values[] = {NAN, INFINITY, -INFINITY, 0.1};
    mr_batch batch = mr_batch_new(&arena, 2, 4);
    batch.columns[0].type = MR_TYPE(MR_FLOAT64);
    batch.columns[0].float64s = values;
    batch.columns[1] = mr_vector_null(&arena, MR_TYPE(MR_TEXT));
    mr_column columns[] = {{.name = "d\"x", .type = MR_TYPE(MR_FLOAT64)},
                           {.name = "n", .type = MR_TYPE(MR_TEXT)}};
    mr_schema schema = {columns, 2};
    mr_text out;
    mr_text_init(&out, &arena);
    mr_json_write(&schema, &batch, false, &out);
    EXPECT_STR(mr_text_string(&out),
               "{\"d\\\"x\":null}\n{\"d\\\"x\":null}\n{\"d\\\"x\":null}\n{\"d\\\"x\":0.1}\n");
    mr_text_clear(&out);
    uint32_t sel[] = {3};
    mr_batch narrow = mr_batch_narrow(&batch, sel, 1);
    mr_json_write(&schema, &narrow, true, &out);
    EXPECT_STR(mr_text_string(&out), "{\"d\\\"x\":0.1,\"n\":null}\n");
    mr_arena_release(&arena);
}

TEST(json_write, all_types_but_bytes_come_back) {
    const char *input =
        "{\"a\":-32768,\"n\":-0.500,\"f\":0.1,\"u\":"
        "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\",\"c\":\"12:34:56.5\",\"v\":\"1 day 02:00:00\","
        "\"j\":{\"k\":[1.50,\"x\"]},\"l\":[{\"d\":\"2026-01-02\",\"q\\\"\":[1.5,null]},null],"
        "\"s\":{\"b\":true,\"t\":\"a\\nb\",\"e\":[]}}\n"
        "{\"a\":null,\"n\":null,\"f\":null,\"u\":null,\"c\":null,\"v\":null,"
        "\"j\":null,\"l\":null,\"s\":null}\n";
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_fields fields =
        json_show_fields("a:smallint n:numeric(3,3) f:real u:uuid c:time v:interval j:json "
                         "l:struct(d:date,q\":double[])[] s:struct(b:bool,t:text,e:int[])",
                         &arena);
    mr_json *json = NULL;
    REQUIRE_OK(mr_json_open(&fields, MR_JSON_BEST, &json, &cx));
    mr_hold *hold = json_show_hold(mr_span_of(input));
    mr_records records = {.base = hold->buffer, .bytes = strlen(input)};
    mr_decoded decoded;
    EXPECT_OK(mr_json_decode(json, &records, hold, &decoded, &cx));
    REQUIRE(decoded.row_count == 2);
    mr_schema schema = {MR_NEW_ARRAY(&arena, mr_column, fields.count), fields.count};
    for (uint32_t i = 0; i < fields.count; i++) {
        schema.columns[i] = (mr_column){.name = fields.items[i].name, .type = fields.items[i].type};
    }
    mr_text out;
    mr_text_init(&out, &arena);
    mr_json_write(&schema, &decoded.batches[0], true, &out);
    EXPECT_STR(mr_text_string(&out), input);
    mr_json_close(json);
    mr_hold_unref(hold);
    mr_arena_release(&arena);
}
