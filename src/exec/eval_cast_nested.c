// Eval, casts to lists and structs, from their like, from JSON and from text.
//
// How: the values of all rows are taken apart into one vector of elements (or one a field), which
// is cast by the kernel of its own types, and put together again. So a list of ten numbers a row
// costs one call of a loop. DuckDB's meaning: structs match by name, and by position where the
// fields have no names; a text may leave fields out, JSON may not; what does not convert fails its
// row, and is NULL in its place in a try_cast.

#include "base/jsonvalue.h"
#include "column/nested.h"
#include "exec/eval_cast.h"
#include "exec/eval_cast_split.h"
#include "exec/fn.h"

// Values yet to be cast, each of some row.
typedef struct parts {
    mr_span *spans;    // data NULL: NULL.
    uint32_t *owners;  // The row that each is of.
    uint32_t count;
    uint32_t capacity;
} parts;

static mr_span span_of(mr_str value) {
    return (mr_span){value.data, value.bytes};
}

static void parts_add(mr_arena *arena, parts *p, uint32_t owner, mr_span span) {
    if (p->count == p->capacity) {
        uint32_t capacity = MR_MAX(256u, 2 * p->capacity);
        mr_span *spans = MR_NEW_ARRAY(arena, mr_span, capacity);
        uint32_t *owners = MR_NEW_ARRAY(arena, uint32_t, capacity);
        if (p->count > 0) {
            memcpy(spans, p->spans, sizeof(*spans) * p->count);
            memcpy(owners, p->owners, sizeof(*owners) * p->count);
        }
        *p = (parts){spans, owners, p->count, capacity};
    }
    p->spans[p->count] = span;
    p->owners[p->count++] = owner;
}

static mr_str text_of(const mr_text *text) {
    return (mr_str){.data = mr_text_string(text), .bytes = mr_u32(text->bytes)};
}

// The type that parts of this source have before they are cast to `to`.
static mr_type part_type(mr_type source, mr_type own, mr_type to) {
    if (source.id == MR_JSON) {
        return MR_TYPE(to.id == MR_TEXT ? MR_TEXT : MR_JSON);
    }
    return source.id == MR_TEXT ? MR_TYPE(MR_TEXT) : own;
}

// A part of a text or of JSON as a string that the kernel of its type reads.
static mr_str part_string(mr_arena *arena, mr_type source, mr_span span, mr_type to) {
    mr_text text;
    mr_text_init(&text, arena);
    if (source.id == MR_TEXT && !mr_type_is_nested(to)) {
        mr_eval_cast_split_unquote(span, &text);
    } else if (source.id == MR_JSON && to.id == MR_TEXT &&
               mr_jsonvalue_kind_of(span) == MR_JSONVALUE_STRING) {
        mr_jsonvalue_unescape(span, &text);
    } else if (source.id == MR_JSON && (to.id == MR_TEXT || to.id == MR_JSON)) {
        mr_jsonvalue_minify(span, &text);
    } else {
        return (mr_str){.data = span.data, .bytes = mr_u32(span.bytes)};
    }
    return text_of(&text);
}

// All parts as one vector; own: their type in a LIST or STRUCT source.
static mr_vector parts_vector(mr_fn_call *call, const parts *p, mr_type own, mr_type to) {
    mr_arena *arena = call->run->arena;
    mr_type source = call->args[0].type;
    mr_vector v = mr_vector_flat(arena, part_type(source, own, to), p->count + 1);
    bool nested = mr_type_is_nested(source);
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->spans[i].data == NULL) {
            if (v.valid == NULL) {
                mr_vector_own_valid(&v, arena, p->count + 1);
            }
            mr_bits_clear(v.valid, i);
            memset(v.bools + mr_type_bytes(v.type) * i, 0, mr_type_bytes(v.type));
            if (mr_type_is_string(v.type)) {
                v.strs[i] = (mr_str){.data = ""};
            }
        } else if (nested) {
            mr_nested_item item = {.type = own, .bytes = p->spans[i]};
            mr_nested_store(&item, &v, i);
        } else {
            v.strs[i] = part_string(arena, source, p->spans[i], to);
        }
    }
    return v;
}

