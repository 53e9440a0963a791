// Record: rows come back as they went in, a run is made once, a turn is whole, one owner writes; on
// SQLite always, and on the PostgreSQL that MILLRACE_TEST_POSTGRES names (tests/e2e/test_store.py).

#include "runner.h"

#include <stdlib.h>
#include <string.h>

#include "flow/record.h"
#include "store/db_ops.h"

typedef struct rig {
    mr_arena arena;
    mr_cx cx;
    char dir[64];
    mr_record_spec spec;
    mr_record *record;
} rig;

// kind 0: SQLite, 1: PostgreSQL. False: there is no such database here.
static bool rig_init(rig *r, int kind) {
    memset(r, 0, sizeof(*r));
    mr_cx_init(&r->cx, &r->arena, mr_plat_linux());
    memcpy(r->dir, "/tmp/millrace-record-XXXXXX", sizeof("/tmp/millrace-record-XXXXXX"));
    if (mkdtemp(r->dir) == NULL) {
        abort();
    }
    const char *url = mr_plat_env(r->cx.plat, "MILLRACE_TEST_POSTGRES");
    r->spec = (mr_record_spec){.data_dir = r->dir,
                               .store = kind == 0 ? "" : url,
                               .holder = "the first",
                               .lease_us = 1000000};
    if (kind == 1 && url == NULL) {
        return false;
    }
    mr_db *db;
    if (kind == 1 && EXPECT_OK(mr_db_open(url, false, &db, &r->cx))) {
        EXPECT_OK(mr_db_run(db, "DROP SCHEMA public CASCADE", NULL, 0, NULL, &r->cx));
        EXPECT_OK(mr_db_run(db, "CREATE SCHEMA public", NULL, 0, NULL, &r->cx));
        mr_db_close(db);
    }
    return EXPECT_OK(mr_record_own(&r->spec, &r->record, &r->cx));
}

static void rig_release(rig *r) {
    mr_record_close(r->record, &r->cx);
    (void)!mr_dir_delete(r->dir, &r->cx);
    mr_arena_release(&r->arena);
}

static mr_record_run run_of(const char *dag, const char *run_id, mr_run_type type,
                            int64_t logical) {
    return (mr_record_run){.dag = dag,
                           .run_id = run_id,
                           .type = type,
                           .logical_us = logical,
                           .interval_start_us = logical,
                           .interval_end_us = logical + 5,
                           .created_us = 77,
                           .conf_json = MR_SPAN("{\"a\": \"\u00e4\"}")};
}

static bool add_run(rig *r, mr_record_run *run) {
    return EXPECT_OK(mr_record_begin(r->record, &r->cx)) &&
           EXPECT_OK(mr_record_add_run(r->record, run, &r->cx)) &&
           EXPECT_OK(mr_record_commit(r->record, &r->cx));
}

static int64_t count(rig *r, const char *table) {
    mr_db_rows rows;
    const char *sql = mr_arena_printf(&r->arena, "SELECT count(*) FROM %s", table);
    return EXPECT_OK(mr_db_run(mr_record_db(r->record), sql, NULL, 0, &rows, &r->cx))
               ? mr_db_cell(&rows, 0, 0)->number
               : -1;
}

static void check_outputs(rig *r, int64_t run, int64_t task) {
    mr_cx *cx = &r->cx;
    mr_record_output *outputs;
    uint32_t output_count;
    EXPECT_OK(mr_record_outputs(r->record, run, &outputs, &output_count, cx));
    if (EXPECT(output_count == 1)) {
        EXPECT_STR(outputs[0].key, "rows");
        EXPECT(mr_span_is(outputs[0].json, "{\"n\": 2}"));
    }
    char *large = mr_arena_alloc(&r->arena, MR_RECORD_OUTPUT_BYTES_MAX + 1);
    memset(large, '1', MR_RECORD_OUTPUT_BYTES_MAX + 1);
    mr_span json = {large, MR_RECORD_OUTPUT_BYTES_MAX + 1};
    EXPECT(mr_record_put_output(r->record, task, "big", json, cx) == MR_E_LIMIT);
    json.bytes--;
    EXPECT_OK(mr_record_put_output(r->record, task, "big", json, cx));
}

