// Api offsets: what changes a group's offsets: OffsetCommit, TxnOffsetCommit, OffsetDelete.
//
// Each partition of a request has its own verdict: who may not read a topic, a partition that is
// not there, and metadata that is too long are refused alone; the rest is one batch of records, and
// is answered when that is durable.
//
// Also: mr_api_

#include "broker/api.h"
#include "broker/groups_state.h"
#include "broker/transactions.h"

#define METADATA_BYTES_MAX 4096  // offset.metadata.max.bytes

// A request's partitions on their way to be records.
typedef struct commit {
    mr_call *call;
    mr_groups_entry *entries;
    uint32_t count;
    int64_t expire_ms;  // -1 = as retention says.
} commit;

// What stands against a whole topic. *ret is a reference when nothing does.
static int16_t find_topic(const mr_call *call, mr_span name, mr_topic **ret) {
    *ret = NULL;
    if (!mr_call_may(call, MR_OPERATION_READ, MR_RESOURCE_TOPIC, name)) {
        return MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
    }
    *ret = mr_topics_find(mr_broker_topics(call->broker), name);
    return *ret == NULL ? MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION : MR_KAFKA_NONE;
}

static int16_t check_partition(const mr_topic *topic, int32_t partition) {
    return mr_topic_partition_of(topic, partition) == NULL ? MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION
                                                           : MR_KAFKA_NONE;
}

static int16_t add_entry(commit *c, const mr_topic *topic, mr_span name, mr_group_offset offset) {
    int16_t error = check_partition(topic, offset.partition);
    if (error == MR_KAFKA_NONE && offset.metadata.bytes > METADATA_BYTES_MAX) {
        error = MR_KAFKA_OFFSET_METADATA_TOO_LARGE;
    }
    if (error == MR_KAFKA_NONE) {
        offset.commit_ms = mr_broker_now_ms(c->call->broker);
        offset.expire_ms = c->expire_ms;
        c->entries[c->count++] = (mr_groups_entry){.topic = name, .offset = offset};
    }
    return error;
}

// ---- OffsetCommit ----------------------------------------------------------------------------

static void commit_fail(mr_call *call, int16_t error) {
    mr_wire_offset_commit_response *response = call->response;
    for (int32_t i = 0; i < response->topics_count; i++) {
        mr_wire_offset_commit_done_topic *topic = &response->topics[i];
        for (int32_t j = 0; j < topic->partitions_count; j++) {
            mr_wire_offset_commit_done *done = &topic->partitions[j];
            done->error_code = done->error_code == MR_KAFKA_NONE ? error : done->error_code;
        }
    }
}

static void commit_topic(commit *c, const mr_wire_offset_commit_topic *asked,
                         mr_wire_offset_commit_done_topic *out) {
    mr_topic *topic = NULL;
    int16_t error = find_topic(c->call, asked->name, &topic);
    out->name = asked->name;
    out->partitions =
        MR_NEW_ARRAY(c->call->arena, mr_wire_offset_commit_done, (size_t)asked->partitions_count);
    out->partitions_count = asked->partitions_count;
    for (int32_t i = 0; i < asked->partitions_count; i++) {
        const mr_wire_offset_commit_partition *partition = &asked->partitions[i];
        mr_group_offset offset = {
            .partition = partition->partition_index,
            .leader_epoch = partition->committed_leader_epoch,
            .offset = partition->committed_offset,
            .metadata = partition->committed_metadata,
        };
        out->partitions[i] = (mr_wire_offset_commit_done){
            .partition_index = partition->partition_index,
            .error_code = error != MR_KAFKA_NONE ? error : add_entry(c, topic, asked->name, offset),
        };
    }
    mr_topic_release(topic);
}

static commit commit_of(mr_call *call) {
    const mr_wire_offset_commit_request *request = call->request;
    mr_wire_offset_commit_response *response = call->response;
    size_t count = 0;
    for (int32_t i = 0; i < request->topics_count; i++) {
        count += (size_t)request->topics[i].partitions_count;
    }
    commit c = {
        .call = call,
        .entries = MR_NEW_ARRAY(call->arena, mr_groups_entry, count),
        .expire_ms = request->retention_time_ms < 0
                         ? -1
                         : mr_broker_now_ms(call->broker) + request->retention_time_ms,
    };
    response->topics =
        MR_NEW_ARRAY(call->arena, mr_wire_offset_commit_done_topic, (size_t)request->topics_count);
    response->topics_count = request->topics_count;
    for (int32_t i = 0; i < request->topics_count; i++) {
        commit_topic(&c, &request->topics[i], &response->topics[i]);
    }
    return c;
}

