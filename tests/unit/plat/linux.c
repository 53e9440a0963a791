// Plat on Linux: real files, locks, errors, threads.

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat/plat.h"
#include "plat/thread.h"
#include "runner.h"

// A temporary folder with a context; the working directory stays where it is.
typedef struct scene {
    mr_arena arena;
    mr_cx cx;
    char dir[64];
} scene;

static bool scene_open(scene *s) {
    s->arena = (mr_arena){.head = NULL};
    mr_cx_init(&s->cx, &s->arena, mr_plat_linux());
    snprintf(s->dir, sizeof(s->dir), "/tmp/millrace-plat-XXXXXX");
    return mkdtemp(s->dir) != NULL;
}

static const char *in_scene(scene *s, const char *name) {
    return mr_arena_printf(&s->arena, "%s/%s", s->dir, name);
}

static void scene_close(scene *s) {
    EXPECT_OK(mr_dir_delete(s->dir, &s->cx));
    EXPECT(!mr_file_exists(s->dir, &s->cx));
    mr_arena_release(&s->arena);
}

TEST(plat_file, append_read_truncate_stat) {
    scene s;
    REQUIRE(scene_open(&s));
    const char *path = in_scene(&s, "a");
    mr_file file;
    REQUIRE_OK(mr_file_open(&file, path, MR_OPEN_CREATE, &s.cx));
    EXPECT_EQ(file.bytes, 0);
    EXPECT_OK(mr_file_append(&file, MR_SPAN("hello "), &s.cx));
    EXPECT_OK(mr_file_append(&file, MR_SPAN("world"), &s.cx));
    EXPECT_EQ(file.bytes, 11);
    EXPECT_OK(mr_file_sync(&file, &s.cx));
    char data[32] = "";
    size_t got = 0;
    EXPECT_OK(mr_file_read(&file, 6, data, sizeof(data), &got, &s.cx));
    EXPECT_EQ(got, 5);
    EXPECT_STR(data, "world");
    EXPECT_OK(mr_file_truncate(&file, 5, &s.cx));
    EXPECT_OK(mr_file_append(&file, MR_SPAN("!"), &s.cx));
    mr_file_close(&file, s.cx.plat);
    mr_file_close(&file, s.cx.plat);  // Takes a closed one.
    EXPECT_EQ(file.handle, -1);
    EXPECT_EQ(mr_file_open(&file, path, MR_OPEN_CREATE, &s.cx), MR_E_EXISTS);
    REQUIRE_OK(mr_file_open(&file, path, MR_OPEN_APPEND, &s.cx));
    EXPECT_EQ(file.bytes, 6);
    EXPECT_OK(mr_file_append(&file, MR_SPAN("?"), &s.cx));
    mr_file_close(&file, s.cx.plat);
    mr_span all;
    REQUIRE_OK(mr_file_load(path, 100, &all, &s.cx));
    EXPECT(mr_span_is(all, "hello!?"));
    EXPECT_EQ(all.data[7], '\0');
    EXPECT_EQ(mr_file_load(path, 6, &all, &s.cx), MR_E_LIMIT);
    mr_stat stat;
    EXPECT_OK(mr_file_stat(path, &stat, &s.cx));
    EXPECT_EQ(stat.bytes, 7);
    EXPECT(!stat.is_dir);
    int64_t age_us = mr_clock_real_us(s.cx.plat) - stat.modified_us;
    EXPECT(age_us > -2000000 && age_us < 60000000);
    REQUIRE_OK(mr_file_open(&file, path, MR_OPEN_TRUNCATE, &s.cx));
    EXPECT_EQ(file.bytes, 0);
    mr_file_close(&file, s.cx.plat);
    EXPECT_OK(mr_file_delete(path, &s.cx));
    EXPECT_OK(mr_file_delete(path, &s.cx));  // Absent is fine.
    scene_close(&s);
}

TEST(plat_file, files_without_a_size_are_loaded_whole) {
    scene s;
    REQUIRE(scene_open(&s));
    mr_span status;
    REQUIRE_OK(mr_file_load("/proc/self/status", 1 << 20, &status, &s.cx));
    EXPECT(status.bytes > 300);
    EXPECT(mr_span_starts(status, "Name:"));
    mr_span none;
    REQUIRE_OK(mr_file_load("/dev/null", 10, &none, &s.cx));
    EXPECT_EQ(none.bytes, 0);
    EXPECT_EQ(mr_file_load("/dev/zero", 200000, &none, &s.cx), MR_E_LIMIT);
    const char *path = in_scene(&s, "large");
    mr_text text;
    mr_text_init(&text, NULL);
    memset(mr_text_grow(&text, 300001), 'x', 300001);
    EXPECT_OK(mr_file_save(path, mr_text_span(&text), &s.cx));
    REQUIRE_OK(mr_file_load(path, 1 << 20, &status, &s.cx));
    EXPECT(mr_span_equal(status, mr_text_span(&text)));
    mr_text_release(&text);
    scene_close(&s);
}

