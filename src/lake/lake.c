// Lake: batch SQL over the lake's tables, through DuckDB; see lake.h.

#include "lake/lake.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "lake/convert.h"
#include "lake/duck.h"
#include "lake/quoted.h"
#include "lake/view.h"
#include "plat/plat.h"

#define AGAIN_MAX 50  // Tries of a query whose tables are rewritten while it begins.

struct mr_lake {
    mr_duck duck;
    duckdb_database database;
    duckdb_connection connection;
    uint32_t kept;   // Results of mr_lake_keep.
    char *data_dir;  // Heap; NULL: no catalogue.
    uint64_t shape;  // Of the views over its tables, as they are now.
};

// ---- errors ----------------------------------------------------------------------------------

// DuckDB's message: "Binder Error: fact\nadvice\n\nLINE 1: …\n   ^"; advice and line may be
// missing.
static mr_code failed(const char *message, mr_cx *cx) {
    static const struct {
        const char *prefix;
        mr_code code;
    } kinds[] = {
        {"Parser Error: ", MR_E_SYNTAX},         {"Binder Error: ", MR_E_NAME},
        {"Catalog Error: ", MR_E_NAME},          {"Conversion Error: ", MR_E_VALUE},
        {"Permission Error: ", MR_E_PERMISSION}, {"IO Error: ", MR_E_IO},
        {"Out of Memory Error: ", MR_E_LIMIT},   {"Interrupt Error: ", MR_E_CANCELLED},
        {"Invalid Input Error: ", MR_E_VALUE},   {"Not implemented Error: ", MR_E_UNSUPPORTED},
    };
    mr_span text = mr_span_of(message == NULL ? "DuckDB failed without a word" : message);
    mr_code code = MR_E_INTERNAL;
    for (size_t i = 0; i < MR_COUNT(kinds); i++) {
        if (mr_span_starts(text, kinds[i].prefix)) {
            code = kinds[i].code;
            text.data += strlen(kinds[i].prefix);
            text.bytes -= strlen(kinds[i].prefix);
            break;
        }
    }
    const char *end = text.bytes == 0 ? NULL : memchr(text.data, '\n', text.bytes);
    size_t bytes = end == NULL ? text.bytes : (size_t)(end - text.data);
    const char *rest = mr_arena_copy(cx->arena, text.data + bytes, text.bytes - bytes);
    const char *line = strstr(rest, "LINE ");
    mr_span advice = {rest, line == NULL ? strlen(rest) : (size_t)(line - rest)};
    advice = mr_span_trim(advice);
    while (bytes > 0 && strchr("!.", text.data[bytes - 1]) != NULL) {
        bytes--;
    }
    const char *hint =
        advice.bytes == 0 ? NULL : mr_arena_copy(cx->arena, advice.data, advice.bytes);
    static const char *const internals[] = {"\"pg_", "\"pragma_", "\"duckdb_", "\"sqlite_"};
    for (size_t i = 0; i < MR_COUNT(internals) && hint != NULL; i++) {
        if (strstr(hint, internals[i]) != NULL) {  // DuckDB's own tables are not what was meant.
            hint = "SHOW TABLES lists what there is.";
        }
    }
    code = mr_fail(cx, code, hint, "%.*s", (int)bytes, text.data);
    if (line != NULL) {
        code = mr_error_in(cx, code, "line %.*s", (int)strcspn(line + 5, "\n"), line + 5);
    }
    return code;
}

static mr_code run(mr_lake *lake, const char *sql, mr_cx *cx) {
    duckdb_result result;
    mr_code code = MR_OK;
    if (lake->duck.query(lake->connection, sql, &result) != DuckDBSuccess) {
        code = failed(lake->duck.result_error(&result), cx);
    }
    lake->duck.destroy_result(&result);
    return code;
}

// ---- opening ---------------------------------------------------------------------------------

