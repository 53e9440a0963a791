// Fn, time: date_part, date_trunc and time_bucket.
//
// A timestamptz is taken apart on the wall clock of the session's zone. Where clocks go back, hours
// and less are truncated in real time, so that a result is never behind its argument (DuckDB's is,
// there). Buckets are counted in UTC, as DuckDB's. Also: mr_fn_.

#include <string.h>

#include "exec/fn_time.h"

#define ZONE (call->run->env->zone)

#define EACH_LIVE(call, row)                      \
    mr_eval_rows rows_ = mr_eval_call_live(call); \
    for (uint32_t i_ = 0, row; i_ < rows_.count && (row = mr_eval_row(rows_, i_), 1); i_++)

// ---- units -------------------------------------------------------------------------------------

mr_time_unit mr_fn_time_unit(mr_str name) {
    static const char *const names[] = {
#define UNIT_NAMES(unit, list) list,
        MR_TIME_UNITS(UNIT_NAMES)
#undef UNIT_NAMES
    };
    mr_span wanted = {name.data, name.bytes};
    for (uint32_t unit = 0; unit < MR_UNIT_COUNT; unit++) {
        for (const char *at = names[unit]; *at != '\0';) {
            size_t bytes = strcspn(at, " ");
            if (mr_span_equal_nocase(wanted, (mr_span){at, bytes})) {
                return (mr_time_unit)unit;
            }
            at += bytes + (at[bytes] == ' ');
        }
    }
    return MR_UNIT_COUNT;
}

mr_time_unit mr_fn_time_unit_arg(mr_fn_call *call, uint32_t row) {
    mr_str name = mr_vector_str(&call->args[0], row);
    mr_time_unit unit = mr_fn_time_unit(name);
    if (unit == MR_UNIT_COUNT) {
        mr_eval_call_fail(call, row, "no field of a time is called %s",
                          mr_eval_call_quote(call, name));
    }
    return unit;
}

// The unit of every row at once when it is a constant, as it nearly always is.
static mr_time_unit unit_of(mr_fn_call *call, uint32_t row, mr_time_unit *known) {
    if (call->args[0].kind != MR_CONST) {
        return mr_fn_time_unit_arg(call, row);
    }
    if (*known == MR_UNIT_COUNT) {
        *known = mr_fn_time_unit_arg(call, row);
    }
    return *known;
}

// ---- date_part ---------------------------------------------------------------------------------

// Years into groups of 10 to a power, as DuckDB: 1 .. 100 is 1, 0 .. -99 is -1.
static int64_t year_group(int64_t year, int64_t size) {
    return year > 0 ? (year - 1) / size + 1 : year / size - 1;
}

// Monday of ISO week 1: the week that has 4 January.
static int64_t iso_year_start(int64_t year) {
    int64_t fourth = mr_civil_days(year, 1, 4);
    return fourth - ((fourth + 3) % 7 + 7) % 7;  // Day 0 was a Thursday.
}

static int64_t iso_year(int64_t days, int64_t year) {
    if (days < iso_year_start(year)) {
        return year - 1;
    }
    return days >= iso_year_start(year + 1) ? year + 1 : year;
}

static int64_t weekday(int64_t days) {  // 0 = Sunday.
    return ((days + 4) % 7 + 7) % 7;
}

int64_t mr_fn_time_iso_year(int64_t days) {
    mr_civil c;
    mr_civil_from_days(days, &c);
    return iso_year(days, c.year);
}

int64_t mr_fn_time_iso_week(int64_t days) {
    return (days - iso_year_start(mr_fn_time_iso_year(days))) / 7 + 1;
}

int64_t mr_fn_time_monday(int64_t days) {
    return days - (weekday(days) + 6) % 7;
}

