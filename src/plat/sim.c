// Sim: the simulated backend of plat's vtable: faults, locks, clock, streams; see sim.h.
//
// Why so long: a vtable has one small function a call.
//
// Each operation begins with sim_begin, which counts it and applies the faults due, and ends with
// sim_end. A power cut falls before or after the effect of its operation; the caller sees neither.

#include "plat/sim.h"

#include <string.h>

#include "plat/sim_disk.h"

#define REAL_US_FIRST      1767225600000000  // 2026-01-01 00:00:00 UTC
#define MONOTONIC_US_FIRST 1000000

typedef struct sim_fault {
    uint64_t n;
    mr_sim_fault kind;
    bool done;
} sim_fault;

typedef struct sim_handle {
    int inode;
    bool open;
    bool lock;
} sim_handle;

typedef struct sim_variable {
    char *name;
    char *value;
} sim_variable;

typedef struct mr_sim {
    mr_plat base;
    mr_sim_random random;
    mr_sim_disk *disk;
    sim_handle *handles;  // A number is never used again, so a dead one is found out.
    size_t handle_count;
    sim_fault *faults;
    size_t fault_count;
    uint64_t operations;
    uint64_t reads;
    uint64_t crash_passes;  // Of the point that MILLRACE_CRASH names.
    bool down;
    bool killed;  // Down, but the power is on.
    bool full;
    int64_t real_us;
    int64_t monotonic_us;
    sim_variable *variables;
    size_t variable_count;
    mr_text input;
    size_t input_at;
    mr_text output[3];  // By mr_stream.
} mr_sim;

static mr_sim *sim_of(mr_plat *plat) {
    return (mr_sim *)plat;
}

static const mr_sim *sim_of_const(const mr_plat *plat) {
    return (const mr_sim *)plat;
}

// ---- operations and faults ---------------------------------------------------------------------

#define MASK(fault) (1u << (fault))
#define ANY_CHANGE  (MASK(MR_SIM_POWER_CUT) | MASK(MR_SIM_KILL) | MASK(MR_SIM_WRITE_ERROR))

typedef struct sim_operation {
    int error;       // Not 0: the operation fails without effect.
    bool goes_down;  // After its effect.
    bool sync_fails;
    bool writes_short;
} sim_operation;

static int sim_go_down(mr_sim *sim, bool killed) {
    sim->down = true;
    sim->killed = killed;
    return -MR_PLAT_CRASHED;
}

// Applies one fault; false leaves it for a later operation.
static bool fault_strike(mr_sim *sim, mr_sim_fault kind, sim_operation *op) {
    switch (kind) {
    case MR_SIM_POWER_CUT:
    case MR_SIM_KILL:
        sim->killed = kind == MR_SIM_KILL;
        op->goes_down = true;
        return true;
    case MR_SIM_NO_SPACE: op->error = -ENOSPC; return true;
    case MR_SIM_WRITE_ERROR:
    case MR_SIM_READ_ERROR: op->error = -EIO; return true;
    case MR_SIM_SYNC_ERROR: op->sync_fails = true; return true;
    case MR_SIM_SHORT_WRITE: op->writes_short = true; return true;
    }
    return false;
}

static void faults_due(mr_sim *sim, uint64_t n, uint32_t fits, sim_operation *op) {
    for (size_t i = 0; i < sim->fault_count; i++) {
        sim_fault *fault = &sim->faults[i];
        if (!fault->done && fault->n <= n && (fits & MASK(fault->kind)) != 0 && op->error == 0) {
            fault->done = fault_strike(sim, fault->kind, op);
        }
    }
}

// Counts an operation. fits: the faults that may strike it.
static sim_operation sim_begin(mr_sim *sim, uint32_t fits) {
    sim_operation op = {.error = 0};
    if (sim->down) {
        op.error = -MR_PLAT_CRASHED;
        return op;
    }
    sim->operations++;
    if (sim->full && (fits & MASK(MR_SIM_NO_SPACE)) != 0) {
        op.error = -ENOSPC;
    }
    faults_due(sim, sim->operations, fits, &op);
    if (op.goes_down && (op.error != 0 || mr_sim_random_below(&sim->random, 2) == 0)) {
        op.error = sim_go_down(sim, sim->killed);  // Before its effect.
    }
    return op;
}

