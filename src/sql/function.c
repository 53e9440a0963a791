// Function: the table of scalar functions and aggregates, from the rows of function_list.h.

#include "sql/function.h"

#define ARGUMENT(type) (MR_##type == MR_NULLTYPE ? 0 : 1)

const mr_fn_row mr_function_table[MR_FN_ID_COUNT] = {
#define FUNCTION_ROW(id, name, flags, result, a, b, c, doc, example) \
    [MR_FN_##id] = {#id,                                             \
                    name,                                            \
                    flags,                                           \
                    MR_##result,                                     \
                    {MR_##a, MR_##b, MR_##c},                        \
                    ARGUMENT(a) + ARGUMENT(b) + ARGUMENT(c),         \
                    doc,                                             \
                    example},
    MR_FUNCTIONS(FUNCTION_ROW)
#undef FUNCTION_ROW
};

const mr_agg_row mr_function_aggregates[MR_AGG_ID_COUNT] = {
#define AGGREGATE_ROW(id, name, flags, result, arg, second, doc, example) \
    [MR_AGG_##id] = {#id, name, flags, MR_##result, MR_##arg, MR_##second, doc, example},
    MR_AGGREGATES(AGGREGATE_ROW)
#undef AGGREGATE_ROW
};

_Static_assert(MR_COUNT(mr_function_table) == MR_FN_ID_COUNT, "one row a function");
_Static_assert(MR_COUNT(mr_function_aggregates) == MR_AGG_ID_COUNT, "one row an aggregate");
