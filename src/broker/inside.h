// Inside: what the files of the server share of a broker.
//
// Handlers use broker.h and call.h, which say what they may know.
//
// Also: mr_broker_

#pragma once

#include "broker/access.h"
#include "broker/listen.h"
#include "broker/loop.h"
#include "broker/quotas.h"
#include "broker/sasl.h"
#include "broker/tls.h"
#include "plat/thread.h"

#define MR_BROKER_STRIPES 64

// Of say.c: lines about some addresses and reasons.
typedef struct mr_say_limit {
    int64_t since_us;
    uint32_t said;
    uint32_t left_out;
} mr_say_limit;

struct mr_broker {
    mr_broker_spec spec;
    mr_arena arena;  // Lives as long as the broker; one thread at a time, at open and close.
    mr_plat *plat;
    mr_lock lock;
    bool locked;
    mr_flusher *flusher;
    mr_topics *topics;
    mr_groups *groups;
    mr_transactions *_Atomic transactions;
    atomic_uint flushed_calls;  // Of the flusher, into the transactions, under way.
    mr_access *access;
    mr_quotas *quotas;
    mr_fetch_sessions *fetch_sessions;
    mr_tls_context *tls;       // NULL: no listener has it.
    struct mr_server *server;  // NULL: by hand.
    mr_loop *hand;             // By hand: its only loop.
    mr_client *hand_client;
    mr_mutex listen_mutex;  // Of the lists of embedded.c's listeners.
    mr_listen *listens;
    uint32_t listen_count;
    // Locks of watchers, by their address: a list of watchers is short, and held for moments.
    mr_mutex stripes[MR_BROKER_STRIPES];
    atomic_size_t charged;   // Bytes of requests that were received and not answered.
    struct mr_clerk *clerk;  // NULL: by hand.
    mr_mutex say_mutex;
    mr_say_limit say_limits[256];
    // The thread that calls what is due.
    mr_thread upkeep;
    mr_mutex upkeep_mutex;
    mr_condition upkeep_moved;
    int64_t upkeep_due_us;
    bool upkeep_ends;
};

// A connection, as far as handlers see it.
struct mr_client {
    mr_broker *broker;
    const mr_listen *listen;
    const char *principal;
    bool in_process;      // The program itself, which may do everything.
    char host[48];        // Of the other side.
    char local_host[48];  // What it has dialled.
    uint16_t local_port;
    char software[64];  // What it says it is, "name version", or "".
    mr_sasl_session sasl;
    char *certified;  // Who its certificate says it is; heap, or NULL.
};

// Requests' bytes came, or went. The server stops reading while there are too many.
void mr_broker_charge(mr_broker *broker, size_t bytes);
void mr_broker_uncharge(mr_broker *broker, size_t bytes);
bool mr_broker_is_full(const mr_broker *broker);

// ---- dispatch.c: from a frame to an answer -----------------------------------------------------

// Whether the next frame is a bare token of SASL, which may be short.
bool mr_dispatch_wants_token(const mr_client *client);
// What a frame asks, without looking further than at its first bytes; false when it is too short.
bool mr_dispatch_peek(mr_span frame, int16_t *ret_key);
// Reads a frame into a call and runs its handler. The frame must stay until the call is freed.
//   errors  MR_E_CORRUPT, MR_E_LIMIT, MR_E_UNSUPPORTED: nothing ran, the connection cannot go on
mr_code mr_dispatch(mr_call *call, mr_span frame, mr_cx *cx);
// Writes an answered call's frame into call->answer and call->holes.  errors  MR_E_LIMIT
mr_code mr_dispatch_answer(mr_call *call, mr_cx *cx);
