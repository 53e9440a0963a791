// State: what a pipeline's commit log says, for people and for decisions, without its operators.
//
// Read from the records alone (commit_view.h), so it needs no pipeline, takes no lock, and changes
// nothing: it also works while the pipeline runs. What the last record holds is taken as it is;
// rows that wait are counted over all records.

#pragma once

#include "exec/commit_view.h"

typedef struct mr_state_sink {
    const char *name;
    uint64_t hash;
    uint64_t waiting_rows;
    uint64_t pending_rows;  // Of publications that are not known to be done.
    uint32_t pending_count;
} mr_state_sink;

typedef struct mr_state {
    bool exists;  // false: there is no committed epoch, nothing else is set.
    uint64_t epoch;
    mr_commit_view last;   // The last record; its spans (rows, states) are not valid any more.
    mr_state_sink *sinks;  // In the last record's order.
    uint32_t sink_count;
    uint64_t log_bytes;
    uint32_t segment_count;
} mr_state;

// Memory: cx->arena.  errors  MR_E_CORRUPT, MR_E_UNSUPPORTED (format), MR_E_IO
mr_code mr_state_read(const char *state_dir, mr_state *ret, mr_cx *cx);
