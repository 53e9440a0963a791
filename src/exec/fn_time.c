// Fn, time: arithmetic of dates, moments and intervals; numbers to times and back.
//
// A timestamptz moves by months and days on the wall clock of the session's zone, and by hours and
// less in real time, as DuckDB's does with SET TimeZone. date_part, date_trunc and time_bucket are
// in fn_time_part.c. Also: mr_fn_.

#include "exec/fn_time.h"

#include <math.h>

#define ZONE (call->run->env->zone)

int64_t mr_fn_time_local(const mr_zone *zone, int64_t utc_us) {
    int64_t local;
    int64_t offset_us = (int64_t)mr_zone_offset_s(zone, utc_us) * MR_SECOND_US;
    return mr_add_fits(utc_us, offset_us, &local) ? local : utc_us;
}

int64_t mr_fn_time_utc(const mr_zone *zone, int64_t local_us) {
    return zone == NULL ? local_us : mr_zone_to_utc(zone, local_us);
}

// ---- adding intervals --------------------------------------------------------------------------

// A moment moved by days on the wall clock. As ICU's calendar: where clocks went back in between,
// the offset that was in force before is kept if the new wall clock allows it.
static bool add_days(int64_t us, int32_t days, const mr_zone *zone, int64_t *ret) {
    __int128 sum = us + (__int128)days * MR_DAY_US;  // The days alone may be too many.
    int64_t moved = (int64_t)sum;
    if (moved != sum) {
        return false;
    }
    *ret = moved;
    if (zone == NULL || days == 0) {
        return true;
    }
    int64_t before_s = mr_zone_offset_s(zone, us), after_s = mr_zone_offset_s(zone, moved);
    int64_t adjust = (before_s - after_s) * MR_SECOND_US, adjusted;
    if (adjust == 0 || !mr_add_fits(moved, adjust, &adjusted)) {
        return adjust == 0;
    }
    // Where the wall clock that was meant does not exist, the later of both moments.
    bool exists = mr_zone_offset_s(zone, adjusted) == after_s;
    *ret = exists || adjust > 0 ? adjusted : moved;
    return true;
}

