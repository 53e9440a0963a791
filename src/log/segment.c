// Segment: one file of record batches and its indexes; see segment.h.

#include "log/segment.h"

#include <inttypes.h>
#include <string.h>

#include "log/segment_index.h"

#define NAME_BYTES 20  // Of a segment's path without its folder.

// ---- life ------------------------------------------------------------------------------------

mr_log_segment *mr_segment_new(const char *dir, int64_t base, mr_plat *plat) {
    mr_log_segment *segment = mr_heap_alloc(sizeof(*segment));
    mr_text path;
    mr_text_init(&path, NULL);
    mr_text_addf(&path, "%s/%020" PRId64, dir, base);
    segment->references = 1;
    segment->plat = plat;
    segment->base = segment->next = base;
    segment->path = path.data;
    segment->file = segment->index_file = segment->times_file = MR_FILE_CLOSED;
    segment->timestamp_max_ms = segment->timestamp_first_ms = -1;
    segment->timestamp_max_offset = -1;
    return segment;
}

mr_log_segment *mr_segment_ref(mr_log_segment *segment) {
    atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed);
    return segment;
}

void mr_segment_unref(mr_log_segment *segment) {
    if (segment == NULL ||
        atomic_fetch_sub_explicit(&segment->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    mr_file_close(&segment->file, segment->plat);
    mr_file_close(&segment->index_file, segment->plat);
    mr_file_close(&segment->times_file, segment->plat);
    mr_heap_free(segment->offsets);
    mr_heap_free(segment->times);
    mr_heap_free(segment->aborts);
    mr_heap_free(segment->path);
    mr_heap_free(segment);
}

const char *mr_segment_path(const mr_log_segment *segment, const char *suffix, mr_arena *arena) {
    return mr_arena_printf(arena, "%s%s", segment->path, suffix);
}

mr_code mr_segment_open(mr_log_segment *segment, mr_cx *cx) {
    if (segment->file.handle < 0) {
        MR_TRY(mr_file_open(&segment->file, mr_segment_path(segment, ".log", cx->arena),
                            MR_OPEN_READ, cx));
    }
    return segment->sealed ? mr_segment_open_indexes(segment, cx) : MR_OK;
}

mr_code mr_segment_create(const char *dir, int64_t base, mr_log_segment **ret, mr_cx *cx) {
    mr_log_segment *segment = mr_segment_new(dir, base, cx->plat);
    // A roll that failed half-way may have left the file, empty.
    mr_code code = mr_file_open(&segment->file, mr_segment_path(segment, ".log", cx->arena),
                                MR_OPEN_APPEND, cx);
    if (code == MR_OK && segment->file.bytes > 0) {
        code = mr_fail(cx, MR_E_EXISTS, NULL, "segment \"%s\" is there already and not empty",
                       segment->file.path);
    }
    if (code != MR_OK) {
        mr_segment_unref(segment);
        return code;
    }
    segment->modified_ms = mr_clock_real_us(cx->plat) / 1000;
    *ret = segment;
    return MR_OK;
}

mr_code mr_segment_reopen(mr_log_segment *segment, mr_cx *cx) {
    mr_file_close(&segment->file, cx->plat);
    return mr_file_open(&segment->file, mr_segment_path(segment, ".log", cx->arena), MR_OPEN_APPEND,
                        cx);
}

static mr_code sync_path(const char *path, mr_cx *cx) {
    mr_file file;
    mr_code code = mr_file_open(&file, path, MR_OPEN_READ, cx);
    if (code == MR_E_MISSING) {
        return MR_OK;  // It had no aborted transactions, or was removed meanwhile.
    }
    MR_TRY(code);
    code = mr_file_sync(&file, cx);
    mr_file_close(&file, cx->plat);
    return code;
}

mr_code mr_segment_sync(mr_log_segment *segment, bool indexes, mr_cx *cx) {
    mr_assert(segment->file.handle >= 0);  // What is dirty is open.
    if (indexes) {
        for (size_t i = 0; i < MR_SEGMENT_INDEXES; i++) {
            MR_TRY(sync_path(mr_segment_path(segment, mr_segment_suffixes[i], cx->arena), cx));
        }
        // The producers as of its end, without which nothing could be replayed once it is deleted.
        int dir_bytes = (int)(strlen(segment->path) - NAME_BYTES);
        MR_TRY(sync_path(mr_arena_printf(cx->arena, "%.*s%020" PRId64 ".snapshot", dir_bytes,
                                         segment->path, segment->next),
                         cx));
    }
    return mr_file_sync(&segment->file, cx);
}

mr_code mr_segment_remove(mr_log_segment *segment, mr_cx *cx) {
    segment->gone = true;
    const char *from = mr_segment_path(segment, ".log", cx->arena);
    MR_TRY(mr_file_replace(from, mr_arena_printf(cx->arena, "%s.deleted", from), cx));
    for (size_t i = 0; i <= MR_SEGMENT_INDEXES; i++) {
        const char *suffix = i == MR_SEGMENT_INDEXES ? ".snapshot" : mr_segment_suffixes[i];
        const char *path = mr_segment_path(segment, suffix, cx->arena);
        mr_code code = mr_file_replace(path, mr_arena_printf(cx->arena, "%s.deleted", path), cx);
        if (code != MR_OK && code != MR_E_MISSING) {
            return code;
        }
    }
    return MR_OK;
}

// ---- walking over the batches ----------------------------------------------------------------

void mr_segment_reader_init(mr_segment_reader *reader, mr_log_segment *segment, uint64_t from,
                            uint64_t to, size_t window_bytes) {
    *reader = (mr_segment_reader){.segment = segment,
                                  .position = from,
                                  .end = to,
                                  .window_at = from,
                                  .window_bytes = window_bytes};
    mr_text_init(&reader->window, NULL);
}

void mr_segment_reader_release(mr_segment_reader *reader) {
    mr_text_release(&reader->window);
}

// Makes the bytes from reader->position on be in the window.
static mr_code window_hold(mr_segment_reader *reader, size_t bytes, mr_cx *cx) {
    mr_assert(reader->position + bytes <= reader->end);
    uint64_t at = reader->position;
    if (at >= reader->window_at && at + bytes <= reader->window_at + reader->window.bytes) {
        return MR_OK;
    }
    size_t want = (size_t)MR_MIN((uint64_t)MR_MAX(bytes, reader->window_bytes), reader->end - at);
    mr_text_clear(&reader->window);
    mr_text_reserve(&reader->window, want);
    size_t got = 0;
    MR_TRY(mr_file_read(&reader->segment->file, at, reader->window.data, want, &got, cx));
    reader->window.bytes = got;
    reader->window_at = at;
    if (got < bytes) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "\"%s\" ends before byte %" PRIu64,
                       reader->segment->file.path, at + bytes);
    }
    return MR_OK;
}

