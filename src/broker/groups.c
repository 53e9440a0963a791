// Groups: the coordinator's life: its lock, its log, its timers; see groups.h and groups_state.h.
//
// __consumer_offsets has one partition: all groups share a lock anyway, one file is what a group
// commit syncs best, and who computes a group's partition divides by the count that metadata says.

#include "broker/groups.h"

#include "base/hash.h"
#include "broker/groups_state.h"

#define CLEANUP_US  ((int64_t)600 * 1000000)  // offsets.retention.check.interval.ms
#define ANSWER_US   ((int64_t)60 * 1000000)   // An answer that nobody takes is dropped.
#define NEWCOMER_US ((int64_t)300 * 1000000)
#define US_PER_MS   1000
#define TURN_GAP_US ((int64_t)5)

// ---- the lock --------------------------------------------------------------------------------

void mr_groups_lock(mr_groups *groups, mr_cx *cx) {
    mr_mutex_lock(&groups->mutex);
    mr_plat *plat = mr_broker_plat(groups->broker);
    groups->host.cx = cx;
    groups->host.now_us = mr_clock_monotonic_us(plat);
    groups->host.wall_ms = mr_broker_now_ms(groups->broker);
    groups->answers_seen = groups->host.answers;
}

void mr_groups_own(mr_groups *groups, uint64_t token) {
    uint64_t fresh = groups->host.answers - groups->answers_seen;
    for (mr_group_answer *at = groups->host.outbox; fresh > 0; fresh--, at = at->next) {
        groups->answers_seen += at->token == token;
    }
}

mr_watchers *mr_groups_watchers(mr_groups *groups, mr_span group) {
    return &groups->watchers[mr_hash_bytes(group.data, group.bytes, 0) % MR_GROUPS_SHARDS];
}

void mr_groups_unlock(mr_groups *groups, mr_span group) {
    bool answered = groups->host.answers != groups->answers_seen;
    const mr_group *touched = group.data == NULL ? NULL : mr_groups_get(groups, group);
    int64_t due_us = touched == NULL ? MR_GROUP_NEVER : touched->due_us;
    bool sooner = due_us < groups->due_us;
    if (sooner) {
        groups->due_us = due_us;
    }
    groups->host.cx = NULL;
    mr_mutex_unlock(&groups->mutex);
    if (sooner) {
        mr_broker_due(groups->broker, due_us);
    }
    for (uint32_t i = 0; answered && group.data == NULL && i < MR_GROUPS_SHARDS; i++) {
        mr_watchers_signal(groups->broker, &groups->watchers[i]);
    }
    if (answered && group.data != NULL) {
        mr_watchers_signal(groups->broker, mr_groups_watchers(groups, group));
    }
}

// ---- the log ---------------------------------------------------------------------------------

