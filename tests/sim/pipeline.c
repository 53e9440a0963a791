// Pipeline: the whole engine on a simulated machine that fails; every seed is another life.
//
// A seed chooses an input (copies, late rows, bad records), settings (sizes of batches, chunks and
// epochs, triggers, when the log is shortened) and a schedule of faults: power cuts and kills at
// the n-th operation, torn writes, lost folder entries, ENOSPC, EIO, failed syncs, short writes.
// The pipeline is started again until it reaches the end. Then every table, bad and late rows
// included, must hold the rows of a run without faults, each once; and whenever the machine comes
// up, no table may hold a row twice or a line that is torn. SEED=n repeats one seed; SIM_SEEDS=n
// runs n of them, SIM_SWEEPS=n strikes every operation of n.
//
// Half of the lives are quiet ones: the input comes in phases, an hour of events apart, and the run
// follows it for some seconds, in which the clock alone closes windows (idle_timeout, emit_timeout)
// that hand their rows to wider ones. No event is late there, since no clock gets an hour ahead, so
// the rows of a run without faults and without pauses are the right ones again.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "conn/conn.h"
#include "job/job.h"
#include "plat/sim.h"
#include "runner.h"

#define SEEDS_DEFAULT 3000  // With the sweeps more than 10,000 lives; the soak has 100,000.
#define SWEEP_SEEDS   2  // Seeds whose every operation is struck in turn: a plain and a quiet life.
#define ROUNDS_MAX    200
#define FAULTS_MAX    6
#define PHASES        3  // Of a quiet life.
#define PHASE_MS      3600000

static const char *const tables[] = {"metrics", "raw", "coarse", "events_bad", "events_late"};
#define TABLE_COUNT MR_COUNT(tables)

static const char pipeline_text[] =
    "CREATE SERVER f FOREIGN DATA WRAPPER file;\n"
    "CREATE SERVER o FOREIGN DATA WRAPPER jsonl;\n"
    "CREATE FOREIGN TABLE events (id text, user_id int, amount double precision, country text,\n"
    "  t timestamptz OPTIONS (watermark '5 seconds'${TIMEOUTS}))\n"
    "  SERVER f OPTIONS (path 'in/events.jsonl', format 'json');\n"
    "CREATE TABLE users (user_id int PRIMARY KEY, segment text);\n"
    "INSERT INTO users VALUES (1, 'new'), (2, 'old'), (3, 'old');\n"
    "CREATE VIEW cleaned WITH (state_ttl = '15 seconds') AS\n"
    "  SELECT DISTINCT ON (id) id, user_id, coalesce(amount, 0.0) AS amount,\n"
    "    coalesce(upper(country), 'UNKNOWN') AS country, t FROM events;\n"
    "CREATE VIEW enriched AS SELECT c.*, u.segment FROM cleaned c LEFT JOIN users u USING "
    "(user_id);\n"
    "CREATE FOREIGN TABLE metrics () SERVER o OPTIONS (trigger '${TRIGGER}');\n"
    "INSERT INTO metrics\n"
    "  SELECT window_start, country, segment, sum(amount) AS s, count(*) AS n, max(t) AS last,\n"
    "    approx_count_distinct(id) AS ids\n"
    "  FROM hop(enriched, t, interval '5 seconds', interval '10 seconds')\n"
    "  GROUP BY window_start, window_end, country, segment;\n"
    "CREATE FOREIGN TABLE raw () SERVER o OPTIONS (trigger '0 seconds', partition_by 'country');\n"
    "INSERT INTO raw SELECT id, user_id, amount, t, country FROM cleaned WHERE user_id > 0;\n"
    "CREATE VIEW seconds AS SELECT window_start AS second, sum(amount) AS s\n"
    "  FROM tumble(events, t, interval '2 seconds') GROUP BY window_start, window_end;\n"
    "CREATE FOREIGN TABLE coarse () SERVER o OPTIONS (trigger '3 seconds');\n"
    "INSERT INTO coarse SELECT window_start, sum(s) AS s, count(*) AS n\n"
    "  FROM tumble(seconds, second, interval '${COARSE}') GROUP BY window_start, window_end;\n";

