// Transactions' end: from "prepare" to "complete"; see transactions.h.
// Also: mr_transactions_step

#include "broker/transactions_state.h"

#define RETRY_US INT64_C(200000)

static void waits_release(mr_transactions_wait *waits, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        mr_topic_release(waits[i].topic);
    }
    mr_heap_free(waits);
}

// One marker.
static mr_code mark(mr_transactions *t, const mr_transaction *now,
                    const mr_transaction_member *member, mr_transactions_wait *wait, mr_cx *cx) {
    mr_topic_release(wait->topic);  // Of a try before.
    *wait = (mr_transactions_wait){.offset = -1};
    mr_topic *topic = mr_topics_find(mr_broker_topics(t->broker), member->topic);
    mr_topic_partition *partition =
        topic == NULL ? NULL : mr_topic_partition_of(topic, member->partition);
    if (partition == NULL) {  // It was deleted.
        mr_topic_release(topic);
        wait->marked = true;
        return MR_OK;
    }
    bool commit = now->state == MR_TRANSACTION_PREPARE_COMMIT;
    mr_log_end end = {now->producer_id, now->epoch, /* coordinator_epoch= */ 0, commit,
                      now->version};
    mr_log_appended appended;
    mr_code code = mr_log_end_transaction(partition->log, &end, &appended, cx);
    if (code == MR_OK && (appended.error == MR_KAFKA_INVALID_PRODUCER_EPOCH ||
                          appended.error == MR_KAFKA_TRANSACTION_COORDINATOR_FENCED)) {
        // A later epoch is there: somebody has ended it by hand.
        mr_broker_say(t->broker, "no marker for \"%.*s\" in %s-%d: %s", MR_SPAN_ARGS(now->id),
                      topic->name, member->partition, mr_kafka_error_name(appended.error));
        mr_topic_release(topic);
        wait->marked = true;
        return MR_OK;
    }
    if (code == MR_OK && appended.error != MR_KAFKA_NONE) {
        code = mr_fail(cx, MR_E_IO, NULL, "no marker in %s-%d: %s", topic->name, member->partition,
                       mr_kafka_error_name(appended.error));
    }
    if (code != MR_OK) {
        mr_topic_release(topic);
        return code;
    }
    *wait = (mr_transactions_wait){topic, partition, appended.last_offset, /* marked= */ true};
    if (mr_span_is(member->topic, MR_TOPIC_OFFSETS)) {
        mr_groups_end_transaction(mr_broker_groups(t->broker), now->producer_id, commit, cx);
    }
    return MR_OK;
}

// All markers that are missing; the entry is busy, so its members and waits stay. One that fails
// keeps none of the others from theirs.  errors: those of the last that failed
static mr_code mark_all(mr_transactions *t, mr_transactions_entry *entry, mr_cx *cx) {
    mr_code worst = MR_OK;
    for (uint32_t i = 0; i < entry->wait_count; i++) {
        if (!entry->waits[i].marked) {
            mr_code code = mark(t, &entry->now, &entry->now.members[i], &entry->waits[i], cx);
            worst = code != MR_OK ? code : worst;
        }
    }
    return worst;
}

// Under the mutex, which is let go of meanwhile.
static void step_mark(mr_transactions *t, mr_transactions_entry *entry, mr_cx *cx) {
    bool offline;
    int32_t partition = mr_transactions_partition(t, entry->now.id);
    if (mr_clock_monotonic_us(mr_broker_plat(t->broker)) < entry->retry_us ||
        !mr_transactions_durable(t, partition, entry->offset, &offline)) {
        return;
    }
    if (entry->waits == NULL && entry->now.member_count > 0) {
        entry->waits = mr_heap_alloc(sizeof(*entry->waits) * entry->now.member_count);
        entry->wait_count = entry->now.member_count;
    }
    entry->busy = true;
    mr_mutex_unlock(&t->mutex);
    mr_code code = mr_crash_point("transaction.prepared", cx);
    code = code == MR_OK ? mark_all(t, entry, cx) : code;
    mr_mutex_lock(&t->mutex);
    entry->busy = false;
    if (code != MR_OK) {  // A full disk, or one that failed: then only a restart helps.
        entry->retry_us = mr_clock_monotonic_us(mr_broker_plat(t->broker)) + RETRY_US;
        return;
    }
    entry->phase = MR_TRANSACTIONS_MARKED;
}

