// Record: what is kept of runs and tasks: the tables of the flow database, and the calls on them.
//
//   dag ─< dag_version      dag ─< run ─< task ─< try      output (of a task)      backfill ─< run
// One transaction a turn of the scheduler: what ended, what follows from it and what is to be
// started are committed together; only then is anything started.
// Who writes owns the database: SQLite by <data>/flow.lock, PostgreSQL by a row of `lease` that
// carries an epoch. Each turn's transaction first renews that row under its epoch, so a scheduler
// that lost the lease changes nothing. Numbers of rows (ids) are given here, from 1, by the owner
// alone, so a turn needs no answer from the database before its commit.
// States are kept as text, with Airflow's names. Times are microseconds since 1970, 0 = not yet.
// Threads: one owner, one thread. Readers (commands, the page) open their own.

#pragma once

#include "flow/executor.h"
#include "store/db.h"

// clang-format off
#define MR_TASK_STATES(X) \
    X(NONE, "none")                       /* Its upstream is not over yet. */ \
    X(QUEUED, "queued")                   /* Ready; waits for a slot. */ \
    X(RUNNING, "running") \
    X(WAITING, "waiting")                 /* A wait between two looks. */ \
    X(UP_FOR_RETRY, "up_for_retry") \
    X(SUCCESS, "success") \
    X(FAILED, "failed") \
    X(SKIPPED, "skipped") \
    X(UPSTREAM_FAILED, "upstream_failed") \
    X(CANCELLED, "cancelled") \
    X(REMOVED, "removed")
#define MR_RUN_STATES(X) \
    X(QUEUED, "queued") X(RUNNING, "running") X(SUCCESS, "success") X(FAILED, "failed") \
    X(CANCELLED, "cancelled")
#define MR_RUN_TYPES(X) \
    X(SCHEDULED, "scheduled") X(MANUAL, "manual") X(BACKFILL, "backfill") X(CALLED, "called")
// clang-format on

typedef enum mr_task_state {
#define MR_TASK_STATE(name, text) MR_STATE_##name,
    MR_TASK_STATES(MR_TASK_STATE)
#undef MR_TASK_STATE
} mr_task_state;

typedef enum mr_run_state {
#define MR_RUN_STATE(name, text) MR_RUN_##name,
    MR_RUN_STATES(MR_RUN_STATE)
#undef MR_RUN_STATE
} mr_run_state;

typedef enum mr_run_type {
#define MR_RUN_TYPE(name, text) MR_RUN_IS_##name,
    MR_RUN_TYPES(MR_RUN_TYPE)
#undef MR_RUN_TYPE
} mr_run_type;

const char *mr_task_state_text(mr_task_state state);
const char *mr_run_state_text(mr_run_state state);
const char *mr_run_type_text(mr_run_type type);
bool mr_task_state_is_over(mr_task_state state);

// ---- rows: strings given to a call are borrowed; those that it gives are in cx->arena ----------
typedef struct mr_record_dag {
    const char *id;
    const char *file;
    bool paused;
    int64_t version;       // Its newest; 0 = none could ever be read.
    int64_t watermark_us;  // The last tick that was decided on (run or passed over); 0 = none yet.
    int64_t seen_us;       // When it was first seen.
    int64_t missing_us;    // Since when its file is gone; 0 = it is there.
    const char *hash;      // Given by mr_record_dags: that of its newest version; "" = none.
} mr_record_dag;

typedef struct mr_record_run {
    int64_t id;
    const char *dag;
    const char *run_id;  // "scheduled__2025-11-26T18:30:00+00:00"
    mr_run_type type;
    mr_run_state state;
    int64_t logical_us;
    int64_t interval_start_us, interval_end_us;
    int64_t created_us, started_us, ended_us;
    int64_t version;   // Of the DAG.
    int64_t backfill;  // 0 = none.
    int64_t caller;    // CALLED: the task (its id) that waits for it; 0 = none.
    bool deadline_told;
    mr_span conf_json;  // Params, defaults filled in; an object.
    const char *note;   // Why it is as it is, for people; "" = nothing to say.
} mr_record_run;

