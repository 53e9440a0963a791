// Produce: lines to a topic, as fast as the cluster takes them.
//
// Idempotent, acks=all; partitions are dealt by the caller, or by the records' keys. Threads: one
// owner.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_produce mr_produce;

// Connects; the topic is made with `partitions` when it is missing.  errors  MR_E_NETWORK
mr_code mr_produce_open(const char *bootstrap_servers, const char *topic, int32_t partitions,
                        mr_produce **ret, mr_cx *cx);
uint32_t mr_produce_partitions(const mr_produce *produce);
// Hands one record over; waits while the client's queue is full.
//   partition  -1: by the key, as Java's clients do      key  data NULL = none
mr_code mr_produce_send(mr_produce *produce, int32_t partition, mr_span key, mr_span value,
                        mr_cx *cx);
// Waits until all that was sent is acknowledged.  errors  MR_E_NETWORK with how many were not
mr_code mr_produce_flush(mr_produce *produce, mr_cx *cx);
void mr_produce_close(mr_produce *produce);  // Takes NULL.