static uint64_t random_next(uint64_t *state) {
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static uint32_t random_below(uint64_t *state, uint32_t bound) {
    return (uint32_t)(random_next(state) % bound);
}

static uint64_t env_number(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text == NULL || text[0] == '\0' ? otherwise : strtoull(text, NULL, 10);
}

// ---- a life ------------------------------------------------------------------------------------

typedef struct life {
    uint64_t seed;
    uint64_t random;
    mr_arena arena;  // Of the whole life: input, expected rows.
    mr_cx cx;
    mr_plat *plat;
    mr_span input;
    bool quiet;
    uint32_t part_count;
    size_t parts[PHASES];  // Bytes of the input that are there, before all of it is.
    mr_job_pair settings[8];
    uint32_t setting_count;
    mr_job_pair sets[3];
    const char *expected[TABLE_COUNT];
    uint64_t operations;  // Of the run without faults.
    uint32_t rounds;
    char faults[256];  // As they were scheduled.
    char why[1280];    // It failed.
} life;

static void life_fail(life *l, const char *what, const char *detail) {
    if (l->why[0] == '\0') {
        (void)snprintf(l->why, sizeof l->why, "%.200s: %.1000s", what, detail);
    }
}

static void event_make(life *l, mr_text *text, const char *id, int64_t at_ms) {
    static const char *const countries[] = {"\"in\"", "\"us\"", "null", "\"De\""};
    mr_text_addf(text, "{\"id\":\"%s\",\"user_id\":%u,\"amount\":%u.25,\"country\":%s,", id,
                 random_below(&l->random, 5), random_below(&l->random, 100),
                 countries[random_below(&l->random, 4)]);
    mr_text_add(text, "\"t\":\"");
    mr_civil_print_iso(text, at_ms * 1000);
    mr_text_add(text, "\"}\n");
}

// Rows of one phase; late ones only where no clock decides what is late.
static void phase_make(life *l, mr_text *text, uint32_t phase, uint32_t rows) {
    int64_t time_ms = 1767225600000 + random_below(&l->random, 7000) + phase * (int64_t)PHASE_MS;
    uint32_t half = random_below(&l->random, rows);
    for (uint32_t i = 0; i < rows; i++) {
        if (i == half && !l->quiet) {
            l->parts[l->part_count++] = text->bytes;
        }
        time_ms += random_below(&l->random, 2500);
        int64_t at_ms = time_ms;
        if (random_below(&l->random, 5) == 0) {  // Out of order.
            at_ms -= random_below(&l->random, l->quiet ? 4000 : 20000);
        }
        uint32_t kind = random_below(&l->random, 24);
        if (kind == 0) {
            mr_text_add(text, "{\"id\": \"torn\n");
        } else if (kind == 1) {
            mr_text_addf(text, "{\"id\":\"x%u\",\"user_id\":\"no number\"}\n", i);
        } else if (kind == 2) {
            mr_text_addf(text, "{\"id\":\"x%u\",\"user_id\":2,\"amount\":1}\n", i);
        } else {
            // An id of another phase would be a copy or not as the clock went.
            event_make(l, text,
                       mr_arena_printf(&l->arena, "e%u.%u", phase, random_below(&l->random, rows)),
                       at_ms);
        }
    }
}

static void input_make(life *l) {
    mr_text text;
    mr_text_init(&text, &l->arena);
    uint32_t rows = 20 + random_below(&l->random, 40);
    if (!l->quiet) {
        phase_make(l, &text, 0, rows);
    }
    for (uint32_t phase = 0; phase < PHASES && l->quiet; phase++) {
        phase_make(l, &text, phase, rows / PHASES);
        l->parts[l->part_count++] = text.bytes;
    }
    l->input = mr_text_span(&text);
}

static void setting(life *l, const char *name, uint32_t value) {
    l->settings[l->setting_count++] = (mr_job_pair){name, mr_arena_printf(&l->arena, "%u", value)};
}

// What is part of the query, and so stays for a life.
static void query_make(life *l) {
    static const char *const coarse[] = {"6 seconds", "30 seconds", "3 hours"};
    const char *timeouts = "";
    if (l->quiet) {
        uint32_t idle_ms = random_below(&l->random, 3000);
        uint32_t emit_ms = random_below(&l->random, 4000);
        bool emits = random_below(&l->random, 4) > 0;
        timeouts = mr_arena_printf(&l->arena, ", idle_timeout '%u milliseconds'", idle_ms);
        timeouts = emits ? mr_arena_printf(&l->arena, "%s, emit_timeout '%u milliseconds'",
                                           timeouts, emit_ms)
                         : timeouts;
    }
    l->sets[1] = (mr_job_pair){"TIMEOUTS", timeouts};
    l->sets[2] =
        (mr_job_pair){"COARSE", l->quiet ? coarse[random_below(&l->random, 3)] : "6 seconds"};
}

static void settings_make(life *l) {
    static const char *const triggers[] = {"0 seconds", "300 milliseconds", "2 seconds",
                                           "30 seconds"};
    l->setting_count = 0;
    setting(l, "exec.workers", 1);
    setting(l, "exec.batch_rows", 1 + random_below(&l->random, 7));
    setting(l, "exec.chunk_bytes", 40 + random_below(&l->random, 600));
    setting(l, "exec.epoch_rows", 1 + random_below(&l->random, 15));
    uint32_t log_bytes = 1u << (10 + random_below(&l->random, 10));
    setting(l, "exec.log_bytes", random_below(&l->random, 2) == 0 ? 0 : log_bytes);
    l->settings[l->setting_count++] = (mr_job_pair){"exec.aside_format", "jsonl"};
    l->settings[l->setting_count++] =
        (mr_job_pair){"exec.aside_trigger", triggers[random_below(&l->random, MR_COUNT(triggers))]};
    l->sets[0] = (mr_job_pair){"TRIGGER", triggers[random_below(&l->random, MR_COUNT(triggers))]};
}

static void on_progress(void *self, const mr_progress *progress) {
    life *l = self;
    (void)progress;
    mr_sim_clock_advance(l->plat, random_below(&l->random, 2000000));
}

static mr_code run_once(life *l, mr_until until, bool *ret_ended, mr_error *ret_error) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, l->plat);
    mr_job_spec spec = {.file = "case.sql",
                        .text = mr_span_of(pipeline_text),
                        .data_dir = "data",
                        .port = &mr_conn_port,
                        .sets = l->sets,
                        .set_count = MR_COUNT(l->sets),
                        .config = l->settings,
                        .config_count = l->setting_count,
                        .until = until,
                        .duration_us = until == MR_UNTIL_STOPPED
                                           ? 1 + random_below(&l->random, 8 * MR_SECOND_US)
                                           : 0,
                        .progress = on_progress,
                        .self = l};
    mr_job *job;
    mr_sql_errors errors;
    *ret_ended = false;
    mr_code code = mr_job_load(&spec, &job, &errors, &cx);
    if (code == MR_OK) {
        code = mr_job_run(job, ret_ended, &cx);
    }
    *ret_error = cx.error;
    mr_job_close(job, &cx);
    mr_arena_release(&arena);
    return code;
}

