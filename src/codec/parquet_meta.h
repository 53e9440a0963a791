// Parquet footer: schema, row groups and their statistics.

#pragma once

#include "codec/parquet_column.h"

typedef struct mr_parquet_file {
    const mr_parquet_shapes *shapes;
    uint32_t column_count;
    mr_compression compression;
    const char *created_by;
    int64_t row_count;
    uint32_t group_count;
    const mr_text *groups;  // Made by mr_parquet_meta_group.
} mr_parquet_file;

// Appends one row group's entry, from its finished leaves, to groups.
void mr_parquet_meta_group(const mr_parquet_column *columns, uint32_t column_count, uint32_t rows,
                           mr_compression compression, mr_text *groups);
// Appends the footer with its length and the closing magic.
void mr_parquet_meta_footer(const mr_parquet_file *file, mr_text *out);