typedef struct mr_record_task {
    int64_t id;
    int64_t run;
    const char *task;   // Its id in the DAG.
    int32_t map_index;  // Of foreach, from 0; -1 = not mapped.
    mr_task_state state;
    int32_t tries;       // Made so far.
    int32_t retries;     // Of them, those that count against `retries`: a lost try does not.
    int64_t ready_us;    // Since when it could have run.
    int64_t started_us;  // Of the newest try; of a wait: of its first.
    int64_t ended_us;
    int64_t next_us;     // UP_FOR_RETRY, WAITING: when it is tried again.
    mr_span item_json;   // Of foreach; empty = none.
    const char *reason;  // Of its state, for people; "" = nothing to say.
} mr_record_task;

typedef struct mr_record_try {
    int64_t id;
    int64_t task;
    int32_t number;       // From 1.
    mr_task_state state;  // RUNNING: open; else what came of it.
    const char *dir;
    mr_try_exit exit;  // Once it is over.
} mr_record_try;

typedef struct mr_record_output {
    int64_t task;
    const char *key;
    mr_span json;
} mr_record_output;

typedef struct mr_record_backfill {
    int64_t id;
    const char *dag;
    int64_t from_us, to_us;
    const char *reprocess;  // none failed all
    int64_t max_active_runs;
    bool backwards;
    mr_run_state state;
    int64_t created_us, ended_us;
} mr_record_backfill;

// ---- opening and turns
// ---------------------------------------------------------------------------

typedef struct mr_record mr_record;

typedef struct mr_record_spec {
    const char *data_dir;
    const char *store;   // "" = <data>/flow.db; or postgresql://…
    const char *holder;  // PostgreSQL: who takes the lease: "host, process 123".
    int64_t lease_us;    // PostgreSQL: it is free when not renewed for so long. 0 = 15 s.
} mr_record_spec;

// Takes the lock or the lease, and brings the tables up to date.
//   errors  MR_E_LOCKED naming the holder (MR_RETRY of a lease: it may end), and mr_db_open's
mr_code mr_record_own(const mr_record_spec *spec, mr_record **ret, mr_cx *cx);
// For reading beside an owner: only the calls that take a const record.
//   errors  MR_E_MISSING when there is no database yet
mr_code mr_record_read(const mr_record_spec *spec, mr_record **ret, mr_cx *cx);
void mr_record_close(mr_record *record, mr_cx *cx);  // Takes NULL. Gives the lease back.
mr_db *mr_record_db(const mr_record *record);        // The vault shares it.
const char *mr_record_store(const mr_record_spec *spec, mr_arena *arena);  // What mr_db_open gets.

// A turn. Writes in between may reach the database only with the commit, and so may their errors.
//   errors  MR_E_LOCKED with MR_FATAL: another owner has the lease, nothing was changed
//           MR_E_NETWORK, MR_E_FULL with MR_RETRY: nothing was changed; a lost connection in a
//           commit is looked into: MR_OK when it was done
mr_code mr_record_begin(mr_record *record, mr_cx *cx);
mr_code mr_record_commit(mr_record *record, mr_cx *cx);
void mr_record_rollback(mr_record *record, mr_cx *cx);
// When an empty turn is due to keep the lease: monotonic microseconds; INT64_MAX with SQLite.
int64_t mr_record_renew_us(const mr_record *record);
// Whether the lease surely still holds: asked between a commit and the starts that follow it.
bool mr_record_holds(const mr_record *record, mr_cx *cx);

// ---- dags
// ----------------------------------------------------------------------------------------

mr_code mr_record_dags(const mr_record *record, mr_record_dag **ret, uint32_t *ret_count,
                       mr_cx *cx);
mr_code mr_record_put_dag(mr_record *record, const mr_record_dag *dag, mr_cx *cx);  // Upsert.
// The number of the version with this hash: the one it has, or a new one.
mr_code mr_record_put_version(mr_record *record, const char *dag, const char *hash, mr_span source,
                              int64_t *ret_version, mr_cx *cx);
// errors  MR_E_MISSING
mr_code mr_record_version(const mr_record *record, const char *dag, int64_t version,
                          mr_span *ret_source, mr_cx *cx);

// ---- runs
// ----------------------------------------------------------------------------------------

