// Commit replay: a commit record into the running pipeline's state.   Also: mr_commit_
//
// What a record holds is found by what it is, not by where it stands: operators by the hash of
// their sub-plan, sinks and sources by name. So a changed query takes over what is still the same,
// and nothing else; what was left behind is in no record after the first of the changed query.
// Which changes are taken on is decided before (driver.h, mr_driver_change): without one, the last
// record must be this pipeline's in whole.

#include <string.h>

#include "exec/commit_view.h"
#include "exec/run.h"

#define NO_NODE UINT32_MAX

mr_code mr_commit_other_query(const mr_driver *driver, mr_cx *cx) {
    return mr_fail(cx, MR_E_UNSUPPORTED,
                   "Run the former query on, or start this one over with --fresh.",
                   "state in \"%s\" was kept for another query", driver->spec.state_dir);
}

static mr_code replay_head(mr_driver *driver, const mr_commit_view *v, mr_cx *cx) {
    if (strcmp(v->pipeline, driver->spec.pipeline->name) != 0) {
        return mr_fail(cx, MR_E_UNSUPPORTED, "Give each pipeline a state folder of its own.",
                       "state in \"%s\" belongs to pipeline \"%s\"", driver->spec.state_dir,
                       v->pipeline);
    }
    driver->incarnation = v->incarnation;
    driver->seed = v->seed;
    driver->published_epoch = v->published_epoch;
    driver->watermark_us = v->watermark_us;
    driver->counters = (mr_counters){.input_rows = v->counters[0],
                                     .input_bytes = v->counters[1],
                                     .bad_rows = v->counters[2],
                                     .late_rows = v->counters[3],
                                     .duplicates = v->counters[4]};
    return MR_OK;
}

// ---- sources -----------------------------------------------------------------------------------

static void replay_lanes(mr_driver *driver, uint32_t source, const mr_view_source *from) {
    uint32_t first = source * MR_LANES_MAX;
    if (first + from->lane_count > driver->lanes.count) {
        mr_lanes_resize(&driver->lanes, first + from->lane_count);
    }
    for (uint32_t l = 0; l < from->lane_count; l++) {
        driver->lanes.items[first + l].max_event_us = from->lanes[l];
    }
}

static void replay_source(mr_driver *driver, uint32_t source, const mr_view_source *from) {
    mr_recovered *to = &driver->positions[source];
    mr_arena_clear(&to->arena);
    to->known = true;
    to->names = MR_NEW_ARRAY(&to->arena, const char *, from->partition_count + 1);
    to->positions = MR_NEW_ARRAY(&to->arena, int64_t, from->partition_count + 1);
    to->count = from->partition_count;
    for (uint32_t p = 0; p < from->partition_count; p++) {
        to->names[p] = mr_arena_string(&to->arena, from->partitions[p]);
        to->positions[p] = from->positions[p];
    }
    replay_lanes(driver, source, from);
}

static mr_code replay_sources(mr_driver *driver, const mr_commit_view *v, mr_cx *cx) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    const mr_driver_change *change = driver->spec.change;
    bool same = v->source_count == pipeline->source_count;
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        const mr_plan_source *plan = &pipeline->sources[s];
        const mr_view_source *from = NULL;
        for (uint32_t i = 0; i < v->source_count; i++) {
            if (strcmp(v->sources[i].name, plan->name) == 0 && v->sources[i].hash == plan->hash) {
                from = &v->sources[i];
            }
        }
        if (from != NULL && from->lane_count > MR_LANES_MAX) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged lanes in the commit log");
        }
        driver->positions[s].known = false;
        if (from != NULL && (change == NULL || !change->restart[s])) {
            replay_source(driver, s, from);
        }
        same = same && from != NULL;
    }
    driver->same_query = driver->same_query && same;
    return MR_OK;
}

// ---- states ------------------------------------------------------------------------------------

// For each state of the record the node that goes on with it, or NO_NODE. Equal hashes are told
// apart by their order.
static uint32_t *nodes_of(mr_driver *driver, const mr_commit_view *v, mr_cx *cx) {
    const mr_pipeline *pipeline = driver->spec.pipeline;
    uint32_t *nodes = MR_NEW_ARRAY(cx->arena, uint32_t, v->state_count + 1);
    bool *taken = MR_NEW_ARRAY(cx->arena, bool, pipeline->plan_count + 1);
    uint32_t stateful = 0;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        stateful += mr_commit_is_stateful(pipeline->plans[p]);
    }
    bool same = stateful == v->state_count;
    for (uint32_t i = 0; i < v->state_count; i++) {
        nodes[i] = NO_NODE;
        for (uint32_t p = 0; p < pipeline->plan_count && nodes[i] == NO_NODE; p++) {
            const mr_plan *plan = pipeline->plans[p];
            if (mr_commit_is_stateful(plan) && !taken[p] && plan->hash == v->states[i]) {
                taken[p] = true;
                nodes[i] = p;
            }
        }
        same = same && nodes[i] != NO_NODE;
        if (nodes[i] != NO_NODE && driver->forgotten != NULL && driver->forgotten[nodes[i]]) {
            nodes[i] = NO_NODE;
        }
    }
    driver->same_query = driver->same_query && same;
    return nodes;
}

