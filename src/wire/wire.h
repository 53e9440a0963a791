// Wire: one codec for every message of Kafka's protocol, directed by tables.
//
// Why: a hand-written reader and writer for each of 50 keys in up to 18 versions are two thousand
// places to be wrong; here a field is one row (schema.h) and the rules of versions, compact forms,
// tagged fields and nulls are in one place, for client and server alike. How: a message is a plain
// struct of today's fields; what a version does not have gets its default.
//
// Memory: strings, bytes and records are borrowed from the input; arrays come from cx->arena, as
// far as a budget allows. Every length is checked against what is there first.
// Source: kafka.apache.org/protocol; KIP-482 (flexible versions), KIP-511 (ApiVersions).

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_wire_uuid {
    uint8_t bytes[16];
} mr_wire_uuid;

typedef enum mr_wire_kind {
    MR_WIRE_BOOL,
    MR_WIRE_I8,
    MR_WIRE_I16,
    MR_WIRE_U16,
    MR_WIRE_I32,
    MR_WIRE_I64,
    MR_WIRE_F64,
    MR_WIRE_UUID,
    MR_WIRE_STRING,  // mr_span; data NULL = null.
    MR_WIRE_BYTES,   // The same; RECORDS too.
    MR_WIRE_STRUCT,  // The struct itself; nullable: a pointer to it.
    MR_WIRE_ARRAY,   // A pointer and an int32_t; count -1 = null.
} mr_wire_kind;

typedef struct mr_wire_type mr_wire_type;

typedef struct mr_wire_field {
    const char *name;  // Kafka's, in lower case with underscores.
    mr_wire_kind kind;
    mr_wire_kind element;  // Of arrays.
    bool nullable;
    int16_t since;  // Versions that have it.
    int16_t until;
    int16_t tag;  // -1 = a plain field.
    uint16_t offset;
    uint16_t count_offset;     // Of an array's count.
    const mr_wire_type *type;  // Of a struct, and of an array's structs.
    int64_t initial;           // Value in versions without it, and of a tag that is left out.
} mr_wire_field;

struct mr_wire_type {
    const char *name;
    const mr_wire_field *(*fields)(void);  // field_count of them, in the order of the wire.
    uint16_t field_count;
    uint16_t bytes;  // sizeof the C struct.
    bool tagged;     // Some of its fields have tags.
};

typedef struct mr_wire_format {
    int16_t version;
    bool flexible;  // Compact forms and tagged fields.
} mr_wire_format;

// A key of the protocol, with the versions that the tables know.
typedef struct mr_wire_api {
    const char *name;
    int16_t key;
    int16_t version_min;
    int16_t version_max;
    int16_t flexible_since;  // INT16_MAX = none.
    const mr_wire_type *request;
    const mr_wire_type *response;
} mr_wire_api;

// NULL when the tables do not have it.
const mr_wire_api *mr_wire_find(int16_t key);
mr_wire_format mr_wire_format_of(const mr_wire_api *api, int16_t version);

// A value of a type with all fields at their defaults.
void mr_wire_clear(const mr_wire_type *type, void *value);
// Reads the whole of `in`. ret and its arrays borrow from `in` and cx->arena.
//   bytes_max  of arena memory for arrays
//   errors  MR_E_CORRUPT with what is wrong and where; MR_E_LIMIT
mr_code mr_wire_decode(const mr_wire_type *type, mr_wire_format format, mr_span in,
                       size_t bytes_max, void *ret, mr_cx *cx);
// The same of the first bytes of *in, which is moved behind them.
mr_code mr_wire_decode_some(const mr_wire_type *type, mr_wire_format format, mr_span *in,
                            size_t bytes_max, void *ret, mr_cx *cx);
// Appends. Fields that the format does not have are left out, whatever their values.
//   errors  MR_E_LIMIT for a string or array that has no length on the wire; out is unchanged then
mr_code mr_wire_encode(const mr_wire_type *type, mr_wire_format format, const void *value,
                       mr_text *out, mr_cx *cx);
struct mr_wire_holes;
// holes: see mr_wire_add_response_around; may be NULL.
mr_code mr_wire_encode_around(const mr_wire_type *type, mr_wire_format format, const void *value,
                              struct mr_wire_holes *holes, mr_text *out, mr_cx *cx);
// As one JSON object of the fields that the version has. Bytes and uuids in hex.
void mr_wire_print(const mr_wire_type *type, mr_wire_format format, const void *value,
                   mr_text *out);

// ---- records ---------------------------------------------------------------------------------
//
// What lies in internal topics, and what members of groups tell each other, is a version of two
// bytes and a message of that version.

typedef struct mr_wire_record {
    const char *name;
    int16_t version_min;
    int16_t version_max;
    int16_t flexible_since;
    bool open;  // What is newer than version_max is read as that; it may have more at its end.
    const mr_wire_type *type;
} mr_wire_record;

// The version in front; -1 = there is none. Of a key in an internal topic it says what it is.
int16_t mr_wire_record_version(mr_span in);
// Reads as mr_wire_decode does.  errors  also MR_E_UNSUPPORTED for a version that the tables do
// not have
mr_code mr_wire_read_record(const mr_wire_record *record, mr_span in, size_t bytes_max, void *ret,
                            mr_cx *cx);
// Appends, in one of the record's versions.  errors  as of mr_wire_encode
mr_code mr_wire_add_record(const mr_wire_record *record, int16_t version, const void *value,
                           mr_text *out, mr_cx *cx);

// ---- frames ----------------------------------------------------------------------------------
//
// A frame is a length of four bytes and that many bytes: a header, then a body. Readers get frames
// without the length.

#define MR_WIRE_LENGTH_BYTES 4

typedef struct mr_wire_head {
    int16_t key;
    int16_t version;
    int32_t correlation;
    mr_span client_id;  // Requests only; data NULL = null.
} mr_wire_head;

// The value of the length in front of a frame. It is signed on the wire: < 0 is damage.
int32_t mr_wire_frame_bytes(const char *length);
// Append a whole frame with its length. errors as of mr_wire_encode
mr_code mr_wire_add_request(const mr_wire_head *head, const void *body, mr_text *out, mr_cx *cx);
mr_code mr_wire_add_response(const mr_wire_head *head, const void *body, mr_text *out, mr_cx *cx);

// A field of bytes that is not written, since it is sent from somewhere else: the field's data is
// `mark`, which is never read. Its length is written, and counts in the frame's.
typedef struct mr_wire_hole {
    const void *mark;
    uint64_t bytes;  // Filled in: the field's …
    size_t at;       // … and where in `out` they belong.
} mr_wire_hole;

typedef struct mr_wire_holes {
    mr_wire_hole *items;  // count of them; those that are met come first, in the frame's order.
    uint32_t count;
    uint32_t filled;
    uint64_t bytes;  // Of all.
} mr_wire_holes;

// The same with holes. Not in tagged fields.
mr_code mr_wire_add_response_around(const mr_wire_head *head, const void *body,
                                    mr_wire_holes *holes, mr_text *out, mr_cx *cx);
// Takes the header off a frame. Of a key or version that the tables do not have, *ret_body is what
// follows the first eight bytes: a server answers it with an error.  errors  MR_E_CORRUPT
mr_code mr_wire_read_request(mr_span frame, mr_wire_head *ret, mr_span *ret_body, mr_cx *cx);
// head: key and version as they were asked; correlation is filled.
mr_code mr_wire_read_response(mr_span frame, mr_wire_head *head, mr_span *ret_body, mr_cx *cx);
