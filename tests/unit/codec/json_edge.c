// JSON decoder at the edges of its vector loops, and all its ways against each other on damaged
// input.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/codec/json_show.h"

#include "runner.h"

// Puts a piece behind a run of x in a string, so that it falls on every place of a block.
static void edge_case(const char *piece, const char *meant) {
    for (int pad = 0; pad <= 130; pad++) {
        char input[1024];
        char expected[1024];
        char run[132];
        memset(run, 'x', sizeof(run));
        run[pad] = '\0';
        snprintf(input, sizeof(input), "{\"s\":\"%s%s\",\"n\":1}\n{\"n\":2,\"s\":\"%s%s\"}\n", run,
                 piece, run, piece);
        if (meant == NULL) {
            const char *shown = json_show_text("s:text n:int", input);
            EXPECT(*shown == '!' && strchr(shown, '\n')[1] == '!');
        } else {
            snprintf(expected, sizeof(expected), "\"%s%s\",1\n\"%s%s\",2\n", run, meant, run,
                     meant);
            EXPECT_STR(json_show_text("s:text n:int", input), expected);
        }
    }
}

TEST(json_edge, plain_strings_end_anywhere) {
    edge_case("", "");
}
TEST(json_edge, structural_bytes_in_strings) {
    edge_case("{}[]:,y", "{}[]:,y");
}
TEST(json_edge, escaped_quotes) {
    edge_case("\\\"y\\\"", "\\\"y\\\"");
}
TEST(json_edge, runs_of_backslashes) {
    edge_case("\\\\", "\\\\");
    edge_case("\\\\\\\\\\\\\\\\\\\"", "\\\\\\\\\\\\\\\\\\\"");
    edge_case("\\\\\\", NULL);
}
TEST(json_edge, unicode) {
    edge_case("\xF0\x9F\x98\x80\\ud83d\\ude00\xC3\xA9", "\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xC3\xA9");
}
TEST(json_edge, bad_bytes) {
    edge_case("\xFF", NULL);
    edge_case("\x1F", NULL);
    edge_case("\\u00", NULL);
    edge_case("\"", NULL);
}

TEST(json_edge, white_space_and_numbers_cross_blocks) {
    for (int pad = 0; pad <= 130; pad++) {
        char input[1024];
        snprintf(input, sizeof(input),
                 "{%*s\"n\"%*s:%*s-12345678901%*s,\"d\":%*s1234567.125e1%*s}%*s\n", pad, "", pad,
                 "", pad, "", pad, "", pad % 7, "", pad, "", pad, "");
        EXPECT_STR(json_show_text("n:bigint d:double", input), "-12345678901,12345671.25\n");
    }
}

TEST(json_edge, long_keys_are_found) {
    for (int bytes = 1; bytes <= 130; bytes++) {
        char name[140];
        char spec[160];
        char input[1024];
        memset(name, 'k', sizeof(name));
        name[bytes] = '\0';
        snprintf(spec, sizeof(spec), "%s:int", name);
        snprintf(input, sizeof(input), "{\"%s\":1}\n{\"%sk\":2}\n{\"%.*s\":3}\n{\"\\u006b%s\":4}\n",
                 name, name, bytes - 1, name, name + 1);
        EXPECT_STR(json_show_text(spec, input), "1\n-\n-\n4\n");
    }
}

// ---- shapes ------------------------------------------------------------------------------------

TEST(json_edge, a_gap_that_begins_another_one) {
    EXPECT_STR(json_show_text("a:int b:int@$.o.b",
                              "{\"a\":1,\"o\":5}\n{\"a\":1,\"o\":{\"b\":2}}\n"
                              "{\"a\":1,\"o\": 5}\n{\"a\":1,\"o\":[{\"b\":2}]}\n"
                              "{\"a\":1,\"o\":{\"b\":{\"b\":2}}}\n{\"a\":1}\n"),
               "1,-\n1,2\n1,-\n1,-\n!wrong_type: b is an object\n1,-\n");
}

TEST(json_edge, a_seen_beginning_promises_nothing) {
    EXPECT_STR(
        json_show_text("a:int b:text",
                       "{\"a\":1,\"b\":\"x\"}\n{\"a\":1,\"b\":\"x\"\n{\"a\":1,\"b\":\"x\"}}\n"
                       "{\"a\":1,\"b\":\"x\"} \n{\"a\":1,\"b\":\"x\" }\n{\"a\":1,\"b\":}\n"
                       "{\"a\":01,\"b\":\"x\"}\n{\"a\":1.,\"b\":\"x\"}\n"
                       "{\"a\":1,\"b\":\"x\"}{\"a\":1,\"b\":\"x\"}\n"
                       "{\"a\":1,\"b\":\"x\",\"a\":7}\n{\"a\":-,\"b\":\"x\"}\n"),
        "1,\"x\"\n!bad_json: record ends early at byte 15\n"
        "!bad_json: more text behind the object at byte 16\n1,\"x\"\n1,\"x\"\n"
        "!bad_json: expected a value at byte 12\n!bad_json: malformed number at byte 6\n"
        "!bad_json: malformed number at byte 6\n"
        "!bad_json: more text behind the object at byte 16\n7,\"x\"\n"
        "!bad_json: malformed number at byte 6\n");
}

