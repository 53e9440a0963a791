// Api: the keys that the server answers, one row each, and their handlers.
//
// A handler mr_api_<key> is in the api_<family>.c that its comment names. A key without a row is
// neither advertised nor answered. Versions are those of Kafka 4 where its minimum is the lower
// one: librdkafka before 2.11 switches features off unless old versions are in range.

#pragma once

#include "broker/call.h"

// Name in the wire's schema, least and greatest version, and where it is handled: HERE, on the
// connection's thread, or AWAY, with what waits for the disk (mr_call_leave).
#define MR_BROKER_APIS(X)                          \
    /* api_groups.c */                             \
    X(join_group, 0, 9, HERE)                      \
    X(heartbeat, 0, 4, HERE)                       \
    X(leave_group, 0, 5, HERE)                     \
    X(sync_group, 0, 5, HERE)                      \
    /* api_groups_list.c */                        \
    X(describe_groups, 0, 6, HERE)                 \
    X(list_groups, 0, 5, HERE)                     \
    X(delete_groups, 0, 2, HERE)                   \
    /* api_offsets.c */                            \
    X(offset_commit, 2, 9, HERE)                   \
    X(txn_offset_commit, 0, 5, HERE)               \
    X(offset_delete, 0, 0, HERE)                   \
    /* api_offsets_fetch.c */                      \
    X(offset_fetch, 1, 9, HERE)                    \
    /* api_produce.c */                            \
    X(produce, 0, 13, HERE)                        \
    /* api_fetch.c */                              \
    X(fetch, 4, 17, HERE)                          \
    /* api_records.c */                            \
    X(list_offsets, 1, 9, HERE)                    \
    X(delete_records, 0, 2, AWAY)                  \
    X(offset_for_leader_epoch, 2, 4, HERE)         \
    /* api_metadata.c */                           \
    X(metadata, 0, 12, HERE)                       \
    X(find_coordinator, 0, 6, HERE)                \
    X(api_versions, 0, 4, HERE)                    \
    /* api_topics.c */                             \
    X(create_topics, 2, 7, AWAY)                   \
    X(delete_topics, 1, 6, AWAY)                   \
    X(create_partitions, 0, 3, AWAY)               \
    X(describe_topic_partitions, 0, 0, HERE)       \
    /* api_configs.c */                            \
    X(describe_configs, 1, 4, HERE)                \
    X(alter_configs, 0, 2, AWAY)                   \
    X(incremental_alter_configs, 0, 1, AWAY)       \
    X(list_config_resources, 0, 1, HERE)           \
    /* api_cluster.c */                            \
    X(describe_cluster, 0, 1, HERE)                \
    X(alter_replica_log_dirs, 1, 2, HERE)          \
    X(describe_log_dirs, 1, 4, HERE)               \
    X(elect_leaders, 0, 2, HERE)                   \
    X(alter_partition_reassignments, 0, 0, HERE)   \
    X(list_partition_reassignments, 0, 0, HERE)    \
    X(describe_quorum, 0, 2, HERE)                 \
    /* api_quotas.c */                             \
    X(describe_client_quotas, 0, 1, HERE)          \
    X(alter_client_quotas, 0, 1, AWAY)             \
    /* api_access.c */                             \
    X(sasl_handshake, 0, 1, HERE)                  \
    X(sasl_authenticate, 0, 2, HERE)               \
    X(describe_user_scram_credentials, 0, 0, HERE) \
    X(alter_user_scram_credentials, 0, 0, AWAY)    \
    /* api_acls.c */                               \
    X(describe_acls, 1, 3, HERE)                   \
    X(create_acls, 1, 3, AWAY)                     \
    X(delete_acls, 1, 3, AWAY)                     \
    /* api_transactions.c */                       \
    X(init_producer_id, 0, 5, HERE)                \
    X(add_partitions_to_txn, 0, 5, HERE)           \
    X(add_offsets_to_txn, 0, 4, HERE)              \
    X(end_txn, 0, 5, HERE)                         \
    X(write_txn_markers, 1, 1, HERE)               \
    /* api_transactions_list.c */                  \
    X(describe_producers, 0, 0, HERE)              \
    X(describe_transactions, 0, 0, HERE)           \
    X(list_transactions, 0, 2, HERE)

#define MR_API_DECLARE(name, ...) mr_call_step mr_api_##name;
MR_BROKER_APIS(MR_API_DECLARE)
#undef MR_API_DECLARE

// api_metadata.c: what the caller may do with a topic, or with the cluster, as bits of
// mr_operation.
int32_t mr_api_topic_operations(const mr_call *call, mr_span name);
int32_t mr_api_cluster_operations(const mr_call *call);
