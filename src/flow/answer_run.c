// Answer, runs: list, show, stop, clear, retry, why, logs.
//
// Also: mr_answer_

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "flow/answer.h"

// ---- finding
// -------------------------------------------------------------------------------------

// "run": a number, or a run_id with "dag"; without "run" the newest of "dag".
static mr_code find_run(const mr_answer *a, mr_record_run *ret) {
    const char *word = mr_answer_text(a, "run");
    mr_record_filter filter = {.dag = mr_answer_text(a, "dag"), .limit = 1};
    int64_t id = 0;
    if (word != NULL && mr_text_parse_int64(mr_span_of(word), &id)) {
        filter.dag = NULL;
        filter.before = id + 1;
    } else {
        filter.run_id = word;
    }
    if (word == NULL && filter.dag == NULL) {
        return mr_fail(a->cx, MR_E_OPTION, "Give a run's number, or a DAG.",
                       "the request names no run");
    }
    mr_record_run *runs = NULL;
    uint32_t count = 0;
    MR_TRY(mr_record_runs(a->flow->record, &filter, &runs, &count, a->cx));
    if (count == 0 || (id != 0 && runs[0].id != id)) {
        return mr_fail(a->cx, MR_E_NAME, "See: millrace runs list",
                       word == NULL ? "DAG \"%s\" has no run yet" : "there is no run \"%s\"",
                       word == NULL ? filter.dag : word);
    }
    *ret = runs[0];
    return MR_OK;
}

// "task" and "index" of a run's rows; NULL when the request names no task.
static mr_code find_task(const mr_answer *a, const mr_record_rows *rows,
                         const mr_record_task **ret) {
    const char *id = mr_answer_text(a, "task");
    int64_t index = mr_answer_number(a, "index", -2);
    *ret = NULL;
    const char **names = MR_NEW_ARRAY(a->cx->arena, const char *, rows->task_count + 1u);
    for (uint32_t i = 0; i < rows->task_count; i++) {
        const mr_record_task *task = &rows->tasks[i];
        names[i] = task->task;
        if (id != NULL && strcmp(task->task, id) == 0 &&
            (index == -2 || task->map_index == index) && *ret == NULL) {
            *ret = task;
        }
    }
    if (id != NULL && *ret == NULL) {
        return mr_fail(a->cx, MR_E_NAME,
                       mr_text_hint(id, names, rows->task_count, NULL, a->cx->arena),
                       "the run has no task \"%s\"", id);
    }
    return MR_OK;
}

// ---- list and show
// -------------------------------------------------------------------------------

static mr_code list(const mr_answer *a) {
    mr_record_filter filter = {
        .dag = mr_answer_text(a, "dag"),
        .state = mr_answer_text(a, "state"),
        .type = mr_answer_text(a, "type"),
        .before = mr_answer_number(a, "before", 0),
        .backfill = mr_answer_number(a, "backfill", 0),
        .limit = (uint32_t)MR_MAX(MR_MIN(mr_answer_number(a, "limit", 25), 1000), 1),
    };
    if (filter.dag != NULL) {
        mr_flow_dag *dag;
        MR_TRY(mr_answer_dag_of(a, &dag));
    }
    mr_record_run *runs = NULL;
    uint32_t count = 0;
    MR_TRY(mr_record_runs(a->flow->record, &filter, &runs, &count, a->cx));
    mr_text_add(a->out, "{\"runs\":[");
    for (uint32_t i = 0; i < count; i++) {
        mr_text_add(a->out, i == 0 ? "" : ",");
        mr_answer_add_run(&runs[i], a->out);
    }
    mr_text_add(a->out, "]}");
    return MR_OK;
}

static void add_try(const mr_record_try *try, mr_text *out) {
    mr_text_add_char(out, '{');
    mr_answer_add_number(out, "number", try->number);
    mr_answer_add_text(out, "state", mr_task_state_text(try->state));
    mr_answer_add_text(out, "dir", try->dir);
    if (try->state != MR_STATE_RUNNING) {
        mr_answer_add_text(out, "reason", mr_exit_reason_text(try->exit.reason));
        mr_answer_add_number(out, "code", try->exit.code);
        mr_answer_add_time(out, "started", try->exit.started_us);
        mr_answer_add_time(out, "ended", try->exit.ended_us);
        mr_answer_add_number(out, "cpu_us", try->exit.cpu_us);
        mr_answer_add_number(out, "memory_bytes", (int64_t)try->exit.memory_bytes_max);
        mr_answer_add_text(out, "text", try->exit.text);
    }
    mr_text_add_char(out, '}');
}

