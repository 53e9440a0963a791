// Thread: threads, mutexes and conditions. Real ones only: the simulator runs everything in one
// thread.

#pragma once

#include <pthread.h>

#include "base/cx.h"
#include "plat/socket.h"

typedef struct mr_thread {
    pthread_t handle;
    bool running;
} mr_thread;

typedef struct mr_mutex {
    pthread_mutex_t handle;
} mr_mutex;

typedef struct mr_condition {
    pthread_cond_t handle;  // Monotonic clock.
} mr_condition;

// Signals are blocked in the new thread; the main thread takes them.
mr_code mr_thread_start(mr_thread *thread, const char *name, void *(*run)(void *), void *argument,
                        mr_cx *cx);
void mr_thread_join(mr_thread *thread);  // Takes one that never started.
void mr_mutex_init(mr_mutex *mutex);
void mr_mutex_release(mr_mutex *mutex);
void mr_mutex_lock(mr_mutex *mutex);
void mr_mutex_unlock(mr_mutex *mutex);
void mr_condition_init(mr_condition *condition);
void mr_condition_release(mr_condition *condition);
void mr_condition_wait(mr_condition *condition, mr_mutex *mutex,
                       int64_t timeout_us);  // < 0 = no limit
void mr_condition_signal(mr_condition *condition);
void mr_condition_broadcast(mr_condition *condition);
// Calls handler(signal) state: sets *flag (and on the second time exits at once) on SIGINT and
// SIGTERM; ignores SIGPIPE.
void mr_thread_catch_stop(atomic_bool *flag);
// Sleeps until such a signal has come. Only for the main thread.
// As if the process was asked to stop. Any thread.
void mr_thread_ask_stop(void);
void mr_thread_wait_stop(atomic_bool *flag);
// The same, and signals a wake, for a thread that waits; NULL ends that.
void mr_thread_wake_at_stop(const mr_wake *wake);
