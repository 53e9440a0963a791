// Schema: groups and their offsets: FindCoordinator, OffsetCommit, OffsetFetch; see schema.h.

#pragma once

// ---- FindCoordinator (10) --------------------------------------------------------------------

#define SCHEMA_FIND_COORDINATOR_REQUEST(F, T) \
    F(STRING, key, 0, 3, 0)                   \
    F(I8, key_type, 1, MAX, 0)                \
    F(STRINGS, coordinator_keys, 4, MAX, 0)

#define SCHEMA_FIND_COORDINATOR_FOUND(F, T) \
    F(STRING, key, 4, MAX, 0)               \
    F(I32, node_id, 4, MAX, 0)              \
    F(STRING, host, 4, MAX, 0)              \
    F(I32, port, 4, MAX, 0)                 \
    F(I16, error_code, 4, MAX, 0)           \
    F(NSTRING, error_message, 4, MAX, 0)

#define SCHEMA_FIND_COORDINATOR_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 1, MAX, 0)        \
    F(I16, error_code, 0, 3, 0)                \
    F(NSTRING, error_message, 1, 3, 0)         \
    F(I32, node_id, 0, 3, 0)                   \
    F(STRING, host, 0, 3, 0)                   \
    F(I32, port, 0, 3, 0)                      \
    F(ARRAY, coordinators, 4, MAX, find_coordinator_found)

// ---- OffsetCommit (8) ------------------------------------------------------------------------

#define SCHEMA_OFFSET_COMMIT_PARTITION(F, T)   \
    F(I32, partition_index, 0, MAX, 0)         \
    F(I64, committed_offset, 0, MAX, 0)        \
    F(I32, committed_leader_epoch, 6, MAX, -1) \
    F(I64, commit_timestamp, 1, 1, -1)         \
    F(NSTRING, committed_metadata, 0, MAX, 0)

#define SCHEMA_OFFSET_COMMIT_TOPIC(F, T) \
    F(STRING, name, 0, 9, 0)             \
    F(UUID, topic_id, 10, MAX, 0)        \
    F(ARRAY, partitions, 0, MAX, offset_commit_partition)

#define SCHEMA_OFFSET_COMMIT_REQUEST(F, T)            \
    F(STRING, group_id, 0, MAX, 0)                    \
    F(I32, generation_id_or_member_epoch, 1, MAX, -1) \
    F(STRING, member_id, 1, MAX, 0)                   \
    F(NSTRING, group_instance_id, 7, MAX, 0)          \
    F(I64, retention_time_ms, 2, 4, -1)               \
    F(ARRAY, topics, 0, MAX, offset_commit_topic)

#define SCHEMA_OFFSET_COMMIT_DONE(F, T) \
    F(I32, partition_index, 0, MAX, 0)  \
    F(I16, error_code, 0, MAX, 0)

#define SCHEMA_OFFSET_COMMIT_DONE_TOPIC(F, T) \
    F(STRING, name, 0, 9, 0)                  \
    F(UUID, topic_id, 10, MAX, 0)             \
    F(ARRAY, partitions, 0, MAX, offset_commit_done)

#define SCHEMA_OFFSET_COMMIT_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 3, MAX, 0)     \
    F(ARRAY, topics, 0, MAX, offset_commit_done_topic)

// ---- OffsetFetch (9) -------------------------------------------------------------------------

#define SCHEMA_OFFSET_FETCH_TOPIC(F, T) \
    F(STRING, name, 0, 9, 0)            \
    F(UUID, topic_id, 10, MAX, 0)       \
    F(I32S, partition_indexes, 0, MAX, 0)

#define SCHEMA_OFFSET_FETCH_GROUP(F, T) \
    F(STRING, group_id, 8, MAX, 0)      \
    F(NSTRING, member_id, 9, MAX, 0)    \
    F(I32, member_epoch, 9, MAX, -1)    \
    F(NARRAY, topics, 8, MAX, offset_fetch_topic)

#define SCHEMA_OFFSET_FETCH_REQUEST(F, T)        \
    F(STRING, group_id, 0, 7, 0)                 \
    F(NARRAY, topics, 0, 7, offset_fetch_topic)  \
    F(ARRAY, groups, 8, MAX, offset_fetch_group) \
    F(BOOL, require_stable, 7, MAX, 0)

#define SCHEMA_OFFSET_FETCH_FOUND(F, T)        \
    F(I32, partition_index, 0, MAX, 0)         \
    F(I64, committed_offset, 0, MAX, 0)        \
    F(I32, committed_leader_epoch, 5, MAX, -1) \
    F(NSTRING, metadata, 0, MAX, 0)            \
    F(I16, error_code, 0, MAX, 0)

#define SCHEMA_OFFSET_FETCH_FOUND_TOPIC(F, T) \
    F(STRING, name, 0, 9, 0)                  \
    F(UUID, topic_id, 10, MAX, 0)             \
    F(ARRAY, partitions, 0, MAX, offset_fetch_found)

#define SCHEMA_OFFSET_FETCH_FOUND_GROUP(F, T)          \
    F(STRING, group_id, 8, MAX, 0)                     \
    F(ARRAY, topics, 8, MAX, offset_fetch_found_topic) \
    F(I16, error_code, 8, MAX, 0)

#define SCHEMA_OFFSET_FETCH_RESPONSE(F, T)           \
    F(I32, throttle_time_ms, 3, MAX, 0)              \
    F(ARRAY, topics, 0, 7, offset_fetch_found_topic) \
    F(I16, error_code, 2, 7, 0)                      \
    F(ARRAY, groups, 8, MAX, offset_fetch_found_group)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_GROUP(S)                                         \
    S(find_coordinator_request, SCHEMA_FIND_COORDINATOR_REQUEST)   \
    S(find_coordinator_found, SCHEMA_FIND_COORDINATOR_FOUND)       \
    S(find_coordinator_response, SCHEMA_FIND_COORDINATOR_RESPONSE) \
    S(offset_commit_partition, SCHEMA_OFFSET_COMMIT_PARTITION)     \
    S(offset_commit_topic, SCHEMA_OFFSET_COMMIT_TOPIC)             \
    S(offset_commit_request, SCHEMA_OFFSET_COMMIT_REQUEST)         \
    S(offset_commit_done, SCHEMA_OFFSET_COMMIT_DONE)               \
    S(offset_commit_done_topic, SCHEMA_OFFSET_COMMIT_DONE_TOPIC)   \
    S(offset_commit_response, SCHEMA_OFFSET_COMMIT_RESPONSE)       \
    S(offset_fetch_topic, SCHEMA_OFFSET_FETCH_TOPIC)               \
    S(offset_fetch_group, SCHEMA_OFFSET_FETCH_GROUP)               \
    S(offset_fetch_request, SCHEMA_OFFSET_FETCH_REQUEST)           \
    S(offset_fetch_found, SCHEMA_OFFSET_FETCH_FOUND)               \
    S(offset_fetch_found_topic, SCHEMA_OFFSET_FETCH_FOUND_TOPIC)   \
    S(offset_fetch_found_group, SCHEMA_OFFSET_FETCH_FOUND_GROUP)   \
    S(offset_fetch_response, SCHEMA_OFFSET_FETCH_RESPONSE)
