// Cleaner: a compacted log's batches without what newer records replace; see cleaner.h.

#include "log/cleaner.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"

#define EXPANDED_MAX   ((size_t)1 << 30)
#define DELETE_HORIZON 64  // Bit of a batch's attributes: its base timestamp is the horizon.
#define SLOTS_FIRST    1024
#define HASH_SEED      0x6B6579

// 128 bits of hash tell keys apart, as Kafka's MD5 does.
typedef struct key_slot {
    mr_hash128 hash;
    int64_t offset;  // -1 = free.
} key_slot;

struct mr_cleaner {
    mr_cleaner_options options;
    key_slot *slots;
    uint64_t slot_count;  // A power of two.
    uint64_t key_count;
    mr_text records;  // Of the batch in hand, expanded.
    mr_text kept;     // Its records that stay, written again.
    // By producer, whether data of the transaction that is being walked over was kept.
    int64_t *with_data;
    uint32_t with_data_count, with_data_capacity;
};

mr_cleaner *mr_cleaner_new(const mr_cleaner_options *options) {
    mr_cleaner *cleaner = mr_heap_alloc(sizeof(*cleaner));
    cleaner->options = *options;
    return cleaner;
}

void mr_cleaner_free(mr_cleaner *cleaner) {
    mr_heap_free(cleaner->slots);
    mr_heap_free(cleaner->with_data);
    mr_text_release(&cleaner->records);
    mr_text_release(&cleaner->kept);
    mr_heap_free(cleaner);
}

// ---- keys ------------------------------------------------------------------------------------

static key_slot *slot_of(const mr_cleaner *cleaner, mr_hash128 hash) {
    uint64_t mask = cleaner->slot_count - 1, at = hash.low & mask;
    while (cleaner->slots[at].offset >= 0 &&
           (cleaner->slots[at].hash.low != hash.low || cleaner->slots[at].hash.high != hash.high)) {
        at = (at + 1) & mask;
    }
    return &cleaner->slots[at];
}

static void slots_grow(mr_cleaner *cleaner, uint64_t count) {
    key_slot *old = cleaner->slots;
    uint64_t old_count = cleaner->slot_count;
    cleaner->slots = mr_heap_raw((size_t)count * sizeof(*cleaner->slots));
    cleaner->slot_count = count;
    for (uint64_t i = 0; i < count; i++) {
        cleaner->slots[i].offset = -1;
    }
    for (uint64_t i = 0; i < old_count; i++) {
        if (old[i].offset >= 0) {
            *slot_of(cleaner, old[i].hash) = old[i];
        }
    }
    mr_heap_free(old);
}

// Room for so many more keys; false: it would pass the limit.
static bool slots_reserve(mr_cleaner *cleaner, uint64_t more) {
    uint64_t count = MR_MAX(cleaner->slot_count, (uint64_t)SLOTS_FIRST);
    while ((cleaner->key_count + more) * 4 > count * 3) {
        count *= 2;
    }
    // The first batch always fits, or there would never be any progress.
    if (count * sizeof(key_slot) > cleaner->options.key_bytes_max && cleaner->key_count > 0) {
        return false;
    }
    if (count > cleaner->slot_count) {
        slots_grow(cleaner, count);
    }
    return true;
}

static void key_put(mr_cleaner *cleaner, mr_span key, int64_t offset) {
    mr_hash128 hash = mr_hash_bytes128(key.data, key.bytes, HASH_SEED);
    key_slot *slot = slot_of(cleaner, hash);
    cleaner->key_count += slot->offset < 0;
    *slot = (key_slot){hash, MR_MAX(slot->offset, offset)};
}

// The last offset of a key in what was learned; -1 = it is not there.
static int64_t key_last(const mr_cleaner *cleaner, mr_span key) {
    return cleaner->slot_count == 0
               ? -1
               : slot_of(cleaner, mr_hash_bytes128(key.data, key.bytes, HASH_SEED))->offset;
}

// ---- what a batch is -------------------------------------------------------------------------

static bool is_control(const mr_record_batch *batch) {
    return (batch->attributes & MR_RECORD_BATCH_CONTROL) != 0;
}

static bool is_aborted(const mr_cleaner *cleaner, const mr_record_batch *batch) {
    if ((batch->attributes & MR_RECORD_BATCH_TRANSACTIONAL) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < cleaner->options.aborted_count; i++) {
        const mr_log_aborted *a = &cleaner->options.aborted[i];
        if (a->first_offset > batch->base_offset) {
            return false;
        }
        if (a->producer_id == batch->producer_id && batch->base_offset <= a->last_offset) {
            return true;
        }
    }
    return false;
}

