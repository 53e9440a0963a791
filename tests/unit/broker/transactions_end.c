// The end of a transaction: its markers.

#include "broker/topics.h"
#include "scene.h"

#define ID MR_SPAN("tx")

static mr_wire_init_producer_id_response begin(scene *s) {
    mr_wire_init_producer_id_request init = {.transactional_id = ID,
                                             .transaction_timeout_ms = 60000,
                                             .producer_id = -1,
                                             .producer_epoch = -1};
    mr_wire_init_producer_id_response producer;
    scene_ask(s, MR_KEY_init_producer_id, 4, &init, &producer);
    int32_t numbers[] = {0, 1, 2};
    mr_wire_add_partitions_to_txn_topic topic = {
        .name = MR_SPAN("t"), .partitions = numbers, .partitions_count = 3};
    mr_wire_add_partitions_to_txn_request add = {.v3_and_below_transactional_id = ID,
                                                 .v3_and_below_producer_id = producer.producer_id,
                                                 .v3_and_below_producer_epoch =
                                                     producer.producer_epoch,
                                                 .v3_and_below_topics = &topic,
                                                 .v3_and_below_topics_count = 1};
    mr_wire_add_partitions_to_txn_response added;
    scene_ask(s, MR_KEY_add_partitions_to_txn, 3, &add, &added);
    return producer;
}

// Whatever tries it takes to mark one member, the others are marked once, and at once.
TEST(transactions_end, a_member_that_fails_costs_the_others_nothing) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    mr_wire_init_producer_id_response producer = begin(&s);
    mr_topic *topic = mr_topics_find(mr_broker_topics(s.broker), MR_SPAN("t"));
    REQUIRE(topic != NULL);
    REQUIRE_OK(mr_log_delete(topic->partitions[1]->log, &s.cx));
    mr_wire_end_txn_request end = {.transactional_id = ID,
                                   .producer_id = producer.producer_id,
                                   .producer_epoch = producer.producer_epoch,
                                   .committed = true};
    mr_wire_end_txn_response r;
    for (int i = 0; i < 10; i++) {
        scene_ask(&s, MR_KEY_end_txn, 3, &end, &r);
        mr_clock_sleep_us(s.cx.plat, 1000000);
        EXPECT_OK(mr_broker_turn(s.broker, &s.cx));
    }
    EXPECT_EQ(r.error_code, MR_KAFKA_CONCURRENT_TRANSACTIONS);
    EXPECT_EQ(mr_log_marks_of(topic->partitions[0]->log).high, 1);
    EXPECT_EQ(mr_log_marks_of(topic->partitions[2]->log).high, 1);
    mr_topic_release(topic);
    scene_close(&s);
}
