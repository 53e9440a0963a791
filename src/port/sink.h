// Sink: what a connector that takes rows promises to the driver.
//
// The driver keeps the rows that wait for a sink's trigger (they are part of the commit record) and
// hands them over in one go: begin, write…, prepare. prepare makes everything durable in a place
// that no reader sees and describes it in a publication; the commit record with that publication is
// fsynced; publish makes it visible and may be repeated. After a crash `recover` gets every
// publication that the log lists and is not known to be published, `sweep` removes this pipeline's
// other leftovers.

#pragma once

#include "base/option.h"
#include "column/rows.h"
#include "port/embedded.h"

typedef struct mr_sink mr_sink;

// Identity of what is written: two workers or two lives never meet in one name.
typedef struct mr_publication_id {
    const char *pipeline;
    uint64_t incarnation;
    uint64_t epoch;
    uint32_t sink;  // Index in the pipeline.
} mr_publication_id;

typedef struct mr_publication_file {
    const char *part;   // Path of the durable temporary.
    const char *final;  // Path it will have.
    uint64_t bytes;
    uint64_t rows;
    uint32_t crc;  // CRC32C of the content.
} mr_publication_file;

// A file that was published and whose rows have since been written into another one leaves, where
// its temporary was, its name with this ending, for as long as the commit log may list it.
#define MR_SINK_TAKEN ".taken"

// The path of that mark. It is there in place of both names of the file.
const char *mr_sink_taken_path(const mr_publication_file *file, mr_arena *arena);

typedef struct mr_publication {
    mr_publication_id id;
    mr_publication_file *files;  // In cx->arena of prepare.
    uint32_t file_count;
    uint64_t row_count;
} mr_publication;

typedef enum mr_output_mode { MR_MODE_APPEND, MR_MODE_UPDATE, MR_MODE_COMPLETE } mr_output_mode;

typedef struct mr_sink_spec {
    const char *table;  // Name of the table written.
    const char *pipeline;
    const mr_schema *schema;
    const mr_option_values *options;
    const char *data_dir;  // The project's data folder; lake paths are under <data_dir>/lake.
    const mr_zone *zone;
    mr_output_mode mode;
    const uint32_t *conflict_keys;  // ON CONFLICT columns.
    uint32_t conflict_key_count;
    // What a sink for people prints goes there; NULL: to standard output.
    void (*print)(void *self, mr_span text);
    void *print_self;
    mr_embedded *embedded;         // The broker of this process, or NULL …
    const char *embedded_address;  // … and then where the project's broker listens, or NULL.
} mr_sink_spec;

typedef struct mr_sink_type {
    const char *name;
    const char *file;
    const char *summary;
    size_t size;
    const mr_option *options;
    uint32_t modes;               // Bit (1 << mr_output_mode) for each mode it takes.
    const char *default_trigger;  // Duration; "0" = every epoch.
    bool registers;               // Its files are a table of the catalogue.
    const char *format;           // "parquet" …, for the catalogue.

    mr_code (*open)(mr_sink *sink, const mr_sink_spec *spec, mr_cx *cx);
    mr_code (*begin)(mr_sink *sink, const mr_publication_id *id, mr_cx *cx);
    mr_code (*write)(mr_sink *sink, const mr_batch *in, mr_cx *cx);
    mr_code (*prepare)(mr_sink *sink, mr_publication *ret, mr_cx *cx);
    // Drops what begin and write made, after a failure.
    void (*abort)(mr_sink *sink, mr_cx *cx);
    mr_code (*publish)(mr_sink *sink, const mr_publication *publication, mr_cx *cx);
    // Completes a publication found in the log: final there with the right size: done; part there:
    // publish; neither: MR_E_MISSING naming the file.
    mr_code (*recover)(mr_sink *sink, const mr_publication *publication, mr_cx *cx);
    // Called when every sink of the pipeline has recovered: temporaries of a table are shared.
    mr_code (*sweep)(mr_sink *sink, mr_cx *cx);
    // --fresh: removes what this pipeline published in earlier incarnations. Optional.
    mr_code (*erase)(mr_sink *sink, mr_cx *cx);
    void (*close)(mr_sink *sink);
} mr_sink_type;

struct mr_sink {
    const mr_sink_type *type;
    mr_sink_spec spec;
    mr_arena arena;    // Of the sink's life.
    const char *path;  // Folder of its files, for the catalogue and messages; may be NULL.
};
