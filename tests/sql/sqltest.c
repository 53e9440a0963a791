// SQL tests: runs the cases of tests/sql/*.test, each under many configurations that must not
// matter: batch sizes 1, 2, 3; four workers; a commit after every row; a commit and a restart after
// every epoch; a kill behind every commit. The format is that of `millrace test` (docs/testing.md).
//
// UPDATE=1 rewrites what the plain configuration finds.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errortext.h"
#include "cli/cli.h"
#include "conn/conn.h"
#include "job/case.h"

static const mr_case_config configurations[] = {
    {.name = "plain", .settings = {{"exec.workers", "1"}}, .setting_count = 1},
    {.name = "batch1",
     .settings = {{"exec.workers", "1"}, {"exec.batch_rows", "1"}},
     .setting_count = 2},
    {.name = "batch2",
     .settings = {{"exec.workers", "1"}, {"exec.batch_rows", "2"}},
     .setting_count = 2},
    {.name = "batch3",
     .settings = {{"exec.workers", "1"}, {"exec.batch_rows", "3"}, {"exec.chunk_bytes", "100"}},
     .setting_count = 3},
    {.name = "workers4",
     .settings = {{"exec.workers", "4"}, {"exec.batch_rows", "3"}, {"exec.chunk_bytes", "150"}},
     .setting_count = 3},
    {.name = "commits",
     .settings = {{"exec.workers", "1"}, {"exec.epoch_rows", "1"}, {"exec.chunk_bytes", "60"}},
     .setting_count = 3},
    {.name = "restarts",
     .settings = {{"exec.workers", "2"},
                  {"exec.epoch_rows", "1"},
                  {"exec.chunk_bytes", "120"},
                  {"exec.stop_after_epochs", "1"}},
     .setting_count = 4,
     .restarts = true},
    {.name = "kills",
     .settings = {{"exec.workers", "1"}, {"exec.epoch_rows", "1"}, {"exec.chunk_bytes", "60"}},
     .setting_count = 3,
     .kills = true},
};

typedef struct totals {
    uint32_t passed;
    uint32_t failed;
} totals;

static void run_configuration(const mr_case *test, const mr_case_config *config, totals *sum) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    mr_case_options options = {
        .dir = mr_arena_printf(&arena, "%s/%s", getenv("TMP_DIR"), config->name),
        .port = &mr_conn_port,
        .format = mr_errortext_format};
    mr_case_result result;
    mr_case_run(test, config, &options, &result, &cx);
    sum->passed += result.passed;
    sum->failed += !result.passed;
    bool update = getenv("UPDATE") != NULL && config == configurations;
    if (update && !result.passed) {
        mr_span text = mr_case_update(test, &result, &cx);
        printf("%s: %s\n", test->path,
               mr_file_save(test->path, text, &cx) == MR_OK ? "rewritten" : cx.error.text);
    } else if (!result.passed) {
        printf("%s [%s]: %s", test->path, config->name, mr_text_string(&result.report));
    }
    mr_arena_release(&arena);
}

static void run_case(const char *path, totals *sum) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    mr_case test;
    if (mr_case_read(path, &test, &cx) != MR_OK) {
        printf("%s: %s\n", path, cx.error.text);
        sum->failed++;
    }
    for (size_t i = 0; cx.error.code == MR_OK && i < MR_COUNT(configurations); i++) {
        if (test.only == NULL || strstr(test.only, configurations[i].name) != NULL) {
            run_configuration(&test, &configurations[i], sum);
        }
    }
    mr_arena_release(&arena);
}

static mr_code run_folder(const char *dir, const char *filter, totals *sum, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name);
        if (mr_span_ends(mr_span_of(path), ".test") &&
            (filter == NULL || strstr(path, filter) != NULL)) {
            run_case(path, sum);
        }
    }
    return MR_OK;
}

int main(int argc, char **argv) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    const char *dir = argc > 1 ? argv[1] : "tests/sql";
    const char *filter = argc > 2 && strncmp(argv[2], "T=", 2) == 0 ? argv[2] + 2 : NULL;
    char tmp[] = "/tmp/millrace-sql-XXXXXX";
    if (mkdtemp(tmp) == NULL || setenv("TMP_DIR", tmp, 1) != 0) {
        return 1;
    }
    totals sum = {0};
    if (run_folder(dir, filter, &sum, &cx) != MR_OK) {
        printf("%s\n", cx.error.text);
        sum.failed++;
    }
    if (mr_dir_delete(tmp, &cx) != MR_OK) {
        sum.failed++;
    }
    printf("%u passed, %u failed\n", sum.passed, sum.failed);
    mr_arena_release(&arena);
    return sum.failed == 0 ? 0 : 1;
}
