// Container, follow: see container_follow.h.

#include "task/container_follow.h"

#include <inttypes.h>

#include "plat/plat.h"

#define LOOK_US      ((int64_t)30 * 1000 * 1000)  // Of silence, before it is looked at.
#define AFTER_END_US ((int64_t)2 * 1000 * 1000)   // For the rest of the log.
#define SOON_US      ((int64_t)1000 * 1000)
#define PAUSE_US     ((int64_t)250 * 1000)
#define PAUSES_MAX   ((int64_t)40)  // As many times as long after so many breaks.
#define BREAKS_MAX   5              // Silent ones before it is told; of one that has ended, in all.
#define SILENCES_MAX 20  // After so many a far engine's connection may be lost without a word.

void mr_container_follow_init(mr_container_follow *follow, const mr_engine *engine,
                              const char *name, bool tty) {
    *follow = (mr_container_follow){
        .engine = engine,
        .name = name,
        .look_us = LOOK_US,
        .at_line_start = true,
        .attached = MR_ENGINE_STREAM_CLOSED,
    };
    mr_frames_init(&follow->frames, tty, /* timed= */ !engine->is_podman);
}

// ---- the log ---------------------------------------------------------------------------------

static void tell(mr_container_follow *f, const char *text, mr_cx *cx) {
    const char *line = mr_arena_printf(cx->arena, "%s%s\n", f->at_line_start ? "" : "\n", text);
    (void)!mr_stream_write(MR_STDERR, mr_span_of(line), cx);
    f->at_line_start = true;
}

// A log that cannot be written must not end the container.
static mr_code show(void *self, uint32_t stream, mr_span piece, mr_cx *cx) {
    mr_container_follow *f = self;
    if (stream == 3 && f->breaks > 0) {
        return MR_OK;  // The same as last time.
    }
    if (f->frames.gap) {
        f->frames.gap = false;
        tell(f, "lines of the container's log may be missing here: the engine has deleted them",
             cx);
    }
    (void)!mr_stream_write(stream == 1 ? MR_STDOUT : MR_STDERR, piece, cx);
    f->at_line_start = piece.data[piece.bytes - 1] == '\n';
    return MR_OK;
}

static mr_code take_piece(void *self, mr_span piece, mr_cx *cx) {
    mr_container_follow *f = self;
    const mr_frames_sink sink = {show, f};
    return mr_frames_put(&f->frames, piece, &sink, cx);
}

static void give_up_log(mr_container_follow *f, mr_cx *cx) {
    f->log_is_over = true;
    tell(f, mr_arena_printf(cx->arena, "the container's log cannot be read: %s", cx->error.text),
         cx);
}

// ---- looking ---------------------------------------------------------------------------------

// Nothing of it stays but the engine's words: a container may be silent for weeks.
static mr_code look_once(const mr_container_follow *f, mr_container_state *ret, mr_cx *cx) {
    mr_arena *lasting = cx->arena, scratch = {0};
    cx->arena = &scratch;
    mr_code code = mr_container_life_look(f->engine, f->name, ret, cx);
    cx->arena = lasting;
    if (code == MR_OK) {
        ret->error = ret->error[0] == '\0' ? "" : mr_arena_string(lasting, ret->error);
    }
    mr_arena_release(&scratch);
    return code;
}

// An engine that is being started again is waited for.
static mr_code look(mr_container_follow *f, mr_container_state *ret, mr_cx *cx) {
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + f->engine->connect_us;
    bool told = false;
    for (;;) {
        mr_code code = look_once(f, ret, cx);
        bool away =
            code == MR_E_NETWORK || code == MR_E_TIMEOUT || code == MR_E_CORRUPT || code == MR_E_IO;
        if (code == MR_OK && !ret->is_there) {
            return mr_fail(cx, MR_E_MISSING, NULL, "somebody else has removed the container");
        }
        if (!away) {
            return code;
        }
        if (mr_clock_monotonic_us(cx->plat) + PAUSE_US >= until_us) {
            const char *text = mr_arena_string(cx->arena, cx->error.text);
            f->engine_is_gone = true;
            code = mr_fail(cx, code,
                           "The container may still run: the next try ends it before it begins.",
                           "the engine is gone while the container runs: %s", text);
            return mr_error_flag(cx, code, MR_RETRY);
        }
        if (!told) {
            told = true;
            tell(f, mr_arena_printf(cx->arena, "%s; trying again", cx->error.text), cx);
        }
        MR_TRY(mr_engine_pause(f->engine, PAUSE_US, cx));
    }
}

static mr_code ignore(void *self, mr_span piece, mr_cx *cx) {
    (void)self, (void)piece, (void)cx;
    return MR_OK;
}

