// Lake: batch SQL over the lake's tables, through DuckDB.
//
// Every table of the catalogue is a view over the files that a reader may see at the moment of
// opening: whole epochs only. When a table was rewritten since (store/swap.h) and a query finds a
// file gone, the views are made anew and the query is run again, unless its first rows have been
// handed out: then it fails. DuckDB runs in memory, sees the
// project, the data folder and the tables' folders, loads no extension, and its settings are
// locked; only queries are run, nothing that writes. Threads: one at a time, but mr_lake_interrupt.

#pragma once

#include "column/rows.h"
#include "port/port.h"

typedef struct mr_lake mr_lake;

typedef struct mr_lake_options {
    const char *data_dir;   // NULL: no catalogue, for loading files only.
    const char *also_read;  // One more folder that may be read or written to, or NULL.
    const char *also_file;  // One more file, or NULL.
    bool any_file;  // Any file may be read or written: for a task, which may do as much in a shell.
    const char *zone_name;  // NULL = UTC.
    uint32_t threads;       // 0 = DuckDB's choice.
    uint64_t memory_bytes;  // 0 = DuckDB's choice.
} mr_lake_options;

// What a query's result goes to.
typedef struct mr_lake_sink {
    mr_code (*begin)(void *self, const mr_schema *schema, mr_cx *cx);  // Once, before rows.
    mr_code (*rows)(void *self, const mr_batch *in, mr_cx *cx);  // Memory is valid during the call.
    void *self;
} mr_lake_sink;

// errors  MR_E_MISSING when DuckDB is not there
mr_code mr_lake_open(const mr_lake_options *options, mr_lake **ret, mr_cx *cx);
void mr_lake_close(mr_lake *lake);  // Takes NULL.
// Ends the query that runs, which fails with MR_E_CANCELLED. Any thread, while the lake is open.
void mr_lake_interrupt(mr_lake *lake);
// Runs one query.  errors  MR_E_SYNTAX, MR_E_NAME …: DuckDB's words; MR_E_TYPE for a column whose
// type has no counterpart here (mr_lake_query_text takes all); MR_E_PERMISSION for what is not a
// query
mr_code mr_lake_query(mr_lake *lake, const char *sql, const mr_lake_sink *sink, mr_cx *cx);
// The same with every value as text, as DuckDB writes it.
mr_code mr_lake_query_text(mr_lake *lake, const char *sql, const mr_lake_sink *sink, mr_cx *cx);
// Each row as one JSON object, in a single column.
mr_code mr_lake_query_json(mr_lake *lake, const char *sql, const mr_lake_sink *sink, mr_cx *cx);
// Runs a query and keeps what it gives: *ret asks for that again, in the same order, without
// running it. What can only stand alone (EXPLAIN) is run by *ret.
mr_code mr_lake_keep(mr_lake *lake, const char *sql, const char **ret, mr_cx *cx);
// Writes a query's result as a Parquet file, as it comes: half a file when it fails. The folder
// must be the data folder or options.also_read, or the file options.also_file. *ret_rows: in the
// file.
mr_code mr_lake_copy(mr_lake *lake, const char *sql, const char *path, uint64_t *ret_rows,
                     mr_cx *cx);
// Names a query, for the queries that follow: as a view, or with its rows kept as they are now.
mr_code mr_lake_define(mr_lake *lake, const char *name, const char *sql, bool keep, mr_cx *cx);
// SQL names of a query's result types, as DuckDB has them, without running it.
mr_code mr_lake_types(mr_lake *lake, const char *sql, const char ***ret, uint32_t *ret_count,
                      mr_cx *cx);
// Appends the rows of files (a path, or a pattern) by the names and types of rows->schema.
//   format  "parquet" or "json"
mr_code mr_lake_load(const char *format, const char *path, mr_rows *rows, mr_cx *cx);
