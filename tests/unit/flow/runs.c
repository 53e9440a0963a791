// Runs: ticks, missed ones, pauses, clocks that jump, limits, overlap, backfills, ends.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "world.h"

#define FIVE(more)                         \
    "id: five\n"                           \
    "schedule: \"*/5 * * * *\"\n"          \
    "max_active_runs: 2\n" more "tasks:\n" \
    "  - {id: a, type: work}\n"

// Down from 12:01 to 12:22; the run of 12:00 is over. Gives the number of runs made at 12:22.
static uint32_t runs_after_gap(world *w, const char *dag) {
    world_file(w, "five.yaml", dag);
    if (!world_open(w)) {
        return 0;
    }
    world_at(w, "2025-11-26T12:00:30Z");
    world_end(w, "five/", 0);
    world_at(w, "2025-11-26T12:01:00Z");
    world_close(w);
    mr_virtual_advance(w->machine,
                       world_time("2025-11-26T12:22:00Z") - world_time("2025-11-26T12:01:00Z"));
    if (!world_open(w)) {
        return 0;
    }
    world_turn(w);
    return world_runs(w, "five") - 1;
}

TEST(runs, missed_ticks_without_catchup_are_passed_over) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T11:57:00Z"));
    EXPECT_EQ(runs_after_gap(&w, FIVE("catchup: none\n")), 0);
    EXPECT_EQ(w.next_us, world_time("2025-11-26T12:25:00Z"));
    world_at(&w, "2025-11-26T12:25:00Z");
    EXPECT_STR(world_run(&w, "five", 1), "scheduled__2025-11-26T12:20:00Z running a=running");
    world_release(&w);
}

TEST(runs, of_missed_ticks_the_last_runs) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T11:57:00Z"));
    EXPECT_EQ(runs_after_gap(&w, FIVE("catchup: last\n")), 1);
    EXPECT_STR(world_run(&w, "five", 1), "scheduled__2025-11-26T12:15:00Z running a=running");
    EXPECT(strstr(world_ask(&w, "{\"do\":\"run.list\",\"dag\":\"five\",\"limit\":1}"),
                  "\"data_interval_end\":\"2025-11-26T12:20:00Z\"") != NULL);
    world_release(&w);
}

TEST(runs, all_missed_ticks_run_in_order_within_max_active_runs) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T11:57:00Z"));
    EXPECT_EQ(runs_after_gap(&w, FIVE("catchup: all\n")), 4);
    EXPECT_STR(world_run(&w, "five", 1), "scheduled__2025-11-26T12:00:00Z running a=running");
    EXPECT_STR(world_run(&w, "five", 2), "scheduled__2025-11-26T12:05:00Z running a=running");
    EXPECT_STR(world_run(&w, "five", 3), "scheduled__2025-11-26T12:10:00Z queued");
    EXPECT_STR(world_run(&w, "five", 4), "scheduled__2025-11-26T12:15:00Z queued");
    world_end(&w, "12:00:00Z", 0);
    EXPECT_STR(world_run(&w, "five", 3), "scheduled__2025-11-26T12:10:00Z running a=running");
    EXPECT_EQ(world_running(&w), 2);
    world_release(&w);
}

TEST(runs, catchup_stays_within_its_window) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T11:57:00Z"));
    EXPECT_EQ(runs_after_gap(&w, FIVE("catchup: all\ncatchup_window: 10m\n")), 2);
    EXPECT_STR(world_run(&w, "five", 1), "scheduled__2025-11-26T12:10:00Z running a=running");
    EXPECT_STR(world_run(&w, "five", 2), "scheduled__2025-11-26T12:15:00Z running a=running");
    world_release(&w);
}

TEST(runs, a_restart_beside_a_tick_does_not_lose_it) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:04:58Z"));
    world_file(&w, "five.yaml", FIVE("catchup: none\n"));
    REQUIRE(world_open(&w));
    world_turn(&w);
    world_close(&w);
    mr_virtual_advance(w.machine, 4 * MR_SECOND_US);
    REQUIRE(world_open(&w));
    world_turn(&w);
    EXPECT_EQ(world_runs(&w, "five"), 1);
    world_release(&w);
}

