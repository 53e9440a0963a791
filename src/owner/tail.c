// Tail: see tail.h.

#include "owner/tail.h"

#include <string.h>

#include "plat/plat.h"

#define PIECE ((size_t)1 << 20)  // Also the longest line that is given whole.

void mr_tail_init(mr_tails *tails, mr_arena *arena) {
    mr_map_init(&tails->by_path, arena);
}

mr_tail *mr_tail_of(mr_tails *tails, const char *path) {
    mr_arena *arena = tails->by_path.arena;
    mr_tail *tail = mr_map_get(&tails->by_path, mr_span_of(path));
    if (tail == NULL) {
        tail = MR_NEW(arena, mr_tail);
        tail->path = mr_arena_string(arena, path);
        mr_map_put(&tails->by_path, mr_span_of(path), tail);
    }
    return tail;
}

// Up to a piece of the file from *at on; *ret_size: the file's size.
static mr_code load(mr_tail *tail, uint64_t *ret_size, mr_text *out, mr_cx *cx) {
    mr_file file = MR_FILE_CLOSED;
    mr_text_clear(out);
    *ret_size = 0;
    mr_code code = mr_file_open(&file, tail->path, MR_OPEN_READ, cx);
    if (code != MR_OK) {
        return code == MR_E_MISSING ? MR_OK : code;  // It comes, or is made anew at this moment.
    }
    *ret_size = file.bytes;
    tail->at = file.bytes < tail->at ? 0 : tail->at;
    size_t bytes = (size_t)MR_MIN(file.bytes - tail->at, PIECE), got = 0;
    char *data = mr_text_grow(out, bytes);
    code = mr_file_read(&file, tail->at, data, bytes, &got, cx);
    out->bytes = got;
    mr_file_close(&file, cx->plat);
    return code;
}

mr_code mr_tail_read(mr_tail *tail, bool ended, mr_text *out, mr_cx *cx) {
    uint64_t size;
    MR_TRY(load(tail, &size, out, cx));
    const char *end = out->bytes == 0 ? NULL : memrchr(out->data, '\n', out->bytes);
    if (end != NULL) {
        out->bytes = (size_t)(end + 1 - out->data);
    } else if (!ended && out->bytes < PIECE) {
        out->bytes = 0;  // A line that is being written: next time.
    }
    tail->at += out->bytes;
    return MR_OK;
}

mr_code mr_tail_skip(mr_tail *tail, int64_t lines, mr_cx *cx) {
    mr_text text;
    mr_text_init(&text, /* arena= */ NULL);
    uint64_t size;
    mr_code code = load(tail, &size, &text, cx);
    if (code == MR_OK && size > PIECE) {
        tail->at = size - PIECE;
        code = load(tail, &size, &text, cx);
    }
    const char *end = text.bytes == 0 ? NULL : memrchr(text.data, '\n', text.bytes);
    size_t at = end == NULL ? 0 : (size_t)(end - text.data);
    while (code == MR_OK && at > 0 && (text.data[at - 1] != '\n' || --lines > 0)) {
        at--;
    }
    tail->at += at;
    mr_text_release(&text);
    return code;
}
