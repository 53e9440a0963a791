// Transact: see transact.h.
//
// The first version of the transaction protocol is spoken, which every broker since 0.11 knows:
// partitions are added before they are written to, and a producer keeps its epoch. Batches are sent
// one after another, each to its partition's leader.

#include "kafka/transact.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "codec/kafka_error.h"
#include "kafka/cluster.h"
#include "kafka/consume_type.h"
#include "kafka/topic.h"

#define BATCH_BYTES     ((size_t)256 << 10)  // Before compression.
#define AGAIN_US        ((int64_t)20000)
#define END_TIMEOUT_MS  900000  // So long may a transaction stay open: the most that Kafka grants.
#define V1_ADD          3       // The newest versions of the first protocol.
#define V1_PRODUCE      11
#define V1_END          4
#define V1_COMMIT       4
#define TOKEN_PARTITION 0
#define ALL_REPLICAS    ((int16_t)-1)

typedef struct transact_partition {
    mr_text records;  // Of the batch being made; heap.
    uint32_t count;
    int64_t base_ms;
    int64_t max_ms;
    int32_t sequence;  // Of the next record.
    bool added;        // To the transaction.
} transact_partition;

struct mr_transact {
    mr_plat *plat;
    mr_cluster cluster;
    char *topic;
    char *id;
    char *servers;
    mr_compression compression;
    int64_t timeout_us;
    int32_t coordinator;        // Of the transactional id …
    int32_t group_coordinator;  // … and of the group; MR_CLUSTER_NOBODY.
    int64_t producer_id;        // -1: to be asked for, which ends what an earlier one left open.
    int16_t producer_epoch;
    bool sure;  // The last publication is known to be done: no token has to be looked at.
    bool open;
    char *token;
    transact_partition *partitions;
    uint32_t partition_count;
    uint32_t turn;  // Partition for rows without key.
};

// ---- asking ----------------------------------------------------------------------------------

// One step of a transaction: asks once; *ret_error is what the broker says.
typedef mr_code transact_step(mr_transact *t, const void *argument, int16_t *ret_error, mr_cx *cx);

static bool passes(int16_t error) {
    switch (error) {
    case MR_KAFKA_COORDINATOR_LOAD_IN_PROGRESS:
    case MR_KAFKA_COORDINATOR_NOT_AVAILABLE:
    case MR_KAFKA_NOT_COORDINATOR:
    case MR_KAFKA_CONCURRENT_TRANSACTIONS:
    case MR_KAFKA_NOT_LEADER_OR_FOLLOWER:
    case MR_KAFKA_LEADER_NOT_AVAILABLE:
    case MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION:
    case MR_KAFKA_UNSTABLE_OFFSET_COMMIT:
    case MR_KAFKA_REQUEST_TIMED_OUT: return true;
    default: return false;
    }
}

static mr_code refused(const mr_transact *t, int16_t error, const char *what, mr_cx *cx) {
    bool fenced = error == MR_KAFKA_PRODUCER_FENCED || error == MR_KAFKA_INVALID_PRODUCER_EPOCH;
    if (fenced) {
        return mr_fail(cx, MR_E_LOCKED, "Is the pipeline running somewhere else as well?",
                       "another producer writes to topic \"%s\" as \"%s\"", t->topic, t->id);
    }
    const char *hint = error == MR_KAFKA_INVALID_RECORD
                           ? "A compacted topic takes no record without a key: option key names a "
                             "column that is never NULL."
                           : NULL;
    mr_code code =
        mr_fail(cx, passes(error) ? MR_E_NETWORK : MR_E_IO, hint, "topic \"%s\": cannot %s: %s",
                t->topic, what, mr_kafka_error_text(error));
    return mr_error_flag(cx, code, passes(error) ? MR_RETRY : 0);
}

