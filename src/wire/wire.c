// Wire: defaults and decoding of Kafka's messages, directed by descriptor rows; see wire.h.

#include "wire/wire.h"

#include <string.h>

#include "wire/values.h"

#define UVARINT_BYTES_MAX 5

mr_wire_format mr_wire_format_of(const mr_wire_api *api, int16_t version) {
    return (mr_wire_format){version, version >= api->flexible_since};
}

// The least that a value takes on the wire.
static size_t wire_bytes_min(mr_wire_kind kind, bool flexible) {
    switch (kind) {
    case MR_WIRE_I16:
    case MR_WIRE_U16: return 2;
    case MR_WIRE_I32: return 4;
    case MR_WIRE_I64:
    case MR_WIRE_F64: return 8;
    case MR_WIRE_UUID: return 16;
    case MR_WIRE_STRING: return flexible ? 1 : 2;
    case MR_WIRE_BYTES: return flexible ? 1 : 4;
    case MR_WIRE_BOOL:
    case MR_WIRE_I8:
    case MR_WIRE_STRUCT:
    case MR_WIRE_ARRAY: break;
    }
    return 1;
}

// ---- defaults --------------------------------------------------------------------------------

static void field_clear(const mr_wire_field *field, char *base) {
    void *value = base + field->offset;
    switch (field->kind) {
    case MR_WIRE_UUID: *(mr_wire_uuid *)value = (mr_wire_uuid){{0}}; return;
    case MR_WIRE_STRING:
    case MR_WIRE_BYTES: *(mr_span *)value = (mr_span){field->nullable ? NULL : "", 0}; return;
    case MR_WIRE_STRUCT:
        if (field->nullable) {
            *(void **)value = NULL;
        } else {
            mr_wire_clear(field->type, value);
        }
        return;
    case MR_WIRE_ARRAY:
        *(void **)value = NULL;
        *(int32_t *)(void *)(base + field->count_offset) = 0;
        return;
    case MR_WIRE_BOOL:
    case MR_WIRE_I8:
    case MR_WIRE_I16:
    case MR_WIRE_U16:
    case MR_WIRE_I32:
    case MR_WIRE_I64:
    case MR_WIRE_F64: wire_int_put(field->kind, field->initial, value); return;
    }
    mr_assert(false);
}

void mr_wire_clear(const mr_wire_type *type, void *value) {
    const mr_wire_field *fields = type->fields();
    for (uint16_t i = 0; i < type->field_count; i++) {
        field_clear(&fields[i], value);
    }
}

// ---- decoding --------------------------------------------------------------------------------

typedef struct wire_reader {
    const char *start;
    const char *at;
    const char *end;
    mr_wire_format format;
    size_t bytes_left;         // Of the budget.
    const mr_wire_type *type;  // Being read, for messages.
    const mr_wire_field *field;
    mr_cx *cx;
} wire_reader;

static mr_code wire_damaged(const wire_reader *r, const char *what) {
    return mr_fail(
        r->cx, MR_E_CORRUPT, NULL, "damaged Kafka message: %s, in %s%s%s of version %d at byte %zu",
        what, r->type->name, r->field == NULL ? "" : ".", r->field == NULL ? "" : r->field->name,
        r->format.version, (size_t)(r->at - r->start));
}

static mr_code read_int(wire_reader *r, size_t bytes, uint64_t *ret) {
    if ((size_t)(r->end - r->at) < bytes) {
        return wire_damaged(r, "it ends too early");
    }
    *ret = wire_load(r->at, bytes);
    r->at += bytes;
    return MR_OK;
}

static mr_code read_uvarint(wire_reader *r, uint32_t *ret) {
    uint64_t value = 0;
    for (int i = 0; i < UVARINT_BYTES_MAX; i++) {
        if (r->at == r->end) {
            return wire_damaged(r, "it ends too early");
        }
        uint8_t byte = (uint8_t)*r->at++;
        value |= (uint64_t)(byte & 0x7F) << 7 * i;
        if (byte < 0x80) {
            if (value > UINT32_MAX) {
                break;
            }
            *ret = (uint32_t)value;
            return MR_OK;
        }
    }
    return wire_damaged(r, "a number too large");
}

