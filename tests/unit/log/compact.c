// Compaction: the last record of each key stays, whatever stops it half-way.

#include <stdio.h>
#include <string.h>

#include "log/inside.h"
#include "unit/log/scene.h"

#define KEYS   7
#define ROUNDS 30

static void configure(scene *s) {
    s->options.config.cleanup_compact = true;
    s->options.config.cleanup_delete = false;
    s->options.config.segment_bytes = 700;
    s->options.config.index_interval_bytes = 100;
    s->options.config.min_cleanable_dirty_ratio = 0;
    s->options.config.delete_retention_ms = 1000;
}

// What reading all of a log gives: of each key "k0" … the last value; how many records and batches.
typedef struct content {
    char last[KEYS][16];  // "" = none, "-" = a tombstone.
    int64_t last_offset[KEYS];
    uint32_t records;
    uint32_t batches;
    uint32_t markers;
    uint32_t empty;
    uint32_t aborted;  // Records whose value begins with 'a'.
} content;

static void content_add(content *c, const mr_record *record) {
    c->records++;
    c->aborted += record->value.bytes > 0 && record->value.data[0] == 'a';
    uint32_t key = (uint32_t)(record->key.data[1] - '0');
    snprintf(c->last[key], sizeof(c->last[key]), "%.*s",
             record->value.data == NULL ? 1 : (int)record->value.bytes,
             record->value.data == NULL ? "-" : record->value.data);
    c->last_offset[key] = record->offset;
}

static bool content_batch(scene *s, content *c, const mr_record_batch *batch) {
    c->batches++;
    if ((batch->attributes & MR_RECORD_BATCH_CONTROL) != 0) {
        c->markers += batch->record_count;
        return true;
    }
    c->empty += batch->record_count == 0;
    mr_text records = {.arena = &s->arena};
    mr_record_reader reader;
    mr_record record;
    if (mr_record_batch_verify(batch, &s->cx) != MR_OK ||
        mr_record_batch_expand(batch, 1 << 20, &records, &s->cx) != MR_OK ||
        mr_record_open(&reader, batch, mr_text_span(&records), &s->cx) != MR_OK) {
        return false;
    }
    while (mr_record_next(&reader, &record)) {
        content_add(c, &record);
    }
    return mr_record_end(&reader, &s->cx) == MR_OK;
}

static bool content_read(scene *s, content *ret) {
    memset(ret, 0, sizeof(*ret));
    mr_log_marks marks = mr_log_marks_of(s->log);
    for (int64_t offset = marks.first; offset < marks.high;) {
        mr_log_wish wish = {offset, 500, true, MR_LOG_UNCOMMITTED};
        mr_log_slice slice;
        int16_t error;
        if (mr_log_read(s->log, &wish, &slice, &error, &s->cx) != MR_OK || slice.bytes == 0) {
            return false;
        }
        char *data = mr_arena_raw(&s->arena, slice.bytes);
        mr_code code = mr_log_slice_load(&slice, 0, data, slice.bytes, &s->cx);
        mr_span in = {data, slice.bytes};
        offset = slice.next_offset;
        mr_log_slice_release(&slice);
        mr_record_batch batch;
        bool found = true;
        while (code == MR_OK &&
               (code = mr_record_batch_next(&in, &batch, &found, &s->cx)) == MR_OK && found) {
            if (!content_batch(s, ret, &batch)) {
                return false;
            }
        }
        if (code != MR_OK || in.bytes > 0) {
            return false;
        }
    }
    return true;
}

