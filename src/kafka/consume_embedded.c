// Consume, from the broker of this process; see consume.h and port/embedded.h.
//
// How: a take asks the log where the next batches lie, which is a look into an index; the reader of
// the chunk loads them, in parallel with others, into a buffer and decodes them there. (A map of
// the file would save that one copy, which costs less than the page faults of a map, and the
// decoder writes a line end behind each value.) Offsets, topics and commits are Kafka's requests
// over a link without a socket. Threads: as consume.h; the broker wakes a waiter.
//
// Also: mr_fetch_

#include <inttypes.h>
#include <string.h>

#include "codec/kafka_error.h"
#include "codec/record_batch.h"
#include "kafka/fetch_state.h"
#include "kafka/topic.h"

#define EMBEDDED_ASK_US   ((int64_t)30 * 1000000)
#define EMBEDDED_EARLIEST ((int64_t)-2)
#define EMBEDDED_LATEST   ((int64_t)-1)

typedef struct embedded_partition {
    mr_embedded_log *log;  // NULL until it is started.
    bool started;
    int64_t next;
} embedded_partition;

typedef struct consume_embedded {
    mr_consume base;
    mr_embedded *embedded;
    mr_plat *plat;
    mr_cluster cluster;
    char *topic;
    char *group;
    mr_wire_uuid topic_id;
    embedded_partition *partitions;  // base.partition_count of them.
    struct fetch_buffers *buffers;
    mr_mutex mutex;  // Of `ready`, and of where the partitions' logs are.
    mr_condition arrived;
    bool ready;
} consume_embedded;

static int64_t deadline(const consume_embedded *c) {
    return mr_clock_monotonic_us(c->plat) + EMBEDDED_ASK_US;
}

// ---- the topic -------------------------------------------------------------------------------

static void widen(consume_embedded *c) {
    uint32_t count = c->cluster.partition_count;
    uint32_t before = c->base.partition_count;
    if (count <= before) {
        return;
    }
    mr_mutex_lock(&c->mutex);
    c->partitions = mr_heap_resize(c->partitions, sizeof(*c->partitions) * count);
    memset(c->partitions + before, 0, sizeof(*c->partitions) * (count - before));
    c->base.partition_count = count;
    mr_mutex_unlock(&c->mutex);
}

static mr_code topic_open(consume_embedded *c, const mr_consume_options *options, mr_cx *cx) {
    mr_topic_wish wish = {options->partitions, options->topic_config, deadline(c)};
    MR_TRY(mr_topic_obtain(&c->cluster, &wish, cx));
    c->topic_id = c->cluster.topic_id;
    widen(c);
    return MR_OK;
}

static mr_code embedded_refresh(mr_consume *base, mr_cx *cx) {
    consume_embedded *c = (consume_embedded *)base;
    MR_TRY(mr_cluster_refresh(&c->cluster, deadline(c), cx));
    if (c->cluster.topic_error != MR_KAFKA_NONE) {
        return mr_topic_refused(&c->cluster, c->cluster.topic_error, cx);
    }
    if (memcmp(&c->topic_id, &c->cluster.topic_id, sizeof(c->topic_id)) != 0) {
        return mr_fail(cx, MR_E_MISSING, "Start with --fresh to read the new one.",
                       "topic \"%s\" was deleted and made again while it was read", c->topic);
    }
    widen(c);
    return MR_OK;
}

// ---- offsets ---------------------------------------------------------------------------------

static mr_code offset_of(consume_embedded *c, uint32_t partition, int64_t time_ms, int64_t *ret,
                         mr_cx *cx) {
    mr_cluster_wish wish = {partition, time_ms, /* isolation= */ 1};
    int16_t error = 0;
    MR_TRY(mr_cluster_offset(&c->cluster, &wish, deadline(c), ret, &error, cx));
    return error == MR_KAFKA_NONE ? MR_OK : mr_topic_refused(&c->cluster, error, cx);
}

static mr_code embedded_bounds(mr_consume *base, uint32_t partition, int64_t *ret_first,
                               int64_t *ret_next, mr_cx *cx) {
    consume_embedded *c = (consume_embedded *)base;
    MR_TRY(offset_of(c, partition, EMBEDDED_EARLIEST, ret_first, cx));
    return offset_of(c, partition, EMBEDDED_LATEST, ret_next, cx);
}

static mr_code embedded_at_time(mr_consume *base, uint32_t partition, int64_t time_ms, int64_t *ret,
                                mr_cx *cx) {
    consume_embedded *c = (consume_embedded *)base;
    MR_TRY(offset_of(c, partition, MR_MAX(time_ms, 0), ret, cx));
    return *ret >= 0 ? MR_OK : offset_of(c, partition, EMBEDDED_LATEST, ret, cx);
}

