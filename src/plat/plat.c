// Plat: errors of the operating system as the program's own, and the calls that have no file.

#include "plat/plat.h"

#include <stdio.h>
#include <string.h>

#include "plat/plat_ops.h"

typedef struct errno_row {
    int error;
    mr_code code;
    uint32_t flags;
    const char *hint;
} errno_row;

static const errno_row errno_rows[] = {
    {ENOSPC, MR_E_FULL, MR_RETRY, "Free some space on this disk; work goes on when there is room."},
    {EDQUOT, MR_E_FULL, MR_RETRY, "Raise the quota or free some space; work goes on then."},
    {EACCES, MR_E_PERMISSION, 0,
     "Give the user that runs millrace the right, or use another path."},
    {EPERM, MR_E_PERMISSION, 0, "Give the user that runs millrace the right, or use another path."},
    {EROFS, MR_E_PERMISSION, 0, "Use a path on a disk that can be written."},
    {ENOENT, MR_E_MISSING, 0, "Is the path right?"},
    {ENOTDIR, MR_E_MISSING, 0, "A part of the path is a file: move it away, or use another path."},
    {EEXIST, MR_E_EXISTS, 0, "Move what has that name away, or use another path."},
    {ENOTEMPTY, MR_E_EXISTS, 0, NULL},
    {EMFILE, MR_E_LIMIT, MR_RETRY, "Raise the limit of open files (ulimit -n)."},
    {ENFILE, MR_E_LIMIT, MR_RETRY, "Raise the system's limit of open files (fs.file-max)."},
    {ENOMEM, MR_E_LIMIT, MR_RETRY, NULL},
    {EFBIG, MR_E_LIMIT, 0, NULL},
    {ENAMETOOLONG, MR_E_VALUE, 0, "Use a shorter path."},
    {EISDIR, MR_E_VALUE, 0, "Name a file, not a folder."},
};

mr_code mr_plat_fail(mr_cx *cx, int error, const char *verb, const char *path,
                     const mr_error_site *site) {
    if (error == MR_PLAT_CRASHED) {
        return mr_error_set(cx, MR_E_CRASH, *site, "the simulated machine is down");
    }
    errno_row found = {error, MR_E_IO, 0, NULL};
    for (size_t i = 0; i < MR_COUNT(errno_rows); i++) {
        if (errno_rows[i].error == error) {
            found = errno_rows[i];
        }
    }
    char buffer[128];
    mr_error_site at = *site;
    at.hint = found.hint;
    mr_code code = mr_error_set(cx, found.code, at, "cannot %s \"%s\": %s", verb, path,
                                strerror_r(error, buffer, sizeof(buffer)));
    return mr_error_flag(cx, code, found.flags);
}

mr_code mr_plat_sync_fail(mr_cx *cx, int error, const char *path, const mr_error_site *site) {
    mr_code code = mr_plat_fail(cx, error, "sync", path, site);
    if (code == MR_E_CRASH) {
        return code;
    }
    char text[MR_ERROR_TEXT_BYTES];
    snprintf(text, sizeof(text), "%s", cx->error.text);
    mr_error_site at = *site;
    at.hint = "What was written since the last commit is lost; check the disk, then start again.";
    return mr_error_flag(cx, mr_error_set(cx, MR_E_IO, at, "%s", text), MR_FATAL);
}

const char *mr_plat_parent(const char *path, mr_arena *arena) {
    size_t bytes = strlen(path);
    while (bytes > 1 && path[bytes - 1] == '/') {
        bytes--;
    }
    while (bytes > 0 && path[bytes - 1] != '/') {
        bytes--;
    }
    while (bytes > 1 && path[bytes - 1] == '/') {
        bytes--;
    }
    return bytes == 0 ? "." : mr_arena_copy(arena, path, bytes);
}

void mr_plat_usage(mr_plat *plat, mr_usage *ret) {
    plat->ops->usage(plat, ret);
}

uint64_t mr_plat_files_max(mr_plat *plat) {
    return plat->ops->files_max == NULL ? UINT64_MAX : plat->ops->files_max(plat);
}

uint32_t mr_plat_cores(mr_plat *plat) {
    return plat->ops->cores(plat);
}

const char *mr_plat_env(mr_plat *plat, const char *name) {
    return plat->ops->env(plat, name);
}

const char *mr_plat_env_at(mr_plat *plat, size_t index) {
    return plat->ops->env_at == NULL ? NULL : plat->ops->env_at(plat, index);
}
