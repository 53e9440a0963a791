// Parse: variables, splitting, and libpg_query through its protobuf form.
//
// Why: statements are split by the scanner and parsed one at a time, so that one error of grammar
// does not hide those of the others. Trees are unpacked into the session's arena and walked as they
// are. A tree as deep as its text is long would overflow the stack of every recursion,
// libpg_query's own included, so the depth that tokens can build is bounded before anything is
// parsed.

#include "sql/parse.h"

#include <pg_query.h>
#include <string.h>

#include "base/utf8.h"

#define TEXT_BYTES_MAX  (4 << 20)
#define TOKENS_DEEP_MAX 1500
#define PARENS_DEEP_MAX 100

static void *arena_alloc(void *arena, size_t bytes) {
    return mr_arena_alloc(arena, bytes);
}

static void arena_free(void *arena, void *memory) {
    (void)arena;
    (void)memory;
}

static ProtobufCAllocator arena_allocator(mr_arena *arena) {
    return (ProtobufCAllocator){arena_alloc, arena_free, arena};
}

// ---- variables -------------------------------------------------------------------------------

typedef struct expander {
    mr_session *s;
    mr_span in;
    mr_text out;
    uint32_t capacity;
    mr_code code;
} expander;

static void stretch_add(expander *e, size_t original, bool value) {
    mr_session *s = e->s;
    if (s->stretch_count == e->capacity) {
        e->capacity = MR_MAX(8u, e->capacity * 2);
        mr_stretch *more = MR_NEW_ARRAY(s->cx->arena, mr_stretch, e->capacity);
        if (s->stretch_count > 0) {
            memcpy(more, s->stretches, sizeof(*more) * s->stretch_count);
        }
        s->stretches = more;
    }
    s->stretches[s->stretch_count++] = (mr_stretch){
        .expanded = (int32_t)e->out.bytes, .original = (int32_t)original, .value = value};
}

static mr_place raw_place(const mr_session *s, size_t offset) {
    return (mr_place){.file = s->file, .source = s->original, .offset = (int32_t)offset};
}

static bool name_char(char c, bool first) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static void expand_fail(expander *e, mr_code code) {
    e->code = mr_session_report(e->s, code);
}

// Handles "${" at `at`; returns the offset behind its "}".
static size_t expand_variable(expander *e, size_t at, char quote) {
    mr_session *s = e->s;
    mr_arena *arena = s->cx->arena;
    size_t name = at + 2, end = name;
    while (end < e->in.bytes && name_char(e->in.data[end], end == name)) {
        end++;
    }
    const char *close = memchr(e->in.data + end, '}', e->in.bytes - end);
    bool has_default = end + 1 < e->in.bytes && memcmp(e->in.data + end, ":-", 2) == 0;
    if (close == NULL || end == name || (!has_default && *(e->in.data + end) != '}')) {
        expand_fail(e, mr_fail_at(s->cx, MR_E_SYNTAX, raw_place(s, at),
                                  "Write ${NAME} or ${NAME:-default}.", "malformed variable"));
        return at + 2;
    }
    size_t after = (size_t)(close - e->in.data) + 1;
    char *variable = mr_arena_copy(arena, e->in.data + name, end - name);
    const char *value = s->env->variable == NULL ? NULL : s->env->variable(s->env->self, variable);
    if (value == NULL && has_default) {
        value = mr_arena_copy(arena, e->in.data + end + 2, after - 1 - (end + 2));
    }
    if (value == NULL) {
        const char *hint = mr_arena_printf(
            arena,
            "Set it with --set %s=…, in the environment or in .env, or write ${%s:-default}.",
            variable, variable);
        expand_fail(e, mr_fail_at(s->cx, MR_E_NAME, raw_place(s, at), hint,
                                  "variable \"%s\" is not set", variable));
        return after;
    }
    stretch_add(e, at, true);
    for (const char *c = value; *c != '\0'; c++) {
        mr_text_add_char(&e->out, *c);
        if (*c == quote && quote == '\'') {
            mr_text_add_char(&e->out, *c);  // A value never ends the literal it stands in.
        }
    }
    stretch_add(e, after, false);
    return after;
}

// Offset behind a comment that starts at `at`, or at itself when none does.
static size_t skip_comment(mr_span in, size_t at) {
    if (at + 1 >= in.bytes) {
        return at;
    }
    if (in.data[at] == '-' && in.data[at + 1] == '-') {
        const char *end = memchr(in.data + at, '\n', in.bytes - at);
        return end == NULL ? in.bytes : (size_t)(end - in.data);
    }
    if (in.data[at] == '/' && in.data[at + 1] == '*') {
        const char *end = memmem(in.data + at + 2, in.bytes - at - 2, "*/", 2);
        return end == NULL ? in.bytes : (size_t)(end - in.data) + 2;
    }
    return at;
}

