// Open: a log from what its folder holds, whatever happened to it.
//
// Also: mr_log_
//
// Why so long: a start is one story, of what is trusted, walked, cut, replayed and made durable.
//
// Files that were on their way out or in go or are finished first. Segments below the recovery
// point are trusted, with their indexes if these look sound; what is behind it is walked, batch by
// batch with its checksum, and cut at the first that is not whole, or where the next segment does
// not follow on: all behind that was never acknowledged. Producers are replayed behind the newest
// snapshot. What was walked is synced before it is shown: after a kill it may be in memory only.
// Source: Kafka's LogLoader.

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log/inside.h"

#define WALK_WINDOW    ((size_t)256 << 10)
#define HEADERS_WINDOW ((size_t)16 << 10)
#define SNAPSHOT_MAX   ((uint64_t)1 << 30)

typedef struct opening {
    mr_log *log;
    const mr_log_options *options;
    mr_log_recovery *found;
    mr_cx *cx;
    bool clean;
    int64_t point;       // Below it all is trusted; 0 = nothing is.
    int64_t doubt;       // From here on the bytes may be in memory only, though they look synced.
    int64_t *snapshots;  // Their offsets, ascending; in the arena.
    uint32_t snapshot_count;
    int64_t replay_from;  // Producers have what is below.
    uint32_t walked;      // Segments from this one on were walked.
} opening;

// ---- the folder ------------------------------------------------------------------------------

static const char *in_dir(const opening *o, const char *name) {
    return mr_arena_printf(o->cx->arena, "%s/%s", o->log->dir, name);
}

static bool has_segment(const opening *o, int64_t base) {
    for (uint32_t i = 0; i < o->log->segment_count; i++) {
        if (o->log->segments[i]->base == base) {
            return true;
        }
    }
    return false;
}

static mr_code dir_read(opening *o, mr_cx *cx) {
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    MR_TRY(mr_dir_list(o->log->dir, &entries, &count, cx));
    o->snapshots = MR_NEW_ARRAY(cx->arena, int64_t, count);
    for (size_t i = 0; i < count; i++) {  // By name, so segments ascend.
        int64_t base = mr_log_name_offset(entries[i].name, ".log");
        int64_t snapshot = mr_log_name_offset(entries[i].name, ".snapshot");
        if (base >= 0) {
            mr_log_segment *segment = mr_segment_new(o->log->dir, base, cx->plat);
            mr_log_segments_insert(o->log, o->log->segment_count, segment);
            mr_stat stat;
            MR_TRY(mr_file_stat(in_dir(o, entries[i].name), &stat, cx));
            segment->bytes = stat.bytes;
            segment->modified_ms = stat.modified_us / 1000;
        } else if (snapshot >= 0) {
            o->snapshots[o->snapshot_count++] = snapshot;
        }
    }
    for (uint32_t i = 1; i + 1 < o->log->segment_count;) {
        if (o->log->segments[i]->bytes > 0) {
            i++;
            continue;
        }
        // A roll that failed half-way: it holds nothing, and what holds nothing leaves no gap.
        MR_TRY(mr_file_delete(mr_segment_path(o->log->segments[i], ".log", cx->arena), cx));
        mr_log_segments_remove(o->log, i, 1);
    }
    static const char *const suffixes[] = {".index", ".timeindex", ".txnindex"};
    for (size_t i = 0; i < count; i++) {
        for (size_t s = 0; s < MR_COUNT(suffixes); s++) {
            int64_t base = mr_log_name_offset(entries[i].name, suffixes[s]);
            if (base >= 0 && !has_segment(o, base)) {
                MR_TRY(mr_file_delete(in_dir(o, entries[i].name), cx));
            }
        }
    }
    mr_span text = {NULL, 0};
    mr_code code = mr_file_load(in_dir(o, "sync-failed"), 64, &text, cx);
    if (code != MR_OK && code != MR_E_MISSING) {
        return code;
    }
    if (code == MR_OK) {
        o->clean = false;
        o->doubt = 0;
        (void)mr_text_parse_int64(mr_span_trim(text), &o->doubt);
        o->point = MR_MIN(o->point, MR_MAX(o->doubt, 0));
    }
    return MR_OK;
}

