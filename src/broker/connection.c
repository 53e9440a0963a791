// Connection: what a client sends, cut into frames, and what becomes of them; see server.h.
//
// Order: answers leave in the order of the requests. While a request waits for its answer no other
// is taken, with one exception: produce requests behind produce requests, since each of them may
// wait for a group commit, and they are appended in the order in which they came.
//
// A frame is read where it was received. Only a frame that does not fit behind the ones before it
// is moved, once, into a block that it fits in; and the memory for a large one grows with what has
// really come, so that a length alone costs nothing.

#include <inttypes.h>
#include <string.h>

#include "broker/server.h"
#include "broker/session.h"

#define FRAME_TRUST_BYTES ((size_t)1 << 20)  // Room for this much is made at once.
#define CALLS_MAX         512                // Of a connection, answered or not.
#define RECEIVES_MAX      8                  // At a time, so that others have their turn.

mr_connection *mr_connection_new(mr_server_thread *thread, mr_socket *socket,
                                 const mr_listen *listen, mr_cx *cx) {
    mr_connection *made = mr_heap_alloc(sizeof(mr_connection));
    made->thread = thread;
    made->socket = *socket;
    *socket = MR_SOCKET_CLOSED;
    made->client.broker = thread->loop.broker;
    made->client.listen = listen;
    mr_client_named(&made->client);
    mr_sasl_begin(&made->client.sasl, listen->sasl);
    made->tls = listen->tls ? mr_tls_new(thread->loop.broker->tls, listen->sasl) : NULL;
    mr_span peer = mr_span_of(made->socket.peer);
    const char *colon = memrchr(peer.data, ':', peer.bytes);
    size_t host_bytes = MR_MIN((size_t)(colon - peer.data), sizeof(made->client.host) - 1);
    memcpy(made->client.host, peer.data, host_bytes);
    // Of a socket that is gone already: it has nothing to ask.
    (void)(mr_socket_local(&made->socket, made->client.local_host, sizeof(made->client.local_host),
                           &made->client.local_port, cx) == MR_OK);
    return made;
}

void mr_connection_free(mr_connection *connection) {
    mr_server_thread *thread = connection->thread;
    while (connection->first != NULL) {
        mr_call *call = connection->first;
        connection->first = call->next;
        mr_loop_call_free(&thread->loop, call);
    }
    mr_loop_block_release(&thread->loop, connection->block);
    mr_socket_close(&connection->socket, thread->loop.cx.plat);
    mr_tls_free(connection->tls);
    mr_sasl_end(&connection->client.sasl);
    mr_heap_free(connection->client.certified);
    mr_heap_free(connection);
}

// Only the last one can be: nothing is taken behind it.
bool mr_connection_is_away(const mr_connection *connection) {
    return connection->last != NULL && connection->last->phase == MR_CALL_AWAY;
}

// ---- the thread's lists ----------------------------------------------------------------------

static void list_remove(mr_connection *c) {
    mr_server_thread *thread = c->thread;
    *(c->older != NULL ? &c->older->newer : &thread->oldest) = c->newer;
    *(c->newer != NULL ? &c->newer->older : &thread->newest) = c->older;
    c->older = c->newer = NULL;
}

static void list_add(mr_connection *c) {
    mr_server_thread *thread = c->thread;
    c->active_us = thread->now_us;
    c->older = thread->newest;
    *(c->older != NULL ? &c->older->newer : &thread->oldest) = c;
    thread->newest = c;
}

void mr_connection_touch(mr_connection *connection) {
    if (connection->active_us != connection->thread->now_us) {
        list_remove(connection);
        list_add(connection);
    }
}

void mr_connection_mark(mr_connection *connection) {
    if (!connection->dirty && !connection->dead) {
        connection->dirty = true;
        connection->next = connection->thread->dirty;
        connection->thread->dirty = connection;
    }
}

static void set_starved(mr_connection *c, bool starved) {
    if (c->starved != starved) {
        c->starved = starved;
        c->thread->starved_count += starved ? 1 : UINT32_MAX;
    }
}

mr_code mr_connection_enter(mr_connection *connection, mr_cx *cx) {
    connection->wishes = MR_POLLER_READ;
    MR_TRY(mr_poller_add(&connection->thread->poller, connection->socket.handle, connection->wishes,
                         connection, cx));
    list_add(connection);
    return MR_OK;
}

