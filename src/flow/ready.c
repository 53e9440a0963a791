// Ready: which tasks of a run may go now, and which never will: trigger rules, branches, `if`,
// foreach.
//
// One pass over the tasks in the DAG's order is enough, since a task stands behind its upstream.
// Everything is decided from states and outputs, nothing is noted beside them: a run that was
// cleared in part, or loaded after a crash, comes to the same. The rules are Airflow's (its
// TriggerRuleDep), also in what they decide early: with all_success the first failure is enough.
//
// Also: mr_ready_

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "flow/scope.h"

#define INSTANCES_MAX 1000  // Of one foreach.

typedef struct upstream {
    uint32_t all;  // Instances count one each.
    uint32_t done, success, skipped, failed, upstream_failed;
} upstream;

static upstream count_upstream(const mr_run *run, const mr_dag_task *spec) {
    upstream up = {0};
    for (uint32_t i = 0; i < spec->upstream_count; i++) {
        for (const mr_flow_task *task = run->heads[spec->upstream[i]]; task != NULL;
             task = task->next) {
            mr_task_state state = task->row.state;
            up.all++;
            up.done += mr_task_state_is_over(state) ? 1 : 0;
            up.success += state == MR_STATE_SUCCESS ? 1 : 0;
            up.skipped += state == MR_STATE_SKIPPED || state == MR_STATE_REMOVED ? 1 : 0;
            up.failed += state == MR_STATE_FAILED || state == MR_STATE_CANCELLED ? 1 : 0;
            up.upstream_failed += state == MR_STATE_UPSTREAM_FAILED ? 1 : 0;
        }
    }
    return up;
}

// What a rule says: QUEUED: it may go; NONE: not yet; else the state that it never leaves.
static mr_task_state judge(mr_trigger_rule rule, const upstream *up) {
    const mr_task_state go = MR_STATE_QUEUED, wait = MR_STATE_NONE, skip = MR_STATE_SKIPPED;
    const mr_task_state fail = MR_STATE_UPSTREAM_FAILED;
    bool all_done = up->done == up->all, bad = up->failed + up->upstream_failed > 0;
    switch (rule) {
    case MR_RULE_ALL_SUCCESS: return bad ? fail : up->skipped > 0 ? skip : all_done ? go : wait;
    case MR_RULE_ALL_FAILED: return up->success + up->skipped > 0 ? skip : all_done ? go : wait;
    case MR_RULE_ALL_DONE: return all_done ? go : wait;
    case MR_RULE_ALL_SKIPPED: return up->success > 0 || bad ? skip : all_done ? go : wait;
    case MR_RULE_ONE_SUCCESS:
        return up->success > 0 ? go : !all_done ? wait : up->skipped == up->all ? skip : fail;
    case MR_RULE_ONE_FAILED: return bad ? go : all_done ? skip : wait;
    case MR_RULE_ONE_DONE: return up->success + up->failed > 0 ? go : all_done ? skip : wait;
    case MR_RULE_NONE_FAILED: return bad ? fail : all_done ? go : wait;
    case MR_RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        return bad ? fail : !all_done ? wait : up->success > 0 ? go : skip;
    case MR_RULE_NONE_SKIPPED: return up->skipped > 0 ? skip : all_done ? go : wait;
    case MR_RULE_ALWAYS: return go;
    }
    return wait;
}

// ---- branches
// ------------------------------------------------------------------------------------

static const mr_flow_output *find_output(const mr_flow_task *task, const char *key) {
    for (const mr_flow_output *output = task->run->outputs; output != NULL; output = output->next) {
        if (output->task == task && strcmp(output->key, key) == 0) {
            return output;
        }
    }
    return NULL;
}

// Whether a branch's choice, a list of ids, holds this one.
static bool chose(mr_span choice, const char *id) {
    mr_span inside = mr_jsonvalue_inside(choice), value;
    while (mr_jsonvalue_next(&inside, NULL, &value)) {
        if (value.bytes == strlen(id) + 2 && memcmp(value.data + 1, id, strlen(id)) == 0) {
            return true;
        }
    }
    return false;
}

