// Regex: see regex.h.

#include "exec/regex.h"

#include <string.h>

#include "base/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define PATTERNS_MAX    16
#define MATCH_LIMIT     2000000  // Steps back of one search: some tens of milliseconds.
#define HEAP_LIMIT_KIB  16384    // Of one search without JIT.
#define JIT_STACK_BYTES ((size_t)1 << 20)

struct mr_regex {
    char *pattern;  // NULL = free.
    uint32_t bytes;
    bool whole;
    uint64_t used_at;  // The cache's clock.
    uint32_t groups;
    pcre2_code *code;
    pcre2_match_data *match;
    struct cache *cache;
};

typedef struct cache {
    pcre2_general_context *memory;
    pcre2_compile_context *compile;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
    uint64_t clock;
    mr_regex patterns[PATTERNS_MAX];
} cache;

// ---- patterns ----------------------------------------------------------------------------------

static void *memory_take(size_t bytes, void *self) {
    (void)self;
    return mr_heap_raw(bytes);
}

static void memory_give(void *memory, void *self) {
    (void)self;
    mr_heap_free(memory);
}

static void pattern_drop(mr_regex *regex) {
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    mr_heap_free(regex->pattern);
    *regex = (mr_regex){.pattern = NULL};
}

static void cache_close(void *data) {
    cache *c = data;
    for (uint32_t i = 0; i < PATTERNS_MAX; i++) {
        pattern_drop(&c->patterns[i]);
    }
    pcre2_jit_stack_free(c->stack);
    pcre2_match_context_free(c->limits);
    pcre2_compile_context_free(c->compile);
    pcre2_general_context_free(c->memory);
    mr_heap_free(c);
}

static cache *cache_of(mr_fn_call *call) {
    mr_eval_state *state = call->node->state;
    if (state->data == NULL) {
        cache *c = mr_heap_alloc(sizeof(*c));
        c->memory = pcre2_general_context_create(memory_take, memory_give, NULL);
        c->compile = pcre2_compile_context_create(c->memory);
        c->limits = pcre2_match_context_create(c->memory);
        pcre2_set_newline(c->compile, PCRE2_NEWLINE_LF);
        pcre2_set_match_limit(c->limits, MATCH_LIMIT);
        pcre2_set_heap_limit(c->limits, HEAP_LIMIT_KIB);
        c->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK_BYTES, c->memory);
        if (c->stack != NULL) {
            pcre2_jit_stack_assign(c->limits, NULL, c->stack);
        }
        state->data = c;
        state->close = cache_close;
    }
    return state->data;
}

// A $ is the very end, as in RE2; \C, a part of a character, is not let in.
static bool pattern_compile(mr_fn_call *call, uint32_t row, mr_str text, mr_regex *regex) {
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
    if (regex->whole) {
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    }
    int number;
    size_t at;
    regex->code = pcre2_compile((PCRE2_SPTR)text.data, text.bytes, options, &number, &at,
                                regex->cache->compile);
    if (regex->code == NULL) {
        PCRE2_UCHAR reason[160];
        pcre2_get_error_message(number, reason, sizeof(reason));
        mr_eval_call_fail(call, row, "regular expression %s: %s at byte %zu",
                          mr_eval_call_quote(call, text), (const char *)reason, at);
        return false;
    }
    (void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);  // Where there is none: without.
    regex->match = pcre2_match_data_create_from_pattern(regex->code, regex->cache->memory);
    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->groups);
    return true;
}

const mr_regex *mr_regex_arg(mr_fn_call *call, uint32_t arg, uint32_t row, bool whole) {
    cache *c = cache_of(call);
    mr_str text = mr_fn_str(call, arg, row);
    mr_regex *oldest = &c->patterns[0];
    c->clock++;
    for (uint32_t i = 0; i < PATTERNS_MAX; i++) {
        mr_regex *regex = &c->patterns[i];
        if (regex->pattern != NULL && regex->bytes == text.bytes && regex->whole == whole &&
            memcmp(regex->pattern, text.data, text.bytes) == 0) {
            regex->used_at = c->clock;
            return regex;
        }
        oldest = regex->used_at < oldest->used_at ? regex : oldest;
    }
    pattern_drop(oldest);
    oldest->whole = whole;
    oldest->cache = c;
    if (!pattern_compile(call, row, text, oldest)) {
        return NULL;
    }
    oldest->pattern = mr_heap_raw((size_t)text.bytes + 1);
    memcpy(oldest->pattern, text.data, text.bytes);
    oldest->bytes = text.bytes;
    oldest->used_at = c->clock;
    return oldest;
}

uint32_t mr_regex_groups(const mr_regex *regex) {
    return regex->groups;
}

// ---- searching ---------------------------------------------------------------------------------

// PCRE2 would check the whole rest of the text in each search: it is done once here. (Its mode for
// invalid text, PCRE2_MATCH_INVALID_UTF, gives wrong matches with JIT in 10.42.)
bool mr_regex_search(mr_fn_call *call, mr_regex_match *match, uint32_t from) {
    const mr_regex *regex = match->regex;
    mr_str text = match->text;
    if (from == 0 && !mr_utf8_valid(text.data, text.bytes)) {
        mr_eval_call_fail(call, match->row, "text is not UTF-8");
        return false;
    }
    int found = pcre2_match(regex->code, (PCRE2_SPTR)text.data, text.bytes, from,
                            PCRE2_NO_UTF_CHECK, regex->match, regex->cache->limits);
    if (found > 0) {
        match->offsets = pcre2_get_ovector_pointer(regex->match);
        match->count = regex->groups + 1;
        return true;
    }
    if (found == PCRE2_ERROR_NOMATCH) {
        return false;
    }
    PCRE2_UCHAR reason[160];
    pcre2_get_error_message(found, reason, sizeof(reason));
    mr_eval_call_fail(call, match->row, "regular expression %s gives up on %s: %s",
                      mr_eval_call_quote(call, (mr_str){regex->pattern, regex->bytes, 0}),
                      mr_eval_call_quote(call, text), (const char *)reason);
    return false;
}
