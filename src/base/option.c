// Option: checks what a user wrote against an option table and fills the owner's struct.

#include "base/option.h"

#include <inttypes.h>
#include <string.h>

#define OPTION_NAMES_MAX 128

static const mr_option *option_row(const mr_option *table, const char *name) {
    for (const mr_option *row = table; row->name != NULL; row++) {
        if (mr_span_equal_nocase(mr_span_of(row->name), mr_span_of(name))) {
            return row;
        }
    }
    return NULL;
}

static mr_code option_unknown(const mr_option *table, const char *noun,
                              const mr_option_value *value, mr_cx *cx) {
    const char *names[OPTION_NAMES_MAX];
    size_t count = 0;
    mr_text all;
    mr_text_init(&all, cx->arena);
    for (const mr_option *row = table; row->name != NULL && count < OPTION_NAMES_MAX; row++) {
        mr_text_addf(&all, "%s%s", count == 0 ? "" : ", ", row->name);
        names[count++] = row->name;
    }
    const char *list =
        count == 0 ? NULL
                   : mr_arena_printf(cx->arena, "The %ss are: %s.", noun, mr_text_string(&all));
    const char *hint = mr_text_hint(value->name, names, count, list, cx->arena);
    return mr_fail_at(cx, MR_E_OPTION, value->place, hint, "unknown %s \"%s\"", noun, value->name);
}

static const char *type_hint(mr_option_type type) {
    switch (type) {
    case MR_OPT_TEXT:
    case MR_OPT_PATH:
    case MR_OPT_CHOICE: return NULL;
    case MR_OPT_BOOL: return "Write true or false.";
    case MR_OPT_INT: return "Write a whole number.";
    case MR_OPT_NUMBER: return "Write a number, such as 12 or 0.5.";
    case MR_OPT_BYTES: return "Write a size, such as 512, '64MB' or '1GiB'.";
    case MR_OPT_DURATION: return "Write a duration, such as '30 seconds' or '5 min'.";
    }
    return NULL;
}

static bool parse_bool(mr_span in, bool *ret) {
    static const char *const words[] = {"true", "on", "yes", "1", "false", "off", "no", "0"};
    for (size_t i = 0; i < MR_COUNT(words); i++) {
        if (mr_span_equal_nocase(in, mr_span_of(words[i]))) {
            *ret = i < MR_COUNT(words) / 2;
            return true;
        }
    }
    return false;
}

// The choice of "a|b|c" that equals in, copied to the arena; NULL when there is none.
static const char *parse_choice(const char *choices, mr_span in, mr_arena *arena) {
    mr_span rest = mr_span_of(choices);
    for (;;) {
        const char *bar = rest.bytes == 0 ? NULL : memchr(rest.data, '|', rest.bytes);
        mr_span choice = {rest.data, bar == NULL ? rest.bytes : (size_t)(bar - rest.data)};
        if (mr_span_equal_nocase(choice, in)) {
            return mr_arena_copy(arena, choice.data, choice.bytes);
        }
        if (bar == NULL) {
            return NULL;
        }
        rest = (mr_span){bar + 1, rest.bytes - choice.bytes - 1};
    }
}

static const char *choice_hint(const char *choices, mr_arena *arena) {
    mr_text hint;
    mr_text_init(&hint, arena);
    mr_text_add(&hint, "Write one of: ");
    for (const char *at = choices; *at != '\0'; at++) {
        if (*at == '|') {
            mr_text_add(&hint, ", ");
        } else {
            mr_text_add_char(&hint, *at);
        }
    }
    mr_text_add_char(&hint, '.');
    return mr_text_string(&hint);
}

// Stores one value; false when it is malformed.
static bool option_store(const mr_option *row, const char *value, void *target, mr_arena *arena) {
    char *field = (char *)target + row->offset;
    mr_span in = mr_span_trim(mr_span_of(value));
    switch (row->type) {
    case MR_OPT_TEXT: {
        const char *text = mr_arena_string(arena, value);
        memcpy(field, &text, sizeof(text));
        return true;
    }
    case MR_OPT_PATH: {
        const char *path = mr_arena_string(arena, value);
        memcpy(field, &path, sizeof(path));
        return path[0] != '\0';
    }
    case MR_OPT_CHOICE: {
        const char *choice = parse_choice(row->choices, in, arena);
        memcpy(field, &choice, sizeof(choice));
        return choice != NULL;
    }
    case MR_OPT_BOOL: return parse_bool(in, (bool *)field);
    case MR_OPT_INT: return mr_text_parse_int64(in, (int64_t *)(void *)field);
    case MR_OPT_NUMBER: return mr_text_parse_double(in, (double *)(void *)field);
    case MR_OPT_BYTES: return mr_text_parse_bytes(in, (uint64_t *)(void *)field);
    case MR_OPT_DURATION: return mr_text_parse_duration_us(in, (int64_t *)(void *)field);
    }
    return false;
}

