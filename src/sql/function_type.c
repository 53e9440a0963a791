// Function types: see function_type.h.

#include "sql/function_type.h"

bool mr_function_type(const mr_fn_row *row, mr_function_types *types, mr_arena *arena) {
    (void)row, (void)types, (void)arena;
    return false;
}
