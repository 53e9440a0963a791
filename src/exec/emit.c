// Emit: what the end of an epoch does to rows, while the workers are in the next one.
//
// The parts that were taken from the workers are merged: rows of plain inserts and of bad and late
// tables into the waiting rows, panes into the aggregates' states. Then each aggregate, inputs
// first, emits by the watermark that the barrier moved: closed windows once to append inserts and
// further aggregates; groups that changed to update inserts, when their trigger is due or their
// window is about to go.

#include "exec/run.h"

static void take_rows(mr_staging *staging, mr_rows *rows, int64_t now_us) {
    if (rows->row_count > 0) {
        mr_staging_add_rows(staging, rows, now_us);
        mr_rows_clear(rows);
    }
}

static void take_over_asides(mr_driver *driver, mr_op_aside *asides, int64_t now_us) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        driver->epoch_counters.bad_rows += asides[s].bad.row_count;
        driver->epoch_counters.late_rows += asides[s].late.row_count;
        uint32_t at = pipeline->insert_count + 2 * s;
        take_rows(&driver->stagings[at], &asides[s].bad, now_us);
        take_rows(&driver->stagings[at + 1], &asides[s].late, now_us);
    }
}

// What all workers collected for an insert, in the order of the source.
static void take_collected(mr_driver *driver, uint32_t insert, int64_t now_us, mr_cx *cx) {
    uint32_t count = driver->worker_count;
    mr_staging *staging = &driver->stagings[insert];
    if (count == 1) {
        take_rows(staging, &driver->workers[0].part.collected[insert], now_us);
        return;
    }
    mr_order_part *parts = MR_NEW_ARRAY(cx->arena, mr_order_part, count);
    for (uint32_t w = 0; w < count; w++) {
        const mr_worker_part *part = &driver->workers[w].part;
        parts[w] = (mr_order_part){&part->collected[insert], &part->orders[insert]};
    }
    mr_order_merge(parts, count, &staging->waiting, cx->arena);
    mr_staging_added(staging, now_us);
    for (uint32_t w = 0; w < count; w++) {
        mr_rows_clear(&driver->workers[w].part.collected[insert]);
        mr_order_clear(&driver->workers[w].part.orders[insert]);
    }
}

static void take_over_rows(mr_driver *driver, int64_t now_us, mr_cx *cx) {
    for (uint32_t i = 0; i < driver->spec.pipeline->insert_count; i++) {
        take_collected(driver, i, now_us, cx);
    }
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        take_over_asides(driver, driver->workers[w].part.asides, now_us);
    }
}

static mr_code take_over_part(mr_aggregate *aggregate, mr_panes *part, mr_cx *cx) {
    mr_panes_save_delta(part, aggregate->panes.epoch, &aggregate->delta);
    MR_TRY(mr_panes_merge(&aggregate->panes, part, cx));
    mr_panes_clear(part);
    return MR_OK;
}

// Each worker's panes go into the state, and into the record as this epoch's delta.
static mr_code take_over_panes(mr_driver *driver, mr_aggregate *aggregate, mr_cx *cx) {
    mr_text_clear(&aggregate->delta);
    if (aggregate->serial) {
        return take_over_part(aggregate, &aggregate->fed, cx);
    }
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        mr_panes *part = &driver->workers[w].part.panes[aggregate - driver->aggregates];
        MR_TRY(take_over_part(aggregate, part, cx));
    }
    return MR_OK;
}

typedef struct emission {  // Where an aggregate's rows go, for mr_panes_emit.
    mr_driver *driver;
    mr_aggregate *aggregate;
    mr_segment *only;  // NULL: all segments that take closed windows.
} emission;

static bool is_update(const mr_driver *driver, const mr_segment *segment) {
    return segment->insert >= 0 &&
           driver->spec.pipeline->inserts[segment->insert].mode == MR_MODE_UPDATE;
}

static mr_code emission_take(void *self, const mr_batch *rows, mr_cx *cx) {
    emission *to = self;
    mr_driver *driver = to->driver;
    to->aggregate->rows_out += rows->sel_count;
    for (uint32_t s = 0; s < driver->segment_count; s++) {
        mr_segment *segment = &driver->segments[s];
        bool wanted = to->only != NULL
                          ? segment == to->only
                          : segment->from == to->aggregate->plan && !is_update(driver, segment);
        if (wanted) {
            MR_TRY(mr_flow_push_segment(driver, segment, rows, cx));
        }
    }
    return MR_OK;
}

// Emits windows [from_us, to_us) to append takers; returns the greatest end.
static mr_code emit_closed(emission *to, int64_t from_us, int64_t to_us, int64_t *ret_end_us,
                           mr_cx *cx) {
    const mr_window *window = &to->aggregate->plan->aggregate.window;
    const mr_panes *panes = &to->aggregate->panes;
    int64_t start;
    while (mr_panes_next_window(panes, from_us, &start) && start < to_us) {
        MR_TRY(mr_panes_emit(panes, start, 0, emission_take, to, cx));
        *ret_end_us = MR_MAX(*ret_end_us, start + window->size_us);
        from_us = start + window->slide_us;
    }
    return MR_OK;
}

