// Exchange: the order of a lane survives any number of senders, and nothing is lost or left behind.

#include "exec/exchange.h"

#include "base/hash.h"
#include "runner.h"

#define WORKERS 4
#define LANES   3
#define CHUNKS  400  // A lane.

typedef struct scene {
    mr_exchange exchange;
    mr_mutex mutex;
    uint64_t claimed[LANES];
    uint32_t done_chunks;
    atomic_uint received;
    atomic_uint wrong;
} scene;

typedef struct crew {
    scene *scene;
    uint32_t index;
    mr_thread thread;
} crew;

static bool claim(scene *s, uint32_t *ret_lane, uint64_t *ret_sequence) {
    mr_mutex_lock(&s->mutex);
    bool taken = s->done_chunks < LANES * CHUNKS;
    if (taken) {
        *ret_lane = s->done_chunks++ % LANES;
        *ret_sequence = s->claimed[*ret_lane]++;
    }
    mr_mutex_unlock(&s->mutex);
    return taken;
}

static void send(scene *s, uint32_t lane, uint64_t sequence) {
    mr_hold *hold = mr_hold_new(16);
    mr_exchange_message *messages = mr_exchange_start(&s->exchange, lane, sequence, sequence, hold);
    for (uint32_t w = 0; w < WORKERS; w++) {
        uint32_t items = (uint32_t)(mr_hash_u64(sequence * WORKERS + w, lane) % 12);
        for (uint32_t i = 0; i < items; i++) {
            mr_batch batch = {.hold = hold, .rows = 1, .sel_count = 1};
            mr_exchange_add(&messages[w], i, &batch);
        }
    }
    mr_exchange_send(&s->exchange, messages);
    mr_hold_unref(hold);
}

static void *crew_run(void *argument) {
    crew *c = argument;
    scene *s = c->scene;
    uint64_t next[LANES] = {0};
    uint32_t taken = 0;
    while (taken < LANES * CHUNKS) {
        mr_exchange_message *m = mr_exchange_receive(&s->exchange, c->index);
        if (m != NULL) {
            uint32_t items =
                (uint32_t)(mr_hash_u64(m->sequence * WORKERS + c->index, m->lane) % 12);
            bool right = m->sequence == next[m->lane]++ && m->item_count == items;
            for (uint32_t i = 0; i < m->item_count; i++) {
                right = right && m->items[i].plan == i;
            }
            atomic_fetch_add(&s->wrong, !right);
            atomic_fetch_add(&s->received, 1);
            mr_exchange_done(&s->exchange, m);
            taken++;
            continue;
        }
        uint32_t lane;
        uint64_t sequence;
        if (mr_exchange_has_room(&s->exchange) && claim(s, &lane, &sequence)) {
            send(s, lane, sequence);
        } else {
            mr_exchange_wait(&s->exchange, c->index, 1000);
        }
    }
    return NULL;
}

TEST(exchange, keeps_the_order_of_each_lane_between_threads) {
    scene s = {0};
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_mutex_init(&s.mutex);
    mr_exchange_init(&s.exchange, WORKERS);
    mr_exchange_set_lanes(&s.exchange, LANES);
    crew crews[WORKERS] = {0};
    for (uint32_t w = 0; w < WORKERS; w++) {
        crews[w].scene = &s;
        crews[w].index = w;
        EXPECT_OK(mr_thread_start(&crews[w].thread, "crew", crew_run, &crews[w], &cx));
    }
    for (uint32_t w = 0; w < WORKERS; w++) {
        mr_thread_join(&crews[w].thread);
    }
    EXPECT_EQ(atomic_load(&s.wrong), 0);
    EXPECT_EQ(atomic_load(&s.received), WORKERS * LANES * CHUNKS);
    EXPECT_EQ(atomic_load(&s.exchange.in_flight), 0);
    mr_exchange_release(&s.exchange);
    mr_mutex_release(&s.mutex);
    mr_arena_release(&arena);
}

TEST(exchange, frees_what_nobody_took) {
    scene s = {0};
    mr_exchange_init(&s.exchange, WORKERS);
    mr_exchange_set_lanes(&s.exchange, LANES);
    send(&s, 1, 5);  // Its turn never comes.
    EXPECT(mr_exchange_receive(&s.exchange, 0) == NULL);
    send(&s, 1, 0);
    mr_exchange_message *m = mr_exchange_receive(&s.exchange, 0);
    REQUIRE(m != NULL && m->sequence == 0);
    mr_exchange_done(&s.exchange, m);
    mr_exchange_release(&s.exchange);  // The leak checker looks at the rest.
}
