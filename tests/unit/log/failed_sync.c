// A failed sync, and what else may fail with it: the note about it, without which the next start
// believes pages that the disk does not have.

#include "unit/log/scene.h"

// A sync fails on a full disk, and so do the first words about it.
static void sync_fails(scene *s, uint32_t write_errors) {
    mr_plat *plat = s->cx.plat;
    EXPECT_EQ(scene_append(s, &(batch_spec){.records = 3}).error, 0);
    EXPECT_OK(scene_sync(s));
    EXPECT_EQ(scene_append(s, &(batch_spec){.value_bytes = 5000}).error, 0);
    mr_sim_full(plat, true);
    mr_sim_fault_at(plat, mr_sim_operations(plat) + 1, MR_SIM_SYNC_ERROR);
    for (uint32_t i = 0; i < write_errors; i++) {
        mr_sim_fault_at(plat, mr_sim_operations(plat) + 1, MR_SIM_WRITE_ERROR);
    }
    EXPECT_OK(scene_sync(s));
    EXPECT(mr_log_offline(s->log, NULL));
}

static void survives_the_power(scene *s) {
    scene_drop(s);
    REQUIRE_OK(scene_open(s));
    scene_drop(s);
    mr_sim_restart(s->cx.plat);
    s->options.recovery_point = 4;  // As the start before may have written down.
    REQUIRE_OK(scene_open(s));
    EXPECT_EQ(mr_log_marks_of(s->log).high, 4);
}

TEST(log_failed_sync, is_noted_though_the_disk_is_full_and_fails_again) {
    scene s;
    mr_plat *plat = mr_sim_new(1);
    scene_init(&s, plat);
    REQUIRE_OK(scene_open(&s));
    sync_fails(&s, 1);
    EXPECT(mr_file_exists("logs/t-0/sync-failed", &s.cx));
    mr_sim_full(plat, false);
    survives_the_power(&s);
    scene_end(&s);
    mr_sim_free(plat);
}

TEST(log_failed_sync, that_cannot_be_noted_is_noted_later) {
    scene s;
    mr_plat *plat = mr_sim_new(1);
    scene_init(&s, plat);
    REQUIRE_OK(scene_open(&s));
    sync_fails(&s, 4);
    EXPECT(!mr_file_exists("logs/t-0/sync-failed", &s.cx));
    EXPECT(mr_log_tend(s.log, mr_clock_real_us(plat) / 1000, &s.cx) != MR_E_CRASH);
    EXPECT(mr_file_exists("logs/t-0/sync-failed", &s.cx));
    mr_sim_full(plat, false);
    survives_the_power(&s);
    scene_end(&s);
    mr_sim_free(plat);
}
