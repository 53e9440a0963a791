// Api of transactions: InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn,
// WriteTxnMarkers. What they do is in transactions.h; TxnOffsetCommit is the groups'.
//
// Also: mr_api_

#include "broker/api.h"
#include "broker/groups.h"
#include "broker/topics.h"
#include "broker/transactions.h"

// How long a request waits for an end or the disk before it is told to come back.
#define PATIENCE_US INT64_C(10000000)
#define LOOK_US     INT64_C(2000)

// What is kept while a call is parked.
typedef struct asked {
    mr_transactions_ticket ticket;
    int64_t deadline_us;
    bool log_watched;
} asked;

static asked *asked_of(mr_call *call) {
    if (call->state == NULL) {
        asked *made = MR_NEW(call->arena, asked);
        made->deadline_us = call->received_us + PATIENCE_US;
        call->state = made;
    }
    asked *a = call->state;
    a->log_watched = false;  // No watch outlives a resumption.
    return a;
}

// Watches what a ticket may wait for. False: all of it is watched already.
static bool watch(mr_call *call, asked *a, mr_span id, bool first) {
    mr_transactions *transactions = mr_broker_transactions(call->broker);
    if (first) {
        mr_call_watch(call, mr_transactions_watchers(transactions, id));
    }
    mr_watchers *log = a->log_watched ? NULL : mr_transactions_log_watchers(transactions, id);
    if (log != NULL) {
        mr_call_watch(call, log);
        a->log_watched = true;
    }
    return log != NULL;
}

// True: it is parked. Else *answer is final.
static bool park(mr_call *call, const asked *a, mr_call_step *resume, int16_t *answer) {
    if (*answer == MR_TRANSACTIONS_PENDING) {
        if (mr_clock_monotonic_us(mr_broker_plat(call->broker)) < a->deadline_us) {
            mr_call_park(call, a->deadline_us, resume);
            return true;
        }
        *answer = MR_KAFKA_CONCURRENT_TRANSACTIONS;
    }
    mr_call_unwatch(call);
    return false;
}

// Whether the end before is known for good; else it is parked. Late it goes on, and is refused.
static bool ready(mr_call *call, mr_span id, mr_call_step *resume) {
    asked *a = asked_of(call);
    (void)watch(call, a, id, /* first= */ true);
    int16_t answer = mr_transactions_ready(mr_broker_transactions(call->broker), id);
    return !park(call, a, resume, &answer);
}

// Clients before `since` know fencing by another name.
static int16_t error_for(int16_t error, int16_t version, int16_t since) {
    return error == MR_KAFKA_PRODUCER_FENCED && version < since ? MR_KAFKA_INVALID_PRODUCER_EPOCH
                                                                : error;
}

static bool may_write(const mr_call *call, mr_span id) {
    return mr_call_may(call, MR_OPERATION_WRITE, MR_RESOURCE_TRANSACTIONAL_ID, id);
}

// ---- InitProducerId --------------------------------------------------------------------------

static int16_t init_check(const mr_call *call) {
    const mr_wire_init_producer_id_request *request = call->request;
    mr_span id = request->transactional_id;
    if (id.data == NULL) {  // Whoever may write anything may be idempotent (KIP-679).
        bool may = mr_call_may(call, MR_OPERATION_IDEMPOTENT_WRITE, MR_RESOURCE_CLUSTER,
                               MR_SPAN("kafka-cluster")) ||
                   mr_call_may_some(call, MR_OPERATION_WRITE, MR_RESOURCE_TOPIC);
        return may ? MR_KAFKA_NONE : MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
    }
    if (!may_write(call, id)) {
        return MR_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    }
    int64_t max_ms = mr_broker_settings_of(call->broker)->transaction_timeout_max_us / 1000;
    if (id.bytes == 0 || (request->producer_id == -1) != (request->producer_epoch == -1)) {
        return MR_KAFKA_INVALID_REQUEST;
    }
    return request->transaction_timeout_ms <= 0 || request->transaction_timeout_ms > max_ms
               ? MR_KAFKA_INVALID_TRANSACTION_TIMEOUT
               : MR_KAFKA_NONE;
}

