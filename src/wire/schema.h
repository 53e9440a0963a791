// Schema: the messages of Kafka's protocol as C structs, from the rows of the schema_*.h lists.
//
// A row is F(kind, name, since, until, detail), in the order of the wire; T(tag, …) is a tagged
// field. `detail` is the default of a number, the struct of STRUCT and ARRAY, and 0 else. Kinds
// with N may be null. Names are Kafka's. Versions that no client of the last years sends are left
// out of the tables of keys, not of the rows.
//
// Also: mr_wire_

#pragma once

#include "wire/schema_access.h"
#include "wire/schema_cluster.h"
#include "wire/schema_config.h"
#include "wire/schema_consume.h"
#include "wire/schema_consumer.h"
#include "wire/schema_group.h"
#include "wire/schema_member.h"
#include "wire/schema_place.h"
#include "wire/schema_produce.h"
#include "wire/schema_record.h"
#include "wire/schema_record_consumer.h"
#include "wire/schema_topic.h"
#include "wire/schema_txn.h"
#include "wire/schema_txn_list.h"
#include "wire/wire.h"

// name, key, least and greatest version, first flexible one; request and response have its name.
#define MR_SCHEMA_APIS(A)                           \
    A(produce, 0, 3, 13, 9)                         \
    A(fetch, 1, 4, 18, 12)                          \
    A(list_offsets, 2, 1, 11, 6)                    \
    A(metadata, 3, 0, 13, 9)                        \
    A(offset_commit, 8, 2, 10, 8)                   \
    A(offset_fetch, 9, 1, 10, 6)                    \
    A(find_coordinator, 10, 0, 6, 3)                \
    A(join_group, 11, 0, 9, 6)                      \
    A(heartbeat, 12, 0, 4, 4)                       \
    A(leave_group, 13, 0, 5, 4)                     \
    A(sync_group, 14, 0, 5, 4)                      \
    A(describe_groups, 15, 0, 6, 5)                 \
    A(list_groups, 16, 0, 5, 3)                     \
    A(sasl_handshake, 17, 0, 1, INT16_MAX)          \
    A(api_versions, 18, 0, 4, 3)                    \
    A(create_topics, 19, 2, 7, 5)                   \
    A(delete_topics, 20, 1, 6, 4)                   \
    A(delete_records, 21, 0, 2, 2)                  \
    A(init_producer_id, 22, 0, 5, 2)                \
    A(offset_for_leader_epoch, 23, 2, 4, 4)         \
    A(add_partitions_to_txn, 24, 0, 5, 3)           \
    A(add_offsets_to_txn, 25, 0, 4, 3)              \
    A(end_txn, 26, 0, 5, 3)                         \
    A(write_txn_markers, 27, 1, 2, 1)               \
    A(txn_offset_commit, 28, 0, 5, 3)               \
    A(describe_acls, 29, 1, 3, 2)                   \
    A(create_acls, 30, 1, 3, 2)                     \
    A(delete_acls, 31, 1, 3, 2)                     \
    A(describe_configs, 32, 1, 4, 4)                \
    A(alter_configs, 33, 0, 2, 2)                   \
    A(alter_replica_log_dirs, 34, 1, 2, 2)          \
    A(describe_log_dirs, 35, 1, 5, 2)               \
    A(sasl_authenticate, 36, 0, 2, 2)               \
    A(create_partitions, 37, 0, 3, 2)               \
    A(delete_groups, 42, 0, 2, 2)                   \
    A(elect_leaders, 43, 0, 2, 2)                   \
    A(incremental_alter_configs, 44, 0, 1, 1)       \
    A(alter_partition_reassignments, 45, 0, 0, 0)   \
    A(list_partition_reassignments, 46, 0, 0, 0)    \
    A(offset_delete, 47, 0, 0, INT16_MAX)           \
    A(describe_client_quotas, 48, 0, 1, 1)          \
    A(alter_client_quotas, 49, 0, 1, 1)             \
    A(describe_user_scram_credentials, 50, 0, 0, 0) \
    A(alter_user_scram_credentials, 51, 0, 0, 0)    \
    A(describe_quorum, 55, 0, 2, 0)                 \
    A(describe_cluster, 60, 0, 2, 0)                \
    A(describe_producers, 61, 0, 0, 0)              \
    A(describe_transactions, 65, 0, 0, 0)           \
    A(list_transactions, 66, 0, 2, 0)               \
    A(consumer_group_heartbeat, 68, 0, 1, 0)        \
    A(consumer_group_describe, 69, 0, 1, 0)         \
    A(list_config_resources, 74, 0, 1, 0)           \
    A(describe_topic_partitions, 75, 0, 0, 0)

