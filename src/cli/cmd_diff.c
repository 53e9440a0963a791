// Command "diff": a pipeline's file against the state it would go on from. Nothing happens.

#include <string.h>

#include "cli/cli.h"

static const mr_cli_flag diff_flags[] = {
    {"--json", NULL, false, "One JSON object instead of lines."},
    MR_CLI_PIPELINE_FLAGS,
    MR_CLI_FLAGS_END,
};

static int diff_run(const mr_cli_args *args, mr_cx *cx) {
    mr_job_spec spec = {.until = MR_UNTIL_STOPPED};
    mr_job *job;
    int exit_code = mr_pipeline_load(args, args->plain[0], &spec, &job, cx);
    if (exit_code != MR_EXIT_DONE) {
        return exit_code;
    }
    mr_change change;
    if (mr_job_compare(job, &change, cx) != MR_OK) {
        mr_report_error(cx);
        exit_code = MR_EXIT_FAILED;
    } else {
        mr_text out;
        mr_text_init(&out, cx->arena);
        if (mr_args_has(args, "--json")) {
            mr_query_print_json(&change, &out);
        } else {
            mr_query_print(&change, &out);
        }
        mr_report_print(cx, &out);
    }
    mr_job_close(job, cx);
    return exit_code;
}

const mr_cli_command mr_cmd_diff = {
    .name = "diff",
    .usage = "FILE.sql [options]",
    .summary = "Compares a pipeline's file with its state: what a run would keep.",
    .details =
        "KEEP goes on as it stands. NEW starts empty, at its source's start. REBUILD has state of\n"
        "another query: a run is refused until \"millrace stream reset\" gives it a new start.\n"
        "DROP is no longer in the file: its state is left behind.",
    .flags = diff_flags,
    .plain_min = 1,
    .plain_max = 1,
    .run = diff_run,
};
