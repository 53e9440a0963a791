// JSON: opening a decoder for fields, and cutting what it reads into batches.

#include "codec/json.h"

#include <string.h>

#include "codec/json_column.h"
#include "codec/json_decode.h"

#define JSON_KEY_PADDING 16

// ---- paths -----------------------------------------------------------------------------------

static json_path *json_path_child(mr_json *json, json_path *parent, mr_span name) {
    for (json_path *child = parent->first; child != NULL; child = child->next) {
        if (mr_span_equal((mr_span){child->name.text, child->name.bytes}, name)) {
            return child;
        }
    }
    json_path *child = MR_NEW(&json->arena, json_path);
    char *copy = mr_arena_alloc(&json->arena, name.bytes + JSON_KEY_PADDING);
    memcpy(copy, name.data, name.bytes);
    child->name = column_name(copy, name.bytes);
    child->field = -1;
    child->parent = parent;
    child->depth = parent->depth + 1;
    child->next = parent->first;
    parent->first = child;
    parent->child_count++;
    // Every character of a name may be written as \uXXXX, twice for the largest.
    json->key_bytes_max = MR_MAX(json->key_bytes_max, (uint32_t)name.bytes * 6);
    return child;
}

static json_path *json_path_element(mr_json *json, json_path *parent, uint32_t index) {
    for (json_path *element = parent->elements; element != NULL; element = element->next) {
        if (element->index == index) {
            return element;
        }
    }
    json_path *element = MR_NEW(&json->arena, json_path);
    element->index = index;
    element->field = -1;
    element->parent = parent;
    element->depth = parent->depth + 1;
    element->next = parent->elements;
    parent->elements = element;
    return element;
}

// .name or ."name". False at anything else.
static bool json_path_name(const char **at, mr_span *ret) {
    const char *from = *at;
    if (*from++ != '.') {
        return false;
    }
    if (*from == '"') {
        const char *close = strchr(from + 1, '"');
        if (close == NULL) {
            return false;
        }
        *ret = (mr_span){from + 1, (size_t)(close - from) - 1};
        *at = close + 1;
        return true;
    }
    size_t bytes = strcspn(from, ".[\"*");
    *ret = (mr_span){from, bytes};
    *at = from + bytes;
    return bytes > 0;
}

// Takes one step of "$.a[0].b": .name, ."name" or, below the root, [index]. NULL at anything else.
static json_path *json_path_step(mr_json *json, json_path *path, const char **at) {
    mr_span name;
    if (**at == '[' && path != json->root) {
        int64_t index;
        size_t digits = strspn(*at + 1, "0123456789");
        if ((*at)[1 + digits] != ']' || !mr_text_parse_int64((mr_span){*at + 1, digits}, &index) ||
            index > INT32_MAX) {
            return NULL;
        }
        *at += digits + 2;
        return json_path_element(json, path, (uint32_t)index);
    }
    return json_path_name(at, &name) ? json_path_child(json, path, name) : NULL;
}

// Lists and structs within each other.
static uint32_t json_type_depth(mr_type type) {
    uint32_t depth = 0;
    for (uint32_t i = 0; mr_type_is_nested(type) && i < type.fields->count; i++) {
        uint32_t inside = json_type_depth(type.fields->columns[i].type);
        depth = MR_MAX(depth, inside);
    }
    return depth + mr_type_is_nested(type);
}

static mr_code json_add_path(mr_json *json, int32_t index, mr_cx *cx) {
    const mr_field *field = &json->fields->items[index];
    json_path *path = json->root;
    if (field->path == NULL) {
        path = json_path_child(json, path, mr_span_of(field->name));
    } else {
        const char *at = field->path;
        bool good = *at++ == '$' && *at != '\0';
        while (good && *at != '\0') {
            json_path *next = json_path_step(json, path, &at);
            good = next != NULL;
            path = good ? next : path;
        }
        if (!good) {
            return mr_fail(cx, MR_E_UNSUPPORTED,
                           "A path names keys of objects and elements of arrays: $.a.b[0].c.",
                           "path \"%s\" of column \"%s\" is not understood", field->path,
                           field->name);
        }
    }
    json_field *item = &json->items[index];
    item->same = path->field;
    item->depth = path->depth;
    path->field = index;
    if (json_type_depth(field->type) + path->depth > MR_NESTING_MAX) {
        return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "column \"%s\" nests deeper than %d",
                       field->name, MR_NESTING_MAX);
    }
    return MR_OK;
}

