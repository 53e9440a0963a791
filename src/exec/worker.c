// Worker: takes chunks from the sources and messages from other workers, and pushes them.
//
// A step prefers messages: what is under way is finished before more is taken, so memory stays
// bounded and no inbox can fill up for good. A chunk is decoded in parallel with others; its rows
// then get their watermark from what came before in their lane (lanes.h), and go to the scan.

#include "exec/run.h"

#include <string.h>

#define LOOK_AT_STATE_ROWS 131072  // How often a worker looks at the size of its panes.
#define PANES_BYTES_MAX    ((uint64_t)24 << 20)  // A worker's panes of one epoch.
#define IDLE_WAIT_US       2000
#define PARKED_WAIT_US     50000
#define TIME_US_MAX        ((int64_t)1 << 60)

typedef struct taken {  // A chunk claimed by a worker.
    mr_claim claim;
    uint32_t source;
    uint32_t lane;  // Over all sources.
    uint64_t sequence;
    uint64_t number;  // Of the claim, over all lanes.
} taken;

// Whether there is nothing more to take right now. Under the claim mutex.
static bool all_caught_up(const mr_driver *driver) {
    for (uint32_t s = 0; s < driver->spec.pipeline->source_count; s++) {
        const mr_source *source = driver->spec.sources[s];
        for (uint32_t p = 0; p < source->partition_count; p++) {
            if (!source->partitions[p].caught_up && !source->partitions[p].finished) {
                return false;
            }
        }
    }
    return true;
}

// Takes the next chunk of some source. Under the claim mutex.
static mr_code claim_some(mr_driver *driver, taken *ret, bool *ret_taken, mr_cx *cx) {
    uint32_t count = driver->spec.pipeline->source_count;
    uint32_t done = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t s = (driver->source_next + i) % count;
        mr_source *source = driver->spec.sources[s];
        mr_claim_result result;
        MR_TRY(source->type->claim(source, &ret->claim, &result, cx));
        done += result == MR_CLAIM_DONE;
        if (result != MR_CLAIM_TAKEN) {
            continue;
        }
        driver->source_next = s + 1;
        ret->source = s;
        ret->lane = driver->lane_first[s] + source->partitions[ret->claim.partition].lane;
        const mr_plan_source *plan = &driver->spec.pipeline->sources[s];
        ret->sequence =
            mr_lanes_claim(&driver->lanes, ret->lane, driver->watermark_us, plan->watermark_us);
        ret->number = driver->claims++;
        atomic_fetch_add(&driver->active, 1);
        atomic_fetch_add(&driver->epoch_chunks, 1);
        *ret_taken = true;
        return MR_OK;
    }
    if (done == count && !atomic_exchange(&driver->exhausted, true)) {
        mr_driver_signal(driver);
    }
    if (!atomic_load(&driver->caught_up) && all_caught_up(driver)) {
        atomic_store(&driver->caught_up, true);
        mr_driver_signal(driver);
    }
    return MR_OK;
}

// The epoch has all it may have; the driver will end it, once it is done with the one before.
static bool epoch_is_full(const mr_driver *driver) {
    const mr_driver_options *options = &driver->spec.options;
    return atomic_load(&driver->epoch_bytes) >= options->epoch_bytes ||
           (options->epoch_rows > 0 && atomic_load(&driver->epoch_rows) >= options->epoch_rows);
}

static mr_code claim_next(mr_worker *worker, taken *ret, bool *ret_taken) {
    mr_driver *driver = worker->driver;
    *ret_taken = false;
    if (atomic_load(&driver->pausing) || atomic_load(&driver->full) || epoch_is_full(driver) ||
        !mr_exchange_has_room(&driver->exchange)) {
        return MR_OK;
    }
    mr_mutex_lock(&driver->claim_mutex);
    mr_code code = MR_OK;
    if (!atomic_load(&driver->pausing)) {
        code = claim_some(driver, ret, ret_taken, &worker->cx);
    }
    mr_mutex_unlock(&driver->claim_mutex);
    return code;
}

// Rows too far in the future go to the late table and count for nothing else. Returns the narrowed
// selection in *batch.
static void quarantine_future(mr_worker *worker, const mr_plan_source *plan, uint32_t source,
                              mr_batch *batch, mr_hold *hold) {
    int64_t limit = mr_clock_real_us(worker->cx.plat) + plan->max_future_skew_us;
    const mr_vector *times = &batch->columns[plan->fields.event_time];
    uint32_t *kept = mr_arena_raw(&hold->arena, batch->rows * sizeof *kept);
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->sel_count; i++) {
        uint32_t row = mr_batch_row(batch, i);
        if (times->int64s[mr_vector_at(times, row)] <= limit) {
            kept[count++] = row;
            continue;
        }
        mr_op_put_late(&worker->asides[source].late, batch, row,
                       &(mr_op_late_why){.reason = "future"}, &hold->arena);
    }
    if (count < batch->sel_count) {
        *batch = mr_batch_narrow(batch, kept, count);
    }
}

