// Consume by librdkafka: for clusters and settings that the native client does not know; see
// consume.h.
//
// Messages are taken by callback, which costs less than events or batches (librdkafka#3662, #248).
// The client's threads reconnect by themselves, with back-off.
// Also: mr_consume_headers

#include "kafka/consume_type.h"

#include <inttypes.h>
#include <string.h>

#include "kafka/admin.h"
#include "kafka/config.h"
#include "kafka/headers.h"
#include "plat/plat.h"
#include "plat/thread.h"

#define CONSUME_ASK_US      ((int64_t)5 * 1000000)  // For answers of a broker that was reached.
#define CONSUME_ASK_DOWN_US ((int64_t)200000)       // While it cannot be reached.
#define CONSUME_COMMIT_MS   2000                    // How long closing waits for the last one.
#define CONSUME_YIELD_MAX   4096                    // Messages looked at in one call.
#define CONSUME_LOW         15000                   // Half of queued.min.messages in config.c.
#define CONSUME_WAKE_US     10000

typedef struct consume_rd consume_rd;

typedef struct consume_partition {
    consume_rd *consume;
    int32_t number;
    rd_kafka_queue_t *queue;  // NULL until started.
    int64_t next;             // Offset to come.
    atomic_bool taken;        // Messages were taken since the waker looked.
    // Of the poll under way.
    const mr_consume_taker *taker;
    mr_consume_seen *seen;
    bool full;  // take said no: everything more is for the next poll.
    rd_kafka_resp_err_t error;
    char error_text[256];
} consume_partition;

struct consume_rd {
    mr_consume base;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    char *topic_name;  // Heap, as the address.
    char *address;
    char *group;
    rd_kafka_queue_t *commits;  // Answers to commits.
    bool committing;
    consume_partition **partitions;
    mr_mutex mutex;  // Of ready and reason.
    mr_condition arrived;
    bool ready;
    char reason[256];  // The last thing a broker's connection complained of.
    atomic_bool down;
    mr_thread waker;
    // Of the partitions' queues, stopping and busy. Not the other mutex: the client calls
    // on_arrival with its queue's lock held, which a look at a queue's length waits for.
    mr_mutex waker_mutex;
    mr_condition wake;
    bool stopping;
    bool busy;  // Messages were taken since the waker slept.
};

static void on_error(rd_kafka_t *client, int error, const char *reason, void *self) {
    (void)client;
    consume_rd *consume = self;
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        atomic_store(&consume->down, true);
        return;  // The reason came before it.
    }
    mr_mutex_lock(&consume->mutex);
    size_t bytes = MR_MIN(strlen(reason), sizeof(consume->reason) - 1);
    memcpy(consume->reason, reason, bytes);
    consume->reason[bytes] = '\0';
    mr_mutex_unlock(&consume->mutex);
}

// Called on a thread of the client when an empty queue gets something.
static void on_arrival(rd_kafka_t *client, void *self) {
    (void)client;
    consume_rd *consume = self;
    mr_mutex_lock(&consume->mutex);
    consume->ready = true;
    mr_condition_broadcast(&consume->arrived);
    mr_mutex_unlock(&consume->mutex);
}

// ---- the waker -------------------------------------------------------------------------------
//
// Why: when all queues of a broker's partitions are full, the client's thread of that broker sleeps
// for up to a second, and nothing that is taken from a queue wakes it: a consumer that is faster
// than its queues are long stands still. Any request to the broker wakes the thread, so partitions
// that run low are asked for their bounds.

// The started partitions that run low, one of a call. Under the mutex.
static int32_t next_low(consume_rd *consume, uint32_t *at) {
    while (*at < consume->base.partition_count) {
        consume_partition *p = consume->partitions[(*at)++];
        if (atomic_exchange(&p->taken, false) && p->queue != NULL &&
            rd_kafka_queue_length(p->queue) < CONSUME_LOW) {
            return p->number;
        }
    }
    return -1;
}

static void *waker_run(void *self) {
    consume_rd *consume = self;
    mr_mutex_lock(&consume->waker_mutex);
    while (!consume->stopping) {
        mr_condition_wait(&consume->wake, &consume->waker_mutex,
                          consume->busy ? CONSUME_WAKE_US : -1);
        consume->busy = false;
        uint32_t at = 0;
        for (int32_t low = next_low(consume, &at); low >= 0 && !consume->stopping;
             low = next_low(consume, &at)) {
            mr_mutex_unlock(&consume->waker_mutex);
            int64_t first, next;
            (void)rd_kafka_query_watermark_offsets(consume->client, consume->topic_name, low,
                                                   &first, &next, /* timeout_ms= */ 200);
            mr_mutex_lock(&consume->waker_mutex);
            consume->busy = true;  // It runs low: look again soon.
        }
    }
    mr_mutex_unlock(&consume->waker_mutex);
    return NULL;
}

