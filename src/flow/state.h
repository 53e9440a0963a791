// State: what the scheduler knows of DAGs, runs and tasks, and what its files give each other.
//
//   watch.c  files ─▶ DAGs       runs.c   ticks, requests ─▶ runs, their limits and ends
//   ready.c  which tasks may go  slots.c  which of them go now, and why the others do not
//   tries.c  one try's start and end       load.c   runs from the database
//   answer.c requests            flow.c   the turn: all of it, then one transaction, then starts
// In memory are the DAGs and the runs that are not over. When a transaction fails, the memory is
// ahead of the database: the flow is broken, it is closed and opened anew.
//
// Also: mr_watch_ mr_runs_ mr_ready_ mr_slots_ mr_tries_ mr_calls_ mr_load_

#pragma once

#include "flow/flow.h"
#include "plat/timer.h"
#include "plat/watch.h"

// Ticks that are seen later than this were missed: it is for catchup to say what becomes of them.
#define MR_FLOW_LATE_US ((int64_t)60 * MR_SECOND_US)

typedef struct mr_run mr_run;
// A task of a run, with foreach one of its instances; or a callback.
typedef struct mr_flow_task {
    mr_record_task row;  // Its texts are in the run's arena.
    mr_run *run;
    const mr_dag_task *spec;    // NULL: a callback, or a task that this version does not have.
    struct mr_flow_task *next;  // The next instance of the same task.
    bool callback;              // row.item_json says what it does.
    bool changed;               // To be written with this turn.
    bool try_changed;           // … its newest try.
    mr_record_try try;          // The newest; id 0: not yet written.
    uint64_t token;             // Of its open try; 0 = none is open.
    bool launched;              // In this turn: to be started after the commit.
    bool stopping;              // Its try is to end: cancelled.
    bool stop_told;             // … and the executor knows.
    int64_t due_us;             // UP_FOR_RETRY, WAITING: monotonic.
} mr_flow_task;

typedef struct mr_flow_output {
    struct mr_flow_output *next;
    mr_flow_task *task;
    const char *key;
    mr_span json;
    bool saved;
} mr_flow_output;

// The run before one, for depends_on_past. Good for one turn.
typedef struct mr_flow_past {
    uint64_t turn;                // Of mr_flow; another one: not known.
    int64_t run;                  // 0: there is none.
    const mr_record_task *tasks;  // Of one that is over.
    uint32_t task_count;
} mr_flow_past;

struct mr_run {
    mr_run *next;  // Of all that are not over, in order of making.
    mr_arena arena;
    struct mr_flow_dag *owner;
    mr_dag *dag;  // Its version; NULL while it is queued.
    mr_record_run row;
    mr_flow_task **tasks;
    uint32_t task_count;
    uint32_t task_room;
    mr_flow_task **heads;     // By task of the DAG: its first instance.
    mr_flow_output *outputs;  // The newest first.
    bool changed;             // row is to be written with this turn.
    bool touched;             // A task of it, or an output.
    bool look;                // Something happened: what is ready now?
    bool ended;               // To be forgotten after the commit.
    mr_flow_past past;
    struct mr_flow_backfill *backfill;  // That it is of; NULL = none, or one that is over.
    int64_t timeout_us;                 // dagrun_timeout: monotonic; INT64_MAX = none.
};

typedef struct mr_flow_dag {
    struct mr_flow_dag *next;  // In order of id.
    mr_record_dag row;         // Its texts are on the heap.
    char hash[33];             // Of that version: mr_dag's.
    mr_dag *dag;               // The newest version that could be read; NULL = none.
    int64_t next_us;           // The next tick: wall clock; INT64_MAX = none.
    char *error;               // Why its file cannot be read now; NULL = it can. Heap.
    bool changed;
    bool moved;         // A task that depends_on_past is over: later runs may wait for it.
    uint32_t running;   // In mr_runs_promote: its runs that run, but for those of a backfill,
    uint32_t refilled;  // … and those of backfills that are over.
} mr_flow_dag;

// A file of the dags folder.
typedef struct mr_flow_file {
    struct mr_flow_file *next;
    char *path;
    int64_t modified_us;
    uint64_t bytes;
    uint64_t inode;
    char *dag;    // The id of the DAG in it; NULL = not known.
    char *error;  // Why it cannot be read; NULL = it can.
    char **remarks;
    uint32_t remark_count;
    bool seen;
} mr_flow_file;

