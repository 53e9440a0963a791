// Lake: queries over the tables that sinks wrote, what is refused, and how results are written.

#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn/conn.h"
#include "lake/lake.h"
#include "lake/output.h"
#include "plat/plat_ops.h"
#include "store/catalog.h"

typedef struct rig {
    mr_arena arena;
    mr_cx cx;
    char dir[64];
    mr_column columns[5];
    mr_schema schema;
    mr_lake *lake;
} rig;

static void rig_init(rig *r) {
    memset(r, 0, sizeof(*r));
    mr_cx_init(&r->cx, &r->arena, mr_plat_linux());
    memcpy(r->dir, "/tmp/millrace-lake-XXXXXX", sizeof("/tmp/millrace-lake-XXXXXX"));
    if (mkdtemp(r->dir) == NULL) {
        abort();
    }
    r->columns[0] = (mr_column){.name = "id", .type = MR_TYPE(MR_INT32)};
    r->columns[1] = (mr_column){.name = "country", .type = MR_TYPE(MR_TEXT)};
    r->columns[2] = (mr_column){.name = "amount", .type = MR_TYPE(MR_FLOAT64)};
    r->columns[3] = (mr_column){.name = "at", .type = MR_TYPE(MR_TIMESTAMPTZ)};
    r->columns[4] = (mr_column){.name = "day", .type = MR_TYPE(MR_DATE)};
    r->schema = (mr_schema){r->columns, 5};
}

static void rig_release(rig *r) {
    mr_lake_close(r->lake);
    (void)!mr_dir_delete(r->dir, &r->cx);
    mr_arena_release(&r->arena);
}

static const char *const countries[] = {"IN", NULL, "NULL", "a/b=c% 'd'", "null", "a+b", "007"};

// Rows 0 .. count-1; row i: id i, a country in turn, amount i / 4 (NULL for the third), time, date.
static mr_batch rows_of(rig *r, uint32_t count) {
    mr_batch batch = mr_batch_new(&r->arena, 5, count);
    for (uint32_t c = 0; c < 5; c++) {
        batch.columns[c] = mr_vector_flat(&r->arena, r->columns[c].type, count);
    }
    uint64_t *valid = mr_vector_own_valid(&batch.columns[1], &r->arena, count);
    uint64_t *amounts = mr_vector_own_valid(&batch.columns[2], &r->arena, count);
    for (uint32_t i = 0; i < count; i++) {
        const char *country = countries[i % MR_COUNT(countries)];
        batch.columns[0].int32s[i] = (int32_t)i;
        mr_bits_put(valid, i, country != NULL);
        country = country == NULL ? "" : country;
        batch.columns[1].strs[i] = (mr_str){.data = country, .bytes = (uint32_t)strlen(country)};
        batch.columns[2].float64s[i] = i / 4.0;
        mr_bits_put(amounts, i, i != 2);
        batch.columns[3].int64s[i] = 1767225600000000 + (int64_t)i * 1500000;
        batch.columns[4].int32s[i] = 20454 + (int32_t)i;
    }
    return batch;
}

// Writes one epoch with a real sink and enters the table.
static void write_table(rig *r, const mr_sink_type *type, const char *name, uint64_t epoch) {
    mr_option_value option = {"partition_by", "country", MR_NOWHERE};
    mr_option_values values = {.items = &option, .count = 1};
    mr_sink_spec spec = {.table = name,
                         .pipeline = "p",
                         .schema = &r->schema,
                         .options = &values,
                         .data_dir = r->dir};
    mr_sink *sink = mr_heap_alloc(type->size);
    sink->type = type;
    REQUIRE_OK(type->open(sink, &spec, &r->cx));
    mr_publication_id id = {"p", 1, epoch, 0};
    mr_batch batch = rows_of(r, MR_COUNT(countries));
    mr_publication publication;
    EXPECT_OK(type->begin(sink, &id, &r->cx));
    EXPECT_OK(type->write(sink, &batch, &r->cx));
    EXPECT_OK(type->prepare(sink, &publication, &r->cx));
    EXPECT_OK(type->publish(sink, &publication, &r->cx));
    mr_catalog_column columns[5];
    for (uint32_t c = 0; c < 5; c++) {
        columns[c] = (mr_catalog_column){r->columns[c].name, mr_type_name(r->columns[c].type)};
    }
    mr_catalog_table table = {name, type->format, sink->path, "p", "country", columns, 5};
    EXPECT_OK(mr_catalog_register(r->dir, &table, &r->cx));
    type->close(sink);
    mr_heap_free(sink);
}