// A field of a wall clock. offset_s is its zone's.
static int64_t part_of(mr_time_unit unit, int64_t local_us, int32_t offset_s) {
    mr_civil c;
    mr_civil_from_us(local_us, &c);
    int64_t days = mr_floor_div(local_us, MR_DAY_US);
    int64_t in_year = iso_year(days, c.year);
    int64_t week = (days - iso_year_start(in_year)) / 7 + 1;
    switch (unit) {
    case MR_UNIT_YEAR: return c.year;
    case MR_UNIT_MONTH: return c.month;
    case MR_UNIT_DAY: return c.day;
    case MR_UNIT_DECADE: return c.year / 10;
    case MR_UNIT_CENTURY: return year_group(c.year, 100);
    case MR_UNIT_MILLENNIUM: return year_group(c.year, 1000);
    case MR_UNIT_QUARTER: return (c.month - 1) / 3 + 1;
    case MR_UNIT_WEEK: return week;
    case MR_UNIT_YEARWEEK: return in_year * 100 + (in_year < 0 ? -week : week);
    case MR_UNIT_ISOYEAR: return in_year;
    case MR_UNIT_DOW: return weekday(days);
    case MR_UNIT_ISODOW: return (weekday(days) + 6) % 7 + 1;
    case MR_UNIT_DOY: return days - mr_civil_days(c.year, 1, 1) + 1;
    case MR_UNIT_ERA: return c.year > 0;
    case MR_UNIT_HOUR: return c.hour;
    case MR_UNIT_MINUTE: return c.minute;
    case MR_UNIT_SECOND: return c.second;
    case MR_UNIT_MILLISECOND: return c.second * 1000 + c.us / 1000;
    case MR_UNIT_MICROSECOND: return c.second * MR_SECOND_US + c.us;
    case MR_UNIT_EPOCH: return mr_floor_div(local_us - offset_s * MR_SECOND_US, MR_SECOND_US);
    case MR_UNIT_TIMEZONE: return offset_s;
    case MR_UNIT_TIMEZONE_HOUR: return offset_s / 3600;
    case MR_UNIT_TIMEZONE_MINUTE: return offset_s % 3600 / 60;
    case MR_UNIT_COUNT: break;
    }
    return 0;
}

static void date_part(mr_fn_call *call, const mr_zone *zone) {
    mr_time_unit known = MR_UNIT_COUNT;
    EACH_LIVE(call, row) {
        mr_time_unit unit = unit_of(call, row, &known);
        call->out->int64s[row] = 0;
        if (unit == MR_UNIT_COUNT) {
            continue;
        }
        int64_t us = MR_FN_ARG(call, 1, int64_t, row);
        int32_t offset_s = mr_zone_offset_s(zone, us);
        call->out->int64s[row] = part_of(unit, mr_fn_time_local(zone, us), offset_s);
    }
}

void mr_fn_DATE_PART_TIMESTAMP(mr_fn_call *call) {
    date_part(call, /* zone= */ NULL);
}

void mr_fn_DATE_PART_TIMESTAMPTZ(mr_fn_call *call) {
    date_part(call, ZONE);
}

void mr_fn_DATE_PART_DATE(mr_fn_call *call) {
    mr_time_unit known = MR_UNIT_COUNT;
    EACH_LIVE(call, row) {
        mr_time_unit unit = unit_of(call, row, &known);
        int64_t us;
        call->out->int64s[row] = 0;
        if (unit == MR_UNIT_COUNT) {
            continue;
        }
        if (mr_mul_fits((int64_t)MR_FN_ARG(call, 1, int32_t, row), MR_DAY_US, &us)) {
            call->out->int64s[row] = part_of(unit, us, /* offset_s= */ 0);
        } else {
            mr_eval_call_fail(call, row, "date out of range: %s", mr_eval_call_value(call, 1, row));
        }
    }
}

