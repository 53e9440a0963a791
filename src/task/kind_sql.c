// Kind "sql": a query over the lake, files and dimension tables, by DuckDB.
//
// What it writes appears whole or not at all: a file beside the target, synced, then renamed over
// it; so a try that is repeated leaves one file. Outputs: row_count, and rows: the first of them.

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "lake/output.h"
#include "lake/view.h"
#include "plat/plat.h"
#include "task/bind.h"
#include "task/given.h"
#include "task/kinds.h"

#define SQL_BYTES_MAX ((uint64_t)1 << 20)

typedef struct sql {
    const char *sql;
    const char *file;
    const char *bind;        // JSON.
    const char *write_to;    // JSON.
    const char *show;        // JSON.
    const char *if_missing;  // JSON.
    int64_t rows;
    const char *timezone;
} sql;

static const mr_option sql_options[] = {
    MR_OPTION(sql, sql, MR_OPT_TEXT, NULL, "The query; or give `file`."),
    MR_OPTION(sql, file, MR_OPT_PATH, NULL, "A file with the query."),
    MR_OPTION(sql, bind, MR_OPT_TEXT, NULL,
              "Values for :name in the query, a map; they are quoted as they must be."),
    MR_OPTION(sql, write_to, MR_OPT_TEXT, NULL,
              "A map: `path` of the file to write, `format` parquet (default), csv or json, `mode` "
              "replace (default), or fail when it is there."),
    MR_OPTION(sql, show, MR_OPT_TEXT, NULL,
              "Shows the result in the log: true, or a map with `rows` at the most and `total`."),
    MR_OPTION(sql, if_missing, MR_OPT_TEXT, NULL,
              "A map: `files` skip or fail (default) when no file is there; `columns`, a list: "
              "without one of them the task is skipped."),
    MR_OPTION(sql, rows, MR_OPT_INT, "20", "How many rows the output `rows` has at the most."),
    MR_OPTION(sql, timezone, MR_OPT_TEXT, "UTC", "Zone of times in the query."),
    MR_OPTION_END,
};

static const char *const sql_nested[] = {"bind", "write_to", "show", "if_missing", NULL};
static const char *const sql_outputs[] = {"row_count", "rows", "path", NULL};

typedef struct target {
    mr_output output;
    bool fail;  // When it is there.
} target;

static mr_code take_target(const sql *o, target *ret, mr_cx *cx) {
    static const char *const formats[] = {"table", "csv", "json", "parquet"};
    mr_span json = mr_jsonvalue_trim(mr_span_of(o->write_to));
    if (json.bytes == 0 || json.data[0] != '{') {
        return mr_fail(cx, MR_E_TYPE, "Write it so: write_to: {path: data/out.parquet}.",
                       "key \"write_to\" takes a map");
    }
    const char *path = mr_jsonvalue_text(mr_jsonvalue_get(json, "path"), cx->arena);
    const char *format = mr_jsonvalue_text(mr_jsonvalue_get(json, "format"), cx->arena);
    const char *mode = mr_jsonvalue_text(mr_jsonvalue_get(json, "mode"), cx->arena);
    *ret = (target){.output = {.format = MR_OUTPUT_PARQUET, .path = path},
                    .fail = mode != NULL && strcmp(mode, "fail") == 0};
    if (path == NULL || path[0] == '\0') {
        return mr_fail(cx, MR_E_OPTION, NULL, "key \"write_to\" names no path");
    }
    if (mode != NULL && !ret->fail && strcmp(mode, "replace") != 0) {
        return mr_fail(cx, MR_E_OPTION, "Write replace or fail.",
                       "key \"write_to\" does not know mode \"%s\"", mode);
    }
    for (size_t i = 1; format != NULL && i < MR_COUNT(formats); i++) {
        if (strcmp(format, formats[i]) == 0) {
            ret->output.format = (mr_output_format)i;
            return MR_OK;
        }
    }
    return format == NULL ? MR_OK
                          : mr_fail(cx, MR_E_OPTION, "Write parquet, csv or json.",
                                    "key \"write_to\" does not know format \"%s\"", format);
}

