// Commit view: one commit record taken apart, without the pipeline that wrote it.
//
// Who replays a record into a pipeline (commit_replay.c) and who only looks at what a state holds
// (state.c: `stream show`, `diff`) read it through this one parser. Spans point into the record;
// everything else is in the arena of the call.

#pragma once

#include "exec/record.h"
#include "port/sink.h"
#include "sql/plan.h"

#define MR_COMMIT_FORMAT 2

typedef struct mr_view_source {
    const char *name;
    uint64_t hash;  // Of what says which records it reads.
    const char **partitions;
    int64_t *positions;
    uint32_t partition_count;
    int64_t *lanes;  // Greatest event time of each; INT64_MIN = none.
    uint32_t lane_count;
} mr_view_source;

typedef struct mr_view_sink {
    const char *name;
    uint64_t hash;     // Of its path; of a side table: of its columns.
    bool handed_over;  // What waited before is gone, or repeated here.
    uint64_t update_epoch;
    uint64_t row_count;  // Rows in `rows`.
    uint64_t schema_hash;
    mr_schema schema;  // Of the rows; types are those that have a name in this version.
    mr_span rows;      // Encoded; empty when row_count is 0.
} mr_view_sink;

typedef struct mr_view_part {  // A full part: a key group, or all waiting rows.
    uint32_t part;
    mr_span *states;  // One a stateful node; none for the waiting rows.
} mr_view_part;

typedef struct mr_view_publication {
    uint32_t sink;  // Index in sinks.
    mr_publication publication;
} mr_view_publication;

typedef struct mr_commit_view {
    const char *pipeline;
    uint64_t incarnation;
    uint64_t seed;
    int64_t time_us;
    uint64_t published_epoch;
    int64_t watermark_us;
    uint64_t counters[5];  // Input rows and bytes, bad, late, duplicates.
    uint64_t state_rows;
    uint64_t state_bytes;
    uint64_t query_hash;
    mr_view_source *sources;
    uint32_t source_count;
    uint64_t *states;  // Hashes of the stateful nodes, in plan order.
    mr_span *deltas;   // One a stateful node.
    uint32_t state_count;
    mr_view_part *parts;
    uint32_t part_count;
    mr_view_sink *sinks;
    uint32_t sink_count;
    mr_view_publication *publications;
    uint32_t publication_count;
} mr_commit_view;

// Whether a node keeps state that is in the record.
bool mr_commit_is_stateful(const mr_plan *plan);
// Takes a record apart. `name` (of the state folder) and `epoch` are for messages and names.
//   errors  MR_E_CORRUPT; MR_E_UNSUPPORTED for another format version
mr_code mr_commit_view_read(const char *name, uint64_t epoch, mr_span payload, mr_commit_view *ret,
                            mr_cx *cx);
