// Api, metadata: what the server offers, where it is, and which topics there are.
//
// Every answer names one node: this one, under the address that the client has dialled.
//
// Also: mr_api_

#include <string.h>

#include "broker/api.h"
#include "broker/groups.h"
#include "broker/topics.h"
#include "broker/transactions.h"

// ---- ApiVersions -------------------------------------------------------------------------------

// Transactions of version 2 (KIP-890) are offered once all that they are made of is.
static bool offers_transactions_2(void) {
    const mr_api *produce = mr_api_find(MR_KEY_produce);
    const mr_api *commit = mr_api_find(MR_KEY_txn_offset_commit);
    const mr_api *end = mr_api_find(MR_KEY_end_txn);
    return produce != NULL && produce->version_max >= 12 && commit != NULL &&
           commit->version_max >= 5 && end != NULL && end->version_max >= 5;
}

static void features_fill(const mr_call *call, mr_wire_api_versions_response *r) {
    if (!offers_transactions_2()) {
        return;
    }
    // A client of version 3 or less does not take a feature whose least level is 0 (KAFKA-17011).
    if (call->head.version >= 4) {
        r->supported_features = MR_NEW(call->arena, mr_wire_api_versions_supported);
        r->supported_features_count = 1;
        r->supported_features[0].name = MR_SPAN("transaction.version");
        r->supported_features[0].min_version = 0;
        r->supported_features[0].max_version = 2;
    }
    r->finalized_features_epoch = 0;
    r->finalized_features = MR_NEW(call->arena, mr_wire_api_versions_finalized);
    r->finalized_features_count = 1;
    r->finalized_features[0].name = MR_SPAN("transaction.version");
    r->finalized_features[0].max_version_level = 2;
    r->finalized_features[0].min_version_level = 2;
}

void mr_api_api_versions(mr_call *call, mr_cx *cx) {
    mr_wire_api_versions_response *r = call->response;
    size_t count = 0;
    const mr_api *apis = mr_api_list(&count);
    r->api_keys = MR_NEW_ARRAY(cx->arena, mr_wire_api_versions_key, count);
    for (size_t i = 0; i < count; i++) {
        if (call->request != NULL || apis[i].key == MR_KEY_api_versions) {
            r->api_keys[r->api_keys_count++] =
                (mr_wire_api_versions_key){apis[i].key, apis[i].version_min, apis[i].version_max};
        }
    }
    if (call->request == NULL) {  // A version that we do not know: which ones we do (KIP-511).
        r->error_code = MR_KAFKA_UNSUPPORTED_VERSION;
        return;
    }
    const mr_wire_api_versions_request *q = call->request;
    if (call->head.version >= 3) {
        mr_client_set_software(call->client, q->client_software_name, q->client_software_version);
        features_fill(call, r);
    }
}

// ---- Metadata ----------------------------------------------------------------------------------

static const mr_operation topic_operations[] = {MR_OPERATION_READ,
                                                MR_OPERATION_WRITE,
                                                MR_OPERATION_CREATE,
                                                MR_OPERATION_DELETE,
                                                MR_OPERATION_ALTER,
                                                MR_OPERATION_DESCRIBE,
                                                MR_OPERATION_DESCRIBE_CONFIGS,
                                                MR_OPERATION_ALTER_CONFIGS};
static const mr_operation cluster_operations[] = {
    MR_OPERATION_CREATE,           MR_OPERATION_ALTER,
    MR_OPERATION_DESCRIBE,         MR_OPERATION_CLUSTER_ACTION,
    MR_OPERATION_DESCRIBE_CONFIGS, MR_OPERATION_ALTER_CONFIGS,
    MR_OPERATION_IDEMPOTENT_WRITE};

