// Tend: what a log does by itself: retention, expired producers, files on their way out.
//
// Also: mr_log_
//
// Segments go from the front, each with a rename and a sync of the folder before the next, so that
// a power cut never leaves a hole. Files are unlinked file_delete_delay_ms later.

#include <inttypes.h>
#include <string.h>

#include "log/inside.h"

// ---- files on their way out ------------------------------------------------------------------

static void remove_later(mr_log *log, const mr_log_segment *segment, int64_t now_ms) {
    if (log->removed_count == log->removed_capacity) {
        log->removed_capacity = MR_MAX(log->removed_capacity * 2, 4u);
        log->removed = mr_heap_resize(log->removed, log->removed_capacity * sizeof(*log->removed));
    }
    int64_t delay_ms = MR_MAX(log->config.file_delete_delay_ms, 0);
    log->removed[log->removed_count++] =
        (mr_log_removed){mr_heap_string(segment->path), now_ms + delay_ms};
}

static mr_code unlink_due(mr_log *log, int64_t now_ms, mr_cx *cx) {
    static const char *const suffixes[] = {".log", ".index", ".timeindex", ".txnindex",
                                           ".snapshot"};
    uint32_t done = 0;
    while (done < log->removed_count && log->removed[done].due_ms <= now_ms) {
        for (size_t i = 0; i < MR_COUNT(suffixes); i++) {
            MR_TRY(mr_file_delete(
                mr_arena_printf(cx->arena, "%s%s.deleted", log->removed[done].path, suffixes[i]),
                cx));
        }
        mr_heap_free(log->removed[done].path);
        done++;
        log->removed_count--;
        memmove(log->removed, log->removed + done, log->removed_count * sizeof(*log->removed));
        done = 0;
    }
    return MR_OK;
}

// ---- retention -------------------------------------------------------------------------------

static int64_t newest_ms(const mr_log_segment *segment) {
    return segment->timestamp_max_ms >= 0 ? segment->timestamp_max_ms : segment->modified_ms;
}

// Under the mutex: whether the first segment is to go.
static bool first_is_due(const mr_log *log, int64_t now_ms) {
    const mr_log_segment *first = log->segments[0];
    bool last = log->segment_count == 1;
    int64_t end = last ? log->marks.next : log->segments[1]->base;
    if (end > log->marks.high || first->bytes == 0) {
        return false;
    }
    if (!last && end <= log->marks.first) {
        return true;
    }
    const mr_log_config *config = &log->config;
    if (!config->cleanup_delete) {
        return false;
    }
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < log->segment_count; i++) {
        bytes += log->segments[i]->bytes;
    }
    bool old = config->retention_ms >= 0 && now_ms - newest_ms(first) > config->retention_ms;
    bool much =
        config->retention_bytes >= 0 && bytes - first->bytes >= (uint64_t)config->retention_bytes;
    return old || (much && !last);
}

// The last segment is due too: another one begins, durable with its snapshot before the first goes.
static mr_code roll_only(mr_log *log, int64_t now_ms, mr_cx *cx) {
    mr_mutex_lock(&log->mutex);
    mr_code code = MR_OK;
    bool due = !log->offline && log->segment_count == 1 && first_is_due(log, now_ms);
    if (due) {
        code = mr_log_roll(log, cx);
        if (code != MR_OK && code != MR_E_FULL) {
            (void)mr_log_fail(log, code, cx);
        }
    }
    mr_mutex_unlock(&log->mutex);
    return due && code == MR_OK ? mr_log_flush(log, cx) : code;
}

// Takes the first segment out of the log. *ret a reference, NULL when none is due.
static mr_code first_take(mr_log *log, int64_t now_ms, mr_log_segment **ret, mr_cx *cx) {
    MR_TRY(roll_only(log, now_ms, cx));
    *ret = NULL;
    mr_mutex_lock(&log->mutex);
    if (!log->offline && log->segment_count > 1 && first_is_due(log, now_ms)) {
        *ret = mr_segment_ref(log->segments[0]);
        mr_log_segments_remove(log, 0, 1);
        log->marks.first = MR_MAX(log->marks.first, log->segments[0]->base);
        const mr_log_segment *last = mr_log_last(log);
        if (log->high_base < log->segments[0]->base) {  // All that is left is empty.
            (void)mr_log_raise_high(log, log->marks.high, last->base, 0);
        }
        (void)mr_log_raise_high(log, log->marks.high, log->high_base, log->high_position);
    }
    mr_mutex_unlock(&log->mutex);
    return MR_OK;
}

// A failed sync of the folder is one of all that is in it.
static mr_code dir_settle(mr_log *log, mr_cx *cx) {
    mr_code code = mr_dir_sync(log->dir, cx);
    if (code != MR_OK) {
        mr_mutex_lock(&log->mutex);
        mr_log_note_failed_sync(log, log->synced, cx);
        (void)mr_log_fail(log, code, cx);
        mr_mutex_unlock(&log->mutex);
    }
    return code;
}

static mr_code retain(mr_log *log, int64_t now_ms, bool *ret_moved, mr_cx *cx) {
    for (;;) {
        mr_log_segment *gone = NULL;
        MR_TRY(first_take(log, now_ms, &gone, cx));
        if (gone == NULL) {
            return MR_OK;
        }
        *ret_moved = true;
        mr_code code = mr_segment_remove(gone, cx);
        code = code != MR_OK ? code : dir_settle(log, cx);
        remove_later(log, gone, now_ms);
        mr_segment_unref(gone);
        MR_TRY(code);
    }
}

mr_code mr_log_tend(mr_log *log, int64_t now_ms, mr_cx *cx) {
    bool moved = false;
    mr_mutex_lock(&log->upkeep);
    mr_code code = retain(log, now_ms, &moved, cx);
    mr_mutex_lock(&log->mutex);
    bool offline = log->offline;
    mr_log_note_again(log, cx);
    if (!offline) {
        mr_producers_expire(log->producers, now_ms - log->config.producer_id_expiration_ms);
    }
    mr_mutex_unlock(&log->mutex);
    if (code == MR_OK && !offline) {
        code = unlink_due(log, now_ms, cx);
    }
    mr_mutex_unlock(&log->upkeep);
    if (moved) {
        mr_flusher_mark(log->flusher, log, log->config.fsync);  // A roll made a file.
        mr_log_tell(log);
    }
    return code;
}

mr_code mr_log_delete_records(mr_log *log, int64_t before, int64_t *ret_first, int16_t *ret_error,
                              mr_cx *cx) {
    (void)cx;
    bool moved = false;
    mr_mutex_lock(&log->mutex);
    int64_t to = before == -1 ? log->marks.high : before;
    *ret_error = MR_KAFKA_NONE;
    if (log->offline) {
        *ret_error = mr_log_refusal(log);
    } else if (!log->config.cleanup_delete) {
        *ret_error = MR_KAFKA_POLICY_VIOLATION;
    } else if (to < 0 || to > log->marks.high) {
        *ret_error = MR_KAFKA_OFFSET_OUT_OF_RANGE;
    } else if (to > log->marks.first) {
        log->marks.first = to;
        (void)mr_log_raise_high(log, log->marks.high, log->high_base, log->high_position);
        moved = true;
    }
    *ret_first = log->marks.first;
    mr_mutex_unlock(&log->mutex);
    if (moved) {
        mr_log_tell(log);
    }
    return MR_OK;
}