// Times are added to and subtracted from without a check: rows of 36,000 years away are bad.
static void refuse_far_times(mr_worker *worker, const mr_plan_source *plan, uint32_t source,
                             mr_batch *batch, mr_hold *hold) {
    const mr_vector *times = &batch->columns[plan->fields.event_time];
    bool far = false;
    for (uint32_t row = 0; row < batch->rows; row++) {
        int64_t time = times->int64s[mr_vector_at(times, row)];
        far |= time > TIME_US_MAX || time < -TIME_US_MAX;
    }
    if (!far) {
        return;
    }
    uint32_t *kept = mr_arena_raw(&hold->arena, batch->rows * sizeof *kept);
    uint32_t count = 0;
    const char *reason = mr_arena_printf(&hold->arena, MR_REASON_BAD_TIME ": %s is out of range",
                                         plan->schema.columns[plan->fields.event_time].name);
    for (uint32_t i = 0; i < batch->sel_count; i++) {
        uint32_t row = mr_batch_row(batch, i);
        int64_t time = times->int64s[mr_vector_at(times, row)];
        if (time > TIME_US_MAX || time < -TIME_US_MAX) {
            mr_op_put_bad(&worker->asides[source].bad, batch->origin, row, reason);
        } else {
            kept[count++] = row;
        }
    }
    *batch = mr_batch_narrow(batch, kept, count);
}

static int64_t greatest_time(const mr_batch *batch, const mr_vector *times) {
    int64_t max = INT64_MIN;
    if (batch->sel == NULL && times->kind == MR_FLAT) {
        for (uint32_t row = 0; row < batch->rows; row++) {
            max = MR_MAX(max, times->int64s[row]);
        }
        return max;
    }
    for (uint32_t i = 0; i < batch->sel_count; i++) {
        max = MR_MAX(max, times->int64s[mr_vector_at(times, mr_batch_row(batch, i))]);
    }
    return max;
}

// Gives each row the watermark of the rows before it in its lane.
static void stamp_watermarks(mr_batch *batch, const mr_vector *times, int64_t delay_us,
                             int64_t *max_us, mr_hold *hold) {
    int64_t *watermark = mr_arena_raw(&hold->arena, batch->rows * sizeof *watermark);
    int64_t max = *max_us;
    for (uint32_t i = 0; i < batch->sel_count; i++) {
        uint32_t row = mr_batch_row(batch, i);
        watermark[row] = mr_lanes_watermark(max, delay_us);
        max = MR_MAX(max, times->int64s[mr_vector_at(times, row)]);
    }
    *max_us = max;
    batch->watermark = watermark;
}

static void put_bad_records(mr_worker *worker, const taken *from, const mr_chunk *chunk) {
    const mr_source *source = worker->driver->spec.sources[from->source];
    const mr_partition *partition = &source->partitions[from->claim.partition];
    uint32_t start = 0;
    for (uint32_t i = 0; i < chunk->decoded.bad_count; i++) {
        const mr_bad_record *bad = &chunk->decoded.bad[i];
        mr_origin origin = {.topic = partition->topic,
                            .partition = partition->number,
                            .offsets = &bad->offset,
                            .base = bad->raw,
                            .starts = &start,
                            .lengths = &bad->raw_bytes};
        mr_op_put_bad(&worker->asides[from->source].bad, &origin, 0, bad->reason);
    }
}

// A worker's share of the state budget of one epoch; over it the epoch ends, and the panes are
// merged.
static void look_at_state(mr_worker *worker, uint64_t rows) {
    worker->aggregate_rows += rows;
    if (worker->aggregate_rows < LOOK_AT_STATE_ROWS) {
        return;
    }
    worker->aggregate_rows = 0;
    uint64_t bytes = 0;
    const mr_pipeline *pipeline = worker->driver->spec.pipeline;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        if (pipeline->plans[p]->kind == MR_PLAN_AGGREGATE && worker->ops[p] != NULL) {
            bytes += mr_panes_bytes(mr_op_aggregate_panes(worker->ops[p]));
        }
    }
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        // Twice: they will stand in the record too.
        bytes += 2 * (worker->collected[i] != NULL ? worker->collected[i]->bytes : 0);
    }
    if (bytes > PANES_BYTES_MAX) {
        atomic_store(&worker->driver->full, true);
        mr_driver_signal(worker->driver);
    }
}

