// Frames: a container's log as an engine sends it: pieces of standard output and standard error,
// each behind 8 bytes that say whose it is and how long.
//
//   stream (0, 1: output, 2: error, 3: of the engine) 0 0 0 length (4, big-endian) bytes …
// With a terminal there are no frames: all bytes are output. A piece may be as long as it likes, it
// is passed on as it comes.
// A log that breaks off comes again, and what was passed on is left out. With times (timestamps=1)
// each frame of a program begins with its moment and a space, and the log is asked for from
// mr_frames_since on: so what the engine has deleted of its beginning does no harm. Moments are
// compared within a stream only, and a moment may have several frames. Without times it comes from
// its beginning and as many bytes are left out as have come: with a beginning that is gone, too
// many. Source: the Docker Engine API, "Stream format" of attach; logs of a container.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_frames_stream {
    uint64_t passed;  // Bytes that went on, of all connections.
    uint64_t skip;    // Bytes to come that an earlier connection had: of all, or of `time_ns`.
    int64_t time_ns;  // Of the last frame; 0 = none yet.
    uint64_t same;    // Bytes of that moment that have come.
    bool catching_up;
} mr_frames_stream;

typedef struct mr_frames {
    bool plain;  // A terminal's.
    bool timed;
    bool gap;  // What comes next is not what follows what came: the sink may tell, and clear it.
    uint8_t head[8];
    uint32_t head_bytes;
    uint32_t left;  // Of the frame.
    char stamp[40];
    uint32_t stamp_bytes;
    bool stamp_over;  // It has come, or there is none.
    bool leave_out;   // The frame was passed on by an earlier connection.
    mr_frames_stream streams[4];
} mr_frames;

typedef struct mr_frames_sink {
    // stream: 1 output, 2 error, 3 a message of the engine's.
    mr_code (*put)(void *self, uint32_t stream, mr_span piece, mr_cx *cx);
    void *self;
} mr_frames_sink;

// timed: whether times are asked for. An engine that gives none is taken without.
void mr_frames_init(mr_frames *frames, bool plain, bool timed);
// The log comes again: what was passed on is left out.
void mr_frames_again(mr_frames *frames);
// From when on it must come, in nanoseconds since 1970; 0 = from its beginning.
int64_t mr_frames_since(const mr_frames *frames);
// errors  MR_E_CORRUPT: these are no frames; the sink's
mr_code mr_frames_put(mr_frames *frames, mr_span piece, const mr_frames_sink *sink, mr_cx *cx);
// How many bytes of the program's went on.
static inline uint64_t mr_frames_passed(const mr_frames *frames) {
    return frames->streams[0].passed + frames->streams[1].passed + frames->streams[2].passed;
}
// Whether it may end here.
static inline bool mr_frames_between(const mr_frames *frames) {
    return frames->head_bytes == 0 && frames->left == 0;
}
