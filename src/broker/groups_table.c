// Groups table: groups by id, open addressing; see groups_state.h.
//
// Also: mr_groups_

#include "base/hash.h"
#include "broker/groups_state.h"

#include <stdlib.h>

#define SLOTS_FIRST 64

static uint32_t home(const mr_groups *groups, mr_span id) {
    return (uint32_t)mr_hash_bytes(id.data, id.bytes, 0) & (groups->slot_count - 1);
}

// The slot of this id, or the free one where it would be.
static uint32_t slot_of(const mr_groups *groups, mr_span id) {
    uint32_t at = home(groups, id);
    while (groups->slots[at] != NULL && !mr_span_equal(groups->slots[at]->id, id)) {
        at = (at + 1) & (groups->slot_count - 1);
    }
    return at;
}

mr_group *mr_groups_get(const mr_groups *groups, mr_span id) {
    return groups->count == 0 ? NULL : groups->slots[slot_of(groups, id)];
}

static void grow(mr_groups *groups) {
    mr_group **before = groups->slots;
    uint32_t count = groups->slot_count;
    groups->slot_count = count == 0 ? SLOTS_FIRST : count * 2;
    groups->slots = mr_heap_alloc(sizeof(mr_group *) * groups->slot_count);
    for (uint32_t i = 0; i < count; i++) {
        if (before[i] != NULL) {
            groups->slots[slot_of(groups, before[i]->id)] = before[i];
        }
    }
    mr_heap_free(before);
}

mr_group *mr_groups_obtain(mr_groups *groups, mr_span id) {
    if (groups->count * 2 >= groups->slot_count) {
        grow(groups);
    }
    uint32_t at = slot_of(groups, id);
    if (groups->slots[at] == NULL) {
        groups->slots[at] = mr_group_new(id, groups->host.wall_ms);
        groups->count++;
    }
    return groups->slots[at];
}

// Takes a group out; those behind it move up, so that no search ends at the gap.
static void take_out(mr_groups *groups, const mr_group *group) {
    uint32_t mask = groups->slot_count - 1;
    uint32_t gap = slot_of(groups, group->id);
    mr_assert(groups->slots[gap] == group);
    for (uint32_t at = (gap + 1) & mask; groups->slots[at] != NULL; at = (at + 1) & mask) {
        uint32_t from_home = (at - home(groups, groups->slots[at]->id)) & mask;
        if (from_home >= ((at - gap) & mask)) {
            groups->slots[gap] = groups->slots[at];
            gap = at;
        }
    }
    groups->slots[gap] = NULL;
    groups->count--;
}

void mr_groups_discard(mr_groups *groups, mr_group *group) {
    take_out(groups, group);
    for (uint32_t i = groups->open_count; i-- > 0;) {
        if (groups->open[i].group == group) {
            groups->open[i] = groups->open[--groups->open_count];
        }
    }
    mr_group_free(group);
}

void mr_groups_tidy(mr_groups *groups, mr_group *group) {
    if (group->state == MR_GROUP_EMPTY && group->announced_count == 0 && group->stored_at < 0 &&
        group->offsets.count == 0 && group->pending_count == 0) {
        mr_groups_discard(groups, group);
    }
}

static int by_id(const void *a, const void *b) {
    return mr_span_compare((*(mr_group *const *)a)->id, (*(mr_group *const *)b)->id);
}

mr_group **mr_groups_sorted(const mr_groups *groups, mr_arena *arena) {
    mr_group **all = MR_NEW_ARRAY(arena, mr_group *, groups->count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < groups->slot_count; i++) {
        if (groups->slots[i] != NULL) {
            all[count++] = groups->slots[i];
        }
    }
    mr_assert(count == groups->count);
    qsort(all, count, sizeof(mr_group *), by_id);
    return all;
}
