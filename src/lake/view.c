// View: a table of the catalogue as a DuckDB view over its files; see view.h.

#include "lake/view.h"

#include <string.h>

static void add_quoted(mr_text *out, mr_span text, char quote) {
    mr_text_add_char(out, quote);
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == quote) {
            mr_text_add_char(out, quote);
        }
        mr_text_add_char(out, text.data[i]);
    }
    mr_text_add_char(out, quote);
}

void mr_view_add_name(mr_text *out, const char *name) {
    add_quoted(out, mr_span_of(name), '"');
}

void mr_view_add_literal(mr_text *out, const char *text) {
    add_quoted(out, mr_span_of(text), '\'');
}

void mr_view_add_literal_span(mr_text *out, mr_span text) {
    add_quoted(out, text, '\'');
}

bool mr_view_partitioned_by(const mr_catalog_table *table, const char *column) {
    mr_span rest = mr_span_of(table->partition_by);
    while (rest.bytes > 0) {
        const char *comma = memchr(rest.data, ',', rest.bytes);
        size_t bytes = comma == NULL ? rest.bytes : (size_t)(comma - rest.data);
        if (mr_span_is(mr_span_trim((mr_span){rest.data, bytes}), column)) {
            return true;
        }
        rest.data += comma == NULL ? bytes : bytes + 1;
        rest.bytes -= comma == NULL ? bytes : bytes + 1;
    }
    return false;
}

// The value in the folder's name, as sinks write it.
static void add_path_value(mr_text *out, const mr_catalog_column *column) {
    const char *folder_start = "split_part(split_part(millrace_file, '/' || ";
    mr_text_add(out, "CAST(url_decode(nullif(");
    mr_text_add(out, folder_start);
    mr_view_add_literal(out, column->name);
    mr_text_addf(out, " || '=', 2), '/', 1), '__HIVE_DEFAULT_PARTITION__')) AS %s)", column->type);
}

void mr_view_add_partition_value(mr_text *out, const mr_catalog_column *column) {
    add_path_value(out, column);
    mr_text_add(out, " AS ");
    mr_view_add_name(out, column->name);
}

static void add_files(mr_text *out, const char *const *files, uint32_t count) {
    mr_text_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        mr_text_add(out, i == 0 ? "" : ", ");
        mr_view_add_literal(out, files[i]);
    }
    mr_text_add_char(out, ']');
}

static void add_empty(mr_text *out, const mr_catalog_table *table) {
    for (uint32_t c = 0; c < table->column_count; c++) {
        mr_text_addf(out, "%sCAST(NULL AS %s) AS ", c == 0 ? "" : ", ", table->columns[c].type);
        mr_view_add_name(out, table->columns[c].name);
    }
    mr_text_add(out, " WHERE false");
}

// JSON has no bytes: they are written as "\\x" and hex digits.
static bool is_hex(const mr_catalog_table *table, const mr_catalog_column *column) {
    return strcmp(table->format, "jsonl") == 0 && strcmp(column->type, "bytea") == 0;
}

static void add_columns(mr_text *out, const mr_catalog_table *table) {
    for (uint32_t c = 0; c < table->column_count; c++) {
        const mr_catalog_column *column = &table->columns[c];
        mr_text_add(out, c == 0 ? "" : ", ");
        if (mr_view_partitioned_by(table, column->name)) {
            mr_view_add_partition_value(out, column);
        } else {
            bool hex = is_hex(table, column);
            mr_text_add(out, hex ? "from_hex(substr(" : "CAST(");
            mr_view_add_name(out, column->name);
            if (hex) {
                mr_text_add(out, ", 3)) AS ");
            } else {
                mr_text_addf(out, " AS %s) AS ", column->type);
            }
            mr_view_add_name(out, column->name);
        }
    }
}

static void add_json_columns(mr_text *out, const mr_catalog_table *table) {
    mr_text_add(out, ", format = 'newline_delimited', columns = {");
    bool first = true;
    for (uint32_t c = 0; c < table->column_count; c++) {
        const mr_catalog_column *column = &table->columns[c];
        if (mr_view_partitioned_by(table, column->name)) {
            continue;
        }
        mr_text_add(out, first ? "" : ", ");
        mr_view_add_literal(out, column->name);
        mr_text_add(out, ": ");
        mr_view_add_literal(out, is_hex(table, column) ? "text" : column->type);
        first = false;
    }
    mr_text_add_char(out, '}');
}

// Rows of Parquet files with all columns of the table that are in them; none of them need be in
// any.
static void add_files_by_name(mr_text *out, const mr_catalog_table *table, const char *const *files,
                              uint32_t count) {
    mr_text_add(out, "(SELECT ");
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (!mr_view_partitioned_by(table, table->columns[c].name)) {
            mr_text_addf(out, "CAST(NULL AS %s) AS ", table->columns[c].type);
            mr_view_add_name(out, table->columns[c].name);
            mr_text_add(out, ", ");
        }
    }
    mr_text_add(out, "CAST(NULL AS VARCHAR) AS millrace_file WHERE false");
    if (count > 0) {
        mr_text_add(out, " UNION ALL BY NAME SELECT * FROM read_parquet(");
        add_files(out, files, count);
        mr_text_add(out, ", filename = 'millrace_file', hive_partitioning = false,"
                         " union_by_name = true)");
    }
    mr_text_add_char(out, ')');
}

const char *mr_view_files_sql(const mr_catalog_table *table, const char *const *files,
                              uint32_t count, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, "SELECT ");
    add_columns(&out, table);
    mr_text_add(&out, ", millrace_file FROM ");
    add_files_by_name(&out, table, files, count);
    return mr_text_string(&out);
}

mr_code mr_view_sql(const char *data_dir, const mr_catalog_table *table, const char **ret,
                    mr_cx *cx) {
    const char **files;
    uint32_t count;
    MR_TRY(mr_catalog_files(data_dir, table, &files, &count, cx));
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, "CREATE OR REPLACE VIEW ");
    mr_view_add_name(&out, table->name);
    mr_text_add(&out, " AS SELECT ");
    bool json = strcmp(table->format, "jsonl") == 0;
    if (count == 0) {
        add_empty(&out, table);
    } else {
        add_columns(&out, table);
        mr_text_add(&out, json ? " FROM read_json(" : " FROM read_parquet(");
        add_files(&out, files, count);
        mr_text_add(&out, ", filename = 'millrace_file', hive_partitioning = false");
        if (json) {
            add_json_columns(&out, table);
        } else {
            mr_text_add(&out, ", union_by_name = true");
        }
        mr_text_add_char(&out, ')');
    }
    *ret = mr_text_string(&out);
    return MR_OK;
}