void mr_connection_drop(mr_connection *connection) {
    if (connection->dead) {
        return;
    }
    connection->dead = true;
    set_starved(connection, false);
    list_remove(connection);
    mr_socket_close(&connection->socket, connection->thread->loop.cx.plat);
    // A turn that is under way may still look at it. On the dirty list it is found dead.
    if (!connection->dirty) {
        connection->next = connection->thread->dead;
        connection->thread->dead = connection;
    }
}

void mr_connection_retry(mr_connection *connection) {
    if (connection->starved && !mr_broker_is_full(connection->client.broker)) {
        set_starved(connection, false);
        mr_connection_mark(connection);
    }
}

void mr_connection_say(mr_connection *connection, const mr_cx *cx) {
    const char *host = connection->client.host, *peer = connection->socket.peer;
    mr_broker_say_of(connection->client.broker, host, cx->error.text,
                     "closed the connection of %s: %s%s%s", peer == NULL ? host : peer,
                     cx->error.text, cx->error.hint[0] == '\0' ? "" : ". ", cx->error.hint);
}

// ---- frames ----------------------------------------------------------------------------------

static size_t waiting(const mr_connection *c) {
    return c->end - c->at;
}

// Bytes of the frame that begins those that wait, with its length, as far as it is known. Of a
// frame that was not checked it is anything.
static size_t frame_bytes(const mr_connection *c) {
    if (waiting(c) < MR_WIRE_LENGTH_BYTES) {
        return MR_WIRE_LENGTH_BYTES;
    }
    return MR_WIRE_LENGTH_BYTES + (uint32_t)mr_wire_frame_bytes(c->block->data + c->at);
}

static bool has_frame(const mr_connection *c) {
    return waiting(c) > MR_WIRE_LENGTH_BYTES && waiting(c) >= frame_bytes(c);
}

// What else comes to a port that has been mistaken.
static const char *other_protocol(const char *first) {
    static const char *const http[] = {"GET ", "POST", "HEAD", "PUT ", "DELE",
                                       "OPTI", "PATC", "CONN", "PRI "};
    for (size_t i = 0; i < MR_COUNT(http); i++) {
        if (memcmp(first, http[i], 4) == 0) {
            return "speaks HTTP, and this is a port of Kafka's protocol";
        }
    }
    if (first[0] == 0x16 && first[1] == 0x03) {
        return "begins with TLS, and this listener has none";
    }
    return NULL;
}

static mr_code frame_check(mr_connection *c, mr_cx *cx) {
    const char *first = c->block->data + c->at;
    const char *other = c->greeted ? NULL : other_protocol(first);
    if (other != NULL) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "it %s", other);
    }
    int32_t length = mr_wire_frame_bytes(first);
    uint64_t most = mr_broker_settings_of(c->client.broker)->request_bytes_max;
    if (length < 8 && !mr_dispatch_wants_token(&c->client)) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "a request of %" PRIi32 " bytes%s", length,
                       c->greeted ? "" : " is not of Kafka's protocol");
    }
    if ((uint64_t)length > most) {
        return mr_fail(cx, MR_E_LIMIT,
                       c->greeted ? "Raise broker.request_bytes_max, or make the batches smaller."
                                  : "Most likely it does not speak Kafka's protocol.",
                       "a request of %" PRIi32 " bytes, over the limit of %" PRIu64, length, most);
    }
    return MR_OK;
}

// Room behind `end`: for the rest of the frame that is coming, or for a first one.
static void make_room(mr_connection *c) {
    mr_loop *loop = &c->thread->loop;
    mr_block *old = c->block;
    size_t here = waiting(c);
    size_t want = frame_bytes(c);
    if (want > FRAME_TRUST_BYTES) {
        want = MR_MIN(want, MR_MAX(FRAME_TRUST_BYTES, here * 4));
    }
    if (old != NULL && here == 0 && old->references == 1) {
        mr_broker_uncharge(loop->broker, old->charged);
        old->charged = 0;
        c->at = c->end = 0;
    }
    if (old != NULL && old->bytes - c->at >= want && c->end < old->bytes) {
        return;
    }
    mr_block *made = mr_loop_block_new(loop, MR_MAX(want, here + 1));
    if (here > 0) {
        memcpy(made->data, old->data + c->at, here);
    }
    made->charged = here;
    mr_broker_charge(loop->broker, here);
    mr_loop_block_release(loop, old);
    c->block = made;
    c->at = 0;
    c->end = here;
}

