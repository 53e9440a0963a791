// Call: one request of a client, from the decoded message to the answer.
//
// A handler gets the request as the schema's struct, fills the response's struct, and returns: then
// the answer goes out. Or it parks the call: it says what it waits for (watches) and until when,
// and is resumed by the connection's own thread when a watch was signalled or the time is up; there
// it fills the response, or parks again. Answers leave a connection in the order of its requests.
//
// Memory: request, response and what they point to live in call->arena (also cx->arena in handlers)
// until the answer is sent. Threads: a call belongs to the thread of its connection; watchers are
// signalled from any.

#pragma once

#include "broker/broker.h"
#include "codec/kafka_error.h"
#include "log/log.h"
#include "plat/thread.h"
#include "wire/schema.h"

typedef struct mr_call mr_call;
typedef void mr_call_step(mr_call *call, mr_cx *cx);

// What calls wait for: a partition's marks, a group's state. Zeroed it is empty.
typedef struct mr_watchers {
    struct mr_watch *first;
} mr_watchers;

typedef struct mr_client mr_client;  // A connection, as far as handlers see it.

struct mr_call {
    mr_broker *broker;
    mr_client *client;
    mr_wire_head head;  // Key, version, client id.
    mr_arena *arena;
    const void *request;  // mr_wire_<key>_request
    void *response;       // mr_wire_<key>_response, cleared.
    int64_t received_us;  // Monotonic.
    bool silent;          // No answer is sent (produce with acks 0).
    bool hang_up;         // The connection is closed after the answer.
    void *state;          // A handler's own, in the arena, kept while the call is parked.
    // Records of the response that are sent from their files: see mr_call_attach.
    struct mr_call_attachment *attachments;
    // Of the loop.
    mr_call_step *resume;
    int64_t deadline_us;  // Monotonic; INT64_MAX = none.
    struct mr_watch *watches;
    mr_call *next;
};

// Leaves the call open. `resume` runs when a watch is signalled, or at deadline_us. Return from the
// handler right after it.
void mr_call_park(mr_call *call, int64_t deadline_us, mr_call_step *resume);
// Adds a watch; all are taken off before resume runs. Add watches *before* looking at what they
// are about: a signal between the two resumes at once, and none is lost.
void mr_call_watch(mr_call *call, mr_watchers *watchers);
void mr_call_unwatch(mr_call *call);  // Takes all off: the handler answers after all.
// Resumes every call that watches. Any thread; takes no lock but its own.
void mr_watchers_signal(mr_broker *broker, mr_watchers *watchers);
bool mr_call_is_late(const mr_call *call);  // Its deadline has passed.

// Makes a records field of the response stand for a slice of a log; the call holds the slice's
// reference until the answer is sent. Returns what to put into the field.
mr_span mr_call_attach(mr_call *call, const mr_log_slice *slice);

// ---- who asks --------------------------------------------------------------------------------

const char *mr_client_host(const mr_client *client);       // "127.0.0.1"
const char *mr_client_principal(const mr_client *client);  // "User:ANONYMOUS"
const char *mr_client_id(const mr_call *call);             // "" when there is none.
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

// Whether the caller may; always true while no authorizer is on.
bool mr_call_may(const mr_call *call, mr_operation operation, mr_resource resource, mr_span name);

// ---- the table -------------------------------------------------------------------------------

// A row of the server's table: a key, the versions it is offered in, and who answers it.
typedef struct mr_api {
    int16_t key;
    int16_t version_min;  // As advertised.
    int16_t version_max;
    const char *name;
    mr_call_step *handle;
} mr_api;

// api.c: the table of all keys; each api_<family>.c declares its handlers in api.h.
const mr_api *mr_api_find(int16_t key);  // NULL: not served, not advertised.
const mr_api *mr_api_list(size_t *ret_count);
