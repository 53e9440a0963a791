// Control of topics: list, describe, create, delete, grow, configure; see control.h.
//
// Also: mr_control_

#include <stdlib.h>
#include <string.h>

#include "codec/kafka_error.h"
#include "kafka/control.h"

#define TOPIC_RESOURCE 2  // DescribeConfigs: the kind of resource.
#define CONFIG_SET     0
#define CONFIG_DELETE  1
#define CLUSTER_ID_MAX 128
#define PAUSE_US       ((int64_t)5000)

static const char *about(const char *what, const char *name, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s topic \"%s\"", what, name);
}

static int32_t timeout_ms(const mr_control *control) {
    return (int32_t)MR_MIN(control->timeout_us / 1000, (int64_t)INT32_MAX);
}

// ---- looking ---------------------------------------------------------------------------------

static int by_number(const void *a, const void *b) {
    const mr_control_partition *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int by_name(const void *a, const void *b) {
    return mr_span_compare(((const mr_control_topic *)a)->name,
                           ((const mr_control_topic *)b)->name);
}

static void take_topic(const mr_wire_metadata_topic *in, mr_control_topic *ret, mr_cx *cx) {
    *ret = (mr_control_topic){.name = in->name,
                              .id = in->topic_id,
                              .internal = in->is_internal,
                              .partition_count = in->partitions_count};
    ret->partitions =
        MR_NEW_ARRAY(cx->arena, mr_control_partition, (size_t)MR_MAX(in->partitions_count, 1));
    for (int32_t i = 0; i < in->partitions_count; i++) {
        const mr_wire_metadata_partition *p = &in->partitions[i];
        ret->partitions[i] = (mr_control_partition){
            .number = p->partition_index,
            .leader = p->leader_id,
            .leader_epoch = p->leader_epoch,
            .replicas = p->replica_nodes,
            .replica_count = p->replica_nodes_count,
            .in_sync = p->isr_nodes,
            .in_sync_count = p->isr_nodes_count,
            .first = -1,
            .next = -1,
            .bytes = -1,
        };
    }
    qsort(ret->partitions, (size_t)ret->partition_count, sizeof(*ret->partitions), by_number);
}

mr_code mr_control_topic_list(mr_control *control, mr_control_topic **ret, uint32_t *ret_count,
                              mr_cx *cx) {
    mr_wire_metadata_response response;
    MR_TRY(mr_control_metadata(control, NULL, 0, &response, cx));
    *ret = MR_NEW_ARRAY(cx->arena, mr_control_topic, (size_t)MR_MAX(response.topics_count, 1));
    *ret_count = 0;
    for (int32_t i = 0; i < response.topics_count; i++) {
        if (response.topics[i].error_code == 0 ||
            response.topics[i].error_code == MR_KAFKA_LEADER_NOT_AVAILABLE) {
            take_topic(&response.topics[i], &(*ret)[(*ret_count)++], cx);
        }
    }
    qsort(*ret, *ret_count, sizeof(**ret), by_name);
    return MR_OK;
}

static mr_code missing(mr_control *control, const char *name, mr_cx *cx) {
    mr_control_topic *topics;
    uint32_t count;
    MR_TRY(mr_control_topic_list(control, &topics, &count, cx));
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = mr_arena_copy(cx->arena, topics[i].name.data, topics[i].name.bytes);
    }
    return mr_fail(
        cx, MR_E_MISSING,
        mr_text_hint(name, names, count, "millrace topic list shows what there is.", cx->arena),
        "there is no topic \"%s\"", name);
}

mr_code mr_control_topic_find(mr_control *control, const char *name, mr_control_topic *ret,
                              mr_cx *cx) {
    mr_span wanted = mr_span_of(name);
    mr_wire_metadata_response response;
    int64_t deadline_us = mr_control_deadline(control, cx);
    int16_t error;
    do {
        MR_TRY(mr_control_metadata(control, &wanted, 1, &response, cx));
        if (response.topics_count != 1) {
            return mr_fail(cx, MR_E_CORRUPT, NULL,
                           "the answer to Metadata is about something else");
        }
        error = response.topics[0].error_code;
        for (int32_t i = 0; error == 0 && i < response.topics[0].partitions_count; i++) {
            error = response.topics[0].partitions[i].error_code;
        }
    } while (mr_control_again(error, deadline_us, cx));
    if (response.topics[0].error_code == MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION) {
        return missing(control, name, cx);
    }
    if (response.topics[0].error_code != 0) {
        return mr_control_failed(response.topics[0].error_code, (mr_span){0},
                                 about("cannot look at", name, cx), cx);
    }
    take_topic(&response.topics[0], ret, cx);
    return MR_OK;
}