static int64_t sim_end(mr_sim *sim, const sim_operation *op, int64_t result) {
    return op->goes_down ? sim_go_down(sim, sim->killed) : result;
}

// ---- files -------------------------------------------------------------------------------------

static int handle_new(mr_sim *sim, int inode, bool lock) {
    sim->handles = mr_heap_resize(sim->handles, (sim->handle_count + 1) * sizeof(*sim->handles));
    sim->handles[sim->handle_count] = (sim_handle){.inode = inode, .open = true, .lock = lock};
    return (int)sim->handle_count++;
}

// The inode of an open handle, or -EBADF.
static int handle_inode(const mr_sim *sim, int handle) {
    bool open = handle >= 0 && (size_t)handle < sim->handle_count && sim->handles[handle].open;
    return open ? sim->handles[handle].inode : -EBADF;
}

static int sim_open(mr_plat *plat, const char *path, mr_open_mode mode, uint64_t *ret_bytes) {
    mr_sim *sim = sim_of(plat);
    bool creates = mode != MR_OPEN_READ && mr_sim_disk_find(sim->disk, path) == -ENOENT;
    uint32_t fits = ANY_CHANGE | (creates ? MASK(MR_SIM_NO_SPACE) : 0);
    sim_operation op = sim_begin(sim, fits);
    if (op.error != 0) {
        return op.error;
    }
    int inode = mr_sim_disk_open(sim->disk, path, mode, sim->real_us);
    int ret = inode;
    if (inode >= 0) {
        *ret_bytes = mr_sim_disk_size(sim->disk, inode);
        ret = handle_new(sim, inode, /* lock= */ false);
    }
    return (int)sim_end(sim, &op, ret);
}

static void sim_close(mr_plat *plat, int handle) {
    mr_sim *sim = sim_of(plat);
    if (handle_inode(sim, handle) >= 0) {
        sim->handles[handle].open = false;
    }
}

static int64_t sim_write(mr_plat *plat, int handle, uint64_t offset, mr_span data) {
    mr_sim *sim = sim_of(plat);
    sim_operation op = sim_begin(sim, ANY_CHANGE | MASK(MR_SIM_NO_SPACE) |
                                          (data.bytes > 1 ? MASK(MR_SIM_SHORT_WRITE) : 0));
    if (op.error != 0) {
        return op.error;
    }
    int inode = handle_inode(sim, handle);
    if (inode < 0) {
        return inode;
    }
    if (op.writes_short) {
        data.bytes = 1 + (size_t)mr_sim_random_below(&sim->random, data.bytes - 1);
    }
    mr_sim_disk_write(sim->disk, inode, offset, data);
    mr_sim_disk_touch(sim->disk, inode, sim->real_us);
    mr_sim_disk_write_back(sim->disk, inode, &sim->random);
    return sim_end(sim, &op, (int64_t)data.bytes);
}

static int64_t sim_read(mr_plat *plat, int handle, uint64_t offset, void *data, size_t bytes) {
    mr_sim *sim = sim_of(plat);
    if (sim->down) {
        return -MR_PLAT_CRASHED;
    }
    int inode = handle_inode(sim, handle);
    if (inode < 0) {
        return inode;
    }
    sim_operation op = {.error = 0};
    sim->reads++;
    faults_due(sim, sim->reads, MASK(MR_SIM_READ_ERROR), &op);
    if (op.error != 0) {
        return op.error;
    }
    mr_span all = mr_sim_disk_bytes(sim->disk, inode);
    if (offset >= all.bytes) {
        return 0;
    }
    size_t got = MR_MIN(bytes, all.bytes - (size_t)offset);
    memcpy(data, all.data + offset, got);
    return (int64_t)got;
}

