// Vectors and dictionaries: equal values hash and compare alike in every kind; printing is
// DuckDB's.

#include "column/vector.h"

#include <math.h>

#include "column/batch.h"
#include "runner.h"

static const mr_type_id hashed_types[] = {
    MR_BOOL, MR_INT32,     MR_INT64,    MR_FLOAT64, MR_TEXT,    MR_BYTES,
    MR_DATE, MR_TIMESTAMP, MR_INTERVAL, MR_INT16,   MR_NUMERIC, MR_FLOAT32,
    MR_UUID, MR_TIME,      MR_JSON,     MR_LIST,    MR_STRUCT};

// Value `n` of a type, written to row `at`.
static void put(mr_arena *arena, mr_vector *v, uint32_t at, int32_t n) {
    if (mr_type_is_string(v->type)) {
        char *text = mr_arena_printf(arena, "value %d", n);
        v->strs[at] = (mr_str){.data = text, .bytes = (uint32_t)strlen(text)};
    } else if (v->type.id == MR_INT16) {
        v->int16s[at] = (int16_t)-n;
    } else if (v->type.id == MR_NUMERIC) {
        v->numerics[at] = (mr_int128)n << 70;
    } else if (v->type.id == MR_FLOAT32) {
        v->float32s[at] = (float)n / 3.0f;
    } else if (v->type.id == MR_UUID) {
        v->uuids[at] = (mr_uuid){.high = 1, .low = (uint64_t)n};
    } else if (v->type.id == MR_FLOAT64) {
        v->float64s[at] = n / 3.0;
    } else if (v->type.id == MR_INTERVAL) {
        v->intervals[at] = (mr_interval){.months = n, .us = n};
    } else if (v->type.id == MR_BOOL) {
        v->bools[at] = n & 1;
    } else if (mr_type_bytes(v->type) == 4) {
        v->int32s[at] = -n;
    } else {
        v->int64s[at] = -(int64_t)n * 8589934592;
    }
}

TEST(vector, constants_hash_and_compare_like_rows) {
    mr_arena arena = {0};
    for (size_t t = 0; t < MR_COUNT(hashed_types); t++) {
        mr_type type = MR_TYPE(hashed_types[t]);
        mr_vector flat = mr_vector_flat(&arena, type, 3);
        mr_vector constant = mr_vector_flat(&arena, type, 1);
        constant.kind = MR_CONST;
        put(&arena, &flat, 0, 1);
        put(&arena, &flat, 1, 2);
        put(&arena, &flat, 2, 1);
        put(&arena, &constant, 0, 1);
        uint64_t by_row[3] = {7, 7, 7};
        uint64_t by_constant[3] = {7, 7, 7};
        mr_vector_hash(&flat, NULL, 3, /* seed= */ 5, by_row);
        mr_vector_hash(&constant, NULL, 3, /* seed= */ 5, by_constant);
        EXPECT_EQ(by_row[0], by_constant[0]);
        EXPECT_EQ(by_row[2], by_constant[2]);
        EXPECT(by_row[1] != by_row[0]);
        EXPECT(mr_vector_same(&flat, 0, &flat, 2));
        EXPECT(mr_vector_same(&flat, 2, &constant, 1000));
        EXPECT(!mr_vector_same(&flat, 1, &constant, 0));
    }
    mr_arena_release(&arena);
}

TEST(vector, hash_looks_at_selected_rows_only_and_chains_columns) {
    mr_arena arena = {0};
    mr_vector v = mr_vector_flat(&arena, MR_TYPE(MR_INT64), 4);
    for (uint32_t i = 0; i < 4; i++) {
        v.int64s[i] = 9;
    }
    uint32_t sel[2] = {1, 3};
    uint64_t hashes[4] = {1, 1, 1, 2};
    mr_vector_hash(&v, sel, 2, /* seed= */ 0, hashes);
    EXPECT_EQ(hashes[0], 1);
    EXPECT_EQ(hashes[2], 1);
    EXPECT(hashes[1] != 1 && hashes[3] != 2);
    EXPECT(hashes[1] != hashes[3]);  // What was there goes in.
    uint64_t seeded[4] = {1, 1, 1, 2};
    mr_vector_hash(&v, sel, 2, /* seed= */ 1, seeded);
    EXPECT(seeded[1] != hashes[1]);
    mr_arena_release(&arena);
}

