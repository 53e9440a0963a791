// Inside: what the files of this folder share of a job. Nobody else includes it.

#pragma once

#include "job/job.h"
#include "job/query.h"
#include "job/tables.h"
#include "lake/delegate.h"

struct mr_job {
    mr_job_spec spec;
    mr_job_exec exec;
    const char *name;
    const char *replays;  // The pipeline whose rows it replays; NULL: it is itself.
    const char *state_dir;
    const char *run_id;
    mr_plat *plat;
    mr_pipeline *pipeline;
    mr_lock lock;
    bool locked;
    mr_tables tables;
    mr_source **sources;
    mr_sink **sinks;  // Inserts, then bad and late of each source.
    uint32_t sink_count;
    struct mr_job_swap *swaps;  // Of tables that this pipeline writes: open.c.
    uint32_t swap_count;
    mr_driver *driver;
    mr_delegate *delegate;  // Functions that DuckDB runs.
    mr_change *change;      // The query against the state, once it was looked at.
};

// open.c: takes the pipeline's lock. A task that swaps files of a table may hold it for a moment,
// standing for the pipeline (task/rewrite.h): that is waited for, 30 seconds at most.
//   errors  MR_E_LOCKED
mr_code mr_open_lock(mr_job *job, mr_cx *cx);
// Takes the lock, finishes what a start or a reset before it left half done, opens tables, sources
// and sinks, and enters the tables in the catalogue.
mr_code mr_open_all(mr_job *job, mr_cx *cx);
// Opens the driver on the state, with what it is to take over of another query (NULL: nothing).
mr_code mr_open_driver(mr_job *job, const mr_driver_change *change, mr_cx *cx);
// The same for a run: a query that changed goes on where that loses nothing, else it is refused.
mr_code mr_open_driver_to_run(mr_job *job, mr_cx *cx);

// erase.c: removes what this pipeline wrote into a table (and every earlier life of it).
mr_code mr_erase_table(mr_job *job, const char *table, mr_cx *cx);
// --fresh, as one step: the state's folder is renamed away, then its tables' files go, then it.
mr_code mr_erase_state(mr_job *job, mr_cx *cx);
// Finishes a removal that was cut short. MR_OK when there is none.
mr_code mr_erase_recover(mr_job *job, mr_cx *cx);
