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
#define SLOTS_LARGE (8 * MR_IDSET_BLOCK)
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

// The slot behind the one with the number *at, round and round.
static inline mr_id *slot_next(const mr_idset *set, mr_id *slot, uint64_t *at) {
    if (MR_LIKELY(++*at % MR_IDSET_BLOCK != 0 && *at != set->slot_count)) {
        return slot + 1;
    }
    *at = *at == set->slot_count ? 0 : *at;
    return mr_idset_slot(set, *at);
}

// The slot of a key, or the free slot where it belongs.
static inline mr_id *slot_find(const mr_idset *set, mr_id id) {
    uint64_t at = mr_idset_home(set, id.low);
    mr_id *slot = mr_idset_slot(set, at);
    while (slot->high_time != 0 &&
           (slot->low != id.low || slot->high_time >> TIME_BITS != id.high_time >> TIME_BITS)) {
        slot = slot_next(set, slot, &at);
    }
    return slot;
}

static uint64_t block_count(uint64_t slot_count) {
    return (slot_count + MR_IDSET_BLOCK - 1) / MR_IDSET_BLOCK;
}

// How many slots of a block the table has.
static uint64_t block_slots(const mr_idset *set, uint64_t block) {
    return MR_MIN(set->slot_count - block * MR_IDSET_BLOCK, (uint64_t)MR_IDSET_BLOCK);
}

// Moves the ids that live into `to`; returns how many there are.
static uint64_t take_live(const mr_idset *set, const mr_idset_time *time, mr_id *to) {
    uint64_t live = 0;
    bool all = time->ttl_us == MR_IDSET_FOREVER || time->global_watermark_us == INT64_MIN;
    for (uint64_t b = 0; b < block_count(set->slot_count); b++) {
        const mr_id *slots = set->blocks[b];
        uint64_t count = block_slots(set, b);
        for (uint64_t i = 0; i < count; i++) {
            mr_id id = slots[i];
            to[live] = id;
            live += (id.high_time != 0) &
                    (all || !is_expired(id, time->ttl_us, time->global_watermark_us));
        }
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

// Gives the table so many slots, all free.
static void resize(mr_idset *set, uint64_t slot_count) {
    uint64_t had = block_count(set->slot_count);
    uint64_t wanted = block_count(slot_count);
    bool was_small = set->slot_count < MR_IDSET_BLOCK;
    bool small = slot_count < MR_IDSET_BLOCK;
    for (uint64_t b = was_small || small ? 0 : wanted; b < had; b++) {
        if (was_small || set->slab == NULL) {
            mr_heap_free(set->blocks[b]);
        } else {
            mr_slab_give(set->slab, set->blocks[b]);
        }
    }
    had = was_small || small ? 0 : had;
    if (had != wanted) {
        set->blocks = mr_heap_resize(set->blocks, MR_MAX(wanted, 1u) * sizeof *set->blocks);
    }
    for (uint64_t b = had; b < wanted; b++) {
        size_t bytes = small ? slot_count * sizeof(mr_id) : MR_SLAB_BLOCK;
        set->blocks[b] = small || set->slab == NULL ? mr_heap_raw(bytes) : mr_slab_take(set->slab);
    }
    set->slot_count = slot_count;
    for (uint64_t b = 0; b < wanted; b++) {
        memset(set->blocks[b], 0, block_slots(set, b) * sizeof(mr_id));
    }
}

// Makes room: drops expired ids, and grows when most are alive. The table grows where it is, so
// that only what is new costs memory that was never touched: its ids step aside for the moment,
// and, since their homes keep their order, come back in one pass from start to end.
static void grow(mr_idset *set, mr_id added, const mr_idset_time *time) {
    size_t bytes = (set->used + 1) * sizeof(mr_id);
    mr_id *aside = set->slab == NULL ? mr_heap_raw(bytes) : mr_slab_scratch(set->slab, bytes);
    uint64_t live = take_live(set, time, aside);
    resize(set, slots_wanted(set, live, MR_ID_KEY_GROUP(added)));
    set->used = live;
    for (uint64_t i = 0; i < live; i++) {  // No two are of one key: the first free slot it is.
        uint64_t at = mr_idset_home(set, aside[i].low);
        mr_id *slot = mr_idset_slot(set, at);
        while (slot->high_time != 0) {
            slot = slot_next(set, slot, &at);
        }
        *slot = aside[i];
    }
    if (set->slab == NULL) {
        mr_heap_free(aside);
    }
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
        mr_id id = *mr_idset_slot(set, i);
        if (id.high_time != 0 && !is_expired(id, time->ttl_us, time->global_watermark_us)) {
            mr_text_add_bytes(out, &id, sizeof id);
        }
    }
}

uint64_t mr_idset_bytes(const mr_idset *set) {
    return set->slot_count * sizeof(mr_id);
}

void mr_idset_release(mr_idset *set) {
    resize(set, 0);
    mr_heap_free(set->blocks);
    *set = (mr_idset){.slab = set->slab};
}
