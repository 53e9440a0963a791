// Flow: the life of the scheduler, and its turn; see flow.h.
//
// A turn: what has come (ends, files, the clock) → what follows from it, in memory → one
// transaction → starts and stops. Nothing is started whose row is not committed, and no end is
// forgotten: it stays on disk until the turn that took it is committed.
// When a transaction fails the memory is ahead of the database: the flow is broken and says so in
// every later call; who runs it opens it anew.

#include "flow/flow.h"

#include <inttypes.h>
#include <string.h>

#include "flow/state.h"
#include "plat/child.h"

#define LOOK_US ((int64_t)1000000)  // How often files are looked at when they cannot be watched.
#define END_US  ((int64_t)5000000)  // Beyond the grace, for ends to come in.

#define OPTION(field, kind, default_text, doc) \
    MR_OPTION(mr_flow_settings, field, kind, default_text, doc)

const mr_option mr_flow_options[] = {
    OPTION(store, MR_OPT_TEXT, "", "Where runs are kept: postgresql://…; empty = data/flow.db."),
    OPTION(timezone, MR_OPT_TEXT, "UTC", "Time zone of DAGs that name none."),
    OPTION(paused_on_creation, MR_OPT_BOOL, "false", "A new DAG waits for: millrace dag unpause."),
    OPTION(parallelism, MR_OPT_INT, "32", "Tasks that run at once, over all DAGs."),
    OPTION(default_pool_slots, MR_OPT_INT, "128", "Slots of default_pool."),
    OPTION(kill_grace, MR_OPT_DURATION, "10 seconds", "From asking a task to end to killing it."),
    OPTION(retention, MR_OPT_DURATION, "90 days",
           "Runs older than this are deleted with their logs; 0 = kept."),
    OPTION(lease, MR_OPT_DURATION, "15 seconds",
           "How long a scheduler on PostgreSQL may be silent before another takes over."),
    OPTION(keep_tasks, MR_OPT_BOOL, "false",
           "Tasks that run go on when the project goes down; the next start takes them up."),
    MR_OPTION_END,
};

// ---- what all files of the scheduler use
// ---------------------------------------------------------

mr_code mr_flow_begin(mr_flow *flow, mr_cx *cx) {
    if (!flow->begun) {
        MR_TRY(mr_record_begin(flow->record, cx));
        flow->begun = true;
    }
    return MR_OK;
}

void mr_flow_set(mr_flow *flow, mr_flow_task *task, mr_task_state state, const char *reason) {
    mr_run *run = task->run;
    task->row.state = state;
    if (strcmp(task->row.reason, reason) != 0) {  // A wait says the same for weeks.
        task->row.reason = reason[0] == '\0' ? "" : mr_arena_string(&run->arena, reason);
    }
    task->changed = true;
    if (state == MR_STATE_QUEUED) {
        task->row.ready_us = flow->now_us;
    }
    if (mr_task_state_is_over(state)) {
        task->row.ended_us = flow->now_us;
        run->owner->moved =
            run->owner->moved || (task->spec != NULL && task->spec->depends_on_past);
    }
    if (state != MR_STATE_UP_FOR_RETRY && state != MR_STATE_WAITING) {
        task->row.next_us = 0;
        task->due_us = INT64_MAX;
    }
    run->touched = true;
    run->look = true;
    flow->again = true;
}

void mr_flow_say(mr_flow *flow, const char *format, ...) {
    if (flow->spec.say == NULL) {
        return;
    }
    mr_arena arena = {0};
    va_list arguments;
    va_start(arguments, format);
    flow->spec.say(flow->spec.self, mr_arena_vprintf(&arena, format, arguments));
    va_end(arguments);
    mr_arena_release(&arena);
}

mr_flow_dag *mr_flow_find(const mr_flow *flow, mr_span id) {
    for (mr_flow_dag *dag = flow->dags; dag != NULL; dag = dag->next) {
        if (mr_span_is(id, dag->row.id)) {
            return dag;
        }
    }
    return NULL;
}

