// Member: taking part in a classic consumer group, which divides a topic's partitions.
//
// How: one topic, the protocol "range", which all clients know; who leads divides. The owner calls
// turn often; a member that does not for the session's time is out. Threads: one.
// Source: kafka.apache.org/protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup); KIP-394.

#pragma once

#include "kafka/control_group.h"

typedef struct mr_member mr_member;

// Nothing is joined yet: the first turn does. The control must live longer.
mr_member *mr_member_open(mr_control *control, const char *group, const char *topic);
void mr_member_close(mr_member *member, mr_cx *cx);  // Leaves the group. Takes NULL.
// Joins, beats, and joins again when the group divides anew. *ret_moved: the partitions are others
// now, or the same after a new division; those before are not ours any more. So that nothing is
// read twice, their offsets are to be committed when *ret_leaving is true: then call turn again.
mr_code mr_member_turn(mr_member *member, bool *ret_leaving, bool *ret_moved, mr_cx *cx);
// Numbers, until the next turn.
const int32_t *mr_member_partitions(const mr_member *member, uint32_t *ret_count);
mr_control_committer mr_member_committer(const mr_member *member);
