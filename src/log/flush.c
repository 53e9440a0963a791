// Flush: the group commit of all logs of a broker; see flush.h.
//
// Also: mr_flusher_
//
// How: dirty logs wait in a queue. A thread takes one and syncs it, or, when many wait, all of
// them, with one sync of the file system; while that runs no other sync begins, and what gets dirty
// gathers for the next. What is written to a log during its sync is dirty again behind it. So a
// busy log is synced without a pause, and each sync takes all that came during the last.
// If the sync of all fails, each log is synced by itself, to know which of them it was.

#include "log/flush.h"

#include <string.h>

#include "log/inside.h"

#define FEW              4   // So many are synced one by one: 0.3 ms each, at the same time.
#define LAZY_PAUSE_TIMES 99  // The background pauses so many times as long as its last sync took,
#define LAZY_PAUSE_MAX   ((int64_t)5 * 1000000)  // but not longer than this.

typedef struct queue {
    mr_log *first;
    mr_log **end;  // Where the next one is put.
    uint32_t count;
} queue;

struct mr_flusher {
    mr_mutex mutex;
    mr_condition work;  // Something is dirty, or it ends.
    mr_condition idle;  // A sync ended.
    mr_plat *plat;
    mr_disk disk;  // Closed where there is no sync of all.
    int64_t interval_us;
    int64_t lazy_took_us;  // The last sync that nobody waited for.
    void (*flushed)(void *self, mr_cx *cx);
    void *self;
    queue urgent;
    queue lazy;     // Of durability kafka; the oldest first.
    bool all_runs;  // A sync of all is under way.
    bool timed;     // One of the threads wakes up when the lazy queue is due; the others sleep on.
    bool ending;
    mr_flusher_counts counts;
    mr_thread *threads;
    uint32_t thread_count;
};

// ---- queues ----------------------------------------------------------------------------------

static void queue_add(queue *q, mr_log *log) {
    if (q->count == 0) {
        q->end = &q->first;
    }
    log->dirty_next = NULL;
    *q->end = log;
    q->end = &log->dirty_next;
    q->count++;
}

static mr_log *queue_take(queue *q) {
    mr_log *log = q->first;
    q->first = log->dirty_next;
    q->count--;
    return log;
}

static void queue_remove(queue *q, const mr_log *log) {
    queue left = {.first = NULL};
    while (q->count > 0) {
        mr_log *one = queue_take(q);
        if (one != log) {
            queue_add(&left, one);
        }
    }
    *q = left;
    if (q->count > 0) {  // The end of the copy points into itself when one is left.
        mr_log *last = q->first;
        while (last->dirty_next != NULL) {
            last = last->dirty_next;
        }
        q->end = &last->dirty_next;
    }
}

// Under the mutex.
static void enqueue(mr_flusher *flusher, mr_log *log, bool fsync) {
    if (!fsync) {
        log->dirty_since_us = mr_clock_monotonic_us(flusher->plat);
    }
    queue_add(fsync ? &flusher->urgent : &flusher->lazy, log);
}

// Under the mutex: whether a thread must be told of what was put into a queue. The lazy queue's
// first one is the first one due, so that whoever waits for it waits for all.
static bool needs_wake(const mr_flusher *flusher, bool fsync) {
    return flusher->thread_count > 0 && (fsync || !flusher->timed);
}

void mr_flusher_mark(mr_flusher *flusher, mr_log *log, bool fsync) {
    mr_mutex_lock(&flusher->mutex);
    bool wake = false;
    // A log that waits in the background is urgent from the first append on that is to be answered.
    bool sooner = log->dirty && fsync && !log->dirty_fsync;
    if (!log->dirty || sooner) {
        if (sooner && !log->syncing) {
            queue_remove(&flusher->lazy, log);
        }
        log->dirty = true;
        log->dirty_fsync = fsync;
        if (!log->syncing) {
            enqueue(flusher, log, fsync);
            wake = needs_wake(flusher, fsync);
        }
    }
    mr_mutex_unlock(&flusher->mutex);
    if (wake) {
        mr_condition_signal(&flusher->work);
    }
}

