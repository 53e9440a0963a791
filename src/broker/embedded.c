// Embedded: requests without a connection, and logs that are read in place; see port/embedded.h.
//
// How: a request's struct goes to the same handlers that a connection's go to. Who asks is the
// thread of the call: it runs the handler, and waits for the loop that the call is parked on. Loops
// are kept for the next question.
//
// Also: mr_broker_

#include "broker/embedded.h"

#include <inttypes.h>
#include <string.h>

#include "broker/inside.h"
#include "broker/topics.h"

typedef struct asker {
    mr_loop loop;  // First member.
    mr_client client;
    struct asker *next;
} asker;

typedef struct embedded {
    mr_embedded base;
    mr_broker *broker;
    mr_mutex mutex;
    asker *spare;
} embedded;

struct mr_embedded_log {
    mr_broker *broker;
    mr_topic *topic;
    mr_topic_partition *partition;
    void (*moved)(void *self);  // NULL: it does not listen.
    void *self;
    mr_embedded_log *next;  // Of the partition's listeners.
};

// What a slice stands for.
typedef struct holding {
    mr_log_slice slice;
    mr_embedded_aborted *aborted;  // Heap.
    uint32_t aborted_count;
} holding;

// ---- asking ----------------------------------------------------------------------------------

static void answered(mr_loop *loop, mr_call *call) {
    (void)loop, (void)call;  // Who asked looks at its phase.
}

static mr_code asker_take(embedded *e, asker **ret, mr_cx *cx) {
    mr_mutex_lock(&e->mutex);
    asker *a = e->spare;
    e->spare = a == NULL ? NULL : a->next;
    mr_mutex_unlock(&e->mutex);
    if (a == NULL) {
        a = mr_heap_alloc(sizeof(*a));
        mr_code code = mr_loop_init(&a->loop, e->broker, /* by_hand= */ false, cx);
        if (code != MR_OK) {
            mr_heap_free(a);
            return code;
        }
        a->loop.answered = answered;
        a->client = (mr_client){
            .broker = e->broker,
            .listen = e->broker->listens,
            .principal = "User:millrace",
            .in_process = true,
            .host = MR_EMBEDDED,
            .local_host = MR_EMBEDDED,
            .local_port = 9092,
        };
    }
    *ret = a;
    return MR_OK;
}

static void asker_return(embedded *e, asker *a) {
    mr_mutex_lock(&e->mutex);
    a->next = e->spare;
    e->spare = a;
    mr_mutex_unlock(&e->mutex);
}

// Until somebody signals a call of the loop, or its deadline comes.
static mr_code loop_wait(mr_loop *loop, mr_cx *cx) {
    atomic_store(&loop->asleep, true);
    if (atomic_load(&loop->signalled) == NULL) {
        int64_t at_us = mr_loop_deadline(loop);
        int64_t left_us =
            at_us == INT64_MAX ? -1 : MR_MAX(at_us - mr_clock_monotonic_us(cx->plat), 0);
        mr_socket_event event = {.handle = loop->wake.handle, .read = true};
        size_t ready;
        MR_TRY(mr_socket_wait(&event, 1, left_us, &ready, cx));
    }
    atomic_store(&loop->asleep, false);
    mr_wake_clear(&loop->wake, cx->plat);
    return MR_OK;
}

static mr_code embedded_ask(mr_embedded *base, const mr_embedded_ask *ask, mr_cx *cx) {
    embedded *e = (embedded *)base;
    const mr_api *api = mr_api_find(ask->key);
    const mr_wire_api *wire = mr_wire_find(ask->key);
    if (api == NULL || ask->version < api->version_min || ask->version > api->version_max) {
        return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "the broker does not serve %s %" PRId16,
                       wire == NULL ? "this request" : wire->name, ask->version);
    }
    asker *a;
    MR_TRY(asker_take(e, &a, cx));
    mr_call *call = mr_loop_call_new(&a->loop);
    call->client = &a->client;
    call->head = (mr_wire_head){
        .key = ask->key, .version = ask->version, .client_id = mr_span_of(ask->client_id)};
    call->arena = cx->arena;  // The answer outlives the call.
    call->request = ask->request;
    call->response = ask->response;
    mr_wire_clear(wire->response, ask->response);
    call->received_us = mr_clock_monotonic_us(cx->plat);
    mr_loop_step(&a->loop, call, api->handle);
    mr_code code = MR_OK;
    while (code == MR_OK && call->phase != MR_CALL_ANSWERED) {
        code = loop_wait(&a->loop, cx);
        mr_loop_run(&a->loop);
    }
    mr_loop_call_free(&a->loop, call);
    asker_return(e, a);
    return code;
}