// ---- what is published -------------------------------------------------------------------------

static mr_code collect(const char *dir, mr_text *out, mr_cx *cx) {
    if (!mr_file_exists(dir, cx)) {
        return MR_OK;
    }
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].name[0] == '.') {
            continue;
        }
        const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name);
        if (entries[i].is_dir) {
            mr_text before = {0};
            mr_text_init(&before, cx->arena);
            MR_TRY(collect(path, &before, cx));
            // A row keeps the partition it lies in.
            for (mr_span rest = mr_text_span(&before); rest.bytes > 0;) {
                const char *end = memchr(rest.data, '\n', rest.bytes);
                size_t bytes = end == NULL ? rest.bytes : (size_t)(end - rest.data);
                mr_text_addf(out, "%s %.*s\n", entries[i].name, (int)bytes, rest.data);
                rest.data += MR_MIN(bytes + 1, rest.bytes);
                rest.bytes -= MR_MIN(bytes + 1, rest.bytes);
            }
            continue;
        }
        mr_span text;
        if (mr_sim_get(cx->plat, path, &text)) {  // No operation, so no fault strikes it.
            mr_text_add_bytes(out, text.data, text.bytes);
        }
    }
    return MR_OK;
}

static int compare_spans(const void *a, const void *b) {
    return mr_span_compare(*(const mr_span *)a, *(const mr_span *)b);
}

