// Listen: what `broker.listen` says: where the server is reached, and as what.
//
//   [name=]host:port[@host:port][?tls][?sasl], several with commas
//   127.0.0.1:9092                           this machine only; advertises what a client dials
//   lan=0.0.0.0:9093@kafka.example.org:9093?tls?sasl
//
// Beyond this machine a listener needs TLS or SASL, or the setting `insecure`.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_listen {
    const char *name;  // "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL" when none was given.
    const char *host;
    uint16_t port;
    const char *advertised_host;  // NULL = what the client has dialled.
    uint16_t advertised_port;
    bool tls;
    bool sasl;
} mr_listen;

// Memory: cx->arena.
//   advertise  host:port for listeners that have none of their own; may be NULL
//   errors  MR_E_OPTION, quoting what is wrong
mr_code mr_listen_parse(const char *text, const char *advertise, mr_listen **ret,
                        uint32_t *ret_count, mr_cx *cx);
// Whether an address is of this machine alone.
bool mr_listen_is_local(const char *host);
// "host:port", with brackets around an address of IPv6.
const char *mr_listen_print(const char *host, uint16_t port, mr_arena *arena);
