// Api, produce: records from a client into logs.
//
// How: every batch is appended where it was received, without a copy before the write, partition by
// partition; one that is refused does not touch the others. acks=1 is answered when all are
// written, acks=all when they are below the high watermark, which with durability fsync is behind
// the group commit that covers them: the call is parked, and the connection goes on to take the
// next produce request meanwhile.
//
// Also: mr_api_

#include "broker/api.h"
#include "broker/topics.h"
#include "broker/transactions.h"
#include "codec/record_batch.h"

enum { ACKS_ALL = -1, ACKS_NONE = 0, ACKS_ONE = 1 };

typedef struct produce_wait {
    mr_topic_partition *partition;
    mr_wire_produce_done *done;
    int64_t last_offset;
    bool beside;  // Not of the partition itself: its transaction's record.
} produce_wait;

typedef struct produce_state {
    produce_wait *waits;  // Partitions whose records are not below the high watermark yet.
    uint32_t wait_count;
    uint32_t waited;    // So many of them are over.
    mr_topic **topics;  // References.
    uint32_t topic_count;
    bool failed;  // Some partition was refused.
} produce_state;

static void produce_release(mr_call *call) {
    produce_state *state = call->state;
    for (uint32_t i = 0; i < state->topic_count; i++) {
        mr_topic_release(state->topics[i]);
    }
}

static void refuse(produce_state *state, mr_wire_produce_done *done, int16_t error,
                   const char *reason) {
    const char *words = reason != NULL ? reason : mr_kafka_error_text(error);
    done->error_code = error;
    done->base_offset = -1;
    done->log_append_time_ms = -1;
    done->log_start_offset = -1;
    done->error_message = words == NULL ? (mr_span){NULL, 0} : mr_span_of(words);
    state->failed = true;
}

static void refuse_records(mr_call *call, const mr_log_appended *appended,
                           mr_wire_produce_done *done) {
    mr_span reason = appended->reason == NULL ? (mr_span){NULL, 0} : mr_span_of(appended->reason);
    done->record_errors_count = (int32_t)appended->bad_count;
    done->record_errors =
        MR_NEW_ARRAY(call->arena, mr_wire_produce_record_error, appended->bad_count);
    for (uint32_t i = 0; i < appended->bad_count; i++) {
        done->record_errors[i].batch_index = appended->bad_records[i];
        done->record_errors[i].batch_index_error_message = reason;
    }
}

// Whether a batch says that it is part of a transaction, as far as there is a header.
static bool is_transactional(mr_span batch) {
    enum { ATTRIBUTES_LOW = 22 };
    return batch.bytes >= MR_RECORD_BATCH_HEAD_BYTES &&
           (batch.data[ATTRIBUTES_LOW] & MR_RECORD_BATCH_TRANSACTIONAL) != 0;
}

// The producer's id and epoch, in a batch's header.
static void producer_of(mr_span batch, int64_t *ret_id, int16_t *ret_epoch) {
    enum { AT_ID = 43, AT_EPOCH = 51, END = 53 };
    uint64_t id = 0, epoch = 0;
    for (int i = AT_ID; i < AT_EPOCH; i++) {
        id = id << 8 | (uint8_t)batch.data[i];
    }
    for (int i = AT_EPOCH; i < END; i++) {
        epoch = epoch << 8 | (uint8_t)batch.data[i];
    }
    *ret_id = (int64_t)id;
    *ret_epoch = (int16_t)epoch;
}

// Whether a transactional batch may be appended now; then mr_transactions_used follows.
static bool use_begin(mr_call *call, mr_topic_partition *partition, mr_span batch,
                      mr_transaction_use *ret, mr_wire_produce_done *done, mr_cx *cx) {
    const mr_wire_produce_request *q = call->request;
    *ret = (mr_transaction_use){.transactional_id = q->transactional_id,
                                .partition = partition,
                                .adds = call->head.version >= 12,
                                .abortable = call->head.version >= 11};
    producer_of(batch, &ret->producer_id, &ret->producer_epoch);
    int16_t error = MR_KAFKA_INVALID_TXN_STATE;
    if (q->transactional_id.bytes > 0 &&
        mr_transactions_use(mr_broker_transactions(call->broker), ret, &error, cx) == MR_OK &&
        error == MR_KAFKA_NONE) {
        return true;
    }
    refuse(call->state, done, error, NULL);
    return false;
}

