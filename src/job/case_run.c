// Case run: a case under one configuration; see case.h.   Also: mr_case_
//
// The blocks are steps: inputs are appended to their files; at an `expect` the pipeline reads what
// is there (available-now) and its tables are looked at; at the end it runs until its end. Between
// two steps the job is closed and opened again, as between two lives.

#include <stdlib.h>
#include <string.h>

#include "job/case.h"
#include "plat/virtual.h"

#define LIVES_MAX      100000
#define PIPELINE_MAX   ((uint64_t)16 << 20)
#define ROWS_BYTES_MAX ((uint64_t)1 << 28)
#define KILL_POINTS    9  // Crash points behind a commit at which lives end in turn.
#define SETTINGS_COUNT 9

typedef struct running {
    const mr_case *test;
    const mr_case_config *config;
    const mr_case_options *options;
    mr_case_result *result;
    mr_virtual *machine;
    mr_job_spec spec;
    mr_job_pair settings[SETTINGS_COUNT];
    mr_job_pair *sets;
    mr_job_pair sources[MR_CASE_BLOCKS_MAX];
    mr_cx *cx;
} running;

static const char *in_path(const running *r, const mr_case_block *block) {
    return mr_arena_printf(r->cx->arena, "%s/in/%s%s", r->options->dir,
                           block->kind == MR_CASE_SOURCE ? "source-" : "", block->name);
}

static mr_code append_input(const running *r, const mr_case_block *block) {
    mr_file file;
    MR_TRY(mr_file_open(&file, in_path(r, block), MR_OPEN_APPEND, r->cx));
    mr_code code = mr_file_append(&file, block->text, r->cx);
    mr_file_close(&file, r->cx->plat);
    return code;
}

// ---- what is found ---------------------------------------------------------------------------

// Adds the content of all .jsonl files below a folder, hidden ones left out.
static mr_code collect(const char *dir, mr_text *out, mr_cx *cx) {
    if (!mr_file_exists(dir, cx)) {
        return MR_OK;
    }
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name);
        if (entries[i].name[0] == '.') {
            continue;
        }
        if (entries[i].is_dir) {
            MR_TRY(collect(path, out, cx));
        } else if (mr_span_ends(mr_span_of(path), ".jsonl")) {
            mr_span text;
            MR_TRY(mr_file_load(path, ROWS_BYTES_MAX, &text, cx));
            mr_text_add_bytes(out, text.data, text.bytes);
        }
    }
    return MR_OK;
}

// The text with every occurrence of a folder's name as IN, since it differs from run to run.
static mr_span without_folder(mr_span text, const char *folder, mr_arena *arena) {
    mr_text out;
    mr_text_init(&out, arena);
    size_t bytes = strlen(folder);
    while (text.bytes > 0) {
        const char *found = memmem(text.data, text.bytes, folder, bytes);
        size_t before = found == NULL ? text.bytes : (size_t)(found - text.data);
        mr_text_add_bytes(&out, text.data, before);
        mr_text_add(&out, found == NULL ? "" : "IN");
        before += found == NULL ? 0 : bytes;
        text.data += before;
        text.bytes -= before;
    }
    return mr_text_span(&out);
}

static int compare_spans(const void *a, const void *b) {
    return mr_span_compare(*(const mr_span *)a, *(const mr_span *)b);
}

static const char *sorted(mr_span text, mr_arena *arena) {
    size_t most = 1;
    for (size_t i = 0; i < text.bytes; i++) {
        most += text.data[i] == '\n';
    }
    mr_span *lines = MR_NEW_ARRAY(arena, mr_span, most);
    size_t count = 0;
    while (text.bytes > 0) {
        lines[count++] = mr_span_line(&text);
    }
    qsort(lines, count, sizeof *lines, compare_spans);
    mr_text out;
    mr_text_init(&out, arena);
    for (size_t i = 0; i < count; i++) {
        mr_text_addf(&out, "%.*s\n", MR_SPAN_ARGS(lines[i]));
    }
    return mr_text_string(&out);
}

