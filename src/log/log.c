// Log: one partition on disk; its marks, its segments, and what a sync does to them. See log.h.
//
// A failed sync: the kernel may call the pages clean that it could not write, so the bytes look
// whole until the power goes. The log is offline then, and a file "sync-failed" says from which
// offset on the bytes are not to be believed: the next start writes them once more (open.c). That
// file needs no sync of its own, since a power cut takes the wrong pages with it.

#include "log/log.h"

#include <inttypes.h>
#include <string.h>

#include "log/inside.h"

// ---- settings --------------------------------------------------------------------------------

#define HOUR_MS    ((int64_t)3600 * 1000)
#define NOTE_TRIES 3  // What fails a sync may fail the first words about it too.

void mr_log_config_default(mr_log_config *ret) {
    *ret = (mr_log_config){
        .segment_bytes = (uint64_t)1 << 30,
        .segment_ms = 168 * HOUR_MS,
        .index_interval_bytes = 4096,
        .segment_index_bytes = (uint64_t)10 << 20,
        .retention_ms = 168 * HOUR_MS,
        .retention_bytes = -1,
        .cleanup_delete = true,
        .delete_retention_ms = 24 * HOUR_MS,
        .max_compaction_lag_ms = INT64_MAX,
        .min_cleanable_dirty_ratio = 0.5,
        .file_delete_delay_ms = 60000,
        .max_message_bytes = 1048588,
        .compression = MR_LOG_COMPRESSION_PRODUCER,
        .timestamp_before_max_ms = INT64_MAX,
        .timestamp_after_max_ms = INT64_MAX,
        .fsync = true,
        .producer_id_expiration_ms = 24 * HOUR_MS,
    };
}

void mr_log_configure(mr_log *log, const mr_log_config *config) {
    mr_mutex_lock(&log->mutex);
    bool to_kafka = log->config.fsync && !config->fsync;
    log->config = *config;
    const mr_log_segment *last = mr_log_last(log);
    bool moved = to_kafka && !log->offline &&
                 mr_log_raise_high(log, log->marks.next, last->base, last->bytes);
    mr_mutex_unlock(&log->mutex);
    if (moved) {
        mr_log_tell(log);
    }
}

// ---- marks -----------------------------------------------------------------------------------

mr_log_marks mr_log_marks_of(mr_log *log) {
    mr_mutex_lock(&log->mutex);
    mr_log_marks ret = log->marks;
    mr_mutex_unlock(&log->mutex);
    return ret;
}

bool mr_log_offline(mr_log *log, mr_error *ret_why) {
    mr_mutex_lock(&log->mutex);
    bool offline = log->offline;
    if (offline && ret_why != NULL) {
        *ret_why = log->why;
    }
    mr_mutex_unlock(&log->mutex);
    return offline;
}

uint64_t mr_log_bytes(mr_log *log) {
    uint64_t bytes = 0;
    mr_mutex_lock(&log->mutex);
    for (uint32_t i = 0; i < log->segment_count; i++) {
        bytes += log->segments[i]->bytes;
    }
    mr_mutex_unlock(&log->mutex);
    return bytes;
}

int64_t mr_log_recovery_point(mr_log *log) {
    mr_mutex_lock(&log->mutex);
    int64_t ret = log->synced;
    mr_mutex_unlock(&log->mutex);
    return ret;
}

mr_code mr_log_settle(mr_log *const *logs, uint32_t count, mr_cx *cx) {
    mr_log **due = mr_heap_raw(count * sizeof(*due));
    uint32_t due_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        mr_mutex_lock(&logs[i]->mutex);
        if (logs[i]->synced < logs[i]->marks.high && !logs[i]->offline) {
            due[due_count++] = logs[i];
        }
        mr_mutex_unlock(&logs[i]->mutex);
    }
    mr_code code = due_count > 0 ? mr_flusher_sync(due[0]->flusher, due, due_count, cx) : MR_OK;
    mr_heap_free(due);
    return code;
}

mr_code mr_log_flush(mr_log *log, mr_cx *cx) {
    return mr_flusher_sync(log->flusher, &log, 1, cx);
}

