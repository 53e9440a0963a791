// Inside a log: what its files share.

#pragma once

#include <stdatomic.h>

#include "log/flush.h"
#include "log/log.h"
#include "log/producers.h"
#include "log/segment.h"
#include "plat/thread.h"

// A segment that was renamed away, and when its files are to be unlinked.
typedef struct mr_log_removed {
    char *path;  // Heap, without the suffix.
    int64_t due_ms;
} mr_log_removed;

struct mr_log {
    mr_mutex mutex;
    mr_plat *plat;
    char *dir;
    char *topic;
    int32_t partition;
    mr_log_config config;
    mr_flusher *flusher;
    mr_log_listener listener;

    mr_log_segment **segments;  // By base; the last one is written to. Never none.
    uint32_t segment_count, segment_capacity;
    mr_producers *producers;
    mr_log_marks marks;
    int64_t high_base;  // The segment that `high` is in, and where: a boundary of batches.
    uint64_t high_position;
    int64_t synced;  // All below it survives a power cut.
    uint64_t dirty_bytes;
    bool dirty_dir;   // It has entries that no sync covers.
    bool sync_begun;  // One sync at a time: what it takes, another would believe durable.
    bool offline;
    bool deleted;  // Its folder was renamed: another log may have the name.
    mr_error why;
    bool note_owed;  // That a sync failed could not be noted yet: see log.c.
    int64_t note_from;

    mr_log_removed *removed;
    uint32_t removed_count, removed_capacity;

    // Held by what replaces segments, and so works by their names: retention, compaction, and the
    // log's deletion, after which the names are another's. Taken before the mutex.
    mr_mutex upkeep;
    atomic_bool leaving;   // A deletion waits for it: a compaction gives up.
    int64_t compacted_to;  // Below it a key is there once.

    // The flusher's, under its mutex.
    struct mr_log *dirty_next;
    bool dirty;
    bool dirty_fsync;  // It waits for an answer.
    bool syncing;
    int64_t dirty_since_us;
};

static inline mr_log_segment *mr_log_last(const mr_log *log) {
    mr_assert(log->segment_count > 0);
    return log->segments[log->segment_count - 1];
}

// Why a log that is offline refuses: it is gone, or its disk failed.
static inline int16_t mr_log_refusal(const mr_log *log) {
    return log->deleted ? MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION : MR_KAFKA_KAFKA_STORAGE_ERROR;
}

// ---- log.c -----------------------------------------------------------------------------------

// Takes the log offline with the error in cx; its code.
mr_code mr_log_fail(mr_log *log, mr_code code, mr_cx *cx);
void mr_log_tell(mr_log *log);  // Without the mutex.
// The index of the segment that holds an offset: the last one whose base is not behind it.
uint32_t mr_log_segment_of(const mr_log *log, int64_t offset);
void mr_log_segments_insert(mr_log *log, uint32_t index, mr_log_segment *segment);
void mr_log_segments_remove(mr_log *log, uint32_t index, uint32_t count);
// Everything up to here may be shown; places `stable` too. False: nothing moved.
bool mr_log_raise_high(mr_log *log, int64_t high, int64_t base, uint64_t position);
// Ends the last segment and begins another. On failure the log is as it was.
mr_code mr_log_roll(mr_log *log, mr_cx *cx);
// Of the producers, who are as of this offset.
mr_code mr_log_snapshot(mr_log *log, int64_t offset, mr_cx *cx);

// A sync, which runs without the mutex: what it has to do, and up to where it reaches. One at a
// time of a log: the flusher's, or, when that knows the log no more, the close's.
typedef struct mr_log_sync {
    mr_log *log;
    mr_log_segment **segments;  // Heap; references.
    bool *indexes;              // Whose index files too; heap.
    uint32_t segment_count;
    bool dir;
    int64_t next;
    int64_t base;
    uint64_t position;
    uint64_t bytes;  // New since the last one.
} mr_log_sync;
void mr_log_sync_begin(mr_log *log, mr_log_sync *ret);
mr_code mr_log_sync_run(mr_log_sync *sync, mr_cx *cx);
void mr_log_note_failed_sync(mr_log *log, int64_t from, mr_cx *cx);
void mr_log_note_again(mr_log *log, mr_cx *cx);  // If the note is still owed. Under the mutex.
// Moves `high` and tells; or, with a code that is not MR_OK, takes the log offline.
void mr_log_sync_end(mr_log_sync *sync, mr_code code, mr_cx *cx);

// ---- flush.c ---------------------------------------------------------------------------------

void mr_flusher_mark(mr_flusher *flusher, mr_log *log, bool fsync);
// Syncs logs now, on the caller's thread: together, but for those of which a sync is under way,
// which come after it. The list is taken apart.  errors  of the last one that failed
mr_code mr_flusher_sync(mr_flusher *flusher, mr_log **logs, uint32_t count, mr_cx *cx);
void mr_flusher_forget(mr_flusher *flusher, mr_log *log);  // Waits until no sync of it runs.

// ---- check.c: a client's batch, before any lock ----------------------------------------------

typedef struct mr_check {
    const mr_log_config *config;
    mr_log_origin origin;
    int64_t now_ms;
    // What comes out.
    mr_record_batch batch;
    char head[MR_RECORD_BATCH_HEAD_BYTES];  // As it will be written, but for its offset.
    mr_span payload;
} mr_check;
mr_code mr_check_batch(mr_check *check, mr_span in, mr_log_appended *ret_result, mr_cx *cx);

// ---- leavings.c ------------------------------------------------------------------------------

// Removes what a stop left in a log's folder, and finishes compactions that came to their rename.
mr_code mr_log_clear_leavings(const char *dir, mr_cx *cx);
int64_t mr_log_name_offset(const char *name, const char *suffix);  // "….log" → 42; -1 = other.
