// Fetch, buffers: what is received into, used again and again; see fetch_state.h.
//
// Why: new memory costs a page fault every 4 KiB, which is more than copying costs. Threads: any.
// Also: mr_fetch_

#include <string.h>

#include "column/batch.h"
#include "kafka/fetch_state.h"

#define FETCH_BUFFERS_KEPT 8

struct fetch_buffers {
    mr_mutex mutex;
    mr_fetch_buffer *kept[FETCH_BUFFERS_KEPT];
    uint32_t kept_count;
    uint32_t out_count;
    size_t out_bytes;
    bool closed;
};

struct fetch_buffers *mr_fetch_buffers_new(void) {
    struct fetch_buffers *buffers = mr_heap_alloc(sizeof(*buffers));
    mr_mutex_init(&buffers->mutex);
    return buffers;
}

static void buffer_free(mr_fetch_buffer *buffer) {
    mr_heap_free(buffer->data);
    mr_heap_free(buffer);
}

static void buffers_free(struct fetch_buffers *buffers) {
    for (uint32_t i = 0; i < buffers->kept_count; i++) {
        buffer_free(buffers->kept[i]);
    }
    mr_mutex_release(&buffers->mutex);
    mr_heap_free(buffers);
}

// The kept buffer that fits best; a much larger one is not wasted on a little.
static mr_fetch_buffer *find_kept(struct fetch_buffers *buffers, size_t bytes) {
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < buffers->kept_count; i++) {
        size_t capacity = buffers->kept[i]->capacity;
        if (capacity >= bytes && capacity / 4 <= bytes + (64 << 10) &&
            (best == UINT32_MAX || capacity < buffers->kept[best]->capacity)) {
            best = i;
        }
    }
    if (best == UINT32_MAX) {
        return NULL;
    }
    mr_fetch_buffer *found = buffers->kept[best];
    buffers->kept[best] = buffers->kept[--buffers->kept_count];
    return found;
}

mr_fetch_buffer *mr_fetch_buffers_take(struct fetch_buffers *buffers, size_t bytes) {
    mr_mutex_lock(&buffers->mutex);
    mr_fetch_buffer *buffer = find_kept(buffers, bytes);
    if (buffer == NULL) {
        buffer = mr_heap_alloc(sizeof(*buffer));
        buffer->owner = buffers;
        buffer->capacity = mr_align_up(bytes, (size_t)64 << 10);
        buffer->data = mr_heap_raw(buffer->capacity + MR_HOLD_PADDING);
        memset(buffer->data + buffer->capacity, 0, MR_HOLD_PADDING);
    }
    buffers->out_count++;
    buffers->out_bytes += buffer->capacity;
    mr_mutex_unlock(&buffers->mutex);
    atomic_store(&buffer->refs, 1);
    return buffer;
}

size_t mr_fetch_buffers_bytes(struct fetch_buffers *buffers) {
    mr_mutex_lock(&buffers->mutex);
    size_t bytes = buffers->out_bytes;
    mr_mutex_unlock(&buffers->mutex);
    return bytes;
}

void mr_fetch_buffers_close(struct fetch_buffers *buffers) {
    mr_mutex_lock(&buffers->mutex);
    buffers->closed = true;
    bool last = buffers->out_count == 0;
    mr_mutex_unlock(&buffers->mutex);
    if (last) {
        buffers_free(buffers);
    }
}

void mr_fetch_buffer_ref(mr_fetch_buffer *buffer) {
    atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
}

void mr_fetch_buffer_unref(mr_fetch_buffer *buffer) {
    if (atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    struct fetch_buffers *buffers = buffer->owner;
    mr_mutex_lock(&buffers->mutex);
    buffers->out_count--;
    buffers->out_bytes -= buffer->capacity;
    bool keep = !buffers->closed && buffers->kept_count < FETCH_BUFFERS_KEPT;
    bool last = buffers->closed && buffers->out_count == 0;
    mr_fetch_buffer *dropped = keep ? NULL : buffer;
    if (keep) {
        buffers->kept[buffers->kept_count++] = buffer;
    }
    mr_mutex_unlock(&buffers->mutex);
    if (dropped != NULL) {
        buffer_free(dropped);
    }
    if (last) {
        buffers_free(buffers);
    }
}
