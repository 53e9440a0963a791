// Plat operations: the vtable behind plat.h, with a Linux (linux.c) and a simulated (sim.c)
// backend.
//
// An operation returns 0 or more, or minus an errno. EINTR never comes back. What is common to both
// backends (short writes, parents, error texts) lives above, in file.c, dir.c and lock.c, so that
// the simulator tests it too.

#pragma once

#include <errno.h>

#include "plat/network.h"
#include "plat/plat.h"
#include "plat/poller.h"

#define MR_PLAT_CRASHED 4095  // As an errno: the simulated machine is down.
#define MR_PLAT_CRASH_SIGNALS \
    { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT }  // library.c tells them.

typedef void (*mr_plat_visit)(void *state, const char *name, bool is_dir);

// What a poller is to say of a handle.
typedef struct mr_plat_interest {
    int handle;
    uint32_t wishes;
    void *token;
    bool add;  // Else it is changed.
} mr_plat_interest;

// None blocks. Where a name is the trouble, *ret_reason says why.
typedef struct mr_plat_sockets {
    // Begins to connect to the n-th address of host; -EADDRNOTAVAIL behind the last.
    int (*connect)(mr_plat *plat, const char *host, uint16_t port, uint32_t nth,
                   const char **ret_reason);
    int (*connected)(mr_plat *plat, int handle);  // Once it can be written: 0, or why not.
    int (*listen)(mr_plat *plat, const char *host, uint16_t port, uint16_t *ret_port,
                  const char **ret_reason);
    int (*connect_file)(mr_plat *plat, const char *path);
    int (*listen_file)(mr_plat *plat, const char *path);
    int (*accept)(mr_plat *plat, int handle, char *ret_host, size_t host_bytes, uint16_t *ret_port);
    int64_t (*send)(mr_plat *plat, int handle, mr_span data);
    int64_t (*send_parts)(mr_plat *plat, int handle, const mr_span *parts, size_t count, bool more);
    // Bytes of a file, without a copy. 0 at the file's end.
    int64_t (*send_file)(mr_plat *plat, int handle, int file, uint64_t offset, size_t bytes);
    int64_t (*receive)(mr_plat *plat, int handle, void *data, size_t bytes);  // 0 at its end.
    int (*local)(mr_plat *plat, int handle, char *ret_host, size_t host_bytes, uint16_t *ret_port);
    // A poll need not say that less than these bytes have come.
    void (*receive_low)(mr_plat *plat, int handle, size_t bytes);
    int (*poll)(mr_plat *plat, mr_socket_event *events, size_t count, int64_t timeout_us);
    int (*poller_open)(mr_plat *plat);
    int (*poller_set)(mr_plat *plat, int poller, const mr_plat_interest *interest);
    int (*poller_wait)(mr_plat *plat, int poller, mr_poller_event *events, size_t count,
                       int64_t timeout_us);
    void (*close)(mr_plat *plat, int handle);  // Of a wake and a poller too.
    int (*wake_open)(mr_plat *plat);
    void (*wake_signal)(mr_plat *plat, int handle);
    void (*wake_clear)(mr_plat *plat, int handle);
    int (*networks)(mr_plat *plat, mr_network *ret, uint32_t most);  // How many.
} mr_plat_sockets;

