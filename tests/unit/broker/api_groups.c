// Handlers of groups and offsets over a real log in the simulator: what clients are told in every
// version, what a restart finds, what expires, and that nothing is promised before it is durable.

#include <string.h>

#include "broker/api.h"
#include "broker/groups.h"
#include "broker/topics.h"
#include "scene.h"

#define SECOND INT64_C(1000000)
#define DAY    (86400 * SECOND)

static int version_max(int key) {
    return mr_api_find((int16_t)key)->version_max;
}

// ---- requests --------------------------------------------------------------------------------

typedef struct commit_case {
    const char *group;
    const char *member;  // "" = of nobody.
    int32_t generation;
    const char *topic;
    int32_t partition;
    int64_t offset;
} commit_case;

static int16_t commit(scene *s, int version, commit_case c) {
    mr_wire_offset_commit_partition partition = {.partition_index = c.partition,
                                                 .committed_offset = c.offset,
                                                 .committed_leader_epoch = 0,
                                                 .committed_metadata = MR_SPAN("note")};
    mr_wire_offset_commit_topic topic = {
        .name = mr_span_of(c.topic), .partitions = &partition, .partitions_count = 1};
    mr_wire_offset_commit_request q = {.group_id = mr_span_of(c.group),
                                       .generation_id_or_member_epoch = c.generation,
                                       .member_id = mr_span_of(c.member),
                                       .retention_time_ms = -1,
                                       .topics = &topic,
                                       .topics_count = 1};
    mr_wire_offset_commit_response r;
    scene_ask(s, MR_KEY_offset_commit, version, &q, &r);
    return EXPECT_EQ(r.topics_count, 1) && EXPECT_EQ(r.topics[0].partitions_count, 1)
               ? r.topics[0].partitions[0].error_code
               : -1;
}

static int16_t commit_plain(scene *s, const char *group, int32_t partition, int64_t offset) {
    return commit(s, 9, (commit_case){group, "", -1, "t", partition, offset});
}

static mr_wire_offset_fetch_found fetch(scene *s, int version, const char *group,
                                        int32_t partition) {
    mr_wire_offset_fetch_topic topic = {
        .name = MR_SPAN("t"), .partition_indexes = &partition, .partition_indexes_count = 1};
    mr_wire_offset_fetch_group one = {
        .group_id = mr_span_of(group), .member_epoch = -1, .topics = &topic, .topics_count = 1};
    mr_wire_offset_fetch_request q = {.group_id = one.group_id,
                                      .topics = &topic,
                                      .topics_count = 1,
                                      .groups = &one,
                                      .groups_count = 1,
                                      .require_stable = true};
    mr_wire_offset_fetch_response r;
    scene_ask(s, MR_KEY_offset_fetch, version, &q, &r);
    mr_wire_offset_fetch_found_topic *topics = r.topics;
    int32_t count = r.topics_count;
    if (version >= 8) {
        topics = EXPECT_EQ(r.groups_count, 1) ? r.groups[0].topics : NULL;
        count = topics == NULL ? 0 : r.groups[0].topics_count;
    }
    return EXPECT_EQ(count, 1) && EXPECT_EQ(topics[0].partitions_count, 1)
               ? topics[0].partitions[0]
               : (mr_wire_offset_fetch_found){.committed_offset = -2};
}

static int64_t offset_of(scene *s, const char *group, int32_t partition) {
    return fetch(s, 9, group, partition).committed_offset;
}

static const char *state_of(scene *s, const char *group) {
    mr_span name = mr_span_of(group);
    mr_wire_describe_groups_request q = {.groups = &name, .groups_count = 1};
    mr_wire_describe_groups_response r;
    scene_ask(s, MR_KEY_describe_groups, 5, &q, &r);
    return EXPECT_EQ(r.groups_count, 1) ? mr_arena_copy(&s->arena, r.groups[0].group_state.data,
                                                        r.groups[0].group_state.bytes)
                                        : "";
}