static mr_code open_database(mr_lake *lake, const mr_lake_options *options, mr_cx *cx) {
    const char *threads = mr_arena_printf(cx->arena, "%" PRIu32, options->threads);
    const char *memory = mr_arena_printf(cx->arena, "%" PRIu64 "B", options->memory_bytes);
    const mr_duck_setting settings[] = {
        {"threads", options->threads == 0 ? NULL : threads},
        {"memory_limit", options->memory_bytes == 0 ? NULL : memory},
    };
    MR_TRY(mr_duck_open(&lake->duck, settings, MR_COUNT(settings), &lake->database, cx));
    return lake->duck.connect(lake->database, &lake->connection) == DuckDBSuccess
               ? MR_OK
               : mr_fail(cx, MR_E_INTERNAL, NULL, "cannot connect to DuckDB");
}

static void add_folder(mr_text *list, const char *path) {
    if (path != NULL) {
        mr_text_add(list, list->bytes == 0 ? "" : ", ");
        mr_view_add_literal(list, path);
    }
}

// What may be read from now on; nothing can be set any more.
static mr_code lock_down(mr_lake *lake, const mr_lake_options *options,
                         const mr_catalog_table *tables, uint32_t count, mr_cx *cx) {
    mr_text folders;
    mr_text_init(&folders, cx->arena);
    add_folder(&folders, options->data_dir);
    add_folder(&folders, options->also_read);
    for (uint32_t i = 0; i < count; i++) {
        add_folder(&folders, tables[i].path);
    }
    mr_text sql;
    mr_text_init(&sql, cx->arena);
    mr_text_add(&sql, "SET TimeZone = ");
    mr_view_add_literal(&sql, options->zone_name == NULL ? "UTC" : options->zone_name);
    if (options->also_file != NULL) {
        mr_text_add(&sql, "; SET allowed_paths = [");
        mr_view_add_literal(&sql, options->also_file);
        mr_text_add_char(&sql, ']');
    }
    mr_text_add(&sql,
                "; SET preserve_insertion_order = true; SET autoinstall_known_extensions = false"
                "; SET autoload_known_extensions = false");
    if (!options->any_file) {
        mr_text_addf(&sql, "; SET allowed_directories = [%s]; SET enable_external_access = false",
                     mr_text_string(&folders));
    }
    mr_text_add(&sql, "; SET lock_configuration = true");
    return run(lake, mr_text_string(&sql), cx);
}

// A view binds its files: when one is gone by then, the table was rewritten, and has others.
static mr_code make_view(mr_lake *lake, const mr_catalog_table *table, uint64_t *shape, mr_cx *cx) {
    const char *sql = NULL, *before = "";
    mr_error error = {.code = MR_OK};
    for (uint32_t i = 0; i < AGAIN_MAX; i++, before = sql) {
        MR_TRY(mr_view_sql(lake->data_dir, table, &sql, cx));
        if (i > 0 && strcmp(sql, before) == 0) {
            break;
        }
        if (run(lake, sql, cx) == MR_OK) {
            *shape = mr_hash_bytes(sql, strlen(sql), *shape);
            return MR_OK;
        }
        error = cx->error;
    }
    cx->error = error;
    return mr_error_in(cx, error.code, "table \"%s\"", table->name);
}

static mr_code make_views(mr_lake *lake, const mr_catalog_table *tables, uint32_t count,
                          mr_cx *cx) {
    uint64_t shape = 0;
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(make_view(lake, &tables[i], &shape, cx));
    }
    lake->shape = shape;
    return MR_OK;
}

static mr_code open_all(mr_lake *lake, const mr_lake_options *options, mr_cx *cx) {
    MR_TRY(mr_duck_load(&lake->duck, cx));
    MR_TRY(open_database(lake, options, cx));
    mr_catalog_table *tables = NULL;
    uint32_t count = 0;
    if (options->data_dir != NULL) {
        lake->data_dir = mr_heap_string(options->data_dir);
        MR_TRY(mr_catalog_list(options->data_dir, &tables, &count, cx));
    }
    MR_TRY(lock_down(lake, options, tables, count, cx));
    return make_views(lake, tables, count, cx);
}