static void append(mr_call *call, mr_topic_partition *partition,
                   const mr_wire_produce_partition *in, mr_wire_produce_done *done, mr_cx *cx) {
    const mr_wire_produce_request *q = call->request;
    produce_state *state = call->state;
    mr_transaction_use use;
    bool transactional = is_transactional(in->records);
    if (transactional && !use_begin(call, partition, in->records, &use, done, cx)) {
        return;
    }
    mr_log_appended appended = {0};
    mr_log_origin origin = transactional && use.adds ? MR_LOG_CLIENT_2 : MR_LOG_CLIENT;
    mr_code code = mr_log_append(partition->log, in->records, origin, &appended, cx);
    if (transactional) {
        mr_transactions_used(mr_broker_transactions(call->broker), &use);
    }
    if (code != MR_OK) {
        mr_broker_say(call->broker, "cannot write to %s-%d: %s", partition->topic->name,
                      partition->number, cx->error.text);
        refuse(state, done, MR_KAFKA_KAFKA_STORAGE_ERROR, NULL);
        return;
    }
    if (appended.error != MR_KAFKA_NONE) {
        refuse(state, done, appended.error, appended.reason);
        refuse_records(call, &appended, done);
        return;
    }
    done->base_offset = appended.base_offset;
    done->log_append_time_ms = appended.append_time_ms;
    mr_log_marks marks = mr_log_marks_of(partition->log);
    done->log_start_offset = marks.first;
    if (q->acks == ACKS_ALL && marks.high <= appended.last_offset) {
        state->waits[state->wait_count++] =
            (produce_wait){partition, done, appended.last_offset, /* beside= */ false};
    }
    if (q->acks == ACKS_ALL && transactional && use.ret_waits_for != NULL) {
        state->waits[state->wait_count++] =
            (produce_wait){use.ret_waits_for, done, use.ret_offset, /* beside= */ true};
    }
}

// Why nothing may be written to a topic by this client.
static int16_t topic_error(const mr_call *call, const mr_topic *topic, mr_span name) {
    if (topic == NULL) {
        return name.data == NULL ? MR_KAFKA_UNKNOWN_TOPIC_ID : MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    }
    name = mr_span_of(topic->name);
    if (!mr_call_may(call, MR_OPERATION_WRITE, MR_RESOURCE_TOPIC, name)) {
        return MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
    }
    return topic->internal ? MR_KAFKA_INVALID_TOPIC_EXCEPTION : MR_KAFKA_NONE;
}

static void produce_topic(mr_call *call, const mr_wire_produce_topic *in,
                          mr_wire_produce_done_topic *out, mr_cx *cx) {
    produce_state *state = call->state;
    const mr_wire_produce_request *q = call->request;
    mr_topics *topics = mr_broker_topics(call->broker);
    bool by_id = call->head.version >= 13;
    mr_topic *topic =
        by_id ? mr_topics_find_id(topics, &in->topic_id) : mr_topics_find(topics, in->name);
    if (topic != NULL) {
        state->topics[state->topic_count++] = topic;
    }
    int16_t error = topic_error(call, topic, by_id ? (mr_span){NULL, 0} : in->name);
    if (q->acks < ACKS_ALL || q->acks > ACKS_ONE) {
        error = MR_KAFKA_INVALID_REQUIRED_ACKS;
    }
    out->name = in->name;
    out->topic_id = in->topic_id;
    out->partition_responses_count = in->partition_data_count;
    out->partition_responses =
        MR_NEW_ARRAY(cx->arena, mr_wire_produce_done, (size_t)in->partition_data_count);
    for (int32_t i = 0; i < in->partition_data_count; i++) {
        const mr_wire_produce_partition *data = &in->partition_data[i];
        mr_wire_produce_done *done = &out->partition_responses[i];
        mr_wire_clear(&mr_schema_produce_done, done);
        done->index = data->index;
        mr_topic_partition *partition =
            error == MR_KAFKA_NONE ? mr_topic_partition_of(topic, data->index) : NULL;
        if (partition != NULL) {
            append(call, partition, data, done, cx);
        } else {
            int16_t why = error == MR_KAFKA_NONE ? MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION : error;
            refuse(state, done, why, NULL);
        }
    }
}

