// Schema: the cluster itself: nodes, log folders, leaders, the quorum; see schema.h.

#pragma once

// ---- DescribeCluster (60) ---------------------------------------------------------------------

#define SCHEMA_DESCRIBE_CLUSTER_REQUEST(F, T)                 \
    F(BOOL, include_cluster_authorized_operations, 0, MAX, 0) \
    F(I8, endpoint_type, 1, MAX, 1)                           \
    F(BOOL, include_fenced_brokers, 2, MAX, 0)

#define SCHEMA_DESCRIBE_CLUSTER_BROKER(F, T) \
    F(I32, broker_id, 0, MAX, 0)             \
    F(STRING, host, 0, MAX, 0)               \
    F(I32, port, 0, MAX, 0)                  \
    F(NSTRING, rack, 0, MAX, 0)              \
    F(BOOL, is_fenced, 2, MAX, 0)

#define SCHEMA_DESCRIBE_CLUSTER_RESPONSE(F, T)         \
    F(I32, throttle_time_ms, 0, MAX, 0)                \
    F(I16, error_code, 0, MAX, 0)                      \
    F(NSTRING, error_message, 0, MAX, 0)               \
    F(I8, endpoint_type, 1, MAX, 1)                    \
    F(STRING, cluster_id, 0, MAX, 0)                   \
    F(I32, controller_id, 0, MAX, -1)                  \
    F(ARRAY, brokers, 0, MAX, describe_cluster_broker) \
    F(I32, cluster_authorized_operations, 0, MAX, INT32_MIN)

// ---- DescribeLogDirs (35) ---------------------------------------------------------------------

#define SCHEMA_DESCRIBE_LOG_DIRS_TOPIC(F, T) \
    F(STRING, topic, 0, MAX, 0)              \
    F(I32S, partitions, 0, MAX, 0)

#define SCHEMA_DESCRIBE_LOG_DIRS_REQUEST(F, T) F(NARRAY, topics, 0, MAX, describe_log_dirs_topic)

#define SCHEMA_DESCRIBE_LOG_DIRS_FOUND(F, T) \
    F(I32, partition_index, 0, MAX, 0)       \
    F(I64, partition_size, 0, MAX, 0)        \
    F(I64, offset_lag, 0, MAX, 0)            \
    F(BOOL, is_future_key, 0, MAX, 0)

#define SCHEMA_DESCRIBE_LOG_DIRS_FOUND_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                     \
    F(ARRAY, partitions, 0, MAX, describe_log_dirs_found)

#define SCHEMA_DESCRIBE_LOG_DIRS_DIR(F, T)                  \
    F(I16, error_code, 0, MAX, 0)                           \
    F(STRING, log_dir, 0, MAX, 0)                           \
    F(ARRAY, topics, 0, MAX, describe_log_dirs_found_topic) \
    F(I64, total_bytes, 4, MAX, -1)                         \
    F(I64, usable_bytes, 4, MAX, -1)                        \
    F(BOOL, is_cordoned, 5, MAX, 0)

#define SCHEMA_DESCRIBE_LOG_DIRS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)         \
    F(I16, error_code, 3, MAX, 0)               \
    F(ARRAY, results, 0, MAX, describe_log_dirs_dir)

// ---- ElectLeaders (43) ------------------------------------------------------------------------

#define SCHEMA_ELECT_LEADERS_TOPIC(F, T) \
    F(STRING, topic, 0, MAX, 0)          \
    F(I32S, partitions, 0, MAX, 0)

#define SCHEMA_ELECT_LEADERS_REQUEST(F, T)                   \
    F(I8, election_type, 1, MAX, 0)                          \
    F(NARRAY, topic_partitions, 0, MAX, elect_leaders_topic) \
    F(I32, timeout_ms, 0, MAX, 60000)

#define SCHEMA_ELECT_LEADERS_DONE(F, T) \
    F(I32, partition_id, 0, MAX, 0)     \
    F(I16, error_code, 0, MAX, 0)       \
    F(NSTRING, error_message, 0, MAX, 0)

#define SCHEMA_ELECT_LEADERS_DONE_TOPIC(F, T) \
    F(STRING, topic, 0, MAX, 0)               \
    F(ARRAY, partition_result, 0, MAX, elect_leaders_done)

#define SCHEMA_ELECT_LEADERS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)     \
    F(I16, error_code, 1, MAX, 0)           \
    F(ARRAY, replica_election_results, 0, MAX, elect_leaders_done_topic)

// ---- DescribeQuorum (55) ----------------------------------------------------------------------

#define SCHEMA_DESCRIBE_QUORUM_PARTITION(F, T) F(I32, partition_index, 0, MAX, 0)

#define SCHEMA_DESCRIBE_QUORUM_TOPIC(F, T) \
    F(STRING, topic_name, 0, MAX, 0)       \
    F(ARRAY, partitions, 0, MAX, describe_quorum_partition)

