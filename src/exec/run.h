// Run: the inside of a driver, shared by driver.c (life), worker.c (input), emit.c and epoch.c (the
// epoch's end), commit.c (the commit record) and flow.c (the graph of operators). Nobody else
// includes it.

#pragma once

#include <inttypes.h>

#include "exec/commit_log.h"
#include "exec/driver.h"
#include "exec/exchange.h"
#include "exec/lanes.h"
#include "exec/op_distinct.h"
#include "exec/order.h"
#include "exec/staging.h"

// What a worker made in one epoch. At the epoch's end it is swapped for the emptied one of the
// epoch before, so that the worker goes on while the driver merges, emits and commits this one.
typedef struct mr_worker_part {
    mr_op_aside *asides;  // By source.
    mr_rows *collected;   // By insert; those that no worker feeds stay empty.
    mr_order *orders;     // By insert: of what was collected, if there are several workers.
    mr_panes *panes;      // By aggregate; those behind another aggregate stay unused.
    mr_text *ids;         // By plan id: what a DISTINCT added.
    // Ids of whole key groups, for the record: those of part p of the plan with id n are bytes
    // copy_ends[p * plan_count + n] .. copy_ends[p * plan_count + n + 1] - 1; p counts from the
    // first part that the record carries.
    mr_text copies;
    size_t *copy_ends;
} mr_worker_part;

typedef struct mr_worker {
    mr_driver *driver;
    uint32_t index;
    mr_thread thread;
    mr_cx cx;            // The worker's own.
    mr_arena arena;      // Of one message or push.
    mr_arena ops_arena;  // Of the operators.
    mr_op_env env;
    mr_op_aside *asides;   // By source.
    mr_op **ops;           // By plan id; NULL for nodes behind an aggregate.
    mr_rows **collected;   // By insert: rows of inserts that no aggregate feeds; NULL else.
    mr_order *orders;      // By insert: where they came from.
    mr_reader **readers;   // By source.
    mr_worker_part part;   // The driver's, but for `copies` while copy_due.
    atomic_bool copy_due;  // The worker has to fill part.copies before it does anything else.
    atomic_bool failed;
    mr_code code;             // Why it stopped; the error is in cx.
    int64_t *read_ns;         // By source: reading and decoding, in a measured run.
    uint64_t aggregate_rows;  // Pushed since the size of the panes was last looked at.
} mr_worker;

// A chain of stateless operators from an aggregate to an insert, or to a further aggregate.
typedef struct mr_segment {
    mr_op *first;              // NULL: straight to the target.
    const mr_plan *from;       // The AGGREGATE it starts at.
    int32_t insert;            // Target: an insert …
    const mr_plan *aggregate;  // … or an AGGREGATE (then insert is -1).
} mr_segment;

// An aggregate's state over all workers and epochs.
typedef struct mr_aggregate {
    const mr_plan *plan;
    mr_panes panes;
    mr_panes fed;          // Rows from another aggregate in this epoch; like a worker's part.
    bool serial;           // Fed by an aggregate, not by workers.
    int64_t watermark_us;  // Of its input, at the last epoch's end: windows that it closes are
                           // emitted. In the record: closing all windows moves it past its input's.
    mr_text delta;         // What this epoch added.
    uint64_t rows_out;     // Emitted since open.
    int64_t busy_ns;       // Merging and emitting, in a measured run.
} mr_aggregate;

typedef struct mr_counters {
    uint64_t input_rows;
    uint64_t input_bytes;
    uint64_t bad_rows;
    uint64_t late_rows;
    uint64_t duplicates;
} mr_counters;

// What the driver has to know of an epoch when the workers are already in the next one.
typedef struct mr_epoch_taken {
    uint64_t chunks;
    int64_t watermark_before_us;  // The global one, before the epoch's end moved it.
    uint64_t distinct_ids;        // Of all DISTINCTs,
    uint64_t *distinct_bytes;     // and by plan id.
    mr_text sources;              // Their part of the record.
    int64_t **positions;          // By source and partition.
    uint32_t *position_counts;
    uint32_t copy_first;  // Parts that the record carries in full: copy_count from this one on,
    uint32_t copy_count;  // round and round.
} mr_epoch_taken;

