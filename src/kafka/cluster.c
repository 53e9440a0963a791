// Cluster: brokers, leaders and the questions that are put to them; see cluster.h.

#include "kafka/cluster.h"

#include <inttypes.h>
#include <string.h>

#include "codec/kafka_error.h"

#define CLUSTER_PORT       9092
#define CLUSTER_CONNECT_US ((int64_t)5 * 1000000)  // For one address among several.
#define ANY_REPLICA        (-1)                    // A client, not another broker.
#define COMMIT_VERSION_MAX 9                       // Topics by their names.
#define NO_GENERATION      (-1)                    // OffsetCommit from outside of the group.

// ---- addresses -------------------------------------------------------------------------------

// "host", "host:port", "[::1]:port"; "PLAINTEXT://" in front is dropped.
static bool parse_address(mr_span in, mr_link_address *ret) {
    const char *scheme = in.bytes == 0 ? NULL : memmem(in.data, in.bytes, "://", 3);
    if (scheme != NULL) {
        size_t bytes = (size_t)(scheme + 3 - in.data);
        in = (mr_span){scheme + 3, in.bytes - bytes};
    }
    const char *colon = in.bytes == 0 ? NULL : memrchr(in.data, ':', in.bytes);
    bool bracket = in.bytes > 0 && in.data[0] == '[';
    const char *close = bracket ? memchr(in.data, ']', in.bytes) : NULL;
    if (bracket && (close == NULL || (colon != NULL && colon < close))) {
        colon = NULL;
    }
    int64_t port = CLUSTER_PORT;
    size_t host_bytes = in.bytes;
    if (colon != NULL) {
        host_bytes = (size_t)(colon - in.data);
        if (!mr_text_parse_int64((mr_span){colon + 1, in.bytes - host_bytes - 1}, &port)) {
            return false;
        }
    }
    mr_span host = {in.data, host_bytes};
    if (bracket) {
        host = close == NULL ? (mr_span){0} : (mr_span){in.data + 1, (size_t)(close - in.data) - 1};
    }
    if (host.bytes == 0 || host.bytes >= MR_LINK_HOST_BYTES || port < 1 || port > UINT16_MAX) {
        return false;
    }
    memcpy(ret->host, host.data, host.bytes);
    ret->host[host.bytes] = '\0';
    ret->port = (uint16_t)port;
    return true;
}

mr_code mr_cluster_init(mr_cluster *cluster, const char *servers, mr_cx *cx) {
    mr_span rest = mr_span_of(servers);
    while (rest.bytes > 0) {
        const char *comma = memchr(rest.data, ',', rest.bytes);
        size_t bytes = comma == NULL ? rest.bytes : (size_t)(comma - rest.data);
        mr_span item = mr_span_trim((mr_span){rest.data, bytes});
        rest.data += comma == NULL ? bytes : bytes + 1;
        rest.bytes -= comma == NULL ? bytes : bytes + 1;
        mr_link_address address;
        if (item.bytes == 0) {
            continue;
        }
        if (!parse_address(item, &address)) {
            return mr_fail(cx, MR_E_OPTION, "Write host:port, with commas between several.",
                           "\"%.*s\" is not the address of a broker", MR_SPAN_ARGS(item));
        }
        cluster->bootstrap = mr_heap_resize(
            cluster->bootstrap, sizeof(mr_link_address) * (cluster->bootstrap_count + (size_t)1));
        cluster->bootstrap[cluster->bootstrap_count++] = address;
    }
    cluster->coordinator = MR_CLUSTER_NOBODY;
    return MR_OK;
}

void mr_cluster_release(mr_cluster *cluster, mr_plat *plat) {
    for (uint32_t i = 0; i < cluster->broker_count; i++) {
        mr_link_release(&cluster->brokers[i]->link, plat);
        mr_heap_free(cluster->brokers[i]);
    }
    mr_heap_free(cluster->brokers);
    mr_heap_free(cluster->bootstrap);
    mr_heap_free(cluster->leaders);
    *cluster = (mr_cluster){0};
}

// ---- brokers ---------------------------------------------------------------------------------

static mr_cluster_broker *find_broker(const mr_cluster *cluster, int32_t node) {
    for (uint32_t i = 0; i < cluster->broker_count; i++) {
        if (cluster->brokers[i]->node == node) {
            return cluster->brokers[i];
        }
    }
    return NULL;
}

