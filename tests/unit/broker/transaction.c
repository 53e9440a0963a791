// One transactional id: each event in each state, and long random histories of producers whose
// requests are lost, repeated and delayed.

#include "broker/transaction.h"

#include "runner.h"

#include <string.h>

#define ID        MR_SPAN("payments")
#define TIMEOUT   60000
#define FRESH     7000  // The producer id that the next one would be.
#define NO_ONE    ((mr_transaction_producer){-1, -1})
#define WHO(i, e) ((mr_transaction_producer){(i), (e)})

typedef struct fixture {
    mr_arena arena;
    mr_cx cx;
} fixture;

static void fixture_init(fixture *f) {
    mr_arena_init(&f->arena);
    mr_cx_init(&f->cx, &f->arena, NULL);
}

static mr_transaction_outcome begin(const mr_transaction *now, mr_transaction_producer producer) {
    mr_transaction_init init = {producer, TIMEOUT, FRESH, 1000};
    return mr_transaction_begin(now, ID, &init);
}

static mr_transaction_outcome finish(const mr_transaction *now, mr_transaction_producer producer,
                                     int16_t version, bool commit) {
    mr_transaction_end end = {producer, version, commit, FRESH, 2000};
    return mr_transaction_finish(now, &end);
}

static mr_transaction_outcome join(const mr_transaction *now, mr_transaction_producer producer,
                                   int16_t version, int32_t partition, mr_cx *cx) {
    mr_transaction_member member = {MR_SPAN("orders"), partition};
    mr_transaction_add add = {producer, version, &member, 1, 1500};
    return mr_transaction_join(now, &add, cx);
}

// A transaction in this state, of producer 5 with this epoch.
static mr_transaction made(mr_transaction_state state, int16_t epoch, int16_t version) {
    static mr_transaction_member member = {{"orders", 6}, 3};
    bool open = state == MR_TRANSACTION_ONGOING || state == MR_TRANSACTION_PREPARE_COMMIT ||
                state == MR_TRANSACTION_PREPARE_ABORT;
    return (mr_transaction){
        .id = ID,
        .producer_id = 5,
        .previous_producer_id = -1,
        .next_producer_id = -1,
        .epoch = epoch,
        .last_epoch = -1,
        .timeout_ms = TIMEOUT,
        .state = state,
        .version = version,
        .start_ms = 1000,
        .members = open ? &member : NULL,
        .member_count = open ? 1 : 0,
    };
}

static bool answers(mr_transaction_outcome out, int16_t error) {
    return EXPECT_EQ(out.verdict, MR_TRANSACTION_ANSWER) && EXPECT_EQ(out.error, error);
}

static bool writes(mr_transaction_outcome out, mr_transaction_state state, int64_t producer_id,
                   int16_t epoch) {
    return EXPECT_EQ(out.verdict, MR_TRANSACTION_WRITE) && EXPECT_EQ(out.next.state, state) &&
           EXPECT_EQ(out.next.producer_id, producer_id) && EXPECT_EQ(out.next.epoch, epoch);
}

// ---- InitProducerId --------------------------------------------------------------------------

TEST(transaction, new_id_gets_a_fresh_producer) {
    mr_transaction_outcome out = begin(NULL, NO_ONE);
    EXPECT(writes(out, MR_TRANSACTION_EMPTY, FRESH, 0));
    EXPECT_EQ(out.next.last_epoch, -1);
    EXPECT_EQ(out.next.timeout_ms, TIMEOUT);
    EXPECT(mr_span_equal(out.next.id, ID));
    // Also when it still names what has long expired.
    EXPECT(writes(begin(NULL, WHO(5, 3)), MR_TRANSACTION_EMPTY, FRESH, 0));
}

TEST(transaction, new_instance_gets_the_next_epoch) {
    mr_transaction now = made(MR_TRANSACTION_COMPLETE_COMMIT, 3, 0);
    mr_transaction_outcome out = begin(&now, NO_ONE);
    EXPECT(writes(out, MR_TRANSACTION_EMPTY, 5, 4));
    // The one before cannot continue.
    EXPECT(answers(begin(&out.next, WHO(5, 3)), MR_KAFKA_PRODUCER_FENCED));
}

