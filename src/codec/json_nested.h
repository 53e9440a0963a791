// JSON nested: lists, structs and JSON columns, read and validated in one step; included by
// json_rows_*.c only.
//
// How: a value is decoded along its column's type, by recursion as deep as the type (at most
// MR_NESTING_MAX), into the encoding of column/nested.h. What no type describes (unwanted fields,
// JSON) is walked by a loop. Like the guided way, this one only accepts; the general way calls it
// for values that it has walked, and then a NULL comes with a reason.

#pragma once

#include "codec/json_column.h"
#include "codec/json_raw.h"
#include "column/nested.h"

#define NESTED_BYTES_MAX (256 << 20)  // A struct of many fields may be written as "{}".

static const char *nested_item(nested_reader *n, mr_type type, const char *at,
                               const json_where *where);

// The elements of a list whose bracket is at `at`, and their count.
static const char *nested_list(nested_reader *n, mr_type type, const char *at,
                               const json_where *where) {
    mr_type element = mr_type_element(type);
    size_t place = n->out->bytes;
    uint32_t count = 0;
    mr_nested_put_count(n->out, count);
    at = nested_space(n, at + 1);
    for (bool first = true; *at != ']' || !first; first = false) {
        json_where inside = {.parent = where, .index = count++};
        at = nested_item(n, element, at, &inside);
        if (at == NULL) {
            return NULL;
        }
        at = nested_space(n, at);
        if (*at != ',') {
            break;
        }
        at = nested_space(n, at + 1);
    }
    memcpy(n->out->data + place, &count, sizeof(count));
    return *at == ']' ? at + 1 : NULL;
}

// Where a field lies in the output, from the start of its struct.
typedef struct nested_piece {
    size_t from;
    size_t bytes;
} nested_piece;

#define NESTED_PIECES 32  // Structs with more fields take memory of the hold.

typedef struct nested_fields {
    nested_piece some[NESTED_PIECES];
    nested_piece *pieces;  // Of the fields below `next`.
    size_t start;
    uint32_t next;
    bool ordered;  // The pieces lie in the order of the fields.
} nested_fields;

static void nested_note(nested_fields *f, uint32_t field, size_t from, const mr_text *out) {
    f->pieces[field] = (nested_piece){from - f->start, out->bytes - from};
}

// Fields up to this one did not come yet: NULL.
static void nested_missing(nested_fields *f, uint32_t field, mr_text *out) {
    for (; f->next < field; f->next++) {
        size_t from = out->bytes;
        mr_nested_put_null(out);
        nested_note(f, f->next, from, out);
    }
}

// Brings the pieces into the order of the fields.
static void nested_sort(const nested_fields *f, uint32_t count, mr_text *out) {
    size_t sum = 0;
    size_t end = out->bytes;
    for (uint32_t i = 0; i < count; i++) {
        sum += f->pieces[i].bytes;
    }
    char *to = mr_text_grow(out, sum);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(to, out->data + f->start + f->pieces[i].from, f->pieces[i].bytes);
        to += f->pieces[i].bytes;
    }
    memmove(out->data + f->start, out->data + end, sum);
    out->bytes = f->start + sum;
}

// One `"key": value` of a struct. Returns its end, or NULL.
static const char *nested_member(nested_reader *n, mr_type type, const char *at,
                                 const json_where *where, nested_fields *f) {
    json_value key;
    const char *end = *at == '"' ? nested_scalar(at, &key) : NULL;
    if (end == NULL) {
        return NULL;
    }
    mr_span name = {at + 1, (size_t)(end - at) - 2};
    if (key.escaped) {
        name = mr_json_value_unescaped(n->json, &key);
    }
    // A name with a NUL byte is no name of a field.
    bool odd = key.escaped && memchr(name.data, '\0', name.bytes) != NULL;
    uint32_t field = odd ? type.fields->count : column_member(type.fields, name, f->next);
    at = nested_space(n, end);
    if (*at != ':') {
        return NULL;
    }
    at = nested_space(n, at + 1);
    if (field == type.fields->count) {
        nested_run run = {.out = NULL};
        return nested_walk(n, &run, at);
    }
    if (field < f->next) {
        f->ordered = false;
    } else {
        nested_missing(f, field, n->out);
    }
    const mr_column *column = &type.fields->columns[field];
    json_where inside = {.parent = where, .name = column->name};
    size_t from = n->out->bytes;
    at = nested_item(n, column->type, at, &inside);
    nested_note(f, field, from, n->out);
    f->next = MR_MAX(f->next, field + 1);
    return at;
}

