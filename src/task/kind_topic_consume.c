// Kind "topic.consume": the records of a topic, to the log, to a file and to the tasks behind.
//
// The file appears whole or not at all, and a group's offsets are committed only when all is done:
// a try that is repeated reads the same again. Outputs: row_count, rows: the first values, path.

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "kafka/moment.h"
#include "kafka/recordline.h"
#include "plat/child.h"
#include "plat/plat.h"
#include "task/given.h"
#include "task/kinds.h"
#include "task/where.h"

#define WRITE_BYTES ((size_t)64 << 10)
#define WAIT_US     ((int64_t)100000)

typedef struct consume {
    const char *topic;
    const char *from;
    const char *until;           // JSON.
    const char *consumer_group;  // `group` is a word of every task.
    const char *format;
    const char *separator;
    bool print;
    const char *write_to;
    int64_t rows;
    bool uncommitted;
    const char *conn;
    int64_t connect_timeout;
} consume;

typedef struct bound {
    int64_t idle;
    int64_t duration;
    int64_t count;
} bound;

static const mr_option consume_options[] = {
    MR_OPTION(consume, topic, MR_OPT_TEXT, MR_REQUIRED, "The topic."),
    MR_OPTION(consume, from, MR_OPT_TEXT, "beginning",
              "beginning, end, an offset, -N: N before the end, or a time: 2026-01-31, -1h."),
    MR_OPTION(consume, until, MR_OPT_TEXT, "end",
              "end: what is there at the start; or a map with `count` records, `idle` for so long, "
              "`duration`: whichever comes first."),
    MR_OPTION(consume, consumer_group, MR_OPT_TEXT, NULL,
              "Begin where this group is, and commit what was read when all of it is done."),
    MR_OPTION_CHOICE(consume, format, "value|json", "value",
                     "What a line is: the value, or an object with key, value, headers …"),
    MR_OPTION(consume, separator, MR_OPT_TEXT, NULL, "Write the key and this before the value."),
    MR_OPTION(consume, print, MR_OPT_BOOL, "true", "Whether records go to the log."),
    MR_OPTION(consume, write_to, MR_OPT_PATH, NULL, "A file of lines, whole or not at all."),
    MR_OPTION(consume, rows, MR_OPT_INT, "20",
              "How many values the output `rows` has at the most."),
    MR_OPTION(consume, uncommitted, MR_OPT_BOOL, "false",
              "Records of open and aborted transactions too."),
    MR_OPTION(consume, conn, MR_OPT_TEXT, NULL,
              "A connection of type kafka; the project's broker if not given."),
    MR_OPTION(consume, connect_timeout, MR_OPT_DURATION, "30s", "How long the cluster is tried."),
    MR_OPTION_END,
};

static const char *const consume_nested[] = {"until", NULL};
static const char *const consume_outputs[] = {"row_count", "rows", "path", NULL};

static const mr_option bound_options[] = {
    MR_OPTION(bound, idle, MR_OPT_DURATION, NULL, "No record came for so long."),
    MR_OPTION(bound, duration, MR_OPT_DURATION, NULL, "So long after the start."),
    MR_OPTION(bound, count, MR_OPT_INT, NULL, "So many records."),
    MR_OPTION_END,
};

typedef struct job {
    const consume *o;
    bound until;  // 0 = not bounded by it.
    mr_reader_options options;
    mr_recordline_form form;
    mr_file file;
    mr_text out;   // Lines not written yet.
    mr_text rows;  // A JSON list without its end.
    int64_t row_count;
    uint64_t count;
} job;

static mr_code take_until(const consume *o, job *j, mr_cx *cx) {
    const mr_given_keys keys = {bound_options, NULL, sizeof(bound)};
    const char *text = mr_given_text(o->until, cx);
    j->options.follow = strcmp(text, "end") != 0;
    if (!j->options.follow) {
        return MR_OK;
    }
    if (!mr_given_is_map(text)) {
        return mr_fail(cx, MR_E_OPTION, "Write end, or {idle: 5s}, {count: 10}, {duration: 1m}.",
                       "key \"until\" does not know \"%s\"", text);
    }
    bound *until;
    MR_TRY(mr_given_map("until", text, &keys, (void **)&until, cx));
    if (until->idle <= 0 && until->duration <= 0 && until->count <= 0) {
        return mr_fail(cx, MR_E_OPTION, "Write {idle: 5s}, {count: 10} or {duration: 1m}.",
                       "key \"until\" says no end");
    }
    j->until = *until;
    return MR_OK;
}

static mr_code take_job(const consume *o, job *j, mr_cx *cx) {
    *j = (job){
        .o = o,
        .options = {.topic = o->topic,
                    .group = o->consumer_group,
                    .uncommitted = o->uncommitted,
                    .commit_late = true,
                    .timeout_us = o->connect_timeout},
        .form = {.json = strcmp(o->format, "json") == 0, .separator = o->separator},
        .file = MR_FILE_CLOSED,
    };
    if (!mr_moment_from(o->from, mr_clock_real_us(cx->plat), &j->options)) {
        return mr_fail(cx, MR_E_OPTION,
                       "Write beginning, end, an offset, -N, or a time such as "
                       "2026-01-31T12:00:00Z or -1h.",
                       "key \"from\" does not know \"%s\"", o->from);
    }
    return take_until(o, j, cx);
}

// ---- reading ---------------------------------------------------------------------------------

