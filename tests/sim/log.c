// A log on a machine that fails, beside a model of what it must hold: random appends, transactions,
// syncs, reads, stops and starts, with power cuts, torn and dropped writes, full disks and failed
// syncs. After each start the log must hold what the model has, in order and byte for byte, at
// least up to where `high` was; and the producers and transactions that follow from it.
//
//   SEED=n        runs that seed alone, saying what it does
//   SIM_SEEDS=n   so many seeds

#include "log/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plat/sim.h"
#include "runner.h"

#define SEEDS       1200
#define STEPS       160
#define BATCHES_MAX 1024
#define PRODUCERS   4

typedef struct batch {
    int64_t base;
    int64_t last;
    int64_t producer;  // -1 = none.
    int16_t epoch;
    int32_t sequence;
    bool transactional;
    bool control;
    bool commit;
    uint32_t tag;  // In its values.
} batch;

typedef struct producer {
    int16_t epoch;
    int32_t sequence;  // The next one.
    int64_t open;      // First offset of its transaction; -1.
} producer;

typedef struct world {
    uint64_t random;
    uint64_t seed;
    bool loud;
    bool broken;  // A check failed: the seed is told, and ends.
    mr_arena arena;
    mr_cx cx;
    mr_plat *plat;
    mr_flusher *flusher;
    mr_log *log;
    mr_log_options options;
    batch batches[BATCHES_MAX];
    uint32_t batch_count;
    batch maybe;  // Was being appended when the machine went down.
    bool has_maybe;
    producer producers[PRODUCERS];
    int64_t first;
    int64_t high;  // The greatest seen.
    int64_t point;
    uint32_t tags;
    uint32_t starts;
} world;

static uint64_t roll(world *w, uint64_t bound) {
    uint64_t x = w->random += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (x ^ (x >> 31)) % bound;
}

#define SAY(w, ...)              \
    do {                         \
        if ((w)->loud) {         \
            printf(__VA_ARGS__); \
        }                        \
    } while (0)

#define HOLDS(w, cond)                                                                      \
    do {                                                                                    \
        if (!EXPECT(cond)) {                                                                \
            printf("  seed %" PRIu64 " (SEED=%" PRIu64 " make sim T=log): %s\n", (w)->seed, \
                   (w)->seed, (w)->cx.error.text);                                          \
            (w)->broken = true;                                                             \
            return;                                                                         \
        }                                                                                   \
    } while (0)

// ---- the model -------------------------------------------------------------------------------

static int64_t model_next(const world *w) {
    return w->batch_count == 0 ? w->first : w->batches[w->batch_count - 1].last + 1;
}

static void model_put(world *w, const batch *b) {
    mr_assert(w->batch_count < BATCHES_MAX);
    w->batches[w->batch_count++] = *b;
}

// What follows from the batches for each producer.
static void model_producers(world *w) {
    for (int i = 0; i < PRODUCERS; i++) {
        w->producers[i] = (producer){.open = -1};
    }
    for (uint32_t i = 0; i < w->batch_count; i++) {
        const batch *b = &w->batches[i];
        if (b->producer < 0) {
            continue;
        }
        producer *p = &w->producers[b->producer - 1];
        if (b->epoch != p->epoch) {
            p->epoch = b->epoch;
            p->sequence = 0;
        }
        if (b->control) {
            p->open = -1;
        } else {
            p->sequence = b->sequence + (int32_t)(b->last - b->base + 1);
            p->open = b->transactional && p->open < 0 ? b->base : p->open;
        }
    }
}

// ---- the log ---------------------------------------------------------------------------------

static mr_span make(world *w, const batch *b) {
    mr_text records, out;
    mr_text_init(&records, &w->arena);
    mr_text_init(&out, &w->arena);
    uint32_t count = (uint32_t)(b->last - b->base + 1);
    for (uint32_t i = 0; i < count; i++) {
        char value[64];
        int bytes = snprintf(value, sizeof(value), "%u/%u%*s", b->tag, i, (int)(b->tag % 40), "");
        mr_record_add(&(mr_record_new){.offset_delta = i, .value = {value, (size_t)bytes}},
                      &records);
    }
    int64_t now = mr_clock_real_us(w->plat) / 1000;
    mr_record_batch head = {.last_offset = count - 1,
                            .attributes = b->transactional ? MR_RECORD_BATCH_TRANSACTIONAL : 0,
                            .base_timestamp_ms = now,
                            .max_timestamp_ms = now,
                            .producer_id = b->producer,
                            .producer_epoch = b->producer < 0 ? (int16_t)-1 : b->epoch,
                            .base_sequence = b->producer < 0 ? -1 : b->sequence,
                            .record_count = count};
    mr_code code = mr_record_batch_add(&head, mr_text_span(&records), &out, &w->cx);
    mr_assert(code == MR_OK);
    return mr_text_span(&out);
}