// Asks until the broker agrees, or says no for good, or time is up.
static mr_code insist(mr_transact *t, transact_step *step, const void *argument, const char *what,
                      mr_cx *cx) {
    int64_t deadline_us = mr_clock_monotonic_us(t->plat) + t->timeout_us;
    for (;;) {
        int16_t error = MR_KAFKA_NONE;
        mr_code code = step(t, argument, &error, cx);
        if (code == MR_OK && error == MR_KAFKA_NONE) {
            return MR_OK;
        }
        bool again = code == MR_OK ? passes(error) : code == MR_E_NETWORK || code == MR_E_TIMEOUT;
        if (!again || mr_clock_monotonic_us(t->plat) >= deadline_us || mr_cx_cancelled(cx)) {
            return code == MR_OK ? refused(t, error, what, cx) : code;
        }
        t->coordinator = MR_CLUSTER_NOBODY;
        t->group_coordinator = MR_CLUSTER_NOBODY;
        mr_clock_sleep_us(t->plat, AGAIN_US);
        if (error != MR_KAFKA_CONCURRENT_TRANSACTIONS) {
            (void)mr_cluster_refresh(&t->cluster, deadline_us, cx);
        }
    }
}

static int64_t deadline_of(const mr_transact *t) {
    return mr_clock_monotonic_us(t->plat) + t->timeout_us;
}

// Asks the coordinator of the transactional id, or of the group.
static mr_code ask_coordinator(mr_transact *t, bool group, const mr_link_call *call,
                               int16_t *ret_error, mr_cx *cx) {
    int32_t *node = group ? &t->group_coordinator : &t->coordinator;
    if (*node == MR_CLUSTER_NOBODY) {
        mr_cluster_key key = {t->id, group ? MR_CLUSTER_GROUP : MR_CLUSTER_TRANSACTION};
        MR_TRY(mr_cluster_find_coordinator(&t->cluster, &key, deadline_of(t), node, ret_error, cx));
        if (*ret_error != MR_KAFKA_NONE) {
            return MR_OK;
        }
    }
    return mr_cluster_call(&t->cluster, *node, call, deadline_of(t), cx);
}

// ---- steps -----------------------------------------------------------------------------------

static mr_code step_init(mr_transact *t, const void *argument, int16_t *ret_error, mr_cx *cx) {
    (void)argument;
    mr_wire_init_producer_id_request request;
    mr_wire_clear(&mr_schema_init_producer_id_request, &request);
    request.transactional_id = mr_span_of(t->id);
    request.transaction_timeout_ms = END_TIMEOUT_MS;
    mr_wire_init_producer_id_response response;
    mr_wire_clear(&mr_schema_init_producer_id_response, &response);
    mr_link_call call = {MR_KEY_init_producer_id, 3, &request, &response};
    MR_TRY(ask_coordinator(t, /* group= */ false, &call, ret_error, cx));
    if (*ret_error == MR_KAFKA_NONE) {
        *ret_error = response.error_code;
        t->producer_id = response.error_code == MR_KAFKA_NONE ? response.producer_id : -1;
        t->producer_epoch = response.producer_epoch;
    }
    return MR_OK;
}

// The token of the group, in cx->arena; data NULL = none.
static mr_code step_token(mr_transact *t, const void *argument, int16_t *ret_error, mr_cx *cx) {
    mr_span *ret = *(mr_span *const *)argument;
    int32_t partition = TOKEN_PARTITION;
    mr_wire_offset_fetch_topic topic;
    mr_wire_clear(&mr_schema_offset_fetch_topic, &topic);
    topic.name = mr_span_of(t->topic);
    topic.partition_indexes = &partition;
    topic.partition_indexes_count = 1;
    mr_wire_offset_fetch_request request;
    mr_wire_clear(&mr_schema_offset_fetch_request, &request);
    request.group_id = mr_span_of(t->id);
    request.topics = &topic;
    request.topics_count = 1;
    request.require_stable = true;
    mr_wire_offset_fetch_response response;
    mr_wire_clear(&mr_schema_offset_fetch_response, &response);
    mr_link_call call = {MR_KEY_offset_fetch, 7, &request, &response};
    MR_TRY(ask_coordinator(t, /* group= */ true, &call, ret_error, cx));
    if (*ret_error != MR_KAFKA_NONE || response.error_code != MR_KAFKA_NONE) {
        *ret_error = *ret_error != MR_KAFKA_NONE ? *ret_error : response.error_code;
        return MR_OK;
    }
    *ret = (mr_span){0};
    for (int32_t i = 0; i < response.topics_count; i++) {
        for (int32_t p = 0; p < response.topics[i].partitions_count; p++) {
            *ret_error = response.topics[i].partitions[p].error_code;
            *ret = response.topics[i].partitions[p].metadata;
        }
    }
    return MR_OK;
}

