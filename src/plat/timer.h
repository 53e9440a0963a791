// Timer: wakes who waits at a moment of the wall clock, and when that clock is set.
//
// Why beside a wait's timeout: a timeout counts elapsed time, so after a step of the clock it would
// come too late or too early. A timer is readable when its moment has come or the clock was set.
// Real ones only: the simulator has none.

#pragma once

#include "plat/socket.h"

typedef struct mr_timer {
    int handle;  // For mr_socket_wait; -1 = closed.
} mr_timer;

#define MR_TIMER_CLOSED ((mr_timer){.handle = -1})

mr_code mr_timer_open(mr_timer *timer, mr_cx *cx);
// Readable at at_us (wall clock; INT64_MAX = never). What it had to say before is forgotten.
mr_code mr_timer_set(const mr_timer *timer, int64_t at_us, mr_cx *cx);
void mr_timer_close(mr_timer *timer);  // Takes a closed one.
