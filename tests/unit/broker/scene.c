// Scene: see scene.h.

#include "scene.h"

static mr_broker_spec spec_of(void) {
    return (mr_broker_spec){.dir = "data/broker", .version = "test", .by_hand = true};
}

static bool open_with(scene *s, const char *const *settings) {
    mr_option_value items[16];
    mr_option_values values = {.items = items};
    for (; settings != NULL && settings[0] != NULL; settings += 2) {
        items[values.count++] =
            (mr_option_value){.name = settings[0], .value = settings[1], .place = MR_NOWHERE};
    }
    mr_broker_spec spec = spec_of();
    return EXPECT_OK(mr_option_apply_keys(mr_broker_options, &values, &spec.settings, &s->cx)) &&
           EXPECT_OK(mr_broker_open(&spec, &s->broker, &s->cx));
}

bool scene_open(scene *s, const char *const *settings) {
    *s = (scene){0};
    mr_cx_init(&s->cx, &s->arena, mr_sim_new(/* seed= */ 1));
    return open_with(s, settings);
}

void scene_close(scene *s) {
    if (s->broker != NULL) {
        EXPECT_OK(mr_broker_close(s->broker, &s->cx));
    }
    mr_sim_free(s->cx.plat);
    mr_arena_release(&s->arena);
}

static bool open_again(scene *s, mr_broker_settings settings) {
    s->broker = NULL;
    mr_broker_spec spec = spec_of();
    spec.settings = settings;
    return EXPECT_OK(mr_broker_open(&spec, &s->broker, &s->cx));
}

bool scene_restart(scene *s) {
    mr_broker_settings settings = *mr_broker_settings_of(s->broker);
    return EXPECT_OK(mr_broker_close(s->broker, &s->cx)) && open_again(s, settings);
}

bool scene_power_cut(scene *s) {
    mr_broker_settings settings = *mr_broker_settings_of(s->broker);
    mr_sim_power_cut_at(s->cx.plat, mr_sim_operations(s->cx.plat) + 1);
    (void)(mr_broker_close(s->broker, &s->cx) == MR_OK);  // It closes in the dark.
    EXPECT(mr_sim_down(s->cx.plat));
    mr_sim_restart(s->cx.plat);
    return open_again(s, settings);
}

void scene_ask(scene *s, int key, int version, const void *request, void *ret) {
    mr_wire_head head = {(int16_t)key, (int16_t)version, /* correlation= */ 1, MR_SPAN("test")};
    if (!EXPECT_OK(mr_broker_ask(s->broker, &head, request, ret, &s->cx))) {
        EXPECT_STR(s->cx.error.text, "");
        mr_wire_clear(mr_wire_find((int16_t)key)->response, ret);
    }
}

mr_span scene_batch(scene *s, uint32_t count, int64_t time_ms) {
    mr_text records, batch;
    mr_text_init(&records, &s->arena);
    mr_text_init(&batch, &s->arena);
    for (uint32_t i = 0; i < count; i++) {
        const char *value = mr_arena_printf(&s->arena, "v%u", i);
        mr_record_add(&(mr_record_new){.offset_delta = i,
                                       .timestamp_delta = 1000 * (int64_t)i,
                                       .value = mr_span_of(value)},
                      &records);
    }
    mr_record_batch head = {.last_offset = (int64_t)count - 1,
                            .base_timestamp_ms = time_ms,
                            .max_timestamp_ms = time_ms + 1000 * ((int64_t)count - 1),
                            .producer_id = -1,
                            .producer_epoch = -1,
                            .base_sequence = -1,
                            .record_count = count};
    EXPECT_OK(mr_record_batch_add(&head, mr_text_span(&records), &batch, &s->cx));
    return mr_text_span(&batch);
}

int16_t scene_produce(scene *s, const char *topic, int32_t partition, mr_span batch,
                      int64_t *ret_base) {
    mr_wire_produce_partition data = {.index = partition, .records = batch};
    mr_wire_produce_topic one = {
        .name = mr_span_of(topic), .partition_data = &data, .partition_data_count = 1};
    mr_wire_produce_request q = {
        .acks = -1, .timeout_ms = 1000, .topic_data = &one, .topic_data_count = 1};
    mr_wire_produce_response r;
    scene_ask(s, MR_KEY_produce, 7, &q, &r);
    if (!EXPECT_EQ(r.responses_count, 1) ||
        !EXPECT_EQ(r.responses[0].partition_responses_count, 1)) {
        return MR_KAFKA_UNKNOWN_SERVER_ERROR;
    }
    *ret_base = r.responses[0].partition_responses[0].base_offset;
    return r.responses[0].partition_responses[0].error_code;
}

mr_wire_uuid scene_topic(scene *s, const char *name) {
    mr_wire_metadata_wish wish = {.name = mr_span_of(name)};
    mr_wire_metadata_request q = {
        .topics = &wish, .topics_count = 1, .allow_auto_topic_creation = true};
    mr_wire_metadata_response r;
    scene_ask(s, MR_KEY_metadata, 12, &q, &r);
    bool made = EXPECT_EQ(r.topics_count, 1) && EXPECT_EQ(r.topics[0].error_code, MR_KAFKA_NONE);
    return made ? r.topics[0].topic_id : (mr_wire_uuid){{0}};
}

mr_wire_fetch_request *scene_fetch(scene *s, const char *topic, int32_t partition, int64_t offset) {
    mr_wire_fetch_partition *part = MR_NEW(&s->arena, mr_wire_fetch_partition);
    mr_wire_fetch_topic *one = MR_NEW(&s->arena, mr_wire_fetch_topic);
    mr_wire_fetch_request *q = MR_NEW(&s->arena, mr_wire_fetch_request);
    mr_wire_clear(&mr_schema_fetch_partition, part);
    mr_wire_clear(&mr_schema_fetch_request, q);
    part->partition = partition;
    part->fetch_offset = offset;
    part->partition_max_bytes = 1 << 20;
    *one = (mr_wire_fetch_topic){
        .topic = mr_span_of(topic), .partitions = part, .partitions_count = 1};
    q->max_wait_ms = 500;
    q->min_bytes = 1;
    q->topics = one;
    q->topics_count = 1;
    return q;
}

int64_t scene_count(scene *s, mr_span records) {
    int64_t count = 0;
    bool found = true;
    while (found) {
        mr_record_batch batch;
        if (mr_record_batch_next(&records, &batch, &found, &s->cx) != MR_OK ||
            (found && mr_record_batch_verify(&batch, &s->cx) != MR_OK)) {
            return -1;
        }
        count += found ? batch.record_count : 0;
    }
    return records.bytes == 0 ? count : -1;
}
