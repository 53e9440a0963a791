// Source "file", the reader's side: bytes of a claimed range to decoded lines; see source_file.c.
//
// How: the range is read straight into a hold, with the byte before it (is the first byte the start
// of a line?) and a little behind it (the end of the last line); only a longer last line is read on
// for.

#include <inttypes.h>
#include <string.h>

#include "conn/source_file.h"

#define FILE_TAIL_BYTES 4096  // Read behind a range at first, for the end of its last line.

typedef struct file_reader {
    source_file *source;
    mr_intake intake;
    mr_file file;           // Last one read.
    const file_part *part;  // The part it is of.
} file_reader;

mr_code mr_source_file_read_open(mr_source *base, mr_reader **ret, mr_cx *cx) {
    file_reader *reader = mr_heap_alloc(sizeof(*reader));
    reader->source = (source_file *)base;
    reader->file = MR_FILE_CLOSED;
    mr_code code = mr_intake_open(&reader->intake, &base->spec, cx);
    if (code != MR_OK) {
        mr_heap_free(reader);
        return code;
    }
    *ret = (mr_reader *)reader;
    return MR_OK;
}

static mr_code reader_file(file_reader *reader, const file_part *part, mr_cx *cx) {
    if (reader->part == part) {
        return MR_OK;
    }
    mr_file_close(&reader->file, cx->plat);
    reader->part = NULL;
    mr_stat stat;
    MR_TRY(mr_file_open(&reader->file, part->path, MR_OPEN_READ, cx));
    MR_TRY(mr_file_stat(part->path, &stat, cx));
    if (stat.inode != part->inode) {
        return mr_source_file_changed(part, "was replaced", cx);
    }
    reader->part = part;
    return MR_OK;
}

// A range under way: bytes [lead, lead + used) of the file are in the hold's buffer.
typedef struct file_range {
    mr_hold *hold;
    uint64_t lead;
    size_t used;
    size_t start;  // Of the first line that starts in the range.
    size_t end;    // Behind the last line.
    size_t last;   // Start of the last line.
} file_range;

// Reads on up to `bytes` in all, moving to a wider hold when needed.
static mr_code range_fill(file_reader *reader, file_range *r, size_t bytes, mr_cx *cx) {
    if (r->hold->buffer_bytes < bytes) {
        mr_hold *wider = mr_pool_take(reader->intake.pool, bytes * 2);
        memcpy(wider->buffer, r->hold->buffer, r->used);
        mr_hold_unref(r->hold);
        r->hold = wider;
    }
    size_t got;
    MR_TRY(mr_file_read(&reader->file, r->lead + r->used, r->hold->buffer + r->used,
                        bytes - r->used, &got, cx));
    if (got < bytes - r->used) {
        return mr_source_file_changed(reader->part, "shrank", cx);
    }
    r->used = bytes;
    return MR_OK;
}

// Finds the lines that start in the claim's range. *ret_long: the last of them is too long.
static mr_code range_lines(file_reader *reader, const mr_claim *claim, file_range *r,
                           bool *ret_long, mr_cx *cx) {
    uint64_t limit = ((const file_claim *)claim->data)->limit - r->lead;
    size_t need = (size_t)((uint64_t)claim->position_next - r->lead);
    size_t long_bytes = reader->source->max_record_bytes;
    *ret_long = false;
    MR_TRY(range_fill(reader, r, (size_t)MR_MIN(limit, need + FILE_TAIL_BYTES), cx));
    const char *data = r->hold->buffer;
    if (claim->position_first > 0) {
        const char *end = memchr(data, '\n', need);
        r->start = end == NULL ? need : (size_t)(end - data) + 1;
    }
    r->end = need;
    if (r->start >= need) {
        r->start = need;
        return MR_OK;
    }
    const char *before = memrchr(data + r->start, '\n', need - r->start - 1);
    r->last = before == NULL ? r->start : (size_t)(before - data) + 1;
    while (data[r->end - 1] != '\n' && r->end < limit) {
        const char *end = memchr(data + r->end, '\n', r->used - r->end);
        r->end = end == NULL ? r->used : (size_t)(end - data) + 1;
        if (end == NULL && r->end < limit && r->end - r->last <= long_bytes) {
            size_t more = r->used + MR_MAX((size_t)FILE_TAIL_BYTES * 4, r->used / 2);
            MR_TRY(range_fill(reader, r, (size_t)MR_MIN(limit, more), cx));
            data = r->hold->buffer;
        } else if (end == NULL) {
            break;
        }
    }
    size_t bytes = r->end - r->last - (data[r->end - 1] == '\n');
    *ret_long = bytes > long_bytes;
    return MR_OK;
}

