// Api: the keys that the server answers, one row each, and their handlers.
//
// A handler mr_api_<key> is in the api_<family>.c that its comment names. A key without a row is
// neither advertised nor answered. Versions are those of Kafka 4 where its minimum is the lower
// one: librdkafka before 2.11 switches features off unless old versions are in range.

#pragma once

#include "broker/call.h"

// Name in the wire's schema, least and greatest version.
#define MR_BROKER_APIS(X)

// Those of transactions; they join the table with the groups that they need.
#define MR_BROKER_APIS_TRANSACTIONS(X) \
    X(init_producer_id, 0, 5)          \
    X(add_partitions_to_txn, 0, 5)     \
    X(add_offsets_to_txn, 0, 4)        \
    X(end_txn, 0, 5)                   \
    X(write_txn_markers, 1, 1)         \
    X(describe_producers, 0, 0)        \
    X(describe_transactions, 0, 0)     \
    X(list_transactions, 0, 2)

#define MR_API_DECLARE(name, version_min, version_max) mr_call_step mr_api_##name;
MR_BROKER_APIS(MR_API_DECLARE)
MR_BROKER_APIS_TRANSACTIONS(MR_API_DECLARE)
#undef MR_API_DECLARE
