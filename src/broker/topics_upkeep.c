// Topics upkeep: what is done for all logs every now and then: retention and rolling by time,
// compaction, removal of deleted folders, checkpoints; see topics_state.h.
//
// Threads: one of its own, which no client waits for; by hand none.
//
// Also: mr_topics_

#include "broker/topics_state.h"

#define COMPACT_US      INT64_C(15000000)  // log.cleaner.backoff.ms
#define NOTE_US         INT64_C(60000000)  // log.flush.offset.checkpoint.interval.ms
#define TEND_US_DEFAULT INT64_C(300000000)

// An offline log is said once.
static bool is_offline(mr_topics *topics, topics_family *family, const mr_topic_partition *of) {
    mr_error why;
    if (!mr_log_offline(of->log, &why)) {
        return false;
    }
    if (!family->offline_said) {
        family->offline_said = true;
        mr_topics_say(topics, "%s-%d is offline: %s", family->view->base.name, of->number,
                      why.text);
    }
    return true;
}

// What a log could not do shows when it goes offline; the others are not kept from theirs.
static void tend_logs(mr_topics *topics, bool tend, bool compact, mr_cx *cx) {
    uint32_t count = 0;
    topics_family **families = mr_topics_families(topics, &count, cx);
    int64_t now_ms = mr_clock_real_us(topics->plat) / 1000;
    mr_arena scratch = {0};
    mr_cx own;
    mr_cx_init(&own, &scratch, topics->plat);
    for (uint32_t f = 0; f < count; f++) {
        mr_mutex_lock(&topics->table);
        const mr_topic *topic = &families[f]->view->base;
        mr_mutex_unlock(&topics->table);
        for (uint32_t p = 0; p < topic->partition_count; p++) {
            uint64_t freed = 0;
            if (is_offline(topics, families[f], topic->partitions[p])) {
                continue;
            }
            if (tend) {
                (void)!mr_log_tend(topic->partitions[p]->log, now_ms, &own);
            }
            if (compact) {
                (void)!mr_log_compact(topic->partitions[p]->log, now_ms, &freed, &own);
            }
            mr_arena_clear(&scratch);
        }
        mr_topics_family_unref(families[f]);
    }
    mr_arena_release(&scratch);
}

int64_t mr_topics_turn(mr_topics *topics, int64_t now_us, mr_cx *cx) {
    topics_upkeep *u = &topics->upkeep;
    int64_t wanted = topics->spec.settings->retention_check_us;
    bool tend = now_us >= u->tend_us, compact = now_us >= u->compact_us;
    if (tend || compact) {
        tend_logs(topics, tend, compact, cx);
    }
    if (tend) {
        (void)!mr_log_sweep(topics->spec.dir, cx);
        u->tend_us = now_us + (wanted > 0 ? wanted : TEND_US_DEFAULT);
    }
    if (compact) {
        u->compact_us = now_us + COMPACT_US;
    }
    if (now_us >= u->note_us) {
        (void)!mr_topics_checkpoint(topics, cx);
        u->note_us = now_us + NOTE_US;
    }
    return MR_MIN(u->tend_us, MR_MIN(u->compact_us, u->note_us));
}

static void *upkeep_run(void *argument) {
    mr_topics *topics = argument;
    topics_upkeep *u = &topics->upkeep;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, topics->plat);
    mr_mutex_lock(&u->mutex);
    while (!u->stop) {
        mr_mutex_unlock(&u->mutex);
        int64_t next = mr_topics_turn(topics, mr_clock_monotonic_us(topics->plat), &cx);
        mr_arena_clear(&arena);
        int64_t wait = next - mr_clock_monotonic_us(topics->plat);
        mr_mutex_lock(&u->mutex);
        if (!u->stop && wait > 0) {
            mr_condition_wait(&u->wake, &u->mutex, wait);
        }
    }
    mr_mutex_unlock(&u->mutex);
    mr_arena_release(&arena);
    return NULL;
}

mr_code mr_topics_upkeep_start(mr_topics *topics, mr_cx *cx) {
    int64_t now = mr_clock_monotonic_us(topics->plat);
    topics_upkeep *u = &topics->upkeep;
    u->tend_us = u->compact_us = now + COMPACT_US;  // The start has enough to do.
    u->note_us = now + NOTE_US;
    return mr_thread_start(&u->thread, "mr-upkeep", upkeep_run, topics, cx);
}

void mr_topics_upkeep_stop(mr_topics *topics) {
    topics_upkeep *u = &topics->upkeep;
    mr_mutex_lock(&u->mutex);
    u->stop = true;
    mr_condition_signal(&u->wake);
    mr_mutex_unlock(&u->mutex);
    mr_thread_join(&u->thread);
}