static mr_code step_add(mr_transact *t, const void *argument, int16_t *ret_error, mr_cx *cx) {
    int32_t partition = *(const int32_t *)argument;
    mr_wire_add_partitions_to_txn_topic topic;
    mr_wire_clear(&mr_schema_add_partitions_to_txn_topic, &topic);
    topic.name = mr_span_of(t->topic);
    topic.partitions = &partition;
    topic.partitions_count = 1;
    mr_wire_add_partitions_to_txn_request request;
    mr_wire_clear(&mr_schema_add_partitions_to_txn_request, &request);
    request.v3_and_below_transactional_id = mr_span_of(t->id);
    request.v3_and_below_producer_id = t->producer_id;
    request.v3_and_below_producer_epoch = t->producer_epoch;
    request.v3_and_below_topics = &topic;
    request.v3_and_below_topics_count = 1;
    mr_wire_add_partitions_to_txn_response response;
    mr_wire_clear(&mr_schema_add_partitions_to_txn_response, &response);
    mr_link_call call = {MR_KEY_add_partitions_to_txn, V1_ADD, &request, &response};
    MR_TRY(ask_coordinator(t, /* group= */ false, &call, ret_error, cx));
    for (int32_t i = 0; i < response.results_by_topic_v3_and_below_count; i++) {
        const mr_wire_add_partitions_to_txn_done_topic *done =
            &response.results_by_topic_v3_and_below[i];
        for (int32_t p = 0; p < done->results_by_partition_count; p++) {
            int16_t error = done->results_by_partition[p].partition_error_code;
            *ret_error = *ret_error == MR_KAFKA_NONE ? error : *ret_error;
        }
    }
    return MR_OK;
}

typedef struct produce_argument {
    int32_t partition;
    mr_span batch;
} produce_argument;

static mr_code step_produce(mr_transact *t, const void *argument, int16_t *ret_error, mr_cx *cx) {
    const produce_argument *a = argument;
    mr_wire_produce_partition partition;
    mr_wire_clear(&mr_schema_produce_partition, &partition);
    partition.index = a->partition;
    partition.records = a->batch;
    mr_wire_produce_topic topic;
    mr_wire_clear(&mr_schema_produce_topic, &topic);
    topic.name = mr_span_of(t->topic);
    topic.partition_data = &partition;
    topic.partition_data_count = 1;
    mr_wire_produce_request request;
    mr_wire_clear(&mr_schema_produce_request, &request);
    request.transactional_id = mr_span_of(t->id);
    request.acks = ALL_REPLICAS;
    request.timeout_ms = (int32_t)(t->timeout_us / 1000);
    request.topic_data = &topic;
    request.topic_data_count = 1;
    mr_wire_produce_response response;
    mr_wire_clear(&mr_schema_produce_response, &response);
    mr_link_call call = {MR_KEY_produce, V1_PRODUCE, &request, &response};
    bool known =
        (uint32_t)a->partition < t->cluster.partition_count;  // It may have been made anew.
    int32_t leader = known ? t->cluster.leaders[a->partition] : MR_CLUSTER_NOBODY;
    MR_TRY(mr_cluster_call(&t->cluster, leader, &call, deadline_of(t), cx));
    if (response.responses_count != 1 || response.responses[0].partition_responses_count != 1) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "the answer to Produce is about something else");
    }
    *ret_error = response.responses[0].partition_responses[0].error_code;
    // The same batch again: it is there.
    *ret_error = *ret_error == MR_KAFKA_DUPLICATE_SEQUENCE_NUMBER ? MR_KAFKA_NONE : *ret_error;
    return MR_OK;
}

