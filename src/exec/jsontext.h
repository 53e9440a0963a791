// Jsontext: one JSON text of a row: checked, searched by a path, printed as DuckDB prints it.
//
// Why not the decoder of src/codec: that one indexes whole buffers for columns that are known
// before; here texts are short, each for itself, and no more than one part is wanted. How: one walk
// over the text checks it to its end, another goes down to the wanted value; nothing is built. What
// is JSON: DuckDB's view, which lets trailing commas, NaN and Infinity pass. Lifetime: views into
// the text.

#pragma once

#include "exec/fn.h"

#define MR_JSONTEXT_STEPS_MAX 64

typedef struct mr_jsontext_step {
    bool is_key;
    bool is_index;  // Both: whichever fits what is there (a pointer).
    mr_span key;
    int64_t index;  // < 0 from the end.
} mr_jsontext_step;

typedef struct mr_jsontext_path {
    mr_jsontext_step steps[MR_JSONTEXT_STEPS_MAX];
    uint32_t count;
} mr_jsontext_path;

// A value within a text. data NULL: there is none.
typedef struct mr_jsontext_value {
    mr_span raw;
    bool plain;  // Surely printed as it stands.
} mr_jsontext_value;

// "$.a[0].b", "/a/0/b", or a key. Memory of keys: arena. False: malformed, or with *.
bool mr_jsontext_path_parse(mr_str text, mr_arena *arena, mr_jsontext_path *ret);
// PostgreSQL's "{a,0,b}".
bool mr_jsontext_path_braces(mr_str text, mr_arena *arena, mr_jsontext_path *ret);
// Whether a text is JSON; its value without the white space around it, and whether that is printed
// as it stands.
bool mr_jsontext_check(mr_str text, mr_span *ret_value, bool *ret_plain);
// The value at a path (NULL: the whole). False: the text is not JSON.
bool mr_jsontext_find(mr_str text, const mr_jsontext_path *path, mr_jsontext_value *ret);
// The value's text without white space, as DuckDB prints it.
void mr_jsontext_print(mr_span raw, mr_text *out);
// A text as a string, in quotes.
void mr_jsontext_quote(mr_span text, mr_text *out);
// The characters of a string, which starts with ".
void mr_jsontext_unescape(mr_span raw, mr_text *out);
// Elements of an array or members of an object, one after the other: begin with at = value.data.
// Returns false at the end. key is raw, with its quotes; empty in an array.
bool mr_jsontext_next(mr_span value, const char **at, mr_span *key, mr_span *element);
