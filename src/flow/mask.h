// Mask: a stream of bytes without the values that nobody may see: *** stands for each.
//
// A value is also found across the borders of pieces: what may be the beginning of one is held back
// until it is known.

#pragma once

#include "base/text.h"

typedef struct mr_mask {
    mr_span *values;  // Longest first.
    uint32_t count;
    size_t longest;
    bool first[256];  // Bytes that a value begins with.
    mr_text held;
} mr_mask;

// values: NULL-ended, copied; empty ones are left out.
void mr_mask_init(mr_mask *mask, const char *const *values, mr_arena *arena);
// Appends what can be told of all that came so far.
void mr_mask_put(mr_mask *mask, mr_span piece, mr_text *out);
void mr_mask_end(mr_mask *mask, mr_text *out);  // Nothing follows: the rest.
void mr_mask_release(mr_mask *mask);
// A text without them. values: as those of mr_mask_init.
const char *mr_mask_text(const char *const *values, const char *text, mr_arena *arena);
