// Writer: see writer.h.

#include "kafka/writer.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "codec/kafka_error.h"
#include "codec/record_batch.h"
#include "kafka/writer_batch.h"

#define FLIGHT_MAX    5  // Requests on their way to a broker: as many as it knows batches again.
#define REQUEST_BYTES ((size_t)1 << 20)
#define AGAIN_US      ((int64_t)50000)
#define PRODUCE_MAX   11  // Topics by their names, and no transactions.
#define INIT_MAX      4
#define NO_TIMEOUT_MS INT32_MAX

const mr_writer_options mr_writer_defaults = {
    .acks = -1,
    .idempotent = true,
    .batch_bytes = (uint64_t)256 << 10,
    .linger_us = 5000,
    .request_timeout_us = 30 * MR_SECOND_US,
    .delivery_timeout_us = 120 * MR_SECOND_US,
};

typedef struct writer_partition {
    mr_text records;  // Of the batch being filled; heap.
    uint32_t count;
    int64_t base_ms;
    int64_t max_ms;
    int64_t begun_us;
    int32_t sequence;  // Of the next batch.
    bool picked;       // For the request that is being made.
    bool first_away;   // Its first batch is unacknowledged: the broker would take any for it.
} writer_partition;

// A request that is not answered.
typedef struct writer_flight {
    int32_t correlation;
    writer_list batches;
} writer_flight;

typedef struct writer_node {
    int32_t node;
    writer_flight flights[FLIGHT_MAX];  // The oldest first.
    uint32_t flight_count;
} writer_node;

struct mr_writer {
    mr_control *control;
    mr_writer_options options;
    mr_control_topic topic;
    mr_arena topic_arena;  // Behind topic.
    mr_arena call_arena;   // Of one request or answer.
    char *name;
    writer_partition *partitions;
    uint32_t partition_count;
    uint32_t sticky;
    writer_list ready;
    writer_list failed;  // To be sent again; in order for each partition.
    int16_t failed_error;
    writer_node *nodes;
    uint32_t node_count;
    int64_t producer_id;
    int16_t producer_epoch;
    uint64_t acknowledged;
};

// ---- open ------------------------------------------------------------------------------------

// Takes the cluster's word on leaders and the number of partitions, which may have grown.
static mr_code find_leaders(mr_writer *w, mr_cx *cx) {
    mr_arena *outer = cx->arena;
    mr_arena_clear(&w->topic_arena);
    cx->arena = &w->topic_arena;
    mr_code code = mr_control_topic_find(w->control, w->name, &w->topic, cx);
    cx->arena = outer;
    MR_TRY(code);
    uint32_t count = (uint32_t)w->topic.partition_count;
    if (count > w->partition_count) {
        w->partitions = mr_heap_resize(w->partitions, sizeof(*w->partitions) * count);
        for (uint32_t p = w->partition_count; p < count; p++) {
            w->partitions[p] = (writer_partition){0};
            mr_text_init(&w->partitions[p].records, NULL);
        }
        w->partition_count = count;
    }
    return count > 0 ? MR_OK
                     : mr_fail(cx, MR_E_IO, NULL, "topic \"%s\" has no partitions", w->name);
}

static mr_code take_producer_id(mr_writer *w, mr_cx *cx) {
    mr_wire_init_producer_id_request request;
    mr_wire_clear(&mr_schema_init_producer_id_request, &request);
    request.transaction_timeout_ms = NO_TIMEOUT_MS;
    mr_wire_init_producer_id_response response;
    mr_link_call call = {MR_KEY_init_producer_id, INIT_MAX, &request, &response};
    int64_t deadline_us = mr_control_deadline(w->control, cx);
    do {
        MR_TRY(mr_control_ask(w->control, w->control->cluster.brokers[0]->node, &call, cx));
    } while (mr_control_again(response.error_code, deadline_us, cx));
    w->producer_id = response.producer_id;
    w->producer_epoch = response.producer_epoch;
    return response.error_code == 0 ? MR_OK
                                    : mr_control_failed(response.error_code, (mr_span){0},
                                                        "cannot get a producer id", cx);
}

