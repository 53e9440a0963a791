// Command "dag": DAGs and their files. A word is a row of `verbs`.

#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/columns.h"
#include "cli/dagfile.h"
#include "cli/dags.h"
#include "cli/reach.h"
#include "plat/plat.h"
#include "task/kinds.h"

#define NEXT_MOST 100000

static const mr_cli_flag dag_flags[] = {
    {"--from", "TIME", false,
     "next: runs after this time (default: now). backfill: the first logical date."},
    {"--count", "N", false, "next: how many (default 5)."},
    {"--utc", NULL, false, "next: times in UTC, not in the DAG's zone."},
    MR_CLI_DAGS_FLAGS,
    MR_CLI_ASK_FLAGS,
    MR_CLI_FLAGS_END,
};

static void member(mr_text *out, const char *name, const char *value) {
    mr_text_addf(out, "%s\"%s\":", out->bytes > 0 && out->data[out->bytes - 1] != '{' ? "," : "",
                 name);
    if (value == NULL) {
        mr_text_add(out, "null");
    } else {
        mr_text_add_json(out, mr_span_of(value));
    }
}

// ---- validate --------------------------------------------------------------------------------

static void add_errors(const mr_dag_errors *errors, mr_text *out) {
    mr_text_add(out, ",\"errors\":[");
    for (uint32_t i = 0; i < errors->count; i++) {
        const mr_error *error = &errors->items[i];
        mr_text_add(out, i == 0 ? "{" : ",{");
        member(out, "error", error->text);
        member(out, "hint", error->hint);
        member(out, "kind", mr_error_code_text(error->code));
        uint32_t line;
        uint32_t column;
        if (mr_error_line_column(&error->place, &line, &column)) {
            mr_text_addf(out, ",\"line\":%u,\"column\":%u", line, column);
        }
        mr_text_add(out, "}");
    }
    mr_text_add(out, "],\"remarks\":[");
    for (uint32_t i = 0; i < errors->remark_count; i++) {
        mr_text_add(out, i == 0 ? "" : ",");
        mr_text_add_json(out, mr_span_of(errors->remarks[i]));
    }
    mr_text_add(out, "]}\n");
}

static int validate_one(const mr_cli_args *args, const char *file, mr_cx *cx) {
    mr_dag *dag;
    mr_dag_errors errors;
    mr_text out;
    mr_code code = mr_dagfile_load(args, file, &dag, &errors, cx);
    mr_text_init(&out, cx->arena);
    if (code != MR_OK && errors.count == 0) {  // The file itself.
        return mr_dagfile_report(&errors, cx);
    }
    if (mr_args_has(args, "--json")) {
        mr_text_add(&out, "{");
        member(&out, "file", file);
        member(&out, "dag", dag == NULL ? NULL : dag->id);
        mr_text_addf(&out, ",\"fine\":%s,\"tasks\":%u", dag == NULL ? "false" : "true",
                     dag == NULL ? 0 : dag->task_count);
        add_errors(&errors, &out);
    } else if (dag == NULL) {
        (void)mr_dagfile_report(&errors, cx);
    } else {
        for (uint32_t i = 0; i < errors.remark_count; i++) {
            mr_report_say(cx, "remark: %s\n", errors.remarks[i]);
        }
        mr_text_addf(&out, "%s: fine, DAG \"%s\" of %u task%s\n", file, dag->id, dag->task_count,
                     dag->task_count == 1 ? "" : "s");
    }
    mr_report_print(cx, &out);
    mr_dag_unref(dag);
    return code == MR_OK ? MR_EXIT_DONE : MR_EXIT_USAGE;
}

