// Nested values: what is written is read, printed as DuckDB prints it, ordered by value, and bytes
// from outside are checked to the last one.

#include "column/nested.h"

#include <math.h>
#include <string.h>

#include "column/interval.h"
#include "column/uuid.h"
#include "runner.h"

static mr_schema *fields(mr_arena *arena, uint32_t count, const mr_column *columns) {
    mr_schema *ret = MR_NEW(arena, mr_schema);
    ret->count = count;
    ret->columns = MR_NEW_ARRAY(arena, mr_column, count);
    memcpy(ret->columns, columns, sizeof(*columns) * count);
    return ret;
}

static mr_str str_of(const char *text) {
    return (mr_str){.data = text, .bytes = (uint32_t)strlen(text)};
}

// A list of texts; NULL is NULL.
static mr_str texts(mr_arena *arena, mr_type of, const char *const *values, uint32_t count) {
    mr_text out;
    mr_text_init(&out, arena);
    mr_nested_put_count(&out, count);
    for (uint32_t i = 0; i < count; i++) {
        mr_str value = str_of(values[i] == NULL ? "" : values[i]);
        if (values[i] == NULL) {
            mr_nested_put_null(&out);
        } else {
            mr_nested_put_value(&out, of, &value);
        }
    }
    return (mr_str){.data = mr_text_string(&out), .bytes = (uint32_t)out.bytes};
}

static const char *printed(mr_arena *arena, mr_type type, mr_str value) {
    mr_text out;
    mr_text_init(&out, arena);
    mr_nested_print(type, (mr_span){value.data, value.bytes}, /* zone= */ NULL, &out);
    return mr_text_string(&out);
}

// Every text was printed by DuckDB 1.4.4 for the same value.
TEST(nested, texts_are_quoted_as_in_duckdb) {
    mr_arena arena = {0};
    mr_type list = mr_type_list(MR_TYPE(MR_TEXT), &arena);
    static const char *const values[] = {"a",  "b c", "",    NULL,  "null", "nul", "it's", "a,b",
                                         " x", "x ",  "\\",  "a\\", "a\\,", "q\"", "a:b",  "[x]",
                                         "=",  "{",   "é,ü", "é",   "(",    " ",   "a\tb"};
    mr_str value = texts(&arena, MR_TYPE(MR_TEXT), values, MR_COUNT(values));
    EXPECT_STR(printed(&arena, list, value),
               "[a, b c, '', NULL, 'null', nul, 'it\\'s', 'a,b', ' x', 'x ', \\, a\\, 'a\\\\,', "
               "'q\"', 'a:b', '[x]', '=', '{', 'é,ü', é, '(', ' ', a\tb]");
    EXPECT(mr_nested_check(list, (mr_span){value.data, value.bytes}));
    EXPECT_STR(printed(&arena, list, texts(&arena, MR_TYPE(MR_TEXT), NULL, 0)), "[]");
    // Lists of JSON are not quoted; in a struct JSON is.
    mr_type docs = mr_type_list(MR_TYPE(MR_JSON), &arena);
    static const char *const json[] = {"{\"a\":1}", "null", NULL, "\"x, y\""};
    EXPECT_STR(printed(&arena, docs, texts(&arena, MR_TYPE(MR_JSON), json, 4)),
               "[{\"a\":1}, null, NULL, \"x, y\"]");
    mr_arena_release(&arena);
}

