// JSON raw: values that no type describes, validated, and written without what they can do without;
// included by json_rows_*.c only.
//
// JSON columns get the text without its white space and with escapes where JSON demands them, as
// DuckDB's JSON; numbers stay as they are written, since a double would lose digits.

#pragma once

#include "codec/json_number.h"
#include "codec/json_string.h"

typedef struct nested_reader {
    mr_json *json;
    const mr_field *field;
    const char *end;  // Of the record: '\n' before it is white space. NULL: none is.
    uint32_t depth;   // Containers that are open around the present value.
    mr_text *out;
} nested_reader;

// A scalar. Returns its end, or NULL.
static inline const char *nested_scalar(const char *at, json_value *ret) {
    *ret = (json_value){.start = at, .kind = JSON_NUMBER};
    if (*at == '"') {
        rows_fault fault;
        ret->kind = JSON_STRING;
        const char *close = rows_string(at + 1, &ret->escaped, &fault);
        ret->end = close == NULL ? NULL : close + 1;
    } else if (*at == '-' || (*at >= '0' && *at <= '9')) {
        ret->end = number_end(at);
    } else {
        ret->end = rows_literal(at, &ret->kind);
    }
    return ret->end;
}

static inline const char *nested_space(const nested_reader *n, const char *at) {
    while (MR_UNLIKELY(*at == ' ' || *at == '\t' || *at == '\r' || (*at == '\n' && at < n->end))) {
        at++;
    }
    return at;
}

// Text on its way out: what was not yet written begins at `from`. out NULL: none is wanted.
typedef struct nested_run {
    mr_text *out;
    const char *from;
    bool changed;  // Text and source differ.
} nested_run;

static void nested_flush(nested_run *run, const char *to, const char *from) {
    if (run->out != NULL && to != from) {
        mr_text_add_bytes(run->out, run->from, (size_t)(to - run->from));
        run->from = from;
        run->changed = true;
    }
}

static const char *nested_run_space(const nested_reader *n, nested_run *run, const char *at) {
    const char *behind = nested_space(n, at);
    nested_flush(run, at, behind);
    return behind;
}

static const char *nested_run_scalar(const nested_reader *n, nested_run *run, const char *at) {
    json_value value;
    const char *end = nested_scalar(at, &value);
    if (end != NULL && value.escaped && run->out != NULL) {
        nested_flush(run, at, end);
        mr_json_value_requote(n->json, &value, run->out);
    }
    return end;
}

// `"key" :`. Returns where its value begins, or NULL.
static const char *nested_run_key(const nested_reader *n, nested_run *run, const char *at) {
    at = *at == '"' ? nested_run_scalar(n, run, at) : NULL;
    at = at == NULL ? NULL : nested_run_space(n, run, at);
    return at == NULL || *at != ':' ? NULL : nested_run_space(n, run, at + 1);
}

// Any value. Returns its end, or NULL.
static const char *nested_walk(const nested_reader *n, nested_run *run, const char *at) {
    uint64_t objects = 0;  // A bit for each open container, the innermost lowest.
    uint32_t open = 0;
    for (;;) {
        if (*at == '{' || *at == '[') {
            if (n->depth + open >= MR_NESTING_MAX) {
                return NULL;
            }
            bool object = *at == '{';
            objects = objects << 1 | object;
            open++;
            at = nested_run_space(n, run, at + 1);
            if (*at != (object ? '}' : ']')) {
                at = object ? nested_run_key(n, run, at) : at;
                if (at == NULL) {
                    return NULL;
                }
                continue;
            }
        } else {
            at = nested_run_scalar(n, run, at);
        }
        // Behind a value: up to the next one.
        while (at != NULL && open > 0) {
            bool object = objects & 1;
            at = nested_run_space(n, run, at);
            if (*at == ',') {
                at = nested_run_space(n, run, at + 1);
                at = object ? nested_run_key(n, run, at) : at;
                break;
            }
            at = *at == (object ? '}' : ']') ? at + 1 : NULL;
            objects >>= 1;
            open--;
        }
        if (at == NULL || open == 0) {
            return at;
        }
    }
}

// A value as text of a JSON column: a view where that is the same.
static const char *nested_raw(const nested_reader *n, const char *at, mr_str *ret) {
    mr_text *text = &n->json->raw;
    mr_text_clear(text);
    nested_run run = {.out = text, .from = at};
    const char *end = nested_walk(n, &run, at);
    if (end == NULL) {
        return NULL;
    }
    *ret = (mr_str){.data = at, .bytes = (uint32_t)(end - at)};
    if (run.changed) {
        mr_text_add_bytes(text, run.from, (size_t)(end - run.from));
        *ret = (mr_str){.data = text->data, .bytes = mr_u32(text->bytes)};
    }
    return end;
}
