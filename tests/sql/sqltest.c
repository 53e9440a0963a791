// SQL tests: runs the cases of tests/sql/*.test, each under many configurations that must not
// matter.
//
//   pipeline                 the text of a pipeline's file, up to "----"; ${IN} is the folder of
//   inputs input NAME               lines of ${IN}/NAME, up to "----" until end                or
//   available-now (the default is end) only NAME …              the configurations to run; by
//   default all output TABLE             expected rows of lake/TABLE as JSON lines, in any order,
//   up to "----" error                    expected message (the first error's lines), up to "----"
// A file holds one case. Every configuration must give the same rows: batch sizes 1, 2, 3; four
// workers; a commit after every row; a commit and a restart after every epoch.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "conn/conn.h"
#include "job/job.h"

#define ITEMS_MAX    16
#define RESTARTS_MAX 2000

typedef struct block {  // A named block of lines.
    const char *name;
    mr_span text;
} block;

typedef struct sql_case {
    const char *path;
    mr_span pipeline;
    block inputs[ITEMS_MAX];
    uint32_t input_count;
    block outputs[ITEMS_MAX];
    uint32_t output_count;
    mr_span error;
    bool has_error;
    const char *only;
    mr_until until;
} sql_case;

typedef struct configuration {
    const char *name;
    mr_job_pair settings[6];
    uint32_t setting_count;
    bool restarts;
} configuration;

static const configuration configurations[] = {
    {"plain", {{"exec.workers", "1"}}, 1, false},
    {"batch1", {{"exec.workers", "1"}, {"exec.batch_rows", "1"}}, 2, false},
    {"batch2", {{"exec.workers", "1"}, {"exec.batch_rows", "2"}}, 2, false},
    {"batch3",
     {{"exec.workers", "1"}, {"exec.batch_rows", "3"}, {"exec.chunk_bytes", "100"}},
     3,
     false},
    {"workers4",
     {{"exec.workers", "4"}, {"exec.batch_rows", "3"}, {"exec.chunk_bytes", "150"}},
     3,
     false},
    {"commits",
     {{"exec.workers", "1"}, {"exec.epoch_rows", "1"}, {"exec.chunk_bytes", "60"}},
     3,
     false},
    {"restarts",
     {{"exec.workers", "2"},
      {"exec.epoch_rows", "1"},
      {"exec.chunk_bytes", "120"},
      {"exec.stop_after_epochs", "1"}},
     4,
     true},
};

typedef struct totals {
    uint32_t passed;
    uint32_t failed;
} totals;

static mr_span take_line(mr_span *text) {
    const char *end = memchr(text->data, '\n', text->bytes);
    size_t bytes = end == NULL ? text->bytes : (size_t)(end - text->data);
    mr_span line = {text->data, bytes};
    size_t step = MR_MIN(bytes + 1, text->bytes);
    text->data += step;
    text->bytes -= step;
    return line;
}

// Lines up to "----", which is taken as well.
static mr_span take_block(mr_span *text) {
    mr_span body = {text->data, 0};
    while (text->bytes > 0) {
        mr_span line = take_line(text);
        if (mr_span_is(line, "----")) {
            break;
        }
        body.bytes = (size_t)(text->data - body.data);
    }
    return body;
}

static const char *rest_of(mr_span line, const char *word, mr_arena *arena) {
    mr_span rest = mr_span_trim((mr_span){line.data + strlen(word), line.bytes - strlen(word)});
    return mr_arena_copy(arena, rest.data, rest.bytes);
}

