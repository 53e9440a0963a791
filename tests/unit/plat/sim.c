// Sim: the simulated disk keeps its promises in every life, and breaks all others in some.

#include "plat/sim.h"

#include <stdio.h>
#include <string.h>

#include "runner.h"

typedef struct scene {
    mr_arena arena;
    mr_cx cx;
} scene;

static void scene_open(scene *s, uint64_t seed) {
    s->arena = (mr_arena){.head = NULL};
    mr_cx_init(&s->cx, &s->arena, mr_sim_new(seed));
}

static void scene_close(scene *s) {
    mr_sim_free(s->cx.plat);
    mr_arena_release(&s->arena);
}

static mr_code put(scene *s, const char *path, mr_open_mode mode, mr_span data, bool sync) {
    mr_file file;
    MR_TRY(mr_file_open(&file, path, mode, &s->cx));
    mr_code code = mr_file_append(&file, data, &s->cx);
    if (code == MR_OK && sync) {
        code = mr_file_sync(&file, &s->cx);
    }
    mr_file_close(&file, s->cx.plat);
    return code;
}

static bool holds(scene *s, const char *path, const char *text) {
    mr_span data;
    return mr_sim_get(s->cx.plat, path, &data) && mr_span_is(data, text);
}

static bool exists(scene *s, const char *path) {
    mr_span data;
    return mr_sim_get(s->cx.plat, path, &data);
}

#define SEEDS 200

TEST(sim, files_behave_as_on_a_real_disk) {
    scene s;
    scene_open(&s, 1);
    EXPECT_OK(mr_dir_make("data/a/b", &s.cx));
    EXPECT_OK(mr_file_save("data/a/f", MR_SPAN("one"), &s.cx));
    EXPECT_EQ(put(&s, "data/a/f", MR_OPEN_CREATE, MR_SPAN("x"), false), MR_E_EXISTS);
    EXPECT_OK(put(&s, "data/a/f", MR_OPEN_APPEND, MR_SPAN(" two"), false));
    EXPECT(holds(&s, "./data//a/f", "one two"));
    EXPECT(holds(&s, "/data/a/f", "one two"));
    EXPECT_OK(put(&s, "data/g", MR_OPEN_TRUNCATE, MR_SPAN("g"), false));
    EXPECT_EQ(mr_file_rename("data/a/f", "data/g", &s.cx), MR_E_EXISTS);
    EXPECT_OK(mr_file_replace("data/a/f", "data/g", &s.cx));
    EXPECT(holds(&s, "data/g", "one two"));
    mr_file file;
    EXPECT_EQ(mr_file_open(&file, "data/a/f", MR_OPEN_READ, &s.cx), MR_E_MISSING);
    EXPECT_STR(s.cx.error.text, "cannot open \"data/a/f\": No such file or directory");
    EXPECT_EQ(mr_file_open(&file, "none/f", MR_OPEN_CREATE, &s.cx), MR_E_MISSING);
    mr_dir_entry *entries;
    size_t count;
    REQUIRE_OK(mr_dir_list("data", &entries, &count, &s.cx));
    EXPECT_EQ(count, 2);
    EXPECT_STR(entries[0].name, "a");
    EXPECT(entries[0].is_dir);
    EXPECT_STR(entries[1].name, "g");
    // An open file outlives its name.
    REQUIRE_OK(mr_file_open(&file, "data/g", MR_OPEN_READ, &s.cx));
    EXPECT_OK(mr_file_delete("data/g", &s.cx));
    char data[16] = "";
    size_t got = 0;
    EXPECT_OK(mr_file_read(&file, 4, data, sizeof(data), &got, &s.cx));
    EXPECT_EQ(got, 3);
    EXPECT_STR(data, "two");
    mr_file_close(&file, s.cx.plat);
    EXPECT_OK(mr_dir_delete("data", &s.cx));
    EXPECT(!mr_file_exists("data", &s.cx));
    scene_close(&s);
}