// What tasks have, in order of task as the tasks are: so it is gone through once.
typedef struct belongings {
    mr_record_rows rows;
    mr_record_output *outputs;
    uint32_t output_count;
    uint32_t try_next;
    uint32_t output_next;
} belongings;

static void add_tries(belongings *all, int64_t task, mr_text *out) {
    mr_text_add(out, ",\"attempts\":[");
    while (all->try_next < all->rows.try_count && all->rows.tries[all->try_next].task <= task) {
        const mr_record_try *try = &all->rows.tries[all->try_next++];
        if (try->task == task) {
            mr_text_add(out, out->data[out->bytes - 1] == '[' ? "" : ",");
            add_try(try, out);
        }
    }
    mr_text_add_char(out, ']');
}

static void add_outputs(belongings *all, int64_t task, mr_text *out) {
    mr_text_add(out, ",\"outputs\":{");
    while (all->output_next < all->output_count && all->outputs[all->output_next].task <= task) {
        const mr_record_output *output = &all->outputs[all->output_next++];
        if (output->task == task) {
            mr_text_add(out, out->data[out->bytes - 1] == '{' ? "" : ",");
            mr_text_add_json(out, mr_span_of(output->key));
            mr_text_add_char(out, ':');
            mr_text_add_bytes(out, output->json.data, output->json.bytes);
        }
    }
    mr_text_add_char(out, '}');
}

static void add_task(belongings *all, const mr_record_task *task, mr_text *out) {
    mr_text_add_char(out, '{');
    mr_answer_add_text(out, "task", task->task);
    if (task->map_index >= 0) {
        mr_answer_add_number(out, "index", task->map_index);
    }
    mr_answer_add_text(out, "state", mr_task_state_text(task->state));
    mr_answer_add_number(out, "tries", task->tries);
    mr_answer_add_number(out, "retries", task->retries);
    mr_answer_add_time(out, "ready", task->ready_us);
    mr_answer_add_time(out, "started", task->started_us);
    mr_answer_add_time(out, "ended", task->ended_us);
    mr_answer_add_time(out, "next", task->next_us);
    mr_answer_add_text(out, "reason", task->reason);
    add_tries(all, task->id, out);
    add_outputs(all, task->id, out);
    mr_text_add_char(out, '}');
}

static mr_code show(const mr_answer *a) {
    mr_record_run run;
    belongings all = {.output_count = 0};
    MR_TRY(find_run(a, &run));
    MR_TRY(mr_record_run_whole(a->flow->record, run.id, &all.rows, a->cx));
    MR_TRY(mr_record_outputs(a->flow->record, run.id, &all.outputs, &all.output_count, a->cx));
    mr_answer_add_run(&all.rows.runs[0], a->out);
    a->out->bytes--;  // The object goes on.
    mr_text_add(a->out, ",\"conf\":");
    mr_text_add_bytes(a->out, run.conf_json.data, run.conf_json.bytes);
    mr_text_add(a->out, ",\"tasks\":[");
    for (uint32_t i = 0; i < all.rows.task_count; i++) {
        mr_text_add(a->out, i == 0 ? "" : ",");
        add_task(&all, &all.rows.tasks[i], a->out);
    }
    mr_text_add(a->out, "]}");
    return MR_OK;
}

// ---- stop, clear, retry
// --------------------------------------------------------------------------

static mr_code stop(const mr_answer *a) {
    mr_record_run row;
    MR_TRY(find_run(a, &row));
    mr_run *run = mr_runs_find(a->flow, row.id);
    if (run == NULL) {
        return mr_fail(a->cx, MR_E_UNSUPPORTED, NULL, "run \"%s\" is over already: %s", row.run_id,
                       mr_run_state_text(row.state));
    }
    mr_runs_cancel(a->flow, run, "stopped by a request", a->cx);
    mr_answer_add_run(&run->row, a->out);
    return MR_OK;
}

static bool is_named(const mr_answer_clear *what, const char *id) {
    for (size_t i = 0; what->tasks != NULL && what->tasks[i] != NULL; i++) {
        if (strcmp(what->tasks[i], id) == 0) {
            return true;
        }
    }
    return what->tasks == NULL;
}

static bool has_failed(const mr_flow_task *task) {
    mr_task_state state = task->row.state;
    return state == MR_STATE_FAILED || state == MR_STATE_UPSTREAM_FAILED ||
           state == MR_STATE_CANCELLED;
}

