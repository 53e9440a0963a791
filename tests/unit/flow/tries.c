// Tries: exit codes, retries, waits, outputs, lost tries; and what is told to a task.

#include <string.h>

#include "base/jsonvalue.h"
#include "base/utf8.h"
#include "flow/try.h"
#include "world.h"

static bool started(world *w, const char *task) {
    if (!world_init(w, "2025-11-26T12:00:00Z")) {
        return false;
    }
    world_file(w, "d.yaml",
               mr_arena_printf(&w->arena, "id: d\ntimezone: Asia/Kolkata\ntasks:\n%s", task));
    if (!EXPECT(world_open(w))) {
        return false;
    }
    const char *answer = world_ask(w, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"one\","
                                      "\"logical_date\":\"2025-11-26\"}");
    EXPECT(strstr(answer, "\"error\"") == NULL);
    world_turn(w);
    return true;
}

TEST(tries, delays_double_up_to_the_cap) {
    mr_dag_task task = {.retry_delay_us = 60 * MR_SECOND_US,
                        .retry_exponential_backoff = true,
                        .max_retry_delay_us = 600 * MR_SECOND_US};
    static const int64_t seconds[] = {60, 120, 240, 480, 600, 600};
    for (int32_t i = 0; i < (int32_t)MR_COUNT(seconds); i++) {
        EXPECT_EQ(mr_tries_delay_us(&task, i + 1), seconds[i] * MR_SECOND_US);
    }
    EXPECT_EQ(mr_tries_delay_us(&task, 5000), 600 * MR_SECOND_US);
    task.max_retry_delay_us = INT64_MAX;
    EXPECT_EQ(mr_tries_delay_us(&task, 5000), INT64_MAX);
    task.max_retry_delay_us = 0;
    EXPECT_EQ(mr_tries_delay_us(&task, INT32_MAX), MR_DAY_US);
    task.retry_delay_us = 0;
    EXPECT_EQ(mr_tries_delay_us(&task, 5000), 0);
}

TEST(tries, retries_come_when_they_are_due) {
    static const int64_t seconds[] = {60, 120, 240, 480, 600, 600};
    world w;
    REQUIRE(started(&w,
                    "  - {id: a, type: work, retries: 6, retry_delay: 60s, max_retry_delay: 600s,\n"
                    "     retry_exponential_backoff: true}\n"));
    int64_t at_us = world_time("2025-11-26T12:00:00Z");
    for (size_t i = 0; i < MR_COUNT(seconds); i++) {
        world_end(&w, "/a/", 1);
        EXPECT_EQ(w.next_us, at_us + seconds[i] * MR_SECOND_US);
        mr_virtual_advance(w.machine, seconds[i] * MR_SECOND_US - 1);
        world_turn(&w);
        EXPECT_EQ(world_running(&w), 0);
        mr_virtual_advance(w.machine, 1);
        world_turn(&w);
        EXPECT_EQ(world_running(&w), 1);
        at_us += seconds[i] * MR_SECOND_US;
    }
    world_end(&w, "/a/", 1);
    EXPECT_STR(world_run(&w, "d", 0), "one failed a=failed");
    EXPECT_EQ(world_starts(&w, "/a/"), 7);
    world_release(&w);
}

TEST(tries, exit_codes_say_what_becomes_of_a_task) {
    static const struct {
        const char *keys;
        int32_t code;
        const char *run;
    } cases[] = {
        {"", 0, "one success a=success"},
        {"", 1, "one failed a=failed"},
        {"", 99, "one success a=skipped"},
        {", skip_on_exit_codes: [3, 4]", 4, "one success a=skipped"},
        {", retries: 2, retry_on_exit_codes: [7]", 1, "one failed a=failed"},
        {", retries: 2, retry_on_exit_codes: [7]", 7, "one running a=up_for_retry"},
        {", retries: 2", 1, "one running a=up_for_retry"},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        world w;
        mr_arena arena = {0};
        const char *task = mr_arena_printf(&arena, "  - {id: a, type: work%s}\n", cases[i].keys);
        bool good = started(&w, task);
        mr_arena_release(&arena);
        REQUIRE(good);
        world_end(&w, "/a/", cases[i].code);
        EXPECT_STR(world_run(&w, "d", 0), cases[i].run);
        world_release(&w);
    }
}

