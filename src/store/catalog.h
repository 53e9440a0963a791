// Catalog: the tables of the lake, and which of their files a reader may see.
//
//   <data>/catalog/<table>.json          name, format, path, columns, partition_by, pipeline
//   <data>/state/<pipeline>/published    "<incarnation> <epoch>": readers see epochs up to this one
//
// Why: a table is read without its pipeline's file, and by whole epochs only: files of an epoch
// that is being published are left out until all of them are in place. `published` is a hint that
// is written without a sync: damaged or missing it means that every file counts, and each start
// writes it anew.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_catalog_column {
    const char *name;
    const char *type;  // SQL name.
} mr_catalog_column;

typedef struct mr_catalog_table {
    const char *name;
    const char *format;  // "parquet", "jsonl"
    const char *path;    // Folder.
    const char *pipeline;
    const char *partition_by;  // Columns with commas; "" = none.
    mr_catalog_column *columns;
    uint32_t column_count;
} mr_catalog_table;

// The file of a table in the catalogue: its entry has the ending ".json".
const char *mr_catalog_path(const char *data_dir, const char *table, const char *ending,
                            mr_arena *arena);
// Enters a table, or replaces its entry.
mr_code mr_catalog_register(const char *data_dir, const mr_catalog_table *table, mr_cx *cx);
// All tables in order of name, in cx->arena.  errors  MR_E_CORRUPT naming the file
mr_code mr_catalog_list(const char *data_dir, mr_catalog_table **ret, uint32_t *ret_count,
                        mr_cx *cx);
// One table's entry.  errors  MR_E_MISSING when it has none; MR_E_CORRUPT
mr_code mr_catalog_find(const char *data_dir, const char *table, mr_catalog_table *ret, mr_cx *cx);
// Readers may see this pipeline's epochs up to `epoch`.
mr_code mr_catalog_set_published(const char *state_dir, uint64_t incarnation, uint64_t epoch,
                                 mr_cx *cx);
// What set_published wrote last; false when it is not known.
bool mr_catalog_get_published(const char *state_dir, uint64_t *ret_incarnation, uint64_t *ret_epoch,
                              mr_cx *cx);
// Files of a table that a reader may see, in order of path, in cx->arena.
mr_code mr_catalog_files(const char *data_dir, const mr_catalog_table *table, const char ***ret,
                         uint32_t *ret_count, mr_cx *cx);
