// Commit view: see commit_view.h. The order of the fields is commit.c's.   Also: mr_commit_

#include "exec/commit_view.h"

#include <inttypes.h>
#include <string.h>

#include "exec/panes.h"

bool mr_commit_is_stateful(const mr_plan *plan) {
    return plan->kind == MR_PLAN_DISTINCT || plan->kind == MR_PLAN_AGGREGATE;
}

static mr_code view_head(mr_record_reader *in, mr_commit_view *v, mr_cx *cx) {
    uint64_t version;
    MR_TRY(mr_record_get_u64(in, &version, cx));
    if (version != MR_COMMIT_FORMAT) {
        return mr_fail(cx, MR_E_UNSUPPORTED, "Use the program that wrote it, or --fresh.",
                       "state in \"%s\" has format %" PRIu64 ", this program reads %d", in->name,
                       version, MR_COMMIT_FORMAT);
    }
    MR_TRY(mr_record_get_string(in, &v->pipeline, cx));
    MR_TRY(mr_record_get_u64(in, &v->incarnation, cx));
    MR_TRY(mr_record_get_u64(in, &v->seed, cx));
    MR_TRY(mr_record_get_i64(in, &v->time_us, cx));
    MR_TRY(mr_record_get_u64(in, &v->published_epoch, cx));
    MR_TRY(mr_record_get_i64(in, &v->watermark_us, cx));
    for (size_t i = 0; i < MR_COUNT(v->counters); i++) {
        MR_TRY(mr_record_get_u64(in, &v->counters[i], cx));
    }
    MR_TRY(mr_record_get_u64(in, &v->state_rows, cx));
    MR_TRY(mr_record_get_u64(in, &v->state_bytes, cx));
    return mr_record_get_u64(in, &v->query_hash, cx);
}

static mr_code view_source(mr_record_reader *in, mr_view_source *source, mr_cx *cx) {
    MR_TRY(mr_record_get_string(in, &source->name, cx));
    MR_TRY(mr_record_get_u64(in, &source->hash, cx));
    MR_TRY(mr_record_get_count(in, 16, &source->partition_count, cx));
    source->partitions = MR_NEW_ARRAY(cx->arena, const char *, source->partition_count + 1);
    source->positions = MR_NEW_ARRAY(cx->arena, int64_t, source->partition_count + 1);
    for (uint32_t p = 0; p < source->partition_count; p++) {
        MR_TRY(mr_record_get_string(in, &source->partitions[p], cx));
        MR_TRY(mr_record_get_i64(in, &source->positions[p], cx));
    }
    MR_TRY(mr_record_get_count(in, 8, &source->lane_count, cx));
    source->lanes = MR_NEW_ARRAY(cx->arena, int64_t, source->lane_count + 1);
    for (uint32_t l = 0; l < source->lane_count; l++) {
        MR_TRY(mr_record_get_i64(in, &source->lanes[l], cx));
    }
    return MR_OK;
}

static mr_code view_sources(mr_record_reader *in, mr_commit_view *v, mr_cx *cx) {
    MR_TRY(mr_record_get_count(in, 32, &v->source_count, cx));
    v->sources = MR_NEW_ARRAY(cx->arena, mr_view_source, v->source_count + 1);
    for (uint32_t s = 0; s < v->source_count; s++) {
        MR_TRY(view_source(in, &v->sources[s], cx));
    }
    return MR_OK;
}

static mr_code view_spans(mr_record_reader *in, uint32_t count, mr_span **ret, mr_cx *cx) {
    *ret = MR_NEW_ARRAY(cx->arena, mr_span, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_record_get_span(in, &(*ret)[i], cx));
    }
    return MR_OK;
}

static mr_code view_states(mr_record_reader *in, mr_commit_view *v, mr_cx *cx) {
    MR_TRY(mr_record_get_count(in, 8, &v->state_count, cx));
    v->states = MR_NEW_ARRAY(cx->arena, uint64_t, v->state_count + 1);
    for (uint32_t i = 0; i < v->state_count; i++) {
        MR_TRY(mr_record_get_u64(in, &v->states[i], cx));
    }
    MR_TRY(view_spans(in, v->state_count, &v->deltas, cx));
    MR_TRY(mr_record_get_count(in, 8, &v->part_count, cx));
    v->parts = MR_NEW_ARRAY(cx->arena, mr_view_part, v->part_count + 1);
    for (uint32_t i = 0; i < v->part_count; i++) {
        MR_TRY(mr_record_get_u32(in, &v->parts[i].part, cx));
        if (v->parts[i].part > MR_KEY_GROUPS) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged key group in the commit log");
        }
        uint32_t count = v->parts[i].part < MR_KEY_GROUPS ? v->state_count : 0;
        MR_TRY(view_spans(in, count, &v->parts[i].states, cx));
    }
    return MR_OK;
}

