// Compact: of a log whose topic is compacted, only the last record of each key stays.
//
// Also: mr_log_
//
// Sealed segments below `stable` are copied, some small ones into one, through cleaner.c. The swap:
// the copy and its indexes are synced as "….cleaned"; the copy is renamed to "….log.swap", which is
// the moment when it stands for all that it was made of (leavings.c finishes it after a crash); the
// others go, the indexes and then the copy get their names. Readers of the old files go on.

#include <inttypes.h>
#include <string.h>

#include "log/cleaner.h"
#include "log/inside.h"

#define WALK_WINDOW   ((size_t)256 << 10)
#define KEY_BYTES_MAX ((uint64_t)128 << 20)

typedef struct compaction {
    mr_log *log;
    mr_log_config config;
    mr_log_segment **segments;  // References, the oldest first; those that are looked at.
    uint32_t segment_count;
    int64_t from;  // What is below was compacted before.
    int64_t learned_to;
    int64_t now_ms;
    mr_cleaner *cleaner;
    uint64_t freed;
} compaction;

// ---- what is worth it ------------------------------------------------------------------------

static int64_t newest_ms(const mr_log_segment *segment) {
    return segment->timestamp_max_ms >= 0 ? segment->timestamp_max_ms : segment->modified_ms;
}

// Under the mutex: how many segments from the front may be compacted.
static uint32_t cleanable(const mr_log *log, int64_t now_ms) {
    uint32_t count = 0;
    while (count + 1 < log->segment_count) {
        const mr_log_segment *segment = log->segments[count];
        int64_t end = log->segments[count + 1]->base;
        bool young = log->config.min_compaction_lag_ms > 0 &&
                     now_ms - newest_ms(segment) < log->config.min_compaction_lag_ms;
        if (end > log->marks.stable || end > log->synced || segment->base >= log->high_base ||
            segment->dirty || young) {
            break;
        }
        count++;
    }
    return count;
}

// Takes references to what is to be compacted; none when it is not worth it.
static void choose(compaction *c, mr_cx *cx) {
    mr_log *log = c->log;
    mr_mutex_lock(&log->mutex);
    c->config = log->config;
    uint32_t count = log->offline || !log->config.cleanup_compact ? 0 : cleanable(log, c->now_ms);
    uint64_t bytes = 0, dirty = 0;
    bool old = false;
    for (uint32_t i = 0; i < count; i++) {
        const mr_log_segment *segment = log->segments[i];
        bool is_dirty = log->segments[i + 1]->base > log->compacted_to;
        bytes += segment->bytes;
        dirty += is_dirty ? segment->bytes : 0;
        old =
            old || (is_dirty && c->now_ms - newest_ms(segment) > log->config.max_compaction_lag_ms);
    }
    bool worth = dirty > 0 &&
                 (old || (double)dirty / (double)bytes >= log->config.min_cleanable_dirty_ratio);
    if (worth) {
        c->segments = MR_NEW_ARRAY(cx->arena, mr_log_segment *, count);
        for (uint32_t i = 0; i < count; i++) {
            c->segments[c->segment_count++] = mr_segment_ref(log->segments[i]);
        }
    }
    c->from = c->learned_to = MR_MAX(log->compacted_to, log->segments[0]->base);
    mr_mutex_unlock(&log->mutex);
}

// Asked between batches: a deletion of the log waits until this ends.
static mr_code stay(const compaction *c, mr_cx *cx) {
    return atomic_load_explicit(&c->log->leaving, memory_order_relaxed)
               ? mr_fail(cx, MR_E_CANCELLED, NULL, "the log is being deleted")
               : MR_OK;
}

// ---- the first pass --------------------------------------------------------------------------

static mr_code damaged(const mr_segment_reader *reader, mr_cx *cx) {
    return mr_fail(cx, MR_E_CORRUPT, "Is the disk sound?",
                   "\"%s\" is damaged at byte %" PRIu64 ": %s", reader->segment->path,
                   reader->position, reader->damage);
}

