// Api topics: CreateTopics, DeleteTopics, CreatePartitions,
// DescribeTopicPartitions.
//
// Words and codes are those of Kafka's controller. What this node cannot do for
// lack of others is as `broker.replication` says: a replication factor above 1
// is clamped to 1, or refused.
//
// Also: mr_api_

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker/answer.h"
#include "broker/api.h"
#include "broker/configs.h"
#include "broker/topics.h"

// What is written or cannot be: the outcome of a change, or of the machine's
// trouble.
static mr_outcome outcome_of(mr_code code, mr_outcome outcome, mr_cx *cx) {
    if (code == MR_OK) {
        return outcome;
    }
    return (mr_outcome){MR_KAFKA_KAFKA_STORAGE_ERROR, mr_arena_string(cx->arena, cx->error.text)};
}

// ---- CreateTopics -----------------------------------------------------------------------------

static bool may_create(const mr_call *call, mr_span name) {
    return mr_call_may(call, MR_OPERATION_CREATE, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER) ||
           mr_call_may(call, MR_OPERATION_CREATE, MR_RESOURCE_TOPIC, name);
}

static mr_outcome bad_assignment(const char *reason) {
    return (mr_outcome){MR_KAFKA_INVALID_REPLICA_ASSIGNMENT, reason};
}

static mr_outcome check_nodes(const int32_t *nodes, int32_t count, mr_cx *cx) {
    if (count <= 0) {
        return bad_assignment("The manual partition assignment includes an empty replica list.");
    }
    for (int32_t n = 0; n < count; n++) {
        if (nodes[n] != MR_BROKER_NODE) {
            return bad_assignment(
                mr_arena_printf(cx->arena,
                                "The manual partition assignment includes broker %" PRId32
                                ", but no such broker is registered.",
                                nodes[n]));
        }
    }
    return count == 1 ? (mr_outcome){MR_KAFKA_NONE, NULL}
                      : bad_assignment(
                            mr_arena_printf(cx->arena,
                                            "The manual partition assignment includes the broker "
                                            "%d more than once.",
                                            MR_BROKER_NODE));
}

// Partitions that are assigned by hand: all to this node, and from 0 on.
static mr_outcome check_assignments(const mr_wire_create_topics_topic *wish, mr_cx *cx) {
    if (wish->replication_factor != -1 || wish->num_partitions != -1) {
        bool factor = wish->replication_factor != -1;
        return (mr_outcome){MR_KAFKA_INVALID_REQUEST,
                            factor ? "A manual partition assignment was specified, "
                                     "but replication factor was not "
                                     "set to -1."
                                   : "A manual partition assignment was specified, "
                                     "but numPartitions was not set to "
                                     "-1."};
    }
    int32_t count = wish->assignments_count;
    bool *seen = MR_NEW_ARRAY(cx->arena, bool, (size_t)count);
    for (int32_t a = 0; a < count; a++) {
        const mr_wire_create_topics_assignment *item = &wish->assignments[a];
        mr_outcome outcome = check_nodes(item->broker_ids, item->broker_ids_count, cx);
        if (outcome.error != MR_KAFKA_NONE) {
            return outcome;
        }
        int32_t p = item->partition_index;
        if (p < 0 || p >= count) {
            return bad_assignment("partitions should be a consecutive 0-based integer sequence");
        }
        if (seen[p]) {
            return bad_assignment(mr_arena_printf(
                cx->arena, "Found multiple manual partition assignments for partition %" PRId32,
                p));
        }
        seen[p] = true;
    }
    return (mr_outcome){MR_KAFKA_NONE, NULL};
}

