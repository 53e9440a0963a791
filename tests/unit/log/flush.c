// Flush: threads that append to several logs at once on a real disk, and others that read, while
// the flusher's threads sync: everything becomes durable, and nothing is shown before it is.

#include "log/flush.h"

#include <stdio.h>
#include <stdlib.h>

#include "log/inside.h"
#include "plat/thread.h"
#include "unit/log/scene.h"

#define LOGS    6  // More than are synced one by one.
#define APPENDS 60

typedef struct writer {
    mr_thread thread;
    mr_log **logs;
    int64_t producer;
    bool failed;
} writer;

static void *write_all(void *argument) {
    writer *w = argument;
    scene s;  // For its batches alone.
    scene_init(&s, mr_plat_linux());
    for (int32_t i = 0; i < APPENDS; i++) {
        for (int l = 0; l < LOGS; l++) {
            mr_span batch =
                scene_batch(&s, &(batch_spec){.producer_id = w->producer, .sequence = i});
            mr_log_appended a;
            w->failed = w->failed ||
                        mr_log_append(w->logs[l], batch, MR_LOG_CLIENT, &a, &s.cx) != MR_OK ||
                        a.error != MR_KAFKA_NONE;
            mr_log_marks marks = mr_log_marks_of(w->logs[l]);
            w->failed = w->failed || marks.high > marks.next;
            mr_log_wish wish = {marks.first, 1 << 16, true, MR_LOG_UNCOMMITTED};
            mr_log_slice slice;
            int16_t error;
            w->failed = w->failed || mr_log_read(w->logs[l], &wish, &slice, &error, &s.cx) != MR_OK;
            mr_log_slice_release(&slice);
        }
        mr_arena_clear(&s.arena);
    }
    mr_arena_release(&s.arena);
    return NULL;
}

static void flushed(void *self, mr_cx *cx) {
    (void)cx;
    atomic_fetch_add((atomic_uint *)self, 1);
}

static void run(const char *root, uint32_t threads, bool fsync) {
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    atomic_uint rounds = 0;
    mr_flusher_options options = {.root = root,
                                  .threads = threads,
                                  .flush_interval_us = 2000,
                                  .flushed = flushed,
                                  .self = &rounds};
    mr_flusher *flusher;
    REQUIRE_OK(mr_flusher_open(&options, &flusher, &cx));
    mr_log *logs[LOGS];
    for (int l = 0; l < LOGS; l++) {
        mr_log_recovery found;
        mr_log_options log = {
            .dir = mr_arena_printf(&arena, "%s/t-%d", root, l), .topic = "t", .flusher = flusher};
        mr_log_config_default(&log.config);
        log.config.fsync = fsync;
        log.config.segment_bytes = 3000;
        REQUIRE_OK(mr_log_open(&log, &logs[l], &found, &cx));
    }
    writer writers[2] = {{.logs = logs, .producer = 1}, {.logs = logs, .producer = 2}};
    for (int i = 0; i < 2; i++) {
        REQUIRE_OK(mr_thread_start(&writers[i].thread, "writer", write_all, &writers[i], &cx));
    }
    for (int i = 0; i < 2; i++) {
        mr_thread_join(&writers[i].thread);
        EXPECT(!writers[i].failed);
    }
    for (int l = 0; l < LOGS; l++) {
        for (int i = 0; i < 5000 && mr_log_recovery_point(logs[l]) < APPENDS * 2; i++) {
            mr_clock_sleep_us(cx.plat, 2000);
        }
        EXPECT_EQ(mr_log_recovery_point(logs[l]), APPENDS * 2);
        EXPECT_EQ(mr_log_marks_of(logs[l]).high, APPENDS * 2);
        EXPECT_OK(mr_log_close(logs[l], &cx));
    }
    mr_flusher_counts counts = mr_flusher_counts_of(flusher);
    EXPECT(counts.rounds > 0 && counts.syncs + counts.syncs_all > 0);
    EXPECT_EQ(counts.bytes == 0, false);
    mr_flusher_close(flusher, &cx);
    EXPECT(atomic_load(&rounds) > 0);
    EXPECT_OK(mr_dir_delete(root, &cx));
    mr_arena_release(&arena);
}

TEST(log_flush, threads_sync_what_others_append) {
    for (uint32_t threads = 1; threads <= 3; threads += 2) {
        char root[] = "/tmp/millrace-flush-XXXXXX";
        REQUIRE(mkdtemp(root) != NULL);
        run(root, threads, /* fsync= */ threads == 3);
    }
}

