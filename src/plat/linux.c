// Linux: the real backend of plat's vtable; the program's system calls are here.
//
// Also: mr_plat_
//
// Every call retries EINTR and gives back minus an errno. Files are opened close-on-exec. Symbolic
// links in users' paths are followed; removing a tree does not follow them.

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "plat/plat_ops.h"

// The call's result, or minus errno; again while a signal interrupts it.
#define RETRY(ret, call)    \
    do {                    \
        (ret) = (call);     \
        if ((ret) < 0) {    \
            (ret) = -errno; \
        }                   \
    } while ((ret) == -EINTR)

// ---- files -------------------------------------------------------------------------------------

static int linux_open(mr_plat *plat, const char *path, mr_open_mode mode, uint64_t *ret_bytes) {
    (void)plat;
    int flags = O_CLOEXEC;
    switch (mode) {
    case MR_OPEN_READ: flags |= O_RDONLY; break;
    // Writers may read too: a log serves what it has just appended.
    case MR_OPEN_CREATE:
    case MR_OPEN_PRIVATE: flags |= O_RDWR | O_CREAT | O_EXCL; break;
    case MR_OPEN_TRUNCATE: flags |= O_RDWR | O_CREAT | O_TRUNC; break;
    case MR_OPEN_APPEND: flags |= O_RDWR | O_CREAT; break;
    }
    int fd;
    RETRY(fd, open(path, flags, mode == MR_OPEN_PRIVATE ? 0600 : 0644));
    if (fd < 0) {
        return fd;
    }
    struct stat stat;
    int error = 0;
    if (fstat(fd, &stat) != 0) {
        error = -errno;
    } else if (S_ISDIR(stat.st_mode)) {
        error = -EISDIR;
    }
    if (error != 0) {
        close(fd);
        return error;
    }
    *ret_bytes = (uint64_t)stat.st_size;
    return fd;
}

static void linux_close(mr_plat *plat, int handle) {
    (void)plat;
    close(handle);  // Linux frees the descriptor whatever close says.
}

static int64_t linux_write(mr_plat *plat, int handle, uint64_t offset, mr_span data) {
    (void)plat;
    int64_t ret;
    RETRY(ret, pwrite(handle, data.data, data.bytes, (off_t)offset));
    if (ret == -ESPIPE) {  // A pipe or terminal: only one place to write to.
        RETRY(ret, write(handle, data.data, data.bytes));
    }
    return ret;
}

static int64_t linux_write_parts(mr_plat *plat, int handle, uint64_t offset, const mr_span *parts,
                                 uint32_t count) {
    (void)plat;
    struct iovec list[8];
    uint32_t used = (uint32_t)MR_MIN((size_t)count, MR_COUNT(list));
    for (uint32_t i = 0; i < used; i++) {
        list[i] = (struct iovec){(void *)(uintptr_t)parts[i].data, parts[i].bytes};
    }
    int64_t ret;
    RETRY(ret, pwritev(handle, list, (int)used, (off_t)offset));
    return ret;
}

static int linux_allocate(mr_plat *plat, int handle, uint64_t from, uint64_t to) {
    (void)plat;
    int ret;
    RETRY(ret, fallocate(handle, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from)));
    return ret;
}