// Casts the parts; those that do not convert fail their rows.
static mr_vector parts_cast(mr_fn_call *call, const parts *p, mr_type own, mr_type to) {
    mr_vector in = parts_vector(call, p, own, to);
    if (mr_type_equal(in.type, to)) {
        return in;
    }
    mr_eval_node node = {.type = to,
                         .arg_count = 1,
                         .kernel = mr_eval_cast_kernel(in.type.id, to.id),
                         .try_cast = call->node->try_cast};
    mr_assert(node.kernel != NULL);  // The binder has looked into the types.
    mr_eval_run run = {.rows = p->count, .env = call->run->env, .arena = call->run->arena};
    mr_vector out = mr_eval_node_call(&node, &run, (mr_eval_rows){.count = p->count}, &in);
    for (uint32_t i = 0; run.failed != NULL && i < p->count; i++) {
        if (mr_bits_get(run.failed, i)) {
            mr_eval_call_fail(call, p->owners[i], "%s", run.reasons[i] + strlen("expression: "));
        }
    }
    return out;
}

static void store(mr_fn_call *call, mr_fn_writer *writer, uint32_t row, const mr_text *value) {
    memcpy(mr_fn_writer_take(writer, value->bytes), mr_text_string(value), value->bytes);
    call->out->strs[row] = mr_fn_writer_end(writer, value->bytes);
}

// ---- lists -------------------------------------------------------------------------------------

static void split_encoded(mr_fn_call *call, uint32_t row, mr_span in, parts *p) {
    mr_type element = mr_type_element(call->args[0].type);
    uint32_t count = mr_nested_count(&in);
    for (uint32_t i = 0; i < count; i++) {
        mr_nested_item item = mr_nested_next(&in, element);
        parts_add(call->run->arena, p, row, item.null ? (mr_span){NULL, 0} : item.bytes);
    }
}

static bool split_json(mr_fn_call *call, uint32_t row, mr_span in, parts *p) {
    if (mr_jsonvalue_kind_of(in) != MR_JSONVALUE_ARRAY) {
        return false;
    }
    in = mr_jsonvalue_inside(in);
    mr_span value;
    while (mr_jsonvalue_next(&in, NULL, &value)) {
        bool null = mr_jsonvalue_kind_of(value) == MR_JSONVALUE_NULL;
        parts_add(call->run->arena, p, row, null ? (mr_span){NULL, 0} : value);
    }
    return true;
}

static bool split_text(mr_fn_call *call, uint32_t row, mr_span in, parts *p) {
    in = mr_span_trim(in);
    if (in.bytes < 2 || in.data[0] != '[' || in.data[in.bytes - 1] != ']') {
        return false;
    }
    in = mr_span_trim((mr_span){in.data + 1, in.bytes - 2});
    char stop = in.bytes == 0 ? '\0' : ',';
    while (stop == ',') {
        mr_span part;
        if (!mr_eval_cast_split_next(&in, /* keys= */ false, &part, &stop)) {
            return false;
        }
        parts_add(call->run->arena, p, row,
                  mr_eval_cast_split_is_null(part) ? (mr_span){NULL, 0} : part);
    }
    return true;
}

static bool split_list(mr_fn_call *call, uint32_t row, parts *p) {
    mr_span in = span_of(mr_vector_str(&call->args[0], row));
    switch ((int)call->args[0].type.id) {
    case MR_LIST: split_encoded(call, row, in, p); return true;
    case MR_JSON: return split_json(call, row, in, p);
    default: return split_text(call, row, in, p);
    }
}

static bool is_json_null(mr_fn_call *call, uint32_t row) {
    return call->args[0].type.id == MR_JSON &&
           mr_jsonvalue_kind_of(span_of(mr_vector_str(&call->args[0], row))) == MR_JSONVALUE_NULL;
}

