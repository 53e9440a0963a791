// Control: a handle on a cluster, and its errors as ours; see control.h.

#include "kafka/control.h"

#include "codec/kafka_error.h"

#define CONTROL_PAUSE_US ((int64_t)20000)

static mr_code unreachable(mr_code code, mr_cx *cx) {
    if ((code != MR_E_NETWORK && code != MR_E_TIMEOUT) || cx->error.hint[0] != '\0') {
        return code;
    }
    const char *text = mr_arena_string(cx->arena, cx->error.text);
    return mr_fail(cx, code, "Start a broker, or name another with --bootstrap HOST:PORT.", "%s",
                   text);
}

mr_code mr_control_open(mr_control *control, const char *servers, int64_t timeout_us, mr_cx *cx) {
    *control = (mr_control){.timeout_us = timeout_us, .cluster.client_id = "millrace"};
    mr_code code = mr_cluster_init(&control->cluster, servers, cx);
    mr_wire_metadata_response response;
    if (code == MR_OK) {
        mr_span none = {0};
        code = mr_control_metadata(control, &none, 0, &response, cx);
    }
    if (code != MR_OK) {
        mr_control_close(control, cx->plat);
    }
    return unreachable(code, cx);
}

void mr_control_close(mr_control *control, mr_plat *plat) {
    mr_cluster_release(&control->cluster, plat);
}

int64_t mr_control_deadline(const mr_control *control, mr_cx *cx) {
    return mr_clock_monotonic_us(cx->plat) + control->timeout_us;
}

mr_code mr_control_ask(mr_control *control, int32_t node, const mr_link_call *call, mr_cx *cx) {
    if (node == MR_CONTROL_CONTROLLER) {
        node = mr_cluster_find(&control->cluster, control->cluster.controller) != NULL
                   ? control->cluster.controller
                   : control->cluster.brokers[0]->node;
    }
    mr_code code =
        mr_cluster_call(&control->cluster, node, call, mr_control_deadline(control, cx), cx);
    if (code == MR_E_UNSUPPORTED) {
        return mr_fail(cx, code, "The cluster is too old for this, or does not offer it.",
                       "the broker does not know %s", mr_wire_find(call->key)->name);
    }
    return code;
}

mr_code mr_control_metadata(mr_control *control, const mr_span *names, int32_t count,
                            mr_wire_metadata_response *ret, mr_cx *cx) {
    mr_wire_metadata_request request;
    mr_wire_clear(&mr_schema_metadata_request, &request);
    request.allow_auto_topic_creation = false;
    request.topics_count = names == NULL ? -1 : count;
    request.topics = MR_NEW_ARRAY(cx->arena, mr_wire_metadata_wish, (size_t)MR_MAX(count, 1));
    for (int32_t i = 0; names != NULL && i < count; i++) {
        request.topics[i].name = names[i];
    }
    return mr_cluster_metadata(&control->cluster, &request, ret, mr_control_deadline(control, cx),
                               cx);
}

bool mr_control_again(int16_t error, int64_t deadline_us, mr_cx *cx) {
    switch (error) {
    case MR_KAFKA_LEADER_NOT_AVAILABLE:
    case MR_KAFKA_NOT_LEADER_OR_FOLLOWER:
    case MR_KAFKA_COORDINATOR_LOAD_IN_PROGRESS:
    case MR_KAFKA_COORDINATOR_NOT_AVAILABLE:
    case MR_KAFKA_NOT_COORDINATOR:
    case MR_KAFKA_NOT_CONTROLLER:
    case MR_KAFKA_UNSTABLE_OFFSET_COMMIT:
    case MR_KAFKA_FENCED_LEADER_EPOCH:
    case MR_KAFKA_UNKNOWN_LEADER_EPOCH: break;
    default: return false;
    }
    if (mr_clock_monotonic_us(cx->plat) >= deadline_us || mr_cx_cancelled(cx)) {
        return false;
    }
    mr_clock_sleep_us(cx->plat, CONTROL_PAUSE_US);
    return true;
}

mr_code mr_control_coordinator(mr_control *control, mr_span group, int32_t *ret_node, mr_cx *cx) {
    int64_t deadline_us = mr_control_deadline(control, cx);
    const char *name = mr_arena_copy(cx->arena, group.data, group.bytes);
    mr_cluster_key key = {name, MR_CLUSTER_GROUP};
    int16_t error;
    do {
        MR_TRY(mr_cluster_find_coordinator(&control->cluster, &key, deadline_us, ret_node, &error,
                                           cx));
    } while (mr_control_again(error, deadline_us, cx));
    return error == 0
               ? MR_OK
               : mr_control_failed(
                     error, (mr_span){0},
                     mr_arena_printf(cx->arena, "no coordinator for group \"%s\"", name), cx);
}

static mr_code code_of(int16_t error) {
    switch (error) {
    case MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION:
    case MR_KAFKA_UNKNOWN_TOPIC_ID:
    case MR_KAFKA_GROUP_ID_NOT_FOUND: return MR_E_MISSING;
    case MR_KAFKA_TOPIC_ALREADY_EXISTS: return MR_E_EXISTS;
    case MR_KAFKA_TOPIC_AUTHORIZATION_FAILED:
    case MR_KAFKA_GROUP_AUTHORIZATION_FAILED:
    case MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED: return MR_E_PERMISSION;
    case MR_KAFKA_REQUEST_TIMED_OUT: return MR_E_TIMEOUT;
    case MR_KAFKA_INVALID_TOPIC_EXCEPTION:
    case MR_KAFKA_INVALID_PARTITIONS:
    case MR_KAFKA_INVALID_REPLICATION_FACTOR:
    case MR_KAFKA_INVALID_CONFIG:
    case MR_KAFKA_INVALID_REQUEST: return MR_E_VALUE;
    case MR_KAFKA_UNSUPPORTED_VERSION: return MR_E_UNSUPPORTED;
    case MR_KAFKA_NON_EMPTY_GROUP: return MR_E_LOCKED;
    default: return MR_E_IO;
    }
}

static const char *hint_of(int16_t error) {
    switch (error) {
    case MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION: return "millrace topic list shows what there is.";
    case MR_KAFKA_GROUP_ID_NOT_FOUND: return "millrace group list shows what there is.";
    case MR_KAFKA_TOPIC_ALREADY_EXISTS:
        return "Write --if-not-exists to be content with the one that is there.";
    case MR_KAFKA_INVALID_TOPIC_EXCEPTION:
        return "A topic's name has 1 to 249 of the characters a-z A-Z 0-9 . _ -";
    case MR_KAFKA_NON_EMPTY_GROUP: return "Stop its consumers first.";
    default: return NULL;
    }
}

mr_code mr_control_failed(int16_t error, mr_span message, const char *what, mr_cx *cx) {
    mr_span words = message.bytes > 0 ? message : mr_span_of(mr_kafka_error_text(error));
    while (words.bytes > 0 && words.data[words.bytes - 1] == '.') {
        words.bytes--;
    }
    return mr_fail(cx, code_of(error), hint_of(error), "%s: %.*s (%s)", what, MR_SPAN_ARGS(words),
                   mr_kafka_error_name(error));
}
