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

typedef struct emission {  // Where rows of an aggregate go, for mr_panes_emit.
    mr_driver *driver;
    mr_aggregate *aggregate;
    bool *wanted;  // By segment.
} emission;

static bool is_windowed(const mr_plan *plan) {
    return plan->aggregate.window.kind != MR_WINDOW_NONE;
}

static bool is_update(const mr_driver *driver, const mr_segment *segment) {
    return segment->insert >= 0 &&
           driver->spec.pipeline->inserts[segment->insert].mode == MR_MODE_UPDATE;
}

// The epoch up to which a segment has an aggregate's groups: it takes those that changed later.
// 0: it takes all, of a window that closes.
static uint64_t segment_since(const mr_driver *driver, const mr_segment *segment) {
    bool changes = is_update(driver, segment) || !is_windowed(segment->from);
    return changes ? driver->stagings[segment->insert].update_epoch : 0;
}

static mr_batch rows_since(const mr_batch *rows, const uint64_t *epochs, uint64_t since,
                           mr_cx *cx) {
    uint32_t *kept = mr_arena_raw(cx->arena, rows->sel_count * sizeof *kept);
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows->sel_count; i++) {
        uint32_t row = mr_batch_row(rows, i);
        kept[count] = row;
        count += epochs[row] > since;
    }
    return count == rows->sel_count ? *rows : mr_batch_narrow(rows, kept, count);
}

static mr_code emission_take(void *self, const mr_batch *rows, const uint64_t *epochs, mr_cx *cx) {
    emission *to = self;
    mr_driver *driver = to->driver;
    uint32_t all = 0;  // Those that take all rows count once.
    for (uint32_t s = 0; s < driver->segment_count; s++) {
        if (!to->wanted[s]) {
            continue;
        }
        uint64_t since = segment_since(driver, &driver->segments[s]);
        mr_batch fresh = since == 0 ? *rows : rows_since(rows, epochs, since, cx);
        if (is_update(driver, &driver->segments[s])) {
            to->aggregate->rows_out += fresh.sel_count;
        } else {
            all = MR_MAX(all, fresh.sel_count);
        }
        if (fresh.sel_count > 0) {
            MR_TRY(mr_flow_push_segment(driver, &driver->segments[s], &fresh, cx));
        }
    }
    to->aggregate->rows_out += all;
    return MR_OK;
}

// What one aggregate's emission is told.
typedef struct closing {
    uint64_t epoch;
    int64_t was_open;    // Windows from here on are not yet emitted;
    int64_t open;        // those from here on stay open.
    bool flush;          // The run ends: triggers do not count.
    bool close_windows;  // And nothing comes after it.
} closing;

// Marks who takes rows of open windows, or of all rows where there are no windows: update inserts
// whose trigger is due. Without windows an append insert gets its groups when the input ends; after
// a restart, those that changed since. Returns whether there is any.
static bool choose_open(const emission *to, const closing *at) {
    mr_driver *driver = to->driver;
    int64_t now_us = mr_clock_monotonic_us(driver->plat);
    bool any = false;
    for (uint32_t s = 0; s < driver->segment_count; s++) {
        const mr_segment *segment = &driver->segments[s];
        to->wanted[s] = false;
        if (segment->from != to->aggregate->plan || segment->insert < 0) {
            continue;
        }
        mr_staging *staging = &driver->stagings[segment->insert];
        bool due = mr_staging_trigger_due(staging, now_us) || at->flush;
        bool total = !is_windowed(segment->from) && at->close_windows;
        to->wanted[s] = is_update(driver, segment) ? due : total;
        if (to->wanted[s]) {
            staging->update_epoch_next = at->epoch;
            any = true;
        }
    }
    return any;
}

// Windows that are about to go show their last state to all.
static void choose_closed(const emission *to) {
    for (uint32_t s = 0; s < to->driver->segment_count; s++) {
        to->wanted[s] = to->driver->segments[s].from == to->aggregate->plan;
    }
}

// Emits one window, put together once, to all that want it.
static mr_code emit_window(emission *to, int64_t start_us, mr_cx *cx) {
    const mr_panes *panes = &to->aggregate->panes;
    uint64_t since = UINT64_MAX;
    for (uint32_t s = 0; s < to->driver->segment_count; s++) {
        if (to->wanted[s]) {
            since = MR_MIN(since, segment_since(to->driver, &to->driver->segments[s]));
        }
    }
    bool news = since == 0 || mr_panes_changed(panes, start_us, since);
    return news ? mr_panes_emit(panes, start_us, since, emission_take, to, cx) : MR_OK;
}

// Emits the windows that close, then what changed in those that stay; *ret_end_us: the greatest end
// of a closed one.
static mr_code emit_windows(emission *to, const closing *at, int64_t *ret_end_us, mr_cx *cx) {
    const mr_window *window = &to->aggregate->plan->aggregate.window;
    const mr_panes *panes = &to->aggregate->panes;
    int64_t from_us = at->was_open;
    int64_t start;
    choose_closed(to);
    while (mr_panes_next_window(panes, from_us, &start) && start < at->open) {
        MR_TRY(emit_window(to, start, cx));
        *ret_end_us = MR_MAX(*ret_end_us, start + window->size_us);
        from_us = start + window->slide_us;
    }
    bool any = choose_open(to, at);
    while (any && mr_panes_next_window(panes, from_us, &start)) {
        MR_TRY(emit_window(to, start, cx));
        from_us = start + window->slide_us;
    }
    return MR_OK;
}

static mr_code aggregate_run(mr_driver *driver, mr_aggregate *aggregate, uint64_t epoch,
                             const mr_epoch_end *end, mr_cx *cx) {
    mr_panes *panes = &aggregate->panes;
    panes->epoch = epoch;
    MR_TRY(take_over_panes(driver, aggregate, cx));
    bool windowed = is_windowed(aggregate->plan);
    closing at = {.epoch = epoch, .flush = end->flush, .close_windows = end->close_windows};
    at.was_open = windowed ? mr_panes_open_from(panes, aggregate->watermark_us) : 0;
    aggregate->watermark_us =
        MR_MAX(aggregate->watermark_us, mr_flow_input_watermark(driver, aggregate));
    at.open = windowed ? mr_panes_open_from(panes, aggregate->watermark_us) : 0;
    at.open = end->close_windows ? INT64_MAX : at.open;
    emission to = {.driver = driver,
                   .aggregate = aggregate,
                   .wanted = MR_NEW_ARRAY(cx->arena, bool, driver->segment_count)};
    if (!windowed) {
        return choose_open(&to, &at) ? emit_window(&to, 0, cx) : MR_OK;
    }
    int64_t end_us = INT64_MIN;
    MR_TRY(emit_windows(&to, &at, &end_us, cx));
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
