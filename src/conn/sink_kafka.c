// Sink "kafka": rows as records of a topic, of any cluster or the project's own broker.
//
// Exactly once: the rows of an epoch are staged in a local file, synced before the commit record;
// publishing writes them in one transaction, together with a token that names the publication
// (kafka/transact.h), and deletes the file. A token that is there already means that it is done. A
// transaction that stayed open from before the commit to after it would save the file, but a
// cluster ends those that are old, and with them a committed epoch. Crash points: kafka.staged,
// kafka.written. Threads: one instance belongs to one driver.

#include <inttypes.h>
#include <string.h>

#include "codec/compress.h"
#include "codec/json.h"
#include "conn/conn.h"
#include "conn/stage.h"
#include "kafka/transact.h"
#include "plat/plat.h"

#define STAGE_BYTES_MAX ((uint64_t)1 << 31)
#define STAGE_NULL      UINT32_MAX  // As a length: the key is null.
#define NAMES_MAX       64          // Columns among which a near name is looked for.

typedef struct sink_kafka {
    mr_sink base;
    const char *bootstrap_servers;  // Option.
    const char *topic;              // Option.
    const char *key;                // Option.
    const char *value_format;       // Option.
    bool nulls;                     // Option.
    const char *compression;        // Option.
    int64_t partitions;             // Option.
    const char *topic_config;       // Option.
    int64_t connect_timeout;        // Option.
    const char *stage_dir;
    const char *id;         // Transactional.
    uint32_t key_column;    // UINT32_MAX = none.
    uint32_t value_column;  // Of value_format text; UINT32_MAX = all as JSON.
    mr_publication_id publication;
    mr_text rows;   // Heap: of the publication under way, as they are staged.
    mr_text lines;  // Heap: of one batch.
    uint64_t row_count;
    mr_transact *transact;
    mr_plat *plat;
} sink_kafka;

static const mr_option kafka_options[] = {
    MR_OPTION(sink_kafka, bootstrap_servers, MR_OPT_TEXT, MR_EMBEDDED,
              "Addresses of brokers, host:port, with commas; embedded: the project's own."),
    MR_OPTION(sink_kafka, topic, MR_OPT_TEXT, NULL, "The topic; by default the table's name."),
    MR_OPTION(sink_kafka, key, MR_OPT_TEXT, NULL, "The column that is the record's key, as text."),
    MR_OPTION_CHOICE(sink_kafka, value_format, "json|text", "json",
                     "What the value is: the row as JSON, or its one column beside the key."),
    MR_OPTION(sink_kafka, nulls, MR_OPT_BOOL, "false",
              "Whether a NULL is written into the JSON, or its key left out."),
    MR_OPTION_CHOICE(sink_kafka, compression, "none|gzip|snappy|lz4|zstd", "none",
                     "How batches are compressed."),
    MR_OPTION(sink_kafka, partitions, MR_OPT_INT, "-1",
              "Partitions of the topic when it has to be made; -1 = the broker's default."),
    MR_OPTION(sink_kafka, topic_config, MR_OPT_TEXT, NULL,
              "Settings of the topic when it has to be made: key=value, with commas."),
    MR_OPTION(sink_kafka, connect_timeout, MR_OPT_DURATION, "10 seconds",
              "How long a start, and a publication, waits for the cluster."),
    MR_OPTION_END,
};

// ---- opening ---------------------------------------------------------------------------------

static mr_code find_key(sink_kafka *s, mr_cx *cx) {
    const mr_schema *schema = s->base.spec.schema;
    s->key_column = UINT32_MAX;
    const char *names[NAMES_MAX];
    uint32_t named = 0;
    for (uint32_t c = 0; c < schema->count && s->key != NULL; c++) {
        if (strcmp(schema->columns[c].name, s->key) == 0) {
            s->key_column = c;
            return MR_OK;
        }
        if (named < MR_COUNT(names)) {
            names[named++] = schema->columns[c].name;
        }
    }
    if (s->key == NULL) {
        return MR_OK;
    }
    const char *hint = mr_text_hint(s->key, names, named, NULL, cx->arena);
    return mr_fail_at(cx, MR_E_NAME, mr_conn_place(s->base.spec.options, "key"), hint,
                      "table \"%s\" has no column \"%s\" to be the key", s->base.spec.table,
                      s->key);
}

static mr_code find_value(sink_kafka *s, mr_cx *cx) {
    const mr_schema *schema = s->base.spec.schema;
    s->value_column = UINT32_MAX;
    if (strcmp(s->value_format, "json") == 0) {
        return MR_OK;
    }
    for (uint32_t c = 0; c < schema->count; c++) {
        if (c != s->key_column && s->value_column != UINT32_MAX) {
            return mr_fail_at(cx, MR_E_OPTION, mr_conn_place(s->base.spec.options, "value_format"),
                              "Write value_format 'json', or select the key and one column.",
                              "value_format 'text' takes one column beside the key, and table "
                              "\"%s\" has more",
                              s->base.spec.table);
        }
        s->value_column = c != s->key_column ? c : s->value_column;
    }
    if (s->value_column == UINT32_MAX) {
        s->value_column = s->key_column;  // The one column is both.
    }
    return MR_OK;
}

