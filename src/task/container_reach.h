// Container, reach: the broker's address as a container reaches it.
//
// The loopback address means the container itself there, unless it shares the host's network; and
// a broker that listens on it alone cannot be reached at all, which is told with advice. Else the
// host is reached by a name that the engine gives it (host.docker.internal, host.containers.
// internal). An engine on another machine reaches neither the loopback address nor the bridges to
// this machine's containers. Pure: nothing is asked here.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_container_reach {
    const char *servers;    // KAFKA_BOOTSTRAP_SERVERS of this machine; NULL = none.
    mr_span listeners;      // Of the project's broker, a line each: host:port[@host:port][?tls]
                            // [?sasl]; empty = it does not run.
    const char *network;    // Of the task; NULL = the engine's own.
    const char *alias;      // Name by which the host is reached.
    bool engine_is_remote;  // Then host network is that of another machine, and
    const char **bridges;   // … these addresses of ours are not reached, NULL-ended; NULL.
} mr_container_reach;

// *ret NULL: there is none, and *ret_why says why, with advice ("" when nobody needs to know).
void mr_container_reach_broker(const mr_container_reach *reach, const char **ret,
                               const char **ret_why, mr_arena *arena);
