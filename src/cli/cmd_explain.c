// Command "explain": what a pipeline's file makes the program do; with --analyze, what it cost.

#include <string.h>

#include "cli/cli.h"
#include "job/explain.h"
#include "plat/thread.h"

static const mr_cli_flag explain_flags[] = {
    {"--analyze", NULL, false, "Run it, leaving no trace, and show rows and times."},
    {"--until", "WHEN", false,
     "When the run ends: end (default), available-now, or a duration such as 30s."},
    {"--json", NULL, false, "The same as JSON."},
    MR_CLI_PIPELINE_FLAGS,
    MR_CLI_FLAGS_END,
};

static atomic_bool stop_flag;

static void show(const mr_cli_args *args, const mr_job *job, const mr_explain_run *run, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    if (mr_args_has(args, "--json")) {
        mr_explain_json(job, run, &out);
    } else {
        mr_explain_text(job, run, &out);
    }
    mr_report_print(cx, &out);
}

typedef struct watcher {
    mr_explain_run run;  // First, as mr_explain_count takes it.
    mr_cx *cx;
} watcher;

static void warn(void *self, const char *text) {
    mr_report_say(((watcher *)self)->cx, "warning: %s\n", text);
}

static int analyze(const mr_cli_args *args, mr_cx *cx) {
    watcher seen = {.run = {.watermark_us = INT64_MIN}, .cx = cx};
    mr_explain_run *run = &seen.run;
    mr_job_spec spec = {.rehearsal = true,
                        .until = MR_UNTIL_END,
                        .progress = mr_explain_count,
                        .warn = warn,
                        .self = &seen};
    if (mr_args_until(args, "--until", &spec, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_USAGE;
    }
    mr_job *job;
    int exit_code = mr_pipeline_load(args, args->plain[0], &spec, &job, cx);
    if (exit_code != MR_EXIT_DONE) {
        return exit_code;
    }
    mr_thread_catch_stop(&stop_flag);
    cx->cancel = &stop_flag;
    int64_t began_us = mr_clock_monotonic_us(cx->plat);
    mr_code code = mr_job_run(job, &run->ended, cx);
    run->wall_us = mr_clock_monotonic_us(cx->plat) - began_us;
    mr_usage usage;
    mr_plat_usage(cx->plat, &usage);
    run->resident_bytes_max = usage.resident_bytes_max;
    if (code != MR_OK) {
        mr_report_error(cx);
        exit_code = MR_EXIT_FAILED;
    } else {
        show(args, job, run, cx);
    }
    mr_job_close(job, cx);
    if (mr_dir_delete(spec.data_dir, cx) != MR_OK) {
        mr_report_error(cx);
        exit_code = MR_EXIT_FAILED;
    }
    return exit_code;
}

static int explain_run(const mr_cli_args *args, mr_cx *cx) {
    if (mr_args_has(args, "--analyze")) {
        return analyze(args, cx);
    }
    if (mr_args_has(args, "--until") &&
        mr_fail(cx, MR_E_OPTION, "Add --analyze, or leave --until away.",
                "option \"--until\" is for a run, and explain alone runs nothing") != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_USAGE;
    }
    mr_job_spec spec = {.until = MR_UNTIL_STOPPED};
    mr_job *job;
    int exit_code = mr_pipeline_load(args, args->plain[0], &spec, &job, cx);
    if (exit_code == MR_EXIT_DONE) {
        show(args, job, /* run= */ NULL, cx);
    }
    return exit_code;
}

const mr_cli_command mr_cmd_explain = {
    .name = "explain",
    .usage = "FILE.sql [options]",
    .summary = "Shows what a pipeline's file makes the program do, and what that costs.",
    .details =
        "Each operator is shown with the source file that runs it, what state it keeps and what\n"
        "bounds that. With --analyze the pipeline runs as with millrace run, but leaves no trace:\n"
        "it starts from its beginning in a data folder of its own (below --data, else below\n"
        "TMPDIR or /tmp), which is removed afterwards. Its real state and output are not touched:\n"
        "files are written into that folder, consoles and other systems get nothing, and a Kafka\n"
        "group's offsets stay. Times of operators are of processors, summed over the workers; an\n"
        "operator's time is its own, without that of the operators it feeds.",
    .flags = explain_flags,
    .plain_min = 1,
    .plain_max = 1,
    .run = explain_run,
};