typedef struct mr_plat_ops {
    // Files. open gives a handle and the file's size.
    int (*open)(mr_plat *plat, const char *path, mr_open_mode mode, uint64_t *ret_bytes);
    void (*close)(mr_plat *plat, int handle);
    int64_t (*write)(mr_plat *plat, int handle, uint64_t offset, mr_span data);  // May be short.
    // The same of pieces. NULL: they are written one by one.
    int64_t (*write_parts)(mr_plat *plat, int handle, uint64_t offset, const mr_span *parts,
                           uint32_t count);
    int (*allocate)(mr_plat *plat, int handle, uint64_t from, uint64_t to);  // NULL: never mind.
    int64_t (*read)(mr_plat *plat, int handle, uint64_t offset, void *data, size_t bytes);
    int (*sync)(mr_plat *plat, int handle);
    int (*truncate)(mr_plat *plat, int handle, uint64_t bytes);
    void (*forget)(mr_plat *plat, int handle, uint64_t bytes);  // NULL: never mind.
    int (*stat)(mr_plat *plat, const char *path, mr_stat *ret);
    int (*rename)(mr_plat *plat, const char *from, const char *to, bool replace);
    int (*exchange)(mr_plat *plat, const char *a, const char *b);  // -EOPNOTSUPP: cannot.
    int (*link)(mr_plat *plat, const char *from, const char *to);  // -EOPNOTSUPP: cannot.
    int (*unlink)(mr_plat *plat, const char *path);
    // Folders.
    int (*dir_make)(mr_plat *plat, const char *path);
    int (*dir_remove)(mr_plat *plat, const char *path);
    int (*dir_sync)(mr_plat *plat, const char *path);
    int (*dir_list)(mr_plat *plat, const char *path, mr_plat_visit visit, void *state);
    // A handle for disk_sync; closed by close. NULL: there is no such thing.
    int (*disk_open)(mr_plat *plat, const char *path);
    int (*disk_sync)(mr_plat *plat, int handle);  // -EOPNOTSUPP where failures are not told.
    // Locks: a handle, or -EAGAIN with the holder's line in ret_holder.
    int (*lock)(mr_plat *plat, const char *path, mr_text *ret_holder);
    void (*unlock)(mr_plat *plat, int handle);
    // The rest.
    int64_t (*clock_real_us)(mr_plat *plat);
    int64_t (*clock_monotonic_us)(mr_plat *plat);
    int64_t (*clock_monotonic_ns)(mr_plat *plat);
    void (*sleep_us)(mr_plat *plat, int64_t us);
    uint64_t (*random_u64)(mr_plat *plat);
    int64_t (*stream_write)(mr_plat *plat, mr_stream stream, mr_span data);  // May be short.
    // Standard input: -EAGAIN when nothing comes in time, 0 at its end. NULL: there is none.
    int64_t (*stream_read)(mr_plat *plat, void *data, size_t bytes, int64_t timeout_us);
    void (*usage)(mr_plat *plat, mr_usage *ret);
    uint32_t (*cores)(mr_plat *plat);
    uint64_t (*files_max)(mr_plat *plat);  // NULL: no limit.
    const char *(*env)(mr_plat *plat, const char *name);
    const char *(*env_at)(mr_plat *plat, size_t index);  // [optional]
    int (*crash_point)(mr_plat *plat, const char *name);
    const mr_plat_sockets *sockets;  // NULL: there is no network.
} mr_plat_ops;

struct mr_plat {
    const mr_plat_ops *ops;  // A backend's own state follows.
};

// Puts "cannot <verb> "<path>": <reason>" into cx, with the code that fits the errno.
#define plat_fail(cx, error, verb, path)        \
    mr_plat_fail((cx), (error), (verb), (path), \
                 &(mr_error_site){MR_NOWHERE, NULL, __FILE__, __LINE__})
mr_code mr_plat_fail(mr_cx *cx, int error, const char *verb, const char *path,
                     const mr_error_site *site);

// The same for a failed sync: MR_E_IO with MR_FATAL, whatever the errno.
#define plat_sync_fail(cx, error, path) \
    mr_plat_sync_fail((cx), (error), (path), &(mr_error_site){MR_NOWHERE, NULL, __FILE__, __LINE__})
mr_code mr_plat_sync_fail(mr_cx *cx, int error, const char *path, const mr_error_site *site);

extern const mr_plat_sockets mr_linux_socket_ops;
int mr_linux_networks(mr_plat *plat, mr_network *ret, uint32_t most);
