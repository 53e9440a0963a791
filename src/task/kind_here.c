// Kinds "noop" and "branch": what the scheduler does itself, without a process.
//
// Also: mr_kind_

#include "task/kinds.h"

typedef struct branch {
    const char *choose;
} branch;

static const mr_option noop_options[] = {MR_OPTION_END};

static const mr_option branch_options[] = {
    MR_OPTION(
        branch, choose, MR_OPT_TEXT, MR_REQUIRED,
        "A template that gives the id of a task directly behind, a list of them, or null; the "
        "others directly behind are skipped."),
    MR_OPTION_END,
};

static const char *const branch_nested[] = {"choose", NULL};

const mr_task_type mr_kind_noop = {
    .name = "noop",
    .doc = "Does nothing; holds outputs, or stands for many.",
    .file = __FILE__,
    .place = MR_TASK_HERE,
    .options = noop_options,
};

const mr_task_type mr_kind_branch = {
    .name = "branch",
    .doc = "Chooses which of the tasks behind it run.",
    .file = __FILE__,
    .place = MR_TASK_HERE,
    .options = branch_options,
    .nested = branch_nested,
    .size = sizeof(branch),
};
