// Transactions: see transactions.h. Here: the table of ids, and what is asked of it.

#include "broker/transactions.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "broker/transactions_state.h"

#define SLOTS_FIRST 64
#define EXPIRY_US   (10 * 60 * INT64_C(1000000))
#define TURN_US     INT64_C(1000000)
#define RETRY_US    INT64_C(20000)  // Ends under way are looked at again at least so often.

mr_code mr_transactions_open(mr_broker *broker, mr_transactions **ret, mr_cx *cx) {
    mr_transactions *t = mr_heap_alloc(sizeof(*t));
    t->broker = broker;
    mr_mutex_init(&t->mutex);
    mr_code code = mr_producer_ids_open(&t->ids, mr_broker_dir(broker), &t->arena, cx);
    if (code != MR_OK) {
        mr_mutex_release(&t->mutex);
        mr_arena_release(&t->arena);
        mr_heap_free(t);
        return code;
    }
    t->slot_count = SLOTS_FIRST;
    t->slots = mr_heap_alloc(sizeof(t->slots[0]) * t->slot_count);
    t->topic = mr_topics_find(mr_broker_topics(broker), mr_span_of(MR_TOPIC_TRANSACTIONS));
    code = t->topic == NULL ? MR_OK : mr_transactions_load(t, cx);
    if (code != MR_OK) {
        mr_transactions_close(t, cx);
        return code;
    }
    *ret = t;
    return MR_OK;
}

static void entry_free(mr_transactions_entry *entry) {
    for (uint32_t i = 0; i < entry->wait_count; i++) {
        mr_topic_release(entry->waits[i].topic);
    }
    mr_heap_free(entry->waits);
    mr_heap_free(entry->now.members);
    mr_heap_free((char *)(uintptr_t)entry->now.id.data);
    mr_heap_free(entry);
}

void mr_transactions_close(mr_transactions *t, mr_cx *cx) {
    (void)cx;
    if (t == NULL) {
        return;
    }
    for (uint32_t i = 0; i < t->slot_count; i++) {
        for (mr_transactions_entry *e = t->slots[i], *next; e != NULL; e = next) {
            next = e->next;
            entry_free(e);
        }
    }
    mr_heap_free(t->slots);
    mr_topic_release(t->topic);
    mr_producer_ids_close(&t->ids);
    mr_mutex_release(&t->mutex);
    mr_arena_release(&t->arena);
    mr_heap_free(t);
}

// ---- the table -------------------------------------------------------------------------------

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
    entry_free(entry);
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

// ---- producer ids ----------------------------------------------------------------------------

int16_t mr_transactions_producer(mr_transactions *t, int64_t *ret, mr_cx *cx) {
    return mr_producer_ids_take(&t->ids, ret, cx) == MR_OK ? MR_KAFKA_NONE
                                                           : MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
}

// Only now and then is one needed: of a new id, and when epochs end.
static mr_code fresh_id(mr_transactions *t, const mr_transactions_entry *entry, int64_t *ret,
                        mr_cx *cx) {
    *ret = -1;
    return entry == NULL || entry->now.epoch >= MR_TRANSACTION_EPOCH_MAX
               ? mr_producer_ids_take(&t->ids, ret, cx)
               : MR_OK;
}

// ---- InitProducerId --------------------------------------------------------------------------

static mr_code topic_obtain(mr_transactions *t, mr_cx *cx) {
    mr_mutex_lock(&t->mutex);
    bool there = t->topic != NULL;
    mr_mutex_unlock(&t->mutex);
    if (there) {
        return MR_OK;
    }
    mr_topic *topic = NULL;
    mr_outcome outcome;
    MR_TRY(mr_topics_obtain(mr_broker_topics(t->broker), mr_span_of(MR_TOPIC_TRANSACTIONS),
                            /* make= */ true, &topic, &outcome, cx));
    if (topic == NULL) {
        return mr_fail(cx, MR_E_IO, NULL, "%s: %s", MR_TOPIC_TRANSACTIONS,
                       mr_kafka_error_name(outcome.error));
    }
    mr_mutex_lock(&t->mutex);
    if (t->topic == NULL) {
        t->topic = topic;
        topic = NULL;
    }
    mr_mutex_unlock(&t->mutex);
    mr_topic_release(topic);
    return MR_OK;
}

// What a record that was written means for who asked: it waits until it is durable.
static int16_t ticket_durable(mr_transactions *t, const mr_transactions_ticket *ticket) {
    bool offline;
    if (mr_transactions_durable(t, ticket->partition, ticket->offset, &offline)) {
        return MR_KAFKA_NONE;
    }
    return offline ? MR_KAFKA_COORDINATOR_NOT_AVAILABLE : MR_TRANSACTIONS_PENDING;
}