mr_code mr_writer_open(mr_control *control, const mr_writer_options *options, mr_writer **ret,
                       mr_cx *cx) {
    mr_writer *w = mr_heap_alloc(sizeof(*w));
    w->control = control;
    w->options = *options;
    w->producer_id = -1;
    w->producer_epoch = -1;
    w->name = mr_heap_string(options->topic);
    mr_code code = find_leaders(w, cx);
    if (code == MR_OK && options->idempotent) {
        code = take_producer_id(w, cx);
    }
    if (code != MR_OK) {
        mr_writer_close(w);
        return code;
    }
    w->sticky = (uint32_t)(mr_random_u64(cx->plat) % w->partition_count);
    *ret = w;
    return MR_OK;
}

void mr_writer_close(mr_writer *writer) {
    if (writer == NULL) {
        return;
    }
    list_free(&writer->ready);
    list_free(&writer->failed);
    for (uint32_t n = 0; n < writer->node_count; n++) {
        for (uint32_t f = 0; f < writer->nodes[n].flight_count; f++) {
            list_free(&writer->nodes[n].flights[f].batches);
        }
    }
    for (uint32_t p = 0; p < writer->partition_count; p++) {
        mr_text_release(&writer->partitions[p].records);
    }
    mr_arena_release(&writer->topic_arena);
    mr_arena_release(&writer->call_arena);
    mr_heap_free(writer->partitions);
    mr_heap_free(writer->nodes);
    mr_heap_free(writer->name);
    mr_heap_free(writer);
}

uint32_t mr_writer_partitions(const mr_writer *writer) {
    return writer->partition_count;
}

uint64_t mr_writer_acknowledged(const mr_writer *writer) {
    return writer->acknowledged;
}

// ---- sending ---------------------------------------------------------------------------------

static writer_node *node_of(mr_writer *w, int32_t node) {
    for (uint32_t n = 0; n < w->node_count; n++) {
        if (w->nodes[n].node == node) {
            return &w->nodes[n];
        }
    }
    w->nodes = mr_heap_resize(w->nodes, sizeof(*w->nodes) * (w->node_count + 1));
    w->nodes[w->node_count] = (writer_node){.node = node};
    return &w->nodes[w->node_count++];
}

static void batches_failed(mr_writer *w, writer_list *batches, int16_t error) {
    for (writer_batch *batch = list_pop(batches); batch != NULL; batch = list_pop(batches)) {
        list_push(&w->failed, batch);
    }
    w->failed_error = error;
}

static mr_wire_produce_request request_of(mr_writer *w, const writer_list *batches,
                                          mr_wire_produce_topic *topic, mr_cx *cx) {
    uint32_t count = 0;
    for (const writer_batch *batch = batches->first; batch != NULL; batch = batch->next) {
        count++;
    }
    *topic = (mr_wire_produce_topic){.name = mr_span_of(w->name)};
    topic->partition_data = MR_NEW_ARRAY(cx->arena, mr_wire_produce_partition, count);
    for (const writer_batch *batch = batches->first; batch != NULL; batch = batch->next) {
        topic->partition_data[topic->partition_data_count++] = (mr_wire_produce_partition){
            .index = (int32_t)batch->partition, .records = mr_text_span(&batch->bytes)};
    }
    return (mr_wire_produce_request){
        .acks = w->options.acks,
        .timeout_ms = (int32_t)MR_MIN(w->options.request_timeout_us / 1000, (int64_t)INT32_MAX),
        .topic_data = topic,
        .topic_data_count = 1,
    };
}

static bool is_passing(mr_code code) {
    return code == MR_E_NETWORK || code == MR_E_TIMEOUT;
}

