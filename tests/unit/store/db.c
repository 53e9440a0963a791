// Db: values come back as they went in, transactions are whole, versions step up; on SQLite always,
// and on the PostgreSQL that MILLRACE_TEST_POSTGRES names (tests/e2e/test_store.py starts one).

#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/db.h"

typedef struct rig {
    mr_arena arena;
    mr_cx cx;
    char dir[64];
    const char *url;
    mr_db *db;
} rig;

// kind 0: SQLite, 1: PostgreSQL. False: there is no such database here.
static bool rig_init(rig *r, int kind) {
    memset(r, 0, sizeof(*r));
    mr_cx_init(&r->cx, &r->arena, mr_plat_linux());
    memcpy(r->dir, "/tmp/millrace-db-XXXXXX", sizeof("/tmp/millrace-db-XXXXXX"));
    if (mkdtemp(r->dir) == NULL) {
        abort();
    }
    r->url = kind == 0 ? mr_arena_printf(&r->arena, "%s/a.db", r->dir)
                       : mr_plat_env(r->cx.plat, "MILLRACE_TEST_POSTGRES");
    if (r->url != NULL && EXPECT_OK(mr_db_open(r->url, false, &r->db, &r->cx)) && kind == 1) {
        EXPECT_OK(mr_db_run(r->db, "DROP TABLE IF EXISTS t", NULL, 0, NULL, &r->cx));
        EXPECT_OK(mr_db_run(r->db, "DROP TABLE IF EXISTS mr_version", NULL, 0, NULL, &r->cx));
    }
    return r->db != NULL;
}

static void rig_release(rig *r) {
    mr_db_close(r->db);
    (void)!mr_dir_delete(r->dir, &r->cx);
    mr_arena_release(&r->arena);
}

static mr_code run(rig *r, const char *sql) {
    return mr_db_run(r->db, sql, NULL, 0, NULL, &r->cx);
}

static int64_t number(rig *r, const char *sql) {
    mr_db_rows rows;
    if (!EXPECT_OK(mr_db_run(r->db, sql, NULL, 0, &rows, &r->cx)) || !EXPECT(rows.row_count == 1)) {
        return INT64_MIN;
    }
    return mr_db_cell(&rows, 0, 0)->number;
}

static void check_values(rig *r) {
    static const mr_span odd = {"a\0'$1\xff", 6};
    EXPECT_OK(run(r, "CREATE TABLE t (n bigint, s text, b bytea)"));
    mr_db_value args[] = {MR_DB_TEXT_VALUE(MR_SPAN("\u00e4 'q' $9 ; ")), MR_DB_INT_VALUE(INT64_MIN),
                          MR_DB_BYTES_VALUE(odd)};
    // Parameters in another order than their numbers, and one of them twice.
    mr_db_rows rows;
    EXPECT_OK(mr_db_run(r->db,
                        "INSERT INTO t (b, n, s) SELECT $3, $2, $1 WHERE $2 < CAST(0 AS bigint)",
                        args, 3, &rows, &r->cx));
    EXPECT_EQ(rows.changed, 1);
    args[0] = args[1] = args[2] = MR_DB_NULL_VALUE;
    EXPECT_OK(
        mr_db_run(r->db, "INSERT INTO t (s, n, b) VALUES ($1, $2, $3)", args, 3, NULL, &r->cx));
    args[0] = MR_DB_TEXT_VALUE(((mr_span){NULL, 0}));
    args[1] = MR_DB_INT_VALUE(INT64_MAX);
    args[2] = MR_DB_BYTES_VALUE(((mr_span){NULL, 0}));
    EXPECT_OK(
        mr_db_run(r->db, "INSERT INTO t (s, n, b) VALUES ($1, $2, $3)", args, 3, NULL, &r->cx));
    EXPECT_OK(mr_db_run(r->db, "SELECT n, s, b, n IS NULL FROM t ORDER BY n IS NULL, n", NULL, 0,
                        &rows, &r->cx));
    if (!EXPECT(rows.row_count == 3 && rows.column_count == 4)) {
        return;
    }
    EXPECT_EQ(mr_db_cell(&rows, 0, 0)->number, INT64_MIN);
    EXPECT(mr_span_is(mr_db_cell(&rows, 0, 1)->bytes, "\u00e4 'q' $9 ; "));
    EXPECT(mr_db_cell(&rows, 0, 2)->kind == MR_DB_BYTES);
    EXPECT(mr_span_equal(mr_db_cell(&rows, 0, 2)->bytes, odd));
    EXPECT_EQ(mr_db_cell(&rows, 1, 0)->number, INT64_MAX);
    EXPECT(mr_db_cell(&rows, 1, 1)->kind == MR_DB_TEXT);
    EXPECT_EQ(mr_db_cell(&rows, 1, 1)->bytes.bytes, 0);
    for (uint32_t c = 0; c < 3; c++) {
        EXPECT(mr_db_cell(&rows, 2, c)->kind == MR_DB_NULL);
    }
    EXPECT_EQ(mr_db_cell(&rows, 2, 3)->number, 1);
    EXPECT_OK(mr_db_run(r->db, "UPDATE t SET n = 1 WHERE n IS NOT NULL", NULL, 0, &rows, &r->cx));
    EXPECT_EQ(rows.changed, 2);
}

