// Zone: a time zone from a TZif file, as a table of its changes; see civil.h.
//
// How: the footer's rule (POSIX TZ) is expanded at parse time to 400 years of changes behind the
// file's own. The calendar repeats after 400 years to the weekday, so any later moment is moved
// down by whole cycles. Between 1970 and 2200 an index of half-year steps finds the change in a
// look or two; elsewhere it is a binary search.
// Source: RFC 8536 (TZif), POSIX.1-2017 section 8.3 (TZ) with RFC 8536's hours -167 .. 167.

#include <string.h>

#include "base/civil.h"

#define CYCLE_YEARS  400
#define CYCLE_S      ((int64_t)146097 * 86400)
#define DAY_S        ((int64_t)86400)
#define CHANGES_MAX  65536
#define INDEX_SHIFT  24   // 2^24 s = 194 days.
#define INDEX_COUNT  432  // From 1970 to about 2199.
#define OFFSET_S_MAX (26 * 3600)
#define SECOND_MIN   (INT64_MIN / 1000000)  // What microseconds can say.
#define SECOND_MAX   (INT64_MAX / 1000000)

typedef struct zone_change {
    int64_t at_s;      // First second, UTC, at which offset_s holds.
    int32_t offset_s;  // East of UTC.
} zone_change;

struct mr_zone {
    const char *name;
    zone_change *changes;  // In order; the first one is at INT64_MIN.
    uint32_t count;
    bool cycles;                  // The last CYCLE_YEARS of changes repeat for ever.
    uint32_t index[INDEX_COUNT];  // Change that holds at i << INDEX_SHIFT.
};

// ---- look-up -----------------------------------------------------------------------------------

// The change that holds at s, which is within the table.
static uint32_t zone_find(const mr_zone *zone, int64_t s) {
    if (s >= 0 && (s >> INDEX_SHIFT) < INDEX_COUNT) {
        uint32_t i = zone->index[s >> INDEX_SHIFT];
        while (i + 1 < zone->count && zone->changes[i + 1].at_s <= s) {
            i++;
        }
        return i;
    }
    uint32_t low = 0, high = zone->count;  // changes[low].at_s <= s < changes[high].at_s
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at_s <= s) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

// The same second of an earlier cycle, in the table's last one.
static int64_t zone_fold(const mr_zone *zone, int64_t s) {
    int64_t end = zone->changes[zone->count - 1].at_s;
    if (!zone->cycles || s < end) {
        return s;
    }
    return s - ((s - end) / CYCLE_S + 1) * CYCLE_S;
}

const char *mr_zone_name(const mr_zone *zone) {
    return zone == NULL ? "UTC" : zone->name;
}

int32_t mr_zone_offset_s(const mr_zone *zone, int64_t utc_us) {
    if (zone == NULL) {
        return 0;
    }
    int64_t s = zone_fold(zone, mr_floor_div(utc_us, MR_SECOND_US));
    return zone->changes[zone_find(zone, s)].offset_s;
}

int64_t mr_zone_to_utc(const mr_zone *zone, int64_t local_us) {
    if (zone == NULL) {
        return local_us;
    }
    int64_t local_s = mr_floor_div(local_us, MR_SECOND_US);
    // Two days before the table's end, so that the changes around are in it.
    int64_t s = zone->cycles ? zone_fold(zone, local_s + 2 * DAY_S) - 2 * DAY_S : local_s;
    uint32_t i = zone_find(zone, s + OFFSET_S_MAX);
    // Back to the last change after which the wall clock showed no more than this: a time in a
    // skipped hour is read by the clock as it was, one that comes twice is the second.
    while (i > 0 && zone->changes[i].at_s + zone->changes[i].offset_s > s) {
        i--;
    }
    int32_t offset_s = zone->changes[i].offset_s;
    return local_us - offset_s * MR_SECOND_US;
}

int32_t mr_zone_stretch(const mr_zone *zone, int64_t utc_us, int64_t *ret_from_us,
                        int64_t *ret_to_us) {
    *ret_from_us = INT64_MIN;
    *ret_to_us = INT64_MAX;
    if (zone == NULL) {
        return 0;
    }
    int64_t s = mr_floor_div(utc_us, MR_SECOND_US), folded = zone_fold(zone, s);
    uint32_t i = zone_find(zone, folded);
    const zone_change *change = &zone->changes[i];
    int64_t at;
    if (i > 0 && mr_add_fits(change->at_s, s - folded, &at) && at > SECOND_MIN) {
        *ret_from_us = at * MR_SECOND_US;
    }
    if (i + 1 < zone->count && mr_add_fits(change[1].at_s, s - folded, &at) && at < SECOND_MAX) {
        *ret_to_us = at * MR_SECOND_US;
    }
    return change->offset_s;
}