static void embedded_commit(mr_consume *base, const int64_t *offsets, uint32_t count) {
    consume_embedded *c = (consume_embedded *)base;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, c->plat);
    mr_cluster_offsets all = {c->group, offsets, count};
    int16_t error;
    // For displays only: what fails is said again by the next one.
    mr_code code = mr_cluster_commit(&c->cluster, &all, deadline(c), &error, &cx);
    (void)code;
    mr_arena_release(&arena);
}

// ---- reading ---------------------------------------------------------------------------------

static void moved(void *self) {
    consume_embedded *c = self;
    mr_mutex_lock(&c->mutex);
    c->ready = true;
    mr_condition_signal(&c->arrived);
    mr_mutex_unlock(&c->mutex);
}

static void embedded_wait(mr_consume *base, int64_t timeout_us) {
    consume_embedded *c = (consume_embedded *)base;
    mr_mutex_lock(&c->mutex);
    if (!c->ready) {
        mr_condition_wait(&c->arrived, &c->mutex, timeout_us);
    }
    c->ready = false;
    mr_mutex_unlock(&c->mutex);
}

static mr_code embedded_start(mr_consume *base, uint32_t partition, int64_t offset, mr_cx *cx) {
    consume_embedded *c = (consume_embedded *)base;
    embedded_partition *p = &c->partitions[partition];
    if (p->log == NULL) {
        mr_embedded_log *log = NULL;
        MR_TRY(c->embedded->type->log_open(c->embedded, c->topic, partition, &log, cx));
        c->embedded->type->watch(log, moved, c);
        mr_mutex_lock(&c->mutex);
        p->log = log;
        mr_mutex_unlock(&c->mutex);
    }
    p->started = true;
    p->next = offset;
    moved(c);
    return MR_OK;
}

static void embedded_stop(mr_consume *base, uint32_t partition) {
    ((consume_embedded *)base)->partitions[partition].started = false;
}

// Partitions that were never begun too: a start from the end is a position as well.
static mr_code embedded_settle(mr_consume *base, mr_cx *cx) {
    consume_embedded *c = (consume_embedded *)base;
    const mr_embedded_type *type = c->embedded->type;
    uint32_t count = base->partition_count, own_count = 0;
    mr_embedded_log **logs = MR_NEW_ARRAY(cx->arena, mr_embedded_log *, count);
    mr_embedded_log **own = MR_NEW_ARRAY(cx->arena, mr_embedded_log *, count);
    mr_mutex_lock(&c->mutex);
    for (uint32_t p = 0; p < count; p++) {
        logs[p] = c->partitions[p].log;
    }
    mr_mutex_unlock(&c->mutex);
    mr_code code = MR_OK;
    for (uint32_t p = 0; p < count && code == MR_OK; p++) {
        if (logs[p] == NULL) {
            code = type->log_open(c->embedded, c->topic, p, &logs[p], cx);
            own[own_count] = logs[p];
            own_count += code == MR_OK;
        }
    }
    code = code == MR_OK ? type->settle(logs, count, cx) : code;
    for (uint32_t i = 0; i < own_count; i++) {
        type->log_close(own[i]);
    }
    return code;
}

// A take never cuts a batch's bytes, only the range of offsets that counts: the next take finds the
// same batch again.
static mr_code embedded_take(mr_consume *base, uint32_t partition, const mr_fetch_wish *wish,
                             mr_fetch_chunk **ret, mr_fetch_seen *ret_seen, mr_cx *cx) {
    consume_embedded *c = (consume_embedded *)base;
    embedded_partition *p = &c->partitions[partition];
    mr_assert(p->started);
    *ret = NULL;
    mr_embedded_slice slice = {0};
    bool may = p->next < wish->end && wish->rows_max > 0;
    if (may) {
        MR_TRY(c->embedded->type->locate(p->log, p->next, wish->chunk_bytes, &slice, cx));
    }
    *ret_seen = (mr_fetch_seen){.next = p->next, .at_end = may && slice.held == NULL};
    if (slice.held == NULL) {
        return MR_OK;
    }
    int64_t to = MR_MIN(slice.next, wish->end);
    to = (uint64_t)(to - p->next) > wish->rows_max ? p->next + (int64_t)wish->rows_max : to;
    mr_fetch_chunk *chunk = mr_heap_alloc(sizeof(*chunk));
    *chunk = (mr_fetch_chunk){
        .later = {slice, p->log, c->embedded, c->buffers},
        .from = p->next,
        .to = to,
        .bytes = slice.bytes,
        .rows = (uint64_t)(to - p->next),
    };
    p->next = to;
    *ret = chunk;
    ret_seen->next = to;
    return MR_OK;
}

// ---- loading ---------------------------------------------------------------------------------

