// Driver: a pipeline's life: open, run epoch after epoch, stop; see driver.h.

#include "exec/driver.h"

#include <string.h>

#include "exec/run.h"

#define CANCEL_LOOK_US (50 * 1000)  // How often a stop that is asked for is looked for.

// DISTINCT behind DISTINCT: rows would have to be exchanged twice and lose their order; one worker
// runs it.
static bool has_nested_distinct(const mr_pipeline *pipeline) {
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        uint32_t depth = 0;
        for (const mr_plan *plan = pipeline->plans[p]; plan != NULL; plan = plan->input) {
            depth += plan->kind == MR_PLAN_DISTINCT;
        }
        if (depth > 1) {
            return true;
        }
    }
    return false;
}

uint32_t mr_driver_workers(const mr_pipeline *pipeline, uint32_t wanted) {
    return has_nested_distinct(pipeline) ? 1 : wanted;
}

static mr_code stagings_make(mr_driver *driver, mr_cx *cx) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    driver->staging_count = pipeline->insert_count + 2 * pipeline->source_count;
    driver->stagings = MR_NEW_ARRAY(&driver->arena, mr_staging, driver->staging_count);
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        const mr_plan_insert *insert = &pipeline->inserts[i];
        MR_TRY(mr_staging_init(&driver->stagings[i], driver->spec.sinks[i], insert->table, i,
                               insert->trigger_us, cx));
        driver->stagings[i].hash = insert->hash;
    }
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        uint32_t at = pipeline->insert_count + 2 * s;
        mr_sink *bad = driver->spec.bad_sinks[s];
        mr_sink *late = driver->spec.late_sinks[s];
        MR_TRY(mr_staging_init(&driver->stagings[at], bad, bad->spec.table, at,
                               driver->spec.aside_trigger_us, cx));
        MR_TRY(mr_staging_init(&driver->stagings[at + 1], late, late->spec.table, at + 1,
                               driver->spec.aside_trigger_us, cx));
        driver->stagings[at].hash = mr_schema_hash(bad->spec.schema);
        driver->stagings[at + 1].hash = mr_schema_hash(late->spec.schema);
    }
    return MR_OK;
}

// Operators that start empty: those that no insert uses which goes on.
static void forget_states(mr_driver *driver) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    const mr_driver_change *change = driver->spec.change;
    if (change == NULL) {
        return;
    }
    driver->forgotten = MR_NEW_ARRAY(&driver->arena, bool, pipeline->plan_count + 1);
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        driver->forgotten[p] = true;
    }
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        for (const mr_plan *plan = pipeline->inserts[i].root; plan != NULL; plan = plan->input) {
            driver->forgotten[plan->id] = driver->forgotten[plan->id] && change->forget[i];
        }
    }
}

// First start: positions are resolved and committed as epoch 0 before anything is read.
static mr_code start_fresh(mr_driver *driver, mr_cx *cx) {
    driver->incarnation = mr_random_u64(driver->plat);
    uint64_t seed = driver->spec.options.seed;
    driver->seed = seed != 0 ? seed : mr_random_u64(driver->plat);
    MR_TRY(mr_flow_build(driver, cx));
    for (uint32_t s = 0; s < driver->spec.pipeline->source_count; s++) {
        mr_source *source = driver->spec.sources[s];
        MR_TRY(source->type->start(source, cx));
    }
    mr_flow_size_lanes(driver);
    driver->held = true;
    mr_barrier_note(driver, cx);
    MR_TRY(mr_epoch_settle_sources(driver, cx));
    mr_commit_build(driver, 0, mr_clock_real_us(driver->plat));
    MR_TRY(mr_commit_log_append(&driver->log, 0, mr_text_span(&driver->record), cx));
    driver->has_state = true;
    return MR_OK;
}

static mr_code start_recovered(mr_driver *driver, mr_cx *cx) {
    for (uint32_t s = 0; s < driver->spec.pipeline->source_count; s++) {
        mr_source *source = driver->spec.sources[s];
        const mr_recovered *from = &driver->positions[s];
        if (from->known) {
            MR_TRY(source->type->seek(source, from->names, from->positions, from->count, cx));
            continue;
        }
        MR_TRY(source->type->start(source, cx));
        driver->watermark_us = INT64_MIN;  // What others have passed is not late here.
    }
    mr_flow_size_lanes(driver);
    mr_exchange_set_lanes(&driver->exchange, driver->lanes.count);
    driver->recovered = true;
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        driver->panes_bytes += mr_panes_bytes(&driver->aggregates[a].panes);
    }
    driver->panes_delta_bytes = driver->log.segments[driver->log.segment_count - 1].last_bytes;
    return MR_OK;
}

