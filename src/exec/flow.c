// Flow: the graph of running operators, made from a plan.
//
// Every worker has its own operator for each node from the scans up to the first aggregate (or
// insert) on a path; DISTINCT's owner half is reached through the exchange. Behind an aggregate
// rows are few: one chain of operators leads from it to each insert or further aggregate that it
// feeds, run by the driver at the epoch's end.

#include "exec/run.h"

#include <string.h>

// Collects the rows of an insert that workers feed. It is no plan node, so it is made here.
typedef struct op_collect {
    mr_op base;
    mr_rows *rows;
    mr_order *order;  // NULL with one worker, whose rows come in order.
} op_collect;

static mr_code collect_push(mr_op *base, uint32_t port, const mr_batch *in, mr_cx *cx) {
    (void)cx;
    mr_assert(port == 0);
    op_collect *op = (op_collect *)base;
    if (op->order != NULL) {
        mr_order_note(op->order, base->env->claim, op->rows->row_count, in);
    }
    mr_rows_append(op->rows, in);
    return MR_OK;
}

static const mr_op_type op_collect_type = {
    .name = "collect", .file = __FILE__, .size = sizeof(op_collect), .push = collect_push};

static bool behind_aggregate(const mr_plan *plan) {
    for (plan = plan->input; plan != NULL; plan = plan->input) {
        if (plan->kind == MR_PLAN_AGGREGATE) {
            return true;
        }
    }
    return false;
}

static bool behind_distinct(const mr_plan *plan) {
    while (plan != NULL && plan->kind != MR_PLAN_DISTINCT) {
        plan = plan->input;
    }
    return plan != NULL;
}

static mr_code worker_build(mr_driver *driver, mr_worker *worker, mr_cx *cx) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    mr_cx build = *cx;
    build.arena = &worker->ops_arena;
    worker->ops = MR_NEW_ARRAY(&worker->ops_arena, mr_op *, pipeline->plan_count);
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        const mr_plan *plan = pipeline->plans[p];
        mr_assert(plan->id == p);
        if (behind_aggregate(plan)) {
            continue;
        }
        mr_code code = mr_op_new(plan, &worker->env, &worker->ops[p], &build);
        if (code != MR_OK) {
            cx->error = build.error;
            return code;
        }
        if (plan->input != NULL) {
            mr_op_add_consumer(worker->ops[plan->input->id], worker->ops[p], &worker->ops_arena);
        }
    }
    worker->collected = MR_NEW_ARRAY(&worker->ops_arena, mr_rows *, pipeline->insert_count);
    worker->orders = MR_NEW_ARRAY(&worker->ops_arena, mr_order, pipeline->insert_count);
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        const mr_plan *root = pipeline->inserts[i].root;
        if (root->kind == MR_PLAN_AGGREGATE || behind_aggregate(root)) {
            continue;
        }
        op_collect *collect = MR_NEW(&worker->ops_arena, op_collect);
        collect->base = (mr_op){
            .type = &op_collect_type, .push = collect_push, .plan = root, .env = &worker->env};
        collect->rows = MR_NEW(&worker->ops_arena, mr_rows);
        mr_rows_init(collect->rows, root->schema);
        worker->collected[i] = collect->rows;
        worker->orders[i].by_row = behind_distinct(root);
        collect->order = driver->worker_count > 1 ? &worker->orders[i] : NULL;
        mr_op_add_consumer(worker->ops[root->id], &collect->base, &worker->ops_arena);
    }
    return MR_OK;
}

static mr_op_aside *asides_make(mr_driver *driver, mr_arena *arena) {
    uint32_t count = driver->spec.pipeline->source_count;
    mr_op_aside *asides = MR_NEW_ARRAY(arena, mr_op_aside, count);
    for (uint32_t s = 0; s < count; s++) {
        mr_rows_init(&asides[s].bad, driver->spec.bad_sinks[s]->spec.schema);
        mr_rows_init(&asides[s].late, driver->spec.late_sinks[s]->spec.schema);
    }
    return asides;
}

static mr_op_env env_make(mr_driver *driver, uint32_t worker, mr_op_aside *asides) {
    return (mr_op_env){.eval = {.zone = driver->spec.pipeline->zone},
                       .seed = driver->seed,
                       .worker = worker,
                       .worker_count = driver->worker_count,
                       .tables = driver->spec.tables,
                       .asides = asides,
                       .pipeline = driver->spec.pipeline,
                       .exchange = driver->worker_count > 1 ? &driver->exchange : NULL,
                       .watermark_us = INT64_MIN,
                       .measured = driver->spec.options.measured};
}

