// Call context: what every call needs and no global holds.
//
// Why: errors, memory, clock, randomness, faults and cancellation reach code as an argument, so a
// test or the simulator can replace any of them. A context belongs to one thread.

#pragma once

#include <stdatomic.h>

#include "base/error.h"

typedef struct mr_plat mr_plat;  // plat/plat.h: the operating system or its simulator.

typedef struct mr_cx {
    mr_arena *arena;      // Shortest lifetime in force: call, batch or epoch.
    mr_error error;       // The last failure.
    mr_plat *plat;        // NULL in pure code's tests.
    atomic_bool *cancel;  // Set from outside: finish soon. May be NULL.
} mr_cx;

// A context with this arena and platform, no error.
void mr_cx_init(mr_cx *cx, mr_arena *arena, mr_plat *plat);

#define MR_TRY(call)                             \
    do {                                         \
        mr_code mr_try_code = (call);            \
        if (MR_UNLIKELY(mr_try_code != MR_OK)) { \
            return mr_try_code;                  \
        }                                        \
    } while (0)

// Fails with a fact and advice. hint may be NULL. Evaluates to code (so the compiler knows it is
// not MR_OK).
#define mr_fail(cx, code, hint, ...)                                                           \
    ((void)mr_error_set((cx), (code), (mr_error_site){MR_NOWHERE, (hint), __FILE__, __LINE__}, \
                        __VA_ARGS__),                                                          \
     (mr_code)(code))
// The same, pointing into the user's text.
#define mr_fail_at(cx, code, place, hint, ...)                                              \
    ((void)mr_error_set((cx), (code), (mr_error_site){(place), (hint), __FILE__, __LINE__}, \
                        __VA_ARGS__),                                                       \
     (mr_code)(code))

typedef struct mr_error_site {
    mr_place place;
    const char *hint;
    const char *file;
    int line;
} mr_error_site;

mr_code mr_error_set(mr_cx *cx, mr_code code, mr_error_site site, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// Adds one line of context to the error in cx and returns code unchanged, for `return mr_in(…)`.
mr_code mr_error_in(mr_cx *cx, mr_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Adds flags (MR_RETRY …) and returns code unchanged.
mr_code mr_error_flag(mr_cx *cx, mr_code code, uint32_t flags);

static inline bool mr_cx_cancelled(const mr_cx *cx) {
    return cx->cancel != NULL && atomic_load_explicit(cx->cancel, memory_order_relaxed);
}
