// Append: batches into a log, one at a time under its mutex.
//
// Also: mr_log_
//
// What costs (checksum, another compression) is done before the mutex is taken; the bytes of the
// caller are not copied: the header is rewritten beside them. The order is write, then note: a
// write that fails for want of room leaves the log as it was.

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "log/inside.h"

#define ALLOCATE_STEP_MIN ((uint64_t)64 << 10)
#define ALLOCATE_STEP_MAX ((uint64_t)16 << 20)

// ---- a new segment? --------------------------------------------------------------------------

static int64_t jitter_of(const mr_log *log, const mr_log_segment *segment) {
    int64_t jitter = log->config.segment_jitter_ms;
    return jitter <= 0 ? 0 : (int64_t)(mr_hash_u64((uint64_t)segment->base, 1) % (uint64_t)jitter);
}

static bool roll_is_due(const mr_log *log, const mr_record_batch *batch, int64_t now_ms) {
    const mr_log_segment *last = mr_log_last(log);
    if (last->bytes == 0) {
        return false;
    }
    int64_t age = last->timestamp_first_ms >= 0 && batch->max_timestamp_ms >= 0
                      ? batch->max_timestamp_ms - last->timestamp_first_ms
                      : now_ms - last->modified_ms;
    uint64_t bytes_max = MR_MIN(log->config.segment_bytes, (uint64_t)INT32_MAX);
    int64_t last_delta = batch->last_offset - batch->base_offset;
    return last->bytes + batch->byte_count > bytes_max ||
           log->marks.next + last_delta - last->base > INT32_MAX ||
           (uint64_t)last->offset_count * 8 >= log->config.segment_index_bytes ||
           (log->config.segment_ms > 0 && age > log->config.segment_ms - jitter_of(log, last));
}

// A file whose blocks are there already is synced faster (0.24 ms against 0.32), and a full disk is
// met here and not at the sync. Only a hint: whether the bytes fit is for the write to say.
static void reserve(mr_log *log, mr_log_segment *last, uint64_t bytes, mr_cx *cx) {
    uint64_t need = last->bytes + bytes;
    if (need <= last->allocated || (!log->config.fsync && !log->config.preallocate)) {
        return;
    }
    uint64_t step = MR_MAX(MR_MIN(need, ALLOCATE_STEP_MAX), ALLOCATE_STEP_MIN);
    uint64_t to = log->config.preallocate ? log->config.segment_bytes
                                          : MR_MIN(need + step, log->config.segment_bytes);
    to = MR_MAX(to, need);
    mr_error before = cx->error;
    if (mr_file_allocate(&last->file, last->bytes, to, cx) != MR_OK) {
        cx->error = before;
        to = need;
    }
    last->allocated = to;
}

// ---- appending -------------------------------------------------------------------------------

// Under the mutex. Everything about the batch is settled but its offset.
static mr_code append_settled(mr_log *log, mr_check *check, mr_log_appended *ret, mr_cx *cx) {
    mr_record_batch *batch = &check->batch;
    int64_t now_ms = mr_clock_real_us(cx->plat) / 1000;
    if (roll_is_due(log, batch, now_ms)) {
        mr_code code = mr_log_roll(log, cx);
        if (code != MR_OK) {
            return code == MR_E_FULL ? code : mr_log_fail(log, code, cx);
        }
    }
    mr_log_segment *last = mr_log_last(log);
    int64_t last_delta = batch->last_offset - batch->base_offset;
    batch->base_offset = log->marks.next;
    batch->last_offset = batch->base_offset + last_delta;
    mr_segment_store(check->head, (uint64_t)batch->base_offset, 8);
    mr_segment_store(check->head + 12, 0, 4);  // The leader's epoch: one node has one.
    reserve(log, last, batch->byte_count, cx);
    mr_assert(last->file.bytes == last->bytes);
    mr_span parts[] = {{check->head, sizeof(check->head)}, check->payload};
    mr_code code = mr_file_append_parts(&last->file, parts, MR_COUNT(parts), cx);
    if (code != MR_OK) {
        return code == MR_E_FULL ? code : mr_log_fail(log, code, cx);
    }
    mr_segment_note(last, batch, last->bytes, log->config.index_interval_bytes);
    last->modified_ms = now_ms;
    log->dirty_bytes += batch->byte_count;
    last->dirty = true;
    mr_producers_ended ended;
    mr_producers_take(log->producers, batch, &ended);
    if (ended.ended && ended.aborted) {
        mr_segment_note_abort(
            last, &(mr_segment_abort){{ended.producer_id, ended.first_offset, ended.last_offset},
                                      ended.stable});
    }
    log->marks.next = batch->last_offset + 1;
    ret->base_offset = batch->base_offset;
    ret->last_offset = batch->last_offset;
    return MR_OK;
}

// Gives the mutex back, and does what is done without it.
static mr_code append_end(mr_log *log, mr_code code, const mr_log_appended *ret) {
    bool added = code == MR_OK && ret->error == MR_KAFKA_NONE && !ret->duplicate;
    bool fsync = log->config.fsync;
    bool failed = code != MR_OK && log->offline;
    bool moved = false;
    if (added && !fsync) {
        const mr_log_segment *last = mr_log_last(log);
        moved = mr_log_raise_high(log, log->marks.next, last->base, last->bytes);
    }
    mr_mutex_unlock(&log->mutex);
    if (added) {
        mr_flusher_mark(log->flusher, log, fsync);
    }
    if (moved || failed) {
        mr_log_tell(log);
    }
    return code;
}

