// Container, pull: an image that is there, fetched from its registry when it must be.

#pragma once

#include "task/container.h"
#include "task/engine.h"

typedef struct mr_container_pull {
    const mr_container_image *image;
    const char *policy;           // "missing", "always", "never"
    const char *platform;         // NULL = the engine's.
    const mr_endpoint *registry;  // Who we are there; NULL = nobody.
    int64_t timeout_us;
} mr_container_pull;

// Tells in the log what is fetched. The password goes to no other registry than its connection's.
//   errors  MR_E_OPTION: the image is of another one; MR_E_MISSING: the image is not there;
//   MR_E_PERMISSION: the registry does not know us;
//           MR_E_NETWORK, MR_E_TIMEOUT
mr_code mr_container_pull_image(const mr_engine *engine, const mr_container_pull *pull, mr_cx *cx);

// Takes apart what an engine tells of its progress: JSON, a line each. What is too long for a line
// is left out.
typedef struct mr_container_progress {
    mr_text line;
    bool too_long;
    char error[512];  // The engine's; "" = none.
} mr_container_progress;
mr_code mr_container_pull_progress(mr_container_progress *progress, mr_span piece, mr_cx *cx);
