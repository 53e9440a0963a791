// Reference: the lists of functions in docs/sql.md are those of the function table, with what each
// example gives.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/eval.h"
#include "fake.h"
#include "runner.h"

#define PAGE  "docs/sql.md"
#define BEGIN "<!-- functions: made from the function table; UPDATE=1 make unit T=reference -->\n"
#define END   "<!-- end of functions -->\n"
#define NOW   1767225600000000  // 2026-01-01 00:00:00 UTC

#define TABLES                                                                           \
    "CREATE SERVER g FOREIGN DATA WRAPPER generator;"                                    \
    "CREATE SERVER c FOREIGN DATA WRAPPER console;"                                      \
    "CREATE FOREIGN TABLE t (x int, ts timestamptz OPTIONS (watermark '1 s')) SERVER g;" \
    "CREATE FOREIGN TABLE o () SERVER c; INSERT INTO o SELECT CAST(%s AS text) AS value FROM t"

#define ID(id, ...) MR_FN_##id,
static const mr_fn_id numbers[] = {MR_FUNCTIONS_NUMBER(ID) MR_FUNCTIONS_NUMERIC(ID)};
static const mr_fn_id math[] = {MR_FUNCTIONS_MATH(ID)};
static const mr_fn_id texts[] = {MR_FUNCTIONS_TEXT(ID) MR_FUNCTIONS_STRING(ID)};
static const mr_fn_id regexes[] = {MR_FUNCTIONS_REGEX(ID)};
static const mr_fn_id times[] = {MR_FUNCTIONS_TIME(ID) MR_FUNCTIONS_FORMAT(ID)};
static const mr_fn_id json[] = {MR_FUNCTIONS_JSON(ID)};
static const mr_fn_id nested[] = {MR_FUNCTIONS_NESTED(ID)};
#undef ID

static const struct {
    const char *title;
    const mr_fn_id *rows;
    size_t count;
} families[] = {
    {"Arithmetic, greatest and least", numbers, MR_COUNT(numbers)},
    {"Mathematics and bits", math, MR_COUNT(math)},
    {"Text and bytes", texts, MR_COUNT(texts)},
    {"Regular expressions", regexes, MR_COUNT(regexes)},
    {"Dates, times and intervals", times, MR_COUNT(times)},
    {"JSON", json, MR_COUNT(json)},
    {"Lists and structs", nested, MR_COUNT(nested)},
};

// Text for a cell: a bar would end it.
static void add_cell(mr_text *out, const char *text) {
    for (; *text != '\0'; text++) {
        mr_text_add(out, *text == '|' ? "\\" : "");
        mr_text_add_char(out, *text == '\n' ? ' ' : *text);
    }
}

static void add_code(mr_text *out, const char *text) {
    const char *fence = strchr(text, '`') != NULL ? "``" : "`";
    mr_text_add(out, fence);
    add_cell(out, text);
    mr_text_add(out, fence);
}

// Runs an example over one row; appends the value.
static void add_value(const char *example, mr_text *out) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    mr_pipeline *pipeline = NULL;
    mr_sql_errors errors;
    const char *text = mr_arena_printf(&arena, TABLES, example);
    mr_eval *eval = NULL;
    mr_eval_env env = {.now_us = NOW};
    if (EXPECT_OK(mr_plan_make(mr_span_of(text), &fake_env, &pipeline, &errors, &cx)) &&
        EXPECT_OK(mr_eval_compile(pipeline->inserts[0].root->project.exprs[0],
                                  pipeline->inserts[0].root->input->schema, &env, &eval, &cx))) {
        uint32_t columns = pipeline->inserts[0].root->input->schema->count;
        mr_batch in = mr_batch_new(&arena, columns, 1);
        for (uint32_t c = 0; c < columns; c++) {
            in.columns[c] =
                mr_vector_null(&arena, pipeline->inserts[0].root->input->schema->columns[c].type);
        }
        mr_vector value;
        mr_eval_failures failures;
        EXPECT_OK(mr_eval_vector(eval, &in, &value, &failures, &cx));
        EXPECT_EQ(failures.count, 0);
        mr_text printed;
        mr_text_init(&printed, &arena);
        mr_vector_print(&value, 0, /* zone= */ NULL, &printed);
        bool null = mr_vector_is_null(&value, 0);
        add_code(out, null ? "NULL" : printed.bytes == 0 ? " " : mr_text_string(&printed));
    }
    mr_eval_close(eval);
    mr_arena_release(&arena);
}

