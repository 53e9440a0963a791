// Engine: see engine.h.

#include "task/engine.h"

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "plat/plat.h"
#include "task/engine_tls.h"

#define PIECE_BYTES       65536
#define MOST_BYTES        ((uint64_t)16 << 20)  // Of an answer.
#define REFUSAL_BYTES_MAX ((size_t)16 << 10)
#define TRY_AGAIN_US      ((int64_t)250 * 1000)
#define VERSION_MINOR_MIN 25  // 1.25: Mounts.
#define VERSION_MINOR_MAX 47

mr_code mr_engine_pause(const mr_engine *engine, int64_t us, mr_cx *cx) {
    mr_socket_event wake = {.handle = engine->wake == NULL ? -1 : engine->wake->handle,
                            .read = true};
    size_t count = 0;
    MR_TRY(mr_socket_wait(&wake, 1, us, &count, cx));
    return count == 0 ? MR_OK : mr_fail(cx, MR_E_CANCELLED, NULL, "asked to end");
}

// ---- connections -----------------------------------------------------------------------------

static mr_code connect_to(const mr_engine *e, mr_engine_stream *s, int64_t deadline_us, mr_cx *cx) {
    const mr_engine_place *p = e->place;
    const mr_socket_limit limit = {.deadline_us = deadline_us, .wake = e->wake};
    mr_code code = p->file != NULL ? mr_socket_connect_file(&s->socket, p->file, cx)
                                   : mr_socket_connect(&s->socket, p->host, p->port, &limit, cx);
    if (code == MR_E_MISSING) {  // An engine that is being started again takes its file away.
        const char *text = mr_arena_string(cx->arena, cx->error.text);
        return mr_error_flag(cx, mr_fail(cx, MR_E_NETWORK, NULL, "%s", text), MR_RETRY);
    }
    if (code == MR_OK && p->tls) {
        code = mr_engine_tls_open(p, &s->socket, &limit, &s->tls, cx);
    }
    return code;
}

void mr_engine_stream_close(mr_engine_stream *stream, mr_cx *cx) {
    mr_engine_tls_close(stream->tls);
    if (stream->socket.handle >= 0) {
        mr_socket_close(&stream->socket, cx->plat);
    }
    stream->tls = NULL;
    stream->socket = MR_SOCKET_CLOSED;
}

static void add_head(const mr_engine *e, const mr_engine_call *c, mr_text *out) {
    bool versioned = e->version[0] != '\0';
    mr_text_addf(out, "%s %s%s%s%s HTTP/1.1\r\nHost: ", c->method, e->place->base,
                 versioned ? "/v" : "", e->version, c->path);
    if (e->place->file != NULL) {
        mr_text_add(out, "localhost");
    } else {
        mr_text_addf(out, strchr(e->place->host, ':') == NULL ? "%s:%u" : "[%s]:%u", e->place->host,
                     e->place->port);
    }
    mr_text_add(out, "\r\nUser-Agent: millrace\r\nAccept: */*\r\nConnection: close\r\n");
    if (c->auth != NULL) {
        mr_text_addf(out, "X-Registry-Auth: %s\r\n", c->auth);
    }
    if (c->type != NULL) {
        mr_text_addf(out, "Content-Type: %s\r\n", c->type);
    }
    if (c->type != NULL || strcmp(c->method, "GET") != 0) {
        mr_text_addf(out, "Content-Length: %zu\r\n", c->body.bytes);
    }
    mr_text_add(out, "\r\n");
    mr_text_add_bytes(out, c->body.data, c->body.bytes);
}