int32_t mr_api_topic_operations(const mr_call *call, mr_span name) {
    int32_t bits = 0;
    for (size_t i = 0; i < MR_COUNT(topic_operations); i++) {
        bits |= mr_call_may(call, topic_operations[i], MR_RESOURCE_TOPIC, name)
                    ? 1 << topic_operations[i]
                    : 0;
    }
    return bits;
}

int32_t mr_api_cluster_operations(const mr_call *call) {
    int32_t bits = 0;
    for (size_t i = 0; i < MR_COUNT(cluster_operations); i++) {
        bits |=
            mr_call_may(call, cluster_operations[i], MR_RESOURCE_CLUSTER, MR_SPAN("kafka-cluster"))
                ? 1 << cluster_operations[i]
                : 0;
    }
    return bits;
}

static void partition_fill(const mr_topic_partition *partition, mr_wire_metadata_partition *ret,
                           mr_cx *cx) {
    int32_t *self = MR_NEW(cx->arena, int32_t);
    *self = MR_BROKER_NODE;
    bool offline = mr_log_offline(partition->log, /* ret_why= */ NULL);
    *ret = (mr_wire_metadata_partition){
        .error_code = offline ? MR_KAFKA_LEADER_NOT_AVAILABLE : MR_KAFKA_NONE,
        .partition_index = partition->number,
        .leader_id = offline ? -1 : MR_BROKER_NODE,
        .leader_epoch = 0,
        .replica_nodes = self,
        .replica_nodes_count = 1,
        .isr_nodes = self,
        .isr_nodes_count = offline ? 0 : 1,
        .offline_replicas = self,
        .offline_replicas_count = offline ? 1 : 0,
    };
}

static void topic_fill(const mr_call *call, const mr_topic *topic, mr_wire_metadata_topic *ret,
                       mr_cx *cx) {
    const mr_wire_metadata_request *q = call->request;
    ret->error_code = MR_KAFKA_NONE;
    ret->name = mr_span_of(mr_arena_string(cx->arena, topic->name));
    ret->topic_id = topic->id;
    ret->is_internal = topic->internal;
    ret->partitions_count = (int32_t)topic->partition_count;
    ret->partitions = MR_NEW_ARRAY(cx->arena, mr_wire_metadata_partition, topic->partition_count);
    for (uint32_t i = 0; i < topic->partition_count; i++) {
        partition_fill(topic->partitions[i], &ret->partitions[i], cx);
    }
    if (q->include_topic_authorized_operations) {
        ret->topic_authorized_operations = mr_api_topic_operations(call, ret->name);
    }
}

static bool may_describe(const mr_call *call, mr_span name) {
    return mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_TOPIC, name);
}

static bool may_create(const mr_call *call, mr_span name) {
    return mr_call_may(call, MR_OPERATION_CREATE, MR_RESOURCE_CLUSTER, MR_SPAN("kafka-cluster")) ||
           mr_call_may(call, MR_OPERATION_CREATE, MR_RESOURCE_TOPIC, name);
}

// Whether a missing topic is made because it is asked for; the broker's own are in any case.
static bool wants_topics(const mr_call *call) {
    const mr_wire_metadata_request *q = call->request;
    // Before version 4 a client could not say that it wants none made.
    bool wanted = call->head.version < 4 || q->allow_auto_topic_creation;
    return wanted && mr_broker_settings_of(call->broker)->auto_create_topics;
}

// The topic that a client asked for by name, or why there is none.
static int16_t topic_by_name(mr_call *call, mr_span name, mr_topic **ret, mr_cx *cx) {
    mr_topics *topics = mr_broker_topics(call->broker);
    if (!may_describe(call, name)) {
        return MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
    }
    *ret = mr_topics_find(topics, name);
    if (*ret != NULL) {
        return MR_KAFKA_NONE;
    }
    bool make = wants_topics(call);
    if (make && !may_create(call, name)) {
        return MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
    }
    mr_outcome outcome = {0};
    if (mr_topics_obtain(topics, name, make, ret, &outcome, cx) != MR_OK) {
        mr_broker_say(call->broker, "cannot make topic \"%.*s\": %s", MR_SPAN_ARGS(name),
                      cx->error.text);
        return MR_KAFKA_UNKNOWN_SERVER_ERROR;
    }
    return outcome.error;
}