const char *mr_flow_error_text(const mr_error *error, mr_arena *arena) {
    uint32_t line, column;
    const char *hint = error->hint[0] == '\0' ? "" : " ";
    if (mr_error_line_column(&error->place, &line, &column) && error->place.file != NULL) {
        return mr_arena_printf(arena, "%s:%" PRIu32 ":%" PRIu32 ": %s%s%s%s", error->place.file,
                               line, column, error->text, hint[0] == '\0' ? "" : ".", hint,
                               error->hint);
    }
    return mr_arena_printf(arena, "%s%s%s%s", error->text, hint[0] == '\0' ? "" : ".", hint,
                           error->hint);
}

const char *mr_flow_run_dir(const mr_flow *flow, const mr_run *run, mr_arena *arena) {
    return mr_arena_printf(arena, "%s/flow/logs/%s/%s", flow->spec.data_dir, run->row.dag,
                           run->row.run_id);
}

// ---- the transaction
// -----------------------------------------------------------------------------

static mr_code save_task(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    if (task->changed) {
        MR_TRY(task->row.id == 0 ? mr_record_add_task(flow->record, &task->row, cx)
                                 : mr_record_put_task(flow->record, &task->row, cx));
    }
    if (task->try_changed) {
        task->try.task = task->row.id;
        MR_TRY(task->try.id == 0 ? mr_record_add_try(flow->record, &task->try, cx)
                                 : mr_record_put_try(flow->record, &task->try, cx));
    }
    task->changed = false;
    task->try_changed = false;
    return MR_OK;
}

static mr_code save_run(mr_flow *flow, mr_run *run, mr_cx *cx) {
    if (run->touched) {
        for (uint32_t i = 0; i < run->task_count; i++) {
            run->tasks[i]->row.run = run->row.id;
            MR_TRY(save_task(flow, run->tasks[i], cx));
        }
        for (mr_flow_output *output = run->outputs; output != NULL; output = output->next) {
            if (!output->saved) {
                MR_TRY(mr_record_put_output(flow->record, output->task->row.id, output->key,
                                            output->json, cx));
                output->saved = true;
            }
        }
    }
    if (run->changed) {
        MR_TRY(mr_record_put_run(flow->record, &run->row, cx));
    }
    run->touched = false;
    run->changed = false;
    return MR_OK;
}

static bool has_changes(const mr_flow *flow) {
    for (const mr_run *run = flow->runs; run != NULL; run = run->next) {
        if (run->touched || run->changed) {
            return true;
        }
    }
    for (const mr_flow_dag *dag = flow->dags; dag != NULL; dag = dag->next) {
        if (dag->changed) {
            return true;
        }
    }
    for (const mr_flow_backfill *b = flow->backfills; b != NULL; b = b->next) {
        if (b->changed) {
            return true;
        }
    }
    return false;
}

static mr_code save_all(mr_flow *flow, mr_cx *cx) {
    for (mr_flow_dag *dag = flow->dags; dag != NULL; dag = dag->next) {
        if (dag->changed) {
            MR_TRY(mr_record_put_dag(flow->record, &dag->row, cx));
            dag->changed = false;
        }
    }
    for (mr_flow_backfill *b = flow->backfills; b != NULL; b = b->next) {
        if (b->changed) {
            MR_TRY(mr_record_put_backfill(flow->record, &b->row, cx));
            b->changed = false;
        }
    }
    for (mr_run *run = flow->runs; run != NULL; run = run->next) {
        MR_TRY(save_run(flow, run, cx));
    }
    return MR_OK;
}

// Forgets the runs that are over and committed.
static void drop_ended(mr_flow *flow) {
    flow->runs_end = &flow->runs;
    while (*flow->runs_end != NULL) {
        mr_run *run = *flow->runs_end;
        if (run->ended) {
            *flow->runs_end = run->next;
            mr_runs_free(run);
        } else {
            flow->runs_end = &run->next;
        }
    }
}

bool mr_flow_is_ours(mr_flow *flow, const mr_cx *cx) {
    const mr_error *error = &cx->error;
    bool ours = error->code == MR_E_CRASH || error->code == MR_E_INTERNAL ||
                (error->flags & (MR_RETRY | MR_ABORT | MR_FATAL)) != 0;
    if (ours && flow->failed == MR_OK) {
        flow->failed = error->code;
        flow->error = *error;
    }
    return ours;
}

