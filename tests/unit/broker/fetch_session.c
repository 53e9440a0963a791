// Fetch sessions: Kafka's rules of ids, epochs and eviction, and which partitions are told.

#include "broker/fetch_session.h"

#include <string.h>

#include "broker/broker.h"
#include "plat/sim.h"
#include "scene.h"

#define PARTS_MAX 8

// Sessions by themselves: logs are the marks that a test sets.
typedef struct rig {
    mr_arena arena;
    mr_plat *plat;
    mr_cx cx;
    mr_fetch_sessions *sessions;
    // The last answer.
    mr_fetch_plan plan;
    bool told[PARTS_MAX];
} rig;

static void rig_init(rig *r, uint32_t slots) {
    *r = (rig){.plat = mr_sim_new(7)};
    mr_cx_init(&r->cx, &r->arena, r->plat);
    r->sessions = mr_fetch_sessions_open(slots, r->plat);
}

static void rig_release(rig *r) {
    mr_fetch_sessions_close(r->sessions);
    mr_sim_free(r->plat);
    mr_arena_release(&r->arena);
}

// A request for the partitions 0 .. count - 1 of a topic.
static mr_wire_fetch_request request(rig *r, int32_t session, int32_t epoch, int32_t count) {
    mr_wire_fetch_topic *topic = MR_NEW(&r->arena, mr_wire_fetch_topic);
    *topic = (mr_wire_fetch_topic){
        .topic = MR_SPAN("t"),
        .partitions = MR_NEW_ARRAY(&r->arena, mr_wire_fetch_partition, (size_t)count),
        .partitions_count = count};
    for (int32_t i = 0; i < count; i++) {
        topic->partitions[i].partition = i;
    }
    return (mr_wire_fetch_request){.session_id = session,
                                   .session_epoch = epoch,
                                   .topics = topic,
                                   .topics_count = count > 0 ? 1 : 0};
}

static mr_wire_fetch_forgotten forgotten(int32_t *partition) {
    return (mr_wire_fetch_forgotten){
        .topic = MR_SPAN("t"), .partitions = partition, .partitions_count = 1};
}

static int16_t begin(rig *r, const mr_wire_fetch_request *q) {
    return mr_fetch_sessions_begin(r->sessions, q, /* by_id= */ false, &r->plan, &r->cx);
}

// How many partitions are told when partition i has data[i]; -1 when the fetch fails.
static int end(rig *r, const mr_wire_fetch_data *data) {
    mr_wire_fetch_data own[PARTS_MAX];
    for (uint32_t i = 0; i < r->plan.count; i++) {
        own[i] = data[r->plan.wishes[i].partition.partition];
    }
    if (mr_fetch_sessions_end(r->sessions, &r->plan, own, r->told, &r->cx) != MR_KAFKA_NONE) {
        return -1;
    }
    int told = 0;
    for (uint32_t i = 0; i < r->plan.count; i++) {
        told += r->told[i];
    }
    return told;
}

// A session of a client that wants `count` partitions: its id, 0 when it gets none.
static int32_t opened(rig *r, int32_t count) {
    mr_wire_fetch_request q = request(r, 0, 0, count);
    mr_wire_fetch_data data[PARTS_MAX] = {0};
    EXPECT_EQ(begin(r, &q), MR_KAFKA_NONE);
    EXPECT_EQ(end(r, data), count);
    return r->plan.session_id;
}

// A session's next fetch, which names nothing.
static int16_t touched(rig *r, int32_t session, int32_t epoch) {
    mr_wire_fetch_request q = request(r, session, epoch, 0);
    return begin(r, &q);
}