// After a failure: whether tables were rewritten meanwhile, so that it is worth another try.
static bool rewritten(mr_lake *lake, mr_cx *cx) {
    mr_error error = cx->error;
    uint64_t before = lake->shape;
    mr_catalog_table *tables;
    uint32_t count;
    bool ret = lake->data_dir != NULL &&
               mr_catalog_list(lake->data_dir, &tables, &count, cx) == MR_OK &&
               make_views(lake, tables, count, cx) == MR_OK && lake->shape != before;
    cx->error = error;
    return ret;
}

mr_code mr_lake_open(const mr_lake_options *options, mr_lake **ret, mr_cx *cx) {
    mr_lake *lake = mr_heap_alloc(sizeof(*lake));
    mr_code code = open_all(lake, options, cx);
    if (code != MR_OK) {
        mr_lake_close(lake);
        return code;
    }
    *ret = lake;
    return MR_OK;
}

void mr_lake_close(mr_lake *lake) {
    if (lake == NULL) {
        return;
    }
    if (lake->connection != NULL) {
        lake->duck.disconnect(&lake->connection);
    }
    if (lake->database != NULL) {
        lake->duck.close(&lake->database);
    }
    mr_heap_free(lake->data_dir);
    mr_heap_free(lake);
}

// ---- statements ------------------------------------------------------------------------------

// Prepares a query. Anything else than one query is refused.
static mr_code prepare_once(mr_lake *lake, const char *sql, duckdb_prepared_statement *ret,
                            mr_cx *cx) {
    mr_duck *duck = &lake->duck;
    duckdb_extracted_statements statements = NULL;
    idx_t count = duck->extract_statements(lake->connection, sql, &statements);
    if (count != 1) {
        const char *reason = statements == NULL ? NULL : duck->extract_statements_error(statements);
        mr_code code = count > 1 ? mr_fail(cx, MR_E_UNSUPPORTED, "Run them one after another.",
                                           "more than one query at a time")
                       : reason == NULL ? mr_fail(cx, MR_E_SYNTAX, NULL, "no query")
                                        : failed(reason, cx);
        duck->destroy_extracted(&statements);
        return code;
    }
    duckdb_prepared_statement statement = NULL;
    mr_code code = MR_OK;
    if (duck->prepare_extracted_statement(lake->connection, statements, 0, &statement) !=
        DuckDBSuccess) {
        code = failed(duck->prepare_error(statement), cx);
    } else {
        duckdb_statement_type type = duck->prepared_statement_type(statement);
        if (type != DUCKDB_STATEMENT_TYPE_SELECT && type != DUCKDB_STATEMENT_TYPE_EXPLAIN &&
            type != DUCKDB_STATEMENT_TYPE_RELATION) {
            code =
                mr_fail(cx, MR_E_PERMISSION, "Tables are written by pipelines; here they are read.",
                        "not a query: only SELECT, DESCRIBE, SHOW and EXPLAIN are run");
        }
    }
    duck->destroy_extracted(&statements);
    if (code != MR_OK) {
        duck->destroy_prepare(&statement);
        return code;
    }
    *ret = statement;
    return MR_OK;
}

static mr_code prepare(mr_lake *lake, const char *sql, duckdb_prepared_statement *ret, mr_cx *cx) {
    mr_code code = prepare_once(lake, sql, ret, cx);
    for (uint32_t i = 0; code != MR_OK && i < AGAIN_MAX && rewritten(lake, cx); i++) {
        code = prepare_once(lake, sql, ret, cx);
    }
    return code;
}

static mr_code schema_of(mr_lake *lake, duckdb_result *result, mr_schema **ret, mr_cx *cx) {
    mr_duck *duck = &lake->duck;
    mr_schema *schema = MR_NEW(cx->arena, mr_schema);
    schema->count = mr_u32(duck->column_count(result));
    schema->columns = MR_NEW_ARRAY(cx->arena, mr_column, schema->count);
    for (uint32_t c = 0; c < schema->count; c++) {
        mr_column *column = &schema->columns[c];
        column->name = mr_arena_string(cx->arena, duck->column_name(result, c));
        duckdb_logical_type type = duck->column_logical_type(result, c);
        bool known = mr_convert_type(duck, type, &column->type, cx->arena);
        duck->destroy_logical_type(&type);
        if (!known) {
            return mr_fail(cx, MR_E_TYPE, "Cast it, for example to text or double precision.",
                           "column \"%s\" of the result has a type that is not supported",
                           column->name);
        }
    }
    *ret = schema;
    return MR_OK;
}

