// Executor: the scheduler's end: hands tries to the spawner, takes their ends.
//
// How: one epoll handle over the connection to the spawner, the spawner's own end, and the
// supervisors of adopted tries. Nothing waits: what the connection does not take yet is queued.
// When the spawner dies, another is started: tries that are claimed are adopted, the others are
// handed over once more, which is safe since only one can claim them.

#include <inttypes.h>
#include <string.h>

#include "flow/try.h"
#include "plat/poller.h"

#define BUCKETS 1024
#define EVENTS  64

typedef struct open_try open_try;
struct open_try {
    open_try *next;  // In its bucket.
    uint64_t token;
    char *dir;     // Heap; absolute.
    int watched;   // Handle of an adopted supervisor; -1 = none.
    bool adopted;  // Not a child of this spawner.
    bool stop;     // It was asked to end.
};

typedef struct end_item end_item;
struct end_item {
    end_item *next;
    uint64_t token;
    mr_try_exit record;
};

// A message that the connection has not taken.
typedef struct waiting waiting;
struct waiting {
    waiting *next;
    mr_try_kind kind;
    uint64_t token;
};

typedef struct real {
    mr_executor base;
    char *program;
    mr_poller poller;
    mr_socket spawner;
    mr_child child;
    open_try *buckets[BUCKETS];
    end_item *ends, **ends_tail;
    waiting *queue, **queue_tail;
} real;

// Tokens of the poller's events that are no tries.
static char connection_token, child_token;

// ---- tries -----------------------------------------------------------------------------------

static open_try **slot_of(real *r, uint64_t token) {
    open_try **at = &r->buckets[token % BUCKETS];
    while (*at != NULL && (*at)->token != token) {
        at = &(*at)->next;
    }
    return at;
}

static open_try *add(real *r, uint64_t token, const char *dir) {
    open_try **at = slot_of(r, token);
    mr_assert(*at == NULL);
    open_try *one = mr_heap_alloc(sizeof(*one));
    *one = (open_try){.token = token, .dir = mr_heap_string(dir), .watched = -1};
    *at = one;
    return one;
}

static void forget(real *r, uint64_t token) {
    open_try **at = slot_of(r, token);
    open_try *one = *at;
    if (one != NULL) {
        *at = one->next;
        mr_process_unwatch(&one->watched);
        mr_heap_free(one->dir);
        mr_heap_free(one);
    }
}

// Ends come once a try, whoever tells them.
static void finish(real *r, uint64_t token, const mr_try_exit *record) {
    if (*slot_of(r, token) == NULL) {
        return;
    }
    forget(r, token);
    end_item *item = mr_heap_alloc(sizeof(*item));
    *item = (end_item){.token = token, .record = *record};
    *r->ends_tail = item;
    r->ends_tail = &item->next;
}

// ---- sending ---------------------------------------------------------------------------------

static mr_code send_now(real *r, const waiting *one, bool *ret_sent, mr_cx *cx) {
    const open_try *try = *slot_of(r, one->token);
    *ret_sent = true;
    if (try == NULL || (one->kind == MR_TRY_STOP && try->adopted)) {
        return MR_OK;  // It has ended, or somebody else has it.
    }
    char buffer[MR_TRY_MESSAGE_BYTES];
    size_t bytes = one->kind == MR_TRY_STOP ? 0 : strlen(try->dir);
    mr_assert(sizeof(mr_try_message) + bytes <= sizeof(buffer));
    mr_try_message head = {
        .token = one->token, .kind = (uint32_t)one->kind, .bytes = (uint32_t)bytes};
    memcpy(buffer, &head, sizeof(head));
    memcpy(buffer + sizeof(head), try->dir, bytes);
    size_t sent = 0;
    MR_TRY(mr_socket_send_some(&r->spawner, (mr_span){buffer, sizeof(head) + bytes}, &sent, cx));
    *ret_sent = sent > 0;
    return MR_OK;
}

