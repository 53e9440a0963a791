// Nested: the encoding of one LIST or STRUCT value as bytes, and its reader.
//
//   list    u32 count, then its elements        struct  its fields, in the order of its type
//   element, field  u8 0 = NULL, or u8 1 and the value: fixed-size types as they are stored in a
//                   vector (little-endian), strings and nested values as u32 bytes and the bytes
//
// Canonical: equal values have equal bytes (-0.0 is stored as 0.0, NaN as one NaN), so that keys,
// DISTINCT and joins compare bytes. Order is by value: mr_nested_compare.

#pragma once

#include "column/vector.h"

// One element or field; `value` is a vector of one row over the encoded bytes.
typedef struct mr_nested_item {
    bool null;
    mr_type type;
    mr_span bytes;  // Of the value, without its length.
} mr_nested_item;

// ---- writing: the caller appends to a text
// -------------------------------------------------------

void mr_nested_put_count(mr_text *out, uint32_t count);  // Begins a list.
void mr_nested_put_null(mr_text *out);
// Row `row` of a vector as an element or field (NULL too).
void mr_nested_put(mr_text *out, const mr_vector *vector, uint32_t row);
// A value that is stored at `value` as in a flat vector of the type.
void mr_nested_put_value(mr_text *out, mr_type type, const void *value);

// ---- reading: `in` is advanced; the bytes are trusted (they were checked when they came in)
// ------

uint32_t mr_nested_count(mr_span *in);  // Of a list.
mr_nested_item mr_nested_next(mr_span *in, mr_type type);
// Stores an item that is not NULL as row `row` of a flat vector of its type; strings are views.
void mr_nested_store(const mr_nested_item *item, mr_vector *out, uint32_t row);

// Order of two values of one nested type, DuckDB's: element by element, NULL last, shorter first.
int mr_nested_compare(mr_type type, mr_span a, mr_span b);
// As DuckDB prints it: "[1, 2, NULL]", "{'a': 1, 'b': x}".
void mr_nested_print(mr_type type, mr_span value, const mr_zone *zone, mr_text *out);
// Whether bytes from outside are one well-formed value of the type.
bool mr_nested_check(mr_type type, mr_span value);
