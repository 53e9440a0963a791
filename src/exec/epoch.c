// Epoch: its end, from parked workers to published files.
//
//   take from the workers ─▶ workers resume ─▶ merge, emit ─▶ settle (what was read is durable) ─▶
//        prepare (rows to sinks, durable but unseen) ─▶ build record ─▶ append + fsync = commit ─▶
//        publish ─▶ tell (readers, source, progress) ─▶ cut the log
// Until the fsync nothing of the epoch is visible, and a crash replays it; after it, recovery
// publishes what is listed. A full disk is waited out: the prepared files are dropped and made
// anew, and nothing is lost.

#include "exec/run.h"

#define RETRY_US (1 * MR_SECOND_US)

static uint32_t prepared_count(const mr_driver *driver) {
    uint32_t count = 0;
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        count += driver->stagings[s].prepared;
    }
    return count;
}

static void abort_prepared(mr_driver *driver, mr_cx *cx) {
    mr_error first = cx->error;
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        mr_staging *staging = &driver->stagings[s];
        if (staging->prepared) {
            staging->sink->type->abort(staging->sink, cx);
            staging->prepared = false;
        }
    }
    cx->error = first;
}

static mr_code prepare_all(mr_driver *driver, uint64_t epoch, mr_cx *cx) {
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        mr_staging *staging = &driver->stagings[s];
        if (!staging->fires) {
            continue;
        }
        mr_publication_id id = {.pipeline = driver->spec.pipeline->name,
                                .incarnation = driver->incarnation,
                                .epoch = epoch,
                                .sink = s};
        mr_code code = mr_staging_prepare(staging, &id, cx);
        if (code != MR_OK) {
            abort_prepared(driver, cx);
            return code;
        }
    }
    return MR_OK;
}

// Waits a while before a retry; false when the run is to stop or the failure is not one to wait
// out.
static bool wait_out(mr_driver *driver, mr_code code, const char *what, mr_cx *cx) {
    bool may_retry = (cx->error.flags & (MR_RETRY | MR_FATAL)) == MR_RETRY;
    if (code != MR_E_FULL || !may_retry || mr_cx_cancelled(cx)) {
        return false;
    }
    driver->stalled = what;
    atomic_store(&driver->pausing, true);  // Nothing more is taken meanwhile.
    mr_clock_sleep_us(driver->plat, RETRY_US);
    return !mr_cx_cancelled(cx);
}

// After a stall: chunks taken before and after it count for the same epoch.
static void stall_over(mr_driver *driver) {
    if (driver->stalled != NULL) {
        driver->stalled = NULL;
        if (!driver->held) {
            mr_driver_release(driver);
        }
    }
}

static mr_code prepare_or_wait(mr_driver *driver, uint64_t epoch, mr_cx *cx) {
    mr_code code;
    do {
        code = prepare_all(driver, epoch, cx);
    } while (code != MR_OK && wait_out(driver, code, "no space left for output files", cx));
    if (code == MR_OK) {
        stall_over(driver);
    }
    return code;
}

static mr_code append_or_wait(mr_driver *driver, uint64_t epoch, mr_cx *cx) {
    mr_code code = mr_commit_log_append(&driver->log, epoch, mr_text_span(&driver->record), cx);
    while (code != MR_OK && wait_out(driver, code, "no space left for the commit log", cx)) {
        code = mr_commit_log_append(&driver->log, epoch, mr_text_span(&driver->record), cx);
    }
    if (code == MR_OK) {
        stall_over(driver);
    }
    return code;
}

