// Api cluster: DescribeCluster, AlterReplicaLogDirs, DescribeLogDirs, ElectLeaders,
// AlterPartitionReassignments, ListPartitionReassignments, DescribeQuorum: what a cluster of one
// node has to say.
//
// Also: mr_api_

#include <inttypes.h>
#include <string.h>

#include "broker/answer.h"
#include "broker/api.h"

// ---- DescribeCluster --------------------------------------------------------------------------

void mr_api_describe_cluster(mr_call *call, mr_cx *cx) {
    const mr_wire_describe_cluster_request *q = call->request;
    mr_wire_describe_cluster_response *r = call->response;
    r->endpoint_type = q->endpoint_type;
    if (q->endpoint_type != 1) {  // Of the controllers, which have no listener of their own.
        r->error_code = q->endpoint_type == 2 ? MR_KAFKA_MISMATCHED_ENDPOINT_TYPE
                                              : MR_KAFKA_UNSUPPORTED_ENDPOINT_TYPE;
        r->error_message = mr_span_of(mr_kafka_error_text(r->error_code));
        return;
    }
    const char *host;
    uint16_t port;
    mr_client_advertised(call->client, &host, &port);
    r->cluster_id = mr_span_of(mr_broker_cluster_id(call->broker));
    r->controller_id = MR_BROKER_NODE;
    r->brokers = MR_NEW(cx->arena, mr_wire_describe_cluster_broker);
    r->brokers_count = 1;
    r->brokers->broker_id = MR_BROKER_NODE;
    r->brokers->host = mr_span_of(mr_arena_string(cx->arena, host));
    r->brokers->port = port;
    r->cluster_authorized_operations =
        q->include_cluster_authorized_operations ? mr_api_cluster_operations(call) : INT32_MIN;
}

// ---- DescribeLogDirs --------------------------------------------------------------------------

static bool is_wanted(const mr_wire_describe_log_dirs_request *q, const mr_topic_partition *p) {
    bool wanted = q->topics_count < 0;
    for (int32_t t = 0; t < q->topics_count && !wanted; t++) {
        const mr_wire_describe_log_dirs_topic *topic = &q->topics[t];
        for (int32_t i = 0; i < topic->partitions_count && !wanted; i++) {
            wanted = topic->partitions[i] == p->number && mr_span_is(topic->topic, p->topic->name);
        }
    }
    return wanted;
}

static void log_dir_topic(const mr_wire_describe_log_dirs_request *q, const mr_topic *topic,
                          mr_wire_describe_log_dirs_dir *dir, mr_cx *cx) {
    mr_wire_describe_log_dirs_found_topic *to = &dir->topics[dir->topics_count];
    to->name = mr_span_of(mr_arena_string(cx->arena, topic->name));
    to->partitions =
        MR_NEW_ARRAY(cx->arena, mr_wire_describe_log_dirs_found, topic->partition_count);
    for (uint32_t p = 0; p < topic->partition_count; p++) {
        mr_topic_partition *partition = topic->partitions[p];
        if (is_wanted(q, partition)) {
            to->partitions[to->partitions_count++] = (mr_wire_describe_log_dirs_found){
                .partition_index = partition->number,
                .partition_size = (int64_t)mr_log_bytes(partition->log),
            };
        }
    }
    dir->topics_count += to->partitions_count > 0;
}

void mr_api_describe_log_dirs(mr_call *call, mr_cx *cx) {
    const mr_wire_describe_log_dirs_request *q = call->request;
    mr_wire_describe_log_dirs_response *r = call->response;
    if (!mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER)) {
        r->error_code = MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        return;
    }
    mr_topics *topics = mr_broker_topics(call->broker);
    uint32_t count = 0;
    mr_topic **list = mr_topics_list(topics, &count, cx);
    r->results = MR_NEW(cx->arena, mr_wire_describe_log_dirs_dir);
    r->results_count = 1;
    r->results->log_dir = mr_span_of(mr_arena_string(cx->arena, mr_topics_dir(topics)));
    r->results->total_bytes = r->results->usable_bytes = -1;
    r->results->topics = MR_NEW_ARRAY(cx->arena, mr_wire_describe_log_dirs_found_topic, count);
    for (uint32_t t = 0; t < count; t++) {
        log_dir_topic(q, list[t], r->results, cx);
        mr_topic_release(list[t]);
    }
}

