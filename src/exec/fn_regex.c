// Fn, regular expressions: matching, extracting, replacing.
//
// Meaning is DuckDB's, whose patterns are RE2's; the function rows say where PCRE2's differ. A
// search goes over the whole text from an offset, so that ^ and \b see what stands before. Also:
// mr_fn_.

#include <string.h>

#include "exec/regex.h"

// The pattern at a row: looked up once a batch when it is a constant.
typedef struct patterns {
    bool whole;
    bool known;
    const mr_regex *regex;  // NULL: the row has failed.
} patterns;

static const mr_regex *pattern_at(mr_fn_call *call, uint32_t row, patterns *p) {
    if (call->args[1].kind != MR_CONST) {
        return mr_regex_arg(call, 1, row, p->whole);
    }
    if (!p->known || p->regex == NULL) {  // A malformed one fails each row.
        p->regex = mr_regex_arg(call, 1, row, p->whole);
        p->known = true;
    }
    return p->regex;
}

static void matches(mr_fn_call *call, bool whole) {
    patterns p = {.whole = whole};
    MR_FN_EACH(call, row) {
        mr_regex_match m = {pattern_at(call, row, &p), mr_fn_str(call, 0, row), row, NULL, 0};
        call->out->bools[row] = m.regex != NULL && mr_regex_search(call, &m, 0);
    }
}

void mr_fn_REGEXP_MATCHES(mr_fn_call *call) {
    matches(call, /* whole= */ false);
}

void mr_fn_REGEXP_FULL_MATCH(mr_fn_call *call) {
    matches(call, /* whole= */ true);
}

// ---- extracting --------------------------------------------------------------------------------

// A group's text, a view; empty when it took no part.
static mr_str group_text(const mr_regex_match *m, uint32_t group) {
    if (group >= m->count || m->offsets[(size_t)group * 2] == SIZE_MAX) {
        return (mr_str){.data = ""};
    }
    size_t start = m->offsets[(size_t)group * 2], end = m->offsets[(size_t)group * 2 + 1];
    if (end < start) {
        return (mr_str){.data = ""};  // \K in a look-ahead.
    }
    return (mr_str){.data = m->text.data + start, .bytes = (uint32_t)(end - start)};
}

static void extract(mr_fn_call *call, uint32_t row, patterns *p, int32_t group) {
    mr_regex_match m = {pattern_at(call, row, p), mr_fn_str(call, 0, row), row, NULL, 0};
    if (m.regex == NULL) {
        return;
    }
    if (group < 0 || group > 9) {
        mr_eval_call_fail(call, row, "group %d of a regular expression is not one of 0 to 9",
                          group);
        return;
    }
    if (mr_regex_search(call, &m, 0)) {
        call->out->strs[row] = group_text(&m, (uint32_t)group);
    }
}

void mr_fn_REGEXP_EXTRACT(mr_fn_call *call) {
    patterns p = {.whole = false};
    MR_FN_EACH(call, row) {
        extract(call, row, &p, 0);
    }
}

static bool is_null(const mr_fn_call *call, uint32_t arg, uint32_t row) {
    return call->args[arg].type.id == MR_NULLTYPE || mr_vector_is_null(&call->args[arg], row);
}

// A group that is NULL gives an empty text, as DuckDB has it.
void mr_fn_REGEXP_EXTRACT_GROUP(mr_fn_call *call) {
    patterns p = {.whole = false};
    MR_FN_EACH(call, row) {
        if (is_null(call, 0, row) || is_null(call, 1, row)) {
            mr_eval_call_null(call, row);
        } else if (!is_null(call, 2, row)) {
            extract(call, row, &p, MR_FN_ARG(call, 2, int32_t, row));
        }
    }
}

// ---- replacing ---------------------------------------------------------------------------------

// What comes in place of a match: \0 to \9 are groups, \\ is a backslash. False (with what was
// added so far) at another escape.
static bool add_rewrite(mr_text *out, mr_str rewrite, const mr_regex_match *m) {
    for (uint32_t i = 0; i < rewrite.bytes; i++) {
        char c = rewrite.data[i];
        if (c != '\\') {
            mr_text_add_char(out, c);
            continue;
        }
        char next = i + 1 < rewrite.bytes ? rewrite.data[++i] : '\0';
        if (next >= '0' && next <= '9') {
            mr_str group = group_text(m, (uint32_t)(next - '0'));
            mr_text_add_bytes(out, group.data, group.bytes);
        } else if (next == '\\') {
            mr_text_add_char(out, '\\');
        } else {
            return false;
        }
    }
    return true;
}

