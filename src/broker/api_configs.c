// Api configs: DescribeConfigs, AlterConfigs, IncrementalAlterConfigs,
// ListConfigResources.
//
// Also: mr_api_

#include <inttypes.h>
#include <string.h>

#include "broker/answer.h"
#include "broker/api.h"
#include "broker/configs.h"

enum {  // Kafka's numbers of resources that have configs.
    RESOURCE_TOPIC = 2,
    RESOURCE_BROKER = 4,
    RESOURCE_BROKER_LOGGER = 8,
    RESOURCE_CLIENT_METRICS = 16,
    RESOURCE_GROUP = 32,
};

typedef struct resource {
    int8_t type;
    mr_span name;
} resource;

static mr_outcome refused(int16_t error, const char *reason) {
    return (mr_outcome){error, reason};
}

static mr_outcome may(const mr_call *call, resource r, mr_operation operation, mr_cx *cx) {
    switch (r.type) {
    case RESOURCE_TOPIC:
        return refused(mr_call_may(call, operation, MR_RESOURCE_TOPIC, r.name)
                           ? MR_KAFKA_NONE
                           : MR_KAFKA_TOPIC_AUTHORIZATION_FAILED,
                       NULL);
    case RESOURCE_GROUP:
        return refused(mr_call_may(call, operation, MR_RESOURCE_GROUP, r.name)
                           ? MR_KAFKA_NONE
                           : MR_KAFKA_GROUP_AUTHORIZATION_FAILED,
                       NULL);
    case RESOURCE_BROKER:
    case RESOURCE_BROKER_LOGGER:
    case RESOURCE_CLIENT_METRICS:
        return refused(mr_call_may(call, operation, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER)
                           ? MR_KAFKA_NONE
                           : MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED,
                       NULL);
    default:
        return refused(MR_KAFKA_INVALID_REQUEST,
                       mr_arena_printf(cx->arena, "Unknown resource type %d", r.type));
    }
}

// Whether a broker's name is this node, or (empty) all of them.
static mr_outcome check_broker(mr_span name, mr_cx *cx) {
    int64_t id = 0;
    if (name.bytes == 0 || (mr_text_parse_int64(name, &id) && id == MR_BROKER_NODE)) {
        return refused(MR_KAFKA_NONE, NULL);
    }
    bool number = mr_text_parse_int64(name, &id);
    return refused(MR_KAFKA_INVALID_REQUEST,
                   number
                       ? mr_arena_printf(cx->arena,
                                         "Unexpected broker id, expected %d or empty "
                                         "string, but received %.*s",
                                         MR_BROKER_NODE, MR_SPAN_ARGS(name))
                       : mr_arena_printf(cx->arena, "Node id must be an integer, but it is: %.*s",
                                         MR_SPAN_ARGS(name)));
}

// ---- DescribeConfigs --------------------------------------------------------------------------

typedef struct describing {
    mr_call *call;
    const mr_wire_describe_configs_resource *wish;
    mr_wire_describe_configs_found *found;
} describing;

static bool is_wanted(const describing *d, const char *name) {
    for (int32_t k = 0; k < d->wish->configuration_keys_count; k++) {
        if (mr_span_is(d->wish->configuration_keys[k], name)) {
            return true;
        }
    }
    return d->wish->configuration_keys_count <= 0;
}

static void tell(describing *d, const mr_config *config, const mr_config_value *value, mr_cx *cx) {
    const mr_wire_describe_configs_request *q = d->call->request;
    mr_wire_describe_configs_config *to = &d->found->configs[d->found->configs_count++];
    *to = (mr_wire_describe_configs_config){
        .name = mr_span_of(config->name),
        .value = mr_answer_nullable(value->value),
        .read_only = config->read_only,
        .config_source = (int8_t)value->source,
        .config_type = (int8_t)config->type,
        .documentation = mr_answer_nullable(q->include_documentation ? config->doc : NULL),
    };
    if (!q->include_synonyms) {
        return;
    }
    to->synonyms = MR_NEW_ARRAY(cx->arena, mr_wire_describe_configs_synonym, value->origin_count);
    to->synonyms_count = (int32_t)value->origin_count;
    for (uint32_t o = 0; o < value->origin_count; o++) {
        to->synonyms[o] = (mr_wire_describe_configs_synonym){
            .name = mr_span_of(value->origins[o].name),
            .value = mr_span_of(value->origins[o].value),
            .source = (int8_t)value->origins[o].source,
        };
    }
}

