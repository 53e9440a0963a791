// Ready: trigger rules, branches, `if`, foreach, the past.

#include <string.h>

#include "world.h"

// Upstream u0, u1 …, one task `t` behind them with a rule. ends: a letter each: s success, f
// failed, k skipped, u upstream_failed. What becomes of t.
static const char *verdict(const char *rule, const char *ends) {
    static char state[32];
    world w;
    if (!world_init(&w, "2025-11-26T12:00:00Z")) {
        return "";
    }
    mr_text dag;
    mr_text_init(&dag, &w.arena);
    mr_text_add(&dag, "id: d\ntasks:\n  - {id: bad, type: work}\n");
    for (size_t i = 0; ends[i] != '\0'; i++) {
        mr_text_addf(&dag, "  - {id: u%zu, type: work%s}\n", i,
                     ends[i] == 'u' ? ", depends_on: [bad]" : "");
    }
    mr_text_addf(&dag, "  - {id: t, type: work, trigger_rule: %s, depends_on: [u0", rule);
    for (size_t i = 1; ends[i] != '\0'; i++) {
        mr_text_addf(&dag, ", u%zu", i);
    }
    mr_text_add(&dag, "]}\n");
    world_file(&w, "d.yaml", mr_text_string(&dag));
    state[0] = '\0';
    if (EXPECT(world_open(&w))) {
        world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"one\"}");
        world_turn(&w);
        for (size_t i = 0; ends[i] != '\0'; i++) {
            const char *name = mr_arena_printf(&w.arena, "/u%zu/", i);
            if (ends[i] != 'u') {
                world_end(&w, name, ends[i] == 's' ? 0 : ends[i] == 'f' ? 1 : 99);
            }
        }
        world_end(&w, "/bad/", 1);
        const char *run = world_run(&w, "d", 0), *at = strstr(run, " t=");
        size_t bytes = at == NULL ? 0 : strcspn(at + 3, " ");
        memcpy(state, at == NULL ? "" : at + 3, bytes);
        state[bytes] = '\0';
        if (strcmp(state, "running") == 0) {
            world_end(&w, "/t/", 0);
        }
    }
    world_release(&w);
    return state;
}

TEST(ready, rules_over_success_and_failure) {
    EXPECT_STR(verdict("all_success", "sf"), "upstream_failed");
    EXPECT_STR(verdict("none_failed", "sf"), "upstream_failed");
    EXPECT_STR(verdict("none_failed_min_one_success", "sf"), "upstream_failed");
    EXPECT_STR(verdict("all_failed", "sf"), "skipped");
    EXPECT_STR(verdict("one_success", "sf"), "running");
    EXPECT_STR(verdict("one_failed", "sf"), "running");
    EXPECT_STR(verdict("all_done", "sf"), "running");
    EXPECT_STR(verdict("none_skipped", "sf"), "running");
    EXPECT_STR(verdict("always", "sf"), "running");
    EXPECT_STR(verdict("one_done", "sf"), "running");
    EXPECT_STR(verdict("all_skipped", "sf"), "skipped");
}

TEST(ready, rules_over_skipped_ones) {
    EXPECT_STR(verdict("all_success", "sk"), "skipped");
    EXPECT_STR(verdict("all_success", "ss"), "running");
    EXPECT_STR(verdict("none_failed", "sk"), "running");
    EXPECT_STR(verdict("none_failed", "kk"), "running");
    EXPECT_STR(verdict("none_failed_min_one_success", "sk"), "running");
    EXPECT_STR(verdict("none_failed_min_one_success", "kk"), "skipped");
    EXPECT_STR(verdict("all_skipped", "kk"), "running");
    EXPECT_STR(verdict("none_skipped", "sk"), "skipped");
    EXPECT_STR(verdict("one_success", "kk"), "skipped");
    EXPECT_STR(verdict("one_success", "fk"), "upstream_failed");
    EXPECT_STR(verdict("one_done", "kk"), "skipped");
    EXPECT_STR(verdict("one_failed", "sk"), "skipped");
    EXPECT_STR(verdict("all_done", "kk"), "running");
    EXPECT_STR(verdict("always", "kk"), "running");
}

TEST(ready, rules_over_failures_further_up) {
    EXPECT_STR(verdict("all_failed", "ff"), "running");
    EXPECT_STR(verdict("all_failed", "fu"), "running");
    EXPECT_STR(verdict("one_failed", "su"), "running");
    EXPECT_STR(verdict("all_success", "su"), "upstream_failed");
    EXPECT_STR(verdict("all_done", "uu"), "running");
    EXPECT_STR(verdict("none_skipped", "uu"), "running");
    EXPECT_STR(verdict("one_success", "fu"), "upstream_failed");
}