#define DAILY(more)                          \
    "id: daily\n"                            \
    "schedule: \"@daily\"\n" more "tasks:\n" \
    "  - {id: a, type: work}\n"

static void pause_for_two_days(world *w, const char *dag) {
    world_file(w, "daily.yaml", dag);
    if (!world_open(w)) {
        return;
    }
    world_at(w, "2025-01-31T15:00:00Z");
    world_ask(w, "{\"do\":\"dag.pause\",\"dag\":\"daily\"}");
    world_at(w, "2025-02-02T15:00:00Z");
    EXPECT_EQ(world_runs(w, "daily"), 0);
    world_ask(w, "{\"do\":\"dag.unpause\",\"dag\":\"daily\"}");
    world_turn(w);
}

TEST(runs, a_pause_is_over_with_the_next_tick) {
    world w;
    REQUIRE(world_init(&w, "2025-01-31T01:00:00Z"));
    pause_for_two_days(&w, DAILY("catchup: none\n"));
    EXPECT_EQ(world_runs(&w, "daily"), 0);
    world_at(&w, "2025-02-03T00:00:00Z");
    EXPECT_STR(world_run(&w, "daily", 0), "scheduled__2025-02-02T00:00:00Z running a=running");
    world_release(&w);
}

TEST(runs, after_a_pause_the_last_tick_runs_at_once) {
    world w;
    REQUIRE(world_init(&w, "2025-01-31T01:00:00Z"));
    pause_for_two_days(&w, DAILY("catchup: last\n"));
    EXPECT_STR(world_run(&w, "daily", 0), "scheduled__2025-02-01T00:00:00Z running a=running");
    EXPECT_EQ(world_runs(&w, "daily"), 1);
    world_release(&w);
}

TEST(runs, a_clock_set_back_fires_no_tick_again) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:04:00Z"));
    world_file(&w, "five.yaml", FIVE("catchup: all\n"));
    REQUIRE(world_open(&w));
    world_at(&w, "2025-11-26T12:05:30Z");
    world_end(&w, "five/", 0);
    EXPECT_EQ(world_runs(&w, "five"), 1);
    world_jump(&w, "2025-11-26T10:05:30Z");
    world_at(&w, "2025-11-26T12:09:59Z");
    EXPECT_EQ(world_runs(&w, "five"), 1);
    world_at(&w, "2025-11-26T12:10:00Z");
    EXPECT_EQ(world_runs(&w, "five"), 2);
    world_release(&w);
}

TEST(runs, a_clock_set_forward_misses_ticks) {
    static const struct {
        const char *dag;
        uint32_t runs;
    } cases[] = {
        {FIVE("catchup: none\n"), 0}, {FIVE("catchup: last\n"), 1}, {FIVE("catchup: all\n"), 36}};
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        world w;
        REQUIRE(world_init(&w, "2025-11-26T12:06:30Z"));
        world_file(&w, "five.yaml", cases[i].dag);
        REQUIRE(world_open(&w));
        world_turn(&w);
        world_jump(&w, "2025-11-26T15:06:30Z");
        EXPECT_EQ(world_runs(&w, "five"), cases[i].runs);
        world_release(&w);
    }
}

TEST(runs, a_clock_set_back_does_not_make_a_retry_wait) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "r.yaml",
               "id: r\ntasks:\n  - {id: a, type: work, retries: 1, retry_delay: 60s}\n");
    REQUIRE(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"r\"}");
    world_turn(&w);
    world_end(&w, "r/", 1);
    world_jump(&w, "2025-11-26T10:00:00Z");
    world_at(&w, "2025-11-26T10:01:00Z");
    EXPECT_EQ(world_starts(&w, "r/"), 2);
    world_release(&w);
}

TEST(runs, overlap_skip_makes_no_run_beside_another) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:04:00Z"));
    world_file(&w, "five.yaml", FIVE("overlap: skip\n"));
    REQUIRE(world_open(&w));
    world_at(&w, "2025-11-26T12:21:00Z");
    EXPECT_EQ(world_runs(&w, "five"), 2);
    world_end(&w, "12:00:00Z", 0);
    world_at(&w, "2025-11-26T12:26:00Z");
    EXPECT_EQ(world_runs(&w, "five"), 3);
    EXPECT_STR(world_run(&w, "five", 2), "scheduled__2025-11-26T12:20:00Z running a=running");
    world_release(&w);
}

