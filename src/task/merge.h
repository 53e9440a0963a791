// Merge: what table.merge asks DuckDB. Nobody includes it but its kind.
//
//   millrace_rows    what the source gave, kept      millrace_source   the rows that count, in the
//   millrace_target  the table's rows, with files    table's types, and millrace_delete
//   millrace_old     those of the files that are replaced

#pragma once

#include "task/rewrite.h"

typedef struct mr_merge_options {
    const char *table;
    const char *key;  // JSON.
    const char *source;
    const char *sql;
    const char *bind;  // JSON.
    const char *order_by;
    const char *when_matched;
    const char *delete_when;
    const char *leave_out;     // JSON.
    const char *partition_by;  // JSON.
    const char *path;
    const char *timezone;
} mr_merge_options;

typedef struct mr_merge {
    const mr_merge_options *o;
    mr_rewrite r;
    const char **keys;
    uint32_t key_count;
    const char **leave_out;
    uint32_t leave_out_count;
    const mr_schema *given;  // The source's columns.
    bool *has;               // By column of the table: the source has it.
    bool is_new;             // The table is made.
    const char **old;        // Files that are replaced.
    uint32_t old_count;
    int64_t counts[4];
} mr_merge;

enum { MR_MERGE_INSERTED, MR_MERGE_UPDATED, MR_MERGE_UNCHANGED, MR_MERGE_DELETED };

// The rows that count, in the table's types, and whether each deletes.
const char *mr_merge_source(const mr_merge *m, mr_cx *cx);
// By file of the table: how many of its rows are deleted, changed, and matched but as they were.
const char *mr_merge_match(const mr_merge *m, mr_cx *cx);
// How many rows are new.
const char *mr_merge_count_new(const mr_merge *m, mr_cx *cx);
// All rows of the files that are written: those of the files that they replace, and the new ones.
const char *mr_merge_content(const mr_merge *m, mr_cx *cx);
// How many rows have no key.
const char *mr_merge_no_key(const mr_merge *m, mr_cx *cx);
// A text that names a key which several rows have; no row: there is none.
const char *mr_merge_same_key(const mr_merge *m, mr_cx *cx);