static int linux_disk_open(mr_plat *plat, const char *path) {
    (void)plat;
    int fd;
    RETRY(fd, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd;
}

// Before Linux 5.8 syncfs said nothing of pages that could not be written.
static bool syncfs_tells(void) {
    struct utsname name;
    if (uname(&name) != 0) {
        return false;
    }
    size_t major_bytes = strspn(name.release, "0123456789");
    const char *second = name.release + major_bytes + (name.release[major_bytes] == '.');
    int64_t major = 0, minor = 0;
    return mr_text_parse_int64((mr_span){name.release, major_bytes}, &major) &&
           mr_text_parse_int64((mr_span){second, strspn(second, "0123456789")}, &minor) &&
           (major > 5 || (major == 5 && minor >= 8));
}

static int linux_disk_sync(mr_plat *plat, int handle) {
    (void)plat;
    if (!syncfs_tells()) {
        return -EOPNOTSUPP;
    }
    int ret;
    RETRY(ret, syncfs(handle));
    return ret;
}

static int64_t linux_read(mr_plat *plat, int handle, uint64_t offset, void *data, size_t bytes) {
    (void)plat;
    int64_t ret;
    RETRY(ret, pread(handle, data, bytes, (off_t)offset));
    if (ret == -ESPIPE) {  // A pipe is read in order, as its readers do.
        RETRY(ret, read(handle, data, bytes));
    }
    return ret;
}

static int linux_sync(mr_plat *plat, int handle) {
    (void)plat;
    int ret;
    RETRY(ret, fdatasync(handle));
    return ret;
}

static int linux_truncate(mr_plat *plat, int handle, uint64_t bytes) {
    (void)plat;
    int ret;
    RETRY(ret, ftruncate(handle, (off_t)bytes));
    return ret;
}

// The last page stays: the next append goes on in it, and would have to read it.
static void linux_forget(mr_plat *plat, int handle, uint64_t bytes) {
    (void)plat;
    off_t whole = (off_t)(bytes & ~(uint64_t)4095);
    if (whole > 0) {  // No length would mean all.
        (void)posix_fadvise(handle, 0, whole, POSIX_FADV_DONTNEED);
    }
}

static int linux_stat(mr_plat *plat, const char *path, mr_stat *ret) {
    (void)plat;
    struct stat stat_now;
    if (stat(path, &stat_now) != 0) {
        return -errno;
    }
    *ret = (mr_stat){
        .bytes = (uint64_t)stat_now.st_size,
        .modified_us = (int64_t)stat_now.st_mtim.tv_sec * 1000000 + stat_now.st_mtim.tv_nsec / 1000,
        .inode = (uint64_t)stat_now.st_ino,
        .device = (uint64_t)stat_now.st_dev,
        .is_dir = S_ISDIR(stat_now.st_mode),
    };
    return 0;
}

static int linux_rename(mr_plat *plat, const char *from, const char *to, bool replace) {
    (void)plat;
    int ret;
    RETRY(ret, renameat2(AT_FDCWD, from, AT_FDCWD, to, replace ? 0 : RENAME_NOREPLACE));
    if (replace || (ret != -EINVAL && ret != -ENOSYS)) {
        return ret;
    }
    // This file system has no rename without replace: a hard link has the same promise.
    RETRY(ret, link(from, to));
    if (ret == 0) {
        RETRY(ret, unlink(from));
    }
    return ret;
}

static int linux_exchange(mr_plat *plat, const char *a, const char *b) {
    (void)plat;
    int ret;
    RETRY(ret, renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE));
    return ret == -EINVAL || ret == -ENOSYS ? -EOPNOTSUPP : ret;
}

static int linux_link(mr_plat *plat, const char *from, const char *to) {
    (void)plat;
    int ret;
    RETRY(ret, link(from, to));
    return ret == -EPERM || ret == -EMLINK || ret == -ENOSYS ? -EOPNOTSUPP : ret;
}

static int linux_unlink(mr_plat *plat, const char *path) {
    (void)plat;
    int ret;
    RETRY(ret, unlink(path));
    return ret;
}

// ---- folders -----------------------------------------------------------------------------------

static int linux_dir_make(mr_plat *plat, const char *path) {
    (void)plat;
    int ret;
    RETRY(ret, mkdir(path, 0755));
    return ret;
}

static int linux_dir_remove(mr_plat *plat, const char *path) {
    (void)plat;
    int ret;
    RETRY(ret, rmdir(path));
    return ret;
}

static int linux_dir_sync(mr_plat *plat, const char *path) {
    (void)plat;
    int fd;
    RETRY(fd, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0) {
        return fd;
    }
    int ret;
    RETRY(ret, fsync(fd));
    close(fd);
    return ret;
}

