// Eval, casts: a kernel for each pair of types that convert.
//
// DuckDB's meaning: a double becomes the nearest integer, halves to the even one; a value out of
// range fails its row (a try_cast gives NULL); dates and wall clocks are read and made in the
// session's zone.

#include "exec/eval_cast.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "exec/eval_node.h"
#include "exec/fn.h"

// Says which value did not convert; `argument` as it prints.
static void cast_fail(mr_fn_call *call, uint32_t row) {
    const mr_vector *in = &call->args[0];
    const char *type = mr_type_name(call->out->type);
    if (mr_type_is_string(in->type)) {
        mr_eval_call_fail(call, row, "cannot cast %s to %s",
                          mr_eval_call_quote(call, mr_vector_str(in, row)), type);
    } else {
        mr_eval_call_fail(call, row, "cannot cast %s to %s", mr_eval_call_value(call, 0, row),
                          type);
    }
}

// Conversions that never fail: EXPR of x, over all rows.
#define CAST_ALWAYS(name, from, to, EXPR)                                 \
    static void name(mr_fn_call *call) {                                  \
        const from *in = call->args[0].data;                              \
        uint32_t mask = call->args[0].kind == MR_CONST ? 0u : UINT32_MAX; \
        to *out = call->out->data;                                        \
        mr_eval_rows rows = mr_eval_call_dense(call);                     \
        for (uint32_t i = 0; i < rows.count; i++) {                       \
            uint32_t row = mr_eval_row(rows, i);                          \
            const from x = in[row & mask];                                \
            out[row] = (EXPR);                                            \
        }                                                                 \
    }
// Conversions that may: FITS of x, writing *to.
#define CAST_CHECKED(name, from, to_type, FITS)                   \
    static void name(mr_fn_call *call) {                          \
        const from *in = call->args[0].data;                      \
        to_type *out = call->out->data;                           \
        mr_eval_rows rows = mr_eval_call_live(call);              \
        for (uint32_t i = 0; i < rows.count; i++) {               \
            uint32_t row = mr_eval_row(rows, i);                  \
            const from x = in[mr_vector_at(&call->args[0], row)]; \
            to_type *to = &out[row];                              \
            *to = (to_type){0};                                   \
            if (!(FITS)) {                                        \
                cast_fail(call, row);                             \
            }                                                     \
        }                                                         \
    }

// Both the value and what it is rounded to must be in range, as in DuckDB for the lower end.
static bool double_fits(double value, double min, double max, int64_t *ret) {
    double nearest = rint(value);
    if (!(value >= min && nearest < max)) {  // Also NaN.
        return false;
    }
    *ret = (int64_t)nearest;
    return true;
}

static bool double_to_int32(double x, int32_t *to) {
    int64_t value;
    bool fits = double_fits(x, -0x1p31, 0x1p31, &value);
    if (fits) {
        *to = (int32_t)value;
    }
    return fits;
}

static bool int64_to_int32(int64_t x, int32_t *to) {
    *to = (int32_t)x;
    return *to == x;
}

static bool days_to_us(int32_t days, const mr_zone *zone, int64_t *to) {
    if (!mr_mul_fits((int64_t)days, MR_DAY_US, to)) {
        return false;
    }
    *to = zone == NULL ? *to : mr_zone_to_utc(zone, *to);
    return true;
}

#define ZONE (call->run->env->zone)

CAST_ALWAYS(bool_to_int32, uint8_t, int32_t, x)
CAST_ALWAYS(bool_to_int64, uint8_t, int64_t, x)
CAST_ALWAYS(bool_to_float64, uint8_t, double, x)
CAST_ALWAYS(int32_to_bool, int32_t, uint8_t, x != 0)
CAST_ALWAYS(int32_to_int64, int32_t, int64_t, x)
CAST_ALWAYS(int32_to_float64, int32_t, double, x)
CAST_ALWAYS(int64_to_bool, int64_t, uint8_t, x != 0)
CAST_ALWAYS(int64_to_float64, int64_t, double, (double)x)
CAST_ALWAYS(float64_to_bool, double, uint8_t, x != 0)
CAST_CHECKED(cast_int64_to_int32, int64_t, int32_t, int64_to_int32(x, to))
CAST_CHECKED(cast_float64_to_int32, double, int32_t, double_to_int32(x, to))
CAST_CHECKED(cast_float64_to_int64, double, int64_t, double_fits(x, -0x1p63, 0x1p63, to))
CAST_CHECKED(date_to_timestamp, int32_t, int64_t, days_to_us(x, NULL, to))
CAST_CHECKED(date_to_timestamptz, int32_t, int64_t, days_to_us(x, ZONE, to))
CAST_ALWAYS(timestamp_to_date, int64_t, int32_t, (int32_t)mr_floor_div(x, MR_DAY_US))
CAST_ALWAYS(timestamp_to_timestamptz, int64_t, int64_t, ZONE == NULL ? x : mr_zone_to_utc(ZONE, x))
CAST_ALWAYS(timestamptz_to_date, int64_t, int32_t, mr_zone_date(ZONE, x))
CAST_ALWAYS(timestamptz_to_timestamp, int64_t, int64_t,
            (int64_t)((uint64_t)x + (uint64_t)((int64_t)mr_zone_offset_s(ZONE, x) * MR_SECOND_US)))

