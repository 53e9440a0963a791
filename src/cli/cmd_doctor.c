// Command "doctor": looks at what this machine and project offer, and says what is missing.

#include <inttypes.h>

#include "cli/cli.h"
#include "codec/json.h"

static const mr_cli_flag doctor_flags[] = {
    MR_CLI_DATA_FLAG,
    MR_CLI_FLAGS_END,
};

// The JSON reader's form on this processor: the fastest that opens.
static const char *json_form(mr_cx *cx) {
    static const mr_fields none = {.event_time = -1};
    static const mr_json_simd forms[] = {MR_JSON_AVX2, MR_JSON_NEON};
    static const char *const names[] = {"AVX2", "NEON"};
    for (size_t i = 0; i < MR_COUNT(forms); i++) {
        mr_json *json;
        if (mr_json_open(&none, forms[i], &json, cx) == MR_OK) {
            mr_json_close(json);
            return names[i];
        }
    }
    return "plain code (no AVX2 or NEON)";
}

static bool say(mr_text *out, bool fine, const char *what, const char *detail) {
    mr_text_addf(out, "%s %-22s %s\n", fine ? "ok  " : "BAD ", what, detail);
    return fine;
}

// The folder, or the nearest one above that is there: the disk where it will be.
static const char *existing(const char *folder, mr_cx *cx) {
    while (!mr_file_exists(folder, cx)) {
        folder = mr_plat_parent(folder, cx->arena);
    }
    return folder;
}

// Writes, syncs, renames and removes a file where the data will be.
static bool check_disk(const char *data, mr_text *out, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/.doctor", existing(data, cx));
    int64_t start_us = mr_clock_monotonic_us(cx->plat);
    mr_code code = mr_file_save(path, MR_SPAN("millrace"), cx);
    int64_t took_us = mr_clock_monotonic_us(cx->plat) - start_us;
    code = code == MR_OK ? mr_file_delete(path, cx) : code;
    if (code != MR_OK) {
        return say(out, false, "data folder", cx->error.text);
    }
    return say(out, true, "data folder",
               mr_arena_printf(cx->arena, "%s: a durable write takes %.1f ms", data,
                               (double)took_us / 1e3));
}

static int doctor_run(const mr_cli_args *args, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    const char *data = mr_pipeline_data_here(args, cx);
    bool fine = say(
        &out, true, "processor",
        mr_arena_printf(cx->arena, "%u cores, JSON by %s", mr_plat_cores(cx->plat), json_form(cx)));
    fine &= check_disk(data, &out, cx);
    bool zones = mr_file_exists("/usr/share/zoneinfo/Asia/Kolkata", cx);
    fine &= say(&out, zones, "time zones",
                zones ? "/usr/share/zoneinfo" : "install tzdata, or use UTC only");
    mr_report_print(cx, &out);
    return fine ? MR_EXIT_DONE : MR_EXIT_FAILED;
}

const mr_cli_command mr_cmd_doctor = {
    .name = "doctor",
    .usage = "[options]",
    .summary = "Says what this machine offers and what is missing.",
    .flags = doctor_flags,
    .plain_min = 0,
    .plain_max = 0,
    .run = doctor_run,
};