// A length or count: -1 = null. width: of the form that is not compact.
static mr_code read_length(wire_reader *r, size_t width, int64_t *ret) {
    int64_t length = 0;
    if (r->format.flexible) {
        uint32_t plus_one = 0;
        MR_TRY(read_uvarint(r, &plus_one));
        length = (int64_t)plus_one - 1;
    } else {
        uint64_t raw = 0;
        MR_TRY(read_int(r, width, &raw));
        length = width == 2 ? (int16_t)raw : (int32_t)raw;
    }
    if (length < -1) {
        return wire_damaged(r, "a negative length");
    }
    *ret = length;
    return MR_OK;
}

static mr_code read_span(wire_reader *r, size_t width, bool nullable, mr_span *ret) {
    int64_t length = 0;
    MR_TRY(read_length(r, width, &length));
    if (length < 0) {
        *ret = (mr_span){nullable ? NULL : "", 0};
        return nullable ? MR_OK : wire_damaged(r, "null where none may be");
    }
    if (length > r->end - r->at) {
        return wire_damaged(r, "a length beyond its end");
    }
    *ret = (mr_span){r->at, (size_t)length};
    r->at += length;
    return MR_OK;
}

static mr_code read_type(wire_reader *r, const mr_wire_type *type, char *base);

static mr_code read_value(wire_reader *r, const mr_wire_field *field, mr_wire_kind kind,
                          bool nullable, void *ret) {
    uint64_t raw = 0;
    switch (kind) {
    case MR_WIRE_BOOL:
    case MR_WIRE_I8:
        MR_TRY(read_int(r, 1, &raw));
        wire_int_put(kind, (int8_t)raw, ret);
        return MR_OK;
    case MR_WIRE_I16:
    case MR_WIRE_U16:
        MR_TRY(read_int(r, 2, &raw));
        wire_int_put(kind, (int16_t)raw, ret);
        return MR_OK;
    case MR_WIRE_I32:
        MR_TRY(read_int(r, 4, &raw));
        wire_int_put(kind, (int32_t)raw, ret);
        return MR_OK;
    case MR_WIRE_I64:
    case MR_WIRE_F64:
        MR_TRY(read_int(r, 8, &raw));
        wire_int_put(kind, (int64_t)raw, ret);
        return MR_OK;
    case MR_WIRE_UUID:
        if (r->end - r->at < (ptrdiff_t)sizeof(mr_wire_uuid)) {
            return wire_damaged(r, "it ends too early");
        }
        memcpy(ret, r->at, sizeof(mr_wire_uuid));
        r->at += sizeof(mr_wire_uuid);
        return MR_OK;
    case MR_WIRE_STRING: return read_span(r, 2, nullable, ret);
    case MR_WIRE_BYTES: return read_span(r, 4, nullable, ret);
    case MR_WIRE_STRUCT: return read_type(r, field->type, ret);
    case MR_WIRE_ARRAY: break;
    }
    mr_assert(false);
    return MR_E_INTERNAL;
}

static mr_code read_memory(wire_reader *r, size_t bytes, void **ret) {
    void *memory = bytes > r->bytes_left ? NULL : mr_arena_try(r->cx->arena, bytes);
    if (memory == NULL) {
        return mr_fail(r->cx, MR_E_LIMIT, NULL, "a Kafka message needs too much memory, in %s.%s",
                       r->type->name, r->field->name);
    }
    r->bytes_left -= bytes;
    *ret = memory;
    return MR_OK;
}

static mr_code read_array(wire_reader *r, const mr_wire_field *field, char *base) {
    int64_t count = 0;
    MR_TRY(read_length(r, 4, &count));
    int32_t *ret_count = (int32_t *)(void *)(base + field->count_offset);
    if (count < 0) {
        *ret_count = -1;
        return field->nullable ? MR_OK : wire_damaged(r, "null where none may be");
    }
    size_t least = wire_bytes_min(field->element, r->format.flexible);
    if ((uint64_t)count > (size_t)(r->end - r->at) / least) {
        return wire_damaged(r, "a count beyond its end");
    }
    size_t each = wire_kind_bytes(field->element, field->type);
    char *items = NULL;
    if (count > 0) {
        void *memory;
        MR_TRY(read_memory(r, each * (size_t)count, &memory));
        items = memory;
    }
    for (int64_t i = 0; i < count; i++) {
        MR_TRY(
            read_value(r, field, field->element, /* nullable= */ false, items + each * (size_t)i));
    }
    memcpy(base + field->offset, &items, sizeof(items));
    *ret_count = (int32_t)count;
    return MR_OK;
}

