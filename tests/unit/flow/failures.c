// Failures of the database: whichever statement fails, no task, run or DAG is judged by it. The
// turn is not committed, the scheduler is opened anew, and it all comes to the same end.

#include <stdlib.h>
#include <string.h>

#include "flow/record_row.h"
#include "store/db_ops.h"
#include "world.h"

static mr_db_ops faulty;
static const mr_db_ops *sound;
static uint32_t until_failure;  // Calls; UINT32_MAX: none fails.
static bool failed;
static uint32_t calls;  // So far.

static mr_code fail_once(mr_cx *cx) {
    calls++;
    if (until_failure == UINT32_MAX || until_failure-- != 0) {
        return MR_OK;
    }
    until_failure = UINT32_MAX;
    failed = true;
    return mr_error_flag(cx, mr_fail(cx, MR_E_NETWORK, NULL, "the database is away"), MR_RETRY);
}

static mr_code faulty_run(mr_db *db, const mr_db_call *call, mr_db_rows *ret, mr_cx *cx) {
    MR_TRY(fail_once(cx));
    return sound->run(db, call, ret, cx);
}

static mr_code faulty_begin(mr_db *db, mr_cx *cx) {
    MR_TRY(fail_once(cx));
    return sound->begin(db, cx);
}

static mr_code faulty_commit(mr_db *db, mr_cx *cx) {
    mr_code code = fail_once(cx);
    if (code != MR_OK) {
        sound->rollback(db, cx);
        return code;
    }
    return sound->commit(db, cx);
}

static bool open_world(world *w) {
    if (!EXPECT(world_open(w))) {
        return false;
    }
    mr_db *db = mr_record_db(w->flow->record);
    sound = db->ops;
    faulty = *sound;
    faulty.run = faulty_run;
    faulty.begin = faulty_begin;
    faulty.commit = faulty_commit;
    db->ops = &faulty;
    return true;
}

static const char dag[] =
    "id: d\n"
    "connections: [{id: c, type: http, host: h, password: {secret: WORD}}]\n"
    "env: {P: \"{{ prev_data_interval_end_success }}\", S: {secret: WORD}}\n"
    "on_success: {script: \"echo {{ var.word }}\"}\n"
    "tasks:\n"
    "  - {id: a, type: work, depends_on_past: true, say: \"{{ var.word }}\",\n"
    "     outputs: {x: \"{{ var.word }}\"}, on_success: {script: \"echo {{ var.word }}\"}}\n"
    "  - {id: each, type: work, foreach: [\"{{ var.word }}\", 2]}\n"
    "  - {id: if, type: work, if: \"{{ var.word == 'word' }}\", pool: p, depends_on: a}\n"
    "  - {id: way, type: branch, choose: \"{{ var.way }}\"}\n"
    "  - {id: left, type: noop, depends_on: way, outputs: {y: \"{{ conn.c.password }}\"}}\n"
    "  - {id: right, type: noop, depends_on: way}\n"
    "  - {id: call, type: dag, dag: \"{{ var.inner }}\"}\n"
    "  - {id: child, type: child, conn: c, depends_on: call}\n";

static bool prepare(world *w) {
    static const char *const words[][3] = {{"variable", "word", "word"},
                                           {"variable", "way", "left"},
                                           {"variable", "inner", "inner"},
                                           {"secret", "WORD", "sesame"},
                                           {"pool", "p", "1"}};
    if (!world_init(w, "2025-11-26T12:00:00Z")) {
        return false;
    }
    world_file(w, "d.yaml", dag);
    world_file(w, "inner.yaml", "id: inner\ntasks:\n  - {id: z, type: work}\n");
    until_failure = UINT32_MAX;
    if (!open_world(w)) {
        return false;
    }
    for (size_t i = 0; i < MR_COUNT(words); i++) {
        EXPECT_OK(mr_vault_put(w->flow->vault, words[i][0], words[i][1], mr_span_of(words[i][2]),
                               &w->cx));
    }
    return true;
}

// A turn, and all that runs ends; false: nothing is left.
static bool advance(world *w) {
    if (w->flow == NULL && !open_world(w)) {
        return false;
    }
    world_turn(w);
    if (w->code != MR_OK) {
        world_close(w);
        return true;
    }
    for (uint32_t i = 0; i < w->try_count; i++) {
        w->tries[i].running = false;
    }
    return w->flow->runs != NULL;
}

