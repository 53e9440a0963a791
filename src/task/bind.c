// Bind: see bind.h.

#include "task/bind.h"

#include <string.h>

#include "base/jsonvalue.h"
#include "lake/view.h"

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Behind what starts at `at` and is no code; `at` itself when it is code.
static const char *skip(const char *at) {
    if (*at == '\'' || *at == '"') {
        const char *end = strchr(at + 1, *at);  // A doubled one is two strings in a row.
        return end == NULL ? at + strlen(at) : end + 1;
    }
    if (at[0] == '-' && at[1] == '-') {
        return at + strcspn(at, "\n");
    }
    if (at[0] == '/' && at[1] == '*') {
        const char *end = strstr(at + 2, "*/");
        return end == NULL ? at + strlen(at) : end + 2;
    }
    if (at[0] == '$' && at[1] == '$') {
        const char *end = strstr(at + 2, "$$");
        return end == NULL ? at + strlen(at) : end + 2;
    }
    return at[0] == ':' && at[1] == ':' ? at + 2 : at;
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
    for (const char *at = sql; *at != '\0';) {
        const char *behind = skip(at);
        size_t bytes = 0;
        while (behind == at && at[0] == ':' && is_name(at[1 + bytes])) {
            bytes++;
        }
        const char *name = mr_arena_copy(cx->arena, at + (bytes > 0), bytes);
        mr_span value = bytes > 0 ? mr_jsonvalue_get(bind, name) : (mr_span){NULL, 0};
        if (value.bytes > 0) {
            MR_TRY(add_literal(name, value, &out, cx));
            mr_text_addf(&used, " %s ", name);
            at += 1 + bytes;
            continue;
        }
        behind = behind == at ? at + 1 : behind;
        mr_text_add_bytes(&out, at, (size_t)(behind - at));
        at = behind;
    }
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