static mr_code learn_segment(compaction *c, mr_log_segment *segment, bool *ret_full, mr_cx *cx) {
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, segment, 0, segment->bytes, WALK_WINDOW);
    mr_record_batch batch;
    mr_code code = MR_OK;
    for (bool found = true; found && code == MR_OK && !*ret_full;) {
        code = stay(c, cx);
        code = code != MR_OK ? code : mr_segment_next(&reader, true, &batch, &found, cx);
        if (code == MR_OK && found && batch.last_offset >= c->from) {
            code = mr_cleaner_learn(c->cleaner, &batch, ret_full, cx);
            c->learned_to = *ret_full ? batch.base_offset : batch.last_offset + 1;
        }
    }
    if (code == MR_OK && reader.damage != NULL) {
        code = damaged(&reader, cx);
    }
    mr_segment_reader_release(&reader);
    return code;
}

// Leaves out the segments that the table of keys did not reach.
static mr_code learn(compaction *c, mr_cx *cx) {
    bool full = false;
    for (uint32_t i = 0; i < c->segment_count; i++) {
        mr_log_segment *segment = c->segments[i];
        if (segment->next > c->from) {
            MR_TRY(learn_segment(c, segment, &full, cx));
        }
        c->learned_to = full ? c->learned_to : segment->next;
        if (full && i + 1 < c->segment_count) {
            for (uint32_t j = i + 1; j < c->segment_count; j++) {
                mr_segment_unref(c->segments[j]);
            }
            c->segment_count = i + 1;
        }
    }
    return MR_OK;
}

// ---- the second pass -------------------------------------------------------------------------

// Keeps the entry of an aborted transaction whose marker stays: a reader goes by both.
static void keep_abort(mr_log_segment *to, const mr_log_segment *from, int64_t marker) {
    for (uint32_t i = 0; i < from->abort_count; i++) {
        if (from->aborts[i].aborted.last_offset == marker) {
            mr_segment_note_abort(to, &from->aborts[i]);
        }
    }
}

static mr_code copy_segment(compaction *c, mr_log_segment *from, mr_log_segment *to, bool last,
                            mr_cx *cx) {
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, from, 0, from->bytes, WALK_WINDOW);
    mr_text out;
    mr_text_init(&out, NULL);
    mr_record_batch batch;
    mr_code code = MR_OK;
    for (bool found = true; found && code == MR_OK;) {
        code = stay(c, cx);
        code = code != MR_OK ? code : mr_segment_next(&reader, true, &batch, &found, cx);
        if (code != MR_OK || !found) {
            break;
        }
        bool gone = false, keep = last && reader.position == reader.end;
        mr_text_clear(&out);
        code = mr_cleaner_filter(c->cleaner, &batch, keep, &out, &gone, cx);
        if (code == MR_OK && out.bytes > 0) {
            uint64_t at = to->file.bytes;
            code = mr_file_append(&to->file, mr_text_span(&out), cx);
            mr_span in = mr_text_span(&out);
            mr_record_batch written;
            bool there = false;
            code = code != MR_OK ? code : mr_record_batch_next(&in, &written, &there, cx);
            if (code == MR_OK && there) {
                mr_segment_note(to, &written, at, c->config.index_interval_bytes);
            }
        }
        if (code == MR_OK && !gone && (batch.attributes & MR_RECORD_BATCH_CONTROL) != 0) {
            keep_abort(to, from, batch.last_offset);
        }
    }
    if (code == MR_OK && reader.damage != NULL) {
        code = damaged(&reader, cx);
    }
    mr_text_release(&out);
    mr_segment_reader_release(&reader);
    return code;
}

// ---- the swap --------------------------------------------------------------------------------

static const char *const index_suffixes[] = {".index", ".timeindex", ".txnindex"};

static const char *path_of(const mr_log_segment *segment, const char *suffix, const char *more,
                           mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s%s%s", segment->path, suffix, more);
}

