// Publish: how a file becomes part of a table; see publish.h.

#include "conn/publish.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "plat/plat.h"
#include "store/name.h"

#define PUBLISH_CHECK_BYTES ((size_t)256 * 1024)

static bool leaves_folder(const char *path) {
    mr_span rest = mr_span_of(path);
    while (rest.bytes > 0) {
        const char *slash = memchr(rest.data, '/', rest.bytes);
        size_t bytes = slash == NULL ? rest.bytes : (size_t)(slash - rest.data);
        if (mr_span_is((mr_span){rest.data, bytes}, "..")) {
            return true;
        }
        rest.data += slash == NULL ? bytes : bytes + 1;
        rest.bytes -= slash == NULL ? bytes : bytes + 1;
    }
    return false;
}

static const char *in_data_dir(const char *path, const mr_sink_spec *spec, mr_arena *arena) {
    bool inside = mr_span_starts(mr_span_of(path), "data/");
    return inside ? mr_arena_printf(arena, "%s/%s", spec->data_dir, path + strlen("data/"))
                  : mr_arena_string(arena, path);
}

const char *mr_publish_trim(const char *path, mr_arena *arena) {
    mr_span rest = mr_span_of(path);
    while (rest.bytes > 1 && (mr_span_ends(rest, "/") || mr_span_ends(rest, "/."))) {
        rest.bytes--;
    }
    return mr_arena_copy(arena, rest.data, rest.bytes);
}

mr_code mr_publish_open(mr_publish *publish, const mr_publish_options *options, mr_cx *cx) {
    const mr_sink_spec *spec = options->spec;
    mr_arena *arena = options->arena;
    const char *path = options->path == NULL ? spec->table : mr_publish_trim(options->path, arena);
    if (leaves_folder(path)) {
        return mr_fail(cx, MR_E_OPTION, "Write a path below the lake, or an absolute one.",
                       "path \"%s\" of table \"%s\" has a \"..\"", path, spec->table);
    }
    const char *dir;
    if (path[0] == '/') {
        dir = mr_arena_string(arena, path);
    } else if (options->root != NULL) {
        dir = mr_arena_printf(arena, "%s/%s", in_data_dir(options->root, spec, arena), path);
    } else if (mr_span_starts(mr_span_of(path), "data/")) {
        dir = in_data_dir(path, spec, arena);
    } else {
        dir = mr_arena_printf(arena, "%s/lake/%s", spec->data_dir, path);
    }
    publish->dir = dir;
    publish->pipeline = mr_arena_string(arena, spec->pipeline);
    publish->tmp = mr_arena_printf(arena, "%s/.tmp/%s", dir, spec->pipeline);
    publish->ending = options->ending;
    return MR_OK;
}

const char *mr_publish_name(const mr_publish *publish, const mr_publication_id *id, uint32_t number,
                            mr_arena *arena) {
    mr_name name = {
        .pipeline = mr_span_of(publish->pipeline),
        .incarnation = id->incarnation,
        .epoch = id->epoch,
        .sink = id->sink,
        .number = number,
        .ending = mr_span_of(publish->ending),
    };
    return mr_name_make(&name, arena);
}

// The final file is there: it must be the one that was committed.
static mr_code check_final(const mr_publication_file *file, bool *ret_there, mr_cx *cx) {
    mr_stat stat;
    mr_code code = mr_file_stat(file->final, &stat, cx);
    *ret_there = code == MR_OK;
    if (code == MR_E_MISSING) {
        return MR_OK;
    }
    MR_TRY(code);
    if (stat.bytes != file->bytes) {
        return mr_fail(cx, MR_E_CORRUPT, "Restore the file, or remove it and accept its loss.",
                       "file \"%s\" holds %" PRIu64 " bytes where %" PRIu64 " were committed",
                       file->final, stat.bytes, file->bytes);
    }
    return MR_OK;
}

static mr_code missing(const mr_publication *publication, const mr_publication_file *file,
                       mr_cx *cx) {
    return mr_fail(
        cx, MR_E_MISSING, "Restore one of the two from a backup, or go on with --accept-loss.",
        "%" PRIu64 " rows of epoch %" PRIu64 " are gone: neither \"%s\" nor \"%s\" is there",
        file->rows, publication->id.epoch, file->final, file->part);
}

static mr_code publish_file(const mr_publication *publication, const mr_publication_file *file,
                            mr_cx *cx) {
    MR_TRY(mr_dir_make(mr_plat_parent(file->final, cx->arena), cx));
    MR_TRY(mr_crash_point("sink.dir_made", cx));
    mr_code code = mr_file_rename(file->part, file->final, cx);
    if (code == MR_OK) {
        return mr_crash_point("sink.renamed", cx);
    }
    if (code != MR_E_EXISTS && code != MR_E_MISSING) {
        return code;
    }
    bool there;
    MR_TRY(check_final(file, &there, cx));
    if (!there && !mr_file_exists(mr_sink_taken_path(file, cx->arena), cx)) {
        return missing(publication, file, cx);
    }
    return mr_file_delete(file->part, cx);  // Published before, and the rename half remembered.
}

mr_code mr_publish_files(const mr_publish *publish, const mr_publication *publication, mr_cx *cx) {
    (void)publish;
    mr_map dirs;
    mr_map_init(&dirs, cx->arena);
    for (uint32_t i = 0; i < publication->file_count; i++) {
        const mr_publication_file *file = &publication->files[i];
        MR_TRY(publish_file(publication, file, cx));
        const char *dir = mr_plat_parent(file->final, cx->arena);
        mr_map_put(&dirs, mr_span_of(dir), (void *)(uintptr_t)dir);
    }
    for (uint32_t i = 0; i < dirs.count; i++) {
        MR_TRY(mr_dir_sync(dirs.entries[i].value, cx));
        MR_TRY(mr_crash_point("sink.dir_synced", cx));
    }
    return MR_OK;
}