static mr_outcome read_wish(const mr_wire_create_topics_topic *wish, mr_topic_new *ret, mr_cx *cx) {
    mr_topic_setting *settings =
        MR_NEW_ARRAY(cx->arena, mr_topic_setting, (size_t)MR_MAX(0, wish->configs_count));
    for (int32_t c = 0; c < wish->configs_count; c++) {
        mr_span name = wish->configs[c].name, value = wish->configs[c].value;
        if (value.data == NULL) {
            return (mr_outcome){MR_KAFKA_INVALID_CONFIG,
                                mr_arena_printf(cx->arena,
                                                "Null value not supported for topic configs: %.*s",
                                                MR_SPAN_ARGS(name))};
        }
        settings[c].name = mr_arena_copy(cx->arena, name.data, name.bytes);
        settings[c].value = mr_arena_copy(cx->arena, value.data, value.bytes);
    }
    bool by_hand = wish->assignments_count > 0;
    *ret = (mr_topic_new){
        .name = mr_arena_copy(cx->arena, wish->name.data, wish->name.bytes),
        .partitions = by_hand ? wish->assignments_count : wish->num_partitions,
        .replication = by_hand ? 1 : wish->replication_factor,
        .settings = settings,
        .setting_count = (uint32_t)MR_MAX(0, wish->configs_count),
    };
    // A name with a NUL would end there.
    if (memchr(wish->name.data, '\0', wish->name.bytes) != NULL) {
        return (mr_outcome){MR_KAFKA_INVALID_TOPIC_EXCEPTION, "Topic name is invalid"};
    }
    return by_hand ? check_assignments(wish, cx) : (mr_outcome){MR_KAFKA_NONE, NULL};
}

// What was made, or would be: the caller sees it if it may see configs.
static void tell_configs(mr_call *call, const mr_topic_new *new, mr_wire_create_topics_done *ret,
                         mr_cx *cx) {
    if (!mr_call_may(call, MR_OPERATION_DESCRIBE_CONFIGS, MR_RESOURCE_TOPIC, ret->name)) {
        ret->topic_config_error_code = MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
        ret->configs_count = -1;
        return;
    }
    size_t count;
    const mr_config *list = mr_configs_list(MR_CONFIGS_OF_TOPICS, &count);
    mr_configs *configs = mr_topics_configs(mr_broker_topics(call->broker));
    mr_config_set set = {new->settings, new->setting_count};
    int64_t standard = mr_broker_settings_of(call->broker)->num_partitions;
    ret->num_partitions = new->partitions > 0 ? new->partitions : (int32_t)standard;
    ret->replication_factor = 1;
    ret->configs = MR_NEW_ARRAY(cx->arena, mr_wire_create_topics_done_config, count);
    ret->configs_count = (int32_t)count;
    for (size_t c = 0; c < count; c++) {
        mr_config_value value = mr_configs_topic_value(configs, &list[c], set, cx);
        ret->configs[c] = (mr_wire_create_topics_done_config){
            .name = mr_span_of(list[c].name),
            .value = mr_answer_nullable(value.value),
            .config_source = (int8_t)value.source,
        };
    }
}

static void create_one(mr_call *call, const mr_wire_create_topics_topic *wish, bool validate_only,
                       mr_wire_create_topics_done *ret, mr_cx *cx) {
    mr_topic_new new = {0};
    mr_topic *topic = NULL;
    mr_outcome outcome = {MR_KAFKA_TOPIC_AUTHORIZATION_FAILED, "Authorization failed."};
    ret->name = wish->name;
    ret->num_partitions = ret->replication_factor = -1;
    if (may_create(call, wish->name)) {
        outcome = read_wish(wish, &new, cx);
        new.validate_only = validate_only;
    }
    if (outcome.error == MR_KAFKA_NONE) {
        mr_code code = mr_topics_create(mr_broker_topics(call->broker), &new, &topic, &outcome, cx);
        outcome = outcome_of(code, outcome, cx);
    }
    ret->error_code = outcome.error;
    ret->error_message = mr_answer_reason(outcome);
    if (topic != NULL) {
        ret->topic_id = topic->id;
        mr_topic_release(topic);
    }
    if (outcome.error == MR_KAFKA_NONE) {
        tell_configs(call, &new, ret, cx);
    }
}

static bool is_named_twice(const mr_wire_create_topics_request *q, int32_t at) {
    for (int32_t t = 0; t < q->topics_count; t++) {
        if (t != at && mr_span_equal(q->topics[t].name, q->topics[at].name)) {
            return true;
        }
    }
    return false;
}