TEST(runs, overlap_cancel_ends_the_older_run) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:04:00Z"));
    world_file(&w, "five.yaml", FIVE("overlap: cancel_running\n"));
    REQUIRE(world_open(&w));
    world_at(&w, "2025-11-26T12:16:00Z");
    EXPECT_STR(world_run(&w, "five", 0), "scheduled__2025-11-26T12:00:00Z cancelled a=cancelled");
    EXPECT_STR(world_run(&w, "five", 1), "scheduled__2025-11-26T12:05:00Z running a=running");
    EXPECT_STR(world_run(&w, "five", 2), "scheduled__2025-11-26T12:10:00Z running a=running");
    world_release(&w);
}

TEST(runs, a_run_that_takes_too_long_fails) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "slow.yaml",
               "id: slow\ndagrun_timeout: 10m\n"
               "tasks:\n  - {id: a, type: work}\n  - {id: b, type: work, depends_on: [a]}\n");
    REQUIRE(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"slow\",\"run_id\":\"one\"}");
    world_at(&w, "2025-11-26T12:09:59Z");
    EXPECT_STR(world_run(&w, "slow", 0), "one running a=running b=none");
    world_at(&w, "2025-11-26T12:10:01Z");
    EXPECT_STR(world_run(&w, "slow", 0), "one failed a=cancelled b=cancelled");
    world_release(&w);
}

TEST(runs, a_stopped_run_stays_stopped_over_a_kill) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "two.yaml",
               "id: two\ntasks:\n  - {id: a, type: work}\n"
               "  - {id: b, type: work, depends_on: [a]}\n");
    w.stubborn = true;
    REQUIRE(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"two\",\"run_id\":\"one\"}");
    world_turn(&w);
    world_ask(&w, "{\"do\":\"run.stop\",\"dag\":\"two\",\"run\":\"one\"}");
    world_turn(&w);
    EXPECT_STR(world_run(&w, "two", 0), "one running a=running b=cancelled");
    world_close(&w);
    w.stubborn = false;
    REQUIRE(world_open(&w));
    world_turn(&w);
    EXPECT_STR(world_run(&w, "two", 0), "one cancelled a=cancelled b=cancelled");
    world_release(&w);
}

TEST(runs, a_backfill_makes_what_is_missing) {
    world w;
    REQUIRE(world_init(&w, "2025-11-10T12:00:00Z"));
    world_file(&w, "daily.yaml", DAILY("timezone: Asia/Kolkata\n"));
    REQUIRE(world_open(&w));
    const char *dry =
        world_ask(&w, "{\"do\":\"dag.backfill\",\"dag\":\"daily\",\"from\":\"2025-11-01\","
                      "\"to\":\"2025-11-03\",\"dry_run\":true}");
    EXPECT(strstr(dry, "\"logical_date\":\"2025-10-31T18:30:00Z\"") != NULL);
    EXPECT(strstr(dry, "\"logical_date\":\"2025-11-02T18:30:00Z\"") != NULL);
    EXPECT(strstr(dry, "\"logical_date\":\"2025-11-03T18:30:00Z\"") == NULL);
    EXPECT_EQ(world_runs(&w, "daily"), 0);
    world_ask(&w, "{\"do\":\"dag.backfill\",\"dag\":\"daily\",\"from\":\"2025-11-01\","
                  "\"to\":\"2025-11-03\",\"max_active_runs\":1,\"backwards\":true}");
    world_turn(&w);
    EXPECT_EQ(world_runs(&w, "daily"), 3);
    EXPECT_STR(world_run(&w, "daily", 0), "backfill__2025-11-02T18:30:00Z running a=running");
    EXPECT_STR(world_run(&w, "daily", 1), "backfill__2025-11-01T18:30:00Z queued");
    world_end(&w, "daily/", 1);
    world_end(&w, "daily/", 0);
    world_end(&w, "daily/", 0);
    EXPECT_EQ(world_running(&w), 0);
    const char *again = world_ask(
        &w,
        "{\"do\":\"dag.backfill\",\"dag\":\"daily\",\"from\":\"2025-11-01\",\"to\":\"2025-11-04\","
        "\"reprocess\":\"failed\"}");
    EXPECT(strstr(again, "\"action\":\"clear\"") != NULL);
    EXPECT(strstr(again, "\"action\":\"create\"") != NULL);
    EXPECT(strstr(again, "\"action\":\"skip\"") != NULL);
    world_turn(&w);
    EXPECT_EQ(world_runs(&w, "daily"), 4);
    EXPECT_EQ(world_running(&w), 2);
    world_release(&w);
}