static mr_outcome describe_topic(describing *d, mr_cx *cx) {
    mr_topics *topics = mr_broker_topics(d->call->broker);
    if (!mr_topics_name_is_valid(d->wish->resource_name)) {
        return refused(MR_KAFKA_INVALID_TOPIC_EXCEPTION, NULL);
    }
    mr_topic *topic = mr_topics_find(topics, d->wish->resource_name);
    if (topic == NULL) {
        return refused(MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, NULL);
    }
    mr_config_set own = mr_topics_settings(topics, topic, cx);
    mr_topic_release(topic);
    size_t count;
    const mr_config *list = mr_configs_list(MR_CONFIGS_OF_TOPICS, &count);
    d->found->configs = MR_NEW_ARRAY(cx->arena, mr_wire_describe_configs_config, count);
    for (size_t c = 0; c < count; c++) {
        if (is_wanted(d, list[c].name)) {
            mr_config_value value =
                mr_configs_topic_value(mr_topics_configs(topics), &list[c], own, cx);
            tell(d, &list[c], &value, cx);
        }
    }
    return refused(MR_KAFKA_NONE, NULL);
}

// Of all brokers only what was altered is told, as Kafka does.
static mr_outcome describe_broker(describing *d, mr_cx *cx) {
    mr_outcome outcome = check_broker(d->wish->resource_name, cx);
    if (outcome.error != MR_KAFKA_NONE) {
        return outcome;
    }
    bool wide = d->wish->resource_name.bytes == 0;
    mr_configs *configs = mr_topics_configs(mr_broker_topics(d->call->broker));
    size_t count;
    const mr_config *list = mr_configs_list(MR_CONFIGS_OF_BROKERS, &count);
    d->found->configs = MR_NEW_ARRAY(cx->arena, mr_wire_describe_configs_config, count);
    for (size_t c = 0; c < count; c++) {
        mr_config_value value = mr_configs_broker_value(configs, &list[c], wide, cx);
        if (is_wanted(d, list[c].name) && (!wide || value.origin_count > 0)) {
            tell(d, &list[c], &value, cx);
        }
    }
    return outcome;
}

static mr_outcome describe(describing *d, mr_cx *cx) {
    resource r = {d->wish->resource_type, d->wish->resource_name};
    mr_outcome outcome = may(d->call, r, MR_OPERATION_DESCRIBE_CONFIGS, cx);
    if (outcome.error != MR_KAFKA_NONE) {
        return outcome;
    }
    switch (r.type) {
    case RESOURCE_TOPIC: return describe_topic(d, cx);
    case RESOURCE_BROKER: return describe_broker(d, cx);
    case RESOURCE_BROKER_LOGGER:
        return r.name.bytes == 0 ? refused(MR_KAFKA_INVALID_REQUEST, "Broker id must not be empty")
                                 : check_broker(r.name, cx);
    case RESOURCE_GROUP: return refused(MR_KAFKA_INVALID_REQUEST, "Groups have no configs here");
    default: return outcome;  // There is nothing to be set for clients' metrics.
    }
}

void mr_api_describe_configs(mr_call *call, mr_cx *cx) {
    const mr_wire_describe_configs_request *q = call->request;
    mr_wire_describe_configs_response *r = call->response;
    r->results_count = MR_MAX(0, q->resources_count);
    r->results = MR_NEW_ARRAY(cx->arena, mr_wire_describe_configs_found, (size_t)r->results_count);
    for (int32_t i = 0; i < r->results_count; i++) {
        describing d = {call, &q->resources[i], &r->results[i]};
        d.found->resource_type = d.wish->resource_type;
        d.found->resource_name = d.wish->resource_name;
        mr_outcome outcome = describe(&d, cx);
        d.found->error_code = outcome.error;
        bool silent = outcome.error == MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;  // As Kafka.
        d.found->error_message = silent ? MR_SPAN("") : mr_answer_reason(outcome);
    }
}

// ---- AlterConfigs, IncrementalAlterConfigs ----------------------------------------------------