static int validate(const mr_cli_args *args, mr_cx *cx) {
    const char **files = args->plain + 1;
    uint32_t count = args->plain_count - 1;
    if (count == 0 && mr_dagfile_list(&files, &count, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    int worst = MR_EXIT_DONE;
    for (uint32_t i = 0; i < count; i++) {
        int exit_code = validate_one(args, files[i], cx);
        worst = MR_MAX(worst, exit_code);
    }
    return worst;
}

static int schema(const mr_cli_args *args, mr_cx *cx) {
    (void)args;
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_dag_schema(mr_kinds, &out);
    mr_report_print(cx, &out);
    return MR_EXIT_DONE;
}

// ---- show ------------------------------------------------------------------------------------

static const char *upstream_of(const mr_dag *dag, const mr_dag_task *task, mr_arena *arena) {
    mr_text names;
    mr_text_init(&names, arena);
    for (uint32_t i = 0; i < task->upstream_count; i++) {
        mr_text_addf(&names, "%s%s", i == 0 ? "" : ", ", dag->tasks[task->upstream[i]].id);
    }
    return mr_text_string(&names);
}

static void show_json(const mr_dag *dag, mr_text *out) {
    mr_text_add(out, "{");
    member(out, "dag", dag->id);
    member(out, "file", dag->file);
    member(out, "description", dag->description);
    member(out, "owner", dag->owner);
    member(out, "schedule", dag->schedule.kind == MR_SCHEDULE_NONE ? NULL : dag->schedule.text);
    member(out, "timezone", dag->zone == NULL ? "UTC" : mr_zone_name(dag->zone));
    member(out, "version", dag->hash);
    mr_text_add(out, ",\"params\":[");
    for (uint32_t i = 0; i < dag->param_count; i++) {
        const mr_dag_param *param = &dag->params[i];
        mr_text_add(out, i == 0 ? "{" : ",{");
        member(out, "name", param->name);
        member(out, "type", param->type);
        member(out, "description", param->doc);
        if (param->default_json.bytes > 0) {
            mr_text_addf(out, ",\"default\":%.*s", MR_SPAN_ARGS(param->default_json));
        }
        mr_text_add(out, "}");
    }
    mr_text_add(out, "],\"tasks\":[");
    for (uint32_t i = 0; i < dag->task_count; i++) {
        const mr_dag_task *task = &dag->tasks[i];
        mr_text_add(out, i == 0 ? "{" : ",{");
        member(out, "task", task->id);
        member(out, "type", task->type->name);
        member(out, "group", task->group);
        member(out, "trigger_rule", mr_trigger_rule_text(task->trigger_rule));
        member(out, "pool", task->pool);
        mr_text_addf(out, ",\"retries\":%" PRId64 ",\"depends_on\":[", task->retries);
        for (uint32_t k = 0; k < task->upstream_count; k++) {
            mr_text_add(out, k == 0 ? "" : ",");
            mr_text_add_json(out, mr_span_of(dag->tasks[task->upstream[k]].id));
        }
        mr_text_add(out, "]}");
    }
    mr_text_add(out, "]}\n");
}

static void show_text(const mr_dag *dag, mr_text *out, mr_arena *arena) {
    mr_text_addf(out, "%s: %s\n", dag->id, dag->description == NULL ? "" : dag->description);
    mr_text_addf(out, "file %s, version %.8s, schedule %s, zone %s\n\n", dag->file, dag->hash,
                 dag->schedule.kind == MR_SCHEDULE_NONE ? "none" : dag->schedule.text,
                 dag->zone == NULL ? "UTC" : mr_zone_name(dag->zone));
    mr_columns columns;
    mr_columns_init(&columns, "TASK,TYPE,GROUP,RULE,>RETRIES,DEPENDS ON", arena);
    for (uint32_t i = 0; i < dag->task_count; i++) {
        const mr_dag_task *task = &dag->tasks[i];
        mr_columns_add(&columns, "%s", task->id);
        mr_columns_add(&columns, "%s", task->type->name);
        mr_columns_add(&columns, "%s", task->group == NULL ? "-" : task->group);
        mr_columns_add(&columns, "%s", mr_trigger_rule_text(task->trigger_rule));
        mr_columns_add_count(&columns, task->retries);
        mr_columns_add(&columns, "%s", upstream_of(dag, task, arena));
    }
    mr_columns_print(&columns, out);
}

// Loads a DAG or reports why not.
static mr_dag *load(const mr_cli_args *args, const char *word, int *ret_exit, mr_cx *cx) {
    mr_dag *dag;
    mr_dag_errors errors;
    if (mr_dagfile_load(args, word, &dag, &errors, cx) != MR_OK) {
        *ret_exit = mr_dagfile_report(&errors, cx);
    }
    return dag;
}

static int show(const mr_cli_args *args, mr_cx *cx) {
    int exit_code = MR_EXIT_DONE;
    mr_dag *dag = load(args, args->plain[1], &exit_code, cx);
    if (dag == NULL) {
        return exit_code;
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    if (mr_args_has(args, "--json")) {
        show_json(dag, &out);
    } else {
        show_text(dag, &out, cx->arena);
    }
    mr_report_print(cx, &out);
    mr_dag_unref(dag);
    return MR_EXIT_DONE;
}

// ---- next ------------------------------------------------------------------------------------

static const char *time_text(int64_t us, const mr_zone *zone, mr_arena *arena) {
    mr_text text;
    mr_text_init(&text, arena);
    mr_template_add_time(&text, us, zone);
    return mr_text_string(&text);
}

static mr_code next_range(const mr_cli_args *args, const mr_dag *dag, int64_t *ret_from_us,
                          int64_t *ret_count, mr_cx *cx) {
    const char *from = mr_args_get(args, "--from");
    *ret_from_us = mr_clock_real_us(cx->plat);
    *ret_count = 5;
    MR_TRY(mr_reach_number(args, "--count", 1, ret_count, cx));
    *ret_count = MR_MIN(*ret_count, (int64_t)NEXT_MOST);
    if (from == NULL) {
        return MR_OK;
    }
    if (!mr_civil_parse(from, strlen(from), dag->zone, ret_from_us)) {
        return mr_fail(cx, MR_E_OPTION,
                       "Write 2026-01-01, 2026-01-01T08:00 or 2026-01-01T08:00:00Z.",
                       "bad value \"%s\" for --from", from);
    }
    *ret_from_us -= 1;  // A run at this very time is one of them.
    return MR_OK;
}

static void add_next(const mr_cli_args *args, const mr_dag *dag, int64_t from_us, int64_t most,
                     mr_text *out, mr_cx *cx) {
    const mr_zone *zone = mr_args_has(args, "--utc") ? NULL : dag->zone;
    bool json = mr_args_has(args, "--json");
    mr_columns columns;
    mr_columns_init(&columns, "RUNS AT,DATA FROM,UP TO,DS", cx->arena);
    int64_t tick_us = from_us;
    for (int64_t i = 0; i < most; i++) {
        tick_us = mr_schedule_next(&dag->schedule, tick_us);
        if (tick_us == INT64_MAX) {
            break;
        }
        int64_t start_us;
        int64_t end_us;
        mr_dag_interval(dag, tick_us, &start_us, &end_us);
        const char *tick = time_text(tick_us, zone, cx->arena);
        const char *start = time_text(start_us, zone, cx->arena);
        const char *end = time_text(end_us, zone, cx->arena);
        const char *ds =
            mr_arena_printf(cx->arena, "%.10s", time_text(start_us, dag->zone, cx->arena));
        if (json) {
            mr_text_add(out, "{");
            member(out, "runs_at", tick);
            member(out, "data_interval_start", start);
            member(out, "data_interval_end", end);
            member(out, "ds", ds);
            mr_text_add(out, "}\n");
        } else {
            mr_columns_add(&columns, "%s", tick);
            mr_columns_add(&columns, "%s", start);
            mr_columns_add(&columns, "%s", end);
            mr_columns_add(&columns, "%s", ds);
        }
    }
    if (!json) {
        mr_columns_print(&columns, out);
    }
}

static int next(const mr_cli_args *args, mr_cx *cx) {
    int exit_code = MR_EXIT_DONE;
    mr_dag *dag = load(args, args->plain[1], &exit_code, cx);
    if (dag == NULL) {
        return exit_code;
    }
    int64_t from_us;
    int64_t count;
    if (next_range(args, dag, &from_us, &count, cx) != MR_OK) {
        mr_report_error(cx);
        exit_code = MR_EXIT_USAGE;
    } else if (dag->schedule.kind == MR_SCHEDULE_NONE) {
        mr_report_say(cx, "DAG \"%s\" has no schedule: millrace dag trigger %s runs it\n", dag->id,
                      dag->id);
    } else {
        mr_text out;
        mr_text_init(&out, cx->arena);
        add_next(args, dag, from_us, count, &out, cx);
        mr_report_print(cx, &out);
    }
    mr_dag_unref(dag);
    return exit_code;
}

// ---- the words -------------------------------------------------------------------------------

static const struct {
    const char *name;
    uint32_t least;  // Arguments behind it.
    uint32_t most;
    int (*run)(const mr_cli_args *args, mr_cx *cx);
} verbs[] = {
    {"validate", 0, UINT32_MAX, validate},
    {"schema", 0, 0, schema},
    {"show", 1, 1, show},
    {"next", 1, 1, next},
};

static int dag_run(const mr_cli_args *args, mr_cx *cx) {
    if (mr_dags_knows(args->plain[0])) {
        return mr_dags_run(args, cx);
    }
    for (size_t i = 0; i < MR_COUNT(verbs); i++) {
        uint32_t given = args->plain_count - 1;
        if (strcmp(args->plain[0], verbs[i].name) == 0 && given >= verbs[i].least &&
            given <= verbs[i].most) {
            return verbs[i].run(args, cx);
        }
    }
    return mr_args_usage(args, cx);
}

const mr_cli_command mr_cmd_dag = {
    .name = "dag",
    .usage = "list | validate [FILE …] | schema | show FILE|DAG | next FILE|DAG | test FILE|DAG |\n"
             "         trigger DAG | pause DAG | unpause DAG | backfill DAG --from TIME --to TIME",
    .summary = "Checks, shows, tries and runs workflows.",
    .details =
        "validate without files looks at all of dags/. schema prints the JSON Schema of a DAG "
        "file, for editors.\ntest runs a DAG once in this process, its logs on the terminal; its "
        "runs are not kept.\nRuns are looked at by: millrace runs.",
    .flags = dag_flags,
    .plain_min = 1,
    .plain_max = 1000,
    .run = dag_run,
};
