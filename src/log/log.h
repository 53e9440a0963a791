// Log: one partition on disk, in Kafka's own file layout.
//
//   <topic>-<n>/00000000000000000000.log        record batches, as they came
//               00000000000000000000.index      offset → position, an entry every 4 KiB
//               00000000000000000000.timeindex  greatest timestamp so far → offset
//               00000000000000000000.txnindex   aborted transactions (only if there are any)
//               00000000000000000000.snapshot   producers as of this offset
//               sync-failed                     there after a sync failed: see log.c
//               leader-epoch-checkpoint, partition.metadata
//
// Four offsets rule a partition: `first`, where it begins; `stable`, the first of an open
// transaction; `high`, up to where it survives a power cut; `next`, where the next record goes.
// first <= stable <= high <= next. Nothing at or above `high` is shown to a reader: with durability
// fsync, `high` moves only after the fdatasync that covers it (flush.h), with durability kafka at
// once. After a crash everything below `high` is there, byte for byte.
//
// Threads: any; each log has a mutex of its own, held while bytes are written to the page cache and
// not while they are synced. A refusal of a client's batch is a Kafka error in the result; an
// mr_code is trouble of the machine: MR_E_FULL leaves the log as it was, a failed write or sync
// takes it offline (MR_E_IO, MR_FATAL) until it is opened again.

#pragma once

#include "codec/kafka_error.h"
#include "codec/record_batch.h"
#include "log/flush.h"
#include "plat/plat.h"

typedef struct mr_log mr_log;

typedef enum mr_log_compression {
    MR_LOG_COMPRESSION_PRODUCER = -1,  // As it came. Else one of mr_compression.
} mr_log_compression;

// The settings of a topic that a log acts by; Kafka's names and meanings.
typedef struct mr_log_config {
    uint64_t segment_bytes;
    int64_t segment_ms;
    int64_t segment_jitter_ms;
    uint64_t index_interval_bytes;
    uint64_t segment_index_bytes;
    int64_t retention_ms;     // -1 = for ever.
    int64_t retention_bytes;  // -1 = no limit.
    bool cleanup_delete;      // cleanup.policy
    bool cleanup_compact;
    int64_t delete_retention_ms;
    int64_t min_compaction_lag_ms;
    int64_t max_compaction_lag_ms;
    double min_cleanable_dirty_ratio;
    int64_t file_delete_delay_ms;
    uint64_t max_message_bytes;
    int compression;        // compression.type: mr_log_compression or mr_compression.
    bool timestamp_append;  // message.timestamp.type
    int64_t timestamp_before_max_ms;
    int64_t timestamp_after_max_ms;
    bool preallocate;
    bool fsync;  // durability 'fsync', else 'kafka'.
    int64_t producer_id_expiration_ms;
} mr_log_config;

void mr_log_config_default(mr_log_config *ret);  // Kafka 3.9's defaults, but durability fsync.

typedef struct mr_log_marks {
    int64_t first;   // Log start offset.
    int64_t stable;  // Last stable offset, for read_committed.
    int64_t high;    // High watermark, for read_uncommitted.
    int64_t next;    // Log end offset.
} mr_log_marks;

// Told, without any lock held, when `high`, `stable` or `first` moved, or the log went offline. By
// the thread that moved it.
typedef struct mr_log_listener {
    void (*moved)(void *self);
    void *self;
} mr_log_listener;

typedef struct mr_log_options {
    const char *dir;    // Made when absent; its name is "<topic>-<n>".
    const char *topic;  // For messages.
    int32_t partition;
    const char *topic_id;  // As in Kafka's partition.metadata (base64); NULL = none is written.
    mr_log_config config;
    mr_flusher *flusher;
    mr_log_listener listener;
    // Written by the last clean close of all logs: trust the files. Else what lies behind the
    // recovery point is walked, and cut at the first batch that is not whole.
    bool clean;
    int64_t recovery_point;  // Everything below was synced; 0 = unknown.
    int64_t first;           // Log start offset as last checkpointed; 0 = as the files say.
} mr_log_options;

