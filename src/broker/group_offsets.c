// Group offsets: sorted arrays of topics and partitions; see group_offsets.h.

#include "broker/group_offsets.h"

#include <string.h>

static mr_span own(mr_span text) {
    if (text.bytes == 0) {
        return (mr_span){"", 0};
    }
    char *copy = mr_heap_raw(text.bytes);
    memcpy(copy, text.data, text.bytes);
    return (mr_span){copy, text.bytes};
}

static void disown(mr_span text) {
    if (text.bytes > 0) {
        mr_heap_free((void *)(uintptr_t)text.data);
    }
}

// The index of the first topic at or behind `name`.
static uint32_t topic_index(const mr_group_offsets *offsets, mr_span name, bool *ret_found) {
    uint32_t low = 0, high = offsets->count;
    *ret_found = false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = mr_span_compare(offsets->topics[middle].name, name);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static uint32_t item_index(const mr_group_topic *topic, int32_t partition, bool *ret_found) {
    uint32_t low = 0, high = topic->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (topic->items[middle].partition < partition) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_found = low < topic->count && topic->items[low].partition == partition;
    return low;
}

// Makes room for one more at `index` of an array and returns the array.
static void *open_gap(void *items, size_t size, uint32_t *count, uint32_t *capacity,
                      uint32_t index) {
    if (*count == *capacity) {
        *capacity = *capacity == 0 ? 4 : *capacity * 2;
        items = mr_heap_resize(items, size * *capacity);
    }
    char *at = (char *)items + size * index;
    memmove(at + size, at, size * (*count - index));
    memset(at, 0, size);
    (*count)++;
    return items;
}

static void close_gap(void *items, size_t size, uint32_t *count, uint32_t index) {
    char *at = (char *)items + size * index;
    memmove(at, at + size, size * (*count - index - 1));
    (*count)--;
}

mr_group_topic *mr_group_offsets_topic(const mr_group_offsets *offsets, mr_span topic) {
    bool found = false;
    uint32_t index = topic_index(offsets, topic, &found);
    return found ? &offsets->topics[index] : NULL;
}

mr_group_offset *mr_group_offsets_get(const mr_group_offsets *offsets, mr_span topic,
                                      int32_t partition) {
    const mr_group_topic *entry = mr_group_offsets_topic(offsets, topic);
    if (entry == NULL) {
        return NULL;
    }
    bool found = false;
    uint32_t index = item_index(entry, partition, &found);
    return found ? &entry->items[index] : NULL;
}

void mr_group_offsets_put(mr_group_offsets *offsets, mr_span topic, const mr_group_offset *offset) {
    bool found = false;
    uint32_t index = topic_index(offsets, topic, &found);
    if (!found) {
        offsets->topics = open_gap(offsets->topics, sizeof(*offsets->topics), &offsets->count,
                                   &offsets->capacity, index);
        offsets->topics[index].name = own(topic);
    }
    mr_group_topic *entry = &offsets->topics[index];
    index = item_index(entry, offset->partition, &found);
    if (!found) {
        entry->items =
            open_gap(entry->items, sizeof(*entry->items), &entry->count, &entry->capacity, index);
    }
    mr_group_offset *item = &entry->items[index];
    mr_span before = item->metadata;
    mr_span metadata = own(offset->metadata);  // Of itself, perhaps.
    *item = *offset;
    item->metadata = metadata;
    disown(before);
}

static void topic_release(mr_group_topic *topic) {
    for (uint32_t i = 0; i < topic->count; i++) {
        disown(topic->items[i].metadata);
    }
    mr_heap_free(topic->items);
    disown(topic->name);
}

bool mr_group_offsets_remove(mr_group_offsets *offsets, mr_span topic, int32_t partition) {
    bool found = false;
    uint32_t topic_at = topic_index(offsets, topic, &found);
    if (!found) {
        return false;
    }
    mr_group_topic *entry = &offsets->topics[topic_at];
    uint32_t index = item_index(entry, partition, &found);
    if (!found) {
        return false;
    }
    disown(entry->items[index].metadata);
    close_gap(entry->items, sizeof(*entry->items), &entry->count, index);
    if (entry->count == 0) {
        topic_release(entry);
        close_gap(offsets->topics, sizeof(*offsets->topics), &offsets->count, topic_at);
    }
    return true;
}

void mr_group_offsets_release(mr_group_offsets *offsets) {
    for (uint32_t i = 0; i < offsets->count; i++) {
        topic_release(&offsets->topics[i]);
    }
    mr_heap_free(offsets->topics);
    *offsets = (mr_group_offsets){0};
}
