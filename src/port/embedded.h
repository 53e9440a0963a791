// Embedded: the broker of this process, as pipelines see it: topics that are read and written
// without a socket.
//
// Why: a pipeline beside the broker reads record batches from the log's own pages and appends its
// results as transactional batches of its own producer id. How: a vtable, so that conn needs to
// know neither broker nor log. Threads: any.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_embedded mr_embedded;
typedef struct mr_embedded_topic mr_embedded_topic;  // Counted.

typedef struct mr_embedded_marks {
    int64_t first;
    int64_t stable;  // Where a reader must stop: committed, and safe from a power cut.
    int64_t next;
} mr_embedded_marks;

// Whole record batches, in memory that stays as it is until it is released; MR_HOLD_PADDING
// readable bytes follow them. They must not be written to.
typedef struct mr_embedded_view {
    const char *data;
    size_t bytes;
    int64_t next;  // Behind the last batch.
    void *held;    // NULL = nothing there.
} mr_embedded_view;

typedef struct mr_embedded_aborted {
    int64_t producer_id;
    int64_t first_offset;
    int64_t last_offset;
} mr_embedded_aborted;

typedef struct mr_embedded_type {
    // The topic, made with these settings ("key=value, …" or NULL) when it is missing.
    //   partitions  -1 = the broker's default
    mr_code (*topic)(mr_embedded *embedded, const char *name, int32_t partitions,
                     const char *settings, mr_embedded_topic **ret, mr_cx *cx);
    void (*release)(mr_embedded_topic *topic);
    uint32_t (*partitions)(mr_embedded_topic *topic);  // At present.
    mr_code (*marks)(mr_embedded_topic *topic, uint32_t partition, mr_embedded_marks *ret,
                     mr_cx *cx);
    mr_code (*at_time)(mr_embedded_topic *topic, uint32_t partition, int64_t time_ms, int64_t *ret,
                       mr_cx *cx);
    // Batches from the one that holds `offset` on, at least one when there is any, below stable.
    //   errors  MR_E_MISSING when the offset is gone
    mr_code (*read)(mr_embedded_topic *topic, uint32_t partition, int64_t offset, size_t bytes_max,
                    mr_embedded_view *ret, mr_cx *cx);
    void (*view_release)(mr_embedded_view *view);
    mr_code (*aborted)(mr_embedded_topic *topic, uint32_t partition, int64_t from, int64_t to,
                       mr_embedded_aborted **ret, uint32_t *ret_count, mr_cx *cx);
    // Calls moved(self), from any thread, when a partition's marks may have moved. NULL ends it,
    // and waits for a call that is under way.
    void (*watch)(mr_embedded_topic *topic, void (*moved)(void *self), void *self);

    // Exactly once: `open` fences earlier lives of the same id and aborts or, for those whose token
    // is named, commits what they left open. append takes record batches without producer fields.
    mr_code (*producer)(mr_embedded *embedded, const char *transactional_id, int64_t *ret_id,
                        int16_t *ret_epoch, mr_cx *cx);
    // Appends as part of the producer's open transaction; durable when `settle` has returned.
    mr_code (*append)(mr_embedded_topic *topic, uint32_t partition, mr_span batch,
                      int64_t *ret_base, mr_cx *cx);
    mr_code (*settle)(mr_embedded *embedded, mr_cx *cx);
    // Ends the transaction on the partitions that it wrote to; may be repeated.
    mr_code (*end)(mr_embedded *embedded, int64_t producer_id, int16_t producer_epoch, bool commit,
                   mr_cx *cx);
    // A group's offsets, for displays.
    void (*commit)(mr_embedded *embedded, const char *group, mr_embedded_topic *topic,
                   const int64_t *offsets, uint32_t count);
} mr_embedded_type;

struct mr_embedded {
    const mr_embedded_type *type;
};
