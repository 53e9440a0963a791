// Field: what a source's decoder is asked for, and what it hands back.
//
// Only wanted fields are decoded (those that a query of the pipeline reads, plus NOT NULL ones and
// the event time). A record is bad when it is not a well-formed object, a wanted field has the
// wrong type or overflows, a time does not parse, or a required field is missing or NULL; a missing
// field that is not required is NULL.

#pragma once

#include "base/civil.h"
#include "column/batch.h"

typedef enum mr_field_from {
    MR_FROM_VALUE,  // A field of the record's value, by name or path.
    MR_FROM_KEY,    // The record's own: filled by the source, not by the decoder.
    MR_FROM_TOPIC,
    MR_FROM_PARTITION,
    MR_FROM_OFFSET,
    MR_FROM_TIMESTAMP,
    MR_FROM_HEADERS,
} mr_field_from;

typedef enum mr_time_format {
    MR_TIME_ISO,      // ISO 8601 / PostgreSQL text (the default).
    MR_TIME_EPOCH_S,  // JSON numbers: seconds (fractions allowed), milliseconds, microseconds.
    MR_TIME_EPOCH_MS,
    MR_TIME_EPOCH_US,
} mr_time_format;

typedef struct mr_field {
    const char *name;  // Column name.
    mr_type type;      // Any but NULLTYPE.
    const char *path;  // "$.a.b[0]" for nested fields; NULL = the top-level key `name`.
    mr_field_from from;
    mr_time_format time_format;  // Of all times in the field, also inside lists and structs.
    bool required;
} mr_field;

typedef struct mr_fields {
    mr_field *items;
    uint32_t count;
    int32_t event_time;   // Index of the event time column, or -1. It is always required.
    const mr_zone *zone;  // For times without an offset; NULL = UTC.
} mr_fields;

// Records to decode, all inside one hold's buffer (so MR_HOLD_PADDING readable bytes follow).
typedef struct mr_records {
    const char *base;
    size_t bytes;
    // Lines: starts NULL, a record ends at '\n' (a '\r' before it is dropped; blank lines are
    // skipped; the last line may lack its end) and its offset is offset_first + its start. A BOM at
    // offset 0 is skipped.
    // Framed: record i is base + starts[i], lengths[i] bytes, with at least one byte between
    // records that the decoder may overwrite with '\n'; its offset is offsets[i].
    const uint32_t *starts;
    const uint32_t *lengths;
    const int64_t *offsets;
    uint32_t count;
    int64_t offset_first;
} mr_records;

// A record that could not be decoded.
typedef struct mr_bad_record {
    int64_t offset;
    const char *raw;  // In the hold's buffer.
    uint32_t raw_bytes;
    uint32_t record;  // Index of the record among those read (bad ones counted).
    const char
        *reason;  // In the hold's arena: "wrong type", with the field: see mr_reason words below.
} mr_bad_record;

// Reasons start with one of these words, then ": " and detail ("wrong_type: user_id is a string").
#define MR_REASON_BAD_JSON   "bad_json"
#define MR_REASON_BAD_UTF8   "bad_utf8"
#define MR_REASON_WRONG_TYPE "wrong_type"
#define MR_REASON_OVERFLOW   "overflow"
#define MR_REASON_BAD_TIME   "bad_time"
#define MR_REASON_NULL       "null"      // A required field is missing or NULL.
#define MR_REASON_TOO_DEEP   "too_deep"  // Nesting over MR_NESTING_MAX.
#define MR_REASON_TOO_LONG   "too_long"  // Record over the size cap.
#define MR_REASON_EXPRESSION "expression"
#define MR_NESTING_MAX       64

// Decoded rows, in the hold's arena. Batches have at most MR_BATCH_ROWS_MAX rows, columns in the
// order of mr_fields.items (those not MR_FROM_VALUE are zeroed vectors for the source to fill),
// origin with offsets, starts, lengths (topic and partition are the source's to fill), hold set,
// sel NULL.
typedef struct mr_decoded {
    mr_batch *batches;
    uint32_t batch_count;
    uint32_t row_count;  // Sum of rows.
    mr_bad_record *bad;
    uint32_t bad_count;
    uint32_t record_count;  // row_count + bad_count (blank lines and tombstones not counted).
} mr_decoded;
