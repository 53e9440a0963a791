// Schedule: when a DAG runs, and which data interval each of its runs covers.
//
// schedule: null | cron | [cron, cron] | {every: 15m} | {every: 1mo} | {at: [times]}
// A tick is a moment at which it fires; ticks at the same moment are one. The run of a tick covers
// [previous tick, tick) (data_interval: previous_tick, the default), nothing ([tick, tick): none),
// or a fixed time back from the tick (24h).

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
    const char *text;  // As written, for people.
    mr_cron *crons;
    int64_t *moments;       // AT: UTC, in order.
    uint32_t count;         // Of crons or moments.
    int64_t every_us;       // EVERY: one of both.
    uint32_t every_months;  // Counted from the anchor: 31 Jan, 28 Feb, 31 Mar.
    int64_t anchor_us;      // EVERY: start_date, or 1970-01-01 local.
    const mr_zone *zone;
    int64_t start_us;  // No tick before start_date (INT64_MIN: none) …
    int64_t end_us;    // … or after end_date (INT64_MAX: none).
} mr_schedule;

// node NULL or null: none. zone and start_us, end_us are set by the caller.
mr_code mr_schedule_parse(const mr_yaml *node, mr_schedule *ret, mr_cx *cx);
int64_t mr_schedule_next(const mr_schedule *schedule, int64_t after_us);       // INT64_MAX: none
int64_t mr_schedule_previous(const mr_schedule *schedule, int64_t before_us);  // INT64_MIN: none
// Number of ticks in (after_us, until_us], counting no further than max.
uint32_t mr_schedule_count(const mr_schedule *schedule, int64_t after_us, int64_t until_us,
                           uint32_t max);
