// Handlers of records: produce, fetch, offsets and deletion, in every version that is served.

#include <string.h>

#include "broker/api.h"
#include "scene.h"

#define TIME_MS INT64_C(1767225600000)  // The simulator's first moment.

static int version_max(int key) {
    return mr_api_find((int16_t)key)->version_max;
}

// The first partition of an answer.
static const mr_wire_fetch_data *fetched(scene *s, int version, const mr_wire_fetch_request *q,
                                         mr_wire_fetch_response *r) {
    static const mr_wire_fetch_data none = {.error_code = -1};
    scene_ask(s, MR_KEY_fetch, version, q, r);
    return EXPECT_EQ(r->responses_count, 1) && EXPECT_EQ(r->responses[0].partitions_count, 1)
               ? &r->responses[0].partitions[0]
               : &none;
}

TEST(api_records, what_is_produced_in_any_version_is_fetched_in_any) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    mr_wire_uuid id = scene_topic(&s, "t");
    int64_t next = 0;
    for (int version = 3; version <= version_max(MR_KEY_produce); version++) {
        mr_wire_produce_partition data = {.index = 1, .records = scene_batch(&s, 3, TIME_MS)};
        mr_wire_produce_topic one = {.name = MR_SPAN("t"),
                                     .topic_id = id,
                                     .partition_data = &data,
                                     .partition_data_count = 1};
        mr_wire_produce_request q = {.acks = (int16_t)(version % 2 == 0 ? 1 : -1),
                                     .timeout_ms = 1000,
                                     .topic_data = &one,
                                     .topic_data_count = 1};
        mr_wire_produce_response r;
        scene_ask(&s, MR_KEY_produce, version, &q, &r);
        REQUIRE(r.responses_count == 1 && r.responses[0].partition_responses_count == 1);
        const mr_wire_produce_done *done = &r.responses[0].partition_responses[0];
        EXPECT_EQ(done->error_code, MR_KAFKA_NONE);
        EXPECT_EQ(done->base_offset, next);
        EXPECT_EQ(done->index, 1);
        EXPECT_EQ(done->log_append_time_ms, -1);
        EXPECT_EQ(done->log_start_offset, version >= 5 ? 0 : -1);
        next += 3;
    }
    for (int version = 4; version <= version_max(MR_KEY_fetch); version++) {
        mr_wire_fetch_request *q = scene_fetch(&s, "t", 1, 4);  // Inside of the second batch.
        q->topics[0].topic_id = id;
        q->isolation_level = (int8_t)(version % 2);
        mr_wire_fetch_response r;
        const mr_wire_fetch_data *data = fetched(&s, version, q, &r);
        EXPECT_EQ(r.session_id, 0);
        EXPECT_EQ(data->error_code, MR_KAFKA_NONE);
        EXPECT_EQ(data->high_watermark, next);
        EXPECT_EQ(data->last_stable_offset, next);
        EXPECT_EQ(scene_count(&s, data->records), next - 3);
        EXPECT_EQ(data->aborted_transactions_count, version % 2 == 1 ? 0 : -1);
    }
    scene_close(&s);
}