static int sim_sync(mr_plat *plat, int handle) {
    mr_sim *sim = sim_of(plat);
    sim_operation op =
        sim_begin(sim, MASK(MR_SIM_POWER_CUT) | MASK(MR_SIM_KILL) | MASK(MR_SIM_SYNC_ERROR));
    int inode = handle_inode(sim, handle);
    if (op.error != 0 || inode < 0) {
        return op.error != 0 ? op.error : inode;
    }
    if (op.sync_fails) {
        mr_sim_disk_drop(sim->disk, inode);
        return (int)sim_end(sim, &op, -EIO);
    }
    if (!mr_sim_disk_sync(sim->disk, inode)) {
        return (int)sim_end(sim, &op, -EIO);
    }
    return (int)sim_end(sim, &op, 0);
}

static int sim_allocate(mr_plat *plat, int handle, uint64_t from, uint64_t to) {
    mr_sim *sim = sim_of(plat);
    (void)from;
    (void)to;
    sim_operation op = sim_begin(sim, ANY_CHANGE | MASK(MR_SIM_NO_SPACE));
    int inode = handle_inode(sim, handle);
    if (op.error != 0 || inode < 0) {
        return op.error != 0 ? op.error : inode;
    }
    return (int)sim_end(sim, &op, 0);
}

static int sim_disk_open(mr_plat *plat, const char *path) {
    mr_sim *sim = sim_of(plat);
    int inode = sim->down ? -MR_PLAT_CRASHED : mr_sim_disk_find(sim->disk, path);
    return inode < 0 ? inode : handle_new(sim, inode, /* lock= */ false);
}

static int sim_disk_sync(mr_plat *plat, int handle) {
    mr_sim *sim = sim_of(plat);
    sim_operation op =
        sim_begin(sim, MASK(MR_SIM_POWER_CUT) | MASK(MR_SIM_KILL) | MASK(MR_SIM_SYNC_ERROR));
    int inode = handle_inode(sim, handle);
    if (op.error != 0 || inode < 0) {
        return op.error != 0 ? op.error : inode;
    }
    mr_sim_disk_sync_all(sim->disk, op.sync_fails ? &sim->random : NULL);
    return (int)sim_end(sim, &op, op.sync_fails ? -EIO : 0);
}

static int sim_truncate(mr_plat *plat, int handle, uint64_t bytes) {
    mr_sim *sim = sim_of(plat);
    sim_operation op = sim_begin(sim, ANY_CHANGE);
    int inode = handle_inode(sim, handle);
    if (op.error != 0 || inode < 0) {
        return op.error != 0 ? op.error : inode;
    }
    mr_sim_disk_truncate(sim->disk, inode, bytes);
    mr_sim_disk_touch(sim->disk, inode, sim->real_us);
    return (int)sim_end(sim, &op, 0);
}

static int sim_stat(mr_plat *plat, const char *path, mr_stat *ret) {
    mr_sim *sim = sim_of(plat);
    return sim->down ? -MR_PLAT_CRASHED : mr_sim_disk_stat(sim->disk, path, ret);
}

static int sim_rename(mr_plat *plat, const char *from, const char *to, bool replace) {
    mr_sim *sim = sim_of(plat);
    sim_operation op = sim_begin(sim, ANY_CHANGE);
    if (op.error != 0) {
        return op.error;
    }
    return (int)sim_end(sim, &op, mr_sim_disk_rename(sim->disk, from, to, replace));
}

static int sim_exchange(mr_plat *plat, const char *a, const char *b) {
    mr_sim *sim = sim_of(plat);
    sim_operation op = sim_begin(sim, ANY_CHANGE);
    if (op.error != 0) {
        return op.error;
    }
    return (int)sim_end(sim, &op, mr_sim_disk_exchange(sim->disk, a, b));
}

static int sim_link(mr_plat *plat, const char *from, const char *to) {
    mr_sim *sim = sim_of(plat);
    sim_operation op = sim_begin(sim, ANY_CHANGE | MASK(MR_SIM_NO_SPACE));
    if (op.error != 0) {
        return op.error;
    }
    return (int)sim_end(sim, &op, mr_sim_disk_link(sim->disk, from, to));
}

static int sim_unlink(mr_plat *plat, const char *path) {
    mr_sim *sim = sim_of(plat);
    sim_operation op = sim_begin(sim, ANY_CHANGE);
    if (op.error != 0) {
        return op.error;
    }
    return (int)sim_end(sim, &op, mr_sim_disk_unlink(sim->disk, path));
}

