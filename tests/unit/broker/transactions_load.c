// The start of the transactions: what the log of offsets has open, and the coordinator does not
// know of, is settled, so that no offset is pending for ever.

#include "broker/groups.h"
#include "broker/transactions.h"
#include "broker/transactions_state.h"
#include "scene.h"

#include "broker/group_record.h"

#define ID    MR_SPAN("tx")
#define GROUP MR_SPAN("g")

static mr_log *log_of(scene *s, const char *topic) {
    mr_topic *found = mr_topics_find(mr_broker_topics(s->broker), mr_span_of(topic));
    mr_assert(found != NULL);
    mr_log *log = mr_topic_partition_of(found, 0)->log;
    mr_topic_release(found);  // The broker holds it too.
    return log;
}

static void append(scene *s, const char *topic, const mr_text *batch) {
    mr_log_appended appended;
    EXPECT_OK(mr_log_append(log_of(s, topic), mr_text_span(batch), MR_LOG_COORDINATOR, &appended,
                            &s->cx));
    EXPECT_EQ(appended.error, MR_KAFKA_NONE);
}

// An offset within a transaction, without the record that says so to the coordinator.
static void append_offset(scene *s, mr_group_producer producer, int64_t offset) {
    mr_group_records records = {.text = {.arena = &s->arena}, .cx = &s->cx};
    mr_text batch = {.arena = &s->arena};
    mr_group_offset item = {.leader_epoch = -1, .offset = offset, .commit_ms = 1, .expire_ms = -1};
    EXPECT_OK(mr_group_record_offset(&records, GROUP, MR_SPAN("t"), &item));
    EXPECT_OK(mr_group_record_batch(&records, producer, /* wall_ms= */ 1, &batch));
    append(s, MR_TOPIC_OFFSETS, &batch);
}

static void commit(scene *s, int64_t offset) {
    mr_wire_offset_commit_partition partition = {.committed_offset = offset,
                                                 .committed_leader_epoch = -1};
    mr_wire_offset_commit_topic topic = {
        .name = MR_SPAN("t"), .partitions = &partition, .partitions_count = 1};
    mr_wire_offset_commit_request q = {.group_id = GROUP,
                                       .generation_id_or_member_epoch = -1,
                                       .retention_time_ms = -1,
                                       .topics = &topic,
                                       .topics_count = 1};
    mr_wire_offset_commit_response r;
    scene_ask(s, MR_KEY_offset_commit, 7, &q, &r);
    EXPECT_EQ(r.topics[0].partitions[0].error_code, MR_KAFKA_NONE);
}

// What who must not read what is pending is told.
static int16_t fetch(scene *s, int64_t *ret_offset) {
    int32_t partition = 0;
    mr_wire_offset_fetch_topic topic = {
        .name = MR_SPAN("t"), .partition_indexes = &partition, .partition_indexes_count = 1};
    mr_wire_offset_fetch_request q = {
        .group_id = GROUP, .topics = &topic, .topics_count = 1, .require_stable = true};
    mr_wire_offset_fetch_response r;
    scene_ask(s, MR_KEY_offset_fetch, 7, &q, &r);
    *ret_offset = r.topics[0].partitions[0].committed_offset;
    return r.topics[0].partitions[0].error_code;
}

static void expect_stable(scene *s, int64_t offset) {
    int64_t found = -2;
    EXPECT_EQ(fetch(s, &found), MR_KAFKA_NONE);
    EXPECT_EQ(found, offset);
}

static mr_group_producer init(scene *s) {
    mr_wire_init_producer_id_request q = {.transactional_id = ID,
                                          .transaction_timeout_ms = 60000,
                                          .producer_id = -1,
                                          .producer_epoch = -1};
    mr_wire_init_producer_id_response r;
    scene_ask(s, MR_KEY_init_producer_id, 4, &q, &r);
    EXPECT_EQ(r.error_code, MR_KAFKA_NONE);
    return (mr_group_producer){r.producer_id, r.producer_epoch};
}

