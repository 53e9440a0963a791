// Producers: what a log knows of those that write to it with an id: their epoch, their last five
// batches, their open transaction.
//
// Why: a producer that did not hear an answer sends its batch again; it must be found to be there
// already, whatever happened in between, a kill too. All of it is made of the batches alone, so a
// start replays them behind the newest snapshot.
// Threads: under the log's mutex. Source: Kafka's ProducerStateManager, ProducerAppendInfo;
// KIP-98, KIP-360, KIP-890.

#pragma once

#include "codec/record_batch.h"
#include "log/log.h"

#define MR_PRODUCER_BATCHES 5

typedef struct mr_producer_batch {
    int32_t first_sequence;
    int32_t last_sequence;
    int64_t last_offset;
    int32_t offset_delta;  // Of its last offset to its base.
    int64_t timestamp_ms;
} mr_producer_batch;

typedef struct mr_producer {
    int64_t id;
    int16_t epoch;              // -1 = none is known.
    int32_t coordinator_epoch;  // -1 = no transaction ended.
    int64_t last_timestamp_ms;
    int64_t transaction_first;  // -1 = none is open.
    uint32_t batch_count;
    mr_producer_batch batches[MR_PRODUCER_BATCHES];  // Of this epoch; the oldest first.
} mr_producer;

typedef struct mr_producers mr_producers;

mr_producers *mr_producers_new(void);
void mr_producers_free(mr_producers *producers);  // Takes NULL.
void mr_producers_clear(mr_producers *producers);
uint32_t mr_producers_count(const mr_producers *producers);
const mr_producer *mr_producers_find(const mr_producers *producers, int64_t id);  // NULL: none.
const mr_producer *mr_producers_at(const mr_producers *producers, uint32_t index);

// Whether a producer's batch may be appended. In *ret an error and its reason, or a duplicate with
// its offsets.
void mr_producers_check(const mr_producers *producers, const mr_record_batch *batch,
                        mr_log_origin origin, mr_log_appended *ret, mr_cx *cx);
// The same of a marker.
void mr_producers_check_end(const mr_producers *producers, const mr_log_end *end,
                            mr_log_appended *ret, mr_cx *cx);

// A transaction that ended.
typedef struct mr_producers_ended {
    bool ended;  // False: none was open.
    bool aborted;
    int64_t producer_id;
    int64_t first_offset;
    int64_t last_offset;  // Of the marker.
    int64_t stable;       // The first open transaction behind it, or what follows the marker.
} mr_producers_ended;
// A batch is in the log: at the time it is appended, and when it is replayed. Those without a
// producer id pass by. A control batch must be whole.
void mr_producers_take(mr_producers *producers, const mr_record_batch *batch,
                       mr_producers_ended *ret);
// The first offset that belongs to a transaction which is open, or whose end is at or behind
// `high`; INT64_MAX = none.
int64_t mr_producers_unstable(mr_producers *producers, int64_t high);
// Those without a transaction whose last batch is older.
void mr_producers_expire(mr_producers *producers, int64_t before_ms);

// ---- snapshots -------------------------------------------------------------------------------

// Kafka's file: all producers as of an offset, with their last batch.
void mr_producers_save(const mr_producers *producers, mr_text *out);
// Replaces all.  errors  MR_E_CORRUPT, and there are none then
mr_code mr_producers_load(mr_producers *producers, mr_span data, mr_cx *cx);
