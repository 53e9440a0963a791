// Command "broker": the embedded broker by itself, in the foreground.

#include "broker/broker.h"
#include "cli/cli.h"
#include "job/config.h"
#include "plat/thread.h"
#include "version.h"

static const mr_cli_flag broker_flags[] = {
    MR_CLI_DATA_FLAG,
    {"--insecure", NULL, false, "Listens beyond this machine without TLS and SASL."},
    {"-c", "SECTION.KEY=VALUE", true, "A setting, such as broker.listen=127.0.0.1:9092."},
    MR_CLI_FLAGS_END,
};

static atomic_bool stop_flag;
static atomic_bool failed_flag;

static mr_code settings_read(const mr_cli_args *args, mr_broker_settings *ret, mr_cx *cx) {
    mr_job_pair *pairs;
    uint32_t count;
    MR_TRY(mr_args_pairs(args, "-c", &pairs, &count, cx));
    mr_job_pair *given = MR_NEW_ARRAY(cx->arena, mr_job_pair, count + 1u);
    for (uint32_t i = 0; i < count; i++) {
        given[i] = pairs[i];
    }
    if (mr_args_has(args, "--insecure")) {
        given[count++] = (mr_job_pair){"broker.insecure", "true"};
    }
    mr_config config = {given, count};
    MR_TRY(mr_config_apply(&config, "broker", mr_broker_options, ret, cx));
    return mr_broker_settings_check(ret, cx);
}

// Without clients there is no reason to stay: who watches the process can start it again.
static void failed(void *self) {
    (void)self;
    atomic_store(&failed_flag, true);
    mr_thread_ask_stop();
}

static void print_addresses(const mr_broker *broker, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    for (uint32_t i = 0; i < mr_broker_address_count(broker); i++) {
        mr_text_addf(&out, "%s\n", mr_broker_address(broker, i));
    }
    mr_report_print(cx, &out);
}

static int broker_run(const mr_cli_args *args, mr_cx *cx) {
    mr_broker_spec spec = {.version = MR_VERSION, .say = mr_report_line, .failed = failed};
    const char *data_dir;
    if (mr_pipeline_enter(args, NULL, &data_dir, cx) != MR_OK ||
        settings_read(args, &spec.settings, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_USAGE;
    }
    mr_thread_catch_stop(&stop_flag);
    spec.dir = mr_arena_printf(cx->arena, "%s/broker", data_dir);
    mr_broker *broker = NULL;
    if (mr_broker_open(&spec, &broker, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    print_addresses(broker, cx);
    mr_thread_wait_stop(&stop_flag);
    if (mr_broker_close(broker, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    if (atomic_load(&failed_flag)) {
        mr_code code =
            mr_fail(cx, MR_E_IO, "Start it again; what was acknowledged is on the disk.",
                    "the broker could not serve clients any more, as said above, and was stopped");
        mr_assert(code != MR_OK);
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    return MR_EXIT_DONE;
}

const mr_cli_command mr_cmd_broker = {
    .name = "broker",
    .usage = "[options]",
    .summary = "Runs the embedded broker by itself until it is stopped.",
    .details = "Prints the address of each listener once clients can use it; docs/broker.md says "
               "more.",
    .flags = broker_flags,
    .plain_min = 0,
    .plain_max = 0,
    .run = broker_run,
};
