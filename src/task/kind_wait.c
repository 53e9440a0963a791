// Kind "wait": one look whether something is there; the scheduler asks again after poke_interval.
//
// A look ends at once, so that whatever is waited for, nothing stays in memory meanwhile. What is
// not there yet, or cannot be reached now, is "not yet", with the reason; what can never be fails.

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "base/civil.h"
#include "base/jsonvalue.h"
#include "lake/lake.h"
#include "plat/plat.h"
#include "plat/thread.h"
#include "store/catalog.h"
#include "store/db.h"
#include "task/bind.h"
#include "task/given.h"
#include "task/kinds.h"
#include "task/request.h"
#include "task/where.h"

#define ANSWER_BYTES_MAX ((uint64_t)64 << 20)
#define STOP_AGAIN_US    ((int64_t)100000)

typedef struct wait {
    const char *file;
    const char *table;
    const char *topic;  // JSON.
    const char *sql;
    const char *bind;  // JSON.
    const char *http;  // JSON.
    const char *dag;   // JSON.
    const char *conn;
    int64_t look_timeout;
} wait;

typedef struct wait_topic {
    const char *name;
    int64_t records;
} wait_topic;

typedef struct wait_http {
    const char *url;
    const char *headers;  // JSON.
    const char *expect;   // JSON.
} wait_http;

typedef struct wait_dag {
    const char *dag;
    const char *task;
    const char *logical_date;
} wait_dag;

static const mr_option wait_options[] = {
    MR_OPTION(wait, file, MR_OPT_TEXT, NULL, "A file or folder, or a pattern: in/**/*.csv."),
    MR_OPTION(wait, table, MR_OPT_TEXT, NULL, "A table of the lake that has rows."),
    MR_OPTION(wait, topic, MR_OPT_TEXT, NULL,
              "A topic that has records; or a map: `name`, and `records` at the least."),
    MR_OPTION(wait, sql, MR_OPT_TEXT, NULL,
              "A query whose first value is neither null, false, 0 nor an empty text."),
    MR_OPTION(wait, bind, MR_OPT_TEXT, NULL, "Values for :name in the query, a map."),
    MR_OPTION(wait, http, MR_OPT_TEXT, NULL,
              "A URL that answers 2xx; or a map: `url`, `headers`, `expect`, as those of http."),
    MR_OPTION(wait, dag, MR_OPT_TEXT, NULL,
              "A DAG whose run of the same logical date succeeded; or a map: `dag`, `task` of it, "
              "`logical_date` of another run."),
    MR_OPTION(wait, conn, MR_OPT_TEXT, NULL, "The connection of `topic` or `http`."),
    MR_OPTION(wait, look_timeout, MR_OPT_DURATION, "10s", "How long one look may take."),
    MR_OPTION_END,
};

static const char *const wait_nested[] = {"topic", "bind", "http", "dag", NULL};
static const char *const wait_outputs[] = {"paths", "records", "value", "status", NULL};

// What was said last is no failure: ask again.
static mr_code not_yet(mr_cx *cx) {
    cx->error.code = MR_E_TIMEOUT;
    return mr_error_flag(cx, MR_E_TIMEOUT, MR_RETRY);
}

static bool is_away(mr_code code) {
    return code == MR_E_NETWORK || code == MR_E_TIMEOUT || code == MR_E_MISSING;
}

static mr_code put_number(const mr_task_try *try, const char *key, int64_t number, mr_cx *cx) {
    return try->output(try, key, mr_span_of(mr_arena_printf(cx->arena, "%" PRId64, number)), cx);
}

// A text, or the named key of a map, in whose struct the rest is.
static mr_code take(const char *key, const char *value, const mr_given_keys *keys, void *ret,
                    mr_cx *cx) {
    const char *first = keys->options[0].name;
    if (!mr_given_is_map(value)) {
        mr_text map;
        mr_text_init(&map, cx->arena);
        mr_text_addf(&map, "{\"%s\":", first);
        mr_text_add_json(&map, mr_span_of(mr_given_text(value, cx)));
        mr_text_add_char(&map, '}');
        value = mr_text_string(&map);
    }
    void *got;
    MR_TRY(mr_given_map(key, value, keys, &got, cx));
    memcpy(ret, got, keys->size);
    return MR_OK;
}

// ---- files -----------------------------------------------------------------------------------

#define PATHS_MAX 100  // Of the output.

typedef struct found {
    mr_text json;
    uint32_t count;
} found;