TEST(fetch_session, only_what_has_changed_is_told) {
    rig r;
    rig_init(&r, 10);
    mr_wire_fetch_data data[PARTS_MAX] = {0};
    int32_t id = opened(&r, 3);
    EXPECT(id > 0);
    EXPECT_EQ(touched(&r, id, 1), MR_KAFKA_NONE);
    EXPECT_EQ(r.plan.count, 3);  // All are looked at.
    EXPECT_EQ(end(&r, data), 0);
    EXPECT_EQ(r.plan.session_id, id);
    data[1].high_watermark = 5;
    EXPECT_EQ(touched(&r, id, 2), MR_KAFKA_NONE);
    EXPECT_EQ(end(&r, data), 1);
    EXPECT(r.told[1]);
    data[2].log_start_offset = 3;
    EXPECT_EQ(touched(&r, id, 3), MR_KAFKA_NONE);
    EXPECT_EQ(end(&r, data), 1);
    EXPECT(r.told[2]);
    // Records are told as often as they are there.
    data[0].records = MR_SPAN("batch");
    for (int32_t epoch = 4; epoch < 6; epoch++) {
        EXPECT_EQ(touched(&r, id, epoch), MR_KAFKA_NONE);
        EXPECT_EQ(end(&r, data), 1);
    }
    // Their partition waits behind the others now.
    EXPECT_EQ(touched(&r, id, 6), MR_KAFKA_NONE);
    EXPECT_EQ(r.plan.wishes[0].partition.partition, 1);
    EXPECT_EQ(r.plan.wishes[2].partition.partition, 0);
    rig_release(&r);
}

TEST(fetch_session, an_error_is_told_until_it_ends_and_its_end_too) {
    rig r;
    rig_init(&r, 10);
    mr_wire_fetch_data data[PARTS_MAX] = {0};
    int32_t id = opened(&r, 2);
    data[0].error_code = MR_KAFKA_OFFSET_OUT_OF_RANGE;
    for (int32_t epoch = 1; epoch < 3; epoch++) {
        EXPECT_EQ(touched(&r, id, epoch), MR_KAFKA_NONE);
        EXPECT_EQ(end(&r, data), 1);
        EXPECT(r.told[0]);
    }
    data[0].error_code = MR_KAFKA_NONE;
    EXPECT_EQ(touched(&r, id, 3), MR_KAFKA_NONE);
    EXPECT_EQ(end(&r, data), 1);
    EXPECT_EQ(touched(&r, id, 4), MR_KAFKA_NONE);
    EXPECT_EQ(end(&r, data), 0);
    rig_release(&r);
}