void mr_eval_cast_list(mr_fn_call *call) {
    mr_arena *arena = call->run->arena;
    mr_eval_rows rows = mr_eval_call_live(call);
    uint32_t *ends = MR_NEW_ARRAY(arena, uint32_t, rows.count + 1);
    parts p = {.count = 0};
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i), first = p.count;
        if (is_json_null(call, row)) {
            mr_eval_call_null(call, row);
        } else if (!split_list(call, row, &p)) {
            p.count = first;
            mr_eval_cast_fail(call, row);
        }
        ends[i] = p.count;
    }
    mr_type from = call->args[0].type, to = mr_type_element(call->out->type);
    mr_type own = from.id == MR_LIST ? mr_type_element(from) : from;
    mr_vector cast = parts_cast(call, &p, own, to);
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_text text;
    mr_text_init(&text, arena);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t first = i == 0 ? 0 : ends[i - 1];
        mr_text_clear(&text);
        mr_nested_put_count(&text, ends[i] - first);
        for (uint32_t k = first; k < ends[i]; k++) {
            mr_nested_put(&text, &cast, k);
        }
        store(call, &writer, mr_eval_row(rows, i), &text);
    }
}

// ---- structs -----------------------------------------------------------------------------------

// The source's field for each of the target's, -1 = none.
static int32_t *match_fields(mr_fn_call *call) {
    const mr_schema *from = call->args[0].type.fields, *to = call->out->type.fields;
    int32_t *ret = MR_NEW_ARRAY(call->run->arena, int32_t, to->count);
    for (uint32_t f = 0; f < to->count; f++) {
        bool unnamed = f < from->count && from->columns[f].name[0] == '\0';
        ret[f] = unnamed ? (int32_t)f : mr_schema_find(from, to->columns[f].name);
    }
    return ret;
}

static void fields_encoded(mr_fn_call *call, mr_span in, const int32_t *match, mr_span *ret) {
    const mr_schema *from = call->args[0].type.fields, *to = call->out->type.fields;
    for (uint32_t s = 0; s < from->count; s++) {
        mr_nested_item item = mr_nested_next(&in, from->columns[s].type);
        for (uint32_t f = 0; f < to->count; f++) {
            if (match[f] == (int32_t)s && !item.null) {
                ret[f] = item.bytes;
            }
        }
    }
}

// Puts a value to the field of a name; false when there is none, or it has one already.
static bool put_field(const mr_schema *to, mr_span name, mr_span value, bool *seen, mr_span *ret) {
    for (uint32_t f = 0; f < to->count; f++) {
        if (mr_span_is(name, to->columns[f].name)) {
            bool first = !seen[f];
            seen[f] = true;
            ret[f] = value;
            return first;
        }
    }
    return false;
}

static bool fields_json(mr_fn_call *call, mr_span in, bool *seen, mr_span *ret) {
    const mr_schema *to = call->out->type.fields;
    if (mr_jsonvalue_kind_of(in) != MR_JSONVALUE_OBJECT) {
        return false;
    }
    in = mr_jsonvalue_inside(in);
    mr_span key, value;
    while (mr_jsonvalue_next(&in, &key, &value)) {
        mr_text name;
        mr_text_init(&name, call->run->arena);
        mr_jsonvalue_unescape(key, &name);
        bool null = mr_jsonvalue_kind_of(value) == MR_JSONVALUE_NULL;
        if (!put_field(to, mr_text_span(&name), null ? (mr_span){NULL, 0} : value, seen, ret)) {
            return false;
        }
    }
    for (uint32_t f = 0; f < to->count; f++) {
        if (!seen[f]) {
            return false;
        }
    }
    return true;
}

