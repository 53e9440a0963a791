// Producers of a log: duplicates, gaps, epochs, transactions, and that a start keeps them.

#include "log/producers.h"

#include "unit/log/scene.h"

#define START                      \
    scene s;                       \
    mr_plat *plat = mr_sim_new(1); \
    scene_init(&s, plat);          \
    REQUIRE_OK(scene_open(&s))

static void finish(scene *s) {
    mr_plat *plat = s->cx.plat;
    scene_end(s);
    mr_sim_free(plat);
}

static mr_code again(scene *s, bool clean) {
    s->options.clean = clean;
    if (clean) {
        mr_code code = mr_log_close(s->log, &s->cx);
        s->log = NULL;
        MR_TRY(code);
    }
    scene_drop(s);
    return scene_open(s);
}

static mr_log_appended put(scene *s, int16_t epoch, int32_t sequence, uint32_t records) {
    return scene_append(
        s,
        &(batch_spec){.producer_id = 5, .epoch = epoch, .sequence = sequence, .records = records});
}

static mr_log_appended put_in(scene *s, int64_t id, int16_t epoch, int32_t sequence) {
    return scene_append(
        s, &(batch_spec){
               .producer_id = id, .epoch = epoch, .sequence = sequence, .transactional = true});
}

TEST(log_producers, duplicates_gaps_and_epochs) {
    START;
    for (int32_t i = 0; i < 7; i++) {
        EXPECT_EQ(put(&s, 0, i * 3, 3).base_offset, i * 3);
    }
    for (int32_t i = 2; i < 7; i++) {  // The last five are known.
        mr_log_appended a = put(&s, 0, i * 3, 3);
        EXPECT(a.error == MR_KAFKA_NONE && a.duplicate);
        EXPECT_EQ(a.base_offset, i * 3);
        EXPECT_EQ(a.last_offset, i * 3 + 2);
    }
    EXPECT_EQ(put(&s, 0, 3, 3).error, MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
    EXPECT_EQ(put(&s, 0, 22, 1).error, MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
    EXPECT_EQ(put(&s, 0, 18, 2).error, MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
    EXPECT_EQ(mr_log_marks_of(s.log).next, 21);
    EXPECT_EQ(put(&s, 1, 1, 1).error, MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
    EXPECT_EQ(put(&s, 1, 0, 1).base_offset, 21);
    EXPECT_EQ(put(&s, 0, 21, 1).error, MR_KAFKA_INVALID_PRODUCER_EPOCH);
    mr_log_appended a = put(&s, 1, 0, 1);
    EXPECT(a.duplicate);
    EXPECT_EQ(a.base_offset, 21);
    finish(&s);
}

TEST(log_producers, sequences_wrap) {
    START;
    EXPECT_EQ(put(&s, 0, INT32_MAX - 1, 4).base_offset, 0);  // Unknown: any sequence.
    EXPECT_EQ(put(&s, 0, 2, 1).base_offset, 4);
    EXPECT_EQ(put(&s, 0, 3, 1).base_offset, 5);
    mr_log_appended a = put(&s, 0, INT32_MAX - 1, 4);
    EXPECT(a.duplicate);
    EXPECT_EQ(a.base_offset, 0);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.producer_id = 6, .sequence = INT32_MAX}).error, 0);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.producer_id = 6, .sequence = 0}).error, 0);
    finish(&s);
}