// ---- walking ---------------------------------------------------------------------------------

static void take(opening *o, mr_log_segment *segment, const mr_record_batch *batch, bool aborts) {
    mr_producers_ended ended = {.ended = false};
    if (batch->base_offset >= o->replay_from) {
        mr_producers_take(o->log->producers, batch, &ended);
    }
    if (ended.ended && ended.aborted && aborts) {
        mr_segment_note_abort(
            segment, &(mr_segment_abort){{ended.producer_id, ended.first_offset, ended.last_offset},
                                         ended.stable});
    }
}

// Replays the producers of a segment that is trusted.
static mr_code replay(opening *o, mr_log_segment *segment, mr_cx *cx) {
    uint64_t from = 0;
    MR_TRY(mr_segment_open(segment, cx));
    MR_TRY(mr_segment_seek(segment, o->replay_from, &from, cx));
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, segment, from, segment->bytes, HEADERS_WINDOW);
    mr_record_batch batch;
    mr_code code = MR_OK;
    for (bool found = true; found && code == MR_OK;) {
        code = mr_segment_next(&reader, /* whole= */ false, &batch, &found, cx);
        if (code == MR_OK && found) {
            take(o, segment, &batch, /* aborts= */ false);
        }
    }
    mr_segment_reader_release(&reader);
    return code;
}

// Makes the indexes of a segment anew. *ret_whole: how far it is sound; `verify_from`: the offset
// from which on checksums are looked at.
static mr_code walk(opening *o, mr_log_segment *segment, int64_t verify_from, uint64_t *ret_sound,
                    const char **ret_damage, mr_cx *cx) {
    uint64_t bytes = segment->bytes, interval = o->log->config.index_interval_bytes;
    MR_TRY(mr_segment_open(segment, cx));
    mr_segment_forget(segment);
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, segment, 0, bytes, WALK_WINDOW);
    mr_record_batch batch;
    mr_code code = MR_OK;
    uint64_t sound = 0;
    const char *damage = NULL;
    while (code == MR_OK && damage == NULL) {
        bool found = false;
        code = mr_segment_next(&reader, segment->next >= verify_from, &batch, &found, cx);
        if (code != MR_OK || !found) {
            damage = code == MR_OK ? reader.damage : NULL;
            break;
        }
        if (batch.base_offset < segment->next || batch.last_offset - segment->base > INT32_MAX) {
            damage = "its offsets do not follow on";
        } else if (segment->next >= verify_from && mr_record_batch_verify(&batch, cx) != MR_OK) {
            damage = "its checksum is wrong";
        } else {
            mr_segment_note(segment, &batch, sound, interval);
            take(o, segment, &batch, /* aborts= */ true);
            sound = reader.position;
        }
    }
    o->found->bytes_read += reader.position;
    o->found->segments++;
    mr_segment_reader_release(&reader);
    *ret_sound = sound;
    *ret_damage = damage;
    return code;
}

// A trusted segment whose index files are missing or absurd.
static mr_code rebuild(opening *o, mr_log_segment *segment, mr_cx *cx) {
    uint64_t sound = 0, bytes = segment->bytes;
    const char *damage = NULL;
    int64_t replay_from = o->replay_from;
    o->replay_from = INT64_MAX;
    bool aborts = false;
    mr_code code = walk(o, segment, INT64_MAX, &sound, &damage, cx);
    o->replay_from = replay_from;
    MR_TRY(code);
    if (damage != NULL) {
        return mr_fail(cx, MR_E_CORRUPT,
                       "It was whole once: restore it from a copy, or delete this segment and all "
                       "behind it.",
                       "\"%s\" is damaged at byte %" PRIu64 ", below what was synced: %s",
                       segment->file.path, sound, damage);
    }
    mr_assert(segment->bytes == bytes);
    return mr_segment_load_aborts(segment, &aborts, cx);
}