// A hash table over the children of a path.
static void json_index_path(mr_json *json, json_path *path) {
    uint32_t slots = (uint32_t)mr_pow2_up((uint64_t)path->child_count * 4 + 1);
    path->slots = MR_NEW_ARRAY(&json->arena, json_path *, slots);
    path->slot_mask = slots - 1;
    for (json_path *child = path->first; child != NULL; child = child->next) {
        uint32_t slot = (uint32_t)(column_name_hash(&child->name) >> 32) & path->slot_mask;
        while (path->slots[slot] != NULL) {
            slot = (slot + 1) & path->slot_mask;
        }
        path->slots[slot] = child;
    }
}

// Once all paths are there; recursion as deep as they are.
static void json_finish_paths(mr_json *json, json_path *path) {
    json_index_path(json, path);
    if (path->field >= 0) {
        json_field *item = &json->items[path->field];
        item->whole = item->op == JSON_OP_NESTED && item->same < 0 && path->first == NULL &&
                      path->elements == NULL;
    }
    for (json_path *child = path->first; child != NULL; child = child->next) {
        json_finish_paths(json, child);
    }
    for (json_path *child = path->elements; child != NULL; child = child->next) {
        json_finish_paths(json, child);
    }
}

// ---- open and close --------------------------------------------------------------------------

static mr_code json_choose(mr_json *json, mr_json_simd simd, mr_cx *cx) {
    bool avx2 = false;
    bool neon = false;
#if defined(__x86_64__)
    avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
    if (avx2 && (simd == MR_JSON_BEST || simd == MR_JSON_AVX2)) {
        json->rows = mr_json_rows_avx2;
        json->nested = mr_json_rows_nested_avx2;
        return MR_OK;
    }
#elif defined(__aarch64__)
    neon = true;
    if (simd == MR_JSON_BEST || simd == MR_JSON_NEON) {
        json->rows = mr_json_rows_neon;
        json->nested = mr_json_rows_nested_neon;
        return MR_OK;
    }
#endif
    if ((simd == MR_JSON_AVX2 && !avx2) || (simd == MR_JSON_NEON && !neon)) {
        return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "this processor does not have %s",
                       simd == MR_JSON_AVX2 ? "AVX2" : "NEON");
    }
    json->rows = mr_json_rows_scalar;
    json->nested = mr_json_rows_nested_scalar;
    return MR_OK;
}

static bool json_op_of(const mr_field *field, json_op *ret) {
    bool iso = field->time_format == MR_TIME_ISO;
    switch (field->type.id) {
    case MR_BOOL: *ret = JSON_OP_BOOL; return true;
    case MR_INT16: *ret = JSON_OP_INT16; return true;
    case MR_INT32: *ret = JSON_OP_INT32; return true;
    case MR_INT64: *ret = JSON_OP_INT64; return true;
    case MR_NUMERIC: *ret = JSON_OP_NUMERIC; return true;
    case MR_FLOAT32: *ret = JSON_OP_FLOAT32; return true;
    case MR_FLOAT64: *ret = JSON_OP_FLOAT64; return true;
    case MR_TEXT: *ret = JSON_OP_TEXT; return true;
    case MR_UUID: *ret = JSON_OP_UUID; return true;
    case MR_TIME: *ret = JSON_OP_CLOCK; return true;
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: *ret = iso ? JSON_OP_TIME : JSON_OP_OTHER; return true;
    case MR_BYTES:
    case MR_DATE:
    case MR_INTERVAL: *ret = JSON_OP_OTHER; return true;
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT: *ret = JSON_OP_NESTED; return true;
    case MR_NULLTYPE:
    case MR_TYPE_COUNT: break;
    }
    return false;
}