// ---- the first rows --------------------------------------------------------------------------

typedef struct first {
    mr_text json;  // A list without its end.
    uint64_t rows;
    uint64_t count;
    uint64_t most;
} first;

static mr_code take_rows(void *self, const mr_batch *in, mr_cx *cx) {
    first *f = self;
    (void)cx;
    for (uint32_t i = 0; i < in->rows; i++, f->count++) {
        mr_str row = mr_vector_str(&in->columns[0], mr_batch_row(in, i));
        bool fits = f->json.bytes + row.bytes + 2 <= MR_TASK_OUTPUT_BYTES_MAX;
        if (f->rows < f->most && fits && f->rows == f->count) {
            mr_text_add_char(&f->json, f->rows == 0 ? '[' : ',');
            mr_text_add_bytes(&f->json, row.data, row.bytes);
            f->rows++;
        }
    }
    return MR_OK;
}

// Reads the result once more: what is handed on.
static mr_code hand_on(mr_lake *lake, const sql *o, const char *from, uint64_t *ret_count,
                       const mr_task_try *try, mr_cx *cx) {
    first f = {.most = (uint64_t)MR_MAX(o->rows, (int64_t)0)};
    mr_text_init(&f.json, cx->arena);
    mr_lake_sink sink = {.rows = take_rows, .self = &f};
    MR_TRY(mr_lake_query_json(lake, from, &sink, cx));
    *ret_count = MR_MAX(*ret_count, f.count);
    mr_text_add(&f.json, f.rows == 0 ? "[]" : "]");
    MR_TRY(try->output(try, "rows", mr_text_span(&f.json), cx));
    return try->output(try, "row_count",
                       mr_span_of(mr_arena_printf(cx->arena, "%" PRIu64, *ret_count)), cx);
}

static mr_code show(mr_lake *lake, const sql *o, const char *from, uint64_t count, mr_cx *cx) {
    mr_span json = mr_jsonvalue_trim(mr_span_of(o->show));
    if (o->show == NULL || mr_span_is(json, "false")) {
        return MR_OK;
    }
    int64_t rows = 20;
    bool map = json.bytes > 0 && json.data[0] == '{';
    if (map && mr_jsonvalue_get(json, "rows").bytes > 0 &&
        !mr_text_parse_int64(mr_jsonvalue_get(json, "rows"), &rows)) {
        return mr_fail(cx, MR_E_TYPE, NULL, "key \"rows\" of \"show\" takes a number");
    }
    uint64_t shown = 0;
    mr_output output = {.format = MR_OUTPUT_TABLE};
    const char *query =
        mr_arena_printf(cx->arena, "SELECT * FROM (%s\n) LIMIT %" PRId64, from, rows);
    MR_TRY(mr_output_query(lake, query, &output, &shown, cx));
    if (map && mr_span_is(mr_jsonvalue_get(json, "total"), "true")) {
        const char *line = mr_arena_printf(cx->arena, "total: %" PRIu64 " rows\n", count);
        return mr_stream_write(MR_STDOUT, mr_span_of(line), cx);
    }
    return MR_OK;
}

// ---- what is missing -------------------------------------------------------------------------

static bool names_column(mr_span list, const char *text, mr_cx *cx) {
    mr_span inside = list.bytes == 0 ? list : mr_jsonvalue_inside(list), value;
    while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &value)) {
        const char *name = mr_jsonvalue_text(value, cx->arena);
        if (name != NULL &&
            strstr(text, mr_arena_printf(cx->arena, "column \"%s\" not found", name)) != NULL) {
            return true;
        }
    }
    return false;
}