static mr_code find_cluster(sink_kafka *s, mr_embedded **ret, mr_cx *cx) {
    const mr_sink_spec *spec = &s->base.spec;
    *ret = NULL;
    if (strcmp(s->bootstrap_servers, MR_EMBEDDED) != 0) {
        return MR_OK;
    }
    *ret = spec->embedded;
    if (spec->embedded == NULL && spec->embedded_address == NULL) {
        return mr_fail_at(cx, MR_E_UNSUPPORTED, mr_conn_place(spec->options, "bootstrap_servers"),
                          "Start one with millrace up, or set KAFKA_BOOTSTRAP_SERVERS.",
                          "there is no embedded broker to write topic \"%s\" to", s->topic);
    }
    s->bootstrap_servers = spec->embedded == NULL ? spec->embedded_address : s->bootstrap_servers;
    return MR_OK;
}

static mr_code kafka_open(mr_sink *base, const mr_sink_spec *spec, mr_cx *cx) {
    sink_kafka *s = (sink_kafka *)base;
    base->spec = *spec;
    s->plat = cx->plat;
    MR_TRY(mr_conn_options(kafka_options, spec->options, s, &base->arena, cx));
    s->topic = s->topic == NULL ? spec->table : s->topic;
    MR_TRY(find_key(s, cx));
    MR_TRY(find_value(s, cx));
    s->id = mr_arena_printf(&base->arena, "millrace-%s-%s", spec->pipeline, spec->table);
    s->stage_dir = mr_arena_printf(&base->arena, "%s/stage/%s/%s", spec->data_dir, spec->pipeline,
                                   spec->table);
    mr_transact_options options = {
        .topic = s->topic,
        .partitions = (int32_t)s->partitions,
        .topic_config = s->topic_config,
        .id = s->id,
        .timeout_us = s->connect_timeout,
    };
    bool known = mr_compress_named(s->compression, &options.compression);
    mr_assert(known);  // A choice of its table.
    MR_TRY(find_cluster(s, &options.embedded, cx));
    options.bootstrap_servers = s->bootstrap_servers;
    return mr_transact_open(&options, &s->transact, cx);
}

// ---- staging: [length, key] [length, value] a row ----------------------------------------------

static mr_code kafka_begin(mr_sink *base, const mr_publication_id *id, mr_cx *cx) {
    (void)cx;
    sink_kafka *s = (sink_kafka *)base;
    s->publication = *id;
    s->publication.pipeline = base->spec.pipeline;
    s->row_count = 0;
    mr_text_clear(&s->rows);
    return MR_OK;
}

static void stage_bytes(sink_kafka *s, mr_span bytes) {
    uint32_t length = bytes.data == NULL ? STAGE_NULL : mr_u32(bytes.bytes);
    mr_text_add_bytes(&s->rows, &length, sizeof(length));
    mr_text_add_bytes(&s->rows, bytes.data, bytes.bytes);
}

// A column's value as text; data NULL = NULL.
static mr_span text_of(const sink_kafka *s, const mr_batch *in, uint32_t column, uint32_t row,
                       mr_text *scratch) {
    const mr_vector *vector = &in->columns[column];
    if (mr_vector_is_null(vector, row)) {
        return (mr_span){0};
    }
    mr_text_clear(scratch);
    mr_text_reserve(scratch, 1);  // An empty text is no NULL.
    mr_vector_print(vector, row, s->base.spec.zone, scratch);
    return (mr_span){scratch->data, scratch->bytes};
}

static mr_code kafka_write(mr_sink *base, const mr_batch *in, mr_cx *cx) {
    sink_kafka *s = (sink_kafka *)base;
    mr_text scratch;
    mr_text_init(&scratch, cx->arena);
    mr_text_clear(&s->lines);
    if (s->value_column == UINT32_MAX) {
        mr_json_write(base->spec.schema, in, s->nulls, &s->lines);
    }
    mr_span rest = mr_text_span(&s->lines);
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        stage_bytes(s, s->key_column == UINT32_MAX ? (mr_span){0}
                                                   : text_of(s, in, s->key_column, row, &scratch));
        if (s->value_column != UINT32_MAX) {
            stage_bytes(s, text_of(s, in, s->value_column, row, &scratch));
            continue;
        }
        const char *end = memchr(rest.data, '\n', rest.bytes);
        size_t bytes = (size_t)(end - rest.data);
        stage_bytes(s, (mr_span){rest.data, bytes});
        rest = (mr_span){end + 1, rest.bytes - bytes - 1};
    }
    s->row_count += in->sel_count;
    return MR_OK;
}

static const char *token_of(const mr_publication_id *id, mr_arena *arena) {
    return mr_arena_printf(arena, "%016" PRIx64 "-%" PRIu64 "-%" PRIu32, id->incarnation, id->epoch,
                           id->sink);
}

