// Barrier: the moment between two epochs, when all workers are parked.
//
// Why: merging, emitting and committing an epoch takes a core a good while, and the others would
// stand still meanwhile. So only what is short is done here: what the workers made is swapped for
// the emptied parts of the epoch before, the watermark moves, and what the next epoch would change
// (positions, counts, sizes) is noted. Then they go on, and the driver ends the epoch beside them.
// The ids of a DISTINCT stay with their workers; when the record is to carry whole key groups of
// them, each worker copies its own first thing, before it adds one of the new epoch.

#include <string.h>

#include "exec/run.h"

static void swap_rows(mr_rows *a, mr_rows *b) {
    mr_rows kept = *a;
    *a = *b;
    *b = kept;
}

static void swap_orders(mr_order *a, mr_order *b) {
    mr_order kept = *a;
    *a = *b;
    *b = kept;
}

static void swap_panes(mr_panes *a, mr_panes *b) {
    mr_panes kept = *a;
    *a = *b;
    *b = kept;
}

static void worker_take(mr_driver *driver, mr_worker *worker) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    mr_worker_part *part = &worker->part;
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        swap_rows(&part->asides[s].bad, &worker->asides[s].bad);
        swap_rows(&part->asides[s].late, &worker->asides[s].late);
    }
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        if (worker->collected[i] != NULL) {
            swap_rows(&part->collected[i], worker->collected[i]);
            swap_orders(&part->orders[i], &worker->orders[i]);
        }
    }
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        if (!driver->aggregates[a].serial) {
            mr_op *op = worker->ops[driver->aggregates[a].plan->id];
            swap_panes(&part->panes[a], mr_op_aggregate_panes(op));
        }
    }
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        mr_op *op = worker->ops[p];
        if (op != NULL && op->type == &mr_op_distinct) {
            mr_op_distinct_take_delta(op, &part->ids[p]);
            driver->taken.distinct_ids += mr_op_distinct_ids(op);
            driver->taken.distinct_bytes[p] += mr_op_distinct_bytes(op);
        }
    }
    worker->env.watermark_us = driver->watermark_us;
    worker->aggregate_rows = 0;
}

static void move_watermark(mr_driver *driver) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    int64_t now_us = mr_clock_monotonic_us(driver->plat);
    int64_t least = INT64_MAX;
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        const mr_plan_source *plan = &pipeline->sources[s];
        if (!plan->has_watermark) {
            continue;
        }
        mr_lanes_rule rule = {.delay_us = plan->watermark_us,
                              .idle_timeout_us = plan->idle_timeout_us,
                              .emit_timeout_us = plan->emit_timeout_us,
                              .now_us = now_us};
        int64_t watermark =
            mr_lanes_global(&driver->lanes, driver->lane_first[s], driver->spec.sources[s], &rule);
        least = MR_MIN(least, watermark);
    }
    if (least != INT64_MAX) {
        driver->watermark_us = MR_MAX(driver->watermark_us, least);  // Never back.
    }
    driver->serial_env.watermark_us = driver->watermark_us;
}

static void count_epoch(mr_driver *driver) {
    mr_counters *epoch = &driver->epoch_counters;
    *epoch = (mr_counters){.input_rows = atomic_exchange(&driver->epoch_rows, 0),
                           .input_bytes = atomic_exchange(&driver->epoch_bytes, 0)};
    uint64_t dropped = 0;
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        for (uint32_t p = 0; p < driver->spec.pipeline->plan_count; p++) {
            const mr_op *op = driver->workers[w].ops[p];
            dropped += op != NULL && op->type == &mr_op_distinct ? mr_op_distinct_dropped(op) : 0;
        }
    }
    epoch->duplicates = dropped - driver->dropped_before;
    driver->dropped_before = dropped;
}

static void put_sources(mr_driver *driver) {
    mr_text *out = &driver->taken.sources;
    uint32_t count = driver->spec.pipeline->source_count;
    mr_text_clear(out);
    mr_record_put_u64(out, count);
    for (uint32_t s = 0; s < count; s++) {
        const mr_source *source = driver->spec.sources[s];
        mr_record_put_string(out, source->spec.table);
        mr_record_put_u64(out, driver->spec.pipeline->sources[s].hash);
        mr_record_put_u64(out, source->partition_count);
        uint32_t lanes = 0;
        for (uint32_t p = 0; p < source->partition_count; p++) {
            mr_record_put_string(out, source->partitions[p].name);
            mr_record_put_i64(out, source->partitions[p].position);
            lanes = MR_MAX(lanes, source->partitions[p].lane + 1);
        }
        mr_record_put_u64(out, lanes);
        for (uint32_t l = 0; l < lanes; l++) {
            mr_record_put_i64(out, driver->lanes.items[driver->lane_first[s] + l].max_event_us);
        }
    }
}

