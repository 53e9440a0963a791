// Flow: versions of DAGs, files that change, two schedulers; and random DAGs under kills.

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

#define TWO "id: d\ntasks:\n  - {id: a, type: work}\n  - {id: b, type: work, depends_on: [a]}\n"

static void trigger(world *w, const char *run_id) {
    const char *answer = world_ask(
        w, mr_arena_printf(&w->arena, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"%s\"}",
                           run_id));
    EXPECT(strstr(answer, "\"error\"") == NULL);
    world_turn(w);
}

TEST(flow, a_run_keeps_the_version_it_began_with) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "d.yaml", TWO);
    REQUIRE(world_open(&w));
    trigger(&w, "one");
    world_file(&w, "d.yaml", "id: d\ntasks:\n  - {id: a, type: work}\n  - {id: c, type: work}\n");
    world_turn(&w);
    world_close(&w);
    REQUIRE(world_open(&w));
    trigger(&w, "two");
    EXPECT_STR(world_run(&w, "d", 1), "two running a=running c=running");
    world_end(&w, "one/a/", 0);
    EXPECT_STR(world_run(&w, "d", 0), "one running a=success b=running");
    world_end(&w, "one/b/", 1);
    EXPECT_STR(world_run(&w, "d", 0), "one failed a=success b=failed");
    // Run again, it takes the newest.
    world_ask(&w, "{\"do\":\"run.clear\",\"dag\":\"d\",\"run\":\"one\"}");
    world_turn(&w);
    EXPECT_STR(world_run(&w, "d", 0), "one running a=running b=removed c=running");
    world_end(&w, "one/a/", 0);
    world_end(&w, "one/c/", 0);
    EXPECT_STR(world_run(&w, "d", 0), "one success a=success b=removed c=success");
    world_release(&w);
}

TEST(flow, a_changed_schedule_fires_for_no_past_tick) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "d.yaml",
               "id: d\nschedule: \"@daily\"\ncatchup: all\ntasks:\n  - {id: a, type: work}\n");
    REQUIRE(world_open(&w));
    world_at(&w, "2025-11-26T12:07:00Z");
    world_file(&w, "d.yaml",
               "id: d\nschedule: \"*/5 * * * *\"\ncatchup: all\ntasks:\n  - {id: a, type: work}\n");
    world_turn(&w);
    EXPECT_EQ(world_runs(&w, "d"), 0);
    world_at(&w, "2025-11-26T12:10:00Z");
    EXPECT_STR(world_run(&w, "d", 0), "scheduled__2025-11-26T12:05:00Z running a=running");
    EXPECT_EQ(world_runs(&w, "d"), 1);
    world_release(&w);
}

TEST(flow, a_file_that_comes_back_goes_on_where_it_was) {
    static const char dag[] = "id: d\nschedule: \"*/5 * * * *\"\ncatchup: all\nmax_active_runs: 9\n"
                              "tasks:\n  - {id: a, type: work}\n";
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:01:00Z"));
    world_file(&w, "d.yaml", dag);
    REQUIRE(world_open(&w));
    world_at(&w, "2025-11-26T12:05:00Z");
    EXPECT_EQ(world_runs(&w, "d"), 1);
    world_file(&w, "d.yaml", NULL);
    world_at(&w, "2025-11-26T12:11:00Z");
    EXPECT_EQ(world_runs(&w, "d"), 1);
    EXPECT(strstr(world_ask(&w, "{\"do\":\"dag.list\"}"), "\"dag\":\"d\"") == NULL);
    world_file(&w, "other.yaml", dag);
    world_turn(&w);
    EXPECT_EQ(world_runs(&w, "d"), 2);
    EXPECT_STR(world_run(&w, "d", 1), "scheduled__2025-11-26T12:05:00Z running a=running");
    world_release(&w);
}

TEST(flow, a_broken_file_keeps_the_last_good_version) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "d.yaml", TWO);
    REQUIRE(world_open(&w));
    world_file(&w, "d.yaml", "id: d\ntasks:\n  - {id: a, type: wrok}\n");
    world_turn(&w);
    for (int life = 0; life < 2; life++) {
        const char *list = world_ask(&w, "{\"do\":\"dag.list\"}");
        EXPECT(strstr(list, "\"state\":\"broken\"") != NULL);
        EXPECT(strstr(list, "d.yaml:3:") != NULL);
        trigger(&w, life == 0 ? "one" : "two");
        EXPECT_STR(world_run(&w, "d", (uint32_t)life),
                   life == 0 ? "one running a=running b=none" : "two running a=running b=none");
        world_close(&w);
        REQUIRE(world_open(&w));
        world_turn(&w);
    }
    world_file(&w, "d.yaml", TWO "  - {id: c, type: work}\n");
    world_turn(&w);
    EXPECT(strstr(world_ask(&w, "{\"do\":\"dag.list\"}"), "\"errors\":[]") != NULL);
    world_release(&w);
}