static void waker_stop(consume_rd *consume) {
    mr_mutex_lock(&consume->waker_mutex);
    consume->stopping = true;
    mr_condition_signal(&consume->wake);
    mr_mutex_unlock(&consume->waker_mutex);
    mr_thread_join(&consume->waker);
}

// Messages were taken from a partition.
static void waker_tell(consume_partition *p) {
    consume_rd *consume = p->consume;
    if (atomic_exchange(&p->taken, true)) {
        return;  // The waker has not looked since it was told.
    }
    mr_mutex_lock(&consume->waker_mutex);
    consume->busy = true;
    mr_condition_signal(&consume->wake);
    mr_mutex_unlock(&consume->waker_mutex);
}

// ---- opening ---------------------------------------------------------------------------------

static mr_code unreachable(consume_rd *consume, mr_code code, mr_cx *cx) {
    if (code != MR_E_NETWORK) {
        return code;
    }
    rd_kafka_poll(consume->client, 0);
    char reason[256];
    mr_mutex_lock(&consume->mutex);
    memcpy(reason, consume->reason, sizeof(reason));
    mr_mutex_unlock(&consume->mutex);
    // "host:port/bootstrap: what happened (after 3ms in state CONNECT, …)": the middle is the fact.
    const char *fact = strstr(reason, "/bootstrap: ");
    fact = fact == NULL ? reason : fact + strlen("/bootstrap: ");
    char *timing = strstr(reason, " (after ");
    if (timing != NULL) {
        *timing = '\0';
    }
    return mr_consume_unreachable(consume->address, fact, cx);
}

static void add_partitions(consume_rd *consume, uint32_t count) {
    if (count <= consume->base.partition_count) {
        return;
    }
    mr_mutex_lock(&consume->waker_mutex);
    consume->partitions = mr_heap_resize(consume->partitions, sizeof(*consume->partitions) * count);
    for (uint32_t p = consume->base.partition_count; p < count; p++) {
        consume_partition *partition = mr_heap_alloc(sizeof(*partition));
        partition->consume = consume;
        partition->number = mr_i32(p);
        consume->partitions[p] = partition;
    }
    consume->base.partition_count = count;
    mr_mutex_unlock(&consume->waker_mutex);
}

static mr_code reach(consume_rd *consume, const mr_consume_options *options, mr_cx *cx) {
    mr_config_options config = {
        .bootstrap_servers = options->bootstrap_servers,
        .values = options->values,
        .on_error = on_error,
        .self = consume,
    };
    rd_kafka_conf_t *conf;
    MR_TRY(mr_config_make(&config, &conf, cx));
    char address[512];
    size_t address_bytes = sizeof(address);
    if (rd_kafka_conf_get(conf, "bootstrap.servers", address, &address_bytes) != RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        return mr_fail(cx, MR_E_OPTION, "Give the server option bootstrap_servers.",
                       "no address of a Kafka cluster for topic \"%s\"", options->topic);
    }
    consume->address = mr_heap_string(address);
    char reason[512];
    consume->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    if (consume->client == NULL) {
        rd_kafka_conf_destroy(conf);
        return mr_fail(cx, MR_E_OPTION, NULL, "cannot make a Kafka client: %s", reason);
    }
    uint32_t count = 0;
    mr_code code = mr_admin_partitions(consume->client, options->topic, options->connect_timeout_us,
                                       &count, cx);
    if (code == MR_OK && count == 0) {
        mr_admin_topic topic = {options->topic, options->partitions, options->topic_config};
        MR_TRY(mr_admin_create(consume->client, &topic, options->connect_timeout_us, cx));
        code = mr_admin_partitions(consume->client, options->topic, options->connect_timeout_us,
                                   &count, cx);
    }
    if (code != MR_OK) {
        return unreachable(consume, code, cx);
    }
    consume->topic = rd_kafka_topic_new(consume->client, options->topic, NULL);
    consume->commits = rd_kafka_queue_new(consume->client);
    add_partitions(consume, count);
    return mr_thread_start(&consume->waker, "kafka waker", waker_run, consume, cx);
}

