// Socket: TCP and wakes over the platform's operations; see socket.h.
//
// Also: mr_wake_

#include "plat/socket.h"

#include <string.h>

#include "plat/plat_ops.h"

#define SOCKET_RECEIVE_STEP ((size_t)256 << 10)  // Bytes to be there before a reader is woken.

static mr_code socket_ops(const mr_plat_sockets **ret, mr_cx *cx) {
    *ret = cx->plat->ops->sockets;
    return *ret != NULL ? MR_OK
                        : mr_fail(cx, MR_E_UNSUPPORTED, NULL, "this platform has no network");
}

static mr_code socket_failed(mr_cx *cx, const char *verb, const char *peer, const char *reason) {
    mr_code code = mr_fail(cx, MR_E_NETWORK, NULL, "cannot %s %s: %s", verb, peer, reason);
    return mr_error_flag(cx, code, MR_RETRY);
}

static mr_code socket_error(mr_cx *cx, const char *verb, const char *peer, int error) {
    char buffer[128];
    return socket_failed(cx, verb, peer, strerror_r(error, buffer, sizeof(buffer)));
}

static char *peer_name(const char *host, uint16_t port) {
    size_t bytes = strlen(host) + sizeof(":65535") + 2;
    char *name = mr_heap_raw(bytes);
    mr_text text;
    mr_text_init(&text, NULL);
    mr_text_addf(&text, strchr(host, ':') == NULL ? "%s:%u" : "[%s]:%u", host, port);
    memcpy(name, mr_text_string(&text), text.bytes + 1);
    mr_text_release(&text);
    return name;
}

void mr_socket_close(mr_socket *socket, mr_plat *plat) {
    if (socket->handle >= 0) {
        plat->ops->sockets->close(plat, socket->handle);
    }
    mr_heap_free(socket->peer);
    *socket = MR_SOCKET_CLOSED;
}

// ---- waiting ---------------------------------------------------------------------------------

mr_code mr_socket_wait(mr_socket_event *events, size_t count, int64_t timeout_us, size_t *ret_count,
                       mr_cx *cx) {
    const mr_plat_sockets *ops = NULL;
    MR_TRY(socket_ops(&ops, cx));
    int ready = ops->poll(cx->plat, events, count, timeout_us);
    if (ready < 0) {
        return plat_fail(cx, -ready, "wait for", "sockets");
    }
    *ret_count = (size_t)ready;
    return MR_OK;
}

// Waits until the socket can be read or written.
static mr_code await(mr_socket *socket, bool write, const mr_socket_limit *limit, const char *verb,
                     mr_cx *cx) {
    int64_t left_us = limit->deadline_us - mr_clock_monotonic_us(cx->plat);
    mr_socket_event events[] = {
        {.handle = socket->handle, .read = !write, .write = write},
        {.handle = limit->wake == NULL ? -1 : limit->wake->handle, .read = true},
    };
    size_t ready = 0;
    if (left_us > 0) {
        MR_TRY(mr_socket_wait(events, MR_COUNT(events), left_us, &ready, cx));
    }
    if (events[1].readable) {
        return mr_fail(cx, MR_E_CANCELLED, NULL, "cancelled");
    }
    if (ready == 0) {
        mr_code code = mr_fail(cx, MR_E_TIMEOUT, NULL, "cannot %s %s: it does not answer in time",
                               verb, socket->peer);
        return mr_error_flag(cx, code, MR_RETRY);
    }
    return MR_OK;
}

// ---- clients ---------------------------------------------------------------------------------

