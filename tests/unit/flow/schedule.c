// Schedule: its forms, and what they tick.

#include "flow/schedule.h"

#include <stdio.h>
#include <string.h>

#include "runner.h"

static mr_arena arena;
static mr_cx cx;

static mr_code parse(const char *yaml, mr_schedule *ret) {
    const mr_yaml *root = NULL;
    mr_cx_init(&cx, &arena, NULL);
    EXPECT_OK(mr_yaml_parse("dag.yaml", mr_span_of(yaml), &root, &cx));
    return mr_schedule_parse(mr_yaml_get(root, "schedule"), ret, &cx);
}

static int64_t at(const char *text) {
    int64_t us = 0;
    EXPECT(mr_civil_parse(text, strlen(text), NULL, &us));
    return us;
}

static mr_schedule open_ended(void) {
    return (mr_schedule){.start_us = INT64_MIN, .end_us = INT64_MAX};
}

// The first count ticks from a moment on; each must be the one before the next.
static const char *ticks(const mr_schedule *s, const char *from, uint32_t count) {
    static mr_text out;
    mr_text_clear(&out);
    int64_t before = INT64_MIN;
    int64_t us = mr_schedule_next(s, at(from) - 1);
    for (uint32_t i = 0; i < count && us != INT64_MAX; i++) {
        mr_civil c;
        mr_civil_from_us(us, &c);
        mr_text_addf(&out, "%s%02d-%02dT%02d:%02d", i == 0 ? "" : " ", c.month, c.day, c.hour,
                     c.minute);
        if (before != INT64_MIN) {
            EXPECT_EQ(mr_schedule_previous(s, us), before);
        }
        before = us;
        us = mr_schedule_next(s, us);
    }
    return mr_text_string(&out);
}

TEST(schedule, forms) {
    mr_schedule s = open_ended();
    EXPECT_OK(parse("schedule: null", &s));
    EXPECT_EQ(s.kind, MR_SCHEDULE_NONE);
    EXPECT_EQ(mr_schedule_next(&s, 0), INT64_MAX);
    EXPECT_EQ(mr_schedule_previous(&s, 0), INT64_MIN);
    EXPECT_OK(parse("schedule: '@daily'", &s));
    EXPECT_STR(ticks(&s, "2026-01-01", 2), "01-01T00:00 01-02T00:00");
    EXPECT_OK(parse("schedule: ['0 2 * * *', '0 3 * * *', '0 2 1 1 *']", &s));
    EXPECT_STR(ticks(&s, "2026-01-01", 3), "01-01T02:00 01-01T03:00 01-02T02:00");
    EXPECT_OK(parse("schedule: {cron: '*/5 * * * *'}", &s));
    EXPECT_STR(ticks(&s, "2026-01-01T00:01", 2), "01-01T00:05 01-01T00:10");
    EXPECT_OK(parse("schedule: {every: 90m}", &s));
    EXPECT_STR(ticks(&s, "2026-01-01", 3), "01-01T00:00 01-01T01:30 01-01T03:00");
    EXPECT_OK(parse("schedule: {at: [2026-03-01T12:00+01:00, '2026-02-01']}", &s));
    EXPECT_STR(ticks(&s, "2026-01-01", 9), "02-01T00:00 03-01T11:00");
    mr_arena_release(&arena);
}

TEST(schedule, months_are_counted_from_the_anchor) {
    mr_schedule s = open_ended();
    s.start_us = at("2026-01-31");
    EXPECT_OK(parse("schedule: {every: 1mo}", &s));
    EXPECT_STR(ticks(&s, "2025-01-01", 5),
               "01-31T00:00 02-28T00:00 03-31T00:00 04-30T00:00 05-31T00:00");
    s.start_us = at("2026-01-01T10:00");
    EXPECT_OK(parse("schedule: {every: 2 weeks}", &s));
    EXPECT_STR(ticks(&s, "2026-01-02", 2), "01-15T10:00 01-29T10:00");
    mr_arena_release(&arena);
}

TEST(schedule, keeps_within_start_and_end) {
    mr_schedule s = open_ended();
    s.start_us = at("2026-01-02");
    s.end_us = at("2026-01-04");
    EXPECT_OK(parse("schedule: '@daily'", &s));
    EXPECT_STR(ticks(&s, "2025-01-01", 9), "01-02T00:00 01-03T00:00 01-04T00:00");
    EXPECT_EQ(mr_schedule_previous(&s, at("2030-01-01")), at("2026-01-04"));
    EXPECT_EQ(mr_schedule_previous(&s, at("2026-01-02")), INT64_MIN);
    EXPECT_EQ(mr_schedule_count(&s, at("2026-01-02"), at("2026-01-04"), 100), 2);
    EXPECT_EQ(mr_schedule_count(&s, at("2026-01-01"), at("2027-01-04"), 2), 2);
    mr_arena_release(&arena);
}

TEST(schedule, refuses) {
    static const struct {
        const char *yaml;
        const char *error;
    } cases[] = {
        {"schedule: {every: 0s}", "bad value \"0s\" for key \"every\""},
        {"schedule: {every: soon}", "bad value \"soon\" for key \"every\""},
        {"schedule: {at: tomorrow}", "bad time \"tomorrow\""},
        {"schedule: {daily: 1}", "unknown key \"daily\" of a schedule"},
        {"schedule: {every: 1h, at: 2026-01-01}", "schedule has 2 keys"},
        {"schedule: []", "empty schedule"},
        {"schedule: daily", "cron expression \"daily\" has 1 fields instead of 5"},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_schedule s = open_ended();
        EXPECT(parse(cases[i].yaml, &s) != MR_OK);
        EXPECT_STR(cx.error.text, cases[i].error);
        EXPECT(cx.error.place.offset >= 10);
    }
    mr_arena_release(&arena);
}
