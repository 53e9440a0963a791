// Fuzz target: record batches. The first byte's lowest bit puts the checksum right, so that inputs
// need not guess it.
//
// What is read must be read again from the batch that is written of it.

#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "codec/record_batch.h"

#define FUZZ_BYTES_MAX   ((size_t)1 << 20)
#define FUZZ_HEADERS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

// Walks the records and writes each again. Returns how many there were; UINT32_MAX for damage.
static uint32_t fuzz_walk(const mr_record_batch *batch, mr_span records, mr_text *again,
                          mr_cx *cx) {
    mr_record_reader reader;
    if (mr_record_open(&reader, batch, records, cx) != MR_OK) {
        return UINT32_MAX;
    }
    mr_record r;
    uint32_t count = 0;
    for (; mr_record_next(&reader, &r); count++) {
        mr_assert(r.offset >= batch->base_offset && r.offset <= batch->last_offset);
        mr_record_header headers[FUZZ_HEADERS_MAX];
        uint32_t header_count = 0;
        mr_record_headers walk = mr_record_headers_of(&r);
        while (header_count < FUZZ_HEADERS_MAX &&
               mr_record_headers_next(&walk, &headers[header_count].key,
                                      &headers[header_count].value)) {
            header_count++;
        }
        mr_record_new copy = {
            .offset_delta = r.offset - batch->base_offset,
            .timestamp_delta =
                (int64_t)((uint64_t)r.timestamp_ms - (uint64_t)batch->base_timestamp_ms),
            .key = r.key,
            .value = r.value,
            .headers = headers,
            .header_count = header_count,
        };
        mr_record_add(&copy, again);
    }
    return mr_record_end(&reader, cx) == MR_OK ? count : UINT32_MAX;
}

static void fuzz_batch(const mr_record_batch *batch, mr_cx *cx) {
    (void)mr_record_batch_verify(batch, cx);
    (void)mr_record_batch_marker(batch);
    mr_text records, again, whole, twice;
    mr_text_init(&records, NULL);
    mr_text_init(&again, NULL);
    mr_text_init(&whole, NULL);
    mr_text_init(&twice, NULL);
    if (mr_record_batch_expand(batch, FUZZ_BYTES_MAX, &records, cx) == MR_OK) {
        uint32_t count = fuzz_walk(batch, mr_text_span(&records), &again, cx);
        if (count != UINT32_MAX) {
            mr_code code = mr_record_batch_add(batch, mr_text_span(&again), &whole, cx);
            mr_assert(code == MR_OK);
            mr_span in = mr_text_span(&whole);
            mr_record_batch back;
            bool found;
            code = mr_record_batch_next(&in, &back, &found, cx);
            mr_assert(code == MR_OK && found && in.bytes == 0);
            mr_assert(mr_record_batch_verify(&back, cx) == MR_OK);
            mr_text_clear(&records);
            code = mr_record_batch_expand(&back, SIZE_MAX / 4, &records, cx);
            mr_assert(code == MR_OK);
            mr_assert(fuzz_walk(&back, mr_text_span(&records), &twice, cx) == count);
            mr_assert(mr_span_equal(mr_text_span(&again), mr_text_span(&twice)));
        }
    }
    mr_text_release(&records);
    mr_text_release(&again);
    mr_text_release(&whole);
    mr_text_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes == 0) {
        return 0;
    }
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_span in = {(const char *)data + 1, bytes - 1};
    mr_record_batch batch;
    bool found = true;
    while (mr_record_batch_next(&in, &batch, &found, &cx) == MR_OK && found) {
        fuzz_batch(&batch, &cx);
    }
    mr_arena_release(&arena);
    return 0;
}
