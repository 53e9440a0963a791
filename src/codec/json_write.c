// JSON writer: rows as one object a line.

#include <math.h>
#include <string.h>

#include "base/civil.h"
#include "base/numeric.h"
#include "base/shortest.h"
#include "codec/json_decode.h"
#include "column/nested.h"

#define NUMBER_DIGITS_MAX 15

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

static void write_quoted(const mr_vector *vector, uint32_t row, mr_text *out) {
    mr_text_add_char(out, '"');  // None of these texts holds what must be escaped.
    mr_vector_print(vector, row, /* zone= */ NULL, out);
    mr_text_add_char(out, '"');
}

// Most readers of JSON take a number as a double, which holds 15 digits for certain: a column of
// more digits is text.
static void write_numeric(__int128 value, mr_type type, mr_text *out) {
    const char *quote = type.precision > NUMBER_DIGITS_MAX ? "\"" : "";
    mr_text_add(out, quote);
    mr_numeric_print(value, type.scale, out);
    mr_text_add(out, quote);
}

static void write_value(const mr_vector *vector, uint32_t row, mr_text *out);

// The elements of a list as an array, the fields of a struct as an object.
static void write_nested(mr_type type, mr_str value, mr_text *out) {
    mr_span in = {value.data, value.bytes};
    bool list = type.id == MR_LIST;
    uint32_t count = list ? mr_nested_count(&in) : type.fields->count;
    mr_text_add_char(out, list ? '[' : '{');
    for (uint32_t i = 0; i < count; i++) {
        const mr_column *column = &type.fields->columns[list ? 0 : i];
        mr_nested_item item = mr_nested_next(&in, column->type);
        if (i > 0) {
            mr_text_add_char(out, ',');
        }
        if (!list) {
            mr_json_text_quote(column->name, strlen(column->name), out);
            mr_text_add_char(out, ':');
        }
        if (item.null) {
            mr_text_add(out, "null");
            continue;
        }
        json_storage storage;
        mr_vector one = {.type = item.type, .kind = MR_FLAT, .data = &storage};
        mr_nested_store(&item, &one, /* row= */ 0);
        write_value(&one, /* row= */ 0, out);
    }
    mr_text_add_char(out, list ? ']' : '}');
}

static void write_value(const mr_vector *vector, uint32_t row, mr_text *out) {
    uint32_t at = mr_vector_at(vector, row);
    switch (vector->type.id) {
    case MR_BOOL: mr_text_add(out, vector->bools[at] ? "true" : "false"); return;
    case MR_INT16: write_int(vector->int16s[at], out); return;
    case MR_INT32: write_int(vector->int32s[at], out); return;
    case MR_INT64: write_int(vector->int64s[at], out); return;
    case MR_NUMERIC: write_numeric(vector->numerics[at], vector->type, out); return;
    case MR_FLOAT32:
        if (isfinite(vector->float32s[at])) {
            mr_shortest_json_float(vector->float32s[at], out);
        } else {
            mr_text_add(out, "null");
        }
        return;
    case MR_FLOAT64:
        if (isfinite(vector->float64s[at])) {
            mr_shortest_json_double(vector->float64s[at], out);
        } else {
            mr_text_add(out, "null");
        }
        return;
    case MR_TEXT: {
        mr_str text = mr_vector_str(vector, row);
        mr_json_text_quote(text.data, text.bytes, out);
        return;
    }
    case MR_JSON: {
        mr_str text = mr_vector_str(vector, row);
        mr_text_add_bytes(out, text.data, text.bytes);
        return;
    }
    case MR_BYTES: write_hex(mr_vector_str(vector, row), out); return;
    case MR_TIMESTAMP: write_time(vector->int64s[at], /* zone= */ false, out); return;
    case MR_TIMESTAMPTZ: write_time(vector->int64s[at], /* zone= */ true, out); return;
    case MR_UUID:
    case MR_DATE:
    case MR_TIME:
    case MR_INTERVAL: write_quoted(vector, row, out); return;
    case MR_LIST:
    case MR_STRUCT: write_nested(vector->type, mr_vector_str(vector, row), out); return;
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
