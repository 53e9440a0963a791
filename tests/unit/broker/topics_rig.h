// Topics rig: topics on a simulated machine, by hand; for tests of them.

#pragma once

#include "runner.h"

#include <string.h>

#include "broker/configs.h"
#include "broker/topics.h"
#include "codec/record_batch.h"
#include "plat/sim.h"

typedef struct topics_rig {
    mr_arena arena;
    mr_plat *plat;
    mr_cx cx;
    mr_broker_settings settings;
    mr_flusher *flusher;
    mr_topics *topics;
    mr_text said;
} topics_rig;

static inline mr_code topics_rig_open(topics_rig *r) {
    mr_flusher_options flush = {.root = "d", .flush_interval_us = 100000};
    mr_topics_spec spec = {
        .dir = "d",
        .settings = &r->settings,
        .by_hand = true,
    };
    MR_TRY(mr_dir_make("d", &r->cx));
    MR_TRY(mr_flusher_open(&flush, &r->flusher, &r->cx));
    spec.flusher = r->flusher;
    return mr_topics_open(&spec, &r->topics, &r->cx);
}

// The process dies: nothing is written any more.
static inline void topics_rig_kill(topics_rig *r) {
    mr_topics_drop(r->topics, &r->cx);
    mr_flusher_close(r->flusher, &r->cx);
    r->topics = NULL;
    r->flusher = NULL;
}

static inline void topics_rig_init(topics_rig *r, uint64_t seed) {
    memset(r, 0, sizeof(*r));
    r->plat = mr_sim_new(seed);
    mr_cx_init(&r->cx, &r->arena, r->plat);
    mr_option_values none = {NULL, 0};
    REQUIRE_OK(mr_option_apply_keys(mr_broker_options, &none, &r->settings, &r->cx));
}

static inline void topics_rig_release(topics_rig *r) {
    topics_rig_kill(r);
    mr_sim_free(r->plat);
    mr_arena_release(&r->arena);
}

// A mr_kafka_error, or a mr_code below -1.
static inline int topics_rig_create(topics_rig *r, const char *name, int32_t partitions) {
    mr_topic_new new = {.name = name, .partitions = partitions, .replication = -1};
    mr_outcome outcome;
    mr_code code = mr_topics_create(r->topics, &new, NULL, &outcome, &r->cx);
    return code != MR_OK ? -1000 - (int)code : outcome.error;
}

static inline int topics_rig_delete(topics_rig *r, const char *name) {
    mr_topic *topic = mr_topics_find(r->topics, mr_span_of(name));
    if (topic == NULL) {
        return MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    }
    mr_outcome outcome;
    mr_code code = mr_topics_delete(r->topics, topic, &outcome, &r->cx);
    mr_topic_release(topic);
    return code != MR_OK ? -1000 - (int)code : outcome.error;
}

static inline int topics_rig_grow(topics_rig *r, const char *name, int32_t partitions) {
    mr_topic *topic = mr_topics_find(r->topics, mr_span_of(name));
    mr_outcome outcome;
    mr_code code = mr_topics_grow(r->topics, topic, partitions, false, &outcome, &r->cx);
    mr_topic_release(topic);
    return code != MR_OK ? -1000 - (int)code : outcome.error;
}

// Its number of partitions; 0 = there is none.
static inline uint32_t topics_rig_partitions(topics_rig *r, const char *name) {
    mr_topic *topic = mr_topics_find(r->topics, mr_span_of(name));
    uint32_t count = topic == NULL ? 0 : topic->partition_count;
    mr_topic_release(topic);
    return count;
}

// One record into each partition that the topic has, made durable.
static inline mr_code topics_rig_append(topics_rig *r, const char *name) {
    mr_text records, batch;
    mr_text_init(&records, &r->arena);
    mr_text_init(&batch, &r->arena);
    mr_record_add(&(mr_record_new){.value = MR_SPAN("v")}, &records);
    int64_t now_ms = mr_clock_real_us(r->plat) / 1000;
    mr_record_batch head = {
        .base_timestamp_ms = now_ms,
        .max_timestamp_ms = now_ms,
        .producer_id = -1,
        .producer_epoch = -1,
        .base_sequence = -1,
        .record_count = 1,
    };
    MR_TRY(mr_record_batch_add(&head, mr_text_span(&records), &batch, &r->cx));
    mr_topic *topic = mr_topics_find(r->topics, mr_span_of(name));
    mr_code code = MR_OK;
    for (uint32_t p = 0; p < topic->partition_count && code == MR_OK; p++) {
        mr_log_appended appended;
        code = mr_log_append(topic->partitions[p]->log, mr_text_span(&batch), MR_LOG_CLIENT,
                             &appended, &r->cx);
    }
    mr_topic_release(topic);
    MR_TRY(code);
    return mr_flusher_round(r->flusher, &r->cx);
}