static void check_batch(world *w, const mr_record_batch *got, const batch *b) {
    HOLDS(w, got->base_offset == b->base && got->last_offset == b->last);
    HOLDS(w, got->producer_id == b->producer);
    HOLDS(w, mr_record_batch_verify(got, &w->cx) == MR_OK);
    if (b->control) {
        HOLDS(w, mr_record_batch_marker(got) == (b->commit ? MR_RECORD_COMMIT : MR_RECORD_ABORT));
        return;
    }
    mr_record_reader reader;
    mr_record record;
    HOLDS(w, mr_record_open(&reader, got, got->payload, &w->cx) == MR_OK);
    for (uint32_t i = 0; mr_record_next(&reader, &record); i++) {
        char value[64];
        int bytes = snprintf(value, sizeof(value), "%u/%u%*s", b->tag, i, (int)(b->tag % 40), "");
        HOLDS(w, mr_span_equal(record.value, (mr_span){value, (size_t)bytes}));
    }
    HOLDS(w, mr_record_end(&reader, &w->cx) == MR_OK);
}

// The index of the model's batch that holds an offset or begins behind it.
static uint32_t model_find(const world *w, int64_t offset) {
    uint32_t i = 0;
    while (i < w->batch_count && w->batches[i].last < offset) {
        i++;
    }
    return i;
}

// Reads from offset to the end; every batch must be the model's.
static void check_read(world *w, int64_t offset, uint64_t bytes_max, mr_log_isolation isolation,
                       int64_t end) {
    uint32_t at = model_find(w, offset);
    while (offset < end) {
        mr_log_wish wish = {offset, bytes_max, true, isolation};
        mr_log_slice slice;
        int16_t error = -1;
        mr_code read = mr_log_read(w->log, &wish, &slice, &error, &w->cx);
        for (int i = 0; i < 8 && read == MR_E_IO; i++) {  // A fault strikes once; some may wait.
            read = mr_log_read(w->log, &wish, &slice, &error, &w->cx);
        }
        if (mr_sim_down(w->plat)) {
            return;
        }
        HOLDS(w, read == MR_OK);
        HOLDS(w, error == MR_KAFKA_NONE && slice.segment != NULL && slice.next_offset <= end);
        char *data = mr_arena_raw(&w->arena, slice.bytes);
        mr_code code = mr_log_slice_load(&slice, 0, data, slice.bytes, &w->cx);
        offset = slice.next_offset;
        mr_span in = {data, slice.bytes};
        mr_log_slice_release(&slice);
        HOLDS(w, code == MR_OK);
        mr_record_batch got;
        bool found = true;
        while (mr_record_batch_next(&in, &got, &found, &w->cx) == MR_OK && found) {
            HOLDS(w, at < w->batch_count);
            check_batch(w, &got, &w->batches[at++]);
        }
        HOLDS(w, in.bytes == 0 && (at == 0 || w->batches[at - 1].last + 1 == offset));
    }
}

// Aborted transactions of the whole log against the model's.
static void check_aborted(world *w, int64_t to) {
    mr_log_aborted *list;
    uint32_t count, at = 0, wanted = 0;
    HOLDS(w, mr_log_aborted_in(w->log, w->first, to, &list, &count, &w->cx) == MR_OK);
    int64_t open[PRODUCERS] = {-1, -1, -1, -1};
    for (uint32_t i = 0; i < w->batch_count; i++) {
        const batch *b = &w->batches[i];
        if (b->producer < 0) {
            continue;
        }
        int64_t *first = &open[b->producer - 1];
        if (!b->control) {
            *first = b->transactional && *first < 0 ? b->base : *first;
            continue;
        }
        if (*first >= 0 && !b->commit && *first < to && b->last >= w->first) {
            wanted++;
            bool found = false;
            for (at = 0; at < count; at++) {
                found =
                    found || (list[at].producer_id == b->producer &&
                              list[at].first_offset == *first && list[at].last_offset == b->last);
            }
            if (!found) {
                SAY(w, "  not there: %" PRId64 " of %" PRId64 "..%" PRId64 "\n", b->producer,
                    *first, b->last);
            }
            HOLDS(w, found);
        }
        *first = -1;
    }
    HOLDS(w, wanted == count);
}

