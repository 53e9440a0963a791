// Fetch, inside: the native client's state, shared by fetch.c (the caller's side), fetch_broker.c
// (a thread for each broker that leads a partition) and fetch_ask.c (questions, and the thread that
// asks them).
//
//   caller ── take ◀── queue of chunks, one a partition ◀── fetch_broker ◀── socket
//      └── bounds, refresh … ──▶ cluster (ask_mutex) ◀── fetch_ask: leaders that moved, commits
//
// Why a thread a broker: it waits in one place, so there is no state of half-received answers; and
// it receives the next answer while workers decode the one before. Bounded: a partition is asked
// for while its queue is short, and all buffers together stay below FETCH_BUFFERS_BYTES.
// Locks: ask_mutex before mutex; ask_mutex is held over the network, mutex never.

#pragma once

#include "kafka/cluster.h"
#include "kafka/consume_type.h"
#include "kafka/fetch.h"
#include "plat/thread.h"

#define FETCH_BUFFERS_BYTES ((size_t)48 << 20)
#define FETCH_ASK_US        ((int64_t)5 * 1000000)  // For answers of a broker that was reached.
#define FETCH_ASK_DOWN_US   ((int64_t)200000)       // While none can be reached.
#define FETCH_PAUSE_US      ((int64_t)100000)       // Before a partition without leader is retried.

typedef struct mr_fetch mr_fetch;

typedef struct fetch_config {
    char *client_id;
    char *servers;
    int32_t wait_ms;
    int32_t min_bytes;
    int32_t max_bytes;            // Of an answer.
    int32_t partition_max_bytes;  // Of a partition in it.
    uint64_t queue_bytes;         // Of a partition's queue.
    int64_t timeout_us;
    int64_t backoff_us;
    int64_t backoff_us_max;
    int8_t isolation;  // 1 = read_committed.
    bool verify;       // Checksums: done by readers.
} fetch_config;

typedef struct fetch_partition {
    int32_t leader;  // Node, or MR_CLUSTER_NOBODY.
    bool started;
    bool asked;           // In a request that is not answered.
    uint32_t generation;  // Counts starts: an answer to an older one is dropped.
    int64_t next;         // Offset to ask for.
    int64_t stable;       // Up to where there is something to read; -1 = not known yet.
    int64_t retry_us;     // Not asked for before.
    mr_fetch_chunk *first;
    mr_fetch_chunk *last;
    uint64_t queued_bytes;
    mr_code code;  // Why it is not asked for any more; MR_OK else.
    bool gone;     // The wished offset is out of range.
    char text[256];
} fetch_partition;

// A broker that leads partitions, and the thread that fetches from it.
typedef struct fetch_broker {
    mr_fetch *fetch;
    int32_t node;
    mr_link_address address;  // Under the mutex.
    mr_condition work;        // There may be something to ask for.
    mr_thread thread;
    uint32_t turn;  // The partition that is first in the next request.
    bool failed;    // The last try did not reach it.
} fetch_broker;

struct mr_fetch {
    mr_consume base;
    mr_plat *plat;
    char *topic;
    char *group;
    fetch_config config;
    mr_wake closing;
    atomic_bool down;
    // Under ask_mutex.
    mr_mutex ask_mutex;
    mr_cluster cluster;
    // Under mutex.
    mr_mutex mutex;
    mr_condition arrived;  // Something for take.
    bool ready;
    mr_wire_uuid topic_id;
    fetch_partition **partitions;  // base.partition_count of them.
    fetch_broker **brokers;
    uint32_t broker_count;
    uint64_t queued_bytes;  // Of all partitions.
    bool stopping;
    mr_condition ask;  // For the asking thread.
    mr_condition asked;
    mr_thread asker;
    bool refresh_wanted;
    bool commit_wanted;
    bool committing;
    int64_t *commit_offsets;
    uint32_t commit_count;
    struct fetch_buffers *buffers;
};

// ---- buffers: used again, since new memory costs a page fault every 4 KiB -----------------------

struct mr_fetch_buffer {
    atomic_uint refs;
    struct fetch_buffers *owner;
    size_t capacity;
    char *data;
};

struct fetch_buffers *mr_fetch_buffers_new(void);
mr_fetch_buffer *mr_fetch_buffers_take(struct fetch_buffers *buffers, size_t bytes);
size_t mr_fetch_buffers_bytes(struct fetch_buffers *buffers);  // That are in use.
void mr_fetch_buffers_close(struct fetch_buffers *buffers);    // Lives until the last is back.

// ---- parts -----------------------------------------------------------------------------------

// Makes threads for new brokers and tells all that leaders may have moved. Under mutex and
// ask_mutex.
mr_code mr_fetch_lead(mr_fetch *fetch, mr_cx *cx);
void *mr_fetch_broker_run(void *self);
void *mr_fetch_ask_run(void *self);
// Under mutex: the partition fails with this, once its queue is drained.
void mr_fetch_spoil(fetch_partition *partition, mr_code code, const char *text);
// Under mutex.
void mr_fetch_tell(mr_fetch *fetch);
// Asks for leaders, and makes the topic when it is missing.
mr_code mr_fetch_ask_open(mr_fetch *fetch, const mr_consume_options *options, mr_cx *cx);
mr_code mr_fetch_ask_refresh(mr_consume *base, mr_cx *cx);
mr_code mr_fetch_ask_bounds(mr_consume *base, uint32_t partition, int64_t *ret_first,
                            int64_t *ret_next, mr_cx *cx);
mr_code mr_fetch_ask_at_time(mr_consume *base, uint32_t partition, int64_t time_ms, int64_t *ret,
                             mr_cx *cx);
// Under ask_mutex and mutex: makes the partitions up to what the cluster names.
void mr_fetch_widen(mr_fetch *fetch);