TEST(runs, a_logical_date_has_one_run) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "daily.yaml", DAILY("catchup: all\nstart_date: 2025-11-23\n"));
    REQUIRE(world_open(&w));
    world_turn(&w);
    uint32_t runs = world_runs(&w, "daily");
    EXPECT_EQ(runs, 3);
    const char *answer = world_ask(&w, "{\"do\":\"dag.backfill\",\"dag\":\"daily\","
                                       "\"from\":\"2025-11-24\",\"to\":\"2025-11-25\"}");
    EXPECT(strstr(answer, "create") == NULL);
    EXPECT_EQ(world_runs(&w, "daily"), runs);
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"daily\",\"run_id\":\"mine\"}");
    const char *twice =
        world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"daily\",\"run_id\":\"mine\"}");
    EXPECT(strstr(twice, "\"error\"") != NULL);
    world_turn(&w);
    EXPECT_OK(w.code);
    world_release(&w);
}

TEST(runs, callbacks_are_tasks_of_the_run) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "c.yaml",
               "id: c\non_failure: {script: \"echo {{ dag.id }} {{ state }}\"}\n"
               "tasks:\n  - {id: a, type: work, retries: 1, retry_delay: 1s,\n"
               "     on_retry: {script: echo again}, on_failure: {script: echo bad}}\n");
    REQUIRE(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"c\",\"run_id\":\"one\"}");
    world_turn(&w);
    world_end(&w, "/a/", 1);
    EXPECT(world_find(&w, "a~on_retry") != NULL);
    world_end(&w, "a~on_retry", 0);
    world_at(&w, "2025-11-26T12:00:02Z");
    world_end(&w, "/a/", 1);
    world_end(&w, "a~on_failure", 0);
    EXPECT_STR(world_run(&w, "c", 0),
               "one running a=failed a~on_retry.0=success a~on_failure.0=success "
               "~on_failure.0=running");
    world_end(&w, "/~on_failure", 7);
    EXPECT_STR(world_run(&w, "c", 0),
               "one failed a=failed a~on_retry.0=success a~on_failure.0=success "
               "~on_failure.0=failed");
    world_release(&w);
}

// What on_exit does, and the run then. how: well (though its first task failed), badly, stopped.
static const char *on_exit_of(const char *how) {
    static char line[512];
    world w;
    if (!EXPECT(world_init(&w, "2025-11-26T12:00:00Z"))) {
        return "";
    }
    world_file(&w, "x.yaml",
               "id: x\non_exit: {script: \"echo {{ state }} {{ error }}\"}\n"
               "on_success: {script: \"echo well {{ state }}\"}\n"
               "tasks:\n  - {id: a, type: work}\n"
               "  - {id: b, type: work, depends_on: a, trigger_rule: all_done}\n");
    EXPECT(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"x\",\"run_id\":\"one\"}");
    world_turn(&w);
    if (strcmp(how, "stopped") == 0) {
        world_ask(&w, "{\"do\":\"run.stop\",\"dag\":\"x\",\"run\":\"one\"}");
        world_turn(&w);
    } else {
        world_end(&w, "/a/", 1);
        world_end(&w, "/b/", strcmp(how, "well") == 0 ? 0 : 3);
    }
    const world_try *try = world_find(&w, "~on_exit");
    mr_span launch = MR_SPAN("");
    const char *path = mr_arena_printf(&w.arena, "%s/launch.json", try == NULL ? "" : try->dir);
    EXPECT_OK(mr_file_load(path, 1 << 16, &launch, &w.cx));
    const char *script = strstr(mr_arena_copy(&w.arena, launch.data, launch.bytes), "\"echo ");
    script = EXPECT(script != NULL) ? script + 1 : "";
    snprintf(line, sizeof(line), "%.*s", (int)strcspn(script, "\""), script);
    if (strcmp(how, "well") == 0) {
        world_end(&w, "~on_success", 0);
    }
    world_end(&w, "~on_exit", 0);
    EXPECT_EQ(world_starts(&w, "~on_exit"), 1);
    size_t used = strlen(line);
    snprintf(line + used, sizeof(line) - used, " | %s", world_run(&w, "x", 0));
    world_release(&w);
    return line;
}

