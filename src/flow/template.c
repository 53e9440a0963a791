// Template: see template.h.
//
// How: template_parse.c gives trees, here they are walked over values that are JSON text. What a
// name that is not there means is decided by who asks: `default` and `is defined` take it, anything
// else fails with its error.

#include "flow/template.h"

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "flow/template_node.h"

typedef mr_template_node node;

#define NAME_ROW(name, example, doc) {#name, example, doc},
const mr_template_name mr_template_names[] = {MR_TEMPLATE_NAMES(NAME_ROW){NULL, NULL, NULL}};

typedef struct walk {
    mr_span text;
    mr_place place;
    const mr_template_scope *scope;
    mr_cx *cx;
} walk;

typedef struct value {
    mr_span json;
    mr_error *missing;  // Not there, and why; json is null then.
} value;

// ---- looking up ------------------------------------------------------------------------------

static mr_code no_key(mr_span json, mr_span key, mr_cx *cx) {
    const char *names[64];
    size_t count = 0;
    mr_text all;
    mr_text_init(&all, cx->arena);
    mr_span rest = mr_jsonvalue_inside(json);
    mr_span name, item;
    while (count < MR_COUNT(names) && mr_jsonvalue_next(&rest, &name, &item)) {
        mr_text text;
        mr_text_init(&text, cx->arena);
        mr_jsonvalue_unescape(name, &text);
        mr_text_addf(&all, "%s%s", count == 0 ? "" : ", ", mr_text_string(&text));
        names[count++] = mr_text_string(&text);
    }
    const char *list = count == 0
                           ? "There is nothing in it."
                           : mr_arena_printf(cx->arena, "There are: %s.", mr_text_string(&all));
    const char *hint =
        mr_text_hint(mr_arena_copy(cx->arena, key.data, key.bytes), names, count, list, cx->arena);
    return mr_fail(cx, MR_E_NAME, hint, "there is no \"%.*s\"", MR_SPAN_ARGS(key));
}

static mr_code look_key(mr_span json, mr_span key, mr_span *ret, mr_cx *cx) {
    mr_span rest = mr_jsonvalue_inside(json);
    mr_span name, item;
    while (mr_jsonvalue_next(&rest, &name, &item)) {
        mr_text text;
        mr_text_init(&text, cx->arena);
        mr_jsonvalue_unescape(name, &text);
        if (mr_span_equal(mr_text_span(&text), key)) {
            *ret = item;
            return MR_OK;
        }
    }
    return no_key(json, key, cx);
}

static mr_code look_index(mr_span json, mr_span key, mr_span *ret, mr_cx *cx) {
    int64_t index, count = 0;
    if (!mr_text_parse_int64(key, &index)) {
        return mr_fail(cx, MR_E_NAME, "Write its number, such as [0].", "a list has no \"%.*s\"",
                       MR_SPAN_ARGS(key));
    }
    mr_span item;
    for (mr_span rest = mr_jsonvalue_inside(json); mr_jsonvalue_next(&rest, NULL, &item);) {
        count++;
    }
    int64_t at = index < 0 ? index + count : index;
    mr_span rest = mr_jsonvalue_inside(json);
    for (int64_t i = 0; mr_jsonvalue_next(&rest, NULL, &item); i++) {
        if (i == at) {
            *ret = item;
            return MR_OK;
        }
    }
    return mr_fail(cx, MR_E_NAME, NULL, "a list of %" PRId64 " item%s has no [%" PRId64 "]", count,
                   count == 1 ? "" : "s", index);
}

mr_code mr_template_look(mr_span json, const mr_span *path, uint32_t count, mr_span *ret,
                         mr_cx *cx) {
    for (uint32_t i = 0; i < count; i++) {
        switch (mr_jsonvalue_kind_of(json)) {
        case MR_JSONVALUE_OBJECT: MR_TRY(look_key(json, path[i], &json, cx)); break;
        case MR_JSONVALUE_ARRAY: MR_TRY(look_index(json, path[i], &json, cx)); break;
        case MR_JSONVALUE_NULL:
        case MR_JSONVALUE_FALSE:
        case MR_JSONVALUE_TRUE:
        case MR_JSONVALUE_NUMBER:
        case MR_JSONVALUE_STRING:
            return mr_fail(cx, MR_E_NAME, "If it is JSON in a text, write (NAME | fromjson).KEY.",
                           "there is no \"%.*s\" in a value that is no list and no map",
                           MR_SPAN_ARGS(path[i]));
        }
    }
    *ret = mr_jsonvalue_trim(json);
    return MR_OK;
}

