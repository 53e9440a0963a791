// Linux networks: what getifaddrs and /sys/class/net say; see network.h.
//
// Also: mr_linux_networks

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plat/plat_ops.h"

#define PATH_BYTES 512
#define BRIDGE_ID  12  // Digits of br-0123456789ab, a network that was made in docker.

static bool sys_has(const char *name, const char *what) {
    char path[PATH_BYTES];
    int bytes = snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, what);
    return bytes > 0 && (size_t)bytes < sizeof(path) && access(path, F_OK) == 0;
}

// "podman0", of "podman".
static bool is_numbered(const char *name, const char *prefix) {
    size_t bytes = strlen(prefix);
    return strncmp(name, prefix, bytes) == 0 && name[bytes] != '\0' &&
           strspn(name + bytes, "0123456789") == strlen(name + bytes);
}

// What docker, podman, nerdctl, CNI, LXC and Incus call their bridges.
static bool is_named_for_containers(const char *name) {
    static const char *const numbered[] = {"docker",  "podman", "cni-podman", "cni",
                                           "nerdctl", "lxcbr",  "lxdbr",      "incusbr"};
    for (size_t i = 0; i < MR_COUNT(numbered); i++) {
        if (is_numbered(name, numbered[i])) {
            return true;
        }
    }
    return strcmp(name, "docker_gwbridge") == 0 ||
           (strncmp(name, "br-", 3) == 0 && strlen(name) == 3 + BRIDGE_ID &&
            strspn(name + 3, "0123456789abcdef") == BRIDGE_ID);
}

// Whether what is plugged into a bridge leads to a container of this machine: only a veth does. A
// card, a tunnel, a VLAN or a program's tap leads out.
static bool is_veth(const char *port) {
    struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq request = {.ifr_data = (void *)&driver};
    if (strlen(port) >= sizeof(request.ifr_name)) {
        return false;
    }
    memcpy(request.ifr_name, port, strlen(port) + 1);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool known = fd >= 0 && ioctl(fd, SIOCETHTOOL, &request) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return known && strcmp(driver.driver, "veth") == 0;
}

static bool is_of_containers(const char *name) {
    if (!is_named_for_containers(name) || !sys_has(name, "bridge")) {
        return false;
    }
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "/sys/class/net/%s/brif", name);
    DIR *dir = opendir(path);
    bool out = dir == NULL;
    for (const struct dirent *entry; !out && (entry = readdir(dir)) != NULL;) {
        out = entry->d_name[0] != '.' && !is_veth(entry->d_name);
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return !out;
}

static uint32_t bits_of(const uint8_t *mask, size_t bytes) {
    uint32_t bits = 0;
    for (size_t i = 0; i < bytes; i++) {
        bits += (uint32_t)__builtin_popcount(mask[i]);
    }
    return bits;
}

static bool network_read(const struct ifaddrs *from, mr_network *ret) {
    if (from->ifa_addr == NULL || from->ifa_netmask == NULL ||
        strlen(from->ifa_name) >= sizeof(ret->name)) {
        return false;
    }
    *ret = (mr_network){.bits = 0};
    memcpy(ret->name, from->ifa_name, strlen(from->ifa_name));
    int family = from->ifa_addr->sa_family;
    const void *address = NULL;
    if (family == AF_INET) {
        address = &((const struct sockaddr_in *)(const void *)from->ifa_addr)->sin_addr;
        const struct sockaddr_in *mask = (const void *)from->ifa_netmask;
        ret->bits = bits_of((const uint8_t *)&mask->sin_addr, 4);
    } else if (family == AF_INET6) {
        address = &((const struct sockaddr_in6 *)(const void *)from->ifa_addr)->sin6_addr;
        const struct sockaddr_in6 *mask = (const void *)from->ifa_netmask;
        ret->bits = bits_of((const uint8_t *)&mask->sin6_addr, 16);
    }
    return address != NULL && inet_ntop(family, address, ret->host, sizeof(ret->host)) != NULL;
}

int mr_linux_networks(mr_plat *plat, mr_network *ret, uint32_t most) {
    (void)plat;
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) < 0) {
        return -errno;
    }
    uint32_t count = 0;
    for (const struct ifaddrs *at = all; at != NULL && count < most; at = at->ifa_next) {
        if (network_read(at, &ret[count])) {
            // Any interface takes a link-local address, so one says nothing of where it comes from.
            bool local = strncmp(ret[count].host, "fe80:", 5) == 0;
            ret[count].containers = !local && is_of_containers(ret[count].name);
            count++;
        }
    }
    freeifaddrs(all);
    return (int)count;
}