// ---- from and to text --------------------------------------------------------------------------

static mr_span span_of(mr_str value) {
    return (mr_span){value.data, value.bytes};
}

static bool text_to_bool(mr_span in, uint8_t *to) {
    bool value;
    bool fits = mr_eval_cast_text_bool(in, &value);
    *to = fits && value;
    return fits;
}

static bool text_to_int32(mr_span in, int32_t *to) {
    int64_t value;
    bool fits = mr_eval_cast_text_integer(in, INT32_MIN, INT32_MAX, &value);
    *to = fits ? (int32_t)value : 0;
    return fits;
}

// Takes the spaces around a time away; false behind a bare date, where DuckDB takes none either.
static bool time_span(mr_span *in) {
    mr_span trimmed = mr_span_trim(*in);
    bool closed = trimmed.data + trimmed.bytes == in->data + in->bytes;
    bool has_clock = trimmed.bytes > 0 && memchr(trimmed.data, ':', trimmed.bytes) != NULL;
    *in = trimmed;
    return closed || has_clock;
}

static bool text_to_timestamptz(mr_span in, const mr_zone *zone, int64_t *to) {
    return time_span(&in) && mr_civil_parse(in.data, in.bytes, zone, to);
}

// The wall clock as it is written: an offset behind it is checked, and does not count.
static bool text_to_timestamp(mr_span in, int64_t *to) {
    if (!time_span(&in) || !mr_civil_parse(in.data, in.bytes, /* zone= */ NULL, to)) {
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
    return mr_civil_parse(plain.data, plain.bytes, /* zone= */ NULL, to);
}

static size_t take_number(mr_span in, size_t at, int32_t *ret) {
    *ret = 0;
    for (; at < in.bytes && in.data[at] >= '0' && in.data[at] <= '9' && *ret < 100000; at++) {
        *ret = *ret * 10 + (in.data[at] - '0');
    }
    return at;
}

// The date a text starts with, "2026-1-31" or "2026/01/31"; what follows it is not looked at
// (DuckDB's rule too), but it may not be a digit.
static bool text_to_date(mr_span in, int32_t *to) {
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
    if (at < in.bytes && in.data[at] >= '0' && in.data[at] <= '9') {
        return false;
    }
    char plain[40];
    int bytes = snprintf(plain, sizeof(plain), "%04d-%02d-%02d", field[0], field[1], field[2]);
    return mr_civil_parse_date(plain, (size_t)bytes, to);
}

// "\x41" for bytes that are not plain; every other byte must be ASCII.
static bool text_to_bytes(mr_fn_call *call, mr_span in, mr_str *to) {
    char *data = mr_arena_raw(call->run->arena, in.bytes + 1);
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
                int digit = mr_fn_hex_digit(in.data[k]);
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
    *to = (mr_str){.data = data, .bytes = bytes};
    return true;
}

#define CAST_TEXT(name, to_type, FITS)                               \
    static void name(mr_fn_call *call) {                             \
        to_type *out = call->out->data;                              \
        mr_eval_rows rows = mr_eval_call_live(call);                 \
        for (uint32_t i = 0; i < rows.count; i++) {                  \
            uint32_t row = mr_eval_row(rows, i);                     \
            mr_span x = span_of(mr_vector_str(&call->args[0], row)); \
            to_type *to = &out[row];                                 \
            if (!(FITS)) {                                           \
                cast_fail(call, row);                                \
            }                                                        \
        }                                                            \
    }

CAST_TEXT(cast_text_to_bool, uint8_t, text_to_bool(x, to))
CAST_TEXT(cast_text_to_int32, int32_t, text_to_int32(x, to))
CAST_TEXT(cast_text_to_int64, int64_t, mr_eval_cast_text_integer(x, INT64_MIN, INT64_MAX, to))
CAST_TEXT(cast_text_to_float64, double, mr_eval_cast_text_double(x, to))
CAST_TEXT(cast_text_to_date, int32_t, text_to_date(x, to))
CAST_TEXT(cast_text_to_timestamp, int64_t, text_to_timestamp(x, to))
CAST_TEXT(cast_text_to_timestamptz, int64_t, text_to_timestamptz(x, ZONE, to))
CAST_TEXT(cast_text_to_interval, mr_interval, mr_eval_cast_text_interval(x, to))
CAST_TEXT(cast_text_to_bytes, mr_str, text_to_bytes(call, x, to))

// Every type prints itself; a view into one buffer a call.
static void cast_to_text(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_live(call);
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_text text;
    mr_text_init(&text, call->run->arena);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        mr_text_clear(&text);
        mr_vector_print(&call->args[0], row, ZONE, &text);
        memcpy(mr_fn_writer_take(&writer, text.bytes), mr_text_string(&text), text.bytes);
        call->out->strs[row] = mr_fn_writer_end(&writer, text.bytes);
    }
}