static void check_rows(rig *r) {
    mr_cx *cx = &r->cx;
    mr_record_run run = run_of("retail", "scheduled__1", MR_RUN_IS_SCHEDULED, -5);
    mr_record_task first = {.task = "load", .map_index = -1, .reason = "", .ready_us = 1};
    mr_record_task mapped = {.task = "each", .map_index = 3, .item_json = MR_SPAN("[1,2]")};
    mr_record_try try = {.number = 1, .state = MR_STATE_RUNNING, .dir = "logs/x y"};
    EXPECT_OK(mr_record_begin(r->record, cx));
    EXPECT_OK(mr_record_add_run(r->record, &run, cx));
    first.run = mapped.run = run.id;
    EXPECT_OK(mr_record_add_task(r->record, &first, cx));
    EXPECT_OK(mr_record_add_task(r->record, &mapped, cx));
    first.state = MR_STATE_RUNNING;
    first.tries = 1;
    first.started_us = 12;
    EXPECT_OK(mr_record_put_task(r->record, &first, cx));
    try.task = first.id;
    EXPECT_OK(mr_record_add_try(r->record, &try, cx));
    EXPECT_OK(mr_record_put_output(r->record, first.id, "rows", MR_SPAN("1"), cx));
    EXPECT_OK(mr_record_put_output(r->record, first.id, "rows", MR_SPAN("{\"n\": 2}"), cx));
    EXPECT_OK(mr_record_commit(r->record, cx));

    mr_record_rows rows;
    EXPECT_OK(mr_record_active(r->record, &rows, cx));
    if (!EXPECT(rows.run_count == 1 && rows.task_count == 2 && rows.try_count == 1)) {
        return;
    }
    EXPECT_EQ(rows.runs[0].id, run.id);
    EXPECT_EQ(rows.runs[0].logical_us, -5);
    EXPECT_EQ(rows.runs[0].interval_end_us, 0);
    EXPECT(rows.runs[0].type == MR_RUN_IS_SCHEDULED && rows.runs[0].state == MR_RUN_QUEUED);
    EXPECT_STR(rows.runs[0].run_id, "scheduled__1");
    EXPECT(mr_span_is(rows.runs[0].conf_json, "{\"a\": \"\u00e4\"}"));
    EXPECT_STR(rows.runs[0].note, "");
    EXPECT(rows.tasks[0].state == MR_STATE_RUNNING && rows.tasks[0].map_index == -1);
    EXPECT(rows.tasks[0].tries == 1 && rows.tasks[0].started_us == 12);
    EXPECT(mr_span_is(rows.tasks[1].item_json, "[1,2]") && rows.tasks[1].map_index == 3);
    EXPECT_STR(rows.tries[0].dir, "logs/x y");

    // The try ends: it is open no more, and the whole run shows how.
    try.state = MR_STATE_FAILED;
    try.exit = (mr_try_exit){.reason = MR_EXIT_TIMEOUT,
                             .code = -9,
                             .started_us = 3,
                             .ended_us = 4,
                             .cpu_us = 5,
                             .memory_bytes_max = 6,
                             .text = "too long"};
    run.state = MR_RUN_RUNNING;
    run.note = "why";
    run.deadline_told = true;
    EXPECT_OK(mr_record_begin(r->record, cx));
    EXPECT_OK(mr_record_put_try(r->record, &try, cx));
    EXPECT_OK(mr_record_put_run(r->record, &run, cx));
    EXPECT_OK(mr_record_commit(r->record, cx));
    EXPECT_OK(mr_record_active(r->record, &rows, cx));
    EXPECT(rows.run_count == 1 && rows.try_count == 0);
    EXPECT_OK(mr_record_run_whole(r->record, run.id, &rows, cx));
    if (EXPECT(rows.run_count == 1 && rows.task_count == 2 && rows.try_count == 1)) {
        EXPECT(rows.runs[0].deadline_told && rows.runs[0].state == MR_RUN_RUNNING);
        EXPECT_STR(rows.runs[0].note, "why");
        EXPECT(rows.tries[0].exit.reason == MR_EXIT_TIMEOUT && rows.tries[0].exit.code == -9);
        EXPECT(rows.tries[0].exit.cpu_us == 5 && rows.tries[0].exit.memory_bytes_max == 6);
        EXPECT_STR(rows.tries[0].exit.text, "too long");
    }
    check_outputs(r, run.id, first.id);

    EXPECT(mr_record_run_whole(r->record, 99, &rows, cx) == MR_E_MISSING);
    EXPECT_OK(mr_record_delete_run(r->record, run.id, cx));
    EXPECT_EQ(count(r, "run") + count(r, "task") + count(r, "try") + count(r, "output"), 0);
}

