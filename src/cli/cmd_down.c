// Command "down": ends a running project.

#include "cli/up.h"
#include "owner/owner.h"

#define END_US  ((int64_t)60 * 1000000)
#define LOOK_US ((int64_t)5000)

static const mr_cli_flag down_flags[] = {
    {"--delete-data", NULL, false, "Delete the data folder afterwards: topics, state and tables."},
    MR_CLI_DATA_FLAG,
    MR_CLI_FLAGS_END,
};

// The owner is gone once its lock is free.
static mr_code wait_for_end(const char *data_dir, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/owner.lock", data_dir);
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + END_US;
    for (;;) {
        mr_lock lock;
        mr_code code = mr_lock_take(&lock, path, cx);
        if (code == MR_OK) {
            mr_lock_release(&lock, cx->plat);
            return MR_OK;
        }
        if (code != MR_E_LOCKED || mr_clock_monotonic_us(cx->plat) > until_us) {
            return code;
        }
        mr_clock_sleep_us(cx->plat, LOOK_US);
    }
}

static mr_code end(const char *data_dir, bool delete_data, mr_cx *cx) {
    mr_span answer;
    mr_code code = mr_owner_ask(data_dir, "down", &answer, cx);
    if (code != MR_OK && !(code == MR_E_MISSING && delete_data)) {
        return code;
    }
    if (!delete_data || mr_file_exists(data_dir, cx)) {
        MR_TRY(wait_for_end(data_dir, cx));
    }
    return delete_data ? mr_dir_delete(data_dir, cx) : MR_OK;
}

static int down_run(const mr_cli_args *args, mr_cx *cx) {
    const char *data_dir;
    mr_code code = mr_pipeline_enter(args, NULL, &data_dir, cx);
    code = code == MR_OK ? end(data_dir, mr_args_has(args, "--delete-data"), cx) : code;
    if (code != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    return MR_EXIT_DONE;
}

const mr_cli_command mr_cmd_down = {
    .name = "down",
    .usage = "[options]",
    .summary = "Ends the project that is up, every pipeline at a commit.",
    .flags = down_flags,
    .plain_min = 0,
    .plain_max = 0,
    .run = down_run,
};
