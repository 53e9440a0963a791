// Outside: what a try runs that is no process of its own: a container.
//
// Also: mr_try_
// The kind has left a note in the try's folder (port/task.h) and takes it away when it has ended
// what it tells of. Whoever finds a try over and its note there starts the program that ends it.

#include "flow/try.h"
#include "port/task.h"

bool mr_try_outside_is(const char *dir, mr_cx *cx) {
    return mr_file_exists(mr_arena_printf(cx->arena, "%s/" MR_TASK_OUTSIDE, dir), cx);
}

mr_code mr_try_outside_end(const char *dir, mr_child *ret, mr_cx *cx) {
    const char *const words[] = {"/proc/self/exe", "__task", dir, MR_TASK_OUTSIDE_END, NULL};
    const mr_child_spec spec = {
        .words = words,
        .output = mr_arena_printf(cx->arena, "%s/log", dir),
    };
    return mr_child_start(ret, &spec, cx);
}
