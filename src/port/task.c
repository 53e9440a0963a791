// Task: looking up kinds of tasks, and reading what a try of one was told.

#include "port/task.h"

#include <string.h>

#include "base/jsonvalue.h"

const mr_task_type *mr_task_find(mr_task_kinds kinds, const char *name) {
    for (; *kinds != NULL; kinds++) {
        if (strcmp((*kinds)->name, name) == 0) {
            return *kinds;
        }
    }
    return NULL;
}

bool mr_task_is_nested(const mr_task_type *type, const char *name) {
    for (size_t i = 0; type->nested != NULL && type->nested[i] != NULL; i++) {
        if (strcmp(type->nested[i], name) == 0) {
            return true;
        }
    }
    return false;
}

// A value as an option's text: strings without quotes, all else as JSON.
static mr_code add_value(const mr_task_type *type, mr_option_value *value, mr_span json,
                         mr_cx *cx) {
    mr_text text;
    mr_text_init(&text, cx->arena);
    mr_jsonvalue_kind kind = mr_jsonvalue_kind_of(json);
    bool deep = kind == MR_JSONVALUE_ARRAY || kind == MR_JSONVALUE_OBJECT;
    if (mr_task_is_nested(type, value->name)) {
        mr_text_add_bytes(&text, json.data, json.bytes);
    } else if (deep) {
        return mr_fail(cx, MR_E_TYPE, "Look at what its template gives.",
                       "key \"%s\" takes one value, not %s", value->name,
                       kind == MR_JSONVALUE_ARRAY ? "a list" : "an object");
    } else if (kind == MR_JSONVALUE_STRING) {
        mr_jsonvalue_unescape(json, &text);
    } else {
        mr_text_add_bytes(&text, json.data, json.bytes);
    }
    value->value = mr_text_string(&text);
    return MR_OK;
}

mr_code mr_task_options(const mr_task_type *type, mr_span body_json, void **ret, mr_cx *cx) {
    void *options = mr_arena_alloc(cx->arena, type->size);
    *ret = options;
    mr_option_values values = {0};
    mr_span inside = body_json.bytes == 0 ? body_json : mr_jsonvalue_inside(body_json);
    mr_span key, json, counted = inside;
    while (mr_jsonvalue_next(&counted, &key, &json)) {
        values.count++;
    }
    values.items = MR_NEW_ARRAY(cx->arena, mr_option_value, values.count + 1);
    values.count = 0;
    while (mr_jsonvalue_next(&inside, &key, &json)) {
        if (mr_jsonvalue_kind_of(json) == MR_JSONVALUE_NULL) {
            continue;  // As if it was not written.
        }
        mr_text name;
        mr_text_init(&name, cx->arena);
        mr_jsonvalue_unescape(key, &name);
        mr_option_value *value = &values.items[values.count++];
        *value = (mr_option_value){.name = mr_text_string(&name), .place = MR_NOWHERE};
        MR_TRY(add_value(type, value, json, cx));
    }
    return type->options == NULL ? MR_OK
                                 : mr_option_apply_keys(type->options, &values, options, cx);
}