// The group of a commit: of one that is not there, members know nothing yet, and others make it.
static int16_t check_commit(const mr_call *call, mr_groups *groups, mr_group **ret) {
    const mr_wire_offset_commit_request *request = call->request;
    int32_t generation = request->generation_id_or_member_epoch;
    *ret = mr_groups_get(groups, request->group_id);
    if (*ret == NULL && generation >= 0) {
        return call->head.version >= 9 ? MR_KAFKA_GROUP_ID_NOT_FOUND : MR_KAFKA_ILLEGAL_GENERATION;
    }
    if (*ret == NULL) {
        *ret = mr_groups_obtain(groups, request->group_id);
        return MR_KAFKA_NONE;
    }
    int16_t error = mr_group_check_commit(*ret, request->member_id, request->group_instance_id,
                                          generation, /* transactional= */ false);
    // Who commits lives.
    mr_group_member *member =
        error == MR_KAFKA_NONE ? mr_group_member_of(*ret, request->member_id) : NULL;
    if (member != NULL) {
        mr_group_arm_session(*ret, member, &groups->host);
    }
    return error;
}

void mr_api_offset_commit(mr_call *call, mr_cx *cx) {
    const mr_wire_offset_commit_request *request = call->request;
    mr_groups *groups = mr_broker_groups(call->broker);
    commit c = commit_of(call);
    if (!mr_call_may(call, MR_OPERATION_READ, MR_RESOURCE_GROUP, request->group_id)) {
        commit_fail(call, MR_KAFKA_GROUP_AUTHORIZATION_FAILED);
        return;
    }
    if (c.count == 0) {
        return;
    }
    int16_t error = mr_groups_ready(groups, cx);
    int64_t after = -1;
    if (error == MR_KAFKA_NONE) {
        mr_groups_lock(groups, cx);
        mr_group *group = NULL;
        error = check_commit(call, groups, &group);
        if (error == MR_KAFKA_NONE) {
            mr_groups_change change = {
                .entries = c.entries, .count = c.count, .producer = {.id = -1}};
            error = mr_groups_write(groups, group, &change, &after);
            mr_groups_tidy(groups, group);
        }
        mr_groups_unlock(groups, request->group_id);
    }
    if (error != MR_KAFKA_NONE) {
        commit_fail(call, error);
        return;
    }
    mr_groups_settle(call, after, commit_fail, cx);
}

// ---- TxnOffsetCommit -------------------------------------------------------------------------

static void txn_fail(mr_call *call, int16_t error) {
    mr_wire_txn_offset_commit_response *response = call->response;
    for (int32_t i = 0; i < response->topics_count; i++) {
        mr_wire_txn_offset_commit_done_topic *topic = &response->topics[i];
        for (int32_t j = 0; j < topic->partitions_count; j++) {
            mr_wire_txn_offset_commit_done *done = &topic->partitions[j];
            done->error_code = done->error_code == MR_KAFKA_NONE ? error : done->error_code;
        }
    }
}

static void txn_topic(commit *c, const mr_wire_txn_offset_commit_topic *asked,
                      mr_wire_txn_offset_commit_done_topic *out) {
    mr_topic *topic = NULL;
    int16_t error = find_topic(c->call, asked->name, &topic);
    out->name = asked->name;
    out->partitions = MR_NEW_ARRAY(c->call->arena, mr_wire_txn_offset_commit_done,
                                   (size_t)asked->partitions_count);
    out->partitions_count = asked->partitions_count;
    for (int32_t i = 0; i < asked->partitions_count; i++) {
        const mr_wire_txn_offset_commit_partition *partition = &asked->partitions[i];
        mr_group_offset offset = {
            .partition = partition->partition_index,
            .leader_epoch = partition->committed_leader_epoch,
            .offset = partition->committed_offset,
            .metadata = partition->committed_metadata,
        };
        out->partitions[i] = (mr_wire_txn_offset_commit_done){
            .partition_index = partition->partition_index,
            .error_code = error != MR_KAFKA_NONE ? error : add_entry(c, topic, asked->name, offset),
        };
    }
    mr_topic_release(topic);
}