TEST(api_records, a_partition_that_is_refused_does_not_touch_the_others) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    mr_span good = scene_batch(&s, 2, TIME_MS);
    char *bad = mr_arena_copy(&s.arena, good.data, good.bytes);
    bad[good.bytes - 1] ^= 1;
    mr_wire_produce_partition data[] = {
        {.index = 0, .records = {bad, good.bytes}},
        {.index = 1, .records = good},
        {.index = 77, .records = good},
        {.index = 2, .records = {NULL, 0}},
    };
    mr_wire_produce_topic topics[] = {
        {.name = MR_SPAN("t"), .partition_data = data, .partition_data_count = 4},
        {.name = MR_SPAN("none"), .partition_data = data, .partition_data_count = 1},
    };
    mr_wire_produce_request q = {
        .acks = -1, .timeout_ms = 1000, .topic_data = topics, .topic_data_count = 2};
    mr_wire_produce_response r;
    scene_ask(&s, MR_KEY_produce, 8, &q, &r);
    REQUIRE(r.responses_count == 2 && r.responses[0].partition_responses_count == 4);
    const mr_wire_produce_done *done = r.responses[0].partition_responses;
    EXPECT_EQ(done[0].error_code, MR_KAFKA_CORRUPT_MESSAGE);
    EXPECT_EQ(done[0].base_offset, -1);
    EXPECT(done[0].error_message.data != NULL);
    EXPECT_EQ(done[1].error_code, MR_KAFKA_NONE);
    EXPECT_EQ(done[1].base_offset, 0);
    EXPECT_EQ(done[2].error_code, MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT(done[3].error_code != MR_KAFKA_NONE);
    EXPECT_EQ(r.responses[1].partition_responses[0].error_code,
              MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    q.acks = 2;
    scene_ask(&s, MR_KEY_produce, 8, &q, &r);
    EXPECT_EQ(r.responses[0].partition_responses[1].error_code, MR_KAFKA_INVALID_REQUIRED_ACKS);
    mr_wire_fetch_response f;
    EXPECT_EQ(scene_count(&s, fetched(&s, 4, scene_fetch(&s, "t", 1, 0), &f)->records), 2);
    scene_close(&s);
}

static mr_span frame_of(scene *s, int key, int version, const void *request) {
    mr_text out;
    mr_text_init(&out, &s->arena);
    mr_wire_head head = {(int16_t)key, (int16_t)version, 5, MR_SPAN("test")};
    EXPECT_OK(mr_wire_add_request(&head, request, &out, &s->cx));
    return (mr_span){out.data + MR_WIRE_LENGTH_BYTES, out.bytes - MR_WIRE_LENGTH_BYTES};
}

TEST(api_records, a_fetch_waits_for_records_or_its_time) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    mr_wire_fetch_response r;
    int64_t begun_us = mr_clock_monotonic_us(s.cx.plat);
    const mr_wire_fetch_data *data = fetched(&s, 11, scene_fetch(&s, "t", 0, 0), &r);
    EXPECT_EQ(data->error_code, MR_KAFKA_NONE);
    EXPECT_EQ(data->records.bytes, 0);
    int64_t waited_us = mr_clock_monotonic_us(s.cx.plat) - begun_us;
    EXPECT(waited_us >= 500000 && waited_us < 30000000);
    // Two wait for different partitions; one of them gets something.
    mr_call *first = NULL, *second = NULL;
    mr_span a = frame_of(&s, MR_KEY_fetch, 4, scene_fetch(&s, "t", 0, 0));
    mr_span b = frame_of(&s, MR_KEY_fetch, 4, scene_fetch(&s, "t", 2, 0));
    REQUIRE_OK(mr_broker_send(s.broker, a, &first, &s.cx));
    REQUIRE_OK(mr_broker_send(s.broker, b, &second, &s.cx));
    bool done = true;
    mr_span answer;
    EXPECT_OK(mr_broker_take(s.broker, first, &done, &answer, &s.cx));
    EXPECT(!done);
    int64_t base = -1;
    EXPECT_EQ(scene_produce(&s, "t", 2, scene_batch(&s, 5, TIME_MS), &base), MR_KAFKA_NONE);
    EXPECT_EQ(base, 0);
    EXPECT_OK(mr_broker_take(s.broker, second, &done, &answer, &s.cx));
    EXPECT(done);
    mr_wire_head head = {MR_KEY_fetch, 4, 0, MR_SPAN("")};
    mr_span body;
    REQUIRE_OK(mr_wire_read_response(answer, &head, &body, &s.cx));
    EXPECT_EQ(head.correlation, 5);
    REQUIRE_OK(mr_wire_decode(&mr_schema_fetch_response, (mr_wire_format){4, false}, body, SIZE_MAX,
                              &r, &s.cx));
    EXPECT_EQ(scene_count(&s, r.responses[0].partitions[0].records), 5);
    EXPECT_OK(mr_broker_take(s.broker, first, &done, &answer, &s.cx));
    EXPECT(!done);
    mr_broker_forget(s.broker, first);
    scene_close(&s);
}

