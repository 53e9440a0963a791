// Source "file", inside: what source_file.c (finding and claiming) and source_file_read.c share.

#pragma once

#include "conn/conn.h"
#include "conn/intake.h"
#include "conn/lines.h"
#include "conn/pace.h"
#include "plat/thread.h"

typedef struct file_part {
    const char *path;
    uint32_t number;
    uint64_t inode;
    int64_t modified_us;
    mr_compression codec;
    bool in_order;     // Read by claim through `lines`.
    mr_lines *lines;   // Opened at the first claim.
    uint64_t bytes;    // Plain: end of what may be claimed.
    int64_t look_us;   // Plain, followed: when to look at its size again (monotonic).
    int64_t grown_us;  // When it last grew.
    mr_pace pace;      // For max_rate_per_partition.
} file_part;

typedef struct file_claim {
    file_part *part;
    uint64_t limit;  // Plain: no line goes further than this.
    int64_t modified_us;
    mr_lines_chunk chunk;  // In order.
    struct file_claim *next;
    bool taken;
} file_claim;

typedef struct source_file {
    mr_source base;
    mr_plat *plat;
    const char *path;                // Option.
    const char *format;              // Option.
    const char *compression;         // Option.
    const char *missing;             // Option.
    uint64_t max_record_bytes;       // Option.
    int64_t max_rows_per_trigger;    // Option.
    int64_t max_rate_per_partition;  // Option.
    bool is_dir;
    bool is_stdin;
    uint64_t chunk_bytes;  // 0: by the length of the lines.
    file_part **parts;     // Beside base.partitions.
    uint32_t part_capacity;
    uint64_t rows_now;  // Since the last refresh, for max_rows_per_trigger.
    mr_pool *pool;      // Of the files read in order.
    mr_mutex mutex;     // Of `claims`, and of what readers have seen:
    uint64_t bytes_seen;
    uint64_t rows_seen;
    file_claim *claims;  // All there ever were; those not taken are free.
} source_file;

// Gives a claim back: its chunk was read, with so many rows, or will never be.
void mr_source_file_done(source_file *source, file_claim *claim, uint64_t bytes, uint64_t rows);
// Fails: the file is not the one that was begun.
mr_code mr_source_file_changed(const file_part *part, const char *how, mr_cx *cx);

// source_file_pace.c: lines that may be claimed of a file now; UINT64_MAX = as many as there are.
uint64_t mr_source_file_pace_room(source_file *source, file_part *part, mr_cx *cx);
// Moves *next back so that at most `room` lines of a plain file start in [first, *next), which
// begins with a line; counts them as taken.
mr_code mr_source_file_pace_cut(source_file *source, file_part *part, int64_t first, int64_t *next,
                                uint64_t room, mr_cx *cx);
// Counts the lines of a chunk that was read in order.
void mr_source_file_pace_count(source_file *source, file_part *part, mr_span lines);

// The reader's side.
mr_code mr_source_file_read_open(mr_source *base, mr_reader **ret, mr_cx *cx);
mr_code mr_source_file_read(mr_reader *base, const mr_claim *claim, mr_chunk *ret, mr_cx *cx);
void mr_source_file_read_close(mr_reader *base);
