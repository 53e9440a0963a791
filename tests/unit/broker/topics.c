// Topics: names, numbers, and who may go on with a topic that is gone.

#include <stdio.h>

#include "topics_rig.h"

TEST(topics, names_are_kafkas) {
    topics_rig r;
    topics_rig_init(&r, 1);
    REQUIRE_OK(topics_rig_open(&r));
    char longest[252];
    memset(longest, 'x', sizeof(longest));
    longest[250] = '\0';
    const char *bad[] = {"",    ".",    "..",       "../../etc", "a/b",
                         "a b", "a\tb", "\xC3\xA4", longest,     "a:b"};
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        EXPECT_EQ(topics_rig_create(&r, bad[i], 1), MR_KAFKA_INVALID_TOPIC_EXCEPTION);
        EXPECT(!mr_topics_name_is_valid(mr_span_of(bad[i])));
    }
    longest[249] = '\0';
    EXPECT_EQ(topics_rig_create(&r, longest, 1), MR_KAFKA_NONE);
    EXPECT_EQ(topics_rig_create(&r, "a.b_c", 1), MR_KAFKA_NONE);
    EXPECT_EQ(topics_rig_create(&r, "a.b_c", 1), MR_KAFKA_TOPIC_ALREADY_EXISTS);
    EXPECT_EQ(topics_rig_create(&r, "a_b.c", 1), MR_KAFKA_INVALID_TOPIC_EXCEPTION);
    EXPECT_EQ(topics_rig_create(&r, "a-b-c", 1), MR_KAFKA_NONE);
    EXPECT_EQ(topics_rig_create(&r, "t", 0), MR_KAFKA_INVALID_PARTITIONS);
    EXPECT_EQ(topics_rig_create(&r, "t", INT32_MAX), MR_KAFKA_POLICY_VIOLATION);
    topics_rig_release(&r);
}

TEST(topics, are_found_again_after_a_restart) {
    topics_rig r;
    topics_rig_init(&r, 2);
    REQUIRE_OK(topics_rig_open(&r));
    char cluster[32];
    (void)snprintf(cluster, sizeof(cluster), "%s", mr_topics_cluster_id(r.topics));
    EXPECT_EQ(strlen(cluster), 22);
    mr_topic_setting settings[] = {{"retention.ms", "1234"}, {"cleanup.policy", "compact"}};
    mr_topic_new new = {
        .name = "t", .partitions = 3, .replication = 3, .settings = settings, .setting_count = 2};
    mr_outcome outcome;
    mr_topic *topic = NULL;
    REQUIRE_OK(mr_topics_create(r.topics, &new, &topic, &outcome, &r.cx));
    REQUIRE(outcome.error == MR_KAFKA_NONE && topic != NULL);
    mr_wire_uuid id = topic->id;
    mr_topic_release(topic);
    for (int clean = 0; clean < 2; clean++) {
        if (clean) {
            REQUIRE_OK(mr_topics_close(r.topics, &r.cx));
            mr_flusher_close(r.flusher, &r.cx);
        } else {
            topics_rig_kill(&r);
        }
        mr_sim_restart(r.plat);
        REQUIRE_OK(topics_rig_open(&r));
        EXPECT_STR(mr_topics_cluster_id(r.topics), cluster);
        topic = mr_topics_find_id(r.topics, &id);
        REQUIRE(topic != NULL);
        EXPECT_STR(topic->name, "t");
        EXPECT_EQ(topic->partition_count, 3);
        mr_config_set set = mr_topics_settings(r.topics, topic, &r.cx);
        REQUIRE(set.count == 2);
        EXPECT_STR(set.items[0].value, "1234");
        EXPECT_STR(set.items[1].name, "cleanup.policy");
        mr_topic_release(topic);
    }
    topics_rig_release(&r);
}

