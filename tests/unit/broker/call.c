// Calls that wait: no wake-up is lost between threads, deadlines come in order, and what is
// forgotten is never gone on with.

#include "broker/call.h"

#include "broker/inside.h"
#include "runner.h"

#define CALLS   64
#define SIGNALS 20000  // Of each signaller.
#define THINGS  8
#define HELPERS 3
#define FAR_US  (60 * 1000000)

typedef struct thing {
    mr_watchers watchers;
    atomic_uint_fast64_t value;
} thing;

typedef struct call_case {
    mr_arena arena;
    mr_cx cx;
    mr_broker broker;
    mr_loop loop;
    thing things[THINGS];
    mr_call *calls[CALLS];
    uint64_t wants[CALLS];  // Value of its thing that a call waits for next.
    atomic_uint answered;
    uint32_t late;
    mr_thread helpers[HELPERS];
    uint32_t order[CALLS];  // In which calls were answered.
} call_case;

static call_case *case_of(mr_call *call) {
    return (call_case *)call->state;
}

static uint32_t index_of(const call_case *c, const mr_call *call) {
    uint32_t i = 0;
    while (c->calls[i] != call) {
        i++;
    }
    return i;
}

static void count_answer(mr_loop *loop, mr_call *call) {
    (void)loop;
    call_case *c = case_of(call);
    c->order[atomic_load(&c->answered)] = index_of(c, call);
    atomic_fetch_add(&c->answered, 1);
}

static bool case_init(call_case *c, mr_plat *plat, bool by_hand) {
    *c = (call_case){0};
    mr_cx_init(&c->cx, &c->arena, plat);
    c->broker.plat = plat;
    for (size_t i = 0; i < MR_BROKER_STRIPES; i++) {
        mr_mutex_init(&c->broker.stripes[i]);
    }
    bool ok = EXPECT_OK(mr_loop_init(&c->loop, &c->broker, by_hand, &c->cx));
    c->loop.answered = count_answer;
    return ok;
}

static void case_end(call_case *c) {
    for (size_t i = 0; i < CALLS; i++) {
        if (c->calls[i] != NULL) {
            mr_loop_call_free(&c->loop, c->calls[i]);
        }
    }
    mr_loop_release(&c->loop);
    for (size_t i = 0; i < MR_BROKER_STRIPES; i++) {
        mr_mutex_release(&c->broker.stripes[i]);
    }
    mr_arena_release(&c->arena);
}

static mr_call *begin(call_case *c, uint32_t i, mr_call_step *step) {
    mr_call *call = mr_loop_call_new(&c->loop);
    call->state = c;
    c->calls[i] = call;
    mr_loop_step(&c->loop, call, step);
    return call;
}

// ---- threads -----------------------------------------------------------------------------------

// Waits until its thing has reached the next of ever growing values, up to the last.
static void wait_step(mr_call *call, mr_cx *cx) {
    call_case *c = case_of(call);
    uint32_t i = index_of(c, call);
    const uint64_t last = (uint64_t)HELPERS * SIGNALS;
    c->late += call->deadline_us != 0 && mr_call_is_late(call);
    for (;;) {
        mr_call_watch(call, &c->things[i % THINGS].watchers);
        mr_call_watch(call, &c->things[(i + 1) % THINGS].watchers);
        uint64_t value = atomic_load(&c->things[i % THINGS].value);
        if (value < c->wants[i]) {
            mr_call_park(call, mr_clock_monotonic_us(cx->plat) + FAR_US, wait_step);
            return;
        }
        mr_call_unwatch(call);
        if (value >= last) {
            return;
        }
        c->wants[i] = value + 1;
    }
}

static void *signaller(void *self) {
    call_case *c = self;
    for (uint32_t n = 0; n < SIGNALS; n++) {
        for (uint32_t t = 0; t < THINGS; t++) {
            atomic_fetch_add(&c->things[t].value, 1);
            mr_watchers_signal(&c->broker, &c->things[t].watchers);
        }
    }
    return NULL;
}

