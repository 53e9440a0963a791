// Listen: what `broker.listen` says: where the server is reached, and as what.
//
//   [name=]host:port[@host:port][?tls][?sasl], several with commas
//   127.0.0.1:9092                           this machine only; advertises what a client dials
//   lan=0.0.0.0:9093@kafka.example.org:9093?tls?sasl
//
// Beyond this machine a listener needs TLS or SASL, or the setting `insecure`. Without any it may
// be at a bridge to this machine's containers, by its address or its name (docker0:9092): it takes
// connections of such bridges only, since a neighbour may send packets for that address too.

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
    bool containers_only;  // Others are refused.
} mr_listen;

// Memory: cx->arena.
//   advertise  host:port for listeners that have none of their own; may be NULL
//   errors  MR_E_OPTION, quoting what is wrong
mr_code mr_listen_parse(const char *text, const char *advertise, mr_listen **ret,
                        uint32_t *ret_count, mr_cx *cx);
// Whether a listener may be opened. One at a bridge gets the bridge's address for its name.
//   errors  MR_E_OPTION saying what it lacks
mr_code mr_listen_secure(mr_listen *listen, bool insecure, mr_cx *cx);
// Whether a connection of this address is taken.
bool mr_listen_takes(const mr_listen *listen, const char *peer_host, mr_cx *cx);
// The address at which this machine's containers reach a listener, of its port; NULL: they do not.
const char *mr_listen_for_containers(const mr_listen *listen, uint16_t port, mr_cx *cx);
// "host:port", with brackets around an address of IPv6.
const char *mr_listen_print(const char *host, uint16_t port, mr_arena *arena);