// Joins as the only member, in one version; its id. "" when it failed.
static const char *join(scene *s, int version, const char *group, const char *id, int16_t error) {
    mr_wire_join_group_protocol protocol = {MR_SPAN("range"), MR_SPAN("\0\0\0\0\0\1\0\1t\0\0\0\0")};
    mr_wire_join_group_request q = {.group_id = mr_span_of(group),
                                    .session_timeout_ms = 10000,
                                    .rebalance_timeout_ms = 60000,
                                    .member_id = mr_span_of(id),
                                    .protocol_type = MR_SPAN("consumer"),
                                    .protocols = &protocol,
                                    .protocols_count = 1};
    mr_wire_join_group_response r;
    scene_ask(s, MR_KEY_join_group, version, &q, &r);
    EXPECT_EQ(r.error_code, error);
    return mr_arena_copy(&s->arena, r.member_id.data, r.member_id.bytes);
}

static void sync_alone(scene *s, int version, const char *group, const char *id,
                       int32_t generation) {
    mr_wire_sync_group_assignment share = {mr_span_of(id), MR_SPAN("mine")};
    mr_wire_sync_group_request q = {.group_id = mr_span_of(group),
                                    .generation_id = generation,
                                    .member_id = mr_span_of(id),
                                    .protocol_type = MR_SPAN("consumer"),
                                    .protocol_name = MR_SPAN("range"),
                                    .assignments = &share,
                                    .assignments_count = 1};
    mr_wire_sync_group_response r;
    scene_ask(s, MR_KEY_sync_group, version, &q, &r);
    EXPECT_EQ(r.error_code, MR_KAFKA_NONE);
    EXPECT(mr_span_is(r.assignment, "mine"));
}

static int16_t beat(scene *s, int version, const char *group, const char *id, int32_t generation) {
    mr_wire_heartbeat_request q = {
        .group_id = mr_span_of(group), .generation_id = generation, .member_id = mr_span_of(id)};
    mr_wire_heartbeat_response r;
    scene_ask(s, MR_KEY_heartbeat, version, &q, &r);
    return r.error_code;
}

static int16_t leave(scene *s, int version, const char *group, const char *id) {
    mr_wire_leave_group_member member = {.member_id = mr_span_of(id)};
    mr_wire_leave_group_request q = {.group_id = mr_span_of(group),
                                     .member_id = mr_span_of(id),
                                     .members = &member,
                                     .members_count = 1};
    mr_wire_leave_group_response r;
    scene_ask(s, MR_KEY_leave_group, version, &q, &r);
    return version < 3 ? r.error_code : r.members[0].error_code;
}

static int16_t delete_group(scene *s, const char *group) {
    mr_span name = mr_span_of(group);
    mr_wire_delete_groups_request q = {.groups_names = &name, .groups_names_count = 1};
    mr_wire_delete_groups_response r;
    scene_ask(s, MR_KEY_delete_groups, 2, &q, &r);
    return EXPECT_EQ(r.results_count, 1) ? r.results[0].error_code : -1;
}

static void pass(scene *s, int64_t us) {
    mr_clock_sleep_us(s->cx.plat, us);
    EXPECT_OK(mr_broker_turn(s->broker, &s->cx));
}

// ---- offsets ---------------------------------------------------------------------------------

TEST(api_groups, offsets_are_committed_and_fetched_in_every_version) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    int64_t offset = 5;
    for (int version = 2; version <= version_max(MR_KEY_offset_commit); version++) {
        EXPECT_EQ(commit(&s, version, (commit_case){"g", "", -1, "t", 1, offset}), MR_KAFKA_NONE);
        for (int other = 1; other <= version_max(MR_KEY_offset_fetch); other++) {
            mr_wire_offset_fetch_found found = fetch(&s, other, "g", 1);
            EXPECT_EQ(found.committed_offset, offset);
            EXPECT_EQ(found.error_code, MR_KAFKA_NONE);
            EXPECT_EQ(found.committed_leader_epoch, version >= 6 && other >= 5 ? 0 : -1);
            EXPECT(mr_span_is(found.metadata, "note"));
        }
        offset++;
    }
    EXPECT_EQ(offset_of(&s, "g", 0), -1);
    EXPECT_EQ(offset_of(&s, "other", 1), -1);
    scene_close(&s);
}