static void take_row(job *j, const mr_reader_record *record) {
    size_t before = j->rows.bytes;
    if (j->row_count >= j->o->rows || (uint64_t)j->row_count != j->count) {
        return;
    }
    mr_text_add_char(&j->rows, j->row_count == 0 ? '[' : ',');
    if (record->value.bytes > 0 && mr_jsonvalue_check(record->value)) {
        mr_jsonvalue_minify(record->value, &j->rows);
    } else {
        mr_recordline_add_json(record->value, &j->rows);
    }
    if (j->rows.bytes < MR_TASK_OUTPUT_BYTES_MAX) {  // And its end.
        j->row_count++;
    } else {
        j->rows.bytes = before;
        j->rows.data[before] = '\0';
    }
}

static mr_code write_out(job *j, mr_cx *cx) {
    mr_code code = MR_OK;
    if (j->o->print) {
        code = mr_stream_write(MR_STDOUT, mr_text_span(&j->out), cx);
    }
    if (code == MR_OK && j->o->write_to != NULL) {
        code = mr_file_append(&j->file, mr_text_span(&j->out), cx);
    }
    mr_text_clear(&j->out);
    return code;
}

static bool is_over(const job *j, int64_t begun_us, int64_t last_us, int64_t now_us) {
    const bound *until = &j->until;
    return (until->count > 0 && j->count >= (uint64_t)until->count) ||
           (until->idle > 0 && now_us - last_us >= until->idle) ||
           (until->duration > 0 && now_us - begun_us >= until->duration);
}

static mr_code read_all(job *j, mr_reader *reader, mr_cx *cx) {
    int64_t begun_us = mr_clock_monotonic_us(cx->plat);
    int64_t last_us = begun_us, now_us = begun_us;
    for (bool end = false; !end && !is_over(j, begun_us, last_us, now_us);) {
        const mr_reader_record *record;
        MR_TRY(mr_reader_next(reader, j->out.bytes > 0 ? 0 : WAIT_US, &record, &end, cx));
        now_us = mr_clock_monotonic_us(cx->plat);
        if (record != NULL) {
            take_row(j, record);
            mr_recordline_add(&j->form, j->o->topic, record, &j->out);
            j->count++;
            last_us = now_us;
        }
        if (j->out.bytes > 0 && (record == NULL || j->out.bytes >= WRITE_BYTES)) {
            MR_TRY(write_out(j, cx));
        }
        if (mr_cx_cancelled(cx)) {
            return mr_fail(cx, MR_E_CANCELLED, NULL, "asked to end after %" PRIu64 " records",
                           j->count);
        }
    }
    return write_out(j, cx);
}

static mr_code read_to_file(job *j, mr_reader *reader, mr_cx *cx) {
    const char *path = j->o->write_to;
    if (path == NULL) {
        return read_all(j, reader, cx);
    }
    // Of this process: another try may still be at it.
    const char *part = mr_arena_printf(cx->arena, "%s.%d.part", path, mr_process_id());
    const char *folder = mr_plat_parent(path, cx->arena);
    MR_TRY(mr_dir_make(folder, cx));
    MR_TRY(mr_file_open(&j->file, part, MR_OPEN_TRUNCATE, cx));
    mr_code code = read_all(j, reader, cx);
    code = code == MR_OK ? mr_file_sync(&j->file, cx) : code;
    mr_file_close(&j->file, cx->plat);
    code = code == MR_OK ? mr_file_replace(part, path, cx) : code;
    if (code != MR_OK) {
        mr_error error = cx->error;
        (void)!mr_file_delete(part, cx);
        cx->error = error;
        return code;
    }
    return mr_dir_sync(folder, cx);
}

static mr_code hand_on(job *j, const mr_task_try *try, mr_cx *cx) {
    mr_text_add(&j->rows, j->row_count == 0 ? "[]" : "]");
    MR_TRY(try->output(try, "rows", mr_text_span(&j->rows), cx));
    const char *count = mr_arena_printf(cx->arena, "%" PRIu64, j->count);
    MR_TRY(try->output(try, "row_count", mr_span_of(count), cx));
    if (j->o->write_to == NULL) {
        return MR_OK;
    }
    mr_text path;
    mr_text_init(&path, cx->arena);
    mr_text_add_json(&path, mr_span_of(j->o->write_to));
    return try->output(try, "path", mr_text_span(&path), cx);
}

static mr_code consume_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    const consume *o = options;
    job j;
    mr_control control;
    MR_TRY(take_job(o, &j, cx));
    MR_TRY(mr_where_servers(try, o->conn, &j.options.servers, cx));
    MR_TRY(mr_control_open(&control, j.options.servers, o->connect_timeout, cx));
    mr_text_init(&j.out, NULL);
    mr_text_init(&j.rows, NULL);
    mr_reader *reader = NULL;
    mr_code code = mr_reader_open(&control, &j.options, &reader, cx);
    code = code == MR_OK ? read_to_file(&j, reader, cx) : code;
    code = code == MR_OK ? hand_on(&j, try, cx) : code;
    code = code == MR_OK ? mr_reader_commit(reader, cx) : code;
    mr_reader_close(reader, cx);
    mr_text_release(&j.out);
    mr_text_release(&j.rows);
    mr_control_close(&control, cx->plat);
    return code;
}

const mr_task_type mr_kind_topic_consume = {
    .name = "topic.consume",
    .doc = "Reads a topic: to the log, to a file, and as outputs.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = consume_options,
    .nested = consume_nested,
    .outputs = consume_outputs,
    .size = sizeof(consume),
    .run = consume_run,
};
