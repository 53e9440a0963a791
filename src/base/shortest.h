// Shortest: the fewest decimal digits that read back to the same double or float, the nearest of
// those where several have as few.

#pragma once

#include "base/text.h"

// 0.d1d2d3... * 10^point, without zeros at the end.
typedef struct mr_shortest {
    char digits[20];
    int count;  // 1 .. 17
    int point;
} mr_shortest;

// Of a finite value above 0.
void mr_shortest_double(double value, mr_shortest *ret);
void mr_shortest_float(float value, mr_shortest *ret);
// As DuckDB casts to text: 0.1, 1.0, 1e+16, 1.5e-05, nan, -inf.
void mr_shortest_print_double(double value, mr_text *out);
void mr_shortest_print_float(float value, mr_text *out);
// As DuckDB writes it in JSON: 0.1, 1.0, 1e21, 1.5e-7. Of a finite value.
void mr_shortest_json_double(double value, mr_text *out);
void mr_shortest_json_float(float value, mr_text *out);