// One row of each type as the fields of a struct.
static mr_type make_all(mr_arena *arena, mr_text *out) {
    mr_type list = mr_type_list(MR_TYPE(MR_INT32), arena);
    const mr_column columns[] = {
        {"b", MR_TYPE(MR_BOOL), false},         {"i2", MR_TYPE(MR_INT16), false},
        {"i4", MR_TYPE(MR_INT32), false},       {"i8", MR_TYPE(MR_INT64), false},
        {"num", MR_NUMERIC(3, 3), false},       {"f4", MR_TYPE(MR_FLOAT32), false},
        {"f8", MR_TYPE(MR_FLOAT64), false},     {"x", MR_TYPE(MR_BYTES), false},
        {"u'", MR_TYPE(MR_UUID), false},        {"d", MR_TYPE(MR_DATE), false},
        {"t", MR_TYPE(MR_TIME), false},         {"ts", MR_TYPE(MR_TIMESTAMP), false},
        {"tz", MR_TYPE(MR_TIMESTAMPTZ), false}, {"iv", MR_TYPE(MR_INTERVAL), false},
        {"j", MR_TYPE(MR_JSON), false},         {"l", list, false},
        {"none", MR_TYPE(MR_TEXT), false},
    };
    mr_type type = mr_type_struct(fields(arena, MR_COUNT(columns), columns));
    uint8_t b = 1;
    int16_t i2 = -2;
    int32_t i4 = 4, d = 20454;
    int64_t i8 = -8, t = 45296000000, ts = 1767225600120000;
    mr_int128 num = -500;
    float f4 = 0.1f;
    double f8 = -0.0;
    mr_str x = {.data = "a\xFF", .bytes = 2}, j = str_of("[1]");
    mr_uuid u = {0xa0eebc999c0b4ef8u, 0xbb6d6bb9bd380a11u};
    mr_interval iv = {0, 1, 7200000000};
    static const int32_t numbers[] = {1, 2};
    mr_text elements;
    mr_text_init(&elements, arena);
    mr_nested_put_count(&elements, 3);
    mr_nested_put_value(&elements, MR_TYPE(MR_INT32), &numbers[0]);
    mr_nested_put_null(&elements);
    mr_nested_put_value(&elements, MR_TYPE(MR_INT32), &numbers[1]);
    mr_str l = {.data = elements.data, .bytes = (uint32_t)elements.bytes};
    const void *values[] = {&b, &i2, &i4, &i8, &num, &f4, &f8, &x,
                            &u, &d,  &t,  &ts, &ts,  &iv, &j,  &l};
    for (size_t i = 0; i < MR_COUNT(values); i++) {
        mr_nested_put_value(out, columns[i].type, values[i]);
    }
    mr_nested_put_null(out);
    return type;
}

TEST(nested, every_type_is_written_read_and_printed) {
    mr_arena arena = {0};
    mr_text out;
    mr_text_init(&out, &arena);
    mr_type type = make_all(&arena, &out);
    mr_str value = {.data = out.data, .bytes = (uint32_t)out.bytes};
    EXPECT(mr_nested_check(type, mr_text_span(&out)));
    EXPECT_STR(printed(&arena, type, value),
               "{'b': true, 'i2': -2, 'i4': 4, 'i8': -8, 'num': -.500, 'f4': 0.1, 'f8': 0.0, "
               "'x': a\\xFF, 'u\\'': a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11, 'd': 2026-01-01, "
               "'t': '12:34:56', 'ts': '2026-01-01 00:00:00.12', "
               "'tz': '2026-01-01 00:00:00.12+00', 'iv': '1 day 02:00:00', 'j': '[1]', "
               "'l': [1, NULL, 2], 'none': NULL}");
    // Into vectors and back gives the same bytes.
    mr_text again;
    mr_text_init(&again, &arena);
    mr_span in = mr_text_span(&out);
    for (uint32_t i = 0; i < type.fields->count; i++) {
        mr_nested_item item = mr_nested_next(&in, type.fields->columns[i].type);
        mr_vector v = mr_vector_flat(&arena, item.type, 2);
        if (item.null) {
            mr_bits_clear(mr_vector_own_valid(&v, &arena, 2), 1);
        } else {
            mr_nested_store(&item, &v, 1);
        }
        mr_nested_put(&again, &v, 1);
    }
    EXPECT_EQ(in.bytes, 0);
    REQUIRE(again.bytes == out.bytes);
    EXPECT_BYTES(again.data, out.data, out.bytes);
    mr_arena_release(&arena);
}

