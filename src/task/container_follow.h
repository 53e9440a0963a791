// Container, follow: a container's log as it comes, and its end.
//
// An engine may be started again while the container goes on, and connections break: as long as the
// container runs the log is asked for anew, from the last line's moment on (frames.h), and what was
// passed on is left out. Nothing is waited for without looking whether the container still runs.
// When it has ended the log is read once more, for what an earlier connection may have missed.
// Podman (4.3) loses pieces of a log that is followed while much is written. So its containers are
// attached to before they start, and what is missing comes from the log when they have ended.

#pragma once

#include "task/container_life.h"
#include "task/frames.h"

typedef struct mr_container_follow {
    const mr_engine *engine;
    const char *name;
    int64_t look_us;  // Of silence, before the container is looked at.
    mr_frames frames;
    uint32_t breaks;     // Of the log, in a row, without a byte that is new.
    bool at_line_start;  // Of the log.
    bool log_is_over;    // It is not read any more.
    bool engine_is_gone;
    mr_engine_stream attached;  // Closed when it is not.
} mr_container_follow;

void mr_container_follow_init(mr_container_follow *follow, const mr_engine *engine,
                              const char *name, bool tty);
// Before it starts: opens what its output comes by, where the log is not followed.
mr_code mr_container_follow_attach(mr_container_follow *follow, mr_cx *cx);
void mr_container_follow_close(mr_container_follow *follow, mr_cx *cx);
// Passes the log on until the container has ended.
//   errors  MR_E_NETWORK, MR_E_TIMEOUT: the engine is gone; MR_E_MISSING: the container is;
//           MR_E_CANCELLED
mr_code mr_container_follow_run(mr_container_follow *follow, mr_container_state *ret, mr_cx *cx);
// What is still to come of the log of one that was stopped, with another engine's handle.
void mr_container_follow_rest(mr_container_follow *follow, const mr_engine *engine, mr_cx *cx);
