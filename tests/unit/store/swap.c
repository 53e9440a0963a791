// Swap on a machine that fails: every operation of a swap is struck in turn, by each fault. At
// every look the table is all of the old or all of the new; once a swap is finished it is the new,
// what came meanwhile is still there, and nothing is left of the work.

#include "runner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plat/sim.h"
#include "plat/thread.h"
#include "store/catalog.h"
#include "store/swap.h"

#define TABLE "data/lake/t"
#define AREA  "data/lake/.t.swap"
#define TRIES 40

typedef struct scene {
    const char *name;
    const char *live;  // Folder that is swapped.
    const char *staged;
    const char *before[4];  // Files of the table, relative to it; the content is the name.
    const char *made[3];    // Relative to live; NULL-ended, as the others.
    const char *replaced[3];
    const char *after[6];
} scene;

static const scene scenes[] = {
    {"one partition",
     TABLE "/p=1",
     AREA "/new/p=1",
     {"p=1/a", "p=1/b", "p=2/c", NULL},
     {"n", NULL},
     {"a", "b", NULL},
     {"p=1/late", "p=1/n", "p=2/c", NULL}},
    {"a row that moves",
     TABLE,
     AREA "/new",
     {"p=1/a", "p=1/b", "p=2/c", NULL},
     {"p=1/m", "p=2/n", NULL},
     {"p=1/a", "p=2/c", NULL},
     {"p=1/b", "p=1/late", "p=1/m", "p=2/n", NULL}},
    {"all of a partition goes",
     TABLE,
     AREA "/new",
     {"p=1/a", "p=2/c", NULL},
     {NULL},
     {"p=2/c", NULL},
     {"p=1/a", "p=1/late", NULL}},
    {"no partitions",
     TABLE,
     AREA "/new",
     {"a", "b", NULL},
     {"n", NULL},
     {"a", NULL},
     {"b", "n", "p=1/late", NULL}},
    {"a new table", TABLE, AREA "/new", {NULL}, {"p=1/n", NULL}, {NULL}, {"p=1/n", NULL}},
};

typedef struct rig {
    mr_arena arena;
    mr_plat *plat;
    const scene *scene;
    mr_cx cx;
} rig;

static uint32_t length(const char *const *list) {
    uint32_t count = 0;
    while (list[count] != NULL) {
        count++;
    }
    return count;
}

static bool is_new(const rig *r) {
    return r->scene->before[0] == NULL;
}

// A process begins.
static void begin(rig *r) {
    mr_arena_clear(&r->arena);
    mr_cx_init(&r->cx, &r->arena, r->plat);
}

static mr_swap swap_of(const rig *r) {
    return (mr_swap){.version = 1,
                     .state = MR_SWAP_PENDING,
                     .identity = "d/r/t",
                     .live = r->scene->live,
                     .staged = r->scene->staged,
                     .area = AREA,
                     .made = (const char **)(uintptr_t)r->scene->made,
                     .replaced = (const char **)(uintptr_t)r->scene->replaced,
                     .made_count = length(r->scene->made),
                     .replaced_count = length(r->scene->replaced),
                     .result = MR_SPAN("{\"n\":1}")};
}

static void add_names(const char *dir, const char *rel, mr_text *out, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    if (mr_dir_list(dir, &entries, &count, cx) != MR_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name);
        const char *name = mr_arena_printf(cx->arena, "%s%s", rel, entries[i].name);
        mr_span content;
        if (mr_span_ends(mr_span_of(name), ".tmp")) {
            continue;  // Of the file that comes meanwhile: mr_file_save did not end.
        }
        if (entries[i].is_dir) {
            add_names(path, mr_arena_printf(cx->arena, "%s/", name), out, cx);
        } else if (EXPECT(mr_sim_get(cx->plat, path, &content))) {
            EXPECT_STR(mr_arena_copy(cx->arena, content.data, content.bytes),
                       strrchr(path, '/') + 1);
            mr_text_addf(out, "%s ", name);
        }
    }
}

