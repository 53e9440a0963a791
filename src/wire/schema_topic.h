// Schema: topics: CreateTopics, DeleteTopics, CreatePartitions, DescribeTopicPartitions; see
// schema.h.

#pragma once

// ---- CreateTopics (19) ------------------------------------------------------------------------

#define SCHEMA_CREATE_TOPICS_ASSIGNMENT(F, T) \
    F(I32, partition_index, 0, MAX, 0)        \
    F(I32S, broker_ids, 0, MAX, 0)

#define SCHEMA_CREATE_TOPICS_CONFIG(F, T) \
    F(STRING, name, 0, MAX, 0)            \
    F(NSTRING, value, 0, MAX, 0)

#define SCHEMA_CREATE_TOPICS_TOPIC(F, T)                    \
    F(STRING, name, 0, MAX, 0)                              \
    F(I32, num_partitions, 0, MAX, 0)                       \
    F(I16, replication_factor, 0, MAX, 0)                   \
    F(ARRAY, assignments, 0, MAX, create_topics_assignment) \
    F(ARRAY, configs, 0, MAX, create_topics_config)

#define SCHEMA_CREATE_TOPICS_REQUEST(F, T)        \
    F(ARRAY, topics, 0, MAX, create_topics_topic) \
    F(I32, timeout_ms, 0, MAX, 60000)             \
    F(BOOL, validate_only, 1, MAX, 0)

#define SCHEMA_CREATE_TOPICS_DONE_CONFIG(F, T) \
    F(STRING, name, 5, MAX, 0)                 \
    F(NSTRING, value, 5, MAX, 0)               \
    F(BOOL, read_only, 5, MAX, 0)              \
    F(I8, config_source, 5, MAX, -1)           \
    F(BOOL, is_sensitive, 5, MAX, 0)

#define SCHEMA_CREATE_TOPICS_DONE(F, T)           \
    F(STRING, name, 0, MAX, 0)                    \
    F(UUID, topic_id, 7, MAX, 0)                  \
    F(I16, error_code, 0, MAX, 0)                 \
    F(NSTRING, error_message, 1, MAX, 0)          \
    T(0, I16, topic_config_error_code, 5, MAX, 0) \
    F(I32, num_partitions, 5, MAX, -1)            \
    F(I16, replication_factor, 5, MAX, -1)        \
    F(NARRAY, configs, 5, MAX, create_topics_done_config)

#define SCHEMA_CREATE_TOPICS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 2, MAX, 0)     \
    F(ARRAY, topics, 0, MAX, create_topics_done)

// ---- DeleteTopics (20) ------------------------------------------------------------------------

#define SCHEMA_DELETE_TOPICS_TOPIC(F, T) \
    F(NSTRING, name, 6, MAX, 0)          \
    F(UUID, topic_id, 6, MAX, 0)

#define SCHEMA_DELETE_TOPICS_REQUEST(F, T)        \
    F(ARRAY, topics, 6, MAX, delete_topics_topic) \
    F(STRINGS, topic_names, 0, 5, 0)              \
    F(I32, timeout_ms, 0, MAX, 0)

#define SCHEMA_DELETE_TOPICS_DONE(F, T) \
    F(NSTRING, name, 0, MAX, 0)         \
    F(UUID, topic_id, 6, MAX, 0)        \
    F(I16, error_code, 0, MAX, 0)       \
    F(NSTRING, error_message, 5, MAX, 0)

#define SCHEMA_DELETE_TOPICS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 1, MAX, 0)     \
    F(ARRAY, responses, 0, MAX, delete_topics_done)

// ---- CreatePartitions (37) --------------------------------------------------------------------

#define SCHEMA_CREATE_PARTITIONS_ASSIGNMENT(F, T) F(I32S, broker_ids, 0, MAX, 0)

#define SCHEMA_CREATE_PARTITIONS_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)               \
    F(I32, count, 0, MAX, 0)                 \
    F(NARRAY, assignments, 0, MAX, create_partitions_assignment)

#define SCHEMA_CREATE_PARTITIONS_REQUEST(F, T)        \
    F(ARRAY, topics, 0, MAX, create_partitions_topic) \
    F(I32, timeout_ms, 0, MAX, 0)                     \
    F(BOOL, validate_only, 0, MAX, 0)

#define SCHEMA_CREATE_PARTITIONS_DONE(F, T) \
    F(STRING, name, 0, MAX, 0)              \
    F(I16, error_code, 0, MAX, 0)           \
    F(NSTRING, error_message, 0, MAX, 0)

#define SCHEMA_CREATE_PARTITIONS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)         \
    F(ARRAY, results, 0, MAX, create_partitions_done)

// ---- DescribeTopicPartitions (75) -------------------------------------------------------------

#define SCHEMA_DESCRIBE_TOPIC_PARTITIONS_TOPIC(F, T) F(STRING, name, 0, MAX, 0)

