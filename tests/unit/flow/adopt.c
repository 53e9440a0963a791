// What is left when the scheduler, the spawner or a supervisor is killed: nothing runs twice, no
// end is lost, no process stays.

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "runner.h"

static void adopt(rig *r, uint64_t token, bool known) {
    bool ret_known = !known;
    EXPECT_OK(r->executor->type->adopt(r->executor, token, rig_dir(r, token), &ret_known, &r->cx));
    EXPECT_EQ(ret_known, known);
}

static void kill_supervisor(rig *r, uint64_t token) {
    mr_try_claim claim;
    if (EXPECT_OK(mr_try_claim_load(rig_dir(r, token), &claim, &r->cx))) {
        kill(claim.by.pid, SIGKILL);
    }
}

TEST(adopt, a_try_that_lives_is_waited_for_and_can_be_stopped) {
    rig r;
    REQUIRE(rig_open(&r));
    mr_try_exit end;
    uint64_t one = rig_start(&r, "echo up; sleep 0.5; echo done; exit 4", NULL);
    uint64_t two = rig_start(&r, "echo up; exec sleep 900", NULL);
    REQUIRE(rig_wait_file(&r, one, "log") && rig_wait_file(&r, two, "log"));
    rig_close(&r);
    REQUIRE(rig_again(&r));
    adopt(&r, one, true);
    adopt(&r, two, true);
    REQUIRE(rig_end_of(&r, one, &end));
    EXPECT_EQ(end.reason, MR_EXIT_CODE);
    EXPECT_EQ(end.code, 4);
    EXPECT_STR(rig_file(&r, one, "log"), "up\ndone\n");
    r.executor->type->stop(r.executor, two, &r.cx);
    REQUIRE(rig_end_of(&r, two, &end));
    EXPECT_EQ(end.reason, MR_EXIT_STOPPED);
    rig_delete(&r);
}

// Case 21 of reference/orchestration.md.
TEST(adopt, an_end_that_nobody_heard_of_is_read_and_what_never_began_never_will) {
    rig r;
    REQUIRE(rig_open(&r));
    mr_try_exit end;
    uint64_t over = rig_start(&r, "exit 5", NULL);
    uint64_t never = rig_save(&r, "echo ran", NULL);
    REQUIRE(rig_wait_file(&r, over, "exit"));
    rig_close(&r);
    REQUIRE(rig_again(&r));
    adopt(&r, over, true);
    adopt(&r, never, false);
    REQUIRE(rig_end_of(&r, over, &end));
    EXPECT_EQ(end.code, 5);
    // A start that comes late finds it taken, by a process that lives: it is waited for, not run.
    EXPECT_OK(r.executor->type->start(r.executor, never, rig_dir(&r, never), &r.cx));
    uint64_t token = 0;
    EXPECT(!rig_end(&r, &token, &end, 300000));
    EXPECT_STR(rig_file(&r, never, "log"), "");
    rig_delete(&r);
}

TEST(adopt, what_a_killed_supervisor_leaves_is_ended_before_it_is_lost) {
    rig r;
    REQUIRE(rig_open(&r));
    mr_try_exit end;
    const char *script = "trap '' TERM; setsid sleep 901 & echo up; sleep 902";
    uint64_t one = rig_start(&r, script, NULL);
    uint64_t other = rig_start(&r, "echo up; sleep 1; exit 6", NULL);
    REQUIRE(rig_wait_file(&r, one, "log") && rig_wait_file(&r, other, "log"));
    kill_supervisor(&r, one);
    REQUIRE(rig_end_of(&r, one, &end));
    EXPECT_EQ(end.reason, MR_EXIT_LOST);
    EXPECT_EQ(rig_marked(&r, one), 0);
    REQUIRE(rig_end_of(&r, other, &end));  // It was left alone.
    EXPECT_EQ(end.code, 6);
    // With the scheduler and the spawner gone too.
    one = rig_start(&r, script, NULL);
    REQUIRE(rig_wait_file(&r, one, "log"));
    rig_close(&r);
    kill_supervisor(&r, one);
    REQUIRE(rig_again(&r));
    EXPECT(rig_marked(&r, one) > 0);
    adopt(&r, one, true);
    REQUIRE(rig_end_of(&r, one, &end));
    EXPECT_EQ(end.reason, MR_EXIT_LOST);
    EXPECT_EQ(rig_marked(&r, one), 0);
    rig_delete(&r);
}

