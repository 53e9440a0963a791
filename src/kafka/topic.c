// Topic: see topic.h.

#include "kafka/topic.h"

#include <inttypes.h>
#include <string.h>

#include "codec/kafka_error.h"

#define TOPIC_AGAIN_US ((int64_t)20000)

mr_code mr_topic_refused(const mr_cluster *cluster, int16_t error, mr_cx *cx) {
    mr_code code = error == MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION ? MR_E_MISSING
                   : error == MR_KAFKA_INVALID_TOPIC_EXCEPTION  ? MR_E_VALUE
                   : error == MR_KAFKA_KAFKA_STORAGE_ERROR      ? MR_E_IO
                   : error == MR_KAFKA_TOPIC_AUTHORIZATION_FAILED ||
                           error == MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED
                       ? MR_E_PERMISSION
                       : MR_E_NETWORK;
    code = mr_fail(cx, code, NULL, "topic \"%s\": %s", cluster->topic, mr_kafka_error_text(error));
    return mr_error_flag(cx, code, code == MR_E_NETWORK ? MR_RETRY : 0);
}

// "key=value, key=value" as what a request wants.
static mr_code parse_settings(const char *text, mr_wire_create_topics_config **ret,
                              int32_t *ret_count, mr_cx *cx) {
    size_t commas = 1;
    for (const char *c = text; c != NULL && *c != '\0'; c++) {
        commas += *c == ',';
    }
    mr_wire_create_topics_config *items =
        MR_NEW_ARRAY(cx->arena, mr_wire_create_topics_config, commas);
    int32_t count = 0;
    mr_span rest = mr_span_of(text);
    while (rest.bytes > 0) {
        const char *comma = memchr(rest.data, ',', rest.bytes);
        size_t bytes = comma == NULL ? rest.bytes : (size_t)(comma - rest.data);
        mr_span item = mr_span_trim((mr_span){rest.data, bytes});
        rest.data += comma == NULL ? bytes : bytes + 1;
        rest.bytes -= comma == NULL ? bytes : bytes + 1;
        const char *equals = item.bytes == 0 ? NULL : memchr(item.data, '=', item.bytes);
        if (equals == NULL && item.bytes > 0) {
            return mr_fail(cx, MR_E_OPTION, "Write key=value, with commas between several.",
                           "\"%.*s\" is not a setting of a topic", MR_SPAN_ARGS(item));
        }
        if (item.bytes > 0) {
            size_t name = (size_t)(equals - item.data);
            items[count++] = (mr_wire_create_topics_config){
                .name = mr_span_trim((mr_span){item.data, name}),
                .value = mr_span_trim((mr_span){equals + 1, item.bytes - name - 1}),
            };
        }
    }
    *ret = items;
    *ret_count = count;
    return MR_OK;
}

static mr_code create(mr_cluster *cluster, const mr_topic_wish *wish, mr_cx *cx) {
    mr_wire_create_topics_topic topic;
    mr_wire_clear(&mr_schema_create_topics_topic, &topic);
    topic.name = mr_span_of(cluster->topic);
    topic.num_partitions = wish->partitions;
    topic.replication_factor = -1;
    MR_TRY(parse_settings(wish->settings, &topic.configs, &topic.configs_count, cx));
    mr_wire_create_topics_request request;
    mr_wire_clear(&mr_schema_create_topics_request, &request);
    request.topics = &topic;
    request.topics_count = 1;
    mr_wire_create_topics_response response;
    mr_wire_clear(&mr_schema_create_topics_response, &response);
    mr_link_call call = {MR_KEY_create_topics, INT16_MAX, &request, &response};
    MR_TRY(mr_cluster_call(cluster, cluster->controller, &call, wish->deadline_us, cx));
    const mr_wire_create_topics_done *done = response.topics;
    if (response.topics_count != 1) {
        return mr_fail(cx, MR_E_CORRUPT, NULL,
                       "the answer to CreateTopics is about something else");
    }
    if (done->error_code == MR_KAFKA_NONE || done->error_code == MR_KAFKA_TOPIC_ALREADY_EXISTS ||
        done->error_code == MR_KAFKA_NOT_CONTROLLER) {
        return MR_OK;
    }
    mr_span words = done->error_message.data != NULL
                        ? done->error_message
                        : mr_span_of(mr_kafka_error_text(done->error_code));
    bool denied = done->error_code == MR_KAFKA_TOPIC_AUTHORIZATION_FAILED ||
                  done->error_code == MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
    return mr_fail(cx, denied ? MR_E_PERMISSION : MR_E_OPTION, NULL,
                   "cannot make topic \"%s\": %.*s", cluster->topic, MR_SPAN_ARGS(words));
}

static bool all_led(const mr_cluster *cluster) {
    for (uint32_t p = 0; p < cluster->partition_count; p++) {
        if (cluster->leaders[p] == MR_CLUSTER_NOBODY) {
            return false;
        }
    }
    return cluster->partition_count > 0;
}

mr_code mr_topic_obtain(mr_cluster *cluster, const mr_topic_wish *wish, mr_cx *cx) {
    for (;;) {
        MR_TRY(mr_cluster_refresh(cluster, wish->deadline_us, cx));
        int16_t error = cluster->topic_error;
        if (error == MR_KAFKA_NONE && all_led(cluster)) {
            return MR_OK;
        }
        if (error == MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION) {
            MR_TRY(create(cluster, wish, cx));
        } else if (error != MR_KAFKA_NONE && error != MR_KAFKA_LEADER_NOT_AVAILABLE) {
            return mr_topic_refused(cluster, error, cx);
        }
        if (mr_clock_monotonic_us(cx->plat) >= wish->deadline_us || mr_cx_cancelled(cx)) {
            return mr_topic_refused(
                cluster, error == MR_KAFKA_NONE ? MR_KAFKA_LEADER_NOT_AVAILABLE : error, cx);
        }
        mr_clock_sleep_us(cx->plat, error == MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION
                                        ? TOPIC_AGAIN_US / 10
                                        : TOPIC_AGAIN_US);
    }
}