static mr_code rig_open(rig *r) {
    mr_lake_close(r->lake);
    r->lake = NULL;
    mr_lake_options options = {.data_dir = r->dir, .threads = 1, .zone_name = "Asia/Kolkata"};
    mr_code code = mr_lake_open(&options, &r->lake, &r->cx);
    EXPECT_STR(code == MR_OK ? "" : r->cx.error.text, "");
    return code;
}

static const char *query(rig *r, mr_output_format format, const char *sql) {
    mr_output output = {format, mr_arena_printf(&r->arena, "%s/out", r->dir)};
    uint64_t rows;
    if (mr_output_query(r->lake, sql, &output, &rows, &r->cx) != MR_OK) {
        return r->cx.error.text;
    }
    mr_span text;
    return mr_file_load(output.path, 1 << 20, &text, &r->cx) == MR_OK ? text.data : "no file";
}

static void check_table(rig *r, const mr_sink_type *type) {
    write_table(r, type, "t", 1);
    REQUIRE_OK(rig_open(r));
    EXPECT_STR(query(r, MR_OUTPUT_CSV, "SELECT * FROM t ORDER BY id;  -- all"),
               "id,country,amount,at,day\n"
               "0,IN,0.0,2026-01-01 05:30:00+05:30,2026-01-01\n"
               "1,,0.25,2026-01-01 05:30:01.5+05:30,2026-01-02\n"
               "2,NULL,,2026-01-01 05:30:03+05:30,2026-01-03\n"
               "3,a/b=c% 'd',0.75,2026-01-01 05:30:04.5+05:30,2026-01-04\n"
               "4,null,1.0,2026-01-01 05:30:06+05:30,2026-01-05\n"
               "5,a+b,1.25,2026-01-01 05:30:07.5+05:30,2026-01-06\n"
               "6,007,1.5,2026-01-01 05:30:09+05:30,2026-01-07\n");
}

TEST(lake, reads_what_the_parquet_sink_wrote) {
    rig r;
    rig_init(&r);
    check_table(&r, &mr_sink_parquet);
    rig_release(&r);
}

TEST(lake, reads_what_the_jsonl_sink_wrote) {
    rig r;
    rig_init(&r);
    check_table(&r, &mr_sink_jsonl);
    rig_release(&r);
}

TEST(lake, shows_whole_epochs_and_empty_tables) {
    rig r;
    rig_init(&r);
    write_table(&r, &mr_sink_parquet, "t", 1);
    write_table(&r, &mr_sink_parquet, "t", 2);
    const char *state = mr_arena_printf(&r.arena, "%s/state/p", r.dir);
    EXPECT_OK(mr_dir_make(state, &r.cx));
    static const char *const counts[] = {"n\n0\n", "n\n7\n", "n\n14\n"};
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        EXPECT_OK(mr_catalog_set_published(state, 1, epoch, &r.cx));
        REQUIRE_OK(rig_open(&r));
        EXPECT_STR(query(&r, MR_OUTPUT_CSV, "SELECT count(*) AS n FROM t"), counts[epoch]);
    }
    EXPECT_OK(mr_catalog_set_published(state, 1, 0, &r.cx));
    REQUIRE_OK(rig_open(&r));
    const char **types;
    uint32_t count;
    REQUIRE_OK(mr_lake_types(r.lake, "SELECT * FROM t", &types, &count, &r.cx));
    EXPECT_EQ(count, 5);
    EXPECT_STR(types[3], "TIMESTAMP WITH TIME ZONE");
    rig_release(&r);
}

