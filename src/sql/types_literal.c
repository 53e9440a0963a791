// Types, single values written as text: dates, times, ids and bytes; numbers are in types_number.c.

#include <stdio.h>
#include <string.h>

#include "column/interval.h"
#include "column/uuid.h"
#include "column/vector.h"
#include "sql/types_text.h"

// ---- dates and times -------------------------------------------------------------------------

// Takes the spaces around a time away; false behind a bare date, where DuckDB takes none either.
static bool time_span(mr_span *in) {
    mr_span trimmed = mr_span_trim(*in);
    bool closed = trimmed.data + trimmed.bytes == in->data + in->bytes;
    bool has_clock = trimmed.bytes > 0 && memchr(trimmed.data, ':', trimmed.bytes) != NULL;
    *in = trimmed;
    return closed || has_clock;
}

static bool parse_timestamptz(mr_span in, const mr_zone *zone, int64_t *ret) {
    return time_span(&in) && mr_civil_parse(in.data, in.bytes, zone, ret);
}

// The wall clock as it is written: an offset behind it is checked, and does not count.
static bool parse_timestamp(mr_span in, int64_t *ret) {
    if (!time_span(&in) || !mr_civil_parse(in.data, in.bytes, /* zone= */ NULL, ret)) {
        return false;
    }
    const char *clock = memchr(in.data, ':', in.bytes);
    if (clock == NULL) {
        return true;
    }
    size_t bytes = (size_t)(clock - in.data);
    while (bytes < in.bytes && in.data[bytes] != '+' && in.data[bytes] != '-' &&
           in.data[bytes] != 'Z' && in.data[bytes] != 'z') {
        bytes++;
    }
    mr_span plain = mr_span_trim((mr_span){in.data, bytes});
    return mr_civil_parse(plain.data, plain.bytes, /* zone= */ NULL, ret);
}

static bool is_digit(mr_span in, size_t at) {
    return at < in.bytes && in.data[at] >= '0' && in.data[at] <= '9';
}

static size_t take_number(mr_span in, size_t at, int32_t *ret) {
    *ret = 0;
    for (; is_digit(in, at) && *ret < 100000; at++) {
        *ret = *ret * 10 + (in.data[at] - '0');
    }
    return at;
}

// The date a text starts with, "2026-1-31" or "2026/01/31"; what follows it is not looked at
// (DuckDB's rule too), but it may not be a digit.
static bool parse_date(mr_span in, int32_t *ret) {
    in = mr_span_trim(in);
    int32_t field[3];
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        if (i > 0 && (at >= in.bytes || (in.data[at] != '-' && in.data[at] != '/'))) {
            return false;
        }
        size_t first = at + (i > 0);
        at = take_number(in, first, &field[i]);
        if (at == first || (i > 0 && at - first > 2)) {
            return false;
        }
    }
    if (is_digit(in, at)) {
        return false;
    }
    char plain[40];
    int bytes = snprintf(plain, sizeof(plain), "%04d-%02d-%02d", field[0], field[1], field[2]);
    return mr_civil_parse_date(plain, (size_t)bytes, ret);
}

// One or two digits behind a colon, below 60. *at stays at the end when nothing follows the colon.
static bool take_sixtieth(mr_span in, size_t *at, int32_t *ret) {
    *ret = 0;
    if (*at == in.bytes) {
        return true;
    }
    if (!is_digit(in, *at)) {
        return false;
    }
    size_t end = *at + 1 + is_digit(in, *at + 1);
    (void)take_number((mr_span){in.data, end}, *at, ret);
    *at = end;
    return *ret < 60;
}

// "12:34:56.789", "12:34", "12:"; what follows is not looked at, as in DuckDB.
static bool parse_clock(mr_span in, int64_t *ret) {
    int32_t hour, part[2] = {0, 0};
    size_t at = take_number(in, 0, &hour);
    if (at == 0 || is_digit(in, at) || at == in.bytes || in.data[at] != ':') {
        return false;
    }
    at++;
    if (!take_sixtieth(in, &at, &part[0])) {
        return false;
    }
    if (at < in.bytes) {
        bool seconds = in.data[at] == ':';
        at++;
        if (!seconds || !take_sixtieth(in, &at, &part[1])) {
            return false;
        }
    }
    int64_t us = ((int64_t)(hour * 60 + part[0]) * 60 + part[1]) * MR_SECOND_US;
    if (at < in.bytes && in.data[at] == '.') {
        at++;
        for (int64_t unit = MR_SECOND_US / 10; is_digit(in, at); unit /= 10, at++) {
            us += unit * (in.data[at] - '0');
        }
    }
    *ret = us;
    return hour <= 24 && us <= MR_DAY_US;
}

