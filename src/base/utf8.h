// UTF-8: validation and the few character operations that text functions need.

#pragma once

#include "base/text.h"

// True when all bytes are well-formed UTF-8 (no overlong forms, no surrogates, <= U+10FFFF).
bool mr_utf8_valid(const void *data, size_t bytes);
// Copies as many whole characters as fit into ret with a NUL behind them; a byte that is part of no
// character, and a NUL, become "?". Returns the bytes before the NUL. room: at least 1.
size_t mr_utf8_copy(char *ret, size_t room, mr_span text);
// Writes one code point (<= U+10FFFF, no surrogate); returns its bytes, 1 .. 4.
size_t mr_utf8_put(uint32_t code_point, char *ret);
// Decodes one code point of valid text; returns its bytes.
size_t mr_utf8_get(const char *data, const char *end, uint32_t *ret_code_point);
size_t mr_utf8_length(mr_span text);  // Characters.
// Simple (one to one) case mapping as PostgreSQL's C.UTF-8 and DuckDB do: upper/lower of one code
// point.
uint32_t mr_utf8_upper(uint32_t code_point);
uint32_t mr_utf8_lower(uint32_t code_point);
