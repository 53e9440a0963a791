// Fn, lists of texts: parts of texts, matches, keys of JSON objects. Also: mr_fn_.

#include <string.h>

#include "exec/fn_list.h"
#include "exec/jsontext.h"
#include "exec/regex.h"

void mr_fn_list_begin(mr_fn_texts *texts) {
    mr_text_clear(&texts->text);
    texts->count = 0;
    mr_nested_put_count(&texts->text, 0);
}

void mr_fn_list_add(mr_fn_texts *texts, const char *data, size_t bytes) {
    mr_str value = {.data = data, .bytes = mr_u32(bytes)};
    texts->count++;
    if (data == NULL) {
        mr_nested_put_null(&texts->text);
    } else {
        mr_nested_put_value(&texts->text, MR_TYPE(MR_TEXT), &value);
    }
}

void mr_fn_list_close(mr_fn_call *call, mr_fn_writer *writer, uint32_t row, mr_fn_texts *texts) {
    memcpy(texts->text.data, &texts->count, sizeof(texts->count));
    mr_fn_list_end(call, writer, row, &texts->text);
}

static bool is_null(const mr_fn_call *call, uint32_t arg, uint32_t row) {
    return call->args[arg].type.id == MR_NULLTYPE || mr_vector_is_null(&call->args[arg], row);
}

static uint32_t char_bytes(mr_str text, uint32_t at) {
    uint32_t bytes = 1;
    while (at + bytes < text.bytes && ((uint8_t)text.data[at + bytes] & 0xC0) == 0x80) {
        bytes++;
    }
    return bytes;
}

void mr_fn_STRING_SPLIT(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_fn_texts texts = {.count = 0};
    mr_text_init(&texts.text, call->run->arena);
    MR_FN_EACH(call, row) {
        if (is_null(call, 0, row)) {
            mr_eval_call_null(call, row);
            continue;
        }
        mr_str s = mr_fn_str(call, 0, row), separator = {.data = ""};
        uint32_t from = 0;
        mr_fn_list_begin(&texts);
        if (is_null(call, 1, row)) {  // No separator is known: one part.
            mr_fn_list_add(&texts, s.data, s.bytes);
            mr_fn_list_close(call, &writer, row, &texts);
            continue;
        }
        separator = mr_fn_str(call, 1, row);
        while (separator.bytes == 0 && from < s.bytes) {
            uint32_t bytes = char_bytes(s, from);
            mr_fn_list_add(&texts, s.data + from, bytes);
            from += bytes;
        }
        for (const char *at; separator.bytes > 0;
             from = (uint32_t)(at - s.data) + separator.bytes) {
            at = memmem(s.data + from, s.bytes - from, separator.data, separator.bytes);
            if (at == NULL) {
                break;
            }
            mr_fn_list_add(&texts, s.data + from, (size_t)(at - s.data) - from);
        }
        if (separator.bytes > 0 || s.bytes == 0) {
            mr_fn_list_add(&texts, s.data + from, s.bytes - from);
        }
        mr_fn_list_close(call, &writer, row, &texts);
    }
}

// ---- matches -----------------------------------------------------------------------------------

// Every match of a row's pattern. As DuckDB goes on: behind the match, and by a character when that
// is where the search began.
static bool next_match(mr_fn_call *call, mr_regex_match *m, size_t *from) {
    if (*from > m->text.bytes || !mr_regex_search(call, m, (uint32_t)*from)) {
        return false;
    }
    size_t end = MR_MAX(m->offsets[1], m->offsets[0]);
    if (end == *from) {
        end += end < m->text.bytes ? char_bytes(m->text, (uint32_t)end) : 1;
    }
    *from = end;
    return true;
}

static void extract_all(mr_fn_call *call, bool with_group) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_fn_texts texts = {.count = 0};
    mr_text_init(&texts.text, call->run->arena);
    MR_FN_EACH(call, row) {
        mr_regex_match m = {mr_regex_arg(call, 1, row, /* whole= */ false), mr_fn_str(call, 0, row),
                            row, NULL, 0};
        int32_t group = with_group ? MR_FN_ARG(call, 2, int32_t, row) : 0;
        if (m.regex == NULL) {
            continue;
        }
        if (group < 0 || (uint32_t)group > mr_regex_groups(m.regex)) {
            mr_eval_call_fail(call, row, "the pattern has %u groups, and not a group %d",
                              mr_regex_groups(m.regex), group);
            continue;
        }
        mr_fn_list_begin(&texts);
        for (size_t from = 0; next_match(call, &m, &from);) {
            size_t start = m.offsets[(size_t)group * 2], end = m.offsets[(size_t)group * 2 + 1];
            bool none = start == SIZE_MAX || end < start;
            mr_fn_list_add(&texts, none ? NULL : m.text.data + start, none ? 0 : end - start);
        }
        mr_fn_list_close(call, &writer, row, &texts);
    }
}

void mr_fn_REGEXP_EXTRACT_ALL(mr_fn_call *call) {
    extract_all(call, /* with_group= */ false);
}

void mr_fn_REGEXP_EXTRACT_ALL_GROUP(mr_fn_call *call) {
    extract_all(call, /* with_group= */ true);
}

// An empty match at the start of what is left stands behind its first character.
void mr_fn_REGEXP_SPLIT(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_fn_texts texts = {.count = 0};
    mr_text_init(&texts.text, call->run->arena);
    MR_FN_EACH(call, row) {
        if (is_null(call, 0, row)) {
            mr_eval_call_null(call, row);
            continue;
        }
        mr_str rest = mr_fn_str(call, 0, row);
        mr_regex_match m = {NULL, rest, row, NULL, 0};
        bool known = !is_null(call, 1, row);
        if (known && (m.regex = mr_regex_arg(call, 1, row, /* whole= */ false)) == NULL) {
            continue;
        }
        mr_fn_list_begin(&texts);
        while (known) {  // Each part is searched as a text of its own, as DuckDB does.
            m.text = rest;
            if (rest.bytes == 0 || !mr_regex_search(call, &m, 0)) {
                break;
            }
            uint32_t start = (uint32_t)m.offsets[0], end = (uint32_t)MR_MAX(m.offsets[1], start);
            if (end == 0) {
                start = end = char_bytes(rest, 0);
                if (end == rest.bytes) {
                    break;
                }
            }
            mr_fn_list_add(&texts, rest.data, start);
            rest = (mr_str){.data = rest.data + end, .bytes = rest.bytes - end};
        }
        mr_fn_list_add(&texts, rest.data, rest.bytes);
        mr_fn_list_close(call, &writer, row, &texts);
    }
}

// ---- JSON --------------------------------------------------------------------------------------

void mr_fn_JSON_KEYS(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_fn_texts texts = {.count = 0};
    mr_text key_text;
    mr_text_init(&texts.text, call->run->arena);
    mr_text_init(&key_text, call->run->arena);
    MR_FN_EACH(call, row) {
        mr_str text = mr_fn_str(call, 0, row);
        mr_span value, key, element;
        bool plain;
        if (!mr_jsontext_check(text, &value, &plain)) {
            mr_eval_call_fail(call, row, "%s is not JSON", mr_eval_call_quote(call, text));
            continue;
        }
        const char *at = value.data;
        mr_fn_list_begin(&texts);
        while (*value.data == '{' && mr_jsontext_next(value, &at, &key, &element)) {
            mr_text_clear(&key_text);
            mr_jsontext_unescape(key, &key_text);
            mr_fn_list_add(&texts, mr_text_string(&key_text), key_text.bytes);
        }
        mr_fn_list_close(call, &writer, row, &texts);
    }
}