static void check_once(rig *r) {
    mr_cx *cx = &r->cx;
    mr_record_run run = run_of("d", "scheduled__1", MR_RUN_IS_SCHEDULED, 100);
    mr_record_run same_id = run_of("d", "scheduled__1", MR_RUN_IS_MANUAL, 200);
    mr_record_run same_tick = run_of("d", "backfill__1", MR_RUN_IS_BACKFILL, 100);
    mr_record_run manual = run_of("d", "manual__1", MR_RUN_IS_MANUAL, 100);
    mr_record_run other = run_of("e", "scheduled__1", MR_RUN_IS_SCHEDULED, 100);
    EXPECT_OK(mr_record_begin(r->record, cx));
    EXPECT_OK(mr_record_add_run(r->record, &run, cx));
    EXPECT(mr_record_add_run(r->record, &same_id, cx) == MR_E_EXISTS);
    EXPECT(mr_record_add_run(r->record, &same_tick, cx) == MR_E_EXISTS);
    EXPECT_STR(cx->error.text, "dag \"d\" has the run \"scheduled__1\" already");
    EXPECT_OK(mr_record_add_run(r->record, &manual, cx));
    EXPECT_OK(mr_record_add_run(r->record, &other, cx));
    EXPECT_OK(mr_record_commit(r->record, cx));
    EXPECT_EQ(count(r, "run"), 3);

    // What is rolled back is gone, and its numbers are not used for something else by accident.
    mr_record_run lost = run_of("d", "lost", MR_RUN_IS_MANUAL, 1);
    EXPECT_OK(mr_record_begin(r->record, cx));
    EXPECT_OK(mr_record_add_run(r->record, &lost, cx));
    mr_record_rollback(r->record, cx);
    EXPECT_EQ(count(r, "run"), 3);
    mr_record_close(r->record, cx);
    r->record = NULL;
    if (!EXPECT_OK(mr_record_own(&r->spec, &r->record, cx))) {
        return;
    }
    mr_record_run next = run_of("d", "next", MR_RUN_IS_MANUAL, 1);
    EXPECT(add_run(r, &next) && next.id > other.id);
}

static void check_lists(rig *r) {
    mr_cx *cx = &r->cx;
    for (int64_t i = 1; i <= 120; i++) {
        mr_record_run run =
            run_of(i % 2 == 0 ? "even" : "odd", mr_arena_printf(&r->arena, "r%02d", (int)i),
                   MR_RUN_IS_SCHEDULED, i * 10);
        run.state = i % 3 == 0 ? MR_RUN_SUCCESS : MR_RUN_FAILED;
        run.ended_us = i;
        if (!add_run(r, &run)) {
            return;
        }
    }
    mr_record_run *runs;
    uint32_t found;
    EXPECT_OK(mr_record_runs(r->record, &(mr_record_filter){.limit = 0}, &runs, &found, cx));
    EXPECT(found == 100 && runs[0].id == 120 && runs[99].id == 21);
    EXPECT_OK(mr_record_runs(r->record, &(mr_record_filter){.before = 21}, &runs, &found, cx));
    EXPECT(found == 20 && runs[0].id == 20);
    mr_record_filter filter = {.dag = "even",
                               .state = "success",
                               .type = "scheduled",
                               .logical_from_us = 120,
                               .logical_until_us = 300,
                               .limit = 2};
    EXPECT_OK(mr_record_runs(r->record, &filter, &runs, &found, cx));
    EXPECT(found == 2 && runs[0].logical_us == 240 && runs[1].logical_us == 180);
    filter = (mr_record_filter){.dag = "odd", .ended_before_us = 4};
    EXPECT_OK(mr_record_runs(r->record, &filter, &runs, &found, cx));
    EXPECT(found == 2 && runs[0].ended_us == 3);
    filter = (mr_record_filter){.dag = "odd", .run_id = "r03"};
    EXPECT_OK(mr_record_runs(r->record, &filter, &runs, &found, cx));
    EXPECT(found == 1 && runs[0].id == 3);

    const mr_record_run *run;
    EXPECT_OK(mr_record_run_before(r->record, "even", 120, -1, &run, cx));
    EXPECT(run != NULL && run->logical_us == 100);
    EXPECT_OK(mr_record_run_before(r->record, "even", 120, MR_RUN_SUCCESS, &run, cx));
    EXPECT(run != NULL && run->logical_us == 60);
    EXPECT_OK(mr_record_run_before(r->record, "even", 20, -1, &run, cx));
    EXPECT(run == NULL);

    static const mr_task_state states[] = {MR_STATE_SUCCESS, MR_STATE_SKIPPED, MR_STATE_FAILED};
    const mr_record_task *tasks;
    uint32_t count;
    for (int32_t i = 0; i < 3; i++) {
        mr_record_task task = {.run = 1, .task = "t", .map_index = i, .state = states[i]};
        EXPECT_OK(mr_record_add_task(r->record, &task, cx));
    }
    EXPECT_OK(mr_record_tasks(r->record, 1, &tasks, &count, cx));
    if (EXPECT_EQ(count, 3)) {
        EXPECT(tasks[2].map_index == 2 && tasks[2].state == MR_STATE_FAILED);
        EXPECT_STR(tasks[0].task, "t");
    }
    EXPECT_OK(mr_record_tasks(r->record, 2, &tasks, &count, cx));
    EXPECT_EQ(count, 0);
}

