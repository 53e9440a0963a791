// Command "explain": a pipeline's plan, with the source file of each operator.

#include <string.h>

#include "cli/cli.h"
#include "exec/op.h"

static const mr_cli_flag explain_flags[] = {MR_CLI_PIPELINE_FLAGS, MR_CLI_FLAGS_END};

static void note_file(void *self, const mr_plan *plan, mr_text *out) {
    (void)self;
    mr_text_addf(out, "  [%s]", mr_op_find(plan->kind)->file);
}

static int explain_run(const mr_cli_args *args, mr_cx *cx) {
    mr_job_spec spec = {.until = MR_UNTIL_STOPPED};
    mr_job *job;
    int exit_code = mr_pipeline_load(args, args->plain[0], &spec, &job, cx);
    if (exit_code == MR_EXIT_DONE) {
        mr_text out;
        mr_text_init(&out, cx->arena);
        mr_plan_print(mr_job_pipeline(job), note_file, NULL, &out);
        mr_report_print(cx, &out);
    }
    return exit_code;
}

const mr_cli_command mr_cmd_explain = {
    .name = "explain",
    .usage = "FILE.sql [options]",
    .summary = "Shows what a pipeline's file makes the program do.",
    .flags = explain_flags,
    .plain_min = 1,
    .plain_max = 1,
    .run = explain_run,
};
