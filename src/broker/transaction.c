// Transaction: see transaction.h. Each function is one event; Kafka's rules in Kafka's order, since
// clients act by which of two errors they get.

#include "broker/transaction.h"

#include <string.h>

static bool is_exhausted(int16_t epoch) {
    return epoch >= MR_TRANSACTION_EPOCH_MAX;
}

static mr_transaction_outcome answer(int16_t error) {
    return (mr_transaction_outcome){.verdict = MR_TRANSACTION_ANSWER, .error = error};
}

static mr_transaction_outcome write_down(mr_transaction next) {
    return (mr_transaction_outcome){.verdict = MR_TRANSACTION_WRITE, .next = next};
}

bool mr_transaction_is_ending(const mr_transaction *now) {
    return now->state == MR_TRANSACTION_PREPARE_COMMIT ||
           now->state == MR_TRANSACTION_PREPARE_ABORT;
}

bool mr_transaction_is_late(const mr_transaction *now, int64_t now_ms) {
    return now->state == MR_TRANSACTION_ONGOING && now_ms - now->start_ms > now->timeout_ms;
}

// ---- members ---------------------------------------------------------------------------------

static int member_compare(const mr_transaction_member *a, const mr_transaction_member *b) {
    int topics = mr_span_compare(a->topic, b->topic);
    return topics != 0 ? topics : (a->partition > b->partition) - (a->partition < b->partition);
}

// Where a member is, or would be.
static uint32_t member_place(const mr_transaction *now, const mr_transaction_member *member,
                             bool *ret_found) {
    uint32_t low = 0, high = now->member_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = member_compare(&now->members[middle], member);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_found = false;
    return low;
}

bool mr_transaction_has(const mr_transaction *now, const mr_transaction_member *member) {
    bool found;
    (void)member_place(now, member, &found);
    return found;
}

// The members of `next` become its own, with these among them.
static void members_add(mr_transaction *next, const mr_transaction_member *added, uint32_t count,
                        mr_cx *cx) {
    mr_transaction_member *all =
        mr_arena_raw(cx->arena, sizeof(*all) * ((size_t)next->member_count + (size_t)count));
    if (next->member_count > 0) {
        memcpy(all, next->members, sizeof(*all) * next->member_count);
    }
    next->members = all;
    for (uint32_t i = 0; i < count; i++) {
        bool found;
        uint32_t place = member_place(next, &added[i], &found);
        if (!found) {
            memmove(all + place + 1, all + place, sizeof(*all) * (next->member_count - place));
            all[place] = added[i];
            next->member_count++;
        }
    }
}

mr_transaction mr_transaction_with(const mr_transaction *now, const mr_transaction_member *members,
                                   uint32_t count, mr_cx *cx) {
    mr_transaction next = *now;
    members_add(&next, members, count, cx);
    return next;
}

// ---- InitProducerId --------------------------------------------------------------------------

// Whether who names a producer id may still be its owner. Of an earlier id only the last epoch can
// be: its answer with the new id may have been lost.
static bool may_continue(const mr_transaction *now, mr_transaction_producer producer) {
    return producer.id == -1 || producer.id == now->producer_id ||
           (producer.id == now->previous_producer_id && is_exhausted(producer.epoch));
}

static mr_transaction_outcome begin_again(const mr_transaction *now,
                                          const mr_transaction_init *init) {
    mr_transaction_producer producer = init->producer;
    mr_transaction next = *now;
    next.state = MR_TRANSACTION_EMPTY;
    next.timeout_ms = init->timeout_ms;
    next.version = 0;
    next.members = NULL;
    next.member_count = 0;
    next.start_ms = -1;
    next.update_ms = init->now_ms;
    next.next_producer_id = -1;
    if (is_exhausted(now->epoch) &&
        (producer.id == -1 || (producer.id == now->producer_id && producer.epoch == now->epoch))) {
        next.previous_producer_id = now->producer_id;
        next.producer_id = init->fresh_id;
        next.epoch = 0;
        next.last_epoch = producer.id == -1 ? -1 : now->epoch;
    } else if (producer.id == -1) {
        next.epoch = (int16_t)(now->epoch + 1);
        next.last_epoch = -1;  // Whoever had it before is out.
    } else if (producer.id == now->producer_id && producer.epoch == now->epoch) {
        next.epoch = (int16_t)(now->epoch + 1);
        next.last_epoch = now->epoch;
    } else if (producer.epoch != now->last_epoch) {
        return answer(MR_KAFKA_PRODUCER_FENCED);
    }  // Else a retry, whose answer was lost: the same again.
    return write_down(next);
}

