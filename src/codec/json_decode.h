// JSON decoder, inside: what the files json*.c share.
//
// How: a record goes one of three ways.
//   guided   (json_rows.h) follows the shapes seen so far. A shape is the chain of gaps (all bytes
//   between
//            two scalars: `, "user_id": `), compared whole, so that keys, colons, brackets and
//            white space cost one comparison a value, and values are decoded in the same step.
//            Shapes share their beginnings in a tree (json_learn.c).
//   flat     (json_flat.h) while shapes do not repeat: records of scalars, keys in any order, one
//   step. general  (json_walk.h) whatever does not fit: a strict walk that validates all of the
//   record and
//            notes where the wanted values are, then a second step that decodes them; a good
//            record's shape is learned.
// A list, a struct or JSON is one value in all three (json_nested.h), guided like a scalar.
// The first two only accept; only the general way finds errors, so a verdict never depends on what
// was seen before.
//
// Why no structural index: since unwanted values are validated too, every byte of a string is
// looked at anyway, and a known shape leaves nothing to index. bench/micro/json, retail records of
// 186 bytes: 124 cycles a record, while simdjson with an index first takes 148 without dates,
// columns or validation of what is not asked for. Where shapes do not repeat, an index would win
// (490 against 356).

#pragma once

#include "codec/json.h"

#define JSON_GAP_MAX      64   // Longer gaps are not learned. At most MR_HOLD_PADDING.
#define JSON_NODES_MAX    512  // Size of the tree of shapes.
#define JSON_SIBLINGS_MAX 8
#define JSON_LEAVES_MAX   256   // Records with more scalars go the general way.
#define JSON_CELLS        512   // Cells of a column's cache in front of its dictionary.
#define JSON_DICT_SLACK   1024  // Distinct values allowed beyond an eighth of the rows.

typedef enum json_op {
    JSON_OP_END,   // The record ends behind the gap.
    JSON_OP_SKIP,  // A scalar of an unwanted field: validated only.
    JSON_OP_BOOL,
    JSON_OP_INT32,
    JSON_OP_INT64,
    JSON_OP_FLOAT64,
    JSON_OP_TEXT,
    JSON_OP_TIME,   // ISO text to TIMESTAMP or TIMESTAMPTZ.
    JSON_OP_OTHER,  // Dates, epoch numbers, bytes, intervals.
    JSON_OP_INT16,  // From here on by a call of its own: see rows_guided_more.
    JSON_OP_FLOAT32,
    JSON_OP_NUMERIC,
    JSON_OP_UUID,
    JSON_OP_CLOCK,   // TIME.
    JSON_OP_NESTED,  // LIST, STRUCT and JSON: any value, also a container, as one leaf.
} json_op;

// One gap of a shape, and what to do with the scalar behind it.
typedef struct json_node {
    char gap[JSON_GAP_MAX];  // Zeros behind its bytes.
    uint64_t gap_mask;       // Bit i: byte i counts.
    uint32_t gap_bytes;
    json_op op;
    int32_t field;     // Wanted field, or -1.
    uint16_t child;    // Index of the first node that may follow; 0 = none.
    uint16_t sibling;  // Next alternative to this node, with a shorter or equal gap; 0 = none.
    uint16_t missing_count;  // JSON_OP_END: wanted fields that this shape lacks.
    const int32_t *missing;
} json_node;

typedef enum json_kind {
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_MISSING,
} json_kind;

// Where a value stands. Strings with their quotes.
typedef struct json_value {
    const char *start;
    const char *end;
    json_kind kind;
    bool escaped;  // A string with a backslash.
} json_value;

typedef struct json_leaf {
    const char *start;
    const char *end;
    int32_t field;
} json_leaf;

// A cell of the cache in front of a dictionary: strings of 1 .. 16 bytes.
typedef struct json_cell {
    uint64_t low;
    uint64_t high;
    uint32_t bytes;  // 0 = free.
    uint32_t code;
} json_cell;

// A date read before: its ten bytes and its first microsecond. Bytes of zero never match.
typedef struct json_day {
    uint64_t low;
    uint16_t high;
    int64_t us;
} json_day;

