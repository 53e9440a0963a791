// Sink "jsonl": rows as JSON lines, one or more files an epoch, in folders by partition value.
//
// Exactly once: conn/files.c seals the files in `.tmp` before the commit record, conn/publish.c
// renames them behind it; both steps may be repeated (tests/sim/sinks.c cuts the power at each).
// Threads: one instance belongs to one driver.

#include "codec/json.h"
#include "conn/conn.h"
#include "conn/files.h"

typedef struct sink_jsonl {
    mr_sink base;
    const char *path;          // Option.
    const char *root;          // Option.
    const char *partition_by;  // Option.
    bool nulls;                // Option.
    uint64_t roll_size;        // Option; the driver's.
    int64_t roll_age;          // Option; the driver's.
    mr_files files;
} sink_jsonl;

static const mr_option jsonl_options[] = {
    MR_OPTION(sink_jsonl, path, MR_OPT_PATH, NULL,
              "Folder of the table; below the server's path, or below the lake."),
    MR_OPTION(sink_jsonl, root, MR_OPT_PATH, NULL, "The server's path."),
    MR_OPTION(sink_jsonl, partition_by, MR_OPT_TEXT, NULL,
              "Columns, with commas, that become folders column=value."),
    MR_OPTION(sink_jsonl, nulls, MR_OPT_BOOL, "true",
              "Whether a NULL is written, or its key left out."),
    MR_OPTION(sink_jsonl, roll_size, MR_OPT_BYTES, "0",
              "Rows wait for this many bytes before they become a file; 0 = for the trigger only."),
    MR_OPTION(sink_jsonl, roll_age, MR_OPT_DURATION, "0",
              "With roll_size: the longest that a row waits; 0 = no limit."),
    MR_OPTION_END,
};

typedef struct jsonl_encoder {
    const mr_schema *schema;
    bool nulls;
} jsonl_encoder;

static mr_code encoder_open(const void *options, const mr_schema *schema, void **ret, mr_cx *cx) {
    (void)cx;
    jsonl_encoder *encoder = mr_heap_alloc(sizeof(*encoder));
    encoder->schema = schema;
    encoder->nulls = ((const sink_jsonl *)options)->nulls;
    *ret = encoder;
    return MR_OK;
}

static mr_code encoder_write(void *encoder, const mr_batch *in, mr_text *out, mr_cx *cx) {
    (void)cx;
    const jsonl_encoder *e = encoder;
    mr_json_write(e->schema, in, e->nulls, out);
    return MR_OK;
}

static mr_code encoder_finish(void *encoder, mr_text *out, mr_cx *cx) {
    (void)encoder;
    (void)out;
    (void)cx;
    return MR_OK;
}

static void encoder_close(void *encoder) {
    mr_heap_free(encoder);
}

static const mr_files_format jsonl_format = {
    .ending = ".jsonl",
    .open = encoder_open,
    .write = encoder_write,
    .finish = encoder_finish,
    .close = encoder_close,
};

static mr_code jsonl_open(mr_sink *base, const mr_sink_spec *spec, mr_cx *cx) {
    sink_jsonl *s = (sink_jsonl *)base;
    base->spec = *spec;
    MR_TRY(mr_conn_options(jsonl_options, spec->options, s, &base->arena, cx));
    mr_files_options options = {
        .format = &jsonl_format,
        .format_options = s,
        .sink = base,
        .root = s->root,
        .path = s->path,
        .partition_by = s->partition_by,
    };
    return mr_files_open(&s->files, &options, cx);
}

static mr_code jsonl_begin(mr_sink *base, const mr_publication_id *id, mr_cx *cx) {
    return mr_files_begin(&((sink_jsonl *)base)->files, id, cx);
}

static mr_code jsonl_write(mr_sink *base, const mr_batch *in, mr_cx *cx) {
    return mr_files_write(&((sink_jsonl *)base)->files, in, cx);
}

static mr_code jsonl_prepare(mr_sink *base, mr_publication *ret, mr_cx *cx) {
    return mr_files_prepare(&((sink_jsonl *)base)->files, ret, cx);
}

static void jsonl_abort(mr_sink *base, mr_cx *cx) {
    mr_files_abort(&((sink_jsonl *)base)->files, cx);
}

static mr_code jsonl_publish(mr_sink *base, const mr_publication *publication, mr_cx *cx) {
    return mr_publish_files(&((sink_jsonl *)base)->files.publish, publication, cx);
}

static mr_code jsonl_recover(mr_sink *base, const mr_publication *publication, mr_cx *cx) {
    return mr_publish_recover(&((sink_jsonl *)base)->files.publish, publication, cx);
}

static mr_code jsonl_sweep(mr_sink *base, mr_cx *cx) {
    return mr_publish_sweep(&((sink_jsonl *)base)->files.publish, cx);
}

static mr_code jsonl_erase(mr_sink *base, mr_cx *cx) {
    return mr_publish_erase(&((sink_jsonl *)base)->files.publish, cx);
}

static void jsonl_close(mr_sink *base) {
    mr_files_close(&((sink_jsonl *)base)->files);
    mr_arena_release(&base->arena);
}

const mr_sink_type mr_sink_jsonl = {
    .name = "jsonl",
    .file = __FILE__,
    .summary = "Writes rows as JSON lines, in folders by partition.",
    .size = sizeof(sink_jsonl),
    .options = jsonl_options,
    .modes = 1u << MR_MODE_APPEND,
    .default_trigger = "30 seconds",
    .registers = true,
    .format = "jsonl",
    .open = jsonl_open,
    .begin = jsonl_begin,
    .write = jsonl_write,
    .prepare = jsonl_prepare,
    .abort = jsonl_abort,
    .publish = jsonl_publish,
    .recover = jsonl_recover,
    .sweep = jsonl_sweep,
    .erase = jsonl_erase,
    .close = jsonl_close,
};