static mr_code check_part(const mr_publication_file *file, mr_cx *cx) {
    mr_file in = MR_FILE_CLOSED;
    mr_code code = mr_file_open(&in, file->part, MR_OPEN_READ, cx);
    if (code == MR_E_MISSING) {
        return MR_OK;  // publish_file looks for the final one.
    }
    MR_TRY(code);
    uint64_t at = 0;
    uint32_t crc = 0;
    char *block = mr_heap_raw(PUBLISH_CHECK_BYTES);
    for (;;) {
        size_t got;
        code = mr_file_read(&in, at, block, PUBLISH_CHECK_BYTES, &got, cx);
        if (code != MR_OK || got == 0) {
            break;
        }
        crc = mr_hash_crc32c(crc, block, got);
        at += got;
    }
    mr_heap_free(block);
    mr_file_close(&in, cx->plat);
    if (code == MR_OK && (at != file->bytes || crc != file->crc)) {
        return mr_fail(cx, MR_E_CORRUPT, "Restore the file, or remove it and accept its loss.",
                       "file \"%s\" is not what was committed", file->part);
    }
    return code;
}

mr_code mr_publish_recover(const mr_publish *publish, const mr_publication *publication,
                           mr_cx *cx) {
    for (uint32_t i = 0; i < publication->file_count; i++) {
        MR_TRY(check_part(&publication->files[i], cx));
    }
    // A folder that a killed life made may be undurable: settled while the temporary is there.
    for (uint32_t i = 0; i < publication->file_count; i++) {
        const char *dir = mr_plat_parent(publication->files[i].final, cx->arena);
        MR_TRY(mr_dir_make(dir, cx));
        MR_TRY(mr_dir_settle(dir, cx));
    }
    return mr_publish_files(publish, publication, cx);
}

// A task may put a mark there at any moment, so the folder goes only when it is empty.
static mr_code clear_tmp(const mr_publish *publish, bool marks, mr_cx *cx) {
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    if (mr_file_exists(publish->tmp, cx)) {
        MR_TRY(mr_dir_list(publish->tmp, &entries, &count, cx));
    }
    for (size_t i = 0; i < count; i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/%s", publish->tmp, entries[i].name);
        if (entries[i].is_dir) {
            MR_TRY(mr_dir_delete(path, cx));
        } else if (marks || !mr_span_ends(mr_span_of(entries[i].name), MR_SINK_TAKEN)) {
            MR_TRY(mr_file_delete(path, cx));
        }
    }
    return mr_dir_delete_empty(publish->tmp, cx);
}

mr_code mr_publish_sweep(const mr_publish *publish, mr_cx *cx) {
    MR_TRY(clear_tmp(publish, /* marks= */ false, cx));
    return mr_dir_settle(publish->dir, cx);
}

mr_span mr_publish_owner(mr_span pipeline) {
    static const char *const behind[] = {MR_PUBLISH_REPLAY, MR_PUBLISH_REWRITE};
    for (size_t i = 0; i < MR_COUNT(behind); i++) {
        const char *at = memmem(pipeline.data, pipeline.bytes, behind[i], strlen(behind[i]));
        pipeline.bytes = at == NULL ? pipeline.bytes : (size_t)(at - pipeline.data);
    }
    return pipeline;
}

bool mr_publish_is_own(const mr_publish *publish, mr_span file_name) {
    mr_name name;
    return mr_name_parse(file_name, &name) && mr_span_is(name.ending, publish->ending) &&
           mr_span_is(mr_publish_owner(name.pipeline), publish->pipeline);
}

// Temporaries of replays that were not finished.
static mr_code sweep_replays(const mr_publish *publish, mr_cx *cx) {
    const char *dir = mr_arena_printf(cx->arena, "%s/.tmp", publish->dir);
    if (!mr_file_exists(dir, cx)) {
        return MR_OK;
    }
    mr_dir_entry *entries;
    size_t count;
    const char *start = mr_arena_printf(cx->arena, "%s" MR_PUBLISH_REPLAY, publish->pipeline);
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        if (mr_span_starts(mr_span_of(entries[i].name), start)) {
            MR_TRY(mr_dir_delete(mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name), cx));
        }
    }
    return MR_OK;
}

// Deletes the pipeline's files in one folder and below. *ret_empty: nothing is left in it.
static mr_code erase_folder(const mr_publish *publish, const char *dir, bool *ret_empty,
                            mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    *ret_empty = true;
    for (size_t i = 0; i < count; i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name);
        if (entries[i].is_dir) {
            bool empty = false;
            if (strchr(entries[i].name, '=') != NULL) {  // A partition; anything else is not ours.
                MR_TRY(erase_folder(publish, path, &empty, cx));
            }
            if (empty) {
                MR_TRY(mr_dir_delete(path, cx));
            }
            *ret_empty = *ret_empty && empty;
            continue;
        }
        bool ours = mr_publish_is_own(publish, mr_span_of(entries[i].name));
        if (ours) {
            MR_TRY(mr_file_delete(path, cx));
        }
        *ret_empty = *ret_empty && ours;
    }
    return MR_OK;
}

mr_code mr_publish_erase(const mr_publish *publish, mr_cx *cx) {
    if (!mr_file_exists(publish->dir, cx)) {
        return MR_OK;
    }
    bool empty;
    MR_TRY(erase_folder(publish, publish->dir, &empty, cx));
    MR_TRY(sweep_replays(publish, cx));
    MR_TRY(clear_tmp(publish, /* marks= */ true, cx));
    MR_TRY(mr_dir_settle(publish->dir, cx));
    return mr_dir_sync(publish->dir, cx);
}