// The link broke: nobody knows what became of all that was on its way.
static void node_lost(mr_writer *w, writer_node *node, mr_cx *cx) {
    for (uint32_t f = 0; f < node->flight_count; f++) {
        batches_failed(w, &node->flights[f].batches, MR_KAFKA_REQUEST_TIMED_OUT);
    }
    node->flight_count = 0;
    mr_link *link;
    if (mr_cluster_link(&w->control->cluster, node->node, 0, &link, cx) == MR_OK) {
        mr_link_close(link, cx->plat);
    }
}

static mr_socket_limit limit_of(const mr_writer *w, mr_cx *cx) {
    return (mr_socket_limit){.deadline_us =
                                 mr_clock_monotonic_us(cx->plat) + w->options.request_timeout_us};
}

// Sends batches of one broker, which are taken over. What does not get there is in `failed`.
static mr_code send_batches(mr_writer *w, writer_node *node, writer_list *batches, mr_cx *cx) {
    mr_arena *outer = cx->arena;
    mr_arena_clear(&w->call_arena);
    cx->arena = &w->call_arena;
    mr_wire_produce_topic topic;
    mr_wire_produce_request request = request_of(w, batches, &topic, cx);
    mr_link_call call = {MR_KEY_produce, PRODUCE_MAX, &request, NULL};
    mr_socket_limit limit = limit_of(w, cx);
    mr_link *link;
    mr_code code = mr_cluster_link(&w->control->cluster, node->node, limit.deadline_us, &link, cx);
    code = code == MR_OK ? mr_link_send(link, &call, &limit, cx) : code;
    cx->arena = outer;
    if (is_passing(code)) {
        node_lost(w, node, cx);
        batches_failed(w, batches, MR_KAFKA_REQUEST_TIMED_OUT);
        return MR_OK;
    }
    if (code == MR_OK && w->options.acks != 0) {
        node->flights[node->flight_count++] = (writer_flight){link->correlation, *batches};
        return MR_OK;
    }
    for (const writer_batch *batch = batches->first; code == MR_OK && batch != NULL;
         batch = batch->next) {
        w->acknowledged += batch->count;
    }
    list_free(batches);
    return code;
}

// ---- answers ---------------------------------------------------------------------------------

static bool may_pass(int16_t error) {
    switch (error) {
    case MR_KAFKA_CORRUPT_MESSAGE:
    case MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION:
    case MR_KAFKA_LEADER_NOT_AVAILABLE:
    case MR_KAFKA_NOT_LEADER_OR_FOLLOWER:
    case MR_KAFKA_REQUEST_TIMED_OUT:
    case MR_KAFKA_KAFKA_STORAGE_ERROR:
    case MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER:  // One before it failed.
    case 19:                                     // NOT_ENOUGH_REPLICAS, and after append.
    case 20: return true;
    default: return false;
    }
}

static mr_code refused(const mr_writer *w, const writer_batch *batch, int16_t error,
                       mr_span message, mr_cx *cx) {
    mr_span words = message.bytes > 0 ? message : mr_span_of(mr_kafka_error_text(error));
    const char *hint = NULL;
    if (error == MR_KAFKA_MESSAGE_TOO_LARGE) {
        hint = "Raise the topic's config max.message.bytes, or send smaller batches.";
    } else if (error == MR_KAFKA_INVALID_RECORD) {
        hint = "A compacted topic takes no record without a key.";
    }
    return mr_fail(cx, MR_E_VALUE, hint, "topic \"%s\", partition %u: %.*s (%s)", w->name,
                   batch->partition, MR_SPAN_ARGS(words), mr_kafka_error_name(error));
}

