// Executor, spawner and supervisor with real processes: ends, trees, kills, adoption.

#include "flow/executor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"
#include "runner.h"

TEST(executor, a_try_ends_with_its_code_log_and_output) {
    rig r;
    REQUIRE(rig_open(&r));
    mr_try_exit end;
    uint64_t token = rig_start(&r,
                               "echo out; echo err >&2; echo 'a=1' >> $MILLRACE_OUTPUT;"
                               "echo $MILLRACE_DAG $MILLRACE_RUN $MILLRACE_TASK; exit 7",
                               NULL);
    REQUIRE(rig_end_of(&r, token, &end));
    EXPECT_EQ(end.reason, MR_EXIT_CODE);
    EXPECT_EQ(end.code, 7);
    EXPECT(end.ended_us >= end.started_us && end.started_us > 0);
    EXPECT(end.memory_bytes_max > 0);
    EXPECT_STR(rig_file(&r, token, "log"), "out\nerr\ndag run task\n");
    EXPECT_STR(rig_file(&r, token, "output"), "a=1\n");
    mr_try_exit read;
    REQUIRE_OK(mr_try_exit_load(rig_dir(&r, token), &read, &r.cx));
    EXPECT_BYTES(&read, &end, sizeof(end));
    rig_delete(&r);
    EXPECT_EQ(rig_children(), 0);
}

TEST(executor, a_task_has_no_other_handle_and_default_signals) {
    rig r;
    REQUIRE(rig_open(&r));
    mr_try_exit end;
    uint64_t token =
        rig_start(&r, "ls /proc/self/fd | tr '\\n' ' '; grep SigBlk /proc/self/status", NULL);
    REQUIRE(rig_end_of(&r, token, &end));
    // ls has the folder itself open as 3.
    EXPECT_STR(rig_file(&r, token, "log"), "0 1 2 3 SigBlk:\t0000000000000000\n");
    rig_delete(&r);
}

TEST(executor, a_kill_is_a_signal_and_a_missing_command_no_start) {
    rig r;
    REQUIRE(rig_open(&r));
    mr_try_exit end;
    uint64_t token = rig_start(&r, "kill -9 $$", NULL);
    REQUIRE(rig_end_of(&r, token, &end));
    EXPECT_EQ(end.reason, MR_EXIT_SIGNAL);
    EXPECT_EQ(end.code, SIGKILL);
    const char *const words[] = {"no-such-command", NULL};
    token = rig_start(&r, NULL, &(mr_launch){.words = words});
    REQUIRE(rig_end_of(&r, token, &end));
    EXPECT_EQ(end.reason, MR_EXIT_NO_START);
    EXPECT_STR(end.text, "cannot start \"no-such-command\": No such file or directory");
    token = rig_start(&r, "true", &(mr_launch){.work_dir = "/no/such/folder"});
    REQUIRE(rig_end_of(&r, token, &end));
    EXPECT_EQ(end.reason, MR_EXIT_NO_START);
    EXPECT_STR(end.text, "folder \"/no/such/folder\" does not exist");
    rig_delete(&r);
}

// Case 22 of reference/orchestration.md.
TEST(executor, a_timeout_ends_all_that_was_started_also_in_other_sessions) {
    rig r;
    REQUIRE(rig_open(&r));
    mr_try_exit end;
    int64_t from_us = mr_clock_monotonic_us(r.cx.plat);
    mr_launch spec = {.timeout_us = 1000000, .grace_us = 500000};
    // A time that no other process sleeps: others may run this test beside us.
    const char *sleeps = mr_arena_printf(&r.arena, "9%d.5", getpid());
    const char *script = mr_arena_printf(&r.arena,
                                         "trap '' TERM; sleep %s & setsid sleep %s & "
                                         "env -i setsid sleep %s & wait; wait",
                                         sleeps, sleeps, sleeps);
    uint64_t token = rig_start(&r, script, &spec);
    REQUIRE(rig_end_of(&r, token, &end));
    int64_t took_us = mr_clock_monotonic_us(r.cx.plat) - from_us;
    EXPECT_EQ(end.reason, MR_EXIT_TIMEOUT);
    EXPECT_STR(end.text, "ended after its execution_timeout of 1 s");
    EXPECT(took_us >= 1000000 && took_us < 60000000);
    EXPECT_EQ(rig_marked(&r, token), 0);
    const char *look = mr_arena_printf(&r.arena, "pgrep -x -f 'sleep %s' > /dev/null", sleeps);
    EXPECT_EQ(system(look) == 0, false);
    rig_delete(&r);
}

