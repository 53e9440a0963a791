// Commit log: frames in segments; see commit_log.h.

#include "exec/commit_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define MAGIC             0x4C43524Du  // "MRCL"
#define SEGMENT_BYTES_MAX ((uint64_t)64 << 20)
#define FILE_BYTES_MAX    ((uint64_t)16 << 30)
// From this size of a record on its memory is given back at once. Only a start reads the log, and
// fresh memory for each record to come costs more than writing it.
#define FORGET_BYTES_MIN ((size_t)1 << 20)

typedef struct frame {
    uint32_t magic;
    uint32_t payload_bytes;
    uint64_t epoch;
    uint32_t crc;
    uint32_t zero;
} frame;
_Static_assert(sizeof(frame) == 24, "the frame is written as it lies in memory");

static uint32_t frame_crc(uint64_t epoch, mr_span payload) {
    uint32_t crc = mr_hash_crc32c(0, &epoch, sizeof epoch);
    return mr_hash_crc32c(crc, payload.data, payload.bytes);
}

// The frame at offset when it is whole and its checksum holds.
static bool frame_read(mr_span data, size_t offset, frame *ret, mr_span *ret_payload) {
    if (data.bytes - offset < sizeof *ret) {
        return false;
    }
    memcpy(ret, data.data + offset, sizeof *ret);
    if (ret->magic != MAGIC || ret->zero != 0 ||
        ret->payload_bytes > data.bytes - offset - sizeof *ret) {
        return false;
    }
    *ret_payload = (mr_span){data.data + offset + sizeof *ret, ret->payload_bytes};
    return frame_crc(ret->epoch, *ret_payload) == ret->crc;
}

// Whether some whole frame starts behind offset: then what is broken before it is damage, not a
// torn tail.
static bool frame_follows(mr_span data, size_t offset) {
    const uint32_t magic = MAGIC;
    while (offset + sizeof(frame) <= data.bytes) {
        const char *found = memmem(data.data + offset, data.bytes - offset, &magic, sizeof magic);
        if (found == NULL) {
            return false;
        }
        frame head;
        mr_span payload;
        size_t at = (size_t)(found - data.data);
        if (frame_read(data, at, &head, &payload)) {
            return true;
        }
        offset = at + 1;
    }
    return false;
}

static char *segment_name(uint32_t number, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "commit-%08u.log", number);
}

static char *segment_path(const mr_commit_log *log, uint32_t number, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s/%s", log->dir, segment_name(number, cx));
}

static void segment_add(mr_commit_log *log, uint32_t number) {
    if (log->segment_count == log->segment_capacity) {
        log->segment_capacity = log->segment_capacity == 0 ? 8 : 2 * log->segment_capacity;
        log->segments =
            mr_heap_resize(log->segments, log->segment_capacity * sizeof *log->segments);
    }
    log->segments[log->segment_count++] = (mr_commit_segment){.number = number};
}

static mr_code segment_replay(mr_commit_log *log, uint32_t index, mr_commit_apply apply, void *self,
                              mr_cx *cx) {
    mr_commit_segment *segment = &log->segments[index];
    char *path = segment_path(log, segment->number, cx);
    mr_span data;
    MR_TRY(mr_file_load(path, FILE_BYTES_MAX, &data, cx));
    size_t offset = 0;
    frame head;
    mr_span payload;
    while (frame_read(data, offset, &head, &payload)) {
        if (log->has_epoch && head.epoch != log->epoch_last + 1) {
            return mr_fail(cx, MR_E_CORRUPT,
                           "Restore the state folder from a copy, or start over with --fresh.",
                           "commit log \"%s\" goes from epoch %" PRIu64 " to %" PRIu64, path,
                           log->epoch_last, head.epoch);
        }
        if (segment->epoch_first == 0) {
            segment->epoch_first = head.epoch;
        }
        MR_TRY(apply(self, head.epoch, payload, cx));
        log->has_epoch = true;
        log->epoch_last = head.epoch;
        segment->last_bytes = sizeof head + payload.bytes;
        offset += segment->last_bytes;
    }
    bool last = index + 1 == log->segment_count;
    if (offset < data.bytes && (!last || frame_follows(data, offset))) {
        return mr_fail(cx, MR_E_CORRUPT,
                       "Restore the state folder from a copy, or start over with --fresh.",
                       "commit log \"%s\" is damaged at byte %zu of %zu", path, offset, data.bytes);
    }
    segment->bytes = offset;
    log->bytes += offset;
    return MR_OK;
}