// ---- folders -----------------------------------------------------------------------------------

static int sim_dir_make(mr_plat *plat, const char *path) {
    mr_sim *sim = sim_of(plat);
    sim_operation op = sim_begin(sim, ANY_CHANGE | MASK(MR_SIM_NO_SPACE));
    if (op.error != 0) {
        return op.error;
    }
    return (int)sim_end(sim, &op, mr_sim_disk_dir_make(sim->disk, path));
}

static int sim_dir_remove(mr_plat *plat, const char *path) {
    mr_sim *sim = sim_of(plat);
    sim_operation op = sim_begin(sim, ANY_CHANGE);
    if (op.error != 0) {
        return op.error;
    }
    return (int)sim_end(sim, &op, mr_sim_disk_dir_remove(sim->disk, path));
}

static int sim_dir_sync(mr_plat *plat, const char *path) {
    mr_sim *sim = sim_of(plat);
    sim_operation op =
        sim_begin(sim, MASK(MR_SIM_POWER_CUT) | MASK(MR_SIM_KILL) | MASK(MR_SIM_SYNC_ERROR));
    if (op.error != 0) {
        return op.error;
    }
    if (op.sync_fails) {
        mr_sim_disk_dir_drop(sim->disk, path);
        return (int)sim_end(sim, &op, -EIO);
    }
    return (int)sim_end(sim, &op, mr_sim_disk_dir_sync(sim->disk, path));
}

static int sim_dir_list(mr_plat *plat, const char *path, mr_plat_visit visit, void *state) {
    mr_sim *sim = sim_of(plat);
    return sim->down ? -MR_PLAT_CRASHED : mr_sim_disk_dir_list(sim->disk, path, visit, state);
}

// ---- locks -------------------------------------------------------------------------------------

static int sim_lock(mr_plat *plat, const char *path, mr_text *ret_holder) {
    mr_sim *sim = sim_of(plat);
    if (sim->down) {
        return -MR_PLAT_CRASHED;
    }
    int inode = mr_sim_disk_open(sim->disk, path, MR_OPEN_APPEND, sim->real_us);
    if (inode < 0) {
        return inode;
    }
    for (size_t i = 0; i < sim->handle_count; i++) {
        const sim_handle *handle = &sim->handles[i];
        if (handle->open && handle->lock && handle->inode == inode) {
            mr_text_add(ret_holder, "1 simulated");
            return -EAGAIN;
        }
    }
    return handle_new(sim, inode, /* lock= */ true);
}

static void sim_unlock(mr_plat *plat, int handle) {
    sim_close(plat, handle);
}

// ---- clock, streams, process -------------------------------------------------------------------

static int64_t sim_clock_real_us(mr_plat *plat) {
    return sim_of(plat)->real_us;
}

static int64_t sim_clock_monotonic_us(mr_plat *plat) {
    return sim_of(plat)->monotonic_us;
}

static int64_t sim_clock_monotonic_ns(mr_plat *plat) {
    return sim_of(plat)->monotonic_us * 1000;
}

static void sim_sleep_us(mr_plat *plat, int64_t us) {
    mr_sim_clock_advance(plat, us);
}

static uint64_t sim_random_u64(mr_plat *plat) {
    return mr_sim_random_u64(&sim_of(plat)->random);
}

static int64_t sim_stream_write(mr_plat *plat, mr_stream stream, mr_span data) {
    mr_sim *sim = sim_of(plat);
    if (sim->down) {
        return -MR_PLAT_CRASHED;
    }
    mr_text_add_bytes(&sim->output[stream], data.data, data.bytes);
    return (int64_t)data.bytes;
}

static int64_t sim_stream_read(mr_plat *plat, void *data, size_t bytes, int64_t timeout_us) {
    mr_sim *sim = sim_of(plat);
    (void)timeout_us;
    if (sim->down) {
        return -MR_PLAT_CRASHED;
    }
    size_t got = MR_MIN(bytes, sim->input.bytes - sim->input_at);
    if (got > 0) {
        memcpy(data, sim->input.data + sim->input_at, got);
        sim->input_at += got;
    }
    return (int64_t)got;
}

