// File: files that are written at their end and read anywhere; see plat.h.
//
// Also: mr_disk_
//
// What is common to the real and the simulated disk: short writes are continued, errors get their
// words, and a failed append leaves the file as it was. A failed sync is fatal whatever its reason:
// the kernel may have dropped the pages and call them clean (Rebello et al., USENIX ATC 2020).

#include <inttypes.h>
#include <string.h>

#include "plat/plat_ops.h"

mr_code mr_file_open(mr_file *file, const char *path, mr_open_mode mode, mr_cx *cx) {
    uint64_t bytes = 0;
    int handle = cx->plat->ops->open(cx->plat, path, mode, &bytes);
    if (handle < 0) {
        bool makes = mode != MR_OPEN_READ && mode != MR_OPEN_APPEND;
        return plat_fail(cx, -handle, makes ? "create" : "open", path);
    }
    *file = (mr_file){.handle = handle, .bytes = bytes, .path = mr_heap_string(path)};
    return MR_OK;
}

void mr_file_close(mr_file *file, mr_plat *plat) {
    if (file->handle >= 0) {
        plat->ops->close(plat, file->handle);
        mr_heap_free(file->path);
    }
    *file = MR_FILE_CLOSED;
}

mr_code mr_file_append(mr_file *file, mr_span data, mr_cx *cx) {
    mr_assert(file->handle >= 0);
    uint64_t at = file->bytes;
    while (data.bytes > 0) {
        int64_t wrote = cx->plat->ops->write(cx->plat, file->handle, at, data);
        if (wrote <= 0) {
            // Nothing of a failed append stays behind the end; if this fails too, the next append
            // overwrites it.
            cx->plat->ops->truncate(cx->plat, file->handle, file->bytes);
            return plat_fail(cx, wrote == 0 ? EIO : (int)-wrote, "write", file->path);
        }
        mr_assert((uint64_t)wrote <= data.bytes);
        at += (uint64_t)wrote;
        data.data += wrote;
        data.bytes -= (size_t)wrote;
    }
    file->bytes = at;
    return MR_OK;
}

// Pieces from byte `skip` of all of them on, as they are to be written now.
static uint32_t parts_behind(const mr_span *parts, uint32_t count, uint64_t skip, mr_span *ret) {
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t gone = (size_t)MR_MIN(skip, (uint64_t)parts[i].bytes);
        skip -= gone;
        if (gone < parts[i].bytes) {
            ret[left++] = (mr_span){parts[i].data + gone, parts[i].bytes - gone};
        }
    }
    return left;
}

#define PARTS_MAX 8

mr_code mr_file_append_parts(mr_file *file, const mr_span *parts, uint32_t count, mr_cx *cx) {
    mr_assert(file->handle >= 0 && count <= PARTS_MAX);
    const mr_plat_ops *ops = cx->plat->ops;
    uint64_t done = 0;
    mr_span now[PARTS_MAX];
    for (uint32_t left; (left = parts_behind(parts, count, done, now)) > 0;) {
        uint64_t at = file->bytes + done;
        int64_t wrote = ops->write_parts != NULL
                            ? ops->write_parts(cx->plat, file->handle, at, now, left)
                            : ops->write(cx->plat, file->handle, at, now[0]);
        if (wrote <= 0) {
            ops->truncate(cx->plat, file->handle, file->bytes);  // As in mr_file_append.
            return plat_fail(cx, wrote == 0 ? EIO : (int)-wrote, "write", file->path);
        }
        done += (uint64_t)wrote;
    }
    file->bytes += done;
    return MR_OK;
}

mr_code mr_file_allocate(mr_file *file, uint64_t from, uint64_t to, mr_cx *cx) {
    mr_assert(file->handle >= 0 && from < to);
    const mr_plat_ops *ops = cx->plat->ops;
    int error = ops->allocate == NULL ? 0 : ops->allocate(cx->plat, file->handle, from, to);
    if (error == -EOPNOTSUPP || error == -ENOSYS) {
        return MR_OK;
    }
    return error < 0 ? plat_fail(cx, -error, "reserve room for", file->path) : MR_OK;
}

mr_code mr_disk_open(mr_disk *disk, const char *path, mr_cx *cx) {
    const mr_plat_ops *ops = cx->plat->ops;
    int handle = ops->disk_open == NULL ? -EOPNOTSUPP : ops->disk_open(cx->plat, path);
    if (handle < 0) {
        return plat_fail(cx, -handle, "open", path);
    }
    *disk = (mr_disk){.handle = handle, .path = mr_heap_string(path)};
    return MR_OK;
}

