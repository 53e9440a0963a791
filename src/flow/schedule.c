// Schedule: see schedule.h.

#include "flow/schedule.h"

#include <string.h>

#define EVERY_US_MIN MR_SECOND_US
#define DAYS_MAX     36500
#define MONTHS_MAX   1200

// ---- parsing -----------------------------------------------------------------------------------

static mr_code parse_crons(const mr_yaml *node, mr_schedule *ret, mr_cx *cx) {
    bool list = node->kind == MR_YAML_LIST;
    uint32_t count = list ? node->count : 1;
    if (count == 0) {
        return mr_fail_at(cx, MR_E_VALUE, node->place, "Write null for none.", "empty schedule");
    }
    mr_cron *crons = MR_NEW_ARRAY(cx->arena, mr_cron, count);
    for (uint32_t i = 0; i < count; i++) {
        const mr_yaml *item = list ? node->items[i] : node;
        MR_TRY(mr_yaml_expect(item, MR_YAML_SCALAR, "a cron expression", cx));
        MR_TRY(mr_cron_parse(mr_span_of(item->text), item->place, &crons[i], cx));
    }
    ret->kind = MR_SCHEDULE_CRON;
    ret->crons = crons;
    ret->count = count;
    return MR_OK;
}

// "1d", "2 weeks", "1mo": a number and a unit of the calendar; false when it is not one.
static bool parse_calendar(mr_span text, mr_schedule *ret) {
    static const struct {
        const char *unit;
        int32_t days;
        int32_t months;
    } units[] = {
        {"d", 1, 0},      {"day", 1, 0},   {"days", 1, 0},  {"w", 7, 0},
        {"week", 7, 0},   {"weeks", 7, 0}, {"mo", 0, 1},    {"month", 0, 1},
        {"months", 0, 1}, {"y", 0, 12},    {"year", 0, 12}, {"years", 0, 12},
    };
    size_t count = 0;
    while (count < text.bytes && text.data[count] >= '0' && text.data[count] <= '9') {
        count++;
    }
    int64_t number;
    mr_span unit = mr_span_trim((mr_span){text.data + count, text.bytes - count});
    if (count == 0 || count > 5 || !mr_text_parse_int64((mr_span){text.data, count}, &number)) {
        return false;
    }
    for (size_t i = 0; i < MR_COUNT(units); i++) {
        if (mr_span_is(unit, units[i].unit) && number > 0 && number * units[i].days <= DAYS_MAX &&
            number * units[i].months <= MONTHS_MAX) {
            ret->every_days = (int32_t)number * units[i].days;
            ret->every_months = (int32_t)number * units[i].months;
            return true;
        }
    }
    return false;
}

static mr_code parse_every(const mr_yaml *node, mr_schedule *ret, mr_cx *cx) {
    MR_TRY(mr_yaml_expect(node, MR_YAML_SCALAR, "key \"every\"", cx));
    mr_span text = mr_span_trim(mr_span_of(node->text));
    ret->kind = MR_SCHEDULE_EVERY;
    if (parse_calendar(text, ret) ||
        (mr_text_parse_duration_us(text, &ret->every_us) && ret->every_us >= EVERY_US_MIN)) {
        return MR_OK;
    }
    return mr_fail_at(cx, MR_E_VALUE, node->place, "Write a duration from 1s on: 15m, 6h, 1d, 1mo.",
                      "bad value \"%s\" for key \"every\"", node->text);
}

static mr_code parse_at(const mr_yaml *node, mr_schedule *ret, mr_cx *cx) {
    bool list = node->kind == MR_YAML_LIST;
    uint32_t count = list ? node->count : 1;
    int64_t *moments = MR_NEW_ARRAY(cx->arena, int64_t, count);
    for (uint32_t i = 0; i < count; i++) {
        const mr_yaml *item = list ? node->items[i] : node;
        MR_TRY(mr_yaml_expect(item, MR_YAML_SCALAR, "a time", cx));
        int64_t us;
        if (!mr_civil_parse(item->text, strlen(item->text), ret->zone, &us)) {
            return mr_fail_at(cx, MR_E_VALUE, item->place,
                              "Write 2026-01-31T12:00, of the DAG's time zone, or with an offset.",
                              "bad time \"%s\"", item->text);
        }
        uint32_t at = i;
        while (at > 0 && moments[at - 1] > us) {
            moments[at] = moments[at - 1];
            at--;
        }
        moments[at] = us;
    }
    ret->kind = MR_SCHEDULE_AT;
    ret->moments = moments;
    ret->count = count;
    return MR_OK;
}