TEST(api_groups, each_partition_of_a_commit_has_its_own_verdict) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    static char large[4097];
    memset(large, 'x', sizeof(large));
    mr_wire_offset_commit_partition partitions[] = {
        {.partition_index = 0, .committed_offset = 1, .committed_metadata = MR_SPAN("")},
        {.partition_index = 1, .committed_offset = 1, .committed_metadata = {large, 4097}},
        {.partition_index = 77, .committed_offset = 1, .committed_metadata = MR_SPAN("")},
        {.partition_index = 2, .committed_offset = 1, .committed_metadata = {large, 4096}},
    };
    mr_wire_offset_commit_topic topics[] = {
        {.name = MR_SPAN("t"), .partitions = partitions, .partitions_count = 4},
        {.name = MR_SPAN("nowhere"), .partitions = partitions, .partitions_count = 1},
    };
    mr_wire_offset_commit_request q = {.group_id = MR_SPAN("g"),
                                       .generation_id_or_member_epoch = -1,
                                       .retention_time_ms = -1,
                                       .topics = topics,
                                       .topics_count = 2};
    mr_wire_offset_commit_response r;
    scene_ask(&s, MR_KEY_offset_commit, 9, &q, &r);
    REQUIRE(r.topics_count == 2 && r.topics[0].partitions_count == 4);
    EXPECT_EQ(r.topics[0].partitions[0].error_code, MR_KAFKA_NONE);
    EXPECT_EQ(r.topics[0].partitions[1].error_code, MR_KAFKA_OFFSET_METADATA_TOO_LARGE);
    EXPECT_EQ(r.topics[0].partitions[2].error_code, MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_EQ(r.topics[0].partitions[3].error_code, MR_KAFKA_NONE);
    EXPECT_EQ(r.topics[1].partitions[0].error_code, MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_EQ(offset_of(&s, "g", 0), 1);
    EXPECT_EQ(offset_of(&s, "g", 1), -1);
    EXPECT_EQ(offset_of(&s, "g", 2), 1);
    scene_close(&s);
}

TEST(api_groups, a_commit_of_an_unknown_member_makes_no_group) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    commit_case ghost = {"g", "ghost", 3, "t", 0, 1};
    EXPECT_EQ(commit(&s, 8, ghost), MR_KAFKA_ILLEGAL_GENERATION);
    EXPECT_EQ(commit(&s, 9, ghost), MR_KAFKA_GROUP_ID_NOT_FOUND);
    EXPECT_STR(state_of(&s, "g"), "Dead");
    scene_close(&s);
}

TEST(api_groups, all_offsets_of_several_groups_are_fetched_at_once) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    for (int32_t i = 0; i < 3; i++) {
        EXPECT_EQ(commit_plain(&s, "a", i, 10 + i), MR_KAFKA_NONE);
    }
    EXPECT_EQ(commit_plain(&s, "b", 2, 20), MR_KAFKA_NONE);
    mr_wire_offset_fetch_group groups[] = {
        {.group_id = MR_SPAN("a"), .topics_count = -1},
        {.group_id = MR_SPAN("b"), .topics_count = -1},
        {.group_id = MR_SPAN("c"), .topics_count = -1},
    };
    mr_wire_offset_fetch_request q = {.groups = groups, .groups_count = 3};
    mr_wire_offset_fetch_response r;
    scene_ask(&s, MR_KEY_offset_fetch, 8, &q, &r);
    REQUIRE(r.groups_count == 3);
    REQUIRE(r.groups[0].topics_count == 1 && r.groups[1].topics_count == 1);
    EXPECT_EQ(r.groups[0].topics[0].partitions_count, 3);
    EXPECT_EQ(r.groups[0].topics[0].partitions[2].committed_offset, 12);
    EXPECT_EQ(r.groups[1].topics[0].partitions[0].partition_index, 2);
    EXPECT_EQ(r.groups[2].topics_count, 0);
    EXPECT_EQ(r.groups[2].error_code, MR_KAFKA_NONE);
    scene_close(&s);
}