TEST(api_records, a_fetch_keeps_to_its_limits_but_for_the_first_batch) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    int64_t base;
    for (int32_t p = 0; p < 2; p++) {
        for (int i = 0; i < 3; i++) {
            EXPECT_EQ(scene_produce(&s, "t", p, scene_batch(&s, 10, TIME_MS), &base), 0);
        }
    }
    mr_wire_fetch_request *q = scene_fetch(&s, "t", 0, 0);
    mr_wire_fetch_partition parts[2] = {q->topics[0].partitions[0], q->topics[0].partitions[0]};
    parts[1].partition = 1;
    q->topics[0].partitions = parts;
    q->topics[0].partitions_count = 2;
    mr_wire_fetch_response r;
    q->max_bytes = 1;
    scene_ask(&s, MR_KEY_fetch, 10, q, &r);
    REQUIRE(r.responses_count == 1 && r.responses[0].partitions_count == 2);
    EXPECT_EQ(scene_count(&s, r.responses[0].partitions[0].records), 10);
    EXPECT_EQ(scene_count(&s, r.responses[0].partitions[1].records), 0);
    q->max_bytes = 1 << 20;
    parts[0].partition_max_bytes = (int32_t)scene_batch(&s, 10, TIME_MS).bytes * 2;
    parts[1].partition_max_bytes = parts[0].partition_max_bytes - 1;
    scene_ask(&s, MR_KEY_fetch, 10, q, &r);
    EXPECT_EQ(scene_count(&s, r.responses[0].partitions[0].records), 20);
    EXPECT_EQ(scene_count(&s, r.responses[0].partitions[1].records), 10);
    scene_close(&s);
}

TEST(api_records, long_and_short_runs_of_several_partitions_come_whole) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    static const uint32_t counts[] = {5000, 3, 0, 9000};
    int64_t base;
    for (int32_t p = 0; p < 4; p++) {
        if (counts[p] > 0) {
            mr_span batch = scene_batch(&s, counts[p], TIME_MS);
            EXPECT_EQ(scene_produce(&s, "t", p, batch, &base), MR_KAFKA_NONE);
        }
    }
    mr_wire_fetch_request *q = scene_fetch(&s, "t", 0, 0);
    mr_wire_fetch_partition parts[4];
    for (int32_t p = 0; p < 4; p++) {
        parts[p] = q->topics[0].partitions[0];
        parts[p].partition = p;
    }
    q->topics[0].partitions = parts;
    q->topics[0].partitions_count = 4;
    for (int version = 4; version <= 12; version += 8) {
        mr_wire_fetch_response r;
        scene_ask(&s, MR_KEY_fetch, version, q, &r);
        REQUIRE(r.responses_count == 1 && r.responses[0].partitions_count == 4);
        for (uint32_t p = 0; p < 4; p++) {
            const mr_wire_fetch_data *data = &r.responses[0].partitions[p];
            EXPECT_EQ(data->partition_index, p);
            EXPECT_EQ(scene_count(&s, data->records), counts[p]);
        }
    }
    scene_close(&s);
}