static mr_code take_done(mr_writer *w, writer_list *batches, const mr_wire_produce_response *got,
                         mr_cx *cx) {
    mr_code code = MR_OK;
    for (writer_batch *batch = list_pop(batches); batch != NULL; batch = list_pop(batches)) {
        int16_t error = MR_KAFKA_UNKNOWN_SERVER_ERROR;
        mr_span message = {0};
        for (int32_t t = 0; t < got->responses_count; t++) {
            for (int32_t p = 0; p < got->responses[t].partition_responses_count; p++) {
                const mr_wire_produce_done *done = &got->responses[t].partition_responses[p];
                if (done->index == (int32_t)batch->partition) {
                    error = done->error_code;
                    message = done->record_errors_count > 0
                                  ? done->record_errors[0].batch_index_error_message
                                  : done->error_message;
                }
            }
        }
        if (error == MR_KAFKA_NONE || error == MR_KAFKA_DUPLICATE_SEQUENCE_NUMBER) {
            w->acknowledged += batch->count;
            w->partitions[batch->partition].first_away &= batch->sequence != 0;
        } else if (may_pass(error)) {
            list_push(&w->failed, batch);
            w->failed_error = error;
            continue;
        } else if (code == MR_OK) {
            code = refused(w, batch, error, message, cx);
        }
        batch_free(batch);
    }
    return code;
}

// Waits for the answer to the oldest request to a broker.
static mr_code receive_oldest(mr_writer *w, writer_node *node, mr_cx *cx) {
    mr_arena *outer = cx->arena;
    mr_arena_clear(&w->call_arena);
    cx->arena = &w->call_arena;
    mr_wire_produce_response response;
    mr_link_call call = {MR_KEY_produce, PRODUCE_MAX, NULL, &response};
    mr_socket_limit limit = limit_of(w, cx);
    size_t bytes = 0;
    mr_link *link;
    mr_code code = mr_cluster_link(&w->control->cluster, node->node, limit.deadline_us, &link, cx);
    code = code == MR_OK ? mr_link_receive_length(link, &limit, &bytes, cx) : code;
    if (code == MR_OK) {
        char *frame = mr_arena_raw(cx->arena, bytes);
        code = mr_socket_receive(&link->socket, frame, bytes, &limit, cx);
        code = code == MR_OK ? mr_link_decode_of(link, &call, node->flights[0].correlation,
                                                 (mr_span){frame, bytes}, cx)
                             : code;
    }
    if (code == MR_OK) {
        writer_list batches = node->flights[0].batches;
        node->flight_count--;
        memmove(&node->flights[0], &node->flights[1], sizeof(writer_flight) * node->flight_count);
        code = take_done(w, &batches, &response, cx);
    } else if (is_passing(code)) {
        node_lost(w, node, cx);
        code = MR_OK;
    }
    cx->arena = outer;
    return code;
}

static mr_code drain(mr_writer *w, mr_cx *cx) {
    for (uint32_t n = 0; n < w->node_count; n++) {
        while (w->nodes[n].flight_count > 0) {
            MR_TRY(receive_oldest(w, &w->nodes[n], cx));
        }
    }
    return MR_OK;
}

// ---- again -----------------------------------------------------------------------------------

// Nothing is on its way: takes the batches of each partition into the order of their making.
static void sort_failed(mr_writer *w) {
    writer_list sorted = {0};
    for (writer_batch *batch = list_pop(&w->failed); batch != NULL; batch = list_pop(&w->failed)) {
        writer_batch **at = &sorted.first;
        while (*at != NULL && (*at)->made_us <= batch->made_us) {
            at = &(*at)->next;
        }
        batch->next = *at;
        *at = batch;
        sorted.last = batch->next == NULL ? batch : sorted.last;
        sorted.bytes += batch->bytes.bytes;
    }
    w->failed = sorted;
}