mr_code mr_disk_sync(mr_disk *disk, mr_cx *cx) {
    mr_assert(disk->handle >= 0);
    int error = cx->plat->ops->disk_sync(cx->plat, disk->handle);
    if (error == -EOPNOTSUPP) {
        return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "this kernel does not tell failures of syncfs");
    }
    return error < 0 ? plat_sync_fail(cx, -error, disk->path) : MR_OK;
}

void mr_disk_close(mr_disk *disk, mr_plat *plat) {
    if (disk->handle >= 0) {
        plat->ops->close(plat, disk->handle);
        mr_heap_free(disk->path);
    }
    *disk = MR_DISK_CLOSED;
}

mr_code mr_file_overwrite(mr_file *file, uint64_t offset, mr_span data, mr_cx *cx) {
    mr_assert(file->handle >= 0 && offset + data.bytes <= file->bytes);
    while (data.bytes > 0) {
        int64_t wrote = cx->plat->ops->write(cx->plat, file->handle, offset, data);
        if (wrote <= 0) {
            return plat_fail(cx, wrote == 0 ? EIO : (int)-wrote, "write", file->path);
        }
        mr_assert((uint64_t)wrote <= data.bytes);
        offset += (uint64_t)wrote;
        data.data += wrote;
        data.bytes -= (size_t)wrote;
    }
    return MR_OK;
}

