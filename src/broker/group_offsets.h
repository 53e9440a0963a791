// Group offsets: what a group has committed, by topic and partition.
//
// How: topics and partitions are sorted arrays: a group has few topics, and displays want them in
// order. Threads: none; the owner locks. Memory: heap.

#pragma once

#include "base/text.h"

typedef struct mr_group_offset {
    int32_t partition;
    int32_t leader_epoch;  // -1 = not said.
    int64_t offset;
    int64_t commit_ms;  // Wall clock.
    int64_t expire_ms;  // -1 = as retention says.
    int64_t record;     // Offset of the record that says so: of two the later one counts.
    mr_span metadata;
} mr_group_offset;

typedef struct mr_group_topic {
    mr_span name;
    mr_group_offset *items;  // By partition.
    uint32_t count;
    uint32_t capacity;
} mr_group_topic;

typedef struct mr_group_offsets {
    mr_group_topic *topics;  // By name; none is empty.
    uint32_t count;
    uint32_t capacity;
} mr_group_offsets;

// NULL when there is none.
mr_group_topic *mr_group_offsets_topic(const mr_group_offsets *offsets, mr_span topic);
mr_group_offset *mr_group_offsets_get(const mr_group_offsets *offsets, mr_span topic,
                                      int32_t partition);
// Copies topic and metadata.
void mr_group_offsets_put(mr_group_offsets *offsets, mr_span topic, const mr_group_offset *offset);
bool mr_group_offsets_remove(mr_group_offsets *offsets, mr_span topic, int32_t partition);
void mr_group_offsets_release(mr_group_offsets *offsets);