// Marks, by task of the DAG, those to be cleared.
static bool *choose(const mr_run *run, const mr_answer_clear *what, mr_arena *arena) {
    bool *chosen = MR_NEW_ARRAY(arena, bool, run->dag->task_count + 1u);
    for (uint32_t i = 0; i < run->dag->task_count; i++) {
        bool failed = false;
        for (const mr_flow_task *task = run->heads[i]; task != NULL; task = task->next) {
            failed = failed || has_failed(task);
        }
        chosen[i] = is_named(what, run->dag->tasks[i].id) && (failed || !what->failed_only);
        for (uint32_t u = 0; what->downstream && u < run->dag->tasks[i].upstream_count; u++) {
            chosen[i] = chosen[i] || chosen[run->dag->tasks[i].upstream[u]];
        }
    }
    return chosen;
}

static mr_code drop_task(mr_flow *flow, mr_run *run, mr_flow_task *task, mr_cx *cx) {
    for (mr_flow_output **at = &run->outputs; *at != NULL;) {
        if ((*at)->task == task) {
            *at = (*at)->next;
        } else {
            at = &(*at)->next;
        }
    }
    uint32_t i = 0;
    while (run->tasks[i] != task) {
        i++;
    }
    memmove(run->tasks + i, run->tasks + i + 1, sizeof(run->tasks[0]) * (run->task_count - i - 1u));
    run->task_count--;
    return task->row.id == 0 ? MR_OK : mr_record_delete_task(flow->record, task->row.id, cx);
}

// One task, its instances folded into the one that foreach is read for anew.
static mr_code clear_task(mr_flow *flow, mr_flow_task *head, mr_cx *cx) {
    mr_run *run = head->run;
    while (head->next != NULL) {
        mr_flow_task *instance = head->next;
        head->next = instance->next;
        MR_TRY(drop_task(flow, run, instance, cx));
    }
    for (mr_flow_output **at = &run->outputs; *at != NULL;) {
        if ((*at)->task == head) {
            *at = (*at)->next;
        } else {
            at = &(*at)->next;
        }
    }
    if (head->row.id != 0) {
        MR_TRY(mr_record_clear_outputs(flow->record, head->row.id, cx));
    }
    if (head->row.map_index >= 0) {
        MR_TRY(head->row.id == 0 ? MR_OK : mr_record_delete_task(flow->record, head->row.id, cx));
        head->row.id = 0;
        head->row.map_index = -1;
        head->row.item_json = (mr_span){"", 0};
        head->row.tries = 0;
    }
    head->row.retries = 0;
    head->row.started_us = head->row.ended_us = head->row.ready_us = 0;
    head->try.id = 0;
    mr_flow_set(flow, head, MR_STATE_NONE, "");
    return MR_OK;
}

static bool is_open(const mr_run *run, const bool *chosen) {
    for (uint32_t i = 0; i < run->dag->task_count; i++) {
        for (const mr_flow_task *task = run->heads[i]; task != NULL; task = task->next) {
            if (chosen[i] && task->token != 0) {
                return true;
            }
        }
    }
    return false;
}

static mr_code reopen(mr_flow *flow, mr_run *run, mr_cx *cx) {
    for (uint32_t i = run->task_count; i-- > 0;) {
        // The run's own callbacks will come again.
        if (run->tasks[i]->row.task[0] == '~') {
            MR_TRY(drop_task(flow, run, run->tasks[i], cx));
        }
    }
    if (run->row.state != MR_RUN_RUNNING) {
        run->row.started_us = flow->now_us;
    }
    run->row.state = MR_RUN_RUNNING;
    run->row.ended_us = 0;
    run->row.note = "";
    run->changed = true;
    run->touched = true;
    mr_runs_set_timeout(flow, run);
    return MR_OK;
}

mr_code mr_answer_clear_run(mr_flow *flow, int64_t id, const mr_answer_clear *what,
                            uint32_t *ret_count, mr_cx *cx) {
    mr_run *run = mr_runs_find(flow, id);
    *ret_count = 0;
    MR_TRY(mr_flow_begin(flow, cx));
    if (run == NULL) {
        MR_TRY(mr_load_run(flow, id, &run, cx));
    }
    if (run->dag == NULL) {
        return MR_OK;  // It is queued: nothing of it has run.
    }
    bool *chosen = choose(run, what, cx->arena);
    if (is_open(run, chosen)) {
        return mr_fail(cx, MR_E_LOCKED, "Stop the run first: millrace runs stop.",
                       "a task that is to be cleared runs");
    }
    for (uint32_t i = 0; i < run->dag->task_count; i++) {
        if (chosen[i]) {
            MR_TRY(clear_task(flow, run->heads[i], cx));
            ++*ret_count;
        }
    }
    MR_TRY(reopen(flow, run, cx));
    flow->again = true;
    return MR_OK;
}

