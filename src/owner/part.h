// Part: one thing that an owner keeps running: a pipeline, a service, the scheduler of workflows.
//
//   STOPPED ─start─▶ RUNNING ─fails─▶ WAITING ─back-off over─▶ RUNNING
//   RUNNING ─stop─▶ STOPPING ─▶ STOPPED or PAUSED        RUNNING ─its input ended─▶ DONE
// The back-off doubles from 1 s to 60 s; a life of a minute forgets it. What a part says goes to
// data/logs/<name>.log. Also: mr_service_ mr_stream_ mr_scheduler_

#pragma once

#include "base/text.h"
#include "exec/driver.h"
#include "owner/owner.h"
#include "plat/child.h"
#include "plat/thread.h"

// clang-format off
#define MR_PART_STATES(X) \
    X(STOPPED, "stopped") \
    X(RUNNING, "running") \
    X(WAITING, "waiting") /* To be started again after a failure. */ \
    X(STOPPING, "stopping") \
    X(PAUSED, "paused")   /* Stopped for longer than this owner lives. */ \
    X(DONE, "done")
// clang-format on

typedef enum mr_part_state {
#define MR_PART_STATE(name, text) MR_PART_##name,
    MR_PART_STATES(MR_PART_STATE)
#undef MR_PART_STATE
} mr_part_state;
const char *mr_part_state_text(mr_part_state state);

typedef enum mr_part_kind { MR_PIPELINE, MR_SCHEDULER, MR_SERVICE } mr_part_kind;
const char *mr_part_kind_text(mr_part_kind kind);

typedef struct mr_scheduler mr_scheduler;
typedef struct mr_scheduler_request mr_scheduler_request;

// What a pipeline last told of itself; numbers only, so that it can be copied.
typedef struct mr_part_progress {
    bool any;
    uint64_t epoch;
    uint64_t rows;
    uint64_t bad_rows;
    uint64_t late_rows;
    uint64_t state_rows;
    uint64_t state_bytes;
    int64_t watermark_us;
    double rows_a_second;  // Of the last epoch that had rows.
    char stalled[160];     // Why no epoch can be committed; "" = fine.
} mr_part_progress;

typedef struct mr_part {
    struct mr_part *next;
    struct mr_owner *owner;
    mr_part_kind kind;
    char *name;
    char *file;  // Of a pipeline; of a service its command.
    char *log_path;
    mr_part_state state;
    mr_part_state after;  // STOPPING leads there.
    bool restart;         // … and from there on to RUNNING.
    bool clashes;         // A pipeline with another part's name: it is never started.
    bool seen;            // Its file, or its row of millrace.yaml, is still there.
    uint32_t failures;    // In a row.
    uint32_t restarts;
    int64_t since_us;  // Monotonic: in this state.
    int64_t again_us;  // WAITING: until then. STOPPING: a service is killed then.
    int64_t file_modified_us;
    uint64_t file_bytes;
    uint64_t file_hash;
    char error[1024];  // Why it failed last; "" = it did not.
    // Of a pipeline's thread. What follows the mutex is under it.
    mr_thread thread;
    atomic_bool cancel;
    mr_mutex mutex;
    bool ended;
    mr_code code;
    bool finished;  // The whole input was read.
    mr_part_progress progress;
    mr_file log;
    // Of a service.
    mr_child child;
    mr_scheduler *scheduler;  // Of the scheduler, once it was started.
} mr_part;

typedef struct mr_owner {
    mr_owner_spec spec;
    mr_broker *broker;  // NULL: it is off.
    mr_embedded *embedded;
    const char *broker_address;
    mr_wake wake;  // A part's thread has ended, or the owner is to stop.
    mr_plat *plat;
    mr_part *parts;             // By name, pipelines first.
    bool blind;                 // sql/ could not be listed at the last look.
    bool stop_wanted;           // "down" was asked for.
    atomic_bool broker_failed;  // It serves no client any more.
    bool stopping;
    int64_t started_us;
} mr_owner;

// owner.c
void mr_part_say(mr_part *part, const char *text);  // A line of its log, with the time.
mr_part *mr_part_find(const mr_owner *owner, mr_span name);
mr_code mr_part_start(mr_part *part, mr_cx *cx);
// To `after`: STOPPED, PAUSED; or, with restart, to RUNNING again.
void mr_part_stop(mr_part *part, mr_part_state after, bool restart, mr_cx *cx);

void mr_part_set_state(mr_part *part, mr_part_state state);
void mr_part_try_start(mr_part *part, mr_cx *cx);  // Or has it wait for the next try.
void mr_owner_say(mr_owner *owner, const char *format, ...) __attribute__((format(printf, 2, 3)));

// project.c
const char *mr_part_paused_path(const mr_part *part, mr_arena *arena);
void mr_part_free(mr_part *part);
// Starts pipelines whose files are new, again those that changed, and stops those that are gone.
void mr_project_look(mr_owner *owner, mr_cx *cx);
mr_code mr_project_services(mr_owner *owner, mr_cx *cx);

// pipeline.c: the thread of a pipeline.
mr_code mr_stream_start(mr_part *part, mr_cx *cx);
bool mr_stream_is_manual(mr_span text);  // SET run = 'manual'

// scheduler.c: the thread of the workflows.
const char *const *mr_owner_env(const mr_owner *owner, mr_cx *cx);
mr_code mr_scheduler_start(mr_part *part, mr_cx *cx);
void mr_scheduler_wake(const mr_part *part);        // Takes any part: it is to look at its cancel.
void mr_scheduler_free(mr_part *part);              // Takes any part; its thread has ended.
int64_t mr_scheduler_tasks(const mr_part *part);    // That run now.
mr_part *mr_scheduler_part(const mr_owner *owner);  // NULL: the project has no dags/.
// Hands a request over; NULL: no scheduler runs.
mr_scheduler_request *mr_scheduler_post(const mr_owner *owner, mr_span text);
// Whether it was answered; then the answer is appended and the request is gone.
bool mr_scheduler_take(mr_part *part, mr_scheduler_request *request, mr_text *out);
void mr_scheduler_leave(mr_part *part, mr_scheduler_request *request);  // Nobody waits for it.

// control.c: answers a request with JSON, appended to out.
void mr_control_answer(mr_owner *owner, mr_span request, mr_text *out, mr_cx *cx);