// By hand the clock jumps to the end of a request's patience when nothing moves in a turn.
static int16_t end(scene *s, mr_group_producer producer, bool commits) {
    mr_wire_end_txn_request q = {.transactional_id = ID,
                                 .producer_id = producer.id,
                                 .producer_epoch = producer.epoch,
                                 .committed = commits};
    mr_wire_end_txn_response r;
    int tries = 0;
    do {
        EXPECT_OK(mr_broker_turn(s->broker, &s->cx));
        scene_ask(s, MR_KEY_end_txn, 3, &q, &r);
    } while (r.error_code == MR_KAFKA_CONCURRENT_TRANSACTIONS && ++tries < 10);
    return r.error_code;
}

static bool start(scene *s) {
    if (!scene_open(s, NULL)) {
        return false;
    }
    (void)scene_topic(s, "t");
    commit(s, 7);
    return true;
}

TEST(transactions_load, offsets_whose_join_was_lost_join_again) {
    scene s;
    REQUIRE(start(&s));
    for (int round = 0; round < 2; round++) {
        bool commits = round == 1;
        mr_group_producer producer = init(&s);
        append_offset(&s, producer, 20 + round);
        REQUIRE(scene_restart(&s));
        int64_t offset;
        EXPECT_EQ(fetch(&s, &offset), MR_KAFKA_UNSTABLE_OFFSET_COMMIT);
        mr_transaction now;
        REQUIRE(mr_transactions_find(mr_broker_transactions(s.broker), ID, &now, &s.cx));
        mr_transaction_member member = {MR_SPAN(MR_TOPIC_OFFSETS), 0};
        EXPECT_EQ(now.state, MR_TRANSACTION_ONGOING);
        EXPECT(mr_transaction_has(&now, &member));
        EXPECT_EQ(end(&s, producer, commits), MR_KAFKA_NONE);
        expect_stable(&s, commits ? 21 : 7);
    }
    scene_close(&s);
}

static void append_state(scene *s, const mr_transaction *state) {
    mr_text batch = {.arena = &s->arena};
    EXPECT_OK(mr_transactions_record_add(ID, state, /* now_ms= */ 1, &batch, &s->cx));
    mr_transactions *transactions = mr_broker_transactions(s->broker);
    mr_log *log =
        mr_topic_partition_of(transactions->topic, mr_transactions_partition(transactions, ID))
            ->log;
    mr_log_appended appended;
    EXPECT_OK(mr_log_append(log, mr_text_span(&batch), MR_LOG_COORDINATOR, &appended, &s->cx));
}

// The marker of an end was lost, with the partition offline, and then the id's epochs were over.
TEST(transactions_load, offsets_under_the_producer_id_before_are_aborted) {
    scene s;
    REQUIRE(start(&s));
    mr_group_producer producer = init(&s);
    append_offset(&s, (mr_group_producer){producer.id, MR_TRANSACTION_EPOCH_MAX}, 20);
    append_state(&s, &(mr_transaction){.id = ID,
                                       .producer_id = producer.id + 1,
                                       .previous_producer_id = producer.id,
                                       .next_producer_id = -1,
                                       .last_epoch = -1,
                                       .timeout_ms = 60000,
                                       .state = MR_TRANSACTION_COMPLETE_COMMIT});
    for (int life = 0; life < 2; life++) {
        REQUIRE(scene_restart(&s));
        expect_stable(&s, 7);
    }
    scene_close(&s);
}

