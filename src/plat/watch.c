// Watch: see watch.h.

#include "plat/watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include "plat/plat_ops.h"

#define DEPTH_MAX 8
#define EVENTS                                                                               \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_DELETE_SELF | \
     IN_ATTRIB)

// The folder and those below it. Entering one again changes nothing.
static mr_code add_folder(const mr_watch *watch, const char *dir, int depth, mr_cx *cx) {
    if (inotify_add_watch(watch->handle, dir, EVENTS) < 0) {
        return errno == ENOSPC ? mr_fail(cx, MR_E_LIMIT, "Raise fs.inotify.max_user_watches.",
                                         "no more folders can be watched")
                               : plat_fail(cx, errno, "watch", dir);
    }
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t i = 0; i < count && depth < DEPTH_MAX; i++) {
        if (entries[i].is_dir && entries[i].name[0] != '.') {
            const char *below = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name);
            if (add_folder(watch, below, depth + 1, cx) == MR_E_LIMIT) {
                return MR_E_LIMIT;  // Any other: it is gone again.
            }
        }
    }
    return MR_OK;
}

mr_code mr_watch_open(mr_watch *watch, const char *dir, mr_cx *cx) {
    watch->handle = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->handle < 0) {
        return errno == EMFILE ? mr_fail(cx, MR_E_LIMIT, "Raise fs.inotify.max_user_instances.",
                                         "no more folders can be watched")
                               : plat_fail(cx, errno, "watch", dir);
    }
    watch->dir = mr_heap_string(dir);
    mr_code code = add_folder(watch, dir, 0, cx);
    if (code != MR_OK) {
        mr_watch_close(watch);
    }
    return code;
}

bool mr_watch_changed(mr_watch *watch, mr_cx *cx) {
    bool changed = false, folders = false;
    _Alignas(struct inotify_event) char buffer[8192];
    for (;;) {
        ssize_t bytes = read(watch->handle, buffer, sizeof(buffer));
        if (bytes <= 0) {
            break;
        }
        for (ssize_t at = 0; at < bytes;) {
            const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
            bool folder = (event->mask & (IN_ISDIR | IN_Q_OVERFLOW | IN_IGNORED)) != 0;
            folders = folders || folder;
            // A file that was only made is empty yet: it is closed later.
            changed = changed || folder || (event->mask & IN_CREATE) == 0;
            at += (ssize_t)sizeof(*event) + (ssize_t)event->len;
        }
    }
    if (folders && add_folder(watch, watch->dir, 0, cx) != MR_OK) {
        changed = true;
        mr_watch_close(watch);
    }
    return changed;
}

void mr_watch_close(mr_watch *watch) {
    if (watch->handle >= 0) {
        close(watch->handle);
    }
    mr_heap_free(watch->dir);
    *watch = MR_WATCH_CLOSED;
}