TEST(sim, what_was_synced_survives_every_power_cut) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        scene s;
        scene_open(&s, seed);
        EXPECT_OK(mr_dir_make("data/state", &s.cx));
        EXPECT_OK(put(&s, "data/state/log", MR_OPEN_CREATE, MR_SPAN("synced"), true));
        EXPECT_OK(mr_dir_sync("data/state", &s.cx));
        EXPECT_OK(mr_file_save("data/state/saved", MR_SPAN("saved"), &s.cx));
        EXPECT_OK(put(&s, "data/state/log", MR_OPEN_APPEND, MR_SPAN(" not"), false));
        mr_sim_power_cut_at(s.cx.plat, mr_sim_operations(s.cx.plat) + 1);
        EXPECT_EQ(mr_crash_point("here", &s.cx), MR_E_CRASH);
        EXPECT_EQ(mr_file_delete("data/state/log", &s.cx), MR_E_CRASH);  // Down is down.
        mr_sim_restart(s.cx.plat);
        EXPECT(holds(&s, "data/state/saved", "saved"));
        mr_span log;
        if (EXPECT(mr_sim_get(s.cx.plat, "data/state/log", &log))) {
            EXPECT(mr_span_starts(log, "synced"));
        }
        scene_close(&s);
    }
}

TEST(sim, what_was_not_synced_is_lost_in_some_life_and_kept_in_another) {
    size_t entry_lost = 0, data_lost = 0, kept = 0, killed_lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        scene s;
        scene_open(&s, seed);
        EXPECT_OK(put(&s, "a", MR_OPEN_CREATE, MR_SPAN("data"), true));   // Entry not synced.
        EXPECT_OK(put(&s, "b", MR_OPEN_CREATE, MR_SPAN("data"), false));  // Data neither.
        mr_sim_restart(s.cx.plat);
        entry_lost += !exists(&s, "a");
        EXPECT(!exists(&s, "a") || holds(&s, "a", "data"));
        data_lost += exists(&s, "b") && !holds(&s, "b", "data");
        kept += holds(&s, "b", "data");
        scene_close(&s);

        scene_open(&s, seed);  // kill -9 loses nothing.
        EXPECT_OK(put(&s, "b", MR_OPEN_CREATE, MR_SPAN("data"), false));
        mr_sim_fault_at(s.cx.plat, mr_sim_operations(s.cx.plat) + 1, MR_SIM_KILL);
        EXPECT_EQ(mr_crash_point("here", &s.cx), MR_E_CRASH);
        EXPECT(mr_sim_down(s.cx.plat));
        mr_sim_restart(s.cx.plat);
        killed_lost += !holds(&s, "b", "data");
        scene_close(&s);
    }
    EXPECT(entry_lost > SEEDS / 10);
    EXPECT(data_lost > SEEDS / 20);
    EXPECT(kept > SEEDS / 20);
    EXPECT_EQ(killed_lost, 0);
}

TEST(sim, writes_are_torn_at_sectors_and_never_within_one) {
    size_t torn = 0, zeros = 0, old = 0;
    char before[4096], after[4096];
    memset(before, 'o', sizeof(before));
    memset(after, 'n', sizeof(after));
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        scene s;
        scene_open(&s, seed);
        mr_sim_put(s.cx.plat, "f", (mr_span){before, 2048});
        mr_file file;
        REQUIRE_OK(mr_file_open(&file, "f", MR_OPEN_TRUNCATE, &s.cx));
        EXPECT_OK(mr_file_append(&file, (mr_span){after, sizeof(after)}, &s.cx));
        mr_file_close(&file, s.cx.plat);
        mr_sim_restart(s.cx.plat);
        mr_span data;
        REQUIRE(mr_sim_get(s.cx.plat, "f", &data));
        size_t kinds[3] = {0, 0, 0};
        for (size_t i = 0; i < data.bytes; i++) {
            char c = data.data[i];
            REQUIRE(c == 'o' || c == 'n' || c == '\0');
            kinds[c == 'o' ? 0 : c == 'n' ? 1 : 2]++;
            if (i % 512 != 0) {
                REQUIRE(c == data.data[i - 1] || c == '\0');
            }
        }
        old += data.bytes == 2048 && kinds[0] == 2048;
        torn += kinds[1] > 0 && kinds[1] < sizeof(after);
        zeros += kinds[2] > 0;
        scene_close(&s);
    }
    EXPECT(old > 0);
    EXPECT(torn > SEEDS / 10);
    EXPECT(zeros > SEEDS / 20);
}

