// Fuzz target: the decoder of kept rows.
//
// What decodes must encode again to bytes that decode to the same; what does not must add nothing.
// The schema hash in front is put right, so that inputs need not guess it.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "column/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static mr_column fuzz_columns[] = {
    {"b", {.id = MR_BOOL}, false}, {"i", {.id = MR_INT32}, false}, {"l", {.id = MR_INT64}, false},
    {"t", {.id = MR_TEXT}, false}, {"x", {.id = MR_BYTES}, false},
};
static const mr_schema fuzz_schema = {fuzz_columns, MR_COUNT(fuzz_columns)};

// Reads every byte of every value, for a sanitizer to see.
static uint64_t fuzz_touch(const mr_rows *rows) {
    mr_arena arena = {0};
    uint64_t sum = 0;
    for (uint64_t row = 0; row < rows->row_count;) {
        uint32_t count = (uint32_t)MR_MIN(rows->row_count - row, (uint64_t)MR_BATCH_ROWS_MAX);
        uint64_t hashes[MR_BATCH_ROWS_MAX] = {0};
        mr_batch batch;
        mr_rows_batch(rows, row, count, &arena, &batch);
        for (uint32_t c = 0; c < batch.column_count; c++) {
            mr_vector_hash(&batch.columns[c], NULL, count, /* seed= */ 1, hashes);
        }
        for (uint32_t i = 0; i < count; i++) {
            sum += hashes[i];
        }
        mr_arena_clear(&arena);
        row += count;
    }
    mr_arena_release(&arena);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_rows rows;
    mr_rows_init(&rows, &fuzz_schema);
    uint64_t hash = mr_schema_hash(&fuzz_schema);
    char *copy = mr_heap_raw(bytes + 1);
    memcpy(copy, data, bytes);
    memcpy(copy, &hash, MR_MIN(bytes, sizeof(hash)));
    if (mr_rows_decode(&rows, (mr_span){copy, bytes}, &cx) != MR_OK) {
        mr_assert(cx.error.code == MR_E_CORRUPT && rows.row_count == 0 && rows.bytes == 0);
    } else {
        mr_text again;
        mr_text_init(&again, NULL);
        mr_rows_encode(&rows, &again);
        mr_rows twice;
        mr_rows_init(&twice, &fuzz_schema);
        mr_code code = mr_rows_decode(&twice, mr_text_span(&again), &cx);
        mr_assert(code == MR_OK && twice.row_count == rows.row_count);
        mr_assert(fuzz_touch(&rows) == fuzz_touch(&twice));
        mr_rows_release(&twice);
        mr_text_release(&again);
    }
    mr_heap_free(copy);
    mr_rows_release(&rows);
    mr_arena_release(&arena);
    return 0;
}
