// Id set: which keys a DISTINCT has seen, and when, for one key group.
//
// An id is 16 bytes: 76 bits of the key's hash and 52 bits of time (microseconds since 1950, 142
// years; times before are clamped, and an id from after never expires). That is also what goes
// into the commit record. Two different keys collide with 2^-76: at 10^8 live ids and 10^9 rows,
// one wrong drop in 750,000 runs.
//
//   ids     in order of arrival: written one behind the other, read only when a tag fits
//   slots   open addressing, linear probing: 4 bytes with the id's place, and in the bits above it
//           a tag of its hash
//
// Why apart: nearly every key is new, and all that finding this out needs to touch is a line of
// slots. They are a quarter of the ids, so those of some million ids fit a cache, where a table of
// the ids themselves has nearly each of its lines, and the page's address too, in none.
// Slots that fill up first drop expired ids, so there is no sweep; then they are laid out anew from
// the ids, which themselves stay where they are. They grow by a half, those of the key groups at
// different moments: 22 to 26 bytes an id, and no long stop.
// Slots lie in blocks of a slab, which is what gives them large pages. Ids do not: what is written
// in order gains nothing from them, and a fresh large page costs a virtual machine a fault of its
// host for each small one in it.
//
// Expiry is a property of the rows: an id lives for a row while first_seen + ttl >= the row's
// watermark. The global watermark never passes an active partition's, so what it has expired no row
// can see any more. Threads: one owner.

#pragma once

#include "base/hash.h"
#include "base/text.h"
#include "exec/slab.h"

typedef struct mr_id {
    uint64_t low;        // Hash bits 0 .. 63; the low 7 are the key group.
    uint64_t high_time;  // Hash bits 64 .. 75 in the top 12 bits, never all zero; time below.
} mr_id;

#define MR_IDSET_IDS   (MR_SLAB_BLOCK / sizeof(mr_id))     // Of a block.
#define MR_IDSET_SLOTS (MR_SLAB_BLOCK / sizeof(uint32_t))  // Of a block.

typedef struct mr_idset_memory {
    void **blocks;  // Less than a block is one of the heap.
    uint64_t bytes;
} mr_idset_memory;

typedef struct mr_idset {
    mr_idset_memory ids;
    mr_idset_memory slots;
    uint32_t used;        // Ids.
    uint32_t room;        // Ids until there has to be made some.
    uint32_t slot_count;  // A slot's place is below it.
    uint32_t place_mask;  // The bits of a slot that are a place, from 1 on; the others are the tag.
    mr_slab *slab;        // Of the slots; NULL: they are of the heap, as the ids are.
} mr_idset;

#define MR_IDSET_FOREVER      INT64_MAX  // As ttl: ids never expire.
#define MR_ID_KEY_GROUP(hash) ((uint32_t)((hash).low & 127))

// What an expiry is judged by.
typedef struct mr_idset_time {
    int64_t ttl_us;
    int64_t watermark_us;         // The row's own; INT64_MIN = none yet.
    int64_t global_watermark_us;  // For dropping dead ids when a table fills.
} mr_idset_time;

#define MR_ID_TIME_BITS 52
#define MR_ID_TIME_MASK (((uint64_t)1 << MR_ID_TIME_BITS) - 1)
#define MR_ID_BASE_US   ((int64_t)-631152000 * 1000000)  // 1950-01-01

static inline mr_id mr_idset_id(mr_hash128 hash, int64_t event_us) {
    int64_t offset;
    if (!mr_sub_fits(event_us, MR_ID_BASE_US, &offset)) {
        offset = INT64_MAX;
    }
    uint64_t time = (uint64_t)MR_MIN(MR_MAX(offset, 0), (int64_t)MR_ID_TIME_MASK);
    uint64_t high = hash.high >> MR_ID_TIME_BITS;
    high += high == 0;
    return (mr_id){.low = hash.low, .high_time = high << MR_ID_TIME_BITS | time};
}
// Records a sighting. True when the key is new, or its id has expired for this row: the row passes.
bool mr_idset_add(mr_idset *set, mr_id id, const mr_idset_time *time);
// Puts an id from the commit record: a later sighting replaces an earlier one, since it was only
// let through because that had expired.
void mr_idset_put(mr_idset *set, mr_id id, const mr_idset_time *time);
// Where the search for an id starts.
static inline uint32_t mr_idset_home(const mr_idset *set, uint64_t low) {
    return (uint32_t)(((low >> 32) * set->slot_count) >> 32);
}
static inline uint32_t *mr_idset_slot(const mr_idset *set, uint32_t at) {
    return (uint32_t *)set->slots.blocks[at / MR_IDSET_SLOTS] + at % MR_IDSET_SLOTS;
}
// Brings the slot's cache line close; call some rows ahead of mr_idset_add. Always inline: gcc
// takes a function that only prefetches for one without effects, and drops its calls.
static inline __attribute__((always_inline)) void mr_idset_prefetch(const mr_idset *set,
                                                                    uint64_t low) {
    if (set->slot_count != 0) {
        __builtin_prefetch(mr_idset_slot(set, mr_idset_home(set, low)), 1);
    }
}
// Appends all live ids as they lie in memory.
void mr_idset_save(const mr_idset *set, const mr_idset_time *time, mr_text *out);
uint64_t mr_idset_bytes(const mr_idset *set);
void mr_idset_release(mr_idset *set);  // Empty again; keeps its slab.