static mr_code json_add_field(mr_json *json, int32_t index, mr_cx *cx) {
    const mr_field *field = &json->fields->items[index];
    json_field *item = &json->items[index];
    item->field = field;
    item->same = -1;
    item->required = field->required || index == json->fields->event_time;
    if (field->from != MR_FROM_VALUE) {
        return MR_OK;
    }
    if (!json_op_of(field, &item->op)) {
        return mr_fail(cx, MR_E_TYPE, NULL, "column \"%s\" of type %s cannot be read from JSON",
                       field->name, mr_type_name(field->type));
    }
    item->zulu_needed = field->type.id == MR_TIMESTAMPTZ && json->fields->zone != NULL;
    if (item->op == JSON_OP_TEXT) {
        item->dict = mr_dict_new();
        item->cells = MR_NEW_ARRAY(&json->arena, json_cell, JSON_CELLS);
    }
    json->wanted_count++;
    return json_add_path(json, index, cx);
}

static mr_code json_prepare(mr_json *json, mr_json_simd simd, mr_cx *cx) {
    MR_TRY(json_choose(json, simd, cx));
    json->root = MR_NEW(&json->arena, json_path);
    json->root->field = -1;
    json->items = MR_NEW_ARRAY(&json->arena, json_field, json->fields->count);
    for (uint32_t i = 0; i < json->fields->count; i++) {
        MR_TRY(json_add_field(json, (int32_t)i, cx));
    }
    json_finish_paths(json, json->root);
    json->key = mr_arena_alloc(&json->arena, json->key_bytes_max + JSON_KEY_PADDING);
    json->nodes = MR_NEW_ARRAY(&json->arena, json_node, JSON_NODES_MAX);
    json->node_count = 1;
    return MR_OK;
}

mr_code mr_json_open(const mr_fields *fields, mr_json_simd simd, mr_json **ret, mr_cx *cx) {
    mr_json *json = mr_heap_alloc(sizeof(mr_json));
    json->fields = fields;
    mr_code code = json_prepare(json, simd, cx);
    if (code != MR_OK) {
        mr_json_close(json);
        return code;
    }
    *ret = json;
    return MR_OK;
}

void mr_json_close(mr_json *json) {
    if (json == NULL) {
        return;
    }
    for (uint32_t i = 0; json->items != NULL && i < json->fields->count; i++) {
        if (json->items[i].dict != NULL) {
            mr_dict_unref(json->items[i].dict);
        }
    }
    mr_text_release(&json->nested_text);
    mr_text_release(&json->raw);
    mr_text_release(&json->plain);
    mr_arena_release(&json->shape_arena);
    mr_arena_release(&json->arena);
    mr_heap_free(json);
}

// ---- batches ---------------------------------------------------------------------------------

static void json_batch_begin(mr_json *json, uint32_t capacity) {
    mr_arena *arena = &json->hold->arena;
    json->row = 0;
    json->capacity = capacity;
    json->offsets = mr_arena_raw(arena, sizeof(int64_t) * capacity);
    json->starts = mr_arena_raw(arena, sizeof(uint32_t) * capacity);
    json->lengths = mr_arena_raw(arena, sizeof(uint32_t) * capacity);
    for (uint32_t i = 0; i < json->fields->count; i++) {
        json_field *item = &json->items[i];
        if (item->field->from == MR_FROM_VALUE) {
            size_t bytes = item->dict != NULL ? sizeof(uint32_t) : mr_type_bytes(item->field->type);
            item->data = mr_arena_raw(arena, bytes * capacity);
            item->valid = NULL;
        }
    }
}

static mr_batch *json_batch_add(mr_json *json) {
    mr_decoded *ret = json->ret;
    mr_arena *arena = &json->hold->arena;
    if (ret->batch_count == json->batch_capacity) {
        uint32_t capacity = MR_MAX(8, json->batch_capacity * 2);
        mr_batch *more = MR_NEW_ARRAY(arena, mr_batch, capacity);
        if (ret->batch_count > 0) {
            memcpy(more, ret->batches, sizeof(mr_batch) * ret->batch_count);
        }
        ret->batches = more;
        json->batch_capacity = capacity;
    }
    return &ret->batches[ret->batch_count++];
}