static mr_code step_offsets(mr_transact *t, const void *argument, int16_t *ret_error, mr_cx *cx) {
    (void)argument;
    mr_wire_add_offsets_to_txn_request request;
    mr_wire_clear(&mr_schema_add_offsets_to_txn_request, &request);
    request.transactional_id = mr_span_of(t->id);
    request.producer_id = t->producer_id;
    request.producer_epoch = t->producer_epoch;
    request.group_id = mr_span_of(t->id);
    mr_wire_add_offsets_to_txn_response response;
    mr_wire_clear(&mr_schema_add_offsets_to_txn_response, &response);
    mr_link_call call = {MR_KEY_add_offsets_to_txn, 3, &request, &response};
    MR_TRY(ask_coordinator(t, /* group= */ false, &call, ret_error, cx));
    *ret_error = *ret_error == MR_KAFKA_NONE ? response.error_code : *ret_error;
    return MR_OK;
}

static mr_code step_commit_token(mr_transact *t, const void *argument, int16_t *ret_error,
                                 mr_cx *cx) {
    (void)argument;
    mr_wire_txn_offset_commit_partition partition;
    mr_wire_clear(&mr_schema_txn_offset_commit_partition, &partition);
    partition.partition_index = TOKEN_PARTITION;
    partition.committed_metadata = mr_span_of(t->token);
    mr_wire_txn_offset_commit_topic topic = {mr_span_of(t->topic), &partition, 1};
    mr_wire_txn_offset_commit_request request;
    mr_wire_clear(&mr_schema_txn_offset_commit_request, &request);
    request.transactional_id = mr_span_of(t->id);
    request.group_id = mr_span_of(t->id);
    request.producer_id = t->producer_id;
    request.producer_epoch = t->producer_epoch;
    request.topics = &topic;
    request.topics_count = 1;
    mr_wire_txn_offset_commit_response response;
    mr_wire_clear(&mr_schema_txn_offset_commit_response, &response);
    mr_link_call call = {MR_KEY_txn_offset_commit, V1_COMMIT, &request, &response};
    MR_TRY(ask_coordinator(t, /* group= */ true, &call, ret_error, cx));
    for (int32_t i = 0; i < response.topics_count; i++) {
        for (int32_t p = 0; p < response.topics[i].partitions_count; p++) {
            int16_t error = response.topics[i].partitions[p].error_code;
            *ret_error = *ret_error == MR_KAFKA_NONE ? error : *ret_error;
        }
    }
    return MR_OK;
}

static mr_code step_end(mr_transact *t, const void *argument, int16_t *ret_error, mr_cx *cx) {
    (void)argument;
    mr_wire_end_txn_request request;
    mr_wire_clear(&mr_schema_end_txn_request, &request);
    request.transactional_id = mr_span_of(t->id);
    request.producer_id = t->producer_id;
    request.producer_epoch = t->producer_epoch;
    request.committed = true;
    mr_wire_end_txn_response response;
    mr_wire_clear(&mr_schema_end_txn_response, &response);
    mr_link_call call = {MR_KEY_end_txn, V1_END, &request, &response};
    MR_TRY(ask_coordinator(t, /* group= */ false, &call, ret_error, cx));
    *ret_error = *ret_error == MR_KAFKA_NONE ? response.error_code : *ret_error;
    return MR_OK;
}

// ---- a publication ---------------------------------------------------------------------------

// After a failure nothing is known but what the cluster says.
static mr_code spoiled(mr_transact *t, mr_code code) {
    t->producer_id = -1;
    t->sure = false;
    t->open = false;
    return code;
}

