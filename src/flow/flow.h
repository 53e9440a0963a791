// Flow: the scheduler: from DAG files and the clock to tries that run, once each, in order.
//
//   files (watched) ─▶ dag ─┐
//   clock ─▶ schedule ──────┼─▶ runs ─▶ tasks ready ─▶ slots ─▶ COMMIT ─▶ executor
//   ends of tries ──────────┤       one turn: all that has come, one transaction, then the starts
//   requests (commands) ────┘
//
// Active runs are in memory, everything is in the database; a turn looks only at what something
// happened to. No polling: a turn returns the moment of the next thing (a tick, a retry, a look of
// a wait, a timeout). Slots (pools, max_active_*) are derived from states, never counted apart.
// One scheduler a database: data/flow.lock for SQLite; a lease with a number for PostgreSQL.
// Threads: all calls from one.

#pragma once

#include "flow/dag.h"
#include "flow/executor.h"
#include "flow/record.h"
#include "plat/socket.h"
#include "store/vault.h"

typedef struct mr_flow mr_flow;

// Section "flow" of millrace.yaml.
typedef struct mr_flow_settings {
    const char *store;     // "" = <data>/flow.db; or postgresql://…
    const char *timezone;  // Of DAGs that name none.
    bool paused_on_creation;
    int64_t parallelism;  // Tasks that run at once, over all DAGs.
    int64_t default_pool_slots;
    int64_t kill_grace;  // Microseconds from TERM to KILL.
    int64_t retention;   // Of runs of DAGs that name none; 0 = kept.
    int64_t lease;       // Microseconds; PostgreSQL.
    bool keep_tasks;     // What runs goes on when the scheduler ends, and is taken up by the next.
} mr_flow_settings;
extern const mr_option mr_flow_options[];

typedef struct mr_flow_spec {
    const char *data_dir;
    const char *dags_dir;  // *.yaml, *.yml, *.json; below it too.
    const mr_flow_settings *settings;
    mr_task_kinds kinds;
    mr_executor *executor;   // NULL: starts nothing: for commands when no scheduler runs.
    const char *const *env;  // NAME=value for every task: KAFKA_BOOTSTRAP_SERVERS and .env.
    void (*say)(void *self, const char *line);  // What people should know; may be NULL.
    // mr_flow_run calls it before each turn: to answer the requests that have come. May be NULL.
    void (*asked)(void *self, mr_flow *flow, mr_cx *cx);
    void *self;
    // A rehearsal, `dag test`: data_dir is a folder that is thrown away.
    const char *project_data_dir;  // What tasks take for the data folder; NULL = data_dir.
    const char *file;              // The one DAG file; NULL = those of dags_dir.
    const char *only;              // All tasks but this one count as done; NULL = none do.
    bool mark_success;             // Nothing is started: each task counts as done in its turn.
} mr_flow_spec;

// Takes the lock, brings the tables up to date, reads the DAG files, adopts what still runs.
//   errors  MR_E_LOCKED naming the holder
mr_code mr_flow_open(const mr_flow_spec *spec, mr_flow **ret, mr_cx *cx);
void mr_flow_close(mr_flow *flow, mr_cx *cx);  // Tries go on; they are adopted by the next one.
// Does all that is due. *ret_next_us: wall clock of the next thing; INT64_MAX: nothing is planned.
//   errors  MR_E_LOCKED with MR_FATAL: another scheduler has the lease now
mr_code mr_flow_turn(mr_flow *flow, int64_t *ret_next_us, mr_cx *cx);
// Turns until cx->cancel, woken by the clock, the executor, the files and the wake. Then ends what
// runs, unless keep_tasks: those tasks are run again by the next scheduler.
mr_code mr_flow_run(mr_flow *flow, const mr_wake *wake, mr_cx *cx);
// From now on nothing is started, and what runs is ended; its ends still need turns.
void mr_flow_stop(mr_flow *flow, mr_cx *cx);
uint32_t mr_flow_open_tries(const mr_flow *flow);  // How many run now.

// Answers a request, both JSON objects: what the commands and later the API call.
//   {"do":"dag.list"}  {"do":"dag.show","dag":ID}  dag.trigger {conf, logical_date, run_id}
//   dag.pause dag.unpause  dag.next {count, from}
//   dag.backfill {from, to, reprocess: none|failed|all, max_active_runs, dry_run, backwards}
//   run.list {dag, state, type, limit, before}  run.show {run}  run.stop  run.clear {tasks, …}
//   run.retry  run.why {run, task}  run.logs {run, task, try}: the log's path
//   flow.look: something outside of it has changed, such as a pool; any request is followed by a
//   turn
// "run" is a number, or a run_id with "dag".
// An answer that refuses has "error" and maybe "hint".
void mr_flow_answer(mr_flow *flow, mr_span request, mr_text *out, mr_cx *cx);