mr_code mr_file_read(mr_file *file, uint64_t offset, void *data, size_t bytes, size_t *ret_bytes,
                     mr_cx *cx) {
    mr_assert(file->handle >= 0);
    size_t done = 0;
    while (done < bytes) {
        int64_t got = cx->plat->ops->read(cx->plat, file->handle, offset + done,
                                          (char *)data + done, bytes - done);
        if (got < 0) {
            mr_code code = plat_fail(cx, (int)-got, "read", file->path);
            return mr_error_in(cx, code, "reading %zu bytes at offset %llu", bytes,
                               (unsigned long long)offset);
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    *ret_bytes = done;
    return MR_OK;
}

mr_code mr_file_sync(mr_file *file, mr_cx *cx) {
    mr_assert(file->handle >= 0);
    int error = cx->plat->ops->sync(cx->plat, file->handle);
    return error < 0 ? plat_sync_fail(cx, -error, file->path) : MR_OK;
}

mr_code mr_file_truncate(mr_file *file, uint64_t bytes, mr_cx *cx) {
    mr_assert(file->handle >= 0);
    int error = cx->plat->ops->truncate(cx->plat, file->handle, bytes);
    if (error < 0) {
        return plat_fail(cx, -error, "truncate", file->path);
    }
    file->bytes = bytes;
    return MR_OK;
}

void mr_file_forget(const mr_file *file, mr_cx *cx) {
    mr_assert(file->handle >= 0);
    if (cx->plat->ops->forget != NULL) {
        cx->plat->ops->forget(cx->plat, file->handle, file->bytes);
    }
}

mr_code mr_file_stat(const char *path, mr_stat *ret, mr_cx *cx) {
    int error = cx->plat->ops->stat(cx->plat, path, ret);
    return error < 0 ? plat_fail(cx, -error, "look at", path) : MR_OK;
}

bool mr_file_exists(const char *path, mr_cx *cx) {
    mr_stat stat;
    return cx->plat->ops->stat(cx->plat, path, &stat) == 0;
}

#define LOAD_CHUNK_BYTES 65536

// Reads to the end: the size at open is a hint only (files of /proc and pipes have none).
static mr_code load_open(mr_file *file, uint64_t bytes_max, mr_text *out, mr_cx *cx) {
    for (;;) {
        size_t want =
            out->bytes <= file->bytes ? (size_t)(file->bytes - out->bytes) + 1 : LOAD_CHUNK_BYTES;
        size_t before = out->bytes, got = 0;
        char *at = mr_text_grow(out, want);
        mr_code code = mr_file_read(file, before, at, want, &got, cx);
        out->bytes = before + (code == MR_OK ? got : 0);
        out->data[out->bytes] = '\0';
        MR_TRY(code);
        if (out->bytes > bytes_max) {
            return mr_fail(cx, MR_E_LIMIT, NULL, "\"%s\" is larger than %llu bytes", file->path,
                           (unsigned long long)bytes_max);
        }
        if (got < want) {
            return MR_OK;
        }
    }
}

mr_code mr_file_load(const char *path, uint64_t bytes_max, mr_span *ret, mr_cx *cx) {
    mr_file file;
    MR_TRY(mr_file_open(&file, path, MR_OPEN_READ, cx));
    mr_text text;
    mr_text_init(&text, cx->arena);
    mr_code code;
    if (file.bytes > bytes_max) {
        code = mr_fail(cx, MR_E_LIMIT, NULL, "\"%s\" has %llu bytes, the limit is %llu", path,
                       (unsigned long long)file.bytes, (unsigned long long)bytes_max);
    } else {
        mr_text_reserve(&text, (size_t)file.bytes + 1);  // One more finds the end.
        code = load_open(&file, bytes_max, &text, cx);
    }
    mr_file_close(&file, cx->plat);
    if (code == MR_OK) {
        *ret = mr_text_span(&text);
    }
    return code;
}

static mr_code rename_to(const char *from, const char *to, bool replace, mr_cx *cx) {
    int error = cx->plat->ops->rename(cx->plat, from, to, replace);
    if (error >= 0) {
        return MR_OK;
    }
    mr_code code = plat_fail(cx, -error, "rename", from);
    return code == MR_E_CRASH ? code : mr_error_in(cx, code, "renaming it to \"%s\"", to);
}

mr_code mr_file_rename(const char *from, const char *to, mr_cx *cx) {
    return rename_to(from, to, /* replace= */ false, cx);
}

mr_code mr_file_replace(const char *from, const char *to, mr_cx *cx) {
    return rename_to(from, to, /* replace= */ true, cx);
}

// An error of two paths: the second one is told beside the first.
static mr_code two_paths(int error, const char *verb, const char *a, const char *b, mr_cx *cx) {
    if (error >= 0) {
        return MR_OK;
    }
    if (error == -EOPNOTSUPP || error == -EXDEV) {
        return mr_fail(cx, MR_E_UNSUPPORTED,
                       "Use one of Linux's own, such as ext4 or xfs, for both of them.",
                       "the file system cannot %s \"%s\" %s \"%s\"", verb, a,
                       error == -EXDEV ? "across two file systems, with" : "and", b);
    }
    return mr_error_in(cx, plat_fail(cx, -error, verb, a), "with \"%s\"", b);
}

mr_code mr_file_exchange(const char *a, const char *b, mr_cx *cx) {
    return two_paths(cx->plat->ops->exchange(cx->plat, a, b), "exchange", a, b, cx);
}

mr_code mr_file_link(const char *from, const char *to, mr_cx *cx) {
    int error = cx->plat->ops->link(cx->plat, from, to);
    return error == -EEXIST ? plat_fail(cx, EEXIST, "create", to)
                            : two_paths(error, "link", from, to, cx);
}

mr_code mr_file_delete(const char *path, mr_cx *cx) {
    int error = cx->plat->ops->unlink(cx->plat, path);
    return error < 0 && error != -ENOENT ? plat_fail(cx, -error, "delete", path) : MR_OK;
}

// The part is this call's own: of several that save one path at once each has a whole file.
static mr_code save(const char *path, mr_span data, bool replace, mr_cx *cx) {
    const char *part =
        mr_arena_printf(cx->arena, "%s.%08" PRIx32 ".tmp", path, (uint32_t)mr_random_u64(cx->plat));
    mr_file file;
    MR_TRY(mr_file_open(&file, part, replace ? MR_OPEN_CREATE : MR_OPEN_PRIVATE, cx));
    mr_code code = mr_file_append(&file, data, cx);
    if (code == MR_OK) {
        code = mr_file_sync(&file, cx);
    }
    mr_file_close(&file, cx->plat);
    if (code == MR_OK) {
        code = rename_to(part, path, replace, cx);
    }
    if (code != MR_OK) {
        cx->plat->ops->unlink(cx->plat, part);  // The error to tell is the first one.
    }
    bool other_won = !replace && code == MR_E_EXISTS;
    return code == MR_OK || other_won ? mr_dir_sync(mr_plat_parent(path, cx->arena), cx) : code;
}

mr_code mr_file_save(const char *path, mr_span data, mr_cx *cx) {
    return save(path, data, /* replace= */ true, cx);
}

mr_code mr_file_save_first(const char *path, mr_span data, mr_cx *cx) {
    return save(path, data, /* replace= */ false, cx);
}
