// Dir: folders with parents, sorted listings, removal of whole trees; see plat.h.

#include <stdlib.h>
#include <string.h>

#include "plat/plat_ops.h"

mr_code mr_dir_sync(const char *path, mr_cx *cx) {
    int error = cx->plat->ops->dir_sync(cx->plat, path);
    if (error == -ENOENT || error == -EACCES || error == -ENOTDIR) {
        return plat_fail(cx, -error, "open", path);  // It never came to the sync.
    }
    if (error == -EINVAL) {  // A file system that syncs no folder promises nothing either.
        return MR_OK;
    }
    return error < 0 ? plat_sync_fail(cx, -error, path) : MR_OK;
}

// Makes a folder, and before it those above that are missing: mostly none is. durable: the entries
// in their parents are synced.
static mr_code make_all(const char *path, bool durable, mr_cx *cx) {
    mr_stat stat;
    if (cx->plat->ops->stat(cx->plat, path, &stat) == 0 && stat.is_dir) {
        return MR_OK;
    }
    const char *parent = mr_plat_parent(path, cx->arena);
    int error = cx->plat->ops->dir_make(cx->plat, path);
    if ((error == -ENOENT || error == -ENOTDIR) && strcmp(parent, path) != 0) {
        MR_TRY(make_all(parent, durable, cx));
        error = cx->plat->ops->dir_make(cx->plat, path);
    }
    if (error == 0) {
        return !durable ? MR_OK : mr_dir_sync(parent, cx);
    }
    if (error == -EEXIST && cx->plat->ops->stat(cx->plat, path, &stat) == 0 && stat.is_dir) {
        return MR_OK;  // Another was faster.
    }
    return plat_fail(cx, -error, "create folder", path);
}

mr_code mr_dir_make(const char *path, mr_cx *cx) {
    return make_all(path, /* durable= */ true, cx);
}

mr_code mr_dir_make_loose(const char *path, mr_cx *cx) {
    return make_all(path, /* durable= */ false, cx);
}

mr_code mr_dir_settle(const char *path, mr_cx *cx) {
    while (!mr_file_exists(path, cx)) {  // What is above it may be half made just as well.
        const char *up = mr_plat_parent(path, cx->arena);
        if (strcmp(up, path) == 0) {
            return MR_OK;
        }
        path = up;
    }
    MR_TRY(mr_dir_sync(path, cx));
    for (const char *at = path;;) {
        const char *up = mr_plat_parent(at, cx->arena);
        if (strcmp(up, at) == 0) {
            return MR_OK;
        }
        mr_code code = mr_dir_sync(up, cx);
        if (code == MR_E_PERMISSION) {  // Not ours, so it was not made by us.
            return MR_OK;
        }
        MR_TRY(code);
        at = up;
    }
}

typedef struct list_state {
    mr_arena *arena;
    mr_dir_entry *entries;
    size_t count;
    size_t capacity;
} list_state;

static void list_add(void *state, const char *name, bool is_dir) {
    list_state *list = state;
    if (list->count == list->capacity) {
        size_t capacity = MR_MAX(list->capacity * 2, (size_t)16);
        mr_dir_entry *entries = MR_NEW_ARRAY(list->arena, mr_dir_entry, capacity);
        if (list->count > 0) {
            memcpy(entries, list->entries, list->count * sizeof(*entries));
        }
        list->entries = entries;
        list->capacity = capacity;
    }
    list->entries[list->count].name = mr_arena_string(list->arena, name);
    list->entries[list->count].is_dir = is_dir;
    list->count++;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const mr_dir_entry *)a)->name, ((const mr_dir_entry *)b)->name);
}

mr_code mr_dir_list(const char *path, mr_dir_entry **ret, size_t *ret_count, mr_cx *cx) {
    list_state list = {.arena = cx->arena};
    int error = cx->plat->ops->dir_list(cx->plat, path, list_add, &list);
    if (error < 0) {
        return plat_fail(cx, -error, "list folder", path);
    }
    if (list.count > 1) {
        qsort(list.entries, list.count, sizeof(*list.entries), compare_names);
    }
    *ret = list.entries;
    *ret_count = list.count;
    return MR_OK;
}

mr_code mr_dir_delete(const char *path, mr_cx *cx) {
    list_state list = {.arena = cx->arena};
    int error = cx->plat->ops->dir_list(cx->plat, path, list_add, &list);
    if (error == -ENOENT) {
        return MR_OK;
    }
    if (error < 0) {
        return plat_fail(cx, -error, "list folder", path);
    }
    for (size_t i = 0; i < list.count; i++) {
        const char *below = mr_arena_printf(cx->arena, "%s/%s", path, list.entries[i].name);
        if (list.entries[i].is_dir) {
            MR_TRY(mr_dir_delete(below, cx));
        } else {
            MR_TRY(mr_file_delete(below, cx));
        }
    }
    error = cx->plat->ops->dir_remove(cx->plat, path);
    return error < 0 && error != -ENOENT ? plat_fail(cx, -error, "delete folder", path) : MR_OK;
}

mr_code mr_dir_delete_empty(const char *path, mr_cx *cx) {
    int error = cx->plat->ops->dir_remove(cx->plat, path);
    return error < 0 && error != -ENOENT && error != -ENOTDIR && error != -ENOTEMPTY &&
                   error != -EEXIST
               ? plat_fail(cx, -error, "delete folder", path)
               : MR_OK;
}