TEST(runs, what_is_to_happen_at_the_end_happens_however_it_ends) {
    EXPECT_STR(on_exit_of("well"), "echo success  | one success a=failed b=success "
                                   "~on_success.0=success ~on_exit.0=success");
    EXPECT_STR(on_exit_of("badly"),
               "echo failed exit code 1 | one failed a=failed b=failed ~on_exit.0=success");
    EXPECT_STR(on_exit_of("stopped"), "echo cancelled stopped by a request | one cancelled "
                                      "a=cancelled b=cancelled ~on_exit.0=success");
}

TEST(runs, a_deadline_is_told_once_and_ends_nothing) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:04:00Z"));
    world_file(&w, "five.yaml",
               FIVE("deadline: 2m\non_deadline: {script: \"echo {{ run_id }}\"}\n"));
    REQUIRE(world_open(&w));
    world_at(&w, "2025-11-26T12:06:59Z");
    EXPECT(world_find(&w, "~on_deadline") == NULL);
    world_at(&w, "2025-11-26T12:07:00Z");
    EXPECT(world_find(&w, "~on_deadline") != NULL);
    world_end(&w, "~on_deadline", 0);
    world_close(&w);
    REQUIRE(world_open(&w));
    world_at(&w, "2025-11-26T12:09:00Z");
    EXPECT_EQ(world_starts(&w, "~on_deadline"), 1);
    world_end(&w, "/a/", 0);
    EXPECT(strstr(world_run(&w, "five", 0), " success ") != NULL);
    world_release(&w);
}

TEST(runs, a_paused_dag_starts_nothing_and_goes_on_later) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "two.yaml",
               "id: two\ntasks:\n  - {id: a, type: work}\n"
               "  - {id: b, type: work, depends_on: [a]}\n");
    REQUIRE(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"two\",\"run_id\":\"one\"}");
    world_turn(&w);
    world_ask(&w, "{\"do\":\"dag.pause\",\"dag\":\"two\"}");
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"two\",\"run_id\":\"two\"}");
    world_end(&w, "one/a/", 0);
    EXPECT_STR(world_run(&w, "two", 0), "one running a=success b=queued");
    EXPECT_STR(world_run(&w, "two", 1), "two queued");
    EXPECT(strstr(world_ask(&w, "{\"do\":\"run.why\",\"dag\":\"two\",\"run\":\"one\"}"),
                  "the DAG is paused") != NULL);
    world_close(&w);
    REQUIRE(world_open(&w));
    world_turn(&w);
    EXPECT_EQ(world_running(&w), 0);
    world_ask(&w, "{\"do\":\"dag.unpause\",\"dag\":\"two\"}");
    world_turn(&w);
    EXPECT_EQ(world_running(&w), 2);
    world_release(&w);
}

TEST(runs, old_runs_go_with_their_logs) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "old.yaml", "id: old\nretention: 10d\ntasks:\n  - {id: a, type: work}\n");
    REQUIRE(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"old\",\"run_id\":\"one\"}");
    world_turn(&w);
    world_end(&w, "old/", 0);
    const char *logs = mr_arena_printf(&w.arena, "%s/data/flow/logs/old/one", w.dir);
    EXPECT(mr_file_exists(logs, &w.cx));
    world_at(&w, "2025-12-06T11:00:00Z");
    EXPECT_EQ(world_runs(&w, "old"), 1);
    world_at(&w, "2025-12-06T14:00:00Z");
    EXPECT_EQ(world_runs(&w, "old"), 0);
    EXPECT(!mr_file_exists(logs, &w.cx));
    world_release(&w);
}

