// Map: a hash map from byte strings to pointers; see map.h.
//
// How: entries in an array in order of insertion, an open-addressed table of their indexes beside
// it, at most half full. Nothing is ever removed.

#include "base/map.h"

#include <string.h>

#include "base/hash.h"

#define MAP_SLOTS_FIRST 16

// Names come from users' files, not from the stream, so a fixed seed is enough here.
static uint64_t map_hash(mr_span key) {
    return mr_hash_bytes(key.data, key.bytes, 0);
}

// The slot that holds key, or the free one where it belongs.
static uint32_t map_slot(const mr_map *map, mr_span key) {
    uint32_t mask = map->slot_count - 1;
    uint32_t slot = (uint32_t)map_hash(key) & mask;
    while (map->slots[slot] != 0 && !mr_span_equal(map->entries[map->slots[slot] - 1].key, key)) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static void map_grow(mr_map *map) {
    uint32_t slot_count = map->slot_count == 0 ? MAP_SLOTS_FIRST : map->slot_count * 2;
    mr_assert(slot_count > map->slot_count);
    mr_map_entry *entries = MR_NEW_ARRAY(map->arena, mr_map_entry, slot_count / 2);
    if (map->count > 0) {
        memcpy(entries, map->entries, map->count * sizeof(*entries));
    }
    map->entries = entries;
    map->slots = MR_NEW_ARRAY(map->arena, uint32_t, slot_count);
    map->slot_count = slot_count;
    for (uint32_t i = 0; i < map->count; i++) {
        map->slots[map_slot(map, entries[i].key)] = i + 1;
    }
}

void mr_map_init(mr_map *map, mr_arena *arena) {
    mr_assert(arena != NULL);
    *map = (mr_map){.arena = arena};
}

void *mr_map_get(const mr_map *map, mr_span key) {
    if (map->count == 0) {
        return NULL;
    }
    uint32_t index = map->slots[map_slot(map, key)];
    return index == 0 ? NULL : map->entries[index - 1].value;
}

bool mr_map_put(mr_map *map, mr_span key, void *value) {
    if (map->count >= map->slot_count / 2) {
        map_grow(map);
    }
    uint32_t slot = map_slot(map, key);
    if (map->slots[slot] != 0) {
        map->entries[map->slots[slot] - 1].value = value;
        return false;
    }
    mr_span owned = {mr_arena_copy(map->arena, key.data, key.bytes), key.bytes};
    map->entries[map->count] = (mr_map_entry){owned, value};
    map->count++;
    map->slots[slot] = map->count;
    return true;
}