mr_code mr_engine_begin(const mr_engine *engine, const mr_engine_call *call, mr_engine_stream *ret,
                        mr_cx *cx) {
    *ret = MR_ENGINE_STREAM_CLOSED;
    ret->engine = engine;
    mr_reply_init(&ret->reply, strcmp(call->method, "HEAD") == 0);
    mr_text_init(&ret->refusal, cx->arena);
    int64_t now_us = mr_clock_monotonic_us(cx->plat);
    mr_text head;
    mr_text_init(&head, cx->arena);
    add_head(engine, call, &head);
    mr_code code = connect_to(engine, ret, now_us + engine->connect_us, cx);
    const mr_socket_limit limit = {
        .deadline_us = mr_clock_monotonic_us(cx->plat) + engine->quiet_us, .wake = engine->wake};
    if (code == MR_OK) {
        code = ret->tls != NULL
                   ? mr_engine_tls_send(ret->tls, &ret->socket, mr_text_span(&head), &limit, cx)
                   : mr_socket_send(&ret->socket, mr_text_span(&head), &limit, cx);
    }
    if (code != MR_OK) {
        mr_engine_stream_close(ret, cx);
    }
    return code;
}

// ---- answers ---------------------------------------------------------------------------------

static mr_code receive(mr_engine_stream *s, char *piece, size_t *ret_bytes, mr_cx *cx) {
    return s->tls != NULL
               ? mr_engine_tls_receive(s->tls, &s->socket, piece, PIECE_BYTES, ret_bytes, cx)
               : mr_socket_receive_some(&s->socket, piece, PIECE_BYTES, ret_bytes, cx);
}

typedef struct turn {
    mr_engine_stream *stream;
    const mr_reply_sink *sink;
} turn;

// What is no 2xx has a message for a body.
static mr_code take_body(void *self, mr_span piece, mr_cx *cx) {
    const turn *t = self;
    mr_engine_stream *s = t->stream;
    if (s->reply.status / 100 == 2) {
        return t->sink->put(t->sink->self, piece, cx);
    }
    size_t room = REFUSAL_BYTES_MAX - MR_MIN(REFUSAL_BYTES_MAX, s->refusal.bytes);
    mr_text_add_bytes(&s->refusal, piece.data, MR_MIN(room, piece.bytes));
    return MR_OK;
}

static mr_code wait_for(const mr_engine_stream *s, int64_t timeout_us, bool *ret_any, mr_cx *cx) {
    const mr_wake *wake = s->engine->wake;
    mr_socket_event events[] = {
        {.handle = s->socket.handle, .read = true},
        {.handle = wake == NULL ? -1 : wake->handle, .read = true},
    };
    size_t count = 0;
    MR_TRY(mr_socket_wait(events, MR_COUNT(events), MR_MAX(timeout_us, (int64_t)0), &count, cx));
    if (events[1].readable) {
        return mr_fail(cx, MR_E_CANCELLED, NULL, "asked to end");
    }
    *ret_any = events[0].readable;
    return MR_OK;
}

static mr_code explain(const mr_engine_stream *s, mr_code code, mr_cx *cx) {
    if (code != MR_E_CORRUPT && code != MR_E_NETWORK) {
        return code;
    }
    const char *text = mr_arena_string(cx->arena, cx->error.text);
    const char *hint = mr_arena_string(cx->arena, cx->error.hint);
    uint32_t flags = cx->error.flags;
    code = mr_fail(cx, code, hint[0] == '\0' ? NULL : hint, "engine \"%s\": %s",
                   s->engine->place->name, text);
    return mr_error_flag(cx, code, flags);
}

mr_code mr_engine_next(mr_engine_stream *stream, int64_t timeout_us, const mr_reply_sink *sink,
                       mr_engine_news *ret, mr_cx *cx) {
    char piece[PIECE_BYTES];
    size_t bytes = 0;
    turn t = {stream, sink};
    const mr_reply_sink own = {take_body, &t};
    if (mr_reply_done(&stream->reply)) {
        *ret = MR_ENGINE_OVER;
        return MR_OK;
    }
    mr_code code = receive(stream, piece, &bytes, cx);
    if (code == MR_OK && bytes == 0) {
        bool any = false;
        MR_TRY(wait_for(stream, timeout_us, &any, cx));
        *ret = MR_ENGINE_QUIET;
        if (!any) {
            return MR_OK;
        }
        code = receive(stream, piece, &bytes, cx);
    }
    if (code == MR_E_NETWORK) {  // Its end, for some answers.
        code = mr_reply_end(&stream->reply, cx);
    } else if (code == MR_OK) {
        code = mr_reply_put(&stream->reply, (mr_span){piece, bytes}, &own, cx);
    }
    *ret = mr_reply_done(&stream->reply) ? MR_ENGINE_OVER : MR_ENGINE_CAME;
    return code == MR_OK ? MR_OK : explain(stream, code, cx);
}