// Everything there is, after a start.
static void check_all(world *w) {
    mr_log_marks marks = mr_log_marks_of(w->log);
    SAY(w, "  start: first %" PRId64 " next %" PRId64 " high was %" PRId64 " model %" PRId64 "\n",
        marks.first, marks.next, w->high, model_next(w));
    HOLDS(w, marks.next >= w->high);
    HOLDS(w, marks.high == marks.next);
    if (w->has_maybe && marks.next == w->maybe.last + 1 && marks.next > model_next(w)) {
        model_put(w, &w->maybe);
    }
    w->has_maybe = false;
    HOLDS(w, marks.next <= model_next(w));
    while (w->batch_count > 0 && model_next(w) > marks.next) {
        w->batch_count--;
    }
    mr_log_producer *known;
    uint32_t known_count;
    mr_log_producers(w->log, &known, &known_count, &w->cx);
    if (!w->options.config.fsync && marks.next == w->first && known_count == 0) {
        w->batch_count = 0;  // What was deleted reached further than what survived.
    }
    HOLDS(w, model_next(w) == marks.next);
    model_producers(w);
    int64_t stable = marks.next;
    mr_log_producer *list;
    uint32_t count;
    mr_log_producers(w->log, &list, &count, &w->cx);
    for (uint32_t i = 0; i < count; i++) {
        const producer *p = &w->producers[list[i].producer_id - 1];
        HOLDS(w, p->epoch == list[i].epoch && p->open == list[i].transaction_start);
        HOLDS(w, p->sequence == list[i].last_sequence + 1);
        stable = p->open >= 0 ? MR_MIN(stable, p->open) : stable;
    }
    HOLDS(w, marks.stable == MR_MAX(stable, marks.first));
    HOLDS(w, marks.first == w->first);
    w->high = marks.high;
    check_read(w, marks.first, 1 + roll(w, 3000), MR_LOG_UNCOMMITTED, marks.high);
    if (!w->broken) {
        check_aborted(w, marks.high);
    }
}

static void drop(world *w) {
    if (w->log != NULL) {
        mr_log_drop(w->log, &w->cx);
    }
    mr_flusher_close(w->flusher, &w->cx);
    w->log = NULL;
    w->flusher = NULL;
}

// Starts until it stands; faults may strike the start too.
static void start(world *w, bool clean) {
    for (int tries = 0; w->log == NULL; tries++) {
        HOLDS(w, tries < 20);
        if (mr_sim_down(w->plat)) {
            mr_sim_restart(w->plat);
            clean = false;
        }
        mr_sim_full(w->plat, false);
        w->starts++;
        mr_log_recovery recovery;
        w->options.clean = clean;
        w->options.recovery_point = w->point;
        w->options.first = w->first;
        mr_flusher_options flusher = {.root = "logs", .flush_interval_us = 1000};
        if (mr_flusher_open(&flusher, &w->flusher, &w->cx) == MR_OK) {
            w->options.flusher = w->flusher;
            mr_code code = mr_log_open(&w->options, &w->log, &recovery, &w->cx);
            if (code == MR_OK) {
                break;
            }
            w->log = NULL;
            HOLDS(w, code != MR_E_CORRUPT);
        }
        SAY(w, "  start failed: %s\n", w->cx.error.text);
        clean = false;  // What a start touched may not be trusted any more.
        drop(w);
    }
    check_all(w);
}

// ---- steps -----------------------------------------------------------------------------------

static void note_marks(world *w) {
    mr_log_marks marks = mr_log_marks_of(w->log);
    HOLDS(w, marks.first <= marks.stable && marks.stable <= marks.high && marks.high <= marks.next);
    w->high = MR_MAX(w->high, marks.high);
}

// What an append or marker came to.
static void settle(world *w, const batch *b, mr_code code, const mr_log_appended *a) {
    if (code != MR_OK) {
        w->has_maybe = code != MR_E_FULL;
        w->maybe = *b;
        SAY(w, "    failed: %s\n", w->cx.error.text);
        return;
    }
    if (a->error == MR_KAFKA_KAFKA_STORAGE_ERROR) {
        HOLDS(w, mr_log_offline(w->log, NULL));
        return;
    }
    HOLDS(w, a->error == MR_KAFKA_NONE && a->base_offset == b->base && a->last_offset == b->last);
    model_put(w, b);
    model_producers(w);
}

