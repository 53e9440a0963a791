// Spawner: a small process beside the scheduler that forks a supervisor for each try, or gives the
// try to one that has done its last.
//
// It has no threads and little memory, so a fork is cheap and safe. It holds nothing that must
// survive: the claims and exit records of the tries are the truth. When the scheduler is gone, it
// ends; what waits in its socket is not started any more. Before that, and when the scheduler does
// not say soon that it has committed an end, it syncs the record.
// It is a reaper: what a supervisor that was killed has left becomes its child, and a child that it
// has not forked is nothing else. It kills such ones, all below them, and what an earlier
// scheduler's try has left (MILLRACE_TRY in its environment, its session, all below), looks again
// until nothing is left, and then tells that the try is lost.

#include <inttypes.h>
#include <string.h>

#include "flow/try.h"

#define LOOK_AGAIN_US ((int64_t)20 * 1000)
#define KEEP_US       ((int64_t)1000 * 1000)
#define LOOK_MOST_US  ((int64_t)10 * 1000 * 1000)

// A supervisor.
typedef struct running {
    uint64_t token;
    int pid;
    char *dir;         // Heap; NULL: it is free.
    bool kept;         // The end of its try is committed.
    bool stopped;      // It was told to stop its try.
    mr_socket orders;  // To it.
} running;

// A try that has ended, and whose end is not committed yet.
typedef struct told {
    uint64_t token;
    char *dir;         // Heap.
    int64_t until_us;  // Monotonic: then its record is synced.
} told;

// A try without a supervisor, whose leavings are being ended.
typedef struct orphaned {
    uint64_t token;
    char *dir;         // Heap.
    bool by_marker;    // Of an earlier life: not below us.
    int64_t until_us;  // Monotonic.
    int ender;         // Ends what it runs outside: pid; 0 = not yet started, -1 = it is over.
} orphaned;

typedef struct spawner {
    mr_socket scheduler;
    mr_socket reports;    // From supervisors.
    mr_socket reporting;  // … their end of it.
    int signals;
    int parent;
    running *running;
    uint32_t running_count;
    uint32_t running_capacity;
    told *told;  // In order of until_us.
    uint32_t told_count;
    uint32_t told_capacity;
    orphaned *orphaned;
    uint32_t orphaned_count;
    uint32_t orphaned_capacity;
    mr_cx *cx;
} spawner;

static void *room(void *items, uint32_t count, uint32_t *capacity, size_t bytes) {
    if (count < *capacity) {
        return items;
    }
    *capacity = MR_MAX(*capacity * 2, 16U);
    return mr_heap_resize(items, *capacity * bytes);
}

static void tell(spawner *s, mr_try_kind kind, uint64_t token, mr_span text) {
    mr_try_message head = {.token = token, .kind = kind};
    (void)!mr_try_send(&s->scheduler, &head, text, s->cx);  // Nobody there: the loop will see it.
}

// ---- records -----------------------------------------------------------------------------------

static void add_told(spawner *s, const running *one) {
    if (one->kept) {
        mr_heap_free(one->dir);
        return;
    }
    s->told = room(s->told, s->told_count, &s->told_capacity, sizeof(told));
    s->told[s->told_count++] = (told){.token = one->token,
                                      .dir = one->dir,
                                      .until_us = mr_clock_monotonic_us(s->cx->plat) + KEEP_US};
}

static void keep(spawner *s, uint64_t token) {
    for (uint32_t i = 0; i < s->told_count; i++) {
        if (s->told[i].token == token) {
            mr_heap_free(s->told[i].dir);
            s->told_count--;
            memmove(&s->told[i], &s->told[i + 1], (s->told_count - i) * sizeof(told));
            return;
        }
    }
    for (uint32_t i = 0; i < s->running_count; i++) {
        s->running[i].kept =
            s->running[i].kept || (s->running[i].dir != NULL && s->running[i].token == token);
    }
}

static void keep_all(spawner *s, const char *tokens, size_t bytes) {
    for (size_t at = 0; at + sizeof(uint64_t) <= bytes; at += sizeof(uint64_t)) {
        uint64_t token;
        memcpy(&token, tokens + at, sizeof(token));
        keep(s, token);
    }
}

