// Fn, time: dates, times and intervals from numbers; times of day; other zones.
//
// Also: mr_fn_.

#include <math.h>

#include "exec/fn_time.h"

static void fail_date(mr_fn_call *call, uint32_t row) {
    mr_eval_call_fail(call, row, "date out of range: %s-%s-%s", mr_eval_call_value(call, 0, row),
                      mr_eval_call_value(call, 1, row), mr_eval_call_value(call, 2, row));
}

void mr_fn_MAKE_DATE(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        int64_t year = MR_FN_ARG(call, 0, int64_t, row), month = MR_FN_ARG(call, 1, int64_t, row);
        int64_t day = MR_FN_ARG(call, 2, int64_t, row);
        bool good = year >= -290000 && year <= 294000 && month >= 1 && month <= 12 && day >= 1 &&
                    day <= mr_fn_time_month_days(year, (int32_t)month);
        call->out->int32s[row] =
            good ? (int32_t)mr_civil_days(year, (int32_t)month, (int32_t)day) : 0;
        if (!good) {
            fail_date(call, row);
        }
    }
}

void mr_fn_MAKE_DATE_DAYS(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        call->out->int32s[row] = MR_FN_ARG(call, 0, int32_t, row);
    }
}

// Up to 24:00:00; a second of 60 is the next minute.
void mr_fn_MAKE_TIME(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        int64_t hour = MR_FN_ARG(call, 0, int64_t, row), minute = MR_FN_ARG(call, 1, int64_t, row);
        double second = MR_FN_ARG(call, 2, double, row);
        bool good = hour >= 0 && hour <= 24 && minute >= 0 && minute < 60 && second >= 0 &&
                    rint(second) <= 60;
        int64_t us = 0;
        if (good) {
            us = (hour * 60 + minute) * 60 * MR_SECOND_US + llround(second * 1e6);
            good = us <= MR_DAY_US && (hour < 24 || us == MR_DAY_US);
        }
        call->out->int64s[row] = good ? us : 0;
        if (!good) {
            mr_eval_call_fail(call, row, "time out of range: %s:%s:%s",
                              mr_eval_call_value(call, 0, row), mr_eval_call_value(call, 1, row),
                              mr_eval_call_value(call, 2, row));
        }
    }
}

// ---- intervals ---------------------------------------------------------------------------------

static void interval_of(mr_fn_call *call, mr_interval one, const char *units) {
    MR_FN_EACH(call, row) {
        int64_t n = MR_FN_ARG(call, 0, int64_t, row);
        mr_interval *out = &call->out->intervals[row];
        *out = (mr_interval){.us = 0};
        bool small = n >= INT32_MIN && n <= INT32_MAX;
        bool good = (one.us != 0 || small) && mr_mul_fits(n, one.us, &out->us) &&
                    (!small || (mr_mul_fits((int32_t)n, one.months, &out->months) &&
                                mr_mul_fits((int32_t)n, one.days, &out->days)));
        if (!good) {
            mr_eval_call_fail(call, row, "interval out of range: %s %s",
                              mr_eval_call_value(call, 0, row), units);
        }
    }
}

#define INTERVAL_OF(ID, UNITS, ...)                           \
    void mr_fn_##ID(mr_fn_call *call) {                       \
        interval_of(call, (mr_interval){__VA_ARGS__}, UNITS); \
    }
INTERVAL_OF(TO_MILLENNIA, "millennia", .months = 12000)
INTERVAL_OF(TO_CENTURIES, "centuries", .months = 1200)
INTERVAL_OF(TO_DECADES, "decades", .months = 120)
INTERVAL_OF(TO_YEARS, "years", .months = 12)
INTERVAL_OF(TO_QUARTERS, "quarters", .months = 3)
INTERVAL_OF(TO_MONTHS, "months", .months = 1)
INTERVAL_OF(TO_WEEKS, "weeks", .days = 7)
INTERVAL_OF(TO_DAYS, "days", .days = 1)
INTERVAL_OF(TO_HOURS, "hours", .us = 3600 * MR_SECOND_US)
INTERVAL_OF(TO_MINUTES, "minutes", .us = 60 * MR_SECOND_US)
INTERVAL_OF(TO_MICROSECONDS, "microseconds", .us = 1)

static void interval_of_double(mr_fn_call *call, double unit_us, const char *units) {
    MR_FN_EACH(call, row) {
        double us = rint(MR_FN_ARG(call, 0, double, row) * unit_us);
        bool good = us >= -0x1p63 && us < 0x1p63;
        call->out->intervals[row] = (mr_interval){.us = good ? (int64_t)us : 0};
        if (!good) {
            mr_eval_call_fail(call, row, "interval out of range: %s %s",
                              mr_eval_call_value(call, 0, row), units);
        }
    }
}

