// Owner: runs a project: its broker, its pipelines, its services.
//
//   sql/*.sql ──▶ part (a thread: job) ─┐
//   dags/     ──▶ part (a thread: flow) ┤
//   services: ──▶ part (a child)       ─┼─▶ main loop: restarts with back-off, watches the files,
//   broker (its own threads)           ─┘   answers commands over data/owner.sock
// A part that fails stops no other. Everything is relative to the project's folder, which is the
// working directory. One owner a data folder: data/owner.lock. Threads: the main loop owns the
// parts; a pipeline's thread tells it of its life through the part's mutex and a wake.

#pragma once

#include "broker/broker.h"
#include "job/config.h"
#include "port/port.h"

typedef struct mr_owner_spec {
    const char *data_dir;
    const mr_port *port;
    const mr_job_pair *sets;  // For the pipelines: --set, then .env; see job.h.
    uint32_t set_count;
    uint32_t env_count;
    const mr_job_pair *config;  // -c section.key=value
    uint32_t config_count;
    const char *version;
    // A line for people, without line end: what started, what failed. Called by any thread.
    void (*say)(void *self, const char *line);
    void *self;
} mr_owner_spec;

// Runs until cx->cancel is set, or `down` was asked for.
//   errors  MR_E_LOCKED naming the other owner; what keeps the broker from starting
mr_code mr_owner_run(const mr_owner_spec *spec, mr_cx *cx);

// ---- for the other commands --------------------------------------------------------------------

// Asks the owner of a data folder one thing: "status", "stop retail". The answer is JSON, in
// cx->arena.
//   errors  MR_E_MISSING when none runs; MR_E_NAME when it does not know the part or the word
mr_code mr_owner_ask(const char *data_dir, const char *request, mr_span *ret, mr_cx *cx);
// An answer with "error" is that error here.
mr_code mr_owner_check_answer(mr_span answer, mr_cx *cx);
typedef struct mr_owner_flow_spec {
    const char *data_dir;
    const mr_job_pair *config;  // -c section.key=value
    uint32_t config_count;
} mr_owner_flow_spec;
// Asks the scheduler of this data folder (requests are in flow/flow.h); if none runs, its database.
// The working directory is the project's folder.
mr_code mr_owner_ask_flow(const mr_owner_flow_spec *spec, mr_span request, mr_span *ret, mr_cx *cx);
// The address at which the broker of a data folder's owner listens; NULL when none runs.
const char *mr_owner_broker(const char *data_dir, mr_cx *cx);
