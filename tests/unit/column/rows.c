// Kept rows: what goes in as batches of any kind comes out, also through the encoding.

#include "column/rows.h"

#include <string.h>

#include "column/nested.h"
#include "runner.h"

static mr_column rows_element[] = {{"element", {.id = MR_TEXT}, false}};
static const mr_schema rows_list = {rows_element, 1};
static mr_column rows_fields[] = {
    {"n", {.id = MR_INT64}, false},
    {"texts", {.id = MR_LIST, .fields = &rows_list}, false},
};
static const mr_schema rows_struct = {rows_fields, 2};
static mr_column rows_columns[] = {
    {"flag", {.id = MR_BOOL}, false},
    {"small", {.id = MR_INT32}, false},
    {"large", {.id = MR_INT64}, false},
    {"real", {.id = MR_FLOAT64}, false},
    {"text", {.id = MR_TEXT}, false},
    {"span", {.id = MR_INTERVAL}, false},
    {"tiny", {.id = MR_INT16}, false},
    {"sum", MR_NUMERIC(38, 3), false},
    {"half", {.id = MR_FLOAT32}, false},
    {"id", {.id = MR_UUID}, false},
    {"at", {.id = MR_TIME}, false},
    {"doc", {.id = MR_JSON}, false},
    {"list", {.id = MR_LIST, .fields = &rows_list}, false},
    {"struct", {.id = MR_STRUCT, .fields = &rows_struct}, false},
};
static const mr_schema rows_schema = {rows_columns, MR_COUNT(rows_columns)};

static uint32_t mixed(uint32_t n) {
    return (uint32_t)mr_hash_u64(n, /* seed= */ 9);
}

// Rows number first .. first + rows - 1 of an endless table; NULL where a hash says so.
static mr_str make_nested(mr_arena *arena, mr_type type, uint32_t n) {
    mr_text out;
    mr_text_init(&out, arena);
    if (type.id == MR_STRUCT) {
        int64_t number = n;
        mr_str list = make_nested(arena, type.fields->columns[1].type, n / 3);
        mr_nested_put_value(&out, type.fields->columns[0].type, &number);
        mr_nested_put_value(&out, type.fields->columns[1].type, &list);
    } else {
        mr_nested_put_count(&out, n % 4);
        for (uint32_t i = 0; i < n % 4; i++) {
            char *text = mr_arena_printf(arena, "%u", n + i);
            mr_str value = {.data = text, .bytes = (uint32_t)strlen(text)};
            mr_nested_put_value(&out, mr_type_element(type), &value);
        }
    }
    return (mr_str){.data = mr_text_string(&out), .bytes = (uint32_t)out.bytes};
}

static mr_batch make_batch(mr_arena *arena, uint32_t first, uint32_t rows) {
    mr_batch batch = mr_batch_new(arena, rows_schema.count, rows);
    for (uint32_t c = 0; c < rows_schema.count; c++) {
        mr_vector *v = &batch.columns[c];
        *v = mr_vector_flat(arena, rows_schema.columns[c].type, rows);
        mr_vector_own_valid(v, arena, rows);
        for (uint32_t i = 0; i < rows; i++) {
            uint32_t n = mixed((first + i) * 32 + c);
            if (mr_type_is_nested(v->type)) {
                v->strs[i] = make_nested(arena, v->type, n);
            } else if (v->type.id == MR_INT16) {
                v->int16s[i] = (int16_t)n;
            } else if (v->type.id == MR_NUMERIC) {
                v->numerics[i] = -(mr_int128)n * n * n;
            } else if (v->type.id == MR_FLOAT32) {
                v->float32s[i] = (float)n / 7.0f;
            } else if (v->type.id == MR_UUID) {
                v->uuids[i] = (mr_uuid){.high = n, .low = ~(uint64_t)n};
            } else if (v->type.id == MR_TIME) {
                v->int64s[i] = n;
            } else if (mr_type_is_string(v->type)) {
                char *text = mr_arena_printf(arena, "%u", n >> (n % 29));
                v->strs[i] =
                    (mr_str){.data = text, .bytes = n % 9 == 0 ? 0 : (uint32_t)strlen(text)};
            } else if (v->type.id == MR_BOOL) {
                v->bools[i] = n & 1;
            } else if (v->type.id == MR_FLOAT64) {
                v->float64s[i] = n / 7.0;
            } else if (v->type.id == MR_INTERVAL) {
                v->intervals[i] = (mr_interval){.months = (int32_t)n, .days = 1, .us = -(int64_t)n};
            } else if (v->type.id == MR_INT32) {
                v->int32s[i] = (int32_t)n;
            } else {
                v->int64s[i] = (int64_t)n << 20;
            }
            mr_bits_put(v->valid, i, n % 5 != 0);
        }
    }
    return batch;
}

