// Fn, time: differences in units, ages, last days and names of days and months.
//
// A timestamptz is looked at on the wall clock of the session's zone; hours and less of differences
// are real time. Also: mr_fn_.

#include "exec/fn_time.h"

#define ZONE (call->run->env->zone)

// False: a date that is no timestamp.
static bool time_arg(mr_fn_call *call, uint32_t arg, uint32_t row, int64_t *ret) {
    if (call->args[arg].type.id != MR_DATE) {
        *ret = MR_FN_ARG(call, arg, int64_t, row);
        return true;
    }
    return mr_mul_fits((int64_t)MR_FN_ARG(call, arg, int32_t, row), MR_DAY_US, ret);
}

// Microseconds of a unit of a day or less; 0 for the others.
static int64_t unit_us(mr_time_unit unit) {
    switch ((int)unit) {
    case MR_UNIT_HOUR: return 3600 * MR_SECOND_US;
    case MR_UNIT_MINUTE: return 60 * MR_SECOND_US;
    case MR_UNIT_SECOND:
    case MR_UNIT_EPOCH: return MR_SECOND_US;
    case MR_UNIT_MILLISECOND: return 1000;
    case MR_UNIT_MICROSECOND: return 1;
    default: return 0;
    }
}

static int64_t year_size(mr_time_unit unit) {
    return unit == MR_UNIT_DECADE       ? 10
           : unit == MR_UNIT_CENTURY    ? 100
           : unit == MR_UNIT_MILLENNIUM ? 1000
                                        : 1;
}

// Borders of a unit between two wall clocks. False: the unit has none.
static bool borders(mr_time_unit unit, int64_t from, int64_t to, int64_t *ret) {
    mr_civil a, b;
    mr_civil_from_us(from, &a);
    mr_civil_from_us(to, &b);
    int64_t day_a = mr_floor_div(from, MR_DAY_US), day_b = mr_floor_div(to, MR_DAY_US);
    switch ((int)unit) {
    case MR_UNIT_YEAR:
    case MR_UNIT_DECADE:
    case MR_UNIT_CENTURY:
    case MR_UNIT_MILLENNIUM: *ret = b.year / year_size(unit) - a.year / year_size(unit); break;
    case MR_UNIT_QUARTER:
        *ret = (b.year * 12 + b.month - 1) / 3 - (a.year * 12 + a.month - 1) / 3;
        break;
    case MR_UNIT_MONTH: *ret = (b.year - a.year) * 12 + b.month - a.month; break;
    case MR_UNIT_ISOYEAR: *ret = mr_fn_time_iso_year(day_b) - mr_fn_time_iso_year(day_a); break;
    case MR_UNIT_WEEK:
    case MR_UNIT_YEARWEEK:
        *ret = (day_b - day_a) / 7;  // DuckDB's: not Mondays.
        break;
    case MR_UNIT_DAY:
    case MR_UNIT_DOW:
    case MR_UNIT_ISODOW:
    case MR_UNIT_DOY: *ret = day_b - day_a; break;
    default: return false;
    }
    return true;
}

// Whole months from one wall clock to another; the last day of a shorter month counts as the day.
static int64_t whole_months(int64_t from, int64_t to) {
    if (from > to) {
        return -whole_months(to, from);
    }
    mr_civil a, b;
    mr_civil_from_us(from, &a);
    mr_civil_from_us(to, &b);
    int64_t time_a = from - mr_floor_div(from, MR_DAY_US) * MR_DAY_US;
    int64_t time_b = to - mr_floor_div(to, MR_DAY_US) * MR_DAY_US;
    int32_t last = mr_fn_time_month_days(b.year, b.month);
    if (b.day == last && a.day > last) {
        a.day = last;
    }
    bool less = b.day < a.day || (b.day == a.day && time_b < time_a);
    return (b.year - a.year) * 12 + b.month - a.month - less;
}

// The same from `from` on or back, as ICU's calendar counts for a timestamptz.
static int64_t calendar_months(int64_t from, int64_t to) {
    mr_civil a, b;
    mr_civil_from_us(from, &a);
    mr_civil_from_us(to, &b);
    int64_t time_a = from - mr_floor_div(from, MR_DAY_US) * MR_DAY_US;
    int64_t time_b = to - mr_floor_div(to, MR_DAY_US) * MR_DAY_US;
    int64_t months = (b.year - a.year) * 12 + b.month - a.month;
    int32_t day = MR_MIN(a.day, mr_fn_time_month_days(b.year, b.month));
    int64_t order = day != b.day ? (int64_t)day - b.day : time_a - time_b;  // Of a, moved, and b.
    return months - (to >= from && order > 0) + (to < from && order < 0);
}

