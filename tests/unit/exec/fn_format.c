// Fn, times as text, differences, making times, other zones: answers of DuckDB 1.4.4, edges first.
// tests/diff/eval_duckdb.py has the random rows.

#include "eval_make.h"
#include "runner.h"

TEST(fn_format, strftime_and_strptime) {
    static const make_answer answers[] = {
        {"strftime(timestamp '2026-01-01', '%U %W %V %G %y %-y %j %-j')",
         "00 00 01 2026 26 26 001 1"},
        {"strftime(timestamp '2026-01-05 00:04:05.006007', '%I:%M %p %f %g')",
         "12:04 AM 006007 006"},
        {"strftime(date '0026-01-05', '%Y|%c|100%%')", "0026|0026-01-05 00:00:00|100%"},
        {"strftime('%Y', timestamp '2026-01-05')", "2026"},
        {"strftime(timestamp '2026-01-05', '%Q')",
         "!expression: format \"%Q\" has an unknown or unfinished %"},
        {"strftime(timestamp '2026-01-05', '50%')",
         "!expression: format \"50%\" has an unknown or unfinished %"},
        {"strptime(' 26-1-5  3 ', '%y-%m-%d %H')", "2026-01-05 03:00:00"},
        {"strptime('12:30 am', '%I:%M %p')", "1900-01-01 00:30:00"},
        {"strptime('.5', '.%f')", "1900-01-01 00:00:00.5"},
        {"strptime('060 2024', '%j %Y')", "2024-02-29 00:00:00"},
        {"strptime('tue JAN 05 2026', '%a %b %d %Y')", "2026-01-05 00:00:00"},
        {"strptime('2026-01-05 03:04+02:30', '%Y-%m-%d %H:%M%z')", "2026-01-05 00:34:00+00"},
        {"strptime('2026-02-30', '%Y-%m-%d')",
         "!expression: \"2026-02-30\" does not fit the format \"%Y-%m-%d\""},
        {"strptime('2026-01-05x', '%Y-%m-%d')",
         "!expression: \"2026-01-05x\" does not fit the format \"%Y-%m-%d\""},
        {"try_strptime('2026-01-05x', '%Y-%m-%d')", "NULL"},
        {"try_strptime('24', '%H')", "NULL"},
    };
    make_expect(answers, MR_COUNT(answers));
}

TEST(fn_format, differences) {
    static const make_answer answers[] = {
        {"date_diff('hour', timestamp '2025-12-31 23:59:59', timestamp '2026-01-01')", "1"},
        {"date_sub('hour', timestamp '2025-12-31 23:59:59', timestamp '2026-01-01')", "0"},
        {"date_diff('week', date '2026-01-04', date '2026-01-05')", "0"},
        {"date_diff('hour', timestamp '1969-12-31 23:30:00', timestamp '1970-01-01 00:30:00')",
         "1"},
        {"date_sub('month', date '2026-01-31', date '2026-02-28')", "1"},
        {"date_sub('month', date '2026-03-31', date '2026-02-28')", "-1"},
        {"date_diff('era', date '2026-01-31', date '2026-02-28')",
         "!expression: no difference of 2026-01-31 and 2026-02-28 in units of \"era\""},
        {"age(timestamp '2026-03-31', timestamp '2026-02-28')", "1 month 3 days"},
        {"age(timestamp '2026-02-28', timestamp '2026-03-31')", "-1 month -3 days"},
        {"last_day(date '2024-02-03')", "2024-02-29"},
        {"yearweek(date '2021-01-01')", "202053"},
    };
    make_expect(answers, MR_COUNT(answers));
}

TEST(fn_format, making_times) {
    static const make_answer answers[] = {
        {"make_date(2026, 2, 30)", "!expression: date out of range: 2026-2-30"},
        {"make_date(2024, 2, 29)", "2024-02-29"},
        {"make_timestamp(2026, 2, 3, 4, 5, 60)", "2026-02-03 04:06:00"},
        {"make_timestamp(2026, 2, 3, 25, 5, 6)", "!expression: time out of range: 25:5:6.0"},
        {"make_time(24, 0, 1)", "!expression: time out of range: 24:0:1.0"},
        {"to_years(2147483647)", "!expression: interval out of range: 2147483647 years"},
        {"to_days(3000000000)", "!expression: interval out of range: 3000000000 days"},
        {"to_seconds(1e18)", "!expression: interval out of range: 1e+18 seconds"},
        {"date '2026-01-01' + (make_time(1, 0, 0) - interval '2 hours 1 day')",
         "2026-01-01 23:00:00"},
        {"epoch_ns(timestamp '9999-01-01')",
         "!expression: nanoseconds out of range: 9999-01-01 00:00:00"},
        {"timestamp '2026-02-28' AT TIME ZONE 'utc'", "2026-02-28 00:00:00+00"},
        {"timestamptz '2026-02-28 12:00:00+00' AT TIME ZONE 'UTC'", "2026-02-28 12:00:00"},
    };
    make_expect(answers, MR_COUNT(answers));
    make *m = make_new(MAKE_FLAT);
    EXPECT(make_eval(m, "timezone(s, t)") == NULL);
    EXPECT_STR(m->cx.error.text, "zone of AT TIME ZONE is not a literal");
    EXPECT(make_eval(m, "timezone('Mars/Base', t)") == NULL);
    EXPECT_STR(m->cx.error.text, "no time zone \"Mars/Base\"");
    make_free(m);
}