TEST(fetch_session, partitions_come_go_and_get_new_offsets) {
    rig r;
    rig_init(&r, 10);
    mr_wire_fetch_data data[PARTS_MAX] = {0};
    int32_t id = opened(&r, 2);
    mr_wire_fetch_request q = request(&r, id, 1, 3);  // One more; and 0 has a new offset.
    q.topics[0].partitions[0].fetch_offset = 77;
    EXPECT_EQ(begin(&r, &q), MR_KAFKA_NONE);
    EXPECT_EQ(r.plan.count, 3);
    EXPECT_EQ(r.plan.wishes[0].partition.fetch_offset, 77);
    EXPECT_EQ(end(&r, data), 1);
    EXPECT(r.told[2]);
    int32_t gone[] = {1};
    mr_wire_fetch_forgotten away = forgotten(gone);
    q = request(&r, id, 2, 0);
    q.forgotten_topics_data = &away;
    q.forgotten_topics_data_count = 1;
    EXPECT_EQ(begin(&r, &q), MR_KAFKA_NONE);
    EXPECT_EQ(r.plan.count, 2);
    EXPECT_EQ(r.plan.wishes[0].partition.fetch_offset, 77);
    EXPECT_EQ(r.plan.wishes[1].partition.partition, 2);
    EXPECT_EQ(end(&r, data), 0);
    // Who wants nothing any more has no session any more.
    int32_t all[] = {0, 2};
    away = forgotten(all);
    away.partitions_count = 2;
    q.session_epoch = 3;
    EXPECT_EQ(begin(&r, &q), MR_KAFKA_NONE);
    EXPECT_EQ(r.plan.count, 0);
    EXPECT_EQ(end(&r, data), 0);
    EXPECT_EQ(r.plan.session_id, 0);
    EXPECT_EQ(touched(&r, id, 4), MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    rig_release(&r);
}

TEST(fetch_session, a_wrong_id_or_epoch_is_refused) {
    rig r;
    rig_init(&r, 10);
    mr_wire_fetch_data data[PARTS_MAX] = {0};
    int32_t id = opened(&r, 2);
    EXPECT_EQ(touched(&r, id, 2), MR_KAFKA_INVALID_FETCH_SESSION_EPOCH);
    EXPECT_EQ(touched(&r, id ^ 1, 1), MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    EXPECT_EQ(touched(&r, 0, 1), MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    EXPECT_EQ(touched(&r, -id, 1), MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    mr_wire_fetch_request q = request(&r, id, 1, 0);
    EXPECT_EQ(mr_fetch_sessions_begin(r.sessions, &q, /* by_id= */ true, &r.plan, &r.cx),
              MR_KAFKA_FETCH_SESSION_TOPIC_ID_ERROR);
    EXPECT_EQ(begin(&r, &q), MR_KAFKA_NONE);  // None of that has touched it.
    // The same fetch once more, before the first one is answered: that is not answered then.
    mr_fetch_plan first = r.plan;
    EXPECT_EQ(touched(&r, id, 1), MR_KAFKA_INVALID_FETCH_SESSION_EPOCH);
    EXPECT_EQ(touched(&r, id, 2), MR_KAFKA_NONE);
    EXPECT_EQ(mr_fetch_sessions_end(r.sessions, &first, data, r.told, &r.cx),
              MR_KAFKA_INVALID_FETCH_SESSION_EPOCH);
    EXPECT_EQ(end(&r, data), 0);
    // A whole fetch ends the session that it names, whether it wants another one or not.
    q = request(&r, id, -1, 2);
    EXPECT_EQ(begin(&r, &q), MR_KAFKA_NONE);
    EXPECT_EQ(end(&r, data), 2);
    EXPECT_EQ(r.plan.session_id, 0);
    EXPECT_EQ(touched(&r, id, 3), MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    rig_release(&r);
}

TEST(fetch_session, when_there_are_too_many_the_stale_and_the_smaller_ones_go) {
    rig r;
    rig_init(&r, 2);
    int32_t small = opened(&r, 2), large = opened(&r, 4);
    EXPECT(small > 0 && large > 0 && small != large);
    EXPECT_EQ(opened(&r, 5), 0);  // Both are young.
    mr_clock_sleep_us(r.plat, 100 * 1000000);
    EXPECT_EQ(touched(&r, small, 1), MR_KAFKA_NONE);
    EXPECT_EQ(touched(&r, large, 1), MR_KAFKA_NONE);
    mr_clock_sleep_us(r.plat, 100 * 1000000);
    EXPECT_EQ(opened(&r, 5), 0);  // Old enough, but not known to be in use for so long.
    EXPECT_EQ(touched(&r, small, 2), MR_KAFKA_NONE);
    EXPECT_EQ(touched(&r, large, 2), MR_KAFKA_NONE);
    EXPECT_EQ(opened(&r, 2), 0);  // Not larger than the smallest.
    int32_t third = opened(&r, 3);
    EXPECT(third > 0);
    EXPECT_EQ(touched(&r, small, 3), MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    EXPECT_EQ(touched(&r, large, 3), MR_KAFKA_NONE);
    mr_clock_sleep_us(r.plat, 121 * 1000000);
    EXPECT(opened(&r, 1) > 0);  // One that was not used for two minutes goes for any.
    EXPECT_EQ(touched(&r, third, 1), MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    rig_release(&r);
}

TEST(fetch_session, without_slots_every_list_is_whole) {
    rig r;
    rig_init(&r, 0);
    EXPECT_EQ(opened(&r, 3), 0);
    EXPECT_EQ(touched(&r, 1, 1), MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    rig_release(&r);
}

TEST(fetch_session, the_memory_of_all_is_bounded) {
    rig r;
    rig_init(&r, 100);
    enum { COUNT = 1000, NAME_BYTES = 30000 };  // About 30 MB a session.
    mr_wire_fetch_request q = request(&r, 0, 0, COUNT);
    q.topics[0].topic = (mr_span){mr_arena_alloc(&r.arena, NAME_BYTES), NAME_BYTES};
    static const mr_wire_fetch_data data[COUNT];
    bool told[COUNT];
    int sessions = 0;
    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(begin(&r, &q), MR_KAFKA_NONE);
        EXPECT_EQ(mr_fetch_sessions_end(r.sessions, &r.plan, data, told, &r.cx), MR_KAFKA_NONE);
        sessions += r.plan.session_id != 0;
        EXPECT(told[COUNT - 1]);
    }
    EXPECT_EQ(sessions, 2);
    rig_release(&r);
}

// The same through the handler, where marks are those of logs.
TEST(fetch_session, a_consumer_is_told_of_the_partition_that_moved) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    mr_wire_fetch_request *q = scene_fetch(&s, "t", 0, 0);
    mr_wire_fetch_partition parts[4];
    for (int32_t p = 0; p < 4; p++) {
        parts[p] = q->topics[0].partitions[0];
        parts[p].partition = p;
    }
    q->topics[0].partitions = parts;
    q->topics[0].partitions_count = 4;
    q->session_epoch = 0;
    mr_wire_fetch_response r;
    scene_ask(&s, MR_KEY_fetch, 7, q, &r);
    EXPECT_EQ(r.error_code, MR_KAFKA_NONE);
    EXPECT(r.session_id > 0);
    REQUIRE(r.responses_count == 1);
    EXPECT_EQ(r.responses[0].partitions_count, 4);
    q->session_id = r.session_id;
    q->session_epoch = 1;
    q->topics_count = 0;
    scene_ask(&s, MR_KEY_fetch, 7, q, &r);
    EXPECT_EQ(r.session_id, q->session_id);
    EXPECT_EQ(r.responses_count, 0);
    int64_t base;
    EXPECT_EQ(scene_produce(&s, "t", 2, scene_batch(&s, 3, 0), &base), MR_KAFKA_NONE);
    q->session_epoch = 2;
    scene_ask(&s, MR_KEY_fetch, 7, q, &r);
    REQUIRE(r.responses_count == 1);
    REQUIRE(r.responses[0].partitions_count == 1);
    EXPECT_EQ(r.responses[0].partitions[0].partition_index, 2);
    EXPECT_EQ(scene_count(&s, r.responses[0].partitions[0].records), 3);
    scene_ask(&s, MR_KEY_fetch, 7, q, &r);
    EXPECT_EQ(r.error_code, MR_KAFKA_INVALID_FETCH_SESSION_EPOCH);
    EXPECT_EQ(r.session_id, 0);
    scene_close(&s);
}

TEST(fetch_session, what_is_refused_a_fetch_is_refused_its_session) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    mr_wire_uuid id = scene_topic(&s, "t");
    mr_wire_fetch_request *q = scene_fetch(&s, "t", 0, 0);
    q->topics[0].topic_id = id;
    q->session_epoch = 0;
    mr_wire_fetch_response r;
    scene_ask(&s, MR_KEY_fetch, 13, q, &r);
    REQUIRE(r.session_id > 0);
    mr_wire_delete_topics_topic gone = {.name = MR_SPAN("t")};
    mr_wire_delete_topics_request del = {.topics = &gone, .topics_count = 1, .timeout_ms = 1000};
    mr_wire_delete_topics_response deleted;
    scene_ask(&s, MR_KEY_delete_topics, 6, &del, &deleted);
    q->session_id = r.session_id;
    q->session_epoch = 1;
    q->topics_count = 0;
    scene_ask(&s, MR_KEY_fetch, 13, q, &r);
    REQUIRE(r.responses_count == 1);
    EXPECT(memcmp(&r.responses[0].topic_id, &id, sizeof(id)) == 0);
    EXPECT_EQ(r.responses[0].partitions[0].error_code, MR_KAFKA_UNKNOWN_TOPIC_ID);
    scene_close(&s);
}