TEST(plat_file, rename_never_replaces_and_replace_does) {
    scene s;
    REQUIRE(scene_open(&s));
    const char *a = in_scene(&s, "a"), *b = in_scene(&s, "b");
    mr_span data;
    EXPECT_OK(mr_file_save(a, MR_SPAN("new"), &s.cx));
    EXPECT_OK(mr_file_save(b, MR_SPAN("old"), &s.cx));
    EXPECT_EQ(mr_file_rename(a, b, &s.cx), MR_E_EXISTS);
    EXPECT_OK(mr_file_load(b, 10, &data, &s.cx));
    EXPECT(mr_span_is(data, "old"));
    EXPECT_OK(mr_file_replace(a, b, &s.cx));
    EXPECT_OK(mr_file_load(b, 10, &data, &s.cx));
    EXPECT(mr_span_is(data, "new"));
    EXPECT(!mr_file_exists(a, &s.cx));
    EXPECT_EQ(mr_file_rename(a, b, &s.cx), MR_E_MISSING);
    EXPECT_OK(mr_file_rename(b, a, &s.cx));
    EXPECT_OK(mr_file_save(a, MR_SPAN("again"), &s.cx));
    mr_dir_entry *entries;
    size_t count;
    EXPECT_OK(mr_dir_list(s.dir, &entries, &count, &s.cx));
    EXPECT_EQ(count, 1);
    EXPECT_OK(mr_file_save_first(a, MR_SPAN("late"), &s.cx));
    EXPECT_OK(mr_file_load(a, 10, &data, &s.cx));
    EXPECT(mr_span_is(data, "again"));
    EXPECT_OK(mr_file_save_first(b, MR_SPAN("first"), &s.cx));
    struct stat stat_b;
    EXPECT_EQ(stat(b, &stat_b), 0);
    EXPECT_EQ(stat_b.st_mode & 0777, 0600);
    EXPECT_OK(mr_dir_sync(s.dir, &s.cx));
    scene_close(&s);
}

TEST(plat_file, errors_name_path_and_reason) {
    scene s;
    REQUIRE(scene_open(&s));
    mr_file file;
    EXPECT_EQ(mr_file_open(&file, "dim/users.csv", MR_OPEN_READ, &s.cx), MR_E_MISSING);
    EXPECT_STR(s.cx.error.text, "cannot open \"dim/users.csv\": No such file or directory");
    EXPECT_EQ(s.cx.error.flags, 0);
    EXPECT_EQ(mr_file_open(&file, s.dir, MR_OPEN_READ, &s.cx), MR_E_VALUE);
    EXPECT_STR(s.cx.error.hint, "Name a file, not a folder.");
    mr_stat stat;
    EXPECT_EQ(mr_file_stat(in_scene(&s, "none"), &stat, &s.cx), MR_E_MISSING);
    EXPECT_EQ(mr_dir_sync(in_scene(&s, "none"), &s.cx), MR_E_MISSING);
    EXPECT_EQ(mr_file_delete("/proc/version", &s.cx), MR_E_PERMISSION);
    scene_close(&s);
}

TEST(plat_file, a_full_disk_is_said_so_and_may_be_retried) {
    scene s;
    REQUIRE(scene_open(&s));
    mr_file file;
    REQUIRE_OK(mr_file_open(&file, "/dev/full", MR_OPEN_APPEND, &s.cx));
    EXPECT_EQ(mr_file_append(&file, MR_SPAN("x"), &s.cx), MR_E_FULL);
    EXPECT_STR(s.cx.error.text, "cannot write \"/dev/full\": No space left on device");
    EXPECT_EQ(s.cx.error.flags, MR_RETRY);
    EXPECT_EQ(file.bytes, 0);  // As if it had not been tried.
    mr_file_close(&file, s.cx.plat);
    scene_close(&s);
}

TEST(plat_file, a_failed_sync_is_fatal) {
    scene s;
    REQUIRE(scene_open(&s));
    mr_file file;  // The kernel cannot sync /proc files: EINVAL, for want of a broken disk.
    REQUIRE_OK(mr_file_open(&file, "/proc/self/comm", MR_OPEN_APPEND, &s.cx));
    EXPECT_EQ(mr_file_sync(&file, &s.cx), MR_E_IO);
    EXPECT_EQ(s.cx.error.flags, MR_FATAL);
    EXPECT(strstr(s.cx.error.text, "cannot sync \"/proc/self/comm\"") != NULL);
    mr_file_close(&file, s.cx.plat);
    scene_close(&s);
}

