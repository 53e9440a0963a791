// Transactions' table: the ids, their states in memory and on disk; see transactions_state.h.
// Also: mr_transactions_

#include <string.h>

#include "base/hash.h"
#include "broker/transactions_state.h"

void mr_transactions_entry_free(mr_transactions_entry *entry) {
    for (uint32_t i = 0; i < entry->wait_count; i++) {
        mr_topic_release(entry->waits[i].topic);
    }
    mr_heap_free(entry->waits);
    mr_heap_free(entry->orphans);
    mr_heap_free(entry->now.members);
    mr_heap_free((char *)(uintptr_t)entry->now.id.data);
    mr_heap_free(entry);
}

static uint64_t id_hash(mr_span id) {
    return mr_hash_bytes(id.data, id.bytes, 0);
}

mr_watchers *mr_transactions_watchers(mr_transactions *t, mr_span id) {
    return &t->watchers[id_hash(id) % MR_TRANSACTIONS_STRIPES];
}

mr_watchers *mr_transactions_log_watchers(mr_transactions *t, mr_span id) {
    mr_mutex_lock(&t->mutex);
    mr_watchers *watchers =
        t->topic == NULL
            ? NULL
            : &mr_topic_partition_of(t->topic, mr_transactions_partition(t, id))->watchers;
    mr_mutex_unlock(&t->mutex);
    return watchers;
}

mr_transactions_entry *mr_transactions_entry_of(mr_transactions *t, mr_span id) {
    mr_transactions_entry *e = t->slots[id_hash(id) & (t->slot_count - 1)];
    while (e != NULL && !mr_span_equal(e->now.id, id)) {
        e = e->next;
    }
    return e;
}

static void table_grow(mr_transactions *t) {
    uint32_t count = t->slot_count * 2;
    mr_transactions_entry **slots = mr_heap_alloc(sizeof(slots[0]) * count);
    for (uint32_t i = 0; i < t->slot_count; i++) {
        for (mr_transactions_entry *e = t->slots[i], *next; e != NULL; e = next) {
            next = e->next;
            uint64_t slot = id_hash(e->now.id) & (count - 1);
            e->next = slots[slot];
            slots[slot] = e;
        }
    }
    mr_heap_free(t->slots);
    t->slots = slots;
    t->slot_count = count;
}

static mr_transactions_entry *table_add(mr_transactions *t, mr_span id) {
    if (t->count == t->slot_count) {
        table_grow(t);
    }
    mr_transactions_entry *e = mr_heap_alloc(sizeof(*e));
    char *copy = mr_heap_raw(id.bytes + 1);
    memcpy(copy, id.data, id.bytes);
    copy[id.bytes] = '\0';
    e->now.id = (mr_span){copy, id.bytes};
    uint64_t slot = id_hash(id) & (t->slot_count - 1);
    e->next = t->slots[slot];
    t->slots[slot] = e;
    t->count++;
    return e;
}

void mr_transactions_remove(mr_transactions *t, mr_transactions_entry *entry) {
    mr_transactions_entry **at = &t->slots[id_hash(entry->now.id) & (t->slot_count - 1)];
    while (*at != entry) {
        at = &(*at)->next;
    }
    *at = entry->next;
    t->count--;
    mr_transactions_entry_free(entry);
}

// Kafka's own choice for ids of ASCII characters: String.hashCode.
int32_t mr_transactions_partition(const mr_transactions *t, mr_span id) {
    uint32_t hash = 0;
    for (size_t i = 0; i < id.bytes; i++) {
        hash = hash * 31 + (uint8_t)id.data[i];
    }
    return (int32_t)((hash & INT32_MAX) % t->topic->partition_count);
}

// Members are copied into one block, with their names behind them.
static void entry_take(mr_transactions_entry *entry, const mr_transaction *next) {
    mr_span id = entry->now.id;
    mr_transaction_member *members = entry->now.members;
    if (next->members != members || next->member_count != entry->now.member_count) {
        size_t bytes = sizeof(*members) * next->member_count;
        for (uint32_t i = 0; i < next->member_count; i++) {
            bytes += next->members[i].topic.bytes;
        }
        members = mr_heap_raw(bytes);
        char *name = (char *)(members + next->member_count);
        for (uint32_t i = 0; i < next->member_count; i++) {
            mr_span topic = next->members[i].topic;
            memcpy(name, topic.data, topic.bytes);
            members[i] = (mr_transaction_member){{name, topic.bytes}, next->members[i].partition};
            name += topic.bytes;
        }
        mr_heap_free(entry->now.members);
    }
    entry->now = *next;
    entry->now.id = id;
    entry->now.members = members;
}

static void endings_add(mr_transactions *t, mr_transactions_entry *entry) {
    entry->ending_before = NULL;
    entry->ending_after = t->endings;
    if (t->endings != NULL) {
        t->endings->ending_before = entry;
    }
    t->endings = entry;
    atomic_fetch_add(&t->ending, 1);
}

static void endings_remove(mr_transactions *t, mr_transactions_entry *entry) {
    *(entry->ending_before == NULL ? &t->endings : &entry->ending_before->ending_after) =
        entry->ending_after;
    if (entry->ending_after != NULL) {
        entry->ending_after->ending_before = entry->ending_before;
    }
    atomic_fetch_sub(&t->ending, 1);
}

mr_transactions_entry *mr_transactions_set(mr_transactions *t, const mr_transaction *next,
                                           int64_t offset) {
    mr_transactions_entry *entry = mr_transactions_entry_of(t, next->id);
    if (entry == NULL) {
        entry = table_add(t, next->id);
    }
    bool ended = mr_transaction_is_ending(&entry->now);
    entry_take(entry, next);
    entry->offset = offset;
    if (mr_transaction_is_ending(next) && !ended) {
        mr_assert(entry->phase == MR_TRANSACTIONS_IDLE && entry->uses == 0);
        entry->phase = MR_TRANSACTIONS_PREPARED;
        entry->retry_us = 0;
        endings_add(t, entry);
    } else if (!mr_transaction_is_ending(next) && ended) {
        entry->phase = MR_TRANSACTIONS_IDLE;
        entry->ends++;
        endings_remove(t, entry);
    }
    return entry;
}

mr_code mr_transactions_write(mr_transactions *t, const mr_transaction *next,
                              mr_transactions_entry **ret, mr_cx *cx) {
    mr_text batch;
    mr_text_init(&batch, cx->arena);
    MR_TRY(mr_transactions_record_add(next->id, next, mr_broker_now_ms(t->broker), &batch, cx));
    mr_topic_partition *partition =
        mr_topic_partition_of(t->topic, mr_transactions_partition(t, next->id));
    mr_log_appended appended;
    MR_TRY(mr_log_append(partition->log, mr_text_span(&batch), MR_LOG_COORDINATOR, &appended, cx));
    if (appended.error != MR_KAFKA_NONE) {
        return mr_fail(cx, MR_E_INTERNAL, NULL, "%s refused a record: %s", MR_TOPIC_TRANSACTIONS,
                       mr_kafka_error_name(appended.error));
    }
    mr_transactions_entry *entry = mr_transactions_set(t, next, appended.last_offset);
    if (ret != NULL) {
        *ret = entry;
    }
    return MR_OK;
}

bool mr_transactions_durable(mr_transactions *t, int32_t partition, int64_t offset,
                             bool *ret_offline) {
    mr_log *log = mr_topic_partition_of(t->topic, partition)->log;
    *ret_offline = mr_log_offline(log, NULL);
    return !*ret_offline && mr_log_marks_of(log).high > offset;
}