static commit txn_of(mr_call *call) {
    const mr_wire_txn_offset_commit_request *request = call->request;
    mr_wire_txn_offset_commit_response *response = call->response;
    size_t count = 0;
    for (int32_t i = 0; i < request->topics_count; i++) {
        count += (size_t)request->topics[i].partitions_count;
    }
    commit c = {
        .call = call,
        .entries = MR_NEW_ARRAY(call->arena, mr_groups_entry, count),
        .expire_ms = -1,
    };
    response->topics = MR_NEW_ARRAY(call->arena, mr_wire_txn_offset_commit_done_topic,
                                    (size_t)request->topics_count);
    response->topics_count = request->topics_count;
    for (int32_t i = 0; i < request->topics_count; i++) {
        txn_topic(&c, &request->topics[i], &response->topics[i]);
    }
    return c;
}

static int16_t check_txn(const mr_call *call) {
    const mr_wire_txn_offset_commit_request *request = call->request;
    if (!mr_call_may(call, MR_OPERATION_WRITE, MR_RESOURCE_TRANSACTIONAL_ID,
                     request->transactional_id)) {
        return MR_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    }
    if (!mr_call_may(call, MR_OPERATION_READ, MR_RESOURCE_GROUP, request->group_id)) {
        return MR_KAFKA_GROUP_AUTHORIZATION_FAILED;
    }
    return request->group_id.bytes == 0 ? MR_KAFKA_INVALID_GROUP_ID : MR_KAFKA_NONE;
}

static int16_t txn_write(const commit *c, int64_t *ret_after, mr_cx *cx) {
    const mr_wire_txn_offset_commit_request *request = c->call->request;
    mr_groups *groups = mr_broker_groups(c->call->broker);
    mr_groups_lock(groups, cx);
    mr_group *group = mr_groups_get(groups, request->group_id);
    int16_t error = MR_KAFKA_NONE;
    if (group != NULL) {
        error = mr_group_check_commit(group, request->member_id, request->group_instance_id,
                                      request->generation_id, /* transactional= */ true);
    } else if (request->generation_id >= 0) {
        error = MR_KAFKA_ILLEGAL_GENERATION;
    } else {
        group = mr_groups_obtain(groups, request->group_id);
    }
    if (error == MR_KAFKA_NONE) {
        mr_groups_change change = {
            .entries = c->entries,
            .count = c->count,
            .producer = {.id = request->producer_id, .epoch = request->producer_epoch},
        };
        error = mr_groups_write(groups, group, &change, ret_after);
        mr_groups_tidy(groups, group);
    }
    mr_groups_unlock(groups, request->group_id);
    return error;
}