// As a server thread sleeps, but for the sockets.
static mr_code sleep_until_woken(call_case *c) {
    size_t ready = 0;
    mr_socket_event event = {.handle = c->loop.wake.handle, .read = true};
    atomic_store(&c->loop.asleep, true);
    int64_t timeout_us = atomic_load(&c->loop.signalled) != NULL ? 0 : FAR_US;
    mr_code code = mr_socket_wait(&event, 1, timeout_us, &ready, &c->cx);
    atomic_store(&c->loop.asleep, false);
    if (ready > 0) {
        mr_wake_clear(&c->loop.wake, c->cx.plat);
    }
    return code != MR_OK ? code : timeout_us > 0 && ready == 0 ? MR_E_TIMEOUT : MR_OK;
}

TEST(call, no_wake_up_is_lost) {
    static call_case c;
    REQUIRE(case_init(&c, mr_plat_linux(), /* by_hand= */ false));
    for (uint32_t i = 0; i < CALLS; i++) {
        begin(&c, i, wait_step);
    }
    for (size_t i = 0; i < HELPERS; i++) {
        EXPECT_OK(mr_thread_start(&c.helpers[i], "signaller", signaller, &c, &c.cx));
    }
    while (atomic_load(&c.answered) < CALLS) {
        mr_loop_run(&c.loop);
        if (atomic_load(&c.answered) < CALLS && !EXPECT_OK(sleep_until_woken(&c))) {
            break;
        }
    }
    for (size_t i = 0; i < HELPERS; i++) {
        mr_thread_join(&c.helpers[i]);
    }
    EXPECT_EQ(atomic_load(&c.answered), CALLS);
    EXPECT_EQ(c.late, 0);
    for (uint32_t t = 0; t < THINGS; t++) {
        EXPECT(c.things[t].watchers.first == NULL);
    }
    case_end(&c);
}

// ---- one thread --------------------------------------------------------------------------------

static void end_step(mr_call *call, mr_cx *cx) {
    (void)cx;
    case_of(call)->late += mr_call_is_late(call);
}

// Parks for (i * 37 mod 64) ms.
static void deadline_step(mr_call *call, mr_cx *cx) {
    call_case *c = case_of(call);
    int64_t wait_us = index_of(c, call) * 37 % CALLS * 1000;
    mr_call_park(call, mr_clock_monotonic_us(cx->plat) + wait_us, end_step);
}

TEST(call, deadlines_come_in_order) {
    static call_case c;
    REQUIRE(case_init(&c, mr_plat_linux(), /* by_hand= */ true));
    for (uint32_t i = 0; i < CALLS; i++) {
        begin(&c, i, deadline_step);
    }
    mr_loop_call_free(&c.loop, c.calls[20]);  // 36 ms: from the middle of the heap.
    c.calls[20] = NULL;
    while (mr_loop_deadline(&c.loop) != INT64_MAX) {
        int64_t left_us = mr_loop_deadline(&c.loop) - mr_clock_monotonic_us(c.cx.plat);
        mr_clock_sleep_us(c.cx.plat, MR_MAX(left_us, 0));
        mr_loop_run(&c.loop);
    }
    EXPECT_EQ(atomic_load(&c.answered), CALLS - 1);
    EXPECT_EQ(c.late, CALLS - 1);
    for (uint32_t n = 1; n < CALLS - 1; n++) {
        EXPECT(c.order[n - 1] * 37 % CALLS < c.order[n] * 37 % CALLS);
    }
    case_end(&c);
}

static void watch_step(mr_call *call, mr_cx *cx) {
    (void)cx;
    mr_call_watch(call, &case_of(call)->things[0].watchers);
    mr_call_park(call, INT64_MAX, end_step);
}

TEST(call, what_is_forgotten_is_not_gone_on_with) {
    static call_case c;
    REQUIRE(case_init(&c, mr_plat_linux(), /* by_hand= */ true));
    begin(&c, 0, watch_step);
    begin(&c, 1, watch_step);
    mr_watchers_signal(&c.broker, &c.things[0].watchers);
    mr_loop_call_free(&c.loop, c.calls[0]);  // It is on the list of signalled calls.
    EXPECT_EQ(c.calls[0]->phase, MR_CALL_FREED);
    c.calls[0] = NULL;
    mr_loop_run(&c.loop);
    EXPECT_EQ(atomic_load(&c.answered), 1);
    EXPECT_EQ(c.order[0], 1);
    EXPECT(c.things[0].watchers.first == NULL);
    mr_watchers_signal(&c.broker, &c.things[0].watchers);
    mr_loop_run(&c.loop);
    EXPECT_EQ(atomic_load(&c.answered), 1);
    case_end(&c);
}

