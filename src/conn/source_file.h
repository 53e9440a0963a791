// Source "file", inside: what source_file.c (finding and claiming) and source_file_read.c share.

#pragma once

#include "conn/conn.h"
#include "conn/intake.h"
#include "conn/lines.h"
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
    const char *path;           // Option.
    const char *format;         // Option.
    const char *compression;    // Option.
    const char *missing;        // Option.
    uint64_t max_record_bytes;  // Option.
    bool is_dir;
    bool is_stdin;
    uint64_t chunk_bytes;
    file_part **parts;  // Beside base.partitions.
    uint32_t part_capacity;
    mr_pool *pool;       // Of the files read in order.
    mr_mutex mutex;      // Of `claims`.
    file_claim *claims;  // All there ever were; those not taken are free.
} source_file;

// Gives a claim back: its chunk was read, or will never be.
void mr_source_file_done(source_file *source, file_claim *claim);
// Fails: the file is not the one that was begun.
mr_code mr_source_file_changed(const file_part *part, const char *how, mr_cx *cx);

// The reader's side.
mr_code mr_source_file_read_open(mr_source *base, mr_reader **ret, mr_cx *cx);
mr_code mr_source_file_read(mr_reader *base, const mr_claim *claim, mr_chunk *ret, mr_cx *cx);
void mr_source_file_read_close(mr_reader *base);