static void wish_fill(mr_call *call, const mr_wire_metadata_wish *wish, mr_wire_metadata_topic *ret,
                      mr_cx *cx) {
    mr_topic *topic = NULL;
    ret->name = wish->name;
    ret->topic_id = wish->topic_id;
    if (wish->name.data != NULL) {
        ret->error_code = topic_by_name(call, wish->name, &topic, cx);
    } else {
        topic = mr_topics_find_id(mr_broker_topics(call->broker), &wish->topic_id);
        // Who may not see a topic learns nothing of it, not even that it is there.
        if (topic != NULL && !may_describe(call, mr_span_of(topic->name))) {
            mr_topic_release(topic);
            topic = NULL;
        }
        ret->error_code = topic == NULL ? MR_KAFKA_UNKNOWN_TOPIC_ID : MR_KAFKA_NONE;
        ret->name = call->head.version >= 12 ? ret->name : MR_SPAN("");
    }
    if (topic != NULL) {
        topic_fill(call, topic, ret, cx);
        mr_topic_release(topic);
    }
}

static void all_topics(mr_call *call, mr_wire_metadata_response *r, mr_cx *cx) {
    uint32_t count = 0;
    mr_topic **list = mr_topics_list(mr_broker_topics(call->broker), &count, cx);
    r->topics = MR_NEW_ARRAY(cx->arena, mr_wire_metadata_topic, count);
    for (uint32_t i = 0; i < count; i++) {
        if (may_describe(call, mr_span_of(list[i]->name))) {
            mr_wire_metadata_topic *to = &r->topics[r->topics_count++];
            mr_wire_clear(&mr_schema_metadata_topic, to);
            topic_fill(call, list[i], to, cx);
        }
        mr_topic_release(list[i]);
    }
}

static void metadata(mr_call *call, mr_cx *cx) {
    const mr_wire_metadata_request *q = call->request;
    mr_wire_metadata_response *r = call->response;
    const char *host;
    uint16_t port;
    mr_client_advertised(call->client, &host, &port);
    r->brokers = MR_NEW(cx->arena, mr_wire_metadata_broker);
    r->brokers_count = 1;
    r->brokers[0] = (mr_wire_metadata_broker){
        .node_id = MR_BROKER_NODE, .host = mr_span_of(host), .port = port};
    r->cluster_id = mr_span_of(mr_broker_cluster_id(call->broker));
    r->controller_id = MR_BROKER_NODE;
    if (q->include_cluster_authorized_operations) {
        r->cluster_authorized_operations = mr_api_cluster_operations(call);
    }
    // All topics: an empty list in version 0, which had no null, and null from then on.
    if (q->topics_count < 0 || (call->head.version == 0 && q->topics_count == 0)) {
        all_topics(call, r, cx);
        return;
    }
    r->topics = MR_NEW_ARRAY(cx->arena, mr_wire_metadata_topic, (size_t)q->topics_count);
    r->topics_count = q->topics_count;
    for (int32_t i = 0; i < q->topics_count; i++) {
        mr_wire_clear(&mr_schema_metadata_topic, &r->topics[i]);
        wish_fill(call, &q->topics[i], &r->topics[i], cx);
    }
}

// Whether a topic is missing that the answer would make: that takes syncs.
static bool makes_topics(const mr_call *call) {
    const mr_wire_metadata_request *q = call->request;
    bool wanted = wants_topics(call), missing = false;
    for (int32_t i = 0; i < q->topics_count && !missing; i++) {
        mr_span name = q->topics[i].name;
        if (wanted || mr_span_is(name, MR_TOPIC_OFFSETS) ||
            mr_span_is(name, MR_TOPIC_TRANSACTIONS)) {
            mr_topic *topic = mr_topics_find(mr_broker_topics(call->broker), name);
            missing = name.data != NULL && topic == NULL;
            mr_topic_release(topic);
        }
    }
    return missing;
}

