// Scene: a log on a simulated machine, and batches to put into it.

#pragma once

#include "log/log.h"
#include "plat/sim.h"
#include "runner.h"

typedef struct scene {
    mr_arena arena;
    mr_cx cx;
    mr_flusher *flusher;
    mr_log *log;
    mr_log_options options;
    mr_log_recovery recovery;
    uint32_t told;  // How often the listener was.
} scene;

typedef struct batch_spec {
    uint32_t records;     // 0 = 1
    int64_t producer_id;  // With 0: none.
    int16_t epoch;
    int32_t sequence;
    bool transactional;
    int64_t timestamp_ms;  // Of the first; the next ones are 1 ms apart each. 0 = now
    const char *key;       // NULL = none.
    const char *value;     // NULL = "value"; "" with null_value = null.
    bool null_value;
    size_t value_bytes;  // Instead of value: so many of 'x'.
    mr_compression compression;
} batch_spec;

static inline void scene_moved(void *self) {
    ((scene *)self)->told++;
}

// The machine is the test's; options may be changed before scene_open.
static inline void scene_init(scene *s, mr_plat *plat) {
    *s = (scene){.log = NULL};
    mr_cx_init(&s->cx, &s->arena, plat);
    s->options = (mr_log_options){.dir = "logs/t-0", .topic = "t", .listener = {scene_moved, s}};
    mr_log_config_default(&s->options.config);
}

static inline mr_code scene_flusher(scene *s, uint32_t threads) {
    return mr_flusher_open(
        &(mr_flusher_options){.root = "logs", .threads = threads, .flush_interval_us = 100000},
        &s->flusher, &s->cx);
}

static inline mr_code scene_open(scene *s) {
    if (s->flusher == NULL) {
        MR_TRY(scene_flusher(s, 0));
    }
    s->options.flusher = s->flusher;
    return mr_log_open(&s->options, &s->log, &s->recovery, &s->cx);
}

// As a killed process leaves it: nothing is said to the disk.
static inline void scene_drop(scene *s) {
    if (s->log != NULL) {
        mr_log_drop(s->log, &s->cx);
    }
    mr_flusher_close(s->flusher, &s->cx);
    s->log = NULL;
    s->flusher = NULL;
}

static inline void scene_end(scene *s) {
    scene_drop(s);
    mr_arena_release(&s->arena);
}

static inline mr_span scene_batch(scene *s, const batch_spec *spec) {
    mr_text records, out;
    mr_text_init(&records, &s->arena);
    mr_text_init(&out, &s->arena);
    uint32_t count = spec->records == 0 ? 1 : spec->records;
    mr_span value = mr_span_of(spec->value == NULL ? "value" : spec->value);
    if (spec->value_bytes > 0) {
        char *filled = mr_arena_raw(&s->arena, spec->value_bytes);
        for (size_t i = 0; i < spec->value_bytes; i++) {
            filled[i] = 'x';
        }
        value = (mr_span){filled, spec->value_bytes};
    }
    mr_span key = {spec->key, spec->key == NULL ? 0 : mr_span_of(spec->key).bytes};
    for (uint32_t i = 0; i < count; i++) {
        mr_record_add(&(mr_record_new){.offset_delta = i,
                                       .timestamp_delta = i,
                                       .key = key,
                                       .value = spec->null_value ? (mr_span){NULL, 0} : value},
                      &records);
    }
    int64_t time_ms =
        spec->timestamp_ms == 0 ? mr_clock_real_us(s->cx.plat) / 1000 : spec->timestamp_ms;
    bool with_id = spec->producer_id != 0;
    mr_record_batch head = {
        .last_offset = count - 1,
        .attributes = spec->transactional ? MR_RECORD_BATCH_TRANSACTIONAL : 0,
        .base_timestamp_ms = time_ms,
        .max_timestamp_ms = time_ms + count - 1,
        .producer_id = with_id ? spec->producer_id : -1,
        .producer_epoch = with_id ? spec->epoch : (int16_t)-1,
        .base_sequence = with_id ? spec->sequence : -1,
        .record_count = count,
        .compression = spec->compression,
    };
    mr_code code = mr_record_batch_add(&head, mr_text_span(&records), &out, &s->cx);
    mr_assert(code == MR_OK);
    return mr_text_span(&out);
}

static inline mr_log_appended scene_append_as(scene *s, mr_log_origin origin,
                                              const batch_spec *spec) {
    mr_log_appended ret = {.error = -1};
    EXPECT_OK(mr_log_append(s->log, scene_batch(s, spec), origin, &ret, &s->cx));
    return ret;
}

static inline mr_log_appended scene_append(scene *s, const batch_spec *spec) {
    return scene_append_as(s, MR_LOG_CLIENT, spec);
}

static inline mr_log_appended scene_finish(scene *s, int64_t producer_id, int16_t epoch,
                                           bool commit) {
    mr_log_appended ret = {.error = -1};
    mr_log_end end = {.producer_id = producer_id, .producer_epoch = epoch, .commit = commit};
    EXPECT_OK(mr_log_end_transaction(s->log, &end, &ret, &s->cx));
    return ret;
}

static inline mr_code scene_sync(scene *s) {
    return mr_flusher_round(s->flusher, &s->cx);
}