// ---- AlterReplicaLogDirs -----------------------------------------------------------------------

typedef enum presence { TOPIC_ABSENT, PARTITION_ABSENT, PRESENT } presence;

static presence presence_of(mr_call *call, mr_span topic_name, int32_t number) {
    mr_topic *topic = mr_topics_find(mr_broker_topics(call->broker), topic_name);
    presence is = topic == NULL                                  ? TOPIC_ABSENT
                  : mr_topic_partition_of(topic, number) == NULL ? PARTITION_ABSENT
                                                                 : PRESENT;
    mr_topic_release(topic);
    return is;
}

// There is one folder, and all are in it.
static int16_t move_to(mr_call *call, mr_span dir, mr_span topic_name, int32_t number) {
    if (!mr_span_is(dir, mr_topics_dir(mr_broker_topics(call->broker)))) {
        return MR_KAFKA_LOG_DIR_NOT_FOUND;
    }
    return presence_of(call, topic_name, number) == PRESENT ? MR_KAFKA_NONE
                                                            : MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
}

void mr_api_alter_replica_log_dirs(mr_call *call, mr_cx *cx) {
    const mr_wire_alter_replica_log_dirs_request *q = call->request;
    mr_wire_alter_replica_log_dirs_response *r = call->response;
    bool may = mr_call_may(call, MR_OPERATION_ALTER, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER);
    size_t count = 0;
    for (int32_t d = 0; d < q->dirs_count; d++) {
        count += (size_t)MR_MAX(0, q->dirs[d].topics_count);
    }
    r->results = MR_NEW_ARRAY(cx->arena, mr_wire_alter_replica_log_dirs_done_topic, count);
    for (int32_t d = 0; d < q->dirs_count; d++) {
        for (int32_t t = 0; t < q->dirs[d].topics_count; t++) {
            const mr_wire_alter_replica_log_dirs_topic *wish = &q->dirs[d].topics[t];
            mr_wire_alter_replica_log_dirs_done_topic *to = &r->results[r->results_count++];
            to->topic_name = wish->name;
            to->partitions_count = MR_MAX(0, wish->partitions_count);
            to->partitions = MR_NEW_ARRAY(cx->arena, mr_wire_alter_replica_log_dirs_done,
                                          (size_t)to->partitions_count);
            for (int32_t p = 0; p < to->partitions_count; p++) {
                to->partitions[p].partition_index = wish->partitions[p];
                to->partitions[p].error_code =
                    may ? move_to(call, q->dirs[d].path, wish->name, wish->partitions[p])
                        : MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
            }
        }
    }
}

// ---- ElectLeaders -----------------------------------------------------------------------------

// The one replica leads already, if the partition is there.
static mr_wire_elect_leaders_done elect(mr_call *call, mr_span topic_name, int32_t number,
                                        mr_cx *cx) {
    mr_wire_elect_leaders_done done = {.partition_id = number};
    presence is = presence_of(call, topic_name, number);
    bool there = is == PRESENT;
    done.error_code = there ? MR_KAFKA_ELECTION_NOT_NEEDED : MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    done.error_message =
        there ? mr_span_of(mr_kafka_error_text(done.error_code))
        : is == TOPIC_ABSENT
            ? mr_span_of(
                  mr_arena_printf(cx->arena, "No such topic as %.*s", MR_SPAN_ARGS(topic_name)))
            : mr_span_of(mr_arena_printf(cx->arena, "No such partition as %.*s-%" PRId32,
                                         MR_SPAN_ARGS(topic_name), number));
    return done;
}