static void clear_batches(mr_transact *t) {
    for (uint32_t p = 0; p < t->partition_count; p++) {
        mr_text_clear(&t->partitions[p].records);
        t->partitions[p].count = 0;
        t->partitions[p].added = false;
    }
}

// Leaders, and partitions that are new.
static void widen(mr_transact *t) {
    uint32_t count = t->cluster.partition_count;
    if (count <= t->partition_count) {
        return;
    }
    t->partitions = mr_heap_resize(t->partitions, sizeof(*t->partitions) * count);
    for (uint32_t p = t->partition_count; p < count; p++) {
        t->partitions[p] = (transact_partition){0};
        mr_text_init(&t->partitions[p].records, NULL);
    }
    t->partition_count = count;
}

static mr_code begin_anew(mr_transact *t, mr_span *ret_token, mr_cx *cx) {
    *ret_token = (mr_span){0};
    if (t->producer_id < 0) {
        MR_TRY(insist(t, step_init, NULL, "begin a transaction", cx));
        for (uint32_t p = 0; p < t->partition_count; p++) {
            t->partitions[p].sequence = 0;
        }
    }
    return t->sure ? MR_OK : insist(t, step_token, &ret_token, "read what was published", cx);
}

mr_code mr_transact_begin(mr_transact *t, const char *token, mr_transact_last *ret_last,
                          mr_cx *cx) {
    mr_assert(!t->open);
    bool looked = !t->sure;
    clear_batches(t);
    mr_span last;
    mr_code code = begin_anew(t, &last, cx);
    if (code != MR_OK) {
        return spoiled(t, code);
    }
    t->sure = true;
    *ret_last = !looked                   ? MR_TRANSACT_OTHER
                : last.bytes == 0         ? MR_TRANSACT_NONE
                : mr_span_is(last, token) ? MR_TRANSACT_DONE
                                          : MR_TRANSACT_OTHER;
    if (*ret_last == MR_TRANSACT_DONE) {
        return MR_OK;
    }
    size_t bytes = strlen(token) + 1;
    t->token = mr_heap_resize(t->token, bytes);
    memcpy(t->token, token, bytes);
    t->open = true;
    return MR_OK;
}

static mr_code send_batch(mr_transact *t, uint32_t index, mr_cx *cx) {
    transact_partition *p = &t->partitions[index];
    int32_t number = (int32_t)index;
    if (!p->added) {
        MR_TRY(insist(t, step_add, &number, "add a partition to the transaction", cx));
        p->added = true;
    }
    mr_record_batch head = {
        .last_offset = (int64_t)p->count - 1,
        .leader_epoch = -1,
        .attributes = MR_RECORD_BATCH_TRANSACTIONAL,
        .base_timestamp_ms = p->base_ms,
        .max_timestamp_ms = p->max_ms,
        .producer_id = t->producer_id,
        .producer_epoch = t->producer_epoch,
        .base_sequence = p->sequence,
        .record_count = p->count,
        .compression = t->compression,
    };
    mr_text batch;
    mr_text_init(&batch, NULL);
    mr_code code = mr_record_batch_add(&head, mr_text_span(&p->records), &batch, cx);
    produce_argument argument = {number, mr_text_span(&batch)};
    code = code == MR_OK ? insist(t, step_produce, &argument, "write rows", cx) : code;
    mr_text_release(&batch);
    MR_TRY(code);
    // Sequences go round at 2^31.
    p->sequence = (int32_t)(((uint32_t)p->sequence + p->count) & INT32_MAX);
    mr_text_clear(&p->records);
    p->count = 0;
    return MR_OK;
}

static uint32_t partition_of(mr_transact *t, mr_span key) {
    uint32_t hash = key.data == NULL ? t->turn : mr_hash_murmur2(key.data, key.bytes);
    return (hash & INT32_MAX) % t->partition_count;
}

