// Socket: TCP for clients and servers, and what wakes a thread that waits for it.
//
// How: sockets do not block; _send_some and _receive_some do what is possible now, _wait waits for
// any of several. _send and _receive wrap them for who has one connection: they wait, at most until
// a deadline, and end early when a wake is signalled. An error names the other side and why:
// MR_E_NETWORK with MR_RETRY, MR_E_TIMEOUT, MR_E_CANCELLED after a wake. Threads: a socket belongs
// to one; a wake is signalled from any. The simulator has no network.

#pragma once

#include "plat/plat.h"

typedef struct mr_socket {
    int handle;  // -1 = closed.
    char *peer;  // "host:port", heap, for messages.
} mr_socket;

#define MR_SOCKET_CLOSED ((mr_socket){.handle = -1})

typedef struct mr_wake {
    int handle;  // -1 = closed.
} mr_wake;

// How long a blocking call may take.
typedef struct mr_socket_limit {
    int64_t deadline_us;  // Monotonic.
    const mr_wake *wake;  // Ends the wait early; may be NULL. It stays signalled.
} mr_socket_limit;

mr_code mr_socket_connect(mr_socket *socket, const char *host, uint16_t port,
                          const mr_socket_limit *limit, mr_cx *cx);
// Sends or receives all of the bytes.
mr_code mr_socket_send(mr_socket *socket, mr_span data, const mr_socket_limit *limit, mr_cx *cx);
mr_code mr_socket_receive(mr_socket *socket, void *data, size_t bytes, const mr_socket_limit *limit,
                          mr_cx *cx);
void mr_socket_close(mr_socket *socket, mr_plat *plat);  // Takes a closed one.

// The same over a file of this machine: only who may write to it reaches it. A file that nobody
// listens at any more is replaced. The path is short: 107 bytes at the most.
mr_code mr_socket_connect_file(mr_socket *socket, const char *path, mr_cx *cx);
mr_code mr_socket_listen_file(mr_socket *socket, const char *path, mr_cx *cx);

// port 0: any free one; *ret_port says which.
mr_code mr_socket_listen(mr_socket *socket, const char *host, uint16_t port, uint16_t *ret_port,
                         mr_cx *cx);
// *ret_taken false: nobody is there now.
mr_code mr_socket_accept(mr_socket *listener, mr_socket *ret, bool *ret_taken, mr_cx *cx);

// The address that the other side has connected to.
mr_code mr_socket_local(mr_socket *socket, char *ret_host, size_t host_bytes, uint16_t *ret_port,
                        mr_cx *cx);

// At once; *ret_bytes 0 = not now. The other side's end is MR_E_NETWORK.
mr_code mr_socket_send_some(mr_socket *socket, mr_span data, size_t *ret_bytes, mr_cx *cx);
// The parts one behind the other, at most MR_SOCKET_PARTS_MAX of them. more: something follows at
// once, so a packet that is not full may wait for it.
#define MR_SOCKET_PARTS_MAX 64
mr_code mr_socket_send_parts(mr_socket *socket, const mr_span *parts, size_t count, bool more,
                             size_t *ret_bytes, mr_cx *cx);
// Bytes of a file from offset on, without a copy through the program.
mr_code mr_socket_send_file(mr_socket *socket, const mr_file *file, uint64_t offset, size_t bytes,
                            size_t *ret_bytes, mr_cx *cx);
mr_code mr_socket_receive_some(mr_socket *socket, void *data, size_t bytes, size_t *ret_bytes,
                               mr_cx *cx);

typedef struct mr_socket_event {
    int handle;  // Of a socket or a wake; -1 is passed over.
    bool read;   // What is waited for …
    bool write;
    bool readable;  // … and what came. An error is both.
    bool writable;
} mr_socket_event;
// Waits for any; timeout_us < 0 = no limit. *ret_count: how many came.
mr_code mr_socket_wait(mr_socket_event *events, size_t count, int64_t timeout_us, size_t *ret_count,
                       mr_cx *cx);

mr_code mr_wake_open(mr_wake *wake, mr_cx *cx);
void mr_wake_signal(const mr_wake *wake, mr_plat *plat);
void mr_wake_clear(const mr_wake *wake, mr_plat *plat);
void mr_wake_close(mr_wake *wake, mr_plat *plat);  // Takes a closed one.
