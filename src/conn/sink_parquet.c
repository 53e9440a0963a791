// Sink "parquet": rows as Parquet files, one or more an epoch, in folders by partition value.
//
// Exactly once: conn/files.c seals the files in `.tmp` before the commit record, conn/publish.c
// renames them behind it; both steps may be repeated (tests/sim/sinks.c cuts the power at each).
// Threads: one instance belongs to one driver.

#include <string.h>

#include "codec/parquet.h"
#include "conn/conn.h"
#include "conn/files.h"

typedef struct sink_parquet {
    mr_sink base;
    const char *path;          // Option.
    const char *root;          // Option.
    const char *partition_by;  // Option.
    const char *compression;   // Option.
    int64_t row_group_rows;    // Option.
    uint64_t roll_size;        // Option; the driver's.
    int64_t roll_age;          // Option; the driver's.
    mr_parquet_options parquet;
    mr_files files;
} sink_parquet;

static const mr_option parquet_options[] = {
    MR_OPTION(sink_parquet, path, MR_OPT_PATH, NULL,
              "Folder of the table; below the server's path, or below the lake."),
    MR_OPTION(sink_parquet, root, MR_OPT_PATH, NULL, "The server's path."),
    MR_OPTION(sink_parquet, partition_by, MR_OPT_TEXT, NULL,
              "Columns, with commas, that become folders column=value."),
    MR_OPTION_CHOICE(sink_parquet, compression, "zstd|snappy|none", "zstd", "Of the pages."),
    MR_OPTION(sink_parquet, row_group_rows, MR_OPT_INT, "122880", "Rows of a row group, at most."),
    MR_OPTION(sink_parquet, roll_size, MR_OPT_BYTES, "0",
              "Rows wait for this many bytes before they become a file; 0 = for the trigger only."),
    MR_OPTION(sink_parquet, roll_age, MR_OPT_DURATION, "0",
              "With roll_size: the longest that a row waits; 0 = no limit."),
    MR_OPTION_END,
};

static mr_code encoder_open(const void *options, const mr_schema *schema, void **ret, mr_cx *cx) {
    mr_parquet *writer;
    MR_TRY(mr_parquet_open(schema, options, &writer, cx));
    *ret = writer;
    return MR_OK;
}

static mr_code encoder_write(void *encoder, const mr_batch *in, mr_text *out, mr_cx *cx) {
    return mr_parquet_write(encoder, in, out, cx);
}

static mr_code encoder_finish(void *encoder, mr_text *out, mr_cx *cx) {
    return mr_parquet_finish(encoder, out, cx);
}

static void encoder_close(void *encoder) {
    mr_parquet_close(encoder);
}

static const mr_files_format parquet_format = {
    .ending = ".parquet",
    .open = encoder_open,
    .write = encoder_write,
    .finish = encoder_finish,
    .close = encoder_close,
};

static mr_code parquet_open(mr_sink *base, const mr_sink_spec *spec, mr_cx *cx) {
    sink_parquet *s = (sink_parquet *)base;
    base->spec = *spec;
    MR_TRY(mr_conn_options(parquet_options, spec->options, s, &base->arena, cx));
    if (s->row_group_rows < 1 || s->row_group_rows > INT32_MAX) {
        return mr_fail_at(cx, MR_E_OPTION, mr_conn_place(spec->options, "row_group_rows"),
                          "Write a number from 1 to 2147483647.", "row_group_rows cannot be %lld",
                          (long long)s->row_group_rows);
    }
    s->parquet.row_group_rows = (uint32_t)s->row_group_rows;
    s->parquet.compression = strcmp(s->compression, "zstd") == 0     ? MR_COMPRESS_ZSTD
                             : strcmp(s->compression, "snappy") == 0 ? MR_COMPRESS_SNAPPY
                                                                     : MR_COMPRESS_NONE;
    s->parquet.created_by = "millrace";
    mr_files_options options = {
        .format = &parquet_format,
        .format_options = &s->parquet,
        .sink = base,
        .root = s->root,
        .path = s->path,
        .partition_by = s->partition_by,
    };
    return mr_files_open(&s->files, &options, cx);
}

static mr_code parquet_begin(mr_sink *base, const mr_publication_id *id, mr_cx *cx) {
    return mr_files_begin(&((sink_parquet *)base)->files, id, cx);
}

static mr_code parquet_write(mr_sink *base, const mr_batch *in, mr_cx *cx) {
    return mr_files_write(&((sink_parquet *)base)->files, in, cx);
}

static mr_code parquet_prepare(mr_sink *base, mr_publication *ret, mr_cx *cx) {
    return mr_files_prepare(&((sink_parquet *)base)->files, ret, cx);
}

static void parquet_abort(mr_sink *base, mr_cx *cx) {
    mr_files_abort(&((sink_parquet *)base)->files, cx);
}

static mr_code parquet_publish(mr_sink *base, const mr_publication *publication, mr_cx *cx) {
    return mr_publish_files(&((sink_parquet *)base)->files.publish, publication, cx);
}

static mr_code parquet_recover(mr_sink *base, const mr_publication *publication, mr_cx *cx) {
    return mr_publish_recover(&((sink_parquet *)base)->files.publish, publication, cx);
}

static mr_code parquet_sweep(mr_sink *base, mr_cx *cx) {
    return mr_publish_sweep(&((sink_parquet *)base)->files.publish, cx);
}

static mr_code parquet_erase(mr_sink *base, mr_cx *cx) {
    return mr_publish_erase(&((sink_parquet *)base)->files.publish, cx);
}

static void parquet_close(mr_sink *base) {
    mr_files_close(&((sink_parquet *)base)->files);
    mr_arena_release(&base->arena);
}

const mr_sink_type mr_sink_parquet = {
    .name = "parquet",
    .file = __FILE__,
    .summary = "Writes rows as Parquet files, in folders by partition.",
    .size = sizeof(sink_parquet),
    .options = parquet_options,
    .modes = 1u << MR_MODE_APPEND,
    .default_trigger = "30 seconds",
    .registers = true,
    .format = "parquet",
    .open = parquet_open,
    .begin = parquet_begin,
    .write = parquet_write,
    .prepare = parquet_prepare,
    .abort = parquet_abort,
    .publish = parquet_publish,
    .recover = parquet_recover,
    .sweep = parquet_sweep,
    .erase = parquet_erase,
    .close = parquet_close,
};