// Key groups are kept on disk by these numbers.
TEST(vector, hashes_do_not_change_between_versions) {
    mr_arena arena = {0};
    uint64_t hashes[1] = {0};
    mr_vector number = mr_vector_flat(&arena, MR_TYPE(MR_INT64), 1);
    number.int64s[0] = 42;
    mr_vector_hash(&number, NULL, 1, /* seed= */ 1, hashes);
    EXPECT_EQ(hashes[0], mr_hash_u64(42, 1));
    mr_vector text = mr_vector_flat(&arena, MR_TYPE(MR_TEXT), 1);
    text.strs[0] = (mr_str){.data = "clicks", .bytes = 6};
    hashes[0] = 0;
    mr_vector_hash(&text, NULL, 1, /* seed= */ 1, hashes);
    EXPECT_EQ(hashes[0], mr_hash_u64(mr_hash_bytes("clicks", 6, 1), 1));
    mr_arena_release(&arena);
}

TEST(vector, zeros_hash_alike_and_so_do_all_nans) {
    mr_arena arena = {0};
    mr_vector v = mr_vector_flat(&arena, MR_TYPE(MR_FLOAT64), 5);
    uint64_t odd_nan = 0xFFF8000000000123u;
    v.float64s[0] = 0.0;
    v.float64s[1] = -0.0;
    v.float64s[2] = NAN;
    memcpy(&v.float64s[3], &odd_nan, sizeof(odd_nan));
    v.float64s[4] = 1;
    uint64_t hashes[5] = {0};
    mr_vector_hash(&v, NULL, 5, /* seed= */ 3, hashes);
    EXPECT_EQ(hashes[0], hashes[1]);
    EXPECT_EQ(hashes[2], hashes[3]);
    EXPECT(hashes[0] != hashes[2] && hashes[0] != hashes[4]);
    EXPECT(mr_vector_same(&v, 0, &v, 1));
    EXPECT(mr_vector_same(&v, 2, &v, 3));
    EXPECT(!mr_vector_same(&v, 0, &v, 2));
    mr_arena_release(&arena);
}

TEST(vector, null_has_a_hash_of_its_own_in_every_kind) {
    mr_arena arena = {0};
    for (size_t t = 0; t < MR_COUNT(hashed_types); t++) {
        mr_vector flat = mr_vector_flat(&arena, MR_TYPE(hashed_types[t]), 2);
        put(&arena, &flat, 0, 0);
        put(&arena, &flat, 1, 0);
        mr_bits_clear(mr_vector_own_valid(&flat, &arena, 2), 1);
        mr_vector null = mr_vector_null(&arena, MR_TYPE(hashed_types[t]));
        uint64_t by_row[2] = {0};
        uint64_t by_null[2] = {0};
        mr_vector_hash(&flat, NULL, 2, /* seed= */ 3, by_row);
        mr_vector_hash(&null, NULL, 2, /* seed= */ 3, by_null);
        EXPECT(by_row[0] != by_row[1]);
        EXPECT_EQ(by_row[1], by_null[0]);
        EXPECT_EQ(by_row[1], by_null[1]);
        EXPECT(mr_vector_same(&flat, 1, &null, 77));
        EXPECT(!mr_vector_same(&flat, 0, &null, 0));
    }
    mr_arena_release(&arena);
}