// Names of the table's files, each followed by a space; contents are what they must be.
static const char *look(rig *r) {
    mr_text out;
    mr_text_init(&out, r->cx.arena);
    add_names(TABLE, "", &out, &r->cx);
    return mr_text_string(&out);
}

static const char *names_of(rig *r, const char *const *list) {
    mr_text out;
    mr_text_init(&out, r->cx.arena);
    for (; *list != NULL; list++) {
        mr_text_addf(&out, "%s ", *list);
    }
    return mr_text_string(&out);
}

static mr_code write_file(const char *path, mr_cx *cx) {
    char *slash = strrchr(path, '/');
    const char *dir = mr_arena_copy(cx->arena, path, (size_t)(slash - path));
    MR_TRY(mr_dir_make(dir, cx));
    return mr_file_save(path, mr_span_of(slash + 1), cx);
}

// What a task does up to its record, from the start: an area that is there is of one that died.
static mr_code stage(rig *r) {
    mr_swap swap = swap_of(r), last;
    MR_TRY(mr_swap_load("data", "t", &last, &r->cx));
    if (last.state != MR_SWAP_NONE) {
        return MR_OK;
    }
    MR_TRY(mr_dir_delete(AREA, &r->cx));
    MR_TRY(mr_dir_make("data/catalog", &r->cx));
    for (uint32_t i = 0; i < swap.made_count; i++) {
        MR_TRY(write_file(mr_arena_printf(&r->arena, "%s/%s", swap.staged, swap.made[i]), &r->cx));
    }
    MR_TRY(mr_swap_carry(&swap, /* hidden= */ false, &r->cx));
    return mr_swap_save("data", "t", &swap, &r->cx);
}

// A file that the table's writer adds between the record and the swap.
static mr_code add_late(rig *r) {
    return is_new(r) ? MR_OK : write_file(TABLE "/p=1/late", &r->cx);
}

static void world(rig *r, const scene *s, uint64_t seed) {
    *r = (rig){.plat = mr_sim_new(seed), .scene = s};
    mr_sim_put(r->plat, "data/lake/other/x", MR_SPAN("x"));
    mr_sim_put(r->plat, "data/catalog/t.json", MR_SPAN("{}"));
    for (const char *const *at = s->before; *at != NULL; at++) {
        const char *slash = strrchr(*at, '/');
        mr_sim_put(r->plat, mr_arena_printf(&r->arena, TABLE "/%s", *at),
                   mr_span_of(slash == NULL ? *at : slash + 1));
    }
}

static void release(rig *r) {
    mr_sim_free(r->plat);
    mr_arena_release(&r->arena);
}

// Old, new, or either with the late file: all that a reader may ever find.
static void expect_whole(rig *r) {
    const char *now = look(r);
    const char *old = names_of(r, r->scene->before), *new = names_of(r, r->scene->after);
    mr_text out;
    mr_text_init(&out, &r->arena);
    for (const char *at = now; *at != '\0'; at += strcspn(at, " ") + 1) {
        mr_span name = {at, strcspn(at, " ")};
        if (!mr_span_is(name, "p=1/late")) {
            mr_text_addf(&out, "%.*s ", MR_SPAN_ARGS(name));
        }
    }
    const char *late = strstr(new, "p=1/late ");
    const char *plain = late == NULL ? new
                                     : mr_arena_printf(&r->arena, "%.*s%s", (int)(late - new), new,
                                                       late + strlen("p=1/late "));
    bool whole = strcmp(mr_text_string(&out), old) == 0 || strcmp(mr_text_string(&out), plain) == 0;
    EXPECT_STR(whole ? "" : now, "");
}