// Sends what failed once more, one batch at a time, until all is there or time is up.
static mr_code send_again(mr_writer *w, mr_cx *cx) {
    MR_TRY(drain(w, cx));
    sort_failed(w);
    writer_list batches = w->failed;
    w->failed = (writer_list){0};
    mr_code code = MR_OK;
    for (writer_batch *batch = list_pop(&batches); batch != NULL && code == MR_OK;
         batch = batch == NULL ? list_pop(&batches) : batch) {
        int16_t error = w->failed_error;
        if (mr_clock_monotonic_us(cx->plat) > batch->made_us + w->options.delivery_timeout_us ||
            mr_cx_cancelled(cx)) {
            code = mr_fail(cx, MR_E_TIMEOUT, NULL,
                           "topic \"%s\", partition %u: not acknowledged in time: %s", w->name,
                           batch->partition, mr_kafka_error_text(error));
            batch_free(batch);
            break;
        }
        mr_code looked = find_leaders(w, cx);
        int32_t leader =
            looked == MR_OK ? w->topic.partitions[batch->partition].leader : MR_CLUSTER_NOBODY;
        if (looked != MR_OK && !is_passing(looked)) {
            batch_free(batch);
            code = looked;
            break;
        }
        if (leader != MR_CLUSTER_NOBODY) {
            writer_list one = {0};
            list_push(&one, batch);
            writer_node *node = node_of(w, leader);
            code = send_batches(w, node, &one, cx);
            if (code == MR_OK && node->flight_count > 0) {
                code = receive_oldest(w, node, cx);
            }
            batch = list_pop(&w->failed);  // It may have come back.
        }
        if (batch != NULL) {
            mr_clock_sleep_us(cx->plat, AGAIN_US);
        }
    }
    list_free(&batches);
    return code;
}

// ---- batches ---------------------------------------------------------------------------------

// Makes a batch of what a partition has.
static mr_code seal(mr_writer *w, uint32_t number, mr_cx *cx) {
    writer_partition *p = &w->partitions[number];
    if (p->count == 0) {
        return MR_OK;
    }
    writer_batch *batch = mr_heap_alloc(sizeof(*batch));
    mr_text_init(&batch->bytes, NULL);
    batch->partition = number;
    batch->count = p->count;
    batch->sequence = p->sequence;
    batch->made_us = mr_clock_monotonic_us(cx->plat);
    mr_record_batch head = {
        .last_offset = p->count - 1,
        .leader_epoch = -1,
        .base_timestamp_ms = p->base_ms,
        .max_timestamp_ms = p->max_ms,
        .producer_id = w->producer_id,
        .producer_epoch = w->producer_epoch,
        .base_sequence = w->producer_id < 0 ? -1 : p->sequence,
        .record_count = p->count,
        .compression = w->options.compression,
    };
    mr_code code = mr_record_batch_add(&head, mr_text_span(&p->records), &batch->bytes, cx);
    if (code != MR_OK) {
        batch_free(batch);
        return code;
    }
    p->sequence = (int32_t)(((uint32_t)p->sequence + p->count) & INT32_MAX);
    mr_text_clear(&p->records);
    p->count = 0;
    list_push(&w->ready, batch);
    if (number == w->sticky) {
        w->sticky = (w->sticky + 1) % w->partition_count;
    }
    return MR_OK;
}

// Takes the oldest ready batches for one broker that may go together; none when all must wait.
static writer_list pick(mr_writer *w, int32_t leader) {
    writer_list picked = {0};
    writer_list rest = {0};
    for (writer_batch *batch = list_pop(&w->ready); batch != NULL; batch = list_pop(&w->ready)) {
        writer_partition *p = &w->partitions[batch->partition];
        bool fits = picked.first == NULL || picked.bytes + batch->bytes.bytes <= REQUEST_BYTES;
        bool may = !p->picked && !p->first_away;
        if (fits && may && w->topic.partitions[batch->partition].leader == leader) {
            p->first_away = batch->sequence == 0 && w->producer_id >= 0;
            list_push(&picked, batch);
        } else {
            list_push(&rest, batch);
        }
        p->picked = true;  // Those behind it must not overtake it.
    }
    for (const writer_batch *b = picked.first; b != NULL; b = b->next) {
        w->partitions[b->partition].picked = false;
    }
    for (const writer_batch *b = rest.first; b != NULL; b = b->next) {
        w->partitions[b->partition].picked = false;
    }
    w->ready = rest;
    return picked;
}