// The fields of a struct whose brace is at `at`, in the order of the type. Of equal keys the last
// wins.
static const char *nested_struct(nested_reader *n, mr_type type, const char *at,
                                 const json_where *where) {
    uint32_t count = type.fields->count;
    nested_fields f;
    f.start = n->out->bytes;
    f.next = 0;
    f.ordered = true;
    f.pieces = count <= NESTED_PIECES
                   ? f.some
                   : mr_arena_raw(&n->json->hold->arena, sizeof(nested_piece) * count);
    at = nested_space(n, at + 1);
    for (bool first = true; *at != '}' || !first; first = false) {
        at = nested_member(n, type, at, where, &f);
        if (at == NULL) {
            return NULL;
        }
        at = nested_space(n, at);
        if (*at != ',') {
            break;
        }
        at = nested_space(n, at + 1);
    }
    nested_missing(&f, count, n->out);
    if (!f.ordered) {
        nested_sort(&f, count, n->out);
    }
    return *at == '}' ? at + 1 : NULL;
}

// The elements or fields of a nested value. NULL for any other value.
static const char *nested_body(nested_reader *n, mr_type type, const char *at,
                               const json_where *where) {
    bool list = type.id == MR_LIST;
    if (*at != (list ? '[' : '{')) {
        mr_json_value_wrong(n->json, where, at);
        return NULL;
    }
    if (n->depth == MR_NESTING_MAX) {
        return NULL;
    }
    n->depth++;
    at = list ? nested_list(n, type, at, where) : nested_struct(n, type, at, where);
    n->depth--;
    return at;
}

// An element or field.
static const char *nested_item(nested_reader *n, mr_type type, const char *at,
                               const json_where *where) {
    if (n->out->bytes > NESTED_BYTES_MAX) {
        mr_json_value_fail(n->json, MR_REASON_TOO_LONG, NULL, "%s takes more than %d MiB",
                           n->field->name, NESTED_BYTES_MAX >> 20);
        return NULL;
    }
    if (*at == 'n') {
        json_kind kind;
        mr_nested_put_null(n->out);
        return rows_literal(at, &kind);
    }
    if (mr_type_is_nested(type)) {
        uint32_t bytes = 0;
        mr_text_add_char(n->out, 1);
        size_t place = n->out->bytes;
        mr_text_add_bytes(n->out, &bytes, sizeof(bytes));
        at = nested_body(n, type, at, where);
        bytes = mr_u32(n->out->bytes - place - sizeof(bytes));
        memcpy(n->out->data + place, &bytes, sizeof(bytes));
        return at;
    }
    if (type.id == MR_JSON) {
        mr_str text;
        at = nested_raw(n, at, &text);
        if (at != NULL) {
            mr_nested_put_value(n->out, type, &text);
        }
        return at;
    }
    if (*at == '{' || *at == '[') {
        mr_json_value_wrong(n->json, where, at);
        return NULL;
    }
    json_value value;
    const char *end = nested_scalar(at, &value);
    json_spot spot = {.type = type, .field = n->field, .where = where};
    json_storage storage;
    if (end == NULL || !mr_json_value_scalar(n->json, &spot, &value, &storage)) {
        return NULL;
    }
    mr_nested_put_value(n->out, type, &storage);
    return end;
}

// The value of a LIST, STRUCT or JSON column into the present row; not NULL. Returns its end, or
// NULL; then, where end is that of a record that was walked, json->reason says why.
static const char *nested_put(mr_json *json, int32_t field, const char *at, const char *end) {
    json_field *item = &json->items[field];
    json_where where = {.name = item->field->name};
    nested_reader n = {.json = json,
                       .field = item->field,
                       .end = end,
                       .depth = item->depth,
                       .out = &json->nested_text};
    mr_str value = {.data = NULL};
    const char *text = at;
    mr_text_clear(n.out);
    if (item->field->type.id == MR_JSON) {
        at = nested_raw(&n, at, &value);
    } else {
        at = nested_body(&n, item->field->type, at, &where);
        value = (mr_str){.data = n.out->data, .bytes = mr_u32(n.out->bytes)};
    }
    if (at == NULL) {
        return NULL;
    }
    if (value.data != text) {
        char *copy = mr_arena_raw(&json->hold->arena, MR_MAX(value.bytes, 1u));
        memcpy(copy, value.data, value.bytes);
        value.data = copy;
    }
    ((mr_str *)item->data)[json->row] = value;
    return at;
}