static void answer_step(mr_call *call, mr_cx *cx) {
    (void)cx;
    mr_call_watch(call, &case_of(call)->things[0].watchers);
    mr_watchers_signal(call->broker, &case_of(call)->things[0].watchers);
}

TEST(call, who_answers_after_all_leaves_no_watch) {
    static call_case c;
    REQUIRE(case_init(&c, mr_plat_linux(), /* by_hand= */ true));
    mr_call *call = begin(&c, 0, answer_step);
    EXPECT_EQ(call->phase, MR_CALL_ANSWERED);
    EXPECT(c.things[0].watchers.first == NULL);
    mr_loop_run(&c.loop);
    EXPECT_EQ(atomic_load(&c.answered), 1);
    EXPECT(!atomic_load(&call->signalled));
    case_end(&c);
}

TEST(call, blocks_are_used_again_and_given_back) {
    static call_case c;
    REQUIRE(case_init(&c, mr_plat_linux(), /* by_hand= */ true));
    c.broker.spec.settings.queue_bytes_max = 1000;
    mr_block *small = mr_loop_block_new(&c.loop, 10);
    mr_block *large = mr_loop_block_new(&c.loop, ((size_t)1 << 20) + 1);
    mr_block *huge = mr_loop_block_new(&c.loop, (size_t)10 << 20);
    EXPECT_EQ(small->bytes, MR_LOOP_BLOCK_BYTES);
    EXPECT_EQ(large->bytes, (size_t)2 << 20);
    EXPECT_EQ(huge->bytes, (size_t)10 << 20);
    small->charged = 1200;
    mr_broker_charge(&c.broker, 1200);
    EXPECT(mr_broker_is_full(&c.broker));
    small->references++;
    mr_loop_block_release(&c.loop, small);
    EXPECT(mr_broker_is_full(&c.broker));
    mr_loop_block_release(&c.loop, small);
    EXPECT(!mr_broker_is_full(&c.broker));
    EXPECT(mr_loop_block_new(&c.loop, 100) == small);
    mr_loop_block_release(&c.loop, small);
    mr_loop_block_release(&c.loop, large);
    mr_loop_block_release(&c.loop, huge);
    EXPECT_EQ(c.loop.spare_block_bytes, small->bytes + large->bytes);
    mr_loop_trim(&c.loop);
    EXPECT_EQ(c.loop.spare_block_bytes, 0);
    case_end(&c);
}

// ---- what a call holds -------------------------------------------------------------------------

static void answer_now(mr_call *call, mr_cx *cx) {
    (void)call, (void)cx;
}

static void hold_and_wait(mr_call *call, mr_cx *cx) {
    (void)mr_arena_raw(cx->arena, 1 << 20);
    mr_call_park(call, INT64_MAX, answer_now);
}

static void wait_only(mr_call *call, mr_cx *cx) {
    (void)mr_arena_raw(cx->arena, 100);
    mr_call_park(call, INT64_MAX, answer_now);
}

// Until it is answered or forgotten; a small one is free.
TEST(call, what_a_waiting_call_was_decoded_to_counts_as_requests_at_work) {
    call_case c;
    REQUIRE(case_init(&c, mr_plat_linux(), /* by_hand= */ true));
    c.calls[0] = begin(&c, 0, hold_and_wait);
    size_t one = atomic_load(&c.broker.charged);
    EXPECT(one >= 1 << 20);
    c.calls[1] = begin(&c, 1, wait_only);
    EXPECT_EQ(atomic_load(&c.broker.charged), one);
    c.calls[2] = begin(&c, 2, hold_and_wait);
    EXPECT_EQ(atomic_load(&c.broker.charged), 2 * one);
    mr_loop_call_free(&c.loop, c.calls[2]);
    c.calls[2] = NULL;
    EXPECT_EQ(atomic_load(&c.broker.charged), one);
    mr_loop_step(&c.loop, c.calls[0], answer_now);
    EXPECT_EQ(atomic_load(&c.broker.charged), 0u);
    case_end(&c);
}