static void check_transactions(rig *r) {
    EXPECT_OK(run(r, "CREATE TABLE t (n bigint primary key, s text)"));
    mr_db_value args[] = {MR_DB_INT_VALUE(0), MR_DB_TEXT_VALUE(MR_SPAN("x"))};
    static const char *const insert = "INSERT INTO t (n, s) VALUES ($1, $2)";
    EXPECT_OK(mr_db_begin(r->db, &r->cx));
    for (int64_t i = 0; i < 1000; i++) {  // More than are sent without looking at answers.
        args[0] = MR_DB_INT_VALUE(i);
        EXPECT_OK(mr_db_run(r->db, insert, args, 2, NULL, &r->cx));
    }
    EXPECT_EQ(number(r, "SELECT count(*) FROM t"), 1000);
    EXPECT_OK(mr_db_commit(r->db, &r->cx));
    EXPECT_EQ(number(r, "SELECT count(*) FROM t"), 1000);

    EXPECT_OK(mr_db_begin(r->db, &r->cx));
    args[0] = MR_DB_INT_VALUE(1000);
    EXPECT_OK(mr_db_run(r->db, insert, args, 2, NULL, &r->cx));
    mr_db_rollback(r->db, &r->cx);
    mr_db_rollback(r->db, &r->cx);
    EXPECT_EQ(number(r, "SELECT count(*) FROM t"), 1000);

    // A failed statement spoils all of its transaction, and the text of the failure stays.
    EXPECT_OK(mr_db_begin(r->db, &r->cx));
    EXPECT_OK(mr_db_run(r->db, insert, args, 2, NULL, &r->cx));
    args[0] = MR_DB_INT_VALUE(7);
    mr_db_rows rows;
    EXPECT(mr_db_run(r->db, insert, args, 2, &rows, &r->cx) == MR_E_EXISTS);
    args[0] = MR_DB_INT_VALUE(1001);
    EXPECT(mr_db_run(r->db, insert, args, 2, NULL, &r->cx) == MR_E_EXISTS);
    EXPECT(mr_db_commit(r->db, &r->cx) == MR_E_EXISTS);
    EXPECT_EQ(number(r, "SELECT count(*) FROM t"), 1000);

    // The same when nobody waits for the failing statement's answer.
    EXPECT_OK(mr_db_begin(r->db, &r->cx));
    args[0] = MR_DB_INT_VALUE(1002);
    EXPECT_OK(mr_db_run(r->db, insert, args, 2, NULL, &r->cx));
    args[0] = MR_DB_INT_VALUE(7);
    (void)!mr_db_run(r->db, insert, args, 2, NULL, &r->cx);
    (void)!run(r, "DELETE FROM t");
    EXPECT(mr_db_commit(r->db, &r->cx) == MR_E_EXISTS);
    EXPECT_EQ(number(r, "SELECT count(*) FROM t"), 1000);
    EXPECT(run(r, "SELECT nothing FROM nowhere") == MR_E_INTERNAL);
    EXPECT_EQ(number(r, "SELECT count(*) FROM t"), 1000);
}

