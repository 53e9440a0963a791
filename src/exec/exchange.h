// Exchange: carries rows from the worker that decoded them to the workers that own their keys.
//
// A worker collects what each owner gets of one source chunk and sends it as one message an owner
// (an empty one too), numbered by lane and sequence; the owner takes a lane's messages in order, so
// the order of a partition is kept. Rows are not moved: a message is selections over the chunk's
// batches, and a reference on its hold. Sending never blocks; the driver lets a worker take a new
// chunk only while every inbox has room.

#pragma once

#include "column/batch.h"
#include "plat/thread.h"

typedef struct mr_exchange_item {
    uint32_t plan;  // Id of the keyed node that the rows are for.
    mr_batch batch;
} mr_exchange_item;

typedef struct mr_exchange_message {
    struct mr_exchange_message *next;
    uint32_t lane;
    uint64_t sequence;
    uint64_t claim;           // The sender's: of the chunk, over all lanes.
    mr_hold *hold;            // One reference.
    mr_exchange_item *items;  // In the hold's arena.
    uint32_t item_count;
    uint32_t item_capacity;
} mr_exchange_message;

typedef struct mr_inbox mr_inbox;

struct mr_exchange {
    uint32_t worker_count;
    uint32_t lane_count;
    mr_inbox *inboxes;
    atomic_uint in_flight;  // Messages sent and not yet done with.
};
typedef struct mr_exchange mr_exchange;

void mr_exchange_init(mr_exchange *exchange, uint32_t worker_count);
void mr_exchange_release(mr_exchange *exchange);
// Makes room for more lanes. Only while no worker runs.
void mr_exchange_set_lanes(mr_exchange *exchange, uint32_t lane_count);
// An empty message a worker for one chunk: worker_count of them, in the hold's arena.
mr_exchange_message *mr_exchange_start(mr_exchange *exchange, uint32_t lane, uint64_t sequence,
                                       uint64_t claim, mr_hold *hold);
void mr_exchange_add(mr_exchange_message *message, uint32_t plan, const mr_batch *batch);
// Sends one chunk's messages, one to each worker.
void mr_exchange_send(mr_exchange *exchange, mr_exchange_message *messages);
// The next message for a worker whose turn it is in its lane, or NULL. The caller hands it to done.
mr_exchange_message *mr_exchange_receive(mr_exchange *exchange, uint32_t worker);
void mr_exchange_done(mr_exchange *exchange, mr_exchange_message *message);
bool mr_exchange_has_room(mr_exchange *exchange);
// Waits until something is sent to this worker, or the time is over.
void mr_exchange_wait(mr_exchange *exchange, uint32_t worker, int64_t timeout_us);
void mr_exchange_wake(mr_exchange *exchange);  // All workers.