static void step_append(world *w) {
    int64_t next = model_next(w);
    batch b = {.base = next,
               .last = next + (int64_t)roll(w, 4),
               .producer = (int64_t)roll(w, PRODUCERS + 1),
               .tag = ++w->tags};
    if (b.producer == 0) {
        b.producer = -1;
    } else {
        const producer *p = &w->producers[b.producer - 1];
        b.epoch = p->epoch;
        b.sequence = p->sequence;
        b.transactional = p->open >= 0 || b.producer > 2;
    }
    mr_log_appended a = {.error = -1};
    mr_code code = mr_log_append(w->log, make(w, &b), MR_LOG_CLIENT, &a, &w->cx);
    SAY(w, "  append %" PRId64 "..%" PRId64 " by %" PRId64 "\n", b.base, b.last, b.producer);
    settle(w, &b, code, &a);
}

static void step_end(world *w) {
    int64_t id = 3 + (int64_t)roll(w, 2);
    const producer *p = &w->producers[id - 1];
    int64_t next = model_next(w);
    batch b = {.base = next,
               .last = next,
               .producer = id,
               .epoch = p->epoch,
               .control = true,
               .commit = roll(w, 2) == 0};
    if (roll(w, 3) == 0) {
        b.epoch++;
    }
    mr_log_end end = {.producer_id = id, .producer_epoch = b.epoch, .commit = b.commit};
    mr_log_appended a = {.error = -1};
    mr_code code = mr_log_end_transaction(w->log, &end, &a, &w->cx);
    SAY(w, "  end %" PRId64 " of %" PRId64 "\n", b.base, b.producer);
    settle(w, &b, code, &a);
}

// The last batch of a producer once more. Behind the end of its transaction it is no repetition.
static void step_duplicate(world *w) {
    bool ended[PRODUCERS] = {false};
    for (uint32_t i = w->batch_count; i > 0; i--) {
        const batch *b = &w->batches[i - 1];
        if (b->producer >= 0 && b->control) {
            ended[b->producer - 1] = true;
        }
        if (b->producer < 0 || b->control || w->producers[b->producer - 1].epoch != b->epoch) {
            continue;
        }
        mr_log_appended a = {.error = -1};
        mr_code code = mr_log_append(w->log, make(w, b), MR_LOG_CLIENT, &a, &w->cx);
        HOLDS(w, code == MR_OK);
        if (ended[b->producer - 1] && b->transactional) {
            HOLDS(w, a.error != MR_KAFKA_NONE && !a.duplicate);
        } else if (a.error != MR_KAFKA_KAFKA_STORAGE_ERROR) {
            HOLDS(w, a.duplicate && a.base_offset == b->base && a.last_offset == b->last);
        }
        return;
    }
}

static void step_read(world *w) {
    mr_log_isolation isolation = (mr_log_isolation)roll(w, 2);
    mr_log_marks marks = mr_log_marks_of(w->log);
    int64_t end = isolation == MR_LOG_COMMITTED ? marks.stable : marks.high;
    if (end > marks.first && !mr_log_offline(w->log, NULL) && !mr_sim_down(w->plat)) {
        int64_t from = marks.first + (int64_t)roll(w, (uint64_t)(end - marks.first));
        check_read(w, from, 1 + roll(w, 2000), isolation, end);
    }
}

static void step_delete(world *w) {
    mr_log_marks marks = mr_log_marks_of(w->log);
    if (marks.high == marks.first || mr_log_offline(w->log, NULL)) {
        return;
    }
    int64_t to = marks.first + (int64_t)roll(w, (uint64_t)(marks.high - marks.first) + 1);
    // As it is in a transaction that is open: replay must not forget it.
    to = MR_MIN(to, marks.stable);
    int16_t error;
    int64_t first;
    HOLDS(w, mr_log_delete_records(w->log, to, &first, &error, &w->cx) == MR_OK);
    HOLDS(w, error == MR_KAFKA_NONE && first == to);
    SAY(w, "  delete to %" PRId64 "\n", to);
    w->first = first;
}