TEST(sim, a_rename_is_lost_or_done_but_never_half) {
    size_t done = 0, lost = 0, replaced = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        scene s;
        scene_open(&s, seed);
        EXPECT_OK(mr_dir_make("tmp", &s.cx));
        EXPECT_OK(mr_dir_make("table", &s.cx));
        EXPECT_OK(put(&s, "tmp/part", MR_OPEN_CREATE, MR_SPAN("rows"), true));
        EXPECT_OK(mr_dir_sync("tmp", &s.cx));
        EXPECT_OK(mr_file_rename("tmp/part", "table/final", &s.cx));
        mr_sim_restart(s.cx.plat);
        bool here = holds(&s, "table/final", "rows"), there = holds(&s, "tmp/part", "rows");
        EXPECT(here != there);
        done += here;
        lost += there;
        // Once the folder is synced it stays, and replacing gives the old or the new.
        if (there) {
            EXPECT_OK(mr_file_rename("tmp/part", "table/final", &s.cx));
        }
        EXPECT_OK(mr_dir_sync("table", &s.cx));
        EXPECT_OK(put(&s, "tmp/part2", MR_OPEN_CREATE, MR_SPAN("better"), true));
        EXPECT_OK(mr_file_replace("tmp/part2", "table/final", &s.cx));
        mr_sim_restart(s.cx.plat);
        EXPECT(holds(&s, "table/final", "rows") || holds(&s, "table/final", "better"));
        EXPECT(!exists(&s, "tmp/part"));
        replaced += holds(&s, "table/final", "better");
        scene_close(&s);
    }
    EXPECT(done > SEEDS / 10);
    EXPECT(lost > SEEDS / 10);
    EXPECT(replaced > SEEDS / 10 && replaced < SEEDS);
}

TEST(sim, entries_of_a_folder_may_be_lost_in_another_order) {
    size_t later_only = 0, earlier_only = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        scene s;
        scene_open(&s, seed);
        EXPECT_OK(put(&s, "first", MR_OPEN_CREATE, MR_SPAN("1"), true));
        EXPECT_OK(put(&s, "second", MR_OPEN_CREATE, MR_SPAN("2"), true));
        mr_sim_restart(s.cx.plat);
        later_only += !exists(&s, "first") && exists(&s, "second");
        earlier_only += exists(&s, "first") && !exists(&s, "second");
        scene_close(&s);
    }
    EXPECT(later_only > 0);
    EXPECT(earlier_only > later_only);
}

TEST(sim, a_failed_sync_drops_the_pages_and_the_next_one_lies) {
    size_t wrong = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        scene s;
        scene_open(&s, seed);
        mr_sim_put(s.cx.plat, "log", MR_SPAN(""));
        mr_file file;
        REQUIRE_OK(mr_file_open(&file, "log", MR_OPEN_APPEND, &s.cx));
        mr_sim_fault_at(s.cx.plat, 1, MR_SIM_SYNC_ERROR);
        EXPECT_OK(mr_file_append(&file, MR_SPAN("record"), &s.cx));
        EXPECT_EQ(mr_file_sync(&file, &s.cx), MR_E_IO);
        EXPECT_EQ(s.cx.error.flags, MR_FATAL);
        EXPECT(holds(&s, "log", "record"));     // Still in the page cache …
        EXPECT_OK(mr_file_sync(&file, &s.cx));  // … and the kernel says it is clean.
        mr_file_close(&file, s.cx.plat);
        mr_sim_restart(s.cx.plat);
        wrong += holds(&s, "log", "record");
        scene_close(&s);
    }
    EXPECT(wrong < SEEDS / 2);  // A write-back before the failure may have saved it.
}