static mr_code parse_map(const mr_yaml *node, mr_schedule *ret, mr_cx *cx) {
    if (node->count != 1) {
        return mr_fail_at(cx, MR_E_OPTION, node->place, "Write one of cron, every and at.",
                          "schedule has %u keys", node->count);
    }
    const char *name = node->names[0];
    ret->text = mr_arena_printf(cx->arena, "%s %s", name,
                                node->items[0]->kind == MR_YAML_SCALAR ? node->items[0]->text : "");
    if (strcmp(name, "cron") == 0) {
        ret->text = node->items[0]->kind == MR_YAML_SCALAR ? node->items[0]->text : name;
        return parse_crons(node->items[0], ret, cx);
    }
    if (strcmp(name, "every") == 0) {
        return parse_every(node->items[0], ret, cx);
    }
    if (strcmp(name, "at") == 0) {
        return parse_at(node->items[0], ret, cx);
    }
    return mr_fail_at(cx, MR_E_OPTION, node->places[0], "Write one of cron, every and at.",
                      "unknown key \"%s\" of a schedule", name);
}

mr_code mr_schedule_parse(const mr_yaml *node, mr_schedule *ret, mr_cx *cx) {
    mr_schedule schedule = {.text = "",
                            .zone = ret->zone,
                            .start_us = ret->start_us,
                            .end_us = ret->end_us,
                            .first_us = ret->start_us,
                            .last_us = ret->end_us};
    if (node == NULL || mr_yaml_is_null(node)) {
        *ret = schedule;
        return MR_OK;
    }
    if (node->kind == MR_YAML_MAP) {
        MR_TRY(parse_map(node, &schedule, cx));
    } else {
        mr_text text;
        mr_text_init(&text, cx->arena);
        for (uint32_t i = 0; node->kind == MR_YAML_LIST && i < node->count; i++) {
            mr_text_addf(&text, "%s%s", i == 0 ? "" : ", ",
                         node->items[i]->kind == MR_YAML_SCALAR ? node->items[i]->text : "?");
        }
        schedule.text = node->kind == MR_YAML_SCALAR ? node->text : mr_text_string(&text);
        MR_TRY(parse_crons(node, &schedule, cx));
    }
    *ret = schedule;
    return MR_OK;
}

// ---- ticks -------------------------------------------------------------------------------------

// Where `every` counts from, as the wall clock shows it.
static int64_t anchor_wall(const mr_schedule *s) {
    return s->start_us == INT64_MIN
               ? 0
               : s->start_us + mr_zone_offset_s(s->zone, s->start_us) * MR_SECOND_US;
}

// Tick number n of a calendar's `every`.
static int64_t calendar_tick(const mr_schedule *s, int64_t n) {
    int64_t wall_us = anchor_wall(s);
    if (s->every_days > 0) {
        return mr_zone_first(s->zone, wall_us + n * s->every_days * MR_DAY_US);
    }
    mr_civil civil;
    mr_civil_from_us(wall_us, &civil);
    int64_t month = civil.year * 12 + civil.month - 1 + n * s->every_months;
    civil.year = mr_floor_div(month, 12);
    civil.month = (int32_t)(month - civil.year * 12) + 1;
    int64_t next = civil.month == 12 ? mr_civil_days(civil.year + 1, 1, 1)
                                     : mr_civil_days(civil.year, civil.month + 1, 1);
    int32_t days = (int32_t)(next - mr_civil_days(civil.year, civil.month, 1));
    civil.day = MR_MIN(civil.day, days);
    return mr_zone_first(s->zone, mr_civil_to_us(&civil));
}