void mr_api_txn_offset_commit(mr_call *call, mr_cx *cx) {
    const mr_wire_txn_offset_commit_request *request = call->request;
    mr_groups *groups = mr_broker_groups(call->broker);
    mr_transactions *transactions = mr_broker_transactions(call->broker);
    commit c = txn_of(call);
    int16_t error = check_txn(call);
    error = error != MR_KAFKA_NONE ? error : mr_groups_ready(groups, cx);
    if (error != MR_KAFKA_NONE || c.count == 0) {
        txn_fail(call, error);
        return;
    }
    mr_transaction_use use = {
        .transactional_id = request->transactional_id,
        .producer_id = request->producer_id,
        .producer_epoch = request->producer_epoch,
        .partition = groups->partition,
        .adds = call->head.version >= 5,
        .abortable = call->head.version >= 4,
    };
    if (mr_transactions_use(transactions, &use, &error, cx) != MR_OK) {
        mr_broker_say(call->broker, "cannot commit offsets of transaction \"%.*s\": %s",
                      MR_SPAN_ARGS(request->transactional_id), cx->error.text);
        error = MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
    int64_t after = -1;
    if (error == MR_KAFKA_NONE) {
        error = txn_write(&c, &after, cx);
        mr_transactions_used(transactions, &use);
    } else if (error == MR_KAFKA_CONCURRENT_TRANSACTIONS) {
        error = MR_KAFKA_COORDINATOR_LOAD_IN_PROGRESS;  // Which every client tries again.
    }
    if (error != MR_KAFKA_NONE) {
        txn_fail(call, error);
        return;
    }
    if (use.ret_waits_for != NULL) {
        mr_groups_settle_beside(call, use.ret_waits_for, use.ret_offset);
    }
    mr_groups_settle(call, after, txn_fail, cx);
}

// ---- OffsetDelete ----------------------------------------------------------------------------

static void delete_fail(mr_call *call, int16_t error) {
    mr_wire_offset_delete_response *response = call->response;
    mr_wire_clear(&mr_schema_offset_delete_response, response);
    response->error_code = error;
}

static void delete_topic(commit *c, const mr_group *group, const mr_wire_offset_delete_topic *asked,
                         mr_wire_offset_delete_done_topic *out) {
    mr_topic *topic = NULL;
    int16_t error = find_topic(c->call, asked->name, &topic);
    if (error == MR_KAFKA_NONE && mr_group_reads_topic(group, asked->name)) {
        error = MR_KAFKA_GROUP_SUBSCRIBED_TO_TOPIC;
    }
    out->name = asked->name;
    out->partitions =
        MR_NEW_ARRAY(c->call->arena, mr_wire_offset_delete_done, (size_t)asked->partitions_count);
    out->partitions_count = asked->partitions_count;
    for (int32_t i = 0; i < asked->partitions_count; i++) {
        int32_t number = asked->partitions[i].partition_index;
        int16_t one = error != MR_KAFKA_NONE ? error : check_partition(topic, number);
        out->partitions[i] =
            (mr_wire_offset_delete_done){.partition_index = number, .error_code = one};
        if (one == MR_KAFKA_NONE &&
            (mr_group_offsets_get(&group->offsets, asked->name, number) != NULL ||
             mr_group_is_pending(group, asked->name, number))) {
            c->entries[c->count++] =
                (mr_groups_entry){asked->name, {.partition = number}, /* gone= */ true};
        }
    }
    mr_topic_release(topic);
}

static int16_t delete_offsets(mr_call *call, mr_group *group, int64_t *ret_after) {
    const mr_wire_offset_delete_request *request = call->request;
    mr_wire_offset_delete_response *response = call->response;
    if (group == NULL) {
        return MR_KAFKA_GROUP_ID_NOT_FOUND;
    }
    if (group->state != MR_GROUP_EMPTY && !mr_group_is_consumers(group)) {
        return MR_KAFKA_NON_EMPTY_GROUP;
    }
    size_t count = 0;
    for (int32_t i = 0; i < request->topics_count; i++) {
        count += (size_t)request->topics[i].partitions_count;
    }
    commit c = {.call = call, .entries = MR_NEW_ARRAY(call->arena, mr_groups_entry, count)};
    response->topics =
        MR_NEW_ARRAY(call->arena, mr_wire_offset_delete_done_topic, (size_t)request->topics_count);
    response->topics_count = request->topics_count;
    for (int32_t i = 0; i < request->topics_count; i++) {
        delete_topic(&c, group, &request->topics[i], &response->topics[i]);
    }
    mr_groups_change change = {.entries = c.entries, .count = c.count, .producer = {.id = -1}};
    return mr_groups_write(mr_broker_groups(call->broker), group, &change, ret_after);
}

void mr_api_offset_delete(mr_call *call, mr_cx *cx) {
    const mr_wire_offset_delete_request *request = call->request;
    mr_groups *groups = mr_broker_groups(call->broker);
    int16_t error = request->group_id.bytes == 0 ? MR_KAFKA_INVALID_GROUP_ID : MR_KAFKA_NONE;
    if (!mr_call_may(call, MR_OPERATION_DELETE, MR_RESOURCE_GROUP, request->group_id)) {
        error = MR_KAFKA_GROUP_AUTHORIZATION_FAILED;
    }
    int64_t after = -1;
    if (error == MR_KAFKA_NONE) {
        mr_groups_lock(groups, cx);
        error = delete_offsets(call, mr_groups_get(groups, request->group_id), &after);
        mr_groups_unlock(groups, request->group_id);
    }
    if (error != MR_KAFKA_NONE) {
        delete_fail(call, error);
        return;
    }
    mr_groups_settle(call, after, delete_fail, cx);
}
