// Fetch, the caller's side: opening, starting, taking chunks; see fetch.h and fetch_state.h.

#include "kafka/fetch.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "codec/record_batch.h"
#include "kafka/admin.h"
#include "kafka/config.h"
#include "kafka/fetch_state.h"

#define FETCH_DIVIDE         8                   // A batch of so many chunks is divided.
#define FETCH_QUEUE_ANSWERS  2                   // What a partition's queue holds at most.
#define FETCH_COMMIT_WAIT_US ((int64_t)2000000)  // How long closing waits for the last one.
#define FETCH_PREFIX         "kafka."

// ---- configuration ---------------------------------------------------------------------------

// What the native client follows, or what has no meaning for it. The rest needs librdkafka.
static const char *const known_properties[] = {
    "bootstrap.servers",
    "metadata.broker.list",
    "client.id",
    "fetch.wait.max.ms",
    "fetch.min.bytes",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "max.partition.fetch.bytes",
    "queued.max.messages.kbytes",
    "queued.min.messages",
    "socket.timeout.ms",
    "socket.keepalive.enable",
    "socket.nagle.disable",
    "reconnect.backoff.ms",
    "reconnect.backoff.max.ms",
    "isolation.level",
    "check.crcs",
};

bool mr_fetch_can(const mr_option_values *values, const char **ret_property) {
    for (size_t i = 0; values != NULL && i < values->count; i++) {
        const char *name = values->items[i].name;
        if (strncmp(name, FETCH_PREFIX, strlen(FETCH_PREFIX)) != 0) {
            continue;
        }
        name += strlen(FETCH_PREFIX);
        bool known = strcmp(name, "security.protocol") == 0 &&
                     mr_span_equal_nocase(mr_span_of(values->items[i].value), MR_SPAN("plaintext"));
        for (size_t k = 0; k < MR_COUNT(known_properties); k++) {
            known = known || strcmp(name, known_properties[k]) == 0;
        }
        if (!known) {
            *ret_property = name;
            return false;
        }
    }
    return true;
}

static char *conf_text(rd_kafka_conf_t *conf, const char *name) {
    char text[4096];
    size_t bytes = sizeof(text);
    return rd_kafka_conf_get(conf, name, text, &bytes) == RD_KAFKA_CONF_OK ? mr_heap_string(text)
                                                                           : NULL;
}

static int64_t conf_int(rd_kafka_conf_t *conf, const char *name) {
    char text[32];
    size_t bytes = sizeof(text);
    int64_t value = 0;
    if (rd_kafka_conf_get(conf, name, text, &bytes) == RD_KAFKA_CONF_OK) {
        (void)mr_text_parse_int64(mr_span_of(text), &value);
    }
    return value;
}

static void on_error(rd_kafka_t *client, int error, const char *reason, void *self) {
    (void)client;
    (void)error;
    (void)reason;
    (void)self;
}

