// Principal: rules from certificates' names to principals; see principal.h.
//
// Meaning is Java's: a fitting pattern replaces all it finds in the name, as String.replaceAll does
// (so /.*/x/ gives xx there and here), and \c in a replacement is c.
// Source: org.apache.kafka.common.security.ssl.SslPrincipalMapper of 3.9, and its test.

#include "broker/principal.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/utf8.h"

#define MATCH_STEPS_MAX 1000000

typedef struct principal_rule {
    pcre2_code *pattern;      // NULL: DEFAULT.
    const char *replacement;  // As PCRE2 has it.
    char letters;             // 'L', 'U', or 0.
    struct principal_rule *next;
} principal_rule;

struct mr_principal_rules {
    mr_arena arena;
    principal_rule *first;
    pcre2_match_context *limits;
};

// ---- reading -----------------------------------------------------------------------------------

static mr_code refuse(mr_span rule, const char *why, mr_cx *cx) {
    return mr_fail(cx, MR_E_OPTION,
                   "A rule is DEFAULT, or RULE:pattern/replacement/ with L or U behind it; rules "
                   "have commas between them.",
                   "bad rule \"%.*s\" for key \"tls_principal_mapping_rules\": %s",
                   MR_SPAN_ARGS(rule), why);
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The group that stands behind a $, moving *at behind it: as many digits as there is a group for.
static bool group_of(const char **at, const char *end, uint32_t groups, uint32_t *ret) {
    const char *c = *at;
    uint32_t group = 0;
    for (; c < end && is_digit(*c); c++) {
        uint32_t next = group * 10 + (uint32_t)(*c - '0');
        if (next > groups) {
            break;
        }
        group = next;
    }
    bool found = c > *at;
    *at = c;
    *ret = group;
    return found;
}

// From Java's form to PCRE2's: ${1} for a group, $$ for a dollar. A $ of a group that is not there
// stands for itself.
static mr_code replacement_read(principal_rule *rule, mr_span text, mr_span whole, mr_text *out,
                                mr_cx *cx) {
    uint32_t groups = 0;
    pcre2_pattern_info(rule->pattern, PCRE2_INFO_CAPTURECOUNT, &groups);
    const char *end = text.data + text.bytes;
    for (const char *c = text.data; c < end;) {
        uint32_t group;
        char here = *c++;
        if (here == '\\') {  // Never the last: a slash would have been its.
            here = *c++;
        } else if (here == '$') {
            if (c == end || !is_digit(*c)) {
                return refuse(whole, "a $ is followed by the number of a group; \\$ is the letter",
                              cx);
            }
            if (group_of(&c, end, groups, &group)) {
                mr_text_addf(out, "${%u}", group);
                continue;
            }
        }
        mr_text_add_char(out, here);
        if (here == '$') {
            mr_text_add_char(out, here);
        }
    }
    rule->replacement = mr_text_string(out);
    return MR_OK;
}

static mr_code pattern_read(principal_rule *rule, mr_span text, mr_span whole, mr_cx *cx) {
    int failed;
    PCRE2_SIZE at;
    rule->pattern = pcre2_compile((PCRE2_SPTR)text.data, text.bytes, PCRE2_UTF, &failed, &at, NULL);
    if (rule->pattern != NULL) {
        return MR_OK;
    }
    PCRE2_UCHAR words[120];
    pcre2_get_error_message(failed, words, sizeof(words));
    return refuse(whole, mr_arena_printf(cx->arena, "its pattern, at byte %zu: %s", at, words), cx);
}

// Up to the next / that has no \ before it, which is passed over; false when there is none.
static bool part_take(const char **at, const char *end, mr_span *ret) {
    const char *from = *at;
    for (const char *c = from; c < end; c++) {
        if (*c == '/') {
            *ret = (mr_span){from, (size_t)(c - from)};
            *at = c + 1;
            return true;
        }
        c += *c == '\\';
    }
    return false;
}

// What stands before the next comma, for errors and for DEFAULT.
static mr_span word_of(const char *at, const char *end) {
    const char *comma = memchr(at, ',', (size_t)(end - at));
    mr_span word = {at, (size_t)((comma == NULL ? end : comma) - at)};
    while (word.bytes > 0 && word.data[word.bytes - 1] == ' ') {
        word.bytes--;
    }
    return word;
}

// One rule; *at is behind it then.
static mr_code rule_read(const char **at, const char *end, principal_rule *rule,
                         mr_principal_rules *rules, mr_cx *cx) {
    static const char head[] = "RULE:";
    const char *from = *at;
    mr_span word = word_of(from, end), pattern, replacement;
    if (mr_span_is(word, "DEFAULT")) {
        *at = from + word.bytes;
        return MR_OK;
    }
    if (word.bytes < sizeof(head) - 1 || memcmp(from, head, sizeof(head) - 1) != 0) {
        return refuse(word, "it is neither DEFAULT nor begins with RULE:", cx);
    }
    const char *c = from + sizeof(head) - 1;
    if (!part_take(&c, end, &pattern) || !part_take(&c, end, &replacement)) {
        return refuse((mr_span){from, (size_t)(end - from)},
                      "a / is missing behind its pattern or its replacement", cx);
    }
    if (c < end && (*c == 'L' || *c == 'U')) {
        rule->letters = *c++;
    }
    mr_span whole = {from, (size_t)(c - from)};
    mr_span rest = word_of(c, end);
    if (rest.bytes > 0) {
        return refuse(whole, mr_arena_printf(cx->arena, "\"%.*s\" behind it", MR_SPAN_ARGS(rest)),
                      cx);
    }
    *at = c;
    mr_text out;
    mr_text_init(&out, &rules->arena);
    MR_TRY(pattern_read(rule, pattern, whole, cx));
    return replacement_read(rule, replacement, whole, &out, cx);
}

static mr_code rules_read(mr_principal_rules *rules, const char *text, mr_cx *cx) {
    principal_rule **last = &rules->first;
    const char *end = text + strlen(text);
    for (const char *at = text; at < end;) {
        if (*at == ' ' || *at == ',') {  // Kafka passes over a rule of nothing.
            at++;
            continue;
        }
        principal_rule *rule = MR_NEW(&rules->arena, principal_rule);
        *last = rule;
        last = &rule->next;
        MR_TRY(rule_read(&at, end, rule, rules, cx));
    }
    if (rules->first == NULL) {
        rules->first = MR_NEW(&rules->arena, principal_rule);
    }
    return MR_OK;
}

mr_code mr_principal_rules_open(const char *text, mr_principal_rules **ret, mr_cx *cx) {
    mr_principal_rules *rules = mr_heap_alloc(sizeof(*rules));
    rules->limits = pcre2_match_context_create(NULL);
    mr_assert(rules->limits != NULL);
    pcre2_set_match_limit(rules->limits, MATCH_STEPS_MAX);
    mr_code code = rules_read(rules, text == NULL ? "" : text, cx);
    if (code != MR_OK) {
        mr_principal_rules_close(rules);
        return code;
    }
    *ret = rules;
    return MR_OK;
}

void mr_principal_rules_close(mr_principal_rules *rules) {
    if (rules == NULL) {
        return;
    }
    for (principal_rule *rule = rules->first; rule != NULL; rule = rule->next) {
        pcre2_code_free(rule->pattern);
    }
    pcre2_match_context_free(rules->limits);
    mr_arena_release(&rules->arena);
    mr_heap_free(rules);
}

// ---- applying ----------------------------------------------------------------------------------

static bool fits(const mr_principal_rules *rules, const principal_rule *rule, mr_span name) {
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(rule->pattern, NULL);
    mr_assert(data != NULL);
    int found = pcre2_match(rule->pattern, (PCRE2_SPTR)name.data, name.bytes, 0,
                            PCRE2_ANCHORED | PCRE2_ENDANCHORED, data, rules->limits);
    pcre2_match_data_free(data);
    return found >= 0;
}

// NULL when it has taken too many steps.
static const char *replaced(const mr_principal_rules *rules, const principal_rule *rule,
                            mr_span name, mr_arena *arena) {
    char *to = NULL;
    size_t room = 0;
    uint32_t options =
        PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_UNSET_EMPTY | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH;
    for (int turn = 0; turn < 2; turn++) {  // First it says how much room it needs.
        int count = pcre2_substitute(rule->pattern, (PCRE2_SPTR)name.data, name.bytes, 0, options,
                                     NULL, rules->limits, (PCRE2_SPTR)rule->replacement,
                                     PCRE2_ZERO_TERMINATED, (PCRE2_UCHAR *)to, &room);
        if (count >= 0) {
            return to;
        }
        if (count != PCRE2_ERROR_NOMEMORY) {
            break;
        }
        to = mr_arena_raw(arena, room);
    }
    return NULL;
}

static const char *in_letters(const char *name, char letters, mr_arena *arena) {
    mr_text out;
    mr_text_init(&out, arena);
    const char *end = name + strlen(name);
    while (name < end) {
        uint32_t code_point;
        char bytes[4];
        name += mr_utf8_get(name, end, &code_point);
        code_point = letters == 'L' ? mr_utf8_lower(code_point) : mr_utf8_upper(code_point);
        mr_text_add_bytes(&out, bytes, mr_utf8_put(code_point, bytes));
    }
    return mr_text_string(&out);
}

const char *mr_principal_rules_apply(const mr_principal_rules *rules, const char *name,
                                     mr_arena *arena) {
    for (const principal_rule *rule = rules->first; rule != NULL; rule = rule->next) {
        if (rule->pattern == NULL) {
            return mr_arena_string(arena, name);
        }
        if (fits(rules, rule, mr_span_of(name))) {
            const char *made = replaced(rules, rule, mr_span_of(name), arena);
            return made == NULL || rule->letters == 0 ? made
                                                      : in_letters(made, rule->letters, arena);
        }
    }
    return NULL;
}