static mr_code option_malformed(const mr_option *row, const char *noun,
                                const mr_option_value *value, mr_cx *cx) {
    const char *hint = row->type == MR_OPT_CHOICE ? choice_hint(row->choices, cx->arena)
                       : row->type == MR_OPT_PATH ? "Write the path of a file or folder."
                                                  : type_hint(row->type);
    return mr_fail_at(cx, MR_E_OPTION, value->place, hint, "bad value \"%s\" for %s \"%s\"",
                      value->value, noun, row->name);
}

static void option_clear(const mr_option *row, void *target) {
    static const size_t sizes[] = {
        [MR_OPT_TEXT] = sizeof(char *),    [MR_OPT_PATH] = sizeof(char *),
        [MR_OPT_BOOL] = sizeof(bool),      [MR_OPT_INT] = sizeof(int64_t),
        [MR_OPT_BYTES] = sizeof(uint64_t), [MR_OPT_DURATION] = sizeof(int64_t),
        [MR_OPT_CHOICE] = sizeof(char *),  [MR_OPT_NUMBER] = sizeof(double),
    };
    memset((char *)target + row->offset, 0, sizes[row->type]);
}

// The value given for a row; an option given twice is an error.
static mr_code option_given(const mr_option *row, const mr_option_values *values, const char *noun,
                            const mr_option_value **ret, mr_cx *cx) {
    const mr_option_value *given = NULL;
    for (size_t i = 0; i < values->count; i++) {
        const mr_option_value *value = &values->items[i];
        if (!mr_span_equal_nocase(mr_span_of(value->name), mr_span_of(row->name))) {
            continue;
        }
        if (given != NULL) {
            return mr_fail_at(cx, MR_E_OPTION, value->place, "Keep one of the two.",
                              "%s \"%s\" is given twice", noun, row->name);
        }
        given = value;
    }
    *ret = given;
    return MR_OK;
}

static mr_code option_missing(const mr_option *row, const char *noun, mr_cx *cx) {
    const char *hint =
        strcmp(noun, "option") == 0
            ? mr_arena_printf(cx->arena, "Write %s '…' among the OPTIONS. %s", row->name, row->doc)
            : mr_arena_printf(cx->arena, "Write %s: and what it is. %s", row->name, row->doc);
    return mr_fail(cx, MR_E_OPTION, hint, "%s \"%s\" is missing", noun, row->name);
}

typedef struct wording {
    const char *noun;         // What messages call an option.
    const char *pass_prefix;  // NULL = none.
} wording;

static mr_code apply(const mr_option *table, const mr_option_values *values, const wording *how,
                     void *target, mr_cx *cx) {
    const char *noun = how->noun;
    const char *pass_prefix = how->pass_prefix;
    for (size_t i = 0; i < values->count; i++) {
        const mr_option_value *value = &values->items[i];
        bool passed = pass_prefix != NULL && mr_span_starts(mr_span_of(value->name), pass_prefix);
        if (!passed && option_row(table, value->name) == NULL) {
            return option_unknown(table, noun, value, cx);
        }
    }
    for (const mr_option *row = table; row->name != NULL; row++) {
        const mr_option_value *given = NULL;
        MR_TRY(option_given(row, values, noun, &given, cx));
        if (given != NULL) {
            if (!option_store(row, given->value, target, cx->arena)) {
                return option_malformed(row, noun, given, cx);
            }
        } else if (row->default_text == MR_REQUIRED) {
            return option_missing(row, noun, cx);
        } else if (row->default_text != NULL) {
            bool stored = option_store(row, row->default_text, target, cx->arena);
            mr_assert(stored);  // A default is written by us.
        } else {
            option_clear(row, target);
        }
    }
    return MR_OK;
}

mr_code mr_option_apply(const mr_option *table, const mr_option_values *values,
                        const char *pass_prefix, void *target, mr_cx *cx) {
    wording how = {.noun = "option", .pass_prefix = pass_prefix};
    return apply(table, values, &how, target, cx);
}

mr_code mr_option_apply_keys(const mr_option *table, const mr_option_values *values, void *target,
                             mr_cx *cx) {
    wording how = {.noun = "key"};
    return apply(table, values, &how, target, cx);
}

const char *mr_option_find(const mr_option_values *values, const char *name) {
    for (size_t i = 0; i < values->count; i++) {
        if (mr_span_equal_nocase(mr_span_of(values->items[i].name), mr_span_of(name))) {
            return values->items[i].value;
        }
    }
    return NULL;
}
