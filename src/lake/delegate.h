// Delegate: scalar functions that DuckDB runs over columns of a stream.
//
// One database for all of a pipeline's functions, opened when the first one is asked for; one
// connection a function and worker. Nothing outside can be reached from it.

#pragma once

#include "port/external.h"

typedef struct mr_delegate mr_delegate;

mr_delegate *mr_delegate_new(void);            // Cheap: DuckDB is not loaded yet.
void mr_delegate_free(mr_delegate *delegate);  // Functions must be closed before. Takes NULL.
// As mr_sql_env.external. *ret NULL: DuckDB has no scalar function of that name, or is not there.
//   errors  MR_E_TYPE: it does not take these arguments; MR_E_UNSUPPORTED: it is volatile, or its
//           result has a type that is unknown here. Memory: cx->arena.
mr_code mr_delegate_find(mr_delegate *delegate, const mr_external_ask *ask, const mr_external **ret,
                         mr_cx *cx);
