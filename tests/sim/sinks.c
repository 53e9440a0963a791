// Sinks on a machine that fails: every operation of begin, write, prepare, publish, recover and
// sweep is struck in turn, by each fault; the commit record is kept by the test, which starts the
// sink again as a driver does. At every start no file of the table may be torn, and in the end the
// files must be those of a run without faults, byte for byte.

#include "runner.h"

#include <stdio.h>
#include <string.h>

#include "conn/conn.h"
#include "plat/sim.h"

#define EPOCHS      3
#define ROWS        40
#define ROUNDS_MAX  40
#define SEEDS       12
#define FAULT_KINDS 5

typedef struct file {
    const char *path;
    mr_span content;
} file;

typedef struct world {
    mr_arena arena;  // Of the test: what is committed is remembered here.
    mr_plat *plat;
    const mr_sink_type *type;
    mr_column columns[2];
    mr_schema schema;
    mr_option_value options[1];
    mr_option_values values;
    mr_sink_spec spec;
    mr_publication committed[EPOCHS];
    uint32_t committed_count;
    uint32_t published_count;
    mr_sink *sink;
    uint32_t starts;
} world;

static void world_init(world *w, const mr_sink_type *type, uint64_t seed) {
    memset(w, 0, sizeof(*w));
    w->plat = mr_sim_new(seed);
    w->type = type;
    w->columns[0] = (mr_column){.name = "id", .type = MR_TYPE(MR_INT64)};
    w->columns[1] = (mr_column){.name = "country", .type = MR_TYPE(MR_TEXT)};
    w->schema = (mr_schema){w->columns, 2};
    w->options[0] = (mr_option_value){"partition_by", "country", MR_NOWHERE};
    w->values =
        (mr_option_values){.items = w->options, .count = type == &mr_sink_test_token ? 0 : 1};
    w->spec = (mr_sink_spec){.table = "t",
                             .pipeline = "p",
                             .schema = &w->schema,
                             .options = &w->values,
                             .data_dir = "data"};
}

static void sink_close(world *w) {
    if (w->sink != NULL) {
        w->type->close(w->sink);
        mr_heap_free(w->sink);
        w->sink = NULL;
    }
}

static void world_release(world *w) {
    sink_close(w);
    mr_sim_free(w->plat);
    mr_arena_release(&w->arena);
}

static mr_batch rows_of(world *w, uint64_t epoch, mr_arena *arena) {
    static const char *const countries[] = {"IN", "US", "DE"};
    mr_batch batch = mr_batch_new(arena, 2, ROWS);
    batch.columns[0] = mr_vector_flat(arena, w->columns[0].type, ROWS);
    batch.columns[1] = mr_vector_flat(arena, w->columns[1].type, ROWS);
    for (uint32_t i = 0; i < ROWS; i++) {
        batch.columns[0].int64s[i] = (int64_t)(epoch * 1000 + i);
        batch.columns[1].strs[i] = (mr_str){.data = countries[(i + epoch) % 3], .bytes = 2};
    }
    return batch;
}

// ---- looking at the table --------------------------------------------------------------------

typedef struct listing {
    file files[64];
    uint32_t count;
} listing;

static mr_code list(world *w, const char *dir, listing *out, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    mr_code code = mr_dir_list(dir, &entries, &count, cx);
    if (code == MR_E_MISSING) {
        return MR_OK;
    }
    MR_TRY(code);
    for (size_t i = 0; i < count; i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name);
        if (entries[i].name[0] == '.') {
            continue;
        }
        if (entries[i].is_dir) {
            MR_TRY(list(w, path, out, cx));
        } else if (mr_sim_get(w->plat, path, &out->files[out->count].content)) {
            out->files[out->count++].path = path;
        }
    }
    return MR_OK;
}

static const file *find(const listing *in, const char *path) {
    for (uint32_t i = 0; i < in->count; i++) {
        if (strcmp(in->files[i].path, path) == 0) {
            return &in->files[i];
        }
    }
    return NULL;
}

// Every file there is whole. The file of the outside system may be torn until the next publish.
static bool none_torn(world *w, const listing *clean, mr_cx *cx) {
    listing now = {.count = 0};
    bool ok = list(w, "data/lake/t", &now, cx) == MR_OK;
    for (uint32_t i = 0; i < now.count && w->type != &mr_sink_test_token; i++) {
        const file *whole = find(clean, now.files[i].path);
        ok = ok && whole != NULL && mr_span_equal(whole->content, now.files[i].content);
    }
    return ok;
}

static bool same_files(world *w, const listing *clean, mr_cx *cx) {
    listing now = {.count = 0};
    bool ok = list(w, "data/lake/t", &now, cx) == MR_OK && now.count == clean->count;
    for (uint32_t i = 0; i < now.count && ok; i++) {
        const file *whole = find(clean, now.files[i].path);
        ok = whole != NULL && mr_span_equal(whole->content, now.files[i].content);
    }
    return ok;
}

// ---- a life ----------------------------------------------------------------------------------

static mr_publication remembered(const mr_publication *in, mr_arena *arena) {
    mr_publication out = *in;
    out.id.pipeline = "p";
    out.files = MR_NEW_ARRAY(arena, mr_publication_file, in->file_count);
    for (uint32_t i = 0; i < in->file_count; i++) {
        out.files[i] = in->files[i];
        out.files[i].part = mr_arena_string(arena, in->files[i].part);
        out.files[i].final = mr_arena_string(arena, in->files[i].final);
    }
    return out;
}

