// Slots: parallelism, pools, max_active_tasks, priorities; and what a task is told to wait for.

#include <string.h>

#include "world.h"

// A DAG of `count` tasks t0, t1 … without order; more: keys of each, "" or ", pool: x".
static const char *wide(world *w, const char *id, uint32_t count, const char *keys,
                        const char *more) {
    mr_text dag;
    mr_text_init(&dag, &w->arena);
    mr_text_addf(&dag, "id: %s\n%stasks:\n", id, keys);
    for (uint32_t i = 0; i < count; i++) {
        mr_text_addf(&dag, "  - {id: t%u, type: work%s}\n", i, more);
    }
    return mr_text_string(&dag);
}

static void trigger(world *w, const char *dag) {
    const char *answer =
        world_ask(w, mr_arena_printf(&w->arena, "{\"do\":\"dag.trigger\",\"dag\":\"%s\"}", dag));
    EXPECT(strstr(answer, "\"error\"") == NULL);
    world_turn(w);
}

static const char *why(world *w, const char *dag) {
    return world_ask(w, mr_arena_printf(&w->arena, "{\"do\":\"run.why\",\"dag\":\"%s\"}", dag));
}

TEST(slots, parallelism_is_over_all_dags) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    w.settings.parallelism = 3;
    world_file(&w, "a.yaml", wide(&w, "a", 2, "", ""));
    world_file(&w, "b.yaml", wide(&w, "b", 5, "", ""));
    REQUIRE(world_open(&w));
    trigger(&w, "a");
    trigger(&w, "b");
    EXPECT_EQ(world_running(&w), 3);
    EXPECT(strstr(why(&w, "b"), "flow.parallelism: 3 tasks run already") != NULL);
    for (int i = 0; i < 4; i++) {
        world_end(&w, "/t", 0);
        EXPECT_EQ(world_running(&w), 3);
    }
    world_release(&w);
}

TEST(slots, max_active_tasks_is_of_one_dag) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "a.yaml", wide(&w, "a", 5, "max_active_tasks: 2\nmax_active_runs: 4\n", ""));
    REQUIRE(world_open(&w));
    trigger(&w, "a");
    mr_virtual_advance(w.machine, MR_SECOND_US);
    trigger(&w, "a");
    EXPECT_EQ(world_running(&w), 2);
    EXPECT(strstr(why(&w, "a"), "max_active_tasks: 2 tasks of this DAG run already") != NULL);
    world_release(&w);
}

TEST(slots, a_pool_has_so_many_slots) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    w.settings.default_pool_slots = 5;
    world_file(&w, "a.yaml", wide(&w, "a", 4, "", ", pool_slots: 2"));
    REQUIRE(world_open(&w));
    trigger(&w, "a");
    EXPECT_EQ(world_running(&w), 2);
    EXPECT(strstr(why(&w, "a"), "4 of 5 slots are taken") != NULL);
    world_end(&w, "/t", 1);
    EXPECT_EQ(world_running(&w), 2);
    world_release(&w);
}

TEST(slots, a_pool_that_is_not_there_is_named) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "a.yaml", wide(&w, "a", 1, "", ", pool: heavy"));
    REQUIRE(world_open(&w));
    trigger(&w, "a");
    EXPECT_EQ(world_running(&w), 0);
    EXPECT(strstr(why(&w, "a"), "there is no pool \\\"heavy\\\"") != NULL);
    world_release(&w);
}

TEST(slots, the_heavier_goes_first_and_backfills_last) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    w.settings.parallelism = 1;
    world_file(&w, "fill.yaml",
               "id: fill\nschedule: \"@daily\"\ntasks:\n"
               "  - {id: f, type: work, priority_weight: 100}\n");
    world_file(&w, "d.yaml",
               "id: d\ntasks:\n  - {id: first, type: work}\n"
               "  - {id: light, type: work, depends_on: [first], priority_weight: 1}\n"
               "  - {id: heavy, type: work, depends_on: [first], priority_weight: 9}\n");
    REQUIRE(world_open(&w));
    trigger(&w, "d");
    world_ask(
        &w,
        "{\"do\":\"dag.backfill\",\"dag\":\"fill\",\"from\":\"2025-11-20\",\"to\":\"2025-11-20\"}");
    world_end(&w, "/first/", 0);
    EXPECT(world_find(&w, "/heavy/") != NULL);
    world_end(&w, "/heavy/", 0);
    EXPECT(world_find(&w, "/light/") != NULL);
    world_end(&w, "/light/", 0);
    EXPECT(world_find(&w, "fill/") != NULL);
    world_release(&w);
}

TEST(slots, what_waits_holds_none) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    w.settings.parallelism = 1;
    world_file(&w, "d.yaml",
               "id: d\ntasks:\n"
               "  - {id: look, type: poke, poke_interval: 1m, timeout: 5m, priority_weight: 2}\n"
               "  - {id: other, type: work}\n");
    REQUIRE(world_open(&w));
    trigger(&w, "d");
    world_end(&w, "/look/", MR_TASK_EXIT_WAITING);
    EXPECT(world_find(&w, "/other/") != NULL);
    world_end(&w, "/other/", 0);
    EXPECT(strstr(world_run(&w, "d", 0), "look=waiting") != NULL);
    world_at(&w, "2025-11-26T12:01:00Z");
    EXPECT(world_find(&w, "/look/1") != NULL);
    world_end(&w, "/look/", 0);
    EXPECT(strstr(world_run(&w, "d", 0), "success look=success other=success") != NULL);
    world_release(&w);
}
