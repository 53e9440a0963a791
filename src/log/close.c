// Close: how a log ends: cleanly, dropped, or deleted; and what deletions leave.
//
// Also: mr_log_

#include <inttypes.h>
#include <string.h>

#include "log/inside.h"

#define DELETE_SUFFIX "-delete"

static void free_all(mr_log *log) {
    for (uint32_t i = 0; i < log->segment_count; i++) {
        mr_segment_unref(log->segments[i]);
    }
    for (uint32_t i = 0; i < log->removed_count; i++) {
        mr_heap_free(log->removed[i].path);
    }
    mr_heap_free(log->removed);
    mr_heap_free(log->segments);
    mr_producers_free(log->producers);
    mr_mutex_release(&log->mutex);
    mr_mutex_release(&log->upkeep);
    mr_heap_free(log->dir);
    mr_heap_free(log->topic);
    mr_heap_free(log);
}

void mr_log_drop(mr_log *log, mr_cx *cx) {
    (void)cx;
    if (log->flusher != NULL) {
        mr_flusher_forget(log->flusher, log);
    }
    free_all(log);
}

// Where an index is not whole a start sees it; of aborted transactions it cannot, since no file
// means that there are none.
static mr_code close_aborts(mr_log *log, mr_log_segment *last, mr_cx *cx) {
    if (last->abort_count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_segment_sync(last, /* indexes= */ true, cx));
    return mr_dir_sync(log->dir, cx);
}

// The other index files and the snapshot need no sync: they are looked at before they are believed.
mr_code mr_log_close(mr_log *log, mr_cx *cx) {
    mr_flusher_forget(log->flusher, log);
    mr_code code = MR_OK;
    if (log->offline) {
        mr_log_note_again(log, cx);
        code = mr_fail(cx, MR_E_IO, NULL, "the log is offline: %s", log->why.text);
    } else {
        mr_log_segment *last = mr_log_last(log);
        code = mr_segment_save(last, /* seal= */ false, cx);
        code = code != MR_OK ? code : close_aborts(log, last, cx);
        code = code != MR_OK ? code : mr_log_snapshot(log, log->marks.next, cx);
        if (last->allocated > last->bytes && code == MR_OK) {
            code = mr_file_truncate(&last->file, last->bytes, cx);
        }
        mr_log_sync sync;
        mr_log_sync_begin(log, &sync);
        code = code != MR_OK ? code : mr_log_sync_run(&sync, cx);
        mr_log_sync_end(&sync, code, cx);
    }
    free_all(log);
    return code;
}

mr_code mr_log_delete(mr_log *log, mr_cx *cx) {
    mr_flusher_forget(log->flusher, log);
    const char *away = mr_arena_printf(cx->arena, "%s.%016" PRIx64 "%016" PRIx64 DELETE_SUFFIX,
                                       log->dir, mr_random_u64(cx->plat), mr_random_u64(cx->plat));
    // Once the folder has another name, a new log may have this one: who works by names is waited
    // for.
    atomic_store(&log->leaving, true);
    mr_mutex_lock(&log->upkeep);
    mr_mutex_lock(&log->mutex);
    mr_code code = mr_file_rename(log->dir, away, cx);
    if (code == MR_OK) {
        (void)mr_fail(cx, MR_E_MISSING, NULL, "partition %d of topic \"%s\" was deleted",
                      log->partition, log->topic);
        (void)mr_log_fail(log, MR_E_MISSING, cx);
        log->deleted = true;
    }
    mr_mutex_unlock(&log->mutex);
    atomic_store(&log->leaving, false);
    mr_mutex_unlock(&log->upkeep);
    MR_TRY(code);
    mr_log_tell(log);
    const char *slash = strrchr(away, '/');
    size_t bytes = slash == NULL ? 0 : (size_t)(slash - away);
    return mr_dir_sync(bytes == 0 ? "." : mr_arena_copy(cx->arena, away, bytes), cx);
}

mr_code mr_log_sweep(const char *root, mr_cx *cx) {
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    MR_TRY(mr_dir_list(root, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].is_dir && mr_span_ends(mr_span_of(entries[i].name), DELETE_SUFFIX)) {
            MR_TRY(mr_dir_delete(mr_arena_printf(cx->arena, "%s/%s", root, entries[i].name), cx));
        }
    }
    return MR_OK;
}
