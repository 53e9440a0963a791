// Log: batches in, batches out; marks, validation, segments, slices, times, starts.

#include "log/log.h"

#include <stdio.h>
#include <string.h>

#include "log/inside.h"
#include "unit/log/scene.h"

#define START                               \
    scene s;                                \
    mr_plat *plat = mr_sim_new(1);          \
    scene_init(&s, plat);                   \
    s.options.config.cleanup_delete = true; \
    REQUIRE_OK(scene_open(&s))

static void finish(scene *s) {
    mr_plat *plat = s->cx.plat;
    scene_end(s);
    mr_sim_free(plat);
}

// A stop and a start; clean or not.
static mr_code again(scene *s, bool clean) {
    s->options.recovery_point = 0;
    s->options.clean = clean;
    if (clean) {
        mr_code code = mr_log_close(s->log, &s->cx);
        s->log = NULL;
        MR_TRY(code);
    }
    scene_drop(s);
    return scene_open(s);
}

static int64_t read_next(scene *s, int64_t offset, uint64_t bytes_max, mr_log_isolation isolation,
                         uint64_t *ret_bytes) {
    mr_log_slice slice;
    int16_t error = -1;
    mr_log_wish wish = {offset, bytes_max, true, isolation};
    EXPECT_OK(mr_log_read(s->log, &wish, &slice, &error, &s->cx));
    EXPECT_EQ(error, MR_KAFKA_NONE);
    *ret_bytes = slice.bytes;
    int64_t next = slice.segment == NULL ? offset : slice.next_offset;
    if (slice.segment != NULL) {
        char *data = mr_arena_raw(&s->arena, slice.bytes);
        EXPECT_OK(mr_log_slice_load(&slice, 0, data, slice.bytes, &s->cx));
        mr_span in = {data, slice.bytes};
        mr_record_batch batch;
        bool found = true;
        int64_t last = -1;
        while (mr_record_batch_next(&in, &batch, &found, &s->cx) == MR_OK && found) {
            EXPECT_OK(mr_record_batch_verify(&batch, &s->cx));
            if (last < 0) {
                EXPECT_EQ(batch.base_offset, slice.first_offset);
            }
            last = batch.last_offset;
        }
        EXPECT_EQ(in.bytes, 0);
        EXPECT_EQ(last + 1, next);
    }
    mr_log_slice_release(&slice);
    return next;
}

TEST(log, offsets_follow_on_and_high_waits_for_the_sync) {
    START;
    for (int64_t i = 0; i < 10; i++) {
        mr_log_appended a = scene_append(&s, &(batch_spec){.records = 3});
        EXPECT_EQ(a.error, MR_KAFKA_NONE);
        EXPECT_EQ(a.base_offset, i * 3);
        EXPECT_EQ(a.last_offset, i * 3 + 2);
    }
    mr_log_marks marks = mr_log_marks_of(s.log);
    EXPECT_EQ(marks.next, 30);
    EXPECT_EQ(marks.high, 0);
    uint64_t bytes = 0;
    EXPECT_EQ(read_next(&s, 0, 1 << 20, MR_LOG_UNCOMMITTED, &bytes), 0);
    EXPECT_EQ(bytes, 0);
    EXPECT_EQ(s.told, 0);
    EXPECT_OK(scene_sync(&s));
    EXPECT_EQ(s.told, 1);
    marks = mr_log_marks_of(s.log);
    EXPECT_EQ(marks.high, 30);
    EXPECT_EQ(marks.stable, 30);
    EXPECT_EQ(mr_log_recovery_point(s.log), 30);
    EXPECT_EQ(read_next(&s, 0, 1 << 20, MR_LOG_UNCOMMITTED, &bytes), 30);
    EXPECT_EQ(bytes, mr_log_bytes(s.log));
    EXPECT_OK(scene_sync(&s));  // Nothing is dirty.
    EXPECT_EQ(s.told, 1);
    finish(&s);
}

TEST(log, durability_kafka_shows_at_once) {
    START;
    s.options.config.fsync = false;
    mr_log_configure(s.log, &s.options.config);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 2}).last_offset, 1);
    EXPECT_EQ(mr_log_marks_of(s.log).high, 2);
    EXPECT_EQ(s.told, 1);
    EXPECT_EQ(mr_log_recovery_point(s.log), 0);
    EXPECT_OK(scene_sync(&s));
    EXPECT_EQ(mr_log_recovery_point(s.log), 2);
    finish(&s);
}