TEST(runs, a_dag_calls_another_and_waits) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "outer.yaml",
               "id: outer\ntasks:\n"
               "  - {id: call, type: dag, dag: inner, params: {n: 3}}\n"
               "  - {id: b, type: work, depends_on: [call]}\n");
    world_file(&w, "inner.yaml",
               "id: inner\nparams: {n: {type: integer, default: 1}}\n"
               "tasks:\n  - {id: a, type: work, say: \"{{ params.n }}\"}\n");
    REQUIRE(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"outer\",\"run_id\":\"one\"}");
    world_turn(&w);
    EXPECT_STR(world_run(&w, "outer", 0), "one running call=waiting b=none");
    world_close(&w);
    REQUIRE(world_open(&w));
    world_turn(&w);
    world_end(&w, "inner/", 0);
    EXPECT_STR(world_run(&w, "outer", 0), "one running call=success b=running");
    world_release(&w);
}

TEST(runs, a_call_that_failed_is_called_again) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "outer.yaml",
               "id: outer\ntasks:\n"
               "  - {id: call, type: dag, dag: inner, retries: 2, retry_delay: 1m}\n");
    world_file(&w, "inner.yaml", "id: inner\ntasks:\n  - {id: a, type: work}\n");
    REQUIRE(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"outer\",\"run_id\":\"one\"}");
    world_turn(&w);
    world_end(&w, "inner/", 1);
    EXPECT_STR(world_run(&w, "outer", 0), "one running call=up_for_retry");
    world_at(&w, "2025-11-26T12:01:00Z");
    EXPECT_STR(world_run(&w, "outer", 0), "one running call=waiting");
    EXPECT_EQ(world_runs(&w, "inner"), 2);
    EXPECT_EQ(world_starts(&w, "outer/"), 0);
    // Also when it comes due while no scheduler runs.
    world_end(&w, "inner/", 1);
    world_close(&w);
    mr_virtual_advance(w.machine, 60 * MR_SECOND_US);
    REQUIRE(world_open(&w));
    world_turn(&w);
    EXPECT_STR(world_run(&w, "outer", 0), "one running call=waiting");
    world_end(&w, "inner/", 0);
    EXPECT_STR(world_run(&w, "outer", 0), "one success call=success");
    EXPECT_EQ(world_starts(&w, "outer/"), 0);
    world_release(&w);
}

// Processor time of a turn in which one task ends while so many runs of a backfill wait.
static double turn_with(int days) {
    world w;
    double seconds = 0;
    if (!world_init(&w, "2025-11-26T12:00:00Z")) {
        return 0;
    }
    world_file(&w, "d.yaml",
               "id: d\nschedule: \"@daily\"\nmax_active_runs: 1\n"
               "tasks:\n  - {id: a, type: work}\n");
    if (EXPECT(world_open(&w))) {
        const char *from = mr_arena_printf(&w.arena, "%04d-01-01", 2025 - days / 365);
        world_ask(&w, mr_arena_printf(&w.arena,
                                      "{\"do\":\"dag.backfill\",\"dag\":\"d\",\"from\":\"%s\","
                                      "\"to\":\"2025-01-01\"}",
                                      from));
        world_turn(&w);
        for (int i = 0; i < 20; i++) {
            world_try *try = world_find(&w, "/a/");
            if (!EXPECT(try != NULL)) {
                break;
            }
            try->running = false;
            clock_t begin = clock();
            world_turn(&w);
            seconds += (double)(clock() - begin) / CLOCKS_PER_SEC;
        }
    }
    world_release(&w);
    return seconds;
}

TEST(runs, that_wait_cost_no_more_than_their_number) {
    double few = turn_with(365), many = turn_with(365 * 20);
    if (getenv("SHOW") != NULL) {
        printf("  %f s, twenty times as many: %f s\n", few, many);
    }
    EXPECT(many < few * 60);  // Their square would be 400 times.
}

