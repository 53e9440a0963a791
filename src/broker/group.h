// Group: one classic consumer group as a state machine: events in, answers out.
//
//            join                 all joined, or time is up           leader's sync, stored
//   EMPTY ─────────▶ PREPARING ───────────────────────────▶ COMPLETING ──────────▶ STABLE
//     ▲                  ▲  │ nobody is left                    │ join, leave, lost     │
//     └──────────────────│──┘                                   ▼                       ▼
//                        └──────────────────────────────────────┴───────────────────────┘
// Why pure: what a group does depends on the order of events and on time alone; so the clock, the
// log and who waits are given (mr_group_host), and each of Kafka's cases is a test of a few lines.
//
// How answers go out: a request that must wait has a token. Its answer is put into the host's
// outbox under that token, with copies of all it says, and the thread of its connection takes it
// from there; that of a connection that is gone is dropped after a while.
//
// Threads: none; the owner locks. Memory: heap, freed with the group. Source: KIP-62, KIP-345
// (static members), KIP-394 (known ids), KIP-814 (skipped assignment); Kafka's ClassicGroup.

#pragma once

#include "base/cx.h"
#include "base/text.h"
#include "broker/group_offsets.h"
#include "codec/kafka_error.h"

#define MR_GROUP_NEVER INT64_MAX

typedef enum mr_group_state {
    MR_GROUP_EMPTY,
    MR_GROUP_PREPARING,
    MR_GROUP_COMPLETING,
    MR_GROUP_STABLE,
    MR_GROUP_DEAD,  // For those who ask about a group that is not there.
} mr_group_state;
const char *mr_group_state_name(mr_group_state state);  // "PreparingRebalance"

typedef struct mr_group_protocol {
    mr_span name;
    mr_span metadata;
} mr_group_protocol;

typedef struct mr_group_member {
    mr_span id;
    mr_span instance;  // data NULL = dynamic.
    mr_span client_id;
    mr_span client_host;
    int32_t rebalance_timeout_ms;
    int32_t session_timeout_ms;
    mr_group_protocol *protocols;  // One block with all they say.
    uint32_t protocol_count;
    mr_span assignment;
    bool is_new;         // Has not yet been told its id: it cannot send heartbeats.
    bool owes_sync;      // Was told of a generation, has not asked for its assignment.
    uint64_t join;       // Token of the join that waits; 0 = none.
    uint64_t sync;       // Token of the sync that waits.
    int64_t expires_us;  // Monotonic.
} mr_group_member;

// A member that was given an id and told to come again with it.
typedef struct mr_group_announced {
    mr_span id;
    int64_t expires_us;
} mr_group_announced;

// Offsets of a transaction that has not ended.
typedef struct mr_group_pending {
    int64_t producer_id;
    mr_group_offsets offsets;
} mr_group_pending;

typedef struct mr_group {
    mr_span id;
    mr_group_state state;
    int64_t state_ms;  // Wall clock of its last change; -1 = unknown.
    int32_t generation;
    mr_span protocol_type;      // data NULL = none: offsets only, no members ever.
    mr_span protocol;           // Chosen for this generation; data NULL = none.
    mr_group_member *leader;    // One of members, or NULL.
    mr_group_member **members;  // In the order of joining.
    uint32_t member_count;
    uint32_t member_capacity;
    uint32_t joined_count;  // Whose join waits.
    mr_group_announced *announced;
    uint32_t announced_count;
    bool initial;             // This rebalance began with an empty group,
    bool newcomer;            // … somebody came since it was last put off,
    int64_t initial_left_us;  // … and may be put off by so much more.
    int64_t join_due_us;      // The rebalance ends then, whoever has joined.
    int64_t sync_due_us;      // Who owes a sync then is put out.
    int64_t due_us;           // Nothing of this group is due before.
    int64_t stored_at;        // Offset of its last record of members; -1 = none.
    mr_group_offsets offsets;
    int64_t committed_at;  // Offset of the last record of an offset; -1 = none.
    mr_group_pending *pending;
    uint32_t pending_count;
} mr_group;

typedef struct mr_group_seat {
    mr_span id;
    mr_span instance;
    mr_span metadata;
} mr_group_seat;

// The answer to a join or a sync. Spans with data NULL are null.
typedef struct mr_group_answer {
    uint64_t token;
    int16_t error;
    int64_t after;  // It may be sent when the log is durable behind this offset; -1 = at once.
    int32_t generation;
    mr_span protocol_type;
    mr_span protocol;
    mr_span leader;
    mr_span member_id;
    bool skip_assignment;
    mr_group_seat *seats;  // For the leader: all members.
    uint32_t seat_count;
    mr_span assignment;
    mr_arena arena;  // Holds the spans.
    int64_t made_us;
    struct mr_group_answer *next;
} mr_group_answer;

typedef struct mr_group_host {
    // Rules.
    int64_t initial_delay_us;     // How long a first rebalance waits for announced members.
    int64_t newcomer_timeout_us;  // … for a new member that waits for the rebalance's end.
    uint32_t size_max;
    // Of this event.
    int64_t now_us;   // Monotonic.
    int64_t wall_ms;  // Wall clock.
    // Appends the group's members and generation to the log.  ret a mr_kafka_error for the client
    int16_t (*store)(struct mr_group_host *host, const mr_group *group, int64_t *ret_offset);
    uint64_t (*random)(struct mr_group_host *host);
    mr_cx *cx;
    void *self;
    mr_group_answer *outbox;
    uint64_t answers;  // Put into the outbox, ever.
} mr_group_host;

