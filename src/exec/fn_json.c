// Fn, JSON: values by a path, and what they are. Texts are walked over, not parsed:
// exec/jsontext.h.
//
// Also: mr_fn_.

#include <string.h>

#include "exec/jsontext.h"

// Paths of argument 1: parsed once a batch when it is a constant.
typedef struct finder {
    bool braces;  // PostgreSQL's '{a,0}'.
    bool made;
    bool good;
    mr_jsontext_path path;
    mr_text text;  // For what is printed.
} finder;

static finder finder_new(mr_fn_call *call, bool braces) {
    finder f = {.braces = braces};
    mr_text_init(&f.text, call->run->arena);
    return f;
}

static bool path_at(mr_fn_call *call, uint32_t row, finder *f) {
    const mr_vector *arg = &call->args[1];
    if (arg->type.id == MR_INT64) {
        f->path.count = 1;
        f->path.steps[0] =
            (mr_jsontext_step){.is_index = true, .index = MR_FN_ARG(call, 1, int64_t, row)};
        return true;
    }
    if (!f->made || arg->kind != MR_CONST) {
        mr_str text = mr_fn_str(call, 1, row);
        f->good = f->braces ? mr_jsontext_path_braces(text, call->run->arena, &f->path)
                            : mr_jsontext_path_parse(text, call->run->arena, &f->path);
        f->made = true;
    }
    if (!f->good) {
        mr_eval_call_fail(call, row, "%s is not a path into JSON%s",
                          mr_eval_call_quote(call, mr_fn_str(call, 1, row)),
                          f->braces ? " such as '{a,0}'" : " such as '$.a[0]', without *");
    }
    return f->good;
}

// The value that a row asks for; raw.data NULL: there is none. False: the row has failed.
static bool find(mr_fn_call *call, uint32_t row, finder *f, mr_jsontext_value *ret) {
    if (call->arg_count == 2 && !path_at(call, row, f)) {
        return false;
    }
    mr_str text = mr_fn_str(call, 0, row);
    if (!mr_jsontext_find(text, call->arg_count == 2 ? &f->path : NULL, ret)) {
        mr_eval_call_fail(call, row, "%s is not JSON", mr_eval_call_quote(call, text));
        return false;
    }
    return true;
}

static mr_str written(mr_fn_writer *writer, const mr_text *text) {
    memcpy(mr_fn_writer_take(writer, text->bytes), mr_text_string(text), text->bytes);
    return mr_fn_writer_end(writer, text->bytes);
}

static mr_str printed(finder *f, mr_fn_writer *writer, const mr_jsontext_value *value) {
    if (value->plain) {
        return (mr_str){.data = value->raw.data, .bytes = (uint32_t)value->raw.bytes};
    }
    mr_text_clear(&f->text);
    mr_jsontext_print(value->raw, &f->text);
    return written(writer, &f->text);
}

typedef enum form { AS_JSON, AS_TEXT, AS_SCALAR } form;

static bool is_null_word(mr_span raw) {
    return mr_span_is(raw, "null");
}

static void get(mr_fn_call *call, form as, bool braces) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    finder f = finder_new(call, braces);
    MR_FN_EACH(call, row) {
        mr_jsontext_value value;
        if (!find(call, row, &f, &value)) {
            continue;
        }
        mr_span raw = value.raw;
        bool none = raw.data == NULL || (as != AS_JSON && is_null_word(raw)) ||
                    (as == AS_SCALAR && (*raw.data == '{' || *raw.data == '['));
        if (none) {
            mr_eval_call_null(call, row);
        } else if (as != AS_TEXT || *raw.data != '"') {
            call->out->strs[row] = printed(&f, &writer, &value);
        } else if (memchr(raw.data, '\\', raw.bytes) == NULL) {
            call->out->strs[row] = (mr_str){.data = raw.data + 1, .bytes = (uint32_t)raw.bytes - 2};
        } else {
            mr_text_clear(&f.text);
            mr_jsontext_unescape(raw, &f.text);
            call->out->strs[row] = written(&writer, &f.text);
        }
    }
}

static void exists(mr_fn_call *call) {
    finder f = finder_new(call, /* braces= */ false);
    MR_FN_EACH(call, row) {
        mr_jsontext_value value = {.plain = false};
        call->out->bools[row] = find(call, row, &f, &value) && value.raw.data != NULL;
    }
}

static void array_length(mr_fn_call *call) {
    finder f = finder_new(call, /* braces= */ false);
    MR_FN_EACH(call, row) {
        mr_jsontext_value value;
        call->out->int64s[row] = 0;
        if (!find(call, row, &f, &value)) {
            continue;
        }
        if (value.raw.data == NULL) {
            mr_eval_call_null(call, row);
            continue;
        }
        const char *at = value.raw.data;
        mr_span key, element;
        while (*value.raw.data == '[' && mr_jsontext_next(value.raw, &at, &key, &element)) {
            call->out->int64s[row]++;
        }
    }
}