static void step_fault(world *w) {
    static const mr_sim_fault faults[] = {MR_SIM_POWER_CUT,  MR_SIM_POWER_CUT,  MR_SIM_KILL,
                                          MR_SIM_NO_SPACE,   MR_SIM_SYNC_ERROR, MR_SIM_WRITE_ERROR,
                                          MR_SIM_SHORT_WRITE};
    mr_sim_fault fault = faults[roll(w, MR_COUNT(faults))];
    // A kill at the very moment when a sync fails is not survived: nobody is left to note it.
    if (fault == (w->seed % 2 == 0 ? MR_SIM_KILL : MR_SIM_SYNC_ERROR)) {
        return;
    }
    uint64_t n = 1 + roll(w, 12);
    SAY(w, "  fault %d in %" PRIu64 "\n", (int)fault, n);
    mr_sim_fault_at(w->plat, mr_sim_operations(w->plat) + n, fault);
}

static void step_stop(world *w) {
    bool clean = roll(w, 2) == 0;
    if (clean) {
        mr_code code = mr_log_close(w->log, &w->cx);
        w->log = NULL;
        SAY(w, "  clean stop: %s\n", code == MR_OK ? "ok" : w->cx.error.text);
        clean = code == MR_OK;
        if (clean) {
            w->high = MR_MAX(w->high, model_next(w));
        }
    } else {
        SAY(w, "  kill\n");
    }
    drop(w);
    if (!clean && roll(w, 2) == 0) {
        SAY(w, "  power off\n");
        mr_sim_restart(w->plat);
    }
    start(w, clean && !mr_sim_down(w->plat));
}

static void step(world *w) {
    uint64_t dice = roll(w, 100);
    if (dice < 45) {
        step_append(w);
    } else if (dice < 55) {
        step_end(w);
    } else if (dice < 72) {
        SAY(w, "  sync\n");
        (void)mr_flusher_round(w->flusher, &w->cx);
    } else if (dice < 78) {
        step_read(w);
    } else if (dice < 82) {
        step_duplicate(w);
    } else if (dice < 84) {
        step_delete(w);
    } else if (dice < 87) {
        SAY(w, "  tend\n");
        (void)mr_log_tend(w->log, mr_clock_real_us(w->plat) / 1000, &w->cx);
    } else if (dice < 90) {
        w->point = mr_log_recovery_point(w->log);
        SAY(w, "  recovery point %" PRId64 "\n", w->point);
    } else if (dice < 95) {
        step_fault(w);
    } else if (dice < 97) {
        mr_sim_full(w->plat, roll(w, 2) == 0);
    } else {
        step_stop(w);
    }
    mr_sim_clock_advance(w->plat, 1000);
}

static void run(uint64_t seed, bool loud) {
    world *w = mr_heap_alloc(sizeof(*w));
    w->seed = w->random = seed;
    w->loud = loud;
    w->plat = mr_sim_new(seed);
    mr_cx_init(&w->cx, &w->arena, w->plat);
    w->options = (mr_log_options){.dir = "logs/t-0", .topic = "t"};
    mr_log_config_default(&w->options.config);
    w->options.config.segment_bytes = 600 + roll(w, 3000);
    w->options.config.index_interval_bytes = 1 + roll(w, 500);
    w->options.config.file_delete_delay_ms = 20;
    w->options.config.fsync = roll(w, 8) != 0;
    w->options.config.preallocate = roll(w, 4) == 0;
    w->maybe.base = -1;
    model_producers(w);
    start(w, false);
    for (int i = 0; i < STEPS && !w->broken; i++) {
        step(w);
        if (w->broken) {
            break;
        }
        if (mr_sim_down(w->plat)) {
            SAY(w, "  down\n");
            drop(w);
            start(w, false);
        } else if (mr_log_offline(w->log, NULL)) {
            SAY(w, "  offline\n");
            drop(w);
            start(w, false);
        } else if (w->options.config.fsync) {
            note_marks(w);
        }
        mr_arena_clear(&w->arena);
    }
    drop(w);
    mr_sim_free(w->plat);
    mr_arena_release(&w->arena);
    mr_heap_free(w);
}

TEST(log, holds_what_the_model_holds) {
    const char *only = getenv("SEED");
    if (only != NULL && *only != '\0') {
        run(strtoull(only, NULL, 10), /* loud= */ true);
        return;
    }
    const char *many = getenv("SIM_SEEDS");
    uint64_t seeds = many == NULL ? SEEDS : strtoull(many, NULL, 10);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        run(seed, /* loud= */ false);
    }
}
