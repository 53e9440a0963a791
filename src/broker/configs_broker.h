// Configs broker: Kafka's configs of a broker, one row each; see configs.h and configs_topic.h.
//
// What this broker has no use for (ZooKeeper, controllers, replicas, tiers) is left out.

#pragma once

#include "broker/configs_topic.h"

// D = may be altered while the broker runs, R = read only.
#define MR_BROKER_CONFIGS(X)                                                                       \
    X("advertised.listeners", STRING, NULL, R, NULL, MR_CONFIG_ANY,                                \
      "Addresses that clients are told.")                                                          \
    X("authorizer.class.name", STRING, "", R, NULL, MR_CONFIG_ANY,                                 \
      "Kafka's class for ACLs; \"millrace\" when they are on.")                                    \
    X("auto.create.topics.enable", BOOLEAN, "true", R, NULL, MR_CONFIG_ANY,                        \
      "Whether an unknown topic that is asked for is made.")                                       \
    X("auto.leader.rebalance.enable", BOOLEAN, "true", R, NULL, MR_CONFIG_ANY,                     \
      "Leaders move by themselves; there is one node.")                                            \
    X("background.threads", INT, "10", R, NULL, MR_CONFIG_MIN(1), "Threads for upkeep.")           \
    X("broker.id", INT, "-1", R, NULL, MR_CONFIG_ANY, "Id of this node.")                          \
    X("broker.rack", STRING, NULL, R, NULL, MR_CONFIG_ANY, "Rack of this node.")                   \
    X("compression.gzip.level", INT, "-1", D, NULL, (-1, 9),                                       \
      "Default of the topic config of this name.")                                                 \
    X("compression.lz4.level", INT, "9", D, NULL, (1, 17),                                         \
      "Default of the topic config of this name.")                                                 \
    X("compression.type", STRING, "producer", D,                                                   \
      "uncompressed, zstd, lz4, snappy, gzip, producer", MR_CONFIG_ANY,                            \
      "Default of the topic config of this name.")                                                 \
    X("compression.zstd.level", INT, "3", D, NULL, (-131072, 22),                                  \
      "Default of the topic config of this name.")                                                 \
    X("connection.failed.authentication.delay.ms", INT, "100", R, NULL, MR_CONFIG_MIN(0),          \
      "How long an answer to a failed authentication waits.")                                      \
    X("connections.max.idle.ms", LONG, "600000", R, NULL, MR_CONFIG_ANY,                           \
      "Age at which a silent connection is closed.")                                               \
    X("connections.max.reauth.ms", LONG, "0", R, NULL, MR_CONFIG_ANY,                              \
      "Life of an authentication by SASL; 0 is no limit.")                                         \
    X("controller.quorum.voters", LIST, "", R, NULL, MR_CONFIG_ANY,                                \
      "Voters of the controllers' quorum.")                                                        \
    X("default.replication.factor", INT, "1", R, NULL, MR_CONFIG_ANY,                              \
      "Replicas of a topic that does not say.")                                                    \
    X("delete.topic.enable", BOOLEAN, "true", R, NULL, MR_CONFIG_ANY,                              \
      "Whether topics may be deleted.")                                                            \
    X("fetch.max.bytes", INT, "57671680", R, NULL, MR_CONFIG_MIN(1024),                            \
      "Greatest answer to a fetch.")                                                               \
    X("group.initial.rebalance.delay.ms", INT, "3000", R, NULL, MR_CONFIG_ANY,                     \
      "How long a new group waits for more members.")                                              \
    X("group.max.session.timeout.ms", INT, "1800000", R, NULL, MR_CONFIG_ANY,                      \
      "Greatest session timeout of a member.")                                                     \
    X("group.max.size", INT, "2147483647", R, NULL, MR_CONFIG_MIN(1),                              \
      "Greatest number of members of a group.")                                                    \
    X("group.min.session.timeout.ms", INT, "6000", R, NULL, MR_CONFIG_ANY,                         \
      "Least session timeout of a member.")                                                        \
    X("inter.broker.listener.name", STRING, NULL, R, NULL, MR_CONFIG_ANY,                          \
      "Listener between brokers; there is one node.")                                              \
    X("inter.broker.protocol.version", STRING, "3.9-IV0", R, NULL, MR_CONFIG_ANY,                  \
      "Version of Kafka whose protocol is spoken.")                                                \
    X("listener.security.protocol.map", STRING,                                                    \
      "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", R, NULL,      \
      MR_CONFIG_ANY, "Security of each listener's name.")                                          \
    X("listeners", STRING, "PLAINTEXT://:9092", R, NULL, MR_CONFIG_ANY,                            \
      "Addresses that are listened on.")                                                           \
    X("log.cleaner.delete.retention.ms", LONG, "86400000", D, NULL, MR_CONFIG_MIN(0),              \
      "Default of delete.retention.ms.")                                                           \
    X("log.cleaner.enable", BOOLEAN, "true", R, NULL, MR_CONFIG_ANY,                               \
      "Whether compacted topics are compacted.")                                                   \
    X("log.cleaner.max.compaction.lag.ms", LONG, "9223372036854775807", D, NULL, MR_CONFIG_MIN(1), \
      "Default of max.compaction.lag.ms.")                                                         \
    X("log.cleaner.min.cleanable.ratio", DOUBLE, "0.5", D, NULL, (0, 1),                           \
      "Default of min.cleanable.dirty.ratio.")                                                     \
    X("log.cleaner.min.compaction.lag.ms", LONG, "0", D, NULL, MR_CONFIG_MIN(0),                   \
      "Default of min.compaction.lag.ms.")                                                         \
    X("log.cleanup.policy", LIST, "delete", D, "compact,delete", MR_CONFIG_ANY,                    \
      "Default of cleanup.policy.")                                                                \
    X("log.dir", STRING, "/tmp/kafka-logs", R, NULL, MR_CONFIG_ANY, "Folder of the logs.")         \
    X("log.dirs", STRING, NULL, R, NULL, MR_CONFIG_ANY, "Folders of the logs.")                    \
    X("log.flush.interval.messages", LONG, "9223372036854775807", D, NULL, MR_CONFIG_MIN(1),       \
      "Default of flush.messages.")                                                                \
    X("log.flush.interval.ms", LONG, NULL, R, NULL, MR_CONFIG_ANY,                                 \
      "Time between two syncs of topics with durability kafka.")                                   \
    X("log.flush.offset.checkpoint.interval.ms", INT, "60000", R, NULL, MR_CONFIG_MIN(0),          \
      "Time between two notes of what is synced.")                                                 \
    X("log.flush.scheduler.interval.ms", LONG, "9223372036854775807", R, NULL, MR_CONFIG_ANY,      \
      "Time between two looks for what is to be synced.")                                          \
    X("log.flush.start.offset.checkpoint.interval.ms", INT, "60000", R, NULL, MR_CONFIG_MIN(0),    \
      "Time between two notes of where partitions begin.")                                         \
    X("log.index.interval.bytes", INT, "4096", D, NULL, MR_CONFIG_MIN(0),                          \
      "Default of index.interval.bytes.")                                                          \
    X("log.index.size.max.bytes", INT, "10485760", D, NULL, MR_CONFIG_MIN(4),                      \
      "Default of segment.index.bytes.")                                                           \
    X("log.local.retention.bytes", LONG, "-2", D, NULL, MR_CONFIG_MIN(-2),                         \
      "Default of local.retention.bytes.")                                                         \
    X("log.local.retention.ms", LONG, "-2", D, NULL, MR_CONFIG_MIN(-2),                            \
      "Default of local.retention.ms.")                                                            \
    X("log.message.downconversion.enable", BOOLEAN, "true", D, NULL, MR_CONFIG_ANY,                \
      "Default of message.downconversion.enable.")                                                 \
    X("log.message.format.version", STRING, "3.0-IV1", R, NULL, MR_CONFIG_ANY,                     \
      "Default of message.format.version.")                                                        \
    X("log.message.timestamp.after.max.ms", LONG, "9223372036854775807", D, NULL,                  \
      MR_CONFIG_MIN(0), "Default of message.timestamp.after.max.ms.")                              \
    X("log.message.timestamp.before.max.ms", LONG, "9223372036854775807", D, NULL,                 \
      MR_CONFIG_MIN(0), "Default of message.timestamp.before.max.ms.")                             \
    X("log.message.timestamp.difference.max.ms", LONG, "9223372036854775807", D, NULL,             \
      MR_CONFIG_MIN(0), "Default of message.timestamp.difference.max.ms.")                         \
    X("log.message.timestamp.type", STRING, "CreateTime", D, "CreateTime, LogAppendTime",          \
      MR_CONFIG_ANY, "Default of message.timestamp.type.")                                         \
    X("log.preallocate", BOOLEAN, "false", D, NULL, MR_CONFIG_ANY, "Default of preallocate.")      \
    X("log.retention.bytes", LONG, "-1", D, NULL, MR_CONFIG_ANY, "Default of retention.bytes.")    \
    X("log.retention.check.interval.ms", LONG, "300000", R, NULL, MR_CONFIG_MIN(1),                \
      "Time between two looks for what is to be deleted.")                                         \
    X("log.retention.hours", INT, "168", R, NULL, MR_CONFIG_ANY,                                   \
      "Default of retention.ms, when no shorter unit says it.")                                    \
    X("log.retention.minutes", INT, NULL, R, NULL, MR_CONFIG_ANY,                                  \
      "Default of retention.ms, when log.retention.ms does not say it.")                           \
    X("log.retention.ms", LONG, NULL, D, NULL, MR_CONFIG_ANY, "Default of retention.ms.")          \
    X("log.roll.hours", INT, "168", R, NULL, MR_CONFIG_MIN(1),                                     \
      "Default of segment.ms, when log.roll.ms does not say it.")                                  \
    X("log.roll.jitter.hours", INT, "0", R, NULL, MR_CONFIG_MIN(0),                                \
      "Default of segment.jitter.ms, when log.roll.jitter.ms does not say it.")                    \
    X("log.roll.jitter.ms", LONG, NULL, D, NULL, MR_CONFIG_ANY, "Default of segment.jitter.ms.")   \
    X("log.roll.ms", LONG, NULL, D, NULL, MR_CONFIG_ANY, "Default of segment.ms.")                 \
    X("log.segment.bytes", INT, "1073741824", D, NULL, MR_CONFIG_MIN(14),                          \
      "Default of segment.bytes.")                                                                 \
    X("log.segment.delete.delay.ms", LONG, "60000", D, NULL, MR_CONFIG_MIN(0),                     \
      "Default of file.delete.delay.ms.")                                                          \
    X("max.connections", INT, "2147483647", R, NULL, MR_CONFIG_MIN(0),                             \
      "Greatest number of connections.")                                                           \
    X("max.connections.per.ip", INT, "2147483647", R, NULL, MR_CONFIG_MIN(0),                      \
      "Greatest number of connections from one address.")                                          \
    X("max.incremental.fetch.session.cache.slots", INT, "1000", R, NULL, MR_CONFIG_MIN(0),         \
      "Greatest number of fetch sessions.")                                                        \
    X("max.request.partition.size.limit", INT, "2000", R, NULL, MR_CONFIG_MIN(1),                  \
      "Partitions in one answer to DescribeTopicPartitions.")                                      \
    X("message.max.bytes", INT, "1048588", D, NULL, MR_CONFIG_MIN(0),                              \
      "Default of max.message.bytes.")                                                             \
    X("millrace.durability", STRING, "fsync", D, "fsync, kafka", MR_CONFIG_ANY,                    \
      "Default of the topic config of this name.")                                                 \
    X("min.insync.replicas", INT, "1", D, NULL, MR_CONFIG_MIN(1),                                  \
      "Default of the topic config of this name.")                                                 \
    X("node.id", INT, "-1", R, NULL, MR_CONFIG_ANY, "Id of this node.")                            \
    X("num.io.threads", INT, "8", R, NULL, MR_CONFIG_MIN(1), "Threads that answer requests.")      \
    X("num.network.threads", INT, "3", R, NULL, MR_CONFIG_MIN(1),                                  \
      "Threads that read from the network.")                                                       \
    X("num.partitions", INT, "1", R, NULL, MR_CONFIG_MIN(1),                                       \
      "Partitions of a topic that does not say.")                                                  \
    X("num.recovery.threads.per.data.dir", INT, "1", R, NULL, MR_CONFIG_MIN(1),                    \
      "Threads that open logs at the start.")                                                      \
    X("offset.metadata.max.bytes", INT, "4096", R, NULL, MR_CONFIG_ANY,                            \
      "Greatest metadata of a committed offset.")                                                  \
    X("offsets.retention.check.interval.ms", LONG, "600000", R, NULL, MR_CONFIG_MIN(1),            \
      "Time between two looks for expired offsets.")                                               \
    X("offsets.retention.minutes", INT, "10080", R, NULL, MR_CONFIG_MIN(1),                        \
      "How long the offsets of an empty group are kept.")                                          \
    X("offsets.topic.num.partitions", INT, "1", R, NULL, MR_CONFIG_MIN(1),                         \
      "Partitions of __consumer_offsets.")                                                         \
    X("offsets.topic.replication.factor", SHORT, "3", R, NULL, MR_CONFIG_MIN(1),                   \
      "Replicas of __consumer_offsets.")                                                           \
    X("offsets.topic.segment.bytes", INT, "104857600", R, NULL, MR_CONFIG_MIN(1),                  \
      "Segment size of __consumer_offsets.")                                                       \
    X("process.roles", LIST, "", R, NULL, MR_CONFIG_ANY, "What this process is.")                  \
    X("producer.id.expiration.ms", INT, "86400000", D, NULL, MR_CONFIG_MIN(1),                     \
      "How long a silent producer's sequence numbers are remembered.")                             \
    X("queued.max.request.bytes", LONG, "-1", R, NULL, MR_CONFIG_ANY,                              \
      "Bytes of all requests at work.")                                                            \
    X("queued.max.requests", INT, "500", R, NULL, MR_CONFIG_MIN(1), "Requests that wait.")         \
    X("replica.lag.time.max.ms", LONG, "30000", R, NULL, MR_CONFIG_ANY,                            \
      "How far a replica may be behind; there is one.")                                            \
    X("sasl.enabled.mechanisms", LIST, "GSSAPI", R, NULL, MR_CONFIG_ANY,                           \
      "Mechanisms of SASL that are on.")                                                           \
    X("sasl.server.max.receive.size", INT, "524288", R, NULL, MR_CONFIG_ANY,                       \
      "Greatest message of SASL.")                                                                 \
    X("security.inter.broker.protocol", STRING, "PLAINTEXT", R, NULL, MR_CONFIG_ANY,               \
      "Security between brokers; there is one node.")                                              \
    X("socket.receive.buffer.bytes", INT, "102400", R, NULL, MR_CONFIG_ANY,                        \
      "Receive buffer of a socket; here the system sizes it.")                                     \
    X("socket.request.max.bytes", INT, "104857600", R, NULL, MR_CONFIG_MIN(1),                     \
      "Greatest request.")                                                                         \
    X("socket.send.buffer.bytes", INT, "102400", R, NULL, MR_CONFIG_ANY,                           \
      "Send buffer of a socket; here the system sizes it.")                                        \
    X("ssl.client.auth", STRING, "none", R, NULL, MR_CONFIG_ANY,                                   \
      "Whether clients show a certificate.")                                                       \
    X("ssl.enabled.protocols", LIST, "TLSv1.2,TLSv1.3", R, NULL, MR_CONFIG_ANY,                    \
      "Versions of TLS.")                                                                          \
    X("ssl.principal.mapping.rules", STRING, "DEFAULT", R, NULL, MR_CONFIG_ANY,                    \
      "From the names in certificates to principals.")                                             \
    X("super.users", STRING, "", R, NULL, MR_CONFIG_ANY, "Principals that may do all.")            \
    X("transaction.abort.timed.out.transaction.cleanup.interval.ms", INT, "10000", R, NULL,        \
      MR_CONFIG_MIN(1), "Time between two looks for transactions that took too long.")             \
    X("transaction.max.timeout.ms", INT, "900000", R, NULL, MR_CONFIG_MIN(1),                      \
      "Greatest timeout of a transaction.")                                                        \
    X("transaction.state.log.min.isr", INT, "2", R, NULL, MR_CONFIG_MIN(1),                        \
      "min.insync.replicas of __transaction_state.")                                               \
    X("transaction.state.log.num.partitions", INT, "8", R, NULL, MR_CONFIG_MIN(1),                 \
      "Partitions of __transaction_state.")                                                        \
    X("transaction.state.log.replication.factor", SHORT, "3", R, NULL, MR_CONFIG_MIN(1),           \
      "Replicas of __transaction_state.")                                                          \
    X("transaction.state.log.segment.bytes", INT, "104857600", R, NULL, MR_CONFIG_MIN(1),          \
      "Segment size of __transaction_state.")                                                      \
    X("transactional.id.expiration.ms", INT, "604800000", R, NULL, MR_CONFIG_MIN(1),               \
      "How long a silent transactional id is remembered.")                                         \
    X("unclean.leader.election.enable", BOOLEAN, "false", D, NULL, MR_CONFIG_ANY,                  \
      "Default of the topic config of this name.")
