// Server: listeners, threads, and connections that are too many or too quiet; see server.h.

#include "broker/server.h"

#include <inttypes.h>
#include <string.h>

#define EVENTS_MAX       64
#define ACCEPTS_MAX      64              // At a time, so that connections have their turn.
#define ACCEPT_PAUSE_US  (1 * 1000000)   // After the system had no room for a connection.
#define STARVED_LOOK_US  (50 * 1000)     // How often a starved connection looks for room.
#define STARVED_CLOSE_US (10 * 1000000)  // A frame that stands half done meanwhile.
#define TRIM_US          (2 * 1000000)   // Of quiet, after which spare memory goes back.
#define CLOSE_WAIT_US    (5 * 1000000)   // For records that are being made durable.
#define FILES_FOR_LOGS   5000

typedef struct server_listener {
    mr_socket socket;
    const mr_listen *listen;
    const char *address;
    uint16_t port;
} server_listener;

struct mr_server {
    mr_broker *broker;
    server_listener *listeners;  // listen_count of the broker's.
    mr_server_thread *threads;
    uint32_t thread_count;
    atomic_bool stopping;
    atomic_uint connection_count;
    int64_t connections_max;
    int64_t accept_after_us;  // First thread's; 0 = now.
};

// ---- accepting ---------------------------------------------------------------------------------

static void thread_wake(mr_server_thread *thread) {
    mr_wake_signal(&thread->loop.wake, thread->loop.cx.plat);
}

static bool has_ended(mr_server_thread *thread) {
    mr_mutex_lock(&thread->inbox_mutex);
    bool ended = thread->ended;
    mr_mutex_unlock(&thread->inbox_mutex);
    return ended;
}

// Hands a new connection to the thread with the fewest; itself or another, but none that has ended.
static void hand_over(mr_server *server, server_listener *listener, mr_socket *socket, mr_cx *cx) {
    mr_server_thread *to = &server->threads[0];  // Ours.
    for (uint32_t i = 1; i < server->thread_count; i++) {
        mr_server_thread *other = &server->threads[i];
        if (atomic_load(&other->connection_count) < atomic_load(&to->connection_count) &&
            !has_ended(other)) {
            to = other;
        }
    }
    mr_connection *made = mr_connection_new(to, socket, listener->listen, cx);
    mr_mutex_lock(&to->inbox_mutex);
    bool ended = to->ended;  // Since we looked.
    if (!ended) {
        atomic_fetch_add(&to->connection_count, 1);
        atomic_fetch_add(&server->connection_count, 1);
        made->next = to->inbox;
        to->inbox = made;
    }
    mr_mutex_unlock(&to->inbox_mutex);
    if (ended) {
        mr_connection_free(made);  // The client comes again.
        return;
    }
    thread_wake(to);
}

static mr_code listeners_wish(mr_server *server, uint32_t wishes, mr_cx *cx) {
    for (uint32_t i = 0; i < server->broker->listen_count; i++) {
        server_listener *listener = &server->listeners[i];
        MR_TRY(mr_poller_change(&server->threads[0].poller, listener->socket.handle, wishes,
                                listener, cx));
    }
    return MR_OK;
}

// "127.0.0.1:1234" and "[::1]:1234" without the port.
static const char *host_of(const char *peer, mr_arena *arena) {
    bool six = peer[0] == '[';
    const char *end = strrchr(peer, six ? ']' : ':');
    return end == NULL ? peer : mr_arena_copy(arena, peer + six, (size_t)(end - peer) - six);
}

// Whether a new connection is taken; says why not.
static bool may_enter(mr_server *server, const server_listener *listener, const mr_socket *socket,
                      mr_cx *cx) {
    int64_t most = server->connections_max;
    const char *host = host_of(socket->peer, cx->arena);
    if (!mr_listen_takes(listener->listen, host, cx)) {
        mr_broker_say_of(server->broker, host, "refused",
                         "refused a connection of %s: listener %s is for this machine's "
                         "containers, since it has neither TLS nor SASL",
                         socket->peer, listener->address);
        return false;
    }
    bool full = atomic_load(&server->connection_count) >= most;
    if (full) {
        mr_broker_say_of(server->broker, host, "refused",
                         "refused a connection of %s: %" PRId64 " are open, the limit of %s",
                         socket->peer, most,
                         most < mr_broker_settings_of(server->broker)->connections_max
                             ? "this machine (ulimit -n)"
                             : "broker.connections_max");
    }
    return !full;
}

