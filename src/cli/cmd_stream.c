// Command "stream": looks at what pipelines have committed, and gives them a new start.

#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/stream.h"
#include "cli/up.h"
#include "job/reset.h"

#define LOG_LINES 100

static const mr_cli_flag stream_flags[] = {
    {"--json", NULL, false, "list, show: JSON instead of lines."},
    {"--table", "TABLE", true, "reset: only this table's query (may be repeated; default: all)."},
    {"--to", "earliest|latest|TIME", false, "reset: from where the sources go on."},
    {"--rows", "keep|delete", false, "reset: what becomes of the rows that were written."},
    {"--yes", NULL, false, "reset: do it; without it the command only says what it would do."},
    MR_CLI_PIPELINE_FLAGS,
    MR_CLI_FLAGS_END,
};

static int usage_error(mr_cx *cx, const char *hint, const char *fact) {
    if (mr_fail(cx, MR_E_OPTION, hint, "%s", fact) != MR_OK) {
        mr_report_error(cx);
    }
    return MR_EXIT_USAGE;
}

static int reset_run(const mr_cli_args *args, mr_cx *cx) {
    mr_reset_spec spec = {.to = mr_args_get(args, "--to"), .dry = !mr_args_has(args, "--yes")};
    const char *rows = mr_args_get(args, "--rows");
    if (rows != NULL && strcmp(rows, "keep") != 0 && strcmp(rows, "delete") != 0) {
        return usage_error(cx, "Write --rows keep or --rows delete.", "--rows does not know that");
    }
    spec.rows = rows == NULL                ? MR_ROWS_UNSAID
                : strcmp(rows, "keep") == 0 ? MR_ROWS_KEEP
                                            : MR_ROWS_DELETE;
    const char **tables = MR_NEW_ARRAY(cx->arena, const char *, args->flag_count + 1);
    for (uint32_t i = 0; i < args->flag_count; i++) {
        if (strcmp(args->flags[i].name, "--table") == 0) {
            tables[spec.table_count++] = args->flags[i].value;
        }
    }
    spec.tables = tables;
    mr_job_spec job_spec = {.until = MR_UNTIL_STOPPED};
    mr_job *job;
    int exit_code = mr_pipeline_load(args, args->plain[1], &job_spec, &job, cx);
    if (exit_code != MR_EXIT_DONE) {
        return exit_code;
    }
    mr_reset_report report;
    if (mr_reset_run(job, &spec, &report, cx) != MR_OK) {
        mr_report_error(cx);
        exit_code = cx->error.code == MR_E_OPTION ? MR_EXIT_USAGE : MR_EXIT_FAILED;
    } else {
        mr_report_print(cx, &report.said);
        mr_report_say(cx,
                      spec.dry ? "Nothing was done: epoch %" PRIu64 " stands. Add --yes.\n"
                               : "Done: the state was at epoch %" PRIu64 ".\n",
                      report.epoch);
        exit_code = spec.dry ? MR_EXIT_USAGE : MR_EXIT_DONE;
    }
    mr_job_close(job, cx);
    return exit_code;
}

// A pipeline's file, or its name. Goes to the file's project, or that from here.
static mr_code find_pipeline(const char *word, const char **ret_name, mr_cx *cx) {
    *ret_name = word;
    if (!mr_span_ends(mr_span_of(word), ".sql")) {
        return mr_dir_change(mr_pipeline_project(cx), cx);
    }
    mr_stat stat;
    MR_TRY(mr_file_stat(word, &stat, cx));
    const char *slash = strrchr(word, '/');
    const char *base = slash == NULL ? word : slash + 1;
    *ret_name = mr_arena_copy(cx->arena, base, strlen(base) - strlen(".sql"));
    return mr_dir_change(mr_job_project(word, cx), cx);
}

// A pipeline's name, also when its file is named.
static const char *bare_name(const char *word, mr_cx *cx) {
    const char *slash = strrchr(word, '/');
    mr_span name = mr_span_of(slash == NULL ? word : slash + 1);
    name.bytes -= mr_span_ends(name, ".sql") ? strlen(".sql") : 0;
    return mr_arena_copy(cx->arena, name.data, name.bytes);
}

// Words for the project that is up.
static bool is_told(const char *verb) {
    static const char *const verbs[] = {"start", "stop", "pause", "resume", "restart"};
    for (size_t i = 0; i < MR_COUNT(verbs); i++) {
        if (strcmp(verb, verbs[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int stream_run(const mr_cli_args *args, mr_cx *cx) {
    const char *verb = args->plain[0];
    bool json = mr_args_has(args, "--json");
    const char *data = mr_pipeline_data_dir(args, cx), *here = mr_pipeline_data_here(args, cx);
    if (strcmp(verb, "list") == 0 && args->plain_count == 1) {
        return mr_stream_list(here, json, cx);
    }
    bool known = strcmp(verb, "show") == 0 || strcmp(verb, "reset") == 0 ||
                 strcmp(verb, "logs") == 0 || is_told(verb);
    if (!known || args->plain_count != 2) {
        return mr_args_usage(args, cx);
    }
    if (is_told(verb)) {
        return mr_up_tell(args, verb, bare_name(args->plain[1], cx), cx);
    }
    if (strcmp(verb, "logs") == 0) {
        mr_up_logs logs = {here, bare_name(args->plain[1], cx), LOG_LINES, /* follow= */ false};
        return mr_up_show_logs(&logs, cx);
    }
    if (strcmp(verb, "reset") == 0) {
        return reset_run(args, cx);
    }
    const char *name;
    if (find_pipeline(args->plain[1], &name, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    return mr_stream_show(data, name, json, cx);
}

const mr_cli_command mr_cmd_stream = {
    .name = "stream",
    .usage = "list | show FILE.sql | reset FILE.sql | logs|start|stop|pause|resume|restart NAME",
    .summary = "Shows what pipelines have committed; gives one a new start; tells one that is up.",
    .details = "reset empties the state of all tables' queries, or of those named with --table. "
               "Sources stay\n"
               "where they are, or go --to another place. Rows that were written stay, but are "
               "deleted with\n"
               "--to earliest, since all of them are made again; --rows says otherwise.",
    .flags = stream_flags,
    .plain_min = 1,
    .plain_max = 2,
    .run = stream_run,
};
