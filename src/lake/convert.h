// Convert: types and vectors of DuckDB to and from millrace's.

#pragma once

#include "lake/duck.h"

#include "column/vector.h"

// millrace's type for a type of DuckDB's; false when there is none. Names of fields: in arena.
bool mr_convert_type(const mr_duck *duck, duckdb_logical_type type, mr_type *ret, mr_arena *arena);
// DuckDB's type; the caller destroys it. JSON and NULLTYPE are VARCHAR.
duckdb_logical_type mr_convert_logical(const mr_duck *duck, mr_type type);
// The type's name in DuckDB's SQL: "DECIMAL(10,2)", "STRUCT(\"a\" INTEGER)[]".
void mr_convert_type_name(mr_type type, mr_text *out);
// A vector of DuckDB's, with its type there.
typedef struct mr_convert_source {
    const mr_duck *duck;
    duckdb_vector vector;
    duckdb_logical_type logical;
} mr_convert_source;
// `rows` rows of it as a vector of millrace's type for it, in arena (strings are copied).
mr_vector mr_convert_from(mr_convert_source from, mr_type type, uint32_t rows, mr_arena *arena);

// Rows of a vector; sel NULL = 0 .. count-1.
typedef struct mr_convert_rows {
    const uint32_t *sel;
    uint32_t count;
} mr_convert_rows;
// Writes them as rows 0 .. count-1 of a vector of DuckDB's of that type.
void mr_convert_to(const mr_duck *duck, const mr_vector *in, mr_convert_rows rows,
                   duckdb_vector out);
