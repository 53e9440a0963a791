// Output: a query's result as text for people (table), for programs (csv, json lines), or as
// Parquet.
//
//   table    every row is held, for the widths; numbers stand right
//   csv      RFC 4180 with a header; NULL is an empty field, an empty text is ""
//   json     one object a line        parquet  needs mr_output.path

#pragma once

#include "lake/lake.h"

typedef enum mr_output_format {
    MR_OUTPUT_TABLE,
    MR_OUTPUT_CSV,
    MR_OUTPUT_JSON,
    MR_OUTPUT_PARQUET,
} mr_output_format;

typedef struct mr_output {
    mr_output_format format;
    const char *path;  // File, replaced when the result is whole; NULL = standard output.
} mr_output;

// Where the result is written until it is whole: for Parquet, a lake must be opened with it as
// also_file.
const char *mr_output_part(const mr_output *output, mr_cx *cx);
// Runs the query and writes what it gives. *ret_rows: number of rows.
mr_code mr_output_query(mr_lake *lake, const char *sql, const mr_output *output, uint64_t *ret_rows,
                        mr_cx *cx);