static mr_code look_at(running *r, uint32_t index) {
    const mr_case_block *block = &r->test->blocks[index];
    mr_text found;
    mr_text_init(&found, r->cx->arena);
    const char *dir = mr_arena_printf(r->cx->arena, "%s/lake/%s", r->spec.data_dir, block->name);
    MR_TRY(collect(dir, &found, r->cx));
    const char *inputs = mr_arena_printf(r->cx->arena, "%s/in", r->options->dir);
    mr_span rows = without_folder(mr_text_span(&found), inputs, r->cx->arena);
    r->result->got[index] = sorted(rows, r->cx->arena);
    mr_text lines;
    mr_text_init(&lines, r->cx->arena);
    if (!mr_case_compare(block->text, rows, &lines, r->cx)) {
        r->result->passed = false;
        mr_text_addf(&r->result->report, "table %s%s, - expected, + got:\n%s", block->name,
                     block->kind == MR_CASE_EXPECT ? " (expect)" : "", mr_text_string(&lines));
    }
    return MR_OK;
}

// ---- lives -----------------------------------------------------------------------------------

// In update mode a table shows what it holds at some moments, and which ones depends on the run.
static mr_code check_tables(const running *r, const mr_job *job, mr_cx *cx) {
    const mr_pipeline *pipeline = mr_job_pipeline(job);
    for (uint32_t b = 0; b < r->test->block_count; b++) {
        const mr_case_block *block = &r->test->blocks[b];
        bool looked_at = block->kind == MR_CASE_EXPECT || block->kind == MR_CASE_OUTPUT;
        bool found = false;
        for (uint32_t i = 0; looked_at && i < pipeline->insert_count; i++) {
            const mr_plan_insert *insert = &pipeline->inserts[i];
            found = found || strcmp(insert->table, block->name) == 0;
            if (r->options->any_sink && insert->mode == MR_MODE_UPDATE &&
                strcmp(insert->table, block->name) == 0) {
                return mr_fail(cx, MR_E_UNSUPPORTED,
                               "Look at a table in append mode that the same view feeds.",
                               "table \"%s\" is in update mode: what it shows in between depends "
                               "on the moment",
                               block->name);
            }
        }
        for (uint32_t s = 0; looked_at && s < pipeline->source_count; s++) {
            const char *source = pipeline->sources[s].name;
            size_t bytes = strlen(source);
            found = found || (strncmp(block->name, source, bytes) == 0 &&
                              (strcmp(block->name + bytes, "_bad") == 0 ||
                               strcmp(block->name + bytes, "_late") == 0));
        }
        if (looked_at && !found && r->options->any_sink) {
            return mr_fail(cx, MR_E_NAME, "Name a table that the pipeline writes.",
                           "the pipeline writes no table \"%s\"", block->name);
        }
    }
    return MR_OK;
}

static mr_code live_once(running *r, mr_until until, bool *ret_ended) {
    *ret_ended = false;
    mr_cx life = *r->cx;
    mr_arena arena = {0};
    life.arena = &arena;
    life.plat = mr_virtual_plat(r->machine);
    mr_virtual_live(r->machine, r->config->kills ? r->result->lives % KILL_POINTS : UINT32_MAX);
    r->spec.until = until;
    mr_job *job;
    mr_sql_errors errors;
    mr_code code = mr_job_load(&r->spec, &job, &errors, &life);
    code = code == MR_OK ? check_tables(r, job, &life) : code;
    code = code == MR_OK ? mr_job_run(job, ret_ended, &life) : code;
    if (code != MR_OK) {
        mr_text text;
        mr_text_init(&text, r->cx->arena);
        r->options->format(&life.error, &text);  // The line it shows is in the life's memory.
        r->result->got_error = mr_text_string(&text);
    }
    mr_job_close(job, &life);
    mr_arena_release(&arena);
    r->result->lives++;
    if (code == MR_E_CRASH && mr_virtual_killed(r->machine)) {
        r->result->got_error = NULL;
        *ret_ended = false;
        return MR_OK;
    }
    return code;
}

static mr_code live(running *r, mr_until until) {
    bool ended = false;
    for (uint32_t life = 0; !ended; life++) {
        MR_TRY(live_once(r, until, &ended));
        bool may_go_on = r->config->restarts || r->config->kills;
        if (!ended && (!may_go_on || life > LIVES_MAX)) {
            return mr_fail(r->cx, MR_E_INTERNAL, NULL, "the run did not reach the end");
        }
    }
    return MR_OK;
}

// ---- the whole case --------------------------------------------------------------------------

