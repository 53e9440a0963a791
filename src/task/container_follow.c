// Container, follow: see container_follow.h.

#include "task/container_follow.h"

#include "plat/plat.h"

#define LOOK_US      ((int64_t)30 * 1000 * 1000)  // Of silence, before it is looked at.
#define AFTER_END_US ((int64_t)2 * 1000 * 1000)   // For the rest of the log.
#define SOON_US      ((int64_t)1000 * 1000)
#define PAUSE_US     ((int64_t)250 * 1000)
#define BREAKS_MAX   5  // Of the log, in a row, without a byte that is new.

void mr_container_follow_init(mr_container_follow *follow, const mr_engine *engine,
                              const char *name, bool tty) {
    *follow = (mr_container_follow){
        .engine = engine, .name = name, .at_line_start = true, .attached = MR_ENGINE_STREAM_CLOSED};
    mr_frames_init(&follow->frames, tty);
}

// ---- the log ---------------------------------------------------------------------------------

// A log that cannot be written must not end the container.
static mr_code show(void *self, uint32_t stream, mr_span piece, mr_cx *cx) {
    mr_container_follow *f = self;
    (void)!mr_stream_write(stream == 1 ? MR_STDOUT : MR_STDERR, piece, cx);
    f->at_line_start = piece.data[piece.bytes - 1] == '\n';
    return MR_OK;
}

static mr_code take_piece(void *self, mr_span piece, mr_cx *cx) {
    mr_container_follow *f = self;
    const mr_frames_sink sink = {show, f};
    return mr_frames_put(&f->frames, piece, &sink, cx);
}

static void tell(mr_container_follow *f, const char *text, mr_cx *cx) {
    const char *line = mr_arena_printf(cx->arena, "%s%s\n", f->at_line_start ? "" : "\n", text);
    (void)!mr_stream_write(MR_STDERR, mr_span_of(line), cx);
    f->at_line_start = true;
}

static void give_up_log(mr_container_follow *f, const char *why, mr_cx *cx) {
    f->log_is_over = true;
    if (!f->told) {
        f->told = true;
        tell(f, mr_arena_printf(cx->arena, "the container's log cannot be read: %s", why), cx);
    }
}

static uint64_t passed(const mr_container_follow *f) {
    uint64_t all = 0;
    for (size_t i = 0; i < MR_COUNT(f->frames.passed); i++) {
        all += f->frames.passed[i];
    }
    return all;
}

// ---- looking ---------------------------------------------------------------------------------

static mr_code pause_for(const mr_engine *engine, int64_t us, mr_cx *cx) {
    mr_socket_event wake = {.handle = engine->wake == NULL ? -1 : engine->wake->handle,
                            .read = true};
    size_t count = 0;
    MR_TRY(mr_socket_wait(&wake, 1, us, &count, cx));
    return count == 0 ? MR_OK : mr_fail(cx, MR_E_CANCELLED, NULL, "asked to end");
}