// ---- members ---------------------------------------------------------------------------------

TEST(api_groups, a_member_lives_in_every_version) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    for (int version = 0; version <= version_max(MR_KEY_join_group); version++) {
        const char *group = mr_arena_printf(&s.arena, "g%d", version);
        const char *id = "";
        if (version >= 4) {
            id = join(&s, version, group, "", MR_KAFKA_MEMBER_ID_REQUIRED);
        }
        id = join(&s, version, group, id, MR_KAFKA_NONE);
        int sync = MR_MIN(version, version_max(MR_KEY_sync_group));
        sync_alone(&s, sync, group, id, 1);
        EXPECT_STR(state_of(&s, group), "Stable");
        int heartbeat = MR_MIN(version, version_max(MR_KEY_heartbeat));
        EXPECT_EQ(beat(&s, heartbeat, group, id, 1), MR_KAFKA_NONE);
        EXPECT_EQ(beat(&s, heartbeat, group, id, 2), MR_KAFKA_ILLEGAL_GENERATION);
        EXPECT_EQ(beat(&s, heartbeat, "nobody", id, 1), MR_KAFKA_UNKNOWN_MEMBER_ID);
        EXPECT_EQ(commit(&s, 9, (commit_case){group, id, 1, "t", 0, 3}), MR_KAFKA_NONE);
        EXPECT_EQ(commit_plain(&s, group, 0, 4), MR_KAFKA_UNKNOWN_MEMBER_ID);
        int going = MR_MIN(version, version_max(MR_KEY_leave_group));
        EXPECT_EQ(leave(&s, going, group, "ghost"), MR_KAFKA_UNKNOWN_MEMBER_ID);
        EXPECT_EQ(leave(&s, going, group, id), MR_KAFKA_NONE);
        EXPECT_EQ(leave(&s, going, "nobody", id), MR_KAFKA_UNKNOWN_MEMBER_ID);
        EXPECT_STR(state_of(&s, group), "Empty");
        EXPECT_EQ(commit_plain(&s, group, 0, 4), MR_KAFKA_NONE);
    }
    scene_close(&s);
}

TEST(api_groups, requests_without_sense_are_refused) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)join(&s, 9, "", "", MR_KAFKA_INVALID_GROUP_ID);
    (void)join(&s, 9, "g", "ghost", MR_KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT_STR(state_of(&s, "g"), "Dead");
    mr_wire_join_group_request q = {.group_id = MR_SPAN("g"), .session_timeout_ms = 10};
    mr_wire_join_group_response r;
    scene_ask(&s, MR_KEY_join_group, 9, &q, &r);
    EXPECT_EQ(r.error_code, MR_KAFKA_INVALID_SESSION_TIMEOUT);
    q.session_timeout_ms = INT32_MAX;
    scene_ask(&s, MR_KEY_join_group, 9, &q, &r);
    EXPECT_EQ(r.error_code, MR_KAFKA_INVALID_SESSION_TIMEOUT);
    EXPECT_EQ(beat(&s, 4, "", "x", 1), MR_KAFKA_INVALID_GROUP_ID);
    mr_wire_sync_group_request sync = {.group_id = MR_SPAN("g")};
    mr_wire_sync_group_response synced;
    scene_ask(&s, MR_KEY_sync_group, 5, &sync, &synced);
    EXPECT_EQ(synced.error_code, MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    scene_ask(&s, MR_KEY_sync_group, 4, &sync, &synced);
    EXPECT_EQ(synced.error_code, MR_KAFKA_UNKNOWN_MEMBER_ID);
    scene_close(&s);
}

TEST(api_groups, a_session_ends_without_heartbeats) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    const char *id = join(&s, 3, "g", "", MR_KAFKA_NONE);
    sync_alone(&s, 3, "g", id, 1);
    pass(&s, 9 * SECOND);
    EXPECT_EQ(beat(&s, 3, "g", id, 1), MR_KAFKA_NONE);
    pass(&s, 9 * SECOND);
    EXPECT_STR(state_of(&s, "g"), "Stable");
    pass(&s, 2 * SECOND);
    EXPECT_STR(state_of(&s, "g"), "Empty");
    EXPECT_EQ(beat(&s, 3, "g", id, 1), MR_KAFKA_UNKNOWN_MEMBER_ID);
    scene_close(&s);
}