static mr_span *lines_sorted(mr_span text, size_t *ret_count, mr_arena *arena) {
    size_t most = 1;
    for (size_t i = 0; i < text.bytes; i++) {
        most += text.data[i] == '\n';
    }
    mr_span *lines = MR_NEW_ARRAY(arena, mr_span, most);
    size_t count = 0;
    while (text.bytes > 0) {
        const char *end = memchr(text.data, '\n', text.bytes);
        size_t bytes = end == NULL ? text.bytes : (size_t)(end - text.data);
        lines[count++] = (mr_span){text.data, bytes};
        text.data += MR_MIN(bytes + 1, text.bytes);
        text.bytes -= MR_MIN(bytes + 1, text.bytes);
    }
    qsort(lines, count, sizeof *lines, compare_spans);
    *ret_count = count;
    return lines;
}

static const char *table_read(life *l, uint32_t table, mr_arena *arena) {
    mr_arena scratch = {0};
    mr_cx cx;
    mr_cx_init(&cx, &scratch, l->plat);
    mr_text text;
    mr_text_init(&text, &scratch);
    if (collect(mr_arena_printf(&scratch, "data/lake/%s", tables[table]), &text, &cx) != MR_OK) {
        life_fail(l, "reading a table", cx.error.text);
    }
    size_t count;
    mr_span *lines = lines_sorted(mr_text_span(&text), &count, &scratch);
    mr_text sorted;
    mr_text_init(&sorted, &scratch);
    for (size_t i = 0; i < count; i++) {
        mr_text_add_bytes(&sorted, lines[i].data, lines[i].bytes);
        mr_text_add_char(&sorted, '\n');
    }
    char *ret = mr_arena_string(arena, mr_text_string(&sorted));
    mr_arena_release(&scratch);
    return ret;
}

// At any moment: what readers see is among the expected rows, no row more often than there.
static void check_subset(life *l) {
    mr_arena arena = {0};
    for (uint32_t t = 0; t < TABLE_COUNT; t++) {
        size_t got_count;
        size_t want_count;
        mr_span *got = lines_sorted(mr_span_of(table_read(l, t, &arena)), &got_count, &arena);
        mr_span *want = lines_sorted(mr_span_of(l->expected[t]), &want_count, &arena);
        size_t w = 0;
        for (size_t g = 0; g < got_count; g++, w++) {
            while (w < want_count && mr_span_compare(want[w], got[g]) < 0) {
                w++;
            }
            if (w == want_count || mr_span_compare(want[w], got[g]) != 0) {
                life_fail(
                    l, tables[t],
                    mr_arena_printf(&arena, "a row too many, or torn: %.*s", MR_SPAN_ARGS(got[g])));
                break;
            }
        }
    }
    mr_arena_release(&arena);
}

static void check_equal(life *l, const char *when) {
    mr_arena arena = {0};
    for (uint32_t t = 0; t < TABLE_COUNT; t++) {
        const char *got = table_read(l, t, &arena);
        if (strcmp(got, l->expected[t]) != 0) {
            life_fail(l, tables[t], when);
            if (env_number("SEED", 0) != 0) {
                printf("--- table %s %s: expected\n%s--- got\n%s", tables[t], when, l->expected[t],
                       got);
            }
        }
    }
    mr_arena_release(&arena);
}

// ---- lives -------------------------------------------------------------------------------------

static void life_begin(life *l, uint64_t seed) {
    *l = (life){.seed = seed, .random = seed * 0x2545F4914F6CDD1Du + 1, .quiet = seed % 2 == 0};
    query_make(l);
    input_make(l);
}