// One run with a fault at operation n, then as many as it needs. False: the fault came too late.
static bool run(const scene *s, uint64_t seed, uint64_t n, mr_sim_fault fault) {
    rig r;
    world(&r, s, seed);
    begin(&r);
    uint64_t first = mr_sim_operations(r.plat);
    mr_sim_fault_at(r.plat, first + n, fault);
    bool late = false, done = false;
    for (uint32_t tries = 0; tries < TRIES && !done; tries++) {
        mr_swap swap;
        mr_code code = stage(&r);
        if (code == MR_OK && !late) {
            code = add_late(&r);
            late = code == MR_OK;
        }
        code = code == MR_OK ? mr_swap_finish("data", "t", &swap, &r.cx) : code;
        done = code == MR_OK;
        // A folder that cannot be synced takes no more changes until the machine starts anew.
        if (mr_sim_down(r.plat) || (code != MR_OK && (r.cx.error.flags & MR_FATAL) != 0)) {
            mr_sim_restart(r.plat);
        }
        begin(&r);
        if (!done) {
            expect_whole(&r);
        }
    }
    EXPECT(done);
    if (mr_sim_operations(r.plat) - first < n) {
        release(&r);
        return false;  // It would strike what follows.
    }
    EXPECT_STR(look(&r), names_of(&r, s->after));
    EXPECT(!mr_file_exists(AREA, &r.cx));
    mr_swap swap;
    mr_code code = mr_swap_load("data", "t", &swap, &r.cx);  // The fault may strike here at last.
    EXPECT_OK(code == MR_E_IO ? mr_swap_load("data", "t", &swap, &r.cx) : code);
    EXPECT(swap.state == MR_SWAP_DONE && mr_span_is(swap.result, "{\"n\":1}"));
    mr_sim_restart(r.plat);  // What was said to be done is durable.
    begin(&r);
    EXPECT_STR(look(&r), names_of(&r, s->after));
    release(&r);
    return true;
}

TEST(swap, is_whole_whatever_fails) {
    static const mr_sim_fault faults[] = {MR_SIM_POWER_CUT, MR_SIM_KILL, MR_SIM_NO_SPACE,
                                          MR_SIM_WRITE_ERROR, MR_SIM_SYNC_ERROR};
    for (size_t s = 0; s < MR_COUNT(scenes); s++) {
        for (size_t f = 0; f < MR_COUNT(faults); f++) {
            uint64_t n = 1;
            for (bool struck = true; struck; n++) {
                uint64_t seeds = faults[f] == MR_SIM_POWER_CUT ? 8 : 1;
                for (uint64_t seed = 1; seed <= seeds; seed++) {
                    struck = run(&scenes[s], seed * 1000 + n, n, faults[f]);
                }
            }
            EXPECT(n > 20);
        }
    }
}

TEST(swap, is_dropped_when_what_it_replaces_is_gone) {
    rig r;
    world(&r, &scenes[1], 1);
    begin(&r);
    EXPECT_OK(stage(&r));
    EXPECT_OK(mr_file_delete(TABLE "/p=2/c", &r.cx));
    mr_swap swap;
    EXPECT_OK(mr_swap_finish("data", "t", &swap, &r.cx));
    EXPECT(swap.state == MR_SWAP_DROPPED);
    EXPECT_STR(look(&r), "p=1/a p=1/b ");
    EXPECT(!mr_file_exists(AREA, &r.cx));
    release(&r);
}

TEST(swap, waits_for_who_finishes_it_but_not_for_ever) {
    rig r;
    world(&r, &scenes[1], 1);
    begin(&r);
    EXPECT_OK(stage(&r));
    mr_lock lock = {.handle = -1};
    EXPECT_OK(mr_lock_take(&lock, "data/catalog/t.finishing", &r.cx));
    int64_t start = mr_clock_monotonic_us(r.plat);
    mr_swap swap;
    EXPECT_EQ(mr_swap_finish("data", "t", &swap, &r.cx), MR_E_LOCKED);
    int64_t waited = mr_clock_monotonic_us(r.plat) - start;
    EXPECT(waited >= 30000000 && waited < 31000000 && (r.cx.error.flags & MR_RETRY) != 0);
    EXPECT_STR(look(&r), names_of(&r, scenes[1].before));
    mr_lock_release(&lock, r.plat);
    EXPECT_OK(mr_swap_finish("data", "t", &swap, &r.cx));
    EXPECT_STR(look(&r), "p=1/b p=1/m p=2/n ");
    release(&r);
}

