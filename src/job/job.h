// Job: one pipeline's life: its file, its place in a project, its connectors, its run.
//
//   load     text ─▶ variables ─▶ plan                     (check, explain: stop here)
//   run      lock ─▶ tables, sources, sinks ─▶ catalogue ─▶ driver
// Paths in a pipeline's file are relative to the project folder, which is the process's working
// directory (mr_job_project finds it). State is in <data>/state/<pipeline>, the lake in
// <data>/lake.

#pragma once

#include "exec/driver.h"
#include "job/config.h"
#include "job/query.h"
#include "plat/plat.h"
#include "port/port.h"
#include "sql/plan.h"

// Settings of section "exec": -c exec.NAME=VALUE, MILLRACE_EXEC_NAME, millrace.yaml, or the
// defaults.
typedef struct mr_job_exec {
    int64_t workers;  // 0 = one a core.
    int64_t batch_rows;
    uint64_t chunk_bytes;
    int64_t epoch;  // Microseconds.
    int64_t epoch_first;
    uint64_t epoch_bytes;
    int64_t epoch_rows;
    int64_t stop_after_epochs;
    uint64_t memory_limit;
    uint64_t log_bytes;
    int64_t seed;           // 0 = random.
    int64_t aside_trigger;  // Microseconds: trigger of bad and late tables.
    const char *aside_format;
} mr_job_exec;

extern const mr_option mr_job_exec_options[];

typedef struct mr_job_spec {
    const char *file;  // As the user wrote it, for messages.
    mr_span text;      // Its content.
    const char *data_dir;
    const mr_port *port;
    const mr_job_pair
        *sets;  // --set NAME=VALUE, then what .env says: the environment comes between.
    uint32_t set_count;
    uint32_t env_count;
    const mr_job_pair *sources;  // --source TABLE=SPEC
    uint32_t source_count;
    const mr_job_pair *config;  // -c section.key=value
    uint32_t config_count;
    mr_embedded *embedded;         // The broker of this process; NULL: there is none …
    const char *embedded_address;  // … and the project's, if one runs, is here.
    mr_until until;
    int64_t duration_us;  // 0 = not limited.
    bool fresh;
    bool accept_loss;
    // What a console table prints goes there instead of standard output; may be NULL.
    void (*print)(void *self, mr_span text);
    bool any_sink;   // For tests: rows for any sink are written as JSON lines in the data folder.
    bool rehearsal;  // Measured, and nothing is written outside of data_dir: see rehearsal.h.
    void (*progress)(void *self, const mr_progress *progress);
    void (*warn)(void *self, const char *text);  // What a person should know; may be NULL.
    void *self;
} mr_job_spec;

typedef struct mr_job mr_job;

// The project folder of a pipeline file: the nearest folder above it with a millrace.yaml; else the
// parent of a folder named sql, dags or tests; else the file's own folder.
const char *mr_job_project(const char *file, mr_cx *cx);
// NAME=VALUE lines of <folder>/.env; none when there is no such file. errors MR_E_SYNTAX
mr_code mr_job_env_file(const char *path, mr_job_pair **ret, uint32_t *ret_count, mr_cx *cx);
// … as NAME=value, NULL-ended, for tasks and connections: without what the environment has, which
// wins. servers: as KAFKA_BOOTSTRAP_SERVERS too; may be NULL.
const char *const *mr_job_env(const mr_job_pair *pairs, uint32_t count, const char *servers,
                              mr_cx *cx);

// Reads and plans. Memory: cx->arena, which must outlive the job. ret_errors: all errors of the
// file.
mr_code mr_job_load(const mr_job_spec *spec, mr_job **ret, mr_sql_errors *ret_errors, mr_cx *cx);
const mr_pipeline *mr_job_pipeline(const mr_job *job);
const char *mr_job_state_dir(const mr_job *job);
// The broker that "embedded" means: this process's, or where the project's listens. Before a run.
void mr_job_embed(mr_job *job, mr_embedded *embedded, const char *address);
// Opens everything and runs until the end or a stop. *ret_ended: the whole input was read.
mr_code mr_job_run(mr_job *job, bool *ret_ended, mr_cx *cx);
const mr_job_exec *mr_job_settings(const mr_job *job);
const mr_driver *mr_job_driver(const mr_job *job);  // NULL before a run.
// The query against the committed state. Takes no lock.
mr_code mr_job_compare(mr_job *job, mr_change *ret, mr_cx *cx);
// What a run found that was not the query it has state for; NULL when it had no reason to look.
const mr_change *mr_job_change(const mr_job *job);
// Where a table's rows are, or NULL (a console).
const char *mr_job_sink_path(const mr_job *job, uint32_t insert);
void mr_job_close(mr_job *job, mr_cx *cx);
