// Frames: see frames.h.

#include "task/frames.h"

#include <string.h>

void mr_frames_init(mr_frames *frames, bool plain) {
    *frames = (mr_frames){.plain = plain};
}

void mr_frames_again(mr_frames *frames) {
    frames->head_bytes = 0;
    frames->left = 0;
    memcpy(frames->skip, frames->passed, sizeof(frames->skip));
}

static mr_code pass(mr_frames *f, uint32_t stream, mr_span piece, const mr_frames_sink *sink,
                    mr_cx *cx) {
    size_t known = (size_t)MR_MIN(f->skip[stream], (uint64_t)piece.bytes);
    f->skip[stream] -= known;
    piece = (mr_span){piece.data + known, piece.bytes - known};
    f->passed[stream] += piece.bytes;
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
    return MR_OK;
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
        mr_span now = {piece.data, MR_MIN((size_t)frames->left, piece.bytes)};
        piece = (mr_span){piece.data + now.bytes, piece.bytes - now.bytes};
        uint32_t stream = frames->head[0];
        frames->left -= (uint32_t)now.bytes;
        frames->head_bytes = frames->left == 0 ? 0 : frames->head_bytes;
        MR_TRY(pass(frames, stream, now, sink, cx));
    }
    return MR_OK;
}