static bool interval_part(mr_time_unit unit, mr_interval x, int64_t *ret) {
    int64_t hour_us = 3600 * MR_SECOND_US, minute_us = 60 * MR_SECOND_US;
    switch (unit) {
    case MR_UNIT_YEAR: *ret = x.months / 12; return true;
    case MR_UNIT_MONTH: *ret = x.months % 12; return true;
    case MR_UNIT_DAY: *ret = x.days; return true;
    case MR_UNIT_DECADE: *ret = x.months / 120; return true;
    case MR_UNIT_CENTURY: *ret = x.months / 1200; return true;
    case MR_UNIT_MILLENNIUM: *ret = x.months / 12000; return true;
    case MR_UNIT_QUARTER: *ret = x.months % 12 / 3 + 1; return true;
    case MR_UNIT_HOUR: *ret = x.us / hour_us; return true;
    case MR_UNIT_MINUTE: *ret = x.us % hour_us / minute_us; return true;
    case MR_UNIT_SECOND: *ret = x.us % minute_us / MR_SECOND_US; return true;
    case MR_UNIT_MILLISECOND: *ret = x.us % minute_us / 1000; return true;
    case MR_UNIT_MICROSECOND: *ret = x.us % minute_us; return true;
    case MR_UNIT_EPOCH:
    case MR_UNIT_WEEK:
    case MR_UNIT_YEARWEEK:
    case MR_UNIT_ISOYEAR:
    case MR_UNIT_DOW:
    case MR_UNIT_ISODOW:
    case MR_UNIT_DOY:
    case MR_UNIT_ERA:
    case MR_UNIT_TIMEZONE:
    case MR_UNIT_TIMEZONE_HOUR:
    case MR_UNIT_TIMEZONE_MINUTE:
    case MR_UNIT_COUNT: break;
    }
    return false;
}

void mr_fn_DATE_PART_INTERVAL(mr_fn_call *call) {
    mr_time_unit known = MR_UNIT_COUNT;
    EACH_LIVE(call, row) {
        mr_time_unit unit = unit_of(call, row, &known);
        call->out->int64s[row] = 0;
        if (unit != MR_UNIT_COUNT &&
            !interval_part(unit, MR_FN_ARG(call, 1, mr_interval, row), &call->out->int64s[row])) {
            mr_eval_call_fail(call, row, "an interval has no field %s",
                              mr_eval_call_quote(call, mr_vector_str(&call->args[0], row)));
        }
    }
}

// ---- date_trunc --------------------------------------------------------------------------------

// The first moment of all where a unit begins before it.
static int64_t floor_to(int64_t us, int64_t unit_us) {
    int64_t start;
    return mr_mul_fits(mr_floor_div(us, unit_us), unit_us, &start) ? start : INT64_MIN;
}

static int64_t days_us(int64_t days) {
    int64_t us;
    return mr_mul_fits(days, MR_DAY_US, &us) ? us : INT64_MIN;
}

