// Supervisor: one try: claims it, starts its task, waits, ends what is left of it, records the end.
// Then it may be given the next one: a fork, and the end of what was forked, cost as much as a
// small task. It keeps nothing of a try, and ends when it is not asked for a while, or when a try
// has made it large: that would show in the memory of the next.
//
// In a process of its own that the spawner has forked: a session and a reaper, so whatever the task
// starts stays below it. The task leads another session, and has the try's log for its output; only
// when values are masked does the output go through a pipe and this process.
//
//   RUN ─timeout, stop, or the task has ended and left something─▶ TERM ─grace─▶ KILL ─▶ given up

#include <inttypes.h>
#include <string.h>

#include "flow/mask.h"
#include "flow/try.h"

#define KILL_AGAIN_US ((int64_t)20 * 1000)         // What was started between two looks.
#define KILL_MOST_US  ((int64_t)10 * 1000 * 1000)  // Then it cannot be killed (a hanging disk).
#define SIGNAL_KILL   9
#define IDLE_US       ((int64_t)1000 * 1000)
#define OOM_POINTS    300                  // Rather a task than the scheduler.
#define SURVIVORS_MAX 5                    // Told by name.
#define GROWN_BYTES   ((uint64_t)8 << 20)  // Over what it was.

typedef enum phase { RUN, TERM, KILL } phase;

typedef struct supervisor {
    mr_supervisor_spec *spec;
    mr_launch launch;
    mr_child child;
    bool is_ours;  // The task is this program: a CHILD.
    bool child_over;
    bool left;  // It has children.
    bool gave_up;
    mr_spawn_end end;
    mr_usage usage;
    phase phase;
    int64_t until_us;  // Monotonic: of RUN the timeout, of TERM the grace, of KILL giving up.
    mr_try_exit record;
    mr_socket pipe;  // From the task, when values are masked.
    mr_file log;     // … to here.
    mr_mask mask;
    uint32_t left_behind;
} supervisor;

static int64_t now_us(mr_cx *cx) {
    return mr_clock_monotonic_us(cx->plat);
}

__attribute__((format(printf, 2, 3))) static void say(mr_try_exit *record, const char *format,
                                                      ...) {
    mr_arena arena = {0};
    va_list args;
    va_start(args, format);
    const char *text = mr_arena_vprintf(&arena, format, args);
    va_end(args);
    mr_try_exit_say(record, text);
    mr_arena_release(&arena);
}

// ---- starting --------------------------------------------------------------------------------

static const char *const *environment(const supervisor *s, mr_cx *cx) {
    const mr_launch *l = &s->launch;
    size_t given = 0, count = 0;
    while (l->env[given] != NULL) {
        given++;
    }
    const char **ret = MR_NEW_ARRAY(cx->arena, const char *, given + 9);
    memcpy(ret, l->env, given * sizeof(*ret));
    count = given;
    const char *const pairs[][2] = {
        {"DAG", l->dag},       {"RUN", l->run_id},    {"TASK", l->task},
        {"DATA", l->data_dir}, {"TRY", s->spec->dir},
    };
    for (size_t i = 0; i < MR_COUNT(pairs); i++) {
        if (pairs[i][1] != NULL) {
            ret[count++] = mr_arena_printf(cx->arena, "MILLRACE_%s=%s", pairs[i][0], pairs[i][1]);
        }
    }
    ret[count++] = mr_arena_printf(cx->arena, "MILLRACE_TRY_NUMBER=%" PRId64, l->number);
    ret[count++] = mr_arena_printf(cx->arena, "MILLRACE_OUTPUT=%s/output", s->spec->dir);
    ret[count] = NULL;
    return ret;
}

static const char *const *words_of(const supervisor *s, mr_cx *cx) {
    if (!s->is_ours) {
        return s->launch.words;
    }
    const char **ret = MR_NEW_ARRAY(cx->arena, const char *, 4);
    ret[0] = "/proc/self/exe";
    ret[1] = "__task";
    ret[2] = s->spec->dir;
    return ret;
}