static void check_dags(rig *r) {
    mr_cx *cx = &r->cx;
    mr_record_dag dag = {.id = "b", .file = "dags/b.yaml", .version = 1, .seen_us = 5};
    mr_record_dag first = {.id = "a", .file = "dags/a.yaml", .seen_us = 6};
    EXPECT_OK(mr_record_put_dag(r->record, &dag, cx));
    EXPECT_OK(mr_record_put_dag(r->record, &first, cx));
    dag.paused = true;
    dag.watermark_us = -7;
    dag.seen_us = 1000;  // The first sight stays.
    EXPECT_OK(mr_record_put_dag(r->record, &dag, cx));
    mr_record_dag *dags;
    uint32_t found;
    EXPECT_OK(mr_record_dags(r->record, &dags, &found, cx));
    if (EXPECT(found == 2)) {
        EXPECT_STR(dags[0].id, "a");
        EXPECT_STR(dags[1].file, "dags/b.yaml");
        EXPECT_STR(dags[0].hash, "");
        EXPECT(dags[1].paused && dags[1].watermark_us == -7 && dags[1].seen_us == 5);
    }
    int64_t one, two, again;
    EXPECT_OK(mr_record_put_version(r->record, "b", "aa", MR_SPAN("id: b\n"), &one, cx));
    EXPECT_OK(mr_record_put_version(r->record, "b", "bb", MR_SPAN("id: b # \u00e9"), &two, cx));
    EXPECT_OK(mr_record_put_version(r->record, "b", "aa", MR_SPAN("id: b\n"), &again, cx));
    EXPECT(one == 1 && two == 2 && again == 1);
    EXPECT_OK(mr_record_dags(r->record, &dags, &found, cx));
    EXPECT_STR(dags[1].hash, "aa");  // Of its newest, which the row says is 1.
    mr_span source;
    EXPECT_OK(mr_record_version(r->record, "b", 2, &source, cx));
    EXPECT(mr_span_is(source, "id: b # \u00e9"));
    EXPECT(mr_record_version(r->record, "b", 3, &source, cx) == MR_E_MISSING);

    mr_record_backfill backfill = {.dag = "b",
                                   .from_us = 1,
                                   .to_us = 2,
                                   .reprocess = "failed",
                                   .max_active_runs = 3,
                                   .backwards = true};
    EXPECT_OK(mr_record_add_backfill(r->record, &backfill, cx));
    backfill.state = MR_RUN_SUCCESS;
    EXPECT_OK(mr_record_put_backfill(r->record, &backfill, cx));
    mr_record_backfill *backfills;
    EXPECT_OK(mr_record_backfills(r->record, NULL, true, &backfills, &found, cx));
    EXPECT_EQ(found, 0);
    EXPECT_OK(mr_record_backfills(r->record, "b", false, &backfills, &found, cx));
    EXPECT(found == 1 && backfills[0].backwards && backfills[0].max_active_runs == 3);
}

static void check_readers(rig *r) {
    mr_cx *cx = &r->cx;
    mr_record *reader;
    mr_record_run run = run_of("d", "r", MR_RUN_IS_MANUAL, 1);
    EXPECT(add_run(r, &run));
    if (EXPECT_OK(mr_record_read(&r->spec, &reader, cx))) {
        mr_record_rows rows;
        EXPECT_OK(mr_record_run_whole(reader, run.id, &rows, cx));
        mr_record_close(reader, cx);
    }
}