TEST(tries, a_lost_try_does_not_count) {
    world w;
    REQUIRE(started(&w, "  - {id: a, type: work, retries: 1, retry_delay: 1m}\n"));
    world_end_by(&w, "/a/", MR_EXIT_LOST, 0);
    EXPECT_EQ(world_starts(&w, "/a/"), 2);
    world_end_by(&w, "/a/", MR_EXIT_STOPPED, 15);
    EXPECT_EQ(world_starts(&w, "/a/"), 3);
    world_end(&w, "/a/", 1);
    EXPECT_STR(world_run(&w, "d", 0), "one running a=up_for_retry");
    world_at(&w, "2025-11-26T12:01:00Z");
    world_end(&w, "/a/", 1);
    EXPECT_STR(world_run(&w, "d", 0), "one failed a=failed");
    world_release(&w);
}

TEST(tries, a_wait_that_is_not_over_in_time_fails) {
    world w;
    REQUIRE(started(&w, "  - {id: a, type: poke, poke_interval: 2m, timeout: 5m}\n"));
    for (int i = 0; i < 3; i++) {
        world_end(&w, "/a/", MR_TASK_EXIT_WAITING);
        EXPECT_STR(world_run(&w, "d", 0), "one running a=waiting");
        mr_virtual_advance(w.machine, (i < 2 ? 120 : 60) * MR_SECOND_US);
        world_turn(&w);
        EXPECT_EQ(world_running(&w), 1);
    }
    world_end(&w, "/a/", MR_TASK_EXIT_WAITING);
    EXPECT_STR(world_run(&w, "d", 0), "one failed a=failed");
    world_release(&w);
}

// A DAG with connections of its own and one task, triggered.
static bool with_connections(world *w, const char *connections, const char *task) {
    if (!world_init(w, "2025-11-26T12:00:00Z")) {
        return false;
    }
    world_file(w, "d.yaml",
               mr_arena_printf(&w->arena, "id: d\nparams: {port: 8000}\nconnections:\n%stasks:\n%s",
                               connections, task));
    if (!EXPECT(world_open(w)) || !EXPECT_OK(mr_vault_put(w->flow->vault, "secret", "WORD",
                                                          MR_SPAN("open\"sesame"), &w->cx))) {
        return false;
    }
    world_ask(w, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"one\"}");
    world_turn(w);
    return true;
}

// What the one try that runs was told.
static mr_launch launch_of(world *w, const char *task) {
    mr_launch launch = {0};
    const world_try *try = world_find(w, task);
    if (EXPECT(try != NULL)) {
        EXPECT_OK(mr_launch_load(try->dir, &launch, &w->cx));
    }
    return launch;
}

static bool is_masked(const mr_launch *launch, const char *value) {
    for (size_t i = 0; launch->masked[i] != NULL; i++) {
        if (strcmp(launch->masked[i], value) == 0) {
            return true;
        }
    }
    return false;
}

