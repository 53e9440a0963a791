// Eval, casts: the forms of texts that become numbers, truth values and intervals. For
// eval_cast*.c.

#pragma once

#include "column/type.h"

// A whole number as DuckDB reads one: spaces around it, a sign, single underscores between digits,
// a fraction (rounded, halves away from 0), an exponent; or 0x… and 0b…. False when it is none, or
// does not lie in min .. max.
bool mr_eval_cast_text_integer(mr_span in, int64_t min, int64_t max, int64_t *ret);
// A double as DuckDB reads one: as above but for 0x and 0b, also inf, infinity and nan in any case.
bool mr_eval_cast_text_double(mr_span in, double *ret);
bool mr_eval_cast_text_bool(mr_span in, bool *ret);
// "1 month 2 days 03:04:05.5", "1.5 hours ago", units and their short forms as DuckDB's.
bool mr_eval_cast_text_interval(mr_span in, mr_interval *ret);
