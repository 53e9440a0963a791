// Api: the keys that the server answers, one row each, and their handlers.
//
// A handler mr_api_<key> is in the api_<family>.c that its comment names. A key without a row is
// neither advertised nor answered. Versions are those of Kafka 4 where its minimum is the lower
// one: librdkafka before 2.11 switches features off unless old versions are in range.

#pragma once

#include "broker/call.h"

// Name in the wire's schema, least and greatest version.
#define MR_BROKER_APIS(X)                    \
    /* api_groups.c */                       \
    X(join_group, 0, 9)                      \
    X(heartbeat, 0, 4)                       \
    X(leave_group, 0, 5)                     \
    X(sync_group, 0, 5)                      \
    /* api_groups_list.c */                  \
    X(describe_groups, 0, 6)                 \
    X(list_groups, 0, 5)                     \
    X(delete_groups, 0, 2)                   \
    /* api_offsets.c */                      \
    X(offset_commit, 2, 9)                   \
    X(txn_offset_commit, 0, 5)               \
    X(offset_delete, 0, 0)                   \
    /* api_offsets_fetch.c */                \
    X(offset_fetch, 1, 9)                    \
    /* api_produce.c */                      \
    X(produce, 0, 13)                        \
    /* api_fetch.c */                        \
    X(fetch, 4, 17)                          \
    /* api_records.c */                      \
    X(list_offsets, 1, 9)                    \
    X(delete_records, 0, 2)                  \
    X(offset_for_leader_epoch, 2, 4)         \
    /* api_metadata.c */                     \
    X(metadata, 0, 12)                       \
    X(find_coordinator, 0, 6)                \
    X(api_versions, 0, 4)                    \
    /* api_topics.c */                       \
    X(create_topics, 2, 7)                   \
    X(delete_topics, 1, 6)                   \
    X(create_partitions, 0, 3)               \
    X(describe_topic_partitions, 0, 0)       \
    /* api_configs.c */                      \
    X(describe_configs, 1, 4)                \
    X(alter_configs, 0, 2)                   \
    X(incremental_alter_configs, 0, 1)       \
    X(list_config_resources, 0, 1)           \
    /* api_cluster.c */                      \
    X(describe_cluster, 0, 1)                \
    X(alter_replica_log_dirs, 1, 2)          \
    X(describe_log_dirs, 1, 4)               \
    X(elect_leaders, 0, 2)                   \
    X(alter_partition_reassignments, 0, 0)   \
    X(list_partition_reassignments, 0, 0)    \
    X(describe_quorum, 0, 2)                 \
    /* api_quotas.c */                       \
    X(describe_client_quotas, 0, 1)          \
    X(alter_client_quotas, 0, 1)             \
    /* api_access.c */                       \
    X(sasl_handshake, 0, 1)                  \
    X(sasl_authenticate, 0, 2)               \
    X(describe_user_scram_credentials, 0, 0) \
    X(alter_user_scram_credentials, 0, 0)    \
    /* api_acls.c */                         \
    X(describe_acls, 1, 3)                   \
    X(create_acls, 1, 3)                     \
    X(delete_acls, 1, 3)                     \
    /* api_transactions.c */                 \
    X(init_producer_id, 0, 5)                \
    X(add_partitions_to_txn, 0, 5)           \
    X(add_offsets_to_txn, 0, 4)              \
    X(end_txn, 0, 5)                         \
    X(write_txn_markers, 1, 1)               \
    /* api_transactions_list.c */            \
    X(describe_producers, 0, 0)              \
    X(describe_transactions, 0, 0)           \
    X(list_transactions, 0, 2)

#define MR_API_DECLARE(name, version_min, version_max) mr_call_step mr_api_##name;
MR_BROKER_APIS(MR_API_DECLARE)
#undef MR_API_DECLARE

// api_metadata.c: what the caller may do with a topic, or with the cluster, as bits of
// mr_operation.
int32_t mr_api_topic_operations(const mr_call *call, mr_span name);
int32_t mr_api_cluster_operations(const mr_call *call);
