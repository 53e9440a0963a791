// Case: reading, updating and comparing; see case.h. case_run.c runs it.

#include "job/case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CASE_BYTES_MAX  ((uint64_t)64 << 20)
#define FLOAT_TOLERANCE 1e-12

// ---- reading ---------------------------------------------------------------------------------

// Lines up to "----", which is taken as well. *ret_ended false: the file ended before.
static mr_span take_block(mr_span *text, bool *ret_ended) {
    mr_span body = {text->data, 0};
    *ret_ended = false;
    while (text->bytes > 0 && !*ret_ended) {
        *ret_ended = mr_span_is(mr_span_line(text), "----");
        body.bytes = *ret_ended ? body.bytes : (size_t)(text->data - body.data);
    }
    return body;
}

typedef struct case_reader {
    mr_case *test;
    mr_span left;
    mr_span line;  // Being read, trimmed.
    mr_cx *cx;
} case_reader;

static mr_code syntax(const case_reader *r, const char *fact, const char *hint) {
    mr_place place = {.file = r->test->path,
                      .source = r->test->text.data,
                      .offset = (int32_t)(r->line.data - r->test->text.data)};
    return mr_fail_at(r->cx, MR_E_SYNTAX, place, hint, "%s", fact);
}

// Whether the line is `word`, alone or with an argument behind it.
static bool is_word(const case_reader *r, const char *word, const char **ret_rest) {
    size_t bytes = strlen(word);
    if (!mr_span_starts(r->line, word) ||
        (r->line.bytes > bytes && r->line.data[bytes] != ' ' && r->line.data[bytes] != '\t')) {
        return false;
    }
    mr_span rest = mr_span_trim((mr_span){r->line.data + bytes, r->line.bytes - bytes});
    *ret_rest = mr_arena_copy(r->cx->arena, rest.data, rest.bytes);
    return true;
}

static mr_code read_body(case_reader *r, mr_span *ret) {
    bool ended;
    *ret = take_block(&r->left, &ended);
    return ended ? MR_OK : syntax(r, "block without its end", "End it with a line ----.");
}

static mr_code read_pipeline(case_reader *r, const char *rest) {
    if (rest[0] != '\0') {
        r->test->file = rest;
        return MR_OK;
    }
    return read_body(r, &r->test->pipeline);
}

static mr_code read_set(case_reader *r, const char *rest) {
    const char *equals = strchr(rest, '=');
    if (equals == NULL || equals == rest || r->test->set_count == MR_CASE_SETS_MAX) {
        return syntax(r, "set wants NAME=VALUE", "Write: set TOPIC=events.");
    }
    r->test->sets[r->test->set_count++] =
        (mr_job_pair){mr_arena_copy(r->cx->arena, rest, (size_t)(equals - rest)), equals + 1};
    return MR_OK;
}

static mr_code read_block(case_reader *r, mr_case_kind kind, const char *name) {
    bool file = kind == MR_CASE_INPUT || kind == MR_CASE_SOURCE;
    if (name[0] == '\0' || strstr(name, "..") != NULL || (file && strchr(name, '/') != NULL)) {
        return syntax(r, "block without a name", "Write: source TABLE, or output TABLE.");
    }
    if (r->test->block_count == MR_CASE_BLOCKS_MAX) {
        return syntax(r, "too many blocks in one case", "Split it into two files.");
    }
    mr_case_block *block = &r->test->blocks[r->test->block_count++];
    *block = (mr_case_block){.kind = kind, .name = name};
    return read_body(r, &block->text);
}

static mr_code read_until(case_reader *r, const char *rest) {
    bool end = strcmp(rest, "end") == 0;
    if (!end && strcmp(rest, "available-now") != 0) {
        return syntax(r, "until does not know that", "Write: until end, or until available-now.");
    }
    r->test->until = end ? MR_UNTIL_END : MR_UNTIL_AVAILABLE_NOW;
    return MR_OK;
}

