// Admin: what is asked of a cluster about topics, and making them; see admin.h.

#include "kafka/admin.h"

#include <inttypes.h>
#include <string.h>

#include "plat/plat.h"

#define ADMIN_NAME_MAX 249

mr_code mr_admin_code(rd_kafka_resp_err_t error) {
    // clang-format off
    if (error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__TRANSPORT ||
        error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || error == RD_KAFKA_RESP_ERR__RESOLVE ||
        error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
        error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
        error == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT) {
        return MR_E_NETWORK;
    }
    if (error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
        error == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
        error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
        error == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
        return MR_E_PERMISSION;
    }
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
        error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
        return MR_E_MISSING;
    }
    // clang-format on
    return MR_E_IO;
}

mr_code mr_admin_check_name(const char *topic, mr_cx *cx) {
    size_t bytes = strlen(topic);
    bool ok = bytes >= 1 && bytes <= ADMIN_NAME_MAX && strcmp(topic, ".") != 0 &&
              strcmp(topic, "..") != 0;
    for (size_t i = 0; i < bytes; i++) {
        char c = topic[i];
        ok = ok && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '_' || c == '-');
    }
    if (!ok) {
        return mr_fail(cx, MR_E_VALUE,
                       "A topic's name has 1 to 249 of the characters a-z A-Z 0-9 . _ -",
                       "\"%s\" cannot be the name of a topic", topic);
    }
    return MR_OK;
}

mr_code mr_admin_partitions(rd_kafka_t *client, const char *topic, int64_t timeout_us,
                            uint32_t *ret, mr_cx *cx) {
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t error =
        rd_kafka_metadata(client, /* all_topics= */ 0, handle, &metadata, (int)(timeout_us / 1000));
    rd_kafka_topic_destroy(handle);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return mr_fail(cx, mr_admin_code(error), NULL, "topic \"%s\": %s", topic,
                       rd_kafka_err2str(error));
    }
    uint32_t count = 0;
    for (int t = 0; t < metadata->topic_cnt; t++) {
        const struct rd_kafka_metadata_topic *found = &metadata->topics[t];
        if (strcmp(found->topic, topic) != 0) {
            continue;
        }
        error = found->err;
        for (int p = 0; p < found->partition_cnt; p++) {
            if (found->partitions[p].leader < 0) {
                error = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
            }
        }
        count = (uint32_t)found->partition_cnt;
    }
    rd_kafka_metadata_destroy(metadata);
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        count = 0;
    } else if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        mr_code code = mr_admin_code(error);
        code = mr_fail(cx, code, NULL, "topic \"%s\": %s", topic, rd_kafka_err2str(error));
        return code == MR_E_NETWORK ? mr_error_flag(cx, code, MR_RETRY) : code;
    }
    *ret = count;
    return MR_OK;
}

static mr_code set_topic_config(rd_kafka_NewTopic_t *topic, const char *config, mr_cx *cx) {
    mr_span rest = mr_span_trim(mr_span_of(config));
    while (rest.bytes > 0) {
        const char *comma = memchr(rest.data, ',', rest.bytes);
        size_t bytes = comma == NULL ? rest.bytes : (size_t)(comma - rest.data);
        mr_span item = mr_span_trim((mr_span){rest.data, bytes});
        rest.data += comma == NULL ? bytes : bytes + 1;
        rest.bytes -= comma == NULL ? bytes : bytes + 1;
        const char *equal = item.bytes == 0 ? NULL : memchr(item.data, '=', item.bytes);
        if (equal == NULL) {
            return mr_fail(cx, MR_E_OPTION, "Write topic_config 'retention.ms=86400000'.",
                           "\"%.*s\" in topic_config is not key=value", MR_SPAN_ARGS(item));
        }
        size_t name_bytes = (size_t)(equal - item.data);
        mr_span name = mr_span_trim((mr_span){item.data, name_bytes});
        mr_span value = mr_span_trim((mr_span){equal + 1, item.bytes - name_bytes - 1});
        rd_kafka_NewTopic_set_config(topic, mr_arena_copy(cx->arena, name.data, name.bytes),
                                     mr_arena_copy(cx->arena, value.data, value.bytes));
    }
    return MR_OK;
}

// Sends the request and takes the answer.
static mr_code create_and_wait(rd_kafka_t *client, rd_kafka_NewTopic_t *topic, const char *name,
                               int64_t timeout_us, mr_cx *cx) {
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    char reason[256];
    int timeout_ms = (int)(timeout_us / 1000);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, reason, sizeof(reason));
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, reason, sizeof(reason));
    rd_kafka_CreateTopics(client, &topic, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + 1000);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
    const char *text = rd_kafka_err2str(error);
    if (event != NULL) {
        error = rd_kafka_event_error(event);
        text = rd_kafka_event_error_string(event);
        const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
        size_t count = 0;
        const rd_kafka_topic_result_t **topics =
            error != 0 || result == NULL ? NULL
                                         : rd_kafka_CreateTopics_result_topics(result, &count);
        if (count == 1) {
            error = rd_kafka_topic_result_error(topics[0]);
            text = rd_kafka_topic_result_error_string(topics[0]);
        }
    }
    mr_code code = MR_OK;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        code = mr_fail(
            cx, mr_admin_code(error), "Create it beforehand, or give the user the right to.",
            "cannot create topic \"%s\": %s", name, text == NULL ? rd_kafka_err2str(error) : text);
    }
    if (event != NULL) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return code;
}

mr_code mr_admin_create(rd_kafka_t *client, const mr_admin_topic *topic, int64_t timeout_us,
                        mr_cx *cx) {
    char reason[256];
    rd_kafka_NewTopic_t *request = rd_kafka_NewTopic_new(
        topic->name, topic->partitions, /* replication_factor= */ -1, reason, sizeof(reason));
    if (request == NULL) {
        return mr_fail(cx, MR_E_VALUE, NULL, "cannot create topic \"%s\": %s", topic->name, reason);
    }
    mr_code code = topic->config == NULL ? MR_OK : set_topic_config(request, topic->config, cx);
    if (code == MR_OK) {
        code = create_and_wait(client, request, topic->name, timeout_us, cx);
    }
    rd_kafka_NewTopic_destroy(request);
    MR_TRY(code);
    int64_t deadline_us = mr_clock_monotonic_us(cx->plat) + timeout_us;
    for (;;) {
        uint32_t count = 0;
        code = mr_admin_partitions(client, topic->name, timeout_us, &count, cx);
        if (code == MR_OK && count > 0) {
            return MR_OK;
        }
        if (mr_clock_monotonic_us(cx->plat) >= deadline_us) {
            return code != MR_OK
                       ? code
                       : mr_fail(cx, MR_E_TIMEOUT, NULL,
                                 "topic \"%s\" was created but does not show up", topic->name);
        }
        mr_clock_sleep_us(cx->plat, 50000);
    }
}