static mr_code hand_chunk(mr_lake *lake, duckdb_result *result, duckdb_data_chunk chunk,
                          const mr_schema *schema, const mr_lake_sink *sink, mr_cx *cx) {
    mr_duck *duck = &lake->duck;
    mr_arena arena = {0};
    uint32_t rows = mr_u32(duck->data_chunk_get_size(chunk));
    mr_code code = MR_OK;
    if (rows > 0) {
        mr_batch batch = mr_batch_new(&arena, schema->count, rows);
        for (uint32_t c = 0; c < schema->count; c++) {
            mr_convert_source from = {duck, duck->data_chunk_get_vector(chunk, c),
                                      duck->column_logical_type(result, c)};
            batch.columns[c] = mr_convert_from(from, schema->columns[c].type, rows, &arena);
            duck->destroy_logical_type(&from.logical);
        }
        code = sink->rows(sink->self, &batch, cx);
    }
    mr_arena_release(&arena);
    return code;
}

// *ret_begun: the sink was told of the result.
static mr_code hand_result(mr_lake *lake, duckdb_result *result, const mr_lake_sink *sink,
                           bool *ret_begun, mr_cx *cx) {
    mr_duck *duck = &lake->duck;
    mr_schema *schema;
    MR_TRY(schema_of(lake, result, &schema, cx));
    for (;;) {
        if (mr_cx_cancelled(cx)) {
            return mr_fail(cx, MR_E_CANCELLED, NULL, "the query was stopped");
        }
        duckdb_data_chunk chunk = duck->fetch_chunk(*result);
        const char *reason = chunk == NULL ? duck->result_error(result) : NULL;
        if (reason != NULL && reason[0] != '\0') {
            return failed(reason, cx);
        }
        mr_code code = MR_OK;
        if (!*ret_begun && sink->begin != NULL) {
            code = sink->begin(sink->self, schema, cx);
        }
        *ret_begun = true;
        if (chunk == NULL) {
            return code;
        }
        code = code == MR_OK ? hand_chunk(lake, result, chunk, schema, sink, cx) : code;
        duck->destroy_data_chunk(&chunk);
        MR_TRY(code);
    }
}

static mr_code query_once(mr_lake *lake, const char *sql, const mr_lake_sink *sink, bool *ret_begun,
                          mr_cx *cx) {
    mr_duck *duck = &lake->duck;
    duckdb_prepared_statement statement;
    MR_TRY(prepare(lake, sql, &statement, cx));
    duckdb_result result;
    mr_code code;
    if (duck->execute_prepared_streaming(statement, &result) != DuckDBSuccess) {
        code = failed(duck->result_error(&result), cx);
    } else {
        code = hand_result(lake, &result, sink, ret_begun, cx);
    }
    duck->destroy_result(&result);
    duck->destroy_prepare(&statement);
    return code;
}

// Runs a statement that reads tables.
static mr_code run_reading(mr_lake *lake, const char *sql, mr_cx *cx) {
    mr_code code = run(lake, sql, cx);
    for (uint32_t i = 0; code == MR_E_IO && i < AGAIN_MAX && rewritten(lake, cx); i++) {
        code = run(lake, sql, cx);
    }
    return code;
}

mr_code mr_lake_query(mr_lake *lake, const char *sql, const mr_lake_sink *sink, mr_cx *cx) {
    bool begun = false;
    mr_code code = query_once(lake, sql, sink, &begun, cx);
    for (uint32_t i = 0; code == MR_E_IO && !begun && i < AGAIN_MAX && rewritten(lake, cx); i++) {
        code = query_once(lake, sql, sink, &begun, cx);
    }
    return code;
}