TEST(topics, who_has_found_one_may_keep_it_when_it_is_deleted_or_grown) {
    topics_rig r;
    topics_rig_init(&r, 3);
    REQUIRE_OK(topics_rig_open(&r));
    EXPECT_EQ(topics_rig_create(&r, "t", 2), MR_KAFKA_NONE);
    mr_topic *held = mr_topics_find(r.topics, MR_SPAN("t"));
    REQUIRE(held != NULL);
    EXPECT_EQ(topics_rig_grow(&r, "t", 2), MR_KAFKA_INVALID_PARTITIONS);
    EXPECT_EQ(topics_rig_grow(&r, "t", 1), MR_KAFKA_INVALID_PARTITIONS);
    EXPECT_EQ(topics_rig_grow(&r, "t", 5), MR_KAFKA_NONE);
    EXPECT_EQ(topics_rig_partitions(&r, "t"), 5);
    EXPECT_EQ(held->partition_count, 2);
    EXPECT(mr_topic_partition_of(held, 2) == NULL && mr_topic_partition_of(held, -1) == NULL);
    mr_topic *wide = mr_topics_find(r.topics, MR_SPAN("t"));
    EXPECT(wide->partitions[1] == held->partitions[1]);
    mr_topic_release(wide);
    EXPECT_EQ(topics_rig_delete(&r, "t"), MR_KAFKA_NONE);
    EXPECT_EQ(topics_rig_partitions(&r, "t"), 0);
    EXPECT(mr_log_offline(held->partitions[1]->log, NULL));
    EXPECT_EQ(topics_rig_create(&r, "t", 1), MR_KAFKA_NONE);
    mr_topic *fresh = mr_topics_find(r.topics, MR_SPAN("t"));
    EXPECT(memcmp(&fresh->id, &held->id, sizeof(fresh->id)) != 0);
    EXPECT(!mr_log_offline(fresh->partitions[0]->log, NULL));
    mr_outcome outcome;
    EXPECT_OK(mr_topics_delete(r.topics, held, &outcome, &r.cx));
    EXPECT_EQ(outcome.error, MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    mr_topic_release(held);
    mr_topic_release(fresh);
    topics_rig_release(&r);
}

TEST(topics, are_made_when_they_are_asked_for) {
    topics_rig r;
    topics_rig_init(&r, 4);
    REQUIRE_OK(topics_rig_open(&r));
    mr_topic *topic;
    mr_outcome outcome;
    REQUIRE_OK(mr_topics_obtain(r.topics, MR_SPAN("t"), false, &topic, &outcome, &r.cx));
    EXPECT(topic == NULL);
    EXPECT_EQ(outcome.error, MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    REQUIRE_OK(mr_topics_obtain(r.topics, MR_SPAN("../t"), true, &topic, &outcome, &r.cx));
    EXPECT_EQ(outcome.error, MR_KAFKA_INVALID_TOPIC_EXCEPTION);
    REQUIRE_OK(mr_topics_obtain(r.topics, MR_SPAN("t"), true, &topic, &outcome, &r.cx));
    REQUIRE(topic != NULL);
    EXPECT_EQ(topic->partition_count, (uint32_t)r.settings.num_partitions);
    EXPECT(!topic->internal);
    mr_topic_release(topic);
    REQUIRE_OK(
        mr_topics_obtain(r.topics, MR_SPAN(MR_TOPIC_OFFSETS), false, &topic, &outcome, &r.cx));
    REQUIRE(topic != NULL);
    EXPECT(topic->internal);
    EXPECT_EQ(topic->partition_count, MR_TOPIC_OFFSETS_PARTITIONS);
    EXPECT_OK(mr_topics_delete(r.topics, topic, &outcome, &r.cx));
    EXPECT_EQ(outcome.error, MR_KAFKA_INVALID_REQUEST);
    mr_topic_release(topic);
    topics_rig_release(&r);
}

TEST(topics, one_that_cannot_be_opened_keeps_no_other_from_being_served) {
    topics_rig r;
    topics_rig_init(&r, 5);
    REQUIRE_OK(topics_rig_open(&r));
    EXPECT_EQ(topics_rig_create(&r, "bad", 1), MR_KAFKA_NONE);
    EXPECT_EQ(topics_rig_create(&r, "good", 1), MR_KAFKA_NONE);
    topics_rig_kill(&r);
    mr_sim_restart(r.plat);
    // A file where the folder should be.
    REQUIRE_OK(mr_dir_delete("d/bad-0", &r.cx));
    mr_sim_put(r.plat, "d/bad-0", MR_SPAN("not a folder"));
    REQUIRE_OK(topics_rig_open(&r));
    mr_topic *bad = mr_topics_find(r.topics, MR_SPAN("bad"));
    mr_topic *good = mr_topics_find(r.topics, MR_SPAN("good"));
    REQUIRE(bad != NULL && good != NULL);
    EXPECT(mr_log_offline(bad->partitions[0]->log, NULL));
    EXPECT(!mr_log_offline(good->partitions[0]->log, NULL));
    mr_topic_release(bad);
    mr_topic_release(good);
    topics_rig_release(&r);
}
