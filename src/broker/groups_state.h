// Groups state: all groups of a broker, as the files of the coordinator and its handlers share it.
//
// How: one lock guards all groups. What an event writes is appended to the log under it, so that
// records are in the order of the states they describe; syncs are waited for outside of it. A group
// that was never written to the log lives in memory only.
//
// Also: mr_groups_

#pragma once

#include "broker/group_record.h"
#include "broker/groups.h"
#include "broker/inside.h"
#include "plat/thread.h"

#define MR_GROUPS_SHARDS 64

// A group with offsets of a transaction that has not ended.
typedef struct mr_groups_open_one {
    int64_t producer_id;
    mr_group *group;
} mr_groups_open_one;

struct mr_groups {
    mr_broker *broker;
    mr_mutex mutex;      // Guards what follows.
    mr_group_host host;  // Its cx is that of who holds the lock.
    mr_group **slots;    // Open addressing by the id's hash; slot_count is a power of two.
    uint32_t slot_count;
    uint32_t count;
    mr_topic *topic;                // __consumer_offsets; NULL until it is first needed.
    mr_topic_partition *partition;  // Its only one.
    mr_groups_open_one *open;
    uint32_t open_count;
    uint32_t open_capacity;
    uint64_t tokens;        // Given out.
    uint64_t answers_seen;  // Of the host's answers, by who needs no signal.
    int64_t due_us;         // When the turn must come round, as it was last asked for.
    int64_t cleanup_us;     // The next look for expired offsets.
    int64_t retention_ms;
    mr_arena scratch;  // Of the turn and of loading.
    // Joins and syncs that wait, by the group's hash. Not guarded.
    mr_watchers watchers[MR_GROUPS_SHARDS];
};

// ---- the lock --------------------------------------------------------------------------------

// Locks; `cx` serves until mr_groups_unlock.
void mr_groups_lock(mr_groups *groups, mr_cx *cx);
// Unlocks, wakes who waits for answers about this group, and sees to it that the turn comes round
// in time. group  data NULL: about any group
void mr_groups_unlock(mr_groups *groups, mr_span group);
// The answer under this token needs no signal: who holds the lock takes it himself.
void mr_groups_own(mr_groups *groups, uint64_t token);
mr_watchers *mr_groups_watchers(mr_groups *groups, mr_span group);

// ---- under the lock --------------------------------------------------------------------------

mr_group *mr_groups_get(const mr_groups *groups, mr_span id);  // NULL = none.
mr_group *mr_groups_obtain(mr_groups *groups, mr_span id);     // Made when it is missing.
void mr_groups_discard(mr_groups *groups, mr_group *group);    // Frees it; the log is not told.
// Discards a group that was made for a request which came to nothing.
void mr_groups_tidy(mr_groups *groups, mr_group *group);
mr_group **mr_groups_sorted(const mr_groups *groups, mr_arena *arena);  // All, by id.

mr_group_records mr_groups_records(mr_groups *groups);
// Appends; an empty one is MR_KAFKA_NONE with *ret_base -1.  ret a mr_kafka_error for the client
int16_t mr_groups_append(mr_groups *groups, const mr_group_records *records,
                         mr_group_producer producer, int64_t *ret_base);

typedef struct mr_groups_entry {
    mr_span topic;
    mr_group_offset offset;  // Of one that goes the partition only.
    bool gone;
} mr_groups_entry;

typedef struct mr_groups_change {
    const mr_groups_entry *entries;
    uint32_t count;
    mr_group_producer producer;
    bool group_gone;  // And the group with them.
} mr_groups_change;
// Writes offsets of a group and makes them its own; an answer may be sent when the log is durable
// behind *ret_after. The group is freed when it is gone.
int16_t mr_groups_write(mr_groups *groups, mr_group *group, const mr_groups_change *change,
                        int64_t *ret_after);
// All that a group has committed or has pending, as entries that go. In `arena`.
mr_groups_change mr_groups_all_gone(const mr_group *group, mr_arena *arena);
void mr_groups_apply(mr_groups *groups, mr_group *group, const mr_groups_entry *entry,
                     int64_t producer_id);
void mr_groups_end(mr_groups *groups, int64_t producer_id, bool commit);
void mr_groups_expire_offsets(mr_groups *groups);

// groups_load.c: reads the log.
mr_code mr_groups_load(mr_groups *groups, mr_cx *cx);

// ---- calls: groups_wait.c --------------------------------------------------------------------

typedef void mr_groups_fill(mr_call *call, const mr_group_answer *answer);
typedef void mr_groups_fail(mr_call *call, int16_t error);

// Waits for the answer under this token, fills the response from it, and waits for the log.
void mr_groups_await(mr_call *call, uint64_t token, mr_span group, mr_groups_fill *fill,
                     mr_groups_fail *fail, mr_cx *cx);
// Waits until the log is durable behind `after` (-1: not at all). fail  changes the response when
// it never will be.
void mr_groups_settle(mr_call *call, int64_t after, mr_groups_fail *fail, mr_cx *cx);
// Before that: another log that it waits for too. It must not go away meanwhile.
void mr_groups_settle_beside(mr_call *call, mr_topic_partition *partition, int64_t after);