// Counts the values of `rows` that differ from the endless table's rows numbers[0 ..].
static uint32_t differences(const mr_rows *rows, const uint32_t *numbers, uint32_t step) {
    mr_arena arena = {0};
    uint32_t wrong = 0;
    for (uint64_t first = 0; first < rows->row_count; first += step) {
        uint32_t count = (uint32_t)MR_MIN(rows->row_count - first, (uint64_t)step);
        mr_batch got;
        mr_rows_batch(rows, first, count, &arena, &got);
        for (uint32_t i = 0; i < count; i++) {
            mr_batch want = make_batch(&arena, numbers[first + i], 1);
            for (uint32_t c = 0; c < rows_schema.count; c++) {
                wrong += !mr_vector_same(&got.columns[c], i, &want.columns[c], 0);
            }
        }
        mr_arena_clear(&arena);
    }
    mr_arena_release(&arena);
    return wrong;
}

// Appends by all ways; numbers gets what went in. Returns the count.
static uint32_t fill(mr_rows *rows, uint32_t *numbers) {
    mr_arena arena = {0};
    uint32_t count = 0;
    for (uint32_t first = 0; first < 3000;) {
        uint32_t size = 1 + mixed(first) % 700;
        mr_batch batch = make_batch(&arena, first, size);
        uint32_t *sel = MR_NEW_ARRAY(&arena, uint32_t, size);
        uint32_t kept = 0;
        if (mixed(first) % 3 == 0) {
            for (uint32_t i = 0; i < size; i += 1 + mixed(i) % 3) {
                sel[kept++] = i;
            }
            batch = mr_batch_narrow(&batch, sel, kept);
        }
        for (uint32_t i = 0; i < batch.sel_count; i++) {
            numbers[count++] = first + mr_batch_row(&batch, i);
        }
        mr_rows_append(rows, &batch);
        numbers[count++] = first + size - 1;
        mr_rows_append_row(rows, &batch, size - 1);
        first += size;
        mr_arena_clear(&arena);
    }
    mr_arena_release(&arena);
    return count;
}

TEST(rows, gives_back_what_was_appended) {
    static uint32_t numbers[8000];
    mr_rows rows;
    mr_rows_init(&rows, &rows_schema);
    uint32_t count = fill(&rows, numbers);
    EXPECT_EQ(rows.row_count, count);
    static const uint32_t steps[] = {1, 63, 64, 65, 2048};
    for (size_t i = 0; i < MR_COUNT(steps); i++) {
        EXPECT_EQ(differences(&rows, numbers, steps[i]), 0);
    }
    numbers[5]++;
    EXPECT(differences(&rows, numbers, 64) > 0);  // The comparison can fail.
    mr_rows_clear(&rows);
    EXPECT_EQ(rows.row_count + rows.bytes, 0);
    EXPECT_EQ(fill(&rows, numbers), count);
    EXPECT_EQ(differences(&rows, numbers, 2048), 0);
    mr_rows_release(&rows);
}

TEST(rows, appended_rows_and_decoded_rows_are_the_same) {
    static uint32_t numbers[16000];
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_rows rows;
    mr_rows twice;
    mr_rows_init(&rows, &rows_schema);
    mr_rows_init(&twice, &rows_schema);
    uint32_t count = fill(&rows, numbers);
    memcpy(numbers + count, numbers, count * sizeof(numbers[0]));
    mr_text encoded;
    mr_text again;
    mr_text_init(&encoded, NULL);
    mr_text_init(&again, NULL);
    mr_rows_encode(&rows, &encoded);
    REQUIRE_OK(mr_rows_decode(&twice, mr_text_span(&encoded), &cx));
    EXPECT_EQ(twice.bytes, rows.bytes);
    mr_rows_encode(&twice, &again);
    REQUIRE(again.bytes == encoded.bytes);
    EXPECT_BYTES(again.data, encoded.data, again.bytes);
    mr_rows_append_rows(&twice, &rows);
    EXPECT_EQ(twice.row_count, 2 * count);
    EXPECT_EQ(differences(&twice, numbers, 2000), 0);
    REQUIRE_OK(mr_rows_decode(&rows, mr_text_span(&encoded), &cx));  // Behind what is there.
    EXPECT_EQ(differences(&rows, numbers, 2000), 0);
    mr_text_release(&encoded);
    mr_text_release(&again);
    mr_rows_release(&rows);
    mr_rows_release(&twice);
    mr_arena_release(&arena);
}