// Until it has ended, but no longer than `us`; less when the engine cannot tell. Then it is looked
// at.
static mr_code wait_for_end(mr_container_follow *f, int64_t us, mr_container_state *ret,
                            mr_cx *cx) {
    const mr_engine_call call = {
        .method = "POST", .path = mr_arena_printf(cx->arena, "/containers/%s/wait", f->name)};
    const mr_reply_sink sink = {ignore, NULL};
    mr_engine_stream s;
    mr_engine_news news = MR_ENGINE_CAME;
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + us;
    mr_code code = mr_engine_begin(f->engine, &call, &s, cx);
    while (code == MR_OK && news == MR_ENGINE_CAME) {
        int64_t left_us = until_us - mr_clock_monotonic_us(cx->plat);
        news = MR_ENGINE_QUIET;
        code = left_us <= 0 ? MR_OK : mr_engine_next(&s, left_us, &sink, &news, cx);
    }
    bool refused = code != MR_OK || (news == MR_ENGINE_OVER && s.reply.status / 100 != 2);
    mr_engine_stream_close(&s, cx);
    if (code == MR_E_CANCELLED) {
        return code;
    }
    if (refused) {
        MR_TRY(mr_engine_pause(f->engine, MR_MIN(us, SOON_US), cx));
    }
    return look(f, ret, cx);
}

// ---- following -------------------------------------------------------------------------------

// What one connection gives. ended: the container has, so it cannot take long. *ret_over: the
// engine says that this is all of it.
static mr_code read_stream(mr_container_follow *f, mr_engine_stream *s, bool ended, bool *ret_over,
                           mr_cx *cx) {
    const mr_reply_sink sink = {take_piece, f};
    mr_engine_news news = MR_ENGINE_CAME;
    mr_code code = MR_OK;
    uint32_t silences = 0;
    *ret_over = false;
    while (code == MR_OK && news != MR_ENGINE_OVER) {
        code = mr_engine_next(s, ended ? AFTER_END_US : f->look_us, &sink, &news, cx);
        silences = news == MR_ENGINE_QUIET ? silences + 1 : 0;
        if (code != MR_OK || news != MR_ENGINE_QUIET) {
            continue;
        }
        if (ended) {
            return mr_fail(cx, MR_E_TIMEOUT, NULL, "engine \"%s\" does not come to the log's end",
                           f->engine->place->name);
        }
        mr_container_state state;
        bool lost = f->engine->place->file == NULL && silences >= SILENCES_MAX;
        code = look(f, &state, cx);
        if (code == MR_OK && (!state.is_running || (lost && s != &f->attached))) {
            return MR_OK;
        }
    }
    int status = s->reply.status;
    if (code == MR_OK && status / 100 != 2) {
        code = mr_engine_refused(f->engine, status, &s->refusal, "show the log", cx);
        if (status / 100 == 4 || status == 501) {  // It will not, however often it is asked.
            give_up_log(f, cx);
            code = MR_OK;
        }
    }
    *ret_over = code == MR_OK && mr_frames_between(&f->frames);
    return code;
}

static mr_code read_log(mr_container_follow *f, bool ended, bool *ret_over, mr_cx *cx) {
    const int64_t second_ns = 1000000000, since_ns = mr_frames_since(&f->frames);
    const char *since = since_ns == 0 ? ""
                                      : mr_arena_printf(cx->arena, "&since=%" PRId64 ".%09" PRId64,
                                                        since_ns / second_ns, since_ns % second_ns);
    const mr_engine_call call = {
        .method = "GET",
        .path = mr_arena_printf(cx->arena, "/containers/%s/logs?stdout=1&stderr=1%s%s%s", f->name,
                                f->frames.timed ? "&timestamps=1" : "", since,
                                ended ? "" : "&follow=1"),
    };
    mr_engine_stream s;
    uint64_t before = mr_frames_passed(&f->frames);
    mr_frames_again(&f->frames);
    mr_code code = mr_engine_begin(f->engine, &call, &s, cx);
    if (code == MR_OK) {
        code = read_stream(f, &s, ended, ret_over, cx);
        mr_engine_stream_close(&s, cx);
    }
    f->breaks = mr_frames_passed(&f->frames) > before ? 0 : f->breaks + 1;
    return code;
}

// Whether it may be tried again.
static bool is_break(const mr_container_follow *f, mr_code code) {
    return !f->engine_is_gone && (code == MR_E_NETWORK || code == MR_E_TIMEOUT ||
                                  code == MR_E_CORRUPT || code == MR_E_IO);
}

