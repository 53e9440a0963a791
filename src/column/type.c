// Type: names, sizes and classes of column types; schema lookup and schema hash.
// Also: mr_schema_

#include "column/type.h"

#include <string.h>

#include "base/hash.h"

typedef struct type_row {
    const char *name;
    size_t bytes;
} type_row;

static const type_row type_rows[] = {
#define TYPE_ROW(id, name, bytes) [MR_##id] = {name, bytes},
    MR_TYPES(TYPE_ROW)
#undef TYPE_ROW
};
_Static_assert(MR_COUNT(type_rows) == MR_TYPE_COUNT, "a row for each type");
_Static_assert(sizeof(mr_interval) == 16, "an interval is two words");

static const type_row *type_find(mr_type type) {
    mr_assert((size_t)type.id < MR_COUNT(type_rows));
    return &type_rows[type.id];
}

const char *mr_type_name(mr_type type) {
    return type_find(type)->name;
}

size_t mr_type_bytes(mr_type type) {
    return type_find(type)->bytes;
}

static bool fields_equal(const mr_schema *a, const mr_schema *b) {
    if (a == b) {
        return true;
    }
    if (a == NULL || b == NULL || a->count != b->count) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (strcmp(a->columns[i].name, b->columns[i].name) != 0 ||
            !mr_type_equal(a->columns[i].type, b->columns[i].type)) {
            return false;
        }
    }
    return true;
}

bool mr_type_equal(mr_type a, mr_type b) {
    return a.id == b.id && a.precision == b.precision && a.scale == b.scale &&
           fields_equal(a.fields, b.fields);
}

bool mr_type_is_string(mr_type type) {
    return type.id == MR_TEXT || type.id == MR_BYTES || type.id == MR_JSON ||
           mr_type_is_nested(type);
}

bool mr_type_is_nested(mr_type type) {
    return type.id == MR_LIST || type.id == MR_STRUCT;
}

bool mr_type_is_integer(mr_type type) {
    return type.id == MR_INT16 || type.id == MR_INT32 || type.id == MR_INT64;
}

bool mr_type_is_float(mr_type type) {
    return type.id == MR_FLOAT32 || type.id == MR_FLOAT64;
}

bool mr_type_is_numeric(mr_type type) {
    return mr_type_is_integer(type) || mr_type_is_float(type) || type.id == MR_NUMERIC;
}

mr_type mr_type_list(mr_type element, mr_arena *arena) {
    mr_schema *fields = MR_NEW(arena, mr_schema);
    fields->count = 1;
    fields->columns = MR_NEW(arena, mr_column);
    fields->columns[0] = (mr_column){.name = "element", .type = element};
    return (mr_type){.id = MR_LIST, .fields = fields};
}

mr_type mr_type_struct(const mr_schema *fields) {
    return (mr_type){.id = MR_STRUCT, .fields = fields};
}

mr_type mr_type_element(mr_type list) {
    mr_assert(list.id == MR_LIST && list.fields != NULL && list.fields->count == 1);
    return list.fields->columns[0].type;
}

void mr_type_print(mr_type type, mr_text *out) {
    if (type.id == MR_NUMERIC && type.precision > 0) {
        mr_text_addf(out, "numeric(%u,%u)", type.precision, type.scale);
    } else if (type.id == MR_LIST && type.fields != NULL) {
        mr_type_print(mr_type_element(type), out);
        mr_text_add(out, "[]");
    } else if (type.id == MR_STRUCT && type.fields != NULL) {
        for (uint32_t i = 0; i < type.fields->count; i++) {
            mr_text_addf(out, "%s%s ", i == 0 ? "struct(" : ", ", type.fields->columns[i].name);
            mr_type_print(type.fields->columns[i].type, out);
        }
        mr_text_add(out, type.fields->count == 0 ? "struct()" : ")");
    } else {
        mr_text_add(out, mr_type_name(type));
    }
}

const char *mr_type_text(mr_type type, mr_arena *arena) {
    mr_text out;
    mr_text_init(&out, arena);
    mr_type_print(type, &out);
    return mr_text_string(&out);
}

int32_t mr_schema_find(const mr_schema *schema, const char *name) {
    mr_assert(name != NULL);
    for (uint32_t i = 0; i < schema->count; i++) {
        if (strcmp(schema->columns[i].name, name) == 0) {
            return mr_i32(i);
        }
    }
    return -1;
}

uint64_t mr_type_hash(mr_type type, uint64_t seed) {
    const char *name = mr_type_name(type);
    uint64_t hash = mr_hash_bytes(name, strlen(name), seed);
    if (type.id == MR_NUMERIC) {
        hash = mr_hash_u64((uint64_t)type.precision << 8 | type.scale, hash);
    }
    return type.fields == NULL ? hash : mr_hash_u64(mr_schema_hash(type.fields), hash);
}

uint64_t mr_schema_hash(const mr_schema *schema) {
    uint64_t hash = mr_hash_u64(schema->count, /* seed= */ 0);
    for (uint32_t i = 0; i < schema->count; i++) {
        const mr_column *column = &schema->columns[i];
        hash = mr_hash_bytes(column->name, strlen(column->name), hash);
        hash = mr_type_hash(column->type, hash);
    }
    return hash;
}
