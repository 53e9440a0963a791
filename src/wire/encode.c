// Encode: messages of Kafka's protocol to bytes, directed by descriptor rows; see wire.h.
//
// Also: mr_wire_

#include <string.h>

#include "wire/values.h"

#define STRING_BYTES_MAX INT16_MAX  // In the form of two bytes.

static bool type_is_clear(const mr_wire_type *type, const char *base);

// Whether a tagged field may be left out.
static bool field_is_clear(const mr_wire_field *field, const char *base) {
    const void *value = base + field->offset;
    switch (field->kind) {
    case MR_WIRE_UUID: return memcmp(value, &(mr_wire_uuid){{0}}, sizeof(mr_wire_uuid)) == 0;
    case MR_WIRE_STRING:
    case MR_WIRE_BYTES: {
        const mr_span *span = value;
        return span->bytes == 0 && (!field->nullable || span->data == NULL);
    }
    case MR_WIRE_STRUCT:
        return field->nullable ? *(void *const *)value == NULL : type_is_clear(field->type, value);
    case MR_WIRE_ARRAY: return *(const int32_t *)(const void *)(base + field->count_offset) == 0;
    case MR_WIRE_BOOL:
    case MR_WIRE_I8:
    case MR_WIRE_I16:
    case MR_WIRE_U16:
    case MR_WIRE_I32:
    case MR_WIRE_I64:
    case MR_WIRE_F64: return wire_int(field->kind, value) == field->initial;
    }
    mr_assert(false);
    return true;
}

static bool type_is_clear(const mr_wire_type *type, const char *base) {
    const mr_wire_field *fields = type->fields();
    for (uint16_t i = 0; i < type->field_count; i++) {
        if (!field_is_clear(&fields[i], base)) {
            return false;
        }
    }
    return true;
}

// ---- encoding --------------------------------------------------------------------------------

typedef struct wire_writer {
    mr_text *out;
    mr_wire_format format;
    mr_wire_holes *holes;  // NULL: none.
    mr_cx *cx;
} wire_writer;

static mr_code write_length(wire_writer *w, const mr_wire_field *field, size_t width, size_t length,
                            bool null) {
    size_t most = w->format.flexible || width == 4 ? INT32_MAX - 1 : STRING_BYTES_MAX;
    if (length > most) {
        return mr_fail(w->cx, MR_E_LIMIT, NULL,
                       "%s has %zu bytes or items, over the protocol's %zu", field->name, length,
                       most);
    }
    if (w->format.flexible) {
        wire_add_uvarint(w->out, null ? 0 : (uint32_t)length + 1);
    } else {
        wire_add(w->out, null ? UINT64_MAX : length, width);
    }
    return MR_OK;
}

static mr_code write_span(wire_writer *w, const mr_wire_field *field, size_t width, bool nullable,
                          const mr_span *value) {
    MR_TRY(write_length(w, field, width, value->bytes, nullable && value->data == NULL));
    if (value->bytes > 0) {
        mr_text_add_bytes(w->out, value->data, value->bytes);
    }
    return MR_OK;
}

// Whether the value is one of the holes, which is noted then.
static bool write_hole(wire_writer *w, const mr_span *value) {
    mr_wire_holes *holes = w->holes;
    for (uint32_t i = holes->filled; i < holes->count; i++) {
        if (holes->items[i].mark == value->data) {
            holes->items[i] = holes->items[holes->filled];
            holes->items[holes->filled++] =
                (mr_wire_hole){.mark = value->data, .bytes = value->bytes, .at = w->out->bytes};
            holes->bytes += value->bytes;
            return true;
        }
    }
    return false;
}

static mr_code write_bytes(wire_writer *w, const mr_wire_field *field, bool nullable,
                           const mr_span *value) {
    if (w->holes == NULL || value->bytes == 0) {
        return write_span(w, field, 4, nullable, value);
    }
    MR_TRY(write_length(w, field, 4, value->bytes, /* null= */ false));
    if (!write_hole(w, value)) {
        mr_text_add_bytes(w->out, value->data, value->bytes);
    }
    return MR_OK;
}

static mr_code write_type(wire_writer *w, const mr_wire_type *type, const char *base);