// What is not sent now is not sent: the spawner then syncs records that need not be.
static void real_kept(mr_executor *self, const uint64_t *tokens, uint32_t count, mr_cx *cx) {
    real *r = (real *)self;
    char buffer[MR_TRY_MESSAGE_BYTES];
    const uint32_t most = (uint32_t)((sizeof(buffer) - sizeof(mr_try_message)) / sizeof(*tokens));
    for (uint32_t at = 0, part; at < count && r->spawner.handle >= 0; at += part) {
        part = MR_MIN(count - at, most);
        size_t bytes = part * sizeof(*tokens), sent = 0;
        mr_try_message head = {.kind = MR_TRY_KEPT, .bytes = (uint32_t)bytes};
        memcpy(buffer, &head, sizeof(head));
        memcpy(buffer + sizeof(head), tokens + at, bytes);
        (void)!mr_socket_send_some(&r->spawner, (mr_span){buffer, sizeof(head) + bytes}, &sent, cx);
    }
}

// Sends what waits. A broken connection is dealt with where its end is seen.
static void flush(real *r, mr_cx *cx) {
    bool sent = true;
    while (r->queue != NULL && sent) {
        waiting *one = r->queue;
        if (send_now(r, one, &sent, cx) != MR_OK || !sent) {
            break;
        }
        r->queue = one->next;
        mr_heap_free(one);
    }
    if (r->queue == NULL) {
        r->queue_tail = &r->queue;
    }
    uint32_t wishes = MR_POLLER_READ | (r->queue == NULL ? 0 : (uint32_t)MR_POLLER_WRITE);
    (void)!mr_poller_change(&r->poller, r->spawner.handle, wishes, &connection_token, cx);
}

static void send(real *r, mr_try_kind kind, uint64_t token, mr_cx *cx) {
    waiting one = {.kind = kind, .token = token};
    bool sent = false;
    if (r->queue == NULL && send_now(r, &one, &sent, cx) == MR_OK && sent) {
        return;
    }
    waiting *kept = mr_heap_alloc(sizeof(*kept));
    *kept = one;
    *r->queue_tail = kept;
    r->queue_tail = &kept->next;
    flush(r, cx);
}

// ---- the spawner -----------------------------------------------------------------------------

static mr_code spawner_start(real *r, mr_cx *cx) {
    mr_socket theirs = MR_SOCKET_CLOSED;
    MR_TRY(mr_pair_open(&r->spawner, &theirs, cx));
    const char *const words[] = {r->program, "__spawner", NULL};
    mr_child_spec spec = {.words = words, .passed = &theirs};
    mr_code code = mr_child_start(&r->child, &spec, cx);
    mr_socket_close(&theirs, cx->plat);
    MR_TRY(code);
    MR_TRY(mr_poller_add(&r->poller, r->spawner.handle, MR_POLLER_READ, &connection_token, cx));
    return mr_poller_add(&r->poller, r->child.handle, MR_POLLER_READ, &child_token, cx);
}

// Watches a try whose claim is there, or has its leavings ended. *ret_lost: it never ran, or the
// machine was started anew since.
static mr_code take_up(real *r, open_try *one, bool *ret_lost, mr_cx *cx) {
    mr_try_exit record;
    mr_try_claim claim;
    *ret_lost = false;
    if (mr_try_exit_load(one->dir, &record, cx) == MR_OK) {
        finish(r, one->token, &record);
        return MR_OK;
    }
    bool claimed = mr_try_claim_load(one->dir, &claim, cx) == MR_OK;
    bool same_boot = claimed && strcmp(claim.boot, mr_process_boot(cx)) == 0;
    bool outside = claimed && mr_try_outside_is(one->dir, cx);
    if (!same_boot && !outside) {
        *ret_lost = true;
        return MR_OK;
    }
    one->adopted = true;
    if (!same_boot) {  // On another machine it may have outlived ours.
        send(r, MR_TRY_RECOVER, one->token, cx);
        return MR_OK;
    }
    mr_code code = mr_process_watch(&claim.by, &one->watched, cx);
    if (code == MR_OK) {
        return mr_poller_add(&r->poller, one->watched, MR_POLLER_READ, one, cx);
    }
    if (code != MR_E_MISSING) {
        return code;
    }
    if (mr_try_exit_load(one->dir, &record, cx) == MR_OK) {  // It has ended just now.
        finish(r, one->token, &record);
    } else {
        send(r, MR_TRY_RECOVER, one->token, cx);
    }
    return MR_OK;
}

