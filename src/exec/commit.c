// Commit: what one commit record holds, written and read back.
//
//   head          format version, pipeline, incarnation, seed, time, published epoch, watermark,
//                 counters
//   sources       name; partitions (name, position); lanes (greatest event time)
//   states        hash of each stateful node: a changed query does not meet another's state
//   deltas        a node's bytes: ids added; an aggregate's watermark and panes to be merged in
//   full parts    a key group's (or all waiting rows') whole content, which replaces what was
//   sinks         name; handed over?; rows added to the waiting ones; update epoch
//   publications  sink, files
//   tables        name, hash of content
//
// Replaying all records in order gives the state after the last. Every so often a record carries
// the full content of some parts, so that old segments of the log can go without a pause for a
// snapshot.

#include <string.h>

#include "exec/run.h"

#define FORMAT_VERSION 1

static bool is_stateful(const mr_plan *plan) {
    return plan->kind == MR_PLAN_DISTINCT || plan->kind == MR_PLAN_AGGREGATE;
}

static uint64_t state_bytes(const mr_driver *driver) {
    uint64_t bytes = 0;
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        for (uint32_t p = 0; p < driver->spec.pipeline->plan_count; p++) {
            const mr_op *op = driver->workers[w].ops[p];
            bytes += op != NULL && op->type == &mr_op_distinct ? mr_op_distinct_bytes(op) : 0;
        }
    }
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        bytes += driver->stagings[s].waiting.bytes;
    }
    return bytes;
}

static void put_head(mr_driver *driver, int64_t time_us, mr_text *out) {
    mr_record_put_u64(out, FORMAT_VERSION);
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
}

static void put_sources(mr_driver *driver, mr_text *out) {
    uint32_t count = driver->spec.pipeline->source_count;
    mr_record_put_u64(out, count);
    for (uint32_t s = 0; s < count; s++) {
        const mr_source *source = driver->spec.sources[s];
        mr_record_put_string(out, source->spec.table);
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

static void put_states(const mr_driver *driver, mr_text *out) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    uint64_t count = 0;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        count += is_stateful(pipeline->plans[p]);
    }
    mr_record_put_u64(out, count);
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        if (is_stateful(pipeline->plans[p])) {
            mr_record_put_u64(out, pipeline->plans[p]->hash);
        }
    }
}

// One delta a stateful node: the ids of all workers, or the panes that were merged.
static void put_deltas(mr_driver *driver, mr_text *out) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        const mr_plan *plan = pipeline->plans[p];
        if (!is_stateful(plan)) {
            continue;
        }
        size_t mark = mr_record_begin_span(out);
        if (plan->kind == MR_PLAN_AGGREGATE) {
            const mr_aggregate *aggregate = mr_flow_aggregate(driver, plan);
            mr_record_put_i64(out, aggregate->watermark_us);
            mr_text_add_bytes(out, aggregate->delta.data, aggregate->delta.bytes);
        }
        for (uint32_t w = 0; plan->kind == MR_PLAN_DISTINCT && w < driver->worker_count; w++) {
            mr_op_distinct_save_delta(driver->workers[w].ops[p], out);
        }
        mr_record_end_span(out, mark);
    }
}

// All of one key group's state, for every stateful node.
static void put_key_group(mr_driver *driver, uint32_t key_group, mr_text *out) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        const mr_plan *plan = pipeline->plans[p];
        if (!is_stateful(plan)) {
            continue;
        }
        size_t mark = mr_record_begin_span(out);
        if (plan->kind == MR_PLAN_AGGREGATE) {
            mr_panes_save(&mr_flow_aggregate(driver, plan)->panes, (int32_t)key_group, out);
        } else {
            mr_worker *owner = &driver->workers[key_group % driver->worker_count];
            mr_op_distinct_save(owner->ops[p], key_group, out);
        }
        mr_record_end_span(out, mark);
    }
}

// Chooses how many parts this record carries in full: none while the log is short for the state
// behind it, else twice as many bytes as the epoch added, so that the log shrinks.
static uint32_t put_full_parts(mr_driver *driver, uint64_t epoch, mr_text *out) {
    size_t count_at = out->bytes;
    mr_record_put_u64(out, 0);
    uint64_t log_bytes = driver->spec.options.log_bytes;
    uint64_t most = log_bytes == 0 ? 0 : log_bytes + 3 * state_bytes(driver);
    if (driver->log.bytes < most) {
        return 0;
    }
    uint64_t count = 0;
    size_t enough = 3 * out->bytes;
    bool rows = false;
    while (count < MR_SNAPSHOT_PARTS && (count == 0 || out->bytes < enough)) {
        uint32_t part = driver->part_next;
        driver->part_next = (part + 1) % MR_SNAPSHOT_PARTS;
        mr_record_put_u64(out, part);
        if (part < MR_KEY_GROUPS) {
            put_key_group(driver, part, out);
        }
        rows |= part == MR_KEY_GROUPS;
        driver->part_epoch[part] = epoch;
        count++;
    }
    memcpy(out->data + count_at, &count, sizeof count);
    return rows;
}