static mr_outcome check_changes(const mr_config_changes *changes, mr_cx *cx) {
    mr_text nulls;
    mr_text_init(&nulls, cx->arena);
    for (uint32_t c = 0; c < changes->count; c++) {
        const mr_config_change *change = &changes->items[c];
        for (uint32_t o = 0; o < c; o++) {
            if (mr_span_equal(changes->items[o].name, change->name)) {
                return refused(MR_KAFKA_INVALID_REQUEST, "Error due to duplicate config keys");
            }
        }
        if ((int)change->op < MR_CONFIG_SET || change->op > MR_CONFIG_SUBTRACT) {
            return refused(MR_KAFKA_INVALID_REQUEST,
                           mr_arena_printf(cx->arena, "Unknown operations type %d", change->op));
        }
        if (change->op != MR_CONFIG_DELETE && change->value.data == NULL) {
            mr_text_addf(&nulls, "%s%.*s", nulls.bytes > 0 ? "," : "", MR_SPAN_ARGS(change->name));
        }
    }
    if (nulls.bytes > 0) {
        return refused(MR_KAFKA_INVALID_REQUEST,
                       mr_arena_printf(cx->arena, "Null value not supported for : %s",
                                       mr_text_string(&nulls)));
    }
    return refused(MR_KAFKA_NONE, NULL);
}

static mr_outcome alter_topic(mr_call *call, mr_span name, const mr_config_changes *changes,
                              mr_cx *cx) {
    mr_topics *topics = mr_broker_topics(call->broker);
    if (name.bytes == 0) {
        return refused(MR_KAFKA_INVALID_REQUEST, "Default topic resources are not allowed.");
    }
    if (!mr_topics_name_is_valid(name)) {
        return refused(MR_KAFKA_INVALID_TOPIC_EXCEPTION, NULL);
    }
    mr_topic *topic = mr_topics_find(topics, name);
    if (topic == NULL) {
        return refused(MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, NULL);
    }
    mr_outcome outcome;
    if (mr_topics_alter(topics, topic, changes, &outcome, cx) != MR_OK) {
        outcome = refused(MR_KAFKA_KAFKA_STORAGE_ERROR, mr_arena_string(cx->arena, cx->error.text));
    }
    mr_topic_release(topic);
    return outcome;
}

static mr_outcome alter_broker(mr_call *call, mr_span name, const mr_config_changes *changes,
                               mr_cx *cx) {
    mr_outcome outcome = check_broker(name, cx);
    if (outcome.error != MR_KAFKA_NONE) {
        return outcome;
    }
    mr_topics *topics = mr_broker_topics(call->broker);
    if (mr_configs_alter_broker(mr_topics_configs(topics), changes, name.bytes == 0, &outcome,
                                cx) != MR_OK) {
        return refused(MR_KAFKA_KAFKA_STORAGE_ERROR, mr_arena_string(cx->arena, cx->error.text));
    }
    if (outcome.error == MR_KAFKA_NONE && !changes->validate_only) {
        mr_topics_reconfigure(topics, cx);
    }
    return outcome;
}

static mr_outcome alter(mr_call *call, resource r, mr_config_changes *changes, mr_cx *cx) {
    mr_outcome outcome = may(call, r, MR_OPERATION_ALTER_CONFIGS, cx);
    outcome = outcome.error == MR_KAFKA_NONE ? check_changes(changes, cx) : outcome;
    if (outcome.error != MR_KAFKA_NONE) {
        return outcome;
    }
    changes->kind = r.type == RESOURCE_TOPIC ? MR_CONFIGS_OF_TOPICS : MR_CONFIGS_OF_BROKERS;
    switch (r.type) {
    case RESOURCE_TOPIC: return alter_topic(call, r.name, changes, cx);
    case RESOURCE_BROKER: return alter_broker(call, r.name, changes, cx);
    default:
        return refused(MR_KAFKA_INVALID_REQUEST,
                       mr_arena_printf(cx->arena, "Resource type %d has no configs here", r.type));
    }
}

// Each resource at most once: the n-th of `count` resources that `at` gives.
#define EACH_ONCE "Each resource must appear at most once."

