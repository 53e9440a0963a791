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
