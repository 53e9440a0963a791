// World: see world.h.

#include "world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- kinds of tasks
// ------------------------------------------------------------------------------

typedef struct work_options {
    const char *say;
} work_options;

static const mr_option work_table[] = {
    MR_OPTION(work_options, say, MR_OPT_TEXT, "", "What it says."),
    MR_OPTION_END,
};

static mr_code work_command(const void *options, const char *const **ret_words, mr_cx *cx) {
    const char **words = MR_NEW_ARRAY(cx->arena, const char *, 3);
    words[0] = "echo";
    words[1] = ((const work_options *)options)->say;
    *ret_words = words;
    return MR_OK;
}

typedef struct branch_options {
    const char *choose;
} branch_options;

static const mr_option branch_table[] = {
    MR_OPTION(branch_options, choose, MR_OPT_TEXT, NULL, "The way."),
    MR_OPTION_END,
};
static const char *const branch_nested[] = {"choose", NULL};

typedef struct dag_options {
    const char *dag;
    const char *params;
    bool wait;
} dag_options;

static const mr_option dag_table[] = {
    MR_OPTION(dag_options, dag, MR_OPT_TEXT, MR_REQUIRED, "Which."),
    MR_OPTION(dag_options, params, MR_OPT_TEXT, NULL, "With what."),
    MR_OPTION(dag_options, wait, MR_OPT_BOOL, "true", "Whether it waits."),
    MR_OPTION_END,
};
static const char *const dag_nested[] = {"params", NULL};

static const mr_option no_options[] = {MR_OPTION_END};

static const mr_task_type kind_work = {.name = "work",
                                       .doc = "Works.",
                                       .file = __FILE__,
                                       .place = MR_TASK_COMMAND,
                                       .options = work_table,
                                       .size = sizeof(work_options),
                                       .command = work_command};
static const mr_task_type kind_poke = {.name = "poke",
                                       .doc = "Waits.",
                                       .file = __FILE__,
                                       .place = MR_TASK_COMMAND,
                                       .options = work_table,
                                       .size = sizeof(work_options),
                                       .command = work_command,
                                       .waits = true};
typedef struct child_options {
    const char *conn;
} child_options;

static const mr_option child_table[] = {
    MR_OPTION(child_options, conn, MR_OPT_TEXT, "", "By which connection."),
    MR_OPTION_END,
};
static const mr_task_type kind_child = {.name = "child",
                                        .doc = "Works in this program.",
                                        .file = __FILE__,
                                        .place = MR_TASK_CHILD,
                                        .options = child_table,
                                        .size = sizeof(child_options)};
static const mr_task_type kind_noop = {.name = "noop",
                                       .doc = "Does nothing.",
                                       .file = __FILE__,
                                       .place = MR_TASK_HERE,
                                       .options = no_options};
static const mr_task_type kind_branch = {.name = "branch",
                                         .doc = "Chooses.",
                                         .file = __FILE__,
                                         .place = MR_TASK_HERE,
                                         .options = branch_table,
                                         .nested = branch_nested,
                                         .size = sizeof(branch_options)};
static const mr_task_type kind_dag = {.name = "dag",
                                      .doc = "Runs another.",
                                      .file = __FILE__,
                                      .place = MR_TASK_HERE,
                                      .options = dag_table,
                                      .nested = dag_nested,
                                      .size = sizeof(dag_options)};
static const mr_task_type *const kinds[] = {&kind_work, &kind_poke,   &kind_child, &kind_noop,
                                            &kind_dag,  &kind_branch, NULL};

// ---- the executor
// --------------------------------------------------------------------------------

static world *of(mr_executor *self) {
    return (world *)self;
}

static world_try *find_dir(world *w, const char *dir) {
    for (uint32_t i = 0; i < w->try_count; i++) {
        if (strcmp(w->tries[i].dir, dir) == 0) {
            return &w->tries[i];
        }
    }
    return NULL;
}

static mr_code fake_start(mr_executor *self, uint64_t token, const char *dir, mr_cx *cx) {
    world *w = of(self);
    (void)cx;
    world_try *try = find_dir(w, dir);
    bool again = try != NULL && try->exit.reason == MR_EXIT_CODE &&
                 try->exit.code == MR_TASK_EXIT_WAITING && !try->running;
    if (try != NULL && !again) {
        w->broken_rules++;
        return MR_OK;
    }
    if (try == NULL) {
        mr_assert(w->try_count < WORLD_TRIES);
        try = &w->tries[w->try_count++];
        try->dir = mr_heap_string(dir);
        const char *logs = strstr(dir, "/flow/logs/");
        try->name = mr_heap_string(logs == NULL ? dir : logs + strlen("/flow/logs/"));
        w->broken_rules += w->check == NULL || w->check(w, try->name) ? 0 : 1;
    }
    try->token = token;
    try->starts++;
    try->running = true;
    try->told = false;
    try->stop = false;
    return MR_OK;
}