// Two runs, one after the other; the file changes between them.
static void run_both(world *w) {
    for (uint32_t n = 0; n < 2; n++) {
        for (bool asked = false; !asked;) {
            const char *answer =
                world_ask(w, n == 0 ? "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"one\","
                                      "\"logical_date\":\"2025-11-24\"}"
                                    : "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"two\","
                                      "\"logical_date\":\"2025-11-25\"}");
            asked = strstr(answer, "\"error\"") == NULL;
            if (!asked && EXPECT(strstr(answer, "the database is away") != NULL)) {
                world_close(w);
                REQUIRE(open_world(w));
            }
        }
        for (uint32_t i = 0; advance(w) && EXPECT(i < 100); i++) {
        }
        world_file(w, "d.yaml", mr_arena_printf(&w->arena, "%s# changed\n", dag));
        advance(w);
        if (w->flow == NULL) {
            REQUIRE(open_world(w));
        }
    }
}

TEST(failures, of_any_statement_change_no_verdict) {
    static const char *const expected[] = {
        "one success call=success a=success each.0=success if=success way=success left=success "
        "right=skipped child=success each.1=success a~on_success.0=success ~on_success.0=success",
        "two success call=success a=success each.0=success if=success way=success left=success "
        "right=skipped child=success each.1=success a~on_success.0=success ~on_success.0=success"};
    // Each statement of a run comes again in the next one, so a third of them meets all places.
    uint32_t n = 0, step = getenv("ALL") != NULL ? 1 : 3;
    for (failed = true; failed; n += step) {
        world w;
        REQUIRE(prepare(&w));
        failed = false;
        until_failure = n;
        run_both(&w);
        until_failure = UINT32_MAX;
        for (uint32_t i = 0; i < 2; i++) {
            if (!EXPECT_STR(world_run(&w, "d", i), expected[i])) {
                EXPECT_EQ(n, UINT32_MAX);  // Names the statement.
            }
        }
        EXPECT_EQ(world_runs(&w, "inner"), 2);
        world_release(&w);
        if (n > 5000) {
            break;
        }
    }
    EXPECT(n > 100);
}

static void rename_table(world *w, const char *from, const char *to) {
    mr_db *db;
    const char *path = mr_arena_printf(&w->arena, "%s/data/flow.db", w->dir);
    REQUIRE_OK(mr_db_open(path, /* read_only= */ false, &db, &w->cx));
    EXPECT_OK(mr_db_run(db, mr_arena_printf(&w->arena, "ALTER TABLE %s RENAME TO %s", from, to),
                        NULL, 0, NULL, &w->cx));
    mr_db_close(db);
}

TEST(failures, at_a_start_leave_no_run_alone) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    world_file(&w, "d.yaml", "id: d\ntasks:\n  - {id: a, type: work}\n");
    REQUIRE(world_open(&w));
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"one\"}");
    world_turn(&w);
    world_close(&w);
    // Its run has the version before this one, which has to be read from the database; and so has
    // the file's last good one.
    for (int broken = 0; broken < 2; broken++) {
        world_file(&w, "d.yaml", broken ? "id: d\n" : "id: d\ntasks:\n  - {id: b, type: work}\n");
        rename_table(&w, "dag_version", "elsewhere");
        EXPECT(!world_open(&w));
        rename_table(&w, "elsewhere", "dag_version");
        REQUIRE(world_open(&w));
        world_turn(&w);
        EXPECT_STR(world_run(&w, "d", 0), "one running a=running");
        world_close(&w);
    }
    REQUIRE(world_open(&w));
    world_end(&w, "/a/", 0);
    EXPECT_STR(world_run(&w, "d", 0), "one success a=success");
    world_release(&w);
}