static void accept_all(mr_server *server, server_listener *listener, mr_cx *cx) {
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        mr_socket socket = MR_SOCKET_CLOSED;
        bool taken = false;
        if (mr_socket_accept(&listener->socket, &socket, &taken, cx) != MR_OK) {
            // No descriptors or memory: a connection that waits would be told again at once.
            mr_broker_say(server->broker, "%s; trying again in a second", cx->error.text);
            server->accept_after_us = server->threads[0].now_us + ACCEPT_PAUSE_US;
            (void)(listeners_wish(server, 0, cx) == MR_OK);
            return;
        }
        if (!taken) {
            return;
        }
        if (may_enter(server, listener, &socket, cx)) {
            hand_over(server, listener, &socket, cx);
        } else {
            mr_socket_close(&socket, cx->plat);
        }
    }
}

// ---- a thread's turn ---------------------------------------------------------------------------

static void take_inbox(mr_server_thread *thread) {
    mr_mutex_lock(&thread->inbox_mutex);
    mr_connection *list = thread->inbox;
    thread->inbox = NULL;
    mr_mutex_unlock(&thread->inbox_mutex);
    while (list != NULL) {
        mr_connection *c = list;
        list = c->next;
        c->next = NULL;
        if (mr_connection_enter(c, &thread->loop.cx) != MR_OK) {
            mr_connection_say(c, &thread->loop.cx);
            mr_connection_free(c);
            atomic_fetch_sub(&thread->connection_count, 1);
            atomic_fetch_sub(&thread->server->connection_count, 1);
        }
    }
}

static void run_dirty(mr_server_thread *thread) {
    while (thread->dirty != NULL) {
        mr_connection *c = thread->dirty;
        thread->dirty = c->next;
        c->next = NULL;
        c->dirty = false;
        if (c->dead) {
            c->next = thread->dead;
            thread->dead = c;
        } else {
            mr_connection_turn(c);
        }
    }
}

// But for those of whom a call is away: the clerk looks at who asked.
static void free_dead(mr_server_thread *thread) {
    mr_connection *list = thread->dead;
    thread->dead = NULL;
    while (list != NULL) {
        mr_connection *c = list;
        list = c->next;
        if (mr_connection_is_away(c)) {
            c->next = thread->dead;
            thread->dead = c;
            continue;
        }
        mr_connection_free(c);
        atomic_fetch_sub(&thread->connection_count, 1);
        atomic_fetch_sub(&thread->server->connection_count, 1);
    }
}

// Connections on which nothing has moved for too long.
static void drop_idle(mr_server_thread *thread) {
    int64_t idle_us = mr_broker_settings_of(thread->loop.broker)->idle_timeout_us;
    while (thread->oldest != NULL && thread->now_us - thread->oldest->active_us >= idle_us) {
        mr_connection *c = thread->oldest;
        if (c->open_count > 0) {
            mr_connection_touch(c);  // It waits for us.
        } else {
            mr_connection_drop(c);
        }
    }
}

static void look_starved(mr_server_thread *thread) {
    mr_connection *newer = NULL;
    for (mr_connection *c = thread->oldest; c != NULL && thread->starved_count > 0; c = newer) {
        newer = c->newer;
        mr_connection_retry(c);
        if (c->starved && c->at < c->end && c->open_count == 0 &&
            thread->now_us - c->begun_us > STARVED_CLOSE_US) {
            mr_cx *cx = &thread->loop.cx;
            mr_code code = mr_fail(cx, MR_E_LIMIT, "Raise broker.queue_bytes_max.",
                                   "its request came too slowly while there were too many");
            mr_assert(code != MR_OK);
            mr_connection_say(c, cx);
            mr_connection_drop(c);
        }
    }
}

static int64_t deadline(const mr_server_thread *thread) {
    const mr_loop *loop = &thread->loop;
    int64_t at = mr_loop_deadline(loop);
    if (thread->oldest != NULL) {
        int64_t idle_us = mr_broker_settings_of(loop->broker)->idle_timeout_us;
        at = MR_MIN(at, thread->oldest->active_us + idle_us);
    }
    if (thread->starved_count > 0) {
        at = MR_MIN(at, thread->now_us + STARVED_LOOK_US);
    }
    if (loop->spare_calls != NULL || loop->spare_block_bytes > 0) {
        at = MR_MIN(at, thread->now_us + TRIM_US);
    }
    if (thread == thread->server->threads && thread->server->accept_after_us > 0) {
        at = MR_MIN(at, thread->server->accept_after_us);
    }
    return at;
}

static void on_event(mr_server_thread *thread, const mr_poller_event *event) {
    mr_server *server = thread->server;
    server_listener *listener = event->token;
    if (event->token == thread) {
        mr_wake_clear(&thread->loop.wake, thread->loop.cx.plat);
    } else if (listener >= server->listeners &&
               listener < server->listeners + server->broker->listen_count) {
        if (!atomic_load(&server->stopping)) {
            accept_all(server, listener, &thread->loop.cx);
        }
    } else {
        mr_connection_event(event->token, event);
    }
}