mr_code mr_socket_connect(mr_socket *socket, const char *host, uint16_t port,
                          const mr_socket_limit *limit, mr_cx *cx) {
    const mr_plat_sockets *ops = NULL;
    MR_TRY(socket_ops(&ops, cx));
    mr_socket made = {.handle = -1, .peer = peer_name(host, port)};
    mr_code code = MR_OK;
    // A host may have several addresses: the first that takes the connection is it.
    for (uint32_t address = 0; made.handle < 0; address++) {
        const char *reason = NULL;
        made.handle = ops->connect(cx->plat, host, port, address, &reason);
        if (made.handle < 0) {
            // Behind the last address: the error of the one before says more.
            code = made.handle != -EADDRNOTAVAIL || address == 0
                       ? reason != NULL ? socket_failed(cx, "connect to", made.peer, reason)
                                        : socket_error(cx, "connect to", made.peer, -made.handle)
                       : code;
            if (made.handle == -EADDRNOTAVAIL || reason != NULL) {
                break;
            }
            continue;
        }
        code = await(&made, /* write= */ true, limit, "connect to", cx);
        int error = code != MR_OK ? 0 : ops->connected(cx->plat, made.handle);
        if (error < 0) {
            code = socket_error(cx, "connect to", made.peer, -error);
        }
        if (code != MR_OK) {
            ops->close(cx->plat, made.handle);
            made.handle = -1;
            if (code == MR_E_CANCELLED) {
                break;
            }
        }
    }
    if (made.handle < 0) {
        mr_heap_free(made.peer);
        return code;
    }
    *socket = made;
    return MR_OK;
}

mr_code mr_socket_connect_file(mr_socket *socket, const char *path, mr_cx *cx) {
    const mr_plat_sockets *ops = NULL;
    MR_TRY(socket_ops(&ops, cx));
    int handle = ops->connect_file(cx->plat, path);
    if (handle == -ENOENT || handle == -ECONNREFUSED) {
        return mr_fail(cx, MR_E_MISSING, NULL, "nobody listens at \"%s\"", path);
    }
    if (handle < 0) {
        return socket_error(cx, "connect to", path, -handle);
    }
    *socket = (mr_socket){.handle = handle, .peer = mr_heap_string(path)};
    return MR_OK;
}

mr_code mr_socket_listen_file(mr_socket *socket, const char *path, mr_cx *cx) {
    const mr_plat_sockets *ops = NULL;
    MR_TRY(socket_ops(&ops, cx));
    int handle = ops->listen_file(cx->plat, path);
    if (handle < 0) {
        return plat_fail(cx, -handle, "listen at", path);
    }
    *socket = (mr_socket){.handle = handle, .peer = mr_heap_string(path)};
    return MR_OK;
}

mr_code mr_socket_send_some(mr_socket *socket, mr_span data, size_t *ret_bytes, mr_cx *cx) {
    int64_t sent = cx->plat->ops->sockets->send(cx->plat, socket->handle, data);
    if (sent < 0 && sent != -EAGAIN) {
        return socket_error(cx, "send to", socket->peer, (int)-sent);
    }
    *ret_bytes = sent < 0 ? 0 : (size_t)sent;
    return MR_OK;
}

mr_code mr_socket_send_parts(mr_socket *socket, const mr_span *parts, size_t count, bool more,
                             size_t *ret_bytes, mr_cx *cx) {
    mr_assert(count > 0 && count <= MR_SOCKET_PARTS_MAX);
    int64_t sent = cx->plat->ops->sockets->send_parts(cx->plat, socket->handle, parts, count, more);
    if (sent < 0 && sent != -EAGAIN) {
        return socket_error(cx, "send to", socket->peer, (int)-sent);
    }
    *ret_bytes = sent < 0 ? 0 : (size_t)sent;
    return MR_OK;
}

mr_code mr_socket_send_file(mr_socket *socket, const mr_file *file, uint64_t offset, size_t bytes,
                            size_t *ret_bytes, mr_cx *cx) {
    mr_assert(bytes > 0 && file->handle >= 0);
    int64_t sent =
        cx->plat->ops->sockets->send_file(cx->plat, socket->handle, file->handle, offset, bytes);
    if (sent == 0) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "\"%s\" ends before byte %llu", file->path,
                       (unsigned long long)offset);
    }
    if (sent < 0 && sent != -EAGAIN) {
        return socket_error(cx, "send to", socket->peer, (int)-sent);
    }
    *ret_bytes = sent < 0 ? 0 : (size_t)sent;
    return MR_OK;
}

mr_code mr_socket_receive_some(mr_socket *socket, void *data, size_t bytes, size_t *ret_bytes,
                               mr_cx *cx) {
    mr_assert(bytes > 0);
    int64_t got = cx->plat->ops->sockets->receive(cx->plat, socket->handle, data, bytes);
    if (got == 0) {
        return socket_failed(cx, "receive from", socket->peer, "it closed the connection");
    }
    if (got < 0 && got != -EAGAIN) {
        return socket_error(cx, "receive from", socket->peer, (int)-got);
    }
    *ret_bytes = got < 0 ? 0 : (size_t)got;
    return MR_OK;
}

