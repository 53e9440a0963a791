// Kind "topic.produce": lines of files, or values of the DAG file, to a topic.
//
// Written once and in order by a try; a try that fails half-way leaves what it wrote, and the next
// one writes all of it again: give records keys, and let readers drop what they have seen.
// Outputs: row_count, topic.

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "codec/compress.h"
#include "kafka/recordline.h"
#include "plat/input.h"
#include "plat/plat.h"
#include "task/given.h"
#include "task/kinds.h"
#include "task/where.h"

#define TURN_RECORDS 1000

typedef struct produce {
    const char *topic;
    const char *from;     // JSON.
    const char *values;   // JSON.
    const char *headers;  // JSON.
    const char *format;
    const char *key;
    const char *separator;
    const char *null;
    int64_t partition;
    const char *compression;
    bool create;
    const char *conn;
    int64_t connect_timeout;
} produce;

typedef struct origin {
    const char *file;   // JSON.
    const char *files;  // JSON.
} origin;

static const mr_option produce_options[] = {
    MR_OPTION(produce, topic, MR_OPT_TEXT, MR_REQUIRED, "The topic."),
    MR_OPTION(produce, from, MR_OPT_TEXT, NULL,
              "Files whose lines are written: a path, a list, or {file: PATH}."),
    MR_OPTION(produce, values, MR_OPT_TEXT, NULL,
              "Or the values themselves, a list: texts as they are, all else as JSON."),
    MR_OPTION_CHOICE(produce, format, "value|json", "value",
                     "Lines are values, or objects with key, value, headers, timestamp."),
    MR_OPTION(produce, key, MR_OPT_TEXT, NULL,
              "Values are JSON objects, and this member of each is the record's key."),
    MR_OPTION(produce, separator, MR_OPT_TEXT, NULL,
              "What stands before it in a line is the key, behind it the value."),
    MR_OPTION(produce, null, MR_OPT_TEXT, NULL, "A key or value that is this text is null."),
    MR_OPTION(produce, headers, MR_OPT_TEXT, NULL, "Headers of each record, a map."),
    MR_OPTION(produce, partition, MR_OPT_INT, "-1",
              "All go to this one; without it, by the key, or as it suits."),
    MR_OPTION_CHOICE(produce, compression, "none|gzip|snappy|lz4|zstd", "none", "Of batches."),
    MR_OPTION(produce, create, MR_OPT_BOOL, "false", "Make the topic when it is missing."),
    MR_OPTION(produce, conn, MR_OPT_TEXT, NULL,
              "A connection of type kafka; the project's broker if not given."),
    MR_OPTION(produce, connect_timeout, MR_OPT_DURATION, "30s", "How long the cluster is tried."),
    MR_OPTION_END,
};

static const char *const produce_nested[] = {"from", "values", "headers", NULL};
static const char *const produce_outputs[] = {"row_count", "topic", NULL};

static const mr_option origin_options[] = {
    MR_OPTION(origin, file, MR_OPT_TEXT, NULL, "A file."),
    MR_OPTION(origin, files, MR_OPT_TEXT, NULL, "A list of files."),
    MR_OPTION_END,
};

static const char *const origin_nested[] = {"file", "files", NULL};

typedef struct job {
    mr_recordline_form form;
    mr_writer *writer;
    int32_t partition;
    mr_writer_header headers[MR_WRITER_HEADERS_MAX];
    uint32_t header_count;
    mr_arena record_arena;
    uint64_t count;
    int64_t wait_us;
} job;

// ---- what is told ----------------------------------------------------------------------------

static mr_code take_files(const char *from, const char *const **ret, uint32_t *ret_count,
                          mr_cx *cx) {
    if (mr_given_is_map(from)) {
        const mr_given_keys keys = {origin_options, origin_nested, sizeof(origin)};
        origin *given;
        MR_TRY(mr_given_map("from", from, &keys, (void **)&given, cx));
        if ((given->file == NULL) == (given->files == NULL)) {
            return mr_fail(cx, MR_E_OPTION, "Write from: {file: PATH}.",
                           "key \"from\" names no file, or twice");
        }
        from = given->file != NULL ? given->file : given->files;
    }
    mr_span *items;
    mr_given_items(from, &items, ret_count, cx);
    const char **files = MR_NEW_ARRAY(cx->arena, const char *, *ret_count + 1);
    for (uint32_t i = 0; i < *ret_count; i++) {
        files[i] = mr_given_text(mr_arena_copy(cx->arena, items[i].data, items[i].bytes), cx);
    }
    *ret = files;
    return MR_OK;
}