static void take_messages(real *r, mr_cx *cx) {
    char buffer[MR_TRY_MESSAGE_BYTES];
    mr_try_message message;
    bool any = true, lost = false;
    mr_arena arena = {0}, *before = cx->arena;
    cx->arena = &arena;
    while (mr_try_receive(&r->spawner, buffer, &message, &any, cx) == MR_OK && any) {
        mr_try_exit record;
        open_try *one = *slot_of(r, message.token);
        if (message.kind == MR_TRY_ENDED &&
            mr_try_exit_parse((mr_span){buffer, message.bytes}, &record, cx) == MR_OK) {
            finish(r, message.token, &record);
        } else if (message.kind == MR_TRY_TAKEN && one != NULL && one->watched < 0) {
            if (take_up(r, one, &lost, cx) == MR_OK && lost) {
                finish(r, message.token, &(mr_try_exit){.reason = MR_EXIT_LOST});
            }
        }
        mr_arena_clear(&arena);
    }
    cx->arena = before;
    mr_arena_release(&arena);
}

static void real_stop(mr_executor *self, uint64_t token, mr_cx *cx);

// The spawner is dead. Its supervisors live, and speak into a connection that ends here.
static void spawner_again(real *r, mr_cx *cx) {
    int status = 0;
    if (!mr_child_ended(&r->child, &status)) {
        return;
    }
    take_messages(r, cx);
    mr_socket_close(&r->spawner, cx->plat);
    if (spawner_start(r, cx) != MR_OK) {
        return;  // The next `start` tells why.
    }
    for (uint32_t b = 0; b < BUCKETS; b++) {
        for (open_try *one = r->buckets[b], *next; one != NULL; one = next) {
            bool lost = false;
            uint64_t token = one->token;
            next = one->next;
            if (one->watched >= 0 || take_up(r, one, &lost, cx) != MR_OK) {
                continue;
            }
            if (lost) {
                send(r, MR_TRY_START, one->token, cx);
            }
            one = *slot_of(r, token);
            if (one != NULL && one->stop) {
                real_stop(&r->base, token, cx);
            }
        }
    }
}

// ---- the executor ----------------------------------------------------------------------------

static const char *absolute(const char *dir, mr_cx *cx) {
    return dir[0] == '/' ? dir : mr_arena_printf(cx->arena, "%s/%s", mr_dir_current(cx), dir);
}

static mr_code real_start(mr_executor *self, uint64_t token, const char *dir, mr_cx *cx) {
    real *r = (real *)self;
    if (r->child.pid == 0) {
        mr_socket_close(&r->spawner, cx->plat);
        MR_TRY(spawner_start(r, cx));
    }
    add(r, token, absolute(dir, cx));
    send(r, MR_TRY_START, token, cx);
    return MR_OK;
}

static mr_code real_adopt(mr_executor *self, uint64_t token, const char *dir, bool *ret_known,
                          mr_cx *cx) {
    real *r = (real *)self;
    bool lost = false;
    const char *path = absolute(dir, cx);
    mr_code code = take_up(r, add(r, token, path), &lost, cx);
    if (code == MR_OK && lost) {
        // What an earlier spawner has forked, and is slow, must find it taken.
        code = mr_dir_make_loose(path, cx);
        code = code == MR_OK ? mr_try_claim_take(path, cx) : code;
        if (code == MR_E_EXISTS) {
            code = take_up(r, *slot_of(r, token), &lost, cx);
        }
    }
    *ret_known = !lost;
    if (code != MR_OK || lost) {
        forget(r, token);
    }
    return code;
}

