// Uuid: its text forms.

#pragma once

#include "column/type.h"

#define MR_UUID_TEXT_BYTES 36

// 32 hexadecimal digits of either case, hyphens anywhere between, braces around: all that
// PostgreSQL and DuckDB read. False at anything else.
bool mr_uuid_parse(mr_span in, mr_uuid *ret);
// "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
void mr_uuid_print(mr_uuid value, mr_text *out);
// < 0, 0, > 0, in the order of the texts.
static inline int mr_uuid_compare(mr_uuid a, mr_uuid b) {
    if (a.high != b.high) {
        return a.high < b.high ? -1 : 1;
    }
    return a.low < b.low ? -1 : a.low > b.low;
}
