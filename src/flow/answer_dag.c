// Answer, DAGs: list, show, trigger, pause, unpause, next.
//
// Also: mr_answer_

#include <inttypes.h>
#include <string.h>

#include "flow/answer.h"

#define NEXT_MAX 1000

static void add_schedule(const mr_flow_dag *dag, mr_text *out) {
    const mr_dag *read = dag->dag;
    bool timed = read != NULL && read->schedule.kind != MR_SCHEDULE_NONE;
    mr_answer_add_text(out, "schedule", timed ? read->schedule.text : NULL);
    mr_answer_add_text(out, "timezone",
                       read == NULL || read->zone == NULL ? "UTC" : mr_zone_name(read->zone));
    mr_answer_add_time(out, "next", dag->row.paused ? INT64_MAX : dag->next_us);
}

static void add_counts(const mr_flow *flow, const mr_flow_dag *dag, mr_text *out) {
    int64_t queued = 0, running = 0;
    for (const mr_run *run = flow->runs; run != NULL; run = run->next) {
        bool own = run->owner == dag && !run->ended;
        queued += own && run->row.state == MR_RUN_QUEUED ? 1 : 0;
        running += own && run->row.state == MR_RUN_RUNNING ? 1 : 0;
    }
    mr_answer_add_number(out, "queued", queued);
    mr_answer_add_number(out, "running", running);
}

static mr_code add_last(const mr_answer *a, const mr_flow_dag *dag) {
    mr_record_filter filter = {.dag = dag->row.id, .limit = 1};
    mr_record_run *runs = NULL;
    uint32_t count = 0;
    MR_TRY(mr_record_runs(a->flow->record, &filter, &runs, &count, a->cx));
    mr_text_add(a->out, ",\"last\":");
    if (count == 0) {
        mr_text_add(a->out, "null");
    } else {
        mr_answer_add_run(&runs[0], a->out);
    }
    return MR_OK;
}

static mr_code add_dag(const mr_answer *a, const mr_flow_dag *dag) {
    mr_text *out = a->out;
    mr_text_add_char(out, '{');
    mr_answer_add_text(out, "dag", dag->row.id);
    mr_answer_add_text(out, "file", dag->row.file);
    mr_answer_add_text(out, "state",
                       dag->row.missing_us != 0 ? "missing"
                       : dag->error != NULL     ? "broken"
                       : dag->row.paused        ? "paused"
                                                : "on");
    mr_answer_add_bool(out, "paused", dag->row.paused);
    add_schedule(dag, out);
    add_counts(a->flow, dag, out);
    if (dag->dag != NULL) {
        mr_answer_add_text(out, "description", dag->dag->description);
        mr_answer_add_text(out, "owner", dag->dag->owner);
        mr_text_add(out, ",\"tags\":[");
        for (size_t i = 0; dag->dag->tags != NULL && dag->dag->tags[i] != NULL; i++) {
            mr_text_add(out, i == 0 ? "" : ",");
            mr_text_add_json(out, mr_span_of(dag->dag->tags[i]));
        }
        mr_text_add_char(out, ']');
    }
    if (dag->error != NULL) {
        mr_answer_add_text(out, "error_of_file", dag->error);
    }
    return add_last(a, dag);
}

static void add_problems(const mr_flow *flow, mr_text *out) {
    mr_text_add(out, "],\"errors\":[");
    uint32_t count = 0;
    for (const mr_flow_file *file = flow->files; file != NULL; file = file->next) {
        if (file->error != NULL) {
            mr_text_add(out, count++ == 0 ? "{" : ",{");
            mr_answer_add_text(out, "file", file->path);
            mr_answer_add_text(out, "text", file->error);
            mr_text_add_char(out, '}');
        }
    }
    mr_text_add(out, "]}");
}

static mr_code list(const mr_answer *a) {
    bool all = mr_answer_flag(a, "all");
    uint32_t count = 0;
    mr_text_add(a->out, "{\"dags\":[");
    for (const mr_flow_dag *dag = a->flow->dags; dag != NULL; dag = dag->next) {
        if (dag->row.missing_us == 0 || all) {
            mr_text_add(a->out, count++ == 0 ? "" : ",");
            MR_TRY(add_dag(a, dag));
            mr_text_add_char(a->out, '}');
        }
    }
    add_problems(a->flow, a->out);
    return MR_OK;
}