static void init_answer(mr_call *call, int16_t error, mr_transaction_producer producer) {
    mr_wire_init_producer_id_response *response = call->response;
    response->error_code = error_for(error, call->head.version, 4);
    response->producer_id = error == MR_KAFKA_NONE ? producer.id : -1;
    response->producer_epoch = error == MR_KAFKA_NONE ? producer.epoch : -1;
}

void mr_api_init_producer_id(mr_call *call, mr_cx *cx) {
    const mr_wire_init_producer_id_request *request = call->request;
    mr_transactions *transactions = mr_broker_transactions(call->broker);
    mr_span id = request->transactional_id;
    int16_t answer = init_check(call);
    if (answer != MR_KAFKA_NONE) {
        init_answer(call, answer, (mr_transaction_producer){-1, -1});
        return;
    }
    if (id.data == NULL) {
        mr_transaction_producer producer = {-1, 0};
        answer = mr_transactions_producer(transactions, &producer.id, cx);
        init_answer(call, answer, producer);
        return;
    }
    asked *a = asked_of(call);
    bool first = true;
    do {
        (void)watch(call, a, id, first);
        first = false;
        mr_transaction_init init = {.producer = {request->producer_id, request->producer_epoch},
                                    .timeout_ms = request->transaction_timeout_ms};
        answer = mr_transactions_begin(transactions, id, &init, &a->ticket, cx);
        // The first one made the topic, whose log is to be watched too, and looked at again then.
    } while (answer == MR_TRANSACTIONS_PENDING && !a->log_watched &&
             mr_transactions_log_watchers(transactions, id) != NULL);
    if (!park(call, a, mr_api_init_producer_id, &answer)) {
        init_answer(call, answer, a->ticket.producer);
    }
}

// ---- AddPartitionsToTxn ----------------------------------------------------------------------

typedef struct addition {
    mr_span id;
    mr_transaction_producer producer;
    bool verify_only;
    const mr_wire_add_partitions_to_txn_topic *topics;
    int32_t topic_count;
} addition;

// Whether one partition may join at all.
static int16_t partition_check(const mr_call *call, mr_span name, const mr_topic *topic,
                               int32_t partition) {
    if (call->head.version < 4 && (topic == NULL || !topic->internal) &&
        !mr_call_may(call, MR_OPERATION_WRITE, MR_RESOURCE_TOPIC, name)) {
        return MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
    }
    return topic == NULL || mr_topic_partition_of(topic, partition) == NULL
               ? MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION
               : MR_KAFKA_NONE;
}

// The errors of all, and the members that they are; false when there is an error among them.
static bool addition_check(mr_call *call, const addition *a,
                           mr_wire_add_partitions_to_txn_done_topic *results,
                           mr_transaction_member **ret_members, uint32_t *ret_count) {
    uint32_t count = 0;
    for (int32_t i = 0; i < a->topic_count; i++) {
        count += (uint32_t)a->topics[i].partitions_count;
    }
    mr_transaction_member *members = MR_NEW_ARRAY(call->arena, mr_transaction_member, count);
    mr_wire_add_partitions_to_txn_done *done =
        MR_NEW_ARRAY(call->arena, mr_wire_add_partitions_to_txn_done, count);
    bool good = true;
    uint32_t at = 0;
    for (int32_t i = 0; i < a->topic_count; i++) {
        const mr_wire_add_partitions_to_txn_topic *wish = &a->topics[i];
        mr_topic *topic = mr_topics_find(mr_broker_topics(call->broker), wish->name);
        results[i] = (mr_wire_add_partitions_to_txn_done_topic){.name = wish->name,
                                                                .results_by_partition = done + at,
                                                                .results_by_partition_count =
                                                                    wish->partitions_count};
        for (int32_t p = 0; p < wish->partitions_count; p++) {
            int32_t partition = wish->partitions[p];
            int16_t error = partition_check(call, wish->name, topic, partition);
            good = good && error == MR_KAFKA_NONE;
            members[at] = (mr_transaction_member){wish->name, partition};
            done[at++] = (mr_wire_add_partitions_to_txn_done){partition, error};
        }
        mr_topic_release(topic);
    }
    *ret_members = members;
    *ret_count = count;
    return good;
}

static void addition_fail(const addition *a, mr_wire_add_partitions_to_txn_done_topic *results,
                          int16_t error) {
    for (int32_t i = 0; i < a->topic_count; i++) {
        for (int32_t p = 0; p < results[i].results_by_partition_count; p++) {
            int16_t *code = &results[i].results_by_partition[p].partition_error_code;
            *code = *code == MR_KAFKA_NONE ? error : *code;
        }
    }
}

