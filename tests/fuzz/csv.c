// Fuzz target: the CSV reader. The first byte chooses header and delimiter, the rest is the file.
//
// What is read must come out the same after writing and reading again.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static mr_column fuzz_columns[] = {
    {"t", {.id = MR_TEXT}, false},        {"i", {.id = MR_INT32}, false},
    {"d", {.id = MR_FLOAT64}, false},     {"b", {.id = MR_BOOL}, false},
    {"z", {.id = MR_TIMESTAMPTZ}, false}, {"x", {.id = MR_BYTES}, false},
};

static void fuzz_write(const mr_rows *rows, const mr_csv_options *options, mr_text *out) {
    mr_arena arena = {0};
    for (uint64_t row = 0; row < rows->row_count;) {
        uint32_t count = (uint32_t)MR_MIN(rows->row_count - row, (uint64_t)MR_BATCH_ROWS_MAX);
        mr_batch batch;
        mr_rows_batch(rows, row, count, &arena, &batch);
        mr_csv_write(rows->schema, &batch, options, out);
        mr_arena_clear(&arena);
        row += count;
    }
    mr_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes == 0) {
        return 0;
    }
    mr_csv_options options = {
        .header = data[0] & 1,
        .delimiter = data[0] & 2 ? ';' : ',',
        .null_text = data[0] & 4 ? "NA" : NULL,
    };
    mr_schema schema = {fuzz_columns, data[0] & 8 ? 1 : MR_COUNT(fuzz_columns)};
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_rows rows;
    mr_rows twice;
    mr_rows_init(&rows, &schema);
    mr_rows_init(&twice, &schema);
    mr_text first;
    mr_text second;
    mr_text_init(&first, NULL);
    mr_text_init(&second, NULL);
    if (mr_csv_read(&rows, (mr_span){(const char *)data + 1, bytes - 1}, "in", &options, &cx) ==
        MR_OK) {
        options.header = false;
        fuzz_write(&rows, &options, &first);
        mr_code code = mr_csv_read(&twice, mr_text_span(&first), "again", &options, &cx);
        mr_assert(code == MR_OK && twice.row_count == rows.row_count);
        fuzz_write(&twice, &options, &second);
        mr_assert(mr_span_equal(mr_text_span(&first), mr_text_span(&second)));
    }
    mr_text_release(&first);
    mr_text_release(&second);
    mr_rows_release(&rows);
    mr_rows_release(&twice);
    mr_arena_release(&arena);
    return 0;
}
