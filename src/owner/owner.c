// Owner: the main loop; see owner.h.
//
// Also: mr_part_

#include "owner/owner.h"

#include <inttypes.h>
#include <string.h>

#include "base/civil.h"
#include "broker/embedded.h"
#include "owner/part.h"

#define LOOK_US        ((int64_t)1000000)  // How often files are looked at.
#define AGAIN_US       ((int64_t)1000000)  // The first back-off …
#define AGAIN_US_MAX   ((int64_t)60 * 1000000)
#define FORGIVEN_US    ((int64_t)60 * 1000000)  // A life this long forgets the failures before.
#define SERVICE_END_US ((int64_t)10 * 1000000)  // From asking a service to end to killing it.
#define LOG_BYTES_MAX  ((uint64_t)16 << 20)     // Then it becomes <name>.log.1.
#define CONNECTIONS    8
#define SILENT_US      ((int64_t)5 * 1000000)  // A client asks and reads at once.
#define REQUEST_BYTES  ((size_t)1 << 20)

typedef struct connection {
    mr_socket socket;
    mr_text request;                // Heap.
    mr_scheduler_request *pending;  // The scheduler is to answer it.
    mr_text answer;                 // Heap; what is left to send.
    size_t sent;
    bool answering;
    int64_t since_us;  // Monotonic.
} connection;

typedef struct loop {
    mr_owner *owner;
    mr_socket listener;
    connection connections[CONNECTIONS];
    int64_t looked_us;
    mr_arena arena;  // Of one turn.
    mr_cx *cx;
} loop;

const char *mr_part_state_text(mr_part_state state) {
    static const char *const texts[] = {
#define TEXT(name, text) [MR_PART_##name] = (text),
        MR_PART_STATES(TEXT)
#undef TEXT
    };
    return texts[state];
}

static int64_t now(const mr_owner *owner) {
    return mr_clock_monotonic_us(owner->plat);
}

const char *mr_part_kind_text(mr_part_kind kind) {
    return kind == MR_PIPELINE ? "pipeline" : kind == MR_SERVICE ? "service" : "scheduler";
}

void mr_owner_say(mr_owner *owner, const char *format, ...) {
    mr_arena arena = {0};
    va_list arguments;
    va_start(arguments, format);
    owner->spec.say(owner->spec.self, mr_arena_vprintf(&arena, format, arguments));
    va_end(arguments);
    mr_arena_release(&arena);
}

// ---- a part's log ----------------------------------------------------------------------------

void mr_part_say(mr_part *part, const char *text) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, part->owner->plat);
    mr_text line;
    mr_text_init(&line, &arena);
    mr_civil_print_iso(&line, mr_clock_real_us(part->owner->plat));
    mr_text_addf(&line, " %s\n", text);
    mr_mutex_lock(&part->mutex);
    if (part->log.handle >= 0 && part->log.bytes > LOG_BYTES_MAX) {
        const char *old = mr_arena_printf(&arena, "%s.1", part->log_path);
        mr_file_close(&part->log, cx.plat);
        if (mr_file_replace(part->log_path, old, &cx) != MR_OK) {
            part->log = MR_FILE_CLOSED;
        }
    }
    mr_code code = part->log.handle >= 0
                       ? MR_OK
                       : mr_file_open(&part->log, part->log_path, MR_OPEN_APPEND, &cx);
    if (code == MR_OK) {
        code = mr_file_append(&part->log, mr_text_span(&line), &cx);
    }
    (void)code;  // A log that cannot be written must not stop what it is about.
    mr_mutex_unlock(&part->mutex);
    mr_arena_release(&arena);
}

