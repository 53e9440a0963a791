// Engine, TLS: a client's TLS over a socket that mr_socket_… sends and receives with.
//
// OpenSSL sees memory only. Threads: one.

#pragma once

#include "task/engine.h"

// Shakes hands.  errors  MR_E_NETWORK, MR_E_TIMEOUT, MR_E_CANCELLED; MR_E_OPTION naming a file;
// MR_E_PERMISSION: the engine is not who it should be, or does not know us
mr_code mr_engine_tls_open(const mr_engine_place *place, mr_socket *socket,
                           const mr_socket_limit *limit, mr_engine_tls **ret, mr_cx *cx);
mr_code mr_engine_tls_send(mr_engine_tls *tls, mr_socket *socket, mr_span data,
                           const mr_socket_limit *limit, mr_cx *cx);
// At once; *ret_bytes 0 = not now.
mr_code mr_engine_tls_receive(mr_engine_tls *tls, mr_socket *socket, void *data, size_t bytes,
                              size_t *ret_bytes, mr_cx *cx);
void mr_engine_tls_close(mr_engine_tls *tls);  // Takes NULL.
