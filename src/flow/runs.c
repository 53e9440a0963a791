// Runs: from ticks, requests and backfills to runs; what bounds them; how they end.
//
// A tick's run and the watermark that says it was decided on are in one transaction, so after a
// crash a tick is neither lost nor run twice. Ticks that come late are missed ones: `catchup` says
// which of them still run. A queued run is a row; its tasks are made when it begins, by the version
// of the DAG that is in force then, which it keeps.
//
// Also: mr_runs_

#include <inttypes.h>
#include <string.h>

#include "flow/scope.h"

#define QUEUED_MAX 1000  // Runs of a DAG that are made ahead: more ticks wait as ticks.

static mr_flow_backfill *backfill_of(const mr_flow *flow, int64_t id) {
    mr_flow_backfill *backfill = id == 0 ? NULL : flow->backfills;
    while (backfill != NULL && backfill->row.id != id) {
        backfill = backfill->next;
    }
    return backfill;
}

// ---- in memory
// -----------------------------------------------------------------------------------

mr_run *mr_runs_new(mr_flow *flow, mr_flow_dag *dag, const mr_record_run *row) {
    mr_run *run = mr_heap_alloc(sizeof(*run));
    run->owner = dag;
    run->row = *row;
    run->row.dag = mr_arena_string(&run->arena, row->dag);
    run->row.run_id = mr_arena_string(&run->arena, row->run_id);
    run->row.note = row->note == NULL ? "" : mr_arena_string(&run->arena, row->note);
    run->row.conf_json.data = mr_arena_copy(&run->arena, row->conf_json.data, row->conf_json.bytes);
    run->timeout_us = INT64_MAX;
    run->backfill = backfill_of(flow, row->backfill);
    *flow->runs_end = run;
    flow->runs_end = &run->next;
    return run;
}

void mr_runs_free(mr_run *run) {
    mr_dag_unref(run->dag);
    mr_heap_free(run->tasks);
    mr_arena_release(&run->arena);
    mr_heap_free(run);
}

mr_run *mr_runs_find(const mr_flow *flow, int64_t id) {
    for (mr_run *run = flow->runs; run != NULL; run = run->next) {
        if (run->row.id == id && !run->ended) {
            return run;
        }
    }
    return NULL;
}

// The place of a task in its DAG's list, or NULL.
static mr_flow_task **head_of(mr_run *run, const mr_dag_task *spec) {
    return spec == NULL ? NULL : &run->heads[spec - run->dag->tasks];
}

mr_flow_task *mr_runs_task(mr_run *run, const mr_dag_task *spec, const char *id,
                           int32_t map_index) {
    if (run->task_count == run->task_room) {
        run->task_room = run->task_room == 0 ? 16 : run->task_room * 2;
        run->tasks = mr_heap_resize(run->tasks, sizeof(run->tasks[0]) * run->task_room);
    }
    mr_flow_task *task = MR_NEW(&run->arena, mr_flow_task);
    task->row.run = run->row.id;
    task->row.task = mr_arena_string(&run->arena, id);
    task->row.map_index = map_index;
    task->row.reason = "";
    task->run = run;
    task->spec = spec;
    task->callback = strchr(id, '~') != NULL;
    task->due_us = INT64_MAX;
    task->changed = true;
    run->touched = true;
    run->tasks[run->task_count++] = task;
    mr_flow_task **at = head_of(run, spec);
    while (at != NULL && *at != NULL) {
        at = &(*at)->next;
    }
    if (at != NULL) {
        *at = task;
    }
    return task;
}

// ---- making
// --------------------------------------------------------------------------------------

static const char *make_run_id(const mr_runs_spec *spec, mr_arena *arena) {
    mr_text text;
    mr_text_init(&text, arena);
    mr_text_addf(&text, "%s__", mr_run_type_text(spec->type));
    mr_civil_print_iso(&text, spec->logical_us);
    return mr_text_string(&text);
}

