// Type: what a column holds, and the schema that names columns.
//
// Storage of a value: BOOL uint8_t 0/1 · INT32, DATE (days since 1970-01-01) int32_t · INT64
// int64_t · TIMESTAMPTZ (UTC microseconds), TIMESTAMP (wall clock microseconds) int64_t · FLOAT64
// double · TEXT (UTF-8), BYTES mr_str · INTERVAL mr_interval (constants and arithmetic only).

#pragma once

#include "base/cx.h"
#include "base/text.h"

#define MR_TYPES(X) /* id, SQL name, bytes of a value in a vector */ \
    X(NULLTYPE, "null", 1)                                           \
    X(BOOL, "boolean", 1)                                            \
    X(INT32, "integer", 4)                                           \
    X(INT64, "bigint", 8)                                            \
    X(FLOAT64, "double precision", 8)                                \
    X(TEXT, "text", 16)                                              \
    X(BYTES, "bytea", 16)                                            \
    X(DATE, "date", 4)                                               \
    X(TIMESTAMP, "timestamp", 8)                                     \
    X(TIMESTAMPTZ, "timestamptz", 8)                                 \
    X(INTERVAL, "interval", 16)

typedef enum mr_type_id {
#define MR_TYPE_ENUM(id, name, bytes) MR_##id,
    MR_TYPES(MR_TYPE_ENUM)
#undef MR_TYPE_ENUM
        MR_TYPE_COUNT
} mr_type_id;

typedef struct mr_schema mr_schema;

typedef struct mr_type {
    mr_type_id id;
    uint8_t precision;  // Reserved for numeric(p,s).
    uint8_t scale;
    const mr_schema *fields;  // Reserved for structs and lists.
} mr_type;

#define MR_TYPE(type_id) ((mr_type){.id = (type_id)})

typedef struct mr_interval {
    int32_t months;
    int32_t days;
    int64_t us;
} mr_interval;

typedef struct mr_column {
    const char *name;
    mr_type type;
    bool required;  // NOT NULL.
} mr_column;

struct mr_schema {
    mr_column *columns;
    uint32_t count;
};

const char *mr_type_name(mr_type type);  // SQL name.
size_t mr_type_bytes(mr_type type);      // Bytes of one value in a flat vector.
bool mr_type_equal(mr_type a, mr_type b);
bool mr_type_is_string(mr_type type);   // TEXT or BYTES: values are mr_str.
bool mr_type_is_numeric(mr_type type);  // INT32, INT64, FLOAT64.
// Index of a column, or -1. Exact match.
int32_t mr_schema_find(const mr_schema *schema, const char *name);
// 64-bit hash over names and types; equal for equal schemas, stable over versions.
uint64_t mr_schema_hash(const mr_schema *schema);
