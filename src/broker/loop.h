// Loop: one server thread's calls: those that wait, until when, and those to be gone on with.
//
// Why: a call that waits must cost no thread, and whoever ends its wait (a flusher, another
// client's handler) must be able to say so from any thread. How: a signalled call is pushed on its
// loop's list without a lock, once until it is taken off, and the loop is woken only if it sleeps:
//
//   watcher: watch ─▶ look ─▶ park           signaller: change ─▶ signal: watched? push, wake
//   loop:    asleep = true ─▶ list empty? ─▶ wait          push ─▶ asleep? ─▶ wake
//
// Both sides write first and look then, so at least one of them sees the other: no wake-up is lost.
//
// Memory: calls and blocks are used again; a loop that has nothing to do gives them back. Threads:
// all but mr_loop_push belongs to the loop's thread.

#pragma once

#include "broker/call.h"
#include "plat/poller.h"

// Received bytes, counted: by the connection while it receives into it, and by each call whose
// frame lies in it.
typedef struct mr_block {
    struct mr_block *next;  // While it is spare.
    uint32_t references;
    uint32_t class_index;  // Of its size; the last one's blocks are not kept.
    size_t bytes;
    size_t charged;  // Towards queue_bytes_max.
    char data[];
} mr_block;

#define MR_LOOP_BLOCK_BYTES   ((size_t)64 << 10)  // Of the first class; each next one doubles it.
#define MR_LOOP_BLOCK_CLASSES 6                   // Up to 2 MiB.

typedef struct mr_loop {
    mr_broker *broker;
    mr_cx cx;
    mr_arena arena;  // For messages; cleared at every turn.
    // Calls that were signalled, last one first; any thread.
    _Atomic(mr_call *) signalled;
    atomic_bool asleep;
    mr_wake wake;      // Closed when the loop is driven by hand.
    mr_call **timers;  // A heap by deadline; heap memory.
    uint32_t timer_count;
    uint32_t timer_capacity;
    mr_call *spare_calls;
    uint32_t spare_call_count;
    mr_block *spare_blocks[MR_LOOP_BLOCK_CLASSES];
    size_t spare_block_bytes;
    void (*answered)(struct mr_loop *loop, mr_call *call);  // A call of this loop has its answer.
} mr_loop;

mr_code mr_loop_init(mr_loop *loop, mr_broker *broker, bool by_hand, mr_cx *cx);
void mr_loop_release(mr_loop *loop);              // All calls must have been freed.
void mr_loop_push(mr_loop *loop, mr_call *call);  // Any thread.
// Goes on with calls that were signalled or are late.
void mr_loop_run(mr_loop *loop);
// When the next call is late; INT64_MAX = never.
int64_t mr_loop_deadline(const mr_loop *loop);
// Gives spare memory back.
void mr_loop_trim(mr_loop *loop);

mr_call *mr_loop_call_new(mr_loop *loop);
// Of a call in any state: it is forgotten, wherever it waits.
void mr_loop_call_free(mr_loop *loop, mr_call *call);
// Runs a handler, or what a parked call goes on with; its answer follows by `answered`.
void mr_loop_step(mr_loop *loop, mr_call *call, mr_call_step *step);

// At least `bytes` of room; one reference.
mr_block *mr_loop_block_new(mr_loop *loop, size_t bytes);
void mr_loop_block_release(mr_loop *loop, mr_block *block);  // Takes NULL.