mr_code mr_flow_commit(mr_flow *flow, mr_cx *cx) {
    if (flow->failed != MR_OK) {
        cx->error = flow->error;
        return flow->failed;
    }
    bool renew = flow->now_mono_us >= mr_record_renew_us(flow->record);
    if (!flow->begun && !renew && !has_changes(flow)) {
        return MR_OK;
    }
    MR_TRY(mr_flow_begin(flow, cx));
    MR_TRY(save_all(flow, cx));
    MR_TRY(mr_crash_point("flow.prepared", cx));
    MR_TRY(mr_record_commit(flow->record, cx));
    flow->begun = false;
    return mr_crash_point("flow.committed", cx);
}

// Remembers why the memory cannot be trusted any more.
static mr_code broken(mr_flow *flow, mr_code code, mr_cx *cx) {
    flow->broken = code;
    flow->error = cx->error;
    if (flow->begun) {
        mr_record_rollback(flow->record, cx);
        flow->begun = false;
        cx->error = flow->error;
    }
    return code;
}

void mr_flow_undo(mr_flow *flow, mr_cx *cx) {
    if (has_changes(flow) || flow->failed != MR_OK || (cx->error.flags & MR_FATAL) != 0) {
        (void)broken(flow, cx->error.code, cx);
    } else if (flow->begun) {
        mr_record_rollback(flow->record, cx);
        flow->begun = false;
    }
}

// ---- the turn
// ------------------------------------------------------------------------------------

void mr_flow_clocks(mr_flow *flow) {
    flow->now_us = mr_clock_real_us(flow->plat);
    flow->now_mono_us = mr_clock_monotonic_us(flow->plat);
    flow->turns++;
    flow->pools = NULL;
    flow->pool_count = 0;
    flow->masked = NULL;
}

// From then on changes are told; where that cannot be had, the files are looked at each second.
static void watch_files(mr_flow *flow, mr_cx *cx) {
    if (flow->spec.dags_dir != NULL && flow->spec.executor != NULL &&
        mr_file_exists(flow->spec.dags_dir, cx)) {
        flow->watching = mr_watch_open(&flow->watch, flow->spec.dags_dir, cx) == MR_OK;
    }
}

static mr_code look_at_files(mr_flow *flow, mr_cx *cx) {
    bool changed = flow->files_changed;
    flow->files_changed = false;
    if (flow->watching) {
        changed = mr_watch_changed(&flow->watch, cx) || changed;
        flow->watching = flow->watch.handle >= 0;
    } else if (flow->now_mono_us >= flow->files_us) {
        changed = true;
        flow->files_us = flow->now_mono_us + LOOK_US;
        watch_files(flow, cx);
    }
    return changed ? mr_watch_files(flow, cx) : MR_OK;
}

// Runs of a DAG may wait for what a task of another one has done.
static void look_at_later(mr_flow *flow) {
    for (mr_run *run = flow->runs; run != NULL; run = run->next) {
        run->look = run->look || run->owner->moved;
    }
    for (mr_flow_dag *dag = flow->dags; dag != NULL; dag = dag->next) {
        dag->moved = false;
    }
}

// Looks at the runs that something happened to, until nothing follows from it any more.
static mr_code settle(mr_flow *flow, mr_cx *cx) {
    do {
        flow->again = false;
        MR_TRY(mr_runs_promote(flow, cx));
        look_at_later(flow);
        for (mr_run *run = flow->runs; run != NULL; run = run->next) {
            if (run->look && run->row.state == MR_RUN_RUNNING && !run->ended) {
                run->look = false;
                MR_TRY(mr_ready_pass(flow, run, cx));
                MR_TRY(mr_runs_settle(flow, run, cx));
            }
        }
        if (!flow->again && !flow->ending && flow->spec.executor != NULL) {
            MR_TRY(mr_slots_fill(flow, cx));
        }
    } while (flow->again);
    return MR_OK;
}

