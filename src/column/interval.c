// Interval: reading, printing, comparing; see interval.h.

#include "column/interval.h"

#include <math.h>
#include <string.h>

#include "base/civil.h"

static const struct {
    const char *name;
    int32_t months;
    int32_t days;
    int64_t us;
} units[] = {
    {"microsecond", 0, 0, 1},
    {"us", 0, 0, 1},
    {"millisecond", 0, 0, 1000},
    {"ms", 0, 0, 1000},
    {"second", 0, 0, 1000000},
    {"sec", 0, 0, 1000000},
    {"s", 0, 0, 1000000},
    {"minute", 0, 0, 60000000},
    {"min", 0, 0, 60000000},
    {"m", 0, 0, 60000000},
    {"hour", 0, 0, 3600000000},
    {"hr", 0, 0, 3600000000},
    {"h", 0, 0, 3600000000},
    {"day", 0, 1, 0},
    {"d", 0, 1, 0},
    {"week", 0, 7, 0},
    {"w", 0, 7, 0},
    {"month", 1, 0, 0},
    {"mon", 1, 0, 0},
    {"quarter", 3, 0, 0},
    {"year", 12, 0, 0},
    {"yr", 12, 0, 0},
    {"y", 12, 0, 0},
    {"decade", 120, 0, 0},
    {"century", 1200, 0, 0},
};