TEST(api_records, a_fetch_that_cannot_be_says_why) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    mr_wire_fetch_response r;
    EXPECT_EQ(fetched(&s, 11, scene_fetch(&s, "none", 0, 0), &r)->error_code,
              MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_EQ(fetched(&s, 11, scene_fetch(&s, "t", 99, 0), &r)->error_code,
              MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_EQ(fetched(&s, 11, scene_fetch(&s, "t", 0, 5), &r)->error_code,
              MR_KAFKA_OFFSET_OUT_OF_RANGE);
    EXPECT_EQ(fetched(&s, 11, scene_fetch(&s, "t", 0, -1), &r)->error_code,
              MR_KAFKA_OFFSET_OUT_OF_RANGE);
    mr_wire_fetch_request *q = scene_fetch(&s, "t", 0, 0);
    EXPECT_EQ(fetched(&s, 13, q, &r)->error_code, MR_KAFKA_UNKNOWN_TOPIC_ID);
    q->topics[0].partitions[0].current_leader_epoch = 3;
    EXPECT_EQ(fetched(&s, 11, q, &r)->error_code, MR_KAFKA_UNKNOWN_LEADER_EPOCH);
    q->session_id = 17;
    q->session_epoch = 2;
    scene_ask(&s, MR_KEY_fetch, 11, q, &r);
    EXPECT_EQ(r.error_code, MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    EXPECT_EQ(r.responses_count, 0);
    scene_close(&s);
}

static mr_wire_list_offsets_found offset_at(scene *s, int version, int64_t time_ms) {
    mr_wire_list_offsets_partition part = {
        .partition_index = 0, .current_leader_epoch = -1, .timestamp = time_ms};
    mr_wire_list_offsets_topic topic = {
        .name = MR_SPAN("t"), .partitions = &part, .partitions_count = 1};
    mr_wire_list_offsets_request q = {.topics = &topic, .topics_count = 1};
    mr_wire_list_offsets_response r;
    scene_ask(s, MR_KEY_list_offsets, version, &q, &r);
    return EXPECT(r.topics_count == 1 && r.topics[0].partitions_count == 1)
               ? r.topics[0].partitions[0]
               : (mr_wire_list_offsets_found){.error_code = -1};
}

TEST(api_records, offsets_are_found_by_time_and_by_their_special_names) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    int64_t base;
    EXPECT_EQ(scene_produce(&s, "t", 0, scene_batch(&s, 10, TIME_MS - 100000), &base), 0);
    EXPECT_EQ(scene_produce(&s, "t", 0, scene_batch(&s, 10, TIME_MS - 50000), &base), 0);
    EXPECT_EQ(scene_produce(&s, "t", 0, scene_batch(&s, 10, TIME_MS - 80000), &base), 0);
    for (int version = 1; version <= version_max(MR_KEY_list_offsets); version++) {
        EXPECT_EQ(offset_at(&s, version, -1).offset, 30);
        EXPECT_EQ(offset_at(&s, version, -2).offset, 0);
        mr_wire_list_offsets_found found = offset_at(&s, version, TIME_MS - 95500);
        EXPECT_EQ(found.offset, 5);
        EXPECT_EQ(found.timestamp, TIME_MS - 95000);
        EXPECT_EQ(offset_at(&s, version, TIME_MS - 60000).offset, 10);
        EXPECT_EQ(offset_at(&s, version, TIME_MS).offset, -1);
        mr_wire_list_offsets_found greatest = offset_at(&s, version, -3);
        EXPECT_EQ(greatest.error_code, version >= 7 ? 0 : MR_KAFKA_UNSUPPORTED_VERSION);
        EXPECT_EQ(greatest.offset, version >= 7 ? 19 : -1);
        EXPECT_EQ(offset_at(&s, version, -4).offset, version >= 8 ? 0 : -1);
        EXPECT_EQ(offset_at(&s, version, -5).error_code,
                  version >= 9 ? 0 : MR_KAFKA_UNSUPPORTED_VERSION);
    }
    scene_close(&s);
}

static mr_wire_delete_records_done deleted_before(scene *s, int64_t offset) {
    mr_wire_delete_records_partition part = {0, offset};
    mr_wire_delete_records_topic topic = {
        .name = MR_SPAN("t"), .partitions = &part, .partitions_count = 1};
    mr_wire_delete_records_request q = {.topics = &topic, .topics_count = 1, .timeout_ms = 1000};
    mr_wire_delete_records_response r;
    scene_ask(s, MR_KEY_delete_records, 2, &q, &r);
    bool one = EXPECT_EQ(r.topics_count, 1) && EXPECT_EQ(r.topics[0].partitions_count, 1);
    return one ? r.topics[0].partitions[0] : (mr_wire_delete_records_done){.error_code = -1};
}

TEST(api_records, deleted_records_stay_deleted_after_a_power_cut) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    for (int64_t life = 0; life < 5; life++) {
        int64_t base;
        EXPECT_EQ(scene_produce(&s, "t", 0, scene_batch(&s, 10, TIME_MS), &base), 0);
        EXPECT_EQ(base, 10 * life);
        EXPECT_EQ(deleted_before(&s, base + 3).low_watermark, base + 3);
        REQUIRE(scene_power_cut(&s));
        EXPECT_EQ(offset_at(&s, 1, -2).offset, base + 3);
        EXPECT_EQ(offset_at(&s, 1, -1).offset, base + 10);
    }
    scene_close(&s);
}

