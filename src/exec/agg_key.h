// Agg, keys: bytes whose order (memcmp, shorter first) is the order of values, so that what an
// aggregate keeps in order can be compared, stored and merged without knowing its types.

#pragma once

#include "exec/agg.h"

// Appends the key of a value in DuckDB's order: NaN is the greatest number; NULLs are last, or
// first. A key is never a prefix of another one.
void mr_agg_key_put(mr_text *out, const mr_vector *vector, uint32_t row, bool descending,
                    bool nulls_first);
// Appends where a row came from: partition and offset. Nothing behind an aggregate.
void mr_agg_key_put_origin(mr_text *out, const mr_origin *origin, uint32_t row);
// The order of a row within a call: the keys of its ORDER BY, then where it came from.
void mr_agg_key_put_row(mr_text *out, const mr_agg_input *input, uint32_t row);