// Fails where the node stands, keeping an error's own text.
static mr_code at_node(const walk *w, const node *n, mr_code code) {
    if (code != MR_OK && w->cx->error.place.offset < 0) {
        w->cx->error.place = mr_template_place(w->text, w->place, n->at);
    }
    return code;
}

static mr_code miss(const walk *w, const node *n, mr_code code, value *ret) {
    (void)at_node(w, n, code);
    if (code != MR_E_NAME) {
        return code;
    }
    ret->json = MR_SPAN("null");
    ret->missing = MR_NEW(w->cx->arena, mr_error);
    *ret->missing = w->cx->error;
    return MR_OK;
}

static mr_code walk_path(const walk *w, const node *n, value *ret) {
    uint32_t used = 0;
    mr_span json;
    w->cx->error.place = MR_NOWHERE;
    mr_code code = w->scope->find(w->scope->self, n->path, n->path_count, &used, &json, w->cx);
    if (code == MR_OK) {
        mr_assert(used > 0 && used <= n->path_count);
        code = mr_template_look(json, n->path + used, n->path_count - used, &json, w->cx);
    }
    if (code != MR_OK) {
        mr_text all;
        mr_text_init(&all, w->cx->arena);
        for (uint32_t i = 0; i < n->path_count; i++) {
            mr_text_addf(&all, "%s%.*s", i == 0 ? "" : ".", MR_SPAN_ARGS(n->path[i]));
        }
        (void)mr_error_in(w->cx, code, "{{ %s }}", mr_text_string(&all));
        return miss(w, n, code, ret);
    }
    ret->json = json;
    return MR_OK;
}

// ---- comparing -------------------------------------------------------------------------------

static bool is_true(mr_span json) {
    mr_text text = {.data = NULL};
    bool truth = true;
    double number;
    switch (mr_jsonvalue_kind_of(json)) {
    case MR_JSONVALUE_NULL:
    case MR_JSONVALUE_FALSE: return false;
    case MR_JSONVALUE_TRUE: return true;
    case MR_JSONVALUE_NUMBER: return !mr_text_parse_double(json, &number) || number != 0;
    case MR_JSONVALUE_STRING: return mr_jsonvalue_trim(json).bytes > 2;
    case MR_JSONVALUE_ARRAY:
    case MR_JSONVALUE_OBJECT:
        mr_jsonvalue_minify(json, &text);
        truth = text.bytes > 2;
        mr_text_release(&text);
        return truth;
    }
    return truth;
}

static mr_span to_text(mr_span json, mr_arena *arena) {
    mr_text out;
    mr_text_init(&out, arena);
    mr_template_filter_text(json, &out);
    return mr_text_span(&out);
}

// -1, 0, 1; numbers by value, texts by bytes.
static int compare_numbers(mr_span a, mr_span b) {
    int64_t whole_a, whole_b;
    if (mr_text_parse_int64(a, &whole_a) && mr_text_parse_int64(b, &whole_b)) {
        return whole_a < whole_b ? -1 : whole_a > whole_b;
    }
    double real_a = 0, real_b = 0;
    (void)mr_text_parse_double(a, &real_a);
    (void)mr_text_parse_double(b, &real_b);
    return real_a < real_b ? -1 : real_a > real_b;
}

static bool is_equal(mr_span a, mr_span b, mr_arena *arena) {
    mr_jsonvalue_kind kind = mr_jsonvalue_kind_of(a);
    if (kind != mr_jsonvalue_kind_of(b)) {
        return false;
    }
    if (kind == MR_JSONVALUE_NUMBER) {
        return compare_numbers(a, b) == 0;
    }
    return mr_span_equal(to_text(a, arena), to_text(b, arena));
}

static mr_code compare(const walk *w, const node *n, mr_span a, mr_span b, bool *ret) {
    if (n->kind == MR_NODE_EQUAL || n->kind == MR_NODE_UNEQUAL) {
        *ret = is_equal(a, b, w->cx->arena) == (n->kind == MR_NODE_EQUAL);
        return MR_OK;
    }
    mr_jsonvalue_kind kind = mr_jsonvalue_kind_of(a);
    if (kind != mr_jsonvalue_kind_of(b) ||
        (kind != MR_JSONVALUE_NUMBER && kind != MR_JSONVALUE_STRING)) {
        mr_span left = to_text(a, w->cx->arena), right = to_text(b, w->cx->arena);
        return mr_fail(w->cx, MR_E_TYPE,
                       "Both must be numbers or both texts: | int and | string make them so.",
                       "\"%.*s\" and \"%.*s\" cannot be put in order",
                       (int)MR_MIN(left.bytes, (size_t)60), left.data,
                       (int)MR_MIN(right.bytes, (size_t)60), right.data);
    }
    int order = kind == MR_JSONVALUE_NUMBER
                    ? compare_numbers(a, b)
                    : mr_span_compare(to_text(a, w->cx->arena), to_text(b, w->cx->arena));
    *ret = n->kind == MR_NODE_LESS         ? order < 0
           : n->kind == MR_NODE_LESS_EQUAL ? order <= 0
           : n->kind == MR_NODE_MORE       ? order > 0
                                           : order >= 0;
    return MR_OK;
}