mr_transaction_outcome mr_transaction_begin(const mr_transaction *now, mr_span id,
                                            const mr_transaction_init *init) {
    if (now == NULL) {
        return write_down((mr_transaction){
            .id = id,
            .producer_id = init->fresh_id,
            .previous_producer_id = -1,
            .next_producer_id = -1,
            .last_epoch = -1,
            .timeout_ms = init->timeout_ms,
            .start_ms = -1,
            .update_ms = init->now_ms,
        });
    }
    mr_transaction_producer producer = init->producer;
    if (!may_continue(now, producer)) {
        return answer(MR_KAFKA_PRODUCER_FENCED);
    }
    if (mr_transaction_is_ending(now)) {
        return (mr_transaction_outcome){.verdict = MR_TRANSACTION_WAIT};
    }
    if (now->state != MR_TRANSACTION_ONGOING) {
        return begin_again(now, init);
    }
    // A zombie must not end the transaction of a living one. (Kafka looks at the epoch only later.)
    if (producer.id != -1 &&
        (producer.id != now->producer_id ||
         (producer.epoch != now->epoch && producer.epoch != now->last_epoch))) {
        return answer(MR_KAFKA_PRODUCER_FENCED);
    }
    mr_transaction next = mr_transaction_fence(now, init->fresh_id, init->now_ms);
    next.version = 0;  // For whom is fenced this is no retry.
    // Who named itself goes on under the new epoch; anybody else gets the one after.
    next.last_epoch = producer.id == -1 ? -1 : producer.epoch;
    return (mr_transaction_outcome){.verdict = MR_TRANSACTION_FENCE, .next = next};
}

// ---- joining ---------------------------------------------------------------------------------

// Whether a request is its producer's.
static int16_t check_producer(const mr_transaction *now, mr_transaction_producer producer) {
    if (now == NULL || now->producer_id != producer.id) {
        return MR_KAFKA_INVALID_PRODUCER_ID_MAPPING;
    }
    if (now->epoch != producer.epoch) {
        return MR_KAFKA_PRODUCER_FENCED;
    }
    return mr_transaction_is_ending(now) ? MR_KAFKA_CONCURRENT_TRANSACTIONS : MR_KAFKA_NONE;
}

mr_transaction_outcome mr_transaction_join(const mr_transaction *now, const mr_transaction_add *add,
                                           mr_cx *cx) {
    int16_t error = check_producer(now, add->producer);
    if (error != MR_KAFKA_NONE) {
        return answer(error);
    }
    bool all = now->state == MR_TRANSACTION_ONGOING;
    for (uint32_t i = 0; all && i < add->member_count; i++) {
        all = mr_transaction_has(now, &add->members[i]);
    }
    if (all) {
        return answer(MR_KAFKA_NONE);
    }
    mr_transaction next = *now;
    if (now->state != MR_TRANSACTION_ONGOING) {
        next.state = MR_TRANSACTION_ONGOING;
        next.start_ms = add->now_ms;
        next.version = add->version;
        next.member_count = 0;
    }
    next.update_ms = add->now_ms;
    members_add(&next, add->members, add->member_count, cx);
    return write_down(next);
}

int16_t mr_transaction_covers(const mr_transaction *now, mr_transaction_producer producer,
                              const mr_transaction_member *member, int16_t missing) {
    int16_t error = check_producer(now, producer);
    if (error != MR_KAFKA_NONE) {
        return error;
    }
    return now->state == MR_TRANSACTION_ONGOING && mr_transaction_has(now, member) ? MR_KAFKA_NONE
                                                                                   : missing;
}

mr_transaction mr_transaction_adopt(const mr_transaction *now, const mr_transaction_member *member,
                                    int64_t now_ms, mr_cx *cx) {
    mr_assert(!mr_transaction_is_ending(now));
    mr_transaction next = *now;
    if (now->state != MR_TRANSACTION_ONGOING) {
        next.state = MR_TRANSACTION_ONGOING;
        next.start_ms = now_ms;
        next.member_count = 0;
    }
    next.update_ms = now_ms;
    members_add(&next, member, 1, cx);
    return next;
}

// ---- ending ----------------------------------------------------------------------------------

// The epoch goes up, or, when there is none left, the producer id will change with the end.
static void raise_epoch(mr_transaction *next, int64_t fresh_id) {
    mr_assert(next->epoch < INT16_MAX);
    next->next_producer_id = is_exhausted(next->epoch) ? fresh_id : -1;
    next->last_epoch = next->epoch;
    next->epoch = (int16_t)(next->epoch + 1);
}

static mr_transaction_outcome prepare(const mr_transaction *now, const mr_transaction_end *end) {
    mr_transaction next = *now;
    next.state = end->commit ? MR_TRANSACTION_PREPARE_COMMIT : MR_TRANSACTION_PREPARE_ABORT;
    next.version = end->version;
    next.update_ms = end->now_ms;
    if (now->state != MR_TRANSACTION_ONGOING) {  // Nothing was written: an abort all the same.
        next.start_ms = end->now_ms;
        next.member_count = 0;
    }
    if (end->version >= 2) {
        raise_epoch(&next, end->fresh_id);
    }
    return write_down(next);
}