typedef struct mr_group_join_ask {
    uint64_t token;
    mr_span member_id;  // Empty: the client has none yet.
    mr_span instance;
    mr_span client_id;
    mr_span client_host;
    mr_span protocol_type;
    const mr_group_protocol *protocols;  // The most wanted first.
    uint32_t protocol_count;
    int32_t session_timeout_ms;
    int32_t rebalance_timeout_ms;
    bool needs_known_id;  // A client of version 4 and later comes twice: first for its id.
    bool may_skip;        // A client of version 9 and later understands skip_assignment.
} mr_group_join_ask;

typedef struct mr_group_share {
    mr_span member_id;
    mr_span assignment;
} mr_group_share;

typedef struct mr_group_sync_ask {
    uint64_t token;
    mr_span member_id;
    mr_span instance;
    int32_t generation;
    mr_span protocol_type;  // data NULL = not said, as protocol.
    mr_span protocol;
    const mr_group_share *shares;  // Of the leader.
    uint32_t share_count;
} mr_group_sync_ask;

mr_group *mr_group_new(mr_span id, int64_t wall_ms);
void mr_group_free(mr_group *group);  // Takes NULL.

// ---- events: group_join.c, group_rebalance.c -------------------------------------------------

void mr_group_join(mr_group *group, const mr_group_join_ask *ask, mr_group_host *host);
void mr_group_sync(mr_group *group, const mr_group_sync_ask *ask, mr_group_host *host);
int16_t mr_group_heartbeat(mr_group *group, mr_span member_id, mr_span instance, int32_t generation,
                           mr_group_host *host);
// One member of a leave; when all are done, mr_group_left says so.
int16_t mr_group_leave(mr_group *group, mr_span member_id, mr_span instance, mr_group_host *host);
void mr_group_left(mr_group *group, mr_group_host *host);
// Does what is due at host->now_us and moves due_us on.
void mr_group_expire(mr_group *group, mr_group_host *host);
// Members were read from the log: their sessions begin now.
void mr_group_wake(mr_group *group, mr_group_host *host);
// Begins a rebalance if there is none, and ends it if nobody is waited for.
void mr_group_rebalance(mr_group *group, mr_group_host *host);
// Takes all assignments away; who waits for one is told to join again.
void mr_group_refuse_syncs(mr_group *group, int16_t error, mr_group_host *host);

// ---- questions -------------------------------------------------------------------------------

mr_group_member *mr_group_member_of(const mr_group *group, mr_span id);  // Or NULL.
mr_group_member *mr_group_static_member_of(const mr_group *group, mr_span instance);
bool mr_group_is_announced(const mr_group *group, mr_span id);
mr_span mr_group_metadata_of(const mr_group *group, const mr_group_member *member);
int16_t mr_group_check_member(const mr_group *group, mr_span id, mr_span instance);
// Whether offsets may be committed by who says he is this member.  ret a mr_kafka_error
int16_t mr_group_check_commit(const mr_group *group, mr_span id, mr_span instance,
                              int32_t generation, bool transactional);
bool mr_group_is_consumers(const mr_group *group);  // Its protocol type is "consumer".
// Whether its members read this topic; a guess of yes where their metadata cannot be read.
bool mr_group_reads_topic(const mr_group *group, mr_span topic);
bool mr_group_knows_topics(const mr_group *group);  // Their metadata can be read.

// ---- parts: group.c --------------------------------------------------------------------------

void mr_group_set(mr_span *field, mr_span value);  // A heap copy; frees the one before.
void mr_group_set_state(mr_group *group, mr_group_state state, int64_t wall_ms);
mr_group_member *mr_group_add(mr_group *group, const mr_group_join_ask *ask, mr_span id);
void mr_group_remove(mr_group *group, mr_group_member *member);
void mr_group_set_protocols(mr_group_member *member, const mr_group_protocol *protocols,
                            uint32_t count);
void mr_group_arm(mr_group *group, mr_group_member *member, int64_t expires_us);
static inline void mr_group_arm_session(mr_group *group, mr_group_member *member,
                                        const mr_group_host *host) {
    mr_group_arm(group, member, host->now_us + (int64_t)member->session_timeout_ms * 1000);
}
void mr_group_announce(mr_group *group, mr_span id, int64_t expires_us);
bool mr_group_unannounce(mr_group *group, mr_span id);  // False when it was not.
mr_span mr_group_choose_protocol(const mr_group *group);
// Whether a member of this kind fits to those that are there.
bool mr_group_fits(const mr_group *group, mr_span type, const mr_group_protocol *protocols,
                   uint32_t count);
// A pending part of this producer, made when missing and `make`.
mr_group_offsets *mr_group_pending_of(mr_group *group, int64_t producer_id, bool make);
void mr_group_pending_drop(mr_group *group, int64_t producer_id);
bool mr_group_is_pending(const mr_group *group, mr_span topic, int32_t partition);
bool mr_group_joins_all(const mr_group *group);                  // Nobody is waited for.
void mr_group_retire(mr_group *group, mr_group_member *member);  // Frees one that is not in it.

// ---- answers: group_answer.c -----------------------------------------------------------------

// NULL while there is none. The taker frees it.
mr_group_answer *mr_group_answer_take(mr_group_host *host, uint64_t token);
void mr_group_answer_free(mr_group_answer *answer);  // Takes NULL.
void mr_group_answer_drop(mr_group_host *host, int64_t before_us);
mr_group_answer *mr_group_answer_new(mr_group_host *host, uint64_t token, int16_t error);
// An answer to a join that says the current generation; seats for the leader.
mr_group_answer *mr_group_answer_join(const mr_group *group, const mr_group_member *member,
                                      uint64_t token, mr_group_host *host);
