// Commit log: every torn tail is cut off, damage in the middle is refused, a failed sync is for
// good.

#include "exec/commit_log.h"

#include <string.h>

#include "plat/sim.h"
#include "runner.h"

typedef struct scene {
    mr_arena arena;
    mr_cx cx;
    mr_commit_log log;
    uint64_t applied;  // Records of the last open.
    uint64_t epoch;    // The last of them.
    bool wrong;        // A payload is not the one written.
} scene;

static void scene_open(scene *s) {
    *s = (scene){0};
    mr_cx_init(&s->cx, &s->arena, mr_sim_new(1));
}

static void scene_close(scene *s) {
    mr_commit_log_close(&s->log, s->cx.plat);
    mr_sim_free(s->cx.plat);
    mr_arena_release(&s->arena);
}

static mr_span payload(scene *s, uint64_t epoch) {
    char *text = mr_arena_printf(&s->arena, "record of epoch %u ................", (unsigned)epoch);
    return (mr_span){text, 10 + epoch * 7 % 25};
}

static mr_code apply(void *self, uint64_t epoch, mr_span data, mr_cx *cx) {
    scene *s = self;
    (void)cx;
    s->wrong |= !mr_span_equal(data, payload(s, epoch));
    s->applied++;
    s->epoch = epoch;
    return MR_OK;
}

static mr_code reopen(scene *s) {
    mr_commit_log_close(&s->log, s->cx.plat);
    s->applied = 0;
    return mr_commit_log_open(&s->log, "state", apply, s, &s->cx);
}

static mr_code append(scene *s, uint64_t first, uint64_t last) {
    for (uint64_t epoch = first; epoch <= last; epoch++) {
        MR_TRY(mr_commit_log_append(&s->log, epoch, payload(s, epoch), &s->cx));
    }
    return MR_OK;
}

#define FIRST "state/commit-00000000.log"

static mr_span file_copy(scene *s, const char *path) {
    mr_span data = {0};
    EXPECT(mr_sim_get(s->cx.plat, path, &data));
    return (mr_span){mr_arena_copy(&s->arena, data.data, data.bytes), data.bytes};
}

TEST(commit_log, replays_what_was_appended) {
    scene s;
    scene_open(&s);
    EXPECT_OK(reopen(&s));
    EXPECT_OK(append(&s, 0, 20));
    EXPECT_OK(reopen(&s));
    EXPECT_EQ(s.applied, 21);
    EXPECT_EQ(s.epoch, 20);
    EXPECT(!s.wrong);
    scene_close(&s);
}

// The longest valid prefix of every length, with nothing, zeros or garbage behind it.
TEST(commit_log, cuts_torn_tails_of_every_length) {
    scene s;
    scene_open(&s);
    REQUIRE_OK(reopen(&s));
    REQUIRE_OK(append(&s, 0, 2));
    size_t whole = file_copy(&s, FIRST).bytes;
    REQUIRE_OK(append(&s, 3, 3));
    mr_span data = file_copy(&s, FIRST);
    for (size_t bytes = whole; bytes < data.bytes; bytes++) {
        for (int tail = 0; tail < 3; tail++) {
            mr_text torn;
            mr_text_init(&torn, &s.arena);
            mr_text_add_bytes(&torn, data.data, bytes);
            for (uint32_t i = 0; tail > 0 && i < 700; i++) {
                mr_text_add_char(&torn, tail == 1 ? 0 : (char)(i * 37 + 11));
            }
            mr_sim_put(s.cx.plat, FIRST, mr_text_span(&torn));
            REQUIRE_OK(reopen(&s));
            EXPECT_EQ(s.applied, 3);
            EXPECT_OK(append(&s, 3, 4));  // The cut tail is in nobody's way.
            EXPECT_OK(reopen(&s));
            EXPECT_EQ(s.applied, 5);
            EXPECT(!s.wrong);
        }
    }
    scene_close(&s);
}

TEST(commit_log, refuses_damage_before_the_last_record) {
    scene s;
    scene_open(&s);
    REQUIRE_OK(reopen(&s));
    REQUIRE_OK(append(&s, 0, 1));
    size_t second = file_copy(&s, FIRST).bytes;
    REQUIRE_OK(append(&s, 2, 2));
    mr_span data = file_copy(&s, FIRST);
    for (size_t at = 0; at < second; at++) {
        char *damaged = mr_arena_copy(&s.arena, data.data, data.bytes);
        damaged[at] = (char)(damaged[at] ^ 0x10);
        mr_sim_put(s.cx.plat, FIRST, (mr_span){damaged, data.bytes});
        if (!EXPECT_EQ(reopen(&s), MR_E_CORRUPT)) {
            break;
        }
    }
    scene_close(&s);
}