static void json_batch_end(mr_json *json) {
    if (json->row == 0) {
        return;
    }
    mr_arena *arena = &json->hold->arena;
    uint32_t count = json->fields->count;
    mr_batch *batch = json_batch_add(json);
    *batch = mr_batch_new(arena, count, json->row);
    for (uint32_t i = 0; i < count; i++) {
        json_field *item = &json->items[i];
        mr_vector *vector = &batch->columns[i];
        vector->type = item->field->type;
        if (item->field->from != MR_FROM_VALUE) {
            continue;
        }
        vector->kind = item->dict != NULL ? MR_DICT : MR_FLAT;
        vector->data = item->data;
        vector->valid = item->valid;
        vector->dict = item->dict;
        if (item->dict != NULL) {
            mr_hold_add_dict(json->hold, item->dict);
        }
    }
    mr_origin *origin = MR_NEW(arena, mr_origin);
    origin->offsets = json->offsets;
    origin->base = json->ret_base;
    origin->starts = json->starts;
    origin->lengths = json->lengths;
    batch->origin = origin;
    batch->hold = json->hold;
    json->ret->row_count += json->row;
    json->rows_total += json->row;
    json->row = 0;
}

// Decodes lines in->at .. in->stop, every one ended by '\n'.
static void json_lines(mr_json *json) {
    while (json->in.at < json->in.stop) {
        if (json->row == json->capacity) {
            json_batch_end(json);
            size_t rows = (size_t)(json->in.stop - json->in.at) / 3 + 1;  // "{}\n" is the shortest.
            json_batch_begin(json, (uint32_t)MR_MIN(rows, MR_BATCH_ROWS_MAX));
        }
        json->rows(json);
    }
}

static mr_code json_decode_lines(mr_json *json, const mr_records *records, mr_cx *cx) {
    const char *base = records->base;
    size_t bytes = records->bytes;
    bool mark = records->offset_first == 0 && bytes >= 3 && memcmp(base, "\xEF\xBB\xBF", 3) == 0;
    const char *at = base + (mark ? 3 : 0);
    const char *last = memrchr(at, '\n', (size_t)(base + bytes - at));
    const char *stop = last == NULL ? at : last + 1;
    json->in =
        (json_input){.at = at, .stop = stop, .data = base, .offset_first = records->offset_first};
    json_lines(json);
    size_t rest = (size_t)(base + bytes - stop);
    if (rest == 0) {
        return MR_OK;
    }
    // A last line without its end is read from a copy that has one.
    char *copy = mr_arena_try(&json->hold->arena, rest + 1 + MR_HOLD_PADDING);
    if (copy == NULL) {
        return mr_fail(cx, MR_E_LIMIT, NULL, "no memory for a line of %zu bytes", rest);
    }
    memcpy(copy, stop, rest);
    memset(copy + rest, '\n', 1 + MR_HOLD_PADDING);
    json->in.at = copy;
    json->in.stop = copy + rest + 1;
    json->in.data = copy;
    json->in.shift = (size_t)(stop - base);
    json_lines(json);
    return MR_OK;
}

static void json_decode_framed(mr_json *json, const mr_records *records) {
    json->in = (json_input){.framed = records};
    while (json->in.next < records->count) {
        if (json->row == json->capacity) {
            json_batch_end(json);
            json_batch_begin(json, MR_MIN(records->count - json->in.next, MR_BATCH_ROWS_MAX));
        }
        json->rows(json);
    }
}

mr_code mr_json_decode(mr_json *json, const mr_records *records, mr_hold *hold, mr_decoded *ret,
                       mr_cx *cx) {
    if (records->bytes > UINT32_MAX) {
        return mr_fail(cx, MR_E_LIMIT, NULL, "more than 4 GiB of records in one call");
    }
    mr_decoded decoded = {0};
    json->hold = hold;
    json->ret = &decoded;
    json->ret_base = records->base;
    json->bad_capacity = 0;
    json->batch_capacity = 0;
    json->row = 0;
    json->capacity = 0;
    mr_code code = MR_OK;
    if (records->starts != NULL) {
        json_decode_framed(json, records);
    } else {
        code = json_decode_lines(json, records, cx);
    }
    json_batch_end(json);
    if (code == MR_OK) {
        *ret = decoded;
    }
    return code;
}
