// Kinds "noop", "branch" and "dag": what the scheduler does itself, without a process.
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

typedef struct dag {
    const char *dag;
    const char *params;
    bool wait;
} dag;

static const mr_option dag_options[] = {
    MR_OPTION(dag, dag, MR_OPT_TEXT, MR_REQUIRED, "The DAG that is run."),
    MR_OPTION(dag, params, MR_OPT_TEXT, NULL, "Values of its params, a map."),
    MR_OPTION(dag, wait, MR_OPT_BOOL, "true", "Whether to wait for its end, and fail with it."),
    MR_OPTION_END,
};

static const char *const dag_nested[] = {"params", NULL};

const mr_task_type mr_kind_dag = {
    .name = "dag",
    .doc = "Runs another DAG.",
    .file = __FILE__,
    .place = MR_TASK_HERE,
    .options = dag_options,
    .nested = dag_nested,
    .size = sizeof(dag),
};
