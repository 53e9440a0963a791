// Map: a hash map from byte strings to pointers, for names and options (cold paths).
//
// Order of iteration = order of insertion, so what is printed from a map is stable.

#pragma once

#include "base/text.h"

typedef struct mr_map_entry {
    mr_span key;  // Owned by the map's arena.
    void *value;
} mr_map_entry;

typedef struct mr_map {
    mr_arena *arena;
    mr_map_entry *entries;  // count of them, in order of insertion.
    uint32_t *slots;        // slot_count of them, entry index + 1; 0 = free.
    uint32_t count;
    uint32_t slot_count;
} mr_map;

void mr_map_init(mr_map *map, mr_arena *arena);
void *mr_map_get(const mr_map *map, mr_span key);        // NULL when absent.
bool mr_map_put(mr_map *map, mr_span key, void *value);  // false when it replaced a value.
