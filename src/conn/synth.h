// Synth: rows made up from a spec in YAML, the same for the same spec and seed.
//
// Why: tests, demos and benchmarks want data of their own shape, of any size, with known shares of
// NULLs, duplicates, late, future and bad rows. How: row i is a function of (spec, seed, i) alone,
// so any range can be made on any thread, at any rate, into any sink. Values are drawn as 64-bit
// ticks (cents, microseconds, …) and printed once.
// Threads: an mr_synth is read-only; each thread has a cursor of its own.

#pragma once

#include "base/option.h"

// The keys of a spec outside of its columns; the table is parser, checker, --help and the manual.
typedef struct mr_synth_settings {
    const char *format;
    bool header;
    int64_t rate;
    int64_t count;
    int64_t seed;
    const char *key;
    const char *event_time;
    double duplicates;
    int64_t duplicates_within;
    double late;
    int64_t late_by;
    double future;
    int64_t future_by;
    double bad;
    const char *bad_kinds;  // Nested in the spec.
    const char *columns;
} mr_synth_settings;

typedef struct mr_synth mr_synth;
typedef struct mr_synth_cursor mr_synth_cursor;

// Reads and checks a spec. Memory: cx->arena, which must outlive *ret.
//   file    its name, for messages      now_us  what "start: now" means
//   errors  MR_E_SYNTAX, MR_E_OPTION, MR_E_TYPE, MR_E_VALUE, MR_E_NAME, MR_E_LIMIT, with the place
mr_code mr_synth_compile(const char *file, mr_span text, int64_t now_us, mr_synth **ret, mr_cx *cx);
// The same from a file.
mr_code mr_synth_load(const char *path, int64_t now_us, mr_synth **ret, mr_cx *cx);
const mr_synth_settings *mr_synth_get(const mr_synth *synth);
void mr_synth_set_seed(mr_synth *synth, int64_t seed);  // Before rows are made.
void mr_synth_set_json(mr_synth *synth);                // Whatever the spec says of the format.

mr_synth_cursor *mr_synth_open(const mr_synth *synth);
void mr_synth_close(mr_synth_cursor *cursor);  // Takes NULL.
// Appends row `index` without a line end. ret_key: the key column's value, valid until the next
// call; data NULL = none. May be NULL.
void mr_synth_row(mr_synth_cursor *cursor, uint64_t index, mr_text *out, mr_span *ret_key);
// The line of names of a CSV file, without a line end; nothing for JSON.
void mr_synth_header(const mr_synth *synth, mr_text *out);

// synth_key.c: every key, type and distribution, for --help.
void mr_synth_key_help(mr_text *out);
