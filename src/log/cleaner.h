// Cleaner: a compacted log's batches without what newer records of the same key replace.
//
// How: a first pass over the dirty end of the log puts the last offset of each key's hash into a
// table; a second copies batch by batch what is still wanted. Tombstones and the markers of
// transactions without data stay until their delete horizon, which is written into the batch when
// it is first copied (KIP-534). Batches keep their base and last offset; the last one of each
// producer stays, empty if need be, so that its sequence is not forgotten, and so does the last one
// of a segment, so that segments follow on without a gap.
// Source: Kafka's LogCleaner, MemoryRecords.filterTo.

#pragma once

#include "codec/record_batch.h"
#include "log/log.h"
#include "log/producers.h"
#include "log/segment.h"

typedef struct mr_cleaner mr_cleaner;

typedef struct mr_cleaner_options {
    const mr_log_aborted *aborted;  // Of the whole log below `end`, by first offset.
    uint32_t aborted_count;
    const mr_log_producer *producers;  // By id.
    const int64_t *producer_last;      // Last offset of each one's last batch; -1.
    uint32_t producer_count;
    int64_t now_ms;
    int64_t delete_retention_ms;
    uint64_t key_bytes_max;  // Of the table.
} mr_cleaner_options;

mr_cleaner *mr_cleaner_new(const mr_cleaner_options *options);  // Options are borrowed.
void mr_cleaner_free(mr_cleaner *cleaner);

// First pass. *ret_full: the table holds no more; the batch was not taken.
mr_code mr_cleaner_learn(mr_cleaner *cleaner, const mr_record_batch *batch, bool *ret_full,
                         mr_cx *cx);
// Second pass, over all batches from the log's beginning. Appends what is left of the batch to out;
// nothing if nothing is, unless keep_empty.
//   *ret_marker_gone  it was a marker, and its record is gone
mr_code mr_cleaner_filter(mr_cleaner *cleaner, const mr_record_batch *batch, bool keep_empty,
                          mr_text *out, bool *ret_marker_gone, mr_cx *cx);
