// Load: runs from the database into memory: all that are not over when a scheduler starts, one that
// is to be run again; and the deletion of old ones.
//
// A start changes nothing by itself: queued stays queued, what runs is adopted by its try, what
// waits waits on. So it does not matter at which point the last scheduler was killed.
//
// Also: mr_load_

#include <inttypes.h>
#include <string.h>

#include "flow/state.h"

#define TIDY_US   ((int64_t)3600 * MR_SECOND_US)
#define TIDY_RUNS 100  // In one turn; more wait for the next.
#define AGAIN_US  ((int64_t)100000)

static const char *keep(const char *text, mr_arena *arena) {
    return text == NULL ? "" : mr_arena_string(arena, text);
}

static void load_task(mr_flow *flow, mr_run *run, const mr_record_task *row) {
    const mr_dag_task *spec = mr_dag_find(run->dag, mr_span_of(row->task));
    mr_flow_task *task = mr_runs_task(run, spec, row->task, row->map_index);
    const char *id = task->row.task;
    task->row = *row;
    task->row.task = id;
    task->row.reason = keep(row->reason, &run->arena);
    task->row.item_json.data =
        mr_arena_copy(&run->arena, row->item_json.data, row->item_json.bytes);
    task->changed = false;
    if (row->state == MR_STATE_UP_FOR_RETRY ||
        (row->state == MR_STATE_WAITING && row->next_us != 0)) {
        // A clock that was set back must not make it wait for longer than it was to.
        int64_t left_us = row->next_us - flow->now_us;
        int64_t most_us = row->state == MR_STATE_WAITING && spec != NULL ? spec->poke_interval_us
                          : spec != NULL ? mr_tries_delay_us(spec, row->retries)
                                         : 0;
        task->due_us = flow->now_mono_us + MR_MIN(left_us, most_us);
    }
}

static mr_flow_task *find_task(const mr_run *run, int64_t id) {
    for (uint32_t i = 0; i < run->task_count; i++) {
        if (run->tasks[i]->row.id == id) {
            return run->tasks[i];
        }
    }
    return NULL;
}