TEST(vector, dictionary_values_hash_and_compare_like_plain_text) {
    enum { ROWS = 300 };
    mr_arena arena = {0};
    mr_dict *dict = mr_dict_new();
    mr_vector flat = mr_vector_flat(&arena, MR_TYPE(MR_TEXT), ROWS);
    mr_vector coded = {.type = MR_TYPE(MR_TEXT), .kind = MR_DICT, .dict = dict};
    coded.codes = MR_NEW_ARRAY(&arena, uint32_t, ROWS);
    for (uint32_t i = 0; i < ROWS; i++) {
        put(&arena, &flat, i, (int32_t)(i * i % 17));
        REQUIRE(mr_dict_code(dict, flat.strs[i], &coded.codes[i]));
    }
    mr_bits_clear(mr_vector_own_valid(&flat, &arena, ROWS), 7);
    coded.valid = flat.valid;
    uint64_t by_flat[ROWS] = {0};
    uint64_t by_code[ROWS] = {0};
    mr_vector_hash(&flat, NULL, ROWS, /* seed= */ 3, by_flat);
    mr_vector_hash(&coded, NULL, ROWS, /* seed= */ 3, by_code);
    EXPECT_BYTES(by_flat, by_code, sizeof(by_flat));
    EXPECT(mr_vector_same(&coded, 3, &flat, 3) && mr_vector_same(&coded, 0, &coded, 17));
    EXPECT(!mr_vector_same(&coded, 0, &coded, 1) && mr_vector_same(&coded, 7, &flat, 7));
    mr_dict_unref(dict);
    mr_arena_release(&arena);
}

TEST(dict, codes_are_dense_stable_and_end_when_full) {
    mr_dict *dict = mr_dict_new();
    mr_dict *other = mr_dict_new();
    EXPECT(dict->id != other->id);
    uint32_t code = 99;
    EXPECT(mr_dict_code(dict, (mr_str){.data = NULL}, &code));
    EXPECT_EQ(code, 0);
    for (uint32_t i = 1; i < MR_DICT_CAPACITY; i++) {
        REQUIRE(mr_dict_code(dict, (mr_str){.data = (const char *)&i, .bytes = sizeof(i)}, &code));
        REQUIRE(code == i);
    }
    const char *first = dict->values[1].data;
    EXPECT(!mr_dict_code(dict, (mr_str){.data = "new", .bytes = 3}, &code));
    uint32_t known = 1;
    EXPECT(
        mr_dict_code(dict, (mr_str){.data = (const char *)&known, .bytes = sizeof(known)}, &code));
    EXPECT_EQ(code, 1);
    EXPECT(dict->values[1].data == first);  // Values never move.
    EXPECT_EQ(dict->count, MR_DICT_CAPACITY);
    mr_dict_unref(dict);
    mr_dict_unref(other);
}

static const char *printed(mr_text *out, mr_vector *v) {
    mr_text_clear(out);
    mr_vector_print(v, 0, /* zone= */ NULL, out);
    return mr_text_string(out);
}

// Every text was printed by DuckDB 1.4.4 for the same value.
TEST(vector, doubles_print_as_in_duckdb) {
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {100, "100.0"},
                 {1e20, "1e+20"},
                 {1e15, "1000000000000000.0"},
                 {1e16, "1e+16"},
                 {123456789012345680.0, "1.2345678901234568e+17"},
                 {0.0001, "0.0001"},
                 {0.00001, "1e-05"},
                 {-0.0, "-0.0"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {9007199254740992, "9007199254740992.0"},
                 {9999999999999998, "9999999999999998.0"},
                 {1.5e-7, "1.5e-07"},
                 {1e100, "1e+100"},
                 {NAN, "nan"},
                 {INFINITY, "inf"},
                 {-INFINITY, "-inf"}};
    mr_arena arena = {0};
    mr_text out;
    mr_text_init(&out, &arena);
    mr_vector v = mr_vector_flat(&arena, MR_TYPE(MR_FLOAT64), 1);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        v.float64s[0] = cases[i].value;
        EXPECT_STR(printed(&out, &v), cases[i].text);
    }
    mr_arena_release(&arena);
}

