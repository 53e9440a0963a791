// Embedded: what a reader of a log in place is told.

#include "broker/embedded.h"
#include "broker/inside.h"
#include "broker/topics.h"
#include "scene.h"

TEST(embedded, a_deleted_topic_is_missing_and_no_trouble_of_the_disk) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    mr_embedded *embedded = NULL;
    REQUIRE_OK(mr_broker_embed(s.broker, &embedded, &s.cx));
    mr_embedded_log *log = NULL;
    REQUIRE_OK(embedded->type->log_open(embedded, "t", 0, &log, &s.cx));
    mr_embedded_marks marks;
    EXPECT_OK(embedded->type->marks(log, &marks, &s.cx));
    mr_outcome outcome;
    mr_topic *topic = mr_topics_find(mr_broker_topics(s.broker), MR_SPAN("t"));
    REQUIRE(topic != NULL);
    EXPECT_OK(mr_topics_delete(mr_broker_topics(s.broker), topic, &outcome, &s.cx));
    mr_topic_release(topic);
    EXPECT_EQ(embedded->type->marks(log, &marks, &s.cx), MR_E_MISSING);
    embedded->type->log_close(log);
    mr_broker_unembed(embedded);
    scene_close(&s);
}

TEST(embedded, what_a_reader_has_settled_survives_the_power_with_durability_kafka) {
    scene s;
    const char *const settings[] = {"durability", "kafka", "flush_interval", "1h", NULL};
    REQUIRE(scene_open(&s, settings));
    (void)scene_topic(&s, "t");
    mr_embedded *embedded = NULL;
    REQUIRE_OK(mr_broker_embed(s.broker, &embedded, &s.cx));
    mr_embedded_log *log = NULL;
    REQUIRE_OK(embedded->type->log_open(embedded, "t", 0, &log, &s.cx));
    int64_t base = -1;
    EXPECT_EQ(scene_produce(&s, "t", 0, scene_batch(&s, 40, 1000), &base), MR_KAFKA_NONE);
    mr_embedded_slice slice;
    EXPECT_OK(embedded->type->locate(log, 0, 1 << 20, &slice, &s.cx));
    EXPECT_EQ(slice.next, 40);  // It is shown at once …
    embedded->type->release(&slice);
    EXPECT_OK(embedded->type->settle(&log, 1, &s.cx));  // … and kept from here on.
    EXPECT_EQ(scene_produce(&s, "t", 0, scene_batch(&s, 2, 1000), &base), MR_KAFKA_NONE);
    embedded->type->log_close(log);
    mr_broker_unembed(embedded);
    REQUIRE(scene_power_cut(&s));
    mr_topic *topic = mr_topics_find(mr_broker_topics(s.broker), MR_SPAN("t"));
    REQUIRE(topic != NULL);
    EXPECT(mr_log_marks_of(topic->partitions[0]->log).next >= 40);
    mr_topic_release(topic);
    scene_close(&s);
}

// A batch of one record, of producer 7's transaction or (transactional false) of nobody.
static void put(scene *s, mr_log *log, bool transactional, int32_t sequence) {
    mr_text records, batch;
    mr_text_init(&records, &s->arena);
    mr_text_init(&batch, &s->arena);
    char value[300] = "value";
    mr_record_add(&(mr_record_new){.key = MR_SPAN("k"), .value = {value, sizeof(value)}}, &records);
    int64_t now_ms = mr_clock_real_us(s->cx.plat) / 1000;
    mr_record_batch head = {.attributes = transactional ? MR_RECORD_BATCH_TRANSACTIONAL : 0,
                            .base_timestamp_ms = now_ms,
                            .max_timestamp_ms = now_ms,
                            .producer_id = transactional ? 7 : -1,
                            .producer_epoch = transactional ? 0 : -1,
                            .base_sequence = transactional ? sequence : -1,
                            .record_count = 1};
    EXPECT_OK(mr_record_batch_add(&head, mr_text_span(&records), &batch, &s->cx));
    mr_log_appended appended;
    EXPECT_OK(mr_log_append(log, mr_text_span(&batch), MR_LOG_COORDINATOR, &appended, &s->cx));
    EXPECT_EQ(appended.error, MR_KAFKA_NONE);
}

TEST(embedded, a_slice_knows_what_was_aborted_in_it_whatever_is_compacted) {
    scene s;
    const char *const settings[] = {"durability", "kafka", NULL};
    REQUIRE(scene_open(&s, settings));
    (void)scene_topic(&s, "t");
    mr_topic *topic = mr_topics_find(mr_broker_topics(s.broker), MR_SPAN("t"));
    mr_log *log = topic->partitions[0]->log;
    mr_log_config config;
    mr_log_config_default(&config);
    config.cleanup_compact = true;
    config.segment_bytes = 700;
    config.min_cleanable_dirty_ratio = 0;
    config.delete_retention_ms = 0;
    config.fsync = false;
    mr_log_configure(log, &config);
    mr_log_end end = {.producer_id = 7};
    mr_log_appended appended;
    put(&s, log, true, 0);
    EXPECT_OK(mr_log_end_transaction(log, &end, &appended, &s.cx));
    mr_embedded *embedded = NULL;
    REQUIRE_OK(mr_broker_embed(s.broker, &embedded, &s.cx));
    mr_embedded_log *reader = NULL;
    REQUIRE_OK(embedded->type->log_open(embedded, "t", 0, &reader, &s.cx));
    mr_embedded_slice slice;
    EXPECT_OK(embedded->type->locate(reader, 0, 1 << 20, &slice, &s.cx));
    EXPECT_EQ(slice.next, 2);
    int64_t now_ms = mr_clock_real_us(s.cx.plat) / 1000;
    uint64_t freed = 0, first = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
            put(&s, log, false, 0);
        }
        EXPECT_OK(mr_log_settle(&log, 1, &s.cx));
        EXPECT_OK(mr_log_compact(log, now_ms + round * 1000, &freed, &s.cx));
        first += freed;
    }
    EXPECT(first > 0);
    mr_log_aborted *list;
    uint32_t count = 9;
    EXPECT_OK(mr_log_aborted_in(log, 0, 2, &list, &count, &s.cx));
    EXPECT_EQ(count, 0);  // The log has forgotten it, with the records …
    const mr_embedded_aborted *aborted = embedded->type->aborted(&slice, &count);
    REQUIRE(count == 1);  // … which are held here.
    EXPECT_EQ(aborted[0].producer_id, 7);
    embedded->type->release(&slice);
    embedded->type->log_close(reader);
    mr_broker_unembed(embedded);
    mr_topic_release(topic);
    scene_close(&s);
}

TEST(embedded, the_program_itself_needs_no_acl) {
    scene s;
    const char *const settings[] = {"acls", "true", NULL};
    REQUIRE(scene_open(&s, settings));
    mr_client client = {.broker = s.broker, .principal = "User:millrace", .host = MR_EMBEDDED};
    mr_call call = {.broker = s.broker, .client = &client};
    EXPECT(!mr_call_may(&call, MR_OPERATION_WRITE, MR_RESOURCE_TOPIC, MR_SPAN("t")));
    client.in_process = true;
    EXPECT(mr_call_may(&call, MR_OPERATION_WRITE, MR_RESOURCE_TOPIC, MR_SPAN("t")));
    scene_close(&s);
}