static uint32_t rewrite_groups(mr_str rewrite) {
    uint32_t most = 0;
    for (uint32_t i = 0; i + 1 < rewrite.bytes; i++) {
        if (rewrite.data[i] == '\\') {
            i++;
            if (rewrite.data[i] >= '0' && rewrite.data[i] <= '9') {
                most = MR_MAX(most, (uint32_t)(rewrite.data[i] - '0'));
            }
        }
    }
    return most;
}

static uint32_t char_bytes(mr_str text, uint32_t at) {
    uint32_t bytes = 1;
    while (at + bytes < text.bytes && ((uint8_t)text.data[at + bytes] & 0xC0) == 0x80) {
        bytes++;
    }
    return bytes;
}

// RE2's GlobalReplace: an empty match right behind another one is passed over. False: unchanged.
static bool replace_all(mr_fn_call *call, mr_regex_match *m, mr_text *out) {
    mr_str text = m->text, rewrite = mr_fn_str(call, 2, m->row);
    size_t at = 0, last_end = SIZE_MAX;
    bool any = false;
    while (at <= text.bytes && mr_regex_search(call, m, (uint32_t)at)) {
        size_t start = m->offsets[0], end = MR_MAX(m->offsets[1], start);
        mr_text_add_bytes(out, text.data + at, start - at);
        at = end;
        if (start == last_end && end == start) {
            uint32_t step = start < text.bytes ? char_bytes(text, (uint32_t)start) : 0;
            mr_text_add_bytes(out, text.data + start, step);
            at += MR_MAX(step, 1u);
            continue;
        }
        (void)add_rewrite(out, rewrite, m);
        any = true;
        last_end = end;
        if (out->bytes > MR_FN_TEXT_BYTES_MAX) {
            break;
        }
    }
    if (at < text.bytes) {
        mr_text_add_bytes(out, text.data + at, text.bytes - at);
    }
    return any;
}

static bool replace_first(mr_fn_call *call, mr_regex_match *m, mr_text *out) {
    if (!mr_regex_search(call, m, 0)) {
        return false;
    }
    size_t start = m->offsets[0], end = MR_MAX(m->offsets[1], start);
    mr_text_add_bytes(out, m->text.data, start);
    if (!add_rewrite(out, mr_fn_str(call, 2, m->row), m)) {
        return false;
    }
    mr_text_add_bytes(out, m->text.data + end, m->text.bytes - end);
    return true;
}

static void replace(mr_fn_call *call, bool all) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    patterns p = {.whole = false};
    mr_text out;
    mr_text_init(&out, call->run->arena);
    MR_FN_EACH(call, row) {
        mr_regex_match m = {pattern_at(call, row, &p), mr_fn_str(call, 0, row), row, NULL, 0};
        if (m.regex == NULL) {
            continue;
        }
        mr_text_clear(&out);
        bool changed = rewrite_groups(mr_fn_str(call, 2, row)) <= mr_regex_groups(m.regex) &&
                       (all ? replace_all(call, &m, &out) : replace_first(call, &m, &out));
        if (!changed) {
            call->out->strs[row] = m.text;
        } else if (!mr_fn_too_long(call, row, out.bytes)) {
            memcpy(mr_fn_writer_take(&writer, out.bytes), mr_text_string(&out), out.bytes);
            call->out->strs[row] = mr_fn_writer_end(&writer, out.bytes);
        }
    }
}

void mr_fn_REGEXP_REPLACE(mr_fn_call *call) {
    replace(call, /* all= */ false);
}

void mr_fn_REGEXP_REPLACE_ALL(mr_fn_call *call) {
    replace(call, /* all= */ true);
}

// As RE2's QuoteMeta: all ASCII but letters, digits and _ gets a backslash.
void mr_fn_REGEXP_ESCAPE(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        char *out = mr_fn_writer_take(&writer, (size_t)s.bytes * 4), *at = out;
        for (uint32_t i = 0; i < s.bytes; i++) {
            uint8_t c = (uint8_t)s.data[i];
            bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                         c == '_' || c >= 0x80;
            if (c == 0) {
                memcpy(at, "\\x00", 4);
                at += 4;
                continue;
            }
            if (!plain) {
                *at++ = '\\';
            }
            *at++ = (char)c;
        }
        call->out->strs[row] = mr_fn_writer_end(&writer, (size_t)(at - out));
    }
}
