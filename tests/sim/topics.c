// Topics under power cuts: create, grow, alter and delete are wholly there or not at all, whatever
// operation the power goes at.

#include "runner.h"

#include <stdio.h>

#include "../unit/broker/topics_rig.h"

// What the script has been promised so far: 0 = no topic.
typedef struct promise {
    uint32_t before;  // Partitions as of the last step that was acknowledged.
    uint32_t after;   // As the step under way will make them; the same when none is.
    int64_t records;  // In each of the first three partitions, acknowledged.
} promise;

static void step_to(promise *p, uint32_t after) {
    p->after = after;
}

static bool step_done(promise *p, int result) {
    if (result != MR_KAFKA_NONE) {
        return false;
    }
    p->before = p->after;
    return true;
}

// A life of topic "t", beside "other" that always stays. False when the power went.
static bool script(topics_rig *r, promise *p) {
    if (topics_rig_open(r) != MR_OK) {
        return false;
    }
    if (topics_rig_partitions(r, "other") == 0 && topics_rig_create(r, "other", 1) != 0) {
        return false;
    }
    for (int round = 0; round < 2; round++) {
        p->records = 0;
        step_to(p, 3);
        if (!step_done(p, topics_rig_create(r, "t", 3)) || topics_rig_append(r, "t") != MR_OK ||
            mr_sim_down(r->plat)) {
            return false;
        }
        p->records = 1;
        step_to(p, 5);
        if (!step_done(p, topics_rig_grow(r, "t", 5))) {
            return false;
        }
        step_to(p, 0);
        if (!step_done(p, topics_rig_delete(r, "t"))) {
            return false;
        }
    }
    mr_code code = mr_topics_close(r->topics, &r->cx);
    r->topics = NULL;
    return code == MR_OK;
}

// Nothing of another life lies about, and every log works.
static void check(topics_rig *r, const promise *p, uint64_t at) {
    uint32_t have = topics_rig_partitions(r, "t");
    if (have != p->before && have != p->after) {
        (void)fprintf(stderr, "power cut at %llu: %u partitions, not %u or %u\n",
                      (unsigned long long)at, have, p->before, p->after);
    }
    EXPECT(have == p->before || have == p->after);
    mr_dir_entry *entries;
    size_t count;
    uint32_t folders = 0;
    REQUIRE_OK(mr_dir_list("d", &entries, &count, &r->cx));
    for (size_t e = 0; e < count; e++) {
        mr_span name = mr_span_of(entries[e].name);
        EXPECT(!mr_span_ends(name, "-delete") && !mr_span_ends(name, "-stray"));
        folders += entries[e].is_dir && mr_span_starts(name, "t-");
    }
    EXPECT_EQ(folders, have);
    mr_topic *topic = mr_topics_find(r->topics, MR_SPAN("t"));
    for (uint32_t n = 0; n < have; n++) {
        EXPECT(!mr_log_offline(topic->partitions[n]->log, NULL));
        int64_t next = mr_log_marks_of(topic->partitions[n]->log).next;
        EXPECT(n < 3 ? next >= p->records && next <= 1 : next == 0);
    }
    mr_topic_release(topic);
    // And what is asked for next works.
    if (have == 0) {
        EXPECT_EQ(topics_rig_create(r, "t", 1), MR_KAFKA_NONE);
    }
    EXPECT_EQ(topics_rig_delete(r, "t"), MR_KAFKA_NONE);
}

static uint64_t cut_at(uint64_t seed, uint64_t at) {
    topics_rig r;
    topics_rig_init(&r, seed + at);
    promise p = {0};
    if (at > 0) {
        mr_sim_power_cut_at(r.plat, at);
    }
    bool whole = script(&r, &p);
    EXPECT(whole || at > 0);
    if (!whole && !mr_sim_down(r.plat)) {
        (void)fprintf(stderr, "cut at %llu: failed without a cut: %s\n", (unsigned long long)at,
                      r.cx.error.text);
    }
    EXPECT(whole || mr_sim_down(r.plat));
    uint64_t operations = mr_sim_operations(r.plat);
    topics_rig_kill(&r);
    mr_sim_restart(r.plat);
    mr_code code = topics_rig_open(&r);
    if (code != MR_OK) {
        (void)fprintf(stderr, "after a cut at %llu: %s\n", (unsigned long long)at, r.cx.error.text);
    }
    EXPECT_OK(code);
    if (code == MR_OK) {
        check(&r, &p, at);
    }
    topics_rig_release(&r);
    return operations;
}

TEST(topics_sim, are_there_wholly_or_not_at_all_after_a_power_cut) {
    uint64_t operations = cut_at(100, 0);
    EXPECT(operations > 100);
    for (uint64_t at = 1; at <= operations; at++) {
        for (uint64_t seed = 100; seed < 500; seed += 100) {
            (void)cut_at(seed, at);
        }
    }
}
