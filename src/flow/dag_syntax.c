// Dag, syntax: what a newcomer to YAML did, told in words of the line where it happened.
//
// Why: a YAML parser says what it expected next, often a line too late. A few mistakes make up
// nearly all of them, and each can be seen in the lines around the place.

#include <string.h>

#include "flow/dag_build.h"

typedef struct line {
    const char *text;
    size_t bytes;
    size_t indent;
    bool tab;  // Among its indentation.
} line;

static line line_at(const char *source, size_t offset) {
    size_t begin = offset;
    while (begin > 0 && source[begin - 1] != '\n') {
        begin--;
    }
    line l = {.text = source + begin};
    l.bytes = strcspn(l.text, "\r\n");
    l.indent = strspn(l.text, " ");
    l.tab = l.text[l.indent] == '\t';
    return l;
}

// The line with something on it before this one; text NULL: none.
static line line_before(const char *source, line l) {
    while (l.text > source) {
        l = line_at(source, (size_t)(l.text - source) - 1);
        if (l.indent < l.bytes && l.text[l.indent] != '#') {
            return l;
        }
    }
    return (line){.text = NULL};
}

// The value of "key: value" or "- value" on a line; NULL when it has none.
static const char *value_on(line l, const char *sign) {
    const char *at = memmem(l.text, l.bytes, sign, strlen(sign));
    if (at == NULL) {
        return NULL;
    }
    at += strlen(sign);
    while (*at == ' ') {
        at++;
    }
    return at < l.text + l.bytes ? at : NULL;
}

// Whether a value on the line begins with this sign, outside of quotes.
static bool begins(line l, const char *sign, const char **ret) {
    char quote = '\0';
    bool value = false;  // A value may begin here.
    for (const char *at = l.text; at < l.text + l.bytes; at++) {
        if (quote == '\0' && value && strncmp(at, sign, strlen(sign)) == 0) {
            *ret = at;
            return true;
        }
        if (quote != '\0' || (value && (*at == '"' || *at == '\''))) {
            quote = quote == '\0' ? *at : *at == quote ? '\0' : quote;
            value = false;
        } else if (*at == ' ') {
            value |= at > l.text && (at[-1] == ':' || at[-1] == '-');
        } else {
            value = *at == '[' || *at == ',' || *at == '{';
        }
    }
    return false;
}

// "key:value": where the blank is missing; NULL when it is not so.
static const char *tight_colon(line l) {
    const char *at = l.text + l.indent;
    at += strncmp(at, "- ", 2) == 0 ? 2 : 0;
    size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
    bool tight = name > 0 && at[name] == ':' && at + name + 1 < l.text + l.bytes &&
                 at[name + 1] != ' ' && at[name + 1] != '/' &&
                 memmem(l.text, l.bytes, ": ", 2) == NULL;
    return tight ? at + name : NULL;
}

// How much of a line is the value that begins there.
static size_t value_bytes(line l, const char *value) {
    size_t bytes = (size_t)(l.text + l.bytes - value);
    const char *comment = memmem(value, bytes, " #", 2);
    bytes = comment == NULL ? bytes : (size_t)(comment - value);
    bool flow = memchr(l.text, '{', (size_t)(value - l.text)) != NULL ||
                memchr(l.text, '[', (size_t)(value - l.text)) != NULL;
    if (flow) {
        const char *end = memmem(value, bytes, "}}", 2);
        size_t head = *value == '{' && end != NULL ? (size_t)(end - value) + 2 : 0;
        bytes = MR_MIN(bytes, head + strcspn(value + head, ",]}"));
    }
    while (bytes > 0 && value[bytes - 1] == ' ') {
        bytes--;
    }
    return MR_MIN(bytes, (size_t)60);
}

