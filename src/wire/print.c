// Print: a message of Kafka's protocol as one JSON object; see wire.h.
//
// Also: mr_wire_print

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "wire/values.h"

static void print_hex(const void *data, size_t bytes, mr_text *out) {
    mr_text_add_char(out, '"');
    for (size_t i = 0; i < bytes; i++) {
        mr_text_addf(out, "%02x", ((const uint8_t *)data)[i]);
    }
    mr_text_add_char(out, '"');
}

static void print_span(mr_wire_kind kind, bool nullable, const mr_span *value, mr_text *out) {
    if (nullable && value->data == NULL) {
        mr_text_add(out, "null");
    } else if (kind == MR_WIRE_STRING && mr_utf8_valid(value->data, value->bytes)) {
        mr_text_add_json(out, *value);
    } else {
        print_hex(value->data, value->bytes, out);
    }
}

static void print_value(const mr_wire_field *field, mr_wire_kind kind, mr_wire_format format,
                        const char *value, mr_text *out) {
    switch (kind) {
    case MR_WIRE_BOOL: mr_text_add(out, *(const bool *)value ? "true" : "false"); return;
    case MR_WIRE_I8: mr_text_addf(out, "%d", *(const int8_t *)value); return;
    case MR_WIRE_I16: mr_text_addf(out, "%d", *(const int16_t *)(const void *)value); return;
    case MR_WIRE_U16: mr_text_addf(out, "%d", *(const uint16_t *)(const void *)value); return;
    case MR_WIRE_I32: mr_text_addf(out, "%" PRId32, *(const int32_t *)(const void *)value); return;
    case MR_WIRE_I64: mr_text_addf(out, "%" PRId64, *(const int64_t *)(const void *)value); return;
    case MR_WIRE_F64: mr_text_addf(out, "%.17g", *(const double *)(const void *)value); return;
    case MR_WIRE_UUID: print_hex(value, sizeof(mr_wire_uuid), out); return;
    case MR_WIRE_STRING:
    case MR_WIRE_BYTES: print_span(kind, field->nullable, (const void *)value, out); return;
    case MR_WIRE_STRUCT: mr_wire_print(field->type, format, value, out); return;
    case MR_WIRE_ARRAY: break;
    }
    mr_assert(false);
}

static void print_array(const mr_wire_field *field, mr_wire_format format, const char *base,
                        mr_text *out) {
    int32_t count = *(const int32_t *)(const void *)(base + field->count_offset);
    const char *items = *(const char *const *)(const void *)(base + field->offset);
    if (count < 0 && field->nullable) {
        mr_text_add(out, "null");
        return;
    }
    size_t each = wire_kind_bytes(field->element, field->type);
    mr_text_add_char(out, '[');
    for (int32_t i = 0; i < count; i++) {
        mr_text_add(out, i == 0 ? "" : ",");
        print_value(field, field->element, format, items + each * (size_t)i, out);
    }
    mr_text_add_char(out, ']');
}

static void print_field(const mr_wire_field *field, mr_wire_format format, const char *base,
                        mr_text *out) {
    if (field->kind == MR_WIRE_ARRAY) {
        print_array(field, format, base, out);
        return;
    }
    if (field->kind == MR_WIRE_STRUCT && field->nullable) {
        const char *present = *(const char *const *)(const void *)(base + field->offset);
        if (present == NULL) {
            mr_text_add(out, "null");
        } else {
            mr_wire_print(field->type, format, present, out);
        }
        return;
    }
    print_value(field, field->kind, format, base + field->offset, out);
}

void mr_wire_print(const mr_wire_type *type, mr_wire_format format, const void *value,
                   mr_text *out) {
    const mr_wire_field *fields = type->fields();
    mr_text_add_char(out, '{');
    bool first = true;
    for (uint16_t i = 0; i < type->field_count; i++) {
        if (!wire_has(&fields[i], format)) {
            continue;
        }
        mr_text_addf(out, "%s\"%s\":", first ? "" : ",", fields[i].name);
        print_field(&fields[i], format, value, out);
        first = false;
    }
    mr_text_add_char(out, '}');
}
