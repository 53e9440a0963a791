// Library: see library.h.
//
// How: handlers are set for the signals of a crash. A handler writes
// what the thread said it was running, with write alone, and lets the signal do its work again.

#include "plat/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "plat/plat_ops.h"

// What this thread runs of a library; a handler can find it nowhere else.
static _Thread_local const char *volatile running;

// A handler must not run on a stack that has overflowed, so a thread that runs a library's
// functions has another one.
#define ALTERNATE_BYTES ((size_t)64 << 10)
static _Thread_local char alternate[ALTERNATE_BYTES] __attribute__((aligned(16)));
static _Thread_local bool has_alternate;

static const int crash_signals[] = MR_PLAT_CRASH_SIGNALS;

static void say(const char *text) {
    size_t bytes = strlen(text);
    while (bytes > 0) {
        ssize_t done = write(STDERR_FILENO, text, bytes);
        if (done <= 0) {
            return;
        }
        text += done;
        bytes -= (size_t)done;
    }
}

static const char *signal_name(int number) {
    switch (number) {
    case SIGSEGV: return "segmentation fault";
    case SIGBUS: return "bus error";
    case SIGFPE: return "arithmetic fault";
    case SIGILL: return "illegal instruction";
    default: return "abort";
    }
}

// The first thread that crashes tells; its second fault, when the handler has returned and is none
// any more, ends the process. Others wait for that.
static void on_crash(int number) {
    static atomic_flag telling = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set(&telling)) {
        pause();
    }
    if (running != NULL) {
        say("error: ");
        say(running);
        say(" crashed: ");
        say(signal_name(number));
        say("\nhint: Nothing that was committed is lost; mend the function and run again.\n");
    }
    signal(number, SIG_DFL);
    if (number == SIGABRT) {
        raise(number);
    }
}

static void set_handlers(void) {
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = (int)SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < MR_COUNT(crash_signals); i++) {
        sigaddset(&action.sa_mask, crash_signals[i]);  // A crash in the handler is the end.
    }
    for (size_t i = 0; i < MR_COUNT(crash_signals); i++) {
        sigaction(crash_signals[i], &action, NULL);
    }
}

void mr_library_catch(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_handlers);
}

mr_code mr_library_open(const char *path, void **ret, mr_cx *cx) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return mr_fail(cx, MR_E_MISSING, /* hint= */ NULL, "cannot load library: %s", dlerror());
    }
    *ret = library;
    return MR_OK;
}

void *mr_library_symbol(void *library, const char *name) {
    return dlsym(library, name);
}

void mr_library_enter(const char *what) {
    if (!has_alternate) {
        has_alternate = true;
        const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
        stack_t other;  // A sanitizer's, which it takes away itself.
        if (sigaltstack(/* new= */ NULL, &other) == 0 && (other.ss_flags & SS_DISABLE) != 0) {
            (void)sigaltstack(&stack, /* old= */ NULL);
        }
    }
    running = what;
}

void mr_library_leave(void) {
    running = NULL;
}