// Bytes of a dollar quote's tag ("$$", "$body$") at `at`, 0 when there is none.
static size_t dollar_tag(mr_span in, size_t at) {
    size_t end = at + 1;
    while (end < in.bytes && name_char(in.data[end], end == at + 1)) {
        end++;
    }
    return in.data[at] == '$' && end < in.bytes && in.data[end] == '$' ? end + 1 - at : 0;
}

static void expand_all(expander *e) {
    mr_span in = e->in, tag = {NULL, 0};  // Of the dollar quote that is open.
    char quote = '\0';
    for (size_t at = 0; at < in.bytes;) {
        char c = in.data[at];
        bool plain = quote == '\0' && tag.bytes == 0;
        size_t bytes = plain ? skip_comment(in, at) - at : 0;
        if (bytes == 0 && c == '$' && at + 1 < in.bytes && in.data[at + 1] == '{') {
            at = expand_variable(e, at, quote);
            continue;
        }
        size_t dollar = bytes == 0 && quote == '\0' && c == '$' ? dollar_tag(in, at) : 0;
        mr_span here = {in.data + at, dollar};
        if (dollar > 0 && (tag.bytes == 0 || mr_span_equal(tag, here))) {
            tag = tag.bytes == 0 ? here : (mr_span){NULL, 0};
            bytes = dollar;
        } else if (bytes == 0 && tag.bytes == 0 && (c == '\'' || c == '"')) {
            quote = quote == '\0' ? c : quote == c ? '\0' : quote;
        }
        bytes = MR_MAX(bytes, (size_t)1);
        mr_text_add_bytes(&e->out, in.data + at, bytes);
        at += bytes;
    }
}

mr_code mr_parse_expand(mr_session *s, mr_span text) {
    s->original = mr_arena_copy(s->cx->arena, text.data, text.bytes);
    if (text.bytes > TEXT_BYTES_MAX) {
        return mr_session_report(s, mr_fail_at(s->cx, MR_E_LIMIT, raw_place(s, 0),
                                               "Split it into several files.",
                                               "file is longer than %d bytes", TEXT_BYTES_MAX));
    }
    if (memchr(text.data, '\0', text.bytes) != NULL || !mr_utf8_valid(text.data, text.bytes)) {
        return mr_session_report(s, mr_fail_at(s->cx, MR_E_SYNTAX, raw_place(s, 0),
                                               "Save it as UTF-8.", "file is not UTF-8 text"));
    }
    expander e = {.s = s, .in = text, .code = MR_OK};
    mr_text_init(&e.out, s->cx->arena);
    stretch_add(&e, 0, false);
    expand_all(&e);
    mr_text_add(&e.out, "");
    s->expanded = mr_arena_copy(s->cx->arena, mr_text_string(&e.out), e.out.bytes);
    s->expanded_bytes = e.out.bytes;
    return e.code;
}

// ---- statements ------------------------------------------------------------------------------

// Byte offset of the n-th character (from 1) of text.
static int32_t byte_offset(const char *text, int characters) {
    int32_t at = 0;
    for (int i = 1; i < characters && text[at] != '\0'; i++) {
        at++;
        while (((unsigned char)text[at] & 0xC0) == 0x80) {
            at++;
        }
    }
    return at;
}

// What other dialects write where PostgreSQL's grammar stops, and what to write here.
static const struct {
    const char *word;
    const char *hint;
} foreign_words[] = {
    {"watermark", "Give the time column OPTIONS (watermark '30 seconds')."},
    {"emit", "Output follows the sink's option mode: 'append' or 'update'."},
    {"window", "Write the window in FROM: tumble(table, time, interval '1 minute')."},
    {"stream", "Write CREATE FOREIGN TABLE … SERVER …."},
    {"source", "Write CREATE FOREIGN TABLE … SERVER …."},
    {"sink", "Write CREATE FOREIGN TABLE … SERVER …, and INSERT INTO it."},
    {"options", "OPTIONS of a column stand before NOT NULL and CHECK."},
    {"table", "Write the window in FROM: tumble(table, time, interval '1 minute')."},
    {"qualify", "Use DISTINCT ON (keys) to keep the first row of each key."},
    {"asof", "Only joins with static tables exist so far."},
};