// Gives run->id. errors  MR_E_EXISTS: this DAG has a run of that run_id, or it is SCHEDULED or
// BACKFILL and there is one of these types at its logical date. The turn goes on after it.
mr_code mr_record_add_run(mr_record *record, mr_record_run *run, mr_cx *cx);
// State, type, times, version, backfill, deadline_told, conf and note.
mr_code mr_record_put_run(mr_record *record, const mr_record_run *run, mr_cx *cx);
mr_code mr_record_add_task(mr_record *record, mr_record_task *task, mr_cx *cx);  // Gives the id.
mr_code mr_record_put_task(mr_record *record, const mr_record_task *task, mr_cx *cx);
mr_code mr_record_add_try(mr_record *record, mr_record_try *try, mr_cx *cx);        // Gives the id.
mr_code mr_record_put_try(mr_record *record, const mr_record_try *try, mr_cx *cx);  // State, exit.
// A value for later tasks; replaces one of the same key. errors  MR_E_LIMIT over 64 KiB
#define MR_RECORD_OUTPUT_BYTES_MAX ((size_t)64 << 10)
mr_code mr_record_put_output(mr_record *record, int64_t task, const char *key, mr_span json,
                             mr_cx *cx);
mr_code mr_record_clear_outputs(mr_record *record, int64_t task, mr_cx *cx);
mr_code mr_record_delete_task(mr_record *record, int64_t task, mr_cx *cx);  // With tries, outputs.
mr_code mr_record_delete_run(mr_record *record, int64_t run, mr_cx *cx);    // With all below.

// ---- reading
// -------------------------------------------------------------------------------------

typedef struct mr_record_rows {
    mr_record_run *runs;  // In order of id.
    uint32_t run_count;
    mr_record_task *tasks;  // Of all runs, in order of run and id.
    uint32_t task_count;
    mr_record_try *tries;  // In order of task and number.
    uint32_t try_count;
} mr_record_rows;

// Queued and running runs, all their tasks, and their open tries: what a start needs.
mr_code mr_record_active(const mr_record *record, mr_record_rows *ret, mr_cx *cx);
// One run with all its tasks and tries.  errors  MR_E_MISSING
mr_code mr_record_run_whole(const mr_record *record, int64_t run, mr_record_rows *ret, mr_cx *cx);
mr_code mr_record_outputs(const mr_record *record, int64_t run, mr_record_output **ret,
                          uint32_t *ret_count, mr_cx *cx);

// Which runs a list shows, newest first (by id). Zeroes: all.
typedef struct mr_record_filter {
    const char *dag;
    const char *run_id;
    const char *type;  // As text; NULL = any.
    const char *state;
    int64_t backfill;
    int64_t before;  // Runs with smaller ids: the page behind one that ended with it.
    int64_t logical_from_us, logical_until_us;  // Half open; 0 = no bound.
    int64_t ended_before_us;                    // Over, and since before then: for retention.
    uint32_t limit;                             // 0 = 100.
} mr_record_filter;
mr_code mr_record_runs(const mr_record *record, const mr_record_filter *filter, mr_record_run **ret,
                       uint32_t *ret_count, mr_cx *cx);
// The newest run of scheduled, backfill or manual type before a logical date that has this state
// (-1: any), or NULL.  For depends_on_past and prev_data_interval_end_success.
mr_code mr_record_run_before(const mr_record *record, const char *dag, int64_t before_us, int state,
                             const mr_record_run **ret, mr_cx *cx);
// All tasks of a run, in order of id.
mr_code mr_record_tasks(const mr_record *record, int64_t run, const mr_record_task **ret,
                        uint32_t *ret_count, mr_cx *cx);

// ---- backfills
// -----------------------------------------------------------------------------------

mr_code mr_record_add_backfill(mr_record *record, mr_record_backfill *backfill, mr_cx *cx);
mr_code mr_record_put_backfill(mr_record *record, const mr_record_backfill *backfill, mr_cx *cx);
// dag NULL: of all. active: only queued and running ones.
mr_code mr_record_backfills(const mr_record *record, const char *dag, bool active,
                            mr_record_backfill **ret, uint32_t *ret_count, mr_cx *cx);
