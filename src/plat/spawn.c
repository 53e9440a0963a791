// Spawn: see spawn.h.
//
// Also: mr_process_ mr_pair_

#include "plat/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat/plat_ops.h"

#define PATH_BYTES 64  // Of "/proc/<pid>/task/<thread>/children".

// A small file of /proc into buffer, with a NUL behind it; its bytes, or -1.
static ssize_t proc_read(const char *path, char *buffer, size_t bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    ssize_t all = 0;
    for (;;) {
        ssize_t got = read(fd, buffer + all, bytes - 1 - (size_t)all);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || (size_t)(all + got) == bytes - 1) {
            all = got < 0 ? -1 : all + got;
            break;
        }
        all += got;
    }
    close(fd);
    if (all >= 0) {
        buffer[all] = '\0';
    }
    return all;
}

// The number behind the n-th blank of text, from 1; 0 when there is none.
static int64_t number_at(const char *text, int n) {
    for (; n > 0 && text != NULL; n--) {
        text = strchr(text, ' ');
        text = text == NULL ? NULL : text + 1;
    }
    int64_t ret = 0;
    size_t bytes = text == NULL ? 0 : strcspn(text, " \n");
    return bytes > 0 && mr_text_parse_int64((mr_span){text, bytes}, &ret) ? ret : 0;
}

// ---- one process -----------------------------------------------------------------------------

bool mr_process_look(int pid, mr_process_info *ret) {
    char path[PATH_BYTES], line[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (proc_read(path, line, sizeof(line)) <= 0) {
        return false;
    }
    // "12 (name, with anything in it) S parent group session …": the start is the 22nd.
    const char *open = strchr(line, '('), *end = strrchr(line, ')');
    if (open == NULL || end == NULL || end < open || end[1] != ' ') {
        return false;
    }
    *ret = (mr_process_info){
        .process = {.pid = pid, .start = number_at(end, 20)},
        .parent = (int)number_at(end, 2),
        .session = (int)number_at(end, 4),
        .over = end[2] == 'Z' || end[2] == 'X',
    };
    snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(end - open - 1), open + 1);
    return true;
}

void mr_process_self(mr_process *ret) {
    mr_process_info info = {.process = {.pid = getpid()}};
    (void)mr_process_look(getpid(), &info);
    *ret = info.process;
}

const char *mr_process_boot(mr_cx *cx) {
    char line[64] = "";
    (void)proc_read("/proc/sys/kernel/random/boot_id", line, sizeof(line));
    line[strcspn(line, "\n")] = '\0';
    return mr_arena_string(cx->arena, line);
}

static bool is_alive(const mr_process *process) {
    mr_process_info info;
    return mr_process_look(process->pid, &info) && info.process.start == process->start &&
           !info.over;
}

mr_code mr_process_watch(const mr_process *process, int *ret_handle, mr_cx *cx) {
    char what[32];
    snprintf(what, sizeof(what), "process %d", process->pid);
    int handle = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (handle < 0 && errno != ESRCH && errno != EINVAL) {
        return plat_fail(cx, errno, "watch", what);
    }
    if (handle >= 0 && is_alive(process)) {
        *ret_handle = handle;
        return MR_OK;
    }
    mr_process_unwatch(&handle);
    return mr_fail(cx, MR_E_MISSING, NULL, "%s has ended", what);
}

void mr_process_unwatch(int *handle) {
    if (*handle >= 0) {
        close(*handle);
        *handle = -1;
    }
}

void mr_process_end_watched(int handle, bool force) {
    if (handle >= 0) {
        (void)syscall(SYS_pidfd_send_signal, handle, force ? SIGKILL : SIGTERM, NULL, 0);
    }
}

void mr_process_end(const mr_process *process, bool force) {
    int handle = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (handle >= 0 && is_alive(process)) {
        mr_process_end_watched(handle, force);
    }
    mr_process_unwatch(&handle);
}

void mr_process_end_child(int pid) {
    (void)kill(pid, SIGTERM);
}

const char *mr_process_signal_text(int number) {
    return strsignal(number);
}

int mr_process_parent_id(void) {
    return getppid();
}

