// Loop: calls that wait, deadlines, and memory that is used again; see loop.h.

#include "broker/loop.h"

#include <string.h>

#include "broker/clerk.h"
#include "broker/inside.h"

#define SPARE_CALLS_MAX      256
#define SPARE_BLOCKS_MAX     ((size_t)8 << 20)  // Bytes.
#define CALL_ARENA_KEPT_MAX  ((size_t)256 << 10)
#define CALL_ARENA_FREE_MAX  ((size_t)64 << 10)  // Not charged.
#define CALL_ANSWER_KEPT_MAX ((size_t)64 << 10)

mr_code mr_loop_init(mr_loop *loop, mr_broker *broker, bool by_hand, mr_cx *cx) {
    *loop = (mr_loop){.broker = broker, .wake = {.handle = -1}};
    mr_cx_init(&loop->cx, &loop->arena, cx->plat);
    return by_hand ? MR_OK : mr_wake_open(&loop->wake, cx);
}

static void call_destroy(mr_call *call) {
    mr_arena_release(&call->own_arena);
    mr_text_release(&call->answer);
    mr_heap_free(call);
}

void mr_loop_trim(mr_loop *loop) {
    while (loop->spare_calls != NULL) {
        mr_call *call = loop->spare_calls;
        loop->spare_calls = call->next;
        call_destroy(call);
    }
    loop->spare_call_count = 0;
    for (size_t i = 0; i < MR_LOOP_BLOCK_CLASSES; i++) {
        while (loop->spare_blocks[i] != NULL) {
            mr_block *block = loop->spare_blocks[i];
            loop->spare_blocks[i] = block->next;
            mr_heap_free(block);
        }
    }
    loop->spare_block_bytes = 0;
}

void mr_loop_release(mr_loop *loop) {
    mr_loop_run(loop);  // Takes what was freed off the list.
    mr_assert(atomic_load(&loop->signalled) == NULL && loop->timer_count == 0);
    mr_loop_trim(loop);
    mr_heap_free(loop->timers);
    mr_arena_release(&loop->arena);
    mr_wake_close(&loop->wake, loop->cx.plat);
}

// ---- signalled calls -------------------------------------------------------------------------

void mr_loop_push(mr_loop *loop, mr_call *call) {
    mr_call *before = atomic_load(&loop->signalled);
    do {
        call->next_signalled = before;
    } while (!atomic_compare_exchange_weak(&loop->signalled, &before, call));
    if (atomic_load(&loop->asleep) && atomic_exchange(&loop->asleep, false)) {
        mr_wake_signal(&loop->wake, loop->cx.plat);
    }
}

// ---- deadlines -------------------------------------------------------------------------------

static void timer_put(mr_loop *loop, uint32_t at, mr_call *call) {
    loop->timers[at] = call;
    call->timer = at;
}

