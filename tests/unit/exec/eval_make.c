// Eval's tests: what eval_make.h promises.

#include "eval_make.h"

#include "runner.h"
#include "sql/bind.h"
#include "sql/parse.h"

#define ROWS     6
#define NULL_ROW 2

static void put(make *m, uint32_t column, const char *name, mr_type_id type, const void *values) {
    size_t bytes = mr_type_bytes(MR_TYPE(type));
    m->schema.columns[column] = (mr_column){.name = name, .type = MR_TYPE(type)};
    mr_vector v = mr_vector_flat(&m->arena, MR_TYPE(type), ROWS);
    memcpy(v.data, values, bytes * ROWS);
    if (name[0] != 'u') {
        mr_bits_clear(mr_vector_own_valid(&v, &m->arena, ROWS), NULL_ROW);
    } else {
        mr_bits_clear(mr_vector_own_valid(&v, &m->arena, ROWS), 3);
    }
    m->columns[column] = v;
}

static void to_kind(make *m, mr_vector *v, make_kind kind) {
    if (kind == MAKE_CONST) {
        v->kind = MR_CONST;  // Of the first row.
    } else if (kind == MAKE_DICT && v->type.id == MR_TEXT) {
        mr_vector coded = {.type = v->type, .kind = MR_DICT, .valid = v->valid, .dict = m->dict};
        coded.codes = MR_NEW_ARRAY(&m->arena, uint32_t, ROWS);
        for (uint32_t row = 0; row < ROWS; row++) {
            if (!mr_vector_is_null(v, row)) {
                EXPECT(mr_dict_code(m->dict, v->strs[row], &coded.codes[row]));
            }
        }
        *v = coded;
    }
}

make *make_new(make_kind kind) {
    static const int32_t n[ROWS] = {1, -2, 0, 0, INT32_MAX, 7}, d[ROWS] = {0, 1, 0, 365, 20000, -1};
    static const int64_t k[ROWS] = {10, -20, 0, 0, INT64_MAX, 70};
    static const double x[ROWS] = {1.5, -0.5, 0, 0, (double)__builtin_nanf(""), 1e300};
    static const uint8_t b[ROWS] = {1, 0, 0, 1, 0, 1};
    static const mr_str s[ROWS] = {{"abc", 3, 0},
                                   {" \xC3\x89"
                                    "a ",
                                    5, 0},
                                   {"", 0, 0},
                                   {"", 0, 0},
                                   {"12", 2, 0},
                                   {"abc", 3, 0}};
    static const mr_str u[ROWS] = {{"x", 1, 0}, {"b", 1, 0},   {"c", 1, 0},
                                   {"", 0, 0},  {"abc", 3, 0}, {"abc", 3, 0}};
    make *m = mr_heap_alloc(sizeof(*m));
    mr_cx_init(&m->cx, &m->arena, /* plat= */ NULL);
    m->dict = mr_dict_new();
    m->schema = (mr_schema){.columns = MR_NEW_ARRAY(&m->arena, mr_column, 8), .count = 8};
    int64_t t[ROWS];
    for (uint32_t row = 0; row < ROWS; row++) {
        t[row] = d[row] * MR_DAY_US;
    }
    put(m, 0, "n", MR_INT32, n);
    put(m, 1, "k", MR_INT64, k);
    put(m, 2, "x", MR_FLOAT64, x);
    put(m, 3, "s", MR_TEXT, s);
    put(m, 4, "u", MR_TEXT, u);
    put(m, 5, "b", MR_BOOL, b);
    put(m, 6, "t", MR_TIMESTAMPTZ, t);
    put(m, 7, "d", MR_DATE, d);
    m->batch = mr_batch_new(&m->arena, 8, ROWS);
    for (uint32_t c = 0; c < 8; c++) {
        to_kind(m, &m->columns[c], kind);
        m->batch.columns[c] = m->columns[c];
    }
    m->env.now_us = 1000000;
    return m;
}

void make_free(make *m) {
    mr_dict_unref(m->dict);
    mr_arena_release(&m->arena);
    mr_heap_free(m);
}

static const char *no_variable(void *self, const char *name) {
    (void)self, (void)name;
    return NULL;
}

