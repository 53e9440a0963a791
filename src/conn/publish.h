// Publish: how a file becomes part of a table, for all sinks that write files.
//
//   <table>/.tmp/<pipeline>/<name>.part    written and synced before the commit record
//   <table>/[country=IN/]<name>.parquet    where publish renames it, never replacing; folder synced
//
// The name says pipeline, incarnation, epoch, sink and number (store/name.h), so publishing may be
// repeated: a file that is in place with the right size is done. Crash points: sink.dir_made,
// sink.renamed, sink.dir_synced.

#pragma once

#include "port/sink.h"

// Behind a pipeline's name: what its replays write is theirs to finish, and the pipeline's to
// erase.
#define MR_PUBLISH_REPLAY "~replay"

// Behind it too: what was rewritten (store/swap.h) of what it wrote.
#define MR_PUBLISH_REWRITE "~rewrite"

typedef struct mr_publish {
    const char *dir;  // The table's folder.
    const char *tmp;  // <dir>/.tmp/<pipeline>
    const char *pipeline;
    const char *ending;  // ".parquet"
} mr_publish;

typedef struct mr_publish_options {
    const mr_sink_spec *spec;
    const char *root;    // A server's path, or NULL.
    const char *path;    // The table's, or NULL: the table's name.
    const char *ending;  // Static.
    mr_arena *arena;     // Of the sink's life.
} mr_publish_options;

// Finds the folder. A relative path is below root, or below <data folder>/lake without one; a path
// that begins with data/ is in the data folder, wherever that is.  errors  MR_E_OPTION for a path
// with ".."
mr_code mr_publish_open(mr_publish *publish, const mr_publish_options *options, mr_cx *cx);
// A folder's path without what says nothing at its end: "x//" and "x/." are "x".
const char *mr_publish_trim(const char *path, mr_arena *arena);
// The name, without folder, of a file of this publication, in arena.
const char *mr_publish_name(const mr_publish *publish, const mr_publication_id *id, uint32_t number,
                            mr_arena *arena);
// Whether a file's name says that this pipeline wrote it, in any of its lives.
bool mr_publish_is_own(const mr_publish *publish, mr_span file_name);
// Makes every file visible. May be repeated; what is already done is left as it is.
//   errors  MR_E_MISSING when a file is neither in place nor in .tmp; MR_E_CORRUPT for a wrong size
mr_code mr_publish_files(const mr_publish *publish, const mr_publication *publication, mr_cx *cx);
// The same for a publication from the commit log: checks the content of what is not yet in place.
mr_code mr_publish_recover(const mr_publish *publish, const mr_publication *publication, mr_cx *cx);
// The pipeline of a file's name, without what stands behind it there.
mr_span mr_publish_owner(mr_span pipeline);
// Deletes this pipeline's temporaries; marks of what was taken stay, also those that are made
// meanwhile. Every sink on the table has recovered.
mr_code mr_publish_sweep(const mr_publish *publish, mr_cx *cx);
// Deletes what this pipeline ever published into the table, and folders that are empty then.
mr_code mr_publish_erase(const mr_publish *publish, mr_cx *cx);