typedef struct json_field {
    void *data;        // Values of the present batch; codes when dict is set.
    uint64_t *valid;   // Of the present batch; NULL until a NULL occurs.
    mr_dict *dict;     // NULL: plain views.
    json_cell *cells;  // With dict.
    json_op op;
    bool required;
    bool zulu_needed;  // A time must end in Z for the short way.
    int32_t same;      // Next field with the same path, or -1.
    json_day day;
    const mr_field *field;
    uint64_t stamp;    // Number of the record that `value` is of.
    json_value value;  // Found by the walk.
    uint32_t depth;    // Containers around its value.
    bool whole;        // A container is one leaf: NESTED, and nobody wants what is inside.
    uint64_t unused;
} json_field;
_Static_assert(sizeof(json_field) == 128, "a power of two: every value's field is looked up");

// A key: its first and its last eight bytes decide up to sixteen.
typedef struct json_name {
    const char *text;
    uint64_t first;
    uint64_t last;
    uint32_t bytes;
} json_name;

// A key on the way to wanted fields.
typedef struct json_path {
    json_name name;
    int32_t field;  // First field of this path, or -1.
    struct json_path *parent;
    struct json_path *first;     // Children by key.
    struct json_path *elements;  // Children by index.
    struct json_path *next;      // Siblings.
    uint32_t index;              // Of an element.
    uint32_t depth;              // Steps from the root.
    struct json_path **slots;    // Hash table of the children; slot_mask + 1 of them.
    uint32_t slot_mask;
    uint32_t child_count;
} json_path;

// What is being read: a run of lines, or framed records.
typedef struct json_input {
    const char *at;  // Lines: the next line; every line ends in '\n' before stop.
    const char *stop;
    const char *data;  // Offset 0 of row starts, less shift.
    size_t shift;
    const mr_records *framed;  // NULL: lines.
    uint32_t next;             // Framed: the next record.
    int64_t offset_first;      // Lines: offset of start 0.
} json_input;

struct mr_json {
    const mr_fields *fields;
    json_field *items;  // fields->count of them.
    uint32_t wanted_count;
    json_path *root;
    char *key;  // Scratch for an unescaped key.
    uint32_t key_bytes_max;
    void (*rows)(mr_json *json);
    const char *(*nested)(mr_json *json, int32_t field, const char *at, const char *end);
    mr_arena arena;        // Life of the decoder.
    mr_arena shape_arena;  // Missing lists; cleared with the tree.

    json_node *nodes;  // Node 0 is the root: its child is the first alternative.
    uint32_t node_count;
    int32_t trust;   // Raised by guided records, lowered by others.
    uint32_t pause;  // General records to go before guiding is tried again.

    // The present call and batch.
    mr_hold *hold;
    json_input in;
    uint32_t row;
    uint32_t capacity;
    int64_t *offsets;
    uint32_t *starts;
    uint32_t *lengths;
    mr_decoded *ret;
    const char *ret_base;  // Lines: what row starts are relative to.
    uint32_t bad_capacity;
    uint32_t batch_capacity;

    // The present record.
    const char *start;
    const char *end;
    uint64_t stamp;
    uint32_t found_count;  // Wanted fields met by the flat way.
    const char *reason;    // Why it is bad.
    bool learnable;
    uint32_t leaf_count;
    json_leaf leaves[JSON_LEAVES_MAX];
    uint64_t rows_total;  // Rows of finished batches, since open.
    mr_text nested_text;  // Scratch: a nested value, a JSON text, a string without escapes.
    mr_text raw;
    mr_text plain;
};

// json_rows_*.c: reads records until the batch is full or the input ends. They differ in how bytes
// are compared, never in what they find.
void mr_json_rows_scalar(mr_json *json);
void mr_json_rows_avx2(mr_json *json);
void mr_json_rows_neon(mr_json *json);
// The value of a LIST, STRUCT or JSON column: see nested_put in json_nested.h.
const char *mr_json_rows_nested_scalar(mr_json *json, int32_t field, const char *at,
                                       const char *end);
const char *mr_json_rows_nested_avx2(mr_json *json, int32_t field, const char *at, const char *end);
const char *mr_json_rows_nested_neon(mr_json *json, int32_t field, const char *at, const char *end);

// json_learn.c: adds the walked record's shape to the tree. The record was good.
void mr_json_learn(mr_json *json);
// Forgets all shapes.
void mr_json_learn_clear(mr_json *json);

#include "codec/json_value.h"  // Needs the decoder.
