// Fuzz target: what a container engine answers. The first byte says what the body is: a log in
// frames or plain, progress in lines, an archive. The rest is the answer.
//
// However it is cut into pieces, the same comes out: the same bytes, the same error.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plat/sim.h"
#include "task/container_output.h"
#include "task/container_pull.h"
#include "task/frames.h"
#include "task/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

typedef struct outcome {
    mr_code code;
    int status;
    bool done;
    mr_text body;
    mr_text streams[4];
    mr_frames frames;
    mr_container_progress progress;
    uint8_t kind;
    bool timed;
} outcome;

static mr_code on_frame(void *self, uint32_t stream, mr_span piece, mr_cx *cx) {
    outcome *o = self;
    (void)cx;
    mr_assert(stream >= 1 && stream <= 3 && piece.bytes > 0);
    mr_text_add_bytes(&o->streams[stream], piece.data, piece.bytes);
    return MR_OK;
}

static mr_code on_body(void *self, mr_span piece, mr_cx *cx) {
    outcome *o = self;
    const mr_frames_sink sink = {on_frame, o};
    mr_text_add_bytes(&o->body, piece.data, piece.bytes);
    return o->kind < 2    ? mr_frames_put(&o->frames, piece, &sink, cx)
           : o->kind == 2 ? mr_container_pull_progress(&o->progress, piece, cx)
                          : MR_OK;
}

// step: bytes of a piece; 0 = growing ones.
static void feed(outcome *o, mr_span all, size_t step, mr_cx *cx) {
    mr_reply reply;
    const mr_reply_sink sink = {on_body, o};
    size_t piece = step == 0 ? 1 : step;
    mr_reply_init(&reply, /* head= */ false);
    mr_frames_init(&o->frames, o->kind == 1, /* timed= */ o->timed);
    mr_text_init(&o->body, cx->arena);
    mr_text_init(&o->progress.line, cx->arena);
    for (size_t i = 0; i < MR_COUNT(o->streams); i++) {
        mr_text_init(&o->streams[i], cx->arena);
    }
    while (all.bytes > 0 && o->code == MR_OK) {
        size_t now = MR_MIN(piece, all.bytes);
        o->code = mr_reply_put(&reply, (mr_span){all.data, now}, &sink, cx);
        all = (mr_span){all.data + now, all.bytes - now};
        piece += step == 0 ? 1 : 0;
    }
    if (o->code == MR_OK) {
        o->code = mr_reply_end(&reply, cx);
    }
    o->done = mr_reply_done(&reply);
    o->status = reply.status;
    mr_assert((o->code == MR_OK) <= o->done);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes == 0) {
        return 0;
    }
    mr_arena arena = {0};
    mr_plat *plat = mr_sim_new(1);  // It takes what is told of progress.
    mr_cx cx;
    mr_cx_init(&cx, &arena, plat);
    static const size_t steps[] = {SIZE_MAX, 1, 7, 0};
    outcome all[MR_COUNT(steps)] = {0};
    mr_span text = {(const char *)data + 1, bytes - 1};
    for (size_t i = 0; i < MR_COUNT(steps); i++) {
        all[i].kind = data[0] & 3;
        all[i].timed = (data[0] & 4) != 0;
        feed(&all[i], text, steps[i], &cx);
        mr_assert(all[i].code == all[0].code && all[i].status == all[0].status);
        bool same = mr_span_equal(mr_text_span(&all[i].body), mr_text_span(&all[0].body));
        mr_assert(same || all[0].code != MR_OK);
        for (size_t k = 0; k < 4; k++) {
            mr_assert(
                mr_span_equal(mr_text_span(&all[i].streams[k]), mr_text_span(&all[0].streams[k])));
        }
        mr_assert(strcmp(all[i].progress.error, all[0].progress.error) == 0);
    }
    mr_span file;
    if (all[0].kind == 3 &&
        mr_container_output_find(mr_text_span(&all[0].body), "output", &file, &cx) == MR_OK) {
        mr_assert(file.data == NULL || file.bytes <= all[0].body.bytes);
    }
    mr_sim_free(plat);
    mr_arena_release(&arena);
    return 0;
}