// Keys over and over, from an idempotent producer; key 6 ends as a tombstone; a few transactions.
static void fill(scene *s) {
    for (int32_t i = 0; i < ROUNDS; i++) {
        char key[4], value[16];
        snprintf(key, sizeof(key), "k%d", i % (KEYS - 1));
        snprintf(value, sizeof(value), "v%d", i);
        EXPECT_EQ(scene_append(s, &(batch_spec){.producer_id = 5,
                                                .sequence = i,
                                                .key = key,
                                                .value = value,
                                                .compression = MR_COMPRESS_LZ4})
                      .error,
                  0);
        if (i % 10 == 4) {
            EXPECT_EQ(scene_append(s, &(batch_spec){.producer_id = 8,
                                                    .sequence = i / 10,
                                                    .key = key,
                                                    .value = "abort",
                                                    .transactional = true})
                          .error,
                      0);
            EXPECT_EQ(scene_finish(s, 8, 0, false).error, 0);
        }
    }
    EXPECT_EQ(scene_append(s, &(batch_spec){.key = "k6", .value = "gone soon"}).error, 0);
    EXPECT_EQ(scene_append(s, &(batch_spec){.key = "k6", .null_value = true}).error, 0);
    EXPECT_OK(scene_sync(s));
    // So that all of that is behind the last segment.
    s->options.config.segment_bytes = 100;
    mr_log_configure(s->log, &s->options.config);
    EXPECT_EQ(scene_append(s, &(batch_spec){.key = "k0", .value = "end"}).error, 0);
    s->options.config.segment_bytes = 700;
    mr_log_configure(s->log, &s->options.config);
    EXPECT_OK(scene_sync(s));
}

static void expect_content(scene *s, const content *before) {
    content after;
    EXPECT(content_read(s, &after));
    for (int k = 0; k < KEYS; k++) {
        EXPECT_STR(after.last[k], before->last[k]);
        EXPECT_EQ(after.last_offset[k], before->last_offset[k]);
    }
}

TEST(log_compact, the_last_record_of_each_key_stays_and_tombstones_go_at_their_horizon) {
    scene s;
    mr_plat *plat = mr_sim_new(3);
    scene_init(&s, plat);
    configure(&s);
    REQUIRE_OK(scene_open(&s));
    fill(&s);
    content before, after;
    REQUIRE(content_read(&s, &before));
    for (int k = 0; k < KEYS - 1; k++) {  // Aborted records are never a key's last.
        EXPECT(before.last[k][0] == 'v' || k == 0);
    }
    int64_t now = mr_clock_real_us(plat) / 1000;
    uint64_t freed = 0;
    mr_log_marks marks = mr_log_marks_of(s.log);
    EXPECT_OK(mr_log_compact(s.log, now, &freed, &s.cx));
    EXPECT(freed > 500);
    expect_content(&s, &before);
    REQUIRE(content_read(&s, &after));
    EXPECT_EQ(after.aborted, 0);
    EXPECT_EQ(after.records, KEYS + 1);  // k0 once more in the last segment.
    EXPECT_EQ(after.markers, 3);
    EXPECT_STR(after.last[6], "-");
    EXPECT_EQ(mr_log_marks_of(s.log).next, marks.next);
    EXPECT_EQ(mr_log_marks_of(s.log).first, marks.first);
    // Nothing new: nothing to do.
    EXPECT_OK(mr_log_compact(s.log, now + 5000, &freed, &s.cx));
    EXPECT_EQ(freed, 0);
    // Again, behind the horizon, because a segment was added.
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(scene_append(&s, &(batch_spec){.key = "k1", .value = "w"}).error, 0);
    }
    EXPECT_OK(scene_sync(&s));
    EXPECT_OK(mr_log_compact(s.log, now + 5000, &freed, &s.cx));
    REQUIRE(content_read(&s, &after));
    EXPECT_STR(after.last[6], "");
    EXPECT_EQ(after.markers, 0);
    EXPECT(after.empty >= 1);  // The last batch of producer 8, for its sequence.
    // Offsets that are gone are read from the next one on; the producer's sequence is known.
    s.options.recovery_point = 0;
    scene_drop(&s);
    REQUIRE_OK(scene_open(&s));
    EXPECT_EQ(s.recovery.bytes_cut, 0);
    mr_log_appended a = scene_append(
        &s, &(batch_spec){.producer_id = 5, .sequence = ROUNDS - 1, .key = "k5", .value = "again"});
    EXPECT(a.duplicate);
    a = scene_append(&s, &(batch_spec){.producer_id = 5, .sequence = ROUNDS, .key = "k5"});
    EXPECT_EQ(a.error, 0);
    scene_end(&s);
    mr_sim_free(plat);
}

