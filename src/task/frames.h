// Frames: a container's log as an engine sends it: pieces of standard output and standard error,
// each behind 8 bytes that say whose it is and how long.
//
//   stream (0, 1: output, 2: error, 3: of the engine) 0 0 0 length (4, big-endian) bytes …
// With a terminal there are no frames: all bytes are output. A piece may be as long as it likes, it
// is passed on as it comes. Source: the Docker Engine API, "Stream format" of attach.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_frames {
    bool plain;  // A terminal's.
    uint8_t head[8];
    uint32_t head_bytes;
    uint32_t left;       // Of the frame.
    uint64_t passed[4];  // Bytes of each stream, of all connections.
    uint64_t skip[4];    // Bytes that were passed on by an earlier connection.
} mr_frames;

typedef struct mr_frames_sink {
    // stream: 1 output, 2 error, 3 a message of the engine's.
    mr_code (*put)(void *self, uint32_t stream, mr_span piece, mr_cx *cx);
    void *self;
} mr_frames_sink;

void mr_frames_init(mr_frames *frames, bool plain);
// The log comes again from its beginning: what was passed on is left out.
void mr_frames_again(mr_frames *frames);
// errors  MR_E_CORRUPT: these are no frames; the sink's
mr_code mr_frames_put(mr_frames *frames, mr_span piece, const mr_frames_sink *sink, mr_cx *cx);
// Whether it may end here.
static inline bool mr_frames_between(const mr_frames *frames) {
    return frames->head_bytes == 0 && frames->left == 0;
}