TEST(log, reads_begin_with_the_batch_that_holds_the_offset_and_stop_at_bytes_max) {
    START;
    uint64_t one = scene_batch(&s, &(batch_spec){.records = 5}).bytes;
    for (int i = 0; i < 2000; i++) {
        EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 5}).error, 0);
    }
    EXPECT_OK(scene_sync(&s));
    for (int64_t offset = 0; offset < 10000; offset += 7) {
        uint64_t bytes = 0;
        int64_t first = offset / 5 * 5;
        EXPECT_EQ(read_next(&s, offset, 10 * one, MR_LOG_UNCOMMITTED, &bytes),
                  MR_MIN(first + 50, (int64_t)10000));
        EXPECT_EQ(read_next(&s, offset, 1, MR_LOG_UNCOMMITTED, &bytes), first + 5);
        EXPECT_EQ(bytes, one);
        EXPECT_EQ(read_next(&s, offset, 100 * one + 3, MR_LOG_COMMITTED, &bytes),
                  MR_MIN(first + 500, (int64_t)10000));
        mr_arena_clear(&s.arena);
    }
    mr_log_slice slice;
    int16_t error;
    mr_log_wish wish = {3, 1, false, MR_LOG_UNCOMMITTED};
    EXPECT_OK(mr_log_read(s.log, &wish, &slice, &error, &s.cx));
    EXPECT(slice.segment == NULL && error == MR_KAFKA_NONE);
    wish.offset = 10001;
    EXPECT_OK(mr_log_read(s.log, &wish, &slice, &error, &s.cx));
    EXPECT_EQ(error, MR_KAFKA_OFFSET_OUT_OF_RANGE);
    wish.offset = -1;
    EXPECT_OK(mr_log_read(s.log, &wish, &slice, &error, &s.cx));
    EXPECT_EQ(error, MR_KAFKA_OFFSET_OUT_OF_RANGE);
    wish.offset = 10000;
    EXPECT_OK(mr_log_read(s.log, &wish, &slice, &error, &s.cx));
    EXPECT(slice.segment == NULL && error == MR_KAFKA_NONE);
    finish(&s);
}

TEST(log, segments_roll_by_size_and_are_read_across) {
    START;
    s.options.config.segment_bytes = 4096;
    s.options.config.index_interval_bytes = 256;
    mr_log_configure(s.log, &s.options.config);
    for (int i = 0; i < 300; i++) {
        EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 2, .timestamp_ms = 1000 + i}).error, 0);
        if (i % 7 == 0) {
            EXPECT_OK(scene_sync(&s));
        }
    }
    EXPECT_OK(scene_sync(&s));
    mr_dir_entry *entries;
    size_t count;
    EXPECT_OK(mr_dir_list("logs/t-0", &entries, &count, &s.cx));
    EXPECT(count > 20);
    for (int round = 0; round < 3; round++) {
        int64_t offset = 0;
        while (offset < 600) {
            uint64_t bytes = 0;
            int64_t next = read_next(&s, offset, 700, MR_LOG_UNCOMMITTED, &bytes);
            if (!EXPECT(next > offset)) {
                break;
            }
            offset = next;
        }
        mr_log_found found;
        EXPECT_OK(mr_log_find_time(s.log, 1100, MR_LOG_UNCOMMITTED, &found, &s.cx));
        EXPECT_EQ(found.timestamp_ms, 1100);
        EXPECT_EQ(found.offset, 199);  // Of the batch before: its second record.
        EXPECT_OK(mr_log_find_latest(s.log, &found, &s.cx));
        EXPECT_EQ(found.timestamp_ms, 1300);
        EXPECT_EQ(found.offset, 599);
        EXPECT_OK(mr_log_find_time(s.log, 1301, MR_LOG_UNCOMMITTED, &found, &s.cx));
        EXPECT_EQ(found.offset, -1);
        REQUIRE_OK(again(&s, round == 0));
        EXPECT_EQ(mr_log_marks_of(s.log).high, 600);
        EXPECT_EQ(s.recovery.bytes_read == 0, round == 0);
    }
    finish(&s);
}

