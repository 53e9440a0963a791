// Schema: what the internal topics hold, and what members of a group tell each other; see schema.h.

#pragma once

// ---- OffsetCommitKey --------------------------------------------------------------------------

#define SCHEMA_OFFSET_COMMIT_KEY(F, T) \
    F(STRING, group, 0, 1, 0)          \
    F(STRING, topic, 0, 1, 0)          \
    F(I32, partition, 0, 1, 0)

// ---- OffsetCommitValue ------------------------------------------------------------------------

#define SCHEMA_OFFSET_COMMIT_VALUE(F, T) \
    F(I64, offset, 0, MAX, 0)            \
    F(I32, leader_epoch, 3, MAX, -1)     \
    F(STRING, metadata, 0, MAX, 0)       \
    F(I64, commit_timestamp, 0, MAX, 0)  \
    F(I64, expire_timestamp, 1, 1, -1)   \
    T(0, UUID, topic_id, 4, MAX, 0)

// ---- GroupMetadataKey -------------------------------------------------------------------------

#define SCHEMA_GROUP_METADATA_KEY(F, T) F(STRING, group, 2, 2, 0)

// ---- GroupMetadataValue -----------------------------------------------------------------------

#define SCHEMA_GROUP_METADATA_MEMBER(F, T)   \
    F(STRING, member_id, 0, MAX, 0)          \
    F(NSTRING, group_instance_id, 3, MAX, 0) \
    F(STRING, client_id, 0, MAX, 0)          \
    F(STRING, client_host, 0, MAX, 0)        \
    F(I32, rebalance_timeout, 1, MAX, -1)    \
    F(I32, session_timeout, 0, MAX, 0)       \
    F(BYTES, subscription, 0, MAX, 0)        \
    F(BYTES, assignment, 0, MAX, 0)

#define SCHEMA_GROUP_METADATA_VALUE(F, T)       \
    F(STRING, protocol_type, 0, MAX, 0)         \
    F(I32, generation, 0, MAX, 0)               \
    F(NSTRING, protocol, 0, MAX, 0)             \
    F(NSTRING, leader, 0, MAX, 0)               \
    F(I64, current_state_timestamp, 2, MAX, -1) \
    F(ARRAY, members, 0, MAX, group_metadata_member)

// ---- TransactionLogKey ------------------------------------------------------------------------

#define SCHEMA_TRANSACTION_LOG_KEY(F, T) F(STRING, transactional_id, 0, 0, 0)

// ---- TransactionLogValue ----------------------------------------------------------------------

#define SCHEMA_TRANSACTION_LOG_PARTITION(F, T) \
    F(STRING, topic, 0, MAX, 0)                \
    F(I32S, partition_ids, 0, MAX, 0)

#define SCHEMA_TRANSACTION_LOG_VALUE(F, T)                               \
    F(I64, producer_id, 0, MAX, 0)                                       \
    T(0, I64, previous_producer_id, 1, MAX, -1)                          \
    T(1, I64, next_producer_id, 1, MAX, -1)                              \
    F(I16, producer_epoch, 0, MAX, 0)                                    \
    F(I32, transaction_timeout_ms, 0, MAX, 0)                            \
    F(I8, transaction_status, 0, MAX, 0)                                 \
    F(NARRAY, transaction_partitions, 0, MAX, transaction_log_partition) \
    F(I64, transaction_last_update_timestamp_ms, 0, MAX, 0)              \
    F(I64, transaction_start_timestamp_ms, 0, MAX, 0)                    \
    T(2, I16, client_transaction_version, 1, MAX, 0)

// ---- ConsumerProtocolSubscription -------------------------------------------------------------

#define SCHEMA_CONSUMER_PROTOCOL_OWNED(F, T) \
    F(STRING, topic, 1, MAX, 0)              \
    F(I32S, partitions, 1, MAX, 0)

#define SCHEMA_CONSUMER_PROTOCOL_SUBSCRIPTION(F, T)             \
    F(STRINGS, topics, 0, MAX, 0)                               \
    F(NBYTES, user_data, 0, MAX, 0)                             \
    F(ARRAY, owned_partitions, 1, MAX, consumer_protocol_owned) \
    F(I32, generation_id, 2, MAX, -1)                           \
    F(NSTRING, rack_id, 3, MAX, 0)

// ---- ConsumerProtocolAssignment ---------------------------------------------------------------

#define SCHEMA_CONSUMER_PROTOCOL_ASSIGNED(F, T) \
    F(STRING, topic, 0, MAX, 0)                 \
    F(I32S, partitions, 0, MAX, 0)

#define SCHEMA_CONSUMER_PROTOCOL_ASSIGNMENT(F, T)                     \
    F(ARRAY, assigned_partitions, 0, MAX, consumer_protocol_assigned) \
    F(NBYTES, user_data, 0, MAX, 0)

// ---- ControlRecordKey -------------------------------------------------------------------------

#define SCHEMA_CONTROL_RECORD_KEY(F, T) F(I16, type, 0, MAX, 0)

// ---- EndTxnMarker -----------------------------------------------------------------------------

#define SCHEMA_END_TXN_MARKER(F, T) F(I32, coordinator_epoch, 0, MAX, 0)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_RECORD(S)                                                  \
    S(offset_commit_key, SCHEMA_OFFSET_COMMIT_KEY)                           \
    S(offset_commit_value, SCHEMA_OFFSET_COMMIT_VALUE)                       \
    S(group_metadata_key, SCHEMA_GROUP_METADATA_KEY)                         \
    S(group_metadata_member, SCHEMA_GROUP_METADATA_MEMBER)                   \
    S(group_metadata_value, SCHEMA_GROUP_METADATA_VALUE)                     \
    S(transaction_log_key, SCHEMA_TRANSACTION_LOG_KEY)                       \
    S(transaction_log_partition, SCHEMA_TRANSACTION_LOG_PARTITION)           \
    S(transaction_log_value, SCHEMA_TRANSACTION_LOG_VALUE)                   \
    S(consumer_protocol_owned, SCHEMA_CONSUMER_PROTOCOL_OWNED)               \
    S(consumer_protocol_subscription, SCHEMA_CONSUMER_PROTOCOL_SUBSCRIPTION) \
    S(consumer_protocol_assigned, SCHEMA_CONSUMER_PROTOCOL_ASSIGNED)         \
    S(consumer_protocol_assignment, SCHEMA_CONSUMER_PROTOCOL_ASSIGNMENT)     \
    S(control_record_key, SCHEMA_CONTROL_RECORD_KEY)                         \
    S(end_txn_marker, SCHEMA_END_TXN_MARKER)
