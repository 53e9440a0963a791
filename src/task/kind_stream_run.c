// Kind "stream.run": a pipeline of the project, until what is there is worked off, as `millrace
// run`.
//
// It goes on where it stopped, each row once: a try that is repeated, and the run of tomorrow, take
// up from the last commit. A pipeline that `millrace up` runs already is locked, and is told so.
// Outputs: input_rows, of this run; and totals since the pipeline's first start.

#include <inttypes.h>
#include <string.h>

#include "base/errortext.h"
#include "conn/conn.h"
#include "job/job.h"
#include "task/given.h"
#include "task/kinds.h"
#include "task/where.h"

#define SQL_BYTES_MAX ((uint64_t)16 << 20)

typedef struct stream {
    const char *job;
    const char *until;   // JSON.
    const char *set;     // JSON.
    const char *source;  // JSON.
    const char *config;  // JSON.
    bool fresh;
    bool accept_loss;
    const char *conn;
} stream;

typedef struct bound {
    bool available_now;
    bool end;
    int64_t duration;
} bound;

static const mr_option stream_options[] = {
    MR_OPTION(stream, job, MR_OPT_PATH, MR_REQUIRED, "The pipeline's file: sql/clicks.sql."),
    MR_OPTION(stream, until, MR_OPT_TEXT, "available_now",
              "available_now: what is there at the start; end: that, and all windows close; or a "
              "time: 30s. Also as a map: {duration: 30s}."),
    MR_OPTION(stream, set, MR_OPT_TEXT, NULL, "Values for ${NAME} in the file, a map."),
    MR_OPTION(stream, source, MR_OPT_TEXT, NULL,
              "Sources to read instead, a map: {clicks: \"file:clicks.jsonl\"}."),
    MR_OPTION(stream, config, MR_OPT_TEXT, NULL, "Settings, a map: {exec.workers: 2}."),
    MR_OPTION(stream, fresh, MR_OPT_BOOL, "false",
              "Start over: forget the state and delete what this pipeline wrote."),
    MR_OPTION(stream, accept_loss, MR_OPT_BOOL, "false", "Go on though a committed file is gone."),
    MR_OPTION(stream, conn, MR_OPT_TEXT, NULL,
              "A connection of type kafka that 'embedded' means; the project's broker if not "
              "given."),
    MR_OPTION_END,
};

static const char *const stream_nested[] = {"until", "set", "source", "config", NULL};
static const char *const stream_outputs[] = {
    "input_rows", "input_rows_total", "bad_rows_total", "late_rows_total", "rows_total", NULL};

static const mr_option bound_options[] = {
    MR_OPTION(bound, available_now, MR_OPT_BOOL, "false", "What is there at the start."),
    MR_OPTION(bound, end, MR_OPT_BOOL, "false", "That, and all windows close."),
    MR_OPTION(bound, duration, MR_OPT_DURATION, NULL, "So long."),
    MR_OPTION_END,
};

typedef struct told {
    mr_plat *plat;
    uint64_t input_rows;
    uint64_t epochs;
    mr_progress last;  // Without what it borrows.
    bool stalled;
    mr_text tables;  // The JSON of rows_total.
} told;

// ---- what is told while it runs --------------------------------------------------------------

static void say(mr_plat *plat, const char *text) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, plat);
    // A log that cannot be written must not end the pipeline.
    (void)!mr_stream_write(MR_STDERR, mr_span_of(mr_arena_printf(&arena, "%s\n", text)), &cx);
    mr_arena_release(&arena);
}

static void on_progress(void *self, const mr_progress *p) {
    told *t = self;
    t->input_rows += p->input_rows;
    t->epochs++;
    t->last = *p;
    mr_text_clear(&t->tables);
    for (uint32_t i = 0; i < p->sink_count; i++) {
        mr_text_add_char(&t->tables, i == 0 ? '{' : ',');
        mr_text_add_json(&t->tables, mr_span_of(p->sinks[i].name));
        mr_text_addf(&t->tables, ":%" PRIu64, p->sinks[i].rows_total);
    }
    mr_text_add(&t->tables, p->sink_count == 0 ? "{}" : "}");
    if (t->stalled != (p->stalled != NULL)) {
        t->stalled = p->stalled != NULL;
        say(t->plat, t->stalled ? p->stalled : "goes on");
    }
}