// Syncs the records that nobody has committed until now.
static void sync_told(spawner *s, int64_t now_us) {
    uint32_t due = 0;
    while (due < s->told_count && s->told[due].until_us <= now_us) {
        mr_arena_clear(s->cx->arena);
        (void)!mr_try_exit_sync(s->told[due].dir, s->cx);
        mr_heap_free(s->told[due++].dir);
    }
    s->told_count -= due;
    if (due > 0) {
        memmove(s->told, s->told + due, s->told_count * sizeof(told));
    }
}

// Which supervisors are free again.
static void take_reports(spawner *s) {
    char buffer[MR_TRY_MESSAGE_BYTES];
    mr_try_message report;
    bool any = true;
    while (mr_try_receive(&s->reports, buffer, &report, &any, s->cx) == MR_OK && any) {
        for (uint32_t i = 0; i < s->running_count; i++) {
            running *one = &s->running[i];
            if (one->dir == NULL || one->token != report.token) {
                continue;
            }
            if (report.kind == MR_TRY_ENDED) {
                add_told(s, one);
            } else {
                tell(s, MR_TRY_TAKEN, one->token, (mr_span){NULL, 0});
                mr_heap_free(one->dir);
            }
            one->dir = NULL;
        }
    }
}

// ---- starting --------------------------------------------------------------------------------

static void tell_no_start(spawner *s, uint64_t token) {
    mr_try_exit record = {.reason = MR_EXIT_NO_START,
                          .started_us = mr_clock_real_us(s->cx->plat),
                          .ended_us = mr_clock_real_us(s->cx->plat)};
    mr_try_exit_say(&record, s->cx->error.text);
    mr_text line;
    mr_text_init(&line, s->cx->arena);
    mr_try_exit_print(&record, &line);
    tell(s, MR_TRY_ENDED, token, mr_text_span(&line));
}

// In the child: nothing of the spawner stays open, so that others see its end.
static _Noreturn void supervise(spawner *s, mr_supervisor_spec *spec) {
    for (uint32_t i = 0; i < s->running_count; i++) {
        mr_socket_close(&s->running[i].orders, s->cx->plat);
    }
    mr_socket_close(&s->reports, s->cx->plat);
    // A signalfd shows the signals of who reads it, so the spawner's serves the supervisor.
    mr_spawn_exit(mr_supervisor_run(spec, s->cx));
}

static mr_code fork_one(spawner *s, uint64_t token, const char *dir, mr_cx *cx) {
    int pid = 0;
    mr_socket ours = MR_SOCKET_CLOSED, theirs = MR_SOCKET_CLOSED;
    MR_TRY(mr_pair_open(&ours, &theirs, cx));
    mr_code code = mr_spawn_fork(&pid, cx);
    if (code == MR_OK && pid == 0) {
        mr_socket_close(&ours, cx->plat);
        mr_supervisor_spec spec = {.token = token,
                                   .dir = dir,
                                   .signals = s->signals,
                                   .scheduler = &s->scheduler,
                                   .orders = theirs,
                                   .reports = s->reporting};
        supervise(s, &spec);
    }
    mr_socket_close(&theirs, cx->plat);
    if (code != MR_OK) {
        mr_socket_close(&ours, cx->plat);
        return code;
    }
    s->running = room(s->running, s->running_count, &s->running_capacity, sizeof(running));
    s->running[s->running_count++] =
        (running){.token = token, .pid = pid, .dir = mr_heap_string(dir), .orders = ours};
    return MR_OK;
}

static bool order(const spawner *s, running *one, mr_try_kind kind, uint64_t token,
                  const char *text) {
    mr_try_message head = {.token = token, .kind = kind};
    return mr_try_send(&one->orders, &head, mr_span_of(text), s->cx) == MR_OK;
}

// Gives a try to a supervisor that is free.
static bool give(spawner *s, uint64_t token, const char *dir) {
    for (uint32_t i = 0; i < s->running_count; i++) {
        running *one = &s->running[i];
        if (one->dir == NULL && order(s, one, MR_TRY_START, token, dir)) {
            one->token = token;
            one->dir = mr_heap_string(dir);
            one->kept = one->stopped = false;
            return true;
        }
    }
    return false;
}