// librdkafka checks names and values and knows the defaults, so both clients are set alike.
static mr_code take_config(mr_fetch *fetch, const mr_consume_options *options, mr_cx *cx) {
    mr_config_options wanted = {
        .bootstrap_servers = options->bootstrap_servers,
        .values = options->values,
        .on_error = on_error,
    };
    rd_kafka_conf_t *conf;
    MR_TRY(mr_config_make(&wanted, &conf, cx));
    fetch_config *c = &fetch->config;
    c->servers = conf_text(conf, "bootstrap.servers");
    c->client_id = conf_text(conf, "client.id");
    c->wait_ms = (int32_t)conf_int(conf, "fetch.wait.max.ms");
    c->min_bytes = (int32_t)conf_int(conf, "fetch.min.bytes");
    c->max_bytes = (int32_t)conf_int(conf, "fetch.max.bytes");
    c->partition_max_bytes = (int32_t)conf_int(conf, "fetch.message.max.bytes");
    uint64_t queue_bytes = (uint64_t)conf_int(conf, "queued.max.messages.kbytes") * 1024;
    c->queue_bytes = MR_MIN(queue_bytes, (uint64_t)c->partition_max_bytes * FETCH_QUEUE_ANSWERS);
    c->timeout_us = conf_int(conf, "socket.timeout.ms") * 1000;
    c->backoff_us = MR_MAX(conf_int(conf, "reconnect.backoff.ms"), 10) * 1000;
    c->backoff_us_max = MR_MAX(conf_int(conf, "reconnect.backoff.max.ms") * 1000, c->backoff_us);
    char *isolation = conf_text(conf, "isolation.level");
    c->isolation = isolation != NULL && strcmp(isolation, "read_uncommitted") == 0 ? 0 : 1;
    mr_heap_free(isolation);
    rd_kafka_conf_destroy(conf);
    if (c->servers == NULL) {
        return mr_fail(cx, MR_E_OPTION, "Give the server option bootstrap_servers.",
                       "no address of a Kafka cluster for topic \"%s\"", options->topic);
    }
    return MR_OK;
}

// ---- partitions ------------------------------------------------------------------------------

void mr_fetch_tell(mr_fetch *fetch) {
    fetch->ready = true;
    mr_condition_broadcast(&fetch->arrived);
}

void mr_fetch_spoil(fetch_partition *partition, mr_code code, const char *text) {
    partition->code = code;
    size_t bytes = MR_MIN(strlen(text), sizeof(partition->text) - 1);
    memcpy(partition->text, text, bytes);
    partition->text[bytes] = '\0';
}

void mr_fetch_widen(mr_fetch *fetch) {
    uint32_t count = fetch->cluster.partition_count;
    uint32_t before = fetch->base.partition_count;
    if (count <= before) {
        return;
    }
    fetch->partitions = mr_heap_resize(fetch->partitions, sizeof(*fetch->partitions) * count);
    for (uint32_t p = before; p < count; p++) {
        fetch->partitions[p] = mr_heap_alloc(sizeof(fetch_partition));
        fetch->partitions[p]->leader = MR_CLUSTER_NOBODY;
        fetch->partitions[p]->stable = -1;
    }
    fetch->base.partition_count = count;
}

static fetch_broker *find_broker(mr_fetch *fetch, int32_t node) {
    for (uint32_t i = 0; i < fetch->broker_count; i++) {
        if (fetch->brokers[i]->node == node) {
            return fetch->brokers[i];
        }
    }
    return NULL;
}

static mr_code add_broker(mr_fetch *fetch, int32_t node, fetch_broker **ret, mr_cx *cx) {
    fetch_broker *broker = mr_heap_alloc(sizeof(*broker));
    broker->fetch = fetch;
    broker->node = node;
    mr_condition_init(&broker->work);
    fetch->brokers =
        mr_heap_resize(fetch->brokers, sizeof(*fetch->brokers) * (fetch->broker_count + (size_t)1));
    fetch->brokers[fetch->broker_count++] = broker;
    *ret = broker;
    return mr_thread_start(&broker->thread, "kafka fetch", mr_fetch_broker_run, broker, cx);
}

mr_code mr_fetch_lead(mr_fetch *fetch, mr_cx *cx) {
    const mr_cluster *cluster = &fetch->cluster;
    uint32_t count = MR_MIN(cluster->partition_count, fetch->base.partition_count);
    for (uint32_t p = 0; p < count; p++) {
        const mr_cluster_broker *known = mr_cluster_find(cluster, cluster->leaders[p]);
        fetch->partitions[p]->leader = known == NULL ? MR_CLUSTER_NOBODY : known->node;
        if (known == NULL) {
            continue;
        }
        fetch_broker *broker = find_broker(fetch, known->node);
        if (broker == NULL) {
            MR_TRY(add_broker(fetch, known->node, &broker, cx));
        }
        broker->address = known->address;
    }
    for (uint32_t i = 0; i < fetch->broker_count; i++) {
        mr_condition_signal(&fetch->brokers[i]->work);
    }
    return MR_OK;
}