static mr_code start(supervisor *s, mr_cx *cx) {
    const char *log = mr_arena_printf(cx->arena, "%s/log", s->spec->dir);
    bool masked = s->launch.masked[0] != NULL;
    s->is_ours = strcmp(s->launch.words[0], "task") == 0 && s->launch.words[1] == NULL;
    mr_child_spec spec = {
        .words = words_of(s, cx),
        .env = environment(s, cx),
        .dir = s->launch.work_dir,
        .output = masked ? NULL : log,
    };
    mr_socket writer = MR_SOCKET_CLOSED;
    if (masked) {
        mr_mask_init(&s->mask, s->launch.masked, cx->arena);
        MR_TRY(mr_file_open(&s->log, log, MR_OPEN_APPEND, cx));
        if (!s->is_ours) {  // A child of ours reads it itself, then it goes.
            MR_TRY(mr_file_delete(mr_arena_printf(cx->arena, "%s/launch.json", s->spec->dir), cx));
        }
        MR_TRY(mr_pair_pipe(&s->pipe, &writer, cx));
        spec.pipe = &writer;
    }
    s->record.started_us = mr_clock_real_us(cx->plat);
    mr_code code = mr_child_start(&s->child, &spec, cx);
    mr_socket_close(&writer, cx->plat);
    if (code != MR_OK && spec.dir != NULL && !mr_file_exists(spec.dir, cx)) {
        return mr_fail(cx, MR_E_MISSING, NULL, "folder \"%s\" does not exist", spec.dir);
    }
    if (code == MR_OK) {
        mr_process_oom_points(s->child.pid, OOM_POINTS);
        s->left = true;
    }
    return code;
}

// ---- while it runs ---------------------------------------------------------------------------

static void reap(supervisor *s) {
    mr_spawn_end end;
    while (mr_spawn_reap(&end, &s->left)) {
        s->usage.cpu_us += end.usage.cpu_us;
        s->usage.resident_bytes_max =
            MR_MAX(s->usage.resident_bytes_max, end.usage.resident_bytes_max);
        if (end.pid == s->child.pid) {
            s->child_over = true;
            s->end = end;
        }
    }
}

static void pass_output(supervisor *s, bool last, mr_cx *cx) {
    char piece[16384];
    mr_text out;
    mr_text_init(&out, /* arena= */ NULL);
    while (s->pipe.handle >= 0) {
        size_t bytes = 0;
        if (mr_pair_read(&s->pipe, piece, sizeof(piece), &bytes, cx) != MR_OK) {
            mr_socket_close(&s->pipe, cx->plat);
        }
        mr_mask_put(&s->mask, (mr_span){piece, bytes}, &out);
        if (bytes == 0 || out.bytes > sizeof(piece)) {
            if (bytes == 0) {
                break;
            }
            (void)!mr_file_append(&s->log, mr_text_span(&out), cx);
            mr_text_clear(&out);
        }
    }
    if (last) {
        mr_mask_end(&s->mask, &out);
    }
    if (out.bytes > 0) {
        (void)!mr_file_append(&s->log, mr_text_span(&out), cx);  // A full disk harms the log only.
    }
    mr_text_release(&out);
}

// Signals all that is below.
static uint32_t signal_all(bool force, mr_cx *cx) {
    mr_process_info *below = NULL;
    uint32_t count = 0;
    mr_arena arena = {0}, *before = cx->arena;
    cx->arena = &arena;
    mr_process_below(mr_process_id(), &below, &count, cx);
    for (uint32_t i = 0; i < count; i++) {
        mr_process_end(&below[i].process, force);
    }
    cx->arena = before;
    mr_arena_release(&arena);
    return count;
}

static void enter(supervisor *s, phase to, mr_cx *cx) {
    s->phase = to;
    s->until_us = now_us(cx) + (to == TERM ? s->launch.grace_us : KILL_MOST_US);
    uint32_t count = signal_all(/* force= */ to == KILL, cx);
    if (to == TERM && s->record.reason == MR_EXIT_CODE) {
        s->left_behind = count;
    }
}

