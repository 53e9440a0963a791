// Hashes of sub-plans: what state survives a changed file.

#include <string.h>

#include "fake.h"
#include "runner.h"

#define SOURCES                                                                           \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                                         \
    "CREATE SERVER p FOREIGN DATA WRAPPER parquet;"                                       \
    "CREATE FOREIGN TABLE e (id text, n int, x double precision, ts timestamptz OPTIONS " \
    "(watermark '30 seconds')) SERVER k OPTIONS (topic 'e');"
#define VIEW \
    "CREATE VIEW v WITH (state_ttl = '1 hour') AS SELECT DISTINCT ON (id) id, n, ts FROM e;"
#define QUERY                                                                                 \
    "INSERT INTO a SELECT window_start, sum(n) AS n FROM tumble(v, ts, '1 minute') GROUP BY " \
    "window_start;"
#define SINK "CREATE FOREIGN TABLE a () SERVER p OPTIONS (path 'a');"

// Hash of the first node of a kind in the first insert's chain, 0 when there is none.
static uint64_t hash_of(const char *text, mr_plan_kind kind) {
    mr_arena arena;
    mr_arena_init(&arena);
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    mr_pipeline *pipeline;
    mr_sql_errors errors;
    uint64_t hash = 0;
    if (EXPECT_OK(mr_plan_make(mr_span_of(text), &fake_env, &pipeline, &errors, &cx))) {
        for (const mr_plan *plan = pipeline->inserts[0].root; plan != NULL; plan = plan->input) {
            hash = plan->kind == kind ? plan->hash : hash;
        }
        EXPECT(hash != 0);
    }
    mr_arena_release(&arena);
    return hash;
}

TEST(sql_hash, sinks_and_other_queries_keep_state) {
    const char *before = SOURCES VIEW SINK QUERY;
    const char *other_path = SOURCES VIEW
        "CREATE FOREIGN TABLE a () SERVER p OPTIONS (path 'b', trigger '1 minute');" QUERY;
    const char *other_query =
        SOURCES VIEW SINK QUERY "CREATE FOREIGN TABLE b () SERVER p OPTIONS (path 'b');"
                                "INSERT INTO b SELECT id, x, upper(id) AS u FROM e WHERE n > 1;";
    const char *other_text =
        "/* a comment */ " SOURCES VIEW SINK
        "INSERT INTO a SELECT window_end, sum(n) * 2 AS double FROM tumble(v, ts, '60 seconds') "
        "GROUP BY window_start, window_end HAVING sum(n) > 1;";
    mr_plan_kind kinds[] = {MR_PLAN_SCAN, MR_PLAN_LATE, MR_PLAN_DISTINCT, MR_PLAN_AGGREGATE};
    for (size_t i = 0; i < MR_COUNT(kinds); i++) {
        uint64_t hash = hash_of(before, kinds[i]);
        EXPECT_EQ(hash, hash_of(before, kinds[i]));
        EXPECT_EQ(hash, hash_of(other_path, kinds[i]));
        EXPECT_EQ(hash, hash_of(other_query, kinds[i]));
        EXPECT_EQ(hash, hash_of(other_text, kinds[i]));
    }
}

TEST(sql_hash, what_changes_the_meaning_of_state_changes_the_hash) {
    const char *before = SOURCES VIEW SINK QUERY;
    uint64_t hash = hash_of(before, MR_PLAN_AGGREGATE);
    static const char *const changed[] = {
        // Another topic, delay, filter, key, time to live, window, aggregate, group.
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka; CREATE SERVER p FOREIGN DATA WRAPPER parquet;"
        "CREATE FOREIGN TABLE e (id text, n int, ts timestamptz OPTIONS (watermark '30 seconds')) "
        "SERVER k OPTIONS (topic 'f');" VIEW SINK QUERY,
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka; CREATE SERVER p FOREIGN DATA WRAPPER parquet;"
        "CREATE FOREIGN TABLE e (id text, n int, ts timestamptz OPTIONS (watermark '10 seconds')) "
        "SERVER k OPTIONS (topic 'e');" VIEW SINK QUERY,
        SOURCES "CREATE VIEW v WITH (state_ttl = '1 hour') AS SELECT DISTINCT ON (id) id, n, ts "
                "FROM e WHERE n > 0;" SINK QUERY,
        SOURCES "CREATE VIEW v WITH (state_ttl = '1 hour') AS SELECT DISTINCT ON (n) id, n, ts "
                "FROM e;" SINK QUERY,
        SOURCES "CREATE VIEW v WITH (state_ttl = '2 hours') AS SELECT DISTINCT ON (id) id, n, ts "
                "FROM e;" SINK QUERY,
        SOURCES VIEW SINK "INSERT INTO a SELECT window_start, sum(n) AS n FROM tumble(v, ts, '2 "
                          "minutes') GROUP BY window_start;",
        SOURCES VIEW SINK "INSERT INTO a SELECT window_start, max(n) AS n FROM tumble(v, ts, '1 "
                          "minute') GROUP BY window_start;",
        SOURCES VIEW SINK "INSERT INTO a SELECT window_start, sum(n) AS n FROM tumble(v, ts, '1 "
                          "minute') GROUP BY window_start, id;",
        SOURCES VIEW SINK "INSERT INTO a SELECT window_start, sum(n + 1) AS n FROM tumble(v, ts, "
                          "'1 minute') GROUP BY window_start;",
    };
    for (size_t i = 0; i < MR_COUNT(changed); i++) {
        EXPECT(hash_of(changed[i], MR_PLAN_AGGREGATE) != hash);
        for (size_t k = i + 1; k < MR_COUNT(changed); k++) {
            EXPECT(hash_of(changed[i], MR_PLAN_AGGREGATE) !=
                   hash_of(changed[k], MR_PLAN_AGGREGATE));
        }
    }
}
