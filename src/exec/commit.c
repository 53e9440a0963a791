// Commit: what one commit record holds, written and read back.
//
//   head          format version, pipeline, incarnation, seed, time, published epoch, watermark,
//                 counters, size of the state, hash of the query's description
//   sources       name, hash; partitions (name, position); lanes (greatest event time)
//   states        hash of each stateful node: a changed query does not meet another's state
//   deltas        a node's bytes: ids added; an aggregate's watermark and panes to be merged in
//   full parts    a key group's (or all waiting rows') whole content, which replaces what was
//   sinks         name, hash of its path; handed over?; update epoch; rows added to the waiting
//                 ones, with their columns
//   publications  sink, files
//   tables        name, hash of content
//
// Replaying all records in order gives the state after the last (commit_replay.c). Every so often a
// record carries the full content of some parts, so that old segments of the log can go without a
// pause for a snapshot; the first record of a changed query carries all of them, so that what was
// left behind cannot come back.

#include <string.h>

#include "exec/commit_view.h"
#include "exec/idset.h"
#include "exec/run.h"

static uint64_t distinct_bytes(const mr_driver *driver) {
    uint64_t bytes = 0;
    for (uint32_t p = 0; p < driver->spec.pipeline->plan_count; p++) {
        bytes += driver->taken.distinct_bytes[p];
    }
    return bytes;
}

static uint64_t waiting_bytes(const mr_driver *driver) {
    uint64_t bytes = 0;
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        bytes += driver->stagings[s].waiting.bytes;
    }
    return bytes;
}

// None while the log is short for the state behind it, else about twice as many bytes as the epoch
// adds, so that the log shrinks. What aggregates add and hold is taken from the epoch before: this
// one's is not merged yet.
void mr_commit_choose_parts(mr_driver *driver) {
    mr_epoch_taken *taken = &driver->taken;
    taken->copy_first = driver->part_next;
    taken->copy_count = 0;
    uint64_t log_bytes = driver->spec.options.log_bytes;
    uint64_t most =
        log_bytes == 0 ? 0 : log_bytes + 3 * (distinct_bytes(driver) + waiting_bytes(driver));
    if (driver->changing) {
        taken->copy_count = MR_SNAPSHOT_PARTS;
        return;
    }
    if (driver->log.bytes < most || taken->chunks == 0) {
        return;
    }
    uint64_t added = driver->panes_delta_bytes;
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        for (uint32_t p = 0; p < driver->spec.pipeline->plan_count; p++) {
            added += driver->workers[w].part.ids[p].bytes;
        }
    }
    uint64_t whole =
        taken->distinct_ids * sizeof(mr_id) + driver->panes_bytes + waiting_bytes(driver);
    uint64_t count = 1 + 2 * added * MR_SNAPSHOT_PARTS / MR_MAX(whole, (uint64_t)1);
    taken->copy_count = (uint32_t)MR_MIN(count, (uint64_t)MR_SNAPSHOT_PARTS);
}

static void measure_panes(mr_driver *driver) {
    driver->panes_bytes = 0;
    driver->panes_states = 0;
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        driver->panes_bytes += mr_panes_bytes(&driver->aggregates[a].panes);
        driver->panes_states += mr_panes_states(&driver->aggregates[a].panes);
    }
}

static void put_head(mr_driver *driver, int64_t time_us, mr_text *out) {
    mr_record_put_u64(out, MR_COMMIT_FORMAT);
    mr_record_put_string(out, driver->spec.pipeline->name);
    mr_record_put_u64(out, driver->incarnation);
    mr_record_put_u64(out, driver->seed);
    mr_record_put_i64(out, time_us);
    mr_record_put_u64(out, driver->published_epoch);
    mr_record_put_i64(out, driver->watermark_us);
    mr_record_put_u64(out, driver->counters.input_rows);
    mr_record_put_u64(out, driver->counters.input_bytes);
    mr_record_put_u64(out, driver->counters.bad_rows);
    mr_record_put_u64(out, driver->counters.late_rows);
    mr_record_put_u64(out, driver->counters.duplicates);
    measure_panes(driver);
    mr_record_put_u64(out, driver->taken.distinct_ids + driver->panes_states);
    mr_record_put_u64(out, distinct_bytes(driver) + waiting_bytes(driver) + driver->panes_bytes);
    mr_record_put_u64(out, driver->spec.query_hash);
}