// The rows of one sink that are not in the log yet; with `full`, all that wait.
static void put_waiting(const mr_staging *staging, bool full, mr_text *out) {
    size_t mark = mr_record_begin_span(out);
    uint64_t first = full ? 0 : staging->logged_rows;
    if (!staging->fires && first < staging->waiting.row_count) {
        mr_rows fresh;
        mr_rows_init(&fresh, staging->waiting.schema);
        mr_arena scratch = {0};
        for (; first < staging->waiting.row_count; first += MR_BATCH_ROWS_MAX) {
            uint64_t left = staging->waiting.row_count - first;
            mr_batch batch;
            mr_rows_batch(&staging->waiting, first, (uint32_t)MR_MIN(left, MR_BATCH_ROWS_MAX),
                          &scratch, &batch);
            mr_rows_append(&fresh, &batch);
            mr_arena_clear(&scratch);
        }
        mr_rows_encode(&fresh, out);
        mr_arena_release(&scratch);
        mr_rows_release(&fresh);
    }
    mr_record_end_span(out, mark);
}

static void put_sinks(mr_driver *driver, bool full, mr_text *out) {
    mr_record_put_u64(out, driver->staging_count);
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        const mr_staging *staging = &driver->stagings[s];
        mr_record_put_string(out, staging->name);
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
    put_sources(driver, out);
    put_states(driver, out);
    put_deltas(driver, out);
    bool full_rows = put_full_parts(driver, epoch, out) != 0;
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

// ---- Replay ----

static mr_code get_head(mr_driver *driver, mr_record_reader *in, mr_cx *cx) {
    uint64_t version;
    const char *name;
    int64_t time_us;
    MR_TRY(mr_record_get_u64(in, &version, cx));
    if (version != FORMAT_VERSION) {
        return mr_fail(cx, MR_E_UNSUPPORTED, "Use the program that wrote it, or --fresh.",
                       "state of \"%s\" has format %" PRIu64 ", this program reads %d",
                       driver->spec.pipeline->name, version, FORMAT_VERSION);
    }
    MR_TRY(mr_record_get_string(in, &name, cx));
    if (strcmp(name, driver->spec.pipeline->name) != 0) {
        return mr_fail(cx, MR_E_UNSUPPORTED, "Give each pipeline a state folder of its own.",
                       "state in \"%s\" belongs to pipeline \"%s\"", driver->spec.state_dir, name);
    }
    MR_TRY(mr_record_get_u64(in, &driver->incarnation, cx));
    MR_TRY(mr_record_get_u64(in, &driver->seed, cx));
    MR_TRY(mr_record_get_i64(in, &time_us, cx));
    MR_TRY(mr_record_get_u64(in, &driver->published_epoch, cx));
    MR_TRY(mr_record_get_i64(in, &driver->watermark_us, cx));
    MR_TRY(mr_record_get_u64(in, &driver->counters.input_rows, cx));
    MR_TRY(mr_record_get_u64(in, &driver->counters.input_bytes, cx));
    MR_TRY(mr_record_get_u64(in, &driver->counters.bad_rows, cx));
    MR_TRY(mr_record_get_u64(in, &driver->counters.late_rows, cx));
    return mr_record_get_u64(in, &driver->counters.duplicates, cx);
}

static mr_code other_query(const mr_driver *driver, mr_cx *cx) {
    return mr_fail(cx, MR_E_UNSUPPORTED,
                   "Run the former query on, or start this one over with --fresh.",
                   "state in \"%s\" was kept for another query", driver->spec.state_dir);
}

static mr_code get_sources(mr_driver *driver, mr_record_reader *in, mr_cx *cx) {
    uint32_t count;
    MR_TRY(mr_record_get_count(in, 24, &count, cx));
    if (count != driver->spec.pipeline->source_count) {
        return other_query(driver, cx);
    }
    for (uint32_t s = 0; s < count; s++) {
        mr_recovered *to = &driver->positions[s];
        const char *name;
        uint32_t partitions;
        uint32_t lanes;
        MR_TRY(mr_record_get_string(in, &name, cx));
        MR_TRY(mr_record_get_count(in, 16, &partitions, cx));
        if (strcmp(name, driver->spec.sources[s]->spec.table) != 0) {
            return other_query(driver, cx);
        }
        mr_arena_clear(&to->arena);
        to->names = MR_NEW_ARRAY(&to->arena, const char *, partitions);
        to->positions = MR_NEW_ARRAY(&to->arena, int64_t, partitions);
        to->count = partitions;
        for (uint32_t p = 0; p < partitions; p++) {
            const char *partition;
            MR_TRY(mr_record_get_string(in, &partition, cx));
            to->names[p] = mr_arena_string(&to->arena, partition);
            MR_TRY(mr_record_get_i64(in, &to->positions[p], cx));
        }
        MR_TRY(mr_record_get_count(in, 8, &lanes, cx));
        if (lanes > MR_LANES_MAX) {
            return other_query(driver, cx);
        }
        uint32_t first = s * MR_LANES_MAX;
        if (first + lanes > driver->lanes.count) {
            mr_lanes_resize(&driver->lanes, first + lanes);
        }
        for (uint32_t l = 0; l < lanes; l++) {
            MR_TRY(mr_record_get_i64(in, &driver->lanes.items[first + l].max_event_us, cx));
        }
    }
    return MR_OK;
}

static mr_code get_states(mr_driver *driver, mr_record_reader *in, mr_cx *cx) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    uint32_t count;
    MR_TRY(mr_record_get_count(in, 8, &count, cx));
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        if (!is_stateful(pipeline->plans[p])) {
            continue;
        }
        uint64_t hash;
        if (count-- == 0) {
            return other_query(driver, cx);
        }
        MR_TRY(mr_record_get_u64(in, &hash, cx));
        if (hash != pipeline->plans[p]->hash) {
            return other_query(driver, cx);
        }
    }
    return count == 0 ? MR_OK : other_query(driver, cx);
}