void mr_flusher_forget(mr_flusher *flusher, mr_log *log) {
    mr_mutex_lock(&flusher->mutex);
    while (log->syncing) {
        mr_condition_wait(&flusher->idle, &flusher->mutex, -1);
    }
    if (log->dirty) {
        queue_remove(&flusher->urgent, log);
        queue_remove(&flusher->lazy, log);
        log->dirty = false;
    }
    mr_mutex_unlock(&flusher->mutex);
}

// When the oldest of the lazy queue is due. While the file system commits, appends wait, whichever
// file they are for; of what nobody waits for that takes a hundredth of the time, so that it is
// not in the 99th percentile of those who do wait.
static int64_t lazy_due_us(const mr_flusher *flusher) {
    int64_t pause_us = MR_MIN(flusher->lazy_took_us * LAZY_PAUSE_TIMES, LAZY_PAUSE_MAX);
    return flusher->lazy.first->dirty_since_us + MR_MAX(flusher->interval_us, pause_us);
}

// ---- rounds ----------------------------------------------------------------------------------

// Some logs that are synced together.
typedef struct round {
    mr_log **logs;  // Heap.
    uint32_t count;
    bool all;
    bool lazy;  // Nobody waits for it.
} round;

// Under the mutex: what is to be done now; count 0 = nothing. `by_hand` takes all, due or not.
static round round_take(mr_flusher *flusher, bool by_hand) {
    int64_t now_us = mr_clock_monotonic_us(flusher->plat);
    bool lazy_due =
        flusher->lazy.count > 0 && (by_hand || flusher->ending || lazy_due_us(flusher) <= now_us);
    uint32_t due = flusher->urgent.count + (lazy_due ? flusher->lazy.count : 0);
    if (due == 0 || flusher->all_runs) {
        return (round){.count = 0};
    }
    round r = {.all = due > FEW && flusher->disk.handle >= 0, .lazy = flusher->urgent.count == 0};
    // The background's are one after the other, so that its share of the time is that of all.
    uint32_t take = r.all || r.lazy || by_hand ? due : 1;
    r.logs = mr_heap_raw(take * sizeof(mr_log *));
    while (r.count < take) {
        mr_log *log = queue_take(flusher->urgent.count > 0 ? &flusher->urgent : &flusher->lazy);
        log->dirty = false;
        log->syncing = true;
        r.logs[r.count++] = log;
    }
    flusher->all_runs = r.all;
    return r;
}

static mr_code sync_one(mr_flusher *flusher, mr_log_sync *sync, bool done, mr_cx *cx) {
    mr_code code = done ? MR_OK : mr_log_sync_run(sync, cx);
    mr_mutex_lock(&flusher->mutex);
    flusher->counts.syncs += done ? 0 : sync->segment_count;
    flusher->counts.bytes += sync->bytes;
    mr_mutex_unlock(&flusher->mutex);
    return code;
}

// Syncs and tells.  errors  of the last log that failed
static mr_code round_run(mr_flusher *flusher, const round *r, mr_cx *cx) {
    mr_log_sync *syncs = mr_heap_raw(r->count * sizeof(*syncs));
    for (uint32_t i = 0; i < r->count; i++) {
        mr_log_sync_begin(r->logs[i], &syncs[i]);
    }
    mr_code all = MR_E_UNSUPPORTED, worst = MR_OK;
    if (r->all) {
        all = mr_disk_sync(&flusher->disk, cx);
    }
    for (uint32_t i = 0; i < r->count; i++) {
        mr_code code = sync_one(flusher, &syncs[i], all == MR_OK, cx);
        mr_log_sync_end(&syncs[i], code, cx);
        worst = code != MR_OK ? code : worst;
    }
    mr_heap_free(syncs);
    return worst;
}