// ---- logs ------------------------------------------------------------------------------------

static mr_code embedded_log_open(mr_embedded *base, const char *topic, uint32_t partition,
                                 mr_embedded_log **ret, mr_cx *cx) {
    embedded *e = (embedded *)base;
    mr_topic *found = mr_topics_find(mr_broker_topics(e->broker), mr_span_of(topic));
    mr_topic_partition *p = found == NULL ? NULL : mr_topic_partition_of(found, (int32_t)partition);
    if (p == NULL) {
        mr_topic_release(found);
        return mr_fail(cx, MR_E_MISSING, NULL, "topic \"%s\" has no partition %" PRIu32, topic,
                       partition);
    }
    mr_embedded_log *log = mr_heap_alloc(sizeof(*log));
    log->broker = e->broker;
    log->topic = found;
    log->partition = p;
    *ret = log;
    return MR_OK;
}

void mr_embedded_moved(mr_topic_partition *partition) {
    if (atomic_load(&partition->listeners) == NULL) {
        return;
    }
    mr_mutex_lock(&partition->broker->listen_mutex);
    for (mr_embedded_log *log = partition->listeners; log != NULL; log = log->next) {
        log->moved(log->self);
    }
    mr_mutex_unlock(&partition->broker->listen_mutex);
}

static void embedded_watch(mr_embedded_log *log, void (*moved)(void *self), void *self) {
    mr_assert(log->moved == NULL);
    log->moved = moved;
    log->self = self;
    mr_mutex_lock(&log->broker->listen_mutex);
    log->next = log->partition->listeners;
    atomic_store(&log->partition->listeners, log);
    mr_mutex_unlock(&log->broker->listen_mutex);
}

static void unwatch(mr_embedded_log *log) {
    mr_mutex_lock(&log->broker->listen_mutex);
    mr_embedded_log *before = log->partition->listeners;
    if (before == log) {
        atomic_store(&log->partition->listeners, log->next);
    } else {
        while (before->next != log) {
            before = before->next;
        }
        before->next = log->next;
    }
    mr_mutex_unlock(&log->broker->listen_mutex);
}

static void embedded_log_close(mr_embedded_log *log) {
    if (log->moved != NULL) {
        unwatch(log);
    }
    mr_topic_release(log->topic);
    mr_heap_free(log);
}

static mr_code gone(const mr_embedded_log *log, mr_cx *cx) {
    mr_error why;
    if (mr_log_offline(log->partition->log, &why)) {
        // Deleted is for good; else a reader may try again.
        mr_code code = why.code == MR_E_MISSING ? MR_E_MISSING : MR_E_IO;
        return mr_fail(cx, code, NULL, "topic \"%s\", partition %" PRId32 " is offline: %s",
                       log->topic->name, log->partition->number, why.text);
    }
    return MR_OK;
}

static mr_code embedded_marks(mr_embedded_log *log, mr_embedded_marks *ret, mr_cx *cx) {
    MR_TRY(gone(log, cx));
    mr_log_marks marks = mr_log_marks_of(log->partition->log);
    *ret = (mr_embedded_marks){marks.first, marks.stable};
    return MR_OK;
}

static void embedded_release(mr_embedded_slice *slice) {
    holding *held = slice->held;
    if (held != NULL) {
        mr_log_slice_release(&held->slice);
        mr_heap_free(held->aborted);
        mr_heap_free(held);
        slice->held = NULL;
    }
}

// What was aborted in a slice; false when it is to be read again.
static bool held_fill(mr_embedded_log *log, holding *held, mr_cx *cx) {
    mr_log_aborted *found;
    bool stale;
    mr_log_aborted_of(log->partition->log, &held->slice, &found, &held->aborted_count, &stale, cx);
    if (stale) {
        return false;
    }
    if (held->aborted_count > 0) {
        held->aborted = mr_heap_raw(sizeof(*held->aborted) * held->aborted_count);
    }
    for (uint32_t i = 0; i < held->aborted_count; i++) {
        held->aborted[i] = (mr_embedded_aborted){found[i].producer_id, found[i].first_offset,
                                                 found[i].last_offset};
    }
    return true;
}

