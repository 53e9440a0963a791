// Api: the keys that the server answers, one row each, and their handlers.
//
// A handler mr_api_<key> is in the api_<family>.c that its comment names. A key without a row is
// neither advertised nor answered. Versions are those of Kafka 4 where its minimum is the lower
// one: librdkafka before 2.11 switches features off unless old versions are in range.

#pragma once

#include "broker/call.h"

// Name in the wire's schema, least and greatest version.
#define MR_BROKER_APIS(X)            \
    /* api_groups.c */               \
    X(join_group, 0, 9)              \
    X(heartbeat, 0, 4)               \
    X(leave_group, 0, 5)             \
    X(sync_group, 0, 5)              \
    /* api_groups_list.c */          \
    X(describe_groups, 0, 6)         \
    X(list_groups, 0, 5)             \
    X(delete_groups, 0, 2)           \
    /* api_offsets.c */              \
    X(offset_commit, 2, 9)           \
    X(offset_delete, 0, 0)           \
    /* api_offsets_fetch.c */        \
    X(offset_fetch, 1, 9)            \
    /* api_produce.c */              \
    X(produce, 0, 13)                \
    /* api_fetch.c */                \
    X(fetch, 4, 17)                  \
    /* api_records.c */              \
    X(list_offsets, 1, 9)            \
    X(delete_records, 0, 2)          \
    X(offset_for_leader_epoch, 2, 4) \
    /* api_metadata.c */             \
    X(metadata, 0, 12)               \
    X(find_coordinator, 0, 6)        \
    X(api_versions, 0, 4)

// Those of transactions; they join the table with their coordinator.
#define MR_BROKER_APIS_TRANSACTIONS(X) \
    X(init_producer_id, 0, 5)          \
    X(add_partitions_to_txn, 0, 5)     \
    X(add_offsets_to_txn, 0, 4)        \
    X(end_txn, 0, 5)                   \
    X(txn_offset_commit, 0, 5)         \
    X(write_txn_markers, 1, 1)         \
    X(describe_producers, 0, 0)        \
    X(describe_transactions, 0, 0)     \
    X(list_transactions, 0, 2)

#define MR_API_DECLARE(name, version_min, version_max) mr_call_step mr_api_##name;
MR_BROKER_APIS(MR_API_DECLARE)
MR_BROKER_APIS_TRANSACTIONS(MR_API_DECLARE)
#undef MR_API_DECLARE

// api_metadata.c: what the caller may do with a topic, or with the cluster, as bits of
// mr_operation.
int32_t mr_api_topic_operations(const mr_call *call, mr_span name);
int32_t mr_api_cluster_operations(const mr_call *call);