static mr_code write_value(wire_writer *w, const mr_wire_field *field, mr_wire_kind kind,
                           bool nullable, const void *value) {
    switch (kind) {
    case MR_WIRE_BOOL:
    case MR_WIRE_I8: wire_add(w->out, (uint64_t)wire_int(kind, value), 1); return MR_OK;
    case MR_WIRE_I16:
    case MR_WIRE_U16: wire_add(w->out, (uint64_t)wire_int(kind, value), 2); return MR_OK;
    case MR_WIRE_I32: wire_add(w->out, (uint64_t)wire_int(kind, value), 4); return MR_OK;
    case MR_WIRE_I64:
    case MR_WIRE_F64: wire_add(w->out, (uint64_t)wire_int(kind, value), 8); return MR_OK;
    case MR_WIRE_UUID: mr_text_add_bytes(w->out, value, sizeof(mr_wire_uuid)); return MR_OK;
    case MR_WIRE_STRING: return write_span(w, field, 2, nullable, value);
    case MR_WIRE_BYTES: return write_bytes(w, field, nullable, value);
    case MR_WIRE_STRUCT: return write_type(w, field->type, value);
    case MR_WIRE_ARRAY: break;
    }
    mr_assert(false);
    return MR_E_INTERNAL;
}

static mr_code write_array(wire_writer *w, const mr_wire_field *field, const char *base) {
    int32_t count = *(const int32_t *)(const void *)(base + field->count_offset);
    const char *items = *(const char *const *)(const void *)(base + field->offset);
    size_t length = count < 0 ? 0 : (size_t)count;
    MR_TRY(write_length(w, field, 4, length, field->nullable && count < 0));
    size_t each = wire_kind_bytes(field->element, field->type);
    for (size_t i = 0; i < length; i++) {
        MR_TRY(write_value(w, field, field->element, /* nullable= */ false, items + each * i));
    }
    return MR_OK;
}

static mr_code write_field(wire_writer *w, const mr_wire_field *field, const char *base) {
    if (field->kind == MR_WIRE_ARRAY) {
        return write_array(w, field, base);
    }
    if (field->kind != MR_WIRE_STRUCT || !field->nullable) {
        return write_value(w, field, field->kind, field->nullable, base + field->offset);
    }
    const char *present = *(const char *const *)(const void *)(base + field->offset);
    wire_add(w->out, present == NULL ? UINT64_MAX : 1, 1);
    return present == NULL ? MR_OK : write_type(w, field->type, present);
}

// The field that has the least tag above `above` and is to be written, or NULL.
static const mr_wire_field *next_tagged(const mr_wire_type *type, mr_wire_format format,
                                        const char *base, int above) {
    const mr_wire_field *fields = type->fields();
    const mr_wire_field *next = NULL;
    for (uint16_t i = 0; i < type->field_count; i++) {
        const mr_wire_field *f = &fields[i];
        if (f->tag > above && (next == NULL || f->tag < next->tag) && wire_has(f, format) &&
            !field_is_clear(f, base)) {
            next = f;
        }
    }
    return next;
}

static mr_code write_tags(wire_writer *w, const mr_wire_type *type, const char *base) {
    uint32_t count = 0;
    const mr_wire_field *field = type->tagged ? next_tagged(type, w->format, base, -1) : NULL;
    if (MR_LIKELY(field == NULL)) {
        wire_add(w->out, 0, 1);
        return MR_OK;
    }
    for (; field != NULL; field = next_tagged(type, w->format, base, field->tag)) {
        count++;
    }
    wire_add_uvarint(w->out, count);
    field = next_tagged(type, w->format, base, -1);
    for (; field != NULL; field = next_tagged(type, w->format, base, field->tag)) {
        // Its length comes first, so it is written aside.
        mr_text value;
        mr_text_init(&value, NULL);
        wire_writer aside = {&value, w->format, /* holes= */ NULL, w->cx};
        mr_code code = write_field(&aside, field, base);
        if (code == MR_OK) {
            wire_add_uvarint(w->out, (uint32_t)field->tag);
            wire_add_uvarint(w->out, mr_u32(value.bytes));
            mr_text_add_bytes(w->out, value.data, value.bytes);
        }
        mr_text_release(&value);
        MR_TRY(code);
    }
    return MR_OK;
}

static mr_code write_type(wire_writer *w, const mr_wire_type *type, const char *base) {
    const mr_wire_field *fields = type->fields();
    for (uint16_t i = 0; i < type->field_count; i++) {
        if (fields[i].tag < 0 && wire_has(&fields[i], w->format)) {
            MR_TRY(write_field(w, &fields[i], base));
        }
    }
    return w->format.flexible ? write_tags(w, type, base) : MR_OK;
}

mr_code mr_wire_encode(const mr_wire_type *type, mr_wire_format format, const void *value,
                       mr_text *out, mr_cx *cx) {
    return mr_wire_encode_around(type, format, value, /* holes= */ NULL, out, cx);
}

mr_code mr_wire_encode_around(const mr_wire_type *type, mr_wire_format format, const void *value,
                              mr_wire_holes *holes, mr_text *out, mr_cx *cx) {
    size_t before = out->bytes;
    wire_writer w = {out, format, holes, cx};
    mr_code code = write_type(&w, type, value);
    if (code != MR_OK && out->data != NULL) {
        out->bytes = before;
        out->data[before] = '\0';
    }
    return code;
}
