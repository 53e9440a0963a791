// Kind "table.merge": rows into a table of the lake by key: new keys are added, known ones change.
//
// Outputs: inserted, updated, unchanged, deleted: rows of the table; version: of the table, 0 when
// nothing had to be written.

#include <string.h>

#include "base/jsonvalue.h"
#include "task/given.h"
#include "task/kinds.h"

typedef struct merge {
    const char *table;
    const char *key;  // JSON.
    const char *source;
    const char *sql;
    const char *bind;  // JSON.
    const char *order_by;
    const char *when_matched;
    const char *delete_when;
    const char *leave_out;     // JSON.
    const char *partition_by;  // JSON.
    const char *path;
    const char *timezone;
} merge;

static const mr_option merge_options[] = {
    MR_OPTION(merge, table, MR_OPT_TEXT, MR_REQUIRED,
              "The table of the lake that rows go into; it is made when it is missing."),
    MR_OPTION(merge, key, MR_OPT_TEXT, MR_REQUIRED,
              "The columns, one or a list, that say which row is the same."),
    MR_OPTION(
        merge, source, MR_OPT_TEXT, NULL,
        "The rows: a table of the lake, or Parquet files, a path or a pattern; or give `sql`."),
    MR_OPTION(merge, sql, MR_OPT_TEXT, NULL, "A query that gives the rows."),
    MR_OPTION(merge, bind, MR_OPT_TEXT, NULL, "Values for :name in the query, a map."),
    MR_OPTION(merge, order_by, MR_OPT_TEXT, NULL,
              "Of several source rows of one key the first in this order counts: "
              "updated_at DESC. Without it they are an error, unless they are equal."),
    MR_OPTION_CHOICE(merge, when_matched, "update|ignore", "update",
                     "What a source row does to a row that has its key."),
    MR_OPTION(merge, delete_when, MR_OPT_TEXT, NULL,
              "A condition on source rows, in SQL: rows that have their keys are deleted."),
    MR_OPTION(merge, leave_out, MR_OPT_TEXT, NULL,
              "Columns of the source, one or a list, that are not for the table."),
    MR_OPTION(merge, partition_by, MR_OPT_TEXT, NULL,
              "Columns, one or a list, that become folders of a table that is made."),
    MR_OPTION(merge, path, MR_OPT_PATH, NULL,
              "Folder of a table that is made. Without it: the table's name, in the lake."),
    MR_OPTION(merge, timezone, MR_OPT_TEXT, "UTC", "Zone of times in the query."),
    MR_OPTION_END,
};

static const char *const merge_nested[] = {"key", "bind", "leave_out", "partition_by", NULL};
static const char *const merge_outputs[] = {"inserted", "updated", "unchanged",
                                            "deleted",  "version", NULL};

// What stands in the DAG file; a key with a template in it is NULL.
static mr_code merge_check(const void *options, mr_cx *cx) {
    const merge *o = options;
    if (o->source != NULL && o->sql != NULL) {
        return mr_fail(cx, MR_E_OPTION, "Give one of the two.",
                       "a table.merge task takes \"source\" or \"sql\"");
    }
    const struct {
        const char *name;
        const char *value;
    } lists[] = {{"key", o->key}, {"leave_out", o->leave_out}, {"partition_by", o->partition_by}};
    for (size_t i = 0; i < MR_COUNT(lists); i++) {
        const char **names;
        uint32_t count;
        MR_TRY(mr_given_names(lists[i].name, lists[i].value, &names, &count, cx));
    }
    return MR_OK;
}

static mr_code merge_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    (void)try;
    MR_TRY(merge_check(options, cx));
    return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "table.merge does not run yet");
}

const mr_task_type mr_kind_table_merge = {
    .name = "table.merge",
    .doc = "Merges rows into a table by key: rows of new keys are added, those of known ones "
           "change.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = merge_options,
    .nested = merge_nested,
    .outputs = merge_outputs,
    .size = sizeof(merge),
    .run = merge_run,
    .check = merge_check,
};