// The last batch that a producer which is still known has written.
static bool is_producers_last(const mr_cleaner *cleaner, const mr_record_batch *batch) {
    for (uint32_t i = 0; i < cleaner->options.producer_count; i++) {
        const mr_log_producer *p = &cleaner->options.producers[i];
        if (p->producer_id == batch->producer_id) {
            int64_t last = cleaner->options.producer_last[i];
            return last >= 0 ? batch->last_offset == last
                             : is_control(batch) && p->epoch == batch->producer_epoch;
        }
    }
    return false;
}

mr_code mr_cleaner_learn(mr_cleaner *cleaner, const mr_record_batch *batch, bool *ret_full,
                         mr_cx *cx) {
    *ret_full = false;
    if (is_control(batch) || is_aborted(cleaner, batch)) {
        return MR_OK;
    }
    if (!slots_reserve(cleaner, batch->record_count)) {
        *ret_full = true;
        return MR_OK;
    }
    mr_text_clear(&cleaner->records);
    MR_TRY(mr_record_batch_expand(batch, EXPANDED_MAX, &cleaner->records, cx));
    mr_record_reader reader;
    MR_TRY(mr_record_open(&reader, batch, mr_text_span(&cleaner->records), cx));
    mr_record record;
    while (mr_record_next(&reader, &record)) {
        if (record.key.data != NULL) {
            key_put(cleaner, record.key, record.offset);
        }
    }
    return mr_record_end(&reader, cx);
}

// ---- transactions on the way -----------------------------------------------------------------

static uint32_t with_data_find(const mr_cleaner *cleaner, int64_t id) {
    uint32_t i = 0;
    while (i < cleaner->with_data_count && cleaner->with_data[i] != id) {
        i++;
    }
    return i;
}

static void with_data_add(mr_cleaner *cleaner, int64_t id) {
    if (with_data_find(cleaner, id) < cleaner->with_data_count) {
        return;
    }
    if (cleaner->with_data_count == cleaner->with_data_capacity) {
        cleaner->with_data_capacity = MR_MAX(cleaner->with_data_capacity * 2, 8u);
        cleaner->with_data = mr_heap_resize(cleaner->with_data, cleaner->with_data_capacity *
                                                                    sizeof(*cleaner->with_data));
    }
    cleaner->with_data[cleaner->with_data_count++] = id;
}

// Ends a producer's transaction; whether data of it was kept.
static bool with_data_take(mr_cleaner *cleaner, int64_t id) {
    uint32_t at = with_data_find(cleaner, id);
    if (at == cleaner->with_data_count) {
        return false;
    }
    cleaner->with_data[at] = cleaner->with_data[--cleaner->with_data_count];
    return true;
}

// ---- filtering -------------------------------------------------------------------------------

// What is left of a batch.
typedef struct remainder {
    uint32_t count;
    bool all;         // Nothing went.
    bool tombstones;  // One of those that stay has no value, or is a marker of nothing.
    int64_t timestamp_max_ms;
} remainder;

static bool horizon_passed(const mr_cleaner *cleaner, const mr_record_batch *batch) {
    return (batch->attributes & DELETE_HORIZON) != 0 &&
           batch->base_timestamp_ms <= cleaner->options.now_ms;
}

static bool record_stays(const mr_cleaner *cleaner, const mr_record_batch *batch,
                         const mr_record *record) {
    if (record->key.data == NULL || key_last(cleaner, record->key) > record->offset) {
        return false;
    }
    return record->value.data != NULL || !horizon_passed(cleaner, batch);
}

// Walks over the records; those that stay are written to cleaner->kept when `base_ms` is what their
// timestamps are to be relative to.
static mr_code records_walk(mr_cleaner *cleaner, const mr_record_batch *batch, bool write,
                            int64_t base_ms, remainder *ret, mr_cx *cx) {
    mr_record_reader reader;
    mr_record record;
    MR_TRY(mr_record_open(&reader, batch, mr_text_span(&cleaner->records), cx));
    *ret = (remainder){.all = true, .timestamp_max_ms = -1};
    mr_text_clear(&cleaner->kept);
    while (mr_record_next(&reader, &record)) {
        if (!is_control(batch) && !record_stays(cleaner, batch, &record)) {
            ret->all = false;
            continue;
        }
        ret->count++;
        ret->tombstones = ret->tombstones || record.value.data == NULL;
        ret->timestamp_max_ms = MR_MAX(ret->timestamp_max_ms, record.timestamp_ms);
        if (write) {
            mr_record_add_again(&record, record.offset - batch->base_offset,
                                record.timestamp_ms - base_ms, &cleaner->kept);
        }
    }
    return mr_record_end(&reader, cx);
}

