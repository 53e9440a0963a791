// Type: what a column holds, and the schema that names columns.
//
// Storage of a value in a vector:
//   BOOL uint8_t 0/1 · INT16 int16_t · INT32 int32_t · INT64 int64_t · FLOAT32 float · FLOAT64
//   double NUMERIC mr_int128: the value times 10^scale; its type says precision (1 .. 38) and scale
//   TEXT (UTF-8), BYTES, JSON (one JSON text) mr_str · UUID mr_uuid
//   DATE int32_t days since 1970-01-01 · TIME int64_t microseconds since midnight
//   TIMESTAMPTZ (UTC), TIMESTAMP (wall clock) int64_t microseconds since 1970-01-01
//   INTERVAL mr_interval · LIST, STRUCT mr_str: one value in the encoding of column/nested.h
// A nested value is a string of bytes because it is mostly carried from a source to a sink: keys,
// exchange, state and commit record then need to know nothing of it.

#pragma once

#include "base/cx.h"
#include "base/text.h"

#define MR_TYPES(X) /* id, SQL name, bytes of a value in a vector */ \
    X(NULLTYPE, "null", 1)                                           \
    X(BOOL, "boolean", 1)                                            \
    X(INT16, "smallint", 2)                                          \
    X(INT32, "integer", 4)                                           \
    X(INT64, "bigint", 8)                                            \
    X(NUMERIC, "numeric", 16)                                        \
    X(FLOAT32, "real", 4)                                            \
    X(FLOAT64, "double precision", 8)                                \
    X(TEXT, "text", 16)                                              \
    X(BYTES, "bytea", 16)                                            \
    X(UUID, "uuid", 16)                                              \
    X(DATE, "date", 4)                                               \
    X(TIME, "time", 8)                                               \
    X(TIMESTAMP, "timestamp", 8)                                     \
    X(TIMESTAMPTZ, "timestamptz", 8)                                 \
    X(INTERVAL, "interval", 16)                                      \
    X(JSON, "jsonb", 16)                                             \
    X(LIST, "list", 16)                                              \
    X(STRUCT, "struct", 16)

typedef enum mr_type_id {
#define MR_TYPE_ENUM(id, name, bytes) MR_##id,
    MR_TYPES(MR_TYPE_ENUM)
#undef MR_TYPE_ENUM
        MR_TYPE_COUNT
} mr_type_id;

typedef struct mr_schema mr_schema;

typedef struct mr_type {
    mr_type_id id;
    uint8_t precision;  // NUMERIC: 1 .. MR_NUMERIC_DIGITS_MAX.
    uint8_t scale;      // NUMERIC: 0 .. precision.
    // STRUCT: its fields. LIST: one column, "element". Else NULL. Lives as long as the plan.
    const mr_schema *fields;
} mr_type;

#define MR_TYPE(type_id) ((mr_type){.id = (type_id)})

#define MR_NUMERIC_DIGITS_MAX 38
#define MR_NUMERIC(digits, behind_point) \
    ((mr_type){.id = MR_NUMERIC, .precision = (digits), .scale = (behind_point)})

typedef struct mr_interval {
    int32_t months;
    int32_t days;
    int64_t us;
} mr_interval;

// As two words, so that memory aligned to 8 holds it.
typedef __int128 mr_int128 __attribute__((aligned(8)));

typedef struct mr_uuid {
    uint64_t high;  // The first 8 bytes, read as a big-endian number, so that order is of numbers.
    uint64_t low;
} mr_uuid;

typedef struct mr_column {
    const char *name;
    mr_type type;
    bool required;  // NOT NULL.
} mr_column;

struct mr_schema {
    mr_column *columns;
    uint32_t count;
};

const char *mr_type_name(mr_type type);  // SQL name without parameters: "numeric", "list".
// The whole name: "numeric(10,2)", "text[]", "struct(a integer, b text)".
void mr_type_print(mr_type type, mr_text *out);
const char *mr_type_text(mr_type type, mr_arena *arena);
mr_type mr_type_list(mr_type element, mr_arena *arena);
mr_type mr_type_struct(const mr_schema *fields);
mr_type mr_type_element(mr_type list);  // Of a LIST.
size_t mr_type_bytes(mr_type type);     // Bytes of one value in a flat vector.
bool mr_type_equal(mr_type a, mr_type b);
bool mr_type_is_string(mr_type type);   // Values are mr_str: TEXT BYTES JSON LIST STRUCT.
bool mr_type_is_nested(mr_type type);   // LIST, STRUCT.
bool mr_type_is_integer(mr_type type);  // INT16 INT32 INT64
bool mr_type_is_float(mr_type type);    // FLOAT32 FLOAT64
bool mr_type_is_numeric(mr_type type);  // A number: integers, floats and NUMERIC.
// Names and parameters: the numbers of the enum may change from version to version.
uint64_t mr_type_hash(mr_type type, uint64_t seed);
// Index of a column, or -1. Exact match.
int32_t mr_schema_find(const mr_schema *schema, const char *name);
// 64-bit hash over names and types; equal for equal schemas, stable over versions.
uint64_t mr_schema_hash(const mr_schema *schema);
