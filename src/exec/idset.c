// Id set: see idset.h.

#include "exec/idset.h"

#include <string.h>

#define SLOTS_MIN 64
// Up to 5/8 of the slots are used: then a search for an id that is not there ends after four.
#define FULL_NUM    5
#define FULL_DEN    8
#define SLOTS_LARGE 32768
#define SLOTS_MAX   ((uint64_t)1 << 31)
#define IDS_MIN     32
#define STAGGER     16

static bool is_expired(mr_id id, int64_t ttl_us, int64_t watermark_us) {
    int64_t until;
    int64_t first_us = MR_ID_BASE_US + (int64_t)(id.high_time & MR_ID_TIME_MASK);
    return ttl_us != MR_IDSET_FOREVER && mr_add_fits(first_us, ttl_us, &until) &&
           until < watermark_us && (id.high_time & MR_ID_TIME_MASK) != MR_ID_TIME_MASK;
}

static inline mr_id *id_at(const mr_idset *set, uint32_t index) {
    return (mr_id *)set->ids.blocks[index / MR_IDSET_IDS] + index % MR_IDSET_IDS;
}

// The slot behind the one with the number *at, round and round.
static inline uint32_t *slot_next(const mr_idset *set, uint32_t *slot, uint32_t *at) {
    if (MR_LIKELY(++*at % MR_IDSET_SLOTS != 0 && *at != set->slot_count)) {
        return slot + 1;
    }
    *at = *at == set->slot_count ? 0 : *at;
    return mr_idset_slot(set, *at);
}

// The bits of a hash that neither the key group nor the home of any but huge tables tells.
static inline uint32_t tag_of(const mr_idset *set, uint64_t low) {
    return (uint32_t)(low >> 7) & ~set->place_mask;
}

// The slot of a key, or the free slot where it belongs.
static inline uint32_t *slot_find(const mr_idset *set, mr_id id) {
    uint32_t mask = set->place_mask;
    uint32_t tag = tag_of(set, id.low);
    uint32_t at = mr_idset_home(set, id.low);
    uint32_t *slot = mr_idset_slot(set, at);
    while (*slot != 0) {
        if (MR_UNLIKELY((*slot & ~mask) == tag)) {
            const mr_id *known = id_at(set, (*slot & mask) - 1);
            if (known->low == id.low && (known->high_time ^ id.high_time) >> MR_ID_TIME_BITS == 0) {
                return slot;
            }
        }
        slot = slot_next(set, slot, &at);
    }
    return slot;
}

// ---- memory ------------------------------------------------------------------------------------

static void *block_take(uint64_t bytes, mr_slab *slab) {
    bool heap = bytes < MR_SLAB_BLOCK || slab == NULL;
    return heap ? mr_heap_raw(MR_MIN(bytes, (uint64_t)MR_SLAB_BLOCK)) : mr_slab_take(slab);
}

static void block_give(void *block, uint64_t bytes, mr_slab *slab) {
    if (bytes < MR_SLAB_BLOCK || slab == NULL) {
        mr_heap_free(block);
    } else {
        mr_slab_give(slab, block);
    }
}

// Makes it so many bytes; what was in it stays. slab: of its blocks; NULL: they are of the heap.
static void memory_resize(mr_idset_memory *memory, uint64_t bytes, mr_slab *slab) {
    uint64_t had = (memory->bytes + MR_SLAB_BLOCK - 1) / MR_SLAB_BLOCK;
    uint64_t wanted = (bytes + MR_SLAB_BLOCK - 1) / MR_SLAB_BLOCK;
    bool whole = memory->bytes >= MR_SLAB_BLOCK && bytes >= MR_SLAB_BLOCK;
    uint64_t kept = whole ? MR_MIN(had, wanted) : 0;
    void *moved = !whole && had > 0 ? memory->blocks[0] : NULL;
    for (uint64_t b = moved != NULL ? 1 : kept; b < had; b++) {
        block_give(memory->blocks[b], memory->bytes, slab);
    }
    memory->blocks = mr_heap_resize(memory->blocks, MR_MAX(wanted, 1u) * sizeof(void *));
    for (uint64_t b = kept; b < wanted; b++) {
        memory->blocks[b] = block_take(bytes, slab);
    }
    if (moved != NULL) {
        uint64_t copied = MR_MIN(MR_MIN(memory->bytes, bytes), (uint64_t)MR_SLAB_BLOCK);
        memcpy(memory->blocks[0], moved, copied);
        block_give(moved, memory->bytes, slab);
    }
    memory->bytes = bytes;
}

// ---- growth ------------------------------------------------------------------------------------

static uint64_t slots_limit(uint64_t slot_count) {
    return slot_count * FULL_NUM / FULL_DEN;
}

// How many slots ids get of which one more will come. Small tables double; large ones grow by a
// half. A first table's size depends on its key group, and all later ones on it: so the tables of a
// DISTINCT, which fill alike, do not all grow at the same moment.
static uint64_t slots_wanted(const mr_idset *set, uint64_t key_group) {
    uint64_t count = set->slot_count;
    if (count == 0) {
        return SLOTS_MIN + key_group % STAGGER;
    }
    while (set->used < slots_limit(count / 2) && count / 2 >= SLOTS_MIN) {
        count /= 2;  // Most of it has expired.
    }
    while (set->used >= slots_limit(count) / 10 * 9) {
        count += count < SLOTS_LARGE ? count : count / 2;
    }
    return count;
}