static mr_code read_field(wire_reader *r, const mr_wire_field *field, char *base) {
    if (field->kind == MR_WIRE_ARRAY) {
        return read_array(r, field, base);
    }
    if (field->kind != MR_WIRE_STRUCT || !field->nullable) {
        return read_value(r, field, field->kind, field->nullable, base + field->offset);
    }
    uint64_t present = 0;
    MR_TRY(read_int(r, 1, &present));
    if ((int8_t)present < 0) {
        return MR_OK;  // Null, as it was cleared.
    }
    void *memory;
    MR_TRY(read_memory(r, field->type->bytes, &memory));
    memcpy(base + field->offset, &memory, sizeof(memory));
    return read_type(r, field->type, memory);
}

// The tagged fields at the end of a struct. Those that the tables do not have are passed over.
static mr_code read_tags(wire_reader *r, const mr_wire_type *type, char *base) {
    const mr_wire_field *fields = type->fields();
    uint32_t count = 0;
    MR_TRY(read_uvarint(r, &count));
    int64_t before = -1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t tag = 0, bytes = 0;
        MR_TRY(read_uvarint(r, &tag));
        MR_TRY(read_uvarint(r, &bytes));
        if (tag <= before || bytes > (size_t)(r->end - r->at)) {
            return wire_damaged(r, tag <= before ? "tags out of order" : "a tag beyond its end");
        }
        before = tag;
        const char *end = r->end;
        const char *next = r->at + bytes;
        r->end = next;
        for (uint16_t f = 0; f < type->field_count; f++) {
            if (fields[f].tag == (int64_t)tag && wire_has(&fields[f], r->format)) {
                r->field = &fields[f];
                MR_TRY(read_field(r, &fields[f], base));
                if (r->at != next) {
                    return wire_damaged(r, "a tag longer than its value");
                }
            }
        }
        r->at = next;
        r->end = end;
    }
    return MR_OK;
}

static mr_code read_type(wire_reader *r, const mr_wire_type *type, char *base) {
    const mr_wire_type *outer_type = r->type;
    const mr_wire_field *outer_field = r->field;
    const mr_wire_field *fields = type->fields();
    r->type = type;
    mr_wire_clear(type, base);
    for (uint16_t i = 0; i < type->field_count; i++) {
        r->field = &fields[i];
        if (fields[i].tag < 0 && wire_has(&fields[i], r->format)) {
            MR_TRY(read_field(r, &fields[i], base));
        }
    }
    if (r->format.flexible) {
        r->field = NULL;
        MR_TRY(read_tags(r, type, base));
    }
    r->type = outer_type;
    r->field = outer_field;
    return MR_OK;
}

mr_code mr_wire_decode_some(const mr_wire_type *type, mr_wire_format format, mr_span *in,
                            size_t bytes_max, void *ret, mr_cx *cx) {
    wire_reader r = {.start = in->data,
                     .at = in->data,
                     .end = in->data + in->bytes,
                     .format = format,
                     .bytes_left = bytes_max,
                     .type = type,
                     .cx = cx};
    MR_TRY(read_type(&r, type, ret));
    *in = (mr_span){r.at, (size_t)(r.end - r.at)};
    return MR_OK;
}

mr_code mr_wire_decode(const mr_wire_type *type, mr_wire_format format, mr_span in,
                       size_t bytes_max, void *ret, mr_cx *cx) {
    size_t bytes = in.bytes;
    MR_TRY(mr_wire_decode_some(type, format, &in, bytes_max, ret, cx));
    return in.bytes == 0
               ? MR_OK
               : mr_fail(cx, MR_E_CORRUPT, NULL,
                         "damaged Kafka message: bytes left over, in %s of version %d at byte %zu",
                         type->name, format.version, bytes - in.bytes);
}