// A service writes to its log itself, at the end, so what is there can be moved away under it:
// lines that it writes at this very moment are lost.
static void cut_service_logs(mr_owner *owner, mr_cx *cx) {
    for (mr_part *part = owner->parts; part != NULL; part = part->next) {
        mr_stat stat;
        mr_span text;
        mr_file log = MR_FILE_CLOSED;
        if (part->kind != MR_SERVICE || mr_file_stat(part->log_path, &stat, cx) != MR_OK ||
            stat.bytes <= LOG_BYTES_MAX) {
            continue;
        }
        const char *old = mr_arena_printf(cx->arena, "%s.1", part->log_path);
        mr_code code = mr_file_load(part->log_path, 4 * LOG_BYTES_MAX, &text, cx);
        code = code == MR_OK ? mr_file_save(old, text, cx) : code;
        code = code == MR_OK || code == MR_E_LIMIT
                   ? mr_file_open(&log, part->log_path, MR_OPEN_APPEND, cx)
                   : code;
        code = code == MR_OK ? mr_file_truncate(&log, 0, cx) : code;
        (void)code;  // At the next look.
        mr_file_close(&log, cx->plat);
    }
}

// ---- parts -----------------------------------------------------------------------------------

mr_part *mr_part_find(const mr_owner *owner, mr_span name) {
    for (mr_part *part = owner->parts; part != NULL; part = part->next) {
        if (mr_span_is(name, part->name) && !part->clashes) {
            return part;
        }
    }
    return NULL;
}

void mr_part_set_state(mr_part *part, mr_part_state state) {
    part->state = state;
    part->since_us = now(part->owner);
}

static mr_code service_start(mr_part *part, mr_cx *cx) {
    const char *const words[] = {"/bin/sh", "-c", part->file, NULL};
    mr_child_spec spec = {
        .words = words, .env = mr_owner_env(part->owner, cx), .output = part->log_path};
    return mr_child_start(&part->child, &spec, cx);
}

mr_code mr_part_start(mr_part *part, mr_cx *cx) {
    MR_TRY(part->kind == MR_PIPELINE    ? mr_stream_start(part, cx)
           : part->kind == MR_SCHEDULER ? mr_scheduler_start(part, cx)
                                        : service_start(part, cx));
    mr_part_set_state(part, MR_PART_RUNNING);
    return MR_OK;
}

static int64_t backoff(uint32_t failures) {
    int64_t us = AGAIN_US << MR_MIN(failures == 0 ? 0 : failures - 1, 6u);
    return MR_MIN(us, AGAIN_US_MAX);
}

// Starts it, or has it wait for the next try.
void mr_part_try_start(mr_part *part, mr_cx *cx) {
    if (mr_part_start(part, cx) != MR_OK) {
        part->code = cx->error.code;
        mr_error error = cx->error;
        memcpy(part->error, error.text, sizeof(part->error));
        part->failures++;
        part->again_us = now(part->owner) + backoff(part->failures);
        mr_part_set_state(part, MR_PART_WAITING);
        mr_owner_say(part->owner, "%s cannot start: %s", part->name, part->error);
    }
}

void mr_part_stop(mr_part *part, mr_part_state after, bool restart, mr_cx *cx) {
    if (part->kind == MR_PIPELINE) {
        const char *path = mr_part_paused_path(part, cx->arena);
        mr_code code = after == MR_PART_PAUSED && !restart ? mr_file_save(path, MR_SPAN(""), cx)
                                                           : mr_file_delete(path, cx);
        (void)code;  // It is paused for as long as this owner lives, at least.
    }
    part->after = after;
    part->restart = restart;
    switch (part->state) {
    case MR_PART_RUNNING:
        atomic_store(&part->cancel, true);
        mr_scheduler_wake(part);
        mr_child_stop(&part->child, /* kill= */ false);
        part->again_us = now(part->owner) + SERVICE_END_US;
        mr_part_set_state(part, MR_PART_STOPPING);
        return;
    case MR_PART_STOPPING: return;
    case MR_PART_STOPPED:
    case MR_PART_PAUSED:
    case MR_PART_WAITING:
    case MR_PART_DONE:
        mr_part_set_state(part, after);
        part->failures = 0;
        if (restart) {
            mr_part_try_start(part, cx);
        }
        return;
    }
}