TEST(log_producers, version_2_begins_at_0) {
    START;
    batch_spec spec = {.producer_id = 5, .sequence = 3, .transactional = true};
    EXPECT_EQ(scene_append_as(&s, MR_LOG_CLIENT_2, &spec).error,
              MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
    spec.sequence = 0;
    EXPECT_EQ(scene_append_as(&s, MR_LOG_CLIENT_2, &spec).error, MR_KAFKA_NONE);
    mr_log_appended a;
    mr_log_end end = {.producer_id = 5, .producer_epoch = 0, .version = 2, .commit = true};
    EXPECT_OK(mr_log_end_transaction(s.log, &end, &a, &s.cx));
    EXPECT_EQ(a.error, MR_KAFKA_INVALID_PRODUCER_EPOCH);
    end.producer_epoch = 1;
    EXPECT_OK(mr_log_end_transaction(s.log, &end, &a, &s.cx));
    EXPECT_EQ(a.error, MR_KAFKA_NONE);
    EXPECT_OK(mr_log_end_transaction(s.log, &end, &a, &s.cx));  // Once more.
    EXPECT_EQ(a.error, MR_KAFKA_NONE);
    // What the last transaction sent late does not get in any more.
    spec.sequence = 1;
    EXPECT_EQ(scene_append_as(&s, MR_LOG_CLIENT_2, &spec).error, MR_KAFKA_INVALID_PRODUCER_EPOCH);
    spec.epoch = 1;
    EXPECT_EQ(scene_append_as(&s, MR_LOG_CLIENT_2, &spec).error,
              MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
    spec.sequence = 0;
    EXPECT_EQ(scene_append_as(&s, MR_LOG_CLIENT_2, &spec).error, MR_KAFKA_NONE);
    finish(&s);
}

TEST(log_producers, transactions_hold_stable_back_until_their_end_is_durable) {
    START;
    EXPECT_EQ(put(&s, 0, 0, 1).base_offset, 0);
    EXPECT_EQ(put_in(&s, 10, 0, 0).base_offset, 1);
    EXPECT_EQ(put_in(&s, 11, 0, 0).base_offset, 2);
    EXPECT_OK(scene_sync(&s));
    EXPECT_EQ(mr_log_marks_of(s.log).high, 3);
    EXPECT_EQ(mr_log_marks_of(s.log).stable, 1);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.producer_id = 10, .sequence = 1}).error,
              MR_KAFKA_INVALID_TXN_STATE);
    EXPECT_EQ(scene_finish(&s, 10, 0, true).base_offset, 3);
    EXPECT_EQ(mr_log_marks_of(s.log).stable, 1);
    EXPECT_OK(scene_sync(&s));
    EXPECT_EQ(mr_log_marks_of(s.log).stable, 2);
    EXPECT_EQ(put_in(&s, 10, 0, 1).base_offset, 4);
    EXPECT_EQ(scene_finish(&s, 11, 0, false).base_offset, 5);
    EXPECT_OK(scene_sync(&s));
    EXPECT_EQ(mr_log_marks_of(s.log).stable, 4);
    EXPECT_EQ(scene_finish(&s, 10, 0, false).base_offset, 6);
    EXPECT_OK(scene_sync(&s));
    for (int round = 0; round < 3; round++) {
        EXPECT_EQ(mr_log_marks_of(s.log).stable, 7);
        mr_log_aborted *list;
        uint32_t count;
        EXPECT_OK(mr_log_aborted_in(s.log, 0, 7, &list, &count, &s.cx));
        REQUIRE(EXPECT_EQ(count, 2));
        EXPECT(list[0].producer_id == 11 && list[0].first_offset == 2 && list[0].last_offset == 5);
        EXPECT(list[1].producer_id == 10 && list[1].first_offset == 4 && list[1].last_offset == 6);
        EXPECT_OK(mr_log_aborted_in(s.log, 0, 4, &list, &count, &s.cx));
        EXPECT_EQ(count, 1);
        EXPECT_OK(mr_log_aborted_in(s.log, 6, 7, &list, &count, &s.cx));
        EXPECT_EQ(count, 1);
        EXPECT_OK(mr_log_aborted_in(s.log, 0, 2, &list, &count, &s.cx));
        EXPECT_EQ(count, 0);
        REQUIRE_OK(again(&s, round == 0));
    }
    finish(&s);
}