// Whether a task is behind one that a branch chose. A task stands behind its upstream, so one pass
// in their order is enough.
static bool is_behind_chosen(const mr_dag *dag, const mr_dag_task *spec, const mr_dag_task *branch,
                             mr_span choice, mr_cx *cx) {
    uint32_t count = (uint32_t)(spec - dag->tasks);
    bool *behind = MR_NEW_ARRAY(cx->arena, bool, count + 1);  // Chosen, or behind such a one.
    for (uint32_t i = 0; i < branch->downstream_count; i++) {
        uint32_t index = branch->downstream[i];
        if (index < count) {
            behind[index] = chose(choice, dag->tasks[index].id);
        }
    }
    for (uint32_t i = (uint32_t)(branch - dag->tasks); i <= count; i++) {
        const mr_dag_task *task = &dag->tasks[i];
        for (uint32_t u = 0; u < task->upstream_count && !behind[i]; u++) {
            behind[i] = behind[task->upstream[u]];
        }
    }
    return behind[count];
}

// A task directly behind a branch that chose others; one that is also behind a chosen one goes on.
static bool is_left_out(const mr_run *run, const mr_dag_task *spec, mr_cx *cx) {
    for (uint32_t i = 0; i < spec->upstream_count; i++) {
        const mr_dag_task *branch = &run->dag->tasks[spec->upstream[i]];
        const mr_flow_task *task = run->heads[spec->upstream[i]];
        if (strcmp(branch->type->name, "branch") != 0 || task->row.state != MR_STATE_SUCCESS) {
            continue;
        }
        const mr_flow_output *choice = find_output(task, "branch");
        if (choice == NULL || chose(choice->json, spec->id)) {
            continue;
        }
        if (!is_behind_chosen(run->dag, spec, branch, choice->json, cx)) {
            return true;
        }
    }
    return false;
}

static bool is_direct(const mr_run *run, const mr_dag_task *branch, mr_span id) {
    for (uint32_t i = 0; i < branch->downstream_count; i++) {
        if (mr_span_is(id, run->dag->tasks[branch->downstream[i]].id)) {
            return true;
        }
    }
    return false;
}

// choose: an id, a list of ids, or nothing → a list of ids, all of them directly behind.
static mr_code choose(const mr_flow_task *task, mr_span chosen, mr_text *out, mr_cx *cx) {
    mr_jsonvalue_kind kind = mr_jsonvalue_kind_of(chosen);
    mr_span inside = kind == MR_JSONVALUE_ARRAY  ? mr_jsonvalue_inside(chosen)
                     : kind == MR_JSONVALUE_NULL ? (mr_span){"", 0}
                                                 : chosen;
    mr_span value;
    mr_text_add_char(out, '[');
    while (mr_jsonvalue_next(&inside, NULL, &value)) {
        mr_text id;
        mr_text_init(&id, cx->arena);
        if (mr_jsonvalue_kind_of(value) == MR_JSONVALUE_STRING) {
            mr_jsonvalue_unescape(value, &id);
        }
        if (!is_direct(task->run, task->spec, mr_text_span(&id))) {
            return mr_fail(cx, MR_E_NAME,
                           "`choose` gives the id of a task directly behind the branch, a list of "
                           "such ids, or null.",
                           "the branch chose %.*s", MR_SPAN_ARGS(value));
        }
        mr_text_addf(out, "%s", out->bytes > 1 ? "," : "");
        mr_text_add_json(out, mr_text_span(&id));
    }
    mr_text_add_char(out, ']');
    return MR_OK;
}

static mr_code run_branch(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    mr_scope scope;
    mr_scope_init(&scope, flow, task->run, task);
    const mr_yaml *node = mr_yaml_get(task->spec->body, "choose");
    mr_text chosen, choice;
    mr_text_init(&chosen, cx->arena);
    mr_text_init(&choice, cx->arena);
    if (node == NULL) {
        return mr_fail_at(cx, MR_E_OPTION, task->spec->place,
                          "Write choose: \"{{ … }}\", which gives a task's id.",
                          "branch \"%s\" has no key \"choose\"", task->spec->id);
    }
    MR_TRY(mr_template_json(node, &scope.base, &chosen, cx));
    MR_TRY(choose(task, mr_text_span(&chosen), &choice, cx));
    mr_tries_output(task, "branch", mr_text_span(&choice));
    return MR_OK;
}