TEST(commit_log, refuses_a_segment_that_is_gone) {
    scene s;
    scene_open(&s);
    REQUIRE_OK(reopen(&s));
    s.log.segment_bytes_max = 1;  // One record a segment.
    REQUIRE_OK(append(&s, 0, 5));
    EXPECT_EQ(s.log.segment_count, 6);
    EXPECT_OK(mr_file_delete("state/commit-00000003.log", &s.cx));
    EXPECT_EQ(reopen(&s), MR_E_CORRUPT);
    scene_close(&s);
}

TEST(commit_log, cuts_only_segments_of_older_epochs) {
    scene s;
    scene_open(&s);
    REQUIRE_OK(reopen(&s));
    s.log.segment_bytes_max = 100;
    REQUIRE_OK(append(&s, 0, 30));
    for (uint64_t keep = 0; keep <= 30; keep += 3) {
        EXPECT_OK(mr_commit_log_cut(&s.log, keep, &s.cx));
        uint64_t first = s.log.segments[0].epoch_first;
        EXPECT(first <= MR_MAX(keep, 1u));
        EXPECT(s.log.segment_count == 1 || s.log.segments[1].epoch_first > keep);
        uint64_t bytes = s.log.bytes;
        EXPECT_OK(reopen(&s));
        EXPECT_EQ(s.log.bytes, bytes);
        EXPECT_EQ(s.epoch, 30);
        EXPECT_EQ(s.applied, keep < first || first <= 1 ? s.applied : 31 - first);
        s.log.segment_bytes_max = 100;
    }
    scene_close(&s);
}

// A full disk leaves the log as it was, wherever it strikes; the same record may be appended again.
TEST(commit_log, takes_a_record_again_after_a_full_disk) {
    scene s;
    scene_open(&s);
    REQUIRE_OK(reopen(&s));
    REQUIRE_OK(append(&s, 0, 3));
    for (uint32_t round = 0; round < 3; round++) {
        mr_sim_full(s.cx.plat, true);
        EXPECT_EQ(append(&s, 4, 4), MR_E_FULL);
        EXPECT((s.cx.error.flags & MR_RETRY) != 0);
    }
    mr_sim_full(s.cx.plat, false);
    mr_sim_fault_at(s.cx.plat, mr_sim_operations(s.cx.plat) + 2, MR_SIM_NO_SPACE);  // The payload.
    EXPECT_EQ(append(&s, 4, 4), MR_E_FULL);
    EXPECT_OK(append(&s, 4, 5));
    EXPECT_OK(reopen(&s));
    EXPECT_EQ(s.applied, 6);
    mr_sim_full(s.cx.plat, true);  // A start on a full disk loses nothing either.
    EXPECT_EQ(reopen(&s), MR_E_FULL);
    mr_sim_full(s.cx.plat, false);
    EXPECT_OK(reopen(&s));
    EXPECT_EQ(s.applied, 6);
    scene_close(&s);
}

// After a failed sync the record may be in memory only. It must not count as committed until it is
// durable, though the same machine still shows it.
TEST(commit_log, makes_durable_what_a_failed_sync_left) {
    for (uint64_t seed = 1; seed <= 50; seed++) {
        scene s = {0};
        mr_cx_init(&s.cx, &s.arena, mr_sim_new(seed));
        REQUIRE_OK(reopen(&s));
        REQUIRE_OK(append(&s, 0, 3));
        mr_sim_fault_at(s.cx.plat, mr_sim_operations(s.cx.plat) + 1, MR_SIM_SYNC_ERROR);
        EXPECT_EQ(append(&s, 4, 4), MR_E_IO);
        EXPECT(s.log.failed && (s.cx.error.flags & MR_FATAL) != 0);
        EXPECT_OK(reopen(&s));
        EXPECT_EQ(s.applied, 5);
        mr_sim_restart(s.cx.plat);  // Power goes: what was shown must still be there.
        EXPECT_OK(reopen(&s));
        EXPECT_EQ(s.applied, 5);
        EXPECT(!s.wrong);
        scene_close(&s);
    }
}