static mr_code aggregates_build(mr_driver *driver, mr_cx *cx) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    driver->aggregates = MR_NEW_ARRAY(&driver->arena, mr_aggregate, pipeline->plan_count);
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        mr_worker *worker = &driver->workers[w];
        worker->part.panes = MR_NEW_ARRAY(&worker->ops_arena, mr_panes, pipeline->plan_count);
    }
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        const mr_plan *plan = pipeline->plans[p];
        if (plan->kind != MR_PLAN_AGGREGATE) {
            continue;
        }
        mr_aggregate *aggregate = &driver->aggregates[driver->aggregate_count++];
        aggregate->plan = plan;
        aggregate->watermark_us = INT64_MIN;
        aggregate->serial = behind_aggregate(plan);
        mr_text_init(&aggregate->delta, NULL);
        MR_TRY(mr_panes_init(&aggregate->panes, plan, driver->seed, cx));
        MR_TRY(mr_panes_init(&aggregate->fed, plan, driver->seed, cx));
        for (uint32_t w = 0; w < driver->worker_count; w++) {
            mr_panes *part = &driver->workers[w].part.panes[driver->aggregate_count - 1];
            MR_TRY(mr_panes_init(part, plan, driver->seed, cx));
        }
        const mr_plan *scan = plan;
        while (scan->kind != MR_PLAN_SCAN) {
            scan = scan->input;
        }
        aggregate->panes.rejected = &driver->serial_asides[scan->scan.source].bad;
    }
    return MR_OK;
}

mr_aggregate *mr_flow_aggregate(mr_driver *driver, const mr_plan *plan) {
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        if (driver->aggregates[a].plan == plan) {
            return &driver->aggregates[a];
        }
    }
    mr_check_failed("every AGGREGATE node has a state", __FILE__, __LINE__);
}

int64_t mr_flow_input_watermark(mr_driver *driver, const mr_aggregate *aggregate) {
    if (!aggregate->serial) {
        return driver->watermark_us;
    }
    const mr_plan *above = aggregate->plan->input;
    while (above->kind != MR_PLAN_AGGREGATE) {
        above = above->input;
    }
    const mr_aggregate *upstream = mr_flow_aggregate(driver, above);
    return mr_panes_open_from(&upstream->panes, upstream->watermark_us);
}

// The end of a segment's chain: into the insert's waiting rows, or a further aggregate's part.
typedef struct op_target {
    mr_op base;
    mr_driver *driver;
    mr_segment *segment;
} op_target;

static mr_code target_push(mr_op *base, uint32_t port, const mr_batch *in, mr_cx *cx) {
    op_target *target = (op_target *)base;
    mr_assert(port == 0);
    mr_driver *driver = target->driver;
    if (target->segment->insert < 0) {
        return mr_panes_update(&mr_flow_aggregate(driver, target->segment->aggregate)->fed, in, cx);
    }
    mr_staging_add(&driver->stagings[target->segment->insert], in,
                   mr_clock_monotonic_us(driver->plat));
    return MR_OK;
}

static const mr_op_type op_target_type = {
    .name = "target", .file = __FILE__, .size = sizeof(op_target), .push = target_push};

// Builds the chain that ends above `top` (the insert's root, or a further aggregate's input).
static mr_code segment_build(mr_driver *driver, const mr_plan *top, int32_t insert,
                             const mr_plan *aggregate, mr_cx *cx) {
    mr_segment *segment = &driver->segments[driver->segment_count++];
    *segment = (mr_segment){.insert = insert, .aggregate = aggregate};
    op_target *target = MR_NEW(&driver->arena, op_target);
    target->base = (mr_op){
        .type = &op_target_type, .push = target_push, .plan = top, .env = &driver->serial_env};
    target->driver = driver;
    target->segment = segment;
    mr_op *above = &target->base;
    mr_cx build = *cx;
    build.arena = &driver->arena;
    for (; top->kind != MR_PLAN_AGGREGATE; top = top->input) {
        if (top->kind == MR_PLAN_DISTINCT || top->kind == MR_PLAN_LATE) {
            return mr_fail_at(cx, MR_E_UNSUPPORTED, top->place,
                              "Put the DISTINCT ON in front of the GROUP BY.",
                              "DISTINCT behind an aggregate does not run yet");
        }
        mr_op *op;
        mr_code code = mr_op_new(top, &driver->serial_env, &op, &build);
        if (code != MR_OK) {
            cx->error = build.error;
            return code;
        }
        mr_op_add_consumer(op, above, &driver->arena);
        above = op;
    }
    segment->from = top;
    segment->first = above;
    return MR_OK;
}

static mr_code segments_build(mr_driver *driver, mr_cx *cx) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    uint32_t most = pipeline->insert_count + driver->aggregate_count;
    driver->segments = MR_NEW_ARRAY(&driver->arena, mr_segment, MR_MAX(most, 1u));
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        const mr_plan *root = pipeline->inserts[i].root;
        if (root->kind == MR_PLAN_AGGREGATE || behind_aggregate(root)) {
            MR_TRY(segment_build(driver, root, (int32_t)i, NULL, cx));
        }
    }
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        const mr_plan *plan = driver->aggregates[a].plan;
        if (driver->aggregates[a].serial) {
            MR_TRY(segment_build(driver, plan->input, -1, plan, cx));
        }
    }
    return MR_OK;
}