// Adds number × unit, where number is text such as "1.5". False when unknown or out of range.
static bool add_unit(mr_interval *sum, double number, mr_span unit) {
    for (size_t i = 0; i < MR_COUNT(units); i++) {
        mr_span name = mr_span_of(units[i].name);
        bool plural = unit.bytes == name.bytes + 1 && (unit.data[name.bytes] | 32) == 's' &&
                      mr_span_equal_nocase((mr_span){unit.data, name.bytes}, name);
        if (!plural && !mr_span_equal_nocase(unit, name)) {
            continue;
        }
        double months = number * units[i].months, days = number * units[i].days;
        double us = number * (double)units[i].us;
        if (units[i].days != 0) {  // Parts of a day become time.
            us = (days - trunc(days)) * (double)MR_DAY_US;
            days = trunc(days);
        }
        bool whole = months == trunc(months);
        bool fits = fabs(months) < 1e9 && fabs(days) < 1e9 && fabs(us) < 9e18;
        return whole && fits && mr_add_fits(sum->months, (int32_t)months, &sum->months) &&
               mr_add_fits(sum->days, (int32_t)days, &sum->days) &&
               mr_add_fits(sum->us, (int64_t)llround(us), &sum->us);
    }
    return false;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Takes a number such as "-1.5" off the front of *in.
static bool take_number(mr_span *in, double *ret) {
    size_t end = in->bytes > 0 && (in->data[0] == '-' || in->data[0] == '+') ? 1 : 0;
    size_t first = end;
    while (end < in->bytes && (is_digit(in->data[end]) || in->data[end] == '.')) {
        end++;
    }
    size_t skip = first == 1 && in->data[0] == '+' ? 1 : 0;
    if (end == first || !mr_text_parse_double((mr_span){in->data + skip, end - skip}, ret)) {
        return false;
    }
    *in = (mr_span){in->data + end, in->bytes - end};
    return true;
}

// "HH:MM[:SS[.ffffff]]" behind a number of hours already taken.
static bool take_clock(mr_span *in, double hours, bool negative, mr_interval *sum) {
    double part[3] = {fabs(hours), 0, 0};
    for (int i = 1; i <= 2 && in->bytes > 0 && in->data[0] == ':'; i++) {
        *in = (mr_span){in->data + 1, in->bytes - 1};
        if (in->bytes == 0 || !is_digit(in->data[0]) || !take_number(in, &part[i]) ||
            part[i] >= 60) {
            return false;
        }
    }
    double us = ((part[0] * 60 + part[1]) * 60 + part[2]) * 1e6;
    if (us >= 9e18) {
        return false;
    }
    int64_t whole = llround(us);
    return mr_add_fits(sum->us, negative ? -whole : whole, &sum->us);
}

// ISO 8601: P1Y2M3DT4H5M6S behind the P.
static bool iso_interval(mr_span in, mr_interval *sum) {
    bool time = false;
    while (in.bytes > 0) {
        if (!time && (in.data[0] | 32) == 't') {
            time = true;
            in = (mr_span){in.data + 1, in.bytes - 1};
        }
        double number;
        if (!take_number(&in, &number) || in.bytes == 0) {
            return false;
        }
        char letter = (char)(in.data[0] | 32);
        const char *unit = letter == 'm' ? (time ? "minute" : "month") : (char[]){letter, '\0'};
        if (strchr(time ? "hms" : "ymwd", letter) == NULL ||
            !add_unit(sum, number, mr_span_of(unit))) {
            return false;
        }
        in = (mr_span){in.data + 1, in.bytes - 1};
    }
    return true;
}

bool mr_interval_parse(mr_span in, mr_interval *ret) {
    mr_interval sum = {0, 0, 0};
    in = mr_span_trim(in);
    bool some = false;
    if (in.bytes > 1 && (in.data[0] | 32) == 'p') {
        some = iso_interval((mr_span){in.data + 1, in.bytes - 1}, &sum);
        *ret = sum;
        return some;
    }
    while (in.bytes > 0) {
        double number;
        bool negative = in.data[0] == '-';
        if (!take_number(&in, &number)) {
            return false;
        }
        if (in.bytes > 0 && in.data[0] == ':') {
            if (!take_clock(&in, number, negative, &sum)) {
                return false;
            }
        } else {
            in = mr_span_trim(in);
            size_t end = 0;
            while (end < in.bytes && ((in.data[end] | 32) >= 'a' && (in.data[end] | 32) <= 'z')) {
                end++;
            }
            if (!add_unit(&sum, number, (mr_span){in.data, end})) {
                return false;
            }
            in = (mr_span){in.data + end, in.bytes - end};
        }
        in = mr_span_trim(in);
        some = true;
    }
    *ret = sum;
    return some;
}

// ---- printing ----------------------------------------------------------------------------------

static void print_count(int64_t count, const char *unit, bool *first, mr_text *out) {
    if (count != 0) {
        mr_text_addf(out, "%s%lld %s%s", *first ? "" : " ", (long long)count, unit,
                     count == 1 || count == -1 ? "" : "s");
        *first = false;
    }
}

void mr_interval_print(mr_interval value, mr_text *out) {
    bool first = true;
    print_count(value.months / 12, "year", &first, out);
    print_count(value.months % 12, "month", &first, out);
    print_count(value.days, "day", &first, out);
    if (value.us == 0 && !first) {
        return;
    }
    uint64_t us = value.us < 0 ? 0 - (uint64_t)value.us : (uint64_t)value.us;
    uint64_t second = (uint64_t)MR_SECOND_US;
    mr_text_addf(out, "%s%s%02llu:%02llu:%02llu", first ? "" : " ", value.us < 0 ? "-" : "",
                 (unsigned long long)(us / (3600 * second)),
                 (unsigned long long)(us / (60 * second) % 60),
                 (unsigned long long)(us / second % 60));
    if (us % second != 0) {
        mr_text_addf(out, ".%06llu", (unsigned long long)(us % second));
        while (out->data[out->bytes - 1] == '0') {
            out->data[--out->bytes] = 0;
        }
    }
}

// ---- order -------------------------------------------------------------------------------------

mr_int128 mr_interval_length_us(mr_interval value) {
    return ((mr_int128)value.months * 30 + value.days) * MR_DAY_US + value.us;
}

int mr_interval_compare(mr_interval a, mr_interval b) {
    mr_int128 left = mr_interval_length_us(a);
    mr_int128 right = mr_interval_length_us(b);
    return left < right ? -1 : left > right;
}

static int32_t within_int32(mr_int128 value) {
    return (int32_t)MR_MAX(MR_MIN(value, (mr_int128)INT32_MAX), (mr_int128)INT32_MIN);
}

mr_interval mr_interval_canonical(mr_interval value) {
    mr_int128 us = mr_interval_length_us(value);
    mr_interval ret = {.us = (int64_t)(us % MR_DAY_US)};
    mr_int128 days = us / MR_DAY_US;
    if (days < INT32_MIN || days > INT32_MAX) {
        ret.months = within_int32(days / 30);
        days -= (mr_int128)ret.months * 30;
    }
    ret.days = within_int32(days);
    ret.us += (int64_t)(days - ret.days) * MR_DAY_US;  // Of the longest ones alone.
    return ret;
}
