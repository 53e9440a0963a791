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
    EXPECT_OK(embedded->type->settle(log, &s.cx));  // … and kept from here on.
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