// An engine that is being started again is waited for.
static mr_code look(mr_container_follow *f, mr_container_state *ret, mr_cx *cx) {
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + f->engine->connect_us;
    bool told = false;
    for (;;) {
        mr_code code = mr_container_life_look(f->engine, f->name, ret, cx);
        bool away =
            code == MR_E_NETWORK || code == MR_E_TIMEOUT || code == MR_E_CORRUPT || code == MR_E_IO;
        if (code == MR_OK && !ret->is_there) {
            return mr_fail(cx, MR_E_MISSING, NULL, "somebody else has removed the container");
        }
        if (!away) {
            return code;
        }
        const char *text = mr_arena_string(cx->arena, cx->error.text);
        if (mr_clock_monotonic_us(cx->plat) + PAUSE_US >= until_us) {
            f->engine_is_gone = true;
            code = mr_fail(cx, code,
                           "The container may still run: the next try ends it before it begins.",
                           "the engine is gone while the container runs: %s", text);
            return mr_error_flag(cx, code, MR_RETRY);
        }
        if (!told) {
            told = true;
            tell(f, mr_arena_printf(cx->arena, "%s; trying again", text), cx);
        }
        MR_TRY(pause_for(f->engine, PAUSE_US, cx));
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
        MR_TRY(pause_for(f->engine, MR_MIN(us, SOON_US), cx));
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
    *ret_over = false;
    while (code == MR_OK && news != MR_ENGINE_OVER) {
        code = mr_engine_next(s, ended ? AFTER_END_US : LOOK_US, &sink, &news, cx);
        if (code == MR_OK && news == MR_ENGINE_QUIET) {
            mr_container_state state;
            if (ended) {
                break;
            }
            code = look(f, &state, cx);
            ended = code == MR_OK && !state.is_running;
        }
    }
    if (code == MR_OK && news == MR_ENGINE_OVER && s->reply.status / 100 != 2) {
        (void)!mr_engine_refused(f->engine, s->reply.status, &s->refusal, "show the log", cx);
        give_up_log(f, mr_arena_string(cx->arena, cx->error.text), cx);
    }
    *ret_over = code == MR_OK && (ended || mr_frames_between(&f->frames));
    return code;
}

static mr_code read_log(mr_container_follow *f, bool follow, bool *ret_over, mr_cx *cx) {
    const mr_engine_call call = {
        .method = "GET",
        .path = mr_arena_printf(cx->arena, "/containers/%s/logs?stdout=1&stderr=1%s", f->name,
                                follow ? "&follow=1" : ""),
    };
    mr_engine_stream s;
    mr_frames_again(&f->frames);
    MR_TRY(mr_engine_begin(f->engine, &call, &s, cx));
    mr_code code = read_stream(f, &s, /* ended= */ !follow, ret_over, cx);
    mr_engine_stream_close(&s, cx);
    return code;
}

// Follows the log once more, or waits. *ret_done: it has ended.
static mr_code turn(mr_container_follow *f, uint32_t *breaks, mr_container_state *ret,
                    bool *ret_done, mr_cx *cx) {
    uint64_t before = passed(f);
    bool over = f->log_is_over;
    if (!f->log_is_over) {
        mr_code code = read_log(f, /* follow= */ true, &over, cx);
        bool broken = code == MR_E_NETWORK || code == MR_E_TIMEOUT || code == MR_E_CORRUPT;
        if (code != MR_OK && (!broken || f->engine_is_gone)) {
            return code;
        }
        *breaks = passed(f) > before ? 1 : *breaks + 1;
        if (code != MR_OK && *breaks >= BREAKS_MAX) {
            give_up_log(f, mr_arena_string(cx->arena, cx->error.text), cx);
        } else if (code == MR_OK && *breaks >= BREAKS_MAX) {
            f->log_is_over = true;  // It has closed its output, and goes on.
        }
        if (code != MR_OK) {
            MR_TRY(pause_for(f->engine, PAUSE_US, cx));
        }
    }
    MR_TRY(wait_for_end(f, f->log_is_over ? LOOK_US : SOON_US, ret, cx));
    *ret_done = !ret->is_running && (over || f->log_is_over);
    return MR_OK;
}

// Podman's: what was attached to, then its end, then what was missed.
static mr_code run_attached(mr_container_follow *f, mr_container_state *ret, mr_cx *cx) {
    bool over = false;
    mr_code code = read_stream(f, &f->attached, /* ended= */ false, &over, cx);
    mr_engine_stream_close(&f->attached, cx);
    if (code == MR_E_CANCELLED || f->engine_is_gone || code == MR_E_MISSING) {
        return code;
    }
    *ret = (mr_container_state){.is_running = true};
    while (ret->is_running) {
        mr_arena_clear(cx->arena);
        MR_TRY(wait_for_end(f, LOOK_US, ret, cx));
    }
    for (uint32_t breaks = 1; !f->log_is_over; breaks++) {
        code = read_log(f, /* follow= */ false, &over, cx);
        if (code == MR_OK || code == MR_E_CANCELLED) {
            return code;
        }
        if (breaks >= BREAKS_MAX) {
            give_up_log(f, mr_arena_string(cx->arena, cx->error.text), cx);
        }
        MR_TRY(pause_for(f->engine, PAUSE_US, cx));
    }
    return look(f, ret, cx);
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
    uint32_t breaks = 0;
    bool done = false;
    mr_code code = MR_OK;
    cx->arena = &arena;  // It may run for weeks.
    if (follow->attached.socket.handle >= 0) {
        code = run_attached(follow, ret, cx);
        done = true;
    }
    while (code == MR_OK && !done) {
        mr_arena_clear(&arena);
        code = turn(follow, &breaks, ret, &done, cx);
    }
    cx->arena = lasting;
    if (code == MR_OK) {
        ret->error = mr_arena_string(lasting, ret->error);
    }
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
        (void)!read_log(follow, /* follow= */ false, &over, cx);
    }
    if (!follow->at_line_start) {
        (void)!mr_stream_write(MR_STDERR, MR_SPAN("\n"), cx);
    }
    cx->error = error;
}