static mr_code bind(make *m, const char *expression, mr_expr **ret) {
    static const mr_sql_env env = {.variable = no_variable};
    mr_sql_errors errors = {0};
    mr_pipeline *pipeline = MR_NEW(&m->arena, mr_pipeline);
    pipeline->arena = &m->arena;
    mr_session s = {.env = &env,
                    .cx = &m->cx,
                    .pipeline = pipeline,
                    .file = "test",
                    .rules = {.ttl_us = -1},
                    .errors = &errors};
    mr_map_init(&s.servers, &m->arena);
    mr_map_init(&s.objects, &m->arena);
    mr_map_init(&s.functions, &m->arena);
    mr_map_init(&s.types, &m->arena);
    mr_parse_statement *list = NULL;
    uint32_t count = 0;
    MR_TRY(mr_parse_expand(&s, mr_span_of(mr_arena_printf(&m->arena, "SELECT (%s)", expression))));
    MR_TRY(mr_parse_statements(&s, &list, &count));
    mr_scope_table *table = MR_NEW(&m->arena, mr_scope_table);
    table->name = "t";
    table->columns = MR_NEW_ARRAY(&m->arena, mr_scope_column, m->schema.count);
    table->column_count = m->schema.count;
    for (uint32_t c = 0; c < m->schema.count; c++) {
        table->columns[c] = (mr_scope_column){.name = m->schema.columns[c].name, .column = c};
    }
    mr_scope scope = {.schema = &m->schema, .tables = table, .table_count = 1};
    mr_bind b = {.s = &s, .scope = &scope, .clause = "a test"};
    s.base = list[0].base;
    return mr_bind_expr(&b, list[0].node->select_stmt->target_list[0]->res_target->val, ret);
}

mr_eval *make_eval(make *m, const char *expression) {
    mr_expr *expr;
    mr_eval *eval;
    if (bind(m, expression, &expr) != MR_OK ||
        mr_eval_compile(expr, &m->schema, &m->env, &eval, &m->cx) != MR_OK) {
        return NULL;
    }
    return eval;
}

const char *make_run(make *m, mr_eval *eval, const uint32_t *sel, uint32_t sel_count) {
    mr_batch in = m->batch;
    in.sel = sel;
    in.sel_count = sel != NULL ? sel_count : in.rows;
    mr_vector v;
    mr_eval_failures failures;
    EXPECT_OK(mr_eval_vector(eval, &in, &v, &failures, &m->cx));
    mr_text out;
    mr_text_init(&out, &m->arena);
    for (uint32_t i = 0; i < in.sel_count; i++) {
        uint32_t row = mr_batch_row(&in, i);
        const char *reason = NULL;
        for (uint32_t f = 0; f < failures.count; f++) {
            reason = failures.rows[f] == row ? failures.reasons[f] : reason;
        }
        mr_text_add(&out, i == 0 ? "" : "|");
        if (reason != NULL) {
            mr_text_addf(&out, "!%s", reason);
        } else if (v.type.id == MR_NULLTYPE || mr_vector_is_null(&v, row)) {
            mr_text_add(&out, "NULL");
        } else {
            mr_vector_print(&v, row, m->env.zone, &out);
        }
    }
    return mr_text_string(&out);
}

const char *make_text(make *m, const char *expression) {
    mr_eval *eval = make_eval(m, expression);
    if (!EXPECT(eval != NULL)) {
        return m->cx.error.text;
    }
    const char *text = make_run(m, eval, NULL, 0);
    mr_eval_close(eval);
    return text;
}

void make_expect(const make_answer *answers, size_t count) {
    make *m = make_new(MAKE_FLAT);
    uint32_t first[] = {0};
    for (size_t i = 0; i < count; i++) {
        mr_eval *eval = make_eval(m, answers[i].expression);
        if (!EXPECT(eval != NULL)) {
            EXPECT_STR(m->cx.error.text, answers[i].expression);
            continue;
        }
        const char *value = make_run(m, eval, first, 1);
        if (!EXPECT_STR(value, answers[i].value)) {
            EXPECT_STR(answers[i].expression, "gives this");
        }
        mr_eval_close(eval);
    }
    make_free(m);
}