static mr_code get_aggregate(mr_aggregate *aggregate, mr_span saved, int32_t key_group, mr_cx *cx) {
    if (key_group >= 0) {
        mr_panes_drop_key_group(&aggregate->panes, (uint32_t)key_group);
        return mr_panes_load(&aggregate->panes, saved, cx);
    }
    mr_record_reader in = {.left = saved, .name = "aggregate state"};
    MR_TRY(mr_record_get_i64(&in, &aggregate->watermark_us, cx));
    return mr_panes_load(&aggregate->panes, in.left, cx);
}

// State of every stateful node: a delta (key_group -1) is merged in, a full part replaces.
static mr_code get_node_states(mr_driver *driver, mr_record_reader *in, int32_t key_group,
                               mr_cx *cx) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        const mr_plan *plan = pipeline->plans[p];
        if (!is_stateful(plan)) {
            continue;
        }
        mr_span saved;
        MR_TRY(mr_record_get_span(in, &saved, cx));
        if (plan->kind == MR_PLAN_AGGREGATE) {
            MR_TRY(get_aggregate(mr_flow_aggregate(driver, plan), saved, key_group, cx));
            continue;
        }
        for (uint32_t w = 0; w < driver->worker_count; w++) {
            mr_op *op = driver->workers[w].ops[p];
            if (key_group >= 0) {
                mr_op_distinct_drop_key_group(op, (uint32_t)key_group);
            }
            MR_TRY(mr_op_distinct_load(op, saved, cx));
        }
    }
    return MR_OK;
}

static mr_code get_full_parts(mr_driver *driver, mr_record_reader *in, uint64_t epoch, mr_cx *cx) {
    uint32_t count;
    MR_TRY(mr_record_get_count(in, 8, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t part;
        MR_TRY(mr_record_get_u32(in, &part, cx));
        if (part >= MR_SNAPSHOT_PARTS) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged key group in the commit log");
        }
        driver->part_epoch[part] = epoch;
        driver->part_next = (part + 1) % MR_SNAPSHOT_PARTS;
        if (part < MR_KEY_GROUPS) {
            MR_TRY(get_node_states(driver, in, (int32_t)part, cx));
        }
    }
    return MR_OK;
}

static mr_code get_sinks(mr_driver *driver, mr_record_reader *in, mr_cx *cx) {
    uint32_t count;
    MR_TRY(mr_record_get_count(in, 32, &count, cx));
    if (count != driver->staging_count) {
        return other_query(driver, cx);
    }
    for (uint32_t s = 0; s < count; s++) {
        mr_staging *staging = &driver->stagings[s];
        const char *name;
        uint64_t handed_over;
        mr_span rows;
        MR_TRY(mr_record_get_string(in, &name, cx));
        if (strcmp(name, staging->name) != 0) {
            return other_query(driver, cx);
        }
        MR_TRY(mr_record_get_u64(in, &handed_over, cx));
        MR_TRY(mr_record_get_u64(in, &staging->update_epoch, cx));
        MR_TRY(mr_record_get_span(in, &rows, cx));
        if (handed_over != 0) {
            mr_rows_clear(&staging->waiting);
        }
        if (rows.bytes > 0) {
            MR_TRY(mr_rows_decode(&staging->waiting, rows, cx));
        }
        staging->logged_rows = staging->waiting.row_count;
    }
    return MR_OK;
}

