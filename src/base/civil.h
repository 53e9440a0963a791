// Civil time: microseconds since 1970-01-01 UTC to and from the calendar; time zones.
//
// Proleptic Gregorian calendar, years -290308 .. 294247 (int64 microseconds). No OS here: a zone is
// read from the bytes of a TZif file (RFC 8536) that plat has loaded, footer rule included.

#pragma once

#include "base/cx.h"
#include "base/text.h"

#define MR_SECOND_US ((int64_t)1000000)
#define MR_DAY_US    ((int64_t)86400 * MR_SECOND_US)

typedef struct mr_civil {
    int64_t year;
    int32_t month;   // 1 .. 12
    int32_t day;     // 1 .. 31
    int32_t hour;    // 0 .. 23
    int32_t minute;  // 0 .. 59
    int32_t second;  // 0 .. 59
    int32_t us;      // 0 .. 999999
} mr_civil;

typedef struct mr_zone mr_zone;  // NULL = UTC.

int64_t mr_civil_days(int64_t year, int32_t month, int32_t day);  // Days since 1970-01-01.
void mr_civil_from_days(int64_t days, mr_civil *ret);             // The day alone: the rest is 0.
void mr_civil_from_us(int64_t us, mr_civil *ret);
int64_t mr_civil_to_us(const mr_civil *civil);  // Fields in range.

// A zone from the bytes of a TZif file. name is copied. errors MR_E_CORRUPT
mr_code mr_zone_parse(const char *name, mr_span tzif, mr_zone **ret, mr_cx *cx);
const char *mr_zone_name(const mr_zone *zone);
// Seconds to add to UTC to get local time at this moment.
int32_t mr_zone_offset_s(const mr_zone *zone, int64_t utc_us);
// Local wall clock to UTC. In a gap: the time after the jump by the old offset; in an overlap: the
// second, as DuckDB and PostgreSQL read it.
int64_t mr_zone_to_utc(const mr_zone *zone, int64_t local_us);
// The first moment at which the wall clock shows this or more: in a gap its end, in an overlap the
// first of both.
int64_t mr_zone_first(const mr_zone *zone, int64_t local_us);
// The stretch [*ret_from_us, *ret_to_us) around a moment in which the offset does not change;
// INT64_MIN and INT64_MAX where it has no end. Returns the offset in seconds.
int32_t mr_zone_stretch(const mr_zone *zone, int64_t utc_us, int64_t *ret_from_us,
                        int64_t *ret_to_us);
// Local date (days since 1970-01-01) of a moment.
int32_t mr_zone_date(const mr_zone *zone, int64_t utc_us);

// ISO 8601 / PostgreSQL timestamps: "2026-01-01T00:00:00.123456Z", a space for T, offsets +05:30,
// +0530, +05, a bare date, 1-9 fraction digits (digits past microseconds are cut). Without an
// offset it is local in zone. False when malformed or out of range; never reads past bytes.
bool mr_civil_parse(const char *data, size_t bytes, const mr_zone *zone, int64_t *ret_us);
bool mr_civil_parse_date(const char *data, size_t bytes, int32_t *ret_days);
// A time of day, 00:00 .. 24:00:00: "12:34:56.123456", seconds left out or not, hour, minute and
// second of 1 or 2 digits, digits past microseconds cut. Of a timestamp the time as written; an
// offset says nothing about it, as in DuckDB and PostgreSQL.
bool mr_civil_parse_time(const char *data, size_t bytes, int64_t *ret_us);
// "12:34:56.123" (fraction only when not 0).
void mr_civil_print_time(mr_text *out, int64_t us);
// "2026-01-01 00:00:00.123+00" as DuckDB prints timestamptz in the zone (fraction only when not 0).
void mr_civil_print(mr_text *out, int64_t us, const mr_zone *zone);
void mr_civil_print_date(mr_text *out, int32_t days);
// RFC 3339 in UTC with milliseconds or microseconds as needed: "2026-01-01T00:00:00.123Z".
void mr_civil_print_iso(mr_text *out, int64_t us);
