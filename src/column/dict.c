// Dictionary: the distinct values of a text column, as codes.
//
// How: values are appended to an array that never moves, so that readers on other threads need no
// lock; the owner finds codes through an open-addressed table at most half full. The table's seed
// is the dictionary's own, so that chosen input cannot build long probe chains.

#include <string.h>

#include "column/vector.h"

#define DICT_SLOTS (2 * MR_DICT_CAPACITY)
_Static_assert((DICT_SLOTS & (DICT_SLOTS - 1)) == 0, "slots are found by a mask");

// The one counter of the process that a memo table keyed by id needs; it holds no state of a job.
static atomic_uint_fast64_t dict_id_last;

mr_dict *mr_dict_new(void) {
    mr_dict *dict = mr_heap_alloc(sizeof(*dict));
    atomic_init(&dict->refs, 1);
    dict->id = atomic_fetch_add_explicit(&dict_id_last, 1, memory_order_relaxed) + 1;
    dict->slots = mr_heap_alloc(sizeof(uint32_t) * DICT_SLOTS);
    mr_arena_init(&dict->arena);
    return dict;
}

void mr_dict_ref(mr_dict *dict) {
    unsigned before = atomic_fetch_add_explicit(&dict->refs, 1, memory_order_relaxed);
    mr_assert(before > 0);
}

void mr_dict_unref(mr_dict *dict) {
    unsigned before = atomic_fetch_sub_explicit(&dict->refs, 1, memory_order_acq_rel);
    mr_assert(before > 0);
    if (before == 1) {
        mr_arena_release(&dict->arena);
        mr_heap_free(dict->slots);
        mr_heap_free(dict);
    }
}

static bool dict_equal(mr_str a, mr_str b) {
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

bool mr_dict_code(mr_dict *dict, mr_str value, uint32_t *ret_code) {
    uint64_t seed = (uint64_t)(uintptr_t)dict ^ dict->id;
    uint64_t slot = mr_hash_bytes(value.data, value.bytes, seed) & (DICT_SLOTS - 1);
    for (; dict->slots[slot] != 0; slot = (slot + 1) & (DICT_SLOTS - 1)) {
        uint32_t code = dict->slots[slot] - 1;
        if (dict_equal(dict->values[code], value)) {
            *ret_code = code;
            return true;
        }
    }
    if (dict->count == MR_DICT_CAPACITY) {
        return false;
    }
    uint32_t code = dict->count;
    dict->values[code] = (mr_str){
        .data = mr_arena_copy(&dict->arena, value.bytes > 0 ? value.data : "", value.bytes),
        .bytes = value.bytes,
    };
    dict->slots[slot] = code + 1;
    dict->count = code + 1;
    *ret_code = code;
    return true;
}
