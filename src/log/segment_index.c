// Segment index: the offset, time and transaction indexes of a segment; see segment.h.
//
// Also: mr_segment_
//
// Entries, big-endian: offset (4, relative) and position (4); timestamp (8) and offset (4,
// relative); version 0 (2), producer id (8), first (8), last (8) and last stable offset (8).

#include "log/segment_index.h"

#include <string.h>

#define OFFSET_BYTES    ((size_t)8)
#define TIME_BYTES      ((size_t)12)
#define ABORT_BYTES     ((size_t)34)
#define INDEX_BYTES_MAX ((uint64_t)1 << 31)

const char *const mr_segment_suffixes[MR_SEGMENT_INDEXES] = {".index", ".timeindex", ".txnindex"};

// ---- making ----------------------------------------------------------------------------------

// Room for one more of `size` bytes.
static void *grown(void *items, uint32_t count, uint32_t *capacity, size_t size) {
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 8 : *capacity * 2;
    return mr_heap_resize(items, *capacity * size);
}

// Timestamps ascend strictly.
static void note_time(mr_log_segment *segment) {
    if (segment->timestamp_max_offset < 0 ||
        (segment->time_count > 0 &&
         segment->times[segment->time_count - 1].timestamp_ms >= segment->timestamp_max_ms)) {
        return;
    }
    segment->times = grown(segment->times, segment->time_count, &segment->time_capacity,
                           sizeof(*segment->times));
    segment->times[segment->time_count++] = (mr_segment_time){
        segment->timestamp_max_ms, mr_i32(segment->timestamp_max_offset - segment->base)};
}

void mr_segment_note(mr_log_segment *segment, const mr_record_batch *batch, uint64_t position,
                     uint64_t interval) {
    mr_assert(batch->base_offset >= segment->base && position <= INT32_MAX);
    if (batch->max_timestamp_ms > segment->timestamp_max_ms && batch->record_count > 0) {
        segment->timestamp_max_ms = batch->max_timestamp_ms;
        segment->timestamp_max_offset = batch->last_offset;
    }
    if (position == 0) {
        segment->timestamp_first_ms = batch->max_timestamp_ms;
    }
    if (segment->bytes_unindexed > interval) {
        segment->offsets = grown(segment->offsets, segment->offset_count, &segment->offset_capacity,
                                 sizeof(*segment->offsets));
        segment->offsets[segment->offset_count++] =
            (mr_segment_offset){mr_i32(batch->last_offset - segment->base), (uint32_t)position};
        note_time(segment);
        segment->bytes_unindexed = 0;
    }
    segment->bytes_unindexed += batch->byte_count;
    segment->bytes = position + batch->byte_count;
    segment->next = batch->last_offset + 1;
}

void mr_segment_note_abort(mr_log_segment *segment, const mr_segment_abort *aborted) {
    segment->aborts = grown(segment->aborts, segment->abort_count, &segment->abort_capacity,
                            sizeof(*segment->aborts));
    segment->aborts[segment->abort_count++] = *aborted;
}

void mr_segment_forget_indexes(mr_log_segment *segment) {
    segment->offset_count = segment->time_count = segment->abort_count = 0;
    segment->bytes_unindexed = 0;
    segment->timestamp_max_ms = segment->timestamp_first_ms = -1;
    segment->timestamp_max_offset = -1;
}

void mr_segment_forget(mr_log_segment *segment) {
    mr_segment_forget_indexes(segment);
    segment->bytes = 0;
    segment->next = segment->base;
}

// ---- writing ---------------------------------------------------------------------------------

static mr_code save_file(mr_log_segment *segment, size_t which, mr_span data, mr_cx *cx) {
    mr_file file;
    const char *path = mr_segment_path(segment, mr_segment_suffixes[which], cx->arena);
    MR_TRY(mr_file_open(&file, path, MR_OPEN_TRUNCATE, cx));
    mr_code code = mr_file_append(&file, data, cx);
    mr_file_close(&file, cx->plat);
    return code;
}