TEST(lake, writes_tables_json_and_parquet) {
    rig r;
    rig_init(&r);
    REQUIRE_OK(rig_open(&r));
    const char *sql = "SELECT * FROM (VALUES (1, 'é', 1.50, [1,2]), (20, NULL, NULL, NULL)) "
                      "AS v(id, name, sum, list)";
    EXPECT_STR(query(&r, MR_OUTPUT_TABLE, sql), " id | name |  sum | list   \n"
                                                "----+------+------+--------\n"
                                                "  1 | é    | 1.50 | [1, 2] \n"
                                                " 20 | NULL | NULL | NULL   \n"
                                                "(2 rows)\n");
    EXPECT_STR(query(&r, MR_OUTPUT_JSON, sql),
               "{\"id\":1,\"name\":\"é\",\"sum\":1.5,\"list\":[1,2]}\n"
               "{\"id\":20,\"name\":null,\"sum\":null,\"list\":null}\n");
    EXPECT_STR(query(&r, MR_OUTPUT_CSV, "SELECT 'a\"b,c' AS \"x y\", '' AS e, NULL AS n"),
               "x y,e,n\n\"a\"\"b,c\",\"\",\n");
    EXPECT(memcmp(query(&r, MR_OUTPUT_PARQUET, "SELECT 42 AS a"), "PAR1", 4) == 0);
    mr_column column = {.name = "a", .type = MR_TYPE(MR_INT64)};
    mr_schema schema = {&column, 1};
    mr_rows rows;
    mr_rows_init(&rows, &schema);
    EXPECT_OK(mr_lake_load("parquet", mr_arena_printf(&r.arena, "%s/out", r.dir), &rows, &r.cx));
    EXPECT_EQ(rows.row_count, 1);
    EXPECT_EQ(*(int64_t *)(void *)rows.columns[0].values, 42);
    mr_rows_release(&rows);
    EXPECT_STR(query(&r, MR_OUTPUT_CSV, "SELECT ';--' AS \"a;\" /* ; */ ; -- ;\n /* x */"),
               "a;\n;--\n");
    EXPECT(strstr(query(&r, MR_OUTPUT_TABLE, "EXPLAIN SELECT 1"), "explain_key") != NULL);
    EXPECT(strstr(query(&r, MR_OUTPUT_TABLE, "DESCRIBE SELECT 1 AS a"), "INTEGER") != NULL);
    rig_release(&r);
}

TEST(lake, only_reads_and_only_what_it_may) {
    rig r;
    rig_init(&r);
    REQUIRE_OK(rig_open(&r));
    static const struct {
        const char *sql;
        mr_code code;
    } wrong[] = {
        {"SELEC 1", MR_E_SYNTAX},
        {"SELECT nothing FROM (SELECT 1 AS a)", MR_E_NAME},
        {"SELECT * FROM no_table", MR_E_NAME},
        {"SELECT 1; SELECT 2", MR_E_UNSUPPORTED},
        {"", MR_E_SYNTAX},
        {"COPY (SELECT 1) TO 'x.parquet'", MR_E_PERMISSION},
        {"CREATE TABLE t (a int)", MR_E_PERMISSION},
        {"ATTACH 'x.db'", MR_E_PERMISSION},
        {"SET enable_external_access = true", MR_E_PERMISSION},
        {"SELECT * FROM read_text('/etc/hostname')", MR_E_PERMISSION},
        {"SELECT 'x'::int", MR_E_VALUE},
    };
    for (size_t i = 0; i < MR_COUNT(wrong); i++) {
        mr_output output = {MR_OUTPUT_CSV, mr_arena_printf(&r.arena, "%s/out", r.dir)};
        uint64_t rows;
        EXPECT_EQ(mr_output_query(r.lake, wrong[i].sql, &output, &rows, &r.cx), wrong[i].code);
        EXPECT(!mr_file_exists(output.path, &r.cx));
        EXPECT(strchr(r.cx.error.text, '\n') == NULL);
    }
    rig_release(&r);
}

