// Cluster: what the native client knows of a cluster and one topic: brokers, leaders, coordinator.
//
// How: one link to each broker that is asked something, opened when first needed. Calls wait.
// Threads: one at a time; wake, made by the owner, ends a call early.

#pragma once

#include "kafka/link.h"

#define MR_CLUSTER_NOBODY (-1)  // As a node's id.

typedef struct mr_cluster_broker {
    int32_t node;
    mr_link_address address;
    mr_link link;
} mr_cluster_broker;

typedef struct mr_cluster {
    const char *client_id;
    const char *topic;      // Of refresh, offset and commit; NULL = none.
    mr_embedded *embedded;  // The broker of this process is the cluster; else NULL.
    const mr_wake *wake;
    mr_link_address *bootstrap;
    uint32_t bootstrap_count;
    mr_cluster_broker **brokers;  // Those ever named, each on the heap.
    uint32_t broker_count;
    // Of the topic, as of the last refresh.
    int16_t topic_error;  // Kafka's code; 0 = fine.
    mr_wire_uuid topic_id;
    int32_t *leaders;  // By partition; MR_CLUSTER_NOBODY = none now.
    uint32_t partition_count;
    int32_t controller;   // Who makes topics; MR_CLUSTER_NOBODY = not known.
    int32_t coordinator;  // Of the group that was asked for last.
} mr_cluster;

// servers: "host:port, …".  errors  MR_E_OPTION
mr_code mr_cluster_init(mr_cluster *cluster, const char *servers, mr_cx *cx);
void mr_cluster_release(mr_cluster *cluster, mr_plat *plat);  // Takes a zeroed one.
// Asks any broker, those of the bootstrap list too, and takes note of the brokers that it names.
// The struct's strings are in cx->arena.
mr_code mr_cluster_metadata(mr_cluster *cluster, const mr_wire_metadata_request *request,
                            mr_wire_metadata_response *ret, int64_t deadline_us, mr_cx *cx);
// Asks any broker for brokers and leaders of the topic.
mr_code mr_cluster_refresh(mr_cluster *cluster, int64_t deadline_us, mr_cx *cx);
const mr_cluster_broker *mr_cluster_find(const mr_cluster *cluster, int32_t node);
// Asks one broker.  errors  MR_E_NETWORK and MR_E_TIMEOUT, after which its link is closed
mr_code mr_cluster_call(mr_cluster *cluster, int32_t node, const mr_link_call *call,
                        int64_t deadline_us, mr_cx *cx);
// The link to a broker, opened if it is not, for who sends and receives by itself.
mr_code mr_cluster_link(mr_cluster *cluster, int32_t node, int64_t deadline_us, mr_link **ret,
                        mr_cx *cx);
// The offset of a moment: of -1 the end of what a reader of this isolation sees, of -2 the start.
typedef struct mr_cluster_wish {
    uint32_t partition;
    int64_t time_ms;
    int8_t isolation;
} mr_cluster_wish;
//   ret        -1 = no record is that young
//   ret_error  Kafka's code; the rest is for 0 only
mr_code mr_cluster_offset(mr_cluster *cluster, const mr_cluster_wish *wish, int64_t deadline_us,
                          int64_t *ret, int16_t *ret_error, mr_cx *cx);
typedef struct mr_cluster_key {
    const char *name;
    enum { MR_CLUSTER_GROUP = 0, MR_CLUSTER_TRANSACTION = 1 } type;
} mr_cluster_key;
// Who coordinates a group or a transactional id.
//   ret_error  Kafka's code; the rest is for 0 only
mr_code mr_cluster_find_coordinator(mr_cluster *cluster, const mr_cluster_key *key,
                                    int64_t deadline_us, int32_t *ret_node, int16_t *ret_error,
                                    mr_cx *cx);
// A group's offsets, by partition from 0; < 0 = none.
typedef struct mr_cluster_offsets {
    const char *group;
    const int64_t *items;
    uint32_t count;
} mr_cluster_offsets;
// Writes them.  errors  of the network; what the coordinator says is in *ret_error
mr_code mr_cluster_commit(mr_cluster *cluster, const mr_cluster_offsets *offsets,
                          int64_t deadline_us, int16_t *ret_error, mr_cx *cx);