static bool case_parse(sql_case *test, mr_span text, mr_arena *arena) {
    while (text.bytes > 0) {
        mr_span line = mr_span_trim(take_line(&text));
        if (line.bytes == 0 || line.data[0] == '#') {
            continue;
        }
        if (mr_span_is(line, "pipeline")) {
            test->pipeline = take_block(&text);
        } else if (mr_span_starts(line, "input ") && test->input_count < ITEMS_MAX) {
            test->inputs[test->input_count].name = rest_of(line, "input", arena);
            test->inputs[test->input_count++].text = take_block(&text);
        } else if (mr_span_starts(line, "output ") && test->output_count < ITEMS_MAX) {
            test->outputs[test->output_count].name = rest_of(line, "output", arena);
            test->outputs[test->output_count++].text = take_block(&text);
        } else if (mr_span_starts(line, "only ")) {
            test->only = rest_of(line, "only", arena);
        } else if (mr_span_is(line, "until available-now")) {
            test->until = MR_UNTIL_AVAILABLE_NOW;
        } else if (mr_span_is(line, "until end")) {
            test->until = MR_UNTIL_END;
        } else if (mr_span_is(line, "error")) {
            test->error = take_block(&text);
            test->has_error = true;
        } else {
            printf("%s: cannot read \"%.*s\"\n", test->path, MR_SPAN_ARGS(line));
            return false;
        }
    }
    return test->pipeline.bytes > 0;
}

static int compare_spans(const void *a, const void *b) {
    return mr_span_compare(*(const mr_span *)a, *(const mr_span *)b);
}

// The lines of a text, sorted, joined again.
static char *sorted_lines(mr_span text, mr_arena *arena) {
    size_t count = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        count += text.data[i] == '\n';
    }
    mr_span *lines = MR_NEW_ARRAY(arena, mr_span, count + 1);
    size_t used = 0;
    while (text.bytes > 0) {
        mr_span line = mr_span_trim(take_line(&text));
        if (line.bytes > 0) {
            lines[used++] = line;
        }
    }
    if (used > 0) {
        qsort(lines, used, sizeof *lines, compare_spans);
    }
    mr_text out;
    mr_text_init(&out, arena);
    for (size_t i = 0; i < used; i++) {
        mr_text_add_bytes(&out, lines[i].data, lines[i].bytes);
        mr_text_add_char(&out, '\n');
    }
    return mr_arena_string(arena, mr_text_string(&out));
}

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
            MR_TRY(mr_file_load(path, 1 << 24, &text, cx));
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

static mr_code run_job(const sql_case *test, const configuration *config, const char *dir,
                       mr_cx *cx) {
    mr_job_pair sets[] = {{"IN", mr_arena_printf(cx->arena, "%s/in", dir)}};
    mr_job_pair settings[8];
    memcpy(settings, config->settings, config->setting_count * sizeof *settings);
    settings[config->setting_count] = (mr_job_pair){"exec.aside_format", "jsonl"};
    mr_job_spec spec = {.file = "case.sql",
                        .text = test->pipeline,
                        .data_dir = mr_arena_printf(cx->arena, "%s/data", dir),
                        .port = &mr_conn_port,
                        .sets = sets,
                        .set_count = 1,
                        .config = settings,
                        .config_count = config->setting_count + 1,
                        .until = test->until};
    bool ended = false;
    for (uint32_t round = 0; !ended; round++) {
        mr_job *job;
        mr_sql_errors errors;
        MR_TRY(mr_job_load(&spec, &job, &errors, cx));
        mr_code code = mr_job_run(job, &ended, cx);
        mr_job_close(job, cx);
        MR_TRY(code);
        if (!ended && (!config->restarts || round > RESTARTS_MAX)) {
            return mr_fail(cx, MR_E_INTERNAL, NULL, "the run did not reach the end");
        }
    }
    return MR_OK;
}

static mr_code prepare(const sql_case *test, const char *dir, mr_cx *cx) {
    MR_TRY(mr_dir_delete(dir, cx));
    MR_TRY(mr_dir_make(mr_arena_printf(cx->arena, "%s/in", dir), cx));
    for (uint32_t i = 0; i < test->input_count; i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/in/%s", dir, test->inputs[i].name);
        MR_TRY(mr_file_save(path, test->inputs[i].text, cx));
    }
    return MR_OK;
}