TEST(transaction, producer_raises_its_own_epoch) {
    mr_transaction now = made(MR_TRANSACTION_COMPLETE_ABORT, 3, 0);
    mr_transaction_outcome out = begin(&now, WHO(5, 3));
    REQUIRE(writes(out, MR_TRANSACTION_EMPTY, 5, 4));
    EXPECT_EQ(out.next.last_epoch, 3);
    // Its answer was lost: the same again.
    EXPECT(writes(begin(&out.next, WHO(5, 3)), MR_TRANSACTION_EMPTY, 5, 4));
    EXPECT(answers(begin(&out.next, WHO(5, 2)), MR_KAFKA_PRODUCER_FENCED));
    EXPECT(answers(begin(&out.next, WHO(5, 9)), MR_KAFKA_PRODUCER_FENCED));
    EXPECT(answers(begin(&out.next, WHO(6, 4)), MR_KAFKA_PRODUCER_FENCED));
}

TEST(transaction, without_epochs_left_the_producer_id_changes) {
    mr_transaction now = made(MR_TRANSACTION_EMPTY, MR_TRANSACTION_EPOCH_MAX, 0);
    mr_transaction_outcome out = begin(&now, NO_ONE);
    REQUIRE(writes(out, MR_TRANSACTION_EMPTY, FRESH, 0));
    EXPECT(answers(begin(&out.next, WHO(5, MR_TRANSACTION_EPOCH_MAX)), MR_KAFKA_PRODUCER_FENCED));

    out = begin(&now, WHO(5, MR_TRANSACTION_EPOCH_MAX));
    REQUIRE(writes(out, MR_TRANSACTION_EMPTY, FRESH, 0));
    // A retry by the old name.
    EXPECT(
        writes(begin(&out.next, WHO(5, MR_TRANSACTION_EPOCH_MAX)), MR_TRANSACTION_EMPTY, FRESH, 0));
    EXPECT(answers(begin(&out.next, WHO(5, 7)), MR_KAFKA_PRODUCER_FENCED));
}

TEST(transaction, new_instance_fences_an_open_transaction) {
    mr_transaction now = made(MR_TRANSACTION_ONGOING, 3, 2);
    mr_transaction_outcome out = begin(&now, NO_ONE);
    EXPECT_EQ(out.verdict, MR_TRANSACTION_FENCE);
    EXPECT_EQ(out.next.state, MR_TRANSACTION_PREPARE_ABORT);
    EXPECT_EQ(out.next.epoch, 4);
    EXPECT_EQ(out.next.member_count, 1);
    // Meanwhile everybody waits, and the fenced one is out.
    EXPECT_EQ(begin(&out.next, NO_ONE).verdict, MR_TRANSACTION_WAIT);
    EXPECT(answers(finish(&out.next, WHO(5, 3), 2, true), MR_KAFKA_PRODUCER_FENCED));
    EXPECT(answers(finish(&out.next, WHO(5, 3), 2, false), MR_KAFKA_PRODUCER_FENCED));
    mr_transaction over = mr_transaction_complete(&out.next, 3000);
    EXPECT_EQ(over.state, MR_TRANSACTION_COMPLETE_ABORT);
    EXPECT(answers(finish(&over, WHO(5, 3), 2, true), MR_KAFKA_PRODUCER_FENCED));
    EXPECT(writes(begin(&over, NO_ONE), MR_TRANSACTION_EMPTY, 5, 5));
}

TEST(transaction, zombie_does_not_end_the_transaction_of_the_living) {
    mr_transaction now = made(MR_TRANSACTION_ONGOING, 3, 0);
    EXPECT(answers(begin(&now, WHO(5, 1)), MR_KAFKA_PRODUCER_FENCED));
    EXPECT(answers(begin(&now, WHO(4, 3)), MR_KAFKA_PRODUCER_FENCED));
    // Its own producer may, and goes on under the epoch that fenced the rest.
    mr_transaction_outcome out = begin(&now, WHO(5, 3));
    REQUIRE(EXPECT_EQ(out.verdict, MR_TRANSACTION_FENCE));
    mr_transaction over = mr_transaction_complete(&out.next, 3000);
    EXPECT(writes(begin(&over, WHO(5, 3)), MR_TRANSACTION_EMPTY, 5, 4));
}