static mr_code publish_all(mr_driver *driver, uint64_t epoch, mr_cx *cx) {
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        mr_staging *staging = &driver->stagings[s];
        if (!staging->prepared) {
            continue;
        }
        MR_TRY(mr_crash_point("publish.before", cx));
        mr_code code;
        do {  // It is committed: publishing may be repeated until there is room.
            code = staging->sink->type->publish(staging->sink, &staging->publication, cx);
        } while (code != MR_OK && wait_out(driver, code, "no space left to publish", cx));
        if (code == MR_OK) {
            stall_over(driver);
        } else {
            return mr_error_in(cx, code, "publishing table \"%s\"", staging->name);
        }
        MR_TRY(mr_crash_point("publish.after", cx));
        staging->prepared = false;
    }
    driver->published_epoch = epoch;
    return MR_OK;
}

// The log learns of a publication with the next record only: here its files tell.
static bool is_published(const mr_pending *pending, mr_cx *cx) {
    for (uint32_t f = 0; f < pending->publication.file_count; f++) {
        const mr_publication_file *file = &pending->publication.files[f];
        mr_stat stat;
        if ((mr_file_stat(file->final, &stat, cx) != MR_OK || stat.bytes != file->bytes) &&
            !mr_file_exists(mr_sink_taken_path(file, cx->arena), cx)) {
            return false;
        }
    }
    return true;
}

mr_code mr_epoch_publish_pending(mr_driver *driver, mr_cx *cx) {
    for (uint32_t i = 0; i < driver->pending_count; i++) {
        const mr_pending *pending = &driver->pending[i];
        bool gone = pending->sink == UINT32_MAX;
        if (gone && (driver->spec.options.accept_loss || is_published(pending, cx))) {
            continue;
        }
        if (gone) {
            return mr_fail(cx, MR_E_UNSUPPORTED,
                           "Run the former file once more, or go on with --accept-loss.",
                           "epoch %" PRIu64 " of table \"%s\", which the file no longer writes, "
                           "is not published yet",
                           pending->publication.id.epoch, pending->table);
        }
        mr_staging *staging = &driver->stagings[pending->sink];
        mr_code code = staging->sink->type->recover(staging->sink, &pending->publication, cx);
        if (code == MR_E_MISSING && driver->spec.options.accept_loss) {
            continue;
        }
        if (code != MR_OK) {
            return mr_error_in(cx, code, "recovering epoch %" PRIu64 " of table \"%s\"",
                               pending->publication.id.epoch, staging->name);
        }
    }
    driver->pending_count = 0;
    driver->published_epoch = driver->epoch;
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        MR_TRY(driver->stagings[s].sink->type->sweep(driver->stagings[s].sink, cx));
    }
    return MR_OK;
}

// Decides which sinks get their rows. Returns whether the epoch has anything to commit: a watermark
// that moved by the clock alone, and let nothing out, is none.
static bool decide(mr_driver *driver, bool flush) {
    int64_t now_us = mr_clock_monotonic_us(driver->plat);
    bool something = driver->taken.chunks > 0 || !driver->has_state ||
                     (flush && driver->watermark_us != driver->taken.watermark_before_us);
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        mr_staging *staging = &driver->stagings[s];
        staging->fires = mr_staging_due(staging, now_us, flush);
        something |= staging->fires || staging->waiting.row_count != staging->logged_rows;
    }
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        // What one aggregate let out may wait in another: the next delta does not hold it again.
        something |= driver->aggregates[a].delta.bytes > 0;
    }
    return something;
}

// The epoch will be committed: its counts become the pipeline's.
static void settle(mr_driver *driver) {
    const mr_counters *epoch = &driver->epoch_counters;
    driver->counters.input_rows += epoch->input_rows;
    driver->counters.input_bytes += epoch->input_bytes;
    driver->counters.bad_rows += epoch->bad_rows;
    driver->counters.late_rows += epoch->late_rows;
    driver->counters.duplicates += epoch->duplicates;
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        driver->stagings[s].update_epoch = driver->stagings[s].update_epoch_next;
    }
}

static void state_sizes(const mr_driver *driver, mr_progress *progress) {
    progress->state_rows = driver->taken.distinct_ids + driver->panes_states;
    progress->state_bytes = driver->panes_bytes;
    for (uint32_t p = 0; p < driver->spec.pipeline->plan_count; p++) {
        progress->state_bytes += driver->taken.distinct_bytes[p];
    }
}

