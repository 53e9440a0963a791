// Generate: made-up events, the same for the same seed.
//
// Why: demos, tests and benchmarks need input of any size with known duplicates, NULLs, late and
// bad rows. How: event i is a function of (seed, i) alone, so any range can be made on any thread.
// A duplicate is an exact copy of one of the 512 events before it.
//   retail   {"event_id","user_id","product_id","amount","country","device","event_time"}
//   sensors  {"id","ts","value","source"}

#pragma once

#include "base/cx.h"
#include "base/option.h"

// What a user sets; the table is for the generator source and for `millrace generate`.
typedef struct mr_generate_settings {
    const char *kind;
    const char *spec;
    int64_t rate;
    int64_t count;
    int64_t seed;
    int64_t partitions;
    int64_t event_rate;
    const char *duplicates;
    const char *nulls;
    const char *late;
    const char *bad;
    const char *start;
    int64_t disorder;
    int64_t late_by;
} mr_generate_settings;

extern const mr_option mr_generate_options[];

typedef struct mr_generate {
    bool sensors;
    uint64_t seed;
    int64_t start_us;
    int64_t event_rate;  // Events in a second of event time.
    int64_t disorder_us;
    int64_t late_us;
    uint32_t duplicates;  // Shares, of 2^32.
    uint32_t nulls;
    uint32_t late;
    uint32_t bad;
} mr_generate;

// errors  MR_E_OPTION
mr_code mr_generate_init(const mr_generate_settings *settings, mr_generate *ret, mr_cx *cx);
// Appends event `index` without a line end.
void mr_generate_event(const mr_generate *generate, uint64_t index, mr_text *out);