static mr_code fake_adopt(mr_executor *self, uint64_t token, const char *dir, bool *ret_known,
                          mr_cx *cx) {
    (void)cx;
    world_try *try = find_dir(of(self), dir);
    *ret_known = try != NULL;
    if (try != NULL) {
        try->token = token;
        try->told = false;
    }
    return MR_OK;
}

static void fake_stop(mr_executor *self, uint64_t token, mr_cx *cx) {
    world *w = of(self);
    (void)cx;
    for (uint32_t i = 0; i < w->try_count; i++) {
        world_try *try = &w->tries[i];
        if (try->token == token && try->running) {
            try->stop = true;
            if (!w->stubborn) {
                try->running = false;
                try->exit = (mr_try_exit){.reason = MR_EXIT_STOPPED, .code = 15};
            }
        }
    }
}

static bool fake_ended(mr_executor *self, uint64_t *ret_token, mr_try_exit *ret, mr_cx *cx) {
    world *w = of(self);
    (void)cx;
    for (uint32_t i = 0; i < w->try_count; i++) {
        world_try *try = &w->tries[i];
        if (!try->running && !try->told) {
            try->told = true;
            *ret_token = try->token;
            *ret = try->exit;
            return true;
        }
    }
    return false;
}

static int fake_handle(const mr_executor *self) {
    (void)self;
    return -1;
}

static void fake_close(mr_executor *self, mr_cx *cx) {
    (void)self;
    (void)cx;
}

static const mr_executor_type fake_type = {.start = fake_start,
                                           .adopt = fake_adopt,
                                           .stop = fake_stop,
                                           .ended = fake_ended,
                                           .handle = fake_handle,
                                           .close = fake_close};

// ---- life
// ----------------------------------------------------------------------------------------

int64_t world_time(const char *clock) {
    int64_t us = 0;
    mr_assert(mr_civil_parse(clock, strlen(clock), NULL, &us));
    return us;
}

static void say(void *self, const char *line) {
    world *w = self;
    mr_text_addf(&w->said, "%s\n", line);
}

bool world_init(world *w, const char *clock) {
    memset(w, 0, sizeof(*w));
    w->executor.type = &fake_type;
    w->tries = mr_heap_alloc(sizeof(world_try) * WORLD_TRIES);
    // In memory where that can be had: these tests commit thousands of times.
    bool fast = access("/dev/shm", W_OK) == 0;
    const char *pattern = fast ? "/dev/shm/millrace-flow-XXXXXX" : "/tmp/millrace-flow-XXXXXX";
    memcpy(w->dir, pattern, strlen(pattern) + 1);
    if (mkdtemp(w->dir) == NULL) {
        return false;
    }
    w->machine = mr_virtual_new(mr_plat_linux(), world_time(clock), &w->arena);
    mr_cx_init(&w->cx, &w->arena, mr_virtual_plat(w->machine));
    mr_virtual_live(w->machine, UINT32_MAX);
    mr_virtual_advance(w->machine, 0);
    mr_option_values none = {0};
    return EXPECT_OK(mr_option_apply(mr_flow_options, &none, NULL, &w->settings, &w->cx)) &&
           EXPECT_OK(mr_dir_make(mr_arena_printf(&w->arena, "%s/dags", w->dir), &w->cx));
}

void world_release(world *w) {
    world_close(w);
    for (uint32_t i = 0; i < w->try_count; i++) {
        mr_heap_free(w->tries[i].dir);
        mr_heap_free(w->tries[i].name);
    }
    mr_heap_free(w->tries);
    mr_text_release(&w->said);
    mr_virtual_live(w->machine, UINT32_MAX);
    EXPECT_OK(mr_dir_delete(w->dir, &w->cx));
    EXPECT_EQ(w->broken_rules, 0);
    mr_arena_release(&w->arena);
}

void world_file(world *w, const char *name, const char *text) {
    const char *path = mr_arena_printf(&w->arena, "%s/dags/%s", w->dir, name);
    if (text == NULL) {
        EXPECT_OK(mr_file_delete(path, &w->cx));
    } else {
        EXPECT_OK(mr_file_save(path, mr_span_of(text), &w->cx));
    }
}

bool world_open(world *w) {
    mr_flow_spec spec = {
        .data_dir = mr_arena_printf(&w->arena, "%s/data", w->dir),
        .dags_dir = mr_arena_printf(&w->arena, "%s/dags", w->dir),
        .settings = &w->settings,
        .kinds = kinds,
        .executor = w->offline ? NULL : &w->executor,
        .say = say,
        .self = w,
    };
    w->code = mr_flow_open(&spec, &w->flow, &w->cx);
    if (w->code != MR_OK) {
        w->flow = NULL;
    }
    return w->code == MR_OK;
}