static mr_code replay_aggregate(mr_aggregate *aggregate, mr_span saved, int32_t key_group,
                                mr_cx *cx) {
    if (key_group >= 0) {
        mr_panes_drop_key_group(&aggregate->panes, (uint32_t)key_group);
        return mr_panes_load(&aggregate->panes, saved, cx);
    }
    mr_record_reader in = {.left = saved, .name = "aggregate state"};
    MR_TRY(mr_record_get_i64(&in, &aggregate->watermark_us, cx));
    return mr_panes_load(&aggregate->panes, in.left, cx);
}

// A node's state: a delta (key_group -1) is merged in, a full part replaces.
static mr_code replay_node(mr_driver *driver, uint32_t node, mr_span saved, int32_t key_group,
                           mr_cx *cx) {
    const mr_plan *plan = driver->spec.pipeline->plans[node];
    if (plan->kind == MR_PLAN_AGGREGATE) {
        return replay_aggregate(mr_flow_aggregate(driver, plan), saved, key_group, cx);
    }
    for (uint32_t w = 0; w < driver->worker_count; w++) {
        mr_op *op = driver->workers[w].ops[node];
        if (key_group >= 0) {
            mr_op_distinct_drop_key_group(op, (uint32_t)key_group);
        }
        MR_TRY(mr_op_distinct_load(op, saved, cx));
    }
    return MR_OK;
}

static mr_code replay_states(mr_driver *driver, const mr_commit_view *v, uint64_t epoch,
                             mr_cx *cx) {
    uint32_t *nodes = nodes_of(driver, v, cx);
    for (uint32_t i = 0; i < v->state_count; i++) {
        if (nodes[i] != NO_NODE) {
            MR_TRY(replay_node(driver, nodes[i], v->deltas[i], -1, cx));
        }
    }
    for (uint32_t p = 0; p < v->part_count; p++) {
        uint32_t part = v->parts[p].part;
        driver->part_epoch[part] = epoch;
        driver->part_next = (part + 1) % MR_SNAPSHOT_PARTS;
        for (uint32_t i = 0; part < MR_KEY_GROUPS && i < v->state_count; i++) {
            if (nodes[i] != NO_NODE) {
                MR_TRY(replay_node(driver, nodes[i], v->parts[p].states[i], (int32_t)part, cx));
            }
        }
    }
    return MR_OK;
}

// ---- sinks -------------------------------------------------------------------------------------

static mr_staging *staging_find(mr_driver *driver, const char *name) {
    for (uint32_t s = 0; s < driver->staging_count; s++) {
        if (strcmp(driver->stagings[s].name, name) == 0) {
            return &driver->stagings[s];
        }
    }
    return NULL;
}

// Rows with the columns of another query, by name; what is not in them is NULL.
static void append_by_name(mr_rows *to, const mr_rows *from) {
    mr_arena scratch = {0};
    uint64_t null_bits[MR_BATCH_ROWS_MAX / 64] = {0};
    for (uint64_t first = 0; first < from->row_count; first += MR_BATCH_ROWS_MAX) {
        mr_batch in;
        uint64_t left = from->row_count - first;
        mr_rows_batch(from, first, (uint32_t)MR_MIN(left, MR_BATCH_ROWS_MAX), &scratch, &in);
        mr_vector *columns = MR_NEW_ARRAY(&scratch, mr_vector, to->schema->count);
        for (uint32_t c = 0; c < to->schema->count; c++) {
            mr_type type = to->schema->columns[c].type;
            int32_t at = mr_schema_find(from->schema, to->schema->columns[c].name);
            bool found = at >= 0 && mr_type_equal(from->schema->columns[at].type, type);
            columns[c] = found ? in.columns[at]
                               : (mr_vector){.type = type,
                                             .kind = MR_CONST,
                                             .valid = null_bits,
                                             .data = mr_arena_alloc(&scratch, 16)};
        }
        mr_batch out = {.rows = in.rows,
                        .column_count = to->schema->count,
                        .columns = columns,
                        .sel_count = in.rows};
        mr_rows_append(to, &out);
        mr_arena_clear(&scratch);
    }
    mr_arena_release(&scratch);
}