// What becomes of a part whose thread or child has ended.
static void part_ended(mr_part *part, bool failed, bool finished, mr_cx *cx) {
    mr_owner *owner = part->owner;
    if (part->state == MR_PART_STOPPING) {
        mr_part_set_state(part, part->after);
        part->failures = 0;
        if (part->restart && !owner->stopping) {
            part->restarts++;
            mr_part_try_start(part, cx);
        } else if (!owner->stopping) {
            mr_owner_say(owner, "%s %s", part->name, mr_part_state_text(part->state));
        }
        return;
    }
    if (!failed && finished) {
        mr_part_set_state(part, MR_PART_DONE);
        mr_owner_say(owner, "%s is done: its whole input was read", part->name);
        return;
    }
    part->failures = now(owner) - part->since_us > FORGIVEN_US ? 1 : part->failures + 1;
    int64_t wait_us = backoff(part->failures);
    part->again_us = now(owner) + wait_us;
    mr_part_set_state(part, MR_PART_WAITING);
    mr_owner_say(owner, "%s failed: %s; again in %" PRId64 " s", part->name, part->error,
                 wait_us / 1000000);
}

static void look_at_part(mr_part *part, mr_cx *cx) {
    mr_owner *owner = part->owner;
    int status = 0;
    if (part->kind == MR_SERVICE && mr_child_ended(&part->child, &status)) {
        mr_text text;
        mr_text_init(&text, cx->arena);
        mr_text_addf(&text, status > 128 ? "killed by signal %d" : "it ended with status %d",
                     status > 128 ? status - 128 : status);
        memcpy(part->error, mr_text_string(&text), MR_MIN(text.bytes + 1, sizeof(part->error) - 1));
        part_ended(part, /* failed= */ true, /* finished= */ false, cx);
    }
    mr_mutex_lock(&part->mutex);
    bool ended = part->ended;
    part->ended = false;
    mr_mutex_unlock(&part->mutex);
    if (ended) {
        mr_thread_join(&part->thread);
        part_ended(part, part->code != MR_OK, part->finished, cx);
    }
    if (part->state == MR_PART_WAITING && now(owner) >= part->again_us) {
        part->restarts++;
        mr_part_try_start(part, cx);
    }
    if (part->state == MR_PART_STOPPING && part->child.pid > 0 && now(owner) >= part->again_us) {
        mr_child_stop(&part->child, /* kill= */ true);
        part->again_us = INT64_MAX;
    }
}

// ---- commands --------------------------------------------------------------------------------

static void hang_up(loop *l, connection *c) {
    mr_socket_close(&c->socket, l->owner->plat);
    if (c->pending != NULL) {
        mr_scheduler_leave(mr_scheduler_part(l->owner), c->pending);
    }
    mr_text_release(&c->request);
    mr_text_release(&c->answer);
    *c = (connection){.socket = MR_SOCKET_CLOSED};
}

static void take_connections(loop *l) {
    for (;;) {
        connection *slot = NULL;
        for (size_t i = 0; i < CONNECTIONS && slot == NULL; i++) {
            slot = l->connections[i].socket.handle < 0 ? &l->connections[i] : NULL;
        }
        mr_socket taken = MR_SOCKET_CLOSED;
        bool any = false;
        if (slot == NULL ||  // Others wait in the listener's queue.
            mr_socket_accept(&l->listener, &taken, &any, l->cx) != MR_OK || !any) {
            return;
        }
        *slot = (connection){.socket = taken, .since_us = now(l->owner)};
        mr_text_init(&slot->request, NULL);
        mr_text_init(&slot->answer, NULL);
    }
}

