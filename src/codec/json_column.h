// JSON columns: finding them by key, and putting strings into them, by dictionary code where there
// is one.

#pragma once

#include <string.h>

#include "codec/json_decode.h"

// A name as it is looked up. Up to eight bytes behind it are read. Without a jump on its length,
// which nothing predicts when keys come in any order.
static inline json_name column_name(const char *text, size_t bytes) {
    json_name name = {.text = text, .bytes = (uint32_t)bytes};
    if (MR_UNLIKELY(bytes == 0)) {
        return name;
    }
    size_t skip = bytes < 8 ? 64 - 8 * bytes : 0;
    size_t from = bytes < 8 ? 0 : bytes - 8;
    uint64_t all = bytes < 8 ? 0 : ~(uint64_t)0;
    memcpy(&name.first, text, 8);
    memcpy(&name.last, text + from, 8);
    name.first <<= skip;
    name.last &= all;
    return name;
}

static inline uint64_t column_name_hash(const json_name *name) {
    return (name->first ^ (name->last * 0x9E3779B97F4A7C15u) ^ name->bytes) * 0xD6E8FEB86659FD93u;
}

// The cell of the cache for a string of 1 .. 16 bytes, as two words with zeros behind it.
static inline json_cell *column_cell(const json_field *item, uint64_t low, uint64_t high,
                                     size_t bytes) {
    uint64_t hash = (low ^ (high * 0x9E3779B97F4A7C15u) ^ bytes) * 0xD6E8FEB86659FD93u;
    _Static_assert(JSON_CELLS == 1 << (64 - 55), "the top bits of the hash choose the cell");
    return &item->cells[hash >> 55];
}

// Puts a string into the present row. data is readable for 16 bytes at least.
static inline void column_put_text(mr_json *json, json_field *item, const char *data,
                                   size_t bytes) {
    if (item->dict == NULL) {
        ((mr_str *)item->data)[json->row] = (mr_str){data, (uint32_t)bytes, 0};
        return;
    }
    if (MR_LIKELY(bytes - 1 < 16)) {
        uint64_t low;
        uint64_t high;
        memcpy(&low, data, 8);
        memcpy(&high, data + 8, 8);
        uint64_t mask = ~(uint64_t)0 >> ((8 - bytes) * 8 & 63);  // Of the word it ends in.
        low &= bytes < 8 ? mask : ~(uint64_t)0;
        high &= bytes <= 8 ? 0 : mask;
        const json_cell *cell = column_cell(item, low, high, bytes);
        if (MR_LIKELY(cell->low == low && cell->high == high && cell->bytes == bytes)) {
            ((uint32_t *)item->data)[json->row] = cell->code;
            return;
        }
    }
    mr_json_value_text(json, item, (mr_str){data, (uint32_t)bytes, 0});
}

// The field of a struct with this name, or count. It is mostly the one behind the last.
static inline uint32_t column_member(const mr_schema *fields, mr_span name, uint32_t guess) {
    for (uint32_t i = 0; i < fields->count; i++) {
        uint32_t field = guess + i < fields->count ? guess + i : guess + i - fields->count;
        const char *text = fields->columns[field].name;
        if (strncmp(text, name.data, name.bytes) == 0 && text[name.bytes] == '\0') {
            return field;
        }
    }
    return fields->count;
}
