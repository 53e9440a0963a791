// Api, records: questions about a log's offsets, and the deletion of records.
//
// This node leads every partition, always in epoch 0.
//
// Also: mr_api_

#include "broker/api.h"
#include "broker/topics.h"

enum {
    TIME_LATEST = -1,
    TIME_EARLIEST = -2,
    TIME_GREATEST = -3,        // The record with the greatest timestamp (KIP-734).
    TIME_EARLIEST_LOCAL = -4,  // KIP-405; all is local here.
    TIME_LATEST_TIERED = -5,   // KIP-1005; there is nothing.
};

// A leader epoch that a client believes in: this log has had no other than 0.
static int16_t epoch_error(int32_t epoch) {
    return epoch > 0 ? MR_KAFKA_UNKNOWN_LEADER_EPOCH : MR_KAFKA_NONE;
}

// ---- ListOffsets -------------------------------------------------------------------------------

static bool time_is_known(int16_t version, int64_t time_ms) {
    return time_ms >= TIME_EARLIEST || (time_ms == TIME_GREATEST && version >= 7) ||
           (time_ms == TIME_EARLIEST_LOCAL && version >= 8) ||
           (time_ms == TIME_LATEST_TIERED && version >= 9);
}

static int16_t find(mr_log *log, int64_t time_ms, mr_log_isolation isolation, mr_log_found *ret,
                    mr_cx *cx) {
    mr_log_marks marks = mr_log_marks_of(log);
    *ret = (mr_log_found){-1, -1};
    mr_code code = MR_OK;
    switch (time_ms) {
    case TIME_LATEST:
        ret->offset = isolation == MR_LOG_COMMITTED ? marks.stable : marks.high;
        break;
    case TIME_EARLIEST:
    case TIME_EARLIEST_LOCAL: ret->offset = marks.first; break;
    case TIME_GREATEST: code = mr_log_find_latest(log, ret, cx); break;
    case TIME_LATEST_TIERED: break;
    default: code = mr_log_find_time(log, time_ms, isolation, ret, cx); break;
    }
    return code == MR_OK ? MR_KAFKA_NONE : MR_KAFKA_KAFKA_STORAGE_ERROR;
}

static int16_t list_one(const mr_call *call, const mr_topic *topic,
                        const mr_wire_list_offsets_partition *wish, mr_log_found *ret, mr_cx *cx) {
    const mr_wire_list_offsets_request *q = call->request;
    mr_topic_partition *partition =
        topic == NULL ? NULL : mr_topic_partition_of(topic, wish->partition_index);
    if (partition == NULL) {
        return MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    }
    if (epoch_error(wish->current_leader_epoch) != MR_KAFKA_NONE) {
        return epoch_error(wish->current_leader_epoch);
    }
    if (mr_log_offline(partition->log, /* ret_why= */ NULL)) {
        return MR_KAFKA_KAFKA_STORAGE_ERROR;
    }
    if (!time_is_known(call->head.version, wish->timestamp)) {
        return MR_KAFKA_UNSUPPORTED_VERSION;
    }
    mr_log_isolation isolation = q->isolation_level == 1 ? MR_LOG_COMMITTED : MR_LOG_UNCOMMITTED;
    return find(partition->log, wish->timestamp, isolation, ret, cx);
}

static void list_topic(const mr_call *call, const mr_wire_list_offsets_topic *wish,
                       mr_wire_list_offsets_found_topic *ret, mr_cx *cx) {
    bool may = mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_TOPIC, wish->name);
    mr_topic *topic = may ? mr_topics_find(mr_broker_topics(call->broker), wish->name) : NULL;
    ret->name = wish->name;
    ret->partitions_count = wish->partitions_count;
    ret->partitions =
        MR_NEW_ARRAY(cx->arena, mr_wire_list_offsets_found, (size_t)wish->partitions_count);
    for (int32_t i = 0; i < wish->partitions_count; i++) {
        mr_log_found found = {-1, -1};
        int16_t error = may ? list_one(call, topic, &wish->partitions[i], &found, cx)
                            : MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
        bool answered = error == MR_KAFKA_NONE && found.offset >= 0;
        ret->partitions[i] = (mr_wire_list_offsets_found){
            .partition_index = wish->partitions[i].partition_index,
            .error_code = error,
            .timestamp = answered ? found.timestamp_ms : -1,
            .offset = answered ? found.offset : -1,
            .leader_epoch = answered ? 0 : -1,
        };
    }
    mr_topic_release(topic);
}

void mr_api_list_offsets(mr_call *call, mr_cx *cx) {
    const mr_wire_list_offsets_request *q = call->request;
    mr_wire_list_offsets_response *r = call->response;
    r->topics_count = q->topics_count;
    r->topics = MR_NEW_ARRAY(cx->arena, mr_wire_list_offsets_found_topic, (size_t)q->topics_count);
    for (int32_t i = 0; i < q->topics_count; i++) {
        list_topic(call, &q->topics[i], &r->topics[i], cx);
    }
}

// ---- OffsetForLeaderEpoch ----------------------------------------------------------------------

static int16_t epoch_one(const mr_topic *topic,
                         const mr_wire_offset_for_leader_epoch_partition *wish,
                         mr_wire_offset_for_leader_epoch_found *ret) {
    mr_topic_partition *partition =
        topic == NULL ? NULL : mr_topic_partition_of(topic, wish->partition);
    if (partition == NULL) {
        return MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    }
    if (mr_log_offline(partition->log, /* ret_why= */ NULL)) {
        return MR_KAFKA_KAFKA_STORAGE_ERROR;
    }
    if (wish->leader_epoch == 0) {  // Of another, past or future, nothing is known: -1, -1.
        ret->leader_epoch = 0;
        ret->end_offset = mr_log_marks_of(partition->log).next;
    }
    return epoch_error(wish->current_leader_epoch);
}