// Takes what has come; true when the request is whole.
static bool receive(loop *l, connection *c) {
    char part[4096];
    size_t got = 0;
    if (c->request.bytes > REQUEST_BYTES ||
        mr_socket_receive_some(&c->socket, part, sizeof(part), &got, l->cx) != MR_OK) {
        hang_up(l, c);
        return false;
    }
    mr_text_add_bytes(&c->request, part, got);
    return got > 0 && memchr(part, '\n', got) != NULL;
}

// "flow {…}" goes to the scheduler's thread, all else is answered here.
static void answer(loop *l, connection *c) {
    mr_span request = mr_span_trim(mr_text_span(&c->request));
    if (mr_span_starts(request, "flow ")) {
        mr_span json = {request.data + strlen("flow "), request.bytes - strlen("flow ")};
        c->pending = mr_scheduler_post(l->owner, json);
        if (c->pending != NULL) {
            return;
        }
        mr_text_add(&c->answer,
                    "{\"error\":\"the scheduler does not run\",\"hint\":\"It starts when "
                    "the project has a folder dags. See: millrace status\"}");
    } else {
        mr_control_answer(l->owner, request, &c->answer, l->cx);
    }
    mr_text_add_char(&c->answer, '\n');
    c->answering = true;
}

static void serve(loop *l, connection *c) {
    size_t got = 0;
    if (!c->answering) {
        if (!receive(l, c)) {
            return;
        }
        answer(l, c);
        if (!c->answering) {
            return;
        }
    }
    mr_span left = {c->answer.data + c->sent, c->answer.bytes - c->sent};
    if (mr_socket_send_some(&c->socket, left, &got, l->cx) != MR_OK || got == left.bytes) {
        hang_up(l, c);
        return;
    }
    c->sent += got;
}

// What the scheduler has answered since the last look.
static void take_answers(loop *l) {
    for (size_t i = 0; i < CONNECTIONS; i++) {
        connection *c = &l->connections[i];
        if (c->pending != NULL &&
            mr_scheduler_take(mr_scheduler_part(l->owner), c->pending, &c->answer)) {
            c->pending = NULL;
            mr_text_add_char(&c->answer, '\n');
            c->answering = true;
            c->since_us = now(l->owner);
            serve(l, c);
        }
    }
}

// ---- the loop --------------------------------------------------------------------------------

static int64_t next_us(const loop *l) {
    int64_t at_us = l->looked_us + LOOK_US;
    for (const mr_part *part = l->owner->parts; part != NULL; part = part->next) {
        bool timed = part->state == MR_PART_WAITING ||
                     (part->state == MR_PART_STOPPING && part->kind == MR_SERVICE);
        at_us = timed ? MR_MIN(at_us, part->again_us) : at_us;
    }
    return at_us;
}

static bool has_room(const loop *l) {
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (l->connections[i].socket.handle < 0) {
            return true;
        }
    }
    return false;
}

// Who connects and then says nothing must not keep others out.
static void drop_silent(loop *l) {
    for (size_t i = 0; i < CONNECTIONS; i++) {
        connection *c = &l->connections[i];
        if (c->socket.handle >= 0 && c->pending == NULL &&
            now(l->owner) - c->since_us > SILENT_US) {
            hang_up(l, c);
        }
    }
}

