// View: a table of the catalogue as a DuckDB view over its files.
//
// Why partition values are taken from the path here: DuckDB's own hive_partitioning reads the value
// NULL for the text "NULL" and the text "__HIVE_DEFAULT_PARTITION__" for NULL.

#pragma once

#include "base/cx.h"
#include "store/catalog.h"

// CREATE VIEW … over the files that a reader may see now; a table without files is an empty view.
mr_code mr_view_sql(const char *data_dir, const mr_catalog_table *table, const char **ret,
                    mr_cx *cx);
// A query of those of its files: its columns, and `millrace_file`: the path of each row's. Columns
// that a file has not are NULL.
const char *mr_view_files_sql(const mr_catalog_table *table, const char *const *files,
                              uint32_t count, mr_cx *cx);
// The value of a partition column in `millrace_file`.
void mr_view_add_partition_value(mr_text *out, const mr_catalog_column *column);
// Whether the table has this column in the names of its folders.
bool mr_view_partitioned_by(const mr_catalog_table *table, const char *column);
void mr_view_add_name(mr_text *out, const char *name);     // "name", quoted.
void mr_view_add_literal(mr_text *out, const char *text);  // 'text', quoted.
void mr_view_add_literal_span(mr_text *out, mr_span text);