TEST(tries, a_dags_own_connections_reach_its_children_with_their_secrets_masked) {
    world w;
    REQUIRE(with_connections(
        &w,
        "  - {id: site, type: http, host: localhost}\n"
        "  - {id: db, type: postgres, host: h, port: \"{{ params.port }}\", login: me,\n"
        "     password: {secret: WORD}, schema: s, extra: {sslmode: require, api_key: k-1-2-3}}\n",
        "  - {id: a, type: child, conn: site}\n"));
    mr_launch launch = launch_of(&w, "/a/");
    static const char *const expected[] = {
        "{\"name\": \"site\", \"type\": \"http\", \"host\": \"localhost\"}",
        "{\"name\": \"db\", \"type\": \"postgres\", \"host\": \"h\", \"port\": 8000, \"login\": "
        "\"me\", \"password\": \"open\\\"sesame\", \"schema\": \"s\", \"extra\": {\"sslmode\": "
        "\"require\", \"api_key\": \"k-1-2-3\"}}",
    };
    REQUIRE(launch.connections_json.bytes > 0);
    mr_span inside = mr_jsonvalue_inside(launch.connections_json), value;
    for (size_t i = 0; i < MR_COUNT(expected); i++) {
        mr_endpoint connection;
        mr_text shown;
        mr_text_init(&shown, &w.arena);
        REQUIRE(mr_jsonvalue_next(&inside, NULL, &value));
        const char *id = mr_jsonvalue_text(mr_jsonvalue_get(value, "id"), &w.arena);
        REQUIRE_OK(mr_endpoint_parse(id, value, &connection, &w.cx));
        mr_endpoint_json(&connection, /* with_password= */ true, &shown);
        EXPECT_STR(mr_text_string(&shown), expected[i]);
    }
    EXPECT(!mr_jsonvalue_next(&inside, NULL, &value));
    EXPECT(is_masked(&launch, "open\"sesame") && is_masked(&launch, "k-1-2-3"));
    // As they look in a URL, and in JSON.
    EXPECT(is_masked(&launch, "open%22sesame") && is_masked(&launch, "open\\\"sesame"));
    world_release(&w);
}

TEST(tries, connections_of_a_tasks_environment_are_masked) {
    world w;
    REQUIRE(
        with_connections(&w, "  - {id: site, type: http, host: localhost}\n",
                         "  - {id: a, type: child, conn: pg, env: {MILLRACE_CONN_PG: "
                         "\"postgres://u:of%20pg@h/db\", MILLRACE_SECRET_X: of-x, Y: of-y}}\n"));
    mr_launch launch = launch_of(&w, "/a/");
    EXPECT(is_masked(&launch, "of pg") && is_masked(&launch, "of%20pg"));
    EXPECT(is_masked(&launch, "of-x") && !is_masked(&launch, "of-y"));
    world_release(&w);
}

TEST(tries, a_template_reads_a_dags_own_connection) {
    world w;
    REQUIRE(with_connections(&w,
                             "  - {id: site, type: http, host: localhost}\n"
                             "  - {id: db, type: postgres, password: {secret: WORD}}\n",
                             "  - {id: a, type: work, say: \"{{ conn.site.host }} {{ "
                             "conn.db.password }}\"}\n"));
    mr_launch launch = launch_of(&w, "/a/");
    EXPECT_STR(launch.words[1], "localhost open\"sesame");
    EXPECT_STR(launch.masked[0], "open\"sesame");
    // A command has no use for them.
    EXPECT_EQ(launch.connections_json.bytes, 0);
    world_release(&w);
}

TEST(tries, a_connection_that_cannot_be_filled_in_fails_its_task) {
    static const char *const cases[][2] = {
        {"{id: c, type: http, password: {secret: WROD}}", "Did you mean \\\"WORD\\\"?"},
        {"{id: c, type: http, port: \"{{ ds }}\"}", "no port: 2025-11-26"},
        {"{id: c, type: http, host: \"{{ conn.c.host }}\"}", "no connection \\\"c\\\""},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        world w;
        mr_arena arena = {0};
        bool good = with_connections(&w, mr_arena_printf(&arena, "  - %s\n", cases[i][0]),
                                     "  - {id: a, type: child}\n");
        mr_arena_release(&arena);
        REQUIRE(good);
        EXPECT_STR(world_run(&w, "d", 0), "one failed a=failed");
        const char *shown = world_ask(&w, "{\"do\":\"run.show\",\"dag\":\"d\"}");
        EXPECT(strstr(shown, cases[i][1]) != NULL);
        world_release(&w);
    }
}

TEST(tries, a_secret_is_in_no_reason) {
    static const char *const tasks[] = {
        "  - {id: a, type: work, foreach: \"{{ conn.db.password }}\"}\n",
        "  - {id: a, type: branch, choose: \"{{ conn.db.password }}\"}\n",
        "  - {id: a, type: work, say: \"{{ conn.db.password | int }}\"}\n",
        "  - {id: a, type: dag, dag: \"{{ conn.db.password }}\"}\n",
    };
    for (size_t i = 0; i < MR_COUNT(tasks); i++) {
        world w;
        REQUIRE(
            with_connections(&w, "  - {id: db, type: x, password: {secret: WORD}}\n", tasks[i]));
        EXPECT_STR(world_run(&w, "d", 0), "one failed a=failed");
        const char *shown = world_ask(&w, "{\"do\":\"run.show\",\"dag\":\"d\"}");
        EXPECT(strstr(shown, "***") != NULL && strstr(shown, "sesame") == NULL);
        world_release(&w);
    }
}

