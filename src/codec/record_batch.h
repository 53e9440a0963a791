// Record batch: Kafka's unit of storage and transport (v2), read without copying, and written.
//
// A batch is a header of 61 bytes and records, compressed together or not. Reading: _next finds the
// batches in what was fetched or stored, _verify checks the CRC, _expand gives the records' bytes,
// and a reader walks them in place: an uncompressed value is never copied. Every length and count
// is checked against the bytes that are there. Pure; any thread. Source:
// kafka.apache.org/documentation/#recordbatch; KIP-98, KIP-101, KIP-110 (zstd).

#pragma once

#include <string.h>

#include "codec/compress.h"

#define MR_RECORD_BATCH_HEAD_BYTES 61
#define MR_RECORD_BYTES_MIN        7  // Of a record with no key, value or headers.

// Bits of attributes; the lowest three are the compression.
enum {
    MR_RECORD_BATCH_APPEND_TIME = 8,  // All records have max_timestamp_ms.
    MR_RECORD_BATCH_TRANSACTIONAL = 16,
    MR_RECORD_BATCH_CONTROL = 32,  // Holds a transaction's end, no data.
};

typedef struct mr_record_batch {
    int64_t base_offset;
    int64_t last_offset;
    int32_t leader_epoch;
    int16_t attributes;
    int64_t base_timestamp_ms;  // -1 = none, as max_timestamp_ms.
    int64_t max_timestamp_ms;
    int64_t producer_id;  // -1 = none, as the next two.
    int16_t producer_epoch;
    int32_t base_sequence;
    uint32_t record_count;  // As stated; compaction leaves less than the offsets.
    uint32_t crc;
    mr_compression compression;
    const char *bytes;  // The whole batch …
    size_t byte_count;
    mr_span payload;  // … and what follows its header.
} mr_record_batch;

// The batch at the start of in, which is moved behind it.
//   ret_found  false when in ends inside it (as what is fetched may), and in stays
//   errors  MR_E_CORRUPT; MR_E_UNSUPPORTED for the formats before Kafka 0.11
mr_code mr_record_batch_next(mr_span *in, mr_record_batch *ret, bool *ret_found, mr_cx *cx);
// errors  MR_E_CORRUPT when the CRC is another
mr_code mr_record_batch_verify(const mr_record_batch *batch, mr_cx *cx);
// Appends the batch's records, expanded.  errors  MR_E_CORRUPT, MR_E_LIMIT; out is unchanged then
mr_code mr_record_batch_expand(const mr_record_batch *batch, size_t bytes_max, mr_text *out,
                               mr_cx *cx);
// What a control batch says.
typedef enum mr_record_marker {
    MR_RECORD_ABORT = 0,
    MR_RECORD_COMMIT = 1,
    MR_RECORD_OTHER = 2,
} mr_record_marker;
mr_record_marker mr_record_batch_marker(const mr_record_batch *batch);

// ---- records ---------------------------------------------------------------------------------

typedef struct mr_record {
    int64_t offset;
    int64_t timestamp_ms;  // -1 = none.
    mr_span key;           // data NULL = null, as value.
    mr_span value;         // At least one byte of the record follows it.
    mr_span headers;       // For mr_record_headers_of.
} mr_record;

typedef struct mr_record_reader {
    const char *at;
    const char *end;
    const mr_record_batch *batch;
    uint32_t left;
    int64_t offset_before;
    bool damaged;
} mr_record_reader;

// Begins to walk the expanded records of a batch.
//   errors  MR_E_CORRUPT when so many records cannot be in so few bytes
mr_code mr_record_open(mr_record_reader *reader, const mr_record_batch *batch, mr_span records,
                       mr_cx *cx);
// After mr_record_next said false: whether that was the end.  errors  MR_E_CORRUPT
mr_code mr_record_end(const mr_record_reader *reader, mr_cx *cx);
// False at the end and at damage. Offsets ascend.
static inline bool mr_record_next(mr_record_reader *reader, mr_record *ret);

// A walk over a record's headers.
typedef struct mr_record_headers {
    const char *at;
    const char *end;
    int64_t left;  // -1 = damaged.
} mr_record_headers;
mr_record_headers mr_record_headers_of(const mr_record *record);
// ret_value->data NULL = null. False at the end and at damage.
bool mr_record_headers_next(mr_record_headers *headers, mr_span *ret_key, mr_span *ret_value);

