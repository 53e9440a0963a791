// Connection, sending: answers in order, each partly from memory and partly from files.
//
// How: parts that are in memory go out together, up to the first that is in a file, of as many
// answers as are ready; what is in a file is sent by the kernel from its page cache. A socket that
// takes no more sets `blocked`, and the rest stays where it is.
//
// Also: mr_connection_send

#include "broker/server.h"

typedef struct gather {
    mr_span parts[MR_SOCKET_PARTS_MAX];
    size_t count;
    bool file_follows;
} gather;

// The bytes of a call's answer that are in memory and go before its next hole.
static mr_span text_part(const mr_call *call) {
    size_t end =
        call->holes_sent < call->hole_count ? call->holes[call->holes_sent].at : call->answer.bytes;
    return (mr_span){call->answer.data + call->answer_sent, end - call->answer_sent};
}

static bool is_ready(const mr_call *call) {
    return call != NULL && call->phase == MR_CALL_ANSWERED;
}

static void collect(const mr_connection *c, gather *ret) {
    ret->count = 0;
    ret->file_follows = false;
    const mr_call *call = c->first;
    for (; is_ready(call) && ret->count < MR_SOCKET_PARTS_MAX; call = call->next) {
        if (call->silent) {
            continue;
        }
        mr_span part = text_part(call);
        if (part.bytes > 0) {
            ret->parts[ret->count++] = part;
        }
        if (call->holes_sent < call->hole_count) {
            ret->file_follows = true;
            return;
        }
        if (call->hang_up) {
            return;
        }
    }
}

// Takes calls whose answers are sent off the front.
static void pop_sent(mr_connection *c) {
    while (is_ready(c->first) && !c->hung_up) {
        mr_call *call = c->first;
        bool sent = call->silent || (call->answer_sent == call->answer.bytes &&
                                     call->holes_sent == call->hole_count);
        if (!sent) {
            return;
        }
        c->hung_up = c->hung_up || call->hang_up;
        c->first = call->next;
        if (c->first == NULL) {
            c->last = NULL;
        }
        c->call_count--;
        mr_loop_call_free(&c->thread->loop, call);
    }
}

// Notes what the socket has taken of the parts that were collected.
static void advance(mr_connection *c, size_t sent) {
    for (mr_call *call = c->first; sent > 0; call = call->next) {
        if (!call->silent) {
            size_t own = MR_MIN(sent, text_part(call).bytes);
            call->answer_sent += own;
            sent -= own;
        }
    }
}

#define TLS_PIECE_BYTES ((size_t)64 << 10)

// With TLS a file's bytes go through memory, since they must be encrypted.
static mr_code send_file_tls(mr_connection *c, const mr_log_slice *slice, size_t bytes,
                             size_t *ret_sent, mr_cx *cx) {
    size_t piece = MR_MIN(bytes, TLS_PIECE_BYTES);
    char *data = mr_heap_raw(piece);
    mr_code code = mr_log_slice_load(slice, c->first->hole_sent, data, piece, cx);
    if (code == MR_OK) {
        code = mr_tls_send_some(c->tls, &c->socket, (mr_span){data, piece}, ret_sent, cx);
    }
    mr_heap_free(data);
    return code;
}

static mr_code send_memory(mr_connection *c, const gather *g, size_t *ret_sent, mr_cx *cx) {
    if (c->tls == NULL) {
        return mr_socket_send_parts(&c->socket, g->parts, g->count, g->file_follows, ret_sent, cx);
    }
    *ret_sent = 0;
    for (size_t p = 0; p < g->count; p++) {
        size_t sent = 0;
        MR_TRY(mr_tls_send_some(c->tls, &c->socket, g->parts[p], &sent, cx));
        *ret_sent += sent;
        if (sent < g->parts[p].bytes) {
            break;
        }
    }
    return MR_OK;
}

static mr_code send_file(mr_connection *c, mr_cx *cx) {
    mr_call *call = c->first;
    const mr_wire_hole *hole = &call->holes[call->holes_sent];
    const mr_call_attachment *attachment = hole->mark;
    size_t sent = 0;
    size_t left = hole->bytes - call->hole_sent;
    if (c->tls != NULL) {
        MR_TRY(send_file_tls(c, &attachment->slice, left, &sent, cx));
    } else {
        MR_TRY(mr_socket_send_file(&c->socket, mr_log_slice_file(&attachment->slice),
                                   attachment->slice.position + call->hole_sent, left, &sent, cx));
    }
    c->blocked = sent == 0;
    call->hole_sent += sent;
    if (call->hole_sent == hole->bytes) {
        call->holes_sent++;
        call->hole_sent = 0;
    }
    return MR_OK;
}

mr_code mr_connection_send(mr_connection *connection, mr_cx *cx) {
    mr_connection *c = connection;
    if (c->tls != NULL && mr_tls_wants_write(c->tls)) {
        MR_TRY(mr_tls_flush(c->tls, &c->socket, cx));
    }
    pop_sent(c);
    while (is_ready(c->first) && !c->blocked && !c->hung_up) {
        gather g;
        collect(c, &g);
        size_t bytes = 0;
        for (size_t i = 0; i < g.count; i++) {
            bytes += g.parts[i].bytes;
        }
        if (bytes > 0) {
            size_t sent = 0;
            MR_TRY(send_memory(c, &g, &sent, cx));
            advance(c, sent);
            c->blocked = sent < bytes;
        } else {
            MR_TRY(send_file(c, cx));
        }
        pop_sent(c);
    }
    return MR_OK;
}
