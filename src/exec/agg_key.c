// Agg, keys: see agg_key.h.
//
// How: numbers are written big-endian with their sign flipped; a text's zero bytes are escaped (00
// FF) and it ends with 00 00; a nested value is its items' keys, each behind a 01, and a 00. What
// is descending has its bits turned over, but not its mark of NULL.

#include "exec/agg_key.h"

#include <math.h>

#include "column/interval.h"
#include "column/nested.h"

#define MARK_NULL_FIRST 0
#define MARK_VALUE      1
#define MARK_NULL_LAST  2

static void put_big_endian(mr_text *out, uint64_t bits, uint32_t bytes) {
    char *at = mr_text_grow(out, bytes);
    for (uint32_t i = 0; i < bytes; i++) {
        at[i] = (char)(bits >> (8 * (bytes - 1 - i)));
    }
}

static void put_signed(mr_text *out, int64_t value, uint32_t bytes) {
    put_big_endian(out, (uint64_t)value ^ (1ull << (8 * bytes - 1)), bytes);
}

static void put_wide(mr_text *out, __int128 value) {
    put_signed(out, (int64_t)(value >> 64), 8);
    put_big_endian(out, (uint64_t)value, 8);
}

static void put_double(mr_text *out, double value) {
    if (isnan(value)) {
        put_big_endian(out, UINT64_MAX, 8);
        return;
    }
    value = value == 0 ? 0.0 : value;  // -0.0 is 0.0.
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_big_endian(out, (bits >> 63) != 0 ? ~bits : bits | 1ull << 63, 8);
}

static void put_string(mr_text *out, mr_span value) {
    for (size_t i = 0; i < value.bytes; i++) {
        mr_text_add_char(out, value.data[i]);
        if (value.data[i] == 0) {
            mr_text_add_char(out, (char)0xFF);
        }
    }
    mr_text_add_bytes(out, "\0\0", 2);
}

static void put_interval(mr_text *out, mr_interval value) {
    put_wide(out, mr_interval_length_us(value));
}

static void put_value(mr_text *out, const mr_vector *v, uint32_t row);

static void put_nested(mr_text *out, mr_type type, mr_span in) {
    uint32_t count = type.id == MR_LIST ? mr_nested_count(&in) : type.fields->count;
    for (uint32_t i = 0; i < count; i++) {
        mr_type of = type.fields->columns[type.id == MR_LIST ? 0 : i].type;
        mr_nested_item item = mr_nested_next(&in, of);
        put_big_endian(out, 1, 1);
        put_big_endian(out, item.null ? MARK_NULL_LAST : MARK_VALUE, 1);
        if (!item.null) {
            uint64_t room[2];
            mr_vector one = {.type = of, .kind = MR_FLAT, .data = room};
            mr_nested_store(&item, &one, 0);
            put_value(out, &one, 0);
        }
    }
    put_big_endian(out, 0, 1);
}

static void put_value(mr_text *out, const mr_vector *v, uint32_t row) {
    uint32_t at = mr_vector_at(v, row);
    switch (v->type.id) {
    case MR_BOOL: put_big_endian(out, v->bools[at], 1); return;
    case MR_INT16: put_signed(out, v->int16s[at], 2); return;
    case MR_INT32:
    case MR_DATE: put_signed(out, v->int32s[at], 4); return;
    case MR_INT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: put_signed(out, v->int64s[at], 8); return;
    case MR_NUMERIC: put_wide(out, v->numerics[at]); return;
    case MR_FLOAT32: put_double(out, (double)v->float32s[at]); return;
    case MR_FLOAT64: put_double(out, v->float64s[at]); return;
    case MR_UUID:
        put_big_endian(out, v->uuids[at].high, 8);
        put_big_endian(out, v->uuids[at].low, 8);
        return;
    case MR_INTERVAL: put_interval(out, v->intervals[at]); return;
    case MR_TEXT:
    case MR_BYTES:
    case MR_JSON: {
        mr_str value = mr_vector_str(v, row);
        put_string(out, (mr_span){value.data, value.bytes});
        return;
    }
    case MR_LIST:
    case MR_STRUCT:
        put_nested(out, v->type, (mr_span){v->strs[at].data, v->strs[at].bytes});
        return;
    case MR_NULLTYPE: return;
    case MR_TYPE_COUNT: break;
    }
    mr_assert(false);
}

void mr_agg_key_put(mr_text *out, const mr_vector *vector, uint32_t row, bool descending,
                    bool nulls_first) {
    if (vector->type.id == MR_NULLTYPE || mr_vector_is_null(vector, row)) {
        put_big_endian(out, nulls_first ? MARK_NULL_FIRST : MARK_NULL_LAST, 1);
        return;
    }
    put_big_endian(out, MARK_VALUE, 1);
    size_t first = out->bytes;
    put_value(out, vector, row);
    for (size_t i = first; descending && i < out->bytes; i++) {
        out->data[i] = (char)~out->data[i];
    }
}

void mr_agg_key_put_origin(mr_text *out, const mr_origin *origin, uint32_t row) {
    if (origin != NULL && origin->offsets != NULL) {
        put_big_endian(out, origin->partition_index, 4);
        put_signed(out, origin->offsets[row], 8);
    }
}

void mr_agg_key_put_row(mr_text *out, const mr_agg_input *input, uint32_t row) {
    for (uint32_t i = 0; i < input->call->order_count; i++) {
        const mr_agg_order *order = &input->call->orders[i];
        mr_agg_key_put(out, input->orders[i], row, order->descending, order->nulls_first);
    }
    mr_agg_key_put_origin(out, input->origin, row);
}
