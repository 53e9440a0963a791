// Schema: what a reader of topics asks: ApiVersions, Metadata, ListOffsets, Fetch; see schema.h.

#pragma once

// ---- ApiVersions (18) ------------------------------------------------------------------------

#define SCHEMA_API_VERSIONS_REQUEST(F, T)      \
    F(STRING, client_software_name, 3, MAX, 0) \
    F(STRING, client_software_version, 3, MAX, 0)

#define SCHEMA_API_VERSIONS_KEY(F, T) \
    F(I16, api_key, 0, MAX, 0)        \
    F(I16, min_version, 0, MAX, 0)    \
    F(I16, max_version, 0, MAX, 0)

#define SCHEMA_API_VERSIONS_SUPPORTED(F, T) \
    F(STRING, name, 3, MAX, 0)              \
    F(I16, min_version, 3, MAX, 0)          \
    F(I16, max_version, 3, MAX, 0)

#define SCHEMA_API_VERSIONS_FINALIZED(F, T) \
    F(STRING, name, 3, MAX, 0)              \
    F(I16, max_version_level, 3, MAX, 0)    \
    F(I16, min_version_level, 3, MAX, 0)

#define SCHEMA_API_VERSIONS_RESPONSE(F, T)                          \
    F(I16, error_code, 0, MAX, 0)                                   \
    F(ARRAY, api_keys, 0, MAX, api_versions_key)                    \
    F(I32, throttle_time_ms, 1, MAX, 0)                             \
    T(0, ARRAY, supported_features, 3, MAX, api_versions_supported) \
    T(1, I64, finalized_features_epoch, 3, MAX, -1)                 \
    T(2, ARRAY, finalized_features, 3, MAX, api_versions_finalized) \
    T(3, BOOL, zk_migration_ready, 3, MAX, 0)

// ---- Metadata (3) ----------------------------------------------------------------------------

#define SCHEMA_METADATA_WISH(F, T) \
    F(UUID, topic_id, 10, MAX, 0)  \
    F(NSTRING, name, 0, MAX, 0)

#define SCHEMA_METADATA_REQUEST(F, T)                        \
    F(NARRAY, topics, 0, MAX, metadata_wish)                 \
    F(BOOL, allow_auto_topic_creation, 4, MAX, 1)            \
    F(BOOL, include_cluster_authorized_operations, 8, 10, 0) \
    F(BOOL, include_topic_authorized_operations, 8, MAX, 0)

#define SCHEMA_METADATA_BROKER(F, T) \
    F(I32, node_id, 0, MAX, 0)       \
    F(STRING, host, 0, MAX, 0)       \
    F(I32, port, 0, MAX, 0)          \
    F(NSTRING, rack, 1, MAX, 0)

#define SCHEMA_METADATA_PARTITION(F, T) \
    F(I16, error_code, 0, MAX, 0)       \
    F(I32, partition_index, 0, MAX, 0)  \
    F(I32, leader_id, 0, MAX, 0)        \
    F(I32, leader_epoch, 7, MAX, -1)    \
    F(I32S, replica_nodes, 0, MAX, 0)   \
    F(I32S, isr_nodes, 0, MAX, 0)       \
    F(I32S, offline_replicas, 5, MAX, 0)

#define SCHEMA_METADATA_TOPIC(F, T)                  \
    F(I16, error_code, 0, MAX, 0)                    \
    F(NSTRING, name, 0, MAX, 0)                      \
    F(UUID, topic_id, 10, MAX, 0)                    \
    F(BOOL, is_internal, 1, MAX, 0)                  \
    F(ARRAY, partitions, 0, MAX, metadata_partition) \
    F(I32, topic_authorized_operations, 8, MAX, INT32_MIN)

#define SCHEMA_METADATA_RESPONSE(F, T)                      \
    F(I32, throttle_time_ms, 3, MAX, 0)                     \
    F(ARRAY, brokers, 0, MAX, metadata_broker)              \
    F(NSTRING, cluster_id, 2, MAX, 0)                       \
    F(I32, controller_id, 1, MAX, -1)                       \
    F(ARRAY, topics, 0, MAX, metadata_topic)                \
    F(I32, cluster_authorized_operations, 8, 10, INT32_MIN) \
    F(I16, error_code, 13, MAX, 0)

// ---- ListOffsets (2) -------------------------------------------------------------------------

