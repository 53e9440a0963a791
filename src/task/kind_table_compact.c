// Kind "table.compact": the small files of a table's partitions become few large ones.
//
// Outputs: files_before, files_after, bytes_before, bytes_after, of the whole table; partitions:
// how many were rewritten.

#include "task/kinds.h"

typedef struct compact {
    const char *table;
    uint64_t target_size;
    int64_t min_files;
    const char *where;
    const char *order_by;
    const char *timezone;
} compact;

static const mr_option compact_options[] = {
    MR_OPTION(compact, table, MR_OPT_TEXT, MR_REQUIRED, "The table of the lake."),
    MR_OPTION(compact, target_size, MR_OPT_BYTES, "128MiB",
              "How large files become; those of three quarters of it stay as they are."),
    MR_OPTION(compact, min_files, MR_OPT_INT, "2",
              "How many small files a partition must have before it is rewritten."),
    MR_OPTION(compact, where, MR_OPT_TEXT, NULL,
              "Which partitions: a condition on partition columns, in SQL."),
    MR_OPTION(compact, order_by, MR_OPT_TEXT, NULL,
              "The order of rows in the files that are written, as behind ORDER BY."),
    MR_OPTION(compact, timezone, MR_OPT_TEXT, "UTC", "Zone of times in `where`."),
    MR_OPTION_END,
};

static const char *const compact_outputs[] = {"files_before", "files_after", "bytes_before",
                                              "bytes_after",  "partitions",  NULL};

static mr_code compact_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    (void)options;
    (void)try;
    return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "table.compact does not run yet");
}

const mr_task_type mr_kind_table_compact = {
    .name = "table.compact",
    .doc = "Makes few large files of the many small ones of a table's partitions.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = compact_options,
    .outputs = compact_outputs,
    .size = sizeof(compact),
    .run = compact_run,
};