TEST(log_producers, what_comes_again_behind_its_transactions_end_is_no_repetition) {
    START;
    mr_log_appended a;
    mr_log_end end = {.producer_id = 5, .commit = false};
    for (int start = 0; start < 3; start++) {
        int32_t sequence = start * 2;
        EXPECT_EQ(put_in(&s, 5, 0, sequence).error, MR_KAFKA_NONE);
        EXPECT_EQ(put_in(&s, 5, 0, sequence + 1).error, MR_KAFKA_NONE);
        EXPECT(put_in(&s, 5, 0, sequence).duplicate);
        REQUIRE_OK(mr_log_end_transaction(s.log, &end, &a, &s.cx));
        if (start > 0) {
            REQUIRE_OK(again(&s, /* clean= */ start == 1));  // A snapshot says so too.
        }
        a = put_in(&s, 5, 0, sequence + 1);
        EXPECT(!a.duplicate);
        EXPECT_EQ(a.error, MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
        EXPECT_EQ(put_in(&s, 5, 0, sequence).error, MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
    }
    EXPECT_EQ(put_in(&s, 5, 0, 6).error, MR_KAFKA_NONE);  // The next one goes on.
    finish(&s);
}

// As the coordinator writes offsets.
TEST(log_producers, batches_without_sequence_open_a_transaction) {
    for (int way = 0; way < 3; way++) {
        START;
        batch_spec spec = {.producer_id = 5, .epoch = 2, .sequence = -1, .transactional = true};
        for (int64_t i = 0; i < 2; i++) {  // The same twice is no repetition.
            mr_log_appended a = scene_append_as(&s, MR_LOG_COORDINATOR, &spec);
            EXPECT(a.error == MR_KAFKA_NONE && !a.duplicate);
            EXPECT_EQ(a.base_offset, i);
        }
        EXPECT_OK(scene_sync(&s));
        if (way > 0) {
            REQUIRE_OK(again(&s, /* clean= */ way == 1));
        }
        mr_log_producer *list;
        uint32_t count;
        mr_log_producers(s.log, &list, &count, &s.cx);
        REQUIRE(EXPECT_EQ(count, 1));
        EXPECT(list[0].producer_id == 5 && list[0].epoch == 2 && list[0].last_sequence == -1);
        EXPECT_EQ(list[0].transaction_start, 0);
        EXPECT_EQ(mr_log_marks_of(s.log).stable, 0);
        EXPECT_EQ(scene_finish(&s, 5, 2, /* commit= */ false).base_offset, 2);
        EXPECT_OK(scene_sync(&s));
        EXPECT_EQ(mr_log_marks_of(s.log).stable, 3);
        mr_log_aborted *aborted;
        EXPECT_OK(mr_log_aborted_in(s.log, 0, 3, &aborted, &count, &s.cx));
        REQUIRE(EXPECT_EQ(count, 1));
        EXPECT(aborted[0].first_offset == 0 && aborted[0].last_offset == 2);
        finish(&s);
    }
}

TEST(log_producers, a_start_keeps_them) {
    for (int way = 0; way < 3; way++) {  // Clean, killed, and killed with a snapshot to go on from.
        START;
        if (way == 2) {
            s.options.config.segment_bytes = 500;
            mr_log_configure(s.log, &s.options.config);
        }
        for (int32_t i = 0; i < 12; i++) {
            EXPECT_EQ(put(&s, 3, i, 1).error, 0);
        }
        EXPECT_EQ(put_in(&s, 8, 1, 0).base_offset, 12);
        EXPECT_EQ(put_in(&s, 9, 1, 0).base_offset, 13);
        EXPECT_EQ(scene_finish(&s, 9, 1, true).base_offset, 14);
        EXPECT_OK(scene_sync(&s));
        REQUIRE_OK(again(&s, way == 0));
        mr_log_producer *list;
        uint32_t count;
        mr_log_producers(s.log, &list, &count, &s.cx);
        REQUIRE(EXPECT_EQ(count, 3));
        EXPECT(list[0].producer_id == 5 && list[0].epoch == 3 && list[0].last_sequence == 11);
        EXPECT(list[1].producer_id == 8 && list[1].transaction_start == 12);
        EXPECT(list[2].producer_id == 9 && list[2].transaction_start == -1);
        EXPECT_EQ(list[2].coordinator_epoch, 0);
        EXPECT_EQ(mr_log_marks_of(s.log).stable, 12);
        mr_log_appended a = put(&s, 3, 11, 1);
        EXPECT(a.duplicate);
        EXPECT_EQ(a.base_offset, 11);
        EXPECT_EQ(put(&s, 3, 13, 1).error, MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
        EXPECT_EQ(put(&s, 3, 12, 1).base_offset, 15);
        EXPECT_EQ(scene_finish(&s, 8, 1, false).base_offset, 16);
        EXPECT_OK(scene_sync(&s));
        EXPECT_EQ(mr_log_marks_of(s.log).stable, 17);
        int64_t later = mr_clock_real_us(plat) / 1000 + s.options.config.producer_id_expiration_ms;
        EXPECT_OK(mr_log_tend(s.log, later, &s.cx));
        mr_log_producers(s.log, &list, &count, &s.cx);
        EXPECT_EQ(count, 3);
        EXPECT_EQ(put_in(&s, 9, 1, 1).error, MR_KAFKA_NONE);
        EXPECT_OK(mr_log_tend(s.log, later + 1, &s.cx));
        mr_log_producers(s.log, &list, &count, &s.cx);
        EXPECT_EQ(count, 1);  // That with a transaction.
        finish(&s);
    }
}

TEST(log_producers, snapshots_round_trip_and_damage_is_found) {
    START;
    for (int64_t id = 1; id < 40; id++) {
        EXPECT_EQ(put_in(&s, id * 1000003, (int16_t)(id % 5), 0).error, 0);
        if (id % 3 == 0) {
            EXPECT_EQ(scene_finish(&s, id * 1000003, (int16_t)(id % 5), id % 2 == 0).error, 0);
        }
    }
    mr_log_producer *before, *after;
    uint32_t count, count_after;
    mr_log_producers(s.log, &before, &count, &s.cx);
    REQUIRE_OK(again(&s, true));
    mr_log_producers(s.log, &after, &count_after, &s.cx);
    REQUIRE(EXPECT_EQ(count, 39) && EXPECT_EQ(count_after, 39));
    for (uint32_t i = 0; i < count; i++) {
        EXPECT_EQ(before[i].producer_id, after[i].producer_id);
        EXPECT_EQ(before[i].epoch, after[i].epoch);
        EXPECT_EQ(before[i].last_timestamp_ms, after[i].last_timestamp_ms);
        EXPECT_EQ(before[i].coordinator_epoch, after[i].coordinator_epoch);
        EXPECT_EQ(before[i].transaction_start, after[i].transaction_start);
        EXPECT_EQ(before[i].last_sequence, after[i].last_sequence);
    }
    mr_dir_entry *entries;
    size_t entry_count;
    EXPECT_OK(mr_dir_list("logs/t-0", &entries, &entry_count, &s.cx));
    mr_producers *producers = mr_producers_new();
    int seen = 0;
    for (size_t e = 0; e < entry_count; e++) {
        if (!mr_span_ends(mr_span_of(entries[e].name), ".snapshot")) {
            continue;
        }
        seen++;
        mr_span data;
        EXPECT(mr_sim_get(plat, mr_arena_printf(&s.arena, "logs/t-0/%s", entries[e].name), &data));
        EXPECT_OK(mr_producers_load(producers, data, &s.cx));
        EXPECT_EQ(mr_producers_count(producers), 39);
        for (size_t at = 0; at < data.bytes; at++) {
            char *copy = mr_arena_copy(&s.arena, data.data, data.bytes);
            copy[at] ^= 4;
            EXPECT_EQ(mr_producers_load(producers, (mr_span){copy, data.bytes}, &s.cx),
                      MR_E_CORRUPT);
            EXPECT_EQ(mr_producers_load(producers, (mr_span){data.data, at}, &s.cx), MR_E_CORRUPT);
        }
        EXPECT_EQ(mr_producers_count(producers), 0);
    }
    EXPECT_EQ(seen, 1);
    mr_producers_free(producers);
    finish(&s);
}