static const char *type_word(mr_type_id id) {
    return id == MR_TYPE_COUNT ? "any" : id == MR_NULLTYPE ? "as x" : mr_type_name(MR_TYPE(id));
}

static void add_signature(mr_text *out, const mr_fn_row *row) {
    mr_text call = {.data = NULL};
    bool sign = strchr("+-*/%|~&<>=!^#@", row->name[0]) != NULL;
    mr_text_addf(&call, sign ? "%s" : "%s(", sign && row->arg_count > 1 ? "" : row->name);
    for (uint32_t i = 0; i < row->arg_count; i++) {
        if (i > 0) {
            mr_text_addf(&call, sign ? " %s " : "%s ", sign ? row->name : ",");
        }
        mr_text_add(&call, type_word(row->args[i]));
    }
    mr_text_add(&call, (row->flags & MR_FN_VARIADIC) != 0 ? ", …" : "");
    mr_text_add(&call, sign ? "" : ")");
    add_code(out, mr_text_string(&call));
    mr_text_addf(out, " → %s", type_word(row->result));
    mr_text_release(&call);
}

static void add_lists(mr_text *out) {
    for (size_t f = 0; f < MR_COUNT(families); f++) {
        if (families[f].count == 0) {
            continue;
        }
        mr_text_addf(out, "\n### %s\n\n| call | what | example | gives |\n|---|---|---|---|\n",
                     families[f].title);
        for (size_t i = 0; i < families[f].count; i++) {
            const mr_fn_row *row = &mr_function_table[families[f].rows[i]];
            mr_text_add(out, "| ");
            add_signature(out, row);
            mr_text_add(out, " | ");
            add_cell(out, row->doc);
            mr_text_add(out, " | ");
            add_code(out, row->example);
            mr_text_add(out, " | ");
            add_value(row->example, out);
            mr_text_add(out, " |\n");
        }
    }
    mr_text_add(out, "\n### Aggregates\n\n| call | gives | what |\n|---|---|---|\n");
    for (uint32_t i = 0; i < MR_AGG_ID_COUNT; i++) {
        const mr_agg_row *row = &mr_function_aggregates[i];
        mr_text_add(out, "| ");
        add_code(out, row->example);
        mr_text_addf(out, " | %s | ", type_word(row->result));
        add_cell(out, row->doc);
        mr_text_add(out, " |\n");
    }
    mr_text_add_char(out, '\n');
}

static char *load_page(void) {
    FILE *file = fopen(PAGE, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *text = calloc(1, 1 << 20);
    size_t bytes = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    text[bytes] = '\0';
    return text;
}

TEST(reference, the_page_lists_the_function_table) {
    char *page = load_page();
    REQUIRE(page != NULL);
    char *begin = strstr(page, BEGIN);
    char *end = strstr(page, END);
    REQUIRE(begin != NULL && end != NULL);
    mr_text out = {.data = NULL};
    mr_text_add_bytes(&out, page, (size_t)(begin - page) + strlen(BEGIN));
    add_lists(&out);
    mr_text_add(&out, end);
    const char *update = getenv("UPDATE");
    if (update != NULL && update[0] != '\0') {
        FILE *file = fopen(PAGE, "wb");
        REQUIRE(file != NULL);
        fwrite(out.data, 1, out.bytes, file);
        fclose(file);
    } else if (!EXPECT(strcmp(page, mr_text_string(&out)) == 0)) {
        printf("  " PAGE " is not as the function table; UPDATE=1 make unit T=reference\n");
    }
    free(page);
    mr_text_release(&out);
}