// ---- producers -------------------------------------------------------------------------------

// Loads the newest snapshot at or before an offset that is whole; none: all is replayed.
static mr_code snapshot_load(opening *o, int64_t offset, mr_cx *cx) {
    o->replay_from = 0;
    mr_producers_clear(o->log->producers);
    for (uint32_t i = o->snapshot_count; i > 0; i--) {
        if (o->snapshots[i - 1] > offset) {
            continue;
        }
        const char *path =
            in_dir(o, mr_arena_printf(cx->arena, "%020" PRId64 ".snapshot", o->snapshots[i - 1]));
        mr_span data = {NULL, 0};
        mr_code code = mr_file_load(path, SNAPSHOT_MAX, &data, cx);
        code = code != MR_OK ? code : mr_producers_load(o->log->producers, data, cx);
        if (code == MR_OK) {
            o->replay_from = o->snapshots[i - 1];
            return MR_OK;
        }
        if (code != MR_E_CORRUPT && code != MR_E_MISSING && code != MR_E_LIMIT) {
            return code;
        }
        MR_TRY(mr_file_delete(path, cx));
    }
    return MR_OK;
}

// Those of segments that are there, and the newest; never one of what was cut.
static mr_code snapshots_tidy(opening *o, mr_cx *cx) {
    int64_t next = mr_log_last(o->log)->next, newest = -1;
    for (uint32_t i = 0; i < o->snapshot_count; i++) {
        newest = o->snapshots[i] <= next ? o->snapshots[i] : newest;
    }
    for (uint32_t i = 0; i < o->snapshot_count; i++) {
        if (o->snapshots[i] != newest &&
            (o->snapshots[i] > next || !has_segment(o, o->snapshots[i]))) {
            MR_TRY(mr_file_delete(
                in_dir(o, mr_arena_printf(cx->arena, "%020" PRId64 ".snapshot", o->snapshots[i])),
                cx));
        }
    }
    return MR_OK;
}

// ---- recovery --------------------------------------------------------------------------------

// Drops the segments from `index` on.
static mr_code cut_segments(opening *o, uint32_t index, mr_cx *cx) {
    mr_log *log = o->log;
    while (log->segment_count > index) {
        mr_log_segment *segment = log->segments[log->segment_count - 1];
        o->found->bytes_cut += segment->bytes;
        MR_TRY(mr_segment_remove(segment, cx));
        mr_log_segments_remove(log, log->segment_count - 1, 1);
    }
    return MR_OK;
}

// Whether all of a segment is below the recovery point. When the point is its very end, its index
// files may not be synced: that comes with the first bytes of the next one.
static bool is_trusted(const opening *o, uint32_t index) {
    const mr_log *log = o->log;
    return o->clean || (o->point > 0 && index + 1 < log->segment_count &&
                        log->segments[index + 1]->base < o->point);
}

// What is walked from the segment's beginning; ends with the log cut behind it if it is torn.
static mr_code recover_segment(opening *o, uint32_t index, mr_cx *cx) {
    mr_log *log = o->log;
    mr_log_segment *segment = log->segments[index];
    uint64_t sound = 0, bytes = segment->bytes;
    const char *damage = NULL;
    MR_TRY(walk(o, segment, o->point, &sound, &damage, cx));
    if (damage != NULL && segment->next < o->point) {
        return mr_fail(cx, MR_E_CORRUPT,
                       "It was whole once: restore it from a copy, or delete this segment and all "
                       "behind it.",
                       "\"%s\" is damaged at byte %" PRIu64 ", below what was synced: %s",
                       segment->file.path, sound, damage);
    }
    bool last = index + 1 == log->segment_count;
    // Compaction of others leaves gaps; ours does not.
    bool gap = !last && segment->next != log->segments[index + 1]->base &&
               (o->point > 0 || !log->config.cleanup_compact ||
                segment->next > log->segments[index + 1]->base);
    if (!last && log->segments[index + 1]->base <= o->options->first) {
        return MR_OK;  // It was being deleted: nothing in it is missed.
    }
    if (damage != NULL || gap) {
        MR_TRY(cut_segments(o, index + 1, cx));
        o->found->bytes_cut += bytes - sound;
    }
    if (damage != NULL) {
        MR_TRY(mr_segment_reopen(segment, cx));
        MR_TRY(mr_file_truncate(&segment->file, sound, cx));
    }
    return MR_OK;
}

