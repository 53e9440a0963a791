// Network: the addresses that this machine has, and which of them are bridges to its containers.
//
// Why: a server may be open to the containers of its own machine without being open to others. A
// bridge to containers is one whose name a container engine gives (docker0, br-0123456789ab,
// podman0, …) and behind which there are only ends of this machine: a bridge with a network card,
// a tunnel or a virtual network of somebody else's in it leads out. How: asked anew each time,
// since bridges come and go. The simulator has none.

#pragma once

#include "plat/plat.h"

typedef struct mr_network {
    char name[16];  // Of the interface.
    char host[46];  // This machine's address there.
    uint32_t bits;  // How many bits of it are the network's.
    bool containers;
} mr_network;

#define MR_NETWORKS_MAX 256

// In cx->arena; at most MR_NETWORKS_MAX of them. None where there is no network.
mr_code mr_networks_list(mr_network **ret, uint32_t *ret_count, mr_cx *cx);
// Whether an address is in a network; false for what is no address.
bool mr_network_has(const mr_network *network, const char *host);