// On the days when clocks change the moments decide, not what the wall clocks show.
static int64_t settle_months(const mr_zone *zone, int64_t from, int64_t to, int64_t months) {
    int64_t at = 0, step = to >= from ? 1 : -1;
    bool fits = mr_fn_time_add_months(from, (int32_t)months, zone, &at);
    if (fits && months != 0 && (step > 0 ? at > to : at < to)) {
        return months - step;
    }
    fits = mr_fn_time_add_months(from, (int32_t)(months + step), zone, &at);
    return fits && (step > 0 ? at <= to : at >= to) ? months + step : months;
}

// Whole units from one wall clock to another, of which the whole months are known. False: the unit
// has none.
static bool whole_units(mr_time_unit unit, int64_t months, int64_t from, int64_t to, int64_t *ret) {
    switch ((int)unit) {
    case MR_UNIT_YEAR:
    case MR_UNIT_ISOYEAR:
    case MR_UNIT_DECADE:
    case MR_UNIT_CENTURY:
    case MR_UNIT_MILLENNIUM: *ret = months / (12 * year_size(unit)); return true;
    case MR_UNIT_QUARTER: *ret = months / 3; return true;
    case MR_UNIT_MONTH: *ret = months; return true;
    case MR_UNIT_WEEK:
    case MR_UNIT_YEARWEEK: *ret = (to - from) / (7 * MR_DAY_US); return true;
    case MR_UNIT_DAY:
    case MR_UNIT_DOW:
    case MR_UNIT_ISODOW:
    case MR_UNIT_DOY: *ret = (to - from) / MR_DAY_US; return true;
    default: return false;
    }
}

// The start of an hour or less, on the wall clock of a timestamptz.
static int64_t unit_start(mr_fn_call *call, int64_t us, int64_t size, bool zoned) {
    int64_t local = zoned ? mr_fn_time_local(ZONE, us) : us;
    return us - (local - mr_floor_div(local, size) * size);
}

static void difference(mr_fn_call *call, bool whole) {
    bool zoned = call->args[1].type.id == MR_TIMESTAMPTZ,
         is_time = call->args[1].type.id == MR_TIME;
    mr_time_unit known = MR_UNIT_COUNT;
    MR_FN_EACH(call, row) {
        if (call->args[0].kind != MR_CONST || known == MR_UNIT_COUNT) {
            known = mr_fn_time_unit_arg(call, row);
        }
        int64_t from = 0, to = 0, size = unit_us(known);
        bool fits = time_arg(call, 1, row, &from) && time_arg(call, 2, row, &to);
        int64_t *ret = &call->out->int64s[row], between = 0;
        bool good = known != MR_UNIT_COUNT;
        *ret = 0;
        if (!good) {
            continue;
        }
        if (!fits) {
            good = false;
        } else if (size > 0 && whole) {
            good = mr_sub_fits(to, from, &between);
            *ret = between / size;
        } else if (size > 0) {
            good = mr_sub_fits(unit_start(call, to, size, zoned),
                               unit_start(call, from, size, zoned), &between);
            *ret = between / size;
        } else if (zoned && whole && known == MR_UNIT_DAY) {
            good = mr_fn_time_days(ZONE, from, to, ret);
        } else {
            int64_t a = zoned ? mr_fn_time_local(ZONE, from) : from;
            int64_t b = zoned ? mr_fn_time_local(ZONE, to) : to;
            int64_t months = !whole  ? 0
                             : zoned ? settle_months(ZONE, from, to, calendar_months(a, b))
                                     : whole_months(a, b);
            good = !is_time && mr_sub_fits(b, a, &between) &&
                   (whole ? whole_units(known, months, a, b, ret) : borders(known, a, b, ret));
        }
        if (!good) {
            mr_eval_call_fail(call, row, "no difference of %s and %s in units of %s",
                              mr_eval_call_value(call, 1, row), mr_eval_call_value(call, 2, row),
                              mr_eval_call_quote(call, mr_fn_str(call, 0, row)));
        }
    }
}

// clang-format off
void mr_fn_DATE_DIFF_DATE(mr_fn_call *call) { difference(call, /* whole= */ false); }
void mr_fn_DATE_DIFF_TIME(mr_fn_call *call) { difference(call, /* whole= */ false); }
void mr_fn_DATE_DIFF_TIMESTAMP(mr_fn_call *call) { difference(call, /* whole= */ false); }
void mr_fn_DATE_DIFF_TIMESTAMPTZ(mr_fn_call *call) { difference(call, /* whole= */ false); }
void mr_fn_DATE_SUB_DATE(mr_fn_call *call) { difference(call, /* whole= */ true); }
void mr_fn_DATE_SUB_TIME(mr_fn_call *call) { difference(call, /* whole= */ true); }
void mr_fn_DATE_SUB_TIMESTAMP(mr_fn_call *call) { difference(call, /* whole= */ true); }
void mr_fn_DATE_SUB_TIMESTAMPTZ(mr_fn_call *call) { difference(call, /* whole= */ true); }
// clang-format on