// The number of the last tick of `every` at or before a moment.
static int64_t every_number(const mr_schedule *s, int64_t at_us) {
    if (s->every_us > 0) {
        int64_t anchor_us = s->start_us == INT64_MIN ? mr_zone_first(s->zone, 0) : s->start_us;
        return mr_floor_div(at_us - anchor_us, s->every_us);
    }
    int64_t days = mr_floor_div(at_us - anchor_wall(s), MR_DAY_US);
    int64_t n = s->every_days > 0 ? mr_floor_div(days, s->every_days)
                                  : mr_floor_div(days, (int64_t)31 * s->every_months);
    n -= 2;  // Too small for sure; months are shorter, so there may be some way to go.
    while (calendar_tick(s, n + 1) <= at_us) {
        n++;
    }
    return n;
}

static int64_t every_tick(const mr_schedule *s, int64_t n) {
    int64_t anchor_us = s->start_us == INT64_MIN ? mr_zone_first(s->zone, 0) : s->start_us;
    return s->every_us > 0 ? anchor_us + n * s->every_us : calendar_tick(s, n);
}

static int64_t kind_next(const mr_schedule *s, int64_t after_us) {
    int64_t best = INT64_MAX;
    switch (s->kind) {
    case MR_SCHEDULE_NONE: break;
    case MR_SCHEDULE_CRON:
        for (uint32_t i = 0; i < s->count; i++) {
            int64_t next = mr_cron_next(&s->crons[i], s->zone, after_us);
            best = MR_MIN(best, next);
        }
        break;
    case MR_SCHEDULE_EVERY: return every_tick(s, every_number(s, after_us) + 1);
    case MR_SCHEDULE_AT:
        for (uint32_t i = 0; i < s->count && best == INT64_MAX; i++) {
            best = s->moments[i] > after_us ? s->moments[i] : best;
        }
        break;
    }
    return best;
}

void mr_schedule_bound_intervals(mr_schedule *s) {
    if (s->kind != MR_SCHEDULE_CRON && s->kind != MR_SCHEDULE_EVERY) {
        return;
    }
    if (s->start_us != INT64_MIN) {
        int64_t begin_us = kind_next(s, s->start_us - 1);
        s->first_us = begin_us == INT64_MAX ? begin_us : kind_next(s, begin_us);
    }
    s->last_us = s->end_us == INT64_MAX ? s->end_us : kind_next(s, s->end_us);
}

int64_t mr_schedule_next(const mr_schedule *s, int64_t after_us) {
    if (s->first_us != INT64_MIN && after_us < s->first_us) {
        after_us = s->first_us - 1;
    }
    int64_t next = kind_next(s, after_us);
    return next <= s->last_us ? next : INT64_MAX;
}

static int64_t kind_previous(const mr_schedule *s, int64_t before_us) {
    int64_t best = INT64_MIN;
    switch (s->kind) {
    case MR_SCHEDULE_NONE: break;
    case MR_SCHEDULE_CRON:
        for (uint32_t i = 0; i < s->count; i++) {
            int64_t previous = mr_cron_previous(&s->crons[i], s->zone, before_us);
            best = MR_MAX(best, previous);
        }
        break;
    case MR_SCHEDULE_EVERY: return every_tick(s, every_number(s, before_us - 1));
    case MR_SCHEDULE_AT:
        for (uint32_t i = 0; i < s->count; i++) {
            best = s->moments[i] < before_us ? s->moments[i] : best;
        }
        break;
    }
    return best;
}

int64_t mr_schedule_previous(const mr_schedule *s, int64_t before_us) {
    if (s->last_us != INT64_MAX && before_us > s->last_us) {
        before_us = s->last_us + 1;
    }
    int64_t previous = kind_previous(s, before_us);
    return previous >= s->first_us ? previous : INT64_MIN;
}

uint32_t mr_schedule_count(const mr_schedule *s, int64_t after_us, int64_t until_us, uint32_t max) {
    uint32_t count = 0;
    for (int64_t at_us = mr_schedule_next(s, after_us); at_us <= until_us && count < max; count++) {
        at_us = mr_schedule_next(s, at_us);
    }
    return count;
}

const char *mr_schedule_remark(const mr_schedule *s, mr_arena *arena) {
    return s->kind == MR_SCHEDULE_CRON && s->count == 1 ? mr_cron_remark(mr_span_of(s->text), arena)
                                                        : NULL;
}
