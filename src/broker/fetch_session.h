// Fetch session: what a client fetches, kept between its fetches (KIP-227).
//
// Why: without one a consumer of 1,000 partitions names all of them in every fetch and is told of
// every one of them, though nothing has moved. How: its first fetch names all and gets a session's
// id; a later one names what has changed (a new offset, a partition more or less) and is told of
// partitions that have records, other marks or an error. Each fetch says the session's epoch, one
// more each time, so that a lost request or answer is noticed; the client begins anew then.
//
// Sessions are held in memory only and their number is bounded: a client that gets none, or has
// lost it, goes on with whole lists. Whether it may read is asked at every fetch, not here.
// Order: partitions that gave records go behind the others, so that all have their turn.
// Threads: any; one mutex, held for a walk over the partitions of one session.

#pragma once

#include "base/cx.h"
#include "codec/kafka_error.h"
#include "wire/schema.h"

typedef struct mr_fetch_sessions mr_fetch_sessions;

typedef struct mr_fetch_wish {
    mr_span topic;          // Below version 13,
    mr_wire_uuid topic_id;  // from it on.
    mr_wire_fetch_partition partition;
} mr_fetch_wish;

// One fetch, from its request to its answer.
typedef struct mr_fetch_plan {
    const mr_fetch_wish *wishes;  // All that is to be looked at, in this order; in cx->arena.
    uint32_t count;
    int32_t session_id;  // What the answer says; 0 = none.
    int32_t epoch;       // Of the session, from now on.
    bool by_id;          // Topics are named by their ids.
    bool opens;          // It asks for a session.
} mr_fetch_plan;

// slots: how many there may be; 0 = none.
mr_fetch_sessions *mr_fetch_sessions_open(uint32_t slots, mr_plat *plat);
void mr_fetch_sessions_close(mr_fetch_sessions *sessions);  // Takes NULL.

// A request: brings its session up to date.
//   ret  a mr_kafka_error, of the whole fetch
int16_t mr_fetch_sessions_begin(mr_fetch_sessions *sessions, const mr_wire_fetch_request *request,
                                bool by_id, mr_fetch_plan *ret, mr_cx *cx);
// Its answer: `data` has one item for each wish, and ret_told says which of them the client is
// told.
//   ret  a mr_kafka_error, of the whole fetch; nothing is told then
int16_t mr_fetch_sessions_end(mr_fetch_sessions *sessions, mr_fetch_plan *plan,
                              const mr_wire_fetch_data *data, bool *ret_told, mr_cx *cx);
