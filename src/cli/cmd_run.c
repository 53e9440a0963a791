// Command "run": one pipeline in the foreground.

#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/embed.h"
#include "cli/progress.h"
#include "plat/thread.h"

static const mr_cli_flag run_flags[] = {
    {"--until", "WHEN", false,
     "available-now: what is there at the start; end: that, and all windows close; or 30s."},
    {"--fresh", NULL, false, "Start over: forget the state and delete what this pipeline wrote."},
    {"--accept-loss", NULL, false, "Go on though a committed file is gone."},
    {"--progress", "line|json|none", false, "How to show progress (default: line on a terminal)."},
    MR_CLI_PIPELINE_FLAGS,
    MR_CLI_FLAGS_END,
};

static atomic_bool stop_flag;

// A run that was refused since its query changed says what changed.
static void report_change(const mr_change *change, mr_cx *cx) {
    if (change != NULL && change->refusal != NULL) {
        mr_text text;
        mr_text_init(&text, cx->arena);
        mr_query_print_changes(change, &text);
        mr_report_note(cx, &text);
    }
}

static int run_run(const mr_cli_args *args, mr_cx *cx) {
    mr_job_spec spec = {.fresh = mr_args_has(args, "--fresh"),
                        .accept_loss = mr_args_has(args, "--accept-loss")};
    mr_cli_progress progress;
    if (mr_args_until(args, "--until", &spec, cx) != MR_OK ||
        mr_progress_init(&progress, mr_args_get(args, "--progress"), cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_USAGE;
    }
    spec.progress = mr_progress_show;
    spec.warn = mr_progress_warn;
    spec.self = &progress;
    mr_job *job;
    int exit_code = mr_pipeline_load(args, args->plain[0], &spec, &job, cx);
    if (exit_code != MR_EXIT_DONE) {
        return exit_code;
    }
    progress.pipeline = mr_job_pipeline(job);
    mr_thread_catch_stop(&stop_flag);
    cx->cancel = &stop_flag;
    bool ended = false;
    mr_cli_embed embed;
    mr_code code = mr_embed_open(&embed, &spec, job, cx);
    code = code == MR_OK ? mr_job_run(job, &ended, cx) : code;
    mr_progress_finish(&progress);
    if (code != MR_OK) {
        mr_report_error(cx);
        report_change(mr_job_change(job), cx);
        exit_code = MR_EXIT_FAILED;
    } else if (!ended && atomic_load(&stop_flag)) {
        exit_code = MR_EXIT_INTERRUPTED;
    }
    mr_job_close(job, cx);
    mr_embed_close(&embed, cx);
    return exit_code;
}

const mr_cli_command mr_cmd_run = {
    .name = "run",
    .usage = "FILE.sql [options]",
    .summary = "Runs one pipeline in the foreground; goes on where it stopped.",
    .flags = run_flags,
    .plain_min = 1,
    .plain_max = 1,
    .run = run_run,
};
