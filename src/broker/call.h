// Call: one request of a client, from the decoded message to the answer.
//
// A handler gets the request as the schema's struct, fills the response's struct, and returns: then
// the answer goes out. Or it parks the call: it says what it waits for (watches) and until when,
// and is resumed by the connection's own thread when a watch was signalled or the time is up; there
// it fills the response, or parks again. Answers leave a connection in the order of its requests.
//
// Memory: request, response and what they point to live in call->arena (also cx->arena in handlers)
// until the answer is sent. Threads: a call belongs to the thread of its connection; watchers are
// signalled from any. What a call left its thread with is done on the clerk's.

#pragma once

#include "broker/broker.h"
#include "broker/quotas.h"
#include "codec/kafka_error.h"
#include "log/log.h"
#include "plat/thread.h"
#include "wire/schema.h"

typedef void mr_call_step(mr_call *call, mr_cx *cx);

// What calls wait for: a partition's marks, a group's state. Zeroed it is empty. It must not go
// away while a call may watch it.
typedef struct mr_watchers {
    _Atomic(struct mr_watch *) first;
} mr_watchers;

typedef struct mr_client mr_client;  // A connection, as far as handlers see it.

// A part of an answer that is sent from a log's file.
typedef struct mr_call_attachment {
    mr_log_slice slice;
    struct mr_call_attachment *next;
} mr_call_attachment;

typedef enum mr_call_phase {
    MR_CALL_WORKING,   // In a handler.
    MR_CALL_PARKED,    // Until a watch or its deadline.
    MR_CALL_AWAY,      // With the clerk.
    MR_CALL_ANSWERED,  // Its answer waits for its turn to be sent.
    MR_CALL_FREED,     // Forgotten, but still on a list of signalled calls.
} mr_call_phase;

#define MR_CALL_NO_TIMER UINT32_MAX

struct mr_call {
    mr_broker *broker;
    mr_client *client;
    mr_wire_head head;  // Key, version, client id.
    mr_arena *arena;
    const void *request;  // mr_wire_<key>_request
    void *response;       // mr_wire_<key>_response, cleared.
    int64_t received_us;  // Monotonic.
    bool silent;          // No answer is sent (produce with acks 0).
    bool raw;             // A bare token of SASL: the answer is written already.
    bool hang_up;         // The connection is closed after the answer.
    void *state;          // A handler's own, in the arena, kept while the call is parked.
    // Lets go what the state holds (references). Called once the answer is sent, or the call
    // forgotten because its connection is gone. May be NULL.
    void (*release)(mr_call *call);
    // Records of the response that are sent from their files: see mr_call_attach.
    mr_call_attachment *attachments;
    mr_call_attachment *attachments_last;
    // Of the loop.
    struct mr_loop *loop;
    mr_call_phase phase;
    atomic_bool signalled;    // It is on its loop's list.
    mr_call *next_signalled;  // There.
    mr_call_step *resume;
    mr_call_step *away;   // What the clerk is to do.
    int64_t deadline_us;  // Monotonic; INT64_MAX = none.
    uint32_t timer;       // Its place in the loop's heap.
    struct mr_watch *watches;
    struct mr_watch *spare_watches;
    mr_arena own_arena;
    // Of the connection.
    struct mr_connection *connection;  // NULL: by hand.
    mr_call *next;                     // The connection's next request.
    struct mr_block *block;            // Holds the frame; a reference.
    size_t frame_bytes;
    size_t charged;       // Of its own arena while it waits, towards queue_bytes_max.
    mr_text answer;       // The frame of the answer but for what is attached.
    mr_wire_hole *holes;  // Where that belongs, in order: their marks are attachments.
    uint32_t hole_count;
    uint32_t holes_sent;
    size_t answer_sent;  // Bytes of `answer`.
    uint64_t hole_sent;  // Bytes of the hole that is being sent.
};