// ---- what needs no process
// -----------------------------------------------------------------------

static mr_code run_here(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    if (strcmp(task->spec->type->name, "dag") == 0) {
        return mr_calls_begin(flow, task, cx);
    }
    if (strcmp(task->spec->type->name, "branch") == 0) {
        MR_TRY(run_branch(flow, task, cx));
    }
    mr_tries_here(flow, task, cx);
    return MR_OK;
}

// ---- a task that may go
// --------------------------------------------------------------------------

static mr_code expand(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    mr_scope scope;
    mr_scope_init(&scope, flow, task->run, task);
    mr_text items;
    mr_text_init(&items, &task->run->arena);
    MR_TRY(mr_template_json(task->spec->foreach, &scope.base, &items, cx));
    mr_span list = mr_text_span(&items), inside, item;
    if (mr_jsonvalue_kind_of(list) != MR_JSONVALUE_ARRAY) {
        return mr_fail(cx, MR_E_TYPE, "foreach takes a list, or a template that gives one.",
                       "foreach got %.*s", (int)MR_MIN(list.bytes, 200), list.data);
    }
    inside = mr_jsonvalue_inside(list);
    int32_t count = 0;
    while (mr_jsonvalue_next(&inside, NULL, &item)) {
        if (++count > INSTANCES_MAX) {
            return mr_fail(cx, MR_E_LIMIT, "Give each task several of them.",
                           "foreach has more than %d items", INSTANCES_MAX);
        }
    }
    if (count == 0) {
        mr_flow_set(flow, task, MR_STATE_SKIPPED, "foreach has no items");
        return MR_OK;
    }
    if (task->row.id != 0) {  // A row's index does not change.
        MR_TRY(mr_flow_begin(flow, cx));
        MR_TRY(mr_record_delete_task(flow->record, task->row.id, cx));
        task->row.id = 0;
    }
    inside = mr_jsonvalue_inside(list);
    for (int32_t i = 0; mr_jsonvalue_next(&inside, NULL, &item); i++) {
        // The task itself becomes the first instance.
        mr_flow_task *instance =
            i == 0 ? task : mr_runs_task(task->run, task->spec, task->spec->id, i);
        instance->row.map_index = i;
        instance->row.item_json = item;
        mr_flow_set(flow, instance, MR_STATE_NONE, "");
    }
    return MR_OK;
}

// What the run before has come to: asked once a turn, not once a task.
static mr_code know_past(mr_flow *flow, mr_run *run, mr_cx *cx) {
    mr_flow_past *past = &run->past;
    if (past->turn == flow->turns) {
        return MR_OK;
    }
    *past = (mr_flow_past){.turn = flow->turns};
    const mr_record_run *before = NULL;
    MR_TRY(mr_record_run_before(flow->record, run->row.dag, run->row.logical_us, -1, &before, cx));
    past->run = before == NULL ? 0 : before->id;
    if (before != NULL && mr_runs_find(flow, before->id) == NULL) {
        MR_TRY(mr_record_tasks(flow->record, before->id, &past->tasks, &past->task_count, cx));
    }
    return MR_OK;
}

static bool is_done(const mr_record_task *row, const char *id) {
    return strcmp(row->task, id) != 0 || row->state == MR_STATE_SUCCESS ||
           row->state == MR_STATE_SKIPPED;
}

// depends_on_past: whether the run before has done this task. One that has begun and does not have
// the task, since it is new in the DAG, is in nobody's way.
static mr_code past_allows(mr_flow *flow, const mr_flow_task *task, bool *ret, mr_cx *cx) {
    *ret = true;
    if (!task->spec->depends_on_past) {
        return MR_OK;
    }
    MR_TRY(know_past(flow, task->run, cx));
    const mr_flow_past *past = &task->run->past;
    const mr_run *active = flow->runs;  // One that has ended in this turn is not yet written.
    while (active != NULL && active->row.id != past->run) {
        active = active->next;
    }
    uint32_t count = active != NULL ? active->task_count : past->task_count;
    *ret = past->run == 0 || count > 0;
    for (uint32_t i = 0; i < count; i++) {
        const mr_record_task *row = active != NULL ? &active->tasks[i]->row : &past->tasks[i];
        *ret = *ret && is_done(row, task->spec->id);
    }
    return MR_OK;
}

