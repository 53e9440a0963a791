// Record batch: Kafka's unit of storage and transport (v2); see record_batch.h.
//
// Also: mr_record_

#include "codec/record_batch.h"

#include <inttypes.h>

#include "base/hash.h"

// Places in the header.
enum {
    AT_BASE_OFFSET = 0,
    AT_LENGTH = 8,
    AT_LEADER_EPOCH = 12,
    AT_MAGIC = 16,
    AT_CRC = 17,
    AT_ATTRIBUTES = 21,
    AT_LAST_DELTA = 23,
    AT_BASE_TIMESTAMP = 27,
    AT_MAX_TIMESTAMP = 35,
    AT_PRODUCER_ID = 43,
    AT_PRODUCER_EPOCH = 51,
    AT_BASE_SEQUENCE = 53,
    AT_COUNT = 57,
};

#define BATCH_LENGTH_MIN (MR_RECORD_BATCH_HEAD_BYTES - AT_LEADER_EPOCH)
#define MAGIC            2
// snappy-java's frame, which Kafka's own clients write: this, two versions, then blocks with their
// lengths. librdkafka writes a bare block.
#define XERIAL_MAGIC      "\x82SNAPPY"
#define XERIAL_HEAD_BYTES 16
#define XERIAL_BLOCK      ((size_t)32 << 10)

static uint64_t load_big(const char *at, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | (uint8_t)at[i];
    }
    return value;
}

static void store_big(char *to, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (char)(value >> 8 * (bytes - 1 - i));
    }
}

// ---- the header ------------------------------------------------------------------------------

static const struct {
    mr_compression compression;
    int16_t code;  // Kafka's.
} batch_codecs[] = {{MR_COMPRESS_NONE, 0},
                    {MR_COMPRESS_GZIP, 1},
                    {MR_COMPRESS_SNAPPY, 2},
                    {MR_COMPRESS_LZ4, 3},
                    {MR_COMPRESS_ZSTD, 4}};

static mr_code batch_damaged(int64_t base_offset, const char *what, mr_cx *cx) {
    return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged record batch at offset %" PRId64 ": %s",
                   base_offset, what);
}

static mr_code batch_parse(const char *at, mr_record_batch *b, mr_cx *cx) {
    int32_t last_delta = (int32_t)load_big(at + AT_LAST_DELTA, 4);
    int32_t count = (int32_t)load_big(at + AT_COUNT, 4);
    b->leader_epoch = (int32_t)load_big(at + AT_LEADER_EPOCH, 4);
    b->crc = (uint32_t)load_big(at + AT_CRC, 4);
    b->attributes = (int16_t)load_big(at + AT_ATTRIBUTES, 2);
    b->base_timestamp_ms = (int64_t)load_big(at + AT_BASE_TIMESTAMP, 8);
    b->max_timestamp_ms = (int64_t)load_big(at + AT_MAX_TIMESTAMP, 8);
    b->producer_id = (int64_t)load_big(at + AT_PRODUCER_ID, 8);
    b->producer_epoch = (int16_t)load_big(at + AT_PRODUCER_EPOCH, 2);
    b->base_sequence = (int32_t)load_big(at + AT_BASE_SEQUENCE, 4);
    if (b->base_offset < 0 || last_delta < 0 ||
        !mr_add_fits(b->base_offset, (int64_t)last_delta, &b->last_offset) ||
        b->last_offset == INT64_MAX) {  // One more is the next offset.
        return batch_damaged(b->base_offset, "its offsets are out of range", cx);
    }
    if (count < 0 || count > (int64_t)last_delta + 1) {
        return batch_damaged(b->base_offset, "more records than offsets", cx);
    }
    b->record_count = (uint32_t)count;
    for (size_t i = 0; i < MR_COUNT(batch_codecs); i++) {
        if (batch_codecs[i].code == (b->attributes & 7)) {
            b->compression = batch_codecs[i].compression;
            return MR_OK;
        }
    }
    return batch_damaged(b->base_offset, "its compression is unknown", cx);
}

