// Kind "check": assertions, over values of other tasks or the rows of a query.
//
// Each is an SQL expression that must be true: for every row of `sql`, if there is one. All are
// looked at, so that the log tells of all that fail. Outputs: passed, and failed: their texts.

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "lake/lake.h"
#include "plat/plat.h"
#include "task/bind.h"
#include "task/kinds.h"

typedef struct check {
    const char *assert;  // JSON: a text or a list of them.
    const char *sql;
    const char *bind;  // JSON.
    const char *severity;
    const char *timezone;
} check;

static const mr_option check_options[] = {
    MR_OPTION(check, assert, MR_OPT_TEXT, MR_REQUIRED,
              "SQL expressions that must be true, one or a list."),
    MR_OPTION(check, sql, MR_OPT_TEXT, NULL, "A query: they must be true for each of its rows."),
    MR_OPTION(check, bind, MR_OPT_TEXT, NULL, "Values for :name in query and expressions, a map."),
    MR_OPTION_CHOICE(check, severity, "fail|warn", "fail",
                     "Whether the task fails, or only tells."),
    MR_OPTION(check, timezone, MR_OPT_TEXT, "UTC", "Zone of times."),
    MR_OPTION_END,
};

static const char *const check_nested[] = {"assert", "bind", NULL};
static const char *const check_outputs[] = {"passed", "failed", NULL};

// The rows of a query that are not true: their number in one cell.
static mr_code take_cell(void *self, const mr_batch *in, mr_cx *cx) {
    (void)cx;
    *(int64_t *)self = in->rows == 0 ? 0 : in->columns[0].int64s[0];
    return MR_OK;
}

// false_rows: of how many rows it does not hold.
static mr_code judge(mr_lake *lake, const check *o, const char *expression, int64_t *ret_false_rows,
                     mr_cx *cx) {
    const char *from = o->sql == NULL ? "" : mr_arena_printf(cx->arena, " FROM (%s\n)", o->sql);
    const char *bound = NULL;
    // Every name may stand in another assertion, so what is not used is no error here.
    const char *query = mr_arena_printf(
        cx->arena, "SELECT count(*) FILTER (WHERE NOT coalesce((%s\n)::BOOLEAN, false))::BIGINT%s",
        expression, from);
    MR_TRY(mr_bind_query(query, mr_span_of(o->bind), /* all= */ false, &bound, cx));
    mr_lake_sink sink = {.rows = take_cell, .self = ret_false_rows};
    mr_code code = mr_lake_query(lake, bound, &sink, cx);
    return code == MR_OK ? MR_OK : mr_error_in(cx, code, "assertion \"%.200s\"", expression);
}

typedef struct tally {
    mr_text failed;  // A JSON list without its end.
    uint32_t failures;
    uint32_t count;
    const char *first;
} tally;

static mr_code judge_one(mr_lake *lake, const check *o, mr_span item, tally *t, mr_cx *cx) {
    const char *expression = mr_jsonvalue_text(item, cx->arena);
    expression = expression != NULL ? expression : mr_arena_copy(cx->arena, item.data, item.bytes);
    int64_t false_rows = 0;
    MR_TRY(judge(lake, o, expression, &false_rows, cx));
    t->count++;
    const char *line =
        mr_arena_printf(cx->arena, "%s %s\n", false_rows == 0 ? "ok    " : "FAILED", expression);
    if (false_rows > 0) {
        mr_text_add(&t->failed, t->failures == 0 ? "[" : ",");
        mr_text_add_json(&t->failed, mr_span_of(expression));
        t->first = t->failures++ == 0 ? expression : t->first;
        if (o->sql != NULL) {
            line = mr_arena_printf(cx->arena, "FAILED %s (%" PRId64 " rows)\n", expression,
                                   false_rows);
        }
    }
    return mr_stream_write(MR_STDOUT, mr_span_of(line), cx);
}

static mr_code judge_all(mr_lake *lake, const check *o, tally *t, mr_cx *cx) {
    mr_span json = mr_jsonvalue_trim(mr_span_of(o->assert)), item;
    if (!mr_jsonvalue_check(json) || mr_jsonvalue_kind_of(json) != MR_JSONVALUE_ARRAY) {
        return judge_one(lake, o, json, t, cx);
    }
    mr_span inside = mr_jsonvalue_inside(json);
    while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &item)) {
        MR_TRY(judge_one(lake, o, item, t, cx));
    }
    return MR_OK;
}

static mr_code check_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    const check *o = options;
    mr_lake *lake = NULL;
    mr_lake_options lake_options = {.data_dir = try->data_dir[0] == '\0' ? "data" : try->data_dir,
                                    .any_file = true,
                                    .zone_name = o->timezone};
    tally t = {.count = 0};
    mr_text_init(&t.failed, cx->arena);
    MR_TRY(mr_lake_open(&lake_options, &lake, cx));
    mr_code code = judge_all(lake, o, &t, cx);
    mr_lake_close(lake);
    MR_TRY(code);
    mr_text_add(&t.failed, t.failures == 0 ? "[]" : "]");
    MR_TRY(try->output(try, "passed", mr_span_of(t.failures == 0 ? "true" : "false"), cx));
    MR_TRY(try->output(try, "failed", mr_text_span(&t.failed), cx));
    if (t.failures == 0) {
        return MR_OK;
    }
    const char *fact =
        mr_arena_printf(cx->arena, "%" PRIu32 " of %" PRIu32 " assertions %s: %.200s", t.failures,
                        t.count, t.failures == 1 ? "does not hold" : "do not hold", t.first);
    if (strcmp(o->severity, "warn") == 0) {
        return mr_stream_write(MR_STDERR,
                               mr_span_of(mr_arena_printf(cx->arena, "warning: %s\n", fact)), cx);
    }
    return mr_fail(cx, MR_E_VALUE, /* hint= */ NULL, "%s", fact);
}

const mr_task_type mr_kind_check = {
    .name = "check",
    .doc = "Asserts what must be true of values and rows; fails, or warns.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = check_options,
    .nested = check_nested,
    .outputs = check_outputs,
    .size = sizeof(check),
    .run = check_run,
};