// What holds most of the state, for the message that there is too much of it.
typedef struct largest {
    const mr_plan *plan;
    uint64_t bytes;
    uint64_t total;
} largest;

static void largest_add(largest *most, const mr_plan *plan, uint64_t bytes) {
    most->total += bytes;
    if (bytes > most->bytes) {
        most->bytes = bytes;
        most->plan = plan;
    }
}

static mr_code over_limit(const mr_driver *driver, const largest *most, mr_cx *cx) {
    const mr_plan *plan = most->plan;
    bool distinct = plan->kind == MR_PLAN_DISTINCT;
    const uint32_t *keys = distinct ? plan->distinct.keys : plan->aggregate.keys;
    uint32_t count = distinct ? plan->distinct.key_count : plan->aggregate.key_count;
    mr_text names;
    mr_text_init(&names, cx->arena);
    for (uint32_t k = 0; k < count; k++) {
        mr_text_add(&names, k == 0 ? " by " : ", ");
        mr_text_add(&names, plan->input->schema->columns[keys[k]].name);
    }
    return mr_fail_at(cx, MR_E_LIMIT, plan->place,
                      "Raise memory_limit, or bound the state: fewer keys, a shorter time to live.",
                      "state takes %" PRIu64 " bytes, memory_limit is %" PRIu64 ": most is in %s%s",
                      most->total, driver->spec.options.state_bytes_max,
                      distinct ? "DISTINCT" : "GROUP BY", mr_text_string(&names));
}

// Over the limit the pipeline stops, with its last commit as it was.
static mr_code check_memory(const mr_driver *driver, mr_cx *cx) {
    if (driver->spec.options.state_bytes_max == 0) {
        return MR_OK;
    }
    largest most = {0};
    const mr_pipeline *pipeline = driver->spec.pipeline;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        largest_add(&most, pipeline->plans[p], driver->taken.distinct_bytes[p]);
    }
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        const mr_aggregate *aggregate = &driver->aggregates[a];
        largest_add(&most, aggregate->plan, mr_panes_bytes(&aggregate->panes));
    }
    return most.total > driver->spec.options.state_bytes_max ? over_limit(driver, &most, cx)
                                                             : MR_OK;
}

// What is known when the record is built; the rest is filled in as the epoch ends.
static mr_progress progress_make(mr_driver *driver, const mr_epoch_end *end, mr_cx *cx) {
    mr_progress_sink *sinks = MR_NEW_ARRAY(cx->arena, mr_progress_sink, driver->staging_count);
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        const mr_staging *staging = &driver->stagings[s];
        sinks[s] = (mr_progress_sink){
            .name = staging->name,
            .rows_total = staging->rows_written + (staging->fires ? staging->waiting.row_count : 0),
            .rows_waiting = staging->fires ? 0 : staging->waiting.row_count,
        };
    }
    mr_progress progress = {.epoch = driver->epoch + 1,
                            .epoch_time_us = mr_clock_real_us(driver->plat) - end->input_us,
                            .input_us = end->input_us,
                            .scheduling_delay_us = end->delay_us,
                            .input_rows = driver->epoch_counters.input_rows,
                            .input_bytes = driver->epoch_counters.input_bytes,
                            .input_rows_total = driver->counters.input_rows,
                            .bad_rows_total = driver->counters.bad_rows,
                            .late_rows_total = driver->counters.late_rows,
                            .duplicates_total = driver->counters.duplicates,
                            .watermark_us = driver->watermark_us,
                            .recovered = driver->recovered,
                            .done = end->flush,
                            .sinks = sinks,
                            .sink_count = driver->staging_count,
                            .sources = driver->spec.sources,
                            .source_count = driver->spec.pipeline->source_count};
    state_sizes(driver, &progress);
    return progress;
}

