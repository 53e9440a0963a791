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
void mr_view_add_name(mr_text *out, const char *name);     // "name", quoted.
void mr_view_add_literal(mr_text *out, const char *text);  // 'text', quoted.
void mr_view_add_literal_span(mr_text *out, mr_span text);