static int linux_dir_list(mr_plat *plat, const char *path, mr_plat_visit visit, void *state) {
    (void)plat;
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return -errno;
    }
    int ret = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            ret = -errno;
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        bool is_dir = entry->d_type == DT_DIR;
        struct stat stat;
        if (entry->d_type == DT_UNKNOWN &&
            fstatat(dirfd(dir), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0) {
            is_dir = S_ISDIR(stat.st_mode);
        }
        visit(state, entry->d_name, is_dir);
    }
    closedir(dir);
    return ret;
}

// ---- locks -------------------------------------------------------------------------------------

// "123 millrace up project" as the holder's line.
static void lock_describe(int fd) {
    char line[1024];
    int length = snprintf(line, sizeof(line), "%ld ", (long)getpid());
    int command = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;
    if (command >= 0) {
        RETRY(got, read(command, line + length, sizeof(line) - (size_t)length - 2));
        close(command);
    }
    for (ssize_t i = 0; i < got; i++) {  // NUL ends each argument.
        line[length] = line[length] == '\0' || line[length] == '\n' ? ' ' : line[length];
        length++;
    }
    while (line[length - 1] == ' ') {
        length--;
    }
    line[length++] = '\n';
    ssize_t done;
    if (ftruncate(fd, 0) == 0) {
        RETRY(done, pwrite(fd, line, (size_t)length, 0));
        (void)done;  // The lock holds without its description.
    }
}