// MR_OK: it came to another state, or has to wait; else why it fails.
static mr_code release(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    bool allowed;
    MR_TRY(past_allows(flow, task, &allowed, cx));
    if (!allowed) {
        return MR_OK;
    }
    if (task->spec->foreach != NULL && task->row.map_index < 0) {
        return expand(flow, task, cx);
    }
    if (task->spec->condition != NULL) {
        mr_scope scope;
        bool holds = false;
        mr_scope_init(&scope, flow, task->run, task);
        MR_TRY(mr_template_true(mr_span_of(task->spec->condition), task->spec->place, &scope.base,
                                &holds, cx));
        if (!holds) {
            mr_flow_set(flow, task, MR_STATE_SKIPPED, "its `if` is false");
            return MR_OK;
        }
    }
    if (task->spec->type->place == MR_TASK_HERE) {
        return run_here(flow, task, cx);
    }
    if (flow->spec.mark_success) {
        mr_tries_here(flow, task, cx);
        return MR_OK;
    }
    mr_flow_set(flow, task, MR_STATE_QUEUED, "");
    return MR_OK;
}

static mr_code look(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    mr_run *run = task->run;
    if (flow->spec.only != NULL && strcmp(flow->spec.only, task->spec->id) != 0) {
        mr_flow_set(flow, task, MR_STATE_SUCCESS, "not part of this test");
        return MR_OK;
    }
    upstream up = count_upstream(run, task->spec);
    if (is_left_out(run, task->spec, cx)) {
        mr_flow_set(flow, task, MR_STATE_SKIPPED, "the branch chose another way");
        return MR_OK;
    }
    mr_task_state verdict = judge(task->spec->trigger_rule, &up);
    if (verdict == MR_STATE_NONE) {
        return MR_OK;
    }
    if (verdict != MR_STATE_QUEUED) {
        const char *rule = mr_trigger_rule_text(task->spec->trigger_rule);
        mr_flow_set(flow, task, verdict, mr_arena_printf(cx->arena, "trigger_rule %s", rule));
        return MR_OK;
    }
    mr_code code = release(flow, task, cx);
    if (code != MR_OK) {
        if (mr_flow_is_ours(flow, cx)) {
            return code;
        }
        mr_flow_set(flow, task, MR_STATE_FAILED, mr_scope_failure(flow, cx));
        mr_runs_call(flow, run, task, "on_failure", &task->spec->on_failure, cx);
    }
    return MR_OK;
}

mr_code mr_ready_pass(mr_flow *flow, mr_run *run, mr_cx *cx) {
    for (uint32_t i = 0; i < run->dag->task_count && !flow->ending; i++) {
        for (mr_flow_task *task = run->heads[i]; task != NULL; task = task->next) {
            if (task->row.state == MR_STATE_NONE) {
                MR_TRY(look(flow, task, cx));
            }
        }
    }
    return MR_OK;
}

void mr_ready_why(const mr_flow_task *task, mr_text *out) {
    const mr_run *run = task->run;
    mr_text_addf(out, "trigger_rule %s waits for", mr_trigger_rule_text(task->spec->trigger_rule));
    uint32_t count = 0;
    for (uint32_t i = 0; i < task->spec->upstream_count; i++) {
        for (const mr_flow_task *up = run->heads[task->spec->upstream[i]]; up != NULL;
             up = up->next) {
            if (mr_task_state_is_over(up->row.state)) {
                continue;
            }
            mr_text_addf(out, "%s %s", count++ == 0 ? "" : ",", up->row.task);
            if (up->row.map_index >= 0) {
                mr_text_addf(out, ".%" PRId32, up->row.map_index);
            }
            mr_text_addf(out, " (%s)", mr_task_state_text(up->row.state));
        }
    }
    if (count == 0) {
        mr_text_clear(out);
        mr_text_add(out, task->spec->depends_on_past
                             ? "depends_on_past: the run before has not done this task"
                             : "nothing: it goes with the next turn");
    }
}
