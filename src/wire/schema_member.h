// Schema: members of groups, and groups as a whole: JoinGroup, SyncGroup, Heartbeat,
// LeaveGroup, DescribeGroups, ListGroups, DeleteGroups, OffsetDelete; see schema.h.

#pragma once

// ---- JoinGroup (11) ---------------------------------------------------------------------------

#define SCHEMA_JOIN_GROUP_PROTOCOL(F, T) \
    F(STRING, name, 0, MAX, 0)           \
    F(BYTES, metadata, 0, MAX, 0)

#define SCHEMA_JOIN_GROUP_REQUEST(F, T)              \
    F(STRING, group_id, 0, MAX, 0)                   \
    F(I32, session_timeout_ms, 0, MAX, 0)            \
    F(I32, rebalance_timeout_ms, 1, MAX, -1)         \
    F(STRING, member_id, 0, MAX, 0)                  \
    F(NSTRING, group_instance_id, 5, MAX, 0)         \
    F(STRING, protocol_type, 0, MAX, 0)              \
    F(ARRAY, protocols, 0, MAX, join_group_protocol) \
    F(NSTRING, reason, 8, MAX, 0)

#define SCHEMA_JOIN_GROUP_MEMBER(F, T)       \
    F(STRING, member_id, 0, MAX, 0)          \
    F(NSTRING, group_instance_id, 5, MAX, 0) \
    F(BYTES, metadata, 0, MAX, 0)

#define SCHEMA_JOIN_GROUP_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 2, MAX, 0)  \
    F(I16, error_code, 0, MAX, 0)        \
    F(I32, generation_id, 0, MAX, -1)    \
    F(NSTRING, protocol_type, 7, MAX, 0) \
    F(NSTRING, protocol_name, 0, MAX, 0) \
    F(STRING, leader, 0, MAX, 0)         \
    F(BOOL, skip_assignment, 9, MAX, 0)  \
    F(STRING, member_id, 0, MAX, 0)      \
    F(ARRAY, members, 0, MAX, join_group_member)

// ---- SyncGroup (14) ---------------------------------------------------------------------------

#define SCHEMA_SYNC_GROUP_ASSIGNMENT(F, T) \
    F(STRING, member_id, 0, MAX, 0)        \
    F(BYTES, assignment, 0, MAX, 0)

#define SCHEMA_SYNC_GROUP_REQUEST(F, T)      \
    F(STRING, group_id, 0, MAX, 0)           \
    F(I32, generation_id, 0, MAX, 0)         \
    F(STRING, member_id, 0, MAX, 0)          \
    F(NSTRING, group_instance_id, 3, MAX, 0) \
    F(NSTRING, protocol_type, 5, MAX, 0)     \
    F(NSTRING, protocol_name, 5, MAX, 0)     \
    F(ARRAY, assignments, 0, MAX, sync_group_assignment)

#define SCHEMA_SYNC_GROUP_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 1, MAX, 0)  \
    F(I16, error_code, 0, MAX, 0)        \
    F(NSTRING, protocol_type, 5, MAX, 0) \
    F(NSTRING, protocol_name, 5, MAX, 0) \
    F(BYTES, assignment, 0, MAX, 0)

// ---- Heartbeat (12) ---------------------------------------------------------------------------

#define SCHEMA_HEARTBEAT_REQUEST(F, T) \
    F(STRING, group_id, 0, MAX, 0)     \
    F(I32, generation_id, 0, MAX, 0)   \
    F(STRING, member_id, 0, MAX, 0)    \
    F(NSTRING, group_instance_id, 3, MAX, 0)

#define SCHEMA_HEARTBEAT_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 1, MAX, 0) \
    F(I16, error_code, 0, MAX, 0)

// ---- LeaveGroup (13) --------------------------------------------------------------------------