static int number_compare(const void *a, const void *b) {
    uint32_t left = ((const mr_commit_segment *)a)->number;
    uint32_t right = ((const mr_commit_segment *)b)->number;
    return left < right ? -1 : left > right;
}

static mr_code segments_find(mr_commit_log *log, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(log->dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        mr_span name = mr_span_of(entries[i].name);
        int64_t number;
        bool ours = mr_span_starts(name, "commit-") && mr_span_ends(name, ".log") &&
                    name.bytes > 11 &&
                    mr_text_parse_int64((mr_span){name.data + 7, name.bytes - 11}, &number) &&
                    number >= 0 && number <= UINT32_MAX;
        if (ours && mr_span_is(name, segment_name((uint32_t)number, cx))) {
            segment_add(log, (uint32_t)number);
        }
    }
    if (log->segment_count > 0) {
        qsort(log->segments, log->segment_count, sizeof *log->segments, number_compare);
    }
    return MR_OK;
}

// Writes the last record once more in its place and syncs it. The sync that failed and stopped the
// run before may have left it in memory only, called clean: it must not count before it is durable.
static mr_code last_record_renew(mr_commit_log *log, mr_cx *cx) {
    const mr_commit_segment *last = &log->segments[log->segment_count - 1];
    if (last->last_bytes > 0) {
        char *record = mr_arena_raw(cx->arena, last->last_bytes);
        uint64_t at = last->bytes - last->last_bytes;
        size_t got;
        MR_TRY(mr_file_read(&log->file, at, record, last->last_bytes, &got, cx));
        mr_assert(got == last->last_bytes);  // It was read a moment ago, under the lock.
        MR_TRY(mr_file_overwrite(&log->file, at, (mr_span){record, got}, cx));
    }
    return mr_file_sync(&log->file, cx);
}

mr_code mr_commit_log_open(mr_commit_log *log, const char *dir, mr_commit_apply apply, void *self,
                           mr_cx *cx) {
    *log = (mr_commit_log){.file = MR_FILE_CLOSED, .segment_bytes_max = SEGMENT_BYTES_MAX};
    log->dir = mr_heap_string(dir);
    MR_TRY(mr_dir_make(dir, cx));
    MR_TRY(mr_dir_settle(dir, cx));
    MR_TRY(segments_find(log, cx));
    for (uint32_t i = 0; i < log->segment_count; i++) {
        MR_TRY(segment_replay(log, i, apply, self, cx));
    }
    if (log->segment_count == 0) {
        segment_add(log, 0);
        MR_TRY(mr_file_open(&log->file, segment_path(log, 0, cx), MR_OPEN_CREATE, cx));
        return mr_dir_sync(dir, cx);
    }
    mr_commit_segment *last = &log->segments[log->segment_count - 1];
    MR_TRY(mr_file_open(&log->file, segment_path(log, last->number, cx), MR_OPEN_APPEND, cx));
    if (log->file.bytes > last->bytes) {  // The torn tail of an append that was never acknowledged.
        MR_TRY(mr_file_truncate(&log->file, last->bytes, cx));
    }
    MR_TRY(last_record_renew(log, cx));
    return mr_dir_sync(dir, cx);
}

mr_code mr_commit_log_look(const char *dir, mr_commit_apply apply, void *self, mr_commit_log *ret,
                           mr_cx *cx) {
    mr_commit_log log = {.file = MR_FILE_CLOSED, .dir = mr_arena_string(cx->arena, dir)};
    mr_code code = segments_find(&log, cx);
    for (uint32_t i = 0; i < log.segment_count && code == MR_OK; i++) {
        code = segment_replay(&log, i, apply, self, cx);
    }
    mr_heap_free(log.segments);
    log.segments = NULL;
    log.dir = NULL;
    *ret = log;
    return code;
}