void mr_api_elect_leaders(mr_call *call, mr_cx *cx) {
    const mr_wire_elect_leaders_request *q = call->request;
    mr_wire_elect_leaders_response *r = call->response;
    if (!mr_call_may(call, MR_OPERATION_ALTER, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER)) {
        r->error_code = MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        return;
    }
    size_t count = (size_t)MR_MAX(0, q->topic_partitions_count);  // null: all that need it, none.
    r->replica_election_results = MR_NEW_ARRAY(cx->arena, mr_wire_elect_leaders_done_topic, count);
    r->replica_election_results_count = (int32_t)count;
    for (size_t t = 0; t < count; t++) {
        const mr_wire_elect_leaders_topic *wish = &q->topic_partitions[t];
        mr_wire_elect_leaders_done_topic *to = &r->replica_election_results[t];
        to->topic = wish->topic;
        to->partition_result_count = MR_MAX(0, wish->partitions_count);
        to->partition_result =
            MR_NEW_ARRAY(cx->arena, mr_wire_elect_leaders_done, (size_t)to->partition_result_count);
        for (int32_t p = 0; p < to->partition_result_count; p++) {
            to->partition_result[p] = elect(call, wish->topic, wish->partitions[p], cx);
        }
    }
}

// ---- AlterPartitionReassignments --------------------------------------------------------------

// There is one node, so a partition is where it is asked to be, or cannot be.
static mr_outcome reassign(mr_call *call, mr_span topic_name,
                           const mr_wire_alter_partition_reassignments_partition *wish, mr_cx *cx) {
    presence is = presence_of(call, topic_name, wish->partition_index);
    if (is != PRESENT) {
        const char *words =
            is == TOPIC_ABSENT
                ? mr_arena_printf(cx->arena, "Unable to find a topic named %.*s.",
                                  MR_SPAN_ARGS(topic_name))
                : mr_arena_printf(cx->arena, "Unable to find partition %.*s:%" PRId32 ".",
                                  MR_SPAN_ARGS(topic_name), wish->partition_index);
        return (mr_outcome){MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, words};
    }
    if (wish->replicas_count < 0) {  // null: end the one that is under way.
        return (mr_outcome){MR_KAFKA_NO_REASSIGNMENT_IN_PROGRESS, NULL};
    }
    const char *words = wish->replicas_count == 0
                            ? "The manual partition assignment includes an empty replica list."
                            : NULL;
    for (int32_t i = 0; i < wish->replicas_count && words == NULL; i++) {
        if (wish->replicas[i] != MR_BROKER_NODE) {
            words = mr_arena_printf(cx->arena,
                                    "The manual partition assignment includes broker %" PRId32
                                    ", but no such broker is registered.",
                                    wish->replicas[i]);
        } else if (i > 0) {
            words = mr_arena_printf(
                cx->arena, "The manual partition assignment includes the broker %d more than once.",
                MR_BROKER_NODE);
        }
    }
    return (mr_outcome){words == NULL ? MR_KAFKA_NONE : MR_KAFKA_INVALID_REPLICA_ASSIGNMENT, words};
}

