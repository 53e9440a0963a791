// Stage: the rows of a publication for a system outside, in a local file that is durable before the
// commit record names it and stays until the system has them.

#pragma once

#include "port/sink.h"

typedef struct mr_stage {
    const char *dir;    // Of the sink's staged files; made when it is missing.
    const char *name;   // Of this one in it.
    const char *final;  // Where its rows will be, for messages.
    mr_span rows;
    uint64_t row_count;
} mr_stage;

// Writes and syncs the file and its folder. *ret is in cx->arena.
mr_code mr_stage_write(const mr_stage *stage, mr_publication_file **ret, mr_cx *cx);
// What was staged, in cx->arena.  errors  MR_E_MISSING when the file is gone, MR_E_CORRUPT when it
// is not what was committed
mr_code mr_stage_load(const mr_publication_file *file, uint64_t bytes_max, mr_span *ret, mr_cx *cx);
// Removes what is staged. The folder is there and durable afterwards, whatever a killed life left.
mr_code mr_stage_sweep(const char *dir, mr_cx *cx);