int32_t mr_fn_time_month_days(int64_t year, int32_t month) {
    static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool mr_fn_time_add_months(int64_t us, int32_t months, const mr_zone *zone, int64_t *ret) {
    *ret = us;
    if (months == 0) {
        return true;
    }
    mr_civil civil;
    mr_civil_from_us(zone == NULL ? us : mr_fn_time_local(zone, us), &civil);
    int64_t month = civil.year * 12 + civil.month - 1 + months;
    civil.year = mr_floor_div(month, 12);
    civil.month = (int32_t)(month - civil.year * 12) + 1;
    civil.day = MR_MIN(civil.day, mr_fn_time_month_days(civil.year, civil.month));
    if (civil.year < -290000 || civil.year > 294000) {
        return false;
    }
    *ret = mr_fn_time_utc(zone, mr_civil_to_us(&civil));
    return true;
}

// Adds months and days on the wall clock (the day of a shorter month is its last) and microseconds.
// A timestamptz with some part below 0 moves by the microseconds first, as ICU's calendar, and so
// DuckDB, has it. False when out of range.
static bool add_interval(int64_t us, mr_interval by, const mr_zone *zone, bool zoned,
                         int64_t *ret) {
    int64_t moved = us;
    bool time_first = zoned && (by.months < 0 || by.days < 0 || by.us < 0);
    return (!time_first || mr_add_fits(moved, by.us, &moved)) &&
           mr_fn_time_add_months(moved, by.months, zone, &moved) &&
           add_days(moved, by.days, zone, &moved) &&
           mr_add_fits(moved, time_first ? (int64_t)0 : by.us, ret);
}

static bool negate(mr_interval in, mr_interval *ret) {
    return mr_sub_fits(0, in.months, &ret->months) && mr_sub_fits(0, in.days, &ret->days) &&
           mr_sub_fits((int64_t)0, in.us, &ret->us);
}

static void fail_range(mr_fn_call *call, uint32_t row, const char *sign) {
    if (call->arg_count == 1) {
        mr_eval_call_fail(call, row, "%s out of range: %s(%s)", mr_type_name(call->out->type), sign,
                          mr_eval_call_value(call, 0, row));
        return;
    }
    mr_eval_call_fail(call, row, "%s out of range: %s %s %s", mr_type_name(call->out->type),
                      mr_eval_call_value(call, 0, row), sign, mr_eval_call_value(call, 1, row));
}

#define EACH_LIVE(call, row)                      \
    mr_eval_rows rows_ = mr_eval_call_live(call); \
    for (uint32_t i_ = 0, row; i_ < rows_.count && (row = mr_eval_row(rows_, i_), 1); i_++)

static void move(mr_fn_call *call, const mr_zone *zone, bool back) {
    bool is_date = call->args[0].type.id == MR_DATE;
    bool zoned = call->args[0].type.id == MR_TIMESTAMPTZ;
    EACH_LIVE(call, row) {
        mr_interval by = MR_FN_ARG(call, 1, mr_interval, row);
        int64_t from = 0;
        bool fits = is_date
                        ? mr_mul_fits((int64_t)MR_FN_ARG(call, 0, int32_t, row), MR_DAY_US, &from)
                        : true;
        from = is_date ? from : MR_FN_ARG(call, 0, int64_t, row);
        call->out->int64s[row] = 0;
        if (!fits || (back && !negate(by, &by)) ||
            !add_interval(from, by, zone, zoned, &call->out->int64s[row])) {
            fail_range(call, row, back ? "-" : "+");
        }
    }
}

// clang-format off
void mr_fn_ADD_DATE_INTERVAL(mr_fn_call *call) { move(call, NULL, /* back= */ false); }
void mr_fn_SUB_DATE_INTERVAL(mr_fn_call *call) { move(call, NULL, /* back= */ true); }
void mr_fn_ADD_TIMESTAMP_INTERVAL(mr_fn_call *call) { move(call, NULL, /* back= */ false); }
void mr_fn_SUB_TIMESTAMP_INTERVAL(mr_fn_call *call) { move(call, NULL, /* back= */ true); }
void mr_fn_ADD_TIMESTAMPTZ_INTERVAL(mr_fn_call *call) { move(call, ZONE, /* back= */ false); }
void mr_fn_SUB_TIMESTAMPTZ_INTERVAL(mr_fn_call *call) { move(call, ZONE, /* back= */ true); }
// clang-format on

// The two days that DuckDB keeps for ±infinity are out of range.
static void move_date(mr_fn_call *call, bool back) {
    EACH_LIVE(call, row) {
        int64_t days = MR_FN_ARG(call, 1, int32_t, row);
        int64_t to = MR_FN_ARG(call, 0, int32_t, row) + (back ? -days : days);
        bool fits = to >= INT32_MIN && to < INT32_MAX && to != -(int64_t)INT32_MAX;
        call->out->int32s[row] = fits ? (int32_t)to : 0;
        if (!fits) {
            fail_range(call, row, back ? "-" : "+");
        }
    }
}

void mr_fn_ADD_DATE_INT32(mr_fn_call *call) {
    move_date(call, /* back= */ false);
}

void mr_fn_SUB_DATE_INT32(mr_fn_call *call) {
    move_date(call, /* back= */ true);
}

// ---- differences -------------------------------------------------------------------------------

void mr_fn_SUB_DATE(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        call->out->int64s[row] =
            (int64_t)MR_FN_ARG(call, 0, int32_t, row) - MR_FN_ARG(call, 1, int32_t, row);
    }
}

// Whole days and the rest, both with the sign of the difference.
void mr_fn_SUB_TIMESTAMP(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        int64_t us;
        call->out->intervals[row] = (mr_interval){.us = 0};
        if (!mr_sub_fits(MR_FN_ARG(call, 0, int64_t, row), MR_FN_ARG(call, 1, int64_t, row), &us)) {
            fail_range(call, row, "-");
            continue;
        }
        call->out->intervals[row] =
            (mr_interval){.days = (int32_t)(us / MR_DAY_US), .us = us % MR_DAY_US};
    }
}

// As above, but days are days of the wall clock, of 23 to 25 hours.
static bool difference(int64_t from, int64_t to, const mr_zone *zone, mr_interval *ret) {
    int64_t us, at;
    bool back = to < from;
    int64_t first = back ? to : from, last = back ? from : to;
    if (!mr_sub_fits(last, first, &us)) {
        return false;
    }
    int32_t days = (int32_t)(us / MR_DAY_US) + 1;
    while (!add_days(first, days, zone, &at) || at > last) {
        days--;
    }
    *ret = (mr_interval){.days = back ? -days : days, .us = back ? at - last : last - at};
    return true;
}

bool mr_fn_time_days(const mr_zone *zone, int64_t from, int64_t to, int64_t *ret) {
    mr_interval between;
    bool fits = difference(from, to, zone, &between);
    *ret = fits ? between.days : 0;
    return fits;
}

void mr_fn_SUB_TIMESTAMPTZ(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        call->out->intervals[row] = (mr_interval){.us = 0};
        if (!difference(MR_FN_ARG(call, 1, int64_t, row), MR_FN_ARG(call, 0, int64_t, row), ZONE,
                        &call->out->intervals[row])) {
            fail_range(call, row, "-");
        }
    }
}