typedef struct mr_pending {  // A publication that the log lists and that is not known to be
                             // published.
    uint32_t sink;           // Index of the staging; UINT32_MAX: the pipeline has it no more.
    const char *table;
    mr_publication publication;
} mr_pending;

typedef struct mr_recovered {  // A source's positions as the log has them.
    mr_arena arena;
    bool known;  // false: the source starts anew.
    const char **names;
    int64_t *positions;
    uint32_t count;
} mr_recovered;

#define MR_LANES_MAX \
    4096  // Of one source, so that lanes keep their numbers when partitions are added.
#define MR_SNAPSHOT_PARTS (MR_KEY_GROUPS + 1)  // The key groups, and the sinks' waiting rows.

struct mr_driver {
    mr_driver_spec spec;
    mr_arena arena;        // Of the driver's life.
    mr_arena epoch_arena;  // Of one epoch's end.
    mr_plat *plat;
    uint64_t incarnation;
    uint64_t seed;
    uint64_t epoch;            // Last committed.
    uint64_t epoch_first;      // First one in the log at open.
    uint64_t published_epoch;  // All publications up to it are visible.
    int64_t watermark_us;      // Global.
    bool has_state;            // Epoch 0 is committed.
    bool flowing;              // Operators exist.
    bool same_query;           // The log's last record is this pipeline's in whole.
    bool changing;             // The record being built is the first of a changed query.
    bool *forgotten;           // By plan id: starts empty; NULL = none.
    bool has_distinct;
    mr_commit_log log;
    mr_pending *pending;  // From recovery. Heap.
    uint32_t pending_count;
    mr_recovered *positions;                 // By source.
    uint64_t part_epoch[MR_SNAPSHOT_PARTS];  // Epoch of each part's last full copy.
    uint32_t part_next;

    mr_worker *workers;
    uint32_t worker_count;
    mr_exchange exchange;
    mr_lanes lanes;
    uint32_t *lane_first;      // By source: its first lane.
    mr_aggregate *aggregates;  // In plan order.
    uint32_t aggregate_count;
    mr_segment *segments;
    uint32_t segment_count;
    mr_op_env serial_env;  // Of operators behind aggregates.
    mr_op_aside *serial_asides;
    mr_staging *stagings;  // Inserts, then bad and late tables of each source.
    uint32_t staging_count;

    mr_mutex claim_mutex;   // Sources' claims, lanes' claimed, active.
    atomic_bool pausing;    // No more claims in this epoch.
    atomic_bool stopping;   // Workers leave.
    atomic_uint active;     // Chunks claimed and not yet sent on.
    atomic_uint parked;     // Workers that wait for the next epoch.
    atomic_bool exhausted;  // Every source is done.
    atomic_bool caught_up;  // In this epoch there was nothing left to take for a moment.
    bool behind;            // In the last one there never was, or there was none.
    atomic_bool full;       // A state budget is used up: end the epoch.
    atomic_uint_fast64_t epoch_rows;
    atomic_uint_fast64_t epoch_bytes;
    atomic_uint epoch_chunks;
    uint64_t claims;          // Chunks claimed since open, of all lanes; under the claim mutex.
    uint64_t dropped_before;  // Duplicates counted up to the last epoch.
    uint32_t source_next;     // Round robin.

    mr_counters counters;  // Since the first start.
    mr_counters epoch_counters;
    mr_epoch_taken taken;
    uint64_t panes_delta_bytes;  // Of the last record.
    uint64_t panes_bytes;        // Of all aggregates' states,
    uint64_t panes_states;       // and their number, when the last record was built.
    bool held;                   // The last epoch: workers stay parked.
    int64_t resumed_us;          // Monotonic: the running epoch began.
    mr_mutex signal_mutex;       // With it workers tell the driver that something changed.
    mr_condition signal;
    bool recovered;
    bool ended;            // until = end: all windows were emitted.
    int64_t epoch_us;      // Length of the running epoch.
    int64_t started_us;    // Monotonic: run began.
    uint32_t epochs_done;  // In this run.
    const char *stalled;
    mr_text record;  // The commit record being built.
};