const char *mr_process_env(int pid, const char *name, mr_cx *cx) {
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "/proc/%d/environ", pid);
    size_t capacity = (size_t)256 << 10, name_bytes = strlen(name);
    char *all = mr_heap_raw(capacity);
    ssize_t bytes = proc_read(path, all, capacity);
    const char *ret = NULL;
    for (const char *at = all; bytes > 0 && at < all + bytes; at += strlen(at) + 1) {
        if (strncmp(at, name, name_bytes) == 0 && at[name_bytes] == '=') {
            ret = mr_arena_string(cx->arena, at + name_bytes + 1);
            break;
        }
    }
    mr_heap_free(all);
    return ret;
}

void mr_process_oom_points(int pid, int points) {
    char path[PATH_BYTES], number[16];
    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
    int bytes = snprintf(number, sizeof(number), "%d", points);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t done = write(fd, number, (size_t)bytes);
        (void)done;  // A kernel that does not let us is one that goes without.
        close(fd);
    }
}

// ---- many processes --------------------------------------------------------------------------

typedef struct found {
    mr_process_info *items;
    uint32_t count;
    uint32_t capacity;
    mr_arena *arena;
} found;

static void found_add(found *all, const mr_process_info *info) {
    if (all->count == all->capacity) {
        uint32_t capacity = MR_MAX(all->capacity * 2, 16U);
        mr_process_info *items = MR_NEW_ARRAY(all->arena, mr_process_info, capacity);
        if (all->count > 0) {
            memcpy(items, all->items, all->count * sizeof(*items));
        }
        all->items = items;
        all->capacity = capacity;
    }
    all->items[all->count++] = *info;
}

static void found_pid(void *state, const char *name, bool is_dir) {
    int64_t pid = 0;
    mr_process_info info;
    if (is_dir && mr_text_parse_int64(mr_span_of(name), &pid) && mr_process_look((int)pid, &info)) {
        found_add(state, &info);
    }
}

mr_code mr_process_list(mr_process_info **ret, uint32_t *ret_count, mr_cx *cx) {
    found all = {.arena = cx->arena};
    int error = cx->plat->ops->dir_list(cx->plat, "/proc", found_pid, &all);
    if (error < 0) {
        return plat_fail(cx, -error, "list folder", "/proc");
    }
    *ret = all.items;
    *ret_count = all.count;
    return MR_OK;
}

typedef struct threads {
    int pid;
    bool missing;  // The kernel does not tell children.
    found *all;
} threads;

static void add_children(void *state, const char *thread, bool is_dir) {
    threads *t = state;
    char path[PATH_BYTES], list[4096];
    if (!is_dir || snprintf(path, sizeof(path), "/proc/%d/task/%s/children", t->pid, thread) < 0) {
        return;
    }
    ssize_t bytes = proc_read(path, list, sizeof(list));
    t->missing = t->missing || bytes < 0;
    for (const char *at = list; bytes > 0 && *at != '\0';) {
        size_t digits = strcspn(at, " ");
        int64_t pid = 0;
        mr_process_info info;
        if (mr_text_parse_int64((mr_span){at, digits}, &pid) && mr_process_look((int)pid, &info)) {
            found_add(t->all, &info);
        }
        at += digits + strspn(at + digits, " ");
    }
}

// Without children files: from all processes, those whose parent is found already, until no more.
static void below_by_parents(int pid, found *all, mr_cx *cx) {
    mr_process_info *list = NULL;
    uint32_t count = 0, before = 0;
    all->count = 0;
    if (mr_process_list(&list, &count, cx) != MR_OK) {
        return;
    }
    do {
        before = all->count;
        for (uint32_t i = 0; i < count; i++) {
            bool below = list[i].parent == pid && list[i].process.pid != 0;
            for (uint32_t k = 0; k < all->count && !below; k++) {
                below = all->items[k].process.pid == list[i].parent;
            }
            if (below) {
                found_add(all, &list[i]);
                list[i].parent = -1;
            }
        }
    } while (all->count > before);
}

void mr_process_below(int pid, mr_process_info **ret, uint32_t *ret_count, mr_cx *cx) {
    found all = {.arena = cx->arena};
    bool missing = false;
    for (uint32_t i = 0; i <= all.count && !missing; i++) {
        threads t = {.pid = i == 0 ? pid : all.items[i - 1].process.pid, .all = &all};
        char path[PATH_BYTES];
        snprintf(path, sizeof(path), "/proc/%d/task", t.pid);
        if (cx->plat->ops->dir_list(cx->plat, path, add_children, &t) == 0 && t.missing) {
            missing = mr_process_look(t.pid, &(mr_process_info){.parent = 0});
        }
    }
    if (missing) {
        below_by_parents(pid, &all, cx);
    }
    uint32_t alive = 0;
    for (uint32_t i = 0; i < all.count; i++) {
        if (!all.items[i].over) {
            all.items[alive++] = all.items[i];
        }
    }
    *ret = all.items;
    *ret_count = alive;
}