// After the commit: the outside is told, the log is shortened.
static mr_code commit_done(mr_driver *driver, bool published, mr_cx *cx) {
    if (published && driver->spec.published != NULL) {
        MR_TRY(driver->spec.published(driver->spec.published_self, driver->incarnation,
                                      driver->published_epoch, cx));
    }
    for (uint32_t s = 0; s < driver->spec.pipeline->source_count; s++) {
        mr_source *source = driver->spec.sources[s];
        if (source->type->committed != NULL) {
            const mr_epoch_taken *taken = &driver->taken;
            source->type->committed(source, taken->positions[s], taken->position_counts[s], cx);
        }
    }
    return mr_commit_log_cut(&driver->log, mr_commit_cut_epoch(driver), cx);
}

mr_code mr_epoch_settle_sources(mr_driver *driver, mr_cx *cx) {
    for (uint32_t s = 0; s < driver->spec.pipeline->source_count; s++) {
        mr_source *source = driver->spec.sources[s];
        if (source->type->settle != NULL) {
            MR_TRY(source->type->settle(source, cx));
        }
    }
    return MR_OK;
}

// Appends the record, publishes, and fills in how long it took.
static mr_code commit(mr_driver *driver, uint64_t epoch, mr_progress *progress, mr_cx *cx) {
    int64_t emitted_us = mr_clock_monotonic_us(driver->plat);
    MR_TRY(append_or_wait(driver, epoch, cx));
    int64_t committed_us = mr_clock_monotonic_us(driver->plat);
    driver->epoch = epoch;
    driver->has_state = true;
    bool published = prepared_count(driver) > 0;
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        mr_staging_committed(&driver->stagings[s], committed_us);
    }
    MR_TRY(publish_all(driver, epoch, cx));
    int64_t published_us = mr_clock_monotonic_us(driver->plat);
    MR_TRY(commit_done(driver, published, cx));
    progress->emit_us = emitted_us - progress->emit_us;
    progress->commit_us = committed_us - emitted_us;
    progress->publish_us = published_us - committed_us;
    progress->duration_us = progress->input_us + progress->emit_us + published_us - emitted_us;
    progress->log_bytes = driver->log.bytes;
    return MR_OK;
}

mr_code mr_epoch_finish(mr_driver *driver, const mr_epoch_end *end, bool *ret_committed,
                        mr_cx *cx) {
    mr_arena_clear(&driver->epoch_arena);
    uint64_t epoch = driver->epoch + 1;
    int64_t start_us = mr_clock_monotonic_us(driver->plat);
    *ret_committed = false;
    driver->held = end->last;
    mr_barrier_take(driver, cx);
    if (!driver->held) {
        mr_driver_resume(driver);
    }
    MR_TRY(mr_emit_run(driver, epoch, end, cx));
    MR_TRY(check_memory(driver, cx));
    if (!decide(driver, end->flush)) {
        if (end->flush && driver->spec.progress != NULL) {
            mr_progress done = progress_make(driver, end, cx);
            done.epoch = driver->epoch;
            driver->spec.progress(driver->spec.self, &done);
        }
        return MR_OK;
    }
    settle(driver);
    MR_TRY(mr_epoch_settle_sources(driver, cx));
    MR_TRY(prepare_or_wait(driver, epoch, cx));
    mr_commit_build(driver, epoch, mr_clock_real_us(driver->plat));
    mr_progress progress = progress_make(driver, end, cx);
    progress.emit_us = start_us;
    MR_TRY(commit(driver, epoch, &progress, cx));
    if (driver->spec.progress != NULL) {  // It reads the positions, which claims move.
        mr_mutex_lock(&driver->claim_mutex);
        driver->spec.progress(driver->spec.self, &progress);
        mr_mutex_unlock(&driver->claim_mutex);
    }
    driver->recovered = false;
    *ret_committed = true;
    return MR_OK;
}
