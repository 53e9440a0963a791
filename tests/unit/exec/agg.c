// Agg: every aggregate over every kind of vector, with selections, merged, stored and read back.

#include "exec/agg.h"

#include <math.h>
#include <string.h>

#include "runner.h"

#define ROWS   2048
#define GROUPS 3

typedef struct fixture {
    mr_arena arena;
    mr_cx cx;
    const mr_agg *agg;
    mr_type type;
    mr_agg_call call;
    uint8_t *states;  // GROUPS of them.
} fixture;

static fixture *fixture_new(mr_agg_id fn, mr_type_id argument) {
    fixture *f = mr_heap_alloc(sizeof(*f));
    mr_cx_init(&f->cx, &f->arena, /* plat= */ NULL);
    f->call = (mr_agg_call){.fn = fn, .second = -1, .filter = -1, .argument = MR_TYPE(argument)};
    f->agg = mr_agg_find(&f->call);
    mr_type_id result = mr_function_aggregates[fn].result;
    f->type = MR_TYPE(result == MR_NULLTYPE ? argument : result);
    EXPECT_EQ(f->agg->state_bytes % 8, 0);
    EXPECT(f->agg->state_bytes <= 32);
    f->states = mr_heap_alloc((size_t)f->agg->state_bytes * GROUPS);
    for (uint32_t g = 0; g < GROUPS; g++) {
        f->agg->init(f->states + f->agg->state_bytes * g);
    }
    return f;
}

static uint8_t *state_of(fixture *f, uint32_t group) {
    return f->states + (size_t)f->agg->state_bytes * group;
}

static void fixture_free(fixture *f) {
    for (uint32_t g = 0; g < GROUPS && f->agg->release != NULL; g++) {
        f->agg->release(state_of(f, g));
    }
    mr_heap_free(f->states);
    mr_arena_release(&f->arena);
    mr_heap_free(f);
}

// All rows of v go to one group.
static void update(fixture *f, uint32_t group, const mr_vector *v, const uint32_t *rows,
                   uint32_t count) {
    uint8_t **bases = MR_NEW_ARRAY(&f->arena, uint8_t *, count);
    for (uint32_t i = 0; i < count; i++) {
        bases[i] = state_of(f, group);
    }
    EXPECT_OK(f->agg->update(bases, 0, &(mr_agg_input){.call = &f->call, .value = v}, rows, count,
                             &f->cx));
}

static mr_vector result(fixture *f, uint32_t group, mr_code *ret_code) {
    mr_vector out = mr_vector_flat(&f->arena, f->type, 1);
    mr_vector_own_valid(&out, &f->arena, 1);
    *ret_code = f->agg->result(state_of(f, group), &f->call, &out, 0, &f->cx);
    return out;
}

static const char *result_text(fixture *f, uint32_t group) {
    mr_code code;
    mr_vector out = result(f, group, &code);
    if (code != MR_OK) {
        return f->cx.error.text;
    }
    mr_text text;
    mr_text_init(&text, &f->arena);
    if (mr_vector_is_null(&out, 0)) {
        return "NULL";
    }
    mr_vector_print(&out, 0, NULL, &text);
    return mr_text_string(&text);
}

// Group 1 into group 0 by way of its stored form; every cut of the stored form is refused.
static void store_and_merge(fixture *f) {
    mr_text saved;
    mr_text_init(&saved, &f->arena);
    f->agg->save(state_of(f, 1), &saved);
    mr_text_add(&saved, "next");
    for (size_t cut = 0; cut < saved.bytes - 4; cut += 1 + cut / 7) {
        mr_span in = {saved.data, cut};
        EXPECT_EQ(f->agg->load(state_of(f, 2), &in, &f->cx), MR_E_CORRUPT);
        if (f->agg->release != NULL) {
            f->agg->release(state_of(f, 2));
        }
        f->agg->init(state_of(f, 2));
    }
    mr_span in = mr_text_span(&saved);
    REQUIRE_OK(f->agg->load(state_of(f, 2), &in, &f->cx));
    EXPECT(mr_span_is(in, "next"));
    EXPECT_OK(f->agg->merge(state_of(f, 0), state_of(f, 2), &f->cx));
}

static mr_vector integers(fixture *f, mr_type_id type, int64_t first, int64_t step) {
    mr_vector v = mr_vector_flat(&f->arena, MR_TYPE(type), ROWS);
    for (uint32_t row = 0; row < ROWS; row++) {
        int64_t value = first + step * row;
        if (mr_type_bytes(v.type) == 4) {
            v.int32s[row] = (int32_t)value;
        } else {
            v.int64s[row] = value;
        }
    }
    return v;
}