TEST(plat_dir, made_with_parents_listed_in_order_deleted_whole) {
    scene s;
    REQUIRE(scene_open(&s));
    EXPECT_OK(mr_dir_make(in_scene(&s, "a/b//c/"), &s.cx));
    EXPECT_OK(mr_dir_make(in_scene(&s, "a/b/c"), &s.cx));
    for (int i = 19; i >= 0; i--) {
        char name[32];
        snprintf(name, sizeof(name), "a/f%02d", i);
        EXPECT_OK(mr_file_save(in_scene(&s, name), MR_SPAN("x"), &s.cx));
    }
    EXPECT_EQ(symlink(s.dir, in_scene(&s, "a/link")), 0);  // Deleting must not follow it.
    mr_dir_entry *entries;
    size_t count;
    REQUIRE_OK(mr_dir_list(in_scene(&s, "a"), &entries, &count, &s.cx));
    EXPECT_EQ(count, 22);
    EXPECT_STR(entries[0].name, "b");
    EXPECT(entries[0].is_dir);
    EXPECT_STR(entries[1].name, "f00");
    EXPECT(!entries[1].is_dir);
    EXPECT_STR(entries[21].name, "link");
    EXPECT(!entries[21].is_dir);
    EXPECT_EQ(mr_dir_make(in_scene(&s, "a/f00/x"), &s.cx), MR_E_EXISTS);
    EXPECT_EQ(mr_dir_list(in_scene(&s, "none"), &entries, &count, &s.cx), MR_E_MISSING);
    EXPECT_OK(mr_dir_delete(in_scene(&s, "none"), &s.cx));
    EXPECT_OK(mr_dir_delete(in_scene(&s, "a"), &s.cx));
    EXPECT(!mr_file_exists(in_scene(&s, "a"), &s.cx));
    scene_close(&s);
}

TEST(plat_lock, a_second_process_is_told_who_holds_it) {
    scene s;
    REQUIRE(scene_open(&s));
    const char *path = in_scene(&s, "lock");
    int ready[2], leave[2];
    REQUIRE(pipe(ready) == 0 && pipe(leave) == 0);
    pid_t child = fork();
    if (child == 0) {
        mr_lock lock = {-1};
        char byte = mr_lock_take(&lock, path, &s.cx) == MR_OK ? 'y' : 'n';
        ssize_t ignored = write(ready[1], &byte, 1);
        close(leave[1]);
        ignored = read(leave[0], &byte, 1);
        (void)ignored;
        _exit(0);  // Without releasing: the kernel does it.
    }
    char byte = 'n';
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'y');
    mr_lock lock = {-1};
    EXPECT_EQ(mr_lock_take(&lock, path, &s.cx), MR_E_LOCKED);
    char expected[64];
    snprintf(expected, sizeof(expected), "is in use by process %d (", (int)child);
    if (!EXPECT(strstr(s.cx.error.text, expected) != NULL)) {
        printf("    %s\n", s.cx.error.text);
    }
    EXPECT(strstr(s.cx.error.text, "unit") != NULL);  // This program's name.
    close(leave[1]);
    EXPECT_EQ(waitpid(child, NULL, 0), child);
    EXPECT_OK(mr_lock_take(&lock, path, &s.cx));
    mr_lock other = {-1};
    EXPECT_EQ(mr_lock_take(&other, path, &s.cx), MR_E_LOCKED);  // In one process too.
    mr_lock_release(&lock, s.cx.plat);
    mr_lock_release(&lock, s.cx.plat);
    EXPECT_OK(mr_lock_take(&other, path, &s.cx));
    mr_lock_release(&other, s.cx.plat);
    close(ready[0]);
    close(ready[1]);
    close(leave[0]);
    scene_close(&s);
}