// Passes over the waits that are over, up to one that is not.
static void settle(mr_call *call) {
    produce_state *state = call->state;
    mr_error why;
    for (; state->waited < state->wait_count; state->waited++) {
        produce_wait wait = state->waits[state->waited];
        mr_log_marks marks = mr_log_marks_of(wait.partition->log);
        if (marks.high > wait.last_offset) {
            wait.done->log_start_offset = wait.beside ? wait.done->log_start_offset : marks.first;
        } else if (mr_log_offline(wait.partition->log, &why)) {
            bool gone = why.code == MR_E_MISSING;  // Deleted meanwhile.
            refuse(state, wait.done,
                   gone ? MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION : MR_KAFKA_KAFKA_STORAGE_ERROR, NULL);
        } else {
            return;
        }
    }
}

// Whether a partition's records are still not below the high watermark when the time is up.
static bool is_short(const produce_wait *wait) {
    return mr_log_marks_of(wait->partition->log).high <= wait->last_offset;
}

static void produce_go_on(mr_call *call, mr_cx *cx) {
    produce_state *state = call->state;
    const mr_wire_produce_request *q = call->request;
    int64_t deadline_us = call->received_us + (int64_t)MR_MAX(q->timeout_ms, 0) * 1000;
    settle(call);
    // One at a time, as all must come: a request of a hundred partitions would otherwise go through
    // all of them for each that is synced.
    while (state->waited < state->wait_count) {
        uint32_t at = state->waited;
        mr_call_watch(call, &state->waits[at].partition->watchers);
        settle(call);  // What came before the watch.
        if (state->waited == at) {
            break;
        }
        mr_call_unwatch(call);
    }
    if (state->waited == state->wait_count) {
        return;
    }
    if (mr_clock_monotonic_us(cx->plat) < deadline_us) {
        mr_call_park(call, deadline_us, produce_go_on);
        return;
    }
    for (uint32_t i = state->waited; i < state->wait_count; i++) {
        if (is_short(&state->waits[i])) {
            refuse(state, state->waits[i].done, MR_KAFKA_REQUEST_TIMED_OUT, NULL);
        }
    }
}

void mr_api_produce(mr_call *call, mr_cx *cx) {
    const mr_wire_produce_request *q = call->request;
    mr_wire_produce_response *r = call->response;
    uint32_t partitions = 0;
    for (int32_t t = 0; t < q->topic_data_count; t++) {
        partitions += (uint32_t)q->topic_data[t].partition_data_count;
    }
    produce_state *state = MR_NEW(cx->arena, produce_state);
    state->waits = MR_NEW_ARRAY(cx->arena, produce_wait, (size_t)partitions * 2);
    state->topics = MR_NEW_ARRAY(cx->arena, mr_topic *, (size_t)q->topic_data_count);
    call->state = state;
    call->release = produce_release;
    call->silent = q->acks == ACKS_NONE;
    r->responses_count = q->topic_data_count;
    r->throttle_time_ms = mr_call_throttle(call, MR_QUOTA_PRODUCE, call->frame_bytes);
    r->responses = MR_NEW_ARRAY(cx->arena, mr_wire_produce_done_topic, (size_t)q->topic_data_count);
    for (int32_t t = 0; t < q->topic_data_count; t++) {
        produce_topic(call, &q->topic_data[t], &r->responses[t], cx);
    }
    if (state->wait_count > 0) {
        produce_go_on(call, cx);
    }
    // There is no other way to tell such a client.
    call->hang_up = call->silent && state->failed;
}