// The transactions that were aborted, as far as they reach into a chunk.
typedef struct aborted_list {
    const mr_embedded_aborted *items;
    uint32_t count;
} aborted_list;

static bool is_aborted(const aborted_list *list, const mr_record_batch *batch) {
    for (uint32_t i = 0; i < list->count && list->items[i].first_offset <= batch->last_offset;
         i++) {
        if (list->items[i].producer_id == batch->producer_id &&
            list->items[i].last_offset >= batch->base_offset) {
            return true;
        }
    }
    return false;
}

// Enters the batches that have records to read.
static mr_code list_batches(mr_fetch_chunk *chunk, const mr_embedded_slice *slice, mr_cx *cx) {
    mr_span in = {chunk->data, chunk->bytes};
    aborted_list aborted = {0};
    aborted.items = chunk->later.embedded->type->aborted(slice, &aborted.count);
    while (in.bytes > 0) {
        mr_record_batch batch;
        bool found;
        MR_TRY(mr_record_batch_next(&in, &batch, &found, cx));
        if (!found) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "a record batch is cut off in the log");
        }
        bool transactional = (batch.attributes & MR_RECORD_BATCH_TRANSACTIONAL) != 0;
        if ((batch.attributes & MR_RECORD_BATCH_CONTROL) != 0 || batch.last_offset < chunk->from ||
            batch.base_offset >= chunk->to) {
            continue;
        }
        if (transactional && is_aborted(&aborted, &batch)) {
            continue;
        }
        chunk->batches[chunk->batch_count++] = (mr_fetch_range){
            .at = (uint32_t)(batch.bytes - chunk->data),
            .bytes = (uint32_t)batch.byte_count,
            .rows = batch.record_count,
        };
    }
    return MR_OK;
}

mr_code mr_fetch_chunk_load(mr_fetch_chunk **chunk, mr_cx *cx) {
    mr_fetch_chunk *late = *chunk;
    if (late->later.slice.held == NULL) {
        return MR_OK;
    }
    const mr_embedded_type *type = late->later.embedded->type;
    size_t most = late->bytes / MR_RECORD_BATCH_HEAD_BYTES;
    mr_fetch_chunk *full = mr_heap_raw(sizeof(*full) + most * sizeof(mr_fetch_range));
    *full = *late;
    full->later.slice.held = NULL;
    full->buffer = mr_fetch_buffers_take(late->later.buffers, late->bytes);
    full->data = full->buffer->data;
    mr_code code = type->load(&late->later.slice, full->data, cx);
    code = code == MR_OK ? list_batches(full, &late->later.slice, cx) : code;
    mr_fetch_chunk_free(late);
    *chunk = full;
    return code;
}

// ---- opening and closing ---------------------------------------------------------------------

static bool embedded_down(mr_consume *base) {
    (void)base;
    return false;
}

static void embedded_close(mr_consume *base) {
    consume_embedded *c = (consume_embedded *)base;
    for (uint32_t p = 0; p < base->partition_count; p++) {
        if (c->partitions[p].log != NULL) {
            c->embedded->type->log_close(c->partitions[p].log);
        }
    }
    mr_cluster_release(&c->cluster, c->plat);
    mr_fetch_buffers_close(c->buffers);
    mr_condition_release(&c->arrived);
    mr_mutex_release(&c->mutex);
    mr_heap_free(c->partitions);
    mr_heap_free(c->topic);
    mr_heap_free(c->group);
    mr_heap_free(c);
}

static const mr_consume_type embedded_type = {
    .name = MR_EMBEDDED,
    .close = embedded_close,
    .refresh = embedded_refresh,
    .bounds = embedded_bounds,
    .at_time = embedded_at_time,
    .start = embedded_start,
    .stop = embedded_stop,
    .take = embedded_take,
    .wait = embedded_wait,
    .down = embedded_down,
    .settle = embedded_settle,
    .commit = embedded_commit,
};

mr_code mr_consume_embedded_open(const mr_consume_options *options, mr_consume **ret, mr_cx *cx) {
    consume_embedded *c = mr_heap_alloc(sizeof(*c));
    c->base.type = &embedded_type;
    c->embedded = options->embedded;
    c->plat = cx->plat;
    c->topic = mr_heap_string(options->topic);
    c->group = mr_heap_string(options->group);
    c->cluster =
        (mr_cluster){.client_id = "millrace", .topic = c->topic, .embedded = options->embedded};
    c->buffers = mr_fetch_buffers_new();
    mr_mutex_init(&c->mutex);
    mr_condition_init(&c->arrived);
    mr_code code = mr_cluster_init(&c->cluster, MR_EMBEDDED, cx);
    code = code == MR_OK ? topic_open(c, options, cx) : code;
    if (code != MR_OK) {
        embedded_close(&c->base);
        return code;
    }
    *ret = &c->base;
    return MR_OK;
}
