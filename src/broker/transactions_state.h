// Transactions' state: what transactions*.c share: the table of ids and the ends under way.
//
// Locks: everything is under `mutex`, but what a `busy` entry's owner looks at while it writes
// markers: then nothing else changes or frees it (ending ids neither change nor expire).
// Also: mr_transactions_

#pragma once

#include "broker/groups.h"
#include "broker/producer_ids.h"
#include "broker/transactions.h"
#include "log/log.h"

// A member's marker, and what it must be durable up to.
typedef struct mr_transactions_wait {
    mr_topic *topic;                // A reference; NULL: nothing to wait for.
    mr_topic_partition *partition;  // Of the topic.
    int64_t offset;
    bool marked;  // Retries pass it over: one member that fails costs the others nothing.
} mr_transactions_wait;

typedef enum mr_transactions_phase {
    MR_TRANSACTIONS_IDLE,
    MR_TRANSACTIONS_PREPARED,  // "prepare" is written; markers when it is durable.
    MR_TRANSACTIONS_MARKED,    // Markers are written; "complete" when they are durable.
} mr_transactions_phase;

typedef struct mr_transactions_entry {
    mr_transaction now;  // Owned: id and members are heap memory.
    struct mr_transactions_entry *next;
    int64_t offset;    // Of its last record.
    uint32_t uses;     // Between _use and _used.
    uint64_t ends;     // How many ended since the start.
    bool busy;         // Somebody writes its markers.
    int64_t retry_us;  // Monotonic: markers that failed are not written again before.
    mr_transactions_phase phase;
    mr_transactions_wait *waits;  // Heap, one a member, from the first try on.
    uint32_t wait_count;
    // After a start that found "prepare": members of the transaction after it. Heap.
    mr_transaction_member *orphans;
    uint32_t orphan_count;
    struct mr_transactions_entry *ending_before;  // On the list of ends.
    struct mr_transactions_entry *ending_after;
} mr_transactions_entry;

#define MR_TRANSACTIONS_STRIPES 64
#define MR_TRANSACTIONS_SLOTS   64  // At first.

struct mr_transactions {
    mr_broker *broker;
    mr_arena arena;
    mr_producer_ids ids;
    mr_mutex mutex;
    mr_topic *topic;  // __transaction_state, a reference; NULL until somebody needs it.
    mr_transactions_entry **slots;
    uint32_t slot_count;  // A power of two.
    uint32_t count;
    mr_transactions_entry *endings;  // Ids whose phase is not IDLE …
    atomic_uint ending;              // … and their number.
    int64_t expiry_us;               // When to look for expired ids, monotonic.
    mr_watchers watchers[MR_TRANSACTIONS_STRIPES];
};

// ---- under the mutex -------------------------------------------------------------------------

// NULL when it is not known.
mr_transactions_entry *mr_transactions_entry_of(mr_transactions *transactions, mr_span id);
// The partition of __transaction_state that has the id.
int32_t mr_transactions_partition(const mr_transactions *transactions, mr_span id);
// Makes a state the present one, of a new id too. Of an end it begins it, or is its last word.
//   offset  of its record
mr_transactions_entry *mr_transactions_set(mr_transactions *transactions,
                                           const mr_transaction *next, int64_t offset);
void mr_transactions_entry_free(mr_transactions_entry *entry);  // That is on no list.
void mr_transactions_remove(mr_transactions *transactions, mr_transactions_entry *entry);
// Writes a state down and makes it the present one.
//   errors  of the log; nothing changed then
mr_code mr_transactions_write(mr_transactions *transactions, const mr_transaction *next,
                              mr_transactions_entry **ret, mr_cx *cx);
// Whether a record of __transaction_state is durable; *ret_offline when it never will be.
bool mr_transactions_durable(mr_transactions *transactions, int32_t partition, int64_t offset,
                             bool *ret_offline);
// Aborts it under a new epoch. Nothing happens while its producer writes.
mr_code mr_transactions_abort(mr_transactions *transactions, mr_transactions_entry *entry,
                              mr_cx *cx);

// ---- without it ------------------------------------------------------------------------------

// Takes an end as far as it gets; nothing when there is none, or another does it. The id may be
// forgotten meanwhile, but not its entry before it has ended.
void mr_transactions_step(mr_transactions *transactions, mr_transactions_entry *entry, mr_cx *cx);
// The same for all ends.
void mr_transactions_step_all(mr_transactions *transactions, mr_cx *cx);

// transactions_load.c: reads __transaction_state, then takes in what only the partitions know.
mr_code mr_transactions_load(mr_transactions *transactions, mr_cx *cx);

// transactions_offline.c: partitions that were offline at earlier starts and are not settled yet.
typedef struct mr_transactions_offline_one {
    mr_transaction_member member;
    int64_t since_ms;  // Wall clock, of the first such start.
} mr_transactions_offline_one;

typedef struct mr_transactions_offline {
    mr_transactions_offline_one *items;  // In cx->arena.
    uint32_t count;
} mr_transactions_offline;
mr_code mr_transactions_offline_load(mr_transactions *transactions, mr_transactions_offline *ret,
                                     mr_cx *cx);
// -1 = it was not.
int64_t mr_transactions_offline_since(const mr_transactions_offline *offline,
                                      const mr_topic_partition *partition);
// What is offline now takes their place.
mr_code mr_transactions_offline_save(mr_transactions *transactions,
                                     const mr_transactions_offline *before, mr_cx *cx);

// transactions_record.c: a batch of one record; next NULL = the id is gone.
mr_code mr_transactions_record_add(mr_span id, const mr_transaction *next, int64_t now_ms,
                                   mr_text *out, mr_cx *cx);
// What a record says, in cx->arena. *ret_id is empty when it is of another kind; *ret_gone when the
// id was removed.
mr_code mr_transactions_record_read(const mr_record *record, mr_span *ret_id, mr_transaction *ret,
                                    bool *ret_gone, mr_cx *cx);