// The first record of a changed query: the whole state, before anything is read.
static mr_code commit_change(mr_driver *driver, mr_cx *cx) {
    driver->changing = true;
    driver->held = true;
    mr_barrier_note(driver, cx);
    MR_TRY(mr_epoch_settle_sources(driver, cx));
    mr_commit_build(driver, driver->epoch + 1, mr_clock_real_us(driver->plat));
    driver->changing = false;
    MR_TRY(
        mr_commit_log_append(&driver->log, driver->epoch + 1, mr_text_span(&driver->record), cx));
    driver->epoch++;
    driver->published_epoch = driver->epoch;  // It publishes nothing.
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        driver->stagings[s].logged_rows = driver->stagings[s].waiting.row_count;
    }
    return MR_OK;
}

static mr_code open_state(mr_driver *driver, mr_cx *cx) {
    driver->positions =
        MR_NEW_ARRAY(&driver->arena, mr_recovered, driver->spec.pipeline->source_count);
    MR_TRY(mr_commit_log_open(&driver->log, driver->spec.state_dir, mr_commit_apply_record, driver,
                              cx));
    driver->log.segment_bytes_max =
        MR_MAX(MR_MIN(driver->log.segment_bytes_max, driver->spec.options.log_bytes / 4), 1u);
    if (driver->epoch_first > mr_commit_cut_epoch(driver)) {
        return mr_fail(cx, MR_E_CORRUPT,
                       "Restore the state folder from a copy, or start over with --fresh.",
                       "commit log in \"%s\" starts at epoch %" PRIu64 ", what is before is gone",
                       driver->spec.state_dir, driver->epoch_first);
    }
    bool changes = driver->has_state && driver->spec.change != NULL;
    if (driver->has_state && !changes && !driver->same_query) {
        return mr_commit_other_query(driver, cx);
    }
    MR_TRY(driver->has_state ? start_recovered(driver, cx) : start_fresh(driver, cx));
    MR_TRY(mr_epoch_publish_pending(driver, cx));
    if (changes) {
        MR_TRY(commit_change(driver, cx));
    }
    if (driver->spec.published != NULL) {
        MR_TRY(driver->spec.published(driver->spec.published_self, driver->incarnation,
                                      driver->published_epoch, cx));
    }
    mr_barrier_now(driver);
    return mr_flow_open_readers(driver, cx);
}

mr_code mr_driver_open(const mr_driver_spec *spec, mr_driver **ret, mr_cx *cx) {
    mr_assert(spec->options.workers >= 1);
    mr_driver *driver = mr_heap_alloc(sizeof *driver);
    driver->spec = *spec;
    driver->plat = cx->plat;
    driver->watermark_us = INT64_MIN;
    driver->worker_count = mr_driver_workers(spec->pipeline, spec->options.workers);
    driver->log.file = MR_FILE_CLOSED;
    mr_mutex_init(&driver->claim_mutex);
    mr_mutex_init(&driver->signal_mutex);
    mr_condition_init(&driver->signal);
    mr_lanes_init(&driver->lanes);
    mr_text_init(&driver->record, NULL);
    *ret = driver;  // Also on failure: close frees what was made.
    MR_TRY(stagings_make(driver, cx));
    forget_states(driver);
    mr_code code = open_state(driver, cx);
    return code == MR_OK ? code
                         : mr_error_in(cx, code, "opening pipeline \"%s\"", spec->pipeline->name);
}

void mr_driver_close(mr_driver *driver) {
    mr_flow_release(driver);
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        mr_staging_release(&driver->stagings[s]);
    }
    mr_commit_log_close(&driver->log, driver->plat);
    for (uint32_t s = 0; driver->positions != NULL && s < driver->spec.pipeline->source_count;
         s++) {
        mr_arena_release(&driver->positions[s].arena);
    }
    mr_heap_free(driver->pending);
    mr_text_release(&driver->record);
    mr_lanes_release(&driver->lanes);
    mr_mutex_release(&driver->claim_mutex);
    mr_mutex_release(&driver->signal_mutex);
    mr_condition_release(&driver->signal);
    mr_arena_release(&driver->epoch_arena);
    mr_arena_release(&driver->arena);
    mr_heap_free(driver);
}

uint64_t mr_driver_incarnation(const mr_driver *driver) {
    return driver->incarnation;
}

uint64_t mr_driver_epoch(const mr_driver *driver) {
    return driver->epoch;
}

static bool single(const mr_driver *driver) {
    return driver->worker_count == 1;
}

