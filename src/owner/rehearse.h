// Rehearse: one run of a DAG in this process, with a database that is thrown away: `dag test`.
//
// It is the same scheduler and the same executor as under `millrace up`; only where runs are kept
// differs. Tasks work on the project's real data. Connections, variables and secrets are the
// project's.

#pragma once

#include "job/config.h"
#include "plat/plat.h"

typedef struct mr_rehearse_spec {
    const char *file;  // The DAG's.
    const char *data_dir;
    const char *date;         // Logical date; NULL = now.
    const char *params_json;  // An object.
    const char *only;         // A task; NULL = all.
    bool mark_success;
    const mr_job_pair *config;
    uint32_t config_count;
    const mr_job_pair *env;  // Of .env.
    uint32_t env_count;
    void (*print)(void *self, const char *line);  // A log's line, and what happens.
    void *self;
} mr_rehearse_spec;

// The working directory is the project's folder. *ret_good: the run succeeded.
//   errors  what is wrong with the file or what was given; MR_E_CANCELLED
mr_code mr_rehearse_run(const mr_rehearse_spec *spec, bool *ret_good, mr_cx *cx);