static void put_states(const mr_driver *driver, mr_text *out) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    uint64_t count = 0;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        count += mr_commit_is_stateful(pipeline->plans[p]);
    }
    mr_record_put_u64(out, count);
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        if (mr_commit_is_stateful(pipeline->plans[p])) {
            mr_record_put_u64(out, pipeline->plans[p]->hash);
        }
    }
}

// One delta a stateful node: the ids of all workers, or the panes that were merged.
static void put_deltas(mr_driver *driver, mr_text *out) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    driver->panes_delta_bytes = 0;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        const mr_plan *plan = pipeline->plans[p];
        if (!mr_commit_is_stateful(plan)) {
            continue;
        }
        size_t mark = mr_record_begin_span(out);
        if (plan->kind == MR_PLAN_AGGREGATE) {
            const mr_aggregate *aggregate = mr_flow_aggregate(driver, plan);
            mr_record_put_i64(out, aggregate->watermark_us);
            mr_text_add_bytes(out, aggregate->delta.data, aggregate->delta.bytes);
            driver->panes_delta_bytes += aggregate->delta.bytes;
        }
        for (uint32_t w = 0; plan->kind == MR_PLAN_DISTINCT && w < driver->worker_count; w++) {
            const mr_text *ids = &driver->workers[w].part.ids[p];
            mr_text_add_bytes(out, ids->data, ids->bytes);
        }
        mr_record_end_span(out, mark);
    }
}

// All of the index-th part's state, for every stateful node.
static void put_key_group(mr_driver *driver, uint32_t index, uint32_t key_group, mr_text *out) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        const mr_plan *plan = pipeline->plans[p];
        if (!mr_commit_is_stateful(plan)) {
            continue;
        }
        size_t mark = mr_record_begin_span(out);
        if (plan->kind == MR_PLAN_AGGREGATE) {
            mr_panes_save(&mr_flow_aggregate(driver, plan)->panes, (int32_t)key_group, out);
        } else {
            mr_worker *owner = &driver->workers[key_group % driver->worker_count];
            const size_t *ends = &owner->part.copy_ends[index * pipeline->plan_count + p];
            mr_text_add_bytes(out, owner->part.copies.data + ends[0], ends[1] - ends[0]);
        }
        mr_record_end_span(out, mark);
    }
}

static bool copies_ready(mr_driver *driver) {
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        if (atomic_load(&driver->workers[w].copy_due)) {
            return false;
        }
    }
    return true;
}

// The parts that the barrier chose. Returns whether the waiting rows are one of them.
static bool put_full_parts(mr_driver *driver, uint64_t epoch, mr_text *out) {
    const mr_epoch_taken *taken = &driver->taken;
    bool rows = false;
    mr_driver_wait(driver, copies_ready);
    mr_record_put_u64(out, taken->copy_count);
    for (uint32_t i = 0; i < taken->copy_count; i++) {
        uint32_t part = (taken->copy_first + i) % MR_SNAPSHOT_PARTS;
        mr_record_put_u64(out, part);
        if (part < MR_KEY_GROUPS) {
            put_key_group(driver, i, part, out);
        }
        rows |= part == MR_KEY_GROUPS;
        driver->part_epoch[part] = epoch;
        driver->part_next = (part + 1) % MR_SNAPSHOT_PARTS;
    }
    return rows;
}

static void put_schema(const mr_schema *schema, mr_text *out) {
    mr_record_put_u64(out, mr_schema_hash(schema));
    mr_record_put_u64(out, schema->count);
    for (uint32_t c = 0; c < schema->count; c++) {
        mr_record_put_string(out, schema->columns[c].name);
        mr_record_put_string(out, mr_type_name(schema->columns[c].type));
    }
}

