// Parquet dictionary: the distinct values of one column chunk, in order of appearance.
//
// Numbers go in as 64 bits (doubles by their bits, so that -0.0 and every NaN keep theirs).

#pragma once

#include "base/hash.h"
#include "column/vector.h"

typedef struct mr_parquet_slot {
    uint64_t key;    // A number itself; the hash of a string.
    uint32_t index;  // Index + 1; 0 = free.
    uint32_t unused;
} mr_parquet_slot;

typedef struct mr_parquet_dict {
    uint32_t count;
    uint32_t width;     // Bytes of a value when written: 4 or 8; 0 = strings.
    bool fixed;         // Strings of one size, which are written without it.
    size_t bytes;       // Size of the values, plain encoded.
    uint64_t *numbers;  // Values of numbers.
    uint32_t number_capacity;
    mr_text plain;      // Values of strings, plain encoded: u32 length, bytes.
    uint32_t *offsets;  // Of each string in plain.
    uint32_t offset_capacity;
    mr_parquet_slot *slots;
    uint32_t slot_count;  // A power of two, at least twice count.
    uint64_t seed;
} mr_parquet_dict;

void mr_parquet_dict_init(mr_parquet_dict *dict, uint32_t width);
void mr_parquet_dict_release(mr_parquet_dict *dict);
void mr_parquet_dict_clear(mr_parquet_dict *dict);  // Keeps the memory.
// Index of a value, added when new.
uint32_t mr_parquet_dict_string(mr_parquet_dict *dict, mr_str value);
uint32_t mr_parquet_dict_add(mr_parquet_dict *dict, uint64_t number, uint32_t slot);
mr_str mr_parquet_dict_string_at(const mr_parquet_dict *dict, uint32_t index);
// All values, plain encoded.
void mr_parquet_dict_write(const mr_parquet_dict *dict, mr_text *out);

static inline uint32_t mr_parquet_dict_number(mr_parquet_dict *dict, uint64_t number) {
    uint32_t mask = dict->slot_count - 1;
    uint32_t slot = (uint32_t)mr_hash_u64(number, dict->seed) & mask;
    while (dict->slots[slot].index != 0) {
        if (dict->slots[slot].key == number) {
            return dict->slots[slot].index - 1;
        }
        slot = (slot + 1) & mask;
    }
    return mr_parquet_dict_add(dict, number, slot);
}