TEST(rows, constants_and_codes_are_kept_as_values) {
    mr_arena arena = {0};
    mr_column columns[2] = {{"c", MR_TYPE(MR_INT64), false}, {"d", MR_TYPE(MR_TEXT), false}};
    mr_schema schema = {columns, 2};
    mr_dict *dict = mr_dict_new();
    mr_batch batch = mr_batch_new(&arena, 2, 3);
    batch.columns[0] = mr_vector_flat(&arena, MR_TYPE(MR_INT64), 1);
    batch.columns[0].kind = MR_CONST;
    batch.columns[0].int64s[0] = 77;
    batch.columns[1] = (mr_vector){.type = MR_TYPE(MR_TEXT), .kind = MR_DICT, .dict = dict};
    batch.columns[1].codes = MR_NEW_ARRAY(&arena, uint32_t, 3);
    REQUIRE(mr_dict_code(dict, (mr_str){.data = "ab", .bytes = 2}, &batch.columns[1].codes[1]));
    REQUIRE(mr_dict_code(dict, (mr_str){.data = "c", .bytes = 1}, &batch.columns[1].codes[2]));
    mr_rows rows;
    mr_rows_init(&rows, &schema);
    mr_rows_append(&rows, &batch);
    batch.columns[0] = mr_vector_null(&arena, MR_TYPE(MR_INT64));
    mr_rows_append_row(&rows, &batch, 2);
    mr_dict_unref(dict);  // Rows are a deep copy.
    mr_batch got;
    mr_rows_batch(&rows, 0, 4, &arena, &got);
    EXPECT_EQ(got.columns[0].int64s[0] + got.columns[0].int64s[2], 154);
    EXPECT(!mr_vector_is_null(&got.columns[0], 2) && mr_vector_is_null(&got.columns[0], 3));
    EXPECT_BYTES(got.columns[1].strs[1].data, "ab", 2);
    EXPECT_EQ(got.columns[1].strs[3].bytes, 1);
    EXPECT(got.columns[1].valid == NULL);
    mr_rows_release(&rows);
    mr_arena_release(&arena);
}

TEST(rows, damaged_encodings_are_refused_and_add_nothing) {
    static uint32_t numbers[8000];
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_rows rows;
    mr_rows_init(&rows, &rows_schema);
    uint32_t count = fill(&rows, numbers);
    mr_text encoded;
    mr_text_init(&encoded, NULL);
    mr_rows_encode(&rows, &encoded);
    mr_rows_clear(&rows);
    for (size_t bytes = 0; bytes < encoded.bytes; bytes += 1 + bytes / 9) {
        mr_span cut = {encoded.data, bytes};
        EXPECT_EQ(mr_rows_decode(&rows, cut, &cx), MR_E_CORRUPT);
    }
    uint64_t huge = UINT64_MAX / 4;
    memcpy(encoded.data + 8, &huge, sizeof(huge));
    EXPECT_EQ(mr_rows_decode(&rows, mr_text_span(&encoded), &cx), MR_E_CORRUPT);
    huge = count;
    memcpy(encoded.data + 8, &huge, sizeof(huge));
    encoded.data[0] ^= 1;
    EXPECT_EQ(mr_rows_decode(&rows, mr_text_span(&encoded), &cx), MR_E_CORRUPT);
    EXPECT_STR(cx.error.text, "encoded rows are of another schema");
    encoded.data[0] ^= 1;
    mr_text_add_char(&encoded, 0);
    EXPECT_EQ(mr_rows_decode(&rows, mr_text_span(&encoded), &cx), MR_E_CORRUPT);
    EXPECT_STR(cx.error.text, "encoded rows are followed by 1 bytes");
    EXPECT_EQ(rows.row_count + rows.bytes, 0);
    mr_text_release(&encoded);
    mr_rows_release(&rows);
    mr_arena_release(&arena);
}

TEST(rows, a_nested_value_that_is_damaged_is_refused) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_column columns[] = {{"list", {.id = MR_LIST, .fields = &rows_list}, false}};
    mr_schema schema = {columns, 1};
    mr_batch batch = mr_batch_new(&arena, 1, 1);
    batch.columns[0] = mr_vector_flat(&arena, columns[0].type, 1);
    batch.columns[0].strs[0] = make_nested(&arena, columns[0].type, /* n= */ 3);
    mr_rows rows, back;
    mr_rows_init(&rows, &schema);
    mr_rows_init(&back, &schema);
    mr_rows_append(&rows, &batch);
    mr_text out;
    mr_text_init(&out, &arena);
    mr_rows_encode(&rows, &out);
    EXPECT_OK(mr_rows_decode(&back, mr_text_span(&out), &cx));
    EXPECT_EQ(back.row_count, 1);
    out.data[out.bytes - batch.columns[0].strs[0].bytes] = 4;  // The count of the list.
    EXPECT_EQ(mr_rows_decode(&back, mr_text_span(&out), &cx), MR_E_CORRUPT);
    EXPECT_STR(cx.error.text, "encoded rows are damaged in column \"list\"");
    mr_rows_release(&rows);
    mr_rows_release(&back);
    mr_arena_release(&arena);
}