const mr_cluster_broker *mr_cluster_find(const mr_cluster *cluster, int32_t node) {
    return find_broker(cluster, node);
}

static bool same_address(const mr_link_address *a, const mr_link_address *b) {
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

// Enters a broker, or its new address.
static void name_broker(mr_cluster *cluster, int32_t node, mr_span host, int32_t port,
                        mr_plat *plat) {
    mr_link_address address = {.port = (uint16_t)port};
    if (host.bytes == 0 || host.bytes >= MR_LINK_HOST_BYTES || port < 1 || port > UINT16_MAX) {
        return;
    }
    memcpy(address.host, host.data, host.bytes);
    mr_cluster_broker *broker = find_broker(cluster, node);
    if (broker == NULL) {
        broker = mr_heap_alloc(sizeof(*broker));
        broker->node = node;
        mr_link_init(&broker->link, cluster->client_id);
        broker->link.embedded = cluster->embedded;
        cluster->brokers = mr_heap_resize(
            cluster->brokers, sizeof(*cluster->brokers) * (cluster->broker_count + (size_t)1));
        cluster->brokers[cluster->broker_count++] = broker;
    } else if (!same_address(&broker->address, &address)) {
        mr_link_close(&broker->link, plat);
    }
    broker->address = address;
}

static mr_socket_limit limit_of(const mr_cluster *cluster, int64_t deadline_us) {
    return (mr_socket_limit){.deadline_us = deadline_us, .wake = cluster->wake};
}

// Calls over a link, opening it first; closes it when it fails.
static mr_code call_over(const mr_cluster *cluster, mr_link *link, const mr_link_address *address,
                         const mr_link_call *call, const mr_socket_limit *limit, mr_cx *cx) {
    (void)cluster;
    bool fresh = !mr_link_is_open(link);
    mr_code code = fresh ? mr_link_open(link, address, limit, cx) : MR_OK;
    if (code == MR_OK) {
        code = mr_link_call_wait(link, call, limit, cx);
    }
    if (code != MR_OK) {
        mr_link_close(link, cx->plat);
    }
    // A link that lay idle may have been closed by the other side meanwhile.
    return code == MR_E_NETWORK && !fresh ? call_over(cluster, link, address, call, limit, cx)
                                          : code;
}

static mr_code no_broker(int32_t node, mr_cx *cx) {
    mr_code code = mr_fail(cx, MR_E_NETWORK, NULL, "the cluster has no broker %" PRId32, node);
    return mr_error_flag(cx, code, MR_RETRY);
}

mr_code mr_cluster_link(mr_cluster *cluster, int32_t node, int64_t deadline_us, mr_link **ret,
                        mr_cx *cx) {
    mr_cluster_broker *broker = find_broker(cluster, node);
    if (broker == NULL) {
        return no_broker(node, cx);
    }
    *ret = &broker->link;
    mr_socket_limit limit = limit_of(cluster, deadline_us);
    return mr_link_is_open(*ret) ? MR_OK : mr_link_open(*ret, &broker->address, &limit, cx);
}

mr_code mr_cluster_call(mr_cluster *cluster, int32_t node, const mr_link_call *call,
                        int64_t deadline_us, mr_cx *cx) {
    mr_cluster_broker *broker = find_broker(cluster, node);
    if (broker == NULL) {
        return no_broker(node, cx);
    }
    mr_socket_limit limit = limit_of(cluster, deadline_us);
    return call_over(cluster, &broker->link, &broker->address, call, &limit, cx);
}

// ---- metadata --------------------------------------------------------------------------------

static void take_topic(mr_cluster *cluster, const mr_wire_metadata_topic *topic) {
    cluster->topic_error = topic->error_code;
    cluster->topic_id = topic->topic_id;
    uint32_t count = 0;
    for (int32_t i = 0; i < topic->partitions_count; i++) {
        int32_t index = topic->partitions[i].partition_index;
        count = index < 0 || index > 1000000 ? count : MR_MAX(count, (uint32_t)index + 1);
    }
    cluster->leaders = mr_heap_resize(cluster->leaders, sizeof(int32_t) * MR_MAX(count, 1u));
    for (uint32_t p = 0; p < count; p++) {
        cluster->leaders[p] = MR_CLUSTER_NOBODY;
    }
    for (int32_t i = 0; i < topic->partitions_count; i++) {
        const mr_wire_metadata_partition *p = &topic->partitions[i];
        if (p->partition_index >= 0 && (uint32_t)p->partition_index < count) {
            cluster->leaders[p->partition_index] = p->leader_id;
        }
    }
    cluster->partition_count = count;
}

static void take_metadata(mr_cluster *cluster, const mr_wire_metadata_response *response,
                          mr_plat *plat) {
    for (int32_t i = 0; i < response->brokers_count; i++) {
        const mr_wire_metadata_broker *b = &response->brokers[i];
        name_broker(cluster, b->node_id, b->host, b->port, plat);
    }
    cluster->controller = response->controller_id;
    for (int32_t i = 0; cluster->topic != NULL && i < response->topics_count; i++) {
        if (mr_span_is(response->topics[i].name, cluster->topic)) {
            take_topic(cluster, &response->topics[i]);
        }
    }
}

mr_code mr_cluster_metadata(mr_cluster *cluster, const mr_wire_metadata_request *request,
                            mr_wire_metadata_response *ret, int64_t deadline_us, mr_cx *cx) {
    mr_link_call call = {MR_KEY_metadata, INT16_MAX, request, ret};
    mr_code code = mr_fail(
        cx, MR_E_OPTION, "Give the server option bootstrap_servers.",
        "no address of a Kafka cluster%s%s%s", cluster->topic == NULL ? "" : " for topic \"",
        cluster->topic == NULL ? "" : cluster->topic, cluster->topic == NULL ? "" : "\"");
    uint32_t count = cluster->broker_count + cluster->bootstrap_count;
    for (uint32_t i = 0; i < count; i++) {
        // One that hangs must not use up the time of the others.
        int64_t now_us = mr_clock_monotonic_us(cx->plat);
        mr_socket_limit limit =
            limit_of(cluster, i + 1 == count ? deadline_us
                                             : MR_MIN(deadline_us, now_us + CLUSTER_CONNECT_US));
        if (i < cluster->broker_count) {
            mr_cluster_broker *b = cluster->brokers[i];
            code = call_over(cluster, &b->link, &b->address, &call, &limit, cx);
        } else {
            mr_link link;
            mr_link_init(&link, cluster->client_id);
            link.embedded = cluster->embedded;
            const mr_link_address *address = &cluster->bootstrap[i - cluster->broker_count];
            code = call_over(cluster, &link, address, &call, &limit, cx);
            mr_link_release(&link, cx->plat);
        }
        if (code == MR_OK) {
            take_metadata(cluster, ret, cx->plat);
            return MR_OK;
        }
        if (code == MR_E_CANCELLED) {
            return code;
        }
    }
    return code;
}

mr_code mr_cluster_refresh(mr_cluster *cluster, int64_t deadline_us, mr_cx *cx) {
    mr_wire_metadata_wish wish = {.name = mr_span_of(cluster->topic)};
    mr_wire_metadata_request request;
    mr_wire_clear(&mr_schema_metadata_request, &request);
    request.topics = &wish;
    request.topics_count = 1;
    request.allow_auto_topic_creation = false;
    mr_wire_metadata_response response;
    return mr_cluster_metadata(cluster, &request, &response, deadline_us, cx);
}

// ---- offsets ---------------------------------------------------------------------------------

mr_code mr_cluster_offset(mr_cluster *cluster, const mr_cluster_wish *wish, int64_t deadline_us,
                          int64_t *ret, int16_t *ret_error, mr_cx *cx) {
    if (wish->partition >= cluster->partition_count) {  // It was made anew with fewer.
        *ret_error = MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        return MR_OK;
    }
    mr_wire_list_offsets_partition partition;
    mr_wire_clear(&mr_schema_list_offsets_partition, &partition);
    partition.partition_index = (int32_t)wish->partition;
    partition.timestamp = wish->time_ms;
    mr_wire_list_offsets_topic topic = {mr_span_of(cluster->topic), &partition, 1};
    mr_wire_list_offsets_request request;
    mr_wire_clear(&mr_schema_list_offsets_request, &request);
    request.replica_id = ANY_REPLICA;
    request.isolation_level = wish->isolation;
    request.topics = &topic;
    request.topics_count = 1;
    mr_wire_list_offsets_response response;
    mr_link_call call = {MR_KEY_list_offsets, INT16_MAX, &request, &response};
    MR_TRY(mr_cluster_call(cluster, cluster->leaders[wish->partition], &call, deadline_us, cx));
    if (response.topics_count != 1 || response.topics[0].partitions_count != 1) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "the answer to ListOffsets is about something else");
    }
    *ret = response.topics[0].partitions[0].offset;
    *ret_error = response.topics[0].partitions[0].error_code;
    return MR_OK;
}

