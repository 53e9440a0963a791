// Eval: branches, failing rows, kinds of vectors, selections, memo tables.

#include "exec/eval.h"

#include <stdio.h>
#include <string.h>

#include "eval_make.h"
#include "runner.h"

static void expect_all(const char *expression, const char *flat) {
    make *m = make_new(MAKE_FLAT);
    EXPECT_STR(make_text(m, expression), flat);
    make_free(m);
    m = make_new(MAKE_DICT);
    EXPECT_STR(make_text(m, expression), flat);
    make_free(m);
    m = make_new(MAKE_CONST);  // Six times the first row.
    char six[2048] = "";
    int first = (int)strcspn(flat, "|");
    for (int i = 0; i < 6; i++) {
        snprintf(six + strlen(six), sizeof(six) - strlen(six), "%s%.*s", i == 0 ? "" : "|", first,
                 flat);
    }
    EXPECT_STR(make_text(m, expression), six);
    make_free(m);
}

TEST(eval, columns_and_constants) {
    expect_all("n", "1|-2|NULL|0|2147483647|7");
    expect_all("s", "abc| \xC3\x89"
                    "a |NULL||12|abc");
    expect_all("42", "42|42|42|42|42|42");
    expect_all("NULL::integer", "NULL|NULL|NULL|NULL|NULL|NULL");
}

TEST(eval, null_in_null_out) {
    expect_all("n + NULL::integer", "NULL|NULL|NULL|NULL|NULL|NULL");
    expect_all("k - 1", "9|-21|NULL|-1|9223372036854775806|69");
    expect_all("upper(s)", "ABC| \xC3\x89"
                           "A |NULL||12|ABC");
}

TEST(eval, overflow_fails_its_row_only) {
    expect_all("n + 1", "2|-1|NULL|1|!expression: integer out of range: 2147483647 + 1|8");
    expect_all("k * 2",
               "20|-40|NULL|0|!expression: bigint out of range: 9223372036854775807 * 2|140");
    expect_all("-(n - 7)", "6|9|NULL|7|-2147483640|0");
}

TEST(eval, a_guarded_failure_fails_no_row) {
    expect_all("CASE WHEN s = '12' THEN s::integer ELSE n END", "1|-2|NULL|0|12|7");
    expect_all("CASE WHEN n < 100 THEN n + 1 END", "2|-1|NULL|1|NULL|8");
    expect_all("n < 100 AND n + 1 > 0", "true|false|NULL|true|false|true");
    expect_all("n > 100 OR n + 1 > 0", "true|false|NULL|true|true|true");
    expect_all("coalesce(n, (x * 1e300)::integer)", "1|-2|NULL|0|2147483647|7");
    expect_all("coalesce(u, s::integer::text)",
               "x|b|c|!expression: cannot cast \"\" to integer|abc|abc");
}

TEST(eval, a_failed_cast_says_what_and_to_what) {
    expect_all("s::integer", "!expression: cannot cast \"abc\" to integer|"
                             "!expression: cannot cast \" \xC3\x89"
                             "a \" to integer|NULL|"
                             "!expression: cannot cast \"\" to integer|12|"
                             "!expression: cannot cast \"abc\" to integer");
    expect_all("try_cast(s AS integer)", "NULL|NULL|NULL|NULL|12|NULL");
    expect_all("x::integer", "2|0|NULL|0|!expression: cannot cast nan to integer|"
                             "!expression: cannot cast 1e+300 to integer");
    make *m = make_new(MAKE_FLAT);
    const char *text = make_text(m, "repeat('\xC3\xA9"
                                    "1234567', 20)::integer");
    EXPECT(strstr(text, "\xC3\xA9"
                        "1234567\xE2\x80\xA6\" to integer") != NULL);  // Cut at 64 bytes.
    make_free(m);
}

TEST(eval, logic_is_three_valued) {
    expect_all("b AND n > 0", "true|false|NULL|false|false|true");
    expect_all("b OR n > 0", "true|false|NULL|true|true|true");
    expect_all("b AND NULL::boolean", "NULL|false|NULL|NULL|false|NULL");
    expect_all("b OR NULL::boolean", "true|NULL|NULL|true|NULL|true");
    expect_all("NULL::boolean AND b AND true", "NULL|false|NULL|NULL|false|NULL");
    expect_all("NOT b", "false|true|NULL|false|true|false");
    expect_all("b IS TRUE", "true|false|false|true|false|true");
    expect_all("b IS NOT FALSE", "true|false|true|true|false|true");
    expect_all("b IS NULL", "false|false|true|false|false|false");
    expect_all("u IS NOT NULL", "true|true|true|false|true|true");
}

