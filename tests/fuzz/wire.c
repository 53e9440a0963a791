// Fuzz target: messages and records of Kafka's protocol. Three bytes choose key or record, version
// and direction.
//
// What decodes must encode to bytes that decode to a message that encodes to the same bytes; frames
// must be read or refused.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/schema.h"

#define FUZZ_BUDGET ((size_t)1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void fuzz_message(const mr_wire_type *type, mr_wire_format format, mr_span in, mr_cx *cx) {
    void *value = mr_arena_alloc(cx->arena, type->bytes);
    if (mr_wire_decode(type, format, in, FUZZ_BUDGET, value, cx) != MR_OK) {
        mr_assert(cx->error.code == MR_E_CORRUPT || cx->error.code == MR_E_LIMIT);
        return;
    }
    mr_text first, second;
    mr_text_init(&first, NULL);
    mr_text_init(&second, NULL);
    mr_wire_print(type, format, value, &first);
    mr_text_clear(&first);
    mr_code code = mr_wire_encode(type, format, value, &first, cx);
    mr_assert(code == MR_OK);
    void *again = mr_arena_alloc(cx->arena, type->bytes);
    code = mr_wire_decode(type, format, mr_text_span(&first), FUZZ_BUDGET, again, cx);
    mr_assert(code == MR_OK);
    code = mr_wire_encode(type, format, again, &second, cx);
    mr_assert(code == MR_OK && mr_span_equal(mr_text_span(&first), mr_text_span(&second)));
    mr_text_release(&first);
    mr_text_release(&second);
}

// The version in front chooses among the record's versions by itself.
static void fuzz_record(const mr_wire_record *record, mr_span in, mr_cx *cx) {
    void *value = mr_arena_alloc(cx->arena, record->type->bytes);
    if (mr_wire_read_record(record, in, FUZZ_BUDGET, value, cx) != MR_OK) {
        return;
    }
    int16_t version = MR_MIN(mr_wire_record_version(in), record->version_max);
    mr_text again;
    mr_text_init(&again, NULL);
    mr_code code = mr_wire_add_record(record, version, value, &again, cx);
    mr_assert(code == MR_OK);
    code = mr_wire_read_record(record, mr_text_span(&again), FUZZ_BUDGET, value, cx);
    mr_assert(code == MR_OK);
    mr_text_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 3) {
        return 0;
    }
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    size_t count, record_count;
    const mr_wire_api *api = &mr_schema_apis(&count)[0];
    const mr_wire_record *const *records = mr_schema_records(&record_count);
    mr_span in = {(const char *)data + 3, bytes - 3};
    fuzz_record(records[data[0] % record_count], in, &cx);
    api += data[0] % count;
    int16_t versions = (int16_t)(api->version_max - api->version_min + 1);
    int16_t version = (int16_t)(api->version_min + data[1] % versions);
    fuzz_message(data[2] & 1 ? api->request : api->response, mr_wire_format_of(api, version), in,
                 &cx);
    mr_wire_head head;
    mr_span body;
    (void)mr_wire_read_request(in, &head, &body, &cx);
    head = (mr_wire_head){.key = api->key, .version = version};
    (void)mr_wire_read_response(in, &head, &body, &cx);
    mr_arena_release(&arena);
    return 0;
}
