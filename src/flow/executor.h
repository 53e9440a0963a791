// Executor: starts the tries of tasks and tells when they end; the scheduler's hands.
//
//   scheduler ─launch file─▶ spawner (a small process) ─▶ supervisor (a try at a time) ─fork─▶ task
//             ◀────────────────── its end ──────────────────  exit record on disk first
//
// Why a process between: the scheduler is large and has threads, so it never forks; and a task must
// go on, and be recorded, when the scheduler dies. The supervisor takes the try (creates `claim`
// with its pid, its start time and the boot's id; who comes second finds it taken), is a session
// and a subreaper, starts the task with its log as output, waits, ends all that is left of it on a
// timeout or a stop (TERM, then KILL), and what it left behind when it has ended. It writes `exit`,
// tells the scheduler. The scheduler's commit is as good a record as that file, so the
// file is synced only when there is none: by the supervisor when nobody hears it, by the spawner
// when the scheduler has not said `kept` within a second, or is gone. So a sync serves many tries.
// A supervisor that has told the end of its try waits a moment for the next one, then it ends.
// A scheduler that starts again finds each open try claimed and alive (it waits for it again),
// claimed and over (it reads `exit`), or not claimed (it claims it as lost). What a supervisor that
// was killed leaves comes to the spawner, which is a reaper too, and ends it before it tells that
// the try is lost; when both were killed, it is found by MILLRACE_TRY in its environment.
// A vtable, so that the scheduler's tests run with a virtual clock and no processes.
//
// A try's folder, <data>/flow/logs/<dag>/<run>/<task>[.<index>]/<number>/:
//   launch.json   what is to run, for its owner's eyes; goes   claim   by whom
//                 once it is read when there are secrets        exit    how it ended, one line
//   log           standard output and error                    output  lines key=<json>
//   why           one line: what a CHILD's error was
// Crash points: try.claim try.claimed try.forked try.ended try.recorded.

#pragma once

#include "base/text.h"
#include "plat/plat.h"

// What is to run; written to launch.json by mr_launch_save, read by the supervisor.
typedef struct mr_launch {
    const char *dir;           // The try's folder; made when it is not there.
    const char *const *words;  // The command, NULL-ended; of a CHILD kind {"task"}: this program.
    // NAME=value beside the scheduler's own, NULL-ended. The supervisor adds MILLRACE_DAG,
    // MILLRACE_RUN, MILLRACE_TASK, MILLRACE_TRY_NUMBER, MILLRACE_DATA, MILLRACE_OUTPUT, and
    // MILLRACE_TRY, the folder, by which what a try has started is found again.
    const char *const *env;
    const char *work_dir;      // The project's folder.
    mr_span body_json;         // The task's own keys, rendered: for a CHILD.
    mr_span connections_json;  // The DAG's own, as mr_scope_connections gives them: for a CHILD.
    const char *kind;          // "sql"
    const char *dag;
    const char *run_id;
    const char *task;
    int64_t map_index;  // -1 = it is not mapped.
    int64_t number;     // Of the try, from 1.
    int64_t first;      // … that began what this one goes on with: since the task last succeeded.
    const char *data_dir;
    const char *store;          // The flow database, for the vault: a path or URL.
    int64_t timeout_us;         // execution_timeout; 0 = none.
    int64_t grace_us;           // From TERM to KILL.
    const char *const *masked;  // Values that the log must not show, NULL-ended.
} mr_launch;

// clang-format off
#define MR_EXIT_REASONS(X) \
    X(CODE, "code")          /* It ended by itself: code. */ \
    X(SIGNAL, "signal")      /* It was killed, by whom is not known: code is the signal. */ \
    X(TIMEOUT, "timeout")    /* Its time was over. */ \
    X(STOPPED, "stopped")    /* It was asked to end. */ \
    X(LOST, "lost")          /* It never started, or nobody knows how it ended (power cut). */ \
    X(NO_START, "no_start")  /* The command cannot be started: text says why. */
// clang-format on
typedef enum mr_exit_reason {
#define MR_EXIT_REASON(name, text) MR_EXIT_##name,
    MR_EXIT_REASONS(MR_EXIT_REASON)
#undef MR_EXIT_REASON
} mr_exit_reason;
const char *mr_exit_reason_text(mr_exit_reason reason);
bool mr_exit_reason_parse(mr_span text, mr_exit_reason *ret);  // False: it is none.

typedef struct mr_try_exit {
    mr_exit_reason reason;
    int32_t code;
    int64_t started_us;  // Wall clock.
    int64_t ended_us;
    int64_t cpu_us;
    uint64_t memory_bytes_max;
    char text[256];  // For people; "" = nothing to say.
} mr_try_exit;

typedef struct mr_executor mr_executor;

typedef struct mr_executor_type {
    // token: the scheduler's number of the try; comes back with its end. The launch file is there
    // and durable enough: the try's row is committed before this call.
    mr_code (*start)(mr_executor *self, uint64_t token, const char *dir, mr_cx *cx);
    // After a restart: takes up a try that was open. *ret_known: it runs, or has ended, or what its
    // dead supervisor left is being ended: its end comes by `ended`. Else nothing of it runs, it
    // never will, and nobody knows an end: it is lost.
    mr_code (*adopt)(mr_executor *self, uint64_t token, const char *dir, bool *ret_known,
                     mr_cx *cx);
    // Ends it and all that it started; its end comes as that of any other.
    void (*stop)(mr_executor *self, uint64_t token, mr_cx *cx);
    // Takes one end that has come; false when there is none now.
    bool (*ended)(mr_executor *self, uint64_t *ret_token, mr_try_exit *ret, mr_cx *cx);
    // These ends are committed: their records need not outlive the machine's stop. NULL: no matter.
    void (*kept)(mr_executor *self, const uint64_t *tokens, uint32_t count, mr_cx *cx);
    // To be waited for by mr_socket_wait: readable when `ended` has something. -1 = none.
    int (*handle)(const mr_executor *self);
    void (*close)(mr_executor *self, mr_cx *cx);  // What runs goes on.
} mr_executor_type;

struct mr_executor {
    const mr_executor_type *type;
};

// Makes the folder and writes launch.json. Nothing is synced: after a power cut nothing runs.
mr_code mr_launch_save(const mr_launch *launch, mr_cx *cx);
mr_code mr_launch_load(const char *dir, mr_launch *ret, mr_cx *cx);
// The real one: starts the spawner (this program with the word "__spawner").
//   program  the file of this program
mr_code mr_executor_open(const char *program, mr_executor **ret, mr_cx *cx);
// The spawner's main loop, in its own process: handle is the socket to the scheduler. Returns when
// the scheduler is gone.
int mr_spawner_main(int handle, mr_cx *cx);
// What is said of an end, as far as there is room: whole characters.
void mr_try_exit_say(mr_try_exit *record, const char *text);
// Reads a try's exit record.  errors  MR_E_MISSING when it has none yet
mr_code mr_try_exit_load(const char *dir, mr_try_exit *ret, mr_cx *cx);