#define SCHEMA_DESCRIBE_TOPIC_PARTITIONS_CURSOR(F, T) \
    F(STRING, topic_name, 0, MAX, 0)                  \
    F(I32, partition_index, 0, MAX, 0)

#define SCHEMA_DESCRIBE_TOPIC_PARTITIONS_REQUEST(F, T)        \
    F(ARRAY, topics, 0, MAX, describe_topic_partitions_topic) \
    F(I32, response_partition_limit, 0, MAX, 2000)            \
    F(NSTRUCT, cursor, 0, MAX, describe_topic_partitions_cursor)

#define SCHEMA_DESCRIBE_TOPIC_PARTITIONS_FOUND(F, T) \
    F(I16, error_code, 0, MAX, 0)                    \
    F(I32, partition_index, 0, MAX, 0)               \
    F(I32, leader_id, 0, MAX, 0)                     \
    F(I32, leader_epoch, 0, MAX, -1)                 \
    F(I32S, replica_nodes, 0, MAX, 0)                \
    F(I32S, isr_nodes, 0, MAX, 0)                    \
    F(NI32S, eligible_leader_replicas, 0, MAX, 0)    \
    F(NI32S, last_known_elr, 0, MAX, 0)              \
    F(I32S, offline_replicas, 0, MAX, 0)

#define SCHEMA_DESCRIBE_TOPIC_PARTITIONS_FOUND_TOPIC(F, T)        \
    F(I16, error_code, 0, MAX, 0)                                 \
    F(NSTRING, name, 0, MAX, 0)                                   \
    F(UUID, topic_id, 0, MAX, 0)                                  \
    F(BOOL, is_internal, 0, MAX, 0)                               \
    F(ARRAY, partitions, 0, MAX, describe_topic_partitions_found) \
    F(I32, topic_authorized_operations, 0, MAX, INT32_MIN)

#define SCHEMA_DESCRIBE_TOPIC_PARTITIONS_NEXT(F, T) \
    F(STRING, topic_name, 0, MAX, 0)                \
    F(I32, partition_index, 0, MAX, 0)

#define SCHEMA_DESCRIBE_TOPIC_PARTITIONS_RESPONSE(F, T)             \
    F(I32, throttle_time_ms, 0, MAX, 0)                             \
    F(ARRAY, topics, 0, MAX, describe_topic_partitions_found_topic) \
    F(NSTRUCT, next_cursor, 0, MAX, describe_topic_partitions_next)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_TOPIC(S)                                                                 \
    S(create_topics_assignment, SCHEMA_CREATE_TOPICS_ASSIGNMENT)                           \
    S(create_topics_config, SCHEMA_CREATE_TOPICS_CONFIG)                                   \
    S(create_topics_topic, SCHEMA_CREATE_TOPICS_TOPIC)                                     \
    S(create_topics_request, SCHEMA_CREATE_TOPICS_REQUEST)                                 \
    S(create_topics_done_config, SCHEMA_CREATE_TOPICS_DONE_CONFIG)                         \
    S(create_topics_done, SCHEMA_CREATE_TOPICS_DONE)                                       \
    S(create_topics_response, SCHEMA_CREATE_TOPICS_RESPONSE)                               \
    S(delete_topics_topic, SCHEMA_DELETE_TOPICS_TOPIC)                                     \
    S(delete_topics_request, SCHEMA_DELETE_TOPICS_REQUEST)                                 \
    S(delete_topics_done, SCHEMA_DELETE_TOPICS_DONE)                                       \
    S(delete_topics_response, SCHEMA_DELETE_TOPICS_RESPONSE)                               \
    S(create_partitions_assignment, SCHEMA_CREATE_PARTITIONS_ASSIGNMENT)                   \
    S(create_partitions_topic, SCHEMA_CREATE_PARTITIONS_TOPIC)                             \
    S(create_partitions_request, SCHEMA_CREATE_PARTITIONS_REQUEST)                         \
    S(create_partitions_done, SCHEMA_CREATE_PARTITIONS_DONE)                               \
    S(create_partitions_response, SCHEMA_CREATE_PARTITIONS_RESPONSE)                       \
    S(describe_topic_partitions_topic, SCHEMA_DESCRIBE_TOPIC_PARTITIONS_TOPIC)             \
    S(describe_topic_partitions_cursor, SCHEMA_DESCRIBE_TOPIC_PARTITIONS_CURSOR)           \
    S(describe_topic_partitions_request, SCHEMA_DESCRIBE_TOPIC_PARTITIONS_REQUEST)         \
    S(describe_topic_partitions_found, SCHEMA_DESCRIBE_TOPIC_PARTITIONS_FOUND)             \
    S(describe_topic_partitions_found_topic, SCHEMA_DESCRIBE_TOPIC_PARTITIONS_FOUND_TOPIC) \
    S(describe_topic_partitions_next, SCHEMA_DESCRIBE_TOPIC_PARTITIONS_NEXT)               \
    S(describe_topic_partitions_response, SCHEMA_DESCRIBE_TOPIC_PARTITIONS_RESPONSE)