static mr_code process_message(mr_worker *worker, mr_exchange_message *message) {
    mr_code code = MR_OK;
    uint64_t rows = 0;
    worker->env.claim = message->claim;
    for (uint32_t i = 0; i < message->item_count && code == MR_OK; i++) {
        mr_op *op = worker->ops[message->items[i].plan];
        rows += message->items[i].batch.sel_count;
        mr_op_lap lap;
        mr_op_lap_begin(op->env, &lap, &worker->cx);
        code = mr_op_distinct_insert(op, &message->items[i].batch, &worker->cx);
        op->busy_ns += mr_op_lap_end(op->env, &lap, &worker->cx);
        mr_arena_clear(&worker->arena);
    }
    mr_exchange_done(&worker->driver->exchange, message);
    look_at_state(worker, rows);
    return code;
}

// Until it is the chunk's turn, messages from others can be worked on.
static mr_code help_meanwhile(mr_worker *worker, const taken *from) {
    mr_driver *driver = worker->driver;
    while (!mr_lanes_is_turn(&driver->lanes, from->lane, from->sequence)) {
        mr_exchange_message *message = mr_exchange_receive(&driver->exchange, worker->index);
        if (message == NULL) {
            break;
        }
        MR_TRY(process_message(worker, message));
    }
    return MR_OK;
}

// Stamps the chunk's rows in their lane's turn. A chunk without rows takes its turn as well.
static mr_code order_chunk(mr_worker *worker, const taken *from, mr_chunk *chunk) {
    mr_driver *driver = worker->driver;
    const mr_plan_source *plan = &driver->spec.pipeline->sources[from->source];
    int32_t event_time = plan->has_watermark ? plan->fields.event_time : -1;
    mr_decoded *decoded = &chunk->decoded;
    int64_t chunk_max = INT64_MIN;
    for (uint32_t b = 0; b < decoded->batch_count && event_time >= 0; b++) {
        mr_batch *batch = &decoded->batches[b];
        refuse_far_times(worker, plan, from->source, batch, chunk->hold);
        if (plan->max_future_skew_us >= 0) {
            quarantine_future(worker, plan, from->source, batch, chunk->hold);
        }
        chunk_max = MR_MAX(chunk_max, greatest_time(batch, &batch->columns[event_time]));
    }
    MR_TRY(help_meanwhile(worker, from));
    int64_t max = mr_lanes_hand_over(&driver->lanes, from->lane, from->sequence, chunk_max);
    for (uint32_t b = 0; b < decoded->batch_count && event_time >= 0; b++) {
        mr_batch *batch = &decoded->batches[b];
        stamp_watermarks(batch, &batch->columns[event_time], plan->watermark_us, &max, chunk->hold);
    }
    return MR_OK;
}

static void set_routes(mr_worker *worker, mr_exchange_message *messages) {
    const mr_pipeline *pipeline = worker->driver->spec.pipeline;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        if (pipeline->plans[p]->kind == MR_PLAN_DISTINCT && worker->ops[p] != NULL) {
            mr_op_distinct_route(worker->ops[p], messages);
        }
    }
}

static mr_op *scan_of(const mr_worker *worker, uint32_t source) {
    const mr_pipeline *pipeline = worker->driver->spec.pipeline;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        if (pipeline->plans[p]->kind == MR_PLAN_SCAN && pipeline->plans[p]->scan.source == source) {
            return worker->ops[p];
        }
    }
    return NULL;  // Nobody reads the source.
}

static mr_code push_chunk(mr_worker *worker, const taken *from, mr_chunk *chunk) {
    mr_driver *driver = worker->driver;
    bool exchanging = driver->worker_count > 1;
    mr_op *scan = scan_of(worker, from->source);
    // Until it is sent, what is made lives with the chunk: receivers read it after this worker went
    // on.
    worker->cx.arena = exchanging ? &chunk->hold->arena : &worker->arena;
    worker->env.claim = from->number;
    mr_exchange_message *messages = NULL;
    if (exchanging) {
        messages = mr_exchange_start(&driver->exchange, from->lane, from->sequence, from->number,
                                     chunk->hold);
        set_routes(worker, messages);
    }
    mr_code code = MR_OK;
    for (uint32_t b = 0; b < chunk->decoded.batch_count && code == MR_OK && scan != NULL; b++) {
        mr_batch *batch = &chunk->decoded.batches[b];
        if (batch->sel_count > 0) {
            scan->rows_in += batch->sel_count;
            code = scan->push(scan, 0, batch, &worker->cx);
        }
        if (!exchanging) {
            mr_arena_clear(&worker->arena);
        }
    }
    if (exchanging) {
        set_routes(worker, NULL);
        mr_exchange_send(&driver->exchange, messages);
    }
    worker->cx.arena = &worker->arena;
    return code;
}

