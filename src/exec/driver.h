// Driver: runs one pipeline: workers, epochs, commits, recovery.
//
// Life of an epoch: workers take source chunks, decode and push them; at the end of the epoch
// (time, bytes, rows, a full state budget, stop) they drain what is under way. The driver takes
// what they made, moves the watermark and lets them go on with the next epoch; beside them it
// merges their panes, emits what is due, hands due rows to the sinks, appends ONE commit record and
// fsyncs it, and publishes. So at most one epoch is uncommitted while the next one runs. With one
// worker everything runs in the caller's thread, one after the other: that is what the simulator
// runs.

#pragma once

#include "exec/op.h"
#include "exec/table.h"
#include "plat/plat.h"
#include "port/port.h"
#include "sql/plan.h"

typedef struct mr_driver mr_driver;

typedef struct mr_driver_options {
    uint32_t workers;          // >= 1
    int64_t epoch_us;          // Longest epoch; the first ones are shorter.
    int64_t epoch_first_us;    // The first one, twice as long each time; 0 = epoch_us.
    uint64_t seed;             // Of a fresh state's hashes; 0 = random.
    uint64_t epoch_bytes;      // Input bytes that end an epoch.
    uint64_t epoch_rows;       // The same in rows; 0 = no limit. For tests.
    uint64_t state_bytes_max;  // memory_limit of the pipeline's state; 0 = none.
    uint64_t log_bytes;  // A commit log up to this long is never worth shortening; 0 = it always
                         // is, for tests.
    uint32_t
        stop_after_epochs;  // Stop cleanly after so many committed epochs; 0 = never. For tests.
    mr_until until;
    int64_t duration_us;  // Stop after so long; 0 = never.
    bool accept_loss;     // Go on though a listed file is gone.
    bool measured;        // Time what each operator does, for measure.h.
} mr_driver_options;

// Spark's StreamingQueryProgress, in our terms; counts are of the last epoch unless they say total.
typedef struct mr_progress_sink {
    const char *name;
    uint64_t rows_total;
    uint64_t rows_waiting;
} mr_progress_sink;
typedef struct mr_progress {
    uint64_t epoch;
    int64_t epoch_time_us;  // Wall clock at its start.
    int64_t duration_us;    // Start to commit.
    int64_t input_us;       // Taking and processing rows.
    int64_t emit_us;        // Merging, emitting, handing to sinks.
    int64_t commit_us;      // Appending and syncing the record.
    int64_t publish_us;
    int64_t scheduling_delay_us;  // How much later than its trigger the epoch started.
    uint64_t input_rows;
    uint64_t input_bytes;
    uint64_t input_rows_total;  // Since the pipeline's first start, as all totals.
    uint64_t bad_rows_total;
    uint64_t late_rows_total;
    uint64_t duplicates_total;
    int64_t watermark_us;  // INT64_MIN = none yet.
    uint64_t state_rows;
    uint64_t state_bytes;
    uint64_t log_bytes;
    bool recovered;  // The first epoch after a restart from a commit.
    const mr_progress_sink *sinks;
    uint32_t sink_count;
    mr_source *const *sources;  // With their partitions' positions.
    uint32_t source_count;
    bool done;  // The whole input was read and its results are out; maybe without a new commit.
    const char *stalled;  // Why no epoch can be committed at the moment; NULL = fine.
} mr_progress;

// How a start takes over a state that another query left: what is the same goes on (operators by
// the hash of their sub-plan, sinks and sources by name), all else is left behind. The first record
// of the run holds the state whole, so that the change is one commit. Who asks for it has looked at
// the difference before (state.h).
typedef struct mr_driver_change {
    const bool *forget;     // By insert: operators that only such inserts use start empty.
    const bool *restart;    // By source: begins where its options say, not where it stood.
    const bool *drop_rows;  // By sink (inserts, then bad and late of each source): waiting rows go.
} mr_driver_change;

typedef struct mr_driver_spec {
    const mr_pipeline *pipeline;
    const char *state_dir;           // <data>/state/<pipeline>
    uint64_t query_hash;             // Of the query's description, which the caller keeps.
    const mr_driver_change *change;  // NULL: the state must be this pipeline's in whole.
    mr_source **sources;             // Opened; by index in the pipeline.
    mr_sink **sinks;                 // Opened; by index of the insert.
    mr_sink **bad_sinks;             // Opened; by source.
    mr_sink **late_sinks;
    mr_table **tables;         // By index in the pipeline.
    int64_t aside_trigger_us;  // Trigger of bad and late tables.
    mr_driver_options options;
    // After each committed and published epoch. May be NULL.
    void (*progress)(void *self, const mr_progress *progress);
    // After publications: readers may see epochs up to this one. May be NULL.
    mr_code (*published)(void *published_self, uint64_t incarnation, uint64_t epoch, mr_cx *cx);
    void *self;
    // With all workers parked: static tables may be replaced. May be NULL.
    void (*between_epochs)(void *published_self, mr_cx *cx);
    void *published_self;
} mr_driver_spec;

// How many of the wanted workers a pipeline can use.
uint32_t mr_driver_workers(const mr_pipeline *pipeline, uint32_t wanted);
// Opens the state: recovers from the commit log, or resolves the start and commits epoch 0.
//   errors  MR_E_CORRUPT; MR_E_UNSUPPORTED when the state belongs to another query; MR_E_MISSING
//   for a
//           published file that is gone
mr_code mr_driver_open(const mr_driver_spec *spec, mr_driver **ret, mr_cx *cx);
// Runs until the input's end (per options.until), a stop (cx->cancel) or an error. On MR_OK
// everything taken is committed.  *ret_ended: the whole input was read (false: stopped before).
mr_code mr_driver_run(mr_driver *driver, bool *ret_ended, mr_cx *cx);
void mr_driver_close(mr_driver *driver);
// Identity of the state, for names and messages.
uint64_t mr_driver_incarnation(const mr_driver *driver);
uint64_t mr_driver_epoch(const mr_driver *driver);  // Last committed.