// Under the mutex.
static void round_end(mr_flusher *flusher, round *r, int64_t took_us) {
    for (uint32_t i = 0; i < r->count; i++) {
        mr_log *log = r->logs[i];
        log->syncing = false;
        if (log->dirty) {
            enqueue(flusher, log, log->dirty_fsync);
        }
    }
    flusher->counts.sync_us += (uint64_t)took_us;
    flusher->lazy_took_us = r->lazy ? took_us : flusher->lazy_took_us;
    if (r->all) {
        flusher->counts.syncs_all++;
        flusher->all_runs = false;
        mr_condition_broadcast(&flusher->work);  // It may have held others up.
    }
    if (flusher->lazy.count > 0 && !flusher->timed) {
        mr_condition_signal(&flusher->work);  // This thread may be kept busy by others.
    }
    mr_heap_free(r->logs);
    mr_condition_broadcast(&flusher->idle);
}

// Under the mutex, which it gives back meanwhile; frees the round.
static mr_code round_timed(mr_flusher *flusher, round *r, mr_cx *cx) {
    flusher->counts.rounds++;
    mr_mutex_unlock(&flusher->mutex);
    int64_t begin_us = mr_clock_monotonic_us(flusher->plat);
    mr_code code = round_run(flusher, r, cx);
    int64_t took_us = mr_clock_monotonic_us(flusher->plat) - begin_us;
    mr_mutex_lock(&flusher->mutex);
    round_end(flusher, r, took_us);
    return code;
}

static mr_code round_once(mr_flusher *flusher, bool by_hand, bool *ret_done, mr_cx *cx) {
    round r = round_take(flusher, by_hand);
    *ret_done = r.count > 0;
    if (r.count == 0) {
        return MR_OK;
    }
    mr_code code = round_timed(flusher, &r, cx);
    if (flusher->flushed != NULL) {
        mr_mutex_unlock(&flusher->mutex);
        flusher->flushed(flusher->self, cx);
        mr_mutex_lock(&flusher->mutex);
    }
    return code == MR_E_CRASH ? code : MR_OK;  // Else the log has been told, and is offline.
}

mr_code mr_flusher_round(mr_flusher *flusher, mr_cx *cx) {
    mr_mutex_lock(&flusher->mutex);
    bool done = false;
    mr_code code = round_once(flusher, /* by_hand= */ true, &done, cx);
    mr_mutex_unlock(&flusher->mutex);
    return code;
}

// ---- by name ---------------------------------------------------------------------------------

// Under the mutex: those of the list that no sync has, taken out of it. Background dirt is clean
// then; where somebody waits for an answer the log stays dirty, since a round's end is the answer.
static round round_of(mr_flusher *flusher, mr_log **logs, uint32_t *count) {
    round r = {.logs = mr_heap_raw(*count * sizeof(mr_log *))};
    uint32_t left = 0;
    for (uint32_t i = 0; i < *count; i++) {
        mr_log *log = logs[i];
        if (log->syncing) {
            logs[left++] = log;
            continue;
        }
        if (log->dirty) {
            queue_remove(log->dirty_fsync ? &flusher->urgent : &flusher->lazy, log);
            log->dirty = log->dirty_fsync;
        }
        log->syncing = true;
        r.logs[r.count++] = log;
    }
    r.all = r.count > FEW && flusher->disk.handle >= 0 && !flusher->all_runs;
    flusher->all_runs = flusher->all_runs || r.all;
    *count = left;
    return r;
}

mr_code mr_flusher_sync(mr_flusher *flusher, mr_log **logs, uint32_t count, mr_cx *cx) {
    mr_code worst = MR_OK;
    mr_mutex_lock(&flusher->mutex);
    while (count > 0) {
        round r = round_of(flusher, logs, &count);
        if (r.count > 0) {
            mr_code code = round_timed(flusher, &r, cx);
            worst = code != MR_OK ? code : worst;
        } else {
            mr_heap_free(r.logs);
            mr_condition_wait(&flusher->idle, &flusher->mutex, -1);
        }
    }
    if (flusher->urgent.count > 0) {
        mr_condition_signal(&flusher->work);
    }
    mr_mutex_unlock(&flusher->mutex);
    return worst;
}

