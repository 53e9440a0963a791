// Fn, time: fields and units of a calendar, shared by date_part and date_trunc. For fn_time*.c.

#pragma once

#include "exec/fn.h"

#define MR_TIME_UNITS(X) /* unit, its names as DuckDB knows them, blank-separated */ \
    X(YEAR, "year years yr yrs y")                                                   \
    X(MONTH, "month months mon mons")                                                \
    X(DAY, "day days d dayofmonth")                                                  \
    X(DECADE, "decade decades dec decs")                                             \
    X(CENTURY, "century centuries cent c")                                           \
    X(MILLENNIUM, "millennium millenniums millennia millenium mil mils")             \
    X(QUARTER, "quarter quarters")                                                   \
    X(WEEK, "week weeks w weekofyear")                                               \
    X(YEARWEEK, "yearweek")                                                          \
    X(ISOYEAR, "isoyear")                                                            \
    X(DOW, "dow dayofweek weekday")                                                  \
    X(ISODOW, "isodow")                                                              \
    X(DOY, "doy dayofyear")                                                          \
    X(ERA, "era")                                                                    \
    X(HOUR, "hour hours hr hrs h")                                                   \
    X(MINUTE, "minute minutes min mins m")                                           \
    X(SECOND, "second seconds sec secs s")                                           \
    X(MILLISECOND, "millisecond milliseconds ms msec msecs msecond mseconds")        \
    X(MICROSECOND, "microsecond microseconds us usec usecs usecond useconds")        \
    X(EPOCH, "epoch")                                                                \
    X(TIMEZONE, "timezone")                                                          \
    X(TIMEZONE_HOUR, "timezone_hour")                                                \
    X(TIMEZONE_MINUTE, "timezone_minute")

typedef enum mr_time_unit {
#define MR_TIME_UNIT_ENUM(unit, names) MR_UNIT_##unit,
    MR_TIME_UNITS(MR_TIME_UNIT_ENUM)
#undef MR_TIME_UNIT_ENUM
        MR_UNIT_COUNT  // No unit.
} mr_time_unit;

// A name in any case; MR_UNIT_COUNT when there is none such.
mr_time_unit mr_fn_time_unit(mr_str name);
// The unit named by argument 0 at a row; on an unknown name the row fails.
mr_time_unit mr_fn_time_unit_arg(mr_fn_call *call, uint32_t row);

int32_t mr_fn_time_month_days(int64_t year, int32_t month);
int64_t mr_fn_time_iso_year(int64_t days);  // Of a day since 1970-01-01.
int64_t mr_fn_time_iso_week(int64_t days);  // 1 .. 53
int64_t mr_fn_time_monday(int64_t days);    // The Monday of its week.
// Moved by months on the wall clock of a zone (NULL: UTC); the day of a shorter month is its last.
// False: out of range.
bool mr_fn_time_add_months(int64_t us, int32_t months, const mr_zone *zone, int64_t *ret);
// Whole days of the wall clock between two moments. False: out of range.
bool mr_fn_time_days(const mr_zone *zone, int64_t from, int64_t to, int64_t *ret);
const char *mr_fn_time_day_name(int64_t weekday);               // 0 = Sunday
const char *mr_fn_time_month_name(int32_t month);               // 1 .. 12
int64_t mr_fn_time_local(const mr_zone *zone, int64_t utc_us);  // Wall clock of a moment.
int64_t mr_fn_time_utc(const mr_zone *zone, int64_t local_us);  // Moment of a wall clock.