// Leaves the call open. `resume` runs when a watch is signalled, or at deadline_us. Return from the
// handler right after it.
void mr_call_park(mr_call *call, int64_t deadline_us, mr_call_step *resume);
// Goes on elsewhere, with what waits for the disk: `step` runs on another thread (clerk.h), or
// right after the handler where there is none (by hand, for who waits anyway), and answers; it may
// not park. Return from the handler right after it.
void mr_call_leave(mr_call *call, mr_call_step *step);
// Adds a watch; all are taken off before resume runs. Add watches *before* looking at what they
// are about: a signal between the two resumes at once, and none is lost.
void mr_call_watch(mr_call *call, mr_watchers *watchers);
void mr_call_unwatch(mr_call *call);  // Takes all off: the handler answers after all.
// Resumes every call that watches. Any thread; takes no lock but its own, so it may be called with
// others held.
void mr_watchers_signal(mr_broker *broker, mr_watchers *watchers);
bool mr_call_is_late(const mr_call *call);  // Its deadline has passed.

// Makes a records field of the response stand for a slice of a log, which is not empty. The slice's
// reference is the call's from then on, until the answer is sent. Returns what to put into the
// field.
mr_span mr_call_attach(mr_call *call, const mr_log_slice *slice);

// ---- who asks --------------------------------------------------------------------------------

const char *mr_client_host(const mr_client *client);       // "127.0.0.1"
const char *mr_client_principal(const mr_client *client);  // "User:ANONYMOUS"
const char *mr_client_id(const mr_call *call);             // "" when there is none.
// What it says it is.
void mr_client_set_software(mr_client *client, mr_span name, mr_span version);
// The address that this client reaches us at: what its listener advertises, by default what it
// dialled.
void mr_client_advertised(const mr_client *client, const char **ret_host, uint16_t *ret_port);

// Kafka's operations and kinds of resources, by their numbers.
typedef enum mr_operation {
    MR_OPERATION_ANY = 1,
    MR_OPERATION_ALL = 2,
    MR_OPERATION_READ = 3,
    MR_OPERATION_WRITE = 4,
    MR_OPERATION_CREATE = 5,
    MR_OPERATION_DELETE = 6,
    MR_OPERATION_ALTER = 7,
    MR_OPERATION_DESCRIBE = 8,
    MR_OPERATION_CLUSTER_ACTION = 9,
    MR_OPERATION_DESCRIBE_CONFIGS = 10,
    MR_OPERATION_ALTER_CONFIGS = 11,
    MR_OPERATION_IDEMPOTENT_WRITE = 12,
} mr_operation;

typedef enum mr_resource {
    MR_RESOURCE_TOPIC = 2,
    MR_RESOURCE_GROUP = 3,
    MR_RESOURCE_CLUSTER = 4,  // Its name is "kafka-cluster".
    MR_RESOURCE_TRANSACTIONAL_ID = 5,
} mr_resource;

// Bytes moved for the caller: for how long it should wait, in milliseconds, by its quota.
int32_t mr_call_throttle(const mr_call *call, mr_quota_kind kind, uint64_t bytes);
// Whether the caller may; always true while no authorizer is on.
bool mr_call_may(const mr_call *call, mr_operation operation, mr_resource resource, mr_span name);
// Whether it may with one at least.
bool mr_call_may_some(const mr_call *call, mr_operation operation, mr_resource resource);

// ---- the table -------------------------------------------------------------------------------

// A row of the server's table: a key, the versions it is offered in, and who answers it.
typedef struct mr_api {
    int16_t key;
    int16_t version_min;  // As advertised.
    int16_t version_max;
    bool away;  // It is left for the clerk before it is handled.
    const char *name;
    mr_call_step *handle;
} mr_api;

// api.c: the table of all keys; each api_<family>.c declares its handlers in api.h.
const mr_api *mr_api_find(int16_t key);  // NULL: not served, not advertised.
const mr_api *mr_api_list(size_t *ret_count);