static mr_code is_in(const walk *w, mr_span item, mr_span all, bool *ret) {
    *ret = false;
    mr_jsonvalue_kind kind = mr_jsonvalue_kind_of(all);
    if (kind == MR_JSONVALUE_STRING) {
        mr_span in = to_text(all, w->cx->arena), part = to_text(item, w->cx->arena);
        *ret = part.bytes == 0 || memmem(in.data, in.bytes, part.data, part.bytes) != NULL;
        return MR_OK;
    }
    if (kind != MR_JSONVALUE_ARRAY && kind != MR_JSONVALUE_OBJECT) {
        return mr_fail(w->cx, MR_E_TYPE, "Behind in stands a list, a map or a text.",
                       "nothing can be in \"%.*s\"", MR_SPAN_ARGS(to_text(all, w->cx->arena)));
    }
    mr_span rest = mr_jsonvalue_inside(all);
    mr_span key, one;
    while (!*ret && mr_jsonvalue_next(&rest, kind == MR_JSONVALUE_OBJECT ? &key : NULL, &one)) {
        *ret = is_equal(item, kind == MR_JSONVALUE_OBJECT ? key : one, w->cx->arena);
    }
    return MR_OK;
}

// ---- walking ---------------------------------------------------------------------------------

static mr_code walk_soft(const walk *w, const node *n, value *ret);

static mr_code walk_node(const walk *w, const node *n, mr_span *ret) {
    value v = {0};
    MR_TRY(walk_soft(w, n, &v));
    if (v.missing != NULL) {
        w->cx->error = *v.missing;
        return (mr_code)v.missing->code;
    }
    *ret = v.json;
    return MR_OK;
}

static mr_span truth(bool b) {
    return b ? MR_SPAN("true") : MR_SPAN("false");
}

static mr_code walk_list(const walk *w, const node *n, mr_span *ret) {
    mr_text out;
    mr_text_init(&out, w->cx->arena);
    for (uint32_t i = 0; i < n->item_count; i++) {
        mr_span item;
        MR_TRY(walk_node(w, n->items[i], &item));
        mr_text_add_char(&out, i == 0 ? '[' : ',');
        mr_text_add_bytes(&out, item.data, item.bytes);
    }
    mr_text_add(&out, n->item_count == 0 ? "[]" : "]");
    *ret = mr_text_span(&out);
    return MR_OK;
}

static mr_code walk_filter(const walk *w, const node *n, value *ret) {
    mr_span *values = MR_NEW_ARRAY(w->cx->arena, mr_span, n->item_count);
    value input = {0};
    MR_TRY(walk_soft(w, n->items[0], &input));
    if (input.missing != NULL && !mr_template_filter_is_default(n->filter)) {
        *ret = input;
        return MR_OK;
    }
    values[0] = input.json;
    for (uint32_t i = 1; i < n->item_count; i++) {
        MR_TRY(walk_node(w, n->items[i], &values[i]));
    }
    w->cx->error.place = MR_NOWHERE;
    return at_node(
        w, n,
        mr_template_filter_apply(n->filter, values, n->item_count, w->scope, &ret->json, w->cx));
}

static mr_code walk_two(const walk *w, const node *n, mr_span *ret) {
    mr_span a, b;
    bool result = false;
    MR_TRY(walk_node(w, n->items[0], &a));
    if (n->kind == MR_NODE_AND || n->kind == MR_NODE_OR) {  // As Python: the value that decides.
        *ret = a;
        return is_true(a) == (n->kind == MR_NODE_OR) ? MR_OK : walk_node(w, n->items[1], ret);
    }
    MR_TRY(walk_node(w, n->items[1], &b));
    w->cx->error.place = MR_NOWHERE;
    MR_TRY(at_node(w, n,
                   n->kind == MR_NODE_IN ? is_in(w, a, b, &result) : compare(w, n, a, b, &result)));
    *ret = truth(result);
    return MR_OK;
}

