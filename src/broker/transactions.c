// Transactions: see transactions.h. Here: life, and what is asked of the table of ids.

#include "broker/transactions.h"

#include <stdlib.h>
#include <string.h>

#include "broker/transactions_state.h"

#define EXPIRY_US (10 * 60 * INT64_C(1000000))
#define TURN_US   INT64_C(1000000)
#define RETRY_US  INT64_C(20000)  // Ends under way are looked at again at least so often.

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
    t->slot_count = MR_TRANSACTIONS_SLOTS;
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

void mr_transactions_close(mr_transactions *t, mr_cx *cx) {
    (void)cx;
    if (t == NULL) {
        return;
    }
    for (uint32_t i = 0; i < t->slot_count; i++) {
        for (mr_transactions_entry *e = t->slots[i], *next; e != NULL; e = next) {
            next = e->next;
            mr_transactions_entry_free(e);
        }
    }
    mr_heap_free(t->slots);
    mr_topic_release(t->topic);
    mr_producer_ids_close(&t->ids);
    mr_mutex_release(&t->mutex);
    mr_arena_release(&t->arena);
    mr_heap_free(t);
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

bool mr_transactions_has_log(mr_transactions *t) {
    mr_mutex_lock(&t->mutex);
    bool there = t->topic != NULL;
    mr_mutex_unlock(&t->mutex);
    return there;
}

mr_code mr_transactions_log_make(mr_transactions *t, mr_cx *cx) {
    if (mr_transactions_has_log(t)) {
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

// Whether an id that is not there may be there all the same: its partition could not be read.
static bool is_unreadable(mr_transactions *t, mr_span id, const mr_transactions_entry *entry) {
    return entry == NULL && t->topic != NULL &&
           mr_log_offline(mr_topic_partition_of(t->topic, mr_transactions_partition(t, id))->log,
                          NULL);
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
    if (is_unreadable(t, id, entry) || fresh_id(t, entry, &init->fresh_id, cx) != MR_OK) {
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
    if (mr_transactions_log_make(t, cx) != MR_OK) {
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

static int16_t ready_locked(mr_transactions *t, const mr_transactions_entry *entry) {
    if (entry == NULL || (entry->now.state != MR_TRANSACTION_COMPLETE_COMMIT &&
                          entry->now.state != MR_TRANSACTION_COMPLETE_ABORT)) {
        return MR_KAFKA_NONE;
    }
    bool offline;
    bool durable = mr_transactions_durable(t, mr_transactions_partition(t, entry->now.id),
                                           entry->offset, &offline);
    return durable || offline ? MR_KAFKA_NONE : MR_TRANSACTIONS_PENDING;
}

int16_t mr_transactions_ready(mr_transactions *t, mr_span id) {
    mr_mutex_lock(&t->mutex);
    int16_t answer = ready_locked(t, mr_transactions_entry_of(t, id));
    mr_mutex_unlock(&t->mutex);
    return answer;
}

static int16_t join_locked(mr_transactions *t, mr_span id, const mr_transaction_add *add,
                           mr_transactions_entry **ret, mr_cx *cx) {
    *ret = mr_transactions_entry_of(t, id);
    if (is_unreadable(t, id, *ret)) {
        return MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
    if (add->version < 2 && ready_locked(t, *ret) != MR_KAFKA_NONE) {
        return MR_KAFKA_CONCURRENT_TRANSACTIONS;  // Its caller has waited long.
    }
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
    int16_t answer = is_unreadable(t, id, entry)
                         ? MR_KAFKA_COORDINATOR_NOT_AVAILABLE
                         : mr_transaction_covers(entry == NULL ? NULL : &entry->now, producer,
                                                 member, MR_KAFKA_TRANSACTION_ABORTABLE);
    mr_mutex_unlock(&t->mutex);
    return answer;
}

mr_code mr_transactions_use(mr_transactions *t, mr_transaction_use *use, int16_t *ret_error,
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
        error = is_unreadable(t, use->transactional_id, entry)
                    ? MR_KAFKA_COORDINATOR_NOT_AVAILABLE
                    : mr_transaction_covers(entry == NULL ? NULL : &entry->now, producer, &member,
                                            missing);
    }
    if (error == MR_KAFKA_NONE) {
        entry->uses++;
        bool offline;
        int32_t partition = mr_transactions_partition(t, entry->now.id);
        bool durable = mr_transactions_durable(t, partition, entry->offset, &offline);
        use->ret_waits_for = durable ? NULL : mr_topic_partition_of(t->topic, partition);
        use->ret_offset = entry->offset;
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
    if (is_unreadable(t, id, entry) || fresh_id(t, entry, &end->fresh_id, cx) != MR_OK) {
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
