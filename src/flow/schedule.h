// Schedule: when a DAG runs.
//
// schedule: null | cron | [cron, cron] | {cron: …} | {every: 15m} | {at: [times]}
// `every` counts from start_date, else from 1970-01-01: hours and less by elapsed time, days, weeks
// and months (1d 2w 1mo 1y) by the wall clock; 31 Jan, 28 Feb, 31 Mar. A tick is a moment at which
// it fires; ticks at the same moment are one.

#pragma once

#include "codec/yaml.h"
#include "flow/cron.h"

typedef enum mr_schedule_kind {
    MR_SCHEDULE_NONE,
    MR_SCHEDULE_CRON,
    MR_SCHEDULE_EVERY,
    MR_SCHEDULE_AT,
} mr_schedule_kind;

typedef struct mr_schedule {
    mr_schedule_kind kind;
    const char *text;  // As written, for people; "" = none.
    const mr_cron *crons;
    const int64_t *moments;  // AT: UTC, in order.
    uint32_t count;          // Of crons or moments.
    int64_t every_us;        // EVERY: one of these three.
    int32_t every_days;
    int32_t every_months;
    const mr_zone *zone;  // NULL = UTC.
    int64_t start_us;     // start_date (INT64_MIN: none) …
    int64_t end_us;       // … and end_date (INT64_MAX: none), and what follows from them:
    int64_t first_us;     // no tick before this …
    int64_t last_us;      // … or after this.
} mr_schedule;

// ret->zone, start_us and end_us are the caller's, set before. node NULL or null: none.
//   errors  MR_E_SYNTAX, MR_E_VALUE, MR_E_TYPE, MR_E_NAME, MR_E_OPTION at the place
mr_code mr_schedule_parse(const mr_yaml *node, mr_schedule *ret, mr_cx *cx);
// From now on start_date and end_date bound not the ticks, but the begins of the intervals between
// them, as Airflow's: the first tick that counts is the second one from start_date on. Moments that
// are listed (`at`) stay bounded by themselves.
void mr_schedule_bound_intervals(mr_schedule *schedule);
int64_t mr_schedule_next(const mr_schedule *schedule, int64_t after_us);       // INT64_MAX: none
int64_t mr_schedule_previous(const mr_schedule *schedule, int64_t before_us);  // INT64_MIN: none
// Number of ticks in (after_us, until_us], counting no further than max.
uint32_t mr_schedule_count(const mr_schedule *schedule, int64_t after_us, int64_t until_us,
                           uint32_t max);
// Something right that may not be meant, or NULL.
const char *mr_schedule_remark(const mr_schedule *schedule, mr_arena *arena);