typedef struct whole {
    mr_text *body;
    uint64_t most;
} whole;

static mr_code take_whole(void *self, mr_span piece, mr_cx *cx) {
    whole *w = self;
    if (w->body->bytes + piece.bytes > w->most) {
        return mr_fail(cx, MR_E_LIMIT, NULL, "the engine answers with more than %" PRIu64 " bytes",
                       w->most);
    }
    mr_text_add_bytes(w->body, piece.data, piece.bytes);
    return MR_OK;
}

static mr_code too_slow(const mr_engine *e, const mr_engine_call *c, int64_t us, mr_cx *cx) {
    mr_text time;
    mr_text_init(&time, cx->arena);
    mr_text_add_duration(&time, us);
    mr_code code = mr_fail(cx, MR_E_TIMEOUT, NULL,
                           "engine \"%s\" does not answer %s %.*s within %s", e->place->name,
                           c->method, (int)strcspn(c->path, "?"), c->path, mr_text_string(&time));
    return mr_error_flag(cx, code, MR_RETRY);
}

mr_code mr_engine_ask(const mr_engine *engine, const mr_engine_call *call, int *ret_status,
                      mr_text *ret_body, mr_cx *cx) {
    mr_engine_stream s;
    mr_engine deaf = *engine;
    deaf.wake = NULL;
    whole w = {ret_body, call->most == 0 ? MOST_BYTES : call->most};
    const mr_reply_sink sink = {take_whole, &w};
    int64_t quiet_us = call->quiet_us == 0 ? engine->quiet_us : call->quiet_us;
    mr_text_init(ret_body, cx->arena);
    MR_TRY(mr_engine_begin(engine, call, &s, cx));
    // Of all of it: one that sends a byte now and then would be waited for without end.
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + quiet_us;
    mr_engine_news news = MR_ENGINE_CAME;
    mr_code code = MR_OK;
    while (code == MR_OK && news == MR_ENGINE_CAME) {
        int64_t left_us = until_us - mr_clock_monotonic_us(cx->plat);
        code = left_us <= 0 ? too_slow(engine, call, quiet_us, cx)
                            : mr_engine_next(&s, left_us, &sink, &news, cx);
        if (code == MR_E_CANCELLED && call->stop_us > 0 && s.engine == engine) {
            s.engine = &deaf;
            until_us = MR_MIN(until_us, mr_clock_monotonic_us(cx->plat) + call->stop_us);
            news = MR_ENGINE_CAME;
            code = MR_OK;
        }
    }
    if (code == MR_OK && news == MR_ENGINE_QUIET) {
        code = too_slow(engine, call, quiet_us, cx);
    }
    *ret_status = s.reply.status;
    if (s.reply.status / 100 != 2) {
        *ret_body = s.refusal;
    }
    mr_engine_stream_close(&s, cx);
    return code;
}

// ---- what it refuses -------------------------------------------------------------------------

