// Jsontext, paths: read, and followed through a text. Also: mr_jsontext_.

#include <string.h>

#include "exec/jsontext.h"

static bool add_step(mr_jsontext_path *path, mr_jsontext_step step) {
    if (path->count == MR_JSONTEXT_STEPS_MAX) {
        return false;
    }
    path->steps[path->count++] = step;
    return true;
}

static mr_jsontext_step key_step(const char *data, size_t bytes) {
    return (mr_jsontext_step){.is_key = true, .key = {data, bytes}};
}

// "key" with \ before " and \; at stands behind the first quote.
static bool quoted_key(mr_span *in, mr_arena *arena, mr_jsontext_path *path) {
    char *key = mr_arena_copy(arena, in->data, in->bytes);
    size_t bytes = 0, i = 0;
    for (; i < in->bytes && in->data[i] != '"'; i++) {
        if (in->data[i] == '\\' && i + 1 < in->bytes) {
            i++;
        }
        key[bytes++] = in->data[i];
    }
    if (i == in->bytes || bytes == 0) {
        return false;
    }
    *in = (mr_span){in->data + i + 1, in->bytes - i - 1};
    return add_step(path, key_step(key, bytes));
}

// [0], [-1], [#-1]; at stands behind the bracket.
static bool bracket_index(mr_span *in, mr_jsontext_path *path) {
    const char *close = memchr(in->data, ']', in->bytes);
    if (close == NULL) {
        return false;
    }
    mr_span inside = {in->data, (size_t)(close - in->data)};
    bool back = inside.bytes > 0 && inside.data[0] == '#';
    if (back) {
        inside = (mr_span){inside.data + 1, inside.bytes - 1};
    }
    int64_t index;
    if (!mr_text_parse_int64(inside, &index) || (back && index >= 0)) {
        return false;
    }
    *in = (mr_span){close + 1, (size_t)(in->data + in->bytes - close - 1)};
    return add_step(path, (mr_jsontext_step){.is_index = true, .index = index});
}

static bool dollar_path(mr_span in, mr_arena *arena, mr_jsontext_path *path) {
    while (in.bytes > 0) {
        char sign = *in.data;
        in = (mr_span){in.data + 1, in.bytes - 1};
        if (sign == '[') {
            if (!bracket_index(&in, path)) {
                return false;
            }
            continue;
        }
        if (sign != '.' || in.bytes == 0 || *in.data == '*') {
            return false;
        }
        if (*in.data == '"') {
            in = (mr_span){in.data + 1, in.bytes - 1};
            if (!quoted_key(&in, arena, path)) {
                return false;
            }
            continue;
        }
        size_t bytes = 0;
        while (bytes < in.bytes && in.data[bytes] != '.' && in.data[bytes] != '[') {
            bytes++;
        }
        if (bytes == 0 || !add_step(path, key_step(in.data, bytes))) {
            return false;
        }
        in = (mr_span){in.data + bytes, in.bytes - bytes};
    }
    return true;
}

// A name that may be a number: of an array's element then.
static bool either_step(const char *data, size_t bytes, mr_jsontext_path *path) {
    mr_jsontext_step step = key_step(data, bytes);
    step.is_index =
        bytes > 0 && bytes < 19 && mr_text_parse_int64((mr_span){data, bytes}, &step.index);
    return add_step(path, step);
}

// /a~1b/0: ~1 is a slash, ~0 a tilde.
static bool pointer_path(mr_span in, mr_arena *arena, mr_jsontext_path *path) {
    for (size_t at = 0; at < in.bytes;) {
        char *key = mr_arena_raw(arena, in.bytes);
        size_t bytes = 0;
        for (at++; at < in.bytes && in.data[at] != '/'; at++) {
            char c = in.data[at];
            if (c == '~' && at + 1 < in.bytes && (in.data[at + 1] | 1) == '1') {
                c = in.data[++at] == '1' ? '/' : '~';
            }
            key[bytes++] = c;
        }
        if (!either_step(key, bytes, path)) {
            return false;
        }
        path->steps[path->count - 1].is_index &= path->steps[path->count - 1].index >= 0;
    }
    return true;
}

bool mr_jsontext_path_parse(mr_str text, mr_arena *arena, mr_jsontext_path *ret) {
    ret->count = 0;
    mr_span in = {text.data, text.bytes};
    if (in.bytes == 0) {
        return true;
    }
    if (*in.data == '$') {
        return dollar_path((mr_span){in.data + 1, in.bytes - 1}, arena, ret);
    }
    return *in.data == '/' ? pointer_path(in, arena, ret)
                           : add_step(ret, key_step(in.data, in.bytes));
}

bool mr_jsontext_path_braces(mr_str text, mr_arena *arena, mr_jsontext_path *ret) {
    (void)arena;
    ret->count = 0;
    if (text.bytes < 2 || text.data[0] != '{' || text.data[text.bytes - 1] != '}') {
        return false;
    }
    const char *at = text.data + 1, *end = text.data + text.bytes - 1;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma == NULL ? end : comma;
        mr_span name = mr_span_trim((mr_span){at, (size_t)(stop - at)});
        if (name.bytes >= 2 && name.data[0] == '"' && name.data[name.bytes - 1] == '"') {
            name = (mr_span){name.data + 1, name.bytes - 2};
        }
        if (!either_step(name.data, name.bytes, ret)) {
            return false;
        }
        at = stop + (comma != NULL);
    }
    return true;
}

// ---- following
// -----------------------------------------------------------------------------------

static bool key_is(mr_span raw, mr_span key) {
    if (memchr(raw.data, '\\', raw.bytes) == NULL) {
        return mr_span_equal((mr_span){raw.data + 1, raw.bytes - 2}, key);
    }
    mr_text text = {.data = NULL};
    mr_jsontext_unescape(raw, &text);
    bool same = mr_span_equal(mr_text_span(&text), key);
    mr_text_release(&text);
    return same;
}

// One step down from a checked value; data NULL: there is none.
static mr_span step_into(mr_span value, const mr_jsontext_step *step) {
    mr_span key, element, none = {.data = NULL};
    const char *at = value.data;
    bool object = *value.data == '{';
    if (object ? !step->is_key : *value.data != '[' || !step->is_index) {
        return none;
    }
    int64_t index = step->index;
    if (!object && index < 0) {
        for (; mr_jsontext_next(value, &at, &key, &element); index++) {
        }
        at = value.data;
        if (index < 0) {
            return none;
        }
        // index + count is what index has become.
    }
    for (int64_t i = 0; mr_jsontext_next(value, &at, &key, &element); i++) {
        if (object ? key_is(key, step->key) : i == index) {
            return element;
        }
    }
    return none;
}

bool mr_jsontext_find(mr_str text, const mr_jsontext_path *path, mr_jsontext_value *ret) {
    mr_span value;
    bool plain;
    if (!mr_jsontext_check(text, &value, &plain)) {
        return false;
    }
    for (uint32_t i = 0; path != NULL && i < path->count && value.data != NULL; i++) {
        value = step_into(value, &path->steps[i]);
    }
    *ret = (mr_jsontext_value){.raw = value, .plain = plain};
    return true;
}