// The start of a unit on a wall clock; false for units that have none.
static bool trunc_local(mr_time_unit unit, int64_t us, int64_t *ret) {
    mr_civil c;
    mr_civil_from_us(us, &c);
    int64_t days = mr_floor_div(us, MR_DAY_US);
    int64_t quarter_month = (c.month - 1) / 3 * 3 + 1;
    switch (unit) {
    case MR_UNIT_MILLENNIUM: *ret = days_us(mr_civil_days(c.year / 1000 * 1000, 1, 1)); return true;
    case MR_UNIT_CENTURY: *ret = days_us(mr_civil_days(c.year / 100 * 100, 1, 1)); return true;
    case MR_UNIT_DECADE: *ret = days_us(mr_civil_days(c.year / 10 * 10, 1, 1)); return true;
    case MR_UNIT_YEAR: *ret = days_us(mr_civil_days(c.year, 1, 1)); return true;
    case MR_UNIT_QUARTER:
        *ret = days_us(mr_civil_days(c.year, (int32_t)quarter_month, 1));
        return true;
    case MR_UNIT_MONTH: *ret = days_us(mr_civil_days(c.year, c.month, 1)); return true;
    case MR_UNIT_ISOYEAR: *ret = days_us(iso_year_start(iso_year(days, c.year))); return true;
    case MR_UNIT_WEEK:
    case MR_UNIT_YEARWEEK: *ret = days_us(days - (weekday(days) + 6) % 7); return true;
    case MR_UNIT_DAY:
    case MR_UNIT_DOW:
    case MR_UNIT_ISODOW:
    case MR_UNIT_DOY: *ret = days_us(days); return true;
    case MR_UNIT_HOUR: *ret = floor_to(us, 3600 * MR_SECOND_US); return true;
    case MR_UNIT_MINUTE: *ret = floor_to(us, 60 * MR_SECOND_US); return true;
    case MR_UNIT_SECOND:
    case MR_UNIT_EPOCH: *ret = floor_to(us, MR_SECOND_US); return true;
    case MR_UNIT_MILLISECOND: *ret = floor_to(us, 1000); return true;
    case MR_UNIT_MICROSECOND: *ret = us; return true;
    case MR_UNIT_ERA:
    case MR_UNIT_TIMEZONE:
    case MR_UNIT_TIMEZONE_HOUR:
    case MR_UNIT_TIMEZONE_MINUTE:
    case MR_UNIT_COUNT: break;
    }
    return false;
}

static bool below_day(mr_time_unit unit) {
    return unit == MR_UNIT_HOUR || unit == MR_UNIT_MINUTE || unit == MR_UNIT_SECOND ||
           unit == MR_UNIT_EPOCH || unit == MR_UNIT_MILLISECOND || unit == MR_UNIT_MICROSECOND;
}

static void fail_unit(mr_fn_call *call, uint32_t row) {
    mr_eval_call_fail(call, row, "date_trunc has no unit %s",
                      mr_eval_call_quote(call, mr_vector_str(&call->args[0], row)));
}

static void date_trunc(mr_fn_call *call, const mr_zone *zone) {
    mr_time_unit known = MR_UNIT_COUNT;
    EACH_LIVE(call, row) {
        mr_time_unit unit = unit_of(call, row, &known);
        int64_t us = MR_FN_ARG(call, 1, int64_t, row);
        int64_t local = mr_fn_time_local(zone, us), start;
        call->out->int64s[row] = 0;
        if (unit == MR_UNIT_COUNT) {
            continue;
        }
        if (!trunc_local(unit, local, &start)) {
            fail_unit(call, row);
        } else if (below_day(unit)) {
            call->out->int64s[row] = us - (local - start);
        } else {
            call->out->int64s[row] = mr_fn_time_utc(zone, start);
        }
    }
}

void mr_fn_DATE_TRUNC_TIMESTAMP(mr_fn_call *call) {
    date_trunc(call, /* zone= */ NULL);
}

void mr_fn_DATE_TRUNC_TIMESTAMPTZ(mr_fn_call *call) {
    date_trunc(call, ZONE);
}

void mr_fn_DATE_TRUNC_DATE(mr_fn_call *call) {
    mr_time_unit known = MR_UNIT_COUNT;
    EACH_LIVE(call, row) {
        mr_time_unit unit = unit_of(call, row, &known);
        int64_t us, start;
        call->out->int32s[row] = 0;
        if (unit == MR_UNIT_COUNT) {
            continue;
        }
        if (!mr_mul_fits((int64_t)MR_FN_ARG(call, 1, int32_t, row), MR_DAY_US, &us) ||
            !trunc_local(unit, us, &start)) {
            fail_unit(call, row);
        } else {
            call->out->int32s[row] = (int32_t)mr_floor_div(start, MR_DAY_US);
        }
    }
}

// ---- time_bucket -------------------------------------------------------------------------------

#define ORIGIN_US        ((int64_t)10959 * MR_DAY_US)  // Monday 2000-01-03.
#define ORIGIN_MONTHS_US ((int64_t)10957 * MR_DAY_US)  // 2000-01-01.

