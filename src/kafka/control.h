// Control: asking a cluster about its topics and groups, and changing them, over our own link.
//
// How: a handle is a cluster (kafka/cluster.h) without a topic. Every call waits, at most as long
// as open said, and tries again where Kafka says that it may help. What is returned is in
// cx->arena. Errors say what was asked for and Kafka's own words. Plain TCP only. Threads: one at a
// time.

#pragma once

#include "kafka/cluster.h"

typedef struct mr_control {
    mr_cluster cluster;
    int64_t timeout_us;
} mr_control;

// As a node's id.
enum { MR_CONTROL_CONTROLLER = -2 };

// Connects to the first of the servers that answers.  errors  MR_E_OPTION, MR_E_NETWORK
mr_code mr_control_open(mr_control *control, const char *servers, int64_t timeout_us, mr_cx *cx);
void mr_control_close(mr_control *control, mr_plat *plat);
int64_t mr_control_deadline(const mr_control *control, mr_cx *cx);
// Asks one broker.  errors  MR_E_NETWORK, MR_E_TIMEOUT, MR_E_UNSUPPORTED
mr_code mr_control_ask(mr_control *control, int32_t node, const mr_link_call *call, mr_cx *cx);
// What Kafka says of topics. names NULL: of all.
mr_code mr_control_metadata(mr_control *control, const mr_span *names, int32_t count,
                            mr_wire_metadata_response *ret, mr_cx *cx);
// The node that coordinates a group.
mr_code mr_control_coordinator(mr_control *control, mr_span group, int32_t *ret_node, mr_cx *cx);
// Whether the same call may succeed soon. Waits a moment, and is false after `deadline_us`.
bool mr_control_again(int16_t error, int64_t deadline_us, mr_cx *cx);

// An error of Kafka's as ours. what: what was wanted, "cannot create topic \"x\"".
//   message  the broker's own words, or empty
mr_code mr_control_failed(int16_t error, mr_span message, const char *what, mr_cx *cx);

// ---- topics ----------------------------------------------------------------------------------

typedef struct mr_control_partition {
    int32_t number;
    int32_t leader;  // MR_CLUSTER_NOBODY = none.
    int32_t leader_epoch;
    int32_t *replicas;
    int32_t replica_count;
    int32_t *in_sync;
    int32_t in_sync_count;
    int64_t first;  // -1 = not known, as next and bytes.
    int64_t next;
    int64_t bytes;
} mr_control_partition;

typedef struct mr_control_setting {
    mr_span name;
    mr_span value;  // data NULL = none, or secret.
    int8_t source;  // MR_CONTROL_OF_TOPIC …
    bool sensitive;
} mr_control_setting;

enum { MR_CONTROL_OF_TOPIC = 1, MR_CONTROL_OF_DEFAULT = 5 };

typedef struct mr_control_topic {
    mr_span name;
    mr_wire_uuid id;
    bool internal;
    mr_control_partition *partitions;  // By number.
    int32_t partition_count;
    mr_control_setting *settings;
    int32_t setting_count;
} mr_control_topic;

typedef struct mr_control_topic_new {
    const char *name;
    int32_t partitions;   // -1 = the broker's default.
    int16_t replication;  // The same.
    const mr_control_setting *settings;
    int32_t setting_count;
    bool exists_fine;
} mr_control_topic_new;

// By name, without offsets and settings.
mr_code mr_control_topic_list(mr_control *control, mr_control_topic **ret, uint32_t *ret_count,
                              mr_cx *cx);
// The same of one.  errors  MR_E_MISSING with the nearest name
mr_code mr_control_topic_find(mr_control *control, const char *name, mr_control_topic *ret,
                              mr_cx *cx);
// With offsets, sizes and settings.
mr_code mr_control_topic_describe(mr_control *control, const char *name, mr_control_topic *ret,
                                  mr_cx *cx);
// Returns when the topic can be used.  errors  MR_E_EXISTS, MR_E_VALUE …
mr_code mr_control_topic_create(mr_control *control, const mr_control_topic_new *topic, mr_cx *cx);
// Returns when it is gone.
mr_code mr_control_topic_delete(mr_control *control, const char *name, mr_cx *cx);
mr_code mr_control_topic_grow(mr_control *control, const char *name, int32_t partitions, mr_cx *cx);
// value NULL: back to the default.
mr_code mr_control_topic_set(mr_control *control, const char *name,
                             const mr_control_setting *settings, int32_t count, mr_cx *cx);

// ---- offsets by time -------------------------------------------------------------------------

enum { MR_CONTROL_LATEST = -1, MR_CONTROL_EARLIEST = -2 };

typedef struct mr_control_wish {
    mr_span topic;
    int32_t partition;
    int32_t leader;
    int64_t time_ms;  // Or one of the two above.
    int64_t offset;   // What was found: the first record of that time or later; -1 = none.
    int16_t error;
} mr_control_wish;

// Fills offset and error of each. Items of one topic stand together.
mr_code mr_control_offsets(mr_control *control, mr_control_wish *wishes, uint32_t count, mr_cx *cx);
