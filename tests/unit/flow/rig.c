// Rig: see rig.h.

#include "rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

// The executor starts this program as its spawner.
__attribute__((constructor)) static void spawner(int count, char **words) {
    if (count == 2 && strcmp(words[1], "__spawner") == 0) {
        mr_arena arena = {0};
        mr_cx cx;
        mr_cx_init(&cx, &arena, mr_plat_linux());
        int code = mr_spawner_main(MR_CHILD_PASSED, &cx);
        _exit(code);
    }
}

bool rig_open(rig *r) {
    *r = (rig){.next = 1};
    mr_cx_init(&r->cx, &r->arena, mr_plat_linux());
    const char *top = getenv("TMPDIR");
    snprintf(r->dir, sizeof(r->dir), "%s/millrace-flow-XXXXXX", top == NULL ? "/tmp" : top);
    return EXPECT(mkdtemp(r->dir) != NULL) &&
           EXPECT_OK(mr_executor_open("/proc/self/exe", &r->executor, &r->cx));
}

void rig_close(rig *r) {
    r->executor->type->close(r->executor, &r->cx);
    r->executor = NULL;
}

bool rig_again(rig *r) {
    return EXPECT_OK(mr_executor_open("/proc/self/exe", &r->executor, &r->cx));
}

void rig_delete(rig *r) {
    if (r->executor != NULL) {
        rig_close(r);
    }
    EXPECT_OK(mr_dir_delete(r->dir, &r->cx));
    mr_arena_release(&r->arena);
}

const char *rig_dir(rig *r, uint64_t token) {
    return mr_arena_printf(&r->arena, "%s/run/task/%d", r->dir, (int)token);
}

uint64_t rig_save(rig *r, const char *script, const mr_launch *spec) {
    uint64_t token = r->next++;
    mr_launch launch = spec == NULL ? (mr_launch){.grace_us = 10000000} : *spec;
    const char *const words[] = {"/bin/bash", "-c", script, NULL};
    launch.dir = rig_dir(r, token);
    launch.words = launch.words == NULL ? words : launch.words;
    launch.dag = "dag";
    launch.run_id = "run";
    launch.task = "task";
    launch.map_index = -1;
    launch.number = (int64_t)token;
    EXPECT_OK(mr_launch_save(&launch, &r->cx));
    return token;
}

uint64_t rig_start(rig *r, const char *script, const mr_launch *spec) {
    uint64_t token = rig_save(r, script, spec);
    EXPECT_OK(r->executor->type->start(r->executor, token, rig_dir(r, token), &r->cx));
    return token;
}

bool rig_end(rig *r, uint64_t *ret_token, mr_try_exit *ret, int64_t wait_us) {
    int64_t until_us = mr_clock_monotonic_us(r->cx.plat) + wait_us;
    for (;;) {
        if (r->executor->type->ended(r->executor, ret_token, ret, &r->cx)) {
            return true;
        }
        mr_socket_event event = {.handle = r->executor->type->handle(r->executor), .read = true};
        int64_t left_us = until_us - mr_clock_monotonic_us(r->cx.plat);
        size_t count = 0;
        if (left_us <= 0 || mr_socket_wait(&event, 1, left_us, &count, &r->cx) != MR_OK) {
            return false;
        }
    }
}

bool rig_end_of(rig *r, uint64_t token, mr_try_exit *ret) {
    uint64_t ended = 0;
    return EXPECT(rig_end(r, &ended, ret, 120000000)) && EXPECT_EQ(ended, token);
}

const char *rig_file(rig *r, uint64_t token, const char *name) {
    mr_span text = {"", 0};
    const char *path = mr_arena_printf(&r->arena, "%s/%s", rig_dir(r, token), name);
    return mr_file_load(path, (uint64_t)64 << 20, &text, &r->cx) == MR_OK ? text.data : "";
}

bool rig_wait_file(rig *r, uint64_t token, const char *name) {
    for (int i = 0; i < 2000; i++) {
        if (rig_file(r, token, name)[0] != '\0') {
            return true;
        }
        mr_clock_sleep_us(r->cx.plat, 5000);
    }
    return EXPECT(false);
}

uint32_t rig_marked(rig *r, uint64_t token) {
    mr_process_info *all = NULL;
    uint32_t count = 0, marked = 0;
    EXPECT_OK(mr_process_list(&all, &count, &r->cx));
    const char *dir = rig_dir(r, token);
    for (uint32_t i = 0; i < count; i++) {
        const char *value = mr_process_env(all[i].process.pid, "MILLRACE_TRY", &r->cx);
        marked += !all[i].over && value != NULL && strcmp(value, dir) == 0;
    }
    return marked;
}

static int child_found(const char *name) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    mr_process_info *all = NULL;
    uint32_t count = 0;
    int ret = 0;
    EXPECT_OK(mr_process_list(&all, &count, &cx));
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].parent == getpid()) {
            ret = name == NULL ? ret + 1 : !strcmp(all[i].name, name) ? all[i].process.pid : ret;
        }
    }
    mr_arena_release(&arena);
    return ret;
}

int rig_children(void) {
    return child_found(NULL);
}

int rig_spawner(void) {
    return child_found("millrace-spawn");
}