// Writes a batch with the records in cleaner->kept.
static mr_code batch_write(mr_cleaner *cleaner, const mr_record_batch *batch, const remainder *left,
                           int64_t horizon_ms, mr_text *out, mr_cx *cx) {
    mr_record_batch head = *batch;
    head.record_count = left->count;
    head.max_timestamp_ms =
        left->count > 0 && (batch->attributes & MR_RECORD_BATCH_APPEND_TIME) == 0
            ? left->timestamp_max_ms
            : batch->max_timestamp_ms;
    if (left->count == 0) {
        head.compression = MR_COMPRESS_NONE;
    }
    if (horizon_ms >= 0) {
        head.attributes = (int16_t)(head.attributes | DELETE_HORIZON);
        head.base_timestamp_ms = horizon_ms;
    }
    return mr_record_batch_add(&head, mr_text_span(&cleaner->kept), out, cx);
}

static mr_code empty_write(mr_cleaner *cleaner, const mr_record_batch *batch, bool keep,
                           mr_text *out, mr_cx *cx) {
    if (!keep && !is_producers_last(cleaner, batch)) {
        return MR_OK;
    }
    mr_text_clear(&cleaner->kept);
    remainder none = {.count = 0};
    return batch_write(cleaner, batch, &none, /* horizon_ms= */ -1, out, cx);
}

// The batch as it is left, by a walk that has counted.
static mr_code left_write(mr_cleaner *cleaner, const mr_record_batch *batch, remainder *left,
                          mr_text *out, mr_cx *cx) {
    bool first_time = left->tombstones && (batch->attributes & DELETE_HORIZON) == 0;
    int64_t horizon_ms =
        first_time ? cleaner->options.now_ms + cleaner->options.delete_retention_ms : -1;
    if (left->all && !first_time) {
        mr_text_add_bytes(out, batch->bytes, batch->byte_count);
        return MR_OK;
    }
    int64_t base_ms = first_time ? horizon_ms : batch->base_timestamp_ms;
    bool tombstones = left->tombstones;
    MR_TRY(records_walk(cleaner, batch, /* write= */ true, base_ms, left, cx));
    left->tombstones = tombstones;
    return batch_write(cleaner, batch, left, horizon_ms, out, cx);
}

static mr_code marker_filter(mr_cleaner *cleaner, const mr_record_batch *batch, bool keep_empty,
                             mr_text *out, bool *ret_gone, mr_cx *cx) {
    bool with_data = with_data_take(cleaner, batch->producer_id);
    if (batch->record_count == 0 || (!with_data && horizon_passed(cleaner, batch))) {
        *ret_gone = true;
        return empty_write(cleaner, batch, keep_empty, out, cx);
    }
    remainder left;
    MR_TRY(records_walk(cleaner, batch, /* write= */ false, 0, &left, cx));
    left.tombstones = !with_data;
    return left_write(cleaner, batch, &left, out, cx);
}

mr_code mr_cleaner_filter(mr_cleaner *cleaner, const mr_record_batch *batch, bool keep_empty,
                          mr_text *out, bool *ret_marker_gone, mr_cx *cx) {
    *ret_marker_gone = false;
    if (!is_control(batch) && (batch->record_count == 0 || is_aborted(cleaner, batch))) {
        return empty_write(cleaner, batch, keep_empty, out, cx);
    }
    mr_text_clear(&cleaner->records);
    MR_TRY(mr_record_batch_expand(batch, EXPANDED_MAX, &cleaner->records, cx));
    if (is_control(batch)) {
        return marker_filter(cleaner, batch, keep_empty, out, ret_marker_gone, cx);
    }
    remainder left;
    MR_TRY(records_walk(cleaner, batch, /* write= */ false, 0, &left, cx));
    if (left.count == 0) {
        return empty_write(cleaner, batch, keep_empty, out, cx);
    }
    if ((batch->attributes & MR_RECORD_BATCH_TRANSACTIONAL) != 0) {
        with_data_add(cleaner, batch->producer_id);
    }
    return left_write(cleaner, batch, &left, out, cx);
}
