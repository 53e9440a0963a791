// Transactions: producer ids, and the coordinator of transactional producers (versions 1 and 2,
// KIP-98, KIP-360, KIP-890).
//
// State is in memory and, with Kafka's own records, in __transaction_state. On one node the end of
// a transaction is: "prepare" durable, then all markers, then "complete"; a start that finds
// "prepare" writes the markers once more.

#pragma once

#include "broker/topics.h"

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
} mr_transaction_use;
// Whether a transactional batch may be appended to a partition now; it is part of the transaction
// from then on. After NONE, mr_transactions_used must follow the append, whatever came of it: until
// then the transaction cannot end, so that no write slips in behind its marker.
//   ret_error  as a produce answer has it: INVALID_TXN_STATE, INVALID_PRODUCER_EPOCH,
//              INVALID_PRODUCER_ID_MAPPING, CONCURRENT_TRANSACTIONS, TRANSACTION_ABORTABLE …
mr_code mr_transactions_use(mr_transactions *transactions, const mr_transaction_use *use,
                            int16_t *ret_error, mr_cx *cx);
void mr_transactions_used(mr_transactions *transactions, const mr_transaction_use *use);
