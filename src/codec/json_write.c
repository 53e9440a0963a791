// JSON writer: rows as one object a line.

#include <math.h>

#include "base/civil.h"
#include "base/shortest.h"
#include "codec/json_decode.h"

static void write_int(int64_t value, mr_text *out) {
    char digits[24];
    char *at = digits + sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--at = '-';
    }
    mr_text_add_bytes(out, at, (size_t)(digits + sizeof(digits) - at));
}

static void write_hex(mr_str bytes, mr_text *out) {
    static const char hex[] = "0123456789abcdef";
    mr_text_add(out, "\"\\\\x");
    for (uint32_t i = 0; i < bytes.bytes; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        mr_text_add_char(out, hex[c >> 4]);
        mr_text_add_char(out, hex[c & 15]);
    }
    mr_text_add_char(out, '"');
}

static void write_time(int64_t us, bool zone, mr_text *out) {
    mr_text_add_char(out, '"');
    mr_civil_print_iso(out, us);
    if (!zone && out->data[out->bytes - 1] == 'Z') {
        out->bytes--;  // A wall clock belongs to no zone.
    }
    mr_text_add_char(out, '"');
}

static void write_value(const mr_vector *vector, uint32_t row, mr_text *out) {
    uint32_t at = mr_vector_at(vector, row);
    switch (vector->type.id) {
    case MR_BOOL: mr_text_add(out, vector->bools[at] ? "true" : "false"); return;
    case MR_INT32: write_int(vector->int32s[at], out); return;
    case MR_INT64: write_int(vector->int64s[at], out); return;
    case MR_FLOAT64: {
        double value = vector->float64s[at];
        if (!isfinite(value)) {
            mr_text_add(out, "null");
        } else {
            mr_shortest_json_double(value, out);
        }
        return;
    }
    case MR_TEXT: {
        mr_str text = mr_vector_str(vector, row);
        mr_json_text_quote(text.data, text.bytes, out);
        return;
    }
    case MR_BYTES: write_hex(mr_vector_str(vector, row), out); return;
    case MR_DATE:
        mr_text_add_char(out, '"');
        mr_civil_print_date(out, vector->int32s[at]);
        mr_text_add_char(out, '"');
        return;
    case MR_TIMESTAMP: write_time(vector->int64s[at], /* zone= */ false, out); return;
    case MR_TIMESTAMPTZ: write_time(vector->int64s[at], /* zone= */ true, out); return;
    case MR_INTERVAL:
        mr_text_add_char(out, '"');
        mr_vector_print(vector, row, NULL, out);
        mr_text_add_char(out, '"');
        return;
    case MR_INT16:
    case MR_NUMERIC:
    case MR_FLOAT32:
    case MR_UUID:
    case MR_TIME:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT:
    case MR_NULLTYPE:
    case MR_TYPE_COUNT: mr_text_add(out, "null"); return;
    }
}

void mr_json_write(const mr_schema *schema, const mr_batch *in, bool nulls, mr_text *out) {
    mr_assert(schema->count <= in->column_count);
    mr_text names;
    mr_text_init(&names, NULL);
    size_t *ends = mr_heap_raw(sizeof(size_t) * (schema->count + 1));
    for (uint32_t c = 0; c < schema->count; c++) {
        mr_span name = mr_span_of(schema->columns[c].name);
        mr_json_text_quote(name.data, name.bytes, &names);
        mr_text_add_char(&names, ':');
        ends[c] = names.bytes;
    }
    uint32_t rows = in->sel != NULL ? in->sel_count : in->rows;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t row = mr_batch_row(in, i);
        mr_text_add_char(out, '{');
        bool first = true;
        for (uint32_t c = 0; c < schema->count; c++) {
            const mr_vector *vector = &in->columns[c];
            bool null = vector->type.id == MR_NULLTYPE || mr_vector_is_null(vector, row);
            if (null && !nulls) {
                continue;
            }
            if (!first) {
                mr_text_add_char(out, ',');
            }
            first = false;
            size_t from = c == 0 ? 0 : ends[c - 1];
            mr_text_add_bytes(out, names.data + from, ends[c] - from);
            if (null) {
                mr_text_add(out, "null");
            } else {
                write_value(vector, row, out);
            }
        }
        mr_text_add_bytes(out, "}\n", 2);
    }
    mr_heap_free(ends);
    mr_text_release(&names);
}
