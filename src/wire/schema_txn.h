// Schema: transactions: producer ids, partitions, offsets, markers; see schema.h.

#pragma once

// ---- InitProducerId (22) ----------------------------------------------------------------------

#define SCHEMA_INIT_PRODUCER_ID_REQUEST(F, T) \
    F(NSTRING, transactional_id, 0, MAX, 0)   \
    F(I32, transaction_timeout_ms, 0, MAX, 0) \
    F(I64, producer_id, 3, MAX, -1)           \
    F(I16, producer_epoch, 3, MAX, -1)        \
    F(BOOL, enable_2pc, 6, MAX, 0)            \
    F(BOOL, keep_prepared_txn, 6, MAX, 0)

#define SCHEMA_INIT_PRODUCER_ID_RESPONSE(F, T)  \
    F(I32, throttle_time_ms, 0, MAX, 0)         \
    F(I16, error_code, 0, MAX, 0)               \
    F(I64, producer_id, 0, MAX, -1)             \
    F(I16, producer_epoch, 0, MAX, 0)           \
    F(I64, ongoing_txn_producer_id, 6, MAX, -1) \
    F(I16, ongoing_txn_producer_epoch, 6, MAX, -1)

// ---- AddPartitionsToTxn (24) ------------------------------------------------------------------

#define SCHEMA_ADD_PARTITIONS_TO_TXN_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                   \
    F(I32S, partitions, 0, MAX, 0)

#define SCHEMA_ADD_PARTITIONS_TO_TXN_TRANSACTION(F, T) \
    F(STRING, transactional_id, 4, MAX, 0)             \
    F(I64, producer_id, 4, MAX, 0)                     \
    F(I16, producer_epoch, 4, MAX, 0)                  \
    F(BOOL, verify_only, 4, MAX, 0)                    \
    F(ARRAY, topics, 4, MAX, add_partitions_to_txn_topic)

#define SCHEMA_ADD_PARTITIONS_TO_TXN_REQUEST(F, T)                    \
    F(ARRAY, transactions, 4, MAX, add_partitions_to_txn_transaction) \
    F(STRING, v3_and_below_transactional_id, 0, 3, 0)                 \
    F(I64, v3_and_below_producer_id, 0, 3, 0)                         \
    F(I16, v3_and_below_producer_epoch, 0, 3, 0)                      \
    F(ARRAY, v3_and_below_topics, 0, 3, add_partitions_to_txn_topic)

#define SCHEMA_ADD_PARTITIONS_TO_TXN_DONE(F, T) \
    F(I32, partition_index, 0, MAX, 0)          \
    F(I16, partition_error_code, 0, MAX, 0)

#define SCHEMA_ADD_PARTITIONS_TO_TXN_DONE_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                        \
    F(ARRAY, results_by_partition, 0, MAX, add_partitions_to_txn_done)

#define SCHEMA_ADD_PARTITIONS_TO_TXN_RESULT(F, T) \
    F(STRING, transactional_id, 4, MAX, 0)        \
    F(ARRAY, topic_results, 4, MAX, add_partitions_to_txn_done_topic)

#define SCHEMA_ADD_PARTITIONS_TO_TXN_RESPONSE(F, T)                        \
    F(I32, throttle_time_ms, 0, MAX, 0)                                    \
    F(I16, error_code, 4, MAX, 0)                                          \
    F(ARRAY, results_by_transaction, 4, MAX, add_partitions_to_txn_result) \
    F(ARRAY, results_by_topic_v3_and_below, 0, 3, add_partitions_to_txn_done_topic)

// ---- AddOffsetsToTxn (25) ---------------------------------------------------------------------

#define SCHEMA_ADD_OFFSETS_TO_TXN_REQUEST(F, T) \
    F(STRING, transactional_id, 0, MAX, 0)      \
    F(I64, producer_id, 0, MAX, 0)              \
    F(I16, producer_epoch, 0, MAX, 0)           \
    F(STRING, group_id, 0, MAX, 0)

#define SCHEMA_ADD_OFFSETS_TO_TXN_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)          \
    F(I16, error_code, 0, MAX, 0)

// ---- EndTxn (26) ------------------------------------------------------------------------------

#define SCHEMA_END_TXN_REQUEST(F, T)       \
    F(STRING, transactional_id, 0, MAX, 0) \
    F(I64, producer_id, 0, MAX, 0)         \
    F(I16, producer_epoch, 0, MAX, 0)      \
    F(BOOL, committed, 0, MAX, 0)

#define SCHEMA_END_TXN_RESPONSE(F, T)   \
    F(I32, throttle_time_ms, 0, MAX, 0) \
    F(I16, error_code, 0, MAX, 0)       \
    F(I64, producer_id, 5, MAX, -1)     \
    F(I16, producer_epoch, 5, MAX, -1)

// ---- TxnOffsetCommit (28) ---------------------------------------------------------------------

#define SCHEMA_TXN_OFFSET_COMMIT_PARTITION(F, T) \
    F(I32, partition_index, 0, MAX, 0)           \
    F(I64, committed_offset, 0, MAX, 0)          \
    F(I32, committed_leader_epoch, 2, MAX, -1)   \
    F(NSTRING, committed_metadata, 0, MAX, 0)

#define SCHEMA_TXN_OFFSET_COMMIT_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)               \
    F(ARRAY, partitions, 0, MAX, txn_offset_commit_partition)