// Under the mutex.
static void drop_queue(mr_fetch *fetch, fetch_partition *p) {
    while (p->first != NULL) {
        mr_fetch_chunk *chunk = p->first;
        p->first = chunk->next;
        mr_fetch_chunk_free(chunk);
    }
    p->last = NULL;
    fetch->queued_bytes -= p->queued_bytes;
    p->queued_bytes = 0;
}

// Under the mutex.
static void wake_leader(mr_fetch *fetch, const fetch_partition *p) {
    fetch_broker *broker = find_broker(fetch, p->leader);
    if (broker != NULL) {
        mr_condition_signal(&broker->work);
    }
}

static mr_code fetch_start(mr_consume *base, uint32_t partition, int64_t offset, mr_cx *cx) {
    (void)cx;
    mr_fetch *fetch = (mr_fetch *)base;
    mr_assert(offset >= 0);
    mr_mutex_lock(&fetch->mutex);
    fetch_partition *p = fetch->partitions[partition];
    drop_queue(fetch, p);
    p->started = true;
    p->generation++;
    p->next = offset;
    p->stable = -1;
    p->code = MR_OK;
    p->gone = false;
    p->retry_us = 0;
    wake_leader(fetch, p);
    mr_mutex_unlock(&fetch->mutex);
    return MR_OK;
}

static void fetch_stop(mr_consume *base, uint32_t partition) {
    mr_fetch *fetch = (mr_fetch *)base;
    mr_mutex_lock(&fetch->mutex);
    fetch_partition *p = fetch->partitions[partition];
    p->started = false;
    p->generation++;
    drop_queue(fetch, p);
    mr_mutex_unlock(&fetch->mutex);
}

// ---- taking ----------------------------------------------------------------------------------

void mr_fetch_chunk_free(mr_fetch_chunk *chunk) {
    if (chunk->buffer != NULL) {
        mr_fetch_buffer_unref(chunk->buffer);
    }
    if (chunk->later.slice.held != NULL) {
        chunk->later.embedded->type->release(&chunk->later.slice);
    }
    mr_heap_free(chunk);
}

static mr_record_batch batch_at(const mr_fetch_chunk *chunk, uint32_t i) {
    mr_span in = {chunk->data + chunk->batches[i].at, chunk->batches[i].bytes};
    mr_record_batch batch;
    bool found;
    mr_arena unused = {0};
    mr_cx cx;
    mr_cx_init(&cx, &unused, NULL);
    mr_code code = mr_record_batch_next(&in, &batch, &found, &cx);
    mr_assert(code == MR_OK && found);  // It was read before.
    return batch;
}

// A chunk of the first `count` batches of another, which keeps the rest, from batch `rest` on.
static mr_fetch_chunk *split(mr_fetch_chunk *chunk, uint32_t count, uint32_t rest, int64_t at) {
    size_t bytes = sizeof(mr_fetch_range) * count;
    mr_fetch_chunk *head = mr_heap_raw(sizeof(*head) + bytes);
    *head = *chunk;
    head->next = NULL;
    head->to = at;
    head->batch_count = count;
    memcpy(head->batches, chunk->batches, bytes);
    mr_fetch_buffer_ref(chunk->buffer);
    head->bytes = 0;
    head->rows = 0;
    for (uint32_t i = 0; i < count; i++) {
        head->bytes += chunk->batches[i].bytes;
        head->rows += chunk->batches[i].rows;
    }
    for (uint32_t i = 0; i < rest; i++) {
        chunk->bytes -= chunk->batches[i].bytes;
        chunk->rows -= chunk->batches[i].rows;
    }
    chunk->from = at;
    chunk->batch_count -= rest;
    memmove(chunk->batches, chunk->batches + rest, sizeof(mr_fetch_range) * chunk->batch_count);
    return head;
}

