// Parquet values: from vectors into a page, one loop per type and form.
//
// A constant vector comes as rows that are all 0, so no loop needs to know of it.

#include <string.h>

#include "codec/parquet_column.h"

static inline uint32_t values_row(const uint32_t *rows, uint32_t i) {
    return rows != NULL ? rows[i] : i;
}

// ---- plain -------------------------------------------------------------------------------------

static void plain_bools(mr_parquet_column *column, const mr_vector *in, const uint32_t *rows,
                        uint32_t count) {
    size_t bytes = (column->page_values + count + 7) / 8;
    size_t before = column->plain.bytes;
    if (bytes > before) {
        memset(mr_text_grow(&column->plain, bytes - before), 0, bytes - before);
    }
    uint8_t *bits = (uint8_t *)column->plain.data;
    uint32_t trues = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = column->page_values + i;
        uint32_t value = in->bools[values_row(rows, i)] != 0;
        bits[at / 8] = (uint8_t)(bits[at / 8] | value << (at % 8));
        trues += value;
    }
    mr_parquet_range_ints(&column->range, trues == count, trues > 0);
}

#define PLAIN_INTS(name, ctype)                                                                    \
    static void plain_##name(mr_parquet_column *column, const mr_vector *in, const uint32_t *rows, \
                             uint32_t count) {                                                     \
        const ctype *data = in->data;                                                              \
        ctype *to = (ctype *)(void *)mr_text_grow(&column->plain, sizeof(ctype) * count);          \
        ctype min = data[values_row(rows, 0)];                                                     \
        ctype max = min;                                                                           \
        if (rows == NULL) {                                                                        \
            memcpy(to, data, sizeof(ctype) * count);                                               \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                to[i] = data[rows[i]];                                                             \
            }                                                                                      \
        }                                                                                          \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            min = MR_MIN(min, to[i]);                                                              \
            max = MR_MAX(max, to[i]);                                                              \
        }                                                                                          \
        mr_parquet_range_ints(&column->range, min, max);                                           \
    }

PLAIN_INTS(int32s, int32_t)
PLAIN_INTS(int64s, int64_t)

static void plain_float64s(mr_parquet_column *column, const mr_vector *in, const uint32_t *rows,
                           uint32_t count) {
    double *to = (double *)(void *)mr_text_grow(&column->plain, sizeof(double) * count);
    for (uint32_t i = 0; i < count; i++) {
        to[i] = in->float64s[values_row(rows, i)];
        mr_parquet_range_float(&column->range, to[i]);
    }
}

static void plain_float32s(mr_parquet_column *column, const mr_vector *in, const uint32_t *rows,
                           uint32_t count) {
    float *to = (float *)(void *)mr_text_grow(&column->plain, sizeof(float) * count);
    for (uint32_t i = 0; i < count; i++) {
        to[i] = in->float32s[values_row(rows, i)];
        mr_parquet_range_float(&column->range, (double)to[i]);
    }
}

static void plain_string(mr_parquet_column *column, mr_str value) {
    if (column->leaf->fixed) {
        mr_text_add_bytes(&column->plain, value.data, MR_PARQUET_FIXED);
        return;
    }
    char *to = mr_text_grow(&column->plain, sizeof(uint32_t) + value.bytes);
    memcpy(to, &value.bytes, sizeof(uint32_t));
    if (value.bytes > 0) {
        memcpy(to + sizeof(uint32_t), value.data, value.bytes);
    }
}

static void plain_strings(mr_parquet_column *column, const mr_vector *in, const uint32_t *rows,
                          uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = values_row(rows, i);
        mr_str value = in->kind == MR_DICT ? in->dict->values[in->codes[row]] : in->strs[row];
        plain_string(column, value);
        mr_parquet_range_string(&column->range, value);
    }
}

// ---- indices -----------------------------------------------------------------------------------

// Events come in runs of equal values often enough to look at the value before.
#define INDEX_NUMBERS(name, ctype)                                                                 \
    static void index_##name(mr_parquet_column *column, const mr_vector *in, const uint32_t *rows, \
                             uint32_t count) {                                                     \
        const ctype *data = in->data;                                                              \
        uint32_t *to = column->indices + column->page_values;                                      \
        ctype last = data[values_row(rows, 0)];                                                    \
        uint32_t index = mr_parquet_dict_number(&column->dict, last);                              \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            ctype value = data[values_row(rows, i)];                                               \
            if (value != last) {                                                                   \
                index = mr_parquet_dict_number(&column->dict, value);                              \
                last = value;                                                                      \
            }                                                                                      \
            to[i] = index;                                                                         \
        }                                                                                          \
    }

