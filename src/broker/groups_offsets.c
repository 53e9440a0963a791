// Groups offsets: what is committed, by whom, until when; see groups_state.h.
//
// An offset of a transaction waits in its group's pending part until the transaction's marker. Of a
// plain commit and one of a transaction the later record wins, not the later marker: that is how
// the log reads after compaction.
//
// Also: mr_groups_

#include "broker/groups_state.h"

#define NO_PRODUCER ((mr_group_producer){.id = -1, .epoch = -1})

static void note_open(mr_groups *groups, mr_group *group, int64_t producer_id) {
    for (uint32_t i = 0; i < groups->open_count; i++) {
        if (groups->open[i].group == group && groups->open[i].producer_id == producer_id) {
            return;
        }
    }
    if (groups->open_count == groups->open_capacity) {
        groups->open_capacity = groups->open_capacity == 0 ? 16 : groups->open_capacity * 2;
        groups->open = mr_heap_resize(groups->open, sizeof(*groups->open) * groups->open_capacity);
    }
    groups->open[groups->open_count++] = (mr_groups_open_one){producer_id, group};
}

void mr_groups_apply(mr_groups *groups, mr_group *group, const mr_groups_entry *entry,
                     int64_t producer_id) {
    if (entry->gone) {
        (void)mr_group_offsets_remove(&group->offsets, entry->topic, entry->offset.partition);
        for (uint32_t i = 0; i < group->pending_count; i++) {
            (void)mr_group_offsets_remove(&group->pending[i].offsets, entry->topic,
                                          entry->offset.partition);
        }
    } else if (producer_id >= 0) {
        note_open(groups, group, producer_id);
        mr_group_offsets_put(mr_group_pending_of(group, producer_id, true), entry->topic,
                             &entry->offset);
    } else {
        mr_group_offsets_put(&group->offsets, entry->topic, &entry->offset);
    }
}

int16_t mr_groups_write(mr_groups *groups, mr_group *group, const mr_groups_change *change,
                        int64_t *ret_after) {
    mr_group_records records = mr_groups_records(groups);
    mr_code code = MR_OK;
    for (uint32_t i = 0; i < change->count && code == MR_OK; i++) {
        const mr_groups_entry *entry = &change->entries[i];
        code = entry->gone
                   ? mr_group_record_offset_gone(&records, group->id, entry->topic,
                                                 entry->offset.partition)
                   : mr_group_record_offset(&records, group->id, entry->topic, &entry->offset);
    }
    if (code == MR_OK && change->group_gone && group->stored_at >= 0) {
        code = mr_group_record_gone(&records, group->id);
    }
    if (code != MR_OK) {
        return MR_KAFKA_INVALID_COMMIT_OFFSET_SIZE;
    }
    int64_t base = -1;
    int16_t error = mr_groups_append(groups, &records, change->producer, &base);
    if (error != MR_KAFKA_NONE) {
        return error;
    }
    *ret_after = base < 0 ? -1 : base + records.count - 1;
    for (uint32_t i = 0; i < change->count; i++) {
        mr_groups_entry entry = change->entries[i];
        entry.offset.record = base + i;
        mr_groups_apply(groups, group, &entry, change->producer.id);
    }
    if (change->count > 0) {
        group->committed_at = *ret_after;
    }
    if (change->group_gone) {
        mr_groups_discard(groups, group);
    }
    return MR_KAFKA_NONE;
}

static uint32_t count_of(const mr_group_offsets *offsets) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < offsets->count; i++) {
        count += offsets->topics[i].count;
    }
    return count;
}

static uint32_t add_gone(const mr_group_offsets *offsets, const mr_group_offsets *but,
                         mr_groups_entry *out, mr_arena *arena) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < offsets->count; i++) {
        const mr_group_topic *topic = &offsets->topics[i];
        mr_span name = {mr_arena_copy(arena, topic->name.data, topic->name.bytes),
                        topic->name.bytes};
        for (uint32_t j = 0; j < topic->count; j++) {
            int32_t partition = topic->items[j].partition;
            if (but == NULL || mr_group_offsets_get(but, topic->name, partition) == NULL) {
                out[count++] = (mr_groups_entry){name, {.partition = partition}, true};
            }
        }
    }
    return count;
}

