// Synth: a row depends on spec, seed and index alone; the shares are in tests/e2e/test_generate.py.

#include "conn/synth.h"

#include <string.h>

#include "runner.h"
#include "unit/conn/drive.h"

#define ROWS 3000

static const char *const everything =
    "duplicates: 0.1\nduplicates_within: 50\nlate: 0.1\nfuture: 0.05\nbad: 0.1\nkey: k\ncolumns:\n"
    "- {name: k, type: integer, distribution: zipf, n: 100000, nulls: 0.1}\n"
    "- {name: far, type: bigint, distribution: zipf, n: 900000000}\n"
    "- {name: id, type: uuid}\n"
    "- {name: amount, type: numeric, distribution: normal, mean: 5, sd: 2}\n"
    "- {name: price, type: float, distribution: walk, start: 5, step: 0.5, min: 0, max: 10}\n"
    "- {name: free, type: integer, distribution: walk, step: 10}\n"
    "- {name: at, type: timestamp, disorder: 1 min}\n"
    "- {name: text, type: text, pattern: 'x{seq:5}{k}{letters:20}{digits:20}{hex:20}'}\n"
    "- {name: o, type: object, columns: [{name: w, type: float, distribution: walk},"
    " {name: a, type: array, of: {type: text, values: [p, 'q\"']}}]}\n";

static mr_synth *compile(const char *text, mr_cx *cx) {
    mr_synth *synth = NULL;
    mr_code code = mr_synth_compile("t.yaml", mr_span_of(text), 0, &synth, cx);
    EXPECT_OK(code);
    return code == MR_OK ? synth : NULL;
}

static const char *row(mr_synth_cursor *cursor, uint64_t index, mr_arena *arena) {
    mr_text out;
    mr_span key;
    mr_text_init(&out, arena);
    mr_synth_row(cursor, index, &out, &key);
    mr_text_addf(&out, " key %.*s", key.data == NULL ? 4 : (int)key.bytes,
                 key.data == NULL ? "none" : key.data);
    return mr_text_string(&out);
}

TEST(synth, makes_the_same_row_in_any_order) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_synth *synth = compile(everything, &cx);
    REQUIRE(synth != NULL);
    mr_synth_cursor *forward = mr_synth_open(synth);
    mr_synth_cursor *jumping = mr_synth_open(synth);
    const char **rows = MR_NEW_ARRAY(&arena, const char *, ROWS);
    for (uint32_t i = 0; i < ROWS; i++) {
        rows[i] = row(forward, i, &arena);
    }
    for (uint32_t i = 0; i < ROWS; i++) {  // 1049 and 3000 have no divisor in common.
        uint32_t at = (i * 1049 + 17) % ROWS;
        if (!EXPECT_STR(row(jumping, at, &arena), rows[at])) {
            break;
        }
    }
    EXPECT_STR(row(jumping, 0, &arena), rows[0]);
    mr_synth_close(forward);
    mr_synth_close(jumping);
    mr_arena_release(&arena);
}

TEST(synth, another_seed_makes_other_rows) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_synth *synth = compile(everything, &cx);
    REQUIRE(synth != NULL);
    mr_synth_cursor *cursor = mr_synth_open(synth);
    const char *first = row(cursor, 5, &arena);
    mr_synth_close(cursor);
    mr_synth_set_seed(synth, 2);
    cursor = mr_synth_open(synth);
    EXPECT(strcmp(row(cursor, 5, &arena), first) != 0);
    mr_synth_close(cursor);
    mr_arena_release(&arena);
}

TEST(synth, prints_the_ends_of_each_type) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_synth *synth = compile(
        "columns:\n"
        "- {name: a, type: smallint, value: -32768}\n- {name: b, type: integer, value: "
        "2147483647}\n"
        "- {name: c, type: bigint, value: -9223372036854775808}\n"
        "- {name: d, type: numeric, value: -0.05}\n- {name: e, type: numeric, scale: 0, value: 7}\n"
        "- {name: f, type: float, value: 1234.5}\n- {name: g, type: float, value: -3}\n"
        "- {name: h, type: boolean, value: true}\n- {name: i, type: date, value: 0001-01-01}\n"
        "- {name: j, type: time, value: '23:59:59.999999'}\n"
        "- {name: k, type: timestamp, value: '9999-12-31 23:59:59.999'}\n"
        "- {name: l, type: text, value: \"a\\\"\\\\\\n,\"}\n- {name: m, type: text, value: ''}\n"
        "- {name: n, type: integer, value: 1, nulls: 1}\n"
        "- {name: o, type: array, of: {type: integer}, length_max: 0}\n"
        "- {name: p, type: smallint, distribution: sequence, start: 32767}\n"
        "- {name: q, type: date, distribution: sequence, start: 2024-02-28}\n"
        "- {name: r, type: timestamp, rate: 3}\n- {name: s, type: date, column: q, add: 1}\n"
        "- {name: t, type: uuid, distribution: sequence, start: 255}\n",
        &cx);
    REQUIRE(synth != NULL);
    mr_synth_cursor *cursor = mr_synth_open(synth);
    EXPECT_STR(row(cursor, 1, &arena),
               "{\"a\":-32768,\"b\":2147483647,\"c\":-9223372036854775808,\"d\":-0.05,\"e\":7,"
               "\"f\":1234.5,\"g\":-3,\"h\":true,\"i\":\"0001-01-01\",\"j\":\"23:59:59.999999\","
               "\"k\":\"9999-12-31T23:59:59.999Z\",\"l\":\"a\\\"\\\\\\n,\",\"m\":\"\",\"n\":null,"
               "\"o\":[],\"p\":32767,\"q\":\"2024-02-29\",\"r\":\"2026-01-01T00:00:00.333333Z\","
               "\"s\":\"2024-03-01\",\"t\":\"00000000-0000-8000-8000-000000000100\"} key none");
    mr_synth_close(cursor);
    mr_arena_release(&arena);
}

TEST(synth, the_generator_source_takes_a_spec) {
    drive d;
    drive_init(&d);
    drive_write(
        &d, "s.yaml",
        "count: 500\nbad: 0.1\nbad_kinds: [malformed]\ncolumns:\n"
        "- {name: id, type: integer, distribution: sequence}\n"
        "- {name: word, type: text, pattern: \"{letters:64}{hex:64}{digits:64}{hex:64}\"}\n");
    drive_field(&d, "id", MR_INT32, MR_FROM_VALUE);
    drive_option(&d, "spec", drive_path(&d, "s.yaml"));
    REQUIRE_OK(drive_open(&d, &mr_source_generator));
    EXPECT_OK(d.source->type->start(d.source, &d.cx));
    EXPECT_OK(drive_drain(&d));
    EXPECT_EQ(d.row_count + d.bad_count, 500);
    EXPECT(d.bad_count > 20 && d.bad_count < 90);
    EXPECT_STR(d.source->partitions[0].name, "s.yaml/0");
    drive_close(&d);
    drive_option(&d, "late", "0.5");
    EXPECT_EQ(drive_open(&d, &mr_source_generator), MR_E_OPTION);
    EXPECT_STR(d.cx.error.text, "option \"late\" is for a generator without a spec");
    drive_release(&d);
}
