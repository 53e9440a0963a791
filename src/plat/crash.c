// Crash: named points where tests end the process or cut the simulated power.

#include "plat/plat_ops.h"

mr_code mr_crash_point(const char *name, mr_cx *cx) {
    int error = cx->plat->ops->crash_point(cx->plat, name);
    return error < 0 ? plat_fail(cx, -error, "pass crash point", name) : MR_OK;
}
