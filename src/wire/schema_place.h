// Schema: where partitions are: AlterReplicaLogDirs, AlterPartitionReassignments,
// ListPartitionReassignments; see schema.h.

#pragma once

// ---- AlterReplicaLogDirs (34) -----------------------------------------------------------------

#define SCHEMA_ALTER_REPLICA_LOG_DIRS_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                    \
    F(I32S, partitions, 0, MAX, 0)

#define SCHEMA_ALTER_REPLICA_LOG_DIRS_DIR(F, T) \
    F(STRING, path, 0, MAX, 0)                  \
    F(ARRAY, topics, 0, MAX, alter_replica_log_dirs_topic)

#define SCHEMA_ALTER_REPLICA_LOG_DIRS_REQUEST(F, T) \
    F(ARRAY, dirs, 0, MAX, alter_replica_log_dirs_dir)

#define SCHEMA_ALTER_REPLICA_LOG_DIRS_DONE(F, T) \
    F(I32, partition_index, 0, MAX, 0)           \
    F(I16, error_code, 0, MAX, 0)

#define SCHEMA_ALTER_REPLICA_LOG_DIRS_DONE_TOPIC(F, T) \
    F(STRING, topic_name, 0, MAX, 0)                   \
    F(ARRAY, partitions, 0, MAX, alter_replica_log_dirs_done)

#define SCHEMA_ALTER_REPLICA_LOG_DIRS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)              \
    F(ARRAY, results, 0, MAX, alter_replica_log_dirs_done_topic)

// ---- AlterPartitionReassignments (45) ---------------------------------------------------------

#define SCHEMA_ALTER_PARTITION_REASSIGNMENTS_PARTITION(F, T) \
    F(I32, partition_index, 0, MAX, 0)                       \
    F(NI32S, replicas, 0, MAX, 0)

#define SCHEMA_ALTER_PARTITION_REASSIGNMENTS_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                           \
    F(ARRAY, partitions, 0, MAX, alter_partition_reassignments_partition)

#define SCHEMA_ALTER_PARTITION_REASSIGNMENTS_REQUEST(F, T) \
    F(I32, timeout_ms, 0, MAX, 60000)                      \
    F(ARRAY, topics, 0, MAX, alter_partition_reassignments_topic)

#define SCHEMA_ALTER_PARTITION_REASSIGNMENTS_DONE(F, T) \
    F(I32, partition_index, 0, MAX, 0)                  \
    F(I16, error_code, 0, MAX, 0)                       \
    F(NSTRING, error_message, 0, MAX, 0)

#define SCHEMA_ALTER_PARTITION_REASSIGNMENTS_DONE_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                                \
    F(ARRAY, partitions, 0, MAX, alter_partition_reassignments_done)

#define SCHEMA_ALTER_PARTITION_REASSIGNMENTS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)                     \
    F(I16, error_code, 0, MAX, 0)                           \
    F(NSTRING, error_message, 0, MAX, 0)                    \
    F(ARRAY, responses, 0, MAX, alter_partition_reassignments_done_topic)

// ---- ListPartitionReassignments (46) ----------------------------------------------------------

#define SCHEMA_LIST_PARTITION_REASSIGNMENTS_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                          \
    F(I32S, partition_indexes, 0, MAX, 0)

#define SCHEMA_LIST_PARTITION_REASSIGNMENTS_REQUEST(F, T) \
    F(I32, timeout_ms, 0, MAX, 60000)                     \
    F(NARRAY, topics, 0, MAX, list_partition_reassignments_topic)

#define SCHEMA_LIST_PARTITION_REASSIGNMENTS_FOUND(F, T) \
    F(I32, partition_index, 0, MAX, 0)                  \
    F(I32S, replicas, 0, MAX, 0)                        \
    F(I32S, adding_replicas, 0, MAX, 0)                 \
    F(I32S, removing_replicas, 0, MAX, 0)

#define SCHEMA_LIST_PARTITION_REASSIGNMENTS_FOUND_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                                \
    F(ARRAY, partitions, 0, MAX, list_partition_reassignments_found)

#define SCHEMA_LIST_PARTITION_REASSIGNMENTS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)                    \
    F(I16, error_code, 0, MAX, 0)                          \
    F(NSTRING, error_message, 0, MAX, 0)                   \
    F(ARRAY, topics, 0, MAX, list_partition_reassignments_found_topic)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_PLACE(S)                                                                       \
    S(alter_replica_log_dirs_topic, SCHEMA_ALTER_REPLICA_LOG_DIRS_TOPIC)                         \
    S(alter_replica_log_dirs_dir, SCHEMA_ALTER_REPLICA_LOG_DIRS_DIR)                             \
    S(alter_replica_log_dirs_request, SCHEMA_ALTER_REPLICA_LOG_DIRS_REQUEST)                     \
    S(alter_replica_log_dirs_done, SCHEMA_ALTER_REPLICA_LOG_DIRS_DONE)                           \
    S(alter_replica_log_dirs_done_topic, SCHEMA_ALTER_REPLICA_LOG_DIRS_DONE_TOPIC)               \
    S(alter_replica_log_dirs_response, SCHEMA_ALTER_REPLICA_LOG_DIRS_RESPONSE)                   \
    S(alter_partition_reassignments_partition, SCHEMA_ALTER_PARTITION_REASSIGNMENTS_PARTITION)   \
    S(alter_partition_reassignments_topic, SCHEMA_ALTER_PARTITION_REASSIGNMENTS_TOPIC)           \
    S(alter_partition_reassignments_request, SCHEMA_ALTER_PARTITION_REASSIGNMENTS_REQUEST)       \
    S(alter_partition_reassignments_done, SCHEMA_ALTER_PARTITION_REASSIGNMENTS_DONE)             \
    S(alter_partition_reassignments_done_topic, SCHEMA_ALTER_PARTITION_REASSIGNMENTS_DONE_TOPIC) \
    S(alter_partition_reassignments_response, SCHEMA_ALTER_PARTITION_REASSIGNMENTS_RESPONSE)     \
    S(list_partition_reassignments_topic, SCHEMA_LIST_PARTITION_REASSIGNMENTS_TOPIC)             \
    S(list_partition_reassignments_request, SCHEMA_LIST_PARTITION_REASSIGNMENTS_REQUEST)         \
    S(list_partition_reassignments_found, SCHEMA_LIST_PARTITION_REASSIGNMENTS_FOUND)             \
    S(list_partition_reassignments_found_topic, SCHEMA_LIST_PARTITION_REASSIGNMENTS_FOUND_TOPIC) \
    S(list_partition_reassignments_response, SCHEMA_LIST_PARTITION_REASSIGNMENTS_RESPONSE)