// The query without semicolons and comments behind it, so that it can stand in brackets.
static const char *inner(const char *sql, mr_arena *arena) {
    size_t bytes = 0;
    for (const char *at = sql; *at != '\0';) {
        bool comment;
        const char *end = mr_quoted_skip(sql, at, &comment);
        if (end == at) {
            comment = strchr(" \t\r\n;", *at) != NULL;
            end = at + 1;
        }
        bytes = comment ? bytes : (size_t)(end - sql);
        at = end;
    }
    return mr_arena_copy(arena, sql, bytes);
}

// Runs the query inside another one; where it cannot stand there (EXPLAIN), it runs as it is.
static mr_code query_inside(mr_lake *lake, const char *format, const char *sql,
                            const mr_lake_sink *sink, mr_cx *cx) {
    duckdb_prepared_statement statement;
    MR_TRY(prepare(lake, sql, &statement, cx));  // For errors in the user's own text.
    duckdb_statement_type type = lake->duck.prepared_statement_type(statement);
    lake->duck.destroy_prepare(&statement);
    if (type == DUCKDB_STATEMENT_TYPE_EXPLAIN) {
        return mr_lake_query(lake, sql, sink, cx);
    }
    mr_text outer;
    mr_text_init(&outer, cx->arena);
    mr_text_addf(&outer, "%s (%s) AS q", format, inner(sql, cx->arena));
    return mr_lake_query(lake, mr_text_string(&outer), sink, cx);
}

mr_code mr_lake_keep(mr_lake *lake, const char *sql, const char **ret, mr_cx *cx) {
    duckdb_prepared_statement statement;
    MR_TRY(prepare(lake, sql, &statement, cx));  // It must be a query by itself.
    duckdb_statement_type type = lake->duck.prepared_statement_type(statement);
    lake->duck.destroy_prepare(&statement);
    *ret = sql;
    if (type == DUCKDB_STATEMENT_TYPE_EXPLAIN) {
        return MR_OK;
    }
    MR_TRY(run_reading(lake,
                       mr_arena_printf(cx->arena,
                                       "CREATE TEMP TABLE \"kept %u\" AS SELECT * FROM (%s)",
                                       lake->kept, inner(sql, cx->arena)),
                       cx));
    *ret = mr_arena_printf(cx->arena, "SELECT * FROM temp.\"kept %u\"", lake->kept++);
    return MR_OK;
}

void mr_lake_interrupt(mr_lake *lake) {
    lake->duck.interrupt(lake->connection);
}

mr_code mr_lake_query_text(mr_lake *lake, const char *sql, const mr_lake_sink *sink, mr_cx *cx) {
    return query_inside(lake, "SELECT COLUMNS(*)::VARCHAR FROM", sql, sink, cx);
}

mr_code mr_lake_query_json(mr_lake *lake, const char *sql, const mr_lake_sink *sink, mr_cx *cx) {
    return query_inside(lake, "SELECT to_json(q)::VARCHAR FROM", sql, sink, cx);
}

static mr_code take_count(void *self, const mr_batch *in, mr_cx *cx) {
    (void)cx;
    *(uint64_t *)self = in->rows == 0 ? 0 : (uint64_t)in->columns[0].int64s[0];
    return MR_OK;
}

mr_code mr_lake_copy(mr_lake *lake, const char *sql, const char *path, uint64_t *ret_rows,
                     mr_cx *cx) {
    duckdb_prepared_statement statement;
    MR_TRY(prepare(lake, sql, &statement, cx));  // It must be a query by itself.
    lake->duck.destroy_prepare(&statement);
    mr_text copy, count;
    mr_text_init(&copy, cx->arena);
    mr_text_init(&count, cx->arena);
    mr_text_addf(&copy, "COPY (%s) TO ", inner(sql, cx->arena));
    mr_view_add_literal(&copy, path);
    mr_text_add(&copy, " (FORMAT parquet, COMPRESSION zstd)");
    MR_TRY(run_reading(lake, mr_text_string(&copy), cx));
    mr_text_add(&count, "SELECT count(*) FROM read_parquet(");
    mr_view_add_literal(&count, path);
    mr_text_add_char(&count, ')');
    mr_lake_sink sink = {.rows = take_count, .self = ret_rows};
    return mr_lake_query(lake, mr_text_string(&count), &sink, cx);
}