TEST(tries, outputs_reach_later_tasks) {
    world w;
    REQUIRE(started(
        &w, "  - {id: a, type: work, outputs: {day: \"{{ ds }}\", twice: \"{{ outputs.a.n }}\"}}\n"
            "  - {id: b, type: work, depends_on: [a],\n"
            "     say: \"{{ outputs.a.n }} {{ outputs.a.words }} {{ outputs.a.day }}\",\n"
            "     env: {TWICE: \"{{ outputs.a.twice }}\"}}\n"));
    world_put(&w, "/a/", "n=3\nwords=not json\nn=4\n\n");
    world_end(&w, "/a/", 0);
    const world_try *b = world_find(&w, "/b/");
    REQUIRE(b != NULL);
    mr_launch launch;
    REQUIRE_OK(mr_launch_load(b->dir, &launch, &w.cx));
    EXPECT_STR(launch.words[1], "4 not json 2025-11-26");
    bool found = false;
    for (size_t i = 0; launch.env[i] != NULL; i++) {
        found = found || strcmp(launch.env[i], "TWICE=4") == 0;
    }
    EXPECT(found);
    EXPECT(strstr(world_ask(&w, "{\"do\":\"run.show\",\"dag\":\"d\"}"), "\"outputs\":{") != NULL);
    world_release(&w);
}

TEST(tries, an_output_that_is_too_large_fails_the_task) {
    world w;
    REQUIRE(started(&w, "  - {id: a, type: work}\n"));
    char *large = mr_arena_alloc(&w.arena, 70000);
    memset(large, 'x', 69999);
    world_put(&w, "/a/", mr_arena_printf(&w.arena, "big=%s\n", large));
    world_end(&w, "/a/", 0);
    EXPECT_STR(world_run(&w, "d", 0), "one failed a=failed");
    EXPECT(strstr(world_ask(&w, "{\"do\":\"run.show\",\"dag\":\"d\"}"), "65536 are allowed") !=
           NULL);
    world_release(&w);
}

TEST(tries, a_missing_output_fails_the_task_that_reads_it) {
    world w;
    REQUIRE(started(&w, "  - {id: a, type: work}\n"
                        "  - {id: b, type: work, depends_on: [a], retries: 5,\n"
                        "     say: \"{{ outputs.a.rows }}\"}\n"));
    world_put(&w, "/a/", "row=1\n");
    world_end(&w, "/a/", 0);
    EXPECT_STR(world_run(&w, "d", 0), "one failed a=success b=failed");
    const char *shown = world_ask(&w, "{\"do\":\"run.show\",\"dag\":\"d\"}");
    EXPECT(strstr(shown, "Did you mean \\\"row\\\"?") != NULL);
    world_release(&w);
}

TEST(tries, a_cleared_task_runs_again_in_a_new_folder) {
    world w;
    REQUIRE(started(&w, "  - {id: a, type: work, foreach: [1, 2]}\n"
                        "  - {id: b, type: work, depends_on: [a]}\n"));
    world_end(&w, "/a.0/", 0);
    world_end(&w, "/a.1/", 1);
    EXPECT_STR(world_run(&w, "d", 0), "one failed a.0=success b=upstream_failed a.1=failed");
    // What a supervisor leaves: the try was taken.
    for (uint32_t i = 0; i < w.try_count; i++) {
        const char *claim = mr_arena_printf(&w.arena, "%s/claim", w.tries[i].dir);
        EXPECT_OK(mr_file_save(claim, MR_SPAN("1\n"), &w.cx));
    }
    const char *answer = world_ask(&w, "{\"do\":\"run.retry\",\"dag\":\"d\",\"run\":\"one\"}");
    EXPECT(strstr(answer, "\"cleared\":2") != NULL);
    world_turn(&w);
    EXPECT_EQ(world_running(&w), 2);
    world_end(&w, "/a.0/2", 0);
    world_end(&w, "/a.1/2", 0);
    world_end(&w, "/b/", 0);
    EXPECT(strstr(world_run(&w, "d", 0), "one success") != NULL);
    world_release(&w);
}

