// Fn, time: answers of DuckDB 1.4.4, edges first. tests/diff/eval_duckdb.py has the random rows.

#include <stdio.h>

#include "eval_make.h"
#include "runner.h"

typedef struct answer {
    const char *expression;
    const char *value;
} answer;

static mr_zone *zone_of(mr_cx *cx, const char *name) {
    char path[128];
    static char bytes[8192];
    snprintf(path, sizeof(path), "tests/unit/base/zone/%s.tzif", name);
    FILE *file = fopen(path, "rb");
    mr_zone *zone = NULL;
    if (EXPECT(file != NULL)) {
        size_t got = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        EXPECT_OK(mr_zone_parse(name, (mr_span){bytes, got}, &zone, cx));
    }
    return zone;
}

static void expect_first(const char *zone, const answer *answers, size_t count) {
    make *m = make_new(MAKE_FLAT);
    m->env.zone = zone == NULL ? NULL : zone_of(&m->cx, zone);
    uint32_t first[] = {0};
    for (size_t i = 0; i < count; i++) {
        mr_eval *eval = make_eval(m, answers[i].expression);
        if (!EXPECT(eval != NULL)) {
            EXPECT_STR(m->cx.error.text, answers[i].expression);
            continue;
        }
        EXPECT_STR(make_run(m, eval, first, 1), answers[i].value);
        mr_eval_close(eval);
    }
    make_free(m);
}

TEST(fn_time, arithmetic_of_dates_and_intervals) {
    static const answer answers[] = {
        {"date '2026-01-31' + interval '1 month'", "2026-02-28 00:00:00"},
        {"date '2026-01-31' - interval '1 month'", "2025-12-31 00:00:00"},
        {"date '2026-01-31' + 1", "2026-02-01"},
        {"d + 2147483647", "!expression: date out of range: 1970-01-01 + 2147483647"},
        {"date '2026-01-31' - date '2026-01-01'", "30"},
        {"(timestamp '8738-10-16' + to_days(-107240361))::text", "284877-08-27 (BC) 00:00:00"},
        {"timestamp '2026-01-01' - timestamp '2026-01-02 12:00:00'", "-1 day -12:00:00"},
        {"interval '1 month' * 3000000000",
         "!expression: interval out of range: 1 month * 3000000000"},
        {"-(interval '1 month 1 day')", "-1 month -1 day"},
        {"epoch(interval '13 months 1 day 1.5 seconds')", "34236001.5"},
    };
    expect_first(NULL, answers, MR_COUNT(answers));
}

TEST(fn_time, numbers_to_times) {
    static const answer answers[] = {
        {"to_timestamp(1.5)", "1970-01-01 00:00:01.5+00"},
        {"to_timestamp(-1.5)", "1969-12-31 23:59:58.5+00"},
        {"to_timestamp(0.1234567)", "1970-01-01 00:00:00.123457+00"},
        {"to_timestamp(1e20)", "!expression: timestamptz out of range: to_timestamp(1e+20)"},
        {"epoch_ms(-1)", "1969-12-31 23:59:59.999"},
        {"epoch_ms(9223372036854775807)",
         "!expression: timestamp out of range: epoch_ms(9223372036854775807)"},
        {"epoch_ms(timestamp '1969-12-31 23:59:59.9995')", "0"},
        {"epoch_us(timestamp '1969-12-31 23:59:59.9995')", "-500"},
    };
    expect_first(NULL, answers, MR_COUNT(answers));
}

TEST(fn_time, fields) {
    static const answer answers[] = {
        {"date_part('week', date '2027-01-01')", "53"},
        {"date_part('isoyear', date '2027-01-01')", "2026"},
        {"date_part('dow', date '2026-01-31')", "6"},
        {"date_part('isodow', date '2026-02-01')", "7"},
        {"date_part('decade', date '2026-02-01')", "202"},
        {"date_part('century', date '2000-02-01')", "20"},
        {"date_part('second', interval '-90.5 seconds')", "-30"},
        {"date_part('month', interval '-13 months')", "-1"},
        {"date_trunc('week', timestamp '2026-01-31 12:34:56')", "2026-01-26"},
        {"date_trunc('millisecond', timestamp '2027-01-03 12:34:56.5678')",
         "2027-01-03 12:34:56.567"},
        {"date_trunc('century', date '2026-01-31')", "2000-01-01"},
    };
    expect_first(NULL, answers, MR_COUNT(answers));
}

TEST(fn_time, buckets) {
    static const answer answers[] = {
        {"time_bucket(interval '7 days', date '2026-01-31')", "2026-01-26"},
        {"time_bucket(interval '5 months', timestamp '1999-12-31 12:00:00')",
         "1999-08-01 00:00:00"},
        {"time_bucket(interval '90 minutes', timestamp '1999-12-31 12:00:00')",
         "1999-12-31 12:00:00"},
        {"time_bucket(interval '-1 day', d)",
         "!expression: time_bucket: a bucket that is not longer than 0"},
        {"time_bucket(interval '1 month 1 day', d)",
         "!expression: time_bucket: months with days or hours in a bucket"},
    };
    expect_first(NULL, answers, MR_COUNT(answers));
}

TEST(fn_time, the_wall_clock_of_a_zone) {
    static const answer answers[] = {
        {"timestamptz '2026-03-07 12:00:00-05' + interval '1 day'", "2026-03-08 12:00:00-04"},
        {"timestamptz '2026-03-07 12:00:00-05' + interval '24 hours'", "2026-03-08 13:00:00-04"},
        {"timestamptz '2026-03-07 02:30:00-05' + interval '1 day'", "2026-03-08 03:30:00-04"},
        {"timestamptz '2026-10-31 01:30:00-04' + interval '1 day'", "2026-11-01 01:30:00-04"},
        {"timestamptz '2026-11-02 01:30:00-05' - interval '1 day'", "2026-11-01 01:30:00-05"},
        {"timestamptz '2025-03-09 03:02:16-04' - interval '1 month 1 day 1 hour'",
         "2025-02-08 01:02:16-05"},
        {"timestamptz '2026-03-09 11:00:00-04' - timestamptz '2026-03-07 12:00:00-05'",
         "1 day 23:00:00"},
        {"timestamptz '2026-11-01 03:30:00+00'::date", "2026-10-31"},
        {"(d + 20515)::timestamptz", "2026-03-03 00:00:00-05"},
        {"date_part('hour', timestamptz '2027-01-01 12:00:00+00')", "7"},
        {"date_trunc('day', timestamptz '2026-11-01 06:34:56+00')", "2026-11-01 00:00:00-04"},
        // Of two equal hours each is its own (DuckDB gives the second for both).
        {"date_trunc('hour', timestamptz '2026-11-01 05:34:56+00')", "2026-11-01 01:00:00-04"},
        {"date_trunc('hour', timestamptz '2026-11-01 06:34:56+00')", "2026-11-01 01:00:00-05"},
        {"time_bucket(interval '1 day', timestamptz '2026-07-31 03:34:56+00')",
         "2026-07-30 20:00:00-04"},
        {"time_bucket(interval '1 day 1 hour', t)",
         "!expression: time_bucket: days with hours in a bucket of timestamptz"},
    };
    expect_first("New_York", answers, MR_COUNT(answers));
}