int64_t mr_zone_first(const mr_zone *zone, int64_t local_us) {
    int64_t from_us, to_us, local_end_us;
    // No wall clock is further away from UTC than this, so it is not yet that late here.
    int64_t at_us = local_us - OFFSET_S_MAX * MR_SECOND_US;
    for (;;) {
        int64_t offset_us = mr_zone_stretch(zone, at_us, &from_us, &to_us) * MR_SECOND_US;
        if (!mr_add_fits(to_us, offset_us, &local_end_us) || local_us < local_end_us) {
            return MR_MAX(local_us - offset_us, at_us);  // at_us: the gap's end.
        }
        at_us = to_us;
    }
}

int32_t mr_zone_date(const mr_zone *zone, int64_t utc_us) {
    int64_t local_us;
    if (!mr_add_fits(utc_us, mr_zone_offset_s(zone, utc_us) * MR_SECOND_US, &local_us)) {
        local_us = utc_us;
    }
    return (int32_t)mr_floor_div(local_us, MR_DAY_US);
}

// ---- the footer's rule -------------------------------------------------------------------------

typedef struct rule_day {
    enum { RULE_JULIAN, RULE_ZERO_BASED, RULE_WEEKDAY } kind;
    int32_t day;  // 1 .. 365 without 29 February; 0 .. 365; 0 .. 6 (Sunday is 0).
    int32_t week;
    int32_t month;
    int32_t time_s;
} rule_day;

typedef struct zone_rule {
    int32_t standard_s;
    int32_t summer_s;
    bool summer;
    rule_day start;
    rule_day end;
} zone_rule;

typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

static bool take_char(cursor *in, char c) {
    if (in->at < in->end && *in->at == c) {
        in->at++;
        return true;
    }
    return false;
}

static bool take_number(cursor *in, int32_t max, int32_t *ret) {
    const char *first = in->at;
    int32_t value = 0;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9' && in->at - first < 4) {
        value = value * 10 + (*in->at++ - '0');
    }
    *ret = value;
    return in->at > first && value <= max;
}

// "EST" or "<+0330>".
static bool take_name(cursor *in) {
    const char *first = in->at;
    if (take_char(in, '<')) {
        while (in->at < in->end && *in->at != '>') {
            in->at++;
        }
        return take_char(in, '>');
    }
    while (in->at < in->end && ((*in->at | 32) >= 'a' && (*in->at | 32) <= 'z')) {
        in->at++;
    }
    return in->at - first >= 3;
}

// "[+-]h[h[h]][:mm[:ss]]"
static bool take_time(cursor *in, int32_t *ret_s) {
    bool negative = take_char(in, '-');
    if (!negative) {
        (void)take_char(in, '+');
    }
    int32_t hour, minute = 0, second = 0;
    if (!take_number(in, 167, &hour) || (take_char(in, ':') && !take_number(in, 59, &minute)) ||
        (take_char(in, ':') && !take_number(in, 59, &second))) {
        return false;
    }
    int32_t s = hour * 3600 + minute * 60 + second;
    *ret_s = negative ? -s : s;
    return true;
}

static bool take_day(cursor *in, rule_day *ret) {
    if (!take_char(in, ',')) {
        return false;
    }
    *ret = (rule_day){.kind = RULE_ZERO_BASED, .time_s = 2 * 3600};
    bool ok;
    if (take_char(in, 'M')) {
        ret->kind = RULE_WEEKDAY;
        ok = take_number(in, 12, &ret->month) && take_char(in, '.') &&
             take_number(in, 5, &ret->week) && take_char(in, '.') &&
             take_number(in, 6, &ret->day) && ret->month >= 1 && ret->week >= 1;
    } else if (take_char(in, 'J')) {
        ret->kind = RULE_JULIAN;
        ok = take_number(in, 365, &ret->day) && ret->day >= 1;
    } else {
        ok = take_number(in, 365, &ret->day);
    }
    return ok && (!take_char(in, '/') || take_time(in, &ret->time_s));
}