TEST(lake, gives_typed_rows) {
    rig r;
    rig_init(&r);
    const char *path = mr_arena_printf(&r.arena, "%s/dim.json", r.dir);
    EXPECT_OK(mr_file_save(path,
                           MR_SPAN("{\"id\":7,\"country\":\"a country with a long name\",\"x\":1}\n"
                                   "{\"id\":8,\"amount\":1.5,\"at\":\"2026-01-01T00:00:00Z\","
                                   "\"day\":\"2026-01-02\"}\n"),
                           &r.cx));
    mr_rows rows;
    mr_rows_init(&rows, &r.schema);
    REQUIRE_OK(mr_lake_load("json", path, &rows, &r.cx));
    EXPECT_EQ(rows.row_count, 2);
    mr_batch batch;
    mr_rows_batch(&rows, 0, 2, &r.arena, &batch);
    mr_text text = {.arena = &r.arena};
    for (uint32_t row = 0; row < 2; row++) {
        for (uint32_t c = 0; c < 5; c++) {
            mr_text_add_char(&text, '|');
            if (!mr_vector_is_null(&batch.columns[c], row)) {
                mr_vector_print(&batch.columns[c], row, NULL, &text);
            }
        }
    }
    EXPECT_STR(mr_text_string(&text),
               "|7|a country with a long name||||8||1.5|2026-01-01 00:00:00+00|2026-01-02");
    mr_rows_clear(&rows);
    EXPECT_EQ(mr_lake_load("json", mr_arena_printf(&r.arena, "%s/no.json", r.dir), &rows, &r.cx),
              MR_E_IO);
    mr_rows_release(&rows);
    rig_release(&r);
}

TEST(lake, says_when_duckdb_is_missing) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    setenv("MILLRACE_DUCKDB", "/nowhere/libduckdb.so", 1);
    mr_lake *lake;
    mr_lake_options options = {0};
    EXPECT_EQ(mr_lake_open(&options, &lake, &cx), MR_E_MISSING);
    unsetenv("MILLRACE_DUCKDB");
    EXPECT(strstr(cx.error.text, "cannot load DuckDB") != NULL);
    EXPECT(strstr(cx.error.hint, "scripts/setup") != NULL);
    mr_arena_release(&arena);
}

TEST(lake, writes_parquet_outside_of_the_lake_when_told) {
    rig r, out;
    rig_init(&r);
    rig_init(&out);
    mr_output output = {MR_OUTPUT_PARQUET, mr_arena_printf(&r.arena, "%s/x.parquet", out.dir)};
    uint64_t rows = 0;
    REQUIRE_OK(rig_open(&r));
    EXPECT_EQ(mr_output_query(r.lake, "SELECT 1 AS a", &output, &rows, &r.cx), MR_E_PERMISSION);
    mr_lake_close(r.lake);
    mr_lake_options options = {.data_dir = r.dir, .also_file = mr_output_part(&output, &r.cx)};
    REQUIRE_OK(mr_lake_open(&options, &r.lake, &r.cx));
    EXPECT_OK(mr_output_query(r.lake, "SELECT * FROM range(3)", &output, &rows, &r.cx));
    EXPECT_EQ(rows, 3);
    EXPECT(mr_file_exists(output.path, &r.cx));
    output.path = NULL;
    EXPECT_EQ(mr_output_query(r.lake, "SELECT 1", &output, &rows, &r.cx), MR_E_OPTION);
    rig_release(&out);
    rig_release(&r);
}

static char synced_dir[64];

static int note_dir_sync(mr_plat *plat, const char *path) {
    (void)plat;
    snprintf(synced_dir, sizeof(synced_dir), "%s", path);
    return mr_plat_linux()->ops->dir_sync(mr_plat_linux(), path);
}

TEST(lake, a_file_that_was_written_is_there_after_a_power_cut) {
    rig r;
    rig_init(&r);
    mr_plat_ops ops = *mr_plat_linux()->ops;
    mr_plat plat = {.ops = &ops};
    ops.dir_sync = note_dir_sync;
    mr_output output = {MR_OUTPUT_CSV, mr_arena_printf(&r.arena, "%s/x.csv", r.dir)};
    uint64_t rows = 0;
    REQUIRE_OK(rig_open(&r));
    r.cx.plat = &plat;
    EXPECT_OK(mr_output_query(r.lake, "SELECT 1 AS a", &output, &rows, &r.cx));
    EXPECT_STR(synced_dir, r.dir);
    rig_release(&r);
}
