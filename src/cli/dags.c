// Dags: see dags.h.

#include "cli/dags.h"

#include <inttypes.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/dagfile.h"
#include "cli/up.h"
#include "owner/rehearse.h"
#include "plat/thread.h"

static const char *const verbs[] = {"list", "trigger", "pause", "unpause", "backfill", "test"};

bool mr_dags_knows(const char *verb) {
    for (size_t i = 0; i < MR_COUNT(verbs); i++) {
        if (strcmp(verb, verbs[i]) == 0) {
            return true;
        }
    }
    return false;
}

// ---- list, trigger, pause
// -------------------------------------------------------------------------------

static int list(const mr_cli_args *args, mr_cx *cx) {
    mr_text request, out;
    mr_span answer, item;
    int exit_code;
    mr_ask_begin(&request, "dag.list", cx->arena);
    mr_ask_add_json(&request, "all", mr_args_has(args, "--all") ? "true" : NULL);
    if (!mr_ask_send(args, &request, &answer, &exit_code, cx)) {
        return exit_code;
    }
    if (mr_ask_json(args, answer, cx)) {
        return MR_EXIT_DONE;
    }
    mr_columns columns;
    mr_columns_init(&columns, "DAG,STATE,SCHEDULE,ZONE,NEXT,>RUNNING,LAST RUN", cx->arena);
    mr_span inside = mr_jsonvalue_inside(mr_jsonvalue_get(answer, "dags"));
    while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &item)) {
        mr_span last = mr_jsonvalue_get(item, "last");
        bool any = mr_jsonvalue_kind_of(last) == MR_JSONVALUE_OBJECT;
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "dag", cx->arena));
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "state", cx->arena));
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "schedule", cx->arena));
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "timezone", cx->arena));
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "next", cx->arena));
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "running", cx->arena));
        mr_columns_add(&columns, "%s", any ? mr_jsonvalue_field(last, "state", cx->arena) : "-");
    }
    mr_text_init(&out, cx->arena);
    mr_columns_print(&columns, &out);
    mr_report_print(cx, &out);
    inside = mr_jsonvalue_inside(mr_jsonvalue_get(answer, "errors"));
    while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &item)) {
        mr_report_say(cx, "%s\n", mr_jsonvalue_field(item, "text", cx->arena));
    }
    return MR_EXIT_DONE;
}

// The words that take one DAG, and answer with it or one of its runs.
static int one(const mr_cli_args *args, mr_cx *cx) {
    const char *verb = args->plain[0], *params = NULL;
    mr_text request, out;
    mr_span answer;
    int exit_code;
    bool trigger = strcmp(verb, "trigger") == 0;
    if (mr_ask_params(args, "--param", &params, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_USAGE;
    }
    mr_ask_begin(&request, mr_arena_printf(cx->arena, "dag.%s", verb), cx->arena);
    mr_ask_add(&request, "dag", args->plain[1]);
    if (trigger) {
        mr_ask_add(&request, "logical_date", mr_args_get(args, "--logical-date"));
        mr_ask_add(&request, "run_id", mr_args_get(args, "--run-id"));
        mr_ask_add_json(&request, "conf", params);
    }
    if (!mr_ask_send(args, &request, &answer, &exit_code, cx)) {
        return exit_code;
    }
    if (mr_ask_json(args, answer, cx)) {
        return MR_EXIT_DONE;
    }
    mr_text_init(&out, cx->arena);
    if (trigger) {
        mr_text_addf(&out, "run %s  %s  %s\n", mr_jsonvalue_field(answer, "run", cx->arena),
                     mr_jsonvalue_field(answer, "run_id", cx->arena),
                     mr_jsonvalue_field(answer, "state", cx->arena));
        mr_text_addf(&out, "%s%s", mr_jsonvalue_field(answer, "hint", cx->arena),
                     mr_jsonvalue_field(answer, "hint", cx->arena)[0] == '\0' ? "" : "\n");
    } else {
        mr_text_addf(&out, "%s is %s\n", mr_jsonvalue_field(answer, "dag", cx->arena),
                     mr_jsonvalue_field(answer, "state", cx->arena));
    }
    mr_report_print(cx, &out);
    return MR_EXIT_DONE;
}

// ---- backfill
// ------------------------------------------------------------------------------------

static int backfill(const mr_cli_args *args, mr_cx *cx) {
    const char *params, *most = mr_args_get(args, "--max-active-runs");
    int64_t number = 1;
    mr_text request, out;
    mr_span answer, item;
    int exit_code;
    if (mr_args_get(args, "--from") == NULL || mr_args_get(args, "--to") == NULL ||
        (most != NULL && (!mr_text_parse_int64(mr_span_of(most), &number) || number < 1))) {
        return mr_args_usage(args, cx);
    }
    if (mr_ask_params(args, "--param", &params, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_USAGE;
    }
    mr_ask_begin(&request, "dag.backfill", cx->arena);
    mr_ask_add(&request, "dag", args->plain[1]);
    mr_ask_add(&request, "from", mr_args_get(args, "--from"));
    mr_ask_add(&request, "to", mr_args_get(args, "--to"));
    mr_ask_add(&request, "reprocess", mr_args_get(args, "--reprocess"));
    mr_ask_add_json(&request, "max_active_runs", most);
    mr_ask_add_json(&request, "backwards", mr_args_has(args, "--backwards") ? "true" : NULL);
    mr_ask_add_json(&request, "dry_run", mr_args_has(args, "--dry-run") ? "true" : NULL);
    mr_ask_add_json(&request, "conf", params);
    if (!mr_ask_send(args, &request, &answer, &exit_code, cx)) {
        return exit_code;
    }
    if (mr_ask_json(args, answer, cx)) {
        return MR_EXIT_DONE;
    }
    mr_columns columns;
    mr_columns_init(&columns, "LOGICAL DATE,INTERVAL END,ACTION,STATE", cx->arena);
    mr_span inside = mr_jsonvalue_inside(mr_jsonvalue_get(answer, "runs"));
    while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &item)) {
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "logical_date", cx->arena));
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "data_interval_end", cx->arena));
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "action", cx->arena));
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "state", cx->arena));
    }
    mr_text_init(&out, cx->arena);
    mr_columns_print(&columns, &out);
    mr_report_print(cx, &out);
    if (mr_args_has(args, "--dry-run")) {
        mr_report_say(cx, "Nothing was done: without --dry-run it is.\n");
    }
    return MR_EXIT_DONE;
}