mr_code mr_runs_add(mr_flow *flow, mr_flow_dag *dag, const mr_runs_spec *spec, mr_run **ret,
                    mr_cx *cx) {
    mr_record_run row = {
        .dag = dag->row.id,
        .run_id = spec->run_id != NULL ? spec->run_id : make_run_id(spec, cx->arena),
        .type = spec->type,
        .state = MR_RUN_QUEUED,
        .logical_us = spec->logical_us,
        .interval_start_us = spec->start_us,
        .interval_end_us = spec->end_us,
        .created_us = flow->now_us,
        .version = dag->row.version,
        .backfill = spec->backfill,
        .caller = spec->caller,
        .conf_json = spec->conf_json,
        .note = "",
    };
    MR_TRY(mr_flow_begin(flow, cx));
    MR_TRY(mr_record_add_run(flow->record, &row, cx));
    *ret = mr_runs_new(flow, dag, &row);
    (*ret)->touched = true;
    flow->again = true;
    return MR_OK;
}

// Runs of a DAG that wait, and, running, those that run; but for those of backfills.
static uint32_t count_runs(const mr_flow *flow, const mr_flow_dag *dag, bool running) {
    uint32_t count = 0;
    for (const mr_run *run = flow->runs; run != NULL; run = run->next) {
        bool counts = running || run->row.state == MR_RUN_QUEUED;
        count += run->owner == dag && counts && !run->ended && run->row.type != MR_RUN_IS_BACKFILL
                     ? 1
                     : 0;
    }
    return count;
}

// ---- ticks
// ---------------------------------------------------------------------------------------

void mr_runs_plan(mr_flow_dag *dag) {
    bool scheduled =
        dag->dag != NULL && dag->row.missing_us == 0 && dag->dag->schedule.kind != MR_SCHEDULE_NONE;
    dag->next_us =
        scheduled ? mr_schedule_next(&dag->dag->schedule, dag->row.watermark_us) : INT64_MAX;
}

static mr_code add_tick(mr_flow *flow, mr_flow_dag *dag, int64_t tick_us, mr_cx *cx) {
    mr_runs_spec spec = {.type = MR_RUN_IS_SCHEDULED};
    mr_dag_interval(dag->dag, tick_us, &spec.start_us, &spec.end_us);
    spec.logical_us = spec.start_us;
    mr_code code = mr_dag_params(dag->dag, MR_SPAN("{}"), &spec.conf_json, cx);
    if (code != MR_OK) {
        mr_flow_say(flow, "dag %s: no run for its tick: %s", dag->row.id, cx->error.text);
        return MR_OK;  // A param without a default: only a trigger can give it.
    }
    mr_run *run;
    code = mr_runs_add(flow, dag, &spec, &run, cx);
    return code == MR_E_EXISTS ? MR_OK : code;  // A backfill came first.
}

// overlap: whether a tick makes a run while others are not over.
static bool may_overlap(mr_flow *flow, mr_flow_dag *dag, mr_cx *cx) {
    if (dag->dag->overlap == MR_OVERLAP_QUEUE) {
        return true;
    }
    int64_t active = (int64_t)count_runs(flow, dag, /* running= */ true);
    if (dag->dag->overlap == MR_OVERLAP_SKIP) {
        return active < dag->dag->max_active_runs;
    }
    for (mr_run *run = flow->runs; run != NULL && active >= dag->dag->max_active_runs;
         run = run->next) {
        if (run->owner == dag && !run->ended && run->row.type == MR_RUN_IS_SCHEDULED) {
            mr_runs_cancel(flow, run, "cancelled by a newer run", cx);
            active--;
        }
    }
    return true;
}

