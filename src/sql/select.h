// Select: SELECT statements to plans.

#pragma once

#include "sql/bind.h"
#include "sql/node.h"

// Names that WITH gives to sub-selects; inner ones first.
typedef struct mr_cte {
    const char *name;
    mr_plan *plan;  // NULL: it failed.
    const struct mr_cte *next;
} mr_cte;

typedef struct mr_select {
    mr_session *s;
    const mr_cte *ctes;
    mr_state_rules rules;
} mr_select;

// What FROM yields: the rows, and the names that expressions may use for them.
typedef struct mr_select_input {
    mr_plan *plan;
    mr_scope scope;
} mr_select_input;

typedef struct mr_select_item {
    mr_expr *expr;
    const char *name;
} mr_select_item;

// What stands behind SELECT, bound; `*` expanded.
typedef struct mr_select_list {
    mr_select_item *items;
    uint32_t count;
    uint32_t capacity;
    bool names_first;  // A name means an item before it means a column: DISTINCT ON, not GROUP BY.
} mr_select_list;

mr_code mr_select_plan(const mr_select *q, const PgQuery__SelectStmt *ast, mr_plan **ret);
// A declared source's rows, checked as a source at its first use.
mr_code mr_select_source(mr_session *s, mr_foreign *foreign, mr_place place, mr_plan **ret);

// select_from.c
mr_code mr_select_from(const mr_select *q, mr_ast *const *from, size_t count, mr_select_input *ret);
mr_code mr_select_relation(const mr_select *q, const char *name, mr_place place, mr_plan **ret);
// Sets of names for one relation.
mr_scope_table mr_select_scope_table(mr_arena *arena, const char *name, const mr_schema *schema,
                                     uint32_t first, uint32_t count);
// select_join.c: a relation of the left joined with a static table.
typedef struct mr_select_side {
    mr_plan *plan;               // NULL: a static table.
    const mr_plan_table *table;  // NULL: a stream.
    uint32_t table_index;        // Of the table.
    mr_scope_table *tables;
    uint32_t table_count;
    mr_place place;
} mr_select_side;
mr_code mr_select_join(const mr_select *q, const PgQuery__JoinExpr *ast, mr_select_side *left,
                       mr_select_side *right, mr_select_side *ret);
// select_window.c: tumble(…) and hop(…) in FROM.
mr_code mr_select_window(const mr_select *q, const PgQuery__FuncCall *call, const char **ret_name,
                         mr_plan **ret);
// The plan without its WINDOW node: what GROUP BY window_start fuses. map[c] = its column, or
// MR_WINDOW_START, MR_WINDOW_END. false: conditions or joins below need the window's columns.
#define MR_WINDOW_START 0xFFFFFFF0u
#define MR_WINDOW_END   0xFFFFFFF1u
bool mr_select_strip_window(mr_arena *arena, mr_plan *plan, mr_plan **ret, mr_window *ret_window,
                            uint32_t *map);
// MR_WINDOW_START, MR_WINDOW_END, or 0 for another column.
uint32_t mr_select_window_part(const mr_plan *plan, uint32_t column);
// select_group.c: GROUP BY, aggregates and HAVING; rewrites the list to read the aggregate's
// columns.
mr_code mr_select_group(const mr_select *q, const PgQuery__SelectStmt *ast, mr_select_input *in,
                        mr_bind *b, mr_select_list *list);
// An item of GROUP BY or DISTINCT ON: an ordinal, a name of the list, or an expression.
mr_code mr_select_named(mr_bind *b, const mr_ast *ast, const mr_select_list *list, mr_expr **ret);