typedef struct mr_flow_backfill {
    struct mr_flow_backfill *next;
    mr_record_backfill row;
    bool changed;
    uint32_t running;  // In mr_runs_promote: its runs that run.
} mr_flow_backfill;

// An end that did not come from the executor: a try that could not be started, or was lost.
typedef struct mr_flow_end {
    struct mr_flow_end *next;
    uint64_t token;
    mr_try_exit exit;
} mr_flow_end;

struct mr_flow {
    mr_flow_spec spec;
    mr_flow_settings settings;
    mr_plat *plat;
    mr_arena arena;  // As long as the flow.
    mr_arena turn;   // Of one turn.
    mr_record *record;
    mr_vault *vault;
    mr_db *project_db;  // Of a rehearsal: where the vault is.
    mr_flow_dag *dags;
    mr_flow_file *files;
    struct mr_flow_zone *zones;  // Of watch.c.
    mr_run *runs;
    mr_run **runs_end;
    mr_flow_backfill *backfills;
    mr_flow_end *ends;
    mr_flow_task **open;  // Heap: tasks with an open try.
    uint32_t open_count, open_room;
    uint64_t *kept;  // Heap: tries whose ends this turn commits.
    uint32_t kept_count, kept_room;
    mr_watch watch;
    bool watching;  // Else the files are looked at each second.
    bool files_changed;
    int64_t files_us;       // Monotonic: when they are looked at again without a word.
    int64_t tidy_us;        // Monotonic: when old runs are looked for.
    mr_vault_entry *pools;  // Of this turn; NULL: not yet asked for.
    uint32_t pool_count;
    const char *const *masked;  // Of this turn; likewise.
    struct mr_flow_gone *gone;  // Of this turn.
    uint64_t tokens;
    uint64_t turns;  // Turns and answers so far.
    bool begun;      // A transaction is open.
    bool ending;     // Nothing is started any more; what runs is being stopped.
    bool again;      // Something happened in this turn that a run must be looked at for.
    mr_code failed;  // What mr_flow_is_ours told of; nothing is committed any more.
    mr_code broken;
    mr_error error;       // … why.
    int64_t now_us;       // Of this turn: wall clock,
    int64_t now_mono_us;  // and monotonic.
};

