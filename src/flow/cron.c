// Cron: see cron.h.
//
// How: a zone is a row of stretches of constant offset. Within one the wall clock runs evenly, so
// the next wall time that fits is found by bits, and is the answer when it lies in the stretch. At
// the seam of two, the rules for gaps and overlaps decide; they are all in seam_fires and
// wall_begin.

#include "flow/cron.h"

#include <string.h>

#define MINUTE_US   (60 * MR_SECOND_US)
#define DAY_MINUTES 1440
#define SEARCH_DAYS ((int64_t)30 * 366)
#define SEARCH_US   (SEARCH_DAYS * MR_DAY_US)
// A wall clock that jumps further is set anew: what it leaves out does not fire, what it shows
// again does.
#define CORRECTION_US ((int64_t)3 * 3600 * MR_SECOND_US)

// ---- parsing -----------------------------------------------------------------------------------

typedef struct cron_field {
    const char *name;
    int64_t least;
    int64_t most;
    const char *names;  // Of three letters each, from `least` on; NULL = none.
} cron_field;

static const cron_field cron_fields[] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day", 1, 31, NULL},
    {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
    {"weekday", 0, 7, "SUNMONTUEWEDTHUFRISAT"},
};

#define FIELD_COUNT MR_COUNT(cron_fields)

