// Configs topic: Kafka's configs of a topic, one row each; see configs.h.
//
// A row is X(name, type, default, synonym or flags, choices, least, greatest, doc). Numbers without
// limits of their own have those of their type. Names, types, defaults and limits are those of
// Kafka 3.9, and millrace.durability. What only a cluster or tiered storage acts on is listed and
// may be set, as in Kafka on one node, and does nothing.

#pragma once

#define MR_CONFIG_ANY    (-1e300, 1e300)  // No limits but the type's.
#define MR_CONFIG_MIN(n) ((n), 1e300)

// The synonym is the broker config that gives the default.
#define MR_TOPIC_CONFIGS(X)                                                                        \
    X("cleanup.policy", LIST, "delete", "log.cleanup.policy", "compact,delete", MR_CONFIG_ANY,     \
      "What is done with old segments: delete by time and size, compact to the last record of "    \
      "each key, or both.")                                                                        \
    X("compression.gzip.level", INT, "-1", "compression.gzip.level", NULL, (-1, 9),                \
      "Level for compression.type gzip.")                                                          \
    X("compression.lz4.level", INT, "9", "compression.lz4.level", NULL, (1, 17),                   \
      "Level for compression.type lz4.")                                                           \
    X("compression.type", STRING, "producer", "compression.type",                                  \
      "uncompressed, zstd, lz4, snappy, gzip, producer", MR_CONFIG_ANY,                            \
      "How batches are stored: as the producer sent them, or compressed anew.")                    \
    X("compression.zstd.level", INT, "3", "compression.zstd.level", NULL, (-131072, 22),           \
      "Level for compression.type zstd.")                                                          \
    X("delete.retention.ms", LONG, "86400000", "log.cleaner.delete.retention.ms", NULL,            \
      MR_CONFIG_MIN(0), "How long tombstones of a compacted topic are kept.")                      \
    X("file.delete.delay.ms", LONG, "60000", "log.segment.delete.delay.ms", NULL,                  \
      MR_CONFIG_MIN(0), "How long a deleted segment's file stays.")                                \
    X("flush.messages", LONG, "9223372036854775807", "log.flush.interval.messages", NULL,          \
      MR_CONFIG_MIN(1),                                                                            \
      "Kafka's count of records between syncs; here millrace.durability decides.")                 \
    X("flush.ms", LONG, "9223372036854775807", NULL, NULL, MR_CONFIG_MIN(0),                       \
      "Kafka's time between syncs; here millrace.durability decides.")                             \
    X("follower.replication.throttled.replicas", LIST, "", NULL, NULL, MR_CONFIG_ANY,              \
      "Replicas whose replication is throttled on the follower's side.")                           \
    X("index.interval.bytes", INT, "4096", "log.index.interval.bytes", NULL, MR_CONFIG_MIN(0),     \
      "Bytes of records between two entries of an index.")                                         \
    X("leader.replication.throttled.replicas", LIST, "", NULL, NULL, MR_CONFIG_ANY,                \
      "Replicas whose replication is throttled on the leader's side.")                             \
    X("local.retention.bytes", LONG, "-2", "log.local.retention.bytes", NULL, MR_CONFIG_MIN(-2),   \
      "Local bytes of a partition with tiered storage.")                                           \
    X("local.retention.ms", LONG, "-2", "log.local.retention.ms", NULL, MR_CONFIG_MIN(-2),         \
      "Local time of a partition with tiered storage.")                                            \
    X("max.compaction.lag.ms", LONG, "9223372036854775807", "log.cleaner.max.compaction.lag.ms",   \
      NULL, MR_CONFIG_MIN(1), "How long a record of a compacted topic may stay uncompacted.")      \
    X("max.message.bytes", INT, "1048588", "message.max.bytes", NULL, MR_CONFIG_MIN(0),            \
      "Greatest size of a record batch.")                                                          \
    X("message.downconversion.enable", BOOLEAN, "true", "log.message.downconversion.enable", NULL, \
      MR_CONFIG_ANY, "Conversion for consumers of formats before 2; none is left that asks.")      \
    X("message.format.version", STRING, "3.0-IV1", "log.message.format.version", NULL,             \
      MR_CONFIG_ANY, "Version of the message format; it is always 2.")                             \
    X("message.timestamp.after.max.ms", LONG, "9223372036854775807",                               \
      "log.message.timestamp.after.max.ms", NULL, MR_CONFIG_MIN(0),                                \
      "How far ahead of the broker's clock a record's timestamp may be.")                          \
    X("message.timestamp.before.max.ms", LONG, "9223372036854775807",                              \
      "log.message.timestamp.before.max.ms", NULL, MR_CONFIG_MIN(0),                               \
      "How far behind the broker's clock a record's timestamp may be.")                            \
    X("message.timestamp.difference.max.ms", LONG, "9223372036854775807",                          \
      "log.message.timestamp.difference.max.ms", NULL, MR_CONFIG_MIN(0),                           \
      "Old name of message.timestamp.before.max.ms and message.timestamp.after.max.ms together.")  \
    X("message.timestamp.type", STRING, "CreateTime", "log.message.timestamp.type",                \
      "CreateTime, LogAppendTime", MR_CONFIG_ANY,                                                  \
      "Whose clock a record's timestamp is: the producer's or the log's.")                         \
    X("millrace.durability", STRING, "fsync", "millrace.durability", "fsync, kafka",               \
      MR_CONFIG_ANY,                                                                               \
      "When a record is acknowledged and shown: once it is synced to the disk, or at once as "     \
      "Kafka does.")                                                                               \
    X("min.cleanable.dirty.ratio", DOUBLE, "0.5", "log.cleaner.min.cleanable.ratio", NULL, (0, 1), \
      "Share of uncompacted bytes from which a partition is compacted.")                           \
    X("min.compaction.lag.ms", LONG, "0", "log.cleaner.min.compaction.lag.ms", NULL,               \
      MR_CONFIG_MIN(0), "How long a record stays uncompacted at the least.")                       \
    X("min.insync.replicas", INT, "1", "min.insync.replicas", NULL, MR_CONFIG_MIN(1),              \
      "Replicas that must have a record before acks=all is answered; there is one.")               \
    X("preallocate", BOOLEAN, "false", "log.preallocate", NULL, MR_CONFIG_ANY,                     \
      "Whether a segment's file gets its whole size when it is made.")                             \
    X("remote.log.copy.disable", BOOLEAN, "false", NULL, NULL, MR_CONFIG_ANY,                      \
      "Whether a topic with tiered storage is no longer copied.")                                  \
    X("remote.log.delete.on.disable", BOOLEAN, "false", NULL, NULL, MR_CONFIG_ANY,                 \
      "Whether tiered data goes when tiered storage is switched off.")                             \
    X("remote.storage.enable", BOOLEAN, "false", NULL, NULL, MR_CONFIG_ANY,                        \
      "Tiered storage, which this broker does not have.")                                          \
    X("retention.bytes", LONG, "-1", "log.retention.bytes", NULL, MR_CONFIG_ANY,                   \
      "Bytes of a partition from which its oldest segments are deleted; -1 is no limit.")          \
    X("retention.ms", LONG, "604800000", "log.retention.ms", NULL, MR_CONFIG_MIN(-1),              \
      "Age from which a segment is deleted; -1 is no limit.")                                      \
    X("segment.bytes", INT, "1073741824", "log.segment.bytes", NULL, MR_CONFIG_MIN(14),            \
      "Size at which a segment ends.")                                                             \
    X("segment.index.bytes", INT, "10485760", "log.index.size.max.bytes", NULL, MR_CONFIG_MIN(4),  \
      "Greatest size of a segment's index.")                                                       \
    X("segment.jitter.ms", LONG, "0", "log.roll.jitter.ms", NULL, MR_CONFIG_MIN(0),                \
      "Random time by which segment.ms is shortened.")                                             \
    X("segment.ms", LONG, "604800000", "log.roll.ms", NULL, MR_CONFIG_MIN(1),                      \
      "Age at which a segment ends although it is not full.")                                      \
    X("unclean.leader.election.enable", BOOLEAN, "false", "unclean.leader.election.enable", NULL,  \
      MR_CONFIG_ANY, "Whether a replica that is behind may lead; there is one replica.")
