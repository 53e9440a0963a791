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

bool mr_type_equal(mr_type a, mr_type b) {
    return a.id == b.id && a.precision == b.precision && a.scale == b.scale && a.fields == b.fields;
}

bool mr_type_is_string(mr_type type) {
    return type.id == MR_TEXT || type.id == MR_BYTES;
}

bool mr_type_is_numeric(mr_type type) {
    return type.id == MR_INT32 || type.id == MR_INT64 || type.id == MR_FLOAT64;
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

// Types go in by name: the numbers of the enum may change from version to version.
uint64_t mr_schema_hash(const mr_schema *schema) {
    uint64_t hash = mr_hash_u64(schema->count, /* seed= */ 0);
    for (uint32_t i = 0; i < schema->count; i++) {
        const mr_column *column = &schema->columns[i];
        const char *type = mr_type_name(column->type);
        hash = mr_hash_bytes(column->name, strlen(column->name), hash);
        hash = mr_hash_bytes(type, strlen(type), hash);
    }
    return hash;
}