TEST(transaction, fencing_the_last_epoch_leaves_one_to_fence_with) {
    mr_transaction now = made(MR_TRANSACTION_ONGOING, MR_TRANSACTION_EPOCH_MAX, 0);
    mr_transaction_outcome out = begin(&now, NO_ONE);
    EXPECT_EQ(out.next.epoch, INT16_MAX);
    EXPECT_EQ(out.next.producer_id, 5);  // Its markers are the old producer's.
    mr_transaction over = mr_transaction_complete(&out.next, 3000);
    EXPECT_EQ(over.producer_id, FRESH);
    EXPECT_EQ(over.epoch, 0);
    EXPECT(answers(begin(&over, WHO(5, MR_TRANSACTION_EPOCH_MAX)), MR_KAFKA_PRODUCER_FENCED));
    EXPECT(writes(begin(&over, NO_ONE), MR_TRANSACTION_EMPTY, FRESH, 1));
}

// ---- joining ---------------------------------------------------------------------------------

TEST(transaction, partitions_join_once_and_in_order) {
    fixture f;
    fixture_init(&f);
    mr_transaction now = made(MR_TRANSACTION_EMPTY, 3, 0);
    mr_transaction_member members[] = {
        {MR_SPAN("b"), 1}, {MR_SPAN("a"), 2}, {MR_SPAN("b"), 0}, {MR_SPAN("a"), 2}};
    mr_transaction_add add = {WHO(5, 3), 0, members, 4, 1500};
    mr_transaction_outcome out = mr_transaction_join(&now, &add, &f.cx);
    EXPECT(writes(out, MR_TRANSACTION_ONGOING, 5, 3));
    EXPECT_EQ(out.next.start_ms, 1500);
    REQUIRE(EXPECT_EQ(out.next.member_count, 3));
    EXPECT(mr_span_is(out.next.members[0].topic, "a"));
    EXPECT_EQ(out.next.members[1].partition, 0);
    EXPECT_EQ(out.next.members[2].partition, 1);
    EXPECT(answers(mr_transaction_join(&out.next, &add, &f.cx), MR_KAFKA_NONE));
    add.now_ms = 1900;
    add.members = &(mr_transaction_member){MR_SPAN("a"), 0};
    add.member_count = 1;
    out = mr_transaction_join(&out.next, &add, &f.cx);
    EXPECT_EQ(out.next.member_count, 4);
    EXPECT_EQ(out.next.start_ms, 1500);  // Its time runs from the first.
    mr_arena_release(&f.arena);
}

TEST(transaction, only_its_producer_may_join_and_not_while_it_ends) {
    fixture f;
    fixture_init(&f);
    mr_transaction now = made(MR_TRANSACTION_ONGOING, 3, 0);
    EXPECT(answers(join(NULL, WHO(5, 3), 0, 1, &f.cx), MR_KAFKA_INVALID_PRODUCER_ID_MAPPING));
    EXPECT(answers(join(&now, WHO(6, 3), 0, 1, &f.cx), MR_KAFKA_INVALID_PRODUCER_ID_MAPPING));
    EXPECT(answers(join(&now, WHO(5, 2), 0, 1, &f.cx), MR_KAFKA_PRODUCER_FENCED));
    EXPECT(answers(join(&now, WHO(5, 4), 0, 1, &f.cx), MR_KAFKA_PRODUCER_FENCED));
    for (int16_t state = MR_TRANSACTION_PREPARE_COMMIT; state <= MR_TRANSACTION_PREPARE_ABORT;
         state++) {
        now = made((mr_transaction_state)state, 3, 0);
        EXPECT(answers(join(&now, WHO(5, 3), 0, 1, &f.cx), MR_KAFKA_CONCURRENT_TRANSACTIONS));
    }
    mr_arena_release(&f.arena);
}