// What is kept of a run is text, whatever its tasks did: PostgreSQL takes nothing else, and a turn
// that it refuses would be refused for ever.
TEST(tries, what_is_said_of_an_end_is_text) {
    char umlauts[600];
    for (size_t i = 0; i < sizeof(umlauts) - 2; i += 2) {
        memcpy(umlauts + i, "\u00e4", 2);
    }
    umlauts[sizeof(umlauts) - 2] = '\0';
    for (size_t shift = 0; shift < 2; shift++) {
        world w;
        REQUIRE(started(&w, "  - {id: a, type: work}\n"));
        world_try *try = world_find(&w, "/a/");
        REQUIRE(try != NULL);
        try->running = false;
        try->exit = (mr_try_exit){.reason = MR_EXIT_NO_START};
        mr_try_exit_say(&try->exit, mr_arena_printf(&w.arena, "%s%s", shift ? "x" : "", umlauts));
        EXPECT_EQ(strlen(try->exit.text), shift ? 255 : 254);
        // As it comes from a supervisor, and from the database.
        mr_text line;
        mr_text_init(&line, &w.arena);
        mr_try_exit_print(&try->exit, &line);
        mr_try_exit read;
        REQUIRE_OK(mr_try_exit_parse(mr_text_span(&line), &read, &w.cx));
        EXPECT_STR(read.text, try->exit.text);
        world_turn(&w);
        mr_record_rows rows = {0};
        REQUIRE_OK(mr_record_run_whole(w.flow->record, 1, &rows, &w.cx));
        EXPECT_STR(rows.tries[0].exit.text, try->exit.text);
        EXPECT(mr_utf8_valid(rows.tasks[0].reason, strlen(rows.tasks[0].reason)));
        world_release(&w);
    }
}

TEST(tries, output_lines_that_are_no_text_fail_the_task) {
    static const char *const lines[] = {
        "n=\xff", "n=\"\xc3\"", "\xe4=1", "n=[\"a\", \"\xed\xa0\x80\"]",
        // Its 80th byte is in the middle of a character.
        "x\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"
        "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"
        "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"
        "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"};
    for (size_t i = 0; i < MR_COUNT(lines); i++) {
        world w;
        REQUIRE(started(&w, "  - {id: a, type: work}\n"));
        world_put(&w, "/a/", lines[i]);
        world_end(&w, "/a/", 0);
        EXPECT_STR(world_run(&w, "d", 0), "one failed a=failed");
        mr_record_rows rows = {0};
        REQUIRE_OK(mr_record_run_whole(w.flow->record, 1, &rows, &w.cx));
        EXPECT(mr_utf8_valid(rows.tasks[0].reason, strlen(rows.tasks[0].reason)));
        EXPECT(strstr(rows.tasks[0].reason, i < 4 ? "is no UTF-8 text" : "has no key") != NULL);
        world_release(&w);
    }
}

TEST(tries, requests_and_names_of_files_are_text) {
    world w;
    REQUIRE(started(&w, "  - {id: a, type: work}\n"));
    EXPECT(strstr(world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"\xff\"}"),
                  "\"error\"") != NULL);
    world_file(&w, "\xff.yaml", "id: e\ntasks:\n  - {id: a, type: work}\n");
    world_turn(&w);
    EXPECT_OK(w.code);
    const char *list = world_ask(&w, "{\"do\":\"dag.list\"}");
    EXPECT(strstr(list, "is no UTF-8 text") != NULL && mr_utf8_valid(list, strlen(list)));
    world_end(&w, "/a/", 0);
    EXPECT_STR(world_run(&w, "d", 0), "one success a=success");
    world_release(&w);
}