static void add_number(mr_text *out, int64_t value, size_t bytes) {
    mr_segment_store(mr_text_grow(out, bytes), (uint64_t)value, bytes);
}

static mr_code save_aborts(mr_log_segment *segment, mr_text *out, mr_cx *cx) {
    for (uint32_t i = 0; i < segment->abort_count; i++) {
        const mr_segment_abort *a = &segment->aborts[i];
        add_number(out, 0, 2);
        add_number(out, a->aborted.producer_id, 8);
        add_number(out, a->aborted.first_offset, 8);
        add_number(out, a->aborted.last_offset, 8);
        add_number(out, a->stable, 8);
    }
    if (segment->abort_count == 0) {
        return mr_file_delete(mr_segment_path(segment, ".txnindex", cx->arena), cx);
    }
    return save_file(segment, 2, mr_text_span(out), cx);
}

mr_code mr_segment_save(mr_log_segment *segment, bool seal, mr_cx *cx) {
    note_time(segment);
    mr_text out;
    mr_text_init(&out, NULL);
    for (uint32_t i = 0; i < segment->offset_count; i++) {
        add_number(&out, segment->offsets[i].delta, 4);
        add_number(&out, segment->offsets[i].position, 4);
    }
    mr_code code = save_file(segment, 0, mr_text_span(&out), cx);
    mr_text_clear(&out);
    for (uint32_t i = 0; i < segment->time_count; i++) {
        add_number(&out, segment->times[i].timestamp_ms, 8);
        add_number(&out, segment->times[i].delta, 4);
    }
    code = code != MR_OK ? code : save_file(segment, 1, mr_text_span(&out), cx);
    mr_text_clear(&out);
    code = code != MR_OK ? code : save_aborts(segment, &out, cx);
    mr_text_release(&out);
    if (code == MR_OK && seal) {
        mr_heap_free(segment->offsets);
        mr_heap_free(segment->times);
        segment->offsets = NULL;
        segment->times = NULL;
        segment->offset_count = segment->offset_capacity = 0;
        segment->time_count = segment->time_capacity = 0;
        segment->sealed = segment->dirty_indexes = true;
    }
    return code;
}

// ---- reading ---------------------------------------------------------------------------------

static mr_segment_offset offset_of(const char *at) {
    return (mr_segment_offset){(int32_t)mr_segment_load(at, 4),
                               (uint32_t)mr_segment_load(at + 4, 4)};
}

static mr_segment_time time_of(const char *at) {
    return (mr_segment_time){(int64_t)mr_segment_load(at, 8), (int32_t)mr_segment_load(at + 8, 4)};
}

static mr_code index_open(mr_log_segment *segment, mr_file *file, size_t which, mr_cx *cx) {
    if (file->handle >= 0) {
        return MR_OK;
    }
    const char *path = mr_segment_path(segment, mr_segment_suffixes[which], cx->arena);
    return mr_file_open(file, path, MR_OPEN_READ, cx);
}

mr_code mr_segment_open_indexes(mr_log_segment *segment, mr_cx *cx) {
    MR_TRY(index_open(segment, &segment->index_file, 0, cx));
    return index_open(segment, &segment->times_file, 1, cx);
}

static mr_code entry_read(mr_file *file, size_t bytes, uint64_t index, char *ret, mr_cx *cx) {
    size_t got = 0;
    MR_TRY(mr_file_read(file, index * bytes, ret, bytes, &got, cx));
    if (got < bytes) {
        return mr_fail(cx, MR_E_CORRUPT, "Delete it: it is made again at the next start.",
                       "\"%s\" has no entry %llu", file->path, (unsigned long long)index);
    }
    return MR_OK;
}

static mr_code offset_at(mr_log_segment *segment, uint32_t i, mr_segment_offset *ret, mr_cx *cx) {
    if (!segment->sealed) {
        *ret = segment->offsets[i];
        return MR_OK;
    }
    char entry[OFFSET_BYTES];
    MR_TRY(entry_read(&segment->index_file, OFFSET_BYTES, i, entry, cx));
    *ret = offset_of(entry);
    return MR_OK;
}

