// Schema: what __consumer_offsets holds of the groups of KIP-848; see schema.h.

#pragma once

// ---- ConsumerGroupMetadataKey -----------------------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_METADATA_KEY(F, T) F(STRING, group_id, 3, 3, 0)

// ---- ConsumerGroupMetadataValue ---------------------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_METADATA_VALUE(F, T) F(I32, epoch, 0, MAX, 0)

// ---- ConsumerGroupPartitionMetadataKey --------------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_PARTITION_METADATA_KEY(F, T) F(STRING, group_id, 4, 4, 0)

// ---- ConsumerGroupPartitionMetadataValue ------------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_PARTITION_RACKS(F, T) \
    F(I32, partition, 0, MAX, 0)                    \
    F(STRINGS, racks, 0, MAX, 0)

#define SCHEMA_CONSUMER_GROUP_PARTITION_TOPIC(F, T) \
    F(UUID, topic_id, 0, MAX, 0)                    \
    F(STRING, topic_name, 0, MAX, 0)                \
    F(I32, num_partitions, 0, MAX, 0)               \
    F(ARRAY, partition_metadata, 0, MAX, consumer_group_partition_racks)

#define SCHEMA_CONSUMER_GROUP_PARTITION_METADATA_VALUE(F, T) \
    F(ARRAY, topics, 0, MAX, consumer_group_partition_topic)

// ---- ConsumerGroupMemberMetadataKey -----------------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_MEMBER_METADATA_KEY(F, T) \
    F(STRING, group_id, 5, 5, 0)                        \
    F(STRING, member_id, 5, 5, 0)

// ---- ConsumerGroupMemberMetadataValue ---------------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_MEMBER_PROTOCOL(F, T) \
    F(STRING, name, 0, MAX, 0)                      \
    F(BYTES, metadata, 0, MAX, 0)

#define SCHEMA_CONSUMER_GROUP_MEMBER_CLASSIC(F, T) \
    F(I32, session_timeout_ms, 0, MAX, 0)          \
    F(ARRAY, supported_protocols, 0, MAX, consumer_group_member_protocol)

#define SCHEMA_CONSUMER_GROUP_MEMBER_METADATA_VALUE(F, T) \
    F(NSTRING, instance_id, 0, MAX, 0)                    \
    F(NSTRING, rack_id, 0, MAX, 0)                        \
    F(STRING, client_id, 0, MAX, 0)                       \
    F(STRING, client_host, 0, MAX, 0)                     \
    F(STRINGS, subscribed_topic_names, 0, MAX, 0)         \
    F(NSTRING, subscribed_topic_regex, 0, MAX, 0)         \
    F(I32, rebalance_timeout_ms, 0, MAX, -1)              \
    F(NSTRING, server_assignor, 0, MAX, 0)                \
    T(0, NSTRUCT, classic_member_metadata, 0, MAX, consumer_group_member_classic)

// ---- ConsumerGroupTargetAssignmentMetadataKey -------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA_KEY(F, T) F(STRING, group_id, 6, 6, 0)

// ---- ConsumerGroupTargetAssignmentMetadataValue -----------------------------------------------

#define SCHEMA_CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA_VALUE(F, T) \
    F(I32, assignment_epoch, 0, MAX, 0)

// ---- ConsumerGroupTargetAssignmentMemberKey ---------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER_KEY(F, T) \
    F(STRING, group_id, 7, 7, 0)                                 \
    F(STRING, member_id, 7, 7, 0)

// ---- ConsumerGroupTargetAssignmentMemberValue -------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_TARGET_TOPIC(F, T) \
    F(UUID, topic_id, 0, MAX, 0)                 \
    F(I32S, partitions, 0, MAX, 0)

#define SCHEMA_CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER_VALUE(F, T) \
    F(ARRAY, topic_partitions, 0, MAX, consumer_group_target_topic)

// ---- ConsumerGroupCurrentMemberAssignmentKey --------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT_KEY(F, T) \
    F(STRING, group_id, 8, 8, 0)                                  \
    F(STRING, member_id, 8, 8, 0)

// ---- ConsumerGroupCurrentMemberAssignmentValue ------------------------------------------------

#define SCHEMA_CONSUMER_GROUP_CURRENT_TOPIC(F, T) \
    F(UUID, topic_id, 0, MAX, 0)                  \
    F(I32S, partitions, 0, MAX, 0)

#define SCHEMA_CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT_VALUE(F, T)     \
    F(I32, member_epoch, 0, MAX, 0)                                     \
    F(I32, previous_member_epoch, 0, MAX, 0)                            \
    F(I8, state, 0, MAX, 0)                                             \
    F(ARRAY, assigned_partitions, 0, MAX, consumer_group_current_topic) \
    F(ARRAY, partitions_pending_revocation, 0, MAX, consumer_group_current_topic)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_RECORD_CONSUMER(S)                                                           \
    S(consumer_group_metadata_key, SCHEMA_CONSUMER_GROUP_METADATA_KEY)                         \
    S(consumer_group_metadata_value, SCHEMA_CONSUMER_GROUP_METADATA_VALUE)                     \
    S(consumer_group_partition_metadata_key, SCHEMA_CONSUMER_GROUP_PARTITION_METADATA_KEY)     \
    S(consumer_group_partition_racks, SCHEMA_CONSUMER_GROUP_PARTITION_RACKS)                   \
    S(consumer_group_partition_topic, SCHEMA_CONSUMER_GROUP_PARTITION_TOPIC)                   \
    S(consumer_group_partition_metadata_value, SCHEMA_CONSUMER_GROUP_PARTITION_METADATA_VALUE) \
    S(consumer_group_member_metadata_key, SCHEMA_CONSUMER_GROUP_MEMBER_METADATA_KEY)           \
    S(consumer_group_member_protocol, SCHEMA_CONSUMER_GROUP_MEMBER_PROTOCOL)                   \
    S(consumer_group_member_classic, SCHEMA_CONSUMER_GROUP_MEMBER_CLASSIC)                     \
    S(consumer_group_member_metadata_value, SCHEMA_CONSUMER_GROUP_MEMBER_METADATA_VALUE)       \
    S(consumer_group_target_assignment_metadata_key,                                           \
      SCHEMA_CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA_KEY)                                    \
    S(consumer_group_target_assignment_metadata_value,                                         \
      SCHEMA_CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA_VALUE)                                  \
    S(consumer_group_target_assignment_member_key,                                             \
      SCHEMA_CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER_KEY)                                      \
    S(consumer_group_target_topic, SCHEMA_CONSUMER_GROUP_TARGET_TOPIC)                         \
    S(consumer_group_target_assignment_member_value,                                           \
      SCHEMA_CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER_VALUE)                                    \
    S(consumer_group_current_member_assignment_key,                                            \
      SCHEMA_CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT_KEY)                                     \
    S(consumer_group_current_topic, SCHEMA_CONSUMER_GROUP_CURRENT_TOPIC)                       \
    S(consumer_group_current_member_assignment_value,                                          \
      SCHEMA_CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT_VALUE)
