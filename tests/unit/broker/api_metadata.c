// Handlers of what there is: versions, topics, coordinators.

#include <string.h>

#include "broker/api.h"
#include "broker/topics.h"
#include "scene.h"

TEST(api_metadata, all_keys_are_offered_in_every_version) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    size_t count = 0;
    (void)mr_api_list(&count);
    for (int version = 0; version <= 4; version++) {
        mr_wire_api_versions_request q = {MR_SPAN("librdkafka"), MR_SPAN("2.0.2")};
        mr_wire_api_versions_response r;
        scene_ask(&s, MR_KEY_api_versions, version, &q, &r);
        EXPECT_EQ(r.error_code, MR_KAFKA_NONE);
        EXPECT_EQ(r.api_keys_count, count);
        if (version < 4) {
            EXPECT_EQ(r.supported_features_count, 0);
        }
    }
    scene_close(&s);
}

TEST(api_metadata, no_key_is_offered_that_the_wire_does_not_have) {
    size_t count = 0;
    const mr_api *apis = mr_api_list(&count);
    for (size_t i = 0; i < count; i++) {
        const mr_wire_api *wire = mr_wire_find(apis[i].key);
        REQUIRE(wire != NULL);
        EXPECT(apis[i].version_max <= wire->version_max);
        EXPECT(apis[i].version_min <= wire->version_min || apis[i].version_min >= 0);
        EXPECT_STR(apis[i].name, wire->name);
    }
}

TEST(api_metadata, an_unknown_version_of_api_versions_is_told_the_known_ones) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    mr_span answer;
    REQUIRE_OK(
        mr_broker_ask_frame(s.broker, MR_SPAN("\0\x12\0\x63\0\0\0\x09\0\1x\0\0"), &answer, &s.cx));
    // Correlation, error 35, one key: 18 from 0 to 4.
    EXPECT_EQ(answer.bytes, 16);
    EXPECT_BYTES(answer.data, "\0\0\0\x09\0\x23\0\0\0\1\0\x12\0\0\0\4", 16);
    EXPECT_EQ(mr_broker_ask_frame(s.broker, MR_SPAN("\0\0\0\1\0\0\0\x09\0\1x"), &answer, &s.cx),
              MR_E_UNSUPPORTED);
    EXPECT_EQ(mr_broker_ask_frame(s.broker, MR_SPAN("\0\3\0\1\0\0"), &answer, &s.cx), MR_E_CORRUPT);
    scene_close(&s);
}

static mr_wire_metadata_response describe(scene *s, int version, const char *name, bool make) {
    mr_wire_metadata_wish wish = {.name = mr_span_of(name)};
    mr_wire_metadata_request q = {
        .topics = &wish, .topics_count = name == NULL ? -1 : 1, .allow_auto_topic_creation = make};
    if (name == NULL && version == 0) {
        q.topics_count = 0;
    }
    mr_wire_metadata_response r;
    scene_ask(s, MR_KEY_metadata, version, &q, &r);
    return r;
}

