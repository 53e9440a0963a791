// Groups load: all groups from the records of __consumer_offsets; see groups_state.h.
//
// The log is read once, from its start to what is durable. Of a key the last record counts; what a
// transaction wrote is pending until its marker. A record of a kind that is not known (of a newer
// broker's groups) is left alone.
//
// Also: mr_groups_

#include "broker/groups_state.h"

#define READ_BYTES   ((uint64_t)4 << 20)
#define EXPAND_BYTES ((size_t)256 << 20)

typedef struct loading {
    mr_groups *groups;
    char *buffer;     // Heap.
    mr_text records;  // Of one batch, expanded. Heap.
    mr_cx cx;         // Its arena is cleared after each batch.
} loading;

// The group's members become those of `from`, which is freed; its offsets stay.
static void become(mr_group *group, mr_group *from) {
    mr_group before = *group;
    *group = *from;
    group->offsets = before.offsets;
    group->pending = before.pending;
    group->pending_count = before.pending_count;
    group->committed_at = before.committed_at;
    before.offsets = from->offsets;
    before.pending = from->pending;
    before.pending_count = from->pending_count;
    *from = before;
    mr_group_free(from);
}

static void apply_members(mr_groups *groups, const mr_group_record *record) {
    mr_group *group = mr_groups_get(groups, record->group);
    if (!record->gone) {
        become(mr_groups_obtain(groups, record->group), record->members);
    } else if (group != NULL) {
        become(group, mr_group_new(record->group, groups->host.wall_ms));
        mr_groups_tidy(groups, group);
    }
}

static void apply_offset(mr_groups *groups, const mr_group_record *record, int64_t producer_id) {
    mr_group *group = record->gone ? mr_groups_get(groups, record->group)
                                   : mr_groups_obtain(groups, record->group);
    if (group != NULL) {
        mr_groups_entry entry = {record->topic, record->offset, record->gone};
        mr_groups_apply(groups, group, &entry, producer_id);
        mr_groups_tidy(groups, group);
    }
}

static mr_code load_record(loading *l, const mr_record *record, int64_t producer_id) {
    mr_group_record read;
    mr_code code = mr_group_record_read(record, &read, &l->cx);
    if (code == MR_E_UNSUPPORTED) {
        mr_broker_say(l->groups->broker, MR_TOPIC_OFFSETS ": record %lld is left out: %s",
                      (long long)record->offset, l->cx.error.text);
        return MR_OK;
    }
    MR_TRY(code);
    if (read.kind == MR_GROUP_RECORD_MEMBERS) {
        apply_members(l->groups, &read);
    } else if (read.kind == MR_GROUP_RECORD_OFFSET) {
        apply_offset(l->groups, &read, producer_id);
    }
    return MR_OK;
}

static mr_code load_batch(loading *l, const mr_record_batch *batch) {
    if (batch->attributes & MR_RECORD_BATCH_CONTROL) {
        mr_record_marker marker = mr_record_batch_marker(batch);
        if (marker != MR_RECORD_OTHER) {
            mr_groups_end(l->groups, batch->producer_id, marker == MR_RECORD_COMMIT);
        }
        return MR_OK;
    }
    mr_text_clear(&l->records);
    MR_TRY(mr_record_batch_expand(batch, EXPAND_BYTES, &l->records, &l->cx));
    mr_record_reader reader;
    mr_record record;
    MR_TRY(mr_record_open(&reader, batch, mr_text_span(&l->records), &l->cx));
    bool transactional = (batch->attributes & MR_RECORD_BATCH_TRANSACTIONAL) != 0;
    while (mr_record_next(&reader, &record)) {
        MR_TRY(load_record(l, &record, transactional ? batch->producer_id : -1));
    }
    return mr_record_end(&reader, &l->cx);
}

static mr_code load_slice(loading *l, const mr_log_slice *slice) {
    l->buffer = mr_heap_resize(l->buffer, slice->bytes + 1);
    MR_TRY(mr_log_slice_load(slice, 0, l->buffer, slice->bytes, &l->cx));
    mr_span in = {l->buffer, slice->bytes};
    for (;;) {
        mr_record_batch batch;
        bool found = false;
        MR_TRY(mr_record_batch_next(&in, &batch, &found, &l->cx));
        if (!found) {
            return MR_OK;
        }
        MR_TRY(load_batch(l, &batch));
        mr_arena_clear(l->cx.arena);
    }
}

static mr_code load_all(loading *l) {
    mr_log *log = l->groups->partition->log;
    if (mr_log_offline(log, NULL)) {
        return MR_OK;  // Was said by who opened it; commits are refused.
    }
    mr_log_marks marks = mr_log_marks_of(log);
    for (int64_t at = marks.first; at < marks.high;) {
        mr_log_wish wish = {.offset = at,
                            .bytes_max = READ_BYTES,
                            .at_least_one = true,
                            .isolation = MR_LOG_UNCOMMITTED};
        mr_log_slice slice = {0};
        int16_t error = MR_KAFKA_NONE;
        MR_TRY(mr_log_read(log, &wish, &slice, &error, &l->cx));
        if (error != MR_KAFKA_NONE || slice.bytes == 0) {
            mr_log_slice_release(&slice);
            return mr_fail(&l->cx, MR_E_CORRUPT, NULL, "cannot be read at offset %lld: %s",
                           (long long)at, mr_kafka_error_name(error));
        }
        mr_code code = load_slice(l, &slice);
        at = slice.next_offset;
        mr_log_slice_release(&slice);
        MR_TRY(code);
    }
    return MR_OK;
}

mr_code mr_groups_load(mr_groups *groups, mr_cx *cx) {
    if (groups->partition == NULL) {
        return MR_OK;
    }
    loading l = {.groups = groups};
    mr_cx_init(&l.cx, &groups->scratch, cx->plat);
    mr_code code = load_all(&l);
    if (code != MR_OK) {
        cx->error = l.cx.error;
    }
    mr_text_release(&l.records);
    mr_heap_free(l.buffer);
    mr_arena_clear(&groups->scratch);
    return code;
}
