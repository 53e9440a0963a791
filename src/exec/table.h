// Table: a static table (a dimension) in memory, and its index by key columns.
//
// Text columns of few distinct values are dictionary codes, so that a joined column groups and
// writes as cheaply as a decoded one. Replaced whole, by the driver between epochs; read-only while
// workers run.

#pragma once

#include "column/rows.h"
#include "sql/plan.h"

#define MR_TABLE_NO_ROW UINT32_MAX

typedef struct mr_table {
    const mr_plan_table *plan;
    mr_rows rows;
    mr_vector *columns;  // Over all rows; TEXT as DICT where it fits.
    mr_arena arena;      // Of columns.
    uint64_t version;    // Changes with the content.
    uint64_t hash;       // Of the content, for the commit record.
} mr_table;

// Takes over rows (which the caller must not release).
mr_code mr_table_init(mr_table *table, const mr_plan_table *plan, const mr_rows *rows, mr_cx *cx);
void mr_table_release(mr_table *table);

// Rows by the values of some columns.
typedef struct mr_table_index {
    const mr_table *table;
    const uint32_t *keys;  // Columns of the table.
    uint32_t key_count;
    uint32_t *slots;  // First row of a chain + 1, by hash; 0 = free.
    uint32_t slot_count;
    uint32_t *next;  // Next row of the same key, by row; MR_TABLE_NO_ROW ends.
    uint64_t *hashes;
    // One INT32 key in a small range: rows by value - direct_min.
    uint32_t *direct;
    int32_t direct_min;
    uint32_t direct_count;
    bool unique;
} mr_table_index;

void mr_table_index_init(mr_table_index *index, const mr_table *table, const uint32_t *keys,
                         uint32_t key_count);
void mr_table_index_release(mr_table_index *index);
// First matching row of each selected row of a batch (aligned with its rows), MR_TABLE_NO_ROW for
// none. A NULL key matches nothing.
void mr_table_index_find(const mr_table_index *index, const mr_batch *in,
                         const uint32_t *input_keys, uint32_t *ret, mr_arena *arena);