static void epoch_topic(const mr_call *call, const mr_wire_offset_for_leader_epoch_topic *wish,
                        mr_wire_offset_for_leader_epoch_found_topic *ret, mr_cx *cx) {
    bool may = mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_TOPIC, wish->topic);
    mr_topic *topic = may ? mr_topics_find(mr_broker_topics(call->broker), wish->topic) : NULL;
    ret->topic = wish->topic;
    ret->partitions_count = wish->partitions_count;
    ret->partitions = MR_NEW_ARRAY(cx->arena, mr_wire_offset_for_leader_epoch_found,
                                   (size_t)wish->partitions_count);
    for (int32_t i = 0; i < wish->partitions_count; i++) {
        mr_wire_offset_for_leader_epoch_found *one = &ret->partitions[i];
        mr_wire_clear(&mr_schema_offset_for_leader_epoch_found, one);
        one->partition = wish->partitions[i].partition;
        one->error_code =
            may ? epoch_one(topic, &wish->partitions[i], one) : MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
    }
    mr_topic_release(topic);
}

void mr_api_offset_for_leader_epoch(mr_call *call, mr_cx *cx) {
    const mr_wire_offset_for_leader_epoch_request *q = call->request;
    mr_wire_offset_for_leader_epoch_response *r = call->response;
    r->topics_count = q->topics_count;
    r->topics = MR_NEW_ARRAY(cx->arena, mr_wire_offset_for_leader_epoch_found_topic,
                             (size_t)q->topics_count);
    for (int32_t i = 0; i < q->topics_count; i++) {
        epoch_topic(call, &q->topics[i], &r->topics[i], cx);
    }
}

// ---- DeleteRecords -----------------------------------------------------------------------------

static int16_t delete_one(const mr_call *call, const mr_topic *topic,
                          const mr_wire_delete_records_partition *wish, int64_t *ret_first,
                          mr_cx *cx) {
    mr_topic_partition *partition =
        topic == NULL ? NULL : mr_topic_partition_of(topic, wish->partition_index);
    if (partition == NULL) {
        return MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    }
    if (topic->internal) {
        return MR_KAFKA_INVALID_TOPIC_EXCEPTION;
    }
    int16_t error = MR_KAFKA_NONE;
    if (mr_log_delete_records(partition->log, wish->offset, ret_first, &error, cx) != MR_OK) {
        mr_broker_say(call->broker, "cannot delete records: %s", cx->error.text);
        return MR_KAFKA_KAFKA_STORAGE_ERROR;
    }
    return error;
}

// Returns whether anything is to be answered as done.
static bool delete_topic(const mr_call *call, const mr_wire_delete_records_topic *wish,
                         mr_wire_delete_records_done_topic *ret, mr_cx *cx) {
    bool done = false;
    bool may = mr_call_may(call, MR_OPERATION_DELETE, MR_RESOURCE_TOPIC, wish->name);
    mr_topic *topic = may ? mr_topics_find(mr_broker_topics(call->broker), wish->name) : NULL;
    ret->name = wish->name;
    ret->partitions_count = wish->partitions_count;
    ret->partitions =
        MR_NEW_ARRAY(cx->arena, mr_wire_delete_records_done, (size_t)wish->partitions_count);
    for (int32_t i = 0; i < wish->partitions_count; i++) {
        int64_t first = -1;
        int16_t error = may ? delete_one(call, topic, &wish->partitions[i], &first, cx)
                            : MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
        ret->partitions[i] = (mr_wire_delete_records_done){
            .partition_index = wish->partitions[i].partition_index,
            .low_watermark = error == MR_KAFKA_NONE ? first : -1,
            .error_code = error,
        };
        done = done || error == MR_KAFKA_NONE;
    }
    mr_topic_release(topic);
    return done;
}

// Where a partition begins is kept in a checkpoint only: one that is not on disk would bring the
// records back after a power cut, of which the client was told that they are gone.
static void keep_firsts(const mr_call *call, mr_wire_delete_records_response *r, mr_cx *cx) {
    if (mr_topics_checkpoint(mr_broker_topics(call->broker), cx) == MR_OK) {
        return;
    }
    mr_broker_say(call->broker, "cannot keep where partitions begin: %s", cx->error.text);
    for (int32_t i = 0; i < r->topics_count; i++) {
        for (int32_t p = 0; p < r->topics[i].partitions_count; p++) {
            mr_wire_delete_records_done *one = &r->topics[i].partitions[p];
            if (one->error_code == MR_KAFKA_NONE) {
                one->error_code = MR_KAFKA_KAFKA_STORAGE_ERROR;
                one->low_watermark = -1;
            }
        }
    }
}

void mr_api_delete_records(mr_call *call, mr_cx *cx) {
    const mr_wire_delete_records_request *q = call->request;
    mr_wire_delete_records_response *r = call->response;
    r->topics_count = q->topics_count;
    r->topics = MR_NEW_ARRAY(cx->arena, mr_wire_delete_records_done_topic, (size_t)q->topics_count);
    bool done = false;
    for (int32_t i = 0; i < q->topics_count; i++) {
        done = delete_topic(call, &q->topics[i], &r->topics[i], cx) || done;
    }
    if (done) {
        keep_firsts(call, r, cx);
    }
}
