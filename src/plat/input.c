// Input: see input.h.

#include "plat/input.h"

#include <string.h>

#define CHUNK_BYTES ((size_t)256 << 10)

void mr_input_init(mr_input *lines, const char *const *files, uint32_t file_count) {
    *lines = (mr_input){.files = files, .file_count = file_count, .file = MR_FILE_CLOSED};
    mr_text_init(&lines->buffer, NULL);
}

void mr_input_release(mr_input *lines, mr_plat *plat) {
    mr_file_close(&lines->file, plat);
    mr_text_release(&lines->buffer);
}

const char *mr_input_file(const mr_input *lines) {
    return lines->is_stdin ? "standard input" : lines->files[lines->turn];
}

// Reads more behind what is not used yet.
static mr_code read_more(mr_input *lines, int64_t timeout_us, size_t *ret_bytes, mr_cx *cx) {
    mr_text *b = &lines->buffer;
    if (lines->used > 0) {
        memmove(b->data, b->data + lines->used, b->bytes - lines->used);
        b->bytes -= lines->used;
        lines->used = 0;
    }
    char *to = mr_text_grow(b, CHUNK_BYTES);
    b->bytes -= CHUNK_BYTES;
    size_t bytes = 0;
    if (lines->is_stdin) {
        MR_TRY(mr_stream_read(to, CHUNK_BYTES, timeout_us, &bytes, cx));
        lines->at_end = bytes == MR_STREAM_END;
        bytes = lines->at_end ? 0 : bytes;
    } else {
        MR_TRY(mr_file_read(&lines->file, lines->offset, to, CHUNK_BYTES, &bytes, cx));
        lines->offset += bytes;
        lines->at_end = bytes < CHUNK_BYTES;
    }
    b->bytes += bytes;
    *ret_bytes = bytes;
    return MR_OK;
}

static mr_code open_next(mr_input *lines, mr_cx *cx) {
    lines->is_stdin = strcmp(lines->files[lines->turn], "-") == 0;
    lines->is_open = true;
    lines->at_end = false;
    lines->offset = 0;
    lines->number = 0;
    return lines->is_stdin
               ? MR_OK
               : mr_file_open(&lines->file, lines->files[lines->turn], MR_OPEN_READ, cx);
}

mr_code mr_input_next(mr_input *lines, int64_t timeout_us, mr_span *ret, bool *ret_found,
                      bool *ret_end, mr_cx *cx) {
    *ret_found = false;
    *ret_end = false;
    size_t looked = 0;  // Bytes without the end of a line.
    while (lines->turn < lines->file_count) {
        if (!lines->is_open) {
            MR_TRY(open_next(lines, cx));
        }
        const mr_text *b = &lines->buffer;
        size_t left = b->bytes - lines->used;
        const char *at = left == 0 ? NULL : b->data + lines->used;
        const char *end = left == looked ? NULL : memchr(at + looked, '\n', left - looked);
        if (end != NULL || (lines->at_end && left > 0)) {
            size_t bytes = end == NULL ? left : (size_t)(end - at);
            *ret = (mr_span){at, bytes};
            *ret_found = true;
            lines->used += bytes + (end != NULL);
            lines->number++;
            return MR_OK;
        }
        looked = left;
        if (lines->at_end) {
            mr_file_close(&lines->file, cx->plat);
            lines->is_open = false;
            lines->turn++;
            looked = 0;
            continue;
        }
        size_t bytes;
        MR_TRY(read_more(lines, timeout_us, &bytes, cx));
        if (bytes == 0 && !lines->at_end) {
            return MR_OK;
        }
    }
    *ret_end = true;
    return MR_OK;
}