TEST(transaction, a_write_must_belong_to_it) {
    mr_transaction now = made(MR_TRANSACTION_ONGOING, 3, 0);
    mr_transaction_member in = {MR_SPAN("orders"), 3}, out = {MR_SPAN("orders"), 4};
    int16_t missing = MR_KAFKA_TRANSACTION_ABORTABLE;
    EXPECT_EQ(mr_transaction_covers(&now, WHO(5, 3), &in, missing), MR_KAFKA_NONE);
    EXPECT_EQ(mr_transaction_covers(&now, WHO(5, 3), &out, missing), missing);
    EXPECT_EQ(mr_transaction_covers(&now, WHO(5, 2), &in, missing), MR_KAFKA_PRODUCER_FENCED);
    EXPECT_EQ(mr_transaction_covers(NULL, WHO(5, 3), &in, missing),
              MR_KAFKA_INVALID_PRODUCER_ID_MAPPING);
    now = made(MR_TRANSACTION_PREPARE_COMMIT, 3, 0);
    EXPECT_EQ(mr_transaction_covers(&now, WHO(5, 3), &in, missing),
              MR_KAFKA_CONCURRENT_TRANSACTIONS);
    now = made(MR_TRANSACTION_COMPLETE_COMMIT, 3, 0);
    EXPECT_EQ(mr_transaction_covers(&now, WHO(5, 3), &in, missing), missing);
}

// ---- ending ----------------------------------------------------------------------------------

TEST(transaction, version_0_keeps_its_epoch) {
    mr_transaction now = made(MR_TRANSACTION_ONGOING, 3, 0);
    mr_transaction_outcome out = finish(&now, WHO(5, 3), 0, true);
    REQUIRE(writes(out, MR_TRANSACTION_PREPARE_COMMIT, 5, 3));
    EXPECT_EQ(finish(&out.next, WHO(5, 3), 0, true).verdict, MR_TRANSACTION_WAIT);
    EXPECT(answers(finish(&out.next, WHO(5, 3), 0, false), MR_KAFKA_INVALID_TXN_STATE));
    mr_transaction over = mr_transaction_complete(&out.next, 3000);
    EXPECT_EQ(over.state, MR_TRANSACTION_COMPLETE_COMMIT);
    EXPECT_EQ(over.member_count, 0);
    EXPECT(answers(finish(&over, WHO(5, 3), 0, true), MR_KAFKA_NONE));
    EXPECT(answers(finish(&over, WHO(5, 3), 0, false), MR_KAFKA_INVALID_TXN_STATE));
    EXPECT(answers(finish(&over, WHO(5, 2), 0, true), MR_KAFKA_PRODUCER_FENCED));
    EXPECT(answers(finish(&over, WHO(6, 3), 0, true), MR_KAFKA_INVALID_PRODUCER_ID_MAPPING));
    EXPECT(answers(finish(NULL, WHO(5, 3), 0, true), MR_KAFKA_INVALID_PRODUCER_ID_MAPPING));
    now = made(MR_TRANSACTION_EMPTY, 3, 0);
    EXPECT(answers(finish(&now, WHO(5, 3), 0, true), MR_KAFKA_INVALID_TXN_STATE));
    EXPECT(answers(finish(&now, WHO(5, 3), 0, false), MR_KAFKA_INVALID_TXN_STATE));
}