static void give_up(supervisor *s, mr_cx *cx) {
    mr_process_info *below = NULL;
    uint32_t count = 0;
    mr_process_below(mr_process_id(), &below, &count, cx);
    mr_text out;
    mr_text_init(&out, cx->arena);
    for (uint32_t i = 0; i < MR_MIN(count, (uint32_t)SURVIVORS_MAX); i++) {
        mr_text_addf(&out, "%s%d (%s)", i == 0 ? "" : ", ", below[i].process.pid, below[i].name);
    }
    say(&s->record, "%" PRIu32 " of its processes cannot be killed: %s", count,
        mr_text_string(&out));
    s->left = false;
    s->gave_up = true;
}

static void look_at_time(supervisor *s, mr_cx *cx) {
    if (s->child_over && s->left && s->phase == RUN) {
        enter(s, TERM, cx);  // It has left something behind.
    }
    bool due = s->left && now_us(cx) >= s->until_us;
    switch (s->phase) {
    case RUN:
        if (due) {
            s->record.reason = MR_EXIT_TIMEOUT;
            enter(s, TERM, cx);
        }
        break;
    case TERM:
        if (due) {
            enter(s, KILL, cx);
        }
        break;
    case KILL:
        if (due) {
            give_up(s, cx);
        } else if (s->left) {
            signal_all(/* force= */ true, cx);
        }
        break;
    }
}

static void stop(supervisor *s, mr_cx *cx) {
    if (s->phase == RUN && !s->child_over) {
        s->record.reason = MR_EXIT_STOPPED;
        enter(s, TERM, cx);
    }
}

static void take_orders(supervisor *s, mr_cx *cx) {
    char buffer[MR_TRY_MESSAGE_BYTES];
    mr_try_message order;
    bool any = true;
    while (any) {
        if (mr_try_receive(&s->spec->orders, buffer, &order, &any, cx) != MR_OK) {
            mr_socket_close(&s->spec->orders, cx->plat);  // The spawner is gone: the try goes on.
            return;
        }
        if (any && order.kind == MR_TRY_STOP && order.token == s->spec->token) {
            stop(s, cx);
        }
    }
}

static void wait_once(supervisor *s, mr_cx *cx) {
    mr_socket_event events[] = {
        {.handle = s->spec->signals, .read = true},
        {.handle = s->pipe.handle, .read = true},
        {.handle = s->spec->orders.handle, .read = true},
    };
    int64_t wait_us = s->until_us == INT64_MAX ? -1 : MR_MAX(s->until_us - now_us(cx), (int64_t)0);
    if (s->phase == KILL) {
        wait_us = MR_MIN(wait_us, KILL_AGAIN_US);
    }
    size_t count = 0;
    (void)!mr_socket_wait(events, MR_COUNT(events), wait_us, &count, cx);
    for (mr_spawn_signal got; (got = mr_spawn_signal_take(s->spec->signals)) != MR_SPAWN_NONE;) {
        if (got == MR_SPAWN_STOP) {
            stop(s, cx);
        }
    }
    if (events[2].readable) {
        take_orders(s, cx);
    }
    reap(s);
    if (events[1].readable) {
        pass_output(s, /* last= */ false, cx);
    }
}

// ---- the end ---------------------------------------------------------------------------------

// What the task runs outside of its processes goes on when it was killed: it is ended first.
static void end_outside(supervisor *s, mr_cx *cx) {
    mr_child ender = MR_CHILD_NONE;
    if (!s->is_ours || !mr_try_outside_is(s->spec->dir, cx)) {
        return;
    }
    if (mr_try_outside_end(s->spec->dir, &ender, cx) == MR_OK) {
        s->phase = TERM;
        s->until_us = now_us(cx) + MR_TRY_OUTSIDE_US;
        s->left = true;
        while (s->left) {
            wait_once(s, cx);
            look_at_time(s, cx);
        }
        mr_process_unwatch(&ender.handle);
    }
    if (mr_try_outside_is(s->spec->dir, cx) && s->record.text[0] == '\0') {
        say(&s->record, "what it runs outside may go on: it cannot be ended, see the log");
    }
}