// Lays all slots out anew, so many of them.
static void slots_lay(mr_idset *set, uint64_t slot_count) {
    mr_assert(slot_count <= SLOTS_MAX);
    memory_resize(&set->slots, slot_count * sizeof(uint32_t), set->slab);
    set->slot_count = (uint32_t)slot_count;
    set->place_mask = (uint32_t)mr_pow2_up(slots_limit(slot_count) + 1) - 1;
    for (uint64_t at = 0; at < slot_count; at += MR_IDSET_SLOTS) {
        uint64_t count = MR_MIN(slot_count - at, (uint64_t)MR_IDSET_SLOTS);
        memset(mr_idset_slot(set, (uint32_t)at), 0, count * sizeof(uint32_t));
    }
    for (uint32_t first = 0; first < set->used; first += (uint32_t)MR_IDSET_IDS) {
        const mr_id *ids = id_at(set, first);
        uint32_t count = MR_MIN(set->used - first, (uint32_t)MR_IDSET_IDS);
        for (uint32_t i = 0; i < count; i++) {  // No two are of one key: the first free slot it is.
            uint32_t at = mr_idset_home(set, ids[i].low);
            uint32_t *slot = mr_idset_slot(set, at);
            while (*slot != 0) {
                slot = slot_next(set, slot, &at);
            }
            *slot = tag_of(set, ids[i].low) | (first + i + 1);
        }
    }
}

static void drop_expired(mr_idset *set, const mr_idset_time *time) {
    if (time->ttl_us == MR_IDSET_FOREVER || time->global_watermark_us == INT64_MIN) {
        return;
    }
    uint32_t live = 0;
    for (uint32_t i = 0; i < set->used; i++) {
        mr_id id = *id_at(set, i);
        *id_at(set, live) = id;
        live += !is_expired(id, time->ttl_us, time->global_watermark_us);
    }
    set->used = live;
}

// Small ones double; large ones get a block more.
static uint64_t ids_bytes(uint64_t count) {
    uint64_t bytes = mr_pow2_up(MR_MAX(count, (uint64_t)IDS_MIN)) * sizeof(mr_id);
    return bytes <= MR_SLAB_BLOCK ? bytes : mr_align_up(count * sizeof(mr_id), MR_SLAB_BLOCK);
}

// Room for one id more, which is to be of this key group.
static void make_room(mr_idset *set, uint32_t key_group, const mr_idset_time *time) {
    if (set->used == slots_limit(set->slot_count)) {
        drop_expired(set, time);
        slots_lay(set, slots_wanted(set, key_group));
    }
    memory_resize(&set->ids, ids_bytes((uint64_t)set->used + 1), /* slab= */ NULL);
    set->room = (uint32_t)MR_MIN(slots_limit(set->slot_count), set->ids.bytes / sizeof(mr_id));
}

// ---- use ---------------------------------------------------------------------------------------

static inline void append(mr_idset *set, uint32_t *slot, mr_id id) {
    *id_at(set, set->used++) = id;
    *slot = tag_of(set, id.low) | set->used;
}

bool mr_idset_add(mr_idset *set, mr_id id, const mr_idset_time *time) {
    if (MR_UNLIKELY(set->used == set->room)) {
        make_room(set, MR_ID_KEY_GROUP(id), time);
    }
    uint32_t *slot = slot_find(set, id);
    if (MR_LIKELY(*slot == 0)) {
        append(set, slot, id);
        return true;
    }
    mr_id *known = id_at(set, (*slot & set->place_mask) - 1);
    if (!is_expired(*known, time->ttl_us, time->watermark_us)) {
        return false;
    }
    *known = id;
    return true;
}

void mr_idset_put(mr_idset *set, mr_id id, const mr_idset_time *time) {
    if (set->used == set->room) {
        make_room(set, MR_ID_KEY_GROUP(id), time);
    }
    uint32_t *slot = slot_find(set, id);
    if (*slot == 0) {
        append(set, slot, id);
    } else {
        *id_at(set, (*slot & set->place_mask) - 1) = id;
    }
}

void mr_idset_save(const mr_idset *set, const mr_idset_time *time, mr_text *out) {
    for (uint32_t i = 0; i < set->used; i++) {
        const mr_id *id = id_at(set, i);
        if (!is_expired(*id, time->ttl_us, time->global_watermark_us)) {
            mr_text_add_bytes(out, id, sizeof *id);
        }
    }
}

uint64_t mr_idset_bytes(const mr_idset *set) {
    return set->ids.bytes + set->slots.bytes;
}

void mr_idset_release(mr_idset *set) {
    memory_resize(&set->ids, 0, /* slab= */ NULL);
    memory_resize(&set->slots, 0, set->slab);
    mr_heap_free(set->ids.blocks);
    mr_heap_free(set->slots.blocks);
    *set = (mr_idset){.slab = set->slab};
}