static uint32_t offset_entries(const mr_log_segment *segment) {
    return segment->sealed ? (uint32_t)(segment->index_file.bytes / OFFSET_BYTES)
                           : segment->offset_count;
}

mr_code mr_segment_seek(mr_log_segment *segment, int64_t offset, uint64_t *ret_position,
                        mr_cx *cx) {
    uint32_t low = 0, high = offset_entries(segment);  // Below low they are at or before it.
    uint64_t position = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        mr_segment_offset entry;
        MR_TRY(offset_at(segment, middle, &entry, cx));
        if (segment->base + entry.delta <= offset) {
            low = middle + 1;
            position = entry.position;
        } else {
            high = middle;
        }
    }
    *ret_position = MR_MIN(position, segment->bytes);
    return MR_OK;
}

mr_code mr_segment_seek_position(mr_log_segment *segment, uint64_t position, uint64_t *ret_position,
                                 mr_cx *cx) {
    uint32_t low = 0, high = offset_entries(segment);
    uint64_t found = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        mr_segment_offset entry;
        MR_TRY(offset_at(segment, middle, &entry, cx));
        if (entry.position <= position) {
            low = middle + 1;
            found = entry.position;
        } else {
            high = middle;
        }
    }
    *ret_position = found;
    return MR_OK;
}

mr_code mr_segment_seek_time(mr_log_segment *segment, int64_t time_ms, int64_t *ret_offset,
                             mr_cx *cx) {
    uint32_t low = 0, high = segment->time_count;
    if (segment->sealed) {
        high = (uint32_t)(segment->times_file.bytes / TIME_BYTES);
    }
    int64_t offset = segment->base;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        mr_segment_time entry;
        if (segment->sealed) {
            char bytes[TIME_BYTES];
            MR_TRY(entry_read(&segment->times_file, TIME_BYTES, middle, bytes, cx));
            entry = time_of(bytes);
        } else {
            entry = segment->times[middle];
        }
        if (entry.timestamp_ms < time_ms) {
            low = middle + 1;
            offset = segment->base + entry.delta;
        } else {
            high = middle;
        }
    }
    *ret_offset = offset;
    return MR_OK;
}

// ---- at a start ------------------------------------------------------------------------------

static mr_code load_file(mr_log_segment *segment, size_t which, mr_span *ret, bool *ret_there,
                         mr_cx *cx) {
    const char *path = mr_segment_path(segment, mr_segment_suffixes[which], cx->arena);
    mr_code code = mr_file_load(path, INDEX_BYTES_MAX, ret, cx);
    *ret_there = code == MR_OK;
    return code == MR_E_MISSING ? MR_OK : code;
}

mr_code mr_segment_load_aborts(mr_log_segment *segment, bool *ret_sane, mr_cx *cx) {
    mr_span data = {NULL, 0};
    bool there = false;
    *ret_sane = false;
    MR_TRY(load_file(segment, 2, &data, &there, cx));
    if (data.bytes % ABORT_BYTES != 0) {
        return MR_OK;
    }
    segment->abort_count = 0;
    for (size_t at = 0; at < data.bytes; at += ABORT_BYTES) {
        const char *entry = data.data + at;
        mr_segment_abort a = {{.producer_id = (int64_t)mr_segment_load(entry + 2, 8),
                               .first_offset = (int64_t)mr_segment_load(entry + 10, 8),
                               .last_offset = (int64_t)mr_segment_load(entry + 18, 8)},
                              .stable = (int64_t)mr_segment_load(entry + 26, 8)};
        if (mr_segment_load(entry, 2) != 0 || a.aborted.first_offset > a.aborted.last_offset ||
            a.aborted.last_offset < segment->base) {
            return MR_OK;
        }
        mr_segment_note_abort(segment, &a);
    }
    *ret_sane = true;
    return MR_OK;
}