void mr_api_create_topics(mr_call *call, mr_cx *cx) {
    const mr_wire_create_topics_request *q = call->request;
    mr_wire_create_topics_response *r = call->response;
    r->topics =
        MR_NEW_ARRAY(cx->arena, mr_wire_create_topics_done, (size_t)MR_MAX(0, q->topics_count));
    for (int32_t t = 0; t < q->topics_count; t++) {
        mr_wire_create_topics_done *done = &r->topics[r->topics_count];
        if (is_named_twice(q, t)) {
            int32_t before = 0;
            while (before < r->topics_count &&
                   !mr_span_equal(r->topics[before].name, q->topics[t].name)) {
                before++;
            }
            if (before == r->topics_count) {
                done->name = q->topics[t].name;
                done->error_code = MR_KAFKA_INVALID_REQUEST;
                done->error_message = MR_SPAN("Duplicate topic name.");
                done->num_partitions = done->replication_factor = -1;
                r->topics_count++;
            }
            continue;
        }
        create_one(call, &q->topics[t], q->validate_only, done, cx);
        r->topics_count++;
    }
}

// ---- DeleteTopics -----------------------------------------------------------------------------

static mr_outcome delete_one(mr_call *call, mr_span name, const mr_wire_uuid *id,
                             mr_wire_delete_topics_done *ret, mr_cx *cx) {
    mr_topics *topics = mr_broker_topics(call->broker);
    bool by_name = name.data != NULL;
    mr_topic *topic = by_name ? mr_topics_find(topics, name) : mr_topics_find_id(topics, id);
    mr_span known = topic == NULL ? name : mr_span_of(topic->name);
    if (known.data != NULL && !mr_call_may(call, MR_OPERATION_DELETE, MR_RESOURCE_TOPIC, known)) {
        // Who may not even see it by its id learns no name.
        if (!by_name && mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_TOPIC, known)) {
            ret->name = mr_span_of(mr_arena_string(cx->arena, topic->name));
        }
        mr_topic_release(topic);
        return (mr_outcome){MR_KAFKA_TOPIC_AUTHORIZATION_FAILED, NULL};
    }
    if (topic == NULL) {
        return (mr_outcome){
            by_name ? MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION : MR_KAFKA_UNKNOWN_TOPIC_ID, NULL};
    }
    mr_outcome outcome;
    ret->name = mr_span_of(mr_arena_string(cx->arena, topic->name));
    ret->topic_id = topic->id;
    outcome = outcome_of(mr_topics_delete(topics, topic, &outcome, cx), outcome, cx);
    mr_topic_release(topic);
    return outcome;
}

void mr_api_delete_topics(mr_call *call, mr_cx *cx) {
    const mr_wire_delete_topics_request *q = call->request;
    mr_wire_delete_topics_response *r = call->response;
    bool with_ids = call->head.version >= 6;
    int32_t count = MR_MAX(0, with_ids ? q->topics_count : q->topic_names_count);
    r->responses = MR_NEW_ARRAY(cx->arena, mr_wire_delete_topics_done, (size_t)count);
    r->responses_count = count;
    for (int32_t t = 0; t < count; t++) {
        mr_wire_delete_topics_done *done = &r->responses[t];
        mr_span name = with_ids ? q->topics[t].name : q->topic_names[t];
        const mr_wire_uuid *id = with_ids ? &q->topics[t].topic_id : NULL;
        static const mr_wire_uuid none = {{0}};
        bool has_id = with_ids && memcmp(id, &none, sizeof(none)) != 0;
        done->name = name;
        if (has_id) {
            done->topic_id = *id;
        }
        mr_outcome outcome;
        if (name.data != NULL && has_id) {
            outcome = (mr_outcome){MR_KAFKA_INVALID_REQUEST,
                                   "You may not specify both topic name and topic id."};
        } else if (name.data == NULL && !has_id) {
            outcome =
                (mr_outcome){MR_KAFKA_INVALID_REQUEST, "Neither topic name nor id were specified."};
        } else {
            outcome = delete_one(call, name, id, done, cx);
        }
        done->error_code = outcome.error;
        done->error_message = mr_answer_reason(outcome);
    }
}

// ---- CreatePartitions -------------------------------------------------------------------------