// ---- test
// ----------------------------------------------------------------------------------------

static void print_line(void *self, const char *line) {
    mr_cx *cx = self;
    mr_text text;
    mr_text_init(&text, NULL);
    mr_text_addf(&text, "%s\n", line);
    mr_report_print(cx, &text);
    mr_text_release(&text);
}

static mr_code check_task(const mr_dag *dag, const char *name, mr_cx *cx) {
    if (mr_dag_find(dag, mr_span_of(name)) != NULL) {
        return MR_OK;
    }
    const char **all = MR_NEW_ARRAY(cx->arena, const char *, dag->task_count + 1u);
    for (uint32_t t = 0; t < dag->task_count; t++) {
        all[t] = dag->tasks[t].id;
    }
    return mr_fail(cx, MR_E_NAME,
                   mr_text_hint(name, all, dag->task_count, /* otherwise= */ NULL, cx->arena),
                   "DAG \"%s\" has no task \"%s\"", dag->id, name);
}

// A path stays one from wherever the project is; an id is looked for in its dags/.
static mr_code find_file(const mr_cli_args *args, const char *word, const char *only,
                         const char **ret, mr_cx *cx) {
    *ret = word;
    if (only != NULL || !mr_dagfile_is_file(word)) {
        mr_dag *dag;
        mr_dag_errors errors;
        MR_TRY(mr_dagfile_load(args, word, &dag, &errors, cx));
        *ret = mr_arena_string(cx->arena, dag->file);
        mr_code code = only == NULL ? MR_OK : check_task(dag, only, cx);
        mr_dag_unref(dag);
        MR_TRY(code);
    }
    *ret = mr_pipeline_path(*ret, cx);
    return MR_OK;
}

int mr_dags_test(const mr_cli_args *args, const char *file, const char *only, mr_cx *cx) {
    static atomic_bool stop;
    mr_rehearse_spec spec = {
        .date = mr_args_get(args, "--date"),
        .only = only,
        .mark_success = mr_args_has(args, "--mark-success"),
        .data_dir = mr_pipeline_data_dir(args, cx),
        .print = print_line,
        .self = cx,
    };
    mr_job_pair *config = NULL, *env = NULL;
    mr_code code = find_file(args, file, only, &spec.file, cx);
    code = code == MR_OK ? mr_args_pairs(args, "-c", &config, &spec.config_count, cx) : code;
    code = code == MR_OK ? mr_ask_params(args, "--param", &spec.params_json, cx) : code;
    code = code == MR_OK ? mr_dir_change(mr_job_project(spec.file, cx), cx) : code;
    code = code == MR_OK ? mr_job_env_file(".env", &env, &spec.env_count, cx) : code;
    spec.config = config;
    spec.env = env;
    mr_thread_catch_stop(&stop);
    cx->cancel = &stop;
    bool good = false;
    code = code == MR_OK ? mr_rehearse_run(&spec, &good, cx) : code;
    if (code != MR_OK) {
        mr_report_error(cx);
        return code == MR_E_CANCELLED ? MR_EXIT_INTERRUPTED
               : code == MR_E_IO      ? MR_EXIT_FAILED
                                      : MR_EXIT_USAGE;
    }
    return good ? MR_EXIT_DONE : MR_EXIT_FAILED;
}

int mr_dags_run(const mr_cli_args *args, mr_cx *cx) {
    const char *verb = args->plain[0];
    if (strcmp(verb, "list") == 0 && args->plain_count == 1) {
        return list(args, cx);
    }
    if (strcmp(verb, "list") == 0 || args->plain_count != 2) {
        return mr_args_usage(args, cx);
    }
    if (strcmp(verb, "backfill") == 0) {
        return backfill(args, cx);
    }
    if (strcmp(verb, "test") == 0) {
        return mr_dags_test(args, args->plain[1], mr_args_get(args, "--only"), cx);
    }
    return one(args, cx);
}