TEST(agg, counts_rows_and_values) {
    fixture *f = fixture_new(MR_AGG_COUNT_STAR, MR_NULLTYPE);
    EXPECT_STR(result_text(f, 0), "0");
    update(f, 0, NULL, NULL, 7);
    update(f, 1, NULL, NULL, 3);
    store_and_merge(f);
    EXPECT_STR(result_text(f, 0), "10");
    fixture_free(f);

    f = fixture_new(MR_AGG_COUNT, MR_INT32);
    mr_vector v = integers(f, MR_INT32, 0, 1);
    uint32_t rows[] = {1, 5, 6, 2047};
    update(f, 0, &v, rows, 4);
    uint64_t *valid = mr_vector_own_valid(&v, &f->arena, ROWS);
    mr_bits_clear(valid, 5);
    update(f, 0, &v, rows, 4);
    update(f, 0, &v, NULL, ROWS);
    mr_vector null = mr_vector_null(&f->arena, MR_TYPE(MR_INT32));
    update(f, 0, &null, NULL, 9);
    EXPECT_STR(result_text(f, 0), "2054");
    fixture_free(f);
}

TEST(agg, sums_whole_numbers_exactly) {
    fixture *f = fixture_new(MR_AGG_SUM_INT64, MR_INT64);
    EXPECT_STR(result_text(f, 0), "NULL");
    mr_vector most = integers(f, MR_INT64, INT64_MAX, 0),
              least = integers(f, MR_INT64, INT64_MIN, 0);
    update(f, 0, &most, NULL, 2);
    EXPECT_STR(result_text(f, 0), "sum of 2 values (about 1.84467e+19) does not fit in bigint");
    update(f, 1, &least, NULL, 2);
    store_and_merge(f);  // It fits again: the order of rows does not matter.
    EXPECT_STR(result_text(f, 0), "-2");
    most.kind = MR_CONST;
    update(f, 0, &most, NULL, ROWS);
    update(f, 0, &least, NULL, ROWS);
    EXPECT_STR(result_text(f, 0), "-2050");
    fixture_free(f);
    f = fixture_new(MR_AGG_SUM_INT64, MR_INT32);
    mr_vector v = integers(f, MR_INT32, -1000, 1);
    update(f, 0, &v, NULL, ROWS);
    EXPECT_STR(result_text(f, 0), "48128");
    fixture_free(f);
}

static mr_vector doubles(fixture *f, const double *values, uint32_t count) {
    mr_vector v = mr_vector_flat(&f->arena, MR_TYPE(MR_FLOAT64), count);
    memcpy(v.data, values, count * sizeof(double));
    return v;
}

TEST(agg, sums_doubles_without_loss) {
    static const double big[] = {1e16, 1, -1e16, 1, 1e100, 1, -1e100};
    fixture *f = fixture_new(MR_AGG_SUM_FLOAT64, MR_FLOAT64);
    mr_vector v = doubles(f, big, 4);
    update(f, 0, &v, NULL, 4);
    EXPECT_STR(result_text(f, 0), "2.0");
    fixture_free(f);

    f = fixture_new(MR_AGG_AVG_FLOAT64, MR_FLOAT64);
    EXPECT_STR(result_text(f, 0), "NULL");
    double tenths[1000];
    for (int i = 0; i < 1000; i++) {
        tenths[i] = 0.1;
    }
    v = doubles(f, tenths, 1000);
    for (int i = 0; i < 1000; i++) {
        update(f, (uint32_t)i % 2, &v, NULL, 1000);
    }
    store_and_merge(f);
    EXPECT_STR(result_text(f, 0), "0.1");
    fixture_free(f);
}

TEST(agg, infinite_and_nan_sums) {
    static const double values[] = {(double)INFINITY, 1, -(double)INFINITY};
    fixture *f = fixture_new(MR_AGG_SUM_FLOAT64, MR_FLOAT64);
    mr_vector v = doubles(f, values, 3);
    update(f, 0, &v, NULL, 2);
    EXPECT_STR(result_text(f, 0), "inf");
    update(f, 0, &v, NULL, 3);
    EXPECT_STR(result_text(f, 0), "nan");
    fixture_free(f);
}

static void expect_extremes(mr_type_id type, mr_vector (*make)(fixture *), const char *least,
                            const char *greatest) {
    for (int max = 0; max < 2; max++) {
        fixture *f = fixture_new(max ? MR_AGG_MAX : MR_AGG_MIN, type);
        EXPECT_STR(result_text(f, 0), "NULL");
        mr_vector v = make(f);
        uint32_t rows[] = {0, 2, 4}, others[] = {1, 3};
        update(f, 0, &v, rows, 3);
        update(f, 1, &v, others, 2);
        store_and_merge(f);
        EXPECT_STR(result_text(f, 0), max ? greatest : least);
        fixture_free(f);
    }
}

// Row 3 is NULL.
static mr_vector five(fixture *f, mr_type_id type, const void *values) {
    mr_vector v = mr_vector_flat(&f->arena, MR_TYPE(type), 5);
    memcpy(v.data, values, mr_type_bytes(v.type) * 5);
    mr_bits_clear(mr_vector_own_valid(&v, &f->arena, 5), 3);
    return v;
}

static mr_vector five_ints(fixture *f) {
    return five(f, MR_INT32, (int32_t[]){5, -7, 3, -99, 4});
}

static mr_vector five_times(fixture *f) {
    return five(f, MR_TIMESTAMP, (int64_t[]){5, 0, 3000000, -99, 4});
}