typedef struct finisher {
    mr_arena arena;
    mr_cx cx;
    mr_thread thread;
    const char *data_dir;
    mr_code code;
    mr_swap_state state;
} finisher;

static void *finish_once(void *self) {
    finisher *f = self;
    mr_swap swap = {.state = MR_SWAP_NONE};
    f->code = mr_swap_finish(f->data_dir, "t", &swap, &f->cx);
    f->state = swap.state;
    return NULL;
}

#define ROUNDS    8
#define FINISHERS 4

// One swap of many files, finished by several at once. Exchanged twice it would be undone.
static void race(const char *data_dir, uint64_t version, mr_cx *cx) {
    const char *live = mr_arena_printf(cx->arena, "%s/lake/t", data_dir);
    const char *area = mr_arena_printf(cx->arena, "%s/lake/.t.swap", data_dir);
    const char *made = mr_arena_printf(cx->arena, "n%" PRIu64, version);
    const char *replaced = mr_arena_printf(cx->arena, "n%" PRIu64, version - 1);
    mr_swap swap = {.version = version,
                    .state = MR_SWAP_PENDING,
                    .identity = "d/r/t",
                    .live = live,
                    .staged = mr_arena_printf(cx->arena, "%s/new", area),
                    .area = area,
                    .made = &made,
                    .replaced = &replaced,
                    .made_count = 1,
                    .replaced_count = 1,
                    .result = MR_SPAN("{}")};
    EXPECT_OK(write_file(mr_arena_printf(cx->arena, "%s/%s", swap.staged, made), cx));
    EXPECT_OK(mr_swap_carry(&swap, /* hidden= */ false, cx));
    EXPECT_OK(mr_swap_save(data_dir, "t", &swap, cx));
    finisher all[FINISHERS];
    for (size_t i = 0; i < FINISHERS; i++) {
        all[i] = (finisher){.data_dir = data_dir};
        mr_cx_init(&all[i].cx, &all[i].arena, cx->plat);
        EXPECT_OK(mr_thread_start(&all[i].thread, "finisher", finish_once, &all[i], cx));
    }
    for (size_t i = 0; i < FINISHERS; i++) {
        mr_thread_join(&all[i].thread);
        EXPECT_OK(all[i].code);
        EXPECT(all[i].state == MR_SWAP_DONE);
        mr_arena_release(&all[i].arena);
    }
    EXPECT(mr_file_exists(mr_arena_printf(cx->arena, "%s/%s", live, made), cx));
    EXPECT(!mr_file_exists(mr_arena_printf(cx->arena, "%s/%s", live, replaced), cx));
    mr_dir_entry *entries;
    size_t count = 0;
    EXPECT_OK(mr_dir_list(live, &entries, &count, cx));
    EXPECT_EQ(count, 33);
}

TEST(swap, is_finished_once_whoever_comes) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    char dir[] = "/tmp/millrace-swap-XXXXXX";
    REQUIRE(mkdtemp(dir) != NULL);
    REQUIRE_OK(mr_dir_make(mr_arena_printf(&arena, "%s/catalog", dir), &cx));
    for (uint32_t i = 0; i < 32; i++) {
        REQUIRE_OK(write_file(mr_arena_printf(&arena, "%s/lake/t/f%u", dir, i), &cx));
    }
    REQUIRE_OK(write_file(mr_arena_printf(&arena, "%s/lake/t/n0", dir), &cx));
    for (uint64_t version = 1; version <= ROUNDS; version++) {
        race(dir, version, &cx);
    }
    EXPECT_OK(mr_dir_delete(dir, &cx));
    mr_arena_release(&arena);
}

TEST(swap, says_that_its_record_is_damaged) {
    rig r;
    world(&r, &scenes[1], 1);
    begin(&r);
    mr_sim_put(r.plat, "data/catalog/t.commit", MR_SPAN("{\"version\":1,\"state\":\"pend"));
    mr_swap swap;
    EXPECT(mr_swap_load("data", "t", &swap, &r.cx) == MR_E_CORRUPT);
    EXPECT_STR(r.cx.error.text, "the table's commit \"data/catalog/t.commit\" cannot be read");
    release(&r);
}