// As long as it runs. The log of Podman is not followed.
static mr_code follow_running(mr_container_follow *f, mr_container_state *ret, mr_cx *cx) {
    bool over;
    *ret = (mr_container_state){.is_running = true};
    while (ret->is_running) {
        mr_arena_clear(cx->arena);
        int64_t us = f->look_us;
        if (!f->log_is_over && !f->engine->is_podman) {
            mr_code code = read_log(f, /* ended= */ false, &over, cx);
            if (code != MR_OK && !is_break(f, code)) {
                return code;
            }
            if (code != MR_OK && f->breaks == BREAKS_MAX) {
                tell(f,
                     mr_arena_printf(cx->arena, "the container's log breaks off: %s; trying again",
                                     cx->error.text),
                     cx);
            }
            us = f->log_is_over ? us : MR_MIN((int64_t)f->breaks + 1, PAUSES_MAX) * PAUSE_US;
        }
        MR_TRY(wait_for_end(f, us, ret, cx));
    }
    return MR_OK;
}

// What is still to come of the log of one that has ended.
static mr_code read_rest(mr_container_follow *f, mr_cx *cx) {
    bool over = false;
    f->breaks = 0;
    while (!over && !f->log_is_over) {
        mr_arena_clear(cx->arena);
        mr_code code = read_log(f, /* ended= */ true, &over, cx);
        if (code != MR_OK && !is_break(f, code)) {
            return code;
        }
        if (f->breaks >= BREAKS_MAX && !over) {
            give_up_log(f, cx);
        } else if (!over) {
            MR_TRY(mr_engine_pause(f->engine, PAUSE_US, cx));
        }
    }
    return MR_OK;
}

mr_code mr_container_follow_attach(mr_container_follow *follow, mr_cx *cx) {
    const mr_engine_call call = {
        .method = "POST",
        .path = mr_arena_printf(cx->arena, "/containers/%s/attach?stream=1&stdout=1&stderr=1",
                                follow->name),
    };
    const mr_reply_sink sink = {take_piece, follow};
    mr_engine_stream *s = &follow->attached;
    if (!follow->engine->is_podman) {
        return MR_OK;
    }
    MR_TRY(mr_engine_begin(follow->engine, &call, s, cx));
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + follow->engine->quiet_us;
    mr_engine_news news = MR_ENGINE_CAME;
    mr_code code = MR_OK;
    while (code == MR_OK && news == MR_ENGINE_CAME && !mr_reply_has_status(&s->reply)) {
        int64_t left_us = until_us - mr_clock_monotonic_us(cx->plat);
        news = MR_ENGINE_QUIET;
        code = left_us <= 0 ? MR_OK : mr_engine_next(s, left_us, &sink, &news, cx);
    }
    if (code == MR_OK && !mr_reply_has_status(&s->reply)) {
        code =
            mr_error_flag(cx,
                          mr_fail(cx, MR_E_TIMEOUT, NULL,
                                  "engine \"%s\" does not let us attach to the container in time",
                                  follow->engine->place->name),
                          MR_RETRY);
    }
    if (code == MR_OK && s->reply.status / 100 != 2) {
        code = mr_engine_refused(follow->engine, s->reply.status, &s->refusal,
                                 "attach to the container", cx);
    }
    return code;
}

void mr_container_follow_close(mr_container_follow *follow, mr_cx *cx) {
    mr_engine_stream_close(&follow->attached, cx);
}

mr_code mr_container_follow_run(mr_container_follow *follow, mr_container_state *ret, mr_cx *cx) {
    mr_arena *lasting = cx->arena, arena = {0};
    bool over;
    mr_code code = MR_OK;
    cx->arena = &arena;  // It may run for weeks.
    if (follow->attached.socket.handle >= 0) {
        code = read_stream(follow, &follow->attached, /* ended= */ false, &over, cx);
        mr_engine_stream_close(&follow->attached, cx);
    }
    if (code == MR_OK || is_break(follow, code)) {
        code = follow_running(follow, ret, cx);
    }
    if (code == MR_OK) {
        ret->error = mr_arena_string(lasting, ret->error);
        code = read_rest(follow, cx);
    }
    cx->arena = lasting;
    mr_arena_release(&arena);
    if (!follow->at_line_start) {
        (void)!mr_stream_write(MR_STDERR, MR_SPAN("\n"), cx);
        follow->at_line_start = true;
    }
    return code;
}

void mr_container_follow_rest(mr_container_follow *follow, const mr_engine *engine, mr_cx *cx) {
    mr_error error = cx->error;
    bool over = false;
    mr_engine_stream_close(&follow->attached, cx);
    follow->engine = engine;
    if (!follow->log_is_over) {
        (void)!read_log(follow, /* ended= */ true, &over, cx);
    }
    if (!follow->at_line_start) {
        (void)!mr_stream_write(MR_STDERR, MR_SPAN("\n"), cx);
    }
    cx->error = error;
}