static int16_t begin_locked(mr_transactions *t, mr_span id, mr_transaction_init *init,
                            mr_transactions_ticket *ticket, mr_transactions_entry **ret_step,
                            mr_cx *cx) {
    if (ticket->written) {
        return ticket_durable(t, ticket);
    }
    mr_transactions_entry *entry = mr_transactions_entry_of(t, id);
    if (fresh_id(t, entry, &init->fresh_id, cx) != MR_OK) {
        return MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
    mr_transaction_outcome out = mr_transaction_begin(entry == NULL ? NULL : &entry->now, id, init);
    if (out.verdict == MR_TRANSACTION_ANSWER) {
        return out.error;
    }
    if (out.verdict == MR_TRANSACTION_WAIT ||
        (out.verdict == MR_TRANSACTION_FENCE && entry->uses > 0)) {
        return MR_TRANSACTIONS_PENDING;
    }
    if (mr_transactions_write(t, &out.next, &entry, cx) != MR_OK) {
        return MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
    if (out.verdict == MR_TRANSACTION_FENCE) {
        *ret_step = entry;
        return MR_TRANSACTIONS_PENDING;
    }
    ticket->written = true;
    ticket->producer = (mr_transaction_producer){entry->now.producer_id, entry->now.epoch};
    ticket->partition = mr_transactions_partition(t, id);
    ticket->offset = entry->offset;
    return ticket_durable(t, ticket);
}

int16_t mr_transactions_begin(mr_transactions *t, mr_span id, mr_transaction_init *init,
                              mr_transactions_ticket *ticket, mr_cx *cx) {
    if (topic_obtain(t, cx) != MR_OK) {
        return MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
    init->now_ms = mr_broker_now_ms(t->broker);
    int16_t answer;
    mr_transactions_entry *step = NULL;
    do {  // Once more when an end that it had to wait for was over at once.
        if (step != NULL) {
            mr_transactions_step(t, step, cx);
        }
        mr_transactions_entry *before = step;
        step = NULL;
        mr_mutex_lock(&t->mutex);
        answer = begin_locked(t, id, init, ticket, &step, cx);
        mr_mutex_unlock(&t->mutex);
        mr_assert(before == NULL || step == NULL || before == step);
    } while (step != NULL);
    return answer;
}

// ---- joining ---------------------------------------------------------------------------------

static int16_t join_locked(mr_transactions *t, mr_span id, const mr_transaction_add *add,
                           mr_transactions_entry **ret, mr_cx *cx) {
    *ret = mr_transactions_entry_of(t, id);
    mr_transaction_outcome out = mr_transaction_join(*ret == NULL ? NULL : &(*ret)->now, add, cx);
    if (out.verdict == MR_TRANSACTION_ANSWER) {
        return out.error;
    }
    return mr_transactions_write(t, &out.next, ret, cx) == MR_OK
               ? MR_KAFKA_NONE
               : MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
}

int16_t mr_transactions_join(mr_transactions *t, mr_span id, mr_transaction_add *add, mr_cx *cx) {
    add->now_ms = mr_broker_now_ms(t->broker);
    mr_transactions_entry *entry;
    mr_mutex_lock(&t->mutex);
    int16_t answer = join_locked(t, id, add, &entry, cx);
    mr_mutex_unlock(&t->mutex);
    return answer;
}

int16_t mr_transactions_covers(mr_transactions *t, mr_span id, mr_transaction_producer producer,
                               const mr_transaction_member *member) {
    mr_mutex_lock(&t->mutex);
    mr_transactions_entry *entry = mr_transactions_entry_of(t, id);
    int16_t answer = mr_transaction_covers(entry == NULL ? NULL : &entry->now, producer, member,
                                           MR_KAFKA_TRANSACTION_ABORTABLE);
    mr_mutex_unlock(&t->mutex);
    return answer;
}

mr_code mr_transactions_use(mr_transactions *t, const mr_transaction_use *use, int16_t *ret_error,
                            mr_cx *cx) {
    mr_transaction_member member = {mr_span_of(use->partition->topic->name),
                                    use->partition->number};
    mr_transaction_producer producer = {use->producer_id, use->producer_epoch};
    mr_mutex_lock(&t->mutex);
    mr_transactions_entry *entry = mr_transactions_entry_of(t, use->transactional_id);
    int16_t error;
    if (use->adds) {
        mr_transaction_add add = {producer, /* version= */ 2, &member, 1,
                                  mr_broker_now_ms(t->broker)};
        error = join_locked(t, use->transactional_id, &add, &entry, cx);
    } else {
        int16_t missing =
            use->abortable ? MR_KAFKA_TRANSACTION_ABORTABLE : MR_KAFKA_INVALID_TXN_STATE;
        error =
            mr_transaction_covers(entry == NULL ? NULL : &entry->now, producer, &member, missing);
    }
    if (error == MR_KAFKA_NONE) {
        entry->uses++;
    }
    mr_mutex_unlock(&t->mutex);
    // Producers know what to do about that one: abort, and go on.
    *ret_error = error == MR_KAFKA_PRODUCER_FENCED             ? MR_KAFKA_INVALID_PRODUCER_EPOCH
                 : error == MR_KAFKA_COORDINATOR_NOT_AVAILABLE ? MR_KAFKA_KAFKA_STORAGE_ERROR
                                                               : error;
    return MR_OK;
}

void mr_transactions_used(mr_transactions *t, const mr_transaction_use *use) {
    mr_mutex_lock(&t->mutex);
    mr_transactions_entry *entry = mr_transactions_entry_of(t, use->transactional_id);
    mr_assert(entry != NULL && entry->uses > 0);
    bool last = --entry->uses == 0;
    mr_mutex_unlock(&t->mutex);
    if (last) {
        mr_watchers_signal(t->broker, mr_transactions_watchers(t, use->transactional_id));
    }
}

// ---- EndTxn ----------------------------------------------------------------------------------

// Who the producer is once the end that is under way is over.
static mr_transaction_producer producer_after(const mr_transaction *now) {
    return now->next_producer_id != -1 ? (mr_transaction_producer){now->next_producer_id, 0}
                                       : (mr_transaction_producer){now->producer_id, now->epoch};
}

static int16_t finish_locked(mr_transactions *t, mr_span id, mr_transaction_end *end,
                             mr_transactions_ticket *ticket, mr_transactions_entry **ret_step,
                             mr_cx *cx) {
    mr_transactions_entry *entry = mr_transactions_entry_of(t, id);
    if (ticket->ending && entry != NULL) {
        if (entry->ends > ticket->ends) {
            return MR_KAFKA_NONE;
        }
        bool offline;
        (void)mr_transactions_durable(t, ticket->partition, entry->offset, &offline);
        *ret_step = offline ? NULL : entry;
        return offline ? MR_KAFKA_COORDINATOR_NOT_AVAILABLE : MR_TRANSACTIONS_PENDING;
    }
    if (fresh_id(t, entry, &end->fresh_id, cx) != MR_OK) {
        return MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
    mr_transaction_outcome out = mr_transaction_finish(entry == NULL ? NULL : &entry->now, end);
    if (out.verdict == MR_TRANSACTION_ANSWER) {
        if (out.error == MR_KAFKA_NONE) {
            ticket->producer = producer_after(&entry->now);
        }
        return out.error;
    }
    if (out.verdict == MR_TRANSACTION_WRITE) {
        if (entry->uses > 0) {
            return MR_TRANSACTIONS_PENDING;  // _used signals.
        }
        if (mr_transactions_write(t, &out.next, &entry, cx) != MR_OK) {
            return MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
        }
    }
    ticket->ending = true;
    ticket->ends = entry->ends;
    ticket->partition = mr_transactions_partition(t, id);
    ticket->producer = producer_after(&entry->now);
    *ret_step = entry;
    return MR_TRANSACTIONS_PENDING;
}

int16_t mr_transactions_finish(mr_transactions *t, mr_span id, mr_transaction_end *end,
                               mr_transactions_ticket *ticket, mr_cx *cx) {
    end->now_ms = mr_broker_now_ms(t->broker);
    mr_transactions_entry *step = NULL;
    mr_mutex_lock(&t->mutex);
    int16_t answer = finish_locked(t, id, end, ticket, &step, cx);
    mr_mutex_unlock(&t->mutex);
    if (step == NULL) {
        return answer;
    }
    mr_transactions_step(t, step, cx);
    step = NULL;
    mr_mutex_lock(&t->mutex);  // It may be over: with durability kafka it is at once.
    answer = finish_locked(t, id, end, ticket, &step, cx);
    mr_mutex_unlock(&t->mutex);
    return answer;
}

// ---- looking ---------------------------------------------------------------------------------

bool mr_transactions_find(mr_transactions *t, mr_span id, mr_transaction *ret, mr_cx *cx) {
    mr_mutex_lock(&t->mutex);
    mr_transactions_entry *entry = mr_transactions_entry_of(t, id);
    if (entry != NULL) {
        *ret = entry->now;
        ret->id = (mr_span){mr_arena_copy(cx->arena, id.data, id.bytes), id.bytes};
        ret->members = MR_NEW_ARRAY(cx->arena, mr_transaction_member, ret->member_count);
        for (uint32_t i = 0; i < ret->member_count; i++) {
            mr_transaction_member member = entry->now.members[i];
            member.topic.data = mr_arena_copy(cx->arena, member.topic.data, member.topic.bytes);
            ret->members[i] = member;
        }
    }
    mr_mutex_unlock(&t->mutex);
    return entry != NULL;
}

static int id_compare(const void *a, const void *b) {
    return mr_span_compare(((const mr_transaction *)a)->id, ((const mr_transaction *)b)->id);
}

mr_transaction *mr_transactions_list(mr_transactions *t, uint32_t *ret_count, mr_cx *cx) {
    mr_mutex_lock(&t->mutex);
    mr_transaction *list = MR_NEW_ARRAY(cx->arena, mr_transaction, t->count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->slot_count; i++) {
        for (mr_transactions_entry *e = t->slots[i]; e != NULL; e = e->next) {
            list[count] = e->now;
            list[count].id.data = mr_arena_copy(cx->arena, e->now.id.data, e->now.id.bytes);
            list[count].members = NULL;
            list[count++].member_count = 0;
        }
    }
    mr_mutex_unlock(&t->mutex);
    qsort(list, count, sizeof(list[0]), id_compare);
    *ret_count = count;
    return list;
}

// ---- time ------------------------------------------------------------------------------------

mr_code mr_transactions_abort(mr_transactions *t, mr_transactions_entry *entry, mr_cx *cx) {
    if (entry->uses > 0) {
        return MR_OK;
    }
    int64_t fresh;
    MR_TRY(fresh_id(t, entry, &fresh, cx));
    mr_transaction next = mr_transaction_fence(&entry->now, fresh, mr_broker_now_ms(t->broker));
    return mr_transactions_write(t, &next, NULL, cx);
}

static void expire(mr_transactions *t, mr_transactions_entry *entry, mr_cx *cx) {
    mr_text batch;
    mr_text_init(&batch, cx->arena);
    mr_log_appended appended;
    mr_topic_partition *partition =
        mr_topic_partition_of(t->topic, mr_transactions_partition(t, entry->now.id));
    if (mr_transactions_record_add(entry->now.id, NULL, mr_broker_now_ms(t->broker), &batch, cx) ==
            MR_OK &&
        mr_log_append(partition->log, mr_text_span(&batch), MR_LOG_COORDINATOR, &appended, cx) ==
            MR_OK &&
        appended.error == MR_KAFKA_NONE) {
        mr_transactions_remove(t, entry);
    }
}

// Aborts what is over its time; expires ids. Returns how many transactions it let end.
static uint32_t look_at_clock(mr_transactions *t, bool expires, mr_cx *cx) {
    int64_t now_ms = mr_broker_now_ms(t->broker);
    int64_t kept_ms = mr_broker_settings_of(t->broker)->transactional_id_expiration_us / 1000;
    uint32_t ended = 0;
    for (uint32_t i = 0; i < t->slot_count; i++) {
        for (mr_transactions_entry *e = t->slots[i], *next; e != NULL; e = next) {
            next = e->next;
            if (mr_transaction_is_late(&e->now, now_ms)) {
                if (mr_transactions_abort(t, e, cx) == MR_OK && mr_transaction_is_ending(&e->now)) {
                    mr_broker_say(t->broker, "transaction of \"%.*s\" aborted after %d ms",
                                  MR_SPAN_ARGS(e->now.id), e->now.timeout_ms);
                    ended++;
                }
            } else if (expires && kept_ms > 0 && now_ms - e->now.update_ms > kept_ms &&
                       e->phase == MR_TRANSACTIONS_IDLE && e->uses == 0 &&
                       e->now.state != MR_TRANSACTION_ONGOING) {
                expire(t, e, cx);
            }
        }
    }
    return ended;
}

int64_t mr_transactions_turn(mr_transactions *t, int64_t now_us, mr_cx *cx) {
    (void)mr_producer_ids_renew(&t->ids, cx);  // If not now, then when one is taken.
    mr_mutex_lock(&t->mutex);
    bool expires = now_us >= t->expiry_us;
    if (expires) {
        t->expiry_us = now_us + EXPIRY_US;
    }
    (void)look_at_clock(t, expires, cx);
    mr_mutex_unlock(&t->mutex);
    mr_transactions_step_all(t, cx);
    return now_us + (atomic_load(&t->ending) > 0 ? RETRY_US : TURN_US);
}

void mr_transactions_flushed(mr_transactions *t, mr_cx *cx) {
    mr_transactions_step_all(t, cx);
}