// What an end means once the transaction is over: a retry, another end, or nonsense.
static mr_transaction_outcome finish_complete(const mr_transaction *now,
                                              const mr_transaction_end *end, bool retry) {
    bool committed = now->state == MR_TRANSACTION_COMPLETE_COMMIT;
    if (retry) {
        return answer(committed == end->commit ? MR_KAFKA_NONE : MR_KAFKA_INVALID_TXN_STATE);
    }
    return end->commit ? answer(MR_KAFKA_INVALID_TXN_STATE) : prepare(now, end);
}

mr_transaction_outcome mr_transaction_finish(const mr_transaction *now,
                                             const mr_transaction_end *end) {
    mr_transaction_producer producer = end->producer;
    if (now == NULL) {
        return answer(MR_KAFKA_INVALID_PRODUCER_ID_MAPPING);
    }
    bool v2 = now->version >= 2;
    bool complete =
        now->state == MR_TRANSACTION_COMPLETE_COMMIT || now->state == MR_TRANSACTION_COMPLETE_ABORT;
    bool changed_id = v2 && complete && producer.id == now->previous_producer_id &&
                      producer.epoch == MR_TRANSACTION_EPOCH_MAX && now->epoch == 0;
    if (now->producer_id != producer.id && !changed_id) {
        return answer(MR_KAFKA_INVALID_PRODUCER_ID_MAPPING);
    }
    bool same = now->producer_id == producer.id && now->epoch == producer.epoch;
    bool raised = v2 && (mr_transaction_is_ending(now) || complete) &&
                  now->producer_id == producer.id && now->epoch == producer.epoch + 1;
    if (v2 && mr_transaction_is_ending(now) ? !raised : !same && !raised && !changed_id) {
        return answer(MR_KAFKA_PRODUCER_FENCED);
    }
    switch (now->state) {
    case MR_TRANSACTION_ONGOING: return prepare(now, end);
    case MR_TRANSACTION_PREPARE_COMMIT:
    case MR_TRANSACTION_PREPARE_ABORT:
        if (end->commit != (now->state == MR_TRANSACTION_PREPARE_COMMIT)) {
            return answer(MR_KAFKA_INVALID_TXN_STATE);
        }
        return (mr_transaction_outcome){.verdict = MR_TRANSACTION_WAIT};
    case MR_TRANSACTION_COMPLETE_COMMIT:
    case MR_TRANSACTION_COMPLETE_ABORT:
        // With version 0 the epoch does not tell a retry from a new end; Kafka takes it for one.
        return finish_complete(now, end, v2 ? !same : true);
    case MR_TRANSACTION_EMPTY: break;
    }
    // Of version 2 a transaction may end before anything was written, and needs its new epoch.
    return end->version >= 2 && !end->commit ? prepare(now, end)
                                             : answer(MR_KAFKA_INVALID_TXN_STATE);
}

mr_transaction mr_transaction_fence(const mr_transaction *now, int64_t fresh_id, int64_t now_ms) {
    mr_assert(now->state == MR_TRANSACTION_ONGOING);
    mr_transaction next = *now;
    next.state = MR_TRANSACTION_PREPARE_ABORT;
    next.update_ms = now_ms;
    raise_epoch(&next, fresh_id);
    return next;
}

mr_transaction mr_transaction_complete(const mr_transaction *now, int64_t now_ms) {
    mr_assert(mr_transaction_is_ending(now));
    mr_transaction next = *now;
    next.state = now->state == MR_TRANSACTION_PREPARE_COMMIT ? MR_TRANSACTION_COMPLETE_COMMIT
                                                             : MR_TRANSACTION_COMPLETE_ABORT;
    next.members = NULL;
    next.member_count = 0;
    next.update_ms = now_ms;
    if (now->next_producer_id != -1) {
        next.previous_producer_id = now->producer_id;
        next.producer_id = now->next_producer_id;
        next.next_producer_id = -1;
        next.epoch = 0;
    }
    return next;
}

// ---- names -----------------------------------------------------------------------------------

static const char *const state_names[] = {
    [MR_TRANSACTION_EMPTY] = "Empty",
    [MR_TRANSACTION_ONGOING] = "Ongoing",
    [MR_TRANSACTION_PREPARE_COMMIT] = "PrepareCommit",
    [MR_TRANSACTION_PREPARE_ABORT] = "PrepareAbort",
    [MR_TRANSACTION_COMPLETE_COMMIT] = "CompleteCommit",
    [MR_TRANSACTION_COMPLETE_ABORT] = "CompleteAbort",
};

const char *mr_transaction_state_name(mr_transaction_state state) {
    return state_names[state];
}

bool mr_transaction_state_of(mr_span name, mr_transaction_state *ret) {
    for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++) {
        if (mr_span_is(name, state_names[i])) {
            *ret = (mr_transaction_state)i;
            return true;
        }
    }
    return false;
}
