// Id set: see idset.h.

#include "exec/idset.h"

#include <string.h>

#define TIME_BITS 52
#define TIME_MASK (((uint64_t)1 << TIME_BITS) - 1)
#define BASE_US   ((int64_t)-631152000 * 1000000)  // 1950-01-01
#define SLOTS_MIN 64

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
    uint64_t mask = set->slot_count - 1;
    for (uint64_t at = (id.low >> 7) & mask;; at = (at + 1) & mask) {
        mr_id *slot = &set->slots[at];
        if (slot->high_time == 0 ||
            (slot->low == id.low && slot->high_time >> TIME_BITS == id.high_time >> TIME_BITS)) {
            return slot;
        }
    }
}

// Makes room: drops expired ids, and doubles when most are alive.
static void grow(mr_idset *set, const mr_idset_time *time) {
    uint64_t live = 0;
    for (uint64_t i = 0; i < set->slot_count; i++) {
        mr_id id = set->slots[i];
        live += id.high_time != 0 && !is_expired(id, time->ttl_us, time->global_watermark_us);
    }
    // Between 2/5 and 4/5 of the slots are used.
    uint64_t count = MR_MAX(mr_pow2_up(live + live / 4 + 1) * 2, (uint64_t)SLOTS_MIN);
    mr_idset old = *set;
    // Written before it is read: a page that is first read is the kernel's common page of zeros,
    // and the write that follows costs a second fault and stops the other cores to flush their
    // TLBs.
    set->slots = mr_heap_raw(count * sizeof *set->slots);
    memset(set->slots, 0, count * sizeof *set->slots);
    set->slot_count = count;
    set->used = live;
    for (uint64_t i = 0; i < old.slot_count; i++) {
        mr_id id = old.slots[i];
        if (id.high_time != 0 && !is_expired(id, time->ttl_us, time->global_watermark_us)) {
            *slot_find(set, id) = id;
        }
    }
    mr_heap_free(old.slots);
}

bool mr_idset_add(mr_idset *set, mr_id id, const mr_idset_time *time) {
    if (MR_UNLIKELY(set->used * 5 >= set->slot_count * 4)) {
        grow(set, time);
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
    if (set->used * 5 >= set->slot_count * 4) {
        grow(set, time);
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