static void add_task(const mr_dag *dag, const mr_dag_task *task, mr_text *out) {
    mr_text_add_char(out, '{');
    mr_answer_add_text(out, "task", task->id);
    mr_answer_add_text(out, "type", task->type->name);
    mr_answer_add_text(out, "group", task->group);
    mr_answer_add_text(out, "trigger_rule", mr_trigger_rule_text(task->trigger_rule));
    mr_answer_add_text(out, "pool", task->pool);
    mr_answer_add_number(out, "pool_slots", task->pool_slots);
    mr_answer_add_number(out, "priority_weight", task->priority_weight);
    mr_answer_add_number(out, "retries", task->retries);
    mr_text_add(out, ",\"depends_on\":[");
    for (uint32_t i = 0; i < task->upstream_count; i++) {
        mr_text_add(out, i == 0 ? "" : ",");
        mr_text_add_json(out, mr_span_of(dag->tasks[task->upstream[i]].id));
    }
    mr_text_add(out, "]}");
}

static mr_code show(const mr_answer *a) {
    mr_flow_dag *dag;
    MR_TRY(mr_answer_dag_of(a, &dag));
    MR_TRY(add_dag(a, dag));
    mr_text *out = a->out;
    mr_answer_add_number(out, "version", dag->row.version);
    mr_answer_add_time(out, "watermark", dag->row.watermark_us);
    if (dag->dag != NULL) {
        mr_answer_add_number(out, "max_active_runs", dag->dag->max_active_runs);
        mr_answer_add_number(out, "max_active_tasks", dag->dag->max_active_tasks);
        mr_text_add(out, ",\"tasks\":[");
        for (uint32_t i = 0; i < dag->dag->task_count; i++) {
            mr_text_add(out, i == 0 ? "" : ",");
            add_task(dag->dag, &dag->dag->tasks[i], out);
        }
        mr_text_add(out, "],\"source\":");
        mr_text_add_json(out, dag->dag->source);
    }
    mr_text_add(out, ",\"remarks\":[");
    for (const mr_flow_file *file = a->flow->files; file != NULL; file = file->next) {
        for (uint32_t i = 0; i < file->remark_count && strcmp(file->path, dag->row.file) == 0;
             i++) {
            mr_text_add(out, i == 0 ? "" : ",");
            mr_text_add_json(out, mr_span_of(file->remarks[i]));
        }
    }
    mr_text_add(out, "]}");
    return MR_OK;
}

static mr_code readable(const mr_answer *a, const mr_flow_dag *dag) {
    if (dag->dag == NULL || dag->row.missing_us != 0) {
        return mr_fail(a->cx, MR_E_MISSING, dag->error,
                       dag->row.missing_us != 0 ? "the file of DAG \"%s\" is gone"
                                                : "DAG \"%s\" cannot be read",
                       dag->row.id);
    }
    return MR_OK;
}

// What a run of this logical date covers: the interval that begins with it if it is a tick, else
// the last whole one before it, as Airflow.
static void interval_of(const mr_dag *dag, int64_t logical_us, bool given, int64_t *ret_start,
                        int64_t *ret_end) {
    mr_schedule unbound = dag->schedule;  // Who asks for a date has it, whatever start_date says.
    unbound.first_us = INT64_MIN;
    unbound.last_us = INT64_MAX;
    *ret_start = *ret_end = logical_us;
    if (unbound.kind == MR_SCHEDULE_NONE) {
        return;
    }
    int64_t tick = given ? mr_schedule_next(&unbound, logical_us) : INT64_MAX;
    if (tick != INT64_MAX) {
        mr_dag_interval(dag, tick, ret_start, ret_end);
        if (*ret_start == logical_us) {
            return;
        }
    }
    tick = mr_schedule_previous(&unbound, logical_us + 1);
    *ret_start = *ret_end = logical_us;
    if (tick != INT64_MIN) {
        mr_dag_interval(dag, tick, ret_start, ret_end);
    }
}

