// Kafka error: the codes that Kafka's protocol has for what went wrong.
//
// A row is a name, its number, and the words that Kafka itself uses for it, which clients show.
// Source: org.apache.kafka.common.protocol.Errors of Kafka 4.

#pragma once

#include <stddef.h>
#include <stdint.h>

// clang-format off
#define MR_KAFKA_ERRORS(X) \
    X(UNKNOWN_SERVER_ERROR, -1, \
      "The server experienced an unexpected error when processing the request.") \
    X(NONE, 0, NULL) \
    X(OFFSET_OUT_OF_RANGE, 1, \
      "The requested offset is not within the range of offsets maintained by the server.") \
    X(CORRUPT_MESSAGE, 2, \
      "This message has failed its CRC checksum, exceeds the valid size, has a null key for" \
      " a compacted topic, or is otherwise corrupt.") \
    X(UNKNOWN_TOPIC_OR_PARTITION, 3, "This server does not host this topic-partition.") \
    X(INVALID_FETCH_SIZE, 4, "The requested fetch size is invalid.") \
    X(LEADER_NOT_AVAILABLE, 5, \
      "There is no leader for this topic-partition as we are in the middle of a leadership " \
      "election.") \
    X(NOT_LEADER_OR_FOLLOWER, 6, \
      "For requests intended only for the leader, this error indicates that the broker is " \
      "not the current leader.") \
    X(REQUEST_TIMED_OUT, 7, "The request timed out.") \
    X(MESSAGE_TOO_LARGE, 10, \
      "The request included a message larger than the max message size the server will " \
      "accept.") \
    X(OFFSET_METADATA_TOO_LARGE, 12, "The metadata field of the offset request was too large.") \
    X(COORDINATOR_LOAD_IN_PROGRESS, 14, \
      "The coordinator is loading and hence can't process requests.") \
    X(COORDINATOR_NOT_AVAILABLE, 15, "The coordinator is not available.") \
    X(NOT_COORDINATOR, 16, "This is not the correct coordinator.") \
    X(INVALID_TOPIC_EXCEPTION, 17, \
      "The request attempted to perform an operation on an invalid topic.") \
    X(RECORD_LIST_TOO_LARGE, 18, \
      "The request included message batch larger than the configured segment size on the " \
      "server.") \
    X(INVALID_REQUIRED_ACKS, 21, \
      "Produce request specified an invalid value for required acks.") \
    X(ILLEGAL_GENERATION, 22, "Specified group generation id is not valid.") \
    X(INCONSISTENT_GROUP_PROTOCOL, 23, \
      "The group member's supported protocols are incompatible with those of existing " \
      "members or first group member tried to join with empty protocol type or empty " \
      "protocol list.") \
    X(INVALID_GROUP_ID, 24, "The configured groupId is invalid.") \
    X(UNKNOWN_MEMBER_ID, 25, "The coordinator is not aware of this member.") \
    X(INVALID_SESSION_TIMEOUT, 26, \
      "The session timeout is not within the range allowed by the broker (as configured by " \
      "group.min.session.timeout.ms and group.max.session.timeout.ms).") \
    X(REBALANCE_IN_PROGRESS, 27, "The group is rebalancing, so a rejoin is needed.") \
    X(INVALID_COMMIT_OFFSET_SIZE, 28, "The committing offset data size is not valid.") \
    X(TOPIC_AUTHORIZATION_FAILED, 29, "Topic authorization failed.") \
    X(GROUP_AUTHORIZATION_FAILED, 30, "Group authorization failed.") \
    X(CLUSTER_AUTHORIZATION_FAILED, 31, "Cluster authorization failed.") \
    X(INVALID_TIMESTAMP, 32, "The timestamp of the message is out of acceptable range.") \
    X(UNSUPPORTED_SASL_MECHANISM, 33, \
      "The broker does not support the requested SASL mechanism.") \
    X(ILLEGAL_SASL_STATE, 34, "Request is not valid given the current SASL state.") \
    X(UNSUPPORTED_VERSION, 35, "The version of API is not supported.") \
    X(TOPIC_ALREADY_EXISTS, 36, "Topic with this name already exists.") \
    X(INVALID_PARTITIONS, 37, "Number of partitions is below 1.") \
    X(INVALID_REPLICATION_FACTOR, 38, \
      "Replication factor is below 1 or larger than the number of available brokers.") \
    X(INVALID_REPLICA_ASSIGNMENT, 39, "Replica assignment is invalid.") \
    X(INVALID_CONFIG, 40, "Configuration is invalid.") \
    X(NOT_CONTROLLER, 41, "This is not the correct controller for this cluster.") \
    X(INVALID_REQUEST, 42, \
      "This most likely occurs because of a request being malformed by the client library " \
      "or the message was sent to an incompatible broker. See the broker logs for more " \
      "details.") \
    X(UNSUPPORTED_FOR_MESSAGE_FORMAT, 43, \
      "The message format version on the broker does not support the request.") \
    X(POLICY_VIOLATION, 44, "Request parameters do not satisfy the configured policy.") \
    X(OUT_OF_ORDER_SEQUENCE_NUMBER, 45, "The broker received an out of order sequence number.") \
    X(DUPLICATE_SEQUENCE_NUMBER, 46, "The broker received a duplicate sequence number.") \
    X(INVALID_PRODUCER_EPOCH, 47, "Producer attempted to produce with an old epoch.") \
    X(INVALID_TXN_STATE, 48, \
      "The producer attempted a transactional operation in an invalid state.") \
    X(INVALID_PRODUCER_ID_MAPPING, 49, \
      "The producer attempted to use a producer id which is not currently assigned to its " \
      "transactional id.") \
    X(INVALID_TRANSACTION_TIMEOUT, 50, \
      "The transaction timeout is larger than the maximum value allowed by the broker (as " \
      "configured by transaction.max.timeout.ms).") \
    X(CONCURRENT_TRANSACTIONS, 51, \
      "The producer attempted to update a transaction while another concurrent operation on" \
      " the same transaction was ongoing.") \
    X(TRANSACTION_COORDINATOR_FENCED, 52, \
      "Indicates that the transaction coordinator sending a WriteTxnMarkers is no longer " \
      "the current coordinator for a given producer.") \
    X(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 53, "Transactional Id authorization failed.") \
    X(SECURITY_DISABLED, 54, "Security features are disabled.") \
    X(OPERATION_NOT_ATTEMPTED, 55, \
      "The broker did not attempt to execute this operation. This may happen for batched " \
      "RPCs where some operations in the batch failed, causing the broker to respond " \
      "without trying the rest.") \
    X(KAFKA_STORAGE_ERROR, 56, "Disk error when trying to access log file on the disk.") \
    X(LOG_DIR_NOT_FOUND, 57, \
      "The user-specified log directory is not found in the broker config.") \
    X(SASL_AUTHENTICATION_FAILED, 58, "SASL Authentication failed.") \
    X(UNKNOWN_PRODUCER_ID, 59, \
      "This exception is raised by the broker if it could not locate the producer metadata " \
      "associated with the producerId in question.") \
    X(REASSIGNMENT_IN_PROGRESS, 60, "A partition reassignment is in progress.") \
    X(INVALID_PRINCIPAL_TYPE, 67, "Supplied principalType is not supported.") \
    X(NON_EMPTY_GROUP, 68, "The group is not empty.") \
    X(GROUP_ID_NOT_FOUND, 69, "The group id does not exist.") \
    X(FETCH_SESSION_ID_NOT_FOUND, 70, "The fetch session ID was not found.") \
    X(INVALID_FETCH_SESSION_EPOCH, 71, "The fetch session epoch is invalid.") \
    X(TOPIC_DELETION_DISABLED, 73, "Topic deletion is disabled.") \
    X(FENCED_LEADER_EPOCH, 74, \
      "The leader epoch in the request is older than the epoch on the broker.") \
    X(UNKNOWN_LEADER_EPOCH, 75, \
      "The leader epoch in the request is newer than the epoch on the broker.") \
    X(UNSUPPORTED_COMPRESSION_TYPE, 76, \
      "The requesting client does not support the compression type of given partition.") \
    X(OFFSET_NOT_AVAILABLE, 78, \
      "The leader high watermark has not caught up from a recent leader election so the " \
      "offsets cannot be guaranteed to be monotonically increasing.") \
    X(MEMBER_ID_REQUIRED, 79, \
      "The group member needs to have a valid member id before actually entering a consumer" \
      " group.") \
    X(GROUP_MAX_SIZE_REACHED, 81, "The consumer group has reached its max size.") \
    X(FENCED_INSTANCE_ID, 82, \
      "The broker rejected this static consumer since another consumer with the same " \
      "group.instance.id has registered with a different member.id.") \
    X(ELECTION_NOT_NEEDED, 84, "Leader election not needed for topic partition.") \
    X(NO_REASSIGNMENT_IN_PROGRESS, 85, "No partition reassignment is in progress.") \
    X(GROUP_SUBSCRIBED_TO_TOPIC, 86, \
      "Deleting offsets of a topic is forbidden while the consumer group is actively " \
      "subscribed to it.") \
    X(INVALID_RECORD, 87, \
      "This record has failed the validation on broker and hence will be rejected.") \
    X(UNSTABLE_OFFSET_COMMIT, 88, "There are unstable offsets that need to be cleared.") \
    X(THROTTLING_QUOTA_EXCEEDED, 89, "The throttling quota has been exceeded.") \
    X(PRODUCER_FENCED, 90, \
      "There is a newer producer with the same transactionalId which fences the current " \
      "one.") \
    X(RESOURCE_NOT_FOUND, 91, "A request illegally referred to a resource that does not exist.") \
    X(DUPLICATE_RESOURCE, 92, "A request illegally referred to the same resource twice.") \
    X(UNACCEPTABLE_CREDENTIAL, 93, \
      "Requested credential would not meet criteria for acceptability.") \
    X(INVALID_UPDATE_VERSION, 95, "The given update version was invalid.") \
    X(UNKNOWN_TOPIC_ID, 100, "This server does not host this topic ID.") \
    X(INCONSISTENT_TOPIC_ID, 103, \
      "The log's topic ID did not match the topic ID in the request") \
    X(TRANSACTIONAL_ID_NOT_FOUND, 105, "The transactionalId could not be found") \
    X(FETCH_SESSION_TOPIC_ID_ERROR, 106, \
      "The fetch session encountered inconsistent topic ID usage") \
    X(FENCED_MEMBER_EPOCH, 110, \
      "The member epoch is fenced by the group coordinator. The member must abandon all its" \
      " partitions and rejoin.") \
    X(UNRELEASED_INSTANCE_ID, 111, \
      "The instance ID is still used by another member in the consumer group. That member " \
      "must leave first.") \
    X(UNSUPPORTED_ASSIGNOR, 112, \
      "The assignor or its version range is not supported by the consumer group.") \
    X(STALE_MEMBER_EPOCH, 113, \
      "The member epoch is stale. The member must retry after receiving its updated member " \
      "epoch via the ConsumerGroupHeartbeat API.") \
    X(MISMATCHED_ENDPOINT_TYPE, 114, \
      "The request was sent to an endpoint of the wrong type.") \
    X(UNSUPPORTED_ENDPOINT_TYPE, 115, "This endpoint type is not supported yet.") \
    X(TRANSACTION_ABORTABLE, 120, \
      "The server encountered an error with the transaction. The client can abort the " \
      "transaction to continue using this transactional ID.") \
    X(INVALID_REGULAR_EXPRESSION, 128, "The regular expression is not valid.")
// clang-format on

// MR_KAFKA_<name>; an int16_t on the wire.
typedef enum mr_kafka_error {
#define MR_KAFKA_ERROR(name, code, text) MR_KAFKA_##name = (code),
    MR_KAFKA_ERRORS(MR_KAFKA_ERROR)
#undef MR_KAFKA_ERROR
} mr_kafka_error;

// Kafka's words for a code; NULL of NONE. Of a code that is not listed: "error".
const char *mr_kafka_error_text(int16_t code);
const char *mr_kafka_error_name(int16_t code);  // "OFFSET_OUT_OF_RANGE"