TEST(nested, damaged_bytes_are_refused) {
    mr_arena arena = {0};
    mr_text out;
    mr_text_init(&out, &arena);
    mr_type type = make_all(&arena, &out);
    for (size_t bytes = 0; bytes < out.bytes; bytes++) {
        char *cut = mr_heap_alloc(bytes + 1);  // A read past the bytes is seen under ASan.
        memcpy(cut, out.data, bytes);
        EXPECT(!mr_nested_check(type, (mr_span){cut, bytes}));
        mr_heap_free(cut);
    }
    mr_text_add_char(&out, 0);
    EXPECT(!mr_nested_check(type, mr_text_span(&out)));
    out.bytes--;
    // What passes after damage can be read to its end.
    uint32_t refused = 0, passed = 0;
    for (uint32_t n = 0; n < 20000; n++) {
        uint64_t random = mr_hash_u64(n, /* seed= */ 3);
        char *copy = mr_heap_alloc(out.bytes);
        memcpy(copy, out.data, out.bytes);
        copy[random % out.bytes] = (char)(random >> 40);
        mr_span in = {copy, out.bytes};
        if (mr_nested_check(type, in)) {
            passed++;
            mr_text text;
            mr_text_init(&text, NULL);
            mr_nested_print(type, in, /* zone= */ NULL, &text);
            EXPECT_EQ(mr_nested_compare(type, in, in), 0);
            mr_text_release(&text);
        } else {
            refused++;
        }
        mr_heap_free(copy);
    }
    EXPECT(refused > 1000 && passed > 1000);
    mr_arena_release(&arena);
}

static int list_order(mr_arena *arena, mr_type of, mr_vector *v, const int8_t *a, const int8_t *b) {
    mr_text out[2];
    const int8_t *rows[2] = {a, b};
    for (int side = 0; side < 2; side++) {
        mr_text_init(&out[side], arena);
        uint32_t count = 0;
        while (rows[side][count] >= 0) {
            count++;
        }
        mr_nested_put_count(&out[side], count);
        for (uint32_t i = 0; i < count; i++) {
            mr_nested_put(&out[side], v, (uint32_t)rows[side][i]);
        }
    }
    return mr_nested_compare(mr_type_list(of, arena), mr_text_span(&out[0]), mr_text_span(&out[1]));
}

TEST(nested, order_is_by_value_with_null_last_and_shorter_first) {
    mr_arena arena = {0};
    mr_vector v = mr_vector_flat(&arena, MR_TYPE(MR_FLOAT64), 5);
    v.float64s[0] = -2;  // As bytes greater than 1.
    v.float64s[1] = 1;
    v.float64s[2] = NAN;
    v.float64s[4] = -0.0;
    mr_bits_clear(mr_vector_own_valid(&v, &arena, 5), 3);
    mr_type type = v.type;
#define ROWS(...) ((const int8_t[]){__VA_ARGS__ - 1})
    EXPECT(list_order(&arena, type, &v, ROWS(0, ), ROWS(1, )) < 0);
    EXPECT(list_order(&arena, type, &v, ROWS(1, ), ROWS(2, )) < 0);
    EXPECT(list_order(&arena, type, &v, ROWS(2, ), ROWS(3, )) < 0);
    EXPECT(list_order(&arena, type, &v, ROWS(3, ), ROWS(2, )) > 0);
    EXPECT_EQ(list_order(&arena, type, &v, ROWS(2, 3, ), ROWS(2, 3, )), 0);
    EXPECT(list_order(&arena, type, &v, ROWS(1, ), ROWS(1, 0, )) < 0);
    EXPECT(list_order(&arena, type, &v, ROWS(1, 3, ), ROWS(1, )) > 0);
    EXPECT(list_order(&arena, type, &v, ROWS(), ROWS(0, )) < 0);
    EXPECT(list_order(&arena, type, &v, ROWS(4, ), ROWS(0, )) > 0);
#undef ROWS
    mr_arena_release(&arena);
}

TEST(nested, uuids_are_read_in_all_forms) {
    static const struct {
        const char *in;
        bool good;
    } cases[] = {
        {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", true},
        {"{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", true},
        {"a0eebc999c0b4ef8bb6d6bb9bd380a11", true},
        {"a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", true},
        {"{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}", true},
        {"-a-0-eebc999c0b4ef8bb6d6bb9bd380a11", true},
        {" a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", false},
        {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", false},
        {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111", false},
        {"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", false},
        {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", false},
        {"g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", false},
        {"", false},
        {"{}", false},
        {"{", false},
    };
    mr_text out;
    mr_text_init(&out, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_uuid uuid = {0};
        bool good = mr_uuid_parse(mr_span_of(cases[i].in), &uuid);
        EXPECT_EQ(good, cases[i].good);
        mr_text_clear(&out);
        mr_uuid_print(uuid, &out);
        EXPECT_STR(mr_text_string(&out), good ? "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
                                              : "00000000-0000-0000-0000-000000000000");
    }
    mr_text_release(&out);
}