// A time of day; of a timestamp its time.
static bool parse_time(mr_span in, int64_t *ret) {
    mr_span trimmed = mr_span_trim(in);
    if (parse_clock(trimmed, ret)) {
        return true;
    }
    int64_t moment;
    if (!parse_timestamp(in, &moment)) {
        return false;
    }
    *ret = moment - mr_floor_div(moment, MR_DAY_US) * MR_DAY_US;
    return true;
}

// ---- ids and bytes ---------------------------------------------------------------------------

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// "\x41" for bytes that are not plain; every other byte must be ASCII.
static bool parse_bytes(mr_span in, mr_arena *arena, mr_str *ret) {
    char *data = mr_arena_raw(arena, in.bytes + 1);
    uint32_t bytes = 0;
    for (size_t i = 0; i < in.bytes; i++) {
        uint8_t c = (uint8_t)in.data[i];
        if (c >= 0x80) {
            return false;
        }
        if (c == '\\') {
            int value = 0;
            if (in.bytes - i < 4 || in.data[i + 1] != 'x') {
                return false;
            }
            for (size_t k = i + 2; k < i + 4; k++) {
                int digit = hex_digit(in.data[k]);
                if (digit < 0) {
                    return false;
                }
                value = value * 16 + digit;
            }
            c = (uint8_t)value;
            i += 3;
        }
        data[bytes++] = (char)c;
    }
    *ret = (mr_str){.data = data, .bytes = bytes};
    return true;
}

// ---- all types -------------------------------------------------------------------------------

static bool parse_bool(mr_span in, uint8_t *ret) {
    bool value = false;
    bool fits = mr_types_number_bool(in, &value);
    *ret = value;
    return fits;
}

static bool parse_int16(mr_span in, int16_t *ret) {
    int64_t value = 0;
    bool fits = mr_types_number_integer(in, INT16_MIN, INT16_MAX, &value);
    *ret = (int16_t)value;
    return fits;
}

static bool parse_int32(mr_span in, int32_t *ret) {
    int64_t value = 0;
    bool fits = mr_types_number_integer(in, INT32_MIN, INT32_MAX, &value);
    *ret = (int32_t)value;
    return fits;
}

static bool parse_float(mr_span in, float *ret) {
    double value = 0;
    bool fits = mr_types_number_double(in, &value);
    *ret = (float)value;
    return fits;
}

bool mr_types_literal(mr_span text, mr_type to, const mr_zone *zone, mr_arena *arena, void *ret) {
    switch (to.id) {
    case MR_BOOL: return parse_bool(text, ret);
    case MR_INT16: return parse_int16(text, ret);
    case MR_INT32: return parse_int32(text, ret);
    case MR_INT64: return mr_types_number_integer(text, INT64_MIN, INT64_MAX, ret);
    case MR_NUMERIC: return mr_types_number_numeric(text, to, ret);
    case MR_FLOAT32: return parse_float(text, ret);
    case MR_FLOAT64: return mr_types_number_double(text, ret);
    case MR_UUID: return mr_uuid_parse(text, ret);
    case MR_DATE: return parse_date(text, ret);
    case MR_TIME: return parse_time(text, ret);
    case MR_TIMESTAMP: return parse_timestamp(text, ret);
    case MR_TIMESTAMPTZ: return parse_timestamptz(text, zone, ret);
    case MR_INTERVAL: return mr_interval_parse(text, ret);
    case MR_BYTES: return parse_bytes(text, arena, ret);
    case MR_TEXT:
        memcpy(ret, &(mr_str){.data = text.data, .bytes = mr_u32(text.bytes)}, sizeof(mr_str));
        return true;
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT:
    case MR_NULLTYPE:
    case MR_TYPE_COUNT: return false;
    }
    return false;
}