// What may be taken of the first chunk of a queue: the chunk itself, or a part of it.
static mr_fetch_chunk *part_of(mr_fetch_chunk *chunk, const mr_fetch_wish *wish) {
    uint64_t divided = wish->chunk_bytes * FETCH_DIVIDE;
    bool small = chunk->bytes <= (chunk->batch_count == 1 ? divided : wish->chunk_bytes);
    if (chunk->rows <= wish->rows_max && chunk->to <= wish->end && small) {
        return chunk;
    }
    uint32_t count = 0;
    uint64_t rows = 0;
    uint64_t bytes = 0;
    int64_t at = chunk->from;
    while (count < chunk->batch_count) {
        mr_record_batch batch = batch_at(chunk, count);
        rows += batch.record_count;
        bytes += batch.byte_count;
        if (rows > wish->rows_max || batch.last_offset >= wish->end || batch.byte_count > divided ||
            (count > 0 && bytes > wish->chunk_bytes)) {
            break;
        }
        at = batch.last_offset + 1;
        count++;
    }
    if (count == chunk->batch_count) {
        return chunk;
    }
    if (count > 0) {
        return split(chunk, count, count, at);
    }
    // A part of one batch: so many offsets as records are allowed, since none has two records.
    mr_record_batch batch = batch_at(chunk, 0);
    uint64_t most = MR_MIN(wish->rows_max, (uint64_t)batch.record_count);
    if (batch.byte_count > divided) {
        most = MR_MIN(most, wish->chunk_bytes * batch.record_count / batch.byte_count + 1);
    }
    int64_t end = MR_MIN(wish->end, batch.last_offset + 1);
    int64_t to = (uint64_t)(end - chunk->from) <= most ? end : chunk->from + (int64_t)most;
    chunk->shared = true;
    mr_fetch_chunk *part = split(chunk, 1, to > batch.last_offset ? 1 : 0, to);
    part->rows = MR_MIN((uint64_t)(to - part->from), (uint64_t)batch.record_count);
    return part;
}

// Under the mutex.
static mr_fetch_chunk *pop(mr_fetch *fetch, fetch_partition *p, const mr_fetch_wish *wish) {
    mr_fetch_chunk *chunk = p->first;
    if (chunk == NULL || chunk->from >= wish->end || wish->rows_max == 0) {
        return NULL;
    }
    uint64_t before = chunk->bytes;
    mr_fetch_chunk *part = part_of(chunk, wish);
    if (part == chunk || chunk->batch_count == 0) {
        p->first = chunk->next;
        p->last = p->first == NULL ? NULL : p->last;
    }
    uint64_t gone = part == chunk ? before : before - chunk->bytes;
    if (part != chunk && chunk->batch_count == 0) {
        mr_fetch_chunk_free(chunk);
    }
    p->queued_bytes -= gone;
    fetch->queued_bytes -= gone;
    part->next = NULL;
    return part;
}

static mr_code take_failed(mr_fetch *fetch, uint32_t partition, const fetch_partition *p,
                           mr_cx *cx) {
    int64_t first = 0, next = 0;
    if (p->gone && mr_fetch_ask_bounds(&fetch->base, partition, &first, &next, cx) == MR_OK &&
        (p->next < first || p->next > next)) {
        return mr_fail(cx, MR_E_MISSING,
                       "Keep records longer, or start with --fresh and accept the loss.",
                       "topic \"%s\", partition %" PRIu32 ": offset %" PRId64
                       " is gone; available are %" PRId64 " .. %" PRId64,
                       fetch->topic, partition, p->next, first, next);
    }
    return mr_fail(cx, p->code, NULL, "topic \"%s\", partition %" PRIu32 ", offset %" PRId64 ": %s",
                   fetch->topic, partition, p->next, p->text);
}