// ---- intervals ---------------------------------------------------------------------------------

void mr_fn_ADD_INTERVAL(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        mr_interval a = MR_FN_ARG(call, 0, mr_interval, row),
                    b = MR_FN_ARG(call, 1, mr_interval, row);
        mr_interval *out = &call->out->intervals[row];
        if (!mr_add_fits(a.months, b.months, &out->months) ||
            !mr_add_fits(a.days, b.days, &out->days) || !mr_add_fits(a.us, b.us, &out->us)) {
            fail_range(call, row, "+");
        }
    }
}

void mr_fn_SUB_INTERVAL(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        mr_interval a = MR_FN_ARG(call, 0, mr_interval, row),
                    b = MR_FN_ARG(call, 1, mr_interval, row);
        mr_interval *out = &call->out->intervals[row];
        if (!mr_sub_fits(a.months, b.months, &out->months) ||
            !mr_sub_fits(a.days, b.days, &out->days) || !mr_sub_fits(a.us, b.us, &out->us)) {
            fail_range(call, row, "-");
        }
    }
}

void mr_fn_NEG_INTERVAL(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        call->out->intervals[row] = (mr_interval){.us = 0};
        if (!negate(MR_FN_ARG(call, 0, mr_interval, row), &call->out->intervals[row])) {
            fail_range(call, row, "-");
        }
    }
}

void mr_fn_MUL_INTERVAL(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        mr_interval a = MR_FN_ARG(call, 0, mr_interval, row);
        int64_t by = MR_FN_ARG(call, 1, int64_t, row);
        mr_interval *out = &call->out->intervals[row];
        *out = (mr_interval){.us = 0};
        if (by < INT32_MIN || by > INT32_MAX || !mr_mul_fits(a.months, (int32_t)by, &out->months) ||
            !mr_mul_fits(a.days, (int32_t)by, &out->days) || !mr_mul_fits(a.us, by, &out->us)) {
            fail_range(call, row, "*");
        }
    }
}

// Months of 30 days, but whole years of 365.25.
void mr_fn_EPOCH_INTERVAL(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        mr_interval x = MR_FN_ARG(call, 0, mr_interval, row);
        __int128 us = (__int128)(x.months / 12) * 1461 * MR_DAY_US / 4 +
                      ((__int128)(x.months % 12) * 30 + x.days) * MR_DAY_US + x.us;
        call->out->float64s[row] = (double)us / (double)MR_SECOND_US;
    }
}

// ---- numbers and times -------------------------------------------------------------------------

void mr_fn_TO_TIMESTAMP(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        double us = rint(MR_FN_ARG(call, 0, double, row) * (double)MR_SECOND_US);
        bool fits = us > -0x1p63 && us < 0x1p63;
        call->out->int64s[row] = fits ? (int64_t)us : 0;
        if (!fits) {
            mr_eval_call_fail(call, row, "timestamptz out of range: to_timestamp(%s)",
                              mr_eval_call_value(call, 0, row));
        }
    }
}

void mr_fn_MAKE_TIMESTAMP(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        call->out->int64s[row] = MR_FN_ARG(call, 0, int64_t, row);
    }
}

void mr_fn_EPOCH_MS_INT64(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        call->out->int64s[row] = 0;
        if (!mr_mul_fits(MR_FN_ARG(call, 0, int64_t, row), (int64_t)1000,
                         &call->out->int64s[row])) {
            fail_range(call, row, "epoch_ms");
        }
    }
}

static void epoch_double(mr_fn_call *call) {
    EACH_LIVE(call, row) {
        call->out->float64s[row] = (double)MR_FN_ARG(call, 0, int64_t, row) / (double)MR_SECOND_US;
    }
}

static void epoch_whole(mr_fn_call *call, int64_t unit_us) {
    EACH_LIVE(call, row) {
        call->out->int64s[row] = MR_FN_ARG(call, 0, int64_t, row) / unit_us;
    }
}

// clang-format off
void mr_fn_EPOCH_TIMESTAMP(mr_fn_call *call) { epoch_double(call); }
void mr_fn_EPOCH_TIMESTAMPTZ(mr_fn_call *call) { epoch_double(call); }
void mr_fn_EPOCH_MS_TIMESTAMP(mr_fn_call *call) { epoch_whole(call, 1000); }
void mr_fn_EPOCH_MS_TIMESTAMPTZ(mr_fn_call *call) { epoch_whole(call, 1000); }
void mr_fn_EPOCH_US_TIMESTAMP(mr_fn_call *call) { epoch_whole(call, 1); }
void mr_fn_EPOCH_US_TIMESTAMPTZ(mr_fn_call *call) { epoch_whole(call, 1); }
// clang-format on