static void on_warning(void *self, const char *text) {
    say(((const told *)self)->plat, text);
}

// ---- what is told before ---------------------------------------------------------------------

static mr_code take_until(const char *value, mr_job_spec *spec, mr_cx *cx) {
    const mr_given_keys keys = {bound_options, NULL, sizeof(bound)};
    const char *text = mr_given_text(value, cx);
    bound map = {.available_now =
                     strcmp(text, "available_now") == 0 || strcmp(text, "available-now") == 0,
                 .end = strcmp(text, "end") == 0};
    if (mr_given_is_map(text)) {
        bound *given;
        MR_TRY(mr_given_map("until", text, &keys, (void **)&given, cx));
        map = *given;
    } else if (!map.available_now && !map.end) {
        (void)mr_text_parse_duration_us(mr_span_of(text), &map.duration);
    }
    if (map.available_now + map.end + (map.duration > 0) != 1) {
        return mr_fail(cx, MR_E_OPTION, "Write available_now, end, or a time such as 30s.",
                       "key \"until\" does not know \"%s\"", text);
    }
    spec->until = map.available_now ? MR_UNTIL_AVAILABLE_NOW
                  : map.end         ? MR_UNTIL_END
                                    : MR_UNTIL_STOPPED;
    spec->duration_us = map.duration;
    return MR_OK;
}

static mr_code take_pairs(const char *key, const char *value, const mr_job_pair **ret,
                          uint32_t *ret_count, mr_cx *cx) {
    const char **pairs;
    MR_TRY(mr_given_pairs(key, value, &pairs, ret_count, cx));
    mr_job_pair *all = MR_NEW_ARRAY(cx->arena, mr_job_pair, *ret_count + 1);
    for (uint32_t i = 0; i < *ret_count; i++) {
        all[i] = (mr_job_pair){.name = pairs[2 * i], .value = pairs[2 * i + 1]};
    }
    *ret = all;
    return MR_OK;
}

// The broker that 'embedded' means; NULL: there is none.
static mr_code find_broker(const stream *o, const mr_task_try *try, const char **ret, mr_cx *cx) {
    if (o->conn != NULL) {
        return mr_where_servers(try, o->conn, ret, cx);
    }
    *ret = mr_where_broker(try, cx);
    *ret = *ret == NULL ? mr_plat_env(cx->plat, "KAFKA_BOOTSTRAP_SERVERS") : *ret;
    return MR_OK;
}

// ${NAME}s: the task's own, and where the cluster is for files that ask for it by name.
static mr_code take_sets(const stream *o, mr_job_spec *spec, mr_cx *cx) {
    const mr_job_pair *own;
    uint32_t count;
    MR_TRY(take_pairs("set", o->set, &own, &count, cx));
    mr_job_pair *all = MR_NEW_ARRAY(cx->arena, mr_job_pair, count + 1);
    memcpy(all, own, count * sizeof(*all));
    if (spec->embedded_address != NULL) {
        all[count] = (mr_job_pair){"KAFKA_BOOTSTRAP_SERVERS", spec->embedded_address};
        spec->env_count = o->conn == NULL;  // What the environment says goes before.
    }
    spec->set_count = count + (spec->embedded_address != NULL && o->conn != NULL);
    spec->sets = all;
    return MR_OK;
}

// ---- running ---------------------------------------------------------------------------------

// All errors of the file go to the log but the first, with which the task fails.
static void tell_errors(const mr_sql_errors *errors, mr_cx *cx) {
    for (uint32_t i = 1; i < errors->count; i++) {
        mr_text text;
        mr_text_init(&text, cx->arena);
        mr_errortext_format(&errors->items[i], &text);
        (void)!mr_stream_write(MR_STDERR, mr_text_span(&text), cx);
    }
    if (errors->count > 0) {
        cx->error = errors->items[0];
    }
}

