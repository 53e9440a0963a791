// JSON walk: the general way through a record, validating all of it; included by json_rows_*.c
// only.
//
// How: a loop over values with a stack of MR_NESTING_MAX frames, no recursion. Scalars are noted as
// leaves (for the record's shape), the values of wanted fields in json->items; the last of equal
// keys wins because it is noted last. Decoding is a second step, so that a value that does not
// count cannot make a record bad.

#pragma once

#include "codec/json_frame.h"

static bool walk_fail(walk *w, const char *text) {
    if (w->at >= w->json->end) {
        text = "record ends early";
    }
    mr_json_value_fail(w->json, MR_REASON_BAD_JSON, w->at, "%s", text);
    return false;
}

// Reads `"key" :` and finds what is wanted below it.
static bool walk_key(walk *w, const json_path **ret_child) {
    mr_json *json = w->json;
    if (*w->at != '"') {
        return walk_fail(w, "expected a key");
    }
    bool escaped = false;
    rows_fault fault;
    const char *name = w->at + 1;
    const char *close = rows_string(name, &escaped, &fault);
    if (close == NULL) {
        w->at = fault.at;
        if (fault.at >= json->end) {
            return walk_fail(w, fault.text);
        }
        mr_json_value_fail(json, fault.word, fault.at, "%s", fault.text);
        return false;
    }
    size_t bytes = (size_t)(close - name);
    const json_path *path = w->frames[w->depth - 1].path;
    if (escaped && bytes <= json->key_bytes_max) {
        bytes = mr_json_text_unescape(name, bytes, json->key);
        name = json->key;
    }
    *ret_child = walk_child(path, name, bytes);
    w->at = walk_space(close + 1, json->end);
    if (*w->at != ':') {
        return walk_fail(w, "expected a colon");
    }
    w->at = walk_space(w->at + 1, json->end);
    return true;
}

static bool walk_scalar(walk *w, const json_path *path) {
    mr_json *json = w->json;
    json_value value = {.start = w->at, .kind = JSON_NUMBER};
    if (*w->at == '"') {
        rows_fault fault;
        value.kind = JSON_STRING;
        const char *close = rows_string(w->at + 1, &value.escaped, &fault);
        if (close == NULL) {
            w->at = fault.at;
            if (fault.at >= json->end) {
                return walk_fail(w, fault.text);
            }
            mr_json_value_fail(json, fault.word, fault.at, "%s", fault.text);
            return false;
        }
        value.end = close + 1;
    } else if (*w->at == '-' || (*w->at >= '0' && *w->at <= '9')) {
        value.end = number_end(w->at);
        if (value.end == NULL) {
            return walk_fail(w, "malformed number");
        }
    } else {
        value.end = rows_literal(w->at, &value.kind);
        if (value.end == NULL) {
            return walk_fail(w, "expected a value");
        }
    }
    int32_t field = path == NULL ? -1 : path->field;
    if (field >= 0) {
        walk_found(json, field, &value);
    }
    walk_leaf(w, value.start, value.end, field);
    w->at = value.end;
    return true;
}

// Enters a container. The caller looks at what is inside.
static bool walk_enter(walk *w, const json_path *path) {
    if (w->depth == MR_NESTING_MAX) {
        mr_json_value_fail(w->json, MR_REASON_TOO_DEEP, w->at, "nested deeper than %d",
                           MR_NESTING_MAX);
        return false;
    }
    bool object = *w->at == '{';
    bool inside = path != NULL && (object || path->elements != NULL);
    int32_t field = path == NULL ? -1 : path->field;
    bool leaf = field >= 0 && w->json->items[field].whole;
    w->frames[w->depth++] =
        (walk_frame){inside ? path : NULL, w->at, field, /* count= */ 0, object, leaf};
    w->inside_leaf |= leaf;
    w->at = walk_space(w->at + 1, w->json->end);
    return true;
}

// Leaves the innermost container at its closing bracket.
static void walk_leave(walk *w) {
    mr_json *json = w->json;
    const walk_frame *frame = &w->frames[--w->depth];
    w->at++;
    if (frame->field >= 0) {
        if (frame->leaf) {
            w->inside_leaf = false;
            walk_leaf(w, frame->start, w->at, frame->field);
        } else {
            json->learnable = false;
        }
        json_value value = {
            .start = frame->start, .end = w->at, .kind = frame->object ? JSON_OBJECT : JSON_ARRAY};
        walk_found(json, frame->field, &value);
    }
}

// Everything between the outer braces, which are entered. True when the record is closed.
static bool walk_inside(walk *w) {
    const char *end = w->json->end;
    bool first = true;  // Nothing was read in the innermost container yet.
    while (w->depth > 0) {
        const walk_frame *frame = &w->frames[w->depth - 1];
        char close = frame->object ? '}' : ']';
        if (!first && *w->at == ',') {
            w->at = walk_space(w->at + 1, end);
        } else if (*w->at == close) {
            walk_leave(w);
            w->at = w->depth > 0 ? walk_space(w->at, end) : w->at;
            first = false;
            continue;
        } else if (!first) {
            return walk_fail(w, frame->object ? "expected , or }" : "expected , or ]");
        }
        const json_path *path = NULL;
        if (!frame->object) {
            path = walk_element(w);
        } else if (!walk_key(w, &path)) {
            return false;
        }
        if (*w->at == '{' || *w->at == '[') {
            first = true;
            if (!walk_enter(w, path)) {
                return false;
            }
            continue;
        }
        first = false;
        if (!walk_scalar(w, path)) {
            return false;
        }
        w->at = walk_space(w->at, end);
    }
    return true;
}

// Walks the record json->start .. json->end. False when it is not well-formed.
static bool walk_record(mr_json *json) {
    walk w;
    w.json = json;
    w.depth = 0;
    w.inside_leaf = false;
    w.at = walk_space(json->start, json->end);
    if (*w.at != '{') {
        return walk_fail(&w, "not an object");
    }
    if (!walk_enter(&w, json->root) || !walk_inside(&w)) {
        return false;
    }
    w.at = walk_space(w.at, json->end);
    if (w.at != json->end) {
        return walk_fail(&w, "more text behind the object");
    }
    return true;
}

// Takes the values of all wanted fields into the present row.
static bool walk_values(mr_json *json) {
    for (uint32_t i = 0; i < json->fields->count; i++) {
        json_field *item = &json->items[i];
        if (item->field->from != MR_FROM_VALUE) {
            continue;
        }
        if (item->stamp != json->stamp) {
            if (!mr_json_value_null(json, (int32_t)i, JSON_MISSING)) {
                return false;
            }
        } else if (!mr_json_value_put(json, (int32_t)i, &item->value)) {
            return false;
        }
    }
    return true;
}
