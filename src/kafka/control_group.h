// Control of consumer groups: who is in them, what they have committed, and how far behind they
// are; see control.h.
//
// Classic groups and those of KIP-848. Also: mr_control_

#pragma once

#include "kafka/control.h"

typedef struct mr_control_member {
    mr_span id;
    mr_span instance;  // data NULL = none.
    mr_span client_id;
    mr_span host;
} mr_control_member;

// A partition that the group has committed an offset of, or that a member reads.
typedef struct mr_control_place {
    mr_span topic;
    int32_t partition;
    int64_t committed;  // -1 = none.
    mr_span metadata;
    int64_t first;  // Of the log; -1 = not known, as next.
    int64_t next;
    int32_t leader;                   // MR_CLUSTER_NOBODY when the partition is gone.
    const mr_control_member *member;  // NULL = nobody's.
} mr_control_place;

typedef struct mr_control_group {
    mr_span id;
    mr_span state;     // Kafka's: "Stable", "Empty", "Dead" …
    mr_span kind;      // "classic", "consumer", or empty: not told.
    mr_span protocol;  // "consumer", "connect" …
    mr_span assignor;
    int32_t coordinator;
    mr_control_member *members;
    int32_t member_count;
    mr_control_place *places;  // By topic and partition.
    uint32_t place_count;
} mr_control_group;

// By id; of each id, state, kind, protocol and coordinator.
mr_code mr_control_group_list(mr_control *control, mr_control_group **ret, uint32_t *ret_count,
                              mr_cx *cx);
// errors  MR_E_MISSING with the nearest name
mr_code mr_control_group_describe(mr_control *control, const char *name, mr_control_group *ret,
                                  mr_cx *cx);
// The same without bounds; of a group that does not exist the state is "Dead".
mr_code mr_control_group_look(mr_control *control, const char *name, mr_control_group *ret,
                              mr_cx *cx);
// Fills leader, first and next of places that are sorted by topic.
mr_code mr_control_places_bound(mr_control *control, mr_control_place *places, uint32_t count,
                                mr_cx *cx);
mr_code mr_control_group_delete(mr_control *control, const char *name, mr_cx *cx);
// Who commits: a member, or somebody outside of a group without members (generation -1).
typedef struct mr_control_committer {
    const char *group;
    const char *member_id;  // NULL = none.
    int32_t generation;
} mr_control_committer;
// Commits places[].committed; places are sorted by topic.  errors  MR_E_LOCKED: not a member
mr_code mr_control_group_commit(mr_control *control, const mr_control_committer *who,
                                const mr_control_place *places, uint32_t count, mr_cx *cx);

// ---- new offsets -----------------------------------------------------------------------------

typedef enum mr_control_reset_way {
    MR_RESET_EARLIEST,
    MR_RESET_LATEST,
    MR_RESET_CURRENT,  // What is committed; where nothing is, latest.
    MR_RESET_OFFSET,   // To `number`.
    MR_RESET_TIME,     // To the first record of `number`, milliseconds since 1970, or later.
    MR_RESET_SHIFT,    // By `number`, which may be negative.
    MR_RESET_LISTED,   // As listed.
} mr_control_reset_way;

typedef struct mr_control_reset {
    const char *group;
    mr_control_reset_way way;
    int64_t number;
    // "topic" or "topic:0,2", each; none: all topics that the group has committed offsets of.
    const char **topics;
    uint32_t topic_count;
    const mr_control_place *listed;  // Topic, partition and committed of each.
    uint32_t listed_count;
} mr_control_reset;

// Works out what would be committed: places[].committed is the new offset, inside of the log.
// Commits nothing.  errors  MR_E_LOCKED while the group has members
mr_code mr_control_group_reset(mr_control *control, const mr_control_reset *spec,
                               mr_control_place **ret, uint32_t *ret_count, mr_cx *cx);
