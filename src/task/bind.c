// Bind: see bind.h.

#include "task/bind.h"

#include <string.h>

#include "base/jsonvalue.h"
#include "lake/quoted.h"
#include "lake/view.h"

// Behind what is no place for a value: strings, comments, casts. `at` itself when it is one.
static const char *skip(const char *sql, const char *at) {
    bool comment;
    return at[0] == ':' && at[1] == ':' ? at + 2 : mr_quoted_skip(sql, at, &comment);
}

static mr_code add_literal(const char *name, mr_span value, mr_text *out, mr_cx *cx) {
    switch (mr_jsonvalue_kind_of(value)) {
    case MR_JSONVALUE_STRING:
        mr_view_add_literal(out, mr_jsonvalue_text(value, cx->arena));
        return MR_OK;
    case MR_JSONVALUE_NUMBER:
        mr_text_add_char(out, '(');  // A minus must not make a comment of the one before it.
        mr_text_add_bytes(out, value.data, value.bytes);
        mr_text_add_char(out, ')');
        return MR_OK;
    case MR_JSONVALUE_NULL:
    case MR_JSONVALUE_TRUE:
    case MR_JSONVALUE_FALSE: mr_text_add_bytes(out, value.data, value.bytes); return MR_OK;
    case MR_JSONVALUE_ARRAY:
    case MR_JSONVALUE_OBJECT: break;
    }
    return mr_fail(cx, MR_E_TYPE, "Bind its parts, one name each.",
                   "the value of \"%s\" in `bind` is a list or map", name);
}

mr_code mr_bind_query(const char *sql, mr_span bind_json, bool all, const char **ret, mr_cx *cx) {
    mr_text out, used;
    mr_text_init(&out, cx->arena);
    mr_text_init(&used, cx->arena);
    mr_span bind = bind_json.bytes == 0 ? MR_SPAN("{}") : bind_json;
    const char *plain = sql, *at = sql;  // From plain to at: to be taken as it is.
    while (*at != '\0') {
        const char *behind = skip(sql, at);
        size_t bytes = 0;
        while (behind == at && at[0] == ':' && mr_quoted_in_name(at[1 + bytes])) {
            bytes++;
        }
        const char *name = bytes == 0 ? NULL : mr_arena_copy(cx->arena, at + 1, bytes);
        mr_span value = name == NULL ? (mr_span){NULL, 0} : mr_jsonvalue_get(bind, name);
        if (value.bytes > 0) {
            mr_text_add_bytes(&out, plain, (size_t)(at - plain));
            MR_TRY(add_literal(name, value, &out, cx));
            mr_text_addf(&used, " %s ", name);
            plain = behind = at + 1 + bytes;
        }
        at = behind == at ? at + 1 : behind;
    }
    mr_text_add_bytes(&out, plain, (size_t)(at - plain));
    mr_span inside = mr_jsonvalue_inside(bind), key, value;
    while (all && mr_jsonvalue_next(&inside, &key, &value)) {
        const char *name = mr_jsonvalue_text(key, cx->arena);
        if (strstr(mr_text_string(&used), mr_arena_printf(cx->arena, " %s ", name)) == NULL) {
            return mr_fail(cx, MR_E_NAME, "Write :name in the query where it is to stand.",
                           "the query has no \":%s\", which `bind` gives", name);
        }
    }
    *ret = mr_text_string(&out);
    return MR_OK;
}
