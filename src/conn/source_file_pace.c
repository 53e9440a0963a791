// Source "file", how fast: claims under max_rows_per_trigger and max_rate_per_partition.
//
// Why: claiming a range of a plain file reads nothing, so it does not know how many lines it holds.
// Under a limit the claim looks for the line ends itself and cuts the range behind the last one
// that is allowed; that costs a second look at the bytes, which does not matter at a limited pace.
// Compressed files and standard input come in chunks that are already expanded: their lines are
// counted, and what was too much is waited for.

#include <string.h>

#include "conn/source_file.h"

#define PACE_BLOCK_BYTES 65536

static bool pace_limited(const source_file *s) {
    return s->max_rows_per_trigger > 0 || s->max_rate_per_partition > 0;
}

static void pace_taken(source_file *s, file_part *part, uint64_t lines) {
    part->pace.rows += lines;
    s->rows_now += lines;
}

uint64_t mr_source_file_pace_room(source_file *s, file_part *part, mr_cx *cx) {
    if (!pace_limited(s)) {
        return UINT64_MAX;
    }
    int64_t now_us = mr_clock_monotonic_us(cx->plat);
    return MR_MIN(mr_pace_left(s->max_rows_per_trigger, s->rows_now),
                  mr_pace_room(&part->pace, s->max_rate_per_partition, now_us));
}

// Counts line ends of data until there are `most` in *count. Returns the offset behind the last one
// that was counted now, 0 when none was.
static size_t pace_lines(mr_span data, uint64_t most, uint64_t *count) {
    size_t at = 0;
    while (*count < most) {
        const char *end = memchr(data.data + at, '\n', data.bytes - at);
        if (end == NULL) {
            return at;
        }
        at = (size_t)(end - data.data) + 1;
        (*count)++;
    }
    return at;
}

mr_code mr_source_file_pace_cut(source_file *s, file_part *part, int64_t first, int64_t *next,
                                uint64_t room, mr_cx *cx) {
    mr_assert(room > 0 && first < *next);
    mr_file file = MR_FILE_CLOSED;
    MR_TRY(mr_file_open(&file, part->path, MR_OPEN_READ, cx));
    char *block = mr_heap_raw(PACE_BLOCK_BYTES);
    uint64_t lines = 0;
    int64_t at = first;
    int64_t behind = first;  // The last line end.
    mr_code code = MR_OK;
    while (code == MR_OK && at < *next && lines < room) {
        size_t bytes = (size_t)MR_MIN(*next - at, (int64_t)PACE_BLOCK_BYTES);
        size_t got = 0;
        code = mr_file_read(&file, (uint64_t)at, block, bytes, &got, cx);
        if (code == MR_OK && got < bytes) {
            code = mr_source_file_changed(part, "shrank", cx);
        }
        if (code == MR_OK) {
            size_t end = pace_lines((mr_span){block, bytes}, room, &lines);
            behind = end > 0 ? at + (int64_t)end : behind;
            at += (int64_t)bytes;
        }
    }
    mr_heap_free(block);
    mr_file_close(&file, cx->plat);
    MR_TRY(code);
    // A piece of a long line is let through, and counts as a line each time.
    *next = lines > 0 ? behind : *next;
    pace_taken(s, part, MR_MAX(lines, (uint64_t)1));
    return MR_OK;
}

void mr_source_file_pace_count(source_file *s, file_part *part, mr_span lines) {
    if (pace_limited(s)) {
        uint64_t count = 0;
        (void)pace_lines(lines, UINT64_MAX, &count);
        pace_taken(s, part, count);
    }
}
