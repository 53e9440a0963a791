// CSV, writing: values as DuckDB prints them. Fields are quoted where reading them back needs it.

#include <string.h>

#include "codec/csv.h"

static void write_field(mr_span field, char delimiter, mr_span null_text, mr_text *out) {
    // At the start of a file, a byte order mark that is data must not be taken for one.
    bool quote = mr_span_equal(field, null_text) || mr_span_starts(field, "\xEF\xBB\xBF");
    for (size_t i = 0; i < field.bytes && !quote; i++) {
        char c = field.data[i];
        quote = c == delimiter || c == '"' || c == '\n' || c == '\r';
    }
    if (!quote) {
        mr_text_add_bytes(out, field.data, field.bytes);
        return;
    }
    mr_text_add_char(out, '"');
    for (size_t i = 0; i < field.bytes; i++) {
        if (field.data[i] == '"') {
            mr_text_add_char(out, '"');
        }
        mr_text_add_char(out, field.data[i]);
    }
    mr_text_add_char(out, '"');
}

void mr_csv_write(const mr_schema *schema, const mr_batch *in, const mr_csv_options *options,
                  mr_text *out) {
    char delimiter = options->delimiter != 0 ? options->delimiter : ',';
    mr_span null_text = mr_span_of(options->null_text);
    mr_assert(in->column_count == schema->count);
    for (uint32_t c = 0; options->header && c < schema->count; c++) {
        write_field(mr_span_of(schema->columns[c].name), delimiter, null_text, out);
        mr_text_add_char(out, c + 1 < schema->count ? delimiter : '\n');
    }
    mr_text field;
    mr_text_init(&field, /* arena= */ NULL);
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        for (uint32_t c = 0; c < in->column_count; c++) {
            if (mr_vector_is_null(&in->columns[c], row)) {
                mr_text_add_bytes(out, null_text.data, null_text.bytes);
            } else {
                mr_text_clear(&field);
                mr_vector_print(&in->columns[c], row, options->zone, &field);
                write_field(mr_text_span(&field), delimiter, null_text, out);
            }
            mr_text_add_char(out, c + 1 < in->column_count ? delimiter : '\n');
        }
    }
    mr_text_release(&field);
}
