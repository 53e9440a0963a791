// Embedded: the broker of this process, as pipelines see it.
//
// Why: beside the broker a pipeline needs no socket. What is rare (making a topic, offsets, a
// transaction's end) are Kafka's own requests, answered by the same handlers that clients get, so
// that a client is the same code against any cluster. Only the hot path differs: batches are read
// from the log's files straight into the buffer that they are decoded in. How: a vtable, so that
// kafka needs to know neither broker nor log. Threads: any.

#pragma once

#include "base/cx.h"

typedef struct mr_embedded mr_embedded;
typedef struct mr_embedded_log mr_embedded_log;  // A partition, as one reader has it.

typedef struct mr_embedded_marks {
    int64_t first;
    int64_t stable;  // Where a reader must stop: what is behind may be aborted yet.
} mr_embedded_marks;

// A run of whole record batches in a file; it can be read while it is held.
typedef struct mr_embedded_slice {
    void *held;  // NULL = nothing is there.
    uint64_t bytes;
    int64_t next;  // Offset behind its last batch.
} mr_embedded_slice;

typedef struct mr_embedded_aborted {
    int64_t producer_id;
    int64_t first_offset;
    int64_t last_offset;
} mr_embedded_aborted;

// A request, with structs of wire/schema.h.
typedef struct mr_embedded_ask {
    const char *client_id;
    int16_t key;
    int16_t version;
    const void *request;
    void *response;  // To be filled; what it points to is in cx->arena.
} mr_embedded_ask;

typedef struct mr_embedded_type {
    // Puts a request to the broker and waits for the answer.
    //   errors  MR_E_UNSUPPORTED for a key or version that is not served; MR_E_CANCELLED when the
    //           broker closes
    mr_code (*ask)(mr_embedded *embedded, const mr_embedded_ask *ask, mr_cx *cx);
    // errors  MR_E_MISSING
    mr_code (*log_open)(mr_embedded *embedded, const char *topic, uint32_t partition,
                        mr_embedded_log **ret, mr_cx *cx);
    void (*log_close)(mr_embedded_log *log);
    // Calls moved(self), from any thread and with locks held that forbid to call back, when there
    // may be more to read; until log_close, which waits for a call that is under way.
    void (*watch)(mr_embedded_log *log, void (*moved)(void *self), void *self);
    // errors  MR_E_MISSING when the topic was deleted, MR_E_IO when the partition is offline
    mr_code (*marks)(mr_embedded_log *log, mr_embedded_marks *ret, mr_cx *cx);
    // Batches from the one that holds `offset` on, below `stable`; at least one, if there is any.
    //   errors  as of marks; MR_E_MISSING when the offset is gone
    mr_code (*locate)(mr_embedded_log *log, int64_t offset, uint64_t bytes_max,
                      mr_embedded_slice *ret, mr_cx *cx);
    // Returns when all that was located in these logs survives a power cut (durability kafka shows
    // it before): who writes down that it has read so far calls it first.  errors  as of marks
    mr_code (*settle)(mr_embedded_log *const *logs, uint32_t count, mr_cx *cx);
    mr_code (*load)(const mr_embedded_slice *slice, void *data, mr_cx *cx);  // slice->bytes
    void (*release)(mr_embedded_slice *slice);                               // Takes an empty one.
    // Aborted transactions that reach into a slice, by first offset, as of when it was located: as
    // long as it is held, its records are there, and so is what is to be known about them.
    const mr_embedded_aborted *(*aborted)(const mr_embedded_slice *slice, uint32_t *ret_count);
} mr_embedded_type;

struct mr_embedded {
    const mr_embedded_type *type;
};

// As address of a cluster: the broker of this process, or of the process that owns the project.
#define MR_EMBEDDED "embedded"