static mr_code kafka_prepare(mr_sink *base, mr_publication *ret, mr_cx *cx) {
    sink_kafka *s = (sink_kafka *)base;
    *ret = (mr_publication){.id = s->publication, .row_count = s->row_count};
    if (s->row_count == 0) {
        return MR_OK;
    }
    mr_stage stage = {
        .dir = s->stage_dir,
        .name = mr_arena_printf(cx->arena, "%s.rows", token_of(&s->publication, cx->arena)),
        .final = s->topic,
        .rows = mr_text_span(&s->rows),
        .row_count = s->row_count,
    };
    MR_TRY(mr_stage_write(&stage, &ret->files, cx));
    MR_TRY(mr_crash_point("kafka.staged", cx));
    mr_text_clear(&s->rows);
    ret->file_count = 1;
    return MR_OK;
}

static void kafka_abort(mr_sink *base, mr_cx *cx) {
    (void)cx;
    mr_text_clear(&((sink_kafka *)base)->rows);  // What is staged is swept at the next start.
}

// ---- publishing ------------------------------------------------------------------------------

static bool take_bytes(mr_span *in, mr_span *ret) {
    uint32_t length;
    if (in->bytes < sizeof(length)) {
        return false;
    }
    memcpy(&length, in->data, sizeof(length));
    in->data += sizeof(length);
    in->bytes -= sizeof(length);
    size_t bytes = length == STAGE_NULL ? 0 : length;
    *ret = (mr_span){length == STAGE_NULL ? NULL : in->data, bytes};
    if (bytes > in->bytes) {
        return false;
    }
    in->data += bytes;
    in->bytes -= bytes;
    return true;
}

static mr_code write_rows(sink_kafka *s, const mr_publication_file *file, mr_cx *cx) {
    mr_span rows;
    mr_code code = mr_stage_load(file, STAGE_BYTES_MAX, &rows, cx);
    if (code == MR_E_MISSING) {
        return mr_fail(cx, MR_E_MISSING, "Restore the file, or go on with --accept-loss.",
                       "%" PRIu64 " committed rows for topic \"%s\" are gone: \"%s\" is not there, "
                       "and the topic does not have them",
                       file->rows, s->topic, file->part);
    }
    MR_TRY(code);
    mr_transact_row row = {0};
    while (rows.bytes > 0) {
        bool whole = take_bytes(&rows, &row.key) && take_bytes(&rows, &row.value);
        mr_assert(whole);  // The checksum says so.
        MR_TRY(mr_transact_add(s->transact, &row, cx));
    }
    MR_TRY(mr_crash_point("kafka.written", cx));
    return mr_transact_commit(s->transact, cx);
}

static mr_code kafka_publish(mr_sink *base, const mr_publication *publication, mr_cx *cx) {
    sink_kafka *s = (sink_kafka *)base;
    if (publication->file_count == 0) {
        return MR_OK;
    }
    const mr_publication_file *file = &publication->files[0];
    mr_transact_last last = MR_TRANSACT_OTHER;
    const char *token = token_of(&publication->id, cx->arena);
    mr_code code = mr_transact_begin(s->transact, token, &last, cx);
    bool done = last == MR_TRANSACT_DONE;
    if (code == MR_OK && last == MR_TRANSACT_NONE && !mr_file_exists(file->part, cx)) {
        // The file was durable before the commit and goes only when its rows are in the topic: the
        // token was there once.
        mr_transact_abandon(s->transact);
        done = true;
    }
    if (code == MR_OK && !done) {
        code = write_rows(s, file, cx);
        if (code != MR_OK) {
            mr_transact_abandon(s->transact);
        }
    }
    MR_TRY(code);
    MR_TRY(mr_file_delete(file->part, cx));
    return mr_dir_sync(s->stage_dir, cx);
}

static mr_code kafka_sweep(mr_sink *base, mr_cx *cx) {
    return mr_stage_sweep(((sink_kafka *)base)->stage_dir, cx);
}

static void kafka_close(mr_sink *base) {
    sink_kafka *s = (sink_kafka *)base;
    mr_transact_close(s->transact);
    mr_text_release(&s->rows);
    mr_text_release(&s->lines);
    mr_arena_release(&base->arena);
}

const mr_sink_type mr_sink_kafka = {
    .name = "kafka",
    .file = __FILE__,
    .summary = "Writes rows as records of a Kafka topic, an epoch a transaction.",
    .size = sizeof(sink_kafka),
    .options = kafka_options,
    .modes = 1u << MR_MODE_APPEND | 1u << MR_MODE_UPDATE,
    .default_trigger = "0",
    .registers = false,
    .open = kafka_open,
    .begin = kafka_begin,
    .write = kafka_write,
    .prepare = kafka_prepare,
    .abort = kafka_abort,
    .publish = kafka_publish,
    .recover = kafka_publish,
    .sweep = kafka_sweep,
    .erase = kafka_sweep,  // Records stay: a topic is not the pipeline's alone.
    .close = kafka_close,
};