TEST(log_compact, a_slice_is_stale_once_its_segment_was_compacted) {
    scene s;
    mr_plat *plat = mr_sim_new(3);
    scene_init(&s, plat);
    configure(&s);
    REQUIRE_OK(scene_open(&s));
    fill(&s);
    mr_log_aborted *list;
    uint32_t count;
    EXPECT_OK(mr_log_aborted_in(s.log, 0, INT64_MAX, &list, &count, &s.cx));
    REQUIRE(count > 0);
    mr_log_wish wish = {list[0].first_offset, 1, true, MR_LOG_COMMITTED};
    mr_log_slice held;
    int16_t error;
    REQUIRE_OK(mr_log_read(s.log, &wish, &held, &error, &s.cx));
    bool stale = true;
    mr_log_aborted_of(s.log, &held, &list, &count, &stale, &s.cx);
    EXPECT(!stale);
    EXPECT_EQ(count, 1);
    int64_t now = mr_clock_real_us(plat) / 1000;
    uint64_t freed = 0;
    EXPECT_OK(mr_log_compact(s.log, now, &freed, &s.cx));
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(scene_append(&s, &(batch_spec){.key = "k1", .value = "w"}).error, 0);
    }
    EXPECT_OK(scene_sync(&s));
    EXPECT_OK(mr_log_compact(s.log, now + 5000, &freed, &s.cx));
    // Nobody knows any more what was aborted in the bytes that are held.
    EXPECT_OK(mr_log_aborted_in(s.log, held.first_offset, held.next_offset, &list, &count, &s.cx));
    EXPECT_EQ(count, 0);
    mr_log_aborted_of(s.log, &held, &list, &count, &stale, &s.cx);
    EXPECT(stale);
    mr_log_slice_release(&held);
    scene_end(&s);
    mr_sim_free(plat);
}

// Each operation of a compaction is struck in turn.
TEST(log_compact, a_power_cut_anywhere_loses_nothing) {
    uint64_t struck = 0;
    for (uint64_t n = 1; n < 400; n++) {
        scene s;
        mr_plat *plat = mr_sim_new(n);
        scene_init(&s, plat);
        configure(&s);
        REQUIRE_OK(scene_open(&s));
        fill(&s);
        content before;
        REQUIRE(content_read(&s, &before));
        int64_t now = mr_clock_real_us(plat) / 1000;
        s.options.recovery_point = n % 2 == 0 ? mr_log_recovery_point(s.log) : 0;
        uint64_t freed, from = mr_sim_operations(plat);
        mr_sim_fault faults[] = {MR_SIM_POWER_CUT, MR_SIM_KILL, MR_SIM_NO_SPACE,
                                 MR_SIM_WRITE_ERROR};
        mr_sim_fault_at(plat, from + n / 4 + 1, faults[n % 4]);
        mr_code code = mr_log_compact(s.log, now, &freed, &s.cx);
        if (code == MR_OK) {
            expect_content(&s, &before);
        } else {
            struck++;
        }
        if (n % 8 < 4 || code != MR_OK) {
            scene_drop(&s);
            mr_sim_restart(plat);
            REQUIRE_OK(scene_open(&s));
            EXPECT_EQ(s.recovery.bytes_cut, 0);
        }
        expect_content(&s, &before);
        EXPECT_OK(mr_log_compact(s.log, now + 1, &freed, &s.cx));
        expect_content(&s, &before);
        bool done = code == MR_OK && mr_sim_operations(plat) < from + n / 4;
        scene_end(&s);
        mr_sim_free(plat);
        if (done) {
            break;
        }
    }
    EXPECT(struck > 100);
}

TEST(log_compact, gives_up_when_the_log_is_to_be_deleted) {
    scene s;
    mr_plat *plat = mr_sim_new(3);
    scene_init(&s, plat);
    configure(&s);
    REQUIRE_OK(scene_open(&s));
    fill(&s);
    int64_t now = mr_clock_real_us(plat) / 1000;
    uint64_t freed = 1, bytes = mr_log_bytes(s.log);
    atomic_store(&s.log->leaving, true);
    EXPECT_OK(mr_log_compact(s.log, now, &freed, &s.cx));
    EXPECT_EQ(freed, 0);
    EXPECT_EQ(mr_log_bytes(s.log), bytes);
    EXPECT(!mr_log_offline(s.log, NULL));
    atomic_store(&s.log->leaving, false);  // The folder could not be renamed.
    EXPECT_OK(mr_log_compact(s.log, now, &freed, &s.cx));
    EXPECT(freed > 500);
    scene_end(&s);
    mr_sim_free(plat);
}