// A DAG whose only run is over and past its retention, and where the logs of that run are.
static const char *with_old_run(world *w) {
    until_failure = UINT32_MAX;
    if (!world_init(w, "2025-11-26T12:00:00Z")) {
        return NULL;
    }
    world_file(w, "d.yaml", "id: d\nretention: 10d\ntasks:\n  - {id: a, type: work}\n");
    if (!open_world(w)) {
        return NULL;
    }
    world_ask(w, "{\"do\":\"dag.trigger\",\"dag\":\"d\",\"run_id\":\"one\"}");
    world_turn(w);
    world_end(w, "one/", 0);
    mr_virtual_advance(w->machine, 11 * MR_DAY_US);
    return mr_arena_printf(&w->arena, "%s/data/flow/logs/d/one", w->dir);
}

TEST(failures, in_a_deletion_take_no_logs_from_a_run_that_stays) {
    world w;
    const char *logs = with_old_run(&w);
    REQUIRE(logs != NULL);
    for (uint32_t n = 0; mr_file_exists(logs, &w.cx) && EXPECT(n < 20); n++) {
        until_failure = n;
        world_turn(&w);
        until_failure = UINT32_MAX;
        if (w.code != MR_OK) {
            EXPECT_EQ(world_runs(&w, "d"), 1);
            EXPECT(mr_file_exists(logs, &w.cx));
            world_close(&w);
            REQUIRE(open_world(&w));
        }
    }
    EXPECT_EQ(world_runs(&w, "d"), 0);
    world_release(&w);
}

TEST(failures, to_delete_logs_stop_nothing) {
    world w;
    const char *logs = with_old_run(&w);
    REQUIRE(logs != NULL);
    EXPECT_OK(mr_dir_delete(logs, &w.cx));
    EXPECT_OK(mr_file_save(logs, MR_SPAN("no folder"), &w.cx));
    world_turn(&w);
    EXPECT_OK(w.code);
    EXPECT_EQ(world_runs(&w, "d"), 0);
    EXPECT(strstr(mr_text_string(&w.said), "the logs of a run that is deleted stay") != NULL);
    world_release(&w);
}

// ---- how often the database is asked at all
// ------------------------------------------------------

TEST(failures, cannot_come_from_what_is_not_asked) {
    world w;
    REQUIRE(world_init(&w, "2025-11-26T12:00:00Z"));
    for (int i = 0; i < 20; i++) {
        world_file(&w, mr_arena_printf(&w.arena, "d%d.yaml", i),
                   mr_arena_printf(&w.arena,
                                   "id: d%d\nschedule: {every: 1h}\nstart_date: 2025-01-01\n"
                                   "tasks:\n  - {id: a, type: noop}\n",
                                   i));
    }
    mr_text wide;
    mr_text_init(&wide, &w.arena);
    mr_text_add(&wide, "id: wide\ntasks:\n");
    for (int i = 0; i < 50; i++) {
        mr_text_addf(&wide, "  - {id: t%d, type: noop, depends_on_past: true}\n", i);
    }
    world_file(&w, "wide.yaml", mr_text_string(&wide));
    REQUIRE(open_world(&w));
    world_turn(&w);
    // A file that is written again as it was is no new version.
    for (int i = 0; i < 20; i++) {
        world_file(&w, mr_arena_printf(&w.arena, "d%d.yaml", i),
                   mr_arena_printf(&w.arena,
                                   "id: d%d\nschedule: {every: 1h}\nstart_date: 2025-01-01\n"
                                   "tasks:\n  - {id: a, type: noop}\n",
                                   i));
    }
    calls = 0;
    world_turn(&w);
    EXPECT_EQ(calls, 0);
    // A range is looked up as a whole.
    world_ask(&w, "{\"do\":\"dag.backfill\",\"dag\":\"d0\",\"from\":\"2025-02-01\",\"to\":"
                  "\"2025-11-20\",\"dry_run\":true}");
    EXPECT_EQ(calls, 2);
    // The run before is asked for once, not by each task: an insert a task, one for it, and a few.
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"wide\",\"run_id\":\"one\"}");
    world_turn(&w);
    world_at(&w, "2025-11-26T12:01:00Z");
    calls = 0;
    world_ask(&w, "{\"do\":\"dag.trigger\",\"dag\":\"wide\",\"run_id\":\"two\"}");
    world_turn(&w);
    EXPECT(strstr(world_run(&w, "wide", 1), "two success") != NULL);
    EXPECT(calls >= 50 && calls < 65);
    world_release(&w);
}
