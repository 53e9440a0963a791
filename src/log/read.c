// Read: runs of batches out of a log, and searches by time.
//
// Also: mr_log_
//
// Where to begin and end is found with the index and a walk over the headers behind it; the bytes
// are not touched here: who reads sends them from the file, or copies them. Only what is searched
// in memory is searched under the mutex.

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log/inside.h"

#define HEADERS_WINDOW ((size_t)4096)

// ---- slices ----------------------------------------------------------------------------------

// Where a read looks.
typedef struct read_plan {
    mr_log_segment *segment;  // A reference; NULL: there is nothing to be read, or an error.
    uint64_t begin;           // At or before the batch that is wished.
    uint64_t jump;            // A batch behind it that may be shown, not far before the end.
    uint64_t end;             // Nothing from here on is shown …
    int64_t limit;            // … or from this offset on.
    int64_t next;             // Where the segment after it begins.
    bool seek_later;          // Its indexes are files, which are not read under the mutex.
} read_plan;

static mr_code plan_seek(read_plan *plan, const mr_log_wish *wish, mr_cx *cx) {
    uint64_t by_limit = 0, by_bytes = 0;
    MR_TRY(mr_segment_seek(plan->segment, wish->offset, &plan->begin, cx));
    MR_TRY(mr_segment_seek(plan->segment, plan->limit - 1, &by_limit, cx));
    uint64_t far = MR_MIN(plan->begin + MR_MIN(wish->bytes_max, plan->end), plan->end);
    MR_TRY(mr_segment_seek_position(plan->segment, far == 0 ? 0 : far - 1, &by_bytes, cx));
    plan->jump = MR_MIN(by_limit, by_bytes);
    return MR_OK;
}

// How far a reader may see into a segment.
static uint64_t visible_bytes(const mr_log *log, const mr_log_segment *segment) {
    if (segment->base == log->high_base) {
        return log->high_position;
    }
    return segment->base < log->high_base ? segment->bytes : 0;
}

// Under the mutex, and so without looking at files; those of a sealed segment are its caller's.
static mr_code plan_begin(mr_log *log, const mr_log_wish *wish, read_plan *ret, int16_t *ret_error,
                          mr_cx *cx) {
    *ret = (read_plan){.segment = NULL};
    *ret_error = MR_KAFKA_NONE;
    if (log->offline) {
        *ret_error = mr_log_refusal(log);
        return MR_OK;
    }
    if (wish->offset < log->marks.first || wish->offset > log->marks.next) {
        *ret_error = MR_KAFKA_OFFSET_OUT_OF_RANGE;
        return MR_OK;
    }
    ret->limit = wish->isolation == MR_LOG_COMMITTED ? log->marks.stable : log->marks.high;
    if (wish->offset >= ret->limit) {
        return MR_OK;
    }
    uint32_t index = mr_log_segment_of(log, wish->offset);
    mr_log_segment *segment = log->segments[index];
    ret->next = index + 1 < log->segment_count ? log->segments[index + 1]->base : ret->limit;
    ret->seek_later = segment->sealed;
    MR_TRY(mr_segment_open(segment, cx));
    ret->end = visible_bytes(log, segment);
    ret->segment = segment;
    mr_code code = segment->sealed ? MR_OK : plan_seek(ret, wish, cx);
    ret->segment = code == MR_OK ? mr_segment_ref(segment) : NULL;
    return code;
}

static mr_code plan_damaged(const mr_segment_reader *reader, mr_cx *cx) {
    return mr_fail(cx, MR_E_CORRUPT,
                   "Is the disk sound? The next start without a clean stop cuts the log there.",
                   "\"%s\" is damaged at byte %" PRIu64 ": %s", reader->segment->file.path,
                   reader->position, reader->damage);
}