// The index files get their names; one that is not there has nothing in it.
static mr_code indexes_name(const mr_log_segment *made, const mr_log_segment *cleaned, mr_cx *cx) {
    for (size_t i = 0; i < MR_COUNT(index_suffixes); i++) {
        const char *to = path_of(made, index_suffixes[i], "", cx);
        mr_code code = mr_file_replace(path_of(cleaned, index_suffixes[i], "", cx), to, cx);
        if (code == MR_E_MISSING) {
            code = mr_file_delete(to, cx);
        }
        MR_TRY(code);
    }
    return MR_OK;
}

// The files of segments first..first+count-1 become those of `cleaned`.
static mr_code swap_files(compaction *c, uint32_t first, uint32_t count,
                          const mr_log_segment *cleaned, mr_cx *cx) {
    const char *dir = c->log->dir;
    const mr_log_segment *old = c->segments[first];
    const char *swap = path_of(old, ".log", ".swap", cx);
    MR_TRY(mr_crash_point("compact.synced", cx));
    MR_TRY(mr_file_replace(path_of(cleaned, ".log", "", cx), swap, cx));
    MR_TRY(mr_dir_sync(dir, cx));
    MR_TRY(mr_crash_point("compact.swap", cx));
    for (uint32_t i = first + 1; i < first + count; i++) {
        MR_TRY(mr_segment_remove(c->segments[i], cx));
    }
    MR_TRY(indexes_name(old, cleaned, cx));
    MR_TRY(mr_dir_sync(dir, cx));
    MR_TRY(mr_crash_point("compact.named", cx));
    MR_TRY(mr_file_replace(swap, path_of(old, ".log", "", cx), cx));
    return mr_dir_sync(dir, cx);
}

// In memory: the segment that stands in their place.
static void swap_memory(compaction *c, uint32_t first, uint32_t count, mr_log_segment *made) {
    mr_log *log = c->log;
    mr_mutex_lock(&log->mutex);
    uint32_t at = mr_log_segment_of(log, c->segments[first]->base);
    mr_assert(log->segments[at] == c->segments[first]);
    mr_log_segments_remove(log, at, count);
    mr_log_segments_insert(log, at, made);
    mr_mutex_unlock(&log->mutex);
}

// The name that a copy has before the swap: "<base>.cleaned.log", "….cleaned.index" …
static mr_log_segment *cleaned_new(const mr_log_segment *old, mr_cx *cx) {
    mr_log_segment *cleaned = mr_segment_new("", old->base, cx->plat);
    mr_heap_free(cleaned->path);
    size_t bytes = strlen(old->path) + sizeof(".cleaned");
    cleaned->path = mr_heap_raw(bytes);
    memcpy(cleaned->path, path_of(old, ".cleaned", "", cx), bytes);
    return cleaned;
}

static mr_code compact_group(compaction *c, uint32_t first, uint32_t count, mr_cx *cx) {
    mr_log_segment *old = c->segments[first], *cleaned = cleaned_new(old, cx);
    mr_code code =
        mr_file_open(&cleaned->file, path_of(cleaned, ".log", "", cx), MR_OPEN_TRUNCATE, cx);
    uint64_t before = 0;
    int64_t next = c->segments[first + count - 1]->next;
    for (uint32_t i = first; i < first + count && code == MR_OK; i++) {
        before += c->segments[i]->bytes;
        cleaned->modified_ms = MR_MAX(cleaned->modified_ms, c->segments[i]->modified_ms);
        code = copy_segment(c, c->segments[i], cleaned, i + 1 == first + count, cx);
    }
    code = code != MR_OK ? code : mr_segment_save(cleaned, /* seal= */ true, cx);
    code = code != MR_OK ? code : mr_segment_sync(cleaned, /* indexes= */ true, cx);
    if (code == MR_OK) {
        cleaned->dirty_indexes = false;
        cleaned->next = next;
        code = swap_files(c, first, count, cleaned, cx);
        if (code != MR_OK) {  // Half-way: only a start can tell how far it came.
            mr_mutex_lock(&c->log->mutex);
            (void)mr_log_fail(c->log, code, cx);
            mr_mutex_unlock(&c->log->mutex);
        }
    }
    if (code == MR_OK) {
        memcpy(cleaned->path, old->path, strlen(old->path) + 1);
        c->freed += before - cleaned->bytes;
        swap_memory(c, first, count, cleaned);
    } else {
        mr_segment_unref(cleaned);
    }
    return code;
}

