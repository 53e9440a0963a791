// Parquet: a writer.
//
// One file: row groups of up to row_group_rows rows; per column chunk dictionary encoding (RLE /
// bit-packed) while the dictionary pays, plain otherwise; data pages v1; definition levels for
// nullable columns; min, max, null count in column statistics; zstd, snappy or none. Times:
// TIMESTAMP(MICROS, UTC). The writer hands out bytes; the caller appends them to a file. Same
// input, same bytes.

#pragma once

#include "base/text.h"
#include "column/rows.h"

typedef enum mr_compression {
    MR_COMPRESS_NONE,
    MR_COMPRESS_SNAPPY,
    MR_COMPRESS_ZSTD,
    MR_COMPRESS_GZIP,
    MR_COMPRESS_LZ4,
} mr_compression;

typedef struct mr_parquet_options {
    mr_compression compression;  // NONE, SNAPPY, ZSTD (level 1)
    uint32_t row_group_rows;     // 0 = 122,880
    const char *created_by;
} mr_parquet_options;

typedef struct mr_parquet mr_parquet;

mr_code mr_parquet_open(const mr_schema *schema, const mr_parquet_options *options,
                        mr_parquet **ret, mr_cx *cx);
// Adds the selected rows. Bytes that are ready are appended to out.
mr_code mr_parquet_write(mr_parquet *writer, const mr_batch *in, mr_text *out, mr_cx *cx);
// Flushes the last row group and appends the footer; the file is complete.
mr_code mr_parquet_finish(mr_parquet *writer, mr_text *out, mr_cx *cx);
void mr_parquet_close(mr_parquet *writer);