static void positions_take(mr_driver *driver, mr_cx *cx) {
    mr_epoch_taken *taken = &driver->taken;
    uint32_t count = driver->spec.pipeline->source_count;
    taken->position_counts = MR_NEW_ARRAY(cx->arena, uint32_t, count);
    taken->positions = MR_NEW_ARRAY(cx->arena, int64_t *, count);
    for (uint32_t s = 0; s < count; s++) {
        const mr_source *source = driver->spec.sources[s];
        taken->position_counts[s] = source->partition_count;
        taken->positions[s] = MR_NEW_ARRAY(cx->arena, int64_t, source->partition_count);
        for (uint32_t p = 0; p < source->partition_count; p++) {
            taken->positions[s][p] = source->partitions[p].position;
        }
    }
}

void mr_barrier_now(mr_driver *driver) {
    int64_t now_us = mr_clock_real_us(driver->plat);
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        driver->workers[w].env.eval.now_us = now_us;
    }
}

void mr_barrier_note(mr_driver *driver, mr_cx *cx) {
    mr_epoch_taken *taken = &driver->taken;
    taken->chunks = atomic_load(&driver->epoch_chunks);
    taken->distinct_ids = 0;
    taken->distinct_bytes = MR_NEW_ARRAY(cx->arena, uint64_t, driver->spec.pipeline->plan_count);
    put_sources(driver);
    positions_take(driver, cx);
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        worker_take(driver, &driver->workers[w]);
    }
    driver->serial_env.eval.now_us = driver->workers[0].env.eval.now_us;  // The ended epoch's.
    mr_barrier_now(driver);
    mr_commit_choose_parts(driver);
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        mr_worker *worker = &driver->workers[w];
        bool due = taken->copy_count > 0 && driver->has_distinct;
        atomic_store(&worker->copy_due, due);
        if (due && (driver->held || driver->worker_count == 1)) {
            mr_barrier_copy(worker);
        }
    }
}

void mr_barrier_take(mr_driver *driver, mr_cx *cx) {
    driver->taken.watermark_before_us = driver->watermark_us;
    move_watermark(driver);
    count_epoch(driver);
    mr_barrier_note(driver, cx);
}

void mr_barrier_copy(mr_worker *worker) {
    mr_driver *driver = worker->driver;
    mr_worker_part *part = &worker->part;
    const mr_epoch_taken *taken = &driver->taken;
    uint32_t plans = driver->spec.pipeline->plan_count;
    mr_text_clear(&part->copies);
    for (uint32_t i = 0; i < taken->copy_count; i++) {
        uint32_t key_group = (taken->copy_first + i) % MR_SNAPSHOT_PARTS;
        bool own = key_group < MR_KEY_GROUPS && key_group % driver->worker_count == worker->index;
        for (uint32_t p = 0; p < plans; p++) {
            mr_op *op = worker->ops[p];
            part->copy_ends[i * plans + p] = part->copies.bytes;
            if (own && op != NULL && op->type == &mr_op_distinct) {
                mr_op_distinct_save(op, key_group, &part->copies);
            }
        }
    }
    part->copy_ends[taken->copy_count * plans] = part->copies.bytes;
    atomic_store(&worker->copy_due, false);
    mr_driver_signal(driver);
}

void mr_barrier_build(mr_driver *driver, mr_worker *worker) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    mr_worker_part *part = &worker->part;
    part->collected = MR_NEW_ARRAY(&worker->ops_arena, mr_rows, pipeline->insert_count);
    part->orders = MR_NEW_ARRAY(&worker->ops_arena, mr_order, pipeline->insert_count);
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        mr_rows_init(&part->collected[i], pipeline->inserts[i].root->schema);
        part->orders[i].by_row = worker->orders[i].by_row;
    }
    part->ids = MR_NEW_ARRAY(&worker->ops_arena, mr_text, pipeline->plan_count);
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        mr_text_init(&part->ids[p], NULL);
        driver->has_distinct |= pipeline->plans[p]->kind == MR_PLAN_DISTINCT;
    }
    mr_text_init(&part->copies, NULL);
    part->copy_ends = MR_NEW_ARRAY(&worker->ops_arena, size_t,
                                   (size_t)MR_SNAPSHOT_PARTS * pipeline->plan_count + 1);
}

void mr_barrier_release(mr_driver *driver, mr_worker *worker) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    mr_worker_part *part = &worker->part;
    for (uint32_t i = 0; part->collected != NULL && i < pipeline->insert_count; i++) {
        mr_rows_release(&part->collected[i]);
        mr_order_release(&part->orders[i]);
    }
    for (uint32_t a = 0; part->panes != NULL && a < driver->aggregate_count; a++) {
        mr_panes_release(&part->panes[a]);
    }
    for (uint32_t p = 0; part->ids != NULL && p < pipeline->plan_count; p++) {
        mr_text_release(&part->ids[p]);
    }
    mr_text_release(&part->copies);
}
