// Command "up": runs a project: its broker, its pipelines, its services.

#include <string.h>

#include "cli/up.h"
#include "conn/conn.h"
#include "owner/owner.h"
#include "plat/child.h"
#include "plat/thread.h"
#include "version.h"

#define READY_US ((int64_t)60 * 1000000)
#define LOOK_US  ((int64_t)5000)

static const mr_cli_flag up_flags[] = {
    {"--detach", NULL, false, "Run in the background; returns when all is started."},
    {"--insecure", NULL, false,
     "Let broker.listen name an address beyond this machine without TLS and SASL."},
    {"--set", "NAME=VALUE", true, "Value of ${NAME} in the pipelines."},
    {"-c", "SECTION.KEY=VALUE", true, "A setting, such as broker.listen=127.0.0.1:9092."},
    MR_CLI_DATA_FLAG,
    MR_CLI_FLAGS_END,
};

static atomic_bool stop_flag;

// What was given on the command line, then what .env says.
static mr_code fill_sets(const mr_cli_args *args, mr_owner_spec *spec, mr_cx *cx) {
    mr_job_pair *sets, *config, *env;
    MR_TRY(mr_args_pairs(args, "--set", &sets, &spec->set_count, cx));
    MR_TRY(mr_args_pairs(args, "-c", &config, &spec->config_count, cx));
    MR_TRY(mr_job_env_file(".env", &env, &spec->env_count, cx));
    mr_job_pair *all = MR_NEW_ARRAY(cx->arena, mr_job_pair, spec->set_count + spec->env_count + 1u);
    memcpy(all, sets, sizeof(*all) * spec->set_count);
    if (spec->env_count > 0) {
        memcpy(all + spec->set_count, env, sizeof(*all) * spec->env_count);
    }
    spec->sets = all;
    spec->config = config;
    if (mr_args_has(args, "--insecure")) {
        mr_job_pair *more = MR_NEW_ARRAY(cx->arena, mr_job_pair, spec->config_count + 1u);
        memcpy(more, config, sizeof(*more) * spec->config_count);
        more[spec->config_count++] = (mr_job_pair){"broker.insecure", "true"};
        spec->config = more;
    }
    return MR_OK;
}

static mr_code run_here(const mr_cli_args *args, const char *data_dir, mr_cx *cx) {
    mr_owner_spec spec = {
        .data_dir = data_dir,
        .port = &mr_conn_port,
        .version = MR_VERSION,
        .say = mr_report_line,
    };
    MR_TRY(fill_sets(args, &spec, cx));
    mr_thread_catch_stop(&stop_flag);
    cx->cancel = &stop_flag;
    return mr_owner_run(&spec, cx);
}

// ---- in the background -----------------------------------------------------------------------

// This very command, without --detach.
static const char *const *own_words(const mr_cli_args *args, const char *data_dir, mr_cx *cx) {
    const char **words = MR_NEW_ARRAY(cx->arena, const char *, 2 * args->flag_count + 6u);
    size_t count = 0;
    words[count++] = mr_process_file(cx);
    words[count++] = "up";
    for (uint32_t i = 0; i < args->flag_count; i++) {
        const mr_job_pair *flag = &args->flags[i];
        if (strcmp(flag->name, "--detach") == 0 || strcmp(flag->name, "--data") == 0) {
            continue;
        }
        words[count++] = flag->name;
        if (flag->value[0] != '\0') {
            words[count++] = flag->value;
        }
    }
    words[count++] = "--data";
    words[count++] = data_dir;
    return words;
}

static mr_code ended_early(const char *log, mr_cx *cx) {
    mr_span text;
    const char *last = "it says nothing";
    if (mr_file_load(log, (uint64_t)16 << 20, &text, cx) == MR_OK) {
        text = mr_span_trim(text);
        // What this start said: the last lines.
        const char *from = text.data + text.bytes;
        for (int lines = 0; from > text.data && lines < 4; from--) {
            lines += from[-1] == '\n';
        }
        last = mr_arena_copy(cx->arena, from, (size_t)(text.data + text.bytes - from));
    }
    return mr_fail(cx, MR_E_INTERNAL, mr_arena_printf(cx->arena, "All of it is in \"%s\".", log),
                   "the start failed: %s", last);
}

static mr_code run_detached(const mr_cli_args *args, const char *data_dir, mr_cx *cx) {
    mr_span status;
    if (mr_owner_ask(data_dir, "status", &status, cx) == MR_OK) {
        return mr_fail(cx, MR_E_LOCKED, "Look: millrace status. End it: millrace down.",
                       "\"%s\" is up already", data_dir);
    }
    const char *log = mr_arena_printf(cx->arena, "%s/logs/up.log", data_dir);
    MR_TRY(mr_dir_make(mr_arena_printf(cx->arena, "%s/logs", data_dir), cx));
    MR_TRY(mr_file_delete(log, cx));
    mr_child child = MR_CHILD_NONE;
    mr_child_spec spec = {.words = own_words(args, data_dir, cx), .output = log};
    MR_TRY(mr_child_start(&child, &spec, cx));
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + READY_US;
    while (mr_owner_ask(data_dir, "status", &status, cx) != MR_OK) {
        int exit_status;
        if (mr_child_ended(&child, &exit_status)) {
            return ended_early(log, cx);
        }
        if (mr_clock_monotonic_us(cx->plat) > until_us) {
            return mr_fail(cx, MR_E_TIMEOUT, mr_arena_printf(cx->arena, "Look into \"%s\".", log),
                           "process %d does not come up", child.pid);
        }
        mr_clock_sleep_us(cx->plat, LOOK_US);
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_up_print_status(status, &out);
    mr_report_print(cx, &out);
    return MR_OK;
}

static int up_run(const mr_cli_args *args, mr_cx *cx) {
    const char *data_dir, *dir = args->plain_count > 0 ? args->plain[0] : NULL;
    mr_code code = mr_pipeline_enter(args, dir, &data_dir, cx);
    if (code == MR_OK) {
        code = mr_args_has(args, "--detach") ? run_detached(args, data_dir, cx)
                                             : run_here(args, data_dir, cx);
    }
    if (code != MR_OK) {
        mr_report_error(cx);
        return code == MR_E_OPTION ? MR_EXIT_USAGE : MR_EXIT_FAILED;
    }
    return MR_EXIT_DONE;
}

const mr_cli_command mr_cmd_up = {
    .name = "up",
    .usage = "[DIR] [options]",
    .summary = "Runs a project: its broker, the pipelines of sql/, its services.",
    .details = "Pipelines start, and start again when their file changes or they fail; each is "
               "stopped at a\ncommit. The broker is Kafka to any client; its address is printed. "
               "Settings are in\nmillrace.yaml. Ctrl-C, or millrace down, ends it.",
    .flags = up_flags,
    .plain_min = 0,
    .plain_max = 1,
    .run = up_run,
};