// flow.c: builds the operators of all workers and the segments behind aggregates; frees them.
mr_code mr_flow_build(mr_driver *driver, mr_cx *cx);
void mr_flow_release(mr_driver *driver);
// Readers of all sources, on each worker.
mr_code mr_flow_open_readers(mr_driver *driver, mr_cx *cx);
// Pushes rows of an aggregate through a segment.
mr_code mr_flow_push_segment(mr_driver *driver, mr_segment *segment, const mr_batch *rows,
                             mr_cx *cx);
mr_aggregate *mr_flow_aggregate(mr_driver *driver, const mr_plan *plan);
// The watermark of an aggregate's input: the global one, or the least window that its input may
// still emit.
int64_t mr_flow_input_watermark(mr_driver *driver, const mr_aggregate *aggregate);
// Counts lanes anew after partitions were added; only between epochs.
void mr_flow_size_lanes(mr_driver *driver);

// worker.c: one step: a message, or a chunk. *ret_worked false when there is nothing to do.
mr_code mr_worker_step(mr_worker *worker, bool *ret_worked);
void *mr_worker_run(void *worker);  // A thread's life.
void mr_worker_wait(mr_worker *worker, int64_t timeout_us);

// barrier.c: with all workers parked, takes what they made in the epoch, moves the watermark, and
// notes what the next epoch would change.
void mr_barrier_take(mr_driver *driver, mr_cx *cx);
// The same for a record outside of epochs: nothing moves.
void mr_barrier_note(mr_driver *driver, mr_cx *cx);
void mr_barrier_copy(mr_worker *worker);  // The worker's own share, before it goes on.
void mr_barrier_now(mr_driver *driver);   // Sets the time that the next epoch's now() has.
void mr_barrier_build(mr_driver *driver, mr_worker *worker);
void mr_barrier_release(mr_driver *driver, mr_worker *worker);

// epoch.c: the end of an epoch: takes it from the parked workers and resumes them, then emits,
// prepares, commits, publishes. *ret_committed false: there was nothing to commit.
typedef struct mr_epoch_end {
    bool last;   // The run ends with this epoch: workers stay parked.
    bool flush;  // Waiting rows are handed over though no trigger is due.
    bool close_windows;
    int64_t input_us;  // For progress: how long the epoch took rows,
    int64_t delay_us;  // and how much later than due it ended.
} mr_epoch_end;
mr_code mr_epoch_finish(mr_driver *driver, const mr_epoch_end *end, bool *ret_committed, mr_cx *cx);
// emit.c: merges what was taken from the workers, emits what is due into the waiting rows.
mr_code mr_emit_run(mr_driver *driver, uint64_t epoch, const mr_epoch_end *end, mr_cx *cx);
mr_code mr_epoch_settle_sources(mr_driver *driver, mr_cx *cx);   // Before positions are committed.
mr_code mr_epoch_publish_pending(mr_driver *driver, mr_cx *cx);  // After recovery.
// driver.c: workers go on with the next epoch; after a stall within it, they just go on.
void mr_driver_resume(mr_driver *driver);
void mr_driver_release(mr_driver *driver);
// Wakes the driver: an epoch may be over, a worker has parked or failed.
void mr_driver_signal(mr_driver *driver);
// Waits until done(driver), which reads only what is followed by a signal.
void mr_driver_wait(mr_driver *driver, bool (*done)(mr_driver *driver));

// commit.c: the record of the epoch being finished, into driver->record.
// Chooses the parts that the record will carry in full. With all workers parked.
void mr_commit_choose_parts(mr_driver *driver);
void mr_commit_build(mr_driver *driver, uint64_t epoch, int64_t time_us);
// commit_replay.c: a record of the log into the driver; "kept for another query" as an error.
mr_code mr_commit_apply_record(void *driver, uint64_t epoch, mr_span payload, mr_cx *cx);
mr_code mr_commit_other_query(const mr_driver *driver, mr_cx *cx);
uint64_t mr_commit_cut_epoch(const mr_driver *driver);  // Segments before it are not needed.
