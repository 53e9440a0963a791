// Child: see child.h.
//
// Also: mr_process_

#include "plat/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat/plat_ops.h"

extern char **environ;

// Ours, with what is set on top.
static char **environment(const char *const *extra, mr_arena *arena) {
    size_t own = 0, more = 0;
    while (environ[own] != NULL) {
        own++;
    }
    while (extra != NULL && extra[more] != NULL) {
        more++;
    }
    char **all = MR_NEW_ARRAY(arena, char *, own + more + 1);
    size_t count = 0;
    for (size_t i = 0; i < own; i++) {
        bool replaced = false;
        for (size_t e = 0; e < more; e++) {
            size_t name = (size_t)(strchrnul(extra[e], '=') - extra[e]) + 1;
            replaced = replaced || strncmp(environ[i], extra[e], name) == 0;
        }
        if (!replaced) {
            all[count++] = environ[i];
        }
    }
    for (size_t e = 0; e < more; e++) {
        all[count++] = mr_arena_string(arena, extra[e]);
    }
    all[count] = NULL;
    return all;
}

static int spawn(pid_t *pid, const mr_child_spec *spec, mr_cx *cx) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, spec->output,
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    if (spec->dir != NULL) {
        posix_spawn_file_actions_addchdir_np(&files, spec->dir);
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    size_t words = 0;
    while (spec->words[words] != NULL) {
        words++;
    }
    char **copy = MR_NEW_ARRAY(cx->arena, char *, words + 1);
    for (size_t i = 0; i < words; i++) {
        copy[i] = mr_arena_string(cx->arena, spec->words[i]);
    }
    int error =
        posix_spawnp(pid, copy[0], &files, &attributes, copy, environment(spec->env, cx->arena));
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

mr_code mr_child_start(mr_child *child, const mr_child_spec *spec, mr_cx *cx) {
    pid_t pid = 0;
    int error = spawn(&pid, spec, cx);
    if (error != 0) {
        return plat_fail(cx, error, "start", spec->words[0]);
    }
    long handle = syscall(SYS_pidfd_open, pid, 0);
    if (handle < 0) {
        error = errno;
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return plat_fail(cx, error, "watch", spec->words[0]);
    }
    *child = (mr_child){.pid = pid, .handle = (int)handle};
    return MR_OK;
}

bool mr_child_ended(mr_child *child, int *ret_status) {
    int status = 0;
    if (child->pid == 0 || waitpid(child->pid, &status, WNOHANG) != child->pid) {
        return false;
    }
    *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    kill(-child->pid, SIGKILL);  // What it started and left behind goes with it.
    close(child->handle);
    *child = MR_CHILD_NONE;
    return true;
}

void mr_child_stop(const mr_child *child, bool force) {
    if (child->pid > 0) {
        kill(-child->pid, force ? SIGKILL : SIGTERM);
    }
}

int mr_process_id(void) {
    return getpid();
}

const char *mr_process_file(mr_cx *cx) {
    char path[4096];
    ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path) - 1);
    return bytes < 0 ? "millrace" : mr_arena_copy(cx->arena, path, (size_t)bytes);
}
