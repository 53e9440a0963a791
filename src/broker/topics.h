// Topics: the topics of a broker, and what is set for them.
//
// How: one table in memory behind a read-write lock, one file on disk (<dir>/topics), which is
// replaced whole, with a sync, before a change is acknowledged. A topic is counted: who has found
// one may use it after it was deleted; its logs are offline then.

#pragma once

#include "broker/broker.h"
#include "broker/call.h"

#define MR_TOPIC_OFFSETS      "__consumer_offsets"
#define MR_TOPIC_TRANSACTIONS "__transaction_state"

// Their partitions, whoever makes them. Kafka has 50, to spread them over nodes; here more than
// some only cost files and syncs, and all groups share a lock anyway. DescribeConfigs tells the
// same (configs_broker.h).
enum { MR_TOPIC_OFFSETS_PARTITIONS = 1, MR_TOPIC_TRANSACTIONS_PARTITIONS = 8 };

typedef struct mr_topic_partition {
    mr_log *log;           // Never NULL; offline when it could not be opened.
    mr_watchers watchers;  // Signalled when the log's marks move.
    _Atomic(struct mr_embedded_log *) listeners;  // Of embedded.c, told the same.
    int32_t number;
    struct mr_topic *topic;  // As it was when the partition was made: for its name and id.
    mr_broker *broker;
} mr_topic_partition;

typedef struct mr_topic {
    const char *name;
    mr_wire_uuid id;
    bool internal;
    mr_topic_partition **partitions;  // Of this reference's time: it may grow later.
    uint32_t partition_count;
} mr_topic;

typedef struct mr_topic_setting {
    const char *name;   // "retention.ms"
    const char *value;  // NULL: as the broker's default.
} mr_topic_setting;

typedef struct mr_topic_new {
    const char *name;
    int32_t partitions;   // -1 = the broker's default.
    int32_t replication;  // -1 = the broker's default.
    const mr_topic_setting *settings;
    uint32_t setting_count;
    bool internal;
    bool validate_only;
} mr_topic_new;

// What a change came to, in Kafka's words.
typedef struct mr_outcome {
    int16_t error;       // A mr_kafka_error.
    const char *reason;  // In cx->arena; NULL = the error's own words.
} mr_outcome;

// How topics tell their owner; called from any thread, without a lock held.
typedef struct mr_topics_spec {
    const char *dir;  // <data>/broker: exists, and its lock is held.
    const mr_broker_settings *settings;
    mr_flusher *flusher;
    mr_broker *broker;                                      // For the partitions; may be NULL.
    void (*moved)(mr_topic_partition *partition);           // Its marks moved; NULL = nobody asks.
    void (*say)(mr_broker *broker, const char *line);       // May be NULL.
    void (*forget)(mr_broker *broker, mr_span topic_name);  // It was deleted; may be NULL.
    bool by_hand;                                           // No threads.
} mr_topics_spec;

// Opens all topics' logs; makes meta.properties with a new cluster id the first time. A log that
// cannot be opened is offline, and said; the others go on.
//   errors  MR_E_CORRUPT for a damaged list
mr_code mr_topics_open(const mr_topics_spec *spec, mr_topics **ret, mr_cx *cx);
// Closes all logs and leaves the mark of a clean end. The flusher must still be open; nobody may
// have a reference any more. Takes NULL.
mr_code mr_topics_close(mr_topics *topics, mr_cx *cx);
// After a failure or in a test of one: without a word to the disk.
void mr_topics_drop(mr_topics *topics, mr_cx *cx);
const char *mr_topics_cluster_id(const mr_topics *topics);  // 22 characters.
const char *mr_topics_dir(const mr_topics *topics);
// Retention, compaction, sweeping and checkpoints that are due; returns when to come back
// (monotonic). By hand only: else a thread of its own calls it.
int64_t mr_topics_turn(mr_topics *topics, int64_t now_us, mr_cx *cx);

// *ret is a reference; NULL when there is none.
mr_topic *mr_topics_find(mr_topics *topics, mr_span name);
mr_topic *mr_topics_find_id(mr_topics *topics, const mr_wire_uuid *id);
void mr_topic_release(mr_topic *topic);  // Takes NULL.
// NULL when the topic has no such partition.
mr_topic_partition *mr_topic_partition_of(const mr_topic *topic, int32_t number);
// All topics by name, in cx->arena; the caller releases each.
mr_topic **mr_topics_list(mr_topics *topics, uint32_t *ret_count, mr_cx *cx);

// The topic, made when it is missing and `make` allows it (auto-creation; internal topics are
// always made).  ret_outcome UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION with *ret NULL
mr_code mr_topics_obtain(mr_topics *topics, mr_span name, bool make, mr_topic **ret,
                         mr_outcome *ret_outcome, mr_cx *cx);
mr_code mr_topics_create(mr_topics *topics, const mr_topic_new *topic, mr_topic **ret,
                         mr_outcome *ret_outcome, mr_cx *cx);
mr_code mr_topics_delete(mr_topics *topics, mr_topic *topic, mr_outcome *ret_outcome, mr_cx *cx);
mr_code mr_topics_grow(mr_topics *topics, mr_topic *topic, int32_t partitions, bool validate_only,
                       mr_outcome *ret_outcome, mr_cx *cx);
// All logs act by what is now set: call it after the broker's configs were altered.
void mr_topics_reconfigure(mr_topics *topics, mr_cx *cx);
// Writes Kafka's checkpoints now: of what is synced, and of where partitions begin.
mr_code mr_topics_checkpoint(mr_topics *topics, mr_cx *cx);
// Kafka's rules for a name: 1..249 of [a-zA-Z0-9._-], not "." or "..".
bool mr_topics_name_is_valid(mr_span name);