TEST(api_records, records_are_not_said_to_be_deleted_when_that_cannot_be_kept) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    int64_t base;
    EXPECT_EQ(scene_produce(&s, "t", 0, scene_batch(&s, 10, TIME_MS), &base), 0);
    mr_sim_full(s.cx.plat, true);
    mr_wire_delete_records_done done = deleted_before(&s, 3);
    EXPECT_EQ(done.error_code, MR_KAFKA_KAFKA_STORAGE_ERROR);
    EXPECT_EQ(done.low_watermark, -1);
    mr_sim_full(s.cx.plat, false);
    EXPECT_EQ(deleted_before(&s, 3).low_watermark, 3);  // Again, though nothing moves any more.
    REQUIRE(scene_power_cut(&s));
    EXPECT_EQ(offset_at(&s, 1, -2).offset, 3);
    scene_close(&s);
}

TEST(api_records, deleted_records_are_out_of_range_also_after_a_restart) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    int64_t base;
    EXPECT_EQ(scene_produce(&s, "t", 0, scene_batch(&s, 10, TIME_MS), &base), 0);
    EXPECT_EQ(scene_produce(&s, "t", 0, scene_batch(&s, 10, TIME_MS), &base), 0);
    mr_wire_delete_records_partition parts[] = {{0, 12}, {1, 5}, {99, 0}};
    mr_wire_delete_records_topic topic = {
        .name = MR_SPAN("t"), .partitions = parts, .partitions_count = 3};
    mr_wire_delete_records_request q = {.topics = &topic, .topics_count = 1, .timeout_ms = 1000};
    mr_wire_delete_records_response r;
    scene_ask(&s, MR_KEY_delete_records, 2, &q, &r);
    REQUIRE(r.topics_count == 1 && r.topics[0].partitions_count == 3);
    EXPECT_EQ(r.topics[0].partitions[0].low_watermark, 12);
    EXPECT_EQ(r.topics[0].partitions[0].error_code, MR_KAFKA_NONE);
    EXPECT_EQ(r.topics[0].partitions[1].error_code, MR_KAFKA_OFFSET_OUT_OF_RANGE);
    EXPECT_EQ(r.topics[0].partitions[2].error_code, MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    for (int i = 0; i < 2; i++) {
        mr_wire_fetch_response f;
        EXPECT_EQ(fetched(&s, 11, scene_fetch(&s, "t", 0, 11), &f)->error_code,
                  MR_KAFKA_OFFSET_OUT_OF_RANGE);
        EXPECT_EQ(scene_count(&s, fetched(&s, 11, scene_fetch(&s, "t", 0, 12), &f)->records), 10);
        EXPECT_EQ(offset_at(&s, 1, -2).offset, 12);
        REQUIRE(scene_restart(&s));
    }
    scene_close(&s);
}

TEST(api_records, the_only_leader_epoch_ends_where_the_log_ends) {
    scene s;
    REQUIRE(scene_open(&s, NULL));
    (void)scene_topic(&s, "t");
    int64_t base;
    EXPECT_EQ(scene_produce(&s, "t", 0, scene_batch(&s, 7, TIME_MS), &base), 0);
    for (int version = 2; version <= 4; version++) {
        mr_wire_offset_for_leader_epoch_partition parts[] = {{0, -1, 0}, {0, 0, 5}, {0, 4, 0}};
        mr_wire_offset_for_leader_epoch_topic topic = {
            .topic = MR_SPAN("t"), .partitions = parts, .partitions_count = 3};
        mr_wire_offset_for_leader_epoch_request q = {
            .replica_id = -1, .topics = &topic, .topics_count = 1};
        mr_wire_offset_for_leader_epoch_response r;
        scene_ask(&s, MR_KEY_offset_for_leader_epoch, version, &q, &r);
        REQUIRE(r.topics_count == 1 && r.topics[0].partitions_count == 3);
        EXPECT_EQ(r.topics[0].partitions[0].leader_epoch, 0);
        EXPECT_EQ(r.topics[0].partitions[0].end_offset, 7);
        EXPECT_EQ(r.topics[0].partitions[1].leader_epoch, -1);
        EXPECT_EQ(r.topics[0].partitions[1].end_offset, -1);
        EXPECT_EQ(r.topics[0].partitions[2].error_code, MR_KAFKA_UNKNOWN_LEADER_EPOCH);
    }
    scene_close(&s);
}