void mr_api_alter_partition_reassignments(mr_call *call, mr_cx *cx) {
    const mr_wire_alter_partition_reassignments_request *q = call->request;
    mr_wire_alter_partition_reassignments_response *r = call->response;
    if (!mr_call_may(call, MR_OPERATION_ALTER, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER)) {
        r->error_code = MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        r->error_message = mr_span_of(mr_kafka_error_text(r->error_code));
        return;
    }
    r->responses_count = MR_MAX(0, q->topics_count);
    r->responses = MR_NEW_ARRAY(cx->arena, mr_wire_alter_partition_reassignments_done_topic,
                                (size_t)r->responses_count);
    for (int32_t t = 0; t < r->responses_count; t++) {
        const mr_wire_alter_partition_reassignments_topic *wish = &q->topics[t];
        mr_wire_alter_partition_reassignments_done_topic *to = &r->responses[t];
        to->name = wish->name;
        to->partitions_count = MR_MAX(0, wish->partitions_count);
        to->partitions = MR_NEW_ARRAY(cx->arena, mr_wire_alter_partition_reassignments_done,
                                      (size_t)to->partitions_count);
        for (int32_t p = 0; p < to->partitions_count; p++) {
            mr_outcome outcome = reassign(call, wish->name, &wish->partitions[p], cx);
            to->partitions[p].partition_index = wish->partitions[p].partition_index;
            to->partitions[p].error_code = outcome.error;
            to->partitions[p].error_message = mr_answer_reason(outcome);
        }
    }
}

// ---- ListPartitionReassignments ---------------------------------------------------------------

void mr_api_list_partition_reassignments(mr_call *call, mr_cx *cx) {
    (void)cx;
    mr_wire_list_partition_reassignments_response *r = call->response;
    if (!mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER)) {
        r->error_code = MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        r->error_message = mr_span_of(mr_kafka_error_text(r->error_code));
    }
}

// ---- DescribeQuorum ---------------------------------------------------------------------------

// One voter that is its own leader. There is no metadata log: its offset stands
// at 0.
void mr_api_describe_quorum(mr_call *call, mr_cx *cx) {
    const mr_wire_describe_quorum_request *q = call->request;
    mr_wire_describe_quorum_response *r = call->response;
    if (!mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER)) {
        r->error_code = MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        return;
    }
    int64_t now_ms = mr_broker_now_ms(call->broker);
    r->topics_count = MR_MAX(0, q->topics_count);
    r->topics =
        MR_NEW_ARRAY(cx->arena, mr_wire_describe_quorum_found_topic, (size_t)r->topics_count);
    for (int32_t t = 0; t < r->topics_count; t++) {
        const mr_wire_describe_quorum_topic *wish = &q->topics[t];
        mr_wire_describe_quorum_found_topic *to = &r->topics[t];
        to->topic_name = wish->topic_name;
        to->partitions_count = MR_MAX(0, wish->partitions_count);
        to->partitions =
            MR_NEW_ARRAY(cx->arena, mr_wire_describe_quorum_found, (size_t)to->partitions_count);
        for (int32_t p = 0; p < to->partitions_count; p++) {
            mr_wire_describe_quorum_found *found = &to->partitions[p];
            found->partition_index = wish->partitions[p].partition_index;
            if (!mr_span_is(wish->topic_name, "__cluster_metadata") ||
                found->partition_index != 0) {
                found->error_code = MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
                continue;
            }
            found->leader_id = MR_BROKER_NODE;
            found->leader_epoch = 1;
            found->current_voters = MR_NEW(cx->arena, mr_wire_describe_quorum_replica);
            found->current_voters_count = 1;
            *found->current_voters = (mr_wire_describe_quorum_replica){
                .replica_id = MR_BROKER_NODE,
                .last_fetch_timestamp = now_ms,
                .last_caught_up_timestamp = now_ms,
            };
        }
    }
    const char *host;
    uint16_t port;
    mr_client_advertised(call->client, &host, &port);
    r->nodes = MR_NEW(cx->arena, mr_wire_describe_quorum_node);
    r->nodes_count = 1;
    r->nodes->node_id = MR_BROKER_NODE;
    r->nodes->listeners = MR_NEW(cx->arena, mr_wire_describe_quorum_listener);
    r->nodes->listeners_count = 1;
    r->nodes->listeners->name = MR_SPAN("CONTROLLER");
    r->nodes->listeners->host = mr_span_of(mr_arena_string(cx->arena, host));
    r->nodes->listeners->port = port;
}
