// JSON: records (lines, or framed messages) to column batches, by schema.
//
// How: most records look like one before. All bytes between two values (`, "user_id": `) are
// compared whole with what was learned, 32 at a time, and the value is decoded in the same step,
// straight into its column; strings stay views into the buffer unless escaped; strings that repeat
// become dictionary codes. Records without a known shape are decoded key by key, and what is left
// is walked strictly. AVX2, NEON or plain C, chosen at run time, all agreeing on every input;
// json_decode.h has the whole picture. Threads: a decoder belongs to one thread.
//
// Strict: RFC 8259, all of the record. What DuckDB's read_json refuses is bad here; these are the
// differences (tests/diff/json_duckdb.py lists and checks them):
//   a comma behind the last value, NaN, Infinity   bad_json; DuckDB reads them
//   a record that is no object (null, [1])         bad_json; a row of NULLs or values there
//   nesting over MR_NESTING_MAX                    too_deep; no such limit there
//   a value of another type than the column's      wrong_type; cast there (any value for text,
//   strings and booleans for numbers, strings and numbers for booleans, numbers for uuid and times)
//   a fraction for an integer (12.5)               wrong_type; rounded there
//   1e999 for a double                             overflow; infinity there
//   a fraction or exponent for a numeric           exact from its digits; by way of a double there
//   equal keys                                     the last wins; refused there
//   times not in full ISO 8601                     as mr_civil_parse reads them; no text behind a
//   date or a time of day
//   text for bytea                                 \xAB is a byte and other text ASCII, as DuckDB
//   casts text to BLOB; read_json there takes the bytes of the text
//   numbers in a json column                       as they are written; printed anew there
// As there: integers take numbers of integral value however they are written (3.0, 1e2). A
// timestamp without zone takes the wall clock as written, whatever its offset; a date takes the
// date as written, a time the time. A numeric takes a number or a string that holds one, digits
// behind its scale are rounded, halves away from 0. A json column takes any value; white space and
// needless escapes are dropped. A list takes an array; a struct an object, whose missing fields are
// NULL and whose others are only validated. A wrong type inside makes the record bad; the reason
// names the place (wrong_type: items[3].price is a string).
// Paths: "$.a.b", "$.\"a.b\".c", "$.a[0].b" (elements from 0); where a value on the way is no
// object or no array, or there is no such element, the field is missing. Two columns may read one
// key. A BOM is skipped at the start of a file, and of each framed record. Records that are empty
// or white space alone are skipped.

#pragma once

#include "column/field.h"

typedef struct mr_json mr_json;

typedef enum mr_json_simd { MR_JSON_BEST, MR_JSON_SCALAR, MR_JSON_AVX2, MR_JSON_NEON } mr_json_simd;

// A decoder for these fields (borrowed). errors MR_E_TYPE for a type JSON cannot give;
// MR_E_UNSUPPORTED when the wished SIMD form is not there on this processor.
mr_code mr_json_open(const mr_fields *fields, mr_json_simd simd, mr_json **ret, mr_cx *cx);
void mr_json_close(mr_json *json);
// Decodes all records. Memory: hold->arena; ret's batches share hold (no reference is taken). Never
// fails on input; errors are MR_E_LIMIT only.
mr_code mr_json_decode(mr_json *json, const mr_records *records, mr_hold *hold, mr_decoded *ret,
                       mr_cx *cx);
// Rows as JSON lines (keys in schema order, times ISO in UTC, NaN and infinities as null).
// nulls false: NULL fields are left out, as Spark's to_json does.
void mr_json_write(const mr_schema *schema, const mr_batch *in, bool nulls, mr_text *out);
