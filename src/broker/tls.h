// Tls: TLS of a connection, over bytes that somebody else sends and receives.
//
// Why OpenSSL over its memory buffers: the socket stays plat's, and a loop that waits for it need
// not know of TLS. Calls have the shape of those of plat/socket.h, so that a connection with TLS is
// the same code but for the name of the call.
// Threads: a mr_tls belongs to its connection's; a context is shared.

#pragma once

#include "plat/socket.h"

typedef struct mr_tls_context mr_tls_context;  // Certificate and key of a broker.
typedef struct mr_tls mr_tls;

typedef struct mr_tls_options {
    const char *certificate;      // File, PEM: the chain, own certificate first.
    const char *key;              // File, PEM.
    const char *client_ca;        // File, PEM: who may sign clients' certificates; NULL: not asked.
    bool client_is_required;      // A client without one is refused.
    const char *principal_rules;  // principal.h; NULL: the whole name.
} mr_tls_options;

//   errors  MR_E_OPTION naming the file, or the rule
mr_code mr_tls_context_open(const mr_tls_options *options, mr_tls_context **ret, mr_cx *cx);
void mr_tls_context_close(mr_tls_context *context);  // Takes NULL.

// who_else: the client says by other means who it is; it is asked for no certificate then.
mr_tls *mr_tls_new(mr_tls_context *context, bool who_else);
void mr_tls_free(mr_tls *tls);  // Takes NULL.
// As mr_socket_receive_some. What the handshake has to send is sent, or kept: see wants_write.
mr_code mr_tls_receive_some(mr_tls *tls, mr_socket *socket, void *data, size_t bytes,
                            size_t *ret_bytes, mr_cx *cx);
// As mr_socket_send_some: takes data only when all that was taken before is with the socket.
mr_code mr_tls_send_some(mr_tls *tls, mr_socket *socket, mr_span data, size_t *ret_bytes,
                         mr_cx *cx);
// Bytes that were received and not given out yet: no event of the socket will tell of them.
bool mr_tls_has_more(const mr_tls *tls);
// Bytes wait for the socket: call _flush once it can be written.
bool mr_tls_wants_write(const mr_tls *tls);
mr_code mr_tls_flush(mr_tls *tls, mr_socket *socket, mr_cx *cx);
// Who the client's certificate says it is, "User:CN=…,O=…", in cx->arena; *ret NULL without one.
//   errors  MR_E_PERMISSION when no rule fits its name
mr_code mr_tls_principal(const mr_tls *tls, const char **ret, mr_cx *cx);
