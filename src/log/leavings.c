// Leavings: what a stop at any moment may leave in a log's folder, and how a start ends it.
//
// Also: mr_log_
//
// "….deleted" and "….cleaned" are nothing any more, or not yet. "….log.swap" is a compacted segment
// that is whole and synced: it stands for all segments that its offsets reach over.

#include <string.h>

#include "log/inside.h"

#define WALK_WINDOW ((size_t)256 << 10)

int64_t mr_log_name_offset(const char *name, const char *suffix) {
    int64_t offset = 0;
    if (strlen(name) != 20 + strlen(suffix) || strcmp(name + 20, suffix) != 0 ||
        strspn(name, "0123456789") != 20 || !mr_text_parse_int64((mr_span){name, 20}, &offset)) {
        return -1;
    }
    return offset;
}

static const char *in_dir(const char *dir, const char *name, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s/%s", dir, name);
}

static bool ends_with(const char *name, const char *suffix) {
    return mr_span_ends(mr_span_of(name), suffix);
}

// A compaction that came to its rename: the segments that the new one stands for go, it gets its
// name. What it holds is whole, since it was synced before.
static mr_code swap_finish(const char *dir, const char *name, mr_cx *cx) {
    char plain[32];
    memcpy(plain, name, 20);
    memcpy(plain + 20, ".log", 5);
    int64_t base = mr_log_name_offset(plain, ".log");
    if (base < 0) {
        return mr_file_delete(in_dir(dir, name, cx), cx);
    }
    mr_log_segment *swap = mr_segment_new(dir, base, cx->plat);
    mr_code code = mr_file_open(&swap->file, in_dir(dir, name, cx), MR_OPEN_READ, cx);
    mr_segment_reader reader;
    mr_segment_reader_init(&reader, swap, 0, swap->file.bytes, WALK_WINDOW);
    mr_record_batch batch;
    int64_t next = base;
    for (bool there = code == MR_OK; there;) {
        code = mr_segment_next(&reader, /* whole= */ false, &batch, &there, cx);
        there = there && code == MR_OK;
        next = there ? batch.last_offset + 1 : next;
    }
    mr_segment_reader_release(&reader);
    mr_segment_unref(swap);
    MR_TRY(code);
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        int64_t other = mr_log_name_offset(entries[i].name, ".log");
        if (other > base && other < next) {
            MR_TRY(mr_file_delete(in_dir(dir, entries[i].name, cx), cx));
        }
    }
    static const char *const suffixes[] = {".index", ".timeindex", ".txnindex"};
    for (size_t i = 0; i < MR_COUNT(suffixes); i++) {
        memcpy(plain + 20, suffixes[i], strlen(suffixes[i]) + 1);
        MR_TRY(mr_file_delete(in_dir(dir, plain, cx), cx));
    }
    MR_TRY(mr_dir_sync(dir, cx));
    memcpy(plain + 20, ".log", 5);
    MR_TRY(mr_file_replace(in_dir(dir, name, cx), in_dir(dir, plain, cx), cx));
    return mr_dir_sync(dir, cx);
}

mr_code mr_log_clear_leavings(const char *dir, mr_cx *cx) {
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        const char *name = entries[i].name;
        if (ends_with(name, ".deleted") || strstr(name, ".cleaned") != NULL ||
            ends_with(name, ".tmp") ||
            (ends_with(name, ".swap") && !ends_with(name, ".log.swap"))) {
            MR_TRY(mr_file_delete(in_dir(dir, name, cx), cx));
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (ends_with(entries[i].name, ".log.again")) {  // See make_again in open.c.
            const char *path = in_dir(dir, entries[i].name, cx);
            MR_TRY(mr_file_replace(
                path, mr_arena_copy(cx->arena, path, strlen(path) - strlen(".again")), cx));
        }
        if (ends_with(entries[i].name, ".log.swap")) {
            MR_TRY(swap_finish(dir, entries[i].name, cx));
        }
    }
    return MR_OK;
}