static mr_vector five_doubles(fixture *f) {
    return five(f, MR_FLOAT64, (double[]){5, (double)NAN, -0.5, -99, 4});
}

static mr_vector five_bools(fixture *f) {
    return five(f, MR_BOOL, (uint8_t[]){1, 1, 1, 0, 1});
}

static mr_vector five_intervals(fixture *f) {
    return five(f, MR_INTERVAL, (mr_interval[]){{0, 29, 0}, {1, 0, 0}, {0, 31, 0}, {9, 9, 9}, {0}});
}

static mr_vector five_texts(fixture *f) {
    return five(f, MR_TEXT,
                (mr_str[]){{"mm", 2, 0},
                           {"zebra stripes, rather long", 26, 0},
                           {"", 0, 0},
                           {"0", 1, 0},
                           {"mm", 2, 0}});
}

static mr_vector five_codes(fixture *f) {
    static const char *const values[] = {"delta", "alpha", "omega", "", "beta"};
    mr_vector v = {.type = MR_TYPE(MR_TEXT), .kind = MR_DICT, .dict = mr_dict_new()};
    v.codes = MR_NEW_ARRAY(&f->arena, uint32_t, 5);
    for (uint32_t row = 0; row < 5; row++) {
        mr_str value = {.data = values[row], .bytes = (uint32_t)strlen(values[row])};
        EXPECT(mr_dict_code(v.dict, value, &v.codes[row]));
    }
    mr_bits_clear(mr_vector_own_valid(&v, &f->arena, 5), 3);
    return v;
}

TEST(agg, least_and_greatest_of_every_type) {
    expect_extremes(MR_INT32, five_ints, "-7", "5");
    expect_extremes(MR_TIMESTAMP, five_times, "1970-01-01 00:00:00", "1970-01-01 00:00:03");
    expect_extremes(MR_FLOAT64, five_doubles, "-0.5", "nan");
    expect_extremes(MR_BOOL, five_bools, "true", "true");
    expect_extremes(MR_INTERVAL, five_intervals, "00:00:00", "31 days");
    expect_extremes(MR_TEXT, five_texts, "", "zebra stripes, rather long");
}

TEST(agg, text_of_a_dictionary_is_copied) {
    fixture *f = fixture_new(MR_AGG_MAX, MR_TEXT);
    mr_vector v = five_codes(f);
    update(f, 0, &v, NULL, 5);
    EXPECT(f->agg->extra_bytes(state_of(f, 0)) >= 5);
    mr_dict_unref(v.dict);
    EXPECT_STR(result_text(f, 0), "omega");
    fixture_free(f);
}

TEST(agg, distinct_values_count_alike_in_every_kind_of_vector) {
    fixture *f = fixture_new(MR_AGG_APPROX_COUNT_DISTINCT, MR_TEXT);
    mr_vector coded = five_codes(f), flat = mr_vector_flat(&f->arena, MR_TYPE(MR_TEXT), 5);
    for (uint32_t row = 0; row < 5; row++) {
        flat.strs[row] = mr_vector_str(&coded, row);
    }
    flat.valid = coded.valid;
    update(f, 0, &coded, NULL, 5);
    EXPECT_STR(result_text(f, 0), "4");
    update(f, 0, &flat, NULL, 5);
    mr_vector one = flat;
    one.kind = MR_CONST;
    update(f, 1, &one, NULL, 5);
    store_and_merge(f);
    EXPECT_STR(result_text(f, 0), "4");
    mr_dict_unref(coded.dict);
    fixture_free(f);

    f = fixture_new(MR_AGG_APPROX_COUNT_DISTINCT, MR_FLOAT64);
    mr_vector v = doubles(f, (double[]){0.0, -0.0, (double)NAN, -(double)NAN, 1}, 5);
    update(f, 0, &v, NULL, 5);
    EXPECT_STR(result_text(f, 0), "3");
    fixture_free(f);
}

TEST(agg, a_result_that_is_too_long_is_an_error) {
    fixture *f = fixture_new(MR_AGG_STRING_AGG, MR_TEXT);
    size_t bytes = (size_t)64 << 20;
    mr_str separator = {.data = mr_arena_alloc(&f->arena, bytes), .bytes = (uint32_t)bytes};
    mr_vector parameter = {.type = MR_TYPE(MR_TEXT), .kind = MR_CONST, .strs = &separator};
    f->call.parameter = &parameter;
    mr_vector v = mr_vector_flat(&f->arena, MR_TYPE(MR_TEXT), 18);
    for (uint32_t i = 0; i < 18; i++) {
        v.strs[i] = (mr_str){.data = "x", .bytes = 1};
    }
    update(f, 0, &v, /* rows= */ NULL, 18);
    mr_vector out = mr_vector_flat(&f->arena, MR_TYPE(MR_TEXT), 1);
    EXPECT_EQ(f->agg->result(state_of(f, 0), &f->call, &out, 0, &f->cx), MR_E_VALUE);
    EXPECT(strstr(f->cx.error.text, "string_agg of 18 values has 11408") != NULL);
    EXPECT(strstr(f->cx.error.text, "bytes, more than 1 GiB") != NULL);
    fixture_free(f);
}