static mr_code process_chunk(mr_worker *worker, const taken *from) {
    mr_driver *driver = worker->driver;
    mr_source *source = driver->spec.sources[from->source];
    mr_chunk chunk = {0};
    mr_op_lap lap;
    mr_op_lap_begin(&worker->env, &lap, &worker->cx);
    mr_code code =
        source->type->read(worker->readers[from->source], &from->claim, &chunk, &worker->cx);
    worker->read_ns[from->source] += mr_op_lap_end(&worker->env, &lap, &worker->cx);
    mr_arena_clear(&worker->arena);
    if (code != MR_OK) {
        mr_lanes_fail(&driver->lanes);
        return mr_error_in(&worker->cx, code, "reading \"%s\"", source->spec.table);
    }
    put_bad_records(worker, from, &chunk);
    code = order_chunk(worker, from, &chunk);
    atomic_fetch_add(&driver->epoch_rows, chunk.decoded.record_count);
    atomic_fetch_add(&driver->epoch_bytes, chunk.bytes);
    if (epoch_is_full(driver)) {
        mr_driver_signal(driver);
    }
    code = code != MR_OK ? code : push_chunk(worker, from, &chunk);
    look_at_state(worker, chunk.decoded.row_count);
    mr_hold_unref(chunk.hold);
    return code;
}

mr_code mr_worker_step(mr_worker *worker, bool *ret_worked) {
    mr_driver *driver = worker->driver;
    *ret_worked = true;
    mr_exchange_message *message = mr_exchange_receive(&driver->exchange, worker->index);
    if (message != NULL) {
        return process_message(worker, message);
    }
    taken next = {0};
    bool took;
    MR_TRY(claim_next(worker, &next, &took));
    if (!took) {
        *ret_worked = false;
        return MR_OK;
    }
    mr_code code = process_chunk(worker, &next);
    atomic_fetch_sub(&driver->active, 1);
    return code;
}

void mr_worker_wait(mr_worker *worker, int64_t timeout_us) {
    mr_driver *driver = worker->driver;
    bool alone = atomic_load(&driver->active) == 0 &&
                 atomic_load(&driver->exchange.in_flight) == 0 && !atomic_load(&driver->pausing) &&
                 !atomic_load(&driver->exhausted);
    mr_source *source = driver->spec.sources[worker->index % driver->spec.pipeline->source_count];
    if (alone && source->type->wait != NULL) {
        source->type->wait(source, timeout_us, &worker->cx);
    } else {
        mr_exchange_wait(&driver->exchange, worker->index, MR_MIN(timeout_us, IDLE_WAIT_US));
    }
}

// What the driver waits for: nothing claimed, nothing under way, so that no worker touches shared
// state.
static bool is_parked(const mr_driver *driver) {
    return atomic_load(&driver->pausing) && atomic_load(&driver->active) == 0 &&
           atomic_load(&driver->exchange.in_flight) == 0;
}

static void park(mr_worker *worker) {
    mr_driver *driver = worker->driver;
    mr_exchange_wake(&driver->exchange);  // The others may be parked too, and not know it.
    atomic_fetch_add(&driver->parked, 1);
    mr_driver_signal(driver);
    while (atomic_load(&driver->pausing) && !atomic_load(&driver->stopping)) {
        mr_exchange_wait(&driver->exchange, worker->index, PARKED_WAIT_US);
    }
    atomic_fetch_sub(&driver->parked, 1);
    mr_driver_signal(driver);
}

void *mr_worker_run(void *argument) {
    mr_worker *worker = argument;
    mr_driver *driver = worker->driver;
    int64_t wait_us = IDLE_WAIT_US;
    while (!atomic_load(&driver->stopping)) {
        if (atomic_load(&worker->copy_due)) {
            mr_barrier_copy(worker);
        }
        if (is_parked(driver)) {
            park(worker);
            continue;
        }
        bool worked;
        mr_code code = mr_worker_step(worker, &worked);
        if (code != MR_OK) {
            worker->code = code;
            atomic_store(&worker->failed, true);
            mr_lanes_fail(&driver->lanes);
            mr_driver_signal(driver);
            return NULL;
        }
        wait_us = worked ? IDLE_WAIT_US : MR_MIN(wait_us * 2, 50000);
        if (!worked) {
            mr_worker_wait(worker, wait_us);
        }
    }
    return NULL;
}
