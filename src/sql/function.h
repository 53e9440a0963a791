// Function table: every scalar function and aggregate, one row an overload.
//
// A row is the binder's signature, the checker's rule, the reference doc and its example (which is
// run as a test). exec has one kernel a row under the same id; a static_assert keeps both tables
// the same length.

#pragma once

#include "column/type.h"

typedef enum mr_fn_flag {
    MR_FN_PURE = 0,
    MR_FN_VARIADIC = 1,  // The last argument type may repeat.
    MR_FN_NULLS = 2,     // Sees NULLs itself; else NULL in, NULL out without a call.
    MR_FN_FALLIBLE = 4,  // May fail a row (overflow, bad value).
    MR_FN_ZONED = 8,     // Depends on the session's zone.
    // An argument or result of TYPE_COUNT is of any type, as the rule says.
    // Types with parameters (NUMERIC, LIST, STRUCT): what the arguments are cast to and what comes
    // out is said by the row's rule in sql/function_type.h, not by the row's type ids alone.
    MR_FN_TYPED = 16,
} mr_fn_flag;

// X(id, name, flags, result, arg0, arg1, arg2, doc, example). NULLTYPE = no argument there.
// TYPE_COUNT = any type (rows with MR_FN_TYPED only). Operators go by their sign ("+"); names are
// lower case. Keep groups together.
#include "sql/function_list.h"

typedef enum mr_fn_id {
#define MR_FN_ENUM(id, ...) MR_FN_##id,
    MR_FUNCTIONS(MR_FN_ENUM)
#undef MR_FN_ENUM
        MR_FN_ID_COUNT
} mr_fn_id;

// What an aggregate takes beside its argument.
typedef enum mr_agg_flag {
    MR_AGG_PLAIN = 0,
    MR_AGG_PARAMETER = 1,  // The second argument is a constant.
    MR_AGG_ORDERED = 2,    // The order of rows matters: ORDER BY within, else that of the source.
    MR_AGG_NULLS = 4,      // Sees NULLs; else they are passed over.
} mr_agg_flag;

// X(id, name, flags, result rule, argument rule, second argument, doc, example); see mr_agg_row.
typedef enum mr_agg_id {
#define MR_AGG_ENUM(id, ...) MR_AGG_##id,
    MR_AGGREGATES(MR_AGG_ENUM)
#undef MR_AGG_ENUM
        MR_AGG_ID_COUNT
} mr_agg_id;

typedef struct mr_fn_row {
    const char *id;
    const char *name;
    uint32_t flags;
    mr_type_id result;
    mr_type_id args[3];
    uint32_t arg_count;
    const char *doc;
    const char *example;
} mr_fn_row;

typedef struct mr_agg_row {
    const char *id;
    const char *name;
    uint32_t flags;
    mr_type_id result;  // NULLTYPE = the argument's type; LIST = a list of it; NUMERIC: 38 digits.
    mr_type_id arg;     // NULLTYPE = none (count(*)) ; MR_TYPE_COUNT = any.
    mr_type_id second;  // NULLTYPE = none; MR_TYPE_COUNT = any.
    const char *doc;
    const char *example;
} mr_agg_row;

extern const mr_fn_row mr_function_table[MR_FN_ID_COUNT];
extern const mr_agg_row mr_function_aggregates[MR_AGG_ID_COUNT];