static void add_path(found *f, const char *path) {
    if (f->count < PATHS_MAX) {
        mr_text_add_char(&f->json, f->count == 0 ? '[' : ',');
        mr_text_add_json(&f->json, mr_span_of(path));
    }
    f->count++;
}

static bool is_pattern(const char *text) {
    return strpbrk(text, "*?[") != NULL;
}

// Paths below `folder` that fit `pattern`, which has no slash in front. ** is any number of
// folders. A folder that is not there has none.
static mr_code match(const char *folder, const char *pattern, found *f, mr_cx *cx) {
    size_t bytes = strcspn(pattern, "/");
    const char *part = mr_arena_copy(cx->arena, pattern, bytes);
    const char *rest = pattern[bytes] == '\0' ? NULL : pattern + bytes + 1;
    bool deep = strcmp(part, "**") == 0;
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    if (deep && rest != NULL) {
        MR_TRY(match(folder, rest, f, cx));
    }
    mr_code code = mr_dir_list(folder[0] == '\0' ? "." : folder, &entries, &count, cx);
    if (code == MR_E_MISSING) {
        return MR_OK;
    }
    MR_TRY(code);
    for (size_t i = 0; i < count; i++) {
        const char *slash = folder[0] == '\0' || strcmp(folder, "/") == 0 ? "" : "/";
        const char *path = mr_arena_printf(cx->arena, "%s%s%s", folder, slash, entries[i].name);
        bool fits = fnmatch(deep ? "*" : part, entries[i].name, FNM_PERIOD) == 0;
        if (fits && deep && entries[i].is_dir) {
            MR_TRY(match(path, pattern, f, cx));
        } else if (fits && rest == NULL) {
            add_path(f, path);
        } else if (fits && !deep && entries[i].is_dir) {
            MR_TRY(match(path, rest, f, cx));
        }
    }
    return MR_OK;
}

static mr_code look_file(const wait *o, const mr_task_try *try, mr_cx *cx) {
    found f = {.count = 0};
    mr_text_init(&f.json, cx->arena);
    bool absolute = o->file[0] == '/';
    if (is_pattern(o->file)) {
        MR_TRY(match(absolute ? "/" : "", o->file + absolute, &f, cx));
    } else if (mr_file_exists(o->file, cx)) {
        add_path(&f, o->file);
    }
    if (f.count == 0) {
        (void)mr_fail(cx, MR_E_MISSING, NULL, "there is no \"%s\"", o->file);
        return not_yet(cx);
    }
    mr_text_add_char(&f.json, ']');
    return try->output(try, "paths", mr_text_span(&f.json), cx);
}

// ---- tables and topics -----------------------------------------------------------------------

static const char *data_dir_of(const mr_task_try *try) {
    return try->data_dir[0] == '\0' ? "data" : try->data_dir;
}

