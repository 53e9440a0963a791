// Numeric: exact decimal arithmetic on 128-bit integers scaled by a power of ten.
//
// A value is an __int128 together with a scale that its type holds; digits <= 38. Functions that
// can leave 38 digits say so with false and leave *ret alone.
// Source: DuckDB's DECIMAL, for rounding (halves away from 0) and printing.

#pragma once

#include "base/text.h"

#define MR_NUMERIC_SCALE_MAX 38

// 10^n, n 0 .. 38.
__int128 mr_numeric_pow10(uint32_t n);
// Whether a value has at most `digits` digits.
bool mr_numeric_fits(__int128 value, uint32_t digits);
// To another scale; fewer digits behind the point are rounded, halves away from 0.
bool mr_numeric_rescale(__int128 value, uint32_t scale, uint32_t to_scale, uint32_t to_digits,
                        __int128 *ret);
bool mr_numeric_add(__int128 a, __int128 b, __int128 *ret);  // Of one scale; 38 digits.
bool mr_numeric_mul(__int128 a, __int128 b, __int128 *ret);  // Scales add up.
// "-123.4500", "1e3", ".5", spaces around; digits behind the scale are rounded, once.
bool mr_numeric_parse(mr_span in, uint32_t digits, uint32_t scale, __int128 *ret);
// "-0.50". DuckDB leaves the 0 out where digits = scale: see mr_vector_print.
void mr_numeric_print(__int128 value, uint32_t scale, mr_text *out);
// Correctly rounded. DuckDB 1.4 is off by one in the last place for some values over 2^53.
double mr_numeric_to_double(__int128 value, uint32_t scale);
float mr_numeric_to_float(__int128 value, uint32_t scale);
// As DuckDB does it: the product with 10^scale, a double (for a float a float), rounded. So
// 2.675 is 2.68 in two places, though the double is a little less. NaN and infinities do not fit.
bool mr_numeric_from_double(double value, uint32_t digits, uint32_t scale, __int128 *ret);
bool mr_numeric_from_float(float value, uint32_t digits, uint32_t scale, __int128 *ret);