void world_close(world *w) {
    if (w->flow != NULL) {
        mr_flow_close(w->flow, &w->cx);
    }
    w->flow = NULL;
}

static bool has_news(const world *w) {
    for (uint32_t i = 0; i < w->try_count; i++) {
        if (!w->tries[i].running && !w->tries[i].told) {
            return true;
        }
    }
    return false;
}

void world_turn(world *w) {
    do {
        w->code = mr_flow_turn(w->flow, &w->next_us, &w->cx);
    } while (w->code == MR_OK && (w->next_us <= mr_clock_real_us(w->cx.plat) || has_news(w)));
}

void world_at(world *w, const char *clock) {
    int64_t until_us = world_time(clock);
    world_turn(w);
    while (w->code == MR_OK && mr_clock_real_us(w->cx.plat) < until_us) {
        int64_t now_us = mr_clock_real_us(w->cx.plat);
        int64_t to_us = MR_MAX(MR_MIN(w->next_us, until_us), now_us + 1);
        mr_virtual_advance(w->machine, to_us - now_us);
        world_turn(w);
    }
}

void world_jump(world *w, const char *clock) {
    mr_virtual_set_clock(w->machine, world_time(clock));
    world_turn(w);
}

// ---- tasks
// ---------------------------------------------------------------------------------------

world_try *world_find(world *w, const char *task) {
    for (uint32_t i = 0; i < w->try_count; i++) {
        if (w->tries[i].running && strstr(w->tries[i].name, task) != NULL) {
            return &w->tries[i];
        }
    }
    return NULL;
}

uint32_t world_running(const world *w) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->try_count; i++) {
        count += w->tries[i].running ? 1 : 0;
    }
    return count;
}

uint32_t world_starts(const world *w, const char *task) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->try_count; i++) {
        count += strstr(w->tries[i].name, task) != NULL ? w->tries[i].starts : 0;
    }
    return count;
}

void world_end_by(world *w, const char *task, mr_exit_reason reason, int32_t code) {
    world_try *try = world_find(w, task);
    if (!EXPECT(try != NULL)) {
        return;
    }
    try->running = false;
    try->exit = (mr_try_exit){.reason = reason, .code = code};
    world_turn(w);
}

void world_end(world *w, const char *task, int32_t code) {
    world_end_by(w, task, MR_EXIT_CODE, code);
}

void world_put(world *w, const char *task, const char *outputs) {
    world_try *try = world_find(w, task);
    if (EXPECT(try != NULL)) {
        const char *path = mr_arena_printf(&w->arena, "%s/output", try->dir);
        EXPECT_OK(mr_file_save(path, mr_span_of(outputs), &w->cx));
    }
}

// ---- looking
// -------------------------------------------------------------------------------------

const char *world_ask(world *w, const char *request) {
    mr_text *out = MR_NEW(&w->arena, mr_text);
    mr_text_init(out, &w->arena);
    mr_flow_answer(w->flow, mr_span_of(request), out, &w->cx);
    return mr_text_string(out);
}

static mr_record_run *list_runs(world *w, const char *dag, uint32_t *ret_count) {
    mr_record_filter filter = {.dag = dag, .limit = 100000};
    mr_record_run *runs = NULL;
    *ret_count = 0;
    EXPECT_OK(mr_record_runs(w->flow->record, &filter, &runs, ret_count, &w->cx));
    return runs;
}

uint32_t world_runs(world *w, const char *dag) {
    uint32_t count;
    (void)list_runs(w, dag, &count);
    return count;
}

const char *world_run(world *w, const char *dag, uint32_t n) {
    uint32_t count;
    mr_record_run *runs = list_runs(w, dag, &count);
    if (n >= count) {
        return "";
    }
    const mr_record_run *run = &runs[count - 1 - n];
    mr_record_rows rows = {0};
    mr_text *out = MR_NEW(&w->arena, mr_text);
    mr_text_init(out, &w->arena);
    mr_text_addf(out, "%s %s", run->run_id, mr_run_state_text(run->state));
    EXPECT_OK(mr_record_run_whole(w->flow->record, run->id, &rows, &w->cx));
    for (uint32_t i = 0; i < rows.task_count; i++) {
        mr_text_addf(out, " %s", rows.tasks[i].task);
        if (rows.tasks[i].map_index >= 0) {
            mr_text_addf(out, ".%" PRId32, rows.tasks[i].map_index);
        }
        mr_text_addf(out, "=%s", mr_task_state_text(rows.tasks[i].state));
    }
    return mr_text_string(out);
}
