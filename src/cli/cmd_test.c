// Command "test": runs a project's test files: rows in, rows out, also with kills in between.

#include <inttypes.h>
#include <string.h>

#include "base/errortext.h"
#include "cli/cli.h"
#include "conn/conn.h"
#include "job/case.h"

static const mr_cli_flag test_flags[] = {
    {"--update", NULL, false, "Write what was found into the files, in place of what is expected."},
    {"--json", NULL, false, "One JSON object a case instead of lines."},
    MR_CLI_FLAGS_END,
};

// A kill lets a life commit once. With a record a chunk and an epoch, that is between every two
// inputs.
static const mr_case_config configurations[] = {
    {.name = "plain", .settings = {{"exec.workers", "1"}}, .setting_count = 1},
    {.name = "killed",
     .settings = {{"exec.workers", "1"}, {"exec.epoch_rows", "1"}, {"exec.chunk_bytes", "60"}},
     .setting_count = 3,
     .kills = true},
};

typedef struct tester {
    bool update;
    bool json;
    uint32_t passed;
    uint32_t failed;
    uint32_t rewritten;
    const char *shown;  // The file that runs, as the user named it.
    const char *home;   // Where the user stands: paths are relative to it.
    const char *dir;    // For all runs; removed at the end.
    mr_text out;
} tester;

static void say(tester *t, const char *path, const char *config, const mr_case_result *result,
                mr_cx *cx) {
    mr_text_clear(&t->out);
    if (t->json) {
        mr_text_add(&t->out, "{\"test\":");
        mr_text_add_json(&t->out, mr_span_of(path));
        mr_text_addf(&t->out, ",\"run\":\"%s\",\"passed\":%s,\"lives\":%u,\"report\":", config,
                     result->passed ? "true" : "false", result->lives);
        mr_text_add_json(&t->out, mr_text_span(&result->report));
        mr_text_add(&t->out, "}\n");
    } else if (result->passed) {
        mr_text_addf(&t->out, "ok    %s (%s, %u %s)\n", path, config, result->lives,
                     result->lives == 1 ? "life" : "lives");
    } else {
        mr_text_addf(&t->out, "FAIL  %s (%s)\n%s", path, config, mr_text_string(&result->report));
    }
    mr_report_print(cx, &t->out);
}

static mr_code save_update(const mr_case *test, const mr_case_result *result, mr_cx *cx) {
    mr_span text = mr_case_update(test, result, cx);
    MR_TRY(mr_file_save(test->path, text, cx));
    return MR_OK;
}

static mr_code run_configurations(tester *t, const mr_case *test, const mr_job_pair *env,
                                  uint32_t env_count, mr_cx *cx) {
    bool failed = false;
    for (size_t i = 0; i < MR_COUNT(configurations) && !failed; i++) {
        mr_case_options options = {.dir = mr_arena_printf(cx->arena, "%s/run", t->dir),
                                   .port = &mr_conn_port,
                                   .env = env,
                                   .env_count = env_count,
                                   .any_sink = true,
                                   .format = mr_errortext_format};
        mr_case_result result;
        mr_case_run(test, &configurations[i], &options, &result, cx);
        if (!result.passed && t->update && i == 0) {
            t->rewritten++;
            mr_report_say(cx, "%s: rewritten\n", t->shown);
            return save_update(test, &result, cx);
        }
        failed = !result.passed;
        say(t, t->shown, configurations[i].name, &result, cx);
    }
    t->passed += !failed;
    t->failed += failed;
    return MR_OK;
}

static mr_code run_file(tester *t, const char *path, mr_cx *cx) {
    mr_arena arena = {0};
    mr_cx own;
    t->shown = path;
    mr_cx_init(&own, &arena, cx->plat);
    const char *whole = path[0] == '/' ? path : mr_arena_printf(&arena, "%s/%s", t->home, path);
    mr_job_pair *env;
    uint32_t env_count;
    mr_case test;
    mr_code code = mr_case_read(whole, &test, &own);
    code = code == MR_OK ? mr_dir_change(mr_job_project(whole, &own), &own) : code;
    code = code == MR_OK ? mr_job_env_file(".env", &env, &env_count, &own) : code;
    code = code == MR_OK ? run_configurations(t, &test, env, env_count, &own) : code;
    if (code != MR_OK) {
        mr_report_error(&own);
        t->failed++;
    }
    mr_arena_release(&arena);
    return mr_dir_change(t->home, cx);
}

static mr_code run_folder(tester *t, const char *dir, uint32_t *ret_count, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        if (mr_span_ends(mr_span_of(entries[i].name), ".test")) {
            MR_TRY(run_file(t, mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name), cx));
            (*ret_count)++;
        }
    }
    return MR_OK;
}

static mr_code run_all(tester *t, const mr_cli_args *args, mr_cx *cx) {
    static const char *const here[] = {"tests"};
    const char *const *words = args->plain_count == 0 ? here : args->plain;
    uint32_t count = MR_MAX(args->plain_count, 1u);
    for (uint32_t i = 0; i < count; i++) {
        mr_stat stat;
        MR_TRY(mr_file_stat(words[i], &stat, cx));
        uint32_t found = 0;
        if (!stat.is_dir) {
            MR_TRY(run_file(t, words[i], cx));
            continue;
        }
        MR_TRY(run_folder(t, words[i], &found, cx));
        if (found == 0) {
            return mr_fail(cx, MR_E_MISSING, "A test is a file NAME.test; see docs/testing.md.",
                           "folder \"%s\" has no tests", words[i]);
        }
    }
    return MR_OK;
}

static int test_run(const mr_cli_args *args, mr_cx *cx) {
    const char *below = mr_plat_env(cx->plat, "TMPDIR");
    tester t = {.update = mr_args_has(args, "--update"),
                .json = mr_args_has(args, "--json"),
                .home = mr_arena_string(cx->arena, mr_dir_current(cx))};
    t.dir = mr_arena_printf(cx->arena, "%s/millrace-test-%016" PRIx64,
                            below == NULL || below[0] == '\0' ? "/tmp" : below,
                            mr_random_u64(cx->plat));
    mr_text_init(&t.out, cx->arena);
    mr_code code = run_all(&t, args, cx);
    mr_error error = cx->error;
    mr_code removed = mr_dir_delete(t.dir, cx);
    if (code != MR_OK) {
        cx->error = error;
    }
    if (code != MR_OK || removed != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    mr_text_clear(&t.out);
    mr_text_addf(&t.out, "%u passed, %u failed", t.passed, t.failed);
    if (t.rewritten > 0) {
        mr_text_addf(&t.out, ", %u rewritten", t.rewritten);
    }
    mr_text_add_char(&t.out, '\n');
    if (!t.json) {
        mr_report_print(cx, &t.out);
    }
    return t.failed == 0 ? MR_EXIT_DONE : MR_EXIT_FAILED;
}

const mr_cli_command mr_cmd_test = {
    .name = "test",
    .usage = "[FILE.test | FOLDER …] [options]",
    .summary = "Runs test files: rows in, rows out, also with kills in between.",
    .details = "Without a name: all of tests/. Each case runs once as it is, and once more with "
               "one commit a\n"
               "record and a kill behind every commit; both must give the expected rows, in any "
               "order. Floats\n"
               "may differ by 1e-12 of their size. docs/testing.md has the format.",
    .flags = test_flags,
    .plain_min = 0,
    .plain_max = 1000,
    .run = test_run,
};
