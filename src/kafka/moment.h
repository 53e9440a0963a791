// Moment: a time, and where reading begins, as people write them.

#pragma once

#include "kafka/reader.h"

// "2026-01-31T12:00:00Z", "2026-01-31", milliseconds since 1970, or a time ago: "-1h".
bool mr_moment_parse(const char *text, int64_t now_us, int64_t *ret_ms);
// "beginning", "end" (also earliest, latest), an offset, -N, or a moment: sets from and number.
bool mr_moment_from(const char *text, int64_t now_us, mr_reader_options *ret);