#define SCHEMA_LIST_OFFSETS_PARTITION(F, T)  \
    F(I32, partition_index, 0, MAX, 0)       \
    F(I32, current_leader_epoch, 4, MAX, -1) \
    F(I64, timestamp, 0, MAX, 0)             \
    F(I32, max_num_offsets, 0, 0, 1)

#define SCHEMA_LIST_OFFSETS_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)          \
    F(ARRAY, partitions, 0, MAX, list_offsets_partition)

#define SCHEMA_LIST_OFFSETS_REQUEST(F, T)        \
    F(I32, replica_id, 0, MAX, 0)                \
    F(I8, isolation_level, 2, MAX, 0)            \
    F(ARRAY, topics, 0, MAX, list_offsets_topic) \
    F(I32, timeout_ms, 10, MAX, 0)

#define SCHEMA_LIST_OFFSETS_FOUND(F, T) \
    F(I32, partition_index, 0, MAX, 0)  \
    F(I16, error_code, 0, MAX, 0)       \
    F(I64S, old_style_offsets, 0, 0, 0) \
    F(I64, timestamp, 1, MAX, -1)       \
    F(I64, offset, 1, MAX, -1)          \
    F(I32, leader_epoch, 4, MAX, -1)

#define SCHEMA_LIST_OFFSETS_FOUND_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                \
    F(ARRAY, partitions, 0, MAX, list_offsets_found)

#define SCHEMA_LIST_OFFSETS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 2, MAX, 0)    \
    F(ARRAY, topics, 0, MAX, list_offsets_found_topic)

// ---- Fetch (1) -------------------------------------------------------------------------------

#define SCHEMA_FETCH_REPLICA(F, T)  \
    F(I32, replica_id, 15, MAX, -1) \
    F(I64, replica_epoch, 15, MAX, -1)

#define SCHEMA_FETCH_PARTITION(F, T)             \
    F(I32, partition, 0, MAX, 0)                 \
    F(I32, current_leader_epoch, 9, MAX, -1)     \
    F(I64, fetch_offset, 0, MAX, 0)              \
    F(I32, last_fetched_epoch, 12, MAX, -1)      \
    F(I64, log_start_offset, 5, MAX, -1)         \
    F(I32, partition_max_bytes, 0, MAX, 0)       \
    T(0, UUID, replica_directory_id, 17, MAX, 0) \
    T(1, I64, high_watermark, 18, MAX, INT64_MAX)

#define SCHEMA_FETCH_TOPIC(F, T)  \
    F(STRING, topic, 0, 12, 0)    \
    F(UUID, topic_id, 13, MAX, 0) \
    F(ARRAY, partitions, 0, MAX, fetch_partition)

#define SCHEMA_FETCH_FORGOTTEN(F, T) \
    F(STRING, topic, 7, 12, 0)       \
    F(UUID, topic_id, 13, MAX, 0)    \
    F(I32S, partitions, 7, MAX, 0)

#define SCHEMA_FETCH_REQUEST(F, T)                           \
    T(0, NSTRING, cluster_id, 12, MAX, 0)                    \
    F(I32, replica_id, 0, 14, -1)                            \
    T(1, STRUCT, replica_state, 15, MAX, fetch_replica)      \
    F(I32, max_wait_ms, 0, MAX, 0)                           \
    F(I32, min_bytes, 0, MAX, 0)                             \
    F(I32, max_bytes, 3, MAX, INT32_MAX)                     \
    F(I8, isolation_level, 4, MAX, 0)                        \
    F(I32, session_id, 7, MAX, 0)                            \
    F(I32, session_epoch, 7, MAX, -1)                        \
    F(ARRAY, topics, 0, MAX, fetch_topic)                    \
    F(ARRAY, forgotten_topics_data, 7, MAX, fetch_forgotten) \
    F(STRING, rack_id, 11, MAX, 0)

#define SCHEMA_FETCH_END(F, T) \
    F(I32, epoch, 12, MAX, -1) \
    F(I64, end_offset, 12, MAX, -1)

#define SCHEMA_FETCH_LEADER(F, T)  \
    F(I32, leader_id, 12, MAX, -1) \
    F(I32, leader_epoch, 12, MAX, -1)

#define SCHEMA_FETCH_SNAPSHOT(F, T) \
    F(I64, end_offset, 0, MAX, -1)  \
    F(I32, epoch, 0, MAX, -1)

#define SCHEMA_FETCH_ABORTED(F, T) \
    F(I64, producer_id, 4, MAX, 0) \
    F(I64, first_offset, 4, MAX, 0)