TEST(api_groups, who_only_announced_himself_leaves_nothing_behind) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)join(&s, 9, "g", "", MR_KAFKA_MEMBER_ID_REQUIRED);
    EXPECT_STR(state_of(&s, "g"), "Empty");
    pass(&s, 11 * SECOND);
    EXPECT_STR(state_of(&s, "g"), "Dead");
    scene_close(&s);
}

// ---- restarts --------------------------------------------------------------------------------

TEST(api_groups, a_restart_finds_members_generation_and_offsets) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    const char *id = join(&s, 3, "g", "", MR_KAFKA_NONE);
    sync_alone(&s, 3, "g", id, 1);
    EXPECT_EQ(commit(&s, 9, (commit_case){"g", id, 1, "t", 2, 33}), MR_KAFKA_NONE);
    EXPECT_EQ(commit_plain(&s, "simple", 1, 44), MR_KAFKA_NONE);
    EXPECT_EQ(commit_plain(&s, "gone", 1, 55), MR_KAFKA_NONE);
    EXPECT_EQ(delete_group(&s, "gone"), MR_KAFKA_NONE);
    for (int life = 0; life < 2; life++) {
        REQUIRE(scene_restart(&s));
        EXPECT_STR(state_of(&s, "g"), "Stable");
        EXPECT_EQ(beat(&s, 4, "g", id, 1), MR_KAFKA_NONE);
        EXPECT_EQ(offset_of(&s, "g", 2), 33);
        EXPECT_EQ(offset_of(&s, "simple", 1), 44);
        EXPECT_STR(state_of(&s, "simple"), "Empty");
        EXPECT_STR(state_of(&s, "gone"), "Dead");
    }
    EXPECT_EQ(leave(&s, 5, "g", id), MR_KAFKA_NONE);
    REQUIRE(scene_restart(&s));
    EXPECT_STR(state_of(&s, "g"), "Empty");
    id = join(&s, 3, "g", "", MR_KAFKA_NONE);
    sync_alone(&s, 3, "g", id, 3);  // The generation goes on.
    scene_close(&s);
}

// ---- deletion and retention ------------------------------------------------------------------

TEST(api_groups, groups_with_members_are_not_deleted_and_others_wholly) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    const char *id = join(&s, 3, "g", "", MR_KAFKA_NONE);
    sync_alone(&s, 3, "g", id, 1);
    EXPECT_EQ(commit(&s, 9, (commit_case){"g", id, 1, "t", 0, 3}), MR_KAFKA_NONE);
    EXPECT_EQ(delete_group(&s, "g"), MR_KAFKA_NON_EMPTY_GROUP);
    EXPECT_EQ(delete_group(&s, "nobody"), MR_KAFKA_GROUP_ID_NOT_FOUND);
    EXPECT_EQ(leave(&s, 5, "g", id), MR_KAFKA_NONE);
    EXPECT_EQ(delete_group(&s, "g"), MR_KAFKA_NONE);
    EXPECT_EQ(offset_of(&s, "g", 0), -1);
    EXPECT_STR(state_of(&s, "g"), "Dead");
    scene_close(&s);
}