static mr_code take_job(const produce *o, job *ret, mr_cx *cx) {
    *ret = (job){
        .form = {.json = strcmp(o->format, "json") == 0,
                 .separator = o->separator,
                 .key_field = o->key,
                 .null = o->null},
        .partition = (int32_t)o->partition,
    };
    if (o->partition < -1 || o->partition > INT32_MAX) {
        return mr_fail(cx, MR_E_OPTION, "Partitions are numbered from 0.",
                       "there can be no partition %" PRId64, o->partition);
    }
    if ((o->from == NULL) == (o->values == NULL)) {
        return mr_fail(cx, MR_E_OPTION, "Give one of the two.",
                       "a topic.produce task takes \"from\" or \"values\"");
    }
    if (ret->form.json + (o->separator != NULL) + (o->key != NULL) > 1) {
        return mr_fail(cx, MR_E_OPTION, "Give one of the three.",
                       "keys come by `key`, `separator` or `format: json`");
    }
    if (o->separator != NULL && o->separator[0] == '\0') {
        return mr_fail(cx, MR_E_OPTION, NULL, "key \"separator\" is empty");
    }
    const char **pairs;
    uint32_t count;
    MR_TRY(mr_given_pairs("headers", o->headers, &pairs, &count, cx));
    if (count > MR_WRITER_HEADERS_MAX) {
        return mr_fail(cx, MR_E_LIMIT, NULL, "a record has %d headers at the most, not %" PRIu32,
                       MR_WRITER_HEADERS_MAX, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        ret->headers[ret->header_count++] =
            (mr_writer_header){mr_span_of(pairs[2 * i]), mr_span_of(pairs[2 * i + 1])};
    }
    return MR_OK;
}

// ---- sending ---------------------------------------------------------------------------------

static mr_code send_line(job *j, const mr_recordline *line, mr_cx *cx) {
    mr_writer_header headers[MR_WRITER_HEADERS_MAX];
    mr_writer_record record = {.partition = j->partition,
                               .timestamp_ms = mr_clock_real_us(cx->plat) / 1000};
    mr_arena *outer = cx->arena;
    mr_arena_clear(&j->record_arena);
    cx->arena = &j->record_arena;
    mr_code code = mr_recordline_read(&j->form, line, headers, &record, cx);
    cx->arena = outer;
    MR_TRY(code);
    MR_TRY(mr_recordline_add_headers(line, j->headers, j->header_count, headers, &record, cx));
    MR_TRY(mr_writer_add(j->writer, &record, cx));
    return ++j->count % TURN_RECORDS == 0 ? mr_writer_turn(j->writer, &j->wait_us, cx) : MR_OK;
}

static mr_code send_values(const produce *o, job *j, mr_cx *cx) {
    mr_span *items;
    uint32_t count;
    mr_given_items(o->values, &items, &count, cx);
    for (uint32_t i = 0; i < count; i++) {
        mr_recordline line = {.text = items[i], .file = "values", .number = i + 1};
        if (mr_jsonvalue_check(items[i]) && mr_jsonvalue_kind_of(items[i]) == MR_JSONVALUE_STRING) {
            mr_text text;
            mr_text_init(&text, cx->arena);
            mr_jsonvalue_unescape(items[i], &text);
            line.text = (mr_span){mr_text_string(&text), text.bytes};
        }
        MR_TRY(send_line(j, &line, cx));
    }
    return MR_OK;
}

static mr_code send_files(const produce *o, job *j, mr_cx *cx) {
    const char *const *files = NULL;
    uint32_t count = 0;
    MR_TRY(take_files(o->from, &files, &count, cx));
    mr_input lines;
    mr_input_init(&lines, files, count);
    mr_code code = MR_OK;
    for (bool end = false; code == MR_OK && !end;) {
        mr_span text;
        bool found;
        code = mr_input_next(&lines, MR_SECOND_US, &text, &found, &end, cx);
        if (code == MR_OK && mr_cx_cancelled(cx)) {
            code = mr_fail(cx, MR_E_CANCELLED, NULL, "asked to end after %" PRIu64 " records",
                           j->count);
        }
        if (code == MR_OK && found) {
            mr_recordline line = {text, mr_input_file(&lines), lines.number};
            code = send_line(j, &line, cx);
        }
    }
    mr_input_release(&lines, cx->plat);
    return code;
}

static mr_code send_all(const produce *o, mr_control *control, job *j, mr_cx *cx) {
    mr_writer_options options = mr_writer_defaults;
    options.topic = o->topic;
    bool known = mr_compress_named(o->compression, &options.compression);
    mr_assert(known);  // A choice of its table.
    if (o->create) {
        mr_control_topic_new topic = {
            .name = o->topic, .partitions = -1, .replication = -1, .exists_fine = true};
        MR_TRY(mr_control_topic_create(control, &topic, cx));
    }
    MR_TRY(mr_writer_open(control, &options, &j->writer, cx));
    mr_code code = o->values != NULL ? send_values(o, j, cx) : send_files(o, j, cx);
    code = code == MR_OK ? mr_writer_flush(j->writer, cx) : code;
    mr_writer_close(j->writer);
    return code;
}

static mr_code produce_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    const produce *o = options;
    job j;
    mr_control control;
    MR_TRY(take_job(o, &j, cx));
    MR_TRY(mr_where_open(try, o->conn, o->connect_timeout, &control, cx));
    mr_code code = send_all(o, &control, &j, cx);
    mr_control_close(&control, cx->plat);
    mr_arena_release(&j.record_arena);
    MR_TRY(code);
    const char *line =
        mr_arena_printf(cx->arena, "%" PRIu64 " records to \"%s\"\n", j.count, o->topic);
    MR_TRY(mr_stream_write(MR_STDOUT, mr_span_of(line), cx));
    const char *count = mr_arena_printf(cx->arena, "%" PRIu64, j.count);
    MR_TRY(try->output(try, "row_count", mr_span_of(count), cx));
    mr_text name;
    mr_text_init(&name, cx->arena);
    mr_text_add_json(&name, mr_span_of(o->topic));
    return try->output(try, "topic", mr_text_span(&name), cx);
}

const mr_task_type mr_kind_topic_produce = {
    .name = "topic.produce",
    .doc =
        "Writes lines of files, or values, to a topic; a try that is repeated writes them again.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = produce_options,
    .nested = produce_nested,
    .outputs = produce_outputs,
    .size = sizeof(produce),
    .run = produce_run,
};
