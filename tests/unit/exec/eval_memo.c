// Eval, memo: an expression over a dictionary column is computed once a value.

#include <stdio.h>
#include <string.h>

#include "eval_make.h"
#include "runner.h"

static mr_vector run(make *m, mr_eval *eval) {
    mr_vector v = {.data = NULL};
    mr_eval_failures failures;
    EXPECT_OK(mr_eval_vector(eval, &m->batch, &v, &failures, &m->cx));
    EXPECT_EQ(failures.count, 0);
    return v;
}

TEST(eval_memo, text_over_a_dictionary_is_a_dictionary) {
    make *m = make_new(MAKE_DICT);
    mr_eval *eval = make_eval(m, "coalesce(upper(trim(s)), 'UNKNOWN')");
    REQUIRE(eval != NULL);
    mr_vector v = run(m, eval);
    EXPECT_EQ(v.kind, MR_DICT);
    EXPECT(v.dict != m->dict);
    EXPECT_EQ(v.codes[0], v.codes[5]);
    EXPECT(v.valid == NULL);  // NULL became a value.
    EXPECT_EQ(v.dict->count, 5);
    const char *first = v.dict->values[v.codes[0]].data;
    mr_vector again = run(m, eval);
    EXPECT_EQ(again.dict, v.dict);
    EXPECT_EQ(again.dict->values[again.codes[0]].data, first);  // Not computed again.
    EXPECT_EQ(again.dict->count, 5);
    mr_eval_close(eval);
    make_free(m);
}

TEST(eval_memo, other_types_are_flat_and_null_stays_null) {
    make *m = make_new(MAKE_DICT);
    mr_eval *eval = make_eval(m, "length(s)");
    REQUIRE(eval != NULL);
    EXPECT_EQ(run(m, eval).kind, MR_FLAT);
    EXPECT_STR(make_run(m, eval, NULL, 0), "3|4|NULL|0|2|3");
    mr_eval_close(eval);
    eval = make_eval(m, "nullif(s, 'abc')");
    REQUIRE(eval != NULL);
    EXPECT_STR(make_run(m, eval, NULL, 0), "NULL| \xC3\x89"
                                           "a |NULL||12|NULL");
    mr_eval_close(eval);
    make_free(m);
}

TEST(eval_memo, parts_of_two_columns_are_memoised_each) {
    make *m = make_new(MAKE_DICT);
    mr_eval *eval = make_eval(m, "upper(s) || '/' || reverse(u)");
    REQUIRE(eval != NULL);
    EXPECT_STR(make_run(m, eval, NULL, 0), "ABC/x| \xC3\x89"
                                           "A /b|NULL|NULL|12/cba|ABC/cba");
    mr_eval_close(eval);
    make_free(m);
}

// Fills a dictionary with 2048 new values a call, and the batch with their codes.
static void new_values(make *m, uint32_t from, uint32_t rows) {
    mr_vector *v = &m->batch.columns[3];
    *v = (mr_vector){.type = MR_TYPE(MR_TEXT), .kind = MR_DICT, .dict = m->dict};
    v->codes = MR_NEW_ARRAY(&m->arena, uint32_t, rows);
    for (uint32_t row = 0; row < rows; row++) {
        char text[32];
        int bytes = snprintf(text, sizeof(text), "value %u", from + row);
        mr_str value = {.data = text, .bytes = (uint32_t)bytes};
        EXPECT(mr_dict_code(m->dict, value, &v->codes[row]));
    }
    m->batch.rows = rows;
    m->batch.sel_count = rows;
}

static void expect_values(make *m, mr_eval *eval, uint32_t from, uint32_t rows) {
    mr_vector v = run(m, eval);
    for (uint32_t row = 0; row < rows; row += 97) {
        char text[32];
        int bytes = snprintf(text, sizeof(text), "VALUE %u", from + row);
        mr_str value = mr_vector_str(&v, row);
        EXPECT_EQ(value.bytes, bytes);
        EXPECT_BYTES(value.data, text, value.bytes);
    }
}

TEST(eval_memo, grows_with_its_dictionary_up_to_all_values) {
    make *m = make_new(MAKE_FLAT);
    mr_eval *eval = make_eval(m, "upper(s)");
    REQUIRE(eval != NULL);
    for (uint32_t from = 0; from < MR_DICT_CAPACITY; from += 1024) {
        new_values(m, from, 1024);
        expect_values(m, eval, from, 1024);
    }
    mr_eval_close(eval);
    make_free(m);
}

TEST(eval_memo, one_result_too_many_is_computed_row_by_row) {
    make *m = make_new(MAKE_FLAT);
    mr_eval *eval = make_eval(m, "coalesce(upper(s), 'none')");  // NULL is the 4097th.
    REQUIRE(eval != NULL);
    for (uint32_t from = 0; from < MR_DICT_CAPACITY; from += 2048) {
        new_values(m, from, 2048);
        expect_values(m, eval, from, 2048);
    }
    mr_bits_clear(mr_vector_own_valid(&m->batch.columns[3], &m->arena, 2048), 5);
    mr_vector v = run(m, eval);
    EXPECT_EQ(v.kind, MR_FLAT);
    EXPECT_EQ(v.strs[5].bytes, 4);
    EXPECT_BYTES(v.strs[5].data, "none", 4);
    expect_values(m, eval, 2048, 1);
    mr_eval_close(eval);
    make_free(m);
}

TEST(eval_memo, many_dictionaries_in_turn) {
    make *m = make_new(MAKE_FLAT);
    mr_eval *eval = make_eval(m, "upper(s)");
    REQUIRE(eval != NULL);
    mr_dict *dicts[20];  // More than a memo keeps.
    for (uint32_t i = 0; i < 20; i++) {
        dicts[i] = mr_dict_new();
    }
    mr_dict *own = m->dict;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 20; i++) {
            m->dict = dicts[i];
            new_values(m, i * 1000 + round * 100, 1000);
            expect_values(m, eval, i * 1000 + round * 100, 1000);
        }
    }
    m->dict = own;
    mr_eval_close(eval);
    for (uint32_t i = 0; i < 20; i++) {
        mr_dict_unref(dicts[i]);
    }
    make_free(m);
}

TEST(eval_memo, a_hold_keeps_the_dictionaries_of_a_result) {
    make *m = make_new(MAKE_DICT);
    mr_eval *eval = make_eval(m, "upper(s)");
    REQUIRE(eval != NULL);
    mr_hold *hold = mr_hold_new(64);
    m->batch.hold = hold;
    m->batch.columns[3] = run(m, eval);
    mr_eval_hold_dicts(&m->batch);
    mr_eval_hold_dicts(&m->batch);   // Once a dictionary.
    EXPECT_EQ(hold->dict_count, 2);  // Of s and of u.
    mr_eval_close(eval);
    mr_str value = mr_vector_str(&m->batch.columns[3], 0);
    EXPECT_BYTES(value.data, "ABC", 3);
    mr_hold_unref(hold);
    make_free(m);
}