TEST(transaction, version_2_gets_a_new_epoch_with_each_end) {
    fixture f;
    fixture_init(&f);
    mr_transaction now = made(MR_TRANSACTION_ONGOING, 3, 2);
    mr_transaction_outcome out = finish(&now, WHO(5, 3), 2, true);
    REQUIRE(writes(out, MR_TRANSACTION_PREPARE_COMMIT, 5, 4));
    EXPECT_EQ(finish(&out.next, WHO(5, 3), 2, true).verdict, MR_TRANSACTION_WAIT);
    EXPECT(answers(finish(&out.next, WHO(5, 4), 2, true), MR_KAFKA_PRODUCER_FENCED));
    mr_transaction over = mr_transaction_complete(&out.next, 3000);
    EXPECT_EQ(over.epoch, 4);
    // The retry by the old epoch, and nonsense.
    EXPECT(answers(finish(&over, WHO(5, 3), 2, true), MR_KAFKA_NONE));
    EXPECT(answers(finish(&over, WHO(5, 3), 2, false), MR_KAFKA_INVALID_TXN_STATE));
    EXPECT(answers(finish(&over, WHO(5, 2), 2, true), MR_KAFKA_PRODUCER_FENCED));
    EXPECT(answers(finish(&over, WHO(5, 4), 2, true), MR_KAFKA_INVALID_TXN_STATE));
    // With the new epoch an abort is another end, not a retry.
    EXPECT(writes(finish(&over, WHO(5, 4), 2, false), MR_TRANSACTION_PREPARE_ABORT, 5, 5));
    // A delayed write of the first transaction does not reach the second.
    out = join(&over, WHO(5, 4), 2, 1, &f.cx);
    REQUIRE(writes(out, MR_TRANSACTION_ONGOING, 5, 4));
    EXPECT(answers(join(&out.next, WHO(5, 3), 2, 1, &f.cx), MR_KAFKA_PRODUCER_FENCED));
    // Nor does a delayed end.
    EXPECT(answers(finish(&out.next, WHO(5, 3), 2, true), MR_KAFKA_PRODUCER_FENCED));
    EXPECT(answers(finish(&out.next, WHO(5, 3), 2, false), MR_KAFKA_PRODUCER_FENCED));
    mr_arena_release(&f.arena);
}

TEST(transaction, version_2_may_abort_before_it_wrote) {
    mr_transaction now = made(MR_TRANSACTION_EMPTY, 3, 0);
    mr_transaction_outcome out = finish(&now, WHO(5, 3), 2, false);
    REQUIRE(writes(out, MR_TRANSACTION_PREPARE_ABORT, 5, 4));
    EXPECT_EQ(out.next.member_count, 0);
    EXPECT(answers(finish(&now, WHO(5, 3), 2, true), MR_KAFKA_INVALID_TXN_STATE));
}

TEST(transaction, version_2_changes_its_producer_id_when_epochs_end) {
    mr_transaction now = made(MR_TRANSACTION_ONGOING, MR_TRANSACTION_EPOCH_MAX, 2);
    mr_transaction_outcome out = finish(&now, WHO(5, MR_TRANSACTION_EPOCH_MAX), 2, true);
    REQUIRE(writes(out, MR_TRANSACTION_PREPARE_COMMIT, 5, INT16_MAX));
    EXPECT_EQ(out.next.next_producer_id, FRESH);
    EXPECT_EQ(finish(&out.next, WHO(5, MR_TRANSACTION_EPOCH_MAX), 2, true).verdict,
              MR_TRANSACTION_WAIT);
    mr_transaction over = mr_transaction_complete(&out.next, 3000);
    EXPECT_EQ(over.producer_id, FRESH);
    EXPECT_EQ(over.epoch, 0);
    EXPECT_EQ(over.next_producer_id, -1);
    EXPECT(answers(finish(&over, WHO(5, MR_TRANSACTION_EPOCH_MAX), 2, true), MR_KAFKA_NONE));
    EXPECT(answers(finish(&over, WHO(5, MR_TRANSACTION_EPOCH_MAX), 2, false),
                   MR_KAFKA_INVALID_TXN_STATE));
    EXPECT(answers(finish(&over, WHO(5, 9), 2, true), MR_KAFKA_INVALID_PRODUCER_ID_MAPPING));
}

