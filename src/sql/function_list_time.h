// Function list, rows of dates, times and intervals; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_TIME(X)                                                                       \
    /* Time. Calendar units of timestamptz are those of the session's zone. */                     \
    X(ADD_DATE_INT32, "+", MR_FN_FALLIBLE, DATE, DATE, INT32, NULLTYPE,                            \
      "Moved by that many days.", "date '2026-01-31' + 1")                                         \
    X(ADD_DATE_INTERVAL, "+", MR_FN_FALLIBLE, TIMESTAMP, DATE, INTERVAL, NULLTYPE,                 \
      "Moved on by an interval.", "date '2026-01-31' + interval '1 month'")                        \
    X(ADD_TIMESTAMP_INTERVAL, "+", MR_FN_FALLIBLE, TIMESTAMP, TIMESTAMP, INTERVAL, NULLTYPE,       \
      "Moved on by an interval.", "timestamp '2026-01-31 12:34:56' + interval '1 month'")          \
    X(ADD_TIMESTAMPTZ_INTERVAL, "+", MR_FN_FALLIBLE | MR_FN_ZONED, TIMESTAMPTZ, TIMESTAMPTZ,       \
      INTERVAL, NULLTYPE, "Moved on by an interval.",                                              \
      "timestamptz '2026-01-31 12:34:56+00' + interval '1 month'")                                 \
    X(ADD_INTERVAL, "+", MR_FN_FALLIBLE, INTERVAL, INTERVAL, INTERVAL, NULLTYPE, "Sum.",           \
      "interval '1 day' + interval '1 hour'")                                                      \
    X(SUB_DATE_INT32, "-", MR_FN_FALLIBLE, DATE, DATE, INT32, NULLTYPE,                            \
      "Moved by that many days.", "date '2026-01-31' - 1")                                         \
    X(SUB_DATE_INTERVAL, "-", MR_FN_FALLIBLE, TIMESTAMP, DATE, INTERVAL, NULLTYPE,                 \
      "Moved back by an interval.", "date '2026-01-31' - interval '1 month'")                      \
    X(SUB_TIMESTAMP_INTERVAL, "-", MR_FN_FALLIBLE, TIMESTAMP, TIMESTAMP, INTERVAL, NULLTYPE,       \
      "Moved back by an interval.", "timestamp '2026-01-31 12:34:56' - interval '1 month'")        \
    X(SUB_TIMESTAMPTZ_INTERVAL, "-", MR_FN_FALLIBLE | MR_FN_ZONED, TIMESTAMPTZ, TIMESTAMPTZ,       \
      INTERVAL, NULLTYPE, "Moved back by an interval.",                                            \
      "timestamptz '2026-01-31 12:34:56+00' - interval '1 month'")                                 \
    X(SUB_INTERVAL, "-", MR_FN_FALLIBLE, INTERVAL, INTERVAL, INTERVAL, NULLTYPE, "Difference.",    \
      "interval '1 day' - interval '1 hour'")                                                      \
    X(SUB_DATE, "-", MR_FN_PURE, INT64, DATE, DATE, NULLTYPE, "Days between two dates.",           \
      "date '2026-01-31' - date '2026-01-01'")                                                     \
    X(SUB_TIMESTAMP, "-", MR_FN_FALLIBLE, INTERVAL, TIMESTAMP, TIMESTAMP, NULLTYPE,                \
      "Time between two moments, in days and microseconds.",                                       \
      "timestamp '2026-01-31 12:34:56' - timestamp '2026-01-01'")                                  \
    X(SUB_TIMESTAMPTZ, "-", MR_FN_FALLIBLE, INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ, NULLTYPE,          \
      "Time between two moments, in days and microseconds.",                                       \
      "timestamptz '2026-01-31 12:34:56+00' - timestamptz '2026-01-01 00:00:00+00'")               \
    X(MUL_INTERVAL, "*", MR_FN_FALLIBLE, INTERVAL, INTERVAL, INT64, NULLTYPE,                      \
      "Interval that many times over.", "interval '1 hour' * 3")                                   \
    X(TO_TIMESTAMP, "to_timestamp", MR_FN_FALLIBLE, TIMESTAMPTZ, FLOAT64, NULLTYPE, NULLTYPE,      \
      "Moment from seconds since 1970-01-01 UTC.", "to_timestamp(1767225600)")                     \
    X(MAKE_TIMESTAMP, "make_timestamp", MR_FN_PURE, TIMESTAMP, INT64, NULLTYPE, NULLTYPE,          \
      "Timestamp from microseconds since 1970-01-01.", "make_timestamp(1767225600000000)")         \
    X(EPOCH_MS_INT64, "epoch_ms", MR_FN_FALLIBLE, TIMESTAMP, INT64, NULLTYPE, NULLTYPE,            \
      "Timestamp from milliseconds since 1970-01-01.", "epoch_ms(1767225600000)")                  \
    X(EPOCH_TIMESTAMP, "epoch", MR_FN_PURE, FLOAT64, TIMESTAMP, NULLTYPE, NULLTYPE,                \
      "Seconds since 1970-01-01.", "epoch(timestamp '2026-01-31 12:34:56')")                       \
    X(EPOCH_TIMESTAMPTZ, "epoch", MR_FN_PURE, FLOAT64, TIMESTAMPTZ, NULLTYPE, NULLTYPE,            \
      "Seconds since 1970-01-01.", "epoch(timestamptz '2026-01-31 12:34:56+00')")                  \
    X(EPOCH_MS_TIMESTAMP, "epoch_ms", MR_FN_PURE, INT64, TIMESTAMP, NULLTYPE, NULLTYPE,            \
      "Milliseconds since 1970-01-01.", "epoch_ms(timestamp '2026-01-31 12:34:56')")               \
    X(EPOCH_MS_TIMESTAMPTZ, "epoch_ms", MR_FN_PURE, INT64, TIMESTAMPTZ, NULLTYPE, NULLTYPE,        \
      "Milliseconds since 1970-01-01.", "epoch_ms(timestamptz '2026-01-31 12:34:56+00')")          \
    X(EPOCH_US_TIMESTAMP, "epoch_us", MR_FN_PURE, INT64, TIMESTAMP, NULLTYPE, NULLTYPE,            \
      "Microseconds since 1970-01-01.", "epoch_us(timestamp '2026-01-31 12:34:56')")               \
    X(EPOCH_US_TIMESTAMPTZ, "epoch_us", MR_FN_PURE, INT64, TIMESTAMPTZ, NULLTYPE, NULLTYPE,        \
      "Microseconds since 1970-01-01.", "epoch_us(timestamptz '2026-01-31 12:34:56+00')")          \
    X(EPOCH_INTERVAL, "epoch", MR_FN_PURE, FLOAT64, INTERVAL, NULLTYPE, NULLTYPE,                  \
      "Seconds of an interval; a month has 30 days, 12 months have 365.25.",                       \
      "epoch(interval '1 hour')")                                                                  \
    X(DATE_PART_DATE, "date_part", MR_FN_FALLIBLE, INT64, TEXT, DATE, NULLTYPE,                    \
      "A field of a time: year, quarter, month, week, day, hour, minute, second, dow, doy …",      \
      "date_part('dow', date '2026-01-31')")                                                       \
    X(DATE_PART_TIMESTAMP, "date_part", MR_FN_PURE, INT64, TEXT, TIMESTAMP, NULLTYPE,              \
      "A field of a time: year, quarter, month, week, day, hour, minute, second, dow, doy …",      \
      "date_part('hour', timestamp '2026-01-31 12:34:56')")                                        \
    X(DATE_PART_TIMESTAMPTZ, "date_part", MR_FN_ZONED, INT64, TEXT, TIMESTAMPTZ, NULLTYPE,         \
      "A field of a time: year, quarter, month, week, day, hour, minute, second, dow, doy …",      \
      "date_part('hour', timestamptz '2026-01-31 12:34:56+00')")                                   \
    X(DATE_PART_INTERVAL, "date_part", MR_FN_FALLIBLE, INT64, TEXT, INTERVAL, NULLTYPE,            \
      "A field of a time: year, quarter, month, week, day, hour, minute, second, dow, doy …",      \
      "date_part('hour', interval '90 minutes')")                                                  \
    X(DATE_TRUNC_DATE, "date_trunc", MR_FN_FALLIBLE, DATE, TEXT, DATE, NULLTYPE,                   \
      "Start of the unit that a time is in.", "date_trunc('month', date '2026-01-31')")            \
    X(DATE_TRUNC_TIMESTAMP, "date_trunc", MR_FN_PURE, TIMESTAMP, TEXT, TIMESTAMP, NULLTYPE,        \
      "Start of the unit that a time is in.",                                                      \
      "date_trunc('month', timestamp '2026-01-31 12:34:56')")                                      \
    X(DATE_TRUNC_TIMESTAMPTZ, "date_trunc", MR_FN_ZONED, TIMESTAMPTZ, TEXT, TIMESTAMPTZ, NULLTYPE, \
      "Start of the unit that a time is in.",                                                      \
      "date_trunc('month', timestamptz '2026-01-31 12:34:56+00')")                                 \
    X(TIME_BUCKET_DATE, "time_bucket", MR_FN_FALLIBLE, DATE, INTERVAL, DATE, NULLTYPE,             \
      "Start of the bucket that a time is in; buckets count from 2000-01-03 (months: "             \
      "2000-01-01).",                                                                              \
      "time_bucket(interval '7 days', date '2026-01-31')")                                         \
    X(TIME_BUCKET_ORIGIN_DATE, "time_bucket", MR_FN_FALLIBLE, DATE, INTERVAL, DATE, DATE,          \
      "Start of the bucket that a time is in; buckets count from the third argument.",             \
      "time_bucket(interval '7 days', date '2026-01-31', date '2026-01-31')")                      \
    X(TIME_BUCKET_TIMESTAMP, "time_bucket", MR_FN_FALLIBLE, TIMESTAMP, INTERVAL, TIMESTAMP,        \
      NULLTYPE,                                                                                    \
      "Start of the bucket that a time is in; buckets count from 2000-01-03 (months: "             \
      "2000-01-01).",                                                                              \
      "time_bucket(interval '7 days', timestamp '2026-01-31 12:34:56')")                           \
    X(TIME_BUCKET_ORIGIN_TIMESTAMP, "time_bucket", MR_FN_FALLIBLE, TIMESTAMP, INTERVAL, TIMESTAMP, \
      TIMESTAMP, "Start of the bucket that a time is in; buckets count from the third argument.",  \
      "time_bucket(interval '7 days', timestamp '2026-01-31 12:34:56', timestamp '2026-01-31 "     \
      "12:34:56')")                                                                                \
    X(TIME_BUCKET_TIMESTAMPTZ, "time_bucket", MR_FN_FALLIBLE | MR_FN_ZONED, TIMESTAMPTZ, INTERVAL, \
      TIMESTAMPTZ, NULLTYPE,                                                                       \
      "Start of the bucket that a time is in; buckets count from 2000-01-03 (months: "             \
      "2000-01-01).",                                                                              \
      "time_bucket(interval '7 days', timestamptz '2026-01-31 12:34:56+00')")                      \
    X(TIME_BUCKET_ORIGIN_TIMESTAMPTZ, "time_bucket", MR_FN_FALLIBLE | MR_FN_ZONED, TIMESTAMPTZ,    \
      INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ,                                                          \
      "Start of the bucket that a time is in; buckets count from the third argument.",             \
      "time_bucket(interval '7 days', timestamptz '2026-01-31 12:34:56+00', timestamptz "          \
      "'2026-01-31 12:34:56+00')")