TEST(api_metadata, topics_are_made_when_asked_for_and_listed_in_every_version) {
    scene s;
    const char *const settings[] = {"num_partitions", "3", "listen", "127.0.0.1:1234", NULL};
    REQUIRE(scene_open(&s, settings));
    EXPECT_EQ(describe(&s, 4, "no", /* make= */ false).topics[0].error_code,
              MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_EQ(describe(&s, 4, "../../etc", /* make= */ true).topics[0].error_code,
              MR_KAFKA_INVALID_TOPIC_EXCEPTION);
    EXPECT_EQ(describe(&s, 0, "old", /* make= */ false).topics[0].error_code, MR_KAFKA_NONE);
    EXPECT_EQ(describe(&s, 9, "new", /* make= */ true).topics[0].error_code, MR_KAFKA_NONE);
    for (int version = 0; version <= 12; version++) {
        mr_wire_metadata_response r = describe(&s, version, NULL, /* make= */ false);
        REQUIRE(r.topics_count == 2 && r.brokers_count == 1);
        EXPECT(mr_span_is(r.topics[0].name, "new") && mr_span_is(r.topics[1].name, "old"));
        EXPECT_EQ(r.topics[0].partitions_count, 3);
        EXPECT_EQ(r.topics[0].partitions[2].leader_id, MR_BROKER_NODE);
        EXPECT_EQ(r.topics[0].partitions[2].isr_nodes_count, 1);
        EXPECT_EQ(r.topics[0].partitions[2].leader_epoch, version >= 7 ? 0 : -1);
        EXPECT(mr_span_is(r.brokers[0].host, "127.0.0.1"));
        EXPECT_EQ(r.brokers[0].port, 1234);
        EXPECT_EQ(r.cluster_id.bytes, version >= 2 ? 22 : 0);
        mr_wire_metadata_wish by_id = {.name = {NULL, 0}, .topic_id = r.topics[0].topic_id};
        mr_wire_metadata_request q = {.topics = &by_id,
                                      .topics_count = version >= 12 ? 1 : 0,
                                      .include_topic_authorized_operations = true};
        scene_ask(&s, MR_KEY_metadata, MR_MAX(version, 1), &q, &r);
        EXPECT_EQ(r.topics_count, version >= 12 ? 1 : 0);  // Of nothing asked, nothing.
        if (version >= 12) {
            EXPECT(mr_span_is(r.topics[0].name, "new"));
            EXPECT_EQ(r.topics[0].topic_authorized_operations, 3576);  // As Kafka's.
            by_id.topic_id.bytes[0] ^= 1;
            scene_ask(&s, MR_KEY_metadata, version, &q, &r);
            EXPECT_EQ(r.topics[0].error_code, MR_KAFKA_UNKNOWN_TOPIC_ID);
        }
    }
    scene_close(&s);
}

TEST(api_metadata, this_node_coordinates_everything) {
    scene s;
    const char *const settings[] = {"advertise", "outside:77", NULL};
    REQUIRE(scene_open(&s, settings));
    for (int version = 0; version <= 6; version++) {
        mr_span keys[] = {MR_SPAN("a"), MR_SPAN("b")};
        mr_wire_find_coordinator_request q = {
            .key = MR_SPAN("g"), .coordinator_keys = keys, .coordinator_keys_count = 2};
        mr_wire_find_coordinator_response r;
        scene_ask(&s, MR_KEY_find_coordinator, version, &q, &r);
        if (version < 4) {
            EXPECT_EQ(r.error_code, MR_KAFKA_NONE);
            EXPECT_EQ(r.node_id, MR_BROKER_NODE);
            EXPECT(mr_span_is(r.host, "outside"));
            EXPECT_EQ(r.port, 77);
        } else {
            REQUIRE(r.coordinators_count == 2);
            EXPECT(mr_span_is(r.coordinators[1].key, "b"));
            EXPECT_EQ(r.coordinators[1].node_id, MR_BROKER_NODE);
        }
        q.key_type = 9;
        scene_ask(&s, MR_KEY_find_coordinator, MR_MAX(version, 1), &q, &r);
        EXPECT_EQ(version < 4 ? r.error_code : r.coordinators[0].error_code,
                  MR_KAFKA_INVALID_REQUEST);
    }
    scene_close(&s);
}

// A partition of one node is where it is asked to be, or cannot be.
TEST(api_metadata, a_partition_is_reassigned_to_where_it_is) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)describe(&s, 4, "moved", /* make= */ true);
    int32_t here[] = {MR_BROKER_NODE, MR_BROKER_NODE}, there[] = {7};
    mr_wire_alter_partition_reassignments_partition wishes[] = {
        {.partition_index = 0, .replicas = here, .replicas_count = 1},
        {.partition_index = 1, .replicas = here, .replicas_count = 2},
        {.partition_index = 2, .replicas = there, .replicas_count = 1},
        {.partition_index = 3, .replicas = NULL, .replicas_count = -1},
        {.partition_index = 0, .replicas = here, .replicas_count = 0},
        {.partition_index = 99, .replicas = here, .replicas_count = 1},
    };
    static const int16_t want[] = {
        MR_KAFKA_NONE,
        MR_KAFKA_INVALID_REPLICA_ASSIGNMENT,
        MR_KAFKA_INVALID_REPLICA_ASSIGNMENT,
        MR_KAFKA_NO_REASSIGNMENT_IN_PROGRESS,
        MR_KAFKA_INVALID_REPLICA_ASSIGNMENT,
        MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
    };
    mr_wire_alter_partition_reassignments_topic topic = {
        .name = MR_SPAN("moved"), .partitions = wishes, .partitions_count = 6};
    mr_wire_alter_partition_reassignments_request q = {.topics = &topic, .topics_count = 1};
    mr_wire_alter_partition_reassignments_response r;
    scene_ask(&s, MR_KEY_alter_partition_reassignments, 0, &q, &r);
    EXPECT_EQ(r.error_code, MR_KAFKA_NONE);
    REQUIRE(r.responses_count == 1 && r.responses[0].partitions_count == 6);
    for (int i = 0; i < 6; i++) {
        EXPECT_EQ(r.responses[0].partitions[i].error_code, want[i]);
    }
    scene_close(&s);
}

TEST(api_metadata, a_partition_stays_in_the_one_folder) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)describe(&s, 4, "kept", /* make= */ true);
    int32_t numbers[] = {0, 99};
    const char *here = mr_topics_dir(mr_broker_topics(s.broker));
    mr_wire_alter_replica_log_dirs_topic topic = {
        .name = MR_SPAN("kept"), .partitions = numbers, .partitions_count = 2};
    mr_wire_alter_replica_log_dirs_dir dirs[] = {
        {.path = mr_span_of(here), .topics = &topic, .topics_count = 1},
        {.path = MR_SPAN("/elsewhere"), .topics = &topic, .topics_count = 1},
    };
    mr_wire_alter_replica_log_dirs_request q = {.dirs = dirs, .dirs_count = 2};
    mr_wire_alter_replica_log_dirs_response r;
    scene_ask(&s, MR_KEY_alter_replica_log_dirs, 2, &q, &r);
    REQUIRE(r.results_count == 2 && r.results[0].partitions_count == 2);
    EXPECT_EQ(r.results[0].partitions[0].error_code, MR_KAFKA_NONE);
    EXPECT_EQ(r.results[0].partitions[1].error_code, MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_EQ(r.results[1].partitions[0].error_code, MR_KAFKA_LOG_DIR_NOT_FOUND);
    scene_close(&s);
}