TEST(sim, faults_strike_once_where_they_fit) {
    scene s;
    scene_open(&s, 5);
    mr_file file;
    REQUIRE_OK(mr_file_open(&file, "f", MR_OPEN_CREATE, &s.cx));
    mr_sim_fault_at(s.cx.plat, 2, MR_SIM_SHORT_WRITE);
    EXPECT_OK(mr_file_append(&file, MR_SPAN("0123456789"), &s.cx));  // Continued.
    EXPECT(holds(&s, "f", "0123456789"));
    uint64_t n = mr_sim_operations(s.cx.plat);
    EXPECT_EQ(n, 3);  // One more than without the fault.
    mr_sim_fault_at(s.cx.plat, n + 1, MR_SIM_NO_SPACE);
    EXPECT_EQ(mr_file_append(&file, MR_SPAN("x"), &s.cx), MR_E_FULL);
    EXPECT_EQ(s.cx.error.flags, MR_RETRY);
    EXPECT(holds(&s, "f", "0123456789"));
    EXPECT_OK(mr_file_append(&file, MR_SPAN("x"), &s.cx));
    mr_sim_fault_at(s.cx.plat, mr_sim_operations(s.cx.plat) + 1, MR_SIM_WRITE_ERROR);
    EXPECT_EQ(mr_file_append(&file, MR_SPAN("y"), &s.cx), MR_E_IO);
    EXPECT_STR(s.cx.error.text, "cannot write \"f\": Input/output error");
    mr_sim_fault_at(s.cx.plat, mr_sim_reads(s.cx.plat) + 2, MR_SIM_READ_ERROR);
    char data[16];
    size_t got;
    EXPECT_OK(mr_file_read(&file, 0, data, 4, &got, &s.cx));
    EXPECT_EQ(mr_file_read(&file, 0, data, 4, &got, &s.cx), MR_E_IO);
    EXPECT_STR(s.cx.error.context[0], "reading 4 bytes at offset 0");
    EXPECT_OK(mr_file_read(&file, 0, data, 4, &got, &s.cx));
    mr_sim_full(s.cx.plat, true);
    EXPECT_EQ(mr_file_append(&file, MR_SPAN("y"), &s.cx), MR_E_FULL);
    EXPECT_EQ(mr_file_save("g", MR_SPAN("y"), &s.cx), MR_E_FULL);
    EXPECT_EQ(mr_dir_make("d", &s.cx), MR_E_FULL);
    mr_sim_full(s.cx.plat, false);
    EXPECT_OK(mr_file_save("g", MR_SPAN("y"), &s.cx));
    mr_file_close(&file, s.cx.plat);
    scene_close(&s);
}

// Saves two versions; gives the number of operations it takes.
static mr_code save_twice(scene *s) {
    MR_TRY(mr_dir_make("data", &s->cx));
    MR_TRY(mr_file_save("data/catalog", MR_SPAN("version 1"), &s->cx));
    MR_TRY(mr_crash_point("between", &s->cx));
    return mr_file_save("data/catalog", MR_SPAN("version 2"), &s->cx);
}

TEST(sim, a_saved_file_is_old_or_new_after_a_cut_at_any_operation) {
    scene s;
    scene_open(&s, 0);
    EXPECT_OK(save_twice(&s));
    uint64_t operations = mr_sim_operations(s.cx.plat);
    scene_close(&s);
    EXPECT(operations > 10);
    size_t olds = 0, news = 0;
    for (uint64_t n = 1; n <= operations; n++) {
        for (uint64_t seed = 0; seed < 40; seed++) {
            scene_open(&s, seed);
            mr_sim_power_cut_at(s.cx.plat, n);
            EXPECT_EQ(save_twice(&s), MR_E_CRASH);
            mr_sim_restart(s.cx.plat);
            bool old = holds(&s, "data/catalog", "version 1");
            bool new = holds(&s, "data/catalog", "version 2");
            EXPECT(old || new || n <= operations / 2 + 1);
            EXPECT(old || new || !exists(&s, "data/catalog"));
            olds += old;
            news += new;
            EXPECT_OK(save_twice(&s));  // The next life works.
            EXPECT(holds(&s, "data/catalog", "version 2"));
            scene_close(&s);
        }
    }
    EXPECT(olds > 0);
    EXPECT(news > 0);
}