static mr_code fetch_take(mr_consume *base, uint32_t partition, const mr_fetch_wish *wish,
                          mr_fetch_chunk **ret, mr_fetch_seen *ret_seen, mr_cx *cx) {
    mr_fetch *fetch = (mr_fetch *)base;
    mr_mutex_lock(&fetch->mutex);
    fetch_partition *p = fetch->partitions[partition];
    mr_assert(p->started);
    bool full_before = p->queued_bytes >= fetch->config.queue_bytes;
    *ret = pop(fetch, p, wish);
    *ret_seen = (mr_fetch_seen){
        .next = *ret != NULL       ? (*ret)->to
                : p->first != NULL ? p->first->from
                                   : p->next,
        .at_end = p->first == NULL && p->code == MR_OK && p->stable >= 0 && p->next >= p->stable,
    };
    if (*ret != NULL && p->first == NULL) {
        ret_seen->next = p->next;  // Only markers follow.
    }
    if (full_before && p->queued_bytes < fetch->config.queue_bytes) {
        wake_leader(fetch, p);
    }
    fetch_partition copy = *p;
    mr_mutex_unlock(&fetch->mutex);
    if (*ret == NULL && copy.first == NULL && copy.code != MR_OK) {
        return take_failed(fetch, partition, &copy, cx);  // What came before it was taken.
    }
    return MR_OK;
}

static void fetch_wait(mr_consume *base, int64_t timeout_us) {
    mr_fetch *fetch = (mr_fetch *)base;
    mr_mutex_lock(&fetch->mutex);
    if (!fetch->ready) {
        mr_condition_wait(&fetch->arrived, &fetch->mutex, timeout_us);
    }
    fetch->ready = false;
    mr_mutex_unlock(&fetch->mutex);
}

static bool fetch_down(mr_consume *base) {
    return atomic_load(&((mr_fetch *)base)->down);
}

static void fetch_commit(mr_consume *base, const int64_t *offsets, uint32_t count) {
    mr_fetch *fetch = (mr_fetch *)base;
    mr_mutex_lock(&fetch->mutex);
    fetch->commit_offsets =
        mr_heap_resize(fetch->commit_offsets, sizeof(int64_t) * MR_MAX(count, 1u));
    memcpy(fetch->commit_offsets, offsets, sizeof(int64_t) * count);
    fetch->commit_count = count;
    fetch->commit_wanted = true;
    mr_condition_signal(&fetch->ask);
    mr_mutex_unlock(&fetch->mutex);
}

// ---- opening and closing ---------------------------------------------------------------------

// The last offsets are the ones that stay to be seen.
static void wait_for_commit(mr_fetch *fetch) {
    int64_t until_us = mr_clock_monotonic_us(fetch->plat) + FETCH_COMMIT_WAIT_US;
    while ((fetch->commit_wanted || fetch->committing) && !atomic_load(&fetch->down)) {
        int64_t left_us = until_us - mr_clock_monotonic_us(fetch->plat);
        if (left_us <= 0) {
            break;
        }
        mr_condition_wait(&fetch->asked, &fetch->mutex, MR_MIN(left_us, FETCH_PAUSE_US));
    }
}

static void stop_threads(mr_fetch *fetch) {
    mr_mutex_lock(&fetch->mutex);
    if (fetch->asker.running) {
        wait_for_commit(fetch);
    }
    fetch->stopping = true;
    for (uint32_t i = 0; i < fetch->broker_count; i++) {
        mr_condition_signal(&fetch->brokers[i]->work);
    }
    mr_condition_signal(&fetch->ask);
    if (fetch->closing.handle >= 0) {
        mr_wake_signal(&fetch->closing, fetch->plat);
    }
    mr_mutex_unlock(&fetch->mutex);
    mr_thread_join(&fetch->asker);  // First: it starts others.
    for (uint32_t i = 0; i < fetch->broker_count; i++) {
        mr_thread_join(&fetch->brokers[i]->thread);
    }
}