// ---- offsets, sizes, settings ----------------------------------------------------------------

static mr_code fill_offsets(mr_control *control, mr_control_topic *topic, mr_cx *cx) {
    uint32_t count = (uint32_t)topic->partition_count;
    mr_control_wish *wishes = MR_NEW_ARRAY(cx->arena, mr_control_wish, count + 1);
    for (int way = 0; way < 2; way++) {
        for (uint32_t i = 0; i < count; i++) {
            wishes[i] =
                (mr_control_wish){.topic = topic->name,
                                  .partition = topic->partitions[i].number,
                                  .leader = topic->partitions[i].leader,
                                  .time_ms = way == 0 ? MR_CONTROL_EARLIEST : MR_CONTROL_LATEST};
        }
        MR_TRY(mr_control_offsets(control, wishes, count, cx));
        for (uint32_t i = 0; i < count; i++) {
            *(way == 0 ? &topic->partitions[i].first : &topic->partitions[i].next) =
                wishes[i].error == 0 ? wishes[i].offset : -1;
        }
    }
    return MR_OK;
}

// The size of each partition, at its leader.
static mr_code fill_sizes(mr_control *control, mr_control_topic *topic, mr_cx *cx) {
    int32_t *numbers = MR_NEW_ARRAY(cx->arena, int32_t, (size_t)MR_MAX(topic->partition_count, 1));
    for (int32_t i = 0; i < topic->partition_count; i++) {
        numbers[i] = topic->partitions[i].number;
    }
    mr_wire_describe_log_dirs_topic wish = {topic->name, numbers, topic->partition_count};
    mr_wire_describe_log_dirs_request request = {&wish, 1};
    for (uint32_t b = 0; b < control->cluster.broker_count; b++) {
        int32_t node = control->cluster.brokers[b]->node;
        mr_wire_describe_log_dirs_response response;
        mr_link_call call = {MR_KEY_describe_log_dirs, INT16_MAX, &request, &response};
        mr_code code = mr_control_ask(control, node, &call, cx);
        if (code == MR_E_UNSUPPORTED) {
            return MR_OK;  // Sizes stay unknown.
        }
        MR_TRY(code);
        for (int32_t d = 0; d < response.results_count; d++) {
            const mr_wire_describe_log_dirs_dir *dir = &response.results[d];
            for (int32_t t = 0; t < dir->topics_count; t++) {
                for (int32_t p = 0; p < dir->topics[t].partitions_count; p++) {
                    const mr_wire_describe_log_dirs_found *found = &dir->topics[t].partitions[p];
                    for (int32_t i = 0; i < topic->partition_count; i++) {
                        mr_control_partition *of = &topic->partitions[i];
                        if (of->number == found->partition_index && of->leader == node) {
                            of->bytes = found->partition_size;
                        }
                    }
                }
            }
        }
    }
    return MR_OK;
}

static mr_code fill_settings(mr_control *control, mr_control_topic *topic, mr_cx *cx) {
    mr_wire_describe_configs_resource resource = {
        .resource_type = TOPIC_RESOURCE,
        .resource_name = topic->name,
        .configuration_keys_count = -1,
    };
    mr_wire_describe_configs_request request;
    mr_wire_clear(&mr_schema_describe_configs_request, &request);
    request.resources = &resource;
    request.resources_count = 1;
    mr_wire_describe_configs_response response;
    mr_link_call call = {MR_KEY_describe_configs, INT16_MAX, &request, &response};
    MR_TRY(mr_control_ask(control, MR_CONTROL_CONTROLLER, &call, cx));
    if (response.results_count != 1) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "the answer to DescribeConfigs is about others");
    }
    const mr_wire_describe_configs_found *found = &response.results[0];
    if (found->error_code != 0) {
        return mr_control_failed(found->error_code, found->error_message,
                                 "cannot look at the topic's configs", cx);
    }
    topic->settings =
        MR_NEW_ARRAY(cx->arena, mr_control_setting, (size_t)MR_MAX(found->configs_count, 1));
    for (int32_t i = 0; i < found->configs_count; i++) {
        const mr_wire_describe_configs_config *c = &found->configs[i];
        topic->settings[topic->setting_count++] = (mr_control_setting){
            .name = c->name,
            .value = c->value,
            .source = c->config_source,
            .sensitive = c->is_sensitive,
        };
    }
    return MR_OK;
}