// What a client may not send.
TEST(log, refuses_with_kafkas_errors) {
    START;
    s.options.config.max_message_bytes = 1000;
    s.options.config.timestamp_after_max_ms = 1000;
    s.options.config.timestamp_before_max_ms = 3600000;
    mr_log_configure(s.log, &s.options.config);
    int64_t now = mr_clock_real_us(plat) / 1000;
    mr_span good = scene_batch(&s, &(batch_spec){.records = 2, .timestamp_ms = now});
    struct {
        size_t at;
        char xor ;
        int16_t error;
    } broken[] = {
        {0, 1, MR_KAFKA_INVALID_RECORD},    // base offset
        {10, 1, MR_KAFKA_CORRUPT_MESSAGE},  // length
        {16, 1, MR_KAFKA_INVALID_RECORD},   // magic
        {17, 1, MR_KAFKA_CORRUPT_MESSAGE},  // crc
        {26, 2, MR_KAFKA_INVALID_RECORD},   // last offset delta
        {60, 1, MR_KAFKA_INVALID_RECORD},   // count
        {70, 1, MR_KAFKA_CORRUPT_MESSAGE},
    };
    for (size_t i = 0; i < MR_COUNT(broken); i++) {
        char *copy = mr_arena_copy(&s.arena, good.data, good.bytes);
        copy[broken[i].at] ^= broken[i].xor ;
        mr_log_appended a;
        EXPECT_OK(mr_log_append(s.log, (mr_span){copy, good.bytes}, MR_LOG_CLIENT, &a, &s.cx));
        EXPECT_EQ(a.error, broken[i].error);
        EXPECT(a.reason != NULL);
    }
    mr_log_appended a;
    for (size_t bytes = 0; bytes < good.bytes; bytes++) {
        EXPECT_OK(mr_log_append(s.log, (mr_span){good.data, bytes}, MR_LOG_CLIENT, &a, &s.cx));
        EXPECT(a.error == MR_KAFKA_CORRUPT_MESSAGE || a.error == MR_KAFKA_INVALID_RECORD);
    }
    mr_text two;
    mr_text_init(&two, &s.arena);
    mr_text_add_bytes(&two, good.data, good.bytes);
    mr_text_add_bytes(&two, good.data, good.bytes);
    EXPECT_OK(mr_log_append(s.log, mr_text_span(&two), MR_LOG_CLIENT, &a, &s.cx));
    EXPECT_EQ(a.error, MR_KAFKA_INVALID_RECORD);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.value_bytes = 1000, .timestamp_ms = now}).error,
              MR_KAFKA_MESSAGE_TOO_LARGE);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.timestamp_ms = now + 1001}).error,
              MR_KAFKA_INVALID_TIMESTAMP);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.timestamp_ms = now - 3600001}).error,
              MR_KAFKA_INVALID_TIMESTAMP);
    EXPECT_EQ(mr_log_marks_of(s.log).next, 0);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.timestamp_ms = now}).error, MR_KAFKA_NONE);
    s.options.config.segment_bytes = 100;
    s.options.config.cleanup_compact = true;
    s.options.config.max_message_bytes = 100000;
    mr_log_configure(s.log, &s.options.config);
    a = scene_append(&s, &(batch_spec){.timestamp_ms = now});
    EXPECT_EQ(a.error, MR_KAFKA_INVALID_RECORD);
    EXPECT_EQ(a.bad_count, 1);
    EXPECT_EQ(a.bad_records[0], 0);
    a = scene_append(&s, &(batch_spec){.timestamp_ms = now, .records = 3});
    EXPECT_EQ(a.bad_count, 3);
    EXPECT_EQ(a.bad_records[2], 2);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.timestamp_ms = now, .key = "k", .records = 9}).error,
              MR_KAFKA_RECORD_LIST_TOO_LARGE);
    finish(&s);
}