mr_code mr_lake_define(mr_lake *lake, const char *name, const char *sql, bool keep, mr_cx *cx) {
    duckdb_prepared_statement statement;
    MR_TRY(prepare(lake, sql, &statement, cx));  // It must be a query by itself.
    lake->duck.destroy_prepare(&statement);
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_addf(&out, "CREATE OR REPLACE TEMP %s ", keep ? "TABLE" : "VIEW");
    mr_view_add_name(&out, name);
    mr_text_addf(&out, " AS (%s)", inner(sql, cx->arena));
    return run_reading(lake, mr_text_string(&out), cx);
}

// ---- types and files -------------------------------------------------------------------------

typedef struct type_list {
    const char **names;
    uint32_t count;
    uint32_t capacity;
} type_list;

// Second column of DESCRIBE.
static mr_code take_types(void *self, const mr_batch *in, mr_cx *cx) {
    type_list *list = self;
    for (uint32_t row = 0; row < in->rows; row++) {
        if (list->count == list->capacity) {
            list->capacity = MR_MAX(32u, list->capacity * 2);
            const char **wider = MR_NEW_ARRAY(cx->arena, const char *, list->capacity);
            if (list->count > 0) {
                memcpy(wider, list->names, sizeof(*wider) * list->count);
            }
            list->names = wider;
        }
        mr_str type = mr_vector_str(&in->columns[1], row);
        list->names[list->count++] = mr_arena_copy(cx->arena, type.data, type.bytes);
    }
    return MR_OK;
}

mr_code mr_lake_types(mr_lake *lake, const char *sql, const char ***ret, uint32_t *ret_count,
                      mr_cx *cx) {
    type_list list = {0};
    mr_lake_sink sink = {.rows = take_types, .self = &list};
    const char *describe = mr_arena_printf(cx->arena, "DESCRIBE %s", inner(sql, cx->arena));
    MR_TRY(mr_lake_query(lake, describe, &sink, cx));
    *ret = list.names;
    *ret_count = list.count;
    return MR_OK;
}

static mr_code append_rows(void *self, const mr_batch *in, mr_cx *cx) {
    (void)cx;
    mr_rows_append(self, in);
    return MR_OK;
}

mr_code mr_lake_load(const char *format, const char *path, mr_rows *rows, mr_cx *cx) {
    mr_text sql;
    mr_text_init(&sql, cx->arena);
    mr_text_add(&sql, "SELECT ");
    for (uint32_t c = 0; c < rows->schema->count; c++) {
        const mr_column *column = &rows->schema->columns[c];
        mr_text_add(&sql, c == 0 ? "CAST(" : ", CAST(");
        mr_view_add_name(&sql, column->name);
        mr_text_add(&sql, " AS ");
        mr_convert_type_name(column->type, &sql);
        mr_text_add_char(&sql, ')');
    }
    mr_text_addf(&sql, " FROM read_%s(", format);
    mr_view_add_literal(&sql, path);
    mr_text_add_char(&sql, ')');
    const char *slash = strrchr(path, '/');
    mr_lake_options options = {.also_file = path};
    if (slash != NULL) {
        options.also_read = mr_arena_copy(cx->arena, path, (size_t)(slash - path + 1));
    }
    mr_lake *lake;
    MR_TRY(mr_lake_open(&options, &lake, cx));
    mr_lake_sink sink = {.rows = append_rows, .self = rows};
    mr_code code = mr_lake_query(lake, mr_text_string(&sql), &sink, cx);
    mr_lake_close(lake);
    return code == MR_OK ? code : mr_error_in(cx, code, "file \"%s\"", path);
}