TEST(eval, comparisons_of_every_type) {
    expect_all("n > 0", "true|false|NULL|false|true|true");
    expect_all("k <= 0", "false|true|NULL|true|false|false");
    expect_all("x > 1e9", "false|false|NULL|false|true|true");  // NaN is the greatest.
    expect_all("x = x", "true|true|NULL|true|true|true");
    expect_all("s = u", "false|false|NULL|NULL|false|true");
    expect_all("s < u", "true|true|NULL|NULL|true|false");
    expect_all("s IS DISTINCT FROM u", "true|true|true|true|true|false");
    expect_all("NULL::integer IS NOT DISTINCT FROM n", "false|false|true|false|false|false");
    expect_all("d >= date '1971-01-01'", "false|false|NULL|true|true|false");
    expect_all("interval '1 month' = interval '30 days'", "true|true|true|true|true|true");
}

TEST(eval, now_is_the_time_of_the_epoch) {
    make *m = make_new(MAKE_FLAT);
    mr_eval *eval = make_eval(m, "epoch(now())");
    REQUIRE(eval != NULL);
    uint32_t sel[] = {3};
    EXPECT_STR(make_run(m, eval, sel, 1), "1.0");
    m->env.now_us = 2500000;  // Read live.
    EXPECT_STR(make_run(m, eval, sel, 1), "2.5");
    mr_eval_close(eval);
    make_free(m);
}

TEST(eval, a_selection_leaves_other_rows_alone) {
    for (make_kind kind = MAKE_FLAT; kind <= MAKE_DICT; kind++) {
        make *m = make_new(kind);
        uint32_t sel[] = {1, 3, 5};
        mr_eval *eval = make_eval(m, "coalesce(upper(s), '-') || (n + 1)::text");
        REQUIRE(eval != NULL);
        EXPECT_STR(make_run(m, eval, sel, 3), " \xC3\x89"
                                              "A -1|1|ABC8");
        EXPECT_STR(make_run(m, eval, sel, 0), "");
        mr_eval_close(eval);
        make_free(m);
    }
}

static void expect_selected(make *m, const char *expression, const char *rows, uint32_t failed) {
    mr_eval *eval = make_eval(m, expression);
    if (!EXPECT(eval != NULL)) {
        return;
    }
    uint32_t *sel, count;
    mr_eval_failures failures;
    EXPECT_OK(mr_eval_select(eval, &m->batch, &sel, &count, &failures, &m->cx));
    char got[64] = "";
    for (uint32_t i = 0; i < count; i++) {
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u ", sel[i]);
    }
    EXPECT_STR(got, rows);
    EXPECT_EQ(failures.count, failed);
    mr_eval_close(eval);
}

TEST(eval, select_keeps_rows_that_are_true) {
    for (make_kind kind = MAKE_FLAT; kind <= MAKE_DICT; kind++) {
        make *m = make_new(kind);
        expect_selected(m, "b", "0 3 5 ", 0);
        expect_selected(m, "n > 0 AND s = 'abc' AND u = 'x'", "0 ", 0);
        expect_selected(m, "s IN ('abc', '12')", "0 4 5 ", 0);
        expect_selected(m, "true", "0 1 2 3 4 5 ", 0);
        expect_selected(m, "NULL::boolean", "", 0);
        expect_selected(m, "n + 1 > 0", "0 3 5 ", 1);
        expect_selected(m, "s::integer = 12", "4 ", 4);
        make_free(m);
    }
}

TEST(eval, failures_are_listed_in_order) {
    make *m = make_new(MAKE_DICT);
    mr_eval *eval = make_eval(m, "s::integer");
    REQUIRE(eval != NULL);
    mr_vector v;
    mr_eval_failures failures;
    for (int round = 0; round < 2; round++) {  // Remembered the second time.
        EXPECT_OK(mr_eval_vector(eval, &m->batch, &v, &failures, &m->cx));
        REQUIRE(failures.count == 4);
        EXPECT_EQ(failures.rows[0], 0);
        EXPECT_EQ(failures.rows[1], 1);
        EXPECT_EQ(failures.rows[2], 3);
        EXPECT_EQ(failures.rows[3], 5);
        EXPECT_STR(failures.reasons[3], "expression: cannot cast \"abc\" to integer");
    }
    mr_eval_close(eval);
    make_free(m);
}

TEST(eval, an_impossible_cast_does_not_compile) {
    make *m = make_new(MAKE_FLAT);
    mr_expr *arg = mr_expr_column(&m->arena, &m->schema, 5, MR_NOWHERE);
    mr_expr *cast = mr_expr_new(&m->arena, MR_EXPR_CAST, MR_TYPE(MR_DATE), MR_NOWHERE);
    cast->args = &arg;
    cast->arg_count = 1;
    mr_eval *eval;
    EXPECT_EQ(mr_eval_compile(cast, &m->schema, &m->env, &eval, &m->cx), MR_E_TYPE);
    EXPECT_STR(m->cx.error.text, "cannot cast type boolean to date");
    make_free(m);
}