static mr_code receive_some(mr_connection *c, char *data, size_t room, size_t *ret_got, mr_cx *cx) {
    if (c->tls == NULL) {
        return mr_socket_receive_some(&c->socket, data, room, ret_got, cx);
    }
    MR_TRY(mr_tls_receive_some(c->tls, &c->socket, data, room, ret_got, cx));
    if (*ret_got > 0 && !c->greeted && c->client.certified == NULL) {
        const char *name;
        MR_TRY(mr_tls_principal(c->tls, &name, cx));
        if (name != NULL) {
            c->client.certified = mr_heap_string(name);
            mr_client_named(&c->client);
        }
    }
    return MR_OK;
}

// Reads what is there. Sets ended.
static mr_code receive(mr_connection *c, mr_cx *cx) {
    for (int i = 0; i < RECEIVES_MAX && !c->ended; i++) {
        if (mr_broker_is_full(c->client.broker)) {
            set_starved(c, true);
            return MR_OK;
        }
        make_room(c);
        size_t room = c->block->bytes - c->end;
        size_t got = 0;
        mr_code code = receive_some(c, c->block->data + c->end, room, &got, cx);
        if (code == MR_E_CORRUPT || code == MR_E_PERMISSION) {
            return code;  // It does not speak TLS, or its certificate is nobody's.
        }
        // An end or an error of the other side is the same here: what came before it counts.
        if (code != MR_OK) {
            c->ended = c->end_seen = true;
            return MR_OK;
        }
        if (got == 0) {
            return MR_OK;
        }
        if (waiting(c) == 0) {
            c->begun_us = c->thread->now_us;
        }
        c->end += got;
        c->block->charged += got;
        mr_broker_charge(c->client.broker, got);
        mr_connection_touch(c);
        if (waiting(c) >= MR_WIRE_LENGTH_BYTES) {
            MR_TRY(frame_check(c, cx));
        }
        if (got < room || has_frame(c)) {
            return MR_OK;
        }
    }
    return MR_OK;
}

// Whether the next frame may be handled while earlier requests wait.
static bool may_take(const mr_connection *c, mr_span frame) {
    int16_t key = 0;
    if (c->blocked || c->closing || c->call_count >= CALLS_MAX) {
        return false;
    }
    return c->open_count == 0 ||
           (mr_dispatch_peek(frame, &key) && key == MR_KEY_produce && c->last->head.key == key);
}

// Handles a frame; its call is at the end of the connection's then, answered or not.
static mr_code take(mr_connection *c, mr_span frame, mr_cx *cx) {
    mr_loop *loop = &c->thread->loop;
    mr_call *call = mr_loop_call_new(loop);
    call->connection = c;
    call->client = &c->client;
    call->block = c->block;
    c->block->references++;
    *(c->last != NULL ? &c->last->next : &c->first) = call;
    c->last = call;
    c->call_count++;
    c->open_count++;
    return mr_dispatch(call, frame, cx);
}

// Handles what has come.  *ret_any  whether there was anything that could be
static mr_code take_all(mr_connection *c, bool *ret_any, mr_cx *cx) {
    *ret_any = false;
    for (;;) {
        if (waiting(c) < MR_WIRE_LENGTH_BYTES) {
            break;
        }
        MR_TRY(frame_check(c, cx));
        size_t bytes = frame_bytes(c);
        mr_span frame = {c->block->data + c->at + MR_WIRE_LENGTH_BYTES,
                         bytes - MR_WIRE_LENGTH_BYTES};
        if (waiting(c) < bytes || !may_take(c, frame)) {
            return MR_OK;
        }
        c->greeted = true;
        c->at += bytes;
        c->begun_us = c->thread->now_us;
        *ret_any = true;
        MR_TRY(take(c, frame, cx));
    }
    if (waiting(c) == 0 && c->block != NULL) {  // Idle, or nearly so: it keeps no memory.
        mr_loop_block_release(&c->thread->loop, c->block);
        c->block = NULL;
        c->at = c->end = 0;
    }
    return MR_OK;
}

