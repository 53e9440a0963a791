// Command "status": what a running project does.

#include <string.h>

#include "cli/up.h"
#include "owner/owner.h"

#define WAIT_US ((int64_t)60 * 1000000)
#define LOOK_US ((int64_t)20000)

static const mr_cli_flag status_flags[] = {
    {"--wait", NULL, false, "Wait until it is up and every part runs; at most a minute."},
    {"--json", NULL, false, "JSON instead of lines."},
    MR_CLI_DATA_FLAG,
    MR_CLI_FLAGS_END,
};

static bool all_run(mr_span status) {
    return memmem(status.data, status.bytes, "\"state\":\"waiting\"", 17) == NULL &&
           memmem(status.data, status.bytes, "\"state\":\"stopping\"", 18) == NULL;
}

// errors  the last one, when time is up
static mr_code wait_until_up(const char *data_dir, mr_span *ret, mr_cx *cx) {
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + WAIT_US;
    for (;;) {
        mr_code code = mr_owner_ask(data_dir, "status", ret, cx);
        if (code == MR_OK && all_run(*ret)) {
            return MR_OK;
        }
        if (mr_clock_monotonic_us(cx->plat) > until_us) {
            return code != MR_OK ? code
                                 : mr_fail(cx, MR_E_TIMEOUT, "See: millrace status",
                                           "not every part runs after a minute");
        }
        mr_clock_sleep_us(cx->plat, LOOK_US);
    }
}

static int status_run(const mr_cli_args *args, mr_cx *cx) {
    const char *data_dir;
    mr_span status;
    mr_code code = mr_pipeline_enter(args, NULL, &data_dir, cx);
    if (code == MR_OK) {
        code = mr_args_has(args, "--wait") ? wait_until_up(data_dir, &status, cx)
                                           : mr_owner_ask(data_dir, "status", &status, cx);
    }
    if (code != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    if (mr_args_has(args, "--json")) {
        mr_text_add_bytes(&out, status.data, status.bytes);
        mr_text_add_char(&out, '\n');
    } else {
        mr_up_print_status(status, &out);
    }
    mr_report_print(cx, &out);
    return MR_EXIT_DONE;
}

const mr_cli_command mr_cmd_status = {
    .name = "status",
    .usage = "[options]",
    .summary = "Shows what the project that is up does.",
    .flags = status_flags,
    .plain_min = 0,
    .plain_max = 0,
    .run = status_run,
};
