// Thread: POSIX threads with the program's rules; see thread.h.
//
// Also: mr_mutex_ mr_condition_

#include "plat/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plat/plat_ops.h"

// A frame of a library's function may be larger than the usual guard of one page: it would step
// over it into another thread's stack. The kernel leaves as much below a process's first stack.
#define GUARD_BYTES ((size_t)1 << 20)

mr_code mr_thread_start(mr_thread *thread, const char *name, void *(*run)(void *), void *argument,
                        mr_cx *cx) {
    sigset_t all, before;
    sigfillset(&all);
    // A fault must reach its handler (library.c): a blocked one ends the process without a word.
    static const int faults[] = MR_PLAT_CRASH_SIGNALS;
    for (size_t i = 0; i < MR_COUNT(faults); i++) {
        sigdelset(&all, faults[i]);
    }
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setguardsize(&attributes, GUARD_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // The new thread inherits this mask.
    int error = pthread_create(&thread->handle, &attributes, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    thread->running = error == 0;
    if (error != 0) {
        char buffer[128];
        return mr_fail(cx, MR_E_LIMIT, "Raise the limit of processes (ulimit -u).",
                       "cannot start thread \"%s\": %s", name,
                       strerror_r(error, buffer, sizeof(buffer)));
    }
    char short_name[16];  // The kernel's limit.
    snprintf(short_name, sizeof(short_name), "%s", name);
    pthread_setname_np(thread->handle, short_name);
    return MR_OK;
}

void mr_thread_join(mr_thread *thread) {
    if (thread->running) {
        int error = pthread_join(thread->handle, NULL);
        mr_assert(error == 0);
        thread->running = false;
    }
}

void mr_mutex_init(mr_mutex *mutex) {
    int error = pthread_mutex_init(&mutex->handle, NULL);
    mr_assert(error == 0);
}

void mr_mutex_release(mr_mutex *mutex) {
    int error = pthread_mutex_destroy(&mutex->handle);
    mr_assert(error == 0);
}

void mr_mutex_lock(mr_mutex *mutex) {
    int error = pthread_mutex_lock(&mutex->handle);
    mr_assert(error == 0);
}

void mr_mutex_unlock(mr_mutex *mutex) {
    int error = pthread_mutex_unlock(&mutex->handle);
    mr_assert(error == 0);
}

void mr_condition_init(mr_condition *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    int error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    mr_assert(error == 0);
    error = pthread_cond_init(&condition->handle, &attributes);
    mr_assert(error == 0);
    pthread_condattr_destroy(&attributes);
}

void mr_condition_release(mr_condition *condition) {
    int error = pthread_cond_destroy(&condition->handle);
    mr_assert(error == 0);
}

void mr_condition_wait(mr_condition *condition, mr_mutex *mutex, int64_t timeout_us) {
    if (timeout_us < 0) {
        int error = pthread_cond_wait(&condition->handle, &mutex->handle);
        mr_assert(error == 0);
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_us / 1000000;
    until.tv_nsec += timeout_us % 1000000 * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int error = pthread_cond_timedwait(&condition->handle, &mutex->handle, &until);
    mr_assert(error == 0 || error == ETIMEDOUT);
}

void mr_condition_signal(mr_condition *condition) {
    pthread_cond_signal(&condition->handle);
}

void mr_condition_broadcast(mr_condition *condition) {
    pthread_cond_broadcast(&condition->handle);
}

// A signal handler can be told nothing, so these are the variables of the process.
static atomic_bool *_Atomic stop_flag;

static atomic_int stop_wake = -1;

static void on_stop(int signal_number) {
    int wake = atomic_load(&stop_wake);
    int error = errno;
    if (wake >= 0) {
        ssize_t written = write(wake, &(uint64_t){1}, sizeof(uint64_t));
        (void)written;
    }
    errno = error;
    atomic_bool *flag = atomic_load(&stop_flag);
    if (flag == NULL || atomic_exchange(flag, true)) {
        _exit(128 + signal_number);  // Asked twice: out at the last commit.
    }
}

void mr_thread_catch_stop(atomic_bool *flag) {
    atomic_store(&stop_flag, flag);
    struct sigaction stop = {.sa_handler = on_stop};
    sigemptyset(&stop.sa_mask);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

void mr_thread_ask_stop(void) {
    (void)kill(getpid(), SIGTERM);
}

void mr_thread_wait_stop(atomic_bool *flag) {
    sigset_t stop, before;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    // Blocked while the flag is looked at: a signal between the look and the sleep ends the sleep.
    pthread_sigmask(SIG_BLOCK, &stop, &before);
    while (!atomic_load(flag)) {
        sigsuspend(&before);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void mr_thread_wake_at_stop(const mr_wake *wake) {
    atomic_store(&stop_wake, wake == NULL ? -1 : wake->handle);
}
