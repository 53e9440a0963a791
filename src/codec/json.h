// JSON: records (lines, or framed messages) to column batches, by schema.
//
// How: one pass of SIMD over the whole buffer finds quotes, brackets, colons and commas outside
// strings (AVX2, NEON or scalar, chosen at run time, all agreeing on every input); then each record
// is walked by its tokens, guessing that fields come in the order of the record before. Values go
// straight into column vectors; strings stay views into the buffer unless escaped; strings that
// repeat become dictionary codes. Strict: what DuckDB's json reader refuses is bad here. Duplicate
// keys: the last wins. Threads: a decoder belongs to one thread.

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