static mr_code sink_start(world *w, mr_cx *cx) {
    sink_close(w);
    w->starts++;
    w->sink = mr_heap_alloc(w->type->size);
    w->sink->type = w->type;
    MR_TRY(w->type->open(w->sink, &w->spec, cx));
    // A record does not say what came after it, so published epochs are gone through again.
    for (uint32_t i = 0; i < w->committed_count; i++) {
        MR_TRY(w->type->recover(w->sink, &w->committed[i], cx));
    }
    w->published_count = w->committed_count;
    return w->type->sweep(w->sink, cx);
}

static mr_code stage(world *w, uint64_t epoch, mr_publication *ret, mr_cx *cx) {
    mr_publication_id id = {"p", 7, epoch, 1};
    mr_batch batch = rows_of(w, epoch, cx->arena);
    MR_TRY(w->type->begin(w->sink, &id, cx));
    MR_TRY(w->type->write(w->sink, &batch, cx));
    return w->type->prepare(w->sink, ret, cx);
}

static mr_code go_on(world *w, mr_cx *cx) {
    while (w->published_count < EPOCHS) {
        if (w->published_count == w->committed_count) {
            mr_publication publication;
            mr_code code = stage(w, w->committed_count + 1, &publication, cx);
            if (code != MR_OK) {
                w->type->abort(w->sink, cx);
                return code;
            }
            w->committed[w->committed_count++] = remembered(&publication, &w->arena);
        }
        MR_TRY(w->type->publish(w->sink, &w->committed[w->published_count], cx));
        w->published_count++;
    }
    return MR_OK;
}

// Runs to the end, starting again after what goes wrong. False when it does not get there.
static bool live(world *w, const listing *clean) {
    for (uint32_t round = 0; round < ROUNDS_MAX; round++) {
        mr_arena arena = {0};
        mr_cx cx;
        mr_cx_init(&cx, &arena, w->plat);
        mr_code code = w->sink == NULL ? sink_start(w, &cx) : MR_OK;
        code = code == MR_OK ? go_on(w, &cx) : code;
        bool again = code == MR_E_FULL && (cx.error.flags & MR_RETRY) != 0;
        if (code != MR_OK && code != MR_E_CRASH && code != MR_E_FULL && code != MR_E_IO) {
            printf("%s: %s\n", mr_error_code_text(code), cx.error.text);
            mr_arena_release(&arena);
            return false;
        }
        if (code != MR_OK && !(again && w->sink != NULL && !mr_sim_down(w->plat))) {
            sink_close(w);
            mr_sim_restart(w->plat);
            mr_cx_init(&cx, &arena, w->plat);
            if (clean != NULL && !none_torn(w, clean, &cx)) {
                mr_arena_release(&arena);
                return false;
            }
        }
        mr_arena_release(&arena);
        if (code == MR_OK) {
            return true;
        }
    }
    return false;
}

// ---- the sweep -------------------------------------------------------------------------------

static const mr_sim_fault faults[FAULT_KINDS] = {MR_SIM_POWER_CUT, MR_SIM_KILL, MR_SIM_NO_SPACE,
                                                 MR_SIM_SYNC_ERROR, MR_SIM_WRITE_ERROR};

// Strikes operation n, and one a little later: recovery is struck too.
static bool strike(const mr_sink_type *type, uint64_t seed, uint64_t n, const listing *clean) {
    world w;
    world_init(&w, type, seed);
    mr_sim_fault first = faults[seed % FAULT_KINDS];
    mr_sim_fault second = faults[seed / FAULT_KINDS % FAULT_KINDS];
    if (first == MR_SIM_SYNC_ERROR && second == MR_SIM_KILL) {
        // They could meet: a process killed inside a sync that fails leaves nobody who knows of it.
        second = MR_SIM_POWER_CUT;
    }
    mr_sim_fault_at(w.plat, n, first);
    mr_sim_fault_at(w.plat, n + 1 + seed % 17, second);
    bool ok = live(&w, clean);
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, w.plat);
    mr_sim_restart(w.plat);  // What was published has to stay.
    ok = ok && same_files(&w, clean, &cx);
    ok = ok && w.starts > 0;
    if (!ok) {
        printf("sink %s, seed %llu, operation %llu\n", type->name, (unsigned long long)seed,
               (unsigned long long)n);
    }
    mr_arena_release(&arena);
    world_release(&w);
    return ok;
}

static void sweep(const mr_sink_type *type, uint32_t files) {
    world w;
    world_init(&w, type, 1);
    REQUIRE(live(&w, NULL));
    uint64_t operations = mr_sim_operations(w.plat);
    EXPECT(operations > 15);
    listing clean = {.count = 0};
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, w.plat);
    EXPECT_OK(list(&w, "data/lake/t", &clean, &cx));
    EXPECT_EQ(clean.count, files);
    EXPECT_EQ(w.starts, 1);
    uint32_t failures = 0;
    for (uint64_t seed = 0; seed < SEEDS * FAULT_KINDS; seed++) {
        for (uint64_t n = 1; n <= operations && failures < 3; n++) {
            failures += !strike(type, seed, n, &clean);
        }
    }
    EXPECT_EQ(failures, 0);
    mr_arena_release(&arena);
    world_release(&w);
}

TEST(sim_sinks, jsonl_is_exact_whatever_fails) {
    sweep(&mr_sink_jsonl, 9);
}

TEST(sim_sinks, parquet_is_exact_whatever_fails) {
    sweep(&mr_sink_parquet, 9);
}

TEST(sim_sinks, token_is_exact_whatever_fails) {
    sweep(&mr_sink_test_token, 1);
}