static const mr_log_appended appended_none = {
    .error = MR_KAFKA_NONE,
    .base_offset = -1,
    .last_offset = -1,
    .append_time_ms = -1,
};

static bool refused_offline(mr_log *log, mr_log_appended *ret, mr_cx *cx) {
    if (log->offline) {
        ret->error = mr_log_refusal(log);
        ret->reason = mr_arena_string(cx->arena, log->why.text);
    }
    return log->offline;
}

mr_code mr_log_append(mr_log *log, mr_span batch, mr_log_origin origin, mr_log_appended *ret,
                      mr_cx *cx) {
    *ret = appended_none;
    mr_mutex_lock(&log->mutex);
    mr_log_config config = log->config;
    bool offline = refused_offline(log, ret, cx);
    mr_mutex_unlock(&log->mutex);
    if (offline) {
        return MR_OK;
    }
    mr_check check = {
        .config = &config, .origin = origin, .now_ms = mr_clock_real_us(cx->plat) / 1000};
    MR_TRY(mr_check_batch(&check, batch, ret, cx));
    if (ret->error != MR_KAFKA_NONE) {
        return MR_OK;
    }
    int64_t append_time_ms = ret->append_time_ms;
    mr_mutex_lock(&log->mutex);
    mr_code code = MR_OK;
    if (!refused_offline(log, ret, cx)) {
        mr_producers_check(log->producers, &check.batch, origin, ret, cx);
        if (ret->error == MR_KAFKA_NONE && !ret->duplicate) {
            code = append_settled(log, &check, ret, cx);
        }
    }
    if (ret->duplicate && append_time_ms < 0) {
        ret->append_time_ms = -1;
    }
    return append_end(log, code, ret);
}

// ---- the end of a transaction ----------------------------------------------------------------

static mr_code end_make(const mr_log_end *end, int64_t now_ms, mr_check *ret, mr_cx *cx) {
    char key[4] = "", value[6] = "";  // Both begin with version 0.
    mr_segment_store(key + 2, end->commit ? MR_RECORD_COMMIT : MR_RECORD_ABORT, 2);
    mr_segment_store(value + 2, (uint64_t)end->coordinator_epoch, 4);
    mr_text records, batch;
    mr_text_init(&records, cx->arena);
    mr_text_init(&batch, cx->arena);
    mr_record_add(&(mr_record_new){.key = {key, sizeof(key)}, .value = {value, sizeof(value)}},
                  &records);
    mr_record_batch head = {
        .attributes = MR_RECORD_BATCH_TRANSACTIONAL | MR_RECORD_BATCH_CONTROL,
        .base_timestamp_ms = now_ms,
        .max_timestamp_ms = now_ms,
        .producer_id = end->producer_id,
        .producer_epoch = end->producer_epoch,
        .base_sequence = -1,
        .record_count = 1,
    };
    MR_TRY(mr_record_batch_add(&head, mr_text_span(&records), &batch, cx));
    mr_span in = mr_text_span(&batch);
    bool found = false;
    MR_TRY(mr_record_batch_next(&in, &ret->batch, &found, cx));
    mr_assert(found);
    memcpy(ret->head, ret->batch.bytes, sizeof(ret->head));
    ret->payload = ret->batch.payload;
    return MR_OK;
}

mr_code mr_log_end_transaction(mr_log *log, const mr_log_end *end, mr_log_appended *ret,
                               mr_cx *cx) {
    *ret = appended_none;
    mr_check check;
    MR_TRY(end_make(end, mr_clock_real_us(cx->plat) / 1000, &check, cx));
    mr_mutex_lock(&log->mutex);
    mr_code code = MR_OK;
    if (!refused_offline(log, ret, cx)) {
        mr_producers_check_end(log->producers, end, ret, cx);
        if (ret->error == MR_KAFKA_NONE) {
            code = append_settled(log, &check, ret, cx);
        }
    }
    return append_end(log, code, ret);
}

// ---- producers -------------------------------------------------------------------------------

static int compare_ids(const void *a, const void *b) {
    int64_t left = ((const mr_log_producer *)a)->producer_id;
    int64_t right = ((const mr_log_producer *)b)->producer_id;
    return left < right ? -1 : left > right;
}

void mr_log_producers(mr_log *log, mr_log_producer **ret, uint32_t *ret_count, mr_cx *cx) {
    mr_mutex_lock(&log->mutex);
    uint32_t count = mr_producers_count(log->producers);
    mr_log_producer *list = MR_NEW_ARRAY(cx->arena, mr_log_producer, count);
    for (uint32_t i = 0; i < count; i++) {
        const mr_producer *p = mr_producers_at(log->producers, i);
        list[i] = (mr_log_producer){
            .producer_id = p->id,
            .epoch = p->epoch,
            .last_sequence =
                p->batch_count == 0 ? -1 : p->batches[p->batch_count - 1].last_sequence,
            .last_timestamp_ms = p->last_timestamp_ms,
            .coordinator_epoch = p->coordinator_epoch,
            .transaction_start = p->transaction_first,
        };
    }
    mr_mutex_unlock(&log->mutex);
    if (count > 1) {
        qsort(list, count, sizeof(*list), compare_ids);
    }
    *ret = list;
    *ret_count = count;
}