static void fetch_close(mr_consume *base) {
    mr_fetch *fetch = (mr_fetch *)base;
    stop_threads(fetch);
    for (uint32_t i = 0; i < fetch->broker_count; i++) {
        mr_condition_release(&fetch->brokers[i]->work);
        mr_heap_free(fetch->brokers[i]);
    }
    for (uint32_t p = 0; p < base->partition_count; p++) {
        drop_queue(fetch, fetch->partitions[p]);
        mr_heap_free(fetch->partitions[p]);
    }
    mr_cluster_release(&fetch->cluster, fetch->plat);
    mr_wake_close(&fetch->closing, fetch->plat);
    mr_fetch_buffers_close(fetch->buffers);
    mr_condition_release(&fetch->arrived);
    mr_condition_release(&fetch->ask);
    mr_condition_release(&fetch->asked);
    mr_mutex_release(&fetch->mutex);
    mr_mutex_release(&fetch->ask_mutex);
    mr_heap_free(fetch->brokers);
    mr_heap_free(fetch->partitions);
    mr_heap_free(fetch->commit_offsets);
    mr_heap_free(fetch->config.servers);
    mr_heap_free(fetch->config.client_id);
    mr_heap_free(fetch->topic);
    mr_heap_free(fetch->group);
    mr_heap_free(fetch);
}

static const mr_consume_type fetch_type = {
    .name = "native",
    .close = fetch_close,
    .refresh = mr_fetch_ask_refresh,
    .bounds = mr_fetch_ask_bounds,
    .at_time = mr_fetch_ask_at_time,
    .start = fetch_start,
    .stop = fetch_stop,
    .take = fetch_take,
    .wait = fetch_wait,
    .down = fetch_down,
    .commit = fetch_commit,
};

bool mr_fetch_is(const mr_consume *consume) {
    return consume->type->take != NULL;
}

mr_code mr_fetch_take(mr_consume *consume, uint32_t partition, const mr_fetch_wish *wish,
                      mr_fetch_chunk **ret, mr_fetch_seen *ret_seen, mr_cx *cx) {
    return consume->type->take(consume, partition, wish, ret, ret_seen, cx);
}

static mr_code open_all(mr_fetch *fetch, const mr_consume_options *options, mr_cx *cx) {
    MR_TRY(take_config(fetch, options, cx));
    const char *property = NULL;
    if (!mr_fetch_can(options->values, &property)) {
        return mr_fail(cx, MR_E_OPTION, "Leave option client out, or write client 'librdkafka'.",
                       "the native client does not know Kafka property \"%s\"", property);
    }
    MR_TRY(mr_wake_open(&fetch->closing, cx));
    fetch->cluster = (mr_cluster){
        .client_id = fetch->config.client_id, .topic = fetch->topic, .wake = &fetch->closing};
    MR_TRY(mr_cluster_init(&fetch->cluster, fetch->config.servers, cx));
    MR_TRY(mr_fetch_ask_open(fetch, options, cx));
    return mr_thread_start(&fetch->asker, "kafka ask", mr_fetch_ask_run, fetch, cx);
}

mr_code mr_fetch_open(const mr_consume_options *options, mr_consume **ret, mr_cx *cx) {
    mr_fetch *fetch = mr_heap_alloc(sizeof(*fetch));
    fetch->base.type = &fetch_type;
    fetch->plat = cx->plat;
    fetch->closing.handle = -1;
    fetch->topic = mr_heap_string(options->topic);
    fetch->group = mr_heap_string(options->group);
    fetch->buffers = mr_fetch_buffers_new();
    mr_mutex_init(&fetch->mutex);
    mr_mutex_init(&fetch->ask_mutex);
    mr_condition_init(&fetch->arrived);
    mr_condition_init(&fetch->ask);
    mr_condition_init(&fetch->asked);
    mr_code code = open_all(fetch, options, cx);
    if (code != MR_OK) {
        fetch_close(&fetch->base);
        return code;
    }
    *ret = &fetch->base;
    return MR_OK;
}
