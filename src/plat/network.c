// Network: this machine's addresses, over the platform's operations; see network.h.
//
// Also: mr_networks_

#include "plat/network.h"

#include <arpa/inet.h>
#include <string.h>

#include "plat/plat_ops.h"

mr_code mr_networks_list(mr_network **ret, uint32_t *ret_count, mr_cx *cx) {
    const mr_plat_sockets *ops = cx->plat->ops->sockets;
    *ret = MR_NEW_ARRAY(cx->arena, mr_network, MR_NETWORKS_MAX);
    *ret_count = 0;
    if (ops == NULL || ops->networks == NULL) {
        return MR_OK;
    }
    int count = ops->networks(cx->plat, *ret, MR_NETWORKS_MAX);
    if (count < 0) {
        return plat_fail(cx, -count, "list", "this machine's networks");
    }
    *ret_count = (uint32_t)count;
    return MR_OK;
}

// The bytes of an address; 0 = it is none.
static size_t address_read(const char *host, uint8_t ret[16]) {
    return inet_pton(AF_INET, host, ret) == 1 ? 4 : inet_pton(AF_INET6, host, ret) == 1 ? 16 : 0;
}

bool mr_network_has(const mr_network *network, const char *host) {
    uint8_t own[16], other[16];
    size_t bytes = address_read(network->host, own);
    if (bytes == 0 || address_read(host, other) != bytes || network->bits > bytes * 8) {
        return false;
    }
    size_t whole = network->bits / 8;
    uint32_t rest = network->bits % 8;
    return memcmp(own, other, whole) == 0 &&
           (rest == 0 || (own[whole] ^ other[whole]) >> (8 - rest) == 0);
}