// A whole number that fits 64 bits, with or without a sign; others are doubles.
static const char *number_type(mr_span raw) {
    uint64_t value = 0;
    bool minus = *raw.data == '-';
    for (size_t i = minus; i < raw.bytes; i++) {
        uint64_t digit = (uint64_t)(raw.data[i] - '0');
        if (digit > 9 || !mr_mul_fits(value, (uint64_t)10, &value) ||
            !mr_add_fits(value, digit, &value)) {
            return "DOUBLE";
        }
    }
    return !minus ? "UBIGINT" : value <= (uint64_t)INT64_MAX + 1 ? "BIGINT" : "DOUBLE";
}

static const char *type_name(mr_span raw) {
    switch (*raw.data) {
    case '{': return "OBJECT";
    case '[': return "ARRAY";
    case '"': return "VARCHAR";
    case 't':
    case 'f': return "BOOLEAN";
    case 'n': return is_null_word(raw) ? "NULL" : "DOUBLE";
    default: return number_type(raw);
    }
}

static void type_of(mr_fn_call *call) {
    finder f = finder_new(call, /* braces= */ false);
    MR_FN_EACH(call, row) {
        mr_jsontext_value value;
        if (!find(call, row, &f, &value)) {
            continue;
        }
        if (value.raw.data == NULL) {
            mr_eval_call_null(call, row);
            continue;
        }
        const char *name = type_name(value.raw);
        call->out->strs[row] = (mr_str){.data = name, .bytes = mr_u32(strlen(name))};
    }
}

// clang-format off
void mr_fn_JSON_GET(mr_fn_call *call) { get(call, AS_JSON, false); }
void mr_fn_JSON_GET_TEXT(mr_fn_call *call) { get(call, AS_JSON, false); }
void mr_fn_JSON_GET_AT(mr_fn_call *call) { get(call, AS_JSON, false); }
void mr_fn_JSON_GET_AT_TEXT(mr_fn_call *call) { get(call, AS_JSON, false); }
void mr_fn_JSON_STRING(mr_fn_call *call) { get(call, AS_TEXT, false); }
void mr_fn_JSON_STRING_TEXT(mr_fn_call *call) { get(call, AS_TEXT, false); }
void mr_fn_JSON_STRING_AT(mr_fn_call *call) { get(call, AS_TEXT, false); }
void mr_fn_JSON_STRING_AT_TEXT(mr_fn_call *call) { get(call, AS_TEXT, false); }
void mr_fn_JSON_BRACES(mr_fn_call *call) { get(call, AS_JSON, true); }
void mr_fn_JSON_BRACES_TEXT(mr_fn_call *call) { get(call, AS_JSON, true); }
void mr_fn_JSON_BRACES_STRING(mr_fn_call *call) { get(call, AS_TEXT, true); }
void mr_fn_JSON_BRACES_STRING_TEXT(mr_fn_call *call) { get(call, AS_TEXT, true); }
void mr_fn_JSON_VALUE(mr_fn_call *call) { get(call, AS_SCALAR, false); }
void mr_fn_JSON_VALUE_TEXT(mr_fn_call *call) { get(call, AS_SCALAR, false); }
void mr_fn_JSON_EXISTS(mr_fn_call *call) { exists(call); }
void mr_fn_JSON_EXISTS_TEXT(mr_fn_call *call) { exists(call); }
void mr_fn_JSON_ARRAY_LENGTH(mr_fn_call *call) { array_length(call); }
void mr_fn_JSON_ARRAY_LENGTH_TEXT(mr_fn_call *call) { array_length(call); }
void mr_fn_JSON_ARRAY_LENGTH_PATH(mr_fn_call *call) { array_length(call); }
void mr_fn_JSON_ARRAY_LENGTH_PATH_TEXT(mr_fn_call *call) { array_length(call); }
void mr_fn_JSON_TYPE(mr_fn_call *call) { type_of(call); }
void mr_fn_JSON_TYPE_TEXT(mr_fn_call *call) { type_of(call); }
void mr_fn_JSON_TYPE_PATH(mr_fn_call *call) { type_of(call); }
void mr_fn_JSON_TYPE_PATH_TEXT(mr_fn_call *call) { type_of(call); }
void mr_fn_JSON_MINIFY(mr_fn_call *call) { get(call, AS_JSON, false); }
// clang-format on

void mr_fn_JSON_VALID(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        mr_span value;
        bool plain;
        call->out->bools[row] = mr_jsontext_check(mr_fn_str(call, 0, row), &value, &plain);
    }
}

void mr_fn_JSON_QUOTE(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_text text;
    mr_text_init(&text, call->run->arena);
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        mr_text_clear(&text);
        mr_jsontext_quote((mr_span){s.data, s.bytes}, &text);
        call->out->strs[row] = written(&writer, &text);
    }
}