// The first tick that catchup lets run, or INT64_MAX. They are those after the watermark, up to
// now.
static int64_t first_tick(const mr_flow *flow, const mr_flow_dag *dag) {
    const mr_schedule *schedule = &dag->dag->schedule;
    int64_t mark_us = dag->row.watermark_us;
    int64_t newest_us = mr_schedule_previous(schedule, flow->now_us + 1);
    if (newest_us <= mark_us) {
        return INT64_MAX;
    }
    int64_t window_us = dag->dag->catchup_window_us;
    int64_t oldest_us = window_us == 0 ? INT64_MIN : flow->now_us - window_us;
    switch (dag->dag->catchup) {
    case MR_CATCHUP_NONE: oldest_us = flow->now_us - MR_FLOW_LATE_US; break;
    case MR_CATCHUP_LAST: break;
    case MR_CATCHUP_ALL: return mr_schedule_next(schedule, MR_MAX(mark_us, oldest_us - 1));
    }
    return newest_us >= oldest_us ? newest_us : INT64_MAX;
}

static mr_code dag_ticks(mr_flow *flow, mr_flow_dag *dag, mr_cx *cx) {
    const mr_schedule *schedule = &dag->dag->schedule;
    uint32_t room = QUEUED_MAX - MR_MIN(count_runs(flow, dag, /* running= */ false), QUEUED_MAX);
    if (room == 0) {
        dag->next_us = INT64_MAX;  // Planned again when one of its runs ends.
        return MR_OK;
    }
    int64_t tick_us = first_tick(flow, dag);
    while (tick_us <= flow->now_us && room > 0) {
        if (may_overlap(flow, dag, cx)) {
            MR_TRY(add_tick(flow, dag, tick_us, cx));
        } else {
            mr_flow_say(flow, "dag %s: a tick is skipped, its last run is not over", dag->row.id);
        }
        dag->row.watermark_us = tick_us;
        tick_us = mr_schedule_next(schedule, tick_us);
        room--;
    }
    if (tick_us > flow->now_us) {  // All that is past was decided on.
        int64_t newest_us = mr_schedule_previous(schedule, flow->now_us + 1);
        dag->row.watermark_us = MR_MAX(dag->row.watermark_us, newest_us);
    }
    dag->changed = true;
    mr_runs_plan(dag);
    return MR_OK;
}

mr_code mr_runs_ticks(mr_flow *flow, mr_cx *cx) {
    for (mr_flow_dag *dag = flow->dags; dag != NULL; dag = dag->next) {
        if (!dag->row.paused && dag->next_us <= flow->now_us) {
            MR_TRY(dag_ticks(flow, dag, cx));
        }
    }
    return MR_OK;
}

// ---- beginning
// -----------------------------------------------------------------------------------

// What counts how many runs of this one's kind run, and their limit.
static uint32_t *counter_of(mr_run *run, int64_t *ret_most) {
    const mr_dag *dag = run->owner->dag;
    if (run->row.type != MR_RUN_IS_BACKFILL) {
        *ret_most = dag == NULL ? INT64_MAX : dag->max_active_runs;
        return &run->owner->running;
    }
    if (run->backfill != NULL) {
        *ret_most = run->backfill->row.max_active_runs;
        return &run->backfill->running;
    }
    *ret_most = dag == NULL ? 1 : dag->max_active_runs;
    return &run->owner->refilled;
}

// Counted anew each time, so that no place is ever lost.
static void count_running(mr_flow *flow) {
    for (mr_flow_dag *dag = flow->dags; dag != NULL; dag = dag->next) {
        dag->running = 0;
        dag->refilled = 0;
    }
    for (mr_flow_backfill *backfill = flow->backfills; backfill != NULL;
         backfill = backfill->next) {
        backfill->running = 0;
    }
    for (mr_run *run = flow->runs; run != NULL; run = run->next) {
        int64_t most;
        *counter_of(run, &most) += run->row.state == MR_RUN_RUNNING && !run->ended ? 1 : 0;
    }
}

void mr_runs_set_timeout(const mr_flow *flow, mr_run *run) {
    if (run->dag->dagrun_timeout_us != 0) {
        int64_t left_us = run->row.started_us + run->dag->dagrun_timeout_us - flow->now_us;
        run->timeout_us =
            flow->now_mono_us + MR_MIN(left_us, run->dag->dagrun_timeout_us);  // A clock set back.
    }
}

