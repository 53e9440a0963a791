// Networks: which addresses are in one, and what this machine says of itself.

#include "plat/network.h"

#include <string.h>

#include "runner.h"

TEST(network, an_address_is_in_a_network_when_the_first_bits_agree) {
    static const struct {
        const char *own;
        uint32_t bits;
        const char *host;
        bool in;
    } cases[] = {
        {"172.17.0.1", 16, "172.17.255.254", true}, {"172.17.0.1", 16, "172.18.0.2", false},
        {"10.88.0.1", 20, "10.88.15.9", true},      {"10.88.0.1", 20, "10.88.16.1", false},
        {"10.0.0.1", 0, "1.2.3.4", true},           {"10.0.0.1", 32, "10.0.0.1", true},
        {"10.0.0.1", 32, "10.0.0.2", false},        {"10.0.0.1", 33, "10.0.0.1", false},
        {"fd00:1::1", 64, "fd00:1::9", true},       {"fd00:1::1", 64, "fd00:2::9", false},
        {"172.17.0.1", 16, "fd00::1", false},       {"172.17.0.1", 16, "", false},
        {"172.17.0.1", 16, "172.17.0.1:80", false}, {"", 0, "1.2.3.4", false},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_network network = {.bits = cases[i].bits};
        memcpy(network.host, cases[i].own, strlen(cases[i].own));
        EXPECT_EQ(mr_network_has(&network, cases[i].host), cases[i].in);
    }
}

TEST(network, this_machine_knows_its_loopback) {
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    mr_network *all = NULL;
    uint32_t count = 0, found = 0;
    REQUIRE_OK(mr_networks_list(&all, &count, &cx));
    for (uint32_t i = 0; i < count; i++) {
        found += strcmp(all[i].host, "127.0.0.1") == 0 && all[i].bits == 8 && !all[i].containers;
    }
    EXPECT_EQ(found, 1);
    mr_arena_release(&arena);
}