mr_code mr_socket_send(mr_socket *socket, mr_span data, const mr_socket_limit *limit, mr_cx *cx) {
    while (data.bytes > 0) {
        size_t sent = 0;
        MR_TRY(mr_socket_send_some(socket, data, &sent, cx));
        data.data += sent;
        data.bytes -= sent;
        if (data.bytes > 0) {
            MR_TRY(await(socket, /* write= */ true, limit, "send to", cx));
        }
    }
    return MR_OK;
}

mr_code mr_socket_receive(mr_socket *socket, void *data, size_t bytes, const mr_socket_limit *limit,
                          mr_cx *cx) {
    char *to = data;
    while (bytes > 0) {
        size_t got = 0;
        MR_TRY(mr_socket_receive_some(socket, to, bytes, &got, cx));
        to += got;
        bytes -= got;
        if (bytes > 0) {
            // Much is still to come: a wake-up for every segment would cost more than the bytes.
            const mr_plat_sockets *ops = cx->plat->ops->sockets;
            ops->receive_low(cx->plat, socket->handle, MR_MIN(bytes, SOCKET_RECEIVE_STEP));
            MR_TRY(await(socket, /* write= */ false, limit, "receive from", cx));
        }
    }
    return MR_OK;
}

// ---- servers ---------------------------------------------------------------------------------

mr_code mr_socket_listen(mr_socket *socket, const char *host, uint16_t port, uint16_t *ret_port,
                         mr_cx *cx) {
    const mr_plat_sockets *ops = NULL;
    MR_TRY(socket_ops(&ops, cx));
    mr_socket made = {.handle = -1, .peer = peer_name(host, port)};
    const char *reason = NULL;
    made.handle = ops->listen(cx->plat, host, port, ret_port, &reason);
    if (made.handle < 0) {
        mr_code code = reason != NULL ? socket_failed(cx, "listen at", made.peer, reason)
                                      : socket_error(cx, "listen at", made.peer, -made.handle);
        mr_heap_free(made.peer);
        return code;
    }
    *socket = made;
    return MR_OK;
}

mr_code mr_socket_accept(mr_socket *listener, mr_socket *ret, bool *ret_taken, mr_cx *cx) {
    char host[64];
    uint16_t port = 0;
    int handle =
        cx->plat->ops->sockets->accept(cx->plat, listener->handle, host, sizeof(host), &port);
    if (handle < 0 && handle != -EAGAIN) {
        return plat_fail(cx, -handle, "accept a connection at", listener->peer);
    }
    *ret_taken = handle >= 0;
    if (handle >= 0) {
        *ret = (mr_socket){.handle = handle, .peer = peer_name(host, port)};
    }
    return MR_OK;
}

mr_code mr_socket_local(mr_socket *socket, char *ret_host, size_t host_bytes, uint16_t *ret_port,
                        mr_cx *cx) {
    int done =
        cx->plat->ops->sockets->local(cx->plat, socket->handle, ret_host, host_bytes, ret_port);
    return done < 0 ? socket_error(cx, "look at the connection of", socket->peer, -done) : MR_OK;
}

// ---- wakes -----------------------------------------------------------------------------------

mr_code mr_wake_open(mr_wake *wake, mr_cx *cx) {
    const mr_plat_sockets *ops = NULL;
    MR_TRY(socket_ops(&ops, cx));
    int handle = ops->wake_open(cx->plat);
    if (handle < 0) {
        return plat_fail(cx, -handle, "make", "a wake");
    }
    wake->handle = handle;
    return MR_OK;
}

void mr_wake_signal(const mr_wake *wake, mr_plat *plat) {
    plat->ops->sockets->wake_signal(plat, wake->handle);
}

void mr_wake_clear(const mr_wake *wake, mr_plat *plat) {
    plat->ops->sockets->wake_clear(plat, wake->handle);
}

void mr_wake_close(mr_wake *wake, mr_plat *plat) {
    if (wake->handle >= 0) {
        plat->ops->sockets->close(plat, wake->handle);
        wake->handle = -1;
    }
}
