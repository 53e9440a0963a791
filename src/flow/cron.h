// Cron: a five-field expression, and the moments at which it fires.
//
// Fields: minute hour day month weekday; lists, ranges, steps, names (JAN, MON), 0 and 7 = Sunday,
// ?, L is refused. Presets: @hourly @daily @midnight @weekly @monthly @yearly @annually. Day and
// weekday both restricted: either fits (Vixie).
// Time zones, by ISC cron's rules: an expression whose minute or hour starts with * follows elapsed
// time (every minute that exists is looked at, in order); any other is fixed: a time in a gap fires
// once, at the gap's end; a time that comes twice fires the first time.
// Source: cron(5), cron(8) of Debian; reference cases 1-17.

#pragma once

#include "base/civil.h"

typedef struct mr_cron {
    uint64_t minutes;  // Bit per minute.
    uint32_t hours;
    uint32_t days;     // Bits 1 .. 31.
    uint16_t months;   // Bits 1 .. 12.
    uint8_t weekdays;  // Bits 0 .. 6, Sunday is 0.
    bool any_day;      // The field starts with *.
    bool any_weekday;
    bool elapsed;  // Minute or hour starts with *.
} mr_cron;

// place: where the text stands; errors point at the field.
//   errors  MR_E_SYNTAX, MR_E_VALUE (out of range; never fires)
mr_code mr_cron_parse(mr_span text, mr_place place, mr_cron *ret, mr_cx *cx);
// The first moment after after_us, or the last one before before_us; INT64_MAX / INT64_MIN when
// there is none within 30 years. zone NULL = UTC. Cost: a few hundred steps at most.
int64_t mr_cron_next(const mr_cron *cron, const mr_zone *zone, int64_t after_us);
int64_t mr_cron_previous(const mr_cron *cron, const mr_zone *zone, int64_t before_us);
// A remark on an expression that is right but may not mean what it says ("*/45"), or NULL.
const char *mr_cron_remark(mr_span text, mr_arena *arena);