static const char *advice(int status, const char *text) {
    static const struct {
        const char *words;
        const char *hint;
    } rows[] = {
        {"source path does not exist",
         "Make the folder; on another machine's engine the path is that machine's."},
        {"statfs", "Make the folder; on another machine's engine the path is that machine's."},
        {"toomanyrequests", "The registry limits who is not logged in: give registry: a connection "
                            "of type docker, or wait."},
        {"unauthorized", "Give registry: a connection of type docker with login and password."},
        {"authentication required",
         "Give registry: a connection of type docker with login and password."},
        {"no basic auth", "Give registry: a connection of type docker with login and password."},
        {"incorrect username or password", "Look at login and password of the connection that "
                                           "registry: names."},
        {"permission denied", "Look at user:, and at the rights of what is run and mounted."},
        {"denied",
         "Look at the image's name; of a private one, give registry: a connection of type "
         "docker with login and password."},
        {"no matching manifest", "The image is not made for this machine: look at platform:."},
        {"manifest unknown", "The registry has no such tag: look at the image's name."},
        {"name unknown", "The registry has no such image: look at its name."},
        {"port is already allocated", "Another container or program has the port: end it."},
        {"address already in use", "Another container or program has the port: end it."},
        {"executable file not found", "The image has no such program: look at command: and "
                                      "entrypoint:."},
        {"no space left", "Make room on the engine's disk: docker system prune."},
        {"No such image", "Look at the image's name, or let it be fetched: pull: missing."},
        {"HTTPS server", "It speaks TLS: write https://, or set DOCKER_TLS_VERIFY."},
    };
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        if (strstr(text, rows[i].words) != NULL) {
            return rows[i].hint;
        }
    }
    if (strstr(text, "network") != NULL && strstr(text, "not found") != NULL) {
        return "Make the network first (docker network create), or look at network:.";
    }
    return status == 403 ? "What stands before the engine forbids it: a proxy for its socket must "
                           "allow CONTAINERS, IMAGES and POST."
                         : NULL;
}

mr_code mr_engine_refused(const mr_engine *engine, int status, const mr_text *body,
                          const char *doing, mr_cx *cx) {
    mr_span all = mr_jsonvalue_trim(mr_text_span(body));
    bool object = all.bytes > 0 && all.data[0] == '{' && mr_jsonvalue_check(all);
    const char *message =
        object ? mr_jsonvalue_text(mr_jsonvalue_get(all, "message"), cx->arena) : NULL;
    message =
        message != NULL ? message : mr_arena_copy(cx->arena, all.data, MR_MIN(all.bytes, 500U));
    mr_code code = status == 403 || status == 401   ? MR_E_PERMISSION
                   : status == 404                  ? MR_E_MISSING
                   : status == 409                  ? MR_E_EXISTS
                   : status == 400 || status == 501 ? MR_E_OPTION   // No other try helps.
                   : status / 100 == 2              ? MR_E_CORRUPT  // No engine says that.
                                                    : MR_E_IO;
    return mr_fail(cx, code, advice(status, message), "engine \"%s\" cannot %s: %s (%d)",
                   engine->place->name, doing, message[0] == '\0' ? "it does not say why" : message,
                   status);
}

// ---- agreeing on a version -------------------------------------------------------------------

static bool minor_of(const char *version, int64_t *ret) {
    return strncmp(version, "1.", 2) == 0 && mr_text_parse_int64(mr_span_of(version + 2), ret) &&
           *ret >= 0 && *ret < 1000;
}

bool mr_engine_has(const mr_engine *engine, int minor) {
    int64_t has;
    return minor_of(engine->version, &has) && has >= minor;
}

static mr_code agree(mr_engine *e, const char *version, mr_cx *cx) {
    int64_t minor;
    if (!minor_of(version, &minor)) {
        return mr_fail(cx, MR_E_CORRUPT, "Is it the address of docker or podman?",
                       "\"%s\" is no container engine: it tells no version of its API",
                       e->place->name);
    }
    if (minor < VERSION_MINOR_MIN) {
        return mr_fail(cx, MR_E_UNSUPPORTED, "Install a newer docker or podman.",
                       "engine \"%s\" speaks version %s of the API; at least 1.%d is needed",
                       e->place->name, version, VERSION_MINOR_MIN);
    }
    const char *agreed =
        mr_arena_printf(cx->arena, "1.%" PRId64, MR_MIN(minor, (int64_t)VERSION_MINOR_MAX));
    memcpy(e->version, agreed, strlen(agreed) + 1);
    return MR_OK;
}

static mr_code ignore(void *self, mr_span piece, mr_cx *cx) {
    (void)self, (void)piece, (void)cx;
    return MR_OK;
}