// Waits until something is to be done, and takes the events.
static mr_code thread_wait(mr_server_thread *thread, mr_cx *cx) {
    mr_loop *loop = &thread->loop;
    mr_poller_event events[EVENTS_MAX];
    size_t count = 0;
    int64_t at = deadline(thread);
    int64_t timeout_us = at == INT64_MAX ? -1 : MR_MAX(0, at - mr_clock_monotonic_us(cx->plat));
    atomic_store(&loop->asleep, true);
    if (atomic_load(&loop->signalled) != NULL) {
        timeout_us = 0;
    }
    MR_TRY(mr_poller_wait(&thread->poller, events, EVENTS_MAX, timeout_us, &count, cx));
    atomic_store(&loop->asleep, false);
    thread->now_us = mr_clock_monotonic_us(cx->plat);
    for (size_t i = 0; i < count; i++) {
        on_event(thread, &events[i]);
    }
    if (count == 0 && timeout_us >= TRIM_US / 2) {
        mr_loop_trim(loop);
    }
    return MR_OK;
}

static void turn(mr_server_thread *thread) {
    mr_loop *loop = &thread->loop;
    mr_server *server = thread->server;
    take_inbox(thread);
    mr_loop_run(loop);
    run_dirty(thread);
    if (thread->starved_count > 0) {
        look_starved(thread);
        run_dirty(thread);
    }
    drop_idle(thread);
    free_dead(thread);
    if (thread == server->threads && server->accept_after_us > 0 &&
        thread->now_us >= server->accept_after_us) {
        server->accept_after_us = 0;
        (void)(listeners_wish(server, MR_POLLER_READ, &loop->cx) == MR_OK);
    }
    mr_arena_clear(&loop->arena);
}

// Lets go all but connections whose records are being made durable. Returns whether there is one.
static bool let_go(mr_server_thread *thread, bool all) {
    mr_connection *newer = NULL;
    bool left = false;
    for (mr_connection *c = thread->oldest; c != NULL; c = newer) {
        newer = c->newer;
        bool waits = c->open_count > 0 && c->first->head.key == MR_KEY_produce;
        if (waits && !all && !c->blocked) {
            c->closing = true;
            left = true;
        } else {
            mr_connection_drop(c);
        }
    }
    return left;
}

// After a poller that failed: from here on the thread takes no connection. Without the first one
// nobody gets in, so all stop then, and clients are refused instead of left to wait.
static void thread_fails(mr_server_thread *thread, const mr_cx *cx) {
    mr_server *server = thread->server;
    mr_mutex_lock(&thread->inbox_mutex);
    thread->ended = true;
    mr_mutex_unlock(&thread->inbox_mutex);
    if (thread != server->threads) {
        mr_broker_say(server->broker, "a server thread ends: %s", cx->error.text);
        return;
    }
    mr_broker_say(server->broker,
                  "the server thread that takes connections ends: %s; the broker serves no client "
                  "any more",
                  cx->error.text);
    atomic_store(&server->stopping, true);
    for (uint32_t i = 0; i < server->broker->listen_count; i++) {
        mr_socket_close(&server->listeners[i].socket, thread->loop.cx.plat);
    }
    for (uint32_t i = 1; i < server->thread_count; i++) {
        thread_wake(&server->threads[i]);
    }
    const mr_broker_spec *spec = &server->broker->spec;
    if (spec->failed != NULL) {
        spec->failed(spec->self);
    }
}

static void *thread_run(void *self) {
    mr_server_thread *thread = self;
    mr_cx *cx = &thread->loop.cx;
    thread->now_us = mr_clock_monotonic_us(cx->plat);
    while (!atomic_load(&thread->server->stopping)) {
        turn(thread);
        if (thread_wait(thread, cx) != MR_OK) {
            thread_fails(thread, cx);
            break;
        }
    }
    int64_t end_us = mr_clock_monotonic_us(cx->plat) + CLOSE_WAIT_US;
    turn(thread);
    while (let_go(thread, mr_clock_monotonic_us(cx->plat) >= end_us)) {
        turn(thread);
        mr_clock_sleep_us(cx->plat, 1000);
    }
    run_dirty(thread);
    free_dead(thread);
    while (thread->dead != NULL) {  // The clerk ends what it has begun.
        mr_clock_sleep_us(cx->plat, 1000);
        mr_loop_run(&thread->loop);
        free_dead(thread);
    }
    return NULL;
}

