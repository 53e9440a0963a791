// Schema: who looks at transactions: DescribeProducers, DescribeTransactions,
// ListTransactions; see schema.h.

#pragma once

// ---- DescribeProducers (61) -------------------------------------------------------------------

#define SCHEMA_DESCRIBE_PRODUCERS_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                \
    F(I32S, partition_indexes, 0, MAX, 0)

#define SCHEMA_DESCRIBE_PRODUCERS_REQUEST(F, T) F(ARRAY, topics, 0, MAX, describe_producers_topic)

#define SCHEMA_DESCRIBE_PRODUCERS_PRODUCER(F, T) \
    F(I64, producer_id, 0, MAX, 0)               \
    F(I32, producer_epoch, 0, MAX, 0)            \
    F(I32, last_sequence, 0, MAX, -1)            \
    F(I64, last_timestamp, 0, MAX, -1)           \
    F(I32, coordinator_epoch, 0, MAX, 0)         \
    F(I64, current_txn_start_offset, 0, MAX, -1)

#define SCHEMA_DESCRIBE_PRODUCERS_FOUND(F, T) \
    F(I32, partition_index, 0, MAX, 0)        \
    F(I16, error_code, 0, MAX, 0)             \
    F(NSTRING, error_message, 0, MAX, 0)      \
    F(ARRAY, active_producers, 0, MAX, describe_producers_producer)

#define SCHEMA_DESCRIBE_PRODUCERS_FOUND_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                      \
    F(ARRAY, partitions, 0, MAX, describe_producers_found)

#define SCHEMA_DESCRIBE_PRODUCERS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)          \
    F(ARRAY, topics, 0, MAX, describe_producers_found_topic)

// ---- DescribeTransactions (65) ----------------------------------------------------------------

#define SCHEMA_DESCRIBE_TRANSACTIONS_REQUEST(F, T) F(STRINGS, transactional_ids, 0, MAX, 0)

#define SCHEMA_DESCRIBE_TRANSACTIONS_TOPIC(F, T) \
    F(STRING, topic, 0, MAX, 0)                  \
    F(I32S, partitions, 0, MAX, 0)

#define SCHEMA_DESCRIBE_TRANSACTIONS_STATE(F, T) \
    F(I16, error_code, 0, MAX, 0)                \
    F(STRING, transactional_id, 0, MAX, 0)       \
    F(STRING, transaction_state, 0, MAX, 0)      \
    F(I32, transaction_timeout_ms, 0, MAX, 0)    \
    F(I64, transaction_start_time_ms, 0, MAX, 0) \
    F(I64, producer_id, 0, MAX, 0)               \
    F(I16, producer_epoch, 0, MAX, 0)            \
    F(ARRAY, topics, 0, MAX, describe_transactions_topic)

#define SCHEMA_DESCRIBE_TRANSACTIONS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)             \
    F(ARRAY, transaction_states, 0, MAX, describe_transactions_state)

// ---- ListTransactions (66) --------------------------------------------------------------------

#define SCHEMA_LIST_TRANSACTIONS_REQUEST(F, T) \
    F(STRINGS, state_filters, 0, MAX, 0)       \
    F(I64S, producer_id_filters, 0, MAX, 0)    \
    F(I64, duration_filter, 1, MAX, -1)        \
    F(NSTRING, transactional_id_pattern, 2, MAX, 0)

#define SCHEMA_LIST_TRANSACTIONS_STATE(F, T) \
    F(STRING, transactional_id, 0, MAX, 0)   \
    F(I64, producer_id, 0, MAX, 0)           \
    F(STRING, transaction_state, 0, MAX, 0)

#define SCHEMA_LIST_TRANSACTIONS_RESPONSE(F, T)  \
    F(I32, throttle_time_ms, 0, MAX, 0)          \
    F(I16, error_code, 0, MAX, 0)                \
    F(STRINGS, unknown_state_filters, 0, MAX, 0) \
    F(ARRAY, transaction_states, 0, MAX, list_transactions_state)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_TXN_LIST(S)                                                \
    S(describe_producers_topic, SCHEMA_DESCRIBE_PRODUCERS_TOPIC)             \
    S(describe_producers_request, SCHEMA_DESCRIBE_PRODUCERS_REQUEST)         \
    S(describe_producers_producer, SCHEMA_DESCRIBE_PRODUCERS_PRODUCER)       \
    S(describe_producers_found, SCHEMA_DESCRIBE_PRODUCERS_FOUND)             \
    S(describe_producers_found_topic, SCHEMA_DESCRIBE_PRODUCERS_FOUND_TOPIC) \
    S(describe_producers_response, SCHEMA_DESCRIBE_PRODUCERS_RESPONSE)       \
    S(describe_transactions_request, SCHEMA_DESCRIBE_TRANSACTIONS_REQUEST)   \
    S(describe_transactions_topic, SCHEMA_DESCRIBE_TRANSACTIONS_TOPIC)       \
    S(describe_transactions_state, SCHEMA_DESCRIBE_TRANSACTIONS_STATE)       \
    S(describe_transactions_response, SCHEMA_DESCRIBE_TRANSACTIONS_RESPONSE) \
    S(list_transactions_request, SCHEMA_LIST_TRANSACTIONS_REQUEST)           \
    S(list_transactions_state, SCHEMA_LIST_TRANSACTIONS_STATE)               \
    S(list_transactions_response, SCHEMA_LIST_TRANSACTIONS_RESPONSE)
