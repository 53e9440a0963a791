// Frame: lengths and headers around the messages of Kafka's protocol; see wire.h.
//
// Also: mr_wire_

#include <inttypes.h>

#include "wire/schema.h"
#include "wire/values.h"

int32_t mr_wire_frame_bytes(const char *length) {
    return (int32_t)wire_load(length, MR_WIRE_LENGTH_BYTES);
}

// The answer to ApiVersions has the oldest header, since who asks does not know yet what the other
// side speaks.
static bool response_head_flexible(const mr_wire_api *api, int16_t version) {
    return version >= api->flexible_since && api->key != MR_KEY_api_versions;
}

// Writes the length, now that the frame is whole but for bytes that are elsewhere.
static mr_code frame_end(mr_text *out, size_t start, uint64_t elsewhere, mr_code code, mr_cx *cx) {
    uint64_t bytes = out->bytes - start - MR_WIRE_LENGTH_BYTES + elsewhere;
    if (code == MR_OK && bytes > INT32_MAX) {
        code = mr_fail(cx, MR_E_LIMIT, NULL, "a Kafka message of %" PRIu64 " bytes is too long",
                       bytes);
    }
    if (code != MR_OK) {
        out->bytes = start;
        out->data[start] = '\0';
        return code;
    }
    for (int i = 0; i < MR_WIRE_LENGTH_BYTES; i++) {
        out->data[start + (size_t)i] = (char)(bytes >> 8 * (MR_WIRE_LENGTH_BYTES - 1 - i));
    }
    return MR_OK;
}

mr_code mr_wire_add_request(const mr_wire_head *head, const void *body, mr_text *out, mr_cx *cx) {
    const mr_wire_api *api = mr_wire_find(head->key);
    mr_assert(api != NULL && head->client_id.bytes <= INT16_MAX);
    mr_wire_format format = mr_wire_format_of(api, head->version);
    size_t start = out->bytes;
    wire_add(out, 0, MR_WIRE_LENGTH_BYTES);
    wire_add(out, (uint64_t)head->key, 2);
    wire_add(out, (uint64_t)head->version, 2);
    wire_add(out, (uint64_t)head->correlation, 4);
    wire_add(out, head->client_id.data == NULL ? UINT64_MAX : head->client_id.bytes, 2);
    mr_text_add_bytes(out, head->client_id.data, head->client_id.bytes);
    if (format.flexible) {
        wire_add_uvarint(out, 0);  // No tagged fields.
    }
    mr_code code = mr_wire_encode(api->request, format, body, out, cx);
    return frame_end(out, start, /* elsewhere= */ 0, code, cx);
}

mr_code mr_wire_add_response(const mr_wire_head *head, const void *body, mr_text *out, mr_cx *cx) {
    mr_wire_holes none = {.count = 0};
    return mr_wire_add_response_around(head, body, &none, out, cx);
}

mr_code mr_wire_add_response_around(const mr_wire_head *head, const void *body,
                                    mr_wire_holes *holes, mr_text *out, mr_cx *cx) {
    const mr_wire_api *api = mr_wire_find(head->key);
    mr_assert(api != NULL);
    size_t start = out->bytes;
    wire_add(out, 0, MR_WIRE_LENGTH_BYTES);
    wire_add(out, (uint64_t)head->correlation, 4);
    if (response_head_flexible(api, head->version)) {
        wire_add_uvarint(out, 0);
    }
    mr_wire_format format = mr_wire_format_of(api, head->version);
    holes->filled = 0;
    holes->bytes = 0;
    mr_code code = mr_wire_encode_around(api->response, format, body, holes, out, cx);
    return frame_end(out, start, holes->bytes, code, cx);
}

// ---- reading -----------------------------------------------------------------------------------

typedef struct frame_reader {
    const char *at;
    const char *end;
} frame_reader;

// Each returns false when the frame ends too early.
static bool take_int(frame_reader *r, size_t bytes, int64_t *ret) {
    if ((size_t)(r->end - r->at) < bytes) {
        return false;
    }
    *ret = (int64_t)wire_load(r->at, bytes);
    r->at += bytes;
    return true;
}

static bool take_bytes(frame_reader *r, int64_t bytes, mr_span *ret) {
    if (bytes < 0 || bytes > r->end - r->at) {
        return false;
    }
    *ret = (mr_span){r->at, (size_t)bytes};
    r->at += bytes;
    return true;
}

static bool take_uvarint(frame_reader *r, int64_t *ret) {
    int64_t value = 0, byte;
    for (int shift = 0; shift < 35; shift += 7) {
        if (!take_int(r, 1, &byte)) {
            return false;
        }
        value |= (byte & 0x7F) << shift;
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

// Tagged fields of a header: none has a meaning yet.
static bool pass_tags(frame_reader *r) {
    int64_t count, tag, bytes;
    if (!take_uvarint(r, &count)) {
        return false;
    }
    for (int64_t i = 0; i < count; i++) {
        mr_span value;
        if (!take_uvarint(r, &tag) || !take_uvarint(r, &bytes) || !take_bytes(r, bytes, &value)) {
            return false;
        }
    }
    return true;
}

static mr_code head_damaged(mr_cx *cx) {
    return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged Kafka message: its header ends too early");
}

// The client's id is never compact, also in the header that has tagged fields.
static bool take_client(frame_reader *r, bool flexible, mr_span *ret) {
    int64_t bytes;
    if (!take_int(r, 2, &bytes)) {
        return false;
    }
    *ret = (mr_span){NULL, 0};
    return ((int16_t)bytes == -1 || take_bytes(r, (int16_t)bytes, ret)) &&
           (!flexible || pass_tags(r));
}

mr_code mr_wire_read_request(mr_span frame, mr_wire_head *ret, mr_span *ret_body, mr_cx *cx) {
    frame_reader r = {frame.data, frame.data + frame.bytes};
    int64_t key = 0, version = 0, correlation = 0;
    if (!take_int(&r, 2, &key) || !take_int(&r, 2, &version) || !take_int(&r, 4, &correlation)) {
        return head_damaged(cx);
    }
    mr_wire_head head = {(int16_t)key, (int16_t)version, (int32_t)correlation, {NULL, 0}};
    const mr_wire_api *api = mr_wire_find(head.key);
    if (api != NULL && head.version >= api->version_min && head.version <= api->version_max &&
        !take_client(&r, head.version >= api->flexible_since, &head.client_id)) {
        return head_damaged(cx);
    }
    *ret = head;
    *ret_body = (mr_span){r.at, (size_t)(r.end - r.at)};
    return MR_OK;
}

mr_code mr_wire_read_response(mr_span frame, mr_wire_head *head, mr_span *ret_body, mr_cx *cx) {
    const mr_wire_api *api = mr_wire_find(head->key);
    mr_assert(api != NULL);
    frame_reader r = {frame.data, frame.data + frame.bytes};
    int64_t correlation = 0;
    if (!take_int(&r, 4, &correlation) ||
        (response_head_flexible(api, head->version) && !pass_tags(&r))) {
        return head_damaged(cx);
    }
    head->correlation = (int32_t)correlation;
    *ret_body = (mr_span){r.at, (size_t)(r.end - r.at)};
    return MR_OK;
}
