// Values written as text: numbers, booleans, dates, times and intervals.

#include <math.h>
#include <string.h>

#include "base/civil.h"
#include "column/interval.h"
#include "sql/types.h"

bool mr_types_interval(mr_span text, mr_interval *ret) {
    return mr_interval_parse(text, ret);
}

static bool parse_bool(mr_span in, uint8_t *ret) {
    static const char *const words[] = {"true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"};
    for (size_t i = 0; i < MR_COUNT(words); i++) {
        if (mr_span_equal_nocase(in, mr_span_of(words[i]))) {
            *ret = i < MR_COUNT(words) / 2;
            return true;
        }
    }
    return false;
}

// A whole number, or a decimal one that is rounded, halves away from 0, as DuckDB does.
static bool parse_whole(mr_span in, int64_t *ret) {
    double value;
    if (mr_text_parse_int64(in, ret)) {
        return true;
    }
    if (!mr_text_parse_double(in, &value) || fabs(value) >= 9007199254740992.0) {
        return false;
    }
    *ret = llround(value);
    return true;
}

static bool parse_double(mr_span in, double *ret) {
    static const struct {
        const char *word;
        double value;
    } words[] = {{"nan", NAN},        {"inf", INFINITY},        {"infinity", INFINITY},
                 {"-inf", -INFINITY}, {"-infinity", -INFINITY}, {"+inf", INFINITY}};
    for (size_t i = 0; i < MR_COUNT(words); i++) {
        if (mr_span_equal_nocase(in, mr_span_of(words[i].word))) {
            *ret = words[i].value;
            return true;
        }
    }
    return mr_text_parse_double(in, ret);
}

bool mr_types_literal(mr_span text, mr_type to, const mr_zone *zone, void *ret) {
    mr_span in = mr_span_trim(text);
    switch (to.id) {
    case MR_BOOL: return parse_bool(in, ret);
    case MR_INT32: {
        int64_t value;
        if (!parse_whole(in, &value) || value < INT32_MIN || value > INT32_MAX) {
            return false;
        }
        memcpy(ret, &(int32_t){(int32_t)value}, sizeof(int32_t));
        return true;
    }
    case MR_INT64: return parse_whole(in, ret);
    case MR_FLOAT64: return parse_double(in, ret);
    case MR_DATE: return mr_civil_parse_date(in.data, in.bytes, ret);
    case MR_TIMESTAMP: return mr_civil_parse(in.data, in.bytes, /* zone= */ NULL, ret);
    case MR_TIMESTAMPTZ: return mr_civil_parse(in.data, in.bytes, zone, ret);
    case MR_INTERVAL: return mr_types_interval(in, ret);
    case MR_INT16:
    case MR_NUMERIC:
    case MR_FLOAT32:
    case MR_UUID:
    case MR_TIME:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT:
    case MR_NULLTYPE:
    case MR_TEXT:
    case MR_BYTES:
    case MR_TYPE_COUNT: return false;
    }
    return false;
}
