// Parquet dictionary; see parquet_dict.h.
//
// How: an open-addressed table of keys and indices. The seed is the dictionary's address: chosen
// input cannot know it, and what is written does not depend on it.

#include "codec/parquet_dict.h"

#include <string.h>

#define DICT_SLOTS_MIN 256

static void dict_slots(mr_parquet_dict *dict, uint32_t slot_count) {
    dict->slots = mr_heap_alloc(sizeof(mr_parquet_slot) * slot_count);
    dict->slot_count = slot_count;
}

void mr_parquet_dict_init(mr_parquet_dict *dict, uint32_t width) {
    *dict = (mr_parquet_dict){.width = width, .seed = (uint64_t)(uintptr_t)dict};
    mr_text_init(&dict->plain, /* arena= */ NULL);
    dict_slots(dict, DICT_SLOTS_MIN);
}

void mr_parquet_dict_release(mr_parquet_dict *dict) {
    mr_heap_free(dict->numbers);
    mr_heap_free(dict->offsets);
    mr_heap_free(dict->slots);
    mr_text_release(&dict->plain);
    *dict = (mr_parquet_dict){.width = dict->width};
}

void mr_parquet_dict_clear(mr_parquet_dict *dict) {
    memset(dict->slots, 0, sizeof(mr_parquet_slot) * dict->slot_count);
    mr_text_clear(&dict->plain);
    dict->count = 0;
    dict->bytes = 0;
}

static void dict_grow(mr_parquet_dict *dict) {
    mr_parquet_slot *old = dict->slots;
    uint32_t old_count = dict->slot_count;
    dict_slots(dict, old_count * 4);
    uint32_t mask = dict->slot_count - 1;
    for (uint32_t i = 0; i < old_count; i++) {
        if (old[i].index == 0) {
            continue;
        }
        uint32_t slot = (uint32_t)mr_hash_u64(old[i].key, dict->seed) & mask;
        while (dict->slots[slot].index != 0) {
            slot = (slot + 1) & mask;
        }
        dict->slots[slot] = old[i];
    }
    mr_heap_free(old);
}

static uint32_t dict_take(mr_parquet_dict *dict, uint64_t key, uint32_t slot) {
    uint32_t index = dict->count++;
    dict->slots[slot] = (mr_parquet_slot){.key = key, .index = index + 1};
    if (dict->count * 2 > dict->slot_count) {
        dict_grow(dict);
    }
    return index;
}

uint32_t mr_parquet_dict_add(mr_parquet_dict *dict, uint64_t number, uint32_t slot) {
    if (dict->count == dict->number_capacity) {
        dict->number_capacity = MR_MAX(256u, dict->number_capacity * 2);
        dict->numbers = mr_heap_resize(dict->numbers, sizeof(uint64_t) * dict->number_capacity);
    }
    dict->numbers[dict->count] = number;
    dict->bytes += dict->width;
    return dict_take(dict, number, slot);
}

mr_str mr_parquet_dict_string_at(const mr_parquet_dict *dict, uint32_t index) {
    mr_assert(index < dict->count);
    mr_str ret = {.data = dict->plain.data + dict->offsets[index] + sizeof(uint32_t)};
    memcpy(&ret.bytes, dict->plain.data + dict->offsets[index], sizeof(uint32_t));
    return ret;
}

uint32_t mr_parquet_dict_string(mr_parquet_dict *dict, mr_str value) {
    uint32_t mask = dict->slot_count - 1;
    uint64_t key = mr_hash_bytes(value.data, value.bytes, dict->seed);
    uint32_t slot = (uint32_t)mr_hash_u64(key, dict->seed) & mask;
    for (; dict->slots[slot].index != 0; slot = (slot + 1) & mask) {
        if (dict->slots[slot].key == key) {
            uint32_t index = dict->slots[slot].index - 1;
            mr_str known = mr_parquet_dict_string_at(dict, index);
            if (known.bytes == value.bytes &&
                (value.bytes == 0 || memcmp(known.data, value.data, value.bytes) == 0)) {
                return index;
            }
        }
    }
    if (dict->count == dict->offset_capacity) {
        dict->offset_capacity = MR_MAX(256u, dict->offset_capacity * 2);
        dict->offsets = mr_heap_resize(dict->offsets, sizeof(uint32_t) * dict->offset_capacity);
    }
    dict->offsets[dict->count] = mr_u32(dict->plain.bytes);
    mr_text_add_bytes(&dict->plain, &value.bytes, sizeof(value.bytes));
    mr_text_add_bytes(&dict->plain, value.data, value.bytes);
    dict->bytes = dict->plain.bytes;
    return dict_take(dict, key, slot);
}

void mr_parquet_dict_write(const mr_parquet_dict *dict, mr_text *out) {
    if (dict->fixed) {
        for (uint32_t i = 0; i < dict->count; i++) {
            mr_str value = mr_parquet_dict_string_at(dict, i);
            mr_text_add_bytes(out, value.data, value.bytes);
        }
        return;
    }
    if (dict->width == 0) {
        mr_text_add_bytes(out, dict->plain.data, dict->plain.bytes);
        return;
    }
    char *to = mr_text_grow(out, (size_t)dict->count * dict->width);
    for (uint32_t i = 0; i < dict->count; i++) {
        memcpy(to + (size_t)i * dict->width, &dict->numbers[i], dict->width);
    }
}