static int16_t make_topic(mr_groups *groups, mr_topic **ret, mr_cx *cx) {
    mr_outcome outcome;
    mr_topics *topics = mr_broker_topics(groups->broker);
    if (mr_topics_obtain(topics, MR_SPAN(MR_TOPIC_OFFSETS), /* make= */ true, ret, &outcome, cx) !=
        MR_OK) {
        mr_broker_say(groups->broker, "cannot make " MR_TOPIC_OFFSETS ": %s", cx->error.text);
        return MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
    return *ret == NULL ? MR_KAFKA_COORDINATOR_NOT_AVAILABLE : MR_KAFKA_NONE;
}

bool mr_groups_is_ready(mr_groups *groups) {
    mr_mutex_lock(&groups->mutex);
    bool ready = groups->partition != NULL;
    mr_mutex_unlock(&groups->mutex);
    return ready;
}

int16_t mr_groups_ready(mr_groups *groups, mr_cx *cx) {
    if (mr_groups_is_ready(groups)) {
        return MR_KAFKA_NONE;
    }
    mr_topic *topic = NULL;
    int16_t error = make_topic(groups, &topic, cx);
    if (error != MR_KAFKA_NONE) {
        return error;
    }
    mr_mutex_lock(&groups->mutex);
    if (groups->partition == NULL) {
        groups->topic = topic;
        groups->partition = mr_topic_partition_of(topic, 0);
        topic = NULL;
    }
    mr_mutex_unlock(&groups->mutex);
    mr_topic_release(topic);
    return MR_KAFKA_NONE;
}

mr_group_records mr_groups_records(mr_groups *groups) {
    return (mr_group_records){.text = {.arena = groups->host.cx->arena}, .cx = groups->host.cx};
}

// What a client is told when its commit was not appended.
static int16_t error_for_client(int16_t error) {
    if (error == MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION) {
        return MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
    if (error == MR_KAFKA_NOT_LEADER_OR_FOLLOWER || error == MR_KAFKA_KAFKA_STORAGE_ERROR) {
        return MR_KAFKA_NOT_COORDINATOR;
    }
    if (error == MR_KAFKA_MESSAGE_TOO_LARGE || error == MR_KAFKA_RECORD_LIST_TOO_LARGE) {
        return MR_KAFKA_INVALID_COMMIT_OFFSET_SIZE;
    }
    return error;
}

int16_t mr_groups_append(mr_groups *groups, const mr_group_records *records,
                         mr_group_producer producer, int64_t *ret_base) {
    *ret_base = -1;
    if (records->count == 0) {
        return MR_KAFKA_NONE;
    }
    mr_cx *cx = groups->host.cx;
    mr_text batch = {.arena = cx->arena};
    mr_log_appended appended = {0};
    mr_code code = mr_group_record_batch(records, producer, groups->host.wall_ms, &batch);
    if (code == MR_OK) {
        code = mr_log_append(groups->partition->log, mr_text_span(&batch), MR_LOG_COORDINATOR,
                             &appended, cx);
    }
    if (code != MR_OK) {
        mr_broker_say(groups->broker, "cannot write to " MR_TOPIC_OFFSETS ": %s", cx->error.text);
        return code == MR_E_FULL    ? MR_KAFKA_COORDINATOR_NOT_AVAILABLE
               : code == MR_E_LIMIT ? MR_KAFKA_INVALID_COMMIT_OFFSET_SIZE
                                    : MR_KAFKA_NOT_COORDINATOR;
    }
    if (appended.error != MR_KAFKA_NONE) {
        return error_for_client(appended.error);
    }
    *ret_base = appended.base_offset;
    return MR_KAFKA_NONE;
}

static int16_t store_members(mr_group_host *host, const mr_group *group, int64_t *ret_offset) {
    mr_groups *groups = host->self;
    mr_group_records records = mr_groups_records(groups);
    if (mr_group_record_members(&records, group) != MR_OK) {
        return MR_KAFKA_UNKNOWN_SERVER_ERROR;
    }
    int16_t error = mr_groups_append(groups, &records, (mr_group_producer){.id = -1}, ret_offset);
    return error == MR_KAFKA_INVALID_COMMIT_OFFSET_SIZE ? MR_KAFKA_UNKNOWN_SERVER_ERROR : error;
}

static uint64_t draw(mr_group_host *host) {
    const mr_groups *groups = host->self;
    return mr_random_u64(mr_broker_plat(groups->broker));
}

// ---- life ------------------------------------------------------------------------------------

mr_code mr_groups_open(mr_broker *broker, mr_groups **ret, mr_cx *cx) {
    const mr_broker_settings *settings = mr_broker_settings_of(broker);
    mr_groups *groups = mr_heap_alloc(sizeof(*groups));
    groups->broker = broker;
    mr_mutex_init(&groups->mutex);
    groups->host = (mr_group_host){
        .initial_delay_us = settings->group_initial_rebalance_delay_us,
        .newcomer_timeout_us = NEWCOMER_US,
        .size_max = (uint32_t)settings->group_members_max,
        .store = store_members,
        .random = draw,
        .self = groups,
    };
    groups->retention_ms = settings->offsets_retention_us / US_PER_MS;
    groups->topic = mr_topics_find(mr_broker_topics(broker), MR_SPAN(MR_TOPIC_OFFSETS));
    if (groups->topic != NULL) {
        groups->partition = mr_topic_partition_of(groups->topic, 0);
    }
    mr_groups_lock(groups, cx);
    groups->due_us = groups->cleanup_us =
        groups->host.now_us + MR_MIN(CLEANUP_US, settings->offsets_retention_us);
    mr_code code = mr_groups_load(groups, cx);
    for (uint32_t i = 0; code == MR_OK && i < groups->slot_count; i++) {
        if (groups->slots[i] != NULL) {
            mr_group_wake(groups->slots[i], &groups->host);
            groups->due_us = MR_MIN(groups->due_us, groups->slots[i]->due_us);
        }
    }
    mr_groups_unlock(groups, MR_SPAN(""));
    if (code != MR_OK) {
        mr_groups_close(groups, cx);
        return mr_error_in(cx, code, "consumer groups of " MR_TOPIC_OFFSETS);
    }
    *ret = groups;
    return MR_OK;
}

void mr_groups_close(mr_groups *groups, mr_cx *cx) {
    (void)cx;
    if (groups == NULL) {
        return;
    }
    for (uint32_t i = 0; i < groups->slot_count; i++) {
        mr_group_free(groups->slots[i]);
    }
    mr_group_answer_drop(&groups->host, MR_GROUP_NEVER);
    mr_topic_release(groups->topic);
    mr_heap_free(groups->slots);
    mr_heap_free(groups->open);
    mr_arena_release(&groups->scratch);
    mr_mutex_release(&groups->mutex);
    mr_heap_free(groups);
}

int32_t mr_groups_partition(const mr_groups *groups, mr_span group) {
    (void)groups;
    (void)group;
    return 0;
}

// ---- time ------------------------------------------------------------------------------------

int64_t mr_groups_turn(mr_groups *groups, int64_t now_us, mr_cx *cx) {
    mr_cx own;
    mr_cx_init(&own, &groups->scratch, cx->plat);  // The arena is guarded by the lock, as all.
    mr_groups_lock(groups, &own);
    groups->host.now_us = now_us;
    int64_t due_us = MR_GROUP_NEVER;
    for (uint32_t i = 0; i < groups->slot_count;) {
        mr_group *group = groups->slots[i];
        if (group != NULL && group->due_us <= now_us) {
            mr_group_expire(group, &groups->host);
            due_us = MR_MIN(due_us, group->due_us);
            mr_groups_tidy(groups, group);
            i += groups->slots[i] == group;  // Another may have moved here.
            continue;
        }
        due_us = group == NULL ? due_us : MR_MIN(due_us, group->due_us);
        i++;
    }
    if (groups->cleanup_us <= now_us) {
        mr_groups_expire_offsets(groups);
        groups->cleanup_us = now_us + MR_MIN(CLEANUP_US, groups->retention_ms * US_PER_MS);
    }
    mr_group_answer_drop(&groups->host, now_us - ANSWER_US);
    if (groups->host.outbox != NULL) {
        due_us = MR_MIN(due_us, now_us + ANSWER_US);
    }
    // Of thousands of groups something is due all the time: a look at all of them costs some
    // nanoseconds each, and may take a thousandth of the time.
    due_us = MR_MAX(MR_MIN(due_us, groups->cleanup_us), now_us + groups->count * TURN_GAP_US);
    groups->due_us = due_us;
    mr_groups_unlock(groups, (mr_span){0});
    mr_mutex_lock(&groups->mutex);
    mr_arena_clear(&groups->scratch);
    mr_mutex_unlock(&groups->mutex);
    return due_us;
}

void mr_groups_end_transaction(mr_groups *groups, int64_t producer_id, bool commit, mr_cx *cx) {
    mr_groups_lock(groups, cx);
    mr_groups_end(groups, producer_id, commit);
    mr_groups_unlock(groups, MR_SPAN(""));
}

void mr_groups_forget_topic(mr_groups *groups, mr_span topic, mr_cx *cx) {
    mr_groups_lock(groups, cx);
    mr_group **all = mr_groups_sorted(groups, cx->arena);
    uint32_t count = groups->count;
    for (uint32_t i = 0; i < count; i++) {
        mr_groups_change change = mr_groups_all_gone(all[i], cx->arena);
        mr_groups_entry *entries = MR_NEW_ARRAY(cx->arena, mr_groups_entry, change.count);
        uint32_t gone = 0;
        for (uint32_t j = 0; j < change.count; j++) {
            if (mr_span_equal(change.entries[j].topic, topic)) {
                entries[gone++] = change.entries[j];
            }
        }
        change.entries = entries;
        change.count = gone;
        change.group_gone = false;
        int64_t after = -1;
        // What is not written is found again at the next start, and then expires.
        (void)mr_groups_write(groups, all[i], &change, &after);
    }
    mr_groups_unlock(groups, MR_SPAN(""));
}