// ---- flow.c ------------------------------------------------------------------------------------
mr_code mr_flow_begin(mr_flow *flow, mr_cx *cx);  // Opens the turn's transaction, if it is not.
// A task comes to a state. reason: for people; "" = nothing to say.
void mr_flow_set(mr_flow *flow, mr_flow_task *task, mr_task_state state, const char *reason);
void mr_flow_say(mr_flow *flow, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mr_flow_clocks(mr_flow *flow);  // Reads them: a turn or an answer begins.
// Whether cx->error says that the scheduler's own means fail (its database, the disk, a kill), and
// not what a DAG or a task says: then no verdict on a task may come of it. The turn is not
// committed; who runs the flow opens it anew.
bool mr_flow_is_ours(mr_flow *flow, const mr_cx *cx);
mr_code mr_flow_commit(mr_flow *flow, mr_cx *cx);
// After a request that was refused: what it did is taken back, or the flow is broken.
void mr_flow_undo(mr_flow *flow, mr_cx *cx);
mr_flow_dag *mr_flow_find(const mr_flow *flow, mr_span id);              // NULL when there is none.
const char *mr_flow_error_text(const mr_error *error, mr_arena *arena);  // One line, with place.
// Where a run's tries are.
const char *mr_flow_run_dir(const mr_flow *flow, const mr_run *run, mr_arena *arena);

// ---- watch.c -----------------------------------------------------------------------------------
mr_code mr_watch_files(mr_flow *flow, mr_cx *cx);  // Reads what is new or changed.
void mr_watch_free(mr_flow *flow);
// A version of a DAG, for a run. One reference for the caller.
//   errors  MR_E_MISSING, or the file's as it was then
mr_code mr_watch_version(mr_flow *flow, mr_flow_dag *dag, int64_t version, mr_dag **ret, mr_cx *cx);

// ---- runs.c ------------------------------------------------------------------------------------
typedef struct mr_runs_spec {
    mr_run_type type;
    const char *run_id;  // NULL: made from type and logical date.
    int64_t logical_us;
    int64_t start_us, end_us;
    mr_span conf_json;  // Checked, defaults filled in.
    int64_t backfill, caller;
} mr_runs_spec;
// Makes a run that is queued.  errors  MR_E_EXISTS
mr_code mr_runs_add(mr_flow *flow, mr_flow_dag *dag, const mr_runs_spec *spec, mr_run **ret,
                    mr_cx *cx);
mr_code mr_runs_ticks(mr_flow *flow, mr_cx *cx);                // Runs of the ticks that are due.
void mr_runs_plan(mr_flow_dag *dag);                            // When its next tick is.
void mr_runs_timers(mr_flow *flow, mr_cx *cx);                  // dagrun_timeout, deadline.
mr_code mr_runs_promote(mr_flow *flow, mr_cx *cx);              // Queued ones that may run now.
mr_code mr_runs_settle(mr_flow *flow, mr_run *run, mr_cx *cx);  // Ends it when all is over.
// How it ended, callbacks not counted; running: not all of its tasks are over.
mr_run_state mr_runs_result(const mr_run *run);
void mr_runs_cancel(mr_flow *flow, mr_run *run, const char *note, mr_cx *cx);
void mr_runs_free(mr_run *run);
mr_run *mr_runs_find(const mr_flow *flow, int64_t id);
int64_t mr_runs_next_us(const mr_flow *flow, const mr_run *run);  // Wall clock.
// Callbacks as tasks of the run; task NULL: of the run itself.
void mr_runs_call(mr_flow *flow, mr_run *run, mr_flow_task *task, const char *when,
                  const mr_callbacks *callbacks, mr_cx *cx);
// A run as a row of the database has it, into the list.
mr_run *mr_runs_new(mr_flow *flow, mr_flow_dag *dag, const mr_record_run *row);
void mr_runs_set_timeout(const mr_flow *flow, mr_run *run);
// A new task in memory.
mr_flow_task *mr_runs_task(mr_run *run, const mr_dag_task *spec, const char *id, int32_t map_index);

// ---- ready.c -----------------------------------------------------------------------------------
mr_code mr_ready_pass(mr_flow *flow, mr_run *run, mr_cx *cx);
// What a task whose upstream is not over waits for.
void mr_ready_why(const mr_flow_task *task, mr_text *out);

// ---- slots.c -----------------------------------------------------------------------------------
mr_code mr_slots_fill(mr_flow *flow, mr_cx *cx);  // Launches what has room.
void mr_slots_why(mr_flow *flow, const mr_flow_task *task, mr_text *out, mr_cx *cx);

// ---- tries.c -----------------------------------------------------------------------------------
mr_code mr_tries_launch(mr_flow *flow, mr_flow_task *task, mr_cx *cx);  // Its files; then RUNNING.
mr_code mr_tries_start(mr_flow *flow, mr_cx *cx);    // After the commit: starts and stops.
mr_code mr_tries_collect(mr_flow *flow, mr_cx *cx);  // Ends that have come.
void mr_tries_timers(mr_flow *flow);                 // Retries and looks that are due.
mr_code mr_tries_adopt(mr_flow *flow, mr_flow_task *task, mr_cx *cx);
// A task that needs no process has done its work: its outputs are made.
void mr_tries_here(mr_flow *flow, mr_flow_task *task, mr_cx *cx);
void mr_tries_failed(mr_flow *flow, mr_flow_task *task, const char *reason, mr_cx *cx);
int64_t mr_tries_delay_us(const mr_dag_task *spec,
                          int32_t retry);  // Before the n-th retry, from 1.
void mr_tries_output(mr_flow_task *task, const char *key, mr_span json);

// ---- load.c ------------------------------------------------------------------------------------
mr_code mr_load_active(mr_flow *flow, mr_cx *cx);  // At a start: all that is not over.
// Takes a run that is over into memory again, with the newest version of its DAG.
//   errors  MR_E_MISSING
mr_code mr_load_run(mr_flow *flow, int64_t id, mr_run **ret, mr_cx *cx);
mr_code mr_load_tidy(mr_flow *flow, mr_cx *cx);  // Deletes what is older than retention …
void mr_load_sweep(mr_flow *flow, mr_cx *cx);    // … and, after the commit, its logs.

// ---- calls.c: the kind `dag`
// ---------------------------------------------------------------------
mr_code mr_calls_begin(mr_flow *flow, mr_flow_task *task, mr_cx *cx);
// Tells the task that waits for it.
void mr_calls_ended(mr_flow *flow, const mr_run *called, mr_cx *cx);