// The batch that holds the offset, or the first one behind it.
static mr_code slice_begin(const read_plan *plan, int64_t offset, mr_log_slice *ret, mr_cx *cx) {
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, plan->segment, plan->begin, plan->end, HEADERS_WINDOW);
    mr_record_batch batch;
    bool found = true;
    mr_code code = MR_OK;
    while (found && ret->bytes == 0) {
        uint64_t at = reader.position;
        code = mr_segment_next(&reader, /* whole= */ false, &batch, &found, cx);
        found = found && code == MR_OK && batch.base_offset < plan->limit;
        if (found && batch.last_offset >= offset) {
            ret->position = at;
            ret->bytes = reader.position - at;
            ret->first_offset = batch.base_offset;
            ret->next_offset = batch.last_offset + 1;
        }
    }
    if (code == MR_OK && reader.damage != NULL) {
        code = plan_damaged(&reader, cx);
    }
    mr_segment_reader_release(&reader);
    return code;
}

// Adds what follows, as far as bytes_max goes.
static mr_code slice_extend(const read_plan *plan, uint64_t bytes_max, mr_log_slice *slice,
                            mr_cx *cx) {
    uint64_t first_end = slice->position + slice->bytes;
    uint64_t end = slice->position + MR_MIN(bytes_max, plan->end - slice->position);
    uint64_t from = MR_MAX(first_end, MR_MIN(plan->jump, end));
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, plan->segment, from, plan->end, HEADERS_WINDOW);
    mr_record_batch batch;
    bool found = from < end;
    mr_code code = MR_OK;
    while (found) {
        uint64_t at = reader.position;
        code = mr_segment_next(&reader, /* whole= */ false, &batch, &found, cx);
        // Damage that nobody has looked for yet must not send a reader back, or round and round.
        found = found && code == MR_OK && batch.base_offset < plan->limit &&
                batch.base_offset >= slice->next_offset;
        if (found && at == from && from > first_end) {
            slice->bytes = from - slice->position;  // What was jumped over.
            slice->next_offset = batch.base_offset;
        }
        found = found && reader.position <= end;
        if (found) {
            slice->bytes = reader.position - slice->position;
            slice->next_offset = batch.last_offset + 1;
        }
    }
    mr_segment_reader_release(&reader);
    return code;
}

// In one segment. ret->bytes 0: nothing there.
static mr_code read_segment(mr_log *log, const mr_log_wish *wish, mr_log_slice *ret,
                            int16_t *ret_error, mr_cx *cx) {
    read_plan plan;
    *ret = (mr_log_slice){.segment = NULL};
    mr_mutex_lock(&log->mutex);
    mr_code code = plan_begin(log, wish, &plan, ret_error, cx);
    mr_mutex_unlock(&log->mutex);
    if (code != MR_OK || plan.segment == NULL) {
        return code;
    }
    if (plan.seek_later) {
        code = plan_seek(&plan, wish, cx);
    }
    ret->segment = plan.segment;
    ret->next_offset = MR_MIN(plan.next, plan.limit);
    if (code == MR_OK) {
        code = slice_begin(&plan, wish->offset, ret, cx);
    }
    if (code == MR_OK && ret->bytes > wish->bytes_max && !wish->at_least_one) {
        ret->bytes = 0;
        ret->next_offset = wish->offset;
    } else if (code == MR_OK && ret->bytes > 0 && ret->bytes < wish->bytes_max) {
        code = slice_extend(&plan, wish->bytes_max, ret, cx);
    }
    return code;
}

mr_code mr_log_read(mr_log *log, const mr_log_wish *wish, mr_log_slice *ret, int16_t *ret_error,
                    mr_cx *cx) {
    mr_log_wish now = *wish;
    for (;;) {
        mr_log_slice slice;
        mr_code code = read_segment(log, &now, &slice, ret_error, cx);
        if (code == MR_OK && slice.segment != NULL && slice.bytes > 0) {
            *ret = slice;
            return MR_OK;
        }
        int64_t next = slice.segment == NULL ? now.offset : slice.next_offset;
        mr_segment_unref(slice.segment);
        *ret = (mr_log_slice){.segment = NULL};
        // A segment may end, after compaction, before the next one begins.
        if (code != MR_OK || next <= now.offset) {
            return code;
        }
        now.offset = next;
    }
}

void mr_log_slice_release(mr_log_slice *slice) {
    mr_segment_unref(slice->segment);
    *slice = (mr_log_slice){.segment = NULL};
}

