// Record: what is kept of runs and tasks: the tables of the flow database, and the calls on them.
//
//   dag ─< run ─< task ─< try           output (of a task)       backfill ─< run
// One transaction a turn of the scheduler: what ended, what follows from it and what is to be
// started are committed together; only then is anything started. Every UPDATE of a shared database
// carries the lease's number, so a scheduler that lost it changes nothing.
// States have Airflow's names.

#pragma once

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

// The steps of the schema, for mr_db_migrate.
extern const char *const mr_record_steps[];
extern const uint32_t mr_record_step_count;
