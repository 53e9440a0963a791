// Process: what belongs to the real process only: its working directory and its terminal.
// Also: mr_dir_ mr_stream_

#include <unistd.h>

#include "plat/plat_ops.h"

mr_code mr_dir_change(const char *path, mr_cx *cx) {
    return chdir(path) == 0 ? MR_OK : plat_fail(cx, errno, "enter", path);
}

const char *mr_dir_current(mr_cx *cx) {
    char buffer[4096];
    const char *path = getcwd(buffer, sizeof(buffer));
    return mr_arena_string(cx->arena, path == NULL ? "." : path);
}

bool mr_stream_is_terminal(mr_stream stream) {
    return isatty((int)stream) == 1;
}