static mr_code read_line(case_reader *r) {
    static const char *const kinds[] = {
        [MR_CASE_INPUT] = "input",
        [MR_CASE_SOURCE] = "source",
        [MR_CASE_EXPECT] = "expect",
        [MR_CASE_OUTPUT] = "output",
    };
    const char *rest;
    for (size_t kind = 0; kind < MR_COUNT(kinds); kind++) {
        if (is_word(r, kinds[kind], &rest)) {
            return read_block(r, (mr_case_kind)kind, rest);
        }
    }
    if (is_word(r, "pipeline", &rest)) {
        return read_pipeline(r, rest);
    }
    if (is_word(r, "set", &rest)) {
        return read_set(r, rest);
    }
    if (is_word(r, "until", &rest)) {
        return read_until(r, rest);
    }
    if (is_word(r, "only", &r->test->only)) {
        return MR_OK;
    }
    if (is_word(r, "error", &rest)) {
        r->test->has_error = true;
        return read_body(r, &r->test->error);
    }
    if (is_word(r, "clock", &rest)) {
        return mr_civil_parse(rest, strlen(rest), NULL, &r->test->clock_us)
                   ? MR_OK
                   : syntax(r, "clock wants a time", "Write: clock 2026-01-01T00:00:00Z.");
    }
    return syntax(r, "not a word of a test file",
                  "Words are: pipeline, set, clock, input, source, expect, output, until, error.");
}

mr_code mr_case_read(const char *path, mr_case *ret, mr_cx *cx) {
    *ret = (mr_case){.path = path, .until = MR_UNTIL_END, .clock_us = INT64_MIN};
    MR_TRY(mr_file_load(path, CASE_BYTES_MAX, &ret->text, cx));
    case_reader r = {.test = ret, .left = ret->text, .cx = cx};
    while (r.left.bytes > 0) {
        r.line = mr_span_trim(mr_span_line(&r.left));
        if (r.line.bytes > 0 && r.line.data[0] != '#') {
            MR_TRY(read_line(&r));
        }
    }
    if (ret->file == NULL && ret->pipeline.bytes == 0) {
        return mr_fail(cx, MR_E_SYNTAX, "Write: pipeline sql/FILE.sql.",
                       "test \"%s\" names no pipeline", path);
    }
    return MR_OK;
}

// ---- updating --------------------------------------------------------------------------------

mr_span mr_case_update(const mr_case *test, const mr_case_result *result, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    const char *at = test->text.data;
    for (uint32_t i = 0; i <= test->block_count; i++) {
        bool last = i == test->block_count;
        mr_span body = last ? test->error : test->blocks[i].text;
        const char *got = last ? result->got_error : result->got[i];
        if (got == NULL || (last && !test->has_error) || body.data < at) {
            continue;
        }
        mr_text_add_bytes(&out, at, (size_t)(body.data - at));
        mr_text_add(&out, got);
        at = body.data + body.bytes;
    }
    mr_text_add_bytes(&out, at, (size_t)(test->text.data + test->text.bytes - at));
    return mr_text_span(&out);
}

// ---- comparing -------------------------------------------------------------------------------

static int compare_spans(const void *a, const void *b) {
    return mr_span_compare(*(const mr_span *)a, *(const mr_span *)b);
}

// A line without the white space that JSON does not count.
static mr_span canonical(mr_span line, mr_arena *arena) {
    char *out = mr_arena_raw(arena, line.bytes + 1);
    size_t bytes = 0;
    bool text = false;
    for (size_t i = 0; i < line.bytes; i++) {
        char c = line.data[i];
        text ^= c == '"';
        if (text || (c != ' ' && c != '\t' && c != '\r')) {
            out[bytes++] = c;
        }
        if (text && c == '\\' && i + 1 < line.bytes) {
            out[bytes++] = line.data[++i];
        }
    }
    return (mr_span){out, bytes};
}

