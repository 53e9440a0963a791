// View: holds whose buffer is somebody else's; see view.h.
//
// Also: mr_views_

#include "conn/view.h"

#include <string.h>

#include "plat/thread.h"

#define VIEWS_FREE_MAX   16
#define VIEWS_KEEP_BYTES ((size_t)4 << 20)  // A larger buffer goes back to the system.

typedef struct view {
    mr_hold *hold;
    mr_views *views;
    mr_fetch_buffer *buffer;  // NULL: the bytes are its own.
    char *own;                // Heap, never NULL; kept while others' bytes are looked at.
    size_t own_bytes;         // Without padding.
} view;

struct mr_views {
    mr_mutex mutex;
    view *free[VIEWS_FREE_MAX];
    uint32_t free_count;
    uint64_t out_count;
    bool closed;
};

mr_views *mr_views_new(void) {
    mr_views *views = mr_heap_alloc(sizeof(*views));
    mr_mutex_init(&views->mutex);
    return views;
}

static void view_drop(view *v) {
    mr_hold *hold = v->hold;
    mr_hold_reset(hold, 0);
    hold->recycle = NULL;
    mr_hold_unref(hold);
    mr_heap_free(v);
}

static void views_free(mr_views *views) {
    for (uint32_t i = 0; i < views->free_count; i++) {
        view_drop(views->free[i]);
    }
    mr_mutex_release(&views->mutex);
    mr_heap_free(views);
}

// Called when the last reference to a hold is dropped, on any thread.
static void view_take_back(mr_hold *hold, void *argument) {
    view *v = argument;
    mr_views *views = v->views;
    if (v->buffer != NULL) {
        mr_fetch_buffer_unref(v->buffer);
        v->buffer = NULL;
    }
    hold->buffer = v->own;
    hold->buffer_bytes = v->own_bytes;
    mr_mutex_lock(&views->mutex);
    mr_assert(views->out_count > 0);
    views->out_count--;
    bool keep =
        !views->closed && views->free_count < VIEWS_FREE_MAX && v->own_bytes <= VIEWS_KEEP_BYTES;
    bool last = views->closed && views->out_count == 0;
    if (keep) {
        views->free[views->free_count++] = v;
    }
    mr_mutex_unlock(&views->mutex);
    if (!keep) {
        view_drop(v);
    }
    if (last) {
        views_free(views);
    }
}

static view *view_new(mr_views *views) {
    mr_assert(!views->closed);
    mr_mutex_lock(&views->mutex);
    views->out_count++;
    view *v = views->free_count > 0 ? views->free[--views->free_count] : NULL;
    mr_mutex_unlock(&views->mutex);
    if (v != NULL) {
        mr_hold_reset(v->hold, 0);
        return v;
    }
    v = mr_heap_alloc(sizeof(*v));
    v->views = views;
    v->hold = mr_hold_new(0);
    v->own = v->hold->buffer;
    v->hold->recycle = view_take_back;
    v->hold->recycle_arg = v;
    return v;
}

mr_hold *mr_views_take(mr_views *views, mr_fetch_buffer *buffer, char *data) {
    view *v = view_new(views);
    mr_fetch_buffer_ref(buffer);
    v->buffer = buffer;
    v->hold->buffer = data;
    return v->hold;
}

mr_hold *mr_views_own(mr_views *views, mr_text *text) {
    mr_assert(text->arena == NULL);
    view *v = view_new(views);
    mr_text_reserve(text, MR_HOLD_PADDING);
    memset(text->data + text->bytes, 0, MR_HOLD_PADDING);
    mr_text older = {.data = v->own, .capacity = v->own_bytes + MR_HOLD_PADDING};
    v->own = text->data;
    v->own_bytes = text->capacity - MR_HOLD_PADDING;
    v->hold->buffer = v->own;
    v->hold->buffer_bytes = v->own_bytes;
    *text = older;
    return v->hold;
}

void mr_views_close(mr_views *views) {
    if (views == NULL) {
        return;
    }
    mr_mutex_lock(&views->mutex);
    views->closed = true;
    bool last = views->out_count == 0;
    mr_mutex_unlock(&views->mutex);
    if (last) {
        views_free(views);
    }
}
