// Vector, printing: values as DuckDB writes them to CSV.

#include <string.h>

#include "base/numeric.h"
#include "base/shortest.h"
#include "column/interval.h"
#include "column/nested.h"
#include "column/uuid.h"
#include "column/vector.h"

static void print_bytes(mr_str value, mr_text *out) {
    for (uint32_t i = 0; i < value.bytes; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c >= 32 && c <= 126 && c != '\\' && c != '\'' && c != '"') {
            mr_text_add_char(out, (char)c);
        } else {
            mr_text_addf(out, "\\x%02X", c);
        }
    }
}

// A type without a digit in front of the point prints none there: "-.50".
static void print_numeric(mr_int128 value, mr_type type, mr_text *out) {
    size_t from = out->bytes;
    mr_numeric_print(value, type.scale, out);
    if (type.precision == type.scale && type.scale > 0) {
        char *zero = out->data + from + (value < 0);
        mr_assert(*zero == '0');
        memmove(zero, zero + 1, (size_t)(out->data + out->bytes - zero));
        out->bytes--;
    }
}

// A wall clock is printed as one in UTC, without the offset "+00" behind it.
static void print_timestamp(int64_t us, mr_text *out) {
    mr_civil_print(out, us, /* zone= */ NULL);
    mr_assert(out->bytes >= 3 && memcmp(out->data + out->bytes - 3, "+00", 3) == 0);
    out->bytes -= 3;
    out->data[out->bytes] = 0;
}

void mr_vector_print(const mr_vector *vector, uint32_t row, const mr_zone *zone, mr_text *out) {
    if (mr_vector_is_null(vector, row)) {
        return;
    }
    uint32_t at = mr_vector_at(vector, row);
    switch (vector->type.id) {
    case MR_BOOL: mr_text_add(out, vector->bools[at] != 0 ? "true" : "false"); break;
    case MR_INT16: mr_text_addf(out, "%d", vector->int16s[at]); break;
    case MR_INT32: mr_text_addf(out, "%d", vector->int32s[at]); break;
    case MR_INT64: mr_text_addf(out, "%lld", (long long)vector->int64s[at]); break;
    case MR_NUMERIC: print_numeric(vector->numerics[at], vector->type, out); break;
    case MR_FLOAT32: mr_shortest_print_float(vector->float32s[at], out); break;
    case MR_FLOAT64: mr_shortest_print_double(vector->float64s[at], out); break;
    case MR_JSON:
    case MR_TEXT: {
        mr_str value = mr_vector_str(vector, row);
        mr_text_add_bytes(out, value.data, value.bytes);
        break;
    }
    case MR_BYTES: print_bytes(mr_vector_str(vector, row), out); break;
    case MR_UUID: mr_uuid_print(vector->uuids[at], out); break;
    case MR_DATE: mr_civil_print_date(out, vector->int32s[at]); break;
    case MR_TIME: mr_civil_print_time(out, vector->int64s[at]); break;
    case MR_TIMESTAMP: print_timestamp(vector->int64s[at], out); break;
    case MR_TIMESTAMPTZ: mr_civil_print(out, vector->int64s[at], zone); break;
    case MR_INTERVAL: mr_interval_print(vector->intervals[at], out); break;
    case MR_LIST:
    case MR_STRUCT: {
        mr_str value = mr_vector_str(vector, row);
        mr_nested_print(vector->type, (mr_span){value.data, value.bytes}, zone, out);
        break;
    }
    case MR_NULLTYPE: break;
    case MR_TYPE_COUNT: mr_assert(false); break;
    }
}