// ---- turns -----------------------------------------------------------------------------------

void mr_connection_answered(mr_loop *loop, mr_call *call) {
    mr_connection *c = call->connection;
    mr_cx *cx = &loop->cx;
    c->open_count--;
    cx->arena = call->arena;
    if (!call->silent && mr_dispatch_answer(call, cx) != MR_OK) {
        mr_connection_say(c, cx);
        call->silent = call->hang_up = true;
    }
    cx->arena = &loop->arena;
    mr_loop_block_release(loop, call->block);
    call->block = NULL;
    mr_connection_mark(c);
}

// TLS has bytes that the socket did not take yet.
static bool holds_back(const mr_connection *c) {
    return c->tls != NULL && mr_tls_wants_write(c->tls);
}

// Reads what TLS has decrypted beyond the room that there was: no event will tell of it.
static mr_code take_buffered(mr_connection *c, bool *ret_any, mr_cx *cx) {
    bool buffered = c->tls != NULL && !c->ended && !c->starved && mr_tls_has_more(c->tls);
    if (*ret_any || !buffered || c->blocked || c->closing || has_frame(c)) {
        return MR_OK;
    }
    size_t before = waiting(c);
    MR_TRY(receive(c, cx));
    *ret_any = waiting(c) > before;
    return MR_OK;
}

// Tells the poller what is waited for now.
static mr_code wish(mr_connection *c, mr_cx *cx) {
    bool reads = !c->ended && !c->starved && !c->closing && !c->blocked && !has_frame(c);
    uint32_t wishes = (reads         ? MR_POLLER_READ
                       : c->end_seen ? 0
                                     : MR_POLLER_END) |
                      (c->blocked || holds_back(c) ? MR_POLLER_WRITE : 0);
    if (wishes == c->wishes) {
        return MR_OK;
    }
    c->wishes = wishes;
    return mr_poller_change(&c->thread->poller, c->socket.handle, wishes, c, cx);
}

// Whether nothing more can come of a connection whose other side sends no more: what it asked and
// still waits for is let go, as Kafka does, but for records that are being made durable.
static bool is_over(const mr_connection *c) {
    bool lets_go = c->first != NULL && c->first->phase == MR_CALL_PARKED &&
                   c->first->head.key != MR_KEY_produce;
    // Of one that is starved: what it holds is needed by those that are there.
    return ((c->ended || c->closing) && c->first == NULL) ||
           (c->end_seen && (lets_go || c->starved));
}

void mr_connection_turn(mr_connection *connection) {
    mr_connection *c = connection;
    mr_cx *cx = &c->thread->loop.cx;
    mr_code code = MR_OK;
    for (bool any = true; any && code == MR_OK && !c->dead;) {
        code = mr_connection_send(c, cx);
        if (code != MR_OK) {
            mr_connection_drop(c);  // Of its going away nothing need be said.
            return;
        }
        any = false;
        if (!c->blocked && !c->closing && !c->hung_up) {
            code = take_all(c, &any, cx);
            code = code == MR_OK ? take_buffered(c, &any, cx) : code;
        }
    }
    if (c->dead) {
        return;
    }
    if (code == MR_OK && !is_over(c) && !c->hung_up) {
        code = wish(c, cx);
    } else if (code == MR_OK) {
        mr_connection_drop(c);
        return;
    }
    if (code != MR_OK) {
        mr_connection_say(c, cx);
        mr_connection_drop(c);
    }
}

void mr_connection_event(mr_connection *connection, const mr_poller_event *event) {
    mr_connection *c = connection;
    mr_cx *cx = &c->thread->loop.cx;
    if (c->dead) {
        return;
    }
    if (event->writable) {
        c->blocked = false;
        mr_connection_touch(c);
    }
    if (event->broken && !event->readable) {
        mr_connection_drop(c);
        return;
    }
    if (event->ended && !event->readable) {
        c->end_seen = true;  // There may be bytes before it that were not read so far.
    }
    if (event->readable && receive(c, cx) != MR_OK) {
        mr_connection_say(c, cx);
        mr_connection_drop(c);
        return;
    }
    mr_connection_mark(c);
}