mr_code mr_log_slice_load(const mr_log_slice *slice, uint64_t at, void *data, size_t bytes,
                          mr_cx *cx) {
    mr_assert(slice->segment != NULL && at + bytes <= slice->bytes);
    size_t got = 0;
    MR_TRY(mr_file_read(&slice->segment->file, slice->position + at, data, bytes, &got, cx));
    if (got < bytes) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "\"%s\" is shorter than its log",
                       slice->segment->file.path);
    }
    return MR_OK;
}

const mr_file *mr_log_slice_file(const mr_log_slice *slice) {
    mr_assert(slice->segment != NULL);
    return &slice->segment->file;
}

// ---- aborted transactions --------------------------------------------------------------------

static int compare_aborted(const void *a, const void *b) {
    const mr_log_aborted *left = a, *right = b;
    return left->first_offset < right->first_offset ? -1 : left->first_offset > right->first_offset;
}

// The first entry that ends at or behind `from`.
static uint32_t aborts_from(const mr_log_segment *segment, int64_t from) {
    uint32_t low = 0, high = segment->abort_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (segment->aborts[middle].aborted.last_offset < from) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// Under the mutex.
static void aborted_add(const mr_log *log, int64_t from, int64_t to, mr_text *list) {
    bool done = false;
    for (uint32_t s = mr_log_segment_of(log, from); s < log->segment_count && !done; s++) {
        const mr_log_segment *segment = log->segments[s];
        for (uint32_t i = aborts_from(segment, from); i < segment->abort_count && !done; i++) {
            const mr_segment_abort *entry = &segment->aborts[i];
            if (entry->aborted.first_offset < to) {
                mr_text_add_bytes(list, &entry->aborted, sizeof(entry->aborted));
            }
            done = entry->stable >= to;  // What ends later began behind it.
        }
    }
}

static void aborted_sort(const mr_text *list, mr_log_aborted **ret, uint32_t *ret_count,
                         mr_cx *cx) {
    *ret_count = (uint32_t)(list->bytes / sizeof(mr_log_aborted));
    *ret = MR_NEW_ARRAY(cx->arena, mr_log_aborted, *ret_count);
    if (*ret_count > 0) {
        memcpy(*ret, list->data, list->bytes);
        qsort(*ret, *ret_count, sizeof(**ret), compare_aborted);
    }
}

void mr_log_aborted_of(mr_log *log, const mr_log_slice *slice, mr_log_aborted **ret,
                       uint32_t *ret_count, bool *ret_stale, mr_cx *cx) {
    mr_assert(slice->segment != NULL);
    mr_text list;
    mr_text_init(&list, cx->arena);
    mr_mutex_lock(&log->mutex);
    // As long as the segment is the log's, its data and the entries about them go together:
    // compaction takes an entry only in a run behind the one that took the data.
    *ret_stale = log->segments[mr_log_segment_of(log, slice->first_offset)] != slice->segment;
    if (!*ret_stale) {
        aborted_add(log, slice->first_offset, slice->next_offset, &list);
    }
    mr_mutex_unlock(&log->mutex);
    aborted_sort(&list, ret, ret_count, cx);
}

mr_code mr_log_aborted_in(mr_log *log, int64_t from, int64_t to, mr_log_aborted **ret,
                          uint32_t *ret_count, mr_cx *cx) {
    mr_text list;
    mr_text_init(&list, cx->arena);
    mr_mutex_lock(&log->mutex);
    int64_t first = log->segments[0]->base;
    if (from >= first) {
        aborted_add(log, from, to, &list);
    }
    mr_mutex_unlock(&log->mutex);
    if (from < first) {
        return mr_fail(
            cx, MR_E_MISSING, "Keep records longer, or start with --fresh and accept the loss.",
            "topic \"%s\", partition %" PRId32 ": what was aborted behind offset %" PRId64
            " is gone with its records; available are those from %" PRId64 " on",
            log->topic, log->partition, from, first);
    }
    aborted_sort(&list, ret, ret_count, cx);
    return MR_OK;
}