INDEX_NUMBERS(u32s, uint32_t)
INDEX_NUMBERS(u64s, uint64_t)

static void index_strings(mr_parquet_column *column, const mr_vector *in, const uint32_t *rows,
                          uint32_t count) {
    uint32_t *to = column->indices + column->page_values;
    for (uint32_t i = 0; i < count; i++) {
        to[i] = mr_parquet_dict_string(&column->dict, in->strs[values_row(rows, i)]);
    }
}

static uint32_t *values_remap(mr_parquet_column *column, uint64_t dict_id) {
    for (uint32_t i = 0; i < MR_PARQUET_REMAPS; i++) {
        if (column->remaps[i].dict_id == dict_id) {
            return column->remaps[i].index_of;
        }
    }
    mr_parquet_remap *remap = &column->remaps[column->remap_next];
    column->remap_next = (column->remap_next + 1) % MR_PARQUET_REMAPS;
    remap->dict_id = dict_id;
    if (remap->index_of == NULL) {
        remap->index_of = mr_heap_raw(sizeof(uint32_t) * MR_DICT_CAPACITY);
    }
    memset(remap->index_of, 0, sizeof(uint32_t) * MR_DICT_CAPACITY);
    return remap->index_of;
}

static void index_codes(mr_parquet_column *column, const mr_vector *in, const uint32_t *rows,
                        uint32_t count) {
    uint32_t *to = column->indices + column->page_values;
    uint32_t *index_of = values_remap(column, in->dict->id);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t code = in->codes[values_row(rows, i)];
        mr_assert_slow(code < MR_DICT_CAPACITY);
        if (MR_UNLIKELY(index_of[code] == 0)) {
            index_of[code] = mr_parquet_dict_string(&column->dict, in->dict->values[code]) + 1;
        }
        to[i] = index_of[code] - 1;
    }
}

// ---- both --------------------------------------------------------------------------------------

static void values_plain(mr_parquet_column *column, const mr_vector *in, const uint32_t *rows,
                         uint32_t count) {
    if (column->type.id == MR_BOOL) {
        plain_bools(column, in, rows, count);
    } else if (column->type.id == MR_FLOAT64) {
        plain_float64s(column, in, rows, count);
    } else if (column->type.id == MR_FLOAT32) {
        plain_float32s(column, in, rows, count);
    } else if (column->width == 8) {
        plain_int64s(column, in, rows, count);
    } else if (column->width == 4) {
        plain_int32s(column, in, rows, count);
    } else {
        plain_strings(column, in, rows, count);
    }
}

void mr_parquet_values_add(mr_parquet_column *column, const mr_vector *in, const uint32_t *rows,
                           uint32_t count) {
    mr_assert(column->page_values + count <= column->index_capacity);
    if (count == 0) {
        return;
    }
    if (!column->dict_on) {
        values_plain(column, in, rows, count);
    } else if (column->width == 8) {
        index_u64s(column, in, rows, count);
    } else if (column->width == 4) {
        index_u32s(column, in, rows, count);
    } else if (in->kind == MR_DICT) {
        index_codes(column, in, rows, count);
    } else {
        index_strings(column, in, rows, count);
    }
    column->page_values += count;
}

void mr_parquet_values_plain(mr_parquet_column *column) {
    mr_assert(column->dict_on && column->plain.bytes == 0);
    column->dict_on = false;
    const mr_parquet_dict *dict = &column->dict;
    if (column->width == 0) {
        for (uint32_t i = 0; i < column->page_values; i++) {
            plain_string(column, mr_parquet_dict_string_at(dict, column->indices[i]));
        }
        return;
    }
    char *to = mr_text_grow(&column->plain, (size_t)column->width * column->page_values);
    for (uint32_t i = 0; i < column->page_values; i++) {
        memcpy(to + (size_t)i * column->width, &dict->numbers[column->indices[i]], column->width);
    }
}