static mr_code walk_soft(const walk *w, const node *n, value *ret) {
    value v = {0};
    switch (n->kind) {
    case MR_NODE_LITERAL: ret->json = n->json; return MR_OK;
    case MR_NODE_PATH: return walk_path(w, n, ret);
    case MR_NODE_LIST: return walk_list(w, n, &ret->json);
    case MR_NODE_LOOKUP: {
        MR_TRY(walk_node(w, n->items[0], &v.json));
        w->cx->error.place = MR_NOWHERE;
        mr_code code = mr_template_look(v.json, n->path, n->path_count, &ret->json, w->cx);
        return code == MR_OK ? MR_OK : miss(w, n, code, ret);
    }
    case MR_NODE_FILTER: return walk_filter(w, n, ret);
    case MR_NODE_NOT:
        MR_TRY(walk_node(w, n->items[0], &v.json));
        ret->json = truth(!is_true(v.json));
        return MR_OK;
    case MR_NODE_DEFINED:
    case MR_NODE_NONE:
        MR_TRY(walk_soft(w, n->items[0], &v));
        ret->json =
            truth(n->kind == MR_NODE_DEFINED
                      ? v.missing == NULL
                      : v.missing == NULL && mr_jsonvalue_kind_of(v.json) == MR_JSONVALUE_NULL);
        return MR_OK;
    case MR_NODE_IF:
        MR_TRY(walk_node(w, n->items[1], &v.json));
        return walk_soft(w, n->items[is_true(v.json) ? 0 : 2], ret);
    case MR_NODE_AND:
    case MR_NODE_OR:
    case MR_NODE_EQUAL:
    case MR_NODE_UNEQUAL:
    case MR_NODE_LESS:
    case MR_NODE_LESS_EQUAL:
    case MR_NODE_MORE:
    case MR_NODE_MORE_EQUAL:
    case MR_NODE_IN: return walk_two(w, n, &ret->json);
    }
    return MR_OK;
}

// ---- texts -----------------------------------------------------------------------------------

bool mr_template_has(mr_span text) {
    return memmem(text.data, text.bytes, "{{", 2) != NULL;
}

// The tree of a text that is one template and nothing else; NULL when it is not.
static mr_code parse_alone(mr_span text, mr_place place, node **ret, mr_cx *cx) {
    mr_template_reader r = {.text = text, .place = place, .cx = cx};
    *ret = NULL;
    if (!mr_span_starts(mr_span_trim(text), "{{")) {
        return MR_OK;
    }
    mr_span plain;
    node *first, *second;
    MR_TRY(mr_template_parse_next(&r, &plain, &first));
    MR_TRY(mr_template_parse_next(&r, &plain, &second));
    if (second == NULL && mr_span_trim(plain).bytes == 0) {
        *ret = first;
    }
    return MR_OK;
}

bool mr_template_alone(mr_span text) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    node *n;
    bool alone = parse_alone(text, MR_NOWHERE, &n, &cx) == MR_OK && n != NULL;
    mr_arena_release(&arena);
    return alone;
}

static mr_code check_node(const walk *w, const node *n,
                          mr_code (*name)(void *self, const mr_span *path, uint32_t count,
                                          mr_place place, mr_cx *cx),
                          void *self) {
    if (n->kind == MR_NODE_PATH && name != NULL) {
        mr_place place = mr_template_place(w->text, w->place, n->at);
        MR_TRY(name(self, n->path, n->path_count, place, w->cx));
    }
    for (uint32_t i = 0; i < n->item_count; i++) {
        MR_TRY(check_node(w, n->items[i], name, self));
    }
    return MR_OK;
}

mr_code mr_template_check(mr_span text, mr_place place,
                          mr_code (*name)(void *self, const mr_span *path, uint32_t count,
                                          mr_place place, mr_cx *cx),
                          void *self, mr_cx *cx) {
    mr_template_reader r = {.text = text, .place = place, .cx = cx};
    walk w = {.text = text, .place = place, .cx = cx};
    for (;;) {
        mr_span plain;
        node *n;
        MR_TRY(mr_template_parse_next(&r, &plain, &n));
        if (n == NULL) {
            return MR_OK;
        }
        MR_TRY(check_node(&w, n, name, self));
    }
}

mr_code mr_template_text(mr_span text, mr_place place, const mr_template_scope *scope, mr_text *out,
                         mr_cx *cx) {
    mr_template_reader r = {.text = text, .place = place, .cx = cx};
    walk w = {.text = text, .place = place, .scope = scope, .cx = cx};
    for (;;) {
        mr_span plain, json;
        node *n;
        MR_TRY(mr_template_parse_next(&r, &plain, &n));
        mr_text_add_bytes(out, plain.data, plain.bytes);
        if (n == NULL) {
            return MR_OK;
        }
        MR_TRY(walk_node(&w, n, &json));
        mr_template_filter_text(json, out);
    }
}