// ---- groups ----------------------------------------------------------------------------------

mr_code mr_cluster_find_coordinator(mr_cluster *cluster, const mr_cluster_key *key,
                                    int64_t deadline_us, int32_t *ret_node, int16_t *ret_error,
                                    mr_cx *cx) {
    mr_wire_find_coordinator_request request;
    mr_wire_clear(&mr_schema_find_coordinator_request, &request);
    request.key = mr_span_of(key->name);
    request.key_type = (int8_t)key->type;
    mr_wire_find_coordinator_response response;
    mr_link_call call = {MR_KEY_find_coordinator, 3, &request, &response};  // Of one key.
    mr_code code = mr_fail(cx, MR_E_NETWORK, NULL, "the cluster has no broker");
    for (uint32_t i = 0; i < cluster->broker_count && code != MR_OK; i++) {
        code = mr_cluster_call(cluster, cluster->brokers[i]->node, &call, deadline_us, cx);
    }
    MR_TRY(code);
    *ret_error = response.error_code;
    if (response.error_code == 0) {
        name_broker(cluster, response.node_id, response.host, response.port, cx->plat);
        *ret_node = response.node_id;
    }
    return MR_OK;
}

mr_code mr_cluster_commit(mr_cluster *cluster, const mr_cluster_offsets *offsets,
                          int64_t deadline_us, int16_t *ret_error, mr_cx *cx) {
    *ret_error = 0;
    if (cluster->coordinator == MR_CLUSTER_NOBODY) {
        mr_cluster_key key = {offsets->group, MR_CLUSTER_GROUP};
        MR_TRY(mr_cluster_find_coordinator(cluster, &key, deadline_us, &cluster->coordinator,
                                           ret_error, cx));
        if (*ret_error != 0) {
            return MR_OK;
        }
    }
    mr_wire_offset_commit_partition *partitions =
        MR_NEW_ARRAY(cx->arena, mr_wire_offset_commit_partition, offsets->count);
    int32_t filled = 0;
    for (uint32_t p = 0; p < offsets->count; p++) {
        if (offsets->items[p] >= 0) {
            mr_wire_clear(&mr_schema_offset_commit_partition, &partitions[filled]);
            partitions[filled].partition_index = (int32_t)p;
            partitions[filled].committed_metadata = MR_SPAN("");
            partitions[filled++].committed_offset = offsets->items[p];
        }
    }
    mr_wire_offset_commit_topic topic = {.name = mr_span_of(cluster->topic)};
    topic.partitions = partitions;
    topic.partitions_count = filled;
    mr_wire_offset_commit_request request;
    mr_wire_clear(&mr_schema_offset_commit_request, &request);
    request.group_id = mr_span_of(offsets->group);
    request.generation_id_or_member_epoch = NO_GENERATION;
    request.topics = &topic;
    request.topics_count = 1;
    mr_wire_offset_commit_response response;
    mr_link_call call = {MR_KEY_offset_commit, COMMIT_VERSION_MAX, &request, &response};
    mr_code code = mr_cluster_call(cluster, cluster->coordinator, &call, deadline_us, cx);
    for (int32_t i = 0; code == MR_OK && i < response.topics_count; i++) {
        for (int32_t p = 0; p < response.topics[i].partitions_count; p++) {
            int16_t error = response.topics[i].partitions[p].error_code;
            *ret_error = error != 0 ? error : *ret_error;
        }
    }
    if (code != MR_OK || *ret_error != 0) {
        cluster->coordinator = MR_CLUSTER_NOBODY;  // It may have moved.
    }
    return code;
}