void mr_api_alter_configs(mr_call *call, mr_cx *cx) {
    const mr_wire_alter_configs_request *q = call->request;
    mr_wire_alter_configs_response *r = call->response;
    r->responses_count = MR_MAX(0, q->resources_count);
    r->responses = MR_NEW_ARRAY(cx->arena, mr_wire_alter_configs_done, (size_t)r->responses_count);
    for (int32_t i = 0; i < r->responses_count; i++) {
        const mr_wire_alter_configs_resource *wish = &q->resources[i];
        size_t count = (size_t)MR_MAX(0, wish->configs_count);
        mr_config_change *items = MR_NEW_ARRAY(cx->arena, mr_config_change, count);
        for (size_t c = 0; c < count; c++) {
            items[c] =
                (mr_config_change){wish->configs[c].name, MR_CONFIG_SET, wish->configs[c].value};
        }
        mr_config_changes changes = {.items = items,
                                     .count = (uint32_t)count,
                                     .replace = true,
                                     .validate_only = q->validate_only};
        mr_outcome outcome = refused(MR_KAFKA_INVALID_REQUEST, EACH_ONCE);
        int32_t same = 0;
        for (int32_t o = 0; o < r->responses_count; o++) {
            same += q->resources[o].resource_type == wish->resource_type &&
                    mr_span_equal(q->resources[o].resource_name, wish->resource_name);
        }
        if (same == 1) {
            outcome =
                alter(call, (resource){wish->resource_type, wish->resource_name}, &changes, cx);
        }
        r->responses[i] = (mr_wire_alter_configs_done){
            .error_code = outcome.error,
            .error_message = mr_answer_reason(outcome),
            .resource_type = wish->resource_type,
            .resource_name = wish->resource_name,
        };
    }
}

void mr_api_incremental_alter_configs(mr_call *call, mr_cx *cx) {
    const mr_wire_incremental_alter_configs_request *q = call->request;
    mr_wire_incremental_alter_configs_response *r = call->response;
    r->responses_count = MR_MAX(0, q->resources_count);
    r->responses =
        MR_NEW_ARRAY(cx->arena, mr_wire_incremental_alter_configs_done, (size_t)r->responses_count);
    for (int32_t i = 0; i < r->responses_count; i++) {
        const mr_wire_incremental_alter_configs_resource *wish = &q->resources[i];
        size_t count = (size_t)MR_MAX(0, wish->configs_count);
        mr_config_change *items = MR_NEW_ARRAY(cx->arena, mr_config_change, count);
        for (size_t c = 0; c < count; c++) {
            items[c] = (mr_config_change){wish->configs[c].name,
                                          (mr_config_op)wish->configs[c].config_operation,
                                          wish->configs[c].value};
        }
        mr_config_changes changes = {
            .items = items, .count = (uint32_t)count, .validate_only = q->validate_only};
        mr_outcome outcome = refused(MR_KAFKA_INVALID_REQUEST, EACH_ONCE);
        int32_t same = 0;
        for (int32_t o = 0; o < r->responses_count; o++) {
            same += q->resources[o].resource_type == wish->resource_type &&
                    mr_span_equal(q->resources[o].resource_name, wish->resource_name);
        }
        if (same == 1) {
            outcome =
                alter(call, (resource){wish->resource_type, wish->resource_name}, &changes, cx);
        }
        r->responses[i] = (mr_wire_incremental_alter_configs_done){
            .error_code = outcome.error,
            .error_message = mr_answer_reason(outcome),
            .resource_type = wish->resource_type,
            .resource_name = wish->resource_name,
        };
    }
}

// ---- ListConfigResources ----------------------------------------------------------------------

void mr_api_list_config_resources(mr_call *call, mr_cx *cx) {
    const mr_wire_list_config_resources_request *q = call->request;
    mr_wire_list_config_resources_response *r = call->response;
    if (!mr_call_may(call, MR_OPERATION_DESCRIBE_CONFIGS, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER)) {
        r->error_code = MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        return;
    }
    // Version 0 asks for clients' metrics, of which there are none.
    bool topics = false, brokers = false, all = call->head.version > 0;
    for (int32_t t = 0; t < q->resource_types_count; t++) {
        topics = topics || q->resource_types[t] == RESOURCE_TOPIC;
        brokers = brokers || q->resource_types[t] == RESOURCE_BROKER;
        all = false;
    }
    uint32_t count = 0;
    mr_topic **list = mr_topics_list(mr_broker_topics(call->broker), &count, cx);
    r->config_resources =
        MR_NEW_ARRAY(cx->arena, mr_wire_list_config_resources_resource, count + 1);
    for (uint32_t t = 0; t < count; t++) {
        if (topics || all) {
            r->config_resources[r->config_resources_count++] =
                (mr_wire_list_config_resources_resource){
                    mr_span_of(mr_arena_string(cx->arena, list[t]->name)), RESOURCE_TOPIC};
        }
        mr_topic_release(list[t]);
    }
    if (brokers || all) {
        r->config_resources[r->config_resources_count++] =
            (mr_wire_list_config_resources_resource){MR_SPAN("1"), RESOURCE_BROKER};
    }
}