static bool explain_value(mr_place place, line l, mr_cx *cx) {
    const char *value;
    bool star = begins(l, "*", &value) && strchr("/ ,-0123456789", value[1]) != NULL;
    if (star || begins(l, "@", &value) || begins(l, "%", &value)) {
        int bytes = (int)value_bytes(l, value);
        place.offset = (int32_t)(value - place.source);
        const char *hint = mr_arena_printf(cx->arena, "Write \"%.*s\".", bytes, value);
        (void)mr_fail_at(cx, MR_E_SYNTAX, place, hint,
                         *value == '*' ? "%.*s needs quotes: * begins an alias in YAML"
                                       : "%.*s needs quotes: YAML keeps that sign for itself",
                         bytes, value);
        return true;
    }
    if (begins(l, "{{", &value)) {
        int bytes = (int)value_bytes(l, value);
        place.offset = (int32_t)(value - place.source);
        const char *hint = mr_arena_printf(cx->arena, "Write \"%.*s\".", bytes, value);
        (void)mr_fail_at(cx, MR_E_SYNTAX, place, hint,
                         "a template needs quotes: YAML reads { as a map");
        return true;
    }
    return false;
}

static bool explain_line(mr_place place, line l, mr_cx *cx) {
    if (l.tab) {
        place.offset = (int32_t)(l.text + l.indent - place.source);
        (void)mr_fail_at(cx, MR_E_SYNTAX, place, "Indent with blanks, two a level.",
                         "a tab stands in the indentation");
        return true;
    }
    const char *colon = tight_colon(l);
    if (colon != NULL) {
        const char *name = colon;
        while (name > l.text && name[-1] != ' ') {
            name--;
        }
        int bytes = (int)(colon - name);
        place.offset = (int32_t)(name - place.source);
        const char *hint = mr_arena_printf(cx->arena, "Write \"%.*s: …\".", bytes, name);
        (void)mr_fail_at(cx, MR_E_SYNTAX, place, hint, "a blank is missing behind \"%.*s:\"", bytes,
                         name);
        return true;
    }
    return explain_value(place, l, cx);
}

static bool is_about(const mr_cx *cx, const char *words) {
    return strstr(cx->error.text, words) != NULL;
}

static void explain_shape(mr_place place, line l, line before, mr_cx *cx) {
    const char *value = value_on(l, ": ");
    bool deeper = before.text != NULL && l.indent > before.indent &&
                  value_on(before, ": ") != NULL && tight_colon(l) == NULL;
    if (is_about(cx, "mapping values are not allowed") && deeper) {
        place.offset = (int32_t)(l.text + l.indent - place.source);
        (void)mr_fail_at(cx, MR_E_SYNTAX, place,
                         "Keys of one map begin in the same column; what is below a key is two "
                         "blanks deeper, and that key has no value of its own.",
                         "wrong indentation");
    } else if (is_about(cx, "mapping values are not allowed") && value != NULL &&
               memmem(value, (size_t)(l.text + l.bytes - value), ": ", 2) != NULL) {
        place.offset = (int32_t)(value - place.source);
        (void)mr_fail_at(
            cx, MR_E_SYNTAX, place,
            mr_arena_printf(cx->arena, "Write \"%.*s\".", (int)value_bytes(l, value), value),
            "a text with a colon and a blank in it needs quotes");
    } else if (is_about(cx, "did not find expected key") ||
               is_about(cx, "did not find expected '-' indicator") || is_about(cx, "block end")) {
        place.offset = (int32_t)(l.text + l.indent - place.source);
        (void)mr_fail_at(cx, MR_E_SYNTAX, place,
                         "Keys of one map, and the dashes of one list, begin in the same column.",
                         "wrong indentation");
    }
}

void mr_dag_syntax_explain(mr_cx *cx) {
    mr_place place = cx->error.place;
    bool shape = cx->error.code == MR_E_SYNTAX || cx->error.code == MR_E_TYPE;
    if (place.source == NULL || place.offset < 0 || !shape || is_about(cx, "twice") ||
        is_about(cx, "document") || is_about(cx, "NUL") || is_about(cx, "anchor")) {
        return;
    }
    line l = line_at(place.source, (size_t)place.offset);
    line before = line_before(place.source, l);
    if (explain_line(place, l, cx) || (before.text != NULL && explain_line(place, before, cx))) {
        return;
    }
    explain_shape(place, l, before, cx);
}