// A line of the program's own, behind all that the task has written.
static void log_line(const supervisor *s, const char *text, mr_cx *cx) {
    mr_file log;
    const char *path = mr_arena_printf(cx->arena, "%s/log", s->spec->dir);
    if (mr_file_open(&log, path, MR_OPEN_APPEND, cx) == MR_OK) {
        const char *line = mr_arena_printf(cx->arena, "millrace: %s\n", text);
        (void)!mr_file_append(&log, mr_span_of(line), cx);
        mr_file_close(&log, cx->plat);
    }
}

// What a child that is this program says of its end. It does not stay: it is not masked.
static const char *why(const supervisor *s, mr_cx *cx) {
    mr_span text = {"", 0};
    const char *path = mr_arena_printf(cx->arena, "%s/why", s->spec->dir);
    bool is_there = mr_file_load(path, MR_TRY_MESSAGE_BYTES, &text, cx) == MR_OK;
    if (s->launch.masked[0] != NULL) {
        (void)!mr_file_delete(path, cx);
    }
    return is_there ? text.data : NULL;
}

static void judge(supervisor *s, mr_cx *cx) {
    mr_try_exit *r = &s->record;
    mr_text time;
    mr_text_init(&time, cx->arena);
    const char *told = s->is_ours ? why(s, cx) : NULL;
    r->code = s->child_over ? s->end.code : 0;
    if (r->reason == MR_EXIT_CODE && s->end.killed) {
        r->reason = MR_EXIT_SIGNAL;
    }
    if (r->text[0] != '\0') {
        // What cannot be killed is all that matters.
    } else if (r->reason == MR_EXIT_TIMEOUT) {
        mr_text_add_duration(&time, s->launch.timeout_us);
        say(r, "ended after its execution_timeout of %s", mr_text_string(&time));
    } else if (r->reason == MR_EXIT_STOPPED) {
        say(r, "stopped");
    } else if (r->reason == MR_EXIT_SIGNAL) {
        say(r, "killed by signal %" PRId32 " (%s)%s", r->code, mr_process_signal_text(r->code),
            r->code == SIGNAL_KILL ? "; maybe memory was short" : "");
    } else if (s->left_behind > 0) {
        say(r, "%" PRIu32 " %s it left behind %s ended", s->left_behind,
            s->left_behind == 1 ? "process that" : "processes that",
            s->left_behind == 1 ? "was" : "were");
    }
    if (r->text[0] != '\0') {
        log_line(s, r->text, cx);
    } else if (r->code != 0 && told != NULL) {
        // The log has it already. Masked before it is cut to a length.
        say(r, "%s", mr_mask_text(s->launch.masked, told, cx->arena));
    }
}

static void tell(supervisor *s, mr_cx *cx) {
    s->record.ended_us = mr_clock_real_us(cx->plat);
    s->record.cpu_us = s->usage.cpu_us;
    s->record.memory_bytes_max = s->usage.resident_bytes_max;
    mr_text line;
    mr_text_init(&line, cx->arena);
    mr_try_exit_print(&s->record, &line);
    (void)!mr_crash_point("try.ended", cx);
    mr_code code = mr_try_exit_save(s->spec->dir, mr_text_span(&line), cx);
    (void)!mr_crash_point("try.recorded", cx);
    // A full disk: the scheduler is told anyhow. Nobody there: the next scheduler reads the record.
    mr_try_message head = {.token = s->spec->token, .kind = MR_TRY_ENDED};
    if (mr_try_send(s->spec->scheduler, &head, mr_text_span(&line), cx) != MR_OK && code == MR_OK) {
        (void)!mr_try_exit_sync(s->spec->dir, cx);
    }
}

