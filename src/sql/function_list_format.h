// Function list, rows of times as text, differences, making times and other zones; included by
// sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_FORMAT(X)                                                                     \
    /* Times as text. */                                                                           \
    X(STRFTIME_DATE, "strftime", MR_FN_FALLIBLE, TEXT, DATE, TEXT, NULLTYPE,                       \
      "Time in a format such as '%Y-%m-%d %H:%M:%S'.", "strftime(date '2026-01-31', '%d %b %Y')")  \
    X(STRFTIME_TIMESTAMP, "strftime", MR_FN_FALLIBLE, TEXT, TIMESTAMP, TEXT, NULLTYPE,             \
      "Time in a format such as '%Y-%m-%d %H:%M:%S'.",                                             \
      "strftime(timestamp '2026-01-31 12:34:56', '%d %b %Y')")                                     \
    X(STRFTIME_TIMESTAMPTZ, "strftime", MR_FN_FALLIBLE | MR_FN_ZONED, TEXT, TIMESTAMPTZ, TEXT,     \
      NULLTYPE, "Time in a format such as '%Y-%m-%d %H:%M:%S'.",                                   \
      "strftime(timestamptz '2026-01-31 12:34:56+00', '%d %b %Y')")                                \
    X(STRPTIME, "strptime", MR_FN_FALLIBLE, TIMESTAMP, TEXT, TEXT, NULLTYPE,                       \
      "Timestamp from a text in a format; weeks are not read.",                                    \
      "strptime('31.01.2026 12:34', '%d.%m.%Y %H:%M')")                                            \
    X(TRY_STRPTIME, "try_strptime", MR_FN_FALLIBLE, TIMESTAMP, TEXT, TEXT, NULLTYPE,               \
      "As strptime; NULL when the text does not fit.", "try_strptime('31.01.2026', '%d.%m.%Y')")   \
    X(STRPTIME_ZONED, "strptime_zoned", MR_FN_FALLIBLE | MR_FN_ZONED, TIMESTAMPTZ, TEXT, TEXT,     \
      NULLTYPE, "strptime with a format that has %z (an offset such as +02:00).",                  \
      "strptime('2026-01-31 12:34+02', '%Y-%m-%d %H:%M%z')")                                       \
    X(TRY_STRPTIME_ZONED, "try_strptime_zoned", MR_FN_FALLIBLE | MR_FN_ZONED, TIMESTAMPTZ, TEXT,   \
      TEXT, NULLTYPE, "try_strptime with a format that has %z.",                                   \
      "try_strptime('2026-01-31 12:34+02', '%Y-%m-%d %H:%M%z')")                                   \
    /* Differences. */                                                                             \
    X(DATE_DIFF_DATE, "date_diff", MR_FN_FALLIBLE, INT64, TEXT, DATE, DATE,                        \
      "Borders of a unit between two times.",                                                      \
      "date_diff('month', date '2026-01-31', date '2026-03-01')")                                  \
    X(DATE_DIFF_TIME, "date_diff", MR_FN_FALLIBLE, INT64, TEXT, TIME, TIME,                        \
      "Borders of a unit between two times.",                                                      \
      "date_diff('hour', make_time(12, 34, 56), make_time(14, 0, 0))")                             \
    X(DATE_DIFF_TIMESTAMP, "date_diff", MR_FN_FALLIBLE, INT64, TEXT, TIMESTAMP, TIMESTAMP,         \
      "Borders of a unit between two times.",                                                      \
      "date_diff('month', timestamp '2026-01-31 12:34:56', timestamp '2026-03-01')")               \
    X(DATE_DIFF_TIMESTAMPTZ, "date_diff", MR_FN_FALLIBLE | MR_FN_ZONED, INT64, TEXT, TIMESTAMPTZ,  \
      TIMESTAMPTZ, "Borders of a unit between two times.",                                         \
      "date_diff('month', timestamptz '2026-01-31 12:34:56+00', timestamptz '2026-03-01 "          \
      "00:00:00+00')")                                                                             \
    X(DATE_SUB_DATE, "date_sub", MR_FN_FALLIBLE, INT64, TEXT, DATE, DATE,                          \
      "Whole units between two times.", "date_sub('month', date '2026-01-31', date '2026-03-01')") \
    X(DATE_SUB_TIME, "date_sub", MR_FN_FALLIBLE, INT64, TEXT, TIME, TIME,                          \
      "Whole units between two times.",                                                            \
      "date_sub('hour', make_time(12, 34, 56), make_time(14, 0, 0))")                              \
    X(DATE_SUB_TIMESTAMP, "date_sub", MR_FN_FALLIBLE, INT64, TEXT, TIMESTAMP, TIMESTAMP,           \
      "Whole units between two times.",                                                            \
      "date_sub('month', timestamp '2026-01-31 12:34:56', timestamp '2026-03-01')")                \
    X(DATE_SUB_TIMESTAMPTZ, "date_sub", MR_FN_FALLIBLE | MR_FN_ZONED, INT64, TEXT, TIMESTAMPTZ,    \
      TIMESTAMPTZ, "Whole units between two times.",                                               \
      "date_sub('month', timestamptz '2026-01-31 12:34:56+00', timestamptz '2026-03-01 "           \
      "00:00:00+00')")                                                                             \
    X(AGE_TIMESTAMP, "age", MR_FN_PURE, INTERVAL, TIMESTAMP, TIMESTAMP, NULLTYPE,                  \
      "Months, days and time from the second time to the first.",                                  \
      "age(timestamp '2026-03-01', timestamp '2026-01-31 12:34:56')")                              \
    X(AGE_TIMESTAMPTZ, "age", MR_FN_ZONED, INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ, NULLTYPE,           \
      "Months, days and time from the second time to the first.",                                  \
      "age(timestamptz '2026-03-01 00:00:00+00', timestamptz '2026-01-31 12:34:56+00')")           \
    /* Parts. */                                                                                   \
    X(LAST_DAY_DATE, "last_day", MR_FN_PURE, DATE, DATE, NULLTYPE, NULLTYPE,                       \
      "Last day of the month.", "last_day(date '2026-01-31')")                                     \
    X(LAST_DAY_TIMESTAMP, "last_day", MR_FN_PURE, DATE, TIMESTAMP, NULLTYPE, NULLTYPE,             \
      "Last day of the month.", "last_day(timestamp '2026-01-31 12:34:56')")                       \
    X(LAST_DAY_TIMESTAMPTZ, "last_day", MR_FN_ZONED, DATE, TIMESTAMPTZ, NULLTYPE, NULLTYPE,        \
      "Last day of the month.", "last_day(timestamptz '2026-01-31 12:34:56+00')")                  \
    X(DAYNAME_DATE, "dayname", MR_FN_PURE, TEXT, DATE, NULLTYPE, NULLTYPE,                         \
      "Name of the day of the week.", "dayname(date '2026-01-31')")                                \
    X(DAYNAME_TIMESTAMP, "dayname", MR_FN_PURE, TEXT, TIMESTAMP, NULLTYPE, NULLTYPE,               \
      "Name of the day of the week.", "dayname(timestamp '2026-01-31 12:34:56')")                  \
    X(DAYNAME_TIMESTAMPTZ, "dayname", MR_FN_ZONED, TEXT, TIMESTAMPTZ, NULLTYPE, NULLTYPE,          \
      "Name of the day of the week.", "dayname(timestamptz '2026-01-31 12:34:56+00')")             \
    X(MONTHNAME_DATE, "monthname", MR_FN_PURE, TEXT, DATE, NULLTYPE, NULLTYPE,                     \
      "Name of the month.", "monthname(date '2026-01-31')")                                        \
    X(MONTHNAME_TIMESTAMP, "monthname", MR_FN_PURE, TEXT, TIMESTAMP, NULLTYPE, NULLTYPE,           \
      "Name of the month.", "monthname(timestamp '2026-01-31 12:34:56')")                          \
    X(MONTHNAME_TIMESTAMPTZ, "monthname", MR_FN_ZONED, TEXT, TIMESTAMPTZ, NULLTYPE, NULLTYPE,      \
      "Name of the month.", "monthname(timestamptz '2026-01-31 12:34:56+00')")                     \
    X(EPOCH_NS_TIMESTAMP, "epoch_ns", MR_FN_FALLIBLE, INT64, TIMESTAMP, NULLTYPE, NULLTYPE,        \
      "Nanoseconds since 1970-01-01.", "epoch_ns(timestamp '2026-01-31 12:34:56')")                \
    X(EPOCH_NS_TIMESTAMPTZ, "epoch_ns", MR_FN_FALLIBLE, INT64, TIMESTAMPTZ, NULLTYPE, NULLTYPE,    \
      "Nanoseconds since 1970-01-01.", "epoch_ns(timestamptz '2026-01-31 12:34:56+00')")           \
    X(EPOCH_TIME, "epoch", MR_FN_PURE, FLOAT64, TIME, NULLTYPE, NULLTYPE,                          \
      "Seconds since midnight.", "epoch(make_time(12, 34, 56))")                                   \
    X(DATE_PART_TIME, "date_part", MR_FN_FALLIBLE, INT64, TEXT, TIME, NULLTYPE,                    \
      "A field of a time of day.", "date_part('minute', make_time(12, 34, 56))")                   \
    /* Making times. */                                                                            \
    X(MAKE_DATE, "make_date", MR_FN_FALLIBLE, DATE, INT64, INT64, INT64,                           \
      "Date from year, month and day.", "make_date(2026, 1, 31)")                                  \
    X(MAKE_DATE_DAYS, "make_date", MR_FN_PURE, DATE, INT32, NULLTYPE, NULLTYPE,                    \
      "Date from days since 1970-01-01.", "make_date(20000)")                                      \
    X(MAKE_TIME, "make_time", MR_FN_FALLIBLE, TIME, INT64, INT64, FLOAT64,                         \
      "Time of day from hour, minute and second.", "make_time(12, 34, 56.5)")                      \
    X(ADD_DATE_TIME, "+", MR_FN_FALLIBLE, TIMESTAMP, DATE, TIME, NULLTYPE,                         \
      "Date and time of day in one.", "date '2026-01-31' + make_time(12, 34, 56)")                 \
    X(ADD_TIME_INTERVAL, "+", MR_FN_PURE, TIME, TIME, INTERVAL, NULLTYPE,                          \
      "Moved on by the hours and less of an interval, over midnight.",                             \
      "make_time(12, 34, 56) + interval '20 hours'")                                               \
    X(SUB_TIME_INTERVAL, "-", MR_FN_PURE, TIME, TIME, INTERVAL, NULLTYPE,                          \
      "Moved back by the hours and less of an interval, over midnight.",                           \
      "make_time(12, 34, 56) - interval '20 hours'")                                               \
    X(TO_MILLENNIA, "to_millennia", MR_FN_FALLIBLE, INTERVAL, INT64, NULLTYPE, NULLTYPE,           \
      "Interval of that many millennia.", "to_millennia(3)")                                       \
    X(TO_CENTURIES, "to_centuries", MR_FN_FALLIBLE, INTERVAL, INT64, NULLTYPE, NULLTYPE,           \
      "Interval of that many centuries.", "to_centuries(3)")                                       \
    X(TO_DECADES, "to_decades", MR_FN_FALLIBLE, INTERVAL, INT64, NULLTYPE, NULLTYPE,               \
      "Interval of that many decades.", "to_decades(3)")                                           \
    X(TO_YEARS, "to_years", MR_FN_FALLIBLE, INTERVAL, INT64, NULLTYPE, NULLTYPE,                   \
      "Interval of that many years.", "to_years(3)")                                               \
    X(TO_QUARTERS, "to_quarters", MR_FN_FALLIBLE, INTERVAL, INT64, NULLTYPE, NULLTYPE,             \
      "Interval of that many quarters.", "to_quarters(3)")                                         \
    X(TO_MONTHS, "to_months", MR_FN_FALLIBLE, INTERVAL, INT64, NULLTYPE, NULLTYPE,                 \
      "Interval of that many months.", "to_months(3)")                                             \
    X(TO_WEEKS, "to_weeks", MR_FN_FALLIBLE, INTERVAL, INT64, NULLTYPE, NULLTYPE,                   \
      "Interval of that many weeks.", "to_weeks(3)")                                               \
    X(TO_DAYS, "to_days", MR_FN_FALLIBLE, INTERVAL, INT64, NULLTYPE, NULLTYPE,                     \
      "Interval of that many days.", "to_days(3)")                                                 \
    X(TO_HOURS, "to_hours", MR_FN_FALLIBLE, INTERVAL, INT64, NULLTYPE, NULLTYPE,                   \
      "Interval of that many hours.", "to_hours(3)")                                               \
    X(TO_MINUTES, "to_minutes", MR_FN_FALLIBLE, INTERVAL, INT64, NULLTYPE, NULLTYPE,               \
      "Interval of that many minutes.", "to_minutes(3)")                                           \
    X(TO_MICROSECONDS, "to_microseconds", MR_FN_FALLIBLE, INTERVAL, INT64, NULLTYPE, NULLTYPE,     \
      "Interval of that many microseconds.", "to_microseconds(3)")                                 \
    X(TO_SECONDS, "to_seconds", MR_FN_FALLIBLE, INTERVAL, FLOAT64, NULLTYPE, NULLTYPE,             \
      "Interval of that many seconds.", "to_seconds(1.5)")                                         \
    X(TO_MILLISECONDS, "to_milliseconds", MR_FN_FALLIBLE, INTERVAL, FLOAT64, NULLTYPE, NULLTYPE,   \
      "Interval of that many milliseconds.", "to_milliseconds(1.5)")                               \
    /* Other zones: the zone is a literal. */                                                      \
    X(TIMEZONE_TIMESTAMP, "timezone", MR_FN_PURE, TIMESTAMPTZ, TEXT, TIMESTAMP, NULLTYPE,          \
      "Moment at which the clocks of a zone show a time: time AT TIME ZONE 'zone'.",               \
      "timezone('UTC', timestamp '2026-01-31 12:34:56')")                                          \
    X(TIMEZONE_TIMESTAMPTZ, "timezone", MR_FN_PURE, TIMESTAMP, TEXT, TIMESTAMPTZ, NULLTYPE,        \
      "What the clocks of a zone show at a moment: moment AT TIME ZONE 'zone'.",                   \
      "timezone('UTC', timestamptz '2026-01-31 12:34:56+00')")