// Writes what is in doubt once more: a sync that failed may have left pages that look written.
static mr_code rewrite(opening *o, mr_log_segment *segment, mr_cx *cx) {
    uint64_t at = 0;
    MR_TRY(mr_segment_seek(segment, o->doubt, &at, cx));
    char *buffer = mr_heap_raw(WALK_WINDOW);
    mr_code code = mr_segment_reopen(segment, cx);
    while (code == MR_OK && at < segment->bytes) {
        size_t got = 0;
        size_t want = (size_t)MR_MIN((uint64_t)WALK_WINDOW, segment->bytes - at);
        code = mr_file_read(&segment->file, at, buffer, want, &got, cx);
        code = code != MR_OK ? code
                             : mr_file_overwrite(&segment->file, at, (mr_span){buffer, got}, cx);
        at += got;
        if (code == MR_OK && got < want) {
            code = mr_fail(cx, MR_E_CORRUPT, NULL, "\"%s\" grew shorter", segment->file.path);
        }
    }
    mr_heap_free(buffer);
    return code;
}

// The entries of the folder are as doubtful, and so are the small files: each is made once more.
static mr_code make_again(opening *o, mr_cx *cx) {
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    MR_TRY(mr_dir_list(o->log->dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        const char *path = in_dir(o, entries[i].name);
        if (mr_log_name_offset(entries[i].name, ".log") >= 0) {
            const char *away = mr_arena_printf(cx->arena, "%s.again", path);
            MR_TRY(mr_file_replace(path, away, cx));
            MR_TRY(mr_file_replace(away, path, cx));
        } else if (strcmp(entries[i].name, "sync-failed") != 0) {
            mr_span data = {NULL, 0};
            MR_TRY(mr_file_load(path, SNAPSHOT_MAX, &data, cx));
            MR_TRY(mr_file_save(path, data, cx));
        }
    }
    return MR_OK;
}

// Makes durable what was found behind the recovery point.
static mr_code settle(opening *o, mr_cx *cx) {
    mr_log *log = o->log;
    for (uint32_t i = o->walked; i < log->segment_count; i++) {
        mr_log_segment *segment = log->segments[i];
        if (segment->next > o->doubt) {
            MR_TRY(rewrite(o, segment, cx));
        }
        bool last = i + 1 == log->segment_count;
        if (!last) {
            MR_TRY(mr_segment_save(segment, /* seal= */ true, cx));
        }
        MR_TRY(mr_segment_sync(segment, /* indexes= */ !last, cx));
        segment->dirty = segment->dirty_indexes = false;
    }
    if (o->doubt != INT64_MAX) {
        MR_TRY(make_again(o, cx));
    }
    MR_TRY(mr_dir_sync(log->dir, cx));
    if (o->doubt != INT64_MAX) {
        MR_TRY(mr_file_delete(in_dir(o, "sync-failed"), cx));
        MR_TRY(mr_dir_sync(log->dir, cx));
    }
    return MR_OK;
}

static mr_code recover(opening *o, mr_cx *cx) {
    mr_log *log = o->log;
    o->walked = 0;
    while (o->walked < log->segment_count && is_trusted(o, o->walked)) {
        o->walked++;
    }
    if (o->walked == log->segment_count) {
        return MR_OK;
    }
    MR_TRY(snapshot_load(o, log->segments[o->walked]->base, cx));
    for (uint32_t i = mr_log_segment_of(log, o->replay_from); i < o->walked; i++) {
        if (log->segments[i]->next > o->replay_from) {
            MR_TRY(replay(o, log->segments[i], cx));
        }
    }
    for (uint32_t i = o->walked; i < log->segment_count; i++) {
        MR_TRY(recover_segment(o, i, cx));
        if (i + 1 < log->segment_count) {  // The one that was there may be torn.
            MR_TRY(mr_log_snapshot(log, log->segments[i]->next, cx));
        }
    }
    // Index files of the last segment are of an earlier stop: they must not outlive a cut.
    mr_log_segment *last = mr_log_last(log);
    static const char *const suffixes[] = {".index", ".timeindex", ".txnindex"};
    for (size_t i = 0; i < MR_COUNT(suffixes); i++) {
        MR_TRY(mr_file_delete(mr_segment_path(last, suffixes[i], cx->arena), cx));
    }
    MR_TRY(snapshots_tidy(o, cx));
    mr_code code = settle(o, cx);
    if (code != MR_OK) {  // What it may have called clean is to be written once more.
        mr_log_note_failed_sync(log, MR_MIN(o->doubt, o->point), cx);
    }
    return code;
}

// The first batch's time, which rolling goes by.
static mr_code load_first_time(mr_log_segment *segment, mr_cx *cx) {
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, segment, 0, segment->bytes, 0);
    mr_record_batch batch;
    bool found = false;
    mr_code code = mr_segment_next(&reader, /* whole= */ false, &batch, &found, cx);
    if (code == MR_OK && found) {
        segment->timestamp_first_ms = batch.max_timestamp_ms;
    }
    mr_segment_reader_release(&reader);
    return code;
}

