// Schema: what a producer asks, and what else touches a log: Produce, DeleteRecords,
// OffsetForLeaderEpoch; see schema.h.

#pragma once

// ---- Produce (0) ------------------------------------------------------------------------------

#define SCHEMA_PRODUCE_PARTITION(F, T) \
    F(I32, index, 0, MAX, 0)           \
    F(RECORDS, records, 0, MAX, 0)

#define SCHEMA_PRODUCE_TOPIC(F, T) \
    F(STRING, name, 0, 12, 0)      \
    F(UUID, topic_id, 13, MAX, 0)  \
    F(ARRAY, partition_data, 0, MAX, produce_partition)

#define SCHEMA_PRODUCE_REQUEST(F, T)        \
    F(NSTRING, transactional_id, 3, MAX, 0) \
    F(I16, acks, 0, MAX, 0)                 \
    F(I32, timeout_ms, 0, MAX, 0)           \
    F(ARRAY, topic_data, 0, MAX, produce_topic)

#define SCHEMA_PRODUCE_RECORD_ERROR(F, T) \
    F(I32, batch_index, 8, MAX, 0)        \
    F(NSTRING, batch_index_error_message, 8, MAX, 0)

#define SCHEMA_PRODUCE_LEADER(F, T) \
    F(I32, leader_id, 10, MAX, -1)  \
    F(I32, leader_epoch, 10, MAX, -1)

#define SCHEMA_PRODUCE_DONE(F, T)                         \
    F(I32, index, 0, MAX, 0)                              \
    F(I16, error_code, 0, MAX, 0)                         \
    F(I64, base_offset, 0, MAX, 0)                        \
    F(I64, log_append_time_ms, 2, MAX, -1)                \
    F(I64, log_start_offset, 5, MAX, -1)                  \
    F(ARRAY, record_errors, 8, MAX, produce_record_error) \
    F(NSTRING, error_message, 8, MAX, 0)                  \
    T(0, STRUCT, current_leader, 10, MAX, produce_leader)

#define SCHEMA_PRODUCE_DONE_TOPIC(F, T) \
    F(STRING, name, 0, 12, 0)           \
    F(UUID, topic_id, 13, MAX, 0)       \
    F(ARRAY, partition_responses, 0, MAX, produce_done)

#define SCHEMA_PRODUCE_NODE(F, T) \
    F(I32, node_id, 10, MAX, 0)   \
    F(STRING, host, 10, MAX, 0)   \
    F(I32, port, 10, MAX, 0)      \
    F(NSTRING, rack, 10, MAX, 0)

#define SCHEMA_PRODUCE_RESPONSE(F, T)               \
    F(ARRAY, responses, 0, MAX, produce_done_topic) \
    F(I32, throttle_time_ms, 1, MAX, 0)             \
    T(0, ARRAY, node_endpoints, 10, MAX, produce_node)

// ---- DeleteRecords (21) -----------------------------------------------------------------------

#define SCHEMA_DELETE_RECORDS_PARTITION(F, T) \
    F(I32, partition_index, 0, MAX, 0)        \
    F(I64, offset, 0, MAX, 0)

#define SCHEMA_DELETE_RECORDS_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)            \
    F(ARRAY, partitions, 0, MAX, delete_records_partition)

#define SCHEMA_DELETE_RECORDS_REQUEST(F, T)        \
    F(ARRAY, topics, 0, MAX, delete_records_topic) \
    F(I32, timeout_ms, 0, MAX, 0)

#define SCHEMA_DELETE_RECORDS_DONE(F, T) \
    F(I32, partition_index, 0, MAX, 0)   \
    F(I64, low_watermark, 0, MAX, 0)     \
    F(I16, error_code, 0, MAX, 0)

#define SCHEMA_DELETE_RECORDS_DONE_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                 \
    F(ARRAY, partitions, 0, MAX, delete_records_done)

#define SCHEMA_DELETE_RECORDS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)      \
    F(ARRAY, topics, 0, MAX, delete_records_done_topic)