static mr_code wait_for_something(loop *l) {
    mr_owner *owner = l->owner;
    size_t parts = 0;
    for (const mr_part *part = owner->parts; part != NULL; part = part->next) {
        parts++;
    }
    mr_socket_event *events = MR_NEW_ARRAY(l->cx->arena, mr_socket_event, parts + CONNECTIONS + 2u);
    size_t count = 0;
    events[count++] = (mr_socket_event){.handle = owner->wake.handle, .read = true};
    // While all are taken, others wait in the listener's queue.
    events[count++] =
        (mr_socket_event){.handle = has_room(l) ? l->listener.handle : -1, .read = true};
    for (size_t i = 0; i < CONNECTIONS; i++) {
        const connection *c = &l->connections[i];
        events[count++] = (mr_socket_event){
            .handle = c->pending != NULL ? -1 : c->socket.handle,
            .read = !c->answering,
            .write = c->answering,
        };
    }
    for (const mr_part *part = owner->parts; part != NULL; part = part->next) {
        events[count++] = (mr_socket_event){.handle = part->child.handle, .read = true};
    }
    int64_t wait_us = next_us(l) - now(owner);
    size_t ready;
    MR_TRY(mr_socket_wait(events, count, MR_MAX(wait_us, 0), &ready, l->cx));
    if (events[0].readable) {
        mr_wake_clear(&owner->wake, owner->plat);
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (events[i + 2].readable || events[i + 2].writable) {
            serve(l, &l->connections[i]);
        }
    }
    if (events[1].readable) {
        take_connections(l);
    }
    return MR_OK;
}

static bool all_stopped(const mr_owner *owner) {
    for (const mr_part *part = owner->parts; part != NULL; part = part->next) {
        if (part->state == MR_PART_RUNNING || part->state == MR_PART_STOPPING) {
            return false;
        }
    }
    return true;
}

static void stop_all(mr_owner *owner) {
    owner->stopping = true;
    mr_owner_say(owner, "stopping");
    for (mr_part *part = owner->parts; part != NULL; part = part->next) {
        if (part->state == MR_PART_RUNNING) {
            part->after = MR_PART_STOPPED;
            part->restart = false;
            atomic_store(&part->cancel, true);
            mr_scheduler_wake(part);
            mr_child_stop(&part->child, /* kill= */ false);
            part->again_us = now(owner) + SERVICE_END_US;
            mr_part_set_state(part, MR_PART_STOPPING);
        } else if (part->state == MR_PART_WAITING) {
            mr_part_set_state(part, MR_PART_STOPPED);
        }
    }
}

static mr_code run_loop(loop *l) {
    mr_owner *owner = l->owner;
    for (;;) {
        mr_arena_clear(l->cx->arena);
        MR_TRY(wait_for_something(l));
        take_answers(l);
        for (mr_part *part = owner->parts; part != NULL; part = part->next) {
            look_at_part(part, l->cx);
        }
        if ((mr_cx_cancelled(l->cx) || owner->stop_wanted) && !owner->stopping) {
            stop_all(owner);
        }
        if (owner->stopping && all_stopped(owner)) {
            return atomic_load(&owner->broker_failed)
                       ? mr_fail(l->cx, MR_E_IO, "Start it again: millrace up.",
                                 "the broker could not serve clients any more")
                       : MR_OK;
        }
        if (now(owner) - l->looked_us >= LOOK_US) {
            l->looked_us = now(owner);
            drop_silent(l);
            cut_service_logs(owner, l->cx);
            if (!owner->stopping) {
                mr_project_look(owner, l->cx);
            }
        }
    }
}

// ---- opening and closing ---------------------------------------------------------------------

static void broker_says(void *self, const char *line) {
    mr_owner_say(self, "broker: %s", line);
}

// The project's log is its heart: pipelines that go on without it would only fail one by one.
static void broker_failed(void *self) {
    mr_owner *owner = self;
    atomic_store(&owner->broker_failed, true);
    mr_thread_ask_stop();
}

static mr_code open_broker(mr_owner *owner, mr_cx *cx) {
    mr_broker_spec spec = {
        .dir = mr_arena_printf(cx->arena, "%s/broker", owner->spec.data_dir),
        .version = owner->spec.version,
        .say = broker_says,
        .failed = broker_failed,
        .self = owner,
    };
    mr_config config = {owner->spec.config, owner->spec.config_count};
    MR_TRY(mr_config_apply(&config, "broker", mr_broker_options, &spec.settings, cx));
    if (strcmp(spec.settings.listen, "off") == 0) {
        return MR_OK;
    }
    MR_TRY(mr_broker_open(&spec, &owner->broker, cx));
    MR_TRY(mr_broker_embed(owner->broker, &owner->embedded, cx));
    if (mr_broker_address_count(owner->broker) > 0) {
        owner->broker_address =
            mr_arena_string(cx->arena, mr_broker_address(owner->broker, /* listener= */ 0));
        mr_owner_say(owner, "broker  %s", owner->broker_address);
    }
    return MR_OK;
}