mr_code mr_record_batch_next(mr_span *in, mr_record_batch *ret, bool *ret_found, mr_cx *cx) {
    *ret_found = false;
    if (in->bytes < AT_MAGIC + 1) {
        return MR_OK;
    }
    mr_record_batch b = {.base_offset = (int64_t)load_big(in->data + AT_BASE_OFFSET, 8),
                         .bytes = in->data};
    int32_t length = (int32_t)load_big(in->data + AT_LENGTH, 4);
    int8_t magic = (int8_t)in->data[AT_MAGIC];
    if (magic != MAGIC) {
        if (magic < 0 || magic > MAGIC) {
            return batch_damaged(b.base_offset, "its format is unknown", cx);
        }
        return mr_fail(cx, MR_E_UNSUPPORTED,
                       "Write option client 'librdkafka', which reads records of old brokers.",
                       "records at offset %" PRId64 " have the format of Kafka before 0.11",
                       b.base_offset);
    }
    if (length < BATCH_LENGTH_MIN) {
        return batch_damaged(b.base_offset, "it is shorter than its header", cx);
    }
    b.byte_count = (size_t)length + AT_LEADER_EPOCH;
    if (b.byte_count > in->bytes) {
        return MR_OK;
    }
    MR_TRY(batch_parse(in->data, &b, cx));
    b.payload =
        (mr_span){in->data + MR_RECORD_BATCH_HEAD_BYTES, b.byte_count - MR_RECORD_BATCH_HEAD_BYTES};
    in->data += b.byte_count;
    in->bytes -= b.byte_count;
    *ret = b;
    *ret_found = true;
    return MR_OK;
}

mr_code mr_record_batch_verify(const mr_record_batch *batch, mr_cx *cx) {
    uint32_t crc =
        mr_hash_crc32c(0, batch->bytes + AT_ATTRIBUTES, batch->byte_count - AT_ATTRIBUTES);
    return crc == batch->crc ? MR_OK
                             : batch_damaged(batch->base_offset, "its checksum is wrong", cx);
}

mr_record_marker mr_record_batch_marker(const mr_record_batch *batch) {
    mr_record_reader reader = {.at = batch->payload.data,
                               .end = batch->payload.data + batch->payload.bytes,
                               .batch = batch,
                               .left = batch->record_count,
                               .offset_before = -1};
    mr_record record;
    if (batch->compression != MR_COMPRESS_NONE || !mr_record_next(&reader, &record) ||
        record.key.bytes < 4) {
        return MR_RECORD_OTHER;
    }
    uint64_t type = load_big(record.key.data + 2, 2);  // Behind the key's version.
    return type == 0 ? MR_RECORD_ABORT : type == 1 ? MR_RECORD_COMMIT : MR_RECORD_OTHER;
}

// ---- expanding -------------------------------------------------------------------------------

// Blocks, each with its length in front.
static mr_code expand_xerial(mr_span in, size_t bytes_max, mr_text *out, mr_cx *cx) {
    size_t start = out->bytes;
    const char *at = in.data + XERIAL_HEAD_BYTES;
    const char *end = in.data + in.bytes;
    while (at < end) {
        size_t there = (size_t)(end - at);
        size_t bytes = there < 4 ? 0 : load_big(at, 4);
        if (there < 4 || bytes > there - 4) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged snappy data: a block beyond its end");
        }
        mr_span block = {at + 4, bytes};
        size_t left = bytes_max - (out->bytes - start);
        MR_TRY(mr_compress_expand(MR_COMPRESS_SNAPPY, block, left, out, cx));
        at += 4 + bytes;
    }
    return MR_OK;
}

mr_code mr_record_batch_expand(const mr_record_batch *batch, size_t bytes_max, mr_text *out,
                               mr_cx *cx) {
    mr_span in = batch->payload;
    size_t start = out->bytes;
    bool xerial = batch->compression == MR_COMPRESS_SNAPPY && in.bytes >= XERIAL_HEAD_BYTES &&
                  memcmp(in.data, XERIAL_MAGIC, sizeof(XERIAL_MAGIC)) == 0;
    mr_code code = xerial ? expand_xerial(in, bytes_max, out, cx)
                          : mr_compress_expand(batch->compression, in, bytes_max, out, cx);
    if (code == MR_OK) {
        return MR_OK;
    }
    if (out->data != NULL) {
        out->bytes = start;
        out->data[start] = '\0';
    }
    return mr_error_in(cx, code, "record batch at offset %" PRId64, batch->base_offset);
}