static void check_speed_of_a_turn(rig *r) {
    // A turn of 500 tasks: an order of magnitude, so that nobody waits for each answer by mistake.
    mr_cx *cx = &r->cx;
    mr_record_run run = run_of("d", "r", MR_RUN_IS_MANUAL, 1);
    EXPECT(add_run(r, &run));
    EXPECT_OK(mr_record_begin(r->record, cx));
    for (int32_t i = 0; i < 500; i++) {
        mr_record_task task = {.run = run.id, .task = "t", .map_index = i};
        mr_record_try try = {.number = 1, .dir = "d"};
        EXPECT_OK(mr_record_add_task(r->record, &task, cx));
        try.task = task.id;
        EXPECT_OK(mr_record_add_try(r->record, &try, cx));
        EXPECT_OK(mr_record_put_task(r->record, &task, cx));
    }
    EXPECT_OK(mr_record_commit(r->record, cx));
    EXPECT_EQ(count(r, "task") + count(r, "try"), 1000);
}

#define BOTH(name)                             \
    TEST(record, name) {                       \
        for (int kind = 0; kind < 2; kind++) { \
            rig r;                             \
            if (rig_init(&r, kind)) {          \
                check_##name(&r);              \
            }                                  \
            rig_release(&r);                   \
        }                                      \
    }
BOTH(rows)
BOTH(once)
BOTH(lists)
BOTH(dags)
BOTH(readers)
BOTH(speed_of_a_turn)

TEST(record, of_sqlite_has_one_owner) {
    rig r;
    REQUIRE(rig_init(&r, 0));
    mr_record *second;
    EXPECT(mr_record_own(&r.spec, &second, &r.cx) == MR_E_LOCKED);
    EXPECT(strstr(r.cx.error.text, "flow.lock\" is in use by process ") != NULL);
    EXPECT_EQ(mr_record_renew_us(r.record), INT64_MAX);
    EXPECT(mr_record_holds(r.record, &r.cx));
    mr_record_close(r.record, &r.cx);
    EXPECT_OK(mr_record_own(&r.spec, &r.record, &r.cx));
    rig_release(&r);
}

TEST(record, a_folder_without_database_is_told) {
    rig r;
    REQUIRE(rig_init(&r, 0));
    mr_record_spec spec = r.spec;
    spec.data_dir = mr_arena_printf(&r.arena, "%s/none", r.dir);
    mr_record *reader;
    EXPECT(mr_record_read(&spec, &reader, &r.cx) == MR_E_MISSING);
    rig_release(&r);
}

// ---- the lease ---------------------------------------------------------------------------------

TEST(record, a_lease_has_one_holder_and_fences_the_one_before) {
    rig r;
    if (!rig_init(&r, 1)) {
        rig_release(&r);
        return;
    }
    mr_cx *cx = &r.cx;
    mr_record_spec spec = r.spec;
    spec.holder = "the second";
    mr_record *second;
    EXPECT(mr_record_own(&spec, &second, cx) == MR_E_LOCKED);
    EXPECT(cx->error.flags == MR_RETRY);
    EXPECT_STR(cx->error.text, "the workflows of this database are run by the first");
    EXPECT(mr_record_holds(r.record, cx));

    // The first stands still in the middle of a turn: the server ends its session.
    mr_record_run run = run_of("d", "of the first", MR_RUN_IS_MANUAL, 1);
    EXPECT_OK(mr_record_begin(r.record, cx));
    EXPECT_OK(mr_record_add_run(r.record, &run, cx));
    mr_code code;
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + 60000000;
    do {
        mr_clock_sleep_us(cx->plat, 50000);
        code = mr_record_own(&spec, &second, cx);
    } while (code == MR_E_LOCKED && mr_clock_monotonic_us(cx->plat) < until_us);
    REQUIRE_OK(code);
    EXPECT(!mr_record_holds(r.record, cx));
    EXPECT(mr_record_commit(r.record, cx) != MR_OK);
    EXPECT_EQ(count(&r, "run"), 0);
    // It comes to again: nothing that it does counts any more.
    EXPECT(mr_record_begin(r.record, cx) == MR_E_LOCKED);
    EXPECT(cx->error.flags == MR_FATAL);
    EXPECT_STR(cx->error.text, "the workflows of this database are run by the second");
    EXPECT_OK(mr_record_begin(second, cx));
    EXPECT_OK(mr_record_commit(second, cx));
    // Given back, it is free at once; the number goes on.
    mr_record_close(second, cx);
    EXPECT(mr_record_begin(r.record, cx) == MR_E_LOCKED);
    EXPECT_OK(mr_record_own(&spec, &second, cx));
    mr_record_close(second, cx);
    rig_release(&r);
}

