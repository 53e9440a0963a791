// Timer: see timer.h.

#include "plat/timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include "plat/plat_ops.h"

mr_code mr_timer_open(mr_timer *timer, mr_cx *cx) {
    timer->handle = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    return timer->handle >= 0 ? MR_OK : plat_fail(cx, errno, "open", "a timer");
}

mr_code mr_timer_set(const mr_timer *timer, int64_t at_us, mr_cx *cx) {
    // Zero would switch it off; a moment that is past fires at once.
    int64_t us = at_us < 1 ? 1 : at_us;
    struct itimerspec when = {
        .it_value = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000}};
    int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
    // Setting it right after the clock was set says so once more; then it is set.
    for (int tries = 0; tries < 3; tries++) {
        if (timerfd_settime(timer->handle, flags, &when, NULL) == 0) {
            return MR_OK;
        }
        if (errno != ECANCELED) {
            break;
        }
    }
    return plat_fail(cx, errno, "set", "a timer");
}

void mr_timer_close(mr_timer *timer) {
    if (timer->handle >= 0) {
        close(timer->handle);
    }
    *timer = MR_TIMER_CLOSED;
}