mr_groups_change mr_groups_all_gone(const mr_group *group, mr_arena *arena) {
    uint32_t count_max = count_of(&group->offsets);
    for (uint32_t i = 0; i < group->pending_count; i++) {
        count_max += count_of(&group->pending[i].offsets);
    }
    mr_groups_entry *entries = MR_NEW_ARRAY(arena, mr_groups_entry, count_max);
    uint32_t count = add_gone(&group->offsets, NULL, entries, arena);
    for (uint32_t i = 0; i < group->pending_count; i++) {
        count += add_gone(&group->pending[i].offsets, &group->offsets, entries + count, arena);
    }
    return (mr_groups_change){
        .entries = entries, .count = count, .producer = NO_PRODUCER, .group_gone = true};
}

// ---- transactions ----------------------------------------------------------------------------

static void settle_pending(mr_group *group, const mr_group_offsets *pending) {
    for (uint32_t i = 0; i < pending->count; i++) {
        const mr_group_topic *topic = &pending->topics[i];
        for (uint32_t j = 0; j < topic->count; j++) {
            const mr_group_offset *now =
                mr_group_offsets_get(&group->offsets, topic->name, topic->items[j].partition);
            if (now == NULL || now->record < topic->items[j].record) {
                mr_group_offsets_put(&group->offsets, topic->name, &topic->items[j]);
            }
        }
    }
}

void mr_groups_end(mr_groups *groups, int64_t producer_id, bool commit) {
    for (uint32_t i = groups->open_count; i-- > 0;) {
        if (groups->open[i].producer_id != producer_id) {
            continue;
        }
        mr_group *group = groups->open[i].group;
        groups->open[i] = groups->open[--groups->open_count];
        const mr_group_offsets *pending = mr_group_pending_of(group, producer_id, false);
        if (commit && pending != NULL) {
            settle_pending(group, pending);
        }
        mr_group_pending_drop(group, producer_id);
    }
}

// ---- retention -------------------------------------------------------------------------------

// Since when an offset is without use; -1 = it is in use.  Members of a kind that is not known may
// read any topic, and a rebalance is no time to decide.
static int64_t idle_since(const mr_group *group, const mr_group_offset *offset) {
    if (group->protocol_type.data == NULL) {
        return offset->commit_ms;
    }
    if (group->state == MR_GROUP_EMPTY) {
        return group->state_ms < 0 ? offset->commit_ms : group->state_ms;
    }
    return group->state == MR_GROUP_STABLE && mr_group_knows_topics(group) ? offset->commit_ms : -1;
}

static bool has_expired(const mr_groups *groups, const mr_group *group, const mr_group_topic *topic,
                        const mr_group_offset *offset) {
    int64_t since = idle_since(group, offset);
    if (since < 0 || mr_group_is_pending(group, topic->name, offset->partition)) {
        return false;
    }
    int64_t until = offset->expire_ms >= 0 ? offset->expire_ms : since + groups->retention_ms;
    return groups->host.wall_ms >= until;
}

static void expire_group(mr_groups *groups, mr_group *group) {
    mr_arena *arena = groups->host.cx->arena;
    uint32_t all = count_of(&group->offsets), count = 0;
    mr_groups_entry *entries = MR_NEW_ARRAY(arena, mr_groups_entry, all);
    for (uint32_t i = 0; i < group->offsets.count; i++) {
        const mr_group_topic *topic = &group->offsets.topics[i];
        bool read = mr_group_reads_topic(group, topic->name);
        for (uint32_t j = 0; !read && j < topic->count; j++) {
            if (has_expired(groups, group, topic, &topic->items[j])) {
                mr_span name = {mr_arena_copy(arena, topic->name.data, topic->name.bytes),
                                topic->name.bytes};
                entries[count++] =
                    (mr_groups_entry){name, {.partition = topic->items[j].partition}, true};
            }
        }
    }
    mr_groups_change change = {
        .entries = entries,
        .count = count,
        .producer = NO_PRODUCER,
        .group_gone = count == all && group->state == MR_GROUP_EMPTY &&
                      group->announced_count == 0 && group->pending_count == 0,
    };
    int64_t after = -1;
    if (count > 0 || change.group_gone) {
        (void)mr_groups_write(groups, group, &change, &after);  // Else the next time.
    }
}

void mr_groups_expire_offsets(mr_groups *groups) {
    mr_group **all = mr_groups_sorted(groups, groups->host.cx->arena);
    uint32_t count = groups->count;
    for (uint32_t i = 0; i < count; i++) {
        expire_group(groups, all[i]);
    }
}