static mr_code check_names(const mr_answer *a, const mr_dag *dag, const char *const *names) {
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        if (mr_dag_find(dag, mr_span_of(names[i])) == NULL) {
            const char **all = MR_NEW_ARRAY(a->cx->arena, const char *, dag->task_count + 1u);
            for (uint32_t t = 0; t < dag->task_count; t++) {
                all[t] = dag->tasks[t].id;
            }
            return mr_fail(a->cx, MR_E_NAME,
                           mr_text_hint(names[i], all, dag->task_count, NULL, a->cx->arena),
                           "DAG \"%s\" has no task \"%s\"", dag->id, names[i]);
        }
    }
    return MR_OK;
}

// retry: what failed and what stands behind it. clear: what is named, or all.
static mr_code again(const mr_answer *a, bool retry) {
    mr_record_run row;
    MR_TRY(find_run(a, &row));
    const char *const *names = mr_jsonvalue_texts(mr_answer_json(a, "tasks"), a->cx->arena);
    mr_answer_clear what = {
        .tasks = names[0] == NULL ? NULL : names,
        .failed_only = retry || mr_answer_flag(a, "failed"),
        .downstream = retry || mr_answer_flag(a, "downstream"),
    };
    const mr_flow_dag *dag = mr_flow_find(a->flow, mr_span_of(row.dag));
    if (dag != NULL && dag->dag != NULL) {
        MR_TRY(check_names(a, dag->dag, what.tasks));
    }
    if (retry && row.state != MR_RUN_FAILED && row.state != MR_RUN_CANCELLED) {
        return mr_fail(a->cx, MR_E_UNSUPPORTED, "Run all of it again with: millrace runs clear.",
                       "run \"%s\" has not failed: %s", row.run_id, mr_run_state_text(row.state));
    }
    uint32_t count;
    MR_TRY(mr_answer_clear_run(a->flow, row.id, &what, &count, a->cx));
    const mr_run *run = mr_runs_find(a->flow, row.id);
    mr_answer_add_run(run == NULL ? &row : &run->row, a->out);
    a->out->bytes--;
    mr_answer_add_number(a->out, "cleared", count);
    mr_text_add_char(a->out, '}');
    return MR_OK;
}

// ---- why and logs
// --------------------------------------------------------------------------------

static void why_task(const mr_answer *a, const mr_flow_task *task, mr_text *out) {
    switch (task->row.state) {
    case MR_STATE_NONE: mr_ready_why(task, out); return;
    case MR_STATE_QUEUED: mr_slots_why(a->flow, task, out, a->cx); return;
    case MR_STATE_UP_FOR_RETRY:
    case MR_STATE_WAITING:
        mr_text_add(out, task->row.state == MR_STATE_WAITING ? "a wait" : "a retry");
        if (task->row.next_us != 0) {
            mr_text_add(out, ", again at ");
            mr_civil_print_iso(out, task->row.next_us);
        }
        mr_text_addf(out, "%s%s", task->row.reason[0] == '\0' ? "" : ": ", task->row.reason);
        return;
    case MR_STATE_RUNNING: mr_text_addf(out, "it runs: try %" PRId32, task->row.tries); return;
    case MR_STATE_SUCCESS:
    case MR_STATE_FAILED:
    case MR_STATE_SKIPPED:
    case MR_STATE_UPSTREAM_FAILED:
    case MR_STATE_CANCELLED:
    case MR_STATE_REMOVED:
        mr_text_addf(out, "it is over: %s", mr_task_state_text(task->row.state));
        mr_text_addf(out, "%s%s", task->row.reason[0] == '\0' ? "" : ", ", task->row.reason);
        return;
    }
}

static const char *why_run(const mr_answer *a, const mr_record_run *row) {
    const mr_run *run = mr_runs_find(a->flow, row->id);
    if (run == NULL) {
        return mr_arena_printf(a->cx->arena, "it is over: %s%s%s", mr_run_state_text(row->state),
                               row->note[0] == '\0' ? "" : ", ", row->note);
    }
    if (run->row.state == MR_RUN_RUNNING) {
        return "it runs";
    }
    if (run->owner->row.paused) {
        return "the DAG is paused: millrace dag unpause";
    }
    if (a->flow->spec.executor == NULL) {
        return "no scheduler runs: millrace up";
    }
    int64_t most = run->owner->dag == NULL ? 1 : run->owner->dag->max_active_runs;
    return mr_arena_printf(a->cx->arena,
                           "%s: that many run already (max_active_runs of the DAG is %" PRId64 ")",
                           row->backfill == 0 ? "max_active_runs" : "the backfill's limit", most);
}