TEST(vector, intervals_bytes_and_times_print_as_in_duckdb) {
    static const struct {
        mr_interval value;
        const char *text;
    } intervals[] = {{{14, 3, 14706500000}, "1 year 2 months 3 days 04:05:06.5"},
                     {{-1, -2, -1000000}, "-1 month -2 days -00:00:01"},
                     {{0, 0, 0}, "00:00:00"},
                     {{0, 1, 0}, "1 day"},
                     {{0, 0, 1440000000000}, "400:00:00"},
                     {{12, 0, 0}, "1 year"},
                     {{0, 1, 1}, "1 day 00:00:00.000001"},
                     {{24, 0, -3600000000}, "2 years -01:00:00"}};
    mr_arena arena = {0};
    mr_text out;
    mr_text_init(&out, &arena);
    mr_vector v = mr_vector_flat(&arena, MR_TYPE(MR_INTERVAL), 1);
    for (size_t i = 0; i < MR_COUNT(intervals); i++) {
        v.intervals[0] = intervals[i].value;
        EXPECT_STR(printed(&out, &v), intervals[i].text);
    }
    v.type = MR_TYPE(MR_BYTES);
    v.strs[0] = (mr_str){.data = "\0a'\"\xFF\\,b", .bytes = 8};
    EXPECT_STR(printed(&out, &v), "\\x00a\\x27\\x22\\xFF\\x5C,b");
    v.type = MR_TYPE(MR_TIMESTAMP);
    v.int64s[0] = 1767225600120000;
    EXPECT_STR(printed(&out, &v), "2026-01-01 00:00:00.12");
    v.int64s[0] = -1000000;
    EXPECT_STR(printed(&out, &v), "1969-12-31 23:59:59");
    v.type = MR_TYPE(MR_TIMESTAMPTZ);
    EXPECT_STR(printed(&out, &v), "1969-12-31 23:59:59+00");
    v.type = MR_TYPE(MR_DATE);
    v.int32s[0] = 20454;
    EXPECT_STR(printed(&out, &v), "2026-01-01");
    v.type = MR_TYPE(MR_BOOL);
    v.bools[0] = 1;
    EXPECT_STR(printed(&out, &v), "true");
    v.type = MR_TYPE(MR_INT64);
    v.int64s[0] = INT64_MIN;
    EXPECT_STR(printed(&out, &v), "-9223372036854775808");
    mr_arena_release(&arena);
}

static void count_recycle(mr_hold *hold, void *arg) {
    *(mr_hold **)arg = hold;
}

TEST(hold, last_reference_recycles_and_reset_drops_dictionaries) {
    mr_hold *returned = NULL;
    mr_hold *hold = mr_hold_new(100);
    hold->recycle = count_recycle;
    hold->recycle_arg = &returned;
    mr_dict *dict = mr_dict_new();
    mr_hold_add_dict(hold, dict);
    mr_hold_add_dict(hold, dict);
    EXPECT_EQ(hold->dict_count, 1);
    EXPECT_EQ(atomic_load(&dict->refs), 2);
    mr_batch batch = mr_batch_new(&hold->arena, 1, 10);
    batch.hold = hold;
    mr_batch_ref(&batch);
    mr_hold_unref(hold);
    EXPECT(returned == NULL);
    mr_batch_unref(&batch);
    REQUIRE(returned == hold);
    mr_hold_reset(hold, 200);
    EXPECT_EQ(atomic_load(&hold->refs), 1);
    EXPECT_EQ(atomic_load(&dict->refs), 1);
    EXPECT(hold->buffer_bytes >= 200);
    for (size_t i = 0; i < MR_HOLD_PADDING; i++) {
        EXPECT_EQ(hold->buffer[hold->buffer_bytes + i], 0);
    }
    hold->recycle = NULL;
    mr_hold_unref(hold);
    mr_dict_unref(dict);
}

TEST(type, schema_hash_tells_names_and_types) {
    mr_column columns[2] = {{"a", MR_TYPE(MR_INT64), false}, {"b", MR_TYPE(MR_TEXT), true}};
    mr_schema schema = {columns, 2};
    uint64_t hash = mr_schema_hash(&schema);
    EXPECT_EQ(hash, mr_schema_hash(&schema));
    columns[1].type = MR_TYPE(MR_BYTES);
    EXPECT(mr_schema_hash(&schema) != hash);
    columns[1].type = MR_TYPE(MR_TEXT);
    columns[0].name = "c";
    EXPECT(mr_schema_hash(&schema) != hash);
    EXPECT_EQ(mr_schema_find(&schema, "b"), 1);
    EXPECT_EQ(mr_schema_find(&schema, "B"), -1);
    EXPECT_STR(mr_type_name(columns[1].type), "text");
}