// ---- ages --------------------------------------------------------------------------------------

// Months, days and time from one wall clock to a later one; days are borrowed from the month of the
// earlier one, as PostgreSQL does.
static mr_interval age_between(int64_t from, int64_t to) {
    mr_civil a, b;
    mr_civil_from_us(from, &a);
    mr_civil_from_us(to, &b);
    int64_t months = (b.year - a.year) * 12 + b.month - a.month;
    int32_t days = b.day - a.day;
    int64_t us = (to - mr_floor_div(to, MR_DAY_US) * MR_DAY_US) -
                 (from - mr_floor_div(from, MR_DAY_US) * MR_DAY_US);
    if (us < 0) {
        us += MR_DAY_US;
        days--;
    }
    if (days < 0) {
        days += mr_fn_time_month_days(a.year, a.month);
        months--;
    }
    return (mr_interval){.months = (int32_t)months, .days = days, .us = us};
}

static void age(mr_fn_call *call, const mr_zone *zone) {
    MR_FN_EACH(call, row) {
        int64_t to = mr_fn_time_local(zone, MR_FN_ARG(call, 0, int64_t, row));
        int64_t from = mr_fn_time_local(zone, MR_FN_ARG(call, 1, int64_t, row));
        mr_interval age = age_between(MR_MIN(from, to), MR_MAX(from, to));
        if (from > to) {
            age = (mr_interval){.months = -age.months, .days = -age.days, .us = -age.us};
        }
        call->out->intervals[row] = age;
    }
}

void mr_fn_AGE_TIMESTAMP(mr_fn_call *call) {
    age(call, /* zone= */ NULL);
}

void mr_fn_AGE_TIMESTAMPTZ(mr_fn_call *call) {
    age(call, ZONE);
}

// ---- days and months ---------------------------------------------------------------------------

// The day of argument 0 on the wall clock; returns its number.
static int64_t day_arg(mr_fn_call *call, uint32_t row, mr_civil *ret) {
    int64_t days;
    if (call->args[0].type.id == MR_DATE) {
        days = MR_FN_ARG(call, 0, int32_t, row);
    } else {
        int64_t us = MR_FN_ARG(call, 0, int64_t, row);
        bool zoned = call->args[0].type.id == MR_TIMESTAMPTZ;
        days = mr_floor_div(zoned ? mr_fn_time_local(ZONE, us) : us, MR_DAY_US);
    }
    mr_civil_from_days(days, ret);
    return days;
}

static void last_day(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        mr_civil c;
        (void)day_arg(call, row, &c);
        int64_t last = mr_civil_days(c.year, c.month, mr_fn_time_month_days(c.year, c.month));
        call->out->int32s[row] = (int32_t)MR_MIN(last, (int64_t)INT32_MAX);  // No month ends there.
    }
}

static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};

const char *mr_fn_time_day_name(int64_t weekday) {
    return day_names[weekday];
}

const char *mr_fn_time_month_name(int32_t month) {
    return month_names[month - 1];
}

static void name_of(mr_fn_call *call, bool month) {
    MR_FN_EACH(call, row) {
        mr_civil c;
        int64_t days = day_arg(call, row, &c);
        mr_span name =
            mr_span_of(month ? month_names[c.month - 1] : day_names[((days + 4) % 7 + 7) % 7]);
        call->out->strs[row] = (mr_str){.data = name.data, .bytes = mr_u32(name.bytes)};
    }
}

// clang-format off
void mr_fn_LAST_DAY_DATE(mr_fn_call *call) { last_day(call); }
void mr_fn_LAST_DAY_TIMESTAMP(mr_fn_call *call) { last_day(call); }
void mr_fn_LAST_DAY_TIMESTAMPTZ(mr_fn_call *call) { last_day(call); }
void mr_fn_DAYNAME_DATE(mr_fn_call *call) { name_of(call, /* month= */ false); }
void mr_fn_DAYNAME_TIMESTAMP(mr_fn_call *call) { name_of(call, /* month= */ false); }
void mr_fn_DAYNAME_TIMESTAMPTZ(mr_fn_call *call) { name_of(call, /* month= */ false); }
void mr_fn_MONTHNAME_DATE(mr_fn_call *call) { name_of(call, /* month= */ true); }
void mr_fn_MONTHNAME_TIMESTAMP(mr_fn_call *call) { name_of(call, /* month= */ true); }
void mr_fn_MONTHNAME_TIMESTAMPTZ(mr_fn_call *call) { name_of(call, /* month= */ true); }
// clang-format on