// The rows of one sink that are not in the log yet; with `full`, all that wait. Their number comes
// first, and their columns: a changed query may have others.
static void put_waiting(const mr_staging *staging, bool full, mr_text *out) {
    uint64_t first = full ? 0 : staging->logged_rows;
    bool any = !staging->fires && first < staging->waiting.row_count;
    mr_record_put_u64(out, any ? staging->waiting.row_count - first : 0);
    if (!any) {
        return;
    }
    put_schema(staging->waiting.schema, out);
    size_t mark = mr_record_begin_span(out);
    mr_rows fresh;
    mr_rows_init(&fresh, staging->waiting.schema);
    mr_arena scratch = {0};
    for (; first < staging->waiting.row_count; first += MR_BATCH_ROWS_MAX) {
        uint64_t left = staging->waiting.row_count - first;
        mr_batch batch;
        mr_rows_batch(&staging->waiting, first, (uint32_t)MR_MIN(left, MR_BATCH_ROWS_MAX), &scratch,
                      &batch);
        mr_rows_append(&fresh, &batch);
        mr_arena_clear(&scratch);
    }
    mr_rows_encode(&fresh, out);
    mr_arena_release(&scratch);
    mr_rows_release(&fresh);
    mr_record_end_span(out, mark);
}

static void put_sinks(mr_driver *driver, bool full, mr_text *out) {
    mr_record_put_u64(out, driver->staging_count);
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        const mr_staging *staging = &driver->stagings[s];
        mr_record_put_string(out, staging->name);
        mr_record_put_u64(out, staging->hash);
        mr_record_put_u64(out,
                          staging->fires || full);  // What waited before is gone, or repeated here.
        mr_record_put_u64(out, staging->update_epoch);
        put_waiting(staging, full, out);
    }
}

static void put_publications(mr_driver *driver, mr_text *out) {
    uint64_t count = 0;
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        count += driver->stagings[s].prepared;
    }
    mr_record_put_u64(out, count);
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        const mr_staging *staging = &driver->stagings[s];
        if (!staging->prepared) {
            continue;
        }
        mr_record_put_u64(out, s);
        mr_record_put_u64(out, staging->publication.row_count);
        mr_record_put_u64(out, staging->publication.file_count);
        for (uint32_t f = 0; f < staging->publication.file_count; f++) {
            const mr_publication_file *file = &staging->publication.files[f];
            mr_record_put_string(out, file->part);
            mr_record_put_string(out, file->final);
            mr_record_put_u64(out, file->bytes);
            mr_record_put_u64(out, file->rows);
            mr_record_put_u64(out, file->crc);
        }
    }
}

static void put_tables(const mr_driver *driver, mr_text *out) {
    uint32_t count = driver->spec.pipeline->table_count;
    mr_record_put_u64(out, count);
    for (uint32_t t = 0; t < count; t++) {
        mr_record_put_string(out, driver->spec.tables[t]->plan->name);
        mr_record_put_u64(out, driver->spec.tables[t]->hash);
    }
}

void mr_commit_build(mr_driver *driver, uint64_t epoch, int64_t time_us) {
    mr_text *out = &driver->record;
    mr_text_clear(out);
    put_head(driver, time_us, out);
    mr_text_add_bytes(out, driver->taken.sources.data, driver->taken.sources.bytes);
    put_states(driver, out);
    put_deltas(driver, out);
    bool full_rows = put_full_parts(driver, epoch, out);
    put_sinks(driver, full_rows, out);
    put_publications(driver, out);
    put_tables(driver, out);
}

uint64_t mr_commit_cut_epoch(const mr_driver *driver) {
    uint64_t oldest = UINT64_MAX;
    for (uint32_t part = 0; part < MR_SNAPSHOT_PARTS; part++) {
        oldest = MR_MIN(oldest, driver->part_epoch[part]);
    }
    return oldest;
}