// ---- OffsetForLeaderEpoch (23) ----------------------------------------------------------------

#define SCHEMA_OFFSET_FOR_LEADER_EPOCH_PARTITION(F, T) \
    F(I32, partition, 0, MAX, 0)                       \
    F(I32, current_leader_epoch, 2, MAX, -1)           \
    F(I32, leader_epoch, 0, MAX, 0)

#define SCHEMA_OFFSET_FOR_LEADER_EPOCH_TOPIC(F, T) \
    F(STRING, topic, 0, MAX, 0)                    \
    F(ARRAY, partitions, 0, MAX, offset_for_leader_epoch_partition)

#define SCHEMA_OFFSET_FOR_LEADER_EPOCH_REQUEST(F, T) \
    F(I32, replica_id, 3, MAX, -2)                   \
    F(ARRAY, topics, 0, MAX, offset_for_leader_epoch_topic)

#define SCHEMA_OFFSET_FOR_LEADER_EPOCH_FOUND(F, T) \
    F(I16, error_code, 0, MAX, 0)                  \
    F(I32, partition, 0, MAX, 0)                   \
    F(I32, leader_epoch, 1, MAX, -1)               \
    F(I64, end_offset, 0, MAX, -1)

#define SCHEMA_OFFSET_FOR_LEADER_EPOCH_FOUND_TOPIC(F, T) \
    F(STRING, topic, 0, MAX, 0)                          \
    F(ARRAY, partitions, 0, MAX, offset_for_leader_epoch_found)

#define SCHEMA_OFFSET_FOR_LEADER_EPOCH_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 2, MAX, 0)               \
    F(ARRAY, topics, 0, MAX, offset_for_leader_epoch_found_topic)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_PRODUCE(S)                                                           \
    S(produce_partition, SCHEMA_PRODUCE_PARTITION)                                     \
    S(produce_topic, SCHEMA_PRODUCE_TOPIC)                                             \
    S(produce_request, SCHEMA_PRODUCE_REQUEST)                                         \
    S(produce_record_error, SCHEMA_PRODUCE_RECORD_ERROR)                               \
    S(produce_leader, SCHEMA_PRODUCE_LEADER)                                           \
    S(produce_done, SCHEMA_PRODUCE_DONE)                                               \
    S(produce_done_topic, SCHEMA_PRODUCE_DONE_TOPIC)                                   \
    S(produce_node, SCHEMA_PRODUCE_NODE)                                               \
    S(produce_response, SCHEMA_PRODUCE_RESPONSE)                                       \
    S(delete_records_partition, SCHEMA_DELETE_RECORDS_PARTITION)                       \
    S(delete_records_topic, SCHEMA_DELETE_RECORDS_TOPIC)                               \
    S(delete_records_request, SCHEMA_DELETE_RECORDS_REQUEST)                           \
    S(delete_records_done, SCHEMA_DELETE_RECORDS_DONE)                                 \
    S(delete_records_done_topic, SCHEMA_DELETE_RECORDS_DONE_TOPIC)                     \
    S(delete_records_response, SCHEMA_DELETE_RECORDS_RESPONSE)                         \
    S(offset_for_leader_epoch_partition, SCHEMA_OFFSET_FOR_LEADER_EPOCH_PARTITION)     \
    S(offset_for_leader_epoch_topic, SCHEMA_OFFSET_FOR_LEADER_EPOCH_TOPIC)             \
    S(offset_for_leader_epoch_request, SCHEMA_OFFSET_FOR_LEADER_EPOCH_REQUEST)         \
    S(offset_for_leader_epoch_found, SCHEMA_OFFSET_FOR_LEADER_EPOCH_FOUND)             \
    S(offset_for_leader_epoch_found_topic, SCHEMA_OFFSET_FOR_LEADER_EPOCH_FOUND_TOPIC) \
    S(offset_for_leader_epoch_response, SCHEMA_OFFSET_FOR_LEADER_EPOCH_RESPONSE)