// A hint for a syntax error at a word.
static const char *syntax_hint(mr_session *s, const char *at) {
    size_t bytes = 0;
    while (name_char(at[bytes], bytes == 0)) {
        bytes++;
    }
    mr_span word = {at, bytes};
    for (size_t i = 0; i < MR_COUNT(foreign_words); i++) {
        if (mr_span_equal_nocase(word, mr_span_of(foreign_words[i].word))) {
            return foreign_words[i].hint;
        }
    }
    static const char *const reserved[] = {"end",   "user",   "order",  "group", "desc",
                                           "limit", "offset", "column", "check", "default",
                                           "to",    "when",   "table",  "all",   "primary"};
    for (size_t i = 0; i < MR_COUNT(reserved); i++) {
        if (mr_span_equal_nocase(word, mr_span_of(reserved[i]))) {
            return mr_arena_printf(
                s->cx->arena, "As a name this word stands in double quotes: \"%s\".", reserved[i]);
        }
    }
    return NULL;
}

// The word in front of a place.
static const char *word_before(const char *text, int32_t at) {
    while (at > 0 && !name_char(text[at - 1], false)) {
        at--;
    }
    while (at > 0 && name_char(text[at - 1], false)) {
        at--;
    }
    return text + at;
}

static mr_code syntax_error(mr_session *s, const PgQueryError *error, const char *text,
                            int32_t base) {
    int32_t at = error->cursorpos > 0 ? byte_offset(text, error->cursorpos) : 0;
    const char *hint = syntax_hint(s, text + at);
    if (hint == NULL && mr_span_equal_nocase((mr_span){text + at, 3}, MR_SPAN("FOR"))) {
        hint = syntax_hint(s, word_before(text, at));  // WATERMARK FOR
    }
    const char *near = strstr(error->message, " at or near ");
    size_t bytes = strcspn(error->message, "\n");  // What it quotes may run on to the file's end.
    bool cut = error->message[bytes] != '\0' && near != NULL;
    return mr_fail_at(s->cx, MR_E_SYNTAX, mr_session_place_at(s, base + at), hint, "%.*s",
                      (int)(cut ? (size_t)(near - error->message) : bytes), error->message);
}

// How deep a tree these tokens can build: tokens since the last comma, over all open parentheses.
static bool too_deep(const PgQuery__ScanResult *scan, const char *text, int32_t *ret_at) {
    uint32_t deep[PARENS_DEEP_MAX + 1] = {0};
    uint32_t level = 0, outer = 0;
    for (size_t i = 0; i < scan->n_tokens; i++) {
        *ret_at = scan->tokens[i]->start;
        char c = text[*ret_at];
        if (c == '(' || c == '[') {
            if (level == PARENS_DEEP_MAX) {
                return true;
            }
            outer += deep[level++];
            deep[level] = 1;
        } else if ((c == ')' || c == ']') && level > 0) {
            uint32_t inner = deep[level--];
            outer -= deep[level];
            deep[level] += inner;
        } else if (c == ',') {
            deep[level] = 1;
        } else {
            deep[level]++;
        }
        if (outer + deep[level] > TOKENS_DEEP_MAX) {
            return true;
        }
    }
    return false;
}

static void try_cast_add(mr_session *s, int32_t offset) {
    int32_t *more = MR_NEW_ARRAY(s->cx->arena, int32_t, s->try_cast_count + 1);
    if (s->try_cast_count > 0) {
        memcpy(more, s->try_casts, sizeof(*more) * s->try_cast_count);
    }
    more[s->try_cast_count++] = offset;
    s->try_casts = more;
}

// Checks a statement's tokens. TRY_CAST, which the grammar lacks, becomes CAST at a noted place.
static mr_code check_tokens(mr_session *s, char *text, int32_t base) {
    PgQueryScanResult result = pg_query_scan(text);
    if (result.error != NULL) {
        mr_code code = syntax_error(s, result.error, text, base);
        pg_query_free_scan_result(result);
        return code;
    }
    ProtobufCAllocator allocator = arena_allocator(s->cx->arena);
    PgQuery__ScanResult *scan = pg_query__scan_result__unpack(&allocator, result.pbuf.len,
                                                              (const uint8_t *)result.pbuf.data);
    pg_query_free_scan_result(result);
    if (scan == NULL) {
        return mr_fail_at(s->cx, MR_E_INTERNAL, mr_session_place_at(s, base), NULL,
                          "token list cannot be read");
    }
    int32_t at = 0;
    if (too_deep(scan, text, &at)) {
        return mr_fail_at(s->cx, MR_E_LIMIT, mr_session_place_at(s, base + at),
                          "Split it into views.", "statement is nested too deeply");
    }
    for (size_t i = 0; i + 1 < scan->n_tokens; i++) {
        const PgQuery__ScanToken *token = scan->tokens[i];
        mr_span word = {text + token->start, (size_t)(token->end - token->start)};
        if (mr_span_equal_nocase(word, MR_SPAN("try_cast")) &&
            text[scan->tokens[i + 1]->start] == '(') {
            memcpy(text + token->start, "    cast", 8);
            try_cast_add(s, base + token->start + 4);
        }
    }
    return MR_OK;
}

