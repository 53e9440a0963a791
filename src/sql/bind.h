// Bind: parse trees of expressions to typed expressions over a plan's columns.

#pragma once

#include "sql/types.h"

typedef struct mr_scope_column {
    const char *name;
    uint32_t column;  // Of the plan.
    bool merged;      // Stands behind the USING column of the same name: only t.name finds it.
} mr_scope_column;

typedef struct mr_scope_table {
    const char *name;  // Alias or name; "" = only unqualified.
    mr_scope_column *columns;
    uint32_t column_count;
} mr_scope_table;

// The names that expressions of one SELECT see.
typedef struct mr_scope {
    const mr_schema *schema;  // Of the plan.
    mr_scope_table *tables;
    uint32_t table_count;
} mr_scope;

// An aggregate met while binding; the expression holds column MR_BIND_AGGREGATE + its index.
#define MR_BIND_AGGREGATE 0x80000000u

typedef struct mr_bind_order {
    mr_expr *expr;
    bool descending;
    bool nulls_first;
} mr_bind_order;

typedef struct mr_bind_aggregate {
    mr_agg_id fn;
    mr_expr *arg;     // NULL: count(*).
    mr_expr *second;  // NULL: none.
    mr_expr *filter;  // NULL: all rows.
    bool distinct;
    mr_bind_order *orders;
    uint32_t order_count;
    const mr_vector *parameter;  // Constant second argument, or NULL.
    mr_type type;
    mr_place place;
} mr_bind_aggregate;

typedef struct mr_bind {
    mr_session *s;
    const mr_scope *scope;
    const char *clause;       // Where aggregates are refused: "WHERE"; NULL = they are taken.
    const mr_schema *params;  // Of the function whose body is bound; NULL outside.
    mr_bind_aggregate *aggregates;
    uint32_t aggregate_count;
    uint32_t aggregate_capacity;
} mr_bind;

mr_code mr_bind_expr(mr_bind *b, const mr_ast *ast, mr_expr **ret);
// An expression that must be BOOL.
mr_code mr_bind_condition(mr_bind *b, const mr_ast *ast, mr_expr **ret);
mr_code mr_bind_list(mr_bind *b, mr_ast *const *asts, size_t count, mr_expr ***ret);

// bind_operator.c: a op b, LIKE, IN, BETWEEN, IS DISTINCT FROM, NULLIF.
mr_code mr_bind_operator(mr_bind *b, const PgQuery__AExpr *ast, mr_expr **ret);
// left `compare` right after casts to a common type.
mr_code mr_bind_compare(mr_session *s, mr_compare compare, mr_expr *left, mr_expr *right,
                        mr_expr **ret);
// bind_call.c: functions and aggregates.
mr_code mr_bind_call(mr_bind *b, const PgQuery__FuncCall *ast, mr_expr **ret);
typedef struct mr_bind_args {
    const char *name;
    mr_expr **args;
    uint32_t count;
    mr_place place;
} mr_bind_args;
// bind_external.c: a call of what is not in the table; *ret NULL when there is no such function.
mr_code mr_bind_external(mr_session *s, const mr_bind_args *call, mr_expr **ret);
// A call of a function in C.
mr_code mr_bind_library(mr_session *s, const mr_inline *fn, const mr_bind_args *call,
                        mr_expr **ret);
// The overload of a name that fits the arguments.
mr_code mr_bind_function(mr_session *s, const mr_bind_args *call, mr_expr **ret);
// bind_sugar.c: calls that are other expressions. *ret stays NULL when the call is none of them.
mr_code mr_bind_sugar(mr_bind *b, const mr_bind_args *call, mr_expr **ret);
// args[0] ~ args[1]; the sign is one of ~ ~* !~ !~*.
mr_code mr_bind_sugar_match(mr_bind *b, const char *sign, mr_expr **args, mr_expr **ret);
// bind_nested.c: ARRAY[…], ROW(…), x[i], x[a:b], (x).field.
mr_code mr_bind_nested_list(mr_session *s, const mr_bind_args *call, mr_expr **ret);
mr_code mr_bind_nested_array(mr_bind *b, const PgQuery__AArrayExpr *ast, mr_expr **ret);
mr_code mr_bind_nested_row(mr_bind *b, const PgQuery__RowExpr *ast, mr_expr **ret);
mr_code mr_bind_nested_access(mr_bind *b, const PgQuery__AIndirection *ast, mr_expr **ret);
mr_code mr_bind_nested_field(mr_session *s, mr_expr *from, const char *field, mr_expr **ret);
// The name in the function table that a name stands for; often itself.
const char *mr_bind_row_name(const char *name);
// bind_aggregate.c: is there an aggregate of that name (as in the table)?
bool mr_bind_is_aggregate(const char *name);
mr_code mr_bind_aggregate_call(mr_bind *b, const PgQuery__FuncCall *ast, const char *name,
                               mr_expr **ret);
// Calls visit for each expression that an aggregate reads.
void mr_bind_aggregate_parts(mr_bind_aggregate *agg, void (*visit)(void *self, mr_expr **part),
                             void *self);

// The column a name means. table NULL = unqualified.
mr_code mr_bind_column(const mr_bind *b, const char *table, const char *name, mr_place place,
                       uint32_t *ret);