TEST(json_edge, a_shape_learned_in_part_ends_no_record) {
    EXPECT_STR(
        json_show_text("a:text c:int",
                       "{\"c\":1}\r\r\n{\"c\":12\n{\"c\":13\r\n{\"c\":2}\r\r\n{\"c\":3"),
        "-,1\n!bad_json: record ends early at byte 8\n!bad_json: record ends early at byte 8\n"
        "-,2\n!bad_json: record ends early at byte 7\n");
    // A gap too long to learn.
    char input[512];
    snprintf(input, sizeof(input),
             "{\"c\":1,%100s\"a\":\"x\"}\n{\"c\":12\n{\"c\":1,%100s\"a\":\"y\"}\n", "", "");
    EXPECT_STR(json_show_text("a:text c:int", input),
               "\"x\",1\n!bad_json: record ends early at byte 8\n\"y\",1\n");
}

// Records of more shapes than the tree takes, so that every way is taken in turn.
TEST(json_edge, keys_in_every_order_for_long) {
    static const char *const names[] = {"a", "bb", "ccc", "dddddddd", "eeeeeeeee"};
    mr_text input;
    mr_text expected;
    mr_text_init(&input, NULL);
    mr_text_init(&expected, NULL);
    uint32_t order = 1;
    for (int i = 0; i < 4000; i++) {
        bool used[5] = {false};
        order = order * 1103515245 + 12345;
        mr_text_add(&input, "{");
        for (uint32_t n = 0; n < 5; n++) {
            uint32_t k = (order >> (8 + n)) % 5;
            while (used[k]) {
                k = (k + 1) % 5;
            }
            used[k] = true;
            mr_text_addf(&input, "%s\"%s\":%d", n == 0 ? "" : ",", names[k], i * 5 + (int)k);
        }
        mr_text_add(&input, i % 7 == 0 ? ",\"q\":[1]}\n" : i % 11 == 0 ? ",\"a\":-1}\n" : "}\n");
        int a = i % 7 != 0 && i % 11 == 0 ? -1 : i * 5;
        mr_text_addf(&expected, "%d,%d,%d,%d,%d\n", a, i * 5 + 1, i * 5 + 2, i * 5 + 3, i * 5 + 4);
    }
    mr_text out;
    mr_text_init(&out, NULL);
    const char *spec = "a:int bb:int ccc:int dddddddd:int eeeeeeeee:int";
    EXPECT(strcmp(json_show_one(spec, mr_text_span(&input), MR_JSON_BEST, false, &out),
                  mr_text_string(&expected)) == 0);
    EXPECT(strcmp(json_show_one(spec, mr_text_span(&input), MR_JSON_SCALAR, true, &out),
                  mr_text_string(&expected)) == 0);
    mr_text_release(&out);
    mr_text_release(&input);
    mr_text_release(&expected);
}

// ---- batches and dictionaries
// --------------------------------------------------------------------

TEST(json_edge, batches_are_cut_and_numbered) {
    mr_text input;
    mr_text_init(&input, NULL);
    for (int i = 0; i < 5000; i++) {
        mr_text_addf(&input, i % 100 == 7 ? "bad\n" : "{\"a\":%d,\"s\":\"v%d\"}\n", i, i % 10);
    }
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_fields fields = json_show_fields("a:int s:text", &arena);
    mr_json *json = NULL;
    REQUIRE_OK(mr_json_open(&fields, MR_JSON_BEST, &json, &cx));
    mr_hold *hold = json_show_hold(mr_text_span(&input));
    mr_records records = {.base = hold->buffer, .bytes = input.bytes};
    mr_decoded decoded;
    EXPECT_OK(mr_json_decode(json, &records, hold, &decoded, &cx));
    EXPECT_EQ(decoded.record_count, 5000);
    EXPECT_EQ(decoded.row_count, 4950);
    EXPECT_EQ(decoded.bad_count, 50);
    EXPECT_EQ(decoded.bad[3].record, 307);
    EXPECT_BYTES(decoded.bad[3].raw, "bad", 3);
    REQUIRE(decoded.batch_count == 3);
    uint32_t rows = 0;
    for (uint32_t b = 0; b < decoded.batch_count; b++) {
        const mr_batch *batch = &decoded.batches[b];
        EXPECT(batch->rows <= MR_BATCH_ROWS_MAX);
        EXPECT_EQ(batch->columns[1].kind, MR_DICT);
        for (uint32_t row = 0; row < batch->rows; row++, rows++) {
            int32_t a = batch->columns[0].int32s[row];
            char text[16];
            int bytes = snprintf(text, sizeof(text), "v%d", a % 10);
            mr_str s = mr_vector_str(&batch->columns[1], row);
            if (!EXPECT((uint32_t)a == rows + (rows + 92) / 99 && s.bytes == (uint32_t)bytes &&
                        memcmp(s.data, text, s.bytes) == 0)) {
                printf("row %u: %d %.*s\n", rows, a, (int)s.bytes, s.data);
                break;
            }
        }
    }
    EXPECT_EQ(rows, 4950);
    EXPECT_EQ(hold->dict_count, 1);
    mr_json_close(json);
    mr_hold_unref(hold);
    mr_arena_release(&arena);
    mr_text_release(&input);
}

