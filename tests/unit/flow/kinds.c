// Kinds: see kinds.h.

#include "kinds.h"

#include <string.h>

typedef struct options {
    const char *script;
    const char *command;
    const char *sql;
    const char *assert;
    const char *severity;
    const char *choose;
    const char *topics;
    const char *file;
    const char *bind;
    int64_t rows;
    bool print;
    int64_t within;
    uint64_t memory;
    double share;
} options;

static const mr_option shell_options[] = {
    MR_OPTION(options, script, MR_OPT_TEXT, MR_REQUIRED, "The script, for bash."),
    MR_OPTION_END,
};
static const mr_option exec_options[] = {
    MR_OPTION(options, command, MR_OPT_TEXT, MR_REQUIRED, "The words of the command."),
    MR_OPTION_END,
};
static const mr_option sql_options[] = {
    MR_OPTION(options, sql, MR_OPT_TEXT, MR_REQUIRED, "The query."),
    MR_OPTION(options, bind, MR_OPT_TEXT, NULL, "Values of :name."),
    MR_OPTION(options, rows, MR_OPT_INT, "10", "How many rows are shown."),
    MR_OPTION(options, print, MR_OPT_BOOL, "false", "Shows the result."),
    MR_OPTION(options, within, MR_OPT_DURATION, "1m", "How long it may take."),
    MR_OPTION(options, memory, MR_OPT_BYTES, "1GiB", "Memory."),
    MR_OPTION(options, share, MR_OPT_NUMBER, "0.5", "Share."),
    MR_OPTION_END,
};
static const mr_option check_options[] = {
    MR_OPTION(options, assert, MR_OPT_TEXT, MR_REQUIRED, "What must hold."),
    MR_OPTION_CHOICE(options, severity, "warn|fail", "fail", "What a failed one does."),
    MR_OPTION_END,
};
static const mr_option wait_options[] = {
    MR_OPTION(options, file, MR_OPT_PATH, NULL, "The file."),
    MR_OPTION(options, sql, MR_OPT_TEXT, NULL, "Or a query."),
    MR_OPTION_END,
};
static const mr_option branch_options[] = {
    MR_OPTION(options, choose, MR_OPT_TEXT, MR_REQUIRED, "Gives the id of what comes next."),
    MR_OPTION_END,
};
static const mr_option topic_options[] = {
    MR_OPTION(options, topics, MR_OPT_TEXT, MR_REQUIRED, "The topics."),
    MR_OPTION_END,
};
static const mr_option no_options[] = {MR_OPTION_END};

static mr_code check_wait(const void *of, mr_cx *cx) {
    const options *o = of;
    return o->file == NULL || o->sql == NULL
               ? MR_OK
               : mr_fail(cx, MR_E_OPTION, "Keep one of them.", "file and sql exclude each other");
}

static const char *const command_keys[] = {"command", NULL};
static const char *const bind_keys[] = {"bind", NULL};
static const char *const assert_keys[] = {"assert", NULL};
static const char *const topics_keys[] = {"topics", NULL};
static const char *const choose_keys[] = {"choose", NULL};
static const char *const sql_outputs[] = {"row_count", "rows", NULL};

#define KIND(id, name_, place_, nested_, outputs_, waits_, check_)     \
    static const mr_task_type id##_kind = {.name = (name_),            \
                                           .doc = "A kind for tests.", \
                                           .file = __FILE__,           \
                                           .place = (place_),          \
                                           .options = id##_options,    \
                                           .nested = (nested_),        \
                                           .outputs = (outputs_),      \
                                           .size = sizeof(options),    \
                                           .check = (check_),          \
                                           .waits = (waits_)}
KIND(shell, "shell", MR_TASK_COMMAND, NULL, NULL, false, NULL);
KIND(exec, "exec", MR_TASK_COMMAND, command_keys, NULL, false, NULL);
KIND(sql, "sql", MR_TASK_CHILD, bind_keys, sql_outputs, false, NULL);
KIND(check, "check", MR_TASK_CHILD, assert_keys, NULL, false, NULL);
KIND(wait, "wait", MR_TASK_CHILD, NULL, NULL, true, check_wait);
KIND(branch, "branch", MR_TASK_HERE, choose_keys, NULL, false, NULL);
KIND(topic, "topic.create", MR_TASK_CHILD, topics_keys, NULL, false, NULL);
KIND(no, "noop", MR_TASK_HERE, NULL, NULL, false, NULL);

const mr_task_type *const kinds[] = {&shell_kind,  &exec_kind,  &sql_kind, &check_kind, &wait_kind,
                                     &branch_kind, &topic_kind, &no_kind,  NULL};