mr_code mr_control_topic_describe(mr_control *control, const char *name, mr_control_topic *ret,
                                  mr_cx *cx) {
    MR_TRY(mr_control_topic_find(control, name, ret, cx));
    MR_TRY(fill_offsets(control, ret, cx));
    MR_TRY(fill_sizes(control, ret, cx));
    return fill_settings(control, ret, cx);
}

// ---- changing --------------------------------------------------------------------------------

// Waits until the topic's leaders are there, or until it is gone.
static mr_code await(mr_control *control, const char *name, int32_t partitions, mr_cx *cx) {
    int64_t deadline_us = mr_control_deadline(control, cx);
    mr_span wanted = mr_span_of(name);
    for (;;) {
        mr_wire_metadata_response response;
        MR_TRY(mr_control_metadata(control, &wanted, 1, &response, cx));
        const mr_wire_metadata_topic *topic = response.topics;
        bool there = response.topics_count == 1 && topic->error_code == 0 &&
                     topic->partitions_count >= partitions;
        for (int32_t i = 0; there && i < topic->partitions_count; i++) {
            there = topic->partitions[i].leader_id >= 0;
        }
        bool gone =
            response.topics_count == 1 && topic->error_code == MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        if (partitions > 0 ? there : gone) {
            return MR_OK;
        }
        if (mr_clock_monotonic_us(cx->plat) >= deadline_us || mr_cx_cancelled(cx)) {
            return mr_fail(cx, MR_E_TIMEOUT, "It may still happen; millrace topic list shows it.",
                           "topic \"%s\" is %s", name,
                           partitions > 0 ? "made, but not yet there" : "not gone yet");
        }
        mr_clock_sleep_us(cx->plat, PAUSE_US);
    }
}

mr_code mr_control_topic_create(mr_control *control, const mr_control_topic_new *topic, mr_cx *cx) {
    mr_wire_create_topics_topic row = {.name = mr_span_of(topic->name),
                                       .num_partitions = topic->partitions,
                                       .replication_factor = topic->replication};
    row.configs = MR_NEW_ARRAY(cx->arena, mr_wire_create_topics_config,
                               (size_t)MR_MAX(topic->setting_count, 1));
    for (int32_t i = 0; i < topic->setting_count; i++) {
        row.configs[row.configs_count++] = (mr_wire_create_topics_config){
            .name = topic->settings[i].name, .value = topic->settings[i].value};
    }
    mr_wire_create_topics_request request = {
        .topics = &row, .topics_count = 1, .timeout_ms = timeout_ms(control)};
    mr_wire_create_topics_response response;
    mr_link_call call = {MR_KEY_create_topics, INT16_MAX, &request, &response};
    int64_t deadline_us = mr_control_deadline(control, cx);
    const mr_wire_create_topics_done *done;
    do {
        MR_TRY(mr_control_ask(control, MR_CONTROL_CONTROLLER, &call, cx));
        if (response.topics_count != 1) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "the answer to CreateTopics is about others");
        }
        done = &response.topics[0];
    } while (mr_control_again(done->error_code, deadline_us, cx));
    if (done->error_code == MR_KAFKA_TOPIC_ALREADY_EXISTS && topic->exists_fine) {
        return MR_OK;
    }
    if (done->error_code != 0) {
        return mr_control_failed(done->error_code, done->error_message,
                                 about("cannot create", topic->name, cx), cx);
    }
    return await(control, topic->name, MR_MAX(topic->partitions, 1), cx);
}

