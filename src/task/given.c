// Given: see given.h.

#include "task/given.h"

#include <string.h>

#include "base/jsonvalue.h"

static bool is_json(const char *value, mr_jsonvalue_kind kind) {
    mr_span json = mr_jsonvalue_trim(mr_span_of(value));
    return json.bytes > 0 && mr_jsonvalue_check(json) && mr_jsonvalue_kind_of(json) == kind;
}

bool mr_given_is_map(const char *value) {
    return value != NULL && is_json(value, MR_JSONVALUE_OBJECT);
}

bool mr_given_is_list(const char *value) {
    return value != NULL && is_json(value, MR_JSONVALUE_ARRAY);
}

const char *mr_given_text(const char *value, mr_cx *cx) {
    return value != NULL && is_json(value, MR_JSONVALUE_STRING)
               ? mr_jsonvalue_text(mr_jsonvalue_trim(mr_span_of(value)), cx->arena)
               : value;
}

mr_code mr_given_map(const char *key, const char *value, const mr_given_keys *keys, void **ret,
                     mr_cx *cx) {
    if (!mr_given_is_map(value)) {
        return mr_fail(cx, MR_E_TYPE, NULL, "key \"%s\" takes a map", key);
    }
    const mr_task_type type = {
        .name = key, .options = keys->options, .nested = keys->nested, .size = keys->size};
    mr_code code = mr_task_options(&type, mr_jsonvalue_trim(mr_span_of(value)), ret, cx);
    return code == MR_OK ? MR_OK : mr_error_in(cx, code, "key \"%s\"", key);
}

void mr_given_items(const char *value, mr_span **ret, uint32_t *ret_count, mr_cx *cx) {
    mr_span item = mr_jsonvalue_trim(mr_span_of(value));
    *ret_count = 0;
    if (value == NULL || !mr_given_is_list(value)) {
        *ret = MR_NEW(cx->arena, mr_span);
        **ret = item;
        *ret_count = value == NULL ? 0 : 1;
        return;
    }
    uint32_t count = 0;
    for (mr_span inside = mr_jsonvalue_inside(item), one; mr_jsonvalue_next(&inside, NULL, &one);) {
        count++;
    }
    *ret = MR_NEW_ARRAY(cx->arena, mr_span, count + 1);
    mr_span inside = mr_jsonvalue_inside(item);
    while (mr_jsonvalue_next(&inside, NULL, &(*ret)[*ret_count])) {
        ++*ret_count;
    }
}

mr_code mr_given_pairs(const char *key, const char *value, const char ***ret, uint32_t *ret_count,
                       mr_cx *cx) {
    *ret_count = 0;
    *ret = NULL;
    if (value == NULL) {
        return MR_OK;
    }
    if (!mr_given_is_map(value)) {
        return mr_fail(cx, MR_E_TYPE, "Write {NAME: value}.", "key \"%s\" takes a map", key);
    }
    mr_span all = mr_jsonvalue_inside(mr_jsonvalue_trim(mr_span_of(value))), name, json;
    uint32_t count = 0;
    for (mr_span inside = all; mr_jsonvalue_next(&inside, &name, &json);) {
        count++;
    }
    *ret = MR_NEW_ARRAY(cx->arena, const char *, 2 * (size_t)count + 1);
    while (mr_jsonvalue_next(&all, &name, &json)) {
        const char *text = mr_jsonvalue_text(json, cx->arena);
        mr_jsonvalue_kind kind = mr_jsonvalue_kind_of(json);
        if (kind == MR_JSONVALUE_ARRAY || kind == MR_JSONVALUE_OBJECT) {
            return mr_fail(cx, MR_E_TYPE, NULL, "each value of key \"%s\" is a text or a number",
                           key);
        }
        (*ret)[2 * *ret_count] = mr_jsonvalue_text(name, cx->arena);
        (*ret)[2 * *ret_count + 1] =
            text != NULL ? text : mr_arena_copy(cx->arena, json.data, json.bytes);
        ++*ret_count;
    }
    return MR_OK;
}

// Adds a name; it must not be there.
static mr_code add_name(const char *key, const char *name, const char **names, uint32_t *count,
                        mr_cx *cx) {
    if (name == NULL || name[0] == '\0') {
        return mr_fail(cx, MR_E_TYPE, "Write names: [a, b].", "key \"%s\" takes names", key);
    }
    for (uint32_t i = 0; i < *count; i++) {
        if (strcmp(names[i], name) == 0) {
            return mr_fail(cx, MR_E_OPTION, "Keep one of the two.", "key \"%s\" names \"%s\" twice",
                           key, name);
        }
    }
    names[(*count)++] = name;
    return MR_OK;
}

mr_code mr_given_names(const char *key, const char *value, const char ***ret, uint32_t *ret_count,
                       mr_cx *cx) {
    mr_span *items;
    uint32_t count;
    mr_given_items(value, &items, &count, cx);
    *ret = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
    *ret_count = 0;
    if (value != NULL && !mr_given_is_list(value)) {
        const char *name = mr_given_is_map(value) ? NULL : mr_given_text(value, cx);
        return add_name(key, name, *ret, ret_count, cx);
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *name = mr_jsonvalue_text(items[i], cx->arena);
        MR_TRY(add_name(key, name, *ret, ret_count, cx));
    }
    return MR_OK;
}
