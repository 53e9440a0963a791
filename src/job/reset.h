// Reset: some or all tables of a pipeline start anew: with empty state, and, when asked for, from
// another place of their sources.
//
// It is one commit: the record that follows holds the state as it is to be, written whole. What is
// to be deleted is marked before it and removed after it (erase.c), and a start that finds the mark
// finishes it.

#pragma once

#include "job/job.h"

typedef enum mr_reset_rows { MR_ROWS_UNSAID, MR_ROWS_KEEP, MR_ROWS_DELETE } mr_reset_rows;

typedef struct mr_reset_spec {
    const char *const *tables;  // Inserts' tables; none = all.
    uint32_t table_count;
    const char *to;      // "earliest", "latest", a time; NULL: sources stay where they are.
    mr_reset_rows rows;  // What was written: unsaid is keep, but delete with "earliest".
    bool dry;            // Only find out and say.
} mr_reset_spec;

typedef struct mr_reset_report {
    uint64_t epoch;  // The state's epoch before.
    mr_text said;    // What is done (or would be), one line each.
} mr_reset_report;

// Takes the pipeline's lock. Memory: cx->arena.  errors  MR_E_MISSING without a state; MR_E_OPTION
// for tables it has not, sources that others read too, and what a source cannot do; MR_E_LOCKED
mr_code mr_reset_run(mr_job *job, const mr_reset_spec *spec, mr_reset_report *ret, mr_cx *cx);

// erase.c: writes down that the tables' files go once the state is past `epoch`; and does it.
mr_code mr_erase_mark(mr_job *job, uint64_t epoch, const char *const *tables, uint32_t count,
                      mr_cx *cx);
mr_code mr_erase_marked(mr_job *job, uint64_t epoch, mr_cx *cx);
