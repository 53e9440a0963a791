// Command "restart": a pipeline or service starts anew.

#include "cli/up.h"

static const mr_cli_flag restart_flags[] = {
    {"--json", NULL, false, "JSON instead of lines."},
    MR_CLI_DATA_FLAG,
    MR_CLI_FLAGS_END,
};

static int restart_run(const mr_cli_args *args, mr_cx *cx) {
    return mr_up_tell(args, "restart", args->plain[0], cx);
}

const mr_cli_command mr_cmd_restart = {
    .name = "restart",
    .usage = "PART [options]",
    .summary = "Stops a pipeline or service of the project that is up, and starts it again.",
    .flags = restart_flags,
    .plain_min = 1,
    .plain_max = 1,
    .run = restart_run,
};
