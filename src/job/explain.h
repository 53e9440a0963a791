// Explain: what a pipeline makes the program do, before a run or with what one measured.
//
// One walk over the plan says the facts (state and what bounds it, watermark, join strategy,
// exchange, native or delegated functions, sinks) and the measured numbers; it writes text for
// people or JSON for programs, so the two cannot say different things.

#pragma once

#include "job/job.h"

// Sums over the epochs of a run; zeroed before it.
typedef struct mr_explain_run {
    uint64_t epochs;  // Committed ones.
    uint64_t input_rows;
    uint64_t input_bytes;
    uint64_t bad_rows;
    uint64_t late_rows;
    uint64_t duplicates;
    int64_t input_us;
    int64_t emit_us;
    int64_t commit_us;
    int64_t publish_us;
    int64_t watermark_us;
    uint64_t state_bytes_max;  // Greatest at an epoch's end.
    uint64_t log_bytes;
    int64_t wall_us;              // The caller's to fill, as what follows.
    uint64_t resident_bytes_max;  // Of the process.
    bool ended;                   // The whole input was read.
} mr_explain_run;

// mr_job_spec.progress, with an mr_explain_run as self.
void mr_explain_count(void *run, const mr_progress *epoch);
// run: NULL when nothing ran. Times are of processors, summed over workers, but the epochs'.
void mr_explain_text(const mr_job *job, const mr_explain_run *run, mr_text *out);
void mr_explain_json(const mr_job *job, const mr_explain_run *run, mr_text *out);
