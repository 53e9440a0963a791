// The function table: every example binds to its own row, and what the table says of a row holds.

#include "sql/function.h"

#include <string.h>

#include "fake.h"
#include "runner.h"

#define TABLES                                                                  \
    "CREATE TYPE pair AS (a int, b text);"                                      \
    "CREATE SERVER g FOREIGN DATA WRAPPER generator;"                           \
    "CREATE SERVER c FOREIGN DATA WRAPPER console;"                             \
    "CREATE FOREIGN TABLE t (x %s, y double precision, n numeric(9,2), s text," \
    "ts timestamptz OPTIONS (watermark '1 s')) SERVER g;"                       \
    "CREATE FOREIGN TABLE o () SERVER c;"
#define HEAD TABLES "INSERT INTO o SELECT CAST(%s AS text) AS value "

// The plan of a text, or NULL after printing what was wrong.
static mr_pipeline *plan(mr_arena *arena, const char *text) {
    mr_cx cx;
    mr_cx_init(&cx, arena, /* plat= */ NULL);
    mr_pipeline *pipeline = NULL;
    mr_sql_errors errors;
    if (mr_plan_make(mr_span_of(text), &fake_env, &pipeline, &errors, &cx) == MR_OK) {
        return pipeline;
    }
    mr_text out;
    mr_text_init(&out, arena);
    fake_print_errors(&errors, &out);
    EXPECT_STR(mr_text_string(&out), "");
    return NULL;
}

static bool calls(const mr_expr *expr, mr_fn_id fn) {
    bool found = expr->kind == MR_EXPR_CALL && expr->fn == fn;
    for (uint32_t i = 0; i < expr->arg_count && !found; i++) {
        found = calls(expr->args[i], fn);
    }
    return found;
}

// Every call's arguments have the types of its row: the binder inserted the casts.
static bool has_types(const mr_expr *expr) {
    bool right = true;
    if (expr->kind == MR_EXPR_CALL) {
        const mr_fn_row *row = &mr_function_table[expr->fn];
        right = row->result == MR_TYPE_COUNT || expr->type.id == row->result;
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            mr_type_id wanted = row->args[MR_MIN(i, row->arg_count - 1)];
            right = right && (wanted == MR_TYPE_COUNT || expr->args[i]->type.id == wanted);
        }
    }
    for (uint32_t i = 0; i < expr->arg_count && right; i++) {
        right = has_types(expr->args[i]);
    }
    return right;
}

TEST(sql_function, examples_bind_to_their_own_row) {
    for (uint32_t i = 0; i < MR_FN_ID_COUNT; i++) {
        const mr_fn_row *row = &mr_function_table[i];
        mr_arena arena;
        mr_arena_init(&arena);
        const char *text = mr_arena_printf(&arena, HEAD "FROM t", "int", row->example);
        const mr_pipeline *pipeline = plan(&arena, text);
        if (EXPECT(pipeline != NULL)) {
            const mr_expr *expr = pipeline->inserts[0].root->project.exprs[0];
            EXPECT(calls(expr, (mr_fn_id)i));
            EXPECT(has_types(expr));
            if (!calls(expr, (mr_fn_id)i)) {
                EXPECT_STR(row->id, row->example);
            }
        }
        mr_arena_release(&arena);
    }
}

TEST(sql_function, examples_of_aggregates_bind_to_their_own_row) {
    for (uint32_t i = 0; i < MR_AGG_ID_COUNT; i++) {
        const mr_agg_row *row = &mr_function_aggregates[i];
        mr_arena arena;
        mr_arena_init(&arena);
        bool whole = row->arg == MR_INT64 || row->arg == MR_BOOL;
        const char *text = mr_arena_printf(
            &arena,
            TABLES "INSERT INTO o SELECT %s AS value FROM tumble(t, ts, '1 minute') "
                   "GROUP BY window_start",
            whole ? "bigint" : "double precision", row->example);
        const mr_pipeline *pipeline = plan(&arena, text);
        if (EXPECT(pipeline != NULL)) {
            const mr_plan *aggregate = pipeline->inserts[0].root->input;
            EXPECT_EQ(aggregate->kind, MR_PLAN_AGGREGATE);
            EXPECT_EQ(aggregate->aggregate.calls[0].fn, (mr_agg_id)i);
        }
        mr_arena_release(&arena);
    }
}

TEST(sql_function, rows_are_complete) {
    for (uint32_t i = 0; i < MR_FN_ID_COUNT; i++) {
        const mr_fn_row *row = &mr_function_table[i];
        EXPECT(row->arg_count > 0);
        EXPECT(strlen(row->doc) > 3 && strlen(row->example) > 2);
        EXPECT(row->result != MR_NULLTYPE);
        for (uint32_t k = i + 1; k < MR_FN_ID_COUNT; k++) {  // No two rows with one signature.
            const mr_fn_row *other = &mr_function_table[k];
            EXPECT(strcmp(row->name, other->name) != 0 ||
                   memcmp(row->args, other->args, sizeof(row->args)) != 0);
        }
    }
}
