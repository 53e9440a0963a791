// Parquet shape: see parquet_shape.h.

#include "codec/parquet_shape.h"

#include <string.h>

#include "column/nested.h"

// ---- leaves ------------------------------------------------------------------------------------

// The type that values are stored as; NULLTYPE = none.
static mr_type_id physical_of(mr_type type) {
    switch (type.id) {
    case MR_BOOL: return MR_BOOL;
    case MR_INT16:
    case MR_INT32:
    case MR_DATE: return MR_INT32;
    case MR_INT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: return MR_INT64;
    case MR_NUMERIC:
        return type.precision <= 9 ? MR_INT32 : type.precision <= 18 ? MR_INT64 : MR_BYTES;
    case MR_FLOAT32: return MR_FLOAT32;
    case MR_FLOAT64: return MR_FLOAT64;
    case MR_TEXT:
    case MR_JSON: return MR_TEXT;
    case MR_BYTES:
    case MR_UUID: return MR_BYTES;
    case MR_LIST:
    case MR_STRUCT:
    case MR_INTERVAL:
    case MR_NULLTYPE:
    case MR_TYPE_COUNT: break;
    }
    return MR_NULLTYPE;
}

static bool can(mr_type type, uint32_t depth) {
    if (!mr_type_is_nested(type)) {
        return physical_of(type) != MR_NULLTYPE;
    }
    bool good = depth < MR_PARQUET_DEPTH_MAX && type.fields->count > 0;
    for (uint32_t i = 0; good && i < type.fields->count; i++) {
        good = can(type.fields->columns[i].type, depth + 1);
    }
    return good;
}

bool mr_parquet_shape_can(mr_type type) {
    return can(type, 0);
}

static uint32_t leaf_count(mr_type type) {
    if (!mr_type_is_nested(type)) {
        return 1;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < type.fields->count; i++) {
        sum += leaf_count(type.fields->columns[i].type);
    }
    return sum;
}

// The way down to where the shape is being made.
typedef struct walk {
    mr_parquet_shapes *shapes;
    mr_arena *arena;
    const char *path[3 * MR_PARQUET_DEPTH_MAX];
    uint32_t path_count;
    uint32_t def;
    uint32_t rep;
} walk;

static void make_leaf(walk *w, mr_type type) {
    mr_parquet_leaf *leaf = &w->shapes->leaves[w->shapes->leaf_count++];
    const char **path = MR_NEW_ARRAY(w->arena, const char *, w->path_count);
    memcpy(path, w->path, w->path_count * sizeof *path);
    *leaf = (mr_parquet_leaf){
        .type = type,
        .physical = MR_TYPE(physical_of(type)),
        .def_max = w->def,
        .rep_max = w->rep,
        .path = path,
        .path_count = w->path_count,
    };
    leaf->fixed = type.id == MR_UUID || (type.id == MR_NUMERIC && leaf->physical.id == MR_BYTES);
}

static void make_shape(walk *w, const mr_column *column, mr_parquet_shape *ret) {
    walk before = *w;
    *ret = (mr_parquet_shape){
        .name = column->name,
        .type = column->type,
        .optional = !column->required,
        .leaf_first = w->shapes->leaf_count,
        .leaf_count = leaf_count(column->type),
    };
    w->path[w->path_count++] = column->name;
    w->def += ret->optional;
    if (!mr_type_is_nested(column->type)) {
        make_leaf(w, column->type);
    } else {
        const mr_schema *fields = column->type.fields;
        if (column->type.id == MR_LIST) {
            w->path[w->path_count++] = "list";
            w->def++;
            w->rep++;
        }
        ret->child_count = fields->count;
        ret->children = MR_NEW_ARRAY(w->arena, mr_parquet_shape, fields->count);
        for (uint32_t i = 0; i < fields->count; i++) {
            make_shape(w, &fields->columns[i], &ret->children[i]);
        }
    }
    w->path_count = before.path_count;
    w->def = before.def;
    w->rep = before.rep;
}

mr_parquet_shapes mr_parquet_shape_make(const mr_schema *schema, mr_arena *arena) {
    mr_parquet_shapes shapes = {.columns = MR_NEW_ARRAY(arena, mr_parquet_shape, schema->count)};
    uint32_t leaves = 0;
    for (uint32_t i = 0; i < schema->count; i++) {
        leaves += leaf_count(schema->columns[i].type);
    }
    shapes.leaves = MR_NEW_ARRAY(arena, mr_parquet_leaf, leaves);
    walk *w = MR_NEW(arena, walk);
    w->shapes = &shapes;
    w->arena = arena;
    for (uint32_t i = 0; i < schema->count; i++) {
        make_shape(w, &schema->columns[i], &shapes.columns[i]);
    }
    mr_assert(shapes.leaf_count == leaves);
    return shapes;
}

// ---- rows apart --------------------------------------------------------------------------------

static void put_levels(mr_parquet_entries *leaf, uint32_t def, uint32_t rep) {
    mr_text_add_bytes(&leaf->defs, &def, sizeof def);
    mr_text_add_bytes(&leaf->reps, &rep, sizeof rep);
    leaf->count++;
}

