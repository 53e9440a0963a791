// Exchange: see exchange.h.

#include "exec/exchange.h"

#include <string.h>

#define INBOX_MESSAGES_MAX 8

struct mr_inbox {
    mr_mutex mutex;
    mr_condition arrived;
    mr_exchange_message *first;  // In order of arrival; a lane's may be out of order.
    mr_exchange_message *last;
    uint64_t *next_sequence;  // By lane.
    atomic_uint count;
    bool woken;  // Since the last wait: the next one returns at once.
};

void mr_exchange_init(mr_exchange *exchange, uint32_t worker_count) {
    *exchange = (mr_exchange){.worker_count = worker_count};
    exchange->inboxes = mr_heap_alloc(worker_count * sizeof *exchange->inboxes);
    for (uint32_t w = 0; w < worker_count; w++) {
        mr_mutex_init(&exchange->inboxes[w].mutex);
        mr_condition_init(&exchange->inboxes[w].arrived);
    }
}

void mr_exchange_release(mr_exchange *exchange) {
    for (uint32_t w = 0; w < exchange->worker_count; w++) {
        mr_inbox *inbox = &exchange->inboxes[w];
        while (inbox->first != NULL) {  // After a failure: what nobody will take.
            mr_exchange_message *message = inbox->first;
            inbox->first = message->next;
            mr_hold_unref(message->hold);
        }
        mr_mutex_release(&inbox->mutex);
        mr_condition_release(&inbox->arrived);
        mr_heap_free(inbox->next_sequence);
    }
    mr_heap_free(exchange->inboxes);
    *exchange = (mr_exchange){0};
}

void mr_exchange_set_lanes(mr_exchange *exchange, uint32_t lane_count) {
    for (uint32_t w = 0; w < exchange->worker_count && lane_count > exchange->lane_count; w++) {
        mr_inbox *inbox = &exchange->inboxes[w];
        inbox->next_sequence =
            mr_heap_resize(inbox->next_sequence, lane_count * sizeof *inbox->next_sequence);
        memset(inbox->next_sequence + exchange->lane_count, 0,
               (lane_count - exchange->lane_count) * sizeof *inbox->next_sequence);
    }
    exchange->lane_count = MR_MAX(exchange->lane_count, lane_count);
}

mr_exchange_message *mr_exchange_start(mr_exchange *exchange, uint32_t lane, uint64_t sequence,
                                       uint64_t claim, mr_hold *hold) {
    mr_exchange_message *messages =
        MR_NEW_ARRAY(&hold->arena, mr_exchange_message, exchange->worker_count);
    for (uint32_t w = 0; w < exchange->worker_count; w++) {
        messages[w] =
            (mr_exchange_message){.lane = lane, .sequence = sequence, .claim = claim, .hold = hold};
    }
    return messages;
}

void mr_exchange_add(mr_exchange_message *message, uint32_t plan, const mr_batch *batch) {
    if (message->item_count == message->item_capacity) {
        uint32_t capacity = message->item_capacity == 0 ? 4 : 2 * message->item_capacity;
        mr_exchange_item *items =
            mr_arena_raw(&message->hold->arena, capacity * sizeof *message->items);
        if (message->item_count > 0) {
            memcpy(items, message->items, message->item_count * sizeof *items);
        }
        message->items = items;
        message->item_capacity = capacity;
    }
    message->items[message->item_count++] = (mr_exchange_item){.plan = plan, .batch = *batch};
}

void mr_exchange_send(mr_exchange *exchange, mr_exchange_message *messages) {
    atomic_fetch_add(&exchange->in_flight, exchange->worker_count);
    for (uint32_t w = 0; w < exchange->worker_count; w++) {
        mr_hold_ref(messages[w].hold);
    }
    for (uint32_t w = 0; w < exchange->worker_count; w++) {
        mr_inbox *inbox = &exchange->inboxes[w];
        mr_mutex_lock(&inbox->mutex);
        if (inbox->last == NULL) {
            inbox->first = &messages[w];
        } else {
            inbox->last->next = &messages[w];
        }
        inbox->last = &messages[w];
        atomic_fetch_add(&inbox->count, 1);
        mr_condition_signal(&inbox->arrived);
        mr_mutex_unlock(&inbox->mutex);
    }
}

// Takes the first message whose turn it is out of the list. Under the mutex.
static mr_exchange_message *inbox_take(mr_inbox *inbox) {
    mr_exchange_message *before = NULL;
    for (mr_exchange_message *m = inbox->first; m != NULL; before = m, m = m->next) {
        if (m->sequence != inbox->next_sequence[m->lane]) {
            continue;
        }
        inbox->next_sequence[m->lane]++;
        if (before == NULL) {
            inbox->first = m->next;
        } else {
            before->next = m->next;
        }
        if (inbox->last == m) {
            inbox->last = before;
        }
        return m;
    }
    return NULL;
}

// Whether some message's turn has come. Under the mutex.
static bool inbox_ready(const mr_inbox *inbox) {
    for (const mr_exchange_message *m = inbox->first; m != NULL; m = m->next) {
        if (m->sequence == inbox->next_sequence[m->lane]) {
            return true;
        }
    }
    return false;
}

mr_exchange_message *mr_exchange_receive(mr_exchange *exchange, uint32_t worker) {
    mr_inbox *inbox = &exchange->inboxes[worker];
    if (atomic_load_explicit(&inbox->count, memory_order_relaxed) == 0) {
        return NULL;
    }
    mr_mutex_lock(&inbox->mutex);
    mr_exchange_message *message = inbox_take(inbox);
    bool was_full = message != NULL && atomic_fetch_sub(&inbox->count, 1) == INBOX_MESSAGES_MAX;
    mr_mutex_unlock(&inbox->mutex);
    if (was_full) {
        mr_exchange_wake(exchange);  // Others may wait for room.
    }
    return message;
}

void mr_exchange_done(mr_exchange *exchange, mr_exchange_message *message) {
    mr_hold_unref(message->hold);  // The message lies in the hold: not to be touched any more.
    atomic_fetch_sub(&exchange->in_flight, 1);
}

bool mr_exchange_has_room(mr_exchange *exchange) {
    for (uint32_t w = 0; w < exchange->worker_count; w++) {
        if (atomic_load_explicit(&exchange->inboxes[w].count, memory_order_relaxed) >=
            INBOX_MESSAGES_MAX) {
            return false;
        }
    }
    return true;
}

void mr_exchange_wait(mr_exchange *exchange, uint32_t worker, int64_t timeout_us) {
    mr_inbox *inbox = &exchange->inboxes[worker];
    mr_mutex_lock(&inbox->mutex);
    if (!inbox_ready(inbox) && !inbox->woken) {
        mr_condition_wait(&inbox->arrived, &inbox->mutex, timeout_us);
    }
    inbox->woken = false;
    mr_mutex_unlock(&inbox->mutex);
}

void mr_exchange_wake(mr_exchange *exchange) {
    for (uint32_t w = 0; w < exchange->worker_count; w++) {
        mr_mutex_lock(&exchange->inboxes[w].mutex);
        exchange->inboxes[w].woken = true;
        mr_condition_broadcast(&exchange->inboxes[w].arrived);
        mr_mutex_unlock(&exchange->inboxes[w].mutex);
    }
}
