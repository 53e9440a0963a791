// JSON flat: records of scalars whose keys come in any order, in one step; included by
// json_rows_*.c only.
//
// Why: where no shape comes twice, guiding is of no use, and walking first and decoding afterwards
// asks twice what each value is. Like the guided way, this one only accepts.

#pragma once

#include "codec/json_walk.h"

// Takes the value of a wanted field, or steps over an unwanted scalar. Returns its end, or NULL.
static inline const char *flat_value(mr_json *json, const json_path *path, const char *at) {
    if (path == NULL || path->field < 0) {
        rows_fault fault;
        return rows_skip(at, &fault);
    }
    json_field *item = &json->items[path->field];
    if (MR_UNLIKELY(item->stamp == json->stamp || item->same >= 0)) {
        return NULL;  // A key twice: which one counts is for the general way.
    }
    item->stamp = json->stamp;
    json->found_count++;
    const char *end = rows_guided_value(json, path->field, item->op, at);
    return MR_LIKELY(end != NULL) ? end : rows_guided_other(json, path->field, at);
}

// Decodes a record of scalars with keys in any order, in one step, into the present row. Returns
// where its object ends; NULL when there is more to it.
static const char *flat_record(mr_json *json, const char *at, const char *end) {
    json->stamp++;
    json->found_count = 0;
    at = walk_space(at, end);
    if (*at != '{') {
        return NULL;
    }
    do {
        at = walk_space(at + 1, end);
        bool high = false;
        const char *name = at + 1;
        const char *close = scan_string(name, &high);
        if (MR_UNLIKELY(*at != '"' || *close != '"' || high)) {
            return NULL;
        }
        at = walk_space(close + 1, end);
        if (MR_UNLIKELY(*at != ':')) {
            return NULL;
        }
        const json_path *path = walk_child(json->root, name, (size_t)(close - name));
        at = flat_value(json, path, walk_space(at + 1, end));
        if (MR_UNLIKELY(at == NULL)) {
            return NULL;
        }
        at = walk_space(at, end);
    } while (*at == ',');
    if (*at != '}') {
        return NULL;
    }
    for (uint32_t i = 0; json->found_count < json->wanted_count && i < json->fields->count; i++) {
        const json_field *item = &json->items[i];
        if (item->field->from == MR_FROM_VALUE && item->stamp != json->stamp) {
            if (!mr_json_value_null(json, (int32_t)i, JSON_MISSING)) {
                return NULL;
            }
        }
    }
    return walk_space(at + 1, end);
}