TEST(transaction, timeout_fences_and_lets_version_2_find_out) {
    mr_transaction now = made(MR_TRANSACTION_ONGOING, 3, 2);
    EXPECT(!mr_transaction_is_late(&now, 1000 + TIMEOUT));
    EXPECT(mr_transaction_is_late(&now, 1001 + TIMEOUT));
    mr_transaction fenced = mr_transaction_fence(&now, FRESH, 70000);
    EXPECT_EQ(fenced.state, MR_TRANSACTION_PREPARE_ABORT);
    EXPECT_EQ(fenced.epoch, 4);
    mr_transaction over = mr_transaction_complete(&fenced, 70001);
    EXPECT(answers(finish(&over, WHO(5, 3), 2, true), MR_KAFKA_INVALID_TXN_STATE));
    EXPECT(answers(finish(&over, WHO(5, 3), 2, false), MR_KAFKA_NONE));

    now = made(MR_TRANSACTION_ONGOING, 3, 0);
    fenced = mr_transaction_fence(&now, FRESH, 70000);
    over = mr_transaction_complete(&fenced, 70001);
    EXPECT(answers(finish(&over, WHO(5, 3), 0, true), MR_KAFKA_PRODUCER_FENCED));
    now = made(MR_TRANSACTION_COMPLETE_COMMIT, 3, 0);
    EXPECT(!mr_transaction_is_late(&now, INT64_MAX));
}

TEST(transaction, names_of_states_are_kafkas) {
    mr_transaction_state state;
    for (int i = 0; i <= MR_TRANSACTION_COMPLETE_ABORT; i++) {
        const char *name = mr_transaction_state_name((mr_transaction_state)i);
        EXPECT(mr_transaction_state_of(mr_span_of(name), &state));
        EXPECT_EQ(state, i);
    }
    EXPECT_STR(mr_transaction_state_name(MR_TRANSACTION_PREPARE_COMMIT), "PrepareCommit");
    EXPECT(!mr_transaction_state_of(MR_SPAN("Dead"), &state));
}

// ---- histories -------------------------------------------------------------------------------

// A history is random producers at one id; a coordinator that dies at any moment is no other than
// one that does not, since each state is written before it holds. What must hold in every step:
// whom a newer instance replaced is never again answered with success; a transaction has one end;
// what it was told to its producer is that end; and (producer id, epoch) only ever grows.

typedef struct history_producer {
    mr_transaction_producer name;
    uint64_t generation;   // Of its instance; the highest is the living one.
    uint64_t transaction;  // The one that it believes to write to; 0 = none.
} history_producer;

typedef struct history {
    uint64_t random;
    int64_t fresh;
    mr_transaction now;
    bool exists;
    uint64_t generation;   // Of the newest instance that was let in.
    uint64_t transaction;  // Number of the open (or ending, or last) transaction.
    bool committed[4096];  // By number: how it ended.
    bool ended[4096];
    history_producer producers[4];
} history;

static uint32_t draw(history *h, uint32_t below) {
    h->random = h->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(h->random >> 33) % below;
}

static void take(history *h, const mr_transaction *next) {
    const mr_transaction *now = &h->now;
    if (h->exists) {
        EXPECT(next->producer_id > now->producer_id ||
               (next->producer_id == now->producer_id && next->epoch >= now->epoch));
        if (now->state == MR_TRANSACTION_ONGOING) {
            EXPECT(next->state == MR_TRANSACTION_ONGOING || mr_transaction_is_ending(next));
        }
        if (mr_transaction_is_ending(now)) {
            EXPECT_EQ(next->state, now->state + 2);
        }
    }
    EXPECT(next->epoch <= MR_TRANSACTION_EPOCH_MAX || mr_transaction_is_ending(next));
    if (next->state == MR_TRANSACTION_ONGOING &&
        (!h->exists || now->state != MR_TRANSACTION_ONGOING)) {
        h->transaction++;
    }
    if (mr_transaction_is_ending(next) && now->state == MR_TRANSACTION_ONGOING) {
        EXPECT(!h->ended[h->transaction]);
        h->ended[h->transaction] = true;
        h->committed[h->transaction] = next->state == MR_TRANSACTION_PREPARE_COMMIT;
    }
    h->now = *next;
    h->exists = true;
}

