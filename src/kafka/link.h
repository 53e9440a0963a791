// Link: a connection to one broker, over which requests go out and answers come in.
//
// How: plain TCP; opening asks for the broker's versions, so that every request is of the newest
// version that both sides know. Calls wait, within a limit. An error ends the link: the caller
// closes it and opens another. A link to the broker of this process has no socket: the structs
// themselves are handed over. Threads: one at a time.

#pragma once

#include "plat/socket.h"
#include "port/embedded.h"
#include "wire/schema.h"

#define MR_LINK_HOST_BYTES 256
#define MR_LINK_KEYS       128

typedef struct mr_link_address {
    char host[MR_LINK_HOST_BYTES];
    uint16_t port;
} mr_link_address;

typedef struct mr_link {
    mr_socket socket;       // handle -1 = closed.
    mr_embedded *embedded;  // Where requests go instead, set before opening; or NULL.
    bool embedded_open;
    const char *client_id;
    int32_t correlation;             // Of the last request.
    int16_t versions[MR_LINK_KEYS];  // The newest of both sides; -1 = the broker lacks the key.
    mr_text out;
} mr_link;

typedef struct mr_link_call {
    int16_t key;
    int16_t version_max;  // The newest that the caller can use.
    const void *request;  // Structs of the schema.
    void *response;       // Its arrays and strings are in cx->arena. NULL: none is waited for.
} mr_link_call;

// A zeroed link is made closed.
void mr_link_init(mr_link *link, const char *client_id);
// errors  MR_E_NETWORK, MR_E_TIMEOUT, MR_E_CANCELLED; MR_E_UNSUPPORTED for a broker that is too old
mr_code mr_link_open(mr_link *link, const mr_link_address *address, const mr_socket_limit *limit,
                     mr_cx *cx);
void mr_link_close(mr_link *link, mr_plat *plat);    // Takes a closed one.
void mr_link_release(mr_link *link, mr_plat *plat);  // Closes, and frees what init made.
bool mr_link_is_open(const mr_link *link);
// The version that a request of the key would have; -1 = the broker cannot.
int16_t mr_link_version(const mr_link *link, int16_t key, int16_t version_max);
// Sends a request.
mr_code mr_link_send(mr_link *link, const mr_link_call *call, const mr_socket_limit *limit,
                     mr_cx *cx);
// Waits for the length of the next answer. Whoever has it receives that many bytes.
mr_code mr_link_receive_length(mr_link *link, const mr_socket_limit *limit, size_t *ret_bytes,
                               mr_cx *cx);
// Takes the answer to the last request apart. What it borrows lies in `frame`.
mr_code mr_link_decode(mr_link *link, const mr_link_call *call, mr_span frame, mr_cx *cx);
// The same of an earlier request: answers come in the order of requests. correlation: as the link
// had it when it was sent.
mr_code mr_link_decode_of(mr_link *link, const mr_link_call *call, int32_t correlation,
                          mr_span frame, mr_cx *cx);
// Sends, and waits for the answer.
mr_code mr_link_call_wait(mr_link *link, const mr_link_call *call, const mr_socket_limit *limit,
                          mr_cx *cx);