TEST(record, a_lost_connection_loses_a_turn_and_no_more) {
    rig r;
    if (!rig_init(&r, 1)) {
        rig_release(&r);
        return;
    }
    mr_cx *cx = &r.cx;
    static const char *const end_others =
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND application_name = 'millrace'";
    mr_db *db;
    mr_db_rows rows;
    REQUIRE_OK(mr_db_open(r.spec.store, false, &db, cx));
    // Between two turns: not noticed.
    EXPECT_OK(mr_db_run(db, end_others, NULL, 0, &rows, cx));
    mr_record_run run = run_of("d", "a", MR_RUN_IS_MANUAL, 1);
    EXPECT(add_run(&r, &run));
    // In a turn: all of it is lost, and told as something that may be tried again.
    EXPECT_OK(mr_record_begin(r.record, cx));
    run = run_of("d", "b", MR_RUN_IS_MANUAL, 1);
    EXPECT_OK(mr_record_add_run(r.record, &run, cx));
    mr_record_task task = {.run = run.id, .task = "t", .map_index = -1};
    EXPECT_OK(mr_record_add_task(r.record, &task, cx));
    EXPECT_OK(mr_db_run(db, end_others, NULL, 0, &rows, cx));
    EXPECT(mr_record_commit(r.record, cx) == MR_E_NETWORK);
    EXPECT_EQ(cx->error.flags, MR_RETRY);
    EXPECT_EQ(count(&r, "run"), 1);
    run = run_of("d", "c", MR_RUN_IS_MANUAL, 1);
    EXPECT(add_run(&r, &run));
    EXPECT_EQ(count(&r, "run"), 2);
    mr_db_close(db);
    rig_release(&r);
}

// ---- a commit whose answer is lost -------------------------------------------------------------

static const mr_db_ops *sound;

// The server has done it; its answer is lost with the connection.
static mr_code commit_unheard(mr_db *db, mr_cx *cx) {
    MR_TRY(sound->commit(db, cx));
    mr_db *other;
    mr_db_rows rows;
    MR_TRY(mr_db_open(mr_plat_env(cx->plat, "MILLRACE_TEST_POSTGRES"), false, &other, cx));
    mr_code code = mr_db_run(other,
                             "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                             "WHERE pid <> pg_backend_pid() AND application_name = 'millrace'",
                             NULL, 0, &rows, cx);
    mr_db_close(other);
    MR_TRY(code);
    return mr_error_flag(cx, mr_fail(cx, MR_E_NETWORK, NULL, "lost"), MR_RETRY | MR_ABORT);
}

TEST(record, a_commit_without_an_answer_is_looked_into) {
    rig r;
    if (!rig_init(&r, 1)) {
        rig_release(&r);
        return;
    }
    mr_cx *cx = &r.cx;
    mr_db *db = mr_record_db(r.record);
    sound = db->ops;
    mr_db_ops unheard = *sound;
    unheard.commit = commit_unheard;
    for (int fenced = 0; fenced < 2; fenced++) {
        mr_record_run run = run_of("d", fenced ? "b" : "a", MR_RUN_IS_MANUAL, 1 + fenced);
        EXPECT_OK(mr_record_begin(r.record, cx));
        EXPECT_OK(mr_record_add_run(r.record, &run, cx));
        if (fenced) {  // Another one has taken the lease since: it was not ours to look any more.
            EXPECT_OK(mr_db_run(db, "UPDATE lease SET epoch = epoch + 1, holder = 'the second'",
                                NULL, 0, NULL, cx));
        }
        db->ops = &unheard;
        mr_code code = mr_record_commit(r.record, cx);
        db->ops = sound;
        EXPECT_EQ(code, fenced ? MR_E_LOCKED : MR_OK);
        EXPECT_EQ(count(&r, "run"), 1 + fenced);
    }
    EXPECT_EQ(cx->error.flags, MR_FATAL);
    EXPECT_STR(cx->error.text, "the workflows of this database are run by the second");
    rig_release(&r);
}
