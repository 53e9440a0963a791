// Pace: how many rows a source may take now, for max_rows_per_trigger and max_rate_per_partition.
//
// Threads: one at a time (the driver's mutex).

#pragma once

#include "base/option.h"

// Rows of one partition since a moment.
typedef struct mr_pace {
    int64_t from_us;  // Monotonic; 0 = nothing was asked yet.
    uint64_t rows;
} mr_pace;

// Rows that may be taken at this moment. per_second 0: UINT64_MAX.
//   pace  rows taken are added to pace->rows by the caller, even when they are more than allowed:
//         what comes later waits for them
uint64_t mr_pace_room(mr_pace *pace, int64_t per_second, int64_t now_us);
// What is left of a limit; limit 0: UINT64_MAX.
uint64_t mr_pace_left(int64_t limit, uint64_t taken);
// Refuses a negative value of these options.
mr_code mr_pace_check(int64_t max_rows_per_trigger, int64_t max_rate_per_partition,
                      const mr_option_values *values, mr_cx *cx);