TEST(log, append_time_and_another_compression) {
    START;
    s.options.config.timestamp_append = true;
    s.options.config.compression = MR_COMPRESS_ZSTD;
    mr_log_configure(s.log, &s.options.config);
    int64_t now = mr_clock_real_us(plat) / 1000;
    for (int i = 0; i < 3; i++) {
        mr_log_appended a =
            scene_append(&s, &(batch_spec){.records = 4,
                                           .timestamp_ms = 5,
                                           .compression = i == 0   ? MR_COMPRESS_NONE
                                                          : i == 1 ? MR_COMPRESS_GZIP
                                                                   : MR_COMPRESS_ZSTD});
        EXPECT_EQ(a.error, 0);
        EXPECT_EQ(a.append_time_ms, now);
    }
    EXPECT_OK(scene_sync(&s));
    mr_log_slice slice;
    int16_t error;
    mr_log_wish wish = {4, 1 << 20, true, MR_LOG_UNCOMMITTED};
    EXPECT_OK(mr_log_read(s.log, &wish, &slice, &error, &s.cx));
    char *data = mr_arena_raw(&s.arena, slice.bytes);
    EXPECT_OK(mr_log_slice_load(&slice, 0, data, slice.bytes, &s.cx));
    mr_span in = {data, slice.bytes};
    mr_log_slice_release(&slice);
    mr_record_batch batch;
    bool found;
    for (int i = 1; i < 3; i++) {
        REQUIRE_OK(mr_record_batch_next(&in, &batch, &found, &s.cx));
        REQUIRE(found);
        EXPECT_OK(mr_record_batch_verify(&batch, &s.cx));
        EXPECT_EQ(batch.compression, MR_COMPRESS_ZSTD);
        EXPECT_EQ(batch.base_offset, i * 4);
        mr_text records;
        mr_text_init(&records, &s.arena);
        mr_record_reader reader;
        mr_record record;
        REQUIRE_OK(mr_record_batch_expand(&batch, 1 << 20, &records, &s.cx));
        REQUIRE_OK(mr_record_open(&reader, &batch, mr_text_span(&records), &s.cx));
        while (mr_record_next(&reader, &record)) {
            EXPECT_EQ(record.timestamp_ms, now);
            EXPECT(mr_span_is(record.value, "value"));
        }
        EXPECT_OK(mr_record_end(&reader, &s.cx));
    }
    finish(&s);
}

TEST(log, a_full_disk_leaves_the_log_as_it_was) {
    START;
    EXPECT_EQ(scene_append(&s, &(batch_spec){.producer_id = 7, .sequence = 0}).base_offset, 0);
    mr_sim_full(plat, true);
    mr_log_appended a;
    mr_span batch = scene_batch(&s, &(batch_spec){.producer_id = 7, .sequence = 1});
    EXPECT_EQ(mr_log_append(s.log, batch, MR_LOG_CLIENT, &a, &s.cx), MR_E_FULL);
    EXPECT(!mr_log_offline(s.log, NULL));
    EXPECT_EQ(mr_log_marks_of(s.log).next, 1);
    mr_sim_full(plat, false);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.producer_id = 7, .sequence = 1}).base_offset, 1);
    EXPECT_OK(scene_sync(&s));
    REQUIRE_OK(again(&s, false));
    EXPECT_EQ(mr_log_marks_of(s.log).high, 2);
    finish(&s);
}

TEST(log, a_failed_sync_takes_it_offline_and_the_next_start_does_not_believe_the_pages) {
    START;
    EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 3}).error, 0);
    EXPECT_OK(scene_sync(&s));
    EXPECT_EQ(scene_append(&s, &(batch_spec){.value_bytes = 5000}).error, 0);
    mr_sim_fault_at(plat, mr_sim_operations(plat) + 1, MR_SIM_SYNC_ERROR);
    EXPECT_OK(scene_sync(&s));
    mr_error why;
    EXPECT(mr_log_offline(s.log, &why));
    EXPECT((why.flags & MR_FATAL) != 0);
    EXPECT_EQ(mr_log_marks_of(s.log).high, 3);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 1}).error, MR_KAFKA_KAFKA_STORAGE_ERROR);
    mr_log_slice slice;
    int16_t error;
    mr_log_wish wish = {0, 1, true, MR_LOG_UNCOMMITTED};
    EXPECT_OK(mr_log_read(s.log, &wish, &slice, &error, &s.cx));
    EXPECT_EQ(error, MR_KAFKA_KAFKA_STORAGE_ERROR);
    // Killed and started: the bytes look whole, though the disk has them not.
    REQUIRE_OK(again(&s, false));
    EXPECT_EQ(mr_log_marks_of(s.log).high, 4);
    EXPECT(!mr_file_exists("logs/t-0/sync-failed", &s.cx));
    scene_drop(&s);
    mr_sim_restart(plat);
    REQUIRE_OK(scene_open(&s));
    EXPECT_EQ(mr_log_marks_of(s.log).high, 4);
    EXPECT_EQ(s.recovery.bytes_cut, 0);
    finish(&s);
}