// A run that is refused since the query changed says what changed.
static void tell_change(const mr_change *change, mr_cx *cx) {
    if (change != NULL && change->refusal != NULL) {
        mr_error error = cx->error;
        mr_text text;
        mr_text_init(&text, cx->arena);
        mr_query_print_changes(change, &text);
        (void)!mr_stream_write(MR_STDERR, mr_text_span(&text), cx);
        cx->error = error;
    }
}

static mr_code run_job(const mr_job_spec *spec, mr_cx *cx) {
    mr_job *job = NULL;
    mr_sql_errors errors = {0};
    bool ended = false;
    mr_code code = mr_job_load(spec, &job, &errors, cx);
    if (code != MR_OK) {
        tell_errors(&errors, cx);
    } else {
        code = mr_job_run(job, &ended, cx);
    }
    if (code != MR_OK && job != NULL) {
        tell_change(mr_job_change(job), cx);
    }
    if (job != NULL) {
        mr_error error = cx->error;
        mr_job_close(job, cx);
        cx->error = error;
    }
    if (code == MR_OK && !ended && mr_cx_cancelled(cx)) {
        return mr_fail(cx, MR_E_CANCELLED, NULL, "asked to end; what was committed stays");
    }
    return code;
}

static mr_code hand_on(const told *t, const mr_task_try *try, mr_cx *cx) {
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {{"input_rows", t->input_rows},
                   {"input_rows_total", t->last.input_rows_total},
                   {"bad_rows_total", t->last.bad_rows_total},
                   {"late_rows_total", t->last.late_rows_total}};
    for (size_t i = 0; i < MR_COUNT(numbers); i++) {
        const char *text = mr_arena_printf(cx->arena, "%" PRIu64, numbers[i].value);
        MR_TRY(try->output(try, numbers[i].key, mr_span_of(text), cx));
    }
    mr_span tables = t->tables.bytes == 0 ? MR_SPAN("{}") : mr_text_span(&t->tables);
    MR_TRY(try->output(try, "rows_total", tables, cx));
    const char *line =
        mr_arena_printf(cx->arena, "%" PRIu64 " rows read, %" PRIu64 " in all; written: %.*s\n",
                        t->input_rows, t->last.input_rows_total, MR_SPAN_ARGS(tables));
    return mr_stream_write(MR_STDOUT, mr_span_of(line), cx);
}

static mr_code stream_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    const stream *o = options;
    told t = {.plat = cx->plat};
    mr_job_spec spec = {
        .file = o->job,
        .data_dir = try->data_dir[0] == '\0' ? "data" : try->data_dir,
        .port = &mr_conn_port,
        .fresh = o->fresh,
        .accept_loss = o->accept_loss,
        .progress = on_progress,
        .warn = on_warning,
        .self = &t,
    };
    MR_TRY(take_until(o->until, &spec, cx));
    MR_TRY(take_pairs("source", o->source, &spec.sources, &spec.source_count, cx));
    MR_TRY(take_pairs("config", o->config, &spec.config, &spec.config_count, cx));
    MR_TRY(find_broker(o, try, &spec.embedded_address, cx));
    MR_TRY(take_sets(o, &spec, cx));
    MR_TRY(mr_file_load(o->job, SQL_BYTES_MAX, &spec.text, cx));
    mr_text_init(&t.tables, NULL);
    mr_code code = run_job(&spec, cx);
    code = code == MR_OK ? hand_on(&t, try, cx) : code;
    mr_text_release(&t.tables);
    return code;
}

const mr_task_type mr_kind_stream_run = {
    .name = "stream.run",
    .doc = "Runs a pipeline of the project, each row once, until what is there is worked off.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = stream_options,
    .nested = stream_nested,
    .outputs = stream_outputs,
    .size = sizeof(stream),
    .run = stream_run,
};