TEST(executor, a_stop_reaches_it_and_what_it_left_behind_goes_too) {
    rig r;
    REQUIRE(rig_open(&r));
    mr_try_exit end;
    mr_launch spec = {.grace_us = 10000000};
    uint64_t token =
        rig_start(&r, "trap 'echo bye; exit 3' TERM; echo up; sleep 996 & wait", &spec);
    REQUIRE(rig_wait_file(&r, token, "log"));
    r.executor->type->stop(r.executor, token, &r.cx);
    REQUIRE(rig_end_of(&r, token, &end));
    EXPECT_EQ(end.reason, MR_EXIT_STOPPED);
    EXPECT_EQ(end.code, 3);
    EXPECT_STR(rig_file(&r, token, "log"), "up\nbye\nmillrace: stopped\n");
    token = rig_start(&r, "setsid sleep 995 & exit 0", &spec);
    REQUIRE(rig_end_of(&r, token, &end));
    EXPECT_EQ(end.reason, MR_EXIT_CODE);
    EXPECT_STR(end.text, "1 process that it left behind was ended");
    EXPECT_EQ(rig_marked(&r, token), 0);
    rig_delete(&r);
}

TEST(executor, masked_values_never_reach_the_log_nor_stay_in_a_file) {
    rig r;
    REQUIRE(rig_open(&r));
    mr_try_exit end;
    const char *const masked[] = {"hunter2", "hunter2-long", "", NULL};
    const char *const env[] = {"PW=hunter2", NULL};
    mr_launch spec = {.grace_us = 1000000, .masked = masked, .env = env};
    uint64_t token = rig_start(
        &r, "echo a $PW b; printf hun; sleep 0.05; printf ter; sleep 0.05; echo 2-long; printf hun",
        &spec);
    REQUIRE(rig_end_of(&r, token, &end));
    EXPECT_STR(rig_file(&r, token, "log"), "a *** b\n***\nhun");
    EXPECT_STR(rig_file(&r, token, "launch.json"), "");
    rig_delete(&r);
}

static int supervisor_of(rig *r, uint64_t token) {
    mr_try_claim claim = {.by.pid = 0};
    EXPECT_OK(mr_try_claim_load(rig_dir(r, token), &claim, &r->cx));
    return claim.by.pid;
}