// ---- threads ---------------------------------------------------------------------------------

// Under the mutex: until there may be something to do.
static void wait_for_work(mr_flusher *flusher) {
    if (flusher->lazy.count == 0 || flusher->timed) {
        mr_condition_wait(&flusher->work, &flusher->mutex, -1);
        return;
    }
    int64_t at_us = lazy_due_us(flusher);
    flusher->timed = true;
    mr_condition_wait(&flusher->work, &flusher->mutex,
                      MR_MAX(at_us - mr_clock_monotonic_us(flusher->plat), 1000));
    flusher->timed = false;
    // It may have work now; the queue's next one needs another who waits for it.
    if (flusher->lazy.count + flusher->urgent.count > 1) {
        mr_condition_signal(&flusher->work);
    }
}

static void *flush_thread(void *argument) {
    mr_flusher *flusher = argument;
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_cx_init(&cx, &arena, flusher->plat);
    mr_mutex_lock(&flusher->mutex);
    for (;;) {
        bool done = false;
        (void)round_once(flusher, /* by_hand= */ false, &done, &cx);  // The log has been told.
        mr_arena_clear(&arena);
        if (done) {
            continue;
        }
        if (flusher->ending && !flusher->all_runs) {
            break;
        }
        wait_for_work(flusher);
    }
    mr_mutex_unlock(&flusher->mutex);
    mr_arena_release(&arena);
    return NULL;
}

// ---- life ------------------------------------------------------------------------------------

mr_code mr_flusher_open(const mr_flusher_options *options, mr_flusher **ret, mr_cx *cx) {
    mr_flusher *flusher = mr_heap_alloc(sizeof(*flusher));
    mr_mutex_init(&flusher->mutex);
    mr_condition_init(&flusher->work);
    mr_condition_init(&flusher->idle);
    flusher->plat = cx->plat;
    flusher->disk = MR_DISK_CLOSED;
    flusher->interval_us = options->flush_interval_us;
    flusher->flushed = options->flushed;
    flusher->self = options->self;
    mr_code code = mr_dir_make(options->root, cx);
    if (code == MR_OK && mr_disk_open(&flusher->disk, options->root, cx) != MR_OK) {
        flusher->disk = MR_DISK_CLOSED;  // One by one, then.
    }
    flusher->threads = mr_heap_alloc(MR_MAX(options->threads, 1u) * sizeof(mr_thread));
    for (uint32_t i = 0; i < options->threads && code == MR_OK; i++) {
        code = mr_thread_start(&flusher->threads[i], "flush", flush_thread, flusher, cx);
        flusher->thread_count += code == MR_OK;
    }
    if (code != MR_OK) {
        mr_flusher_close(flusher, cx);
        return code;
    }
    *ret = flusher;
    return MR_OK;
}

void mr_flusher_close(mr_flusher *flusher, mr_cx *cx) {
    if (flusher == NULL) {
        return;
    }
    mr_mutex_lock(&flusher->mutex);
    flusher->ending = true;
    mr_mutex_unlock(&flusher->mutex);
    mr_condition_broadcast(&flusher->work);
    for (uint32_t i = 0; i < flusher->thread_count; i++) {
        mr_thread_join(&flusher->threads[i]);
    }
    if (flusher->thread_count == 0) {
        (void)mr_flusher_round(flusher, cx);  // What failed has told its log.
    }
    mr_disk_close(&flusher->disk, flusher->plat);
    mr_heap_free(flusher->threads);
    mr_condition_release(&flusher->work);
    mr_condition_release(&flusher->idle);
    mr_mutex_release(&flusher->mutex);
    mr_heap_free(flusher);
}

mr_flusher_counts mr_flusher_counts_of(mr_flusher *flusher) {
    mr_mutex_lock(&flusher->mutex);
    mr_flusher_counts ret = flusher->counts;
    mr_mutex_unlock(&flusher->mutex);
    return ret;
}