void mr_log_tell(mr_log *log) {
    if (log->listener.moved != NULL) {
        log->listener.moved(log->listener.self);
    }
}

bool mr_log_raise_high(mr_log *log, int64_t high, int64_t base, uint64_t position) {
    mr_log_marks before = log->marks;
    if (high >= log->marks.high) {
        log->marks.high = high;
        log->high_base = base;
        log->high_position = position;
    }
    int64_t unstable = mr_producers_unstable(log->producers, log->marks.high);
    log->marks.stable = MR_MAX(MR_MIN(unstable, log->marks.high), log->marks.first);
    return before.high != log->marks.high || before.stable != log->marks.stable;
}

mr_code mr_log_fail(mr_log *log, mr_code code, mr_cx *cx) {
    if (!log->offline) {
        log->offline = true;
        log->why = cx->error;
        log->why.flags |= MR_FATAL;
    }
    return code;
}

// ---- segments --------------------------------------------------------------------------------

uint32_t mr_log_segment_of(const mr_log *log, int64_t offset) {
    uint32_t low = 0, high = log->segment_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (log->segments[middle]->base <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

void mr_log_segments_insert(mr_log *log, uint32_t index, mr_log_segment *segment) {
    if (log->segment_count == log->segment_capacity) {
        log->segment_capacity = MR_MAX(log->segment_capacity * 2, 4u);
        log->segments =
            mr_heap_resize(log->segments, log->segment_capacity * sizeof(*log->segments));
    }
    memmove(log->segments + index + 1, log->segments + index,
            (log->segment_count - index) * sizeof(*log->segments));
    log->segments[index] = segment;
    log->segment_count++;
}

void mr_log_segments_remove(mr_log *log, uint32_t index, uint32_t count) {
    mr_assert(index + count <= log->segment_count);
    for (uint32_t i = index; i < index + count; i++) {
        mr_segment_unref(log->segments[i]);
    }
    log->segment_count -= count;
    memmove(log->segments + index, log->segments + index + count,
            (log->segment_count - index) * sizeof(*log->segments));
}

mr_code mr_log_snapshot(mr_log *log, int64_t offset, mr_cx *cx) {
    mr_text data;
    mr_text_init(&data, NULL);
    mr_producers_save(log->producers, &data);
    mr_file file;
    const char *path = mr_arena_printf(cx->arena, "%s/%020" PRId64 ".snapshot", log->dir, offset);
    mr_code code = mr_file_open(&file, path, MR_OPEN_TRUNCATE, cx);
    if (code == MR_OK) {
        code = mr_file_append(&file, mr_text_span(&data), cx);
        mr_file_close(&file, cx->plat);
    }
    mr_text_release(&data);
    return code;
}

mr_code mr_log_roll(mr_log *log, mr_cx *cx) {
    mr_log_segment *last = mr_log_last(log);
    mr_assert(last->bytes > 0 && last->next == log->marks.next);
    mr_log_segment *made = NULL;
    MR_TRY(mr_log_snapshot(log, log->marks.next, cx));
    MR_TRY(mr_segment_create(log->dir, log->marks.next, &made, cx));
    mr_code code = mr_segment_save(last, /* seal= */ true, cx);
    if (code != MR_OK) {
        mr_error why = cx->error;
        if (mr_file_delete(made->file.path, cx) != MR_OK) {
            cx->error = why;  // A start passes over an empty segment.
        }
        mr_segment_unref(made);
        return code;
    }
    if (last->allocated > last->bytes) {
        // Gives the reserved room back; the file stays as long as it is, so a failure is no harm.
        mr_error before = cx->error;
        if (mr_file_truncate(&last->file, last->bytes, cx) != MR_OK) {
            cx->error = before;
        }
    }
    last->dirty = true;
    log->dirty_dir = true;
    mr_log_segments_insert(log, log->segment_count, made);
    return MR_OK;
}

// ---- syncing ---------------------------------------------------------------------------------

void mr_log_sync_begin(mr_log *log, mr_log_sync *ret) {
    mr_mutex_lock(&log->mutex);
    mr_assert(!log->sync_begun);
    log->sync_begun = true;
    const mr_log_segment *last = mr_log_last(log);
    *ret = (mr_log_sync){.log = log,
                         .dir = log->dirty_dir,
                         .next = log->marks.next,
                         .base = last->base,
                         .position = last->bytes,
                         .bytes = log->dirty_bytes};
    log->dirty_bytes = 0;
    uint32_t first = log->segment_count;
    while (first > 0 && (log->segments[first - 1]->dirty || first == log->segment_count)) {
        first--;
    }
    uint32_t count = log->segment_count - first;
    ret->segments = mr_heap_raw(count * sizeof(*ret->segments));
    ret->indexes = mr_heap_raw(count * sizeof(*ret->indexes));
    for (uint32_t i = 0; i < count; i++) {
        mr_log_segment *segment = log->segments[first + i];
        if (segment->dirty) {
            ret->indexes[ret->segment_count] = segment->dirty_indexes;
            ret->segments[ret->segment_count++] = mr_segment_ref(segment);
            segment->dirty = segment->dirty_indexes = false;
        }
    }
    log->dirty_dir = false;
    mr_mutex_unlock(&log->mutex);
}

mr_code mr_log_sync_run(mr_log_sync *sync, mr_cx *cx) {
    for (uint32_t i = 0; i < sync->segment_count; i++) {
        MR_TRY(mr_segment_sync(sync->segments[i], sync->indexes[i], cx));
    }
    return sync->dir ? mr_dir_sync(sync->log->dir, cx) : MR_OK;
}

// One try. A file that is there but empty says that all is in doubt.
static mr_code note_once(const mr_log *log, const char *path, mr_cx *cx) {
    mr_file file;
    mr_code code = mr_file_open(&file, path, MR_OPEN_TRUNCATE, cx);
    if (code == MR_OK) {
        const char *text = mr_arena_printf(cx->arena, "%" PRId64 "\n", log->note_from);
        (void)mr_file_append(&file, mr_span_of(text), cx);
        mr_file_close(&file, cx->plat);
        return MR_OK;
    }
    // On a full disk a name can still be had.
    const char *other = mr_arena_printf(cx->arena, "%s/leader-epoch-checkpoint", log->dir);
    return mr_file_replace(other, path, cx);
}

void mr_log_note_again(mr_log *log, mr_cx *cx) {
    mr_error why = cx->error;
    const char *path = mr_arena_printf(cx->arena, "%s/sync-failed", log->dir);
    for (uint32_t i = 0; i < NOTE_TRIES && log->note_owed; i++) {
        log->note_owed = note_once(log, path, cx) != MR_OK;
    }
    cx->error = why;
}

// See the head of this file. Where the disk refuses even this, upkeep and the close try again: the
// note must be there before the process is not, or the next start believes the pages.
void mr_log_note_failed_sync(mr_log *log, int64_t from, mr_cx *cx) {
    log->note_owed = true;
    log->note_from = from;
    mr_log_note_again(log, cx);
    if (log->note_owed) {
        cx->error.flags |= MR_FATAL;
    }
}

void mr_log_sync_end(mr_log_sync *sync, mr_code code, mr_cx *cx) {
    mr_log *log = sync->log;
    bool moved = false;
    mr_mutex_lock(&log->mutex);
    log->sync_begun = false;
    if (code == MR_OK) {
        log->synced = MR_MAX(log->synced, sync->next);
        moved = !log->offline && mr_log_raise_high(log, sync->next, sync->base, sync->position);
    } else if (!log->deleted) {  // Else nothing of it is to be kept, and its name is another's.
        mr_log_note_failed_sync(log, log->synced, cx);
        moved = !log->offline;
        (void)mr_log_fail(log, code, cx);
    }
    mr_mutex_unlock(&log->mutex);
    for (uint32_t i = 0; i < sync->segment_count; i++) {
        mr_segment_unref(sync->segments[i]);
    }
    mr_heap_free(sync->segments);
    mr_heap_free(sync->indexes);
    if (moved) {
        mr_log_tell(log);
    }
}