static void check_versions(rig *r) {
    static const char *const steps[] = {
        "CREATE TABLE t (n bigint primary key, s text);\nINSERT INTO t (s, n) VALUES ('a', 1);\n",
        "INSERT INTO t (s, n) VALUES ('b', 2)",
        "INSERT INTO t (s, n) VALUES ('c', 2)",
    };
    int64_t version = -1;
    EXPECT_OK(mr_db_version(r->db, "x", &version, &r->cx));
    EXPECT_EQ(version, 0);
    EXPECT_OK(mr_db_migrate(r->db, "x", steps, 1, &r->cx));
    EXPECT_OK(mr_db_migrate(r->db, "x", steps, 1, &r->cx));
    EXPECT_EQ(number(r, "SELECT count(*) FROM t"), 1);
    EXPECT(mr_db_migrate(r->db, "x", steps, 3, &r->cx) == MR_E_EXISTS);  // All or nothing.
    EXPECT_EQ(number(r, "SELECT count(*) FROM t"), 1);
    EXPECT_OK(mr_db_migrate(r->db, "x", steps, 2, &r->cx));
    EXPECT_EQ(number(r, "SELECT count(*) FROM t"), 2);
    EXPECT_OK(mr_db_version(r->db, "x", &version, &r->cx));
    EXPECT_EQ(version, 2);
    EXPECT(mr_db_migrate(r->db, "x", steps, 1, &r->cx) == MR_E_UNSUPPORTED);
    EXPECT_STR(r->cx.error.text,
               "the database's tables of \"x\" have version 2, this program knows 1");
}

static void check_readers(rig *r) {
    mr_db *reader;
    EXPECT_OK(run(r, "CREATE TABLE t (n bigint)"));
    if (!EXPECT_OK(mr_db_open(r->url, /* read_only= */ true, &reader, &r->cx))) {
        return;
    }
    EXPECT_OK(mr_db_begin(r->db, &r->cx));
    EXPECT_OK(run(r, "INSERT INTO t (n) VALUES (1)"));
    mr_db_rows rows;
    EXPECT_OK(mr_db_run(reader, "SELECT n FROM t", NULL, 0, &rows, &r->cx));
    EXPECT_EQ(rows.row_count, 0);
    EXPECT_OK(mr_db_commit(r->db, &r->cx));
    EXPECT_OK(mr_db_run(reader, "SELECT n FROM t", NULL, 0, &rows, &r->cx));
    EXPECT_EQ(rows.row_count, 1);
    EXPECT(mr_db_run(reader, "DELETE FROM t", NULL, 0, NULL, &r->cx) == MR_E_PERMISSION);
    mr_db_close(reader);
}

#define BOTH(name)                             \
    TEST(db, name) {                           \
        for (int kind = 0; kind < 2; kind++) { \
            rig r;                             \
            if (rig_init(&r, kind)) {          \
                check_##name(&r);              \
            }                                  \
            rig_release(&r);                   \
        }                                      \
    }
BOTH(values)
BOTH(transactions)
BOTH(versions)
BOTH(readers)

// Opens copies of the file and its log, as a machine that stopped now would leave them.
static void expect_after_a_stop(rig *r, int64_t count) {
    char command[256];
    snprintf(command, sizeof(command),
             "cp %s %s/b.db && cp %s-wal %s/b.db-wal && rm -f %s/b.db-shm", r->url, r->dir, r->url,
             r->dir, r->dir);
    mr_db *own = r->db;
    if (EXPECT(system(command) == 0) &&
        EXPECT_OK(mr_db_open(mr_arena_printf(&r->arena, "%s/b.db", r->dir), /* read_only= */ false,
                             &r->db, &r->cx))) {
        EXPECT_EQ(number(r, "SELECT count(*) FROM t"), count);
        EXPECT_EQ(number(r, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check "
                            "= 'ok'"),
                  1);
        mr_db_close(r->db);
    }
    r->db = own;
}