// NULL, or what is wrong with a header.
static const char *head_parse(const char *at, mr_record_batch *ret) {
    int32_t length = (int32_t)mr_segment_load(at + 8, 4);
    int32_t last_delta = (int32_t)mr_segment_load(at + 23, 4);
    int32_t count = (int32_t)mr_segment_load(at + 57, 4);
    if (at[16] != 2) {
        return "not a record batch of version 2";
    }
    if (length < MR_RECORD_BATCH_HEAD_BYTES - 12) {
        return "shorter than a header";
    }
    *ret = (mr_record_batch){
        .base_offset = (int64_t)mr_segment_load(at, 8),
        .leader_epoch = (int32_t)mr_segment_load(at + 12, 4),
        .crc = (uint32_t)mr_segment_load(at + 17, 4),
        .attributes = (int16_t)mr_segment_load(at + 21, 2),
        .base_timestamp_ms = (int64_t)mr_segment_load(at + 27, 8),
        .max_timestamp_ms = (int64_t)mr_segment_load(at + 35, 8),
        .producer_id = (int64_t)mr_segment_load(at + 43, 8),
        .producer_epoch = (int16_t)mr_segment_load(at + 51, 2),
        .base_sequence = (int32_t)mr_segment_load(at + 53, 4),
        .record_count = (uint32_t)count,
        .byte_count = (size_t)length + 12,
    };
    if (ret->base_offset < 0 || last_delta < 0 || count < 0 ||
        ret->base_offset > INT64_MAX - 1 - last_delta) {
        return "offsets out of range";
    }
    ret->last_offset = ret->base_offset + last_delta;
    return NULL;
}

static mr_code next_whole(mr_segment_reader *reader, mr_record_batch *ret, mr_cx *cx) {
    MR_TRY(window_hold(reader, ret->byte_count, cx));
    mr_span in = {reader->window.data + (reader->position - reader->window_at), ret->byte_count};
    bool found = false;
    mr_code code = mr_record_batch_next(&in, ret, &found, cx);
    if (code != MR_OK || !found) {
        reader->damage = "not a record batch";
    }
    return MR_OK;
}

mr_code mr_segment_next(mr_segment_reader *reader, bool whole, mr_record_batch *ret,
                        bool *ret_found, mr_cx *cx) {
    *ret_found = false;
    uint64_t left = reader->end - reader->position;
    if (left == 0 || reader->damage != NULL) {
        return MR_OK;
    }
    if (left < MR_RECORD_BATCH_HEAD_BYTES) {
        reader->damage = "cut off in a header";
        return MR_OK;
    }
    MR_TRY(window_hold(reader, MR_RECORD_BATCH_HEAD_BYTES, cx));
    mr_record_batch batch;
    const char *head = reader->window.data + (reader->position - reader->window_at);
    reader->damage = head_parse(head, &batch);
    if (reader->damage == NULL && batch.byte_count > left) {
        reader->damage = "cut off";
    }
    if (reader->damage == NULL && (whole || (batch.attributes & MR_RECORD_BATCH_CONTROL) != 0)) {
        MR_TRY(next_whole(reader, &batch, cx));
    }
    if (reader->damage != NULL) {
        return MR_OK;
    }
    reader->position += batch.byte_count;
    *ret = batch;
    *ret_found = true;
    return MR_OK;
}