// Under the mutex. How far the markers' logs are: all durable, not yet, or some have failed, which
// are to be marked again.
typedef enum progress { DURABLE, UNDER_WAY, FAILED } progress;

static progress markers_progress(mr_transactions_entry *entry) {
    progress all = DURABLE;
    for (uint32_t i = 0; i < entry->wait_count; i++) {
        mr_transactions_wait *wait = &entry->waits[i];
        if (wait->topic == NULL || mr_log_marks_of(wait->partition->log).high > wait->offset) {
            continue;
        }
        if (mr_log_offline(wait->partition->log, NULL)) {
            wait->marked = false;
            all = FAILED;
        } else {
            all = all == FAILED ? FAILED : UNDER_WAY;
        }
    }
    return all;
}

// Under the mutex. What a start has found of the transaction after this one begins it.
static void adopt_orphans(mr_transactions *t, mr_transactions_entry *entry, mr_cx *cx) {
    if (entry->orphan_count == 0) {
        return;
    }
    mr_transaction next = entry->now;
    for (uint32_t i = 0; i < entry->orphan_count; i++) {
        next = mr_transaction_adopt(&next, &entry->orphans[i], mr_broker_now_ms(t->broker), cx);
    }
    if (mr_transactions_write(t, &next, NULL, cx) == MR_OK) {  // Else the next start does it.
        mr_heap_free(entry->orphans);
        entry->orphans = NULL;
        entry->orphan_count = 0;
    }
}

// Under the mutex. Takes the waits off when there is no more to wait for; true when it has ended.
static bool step_complete(mr_transactions *t, mr_transactions_entry *entry,
                          mr_transactions_wait **ret_waits, uint32_t *ret_count, mr_cx *cx) {
    progress markers = markers_progress(entry);
    if (markers == UNDER_WAY) {
        return false;
    }
    if (markers == FAILED) {  // Once more: a partition that was deleted is no member then.
        entry->phase = MR_TRANSACTIONS_PREPARED;
        entry->retry_us = mr_clock_monotonic_us(mr_broker_plat(t->broker)) + RETRY_US;
        return false;
    }
    mr_transaction next = mr_transaction_complete(&entry->now, mr_broker_now_ms(t->broker));
    if (mr_crash_point("transaction.marked", cx) != MR_OK ||
        mr_transactions_write(t, &next, NULL, cx) != MR_OK) {
        return false;  // The turn comes back to it.
    }
    adopt_orphans(t, entry, cx);
    *ret_waits = entry->waits;
    *ret_count = entry->wait_count;
    entry->waits = NULL;
    entry->wait_count = 0;
    return true;
}

void mr_transactions_step(mr_transactions *t, mr_transactions_entry *entry, mr_cx *cx) {
    mr_transactions_wait *waits = NULL;
    uint32_t count = 0;
    mr_watchers *watchers = NULL;
    mr_mutex_lock(&t->mutex);
    if (entry->phase == MR_TRANSACTIONS_PREPARED && !entry->busy) {
        step_mark(t, entry, cx);
    }
    if (entry->phase == MR_TRANSACTIONS_MARKED && !entry->busy &&
        step_complete(t, entry, &waits, &count, cx)) {
        watchers = mr_transactions_watchers(t, entry->now.id);
    }
    mr_mutex_unlock(&t->mutex);
    waits_release(waits, count);
    if (watchers != NULL) {
        mr_watchers_signal(t->broker, watchers);
    }
}

void mr_transactions_step_all(mr_transactions *t, mr_cx *cx) {
    if (atomic_load(&t->ending) == 0) {
        return;
    }
    mr_mutex_lock(&t->mutex);
    mr_transactions_entry **list =
        MR_NEW_ARRAY(cx->arena, mr_transactions_entry *, atomic_load(&t->ending));
    uint32_t count = 0;
    for (mr_transactions_entry *e = t->endings; e != NULL; e = e->ending_after) {
        list[count++] = e;
    }
    mr_mutex_unlock(&t->mutex);
    for (uint32_t i = 0; i < count; i++) {
        mr_transactions_step(t, list[i], cx);
    }
}