static void machine_new(life *l, uint64_t seed, mr_span input) {
    l->plat = mr_sim_new(seed);
    mr_sim_put(l->plat, "in/events.jsonl", input);
}

// The expected rows: one run, no faults, with settings of its own.
static void run_expected(life *l) {
    settings_make(l);
    machine_new(l, l->seed, l->input);
    bool ended;
    mr_error error;
    if (run_once(l, MR_UNTIL_END, &ended, &error) != MR_OK || !ended) {
        life_fail(l, "run without faults", error.text);
    }
    for (uint32_t t = 0; t < TABLE_COUNT; t++) {
        l->expected[t] = table_read(l, t, &l->arena);
    }
    l->operations = mr_sim_operations(l->plat);
    mr_sim_free(l->plat);
}

// A folder that cannot be synced: real file systems stop taking changes until they are mounted
// anew, and so the machine is restarted. (A file that cannot be synced is another matter: its pages
// are dropped, and everything else goes on.)
static bool folder_sync_failed(const life *l, const mr_error *error) {
    const char *path = strchr(error->text, '"');
    const char *end = path == NULL ? NULL : strchr(path + 1, '"');
    if (end == NULL || (error->flags & MR_FATAL) == 0) {
        return false;
    }
    char name[512];
    (void)snprintf(name, sizeof name, "%.*s", (int)(end - path - 1), path + 1);
    mr_stat stat;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, l->plat);
    bool is_dir = mr_file_stat(name, &stat, &cx) == MR_OK && stat.is_dir;
    mr_arena_release(&arena);
    return is_dir;
}

// Runs until the end, starting again after every failure.
static void run_through(life *l, mr_until until) {
    bool ended = false;
    for (uint32_t round = 0; !ended && l->why[0] == '\0'; round++) {
        mr_error error;
        settings_make(l);  // A life that goes on cuts its epochs elsewhere.
        mr_code code = run_once(l, until, &ended, &error);
        l->rounds++;
        if (env_number("SEED", 0) != 0) {
            printf("run %u: %s after %" PRIu64 " operations\n", l->rounds,
                   code == MR_OK ? "ok" : error.text, mr_sim_operations(l->plat));
        }
        if (code == MR_OK && (ended || until == MR_UNTIL_STOPPED)) {
            check_subset(l);
            return;
        }
        if (round == ROUNDS_MAX) {
            life_fail(l, "the end is never reached", code == MR_OK ? "" : error.text);
        }
        if (code != MR_OK && (error.code == MR_E_CORRUPT || error.code == MR_E_MISSING ||
                              error.code == MR_E_INTERNAL || error.code == MR_E_UNSUPPORTED)) {
            life_fail(l, "refused to go on", error.text);
        }
        // A process that fails may start again on the same machine; a machine that is down cannot.
        if (mr_sim_down(l->plat) || random_below(&l->random, 2) == 0 ||
            folder_sync_failed(l, &error)) {
            mr_sim_restart(l->plat);
        }
        check_subset(l);
    }
}

// Takes the first parts, then the rest up to the end; then once more, which must add nothing.
static void run_whole(life *l) {
    for (uint32_t p = 0; p < l->part_count; p++) {
        mr_sim_put(l->plat, "in/events.jsonl", (mr_span){l->input.data, l->parts[p]});
        for (uint32_t lives = l->quiet ? 1 + random_below(&l->random, 2) : 1; lives > 0; lives--) {
            run_through(l, l->quiet ? MR_UNTIL_STOPPED : MR_UNTIL_AVAILABLE_NOW);
        }
    }
    mr_sim_put(l->plat, "in/events.jsonl", l->input);
    run_through(l, MR_UNTIL_END);
    if (l->why[0] == '\0') {
        check_equal(l, "at the end");
        run_through(l, MR_UNTIL_END);
        check_equal(l, "after another run without new rows");
    }
}

