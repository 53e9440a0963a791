// Bind: a name is replaced where SQL reads code, and nowhere else.

#include "runner.h"

#include "task/bind.h"

TEST(task_bind, replaces_names_in_code_only) {
    static const struct {
        const char *sql;
        const char *bound;
    } cases[] = {
        {"SELECT :x", "SELECT '1'"},
        {"SELECT a::x, ':x', \":x\", ':x'':x'", NULL},
        {"SELECT E'a\'\'b\\':x', :x", "SELECT E'a\'\'b\\':x', '1'"},
        {"SELECT E'\\':x', :x", "SELECT E'\\':x', '1'"},
        {"SELECT e'\\\\', :x", "SELECT e'\\\\', '1'"},
        // No escapes without an E of its own.
        {"SELECT '\\', :x, '\\'", "SELECT '\\', '1', '\\'"},
        {"SELECT type'\\', :x", "SELECT type'\\', '1'"},
        {"SELECT $$:x$$, $t$:x $$ :x$t$, :x", "SELECT $$:x$$, $t$:x $$ :x$t$, '1'"},
        // No tags: a parameter, and a part of a name.
        {"SELECT $1, a$b$, :x, $1", "SELECT $1, a$b$, '1', $1"},
        {"SELECT /* /* */ :x */ :x -- :x", "SELECT /* /* */ :x */ '1' -- :x"},
        {"SELECT :x -- :x\n, :x", "SELECT '1' -- :x\n, '1'"},
        {"SELECT ':x", NULL},
        {"SELECT $t$:x", NULL},
        {"SELECT /* :x", NULL},
        {"SELECT :xy, :x:x", "SELECT :xy, '1''1'"},
        {"", NULL},
    };
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        const char *bound = NULL;
        EXPECT_OK(mr_bind_query(cases[i].sql, MR_SPAN("{\"x\": \"1\"}"), false, &bound, &cx));
        EXPECT_STR(bound, cases[i].bound == NULL ? cases[i].sql : cases[i].bound);
    }
    mr_arena_release(&arena);
}
