// Bind: values in a query: `:name` stands for the text that `bind` gives, as an SQL literal.
//
// Why not DuckDB's parameters: a view or COPY takes none, and what is written to a file is COPY. A
// name is replaced only where SQL has neither a string, a quoted name, a comment nor a cast (::).

#pragma once

#include "base/cx.h"
#include "base/text.h"

// bind_json: an object, or empty. *ret: in cx->arena.
//   all     each value must be asked for
//   errors  MR_E_TYPE; MR_E_NAME: a value that the query never asks for
mr_code mr_bind_query(const char *sql, mr_span bind_json, bool all, const char **ret, mr_cx *cx);
