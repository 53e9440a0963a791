// Transactions: producer ids, and the coordinator of transactional producers (versions 1 and 2,
// KIP-98, KIP-360, KIP-890).
//
// Each id is a state machine (transaction.h). The states are in memory and, with Kafka's own
// records, in __transaction_state. The end of a transaction is: "prepare" durable, then markers in
// all of its partitions, then, when they are durable, "complete"; a start that finds "prepare"
// writes the markers once more. EndTxn is answered after all of that: who has its answer sees what
// it committed, and no later request meets the end halfway (Kafka answers after "prepare", and
// clients then come back with CONCURRENT_TRANSACTIONS).
//
// That a partition joined is written before its data; no write is acknowledged before that is
// durable (mr_transactions_use). When the power goes before, the partition's own log still knows of
// the open transaction, and the start makes it join again.
//
// Who drives an end: the flusher's rounds (mr_transactions_flushed), the turn, and whoever asks.
// Threads: any; one mutex, which is not held while markers are written.

#pragma once

#include "broker/topics.h"
#include "broker/transaction.h"

mr_code mr_transactions_open(mr_broker *broker, mr_transactions **ret, mr_cx *cx);
void mr_transactions_close(mr_transactions *transactions, mr_cx *cx);  // Takes NULL.
// Timeouts and expired ids that are due; returns when to come back (monotonic).
int64_t mr_transactions_turn(mr_transactions *transactions, int64_t now_us, mr_cx *cx);

// A round of the flusher ended (flush.h): what waited for it goes on. Any thread, no lock held.
void mr_transactions_flushed(mr_transactions *transactions, mr_cx *cx);

typedef struct mr_transaction_use {
    mr_span transactional_id;
    int64_t producer_id;
    int16_t producer_epoch;
    mr_topic_partition *partition;  // That is written to.
    // The request's version lets a partition join the transaction by being written to (KIP-890):
    // Produce 12, TxnOffsetCommit 5.
    bool adds;
    // It knows TRANSACTION_ABORTABLE: Produce 11, TxnOffsetCommit 4.
    bool abortable;
    // Filled: what must be durable too before the write is acknowledged, that the partition is part
    // of the transaction. NULL = it is.
    mr_topic_partition *ret_waits_for;
    int64_t ret_offset;  // Until `high` is above.
} mr_transaction_use;
// Whether a transactional batch may be appended to a partition now; it is part of the transaction
// from then on. After NONE, mr_transactions_used must follow the append, whatever came of it: until
// then the transaction cannot end, so that no write slips in behind its marker.
//   ret_error  as a produce answer has it: INVALID_TXN_STATE, INVALID_PRODUCER_EPOCH,
//              INVALID_PRODUCER_ID_MAPPING, CONCURRENT_TRANSACTIONS, TRANSACTION_ABORTABLE …
mr_code mr_transactions_use(mr_transactions *transactions, mr_transaction_use *use,
                            int16_t *ret_error, mr_cx *cx);
void mr_transactions_used(mr_transactions *transactions, const mr_transaction_use *use);

// ---- what the handlers ask --------------------------------------------------------------------

// A request that is under way; zeroed it is new, and it is the same one until it was answered.
typedef struct mr_transactions_ticket {
    mr_transaction_producer producer;  // What the answer says, as soon as it is NONE.
    int32_t partition;                 // Of __transaction_state, whose record must be durable …
    int64_t offset;
    bool written;   // … if so.
    uint64_t ends;  // Of the id: the end that it waits for is the next one.
    bool ending;
} mr_transactions_ticket;

// Each gives an answer (a mr_kafka_error), or MR_TRANSACTIONS_PENDING: then what it waits for
// signals the watchers of the id, and it is to be asked again with the same ticket. Trouble with
// the disk is COORDINATOR_NOT_AVAILABLE, which clients ask again after.
#define MR_TRANSACTIONS_PENDING INT16_MIN

mr_watchers *mr_transactions_watchers(mr_transactions *transactions, mr_span id);
// Those of the id's partition of __transaction_state, to be watched as well; NULL while it is not
// there.
mr_watchers *mr_transactions_log_watchers(mr_transactions *transactions, mr_span id);
// Makes __transaction_state if it is missing: that takes syncs.
mr_code mr_transactions_log_make(mr_transactions *transactions, mr_cx *cx);
bool mr_transactions_has_log(mr_transactions *transactions);
// A producer id without a transactional id.
int16_t mr_transactions_producer(mr_transactions *transactions, int64_t *ret, mr_cx *cx);
// InitProducerId. init->fresh_id and now_ms are filled here, as below.
int16_t mr_transactions_begin(mr_transactions *transactions, mr_span id, mr_transaction_init *init,
                              mr_transactions_ticket *ticket, mr_cx *cx);
// Whether partitions may join under version 0 now: NONE or PENDING. Its epoch stays the same, so
// the end before must be known for good: a start that found it half done would end the new one.
int16_t mr_transactions_ready(mr_transactions *transactions, mr_span id);
int16_t mr_transactions_join(mr_transactions *transactions, mr_span id, mr_transaction_add *add,
                             mr_cx *cx);
// As for a produce request, without taking part.
int16_t mr_transactions_covers(mr_transactions *transactions, mr_span id,
                               mr_transaction_producer producer,
                               const mr_transaction_member *member);
int16_t mr_transactions_finish(mr_transactions *transactions, mr_span id, mr_transaction_end *end,
                               mr_transactions_ticket *ticket, mr_cx *cx);
// A copy in cx->arena.  false  not known
bool mr_transactions_find(mr_transactions *transactions, mr_span id, mr_transaction *ret,
                          mr_cx *cx);
// Copies of all without their members, by id.
mr_transaction *mr_transactions_list(mr_transactions *transactions, uint32_t *ret_count, mr_cx *cx);