TEST(db, a_log_that_has_its_size_from_the_start_loses_nothing) {
    rig r;
    mr_db *other = NULL;
    REQUIRE(rig_init(&r, 0));
    struct stat log = {0};
    const char *path = mr_arena_printf(&r.arena, "%s-wal", r.url);
    EXPECT_OK(run(&r, "CREATE TABLE t (n bigint primary key, s text)"));
    REQUIRE_OK(mr_db_open(r.url, /* read_only= */ false, &other, &r.cx));
    mr_db_pace(r.db);
    for (int64_t i = 0; i < 900; i++) {  // Enough to come round twice.
        mr_db_value n = MR_DB_INT_VALUE(i);
        mr_db *db = i % 50 == 7 ? other : r.db;
        EXPECT_OK(mr_db_begin(db, &r.cx));
        EXPECT_OK(mr_db_run(db, "INSERT INTO t (n, s) VALUES ($1, hex(randomblob(9000)))", &n, 1,
                            NULL, &r.cx));
        EXPECT_OK(mr_db_commit(db, &r.cx));
        mr_db_tend(r.db, /* now= */ i > 850);
        if (i == 3 || i % 180 == 179) {
            EXPECT(stat(path, &log) == 0 && (log.st_size == 8 << 20 || i == 3));
            expect_after_a_stop(&r, i + 1);
        }
    }
    mr_db_close(other);
    mr_db_close(r.db);
    EXPECT(stat(path, &log) != 0);  // All of it was copied back.
    REQUIRE_OK(mr_db_open(r.url, /* read_only= */ false, &r.db, &r.cx));
    EXPECT_EQ(number(&r, "SELECT count(*) FROM t"), 900);
    rig_release(&r);
}

TEST(db, tells_what_keeps_a_file_from_being_opened) {
    rig r;
    REQUIRE(rig_init(&r, 0));
    struct stat stat_of;
    EXPECT(stat(r.url, &stat_of) == 0 && (stat_of.st_mode & 0777) == 0600);
    mr_db *db;
    const char *path = mr_arena_printf(&r.arena, "%s/none.db", r.dir);
    EXPECT(mr_db_open(path, true, &db, &r.cx) == MR_E_MISSING);
    path = mr_arena_printf(&r.arena, "%s/no/none.db", r.dir);
    EXPECT(mr_db_open(path, false, &db, &r.cx) == MR_E_MISSING);
    path = mr_arena_printf(&r.arena, "%s/text", r.dir);
    EXPECT_OK(mr_file_save(path,
                           MR_SPAN("This is not a database, but it is long enough to "
                                   "be taken for one by who looks at its length only: "
                                   "one hundred bytes and more."),
                           &r.cx));
    EXPECT(mr_db_open(path, false, &db, &r.cx) == MR_E_CORRUPT);
    EXPECT(strstr(r.cx.error.text, "text\": file is not a database") != NULL);
    EXPECT(mr_db_open("postgresql://u:secret@127.0.0.1:1/x", false, &db, &r.cx) == MR_E_NETWORK);
    EXPECT(r.cx.error.flags == MR_RETRY && strstr(r.cx.error.text, "secret") == NULL);
    rig_release(&r);
}

TEST(db, never_shows_a_url_that_cannot_be_read) {
    static const char *const urls[] = {
        "postgresql://u:s3cr%zzet@h/db",   "postgresql://u:s3cr@[::1]x/db",
        "postgresql://u:s3cr/et@h/db",     "postgresql://u:12/s3cr@h/db",
        "postgresql://u:x@s3cr@h/db",      "postgresql://u:x/y?s3cr@h/db",
        "postgresql://u:pw@h/db?s3cr=set", "postgresql://u:pw@h:s3cr/db",
        "postgresql://me@s3cr:pw@h/db",
    };
    rig r;
    REQUIRE(rig_init(&r, 0));
    for (size_t i = 0; i < MR_COUNT(urls); i++) {
        mr_db *db;
        EXPECT(mr_db_open(urls[i], false, &db, &r.cx) == MR_E_VALUE);
        EXPECT_STR(r.cx.error.text, "cannot open the database: its URL cannot be read");
        EXPECT(strstr(r.cx.error.hint, "s3cr") == NULL);
    }
    rig_release(&r);
}