static void timer_up(mr_loop *loop, uint32_t at, mr_call *call) {
    while (at > 0 && loop->timers[(at - 1) / 2]->deadline_us > call->deadline_us) {
        timer_put(loop, at, loop->timers[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    timer_put(loop, at, call);
}

static void timer_down(mr_loop *loop, uint32_t at, mr_call *call) {
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < loop->timer_count &&
            loop->timers[child + 1]->deadline_us < loop->timers[child]->deadline_us) {
            child++;
        }
        if (child >= loop->timer_count || loop->timers[child]->deadline_us >= call->deadline_us) {
            break;
        }
        timer_put(loop, at, loop->timers[child]);
        at = child;
    }
    timer_put(loop, at, call);
}

static void timer_add(mr_loop *loop, mr_call *call) {
    if (loop->timer_count == loop->timer_capacity) {
        loop->timer_capacity = MR_MAX(64, loop->timer_capacity * 2);
        loop->timers = mr_heap_resize(loop->timers, sizeof(mr_call *) * loop->timer_capacity);
    }
    timer_up(loop, loop->timer_count++, call);
}

static void timer_remove(mr_loop *loop, mr_call *call) {
    uint32_t at = call->timer;
    if (at == MR_CALL_NO_TIMER) {
        return;
    }
    call->timer = MR_CALL_NO_TIMER;
    mr_call *last = loop->timers[--loop->timer_count];
    if (last == call) {
        return;
    }
    if (at > 0 && loop->timers[(at - 1) / 2]->deadline_us > last->deadline_us) {
        timer_up(loop, at, last);
    } else {
        timer_down(loop, at, last);
    }
}

int64_t mr_loop_deadline(const mr_loop *loop) {
    return loop->timer_count == 0 ? INT64_MAX : loop->timers[0]->deadline_us;
}

// ---- a call's life ---------------------------------------------------------------------------

mr_call *mr_loop_call_new(mr_loop *loop) {
    mr_call *call = loop->spare_calls;
    if (call != NULL) {
        loop->spare_calls = call->next;
        loop->spare_call_count--;
        call->next = NULL;
    } else {
        call = mr_heap_alloc(sizeof(mr_call));
        mr_text_init(&call->answer, /* arena= */ NULL);
    }
    call->broker = loop->broker;
    call->loop = loop;
    call->arena = &call->own_arena;
    call->timer = MR_CALL_NO_TIMER;
    call->phase = MR_CALL_WORKING;
    return call;
}

static void call_spare(mr_loop *loop, mr_call *call) {
    if (loop->spare_call_count >= SPARE_CALLS_MAX) {
        call_destroy(call);
        return;
    }
    mr_arena arena = call->own_arena;
    mr_text answer = call->answer;
    if (arena.bytes > CALL_ARENA_KEPT_MAX) {
        mr_arena_release(&arena);
    } else {
        mr_arena_clear(&arena);
    }
    if (answer.capacity > CALL_ANSWER_KEPT_MAX) {
        mr_text_release(&answer);
        mr_text_init(&answer, /* arena= */ NULL);
    } else {
        mr_text_clear(&answer);
    }
    memset(call, 0, sizeof(*call));
    call->own_arena = arena;
    call->answer = answer;
    call->next = loop->spare_calls;
    loop->spare_calls = call;
    loop->spare_call_count++;
}

// A call that waits holds what its frame became, which may be many times as much. What every call
// has is free: thousands of clients that wait for records must not look like too many requests.
static void call_charge(mr_loop *loop, mr_call *call, size_t arena_bytes) {
    size_t bytes = arena_bytes > CALL_ARENA_FREE_MAX ? arena_bytes : 0;
    if (bytes == call->charged) {
        return;  // Nearly always: the counter is shared by all threads.
    }
    mr_broker_charge(loop->broker, bytes);
    mr_broker_uncharge(loop->broker, call->charged);
    call->charged = bytes;
}

void mr_loop_call_free(mr_loop *loop, mr_call *call) {
    mr_assert(call->phase != MR_CALL_AWAY);  // The clerk has it.
    mr_call_unwatch(call);
    timer_remove(loop, call);
    for (mr_call_attachment *a = call->attachments; a != NULL; a = a->next) {
        mr_log_slice_release(&a->slice);
    }
    call->attachments = NULL;
    if (call->release != NULL) {
        call->release(call);
        call->release = NULL;
    }
    mr_loop_block_release(loop, call->block);
    call->block = NULL;
    call_charge(loop, call, 0);
    // Nobody can signal it any more; if somebody has, it is on the list until that is walked.
    if (atomic_load(&call->signalled)) {
        call->phase = MR_CALL_FREED;
    } else {
        call_spare(loop, call);
    }
}

static void call_answered(mr_loop *loop, mr_call *call) {
    mr_call_unwatch(call);
    call->phase = MR_CALL_ANSWERED;
    call_charge(loop, call, 0);
    loop->answered(loop, call);
}

void mr_loop_step(mr_loop *loop, mr_call *call, mr_call_step *step) {
    mr_cx *cx = &loop->cx;
    cx->arena = call->arena;
    call->phase = MR_CALL_WORKING;
    call->resume = NULL;
    step(call, cx);
    if (call->away != NULL && (loop->broker->clerk == NULL || call->connection == NULL)) {
        step = call->away;
        call->away = NULL;
        step(call, cx);
    }
    cx->arena = &loop->arena;
    if (call->away != NULL) {
        call->phase = MR_CALL_AWAY;
        call_charge(loop, call, call->own_arena.bytes);
        mr_clerk_give(loop->broker->clerk, call);
        return;
    }
    if (call->resume != NULL) {
        call->phase = MR_CALL_PARKED;
        call_charge(loop, call, call->own_arena.bytes);
        if (call->deadline_us != INT64_MAX) {
            timer_add(loop, call);
        }
        return;
    }
    call_answered(loop, call);
}

static void call_resume(mr_loop *loop, mr_call *call) {
    mr_call_unwatch(call);
    timer_remove(loop, call);
    mr_loop_step(loop, call, call->resume);
}

// The calls that were signalled, first one first.
static mr_call *take_signalled(mr_loop *loop) {
    if (atomic_load_explicit(&loop->signalled, memory_order_relaxed) == NULL) {
        return NULL;
    }
    mr_call *last = atomic_exchange(&loop->signalled, NULL);
    mr_call *first = NULL;
    while (last != NULL) {
        mr_call *next = last->next_signalled;
        last->next_signalled = first;
        first = last;
        last = next;
    }
    return first;
}

void mr_loop_run(mr_loop *loop) {
    mr_call *call = take_signalled(loop);
    while (call != NULL) {
        mr_call *next = call->next_signalled;
        call->next_signalled = NULL;
        // From here on it may be signalled again, but not while it has a watch, so not twice.
        mr_call_unwatch(call);
        atomic_store(&call->signalled, false);
        if (call->phase == MR_CALL_FREED) {
            call_spare(loop, call);
        } else if (call->phase == MR_CALL_PARKED) {
            call_resume(loop, call);
        } else if (call->phase == MR_CALL_AWAY) {
            call_answered(loop, call);  // It is back.
        }
        call = next;
    }
    if (loop->timer_count == 0) {
        return;
    }
    int64_t now_us = mr_clock_monotonic_us(loop->cx.plat);
    while (loop->timer_count > 0 && loop->timers[0]->deadline_us <= now_us) {
        call_resume(loop, loop->timers[0]);
    }
}

// ---- blocks ----------------------------------------------------------------------------------

mr_block *mr_loop_block_new(mr_loop *loop, size_t bytes) {
    uint32_t class_index = 0;
    while (class_index < MR_LOOP_BLOCK_CLASSES && MR_LOOP_BLOCK_BYTES << class_index < bytes) {
        class_index++;
    }
    mr_block *block = class_index < MR_LOOP_BLOCK_CLASSES ? loop->spare_blocks[class_index] : NULL;
    if (block != NULL) {
        loop->spare_blocks[class_index] = block->next;
        loop->spare_block_bytes -= block->bytes;
    } else {
        size_t room =
            class_index < MR_LOOP_BLOCK_CLASSES ? MR_LOOP_BLOCK_BYTES << class_index : bytes;
        block = mr_heap_raw(sizeof(mr_block) + room);
        block->bytes = room;
        block->class_index = class_index;
    }
    block->next = NULL;
    block->references = 1;
    block->charged = 0;
    return block;
}

void mr_loop_block_release(mr_loop *loop, mr_block *block) {
    if (block == NULL || --block->references > 0) {
        return;
    }
    mr_broker_uncharge(loop->broker, block->charged);
    if (block->class_index >= MR_LOOP_BLOCK_CLASSES ||
        loop->spare_block_bytes + block->bytes > SPARE_BLOCKS_MAX) {
        mr_heap_free(block);
        return;
    }
    block->next = loop->spare_blocks[block->class_index];
    loop->spare_blocks[block->class_index] = block;
    loop->spare_block_bytes += block->bytes;
}