static void end_run(mr_flow *flow, mr_run *run, mr_run_state state, const char *note, mr_cx *cx) {
    run->row.state = state;
    run->row.ended_us = flow->now_us;
    run->row.started_us = run->row.started_us == 0 ? flow->now_us : run->row.started_us;
    if (note[0] != '\0') {
        run->row.note = mr_arena_string(&run->arena, note);
    }
    run->changed = true;
    run->ended = true;
    flow->again = true;
    mr_runs_plan(run->owner);  // Ticks may have waited for room.
    mr_calls_ended(flow, run, cx);
}

static mr_code begin_run(mr_flow *flow, mr_run *run, mr_cx *cx) {
    mr_flow_dag *owner = run->owner;
    run->row.version = owner->row.version;
    mr_code code = mr_watch_version(flow, owner, run->row.version, &run->dag, cx);
    if (code != MR_OK) {
        if (mr_flow_is_ours(flow, cx)) {
            return code;
        }
        end_run(flow, run, MR_RUN_FAILED,
                mr_arena_printf(cx->arena, "its DAG cannot be read: %s", cx->error.text), cx);
        return MR_OK;
    }
    run->heads = MR_NEW_ARRAY(&run->arena, mr_flow_task *, run->dag->task_count + 1);
    run->row.state = MR_RUN_RUNNING;
    run->row.started_us = flow->now_us;
    run->changed = true;
    run->look = true;
    mr_runs_set_timeout(flow, run);
    for (uint32_t i = 0; i < run->dag->task_count; i++) {
        const mr_dag_task *spec = &run->dag->tasks[i];
        (void)mr_runs_task(run, spec, spec->id, /* map_index= */ -1);
    }
    return MR_OK;
}

mr_code mr_runs_promote(mr_flow *flow, mr_cx *cx) {
    count_running(flow);
    for (mr_run *run = flow->runs; run != NULL && !flow->ending; run = run->next) {
        int64_t most;
        uint32_t *running = counter_of(run, &most);
        bool waits = run->row.state == MR_RUN_QUEUED && !run->ended;
        if (waits && !run->owner->row.paused && *running < most) {
            MR_TRY(begin_run(flow, run, cx));
            *running += run->row.state == MR_RUN_RUNNING ? 1 : 0;
        }
    }
    return MR_OK;
}

// ---- ending
// --------------------------------------------------------------------------------------

static bool is_leaf(const mr_flow_task *task) {
    return task->spec != NULL && task->spec->downstream_count == 0;
}

static bool all_over(const mr_run *run, bool callbacks) {
    for (uint32_t i = 0; i < run->task_count; i++) {
        const mr_flow_task *task = run->tasks[i];
        if (task->callback == callbacks && !mr_task_state_is_over(task->row.state)) {
            return false;
        }
    }
    return true;
}

mr_run_state mr_runs_result(const mr_run *run) {
    if (!all_over(run, /* callbacks= */ false)) {
        return MR_RUN_RUNNING;
    }
    bool cancelled = false, failed = false;
    for (uint32_t i = 0; i < run->task_count; i++) {
        const mr_flow_task *task = run->tasks[i];
        cancelled = cancelled || (task->row.state == MR_STATE_CANCELLED && !task->callback);
        failed = failed || (is_leaf(task) && (task->row.state == MR_STATE_FAILED ||
                                              task->row.state == MR_STATE_UPSTREAM_FAILED));
    }
    if (cancelled) {
        bool timeout = strncmp(run->row.note, "dagrun_timeout", strlen("dagrun_timeout")) == 0;
        return timeout ? MR_RUN_FAILED : MR_RUN_CANCELLED;
    }
    return failed ? MR_RUN_FAILED : MR_RUN_SUCCESS;
}

