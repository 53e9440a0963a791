// Dags: the words of command "dag" that are about what runs, not only about a file.

#pragma once

#include "cli/ask.h"

#define MR_CLI_DAGS_FLAGS                                                                        \
    {"--logical-date", "TIME", false, "trigger: the run's logical date (default: now)."},        \
        {"--run-id", "ID", false, "trigger: the run's name."},                                   \
        {"--param", "NAME=VALUE", true, "trigger, backfill, test: a param of the run."},         \
        {"--to", "TIME", false, "backfill: the last logical date; a date is meant whole."},      \
        {"--reprocess", "none|failed|all", false, "backfill: which runs that exist run again."}, \
        {"--max-active-runs", "N", false, "backfill: how many of its runs at a time."},          \
        {"--backwards", NULL, false, "backfill: the newest first."},                             \
        {"--dry-run", NULL, false, "backfill: only say what would be done."},                    \
        {"--date", "TIME", false, "test: the logical date (default: now)."},                     \
        {"--only", "TASK", false, "test: run this task alone; all others count as done."},       \
        {"--mark-success", NULL, false, "test: run nothing, only walk through the tasks."}, {    \
        "--all", NULL, false, "list: also those whose file is gone."                             \
    }

// Whether this word is one of: list trigger pause unpause backfill test.
bool mr_dags_knows(const char *verb);
int mr_dags_run(const mr_cli_args *args, mr_cx *cx);
// "dag test", and "task test" with only: one run in this process, its logs on the terminal.
//   file  of the DAG, from where the user stands
int mr_dags_test(const mr_cli_args *args, const char *file, const char *only, mr_cx *cx);