#define SCHEMA_LEAVE_GROUP_MEMBER(F, T)      \
    F(STRING, member_id, 3, MAX, 0)          \
    F(NSTRING, group_instance_id, 3, MAX, 0) \
    F(NSTRING, reason, 5, MAX, 0)

#define SCHEMA_LEAVE_GROUP_REQUEST(F, T) \
    F(STRING, group_id, 0, MAX, 0)       \
    F(STRING, member_id, 0, 2, 0)        \
    F(ARRAY, members, 3, MAX, leave_group_member)

#define SCHEMA_LEAVE_GROUP_DONE(F, T)        \
    F(STRING, member_id, 3, MAX, 0)          \
    F(NSTRING, group_instance_id, 3, MAX, 0) \
    F(I16, error_code, 3, MAX, 0)

#define SCHEMA_LEAVE_GROUP_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 1, MAX, 0)   \
    F(I16, error_code, 0, MAX, 0)         \
    F(ARRAY, members, 3, MAX, leave_group_done)

// ---- DescribeGroups (15) ----------------------------------------------------------------------

#define SCHEMA_DESCRIBE_GROUPS_REQUEST(F, T) \
    F(STRINGS, groups, 0, MAX, 0)            \
    F(BOOL, include_authorized_operations, 3, MAX, 0)

#define SCHEMA_DESCRIBE_GROUPS_MEMBER(F, T)  \
    F(STRING, member_id, 0, MAX, 0)          \
    F(NSTRING, group_instance_id, 4, MAX, 0) \
    F(STRING, client_id, 0, MAX, 0)          \
    F(STRING, client_host, 0, MAX, 0)        \
    F(BYTES, member_metadata, 0, MAX, 0)     \
    F(BYTES, member_assignment, 0, MAX, 0)

#define SCHEMA_DESCRIBE_GROUPS_GROUP(F, T)            \
    F(I16, error_code, 0, MAX, 0)                     \
    F(NSTRING, error_message, 6, MAX, 0)              \
    F(STRING, group_id, 0, MAX, 0)                    \
    F(STRING, group_state, 0, MAX, 0)                 \
    F(STRING, protocol_type, 0, MAX, 0)               \
    F(STRING, protocol_data, 0, MAX, 0)               \
    F(ARRAY, members, 0, MAX, describe_groups_member) \
    F(I32, authorized_operations, 3, MAX, INT32_MIN)

#define SCHEMA_DESCRIBE_GROUPS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 1, MAX, 0)       \
    F(ARRAY, groups, 0, MAX, describe_groups_group)

// ---- ListGroups (16) --------------------------------------------------------------------------

#define SCHEMA_LIST_GROUPS_REQUEST(F, T) \
    F(STRINGS, states_filter, 4, MAX, 0) \
    F(STRINGS, types_filter, 5, MAX, 0)

#define SCHEMA_LIST_GROUPS_GROUP(F, T)  \
    F(STRING, group_id, 0, MAX, 0)      \
    F(STRING, protocol_type, 0, MAX, 0) \
    F(STRING, group_state, 4, MAX, 0)   \
    F(STRING, group_type, 5, MAX, 0)

#define SCHEMA_LIST_GROUPS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 1, MAX, 0)   \
    F(I16, error_code, 0, MAX, 0)         \
    F(ARRAY, groups, 0, MAX, list_groups_group)

// ---- DeleteGroups (42) ------------------------------------------------------------------------

#define SCHEMA_DELETE_GROUPS_REQUEST(F, T) F(STRINGS, groups_names, 0, MAX, 0)

#define SCHEMA_DELETE_GROUPS_DONE(F, T) \
    F(STRING, group_id, 0, MAX, 0)      \
    F(I16, error_code, 0, MAX, 0)

#define SCHEMA_DELETE_GROUPS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)     \
    F(ARRAY, results, 0, MAX, delete_groups_done)

// ---- OffsetDelete (47) ------------------------------------------------------------------------

#define SCHEMA_OFFSET_DELETE_PARTITION(F, T) F(I32, partition_index, 0, MAX, 0)