static mr_code read_range(file_reader *reader, const mr_claim *claim, mr_chunk *ret, mr_cx *cx) {
    const file_claim *data = claim->data;
    const file_part *part = data->part;
    MR_TRY(reader_file(reader, part, cx));
    file_range r = {.lead = (uint64_t)MR_MAX(claim->position_first - 1, 0)};
    uint64_t bytes = (uint64_t)(claim->position_next - claim->position_first);
    r.hold = mr_pool_take(reader->intake.pool, (size_t)bytes + 1 + FILE_TAIL_BYTES);
    bool too_long;
    mr_code code = range_lines(reader, claim, &r, &too_long, cx);
    ret->hold = r.hold;
    if (code != MR_OK) {
        return code;
    }
    mr_bad_record bad = {.offset = (int64_t)(r.lead + r.last), .raw = r.hold->buffer + r.last};
    if (too_long) {
        bad.raw_bytes = (uint32_t)MR_MIN(r.end - r.last, (size_t)MR_LINES_RAW_MAX);
        bad.reason = mr_arena_printf(&r.hold->arena, MR_REASON_TOO_LONG ": over %" PRIu64 " bytes",
                                     reader->source->max_record_bytes);
        r.end = r.last;
    }
    mr_records records = {
        .base = r.hold->buffer + r.start,
        .bytes = r.end - r.start,
        .offset_first = (int64_t)(r.lead + r.start),
    };
    mr_intake_from from = {
        .topic = part->path,
        .partition = mr_i32(part->number),
        .partition_index = claim->partition,
        .timestamp_us = data->modified_us,
        .extra = &bad,
        .extra_count = too_long,
    };
    ret->bytes = bytes;
    return mr_intake_decode(&reader->intake, &records, &from, ret, cx);
}

static mr_code read_in_order(file_reader *reader, const mr_claim *claim, mr_chunk *ret, mr_cx *cx) {
    file_claim *data = claim->data;
    const file_part *part = data->part;
    const mr_lines_chunk *chunk = &data->chunk;
    ret->hold = chunk->hold;
    ret->bytes = (uint64_t)(claim->position_next - claim->position_first);
    mr_records records = {
        .base = chunk->hold->buffer,
        .bytes = chunk->bytes,
        .offset_first = chunk->offset_first,
    };
    mr_intake_from from = {
        .topic = part->path,
        .partition = mr_i32(part->number),
        .partition_index = claim->partition,
        .timestamp_us = data->modified_us,
        .extra = &chunk->bad,
        .extra_count = chunk->bad.raw != NULL,
    };
    return mr_intake_decode(&reader->intake, &records, &from, ret, cx);
}

mr_code mr_source_file_read(mr_reader *base, const mr_claim *claim, mr_chunk *ret, mr_cx *cx) {
    file_reader *reader = (file_reader *)base;
    file_claim *data = claim->data;
    mr_chunk chunk = {0};
    mr_code code = data->part->in_order ? read_in_order(reader, claim, &chunk, cx)
                                        : read_range(reader, claim, &chunk, cx);
    mr_source_file_done(reader->source, data, chunk.bytes, chunk.decoded.record_count);
    if (code != MR_OK) {
        if (chunk.hold != NULL) {
            mr_hold_unref(chunk.hold);
        }
        return code;
    }
    *ret = chunk;
    return MR_OK;
}

void mr_source_file_read_close(mr_reader *base) {
    file_reader *reader = (file_reader *)base;
    mr_intake_close(&reader->intake);
    mr_file_close(&reader->file, reader->source->plat);
    mr_heap_free(reader);
}