void mr_api_metadata(mr_call *call, mr_cx *cx) {
    if (makes_topics(call)) {
        mr_call_leave(call, metadata);
    } else {
        metadata(call, cx);
    }
}

// ---- FindCoordinator ---------------------------------------------------------------------------

enum { COORDINATOR_GROUP = 0, COORDINATOR_TRANSACTION = 1 };

static int16_t coordinator_error(const mr_call *call, int8_t type, mr_span key) {
    if (type != COORDINATOR_GROUP && type != COORDINATOR_TRANSACTION) {
        return MR_KAFKA_INVALID_REQUEST;
    }
    if (type == COORDINATOR_GROUP) {
        return mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_GROUP, key)
                   ? MR_KAFKA_NONE
                   : MR_KAFKA_GROUP_AUTHORIZATION_FAILED;
    }
    return mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_TRANSACTIONAL_ID, key)
               ? MR_KAFKA_NONE
               : MR_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

static mr_span words_of(int16_t error) {
    const char *words = mr_kafka_error_text(error);
    return words == NULL ? (mr_span){NULL, 0} : mr_span_of(words);
}

static void find_coordinator(mr_call *call, mr_cx *cx) {
    const mr_wire_find_coordinator_request *q = call->request;
    mr_wire_find_coordinator_response *r = call->response;
    const char *host;
    uint16_t port;
    mr_client_advertised(call->client, &host, &port);
    if (call->head.version < 4) {
        r->error_code = coordinator_error(call, q->key_type, q->key);
        r->error_message = words_of(r->error_code);
        bool found = r->error_code == MR_KAFKA_NONE;
        r->node_id = found ? MR_BROKER_NODE : -1;
        r->host = mr_span_of(found ? host : "");
        r->port = found ? port : -1;
        return;
    }
    int32_t count = MR_MAX(q->coordinator_keys_count, 0);
    r->coordinators_count = count;
    r->coordinators = MR_NEW_ARRAY(cx->arena, mr_wire_find_coordinator_found, (size_t)count);
    for (int32_t i = 0; i < count; i++) {
        mr_span key = q->coordinator_keys[i];
        int16_t error = coordinator_error(call, q->key_type, key);
        bool found = error == MR_KAFKA_NONE;
        r->coordinators[i] = (mr_wire_find_coordinator_found){
            .key = key,
            .node_id = found ? MR_BROKER_NODE : -1,
            .host = mr_span_of(found ? host : ""),
            .port = found ? port : -1,
            .error_code = error,
            .error_message = words_of(error),
        };
    }
}

// As Kafka: whoever looks for a coordinator finds one with a log. If it cannot be made, the request
// that needs it says so.
static void find_with_log(mr_call *call, mr_cx *cx) {
    const mr_wire_find_coordinator_request *q = call->request;
    if (q->key_type == COORDINATOR_GROUP) {
        (void)mr_groups_ready(mr_broker_groups(call->broker), cx);
    } else {
        (void)!mr_transactions_log_make(mr_broker_transactions(call->broker), cx);
    }
    find_coordinator(call, cx);
}

void mr_api_find_coordinator(mr_call *call, mr_cx *cx) {
    const mr_wire_find_coordinator_request *q = call->request;
    bool ready = true;
    if (q->key_type == COORDINATOR_GROUP) {
        ready = mr_groups_is_ready(mr_broker_groups(call->broker));
    } else if (q->key_type == COORDINATOR_TRANSACTION) {
        ready = mr_transactions_has_log(mr_broker_transactions(call->broker));
    }
    if (ready) {
        find_coordinator(call, cx);
    } else {
        mr_call_leave(call, find_with_log);
    }
}
