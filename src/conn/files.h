// Files: the engine of sinks that write files: rows to one file a partition value, sealed in
// `.tmp`.
//
// How: rows are dealt to partitions by the bytes of their partition columns; each partition has an
// encoder whose bytes are held back until they are worth a write, so many small partitions cost no
// descriptors. prepare finishes and syncs each file, then the temporary folder: only then may the
// commit record name them. Crash points: sink.part_written, sink.part_synced, sink.tmp_synced.
// Memory: at most FILES_HELD_BYTES of encoded rows a partition. Threads: one owner.

#pragma once

#include "conn/publish.h"

// How rows become bytes.
typedef struct mr_files_format {
    const char *ending;
    mr_code (*open)(const void *options, const mr_schema *schema, void **ret, mr_cx *cx);
    mr_code (*write)(void *encoder, const mr_batch *in, mr_text *out, mr_cx *cx);
    mr_code (*finish)(void *encoder, mr_text *out, mr_cx *cx);
    void (*close)(void *encoder);
} mr_files_format;

typedef struct mr_files_part mr_files_part;

typedef struct mr_files {
    const mr_files_format *format;
    const void *format_options;
    const mr_sink_spec *spec;
    mr_plat *plat;
    mr_publish publish;
    uint32_t *by;  // Partition columns of the schema.
    uint32_t by_count;
    uint32_t *kept;  // Columns that are written.
    mr_schema kept_schema;
    // The publication under way.
    mr_arena arena;
    mr_publication_id id;
    mr_map parts_by_key;
    mr_files_part **parts;
    uint32_t part_count;
    uint32_t part_capacity;
    uint64_t row_count;
} mr_files;

typedef struct mr_files_options {
    const mr_files_format *format;
    const void *format_options;  // Handed to format->open; lives as long.
    mr_sink *sink;               // Its spec is set; its path is set here.
    const char *root;
    const char *path;
    const char *partition_by;  // Column names with commas, or NULL.
} mr_files_options;

mr_code mr_files_open(mr_files *files, const mr_files_options *options, mr_cx *cx);
mr_code mr_files_begin(mr_files *files, const mr_publication_id *id, mr_cx *cx);
mr_code mr_files_write(mr_files *files, const mr_batch *in, mr_cx *cx);
mr_code mr_files_prepare(mr_files *files, mr_publication *ret, mr_cx *cx);
void mr_files_abort(mr_files *files, mr_cx *cx);
void mr_files_close(mr_files *files);