static void stop_partition(consume_partition *p) {
    if (p->queue == NULL) {
        return;
    }
    rd_kafka_queue_t *queue = p->queue;
    rd_kafka_queue_cb_event_enable(queue, NULL, NULL);
    rd_kafka_consume_stop(p->consume->topic, p->number);
    mr_mutex_lock(&p->consume->waker_mutex);
    p->queue = NULL;  // The waker looks no more.
    mr_mutex_unlock(&p->consume->waker_mutex);
    rd_kafka_queue_destroy(queue);
}

// Whether no commit is under way any more; waits for it at most timeout_ms.
static bool commit_done(consume_rd *consume, int timeout_ms) {
    if (consume->committing) {
        rd_kafka_event_t *answer = rd_kafka_queue_poll(consume->commits, timeout_ms);
        if (answer != NULL) {
            rd_kafka_event_destroy(answer);
            consume->committing = false;
        }
    }
    return !consume->committing;
}

static void rd_close(mr_consume *base) {
    consume_rd *consume = (consume_rd *)base;
    waker_stop(consume);
    for (uint32_t p = 0; p < consume->base.partition_count; p++) {
        consume_partition *partition = consume->partitions[p];
        stop_partition(partition);
        mr_heap_free(partition);
    }
    if (consume->commits != NULL) {
        // The last offsets are the ones that stay to be seen.
        (void)commit_done(consume, atomic_load(&consume->down) ? 0 : CONSUME_COMMIT_MS);
        rd_kafka_queue_destroy(consume->commits);
    }
    if (consume->topic != NULL) {
        rd_kafka_topic_destroy(consume->topic);
    }
    if (consume->client != NULL) {
        rd_kafka_destroy_flags(consume->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    mr_condition_release(&consume->arrived);
    mr_condition_release(&consume->wake);
    mr_mutex_release(&consume->waker_mutex);
    mr_mutex_release(&consume->mutex);
    mr_heap_free(consume->partitions);
    mr_heap_free(consume->topic_name);
    mr_heap_free(consume->address);
    mr_heap_free(consume->group);
    mr_heap_free(consume);
}

static mr_code rd_refresh(mr_consume *base, mr_cx *cx) {
    consume_rd *consume = (consume_rd *)base;
    uint32_t count = 0;
    MR_TRY(mr_admin_partitions(consume->client, consume->topic_name, CONSUME_ASK_US, &count, cx));
    if (count < consume->base.partition_count) {
        return mr_fail(cx, MR_E_MISSING, "Was it deleted? Start with --fresh to read a new one.",
                       "topic \"%s\" has %" PRIu32 " partitions where %" PRIu32 " were read",
                       consume->topic_name, count, consume->base.partition_count);
    }
    add_partitions(consume, count);
    return MR_OK;
}

// ---- offsets ---------------------------------------------------------------------------------

static mr_code ask_failed(consume_rd *consume, uint32_t partition, rd_kafka_resp_err_t error,
                          mr_cx *cx) {
    mr_code code = mr_admin_code(error);
    if (code == MR_E_NETWORK) {
        return unreachable(consume, code, cx);
    }
    return mr_fail(cx, code, NULL, "topic \"%s\", partition %" PRIu32 ": %s", consume->topic_name,
                   partition, rd_kafka_err2str(error));
}

// True after a pause when the answer may be another one soon: a topic is new, or a leader is
// moving.
static bool ask_again(rd_kafka_resp_err_t error, int64_t deadline_us, mr_cx *cx) {
    bool moving = error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
                  error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
                  error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                  error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    if (!moving || mr_clock_monotonic_us(cx->plat) >= deadline_us || mr_cx_cancelled(cx)) {
        return false;
    }
    mr_clock_sleep_us(cx->plat, 50000);
    return true;
}

static mr_code rd_bounds(mr_consume *base, uint32_t partition, int64_t *ret_first,
                         int64_t *ret_next, mr_cx *cx) {
    consume_rd *consume = (consume_rd *)base;
    int64_t first, next;
    bool down = atomic_load(&consume->down);
    int64_t timeout_us = down ? CONSUME_ASK_DOWN_US : CONSUME_ASK_US;
    int64_t deadline_us = mr_clock_monotonic_us(cx->plat) + timeout_us;
    rd_kafka_resp_err_t error;
    do {
        error = rd_kafka_query_watermark_offsets(consume->client, consume->topic_name,
                                                 (int32_t)partition, &first, &next,
                                                 (int)(timeout_us / 1000));
    } while (ask_again(error, deadline_us, cx));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return ask_failed(consume, partition, error, cx);
    }
    atomic_store(&consume->down, false);
    *ret_first = first;
    *ret_next = next;
    return MR_OK;
}

static mr_code rd_at_time(mr_consume *base, uint32_t partition, int64_t time_ms, int64_t *ret,
                          mr_cx *cx) {
    consume_rd *consume = (consume_rd *)base;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *wish =
        rd_kafka_topic_partition_list_add(list, consume->topic_name, (int32_t)partition);
    wish->offset = time_ms;
    rd_kafka_resp_err_t error =
        rd_kafka_offsets_for_times(consume->client, list, (int)(CONSUME_ASK_US / 1000));
    error = error != RD_KAFKA_RESP_ERR_NO_ERROR ? error : list->elems[0].err;
    int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return ask_failed(consume, partition, error, cx);
    }
    if (offset < 0) {  // No record is that young.
        int64_t first;
        return rd_bounds(base, partition, &first, ret, cx);
    }
    *ret = offset;
    return MR_OK;
}