// Nothing is there from this level on: each leaf below says so.
static void put_nothing(const mr_parquet_shape *shape, uint32_t def, uint32_t rep,
                        mr_parquet_entries *entries) {
    for (uint32_t i = 0; i < shape->leaf_count; i++) {
        put_levels(&entries[shape->leaf_first + i], def, rep);
    }
}

static void put_value(const mr_parquet_shape *shape, const mr_nested_item *item, uint32_t def,
                      uint32_t rep, mr_parquet_entries *entries) {
    mr_parquet_entries *leaf = &entries[shape->leaf_first];
    put_levels(leaf, def, rep);
    mr_vector one = {.type = shape->type, .kind = MR_FLAT};
    one.data = mr_text_grow(&leaf->values, mr_type_bytes(shape->type));
    mr_nested_store(item, &one, 0);
    leaf->value_count++;
}

// depth: how many lists are around.
typedef struct level {
    uint32_t def;
    uint32_t rep;
    uint32_t depth;
} level;

static void shred(const mr_parquet_shape *shape, const mr_nested_item *item, level at,
                  mr_parquet_entries *entries) {
    if (item->null) {
        put_nothing(shape, at.def, at.rep, entries);
        return;
    }
    at.def += shape->optional;
    if (!mr_type_is_nested(shape->type)) {
        put_value(shape, item, at.def, at.rep, entries);
        return;
    }
    mr_span in = item->bytes;
    if (shape->type.id == MR_STRUCT) {
        for (uint32_t i = 0; i < shape->child_count; i++) {
            mr_nested_item field = mr_nested_next(&in, shape->children[i].type);
            shred(&shape->children[i], &field, at, entries);
        }
        return;
    }
    uint32_t count = mr_nested_count(&in);
    if (count == 0) {
        put_nothing(shape, at.def, at.rep, entries);
        return;
    }
    level inner = {.def = at.def + 1, .rep = at.rep, .depth = at.depth + 1};
    for (uint32_t i = 0; i < count; i++) {
        mr_nested_item element = mr_nested_next(&in, shape->children[0].type);
        shred(&shape->children[0], &element, inner, entries);
        inner.rep = inner.depth;
    }
}

void mr_parquet_shape_shred(const mr_parquet_shape *column, const mr_vector *in, uint32_t row,
                            mr_parquet_entries *entries) {
    mr_nested_item item = {.null = mr_vector_is_null(in, row), .type = column->type};
    if (!item.null) {
        mr_str value = mr_vector_str(in, row);
        item.bytes = (mr_span){value.data, value.bytes};
    }
    shred(column, &item, (level){.def = 0}, entries);
}

// ---- values as they are stored -----------------------------------------------------------------

static mr_str big_endian(uint64_t high, uint64_t low, char *room) {
    for (uint32_t i = 0; i < 8; i++) {
        room[i] = (char)(high >> (56 - 8 * i));
        room[8 + i] = (char)(low >> (56 - 8 * i));
    }
    return (mr_str){.data = room, .bytes = MR_PARQUET_FIXED};
}

#define STORE(to, from, VALUE)                            \
    do {                                                  \
        for (uint32_t i = 0; i < count; i++) {            \
            uint32_t row = sel != NULL ? sel[i] : i;      \
            const from x = ((const from *)in->data)[row]; \
            ((to *)out.data)[row] = (VALUE);              \
        }                                                 \
    } while (0)

mr_vector mr_parquet_shape_physical(const mr_parquet_leaf *leaf, const mr_vector *in,
                                    const uint32_t *sel, uint32_t count, mr_arena *arena) {
    mr_vector out = *in;
    out.type = leaf->physical;
    bool same = mr_type_bytes(leaf->physical) == mr_type_bytes(leaf->type) && !leaf->fixed;
    if (same || count == 0) {
        return out;
    }
    if (in->kind == MR_CONST) {
        sel = NULL;
        count = 1;
    }
    uint32_t rows = sel != NULL ? sel[count - 1] + 1 : count;
    out.data = mr_vector_flat(arena, leaf->physical, rows).data;
    if (leaf->type.id == MR_INT16) {
        STORE(int32_t, int16_t, x);
    } else if (leaf->type.id == MR_NUMERIC && leaf->physical.id == MR_INT32) {
        STORE(int32_t, mr_int128, (int32_t)x);
    } else if (leaf->type.id == MR_NUMERIC && leaf->physical.id == MR_INT64) {
        STORE(int64_t, mr_int128, (int64_t)x);
    } else {
        mr_assert(leaf->fixed);
        char *room = mr_arena_raw(arena, (size_t)rows * MR_PARQUET_FIXED);
        if (leaf->type.id == MR_UUID) {
            STORE(mr_str, mr_uuid, big_endian(x.high, x.low, room + (size_t)row * 16));
        } else {
            STORE(mr_str, mr_int128,
                  big_endian((uint64_t)(x >> 64), (uint64_t)x, room + (size_t)row * 16));
        }
    }
    return out;
}