// A world with one DAG that was triggered as "one".
static bool started(world *w, const char *dag) {
    if (!world_init(w, "2025-11-26T12:00:00Z")) {
        return false;
    }
    world_file(w, "d.yaml", dag);
    if (!EXPECT(world_open(w))) {
        return false;
    }
    const char *answer = world_ask(w, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"one\"}");
    EXPECT(strstr(answer, "\"error\"") == NULL);
    world_turn(w);
    return true;
}

TEST(ready, a_branch_leaves_out_what_it_did_not_choose) {
    world w;
    REQUIRE(started(&w, "id: d\nparams: {way: {type: string, default: left}}\ntasks:\n"
                        "  - {id: fork, type: branch, choose: \"{{ params.way }}\"}\n"
                        "  - {id: left, type: work, depends_on: [fork]}\n"
                        "  - {id: right, type: work, depends_on: [fork]}\n"
                        "  - {id: far, type: work, depends_on: [right]}\n"
                        "  - {id: join, type: work, depends_on: [left, right],\n"
                        "     trigger_rule: none_failed_min_one_success}\n"));
    EXPECT_STR(world_run(&w, "d", 0),
               "one running fork=success left=running right=skipped far=skipped join=none");
    world_end(&w, "/left/", 0);
    world_end(&w, "/join/", 0);
    EXPECT_STR(world_run(&w, "d", 0),
               "one success fork=success left=success right=skipped far=skipped join=success");
    world_release(&w);
}

TEST(ready, a_branch_keeps_what_stands_behind_a_chosen_one_too) {
    world w;
    REQUIRE(started(&w, "id: d\ntasks:\n"
                        "  - {id: fork, type: branch, choose: \"a\"}\n"
                        "  - {id: a, type: work, depends_on: [fork]}\n"
                        "  - {id: b, type: work, depends_on: [fork, a]}\n"));
    world_end(&w, "/a/", 0);
    world_end(&w, "/b/", 0);
    EXPECT_STR(world_run(&w, "d", 0), "one success fork=success a=success b=success");
    world_release(&w);
}

TEST(ready, a_branch_that_chooses_what_is_not_there_fails) {
    world w;
    REQUIRE(started(&w, "id: d\nparams: {way: {type: string, default: up}}\ntasks:\n"
                        "  - {id: fork, type: branch, choose: \"{{ params.way }}\"}\n"
                        "  - {id: left, type: work, depends_on: [fork]}\n"));
    EXPECT_STR(world_run(&w, "d", 0), "one failed fork=failed left=upstream_failed");
    world_release(&w);
}

TEST(ready, a_condition_skips) {
    world w;
    REQUIRE(started(&w,
                    "id: d\ntasks:\n"
                    "  - {id: a, type: work}\n"
                    "  - {id: b, type: work, depends_on: [a], if: \"{{ outputs.a.n > 1 }}\"}\n"
                    "  - {id: c, type: work, depends_on: [a], if: \"{{ outputs.a.n > 0 }}\"}\n"));
    world_put(&w, "/a/", "n=1\n");
    world_end(&w, "/a/", 0);
    EXPECT_STR(world_run(&w, "d", 0), "one running a=success b=skipped c=running");
    world_release(&w);
}

TEST(ready, foreach_makes_an_instance_an_item) {
    world w;
    REQUIRE(started(
        &w, "id: d\ntasks:\n"
            "  - {id: list, type: work}\n"
            "  - {id: each, type: work, depends_on: [list],\n"
            "     foreach: \"{{ outputs.list.files }}\", say: \"{{ item }} {{ map_index }}\"}\n"
            "  - {id: join, type: work, depends_on: [each],\n"
            "     say: \"{{ outputs.each.rows | tojson }}\"}\n"));
    world_put(&w, "/list/", "files=[\"x\",\"y\",\"z\"]\n");
    world_end(&w, "/list/", 0);
    EXPECT_STR(world_run(&w, "d", 0),
               "one running list=success join=none each.0=running each.1=running each.2=running");
    world_put(&w, "/each.1/", "rows=7\n");
    world_end(&w, "/each.1/", 0);
    world_close(&w);
    REQUIRE(world_open(&w));
    world_turn(&w);
    world_end(&w, "/each.0/", 0);
    EXPECT(world_find(&w, "/join/") == NULL);
    world_end(&w, "/each.2/", 0);
    const world_try *join = world_find(&w, "/join/");
    REQUIRE(join != NULL);
    mr_launch launch;
    REQUIRE_OK(mr_launch_load(join->dir, &launch, &w.cx));
    EXPECT_STR(launch.words[1], "[null,7,null]");
    world_release(&w);
}