// Fills results, one a topic.
static void addition_run(mr_call *call, const addition *a,
                         mr_wire_add_partitions_to_txn_done_topic *results, mr_cx *cx) {
    mr_transactions *transactions = mr_broker_transactions(call->broker);
    mr_transaction_member *members;
    uint32_t count;
    bool good = addition_check(call, a, results, &members, &count);
    if (a->id.bytes == 0) {
        addition_fail(a, results, MR_KAFKA_INVALID_REQUEST);
    } else if (!good) {
        addition_fail(a, results, MR_KAFKA_OPERATION_NOT_ATTEMPTED);
    } else if (a->verify_only) {
        uint32_t at = 0;
        for (int32_t i = 0; i < a->topic_count; i++) {
            for (int32_t p = 0; p < results[i].results_by_partition_count; p++) {
                results[i].results_by_partition[p].partition_error_code =
                    mr_transactions_covers(transactions, a->id, a->producer, &members[at++]);
            }
        }
    } else {
        mr_transaction_add add = {
            .producer = a->producer, .members = members, .member_count = count};
        int16_t error = mr_transactions_join(transactions, a->id, &add, cx);
        addition_fail(a, results, error_for(error, call->head.version, 2));
    }
}

static void add_batch(mr_call *call, mr_cx *cx) {
    const mr_wire_add_partitions_to_txn_request *request = call->request;
    mr_wire_add_partitions_to_txn_response *response = call->response;
    if (!mr_call_may(call, MR_OPERATION_CLUSTER_ACTION, MR_RESOURCE_CLUSTER,
                     MR_SPAN("kafka-cluster"))) {
        response->error_code = MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        return;
    }
    response->results_by_transaction = MR_NEW_ARRAY(
        call->arena, mr_wire_add_partitions_to_txn_result, (size_t)request->transactions_count);
    response->results_by_transaction_count = request->transactions_count;
    for (int32_t i = 0; i < request->transactions_count; i++) {
        const mr_wire_add_partitions_to_txn_transaction *wish = &request->transactions[i];
        addition a = {wish->transactional_id,
                      {wish->producer_id, wish->producer_epoch},
                      wish->verify_only,
                      wish->topics,
                      wish->topics_count};
        mr_wire_add_partitions_to_txn_result *result = &response->results_by_transaction[i];
        result->transactional_id = wish->transactional_id;
        result->topic_results = MR_NEW_ARRAY(call->arena, mr_wire_add_partitions_to_txn_done_topic,
                                             (size_t)wish->topics_count);
        result->topic_results_count = wish->topics_count;
        addition_run(call, &a, result->topic_results, cx);
    }
}

void mr_api_add_partitions_to_txn(mr_call *call, mr_cx *cx) {
    if (call->head.version >= 4) {
        add_batch(call, cx);
        return;
    }
    const mr_wire_add_partitions_to_txn_request *request = call->request;
    mr_wire_add_partitions_to_txn_response *response = call->response;
    addition a = {request->v3_and_below_transactional_id,
                  {request->v3_and_below_producer_id, request->v3_and_below_producer_epoch},
                  false,
                  request->v3_and_below_topics,
                  request->v3_and_below_topics_count};
    if (!ready(call, a.id, mr_api_add_partitions_to_txn)) {
        return;
    }
    mr_wire_add_partitions_to_txn_done_topic *results =
        MR_NEW_ARRAY(call->arena, mr_wire_add_partitions_to_txn_done_topic, (size_t)a.topic_count);
    response->results_by_topic_v3_and_below = results;
    response->results_by_topic_v3_and_below_count = a.topic_count;
    if (may_write(call, a.id)) {
        addition_run(call, &a, results, cx);
        return;
    }
    mr_transaction_member *members;
    uint32_t count;
    (void)addition_check(call, &a, results, &members, &count);
    for (int32_t i = 0; i < a.topic_count; i++) {
        for (int32_t p = 0; p < results[i].results_by_partition_count; p++) {
            results[i].results_by_partition[p].partition_error_code =
                MR_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
        }
    }
}

// ---- AddOffsetsToTxn -------------------------------------------------------------------------

