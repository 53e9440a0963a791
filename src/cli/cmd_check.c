// Command "check": plans files without running them, and tells every error of each; specs of
// generate too.

#include <string.h>

#include "cli/cli.h"
#include "conn/synth.h"

static const mr_cli_flag check_flags[] = {
    {"--json", NULL, false, "One JSON object a file instead of lines."},
    MR_CLI_PIPELINE_FLAGS,
    MR_CLI_FLAGS_END,
};

static void add_member(mr_text *out, const char *name, const char *value) {
    mr_text_addf(out, "\"%s\":", name);
    mr_text_add_json(out, mr_span_of(value));
}

static void add_error(const mr_error *error, mr_text *out) {
    mr_text_add(out, "{");
    add_member(out, "error", error->text);
    mr_text_add(out, ",");
    add_member(out, "hint", error->hint);
    mr_text_add(out, ",");
    add_member(out, "kind", mr_error_code_text(error->code));
    uint32_t line;
    uint32_t column;
    if (mr_error_line_column(&error->place, &line, &column)) {
        mr_text_addf(out, ",\"line\":%u,\"column\":%u", line, column);
    }
    mr_text_add(out, "}");
}

static void say_json(const char *file, const mr_cli_plan *plan, bool fine, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, "{");
    add_member(&out, "file", file);
    mr_text_addf(&out, ",\"fine\":%s", fine ? "true" : "false");
    if (fine && plan->job != NULL) {
        const mr_pipeline *pipeline = mr_job_pipeline(plan->job);
        mr_text_addf(&out, ",\"sources\":%u,\"queries\":%u", pipeline->source_count,
                     pipeline->insert_count);
    }
    mr_text_add(&out, ",\"errors\":[");
    for (uint32_t i = 0; !fine && i < plan->errors.count; i++) {
        mr_text_add(&out, i == 0 ? "" : ",");
        add_error(&plan->errors.items[i], &out);
    }
    mr_text_add(&out, "]}\n");
    mr_report_print(cx, &out);
}

static void say_text(const char *file, const mr_cli_plan *plan, bool fine, mr_cx *cx) {
    for (uint32_t i = 0; !fine && i < plan->errors.count; i++) {
        cx->error = plan->errors.items[i];
        mr_report_error(cx);
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    if (fine && plan->job == NULL) {
        mr_text_addf(&out, "%s: fine, a spec of events to generate\n", file);
        mr_report_print(cx, &out);
    } else if (fine) {
        const mr_pipeline *pipeline = mr_job_pipeline(plan->job);
        mr_text_addf(&out, "%s: fine, %u sources, %u queries\n", file, pipeline->source_count,
                     pipeline->insert_count);
        mr_report_print(cx, &out);
    }
}

static bool is_spec(const char *file) {
    mr_span name = mr_span_of(file);
    return mr_span_ends(name, ".yaml") || mr_span_ends(name, ".yml");
}

// A spec of millrace generate; *ret gets its error.
static mr_code plan_spec(const char *file, mr_cli_plan *ret, mr_cx *cx) {
    mr_synth *synth;
    mr_code code = mr_synth_load(file, mr_clock_real_us(cx->plat), &synth, cx);
    if (code != MR_OK) {
        ret->errors.items = MR_NEW(cx->arena, mr_error);
        ret->errors.items[0] = cx->error;
        ret->errors.count = 1;
        ret->exit_code = code == MR_E_MISSING || code == MR_E_IO ? MR_EXIT_FAILED : MR_EXIT_USAGE;
    }
    return code;
}

static int check_run(const mr_cli_args *args, mr_cx *cx) {
    const char *home = mr_arena_string(cx->arena, mr_dir_current(cx));
    bool json = mr_args_has(args, "--json");
    int exit_code = MR_EXIT_DONE;
    uint32_t wrong = 0;
    uint32_t errors = 0;
    for (uint32_t i = 0; i < args->plain_count; i++) {
        if (i > 0 && mr_dir_change(home, cx) != MR_OK) {
            mr_report_error(cx);
            return MR_EXIT_FAILED;
        }
        mr_cli_plan plan = {.spec = {.until = MR_UNTIL_STOPPED}};
        const char *file = args->plain[i];
        bool fine = is_spec(file) ? plan_spec(file, &plan, cx) == MR_OK
                                  : mr_pipeline_plan(args, file, &plan, cx) == MR_OK;
        if (json) {
            say_json(file, &plan, fine, cx);
        } else {
            say_text(file, &plan, fine, cx);
        }
        wrong += !fine;
        errors += fine ? 0 : plan.errors.count;
        exit_code = MR_MAX(exit_code, fine ? MR_EXIT_DONE : plan.exit_code);
        if (plan.job != NULL) {
            mr_job_close(plan.job, cx);
        }
    }
    if (!json && wrong > 0 && (errors > 1 || args->plain_count > 1)) {
        mr_report_say(cx, "%u error%s in %u of %u file%s\n", errors, errors == 1 ? "" : "s", wrong,
                      args->plain_count, args->plain_count == 1 ? "" : "s");
    }
    return exit_code;
}

const mr_cli_command mr_cmd_check = {
    .name = "check",
    .usage = "FILE.sql|SPEC.yaml … [options]",
    .summary = "Checks pipelines' files and specs of generate, and tells their errors.",
    .flags = check_flags,
    .plain_min = 1,
    .plain_max = 1000,
    .run = check_run,
};