// Emits what changed in windows [from_us, to_us) since the sink's last update.
static mr_code emit_changed(emission *to, int64_t from_us, int64_t to_us, mr_cx *cx) {
    const mr_window *window = &to->aggregate->plan->aggregate.window;
    const mr_panes *panes = &to->aggregate->panes;
    uint64_t since = to->driver->stagings[to->only->insert].update_epoch;
    if (window->kind == MR_WINDOW_NONE) {
        return mr_panes_changed(panes, 0, since)
                   ? mr_panes_emit(panes, 0, since, emission_take, to, cx)
                   : MR_OK;
    }
    int64_t start;
    while (mr_panes_next_window(panes, from_us, &start) && start < to_us) {
        if (mr_panes_changed(panes, start, since)) {
            MR_TRY(mr_panes_emit(panes, start, since, emission_take, to, cx));
        }
        from_us = start + window->slide_us;
    }
    return MR_OK;
}

// What one aggregate's emission is told.
typedef struct closing {
    uint64_t epoch;
    int64_t was_open;  // Windows from here on are not yet emitted;
    int64_t open;      // those from here on stay open.
    bool flush;        // The run ends: triggers do not count.
} closing;

static mr_code emit_updates(mr_driver *driver, mr_aggregate *aggregate, const closing *at,
                            mr_cx *cx) {
    int64_t now_us = mr_clock_monotonic_us(driver->plat);
    bool windowed = aggregate->plan->aggregate.window.kind != MR_WINDOW_NONE;
    for (uint32_t s = 0; s < driver->segment_count; s++) {
        mr_segment *segment = &driver->segments[s];
        if (segment->from != aggregate->plan || !is_update(driver, segment)) {
            continue;
        }
        emission to = {.driver = driver, .aggregate = aggregate, .only = segment};
        mr_staging *staging = &driver->stagings[segment->insert];
        bool due = mr_staging_trigger_due(staging, now_us) || at->flush;
        if (due || windowed) {  // Windows that are about to go show their last state.
            MR_TRY(emit_changed(&to, at->was_open, due ? INT64_MAX : at->open, cx));
        }
        if (due) {
            staging->update_epoch_next = at->epoch;
        }
    }
    return MR_OK;
}

// Without windows an append insert gets its groups when the input ends; after a restart, those that
// changed since.
static mr_code emit_totals(mr_driver *driver, mr_aggregate *aggregate, uint64_t epoch, mr_cx *cx) {
    for (uint32_t s = 0; s < driver->segment_count; s++) {
        mr_segment *segment = &driver->segments[s];
        if (segment->from != aggregate->plan || is_update(driver, segment) || segment->insert < 0) {
            continue;
        }
        emission to = {.driver = driver, .aggregate = aggregate, .only = segment};
        MR_TRY(emit_changed(&to, 0, INT64_MAX, cx));
        driver->stagings[segment->insert].update_epoch_next = epoch;
    }
    return MR_OK;
}

static mr_code aggregate_run(mr_driver *driver, mr_aggregate *aggregate, uint64_t epoch,
                             const mr_epoch_end *end, mr_cx *cx) {
    mr_panes *panes = &aggregate->panes;
    panes->epoch = epoch;
    MR_TRY(take_over_panes(driver, aggregate, cx));
    bool windowed = aggregate->plan->aggregate.window.kind != MR_WINDOW_NONE;
    closing at = {.epoch = epoch, .flush = end->flush};
    at.was_open = windowed ? mr_panes_open_from(panes, aggregate->watermark_us) : 0;
    aggregate->watermark_us =
        MR_MAX(aggregate->watermark_us, mr_flow_input_watermark(driver, aggregate));
    at.open = windowed ? mr_panes_open_from(panes, aggregate->watermark_us) : 0;
    at.open = end->close_windows ? INT64_MAX : at.open;
    MR_TRY(emit_updates(driver, aggregate, &at, cx));
    if (!windowed) {
        return end->close_windows ? emit_totals(driver, aggregate, epoch, cx) : MR_OK;
    }
    emission to = {.driver = driver, .aggregate = aggregate};
    int64_t end_us = INT64_MIN;
    MR_TRY(emit_closed(&to, at.was_open, at.open, &end_us, cx));
    if (end_us != INT64_MIN) {  // What was emitted stays emitted, though its input is behind it.
        int64_t closed_us = INT64_MAX;
        (void)mr_add_fits(end_us, aggregate->plan->aggregate.allowed_lateness_us, &closed_us);
        aggregate->watermark_us = MR_MAX(aggregate->watermark_us, closed_us);
    }
    mr_panes_expire(panes, aggregate->watermark_us);
    return MR_OK;
}

mr_code mr_emit_run(mr_driver *driver, uint64_t epoch, const mr_epoch_end *end, mr_cx *cx) {
    int64_t now_us = mr_clock_monotonic_us(driver->plat);
    take_over_rows(driver, now_us, cx);
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        driver->stagings[s].update_epoch_next = driver->stagings[s].update_epoch;
    }
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        mr_op_lap lap;
        mr_op_lap_begin(&driver->serial_env, &lap, cx);
        MR_TRY(aggregate_run(driver, &driver->aggregates[a], epoch, end, cx));
        driver->aggregates[a].busy_ns += mr_op_lap_end(&driver->serial_env, &lap, cx);
        if (end->close_windows) {  // The rows of what was emitted are late from now on.
            driver->watermark_us = MR_MAX(driver->watermark_us, driver->aggregates[a].watermark_us);
        }
    }
    take_over_asides(driver, driver->serial_asides, now_us);
    driver->serial_env.watermark_us = driver->watermark_us;
    return MR_OK;
}
