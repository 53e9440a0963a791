// Child: see child.h.
//
// Also: mr_process_

#include "plat/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
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

// The program of a command, by the PATH that it will have; NULL when it is nowhere.
static const char *program(const char *word, char *const *env, mr_arena *arena) {
    const char *at = "/usr/local/bin:/usr/bin:/bin";
    for (size_t i = 0; env[i] != NULL; i++) {
        at = strncmp(env[i], "PATH=", 5) == 0 ? env[i] + 5 : at;
    }
    if (strchr(word, '/') != NULL) {
        return word;
    }
    for (;;) {
        size_t bytes = strcspn(at, ":");
        const char *path = bytes == 0 ? mr_arena_printf(arena, "./%s", word)
                                      : mr_arena_printf(arena, "%.*s/%s", (int)bytes, at, word);
        struct stat stat_of;
        if (stat(path, &stat_of) == 0 && S_ISREG(stat_of.st_mode) && access(path, X_OK) == 0) {
            return path;
        }
        if (at[bytes] == '\0') {
            return NULL;
        }
        at += bytes + 1;
    }
}

static void set_files(posix_spawn_file_actions_t *files, const mr_child_spec *spec) {
    posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (spec->pipe != NULL) {
        posix_spawn_file_actions_adddup2(files, spec->pipe->handle, STDOUT_FILENO);
    } else if (spec->output != NULL) {
        posix_spawn_file_actions_addopen(files, STDOUT_FILENO, spec->output,
                                         O_WRONLY | O_CREAT | O_APPEND, 0644);
    }
    if (spec->pipe != NULL || spec->output != NULL) {
        posix_spawn_file_actions_adddup2(files, STDOUT_FILENO, STDERR_FILENO);
    }
    if (spec->passed != NULL) {
        posix_spawn_file_actions_adddup2(files, spec->passed->handle, MR_CHILD_PASSED);
    }
    if (spec->dir != NULL) {
        posix_spawn_file_actions_addchdir_np(files, spec->dir);
    }
}

static int spawn(pid_t *pid, const mr_child_spec *spec, mr_cx *cx) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    set_files(&files, spec);
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
    char **env = environment(spec->env, cx->arena);
    const char *file = program(copy[0], env, cx->arena);
    int error = file == NULL ? ENOENT : posix_spawn(pid, file, &files, &attributes, copy, env);
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
