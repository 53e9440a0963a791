// Records of __transaction_state, and producer ids over restarts and power cuts.

#include "broker/producer_ids.h"
#include "broker/transactions_state.h"
#include "plat/sim.h"
#include "runner.h"

#include <string.h>

static mr_code read_back(mr_span batches, mr_span *ret_id, mr_transaction *ret, bool *ret_gone,
                         mr_cx *cx) {
    mr_record_batch batch;
    bool found;
    MR_TRY(mr_record_batch_next(&batches, &batch, &found, cx));
    MR_TRY(mr_record_batch_verify(&batch, cx));
    EXPECT(found && batch.record_count == 1 && batch.producer_id == -1);
    mr_record_reader reader;
    mr_record record;
    MR_TRY(mr_record_open(&reader, &batch, batch.payload, cx));
    EXPECT(mr_record_next(&reader, &record));
    return mr_transactions_record_read(&record, ret_id, ret, ret_gone, cx);
}

TEST(transactions_record, keeps_what_the_next_start_needs) {
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_transaction_member members[] = {{MR_SPAN("a"), 0}, {MR_SPAN("a"), 7}, {MR_SPAN("b"), 2}};
    mr_transaction now = {.id = MR_SPAN("payments"),
                          .producer_id = 1ll << 40,
                          .previous_producer_id = 17,
                          .next_producer_id = 99,
                          .epoch = 12,
                          .timeout_ms = 60000,
                          .state = MR_TRANSACTION_PREPARE_COMMIT,
                          .version = 2,
                          .start_ms = 5,
                          .update_ms = 6,
                          .members = members,
                          .member_count = 3};
    mr_text batch;
    mr_text_init(&batch, &arena);
    REQUIRE_OK(mr_transactions_record_add(now.id, &now, 1000, &batch, &cx));
    mr_span id;
    mr_transaction back;
    bool gone;
    REQUIRE_OK(read_back(mr_text_span(&batch), &id, &back, &gone, &cx));
    EXPECT(!gone && mr_span_equal(id, now.id) && mr_span_equal(back.id, now.id));
    EXPECT_EQ(back.producer_id, now.producer_id);
    EXPECT_EQ(back.previous_producer_id, 17);
    EXPECT_EQ(back.next_producer_id, 99);
    EXPECT_EQ(back.epoch, 12);
    EXPECT_EQ(back.last_epoch, 11);  // Version 2: the epoch before the end is a retry's.
    EXPECT_EQ(back.timeout_ms, 60000);
    EXPECT_EQ(back.state, MR_TRANSACTION_PREPARE_COMMIT);
    EXPECT_EQ(back.version, 2);
    EXPECT_EQ(back.start_ms, 5);
    EXPECT_EQ(back.update_ms, 6);
    REQUIRE(EXPECT_EQ(back.member_count, 3));
    for (int i = 0; i < 3; i++) {
        EXPECT(mr_transaction_has(&back, &members[i]));
    }
    mr_text_clear(&batch);
    REQUIRE_OK(mr_transactions_record_add(now.id, NULL, 1000, &batch, &cx));
    REQUIRE_OK(read_back(mr_text_span(&batch), &id, &back, &gone, &cx));
    EXPECT(gone && mr_span_equal(id, now.id));
    mr_arena_release(&arena);
}

TEST(transactions_record, refuses_damage_and_skips_what_it_does_not_know) {
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_span id;
    mr_transaction back;
    bool gone;
    mr_record other = {.key = MR_SPAN("\0\3abc"), .value = MR_SPAN("x")};
    EXPECT_OK(mr_transactions_record_read(&other, &id, &back, &gone, &cx));
    EXPECT_EQ(id.bytes, 0);
    mr_record cut = {.key = MR_SPAN("\0\0\0\2id"), .value = MR_SPAN("\0\1\0\0")};
    EXPECT_EQ(mr_transactions_record_read(&cut, &id, &back, &gone, &cx), MR_E_CORRUPT);
    cut.key = MR_SPAN("\0\0\0\7id");
    EXPECT_EQ(mr_transactions_record_read(&cut, &id, &back, &gone, &cx), MR_E_CORRUPT);
    mr_arena_release(&arena);
}

// ---- producer ids ----------------------------------------------------------------------------

TEST(producer_ids, are_never_given_twice) {
    for (uint64_t seed = 1; seed <= 40; seed++) {
        mr_arena arena = {.head = NULL};
        mr_cx cx;
        mr_plat *plat = mr_sim_new(seed);
        mr_cx_init(&cx, &arena, plat);
        REQUIRE_OK(mr_dir_make("d", &cx));
        int64_t highest = -1;
        for (int life = 0; life < 6; life++) {
            mr_producer_ids ids;
            mr_code code = mr_producer_ids_open(&ids, "d", &arena, &cx);
            if (code == MR_OK) {
                if (life % 2 == 0) {
                    mr_sim_power_cut_at(plat, mr_sim_operations(plat) + 1 + seed % 8);
                }
                for (int i = 0; i < 25000; i++) {
                    int64_t id;
                    if (i % 1000 == 0 && mr_producer_ids_renew(&ids, &cx) != MR_OK) {
                        break;
                    }
                    if (mr_producer_ids_take(&ids, &id, &cx) != MR_OK) {
                        break;
                    }
                    if (!EXPECT(id > highest)) {
                        break;
                    }
                    highest = id;
                }
                mr_producer_ids_close(&ids);
            }
            mr_sim_restart(plat);
        }
        EXPECT(highest > 25000);
        mr_sim_free(plat);
        mr_arena_release(&arena);
    }
}

TEST(producer_ids, go_on_behind_what_was_seen) {
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_plat *plat = mr_sim_new(1);
    mr_cx_init(&cx, &arena, plat);
    REQUIRE_OK(mr_dir_make("d", &cx));
    mr_producer_ids ids;
    REQUIRE_OK(mr_producer_ids_open(&ids, "d", &arena, &cx));
    int64_t id = -1;
    EXPECT_OK(mr_producer_ids_take(&ids, &id, &cx));
    EXPECT_EQ(id, 0);
    EXPECT_OK(mr_producer_ids_skip(&ids, 5, &cx));
    EXPECT_OK(mr_producer_ids_take(&ids, &id, &cx));
    EXPECT_EQ(id, 6);
    EXPECT_OK(mr_producer_ids_skip(&ids, 3, &cx));
    EXPECT_OK(mr_producer_ids_skip(&ids, 123456, &cx));
    EXPECT_OK(mr_producer_ids_take(&ids, &id, &cx));
    EXPECT_EQ(id, 123457);
    mr_producer_ids_close(&ids);
    mr_sim_put(plat, "d/producer-ids", MR_SPAN("many"));
    EXPECT_EQ(mr_producer_ids_open(&ids, "d", &arena, &cx), MR_E_CORRUPT);
    mr_sim_free(plat);
    mr_arena_release(&arena);
}
