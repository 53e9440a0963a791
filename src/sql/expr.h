// Expression: a bound, typed tree over the columns of one input.
//
// Printable and comparable data; exec compiles it to kernels. The binder inserts every cast, so a
// kernel sees exactly the types its row of the function table names.

#pragma once

#include "column/vector.h"
#include "port/external.h"
#include "sql/function.h"

typedef enum mr_expr_kind {
    MR_EXPR_COLUMN,   // Column `column` of the input.
    MR_EXPR_CONST,    // `constant`, a CONST vector (maybe NULL).
    MR_EXPR_CALL,     // Function `fn` over args; NULL in, NULL out unless the table says otherwise.
    MR_EXPR_CAST,     // args[0] to type; a value that does not convert fails its row (try: NULL).
    MR_EXPR_COMPARE,  // args[0] `compare` args[1], same type; DISTINCT forms never give NULL.
    MR_EXPR_AND,      // Any number of args, three-valued.
    MR_EXPR_OR,
    MR_EXPR_NOT,
    MR_EXPR_IS_NULL,  // args[0]
    MR_EXPR_IS_TRUE,  // args[0] IS TRUE
    MR_EXPR_IS_FALSE,
    MR_EXPR_COALESCE,  // Any number of args of the result's type.
    MR_EXPR_CASE,      // when, then, when, then, …, else (always present).
    MR_EXPR_NOW,       // The epoch's stored time, TIMESTAMPTZ.
    MR_EXPR_EXTERNAL,  // Function `external` over args.
} mr_expr_kind;

typedef enum mr_compare {
    MR_CMP_EQ,
    MR_CMP_NE,
    MR_CMP_LT,
    MR_CMP_LE,
    MR_CMP_GT,
    MR_CMP_GE,
    MR_CMP_DISTINCT,
    MR_CMP_NOT_DISTINCT,
} mr_compare;

typedef struct mr_expr mr_expr;
struct mr_expr {
    mr_expr_kind kind;
    mr_type type;
    mr_place place;
    uint32_t column;
    mr_vector constant;
    bool literal;  // CONST: a number as written, whose type gives way to what it stands beside.
    mr_fn_id fn;
    const mr_external *external;
    const mr_zone *zone;  // Of timezone('zone', time), which names it too. NULL = UTC.
    mr_compare compare;
    bool try_cast;
    mr_expr **args;
    uint32_t arg_count;
};

// Constructors; memory: arena.
mr_expr *mr_expr_new(mr_arena *arena, mr_expr_kind kind, mr_type type, mr_place place);
mr_expr *mr_expr_column(mr_arena *arena, const mr_schema *schema, uint32_t column, mr_place place);
// A constant of one value; value points to storage of the type (a NULL pointer = SQL's NULL).
mr_expr *mr_expr_constant(mr_arena *arena, mr_type type, const void *value, mr_place place);
mr_expr *mr_expr_text(mr_arena *arena, mr_span text, mr_place place);      // Bytes are copied.
mr_expr *mr_expr_unary(mr_arena *arena, mr_expr_kind kind, mr_expr *arg);  // BOOL; at arg's place.
mr_expr *mr_expr_compare(mr_arena *arena, mr_compare compare, mr_expr *left, mr_expr *right);
// AND or OR; NULL when count is 0, the argument itself when it is 1.
mr_expr *mr_expr_join(mr_arena *arena, mr_expr_kind kind, mr_expr **args, uint32_t count);
bool mr_expr_is_null(const mr_expr *expr);  // The constant NULL.
bool mr_expr_can_fail(const mr_expr *expr);

// A copy in which column c is replaced by to(self, c, place); shared parts are copied too.
typedef mr_expr *(*mr_expr_column_to)(void *self, const mr_expr *column);
mr_expr *mr_expr_replace(mr_arena *arena, const mr_expr *expr, mr_expr_column_to to, void *self);
// A copy in which column c becomes column map[c].
mr_expr *mr_expr_renumber(mr_arena *arena, const mr_expr *expr, const uint32_t *map);
void mr_expr_mark_columns(const mr_expr *expr, bool *used);  // used[c] = true for each column read.

bool mr_expr_equal(const mr_expr *a, const mr_expr *b);  // Same meaning by structure.
uint64_t mr_expr_hash(const mr_expr *expr);
// As SQL with column names from schema.
void mr_expr_print(const mr_expr *expr, const mr_schema *schema, mr_text *out);