static mr_code get_publication(mr_driver *driver, mr_record_reader *in, uint64_t epoch, mr_cx *cx) {
    driver->pending =
        mr_heap_resize(driver->pending, (driver->pending_count + 1) * sizeof *driver->pending);
    mr_pending *pending = &driver->pending[driver->pending_count];
    *pending = (mr_pending){0};
    mr_publication *publication = &pending->publication;
    MR_TRY(mr_record_get_u32(in, &pending->sink, cx));
    if (pending->sink >= driver->staging_count) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged publication in the commit log");
    }
    publication->id = (mr_publication_id){.pipeline = driver->spec.pipeline->name,
                                          .incarnation = driver->incarnation,
                                          .epoch = epoch,
                                          .sink = pending->sink};
    MR_TRY(mr_record_get_u64(in, &publication->row_count, cx));
    MR_TRY(mr_record_get_count(in, 40, &publication->file_count, cx));
    publication->files =
        MR_NEW_ARRAY(&driver->arena, mr_publication_file, MR_MAX(publication->file_count, 1u));
    for (uint32_t f = 0; f < publication->file_count; f++) {
        mr_publication_file *file = &publication->files[f];
        MR_TRY(mr_record_get_string(in, &file->part, cx));
        MR_TRY(mr_record_get_string(in, &file->final, cx));
        file->part = mr_arena_string(&driver->arena, file->part);
        file->final = mr_arena_string(&driver->arena, file->final);
        MR_TRY(mr_record_get_u64(in, &file->bytes, cx));
        MR_TRY(mr_record_get_u64(in, &file->rows, cx));
        MR_TRY(mr_record_get_u32(in, &file->crc, cx));
    }
    driver->pending_count++;
    return MR_OK;
}

static mr_code get_publications(mr_driver *driver, mr_record_reader *in, uint64_t epoch,
                                mr_cx *cx) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < driver->pending_count; i++) {
        if (driver->pending[i].publication.id.epoch > driver->published_epoch) {
            driver->pending[kept++] = driver->pending[i];
        }
    }
    driver->pending_count = kept;
    uint32_t count;
    MR_TRY(mr_record_get_count(in, 24, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(get_publication(driver, in, epoch, cx));
    }
    return MR_OK;
}

// Drops what the epoch dropped after its emission; every aggregate, inputs first.
static void expire_states(mr_driver *driver) {
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        mr_panes_expire(&driver->aggregates[a].panes, driver->aggregates[a].watermark_us);
    }
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        driver->workers[w].env.watermark_us = driver->watermark_us;
    }
    driver->serial_env.watermark_us = driver->watermark_us;
}

mr_code mr_commit_apply_record(void *self, uint64_t epoch, mr_span payload, mr_cx *cx) {
    mr_driver *driver = self;
    mr_arena *outer = cx->arena;
    mr_arena arena = {0};
    cx->arena = &arena;
    mr_record_reader in = {.left = payload, .name = driver->spec.state_dir};
    mr_code code = get_head(driver, &in, cx);
    if (code == MR_OK && !driver->flowing) {
        cx->arena = outer;
        code = mr_flow_build(driver, cx);
        cx->arena = &arena;
    }
    for (uint32_t a = 0; code == MR_OK && a < driver->aggregate_count; a++) {
        driver->aggregates[a].panes.epoch = epoch;
    }
    code = code != MR_OK ? code : get_sources(driver, &in, cx);
    code = code != MR_OK ? code : get_states(driver, &in, cx);
    code = code != MR_OK ? code : get_node_states(driver, &in, -1, cx);
    code = code != MR_OK ? code : get_full_parts(driver, &in, epoch, cx);
    code = code != MR_OK ? code : get_sinks(driver, &in, cx);
    code = code != MR_OK ? code : get_publications(driver, &in, epoch, cx);
    if (code == MR_OK) {
        expire_states(driver);
        driver->epoch_first = driver->has_state ? driver->epoch_first : epoch;
        driver->epoch = epoch;
        driver->has_state = true;
    }
    cx->arena = outer;
    mr_arena_release(&arena);
    return code == MR_OK ? code : mr_error_in(cx, code, "reading epoch %" PRIu64, epoch);
}