static mr_code open_control(loop *l, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/owner.sock", l->owner->spec.data_dir);
    MR_TRY(mr_socket_listen_file(&l->listener, path, cx));
    mr_thread_wake_at_stop(&l->owner->wake);
    return MR_OK;
}

static mr_code run_all(loop *l, mr_cx *cx) {
    mr_owner *owner = l->owner;
    MR_TRY(mr_dir_make(mr_arena_printf(cx->arena, "%s/logs", owner->spec.data_dir), cx));
    MR_TRY(mr_dir_make(mr_arena_printf(cx->arena, "%s/state", owner->spec.data_dir), cx));
    MR_TRY(mr_wake_open(&owner->wake, cx));  // First: threads of parts use it.
    MR_TRY(open_broker(owner, cx));
    mr_cx turn;
    mr_cx_init(&turn, &l->arena, cx->plat);
    turn.cancel = cx->cancel;
    l->cx = &turn;
    mr_project_look(owner, &turn);
    MR_TRY(mr_project_services(owner, cx));
    MR_TRY(open_control(l, cx));  // Last: who reaches it finds all parts.
    mr_owner_say(owner, "up");
    l->looked_us = now(owner);
    mr_code code = run_loop(l);
    if (code != MR_OK) {
        cx->error = turn.error;
    }
    return code;
}

static void close_all(loop *l, mr_cx *cx) {
    mr_owner *owner = l->owner;
    mr_thread_wake_at_stop(NULL);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (l->connections[i].socket.handle >= 0) {
            hang_up(l, &l->connections[i]);
        }
    }
    while (owner->parts != NULL) {
        mr_part *part = owner->parts;
        owner->parts = part->next;
        atomic_store(&part->cancel, true);
        mr_scheduler_wake(part);
        mr_child_stop(&part->child, /* kill= */ true);
        mr_thread_join(&part->thread);
        mr_part_free(part);
    }
    mr_broker_unembed(owner->embedded);
    if (owner->broker != NULL && mr_broker_close(owner->broker, cx) != MR_OK) {
        mr_owner_say(owner, "broker: %s", cx->error.text);
    }
    const char *path = mr_arena_printf(cx->arena, "%s/owner.sock", owner->spec.data_dir);
    if (l->listener.handle >= 0 && mr_file_delete(path, cx) != MR_OK) {
        mr_owner_say(owner, "%s", cx->error.text);
    }
    mr_socket_close(&l->listener, owner->plat);
    mr_wake_close(&owner->wake, owner->plat);
    mr_arena_release(&l->arena);
}

mr_code mr_owner_run(const mr_owner_spec *spec, mr_cx *cx) {
    mr_owner owner = {.spec = *spec, .plat = cx->plat, .wake.handle = -1};
    loop *l = MR_NEW(cx->arena, loop);
    *l = (loop){.owner = &owner, .listener = MR_SOCKET_CLOSED};
    for (size_t i = 0; i < CONNECTIONS; i++) {
        l->connections[i].socket = MR_SOCKET_CLOSED;
    }
    mr_lock lock;
    MR_TRY(mr_dir_make(spec->data_dir, cx));
    MR_TRY(mr_lock_take(&lock, mr_arena_printf(cx->arena, "%s/owner.lock", spec->data_dir), cx));
    owner.started_us = now(&owner);
    mr_code code = run_all(l, cx);
    mr_error error = cx->error;
    close_all(l, cx);
    mr_lock_release(&lock, cx->plat);
    cx->error = error;
    return code;
}