static mr_code look_table(const wait *o, const mr_task_try *try, mr_cx *cx) {
    mr_catalog_table *tables;
    uint32_t count;
    MR_TRY(mr_catalog_list(data_dir_of(try), &tables, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        const char **files;
        uint32_t file_count;
        if (strcmp(tables[i].name, o->table) != 0) {
            continue;
        }
        MR_TRY(mr_catalog_files(data_dir_of(try), &tables[i], &files, &file_count, cx));
        if (file_count > 0) {
            return MR_OK;
        }
        (void)mr_fail(cx, MR_E_MISSING, NULL, "table \"%s\" has no rows", o->table);
        return not_yet(cx);
    }
    (void)mr_fail(cx, MR_E_MISSING, NULL, "the lake has no table \"%s\"", o->table);
    return not_yet(cx);
}

static mr_code count_records(const wait *o, const wait_topic *topic, const mr_task_try *try,
                             int64_t *ret, mr_cx *cx) {
    mr_control control;
    mr_control_topic about;
    MR_TRY(mr_where_open(try, o->conn, o->look_timeout, &control, cx));
    mr_code code = mr_control_topic_describe(&control, topic->name, &about, cx);
    for (int32_t i = 0; code == MR_OK && i < about.partition_count; i++) {
        const mr_control_partition *p = &about.partitions[i];
        *ret += p->first < 0 || p->next < 0 ? 0 : p->next - p->first;
    }
    mr_control_close(&control, cx->plat);
    return code;
}

static mr_code look_topic(const wait *o, const mr_task_try *try, mr_cx *cx) {
    static const mr_option options[] = {
        MR_OPTION(wait_topic, name, MR_OPT_TEXT, MR_REQUIRED, "Its name."),
        MR_OPTION(wait_topic, records, MR_OPT_INT, "1", "At the least."),
        MR_OPTION_END,
    };
    const mr_given_keys keys = {options, NULL, sizeof(wait_topic)};
    wait_topic topic;
    int64_t records = 0;
    MR_TRY(take("topic", o->topic, &keys, &topic, cx));
    mr_code code = count_records(o, &topic, try, &records, cx);
    if (is_away(code)) {
        return not_yet(cx);
    }
    MR_TRY(code);
    if (records < topic.records) {
        (void)mr_fail(cx, MR_E_MISSING, NULL, "topic \"%s\" has %" PRId64 " records, not %" PRId64,
                      topic.name, records, topic.records);
        return not_yet(cx);
    }
    return put_number(try, "records", records, cx);
}

// ---- queries ---------------------------------------------------------------------------------

static mr_code take_row(void *self, const mr_batch *in, mr_cx *cx) {
    mr_text *row = self;
    if (in->rows > 0 && row->bytes == 0) {
        mr_str text = mr_vector_str(&in->columns[0], mr_batch_row(in, 0));
        mr_text_add_bytes(row, text.data, text.bytes);
    }
    (void)cx;
    return MR_OK;
}

static bool is_true(mr_span value) {
    double number;
    switch (mr_jsonvalue_kind_of(value)) {
    case MR_JSONVALUE_NULL:
    case MR_JSONVALUE_FALSE: return false;
    case MR_JSONVALUE_NUMBER: return !mr_text_parse_double(value, &number) || number != 0;
    case MR_JSONVALUE_STRING: return value.bytes > 2;
    case MR_JSONVALUE_TRUE:
    case MR_JSONVALUE_ARRAY:
    case MR_JSONVALUE_OBJECT: break;
    }
    return true;
}

// Ends a query that takes too long, or when the task is asked to end.
typedef struct stopper {
    mr_lake *lake;
    mr_cx *cx;
    int64_t until_us;
    mr_mutex mutex;
    mr_condition changed;
    bool over;
    bool late;
} stopper;

static void *stop_in_time(void *self) {
    stopper *s = self;
    mr_mutex_lock(&s->mutex);
    while (!s->over) {
        int64_t left_us = s->until_us - mr_clock_monotonic_us(s->cx->plat);
        s->late = left_us <= 0;
        if (s->late || mr_cx_cancelled(s->cx)) {
            mr_lake_interrupt(s->lake);  // Again and again: it may have been between two steps.
        }
        mr_condition_wait(&s->changed, &s->mutex,
                          s->late ? STOP_AGAIN_US : MR_MIN(left_us, STOP_AGAIN_US));
    }
    mr_mutex_unlock(&s->mutex);
    return NULL;
}

static mr_code ask(const wait *o, const mr_task_try *try, mr_text *ret_row, mr_cx *cx) {
    const char *query = NULL;
    mr_lake *lake = NULL;
    mr_lake_options options = {.data_dir = data_dir_of(try), .any_file = true};
    mr_lake_sink sink = {.rows = take_row, .self = ret_row};
    MR_TRY(mr_bind_query(o->sql, mr_span_of(o->bind), /* all= */ true, &query, cx));
    MR_TRY(mr_lake_open(&options, &lake, cx));
    query = mr_arena_printf(cx->arena, "SELECT * FROM (%s\n) LIMIT 1", query);
    stopper s = {.lake = lake, .cx = cx};
    s.until_us = mr_clock_monotonic_us(cx->plat) + o->look_timeout;
    mr_mutex_init(&s.mutex);
    mr_condition_init(&s.changed);
    mr_thread thread = {.running = false};
    mr_code code = mr_thread_start(&thread, "look", stop_in_time, &s, cx);
    code = code == MR_OK ? mr_lake_query_json(lake, query, &sink, cx) : code;
    mr_mutex_lock(&s.mutex);
    s.over = true;
    mr_condition_signal(&s.changed);
    mr_mutex_unlock(&s.mutex);
    mr_thread_join(&thread);
    mr_condition_release(&s.changed);
    mr_mutex_release(&s.mutex);
    mr_lake_close(lake);
    if (code != MR_OK && s.late) {
        mr_text time;
        mr_text_init(&time, cx->arena);
        mr_text_add_duration(&time, o->look_timeout);
        (void)mr_fail(cx, MR_E_TIMEOUT, NULL, "the query takes longer than look_timeout, %s",
                      mr_text_string(&time));
        return not_yet(cx);
    }
    return code;
}

static mr_code look_sql(const wait *o, const mr_task_try *try, mr_cx *cx) {
    mr_text row;
    mr_text_init(&row, cx->arena);
    mr_code code = ask(o, try, &row, cx);
    if (code != MR_OK) {
        return strstr(cx->error.text, "No files found") != NULL ? not_yet(cx) : code;
    }
    mr_span key, value = {0};
    mr_span inside = row.bytes == 0 ? value : mr_jsonvalue_inside(mr_text_span(&row));
    bool any = row.bytes > 0 && mr_jsonvalue_next(&inside, &key, &value);
    if (!any || !is_true(value)) {
        (void)mr_fail(cx, MR_E_MISSING, NULL, "the query gives %.*s",
                      any ? (int)MR_MIN(value.bytes, (size_t)100) : 6, any ? value.data : "no row");
        return not_yet(cx);
    }
    return try->output(try, "value", value, cx);
}

// ---- services and other DAGs -----------------------------------------------------------------

static mr_code look_http(const wait *o, const mr_task_try *try, mr_cx *cx) {
    static const mr_option options[] = {
        MR_OPTION(wait_http, url, MR_OPT_TEXT, MR_REQUIRED, "Where."),
        MR_OPTION(wait_http, headers, MR_OPT_TEXT, NULL, "A map."),
        MR_OPTION(wait_http, expect, MR_OPT_TEXT, "2xx", "Status codes."),
        MR_OPTION_END,
    };
    static const char *const nested[] = {"headers", "expect", NULL};
    const mr_given_keys keys = {options, nested, sizeof(wait_http)};
    wait_http http;
    bool fine;
    MR_TRY(take("http", o->http, &keys, &http, cx));
    MR_TRY(mr_request_expects(http.expect, 0, &fine, cx));
    const mr_request_keys aim = {.url = http.url, .conn = o->conn, .headers = http.headers};
    mr_request request = {.timeout_us = o->look_timeout, .answer_bytes_max = ANSWER_BYTES_MAX};
    mr_request_answer answer;
    MR_TRY(mr_request_aim(try, &aim, &request, cx));
    mr_code code = mr_request_send(&request, &answer, cx);
    if (code == MR_E_NETWORK || code == MR_E_TIMEOUT) {
        return not_yet(cx);
    }
    MR_TRY(code);
    MR_TRY(mr_request_expects(http.expect, answer.status, &fine, cx));
    if (!fine) {
        (void)mr_fail(cx, MR_E_VALUE, NULL, "\"%s\" answers %" PRId64, request.url, answer.status);
        return not_yet(cx);
    }
    return put_number(try, "status", answer.status, cx);
}

// The logical date of this run.
static mr_code find_date(mr_db *db, const mr_task_try *try, int64_t *ret_us, mr_cx *cx) {
    mr_db_value args[] = {MR_DB_STRING_VALUE(try->dag), MR_DB_STRING_VALUE(try->run_id)};
    mr_db_rows rows;
    MR_TRY(mr_db_run(db, "SELECT logical_us FROM run WHERE dag = $1 AND run_id = $2", args, 2,
                     &rows, cx));
    if (rows.row_count == 0) {
        return mr_fail(cx, MR_E_OPTION, "Write logical_date: \"{{ ts }}\".",
                       "the store does not know this run");
    }
    *ret_us = mr_db_cell(&rows, 0, 0)->number;
    return MR_OK;
}

// State of the newest run of that date, or of a task of it; NULL: there is none. The tables are
// those of flow/record.c.
static mr_code find_state(mr_db *db, const wait_dag *o, int64_t logical_us, const char **ret,
                          mr_cx *cx) {
    mr_db_value args[] = {MR_DB_STRING_VALUE(o->dag), MR_DB_INT_VALUE(logical_us),
                          MR_DB_STRING_VALUE(o->task == NULL ? "" : o->task)};
    mr_db_rows rows;
    *ret = NULL;
    if (o->task == NULL) {
        MR_TRY(mr_db_run(db,
                         "SELECT state FROM run WHERE dag = $1 AND logical_us = $2 "
                         "ORDER BY id DESC LIMIT 1",
                         args, 2, &rows, cx));
    } else {  // Of a mapped task the state of the one that is worst: any but success.
        MR_TRY(mr_db_run(db,
                         "SELECT t.state FROM task t WHERE t.task = $3 AND t.run = (SELECT max(id) "
                         "FROM run WHERE dag = $1 AND logical_us = $2) "
                         "ORDER BY t.state = 'success' LIMIT 1",
                         args, 3, &rows, cx));
    }
    if (rows.row_count > 0) {
        mr_span state = mr_db_cell(&rows, 0, 0)->bytes;
        *ret = mr_arena_copy(cx->arena, state.data, state.bytes);
    }
    return MR_OK;
}

// *state: NULL when there is no such run.  logical_us: INT64_MIN = that of this run, and it is set.
static mr_code ask_store(const wait *o, const wait_dag *dag, const mr_task_try *try,
                         int64_t *logical_us, const char **ret_state, mr_cx *cx) {
    mr_db *db = NULL;
    int64_t version = 0;
    *ret_state = NULL;
    if (try->store[0] == '\0') {
        return mr_fail(cx, MR_E_MISSING, NULL, "there is no flow database");
    }
    MR_TRY(mr_db_open(try->store, /* read_only= */ true, &db, cx));
    mr_code code = MR_OK;
    if (mr_db_is_url(try->store)) {
        code = mr_db_set_session(db,
                                 mr_arena_printf(cx->arena, "SET statement_timeout = %" PRId64,
                                                 MR_MAX(o->look_timeout / 1000, (int64_t)1)),
                                 cx);
    }
    code = code == MR_OK ? mr_db_version(db, "flow", &version, cx) : code;
    if (code == MR_OK && version == 0) {
        code = mr_fail(cx, MR_E_MISSING, NULL, "nothing has been scheduled in this project");
    }
    code = code == MR_OK && *logical_us == INT64_MIN ? find_date(db, try, logical_us, cx) : code;
    code = code == MR_OK ? find_state(db, dag, *logical_us, ret_state, cx) : code;
    mr_db_close(db);
    return code;
}

static mr_code look_dag(const wait *o, const mr_task_try *try, mr_cx *cx) {
    static const mr_option options[] = {
        MR_OPTION(wait_dag, dag, MR_OPT_TEXT, MR_REQUIRED, "The DAG."),
        MR_OPTION(wait_dag, task, MR_OPT_TEXT, NULL, "One of its tasks."),
        MR_OPTION(wait_dag, logical_date, MR_OPT_TEXT, NULL, "Of its run."),
        MR_OPTION_END,
    };
    const mr_given_keys keys = {options, NULL, sizeof(wait_dag)};
    wait_dag dag;
    int64_t logical_us = INT64_MIN;
    const char *state = NULL;
    MR_TRY(take("dag", o->dag, &keys, &dag, cx));
    if (dag.logical_date != NULL &&
        !mr_civil_parse(dag.logical_date, strlen(dag.logical_date), NULL, &logical_us)) {
        return mr_fail(cx, MR_E_OPTION, "Write 2026-01-31T00:00:00Z, or {{ ts }}.",
                       "key \"logical_date\" does not know \"%s\"", dag.logical_date);
    }
    mr_code code = ask_store(o, &dag, try, &logical_us, &state, cx);
    if (is_away(code) || code == MR_E_LOCKED) {
        return not_yet(cx);
    }
    MR_TRY(code);
    if (state != NULL && strcmp(state, "success") == 0) {
        return MR_OK;
    }
    mr_text date;
    mr_text_init(&date, cx->arena);
    mr_civil_print_iso(&date, logical_us);
    (void)mr_fail(cx, MR_E_MISSING, NULL, "%s%s%s of %s is %s", dag.dag,
                  dag.task == NULL ? "" : "/", dag.task == NULL ? "" : dag.task,
                  mr_text_string(&date), state == NULL ? "not there" : state);
    return not_yet(cx);
}

// ---- looking ---------------------------------------------------------------------------------

typedef mr_code look(const wait *o, const mr_task_try *try, mr_cx *cx);

static mr_code wait_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    const wait *o = options;
    const struct {
        const char *value;
        look *look;
    } looks[] = {{o->file, look_file}, {o->table, look_table}, {o->topic, look_topic},
                 {o->sql, look_sql},   {o->http, look_http},   {o->dag, look_dag}};
    look *the_one = NULL;
    uint32_t count = 0;
    for (size_t i = 0; i < MR_COUNT(looks); i++) {
        if (looks[i].value != NULL) {
            the_one = looks[i].look;
            count++;
        }
    }
    if (count != 1) {
        return mr_fail(cx, MR_E_OPTION, "Give one of file, table, topic, sql, http, dag.",
                       "a wait task waits for one thing, not %" PRIu32, count);
    }
    return the_one(o, try, cx);
}

const mr_task_type mr_kind_wait = {
    .name = "wait",
    .doc = "Waits until something is there; holds no slot meanwhile.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = wait_options,
    .nested = wait_nested,
    .outputs = wait_outputs,
    .size = sizeof(wait),
    .run = wait_run,
    .waits = true,
};