// The last segment after a clean stop: from its index files, and a walk from their last entry on.
static mr_code load_last(opening *o, mr_cx *cx) {
    mr_log_segment *last = mr_log_last(o->log);
    uint64_t bytes = last->bytes, from = 0;
    bool sane = false;
    MR_TRY(mr_segment_load_indexes(last, /* last= */ true, &sane, cx));
    MR_TRY(mr_segment_open(last, cx));
    if (sane && last->offset_count > 0) {
        from = last->offsets[--last->offset_count].position;  // Noted once more.
        last->bytes_unindexed = UINT64_MAX / 2;
    } else {
        mr_segment_forget_indexes(last);
        MR_TRY(mr_segment_load_aborts(last, &sane, cx));
    }
    MR_TRY(load_first_time(last, cx));
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, last, from, bytes, HEADERS_WINDOW);
    mr_record_batch batch;
    mr_code code = MR_OK;
    for (bool found = true; found && code == MR_OK;) {
        uint64_t at = reader.position;
        code = mr_segment_next(&reader, /* whole= */ false, &batch, &found, cx);
        if (code == MR_OK && found) {
            mr_segment_note(last, &batch, at, o->log->config.index_interval_bytes);
        }
    }
    if (code == MR_OK && reader.damage != NULL) {
        code = mr_fail(cx, MR_E_CORRUPT,
                       "It was whole at the last clean stop: restore it from a copy, or start "
                       "without trust in that stop.",
                       "\"%s\" is damaged at byte %" PRIu64 ": %s", last->file.path,
                       reader.position, reader.damage);
    }
    mr_segment_reader_release(&reader);
    return code;
}

// After a clean stop: everything is trusted.
static mr_code load_clean(opening *o, mr_cx *cx) {
    mr_log *log = o->log;
    MR_TRY(load_last(o, cx));
    MR_TRY(snapshot_load(o, mr_log_last(log)->next, cx));
    for (uint32_t i = mr_log_segment_of(log, o->replay_from); i < log->segment_count; i++) {
        if (log->segments[i]->next > o->replay_from) {
            MR_TRY(replay(o, log->segments[i], cx));
        }
    }
    return snapshots_tidy(o, cx);
}