static mr_code segment_roll(mr_commit_log *log, mr_cx *cx) {
    uint32_t number = log->segments[log->segment_count - 1].number + 1;
    mr_file next;
    char *path = segment_path(log, number, cx);
    MR_TRY(mr_file_open(&next, path, MR_OPEN_CREATE, cx));
    mr_code code = mr_dir_sync(log->dir, cx);
    if (code != MR_OK) {
        mr_file_close(&next, cx->plat);
        return code;
    }
    mr_file_close(&log->file, cx->plat);
    log->file = next;
    segment_add(log, number);
    return MR_OK;
}

mr_code mr_commit_log_append(mr_commit_log *log, uint64_t epoch, mr_span payload, mr_cx *cx) {
    mr_assert(!log->failed);
    if (payload.bytes > UINT32_MAX) {
        return mr_fail(cx, MR_E_LIMIT, "Commit more often, or give the tables a shorter trigger.",
                       "epoch %" PRIu64 " has a commit record of %zu bytes", epoch, payload.bytes);
    }
    mr_commit_segment *segment = &log->segments[log->segment_count - 1];
    if (segment->bytes >= log->segment_bytes_max) {
        MR_TRY(segment_roll(log, cx));
        segment = &log->segments[log->segment_count - 1];
    }
    frame head = {.magic = MAGIC, .payload_bytes = (uint32_t)payload.bytes, .epoch = epoch};
    head.crc = frame_crc(epoch, payload);
    mr_code code = mr_file_append(&log->file, (mr_span){(const char *)&head, sizeof head}, cx);
    if (code == MR_OK) {
        code = mr_file_append(&log->file, payload, cx);
    }
    if (code !=
        MR_OK) {  // Back to the last whole record, so that a retry does not follow a torn one.
        mr_error first = cx->error;
        log->failed = mr_file_truncate(&log->file, segment->bytes, cx) != MR_OK;
        cx->error = first;
        return log->failed ? mr_error_flag(cx, code, MR_FATAL) : code;
    }
    MR_TRY(mr_crash_point("commit.appended", cx));
    code = mr_file_sync(&log->file, cx);
    if (code != MR_OK) {
        log->failed = true;  // The pages may be gone though a later fsync would say "fine".
        return mr_error_flag(cx, code, MR_FATAL);
    }
    if (payload.bytes >= FORGET_BYTES_MIN) {
        mr_file_forget(&log->file, cx);
    }
    if (segment->epoch_first == 0) {
        segment->epoch_first = epoch;
    }
    segment->last_bytes = sizeof head + payload.bytes;
    segment->bytes += segment->last_bytes;
    log->bytes += sizeof head + payload.bytes;
    return mr_crash_point("commit.synced", cx);
}

mr_code mr_commit_log_cut(mr_commit_log *log, uint64_t epoch_first, mr_cx *cx) {
    uint32_t gone = 0;
    while (gone + 1 < log->segment_count && log->segments[gone + 1].epoch_first != 0 &&
           log->segments[gone + 1].epoch_first <= epoch_first) {
        MR_TRY(mr_file_delete(segment_path(log, log->segments[gone].number, cx), cx));
        MR_TRY(mr_crash_point("commit.cut", cx));
        MR_TRY(mr_dir_sync(log->dir, cx));  // One after the other: a gap would be damage.
        log->bytes -= log->segments[gone].bytes;
        gone++;
    }
    log->segment_count -= gone;
    memmove(log->segments, log->segments + gone, log->segment_count * sizeof *log->segments);
    return MR_OK;
}

void mr_commit_log_close(mr_commit_log *log, mr_plat *plat) {
    mr_file_close(&log->file, plat);
    mr_heap_free(log->segments);
    mr_heap_free(log->dir);
    *log = (mr_commit_log){.file = MR_FILE_CLOSED};
}