static void sim_usage(mr_plat *plat, mr_usage *ret) {
    *ret = (mr_usage){.cpu_us = sim_of(plat)->monotonic_us};
}

static uint32_t sim_cores(mr_plat *plat) {
    (void)plat;
    return 2;
}

static const char *sim_env(mr_plat *plat, const char *name) {
    const mr_sim *sim = sim_of(plat);
    for (size_t i = 0; i < sim->variable_count; i++) {
        if (strcmp(sim->variables[i].name, name) == 0) {
            return sim->variables[i].value;
        }
    }
    return NULL;
}

// MILLRACE_CRASH cuts the power at a named point, as it kills a real process.
static int sim_crash_point(mr_plat *plat, const char *name) {
    mr_sim *sim = sim_of(plat);
    sim_operation op = sim_begin(sim, MASK(MR_SIM_POWER_CUT) | MASK(MR_SIM_KILL));
    if (op.error != 0) {
        return op.error;
    }
    const char *wanted = sim_env(plat, "MILLRACE_CRASH");
    size_t bytes = strlen(name);
    int64_t nth = 1;
    if (wanted != NULL && strncmp(wanted, name, bytes) == 0 &&
        (wanted[bytes] == '\0' ||
         (wanted[bytes] == ':' && mr_text_parse_int64(mr_span_of(wanted + bytes + 1), &nth)))) {
        if (++sim->crash_passes == (uint64_t)nth) {
            return sim_go_down(sim, /* killed= */ false);
        }
    }
    return (int)sim_end(sim, &op, 0);
}

static const mr_plat_ops sim_ops = {
    .open = sim_open,
    .close = sim_close,
    .write = sim_write,
    .allocate = sim_allocate,
    .read = sim_read,
    .sync = sim_sync,
    .truncate = sim_truncate,
    .stat = sim_stat,
    .rename = sim_rename,
    .exchange = sim_exchange,
    .link = sim_link,
    .unlink = sim_unlink,
    .dir_make = sim_dir_make,
    .dir_remove = sim_dir_remove,
    .dir_sync = sim_dir_sync,
    .dir_list = sim_dir_list,
    .disk_open = sim_disk_open,
    .disk_sync = sim_disk_sync,
    .lock = sim_lock,
    .unlock = sim_unlock,
    .clock_real_us = sim_clock_real_us,
    .clock_monotonic_us = sim_clock_monotonic_us,
    .clock_monotonic_ns = sim_clock_monotonic_ns,
    .sleep_us = sim_sleep_us,
    .random_u64 = sim_random_u64,
    .stream_write = sim_stream_write,
    .stream_read = sim_stream_read,
    .usage = sim_usage,
    .cores = sim_cores,
    .env = sim_env,
    .crash_point = sim_crash_point,
};

// ---- for tests ---------------------------------------------------------------------------------

mr_plat *mr_sim_new(uint64_t seed) {
    mr_sim *sim = mr_heap_alloc(sizeof(*sim));
    sim->base.ops = &sim_ops;
    sim->random.state = seed;
    sim->disk = mr_sim_disk_new();
    sim->real_us = REAL_US_FIRST;
    sim->monotonic_us = MONOTONIC_US_FIRST;
    return &sim->base;
}

void mr_sim_free(mr_plat *plat) {
    mr_sim *sim = sim_of(plat);
    mr_sim_disk_free(sim->disk);
    for (size_t i = 0; i < sim->variable_count; i++) {
        mr_heap_free(sim->variables[i].name);
        mr_heap_free(sim->variables[i].value);
    }
    for (size_t i = 0; i < MR_COUNT(sim->output); i++) {
        mr_text_release(&sim->output[i]);
    }
    mr_text_release(&sim->input);
    mr_heap_free(sim->variables);
    mr_heap_free(sim->handles);
    mr_heap_free(sim->faults);
    mr_heap_free(sim);
}

uint64_t mr_sim_operations(const mr_plat *plat) {
    return sim_of_const(plat)->operations;
}

uint64_t mr_sim_reads(const mr_plat *plat) {
    return sim_of_const(plat)->reads;
}