static bool same_output(const sql_case *test, const block *output, const char *config,
                        const char *dir, mr_cx *cx) {
    mr_text found;
    mr_text_init(&found, cx->arena);
    if (collect(mr_arena_printf(cx->arena, "%s/data/lake/%s", dir, output->name), &found, cx) !=
        MR_OK) {
        printf("%s [%s]: %s\n", test->path, config, cx->error.text);
        return false;
    }
    const char *expected = sorted_lines(output->text, cx->arena);
    const char *inputs = mr_arena_printf(cx->arena, "%s/in", dir);
    mr_span rows = without_folder(mr_text_span(&found), inputs, cx->arena);
    const char *got = sorted_lines(rows, cx->arena);
    if (strcmp(expected, got) == 0) {
        return true;
    }
    printf("%s [%s]: table %s\n--- expected\n%s--- got\n%s", test->path, config, output->name,
           expected, got);
    return false;
}

static bool run_configuration(const sql_case *test, const configuration *config, mr_cx *cx) {
    const char *dir = mr_arena_printf(cx->arena, "%s/%s", getenv("TMP_DIR"), config->name);
    mr_code code = prepare(test, dir, cx);
    code = code == MR_OK ? run_job(test, config, dir, cx) : code;
    if (test->has_error) {
        mr_text message;
        mr_text_init(&message, cx->arena);
        mr_report_format(&cx->error, &message);
        bool found = code != MR_OK && strcmp(sorted_lines(mr_text_span(&message), cx->arena),
                                             sorted_lines(test->error, cx->arena)) == 0;
        if (!found) {
            printf("%s [%s]: expected error\n%.*s--- got\n%s", test->path, config->name,
                   MR_SPAN_ARGS(test->error), code == MR_OK ? "none\n" : mr_text_string(&message));
        }
        return found;
    }
    if (code != MR_OK) {
        mr_text message;
        mr_text_init(&message, cx->arena);
        mr_report_format(&cx->error, &message);
        printf("%s [%s]: %s", test->path, config->name, mr_text_string(&message));
        return false;
    }
    bool same = true;
    for (uint32_t i = 0; i < test->output_count; i++) {
        same &= same_output(test, &test->outputs[i], config->name, dir, cx);
    }
    return same;
}

static void run_case(const char *path, totals *sum) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    sql_case test = {.path = path, .until = MR_UNTIL_END};
    mr_span text;
    if (mr_file_load(path, 1 << 24, &text, &cx) != MR_OK || !case_parse(&test, text, &arena)) {
        printf("%s: not a case\n", path);
        sum->failed++;
        mr_arena_release(&arena);
        return;
    }
    for (size_t i = 0; i < MR_COUNT(configurations); i++) {
        if (test.only != NULL && strstr(test.only, configurations[i].name) == NULL) {
            continue;
        }
        mr_arena run_arena = {0};
        mr_cx run;
        mr_cx_init(&run, &run_arena, mr_plat_linux());
        bool passed = run_configuration(&test, &configurations[i], &run);
        sum->passed += passed;
        sum->failed += !passed;
        mr_arena_release(&run_arena);
    }
    mr_arena_release(&arena);
}

static mr_code run_folder(const char *dir, const char *filter, totals *sum, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name);
        if (mr_span_ends(mr_span_of(path), ".test") &&
            (filter == NULL || strstr(path, filter) != NULL)) {
            run_case(path, sum);
        }
    }
    return MR_OK;
}

int main(int argc, char **argv) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    const char *dir = argc > 1 ? argv[1] : "tests/sql";
    const char *filter = argc > 2 && strncmp(argv[2], "T=", 2) == 0 ? argv[2] + 2 : NULL;
    char tmp[] = "/tmp/millrace-sql-XXXXXX";
    if (mkdtemp(tmp) == NULL || setenv("TMP_DIR", tmp, 1) != 0) {
        return 1;
    }
    totals sum = {0};
    if (run_folder(dir, filter, &sum, &cx) != MR_OK) {
        printf("%s\n", cx.error.text);
        sum.failed++;
    }
    if (mr_dir_delete(tmp, &cx) != MR_OK) {
        sum.failed++;
    }
    printf("%u passed, %u failed\n", sum.passed, sum.failed);
    mr_arena_release(&arena);
    return sum.failed == 0 ? 0 : 1;
}
