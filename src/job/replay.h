// Replay: rows of a source's bad or late table go through the pipeline once more.
//
// A replay is a pipeline of its own: the same query (only the tables that missed the rows), with
// the kept records for a source, no lateness test, and a state and names of its own:
//
//   state/<pipeline>/replay/<table>/<n>/records    what is replayed: its rename is the decision
//   state/<pipeline>/replay/<table>/<n>/commit-…   how far it got
//   state/<pipeline>/replay/<table>/<n>/done
// So a crash at any moment leaves a replay that never began, or one that the next call finishes.
// What is listed in some `records` is not taken again; a record that became bad once more stands in
// the table once more, and may be.
//
// Exact where no operator keeps state. Windows that were emitted are not opened again, and copies
// are known only among the replayed rows: with as_new_rows the results are added as further rows.

#pragma once

#include "job/job.h"

typedef struct mr_replay_spec {
    const char *table;  // "events_late", "events_bad"
    const char *where;  // SQL condition on its rows, or NULL.
    bool as_new_rows;   // Though results of the replayed rows stand by themselves.
    bool dry;           // Only count.
} mr_replay_spec;

typedef struct mr_replay_report {
    uint64_t replayed;  // Rows (or would be).
    uint64_t already;   // Were replayed before.
    uint64_t partial;   // Count in some of their windows already.
    uint64_t unfit;     // Without the whole record, or from a query that the file has no more.
    uint64_t resumed;   // Rows of replays that were not finished.
} mr_replay_report;

// Loads its jobs from spec (without until). Takes the pipeline's lock. Memory: cx->arena.
//   errors  MR_E_NAME for a table that is none of the pipeline's; MR_E_UNSUPPORTED where
//           as_new_rows is needed; MR_E_SYNTAX … for the condition; those of a run
mr_code mr_replay_run(const mr_job_spec *spec, const mr_replay_spec *replay, mr_replay_report *ret,
                      mr_cx *cx);