// Whether there is a whole snapshot at an offset; it is durable then.
static mr_code snapshot_keep(opening *o, int64_t offset, bool *ret_there, mr_cx *cx) {
    const char *path = in_dir(o, mr_arena_printf(cx->arena, "%020" PRId64 ".snapshot", offset));
    mr_span data = {NULL, 0};
    mr_code code = mr_file_load(path, SNAPSHOT_MAX, &data, cx);
    code = code != MR_OK ? code : mr_producers_load(o->log->producers, data, cx);
    mr_producers_clear(o->log->producers);
    *ret_there = code == MR_OK;
    if (code != MR_OK) {
        return code == MR_E_MISSING || code == MR_E_CORRUPT ? MR_OK : code;
    }
    mr_file file;
    MR_TRY(mr_file_open(&file, path, MR_OPEN_READ, cx));
    code = mr_file_sync(&file, cx);
    mr_file_close(&file, cx->plat);
    return code != MR_OK ? code : mr_dir_sync(o->log->dir, cx);
}

// Segments whose deletion was under way: what is in them, and a gap behind them, says nothing.
static mr_code drop_deleted(opening *o, mr_cx *cx) {
    mr_log *log = o->log;
    while (log->segment_count > 1 && log->segments[1]->base <= o->options->first) {
        bool there = false;
        MR_TRY(snapshot_keep(o, log->segments[1]->base, &there, cx));
        if (!there) {
            return MR_OK;
        }
        MR_TRY(mr_file_delete(mr_segment_path(log->segments[0], ".log", cx->arena), cx));
        mr_log_segments_remove(log, 0, 1);
    }
    return MR_OK;
}

// ---- the whole -------------------------------------------------------------------------------

static mr_code load_trusted(opening *o, mr_cx *cx) {
    mr_log *log = o->log;
    for (uint32_t i = 0; i + 1 < log->segment_count; i++) {
        log->segments[i]->next = log->segments[i + 1]->base;
    }
    for (uint32_t i = 0; i + 1 < log->segment_count && is_trusted(o, i); i++) {
        bool sane = false;
        mr_log_segment *segment = log->segments[i];
        MR_TRY(mr_segment_load_indexes(segment, /* last= */ false, &sane, cx));
        if (!sane) {
            MR_TRY(rebuild(o, segment, cx));
            MR_TRY(mr_segment_save(segment, /* seal= */ true, cx));
            segment->next = log->segments[i + 1]->base;
            MR_TRY(mr_segment_sync(segment, /* indexes= */ true, cx));
            segment->dirty_indexes = false;
            MR_TRY(mr_dir_sync(log->dir, cx));
        }
    }
    return MR_OK;
}

// A small file of fixed words beside the segments, written when it is not there or different.
static mr_code keep_text(const opening *o, const char *name, const char *text, mr_cx *cx) {
    mr_span there = {NULL, 0};
    mr_code code = mr_file_load(in_dir(o, name), 4096, &there, cx);
    if (code == MR_OK && mr_span_is(there, text)) {
        return MR_OK;
    }
    if (code != MR_OK && code != MR_E_MISSING && code != MR_E_LIMIT) {
        return code;
    }
    mr_file file;
    MR_TRY(mr_file_open(&file, in_dir(o, name), MR_OPEN_TRUNCATE, cx));
    code = mr_file_append(&file, mr_span_of(text), cx);
    mr_file_close(&file, cx->plat);
    return code;
}

