// JSON times, the rest: dates, wall clocks, epoch numbers, and every form that mr_civil_parse
// knows.

#include "codec/json_time.h"

// Days since 1970-01-01 to microseconds; false when a field is out of its range.
bool mr_json_time_day(const char *data, json_day *day) {
    uint32_t digits[10];
    for (int i = 0; i < 10; i++) {
        digits[i] = (uint32_t)(unsigned char)data[i] - '0';
        bool dash = i == 4 || i == 7;
        if (dash ? data[i] != '-' : digits[i] > 9) {
            return false;
        }
    }
    uint32_t year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    uint32_t month = digits[5] * 10 + digits[6];
    uint32_t day_of_month = digits[8] * 10 + digits[9];
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month - 1 > 11 || day_of_month == 0) {
        return false;
    }
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day_of_month > (uint32_t)lengths[month - 1] + (leap && month == 2)) {
        return false;
    }
    memcpy(&day->low, data, 8);
    memcpy(&day->high, data + 8, 2);
    day->us = mr_civil_days(year, (int32_t)month, (int32_t)day_of_month) * MR_DAY_US;
    return true;
}

// What comes before the offset from UTC of a valid time: Z, UTC, or +hh:mm behind the clock.
static mr_span time_wall(mr_span text) {
    text = mr_span_trim(text);
    if (mr_span_ends(text, "Z")) {
        return (mr_span){text.data, text.bytes - 1};
    }
    if (mr_span_ends(text, " UTC")) {
        return (mr_span){text.data, text.bytes - 4};
    }
    size_t at = text.bytes;
    while (at > 0 &&
           ((text.data[at - 1] >= '0' && text.data[at - 1] <= '9') || text.data[at - 1] == ':')) {
        at--;
    }
    bool sign = at > 0 && (text.data[at - 1] == '+' || text.data[at - 1] == '-');
    // A date's last dash has no clock before it.
    if (!sign || memchr(text.data, ':', at) == NULL) {
        return text;
    }
    return (mr_span){text.data, at - 1};
}

bool mr_json_time_text(mr_type type, const mr_zone *zone, mr_span text, int64_t *ret) {
    if (type.id == MR_DATE) {
        int32_t days = 0;
        if (!mr_civil_parse_date(text.data, text.bytes, &days)) {
            return false;
        }
        *ret = days;
        return true;
    }
    if (!mr_civil_parse(text.data, text.bytes, zone, ret)) {
        return false;
    }
    if (type.id == MR_TIMESTAMP) {
        // The wall clock that is written; an offset says nothing about it.
        mr_span wall = time_wall(text);
        return mr_civil_parse(wall.data, wall.bytes, NULL, ret);
    }
    return true;
}

bool mr_json_time_epoch(const json_spot *spot, const mr_zone *zone, const char *at, int64_t *ret) {
    static const int64_t units[] = {[MR_TIME_ISO] = 0,
                                    [MR_TIME_EPOCH_S] = 1000000,
                                    [MR_TIME_EPOCH_MS] = 1000,
                                    [MR_TIME_EPOCH_US] = 1};
    int64_t us = 0;
    if (!mr_json_number_time(at, units[spot->field->time_format], &us)) {
        return false;
    }
    if (spot->type.id == MR_DATE) {
        *ret = mr_zone_date(zone, us);
    } else if (spot->type.id == MR_TIMESTAMP && zone != NULL) {
        return mr_add_fits(us, (int64_t)mr_zone_offset_s(zone, us) * MR_SECOND_US, ret);
    } else {
        *ret = us;
    }
    return true;
}