static mr_code trigger(const mr_answer *a) {
    mr_flow_dag *dag;
    MR_TRY(mr_answer_dag_of(a, &dag));
    MR_TRY(readable(a, dag));
    bool given = mr_answer_json(a, "logical_date").bytes > 0;
    mr_runs_spec spec = {.type = MR_RUN_IS_MANUAL,
                         .run_id = mr_answer_text(a, "run_id"),
                         .logical_us = a->flow->now_us};
    if (given) {
        MR_TRY(mr_answer_time(a, "logical_date", dag->dag->zone, &spec.logical_us));
    }
    if (spec.run_id != NULL && (strchr(spec.run_id, '/') != NULL || spec.run_id[0] == '.' ||
                                strlen(spec.run_id) > 200 || spec.run_id[0] == '\0')) {
        return mr_fail(a->cx, MR_E_VALUE, "Use letters, digits, _, - and :.",
                       "\"%s\" cannot be a run_id", spec.run_id);
    }
    interval_of(dag->dag, spec.logical_us, given, &spec.start_us, &spec.end_us);
    mr_span conf = mr_answer_json(a, "conf");
    MR_TRY(mr_dag_params(dag->dag, conf.bytes == 0 ? MR_SPAN("{}") : conf, &spec.conf_json, a->cx));
    mr_run *run;
    mr_code code = mr_runs_add(a->flow, dag, &spec, &run, a->cx);
    if (code == MR_E_EXISTS) {
        return mr_fail(a->cx, MR_E_EXISTS,
                       "Give it another --run-id, or run that one again: millrace runs clear.",
                       "DAG \"%s\" has that run already", dag->row.id);
    }
    MR_TRY(code);
    mr_answer_add_run(&run->row, a->out);
    if (dag->row.paused) {
        a->out->bytes--;
        mr_answer_add_text(a->out, "hint", "The DAG is paused: the run waits for dag unpause.");
        mr_text_add_char(a->out, '}');
    }
    return MR_OK;
}

static mr_code pause(const mr_answer *a, bool paused) {
    mr_flow_dag *dag;
    MR_TRY(mr_answer_dag_of(a, &dag));
    if (dag->row.paused && !paused) {
        // Ticks of the pause were missed; without catchup not even the last of them counts.
        if (dag->dag != NULL && dag->dag->catchup == MR_CATCHUP_NONE) {
            dag->row.watermark_us = MR_MAX(dag->row.watermark_us, a->flow->now_us);
        }
        mr_runs_plan(dag);
    }
    dag->changed = dag->changed || dag->row.paused != paused;
    dag->row.paused = paused;
    MR_TRY(add_dag(a, dag));
    mr_text_add_char(a->out, '}');
    return MR_OK;
}

static mr_code next(const mr_answer *a) {
    mr_flow_dag *dag;
    MR_TRY(mr_answer_dag_of(a, &dag));
    MR_TRY(readable(a, dag));
    int64_t from_us = MR_MAX(a->flow->now_us, dag->row.watermark_us);
    if (mr_answer_json(a, "from").bytes > 0) {
        MR_TRY(mr_answer_time(a, "from", dag->dag->zone, &from_us));
        from_us--;
    }
    int64_t count = MR_MIN(mr_answer_number(a, "count", 5), NEXT_MAX);
    mr_text_add_char(a->out, '{');
    mr_answer_add_text(a->out, "dag", dag->row.id);
    mr_text_add(a->out, ",\"ticks\":[");
    for (int64_t i = 0; i < count; i++) {
        int64_t start_us, end_us;
        from_us = mr_schedule_next(&dag->dag->schedule, from_us);
        if (from_us == INT64_MAX) {
            break;
        }
        mr_dag_interval(dag->dag, from_us, &start_us, &end_us);
        mr_text_add(a->out, i == 0 ? "{" : ",{");
        mr_answer_add_time(a->out, "tick", from_us);
        mr_answer_add_time(a->out, "data_interval_start", start_us);
        mr_answer_add_time(a->out, "data_interval_end", end_us);
        mr_text_add_char(a->out, '}');
    }
    mr_text_add(a->out, "]}");
    return MR_OK;
}

mr_code mr_answer_dag(const mr_answer *a, const char *verb) {
    if (strcmp(verb, "list") == 0) {
        return list(a);
    }
    if (strcmp(verb, "show") == 0) {
        return show(a);
    }
    if (strcmp(verb, "trigger") == 0) {
        return trigger(a);
    }
    if (strcmp(verb, "pause") == 0 || strcmp(verb, "unpause") == 0) {
        return pause(a, strcmp(verb, "pause") == 0);
    }
    if (strcmp(verb, "next") == 0) {
        return next(a);
    }
    return mr_fail(a->cx, MR_E_OPTION, NULL, "the scheduler does not know \"dag.%s\"", verb);
}
