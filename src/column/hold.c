// Hold: the refcounted memory behind batches of one source chunk.
//
// Threads: any thread may drop a reference; the one that drops the last frees the hold or hands it
// to `recycle`, whose owner calls mr_hold_reset before it is used again.

#include <string.h>

#include "column/batch.h"

static void hold_buffer(mr_hold *hold, size_t buffer_bytes) {
    if (hold->buffer != NULL && hold->buffer_bytes >= buffer_bytes) {
        return;
    }
    mr_heap_free(hold->buffer);
    hold->buffer = mr_heap_raw(buffer_bytes + MR_HOLD_PADDING);
    hold->buffer_bytes = buffer_bytes;
    memset(hold->buffer + buffer_bytes, 0, MR_HOLD_PADDING);
}

static void hold_drop_dicts(mr_hold *hold) {
    for (uint32_t i = 0; i < hold->dict_count; i++) {
        mr_dict_unref(hold->dicts[i]);
    }
    hold->dict_count = 0;
}

mr_hold *mr_hold_new(size_t buffer_bytes) {
    mr_hold *hold = mr_heap_alloc(sizeof(*hold));
    atomic_init(&hold->refs, 1);
    mr_arena_init(&hold->arena);
    hold_buffer(hold, buffer_bytes);
    return hold;
}

void mr_hold_ref(mr_hold *hold) {
    unsigned before = atomic_fetch_add_explicit(&hold->refs, 1, memory_order_relaxed);
    mr_assert(before > 0);
}

void mr_hold_unref(mr_hold *hold) {
    unsigned before = atomic_fetch_sub_explicit(&hold->refs, 1, memory_order_acq_rel);
    mr_assert(before > 0);
    if (before > 1) {
        return;
    }
    if (hold->recycle != NULL) {
        hold->recycle(hold, hold->recycle_arg);
        return;
    }
    hold_drop_dicts(hold);
    mr_heap_free(hold->dicts);
    mr_arena_release(&hold->arena);
    mr_heap_free(hold->buffer);
    mr_heap_free(hold);
}

void mr_hold_reset(mr_hold *hold, size_t buffer_bytes) {
    mr_assert(atomic_load_explicit(&hold->refs, memory_order_acquire) == 0);
    hold_drop_dicts(hold);
    mr_arena_clear(&hold->arena);
    hold_buffer(hold, buffer_bytes);
    atomic_store_explicit(&hold->refs, 1, memory_order_release);
}

void mr_hold_add_dict(mr_hold *hold, mr_dict *dict) {
    for (uint32_t i = 0; i < hold->dict_count; i++) {
        if (hold->dicts[i] == dict) {
            return;
        }
    }
    if (hold->dict_count == hold->dict_capacity) {
        hold->dict_capacity = MR_MAX(8u, hold->dict_capacity * 2);
        hold->dicts = mr_heap_resize(hold->dicts, sizeof(mr_dict *) * hold->dict_capacity);
    }
    mr_dict_ref(dict);
    hold->dicts[hold->dict_count++] = dict;
}