static int16_t delete_offset(scene *s, const char *group, int32_t number, int16_t *ret_partition) {
    mr_wire_offset_delete_partition partition = {.partition_index = number};
    mr_wire_offset_delete_topic topic = {
        .name = MR_SPAN("t"), .partitions = &partition, .partitions_count = 1};
    mr_wire_offset_delete_request q = {
        .group_id = mr_span_of(group), .topics = &topic, .topics_count = 1};
    mr_wire_offset_delete_response r;
    scene_ask(s, MR_KEY_offset_delete, 0, &q, &r);
    *ret_partition = r.topics_count == 1 ? r.topics[0].partitions[0].error_code : -1;
    return r.error_code;
}

TEST(api_groups, offsets_of_topics_that_are_read_are_not_deleted) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    const char *id = join(&s, 3, "g", "", MR_KAFKA_NONE);
    sync_alone(&s, 3, "g", id, 1);
    EXPECT_EQ(commit(&s, 9, (commit_case){"g", id, 1, "t", 0, 3}), MR_KAFKA_NONE);
    int16_t partition = 0;
    EXPECT_EQ(delete_offset(&s, "g", 0, &partition), MR_KAFKA_NONE);
    EXPECT_EQ(partition, MR_KAFKA_GROUP_SUBSCRIBED_TO_TOPIC);
    EXPECT_EQ(offset_of(&s, "g", 0), 3);
    EXPECT_EQ(leave(&s, 5, "g", id), MR_KAFKA_NONE);
    EXPECT_EQ(delete_offset(&s, "g", 77, &partition), MR_KAFKA_NONE);
    EXPECT_EQ(partition, MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_EQ(delete_offset(&s, "g", 0, &partition), MR_KAFKA_NONE);
    EXPECT_EQ(partition, MR_KAFKA_NONE);
    EXPECT_EQ(offset_of(&s, "g", 0), -1);
    EXPECT_EQ(delete_offset(&s, "nobody", 0, &partition), MR_KAFKA_GROUP_ID_NOT_FOUND);
    EXPECT_EQ(delete_offset(&s, "", 0, &partition), MR_KAFKA_INVALID_GROUP_ID);
    scene_close(&s);
}

TEST(api_groups, offsets_without_use_expire_and_the_group_with_them) {
    scene s;
    const char *settings[] = {"offsets_retention", "2 days", NULL};
    REQUIRE(scene_open(&s, settings));
    (void)scene_topic(&s, "t");
    EXPECT_EQ(commit_plain(&s, "simple", 0, 1), MR_KAFKA_NONE);
    const char *id = join(&s, 3, "g", "", MR_KAFKA_NONE);
    sync_alone(&s, 3, "g", id, 1);
    EXPECT_EQ(commit(&s, 9, (commit_case){"g", id, 1, "t", 0, 3}), MR_KAFKA_NONE);
    pass(&s, DAY);
    EXPECT_STR(state_of(&s, "g"), "Empty");  // Since now: its offset stays for two days more.
    EXPECT_EQ(commit_plain(&s, "simple", 1, 1), MR_KAFKA_NONE);
    pass(&s, DAY + 3600 * SECOND);
    EXPECT_EQ(offset_of(&s, "simple", 0), -1);  // From its own commit on.
    EXPECT_EQ(offset_of(&s, "simple", 1), 1);
    EXPECT_EQ(offset_of(&s, "g", 0), 3);
    pass(&s, DAY);
    EXPECT_EQ(offset_of(&s, "g", 0), -1);
    EXPECT_STR(state_of(&s, "g"), "Dead");
    EXPECT_STR(state_of(&s, "simple"), "Dead");
    REQUIRE(scene_restart(&s));
    EXPECT_STR(state_of(&s, "g"), "Dead");
    EXPECT_STR(state_of(&s, "simple"), "Dead");
    scene_close(&s);
}