// What Airflow 3.1.3 gives for the same: its CronDataIntervalTimetable, CronTriggerTimetable (with
// an interval, too) and DeltaDataIntervalTimetable.
TEST(runs, begin_with_the_first_tick_from_start_date_on) {
    static const struct {
        const char *keys;
        const char *first;   // Interval of the first run,
        const char *second;  // … and where that of the second ends.
    } cases[] = {
        {"schedule: '@daily'\nstart_date: 2025-11-01\n",
         "\"data_interval_start\":\"2025-11-01T00:00:00Z\",\"data_interval_end\":\"2025-11-02T00",
         "2025-11-03T00:00:00Z"},
        {"schedule: '@daily'\nstart_date: 2025-11-01T10:30\n",
         "\"data_interval_start\":\"2025-11-02T00:00:00Z\",\"data_interval_end\":\"2025-11-03T00",
         "2025-11-04T00:00:00Z"},
        {"schedule: {every: 6h}\nstart_date: 2025-11-01T10:30\n",
         "\"data_interval_start\":\"2025-11-01T10:30:00Z\",\"data_interval_end\":\"2025-11-01T16:"
         "30",
         "2025-11-01T22:30:00Z"},
        {"schedule: '@daily'\ndata_interval: none\nstart_date: 2025-11-01\n",
         "\"data_interval_start\":\"2025-11-01T00:00:00Z\",\"data_interval_end\":\"2025-11-01T00",
         "2025-11-02T00:00:00Z"},
        {"schedule: '@daily'\ndata_interval: 24h\nstart_date: 2025-11-01T10:30\n",
         "\"data_interval_start\":\"2025-11-01T00:00:00Z\",\"data_interval_end\":\"2025-11-02T00",
         "2025-11-03T00:00:00Z"},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        for (int late = 0; late < 2; late++) {  // Made up for, or when their time comes.
            world w;
            REQUIRE(world_init(&w, late ? "2025-11-05T12:00:00Z" : "2025-10-01T12:00:00Z"));
            world_file(&w, "d.yaml",
                       mr_arena_printf(&w.arena,
                                       "id: d\ncatchup: all\nmax_active_runs: 100\n%stasks:\n"
                                       "  - {id: a, type: noop}\n",
                                       cases[i].keys));
            REQUIRE(world_open(&w));
            world_at(&w, "2025-11-05T12:00:00Z");
            const char *list = world_ask(&w, "{\"do\":\"run.list\",\"dag\":\"d\",\"limit\":100}");
            // The newest stand first.
            const char *first = NULL;
            for (const char *at = list; (at = strstr(at, "\"data_interval_start\"")) != NULL;
                 at++) {
                first = at;
            }
            REQUIRE(first != NULL);
            EXPECT(strncmp(first, cases[i].first, strlen(cases[i].first)) == 0);
            const char *ends =
                mr_arena_printf(&w.arena, "\"data_interval_end\":\"%s\"", cases[i].second);
            EXPECT(strstr(list, ends) != NULL);
            world_release(&w);
        }
    }
}

TEST(runs, end_with_the_last_data_up_to_end_date) {
    world w;
    REQUIRE(world_init(&w, "2025-11-10T12:00:00Z"));
    world_file(&w, "d.yaml",
               "id: d\ncatchup: all\nmax_active_runs: 100\nschedule: '@daily'\n"
               "start_date: 2025-11-01\nend_date: 2025-11-03\ntasks:\n  - {id: a, type: noop}\n");
    REQUIRE(world_open(&w));
    world_turn(&w);
    EXPECT_EQ(world_runs(&w, "d"), 3);
    EXPECT_STR(world_run(&w, "d", 2), "scheduled__2025-11-03T00:00:00Z success a=success");
    // Who asks for a day outside of them has it as a whole.
    const char *answer =
        world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"logical_date\":\"2025-10-15\"}");
    EXPECT(strstr(answer, "\"data_interval_end\":\"2025-10-16T00:00:00Z\"") != NULL);
    world_release(&w);
}
