// Lines: a file that can only be read from its start, in whole lines; see lines.h.

#include "conn/lines.h"

#include <inttypes.h>
#include <string.h>

#define LINES_INPUT_BYTES ((size_t)128 * 1024)

struct mr_lines {
    mr_lines_options options;
    mr_file file;           // Closed for standard input.
    uint64_t file_at;       // Next byte of the file.
    mr_expander *expander;  // NULL: not compressed.
    char *input;            // Heap, LINES_INPUT_BYTES: read and not yet expanded.
    mr_span rest;           // Of input.
    mr_hold *hold;          // Being filled.
    size_t used;            // Bytes in its buffer.
    int64_t offset;         // Of the first of them.
    bool input_end;
    bool skipping;  // Inside a line that is dropped.
};

mr_code mr_lines_open(const mr_lines_options *options, mr_lines **ret, mr_cx *cx) {
    mr_file file = MR_FILE_CLOSED;
    if (strcmp(options->path, "-") != 0) {
        MR_TRY(mr_file_open(&file, options->path, MR_OPEN_READ, cx));
    }
    mr_expander *expander = NULL;
    if (options->codec != MR_COMPRESS_NONE) {
        mr_code code = mr_expander_open(options->codec, &expander, cx);
        if (code != MR_OK) {
            mr_file_close(&file, cx->plat);
            return code;
        }
    }
    mr_lines *lines = mr_heap_alloc(sizeof(*lines));
    lines->options = *options;
    lines->file = file;
    lines->expander = expander;
    lines->input = mr_heap_raw(LINES_INPUT_BYTES);
    *ret = lines;
    return MR_OK;
}

void mr_lines_close(mr_lines *lines, mr_plat *plat) {
    if (lines == NULL) {
        return;
    }
    if (lines->hold != NULL) {
        mr_hold_unref(lines->hold);
    }
    if (lines->expander != NULL) {
        mr_expander_close(lines->expander);
    }
    mr_file_close(&lines->file, plat);
    mr_heap_free(lines->input);
    mr_heap_free(lines);
}

// Gets more input when there is none. rest stays empty when nothing is there at the moment.
static mr_code lines_input(mr_lines *lines, mr_cx *cx) {
    if (lines->rest.bytes > 0 || lines->input_end) {
        return MR_OK;
    }
    size_t got = 0;
    if (lines->file.handle >= 0) {
        MR_TRY(
            mr_file_read(&lines->file, lines->file_at, lines->input, LINES_INPUT_BYTES, &got, cx));
        lines->file_at += got;
        lines->input_end = got == 0;
    } else {
        MR_TRY(mr_stream_read(lines->input, LINES_INPUT_BYTES, /* timeout_us= */ 0, &got, cx));
        if (got == MR_STREAM_END) {
            lines->input_end = true;
            got = 0;
        }
    }
    lines->rest = (mr_span){lines->input, got};
    return MR_OK;
}

// Expanded bytes, at most `bytes`; 0 with input_end is the end, else nothing is there at the
// moment.
static mr_code lines_read(mr_lines *lines, char *out, size_t bytes, size_t *ret, mr_cx *cx) {
    *ret = 0;
    for (;;) {
        MR_TRY(lines_input(lines, cx));
        if (lines->expander == NULL) {
            *ret = MR_MIN(bytes, lines->rest.bytes);
            memcpy(out, lines->rest.data, *ret);
            lines->rest.data += *ret;
            lines->rest.bytes -= *ret;
            return MR_OK;
        }
        size_t before = lines->rest.bytes;
        mr_code code = mr_expander_read(lines->expander, &lines->rest, out, bytes, ret, cx);
        if (code != MR_OK) {
            return mr_error_in(cx, code, "%s, byte %" PRIu64, lines->options.path,
                               lines->file_at - lines->rest.bytes);
        }
        if (*ret > 0) {
            return MR_OK;
        }
        if (lines->rest.bytes == before && (before > 0 || lines->input_end)) {
            mr_assert(before == 0);  // An expander that has input makes progress.
            if (!mr_expander_at_end(lines->expander)) {
                return mr_fail(cx, MR_E_CORRUPT, "Was the file copied whole?",
                               "file \"%s\" ends inside a compressed frame", lines->options.path);
            }
            return MR_OK;
        }
        if (before == 0) {
            return MR_OK;  // Nothing from standard input at the moment.
        }
    }
}

