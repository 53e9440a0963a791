// Lock: one process owns a folder; see mr_lock in plat.h.

#include "plat/plat_ops.h"

mr_code mr_lock_take(mr_lock *lock, const char *path, mr_cx *cx) {
    mr_text holder;
    mr_text_init(&holder, cx->arena);
    int handle = cx->plat->ops->lock(cx->plat, path, &holder);
    if (handle == -EAGAIN) {
        // The line is "123 millrace up"; it is empty for the moment in which the holder writes it.
        mr_span line = mr_span_trim(mr_text_span(&holder));
        mr_span process = line;
        for (process.bytes = 0; process.bytes < line.bytes; process.bytes++) {
            if (line.data[process.bytes] == ' ') {
                break;
            }
        }
        mr_span command =
            mr_span_trim((mr_span){line.data + process.bytes, line.bytes - process.bytes});
        if (line.bytes == 0) {
            return mr_fail(cx, MR_E_LOCKED, "Stop the other process, or use another data folder.",
                           "\"%s\" is in use by another process", path);
        }
        return mr_fail(cx, MR_E_LOCKED, "Stop the other process, or use another data folder.",
                       "\"%s\" is in use by process %.*s (%.*s)", path, MR_SPAN_ARGS(process),
                       MR_SPAN_ARGS(command));
    }
    if (handle < 0) {
        return plat_fail(cx, -handle, "lock", path);
    }
    lock->handle = handle;
    return MR_OK;
}

void mr_lock_release(mr_lock *lock, mr_plat *plat) {
    if (lock->handle >= 0) {
        plat->ops->unlock(plat, lock->handle);
        lock->handle = -1;
    }
}
