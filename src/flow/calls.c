// Calls: the kind `dag`: a task that runs another DAG, and waits for that run without a slot.
//
// The run that is called knows its caller's task by number, so both sides are found again after a
// restart, and the end of the one and what follows for the other are in one transaction.
//
// Also: mr_calls_

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "flow/scope.h"

static const mr_yaml *key_of(const mr_flow_task *task, const char *name) {
    const mr_yaml *node = mr_yaml_get(task->spec->body, name);
    return node == NULL || mr_yaml_is_null(node) ? NULL : node;
}

static mr_code text_of(mr_scope *scope, const char *name, mr_text *out, mr_cx *cx) {
    const mr_yaml *node = key_of(scope->task, name);
    return node == NULL || node->kind != MR_YAML_SCALAR
               ? MR_OK
               : mr_template_text(mr_span_of(node->text), node->place, &scope->base, out, cx);
}

static mr_code find_called(mr_scope *scope, mr_flow_dag **ret, mr_cx *cx) {
    mr_text id;
    mr_text_init(&id, cx->arena);
    MR_TRY(text_of(scope, "dag", &id, cx));
    *ret = mr_flow_find(scope->flow, mr_text_span(&id));
    if (*ret == NULL || (*ret)->dag == NULL) {
        const char *names[256];
        size_t count = 0;
        for (const mr_flow_dag *dag = scope->flow->dags; dag != NULL && count < MR_COUNT(names);
             dag = dag->next) {
            names[count++] = dag->row.id;
        }
        return mr_fail_at(cx, MR_E_NAME, scope->task->spec->place,
                          mr_text_hint(mr_text_string(&id), names, count, NULL, cx->arena),
                          "there is no DAG \"%s\"", mr_text_string(&id));
    }
    return MR_OK;
}

mr_code mr_calls_begin(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    mr_scope scope;
    mr_flow_dag *dag;
    mr_text given, wait;
    mr_scope_init(&scope, flow, task->run, task);
    mr_text_init(&given, cx->arena);
    mr_text_init(&wait, cx->arena);
    MR_TRY(find_called(&scope, &dag, cx));
    const mr_yaml *params = key_of(task, "params");
    if (params != NULL) {
        MR_TRY(mr_template_json(params, &scope.base, &given, cx));
    } else {
        mr_text_add(&given, "{}");
    }
    MR_TRY(text_of(&scope, "wait", &wait, cx));
    // The run names the task by its row.
    MR_TRY(mr_flow_begin(flow, cx));
    if (task->row.id == 0) {
        MR_TRY(mr_record_add_task(flow->record, &task->row, cx));
    }
    mr_runs_spec spec = {
        .type = MR_RUN_IS_CALLED,
        .run_id = mr_arena_printf(cx->arena, "called__%s__%" PRId64 "_%" PRId32,
                                  task->run->row.run_id, task->row.id, task->row.tries + 1),
        .logical_us = task->run->row.logical_us,
        .start_us = task->run->row.interval_start_us,
        .end_us = task->run->row.interval_end_us,
        .caller = task->row.id,
    };
    MR_TRY(mr_dag_params(dag->dag, mr_text_span(&given), &spec.conf_json, cx));
    mr_run *run;
    MR_TRY(mr_runs_add(flow, dag, &spec, &run, cx));
    mr_text id;
    mr_text_init(&id, cx->arena);
    mr_text_add_json(&id, mr_span_of(spec.run_id));
    mr_tries_output(task, "run_id", mr_text_span(&id));
    if (mr_span_is(mr_text_span(&wait), "false")) {
        run->row.caller = 0;
        run->changed = true;
        mr_tries_here(flow, task, cx);
        return MR_OK;
    }
    task->row.tries++;
    task->row.started_us = flow->now_us;
    mr_flow_set(flow, task, MR_STATE_WAITING,
                mr_arena_printf(cx->arena, "run %s of %s", spec.run_id, dag->row.id));
    return MR_OK;
}

void mr_calls_ended(mr_flow *flow, const mr_run *called, mr_cx *cx) {
    for (mr_run *run = flow->runs; run != NULL && called->row.caller != 0; run = run->next) {
        for (uint32_t i = 0; i < run->task_count; i++) {
            mr_flow_task *task = run->tasks[i];
            if (task->row.id != called->row.caller || task->row.state != MR_STATE_WAITING) {
                continue;
            }
            if (called->row.state == MR_RUN_SUCCESS) {
                int64_t started_us = task->row.started_us;
                task->row.tries--;  // It was counted when it began.
                mr_tries_here(flow, task, cx);
                task->row.started_us = started_us;
            } else {
                mr_tries_failed(flow, task,
                                mr_arena_printf(cx->arena, "run %s of %s: %s", called->row.run_id,
                                                called->row.dag,
                                                mr_run_state_text(called->row.state)),
                                cx);
            }
        }
    }
}