static mr_span *lines_sorted(mr_span text, size_t *ret_count, mr_arena *arena) {
    size_t most = 1;
    for (size_t i = 0; i < text.bytes; i++) {
        most += text.data[i] == '\n';
    }
    mr_span *lines = MR_NEW_ARRAY(arena, mr_span, most);
    size_t count = 0;
    while (text.bytes > 0) {
        mr_span line = mr_span_trim(mr_span_line(&text));
        if (line.bytes > 0) {
            lines[count++] = canonical(line, arena);
        }
    }
    qsort(lines, count, sizeof *lines, compare_spans);
    *ret_count = count;
    return lines;
}

static bool in_number(char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static mr_span number_at(mr_span line, size_t at) {
    size_t end = at;
    while (end < line.bytes && in_number(line.data[end])) {
        end++;
    }
    return (mr_span){line.data + at, end - at};
}

// Numbers that differ by their last digits only; at least one of them has to be a float.
static bool numbers_near(mr_span a, mr_span b) {
    double x;
    double y;
    bool is_float = false;
    for (size_t i = 0; i < a.bytes; i++) {
        is_float |= a.data[i] == '.' || a.data[i] == 'e' || a.data[i] == 'E';
    }
    for (size_t i = 0; i < b.bytes; i++) {
        is_float |= b.data[i] == '.' || b.data[i] == 'e' || b.data[i] == 'E';
    }
    return is_float && mr_text_parse_double(a, &x) && mr_text_parse_double(b, &y) &&
           fabs(x - y) <= FLOAT_TOLERANCE * fmax(fabs(x), fabs(y));
}

static bool lines_near(mr_span a, mr_span b) {
    size_t i = 0;
    size_t j = 0;
    bool text = false;
    while (i < a.bytes && j < b.bytes) {
        bool starts = !text && in_number(a.data[i]) && in_number(b.data[j]) && i > 0 &&
                      !in_number(a.data[i - 1]);
        if (starts) {
            mr_span x = number_at(a, i);
            mr_span y = number_at(b, j);
            if (!mr_span_equal(x, y) && !numbers_near(x, y)) {
                return false;
            }
            i += x.bytes;
            j += y.bytes;
            continue;
        }
        if (a.data[i] != b.data[j]) {
            return false;
        }
        text ^= a.data[i] == '"' && (i == 0 || a.data[i - 1] != '\\');
        i++;
        j++;
    }
    return i == a.bytes && j == b.bytes;
}

// Takes out lines that are in both; both sorted. What is left is closed up.
static void drop_equal(mr_span *a, size_t *a_count, mr_span *b, size_t *b_count) {
    size_t i = 0;
    size_t j = 0;
    size_t a_kept = 0;
    size_t b_kept = 0;
    while (i < *a_count || j < *b_count) {
        int order = i == *a_count ? 1 : j == *b_count ? -1 : mr_span_compare(a[i], b[j]);
        if (order == 0) {
            i++;
            j++;
        } else if (order < 0) {
            a[a_kept++] = a[i++];
        } else {
            b[b_kept++] = b[j++];
        }
    }
    *a_count = a_kept;
    *b_count = b_kept;
}

bool mr_case_compare(mr_span expected, mr_span got, mr_text *out, mr_cx *cx) {
    size_t want_count;
    size_t have_count;
    mr_span *want = lines_sorted(expected, &want_count, cx->arena);
    mr_span *have = lines_sorted(got, &have_count, cx->arena);
    drop_equal(want, &want_count, have, &have_count);
    bool *used = MR_NEW_ARRAY(cx->arena, bool, have_count + 1);
    bool same = true;
    for (size_t i = 0; i < want_count; i++) {
        size_t j = 0;
        while (j < have_count && (used[j] || !lines_near(want[i], have[j]))) {
            j++;
        }
        if (j < have_count) {
            used[j] = true;
            continue;
        }
        mr_text_addf(out, "  - %.*s\n", MR_SPAN_ARGS(want[i]));
        same = false;
    }
    for (size_t j = 0; j < have_count; j++) {
        if (!used[j]) {
            mr_text_addf(out, "  + %.*s\n", MR_SPAN_ARGS(have[j]));
            same = false;
        }
    }
    return same;
}
