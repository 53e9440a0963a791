// Record: messages with their version in front; see wire.h.
//
// Also: mr_wire_

#include "wire/schema.h"
#include "wire/values.h"

#define VERSION_BYTES 2

static mr_wire_format record_format(const mr_wire_record *record, int16_t version) {
    return (mr_wire_format){version, version >= record->flexible_since};
}

int16_t mr_wire_record_version(mr_span in) {
    int16_t version = in.bytes < VERSION_BYTES ? -1 : (int16_t)wire_load(in.data, VERSION_BYTES);
    return MR_MAX(version, (int16_t)-1);
}

mr_code mr_wire_read_record(const mr_wire_record *record, mr_span in, size_t bytes_max, void *ret,
                            mr_cx *cx) {
    int16_t version = mr_wire_record_version(in);
    if (version < 0) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged Kafka message: no version, in %s",
                       record->name);
    }
    if (version < record->version_min || (version > record->version_max && !record->open)) {
        return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "%s has version %d; known are %d to %d",
                       record->name, version, record->version_min, record->version_max);
    }
    mr_wire_format format = record_format(record, MR_MIN(version, record->version_max));
    mr_span body = {in.data + VERSION_BYTES, in.bytes - VERSION_BYTES};
    return record->open ? mr_wire_decode_some(record->type, format, &body, bytes_max, ret, cx)
                        : mr_wire_decode(record->type, format, body, bytes_max, ret, cx);
}

mr_code mr_wire_add_record(const mr_wire_record *record, int16_t version, const void *value,
                           mr_text *out, mr_cx *cx) {
    mr_assert(version >= record->version_min && version <= record->version_max);
    size_t before = out->bytes;
    wire_add(out, (uint64_t)version, VERSION_BYTES);
    mr_code code = mr_wire_encode(record->type, record_format(record, version), value, out, cx);
    if (code != MR_OK) {
        out->bytes = before;
        out->data[before] = '\0';
    }
    return code;
}
