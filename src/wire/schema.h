// Schema: the messages of Kafka's protocol as C structs, from the rows of the schema_*.h lists.
//
// A row is F(kind, name, since, until, detail), in the order of the wire; T(tag, …) is a tagged
// field. `detail` is the default of a number, the struct of STRUCT and ARRAY, and 0 else. Kinds
// with N may be null. Names are Kafka's. Versions that no client of the last years sends are left
// out of the tables of keys, not of the rows.
//
// Also: mr_wire_

#pragma once

#include "wire/schema_consume.h"
#include "wire/schema_group.h"
#include "wire/wire.h"

// name, key, least and greatest version, first flexible one; request and response have its name.
#define MR_SCHEMA_APIS(A)            \
    A(fetch, 1, 4, 17, 12)           \
    A(list_offsets, 2, 1, 9, 6)      \
    A(metadata, 3, 0, 12, 9)         \
    A(offset_commit, 8, 2, 9, 8)     \
    A(offset_fetch, 9, 1, 9, 6)      \
    A(find_coordinator, 10, 0, 6, 3) \
    A(api_versions, 18, 0, 4, 3)

#define MR_SCHEMA_STRUCTS(S) MR_SCHEMA_CONSUME(S) MR_SCHEMA_GROUP(S)

// ---- the structs -----------------------------------------------------------------------------

#define SCHEMA_C_BOOL(name, detail)    bool name;
#define SCHEMA_C_I8(name, detail)      int8_t name;
#define SCHEMA_C_I16(name, detail)     int16_t name;
#define SCHEMA_C_U16(name, detail)     uint16_t name;
#define SCHEMA_C_I32(name, detail)     int32_t name;
#define SCHEMA_C_I64(name, detail)     int64_t name;
#define SCHEMA_C_F64(name, detail)     double name;
#define SCHEMA_C_UUID(name, detail)    mr_wire_uuid name;
#define SCHEMA_C_STRING(name, detail)  mr_span name;
#define SCHEMA_C_NSTRING(name, detail) mr_span name;
#define SCHEMA_C_BYTES(name, detail)   mr_span name;
#define SCHEMA_C_NBYTES(name, detail)  mr_span name;
#define SCHEMA_C_RECORDS(name, detail) mr_span name;
#define SCHEMA_C_STRUCT(name, detail)  mr_wire_##detail name;
#define SCHEMA_C_NSTRUCT(name, detail) mr_wire_##detail *name;
#define SCHEMA_C_ARRAY(name, detail) \
    mr_wire_##detail *name;          \
    int32_t name##_count;
#define SCHEMA_C_NARRAY(name, detail) SCHEMA_C_ARRAY(name, detail)
#define SCHEMA_C_I8S(name, detail) \
    int8_t *name;                  \
    int32_t name##_count;
#define SCHEMA_C_I16S(name, detail) \
    int16_t *name;                  \
    int32_t name##_count;
#define SCHEMA_C_I32S(name, detail) \
    int32_t *name;                  \
    int32_t name##_count;
#define SCHEMA_C_I64S(name, detail) \
    int64_t *name;                  \
    int32_t name##_count;
#define SCHEMA_C_UUIDS(name, detail) \
    mr_wire_uuid *name;              \
    int32_t name##_count;
#define SCHEMA_C_STRINGS(name, detail) \
    mr_span *name;                     \
    int32_t name##_count;
#define SCHEMA_C_NSTRINGS(name, detail) SCHEMA_C_STRINGS(name, detail)

#define SCHEMA_C(kind, name, since, until, detail)             SCHEMA_C_##kind(name, detail)
#define SCHEMA_C_TAGGED(tag, kind, name, since, until, detail) SCHEMA_C_##kind(name, detail)
#define SCHEMA_C_TYPE(name, FIELDS)       \
    typedef struct mr_wire_##name {       \
        FIELDS(SCHEMA_C, SCHEMA_C_TAGGED) \
    } mr_wire_##name;                     \
    extern const mr_wire_type mr_schema_##name;

MR_SCHEMA_STRUCTS(SCHEMA_C_TYPE)

// Keys by name: MR_KEY_fetch.
enum {
#define SCHEMA_KEY(name, key, ...) MR_KEY_##name = (key),
    MR_SCHEMA_APIS(SCHEMA_KEY)
#undef SCHEMA_KEY
};

// All keys, in the order of their numbers.
const mr_wire_api *mr_schema_apis(size_t *ret_count);
