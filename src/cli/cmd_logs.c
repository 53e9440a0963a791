// Command "logs": what the parts of a project say.

#include "cli/up.h"

static const mr_cli_flag logs_flags[] = {
    {"-f", NULL, false, "Go on with what comes."},
    {"-n", "LINES", false, "Lines of each log to begin with (default 100)."},
    MR_CLI_DATA_FLAG,
    MR_CLI_FLAGS_END,
};

static int logs_run(const mr_cli_args *args, mr_cx *cx) {
    mr_up_logs logs = {
        .part = args->plain_count > 0 ? args->plain[0] : NULL,
        .lines = 100,
        .follow = mr_args_has(args, "-f"),
    };
    const char *lines = mr_args_get(args, "-n");
    if (lines != NULL && (!mr_text_parse_int64(mr_span_of(lines), &logs.lines) || logs.lines < 1)) {
        (void)mr_fail(cx, MR_E_OPTION, "Write a number from 1.", "-n cannot be \"%s\"", lines);
        mr_report_error(cx);
        return MR_EXIT_USAGE;
    }
    if (mr_pipeline_enter(args, NULL, &logs.data_dir, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    return mr_up_show_logs(&logs, cx);
}

const mr_cli_command mr_cmd_logs = {
    .name = "logs",
    .usage = "[PART] [options]",
    .summary = "Shows what the pipelines and services of a project say.",
    .flags = logs_flags,
    .plain_min = 0,
    .plain_max = 1,
    .run = logs_run,
};
