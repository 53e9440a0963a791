// Transaction: one transactional id as its coordinator knows it, as a state machine.
//
// Why: what is hard about transactions (which epoch may do what, what is a retry, what a delayed
// request must not do) has no need of logs, locks or clocks; here it is functions from a state and
// an event to the next state and a verdict, which tests run through by the thousand. The
// coordinator (transactions.c) writes the next state down and then makes it the present one.
//
//   EMPTY ─add─▶ ONGOING ─end─▶ PREPARE_x ─complete─▶ COMPLETE_x ─add─▶ ONGOING …
//                        ─fence─▶ PREPARE_ABORT
//
// Versions: a producer of version 2 (KIP-890) gets a new epoch with each end, so nothing that was
// delayed can reach into its next transaction; one of version 0 keeps its epoch. Which one it is
// is told by the requests' versions, transaction by transaction.
// Memory: a state's id and members are its owner's; next states point into the one they come from
// and into cx->arena. Source: KIP-98, KIP-360, KIP-890; Kafka's TransactionMetadata.

#pragma once

#include "codec/kafka_error.h"
#include "plat/plat.h"

// Kafka's numbers, as in __transaction_state.
typedef enum mr_transaction_state {
    MR_TRANSACTION_EMPTY = 0,
    MR_TRANSACTION_ONGOING = 1,
    MR_TRANSACTION_PREPARE_COMMIT = 2,
    MR_TRANSACTION_PREPARE_ABORT = 3,
    MR_TRANSACTION_COMPLETE_COMMIT = 4,
    MR_TRANSACTION_COMPLETE_ABORT = 5,
} mr_transaction_state;

// A partition that was written to.
typedef struct mr_transaction_member {
    mr_span topic;
    int32_t partition;
} mr_transaction_member;

typedef struct mr_transaction {
    mr_span id;
    int64_t producer_id;
    int64_t previous_producer_id;  // Before the last change for want of epochs; -1 = none.
    int64_t next_producer_id;      // The one after this end; -1 = the same.
    int16_t epoch;
    int16_t last_epoch;  // That a retry may still name; -1 = none.
    int32_t timeout_ms;
    mr_transaction_state state;
    int16_t version;   // 0 or 2, of the client that acted last.
    int64_t start_ms;  // Of the transaction; -1 = none yet.
    int64_t update_ms;
    mr_transaction_member *members;  // By topic and partition.
    uint32_t member_count;
} mr_transaction;

// No epoch above is given out, so that there is always one left to fence with.
#define MR_TRANSACTION_EPOCH_MAX (INT16_MAX - 1)

typedef enum mr_transaction_verdict {
    MR_TRANSACTION_ANSWER,  // Nothing changes; `error` is the answer, NONE with the present state.
    MR_TRANSACTION_WRITE,   // `next` is to be written, then it holds.
    MR_TRANSACTION_FENCE,   // The same; and when it has ended, ask again.
    MR_TRANSACTION_WAIT,    // It is ending: ask again when it has.
} mr_transaction_verdict;

typedef struct mr_transaction_outcome {
    mr_transaction_verdict verdict;
    int16_t error;
    mr_transaction next;  // Of WRITE and FENCE.
} mr_transaction_outcome;

// Who asks, by what it believes to be.
typedef struct mr_transaction_producer {
    int64_t id;     // -1 = it does not say (a new instance).
    int16_t epoch;  // -1 likewise.
} mr_transaction_producer;

typedef struct mr_transaction_init {
    mr_transaction_producer producer;
    int32_t timeout_ms;
    int64_t fresh_id;  // A producer id that nobody has, if one is needed.
    int64_t now_ms;
} mr_transaction_init;

// InitProducerId. now  NULL for an id that is not known; `id` is its name then.
mr_transaction_outcome mr_transaction_begin(const mr_transaction *now, mr_span id,
                                            const mr_transaction_init *init);

typedef struct mr_transaction_add {
    mr_transaction_producer producer;
    int16_t version;  // 2: it joins by being written to.
    const mr_transaction_member *members;
    uint32_t member_count;
    int64_t now_ms;
} mr_transaction_add;

// Partitions join.  now  NULL for an id that is not known
mr_transaction_outcome mr_transaction_join(const mr_transaction *now, const mr_transaction_add *add,
                                           mr_cx *cx);
// Whether a write to a partition that must have joined before belongs to it: NONE, or an error; of
// a partition that did not join, `missing`.
int16_t mr_transaction_covers(const mr_transaction *now, mr_transaction_producer producer,
                              const mr_transaction_member *member, int16_t missing);

typedef struct mr_transaction_end {
    mr_transaction_producer producer;
    int16_t version;
    bool commit;
    int64_t fresh_id;
    int64_t now_ms;
} mr_transaction_end;

// EndTxn.  now  NULL for an id that is not known
mr_transaction_outcome mr_transaction_finish(const mr_transaction *now,
                                             const mr_transaction_end *end);
// The coordinator's own end: an abort under a new epoch, which its producer does not know.
mr_transaction mr_transaction_fence(const mr_transaction *now, int64_t fresh_id, int64_t now_ms);
// After all markers are written. now  in one of the PREPARE states
mr_transaction mr_transaction_complete(const mr_transaction *now, int64_t now_ms);
// What was in its partition when the power went but not in the coordinator's log: it joins.
mr_transaction mr_transaction_adopt(const mr_transaction *now, const mr_transaction_member *member,
                                    int64_t now_ms, mr_cx *cx);

// With these among its members, which are in cx->arena then.
mr_transaction mr_transaction_with(const mr_transaction *now, const mr_transaction_member *members,
                                   uint32_t count, mr_cx *cx);

bool mr_transaction_is_ending(const mr_transaction *now);
bool mr_transaction_has(const mr_transaction *now, const mr_transaction_member *member);
bool mr_transaction_is_late(const mr_transaction *now, int64_t now_ms);  // Over its timeout.
const char *mr_transaction_state_name(mr_transaction_state state);       // "PrepareCommit"
// False when no state has this name.
bool mr_transaction_state_of(mr_span name, mr_transaction_state *ret);
