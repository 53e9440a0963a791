// World: a scheduler with a clock that is set and an executor without processes, for its tests.
//
// The executor is the world's, not the scheduler's: it goes on when that is killed, as processes
// do. It checks by itself that no try is started twice.

#pragma once

#include "flow/state.h"
#include "plat/virtual.h"
#include "runner.h"

#define WORLD_TRIES 65536

typedef struct world_try {
    char *dir;
    char *name;      // "dag/run/task/number"
    uint64_t token;  // Of the scheduler that knows it now.
    uint32_t starts;
    bool running;
    bool told;  // The present scheduler has taken its end.
    bool stop;  // It was asked to end.
    mr_try_exit exit;
} world_try;

typedef struct world {
    mr_executor executor;  // First.
    mr_arena arena;
    mr_cx cx;
    mr_virtual *machine;
    mr_flow *flow;
    mr_flow_settings settings;
    char dir[64];
    world_try *tries;
    uint32_t try_count;
    uint32_t broken_rules;  // A try was started twice, or what `check` refuses was started.
    bool (*check)(struct world *w, const char *name);  // Of a try that starts; may be NULL.
    bool stubborn;                                     // A try that is asked to end does not.
    bool offline;     // No executor: as a command without a scheduler.
    int64_t next_us;  // What the last turn gave.
    mr_code code;     // … and returned.
    mr_text said;
} world;

// clock: "2025-11-26T12:00:00Z"
bool world_init(world *w, const char *clock);
void world_release(world *w);
void world_file(world *w, const char *name, const char *text);  // In dags/.
bool world_open(world *w);
void world_close(world *w);
void world_turn(world *w);                     // Turns until nothing is left to be done now.
void world_at(world *w, const char *clock);    // Time passes until then, turn by turn.
void world_jump(world *w, const char *clock);  // The wall clock is set.
int64_t world_time(const char *clock);
// Ends the one try that runs and whose name holds `task`, and turns.
void world_end(world *w, const char *task, int32_t code);
void world_end_by(world *w, const char *task, mr_exit_reason reason, int32_t code);
void world_put(world *w, const char *task, const char *outputs);  // Its output file.
world_try *world_find(world *w, const char *task);                // Running; NULL: none.
uint32_t world_running(const world *w);
uint32_t world_starts(const world *w, const char *task);  // Of all tries whose name holds it.
// A request's answer.
const char *world_ask(world *w, const char *request);
// "run_id state task=state task.0=state …" of the n-th run of a DAG, the oldest first; "" = none.
const char *world_run(world *w, const char *dag, uint32_t n);
uint32_t world_runs(world *w, const char *dag);