static int linux_lock(mr_plat *plat, const char *path, mr_text *ret_holder) {
    (void)plat;
    int fd;
    RETRY(fd, open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (fd < 0) {
        return fd;
    }
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int ret;
    RETRY(ret, fcntl(fd, F_OFD_SETLK, &whole));
    if (ret >= 0) {
        lock_describe(fd);
        return fd;
    }
    if (ret == -EAGAIN || ret == -EACCES) {
        char line[1024];
        ssize_t got;
        RETRY(got, pread(fd, line, sizeof(line), 0));
        mr_text_add_bytes(ret_holder, line, got > 0 ? (size_t)got : 0);
        ret = -EAGAIN;
    }
    close(fd);
    return ret;
}

static void linux_unlock(mr_plat *plat, int handle) {
    (void)plat;
    // The file stays: deleting it would let two processes lock two files of one name.
    int ret;
    RETRY(ret, ftruncate(handle, 0));
    (void)ret;
    close(handle);
}

// ---- clock, randomness, process ----------------------------------------------------------------

static int64_t clock_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t linux_clock_real_us(mr_plat *plat) {
    (void)plat;
    return clock_us(CLOCK_REALTIME);
}

static int64_t linux_clock_monotonic_us(mr_plat *plat) {
    (void)plat;
    return clock_us(CLOCK_MONOTONIC);
}

static int64_t linux_clock_monotonic_ns(mr_plat *plat) {
    (void)plat;
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void linux_sleep_us(mr_plat *plat, int64_t us) {
    (void)plat;
    // Not continued after a signal: who sleeps looks at its cancel flag next.
    struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

static uint64_t linux_random_u64(mr_plat *plat) {
    (void)plat;
    uint64_t ret;
    ssize_t got;
    RETRY(got, getrandom(&ret, sizeof(ret), 0));
    mr_assert(got == (ssize_t)sizeof(ret));
    return ret;
}

static int64_t linux_stream_read(mr_plat *plat, void *data, size_t bytes, int64_t timeout_us) {
    (void)plat;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int ready;
    RETRY(ready, poll(&input, 1, (int)((timeout_us + 999) / 1000)));
    if (ready <= 0) {
        return ready == 0 ? -EAGAIN : ready;
    }
    int64_t ret;
    RETRY(ret, read(STDIN_FILENO, data, bytes));
    return ret;
}

static int64_t linux_stream_write(mr_plat *plat, mr_stream stream, mr_span data) {
    (void)plat;
    int fd = stream == MR_STDOUT ? STDOUT_FILENO : STDERR_FILENO;
    for (;;) {
        int64_t ret;
        RETRY(ret, write(fd, data.data, data.bytes));
        if (ret != -EAGAIN) {
            return ret;
        }
        // Someone else made the terminal or pipe non-blocking: wait for room.
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        poll(&room, 1, -1);
    }
}

static void linux_usage(mr_plat *plat, mr_usage *ret) {
    (void)plat;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    *ret = (mr_usage){
        .cpu_us = (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                  usage.ru_utime.tv_usec + usage.ru_stime.tv_usec,
        .resident_bytes_max = (uint64_t)usage.ru_maxrss * 1024,
    };
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    char line[128] = "";
    ssize_t got;
    RETRY(got, read(fd, line, sizeof(line) - 1));
    close(fd);
    // "size resident shared …", in pages.
    char *second = got > 0 ? strchr(line, ' ') : NULL;
    char *third = second != NULL ? strchr(second + 1, ' ') : NULL;
    int64_t pages;
    if (third != NULL && mr_text_parse_int64((mr_span){second, (size_t)(third - second)}, &pages)) {
        ret->resident_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
    }
    ret->resident_bytes_max = MR_MAX(ret->resident_bytes_max, ret->resident_bytes);
}

static uint32_t linux_cores(mr_plat *plat) {
    (void)plat;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0 && CPU_COUNT(&allowed) > 0) {
        return (uint32_t)CPU_COUNT(&allowed);
    }
    return 1;
}

static uint64_t linux_files_max(mr_plat *plat) {
    (void)plat;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return UINT64_MAX;
    }
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}

static const char *linux_env(mr_plat *plat, const char *name) {
    (void)plat;
    return getenv(name);
}

static const char *linux_env_at(mr_plat *plat, size_t index) {
    (void)plat;
    return environ[index];
}

// Tests of a real process name one point; its passes are counted over all threads.
static int linux_crash_point(mr_plat *plat, const char *name) {
    static atomic_long passes;
    (void)plat;
    const char *wanted = getenv("MILLRACE_CRASH");
    size_t bytes = strlen(name);
    if (wanted == NULL || strncmp(wanted, name, bytes) != 0 ||
        (wanted[bytes] != '\0' && wanted[bytes] != ':')) {
        return 0;
    }
    int64_t nth = 1;
    if (wanted[bytes] == ':' && !mr_text_parse_int64(mr_span_of(wanted + bytes + 1), &nth)) {
        return -EINVAL;
    }
    if (atomic_fetch_add(&passes, 1) + 1 == nth) {
        kill(getpid(), SIGKILL);
        pause();
    }
    return 0;
}

static const mr_plat_ops linux_ops = {
    .open = linux_open,
    .close = linux_close,
    .write = linux_write,
    .write_parts = linux_write_parts,
    .allocate = linux_allocate,
    .read = linux_read,
    .sync = linux_sync,
    .truncate = linux_truncate,
    .forget = linux_forget,
    .stat = linux_stat,
    .rename = linux_rename,
    .exchange = linux_exchange,
    .link = linux_link,
    .unlink = linux_unlink,
    .dir_make = linux_dir_make,
    .dir_remove = linux_dir_remove,
    .dir_sync = linux_dir_sync,
    .dir_list = linux_dir_list,
    .disk_open = linux_disk_open,
    .disk_sync = linux_disk_sync,
    .lock = linux_lock,
    .unlock = linux_unlock,
    .clock_real_us = linux_clock_real_us,
    .clock_monotonic_us = linux_clock_monotonic_us,
    .clock_monotonic_ns = linux_clock_monotonic_ns,
    .sleep_us = linux_sleep_us,
    .random_u64 = linux_random_u64,
    .stream_write = linux_stream_write,
    .stream_read = linux_stream_read,
    .usage = linux_usage,
    .cores = linux_cores,
    .files_max = linux_files_max,
    .env = linux_env,
    .env_at = linux_env_at,
    .crash_point = linux_crash_point,
    .sockets = &mr_linux_socket_ops,
};

mr_plat *mr_plat_linux(void) {
    static const mr_plat plat = {.ops = &linux_ops};
    return (mr_plat *)(uintptr_t)&plat;  // Never written to: the system itself is its state.
}