// Neighbours that fit into one segment, by what they are now.
static uint32_t group_of(const compaction *c, uint32_t first) {
    uint64_t bytes = c->segments[first]->bytes;
    uint32_t count = 1;
    while (first + count < c->segment_count) {
        const mr_log_segment *more = c->segments[first + count];
        bytes += more->bytes;
        if (bytes > c->config.segment_bytes || more->next - c->segments[first]->base > INT32_MAX) {
            break;
        }
        count++;
    }
    return count;
}

// ---- the whole -------------------------------------------------------------------------------

// Last offset of each producer's last batch, beside the list of producers.
static const int64_t *producers_last(mr_log *log, const mr_log_producer *list, uint32_t count,
                                     mr_cx *cx) {
    int64_t *last = MR_NEW_ARRAY(cx->arena, int64_t, count);
    mr_mutex_lock(&log->mutex);
    for (uint32_t i = 0; i < count; i++) {
        const mr_producer *p = mr_producers_find(log->producers, list[i].producer_id);
        last[i] =
            p == NULL || p->batch_count == 0 ? -1 : p->batches[p->batch_count - 1].last_offset;
    }
    mr_mutex_unlock(&log->mutex);
    return last;
}

static mr_code compact_chosen(compaction *c, mr_cx *cx) {
    for (uint32_t i = 0; i < c->segment_count; i++) {
        mr_mutex_lock(&c->log->mutex);
        mr_code code = mr_segment_open(c->segments[i], cx);
        mr_mutex_unlock(&c->log->mutex);
        MR_TRY(code);
    }
    MR_TRY(learn(c, cx));
    for (uint32_t i = 0; i < c->segment_count;) {
        uint32_t count = group_of(c, i);
        MR_TRY(compact_group(c, i, count, cx));
        i += count;
    }
    c->log->compacted_to = c->learned_to;
    return MR_OK;
}

mr_code mr_log_compact(mr_log *log, int64_t now_ms, uint64_t *ret_bytes, mr_cx *cx) {
    *ret_bytes = 0;
    mr_mutex_lock(&log->upkeep);
    compaction c = {.log = log, .now_ms = now_ms};
    choose(&c, cx);
    mr_code code = MR_OK;
    if (c.segment_count > 0) {
        mr_log_aborted *aborted = NULL;
        mr_log_producer *producers = NULL;
        mr_cleaner_options options = {.now_ms = now_ms,
                                      .delete_retention_ms = c.config.delete_retention_ms,
                                      .key_bytes_max = KEY_BYTES_MAX};
        mr_log_producers(log, &producers, &options.producer_count, cx);
        options.producers = producers;
        options.producer_last = producers_last(log, producers, options.producer_count, cx);
        code = mr_log_aborted_in(log, c.segments[0]->base, INT64_MAX, &aborted,
                                 &options.aborted_count, cx);
        options.aborted = aborted;
        c.cleaner = mr_cleaner_new(&options);
        code = code != MR_OK ? code : compact_chosen(&c, cx);
        mr_cleaner_free(c.cleaner);
    }
    for (uint32_t i = 0; i < c.segment_count; i++) {
        mr_segment_unref(c.segments[i]);
    }
    mr_mutex_unlock(&log->upkeep);
    code = code == MR_E_CANCELLED ? MR_OK : code;  // What was half-copied goes with the log.
    *ret_bytes = c.freed;
    return code;
}