// ---- writing ---------------------------------------------------------------------------------

typedef struct mr_record_header {
    mr_span key;
    mr_span value;  // data NULL = null.
} mr_record_header;

typedef struct mr_record_new {
    int64_t offset_delta;     // To the batch's base offset.
    int64_t timestamp_delta;  // To its base timestamp, in milliseconds.
    mr_span key;              // data NULL = null, as value.
    mr_span value;
    const mr_record_header *headers;
    uint32_t header_count;
} mr_record_new;

void mr_record_add(const mr_record_new *record, mr_text *out);
// A record that was read, once more.
void mr_record_add_again(const mr_record *record, int64_t offset_delta, int64_t timestamp_delta,
                         mr_text *out);
// Appends a whole batch. Of head, crc, byte counts and payload are made here; compression replaces
// that of the attributes.
mr_code mr_record_batch_add(const mr_record_batch *head, mr_span records, mr_text *out, mr_cx *cx);

// ---- inline, since it runs once a record -------------------------------------------------------

// A zigzag number of at most `bits`. NULL when it is cut or too long.
const char *mr_record_varint_long(const char *at, const char *end, int bits, int64_t *ret);
static inline const char *mr_record_varint(const char *at, const char *end, int bits,
                                           int64_t *ret) {
    if (MR_LIKELY(end - at >= 2)) {  // Nearly all numbers have one or two bytes.
        uint32_t value = (uint8_t)at[0];
        if (value < 0x80) {
            *ret = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
            return at + 1;
        }
        value = (value & 0x7F) | (uint32_t)(uint8_t)at[1] << 7;
        if (value < 1u << 14) {
            *ret = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
            return at + 2;
        }
    }
    return mr_record_varint_long(at, end, bits, ret);
}

// A length and that many bytes; -1 = null.
static inline const char *mr_record_bytes(const char *at, const char *end, mr_span *ret) {
    int64_t bytes = 0;
    at = mr_record_varint(at, end, 32, &bytes);
    if (MR_UNLIKELY(at == NULL || bytes < -1 || bytes > end - at)) {
        return NULL;
    }
    if (MR_UNLIKELY(bytes < 0)) {
        *ret = (mr_span){NULL, 0};
        return at;
    }
    *ret = (mr_span){at, (size_t)bytes};
    return at + bytes;
}

// What follows the record's length, up to its end.
static inline bool mr_record_parse(mr_record_reader *reader, const char *at, const char *end,
                                   mr_record *ret) {
    const mr_record_batch *batch = reader->batch;
    int64_t timestamp = 0, offset = 0;
    at = at < end ? mr_record_varint(at + 1, end, 64, &timestamp) : NULL;  // +1: attributes.
    at = at == NULL ? NULL : mr_record_varint(at, end, 32, &offset);
    at = at == NULL ? NULL : mr_record_bytes(at, end, &ret->key);
    at = at == NULL ? NULL : mr_record_bytes(at, end, &ret->value);
    if (MR_UNLIKELY(at == NULL || at == end || offset < 0 ||
                    offset > batch->last_offset - batch->base_offset)) {
        return false;
    }
    ret->offset = batch->base_offset + offset;
    ret->headers = (mr_span){at, (size_t)(end - at)};
    ret->timestamp_ms = batch->attributes & MR_RECORD_BATCH_APPEND_TIME ? batch->max_timestamp_ms
                        : batch->base_timestamp_ms < 0
                            ? -1
                            : (int64_t)((uint64_t)batch->base_timestamp_ms + (uint64_t)timestamp);
    return ret->offset > reader->offset_before;
}

static inline bool mr_record_next(mr_record_reader *reader, mr_record *ret) {
    if (reader->left == 0) {
        return false;
    }
    int64_t bytes = 0;
    const char *at = mr_record_varint(reader->at, reader->end, 32, &bytes);
    if (MR_UNLIKELY(at == NULL || bytes < 0 || bytes > reader->end - at ||
                    !mr_record_parse(reader, at, at + bytes, ret))) {
        reader->damaged = true;
        reader->left = 0;
        return false;
    }
    reader->at = at + bytes;
    reader->left--;
    reader->offset_before = ret->offset;
    return true;
}