static mr_code rd_start(mr_consume *base, uint32_t partition, int64_t offset, mr_cx *cx) {
    consume_rd *consume = (consume_rd *)base;
    consume_partition *p = consume->partitions[partition];
    mr_assert(offset >= 0);
    stop_partition(p);
    p->error = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consume->client);
    mr_mutex_lock(&consume->waker_mutex);
    p->queue = queue;
    mr_mutex_unlock(&consume->waker_mutex);
    p->next = offset;
    rd_kafka_queue_cb_event_enable(p->queue, on_arrival, consume);
    if (rd_kafka_consume_start_queue(consume->topic, p->number, offset, p->queue) != 0) {
        return ask_failed(consume, partition, rd_kafka_last_error(), cx);
    }
    return MR_OK;
}

static void rd_stop(mr_consume *base, uint32_t partition) {
    consume_rd *consume = (consume_rd *)base;
    stop_partition(consume->partitions[partition]);
}

// ---- messages --------------------------------------------------------------------------------

static void take_error(consume_partition *p, const rd_kafka_message_t *native) {
    if (native->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        p->seen->at_end = true;
        p->seen->end_offset = native->offset;
        return;
    }
    // What passes by itself: the client reconnects and finds the leader again.
    if (mr_admin_code(native->err) == MR_E_NETWORK || p->error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    p->error = native->err;
    const char *text = rd_kafka_message_errstr(native);
    size_t bytes = MR_MIN(strlen(text), sizeof(p->error_text) - 1);
    memcpy(p->error_text, text, bytes);
    p->error_text[bytes] = '\0';
}

static void on_message(rd_kafka_message_t *native, void *self) {
    consume_partition *p = self;
    mr_assert(!p->full);
    if (native->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        take_error(p, native);
        return;
    }
    rd_kafka_timestamp_type_t kind;
    int64_t time_ms = rd_kafka_message_timestamp(native, &kind);
    mr_consume_message message = {
        .offset = native->offset,
        .timestamp_us = kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ||
                                !mr_mul_fits(time_ms, (int64_t)1000, &time_ms)
                            ? INT64_MIN
                            : time_ms,
        .value = {native->payload, native->len},
        .null = native->payload == NULL,
        .key = {native->key, native->key_len},
        .key_null = native->key == NULL,
        .native = native,
    };
    p->next = native->offset + 1;
    p->seen->messages++;
    p->seen->at_end = false;
    p->full = !p->taker->take(p->taker->self, &message) || p->seen->messages == CONSUME_YIELD_MAX;
    if (p->full) {
        rd_kafka_yield(p->consume->client);
    }
}

static mr_code poll_failed(consume_partition *p, mr_cx *cx) {
    consume_rd *consume = p->consume;
    bool range = p->error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
                 p->error == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
    int64_t first, next;
    if (range && rd_bounds(&consume->base, (uint32_t)p->number, &first, &next, cx) == MR_OK &&
        (p->next < first || p->next > next)) {
        return mr_fail(cx, MR_E_MISSING,
                       "Keep records longer, or start with --fresh and accept the loss.",
                       "topic \"%s\", partition %" PRId32 ": offset %" PRId64
                       " is gone; available are %" PRId64 " .. %" PRId64,
                       consume->topic_name, p->number, p->next, first, next);
    }
    return mr_fail(cx, range ? MR_E_MISSING : mr_admin_code(p->error), NULL,
                   "topic \"%s\", partition %" PRId32 ", offset %" PRId64 ": %s",
                   consume->topic_name, p->number, p->next, p->error_text);
}

static mr_code rd_poll(mr_consume *base, uint32_t partition, const mr_consume_taker *taker,
                       mr_consume_seen *ret, mr_cx *cx) {
    consume_rd *consume = (consume_rd *)base;
    consume_partition *p = consume->partitions[partition];
    mr_assert(p->queue != NULL);
    *ret = (mr_consume_seen){0};
    p->taker = taker;
    p->seen = ret;
    p->full = false;
    rd_kafka_consume_callback_queue(p->queue, /* timeout_ms= */ 0, on_message, p);
    p->taker = NULL;
    p->seen = NULL;
    if (ret->at_end) {
        p->next = MR_MAX(p->next, ret->end_offset);
    }
    if (ret->messages > 0 || ret->at_end) {
        atomic_store(&consume->down, false);
    }
    if (ret->messages > 0) {
        waker_tell(p);
    }
    if (p->error != RD_KAFKA_RESP_ERR_NO_ERROR && ret->messages == 0) {
        return poll_failed(p, cx);  // What came before it is told first.
    }
    return MR_OK;
}

static void rd_wait(mr_consume *base, int64_t timeout_us) {
    consume_rd *consume = (consume_rd *)base;
    rd_kafka_poll(consume->client, 0);  // Errors of the client.
    mr_mutex_lock(&consume->mutex);
    if (!consume->ready) {
        mr_condition_wait(&consume->arrived, &consume->mutex, timeout_us);
    }
    consume->ready = false;
    mr_mutex_unlock(&consume->mutex);
}

static bool rd_down(mr_consume *base) {
    consume_rd *consume = (consume_rd *)base;
    rd_kafka_poll(consume->client, 0);
    return atomic_load(&consume->down);
}

// By the admin call, not the consumer's: it needs no group membership, and a client that closes
// while its commit waits for a coordinator keeps a core busy until it is there.
static void rd_commit(mr_consume *base, const int64_t *offsets, uint32_t count) {
    consume_rd *consume = (consume_rd *)base;
    if (!commit_done(consume, /* timeout_ms= */ 0)) {
        return;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (uint32_t p = 0; p < count; p++) {
        rd_kafka_topic_partition_list_add(list, consume->topic_name, (int32_t)p)->offset =
            offsets[p];
    }
    rd_kafka_AlterConsumerGroupOffsets_t *request =
        rd_kafka_AlterConsumerGroupOffsets_new(consume->group, list);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(consume->client, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
    char reason[64];
    (void)rd_kafka_AdminOptions_set_request_timeout(options, (int)(CONSUME_ASK_US / 1000), reason,
                                                    sizeof(reason));
    rd_kafka_AlterConsumerGroupOffsets(consume->client, &request, 1, options, consume->commits);
    consume->committing = true;
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_AlterConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
}

// ---- headers ---------------------------------------------------------------------------------

bool mr_consume_headers(const mr_consume_message *message, mr_text *out) {
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message->native, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return false;
    }
    const char *name;
    const void *value;
    size_t bytes;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &bytes) == 0; i++) {
        mr_headers_add(out, mr_span_of(name), (mr_span){value, bytes});
    }
    mr_headers_end(out);
    return true;
}

const mr_consume_type mr_consume_librdkafka = {
    .name = "librdkafka",
    .close = rd_close,
    .refresh = rd_refresh,
    .bounds = rd_bounds,
    .at_time = rd_at_time,
    .start = rd_start,
    .stop = rd_stop,
    .poll = rd_poll,
    .wait = rd_wait,
    .down = rd_down,
    .commit = rd_commit,
};

mr_code mr_consume_librdkafka_open(const mr_consume_options *options, mr_consume **ret, mr_cx *cx) {
    consume_rd *consume = mr_heap_alloc(sizeof(*consume));
    consume->base.type = &mr_consume_librdkafka;
    mr_mutex_init(&consume->mutex);
    mr_condition_init(&consume->arrived);
    mr_mutex_init(&consume->waker_mutex);
    mr_condition_init(&consume->wake);
    consume->topic_name = mr_heap_string(options->topic);
    consume->group = mr_heap_string(options->group);
    mr_code code = reach(consume, options, cx);
    if (code != MR_OK) {
        rd_close(&consume->base);
        return code;
    }
    *ret = &consume->base;
    return MR_OK;
}