static void start(spawner *s, uint64_t token, const char *dir) {
    if (mr_process_parent_id() != s->parent) {
        return;  // The scheduler has died; the next one decides.
    }
    if (give(s, token, dir)) {
        return;
    }
    take_reports(s);  // The scheduler may know of an end before we do.
    if (!give(s, token, dir) && fork_one(s, token, dir, s->cx) != MR_OK) {
        tell_no_start(s, token);
    }
}

static void stop(spawner *s, uint64_t token) {
    for (uint32_t i = 0; i < s->running_count; i++) {
        if (s->running[i].dir != NULL && s->running[i].token == token) {
            s->running[i].stopped = true;
            (void)order(s, &s->running[i], MR_TRY_STOP, token, "");
        }
    }
}

static void orphan(spawner *s, uint64_t token, char *dir, bool by_marker) {
    s->orphaned = room(s->orphaned, s->orphaned_count, &s->orphaned_capacity, sizeof(orphaned));
    s->orphaned[s->orphaned_count++] =
        (orphaned){.token = token,
                   .dir = dir,
                   .by_marker = by_marker,
                   .until_us = mr_clock_monotonic_us(s->cx->plat) + LOOK_MOST_US};
}

// false: the scheduler is gone.
static bool take_messages(spawner *s) {
    char buffer[MR_TRY_MESSAGE_BYTES];
    for (;;) {
        mr_try_message message;
        bool any = false;
        mr_arena_clear(s->cx->arena);
        if (mr_try_receive(&s->scheduler, buffer, &message, &any, s->cx) != MR_OK) {
            return false;
        }
        if (!any) {
            return true;
        }
        switch ((mr_try_kind)message.kind) {
        case MR_TRY_START: start(s, message.token, buffer); break;
        case MR_TRY_STOP: stop(s, message.token); break;
        case MR_TRY_RECOVER:
            orphan(s, message.token, mr_heap_string(buffer), /* by_marker= */ true);
            break;
        case MR_TRY_KEPT: keep_all(s, buffer, message.bytes); break;
        case MR_TRY_ENDED:
        case MR_TRY_TAKEN: break;
        }
    }
}

// ---- ends of tries and supervisors -----------------------------------------------------------

static void supervisor_over(spawner *s, uint32_t index, const mr_spawn_end *end) {
    running one = s->running[index];
    s->running[index] = s->running[--s->running_count];
    mr_socket_close(&one.orders, s->cx->plat);
    if (one.dir == NULL) {
        return;
    }
    if (!end->killed && end->code == MR_SUPERVISOR_TOLD) {
        add_told(s, &one);
    } else if (!end->killed && end->code == MR_SUPERVISOR_IDLE) {
        start(s, one.token, one.dir);  // It went while the order was under way.
        if (one.stopped) {
            stop(s, one.token);
        }
        mr_heap_free(one.dir);
    } else {
        orphan(s, one.token, one.dir, /* by_marker= */ false);
    }
}

static void reap(spawner *s) {
    mr_spawn_end end;
    bool left = false;
    take_reports(s);  // They speak before they end.
    while (mr_spawn_reap(&end, &left)) {
        for (uint32_t i = 0; i < s->running_count; i++) {
            if (s->running[i].pid == end.pid) {
                supervisor_over(s, i, &end);
                break;
            }
        }
        for (uint32_t i = 0; i < s->orphaned_count; i++) {
            orphaned *one = &s->orphaned[i];
            one->ender = one->ender == end.pid ? -1 : one->ender;
        }
    }
}

// ---- what was left ---------------------------------------------------------------------------

// A supervisor, or what ends what one has left outside.
static bool is_supervisor(const spawner *s, int pid) {
    for (uint32_t i = 0; i < s->running_count; i++) {
        if (s->running[i].pid == pid) {
            return true;
        }
    }
    for (uint32_t i = 0; i < s->orphaned_count; i++) {
        if (s->orphaned[i].ender == pid) {
            return true;
        }
    }
    return false;
}

