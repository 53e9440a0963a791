// Producers: what a log knows of those that write to it with an id; see producers.h.

#include "log/producers.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "log/segment.h"

#define SEQUENCE_MAX INT32_MAX
#define ENDED        (-1)  // For offset_delta: its transaction ended, its like is no repetition.
#define SLOTS_FIRST  16

// An open transaction, or one whose end is not yet durable.
typedef struct transaction {
    int64_t producer_id;
    int64_t first;
    int64_t last;  // Of the marker.
} transaction;

struct mr_producers {
    mr_producer **list;  // In no order.
    uint32_t count, capacity;
    uint32_t *slots;  // Index in list + 1; 0 = free. A power of two of them.
    uint32_t slot_count;
    transaction *open;  // By first offset.
    uint32_t open_count, open_capacity;
    transaction *ended;  // By last offset.
    uint32_t ended_count, ended_capacity;
};

// ---- the table -------------------------------------------------------------------------------

mr_producers *mr_producers_new(void) {
    return mr_heap_alloc(sizeof(mr_producers));
}

void mr_producers_clear(mr_producers *producers) {
    for (uint32_t i = 0; i < producers->count; i++) {
        mr_heap_free(producers->list[i]);
    }
    producers->count = producers->open_count = producers->ended_count = 0;
    if (producers->slots != NULL) {
        memset(producers->slots, 0, producers->slot_count * sizeof(*producers->slots));
    }
}

void mr_producers_free(mr_producers *producers) {
    if (producers == NULL) {
        return;
    }
    mr_producers_clear(producers);
    mr_heap_free(producers->list);
    mr_heap_free(producers->slots);
    mr_heap_free(producers->open);
    mr_heap_free(producers->ended);
    mr_heap_free(producers);
}

uint32_t mr_producers_count(const mr_producers *producers) {
    return producers->count;
}

const mr_producer *mr_producers_at(const mr_producers *producers, uint32_t index) {
    mr_assert(index < producers->count);
    return producers->list[index];
}