TEST(sim, one_seed_is_one_history) {
    mr_span first = {NULL, 0};
    mr_text histories[2];
    for (int i = 0; i < 2; i++) {
        scene s;
        scene_open(&s, 99);
        mr_text_init(&histories[i], NULL);
        for (int round = 0; round < 20; round++) {
            char name[16];
            snprintf(name, sizeof(name), "f%d", round % 5);
            mr_sim_power_cut_at(s.cx.plat, mr_sim_operations(s.cx.plat) + 3);
            mr_code code = put(&s, name, MR_OPEN_APPEND, MR_SPAN("0123456789"), true);
            mr_sim_restart(s.cx.plat);
            mr_span data = {"", 0};
            bool there = mr_sim_get(s.cx.plat, name, &data);
            mr_text_addf(&histories[i], "%d %d %.*s %llu\n", (int)code, there, MR_SPAN_ARGS(data),
                         (unsigned long long)mr_random_u64(s.cx.plat));
        }
        scene_close(&s);
    }
    first = mr_text_span(&histories[0]);
    EXPECT(mr_span_equal(first, mr_text_span(&histories[1])));
    mr_text_release(&histories[0]);
    mr_text_release(&histories[1]);
}

TEST(sim, a_restart_kills_handles_and_frees_locks) {
    scene s;
    scene_open(&s, 3);
    mr_sim_put(s.cx.plat, "data/f", MR_SPAN("x"));
    mr_lock lock = {-1}, other = {-1};
    EXPECT_OK(mr_lock_take(&lock, "data/lock", &s.cx));
    EXPECT_EQ(mr_lock_take(&other, "data/lock", &s.cx), MR_E_LOCKED);
    EXPECT_STR(s.cx.error.text, "\"data/lock\" is in use by process 1 (simulated)");
    mr_file file;
    REQUIRE_OK(mr_file_open(&file, "data/f", MR_OPEN_APPEND, &s.cx));
    mr_sim_restart(s.cx.plat);
    EXPECT_EQ(mr_file_append(&file, MR_SPAN("y"), &s.cx), MR_E_IO);
    mr_file_close(&file, s.cx.plat);
    EXPECT_OK(mr_lock_take(&other, "data/lock", &s.cx));
    EXPECT(holds(&s, "data/f", "x"));
    scene_close(&s);
}

TEST(sim, clock_environment_streams_and_crash_points_are_virtual) {
    scene s;
    scene_open(&s, 4);
    mr_plat *plat = s.cx.plat;
    int64_t real = mr_clock_real_us(plat), monotonic = mr_clock_monotonic_us(plat);
    EXPECT_EQ(real, 1767225600000000);
    mr_clock_sleep_us(plat, 5000000);
    mr_sim_clock_step(plat, -3600000000);
    EXPECT_EQ(mr_clock_real_us(plat), real + 5000000 - 3600000000);
    EXPECT_EQ(mr_clock_monotonic_us(plat), monotonic + 5000000);
    EXPECT_EQ(mr_plat_env(plat, "A"), NULL);
    mr_sim_env_set(plat, "A", "1");
    mr_sim_env_set(plat, "A", "2");
    EXPECT_STR(mr_plat_env(plat, "A"), "2");
    mr_sim_env_set(plat, "A", NULL);
    EXPECT_EQ(mr_plat_env(plat, "A"), NULL);
    EXPECT_OK(mr_stream_write(MR_STDOUT, MR_SPAN("out"), &s.cx));
    EXPECT_OK(mr_stream_write(MR_STDERR, MR_SPAN("err"), &s.cx));
    EXPECT(mr_span_is(mr_sim_output(plat, MR_STDOUT), "out"));
    EXPECT(mr_span_is(mr_sim_output(plat, MR_STDERR), "err"));
    mr_sim_env_set(plat, "MILLRACE_CRASH", "commit:2");
    EXPECT_OK(mr_crash_point("commit.other", &s.cx));
    EXPECT_OK(mr_crash_point("commit", &s.cx));
    EXPECT_EQ(mr_crash_point("commit", &s.cx), MR_E_CRASH);
    EXPECT_EQ(mr_stream_write(MR_STDOUT, MR_SPAN("out"), &s.cx), MR_E_CRASH);
    EXPECT_STR(s.cx.error.text, "the simulated machine is down");
    scene_close(&s);
}