TEST(api_groups, offsets_of_a_deleted_topic_go_with_it) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    (void)scene_topic(&s, "other");
    EXPECT_EQ(commit_plain(&s, "g", 0, 1), MR_KAFKA_NONE);
    EXPECT_EQ(commit(&s, 9, (commit_case){"g", "", -1, "other", 0, 2}), MR_KAFKA_NONE);
    mr_topics *topics = mr_broker_topics(s.broker);
    mr_topic *topic = mr_topics_find(topics, MR_SPAN("t"));
    mr_outcome outcome;
    EXPECT_OK(mr_topics_delete(topics, topic, &outcome, &s.cx));
    EXPECT_EQ(outcome.error, MR_KAFKA_NONE);
    mr_topic_release(topic);
    EXPECT_EQ(offset_of(&s, "g", 0), -1);
    REQUIRE(scene_restart(&s));
    EXPECT_EQ(offset_of(&s, "g", 0), -1);
    mr_wire_offset_fetch_group all = {.group_id = MR_SPAN("g"), .topics_count = -1};
    mr_wire_offset_fetch_request q = {.groups = &all, .groups_count = 1};
    mr_wire_offset_fetch_response r;
    scene_ask(&s, MR_KEY_offset_fetch, 8, &q, &r);
    EXPECT_EQ(r.groups[0].topics_count, 1);
    scene_close(&s);
}

TEST(api_groups, groups_are_listed_by_state_and_type) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    EXPECT_EQ(commit_plain(&s, "simple", 0, 1), MR_KAFKA_NONE);
    const char *id = join(&s, 3, "live", "", MR_KAFKA_NONE);
    sync_alone(&s, 3, "live", id, 1);
    mr_wire_list_groups_request q = {0};
    mr_wire_list_groups_response r;
    for (int version = 0; version <= version_max(MR_KEY_list_groups); version++) {
        scene_ask(&s, MR_KEY_list_groups, version, &q, &r);
        REQUIRE(r.groups_count == 2);
        EXPECT(mr_span_is(r.groups[0].group_id, "live"));
        EXPECT(mr_span_is(r.groups[0].protocol_type, "consumer"));
        EXPECT(mr_span_is(r.groups[1].protocol_type, ""));
    }
    EXPECT(mr_span_is(r.groups[0].group_state, "Stable"));
    EXPECT(mr_span_is(r.groups[0].group_type, "classic"));
    mr_span states[] = {MR_SPAN(" EMPTY "), MR_SPAN("dead")};
    q.states_filter = states;
    q.states_filter_count = 2;
    scene_ask(&s, MR_KEY_list_groups, 5, &q, &r);
    EXPECT_EQ(r.groups_count, 1);
    mr_span types[] = {MR_SPAN("Consumer")};
    q.states_filter_count = 0;
    q.types_filter = types;
    q.types_filter_count = 1;
    scene_ask(&s, MR_KEY_list_groups, 5, &q, &r);
    EXPECT_EQ(r.groups_count, 0);
    types[0] = MR_SPAN("Classic");
    scene_ask(&s, MR_KEY_list_groups, 5, &q, &r);
    EXPECT_EQ(r.groups_count, 2);
    scene_close(&s);
}

TEST(api_groups, a_group_that_is_not_there_is_dead_or_not_found) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    mr_span name = MR_SPAN("nobody");
    mr_wire_describe_groups_request q = {
        .groups = &name, .groups_count = 1, .include_authorized_operations = true};
    mr_wire_describe_groups_response r;
    for (int version = 0; version <= version_max(MR_KEY_describe_groups); version++) {
        scene_ask(&s, MR_KEY_describe_groups, version, &q, &r);
        EXPECT(mr_span_is(r.groups[0].group_state, "Dead"));
        EXPECT_EQ(r.groups[0].error_code,
                  version >= 6 ? MR_KAFKA_GROUP_ID_NOT_FOUND : MR_KAFKA_NONE);
        EXPECT(version < 3 || r.groups[0].authorized_operations != INT32_MIN);
    }
    scene_close(&s);
}

// ---- waiting ---------------------------------------------------------------------------------