// A step of the only worker, in the caller's thread; what fails is kept as a thread's would be.
static mr_code single_step(mr_driver *driver, bool *ret_worked) {
    mr_worker *worker = &driver->workers[0];
    worker->code = mr_worker_step(worker, ret_worked);
    atomic_store(&worker->failed, worker->code != MR_OK);
    return worker->code;
}

static mr_worker *failed_worker(mr_driver *driver) {
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        if (atomic_load(&driver->workers[w].failed)) {
            return &driver->workers[w];
        }
    }
    return NULL;
}

void mr_driver_signal(mr_driver *driver) {
    if (!single(driver)) {
        mr_mutex_lock(&driver->signal_mutex);
        mr_condition_broadcast(&driver->signal);
        mr_mutex_unlock(&driver->signal_mutex);
    }
}

void mr_driver_wait(mr_driver *driver, bool (*done)(mr_driver *driver)) {
    mr_mutex_lock(&driver->signal_mutex);
    while (!done(driver)) {
        mr_condition_wait(&driver->signal, &driver->signal_mutex, -1);
    }
    mr_mutex_unlock(&driver->signal_mutex);
}

static bool all_parked_or_failed(mr_driver *driver) {
    return atomic_load(&driver->parked) == driver->worker_count || failed_worker(driver) != NULL;
}

static bool none_parked(mr_driver *driver) {
    return atomic_load(&driver->parked) == 0;
}

// Lets no more chunks be claimed and finishes what is under way.
static mr_code pause_and_drain(mr_driver *driver) {
    mr_mutex_lock(&driver->claim_mutex);
    atomic_store(&driver->pausing, true);
    mr_mutex_unlock(&driver->claim_mutex);
    if (single(driver)) {
        bool worked = true;
        while (worked) {
            MR_TRY(single_step(driver, &worked));
        }
        return MR_OK;
    }
    mr_exchange_wake(&driver->exchange);
    mr_driver_wait(driver, all_parked_or_failed);
    return failed_worker(driver) != NULL ? failed_worker(driver)->code : MR_OK;
}

void mr_driver_resume(mr_driver *driver) {
    atomic_store(&driver->epoch_chunks, 0);
    atomic_store(&driver->full, false);
    driver->behind = !atomic_exchange(&driver->caught_up, false);
    driver->resumed_us = mr_clock_monotonic_us(driver->plat);
    mr_driver_release(driver);
}

void mr_driver_release(mr_driver *driver) {
    if (!single(driver)) {
        atomic_store(&driver->pausing, false);
        mr_exchange_wake(&driver->exchange);
        mr_driver_wait(driver, none_parked);
    }
    atomic_store(&driver->pausing, false);
}

// Whoever was behind commits once the backlog is worked off, and not up to an epoch later. A stream
// that is caught up every now and then is never behind, so that it has no more epochs for it.
static bool backlog_is_over(const mr_driver *driver) {
    return driver->spec.options.until == MR_UNTIL_STOPPED && driver->behind &&
           atomic_load(&driver->caught_up) && atomic_load(&driver->epoch_chunks) > 0;
}

static bool epoch_over(const mr_driver *driver, int64_t elapsed_us, const mr_cx *cx) {
    const mr_driver_options *options = &driver->spec.options;
    return elapsed_us >= driver->epoch_us || mr_cx_cancelled(cx) ||
           (options->until != MR_UNTIL_STOPPED && atomic_load(&driver->exhausted)) ||
           atomic_load(&driver->full) || backlog_is_over(driver) ||
           atomic_load(&driver->epoch_bytes) >= options->epoch_bytes ||
           (options->epoch_rows > 0 && atomic_load(&driver->epoch_rows) >= options->epoch_rows);
}

static int64_t elapsed_us(const mr_driver *driver) {
    return mr_clock_monotonic_us(driver->plat) - driver->resumed_us;
}

// Waits beside the workers until the epoch is over or one of them has failed.
static void epoch_wait(mr_driver *driver, const mr_cx *cx) {
    mr_mutex_lock(&driver->signal_mutex);
    int64_t now_us = elapsed_us(driver);
    while (!epoch_over(driver, now_us, cx) && failed_worker(driver) == NULL) {
        int64_t wait_us = MR_MIN(driver->epoch_us - now_us, (int64_t)CANCEL_LOOK_US);
        mr_condition_wait(&driver->signal, &driver->signal_mutex, wait_us);
        now_us = elapsed_us(driver);
    }
    mr_mutex_unlock(&driver->signal_mutex);
}

