// Child: processes of our own: a service, a detached copy of the program.
//
// How: posix_spawn, never fork from a big process; a child has a session of its own, so that a
// signal reaches all that it started, and a handle that a wait shows as readable when it has ended.
// Real ones only: the simulator has none.

#pragma once

#include "plat/socket.h"

typedef struct mr_child {
    int pid;     // 0 = none.
    int handle;  // For mr_socket_wait; -1 = closed.
} mr_child;

#define MR_CHILD_PASSED 3
#define MR_CHILD_NONE   ((mr_child){.pid = 0, .handle = -1})

typedef struct mr_child_spec {
    const char *const *words;  // The command, NULL-ended; looked up in the PATH that it gets.
    const char *const *env;    // "NAME=value" on top of ours, NULL-ended; may be NULL.
    const char *dir;           // Where it runs; NULL = where we are.
    const char *output;        // A file that its output and errors are appended to; NULL = ours.
    const mr_socket *pipe;     // Instead, where both go; may be NULL.
    const mr_socket *passed;   // Is its handle MR_CHILD_PASSED; may be NULL.
} mr_child_spec;

// errors  MR_E_MISSING naming the command; MR_E_IO
mr_code mr_child_start(mr_child *child, const mr_child_spec *spec, mr_cx *cx);
// Whether it has ended; then *ret_status is its exit code, or 128 + the signal, and the child is
// none. Does not wait.
bool mr_child_ended(mr_child *child, int *ret_status);
// Asks it, and all that it started in its session, to end, or kills them.
void mr_child_stop(const mr_child *child, bool kill);
int mr_process_id(void);
// The file of this program, in the arena.
const char *mr_process_file(mr_cx *cx);