// ---- leading ---------------------------------------------------------------------------------

mr_code mr_spawn_fork(int *ret_pid, mr_cx *cx) {
    pid_t pid = fork();
    if (pid < 0) {
        return plat_fail(cx, errno, "start", "another process");
    }
    *ret_pid = pid;
    return MR_OK;
}

void mr_spawn_lead(const char *name) {
    (void)setsid();  // Fails for one that leads a session already.
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
}

void mr_spawn_close_others(int passed) {
    (void)fcntl(passed, F_SETFD, FD_CLOEXEC);
    // By the call itself: the C library of some systems has no word for it.
    (void)syscall(SYS_close_range, (unsigned)passed + 1, ~0U, 0);
}

void mr_spawn_exit(int code) {
    _exit(code);
}

mr_code mr_spawn_signals(int *ret_handle, mr_cx *cx) {
    sigset_t set;
    sigemptyset(&set);
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD};
    for (size_t i = 0; i < MR_COUNT(signals); i++) {
        sigaddset(&set, signals[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    int handle = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (handle < 0) {
        return plat_fail(cx, errno, "wait for", "signals");
    }
    *ret_handle = handle;
    return MR_OK;
}

mr_spawn_signal mr_spawn_signal_take(int handle) {
    struct signalfd_siginfo info;
    ssize_t got;
    do {
        got = read(handle, &info, sizeof(info));
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(info)) {
        return MR_SPAWN_NONE;
    }
    return info.ssi_signo == SIGCHLD ? MR_SPAWN_CHILD : MR_SPAWN_STOP;
}

bool mr_spawn_reap(mr_spawn_end *ret, bool *ret_left) {
    int status = 0;
    struct rusage usage;
    pid_t pid = wait4(-1, &status, WNOHANG, &usage);
    *ret_left = pid >= 0 || errno != ECHILD;
    if (pid <= 0) {
        return false;
    }
    bool killed = WIFSIGNALED(status);
    *ret = (mr_spawn_end){
        .pid = pid,
        .killed = killed,
        .code = killed ? WTERMSIG(status) : WEXITSTATUS(status),
        .usage = {.cpu_us = (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                            usage.ru_utime.tv_usec + usage.ru_stime.tv_usec,
                  .resident_bytes_max = (uint64_t)usage.ru_maxrss * 1024},
    };
    return true;
}

// ---- connections -----------------------------------------------------------------------------

mr_socket mr_pair_of(int handle, const char *peer) {
    return (mr_socket){.handle = handle, .peer = mr_heap_string(peer)};
}

mr_code mr_pair_open(mr_socket *ret_ours, mr_socket *ret_theirs, mr_cx *cx) {
    int handles[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, handles) != 0) {
        return plat_fail(cx, errno, "make", "a pair of sockets");
    }
    *ret_ours = mr_pair_of(handles[0], "the spawner");
    *ret_theirs = mr_pair_of(handles[1], "the scheduler");
    return MR_OK;
}

mr_code mr_pair_pipe(mr_socket *ret_reader, mr_socket *ret_writer, mr_cx *cx) {
    int handles[2];
    if (pipe2(handles, O_CLOEXEC) != 0) {
        return plat_fail(cx, errno, "make", "a pipe");
    }
    (void)fcntl(handles[0], F_SETFL, O_NONBLOCK);
    *ret_reader = mr_pair_of(handles[0], "the task");
    *ret_writer = mr_pair_of(handles[1], "the log");
    return MR_OK;
}

mr_code mr_pair_read(mr_socket *reader, void *data, size_t bytes, size_t *ret_bytes, mr_cx *cx) {
    ssize_t got;
    do {
        got = read(reader->handle, data, bytes);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) {
        *ret_bytes = 0;
        return MR_OK;
    }
    if (got < 0) {
        return plat_fail(cx, errno, "read from", reader->peer);
    }
    *ret_bytes = (size_t)got;
    return got > 0 ? MR_OK : mr_fail(cx, MR_E_NETWORK, NULL, "%s has ended", reader->peer);
}