void mr_api_add_offsets_to_txn(mr_call *call, mr_cx *cx) {
    const mr_wire_add_offsets_to_txn_request *request = call->request;
    mr_wire_add_offsets_to_txn_response *response = call->response;
    if (!may_write(call, request->transactional_id)) {
        response->error_code = MR_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
        return;
    }
    if (!mr_call_may(call, MR_OPERATION_READ, MR_RESOURCE_GROUP, request->group_id)) {
        response->error_code = MR_KAFKA_GROUP_AUTHORIZATION_FAILED;
        return;
    }
    if (request->transactional_id.bytes == 0) {
        response->error_code = MR_KAFKA_INVALID_REQUEST;
        return;
    }
    if (!ready(call, request->transactional_id, mr_api_add_offsets_to_txn)) {
        return;
    }
    mr_transaction_member member = {
        mr_span_of(MR_TOPIC_OFFSETS),
        mr_groups_partition(mr_broker_groups(call->broker), request->group_id)};
    mr_transaction_add add = {.producer = {request->producer_id, request->producer_epoch},
                              .members = &member,
                              .member_count = 1};
    int16_t error = mr_transactions_join(mr_broker_transactions(call->broker),
                                         request->transactional_id, &add, cx);
    response->error_code = error_for(error, call->head.version, 2);
}

// ---- EndTxn ----------------------------------------------------------------------------------

void mr_api_end_txn(mr_call *call, mr_cx *cx) {
    const mr_wire_end_txn_request *request = call->request;
    mr_wire_end_txn_response *response = call->response;
    mr_span id = request->transactional_id;
    response->producer_id = -1;
    response->producer_epoch = -1;
    if (!may_write(call, id)) {
        response->error_code = MR_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
        return;
    }
    if (id.bytes == 0) {
        response->error_code = MR_KAFKA_INVALID_REQUEST;
        return;
    }
    asked *a = asked_of(call);
    (void)watch(call, a, id, /* first= */ true);
    mr_transaction_end end = {.producer = {request->producer_id, request->producer_epoch},
                              .version = call->head.version >= 5 ? 2 : 0,
                              .commit = request->committed};
    int16_t answer =
        mr_transactions_finish(mr_broker_transactions(call->broker), id, &end, &a->ticket, cx);
    if (park(call, a, mr_api_end_txn, &answer)) {
        return;
    }
    response->error_code = error_for(answer, call->head.version, 2);
    if (answer == MR_KAFKA_NONE) {
        response->producer_id = a->ticket.producer.id;
        response->producer_epoch = a->ticket.producer.epoch;
    }
}

// ---- WriteTxnMarkers -------------------------------------------------------------------------

// What an administrator ends by hand (kafka-transactions abort), without the coordinator.
static void marker_write(mr_call *call, const mr_wire_write_txn_markers_marker *marker,
                         mr_span name, mr_wire_write_txn_markers_done_partition *done,
                         int64_t *ret_offset) {
    mr_topic *topic = mr_topics_find(mr_broker_topics(call->broker), name);
    mr_topic_partition *partition =
        topic == NULL ? NULL : mr_topic_partition_of(topic, done->partition_index);
    *ret_offset = -1;
    done->error_code = MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (partition != NULL) {
        mr_cx cx;
        mr_cx_init(&cx, call->arena, mr_broker_plat(call->broker));
        mr_log_end end = {marker->producer_id, marker->producer_epoch, marker->coordinator_epoch,
                          marker->transaction_result, /* version= */ 0};
        mr_log_appended appended;
        mr_code code = mr_log_end_transaction(partition->log, &end, &appended, &cx);
        done->error_code = code == MR_OK ? appended.error : MR_KAFKA_KAFKA_STORAGE_ERROR;
        if (done->error_code == MR_KAFKA_NONE) {
            *ret_offset = appended.last_offset;
            if (mr_span_is(name, MR_TOPIC_OFFSETS)) {
                mr_groups_end_transaction(mr_broker_groups(call->broker), marker->producer_id,
                                          marker->transaction_result, &cx);
            }
        }
    }
    mr_topic_release(topic);
}