void mr_fn_TO_SECONDS(mr_fn_call *call) {
    interval_of_double(call, 1e6, "seconds");
}

void mr_fn_TO_MILLISECONDS(mr_fn_call *call) {
    interval_of_double(call, 1e3, "milliseconds");
}

// ---- nanoseconds -------------------------------------------------------------------------------

static void epoch_ns(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        call->out->int64s[row] = 0;
        if (!mr_mul_fits(MR_FN_ARG(call, 0, int64_t, row), (int64_t)1000,
                         &call->out->int64s[row])) {
            mr_eval_call_fail(call, row, "nanoseconds out of range: %s",
                              mr_eval_call_value(call, 0, row));
        }
    }
}

void mr_fn_EPOCH_NS_TIMESTAMP(mr_fn_call *call) {
    epoch_ns(call);
}

void mr_fn_EPOCH_NS_TIMESTAMPTZ(mr_fn_call *call) {
    epoch_ns(call);
}

// ---- times of day ------------------------------------------------------------------------------

void mr_fn_ADD_DATE_TIME(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        int64_t us = 0;
        call->out->int64s[row] = 0;
        if (!mr_mul_fits((int64_t)MR_FN_ARG(call, 0, int32_t, row), MR_DAY_US, &us) ||
            !mr_add_fits(us, MR_FN_ARG(call, 1, int64_t, row), &call->out->int64s[row])) {
            mr_eval_call_fail(call, row, "timestamp out of range: %s + %s",
                              mr_eval_call_value(call, 0, row), mr_eval_call_value(call, 1, row));
        }
    }
}

// Days and months do not move a time; what passes midnight goes on at the other end.
static void move_time(mr_fn_call *call, int64_t sign) {
    MR_FN_EACH(call, row) {
        int64_t by = MR_FN_ARG(call, 1, mr_interval, row).us % MR_DAY_US;
        int64_t us = (MR_FN_ARG(call, 0, int64_t, row) + sign * by) % MR_DAY_US;
        call->out->int64s[row] = us < 0 ? us + MR_DAY_US : us;
    }
}

void mr_fn_ADD_TIME_INTERVAL(mr_fn_call *call) {
    move_time(call, 1);
}

void mr_fn_SUB_TIME_INTERVAL(mr_fn_call *call) {
    move_time(call, -1);
}

void mr_fn_EPOCH_TIME(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        call->out->float64s[row] = (double)MR_FN_ARG(call, 0, int64_t, row) / (double)MR_SECOND_US;
    }
}

void mr_fn_DATE_PART_TIME(mr_fn_call *call) {
    mr_time_unit unit = MR_UNIT_COUNT;
    MR_FN_EACH(call, row) {
        if (call->args[0].kind != MR_CONST || unit == MR_UNIT_COUNT) {
            unit = mr_fn_time_unit_arg(call, row);
        }
        int64_t us = MR_FN_ARG(call, 1, int64_t, row), *ret = &call->out->int64s[row];
        *ret = 0;
        switch ((int)unit) {
        case MR_UNIT_HOUR: *ret = us / (3600 * MR_SECOND_US); break;
        case MR_UNIT_MINUTE: *ret = us / (60 * MR_SECOND_US) % 60; break;
        case MR_UNIT_SECOND: *ret = us / MR_SECOND_US % 60; break;
        case MR_UNIT_MILLISECOND: *ret = us / 1000 % 60000; break;
        case MR_UNIT_MICROSECOND: *ret = us % (60 * MR_SECOND_US); break;
        case MR_UNIT_COUNT: break;
        default:
            mr_eval_call_fail(call, row, "a time has no field %s",
                              mr_eval_call_quote(call, mr_fn_str(call, 0, row)));
        }
    }
}

// ---- other zones -------------------------------------------------------------------------------

// The wall clock of a zone as a moment. The binder has read the zone.
void mr_fn_TIMEZONE_TIMESTAMP(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        call->out->int64s[row] = mr_fn_time_utc(call->node->zone, MR_FN_ARG(call, 1, int64_t, row));
    }
}

void mr_fn_TIMEZONE_TIMESTAMPTZ(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        call->out->int64s[row] =
            mr_fn_time_local(call->node->zone, MR_FN_ARG(call, 1, int64_t, row));
    }
}