// Children that are no supervisors, and all below them. How many there were.
static uint32_t kill_foreign(spawner *s) {
    mr_process_info *below = NULL;
    uint32_t count = 0, killed = 0;
    int self = mr_process_id();
    mr_process_below(self, &below, &count, s->cx);
    bool *foreign = MR_NEW_ARRAY(s->cx->arena, bool, count + 1);
    for (uint32_t i = 0; i < count; i++) {  // Parents stand before their children.
        foreign[i] = below[i].parent == self && !is_supervisor(s, below[i].process.pid);
        for (uint32_t k = 0; k < i && !foreign[i]; k++) {
            foreign[i] = foreign[k] && below[k].process.pid == below[i].parent;
        }
        if (foreign[i]) {
            mr_process_end(&below[i].process, /* kill= */ true);
            killed++;
        }
    }
    return killed;
}

static bool is_marked(const spawner *s, int pid) {
    const char *dir = mr_process_env(pid, "MILLRACE_TRY", s->cx);
    for (uint32_t i = 0; dir != NULL && i < s->orphaned_count; i++) {
        if (s->orphaned[i].by_marker && strcmp(s->orphaned[i].dir, dir) == 0) {
            return true;
        }
    }
    return false;
}

static bool belongs(const mr_process_info *to, const mr_process_info *one) {
    return to->process.pid == one->parent || to->session == one->session;
}

// Processes with a marker, and those of their sessions and below them.
static uint32_t kill_marked(spawner *s) {
    mr_process_info *all = NULL;
    uint32_t count = 0, killed = 0;
    if (mr_process_list(&all, &count, s->cx) != MR_OK) {
        return 0;
    }
    bool *marked = MR_NEW_ARRAY(s->cx->arena, bool, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        int pid = all[i].process.pid;  // Whoever started us from inside a try is spared.
        marked[i] = !all[i].over && pid != mr_process_id() && pid != s->parent && is_marked(s, pid);
    }
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t k = 0; k < count && !marked[i] && !all[i].over; k++) {
                marked[i] = marked[k] && belongs(&all[k], &all[i]);
                more = more || marked[i];
            }
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (marked[i]) {
            mr_process_end(&all[i].process, /* kill= */ true);
            killed++;
        }
    }
    return killed;
}

// Whether what a try runs outside of its processes is still being ended.
static bool outside_goes_on(const spawner *s, orphaned *one, int64_t now_us) {
    mr_child ender = MR_CHILD_NONE;
    if (one->ender == 0 && mr_try_outside_is(one->dir, s->cx) &&
        mr_try_outside_end(one->dir, &ender, s->cx) == MR_OK) {
        mr_process_unwatch(&ender.handle);  // Its end is met as that of any child.
        one->ender = ender.pid;
        one->until_us = now_us + MR_TRY_OUTSIDE_US;
    }
    if (one->ender > 0 && now_us >= one->until_us) {
        mr_process_end_child(one->ender);
        one->ender = -1;
    }
    return one->ender > 0;
}

static void tell_lost(spawner *s, const orphaned *one, uint32_t left) {
    mr_try_exit record;
    if (mr_try_exit_load(one->dir, &record, s->cx) != MR_OK) {  // Else it came to write it.
        record = (mr_try_exit){.reason = MR_EXIT_LOST,
                               .started_us = mr_clock_real_us(s->cx->plat),
                               .ended_us = mr_clock_real_us(s->cx->plat)};
        bool stays = left > 0 || mr_try_outside_is(one->dir, s->cx);
        mr_try_exit_say(&record, stays ? "its supervisor was killed; some of what it had started "
                                         "cannot be killed"
                                       : "its supervisor was killed; what it had started was "
                                         "ended");
    }
    mr_text line;
    mr_text_init(&line, s->cx->arena);
    mr_try_exit_print(&record, &line);
    (void)!mr_try_exit_save(one->dir, mr_text_span(&line), s->cx);
    tell(s, MR_TRY_ENDED, one->token, mr_text_span(&line));
}