// From the claim to the end that is told. false: another has claimed the try.
static bool run(supervisor *s, mr_cx *cx) {
    (void)!mr_crash_point("try.claim", cx);
    mr_code code = mr_try_claim_take(s->spec->dir, cx);
    if (code == MR_E_EXISTS) {
        return false;
    }
    (void)!mr_crash_point("try.claimed", cx);
    if (code == MR_OK) {
        code = mr_launch_load(s->spec->dir, &s->launch, cx);
    }
    if (code == MR_OK) {
        code = start(s, cx);
    }
    if (code != MR_OK) {
        s->record.reason = MR_EXIT_NO_START;
        s->record.started_us = mr_clock_real_us(cx->plat);
        say(&s->record, "%s", mr_mask_text(s->launch.masked, cx->error.text, cx->arena));
        log_line(s, s->record.text, cx);
        tell(s, cx);
        return true;
    }
    (void)!mr_crash_point("try.forked", cx);
    if (s->launch.timeout_us > 0) {
        s->until_us = now_us(cx) + s->launch.timeout_us;
    }
    while (s->left) {
        wait_once(s, cx);
        look_at_time(s, cx);
    }
    if (s->log.handle >= 0) {
        pass_output(s, /* last= */ true, cx);
    }
    end_outside(s, cx);
    judge(s, cx);
    tell(s, cx);
    return true;
}

// ---- the next one ----------------------------------------------------------------------------

// Waits for a try. false: none has come.
static bool next(mr_supervisor_spec *spec, char *buffer, mr_cx *cx) {
    int64_t until_us = now_us(cx) + IDLE_US;
    for (;;) {
        mr_socket_event event = {.handle = spec->orders.handle, .read = true};
        size_t count = 0;
        int64_t left_us = until_us - now_us(cx);
        if (left_us <= 0 || mr_socket_wait(&event, 1, left_us, &count, cx) != MR_OK) {
            return false;
        }
        mr_try_message order;
        bool any = event.readable;
        if (any && mr_try_receive(&spec->orders, buffer, &order, &any, cx) != MR_OK) {
            return false;  // The spawner is gone.
        }
        if (any && order.kind == MR_TRY_START) {
            // What asked it to end until now was meant for the try before: stops come as orders.
            while (mr_spawn_signal_take(spec->signals) != MR_SPAWN_NONE) {
            }
            spec->token = order.token;
            spec->dir = buffer;
            return true;
        }
    }
}

// The kernel counts the peak of what a process starts from that process's own.
static uint64_t peak_bytes(mr_cx *cx) {
    mr_usage usage;
    mr_plat_usage(cx->plat, &usage);
    return usage.resident_bytes_max;
}

int mr_supervisor_run(mr_supervisor_spec *spec, mr_cx *cx) {
    char *buffer = mr_heap_alloc(MR_TRY_MESSAGE_BYTES);  // The folder of each try but the first.
    uint64_t from_bytes = peak_bytes(cx);
    mr_spawn_lead("millrace-try");
    do {
        supervisor s = {.spec = spec,
                        .child = MR_CHILD_NONE,
                        .until_us = INT64_MAX,
                        .pipe = MR_SOCKET_CLOSED,
                        .log = MR_FILE_CLOSED,
                        .record = {.reason = MR_EXIT_CODE}};
        mr_try_message report = {.token = spec->token, .kind = MR_TRY_ENDED};
        if (!run(&s, cx)) {
            report.kind = MR_TRY_TAKEN;
        }
        mr_socket_close(&s.pipe, cx->plat);
        mr_file_close(&s.log, cx->plat);
        mr_mask_release(&s.mask);
        mr_process_unwatch(&s.child.handle);
        if (s.gave_up || spec->orders.handle < 0 || peak_bytes(cx) > from_bytes + GROWN_BYTES ||
            mr_try_send(&spec->reports, &report, (mr_span){NULL, 0}, cx) != MR_OK) {
            return MR_SUPERVISOR_TOLD;
        }
        mr_arena_clear(cx->arena);
    } while (next(spec, buffer, cx));
    return MR_SUPERVISOR_IDLE;
}