static mr_code parse_text(mr_session *s, char *text, int32_t base, const mr_ast **ret) {
    MR_TRY(check_tokens(s, text, base));
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(text);
    if (result.error != NULL) {
        mr_code code = syntax_error(s, result.error, text, base);
        pg_query_free_protobuf_parse_result(result);
        return code;
    }
    ProtobufCAllocator allocator = arena_allocator(s->cx->arena);
    PgQuery__ParseResult *tree = pg_query__parse_result__unpack(
        &allocator, result.parse_tree.len, (const uint8_t *)result.parse_tree.data);
    pg_query_free_protobuf_parse_result(result);
    if (tree == NULL) {
        return mr_fail_at(s->cx, MR_E_INTERNAL, mr_session_place_at(s, base), NULL,
                          "parse tree cannot be read");
    }
    *ret = tree->n_stmts == 0 ? NULL : tree->stmts[0]->stmt;
    return MR_OK;
}

mr_code mr_parse_one(mr_session *s, const char *text, int32_t base, const mr_ast **ret) {
    return parse_text(s, mr_arena_string(s->cx->arena, text), base, ret);
}

// One statement of the expanded text, from offset base on; added to the list when it parses.
static mr_code parse_part(mr_session *s, mr_span part, mr_parse_statement *list, uint32_t *count) {
    size_t skip = 0, behind = 0;
    do {  // Places of whole statements are those of their first word.
        skip = behind;
        while (behind < part.bytes && strchr(" \t\r\n\f;", part.data[behind]) != NULL) {
            behind++;
        }
        behind = skip_comment(part, behind);
    } while (behind > skip);
    if (skip == part.bytes) {
        return MR_OK;
    }
    int32_t base = (int32_t)(part.data + skip - s->expanded);
    char *text = mr_arena_copy(s->cx->arena, part.data + skip, part.bytes - skip);
    const mr_ast *node = NULL;
    mr_code code = parse_text(s, text, base, &node);
    if (code != MR_OK) {
        s->unparsed[s->unparsed_count++] = text;
        return mr_session_report(s, code);
    }
    if (node != NULL) {
        list[(*count)++] = (mr_parse_statement){.node = node, .base = base};
    }
    return MR_OK;
}

mr_code mr_parse_statements(mr_session *s, mr_parse_statement **ret, uint32_t *ret_count) {
    PgQuerySplitResult split = pg_query_split_with_scanner(s->expanded);
    if (split.error != NULL) {
        mr_code code = syntax_error(s, split.error, s->expanded, 0);
        pg_query_free_split_result(split);
        return mr_session_report(s, code);
    }
    // The scanner passes over statements without a keyword ("SELCT 1"): they are what lies between.
    size_t parts = 2 * (size_t)split.n_stmts + 1;
    s->unparsed = MR_NEW_ARRAY(s->cx->arena, const char *, parts);
    mr_parse_statement *list = MR_NEW_ARRAY(s->cx->arena, mr_parse_statement, parts);
    mr_code first = MR_OK;
    size_t end = 0;
    for (size_t i = 0; i < parts; i++) {
        bool between = i % 2 == 0;
        size_t next = s->expanded_bytes;
        if (i + 1 < parts) {
            size_t start = (size_t)split.stmts[i / 2]->stmt_location;
            next = between ? start : start + (size_t)MR_MAX(split.stmts[i / 2]->stmt_len, 0);
        }
        next = MR_MIN(MR_MAX(next, end), s->expanded_bytes);
        mr_code code = parse_part(s, (mr_span){s->expanded + end, next - end}, list, ret_count);
        first = first == MR_OK ? code : first;
        end = next;
    }
    pg_query_free_split_result(split);
    *ret = list;
    return first;
}