mr_code mr_flow_push_segment(mr_driver *driver, mr_segment *segment, const mr_batch *rows,
                             mr_cx *cx) {
    (void)driver;
    segment->first->rows_in += rows->sel_count;
    return segment->first->push(segment->first, 0, rows, cx);
}

void mr_flow_size_lanes(mr_driver *driver) {
    uint32_t first = 0;
    for (uint32_t s = 0; s < driver->spec.pipeline->source_count; s++) {
        const mr_source *source = driver->spec.sources[s];
        uint32_t lanes = 0;
        for (uint32_t p = 0; p < source->partition_count; p++) {
            lanes = MR_MAX(lanes, source->partitions[p].lane + 1);
        }
        mr_assert(s == 0 || first <= MR_LANES_MAX * s);
        driver->lane_first[s] = s * MR_LANES_MAX;
        first = driver->lane_first[s] + lanes;
        mr_assert(lanes <= MR_LANES_MAX);
    }
    if (first > driver->lanes.count) {
        mr_lanes_resize(&driver->lanes, first);
        mr_exchange_set_lanes(&driver->exchange, first);
    }
}

mr_code mr_flow_build(mr_driver *driver, mr_cx *cx) {
    mr_assert(!driver->flowing);
    const mr_pipeline *pipeline = driver->spec.pipeline;
    mr_exchange_init(&driver->exchange, driver->worker_count);
    driver->lane_first = MR_NEW_ARRAY(&driver->arena, uint32_t, pipeline->source_count);
    driver->workers = MR_NEW_ARRAY(&driver->arena, mr_worker, driver->worker_count);
    driver->flowing = true;
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        mr_worker *worker = &driver->workers[w];
        worker->driver = driver;
        worker->index = w;
        mr_cx_init(&worker->cx, &worker->arena, driver->plat);
        worker->asides = asides_make(driver, &worker->ops_arena);
        worker->part.asides = asides_make(driver, &worker->ops_arena);
        worker->env = env_make(driver, w, worker->asides);
        worker->read_ns = MR_NEW_ARRAY(&worker->ops_arena, int64_t, pipeline->source_count);
        MR_TRY(worker_build(driver, worker, cx));
        mr_barrier_build(driver, worker);
    }
    driver->serial_asides = asides_make(driver, &driver->arena);
    driver->serial_env = env_make(driver, 0, driver->serial_asides);
    MR_TRY(aggregates_build(driver, cx));
    return segments_build(driver, cx);
}

mr_code mr_flow_open_readers(mr_driver *driver, mr_cx *cx) {
    uint32_t count = driver->spec.pipeline->source_count;
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        mr_worker *worker = &driver->workers[w];
        worker->readers = MR_NEW_ARRAY(&worker->ops_arena, mr_reader *, count);
        for (uint32_t s = 0; s < count; s++) {
            mr_source *source = driver->spec.sources[s];
            MR_TRY(source->type->reader_open(source, &worker->readers[s], cx));
        }
    }
    return MR_OK;
}

static void asides_release(mr_op_aside *asides, uint32_t count) {
    for (uint32_t s = 0; asides != NULL && s < count; s++) {
        mr_rows_release(&asides[s].bad);
        mr_rows_release(&asides[s].late);
    }
}

static void worker_release(mr_driver *driver, mr_worker *worker) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    for (uint32_t s = 0; worker->readers != NULL && s < pipeline->source_count; s++) {
        if (worker->readers[s] != NULL) {
            driver->spec.sources[s]->type->reader_close(worker->readers[s]);
        }
    }
    for (uint32_t p = 0; worker->ops != NULL && p < pipeline->plan_count; p++) {
        if (worker->ops[p] != NULL) {
            mr_op_close(worker->ops[p]);
        }
    }
    for (uint32_t i = 0; worker->collected != NULL && i < pipeline->insert_count; i++) {
        if (worker->collected[i] != NULL) {
            mr_rows_release(worker->collected[i]);
            mr_order_release(&worker->orders[i]);
        }
    }
    asides_release(worker->asides, pipeline->source_count);
    asides_release(worker->part.asides, pipeline->source_count);
    mr_barrier_release(driver, worker);
    mr_arena_release(&worker->arena);
    mr_arena_release(&worker->ops_arena);
}

void mr_flow_release(mr_driver *driver) {
    if (!driver->flowing) {
        return;
    }
    mr_exchange_release(&driver->exchange);
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        worker_release(driver, &driver->workers[w]);
    }
    mr_text_release(&driver->taken.sources);
    for (uint32_t s = 0; s < driver->segment_count; s++) {
        for (mr_op *op = driver->segments[s].first; op != NULL;
             op = op->consumer_count > 0 ? op->consumers[0] : NULL) {
            mr_op_close(op);
        }
    }
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        mr_panes_release(&driver->aggregates[a].panes);
        mr_panes_release(&driver->aggregates[a].fed);
        mr_text_release(&driver->aggregates[a].delta);
    }
    asides_release(driver->serial_asides, driver->spec.pipeline->source_count);
}