static int64_t month_index(int64_t us) {
    mr_civil c;
    mr_civil_from_us(us, &c);
    return c.year * 12 + c.month - 1;
}

// Why a width is no bucket, or NULL.
static const char *bucket_fault(mr_interval width, bool zoned) {
    if (width.months != 0 && (width.days != 0 || width.us != 0)) {
        return "months with days or hours in a bucket";
    }
    if (zoned && width.days != 0 && width.us != 0) {
        return "days with hours in a bucket of timestamptz";
    }
    __int128 us = (__int128)width.days * MR_DAY_US + width.us;
    return width.months > 0 || (us > 0 && us <= INT64_MAX) ? NULL
                                                           : "a bucket that is not longer than 0";
}

static bool bucket_start(mr_interval width, int64_t us, const int64_t *origin, int64_t *ret) {
    if (width.months > 0) {
        int64_t first = month_index(origin != NULL ? *origin : ORIGIN_MONTHS_US);
        int64_t month = first + mr_floor_div(month_index(us) - first, width.months) * width.months;
        int64_t year = mr_floor_div(month, 12);
        return mr_mul_fits(mr_civil_days(year, (int32_t)(month - year * 12) + 1, 1), MR_DAY_US,
                           ret);
    }
    __int128 size = (__int128)width.days * MR_DAY_US + width.us;
    __int128 from = origin != NULL ? *origin : ORIGIN_US;
    __int128 behind = ((us - from) % size + size) % size;
    __int128 start = us - behind;
    *ret = (int64_t)start;
    return start >= INT64_MIN;
}

static void time_bucket(mr_fn_call *call) {
    bool is_date = call->out->type.id == MR_DATE;
    bool zoned = call->out->type.id == MR_TIMESTAMPTZ;
    EACH_LIVE(call, row) {
        mr_interval width = MR_FN_ARG(call, 0, mr_interval, row);
        int64_t us, origin = 0, start = 0;
        bool fits = true;
        if (is_date) {
            fits = mr_mul_fits((int64_t)MR_FN_ARG(call, 1, int32_t, row), MR_DAY_US, &us);
        } else {
            us = MR_FN_ARG(call, 1, int64_t, row);
        }
        if (call->arg_count == 3 && is_date) {
            fits &= mr_mul_fits((int64_t)MR_FN_ARG(call, 2, int32_t, row), MR_DAY_US, &origin);
        } else if (call->arg_count == 3) {
            origin = MR_FN_ARG(call, 2, int64_t, row);
        }
        const char *fault = bucket_fault(width, zoned);
        fits = fits && fault == NULL &&
               bucket_start(width, us, call->arg_count == 3 ? &origin : NULL, &start);
        if (!fits) {
            mr_eval_call_fail(call, row, "time_bucket: %s", fault != NULL ? fault : "out of range");
        }
        if (is_date) {
            call->out->int32s[row] = (int32_t)mr_floor_div(start, MR_DAY_US);
        } else {
            call->out->int64s[row] = start;
        }
    }
}

// clang-format off
void mr_fn_TIME_BUCKET_DATE(mr_fn_call *call) { time_bucket(call); }
void mr_fn_TIME_BUCKET_ORIGIN_DATE(mr_fn_call *call) { time_bucket(call); }
void mr_fn_TIME_BUCKET_TIMESTAMP(mr_fn_call *call) { time_bucket(call); }
void mr_fn_TIME_BUCKET_ORIGIN_TIMESTAMP(mr_fn_call *call) { time_bucket(call); }
void mr_fn_TIME_BUCKET_TIMESTAMPTZ(mr_fn_call *call) { time_bucket(call); }
void mr_fn_TIME_BUCKET_ORIGIN_TIMESTAMPTZ(mr_fn_call *call) { time_bucket(call); }
// clang-format on