// What opening found, for the owner's log lines.
typedef struct mr_log_recovery {
    uint64_t bytes_read;
    uint64_t bytes_cut;  // Of a torn tail.
    uint32_t segments;
} mr_log_recovery;

// errors  MR_E_CORRUPT naming file and position for damage below the recovery point
mr_code mr_log_open(const mr_log_options *options, mr_log **ret, mr_log_recovery *ret_recovery,
                    mr_cx *cx);
// Syncs, writes indexes and a producer snapshot, and closes, whatever it returns. Slices that are
// held stay readable. Only when all logs of a broker gave MR_OK may the next start be told `clean`.
mr_code mr_log_close(mr_log *log, mr_cx *cx);
void mr_log_drop(mr_log *log, mr_cx *cx);  // Closes without a word to the disk (after a failure).
// Deletes: takes it offline and renames its folder to "….<32 hex digits>-delete" at once;
// mr_log_sweep removes that. Who still has it gets UNKNOWN_TOPIC_OR_PARTITION; the last one calls
// mr_log_drop.
mr_code mr_log_delete(mr_log *log, mr_cx *cx);
// A log that is offline from the start, for what mr_log_open could not open: its owner goes on
// without it. options->dir is not touched. Freed by mr_log_drop.
mr_log *mr_log_broken(const mr_log_options *options, const mr_error *why);
// Removes what a deletion or a crash left in the folder of all logs.
mr_code mr_log_sweep(const char *root, mr_cx *cx);

void mr_log_configure(mr_log *log, const mr_log_config *config);
mr_log_marks mr_log_marks_of(mr_log *log);
bool mr_log_offline(mr_log *log, mr_error *ret_why);  // ret_why may be NULL.
uint64_t mr_log_bytes(mr_log *log);                   // Of all segments' records.
int64_t mr_log_recovery_point(mr_log *log);
// Returns when all that readers of these logs may see survives a power cut: with durability kafka,
// after a sync of those that need one; with fsync it does anyway.
//   logs    of one flusher
//   errors  of a sync, which takes its log offline
mr_code mr_log_settle(mr_log *const *logs, uint32_t count, mr_cx *cx);
mr_code mr_log_flush(mr_log *log, mr_cx *cx);  // Of all that was appended.

// ---- writing ---------------------------------------------------------------------------------

typedef enum mr_log_origin {
    MR_LOG_CLIENT,       // All of Kafka's checks of a producer's batch.
    MR_LOG_CLIENT_2,     // The same, of a client that uses transactions of version 2.
    MR_LOG_COORDINATOR,  // The broker's own: may write control batches and internal topics.
} mr_log_origin;

typedef struct mr_log_appended {
    int16_t error;               // A mr_kafka_error; all else is for NONE only.
    const char *reason;          // Words for it in cx->arena, or NULL.
    const int32_t *bad_records;  // Of INVALID_RECORD: indices in the batch, in cx->arena; or NULL.
    uint32_t bad_count;
    int64_t base_offset;  // Of a duplicate: the original's.
    int64_t last_offset;
    int64_t append_time_ms;  // -1 unless timestamps are the log's.
    bool duplicate;          // Was there already (idempotent producer).
} mr_log_appended;

// Appends what a produce request has for this partition: exactly one batch. It is durable once
// `high` is above last_offset.
mr_code mr_log_append(mr_log *log, mr_span batch, mr_log_origin origin, mr_log_appended *ret,
                      mr_cx *cx);
// Ends a producer's transaction here. With no open one of this producer it is a marker all the
// same.
typedef struct mr_log_end {
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t coordinator_epoch;
    bool commit;
    int16_t version;  // Of transactions: with 2 the epoch must be above that of the data.
} mr_log_end;
mr_code mr_log_end_transaction(mr_log *log, const mr_log_end *end, mr_log_appended *ret, mr_cx *cx);

// ---- reading ---------------------------------------------------------------------------------

typedef enum mr_log_isolation { MR_LOG_UNCOMMITTED, MR_LOG_COMMITTED } mr_log_isolation;