static void real_stop(mr_executor *self, uint64_t token, mr_cx *cx) {
    real *r = (real *)self;
    open_try *one = *slot_of(r, token);
    if (one == NULL) {
        return;
    }
    one->stop = true;
    if (one->adopted) {
        mr_process_end_watched(one->watched, /* kill= */ false);
    } else {
        send(r, MR_TRY_STOP, token, cx);
    }
}

// An adopted supervisor has ended.
static void watched_over(real *r, open_try *one, mr_cx *cx) {
    mr_try_exit record;
    mr_process_unwatch(&one->watched);
    if (mr_try_exit_load(one->dir, &record, cx) == MR_OK) {
        finish(r, one->token, &record);
    } else {
        send(r, MR_TRY_RECOVER, one->token, cx);
    }
}

static void look(real *r, mr_cx *cx) {
    mr_poller_event events[EVENTS];
    size_t count = 0;
    bool again = false;
    if (mr_poller_wait(&r->poller, events, EVENTS, /* timeout_us= */ 0, &count, cx) != MR_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (events[i].token == &child_token) {
            again = true;  // Last: it changes what the other events are of.
        } else if (events[i].token == &connection_token) {
            take_messages(r, cx);
            if (events[i].writable) {
                flush(r, cx);
            }
        } else {
            watched_over(r, events[i].token, cx);
        }
    }
    if (again) {
        spawner_again(r, cx);
    }
}

static bool real_ended(mr_executor *self, uint64_t *ret_token, mr_try_exit *ret, mr_cx *cx) {
    real *r = (real *)self;
    if (r->ends == NULL) {
        look(r, cx);
    }
    end_item *item = r->ends;
    if (item == NULL) {
        return false;
    }
    r->ends = item->next;
    if (r->ends == NULL) {
        r->ends_tail = &r->ends;
    }
    *ret_token = item->token;
    *ret = item->record;
    mr_heap_free(item);
    return true;
}

static int real_handle(const mr_executor *self) {
    return ((const real *)self)->poller.handle;
}

static void real_close(mr_executor *self, mr_cx *cx) {
    real *r = (real *)self;
    int status = 0;
    mr_socket_close(&r->spawner, cx->plat);  // The spawner ends by itself then.
    while (r->child.pid != 0 && !mr_child_ended(&r->child, &status)) {
        mr_socket_event event = {.handle = r->child.handle, .read = true};
        size_t count = 0;
        if (mr_socket_wait(&event, 1, /* timeout_us= */ 5000000, &count, cx) != MR_OK ||
            count == 0) {
            mr_child_stop(&r->child, /* kill= */ true);
        }
    }
    for (uint32_t b = 0; b < BUCKETS; b++) {
        while (r->buckets[b] != NULL) {
            forget(r, r->buckets[b]->token);
        }
    }
    for (end_item *item = r->ends, *next; item != NULL; item = next) {
        next = item->next;
        mr_heap_free(item);
    }
    for (waiting *item = r->queue, *next; item != NULL; item = next) {
        next = item->next;
        mr_heap_free(item);
    }
    mr_poller_close(&r->poller, cx->plat);
    mr_heap_free(r->program);
    mr_heap_free(r);
}

static const mr_executor_type real_type = {
    .start = real_start,
    .adopt = real_adopt,
    .stop = real_stop,
    .ended = real_ended,
    .kept = real_kept,
    .handle = real_handle,
    .close = real_close,
};

mr_code mr_executor_open(const char *program, mr_executor **ret, mr_cx *cx) {
    real *r = mr_heap_alloc(sizeof(*r));
    *r = (real){.base = {.type = &real_type},
                .program = mr_heap_string(program),
                .poller = MR_POLLER_CLOSED,
                .spawner = MR_SOCKET_CLOSED,
                .child = MR_CHILD_NONE};
    r->ends_tail = &r->ends;
    r->queue_tail = &r->queue;
    mr_code code = mr_poller_open(&r->poller, cx);
    if (code == MR_OK) {
        code = spawner_start(r, cx);
    }
    if (code != MR_OK) {
        real_close(&r->base, cx);
        return code;
    }
    *ret = &r->base;
    return MR_OK;
}