static bool rule_parse(mr_span text, zone_rule *ret) {
    cursor in = {text.data, text.data + text.bytes};
    int32_t west_s;  // POSIX counts west of Greenwich as positive.
    *ret = (zone_rule){.summer = false};
    if (!take_name(&in) || !take_time(&in, &west_s)) {
        return false;
    }
    ret->standard_s = -west_s;
    if (in.at == in.end) {
        return ret->standard_s > -OFFSET_S_MAX && ret->standard_s < OFFSET_S_MAX;
    }
    ret->summer = true;
    ret->summer_s = ret->standard_s + 3600;
    if (!take_name(&in)) {
        return false;
    }
    if (in.at < in.end && *in.at != ',') {
        if (!take_time(&in, &west_s)) {
            return false;
        }
        ret->summer_s = -west_s;
    }
    int32_t least = MR_MIN(ret->standard_s, ret->summer_s);
    int32_t most = MR_MAX(ret->standard_s, ret->summer_s);
    return take_day(&in, &ret->start) && take_day(&in, &ret->end) && in.at == in.end &&
           least > -OFFSET_S_MAX && most < OFFSET_S_MAX;
}

// Local seconds since 1970 at which the rule's day strikes in this year.
static int64_t rule_local_s(const rule_day *at, int64_t year) {
    int64_t first = mr_civil_days(year, 1, 1);
    bool leap = mr_civil_days(year + 1, 1, 1) - first == 366;
    int64_t day = 0;
    switch (at->kind) {
    case RULE_ZERO_BASED: day = first + at->day; break;
    case RULE_JULIAN: day = first + at->day - 1 + (leap && at->day >= 60); break;
    case RULE_WEEKDAY: {
        int64_t month_first = mr_civil_days(year, at->month, 1);
        int64_t month_next =
            at->month == 12 ? mr_civil_days(year + 1, 1, 1) : mr_civil_days(year, at->month + 1, 1);
        int64_t weekday = ((month_first + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday.
        day = month_first + (at->day - weekday + 7) % 7 + (at->week - 1) * 7;
        if (day >= month_next) {
            day -= 7;
        }
        break;
    }
    }
    return day * DAY_S + at->time_s;
}

static void zone_add(mr_zone *zone, int64_t at_s, int32_t offset_s) {
    mr_assert(zone->count < CHANGES_MAX);
    zone_change *last = &zone->changes[zone->count - 1];
    if (at_s == last->at_s) {
        last->offset_s = offset_s;  // A rule of summer all year: the later word holds.
    } else if (at_s > last->at_s && offset_s != last->offset_s) {
        zone->changes[zone->count++] = (zone_change){at_s, offset_s};
    }
}

// Adds the rule's changes behind the file's, for a cycle and the years that it takes to settle.
static void zone_expand(mr_zone *zone, const zone_rule *rule) {
    uint32_t before = zone->count;
    if (!rule->summer) {
        if (zone->count == 1) {
            zone->changes[0].offset_s = rule->standard_s;
        }
        return;
    }
    mr_civil civil = {.year = 1900};
    if (zone->count > 1) {
        mr_civil_from_us(zone->changes[before - 1].at_s * MR_SECOND_US, &civil);
    } else {
        zone->changes[0].offset_s = rule->standard_s;
    }
    for (int64_t year = civil.year; year <= civil.year + CYCLE_YEARS + 3; year++) {
        int64_t start = rule_local_s(&rule->start, year) - rule->standard_s;
        int64_t end = rule_local_s(&rule->end, year) - rule->summer_s;
        bool south = end < start;  // Summer is over the turn of the year.
        zone_add(zone, south ? end : start, south ? rule->standard_s : rule->summer_s);
        zone_add(zone, south ? start : end, south ? rule->summer_s : rule->standard_s);
    }
    zone->cycles = zone->count > before + 2 * CYCLE_YEARS &&
                   zone->changes[zone->count - 1].at_s - zone->changes[before].at_s >= CYCLE_S;
}

// ---- the file ----------------------------------------------------------------------------------

typedef struct tzif_header {
    uint32_t utc_count;
    uint32_t standard_count;
    uint32_t leap_count;
    uint32_t change_count;
    uint32_t type_count;
    uint32_t name_bytes;
} tzif_header;

#define TZIF_HEADER_BYTES 44

static uint32_t read_u32(const char *at) {
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return __builtin_bswap32(value);
}

static int64_t read_time(const char *at, size_t bytes) {
    if (bytes == 4) {
        return (int32_t)read_u32(at);
    }
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return (int64_t)__builtin_bswap64(value);
}

// Reads the header at offset and finds the end of its block; false when it is not within the file.
static bool read_header(mr_span in, size_t offset, size_t time_bytes, tzif_header *ret,
                        size_t *ret_end) {
    if (in.bytes < offset || in.bytes - offset < TZIF_HEADER_BYTES ||
        memcmp(in.data + offset, "TZif", 4) != 0) {
        return false;
    }
    const char *at = in.data + offset + 20;
    *ret = (tzif_header){read_u32(at),      read_u32(at + 4),  read_u32(at + 8),
                         read_u32(at + 12), read_u32(at + 16), read_u32(at + 20)};
    if (ret->change_count > CHANGES_MAX / 2 || ret->type_count > 256 || ret->type_count == 0 ||
        ret->name_bytes > 65536 || ret->leap_count > 65536 || ret->utc_count > 256 ||
        ret->standard_count > 256) {
        return false;
    }
    size_t bytes = ret->change_count * (time_bytes + 1) + ret->type_count * 6 + ret->name_bytes +
                   ret->leap_count * (time_bytes + 4) + ret->standard_count + ret->utc_count;
    *ret_end = offset + TZIF_HEADER_BYTES + bytes;
    return *ret_end <= in.bytes;
}

static bool read_changes(mr_span in, size_t offset, size_t time_bytes, const tzif_header *header,
                         mr_zone *zone) {
    const char *times = in.data + offset + TZIF_HEADER_BYTES;
    const char *types = times + header->change_count * time_bytes;
    const char *offsets = types + header->change_count;
    int64_t before = INT64_MIN;
    for (uint32_t i = 0; i <= header->change_count; i++) {
        // Type 0 holds before the first change.
        uint32_t type = i == 0 ? 0 : (uint8_t)types[i - 1];
        int64_t at_s = i == 0 ? INT64_MIN : read_time(times + (i - 1) * time_bytes, time_bytes);
        if (type >= header->type_count || (i > 0 && at_s <= before)) {
            return false;
        }
        int32_t offset_s = (int32_t)read_u32(offsets + type * 6);
        if (offset_s <= -OFFSET_S_MAX || offset_s >= OFFSET_S_MAX) {
            return false;
        }
        before = at_s;
        if (i > 0 && at_s <= SECOND_MIN) {
            zone->changes[0].offset_s = offset_s;  // Some files begin at the Big Bang.
            continue;
        }
        if (at_s >= SECOND_MAX) {
            return false;
        }
        zone->changes[zone->count++] = (zone_change){at_s, offset_s};
    }
    return true;
}

static void zone_index(mr_zone *zone) {
    uint32_t change = 0;
    for (uint32_t i = 0; i < INDEX_COUNT; i++) {
        int64_t at_s = (int64_t)i << INDEX_SHIFT;
        while (change + 1 < zone->count && zone->changes[change + 1].at_s <= at_s) {
            change++;
        }
        zone->index[i] = change;
    }
}

static mr_code damaged(const char *name, const char *what, mr_cx *cx) {
    return mr_fail(cx, MR_E_CORRUPT, "Install the system's tzdata package anew.",
                   "time zone file of \"%s\" is damaged: %s", name, what);
}

mr_code mr_zone_parse(const char *name, mr_span tzif, mr_zone **ret, mr_cx *cx) {
    size_t offset = 0, end, time_bytes = 4;
    tzif_header header;
    if (!read_header(tzif, 0, time_bytes, &header, &end)) {
        return damaged(name, "bad header", cx);
    }
    if (tzif.data[4] >= '2') {  // The second block has 64-bit times and the footer.
        offset = end;
        time_bytes = 8;
        if (!read_header(tzif, offset, time_bytes, &header, &end)) {
            return damaged(name, "bad second header", cx);
        }
    }
    mr_zone *zone = MR_NEW(cx->arena, mr_zone);
    zone->name = mr_arena_string(cx->arena, name);
    zone->changes = MR_NEW_ARRAY(cx->arena, zone_change,
                                 (size_t)header.change_count + 2 * (CYCLE_YEARS + 4) + 1);
    if (!read_changes(tzif, offset, time_bytes, &header, zone)) {
        return damaged(name, "bad table of changes", cx);
    }
    if (time_bytes == 8 && end < tzif.bytes && tzif.data[end] == '\n') {
        const char *first = tzif.data + end + 1;
        const char *line_end = memchr(first, '\n', tzif.bytes - end - 1);
        zone_rule rule;
        if (line_end == NULL) {
            return damaged(name, "footer without end", cx);
        }
        if (line_end > first) {
            if (!rule_parse((mr_span){first, (size_t)(line_end - first)}, &rule)) {
                return damaged(name, "bad rule in the footer", cx);
            }
            zone_expand(zone, &rule);
        }
    }
    zone_index(zone);
    *ret = zone;
    return MR_OK;
}