// A text's value: that of its one template, or its text.
static mr_code text_value(mr_span text, mr_place place, const mr_template_scope *scope,
                          mr_span *ret, mr_cx *cx) {
    node *alone;
    MR_TRY(parse_alone(text, place, &alone, cx));
    if (alone != NULL) {
        walk w = {.text = text, .place = place, .scope = scope, .cx = cx};
        return walk_node(&w, alone, ret);
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    MR_TRY(mr_template_text(text, place, scope, &out, cx));
    *ret = mr_template_filter_string(mr_text_span(&out), cx->arena);
    return MR_OK;
}

// A number of YAML's core schema as JSON's; false when the text is none.
static bool add_number(const char *text, mr_text *out) {
    size_t sign = text[0] == '-' || text[0] == '+';
    const char *digits = text + sign;
    size_t whole = strspn(digits, "0123456789");
    size_t fraction = digits[whole] == '.' ? strspn(digits + whole + 1, "0123456789") : 0;
    const char *rest = digits + whole + (digits[whole] == '.') + fraction;
    size_t exponent = 0;
    if (whole + fraction > 0 && (*rest == 'e' || *rest == 'E')) {
        exponent = rest[1] == '-' || rest[1] == '+' ? 2 : 1;
        size_t more = strspn(rest + exponent, "0123456789");
        exponent = more == 0 ? 0 : exponent + more;
    }
    if (whole + fraction == 0 || rest[exponent] != '\0') {
        return false;
    }
    size_t zeros = strspn(digits, "0");
    zeros = zeros == whole && zeros > 0 ? zeros - 1 : zeros;
    mr_text_add(out, text[0] == '-' ? "-" : "");
    mr_text_add(out, whole == 0 ? "0" : "");
    mr_text_add_bytes(out, digits + zeros, whole - zeros);
    if (digits[whole] == '.') {
        mr_text_addf(out, ".%.*s", (int)fraction, digits + whole + 1);
        mr_text_add(out, fraction == 0 ? "0" : "");
    }
    mr_text_add_bytes(out, rest, exponent);
    return true;
}

static mr_code add_scalar(const mr_yaml *node_, const mr_template_scope *scope, mr_text *out,
                          mr_cx *cx) {
    mr_span text = mr_span_of(node_->text);
    if (scope != NULL && mr_template_has(text)) {
        mr_span json;
        MR_TRY(text_value(text, node_->place, scope, &json, cx));
        mr_jsonvalue_minify(json, out);
        return MR_OK;
    }
    if (mr_yaml_is_null(node_)) {
        mr_text_add(out, "null");
    } else if (!node_->quoted &&
               (strcmp(node_->text, "true") == 0 || strcmp(node_->text, "false") == 0)) {
        mr_text_add(out, node_->text);
    } else if (node_->quoted || !add_number(node_->text, out)) {
        mr_text_add_json(out, text);
    }
    return MR_OK;
}

mr_code mr_template_json(const mr_yaml *node_, const mr_template_scope *scope, mr_text *out,
                         mr_cx *cx) {
    if (node_->kind == MR_YAML_SCALAR) {
        return add_scalar(node_, scope, out, cx);
    }
    bool map = node_->kind == MR_YAML_MAP;
    mr_text_add_char(out, map ? '{' : '[');
    for (uint32_t i = 0; i < node_->count; i++) {
        mr_text_add(out, i == 0 ? "" : ",");
        if (map) {
            mr_text_add_json(out, mr_span_of(node_->names[i]));
            mr_text_add_char(out, ':');
        }
        MR_TRY(mr_template_json(node_->items[i], scope, out, cx));
    }
    mr_text_add_char(out, map ? '}' : ']');
    return MR_OK;
}

mr_code mr_template_true(mr_span text, mr_place place, const mr_template_scope *scope, bool *ret,
                         mr_cx *cx) {
    mr_span json;
    MR_TRY(text_value(text, place, scope, &json, cx));
    bool result = is_true(json);
    if (result && mr_jsonvalue_kind_of(json) == MR_JSONVALUE_STRING) {
        static const char *const no[] = {"", "false", "0", "null", "none", "[]", "{}"};
        mr_span word = mr_span_trim(to_text(json, cx->arena));
        for (size_t i = 0; i < MR_COUNT(no); i++) {
            result &= !mr_span_equal_nocase(word, mr_span_of(no[i]));
        }
    }
    *ret = result;
    return MR_OK;
}