// Values of a column with `distinct` different strings, however they are kept.
static void edge_distinct(uint32_t distinct, uint32_t rows, bool long_text,
                          mr_vector_kind last_kind) {
    mr_text input;
    mr_text_init(&input, NULL);
    for (uint32_t i = 0; i < rows; i++) {
        mr_text_addf(&input, i % 17 == 3 ? "{\"s\":null}\n" : "{\"s\":\"%s%u\"}\n",
                     long_text ? "a text of more than sixteen bytes " : "", i * 7919 % distinct);
    }
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_fields fields = json_show_fields("s:text", &arena);
    mr_json *json = NULL;
    REQUIRE_OK(mr_json_open(&fields, MR_JSON_BEST, &json, &cx));
    mr_hold *hold = json_show_hold(mr_text_span(&input));
    mr_records records = {.base = hold->buffer, .bytes = input.bytes};
    mr_decoded decoded;
    EXPECT_OK(mr_json_decode(json, &records, hold, &decoded, &cx));
    mr_json_close(json);  // The batches live on.
    uint32_t i = 0;
    for (uint32_t b = 0; b < decoded.batch_count; b++) {
        for (uint32_t row = 0; row < decoded.batches[b].rows; row++, i++) {
            const mr_vector *v = &decoded.batches[b].columns[0];
            if (i % 17 == 3) {
                EXPECT(mr_vector_is_null(v, row));
                continue;
            }
            char text[64];
            int bytes = snprintf(text, sizeof(text), "%s%u",
                                 long_text ? "a text of more than sixteen bytes " : "",
                                 i * 7919 % distinct);
            mr_str s = mr_vector_str(v, row);
            REQUIRE(!mr_vector_is_null(v, row) && s.bytes == (uint32_t)bytes && s.unused == 0 &&
                    memcmp(s.data, text, s.bytes) == 0);
        }
    }
    EXPECT_EQ(i, rows);
    EXPECT_EQ(decoded.batches[decoded.batch_count - 1].columns[0].kind, last_kind);
    mr_hold_unref(hold);
    mr_arena_release(&arena);
    mr_text_release(&input);
}

TEST(json_edge, few_distinct_strings_become_codes) {
    edge_distinct(1, 3000, false, MR_DICT);
    edge_distinct(700, 10000, false, MR_DICT);
    edge_distinct(700, 10000, true, MR_DICT);
}

TEST(json_edge, many_distinct_strings_stay_views) {
    edge_distinct(1000000, 5000, false, MR_FLAT);
    edge_distinct(1000000, 5000, true, MR_FLAT);
    edge_distinct(4500, 60000, false, MR_FLAT);
}

// ---- all ways agree on damaged input
// -------------------------------------------------------------

static uint64_t edge_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

TEST(json_edge, all_ways_agree_on_mutations) {
    static const char *const seeds[] = {
        "{\"id\":\"3f2c9a1e-7d\",\"n\":123,\"d\":12.34,\"t\":\"2026-01-01T00:00:00.123Z\",\"b\":"
        "true}\n",
        "{\"id\": \"x\\u00e9\\n\", \"n\": -5, \"d\": 1e3, \"t\": null, \"b\": false, \"q\": [1, "
        "{\"id\": 2}]}\n",
        "{\"n\":1,\"n\":2,\"id\":{\"a\":[]},\"d\":0.5}\n",
        "{\"id\":\"caf\xC3\xA9 \xF0\x9F\x98\x80\",\"b\":null}\r\n",
    };
    static const char bytes[] = "\"\\{}[]:,\n\r 0123456789.eE+-truefalsnu/\x01\x7F\xC3\xA9\xFF\xF0";
    uint64_t seed = 20260101;
    for (int round = 0; round < 3000; round++) {
        char input[1024];
        size_t length = 0;
        for (int i = 0; i < 4; i++) {
            const char *one = seeds[edge_random(&seed) % MR_COUNT(seeds)];
            memcpy(input + length, one, strlen(one));
            length += strlen(one);
        }
        for (uint64_t changes = edge_random(&seed) % 4; changes > 0; changes--) {
            size_t at = edge_random(&seed) % length;
            switch (edge_random(&seed) % 3) {
            case 0: input[at] = bytes[edge_random(&seed) % (sizeof(bytes) - 1)]; break;
            case 1:
                memmove(input + at, input + at + 1, length - at - 1);
                length--;
                break;
            default:
                memmove(input + at + 1, input + at, length - at);
                input[at] = bytes[edge_random(&seed) % (sizeof(bytes) - 1)];
                length++;
                break;
            }
        }
        const char *shown = json_show("id:text n:int d:double t:timestamptz b:bool",
                                      (mr_span){input, length}, true);
        if (!EXPECT(strstr(shown, "differs") == NULL)) {
            printf("round %d:\n%.*s%s", round, (int)length, input, shown);
            return;
        }
    }
}