// Each try adds a line to a file outside, so that what ran twice is seen.
static uint32_t lines_of(rig *r, const char *path) {
    mr_span text = {"", 0};
    uint32_t lines = 0;
    if (mr_file_load(path, (uint64_t)1 << 20, &text, &r->cx) == MR_OK) {
        for (size_t i = 0; i < text.bytes; i++) {
            lines += text.data[i] == '\n';
        }
    }
    return lines;
}

// The same numbers each time.
static uint32_t next_number(uint32_t *state) {
    *state = *state * 1664525U + 1013904223U;
    return *state >> 16;
}

// What the tries of a run came to.
typedef struct {
    uint8_t ends[128];  // By token.
    uint32_t count, codes;
} tally;

static bool tally_one(tally *t, rig *r, int64_t wait_us) {
    uint64_t ended = 0;
    mr_try_exit end;
    if (!rig_end(r, &ended, &end, wait_us)) {
        return false;
    }
    t->ends[ended]++;
    t->count++;
    t->codes += end.reason == MR_EXIT_CODE;
    return true;
}

TEST(adopt, killed_spawners_and_supervisors_make_no_try_run_twice_nor_lose_an_end) {
    // No more than OPEN tries at once: what a kill takes with it is then the same on a slow
    // machine.
    enum { COUNT = 120, OPEN = 4 };
    rig r;
    REQUIRE(rig_open(&r));
    tally t = {.count = 0};
    uint32_t seed = 7;
    const char *ran = mr_arena_printf(&r.arena, "%s/ran", r.dir);
    uint32_t kills = 0;
    const char *script = mr_arena_printf(&r.arena, "echo x >> %s; sleep 0.0$((RANDOM %% 10))", ran);
    for (uint64_t token = 1; token <= COUNT; token++) {
        EXPECT_EQ(rig_start(&r, script, NULL), token);
        int spawner = next_number(&seed) % 10 == 0 ? rig_spawner() : 0;
        if (spawner > 0) {  // 0: one that has not yet a name.
            kill(spawner, SIGKILL);
            kills++;
        }
        if (next_number(&seed) % 6 == 0) {
            mr_try_claim claim;
            uint64_t victim = token - next_number(&seed) % (token < OPEN ? token : OPEN);
            if (mr_try_claim_load(rig_dir(&r, victim), &claim, &r.cx) == MR_OK) {
                mr_process_end(&claim.by, /* kill= */ true);
                kills++;
            }
        }
        while (token - t.count >= OPEN) {
            REQUIRE(tally_one(&t, &r, 30000000));
        }
    }
    while (t.count < COUNT) {
        REQUIRE(tally_one(&t, &r, 30000000));
    }
    EXPECT(kills > 5 && t.codes > COUNT / 4);  // Else nothing was shown.
    uint32_t lines = lines_of(&r, ran);        // A try that was lost ran once or not at all.
    EXPECT(lines >= t.codes && lines <= COUNT);
    for (uint64_t token = 1; token <= COUNT; token++) {
        EXPECT_EQ(t.ends[token], 1);
        EXPECT_EQ(rig_marked(&r, token), 0);
    }
    rig_delete(&r);
    EXPECT_EQ(rig_children(), 0);
}

// A supervisor that is killed at any of its steps.
TEST(adopt, each_crash_point_of_a_supervisor_gives_one_end) {
    static const struct {
        const char *point;
        mr_exit_reason reason;
        bool runs;
    } cases[] = {
        {"try.claim", MR_EXIT_LOST, false},   {"try.claimed", MR_EXIT_LOST, false},
        {"try.forked", MR_EXIT_LOST, true},   {"try.ended", MR_EXIT_LOST, true},
        {"try.recorded", MR_EXIT_CODE, true},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        rig r;
        setenv("MILLRACE_CRASH", cases[i].point, /* overwrite= */ 1);
        bool open = rig_open(&r);
        unsetenv("MILLRACE_CRASH");
        REQUIRE(open);
        mr_try_exit end;
        uint64_t token = rig_start(&r, "echo x", NULL);
        REQUIRE(rig_end_of(&r, token, &end));
        EXPECT_EQ(end.reason, cases[i].reason);
        if (!cases[i].runs) {
            EXPECT_STR(rig_file(&r, token, "log"), "");
        }
        uint64_t again = 0;
        EXPECT(!rig_end(&r, &again, &end, 50000));
        EXPECT_EQ(rig_marked(&r, token), 0);
        rig_delete(&r);
    }
}