mr_code mr_transact_add(mr_transact *t, const mr_transact_row *row, mr_cx *cx) {
    mr_assert(t->open);
    uint32_t index = partition_of(t, row->key);
    transact_partition *p = &t->partitions[index];
    int64_t now_ms = mr_clock_real_us(t->plat) / 1000;
    if (p->count == 0) {
        p->base_ms = now_ms;
        p->max_ms = now_ms;
    }
    p->max_ms = MR_MAX(p->max_ms, now_ms);
    mr_record_new record = {
        .offset_delta = p->count,
        .timestamp_delta = now_ms - p->base_ms,
        .key = row->key,
        .value = row->value,
        .headers = row->headers,
        .header_count = row->header_count,
    };
    mr_record_add(&record, &p->records);
    p->count++;
    if (p->records.bytes < BATCH_BYTES) {
        return MR_OK;
    }
    t->turn++;  // Rows without key fill a batch before the next partition's.
    mr_code code = send_batch(t, index, cx);
    return code == MR_OK ? MR_OK : spoiled(t, code);
}

static mr_code commit(mr_transact *t, mr_cx *cx) {
    for (uint32_t p = 0; p < t->partition_count; p++) {
        if (t->partitions[p].count > 0) {
            MR_TRY(send_batch(t, p, cx));
        }
    }
    MR_TRY(insist(t, step_offsets, NULL, "add the token to the transaction", cx));
    MR_TRY(insist(t, step_commit_token, NULL, "write the token", cx));
    return insist(t, step_end, NULL, "commit the transaction", cx);
}

void mr_transact_abandon(mr_transact *t) {
    (void)spoiled(t, MR_OK);
}

mr_code mr_transact_commit(mr_transact *t, mr_cx *cx) {
    mr_assert(t->open);
    t->turn++;
    mr_code code = commit(t, cx);
    if (code != MR_OK) {
        return spoiled(t, code);
    }
    t->open = false;
    return MR_OK;
}

// ---- opening ---------------------------------------------------------------------------------

mr_code mr_transact_open(const mr_transact_options *options, mr_transact **ret, mr_cx *cx) {
    mr_transact *t = mr_heap_alloc(sizeof(*t));
    t->plat = cx->plat;
    t->topic = mr_heap_string(options->topic);
    t->id = mr_heap_string(options->id);
    t->servers =
        mr_heap_string(options->embedded != NULL ? MR_EMBEDDED : options->bootstrap_servers);
    t->compression = options->compression;
    t->timeout_us = options->timeout_us;
    t->producer_id = -1;
    t->coordinator = MR_CLUSTER_NOBODY;
    t->group_coordinator = MR_CLUSTER_NOBODY;
    t->cluster =
        (mr_cluster){.client_id = "millrace", .topic = t->topic, .embedded = options->embedded};
    mr_topic_wish wish = {options->partitions, options->topic_config, deadline_of(t)};
    mr_code code = mr_cluster_init(&t->cluster, t->servers, cx);
    code = code == MR_OK ? mr_topic_obtain(&t->cluster, &wish, cx) : code;
    if (code != MR_OK) {
        mr_transact_close(t);
        return code == MR_E_NETWORK || code == MR_E_TIMEOUT
                   ? mr_consume_unreachable(options->bootstrap_servers,
                                            mr_arena_string(cx->arena, cx->error.text), cx)
                   : code;
    }
    widen(t);
    *ret = t;
    return MR_OK;
}

void mr_transact_close(mr_transact *t) {
    if (t == NULL) {
        return;
    }
    mr_cluster_release(&t->cluster, t->plat);
    for (uint32_t p = 0; p < t->partition_count; p++) {
        mr_text_release(&t->partitions[p].records);
    }
    mr_heap_free(t->partitions);
    mr_heap_free(t->token);
    mr_heap_free(t->topic);
    mr_heap_free(t->id);
    mr_heap_free(t->servers);
    mr_heap_free(t);
}