mr_code mr_control_topic_delete(mr_control *control, const char *name, mr_cx *cx) {
    mr_control_topic found;
    MR_TRY(mr_control_topic_find(control, name, &found, cx));
    // By names up to version 5, by either from 6 on.
    mr_wire_delete_topics_topic row = {.name = mr_span_of(name)};
    mr_wire_delete_topics_request request = {.topics = &row,
                                             .topics_count = 1,
                                             .topic_names = &row.name,
                                             .topic_names_count = 1,
                                             .timeout_ms = timeout_ms(control)};
    mr_wire_delete_topics_response response;
    mr_link_call call = {MR_KEY_delete_topics, INT16_MAX, &request, &response};
    int64_t deadline_us = mr_control_deadline(control, cx);
    do {
        MR_TRY(mr_control_ask(control, MR_CONTROL_CONTROLLER, &call, cx));
        if (response.responses_count != 1) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "the answer to DeleteTopics is about others");
        }
    } while (mr_control_again(response.responses[0].error_code, deadline_us, cx));
    if (response.responses[0].error_code != 0) {
        return mr_control_failed(response.responses[0].error_code,
                                 response.responses[0].error_message,
                                 about("cannot delete", name, cx), cx);
    }
    return await(control, name, 0, cx);
}

mr_code mr_control_topic_grow(mr_control *control, const char *name, int32_t partitions,
                              mr_cx *cx) {
    mr_control_topic found;
    MR_TRY(mr_control_topic_find(control, name, &found, cx));
    if (partitions <= found.partition_count) {
        return mr_fail(cx, MR_E_VALUE, "Partitions can be added, not taken away.",
                       "topic \"%s\" has %d partitions already", name, found.partition_count);
    }
    mr_wire_create_partitions_topic row = {
        .name = mr_span_of(name), .count = partitions, .assignments_count = -1};
    mr_wire_create_partitions_request request = {
        .topics = &row, .topics_count = 1, .timeout_ms = timeout_ms(control)};
    mr_wire_create_partitions_response response;
    mr_link_call call = {MR_KEY_create_partitions, INT16_MAX, &request, &response};
    MR_TRY(mr_control_ask(control, MR_CONTROL_CONTROLLER, &call, cx));
    if (response.results_count != 1) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "the answer to CreatePartitions is about others");
    }
    if (response.results[0].error_code != 0) {
        return mr_control_failed(response.results[0].error_code, response.results[0].error_message,
                                 about("cannot add partitions to", name, cx), cx);
    }
    return await(control, name, partitions, cx);
}

mr_code mr_control_topic_set(mr_control *control, const char *name,
                             const mr_control_setting *settings, int32_t count, mr_cx *cx) {
    mr_control_topic found;
    MR_TRY(mr_control_topic_find(control, name, &found, cx));
    mr_wire_incremental_alter_configs_resource resource = {.resource_type = TOPIC_RESOURCE,
                                                           .resource_name = mr_span_of(name)};
    resource.configs =
        MR_NEW_ARRAY(cx->arena, mr_wire_incremental_alter_configs_config, (size_t)MR_MAX(count, 1));
    for (int32_t i = 0; i < count; i++) {
        resource.configs[resource.configs_count++] = (mr_wire_incremental_alter_configs_config){
            .name = settings[i].name,
            .config_operation = settings[i].value.data == NULL ? CONFIG_DELETE : CONFIG_SET,
            .value = settings[i].value,
        };
    }
    mr_wire_incremental_alter_configs_request request = {.resources = &resource,
                                                         .resources_count = 1};
    mr_wire_incremental_alter_configs_response response;
    mr_link_call call = {MR_KEY_incremental_alter_configs, INT16_MAX, &request, &response};
    MR_TRY(mr_control_ask(control, MR_CONTROL_CONTROLLER, &call, cx));
    if (response.responses_count != 1) {
        return mr_fail(cx, MR_E_CORRUPT, NULL,
                       "the answer to IncrementalAlterConfigs is about others");
    }
    if (response.responses[0].error_code != 0) {
        return mr_control_failed(response.responses[0].error_code,
                                 response.responses[0].error_message,
                                 about("cannot configure", name, cx), cx);
    }
    return MR_OK;
}
