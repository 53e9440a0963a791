// Segment: one file of record batches and its indexes.
//
// How: the indexes of the last segment of a log, which is written to, are in memory; they go to
// their files when the segment is sealed, and are searched there from then on. They are made of the
// batches alone, so what a crash leaves of them is thrown away and made again.
// Threads: all under the log's mutex, but the count of references, and what reads the files of a
// sealed segment or of a place below what was there when the mutex was held.
// Source: Kafka's LogSegment, OffsetIndex, TimeIndex, TransactionIndex.

#pragma once

#include <stdatomic.h>

#include "codec/record_batch.h"
#include "log/log.h"

// Numbers on disk are big-endian.
static inline uint64_t mr_segment_load(const char *at, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | (uint8_t)at[i];
    }
    return value;
}
static inline void mr_segment_store(char *to, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (char)(value >> 8 * (bytes - 1 - i));
    }
}

// Of the batch that begins at `position`: its last offset.
typedef struct mr_segment_offset {
    int32_t delta;  // To the segment's base.
    uint32_t position;
} mr_segment_offset;

// The greatest timestamp up to here, and the last offset of the first batch that has it.
typedef struct mr_segment_time {
    int64_t timestamp_ms;
    int32_t delta;
} mr_segment_time;

typedef struct mr_segment_abort {
    mr_log_aborted aborted;
    int64_t stable;  // The log's `stable` would be, had the marker been durable at once.
} mr_segment_abort;

typedef struct mr_log_segment {
    atomic_uint references;
    mr_plat *plat;
    int64_t base;
    int64_t next;  // Behind its last batch; of a sealed one, at most the next segment's base.
    char *path;    // Without the suffix.
    mr_file file;  // Opened when it is needed.
    mr_file index_file;
    mr_file times_file;
    uint64_t bytes;
    uint64_t allocated;  // Room reserved on the disk.

    mr_segment_offset *offsets;  // Of the last segment only.
    uint32_t offset_count, offset_capacity;
    mr_segment_time *times;
    uint32_t time_count, time_capacity;
    mr_segment_abort *aborts;  // Always in memory, by last offset.
    uint32_t abort_count, abort_capacity;
    uint64_t bytes_unindexed;  // Behind the last entry of the offset index.

    int64_t timestamp_max_ms;      // -1 = none.
    int64_t timestamp_max_offset;  // Last offset of that batch.
    int64_t timestamp_first_ms;    // Of its first batch; -1 = none or not known.
    int64_t modified_ms;           // For retention without timestamps.
    bool sealed;                   // Not written to any more; indexes are in files.
    bool dirty;                    // Bytes that no sync covers.
    bool dirty_indexes;            // The same of a sealed one's index files.
    bool gone;                     // Renamed away.
} mr_log_segment;

// Knows a segment's names only.
mr_log_segment *mr_segment_new(const char *dir, int64_t base, mr_plat *plat);
mr_log_segment *mr_segment_ref(mr_log_segment *segment);
void mr_segment_unref(mr_log_segment *segment);  // Takes NULL.
const char *mr_segment_path(const mr_log_segment *segment, const char *suffix, mr_arena *arena);
mr_code mr_segment_open(mr_log_segment *segment, mr_cx *cx);  // For reading; MR_OK when open.
// A last segment, empty, ready to be appended to.
mr_code mr_segment_create(const char *dir, int64_t base, mr_log_segment **ret, mr_cx *cx);
// Opens what is there to be appended to.
mr_code mr_segment_reopen(mr_log_segment *segment, mr_cx *cx);

// Takes a batch that was appended, or found, at `position` into the indexes.
void mr_segment_note(mr_log_segment *segment, const mr_record_batch *batch, uint64_t position,
                     uint64_t interval);
void mr_segment_note_abort(mr_log_segment *segment, const mr_segment_abort *aborted);
void mr_segment_forget(mr_log_segment *segment);          // All that was noted.
void mr_segment_forget_indexes(mr_log_segment *segment);  // But where it ends.
// Writes the index files; with `seal` it is not the last one any more.
mr_code mr_segment_save(mr_log_segment *segment, bool seal, mr_cx *cx);
// Reads the index files: of a sealed segment what is at their ends, of the last one all.
// *ret_sane false: they are not to be trusted.
mr_code mr_segment_load_indexes(mr_log_segment *segment, bool last, bool *ret_sane, mr_cx *cx);
// Aborted transactions alone.
mr_code mr_segment_load_aborts(mr_log_segment *segment, bool *ret_sane, mr_cx *cx);
mr_code mr_segment_sync(mr_log_segment *segment, bool indexes, mr_cx *cx);
// Renames all its files to "….deleted"; readers that hold it go on.
mr_code mr_segment_remove(mr_log_segment *segment, mr_cx *cx);

// Places to begin a search from: at or before the batch that holds `offset`; at or before position
// `position`; the last offset whose greatest timestamp is below time_ms (base when there is none).
mr_code mr_segment_seek(mr_log_segment *segment, int64_t offset, uint64_t *ret_position, mr_cx *cx);
mr_code mr_segment_seek_position(mr_log_segment *segment, uint64_t position, uint64_t *ret_position,
                                 mr_cx *cx);
mr_code mr_segment_seek_time(mr_log_segment *segment, int64_t time_ms, int64_t *ret_offset,
                             mr_cx *cx);

// ---- walking over the batches ----------------------------------------------------------------

typedef struct mr_segment_reader {
    mr_log_segment *segment;
    uint64_t position;  // Of the next batch.
    uint64_t end;       // Up to where.
    mr_text window;     // Heap: the file's bytes from window_at on.
    uint64_t window_at;
    size_t window_bytes;  // How much is read at a time.
    const char *damage;   // Why it stopped before its end; NULL = it did not.
} mr_segment_reader;

void mr_segment_reader_init(mr_segment_reader *reader, mr_log_segment *segment, uint64_t from,
                            uint64_t to, size_t window_bytes);
void mr_segment_reader_release(mr_segment_reader *reader);
// The next batch; without `whole` its bytes and payload only when it is a control batch. It is good
// until the next call. *ret_found false: the end, or damage.
mr_code mr_segment_next(mr_segment_reader *reader, bool whole, mr_record_batch *ret,
                        bool *ret_found, mr_cx *cx);