TEST(executor, a_supervisor_takes_one_try_after_another_and_keeps_nothing_of_it) {
    rig r;
    REQUIRE(rig_open(&r));
    mr_try_exit first, end;
    mr_launch spec = {.grace_us = 10000000};
    uint64_t token = rig_start(&r, "x=$(head -c 30000000 /dev/zero | tr '\\0' a); exit 4", &spec);
    REQUIRE(rig_end_of(&r, token, &first));
    EXPECT_EQ(first.code, 4);
    int pid = supervisor_of(&r, token);
    usleep(200000);  // It tells that it is free right after the end.
    // What is meant for the try before is not for the next one.
    EXPECT_EQ(kill(pid, SIGTERM), 0);
    token = rig_start(&r, "sleep 0.2; ls /proc/self/fd | tr '\\n' ' '", &spec);
    REQUIRE(rig_end_of(&r, token, &end));
    EXPECT_EQ(supervisor_of(&r, token), pid);
    EXPECT_EQ(end.reason, MR_EXIT_CODE);
    EXPECT_EQ(end.code, 0);
    EXPECT(end.memory_bytes_max > 0 && end.memory_bytes_max < first.memory_bytes_max / 2);
    EXPECT_STR(rig_file(&r, token, "log"), "0 1 2 3 ");
    usleep(200000);
    token = rig_start(&r, "trap 'exit 3' TERM; echo up; sleep 994 & wait", &spec);
    REQUIRE(rig_wait_file(&r, token, "log"));
    EXPECT_EQ(supervisor_of(&r, token), pid);
    r.executor->type->stop(r.executor, token, &r.cx);
    REQUIRE(rig_end_of(&r, token, &end));
    EXPECT_EQ(end.reason, MR_EXIT_STOPPED);
    EXPECT_EQ(end.code, 3);
    for (int i = 0; i < 6000 && kill(pid, 0) == 0; i++) {
        usleep(10000);
    }
    EXPECT(kill(pid, 0) != 0);  // Nobody has asked it for a while.
    token = rig_start(&r, "exit 0", &spec);
    REQUIRE(rig_end_of(&r, token, &end));
    EXPECT(supervisor_of(&r, token) != pid);
    rig_delete(&r);
}

TEST(executor, the_memory_of_one_try_does_not_show_in_the_next) {
    rig r;
    REQUIRE(rig_open(&r));
    mr_try_exit end;
    const size_t bytes = (size_t)40 << 20;
    char *body = mr_arena_raw(&r.arena, bytes);
    memset(body, 'a', bytes);
    body[0] = body[bytes - 1] = '"';
    mr_launch large = {.grace_us = 10000000, .body_json = {body, bytes}};
    uint64_t token = rig_start(&r, "exit 0", &large);
    REQUIRE(rig_end_of(&r, token, &end));
    int pid = supervisor_of(&r, token);
    for (int i = 0; i < 3; i++) {
        usleep(200000);
        token = rig_start(&r, "exit 0", NULL);
        REQUIRE(rig_end_of(&r, token, &end));
        EXPECT(supervisor_of(&r, token) != pid);
#ifndef __SANITIZE_ADDRESS__  // It has a shadow, and keeps what is freed.
        EXPECT(end.memory_bytes_max > 0 && end.memory_bytes_max < bytes / 2);
#endif
    }
    rig_delete(&r);
}

TEST(executor, a_thousand_at_once_end_once_each) {
    rig r;
    REQUIRE(rig_open(&r));
    enum { COUNT = 1000 };
    static uint8_t ends[COUNT + 1];
    memset(ends, 0, sizeof(ends));
    const char *const words[] = {"/bin/true", NULL};
    for (int i = 0; i < COUNT; i++) {
        rig_save(&r, NULL, &(mr_launch){.words = words, .grace_us = 1000000});
    }
    int64_t from_us = mr_clock_monotonic_us(r.cx.plat);
    for (uint64_t token = 1; token <= COUNT; token++) {
        EXPECT_OK(r.executor->type->start(r.executor, token, rig_dir(&r, token), &r.cx));
    }
    for (int i = 0; i < COUNT; i++) {
        uint64_t token = 0;
        mr_try_exit end;
        REQUIRE(rig_end(&r, &token, &end, 60000000));
        REQUIRE(token >= 1 && token <= COUNT);
        ends[token]++;
        EXPECT_EQ(end.reason, MR_EXIT_CODE);
    }
    int64_t took_us = mr_clock_monotonic_us(r.cx.plat) - from_us;
    if (getenv("SHOW") != NULL) {
        printf("  %d tries in %d ms: %d a second\n", COUNT, (int)(took_us / 1000),
               (int)(COUNT * 1000000LL / took_us));
    }
    for (int i = 1; i <= COUNT; i++) {
        EXPECT_EQ(ends[i], 1);
    }
    rig_delete(&r);
    EXPECT_EQ(rig_children(), 0);
}