static mr_code turn(mr_flow *flow, mr_cx *cx) {
    mr_flow_clocks(flow);
    MR_TRY(mr_tries_collect(flow, cx));
    MR_TRY(mr_crash_point("flow.collected", cx));
    if (!flow->ending) {
        MR_TRY(look_at_files(flow, cx));
        MR_TRY(mr_runs_ticks(flow, cx));
        mr_runs_timers(flow, cx);
        mr_tries_timers(flow);
        if (flow->now_mono_us >= flow->tidy_us) {
            MR_TRY(mr_load_tidy(flow, cx));
        }
    }
    MR_TRY(settle(flow, cx));
    MR_TRY(mr_flow_commit(flow, cx));
    drop_ended(flow);
    MR_TRY(mr_tries_start(flow, cx));
    mr_db_tend(mr_record_db(flow->record), /* now= */ flow->open_count == 0);
    mr_load_sweep(flow, cx);
    return MR_OK;
}

static int64_t next_us(const mr_flow *flow) {
    if (flow->ends != NULL || flow->files_changed) {
        return flow->now_us;
    }
    int64_t next = INT64_MAX;
    for (const mr_flow_dag *dag = flow->dags; dag != NULL; dag = dag->next) {
        next = MR_MIN(next, dag->row.paused ? INT64_MAX : dag->next_us);
    }
    for (const mr_run *run = flow->runs; run != NULL; run = run->next) {
        next = MR_MIN(next, mr_runs_next_us(flow, run));
    }
    int64_t mono = MR_MIN(flow->tidy_us, mr_record_renew_us(flow->record));
    mono = flow->watching ? mono : MR_MIN(mono, flow->files_us);
    return mono == INT64_MAX ? next : MR_MIN(next, flow->now_us + (mono - flow->now_mono_us));
}

mr_code mr_flow_turn(mr_flow *flow, int64_t *ret_next_us, mr_cx *cx) {
    if (flow->broken != MR_OK) {
        cx->error = flow->error;
        return flow->broken;
    }
    mr_arena *arena = cx->arena;
    mr_arena_clear(&flow->turn);
    cx->arena = &flow->turn;
    mr_code code = turn(flow, cx);
    if (code != MR_OK) {
        code = broken(flow, code, cx);
    }
    *ret_next_us = code == MR_OK ? next_us(flow) : INT64_MAX;
    cx->arena = arena;
    return code;
}

uint32_t mr_flow_open_tries(const mr_flow *flow) {
    return flow->open_count;
}

void mr_flow_stop(mr_flow *flow, mr_cx *cx) {
    flow->ending = true;
    for (uint32_t i = 0; i < flow->open_count; i++) {
        flow->spec.executor->type->stop(flow->spec.executor, flow->open[i]->token, cx);
    }
}

static mr_code wait_for_something(mr_flow *flow, const mr_wake *wake, const mr_timer *timer,
                                  mr_cx *cx) {
    mr_executor *executor = flow->spec.executor;
    mr_socket_event events[] = {
        {.handle = wake == NULL ? -1 : wake->handle, .read = true},
        {.handle = timer->handle, .read = true},
        {.handle = executor == NULL ? -1 : executor->type->handle(executor), .read = true},
        {.handle = flow->watching ? flow->watch.handle : -1, .read = true},
    };
    size_t ready;
    MR_TRY(mr_socket_wait(events, MR_COUNT(events), /* timeout_us= */ -1, &ready, cx));
    if (events[0].readable) {
        mr_wake_clear(wake, flow->plat);
    }
    return MR_OK;
}

static mr_code run_loop(mr_flow *flow, const mr_wake *wake, const mr_timer *timer, mr_cx *cx) {
    int64_t until_us = INT64_MAX;
    for (;;) {
        mr_arena_clear(cx->arena);
        if (mr_cx_cancelled(cx) && !flow->ending) {
            if (flow->settings.keep_tasks) {
                return MR_OK;
            }
            mr_flow_stop(flow, cx);
            until_us = mr_clock_monotonic_us(flow->plat) + flow->settings.kill_grace + END_US;
        }
        if (flow->spec.asked != NULL) {
            flow->spec.asked(flow->spec.self, flow, cx);
        }
        int64_t at_us;
        MR_TRY(mr_flow_turn(flow, &at_us, cx));
        if (flow->ending) {
            int64_t left_us = until_us - mr_clock_monotonic_us(flow->plat);
            if (flow->open_count == 0 || left_us <= 0) {
                return MR_OK;
            }
            at_us = MR_MIN(at_us, flow->now_us + left_us);
        }
        MR_TRY(mr_timer_set(timer, at_us, cx));
        MR_TRY(wait_for_something(flow, wake, timer, cx));
    }
}