static mr_call *begin(scene *s, int key, int version, const void *request) {
    mr_wire_head head = {.key = (int16_t)key, .version = (int16_t)version};
    mr_text frame = {.arena = &s->arena};
    mr_call *call = NULL;
    EXPECT_OK(mr_wire_add_request(&head, request, &frame, &s->cx));
    mr_span body = {frame.data + MR_WIRE_LENGTH_BYTES, frame.bytes - MR_WIRE_LENGTH_BYTES};
    EXPECT_OK(mr_broker_send(s->broker, body, &call, &s->cx));
    return call;
}

static bool is_done(scene *s, mr_call *call) {
    bool done = false;
    mr_span frame;
    EXPECT_OK(mr_broker_take(s->broker, call, &done, &frame, &s->cx));
    return done;
}

TEST(api_groups, a_commit_and_who_reads_it_wait_for_the_disk) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    EXPECT_EQ(commit_plain(&s, "g", 0, 1), MR_KAFKA_NONE);
    mr_wire_offset_commit_partition partition = {.committed_offset = 2,
                                                 .committed_metadata = MR_SPAN("")};
    mr_wire_offset_commit_topic topic = {
        .name = MR_SPAN("t"), .partitions = &partition, .partitions_count = 1};
    mr_wire_offset_commit_request q = {.group_id = MR_SPAN("g"),
                                       .generation_id_or_member_epoch = -1,
                                       .retention_time_ms = -1,
                                       .topics = &topic,
                                       .topics_count = 1};
    mr_call *writer = begin(&s, MR_KEY_offset_commit, 9, &q);
    mr_wire_offset_fetch_group all = {.group_id = MR_SPAN("g"), .topics_count = -1};
    mr_wire_offset_fetch_request read = {.groups = &all, .groups_count = 1};
    mr_call *reader = begin(&s, MR_KEY_offset_fetch, 9, &read);
    all.group_id = MR_SPAN("other");
    mr_call *stranger = begin(&s, MR_KEY_offset_fetch, 9, &read);
    EXPECT(!is_done(&s, writer));
    EXPECT(!is_done(&s, reader));
    EXPECT(is_done(&s, stranger));
    EXPECT_OK(mr_broker_turn(s.broker, &s.cx));
    EXPECT(is_done(&s, writer));
    EXPECT(is_done(&s, reader));
    EXPECT_EQ(offset_of(&s, "g", 0), 2);
    scene_close(&s);
}

TEST(api_groups, a_join_waits_for_the_others_and_is_answered_with_theirs) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    const char *id = join(&s, 3, "g", "", MR_KAFKA_NONE);
    sync_alone(&s, 3, "g", id, 1);
    mr_wire_join_group_protocol protocol = {MR_SPAN("range"), MR_SPAN("")};
    mr_wire_join_group_request q = {.group_id = MR_SPAN("g"),
                                    .session_timeout_ms = 10000,
                                    .rebalance_timeout_ms = 60000,
                                    .member_id = MR_SPAN(""),
                                    .protocol_type = MR_SPAN("consumer"),
                                    .protocols = &protocol,
                                    .protocols_count = 1};
    mr_call *second = begin(&s, MR_KEY_join_group, 3, &q);
    EXPECT_OK(mr_broker_turn(s.broker, &s.cx));
    EXPECT(!is_done(&s, second));
    EXPECT_EQ(beat(&s, 3, "g", id, 1), MR_KAFKA_REBALANCE_IN_PROGRESS);
    mr_call *third = begin(&s, MR_KEY_join_group, 3, &q);
    mr_broker_forget(s.broker, third);  // Its client is gone; it stays a member for now.
    (void)join(&s, 3, "g", id, MR_KAFKA_NONE);
    EXPECT(is_done(&s, second));
    EXPECT_STR(state_of(&s, "g"), "CompletingRebalance");
    pass(&s, 70 * SECOND);
    EXPECT_STR(state_of(&s, "g"), "Empty");
    scene_close(&s);
}
