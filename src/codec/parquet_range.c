// Parquet range: smallest and largest value of a column chunk, as its statistics state them.
//
// Rules: zeros are stated as -0.0 at the lower and +0.0 at the upper end, since readers compare
// either way; with a NaN among the values nothing is stated, since engines that order NaN above all
// numbers would skip rows they need; strings over 64 bytes are not stated.
// Source: Apache Parquet format, parquet.thrift, "ColumnOrder".

#include <string.h>

#include "codec/parquet_column.h"

#define RANGE_STRING_BYTES_MAX 64

void mr_parquet_range_ints(mr_parquet_range *range, int64_t min, int64_t max) {
    mr_assert(min <= max);
    range->int_min = range->any ? MR_MIN(range->int_min, min) : min;
    range->int_max = range->any ? MR_MAX(range->int_max, max) : max;
    range->any = true;
}

void mr_parquet_range_float(mr_parquet_range *range, double value) {
    if (value != value) {
        range->nan = true;
        return;
    }
    range->float_min = range->any ? MR_MIN(range->float_min, value) : value;
    range->float_max = range->any ? MR_MAX(range->float_max, value) : value;
    range->any = true;
}

static void range_copy(mr_text *to, mr_str value) {
    mr_text_clear(to);
    mr_text_add_bytes(to, value.data, value.bytes);
}

void mr_parquet_range_string(mr_parquet_range *range, mr_str value) {
    mr_span span = {value.data, value.bytes};
    if (!range->any || mr_span_compare(span, mr_text_span(&range->str_min)) < 0) {
        range_copy(&range->str_min, value);
    }
    if (!range->any || mr_span_compare(span, mr_text_span(&range->str_max)) > 0) {
        range_copy(&range->str_max, value);
    }
    range->any = true;
}

static int64_t range_number(uint64_t number, uint32_t width) {
    return width == 4 ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number;
}

void mr_parquet_range_dict(mr_parquet_range *range, mr_type type, const mr_parquet_dict *dict) {
    if (mr_type_is_string(type)) {
        for (uint32_t i = 0; i < dict->count; i++) {
            mr_parquet_range_string(range, mr_parquet_dict_string_at(dict, i));
        }
    } else if (type.id == MR_FLOAT64) {
        for (uint32_t i = 0; i < dict->count; i++) {
            double value;
            memcpy(&value, &dict->numbers[i], sizeof(value));
            mr_parquet_range_float(range, value);
        }
    } else if (type.id == MR_FLOAT32) {
        for (uint32_t i = 0; i < dict->count; i++) {
            float value;
            memcpy(&value, &dict->numbers[i], sizeof(value));
            mr_parquet_range_float(range, (double)value);
        }
    } else {
        for (uint32_t i = 0; i < dict->count; i++) {
            int64_t value = range_number(dict->numbers[i], dict->width);
            mr_parquet_range_ints(range, value, value);
        }
    }
}

void mr_parquet_range_clear(mr_parquet_range *range) {
    range->any = false;
    range->nan = false;
    mr_text_clear(&range->str_min);
    mr_text_clear(&range->str_max);
}

bool mr_parquet_range_state(const mr_parquet_range *range, mr_type type, char *room,
                            mr_span *ret_min, mr_span *ret_max) {
    if (!range->any || range->nan) {
        return false;
    }
    if (mr_type_is_string(type)) {
        if (range->str_min.bytes > RANGE_STRING_BYTES_MAX ||
            range->str_max.bytes > RANGE_STRING_BYTES_MAX) {
            return false;
        }
        *ret_min = mr_text_span(&range->str_min);
        *ret_max = mr_text_span(&range->str_max);
        return true;
    }
    size_t bytes = mr_type_bytes(type);
    if (type.id == MR_FLOAT64) {
        double ends[2] = {range->float_min == 0 ? -0.0 : range->float_min,
                          range->float_max == 0 ? 0.0 : range->float_max};
        memcpy(room, ends, sizeof(ends));
    } else if (type.id == MR_FLOAT32) {
        float ends[2] = {range->float_min == 0 ? -0.0f : (float)range->float_min,
                         range->float_max == 0 ? 0.0f : (float)range->float_max};
        memcpy(room, ends, sizeof(ends));
    } else {
        // Little-endian: the low bytes are the value of a narrower type.
        memcpy(room, &range->int_min, bytes);
        memcpy(room + bytes, &range->int_max, bytes);
    }
    *ret_min = (mr_span){room, bytes};
    *ret_max = (mr_span){room + bytes, bytes};
    return true;
}