static mr_code why(const mr_answer *a) {
    mr_record_run row;
    MR_TRY(find_run(a, &row));
    const char *wanted = mr_answer_text(a, "task");
    const mr_run *run = mr_runs_find(a->flow, row.id);
    mr_answer_add_run(&row, a->out);
    a->out->bytes--;
    mr_answer_add_text(a->out, "why", why_run(a, &row));
    mr_text_add(a->out, ",\"tasks\":[");
    bool found = wanted == NULL;
    for (uint32_t i = 0; run != NULL && i < run->task_count; i++) {
        const mr_flow_task *task = run->tasks[i];
        bool named = wanted != NULL && strcmp(task->row.task, wanted) == 0;
        found = found || named;
        if (!named && (wanted != NULL || mr_task_state_is_over(task->row.state))) {
            continue;
        }
        mr_text text;
        mr_text_init(&text, a->cx->arena);
        why_task(a, task, &text);
        mr_text_add(a->out, a->out->data[a->out->bytes - 1] == '[' ? "{" : ",{");
        mr_answer_add_text(a->out, "task", task->row.task);
        if (task->row.map_index >= 0) {
            mr_answer_add_number(a->out, "index", task->row.map_index);
        }
        mr_answer_add_text(a->out, "state", mr_task_state_text(task->row.state));
        mr_answer_add_text(a->out, "why", mr_text_string(&text));
        mr_text_add_char(a->out, '}');
    }
    mr_text_add(a->out, "]}");
    return found || run == NULL
               ? MR_OK
               : mr_fail(a->cx, MR_E_NAME, NULL, "the run has no task \"%s\"", wanted);
}

static mr_code logs(const mr_answer *a) {
    mr_record_run row;
    mr_record_rows rows = {0};
    const mr_record_task *task;
    MR_TRY(find_run(a, &row));
    MR_TRY(mr_record_run_whole(a->flow->record, row.id, &rows, a->cx));
    MR_TRY(find_task(a, &rows, &task));
    int64_t number = mr_answer_number(a, "try", 0);
    bool any_index = mr_answer_number(a, "index", -2) == -2;
    mr_answer_add_run(&rows.runs[0], a->out);
    a->out->bytes--;
    mr_text_add(a->out, ",\"logs\":[");
    for (uint32_t i = 0, t = 0; i < rows.try_count; i++) {
        const mr_record_try *try = &rows.tries[i];
        while (t < rows.task_count && rows.tasks[t].id < try->task) {
            t++;  // Tries are in order of task, as the tasks are.
        }
        const mr_record_task *of = &rows.tasks[t];
        if (t == rows.task_count || of->id != try->task || (number != 0 && try->number != number) ||
            (task != NULL && (any_index ? strcmp(of->task, task->task) != 0 : of != task))) {
            continue;
        }
        mr_text_add(a->out, a->out->data[a->out->bytes - 1] == '[' ? "{" : ",{");
        mr_answer_add_text(a->out, "task", of->task);
        mr_answer_add_number(a->out, "index", of->map_index);
        mr_answer_add_number(a->out, "try", try->number);
        mr_answer_add_text(a->out, "state", mr_task_state_text(try->state));
        mr_answer_add_text(a->out, "path", mr_arena_printf(a->cx->arena, "%s/log", try->dir));
        mr_text_add_char(a->out, '}');
    }
    mr_text_add(a->out, "]}");
    return MR_OK;
}

mr_code mr_answer_run(const mr_answer *a, const char *verb) {
    static const struct {
        const char *verb;
        mr_code (*answer)(const mr_answer *a);
    } verbs[] = {{"list", list}, {"show", show}, {"stop", stop}, {"why", why}, {"logs", logs}};
    for (size_t i = 0; i < MR_COUNT(verbs); i++) {
        if (strcmp(verb, verbs[i].verb) == 0) {
            return verbs[i].answer(a);
        }
    }
    if (strcmp(verb, "clear") == 0 || strcmp(verb, "retry") == 0) {
        return again(a, strcmp(verb, "retry") == 0);
    }
    return mr_fail(a->cx, MR_E_OPTION, NULL, "the scheduler does not know \"run.%s\"", verb);
}
