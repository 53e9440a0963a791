// Time: which record of a log is the first at or after a time, and which is the latest.
//
// Also: mr_log_
//
// Timestamps need not ascend. The time index has the greatest so far, so behind the last entry
// below the time wished is the first batch that reaches it; one batch is expanded to find the
// record.

#include <inttypes.h>
#include <string.h>

#include "log/inside.h"

#define HEADERS_WINDOW ((size_t)4096)
#define EXPANDED_MAX   ((size_t)1 << 30)

// A part of a log that may hold what is looked for.
typedef struct time_range {
    mr_log_segment *segment;  // A reference.
    uint64_t begin;
    uint64_t end;
    int64_t first;  // Records from here on …
    int64_t limit;  // … and before this.
} time_range;

// A batch's bytes, and the first of its records in range whose timestamp is time_ms or later.
static mr_code find_record(const time_range *range, uint64_t position, int64_t time_ms,
                           mr_log_found *ret, mr_cx *cx) {
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, range->segment, position, range->end, 0);
    mr_record_batch batch;
    bool found = false;
    mr_text records;
    mr_text_init(&records, NULL);
    mr_code code = mr_segment_next(&reader, /* whole= */ true, &batch, &found, cx);
    mr_record_reader walk;
    if (code == MR_OK && found) {
        code = mr_record_batch_expand(&batch, EXPANDED_MAX, &records, cx);
        code = code != MR_OK ? code : mr_record_open(&walk, &batch, mr_text_span(&records), cx);
        mr_record record;
        while (code == MR_OK && ret->offset < 0 && mr_record_next(&walk, &record)) {
            if (record.timestamp_ms >= time_ms && record.offset >= range->first &&
                record.offset < range->limit) {
                *ret = (mr_log_found){record.offset, record.timestamp_ms};
            }
        }
    }
    if (code == MR_E_CORRUPT) {
        // A client's batch that lies about what is in it: its header is all that is known of it.
        *ret = (mr_log_found){MR_MAX(batch.base_offset, range->first), batch.max_timestamp_ms};
        code = MR_OK;
    }
    mr_text_release(&records);
    mr_segment_reader_release(&reader);
    return code;
}

static mr_code find_in(const time_range *range, int64_t time_ms, mr_log_found *ret, mr_cx *cx) {
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, range->segment, range->begin, range->end, HEADERS_WINDOW);
    mr_record_batch batch;
    bool found = true;
    mr_code code = MR_OK;
    while (code == MR_OK && found && ret->offset < 0) {
        uint64_t at = reader.position;
        code = mr_segment_next(&reader, /* whole= */ false, &batch, &found, cx);
        found = found && code == MR_OK && batch.base_offset < range->limit;
        if (found && batch.max_timestamp_ms >= time_ms && batch.last_offset >= range->first &&
            batch.record_count > 0) {
            code = find_record(range, at, time_ms, ret, cx);
        }
    }
    mr_segment_reader_release(&reader);
    return code;
}

// The ranges of all segments that may hold a record at or after time_ms, in cx->arena.
static mr_code ranges_of(mr_log *log, int64_t time_ms, int64_t limit, time_range **ret,
                         uint32_t *ret_count, mr_cx *cx) {
    mr_code code = MR_OK;
    mr_mutex_lock(&log->mutex);
    uint32_t count = 0;
    time_range *ranges = MR_NEW_ARRAY(cx->arena, time_range, log->segment_count);
    for (uint32_t i = mr_log_segment_of(log, log->marks.first);
         i < log->segment_count && log->segments[i]->base < limit && code == MR_OK; i++) {
        mr_log_segment *segment = log->segments[i];
        if (segment->timestamp_max_ms < time_ms) {
            continue;
        }
        int64_t before = segment->base;
        time_range range = {.end = segment->base == log->high_base ? log->high_position
                                                                   : segment->bytes,
                            .first = log->marks.first,
                            .limit = limit};
        code = mr_segment_open(segment, cx);
        code = code != MR_OK ? code : mr_segment_seek_time(segment, time_ms, &before, cx);
        code = code != MR_OK
                   ? code
                   : mr_segment_seek(segment, MR_MAX(before, log->marks.first), &range.begin, cx);
        if (code == MR_OK) {
            range.begin = MR_MIN(range.begin, range.end);
            range.segment = mr_segment_ref(segment);
            ranges[count++] = range;
        }
    }
    mr_mutex_unlock(&log->mutex);
    *ret = ranges;
    *ret_count = count;
    return code;
}

mr_code mr_log_find_time(mr_log *log, int64_t time_ms, mr_log_isolation isolation,
                         mr_log_found *ret, mr_cx *cx) {
    *ret = (mr_log_found){-1, -1};
    mr_log_marks marks = mr_log_marks_of(log);
    int64_t limit = isolation == MR_LOG_COMMITTED ? marks.stable : marks.high;
    time_range *ranges = NULL;
    uint32_t count = 0;
    mr_code code = ranges_of(log, time_ms, limit, &ranges, &count, cx);
    for (uint32_t i = 0; i < count; i++) {
        if (code == MR_OK && ret->offset < 0) {
            code = find_in(&ranges[i], time_ms, ret, cx);
        }
        mr_segment_unref(ranges[i].segment);
    }
    return code;
}

// The greatest timestamp in the headers of a range.
static mr_code greatest_in(const time_range *range, int64_t *ret, mr_cx *cx) {
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, range->segment, range->begin, range->end, HEADERS_WINDOW);
    mr_record_batch batch;
    bool found = true;
    mr_code code = MR_OK;
    while (code == MR_OK && found) {
        code = mr_segment_next(&reader, /* whole= */ false, &batch, &found, cx);
        if (code == MR_OK && found && batch.last_offset >= range->first &&
            batch.base_offset < range->limit && batch.record_count > 0) {
            *ret = MR_MAX(*ret, batch.max_timestamp_ms);
        }
    }
    mr_segment_reader_release(&reader);
    return code;
}

mr_code mr_log_find_latest(mr_log *log, mr_log_found *ret, mr_cx *cx) {
    *ret = (mr_log_found){-1, -1};
    int64_t greatest = -1, segment_max = -1;
    mr_mutex_lock(&log->mutex);
    int64_t limit = log->marks.high;
    for (uint32_t i = mr_log_segment_of(log, log->marks.first); i < log->segment_count; i++) {
        const mr_log_segment *segment = log->segments[i];
        segment_max = MR_MAX(segment_max, segment->timestamp_max_ms);
    }
    mr_mutex_unlock(&log->mutex);
    if (segment_max < 0) {
        return MR_OK;
    }
    MR_TRY(mr_log_find_time(log, segment_max, MR_LOG_UNCOMMITTED, ret, cx));
    if (ret->offset >= 0) {
        return MR_OK;
    }
    // It is in what is not durable yet, or deleted: look at all headers.
    time_range *ranges = NULL;
    uint32_t count = 0;
    mr_code code = ranges_of(log, 0, limit, &ranges, &count, cx);
    for (uint32_t i = 0; i < count; i++) {
        code = code != MR_OK ? code : greatest_in(&ranges[i], &greatest, cx);
        mr_segment_unref(ranges[i].segment);
    }
    MR_TRY(code);
    return greatest < 0 ? MR_OK : mr_log_find_time(log, greatest, MR_LOG_UNCOMMITTED, ret, cx);
}