static void cast_same(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_live(call);
    size_t bytes = mr_type_bytes(call->out->type);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        if (mr_type_is_string(call->out->type)) {
            call->out->strs[row] = mr_vector_str(&call->args[0], row);
        } else {
            memcpy(call->out->bools + bytes * row,
                   call->args[0].bools + bytes * mr_vector_at(&call->args[0], row), bytes);
        }
    }
}

// NULL of no type becomes NULL of any: strict, so it never has a row to do.
static void cast_null(mr_fn_call *call) {
    (void)call;
}

mr_fn_kernel mr_eval_cast_kernel(mr_type_id from, mr_type_id to) {
    static const mr_fn_kernel kernels[MR_TYPE_COUNT][MR_TYPE_COUNT] = {
        [MR_BOOL] = {[MR_INT32] = bool_to_int32,
                     [MR_INT64] = bool_to_int64,
                     [MR_FLOAT64] = bool_to_float64},
        [MR_INT32] = {[MR_BOOL] = int32_to_bool,
                      [MR_INT64] = int32_to_int64,
                      [MR_FLOAT64] = int32_to_float64},
        [MR_INT64] = {[MR_BOOL] = int64_to_bool,
                      [MR_INT32] = cast_int64_to_int32,
                      [MR_FLOAT64] = int64_to_float64},
        [MR_FLOAT64] = {[MR_BOOL] = float64_to_bool,
                        [MR_INT32] = cast_float64_to_int32,
                        [MR_INT64] = cast_float64_to_int64},
        [MR_TEXT] = {[MR_BOOL] = cast_text_to_bool,
                     [MR_INT32] = cast_text_to_int32,
                     [MR_INT64] = cast_text_to_int64,
                     [MR_FLOAT64] = cast_text_to_float64,
                     [MR_DATE] = cast_text_to_date,
                     [MR_TIMESTAMP] = cast_text_to_timestamp,
                     [MR_TIMESTAMPTZ] = cast_text_to_timestamptz,
                     [MR_INTERVAL] = cast_text_to_interval,
                     [MR_BYTES] = cast_text_to_bytes},
        [MR_DATE] = {[MR_TIMESTAMP] = date_to_timestamp, [MR_TIMESTAMPTZ] = date_to_timestamptz},
        [MR_TIMESTAMP] =
            {[MR_DATE] = timestamp_to_date, [MR_TIMESTAMPTZ] = timestamp_to_timestamptz},
        [MR_TIMESTAMPTZ] =
            {[MR_DATE] = timestamptz_to_date, [MR_TIMESTAMP] = timestamptz_to_timestamp},
    };
    mr_assert(from < MR_TYPE_COUNT && to < MR_TYPE_COUNT);
    if (from == MR_NULLTYPE) {
        return cast_null;
    }
    if (from == to) {
        return cast_same;
    }
    return to == MR_TEXT ? cast_to_text : kernels[from][to];
}
