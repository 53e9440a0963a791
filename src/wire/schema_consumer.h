// Schema: the groups of KIP-848: ConsumerGroupHeartbeat, ConsumerGroupDescribe; see schema.h.

#pragma once

// ---- ConsumerGroupHeartbeat (68) --------------------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_HEARTBEAT_OWNED(F, T) \
    F(UUID, topic_id, 0, MAX, 0)                    \
    F(I32S, partitions, 0, MAX, 0)

#define SCHEMA_CONSUMER_GROUP_HEARTBEAT_REQUEST(F, T) \
    F(STRING, group_id, 0, MAX, 0)                    \
    F(STRING, member_id, 0, MAX, 0)                   \
    F(I32, member_epoch, 0, MAX, 0)                   \
    F(NSTRING, instance_id, 0, MAX, 0)                \
    F(NSTRING, rack_id, 0, MAX, 0)                    \
    F(I32, rebalance_timeout_ms, 0, MAX, -1)          \
    F(NSTRINGS, subscribed_topic_names, 0, MAX, 0)    \
    F(NSTRING, subscribed_topic_regex, 1, MAX, 0)     \
    F(NSTRING, server_assignor, 0, MAX, 0)            \
    F(NARRAY, topic_partitions, 0, MAX, consumer_group_heartbeat_owned)

#define SCHEMA_CONSUMER_GROUP_HEARTBEAT_TOPIC(F, T) \
    F(UUID, topic_id, 0, MAX, 0)                    \
    F(I32S, partitions, 0, MAX, 0)

#define SCHEMA_CONSUMER_GROUP_HEARTBEAT_ASSIGNMENT(F, T) \
    F(ARRAY, topic_partitions, 0, MAX, consumer_group_heartbeat_topic)

#define SCHEMA_CONSUMER_GROUP_HEARTBEAT_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)                \
    F(I16, error_code, 0, MAX, 0)                      \
    F(NSTRING, error_message, 0, MAX, 0)               \
    F(NSTRING, member_id, 0, MAX, 0)                   \
    F(I32, member_epoch, 0, MAX, 0)                    \
    F(I32, heartbeat_interval_ms, 0, MAX, 0)           \
    F(NSTRUCT, assignment, 0, MAX, consumer_group_heartbeat_assignment)

// ---- ConsumerGroupDescribe (69) ---------------------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_DESCRIBE_REQUEST(F, T) \
    F(STRINGS, group_ids, 0, MAX, 0)                 \
    F(BOOL, include_authorized_operations, 0, MAX, 0)

#define SCHEMA_CONSUMER_GROUP_DESCRIBE_TOPIC(F, T) \
    F(UUID, topic_id, 0, MAX, 0)                   \
    F(STRING, topic_name, 0, MAX, 0)               \
    F(I32S, partitions, 0, MAX, 0)

#define SCHEMA_CONSUMER_GROUP_DESCRIBE_ASSIGNED(F, T) \
    F(ARRAY, topic_partitions, 0, MAX, consumer_group_describe_topic)

#define SCHEMA_CONSUMER_GROUP_DESCRIBE_MEMBER(F, T)                        \
    F(STRING, member_id, 0, MAX, 0)                                        \
    F(NSTRING, instance_id, 0, MAX, 0)                                     \
    F(NSTRING, rack_id, 0, MAX, 0)                                         \
    F(I32, member_epoch, 0, MAX, 0)                                        \
    F(STRING, client_id, 0, MAX, 0)                                        \
    F(STRING, client_host, 0, MAX, 0)                                      \
    F(STRINGS, subscribed_topic_names, 0, MAX, 0)                          \
    F(NSTRING, subscribed_topic_regex, 0, MAX, 0)                          \
    F(STRUCT, assignment, 0, MAX, consumer_group_describe_assigned)        \
    F(STRUCT, target_assignment, 0, MAX, consumer_group_describe_assigned) \
    F(I8, member_type, 1, MAX, -1)

#define SCHEMA_CONSUMER_GROUP_DESCRIBE_GROUP(F, T)            \
    F(I16, error_code, 0, MAX, 0)                             \
    F(NSTRING, error_message, 0, MAX, 0)                      \
    F(STRING, group_id, 0, MAX, 0)                            \
    F(STRING, group_state, 0, MAX, 0)                         \
    F(I32, group_epoch, 0, MAX, 0)                            \
    F(I32, assignment_epoch, 0, MAX, 0)                       \
    F(STRING, assignor_name, 0, MAX, 0)                       \
    F(ARRAY, members, 0, MAX, consumer_group_describe_member) \
    F(I32, authorized_operations, 0, MAX, INT32_MIN)

#define SCHEMA_CONSUMER_GROUP_DESCRIBE_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)               \
    F(ARRAY, groups, 0, MAX, consumer_group_describe_group)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_CONSUMER(S)                                                          \
    S(consumer_group_heartbeat_owned, SCHEMA_CONSUMER_GROUP_HEARTBEAT_OWNED)           \
    S(consumer_group_heartbeat_request, SCHEMA_CONSUMER_GROUP_HEARTBEAT_REQUEST)       \
    S(consumer_group_heartbeat_topic, SCHEMA_CONSUMER_GROUP_HEARTBEAT_TOPIC)           \
    S(consumer_group_heartbeat_assignment, SCHEMA_CONSUMER_GROUP_HEARTBEAT_ASSIGNMENT) \
    S(consumer_group_heartbeat_response, SCHEMA_CONSUMER_GROUP_HEARTBEAT_RESPONSE)     \
    S(consumer_group_describe_request, SCHEMA_CONSUMER_GROUP_DESCRIBE_REQUEST)         \
    S(consumer_group_describe_topic, SCHEMA_CONSUMER_GROUP_DESCRIBE_TOPIC)             \
    S(consumer_group_describe_assigned, SCHEMA_CONSUMER_GROUP_DESCRIBE_ASSIGNED)       \
    S(consumer_group_describe_member, SCHEMA_CONSUMER_GROUP_DESCRIBE_MEMBER)           \
    S(consumer_group_describe_group, SCHEMA_CONSUMER_GROUP_DESCRIBE_GROUP)             \
    S(consumer_group_describe_response, SCHEMA_CONSUMER_GROUP_DESCRIBE_RESPONSE)