// name, least and greatest version, first flexible one, whether newer ones are read as the newest.
#define MR_SCHEMA_RECORDS(R)                                                 \
    R(offset_commit_key, 0, 1, INT16_MAX, false)                             \
    R(offset_commit_value, 0, 4, 4, false)                                   \
    R(group_metadata_key, 2, 2, INT16_MAX, false)                            \
    R(group_metadata_value, 0, 4, 4, false)                                  \
    R(transaction_log_key, 0, 0, INT16_MAX, false)                           \
    R(transaction_log_value, 0, 1, 1, false)                                 \
    R(consumer_protocol_subscription, 0, 3, INT16_MAX, true)                 \
    R(consumer_protocol_assignment, 0, 3, INT16_MAX, true)                   \
    R(control_record_key, 0, 0, INT16_MAX, true)                             \
    R(end_txn_marker, 0, 0, INT16_MAX, true)                                 \
    R(consumer_group_metadata_key, 3, 3, INT16_MAX, false)                   \
    R(consumer_group_metadata_value, 0, 0, 0, false)                         \
    R(consumer_group_partition_metadata_key, 4, 4, INT16_MAX, false)         \
    R(consumer_group_partition_metadata_value, 0, 0, 0, false)               \
    R(consumer_group_member_metadata_key, 5, 5, INT16_MAX, false)            \
    R(consumer_group_member_metadata_value, 0, 0, 0, false)                  \
    R(consumer_group_target_assignment_metadata_key, 6, 6, INT16_MAX, false) \
    R(consumer_group_target_assignment_metadata_value, 0, 0, 0, false)       \
    R(consumer_group_target_assignment_member_key, 7, 7, INT16_MAX, false)   \
    R(consumer_group_target_assignment_member_value, 0, 0, 0, false)         \
    R(consumer_group_current_member_assignment_key, 8, 8, INT16_MAX, false)  \
    R(consumer_group_current_member_assignment_value, 0, 0, 0, false)

#define MR_SCHEMA_STRUCTS(S) \
    MR_SCHEMA_CONSUME(S)     \
    MR_SCHEMA_PRODUCE(S)     \
    MR_SCHEMA_TOPIC(S)       \
    MR_SCHEMA_GROUP(S)       \
    MR_SCHEMA_MEMBER(S)      \
    MR_SCHEMA_CONSUMER(S)    \
    MR_SCHEMA_TXN(S)         \
    MR_SCHEMA_TXN_LIST(S)    \
    MR_SCHEMA_CONFIG(S)      \
    MR_SCHEMA_CLUSTER(S)     \
    MR_SCHEMA_PLACE(S) MR_SCHEMA_ACCESS(S) MR_SCHEMA_RECORD(S) MR_SCHEMA_RECORD_CONSUMER(S)

// ---- the structs -----------------------------------------------------------------------------

#define SCHEMA_C_BOOL(name, detail)    bool name;
#define SCHEMA_C_I8(name, detail)      int8_t name;
#define SCHEMA_C_I16(name, detail)     int16_t name;
#define SCHEMA_C_U16(name, detail)     uint16_t name;
#define SCHEMA_C_I32(name, detail)     int32_t name;
#define SCHEMA_C_I64(name, detail)     int64_t name;
#define SCHEMA_C_F64(name, detail)     double name;
#define SCHEMA_C_UUID(name, detail)    mr_wire_uuid name;
#define SCHEMA_C_STRING(name, detail)  mr_span name;
#define SCHEMA_C_NSTRING(name, detail) mr_span name;
#define SCHEMA_C_BYTES(name, detail)   mr_span name;
#define SCHEMA_C_NBYTES(name, detail)  mr_span name;
#define SCHEMA_C_RECORDS(name, detail) mr_span name;
#define SCHEMA_C_STRUCT(name, detail)  mr_wire_##detail name;
#define SCHEMA_C_NSTRUCT(name, detail) mr_wire_##detail *name;
#define SCHEMA_C_ARRAY(name, detail) \
    mr_wire_##detail *name;          \
    int32_t name##_count;
#define SCHEMA_C_NARRAY(name, detail) SCHEMA_C_ARRAY(name, detail)
#define SCHEMA_C_I8S(name, detail) \
    int8_t *name;                  \
    int32_t name##_count;
#define SCHEMA_C_I16S(name, detail) \
    int16_t *name;                  \
    int32_t name##_count;
#define SCHEMA_C_I32S(name, detail) \
    int32_t *name;                  \
    int32_t name##_count;
#define SCHEMA_C_I64S(name, detail) \
    int64_t *name;                  \
    int32_t name##_count;
#define SCHEMA_C_UUIDS(name, detail) \
    mr_wire_uuid *name;              \
    int32_t name##_count;
#define SCHEMA_C_STRINGS(name, detail) \
    mr_span *name;                     \
    int32_t name##_count;
#define SCHEMA_C_NI32S(name, detail)    SCHEMA_C_I32S(name, detail)
#define SCHEMA_C_NSTRINGS(name, detail) SCHEMA_C_STRINGS(name, detail)

#define SCHEMA_C(kind, name, since, until, detail)             SCHEMA_C_##kind(name, detail)
#define SCHEMA_C_TAGGED(tag, kind, name, since, until, detail) SCHEMA_C_##kind(name, detail)
#define SCHEMA_C_TYPE(name, FIELDS)       \
    typedef struct mr_wire_##name {       \
        FIELDS(SCHEMA_C, SCHEMA_C_TAGGED) \
    } mr_wire_##name;                     \
    extern const mr_wire_type mr_schema_##name;

MR_SCHEMA_STRUCTS(SCHEMA_C_TYPE)

// Keys by name: MR_KEY_fetch.
enum {
#define SCHEMA_KEY(name, key, ...) MR_KEY_##name = (key),
    MR_SCHEMA_APIS(SCHEMA_KEY)
#undef SCHEMA_KEY
};

#define SCHEMA_RECORD(name, ...) extern const mr_wire_record mr_record_##name;
MR_SCHEMA_RECORDS(SCHEMA_RECORD)
#undef SCHEMA_RECORD

// All of them, for tests.
const mr_wire_record *const *mr_schema_records(size_t *ret_count);
// All keys, in the order of their numbers.
const mr_wire_api *mr_schema_apis(size_t *ret_count);