mr_code mr_lines_seek(mr_lines *lines, int64_t offset, mr_cx *cx) {
    mr_assert(lines->offset == 0 && lines->used == 0);
    char last = '\n';
    size_t scratch_bytes = LINES_INPUT_BYTES;
    char *scratch = mr_heap_raw(scratch_bytes);
    mr_code code = MR_OK;
    while (lines->offset < offset) {
        size_t want = MR_MIN(scratch_bytes, (size_t)(offset - lines->offset));
        size_t got;
        code = lines_read(lines, scratch, want, &got, cx);
        if (code == MR_OK && got == 0) {
            code = mr_fail(cx, MR_E_MISSING, "Put the file back as it was, or start with --fresh.",
                           "file \"%s\" holds %" PRId64 " bytes, but was read up to byte %" PRId64,
                           lines->options.path, lines->offset, offset);
        }
        if (code != MR_OK) {
            break;
        }
        lines->offset += (int64_t)got;
        last = scratch[got - 1];
    }
    mr_heap_free(scratch);
    lines->skipping = last != '\n';
    return code;
}

// Makes room for more bytes in the buffer, copying what is there when it must move.
static void lines_room(mr_lines *lines, size_t bytes) {
    if (lines->hold != NULL && lines->hold->buffer_bytes - lines->used >= bytes) {
        return;
    }
    size_t capacity = MR_MAX(lines->options.chunk_bytes, lines->used * 2) + bytes;
    mr_hold *wider = mr_pool_take(lines->options.pool, capacity);
    if (lines->hold != NULL) {
        memcpy(wider->buffer, lines->hold->buffer, lines->used);
        mr_hold_unref(lines->hold);
    }
    lines->hold = wider;
}

// Hands out the first `bytes` of the buffer; what is behind them goes to a new one.
static void lines_cut(mr_lines *lines, size_t bytes, mr_lines_chunk *ret) {
    mr_hold *hold = lines->hold;
    size_t rest = lines->used - bytes;
    *ret = (mr_lines_chunk){.hold = hold, .bytes = bytes, .offset_first = lines->offset};
    lines->hold = NULL;
    lines->used = 0;
    if (rest > 0) {
        lines_room(lines, MR_MAX(rest, LINES_INPUT_BYTES));
        memcpy(lines->hold->buffer, hold->buffer + bytes, rest);
        lines->used = rest;
    }
    lines->offset += (int64_t)bytes;
    ret->offset_next = lines->offset;
}

// The buffer begins with a line that is too long: all of it that is there becomes a bad record.
static void lines_too_long(mr_lines *lines, mr_lines_chunk *ret) {
    const char *end = memchr(lines->hold->buffer, '\n', lines->used);
    size_t bytes = end == NULL ? lines->used : (size_t)(end - lines->hold->buffer) + 1;
    lines_cut(lines, bytes, ret);
    lines->skipping = end == NULL;
    ret->bytes = 0;
    ret->bad = (mr_bad_record){
        .offset = ret->offset_first,
        .raw = ret->hold->buffer,
        .raw_bytes = (uint32_t)MR_MIN(bytes, (size_t)MR_LINES_RAW_MAX),
    };
    ret->bad.reason = mr_arena_printf(&ret->hold->arena, MR_REASON_TOO_LONG ": over %zu bytes",
                                      lines->options.record_bytes_max);
}

// Drops bytes up to the end of the line.
static void lines_drop(mr_lines *lines) {
    if (lines->used == 0) {
        return;
    }
    char *data = lines->hold->buffer;
    const char *end = memchr(data, '\n', lines->used);
    size_t drop = end == NULL ? lines->used : (size_t)(end - data) + 1;
    memmove(data, data + drop, lines->used - drop);
    lines->used -= drop;
    lines->offset += (int64_t)drop;
    lines->skipping = end == NULL;
}

static bool lines_first_too_long(const mr_lines *lines) {
    size_t most = lines->options.record_bytes_max;
    return lines->used > most && memchr(lines->hold->buffer, '\n', most + 1) == NULL;
}

mr_code mr_lines_next(mr_lines *lines, mr_lines_chunk *ret, mr_lines_result *ret_result,
                      mr_cx *cx) {
    bool nothing = false;
    *ret_result = MR_LINES_TAKEN;
    for (;;) {
        if (lines->used > 0 && lines_first_too_long(lines)) {
            lines_too_long(lines, ret);
            return MR_OK;
        }
        if (lines->used > 0 && (lines->used >= lines->options.chunk_bytes || nothing)) {
            const char *data = lines->hold->buffer;
            const char *end = memrchr(data, '\n', lines->used);
            if (end != NULL) {
                lines_cut(lines, (size_t)(end - data) + 1, ret);
                return MR_OK;
            }
            if (nothing && lines->input_end) {
                lines_cut(lines, lines->used, ret);
                return MR_OK;
            }
        }
        if (nothing) {
            *ret_result = lines->input_end ? MR_LINES_END : MR_LINES_NONE;
            return MR_OK;
        }
        lines_room(lines, LINES_INPUT_BYTES);
        size_t got;
        MR_TRY(lines_read(lines, lines->hold->buffer + lines->used, LINES_INPUT_BYTES, &got, cx));
        lines->used += got;
        nothing = got == 0;
        if (lines->skipping) {
            lines_drop(lines);
        }
    }
}
