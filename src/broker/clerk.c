// Clerk: the thread that does what waits for the disk; see clerk.h.

#include "broker/clerk.h"

#include "broker/loop.h"

struct mr_clerk {
    mr_plat *plat;
    mr_thread thread;
    mr_mutex mutex;
    mr_condition given;
    mr_call *first;  // Linked by next_signalled, which a call that is away does not need.
    mr_call *last;
    bool ends;
};

void mr_clerk_give(mr_clerk *clerk, mr_call *call) {
    mr_assert(call->phase == MR_CALL_AWAY);
    call->next_signalled = NULL;
    mr_mutex_lock(&clerk->mutex);
    *(clerk->first == NULL ? &clerk->first : &clerk->last->next_signalled) = call;
    clerk->last = call;
    mr_condition_signal(&clerk->given);
    mr_mutex_unlock(&clerk->mutex);
}

static void work(mr_call *call, mr_cx *cx) {
    mr_call_step *step = call->away;
    call->away = NULL;
    cx->arena = call->arena;
    step(call, cx);
    mr_assert(call->resume == NULL && call->away == NULL && call->watches == NULL);
    bool signalled = atomic_exchange(&call->signalled, true);
    mr_assert(!signalled);  // It watches nothing.
    mr_loop_push(call->loop, call);
}

static void *clerk_run(void *self) {
    mr_clerk *clerk = self;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, clerk->plat);
    mr_mutex_lock(&clerk->mutex);
    while (clerk->first != NULL || !clerk->ends) {
        mr_call *call = clerk->first;
        if (call == NULL) {
            mr_condition_wait(&clerk->given, &clerk->mutex, -1);
            continue;
        }
        clerk->first = call->next_signalled;
        mr_mutex_unlock(&clerk->mutex);
        work(call, &cx);
        mr_mutex_lock(&clerk->mutex);
    }
    mr_mutex_unlock(&clerk->mutex);
    mr_arena_release(&arena);
    return NULL;
}

mr_code mr_clerk_open(mr_plat *plat, mr_clerk **ret, mr_cx *cx) {
    mr_clerk *clerk = mr_heap_alloc(sizeof(*clerk));
    clerk->plat = plat;
    mr_mutex_init(&clerk->mutex);
    mr_condition_init(&clerk->given);
    mr_code code = mr_thread_start(&clerk->thread, "clerk", clerk_run, clerk, cx);
    if (code != MR_OK) {
        mr_clerk_close(clerk);
        return code;
    }
    *ret = clerk;
    return MR_OK;
}

void mr_clerk_close(mr_clerk *clerk) {
    if (clerk == NULL) {
        return;
    }
    mr_mutex_lock(&clerk->mutex);
    clerk->ends = true;
    mr_condition_signal(&clerk->given);
    mr_mutex_unlock(&clerk->mutex);
    mr_thread_join(&clerk->thread);
    mr_assert(clerk->first == NULL);
    mr_condition_release(&clerk->given);
    mr_mutex_release(&clerk->mutex);
    mr_heap_free(clerk);
}