// Sends what is ready; waits for answers only when too much is on its way.
static mr_code pump(mr_writer *w, mr_cx *cx) {
    while (w->ready.first != NULL || w->failed.first != NULL) {
        if (w->failed.first != NULL) {
            MR_TRY(send_again(w, cx));
            continue;
        }
        int32_t leader = w->topic.partitions[w->ready.first->partition].leader;
        if (leader == MR_CLUSTER_NOBODY) {
            list_push(&w->failed, list_pop(&w->ready));
            w->failed_error = MR_KAFKA_LEADER_NOT_AVAILABLE;
            continue;
        }
        writer_node *node = node_of(w, leader);
        if (node->flight_count == FLIGHT_MAX) {
            MR_TRY(receive_oldest(w, node, cx));
            continue;
        }
        writer_list picked = pick(w, leader);
        MR_TRY(picked.first == NULL ? drain(w, cx) : send_batches(w, node, &picked, cx));
    }
    return MR_OK;
}

mr_code mr_writer_add(mr_writer *writer, const mr_writer_record *record, mr_cx *cx) {
    mr_writer *w = writer;
    uint32_t number = (uint32_t)record->partition;
    if (record->partition < 0) {
        number = record->key.data == NULL
                     ? w->sticky
                     : (mr_hash_murmur2(record->key.data, record->key.bytes) & INT32_MAX) %
                           w->partition_count;
    } else if (number >= w->partition_count) {
        return mr_fail(cx, MR_E_VALUE, NULL, "topic \"%s\" has no partition %u", w->name, number);
    }
    writer_partition *p = &w->partitions[number];
    size_t bytes = record->key.bytes + record->value.bytes;
    if (p->count > 0 && p->records.bytes + bytes > w->options.batch_bytes) {
        MR_TRY(seal(w, number, cx));
        MR_TRY(pump(w, cx));
    }
    if (p->count == 0) {
        p->base_ms = record->timestamp_ms;
        p->max_ms = record->timestamp_ms;
        p->begun_us = mr_clock_monotonic_us(cx->plat);
    }
    p->max_ms = MR_MAX(p->max_ms, record->timestamp_ms);
    mr_record_header headers[MR_WRITER_HEADERS_MAX];
    for (uint32_t i = 0; i < record->header_count; i++) {
        headers[i] = (mr_record_header){record->headers[i].key, record->headers[i].value};
    }
    mr_record_new row = {.offset_delta = p->count,
                         .timestamp_delta = record->timestamp_ms - p->base_ms,
                         .key = record->key,
                         .value = record->value,
                         .headers = headers,
                         .header_count = record->header_count};
    mr_record_add(&row, &p->records);
    p->count++;
    return MR_OK;
}

mr_code mr_writer_turn(mr_writer *writer, int64_t *ret_us, mr_cx *cx) {
    int64_t now_us = mr_clock_monotonic_us(cx->plat);
    *ret_us = INT64_MAX;
    for (uint32_t i = 0; i < writer->partition_count; i++) {
        const writer_partition *p = &writer->partitions[i];
        int64_t due_us = p->begun_us + writer->options.linger_us;
        if (p->count > 0 && due_us <= now_us) {
            MR_TRY(seal(writer, i, cx));
        } else if (p->count > 0) {
            *ret_us = MR_MIN(*ret_us, due_us - now_us);
        }
    }
    return pump(writer, cx);
}

mr_code mr_writer_flush(mr_writer *writer, mr_cx *cx) {
    for (uint32_t i = 0; i < writer->partition_count; i++) {
        MR_TRY(seal(writer, i, cx));
    }
    MR_TRY(pump(writer, cx));
    MR_TRY(drain(writer, cx));
    while (writer->failed.first != NULL) {
        MR_TRY(send_again(writer, cx));
    }
    return MR_OK;
}
