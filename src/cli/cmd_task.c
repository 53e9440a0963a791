// Command "task": tries one task of a workflow, as dag test does with --only.

#include <string.h>

#include "cli/dags.h"

static const mr_cli_flag task_flags[] = {
    {"--date", "TIME", false, "The logical date (default: now)."},
    {"--param", "NAME=VALUE", true, "A param of the run."},
    MR_CLI_ASK_FLAGS,
    MR_CLI_FLAGS_END,
};

static int task_run(const mr_cli_args *args, mr_cx *cx) {
    if (strcmp(args->plain[0], "test") != 0 || args->plain_count != 3) {
        return mr_args_usage(args, cx);
    }
    return mr_dags_test(args, args->plain[1], args->plain[2], cx);
}

const mr_cli_command mr_cmd_task = {
    .name = "task",
    .usage = "test FILE TASK [--date TIME] [--param NAME=VALUE]",
    .summary = "Runs one task of a workflow now, with its log on the terminal.",
    .details = "Nothing of it is recorded; the tasks before it count as done, so their outputs are "
               "missing.",
    .flags = task_flags,
    .plain_min = 1,
    .plain_max = 3,
    .run = task_run,
};