static mr_outcome grow_one(mr_call *call, const mr_wire_create_partitions_topic *wish,
                           bool validate_only, mr_cx *cx) {
    mr_topics *topics = mr_broker_topics(call->broker);
    if (!mr_call_may(call, MR_OPERATION_ALTER, MR_RESOURCE_TOPIC, wish->name)) {
        return (mr_outcome){MR_KAFKA_TOPIC_AUTHORIZATION_FAILED, NULL};
    }
    mr_topic *topic = mr_topics_find(topics, wish->name);
    if (topic == NULL) {
        return (mr_outcome){MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, NULL};
    }
    int64_t more = (int64_t)wish->count - topic->partition_count;
    mr_outcome outcome = {MR_KAFKA_NONE, NULL};
    if (more > 0 && wish->assignments_count >= 0 && wish->assignments_count != more) {
        outcome = bad_assignment(mr_arena_printf(cx->arena,
                                                 "Attempted to add %" PRId64
                                                 " additional partition(s), but only %" PRId32
                                                 " assignment(s) were specified.",
                                                 more, wish->assignments_count));
    }
    for (int32_t a = 0; a < wish->assignments_count && outcome.error == MR_KAFKA_NONE; a++) {
        outcome =
            check_nodes(wish->assignments[a].broker_ids, wish->assignments[a].broker_ids_count, cx);
    }
    if (outcome.error == MR_KAFKA_NONE) {
        mr_code code = mr_topics_grow(topics, topic, wish->count, validate_only, &outcome, cx);
        outcome = outcome_of(code, outcome, cx);
    }
    mr_topic_release(topic);
    return outcome;
}

void mr_api_create_partitions(mr_call *call, mr_cx *cx) {
    const mr_wire_create_partitions_request *q = call->request;
    mr_wire_create_partitions_response *r = call->response;
    r->results_count = MR_MAX(0, q->topics_count);
    r->results = MR_NEW_ARRAY(cx->arena, mr_wire_create_partitions_done, (size_t)r->results_count);
    for (int32_t t = 0; t < r->results_count; t++) {
        mr_outcome outcome = {MR_KAFKA_INVALID_REQUEST, "Duplicate topic name."};
        int32_t same = 0;
        for (int32_t o = 0; o < r->results_count; o++) {
            same += mr_span_equal(q->topics[o].name, q->topics[t].name);
        }
        if (same == 1) {
            outcome = grow_one(call, &q->topics[t], q->validate_only, cx);
        }
        r->results[t] = (mr_wire_create_partitions_done){
            .name = q->topics[t].name,
            .error_code = outcome.error,
            .error_message = mr_answer_reason(outcome),
        };
    }
}

// ---- DescribeTopicPartitions ------------------------------------------------------------------

#define DESCRIBE_LIMIT_MAX 2000  // max.request.partition.size.limit

typedef struct describing {
    mr_call *call;
    mr_wire_describe_topic_partitions_response *response;
    int32_t left;  // Partitions that the answer still takes.
} describing;

static void describe_partition(const mr_topic_partition *partition,
                               mr_wire_describe_topic_partitions_found *ret, mr_cx *cx) {
    int32_t *self = MR_NEW(cx->arena, int32_t);
    *self = MR_BROKER_NODE;
    bool offline = mr_log_offline(partition->log, /* ret_why= */ NULL);
    *ret = (mr_wire_describe_topic_partitions_found){
        .error_code = offline ? MR_KAFKA_LEADER_NOT_AVAILABLE : MR_KAFKA_NONE,
        .partition_index = partition->number,
        .leader_id = offline ? -1 : MR_BROKER_NODE,
        .replica_nodes = self,
        .replica_nodes_count = 1,
        .isr_nodes = self,
        .isr_nodes_count = offline ? 0 : 1,
        .offline_replicas = self,
        .offline_replicas_count = offline ? 1 : 0,
    };
}

