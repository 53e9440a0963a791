// Poller over loopback: events of those that have something to say, and only of those.

#include "plat/poller.h"

#include <string.h>

#include "runner.h"

#define PAIRS 200

typedef struct poller_case {
    mr_arena arena;
    mr_cx cx;
    mr_socket listener;
    uint16_t port;
    mr_poller poller;
    mr_socket ours[PAIRS];
    mr_socket theirs[PAIRS];
    uint32_t count;
} poller_case;

static bool case_init(poller_case *c) {
    *c = (poller_case){.poller = MR_POLLER_CLOSED};
    mr_cx_init(&c->cx, &c->arena, mr_plat_linux());
    return EXPECT_OK(mr_socket_listen(&c->listener, "127.0.0.1", 0, &c->port, &c->cx)) &&
           EXPECT_OK(mr_poller_open(&c->poller, &c->cx));
}

static void case_end(poller_case *c) {
    for (uint32_t i = 0; i < c->count; i++) {
        mr_socket_close(&c->ours[i], c->cx.plat);
        mr_socket_close(&c->theirs[i], c->cx.plat);
    }
    mr_poller_close(&c->poller, c->cx.plat);
    mr_socket_close(&c->listener, c->cx.plat);
    mr_arena_release(&c->arena);
}

// A pair of connected sockets; the accepted end is in the poller.
static bool add_pair(poller_case *c) {
    uint32_t i = c->count;
    mr_socket_limit limit = {.deadline_us = mr_clock_monotonic_us(c->cx.plat) + 60000000};
    if (!EXPECT_OK(mr_socket_connect(&c->theirs[i], "127.0.0.1", c->port, &limit, &c->cx))) {
        return false;
    }
    bool taken = false;
    while (!taken) {
        if (!EXPECT_OK(mr_socket_accept(&c->listener, &c->ours[i], &taken, &c->cx))) {
            return false;
        }
    }
    c->count++;
    return EXPECT_OK(
        mr_poller_add(&c->poller, c->ours[i].handle, MR_POLLER_READ, &c->ours[i], &c->cx));
}

static size_t wait_for(poller_case *c, mr_poller_event *events, size_t most, int64_t timeout_us) {
    size_t count = 0;
    EXPECT_OK(mr_poller_wait(&c->poller, events, most, timeout_us, &count, &c->cx));
    return count;
}

TEST(poller, says_who_has_something_and_no_other) {
    poller_case c;
    REQUIRE(case_init(&c));
    mr_poller_event events[PAIRS];
    while (c.count < PAIRS && add_pair(&c)) {
    }
    EXPECT_EQ(c.count, PAIRS);
    EXPECT_EQ(wait_for(&c, events, PAIRS, 0), 0);
    size_t sent = 0;
    EXPECT_OK(mr_socket_send_some(&c.theirs[77], MR_SPAN("x"), &sent, &c.cx));
    EXPECT_OK(mr_socket_send_some(&c.theirs[3], MR_SPAN("yz"), &sent, &c.cx));
    size_t seen = 0;
    for (int tries = 0; seen < 2 && tries < 100; tries++) {
        seen = wait_for(&c, events, PAIRS, 5000000);
    }
    EXPECT_EQ(seen, 2);
    bool third = events[0].token == &c.ours[3] || events[1].token == &c.ours[3];
    bool other = events[0].token == &c.ours[77] || events[1].token == &c.ours[77];
    EXPECT(third && other && events[0].readable && events[1].readable);
    EXPECT(!events[0].ended && !events[0].writable);
    // It comes again until it is dealt with, or not wished for.
    EXPECT_OK(mr_poller_change(&c.poller, c.ours[3].handle, 0, &c.ours[3], &c.cx));
    EXPECT_EQ(wait_for(&c, events, PAIRS, 1000), 1);
    EXPECT(events[0].token == &c.ours[77]);
    case_end(&c);
}

TEST(poller, an_end_is_told_and_a_closed_socket_is_out) {
    poller_case c;
    REQUIRE(case_init(&c));
    REQUIRE(add_pair(&c) && add_pair(&c));
    mr_poller_event events[4];
    EXPECT_OK(mr_poller_change(&c.poller, c.ours[0].handle, MR_POLLER_END, &c.ours[0], &c.cx));
    mr_socket_close(&c.theirs[0], c.cx.plat);
    EXPECT_EQ(wait_for(&c, events, 4, 5000000), 1);
    EXPECT(events[0].token == &c.ours[0] && events[0].ended && !events[0].readable);
    EXPECT(!events[0].broken);  // It may still listen.
    EXPECT_OK(mr_poller_change(&c.poller, c.ours[0].handle, 0, &c.ours[0], &c.cx));
    EXPECT_EQ(wait_for(&c, events, 4, 1000), 0);
    mr_socket_close(&c.ours[0], c.cx.plat);
    EXPECT_EQ(wait_for(&c, events, 4, 1000), 0);
    EXPECT_OK(mr_poller_change(&c.poller, c.ours[1].handle, MR_POLLER_READ | MR_POLLER_WRITE,
                               &c.ours[1], &c.cx));
    EXPECT_EQ(wait_for(&c, events, 4, 1000), 1);
    EXPECT(events[0].writable && !events[0].readable);
    case_end(&c);
}

TEST(poller, parts_leave_in_order_and_an_end_knows_its_address) {
    poller_case c;
    REQUIRE(case_init(&c));
    REQUIRE(add_pair(&c));
    mr_span parts[] = {MR_SPAN("one "), MR_SPAN(""), MR_SPAN("two "), MR_SPAN("three")};
    size_t sent = 0;
    EXPECT_OK(
        mr_socket_send_parts(&c.ours[0], parts, MR_COUNT(parts), /* more= */ false, &sent, &c.cx));
    EXPECT_EQ(sent, 13);
    char got[14] = "";
    mr_socket_limit limit = {.deadline_us = mr_clock_monotonic_us(c.cx.plat) + 60000000};
    EXPECT_OK(mr_socket_receive(&c.theirs[0], got, 13, &limit, &c.cx));
    EXPECT_STR(got, "one two three");
    char host[64];
    uint16_t port = 0;
    EXPECT_OK(mr_socket_local(&c.ours[0], host, sizeof(host), &port, &c.cx));
    EXPECT_STR(host, "127.0.0.1");
    EXPECT_EQ(port, c.port);
    case_end(&c);
}