#define SCHEMA_OFFSET_DELETE_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)           \
    F(ARRAY, partitions, 0, MAX, offset_delete_partition)

#define SCHEMA_OFFSET_DELETE_REQUEST(F, T) \
    F(STRING, group_id, 0, MAX, 0)         \
    F(ARRAY, topics, 0, MAX, offset_delete_topic)

#define SCHEMA_OFFSET_DELETE_DONE(F, T) \
    F(I32, partition_index, 0, MAX, 0)  \
    F(I16, error_code, 0, MAX, 0)

#define SCHEMA_OFFSET_DELETE_DONE_TOPIC(F, T) \
    F(STRING, name, 0, MAX, 0)                \
    F(ARRAY, partitions, 0, MAX, offset_delete_done)

#define SCHEMA_OFFSET_DELETE_RESPONSE(F, T) \
    F(I16, error_code, 0, MAX, 0)           \
    F(I32, throttle_time_ms, 0, MAX, 0)     \
    F(ARRAY, topics, 0, MAX, offset_delete_done_topic)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_MEMBER(S)                                      \
    S(join_group_protocol, SCHEMA_JOIN_GROUP_PROTOCOL)           \
    S(join_group_request, SCHEMA_JOIN_GROUP_REQUEST)             \
    S(join_group_member, SCHEMA_JOIN_GROUP_MEMBER)               \
    S(join_group_response, SCHEMA_JOIN_GROUP_RESPONSE)           \
    S(sync_group_assignment, SCHEMA_SYNC_GROUP_ASSIGNMENT)       \
    S(sync_group_request, SCHEMA_SYNC_GROUP_REQUEST)             \
    S(sync_group_response, SCHEMA_SYNC_GROUP_RESPONSE)           \
    S(heartbeat_request, SCHEMA_HEARTBEAT_REQUEST)               \
    S(heartbeat_response, SCHEMA_HEARTBEAT_RESPONSE)             \
    S(leave_group_member, SCHEMA_LEAVE_GROUP_MEMBER)             \
    S(leave_group_request, SCHEMA_LEAVE_GROUP_REQUEST)           \
    S(leave_group_done, SCHEMA_LEAVE_GROUP_DONE)                 \
    S(leave_group_response, SCHEMA_LEAVE_GROUP_RESPONSE)         \
    S(describe_groups_request, SCHEMA_DESCRIBE_GROUPS_REQUEST)   \
    S(describe_groups_member, SCHEMA_DESCRIBE_GROUPS_MEMBER)     \
    S(describe_groups_group, SCHEMA_DESCRIBE_GROUPS_GROUP)       \
    S(describe_groups_response, SCHEMA_DESCRIBE_GROUPS_RESPONSE) \
    S(list_groups_request, SCHEMA_LIST_GROUPS_REQUEST)           \
    S(list_groups_group, SCHEMA_LIST_GROUPS_GROUP)               \
    S(list_groups_response, SCHEMA_LIST_GROUPS_RESPONSE)         \
    S(delete_groups_request, SCHEMA_DELETE_GROUPS_REQUEST)       \
    S(delete_groups_done, SCHEMA_DELETE_GROUPS_DONE)             \
    S(delete_groups_response, SCHEMA_DELETE_GROUPS_RESPONSE)     \
    S(offset_delete_partition, SCHEMA_OFFSET_DELETE_PARTITION)   \
    S(offset_delete_topic, SCHEMA_OFFSET_DELETE_TOPIC)           \
    S(offset_delete_request, SCHEMA_OFFSET_DELETE_REQUEST)       \
    S(offset_delete_done, SCHEMA_OFFSET_DELETE_DONE)             \
    S(offset_delete_done_topic, SCHEMA_OFFSET_DELETE_DONE_TOPIC) \
    S(offset_delete_response, SCHEMA_OFFSET_DELETE_RESPONSE)
