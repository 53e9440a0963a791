// Command "check": plans files without running them, and tells every error.

#include <string.h>

#include "cli/cli.h"

static const mr_cli_flag check_flags[] = {MR_CLI_PIPELINE_FLAGS, MR_CLI_FLAGS_END};

static int check_run(const mr_cli_args *args, mr_cx *cx) {
    mr_job_spec spec = {.until = MR_UNTIL_STOPPED};
    mr_job *job;
    int exit_code = mr_pipeline_load(args, args->plain[0], &spec, &job, cx);
    if (exit_code == MR_EXIT_DONE) {
        const mr_pipeline *pipeline = mr_job_pipeline(job);
        mr_text out;
        mr_text_init(&out, cx->arena);
        mr_text_addf(&out, "%s: fine, %u sources, %u queries\n", args->plain[0],
                     pipeline->source_count, pipeline->insert_count);
        mr_report_print(cx, &out);
    }
    return exit_code;
}

const mr_cli_command mr_cmd_check = {
    .name = "check",
    .usage = "FILE.sql [options]",
    .summary = "Checks a pipeline's file and tells all its errors.",
    .flags = check_flags,
    .plain_min = 1,
    .plain_max = 1,
    .run = check_run,
};