TEST(plat_crash, the_named_point_kills_at_its_nth_pass) {
    scene s;
    REQUIRE(scene_open(&s));
    pid_t child = fork();
    if (child == 0) {
        setenv("MILLRACE_CRASH", "commit.synced:3", 1);
        for (int i = 1; i <= 5; i++) {
            if (mr_crash_point("commit", &s.cx) != MR_OK ||
                mr_crash_point("commit.synced", &s.cx) != MR_OK) {
                _exit(100);
            }
            if (i == 3) {
                _exit(101);
            }
        }
        _exit(102);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    EXPECT_OK(mr_crash_point("commit.synced", &s.cx));  // Not named here.
    scene_close(&s);
}

TEST(plat_clock, clocks_random_and_process_numbers_are_plausible) {
    mr_plat *plat = mr_plat_linux();
    int64_t before = mr_clock_monotonic_us(plat);
    mr_clock_sleep_us(plat, 2000);
    EXPECT(mr_clock_monotonic_us(plat) - before >= 2000);
    EXPECT(mr_clock_real_us(plat) > 1600000000000000);
    EXPECT(mr_random_u64(plat) != mr_random_u64(plat));
    mr_usage usage;
    mr_plat_usage(plat, &usage);
    EXPECT(usage.cpu_us >= 0);
    EXPECT(usage.resident_bytes > 100000);
    EXPECT(usage.resident_bytes_max >= usage.resident_bytes);
    EXPECT(mr_plat_cores(plat) >= 1);
    EXPECT(mr_plat_env(plat, "PATH") != NULL);
    EXPECT_EQ(mr_plat_env(plat, "MILLRACE_SURELY_UNSET"), NULL);
}

typedef struct counter {
    mr_mutex mutex;
    mr_condition changed;
    int value;
} counter;

static void *count_up(void *argument) {
    counter *c = argument;
    for (int i = 0; i < 1000; i++) {
        mr_mutex_lock(&c->mutex);
        c->value++;
        mr_condition_signal(&c->changed);
        mr_mutex_unlock(&c->mutex);
    }
    return NULL;
}

TEST(plat_thread, threads_count_together_and_waits_end) {
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    counter c = {.value = 0};
    mr_mutex_init(&c.mutex);
    mr_condition_init(&c.changed);
    mr_thread threads[3] = {{.running = false}};
    for (int i = 0; i < 2; i++) {
        REQUIRE_OK(mr_thread_start(&threads[i], "a name longer than 15", count_up, &c, &cx));
    }
    mr_mutex_lock(&c.mutex);
    while (c.value < 2000) {
        mr_condition_wait(&c.changed, &c.mutex, 1000000);
    }
    int64_t before = mr_clock_monotonic_us(cx.plat);
    mr_condition_wait(&c.changed, &c.mutex, 5000);
    EXPECT(mr_clock_monotonic_us(cx.plat) - before >= 4000);
    mr_mutex_unlock(&c.mutex);
    for (int i = 0; i < 3; i++) {
        mr_thread_join(&threads[i]);  // The third never started.
    }
    EXPECT_EQ(c.value, 2000);
    mr_condition_release(&c.changed);
    mr_mutex_release(&c.mutex);
    mr_arena_release(&arena);
}

typedef struct saver {
    const char *path;
    size_t bytes;  // Of what it saves.
    int failed;
} saver;

static void *save_often(void *argument) {
    saver *own = argument;
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    char *data = mr_heap_raw(own->bytes);
    memset(data, 'x', own->bytes);
    for (int i = 0; i < 10; i++) {
        mr_span found;
        own->failed += mr_file_save(own->path, (mr_span){data, own->bytes}, &cx) != MR_OK ||
                       mr_file_load(own->path, 1 << 20, &found, &cx) != MR_OK ||
                       (found.bytes != 10000 && found.bytes != 300000);
    }
    mr_heap_free(data);
    mr_arena_release(&arena);
    return NULL;
}

TEST(plat_thread, those_that_save_one_path_at_once_each_have_a_whole_file) {
    scene s;
    REQUIRE(scene_open(&s));
    saver savers[] = {{in_scene(&s, "a"), 300000, 0}, {in_scene(&s, "a"), 10000, 0}};
    mr_thread threads[MR_COUNT(savers)];
    for (size_t i = 0; i < MR_COUNT(savers); i++) {
        REQUIRE_OK(mr_thread_start(&threads[i], "saver", save_often, &savers[i], &s.cx));
    }
    for (size_t i = 0; i < MR_COUNT(savers); i++) {
        mr_thread_join(&threads[i]);
        EXPECT_EQ(savers[i].failed, 0);
    }
    scene_close(&s);
}

static void *measure_guard(void *argument) {
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getguardsize(&attributes, argument);
        pthread_attr_destroy(&attributes);
    }
    return NULL;
}

// A function of a library with a frame of some pages must not reach another thread's stack.
TEST(plat_thread, a_wide_frame_does_not_step_over_the_guard) {
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    size_t guard_bytes = 0;
    mr_thread thread;
    REQUIRE_OK(mr_thread_start(&thread, "guard", measure_guard, &guard_bytes, &cx));
    mr_thread_join(&thread);
    EXPECT(guard_bytes >= (size_t)1 << 20);
    mr_arena_release(&arena);
}

TEST(plat_thread, the_first_stop_signal_asks_and_the_second_ends) {
    pid_t child = fork();
    if (child == 0) {
        atomic_bool stop = false;
        mr_thread_catch_stop(&stop);
        raise(SIGPIPE);
        raise(SIGTERM);
        if (!atomic_load(&stop)) {
            _exit(1);
        }
        raise(SIGINT);
        _exit(2);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGINT);
}