// The run's own callbacks are made once: they are tasks of it.
static bool has_called(const mr_run *run) {
    for (uint32_t i = 0; i < run->task_count; i++) {
        const char *id = run->tasks[i]->row.task;
        if (strcmp(id, "~on_success") == 0 || strcmp(id, "~on_failure") == 0 ||
            strcmp(id, "~on_exit") == 0) {
            return true;
        }
    }
    return false;
}

// After the end of a run: that of its backfill, when it was the last one.
static void end_backfill(mr_flow *flow, mr_flow_backfill *backfill) {
    const mr_run *run = backfill == NULL || backfill->row.ended_us != 0 ? NULL : flow->runs;
    while (run != NULL && (run->backfill != backfill || run->ended)) {
        run = run->next;
    }
    if (backfill != NULL && backfill->row.ended_us == 0 && run == NULL) {
        backfill->row.state = MR_RUN_SUCCESS;
        backfill->row.ended_us = flow->now_us;
        backfill->changed = true;
    }
}

mr_code mr_runs_settle(mr_flow *flow, mr_run *run, mr_cx *cx) {
    if (run->ended || !all_over(run, /* callbacks= */ false)) {
        return MR_OK;
    }
    mr_run_state state = mr_runs_result(run);
    if (!has_called(run) && !flow->ending) {
        if (state == MR_RUN_SUCCESS) {
            mr_runs_call(flow, run, NULL, "on_success", &run->dag->on_success, cx);
        } else if (state == MR_RUN_FAILED) {
            mr_runs_call(flow, run, NULL, "on_failure", &run->dag->on_failure, cx);
        }
        mr_runs_call(flow, run, NULL, "on_exit", &run->dag->on_exit, cx);
    }
    if (!all_over(run, /* callbacks= */ true)) {
        return MR_OK;
    }
    end_run(flow, run, state, "", cx);
    end_backfill(flow, run->backfill);
    return MR_OK;
}

// A run that a task of this one called and waits for goes with it.
static void cancel_called(mr_flow *flow, const mr_flow_task *task, mr_cx *cx) {
    for (mr_run *run = flow->runs; run != NULL; run = run->next) {
        if (run->row.caller == task->row.id && task->row.id != 0 && !run->ended) {
            mr_runs_cancel(flow, run, "its caller was cancelled", cx);
        }
    }
}

void mr_runs_cancel(mr_flow *flow, mr_run *run, const char *note, mr_cx *cx) {
    run->row.note = mr_arena_string(&run->arena, note);
    run->changed = true;
    run->timeout_us = INT64_MAX;
    if (run->row.state == MR_RUN_QUEUED) {
        end_run(flow, run, MR_RUN_CANCELLED, note, cx);
        end_backfill(flow, run->backfill);
        return;
    }
    for (uint32_t i = 0; i < run->task_count; i++) {
        mr_flow_task *task = run->tasks[i];
        if (task->token != 0) {
            task->stopping = true;  // It is cancelled when it has ended.
        } else if (!mr_task_state_is_over(task->row.state)) {
            mr_flow_set(flow, task, MR_STATE_CANCELLED, note);
            cancel_called(flow, task, cx);
        }
    }
    run->look = true;
    flow->again = true;
}

// ---- callbacks
// -----------------------------------------------------------------------------------

// What a callback does, its templates filled in: it is kept as the task's item.
static mr_code callback_json(mr_scope *scope, const mr_callback *callback, mr_text *out,
                             mr_cx *cx) {
    const char *text = callback->script != NULL ? callback->script : callback->webhook;
    mr_text value;
    mr_text_init(&value, cx->arena);
    MR_TRY(mr_template_text(mr_span_of(text), MR_NOWHERE, &scope->base, &value, cx));
    mr_text_addf(out, "{\"%s\":", callback->script != NULL ? "script" : "webhook");
    mr_text_add_json(out, mr_text_span(&value));
    if (scope->task != NULL) {
        mr_text_add(out, ",\"task\":");
        mr_text_add_json(out, mr_span_of(scope->task->row.task));
        mr_text_addf(out,
                     ",\"state\":\"%s\",\"reason\":", mr_task_state_text(scope->task->row.state));
        mr_text_add_json(out, mr_span_of(scope->task->row.reason));
    } else {
        mr_text_addf(out, ",\"state\":\"%s\"", mr_run_state_text(mr_runs_result(scope->run)));
    }
    mr_text_add_char(out, '}');
    return MR_OK;
}