static mr_code fill_spec(running *r) {
    mr_cx *cx = r->cx;
    const mr_case *test = r->test;
    memcpy(r->settings, r->config->settings, r->config->setting_count * sizeof *r->settings);
    r->settings[r->config->setting_count] = (mr_job_pair){"exec.aside_format", "jsonl"};
    r->sets = MR_NEW_ARRAY(cx->arena, mr_job_pair, test->set_count + r->options->env_count + 1);
    r->sets[0] = (mr_job_pair){"IN", mr_arena_printf(cx->arena, "%s/in", r->options->dir)};
    memcpy(r->sets + 1, test->sets, test->set_count * sizeof *r->sets);
    for (uint32_t e = 0; e < r->options->env_count; e++) {
        r->sets[1 + test->set_count + e] = r->options->env[e];
    }
    r->spec = (mr_job_spec){.file = test->file == NULL ? "case.sql" : test->file,
                            .text = test->pipeline,
                            .data_dir = mr_arena_printf(cx->arena, "%s/data", r->options->dir),
                            .port = r->options->port,
                            .sets = r->sets,
                            .set_count = test->set_count + 1,
                            .env_count = r->options->env_count,
                            .sources = r->sources,
                            .config = r->settings,
                            .config_count = r->config->setting_count + 1,
                            .any_sink = r->options->any_sink};
    for (uint32_t b = 0; b < test->block_count; b++) {
        const mr_case_block *block = &test->blocks[b];
        if (block->kind == MR_CASE_SOURCE) {
            r->sources[r->spec.source_count++] = (mr_job_pair){
                block->name, mr_arena_printf(cx->arena, "file:%s", in_path(r, block))};
        }
    }
    return test->file == NULL ? MR_OK : mr_file_load(test->file, PIPELINE_MAX, &r->spec.text, cx);
}

static mr_code make_inputs(const running *r) {
    MR_TRY(mr_dir_delete(r->options->dir, r->cx));
    MR_TRY(mr_dir_make(mr_arena_printf(r->cx->arena, "%s/in", r->options->dir), r->cx));
    bool stepwise = false;
    for (uint32_t b = 0; b < r->test->block_count; b++) {
        const mr_case_block *block = &r->test->blocks[b];
        stepwise = stepwise || block->kind == MR_CASE_EXPECT;
        // What comes behind an `expect` is appended then; its file is there from the start.
        mr_case_block empty = {.kind = block->kind, .name = block->name};
        if (block->kind == MR_CASE_INPUT || block->kind == MR_CASE_SOURCE) {
            MR_TRY(append_input(r, stepwise ? &empty : block));
        }
    }
    return MR_OK;
}

static mr_code run_steps(running *r) {
    MR_TRY(fill_spec(r));
    MR_TRY(make_inputs(r));
    bool stepwise = false;
    bool fresh = false;  // Input came since the last look.
    for (uint32_t b = 0; b < r->test->block_count; b++) {
        const mr_case_block *block = &r->test->blocks[b];
        if (block->kind == MR_CASE_EXPECT) {
            if (!stepwise || fresh) {
                MR_TRY(live(r, MR_UNTIL_AVAILABLE_NOW));
            }
            stepwise = true;
            fresh = false;
            MR_TRY(look_at(r, b));
        } else if (stepwise && block->kind != MR_CASE_OUTPUT) {
            MR_TRY(append_input(r, block));
            fresh = true;
        }
    }
    MR_TRY(live(r, r->test->until));
    for (uint32_t b = 0; b < r->test->block_count; b++) {
        if (r->test->blocks[b].kind == MR_CASE_OUTPUT) {
            MR_TRY(look_at(r, b));
        }
    }
    return MR_OK;
}

void mr_case_run(const mr_case *test, const mr_case_config *config, const mr_case_options *options,
                 mr_case_result *ret, mr_cx *cx) {
    *ret = (mr_case_result){.passed = true};
    mr_text_init(&ret->report, cx->arena);
    running r = {.test = test, .config = config, .options = options, .result = ret, .cx = cx};
    r.machine = mr_virtual_new(cx->plat, test->clock_us, cx->arena);
    mr_code code = run_steps(&r);
    if (code != MR_OK && ret->got_error == NULL) {
        mr_text text;
        mr_text_init(&text, cx->arena);
        options->format(&cx->error, &text);
        ret->got_error = mr_text_string(&text);
    }
    ret->got_error = code == MR_OK ? NULL : ret->got_error;
    if (!test->has_error && code != MR_OK) {
        ret->passed = false;
        mr_text_add(&ret->report, ret->got_error);
    }
    if (test->has_error) {
        mr_span got = mr_span_of(code == MR_OK ? "" : ret->got_error);
        mr_text lines;
        mr_text_init(&lines, cx->arena);
        if (!mr_case_compare(test->error, got, &lines, cx)) {
            ret->passed = false;
            mr_text_addf(&ret->report, "error, - expected, + got:\n%s", mr_text_string(&lines));
        }
    }
}