// An empty log, where `first` says.
static mr_code begin_empty(opening *o, mr_cx *cx) {
    mr_log_segment *segment = NULL;
    mr_log *log = o->log;
    MR_TRY(mr_segment_create(log->dir, o->options->first, &segment, cx));
    mr_log_segments_insert(log, 0, segment);
    mr_producers_clear(log->producers);
    // Of what is not there any more; this start may have made some of them.
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    MR_TRY(mr_dir_list(log->dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        if (mr_log_name_offset(entries[i].name, ".snapshot") >= 0) {
            MR_TRY(mr_file_delete(in_dir(o, entries[i].name), cx));
        }
    }
    // A later segment must never be there without this one.
    return mr_dir_sync(log->dir, cx);
}

static mr_code open_run(opening *o, mr_cx *cx) {
    mr_log *log = o->log;
    bool was_there = mr_file_exists(log->dir, cx);
    MR_TRY(mr_dir_make(log->dir, cx));
    MR_TRY(mr_log_clear_leavings(log->dir, cx));
    MR_TRY(dir_read(o, cx));
    MR_TRY(drop_deleted(o, cx));
    if (log->segment_count > 0) {
        MR_TRY(load_trusted(o, cx));
        MR_TRY(o->clean ? load_clean(o, cx) : recover(o, cx));
        if (mr_log_last(log)->next < o->options->first) {
            MR_TRY(cut_segments(o, 0, cx));  // All that was there was deleted.
        }
    }
    if (log->segment_count == 0) {
        if (was_there) {  // Made by a process that was killed before it synced the folder above.
            MR_TRY(mr_dir_settle(log->dir, cx));
        }
        MR_TRY(begin_empty(o, cx));
    }
    mr_log_segment *last = mr_log_last(log);
    MR_TRY(mr_segment_reopen(last, cx));
    if (last->file.bytes != last->bytes) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "\"%s\" changed while it was opened",
                       last->file.path);
    }
    if (o->options->topic_id != NULL) {
        const char *text =
            mr_arena_printf(cx->arena, "version: 0\ntopic_id: %s", o->options->topic_id);
        MR_TRY(keep_text(o, "partition.metadata", text, cx));
    }
    MR_TRY(keep_text(o, "leader-epoch-checkpoint", "0\n1\n0 0\n", cx));
    log->marks = (mr_log_marks){.first = MR_MAX(o->options->first, log->segments[0]->base),
                                .next = last->next};
    log->synced = last->next;
    log->dirty_dir = true;  // What the last life made may have stayed unsynced, even the last file.
    (void)mr_log_raise_high(log, last->next, last->base, last->bytes);
    return MR_OK;
}

static mr_log *log_new(const mr_log_options *options, mr_plat *plat) {
    mr_log *log = mr_heap_alloc(sizeof(*log));
    mr_mutex_init(&log->mutex);
    mr_mutex_init(&log->upkeep);
    log->plat = plat;
    log->dir = mr_heap_string(options->dir);
    log->topic = mr_heap_string(options->topic);
    log->partition = options->partition;
    log->config = options->config;
    log->flusher = options->flusher;
    log->listener = options->listener;
    log->producers = mr_producers_new();
    return log;
}

mr_log *mr_log_broken(const mr_log_options *options, const mr_error *why) {
    mr_log *log = log_new(options, NULL);
    int64_t first = MR_MAX(options->first, 0);
    mr_log_segments_insert(log, 0, mr_segment_new(log->dir, first, NULL));
    log->marks = (mr_log_marks){first, first, first, first};
    log->synced = log->high_base = first;
    log->offline = true;
    log->why = *why;
    return log;
}

mr_code mr_log_open(const mr_log_options *options, mr_log **ret, mr_log_recovery *ret_recovery,
                    mr_cx *cx) {
    mr_assert(options->first >= 0 && options->flusher != NULL);
    mr_log *log = log_new(options, cx->plat);
    *ret_recovery = (mr_log_recovery){.segments = 0};
    opening o = {.log = log,
                 .options = options,
                 .found = ret_recovery,
                 .cx = cx,
                 .clean = options->clean,
                 .point = options->recovery_point,
                 .doubt = INT64_MAX};
    mr_code code = open_run(&o, cx);
    if (code != MR_OK) {
        mr_log_drop(log, cx);
        return mr_error_in(cx, code, "partition %d of topic \"%s\"", options->partition,
                           options->topic);
    }
    *ret = log;
    return MR_OK;
}