// "{a: 1, 'b': x}", or by position "(1, x)".
static bool fields_text(mr_fn_call *call, mr_span in, bool *seen, mr_span *ret) {
    const mr_schema *to = call->out->type.fields;
    in = mr_span_trim(in);
    bool named = in.bytes >= 2 && in.data[0] == '{' && in.data[in.bytes - 1] == '}';
    bool placed = in.bytes >= 2 && in.data[0] == '(' && in.data[in.bytes - 1] == ')';
    if (!named && !placed) {
        return false;
    }
    in = mr_span_trim((mr_span){in.data + 1, in.bytes - 2});
    char stop = in.bytes == 0 ? '\0' : ',';
    uint32_t place = 0;
    for (; stop == ','; place++) {
        mr_span key = {NULL, 0}, value;
        mr_text name;
        mr_text_init(&name, call->run->arena);
        if (named) {
            if (!mr_eval_cast_split_next(&in, /* keys= */ true, &key, &stop) || stop != ':') {
                return false;
            }
            mr_eval_cast_split_unquote(key, &name);
        }
        if (!mr_eval_cast_split_next(&in, /* keys= */ false, &value, &stop)) {
            return false;
        }
        value = mr_eval_cast_split_is_null(value) ? (mr_span){NULL, 0} : value;
        if (named && !put_field(to, mr_text_span(&name), value, seen, ret)) {
            return false;
        }
        if (placed && place < to->count) {
            ret[place] = value;
        }
    }
    return named || place == to->count;
}

static bool split_struct(mr_fn_call *call, uint32_t row, const int32_t *match, mr_span *ret) {
    mr_span in = span_of(mr_vector_str(&call->args[0], row));
    uint32_t count = call->out->type.fields->count;
    for (uint32_t f = 0; f < count; f++) {
        ret[f] = (mr_span){NULL, 0};
    }
    if (call->args[0].type.id == MR_STRUCT) {
        fields_encoded(call, in, match, ret);
        return true;
    }
    bool *seen = MR_NEW_ARRAY(call->run->arena, bool, count);
    bool fits = call->args[0].type.id == MR_JSON ? fields_json(call, in, seen, ret)
                                                 : fields_text(call, in, seen, ret);
    for (uint32_t f = 0; f < count && !fits; f++) {
        ret[f] = (mr_span){NULL, 0};
    }
    return fits;
}

void mr_eval_cast_struct(mr_fn_call *call) {
    mr_arena *arena = call->run->arena;
    mr_eval_rows rows = mr_eval_call_live(call);
    const mr_type from = call->args[0].type;
    const mr_schema *to = call->out->type.fields;
    const int32_t *match = from.id == MR_STRUCT ? match_fields(call) : NULL;
    parts *columns = MR_NEW_ARRAY(arena, parts, to->count);
    mr_span *fields = MR_NEW_ARRAY(arena, mr_span, to->count);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        bool null = is_json_null(call, row);
        if (null) {
            mr_eval_call_null(call, row);
            memset(fields, 0, sizeof(*fields) * to->count);
        } else if (!split_struct(call, row, match, fields)) {
            mr_eval_cast_fail(call, row);
        }
        for (uint32_t f = 0; f < to->count; f++) {
            parts_add(arena, &columns[f], row, fields[f]);
        }
    }
    mr_vector *casts = MR_NEW_ARRAY(arena, mr_vector, to->count);
    for (uint32_t f = 0; f < to->count; f++) {
        bool there = match != NULL && match[f] >= 0;
        mr_type own = there           ? from.fields->columns[match[f]].type
                      : match != NULL ? MR_TYPE(MR_NULLTYPE)
                                      : from;
        casts[f] = parts_cast(call, &columns[f], own, to->columns[f].type);
    }
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_text text;
    mr_text_init(&text, arena);
    for (uint32_t i = 0; i < rows.count; i++) {
        mr_text_clear(&text);
        for (uint32_t f = 0; f < to->count; f++) {
            mr_nested_put(&text, &casts[f], i);
        }
        store(call, &writer, mr_eval_row(rows, i), &text);
    }
}
