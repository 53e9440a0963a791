// Id set: see idset.h.

#include "exec/idset.h"

#include <string.h>

#define TIME_BITS 52
#define TIME_MASK (((uint64_t)1 << TIME_BITS) - 1)
#define BASE_US   ((int64_t)-631152000 * 1000000)  // 1950-01-01
#define SLOTS_MIN 64
// Up to 4/5 of the slots are used: then a search for an id that is not there ends after a dozen
// slots of 16 bytes, which lie side by side.
#define FULL_NUM    4
#define FULL_DEN    5
#define SLOTS_LARGE 8192
#define STAGGER     16

mr_id mr_idset_id(mr_hash128 hash, int64_t event_us) {
    int64_t offset;
    if (!mr_sub_fits(event_us, BASE_US, &offset)) {
        offset = INT64_MAX;
    }
    uint64_t time = (uint64_t)MR_MIN(MR_MAX(offset, 0), (int64_t)TIME_MASK);
    uint64_t high = hash.high >> TIME_BITS;
    high += high == 0;  // A used slot never looks free.
    return (mr_id){.low = hash.low, .high_time = high << TIME_BITS | time};
}

static bool is_expired(mr_id id, int64_t ttl_us, int64_t watermark_us) {
    int64_t until;
    int64_t first_us = BASE_US + (int64_t)(id.high_time & TIME_MASK);
    return ttl_us != MR_IDSET_FOREVER && mr_add_fits(first_us, ttl_us, &until) &&
           until < watermark_us && (id.high_time & TIME_MASK) != TIME_MASK;
}

// The slot of a key, or the free slot where it belongs.
static inline mr_id *slot_find(const mr_idset *set, mr_id id) {
    for (mr_id *slot = set->slots + mr_idset_home(set, id.low);;) {
        if (slot->high_time == 0 ||
            (slot->low == id.low && slot->high_time >> TIME_BITS == id.high_time >> TIME_BITS)) {
            return slot;
        }
        if (++slot == set->slots + set->slot_count) {
            slot = set->slots;
        }
    }
}

// Moves the ids that live into `to`; returns how many there are.
static uint64_t take_live(const mr_idset *set, const mr_idset_time *time, mr_id *to) {
    uint64_t live = 0;
    bool all = time->ttl_us == MR_IDSET_FOREVER || time->global_watermark_us == INT64_MIN;
    for (uint64_t i = 0; i < set->slot_count; i++) {
        mr_id id = set->slots[i];
        to[live] = id;
        live +=
            (id.high_time != 0) & (all || !is_expired(id, time->ttl_us, time->global_watermark_us));
    }
    return live;
}

// How many slots a table gets that has to hold one id more than `live`. Small ones double; large
// ones grow by a half. A first table's size depends on its key group, and all later ones on it:
// so the tables of a DISTINCT, which fill alike, do not all grow at the same moment.
static uint64_t slots_wanted(const mr_idset *set, uint64_t live, uint64_t key_group) {
    if (set->slot_count == 0) {
        return SLOTS_MIN + key_group % STAGGER;
    }
    uint64_t count = set->slot_count;
    while (live * 2 < count * FULL_NUM / FULL_DEN && count / 2 >= SLOTS_MIN) {
        count /= 2;  // Most of it has expired.
    }
    while (live * 10 * FULL_DEN >= count * FULL_NUM * 9) {
        count += count < SLOTS_LARGE ? count : count / 2;
    }
    return count;
}

// Makes room: drops expired ids, and grows when most are alive. The table grows where it is, so
// that only what is new costs memory that was never touched: its ids step aside for the moment,
// and, since their homes keep their order, come back in one pass from start to end.
static void grow(mr_idset *set, mr_id added, const mr_idset_time *time) {
    mr_id *aside = mr_heap_raw(MR_MAX(set->used + 1, (uint64_t)1) * sizeof *aside);
    uint64_t live = take_live(set, time, aside);
    uint64_t count = slots_wanted(set, live, MR_ID_KEY_GROUP(added));
    if (count < SLOTS_LARGE) {  // Not worth the allocator's copy of what is cleared anyway.
        mr_heap_free(set->slots);
        set->slots = mr_heap_raw(count * sizeof *set->slots);
    } else if (count != set->slot_count) {
        set->slots = mr_heap_resize(set->slots, count * sizeof *set->slots);
    }
    set->slot_count = count;
    memset(set->slots, 0, count * sizeof *set->slots);
    set->used = live;
    const mr_id *end = set->slots + count;
    for (uint64_t i = 0; i < live; i++) {  // No two are of one key: the first free slot it is.
        mr_id *slot = set->slots + mr_idset_home(set, aside[i].low);
        while (slot->high_time != 0) {
            slot = slot + 1 == end ? set->slots : slot + 1;
        }
        *slot = aside[i];
    }
    mr_heap_free(aside);
}

static inline bool is_full(const mr_idset *set) {
    return set->used * FULL_DEN >= set->slot_count * FULL_NUM;
}

bool mr_idset_add(mr_idset *set, mr_id id, const mr_idset_time *time) {
    if (MR_UNLIKELY(is_full(set))) {
        grow(set, id, time);
    }
    mr_id *slot = slot_find(set, id);
    if (slot->high_time != 0 && !is_expired(*slot, time->ttl_us, time->watermark_us)) {
        return false;
    }
    set->used += slot->high_time == 0;
    *slot = id;
    return true;
}

void mr_idset_put(mr_idset *set, mr_id id, const mr_idset_time *time) {
    if (is_full(set)) {
        grow(set, id, time);
    }
    mr_id *slot = slot_find(set, id);
    set->used += slot->high_time == 0;
    *slot = id;
}

void mr_idset_save(const mr_idset *set, const mr_idset_time *time, mr_text *out) {
    for (uint64_t i = 0; i < set->slot_count; i++) {
        mr_id id = set->slots[i];
        if (id.high_time != 0 && !is_expired(id, time->ttl_us, time->global_watermark_us)) {
            mr_text_add_bytes(out, &id, sizeof id);
        }
    }
}

uint64_t mr_idset_bytes(const mr_idset *set) {
    return set->slot_count * sizeof *set->slots;
}

void mr_idset_release(mr_idset *set) {
    mr_heap_free(set->slots);
    *set = (mr_idset){0};
}