static mr_code embedded_locate(mr_embedded_log *log, int64_t offset, uint64_t bytes_max,
                               mr_embedded_slice *ret, mr_cx *cx) {
    mr_log_wish wish = {
        .offset = offset,
        .bytes_max = bytes_max,
        .at_least_one = true,
        .isolation = MR_LOG_COMMITTED,
    };
    mr_log_slice slice = {0};
    int16_t error = MR_KAFKA_NONE;
    *ret = (mr_embedded_slice){0};
    MR_TRY(mr_log_read(log->partition->log, &wish, &slice, &error, cx));
    if (error == MR_KAFKA_OFFSET_OUT_OF_RANGE) {
        mr_log_marks marks = mr_log_marks_of(log->partition->log);
        return mr_fail(cx, MR_E_MISSING,
                       "Keep records longer, or start with --fresh and accept the loss.",
                       "topic \"%s\", partition %" PRId32 ": offset %" PRId64
                       " is gone; available are %" PRId64 " .. %" PRId64,
                       log->topic->name, log->partition->number, offset, marks.first, marks.stable);
    }
    if (error != MR_KAFKA_NONE) {
        MR_TRY(gone(log, cx));
        return mr_fail(cx, MR_E_IO, NULL, "topic \"%s\", partition %" PRId32 ": %s",
                       log->topic->name, log->partition->number, mr_kafka_error_text(error));
    }
    if (slice.bytes == 0) {
        mr_log_slice_release(&slice);
        return MR_OK;
    }
    holding *made = mr_heap_alloc(sizeof(*made));
    made->slice = slice;
    *ret = (mr_embedded_slice){.held = made, .bytes = slice.bytes, .next = slice.next_offset};
    if (!held_fill(log, made, cx)) {  // Compaction was quicker: what it made is there now.
        embedded_release(ret);
        return embedded_locate(log, offset, bytes_max, ret, cx);
    }
    return MR_OK;
}

static mr_code embedded_settle(mr_embedded_log *const *logs, uint32_t count, mr_cx *cx) {
    mr_log **list = mr_heap_raw(count * sizeof(mr_log *));
    for (uint32_t i = 0; i < count; i++) {
        list[i] = logs[i]->partition->log;
    }
    mr_code code = mr_log_settle(list, count, cx);
    mr_heap_free(list);
    for (uint32_t i = 0; i < count && code == MR_OK; i++) {
        code = gone(logs[i], cx);  // What failed to be synced before may be lost.
    }
    return code;
}

static mr_code embedded_load(const mr_embedded_slice *slice, void *data, mr_cx *cx) {
    const holding *held = slice->held;
    return mr_log_slice_load(&held->slice, 0, data, slice->bytes, cx);
}

static const mr_embedded_aborted *embedded_aborted(const mr_embedded_slice *slice,
                                                   uint32_t *ret_count) {
    const holding *held = slice->held;
    *ret_count = held->aborted_count;
    return held->aborted;
}

static const mr_embedded_type embedded_type = {
    .ask = embedded_ask,
    .log_open = embedded_log_open,
    .log_close = embedded_log_close,
    .watch = embedded_watch,
    .marks = embedded_marks,
    .locate = embedded_locate,
    .settle = embedded_settle,
    .load = embedded_load,
    .release = embedded_release,
    .aborted = embedded_aborted,
};

mr_code mr_broker_embed(mr_broker *broker, mr_embedded **ret, mr_cx *cx) {
    (void)cx;
    embedded *e = mr_heap_alloc(sizeof(*e));
    e->base.type = &embedded_type;
    e->broker = broker;
    mr_mutex_init(&e->mutex);
    *ret = &e->base;
    return MR_OK;
}

void mr_broker_unembed(mr_embedded *base) {
    embedded *e = (embedded *)base;
    if (e == NULL) {
        return;
    }
    while (e->spare != NULL) {
        asker *a = e->spare;
        e->spare = a->next;
        mr_loop_release(&a->loop);
        mr_heap_free(a);
    }
    mr_mutex_release(&e->mutex);
    mr_heap_free(e);
}