static void describe_topic(describing *d, const mr_topic *topic, int32_t from, mr_cx *cx) {
    mr_wire_describe_topic_partitions_response *r = d->response;
    mr_wire_describe_topic_partitions_found_topic *found = &r->topics[r->topics_count++];
    int32_t count = (int32_t)topic->partition_count;
    int32_t told = MR_MAX(0, MR_MIN(count - from, d->left));
    found->name = mr_span_of(mr_arena_string(cx->arena, topic->name));
    found->topic_id = topic->id;
    found->is_internal = topic->internal;
    found->topic_authorized_operations = mr_api_topic_operations(d->call, found->name);
    found->partitions =
        MR_NEW_ARRAY(cx->arena, mr_wire_describe_topic_partitions_found, (size_t)told);
    found->partitions_count = told;
    for (int32_t p = 0; p < told; p++) {
        describe_partition(topic->partitions[from + p], &found->partitions[p], cx);
    }
    d->left -= told;
    if (from + told < count) {
        r->next_cursor = MR_NEW(cx->arena, mr_wire_describe_topic_partitions_next);
        r->next_cursor->topic_name = found->name;
        r->next_cursor->partition_index = from + told;
    }
}

static int by_name(const void *a, const void *b) {
    return mr_span_compare(*(const mr_span *)a, *(const mr_span *)b);
}

// The names that are asked about, sorted, once each; all topics' when none is
// named.
static mr_span *names_of(mr_call *call, uint32_t *ret_count, mr_cx *cx) {
    const mr_wire_describe_topic_partitions_request *q = call->request;
    uint32_t count = (uint32_t)MR_MAX(0, q->topics_count), kept = 0;
    mr_span *names = MR_NEW_ARRAY(cx->arena, mr_span, count);
    for (uint32_t t = 0; t < count; t++) {
        names[t] = q->topics[t].name;
    }
    if (count == 0) {
        mr_topic **all = mr_topics_list(mr_broker_topics(call->broker), &count, cx);
        names = MR_NEW_ARRAY(cx->arena, mr_span, count);
        for (uint32_t t = 0; t < count; t++) {
            names[t] = mr_span_of(mr_arena_string(cx->arena, all[t]->name));
            mr_topic_release(all[t]);
        }
    }
    qsort(names, count, sizeof(*names), by_name);
    for (uint32_t t = 0; t < count; t++) {
        if (t == 0 || !mr_span_equal(names[t], names[t - 1])) {
            names[kept++] = names[t];
        }
    }
    *ret_count = kept;
    return names;
}

void mr_api_describe_topic_partitions(mr_call *call, mr_cx *cx) {
    const mr_wire_describe_topic_partitions_request *q = call->request;
    mr_wire_describe_topic_partitions_response *r = call->response;
    describing d = {call, r, DESCRIBE_LIMIT_MAX};
    d.left = q->response_partition_limit > 0 ? MR_MIN(d.left, q->response_partition_limit) : d.left;
    uint32_t count = 0;
    mr_span *names = names_of(call, &count, cx);
    r->topics = MR_NEW_ARRAY(cx->arena, mr_wire_describe_topic_partitions_found_topic, count);
    for (uint32_t t = 0; t < count && r->next_cursor == NULL; t++) {
        int order = q->cursor == NULL ? 1 : mr_span_compare(names[t], q->cursor->topic_name);
        if (order < 0) {
            continue;
        }
        if (d.left == 0) {
            r->next_cursor = MR_NEW(cx->arena, mr_wire_describe_topic_partitions_next);
            r->next_cursor->topic_name = names[t];
            break;
        }
        bool may = mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_TOPIC, names[t]);
        mr_topic *topic = may ? mr_topics_find(mr_broker_topics(call->broker), names[t]) : NULL;
        if (topic != NULL) {
            describe_topic(&d, topic, order == 0 ? q->cursor->partition_index : 0, cx);
            mr_topic_release(topic);
        } else if (may || q->topics_count > 0) {
            mr_wire_describe_topic_partitions_found_topic *found = &r->topics[r->topics_count++];
            found->name = names[t];
            found->error_code = !may ? MR_KAFKA_TOPIC_AUTHORIZATION_FAILED
                                : mr_topics_name_is_valid(names[t])
                                    ? MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION
                                    : MR_KAFKA_INVALID_TOPIC_EXCEPTION;
            found->topic_authorized_operations = INT32_MIN;
        }
    }
}