// Old proxies forbid it or leave out the header; then /version is asked.
static mr_code ping(mr_engine *e, mr_cx *cx) {
    const mr_engine_call call = {.method = "GET", .path = "/_ping"};
    const mr_reply_sink sink = {ignore, NULL};
    mr_engine_stream s;
    MR_TRY(mr_engine_begin(e, &call, &s, cx));
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + e->quiet_us;
    mr_engine_news news = MR_ENGINE_CAME;
    mr_code code = MR_OK;
    while (code == MR_OK && news == MR_ENGINE_CAME && !mr_reply_has_status(&s.reply)) {
        int64_t left_us = until_us - mr_clock_monotonic_us(cx->plat);
        code = left_us <= 0 ? too_slow(e, &call, e->quiet_us, cx)
                            : mr_engine_next(&s, left_us, &sink, &news, cx);
    }
    if (code == MR_OK && news == MR_ENGINE_QUIET) {
        code = too_slow(e, &call, e->quiet_us, cx);
    }
    mr_reply reply = s.reply;
    mr_engine_stream_close(&s, cx);
    MR_TRY(code);
    e->is_podman = reply.is_podman;
    if (reply.version[0] != '\0') {
        return agree(e, reply.version, cx);
    }
    const mr_engine_call version = {.method = "GET", .path = "/version"};
    mr_text body;
    int status;
    MR_TRY(mr_engine_ask(e, &version, &status, &body, cx));
    if (status != 200) {
        return mr_engine_refused(e, status, &body, "tell its version", cx);
    }
    mr_span all = mr_jsonvalue_trim(mr_text_span(&body));
    bool object = all.bytes > 0 && all.data[0] == '{' && mr_jsonvalue_check(all);
    const char *text =
        object ? mr_jsonvalue_text(mr_jsonvalue_get(all, "ApiVersion"), cx->arena) : NULL;
    e->is_podman = e->is_podman || strstr(mr_text_string(&body), "Podman") != NULL;
    return agree(e, text == NULL ? "" : text, cx);
}

static mr_code not_there(const mr_engine *e, mr_code code, mr_cx *cx) {
    const char *text = mr_arena_string(cx->arena, cx->error.text);
    bool file = e->place->file != NULL;
    if (strstr(text, "Permission denied") != NULL) {
        return mr_fail(cx, MR_E_PERMISSION,
                       "Add this user to the group docker (sudo usermod -aG docker NAME, then log "
                       "in anew), or use podman, which needs no rights.",
                       "engine \"%s\": %s", e->place->name, text);
    }
    if (code == MR_E_NETWORK || code == MR_E_TIMEOUT) {
        code = mr_fail(cx, code,
                       file ? "Start it: systemctl start docker, or systemctl --user start "
                              "podman.socket; or say where it is: engine:."
                            : "Start it, or say where it is: engine:, DOCKER_HOST.",
                       "engine \"%s\" is not there: %s", e->place->name, text);
        return mr_error_flag(cx, code, MR_RETRY);
    }
    return code;
}

mr_code mr_engine_open(mr_engine *engine, mr_cx *cx) {
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + engine->connect_us;
    bool told = false;
    engine->version[0] = '\0';
    for (;;) {
        mr_code code = ping(engine, cx);
        bool again =
            code == MR_E_NETWORK || (code == MR_E_CORRUPT && (cx->error.flags & MR_RETRY) != 0);
        bool gone = engine->place->file != NULL && !mr_file_exists(engine->place->file, cx);
        bool denied = strstr(cx->error.text, "Permission denied") != NULL;
        if (code == MR_OK) {
            return MR_OK;
        }
        if (!again || gone || denied ||
            mr_clock_monotonic_us(cx->plat) + TRY_AGAIN_US >= until_us) {
            return not_there(engine, code, cx);
        }
        if (!told) {
            told = true;
            const char *line = mr_arena_printf(cx->arena, "%s; trying again\n", cx->error.text);
            MR_TRY(mr_stream_write(MR_STDERR, mr_span_of(line), cx));
        }
        MR_TRY(mr_engine_pause(engine, TRY_AGAIN_US, cx));
    }
}