static const struct {
    const char *name;
    const char *text;
} cron_presets[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

typedef struct cron_reader {
    const cron_field *field;
    mr_span item;    // What is left of it.
    mr_span whole;   // The field, for messages.
    mr_place place;  // Of the field.
    mr_cx *cx;
} cron_reader;

static mr_code field_fail(cron_reader *in, mr_code code, const char *why) {
    const char *hint = mr_arena_printf(
        in->cx->arena, "The %s takes %d to %d, lists 1,2, ranges 1-5 and steps */2.",
        in->field->name, (int)in->field->least, (int)in->field->most);
    return mr_fail_at(in->cx, code, in->place, hint, "%s \"%.*s\" of a cron expression: %s",
                      in->field->name, MR_SPAN_ARGS(in->whole), why);
}

static size_t digits(mr_span text) {
    size_t count = 0;
    while (count < text.bytes && text.data[count] >= '0' && text.data[count] <= '9') {
        count++;
    }
    return count;
}

static void skip(mr_span *text, size_t bytes) {
    text->data += bytes;
    text->bytes -= bytes;
}

// A number or a name, taken off the item.
static mr_code take_value(cron_reader *in, int64_t *ret) {
    size_t count = digits(in->item);
    if (count > 0) {
        if (count > 4 || !mr_text_parse_int64((mr_span){in->item.data, count}, ret) ||
            *ret < in->field->least || *ret > in->field->most) {
            return field_fail(in, MR_E_VALUE, "out of range");
        }
        skip(&in->item, count);
        return MR_OK;
    }
    const char *names = in->field->names == NULL ? "" : in->field->names;
    for (size_t i = 0; names[i] != '\0' && in->item.bytes >= 3; i += 3) {
        if (mr_span_equal_nocase((mr_span){names + i, 3}, (mr_span){in->item.data, 3})) {
            *ret = in->field->least + (int64_t)(i / 3);
            skip(&in->item, 3);
            return MR_OK;
        }
    }
    return field_fail(in, MR_E_SYNTAX, "neither a number nor a name");
}

// "*", "5", "1-5", and "/2" behind any of them.
static mr_code take_item(cron_reader *in, uint64_t *bits) {
    int64_t from = in->field->least, to = in->field->most, step = 1;
    bool any = in->item.bytes > 0 && (in->item.data[0] == '*' || in->item.data[0] == '?');
    if (any) {
        skip(&in->item, 1);
        to -= to == 7;  // Sunday once.
    } else {
        MR_TRY(take_value(in, &from));
        to = from;
        if (in->item.bytes > 0 && in->item.data[0] == '-') {
            skip(&in->item, 1);
            MR_TRY(take_value(in, &to));
        }
    }
    if (in->item.bytes > 0 && in->item.data[0] == '/') {
        skip(&in->item, 1);
        size_t count = digits(in->item);
        if (count == 0 || count > 4 ||
            !mr_text_parse_int64((mr_span){in->item.data, count}, &step) || step == 0) {
            return field_fail(in, MR_E_VALUE, "a step is a number from 1");
        }
        skip(&in->item, count);
        to = from == to && !any ? in->field->most : to;  // "5/15" is "5-59/15".
    }
    if (in->item.bytes > 0) {
        return field_fail(in, MR_E_SYNTAX, "not understood");
    }
    if (from > to) {
        return field_fail(in, MR_E_VALUE, "the range runs backwards");
    }
    for (int64_t value = from; value <= to; value += step) {
        *bits |= (uint64_t)1 << value;
    }
    return MR_OK;
}

static mr_code take_field(cron_reader *in, uint64_t *ret_bits) {
    mr_span left = in->whole;
    *ret_bits = 0;
    for (;;) {
        const char *comma = memchr(left.data, ',', left.bytes);
        in->item = (mr_span){left.data, comma == NULL ? left.bytes : (size_t)(comma - left.data)};
        size_t bytes = in->item.bytes;
        MR_TRY(take_item(in, ret_bits));
        if (comma == NULL) {
            return MR_OK;
        }
        skip(&left, bytes + 1);
    }
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

// Cuts text at its blanks; how many pieces there are, of which at most max are kept.
static size_t cut(mr_span text, mr_span *ret, size_t max) {
    size_t count = 0, at = 0;
    while (at < text.bytes) {
        size_t end = at;
        while (end < text.bytes && !is_blank(text.data[end])) {
            end++;
        }
        if (end > at) {
            if (count < max) {
                ret[count] = (mr_span){text.data + at, end - at};
            }
            count++;
        }
        at = end + 1;
    }
    return count;
}

static bool fires_ever(const mr_cron *cron) {
    if (!cron->any_day && !cron->any_weekday) {
        return true;  // Some weekday is in every month.
    }
    for (int32_t month = 1; month <= 12; month++) {
        static const int8_t days[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        if ((cron->months >> month & 1) != 0 &&
            (cron->days & (((uint64_t)1 << (days[month] + 1)) - 1)) != 0) {
            return true;
        }
    }
    return false;
}

static mr_code preset(mr_span *text, mr_place place, mr_cx *cx) {
    const char *names[MR_COUNT(cron_presets)];
    for (size_t i = 0; i < MR_COUNT(cron_presets); i++) {
        if (mr_span_equal_nocase(*text, mr_span_of(cron_presets[i].name))) {
            *text = mr_span_of(cron_presets[i].text);
            return MR_OK;
        }
        names[i] = cron_presets[i].name;
    }
    const char *name = mr_arena_copy(cx->arena, text->data, text->bytes);
    const char *hint =
        mr_text_hint(name, names, MR_COUNT(names),
                     "Presets are @hourly @daily @weekly @monthly @yearly.", cx->arena);
    return mr_fail_at(cx, MR_E_NAME, place, hint, "no schedule preset \"%s\"", name);
}

mr_code mr_cron_parse(mr_span text, mr_place place, mr_cron *ret, mr_cx *cx) {
    mr_span fields[FIELD_COUNT], whole = mr_span_trim(text);
    uint64_t bits[FIELD_COUNT];
    bool is_preset = whole.bytes > 0 && whole.data[0] == '@';
    if (is_preset) {
        MR_TRY(preset(&whole, place, cx));
    }
    size_t count = cut(whole, fields, FIELD_COUNT);
    if (count != FIELD_COUNT) {
        return mr_fail_at(cx, MR_E_SYNTAX, place, "Write minute hour day month weekday: 0 4 * * 0.",
                          "cron expression \"%.*s\" has %zu fields instead of 5",
                          MR_SPAN_ARGS(whole), count);
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        cron_reader in = {&cron_fields[i], {0}, fields[i], place, cx};
        if (!is_preset && place.offset >= 0) {
            in.place.offset += (int32_t)(fields[i].data - text.data);
        }
        MR_TRY(take_field(&in, &bits[i]));
    }
    mr_cron cron = {
        .minutes = bits[0],
        .hours = (uint32_t)bits[1],
        .days = (uint32_t)bits[2],
        .months = (uint16_t)bits[3],
        .weekdays = (uint8_t)((bits[4] | bits[4] >> 7) & 127),
        .any_day = fields[2].data[0] == '*' || fields[2].data[0] == '?',
        .any_weekday = fields[4].data[0] == '*' || fields[4].data[0] == '?',
        .elapsed = fields[0].data[0] == '*' || fields[1].data[0] == '*',
    };
    if (!fires_ever(&cron)) {
        return mr_fail_at(cx, MR_E_VALUE, place, "No such day is in any of these months.",
                          "cron expression \"%.*s\" never fires", MR_SPAN_ARGS(whole));
    }
    *ret = cron;
    return MR_OK;
}

// ---- wall times --------------------------------------------------------------------------------

static bool day_fits(const mr_cron *cron, const mr_civil *day, int64_t days) {
    bool by_day = (cron->days >> day->day & 1) != 0;
    bool by_weekday = (cron->weekdays >> ((days % 7 + 11) % 7) & 1) != 0;  // Day 0: a Thursday.
    if (cron->any_day || cron->any_weekday) {
        return by_day && by_weekday;
    }
    return by_day || by_weekday;
}

// The first minute of a day, from `minute` on, that fits; -1 when there is none.
static int32_t minute_in_day(const mr_cron *cron, int32_t minute) {
    for (int32_t hour = minute / 60; hour < 24; hour++) {
        uint64_t left =
            (cron->hours >> hour & 1) == 0
                ? 0
                : cron->minutes & (~(uint64_t)0 << (hour == minute / 60 ? minute % 60 : 0));
        if (left != 0) {
            return hour * 60 + __builtin_ctzll(left);
        }
    }
    return -1;
}

// The first wall time in [from, to) that fits; INT64_MAX when there is none.
static int64_t wall_next(const mr_cron *cron, int64_t from_us, int64_t to_us) {
    int64_t minutes = -mr_floor_div(-from_us, MINUTE_US);
    int64_t day = mr_floor_div(minutes, DAY_MINUTES);
    int32_t minute = (int32_t)(minutes - day * DAY_MINUTES);
    while (day * MR_DAY_US < to_us) {
        mr_civil civil;
        mr_civil_from_days(day, &civil);
        if ((cron->months >> civil.month & 1) == 0) {
            day = civil.month == 12 ? mr_civil_days(civil.year + 1, 1, 1)
                                    : mr_civil_days(civil.year, civil.month + 1, 1);
            minute = 0;
            continue;
        }
        int32_t found = day_fits(cron, &civil, day) ? minute_in_day(cron, minute) : -1;
        if (found >= 0) {
            int64_t wall_us = (day * DAY_MINUTES + found) * MINUTE_US;
            return wall_us < to_us ? wall_us : INT64_MAX;
        }
        day++;
        minute = 0;
    }
    return INT64_MAX;
}

// ---- moments -----------------------------------------------------------------------------------

// Where a stretch's wall times begin to count: behind what the one before has shown already.
static int64_t wall_begin(const mr_cron *cron, int64_t from_us, int64_t offset_us,
                          int64_t offset_before_us) {
    int64_t again_us = offset_before_us - offset_us;
    bool overlap = again_us > 0 && again_us <= CORRECTION_US;
    return from_us + (overlap && !cron->elapsed ? offset_before_us : offset_us);
}

// Whether a wall time that the seam leaves out fires at it.
static bool seam_fires(const mr_cron *cron, int64_t from_us, int64_t offset_us,
                       int64_t offset_before_us) {
    int64_t gap_us = offset_us - offset_before_us;
    return !cron->elapsed && gap_us > 0 && gap_us <= CORRECTION_US &&
           wall_next(cron, from_us + offset_before_us, from_us + offset_us) != INT64_MAX;
}

int64_t mr_cron_next(const mr_cron *cron, const mr_zone *zone, int64_t after_us) {
    if (after_us < -MR_SECOND_US * INT64_C(62135596800) || after_us > INT64_MAX / 2) {
        return INT64_MAX;
    }
    int64_t end_us = after_us + SEARCH_US;
    int64_t from_us, to_us, before_from_us, before_to_us;
    int64_t at_us = after_us;
    while (at_us < end_us) {
        int64_t offset_us = mr_zone_stretch(zone, at_us, &from_us, &to_us) * MR_SECOND_US;
        int64_t wall_us = after_us + 1 + offset_us;
        if (from_us != INT64_MIN) {
            int64_t offset_before_us =
                mr_zone_stretch(zone, from_us - 1, &before_from_us, &before_to_us) * MR_SECOND_US;
            if (from_us > after_us && seam_fires(cron, from_us, offset_us, offset_before_us)) {
                return from_us;
            }
            wall_us = MR_MAX(wall_us, wall_begin(cron, from_us, offset_us, offset_before_us));
        }
        int64_t found_us = wall_next(cron, wall_us, MR_MIN(to_us, end_us) + offset_us);
        if (found_us != INT64_MAX) {
            return found_us - offset_us;
        }
        at_us = to_us;
    }
    return INT64_MAX;
}

int64_t mr_cron_previous(const mr_cron *cron, const mr_zone *zone, int64_t before_us) {
    // `next` of a moment is before before_us exactly when the moment is before the answer.
    int64_t low_us = before_us - 2 * MR_DAY_US, high_us = before_us;
    int64_t found_us = mr_cron_next(cron, zone, low_us);
    if (found_us >= before_us) {
        high_us = low_us;
        low_us = before_us - SEARCH_US + MR_DAY_US;
        found_us = mr_cron_next(cron, zone, low_us);
        if (found_us >= before_us) {
            return INT64_MIN;
        }
    }
    low_us = found_us;  // The best so far.
    while (high_us - low_us > 1) {
        int64_t middle_us = low_us + (high_us - low_us) / 2;
        int64_t next_us = mr_cron_next(cron, zone, middle_us);
        if (next_us < before_us) {
            low_us = next_us;
        } else {
            high_us = middle_us;
        }
    }
    return low_us;
}

const char *mr_cron_remark(mr_span text, mr_arena *arena) {
    mr_span fields[FIELD_COUNT];
    if (cut(text, fields, FIELD_COUNT) != FIELD_COUNT) {
        return NULL;
    }
    for (size_t i = 0; i < 2; i++) {  // Days of a month are uneven anyway.
        int64_t step, whole = cron_fields[i].most + 1;
        if (mr_span_starts(fields[i], "*/") &&
            mr_text_parse_int64((mr_span){fields[i].data + 2, fields[i].bytes - 2}, &step) &&
            whole % step != 0) {
            return mr_arena_printf(
                arena, "\"%.*s\" is not every %d %ss: it starts again at 0 (%d, then 0)",
                MR_SPAN_ARGS(fields[i]), (int)step, cron_fields[i].name,
                (int)((whole - 1) / step * step));
        }
    }
    return NULL;
}