TEST(flow, a_folder_that_comes_back_is_watched_again) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "d.yaml", TWO);
    REQUIRE(world_open(&w));
    const char *dags = mr_arena_printf(&w.arena, "%s/dags", w.dir);
    EXPECT_OK(mr_dir_delete(dags, &w.cx));
    world_turn(&w);
    EXPECT(strstr(world_ask(&w, "{\"do\":\"dag.list\"}"), "\"dags\":[]") != NULL);
    EXPECT_OK(mr_dir_make(mr_arena_printf(&w.arena, "%s/below", dags), &w.cx));
    world_file(&w, "below/d.yaml", TWO);
    world_at(&w, "2025-11-26T12:00:02Z");
    EXPECT(strstr(world_ask(&w, "{\"do\":\"dag.list\"}"), "\"dag\":\"d\"") != NULL);
    world_file(&w, "below/d.yaml", TWO "  - {id: c, type: work}\n");
    world_turn(&w);
    trigger(&w, "one");
    EXPECT_STR(world_run(&w, "d", 0), "one running a=running b=none c=running");
    world_release(&w);
}

TEST(flow, two_files_do_not_have_one_dag) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "one.yaml", TWO);
    REQUIRE(world_open(&w));
    world_file(&w, "again.yaml", "id: d\ntasks:\n  - {id: z, type: work}\n");
    world_turn(&w);
    EXPECT(strstr(world_ask(&w, "{\"do\":\"dag.list\"}"), "already, in ") != NULL);
    trigger(&w, "one");
    EXPECT_STR(world_run(&w, "d", 0), "one running a=running b=none");
    world_file(&w, "one.yaml", NULL);
    world_turn(&w);
    trigger(&w, "two");
    EXPECT_STR(world_run(&w, "d", 1), "two running z=running");
    world_release(&w);
}

TEST(flow, a_second_scheduler_is_told_who_is_first) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    REQUIRE(world_open(&w));
    mr_flow *first = w.flow;
    EXPECT(!world_open(&w));
    EXPECT_EQ(w.code, MR_E_LOCKED);
    char process[32];
    mr_text text;
    mr_text_init(&text, &w.arena);
    mr_text_addf(&text, "%d", (int)getpid());
    memcpy(process, mr_text_string(&text), text.bytes + 1);
    EXPECT(strstr(w.cx.error.text, process) != NULL || strstr(w.cx.error.hint, process) != NULL);
    w.flow = first;
    world_release(&w);
}

// ---- random DAGs under kills
// ---------------------------------------------------------------------

#define MODEL_TASKS 7
#define MODEL_SLOTS 4

typedef struct model {
    uint64_t random;
    uint32_t upstream[MODEL_TASKS];  // Bits.
} model;

static model now_modelled;

static uint32_t draw(uint32_t below) {
    now_modelled.random = now_modelled.random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(now_modelled.random >> 33) % below;
}

// Whether a try of this task, "…/tN/", ended well.
static bool has_succeeded(const world *w, const char *prefix) {
    for (uint32_t i = 0; i < w->try_count; i++) {
        if (strncmp(w->tries[i].name, prefix, strlen(prefix)) == 0 && !w->tries[i].running &&
            w->tries[i].exit.code == 0) {
            return true;
        }
    }
    return false;
}

// A try may start when its task has no good try yet and none that runs, its upstream has, and there
// is a slot. The try itself is in the list already.
static bool may_start(world *w, const char *name) {
    const char *task = strstr(name, "/t");
    if (task == NULL) {
        return false;
    }
    uint32_t index = (uint32_t)(task[2] - '0');
    int run_bytes = (int)(task - name);
    const char *own = mr_arena_printf(&w->arena, "%.*s/t%u/", run_bytes, name, index);
    uint32_t same = 0;
    for (uint32_t i = 0; i + 1 < w->try_count; i++) {
        bool mine = strncmp(w->tries[i].name, own, strlen(own)) == 0;
        same += mine && (w->tries[i].running || w->tries[i].exit.code == 0) ? 1 : 0;
    }
    bool good = same == 0 && world_running(w) < MODEL_SLOTS;
    for (uint32_t up = 0; up < index; up++) {
        good = good &&
               ((now_modelled.upstream[index] >> up & 1) == 0 ||
                has_succeeded(w, mr_arena_printf(&w->arena, "%.*s/t%u/", run_bytes, name, up)));
    }
    return good;
}