static int32_t count_callbacks(const mr_run *run, const char *id) {
    int32_t count = 0;
    for (uint32_t i = 0; i < run->task_count; i++) {
        count += strcmp(run->tasks[i]->row.task, id) == 0 ? 1 : 0;
    }
    return count;
}

void mr_runs_call(mr_flow *flow, mr_run *run, mr_flow_task *task, const char *when,
                  const mr_callbacks *callbacks, mr_cx *cx) {
    mr_scope scope;
    mr_scope_init(&scope, flow, run, task);
    for (uint32_t i = 0; i < callbacks->count; i++) {
        const char *name = task == NULL ? "" : task->row.task;
        const char *id =
            task == NULL || task->row.map_index < 0
                ? mr_arena_printf(cx->arena, "%s~%s", name, when)
                : mr_arena_printf(cx->arena, "%s.%" PRId32 "~%s", name, task->row.map_index, when);
        mr_text json;
        mr_text_init(&json, &run->arena);
        mr_code code = callback_json(&scope, &callbacks->items[i], &json, cx);
        mr_flow_task *call = mr_runs_task(run, NULL, id, count_callbacks(run, id));
        if (code != MR_OK && mr_flow_is_ours(flow, cx)) {
            return;
        }
        if (code != MR_OK) {
            mr_flow_set(flow, call, MR_STATE_FAILED, mr_scope_failure(flow, cx));
            continue;
        }
        call->row.item_json = mr_text_span(&json);
        mr_flow_set(flow, call, MR_STATE_QUEUED, "");
    }
}

// ---- limits of time
// ------------------------------------------------------------------------------

static int64_t deadline_of(const mr_run *run) {
    const mr_dag *dag = run->dag;
    bool counts = dag != NULL && dag->deadline_us != 0 && !run->row.deadline_told;
    return counts ? run->row.interval_end_us + dag->deadline_us : INT64_MAX;
}

void mr_runs_timers(mr_flow *flow, mr_cx *cx) {
    for (mr_run *run = flow->runs; run != NULL; run = run->next) {
        if (run->row.state != MR_RUN_RUNNING || run->ended) {
            continue;
        }
        if (flow->now_us >= deadline_of(run)) {
            run->row.deadline_told = true;
            run->changed = true;
            mr_flow_say(flow, "dag %s: run %s is past its deadline", run->row.dag, run->row.run_id);
            mr_runs_call(flow, run, NULL, "on_deadline", &run->dag->on_deadline, cx);
        }
        if (flow->now_mono_us >= run->timeout_us) {
            mr_flow_say(flow, "dag %s: run %s is over its dagrun_timeout", run->row.dag,
                        run->row.run_id);
            mr_runs_cancel(flow, run, "dagrun_timeout is over", cx);
        }
    }
}

int64_t mr_runs_next_us(const mr_flow *flow, const mr_run *run) {
    if (run->row.state != MR_RUN_RUNNING || run->ended) {
        return INT64_MAX;
    }
    int64_t mono_us = run->timeout_us;
    for (uint32_t i = 0; i < run->task_count; i++) {
        mono_us = MR_MIN(mono_us, run->tasks[i]->due_us);
    }
    int64_t at_us =
        mono_us == INT64_MAX ? INT64_MAX : flow->now_us + MR_MAX(mono_us - flow->now_mono_us, 0);
    return MR_MIN(at_us, deadline_of(run));
}