TEST(log, every_length_of_a_torn_tail_is_cut) {
    START;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 2,
                                                 .producer_id = 9,
                                                 .sequence = i * 2,
                                                 .transactional = true})
                      .error,
                  0);
    }
    EXPECT_OK(scene_sync(&s));
    scene_drop(&s);
    mr_span whole;
    const char *path = "logs/t-0/00000000000000000000.log";
    REQUIRE(mr_sim_get(plat, path, &whole));
    size_t bytes = whole.bytes, one = bytes / 3;
    char *copy = mr_arena_copy(&s.arena, whole.data, bytes);
    for (size_t cut = 0; cut <= bytes; cut++) {
        for (int garbage = 0; garbage < 3; garbage++) {
            mr_text text;
            mr_text_init(&text, NULL);
            mr_text_add_bytes(&text, copy, cut);
            for (size_t i = 0; garbage > 0 && i < 100; i++) {
                mr_text_add_char(&text, garbage == 1 ? '\0' : (char)(i * 37));
            }
            mr_sim_put(plat, path, mr_text_span(&text));
            size_t there = text.bytes;
            mr_text_release(&text);
            REQUIRE_OK(scene_open(&s));
            // A batch ends with a zero, so one of the zeros behind it may be its own.
            size_t sound = (cut + (garbage > 0)) / one;
            EXPECT_EQ(mr_log_marks_of(s.log).next, (int64_t)(sound * 2));
            EXPECT_EQ(mr_log_marks_of(s.log).stable, 0);  // The transaction is open still.
            EXPECT_EQ(s.recovery.bytes_cut, there - sound * one);
            mr_span now;
            EXPECT(mr_sim_get(plat, path, &now) && now.bytes == sound * one);
            scene_drop(&s);
        }
    }
    finish(&s);
}

TEST(log, damage_below_the_recovery_point_is_told) {
    START;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 2}).error, 0);
    }
    EXPECT_OK(scene_sync(&s));
    scene_drop(&s);
    const char *path = "logs/t-0/00000000000000000000.log";
    mr_span whole;
    REQUIRE(mr_sim_get(plat, path, &whole));
    char *copy = mr_arena_copy(&s.arena, whole.data, whole.bytes);
    mr_sim_put(plat, path, (mr_span){copy, whole.bytes / 2});
    s.options.recovery_point = 6;
    EXPECT_EQ(scene_open(&s), MR_E_CORRUPT);
    EXPECT(strstr(s.cx.error.text, path) != NULL);
    s.log = NULL;
    s.options.recovery_point = 2;
    REQUIRE_OK(scene_open(&s));
    EXPECT_EQ(mr_log_marks_of(s.log).next, 2);
    finish(&s);
}

