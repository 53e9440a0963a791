// Id set: which keys a DISTINCT has seen, and when, for one key group.
//
// A slot is 16 bytes: 76 bits of the key's hash and 52 bits of time (microseconds since 1950, 142
// years; times before are clamped, and an id from after never expires). The slot is also what goes
// into the commit record. Two different keys collide with 2^-76: at 10^8 live ids and 10^9 rows,
// one wrong drop in 750,000 runs. Open addressing, linear probing; a table that fills drops its
// expired ids before it grows, so there is no sweep. It grows by a half, in place, and the
// tables of the key groups at different moments: about 25 bytes an id, and no long stop. A large
// table lies in blocks of a slab, which is what gives it large pages: nearly every id is in a line
// that no cache has, and finding the page as well would cost as much again.
//
// Expiry is a property of the rows: an id lives for a row while first_seen + ttl >= the row's
// watermark. The global watermark never passes an active partition's, so what it has expired no row
// can see any more. Threads: one owner.

#pragma once

#include "base/hash.h"
#include "base/text.h"
#include "exec/slab.h"

typedef struct mr_id {
    uint64_t low;  // Hash bits 0 .. 63; the low 7 are the key group.
    uint64_t
        high_time;  // Hash bits 64 .. 75 in the top 12 bits, never all zero; time below. 0 = free.
} mr_id;

#define MR_IDSET_BLOCK (MR_SLAB_BLOCK / sizeof(mr_id))  // Slots of a block.

typedef struct mr_idset {
    mr_id **blocks;  // A table smaller than a block is of the heap.
    uint64_t slot_count;
    uint64_t used;
    mr_slab *slab;  // Of the blocks; NULL: they are of the heap too.
} mr_idset;

#define MR_IDSET_FOREVER      INT64_MAX  // As ttl: ids never expire.
#define MR_ID_KEY_GROUP(hash) ((uint32_t)((hash).low & 127))

// What an expiry is judged by.
typedef struct mr_idset_time {
    int64_t ttl_us;
    int64_t watermark_us;         // The row's own; INT64_MIN = none yet.
    int64_t global_watermark_us;  // For dropping dead ids when a table fills.
} mr_idset_time;

mr_id mr_idset_id(mr_hash128 hash, int64_t event_us);
// Records a sighting. True when the key is new, or its id has expired for this row: the row passes.
bool mr_idset_add(mr_idset *set, mr_id id, const mr_idset_time *time);
// Puts an id from the commit record: a later sighting replaces an earlier one, since it was only
// let through because that had expired.
void mr_idset_put(mr_idset *set, mr_id id, const mr_idset_time *time);
// Where the search for an id starts: homes have the order of the hashes in a table of any size.
static inline uint64_t mr_idset_home(const mr_idset *set, uint64_t low) {
    return (uint64_t)(((unsigned __int128)low * set->slot_count) >> 64);
}
static inline mr_id *mr_idset_slot(const mr_idset *set, uint64_t at) {
    return &set->blocks[at / MR_IDSET_BLOCK][at % MR_IDSET_BLOCK];
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