static void history_begin(history *h, history_producer *p, bool fresh_instance) {
    mr_transaction_init init = {fresh_instance ? NO_ONE : p->name, TIMEOUT, h->fresh++, 1000};
    mr_transaction_outcome out = mr_transaction_begin(h->exists ? &h->now : NULL, ID, &init);
    bool answered = draw(h, 4) != 0;
    if (out.verdict == MR_TRANSACTION_FENCE) {
        EXPECT(fresh_instance || p->generation == h->generation);
        take(h, &out.next);
        return;  // It will ask again, or not.
    }
    if (out.verdict != MR_TRANSACTION_WRITE) {
        return;
    }
    EXPECT(fresh_instance || p->generation == h->generation);
    take(h, &out.next);
    if (fresh_instance) {
        p->generation = ++h->generation;
        p->name = WHO(-2, -2);  // Until it is told.
    }
    p->transaction = 0;
    if (answered) {
        p->name = WHO(out.next.producer_id, out.next.epoch);
    }
}

static void history_join(history *h, history_producer *p, mr_cx *cx) {
    mr_transaction_outcome out =
        join(h->exists ? &h->now : NULL, p->name, 2, (int32_t)draw(h, 3), cx);
    if (out.verdict == MR_TRANSACTION_WRITE) {
        take(h, &out.next);
    } else if (out.error != MR_KAFKA_NONE) {
        return;
    }
    EXPECT_EQ(p->generation, h->generation);
    // What it writes to is the transaction that it has begun, or a new one.
    EXPECT(p->transaction == 0 || p->transaction == h->transaction);
    p->transaction = h->transaction;
}

static void history_finish(history *h, history_producer *p) {
    bool commit = p->transaction != 0 && draw(h, 2) == 0;
    mr_transaction_end end = {p->name, 2, commit, h->fresh++, 2000};
    mr_transaction_outcome out = mr_transaction_finish(h->exists ? &h->now : NULL, &end);
    if (out.verdict == MR_TRANSACTION_WRITE) {
        EXPECT_EQ(p->generation, h->generation);
        EXPECT(p->transaction == 0 || p->transaction == h->transaction);
        take(h, &out.next);
    } else if (out.verdict == MR_TRANSACTION_ANSWER && out.error == MR_KAFKA_NONE) {
        EXPECT_EQ(p->generation, h->generation);
        if (p->transaction != 0) {
            EXPECT(h->ended[p->transaction]);
            EXPECT_EQ(h->committed[p->transaction], commit);
        }
        if (draw(h, 4) != 0) {  // Else the answer is lost too, and it will ask once more.
            p->name = WHO(h->now.producer_id, h->now.epoch);
            p->transaction = 0;
        }
    }
}

static void history_step(history *h, mr_cx *cx) {
    history_producer *p = &h->producers[draw(h, 4)];
    switch (draw(h, 12)) {
    case 0: history_begin(h, p, true); break;
    case 1: history_begin(h, p, false); break;
    case 2:
    case 3:
    case 4:
    case 5: history_join(h, p, cx); break;
    case 6:
    case 7:
    case 8: history_finish(h, p); break;
    case 9:
        if (h->exists && h->now.state == MR_TRANSACTION_ONGOING && draw(h, 4) == 0) {
            mr_transaction late = mr_transaction_fence(&h->now, h->fresh++, 3000);
            take(h, &late);
        }
        break;
    default:
        if (h->exists && mr_transaction_is_ending(&h->now)) {
            mr_transaction over = mr_transaction_complete(&h->now, 3000);
            take(h, &over);
        }
        break;
    }
}

TEST(transaction, histories_of_lost_and_delayed_requests_keep_the_rules) {
    uint64_t transactions = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        fixture f;
        fixture_init(&f);
        history *h = MR_NEW(&f.arena, history);
        h->random = seed * 0x9E3779B97F4A7C15u;
        h->fresh = FRESH;
        for (int i = 0; i < 4; i++) {
            h->producers[i].name = WHO(-2, -2);
        }
        for (int step = 0; step < 2000; step++) {
            if (step == 1000 && !mr_transaction_is_ending(&h->now) && h->exists) {
                h->now.epoch = MR_TRANSACTION_EPOCH_MAX - 3;  // Soon there is none left.
                h->now.last_epoch = -1;
            }
            history_step(h, &f.cx);
        }
        transactions += h->transaction;
        mr_arena_release(&f.arena);
    }
    EXPECT(transactions > 10000);  // Else it went nowhere.
}
