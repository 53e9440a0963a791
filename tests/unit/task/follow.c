// Follow: a container that is silent for weeks takes no memory.

#include "task/container_follow.h"

#include <malloc.h>
#include <string.h>

#include "plat/thread.h"
#include "runner.h"

#define LOOKS_EARLY 20
#define LOOKS       220
#define PAD_BYTES   50000  // Of what the engine knows of the container.

typedef struct server {
    mr_socket listener;
    mr_socket log;  // Held open, without a byte.
    uint32_t looks;
    size_t early_bytes, late_bytes;  // Of the process, after so many looks.
} server;

static size_t used_bytes(void) {
    struct mallinfo2 all = mallinfo2();
    return all.uordblks + all.hblkhd;
}

static void answer(server *s, const char *request, mr_socket *socket, mr_cx *cx) {
    const mr_socket_limit limit = {.deadline_us = mr_clock_monotonic_us(cx->plat) + 60000000};
    mr_text out;
    mr_text_init(&out, cx->arena);
    if (strstr(request, "/logs") != NULL && s->looks < LOOKS) {
        mr_text_add(&out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        mr_socket_close(&s->log, cx->plat);  // A far engine's is made anew at times.
        s->log = *socket;
        *socket = MR_SOCKET_CLOSED;
        (void)!mr_socket_send(&s->log, mr_text_span(&out), &limit, cx);
        return;
    }
    mr_text_add(&out, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    if (strstr(request, "/json") != NULL) {
        s->looks++;
        s->early_bytes = s->looks == LOOKS_EARLY ? used_bytes() : s->early_bytes;
        s->late_bytes = s->looks == LOOKS ? used_bytes() : s->late_bytes;
        mr_text_addf(&out, "{\"State\":{\"Running\":%s,\"ExitCode\":7},\"Pad\":\"",
                     s->looks < LOOKS ? "true" : "false");
        for (int i = 0; i < PAD_BYTES; i++) {
            mr_text_add_char(&out, 'x');
        }
        mr_text_add(&out, "\"}");
    }
    (void)!mr_socket_send(socket, mr_text_span(&out), &limit, cx);
}

// Until the log of one that has ended was asked for.
static void *serve(void *self) {
    server *s = self;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    for (bool over = false; !over;) {
        mr_socket socket = MR_SOCKET_CLOSED;
        mr_socket_event event = {.handle = s->listener.handle, .read = true};
        char request[2048] = "";
        size_t bytes = 0, count = 0;
        bool taken = false;
        mr_arena_clear(&arena);
        over = mr_socket_wait(&event, 1, 10000000, &count, &cx) != MR_OK || count == 0;
        if (over || mr_socket_accept(&s->listener, &socket, &taken, &cx) != MR_OK || !taken) {
            continue;
        }
        while (strstr(request, "\r\n\r\n") == NULL && bytes < sizeof(request) - 1) {
            size_t now = 0;
            event.handle = socket.handle;
            if (mr_socket_wait(&event, 1, 10000000, &count, &cx) != MR_OK ||
                mr_socket_receive_some(&socket, request + bytes, sizeof(request) - 1 - bytes, &now,
                                       &cx) != MR_OK) {
                break;
            }
            bytes += now;
        }
        answer(s, request, &socket, &cx);
        mr_socket_close(&socket, cx.plat);
        over = s->looks >= LOOKS && strstr(request, "/logs") != NULL;
    }
    mr_socket_close(&s->log, cx.plat);
    mr_arena_release(&arena);
    return NULL;
}

TEST(container_follow, a_container_that_is_silent_for_weeks_takes_no_memory) {
    mr_arena arena = {0};
    mr_cx cx;
    server s = {.log = MR_SOCKET_CLOSED};
    mr_thread thread = {0};
    mr_engine_place place = {.name = "here", .host = "127.0.0.1", .base = ""};
    mr_cx_init(&cx, &arena, mr_plat_linux());
    REQUIRE_OK(mr_socket_listen(&s.listener, place.host, 0, &place.port, &cx));
    REQUIRE_OK(mr_thread_start(&thread, "engine", serve, &s, &cx));
    const mr_engine engine = {.place = &place, .connect_us = 10000000, .quiet_us = 10000000};
    mr_container_follow follow;
    mr_container_state state;
    mr_container_follow_init(&follow, &engine, "it", /* tty= */ false);
    follow.look_us = 500;
    EXPECT_OK(mr_container_follow_run(&follow, &state, &cx));
    EXPECT_EQ(state.exit_code, 7);
    EXPECT(s.looks >= LOOKS);
    EXPECT(s.late_bytes < s.early_bytes + 4 * PAD_BYTES);
    mr_thread_join(&thread);
    mr_socket_close(&s.listener, cx.plat);
    mr_arena_release(&arena);
}
