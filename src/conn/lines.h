// Lines: a file that can only be read from its start (compressed, or standard input), in whole
// lines.
//
// How: input is expanded straight into a chunk's buffer; the chunk is cut behind its last line end
// and the rest is copied to the next. Offsets are those of the expanded bytes. A line over
// record_bytes_max is given as a bad record with its first bytes, and the rest of it is dropped.
// Threads: one at a time (the driver's mutex).

#pragma once

#include "codec/compress.h"
#include "column/field.h"
#include "conn/pool.h"
#include "plat/plat.h"

#define MR_LINES_RAW_MAX 4096  // Bytes of a too long record that are kept.

typedef struct mr_lines mr_lines;

typedef struct mr_lines_options {
    const char *path;  // "-": standard input.
    mr_compression codec;
    size_t chunk_bytes;
    size_t record_bytes_max;
    mr_pool *pool;
} mr_lines_options;

typedef enum mr_lines_result { MR_LINES_TAKEN, MR_LINES_NONE, MR_LINES_END } mr_lines_result;

// Lines at the start of the hold's buffer, and behind them perhaps a too long one.
typedef struct mr_lines_chunk {
    mr_hold *hold;  // The caller unrefs.
    size_t bytes;   // Of whole lines; the last of the file may lack its end.
    int64_t offset_first;
    int64_t offset_next;
    mr_bad_record bad;  // raw NULL: none.
} mr_lines_chunk;

mr_code mr_lines_open(const mr_lines_options *options, mr_lines **ret, mr_cx *cx);
// Goes to the first line that starts at offset or behind it. Only before the first read.
//   errors  MR_E_MISSING when the file ends before offset
mr_code mr_lines_seek(mr_lines *lines, int64_t offset, mr_cx *cx);
mr_code mr_lines_next(mr_lines *lines, mr_lines_chunk *ret, mr_lines_result *ret_result, mr_cx *cx);
void mr_lines_close(mr_lines *lines, mr_plat *plat);  // Takes NULL.
