// Values: integers on the wire and values in the C structs; shared by the files of this folder.

#pragma once

#include <string.h>

#include "wire/wire.h"

static inline bool wire_has(const mr_wire_field *field, mr_wire_format format) {
    return format.version >= field->since && format.version <= field->until;
}

// Bytes of a value in its C struct.
static inline size_t wire_kind_bytes(mr_wire_kind kind, const mr_wire_type *type) {
    switch (kind) {
    case MR_WIRE_BOOL: return sizeof(bool);
    case MR_WIRE_I8: return sizeof(int8_t);
    case MR_WIRE_I16:
    case MR_WIRE_U16: return sizeof(int16_t);
    case MR_WIRE_I32: return sizeof(int32_t);
    case MR_WIRE_I64:
    case MR_WIRE_F64: return sizeof(int64_t);
    case MR_WIRE_UUID: return sizeof(mr_wire_uuid);
    case MR_WIRE_STRING:
    case MR_WIRE_BYTES: return sizeof(mr_span);
    case MR_WIRE_STRUCT: return type->bytes;
    case MR_WIRE_ARRAY: break;
    }
    mr_assert(false);
    return 0;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "integers are turned round");

// Integers are big-endian, of at most 8 bytes.
static inline uint64_t wire_load(const char *at, size_t bytes) {
    uint64_t value = 0;
    memcpy((char *)&value + sizeof(value) - bytes, at, bytes);
    return __builtin_bswap64(value);
}

static inline void wire_add(mr_text *out, uint64_t value, size_t bytes) {
    uint64_t big = __builtin_bswap64(value);
    const char *from = (const char *)&big + sizeof(big) - bytes;
    if (MR_LIKELY(out->capacity - out->bytes > bytes)) {
        memcpy(out->data + out->bytes, from, bytes);
        out->bytes += bytes;
        out->data[out->bytes] = '\0';
    } else {
        mr_text_add_bytes(out, from, bytes);
    }
}

static inline void wire_add_uvarint(mr_text *out, uint32_t value) {
    while (value >= 0x80) {
        wire_add(out, value | 0x80, 1);
        value >>= 7;
    }
    wire_add(out, value, 1);
}

// A field of an integer kind (or bool) as a number, and back.
static inline int64_t wire_int(mr_wire_kind kind, const void *value) {
    switch (kind) {
    case MR_WIRE_BOOL: return *(const bool *)value;
    case MR_WIRE_I8: return *(const int8_t *)value;
    case MR_WIRE_I16: return *(const int16_t *)value;
    case MR_WIRE_U16: return *(const uint16_t *)value;
    case MR_WIRE_I32: return *(const int32_t *)value;
    case MR_WIRE_I64:
    case MR_WIRE_F64: return *(const int64_t *)value;  // The bits.
    case MR_WIRE_UUID:
    case MR_WIRE_STRING:
    case MR_WIRE_BYTES:
    case MR_WIRE_STRUCT:
    case MR_WIRE_ARRAY: break;
    }
    mr_assert(false);
    return 0;
}

static inline void wire_int_put(mr_wire_kind kind, int64_t number, void *value) {
    switch (kind) {
    case MR_WIRE_BOOL: *(bool *)value = number != 0; return;
    case MR_WIRE_I8: *(int8_t *)value = (int8_t)number; return;
    case MR_WIRE_I16: *(int16_t *)value = (int16_t)number; return;
    case MR_WIRE_U16: *(uint16_t *)value = (uint16_t)number; return;
    case MR_WIRE_I32: *(int32_t *)value = (int32_t)number; return;
    case MR_WIRE_I64:
    case MR_WIRE_F64: *(int64_t *)value = number; return;
    case MR_WIRE_UUID:
    case MR_WIRE_STRING:
    case MR_WIRE_BYTES:
    case MR_WIRE_STRUCT:
    case MR_WIRE_ARRAY: break;
    }
    mr_assert(false);
}