// Entries ascend and point into the segment.
static bool offsets_load(mr_log_segment *segment, mr_span data) {
    mr_segment_offset before = {-1, 0};
    for (size_t at = 0; at < data.bytes; at += OFFSET_BYTES) {
        mr_segment_offset entry = offset_of(data.data + at);
        if (entry.delta <= before.delta || entry.position <= before.position ||
            entry.position >= segment->bytes) {
            return false;
        }
        before = entry;
        segment->offsets = grown(segment->offsets, segment->offset_count, &segment->offset_capacity,
                                 sizeof(*segment->offsets));
        segment->offsets[segment->offset_count++] = entry;
    }
    return data.bytes % OFFSET_BYTES == 0;
}

static bool times_load(mr_log_segment *segment, mr_span data) {
    mr_segment_time before = {INT64_MIN, -1};
    for (size_t at = 0; at < data.bytes; at += TIME_BYTES) {
        mr_segment_time entry = time_of(data.data + at);
        if (entry.timestamp_ms <= before.timestamp_ms || entry.delta < before.delta) {
            return false;
        }
        before = entry;
        segment->times = grown(segment->times, segment->time_count, &segment->time_capacity,
                               sizeof(*segment->times));
        segment->times[segment->time_count++] = entry;
    }
    if (before.delta >= 0) {
        segment->timestamp_max_ms = before.timestamp_ms;
        segment->timestamp_max_offset = segment->base + before.delta;
    }
    return data.bytes % TIME_BYTES == 0;
}

// The last entry of an index; *ret_there false: there is no file, or its size is none.
static mr_code last_entry(mr_log_segment *segment, size_t which, char *ret, uint64_t *ret_count,
                          bool *ret_there, mr_cx *cx) {
    size_t bytes = which == 0 ? OFFSET_BYTES : TIME_BYTES;
    mr_file file = MR_FILE_CLOSED;
    mr_code code = index_open(segment, &file, which, cx);
    *ret_there = code == MR_OK && file.bytes % bytes == 0;
    *ret_count = code == MR_OK ? file.bytes / bytes : 0;
    if (*ret_there && *ret_count > 0) {
        code = entry_read(&file, bytes, *ret_count - 1, ret, cx);
    }
    mr_file_close(&file, cx->plat);
    return code == MR_E_MISSING ? MR_OK : code;
}

// Of a sealed segment only the ends are looked at: a start must not read all of all indexes.
static mr_code ends_sane(mr_log_segment *segment, bool *ret_sane, mr_cx *cx) {
    char entry[TIME_BYTES] = "";
    uint64_t count = 0;
    MR_TRY(last_entry(segment, 0, entry, &count, ret_sane, cx));
    mr_segment_offset offset = offset_of(entry);
    if (!*ret_sane || (count > 0 && (offset.delta <= 0 || offset.position == 0 ||
                                     offset.position >= segment->bytes ||
                                     segment->base + offset.delta >= segment->next))) {
        *ret_sane = false;
        return MR_OK;
    }
    MR_TRY(last_entry(segment, 1, entry, &count, ret_sane, cx));
    mr_segment_time time = time_of(entry);
    if (*ret_sane && count > 0) {
        *ret_sane =
            time.delta >= 0 && segment->base + time.delta < segment->next && time.timestamp_ms >= 0;
        segment->timestamp_max_ms = time.timestamp_ms;
        segment->timestamp_max_offset = segment->base + time.delta;
    }
    return MR_OK;
}

mr_code mr_segment_load_indexes(mr_log_segment *segment, bool last, bool *ret_sane, mr_cx *cx) {
    bool sane = false, there = false;
    *ret_sane = false;
    mr_segment_forget_indexes(segment);
    if (last) {
        mr_span offsets = {NULL, 0}, times = {NULL, 0};
        MR_TRY(load_file(segment, 0, &offsets, &there, cx));
        sane = there && offsets_load(segment, offsets);
        MR_TRY(load_file(segment, 1, &times, &there, cx));
        sane = sane && there && times_load(segment, times);
    } else {
        MR_TRY(ends_sane(segment, &sane, cx));
    }
    if (sane) {
        MR_TRY(mr_segment_load_aborts(segment, &sane, cx));
    }
    segment->sealed = sane && !last;
    *ret_sane = sane;
    return MR_OK;
}
