// Frames: see frames.h.

#include "task/frames.h"

#include <string.h>

#include "base/civil.h"

#define ENGINES 3  // The stream of the engine's own messages: without times, and new each time.
// Frames of two streams may stand in the log in another order than that of their moments.
#define EARLIER_NS ((int64_t)2 * 1000 * 1000 * 1000)

void mr_frames_init(mr_frames *frames, bool plain, bool timed) {
    *frames = (mr_frames){.plain = plain, .timed = timed && !plain};
}

void mr_frames_again(mr_frames *frames) {
    frames->head_bytes = 0;
    frames->left = 0;
    frames->gap = false;
    for (size_t i = 0; i < MR_COUNT(frames->streams); i++) {
        mr_frames_stream *s = &frames->streams[i];
        // What was to be left out and has not come again, too.
        s->skip = frames->timed ? s->same + s->skip : s->passed;
        s->same = 0;
        s->catching_up = s->time_ns != 0;
    }
}

int64_t mr_frames_since(const mr_frames *frames) {
    int64_t last_ns = 0;
    for (size_t i = 0; i < MR_COUNT(frames->streams); i++) {
        last_ns = MR_MAX(last_ns, frames->streams[i].time_ns);
    }
    return frames->timed ? MR_MAX(last_ns - EARLIER_NS, (int64_t)0) : 0;
}

static mr_code pass(mr_frames *f, uint32_t stream, mr_span piece, const mr_frames_sink *sink,
                    mr_cx *cx) {
    mr_frames_stream *s = &f->streams[stream];
    size_t known = (size_t)MR_MIN(s->skip, (uint64_t)piece.bytes);
    s->skip -= known;
    s->same += piece.bytes;
    piece = (mr_span){piece.data + known, piece.bytes - known};
    s->passed += piece.bytes;
    return piece.bytes == 0 ? MR_OK : sink->put(sink->self, stream == 0 ? 1 : stream, piece, cx);
}

static mr_code take_head(mr_frames *f, mr_span *piece, mr_cx *cx) {
    size_t bytes = MR_MIN(sizeof(f->head) - f->head_bytes, piece->bytes);
    memcpy(f->head + f->head_bytes, piece->data, bytes);
    f->head_bytes += (uint32_t)bytes;
    *piece = (mr_span){piece->data + bytes, piece->bytes - bytes};
    if (f->head_bytes < sizeof(f->head)) {
        return MR_OK;
    }
    const uint8_t *h = f->head;
    if (h[0] > 3 || h[1] != 0 || h[2] != 0 || h[3] != 0) {
        return mr_fail(cx, MR_E_CORRUPT, NULL,
                       "the container's log is damaged: a frame begins with %02x %02x %02x %02x",
                       h[0], h[1], h[2], h[3]);
    }
    f->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
    f->head_bytes = f->left == 0 ? 0 : f->head_bytes;
    f->stamp_bytes = 0;
    f->stamp_over = !f->timed || h[0] == ENGINES;
    f->leave_out = false;
    return MR_OK;
}

// "2025-11-26T00:00:00.123456789Z"; fewer digits and other zones too.
static bool parse_time(mr_span text, int64_t *ret_ns) {
    int64_t us;
    const char *point = memchr(text.data, '.', text.bytes);
    if (text.bytes < 20 || text.data[10] != 'T' ||
        !mr_civil_parse(text.data, text.bytes, /* zone= */ NULL, &us) || us <= 0 ||
        us > INT64_MAX / 1000 - 1) {
        return false;
    }
    const char *end = text.data + text.bytes;
    int64_t ns = 0, unit = 100;  // The digits behind those of microseconds.
    for (const char *at = point == NULL ? end : point + 1; at < end && unit > 0; at++) {
        if (*at < '0' || *at > '9') {
            break;
        }
        if (at - point > 6) {
            ns += (*at - '0') * unit;
            unit /= 10;
        }
    }
    *ret_ns = us * 1000 + ns;
    return true;
}

// Where a frame of this moment stands among those that have come.
static void meet(mr_frames *f, mr_frames_stream *s, int64_t time_ns) {
    f->leave_out = s->catching_up && time_ns < s->time_ns;
    if (f->leave_out || time_ns == s->time_ns) {
        return;
    }
    // Of the last moment nothing has come again, though it was asked for: the engine has it no
    // more.
    f->gap = f->gap ||
             (s->catching_up && s->skip > 0 && s->same == 0 && s->time_ns >= mr_frames_since(f));
    *s = (mr_frames_stream){.passed = s->passed, .time_ns = time_ns};
}

// The moment before a frame's bytes.
static mr_code take_stamp(mr_frames *f, mr_span *piece, const mr_frames_sink *sink, mr_cx *cx) {
    while (!f->stamp_over && piece->bytes > 0 && f->left > 0) {
        f->stamp[f->stamp_bytes++] = *piece->data;
        *piece = (mr_span){piece->data + 1, piece->bytes - 1};
        f->left--;
        f->stamp_over = f->stamp[f->stamp_bytes - 1] == ' ' || f->left == 0 ||
                        f->stamp_bytes == sizeof(f->stamp);
    }
    f->head_bytes = f->left == 0 ? 0 : f->head_bytes;
    if (!f->stamp_over) {
        return MR_OK;
    }
    mr_frames_stream *s = &f->streams[f->head[0]];
    const mr_span stamp = {f->stamp, f->stamp_bytes};
    int64_t time_ns;
    if (parse_time(mr_span_trim(stamp), &time_ns)) {
        meet(f, s, time_ns);
        return MR_OK;
    }
    if (mr_frames_since(f) != 0) {
        return mr_fail(cx, MR_E_CORRUPT, NULL,
                       "the container's log is damaged: a line has no time in front");
    }
    f->timed = false;
    return pass(f, f->head[0], stamp, sink, cx);
}

mr_code mr_frames_put(mr_frames *frames, mr_span piece, const mr_frames_sink *sink, mr_cx *cx) {
    if (frames->plain) {
        return pass(frames, 1, piece, sink, cx);
    }
    while (piece.bytes > 0) {
        if (frames->left == 0) {
            MR_TRY(take_head(frames, &piece, cx));
            continue;
        }
        if (!frames->stamp_over) {
            MR_TRY(take_stamp(frames, &piece, sink, cx));
            continue;
        }
        mr_span now = {piece.data, MR_MIN((size_t)frames->left, piece.bytes)};
        piece = (mr_span){piece.data + now.bytes, piece.bytes - now.bytes};
        uint32_t stream = frames->head[0];
        frames->left -= (uint32_t)now.bytes;
        frames->head_bytes = frames->left == 0 ? 0 : frames->head_bytes;
        if (stream == ENGINES) {
            MR_TRY(sink->put(sink->self, stream, now, cx));
        } else if (!frames->leave_out) {
            MR_TRY(pass(frames, stream, now, sink, cx));
        }
    }
    return MR_OK;
}
