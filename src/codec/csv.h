// CSV: RFC 4180 text to rows by schema, and rows to text.
//
// Fields may be quoted, with "" for a quote and line ends inside; a header may be required and is
// then matched to the columns by name (any order; extra columns ignored). An unquoted empty field
// is NULL.

#pragma once

#include "base/civil.h"
#include "column/rows.h"

typedef struct mr_csv_options {
    bool header;
    char delimiter;         // 0 = ','
    const char *null_text;  // NULL = ""
    const mr_zone *zone;
} mr_csv_options;

// Appends all rows of text; on failure, those before the bad one may be there. name: for messages.
// Blank lines are skipped, save in files of one column. A byte order mark is skipped.
//   errors  MR_E_VALUE with line and column name; MR_E_NAME for a header that lacks a column;
//   MR_E_TYPE for a type that CSV cannot give: jsonb, lists, structs
mr_code mr_csv_read(mr_rows *rows, mr_span text, const char *name, const mr_csv_options *options,
                    mr_cx *cx);
// Appends the selected rows, values as DuckDB prints them; with options->header, a line of names in
// front, so it is set for the first batch of a file only.
void mr_csv_write(const mr_schema *schema, const mr_batch *in, const mr_csv_options *options,
                  mr_text *out);