// ---- records ---------------------------------------------------------------------------------

const char *mr_record_varint_long(const char *at, const char *end, int bits, int64_t *ret) {
    uint64_t value = 0;
    for (int shift = 0; at < end && shift < bits; shift += 7) {
        uint8_t byte = (uint8_t)*at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *ret = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
            return at;
        }
    }
    return NULL;
}

mr_code mr_record_open(mr_record_reader *reader, const mr_record_batch *batch, mr_span records,
                       mr_cx *cx) {
    if (batch->record_count > records.bytes / MR_RECORD_BYTES_MIN) {
        return batch_damaged(batch->base_offset, "more records than its bytes can hold", cx);
    }
    *reader = (mr_record_reader){.at = records.data,
                                 .end = records.data + records.bytes,
                                 .batch = batch,
                                 .left = batch->record_count,
                                 .offset_before = batch->base_offset - 1};
    return MR_OK;
}

mr_code mr_record_end(const mr_record_reader *reader, mr_cx *cx) {
    int64_t base_offset = reader->batch->base_offset;
    if (reader->damaged) {
        return mr_fail(cx, MR_E_CORRUPT, NULL,
                       "damaged record batch at offset %" PRId64 ": the record behind %" PRId64
                       " cannot be read",
                       base_offset, reader->offset_before);
    }
    if (reader->at != reader->end) {
        return batch_damaged(base_offset, "bytes are left behind its last record", cx);
    }
    return MR_OK;
}

mr_record_headers mr_record_headers_of(const mr_record *record) {
    mr_record_headers headers = {.at = record->headers.data,
                                 .end = record->headers.data + record->headers.bytes};
    headers.at = mr_record_varint(headers.at, headers.end, 32, &headers.left);
    // A header takes at least two bytes.
    if (headers.at == NULL || headers.left < 0 || headers.left > (headers.end - headers.at) / 2) {
        headers.left = -1;
    }
    return headers;
}

bool mr_record_headers_next(mr_record_headers *headers, mr_span *ret_key, mr_span *ret_value) {
    if (headers->left <= 0) {
        return false;
    }
    const char *at = mr_record_bytes(headers->at, headers->end, ret_key);
    at = at == NULL || ret_key->data == NULL ? NULL : mr_record_bytes(at, headers->end, ret_value);
    headers->left = at == NULL ? -1 : headers->left - 1;
    headers->at = at;
    return at != NULL;
}

// ---- writing ---------------------------------------------------------------------------------

