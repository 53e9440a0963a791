// Jsontext: one JSON text as a value: whether it is one, what it is, and what it holds.
//
// For values of type JSON, which are kept as they were written; records of a source have a decoder
// of their own (codec/json.h). As DuckDB reads JSON: NaN and Infinity are numbers, and a comma may
// stand behind the last item.

#pragma once

#include "base/text.h"

typedef enum mr_jsontext_kind {
    MR_JSONTEXT_NULL,
    MR_JSONTEXT_FALSE,
    MR_JSONTEXT_TRUE,
    MR_JSONTEXT_NUMBER,
    MR_JSONTEXT_STRING,
    MR_JSONTEXT_ARRAY,
    MR_JSONTEXT_OBJECT,
} mr_jsontext_kind;

#define MR_JSONTEXT_DEEP_MAX 1000

// Whether all of it is one value, white space around it. False also when nested too deeply.
bool mr_jsontext_check(mr_span text);

// The calls below take text that was checked.
mr_span mr_jsontext_trim(mr_span value);  // Without white space around it.
mr_jsontext_kind mr_jsontext_kind_of(mr_span value);
// What stands between the brackets of an array or object.
mr_span mr_jsontext_inside(mr_span value);
// Takes the next item off the inside of an array (ret_key NULL) or object; false at its end. The
// key is a string with its quotes, the value has no white space around it.
bool mr_jsontext_next(mr_span *inside, mr_span *ret_key, mr_span *ret_value);
// Appends what a string, quotes and all, stands for. A lone surrogate becomes U+FFFD.
void mr_jsontext_unescape(mr_span string, mr_text *out);
// Appends a value without the white space between its parts.
void mr_jsontext_minify(mr_span value, mr_text *out);
