// Interval: its text forms and its order.

#pragma once

#include "column/type.h"

// "1 day 2 hours", "30 seconds", "01:30:00", "P1DT2H". False when malformed or out of range.
bool mr_interval_parse(mr_span in, mr_interval *ret);
// "1 year 2 months 3 days 04:05:06.5", as DuckDB prints it.
void mr_interval_print(mr_interval value, mr_text *out);
// Its length: a month has 30 days and a day 24 hours, as DuckDB and PostgreSQL order and group
// them.
mr_int128 mr_interval_length_us(mr_interval value);
// < 0, 0, > 0, by length.
int mr_interval_compare(mr_interval a, mr_interval b);
// The one form of all intervals of that length, for keys: days and a rest of less than a day, as a
// difference of times is made; months only of more days than an int32 holds.
mr_interval mr_interval_canonical(mr_interval value);