static void add_varint(mr_text *out, int64_t number) {
    uint64_t value = (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
    while (value >= 0x80) {
        mr_text_add_char(out, (char)(value | 0x80));
        value >>= 7;
    }
    mr_text_add_char(out, (char)value);
}

static size_t varint_bytes(int64_t number) {
    uint64_t value = (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
    size_t bytes = 1;
    for (; value >= 0x80; value >>= 7) {
        bytes++;
    }
    return bytes;
}

static void add_bytes(mr_text *out, mr_span value) {
    add_varint(out, value.data == NULL ? -1 : (int64_t)value.bytes);
    if (value.bytes > 0) {
        mr_text_add_bytes(out, value.data, value.bytes);
    }
}

static size_t bytes_of(mr_span value) {
    return varint_bytes(value.data == NULL ? -1 : (int64_t)value.bytes) + value.bytes;
}

void mr_record_add(const mr_record_new *record, mr_text *out) {
    size_t bytes = 1 + varint_bytes(record->timestamp_delta) + varint_bytes(record->offset_delta) +
                   bytes_of(record->key) + bytes_of(record->value) +
                   varint_bytes(record->header_count);
    for (uint32_t i = 0; i < record->header_count; i++) {
        bytes += bytes_of(record->headers[i].key) + bytes_of(record->headers[i].value);
    }
    add_varint(out, (int64_t)bytes);
    size_t start = out->bytes;
    mr_text_add_char(out, 0);  // Attributes: none has a meaning yet.
    add_varint(out, record->timestamp_delta);
    add_varint(out, record->offset_delta);
    add_bytes(out, record->key);
    add_bytes(out, record->value);
    add_varint(out, record->header_count);
    for (uint32_t i = 0; i < record->header_count; i++) {
        mr_assert(record->headers[i].key.data != NULL);
        add_bytes(out, record->headers[i].key);
        add_bytes(out, record->headers[i].value);
    }
    mr_assert(out->bytes - start == bytes);
}

void mr_record_add_again(const mr_record *record, int64_t offset_delta, int64_t timestamp_delta,
                         mr_text *out) {
    size_t bytes = 1 + varint_bytes(timestamp_delta) + varint_bytes(offset_delta) +
                   bytes_of(record->key) + bytes_of(record->value) + record->headers.bytes;
    add_varint(out, (int64_t)bytes);
    mr_text_add_char(out, 0);
    add_varint(out, timestamp_delta);
    add_varint(out, offset_delta);
    add_bytes(out, record->key);
    add_bytes(out, record->value);
    mr_text_add_bytes(out, record->headers.data, record->headers.bytes);
}

static mr_code compress_xerial(mr_span in, mr_text *out, mr_cx *cx) {
    mr_text_add_bytes(out, XERIAL_MAGIC "\0\0\0\0\1\0\0\0\1", XERIAL_HEAD_BYTES);
    for (size_t at = 0; at < in.bytes; at += XERIAL_BLOCK) {
        mr_span block = {in.data + at, MR_MIN(in.bytes - at, XERIAL_BLOCK)};
        size_t length_at = out->bytes;
        (void)mr_text_grow(out, 4);
        MR_TRY(mr_compress(MR_COMPRESS_SNAPPY, block, out, cx));
        store_big(out->data + length_at, out->bytes - length_at - 4, 4);
    }
    return MR_OK;
}

mr_code mr_record_batch_add(const mr_record_batch *head, mr_span records, mr_text *out, mr_cx *cx) {
    size_t start = out->bytes;
    memset(mr_text_grow(out, MR_RECORD_BATCH_HEAD_BYTES), 0, MR_RECORD_BATCH_HEAD_BYTES);
    MR_TRY(head->compression == MR_COMPRESS_SNAPPY
               ? compress_xerial(records, out, cx)
               : mr_compress(head->compression, records, out, cx));
    int16_t attributes = (int16_t)(head->attributes & ~7);
    for (size_t i = 0; i < MR_COUNT(batch_codecs); i++) {
        if (batch_codecs[i].compression == head->compression) {
            attributes = (int16_t)(attributes | batch_codecs[i].code);
        }
    }
    char *at = out->data + start;
    size_t bytes = out->bytes - start;
    if (bytes - AT_LEADER_EPOCH > INT32_MAX) {
        return mr_fail(cx, MR_E_LIMIT, NULL, "a record batch of %zu bytes is too long", bytes);
    }
    store_big(at + AT_BASE_OFFSET, (uint64_t)head->base_offset, 8);
    store_big(at + AT_LENGTH, bytes - AT_LEADER_EPOCH, 4);
    store_big(at + AT_LEADER_EPOCH, (uint64_t)head->leader_epoch, 4);
    at[AT_MAGIC] = MAGIC;
    store_big(at + AT_ATTRIBUTES, (uint64_t)attributes, 2);
    store_big(at + AT_LAST_DELTA, (uint64_t)(head->last_offset - head->base_offset), 4);
    store_big(at + AT_BASE_TIMESTAMP, (uint64_t)head->base_timestamp_ms, 8);
    store_big(at + AT_MAX_TIMESTAMP, (uint64_t)head->max_timestamp_ms, 8);
    store_big(at + AT_PRODUCER_ID, (uint64_t)head->producer_id, 8);
    store_big(at + AT_PRODUCER_EPOCH, (uint64_t)head->producer_epoch, 2);
    store_big(at + AT_BASE_SEQUENCE, (uint64_t)head->base_sequence, 4);
    store_big(at + AT_COUNT, head->record_count, 4);
    uint32_t crc = mr_hash_crc32c(0, at + AT_ATTRIBUTES, bytes - AT_ATTRIBUTES);
    store_big(at + AT_CRC, crc, 4);
    return MR_OK;
}
