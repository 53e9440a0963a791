// Jsonvalue: one JSON text as a value: whether it is one, what it is, and what it holds.
//
// For values of type JSON, which are kept as they were written; records of a source have a decoder
// of their own (codec/json.h). As DuckDB reads JSON: NaN and Infinity are numbers, and a comma may
// stand behind the last item.

#pragma once

#include "base/text.h"

typedef enum mr_jsonvalue_kind {
    MR_JSONVALUE_NULL,
    MR_JSONVALUE_FALSE,
    MR_JSONVALUE_TRUE,
    MR_JSONVALUE_NUMBER,
    MR_JSONVALUE_STRING,
    MR_JSONVALUE_ARRAY,
    MR_JSONVALUE_OBJECT,
} mr_jsonvalue_kind;

#define MR_JSONVALUE_DEEP_MAX 1000

// Whether all of it is one value, white space around it. False also when nested too deeply.
bool mr_jsonvalue_check(mr_span text);

// The calls below take text that was checked.
mr_span mr_jsonvalue_trim(mr_span value);  // Without white space around it.
mr_jsonvalue_kind mr_jsonvalue_kind_of(mr_span value);
// What stands between the brackets of an array or object.
mr_span mr_jsonvalue_inside(mr_span value);
// Takes the next item off the inside of an array (ret_key NULL) or object; false at its end. The
// key is a string with its quotes, the value has no white space around it.
bool mr_jsonvalue_next(mr_span *inside, mr_span *ret_key, mr_span *ret_value);
// The value of a key of an object, the last one when it is there twice; no bytes when it is not.
mr_span mr_jsonvalue_get(mr_span object, const char *name);
// A member as people read it: a string without its quotes, else as it is written; "" when it is
// null, or not there.
const char *mr_jsonvalue_field(mr_span object, const char *name, mr_arena *arena);
// What a string stands for, with a NUL behind it; NULL when the value is none.
const char *mr_jsonvalue_text(mr_span value, mr_arena *arena);
// The texts of an array, NULL-ended; "" for an item that is no string. What is no array is empty.
const char *const *mr_jsonvalue_texts(mr_span list, mr_arena *arena);
// Appends what a string, quotes and all, stands for. A lone surrogate becomes U+FFFD.
void mr_jsonvalue_unescape(mr_span string, mr_text *out);
// Appends a value without the white space between its parts.
void mr_jsonvalue_minify(mr_span value, mr_text *out);