// A failure that `if_missing` says is none.
static mr_code excuse(const sql *o, mr_code code, mr_cx *cx) {
    mr_span json = mr_jsonvalue_trim(mr_span_of(o->if_missing));
    if (o->if_missing == NULL || json.bytes == 0 || json.data[0] != '{') {
        return code;
    }
    const char *files = mr_jsonvalue_text(mr_jsonvalue_get(json, "files"), cx->arena);
    bool no_files = strstr(cx->error.text, "No files found") != NULL;
    if ((no_files && files != NULL && strcmp(files, "skip") == 0) ||
        names_column(mr_jsonvalue_get(json, "columns"), cx->error.text, cx)) {
        return mr_error_flag(cx, code, MR_TASK_SKIP);
    }
    return code;
}

// ---- running ---------------------------------------------------------------------------------

static mr_code query_of(const sql *o, const char **ret, mr_cx *cx) {
    if ((o->sql == NULL) == (o->file == NULL)) {
        return mr_fail(cx, MR_E_OPTION, "Give one of the two.",
                       "a sql task takes \"sql\" or \"file\"");
    }
    const char *text = o->sql;
    if (o->file != NULL) {
        mr_span all;
        MR_TRY(mr_file_load(o->file, SQL_BYTES_MAX, &all, cx));
        text = all.data;
    }
    return mr_bind_query(text, mr_span_of(o->bind), /* all= */ true, ret, cx);
}

static const char *reader_of(const target *t, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, "SELECT * FROM read_parquet(");
    mr_view_add_literal(&out, t->output.path);
    mr_text_add_char(&out, ')');
    return mr_text_string(&out);
}

static mr_code work(mr_lake *lake, const sql *o, const target *t, const mr_task_try *try,
                    mr_cx *cx) {
    const char *query = NULL, *from = NULL;
    uint64_t count = 0;
    MR_TRY(query_of(o, &query, cx));
    // The query runs once: twice it might give two things. Text has lost the types, so what it was
    // written from is kept.
    bool parquet = t->output.path != NULL && t->output.format == MR_OUTPUT_PARQUET;
    from = query;
    if (!parquet) {
        MR_TRY(mr_lake_keep(lake, query, &from, cx));
    }
    if (t->output.path != NULL) {
        MR_TRY(mr_output_query(lake, from, &t->output, &count, cx));
        from = parquet ? reader_of(t, cx) : from;
        mr_text path;
        mr_text_init(&path, cx->arena);
        mr_text_add_json(&path, mr_span_of(t->output.path));
        MR_TRY(try->output(try, "path", mr_text_span(&path), cx));
    }
    MR_TRY(hand_on(lake, o, from, &count, try, cx));
    return show(lake, o, from, count, cx);
}

static mr_code sql_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    const sql *o = options;
    target t = {.fail = false};
    if (o->write_to != NULL) {
        MR_TRY(take_target(o, &t, cx));
        if (t.fail && mr_file_exists(t.output.path, cx)) {
            return mr_fail(cx, MR_E_EXISTS, "mode: replace writes over it.",
                           "\"%s\" is there already", t.output.path);
        }
        MR_TRY(mr_dir_make(mr_plat_parent(t.output.path, cx->arena), cx));
    }
    mr_lake_options lake_options = {.data_dir = try->data_dir[0] == '\0' ? "data" : try->data_dir,
                                    .any_file = true,
                                    .zone_name = o->timezone};
    mr_lake *lake = NULL;
    MR_TRY(mr_lake_open(&lake_options, &lake, cx));
    mr_code code = work(lake, o, &t, try, cx);
    mr_lake_close(lake);
    return code == MR_OK ? MR_OK : excuse(o, code, cx);
}

const mr_task_type mr_kind_sql = {
    .name = "sql",
    .doc = "Asks the lake and files with SQL, and writes what comes out to a file, whole or not.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = sql_options,
    .nested = sql_nested,
    .outputs = sql_outputs,
    .size = sizeof(sql),
    .run = sql_run,
};