TEST(log, retention_by_size_time_and_deleted_records) {
    START;
    s.options.config.segment_bytes = 1000;
    s.options.config.retention_bytes = 3000;
    mr_log_configure(s.log, &s.options.config);
    int64_t now = mr_clock_real_us(plat) / 1000;
    for (int i = 0; i < 100; i++) {
        EXPECT_EQ(scene_append(&s, &(batch_spec){.timestamp_ms = now + i}).error, 0);
    }
    EXPECT_OK(mr_log_tend(s.log, now, &s.cx));
    EXPECT_EQ(mr_log_marks_of(s.log).first, 0);  // Not durable yet: not deleted.
    EXPECT_OK(scene_sync(&s));
    mr_log_slice held;
    int16_t error;
    mr_log_wish wish = {0, 1, true, MR_LOG_UNCOMMITTED};
    EXPECT_OK(mr_log_read(s.log, &wish, &held, &error, &s.cx));
    EXPECT_OK(mr_log_tend(s.log, now, &s.cx));
    int64_t first = mr_log_marks_of(s.log).first;
    EXPECT(first > 0);
    EXPECT(mr_log_bytes(s.log) >= 3000 && mr_log_bytes(s.log) < 4100);
    EXPECT(mr_file_exists("logs/t-0/00000000000000000000.log.deleted", &s.cx));
    EXPECT_OK(mr_log_tend(s.log, now + s.options.config.file_delete_delay_ms, &s.cx));
    EXPECT(!mr_file_exists("logs/t-0/00000000000000000000.log.deleted", &s.cx));
    char bytes[8];
    EXPECT_OK(mr_log_slice_load(&held, 0, bytes, 8, &s.cx));  // Readable while held.
    mr_log_slice_release(&held);
    EXPECT_OK(mr_log_read(s.log, &wish, &held, &error, &s.cx));
    EXPECT_EQ(error, MR_KAFKA_OFFSET_OUT_OF_RANGE);

    int64_t now_first = -1;
    EXPECT_OK(mr_log_delete_records(s.log, 101, &now_first, &error, &s.cx));
    EXPECT_EQ(error, MR_KAFKA_OFFSET_OUT_OF_RANGE);
    EXPECT_OK(mr_log_delete_records(s.log, 95, &now_first, &error, &s.cx));
    EXPECT_EQ(now_first, 95);
    EXPECT_OK(mr_log_delete_records(s.log, 3, &now_first, &error, &s.cx));
    EXPECT_EQ(now_first, 95);
    EXPECT_EQ(error, MR_KAFKA_NONE);
    s.options.first = 95;
    REQUIRE_OK(again(&s, false));
    EXPECT_EQ(mr_log_marks_of(s.log).first, 95);
    EXPECT_OK(mr_log_tend(s.log, now, &s.cx));
    EXPECT_EQ(mr_log_marks_of(s.log).first, 95);
    EXPECT(mr_log_bytes(s.log) < 1100);

    s.options.config.retention_ms = 1000;
    mr_log_configure(s.log, &s.options.config);
    EXPECT_OK(mr_log_tend(s.log, now + 1100, &s.cx));
    EXPECT_EQ(mr_log_marks_of(s.log).first, 100);
    EXPECT_EQ(mr_log_bytes(s.log), 0);
    EXPECT_EQ(scene_append(&s, &(batch_spec){.timestamp_ms = now}).base_offset, 100);
    EXPECT_OK(scene_sync(&s));
    uint64_t got;
    EXPECT_EQ(read_next(&s, 100, 10, MR_LOG_UNCOMMITTED, &got), 101);
    finish(&s);
}

TEST(log, deleted_and_swept) {
    START;
    EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 1}).error, 0);
    EXPECT_OK(mr_log_delete(s.log, &s.cx));
    EXPECT(mr_log_offline(s.log, NULL));
    EXPECT(!mr_file_exists("logs/t-0", &s.cx));
    // Nobody's disk is broken: whoever still reads or writes asks who has the topic now.
    EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 1}).error,
              MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    mr_log_slice slice;
    int16_t error;
    mr_log_wish wish = {0, 1, true, MR_LOG_UNCOMMITTED};
    EXPECT_OK(mr_log_read(s.log, &wish, &slice, &error, &s.cx));
    EXPECT_EQ(error, MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    mr_log_drop(s.log, &s.cx);
    s.log = NULL;
    EXPECT_OK(mr_log_sweep("logs", &s.cx));
    mr_dir_entry *entries;
    size_t count;
    EXPECT_OK(mr_dir_list("logs", &entries, &count, &s.cx));
    EXPECT_EQ(count, 0);
    REQUIRE_OK(scene_open(&s));
    EXPECT_EQ(mr_log_marks_of(s.log).next, 0);
    finish(&s);
}

static void *delete_it(void *argument) {
    scene *s = argument;
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_cx_init(&cx, &arena, s->cx.plat);
    EXPECT_OK(mr_log_delete(s->log, &cx));
    mr_arena_release(&arena);
    return NULL;
}

