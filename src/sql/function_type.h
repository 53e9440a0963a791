// Function types: the whole types of calls whose types have parameters, by DuckDB's rules.
//
// Why: a row of the function table names type ids; the scale of a product or the element of a list
// follows from the arguments of the call.

#pragma once

#include "sql/expr.h"

typedef struct mr_function_types {
    const mr_type *args;    // What the call has; ids fit the row, or cast implicitly.
    mr_expr *const *exprs;  // The arguments themselves: a rule may want one to be a constant.
    uint32_t count;
    mr_type *casts;  // Out, count of them: what the arguments are to be cast to.
    mr_type result;  // Out.
    // Out, when the arguments fit and the call cannot be: "needs a constant number of digits", and
    // advice.
    const char *problem;
    const char *hint;
} mr_function_types;

// For a row with MR_FN_TYPED. False: the arguments do not fit after all (another overload may).
bool mr_function_type(const mr_fn_row *row, mr_function_types *types, mr_arena *arena);