#define SCHEMA_FETCH_DATA(F, T)                            \
    F(I32, partition_index, 0, MAX, 0)                     \
    F(I16, error_code, 0, MAX, 0)                          \
    F(I64, high_watermark, 0, MAX, 0)                      \
    F(I64, last_stable_offset, 4, MAX, -1)                 \
    F(I64, log_start_offset, 5, MAX, -1)                   \
    T(0, STRUCT, diverging_epoch, 12, MAX, fetch_end)      \
    T(1, STRUCT, current_leader, 12, MAX, fetch_leader)    \
    T(2, STRUCT, snapshot_id, 12, MAX, fetch_snapshot)     \
    F(NARRAY, aborted_transactions, 4, MAX, fetch_aborted) \
    F(I32, preferred_read_replica, 11, MAX, -1)            \
    F(RECORDS, records, 0, MAX, 0)

#define SCHEMA_FETCH_DATA_TOPIC(F, T) \
    F(STRING, topic, 0, 12, 0)        \
    F(UUID, topic_id, 13, MAX, 0)     \
    F(ARRAY, partitions, 0, MAX, fetch_data)

#define SCHEMA_FETCH_NODE(F, T) \
    F(I32, node_id, 16, MAX, 0) \
    F(STRING, host, 16, MAX, 0) \
    F(I32, port, 16, MAX, 0)    \
    F(NSTRING, rack, 16, MAX, 0)

#define SCHEMA_FETCH_RESPONSE(F, T)               \
    F(I32, throttle_time_ms, 1, MAX, 0)           \
    F(I16, error_code, 7, MAX, 0)                 \
    F(I32, session_id, 7, MAX, 0)                 \
    F(ARRAY, responses, 0, MAX, fetch_data_topic) \
    T(0, ARRAY, node_endpoints, 16, MAX, fetch_node)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_CONSUME(S)                                     \
    S(api_versions_request, SCHEMA_API_VERSIONS_REQUEST)         \
    S(api_versions_key, SCHEMA_API_VERSIONS_KEY)                 \
    S(api_versions_supported, SCHEMA_API_VERSIONS_SUPPORTED)     \
    S(api_versions_finalized, SCHEMA_API_VERSIONS_FINALIZED)     \
    S(api_versions_response, SCHEMA_API_VERSIONS_RESPONSE)       \
    S(metadata_wish, SCHEMA_METADATA_WISH)                       \
    S(metadata_request, SCHEMA_METADATA_REQUEST)                 \
    S(metadata_broker, SCHEMA_METADATA_BROKER)                   \
    S(metadata_partition, SCHEMA_METADATA_PARTITION)             \
    S(metadata_topic, SCHEMA_METADATA_TOPIC)                     \
    S(metadata_response, SCHEMA_METADATA_RESPONSE)               \
    S(list_offsets_partition, SCHEMA_LIST_OFFSETS_PARTITION)     \
    S(list_offsets_topic, SCHEMA_LIST_OFFSETS_TOPIC)             \
    S(list_offsets_request, SCHEMA_LIST_OFFSETS_REQUEST)         \
    S(list_offsets_found, SCHEMA_LIST_OFFSETS_FOUND)             \
    S(list_offsets_found_topic, SCHEMA_LIST_OFFSETS_FOUND_TOPIC) \
    S(list_offsets_response, SCHEMA_LIST_OFFSETS_RESPONSE)       \
    S(fetch_replica, SCHEMA_FETCH_REPLICA)                       \
    S(fetch_partition, SCHEMA_FETCH_PARTITION)                   \
    S(fetch_topic, SCHEMA_FETCH_TOPIC)                           \
    S(fetch_forgotten, SCHEMA_FETCH_FORGOTTEN)                   \
    S(fetch_request, SCHEMA_FETCH_REQUEST)                       \
    S(fetch_end, SCHEMA_FETCH_END)                               \
    S(fetch_leader, SCHEMA_FETCH_LEADER)                         \
    S(fetch_snapshot, SCHEMA_FETCH_SNAPSHOT)                     \
    S(fetch_aborted, SCHEMA_FETCH_ABORTED)                       \
    S(fetch_data, SCHEMA_FETCH_DATA)                             \
    S(fetch_data_topic, SCHEMA_FETCH_DATA_TOPIC)                 \
    S(fetch_node, SCHEMA_FETCH_NODE)                             \
    S(fetch_response, SCHEMA_FETCH_RESPONSE)