#define SCHEMA_DESCRIBE_QUORUM_REQUEST(F, T) F(ARRAY, topics, 0, MAX, describe_quorum_topic)

#define SCHEMA_DESCRIBE_QUORUM_REPLICA(F, T) \
    F(I32, replica_id, 0, MAX, 0)            \
    F(UUID, replica_directory_id, 2, MAX, 0) \
    F(I64, log_end_offset, 0, MAX, 0)        \
    F(I64, last_fetch_timestamp, 1, MAX, -1) \
    F(I64, last_caught_up_timestamp, 1, MAX, -1)

#define SCHEMA_DESCRIBE_QUORUM_FOUND(F, T)                    \
    F(I32, partition_index, 0, MAX, 0)                        \
    F(I16, error_code, 0, MAX, 0)                             \
    F(NSTRING, error_message, 2, MAX, 0)                      \
    F(I32, leader_id, 0, MAX, 0)                              \
    F(I32, leader_epoch, 0, MAX, 0)                           \
    F(I64, high_watermark, 0, MAX, 0)                         \
    F(ARRAY, current_voters, 0, MAX, describe_quorum_replica) \
    F(ARRAY, observers, 0, MAX, describe_quorum_replica)

#define SCHEMA_DESCRIBE_QUORUM_FOUND_TOPIC(F, T) \
    F(STRING, topic_name, 0, MAX, 0)             \
    F(ARRAY, partitions, 0, MAX, describe_quorum_found)

#define SCHEMA_DESCRIBE_QUORUM_LISTENER(F, T) \
    F(STRING, name, 2, MAX, 0)                \
    F(STRING, host, 2, MAX, 0)                \
    F(U16, port, 2, MAX, 0)

#define SCHEMA_DESCRIBE_QUORUM_NODE(F, T) \
    F(I32, node_id, 2, MAX, 0)            \
    F(ARRAY, listeners, 2, MAX, describe_quorum_listener)

#define SCHEMA_DESCRIBE_QUORUM_RESPONSE(F, T)             \
    F(I16, error_code, 0, MAX, 0)                         \
    F(NSTRING, error_message, 2, MAX, 0)                  \
    F(ARRAY, topics, 0, MAX, describe_quorum_found_topic) \
    F(ARRAY, nodes, 2, MAX, describe_quorum_node)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_CLUSTER(S)                                               \
    S(describe_cluster_request, SCHEMA_DESCRIBE_CLUSTER_REQUEST)           \
    S(describe_cluster_broker, SCHEMA_DESCRIBE_CLUSTER_BROKER)             \
    S(describe_cluster_response, SCHEMA_DESCRIBE_CLUSTER_RESPONSE)         \
    S(describe_log_dirs_topic, SCHEMA_DESCRIBE_LOG_DIRS_TOPIC)             \
    S(describe_log_dirs_request, SCHEMA_DESCRIBE_LOG_DIRS_REQUEST)         \
    S(describe_log_dirs_found, SCHEMA_DESCRIBE_LOG_DIRS_FOUND)             \
    S(describe_log_dirs_found_topic, SCHEMA_DESCRIBE_LOG_DIRS_FOUND_TOPIC) \
    S(describe_log_dirs_dir, SCHEMA_DESCRIBE_LOG_DIRS_DIR)                 \
    S(describe_log_dirs_response, SCHEMA_DESCRIBE_LOG_DIRS_RESPONSE)       \
    S(elect_leaders_topic, SCHEMA_ELECT_LEADERS_TOPIC)                     \
    S(elect_leaders_request, SCHEMA_ELECT_LEADERS_REQUEST)                 \
    S(elect_leaders_done, SCHEMA_ELECT_LEADERS_DONE)                       \
    S(elect_leaders_done_topic, SCHEMA_ELECT_LEADERS_DONE_TOPIC)           \
    S(elect_leaders_response, SCHEMA_ELECT_LEADERS_RESPONSE)               \
    S(describe_quorum_partition, SCHEMA_DESCRIBE_QUORUM_PARTITION)         \
    S(describe_quorum_topic, SCHEMA_DESCRIBE_QUORUM_TOPIC)                 \
    S(describe_quorum_request, SCHEMA_DESCRIBE_QUORUM_REQUEST)             \
    S(describe_quorum_replica, SCHEMA_DESCRIBE_QUORUM_REPLICA)             \
    S(describe_quorum_found, SCHEMA_DESCRIBE_QUORUM_FOUND)                 \
    S(describe_quorum_found_topic, SCHEMA_DESCRIBE_QUORUM_FOUND_TOPIC)     \
    S(describe_quorum_listener, SCHEMA_DESCRIBE_QUORUM_LISTENER)           \
    S(describe_quorum_node, SCHEMA_DESCRIBE_QUORUM_NODE)                   \
    S(describe_quorum_response, SCHEMA_DESCRIBE_QUORUM_RESPONSE)
