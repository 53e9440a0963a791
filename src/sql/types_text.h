// Types, written as text: the forms of values that literals and casts from text share.
//
// All of it is DuckDB's: what it reads is read here, and nothing else.

#pragma once

#include "base/civil.h"
#include "column/type.h"

// ---- types_number.c: symbols mr_types_number_… -----------------------------------------------

// A whole number: spaces around it, a sign, single underscores between digits, a fraction (rounded,
// halves away from 0), an exponent; or 0x… and 0b…. False when it is none, or does not lie in
// min .. max.
bool mr_types_number_integer(mr_span in, int64_t min, int64_t max, int64_t *ret);
// A double: as above but for 0x and 0b, also inf, infinity and nan in any case.
bool mr_types_number_double(mr_span in, double *ret);
bool mr_types_number_bool(mr_span in, bool *ret);
bool mr_types_number_numeric(mr_span in, mr_type type, mr_int128 *ret);

// ---- types_literal.c -------------------------------------------------------------------------

// The value of a text in the storage of a type (16 bytes are enough for all); false: malformed, or
// a type whose texts are no single value (LIST, STRUCT, JSON: exec's casts). Bytes of a BYTES value
// go into arena.
bool mr_types_literal(mr_span text, mr_type to, const mr_zone *zone, mr_arena *arena, void *ret);
