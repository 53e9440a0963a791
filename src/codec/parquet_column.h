// Parquet column: one column chunk while its row group is being filled.
//
// How: rows go into the present page, values as dictionary indices while the dictionary pays, else
// plain. A full page is encoded, compressed and kept; so memory is compressed pages, one dictionary
// and one page a column. When the dictionary stops paying, the present page is turned plain and
// later pages stay plain; earlier pages keep their dictionary.

#pragma once

#include "codec/compress.h"
#include "codec/parquet_dict.h"
#include "codec/parquet_shape.h"

#define MR_PARQUET_PAGE_ROWS 20000
#define MR_PARQUET_REMAPS    4

// Codes of a batch's dictionary to indices of the chunk's.
typedef struct mr_parquet_remap {
    uint64_t dict_id;    // 0 = free.
    uint32_t *index_of;  // Index + 1 by code; 0 = not seen.
} mr_parquet_remap;

// Smallest and largest value so far. Numbers only in their own member.
typedef struct mr_parquet_range {
    bool any;
    bool nan;  // A NaN was seen: readers order it differently, so no range is stated.
    int64_t int_min;
    int64_t int_max;
    double float_min;
    double float_max;
    mr_text str_min;
    mr_text str_max;
} mr_parquet_range;

// What the footer says of a chunk.
typedef struct mr_parquet_chunk {
    int64_t entries;  // Rows, or of a nested column one or more a row.
    int64_t null_count;
    int64_t bytes_plain;  // With page headers, before and after compression.
    int64_t bytes_compressed;
    int64_t dict_offset;  // In the file; -1 = no dictionary.
    int64_t data_offset;
    bool plain_used;  // A data page is plain.
    bool dict_used;
} mr_parquet_chunk;

typedef struct mr_parquet_column {
    const mr_parquet_leaf *leaf;
    const char *name;  // Of the column that the leaf is of.
    mr_type type;      // As values are stored.
    bool optional;
    bool nested;
    uint32_t width;      // Bytes of a plain value; 0 = strings and booleans.
    bool dict_on;        // The present page holds indices.
    uint32_t dict_rest;  // Chunks to go before a dictionary is tried again.
    mr_parquet_dict dict;
    mr_parquet_remap remaps[MR_PARQUET_REMAPS];
    uint32_t remap_next;

    // The present page.
    uint32_t page_entries;
    uint32_t page_values;  // Those that are not NULL.
    size_t page_bytes;     // Strings only: plain size of its values.
    uint64_t *page_valid;
    uint32_t *indices;
    uint32_t index_capacity;
    mr_text plain;
    mr_text defs;  // Of a nested column: levels, uint32_t each.
    mr_text reps;

    // The chunk.
    mr_text pages;        // Finished data pages with their headers.
    int64_t value_count;  // In all pages.
    mr_parquet_range range;
    mr_parquet_chunk chunk;
} mr_parquet_column;

// What the pages of all columns are made with.
typedef struct mr_parquet_press {
    mr_compressor *compressor;             // NULL = none.
    uint32_t identity[MR_BATCH_ROWS_MAX];  // 0, 1, 2 …
    mr_text raw;                           // A page's bytes, before and after compression.
    mr_text pressed;
    mr_arena arena;               // Values as they are stored, of one batch.
    mr_parquet_entries *entries;  // By leaf.
} mr_parquet_press;

// leaf is borrowed; name: of the whole column; required: it has no NULLs, and is not nested.
void mr_parquet_column_init(mr_parquet_column *column, const mr_parquet_leaf *leaf,
                            const char *name, bool required);
void mr_parquet_column_release(mr_parquet_column *column);
// Adds `count` rows of a vector: rows sel[0..count), or the first `count`.
//   errors  MR_E_VALUE for a NULL in a required column; MR_E_LIMIT for a value too large for a page
mr_code mr_parquet_column_add(mr_parquet_column *column, const mr_vector *in, const uint32_t *sel,
                              uint32_t count, mr_parquet_press *press, mr_cx *cx);
// Adds what whole rows of a nested column gave to this leaf.
mr_code mr_parquet_column_add_entries(mr_parquet_column *column, const mr_parquet_entries *entries,
                                      mr_parquet_press *press, mr_cx *cx);
// Ends the chunk: appends its pages to out, whose first byte is at `offset` of the file, and fills
// column->chunk. Then mr_parquet_column_clear.
mr_code mr_parquet_column_finish(mr_parquet_column *column, int64_t offset, mr_parquet_press *press,
                                 mr_text *out, mr_cx *cx);
void mr_parquet_column_clear(mr_parquet_column *column);

// parquet_values.c: adds values that are not NULL to the present page. rows NULL: the first
// `count`.
void mr_parquet_values_add(mr_parquet_column *column, const mr_vector *in, const uint32_t *rows,
                           uint32_t count);
// Turns the present page's indices into plain values.
void mr_parquet_values_plain(mr_parquet_column *column);
// parquet_range.c: widens the range.
void mr_parquet_range_ints(mr_parquet_range *range, int64_t min, int64_t max);
void mr_parquet_range_float(mr_parquet_range *range, double value);
void mr_parquet_range_string(mr_parquet_range *range, mr_str value);
// Adds all values of a dictionary.
void mr_parquet_range_dict(mr_parquet_range *range, mr_type type, const mr_parquet_dict *dict);
void mr_parquet_range_clear(mr_parquet_range *range);
// Bytes of min and max as the footer states them; false when no range may be stated. Numbers are
// written to `room`, of 16 bytes.
bool mr_parquet_range_state(const mr_parquet_range *range, mr_type type, char *room,
                            mr_span *ret_min, mr_span *ret_max);