static void schedule_make(life *l) {
    static const mr_sim_fault kinds[] = {MR_SIM_POWER_CUT,  MR_SIM_POWER_CUT,  MR_SIM_POWER_CUT,
                                         MR_SIM_KILL,       MR_SIM_NO_SPACE,   MR_SIM_WRITE_ERROR,
                                         MR_SIM_READ_ERROR, MR_SIM_SYNC_ERROR, MR_SIM_SHORT_WRITE};
    static const char *const names[] = {"power",      "kill",       "full", "write_error",
                                        "read_error", "sync_error", "short"};
    uint32_t faults = 1 + random_below(&l->random, FAULTS_MAX);
    for (uint32_t i = 0; i < faults; i++) {
        mr_sim_fault kind = kinds[random_below(&l->random, MR_COUNT(kinds))];
        uint64_t n = 1 + random_below(&l->random, (uint32_t)l->operations * 2 + 1);
        mr_sim_fault_at(l->plat, n, kind);
        size_t used = strlen(l->faults);
        (void)snprintf(l->faults + used, sizeof l->faults - used, " %s@%" PRIu64, names[kind], n);
    }
}

static bool seed_run(uint64_t seed) {
    life l;
    life_begin(&l, seed);
    run_expected(&l);
    machine_new(&l, seed + 1, (mr_span){l.input.data, l.parts[0]});
    schedule_make(&l);
    run_whole(&l);
    mr_sim_free(l.plat);
    bool ok = l.why[0] == '\0';
    if (!ok) {
        printf("SEED=%" PRIu64 " (%u runs;%s): %s\n", seed, l.rounds, l.faults, l.why);
    }
    mr_arena_release(&l.arena);
    return ok;
}

// Every operation of one life is struck in turn, with each kind of fault that stops a machine or a
// sync.
static bool sweep_run(uint64_t seed, uint64_t *ret_lives) {
    static const mr_sim_fault kinds[] = {MR_SIM_POWER_CUT, MR_SIM_KILL, MR_SIM_SYNC_ERROR,
                                         MR_SIM_WRITE_ERROR, MR_SIM_NO_SPACE};
    bool ok = true;
    uint64_t last = UINT64_MAX;
    life whole;  // What is right is the same for all of them.
    life_begin(&whole, seed);
    run_expected(&whole);
    for (uint64_t n = 1; n <= last && ok; n++) {
        for (size_t k = 0; k < MR_COUNT(kinds) && ok; k++) {
            life l;
            life_begin(&l, seed);
            memcpy(l.expected, whole.expected, sizeof(l.expected));
            memcpy(l.why, whole.why, sizeof(l.why));
            l.random = whole.random;
            machine_new(&l, n, (mr_span){l.input.data, l.parts[0]});
            mr_sim_fault_at(l.plat, n, kinds[k]);
            run_whole(&l);
            last = MR_MIN(last, mr_sim_operations(l.plat));
            ok = l.why[0] == '\0';
            if (!ok) {
                printf("sweep of seed %" PRIu64 ", operation %" PRIu64 ", fault %d: %s\n", seed, n,
                       (int)kinds[k], l.why);
            }
            mr_sim_free(l.plat);
            mr_arena_release(&l.arena);
            ++*ret_lives;
        }
    }
    mr_arena_release(&whole.arena);
    return ok;
}

TEST(pipeline, publishes_every_row_once_whatever_fails) {
    uint64_t only = env_number("SEED", 0);
    if (only != 0) {
        EXPECT(seed_run(only));
        return;
    }
    uint64_t seeds = env_number("SIM_SEEDS", SEEDS_DEFAULT);
    uint32_t failed = 0;
    for (uint64_t seed = 1; seed <= seeds && failed < 10; seed++) {
        failed += !seed_run(seed);
    }
    EXPECT_EQ(failed, 0);
    printf("pipeline: %" PRIu64 " seeds\n", seeds);
}

TEST(pipeline, survives_a_fault_at_every_operation) {
    if (env_number("SEED", 0) != 0) {
        return;
    }
    uint64_t lives = 0;
    uint64_t seeds = env_number("SIM_SWEEPS", SWEEP_SEEDS);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        EXPECT(sweep_run(seed, &lives));
    }
    printf("pipeline: %" PRIu64 " lives, each with a fault at another operation\n", lives);
}