TEST(log, a_deletion_waits_for_who_works_by_names) {
    START;
    EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 1}).error, 0);
    mr_thread thread;
    mr_mutex_lock(&s.log->upkeep);
    REQUIRE_OK(mr_thread_start(&thread, "delete", delete_it, &s, &s.cx));
    while (!atomic_load(&s.log->leaving)) {
    }
    EXPECT(!mr_log_offline(s.log, NULL));
    EXPECT(mr_file_exists("logs/t-0", &s.cx));
    mr_mutex_unlock(&s.log->upkeep);
    mr_thread_join(&thread);
    EXPECT(mr_log_offline(s.log, NULL));
    EXPECT(!mr_file_exists("logs/t-0", &s.cx));
    finish(&s);
}

TEST(log, a_failed_sync_of_a_deleted_log_is_not_noted_in_the_next_of_its_name) {
    START;
    EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 1}).error, 0);
    mr_log_sync sync;
    mr_log_sync_begin(s.log, &sync);
    EXPECT_OK(mr_log_delete(s.log, &s.cx));
    mr_log *gone = s.log;
    REQUIRE_OK(scene_open(&s));
    mr_log_sync_end(&sync, mr_fail(&s.cx, MR_E_IO, NULL, "the disk"), &s.cx);
    EXPECT(!mr_file_exists("logs/t-0/sync-failed", &s.cx));
    mr_error why;
    REQUIRE(mr_log_offline(gone, &why));
    EXPECT(strstr(why.text, "was deleted") != NULL);
    mr_log_drop(gone, &s.cx);
    finish(&s);
}

TEST(log, what_was_aborted_in_a_segment_that_is_gone_is_missing) {
    START;
    s.options.config.segment_bytes = 1000;
    s.options.config.retention_bytes = 2000;
    mr_log_configure(s.log, &s.options.config);
    batch_spec spec = {.producer_id = 9, .transactional = true};
    EXPECT_EQ(scene_append(&s, &spec).base_offset, 0);
    EXPECT_EQ(scene_finish(&s, 9, 0, /* commit= */ false).base_offset, 1);
    for (int i = 0; i < 100; i++) {
        EXPECT_EQ(scene_append(&s, &(batch_spec){.records = 1}).error, 0);
    }
    EXPECT_OK(scene_sync(&s));
    mr_log_slice held;
    int16_t error;
    mr_log_wish wish = {0, 1, true, MR_LOG_COMMITTED};
    REQUIRE_OK(mr_log_read(s.log, &wish, &held, &error, &s.cx));
    mr_log_aborted *list;
    uint32_t count;
    EXPECT_OK(mr_log_aborted_in(s.log, 0, held.next_offset, &list, &count, &s.cx));
    EXPECT_EQ(count, 1);
    EXPECT_OK(mr_log_tend(s.log, mr_clock_real_us(plat) / 1000, &s.cx));
    EXPECT(mr_log_marks_of(s.log).first > held.next_offset);
    EXPECT_EQ(mr_log_aborted_in(s.log, 0, held.next_offset, &list, &count, &s.cx), MR_E_MISSING);
    int64_t first = mr_log_marks_of(s.log).first;
    EXPECT_OK(mr_log_aborted_in(s.log, first, first + 1, &list, &count, &s.cx));
    mr_log_slice_release(&held);
    finish(&s);
}

TEST(log, a_small_batch_must_not_expand_without_end) {
    START;
    s.options.config.cleanup_compact = true;
    mr_log_configure(s.log, &s.options.config);
    batch_spec spec = {.key = "k", .value_bytes = 65 << 20, .compression = MR_COMPRESS_ZSTD};
    EXPECT(scene_batch(&s, &spec).bytes < 100000);
    EXPECT_EQ(scene_append(&s, &spec).error, MR_KAFKA_MESSAGE_TOO_LARGE);
    spec.value_bytes = 63 << 20;
    EXPECT_EQ(scene_append(&s, &spec).error, MR_KAFKA_NONE);
    s.options.config.max_message_bytes = 2 << 20;
    mr_log_configure(s.log, &s.options.config);
    spec.value_bytes = 65 << 20;
    EXPECT_EQ(scene_append(&s, &spec).error, MR_KAFKA_NONE);
    finish(&s);
}