// Waiting rows of a side table keep their place when a query wants other columns of its source;
// those of an insert go with the query that made them.
static mr_code replay_rows(mr_driver *driver, mr_staging *staging, const mr_view_sink *from,
                           mr_cx *cx) {
    if (mr_schema_hash(staging->waiting.schema) == from->schema_hash) {
        return mr_rows_decode(&staging->waiting, from->rows, cx);
    }
    if (staging->index < driver->spec.pipeline->insert_count) {
        return MR_OK;
    }
    if (mr_schema_hash(&from->schema) != from->schema_hash) {
        return mr_fail(cx, MR_E_UNSUPPORTED, "Run the former file once to its end.",
                       "rows that wait for \"%s\" have columns that cannot be read", from->name);
    }
    mr_rows former;
    mr_rows_init(&former, &from->schema);
    mr_code code = mr_rows_decode(&former, from->rows, cx);
    if (code == MR_OK) {
        append_by_name(&staging->waiting, &former);
    }
    mr_rows_release(&former);
    return code;
}

static mr_code replay_sinks(mr_driver *driver, const mr_commit_view *v, mr_cx *cx) {
    const mr_driver_change *change = driver->spec.change;
    bool same = v->sink_count == driver->staging_count;
    for (uint32_t s = 0; s < v->sink_count; s++) {
        const mr_view_sink *from = &v->sinks[s];
        mr_staging *staging = staging_find(driver, from->name);
        // The columns of a side table follow from those that the queries want.
        bool aside = staging != NULL && staging->index >= driver->spec.pipeline->insert_count;
        same = same && staging != NULL && (aside || staging->hash == from->hash);
        if (staging == NULL) {
            continue;
        }
        staging->update_epoch = from->update_epoch;
        if (from->handed_over) {
            mr_rows_clear(&staging->waiting);
        }
        bool dropped = change != NULL && change->drop_rows[staging->index];
        if (from->row_count > 0 && !dropped) {
            MR_TRY(replay_rows(driver, staging, from, cx));
        }
        staging->logged_rows = staging->waiting.row_count;
    }
    driver->same_query = driver->same_query && same;
    return MR_OK;
}

static void replay_publication(mr_driver *driver, const mr_commit_view *v,
                               const mr_view_publication *from) {
    const mr_staging *staging = staging_find(driver, v->sinks[from->sink].name);
    driver->pending =
        mr_heap_resize(driver->pending, (driver->pending_count + 1) * sizeof *driver->pending);
    mr_pending *pending = &driver->pending[driver->pending_count++];
    mr_arena *arena = &driver->arena;
    pending->sink = staging == NULL ? UINT32_MAX : staging->index;
    pending->table = mr_arena_string(arena, v->sinks[from->sink].name);
    pending->publication = from->publication;
    mr_publication *publication = &pending->publication;
    publication->id.pipeline = driver->spec.pipeline->name;
    publication->files = MR_NEW_ARRAY(arena, mr_publication_file, publication->file_count + 1);
    for (uint32_t f = 0; f < publication->file_count; f++) {
        publication->files[f] = from->publication.files[f];
        publication->files[f].part = mr_arena_string(arena, from->publication.files[f].part);
        publication->files[f].final = mr_arena_string(arena, from->publication.files[f].final);
    }
}

static void replay_publications(mr_driver *driver, const mr_commit_view *v) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < driver->pending_count; i++) {
        if (driver->pending[i].publication.id.epoch > driver->published_epoch) {
            driver->pending[kept++] = driver->pending[i];
        }
    }
    driver->pending_count = kept;
    for (uint32_t i = 0; i < v->publication_count; i++) {
        replay_publication(driver, v, &v->publications[i]);
    }
}

// ---- the record --------------------------------------------------------------------------------

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

static mr_code replay(mr_driver *driver, const mr_commit_view *v, uint64_t epoch, mr_cx *cx) {
    for (uint32_t a = 0; a < driver->aggregate_count; a++) {
        driver->aggregates[a].panes.epoch = epoch;
    }
    driver->same_query = true;  // Until something is found that is not.
    MR_TRY(replay_sources(driver, v, cx));
    MR_TRY(replay_states(driver, v, epoch, cx));
    MR_TRY(replay_sinks(driver, v, cx));
    replay_publications(driver, v);
    expire_states(driver);
    driver->epoch_first = driver->has_state ? driver->epoch_first : epoch;
    driver->epoch = epoch;
    driver->has_state = true;
    return MR_OK;
}

mr_code mr_commit_apply_record(void *self, uint64_t epoch, mr_span payload, mr_cx *cx) {
    mr_driver *driver = self;
    mr_arena *outer = cx->arena;
    mr_arena arena = {0};
    cx->arena = &arena;
    mr_commit_view view;
    mr_code code = mr_commit_view_read(driver->spec.state_dir, epoch, payload, &view, cx);
    code = code == MR_OK ? replay_head(driver, &view, cx) : code;
    if (code == MR_OK && !driver->flowing) {
        cx->arena = outer;
        code = mr_flow_build(driver, cx);
        cx->arena = &arena;
    }
    code = code == MR_OK ? replay(driver, &view, epoch, cx) : code;
    cx->arena = outer;
    mr_arena_release(&arena);
    return code == MR_OK ? code : mr_error_in(cx, code, "reading epoch %" PRIu64, epoch);
}