static mr_type type_named(const char *name) {
    for (uint32_t id = 0; id < MR_TYPE_COUNT; id++) {
        mr_type type = MR_TYPE((mr_type_id)id);
        if (strcmp(mr_type_name(type), name) == 0) {
            return type;
        }
    }
    return MR_TYPE(MR_NULLTYPE);  // Of another version; who reads the rows finds that they differ.
}

static mr_code view_rows(mr_record_reader *in, mr_view_sink *sink, mr_cx *cx) {
    MR_TRY(mr_record_get_u64(in, &sink->row_count, cx));
    if (sink->row_count == 0) {
        return MR_OK;
    }
    mr_schema *schema = &sink->schema;
    MR_TRY(mr_record_get_u64(in, &sink->schema_hash, cx));
    MR_TRY(mr_record_get_count(in, 16, &schema->count, cx));
    schema->columns = MR_NEW_ARRAY(cx->arena, mr_column, schema->count + 1);
    for (uint32_t c = 0; c < schema->count; c++) {
        const char *type;
        MR_TRY(mr_record_get_string(in, &schema->columns[c].name, cx));
        MR_TRY(mr_record_get_string(in, &type, cx));
        schema->columns[c].type = type_named(type);
    }
    return mr_record_get_span(in, &sink->rows, cx);
}

static mr_code view_sinks(mr_record_reader *in, mr_commit_view *v, mr_cx *cx) {
    MR_TRY(mr_record_get_count(in, 40, &v->sink_count, cx));
    v->sinks = MR_NEW_ARRAY(cx->arena, mr_view_sink, v->sink_count + 1);
    for (uint32_t s = 0; s < v->sink_count; s++) {
        mr_view_sink *sink = &v->sinks[s];
        uint64_t handed_over;
        MR_TRY(mr_record_get_string(in, &sink->name, cx));
        MR_TRY(mr_record_get_u64(in, &sink->hash, cx));
        MR_TRY(mr_record_get_u64(in, &handed_over, cx));
        MR_TRY(mr_record_get_u64(in, &sink->update_epoch, cx));
        sink->handed_over = handed_over != 0;
        MR_TRY(view_rows(in, sink, cx));
    }
    return MR_OK;
}

static mr_code view_publication(mr_record_reader *in, const mr_commit_view *v, uint64_t epoch,
                                mr_view_publication *ret, mr_cx *cx) {
    mr_publication *publication = &ret->publication;
    MR_TRY(mr_record_get_u32(in, &ret->sink, cx));
    if (ret->sink >= v->sink_count) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged publication in the commit log");
    }
    publication->id = (mr_publication_id){
        .pipeline = v->pipeline, .incarnation = v->incarnation, .epoch = epoch, .sink = ret->sink};
    MR_TRY(mr_record_get_u64(in, &publication->row_count, cx));
    MR_TRY(mr_record_get_count(in, 40, &publication->file_count, cx));
    publication->files = MR_NEW_ARRAY(cx->arena, mr_publication_file, publication->file_count + 1);
    for (uint32_t f = 0; f < publication->file_count; f++) {
        mr_publication_file *file = &publication->files[f];
        MR_TRY(mr_record_get_string(in, &file->part, cx));
        MR_TRY(mr_record_get_string(in, &file->final, cx));
        MR_TRY(mr_record_get_u64(in, &file->bytes, cx));
        MR_TRY(mr_record_get_u64(in, &file->rows, cx));
        MR_TRY(mr_record_get_u32(in, &file->crc, cx));
    }
    return MR_OK;
}

mr_code mr_commit_view_read(const char *name, uint64_t epoch, mr_span payload, mr_commit_view *ret,
                            mr_cx *cx) {
    mr_record_reader in = {.left = payload, .name = name};
    *ret = (mr_commit_view){0};
    MR_TRY(view_head(&in, ret, cx));
    MR_TRY(view_sources(&in, ret, cx));
    MR_TRY(view_states(&in, ret, cx));
    MR_TRY(view_sinks(&in, ret, cx));
    MR_TRY(mr_record_get_count(&in, 24, &ret->publication_count, cx));
    ret->publications = MR_NEW_ARRAY(cx->arena, mr_view_publication, ret->publication_count + 1);
    for (uint32_t i = 0; i < ret->publication_count; i++) {
        MR_TRY(view_publication(&in, ret, epoch, &ret->publications[i], cx));
    }
    return MR_OK;  // The hashes of static tables follow: for people, nothing depends on them.
}
