// Schema: the descriptor rows that the codec reads, from the same lists as the structs; see
// schema.h.
//
// Why a function for each struct's rows: its typedef of `row_struct` tells the rows, which do not
// name their struct, what their offsets are in.
// Also: mr_wire_find, mr_record_

#include "wire/schema.h"

#include <stddef.h>

#define MAX INT16_MAX

#define ROW_PLAIN(kind_, null, detail) \
    .kind = MR_WIRE_##kind_, .nullable = (null), .initial = (int64_t)(detail)
#define ROW_MANY(element_, null, name)                                        \
    .kind = MR_WIRE_ARRAY, .element = MR_WIRE_##element_, .nullable = (null), \
    .count_offset = offsetof(row_struct, name##_count)

#define ROW_BOOL(name, detail)     ROW_PLAIN(BOOL, false, detail)
#define ROW_I8(name, detail)       ROW_PLAIN(I8, false, detail)
#define ROW_I16(name, detail)      ROW_PLAIN(I16, false, detail)
#define ROW_U16(name, detail)      ROW_PLAIN(U16, false, detail)
#define ROW_I32(name, detail)      ROW_PLAIN(I32, false, detail)
#define ROW_I64(name, detail)      ROW_PLAIN(I64, false, detail)
#define ROW_F64(name, detail)      ROW_PLAIN(F64, false, detail)
#define ROW_UUID(name, detail)     ROW_PLAIN(UUID, false, detail)
#define ROW_STRING(name, detail)   ROW_PLAIN(STRING, false, detail)
#define ROW_NSTRING(name, detail)  ROW_PLAIN(STRING, true, detail)
#define ROW_BYTES(name, detail)    ROW_PLAIN(BYTES, false, detail)
#define ROW_NBYTES(name, detail)   ROW_PLAIN(BYTES, true, detail)
#define ROW_RECORDS(name, detail)  ROW_PLAIN(BYTES, true, detail)
#define ROW_STRUCT(name, detail)   ROW_PLAIN(STRUCT, false, 0), .type = &mr_schema_##detail
#define ROW_NSTRUCT(name, detail)  ROW_PLAIN(STRUCT, true, 0), .type = &mr_schema_##detail
#define ROW_ARRAY(name, detail)    ROW_MANY(STRUCT, false, name), .type = &mr_schema_##detail
#define ROW_NARRAY(name, detail)   ROW_MANY(STRUCT, true, name), .type = &mr_schema_##detail
#define ROW_I8S(name, detail)      ROW_MANY(I8, false, name)
#define ROW_I16S(name, detail)     ROW_MANY(I16, false, name)
#define ROW_I32S(name, detail)     ROW_MANY(I32, false, name)
#define ROW_I64S(name, detail)     ROW_MANY(I64, false, name)
#define ROW_UUIDS(name, detail)    ROW_MANY(UUID, false, name)
#define ROW_STRINGS(name, detail)  ROW_MANY(STRING, false, name)
#define ROW_NI32S(name, detail)    ROW_MANY(I32, true, name)
#define ROW_NSTRINGS(name, detail) ROW_MANY(STRING, true, name)

#define ROW_OF(tag_, kind, name_, since_, until_, detail) \
    {.name = #name_,                                      \
     .since = (since_),                                   \
     .until = (until_),                                   \
     .tag = (tag_),                                       \
     .offset = offsetof(row_struct, name_),               \
     ROW_##kind(name_, detail)},
#define ROW(kind, name, since, until, detail) ROW_OF(-1, kind, name, since, until, detail)
#define ROW_TAGGED(tag, kind, name, since, until, detail) \
    ROW_OF(tag, kind, name, since, until, detail)

#define ROW_ONE(...) +1
#define ROW_NONE(...)
#define ROW_COUNT(FIELDS) (0 FIELDS(ROW_ONE, ROW_ONE))
#define ROW_TAGS(FIELDS)  (0 FIELDS(ROW_NONE, ROW_ONE))

#define SCHEMA_TYPE(name_, FIELDS)                                     \
    static const mr_wire_field *rows_of_##name_(void) {                \
        typedef mr_wire_##name_ row_struct;                            \
        static const mr_wire_field rows[] = {FIELDS(ROW, ROW_TAGGED)}; \
        return rows;                                                   \
    }                                                                  \
    const mr_wire_type mr_schema_##name_ = {                           \
        .name = #name_,                                                \
        .fields = rows_of_##name_,                                     \
        .field_count = ROW_COUNT(FIELDS),                              \
        .bytes = sizeof(mr_wire_##name_),                              \
        .tagged = ROW_TAGS(FIELDS) > 0,                                \
    };

MR_SCHEMA_STRUCTS(SCHEMA_TYPE)

#define SCHEMA_RECORD_OF(name_, min, max, flexible, open_) \
    const mr_wire_record mr_record_##name_ = {             \
        .name = #name_,                                    \
        .version_min = (min),                              \
        .version_max = (max),                              \
        .flexible_since = (flexible),                      \
        .open = (open_),                                   \
        .type = &mr_schema_##name_,                        \
    };

MR_SCHEMA_RECORDS(SCHEMA_RECORD_OF)

#define SCHEMA_RECORD_ROW(name_, ...) &mr_record_##name_,

static const mr_wire_record *const schema_records[] = {MR_SCHEMA_RECORDS(SCHEMA_RECORD_ROW)};

const mr_wire_record *const *mr_schema_records(size_t *ret_count) {
    *ret_count = MR_COUNT(schema_records);
    return schema_records;
}

#define SCHEMA_API(name_, key_, min, max, flexible) \
    {.name = #name_,                                \
     .key = (key_),                                 \
     .version_min = (min),                          \
     .version_max = (max),                          \
     .flexible_since = (flexible),                  \
     .request = &mr_schema_##name_##_request,       \
     .response = &mr_schema_##name_##_response},

static const mr_wire_api schema_apis[] = {MR_SCHEMA_APIS(SCHEMA_API)};

const mr_wire_api *mr_schema_apis(size_t *ret_count) {
    *ret_count = MR_COUNT(schema_apis);
    return schema_apis;
}

const mr_wire_api *mr_wire_find(int16_t key) {
    for (size_t i = 0; i < MR_COUNT(schema_apis); i++) {
        if (schema_apis[i].key == key) {
            return &schema_apis[i];
        }
    }
    return NULL;
}
