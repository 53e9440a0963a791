// Distinct: DISTINCT ON (keys), the rows of each key after the first dropped while its id lives.
//
// Each worker owns the key groups g with g % worker_count == worker. push hashes the keys and hands
// each row to its owner through the exchange; the owner's half looks the ids up and passes the new
// rows on. Which of a partition's rows is first is their order in the partition; between
// partitions, arrival.

#pragma once

#include "exec/exchange.h"
#include "exec/op.h"

// The chunk being sent, set by the worker around a chunk's pushes; NULL: rows go straight to the
// owner's half.
void mr_op_distinct_route(mr_op *op, mr_exchange_message *messages);
// The owner's half: the batch carries hashes.
mr_code mr_op_distinct_insert(mr_op *op, const mr_batch *in, mr_cx *cx);
// Ids added since the last call: swapped into *ret, whose memory is used again.
void mr_op_distinct_take_delta(mr_op *op, mr_text *ret);
// All live ids of one key group that this worker owns.
void mr_op_distinct_save(mr_op *op, uint32_t key_group, mr_text *out);
// Puts saved ids; those of other owners are passed over. errors MR_E_CORRUPT
mr_code mr_op_distinct_load(mr_op *op, mr_span saved, mr_cx *cx);
void mr_op_distinct_drop_key_group(mr_op *op, uint32_t key_group);
uint64_t mr_op_distinct_bytes(const mr_op *op);
uint64_t mr_op_distinct_ids(const mr_op *op);
uint64_t mr_op_distinct_dropped(const mr_op *op);  // Duplicates, since open.