// A log waits in the background, and then an append in it waits for an answer.
TEST(log_flush, what_waits_in_the_background_becomes_urgent) {
    char root[] = "/tmp/millrace-flush-XXXXXX";
    REQUIRE(mkdtemp(root) != NULL);
    scene s;
    scene_init(&s, mr_plat_linux());
    mr_flusher_options options = {
        .root = root, .threads = 1, .flush_interval_us = (int64_t)3600 * 1000 * 1000};
    REQUIRE_OK(mr_flusher_open(&options, &s.flusher, &s.cx));
    s.options.dir = mr_arena_printf(&s.arena, "%s/t-0", root);
    s.options.config.fsync = false;
    REQUIRE_OK(scene_open(&s));
    EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 1}).error, 0);
    mr_clock_sleep_us(s.cx.plat, 20000);
    EXPECT_EQ(mr_log_recovery_point(s.log), 0);
    s.options.config.fsync = true;
    mr_log_configure(s.log, &s.options.config);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 1}).error, 0);
    for (int i = 0; i < 2000 && mr_log_marks_of(s.log).high < 2; i++) {
        mr_clock_sleep_us(s.cx.plat, 2000);
    }
    EXPECT_EQ(mr_log_marks_of(s.log).high, 2);
    scene_drop(&s);
    EXPECT_OK(mr_dir_delete(root, &s.cx));
    scene_end(&s);
}

// Retention that rolls the only segment syncs it, beside the flusher's threads. That no two syncs
// of one log run at the same time, mr_log_sync_begin asserts.
TEST(log_flush, retention_and_the_flusher_take_turns) {
    char root[] = "/tmp/millrace-flush-XXXXXX";
    REQUIRE(mkdtemp(root) != NULL);
    scene s;
    scene_init(&s, mr_plat_linux());
    mr_flusher_options options = {.root = root, .threads = 2, .flush_interval_us = 1000};
    REQUIRE_OK(mr_flusher_open(&options, &s.flusher, &s.cx));
    s.options.dir = mr_arena_printf(&s.arena, "%s/t-0", root);
    s.options.config.retention_ms = 0;
    s.options.config.fsync = false;  // So that what is not synced yet may go.
    REQUIRE_OK(scene_open(&s));
    int64_t later = mr_clock_real_us(s.cx.plat) / 1000 + 3600000;
    const int rounds = 50;
    for (int i = 0; i < rounds; i++) {
        EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 1}).error, 0);
        mr_flusher_mark(s.flusher, s.log, /* fsync= */ true);
        EXPECT_OK(mr_log_tend(s.log, later, &s.cx));
        EXPECT_EQ(mr_log_marks_of(s.log).first, i + 1);
    }
    EXPECT_OK(mr_log_close(s.log, &s.cx));
    s.log = NULL;
    scene_drop(&s);
    EXPECT_OK(mr_dir_delete(root, &s.cx));
    scene_end(&s);
}

// What was synced by name is no work for the background: an empty round would also tell it that the
// disk is quick, and so shorten its pause.
TEST(log_flush, what_was_settled_leaves_no_round_behind) {
    mr_plat *plat = mr_sim_new(1);
    scene s;
    scene_init(&s, plat);
    s.options.config.fsync = false;
    REQUIRE_OK(scene_open(&s));
    EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 3}).error, 0);
    EXPECT_EQ(mr_log_recovery_point(s.log), 0);
    EXPECT_OK(mr_log_settle(&s.log, 1, &s.cx));
    EXPECT_EQ(mr_log_recovery_point(s.log), 3);
    EXPECT_EQ(mr_flusher_counts_of(s.flusher).rounds, 1);
    EXPECT_OK(mr_flusher_round(s.flusher, &s.cx));
    EXPECT_OK(mr_log_settle(&s.log, 1, &s.cx));
    EXPECT_EQ(mr_flusher_counts_of(s.flusher).rounds, 1);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 1}).error, 0);  // Dirty once more.
    EXPECT_OK(mr_flusher_round(s.flusher, &s.cx));
    EXPECT_EQ(mr_flusher_counts_of(s.flusher).rounds, 2);
    EXPECT_EQ(mr_log_recovery_point(s.log), 4);
    scene_end(&s);
    mr_sim_free(plat);
}

TEST(log_flush, many_logs_are_settled_in_one_sync) {
    char root[] = "/tmp/millrace-flush-XXXXXX";
    REQUIRE(mkdtemp(root) != NULL);
    scene s;
    scene_init(&s, mr_plat_linux());
    s.options.config.fsync = false;
    mr_flusher_options options = {
        .root = root, .threads = 2, .flush_interval_us = (int64_t)3600 * 1000 * 1000};
    REQUIRE_OK(mr_flusher_open(&options, &s.flusher, &s.cx));
    mr_log *logs[LOGS];
    for (int l = 0; l < LOGS; l++) {
        s.options.dir = mr_arena_printf(&s.arena, "%s/t-%d", root, l);
        REQUIRE_OK(scene_open(&s));
        logs[l] = s.log;
        EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 2}).error, 0);
    }
    EXPECT_OK(mr_log_settle(logs, LOGS, &s.cx));
    mr_flusher_counts counts = mr_flusher_counts_of(s.flusher);
    EXPECT_EQ(counts.rounds, 1);
    EXPECT_EQ(counts.syncs_all, 1);
    EXPECT_EQ(counts.syncs, 0);
    for (int l = 0; l < LOGS; l++) {
        EXPECT_EQ(mr_log_recovery_point(logs[l]), 2);
        EXPECT_OK(mr_log_close(logs[l], &s.cx));
    }
    s.log = NULL;
    scene_drop(&s);
    EXPECT_OK(mr_dir_delete(root, &s.cx));
    scene_end(&s);
}
