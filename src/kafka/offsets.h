// Offsets: the option starting_offsets, in the words of Spark's Kafka source.
//
//   earliest | latest | 2026-01-01 00:00:00 | 1767225600000 | {"events":{"0":23,"1":-2}}
// In the last form -2 is the earliest and -1 the latest.

#pragma once

#include "base/civil.h"

#define MR_OFFSETS_EARLIEST ((int64_t)-2)
#define MR_OFFSETS_LATEST   ((int64_t)-1)

typedef struct mr_offsets {
    bool by_time;
    int64_t time_ms;
    int64_t all;    // Of every partition, when `each` is NULL.
    int64_t *each;  // By partition; INT64_MIN = not named.
    uint32_t each_count;
} mr_offsets;

// Memory: cx->arena.  errors  MR_E_VALUE
mr_code mr_offsets_parse(const char *text, const char *topic, const mr_zone *zone, mr_offsets *ret,
                         mr_cx *cx);
