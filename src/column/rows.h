// Rows: a growing, deep copy of rows in columns, that can be kept, encoded, and read as batches.
//
// Used where rows outlive their batch: rows that wait for a sink's trigger (and go into the commit
// record meanwhile), static tables, results of an aggregate. Memory is the heap's: mr_rows_release.
// Threads: one owner at a time.

#pragma once

#include "column/batch.h"

typedef struct mr_rows_column {
    mr_type type;
    uint8_t *values;  // row_count of them; a string's mr_str.data is an offset into bytes.
    uint64_t *valid;  // Always present.
    char *bytes;      // Of strings.
    size_t bytes_used;
    size_t bytes_capacity;
    uint32_t null_count;
} mr_rows_column;

typedef struct mr_rows {
    const mr_schema *schema;
    mr_rows_column *columns;
    uint64_t row_count;
    uint64_t row_capacity;
    uint64_t bytes;  // Memory in use, for budgets and roll_size.
} mr_rows;

void mr_rows_init(mr_rows *rows, const mr_schema *schema);  // schema is borrowed.
void mr_rows_release(mr_rows *rows);
void mr_rows_clear(mr_rows *rows);  // Keeps the memory.
// Appends the selected rows of a batch; column i of the batch to column i, types equal.
void mr_rows_append(mr_rows *rows, const mr_batch *batch);
void mr_rows_append_row(mr_rows *rows, const mr_batch *batch, uint32_t row);
void mr_rows_append_rows(mr_rows *rows, const mr_rows *more);
// The same of row_count of them, from row_first on.
void mr_rows_append_range(mr_rows *rows, const mr_rows *more, uint64_t row_first,
                          uint64_t row_count);
// Rows row_first .. row_first + row_count - 1 as a batch (row_count <= MR_BATCH_ROWS_MAX). Vectors
// point into rows: valid until the next append, clear or release. String headers are made in arena.
void mr_rows_batch(const mr_rows *rows, uint64_t row_first, uint32_t row_count, mr_arena *arena,
                   mr_batch *ret);
// A self-describing encoding (schema hash, counts, columns) appended to out, and its reader.
// Numbers are little-endian; decode appends to rows.  errors  MR_E_CORRUPT (every length is
// checked)
void mr_rows_encode(const mr_rows *rows, mr_text *out);
mr_code mr_rows_decode(mr_rows *rows, mr_span in, mr_cx *cx);
