// Server: listeners, and the threads that their connections live on.
//
// How: each thread has a loop (loop.h) and a poller; the first one also has the listeners and gives
// a new connection to the thread that has the fewest. A connection never moves, so nothing of it
// needs a lock. An idle one costs its struct and the kernel's socket: no buffer, no thread, no
// look.
//
// Also: mr_connection_

#pragma once

#include "broker/inside.h"

typedef struct mr_server mr_server;
typedef struct mr_server_thread mr_server_thread;

// One client's connection: frames in, calls in order, answers out.
typedef struct mr_connection {
    mr_client client;  // First member: what handlers see.
    mr_server_thread *thread;
    mr_socket socket;
    mr_tls *tls;      // NULL: plain.
    mr_block *block;  // Bytes that came and are not handled yet: from `at` to `end`. May be NULL.
    size_t at;
    size_t end;
    mr_call *first;  // Requests in the order in which they came and will be answered.
    mr_call *last;
    uint32_t call_count;
    uint32_t open_count;          // Of these, without an answer so far.
    uint32_t wishes;              // As the poller was told.
    bool blocked;                 // The socket takes no more for now.
    bool end_seen;                // The other side sends no more …
    bool ended;                   // … and all that it sent was read.
    bool closing;                 // Takes no more; closed once its answers are sent.
    bool hung_up;                 // Sends no more: an answer has ended it.
    bool dead;                    // Closed; freed at the end of the thread's turn.
    bool starved;                 // Reads nothing while the broker has too many requests.
    bool dirty;                   // On the thread's list of those to be looked after.
    bool greeted;                 // Its first bytes were those of Kafka's protocol.
    int64_t active_us;            // When something last came or went.
    int64_t begun_us;             // When the frame that is coming began.
    struct mr_connection *older;  // The thread's connections by active_us.
    struct mr_connection *newer;
    struct mr_connection *next;  // On the list of dirty or dead ones, or on its way to its thread.
} mr_connection;

struct mr_server_thread {
    mr_loop loop;  // First member.
    mr_server *server;
    mr_poller poller;
    mr_thread thread;
    atomic_uint connection_count;
    mr_connection *oldest;
    mr_connection *newest;
    mr_connection *dirty;
    mr_connection *dead;
    uint32_t starved_count;
    mr_mutex inbox_mutex;
    mr_connection *inbox;  // From the thread that accepts.
    bool ended;            // Under the same mutex: it takes none any more.
    int64_t now_us;        // Of this turn.
};

// Listens and starts the threads.  errors  MR_E_NETWORK naming the address
mr_code mr_server_open(mr_broker *broker, mr_server **ret, mr_cx *cx);
// Stops accepting and reading, answers produce requests that are at work, closes. Takes NULL.
void mr_server_close(mr_server *server);
const char *mr_server_address(const mr_server *server, uint32_t listener);
uint16_t mr_server_port(const mr_server *server, uint32_t listener);

// ---- connection.c -----------------------------------------------------------------------------

// Takes a socket's ownership; the thread is the caller's or not started.
mr_connection *mr_connection_new(mr_server_thread *thread, mr_socket *socket,
                                 const mr_listen *listen, mr_cx *cx);
void mr_connection_free(mr_connection *connection);  // Its socket is closed, its calls forgotten.
// All of these: on its own thread.
mr_code mr_connection_enter(mr_connection *connection, mr_cx *cx);
void mr_connection_event(mr_connection *connection, const mr_poller_event *event);
// Sends what is answered, handles what has come, as far as it goes now.
void mr_connection_turn(mr_connection *connection);
void mr_connection_answered(mr_loop *loop, mr_call *call);
void mr_connection_mark(mr_connection *connection);           // For a turn.
void mr_connection_drop(mr_connection *connection);           // Closes it now.
bool mr_connection_is_away(const mr_connection *connection);  // The clerk has a call of it.
void mr_connection_touch(mr_connection *connection);          // It is not idle.
// It may read again, if the broker has room.
void mr_connection_retry(mr_connection *connection);
// Says once more or less why a connection is closed; cx holds the reason.
void mr_connection_say(mr_connection *connection, const mr_cx *cx);

// ---- connection_send.c ------------------------------------------------------------------------

// Sends answers in order as far as the socket takes them; sets blocked.  errors  MR_E_NETWORK …
mr_code mr_connection_send(mr_connection *connection, mr_cx *cx);