TEST(ready, foreach_without_items_is_skipped) {
    world w;
    REQUIRE(started(&w,
                    "id: d\ntasks:\n"
                    "  - {id: each, type: work, foreach: []}\n"
                    "  - {id: join, type: work, depends_on: [each], trigger_rule: none_failed}\n"));
    EXPECT_STR(world_run(&w, "d", 0), "one running each=skipped join=running");
    world_release(&w);
}

TEST(ready, the_past_comes_first) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:04:00Z"));
    world_file(&w, "d.yaml",
               "id: d\nschedule: \"*/5 * * * *\"\nmax_active_runs: 3\n"
               "tasks:\n  - {id: a, type: work, depends_on_past: true}\n");
    REQUIRE(world_open(&w));
    world_at(&w, "2025-11-26T12:11:00Z");
    EXPECT_STR(world_run(&w, "d", 1), "scheduled__2025-11-26T12:05:00Z running a=none");
    EXPECT(strstr(world_ask(&w, "{\"do\":\"run.why\",\"dag\":\"d\"}"), "depends_on_past") != NULL);
    world_end(&w, "12:00:00Z/", 0);
    EXPECT_STR(world_run(&w, "d", 1), "scheduled__2025-11-26T12:05:00Z running a=running");
    world_end(&w, "12:05:00Z/", 1);
    world_at(&w, "2025-11-26T12:16:00Z");
    EXPECT_STR(world_run(&w, "d", 2), "scheduled__2025-11-26T12:10:00Z running a=none");
    world_release(&w);
}

// Each task of a layer is behind all of the one above: the ways from top to bottom are 10^40.
TEST(ready, a_branch_above_many_layers_is_decided_at_once) {
    enum { LAYERS = 40, WIDTH = 10 };
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    mr_text dag;
    mr_text_init(&dag, &w.arena);
    mr_text_add(&dag, "id: d\nmax_active_tasks: 1000\ntasks:\n"
                      "  - {id: way, type: branch, choose: left}\n"
                      "  - {id: left, type: noop, depends_on: way}\n"
                      "  - {id: right, type: noop, depends_on: way}\n");
    for (int layer = 0; layer < LAYERS; layer++) {
        for (int i = 0; i < WIDTH; i++) {
            mr_text_addf(&dag, "  - {id: t%d_%d, type: noop", layer, i);
            for (int up = 0; up < WIDTH && layer > 0; up++) {
                mr_text_addf(&dag, "%st%d_%d", up == 0 ? ", depends_on: [" : ", ", layer - 1, up);
            }
            mr_text_add(&dag, layer == 0 ? ", depends_on: left}\n" : "]}\n");
        }
    }
    // Beside them, and behind the branch itself, too: the one is behind `left`, the other is not.
    mr_text_add(&dag, "  - {id: behind, type: noop, depends_on: [way, t39_0]}\n"
                      "  - {id: other, type: noop}\n");
    for (int layer = 0; layer < LAYERS; layer++) {
        for (int i = 0; i < WIDTH; i++) {
            mr_text_addf(&dag, "  - {id: o%d_%d, type: noop", layer, i);
            for (int up = 0; up < WIDTH && layer > 0; up++) {
                mr_text_addf(&dag, "%so%d_%d", up == 0 ? ", depends_on: [" : ", ", layer - 1, up);
            }
            mr_text_add(&dag, layer == 0 ? ", depends_on: other}\n" : "]}\n");
        }
    }
    mr_text_add(&dag, "  - {id: aside, type: noop, depends_on: [way, o39_0]}\n");
    world_file(&w, "d.yaml", mr_text_string(&dag));
    REQUIRE(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"one\"}");
    world_turn(&w);
    const char *run = world_run(&w, "d", 0);
    EXPECT(strstr(run, "one success ") == run);
    EXPECT(strstr(run, " behind=success") != NULL);
    EXPECT(strstr(run, " aside=skipped") != NULL);
    EXPECT(strstr(run, " right=skipped") != NULL);
    world_release(&w);
}

TEST(ready, a_task_that_is_new_waits_for_no_run_before_it) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "d.yaml", "id: d\ntasks:\n  - {id: a, type: noop, depends_on_past: true}\n");
    REQUIRE(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"one\"}");
    world_turn(&w);
    world_file(&w, "d.yaml",
               "id: d\ntasks:\n  - {id: a, type: noop, depends_on_past: true}\n"
               "  - {id: b, type: noop, depends_on_past: true}\n");
    world_at(&w, "2025-11-26T12:01:00Z");
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"two\"}");
    world_turn(&w);
    EXPECT_STR(world_run(&w, "d", 1), "two success a=success b=success");
    world_release(&w);
}