void mr_sim_fault_at(mr_plat *plat, uint64_t n, mr_sim_fault fault) {
    mr_sim *sim = sim_of(plat);
    sim->faults = mr_heap_resize(sim->faults, (sim->fault_count + 1) * sizeof(*sim->faults));
    sim->faults[sim->fault_count++] = (sim_fault){.n = n, .kind = fault};
}

void mr_sim_power_cut_at(mr_plat *plat, uint64_t n) {
    mr_sim_fault_at(plat, n, MR_SIM_POWER_CUT);
}

void mr_sim_full(mr_plat *plat, bool full) {
    sim_of(plat)->full = full;
}

bool mr_sim_down(const mr_plat *plat) {
    return sim_of_const(plat)->down;
}

void mr_sim_restart(mr_plat *plat) {
    mr_sim *sim = sim_of(plat);
    if (!(sim->down && sim->killed)) {
        mr_sim_disk_lose(sim->disk, &sim->random);
    }
    for (size_t i = 0; i < sim->handle_count; i++) {
        sim->handles[i].open = false;
    }
    sim->down = false;
    sim->killed = false;
}

// Makes the folders above path, or syncs them.
static void put_parents(mr_sim_disk *disk, const char *path,
                        int (*act)(mr_sim_disk *disk, const char *path)) {
    char *prefix = mr_heap_string(path);
    for (char *at = prefix; *at != '\0'; at++) {
        if (*at == '/' && at > prefix) {
            *at = '\0';
            act(disk, prefix);
            *at = '/';
        }
    }
    mr_heap_free(prefix);
}

void mr_sim_put(mr_plat *plat, const char *path, mr_span data) {
    mr_sim *sim = sim_of(plat);
    put_parents(sim->disk, path, mr_sim_disk_dir_make);
    int inode = mr_sim_disk_open(sim->disk, path, MR_OPEN_TRUNCATE, sim->real_us);
    mr_assert(inode >= 0);
    mr_sim_disk_write(sim->disk, inode, 0, data);
    (void)mr_sim_disk_sync(sim->disk, inode);
    mr_sim_disk_dir_sync(sim->disk, "/");
    put_parents(sim->disk, path, mr_sim_disk_dir_sync);
}

bool mr_sim_get(const mr_plat *plat, const char *path, mr_span *ret) {
    const mr_sim *sim = sim_of_const(plat);
    mr_stat stat;
    int inode = mr_sim_disk_find(sim->disk, path);
    if (inode < 0 || mr_sim_disk_stat(sim->disk, path, &stat) != 0 || stat.is_dir) {
        return false;
    }
    *ret = mr_sim_disk_bytes(sim->disk, inode);
    return true;
}

void mr_sim_clock_advance(mr_plat *plat, int64_t us) {
    mr_assert(us >= 0);
    sim_of(plat)->real_us += us;
    sim_of(plat)->monotonic_us += us;
}

void mr_sim_clock_step(mr_plat *plat, int64_t us) {
    sim_of(plat)->real_us += us;
}

void mr_sim_env_set(mr_plat *plat, const char *name, const char *value) {
    mr_sim *sim = sim_of(plat);
    for (size_t i = 0; i < sim->variable_count; i++) {
        if (strcmp(sim->variables[i].name, name) == 0) {
            mr_heap_free(sim->variables[i].name);
            mr_heap_free(sim->variables[i].value);
            sim->variables[i] = sim->variables[--sim->variable_count];
            break;
        }
    }
    if (value != NULL) {
        sim->variables =
            mr_heap_resize(sim->variables, (sim->variable_count + 1) * sizeof(*sim->variables));
        sim->variables[sim->variable_count++] =
            (sim_variable){mr_heap_string(name), mr_heap_string(value)};
    }
}

void mr_sim_input(mr_plat *plat, mr_span data) {
    mr_sim *sim = sim_of(plat);
    mr_text_clear(&sim->input);
    mr_text_add_bytes(&sim->input, data.data, data.bytes);
    sim->input_at = 0;
}

mr_span mr_sim_output(const mr_plat *plat, mr_stream stream) {
    return mr_text_span(&sim_of_const(plat)->output[stream]);
}