#define SCHEMA_TXN_OFFSET_COMMIT_REQUEST(F, T) \
    F(STRING, transactional_id, 0, MAX, 0)     \
    F(STRING, group_id, 0, MAX, 0)             \
    F(I64, producer_id, 0, MAX, 0)             \
    F(I16, producer_epoch, 0, MAX, 0)          \
    F(I32, generation_id, 3, MAX, -1)          \
    F(STRING, member_id, 3, MAX, 0)            \
    F(NSTRING, group_instance_id, 3, MAX, 0)   \
    F(ARRAY, topics, 0, MAX, txn_offset_commit_topic)

#define SCHEMA_TXN_OFFSET_COMMIT_DONE(F, T) \
    F(I32, partition_index, 0, MAX, 0)      \
    F(I16, error_code, 0, MAX, 0)

#define SCHEMA_TXN_OFFSET_COMMIT_DONE_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                    \
    F(ARRAY, partitions, 0, MAX, txn_offset_commit_done)

#define SCHEMA_TXN_OFFSET_COMMIT_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)         \
    F(ARRAY, topics, 0, MAX, txn_offset_commit_done_topic)

// ---- WriteTxnMarkers (27) ---------------------------------------------------------------------

#define SCHEMA_WRITE_TXN_MARKERS_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)               \
    F(I32S, partition_indexes, 0, MAX, 0)

#define SCHEMA_WRITE_TXN_MARKERS_MARKER(F, T)         \
    F(I64, producer_id, 0, MAX, 0)                    \
    F(I16, producer_epoch, 0, MAX, 0)                 \
    F(BOOL, transaction_result, 0, MAX, 0)            \
    F(ARRAY, topics, 0, MAX, write_txn_markers_topic) \
    F(I32, coordinator_epoch, 0, MAX, 0)              \
    F(I8, transaction_version, 2, MAX, 0)

#define SCHEMA_WRITE_TXN_MARKERS_REQUEST(F, T) F(ARRAY, markers, 0, MAX, write_txn_markers_marker)

#define SCHEMA_WRITE_TXN_MARKERS_DONE_PARTITION(F, T) \
    F(I32, partition_index, 0, MAX, 0)                \
    F(I16, error_code, 0, MAX, 0)

#define SCHEMA_WRITE_TXN_MARKERS_DONE_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                    \
    F(ARRAY, partitions, 0, MAX, write_txn_markers_done_partition)

#define SCHEMA_WRITE_TXN_MARKERS_DONE(F, T) \
    F(I64, producer_id, 0, MAX, 0)          \
    F(ARRAY, topics, 0, MAX, write_txn_markers_done_topic)

#define SCHEMA_WRITE_TXN_MARKERS_RESPONSE(F, T) F(ARRAY, markers, 0, MAX, write_txn_markers_done)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_TXN(S)                                                           \
    S(init_producer_id_request, SCHEMA_INIT_PRODUCER_ID_REQUEST)                   \
    S(init_producer_id_response, SCHEMA_INIT_PRODUCER_ID_RESPONSE)                 \
    S(add_partitions_to_txn_topic, SCHEMA_ADD_PARTITIONS_TO_TXN_TOPIC)             \
    S(add_partitions_to_txn_transaction, SCHEMA_ADD_PARTITIONS_TO_TXN_TRANSACTION) \
    S(add_partitions_to_txn_request, SCHEMA_ADD_PARTITIONS_TO_TXN_REQUEST)         \
    S(add_partitions_to_txn_done, SCHEMA_ADD_PARTITIONS_TO_TXN_DONE)               \
    S(add_partitions_to_txn_done_topic, SCHEMA_ADD_PARTITIONS_TO_TXN_DONE_TOPIC)   \
    S(add_partitions_to_txn_result, SCHEMA_ADD_PARTITIONS_TO_TXN_RESULT)           \
    S(add_partitions_to_txn_response, SCHEMA_ADD_PARTITIONS_TO_TXN_RESPONSE)       \
    S(add_offsets_to_txn_request, SCHEMA_ADD_OFFSETS_TO_TXN_REQUEST)               \
    S(add_offsets_to_txn_response, SCHEMA_ADD_OFFSETS_TO_TXN_RESPONSE)             \
    S(end_txn_request, SCHEMA_END_TXN_REQUEST)                                     \
    S(end_txn_response, SCHEMA_END_TXN_RESPONSE)                                   \
    S(txn_offset_commit_partition, SCHEMA_TXN_OFFSET_COMMIT_PARTITION)             \
    S(txn_offset_commit_topic, SCHEMA_TXN_OFFSET_COMMIT_TOPIC)                     \
    S(txn_offset_commit_request, SCHEMA_TXN_OFFSET_COMMIT_REQUEST)                 \
    S(txn_offset_commit_done, SCHEMA_TXN_OFFSET_COMMIT_DONE)                       \
    S(txn_offset_commit_done_topic, SCHEMA_TXN_OFFSET_COMMIT_DONE_TOPIC)           \
    S(txn_offset_commit_response, SCHEMA_TXN_OFFSET_COMMIT_RESPONSE)               \
    S(write_txn_markers_topic, SCHEMA_WRITE_TXN_MARKERS_TOPIC)                     \
    S(write_txn_markers_marker, SCHEMA_WRITE_TXN_MARKERS_MARKER)                   \
    S(write_txn_markers_request, SCHEMA_WRITE_TXN_MARKERS_REQUEST)                 \
    S(write_txn_markers_done_partition, SCHEMA_WRITE_TXN_MARKERS_DONE_PARTITION)   \
    S(write_txn_markers_done_topic, SCHEMA_WRITE_TXN_MARKERS_DONE_TOPIC)           \
    S(write_txn_markers_done, SCHEMA_WRITE_TXN_MARKERS_DONE)                       \
    S(write_txn_markers_response, SCHEMA_WRITE_TXN_MARKERS_RESPONSE)