// Runs the input of one epoch.
static mr_code epoch_input(mr_driver *driver, mr_cx *cx) {
    if (!single(driver)) {
        epoch_wait(driver, cx);
        return failed_worker(driver) != NULL ? failed_worker(driver)->code : MR_OK;
    }
    while (true) {
        bool worked;
        MR_TRY(single_step(driver, &worked));
        int64_t now_us = elapsed_us(driver);
        if (epoch_over(driver, now_us, cx)) {
            return MR_OK;
        }
        if (!worked) {
            mr_worker_wait(&driver->workers[0], driver->epoch_us - now_us);
        }
    }
}

static mr_code refresh_sources(mr_driver *driver, mr_cx *cx) {
    for (uint32_t s = 0; s < driver->spec.pipeline->source_count; s++) {
        mr_source *source = driver->spec.sources[s];
        if (source->type->refresh != NULL) {
            MR_TRY(source->type->refresh(source, cx));
        }
    }
    mr_flow_size_lanes(driver);
    mr_exchange_set_lanes(&driver->exchange, driver->lanes.count);
    if (driver->spec.between_epochs != NULL) {
        driver->spec.between_epochs(driver->spec.published_self, cx);
    }
    return MR_OK;
}

// One epoch from its start to its commit. *ret_done: the run is over.
static mr_code epoch_run(mr_driver *driver, bool *ret_done, mr_cx *cx) {
    const mr_driver_options *options = &driver->spec.options;
    int64_t start_us = driver->resumed_us;
    MR_TRY(epoch_input(driver, cx));
    int64_t over_us = mr_clock_monotonic_us(driver->plat);
    MR_TRY(pause_and_drain(driver));
    bool timed_out =
        options->duration_us > 0 && over_us - driver->started_us >= options->duration_us;
    bool last = mr_cx_cancelled(cx) || timed_out;
    bool ended = atomic_load(&driver->exhausted) && options->until != MR_UNTIL_STOPPED;
    MR_TRY(refresh_sources(driver, cx));
    mr_epoch_end end = {.last = ended || last,
                        .flush = ended,
                        .close_windows = ended && options->until == MR_UNTIL_END,
                        .input_us = over_us - start_us,
                        .delay_us = MR_MAX(over_us - start_us - driver->epoch_us, 0)};
    atomic_store(&driver->exhausted, false);
    bool committed;
    MR_TRY(mr_epoch_finish(driver, &end, &committed, cx));
    driver->epoch_us = MR_MIN(driver->epoch_us * 2, options->epoch_us);
    driver->epochs_done += committed;
    driver->ended = ended;
    *ret_done =
        ended || last ||
        (options->stop_after_epochs > 0 && driver->epochs_done >= options->stop_after_epochs);
    return MR_OK;
}

static mr_code threads_start(mr_driver *driver, mr_cx *cx) {
    for (uint32_t w = 0; w < driver->worker_count && !single(driver); w++) {
        mr_worker *worker = &driver->workers[w];
        const char *name = mr_arena_printf(&driver->arena, "worker %u", w);
        MR_TRY(mr_thread_start(&worker->thread, name, mr_worker_run, worker, cx));
    }
    return MR_OK;
}

static void threads_stop(mr_driver *driver) {
    atomic_store(&driver->stopping, true);
    atomic_store(&driver->pausing, false);
    mr_lanes_fail(&driver->lanes);
    mr_exchange_wake(&driver->exchange);
    for (uint32_t w = 0; w < driver->worker_count && !single(driver); w++) {
        mr_thread_join(&driver->workers[w].thread);
    }
}

mr_code mr_driver_run(mr_driver *driver, bool *ret_ended, mr_cx *cx) {
    mr_cx run = *cx;
    run.arena = &driver->epoch_arena;
    driver->started_us = mr_clock_monotonic_us(driver->plat);
    driver->resumed_us = driver->started_us;
    driver->behind = true;
    // The first epochs are short, so that the first row is soon out.
    const mr_driver_options *options = &driver->spec.options;
    int64_t first_us = options->epoch_first_us > 0 ? options->epoch_first_us : options->epoch_us;
    driver->epoch_us = MR_MIN(first_us, options->epoch_us);
    mr_code code = threads_start(driver, &run);
    bool done = false;
    while (code == MR_OK && !done) {
        code = epoch_run(driver, &done, &run);
    }
    threads_stop(driver);
    cx->error = run.error;
    if (code != MR_OK && failed_worker(driver) != NULL) {
        cx->error = failed_worker(driver)->cx.error;
        code = failed_worker(driver)->code;
    }
    *ret_ended = driver->ended;
    return code;
}