static mr_code load_outputs(mr_flow *flow, mr_run *run, mr_cx *cx) {
    mr_record_output *outputs = NULL;
    uint32_t count = 0;
    MR_TRY(mr_record_outputs(flow->record, run->row.id, &outputs, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        mr_flow_task *task = find_task(run, outputs[i].task);
        if (task != NULL) {
            mr_tries_output(task, outputs[i].key, outputs[i].json);
        }
    }
    for (mr_flow_output *output = run->outputs; output != NULL; output = output->next) {
        output->saved = true;
    }
    run->touched = false;
    return MR_OK;
}

// Tasks of a run that has begun. dag: its version; a reference is taken over.
static mr_code load_tasks(mr_flow *flow, mr_run *run, const mr_record_rows *rows, mr_cx *cx) {
    run->heads = MR_NEW_ARRAY(&run->arena, mr_flow_task *, run->dag->task_count + 1u);
    for (uint32_t i = 0; i < rows->task_count; i++) {
        if (rows->tasks[i].run == run->row.id) {
            load_task(flow, run, &rows->tasks[i]);
        }
    }
    for (uint32_t i = 0; i < run->dag->task_count; i++) {
        if (run->heads[i] == NULL) {  // It came with a newer version.
            (void)mr_runs_task(run, &run->dag->tasks[i], run->dag->tasks[i].id, -1);
        }
    }
    bool touched = run->touched;
    MR_TRY(load_outputs(flow, run, cx));
    run->touched = touched;
    run->look = true;
    return MR_OK;
}

static bool is_cancelled(const mr_run *run) {
    for (uint32_t i = 0; i < run->task_count; i++) {
        if (run->tasks[i]->row.state == MR_STATE_CANCELLED) {
            return true;
        }
    }
    return run->row.note[0] != '\0';
}

static mr_code adopt_tries(mr_flow *flow, mr_run *run, const mr_record_rows *rows, mr_cx *cx) {
    bool cancelled = is_cancelled(run);
    for (uint32_t i = 0; i < rows->try_count; i++) {
        mr_flow_task *task = find_task(run, rows->tries[i].task);
        if (task == NULL || rows->tries[i].state != MR_STATE_RUNNING) {
            continue;
        }
        task->try = rows->tries[i];
        task->try.dir = mr_arena_string(&run->arena, rows->tries[i].dir);
        task->stopping = cancelled;
        MR_TRY(mr_tries_adopt(flow, task, cx));
    }
    return MR_OK;
}

static mr_code load_run(mr_flow *flow, const mr_record_run *row, const mr_record_rows *rows,
                        mr_cx *cx) {
    mr_flow_dag *dag = mr_flow_find(flow, mr_span_of(row->dag));
    if (dag == NULL) {
        return MR_OK;  // Not possible: a run has a DAG.
    }
    mr_run *run = mr_runs_new(flow, dag, row);
    if (row->state == MR_RUN_QUEUED) {
        return MR_OK;
    }
    mr_code code = mr_watch_version(flow, dag, row->version, &run->dag, cx);
    if (code != MR_OK && mr_flow_is_ours(flow, cx)) {
        return code;
    }
    if (code != MR_OK) {
        mr_flow_say(flow, "dag %s: run %s is left alone, its DAG cannot be read: %s", row->dag,
                    row->run_id, cx->error.text);
        run->ended = true;  // In memory only: a program that can read it goes on with it.
        return MR_OK;
    }
    mr_runs_set_timeout(flow, run);
    MR_TRY(load_tasks(flow, run, rows, cx));
    return adopt_tries(flow, run, rows, cx);
}

static mr_code load_backfills(mr_flow *flow, mr_cx *cx) {
    mr_record_backfill *rows = NULL;
    uint32_t count = 0;
    MR_TRY(mr_record_backfills(flow->record, NULL, /* active= */ true, &rows, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        mr_flow_backfill *backfill = mr_heap_alloc(sizeof(*backfill));
        backfill->row = rows[i];
        const mr_flow_dag *dag = mr_flow_find(flow, mr_span_of(rows[i].dag));
        backfill->row.dag = dag == NULL ? "" : dag->row.id;
        backfill->row.reprocess = mr_arena_string(&flow->arena, rows[i].reprocess);
        backfill->next = flow->backfills;
        flow->backfills = backfill;
    }
    return MR_OK;
}

mr_code mr_load_active(mr_flow *flow, mr_cx *cx) {
    mr_record_rows rows = {0};
    MR_TRY(load_backfills(flow, cx));
    MR_TRY(mr_record_active(flow->record, &rows, cx));
    for (uint32_t i = 0; i < rows.run_count; i++) {
        MR_TRY(load_run(flow, &rows.runs[i], &rows, cx));
    }
    return MR_OK;
}

mr_code mr_load_run(mr_flow *flow, int64_t id, mr_run **ret, mr_cx *cx) {
    mr_record_rows rows = {0};
    MR_TRY(mr_record_run_whole(flow->record, id, &rows, cx));
    mr_flow_dag *dag = mr_flow_find(flow, mr_span_of(rows.runs[0].dag));
    if (dag == NULL || dag->dag == NULL) {
        return mr_fail(cx, MR_E_MISSING, "Put its file back, then try again.",
                       "DAG \"%s\" cannot be read now", rows.runs[0].dag);
    }
    mr_run *run = mr_runs_new(flow, dag, &rows.runs[0]);
    run->dag = mr_dag_ref(dag->dag);
    run->row.version = dag->row.version;
    run->changed = true;
    MR_TRY(load_tasks(flow, run, &rows, cx));
    for (uint32_t i = 0; i < run->task_count; i++) {
        mr_flow_task *task = run->tasks[i];
        if (task->spec == NULL && !task->callback) {
            mr_flow_set(flow, task, MR_STATE_REMOVED, "the DAG does not have it any more");
        }
    }
    *ret = run;
    return MR_OK;
}

// ---- retention
// -----------------------------------------------------------------------------------

// The logs of a run that this turn deletes.
typedef struct mr_flow_gone {
    struct mr_flow_gone *next;
    const char *dir;
} mr_flow_gone;

// *ret_more: there are older ones yet.
static mr_code tidy_dag(mr_flow *flow, const mr_flow_dag *dag, bool *ret_more, mr_cx *cx) {
    int64_t keep_us = dag->dag != NULL && dag->dag->retention_us != 0 ? dag->dag->retention_us
                                                                      : flow->settings.retention;
    if (keep_us <= 0) {
        return MR_OK;
    }
    mr_record_filter filter = {
        .dag = dag->row.id, .ended_before_us = flow->now_us - keep_us, .limit = TIDY_RUNS};
    mr_record_run *runs = NULL;
    uint32_t count = 0;
    MR_TRY(mr_record_runs(flow->record, &filter, &runs, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_flow_begin(flow, cx));
        MR_TRY(mr_record_delete_run(flow->record, runs[i].id, cx));
        mr_run named = {.row = runs[i]};
        mr_flow_gone *gone = MR_NEW(&flow->turn, mr_flow_gone);
        *gone =
            (mr_flow_gone){.next = flow->gone, .dir = mr_flow_run_dir(flow, &named, &flow->turn)};
        flow->gone = gone;
    }
    *ret_more = *ret_more || count == TIDY_RUNS;
    return MR_OK;
}

void mr_load_sweep(mr_flow *flow, mr_cx *cx) {
    for (; flow->gone != NULL; flow->gone = flow->gone->next) {
        if (mr_dir_delete(flow->gone->dir, cx) != MR_OK) {
            mr_flow_say(flow, "the logs of a run that is deleted stay: %s", cx->error.text);
        }
    }
}

mr_code mr_load_tidy(mr_flow *flow, mr_cx *cx) {
    bool more = false;
    flow->gone = NULL;
    for (const mr_flow_dag *dag = flow->dags; dag != NULL; dag = dag->next) {
        MR_TRY(tidy_dag(flow, dag, &more, cx));
    }
    flow->tidy_us = flow->now_mono_us + (more ? AGAIN_US : TIDY_US);
    return MR_OK;
}
