// Sockets over loopback: whole messages both ways, limits, wakes, and who is not there.

#include "plat/socket.h"

#include <string.h>

#include "plat/thread.h"
#include "runner.h"

#define MESSAGE_BYTES ((size_t)3 << 20)

typedef struct socket_case {
    mr_arena arena;
    mr_cx cx;
    mr_socket listener;
    uint16_t port;
    mr_thread thread;
    mr_code code;  // Of the thread.
} socket_case;

static mr_socket_limit in_us(const socket_case *c, int64_t us) {
    return (mr_socket_limit){.deadline_us = mr_clock_monotonic_us(c->cx.plat) + us};
}

static bool case_init(socket_case *c) {
    *c = (socket_case){0};
    mr_cx_init(&c->cx, &c->arena, mr_plat_linux());
    return EXPECT_OK(mr_socket_listen(&c->listener, "127.0.0.1", 0, &c->port, &c->cx));
}

static void case_end(socket_case *c) {
    mr_thread_join(&c->thread);
    mr_socket_close(&c->listener, c->cx.plat);
    mr_arena_release(&c->arena);
}

static char at(size_t i) {
    return (char)(i * 31 + i / 1000);
}

// Connects and sends back what it receives, with one added to each byte.
static void *echo(void *self) {
    socket_case *c = self;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    mr_socket socket = MR_SOCKET_CLOSED;
    mr_socket_limit limit = in_us(c, 20 * 1000000);
    char *data = mr_arena_raw(&arena, MESSAGE_BYTES);
    c->code = mr_socket_connect(&socket, "127.0.0.1", c->port, &limit, &cx);
    c->code =
        c->code != MR_OK ? c->code : mr_socket_receive(&socket, data, MESSAGE_BYTES, &limit, &cx);
    for (size_t i = 0; i < MESSAGE_BYTES; i++) {
        data[i] = (char)(data[i] + 1);
    }
    c->code = c->code != MR_OK
                  ? c->code
                  : mr_socket_send(&socket, (mr_span){data, MESSAGE_BYTES}, &limit, &cx);
    mr_socket_close(&socket, cx.plat);
    mr_arena_release(&arena);
    return NULL;
}

static mr_code accept_one(socket_case *c, mr_socket *ret) {
    bool taken = false;
    mr_code code = mr_socket_accept(&c->listener, ret, &taken, &c->cx);
    while (code == MR_OK && !taken) {
        mr_socket_event event = {.handle = c->listener.handle, .read = true};
        size_t ready = 0;
        code = mr_socket_wait(&event, 1, 10 * 1000000, &ready, &c->cx);
        code = code != MR_OK || ready == 0 ? MR_E_TIMEOUT
                                           : mr_socket_accept(&c->listener, ret, &taken, &c->cx);
    }
    return code;
}

TEST(socket, large_messages_go_both_ways) {
    socket_case c;
    REQUIRE(case_init(&c));
    REQUIRE_OK(mr_thread_start(&c.thread, "echo", echo, &c, &c.cx));
    mr_socket peer = MR_SOCKET_CLOSED;
    if (EXPECT_OK(accept_one(&c, &peer))) {
        EXPECT(strncmp(peer.peer, "127.0.0.1:", 10) == 0);
        char *data = mr_arena_raw(&c.arena, MESSAGE_BYTES);
        for (size_t i = 0; i < MESSAGE_BYTES; i++) {
            data[i] = at(i);
        }
        mr_socket_limit limit = in_us(&c, 20 * 1000000);
        EXPECT_OK(mr_socket_send(&peer, (mr_span){data, MESSAGE_BYTES}, &limit, &c.cx));
        EXPECT_OK(mr_socket_receive(&peer, data, MESSAGE_BYTES, &limit, &c.cx));
        size_t wrong = 0;
        for (size_t i = 0; i < MESSAGE_BYTES; i++) {
            wrong += data[i] != (char)(at(i) + 1);
        }
        EXPECT_EQ(wrong, 0);
        // The other side is gone.
        EXPECT_EQ(mr_socket_receive(&peer, data, 1, &limit, &c.cx), MR_E_NETWORK);
        EXPECT(strstr(c.cx.error.text, "it closed the connection") != NULL);
        EXPECT(c.cx.error.flags & MR_RETRY);
    }
    mr_socket_close(&peer, c.cx.plat);
    case_end(&c);
    EXPECT_OK(c.code);
}

TEST(socket, a_silent_peer_is_given_up) {
    socket_case c;
    REQUIRE(case_init(&c));
    mr_socket socket = MR_SOCKET_CLOSED;
    mr_socket_limit limit = in_us(&c, 5 * 1000000);
    REQUIRE_OK(mr_socket_connect(&socket, "localhost", c.port, &limit, &c.cx));
    char byte;
    limit = in_us(&c, 30000);
    EXPECT_EQ(mr_socket_receive(&socket, &byte, 1, &limit, &c.cx), MR_E_TIMEOUT);
    size_t got = 1;
    EXPECT_OK(mr_socket_receive_some(&socket, &byte, 1, &got, &c.cx));
    EXPECT_EQ(got, 0);
    mr_wake wake;
    REQUIRE_OK(mr_wake_open(&wake, &c.cx));
    limit = in_us(&c, 60 * 1000000);
    limit.wake = &wake;
    mr_wake_signal(&wake, c.cx.plat);
    EXPECT_EQ(mr_socket_receive(&socket, &byte, 1, &limit, &c.cx), MR_E_CANCELLED);
    EXPECT_EQ(mr_socket_receive(&socket, &byte, 1, &limit, &c.cx), MR_E_CANCELLED);
    mr_wake_clear(&wake, c.cx.plat);
    limit.deadline_us = mr_clock_monotonic_us(c.cx.plat) + 10000;
    EXPECT_EQ(mr_socket_receive(&socket, &byte, 1, &limit, &c.cx), MR_E_TIMEOUT);
    mr_wake_close(&wake, c.cx.plat);
    mr_socket_close(&socket, c.cx.plat);
    case_end(&c);
}

TEST(socket, who_is_not_there_is_named) {
    socket_case c;
    REQUIRE(case_init(&c));
    uint16_t port = c.port;
    mr_socket taken = MR_SOCKET_CLOSED;
    EXPECT_EQ(mr_socket_listen(&taken, "127.0.0.1", port, &port, &c.cx), MR_E_NETWORK);
    EXPECT(strstr(c.cx.error.text, "in use") != NULL);
    mr_socket_close(&c.listener, c.cx.plat);
    mr_socket socket = MR_SOCKET_CLOSED;
    mr_socket_limit limit = in_us(&c, 5 * 1000000);
    EXPECT_EQ(mr_socket_connect(&socket, "127.0.0.1", port, &limit, &c.cx), MR_E_NETWORK);
    const char *want =
        mr_arena_printf(&c.arena, "cannot connect to 127.0.0.1:%u: Connection refused", port);
    EXPECT_STR(c.cx.error.text, want);
    EXPECT_EQ(mr_socket_connect(&socket, "no.such.host.invalid", 1, &limit, &c.cx), MR_E_NETWORK);
    EXPECT(strstr(c.cx.error.text, "cannot connect to no.such.host.invalid:1: ") != NULL);
    EXPECT_EQ(socket.handle, -1);
    case_end(&c);
}
