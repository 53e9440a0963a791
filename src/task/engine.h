// Engine: a container engine, asked over HTTP: Docker's API, which Podman speaks too.
//
//   engine_place.c  where it is: a socket, TCP, TLS        engine_tls.h  TLS over such a socket
//   reply.h         answers, taken apart                   container.h   what is asked for
//
// A connection a request: engines do not mind, and what one left half read harms no other. Nothing
// is waited for without a limit; a wake that is signalled ends each wait with MR_E_CANCELLED.
// Threads: one. Memory: cx->arena. Source: the Docker Engine API 1.25 to 1.47.

#pragma once

#include "plat/socket.h"
#include "store/endpoint.h"
#include "task/reply.h"

typedef struct mr_engine_place {
    const char *name;  // As it is written, for messages.
    const char *file;  // A socket of this machine; NULL = host and port.
    const char *host;
    uint16_t port;
    const char *base;  // What stands before each path; "".
    bool tls;
    bool verify;       // Whether the engine must prove who it is.
    const char *ca;    // Files; NULL = the system's, and none.
    const char *cert;  // With key: proves who we are.
    const char *key;
} mr_engine_place;

// Where the engine is.
//   given   of the task; NULL = none
//   conn    a connection of type docker; NULL = none. Without both: DOCKER_HOST, then the sockets
//           of docker, of this user's podman and of the system's, the first that is there
//   errors  MR_E_MISSING: none is there; MR_E_OPTION
mr_code mr_engine_find(const char *given, const mr_endpoint *conn, mr_engine_place *ret, mr_cx *cx);
void mr_engine_place_json(const mr_engine_place *place, mr_text *out);
mr_code mr_engine_place_load(mr_span json, mr_engine_place *ret, mr_cx *cx);

typedef struct mr_engine {
    const mr_engine_place *place;
    const mr_wake *wake;  // Ends waits early; NULL = none.
    int64_t connect_us;   // How long it is tried.
    int64_t quiet_us;     // How long an answer may take to begin, and to go on.
    char version[16];     // Of its API; "" = none is named in requests.
    bool is_podman;
} mr_engine;

// Waits until it answers, and agrees on a version.
//   errors  MR_E_NETWORK, MR_E_TIMEOUT, MR_E_PERMISSION, MR_E_CORRUPT: what is there is no engine
mr_code mr_engine_open(mr_engine *engine, mr_cx *cx);
// Whether its API is at least 1.`minor`.
bool mr_engine_has(const mr_engine *engine, int minor);

typedef struct mr_engine_call {
    const char *method;  // "GET"
    const char *path;    // "/containers/json?all=1", percent-encoded; the version is put before it.
    const char *type;    // Of the body: "application/json"; NULL = no body.
    mr_span body;
    const char *auth;  // X-Registry-Auth; NULL = none.
    int64_t quiet_us;  // 0 = the engine's.
    int64_t stop_us;   // How long its answer is waited for when we are asked to end; 0 = no more.
    uint64_t most;     // Of the answer's bytes; 0 = 16 MiB.
} mr_engine_call;

// errors  MR_E_CANCELLED: we are asked to end
mr_code mr_engine_pause(const mr_engine *engine, int64_t us, mr_cx *cx);

// An answer that comes in time. Any status is an answer; of one that is a refusal the body is its
// message.
//   errors  MR_E_NETWORK, MR_E_TIMEOUT, MR_E_CORRUPT, MR_E_LIMIT, MR_E_CANCELLED
mr_code mr_engine_ask(const mr_engine *engine, const mr_engine_call *call, int *ret_status,
                      mr_text *ret_body, mr_cx *cx);
// What an engine has refused, as an error with the engine's words and advice.
//   doing   "create the container"
mr_code mr_engine_refused(const mr_engine *engine, int status, const mr_text *body,
                          const char *doing, mr_cx *cx);

// An answer that is read as it comes.
typedef struct mr_engine_tls mr_engine_tls;
typedef struct mr_engine_stream {
    const mr_engine *engine;
    mr_socket socket;  // Closed: MR_SOCKET_CLOSED.
    mr_engine_tls *tls;
    mr_reply reply;
    mr_text refusal;  // The body of an answer that is none of 2xx, its beginning.
} mr_engine_stream;
#define MR_ENGINE_STREAM_CLOSED ((mr_engine_stream){.socket = {.handle = -1}})

mr_code mr_engine_begin(const mr_engine *engine, const mr_engine_call *call, mr_engine_stream *ret,
                        mr_cx *cx);
typedef enum mr_engine_news { MR_ENGINE_QUIET, MR_ENGINE_CAME, MR_ENGINE_OVER } mr_engine_news;
// Waits for the next piece of the answer, and passes on what is its body.
//   errors  as above, and the sink's
mr_code mr_engine_next(mr_engine_stream *stream, int64_t timeout_us, const mr_reply_sink *sink,
                       mr_engine_news *ret, mr_cx *cx);
void mr_engine_stream_close(mr_engine_stream *stream, mr_cx *cx);  // Takes a closed one.