// The power went when the id's first transaction under its next producer id was going on, and took
// the "complete" of the one before.
TEST(transactions_load, offsets_under_the_producer_id_after_are_of_the_next_transaction) {
    scene s;
    REQUIRE(start(&s));
    mr_group_producer producer = init(&s);
    int64_t next = producer.id + 1;
    append_state(&s, &(mr_transaction){.id = ID,
                                       .producer_id = producer.id,
                                       .previous_producer_id = -1,
                                       .next_producer_id = next,
                                       .epoch = INT16_MAX,
                                       .last_epoch = MR_TRANSACTION_EPOCH_MAX,
                                       .timeout_ms = 60000,
                                       .version = 2,
                                       .state = MR_TRANSACTION_PREPARE_COMMIT});
    append_offset(&s, (mr_group_producer){next, 0}, 20);
    REQUIRE(scene_restart(&s));
    int64_t offset;
    EXPECT_EQ(fetch(&s, &offset), MR_KAFKA_UNSTABLE_OFFSET_COMMIT);
    for (int turn = 0; turn < 5; turn++) {
        EXPECT_OK(mr_broker_turn(s.broker, &s.cx));
    }
    mr_transaction now;
    REQUIRE(mr_transactions_find(mr_broker_transactions(s.broker), ID, &now, &s.cx));
    EXPECT_EQ(now.producer_id, next);
    EXPECT_EQ(now.state, MR_TRANSACTION_ONGOING);
    EXPECT_EQ(end(&s, (mr_group_producer){next, 0}, /* commits= */ true), MR_KAFKA_NONE);
    expect_stable(&s, 20);
    scene_close(&s);
}

// The log of offsets cannot be read at one start; nothing is lost of it by the next.
static bool restart_without_offsets(scene *s) {
    const char *path = "data/broker/" MR_TOPIC_OFFSETS "-0/00000000000000000000.log";
    mr_broker_spec spec = {.dir = "data/broker", .version = "test", .by_hand = true};
    spec.settings = *mr_broker_settings_of(s->broker);
    mr_span whole;
    if (!EXPECT_OK(mr_broker_close(s->broker, &s->cx)) ||
        !EXPECT_OK(mr_file_load(path, 1 << 20, &whole, &s->cx))) {
        return false;
    }
    mr_sim_put(s->cx.plat, path,
               MR_SPAN("this is no record batch, and it is longer than a header "
                       "is, so that it is damage and not the end of a file"));
    if (!EXPECT_OK(mr_broker_open(&spec, &s->broker, &s->cx))) {
        return false;
    }
    EXPECT(mr_log_offline(log_of(s, MR_TOPIC_OFFSETS), NULL));
    EXPECT_EQ(end(s, init(s), /* commits= */ false), MR_KAFKA_INVALID_TXN_STATE);
    bool closed = EXPECT_OK(mr_broker_close(s->broker, &s->cx));
    mr_sim_put(s->cx.plat, path, whole);
    return closed && EXPECT_OK(mr_broker_open(&spec, &s->broker, &s->cx));
}

// Of an id whose epoch stays the same (version 0) nothing else tells the one from the other.
TEST(transactions_load, offsets_of_before_a_start_without_their_log_are_of_no_later_transaction) {
    scene s;
    REQUIRE(start(&s));
    mr_group_producer producer = init(&s);
    // As of the epoch that the id has from the start without the log on.
    append_offset(&s, (mr_group_producer){producer.id, (int16_t)(producer.epoch + 1)}, 20);
    REQUIRE(restart_without_offsets(&s));
    expect_stable(&s, 7);  // Now it is there again, and settled.
    REQUIRE(scene_restart(&s));
    expect_stable(&s, 7);
    scene_close(&s);
}

// The id's transaction has gone on without a partition that was offline at the start before.
TEST(transactions_load, offsets_that_no_ending_transaction_knows_are_aborted) {
    for (int16_t raised = 0; raised < 3; raised++) {
        scene s;
        REQUIRE(start(&s));
        mr_group_producer producer = init(&s);
        append_offset(&s, producer, 20);
        mr_transaction_member member = {MR_SPAN("t"), 0};
        mr_transaction ending = {.id = ID,
                                 .producer_id = producer.id,
                                 .previous_producer_id = -1,
                                 .next_producer_id = -1,
                                 .epoch = (int16_t)(producer.epoch + raised),
                                 .timeout_ms = 60000,
                                 .state = MR_TRANSACTION_PREPARE_COMMIT,
                                 .members = &member,
                                 .member_count = 1};
        append_state(&s, &ending);
        for (int life = 0; life < 2; life++) {
            REQUIRE(scene_restart(&s));
            expect_stable(&s, 7);
        }
        scene_close(&s);
    }
}