typedef struct mr_log_wish {
    int64_t offset;
    uint64_t bytes_max;
    bool at_least_one;  // The first batch, even if it is larger than bytes_max.
    mr_log_isolation isolation;
} mr_log_wish;

// A run of whole batches in one segment file; stays readable while it is held, whatever is deleted.
typedef struct mr_log_slice {
    struct mr_log_segment *segment;  // A reference; NULL = nothing.
    uint64_t position;
    uint64_t bytes;
    int64_t first_offset;  // Of its first batch, which holds the wished offset or begins behind it.
    int64_t next_offset;   // Behind its last batch.
} mr_log_slice;

// From the batch that holds `offset` on, up to the end that the isolation may see. bytes 0 =
// nothing there yet.
//   ret_error  OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR, UNKNOWN_TOPIC_OR_PARTITION, NONE
mr_code mr_log_read(mr_log *log, const mr_log_wish *wish, mr_log_slice *ret, int16_t *ret_error,
                    mr_cx *cx);
void mr_log_slice_release(mr_log_slice *slice);  // Takes an empty one.
// Its bytes, copied; `at` from the slice's start.
mr_code mr_log_slice_load(const mr_log_slice *slice, uint64_t at, void *data, size_t bytes,
                          mr_cx *cx);
// The file that the bytes are in, for sending them without a copy.
const mr_file *mr_log_slice_file(const mr_log_slice *slice);

typedef struct mr_log_aborted {
    int64_t producer_id;
    int64_t first_offset;
    int64_t last_offset;
} mr_log_aborted;
// The aborted transactions that overlap from <= offset < to; in cx->arena, by first offset.
//   errors  MR_E_MISSING when `from` is in a segment that is gone
mr_code mr_log_aborted_in(mr_log *log, int64_t from, int64_t to, mr_log_aborted **ret,
                          uint32_t *ret_count, mr_cx *cx);

// The same for what a slice holds. *ret_stale: its segment has been replaced by compaction, or
// deleted, since it was read, so nobody may know any more what was aborted in it: read again.
void mr_log_aborted_of(mr_log *log, const mr_log_slice *slice, mr_log_aborted **ret,
                       uint32_t *ret_count, bool *ret_stale, mr_cx *cx);

typedef struct mr_log_found {
    int64_t offset;  // -1 = none.
    int64_t timestamp_ms;
} mr_log_found;
// The first record with a timestamp at or after time_ms, below the end that the isolation sees.
mr_code mr_log_find_time(mr_log *log, int64_t time_ms, mr_log_isolation isolation,
                         mr_log_found *ret, mr_cx *cx);
// The record with the greatest timestamp.
mr_code mr_log_find_latest(mr_log *log, mr_log_found *ret, mr_cx *cx);

// ---- producers -------------------------------------------------------------------------------

typedef struct mr_log_producer {
    int64_t producer_id;
    int16_t epoch;
    int32_t last_sequence;
    int64_t last_timestamp_ms;
    int32_t coordinator_epoch;
    int64_t transaction_start;  // -1 = none is open.
} mr_log_producer;
// In cx->arena, by producer id.
void mr_log_producers(mr_log *log, mr_log_producer **ret, uint32_t *ret_count, mr_cx *cx);

// ---- upkeep ----------------------------------------------------------------------------------

// Nothing below `before` is there any more; its segments go. -1 = up to `high`.
//   ret_error  OFFSET_OUT_OF_RANGE, POLICY_VIOLATION
mr_code mr_log_delete_records(mr_log *log, int64_t before, int64_t *ret_first, int16_t *ret_error,
                              mr_cx *cx);
// Rolls by time, deletes by retention, expires producers. Call it every now and then.
mr_code mr_log_tend(mr_log *log, int64_t now_ms, mr_cx *cx);
// Compacts what is worth it (cleanup.policy compact). *ret_bytes freed.
mr_code mr_log_compact(mr_log *log, int64_t now_ms, uint64_t *ret_bytes, mr_cx *cx);
