// Virtual: see virtual.h.

#include "plat/virtual.h"

#include <stdatomic.h>
#include <string.h>

#include "plat/plat_ops.h"

struct mr_virtual {
    mr_plat base;  // First, so that an mr_plat * can be cast to it.
    mr_plat *real;
    int64_t clock_us;
    int64_t monotonic_us;  // INT64_MIN = the real one.
    atomic_bool killed;
    bool committed;   // In this life.
    uint32_t points;  // Crash points that are still passed after the commit.
};

static mr_virtual *of(mr_plat *plat) {
    return (mr_virtual *)plat;
}

static bool is_killed(mr_plat *plat) {
    return atomic_load(&of(plat)->killed);
}

#define REAL(plat, op, ...) (of(plat)->real->ops->op(of(plat)->real, ##__VA_ARGS__))
#define OR_KILLED(plat, op, ...) \
    (is_killed(plat) ? -MR_PLAT_CRASHED : REAL(plat, op, ##__VA_ARGS__))

static int virtual_open(mr_plat *plat, const char *path, mr_open_mode mode, uint64_t *ret_bytes) {
    return OR_KILLED(plat, open, path, mode, ret_bytes);
}

static void virtual_close(mr_plat *plat, int handle) {
    REAL(plat, close, handle);
}

static int64_t virtual_write(mr_plat *plat, int handle, uint64_t offset, mr_span data) {
    return OR_KILLED(plat, write, handle, offset, data);
}

static int64_t virtual_read(mr_plat *plat, int handle, uint64_t offset, void *data, size_t bytes) {
    return OR_KILLED(plat, read, handle, offset, data, bytes);
}

static int virtual_sync(mr_plat *plat, int handle) {
    (void)handle;
    return is_killed(plat) ? -MR_PLAT_CRASHED : 0;
}

static int virtual_disk_open(mr_plat *plat, const char *path) {
    return OR_KILLED(plat, disk_open, path);
}

static int virtual_disk_sync(mr_plat *plat, int handle) {
    return virtual_sync(plat, handle);
}

static int virtual_truncate(mr_plat *plat, int handle, uint64_t bytes) {
    return OR_KILLED(plat, truncate, handle, bytes);
}

static int virtual_stat(mr_plat *plat, const char *path, mr_stat *ret) {
    return OR_KILLED(plat, stat, path, ret);
}

static int virtual_rename(mr_plat *plat, const char *from, const char *to, bool replace) {
    return OR_KILLED(plat, rename, from, to, replace);
}

static int virtual_exchange(mr_plat *plat, const char *a, const char *b) {
    return OR_KILLED(plat, exchange, a, b);
}

static int virtual_link(mr_plat *plat, const char *from, const char *to) {
    return OR_KILLED(plat, link, from, to);
}

static int virtual_unlink(mr_plat *plat, const char *path) {
    return OR_KILLED(plat, unlink, path);
}

static int virtual_dir_make(mr_plat *plat, const char *path) {
    return OR_KILLED(plat, dir_make, path);
}

static int virtual_dir_remove(mr_plat *plat, const char *path) {
    return OR_KILLED(plat, dir_remove, path);
}

static int virtual_dir_sync(mr_plat *plat, const char *path) {
    (void)path;
    return is_killed(plat) ? -MR_PLAT_CRASHED : 0;
}

static int virtual_dir_list(mr_plat *plat, const char *path, mr_plat_visit visit, void *state) {
    return OR_KILLED(plat, dir_list, path, visit, state);
}

static int virtual_lock(mr_plat *plat, const char *path, mr_text *ret_holder) {
    return OR_KILLED(plat, lock, path, ret_holder);
}

static void virtual_unlock(mr_plat *plat, int handle) {
    REAL(plat, unlock, handle);
}

static int64_t virtual_clock_real_us(mr_plat *plat) {
    return of(plat)->clock_us == INT64_MIN ? REAL(plat, clock_real_us) : of(plat)->clock_us;
}

static int64_t virtual_clock_monotonic_us(mr_plat *plat) {
    int64_t held_us = of(plat)->monotonic_us;
    return held_us == INT64_MIN ? REAL(plat, clock_monotonic_us) : held_us;
}

static int64_t virtual_clock_monotonic_ns(mr_plat *plat) {
    return REAL(plat, clock_monotonic_ns);
}

static void virtual_sleep_us(mr_plat *plat, int64_t us) {
    REAL(plat, sleep_us, us);
}

static uint64_t virtual_random_u64(mr_plat *plat) {
    return REAL(plat, random_u64);
}

static int64_t virtual_stream_write(mr_plat *plat, mr_stream stream, mr_span data) {
    (void)plat;
    (void)stream;
    return (int64_t)data.bytes;  // A console's rows are not what a test looks at.
}

static void virtual_usage(mr_plat *plat, mr_usage *ret) {
    REAL(plat, usage, ret);
}

static uint32_t virtual_cores(mr_plat *plat) {
    return REAL(plat, cores);
}

static const char *virtual_env(mr_plat *plat, const char *name) {
    return REAL(plat, env, name);
}

static const char *virtual_env_at(mr_plat *plat, size_t index) {
    return mr_plat_env_at(of(plat)->real, index);
}

static int virtual_crash_point(mr_plat *plat, const char *name) {
    mr_virtual *machine = of(plat);
    if (is_killed(plat)) {
        return -MR_PLAT_CRASHED;
    }
    machine->committed = machine->committed || strcmp(name, "commit.synced") == 0 ||
                         strncmp(name, "flow.", strlen("flow.")) == 0;
    if (!machine->committed || machine->points == UINT32_MAX) {
        return 0;
    }
    if (machine->points-- > 0) {
        return 0;
    }
    atomic_store(&machine->killed, true);
    return -MR_PLAT_CRASHED;
}

static const mr_plat_ops virtual_ops = {
    .open = virtual_open,
    .close = virtual_close,
    .write = virtual_write,
    .read = virtual_read,
    .sync = virtual_sync,
    .truncate = virtual_truncate,
    .stat = virtual_stat,
    .rename = virtual_rename,
    .exchange = virtual_exchange,
    .link = virtual_link,
    .unlink = virtual_unlink,
    .dir_make = virtual_dir_make,
    .dir_remove = virtual_dir_remove,
    .dir_sync = virtual_dir_sync,
    .dir_list = virtual_dir_list,
    .disk_open = virtual_disk_open,
    .disk_sync = virtual_disk_sync,
    .lock = virtual_lock,
    .unlock = virtual_unlock,
    .clock_real_us = virtual_clock_real_us,
    .clock_monotonic_us = virtual_clock_monotonic_us,
    .clock_monotonic_ns = virtual_clock_monotonic_ns,
    .sleep_us = virtual_sleep_us,
    .random_u64 = virtual_random_u64,
    .stream_write = virtual_stream_write,
    .usage = virtual_usage,
    .cores = virtual_cores,
    .env = virtual_env,
    .env_at = virtual_env_at,
    .crash_point = virtual_crash_point,
};

mr_virtual *mr_virtual_new(mr_plat *real, int64_t clock_us, mr_arena *arena) {
    mr_virtual *machine = MR_NEW(arena, mr_virtual);
    machine->base.ops = &virtual_ops;
    machine->real = real;
    machine->clock_us = clock_us;
    machine->monotonic_us = INT64_MIN;
    machine->points = UINT32_MAX;
    return machine;
}

mr_plat *mr_virtual_plat(mr_virtual *machine) {
    return &machine->base;
}

void mr_virtual_live(mr_virtual *machine, uint32_t points) {
    atomic_store(&machine->killed, false);
    machine->committed = false;
    machine->points = points;
}

void mr_virtual_set_clock(mr_virtual *machine, int64_t clock_us) {
    machine->clock_us = clock_us;
}

void mr_virtual_advance(mr_virtual *machine, int64_t us) {
    machine->clock_us += us;
    machine->monotonic_us = mr_clock_monotonic_us(&machine->base) + us;
}

bool mr_virtual_killed(const mr_virtual *machine) {
    return atomic_load(&machine->killed);
}