// The offsets of all markers, in the order of the request; the answer is filled on the way.
static int64_t *markers_write(mr_call *call) {
    const mr_wire_write_txn_markers_request *request = call->request;
    mr_wire_write_txn_markers_response *response = call->response;
    uint32_t count = 0;
    for (int32_t m = 0; m < request->markers_count; m++) {
        for (int32_t i = 0; i < request->markers[m].topics_count; i++) {
            count += (uint32_t)request->markers[m].topics[i].partition_indexes_count;
        }
    }
    int64_t *offsets = MR_NEW_ARRAY(call->arena, int64_t, count), *at = offsets;
    response->markers_count = request->markers_count;
    response->markers =
        MR_NEW_ARRAY(call->arena, mr_wire_write_txn_markers_done, (size_t)request->markers_count);
    for (int32_t m = 0; m < request->markers_count; m++) {
        const mr_wire_write_txn_markers_marker *marker = &request->markers[m];
        mr_wire_write_txn_markers_done *done = &response->markers[m];
        done->producer_id = marker->producer_id;
        done->topics_count = marker->topics_count;
        done->topics = MR_NEW_ARRAY(call->arena, mr_wire_write_txn_markers_done_topic,
                                    (size_t)marker->topics_count);
        for (int32_t i = 0; i < marker->topics_count; i++) {
            const mr_wire_write_txn_markers_topic *topic = &marker->topics[i];
            mr_wire_write_txn_markers_done_topic *to = &done->topics[i];
            to->name = topic->name;
            to->partitions_count = topic->partition_indexes_count;
            to->partitions = MR_NEW_ARRAY(call->arena, mr_wire_write_txn_markers_done_partition,
                                          (size_t)to->partitions_count);
            for (int32_t p = 0; p < to->partitions_count; p++) {
                to->partitions[p].partition_index = topic->partition_indexes[p];
                marker_write(call, marker, topic->name, &to->partitions[p], at++);
            }
        }
    }
    return offsets;
}

// Whether a marker is durable. A log that failed meanwhile is said so.
static bool marker_durable(mr_call *call, mr_span name,
                           mr_wire_write_txn_markers_done_partition *done, int64_t offset) {
    mr_topic *topic = mr_topics_find(mr_broker_topics(call->broker), name);
    mr_topic_partition *partition =
        topic == NULL ? NULL : mr_topic_partition_of(topic, done->partition_index);
    bool durable = true;
    if (partition == NULL || mr_log_offline(partition->log, NULL)) {
        done->error_code = MR_KAFKA_KAFKA_STORAGE_ERROR;
    } else {
        durable = mr_log_marks_of(partition->log).high > offset;
    }
    mr_topic_release(topic);
    return durable;
}

static bool markers_durable(mr_call *call, const int64_t *offset) {
    mr_wire_write_txn_markers_response *response = call->response;
    for (int32_t m = 0; m < response->markers_count; m++) {
        mr_wire_write_txn_markers_done *marker = &response->markers[m];
        for (int32_t i = 0; i < marker->topics_count; i++) {
            for (int32_t p = 0; p < marker->topics[i].partitions_count; p++, offset++) {
                mr_wire_write_txn_markers_done_partition *done = &marker->topics[i].partitions[p];
                if (done->error_code == MR_KAFKA_NONE &&
                    !marker_durable(call, marker->topics[i].name, done, *offset)) {
                    return false;
                }
            }
        }
    }
    return true;
}

void mr_api_write_txn_markers(mr_call *call, mr_cx *cx) {
    const mr_wire_write_txn_markers_request *request = call->request;
    (void)cx;
    if (call->state == NULL) {
        mr_span cluster = MR_SPAN("kafka-cluster");
        if (!mr_call_may(call, MR_OPERATION_ALTER, MR_RESOURCE_CLUSTER, cluster) &&
            !mr_call_may(call, MR_OPERATION_CLUSTER_ACTION, MR_RESOURCE_CLUSTER, cluster)) {
            call->hang_up = true;  // As Kafka: the answer has no place for it.
            return;
        }
        if (request->markers_count <= 0) {
            return;
        }
        call->state = markers_write(call);
    }
    // It is rare, and no partition is held for it: it looks again and again.
    int64_t now_us = mr_clock_monotonic_us(mr_broker_plat(call->broker));
    if (!markers_durable(call, call->state) && now_us < call->received_us + PATIENCE_US) {
        mr_call_park(call, now_us + LOOK_US, mr_api_write_txn_markers);
    }
}