// The slot of an id: it or, when it is not there, a free one.
static uint32_t slot_of(const mr_producers *producers, int64_t id) {
    uint32_t mask = producers->slot_count - 1;
    uint32_t slot = (uint32_t)mr_hash_u64((uint64_t)id, 0) & mask;
    while (producers->slots[slot] != 0 && producers->list[producers->slots[slot] - 1]->id != id) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static mr_producer *find(const mr_producers *producers, int64_t id) {
    if (producers->slot_count == 0) {
        return NULL;
    }
    uint32_t entry = producers->slots[slot_of(producers, id)];
    return entry == 0 ? NULL : producers->list[entry - 1];
}

const mr_producer *mr_producers_find(const mr_producers *producers, int64_t id) {
    return find(producers, id);
}

static void slots_make(mr_producers *producers, uint32_t count) {
    mr_heap_free(producers->slots);
    producers->slots = mr_heap_alloc(count * sizeof(*producers->slots));
    producers->slot_count = count;
    for (uint32_t i = 0; i < producers->count; i++) {
        producers->slots[slot_of(producers, producers->list[i]->id)] = i + 1;
    }
}

static mr_producer *obtain(mr_producers *producers, int64_t id) {
    mr_producer *found = find(producers, id);
    if (found != NULL) {
        return found;
    }
    if (producers->count == producers->capacity) {
        producers->capacity = MR_MAX(producers->capacity * 2, 8u);
        producers->list =
            mr_heap_resize(producers->list, producers->capacity * sizeof(*producers->list));
    }
    found = mr_heap_alloc(sizeof(*found));
    *found = (mr_producer){.id = id,
                           .epoch = -1,
                           .coordinator_epoch = -1,
                           .last_timestamp_ms = -1,
                           .transaction_first = -1};
    producers->list[producers->count++] = found;
    if (producers->count * 2 > producers->slot_count) {
        slots_make(producers, MR_MAX(producers->slot_count * 2, (uint32_t)SLOTS_FIRST));
    } else {
        producers->slots[slot_of(producers, id)] = producers->count;
    }
    return found;
}

void mr_producers_expire(mr_producers *producers, int64_t before_ms) {
    uint32_t left = 0;
    for (uint32_t i = 0; i < producers->count; i++) {
        mr_producer *producer = producers->list[i];
        if (producer->transaction_first < 0 && producer->last_timestamp_ms < before_ms) {
            mr_heap_free(producer);
        } else {
            producers->list[left++] = producer;
        }
    }
    if (left < producers->count) {
        producers->count = left;
        slots_make(producers, producers->slot_count);
    }
}

// ---- sequences -------------------------------------------------------------------------------

// They wrap behind 2^31-1.
static int32_t sequence_add(int32_t sequence, int32_t delta) {
    return sequence > SEQUENCE_MAX - delta ? delta - (SEQUENCE_MAX - sequence) - 1
                                           : sequence + delta;
}

static int32_t sequence_subtract(int32_t sequence, int32_t delta) {
    return sequence < delta ? SEQUENCE_MAX - (delta - sequence) + 1 : sequence - delta;
}

static int32_t batch_delta(const mr_record_batch *batch) {
    return (int32_t)(batch->last_offset - batch->base_offset);
}

// ---- checking --------------------------------------------------------------------------------

static void refuse(mr_log_appended *ret, int16_t error, const char *reason) {
    ret->error = error;
    ret->reason = reason;
}

static bool find_duplicate(const mr_producer *producer, const mr_record_batch *batch,
                           mr_log_appended *ret) {
    int32_t last = sequence_add(batch->base_sequence, batch_delta(batch));
    if (producer->epoch != batch->producer_epoch) {
        return false;
    }
    for (uint32_t i = 0; i < producer->batch_count; i++) {
        const mr_producer_batch *old = &producer->batches[i];
        if (old->first_sequence == batch->base_sequence && old->last_sequence == last) {
            ret->duplicate = true;
            ret->last_offset = old->last_offset;
            ret->base_offset = old->last_offset - old->offset_delta;
            ret->append_time_ms = old->timestamp_ms;
            return true;
        }
    }
    return false;
}

static void check_sequence(const mr_producer *producer, const mr_record_batch *batch,
                           mr_log_appended *ret, mr_cx *cx) {
    int32_t first = batch->base_sequence;
    if (producer->epoch != batch->producer_epoch) {
        if (first != 0 && producer->epoch != -1) {
            refuse(ret, MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER,
                   mr_arena_printf(cx->arena,
                                   "producer %" PRId64 " begins epoch %d with sequence %d, not 0",
                                   batch->producer_id, batch->producer_epoch, first));
        }
        return;
    }
    int32_t last = producer->batch_count == 0
                       ? -1
                       : producer->batches[producer->batch_count - 1].last_sequence;
    if (first != (last == SEQUENCE_MAX ? 0 : last + 1)) {
        refuse(ret, MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER,
               mr_arena_printf(cx->arena,
                               "producer %" PRId64 " epoch %d sent sequence %d behind %d",
                               batch->producer_id, batch->producer_epoch, first, last));
    }
}

void mr_producers_check(const mr_producers *producers, const mr_record_batch *batch,
                        mr_log_origin origin, mr_log_appended *ret, mr_cx *cx) {
    if (batch->producer_id < 0) {
        return;
    }
    const mr_producer *producer = find(producers, batch->producer_id);
    bool transactional = (batch->attributes & MR_RECORD_BATCH_TRANSACTIONAL) != 0;
    if (producer == NULL) {
        if (origin == MR_LOG_CLIENT_2 && transactional && batch->base_sequence != 0) {
            refuse(ret, MR_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER,
                   mr_arena_printf(cx->arena,
                                   "producer %" PRId64 " has no state here and sent sequence %d",
                                   batch->producer_id, batch->base_sequence));
        }
        return;
    }
    if (origin != MR_LOG_COORDINATOR && find_duplicate(producer, batch, ret)) {
        return;
    }
    if (batch->producer_epoch < producer->epoch) {
        refuse(ret, MR_KAFKA_INVALID_PRODUCER_EPOCH,
               mr_arena_printf(cx->arena, "producer %" PRId64 " sent epoch %d, it has %d by now",
                               batch->producer_id, batch->producer_epoch, producer->epoch));
        return;
    }
    if (origin != MR_LOG_COORDINATOR) {
        check_sequence(producer, batch, ret, cx);
    }
    if (ret->error == MR_KAFKA_NONE && producer->transaction_first >= 0 && !transactional) {
        refuse(ret, MR_KAFKA_INVALID_TXN_STATE,
               mr_arena_printf(cx->arena, "producer %" PRId64 " has a transaction open here",
                               batch->producer_id));
    }
}

void mr_producers_check_end(const mr_producers *producers, const mr_log_end *end,
                            mr_log_appended *ret, mr_cx *cx) {
    const mr_producer *producer = find(producers, end->producer_id);
    if (producer == NULL) {
        return;
    }
    // With version 2 the marker has the epoch after that of its data. The same epoch once more is a
    // repetition, which does nothing (KAFKA-19999): there must be no transaction open then.
    bool repeated = end->producer_epoch == producer->epoch && producer->transaction_first < 0;
    if (end->producer_epoch < producer->epoch ||
        (end->version >= 2 && end->producer_epoch == producer->epoch && !repeated)) {
        refuse(ret, MR_KAFKA_INVALID_PRODUCER_EPOCH,
               mr_arena_printf(cx->arena,
                               "a transaction of producer %" PRId64
                               " is ended with epoch %d, it has %d",
                               end->producer_id, end->producer_epoch, producer->epoch));
    } else if (end->coordinator_epoch < producer->coordinator_epoch) {
        refuse(ret, MR_KAFKA_TRANSACTION_COORDINATOR_FENCED,
               mr_arena_printf(cx->arena, "coordinator epoch %d is older than %d",
                               end->coordinator_epoch, producer->coordinator_epoch));
    }
}

// ---- taking ----------------------------------------------------------------------------------

static void *grown(void *items, uint32_t count, uint32_t *capacity, size_t size) {
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 8 : *capacity * 2;
    return mr_heap_resize(items, *capacity * size);
}

// Kept by first offset; they nearly always come in order.
static void open_add(mr_producers *producers, int64_t producer_id, int64_t first) {
    producers->open = grown(producers->open, producers->open_count, &producers->open_capacity,
                            sizeof(*producers->open));
    uint32_t at = producers->open_count++;
    for (; at > 0 && producers->open[at - 1].first > first; at--) {
        producers->open[at] = producers->open[at - 1];
    }
    producers->open[at] = (transaction){.producer_id = producer_id, .first = first, .last = -1};
}

static void open_remove(mr_producers *producers, int64_t producer_id) {
    uint32_t left = 0;
    for (uint32_t i = 0; i < producers->open_count; i++) {
        if (producers->open[i].producer_id != producer_id) {
            producers->open[left++] = producers->open[i];
        }
    }
    producers->open_count = left;
}

static void set_epoch(mr_producer *producer, int16_t epoch) {
    if (producer->epoch != epoch) {
        producer->epoch = epoch;
        producer->batch_count = 0;
    }
}

static void take_sequence(mr_producer *producer, const mr_record_batch *batch) {
    if (batch->base_sequence < 0) {
        return;  // The coordinator's.
    }
    if (producer->batch_count == MR_PRODUCER_BATCHES) {
        memmove(producer->batches, producer->batches + 1,
                (MR_PRODUCER_BATCHES - 1) * sizeof(*producer->batches));
        producer->batch_count--;
    }
    producer->batches[producer->batch_count++] = (mr_producer_batch){
        .first_sequence = batch->base_sequence,
        .last_sequence = sequence_add(batch->base_sequence, batch_delta(batch)),
        .last_offset = batch->last_offset,
        .offset_delta = batch_delta(batch),
        .timestamp_ms = batch->max_timestamp_ms,
    };
}

static void take_data(mr_producers *producers, mr_producer *producer,
                      const mr_record_batch *batch) {
    set_epoch(producer, batch->producer_epoch);
    take_sequence(producer, batch);
    if ((batch->attributes & MR_RECORD_BATCH_TRANSACTIONAL) != 0 &&
        producer->transaction_first < 0) {
        producer->transaction_first = batch->base_offset;
        open_add(producers, producer->id, batch->base_offset);
    }
}

// The coordinator's epoch in a marker's value: version (2), epoch (4).
static int32_t marker_coordinator(const mr_record_batch *batch) {
    mr_record_reader reader = {.at = batch->payload.data,
                               .end = batch->payload.data + batch->payload.bytes,
                               .batch = batch,
                               .left = batch->record_count,
                               .offset_before = -1};
    mr_record record;
    return mr_record_next(&reader, &record) && record.value.bytes >= 6
               ? (int32_t)mr_segment_load(record.value.data + 2, 4)
               : -1;
}

// What comes again behind the end of its transaction is no repetition: its producer has given that
// up, and a client that lost an answer may use its sequence number for another record (librdkafka
// does after an abort). It would be taken for acknowledged and be in no transaction; refused, it
// makes the client begin anew. (Kafka takes it for a repetition.)
static void forget_repetitions(mr_producer *producer) {
    if (producer->batch_count > 0) {
        producer->batches[0] = producer->batches[producer->batch_count - 1];
        producer->batches[0].first_sequence = -1;
        producer->batches[0].offset_delta = ENDED;
        producer->batch_count = 1;
    }
}

static void take_marker(mr_producers *producers, mr_producer *producer,
                        const mr_record_batch *batch, mr_producers_ended *ret) {
    mr_record_marker marker = mr_record_batch_marker(batch);
    if (marker == MR_RECORD_OTHER) {
        return;
    }
    set_epoch(producer, batch->producer_epoch);
    producer->coordinator_epoch = marker_coordinator(batch);
    if (producer->transaction_first < 0) {
        return;
    }
    *ret = (mr_producers_ended){.ended = true,
                                .aborted = marker == MR_RECORD_ABORT,
                                .producer_id = producer->id,
                                .first_offset = producer->transaction_first,
                                .last_offset = batch->last_offset,
                                .stable = batch->last_offset + 1};
    producer->transaction_first = -1;
    forget_repetitions(producer);
    open_remove(producers, producer->id);
    if (producers->open_count > 0) {
        ret->stable = producers->open[0].first;
    }
    producers->ended = grown(producers->ended, producers->ended_count, &producers->ended_capacity,
                             sizeof(*producers->ended));
    producers->ended[producers->ended_count++] =
        (transaction){producer->id, ret->first_offset, ret->last_offset};
}

void mr_producers_take(mr_producers *producers, const mr_record_batch *batch,
                       mr_producers_ended *ret) {
    *ret = (mr_producers_ended){.ended = false};
    if (batch->producer_id < 0) {
        return;
    }
    bool control = (batch->attributes & MR_RECORD_BATCH_CONTROL) != 0;
    mr_producer *producer = obtain(producers, batch->producer_id);
    producer->last_timestamp_ms = batch->max_timestamp_ms;
    if (control) {
        take_marker(producers, producer, batch, ret);
    } else {
        take_data(producers, producer, batch);
    }
}

int64_t mr_producers_unstable(mr_producers *producers, int64_t high) {
    uint32_t gone = 0;
    while (gone < producers->ended_count && producers->ended[gone].last < high) {
        gone++;
    }
    producers->ended_count -= gone;
    if (gone > 0) {
        memmove(producers->ended, producers->ended + gone,
                producers->ended_count * sizeof(*producers->ended));
    }
    int64_t unstable = producers->open_count > 0 ? producers->open[0].first : INT64_MAX;
    for (uint32_t i = 0; i < producers->ended_count; i++) {
        unstable = MR_MIN(unstable, producers->ended[i].first);
    }
    return unstable;
}

// ---- snapshots -------------------------------------------------------------------------------
//
// version 1 (2), CRC32C of what follows (4), count (4), and of each: id (8), epoch (2), last
// sequence (4), last offset (8), offset delta (4), timestamp (8), coordinator epoch (4), first
// offset of the open transaction (8).

#define SNAPSHOT_VERSION     1
#define SNAPSHOT_HEAD_BYTES  ((size_t)10)
#define SNAPSHOT_ENTRY_BYTES ((size_t)46)
#define SNAPSHOT_CRC_FROM    ((size_t)6)

void mr_producers_save(const mr_producers *producers, mr_text *out) {
    size_t bytes = SNAPSHOT_HEAD_BYTES + producers->count * SNAPSHOT_ENTRY_BYTES;
    char *head = mr_text_grow(out, bytes);
    mr_segment_store(head, SNAPSHOT_VERSION, 2);
    mr_segment_store(head + 6, producers->count, 4);
    for (uint32_t i = 0; i < producers->count; i++) {
        const mr_producer *p = producers->list[i];
        const mr_producer_batch *last =
            p->batch_count == 0 ? NULL : &p->batches[p->batch_count - 1];
        char *at = head + SNAPSHOT_HEAD_BYTES + i * SNAPSHOT_ENTRY_BYTES;
        mr_segment_store(at, (uint64_t)p->id, 8);
        mr_segment_store(at + 8, (uint64_t)p->epoch, 2);
        mr_segment_store(at + 10, (uint64_t)(last == NULL ? -1 : last->last_sequence), 4);
        mr_segment_store(at + 14, (uint64_t)(last == NULL ? -1 : last->last_offset), 8);
        mr_segment_store(at + 22, (uint64_t)(last == NULL ? 0 : last->offset_delta), 4);
        mr_segment_store(at + 26, (uint64_t)p->last_timestamp_ms, 8);
        mr_segment_store(at + 34, (uint64_t)p->coordinator_epoch, 4);
        mr_segment_store(at + 38, (uint64_t)p->transaction_first, 8);
    }
    mr_segment_store(head + 2,
                     mr_hash_crc32c(0, head + SNAPSHOT_CRC_FROM, bytes - SNAPSHOT_CRC_FROM), 4);
}

static bool entry_load(mr_producers *producers, const char *at) {
    int64_t id = (int64_t)mr_segment_load(at, 8);
    if (id < 0 || find(producers, id) != NULL) {
        return false;
    }
    mr_producer *p = obtain(producers, id);
    p->epoch = (int16_t)mr_segment_load(at + 8, 2);
    p->last_timestamp_ms = (int64_t)mr_segment_load(at + 26, 8);
    p->coordinator_epoch = (int32_t)mr_segment_load(at + 34, 4);
    p->transaction_first = (int64_t)mr_segment_load(at + 38, 8);
    int32_t sequence = (int32_t)mr_segment_load(at + 10, 4);
    int64_t offset = (int64_t)mr_segment_load(at + 14, 8);
    int32_t delta = (int32_t)mr_segment_load(at + 22, 4);
    if (offset >= 0 && sequence >= 0) {
        if (delta < ENDED || delta > offset) {
            return false;
        }
        p->batches[p->batch_count++] = (mr_producer_batch){
            .first_sequence = delta == ENDED ? -1 : sequence_subtract(sequence, delta),
            .last_sequence = sequence,
            .last_offset = offset,
            .offset_delta = delta,
            .timestamp_ms = p->last_timestamp_ms,
        };
    }
    if (p->transaction_first >= 0) {
        open_add(producers, id, p->transaction_first);
    }
    return true;
}

mr_code mr_producers_load(mr_producers *producers, mr_span data, mr_cx *cx) {
    mr_producers_clear(producers);
    const char *what = NULL;
    if (data.bytes < SNAPSHOT_HEAD_BYTES) {
        what = "too short";
    } else if (mr_segment_load(data.data, 2) != SNAPSHOT_VERSION) {
        what = "of another version";
    } else if (mr_segment_load(data.data + 6, 4) * SNAPSHOT_ENTRY_BYTES !=
               data.bytes - SNAPSHOT_HEAD_BYTES) {
        what = "of another length than it says";
    } else if (mr_segment_load(data.data + 2, 4) !=
               mr_hash_crc32c(0, data.data + SNAPSHOT_CRC_FROM, data.bytes - SNAPSHOT_CRC_FROM)) {
        what = "damaged: its checksum is wrong";
    }
    for (size_t at = SNAPSHOT_HEAD_BYTES; what == NULL && at < data.bytes;
         at += SNAPSHOT_ENTRY_BYTES) {
        what = entry_load(producers, data.data + at) ? NULL : "damaged: a producer in it is absurd";
    }
    if (what != NULL) {
        mr_producers_clear(producers);
        return mr_fail(cx, MR_E_CORRUPT, NULL, "a snapshot of producers is %s", what);
    }
    return MR_OK;
}