static void look_after_orphans(spawner *s) {
    bool marked = false, own = false;
    for (uint32_t i = 0; i < s->orphaned_count; i++) {
        marked = marked || s->orphaned[i].by_marker;
        own = own || !s->orphaned[i].by_marker;
    }
    mr_arena_clear(s->cx->arena);
    uint32_t left_own = own ? kill_foreign(s) : 0;
    uint32_t left_marked = marked ? kill_marked(s) : 0;
    int64_t now_us = mr_clock_monotonic_us(s->cx->plat);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->orphaned_count; i++) {
        orphaned *one = &s->orphaned[i];
        uint32_t left = one->by_marker ? left_marked : left_own;
        bool goes_on = left > 0 && one->ender == 0 && now_us < one->until_us;
        if (goes_on || outside_goes_on(s, one, now_us)) {
            s->orphaned[kept++] = *one;
        } else {
            tell_lost(s, one, left);
            mr_heap_free(one->dir);
        }
    }
    s->orphaned_count = kept;
}

// ---- the loop --------------------------------------------------------------------------------

static void run(spawner *s) {
    for (bool going = true; going;) {
        mr_socket_event events[] = {
            {.handle = s->signals, .read = true},
            {.handle = s->scheduler.handle, .read = true},
            {.handle = s->reports.handle, .read = true},
        };
        size_t count = 0;
        int64_t wait_us = s->orphaned_count > 0 ? LOOK_AGAIN_US : -1;
        if (s->told_count > 0) {
            int64_t left_us = s->told[0].until_us - mr_clock_monotonic_us(s->cx->plat);
            wait_us = wait_us < 0 ? MR_MAX(left_us, (int64_t)0) : wait_us;
        }
        if (mr_socket_wait(events, MR_COUNT(events), wait_us, &count, s->cx) != MR_OK) {
            return;
        }
        if (events[2].readable) {
            take_reports(s);
        }
        if (events[0].readable) {
            // Those that ask to end are not for us: we end with the scheduler.
            while (mr_spawn_signal_take(s->signals) != MR_SPAWN_NONE) {
            }
            reap(s);
        }
        if (s->orphaned_count > 0) {
            look_after_orphans(s);
        }
        if (events[1].readable) {
            going = take_messages(s);
        }
        if (s->told_count > 0) {
            sync_told(s, mr_clock_monotonic_us(s->cx->plat));
        }
    }
}

// The scheduler is gone: what it was told may be in its grave. Supervisors that have not spoken yet
// will find out by themselves.
static void sync_rest(spawner *s) {
    reap(s);
    for (uint32_t i = 0; i < s->running_count; i++) {
        running *one = &s->running[i];
        mr_arena_clear(s->cx->arena);
        if (one->dir != NULL && !one->kept &&
            mr_file_exists(mr_arena_printf(s->cx->arena, "%s/exit", one->dir), s->cx)) {
            (void)!mr_try_exit_sync(one->dir, s->cx);
        }
        mr_heap_free(one->dir);
        mr_socket_close(&one->orders, s->cx->plat);
    }
    sync_told(s, INT64_MAX);
}

int mr_spawner_main(int handle, mr_cx *cx) {
    spawner s = {
        .scheduler = mr_pair_of(handle, "the scheduler"),
        .parent = mr_process_parent_id(),
        .cx = cx,
    };
    mr_spawn_lead("millrace-spawn");
    mr_spawn_close_others(handle);
    if (mr_spawn_signals(&s.signals, cx) != MR_OK ||
        mr_pair_open(&s.reports, &s.reporting, cx) != MR_OK) {
        return 1;
    }
    run(&s);
    sync_rest(&s);
    for (uint32_t i = 0; i < s.orphaned_count; i++) {
        mr_heap_free(s.orphaned[i].dir);
    }
    mr_heap_free(s.running);
    mr_heap_free(s.told);
    mr_heap_free(s.orphaned);
    mr_process_unwatch(&s.signals);
    mr_socket_close(&s.reports, cx->plat);
    mr_socket_close(&s.reporting, cx->plat);
    mr_socket_close(&s.scheduler, cx->plat);
    return 0;
}
