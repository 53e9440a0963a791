// Parquet encodings; see parquet_encode.h.
//
// How: both encoders look for runs worth a run header and pack what lies between in groups of eight
// values, the only unit the format knows. Only the last packed run may be padded.

#include "codec/parquet_encode.h"

#include <string.h>

#include "base/bits.h"
#include "codec/parquet_thrift.h"

#define ENCODE_GROUP     8
#define ENCODE_RUN_MIN   16  // Shorter runs are packed: each switch costs two headers.
#define ENCODE_BYTES_MIN 8   // The same for levels, in bytes of eight levels.

uint32_t mr_parquet_encode_width(uint32_t count) {
    return count <= 2 ? 1 : 32 - (uint32_t)__builtin_clz(count - 1);
}

// Packs eight values into width bytes; writes up to 16 bytes, or 40 for widths above 16.
static inline void encode_pack8(const uint32_t *v, uint32_t width, char *to) {
    if (width <= 8) {
        uint64_t bits = 0;
        for (uint32_t k = 0; k < ENCODE_GROUP; k++) {
            bits |= (uint64_t)v[k] << (k * width);
        }
        memcpy(to, &bits, sizeof(bits));
    } else if (width <= 16) {
        unsigned __int128 bits = 0;
        for (uint32_t k = 0; k < ENCODE_GROUP; k++) {
            bits |= (unsigned __int128)v[k] << (k * width);
        }
        memcpy(to, &bits, sizeof(bits));
    } else {
        uint64_t bits = 0;
        uint32_t held = 0;
        for (uint32_t k = 0; k < ENCODE_GROUP; k++) {
            bits |= (uint64_t)v[k] << held;
            held += width;
            if (held >= 32) {
                memcpy(to, &bits, 4);
                to += 4;
                bits >>= 32;
                held -= 32;
            }
        }
        memcpy(to, &bits, sizeof(bits));
    }
}

static void encode_packed(const uint32_t *values, uint32_t count, uint32_t width, mr_text *out) {
    uint32_t groups = (count + ENCODE_GROUP - 1) / ENCODE_GROUP;
    mr_thrift_varint(out, (uint64_t)groups << 1 | 1);
    size_t bytes = (size_t)groups * width;
    mr_text_reserve(out, bytes + 64);  // Packing writes a little past its end.
    char *to = mr_text_grow(out, bytes);
    uint32_t whole = count / ENCODE_GROUP;
    for (uint32_t g = 0; g < whole; g++) {
        encode_pack8(values + (size_t)g * ENCODE_GROUP, width, to);
        to += width;
    }
    if (whole < groups) {
        uint32_t rest[ENCODE_GROUP] = {0};
        memcpy(rest, values + (size_t)whole * ENCODE_GROUP,
               (count % ENCODE_GROUP) * sizeof(rest[0]));
        encode_pack8(rest, width, to);
    }
    out->data[out->bytes] = '\0';
}

static void encode_run(uint32_t value, uint32_t count, uint32_t width, mr_text *out) {
    mr_thrift_varint(out, (uint64_t)count << 1);
    mr_text_add_bytes(out, &value, (width + 7) / 8);
}

static inline uint32_t encode_run_length(const uint32_t *values, uint32_t at, uint32_t count) {
    uint32_t end = at + 1;
    while (end < count && values[end] == values[at]) {
        end++;
    }
    return end - at;
}

void mr_parquet_encode_indices(const uint32_t *values, uint32_t count, uint32_t width,
                               mr_text *out) {
    mr_assert(width >= 1 && width <= 32);
    uint32_t packed = 0;  // First value that is not written yet.
    for (uint32_t at = 0; at < count;) {
        uint32_t run = encode_run_length(values, at, count);
        if (run < ENCODE_RUN_MIN) {
            at += ENCODE_GROUP;
            continue;
        }
        if (packed < at) {
            encode_packed(values + packed, at - packed, width, out);
        }
        encode_run(values[at], run, width, out);
        at += run;
        packed = at;
    }
    if (packed < count) {
        encode_packed(values + packed, count - packed, width, out);
    }
}

static void encode_level_bytes(const uint8_t *bytes, uint32_t count, mr_text *out) {
    if (count > 0) {
        mr_thrift_varint(out, (uint64_t)count << 1 | 1);
        mr_text_add_bytes(out, bytes, count);
    }
}

void mr_parquet_encode_levels(const uint64_t *valid, uint32_t count, uint32_t valid_count,
                              mr_text *out) {
    size_t start = out->bytes;
    mr_text_grow(out, sizeof(uint32_t));
    const uint8_t *bytes = (const uint8_t *)valid;
    uint32_t byte_count = count / 8;  // A last part of a byte is always packed.
    uint32_t packed = 0;
    if (valid_count == 0 || valid_count == count) {
        encode_run(valid_count > 0, count, /* width= */ 1, out);
        packed = (count + 7) / 8;
    }
    for (uint32_t at = packed; at < byte_count;) {
        uint32_t end = at + 1;
        if (bytes[at] == 0 || bytes[at] == 0xFF) {
            while (end < byte_count && bytes[end] == bytes[at]) {
                end++;
            }
        }
        if (end - at >= ENCODE_BYTES_MIN) {
            encode_level_bytes(bytes + packed, at - packed, out);
            encode_run(bytes[at] != 0, (end - at) * 8, /* width= */ 1, out);
            packed = end;
        }
        at = end;
    }
    encode_level_bytes(bytes + packed, (count + 7) / 8 - packed, out);
    uint32_t size = mr_u32(out->bytes - start - sizeof(uint32_t));
    memcpy(out->data + start, &size, sizeof(size));
}