// ---- opening and closing -----------------------------------------------------------------------

static mr_code listener_open(mr_server *server, uint32_t index, mr_cx *cx) {
    server_listener *listener = &server->listeners[index];
    listener->listen = &server->broker->listens[index];
    MR_TRY(mr_socket_listen(&listener->socket, listener->listen->host, listener->listen->port,
                            &listener->port, cx));
    listener->address =
        mr_listen_print(listener->listen->host, listener->port, &server->broker->arena);
    return mr_poller_add(&server->threads[0].poller, listener->socket.handle, MR_POLLER_READ,
                         listener, cx);
}

static mr_code thread_open(mr_server *server, mr_server_thread *thread, mr_cx *cx) {
    thread->server = server;
    mr_mutex_init(&thread->inbox_mutex);
    MR_TRY(mr_loop_init(&thread->loop, server->broker, /* by_hand= */ false, cx));
    thread->loop.answered = mr_connection_answered;
    MR_TRY(mr_poller_open(&thread->poller, cx));
    return mr_poller_add(&thread->poller, thread->loop.wake.handle, MR_POLLER_READ, thread, cx);
}

// Of the files that may be open, most are for connections, but never all: logs need theirs.
static int64_t connections_max(mr_broker *broker, mr_plat *plat) {
    uint64_t files = mr_plat_files_max(plat);
    uint64_t most = MR_MAX(files / 2, files - MR_MIN(files, FILES_FOR_LOGS));
    int64_t wanted = mr_broker_settings_of(broker)->connections_max;
    return (uint64_t)wanted < most ? wanted : (int64_t)most;
}

mr_code mr_server_open(mr_broker *broker, mr_server **ret, mr_cx *cx) {
    mr_server *server = MR_NEW(&broker->arena, mr_server);
    *ret = server;  // mr_server_close takes one that is half open.
    server->broker = broker;
    server->connections_max = connections_max(broker, cx->plat);
    int64_t threads = mr_broker_settings_of(broker)->threads;
    uint32_t cores = mr_plat_cores(cx->plat);
    server->thread_count = threads > 0 ? (uint32_t)threads : MR_MIN(cores, 4);
    server->threads = MR_NEW_ARRAY(&broker->arena, mr_server_thread, server->thread_count);
    server->listeners = MR_NEW_ARRAY(&broker->arena, server_listener, broker->listen_count);
    for (uint32_t i = 0; i < server->thread_count; i++) {
        server->threads[i].poller = MR_POLLER_CLOSED;
        server->threads[i].loop.wake.handle = -1;
        server->threads[i].loop.cx.plat = cx->plat;
    }
    for (uint32_t i = 0; i < broker->listen_count; i++) {
        server->listeners[i].socket = MR_SOCKET_CLOSED;
    }
    for (uint32_t i = 0; i < server->thread_count; i++) {
        MR_TRY(thread_open(server, &server->threads[i], cx));
    }
    for (uint32_t i = 0; i < broker->listen_count; i++) {
        MR_TRY(listener_open(server, i, cx));
    }
    for (uint32_t i = 0; i < server->thread_count; i++) {
        const char *name = mr_arena_printf(cx->arena, "server-%u", i);
        MR_TRY(
            mr_thread_start(&server->threads[i].thread, name, thread_run, &server->threads[i], cx));
    }
    return MR_OK;
}

void mr_server_close(mr_server *server) {
    if (server == NULL) {
        return;
    }
    mr_plat *plat = server->broker->plat;
    atomic_store(&server->stopping, true);
    for (uint32_t i = 0; i < server->thread_count; i++) {
        if (server->threads[i].thread.running) {
            thread_wake(&server->threads[i]);
        }
    }
    for (uint32_t i = 0; i < server->thread_count; i++) {
        mr_thread_join(&server->threads[i].thread);
    }
    for (uint32_t i = 0; i < server->broker->listen_count; i++) {
        mr_socket_close(&server->listeners[i].socket, plat);
    }
    for (uint32_t i = 0; i < server->thread_count; i++) {
        mr_server_thread *thread = &server->threads[i];
        while (thread->inbox != NULL) {  // Handed over to a thread that had ended.
            mr_connection *c = thread->inbox;
            thread->inbox = c->next;
            mr_connection_free(c);
        }
        mr_poller_close(&thread->poller, plat);
        mr_loop_release(&thread->loop);
        mr_mutex_release(&thread->inbox_mutex);
    }
}

const char *mr_server_address(const mr_server *server, uint32_t listener) {
    return server->listeners[listener].address;
}

uint16_t mr_server_port(const mr_server *server, uint32_t listener) {
    return server->listeners[listener].port;
}
