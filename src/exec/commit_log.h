// Commit log: the append-only, checksummed log whose fsync is the commit.
//
//   state/<pipeline>/commit-00000000.log, commit-00000001.log, …      segments, in order
//   segment   frame*
//   frame     magic u32 · payload bytes u32 · epoch u64 · crc32c u32 (of epoch and payload) ·
//             zero u32 · payload
//
// Recovery reads the longest valid prefix. A tail that is torn (a crash during append) is cut off;
// a broken frame with a valid one behind it is damage, and refused: skipping it would lose an
// acknowledged epoch; so is a gap in the numbers of the epochs. Old segments are deleted when every
// key group has a newer full copy (the driver decides). Threads: one owner.   Source:
// reliability.md, faults 19, 23-25.

#pragma once

#include "plat/plat.h"

typedef struct mr_commit_segment {
    uint32_t number;
    uint64_t bytes;
    uint64_t last_bytes;   // Of its last record.
    uint64_t epoch_first;  // First epoch in it; 0 when empty.
} mr_commit_segment;

typedef struct mr_commit_log {
    char *dir;  // Heap.
    mr_file file;
    mr_commit_segment *segments;  // Heap; the last is open for append.
    uint32_t segment_count;
    uint32_t segment_capacity;
    uint64_t bytes;  // Of all segments.
    uint64_t segment_bytes_max;
    uint64_t epoch_last;  // At open; has_epoch: there is one.
    bool has_epoch;
    bool failed;  // An fsync failed: nothing more is accepted.
} mr_commit_log;

// Called for each valid record in order. The payload is only valid during the call.
typedef mr_code (*mr_commit_apply)(void *self, uint64_t epoch, mr_span payload, mr_cx *cx);

// Opens or makes the log in dir and replays it.
//   errors  MR_E_CORRUPT (damage before the last record), MR_E_IO, what apply returns
mr_code mr_commit_log_open(mr_commit_log *log, const char *dir, mr_commit_apply apply, void *self,
                           mr_cx *cx);
// Replays the log without changing it: for who only looks, also while another process appends. *ret
// has the sizes and the last epoch; nothing is open.  errors  as those of open
mr_code mr_commit_log_look(const char *dir, mr_commit_apply apply, void *self, mr_commit_log *ret,
                           mr_cx *cx);
// Appends one record and makes it durable: on MR_OK the epoch is committed. On MR_E_FULL the log is
// as before and the call may be repeated; a failed fsync is MR_FATAL for good.
mr_code mr_commit_log_append(mr_commit_log *log, uint64_t epoch, mr_span payload, mr_cx *cx);
// Deletes whole segments that hold only epochs before epoch_first.
mr_code mr_commit_log_cut(mr_commit_log *log, uint64_t epoch_first, mr_cx *cx);
void mr_commit_log_close(mr_commit_log *log, mr_plat *plat);
