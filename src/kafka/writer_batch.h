// Writer, inside: batches that are made, in lists. Part of writer.c.

#pragma once

#include "base/text.h"

// A batch that is made.
typedef struct writer_batch {
    struct writer_batch *next;
    mr_text bytes;  // Heap.
    uint32_t partition;
    uint32_t count;
    int32_t sequence;
    int64_t made_us;
} writer_batch;

typedef struct writer_list {
    writer_batch *first;
    writer_batch *last;
    size_t bytes;
} writer_list;

static inline void list_push(writer_list *list, writer_batch *batch) {
    batch->next = NULL;
    *(list->first == NULL ? &list->first : &list->last->next) = batch;
    list->last = batch;
    list->bytes += batch->bytes.bytes;
}

static inline writer_batch *list_pop(writer_list *list) {
    writer_batch *batch = list->first;
    if (batch != NULL) {
        list->first = batch->next;
        list->bytes -= batch->bytes.bytes;
    }
    return batch;
}

static inline void batch_free(writer_batch *batch) {
    mr_text_release(&batch->bytes);
    mr_heap_free(batch);
}

static inline void list_free(writer_list *list) {
    for (writer_batch *batch = list_pop(list); batch != NULL; batch = list_pop(list)) {
        batch_free(batch);
    }
    *list = (writer_list){0};
}
