// JSON frames: where a walk through a record stands, and what it notes on its way; included by
// json_rows_*.c only.

#pragma once

#include "codec/json_rows.h"

typedef struct walk_frame {
    const json_path *path;  // Of an object or array with wanted values inside, or NULL.
    const char *start;
    int32_t field;   // Wanted field whose value the container is, or -1.
    uint32_t count;  // Elements so far, of an array with wanted ones.
    bool object;
    bool leaf;  // The whole container is one leaf of the record's shape.
} walk_frame;

typedef struct walk {
    mr_json *json;
    const char *at;
    uint32_t depth;
    bool inside_leaf;
    walk_frame frames[MR_NESTING_MAX];
} walk;

// At the end of a record stands '\n', or '\r' in a line that ends with both.
static inline const char *walk_space(const char *at, const char *end) {
    while (MR_UNLIKELY(*at == ' ' || *at == '\t' || ((*at == '\r' || *at == '\n') && at < end))) {
        at++;
    }
    return at;
}

// The child of a path with this name, or NULL. Up to eight bytes behind the name are read.
static inline const json_path *walk_child(const json_path *path, const char *name, size_t bytes) {
    if (path == NULL || path->child_count == 0) {
        return NULL;
    }
    json_name want = column_name(name, bytes);
    uint32_t slot = (uint32_t)(column_name_hash(&want) >> 32) & path->slot_mask;
    for (; path->slots[slot] != NULL; slot = (slot + 1) & path->slot_mask) {
        const json_path *child = path->slots[slot];
        if (child->name.first == want.first && child->name.last == want.last &&
            child->name.bytes == bytes &&
            (bytes <= 16 || memcmp(child->name.text, name, bytes) == 0)) {
            return child;
        }
    }
    return NULL;
}

// The path of the next element of the innermost array, or NULL.
static inline const json_path *walk_element(walk *w) {
    walk_frame *frame = &w->frames[w->depth - 1];
    if (MR_LIKELY(frame->path == NULL)) {
        return NULL;
    }
    const json_path *element = frame->path->elements;
    while (element != NULL && element->index != frame->count) {
        element = element->next;
    }
    frame->count++;
    return element;
}

static inline void walk_leaf(walk *w, const char *start, const char *end, int32_t field) {
    mr_json *json = w->json;
    if (MR_UNLIKELY(w->inside_leaf)) {
        return;
    }
    if (json->leaf_count < JSON_LEAVES_MAX) {
        json->leaves[json->leaf_count] = (json_leaf){start, end, field};
    }
    json->leaf_count++;
}

// Notes a value of wanted fields.
static inline void walk_found(mr_json *json, int32_t field, const json_value *value) {
    for (; field >= 0; field = json->items[field].same) {
        json_field *item = &json->items[field];
        if (item->stamp == json->stamp) {
            json->learnable = false;  // A key twice.
        }
        item->stamp = json->stamp;
        // One by one: a wide copy would wait for the narrow stores that made it.
        item->value.start = value->start;
        item->value.end = value->end;
        item->value.kind = value->kind;
        item->value.escaped = value->escaped;
    }
}
