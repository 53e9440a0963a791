// Measure: see measure.h.

#include "exec/measure.h"

#include "exec/run.h"

static void add_op(const mr_op *op, mr_measured_node *ret) {
    ret->rows_in += op->rows_in;
    ret->rows_out += op->rows_out;
    ret->busy_ns += op->busy_ns;
    if (op->type == &mr_op_distinct) {
        ret->state_rows += mr_op_distinct_ids(op);
        ret->state_bytes += mr_op_distinct_bytes(op);
    }
}

// Operators of a segment: one after the other; the last is the target, which is no plan node.
static void add_segment(const mr_segment *segment, const mr_plan *plan, mr_measured_node *ret) {
    const mr_op *op = segment->first;
    for (; op->consumer_count > 0; op = op->consumers[0]) {
        if (op->plan == plan) {
            add_op(op, ret);
        }
    }
    if (segment->aggregate == plan) {
        ret->rows_in += op->rows_in;
        ret->busy_ns += op->busy_ns;
    }
}

void mr_measure_node(const mr_driver *driver, const mr_plan *plan, mr_measured_node *ret) {
    *ret = (mr_measured_node){0};
    mr_assert(driver->flowing);
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        const mr_op *op = driver->workers[w].ops[plan->id];
        if (op != NULL) {
            add_op(op, ret);
        }
    }
    for (uint32_t s = 0; s < driver->segment_count; s++) {
        add_segment(&driver->segments[s], plan, ret);
    }
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        const mr_aggregate *aggregate = &driver->aggregates[a];
        if (aggregate->plan == plan) {
            ret->rows_out = aggregate->rows_out;
            ret->end_ns = aggregate->busy_ns;
            ret->state_rows = mr_panes_states(&aggregate->panes);
            ret->state_bytes = mr_panes_bytes(&aggregate->panes);
        }
    }
    if (plan->kind == MR_PLAN_JOIN) {
        const mr_table *table = driver->spec.tables[plan->join.table];
        ret->table_rows = table->rows.row_count;
        ret->table_bytes = table->rows.bytes;
    }
}

void mr_measure_source(const mr_driver *driver, uint32_t source, mr_measured_source *ret) {
    *ret = (mr_measured_source){.partitions = driver->spec.sources[source]->partition_count};
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        ret->read_ns += driver->workers[w].read_ns[source];
    }
    const mr_staging *bad = &driver->stagings[driver->spec.pipeline->insert_count + 2 * source];
    const mr_staging *late = bad + 1;
    ret->bad_rows = bad->rows_written + bad->waiting.row_count;
    ret->late_rows = late->rows_written + late->waiting.row_count;
}

void mr_measure_sink(const mr_driver *driver, uint32_t insert, mr_measured_sink *ret) {
    const mr_staging *staging = &driver->stagings[insert];
    *ret = (mr_measured_sink){.rows = staging->rows_written,
                              .rows_waiting = staging->waiting.row_count,
                              .files = staging->files_written,
                              .bytes = staging->bytes_written,
                              .write_us = staging->write_us};
}