static void write_dag(world *w) {
    mr_text dag;
    mr_text_init(&dag, &w->arena);
    mr_text_add(&dag, "id: d\nschedule: {every: 1m}\ncatchup: all\nmax_active_runs: 3\ntasks:\n");
    for (uint32_t i = 0; i < MODEL_TASKS; i++) {
        now_modelled.upstream[i] = 0;
        mr_text_addf(&dag, "  - {id: t%u, type: work, retries: 9, retry_delay: 20s, depends_on: [",
                     i);
        for (uint32_t up = 0; up < i; up++) {
            if (draw(3) == 0) {
                mr_text_addf(&dag, "%st%u", now_modelled.upstream[i] == 0 ? "" : ", ", up);
                now_modelled.upstream[i] |= 1u << up;
            }
        }
        mr_text_add(&dag, "]}\n");
    }
    world_file(w, "d.yaml", mr_text_string(&dag));
}

// One thing happens; false: the scheduler was killed.
static bool step(world *w, bool calm) {
    uint32_t running = world_running(w);
    if (running > 0 && draw(4) != 0) {
        uint32_t chosen = draw(running);
        for (uint32_t i = 0; i < w->try_count; i++) {
            if (w->tries[i].running && chosen-- == 0) {
                w->tries[i].running = false;
                w->tries[i].exit =
                    (mr_try_exit){.reason = MR_EXIT_CODE, .code = calm || draw(6) != 0 ? 0 : 1};
                break;
            }
        }
    } else {
        mr_virtual_advance(w->machine, (int64_t)draw(30) * MR_SECOND_US);
    }
    world_turn(w);
    return w->code == MR_OK;
}

static bool live_again(world *w, uint32_t points) {
    world_close(w);
    mr_virtual_live(w->machine, UINT32_MAX);
    if (!EXPECT(world_open(w))) {
        return false;
    }
    mr_virtual_live(w->machine, points);
    return true;
}

// Kills behind `points` crash points of each life.
static void survive(uint64_t seed, uint32_t lives) {
    world w;
    now_modelled.random = seed;
    if (!world_init(&w, "2025-11-26T12:00:00Z")) {
        return;
    }
    w.settings.parallelism = MODEL_SLOTS;
    w.check = may_start;
    write_dag(&w);
    if (!EXPECT(world_open(&w))) {
        return;
    }
    for (uint32_t life = 0; life < lives; life++) {
        if (!live_again(&w, draw(12))) {
            return;
        }
        for (uint32_t i = 0; i < 40 && step(&w, false); i++) {
        }
    }
    // Then it is left in peace: every tick has one run, and all of them are done.
    EXPECT(live_again(&w, UINT32_MAX));
    world_ask(&w, "{\"do\":\"dag.pause\",\"dag\":\"d\"}");
    world_ask(&w, "{\"do\":\"dag.unpause\",\"dag\":\"d\"}");
    world_turn(&w);
    world_file(&w, "d.yaml", NULL);
    for (uint32_t i = 0; i < 20000 && w.flow->runs != NULL; i++) {
        if (!EXPECT(step(&w, true))) {
            break;
        }
    }
    EXPECT(w.flow->runs == NULL);
    uint32_t runs = world_runs(&w, "d");
    EXPECT(runs > 0);
    for (uint32_t i = 0; i < runs; i++) {
        mr_text id;
        mr_text_init(&id, &w.arena);
        mr_text_add(&id, "scheduled__");
        mr_civil_print_iso(&id,
                           world_time("2025-11-26T12:00:00Z") + (int64_t)i * 60 * MR_SECOND_US);
        EXPECT(strncmp(world_run(&w, "d", i), mr_text_string(&id), id.bytes) == 0);
        EXPECT(strstr(world_run(&w, "d", i), " success ") != NULL);
    }
    if (w.broken_rules != 0) {
        EXPECT_EQ(seed, 0);  // Names the seed.
    }
    world_release(&w);
}

TEST(flow, no_kill_loses_or_doubles_anything) {
    const char *seed = getenv("SEED");
    if (seed != NULL && seed[0] != '\0') {
        survive((uint64_t)atoll(seed), 60);
        return;
    }
    for (uint64_t i = 1; i <= 6; i++) {
        survive(i, 25);
    }
}
