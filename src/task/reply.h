// Reply: an HTTP/1.1 answer, taken apart as its bytes come.
//
// Pieces may end anywhere. The body goes to a sink as it comes, whatever says where it ends: a
// length, chunks, or the connection's end. What is no HTTP, or does not add up, is MR_E_CORRUPT.
// Nothing but a line of the head is kept, and that has a limit.
// Source: RFC 9112.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef enum mr_reply_phase {
    MR_REPLY_STATUS,      // The first line.
    MR_REPLY_HEADER,      // Lines up to an empty one.
    MR_REPLY_BODY,        // So many bytes, or all that comes.
    MR_REPLY_CHUNK_SIZE,  // A line.
    MR_REPLY_CHUNK,
    MR_REPLY_CHUNK_END,  // The line's end behind a chunk.
    MR_REPLY_TRAILER,    // Lines up to an empty one.
    MR_REPLY_DONE,
} mr_reply_phase;

typedef struct mr_reply {
    mr_reply_phase phase;
    int status;  // 0 until it is known.
    bool head;   // The answer to HEAD: it has no body.
    bool chunked;
    bool until_end;  // Of the connection.
    bool has_length;
    uint64_t left;     // Of the body or the chunk.
    char type[128];    // Content-Type; longer ones are cut.
    char version[32];  // Api-Version: the engine's greatest.
    bool is_podman;    // It names a version of Podman's own API.
    uint32_t lines;    // Of the head.
    char line[8192];   // What has come of the present line.
    uint32_t line_bytes;
} mr_reply;

// Where a body goes. What it returns, other than MR_OK, ends mr_reply_put with that.
typedef struct mr_reply_sink {
    mr_code (*put)(void *self, mr_span piece, mr_cx *cx);
    void *self;
} mr_reply_sink;

void mr_reply_init(mr_reply *reply, bool head);
// Takes a piece. Bytes behind the answer's end are passed over: no other answer is waited for.
//   errors  MR_E_CORRUPT; the sink's
mr_code mr_reply_put(mr_reply *reply, mr_span piece, const mr_reply_sink *sink, mr_cx *cx);
static inline bool mr_reply_has_status(const mr_reply *reply) {
    return reply->phase > MR_REPLY_HEADER;
}
static inline bool mr_reply_done(const mr_reply *reply) {
    return reply->phase == MR_REPLY_DONE;
}
// The connection has ended.  errors  MR_E_CORRUPT with MR_RETRY: in the middle of the answer
mr_code mr_reply_end(mr_reply *reply, mr_cx *cx);
