// Watch: tells when files of a folder, or of folders below it, have changed.
//
// How: inotify; a change counts when a file was closed after writing, moved, made as a folder or
// deleted, so half a file is not read. It only says that something changed: who watches looks at
// the files. New folders below are watched as they come. Real ones only: the simulator has none.

#pragma once

#include "plat/socket.h"

typedef struct mr_watch {
    int handle;  // For mr_socket_wait; -1 = closed.
    char *dir;   // Heap.
} mr_watch;

#define MR_WATCH_CLOSED ((mr_watch){.handle = -1})

// errors  MR_E_MISSING; MR_E_LIMIT when the system has no more watches: look at times instead
mr_code mr_watch_open(mr_watch *watch, const char *dir, mr_cx *cx);
// Whether something changed since the last call. Does not wait. When the folder is gone, or not all
// below it can be watched, the watch is closed: look at times, and open it again.
bool mr_watch_changed(mr_watch *watch, mr_cx *cx);
void mr_watch_close(mr_watch *watch);  // Takes a closed one.