mr_code mr_flow_run(mr_flow *flow, const mr_wake *wake, mr_cx *cx) {
    mr_timer timer = MR_TIMER_CLOSED;
    MR_TRY(mr_timer_open(&timer, cx));
    mr_arena arena = {0};
    mr_cx own = *cx;
    own.arena = &arena;
    mr_code code = run_loop(flow, wake, &timer, &own);
    cx->error = own.error;
    mr_timer_close(&timer);
    mr_arena_release(&arena);
    return code;
}

// ---- opening and closing
// -------------------------------------------------------------------------

// Of a rehearsal: connections and the like are the project's, only to be read.
static mr_code open_vault(mr_flow *flow, mr_cx *cx) {
    if (flow->spec.project_data_dir == NULL) {
        return mr_vault_open(mr_record_db(flow->record), flow->spec.data_dir, flow->spec.env,
                             &flow->vault, cx);
    }
    mr_record_spec spec = {.data_dir = flow->spec.project_data_dir, .store = flow->settings.store};
    const char *store = mr_record_store(&spec, cx->arena);
    mr_code code = mr_db_open(store, /* read_only= */ true, &flow->project_db, cx);
    if (code != MR_OK && code != MR_E_MISSING) {
        return code;
    }
    return mr_vault_open(flow->project_db, spec.data_dir, flow->spec.env, &flow->vault, cx);
}

static mr_code open_all(mr_flow *flow, mr_cx *cx) {
    mr_record_spec record = {
        .data_dir = flow->spec.data_dir,
        .store = flow->spec.project_data_dir == NULL ? flow->settings.store : "",
        .holder = mr_arena_printf(&flow->arena, "process %d", mr_process_id()),
        .lease_us = flow->settings.lease,
    };
    MR_TRY(mr_record_own(&record, &flow->record, cx));
    mr_db_pace(mr_record_db(flow->record));
    MR_TRY(open_vault(flow, cx));
    watch_files(flow, cx);  // Before they are read, so that no change is missed.
    MR_TRY(mr_watch_files(flow, cx));
    MR_TRY(mr_load_active(flow, cx));
    MR_TRY(mr_flow_commit(flow, cx));
    return MR_OK;
}

mr_code mr_flow_open(const mr_flow_spec *spec, mr_flow **ret, mr_cx *cx) {
    mr_flow *flow = mr_heap_alloc(sizeof(*flow));
    flow->spec = *spec;
    flow->settings = *spec->settings;
    flow->plat = cx->plat;
    flow->watch = MR_WATCH_CLOSED;
    flow->runs_end = &flow->runs;
    mr_flow_clocks(flow);
    flow->tidy_us = flow->now_mono_us;
    mr_arena *arena = cx->arena;
    cx->arena = &flow->turn;
    mr_code code = open_all(flow, cx);
    if (code != MR_OK && flow->begun) {
        mr_error error = cx->error;
        mr_record_rollback(flow->record, cx);
        cx->error = error;
    }
    cx->arena = arena;
    if (code != MR_OK) {
        mr_error error = cx->error;
        mr_flow_close(flow, cx);
        cx->error = error;
        return code;
    }
    *ret = flow;
    return MR_OK;
}

void mr_flow_close(mr_flow *flow, mr_cx *cx) {
    while (flow->runs != NULL) {
        mr_run *run = flow->runs;
        flow->runs = run->next;
        mr_runs_free(run);
    }
    while (flow->ends != NULL) {
        mr_flow_end *end = flow->ends;
        flow->ends = end->next;
        mr_heap_free(end);
    }
    mr_watch_free(flow);
    mr_watch_close(&flow->watch);
    mr_vault_close(flow->vault);
    mr_db_close(flow->project_db);
    mr_record_close(flow->record, cx);
    mr_heap_free(flow->open);
    mr_heap_free(flow->kept);
    mr_arena_release(&flow->turn);
    mr_arena_release(&flow->arena);
    mr_heap_free(flow);
}
